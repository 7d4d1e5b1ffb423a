//! What an editor of manifests asks for: marks, the outline, changes of the text. Columns and offsets count UTF-16 code units, as editors do.

use serde::{Deserialize, Serialize};

use crate::manifest_check::{CheckReport, FixEdit};
use crate::text::Text;

/// A piece of a text becomes something else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TextEdit {
    /// Where it begins, in UTF-16 code units from the start of the text.
    pub from: usize,
    /// Where it ends.
    pub to: usize,
    /// What stands there afterwards.
    pub insert: String,
}

/// A piece of a text; lines from 1, columns from 1 in UTF-16 code units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Mark {
    /// Where it begins.
    pub line: u32,
    /// Where it begins.
    pub column: u32,
    /// Where it ends.
    pub end_line: u32,
    /// Where it ends: one past its last unit.
    pub end_column: u32,
}

/// A document of a text, as far as it can be told even where the text cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OutlineItem {
    /// From 1; empty documents do not count.
    pub document: usize,
    /// Its first line with content.
    pub line: u32,
    /// Its last line with content.
    pub end_line: u32,
    /// `apps/v1`; empty when it does not say.
    pub api_version: String,
    /// `Deployment`; empty when it does not say.
    pub kind: String,
    /// Its namespace.
    pub namespace: Option<String>,
    /// Its name.
    pub name: Option<String>,
}

/// What a check found, and where an editor shows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Inspection {
    /// What was found.
    pub report: CheckReport,
    /// One for each problem, in their order.
    pub marks: Vec<Mark>,
    /// The documents.
    pub outline: Vec<OutlineItem>,
}

impl FixEdit {
    /// What a button says that makes this change.
    pub fn label(&self) -> Text {
        match self {
            Self::Set(value) => {
                let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                Text::new(format!("Set to {value}"), format!("设为 {value}"))
            }
            Self::Rename(name) => Text::new(format!("Rename to {name}"), format!("改名为 {name}")),
            Self::Remove => Text::new("Remove", "移除"),
        }
    }
}

/// What may be typed at a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Completion {
    /// Where the word begins that it takes the place of, in UTF-16 code units from the start of the text.
    pub from: usize,
    /// Where that word ends.
    pub to: usize,
    /// What is offered, what is wanted most first.
    pub items: Vec<CompletionItem>,
}

/// One thing that may be typed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CompletionItem {
    /// Its name.
    pub label: String,
    /// What stands there when it is taken.
    pub insert: String,
    /// What it is.
    pub kind: CompletionKind,
    /// The type of its value, or where it belongs.
    pub type_name: String,
    /// Whether it must be there.
    pub required: bool,
    /// What its schema says of it.
    pub about: String,
    /// Whether it should not be used any more.
    pub deprecated: bool,
}

/// What a completion is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CompletionKind {
    /// A key.
    Key,
    /// A value.
    Value,
    /// Several lines.
    Snippet,
}

/// What stands at a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hover {
    /// Where in its object.
    pub path: String,
    /// The type of the value.
    pub type_name: String,
    /// Whether it must be there.
    pub required: bool,
    /// What its schema says of it.
    pub about: String,
    /// What may stand there, where that is a list.
    pub allowed: Vec<String>,
    /// Where the word begins, in UTF-16 code units from the start of the text.
    pub from: usize,
    /// Where it ends.
    pub to: usize,
}

/// A manifest to begin with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ManifestTemplate {
    /// Its stable name.
    pub id: String,
    /// What it is called.
    pub title: Text,
    /// What it is for.
    pub about: Text,
    /// The manifest.
    pub text: String,
}

/// A place in a text that is being typed, and what it is held against.
#[derive(Debug, Clone, Default)]
pub struct PlaceOrder {
    /// The text.
    pub text: String,
    /// The cursor's line, from 1.
    pub line: u32,
    /// The cursor's column, from 1 in UTF-16 code units.
    pub column: u32,
    /// The Kubernetes minor whose schemas count; the cluster's, else the newest that is bundled.
    pub version: Option<String>,
}
