//! Recent answers of read-only tools.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::id::ServerId;
use domain::tool::ToolResult;
use tokio::time::Instant;

const MOST: usize = 256;
/// A heavier answer is asked for again.
const HEAVIEST: usize = 1 << 20;

/// What must be the same for an answer to be used again.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) server: ServerId,
    pub(crate) server_fingerprint: String,
    pub(crate) tool_fingerprint: Arc<str>,
    pub(crate) args_hash: String,
}

/// Recent answers.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    kept: Mutex<HashMap<Key, (Instant, Arc<ToolResult>)>>,
}

impl Cache {
    pub(crate) fn get(&self, key: &Key) -> Option<Arc<ToolResult>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let (until, result) = kept.get(key)?;
        if *until > Instant::now() {
            return Some(result.clone());
        }
        kept.remove(key);
        None
    }

    /// Forgets a server's answers.
    pub(crate) fn forget(&self, server: &ServerId) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).retain(|key, _| key.server != *server);
    }

    pub(crate) fn put(&self, key: Key, ttl: Duration, weight: usize, result: Arc<ToolResult>) {
        if weight > HEAVIEST {
            return;
        }
        let now = Instant::now();
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MOST {
            kept.retain(|_, (until, _)| *until > now);
        }
        if kept.len() >= MOST
            && let Some(oldest) = kept.iter().min_by_key(|(_, (until, _))| *until).map(|(key, _)| key.clone())
        {
            kept.remove(&oldest);
        }
        kept.insert(key, (now + ttl, result));
    }
}
