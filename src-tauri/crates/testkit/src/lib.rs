//! Fakes that behave, and the suites that every implementation must pass.
//!
//! A fake here is a peer or a port that works, with switches for the ways in which real ones fail; none of them expects a call.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    clippy::needless_pass_by_value,
    clippy::result_large_err,
    reason = "only tests link this crate: a fake that cannot go on should stop the test at once, and owns its own tasks and clock"
)]

pub mod contract;
pub mod echo;
pub mod evil;
#[cfg(test)]
mod from_the_wire;
pub mod issuer;
pub mod kube;
pub mod kubelet;
pub mod memory;
pub mod memory_changes;
pub mod memory_rows;
pub mod memory_vault;
pub mod openapi;
pub mod predecessor;
pub mod python;
pub mod rest;
pub mod scripted;
pub mod scripted_reach;
pub mod stage;
pub mod testcluster;
pub mod web;
