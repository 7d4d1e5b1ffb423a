//! The one way to a tool: policy, audit, patience, and nothing that goes round them.
//!
//! **Invariant:** nothing is sent before policy permitted exactly this call and its intent was written; whatever happens to the
//! caller, the outcome is written too.

mod approvals;
pub(crate) mod begin;
mod cache;
mod carry;
mod decide;
mod patience;
pub(crate) mod risk;
pub(crate) mod schema;
mod scribe;

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use domain::fault::{Fault, FaultKind, ServerFault};
use domain::id::{AuditId, CallId, Millis, ServerId, ToolName};
use domain::policy::Actor;
use domain::ports::{PastCall, Settings};
use domain::protocol::CallEvent;
use domain::text::Text;
use domain::tool::ToolResult;
use domain::{Json, JsonMap};
use futures::FutureExt as _;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::core::Core;
use crate::event::Tag;
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
    /// The person at the terminal agreed to this one call beforehand (`--approve-once`). Counts for `Ask`, never for `Deny`, and only
    /// through the terminal's door.
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

/// What the desk keeps between calls.
#[derive(Debug)]
pub(crate) struct DeskState {
    running: Mutex<HashMap<CallId, (RunningCall, CancellationToken)>>,
    approvals: approvals::Approvals,
    cache: cache::Cache,
    waiting: Arc<scribe::Waiting>,
}

impl DeskState {
    pub(crate) async fn load(settings: &dyn Settings) -> Result<Self, Fault> {
        let approvals = approvals::Approvals::load(settings).await?;
        Ok(Self { running: Mutex::default(), approvals, cache: cache::Cache::default(), waiting: Arc::default() })
    }

    /// Starts writing the history.
    pub(crate) fn start(&self, core: &Core) {
        let (history, redact) = (core.ports.history.clone(), core.ports.redact.clone());
        core.tasks.spawn(scribe::write(self.waiting.clone(), history, redact, core.stop.clone()));
    }
}

/// A call in the list of running ones, for as long as this lives.
#[derive(Debug)]
struct Listed {
    core: Arc<Core>,
    call: CallId,
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.core.desk.running.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.call);
    }
}

/// A call that is the app's and not its caller's: whoever walks away cancels it, and its end is written all the same, in a task of its
/// own. Until then it needs none: a task for each call costs two changes of threads.
struct Owned<F: Future + Unpin + Send + 'static>
where
    F::Output: Send,
{
    call: Option<F>,
    cancel: CancellationToken,
    runtime: Handle,
}

impl<F: Future + Unpin + Send + 'static> Future for Owned<F>
where
    F::Output: Send,
{
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let Some(call) = self.call.as_mut() else { return Poll::Pending };
        let done = Pin::new(call).poll(cx);
        if done.is_ready() {
            self.call = None;
        }
        done
    }
}

impl<F: Future + Unpin + Send + 'static> Drop for Owned<F>
where
    F::Output: Send,
{
    fn drop(&mut self) {
        if let Some(call) = self.call.take() {
            self.cancel.cancel();
            drop(self.runtime.spawn(call));
        }
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
        let slot = self.core.slot(&order.server)?;
        let cancel = self.core.stop_calls.child_token();
        let listed = self.list(&order, cancel.clone())?;
        let tool = order.tool.clone();
        // Boxed before it is wrapped: it is large, and each wrapping would move it.
        let call = Box::pin(carry::carry(self.core.clone(), slot.clone(), order, events, cancel.clone(), listed));
        let call = self.core.calls.track_future(AssertUnwindSafe(call).catch_unwind());
        let done = Owned { call: Some(call), cancel, runtime: Handle::current() }.await;
        done.unwrap_or_else(|_| {
            let what = "the call came to an end that was not foreseen".to_owned();
            Err(self.core.say(&ServerFault::Internal { what }, &carry::attempted(&tool), &slot.name()))
        })
    }

    /// Cancels a running call; answers whether there was one.
    pub fn cancel(&self, call: &CallId) -> bool {
        let running = self.core.desk.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.get(call).is_some_and(|(_, cancel)| {
            cancel.cancel();
            true
        })
    }

    /// What runs now, or waits for a person, oldest first.
    pub fn running(&self) -> Vec<RunningCall> {
        let mut all: Vec<_> = {
            let running = self.core.desk.running.lock().unwrap_or_else(PoisonError::into_inner);
            running.values().map(|(call, _)| call.clone()).collect()
        };
        all.sort_by(|a, b| (a.since, a.call.as_str()).cmp(&(b.since, b.call.as_str())));
        all
    }

    /// Past calls with their arguments and results, newest first, secrets redacted: to look at again, and to replay.
    pub async fn history(&self, server: Option<&ServerId>, tool: Option<&str>, most: u32) -> Result<Vec<PastCall>, Fault> {
        // What has just ended belongs to the past, too.
        self.core.desk.waiting.write(self.core.ports.history.as_ref(), self.core.ports.redact.as_ref());
        self.core.ports.history.past(server, tool, most).await
    }

    fn list(&self, order: &CallOrder, cancel: CancellationToken) -> Result<Listed, Fault> {
        use std::collections::hash_map::Entry;
        let since: Millis = self.core.now();
        let mut running = self.core.desk.running.lock().unwrap_or_else(PoisonError::into_inner);
        match running.entry(order.call.clone()) {
            Entry::Occupied(_) => Err(Fault::new(
                FaultKind::Usage,
                "call_exists",
                Text::new(format!("a call with the handle {} is running", order.call), format!("已有标识为 {} 的调用正在运行", order.call)),
                Text::new("give each call a handle of its own", "请为每次调用使用不同的标识"),
            )),
            Entry::Vacant(place) => {
                let call = RunningCall { call: order.call.clone(), server: order.server.clone(), tool: order.tool.clone(), since };
                place.insert((call, cancel));
                drop(running);
                self.core.events.changed(Tag::Activity);
                Ok(Listed { core: self.core.clone(), call: order.call.clone() })
            }
        }
    }
}
