//! What was done, by whom, and how it ended: an append-only chain.
//!
//! Values of arguments are never stored, only their shape and a keyed hash.

use serde::{Deserialize, Serialize};

use crate::Json;
use crate::fault::FaultKind;
use crate::id::{AuditId, Millis, ServerId, ToolName};
use crate::policy::Actor;
use crate::tool::Risk;

/// What a row says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum Event {
    /// A call is about to run.
    #[serde(rename_all = "camelCase")]
    Intent {
        /// Which tool.
        tool: ToolName,
        /// Its risk.
        risk: Risk,
        /// Names and types of the arguments, no values.
        args_shape: Json,
        /// Keyed hash of the canonical arguments.
        args_hash: String,
        /// The rule that allowed it.
        rule: String,
        /// The question a person answered, when one was asked.
        approval: Option<String>,
    },
    /// How that call ended.
    #[serde(rename_all = "camelCase")]
    Outcome {
        /// How.
        ending: Ending,
        /// Code of the fault, when there was one.
        code: Option<String>,
        /// Size of the result.
        bytes: u64,
        /// How long it took (ms).
        elapsed_ms: f64,
    },
    /// A call was refused; nothing ran.
    #[serde(rename_all = "camelCase")]
    Refused {
        /// Which tool.
        tool: ToolName,
        /// Its risk.
        risk: Risk,
        /// Names and types of the arguments, no values.
        args_shape: Json,
        /// The rule that refused it.
        rule: String,
    },
    /// Something else that policy cares about: a program accepted, a server added or changed, a policy edited, an import.
    #[serde(rename_all = "camelCase")]
    Note {
        /// A stable word: `server_added`, `start_accepted`, `policy_changed`…
        what: String,
        /// The facts, without secrets.
        detail: Json,
    },
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// The tool answered.
    Done,
    /// The tool answered that it failed.
    ToolError,
    /// There was no usable answer.
    Fault(FaultKind),
    /// The caller gave up.
    Cancelled,
    /// The app ended before the call did; written at the next start.
    Interrupted,
}

/// One row before it is chained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// The reference; an intent and its outcome share it.
    pub id: AuditId,
    /// When.
    pub at: Millis,
    /// Who, through which door.
    pub actor: Actor,
    /// About which server, if any.
    pub server: Option<ServerId>,
    /// That server's name at the time.
    pub server_name: String,
    /// That server's definition at the time.
    pub server_fingerprint: String,
    /// What.
    pub event: Event,
}

/// One row of the chain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// Its place, from 1 without gaps.
    pub seq: u64,
    /// What it says.
    pub entry: Entry,
    /// HMAC-SHA256 over the previous row's mac and this row, in hex.
    pub mac: String,
}

/// What to wait for when a row is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Handed to the writer, who puts it in the WAL at once, in order; used for safe and low calls and for outcomes.
    Queued,
    /// On the disk (`synchronous=FULL`); used for medium and high calls and for notes.
    OnDisk,
}

/// Which rows to list; absent parts fit all.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Filter {
    /// Text in server, tool, reference, actor or rule.
    pub text: Option<String>,
    /// Only this server.
    pub server: Option<ServerId>,
    /// Only from then on.
    pub from: Option<Millis>,
    /// Only until then.
    pub until: Option<Millis>,
    /// Only calls that ended this way: `done`, `tool_error`, `fault`, `cancelled`, `interrupted`, `refused`, `note`, `running`.
    pub ending: Option<String>,
    /// Only rows before this place (paging backwards).
    pub before: Option<u64>,
    /// At most so many; 0 means 200.
    pub limit: u32,
}

/// What [`crate::ports::AuditLog::verify`] found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Verified {
    /// Whether the chain holds.
    pub ok: bool,
    /// How many rows were read.
    pub rows: u64,
    /// The first row that does not hold, or the place of the first missing one.
    pub first_bad: Option<u64>,
    /// What is wrong with it: `changed`, `removed`, `reordered`, `inserted`, `truncated`, `replaced`.
    pub why: Option<String>,
}
