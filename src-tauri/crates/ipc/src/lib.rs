//! The contract with the window: requests, answers, events, the command table. TypeScript is generated from it (`make bindings`).
//!
//! **Invariant:** no type here can carry a secret's value to the window: settings are masked before they become a [`servers::ServerDetail`].

pub mod activity;
pub mod clusters;
pub mod common;
pub mod consents;
pub mod kube;
pub mod kube_act;
pub mod kube_inside;
pub mod kube_logs;
pub mod kube_usage;
pub mod servers;
pub mod sign_in;
pub mod table;
pub mod tools;
pub mod vault;
pub mod workbench;
