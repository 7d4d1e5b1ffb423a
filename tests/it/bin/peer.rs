//! The programs that journeys start, as one: `it-peer echo …` is the echo server, `it-peer evil …` the evil one.
#![allow(clippy::print_stderr, reason = "a program may say what it wants")]

use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args().skip(1).collect();
    match args.split_first() {
        Some((what, rest)) if what == "echo" => testkit::echo::main(rest),
        Some((what, rest)) if what == "evil" => testkit::evil::main(rest),
        _ => {
            eprintln!("it-peer: echo or evil?");
            ExitCode::from(2)
        }
    }
}
