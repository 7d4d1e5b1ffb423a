//! Against servers and suites that others wrote, really started. A peer that is missing fails the test and says what to run.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::disallowed_methods,
    missing_docs,
    unreachable_pub,
    clippy::needless_pass_by_value,
    reason = "these are tests, and they start the peers themselves"
)]

mod cluster;
mod conformance;
mod everything;
mod filesystem;
mod kube_change;
mod kube_inside;
mod kube_look;
mod kube_oracle;
mod kube_watch;
mod kubernetes;
mod line;
mod oidc;
mod peers;
mod python;
mod secret_service;
mod sockets;
mod yaml_readback;
