//! The guard: a process of our own between the app and a program that it starts.
//!
//! The app starts its own executable again with [`WORD`]; that process starts the program, hands its pipes straight through (no byte is
//! copied), and from then on only watches. **Invariant:** when the guard is gone, so is everything that the program started, whether the
//! program ended, was stopped, went over a limit, or the app itself was killed.
//!
//! On Linux the guard is the subreaper of the tree, so that nothing escapes it by `setsid` or a double fork. On other Unix systems
//! there is no such thing: what is still found through parents and the process group is ended. On Windows programs are not started yet.

#[cfg(unix)]
mod errand;
mod letter;
#[cfg(unix)]
mod tree;
#[cfg(unix)]
mod ward;
#[cfg(unix)]
mod warden;

#[cfg(unix)]
pub use errand::Errands;
pub use letter::{Exit, Limits, Spec};
#[cfg(unix)]
pub(crate) use ward::Ward;

/// The first argument with which our executable becomes a guard.
pub const WORD: &str = "__guard";

/// Whether these arguments (without the executable's name) are for the guard. Doors ask this first thing in `main`.
pub fn is_meant<S: AsRef<std::ffi::OsStr>>(args: &[S]) -> bool {
    args.first().is_some_and(|word| word.as_ref() == WORD)
}

/// Is the guard until the program and all that it started are gone. Answers the exit code for the process.
#[cfg(unix)]
pub fn run() -> i32 {
    warden::run()
}

/// Is the guard until the program and all that it started are gone. Answers the exit code for the process.
#[cfg(not(unix))]
pub fn run() -> i32 {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "programs are not started on this system yet");
    9
}
