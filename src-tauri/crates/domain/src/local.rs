//! Tools that live in this process, behind the `local` protocol. `toolbox` implements these traits, `protocols` calls them;
//! neither knows the other.
//!
//! **Invariant:** arguments and results cross this seam as they are: nothing is written out and read in again.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::JsonMap;
use crate::fault::{Fault, ServerFault};
use crate::id::ToolName;
use crate::protocol::{CallIo, Foreseen};
use crate::text::Text;
use crate::tool::{Tool, ToolResult};

/// The module that is meant when the settings name none.
pub const DEFAULT_MODULE: &str = "filesystem";

/// The module of the tools over clusters.
pub const KUBERNETES_MODULE: &str = "kubernetes";

/// Settings of the `local` protocol.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LocalSettings {
    /// Which built-in module; `filesystem` when absent.
    #[serde(default, alias = "provider")]
    pub module: Option<String>,
    /// Folders that the tools may reach, nothing beside them. Relative paths start in the first. A scratch folder when absent.
    #[serde(default)]
    pub roots: Vec<String>,
    /// One folder, for a file that spells it so; goes before `roots`.
    #[serde(default)]
    pub root: Option<String>,
}

impl LocalSettings {
    /// The module that is meant.
    pub fn module(&self) -> &str {
        self.module.as_deref().unwrap_or(DEFAULT_MODULE)
    }

    /// The folders that are meant, in order; empty means the scratch folder.
    pub fn folders(&self) -> Vec<&str> {
        self.root.iter().chain(&self.roots).map(String::as_str).collect()
    }
}

/// What a built-in module says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ModuleInfo {
    /// The name in the settings.
    pub id: String,
    /// Its name for people.
    pub label: Text,
    /// One line on what it is for.
    pub about: Text,
}

/// The modules that are built in.
pub trait LocalTools: Send + Sync + std::fmt::Debug {
    /// All of them.
    fn modules(&self) -> Vec<ModuleInfo>;
    /// Decides whether the settings can be used, without touching the disk: the field and the reason otherwise.
    fn check(&self, settings: &LocalSettings) -> Result<(), ServerFault>;
    /// What would be reached, exactly, for consent and for messages: the folders.
    fn target(&self, settings: &LocalSettings) -> String;
    /// Opens a module. Blocks for as long as opening a folder does.
    fn open(&self, settings: &LocalSettings) -> Result<std::sync::Arc<dyn LocalModule>, ServerFault>;
}

/// An open module. Every method may be called at once with every other.
#[async_trait]
pub trait LocalModule: Send + Sync + std::fmt::Debug {
    /// What it is.
    fn info(&self) -> ModuleInfo;
    /// Its tools; they do not change while it is open.
    fn tools(&self) -> Vec<Tool>;
    /// Runs a tool. A tool that is not there is [`ServerFault::NoSuch`]; arguments that do not fit are [`ServerFault::SchemaInvalid`];
    /// what the tool itself could not do is a result with `is_error`.
    async fn call(&self, tool: &ToolName, args: JsonMap, io: CallIo) -> Result<ToolResult, ServerFault>;
    /// What a call would change, tried without changing anything. None: it changes nothing, or that cannot be told beforehand.
    async fn foresee(&self, tool: &ToolName, args: &JsonMap) -> Option<Result<Foreseen, Fault>> {
        let _ = (tool, args);
        None
    }
    /// Whether what it works on is still there.
    async fn health(&self) -> Result<(), ServerFault>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_spelled_alone_goes_first_and_the_predecessors_provider_names_the_module() {
        let settings: LocalSettings = serde_json::from_str(r#"{"provider":"k8s","root":"/a","roots":["/b"]}"#).unwrap();
        assert_eq!(settings.folders(), ["/a", "/b"]);
        assert_eq!(settings.module(), "k8s");
        assert_eq!(LocalSettings::default().module(), "filesystem");
    }
}
