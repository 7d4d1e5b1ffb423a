//! Saved tool servers and the states they go through.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::fault::Fault;
use crate::id::{Millis, ProtocolId, ServerId, ToolName};
use crate::tool::{Risk, canonical, hex};
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

    /// The person's settings for one tool of this server: an object of the array `extra.tools`, in the predecessor's shape (`name`,
    /// `enabled`, `default_parameters`, `timeout` in seconds, `cache_enabled`, `cache_ttl` in seconds). The desk reads these five;
    /// other keys are kept and mean nothing here.
    pub fn tool_entry(&self, tool: &str) -> Option<&JsonMap> {
        let entries = self.extra.get("tools")?.as_array()?;
        entries.iter().filter_map(Json::as_object).find(|entry| entry.get("name").and_then(Json::as_str) == Some(tool))
    }

    /// Folders that the person shares with this server (MCP roots): `extra.roots`, an array of paths or URIs, or of `{uri, name}`.
    pub fn roots(&self) -> Vec<(String, String)> {
        let uri_of = |text: &str| if text.contains("://") { text.to_owned() } else { format!("file://{text}") };
        let name_of = |uri: &str| uri.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned();
        let roots = self.extra.get("roots").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
        roots
            .iter()
            .filter_map(|root| {
                let uri = uri_of(root.as_str().or_else(|| root.get("uri")?.as_str())?);
                let name = root.get("name").and_then(Json::as_str).map_or_else(|| name_of(&uri), str::to_owned);
                Some((uri, name))
            })
            .collect()
    }

    /// A setting that is a string.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.settings.get(key).and_then(Json::as_str)
    }

    /// What the person settled about single tools, by tool name, out of the entries of [`ServerDef::tool_entry`].
    pub fn tool_rules(&self) -> BTreeMap<String, ToolRule> {
        let entries = self.extra.get("tools").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
        let named = entries.iter().filter_map(|entry| Some((entry.get("name")?.as_str()?.to_owned(), entry.as_object()?)));
        named.map(|(name, entry)| (name, ToolRule::of_entry(entry))).filter(|(_, rule)| *rule != ToolRule::default()).collect()
    }

    /// What the person settled about one tool; the rule that changes nothing when there is none.
    pub fn tool_rule(&self, tool: &ToolName) -> ToolRule {
        self.tool_entry(tool.as_str()).map_or_else(ToolRule::default, ToolRule::of_entry)
    }

    /// Keeps a rule for one tool. Keys of its entry that mean nothing here stay; an entry that says nothing is taken away.
    pub fn set_tool_rule(&mut self, tool: &ToolName, rule: &ToolRule) {
        let mut entries = match self.extra.shift_remove("tools") {
            Some(Json::Array(entries)) => entries,
            _ => Vec::new(),
        };
        let is_it = |entry: &Json| entry.get("name").and_then(Json::as_str) == Some(tool.as_str());
        let at = entries.iter().position(is_it).unwrap_or_else(|| {
            entries.push(serde_json::json!({ "name": tool }));
            entries.len() - 1
        });
        if let Some(entry) = entries.get_mut(at).and_then(Json::as_object_mut) {
            rule.write_into(entry);
            if entry.len() == 1 {
                entries.remove(at);
            }
        }
        if !entries.is_empty() {
            self.extra.insert("tools".to_owned(), Json::Array(entries));
        }
    }
}

/// What a person settled about one tool. It can narrow what a server offers, never widen it; the risk is the exception, and it is the
/// person's own word.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ToolRule {
    /// Whether the tool is offered at all.
    pub enabled: bool,
    /// Arguments that are added where the caller gave none of that name.
    #[serde(skip_serializing_if = "JsonMap::is_empty")]
    pub default_parameters: JsonMap,
    /// Patience for this tool (seconds), instead of the server's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<f64>,
    /// Its results are reused for so many seconds when it is read-only, instead of the server's `cache_ttl`; 0 never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_ttl: Option<f64>,
    /// The person's word on its risk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub risk: Option<Risk>,
}

impl Default for ToolRule {
    fn default() -> Self {
        Self { enabled: true, default_parameters: JsonMap::new(), timeout: None, cache_ttl: None, risk: None }
    }
}

impl ToolRule {
    /// Reads the predecessor's entry (and `risk`, which it does not have); or names the field that does not fit.
    pub fn read_entry(entry: &JsonMap) -> Result<Self, &'static str> {
        let given = |key: &str| entry.get(key).filter(|value| !value.is_null());
        let seconds = |key: &'static str| match given(key) {
            None => Ok(None),
            Some(value) => value.as_f64().filter(|secs| (0.0..=86_400.0).contains(secs)).map(Some).ok_or(key),
        };
        let flag = |key: &'static str| match given(key) {
            None => Ok(None),
            Some(value) => value.as_bool().map(Some).ok_or(key),
        };
        let default_parameters = match given("default_parameters") {
            None => JsonMap::new(),
            Some(Json::Object(map)) => map.clone(),
            Some(_) => return Err("default_parameters"),
        };
        let cache_ttl = match (flag("cache_enabled")?, seconds("cache_ttl")?) {
            (Some(false), _) => Some(0.0),
            (_, ttl) => ttl,
        };
        let risk = match given("risk") {
            None => None,
            Some(word) => Some(Risk::deserialize(word).map_err(|_| "risk")?),
        };
        let timeout = seconds("timeout")?.filter(|secs| *secs > 0.0);
        Ok(Self { enabled: flag("enabled")?.unwrap_or(true), default_parameters, timeout, cache_ttl, risk })
    }

    /// The same, where nobody can be told: an entry that cannot be read hides its tool, because it may have been meant to.
    pub fn of_entry(entry: &JsonMap) -> Self {
        Self::read_entry(entry).unwrap_or_else(|_| Self { enabled: false, ..Self::default() })
    }

    /// Writes it into an entry in the predecessor's spelling; what changes nothing is left out.
    pub fn write_into(&self, entry: &mut JsonMap) {
        let whole =
            |secs: f64| if secs.fract() == 0.0 { Json::from(format!("{secs:.0}").parse::<u64>().unwrap_or_default()) } else { secs.into() };
        let parts = [
            ("enabled", (!self.enabled).then(|| Json::Bool(false))),
            ("default_parameters", (!self.default_parameters.is_empty()).then(|| Json::Object(self.default_parameters.clone()))),
            ("timeout", self.timeout.map(whole)),
            ("cache_enabled", self.cache_ttl.map(|ttl| Json::Bool(ttl > 0.0))),
            ("cache_ttl", self.cache_ttl.map(whole)),
            ("risk", self.risk.and_then(|risk| serde_json::to_value(risk).ok())),
        ];
        for (key, value) in parts {
            match value {
                Some(value) => entry.insert(key.to_owned(), value),
                None => entry.shift_remove(key),
            };
        }
    }

    /// The caller's arguments with the default ones added; the caller's win.
    pub fn fill(&self, mut args: JsonMap) -> JsonMap {
        for (name, value) in &self.default_parameters {
            args.entry(name.clone()).or_insert_with(|| value.clone());
        }
        args
    }
}

/// When a server is connected and when it is let go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
pub struct StartRule {
    /// Connect at the first use instead of at start-up.
    pub lazy: bool,
    /// Disconnect after so many idle seconds; 0 never.
    pub idle_stop_secs: u32,
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

#[cfg(test)]
mod tests {
    use super::*;

    fn server() -> ServerDef {
        ServerDef {
            id: "a".into(),
            name: "a".into(),
            protocol: "local".into(),
            enabled: true,
            settings: JsonMap::new(),
            extra: JsonMap::new(),
            start: StartRule::default(),
            origin: String::new(),
            updated_at: Millis(0),
        }
    }

    #[test]
    fn a_tool_rule_comes_back_as_it_was_kept_and_the_empty_one_leaves_no_trace() {
        let mut server = server();
        let rule = ToolRule { enabled: false, timeout: Some(5.0), risk: Some(Risk::High), ..ToolRule::default() };
        server.set_tool_rule(&"scale".into(), &rule);
        assert_eq!(server.tool_rule(&"scale".into()), rule);
        assert_eq!(server.tool_rules().len(), 1);
        assert_eq!(server.tool_rule(&"other".into()), ToolRule::default());
        server.set_tool_rule(&"scale".into(), &ToolRule::default());
        assert!(server.extra.is_empty(), "the rule that changes nothing is not kept");
    }

    #[test]
    fn a_rule_that_does_not_decode_hides_its_tool() {
        let mut server = server();
        server.extra.insert("tools".into(), serde_json::json!([{ "name": "x", "enabled": "perhaps" }, 3, { "name": "y", "timeout": -1 }]));
        assert!(!server.tool_rule(&"x".into()).enabled);
        assert!(!server.tool_rules()["y"].enabled);
    }

    #[test]
    fn a_rule_in_the_predecessors_words_is_read_and_its_other_keys_stay() {
        let mut server = server();
        server.extra.insert(
            "tools".into(),
            serde_json::json!([{ "name": "x", "category": "k8s", "cache_enabled": false, "cache_ttl": 60, "timeout": 5, "default_parameters": { "a": 1 } }]),
        );
        let mut rule = server.tool_rule(&"x".into());
        assert_eq!((rule.enabled, rule.cache_ttl, rule.timeout), (true, Some(0.0), Some(5.0)));
        rule.enabled = false;
        rule.timeout = None;
        server.set_tool_rule(&"x".into(), &rule);
        let kept = serde_json::json!({ "name": "x", "category": "k8s", "cache_enabled": false, "cache_ttl": 0, "default_parameters": { "a": 1 }, "enabled": false });
        assert_eq!(Json::Object(server.tool_entry("x").unwrap().clone()), kept);
    }

    #[test]
    fn tool_rules_do_not_change_what_trust_is_bound_to() {
        let mut server = server();
        let before = server.fingerprint();
        server.set_tool_rule(&"x".into(), &ToolRule { enabled: false, ..ToolRule::default() });
        assert_eq!(server.fingerprint(), before);
    }

    #[test]
    fn the_callers_arguments_win_over_the_default_ones() {
        let rule = ToolRule {
            default_parameters: serde_json::json!({ "ns": "dev", "limit": 5 }).as_object().cloned().unwrap(),
            ..ToolRule::default()
        };
        let args = rule.fill(serde_json::json!({ "ns": "prod" }).as_object().cloned().unwrap());
        assert_eq!(Json::Object(args), serde_json::json!({ "ns": "prod", "limit": 5 }));
    }
}
