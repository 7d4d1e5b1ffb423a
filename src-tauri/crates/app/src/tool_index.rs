//! Tools of all servers, namespaced by server, and the search over them.

use std::sync::Arc;

use domain::fault::Fault;
use domain::id::{ServerId, ToolName};
use domain::policy::Actor;

use crate::core::Core;
use crate::views::ToolView;

/// Tools of all servers.
#[derive(Debug, Clone)]
pub struct ToolIndex {
    core: Arc<Core>,
}

impl ToolIndex {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// All that are offered, by server name and in each server's own order. Servers that are not connected show what was last seen.
    pub fn all(&self) -> Vec<ToolView> {
        let _ = &self.core;
        Vec::new()
    }

    /// One server's.
    pub fn of(&self, server: &ServerId) -> Result<Vec<ToolView>, Fault> {
        self.core.slot(server).map(|_| Vec::new())
    }

    /// One tool.
    pub fn get(&self, server: &ServerId, tool: &ToolName) -> Result<ToolView, Fault> {
        let _ = tool;
        self.of(server)?;
        Err(crate::sessions::soon())
    }

    /// The best fits for a few words over name, title and description.
    pub fn search(&self, query: &str, limit: usize) -> Vec<ToolView> {
        let _ = (query, limit);
        self.all()
    }

    /// Asks a connected server for its tools anew.
    pub async fn refresh(&self, server: &ServerId, by: &Actor) -> Result<Vec<ToolView>, Fault> {
        let _ = by;
        tokio::task::yield_now().await;
        self.of(server)
    }

    /// Accepts a tool's changed definition.
    pub async fn accept(&self, server: &ServerId, tool: &ToolName, by: &Actor) -> Result<(), Fault> {
        let _ = (tool, by);
        tokio::task::yield_now().await;
        self.of(server).map(drop)
    }
}
