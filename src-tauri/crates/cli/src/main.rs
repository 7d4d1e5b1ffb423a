//! pilot.
fn main() {}
