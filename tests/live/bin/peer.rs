//! The programs that the live tests start beside their peers, as one: the guard of child processes, and the echo server.
#![allow(clippy::print_stderr, reason = "a program may say what it wants")]

use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args().skip(1).collect();
    if protocols::guard::is_meant(&args) {
        return ExitCode::from(u8::try_from(protocols::guard::run()).unwrap_or(1));
    }
    match args.split_first() {
        Some((what, rest)) if what == "echo" => testkit::echo::main(rest),
        _ => {
            eprintln!("live-peer: what is to be done?");
            ExitCode::from(2)
        }
    }
}
