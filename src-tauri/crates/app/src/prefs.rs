//! The person's preferences: small documents under names.

use std::sync::Arc;

use domain::Json;
use domain::fault::Fault;
use domain::vault::{IDLE_MINUTES, idle_of};

use crate::core::Core;
use crate::event::Tag;

const PREFIX: &str = "pref:";

/// Preferences by name, such as `language`, `theme`, `page_size`.
#[derive(Debug, Clone)]
pub struct Prefs {
    core: Arc<Core>,
}

impl Prefs {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// One preference.
    pub async fn get(&self, name: &str) -> Result<Option<Json>, Fault> {
        self.core.ports.settings.get(&format!("{PREFIX}{name}")).await
    }

    /// Keeps one; `null` forgets it.
    pub async fn set(&self, name: &str, value: &Json) -> Result<(), Fault> {
        self.core.ports.settings.set(&format!("{PREFIX}{name}"), value).await?;
        if name == IDLE_MINUTES {
            self.core.ports.vault.set_idle(idle_of(Some(value)));
        }
        self.core.events.changed(Tag::Settings);
        Ok(())
    }

    /// All that are kept.
    pub async fn all(&self) -> Result<Vec<(String, Json)>, Fault> {
        let kept = self.core.ports.settings.with_prefix(PREFIX).await?;
        Ok(kept.into_iter().map(|(key, value)| (key.strip_prefix(PREFIX).map_or(key.clone(), str::to_owned), value)).collect())
    }
}
