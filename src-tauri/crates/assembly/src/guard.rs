//! The door of the guard.

use std::ffi::OsStr;

/// Runs the guard of a child process when these words (without the executable's name) are for it, and answers the exit code. Both doors
/// call it first thing in `main`: a guard needs no store, no window and no runtime of theirs.
pub fn guard_main<S: AsRef<OsStr>>(words: &[S]) -> Option<i32> {
    protocols::guard::is_meant(words).then(protocols::guard::run)
}
