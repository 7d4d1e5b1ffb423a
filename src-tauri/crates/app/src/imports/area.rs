//! Imports and exports as an area of the app: the pure rules of this module over what is kept.

use std::sync::Arc;

use domain::Json;
use domain::fault::{Fault, FaultKind};
use domain::policy::Actor;
use domain::server::ServerDef;
use domain::text::Text;
use serde::Serialize;

use super::{Choices, Document, ExportForm, Exported, PlainSecrets, Preview, Shapes, Source, Warning, apply, export, preview, single};
use crate::ServerBook;
use crate::core::Core;

/// Where the predecessor's document is kept beyond its servers.
const DOCUMENT: &str = "import:mcp_config";

/// What an import did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Imported {
    /// New servers.
    pub added: Vec<String>,
    /// Servers that changed.
    pub changed: Vec<String>,
    /// Of these: the ones that a person must accept before they are used.
    pub review: Vec<String>,
}

/// Imports and exports.
#[derive(Debug, Clone)]
pub struct Imports {
    core: Arc<Core>,
    book: ServerBook,
}

impl Imports {
    pub(crate) fn new(core: Arc<Core>, book: ServerBook) -> Self {
        Self { core, book }
    }

    fn shapes(&self) -> Shapes {
        Shapes::new(&self.core.protocols.all(), self.core.ports.expand.clone())
    }

    /// Says what a file would do. Nothing is changed.
    pub async fn preview(&self, source: &Source<'_>) -> Result<Preview, Fault> {
        let saved = self.core.ports.servers.list().await?;
        preview(source, &self.shapes(), &saved, self.core.now())
    }

    /// The one server of a text: a one-off, or a definition to be saved. Nothing is changed.
    pub fn single(&self, source: &Source<'_>) -> Result<(ServerDef, Vec<Warning>), Fault> {
        single(source, &self.shapes(), self.core.now())
    }

    /// Reads the file again and saves what the person chose. When one server cannot be saved, those before it are put back: an import
    /// happens whole or not at all.
    pub async fn apply(&self, source: &Source<'_>, choices: &Choices, by: &Actor) -> Result<Imported, Fault> {
        let saved = self.core.ports.servers.list().await?;
        let seen = preview(source, &self.shapes(), &saved, self.core.now())?;
        let plan = apply(&seen, choices)?;
        let mut done = Imported::default();
        let mut undo: Vec<(ServerDef, Option<ServerDef>)> = Vec::new();
        for def in plan.servers {
            let before = saved.iter().find(|known| known.id == def.id).cloned();
            match self.book.save(def.clone(), by).await {
                Ok(view) => {
                    if !view.accepted {
                        done.review.push(def.name.clone());
                    }
                    match &before {
                        // Only what a file said was written down; nobody would call that a change.
                        Some(before) if same_to_people(before, &def) => {}
                        Some(_) => done.changed.push(def.name.clone()),
                        None => done.added.push(def.name.clone()),
                    }
                    undo.push((def, before));
                }
                Err(fault) => {
                    let put_back = self.undo(undo, by).await;
                    return Err(unsaved(&def, fault, put_back));
                }
            }
        }
        if let Some(document) = plan.document {
            let value = serde_json::to_value(&document).unwrap_or_default();
            self.core.ports.settings.set(DOCUMENT, &value).await?;
        }
        let detail = serde_json::json!({ "format": seen.format, "added": done.added, "changed": done.changed });
        self.core.note(by, None, "imported", detail).await?;
        Ok(done)
    }

    async fn undo(&self, done: Vec<(ServerDef, Option<ServerDef>)>, by: &Actor) -> bool {
        let mut whole = true;
        for (def, before) in done.into_iter().rev() {
            let undone = match before {
                Some(before) => self.book.save(before, by).await.map(drop),
                None => self.book.remove(&def.id, by).await,
            };
            whole &= undone.is_ok();
        }
        whole
    }

    /// Writes saved servers as a file; all when no name or id is given.
    pub async fn export(&self, names: &[String], form: ExportForm, secrets: PlainSecrets, by: &Actor) -> Result<Exported, Fault> {
        let saved = self.core.ports.servers.list().await?;
        let mut chosen = Vec::new();
        for name in names {
            let found = saved.iter().find(|server| server.name == *name || server.id.as_str() == name);
            chosen.push(found.cloned().ok_or_else(|| crate::sessions::no_server(name))?);
        }
        if names.is_empty() {
            chosen.clone_from(&saved);
        }
        let document = self.core.ports.settings.get(DOCUMENT).await?.and_then(|kept| serde_json::from_value::<Document>(kept).ok());
        let catalogues = self.core.ports.catalogues.load().await?;
        let tool = |server: &ServerDef, name: &str| {
            let cached = catalogues.iter().find(|(id, _)| *id == server.id).map(|(_, cached)| cached)?;
            cached.catalogue.tools.iter().find(|tool| tool.name.as_str() == name).cloned()
        };
        let exported = export(&chosen, document.as_ref(), form, secrets, &tool)?;
        if secrets == PlainSecrets::WrittenOut {
            let names: Vec<&str> = chosen.iter().map(|server| server.name.as_str()).collect();
            self.core.note(by, None, "exported_with_secrets", serde_json::json!({ "servers": names })).await?;
        }
        Ok(exported)
    }
}

fn same_to_people(before: &ServerDef, after: &ServerDef) -> bool {
    let visible = |def: &ServerDef| {
        let mut extra = def.extra.clone();
        extra.shift_remove("imported");
        (def.name.clone(), def.protocol.clone(), def.enabled, Json::Object(def.settings.clone()), Json::Object(extra), def.start)
    };
    visible(before) == visible(after)
}

fn unsaved(def: &ServerDef, fault: Fault, put_back: bool) -> Fault {
    let (en, zh) = if put_back {
        ("nothing was imported", "未导入任何内容")
    } else {
        ("the import stopped half-way, and the servers before could not all be put back", "导入中途停止，且之前的服务器未能全部恢复")
    };
    let kind = if put_back { fault.kind } else { FaultKind::Storage };
    Fault {
        kind,
        message: Text::new(
            format!("{en}: {} could not be saved: {}", def.name, fault.message.en),
            format!("{zh}：无法保存 {}：{}", def.name, fault.message.zh),
        ),
        ..fault
    }
}
