//! The desktop's entry. A guard of child processes is this same executable under another word.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

fn main() -> std::process::ExitCode {
    pilothouse_lib::main()
}
