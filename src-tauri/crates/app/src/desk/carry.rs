//! One call from its order to its outcome, in a task of its own.

use std::sync::Arc;
use std::time::Duration;

use domain::audit::{Durability, Ending, Entry, Event};
use domain::call_events::call_events;
use domain::fault::{Fault, ServerFault};
use domain::id::{Millis, ToolName};
use domain::metrics::Sample;
use domain::protocol::{CallEvent, CallIo, CallReq};
use domain::text::Text;
use domain::ticket::Ticket;
use domain::tool::{Risk, ToolResult};
use domain::{Json, JsonMap};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::cache::Key;
use super::decide::Ready;
use super::patience::{self, Patience, TOTAL};
use super::scribe::Finished;
use super::{CallDone, CallOrder, Listed};
use crate::core::Core;
use crate::event::{AppEvent, Tag};
use crate::sessions::{Counted, Live, Offered, Order, Slot, calm, map_weight};

/// One result, whatever carried it.
const MAX_RESULT: usize = 16 << 20;
/// Arguments up to this weight are kept for the history.
const MAX_KEPT_ARGS: usize = 256 * 1024;
/// Progress that waits to be passed on.
const EVENTS: usize = 64;
/// Longest pause between tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What was attempted, as a verb phrase.
pub(super) fn attempted(tool: &ToolName) -> Text {
    Text::new(format!("call \"{tool}\""), format!("调用“{tool}”"))
}

/// Carries a call out.
pub(super) async fn carry(
    core: Arc<Core>,
    slot: Arc<Slot>,
    mut order: CallOrder,
    events: Option<mpsc::Sender<CallEvent>>,
    cancel: CancellationToken,
    listed: Listed,
) -> Result<CallDone, Fault> {
    let begun = Instant::now();
    let _listed = listed;
    let _running = Counted::one(&slot.running);
    let tool = order.tool.clone();
    let say = |fault: &ServerFault| core.say(fault, &attempted(&tool), &slot.name());
    // Until the ticket is written, giving up leaves nothing behind.
    let ready = tokio::select! {
        biased;
        () = cancel.cancelled() => return Err(say(&ServerFault::Cancelled)),
        ready = core.ready(&slot, &mut order) => ready?,
    };
    let ttl = ready.ttl();
    let key = (!ttl.is_zero()).then(|| Key {
        server: slot.id.clone(),
        server_fingerprint: ready.permit.facts().server_fingerprint.clone(),
        tool_fingerprint: ready.offered.fingerprint().clone(),
        args_hash: ready.args_hash.clone(),
    });
    let remembered = key.as_ref().and_then(|key| core.desk.cache.get(key));
    let gate = slot.gate();
    let _turn = if remembered.is_some() {
        None
    } else {
        let turn = tokio::select! {
            biased;
            () = cancel.cancelled() => return Err(say(&ServerFault::Cancelled)),
            turn = gate.turn() => turn,
        };
        Some(turn.map_err(|fault| say(&fault))?)
    };
    let Ready { live, offered, args, args_shape, permit, risk, .. } = ready;
    let audit_id = Core::audit_id();
    let ticket = Ticket::begin(core.ports.audit.as_ref(), permit, audit_id.clone(), core.now(), args_shape).await?;
    core.events.changed(Tag::Activity);
    let call = Call { core: &core, slot: &slot, order: &order, offered: &offered, ticket: &ticket, events, cancel: &cancel, risk };
    let started = Instant::now();
    let bytes_out = map_weight(&args);
    let kept_args = if bytes_out <= MAX_KEPT_ARGS { kept(&args, &offered.tool.input_schema) } else { JsonMap::new() };
    let cached = remembered.is_some();
    let answer = match remembered {
        Some(result) => Ok((result, None)),
        None => call.carried_out(live, args).await.map(|(result, invalid)| (Arc::new(result), invalid)),
    };
    call.finish(begun, started, bytes_out, kept_args, key.map(|key| (key, ttl)), cached, answer).await
}

/// The arguments without those that are only ever written (`writeOnly`): a manifest may hold what nobody is to find again.
fn kept(args: &JsonMap, schema: &Json) -> JsonMap {
    let only_written = |name: &str| schema.pointer("/properties").and_then(|all| all.get(name)?.get("writeOnly")?.as_bool()) == Some(true);
    let one = |(name, value): (&String, &Json)| {
        let value = if only_written(name) { Json::from("[not kept]") } else { value.clone() };
        (name.clone(), value)
    };
    args.iter().map(one).collect()
}

impl Ready {
    /// How long an answer of this call may be used again; zero when not at all.
    fn ttl(&self) -> Duration {
        let reads = self.offered.tool.annotations.read_only_hint == Some(true) && self.risk <= Risk::Low;
        if reads { self.offered.cache_ttl.unwrap_or(self.live.numbers.cache_ttl) } else { Duration::ZERO }
    }
}

struct Call<'c> {
    core: &'c Arc<Core>,
    slot: &'c Arc<Slot>,
    order: &'c CallOrder,
    offered: &'c Offered,
    ticket: &'c Ticket,
    events: Option<mpsc::Sender<CallEvent>>,
    cancel: &'c CancellationToken,
    risk: Risk,
}

impl Call<'_> {
    /// Whether a repeat is known to do no harm: the server says so, and nothing about the tool says otherwise.
    fn repeatable(&self) -> bool {
        self.offered.tool.claims_repeatable() && self.risk <= Risk::Low
    }

    fn pass_on(&self, event: CallEvent) {
        let app = &self.core.events;
        if app.heard() {
            app.send(AppEvent::Call { call: self.order.call.clone(), event: event.clone() });
        }
        if let Some(events) = &self.events {
            let _ = events.try_send(event);
        }
    }

    /// Sends the call, again where that is harmless, and looks at what came back.
    async fn carried_out(&self, mut live: Arc<Live>, args: JsonMap) -> Result<(ToolResult, Option<ServerFault>), ServerFault> {
        let numbers = live.numbers;
        let idle = self.order.timeout.or(self.offered.timeout).unwrap_or(numbers.timeout).min(TOTAL);
        let until = Instant::now() + TOTAL;
        let retries = if self.repeatable() { numbers.retries } else { 0 };
        let mut pause = numbers.retry_delay.min(LONGEST_PAUSE);
        let mut args = Some(args);
        for attempt in 0.. {
            let last = attempt >= retries;
            let now = if last { args.take() } else { args.clone() }.unwrap_or_default();
            let fault = match self.send(&live, now, idle, until).await {
                Ok(result) => return self.looked_at(result).await,
                Err(fault) => fault,
            };
            if fault.ends_session() {
                self.slot.order(Order::Broken { generation: live.generation, fault: fault.clone() });
            }
            let wait = match &fault {
                _ if last || Instant::now() + pause >= until => return Err(fault),
                ServerFault::RateLimited { retry_after } if *retry_after <= LONGEST_PAUSE => (*retry_after).max(pause),
                ServerFault::ConnectionLost { .. }
                | ServerFault::ServerExited { .. }
                | ServerFault::Unreachable { .. }
                | ServerFault::HttpStatus { status: 500 | 502..=504, .. } => pause,
                _ => return Err(fault),
            };
            tracing::debug!(server = %self.slot.id, tool = %self.order.tool, code = fault.code(), attempt, "a harmless call is tried again");
            tokio::select! {
                () = self.cancel.cancelled() => return Err(ServerFault::Cancelled),
                () = tokio::time::sleep(wait.mul_f64(0.5 + rand::random::<f64>() / 2.0)) => {}
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
            let again = tokio::select! {
                () = self.cancel.cancelled() => return Err(ServerFault::Cancelled),
                again = self.core.ensure(self.slot, &self.order.actor) => again,
            };
            // A reconnected server may offer another tool under this name; the ticket is for the one that was looked at.
            let same = self.slot.offered(&self.order.tool).is_some_and(|now| now.fingerprint() == self.offered.fingerprint());
            match again {
                Ok(again) if same && again.fingerprint == self.ticket.permit().facts().server_fingerprint => live = again,
                Ok(_) => return Err(ServerFault::ToolChanged { tool: self.order.tool.as_str().to_owned() }),
                Err(_) => return Err(fault),
            }
        }
        Err(ServerFault::Internal { what: "a call was tried without end".into() })
    }

    async fn send(&self, live: &Live, args: JsonMap, idle: Duration, until: Instant) -> Result<ToolResult, ServerFault> {
        let (events, received) = call_events(EVENTS);
        let tell = CancellationToken::new();
        let io = CallIo { cancel: tell.clone(), events: Some(events) };
        let req = CallReq { tool: self.order.tool.clone(), args };
        let patience = Patience { idle, until, cancel: self.cancel, gone: &live.gone, tell: &tell };
        let asking = || self.slot.asking.now();
        let call = calm(live.session.call(self.ticket, req, io));
        patience::wait(call, received, patience, asking, |event| self.pass_on(event)).await
    }

    /// Whether the result keeps to the limits and to what the tool promised. One that breaks its promise is given all the same, marked.
    async fn looked_at(&self, result: ToolResult) -> Result<(ToolResult, Option<ServerFault>), ServerFault> {
        if result.weight() > MAX_RESULT {
            return Err(ServerFault::MessageTooLarge { limit: MAX_RESULT });
        }
        let Some(schema) = self.offered.output().filter(|_| !result.is_error) else { return Ok((result, None)) };
        let Ok(schema) = schema else { return Ok((result, None)) };
        let invalid = match &result.structured_content {
            None => Some(ServerFault::ResultInvalid { reason: "the structured result is missing".to_owned() }),
            Some(structured) => match schema.check(structured, "the result").await {
                Ok(None) => None,
                Ok(Some((path, reason))) => Some(ServerFault::ResultInvalid { reason: format!("{path}: {reason}") }),
                Err(fault) => Some(fault),
            },
        };
        Ok((result, invalid))
    }

    /// Writes how the call ended, and tells the caller.
    #[expect(clippy::too_many_arguments, reason = "one call site; they are the facts of one ending")]
    async fn finish(
        &self,
        begun: Instant,
        started: Instant,
        bytes_out: usize,
        args: JsonMap,
        keep: Option<(Key, Duration)>,
        cached: bool,
        answer: Result<(Arc<ToolResult>, Option<ServerFault>), ServerFault>,
    ) -> Result<CallDone, Fault> {
        let Self { core, slot, order, ticket, .. } = self;
        let facts = ticket.permit().facts();
        let at = core.now();
        let elapsed_ms = millis(started);
        let (ending, code, bytes) = match &answer {
            Ok((result, invalid)) => {
                let ending = if result.is_error { Ending::ToolError } else { Ending::Done };
                let code = if result.is_error { Some("tool_error") } else { invalid.as_ref().map(ServerFault::code) };
                (ending, code, result.weight() as u64)
            }
            Err(ServerFault::Cancelled) => (Ending::Cancelled, Some("cancelled"), 0),
            Err(fault) => (Ending::Fault(fault.kind()), Some(fault.code()), 0),
        };
        let entry = Entry {
            id: ticket.audit_id().clone(),
            at,
            actor: facts.actor.clone(),
            server: Some(facts.server.clone()),
            server_name: facts.server_name.clone(),
            server_fingerprint: facts.server_fingerprint.clone(),
            event: Event::Outcome { ending, code: code.map(str::to_owned), bytes, elapsed_ms },
        };
        if let Err(fault) = core.ports.audit.append(entry, Durability::Queued).await {
            // The tool did run: the answer is given, and the next intent that cannot be written stops everything.
            tracing::error!(reference = %ticket.audit_id(), %fault, "the end of a call could not be written down");
        }
        // A server that is not saved has no figures: each run of it would be one more server in the list.
        if !cached && !slot.one_off {
            core.ports.metrics.record(Sample {
                at,
                server: facts.server.clone(),
                tool: Some(facts.tool.clone()),
                elapsed_ms,
                error: code.map(str::to_owned),
                bytes_out: bytes_out as u64,
                bytes_in: bytes,
            });
        }
        if !cached {
            slot.took(elapsed_ms);
        }
        slot.used();
        core.events.changed(Tag::Activity);
        core.events.changed(Tag::Metrics);
        let attempted = attempted(&order.tool);
        let said = |fault: &ServerFault| core.say(fault, &attempted, &facts.server_name).with_reference(ticket.audit_id());
        let done = answer.map_err(|fault| self.with_doubt(said(&fault), &fault));
        let weight = usize::try_from(bytes).unwrap_or(usize::MAX).saturating_add(bytes_out.min(MAX_KEPT_ARGS));
        self.remember(at, elapsed_ms, args, done.as_ref().map(|(result, _)| result.clone()).map_err(Clone::clone), weight);
        if self.offered.tool.annotations.read_only_hint != Some(true) {
            // Whatever it did, what was read before may be no longer so.
            core.desk.cache.forget(&slot.id);
        }
        let (result, invalid) = done?;
        if let Some((key, ttl)) = keep.filter(|_| !cached && !result.is_error && invalid.is_none()) {
            core.desk.cache.put(key, ttl, usize::try_from(bytes).unwrap_or(usize::MAX), result.clone());
        }
        Ok(CallDone {
            result,
            audit_id: ticket.audit_id().clone(),
            elapsed_ms: millis(begun),
            server: facts.server.clone(),
            server_name: facts.server_name.clone(),
            tool: order.tool.clone(),
            invalid: invalid.as_ref().map(said),
            cached,
        })
    }

    /// Where a call that is no mere reading may have been carried out although no answer came, the next step is to look, not to repeat.
    fn with_doubt(&self, mut said: Fault, fault: &ServerFault) -> Fault {
        let doubt = matches!(fault, ServerFault::ServerExited { .. } | ServerFault::Timeout { .. });
        if doubt && !self.repeatable() {
            if let Some(params) = said.params.as_object_mut() {
                params.insert("lostResult".to_owned(), true.into());
            }
            if matches!(fault, ServerFault::ServerExited { .. }) {
                let look = ServerFault::ConnectionLost { reason: String::new(), lost_result: true }.hint();
                said.hint = Text::new(format!("{}; {}", look.en, said.hint.en), format!("{}；{}", look.zh, said.hint.zh));
            }
        }
        said
    }

    fn remember(&self, at: Millis, elapsed_ms: f64, args: JsonMap, result: Result<Arc<ToolResult>, Fault>, weight: usize) {
        let finished = Finished {
            audit_id: self.ticket.audit_id().clone(),
            at,
            server: self.slot.id.clone(),
            tool: self.order.tool.clone(),
            args,
            result,
            elapsed_ms,
        };
        if !self.core.desk.waiting.put(finished, weight) {
            tracing::debug!("a call was left out of the history: too many at once");
        }
    }
}

/// Milliseconds since then, to the microsecond: more digits are noise.
#[expect(clippy::cast_precision_loss, reason = "2^53 µs are 285 years")]
pub(super) fn millis(since: Instant) -> f64 {
    since.elapsed().as_micros() as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_only_written_is_not_kept_for_the_history() {
        let schema = json!({ "properties": { "manifest": { "writeOnly": true }, "digest": {} } });
        let args = json!({ "manifest": "canary", "digest": "d", "other": 1 });
        let kept = kept(args.as_object().unwrap(), &schema);
        assert_eq!(Json::Object(kept), json!({ "manifest": "[not kept]", "digest": "d", "other": 1 }));
    }
}
