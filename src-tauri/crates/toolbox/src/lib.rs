//! The built-in tools behind the `local` protocol.
//!
//! [`Toolbox`] implements `domain::local::LocalTools`: one row a module. A tool runs on a thread of its own ([`apart`]), so that one
//! that panics or never ends takes nobody with it.

pub mod apart;
pub mod filesystem;
pub mod kubernetes;
mod modules;

pub use kubernetes::Clustering;
pub use modules::{Places, Toolbox};
