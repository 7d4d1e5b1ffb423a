//! What Pilothouse talks about: types, policy, faults and the traits that leaves implement.
//!
//! **Invariant:** no module here performs I/O, reads a clock or spawns a task.

pub mod act;
pub mod audit;
pub mod call_events;
pub mod child_env;
pub mod cluster;
pub mod exec_credential;
pub mod fault;
pub mod id;
pub mod inside;
pub mod kube;
pub mod kubeconfig;
pub mod local;
pub mod manifest;
pub mod manifest_check;
pub mod manifest_language;
pub mod metrics;
pub mod pem;
pub mod person;
pub mod policy;
pub mod ports;
pub mod protocol;
pub mod reach;
pub mod secret;
pub mod server;
pub mod sign_in;
pub mod text;
pub mod ticket;
pub mod tool;
pub mod vault;

/// The JSON that crosses every seam.
pub type Json = serde_json::Value;
/// A JSON object.
pub type JsonMap = serde_json::Map<String, serde_json::Value>;
