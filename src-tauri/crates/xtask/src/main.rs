//! Chores in Rust: `bindings` writes the window's TypeScript, `bindings --check` says whether it is fresh.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["bindings"] => write(&bindings_path()),
        ["bindings", "--check"] => check(&bindings_path()),
        _ => say("usage: xtask bindings [--check]", 2),
    }
}

fn bindings_path() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../ui/src/ipc/bindings.ts")
}

fn write(path: &Path) -> ExitCode {
    match std::fs::write(path, ipc::table::typescript()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => say(&format!("could not write {}: {fault}", path.display()), 1),
    }
}

fn check(path: &Path) -> ExitCode {
    if std::fs::read_to_string(path).is_ok_and(|text| text == ipc::table::typescript()) {
        return ExitCode::SUCCESS;
    }
    say("ui/src/ipc/bindings.ts is not what src-tauri/crates/ipc says: run `make bindings`", 1)
}

#[expect(clippy::print_stderr, reason = "a chore talks to the terminal")]
fn say(words: &str, code: u8) -> ExitCode {
    eprintln!("{words}");
    ExitCode::from(code)
}
