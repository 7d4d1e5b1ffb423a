//! The one way to read and write YAML: strict, within budgets, and with the place of every value in the text.
//!
//! **Invariant:** no fault of this crate holds a piece of the text that was read: it may have held a secret.

mod budget;
mod decode;
mod documents;
mod edit;
mod fault;
mod lint;
mod place;
mod tree;

pub use budget::Profile;
pub use decode::decode;
pub use documents::{Document, documents, documents_within};
pub use edit::{Change, EditFault, edit};
pub use fault::{Reason, YamlFault};
pub use lint::{About, Lint};
pub use place::{Path, Place, Spot, Step};
pub use tree::{Entry, Kind, Node, Style, tree};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Reads one document as a value. Nothing after it is allowed but comments and the document's end.
pub fn value(text: &str, profile: &Profile) -> Result<serde_json::Value, YamlFault> {
    read(text, profile)
}

/// Reads one document as a type of ours.
pub fn read<T: DeserializeOwned>(text: &str, profile: &Profile) -> Result<T, YamlFault> {
    budget::look_over(text, profile)?;
    serde_saphyr::from_str_with_options(text, profile.options()).map_err(|fault| YamlFault::of(&fault))
}

/// Writes a value so that every parser reads the same back, those of YAML 1.1 too.
pub fn write<T: Serialize>(value: &T) -> Option<String> {
    serde_saphyr::to_string(value).ok()
}

#[cfg(test)]
mod tests;
