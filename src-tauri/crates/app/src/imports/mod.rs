//! Imports and exports of configuration: what other programs wrote becomes a preview, and only a preview that a person saw becomes
//! saved servers.
//!
//! **Invariant:** an import never carries trust, approvals or an automatic start, and never changes what the person settled here
//! (`enabled`, tool choices, rules) without being told to. A file that is broken changes nothing.

mod area;
mod dialect;
mod editors;
mod entry;
mod export;
pub mod json;
mod merge;
pub mod plain;
mod plan;
mod predecessor;
mod recognise;
mod shapes;

use domain::Json;
use domain::text::Text;
use serde::{Deserialize, Serialize};

pub use area::{Imported, Imports};
pub use export::{ExportForm, Exported, PlainSecrets, export};
pub use plan::{Applied, Plan, apply, preview, single};
pub use predecessor::Document;
pub use shapes::Shapes;

/// What sort of file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// The predecessor's whole `mcp_config.json`, first or second variant.
    McpConfig,
    /// One server object with `name` and `type`, or an array of them.
    ServerObject,
    /// Part of a server's settings (an authentication or retry block), to be put into a named server.
    Fragment,
    /// `claude_desktop_config.json`.
    ClaudeDesktop,
    /// `.vscode/mcp.json`, or the `mcp` part of VS Code's settings.
    VsCode,
    /// `.cursor/mcp.json`.
    Cursor,
    /// A plain map of servers, with or without `mcpServers` around it.
    McpServers,
}

impl Format {
    /// The word that files and scripts use.
    pub fn word(self) -> &'static str {
        match self {
            Self::McpConfig => "mcp_config",
            Self::ServerObject => "server_object",
            Self::Fragment => "fragment",
            Self::ClaudeDesktop => "claude_desktop",
            Self::VsCode => "vs_code",
            Self::Cursor => "cursor",
            Self::McpServers => "mcp_servers",
        }
    }

    /// What [`domain::server::ServerDef::origin`] says of a server that came this way.
    pub fn origin(self) -> String {
        let file = match self {
            Self::McpConfig => "mcp_config.json",
            Self::ServerObject | Self::Fragment => "server object",
            Self::ClaudeDesktop => "claude_desktop_config.json",
            Self::VsCode => ".vscode/mcp.json",
            Self::Cursor => ".cursor/mcp.json",
            Self::McpServers => "mcpServers",
        };
        format!("import:{file}")
    }
}

/// What is to be imported.
#[derive(Debug, Clone, Copy, Default)]
pub struct Source<'t> {
    /// The text.
    pub text: &'t str,
    /// The file's name or path, when there is one: tells files of the same shape apart.
    pub file_name: Option<&'t str>,
    /// The saved server that a fragment is put into, or the name for a server object that has none.
    pub name: Option<&'t str>,
    /// Answers to what the file asks for, by input id. Answers to secret inputs are refused: they become references.
    pub inputs: Option<&'t std::collections::BTreeMap<String, String>>,
}

/// One field before and after, secrets masked.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FieldDiff {
    /// Which field.
    pub field: String,
    /// As it is; absent when it is new.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Json>,
    /// As the file has it; absent when the file does not have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Json>,
    /// What becomes of it.
    pub outcome: Outcome,
}

/// What becomes of a field that differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The file's value is taken.
    Taken,
    /// The person's value stays.
    Kept,
    /// Both changed since the last import: the person's value stays unless the file's is asked for.
    Conflict,
}

/// A server that would be added.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Addition {
    /// Its name.
    pub name: String,
    /// Its protocol.
    pub protocol: String,
    /// Its settings, secrets masked.
    pub settings: Json,
}

/// A saved server that would be changed.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// Its name.
    pub name: String,
    /// Every field that differs.
    pub fields: Vec<FieldDiff>,
    /// Whether it must be reviewed again before it is used, because what runs or is reached changes.
    pub review: bool,
}

/// Something that is not imported.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Refused {
    /// Which server, when it is about one.
    pub server: Option<String>,
    /// Which field.
    pub field: String,
    /// Why.
    pub reason: Text,
}

/// Something that a person should know.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Warning {
    /// Which server, when it is about one.
    pub server: Option<String>,
    /// Which field.
    pub field: String,
    /// What.
    pub text: Text,
}

/// A program that a server would run.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Program {
    /// The server.
    pub server: String,
    /// The exact command line, references unexpanded.
    pub argv: Vec<String>,
    /// Where.
    pub cwd: Option<String>,
    /// The names of the variables that it is given.
    pub env: Vec<String>,
    /// What is risky about it.
    pub warnings: Vec<Text>,
}

/// A variable that has no value on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Unset {
    /// Its name.
    pub variable: String,
    /// Which server needs it.
    pub server: String,
    /// In which field.
    pub field: String,
}

/// Something that the file wants to ask a person (VS Code's `inputs`).
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Asked {
    /// Its id in the file.
    pub id: String,
    /// The question, in the file's words.
    pub description: String,
    /// Whether the answer is secret: then it is not taken here, and a reference stands in its place.
    pub secret: bool,
    /// The variable that is referred to while there is no answer.
    pub variable: String,
    /// What the file proposes.
    pub default: Option<String>,
    /// The answers to choose from, when they are given.
    pub options: Vec<String>,
    /// Whether it has been answered.
    pub answered: bool,
}

/// Everything that an import would do, before it does any of it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Preview {
    /// What sort of file it is.
    pub format: Format,
    /// New servers.
    pub added: Vec<Addition>,
    /// Saved servers that change.
    pub changed: Vec<Change>,
    /// Saved servers that stay as they are.
    pub unchanged: Vec<String>,
    /// What is not imported.
    pub refused: Vec<Refused>,
    /// Programs that would be run once a person accepts them.
    pub programs: Vec<Program>,
    /// What a person should know.
    pub warnings: Vec<Warning>,
    /// Variables without a value.
    pub unset: Vec<Unset>,
    /// Questions that the file asks.
    pub asked: Vec<Asked>,
    /// Fingerprint of this preview: an import that is told it refuses when file or saved servers changed in between.
    pub digest: String,
    /// What would be saved. Holds secrets, so it is neither shown nor sent.
    #[serde(skip)]
    pub plan: Plan,
}

/// What the person decided about a preview.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Choices {
    /// The [`Preview::digest`] that was seen; absent takes what is there now.
    pub digest: Option<String>,
    /// Only these servers; empty takes all.
    pub only: Vec<String>,
    /// These not.
    pub skip: Vec<String>,
    /// Where both changed since the last import, and for what the person settled here, take the file's.
    pub take_file: bool,
}
