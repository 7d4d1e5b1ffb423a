//! A known server: its definition, what was accepted about it, and its connection.

use std::sync::{Arc, PoisonError, RwLock};

use domain::fault::{Fault, FaultKind};
use domain::id::ServerId;
use domain::server::ServerDef;
use domain::text::Text;

use crate::core::Core;

/// A definition with its fingerprint.
#[derive(Debug, Clone)]
pub(crate) struct Definition {
    pub(crate) def: ServerDef,
    pub(crate) fingerprint: String,
}

/// A known server.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) id: ServerId,
    definition: RwLock<Arc<Definition>>,
}

impl Slot {
    pub(crate) fn definition(&self) -> Arc<Definition> {
        self.definition.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Core {
    pub(crate) fn slot(&self, id: &ServerId) -> Result<Arc<Slot>, Fault> {
        self.slots.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned().ok_or_else(|| no_server(id.as_str()))
    }
}

pub(crate) fn no_server(name: &str) -> Fault {
    Fault::new(
        FaultKind::NotFound,
        "no_server",
        Text::new(format!("there is no server \"{name}\""), format!("没有名为“{name}”的服务器")),
        Text::new("list the servers (`pilot servers list`), or add it", "查看服务器列表（`pilot servers list`），或先添加它"),
    )
    .with_params(serde_json::json!({ "server": name }))
}
