//! The numbers: what a call, a connection and a start cost, beside the bare library and the TypeScript SDK in the same run.
//!
//! `bench [--only NAME]… [--json FILE]`. Every client is a process of its own, so that its CPU time and its memory are its own; the
//! rounds of the clients that are compared are interleaved, so that a noisy machine is noisy to all of them. `docs/benchmarks.md`
//! says what each row means. A target that is missed is said and is no failure: this measures.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    missing_docs,
    unreachable_pub,
    reason = "a measurement: what it cannot do stops it at once, and it starts its peers itself"
)]

mod calls;
mod clients;
mod many;
mod places;
mod redaction;
mod row;
mod start;
mod window;
mod worker;

use std::ffi::OsString;
use std::process::ExitCode;

use row::Row;

/// A measurement: its name for `--only`, and what it is about.
type Measurement = (&'static str, &'static str, fn() -> Vec<Row>);

const ALL: &[Measurement] = &[
    ("stdio", "calls over stdio, one caller", calls::stdio),
    ("http", "calls over streamable HTTP on a kept-alive connection, one caller and sixteen", calls::http),
    ("memory", "memory of each further connection", many::memory),
    ("catalogue", "100 servers with 50 tools each: until all are listed, and the search over them", many::catalogue),
    ("idle", "ten connected servers that nobody uses", many::idle),
    ("pilot", "starts of the command", start::pilot),
    ("redaction", "secrets taken out of text", redaction::redaction),
    ("window", "start of the window", window::window),
];

fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    if let Some(code) = assembly::guard_main(&words) {
        return ExitCode::from(u8::try_from(code).unwrap_or(1));
    }
    let words: Vec<String> = words.into_iter().map(|word| word.into_string().expect("arguments are Unicode")).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["worker", rest @ ..] => {
            worker::main(rest);
            ExitCode::SUCCESS
        }
        ["window-worker", home, times] => {
            window::worker(home.as_ref(), times.parse().expect("a number of starts"));
            ExitCode::SUCCESS
        }
        words => measure(words),
    }
}

fn measure(words: &[&str]) -> ExitCode {
    let (mut only, mut json) = (Vec::new(), None);
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match (*word, words.next()) {
            ("--only", Some(name)) if ALL.iter().any(|(known, ..)| known == name) => only.push(*name),
            ("--json", Some(file)) => json = Some(*file),
            _ => {
                eprintln!("bench [--only NAME]... [--json FILE], where NAME is one of:");
                for (name, about, _) in ALL {
                    eprintln!("  {name:<10} {about}");
                }
                return ExitCode::from(2);
            }
        }
    }
    let mut rows = Vec::new();
    for (name, about, run) in ALL {
        if only.is_empty() || only.contains(name) {
            eprintln!("bench: {name}: {about}");
            rows.extend(run());
        }
    }
    println!("{}", row::table(&rows));
    if let Some(file) = json {
        std::fs::write(file, serde_json::to_string_pretty(&rows).expect("rows are JSON")).expect("the file can be written");
    }
    ExitCode::SUCCESS
}
