//! Chores in Rust: `bindings` writes the window's TypeScript and the descriptions of the protocols that its tests are drawn from,
//! `bindings --check` says whether they are fresh.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use ipc::common::ProtocolView;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["bindings"] => write(),
        ["bindings", "--check"] => check(),
        _ => say("usage: xtask bindings [--check]", 2),
    }
}

/// What is written, and where.
fn pages() -> [(PathBuf, String); 2] {
    let window = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../ui/src/ipc");
    [(window.join("bindings.ts"), ipc::table::typescript()), (window.join("fake/protocols.json"), descriptions())]
}

/// The protocols as the window is told of them.
fn descriptions() -> String {
    let views: Vec<ProtocolView> = protocols::registry(Arc::new(toolbox::Toolbox::new(toolbox::Places::default())))
        .iter()
        .map(|protocol| protocol.info().into())
        .collect();
    let mut text = serde_json::to_string_pretty(&views).unwrap_or_default();
    text.push('\n');
    text
}

fn write() -> ExitCode {
    for (path, text) in pages() {
        if let Err(fault) = std::fs::write(&path, text) {
            return say(&format!("could not write {}: {fault}", path.display()), 1);
        }
    }
    ExitCode::SUCCESS
}

fn check() -> ExitCode {
    for (path, text) in pages() {
        if std::fs::read_to_string(&path).is_ok_and(|found| found == text) {
            continue;
        }
        return say(&format!("{} is not what src-tauri/crates says: run `make bindings`", path.display()), 1);
    }
    ExitCode::SUCCESS
}

#[expect(clippy::print_stderr, reason = "a chore talks to the terminal")]
fn say(words: &str, code: u8) -> ExitCode {
    eprintln!("{words}");
    ExitCode::from(code)
}
