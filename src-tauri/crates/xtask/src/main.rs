//! Chores in Rust: bindings, docs, tidy.
fn main() {}
