//! Activity, questions and policy.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A row of the activity table: a call with its outcome, a refusal, or a note.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ActivityRow {
    /// Place of the first audit row.
    pub seq: u64,
    /// The reference.
    pub id: String,
    /// When it began (ms).
    pub at: i64,
    /// `window`, `cli`, `assistant`, `relay`.
    pub door: String,
    /// Who.
    pub actor: String,
    /// The server's name; empty when it is about none.
    pub server: String,
    /// The tool, or the note's word.
    pub what: String,
    /// `call` or `note`.
    pub kind: String,
    /// `running`, `done`, `tool_error`, `fault`, `cancelled`, `interrupted`, `refused`, `note`.
    pub ending: String,
    /// Code of the fault.
    pub code: Option<String>,
    /// The tool's risk.
    pub risk: Option<String>,
    /// The rule that decided.
    pub rule: Option<String>,
    /// Names and types of the arguments, or the note's facts.
    #[ts(type = "Json")]
    pub detail: serde_json::Value,
    /// Keyed hash of the arguments.
    pub args_hash: Option<String>,
    /// Size of the result.
    pub bytes: Option<u64>,
    /// How long it took (ms).
    pub elapsed_ms: Option<f64>,
    /// MAC of the first row (hex).
    pub mac: String,
}

/// Which rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ActivityReq {
    /// Text in server, tool, reference, actor or rule.
    pub text: Option<String>,
    /// Only this ending.
    pub ending: Option<String>,
    /// Only this server's id.
    pub server: Option<String>,
    /// Only from then on (ms).
    pub from: Option<i64>,
    /// Only until then (ms).
    pub until: Option<i64>,
    /// Only rows before this place.
    pub before: Option<u64>,
    /// At most so many.
    pub limit: u32,
}

/// What verifying found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct VerifyRes {
    /// Whether the chain holds.
    pub ok: bool,
    /// Rows read.
    pub rows: u64,
    /// The first bad one.
    pub first_bad: Option<u64>,
    /// `changed`, `removed`, `reordered`, `inserted`, `truncated`, `replaced`.
    pub why: Option<String>,
}

/// A question for the person. `matter` is one of: `call`, `start`, `tool_changed`, `form`, `visit`, `sample`, `sign_in`, `credential`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct QuestionView {
    /// Its handle.
    pub id: String,
    /// The server's id.
    pub server: String,
    /// The server's name.
    pub server_name: String,
    /// What is asked.
    #[ts(
        type = "{ kind: 'call', call: string, tool: string, risk: string, args: Json, rule: string, by: string, preview: string | null } | { kind: 'start', what: string, program: { cwd: string | null, variables: string[] } | null, warnings: Words[] } | { kind: 'tool_changed', before: Json, after: Json } | { kind: 'form', message: string, schema: Json } | { kind: 'visit', message: string, url: string } | { kind: 'sample', request: Json } | { kind: 'sign_in', host: string, url: string } | { kind: 'credential', program: string, sha256: string, cluster: string, clusterName: string, apiServer: string }"
    )]
    pub matter: serde_json::Value,
    /// When it was asked (ms).
    pub asked_at: i64,
    /// When it counts as refused (ms).
    pub expires_at: i64,
}

/// An answer to a question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct AnswerReq {
    /// The question.
    pub id: String,
    /// The answer.
    #[ts(
        type = "{ answer: 'yes', scope: 'once' | 'quarter' | 'session' | 'always' } | { answer: 'no', reason: string } | { answer: 'data', data: Json }"
    )]
    pub answer: serde_json::Value,
}

/// One policy rule; an absent part fits everything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct RuleView {
    /// Shown wherever the rule decides.
    pub id: String,
    /// `window`, `cli`, `assistant`, `relay`.
    pub door: Option<String>,
    /// `safe`, `low`, `medium`, `high`.
    pub risk: Option<String>,
    /// Glob over server names.
    pub server: Option<String>,
    /// Glob over tool names.
    pub tool: Option<String>,
    /// `allow`, `ask`, `deny`.
    pub verdict: String,
}

/// A person's own word on a tool's risk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct RiskView {
    /// Glob over server names.
    pub server: String,
    /// Glob over tool names.
    pub tool: String,
    /// `safe`, `low`, `medium`, `high`.
    pub risk: String,
}

/// The policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct PolicyView {
    /// The first that fits decides.
    pub rules: Vec<RuleView>,
    /// Own words on risks; the first that fits counts.
    pub risks: Vec<RiskView>,
    /// What happens where no rule fits: door, risk, verdict.
    pub defaults: Vec<DefaultView>,
}

/// What a door does without a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct DefaultView {
    /// The door.
    pub door: String,
    /// The risk.
    pub risk: String,
    /// `allow`, `ask`, `deny`.
    pub verdict: String,
}
