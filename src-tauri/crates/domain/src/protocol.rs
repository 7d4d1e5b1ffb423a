//! The seam between the app and every way of reaching a tool server.
//!
//! A protocol's author writes [`TypedProtocol`]; a blanket impl turns it into the object-safe [`Protocol`] that the registry holds.
//! No protocol file contains a retry, a patience or a log of arguments: those are wrappers in `app::sessions`.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::call_events::CallEvents;
use crate::fault::{Fault, ServerFault};
use crate::id::{Clock, ProtocolId, ServerId, ToolName};
use crate::person::{Answer, Question, Thinking};
use crate::secret::{Secret, SecretMap};
use crate::server::PeerFacts;
use crate::text::Text;
use crate::ticket::Ticket;
use crate::tool::{Catalogue, ToolResult};
use crate::{Json, JsonMap};

/// How a server is authenticated to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuthType {
    /// Nothing is sent beyond `auth_headers`; a standard MCP server may still ask for OAuth.
    #[default]
    None,
    /// `Authorization: Bearer <auth_token>`.
    Bearer,
    /// `Authorization: Basic <username:password>`.
    Basic,
    /// `auth_headers` only.
    Headers,
    /// OAuth 2.1 (`stream_http` and `sse`): discovered from the server, signed in by the person.
    Oauth,
}

/// Own certificates. There is no "accept invalid".
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TlsSettings {
    /// PEM file with further roots.
    #[serde(default)]
    pub ca_file: Option<String>,
    /// PEM file with revocation lists of those roots. Without one, no certificate is looked up as revoked.
    #[serde(default)]
    pub crl_file: Option<String>,
    /// PEM file with the client certificate chain.
    #[serde(default)]
    pub client_cert_file: Option<String>,
    /// PEM file with the client key.
    #[serde(default)]
    pub client_key_file: Option<String>,
}

/// Settings that every protocol has. Times are in seconds, as in the predecessor's files.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct Common {
    /// How long a request may stay without an answer or increasing progress (seconds).
    #[serde(default = "thirty")]
    pub timeout: f64,
    /// Tries for calls that are marked read-only or idempotent.
    #[serde(default = "three")]
    pub retry_attempts: u32,
    /// First pause between tries (seconds); doubles, capped.
    #[serde(default = "one")]
    pub retry_delay: f64,
    /// How to authenticate.
    #[serde(default)]
    pub auth_type: Option<AuthType>,
    /// Token for `bearer`.
    #[serde(default)]
    pub auth_token: Option<Secret>,
    /// User for `basic`.
    #[serde(default)]
    pub username: Option<String>,
    /// Password for `basic`.
    #[serde(default)]
    pub password: Option<Secret>,
    /// Headers sent with every request and handshake.
    #[serde(default)]
    pub auth_headers: Option<SecretMap>,
    /// When not empty: only these tools are offered (globs allowed).
    #[serde(default)]
    pub enabled_tools: Option<Vec<String>>,
    /// These tools are never offered (globs allowed).
    #[serde(default)]
    pub disabled_tools: Option<Vec<String>>,
    /// Own certificates.
    #[serde(default)]
    pub tls: Option<TlsSettings>,
    /// `system` (default), `none`, or a proxy's URL.
    #[serde(default)]
    pub proxy: Option<Secret>,
    /// Tool calls at once; further ones wait.
    #[serde(default)]
    pub max_concurrent_calls: Option<u32>,
    /// Calls per minute; further ones are refused with the time to wait.
    #[serde(default)]
    pub requests_per_minute: Option<u32>,
    /// Results of read-only tools are reused for so many seconds; 0 never.
    #[serde(default)]
    pub cache_ttl: Option<f64>,
    /// How long a start may take (seconds), program downloads included; default 120 for programs, 30 else.
    #[serde(default)]
    pub start_timeout: Option<f64>,
}

fn thirty() -> f64 {
    30.0
}
fn three() -> u32 {
    3
}
fn one() -> f64 {
    1.0
}

/// The names of [`Common`]'s fields: what is taken out of the settings before a protocol's own are decoded.
pub const COMMON_FIELDS: [&str; 16] = [
    "timeout",
    "retry_attempts",
    "retry_delay",
    "auth_type",
    "auth_token",
    "username",
    "password",
    "auth_headers",
    "enabled_tools",
    "disabled_tools",
    "tls",
    "proxy",
    "max_concurrent_calls",
    "requests_per_minute",
    "cache_ttl",
    "start_timeout",
];

impl Common {
    /// Decodes the common fields out of expanded settings and gives back what is left for the protocol.
    pub fn split(mut settings: JsonMap) -> Result<(Self, JsonMap), ServerFault> {
        settings.retain(|_, value| !value.is_null());
        let mut mine = JsonMap::new();
        for field in COMMON_FIELDS {
            if let Some(value) = settings.shift_remove(field) {
                mine.insert(field.to_owned(), value);
            }
        }
        let common: Self = decode(Json::Object(mine))?;
        for (field, seconds) in [("timeout", common.timeout), ("retry_delay", common.retry_delay)] {
            if !seconds.is_finite() || !(0.0..=86_400.0).contains(&seconds) || (field == "timeout" && seconds == 0.0) {
                return Err(ServerFault::Settings { field: field.into(), reason: "must be seconds between 0 and 86400".into() });
            }
        }
        Ok((common, settings))
    }

    /// How long a start may take when the settings do not say.
    pub fn start_patience(&self, default: Duration) -> Duration {
        self.start_timeout.filter(|s| s.is_finite() && *s > 0.0).map_or(default, Duration::from_secs_f64)
    }
}

/// Decodes JSON and names the field that does not fit.
pub fn decode<T: DeserializeOwned>(value: Json) -> Result<T, ServerFault> {
    serde_path_to_error::deserialize(value).map_err(|fault| {
        let path = fault.path().to_string();
        let reason = fault.inner().to_string();
        // An unknown or missing field is reported at its parent's path; the message then names it.
        let named = reason.split('`').nth(1).filter(|_| path == "." || path.is_empty());
        ServerFault::Settings { field: named.map_or(path, str::to_owned), reason }
    })
}

/// What a protocol says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProtocolInfo {
    /// Its id, such as `stream_http`.
    pub id: ProtocolId,
    /// Further names under which files know it, such as `stdio`.
    pub aliases: Vec<String>,
    /// Its name for people.
    pub label: Text,
    /// One line on when to take it.
    pub about: Text,
    /// How its health is checked, in words.
    pub health: Text,
    /// JSON Schema of its own settings together with the common ones.
    pub schema: Json,
    /// Whether connecting starts a program.
    pub starts_program: bool,
}

/// A line of the wire, for the log that a person can open. Redacted by the receiver before it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Whether we sent it.
    pub sent: bool,
    /// `json`, `stderr`, `noise`, `http`, `note`.
    pub kind: &'static str,
    /// The text, cut to 64 KiB by the sender.
    pub text: String,
}

/// What happens on a session outside a call.
#[derive(Debug, Clone, PartialEq)]
pub enum SessionEvent {
    /// The tool list is no longer current.
    ToolsChanged,
    /// The resource list is no longer current.
    ResourcesChanged,
    /// The prompt list is no longer current.
    PromptsChanged,
    /// A subscribed resource changed.
    ResourceUpdated(String),
    /// A log message of the server.
    Log {
        /// RFC 5424 level in lower case.
        level: String,
        /// What it says.
        data: Json,
    },
    /// Something that does not end the session but that a person should know, such as 1 000 lines of noise.
    Warning(String),
    /// The session ended by itself.
    Ended(ServerFault),
}

/// What the app does for a session while it lives.
#[async_trait]
pub trait Host: Send + Sync + std::fmt::Debug {
    /// Takes an event. Must not block: it is called from the session's reader.
    fn event(&self, event: SessionEvent);
    /// Takes a wire frame. Must not block. Called only when [`Host::wants_frames`] says so.
    fn frame(&self, frame: Frame);
    /// Whether somebody looks at the wire, so that frames need not be built when nobody does.
    fn wants_frames(&self) -> bool;
    /// Puts a question of the server to a person: sampling, elicitation, a sign-in.
    async fn ask(&self, question: Question) -> Answer;
    /// The folders that the person shares with this server (MCP roots): `(uri, name)`.
    fn roots(&self) -> Vec<(String, String)>;
    /// Reads something that was kept for this server: the era found last, an OAuth registration.
    async fn recall(&self, key: &str) -> Option<Json>;
    /// Keeps something for this server; `secret` values go where secrets go.
    async fn keep(&self, key: &str, value: Json);
    /// Reads a secret that was kept for this server, such as an OAuth token.
    async fn recall_secret(&self, key: &str) -> Option<Secret>;
    /// Keeps a secret for this server.
    async fn keep_secret(&self, key: &str, value: Secret);
    /// Opens an https page in the person's browser, after they agreed. The URL is passed as one argument, never through a shell.
    async fn open_page(&self, url: &url::Url) -> Result<(), ServerFault>;
}

/// What a connect attempt is given.
#[derive(Debug, Clone)]
pub struct ConnectCx {
    /// Which server.
    pub server: ServerId,
    /// Its name, for messages.
    pub name: String,
    /// The app's side of the session.
    pub host: Arc<dyn Host>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Every task of the session is spawned here, so that somebody can wait for all of them.
    pub tasks: TaskTracker,
    /// Fires when the session must end at once.
    pub stop: CancellationToken,
    /// What is with a person: whoever waits for this connect does not count that time, whoever sends a person somewhere begins it.
    pub thinking: Thinking,
    /// The program that guards child processes: our own executable and the arguments before the child's own.
    pub guard: Arc<[String]>,
}

/// Increasing progress of a call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "type")]
pub enum CallEvent {
    /// How far it is.
    #[serde(rename_all = "camelCase")]
    Progress {
        /// So much is done.
        progress: f64,
        /// Out of so much, when known.
        total: Option<f64>,
        /// In the server's words.
        message: Option<String>,
    },
    /// A piece of a streamed result, as it arrived.
    #[serde(rename_all = "camelCase")]
    Chunk {
        /// The piece.
        data: Json,
    },
    /// A log message that belongs to the call.
    #[serde(rename_all = "camelCase")]
    Log {
        /// RFC 5424 level in lower case.
        level: String,
        /// What it says.
        data: Json,
    },
}

/// What a call is to do.
#[derive(Debug, Clone, PartialEq)]
pub struct CallReq {
    /// The tool, as its server spells it.
    pub tool: ToolName,
    /// The arguments, already validated.
    pub args: JsonMap,
}

/// What a call would do, told before a person is asked about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Foreseen {
    /// In words, for whoever decides: the objects and their differences. Values of secrets are hidden.
    pub text: String,
    /// Arguments that bind the call to what was looked at; the desk adds them to those that the caller gave.
    pub pinned: JsonMap,
}

/// The lines between a running call and its caller.
#[derive(Debug, Clone)]
pub struct CallIo {
    /// Fires when the caller gives up; the session tells the peer and answers [`ServerFault::Cancelled`].
    pub cancel: CancellationToken,
    /// Where progress goes. A slow reader loses progress, never slows the session.
    pub events: Option<CallEvents>,
}

impl CallIo {
    /// Nobody listens and nobody cancels.
    pub fn quiet() -> Self {
        Self { cancel: CancellationToken::new(), events: None }
    }

    /// Passes an event on if somebody listens and keeps up.
    pub fn emit(&self, event: CallEvent) {
        if let Some(events) = &self.events {
            events.send(event);
        }
    }
}

/// A live server. Shared between callers; every method may be called at once with every other.
#[async_trait]
pub trait Session: Send + Sync + std::fmt::Debug {
    /// What was found out at connect.
    fn facts(&self) -> PeerFacts;
    /// Asks for the tools anew. A malformed tool is in `rejected`; it does not spoil the list.
    async fn tools(&self) -> Result<Catalogue, ServerFault>;
    /// Runs a tool. Wants a ticket: without policy and audit there is none.
    async fn call(&self, ticket: &Ticket, req: CallReq, io: CallIo) -> Result<ToolResult, ServerFault>;
    /// What a call would change, tried without changing anything, so that whoever is asked about it can see that. None: it cannot be told
    /// beforehand. A fault: it would fail.
    async fn foresee(&self, req: &CallReq) -> Option<Result<Foreseen, Fault>> {
        let _ = req;
        None
    }
    /// Asks whether the peer is well, in the protocol's own way.
    async fn health(&self) -> Result<(), ServerFault>;
    /// Ends the session and leaves nothing behind: no process, no task, no socket. Idempotent.
    async fn close(&self);
    /// Resources, where the peer has them.
    fn as_resources(&self) -> Option<&dyn Resources> {
        None
    }
    /// Prompts, where the peer has them.
    fn as_prompts(&self) -> Option<&dyn Prompts> {
        None
    }
    /// Completions, where the peer has them.
    fn as_completions(&self) -> Option<&dyn Completions> {
        None
    }
    /// Log level, where the peer has one.
    fn as_logging(&self) -> Option<&dyn Logging> {
        None
    }
    /// The last stderr lines, where there is a process.
    fn stderr_tail(&self) -> Option<String> {
        None
    }
}

/// MCP resources. Pages are followed to the end (at most 100), and the results are MCP's own JSON.
#[async_trait]
pub trait Resources: Send + Sync {
    /// `Resource[]`.
    async fn list(&self) -> Result<Vec<Json>, ServerFault>;
    /// `ResourceTemplate[]`.
    async fn templates(&self) -> Result<Vec<Json>, ServerFault>;
    /// `contents[]` of one resource.
    async fn read(&self, uri: &str) -> Result<Vec<Json>, ServerFault>;
    /// Asks to be told when it changes ([`SessionEvent::ResourceUpdated`]).
    async fn subscribe(&self, uri: &str) -> Result<(), ServerFault>;
    /// No longer.
    async fn unsubscribe(&self, uri: &str) -> Result<(), ServerFault>;
}

/// MCP prompts.
#[async_trait]
pub trait Prompts: Send + Sync {
    /// `Prompt[]`.
    async fn list(&self) -> Result<Vec<Json>, ServerFault>;
    /// `GetPromptResult`.
    async fn get(&self, name: &str, args: JsonMap) -> Result<Json, ServerFault>;
}

/// MCP argument completion.
#[async_trait]
pub trait Completions: Send + Sync {
    /// Values for one argument of a prompt (`{"type":"ref/prompt","name":…}`) or resource template (`{"type":"ref/resource","uri":…}`).
    async fn complete(&self, reference: Json, argument: &str, value: &str) -> Result<Vec<String>, ServerFault>;
}

/// MCP log level.
#[async_trait]
pub trait Logging: Send + Sync {
    /// Asks for messages of this RFC 5424 level and above.
    async fn set_level(&self, level: &str) -> Result<(), ServerFault>;
}

/// What a protocol's author writes. Decoding, refusal of unknown fields and the form's schema come with it.
#[async_trait]
pub trait TypedProtocol: Send + Sync + 'static {
    /// The id in files and in the store.
    const ID: &'static str;
    /// Further names under which files know it.
    const ALIASES: &'static [&'static str] = &[];
    /// Whether connecting starts a program, so that a person must have seen its argv.
    const STARTS_PROGRAM: bool = false;
    /// Whether `auth_type` may be `oauth`.
    const OAUTH: bool = false;
    /// Its own settings. Derive with `deny_unknown_fields`.
    type Settings: DeserializeOwned + JsonSchema + Send;

    /// Its name for people.
    fn label(&self) -> Text;
    /// One line on when to take it.
    fn about(&self) -> Text;
    /// How health is checked.
    fn health(&self) -> Text;
    /// What would be reached or started, exactly, for consent and for messages: an URL without credentials, or an argv.
    fn target(&self, settings: &Self::Settings) -> String;
    /// The same, where the common settings have a say in it, such as TLS in the scheme of an address.
    fn target_with(&self, settings: &Self::Settings, common: &Common) -> String {
        let _ = common;
        self.target(settings)
    }
    /// Rules beyond decoding: a field and a reason.
    fn check(&self, settings: &Self::Settings, common: &Common) -> Result<(), ServerFault>;
    /// Connects. Dropping the future gives up and leaves nothing behind.
    async fn connect(&self, cx: ConnectCx, common: Common, settings: Self::Settings) -> Result<Arc<dyn Session>, ServerFault>;
}

/// The object-safe form that the registry holds.
#[async_trait]
pub trait Protocol: Send + Sync {
    /// What it says of itself.
    fn info(&self) -> ProtocolInfo;
    /// Decodes and checks expanded settings without touching anything; answers what would be reached or started.
    fn check(&self, settings: JsonMap) -> Result<String, ServerFault>;
    /// Connects with expanded settings.
    async fn connect(&self, cx: ConnectCx, settings: JsonMap) -> Result<Arc<dyn Session>, ServerFault>;
}

#[async_trait]
impl<P: TypedProtocol> Protocol for P {
    fn info(&self) -> ProtocolInfo {
        ProtocolInfo {
            id: P::ID.into(),
            aliases: P::ALIASES.iter().map(|&alias| alias.to_owned()).collect(),
            label: self.label(),
            about: self.about(),
            health: TypedProtocol::health(self),
            schema: merged_schema::<P::Settings>(P::OAUTH),
            starts_program: P::STARTS_PROGRAM,
        }
    }

    fn check(&self, settings: JsonMap) -> Result<String, ServerFault> {
        let (mine, common) = checked(self, settings)?;
        Ok(self.target_with(&mine, &common))
    }

    async fn connect(&self, cx: ConnectCx, settings: JsonMap) -> Result<Arc<dyn Session>, ServerFault> {
        let (mine, common) = checked(self, settings)?;
        TypedProtocol::connect(self, cx, common, mine).await
    }
}

fn checked<P: TypedProtocol>(protocol: &P, settings: JsonMap) -> Result<(P::Settings, Common), ServerFault> {
    let (common, rest) = Common::split(settings)?;
    if common.auth_type == Some(AuthType::Oauth) && !P::OAUTH {
        let reason = format!("cannot be oauth over {}: say bearer, basic or headers", P::ID);
        return Err(ServerFault::Settings { field: "auth_type".into(), reason });
    }
    let mine: P::Settings = decode(Json::Object(rest))?;
    protocol.check(&mine, &common)?;
    Ok((mine, common))
}

/// The protocol's own schema with the common fields added: what the form is drawn from. What would do nothing is not in it.
fn merged_schema<S: JsonSchema>(oauth: bool) -> Json {
    let mut mine = Json::from(schemars::schema_for!(S));
    let common = Json::from(schemars::schema_for!(Common));
    for part in ["properties", "$defs"] {
        let Some(theirs) = common.get(part).and_then(Json::as_object) else { continue };
        let Some(root) = mine.as_object_mut() else { continue };
        let slot = root.entry(part).or_insert_with(|| Json::Object(JsonMap::new()));
        if let Some(slot) = slot.as_object_mut() {
            for (name, schema) in theirs {
                slot.entry(name.clone()).or_insert_with(|| schema.clone());
            }
        }
    }
    if !oauth && let Some(Json::Array(ways)) = mine.pointer_mut("/$defs/AuthType/oneOf") {
        ways.retain(|way| way.get("const").and_then(Json::as_str) != Some("oauth"));
    }
    mine
}
