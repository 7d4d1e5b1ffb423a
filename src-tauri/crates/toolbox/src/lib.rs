//! The built-in tools behind the local protocol.
