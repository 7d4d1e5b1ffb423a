//! desktop
/// run
pub fn run() {}
