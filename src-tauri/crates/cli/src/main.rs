//! The `pilot` command: the guard of a child process when it is started as one, else what the words say.

use std::ffi::OsString;
use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    if let Some(code) = assembly::guard_main(&words) {
        return ExitCode::from(u8::try_from(code).unwrap_or(1));
    }
    // Whatever it is that is wanted: `cli::run` does the rest, when it knows.
    assembly::harden_later();
    ExitCode::from(cli::run(&words))
}
