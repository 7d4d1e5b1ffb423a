//! Servers: list, detail, settings, test, log, templates, import.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::common::{UiFault, Words};

/// A server in the list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ServerView {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its protocol's id.
    pub protocol: String,
    /// Whether it may be used.
    pub enabled: bool,
    /// `disconnected`, `connecting`, `connected`, `degraded`, `error`, `needs_review`, `disabled`.
    pub state: String,
    /// Since when (ms).
    pub since: i64,
    /// Why it is degraded or failed.
    pub fault: Option<UiFault>,
    /// When the next try is due (ms).
    pub next_try_at: Option<i64>,
    /// What is reached or started, without credentials.
    pub target: String,
    /// Tools that are offered.
    pub tools: u32,
    /// Tools that are held back because their definition changed.
    pub quarantined: u32,
    /// Whether the tools are from the last session, not from this one.
    pub stale: bool,
    /// The last latencies (ms, oldest first), at most 32.
    pub spark: Vec<f64>,
    /// Median latency (ms) over the last 15 minutes.
    pub p50_ms: Option<f64>,
    /// 95th percentile (ms) over the last 15 minutes.
    pub p95_ms: Option<f64>,
    /// Calls over the last 15 minutes.
    pub calls: u32,
    /// Failed calls over the last 15 minutes.
    pub errors: u32,
    /// `window`, `cli`, `import:…`, `built-in`.
    pub origin: String,
}

/// A server as the window edits it. Plain secret values come masked (`•••`) and are kept when they come back masked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ServerForm {
    /// None for a new one.
    pub id: Option<String>,
    /// Its name.
    pub name: String,
    /// Its protocol's id.
    pub protocol: String,
    /// Whether it may be used.
    pub enabled: bool,
    /// Common and own settings together, as the protocol's schema says.
    #[ts(type = "Record<string, Json>")]
    pub settings: serde_json::Map<String, serde_json::Value>,
    /// Connect at the first use.
    pub lazy: bool,
    /// Let go after so many idle seconds; 0 never.
    pub idle_stop_secs: u32,
}

/// Everything about one server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ServerDetail {
    /// As in the list.
    pub view: ServerView,
    /// As it is edited.
    pub form: ServerForm,
    /// What the session found out.
    pub facts: Option<FactsView>,
    /// Listed tools that cannot be used, and why.
    pub rejected: Vec<RejectedView>,
    /// What waits for review, exactly.
    pub review: Option<String>,
    /// Figures over 1 minute, 15 minutes, 24 hours.
    pub figures: Vec<FiguresView>,
}

/// What a session found out about its peer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct FactsView {
    /// The peer's own name.
    pub name: String,
    /// The peer's own version.
    pub version: String,
    /// The agreed revision or dialect.
    pub revision: String,
    /// Abilities by name.
    pub abilities: Vec<String>,
    /// Instructions for models; shown, not obeyed.
    pub instructions: Option<String>,
    /// Process id.
    pub pid: Option<u32>,
}

/// A tool that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct RejectedView {
    /// Its name.
    pub name: String,
    /// Why.
    pub reason: String,
}

/// Figures over a window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct FiguresView {
    /// Length of the window (s): 60, 900, 86400.
    pub window_secs: u32,
    /// The tool; none for the whole server.
    pub tool: Option<String>,
    /// Finished calls.
    pub calls: u32,
    /// Failed ones by code.
    pub errors: BTreeMap<String, u32>,
    /// Median (ms).
    pub p50_ms: Option<f64>,
    /// 95th percentile (ms).
    pub p95_ms: Option<f64>,
    /// 99th percentile (ms).
    pub p99_ms: Option<f64>,
    /// Bytes sent.
    pub bytes_out: u64,
    /// Bytes received.
    pub bytes_in: u64,
    /// Calls per second.
    pub per_second: f64,
}

/// Switch on or off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct EnableReq {
    /// Which.
    pub id: String,
    /// On?
    pub enabled: bool,
}

/// What would be reached or started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct TargetRes {
    /// An URL without credentials, or the exact argv.
    pub target: String,
}

/// Tests a form without saving it. For a program, `consent` must repeat the exact target that the person saw.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct TestReq {
    /// The form.
    pub form: ServerForm,
    /// The target that the person agreed to start.
    pub consent: Option<String>,
}

/// How a test went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct TestRes {
    /// Whether it connected and listed.
    pub ok: bool,
    /// What was reached or started.
    pub target: String,
    /// Why not.
    pub fault: Option<UiFault>,
    /// The tools' names.
    pub tools: Vec<String>,
    /// What was found out.
    pub facts: Option<FactsView>,
    /// How long it took (ms).
    pub elapsed_ms: f64,
    /// Last stderr lines, when a program was started.
    pub stderr: Option<String>,
}

/// One wire frame, redacted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct FrameView {
    /// Place in the log.
    pub seq: u64,
    /// When (ms).
    pub at: i64,
    /// Whether we sent it.
    pub sent: bool,
    /// `json`, `stderr`, `noise`, `http`, `note`.
    pub kind: String,
    /// The text.
    pub text: String,
}

/// A server's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct LogRes {
    /// Wire frames, oldest first.
    pub frames: Vec<FrameView>,
    /// The last stderr text.
    pub stderr: String,
}

/// A template, built-in or the person's own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct TemplateView {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: Words,
    /// What it is for.
    pub about: Words,
    /// `kubernetes`, `ssh`, `streaming`, `local`, `filesystem`, `mine`.
    pub category: String,
    /// Search words.
    pub tags: Vec<String>,
    /// The protocol it uses.
    pub protocol: String,
    /// Whether it came with the app.
    pub built_in: bool,
    /// The form it fills.
    pub form: ServerForm,
    /// What a person should know before using it.
    pub note: Option<Words>,
}

/// Saves a server as a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct TemplateSaveReq {
    /// The server.
    pub server: String,
    /// The template's name.
    pub name: String,
}

/// Text of a file to import.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ImportReq {
    /// The text.
    pub text: String,
    /// Where it came from, for messages and for the servers' origin.
    pub source: String,
    /// When applying: names of the servers to take; all when empty.
    pub take: Vec<String>,
}

/// What an import would do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ImportPreview {
    /// What the text was recognised as.
    pub format: Words,
    /// Server by server.
    pub items: Vec<ImportItem>,
    /// What a person should know.
    pub warnings: Vec<Words>,
}

/// One server of an import.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ImportItem {
    /// Its name.
    pub name: String,
    /// Its protocol.
    pub protocol: String,
    /// `add`, `change`, `same`, `refused`.
    pub action: String,
    /// What would be reached or started, exactly.
    pub target: String,
    /// Whether a program would run once accepted.
    pub starts_program: bool,
    /// Changed fields: name, before, after (secrets masked).
    pub changes: Vec<ImportChange>,
    /// Why it is refused.
    pub fault: Option<UiFault>,
    /// Variables that are not set now.
    pub unset: Vec<String>,
}

/// One changed field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ImportChange {
    /// Which.
    pub field: String,
    /// As it is.
    pub before: String,
    /// As it would be.
    pub after: String,
}

/// What an import did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ImportDone {
    /// Added servers.
    pub added: Vec<String>,
    /// Changed servers.
    pub changed: Vec<String>,
}

/// What to export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ExportReq {
    /// `mcp_config` or `mcp_servers`.
    pub format: String,
    /// Ids; all when empty.
    pub ids: Vec<String>,
}

/// Figures of one window, all servers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct FiguresReq {
    /// Length of the window (s).
    pub window_secs: u32,
    /// Also by tool.
    pub by_tool: bool,
    /// Only this server.
    pub server: Option<String>,
}
