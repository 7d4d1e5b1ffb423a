//! Every way of reaching a tool server: one file a protocol under [`wire`], and the MCP core that most of them share in [`mcp`].

pub mod guard;
pub mod mcp;
pub mod wire;

pub use wire::registry;
