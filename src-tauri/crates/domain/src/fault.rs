//! Why something was not done, in a form that code can branch on and a person can act on.

mod words;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Json;
use crate::id::AuditId;
use crate::text::Text;

/// What sort of failure it was. A kind exists because somebody branches on it; [`FaultKind::exit_code`] is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// The request itself makes no sense.
    Usage,
    /// The thing that was named does not exist.
    NotFound,
    /// Settings, an import or a reference in them do not fit.
    Config,
    /// Nobody answered there, or the peer ended.
    Unreachable,
    /// There was an answer to wait for, and it did not come in time.
    Timeout,
    /// The peer wants (other) credentials.
    Auth,
    /// Policy, a person or a missing approval said no.
    Denied,
    /// The peer broke the protocol or a limit of ours.
    Protocol,
    /// The caller gave up.
    Cancelled,
    /// Our store could not be read or written.
    Storage,
    /// A defect of ours.
    Internal,
}

impl FaultKind {
    /// The exit code of `pilot` for this kind.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Usage => 2,
            Self::Config | Self::NotFound => 3,
            Self::Unreachable | Self::Timeout => 4,
            Self::Auth => 5,
            Self::Denied => 6,
            Self::Protocol => 7,
            Self::Cancelled => 8,
            Self::Storage | Self::Internal => 9,
        }
    }
}

/// A fault as every door shows it: what was attempted on what, why not, what to do next, and the reference to quote.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fault {
    /// What sort it is.
    pub kind: FaultKind,
    /// A stable name such as `message_too_large`; scripts may branch on it.
    pub code: String,
    /// What was attempted, on what, and why not.
    pub message: Text,
    /// What can be done about it; empty when nothing can.
    pub hint: Text,
    /// The facts, as fields (server, phase, limit…).
    pub params: Json,
    /// The audit reference, when a row was written.
    pub reference: Option<AuditId>,
}

impl Fault {
    /// A fault with no facts yet.
    pub fn new(kind: FaultKind, code: impl Into<String>, message: Text, hint: Text) -> Self {
        Self { kind, code: code.into(), message, hint, params: Json::Null, reference: None }
    }

    /// The same fault with its facts.
    #[must_use]
    pub fn with_params(mut self, params: Json) -> Self {
        self.params = params;
        self
    }

    /// The same fault with the reference a user can quote.
    #[must_use]
    pub fn with_reference(mut self, id: &AuditId) -> Self {
        self.reference = Some(id.clone());
        self
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message.en)
    }
}

impl std::error::Error for Fault {}

/// The part of a call's life in which patience ran out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Name lookup, TCP, TLS.
    Connect,
    /// The first exchange: upgrade, initialize, discover, first event.
    Handshake,
    /// No byte or progress for as long as the request may idle.
    Idle,
    /// The hard total, whatever progress there was.
    Total,
    /// Asking whether the peer is well.
    Health,
    /// Ending the session.
    Close,
}

impl Phase {
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Connect => ("connecting", "建立连接"),
            Self::Handshake => ("the handshake", "握手"),
            Self::Idle => ("waiting for an answer", "等待应答"),
            Self::Total => ("the whole request", "整个请求"),
            Self::Health => ("the health check", "健康检查"),
            Self::Close => ("closing", "关闭"),
        }
    }
}

/// What went wrong between us and a tool server. One variant per answer a person needs; see `docs/reference/faults.md`.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "the fields are the words of each variant's message")]
pub enum ServerFault {
    /// The settings do not decode for this protocol.
    #[error("the settings do not fit: {field}: {reason}")]
    Settings { field: String, reason: String },
    /// The program could not be started.
    #[error("could not start {program}: {reason}")]
    SpawnFailed { program: String, reason: String },
    /// Nobody has agreed to start this program, or its definition changed since.
    #[error("{what} needs a person's consent before it starts")]
    ConsentRequired { what: String },
    /// Patience ran out.
    #[error("no answer within {} s during {}", after.as_secs_f32(), phase.words().0)]
    Timeout { phase: Phase, after: Duration },
    /// The caller gave up.
    #[error("cancelled")]
    Cancelled,
    /// The program ended.
    #[error("the program ended ({how})")]
    ServerExited { how: String, stderr_tail: String },
    /// Nobody listens there, or the name does not resolve.
    #[error("could not reach {peer}: {reason}")]
    Unreachable { peer: String, reason: String },
    /// The link broke. `lost_result` says that a call may have been carried out.
    #[error("the connection was lost: {reason}")]
    ConnectionLost { reason: String, lost_result: bool },
    /// The peer broke a rule of the protocol.
    #[error("the server broke the protocol: {rule}")]
    ProtocolViolation { rule: String },
    /// A message is over the limit.
    #[error("a message is larger than {limit} bytes")]
    MessageTooLarge { limit: usize },
    /// Bytes that are no UTF-8.
    #[error("invalid UTF-8 at byte {offset}")]
    InvalidUtf8 { offset: usize },
    /// Text that is no JSON.
    #[error("invalid JSON at byte {offset}: {reason}")]
    InvalidJson { offset: usize, reason: String },
    /// No revision in common.
    #[error("the server speaks {offered}; Pilothouse speaks {ours}")]
    UnsupportedVersion { offered: String, ours: String },
    /// Credentials are wanted and there are none.
    #[error("the server asks for credentials{}", if scheme.is_empty() { String::new() } else { format!(" ({scheme})") })]
    AuthRequired { scheme: String },
    /// Credentials were refused.
    #[error("the server refused the credentials: {reason}")]
    AuthFailed { reason: String },
    /// TLS did not come about.
    #[error("TLS failed: {reason}")]
    TlsFailed { reason: String },
    /// A redirect that we do not follow.
    #[error("refused a redirect to {to}: {reason}")]
    RedirectRefused { to: String, reason: String },
    /// An address that we do not call.
    #[error("refused the address {address}: {reason}")]
    AddressRefused { address: String, reason: String },
    /// A body that swells beyond the limit when decompressed.
    #[error("a compressed body grew beyond {limit} bytes")]
    DecompressionLimit { limit: usize },
    /// The server, or our own limit for it, says: slower.
    #[error("too many requests; try again in {} s", retry_after.as_secs())]
    RateLimited { retry_after: Duration },
    /// A status that says nothing better.
    #[error("HTTP {status}: {body}")]
    HttpStatus { status: u16, body: String },
    /// A JSON-RPC error that the server chose to give.
    #[error("the server answered with error {code}: {message}")]
    Rpc { code: i64, message: String, data: Json },
    /// A tool's definition cannot be used.
    #[error("the definition of {tool} cannot be used: {reason}")]
    ToolDefinitionRejected { tool: String, reason: String },
    /// A tool's definition differs from the one that was accepted.
    #[error("the definition of {tool} changed since it was accepted")]
    ToolChanged { tool: String },
    /// The server has no such tool (or resource, or prompt).
    #[error("there is no {what} named {name}")]
    NoSuch { what: &'static str, name: String },
    /// Arguments do not fit the tool's schema.
    #[error("the arguments do not fit: {path}: {reason}")]
    SchemaInvalid { path: String, reason: String },
    /// A result does not fit what the tool promised.
    #[error("the result does not fit the tool's output schema: {reason}")]
    ResultInvalid { reason: String },
    /// A budget of ours is used up.
    #[error("{what} is over the limit of {limit}")]
    ResourceLimit { what: String, limit: u64 },
    /// Policy says no.
    #[error("policy refuses this: {rule}")]
    PolicyDenied { rule: String },
    /// The vault is closed.
    #[error("the vault is locked")]
    VaultLocked,
    /// The session has no such ability.
    #[error("this server does not offer {what}")]
    Unsupported { what: &'static str },
    /// A defect of ours.
    #[error("internal: {what}")]
    Internal { what: String },
}

impl ServerFault {
    /// Which kind it is.
    pub fn kind(&self) -> FaultKind {
        match self {
            Self::Settings { .. } | Self::SpawnFailed { .. } => FaultKind::Config,
            Self::ConsentRequired { .. }
            | Self::ToolChanged { .. }
            | Self::PolicyDenied { .. }
            | Self::RateLimited { .. }
            | Self::VaultLocked => FaultKind::Denied,
            Self::Timeout { .. } => FaultKind::Timeout,
            Self::Cancelled => FaultKind::Cancelled,
            Self::ServerExited { .. }
            | Self::Unreachable { .. }
            | Self::ConnectionLost { .. }
            | Self::AddressRefused { .. }
            | Self::TlsFailed { .. } => FaultKind::Unreachable,
            Self::HttpStatus { status, .. } if *status >= 500 => FaultKind::Unreachable,
            Self::ProtocolViolation { .. }
            | Self::MessageTooLarge { .. }
            | Self::InvalidUtf8 { .. }
            | Self::InvalidJson { .. }
            | Self::UnsupportedVersion { .. }
            | Self::RedirectRefused { .. }
            | Self::DecompressionLimit { .. }
            | Self::HttpStatus { .. }
            | Self::Rpc { .. }
            | Self::ToolDefinitionRejected { .. }
            | Self::ResultInvalid { .. }
            | Self::Unsupported { .. }
            | Self::ResourceLimit { .. } => FaultKind::Protocol,
            Self::AuthRequired { .. } | Self::AuthFailed { .. } => FaultKind::Auth,
            Self::NoSuch { .. } => FaultKind::NotFound,
            Self::SchemaInvalid { .. } => FaultKind::Usage,
            Self::Internal { .. } => FaultKind::Internal,
        }
    }

    /// The stable name of the variant.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Settings { .. } => "settings",
            Self::SpawnFailed { .. } => "spawn_failed",
            Self::ConsentRequired { .. } => "consent_required",
            Self::Timeout { .. } => "timeout",
            Self::Cancelled => "cancelled",
            Self::ServerExited { .. } => "server_exited",
            Self::Unreachable { .. } => "unreachable",
            Self::ConnectionLost { lost_result: true, .. } => "result_lost",
            Self::ConnectionLost { .. } => "connection_lost",
            Self::ProtocolViolation { .. } => "protocol_violation",
            Self::MessageTooLarge { .. } => "message_too_large",
            Self::InvalidUtf8 { .. } => "invalid_utf8",
            Self::InvalidJson { .. } => "invalid_json",
            Self::UnsupportedVersion { .. } => "unsupported_version",
            Self::AuthRequired { .. } => "auth_required",
            Self::AuthFailed { .. } => "auth_failed",
            Self::TlsFailed { .. } => "tls_failed",
            Self::RedirectRefused { .. } => "redirect_refused",
            Self::AddressRefused { .. } => "address_refused",
            Self::DecompressionLimit { .. } => "decompression_limit",
            Self::RateLimited { .. } => "rate_limited",
            Self::HttpStatus { .. } => "http_status",
            Self::Rpc { .. } => "rpc_error",
            Self::ToolDefinitionRejected { .. } => "tool_definition_rejected",
            Self::ToolChanged { .. } => "tool_changed",
            Self::NoSuch { .. } => "no_such",
            Self::SchemaInvalid { .. } => "schema_invalid",
            Self::ResultInvalid { .. } => "result_invalid",
            Self::ResourceLimit { .. } => "resource_limit",
            Self::PolicyDenied { .. } => "policy_denied",
            Self::VaultLocked => "vault_locked",
            Self::Unsupported { .. } => "unsupported",
            Self::Internal { .. } => "internal",
        }
    }

    /// Whether the session cannot go on after this fault, so that the supervisor must reconnect.
    pub fn ends_session(&self) -> bool {
        matches!(
            self,
            Self::ServerExited { .. }
                | Self::ConnectionLost { .. }
                | Self::Unreachable { .. }
                | Self::AuthRequired { .. }
                | Self::AuthFailed { .. }
        )
    }
}
