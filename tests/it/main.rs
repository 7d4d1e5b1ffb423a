//! Journeys over behaving fakes, the registries' suites, and the architecture: one binary.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr, missing_docs, reason = "these are tests")]

mod architecture;
mod contract;
mod desk;
mod fs_tools;
mod subprocess;
mod house;
mod sessions;
