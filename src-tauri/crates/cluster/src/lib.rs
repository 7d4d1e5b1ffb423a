//! Clusters: kubeconfigs are read, reviewed, taken apart and rewritten here, and clusters are reached.
//!
//! **Invariant:** nothing here believes a kubeconfig. What it names is not read, run, resolved or connected before a person agreed, and no
//! fault holds a piece of what was read. A definition that says "read only" is held here, below every door: a request that could change
//! something does not leave.

use k8s_openapi as _; // named for its feature, which picks the version of the API

pub mod change;
mod connect;
mod credential;
mod exec;
mod fault;
mod gate;
pub mod inside;
pub mod kubeconfig;
mod language;
pub mod look;
mod no_proxy;
mod oidc;
mod reach;
pub mod trust;
pub mod validate;
mod watch;

pub use change::Changes;
pub use inside::Insides;
pub use kubeconfig::{Helper, KubeFiles};
pub use look::Look;
pub use reach::{Reach, ReachParts};
