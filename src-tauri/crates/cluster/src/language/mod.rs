//! What an editor of manifests asks for: where a problem is to be shown, which documents there are, what may be typed somewhere and what
//! stands there, what a fix changes in the text, even indentation, manifests to begin with.
//!
//! **Invariant:** whatever changes the text keeps everything else of it, comments too; what cannot be done so is refused.

mod complete;
mod cursor;
mod flow;
mod format;
mod lines;
mod outline;
mod repair;
mod templates;

pub(crate) use complete::{complete, hover};
pub(crate) use format::format;
pub(crate) use lines::Lines;
pub(crate) use outline::outline;
pub(crate) use repair::repair;
pub(crate) use templates::templates;
