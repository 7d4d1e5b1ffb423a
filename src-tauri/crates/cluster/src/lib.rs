//! Clusters: kubeconfigs are read, reviewed, taken apart and rewritten here.
//!
//! **Invariant:** nothing here believes a kubeconfig. What it names is not read, run, resolved or connected before a person agreed, and no
//! fault holds a piece of what was read.

pub mod kubeconfig;
pub mod trust;

pub use kubeconfig::{Helper, KubeFiles};
