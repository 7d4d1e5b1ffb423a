//! What an editor of manifests asks for: where a problem is to be shown, which documents there are, what a fix changes in the text.
//!
//! **Invariant:** whatever changes the text keeps everything else of it, comments too; what cannot be done so is refused.

mod lines;
mod outline;
mod repair;

pub(crate) use lines::Lines;
pub(crate) use outline::outline;
pub(crate) use repair::repair;
