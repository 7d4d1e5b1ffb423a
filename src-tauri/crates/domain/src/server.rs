//! Saved tool servers and the states they go through.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::fault::Fault;
use crate::id::{Millis, ProtocolId, ServerId};
use crate::tool::{canonical, hex};
use crate::{Json, JsonMap};

/// A server as it is saved. `settings` hold the predecessor's field names as they stand (`host`, `port`, `auth_token`…), with
/// `${NAME}` unexpanded; `extra` holds keys that an import brought and nobody here knows, so that an export gives them back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServerDef {
    /// Stays the same when the server is renamed.
    pub id: ServerId,
    /// Unique among the saved servers.
    pub name: String,
    /// Which protocol.
    pub protocol: ProtocolId,
    /// Whether it may be used at all.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// The protocol's settings together with the common ones.
    #[serde(default)]
    pub settings: JsonMap,
    /// Unknown keys, kept.
    #[serde(default)]
    pub extra: JsonMap,
    /// When it starts and stops.
    #[serde(default)]
    pub start: StartRule,
    /// Where the definition came from: `window`, `cli`, `import:mcp_config.json`, `built-in`.
    #[serde(default)]
    pub origin: String,
    /// Last change.
    #[serde(default)]
    pub updated_at: Millis,
}

fn yes() -> bool {
    true
}

impl ServerDef {
    /// SHA-256 over what runs or is reached: protocol and settings. Trust is bound to this, never to the name.
    pub fn fingerprint(&self) -> String {
        let whole = serde_json::json!({ "protocol": self.protocol, "settings": self.settings });
        hex(&Sha256::digest(canonical(&whole).as_bytes()))
    }

    /// A setting that is a string.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.settings.get(key).and_then(Json::as_str)
    }
}

/// When a server is connected and when it is let go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StartRule {
    /// Connect at the first use instead of at start-up.
    pub lazy: bool,
    /// Disconnect after so many idle seconds; 0 never.
    pub idle_stop_secs: u32,
}

impl Default for StartRule {
    fn default() -> Self {
        Self { lazy: false, idle_stop_secs: 0 }
    }
}

/// What a person accepted about a server: the definition, and each tool's fingerprint at that time.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Trust {
    /// The [`ServerDef::fingerprint`] that was accepted; empty when none was.
    pub definition: String,
    /// When.
    pub accepted_at: Millis,
    /// Accepted tools: name → the definition that was accepted, whole, so that a later change can be shown as a diff.
    #[serde(default)]
    pub tools: std::collections::BTreeMap<String, crate::tool::Tool>,
}

/// Where a connection stands. Discovery that failed is `Degraded` with the reason, never "connected, 0 tools".
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum ServerState {
    /// Not connected, and not trying.
    #[default]
    Disconnected,
    /// Trying for the first time, or again.
    Connecting,
    /// In use.
    Connected,
    /// In use, but something that matters failed.
    Degraded {
        /// What failed.
        fault: Fault,
    },
    /// Not in use.
    Error {
        /// Why.
        fault: Fault,
        /// When the next try is due; none when only a person can help.
        next_try_at: Option<Millis>,
    },
    /// The definition was not accepted yet, or changed outside the app: a person must look first.
    NeedsReview {
        /// What would be started or reached, exactly.
        what: String,
    },
    /// Switched off.
    Disabled,
}

impl ServerState {
    /// The word scripts see: `disconnected`, `connecting`, `connected`, `degraded`, `error`, `needs_review`, `disabled`.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Disconnected => "disconnected",
            Self::Connecting => "connecting",
            Self::Connected => "connected",
            Self::Degraded { .. } => "degraded",
            Self::Error { .. } => "error",
            Self::NeedsReview { .. } => "needs_review",
            Self::Disabled => "disabled",
        }
    }

    /// The fault behind the state, when there is one.
    pub fn fault(&self) -> Option<&Fault> {
        match self {
            Self::Degraded { fault } | Self::Error { fault, .. } => Some(fault),
            _ => None,
        }
    }
}

/// What a live session found out about its peer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PeerFacts {
    /// The peer's own name; untrusted.
    pub name: String,
    /// The peer's own version; untrusted.
    pub version: String,
    /// What was agreed on, such as `2025-11-25`; for the predecessor's dialects `dingbot-v1`, `dingbot-v2`, `rest`, `openapi`.
    pub revision: String,
    /// `legacy`, `modern` or `none`: what to try first next time.
    pub era: String,
    /// Abilities by name: `tools`, `resources`, `prompts`, `completions`, `logging`, `subscriptions`.
    pub abilities: Vec<String>,
    /// Instructions for models. Shown, not obeyed.
    pub instructions: Option<String>,
    /// Process id, when there is a process.
    pub pid: Option<u32>,
}
