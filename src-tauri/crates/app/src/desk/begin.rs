//! What goes on for as long as a person wants, and is no call of a tool: a terminal in a container. And what is no tool at all, because no
//! program may have it: a Secret's value. Policy decides about both as about a call, and the audit log holds their begin and their end.
//!
//! **Invariant:** nothing begins before policy permitted it and its intent was written; however it ends, the end is written too.

use std::sync::Arc;

use domain::audit::{Durability, Ending, Entry, Event};
use domain::fault::{Fault, FaultKind, ServerFault};
use domain::id::AuditId;
use domain::policy::{CallFacts, Decision};
use domain::ticket::Ticket;
use domain::tool::{Risk, canonical};
use domain::{Json, JsonMap};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::carry::{attempted, millis};
use super::{CallOrder, Desk, Listed};
use crate::core::Core;
use crate::event::Tag;

/// Something that was permitted and goes on.
#[derive(Debug)]
pub(crate) struct Begun {
    core: Arc<Core>,
    ticket: Ticket,
    cancel: CancellationToken,
    started: Instant,
    ended: bool,
    _listed: Listed,
}

impl Begun {
    /// The reference to quote.
    pub(crate) fn audit_id(&self) -> &AuditId {
        self.ticket.audit_id()
    }

    /// Waits until somebody wants it to end: a person, or the app that closes.
    pub(crate) fn unwanted(&self) -> tokio_util::sync::WaitForCancellationFutureOwned {
        self.cancel.clone().cancelled_owned()
    }

    /// Writes how it ended.
    pub(crate) async fn end<T>(mut self, outcome: &Result<T, Fault>) {
        self.ended = true;
        let (ending, code) = match outcome {
            Ok(_) => (Ending::Done, None),
            Err(fault) if fault.kind == FaultKind::Cancelled => (Ending::Cancelled, Some(fault.code.clone())),
            Err(fault) => (Ending::Fault(fault.kind), Some(fault.code.clone())),
        };
        let entry = self.outcome(ending, code);
        written(&self.core, entry).await;
    }

    fn outcome(&self, ending: Ending, code: Option<String>) -> Entry {
        let facts = self.ticket.permit().facts();
        Entry {
            id: self.ticket.audit_id().clone(),
            at: self.core.now(),
            actor: facts.actor.clone(),
            server: Some(facts.server.clone()),
            server_name: facts.server_name.clone(),
            server_fingerprint: facts.server_fingerprint.clone(),
            event: Event::Outcome { ending, code, bytes: 0, elapsed_ms: millis(self.started) },
        }
    }
}

async fn written(core: &Core, entry: Entry) {
    let reference = entry.id.clone();
    if let Err(fault) = core.ports.audit.append(entry, Durability::Queued).await {
        tracing::error!(%reference, %fault, "an end could not be written down");
    }
    core.events.changed(Tag::Activity);
}

impl Drop for Begun {
    /// Whoever walks away leaves an end, too.
    fn drop(&mut self) {
        if !self.ended {
            let entry = self.outcome(Ending::Cancelled, Some("cancelled".to_owned()));
            let core = self.core.clone();
            let tracked = self.core.calls.token();
            if let Ok(runtime) = tokio::runtime::Handle::try_current() {
                drop(runtime.spawn(async move {
                    written(&core, entry).await;
                    drop(tracked);
                }));
            }
        }
    }
}

impl Desk {
    /// Permits something that goes on, as a call of this tool would be permitted, and writes its intent.
    pub(crate) async fn begin(&self, mut order: CallOrder) -> Result<Begun, Fault> {
        let core = &self.core;
        let slot = core.slot(&order.server)?;
        let cancel = core.stop_calls.child_token();
        let listed = self.list(&order, cancel.clone())?;
        let ready = tokio::select! {
            biased;
            () = cancel.cancelled() => return Err(core.say(&ServerFault::Cancelled, &attempted(&order.tool), &slot.name())),
            ready = core.ready(&slot, &mut order) => ready?,
        };
        let ticket = Ticket::begin(core.ports.audit.as_ref(), ready.permit, Core::audit_id(), core.now(), ready.args_shape).await?;
        core.events.changed(Tag::Activity);
        Ok(Begun { core: core.clone(), ticket, cancel, started: Instant::now(), ended: false, _listed: listed })
    }

    /// Permits something that no server offers: only a person at a door of this app can want it. `shape` is what the audit log keeps of the
    /// arguments.
    pub(crate) async fn begin_own(&self, order: CallOrder, risk: Risk, shape: Json) -> Result<Begun, Fault> {
        let core = &self.core;
        let slot = core.slot(&order.server)?;
        let cancel = core.stop_calls.child_token();
        let listed = self.list(&order, cancel.clone())?;
        let policy = core.policy().await?;
        let definition = slot.definition();
        let risk = policy.risk_override(&definition.def.name, &order.tool).unwrap_or(risk);
        let args = JsonMap::clone(&order.args);
        let mut actor = order.actor.clone();
        actor.can_ask |= Core::agreed_before(&order);
        let facts = CallFacts {
            call: order.call.clone(),
            actor,
            server: slot.id.clone(),
            server_name: definition.def.name.clone(),
            server_fingerprint: definition.fingerprint.clone(),
            tool: order.tool.clone(),
            tool_fingerprint: "own".to_owned(),
            risk,
            args_hash: core.ports.audit.args_hash(&canonical(&Json::Object(order.args.clone()))),
        };
        let permit = match policy.decide(facts) {
            Decision::Allow(permit) => permit,
            Decision::Deny(refusal) => return Err(core.refuse(&refusal, shape).await),
            Decision::Ask(held) => tokio::select! {
                biased;
                () = cancel.cancelled() => return Err(core.say(&ServerFault::Cancelled, &attempted(&order.tool), &slot.name())),
                permit = core.permitted(&slot, &order, held, args, &shape, None) => permit?.0,
            },
        };
        let ticket = Ticket::begin(core.ports.audit.as_ref(), permit, Core::audit_id(), core.now(), shape).await?;
        core.events.changed(Tag::Activity);
        Ok(Begun { core: core.clone(), ticket, cancel, started: Instant::now(), ended: false, _listed: listed })
    }
}
