//! What every area of the contract uses.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Words in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Words {
    /// English.
    pub en: String,
    /// Simplified Chinese.
    pub zh: String,
}

impl From<domain::text::Text> for Words {
    fn from(text: domain::text::Text) -> Self {
        Self { en: text.en, zh: text.zh }
    }
}

/// Why something was not done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct UiFault {
    /// `usage`, `not_found`, `config`, `unreachable`, `timeout`, `auth`, `denied`, `protocol`, `cancelled`, `storage`, `internal`.
    pub kind: String,
    /// A stable name of the fault.
    pub code: String,
    /// What was attempted, on what, and why not.
    pub message: Words,
    /// What can be done about it; empty when nothing can.
    pub hint: Words,
    /// The facts.
    #[ts(type = "Json")]
    pub params: serde_json::Value,
    /// The audit reference, to be quoted.
    pub reference: Option<String>,
}

impl From<domain::fault::Fault> for UiFault {
    fn from(fault: domain::fault::Fault) -> Self {
        let kind = serde_json::to_value(fault.kind).ok().and_then(|kind| kind.as_str().map(str::to_owned)).unwrap_or_default();
        Self {
            kind,
            code: fault.code,
            message: fault.message.into(),
            hint: fault.hint.into(),
            params: fault.params,
            reference: fault.reference.map(|id| id.as_str().to_owned()),
        }
    }
}

/// What a read shows and a write changes; the window invalidates its queries by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Tag {
    /// Saved servers and their states.
    Servers,
    /// The tool catalogue.
    Tools,
    /// The audit log and past calls.
    Activity,
    /// Questions that wait for a person.
    Questions,
    /// Policy and preferences.
    Settings,
    /// Figures.
    Metrics,
    /// Templates.
    Templates,
    /// The vault's state, and what it keeps.
    Vault,
    /// Clusters, and whether their credentials are locked.
    Clusters,
    /// Changes to clusters that were applied, confirmed or taken back.
    Changes,
    /// Drafts of manifests.
    Drafts,
    /// Ports that are forwarded.
    Forwards,
}

/// No arguments.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Nothing {}

/// One id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct IdReq {
    /// The id.
    pub id: String,
}

/// What the window needs before it draws anything.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Boot {
    /// Version of the app.
    pub version: String,
    /// `linux`, `macos`, `windows`.
    pub platform: String,
    /// The OS user, as audit rows name them.
    pub user: String,
    /// Where data is kept.
    pub data_dir: String,
    /// Saved preferences (`theme`: system | light | dark, `lang`: en | zh, and the window's own).
    #[ts(type = "Record<string, Json>")]
    pub prefs: serde_json::Map<String, serde_json::Value>,
    /// What can be connected over.
    pub protocols: Vec<ProtocolView>,
    /// What the person must be told before they go on: that the store could not be read.
    pub notice: Option<NoticeView>,
}

/// Something that happened to what is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct NoticeView {
    /// What happened, and what was kept where.
    pub message: Words,
    /// What can be done about it.
    pub hint: Words,
}

/// A protocol as the window offers it; its form is drawn from `schema`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ProtocolView {
    /// Its id.
    pub id: String,
    /// Its name.
    pub label: Words,
    /// When to take it.
    pub about: Words,
    /// How its health is checked.
    pub health: Words,
    /// JSON Schema (2020-12) of its settings; `format: "secret"` is a password box.
    #[ts(type = "Json")]
    pub schema: serde_json::Value,
    /// Whether connecting starts a program.
    pub starts_program: bool,
}

impl From<domain::protocol::ProtocolInfo> for ProtocolView {
    fn from(info: domain::protocol::ProtocolInfo) -> Self {
        Self {
            id: info.id.as_str().to_owned(),
            label: info.label.into(),
            about: info.about.into(),
            health: info.health.into(),
            schema: info.schema,
            starts_program: info.starts_program,
        }
    }
}

/// A preference to keep; `null` removes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct PrefReq {
    /// Its name.
    pub key: String,
    /// Its value.
    #[ts(type = "Json")]
    pub value: serde_json::Value,
}

/// A page to open in the browser.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct PageReq {
    /// An https URL.
    pub url: String,
}

/// Text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct TextRes {
    /// The text.
    pub text: String,
}

/// A path that the person picked in a native dialog.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct PickRes {
    /// Nothing when they closed the dialog.
    pub path: Option<String>,
}

/// What the window is told without asking (event `pilothouse`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum UiEvent {
    /// Queries with these tags are stale.
    Changed {
        /// Which.
        tags: Vec<Tag>,
    },
    /// A server went into another state.
    #[serde(rename_all = "camelCase")]
    ServerState {
        /// Which server.
        id: String,
        /// The word, as in [`crate::servers::ServerView::state`].
        state: String,
    },
    /// Somebody waits for an answer.
    Question {
        /// The question.
        #[ts(type = "QuestionView")]
        question: Box<crate::activity::QuestionView>,
    },
    /// A question was answered elsewhere or expired.
    QuestionGone {
        /// Which.
        id: String,
    },
}
