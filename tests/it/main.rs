//! Journeys over behaving fakes, the registries' suites, and the architecture: one binary.
#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::print_stderr,
    missing_docs,
    reason = "these are tests"
)]

mod architecture;
mod audit_chain;
mod cli_contract;
mod cluster_checks;
mod cluster_cli;
mod cluster_login;
mod cluster_login_cli;
mod cluster_reach;
mod cluster_settings;
mod contract;
mod credential_asking;
mod credential_door;
mod credentials;
mod desk;
mod durability;
mod evil;
mod fs_tools;
mod home;
mod house;
mod imports;
mod killed;
mod kube_inside;
mod kube_look;
mod kubeconfig;
mod kubeconfig_cli;
mod mcp_core;
mod oauth;
mod sessions;
mod stream_http;
mod subprocess;
mod terminal;
mod validate;
mod vault;
mod vault_call;
mod vault_cli;
mod wires;
mod wires_http;
mod wires_sse;
mod wires_websocket;
mod workbench;
