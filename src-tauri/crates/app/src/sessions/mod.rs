//! Connections: one supervisor a server, and the way from a server's name to its live session.

mod slot;

use std::sync::Arc;

use domain::fault::Fault;
use domain::id::{Millis, ServerId};
use domain::policy::Actor;
use domain::protocol::Session;
use domain::server::{PeerFacts, ServerDef, ServerState};
use domain::{Json, JsonMap};

use crate::core::Core;
use crate::views::{FrameView, HealthView, LogView};
pub(crate) use slot::{Definition, Slot, no_server};

/// A session that is up. Holding it does not keep it up: when it ends, its calls answer that the connection was lost.
#[derive(Debug)]
pub struct Live {
    /// The session itself. Tools are run through the [`crate::Desk`] only: a call wants a ticket.
    pub session: Arc<dyn Session>,
    /// What was found out at connect.
    pub facts: PeerFacts,
    /// Counts connections of this server, from 1.
    pub generation: u64,
}

/// Connections of all servers.
#[derive(Debug, Clone)]
pub struct Sessions {
    core: Arc<Core>,
}

impl Sessions {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Connects every enabled server that is not lazy, at most eight at a time, and returns at once. Servers that need a person's
    /// consent are left waiting for it.
    pub fn start_all(&self) {}

    /// Connects, asking the person first where consent is missing, and waits until the server is up or is not.
    pub async fn connect(&self, id: &ServerId, by: &Actor) -> Result<ServerState, Fault> {
        self.ensure(id, by).await?;
        Ok(self.state(id)?.0)
    }

    /// Ends the connection; nothing reconnects it until somebody asks.
    pub async fn disconnect(&self, id: &ServerId) -> Result<(), Fault> {
        let _slot = self.core.slot(id)?;
        tokio::task::yield_now().await;
        Ok(())
    }

    /// Its state, and since when.
    pub fn state(&self, id: &ServerId) -> Result<(ServerState, Millis), Fault> {
        let _slot = self.core.slot(id)?;
        Ok((ServerState::Disconnected, self.core.now()))
    }

    /// Takes a server that is not saved. The definition was typed by the person themselves: that is consent to exactly it.
    pub fn one_off(&self, def: ServerDef) -> Result<ServerId, Fault> {
        Ok(def.id)
    }

    /// Forgets a one-off and ends its connection.
    pub async fn forget(&self, id: &ServerId) {
        let _ = self.disconnect(id).await;
    }

    /// The live session, connected first when it is not up.
    pub async fn ensure(&self, id: &ServerId, by: &Actor) -> Result<Arc<Live>, Fault> {
        let _ = by;
        self.disconnect(id).await?;
        Err(soon())
    }

    /// The wire as it was seen lately, secrets redacted. Looking makes the server's frames be kept for the next five minutes;
    /// before that only what was said while connecting is there.
    pub fn frames(&self, id: &ServerId) -> Result<Vec<FrameView>, Fault> {
        self.core.slot(id).map(|_| Vec::new())
    }

    /// The server's last log messages, secrets redacted.
    pub fn logs(&self, id: &ServerId) -> Result<Vec<LogView>, Fault> {
        self.core.slot(id).map(|_| Vec::new())
    }

    /// The last stderr lines, where there is or was a process, secrets redacted.
    pub fn stderr(&self, id: &ServerId) -> Result<Option<String>, Fault> {
        self.core.slot(id).map(|_| None)
    }

    /// Connects if need be, asks the server whether it is well, and says how it went: never a fault of its own.
    pub async fn health(&self, id: &ServerId, by: &Actor) -> Result<HealthView, Fault> {
        self.ensure(id, by).await?;
        Err(soon())
    }

    /// MCP `Resource[]`.
    pub async fn resources(&self, id: &ServerId, by: &Actor) -> Result<Vec<Json>, Fault> {
        self.ensure(id, by).await?;
        Err(soon())
    }

    /// MCP `ResourceTemplate[]`.
    pub async fn resource_templates(&self, id: &ServerId, by: &Actor) -> Result<Vec<Json>, Fault> {
        self.ensure(id, by).await?;
        Err(soon())
    }

    /// `contents[]` of one resource.
    pub async fn read_resource(&self, id: &ServerId, uri: &str, by: &Actor) -> Result<Vec<Json>, Fault> {
        let _ = uri;
        self.ensure(id, by).await?;
        Err(soon())
    }

    /// Asks to be told when a resource changes (`AppEvent::ResourceUpdated`).
    pub async fn subscribe(&self, id: &ServerId, uri: &str, by: &Actor) -> Result<(), Fault> {
        let _ = uri;
        self.ensure(id, by).await?;
        Err(soon())
    }

    /// No longer.
    pub async fn unsubscribe(&self, id: &ServerId, uri: &str, by: &Actor) -> Result<(), Fault> {
        let _ = uri;
        self.ensure(id, by).await?;
        Err(soon())
    }

    /// MCP `Prompt[]`.
    pub async fn prompts(&self, id: &ServerId, by: &Actor) -> Result<Vec<Json>, Fault> {
        self.ensure(id, by).await?;
        Err(soon())
    }

    /// MCP `GetPromptResult`.
    pub async fn prompt(&self, id: &ServerId, name: &str, args: JsonMap, by: &Actor) -> Result<Json, Fault> {
        let _ = (name, args);
        self.ensure(id, by).await?;
        Err(soon())
    }

    /// Values for one argument of a prompt or resource template.
    pub async fn complete(&self, id: &ServerId, reference: Json, argument: &str, value: &str, by: &Actor) -> Result<Vec<String>, Fault> {
        let _ = (reference, argument, value);
        self.ensure(id, by).await?;
        Err(soon())
    }

    /// Asks a server for log messages of this RFC 5424 level and above.
    pub async fn set_log_level(&self, id: &ServerId, level: &str, by: &Actor) -> Result<(), Fault> {
        let _ = level;
        self.ensure(id, by).await?;
        Err(soon())
    }
}

pub(crate) fn soon() -> Fault {
    domain::fault::ServerFault::Unsupported { what: "this yet" }.to_fault(&domain::text::Text::new("reach the server", "访问服务器"), "")
}
