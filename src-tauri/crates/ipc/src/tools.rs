//! Tools: search, detail, call, history, and the other abilities of a session.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::common::UiFault;

/// A tool in the list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ToolView {
    /// The server's id.
    pub server: String,
    /// The server's name.
    pub server_name: String,
    /// The tool's name.
    pub name: String,
    /// A title for people.
    pub title: Option<String>,
    /// The first line of its description, with odd characters shown as escapes.
    pub summary: String,
    /// `safe`, `low`, `medium`, `high`.
    pub risk: String,
    /// Whether it is held back because its definition changed.
    pub quarantined: bool,
    /// Whether it is from the last session.
    pub stale: bool,
}

/// One tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ToolReq {
    /// The server's id.
    pub server: String,
    /// The tool's name.
    pub tool: String,
}

/// Everything about a tool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ToolDetail {
    /// As in the list.
    pub view: ToolView,
    /// The whole description, with odd characters shown as escapes.
    pub description: String,
    /// JSON Schema of the arguments.
    #[ts(type = "Json")]
    pub input_schema: serde_json::Value,
    /// JSON Schema of the structured result.
    #[ts(type = "Json | null")]
    pub output_schema: Option<serde_json::Value>,
    /// The server's own claims.
    #[ts(type = "Json")]
    pub annotations: serde_json::Value,
    /// Why the risk is what it is.
    pub risk_reason: crate::common::Words,
    /// What this window's policy does with it: `allow`, `ask`, `deny`.
    pub verdict: String,
    /// The rule that says so.
    pub rule: String,
    /// The accepted definition, when it differs.
    #[ts(type = "Json | null")]
    pub accepted: Option<serde_json::Value>,
    /// Arguments that the configuration fills in.
    #[ts(type = "Record<string, Json>")]
    pub default_parameters: serde_json::Map<String, serde_json::Value>,
}

/// Runs a tool. Progress comes on the channel; the answer is a [`CallDone`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ToolCallReq {
    /// The server's id.
    pub server: String,
    /// The tool's name.
    pub tool: String,
    /// The arguments.
    #[ts(type = "Record<string, Json>")]
    pub args: serde_json::Map<String, serde_json::Value>,
    /// The window's own handle (a UUID), for Cancel.
    pub call_id: String,
    /// Patience (s) other than the server's.
    pub timeout: Option<f64>,
}

/// Something that happened during a call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum ToolCallEvent {
    /// How far it is.
    Progress {
        /// Done.
        progress: f64,
        /// Of so much.
        total: Option<f64>,
        /// In the server's words.
        message: Option<String>,
    },
    /// A piece of a streamed result.
    Chunk {
        /// The piece.
        #[ts(type = "Json")]
        data: serde_json::Value,
    },
    /// A log message.
    Log {
        /// Level.
        level: String,
        /// What it says.
        #[ts(type = "Json")]
        data: serde_json::Value,
    },
}

/// How a call ended with an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct CallDone {
    /// Whether the tool says that it failed.
    pub is_error: bool,
    /// MCP content blocks.
    #[ts(type = "Json[]")]
    pub content: Vec<serde_json::Value>,
    /// The structured result.
    #[ts(type = "Json | null")]
    pub structured_content: Option<serde_json::Value>,
    /// The reference.
    pub audit_id: String,
    /// How long it took (ms).
    pub elapsed_ms: f64,
    /// Why the result does not fit the tool's output schema, when it does not.
    pub misfit: Option<String>,
    /// Whether it came from the result cache.
    pub cached: bool,
}

/// A past call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct PastCallView {
    /// The reference.
    pub audit_id: String,
    /// When it ended (ms).
    pub at: i64,
    /// The server's id.
    pub server: String,
    /// The tool.
    pub tool: String,
    /// The arguments, redacted.
    #[ts(type = "Record<string, Json>")]
    pub args: serde_json::Map<String, serde_json::Value>,
    /// The result or the fault, redacted.
    #[ts(type = "Json")]
    pub result: serde_json::Value,
    /// Whether it went well.
    pub ok: bool,
    /// How long it took (ms).
    pub elapsed_ms: f64,
}

/// Which past calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct HistoryReq {
    /// Only this server.
    pub server: Option<String>,
    /// Only this tool.
    pub tool: Option<String>,
    /// At most so many.
    pub limit: u32,
}

/// The same call for a terminal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct CommandReq {
    /// The server's id.
    pub server: String,
    /// The tool's name.
    pub tool: String,
    /// The arguments.
    #[ts(type = "Record<string, Json>")]
    pub args: serde_json::Map<String, serde_json::Value>,
}

/// The same call for a terminal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct CommandRes {
    /// A `pilot call …` line.
    pub pilot: String,
    /// A `curl` line, for protocols where one request does it; secrets stand as `${NAME}`.
    pub curl: Option<String>,
}

/// What a session offers beside tools.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct OffersRes {
    /// MCP `Resource[]`.
    #[ts(type = "Json[]")]
    pub resources: Vec<serde_json::Value>,
    /// MCP `ResourceTemplate[]`.
    #[ts(type = "Json[]")]
    pub templates: Vec<serde_json::Value>,
    /// MCP `Prompt[]`.
    #[ts(type = "Json[]")]
    pub prompts: Vec<serde_json::Value>,
    /// What could not be listed.
    pub faults: Vec<UiFault>,
}

/// Reads a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ResourceReq {
    /// The server's id.
    pub server: String,
    /// The resource.
    pub uri: String,
}

/// Gets a prompt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct PromptReq {
    /// The server's id.
    pub server: String,
    /// The prompt.
    pub name: String,
    /// Its arguments.
    #[ts(type = "Record<string, Json>")]
    pub args: serde_json::Map<String, serde_json::Value>,
}

/// MCP JSON as it came.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct JsonRes {
    /// The JSON.
    #[ts(type = "Json")]
    pub json: serde_json::Value,
}
