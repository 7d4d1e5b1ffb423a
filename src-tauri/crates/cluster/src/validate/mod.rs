//! Manifests are checked before anybody sends them: against schemas, against what the API server checks by hand, against one another, against
//! what is wise, and against the Pod Security Standards.
//!
//! **Invariant:** no message holds a value of a manifest except names of fields, objects and kinds: a value may be a secret.

mod bundle;
mod check;
mod checker;
mod format;
mod found;
mod meta;
mod objects;
mod online;
mod pods;
mod references;
mod rules;
pub(crate) mod schema;
mod security;
mod versions;
mod walk;

pub use bundle::{bundled, versions};
pub use check::{Manner, changed, check, fixed};
pub use checker::Checker;
pub use rules::rules;
pub use schema::Schemas;

#[cfg(test)]
mod tests;
