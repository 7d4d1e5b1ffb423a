//! The one way to a tool: policy, audit, patience, and nothing that goes round them.

use std::sync::Arc;
use std::time::Duration;

use domain::fault::Fault;
use domain::id::{AuditId, CallId, ServerId, ToolName};
use domain::policy::Actor;
use domain::ports::PastCall;
use domain::protocol::CallEvent;
use domain::tool::ToolResult;
use domain::{Json, JsonMap};
use tokio::sync::mpsc;

use crate::core::Core;
use crate::views::RunningCall;

/// What is to be run, by whom.
#[derive(Debug, Clone)]
pub struct CallOrder {
    /// Which server.
    pub server: ServerId,
    /// Which tool, as its server spells it.
    pub tool: ToolName,
    /// With what.
    pub args: JsonMap,
    /// Who asks, through which door.
    pub actor: Actor,
    /// The handle for progress and Cancel, made by the caller; no other running call has it.
    pub call: CallId,
    /// Patience instead of the server's own: time without an answer or increasing progress. The hard total of ten minutes stays.
    pub timeout: Option<Duration>,
    /// The person at the terminal agreed to this one call beforehand (`--approve-once`). Counts for `Ask`, never for `Deny`.
    pub approve_once: bool,
}

/// A call that was carried out.
#[derive(Debug, Clone)]
pub struct CallDone {
    /// What the tool answered; `is_error` when it says that it failed.
    pub result: Arc<ToolResult>,
    /// The reference to quote.
    pub audit_id: AuditId,
    /// From the order until the answer (ms), a person's thinking included.
    pub elapsed_ms: f64,
    /// Which server.
    pub server: ServerId,
    /// That server's name.
    pub server_name: String,
    /// Which tool.
    pub tool: ToolName,
    /// Why the result does not fit what the tool promised; the result is there all the same, and is to be shown as marked.
    pub invalid: Option<Fault>,
    /// Whether a recent answer of this read-only tool was used again.
    pub cached: bool,
}

impl CallDone {
    /// The answer as MCP's own JSON (`CallToolResult`).
    pub fn raw(&self) -> Json {
        serde_json::to_value(self.result.as_ref()).unwrap_or(Json::Null)
    }
}

/// Runs tools.
#[derive(Debug, Clone)]
pub struct Desk {
    core: Arc<Core>,
}

impl Desk {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Runs a tool and waits for its answer. Dropping the future cancels the call, and the audit says so.
    pub async fn call(&self, order: CallOrder) -> Result<CallDone, Fault> {
        self.call_with(order, None).await
    }

    /// The same, with progress on a channel of the caller's. A channel that is full loses progress.
    pub async fn call_with(&self, order: CallOrder, events: Option<mpsc::Sender<CallEvent>>) -> Result<CallDone, Fault> {
        let _slot = self.core.slot(&order.server)?;
        drop(events);
        tokio::task::yield_now().await;
        Err(crate::sessions::soon())
    }

    /// Cancels a running call; answers whether there was one.
    pub fn cancel(&self, call: &CallId) -> bool {
        let _ = call;
        false
    }

    /// What runs now.
    pub fn running(&self) -> Vec<RunningCall> {
        Vec::new()
    }

    /// Past calls with their arguments and results, newest first, secrets redacted: to look at again, and to replay.
    pub async fn history(&self, server: Option<&ServerId>, tool: Option<&str>, most: u32) -> Result<Vec<PastCall>, Fault> {
        self.core.ports.history.past(server, tool, most).await
    }
}
