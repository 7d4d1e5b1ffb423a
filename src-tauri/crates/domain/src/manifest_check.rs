//! Whether manifests are right, before anybody sends them: what is asked, what is found, and the port that answers.

use std::collections::BTreeMap;
use std::ops::Range;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::Json;
use crate::cluster::ClusterDef;
use crate::fault::Fault;
use crate::id::ClusterId;
use crate::manifest_language::{Completion, Hover, Inspection, ManifestTemplate, OutlineItem, PlaceOrder, TextEdit};
use crate::text::Text;

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// It would be refused, or was set to block.
    Error,
    /// It may be meant.
    Warning,
}

/// What becomes of a lint's findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LintLevel {
    /// Nothing.
    Off,
    /// They are warnings.
    Warn,
    /// They are errors.
    Block,
}

/// A level of the Pod Security Standards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PodLevel {
    /// No known way to more rights.
    Baseline,
    /// Hardened.
    Restricted,
}

/// A change of the text that would put a problem right.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FixEdit {
    /// The value at the problem's path becomes this.
    Set(Json),
    /// The key at the problem's path becomes this.
    Rename(String),
    /// The value at the problem's path goes.
    Remove,
}

/// Something that is wrong, or may be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// In which document, from 1; 0 when the text cannot be read at all.
    pub document: usize,
    /// From 1; 0 when it is about the whole text.
    pub line: u32,
    /// From 1; 0 when it is about the whole text.
    pub column: u32,
    /// How bad.
    pub severity: Severity,
    /// A stable name; `docs/user-guide/validation.md` lists them.
    pub rule: String,
    /// Where in the document, as the API server writes it.
    pub path: String,
    /// What is wrong.
    pub message: Text,
    /// What may stand there instead, where that is a list.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed: Vec<String>,
    /// A change that would put it right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<FixEdit>,
    /// The path from the root of the document: longer than `path` for an object in a list of objects.
    #[serde(skip)]
    pub whole: String,
    /// The bytes of the text that it is about, a mark at the beginning left out; empty when only where it begins is known.
    #[serde(skip)]
    pub bytes: Range<usize>,
}

/// What to check, and how.
#[derive(Debug, Clone, Default)]
pub struct CheckOrder {
    /// The text, as its bytes came.
    pub manifest: Vec<u8>,
    /// The Kubernetes minor whose schemas and removals count, such as `1.36`; the cluster's, else the newest that is bundled.
    pub version: Option<String>,
    /// A level of the Pod Security Standards that must be kept.
    pub level: Option<PodLevel>,
    /// Lints that are not as usual.
    pub lints: BTreeMap<String, LintLevel>,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckReport {
    /// Whether there is no error.
    pub ok: bool,
    /// In the order of the text.
    pub problems: Vec<Problem>,
    /// The Kubernetes version that it was held against.
    pub version: String,
    /// How many objects there were.
    pub objects: usize,
}

/// A rule that can find something.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RuleInfo {
    /// Its stable name.
    pub id: &'static str,
    /// What becomes of its findings unless somebody says otherwise.
    pub level: LintLevel,
    /// Whether somebody may say otherwise.
    pub adjustable: bool,
    /// What it asks for, and why.
    pub about: Text,
}

/// Checks manifests.
///
/// Faults: `unknown_version`, `unknown_lint` (`usage`), and those of reaching the cluster.
#[async_trait]
pub trait CheckManifests: Send + Sync + std::fmt::Debug {
    /// Checks a text; against what a cluster serves where one is given.
    async fn check(&self, order: &CheckOrder, cluster: Option<&ClusterDef>) -> Result<CheckReport, Fault>;
    /// Every rule that there is.
    fn rules(&self) -> Vec<RuleInfo>;
    /// The minors of Kubernetes whose schemas are here, oldest first.
    fn versions(&self) -> Vec<String>;
    /// The same check for an editor: with marks and the outline.
    async fn inspect(&self, order: &CheckOrder, cluster: Option<&ClusterDef>) -> Result<Inspection, Fault>;
    /// The documents of a text, also of one that cannot be read.
    fn outline(&self, text: &str) -> Vec<OutlineItem>;
    /// What a problem's fix changes in the text. Fault: `fix_unsafe` where more than that would change.
    async fn repair(&self, text: &str, document: usize, path: &str, fix: &FixEdit) -> Result<Vec<TextEdit>, Fault>;
    /// What may be typed at a place.
    async fn complete(&self, order: &PlaceOrder, cluster: Option<&ClusterDef>) -> Result<Completion, Fault>;
    /// What stands at a place; none where nothing can be said.
    async fn hover(&self, order: &PlaceOrder, cluster: Option<&ClusterDef>) -> Result<Option<Hover>, Fault>;
    /// The text with even indentation. Faults: `manifest_invalid`, and `format_unsafe` where it would say something else.
    async fn format(&self, text: &str) -> Result<String, Fault>;
    /// Manifests to begin with.
    fn templates(&self) -> Vec<ManifestTemplate>;
}

/// Where the settings keep the lints of a cluster that are not as usual: an object of levels by the lint's name.
pub fn lints_key(cluster: &ClusterId) -> String {
    format!("lints:{}", cluster.as_str())
}
