//! What the app answers, in the words of its users. Doors turn these into tables, JSON and pages.

use std::sync::Arc;

use domain::audit::Ending;
use domain::fault::Fault;
use domain::id::{AuditId, CallId, Millis, ServerId, ToolName};
use domain::policy::{Actor, Verdict};
use domain::server::{PeerFacts, ServerDef, ServerState};
use domain::text::Text;
use domain::tool::{RejectedTool, Risk, Tool};
use domain::{Json, JsonMap};
use serde::Serialize;

/// A saved server and how it is.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServerView {
    /// The definition, references unexpanded.
    pub def: ServerDef,
    /// Its state.
    pub state: ServerState,
    /// Since when.
    pub since: Millis,
    /// What the peer said of itself, now or when it was last seen.
    pub facts: Option<PeerFacts>,
    /// Tools that can be called.
    pub tools_count: usize,
    /// Tools that cannot, and why.
    pub rejected: Vec<RejectedTool>,
    /// Why the tool list is not whole, when it is not.
    pub partial: Option<String>,
    /// Tools whose definition changed since it was accepted.
    pub quarantined_count: usize,
    /// Whether the tools are as they were last seen, not as they are now.
    pub stale: bool,
    /// The last fault, also after things went well again.
    pub last_error: Option<Fault>,
    /// Whether this definition was accepted by a person; else it needs review.
    pub accepted: bool,
    /// What would be started or reached, references unexpanded.
    pub target: String,
    /// Calls that run now.
    pub running: usize,
    /// Median of the last latencies (ms).
    pub latency_ms: Option<f64>,
}

/// One tool of one server.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolView {
    /// Whose it is.
    pub server: ServerId,
    /// That server's name.
    pub server_name: String,
    /// The tool, with invisible characters in its words shown as escapes.
    pub tool: Arc<Tool>,
    /// How risky a run is, everything considered.
    pub risk: Risk,
    /// What changed since it was accepted, when it did: it cannot be called until somebody accepts the change.
    pub quarantined: Option<Arc<ToolDiff>>,
    /// Whether this is how it was last seen, not how it is now.
    pub stale: bool,
}

/// What would happen if somebody ran a tool now.
#[derive(Debug, Clone, PartialEq)]
pub struct Outlook {
    /// What the policy says.
    pub verdict: Verdict,
    /// The rule that says it.
    pub rule: String,
    /// Why the risk is what it is.
    pub risk_reason: Text,
    /// Arguments that the configuration fills in.
    pub default_parameters: JsonMap,
}

/// A tool as it was accepted and as it is now.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolDiff {
    /// As it was accepted.
    pub before: Tool,
    /// As it is now.
    pub after: Tool,
    /// Which parts differ: `title`, `description`, `inputSchema`, `outputSchema`, `annotations`.
    pub changed: Vec<&'static str>,
}

/// One line of the activity list: a call from intent to outcome, a refusal, or a note.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CallRow {
    /// Place of the first row in the chain.
    pub seq: u64,
    /// The reference.
    pub id: AuditId,
    /// When it began.
    pub at: Millis,
    /// Who, through which door.
    pub actor: Actor,
    /// Which server.
    pub server: Option<ServerId>,
    /// Its name at the time.
    pub server_name: String,
    /// `running`, `done`, `tool_error`, `fault`, `cancelled`, `interrupted`, `refused`, `note`.
    pub status: &'static str,
    /// How it ended, when it ended.
    pub ending: Option<Ending>,
    /// Which tool.
    pub tool: Option<ToolName>,
    /// Its risk.
    pub risk: Option<Risk>,
    /// Names and types of the arguments.
    pub args_shape: Json,
    /// Keyed hash of the arguments.
    pub args_hash: Option<String>,
    /// The rule that allowed or refused it.
    pub rule: Option<String>,
    /// The question a person answered.
    pub approval: Option<String>,
    /// Code of the fault.
    pub code: Option<String>,
    /// Size of the result.
    pub bytes: Option<u64>,
    /// How long it took (ms).
    pub elapsed_ms: Option<f64>,
    /// A note's word.
    pub what: Option<String>,
    /// A note's facts.
    pub detail: Json,
    /// MAC of the first row (hex).
    pub mac: String,
}

/// A call that runs now.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunningCall {
    /// Its handle.
    pub call: CallId,
    /// Which server.
    pub server: ServerId,
    /// Which tool.
    pub tool: ToolName,
    /// Since when.
    pub since: Millis,
}

/// What a try of a definition found, before it is saved.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TestReport {
    /// Whether it connected and listed its tools.
    pub ok: bool,
    /// What was reached or started.
    pub target: String,
    /// How far it came.
    pub state: ServerState,
    /// What the peer said of itself.
    pub facts: Option<PeerFacts>,
    /// Names of the tools.
    pub tools: Vec<String>,
    /// Tools that cannot be used, and why.
    pub rejected: Vec<RejectedTool>,
    /// From the start until the tools were listed (ms).
    pub elapsed_ms: f64,
    /// Why not.
    pub fault: Option<Fault>,
    /// The last stderr lines, where there is a process.
    pub stderr: Option<String>,
}

/// How a server is, asked now.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HealthView {
    /// Its handle.
    pub id: ServerId,
    /// Its name.
    pub server: String,
    /// Its protocol.
    #[serde(rename = "type")]
    pub protocol: String,
    /// The state's word.
    pub state: &'static str,
    /// Why it is not well.
    pub reason: Option<Fault>,
    /// How long the check took (ms).
    pub latency_ms: Option<f64>,
    /// Since when it is in this state.
    pub since: Millis,
}

/// A line of the wire, secrets redacted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FrameView {
    /// When.
    pub at: Millis,
    /// Whether we sent it.
    pub sent: bool,
    /// `json`, `stderr`, `noise`, `http`, `note`.
    pub kind: &'static str,
    /// The text.
    pub text: String,
}

/// A log message of a server, secrets redacted.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LogView {
    /// When.
    pub at: Millis,
    /// RFC 5424 level in lower case.
    pub level: String,
    /// What it says.
    pub data: Json,
}
