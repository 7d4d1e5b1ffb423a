//! Everything that comes in from a peer passes here once, whatever carried it: it is checked, counted, limited, and handed on.
//!
//! **Invariant:** a reply reaches exactly the request it names and at most once; nothing a peer sends makes this wait.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use domain::fault::ServerFault;
use domain::protocol::{CallEvent, CallIo, Frame, Host, SessionEvent};
use domain::{Json, JsonMap};
use rmcp::RoleClient;
use rmcp::model::{
    ClientNotification, CustomRequest, CustomResult, ErrorCode, ErrorData, GetExtensions, GetMeta, JsonRpcMessage, NumberOrString,
    ServerNotification, ServerRequest, ServerResult,
};
use rmcp::service::{RxJsonRpcMessage, TxJsonRpcMessage};
use serde_json::value::RawValue;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::envelope::{Envelope, Id, id_in, invalid};

type Rx = RxJsonRpcMessage<RoleClient>;

/// Notifications a second, and how many at once.
const NOTIFICATIONS: (f64, f64) = (200.0, 1000.0);
/// Requests of the server a second, and how many at once.
const REQUESTS: (f64, f64) = (20.0, 100.0);
/// So many replies to nothing, and the peer is not one to talk to.
const STRAY_LIMIT: u64 = 1000;
/// So many lines of noise, and a person is told.
const NOISE_LIMIT: u64 = 1000;
/// `list_changed` is passed on this often at most.
const CHANGED_EVERY: Duration = Duration::from_secs(1);

/// What waits for a reply. It travels with the request as an rmcp extension, so that transports can find it.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) method: &'static str,
    io: Option<CallIo>,
    sent: AtomicBool,
    fault: OnceLock<ServerFault>,
    progress: Mutex<Option<f64>>,
    /// Who waits, when the request went past rmcp. Without a value, the reason is in `fault`.
    waits: Mutex<Option<oneshot::Sender<Option<Json>>>>,
    express: bool,
}

impl Slot {
    pub(crate) fn new(method: &'static str, io: Option<CallIo>) -> Arc<Self> {
        Self::of(method, io, None)
    }

    /// For a request that goes past rmcp, and where its reply comes.
    pub(crate) fn express(method: &'static str, io: Option<CallIo>) -> (Arc<Self>, oneshot::Receiver<Option<Json>>) {
        let (waits, reply) = oneshot::channel();
        (Self::of(method, io, Some(waits)), reply)
    }

    fn of(method: &'static str, io: Option<CallIo>, waits: Option<oneshot::Sender<Option<Json>>>) -> Arc<Self> {
        Arc::new(Self {
            method,
            io,
            sent: AtomicBool::new(false),
            fault: OnceLock::new(),
            progress: Mutex::new(None),
            express: waits.is_some(),
            waits: Mutex::new(waits),
        })
    }

    /// Whether the one who waits here has the reply, or the news that there is none.
    pub(crate) fn is_answered(&self) -> bool {
        self.express && self.waits.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    /// Hands the reply to who waits here; gives it back when the request went through rmcp.
    fn hand_over(&self, value: Json) -> Option<Json> {
        match self.waits.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(waits) => {
                let _ = waits.send(Some(value));
                None
            }
            None => Some(value),
        }
    }

    /// The request is leaving this process, so the peer may have carried it out.
    pub(crate) fn mark_sent(&self) {
        self.sent.store(true, Ordering::Release);
    }

    pub(crate) fn was_sent(&self) -> bool {
        self.sent.load(Ordering::Acquire)
    }

    /// Says why the request has no result, more exactly than a JSON-RPC error could. The first word counts.
    pub(crate) fn fail(&self, fault: ServerFault) {
        let _ = self.fault.set(fault);
        if let Some(waits) = self.waits.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = waits.send(None);
        }
    }

    pub(crate) fn fault(&self) -> Option<ServerFault> {
        self.fault.get().cloned()
    }

    /// Passes something live on to the caller.
    pub(crate) fn emit(&self, event: CallEvent) {
        if let Some(io) = &self.io {
            io.emit(event);
        }
    }

    /// Takes progress that increases; everything else is not progress (C-13).
    fn advance(&self, progress: f64) -> bool {
        let mut last = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        let further = progress.is_finite() && last.is_none_or(|last| progress > last);
        if further {
            *last = Some(progress);
        }
        further
    }
}

/// A request that was sent and not answered.
#[derive(Debug)]
struct Waiting {
    slot: Arc<Slot>,
    token: Option<i64>,
}

#[derive(Debug, Default)]
struct Sent {
    waiting: HashMap<i64, Waiting>,
    /// Progress token → request.
    tokens: HashMap<i64, i64>,
    /// Given up lately: their replies are late, not strange.
    late: VecDeque<i64>,
}

/// Tokens that refill with time.
#[derive(Debug)]
pub(crate) struct Bucket {
    rate: f64,
    burst: f64,
    left: f64,
    at: Instant,
}

impl Bucket {
    pub(crate) fn new((rate, burst): (f64, f64)) -> Self {
        Self { rate, burst, left: burst, at: Instant::now() }
    }

    pub(crate) fn take(&mut self) -> bool {
        let now = Instant::now();
        self.left = (self.left + now.duration_since(self.at).as_secs_f64() * self.rate).min(self.burst);
        self.at = now;
        let enough = self.left >= 1.0;
        if enough {
            self.left -= 1.0;
        }
        enough
    }
}

/// What was not handed on.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) noise: AtomicU64,
    pub(crate) stray: AtomicU64,
    pub(crate) late: AtomicU64,
    pub(crate) dropped: AtomicU64,
    pub(crate) broken: AtomicU64,
}

#[derive(Debug, Default)]
struct Changed {
    last: Option<Instant>,
    due: bool,
}

/// The rules of the era that was agreed on.
pub(crate) mod era {
    pub(crate) const NONE: u8 = 0;
    pub(crate) const LEGACY: u8 = 1;
    pub(crate) const MODERN: u8 = 2;
}

/// The reply of which request may come over the stream that is being read (HTTP), and who listens to that call.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    pub(crate) id: i64,
    pub(crate) slot: Arc<Slot>,
}

/// One connection's intake.
#[derive(Debug)]
pub(crate) struct Intake {
    pub(crate) host: Arc<dyn Host>,
    /// Fires when the connection is over, by whichever side.
    pub(crate) over: CancellationToken,
    pub(crate) counts: Counts,
    cause: OnceLock<ServerFault>,
    pub(crate) tasks: TaskTracker,
    era: AtomicU8,
    batches: AtomicBool,
    sent: Mutex<Sent>,
    notifications: Mutex<Bucket>,
    requests: Mutex<Bucket>,
    changed: Arc<[Mutex<Changed>; 3]>,
}

/// The first 64 KiB as text, for the wire log.
pub(crate) fn cut(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(64 * 1024)]).into_owned()
}

impl Intake {
    pub(crate) fn new(host: Arc<dyn Host>, tasks: TaskTracker, stop: &CancellationToken) -> Arc<Self> {
        Arc::new(Self {
            host,
            over: stop.child_token(),
            counts: Counts::default(),
            cause: OnceLock::new(),
            tasks,
            era: AtomicU8::new(era::NONE),
            batches: AtomicBool::new(false),
            sent: Mutex::default(),
            notifications: Mutex::new(Bucket::new(NOTIFICATIONS)),
            requests: Mutex::new(Bucket::new(REQUESTS)),
            changed: Arc::default(),
        })
    }

    /// From now on these rules hold.
    pub(crate) fn agree(&self, era: u8, batches: bool) {
        self.era.store(era, Ordering::Release);
        self.batches.store(batches, Ordering::Release);
    }

    pub(crate) fn era(&self) -> u8 {
        self.era.load(Ordering::Acquire)
    }

    /// The connection is over, and this is why. The first reason counts.
    pub(crate) fn end(&self, fault: ServerFault) {
        let _ = self.cause.set(fault);
        self.over.cancel();
    }

    /// Why the connection is over, if the peer or a rule ended it.
    pub(crate) fn cause(&self) -> Option<ServerFault> {
        self.cause.get().cloned()
    }

    /// What a call is told when the connection is gone.
    pub(crate) fn lost(&self, lost_result: bool) -> ServerFault {
        let reason = match self.cause.get() {
            Some(ServerFault::ConnectionLost { reason, .. }) => reason.clone(),
            Some(cause) => cause.to_string(),
            None => "the connection is closed".to_owned(),
        };
        ServerFault::ConnectionLost { reason, lost_result }
    }

    fn sent(&self) -> std::sync::MutexGuard<'_, Sent> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what is about to be sent, so that its reply will be known.
    pub(crate) fn outgoing(&self, message: &TxJsonRpcMessage<RoleClient>) -> Option<Arc<Slot>> {
        match message {
            JsonRpcMessage::Request(request) => {
                let slot = request.request.extensions().get::<Arc<Slot>>().cloned().unwrap_or_else(|| Slot::new("", None));
                let NumberOrString::Number(id) = request.id else { return Some(slot) };
                let token = match request.request.get_meta().get_progress_token().map(|token| token.0) {
                    Some(NumberOrString::Number(token)) if slot.io.as_ref().is_some_and(|io| io.events.is_some()) => Some(token),
                    _ => None,
                };
                let mut sent = self.sent();
                if let Some(token) = token {
                    sent.tokens.insert(token, id);
                }
                sent.waiting.insert(id, Waiting { slot: slot.clone(), token });
                Some(slot)
            }
            JsonRpcMessage::Notification(notification) => {
                if let ClientNotification::CancelledNotification(cancelled) = &notification.notification
                    && let Some(NumberOrString::Number(id)) = cancelled.params.request_id
                {
                    self.give_up(id);
                }
                None
            }
            _ => None,
        }
    }

    /// The caller no longer wants this reply.
    pub(crate) fn give_up(&self, id: i64) {
        let mut sent = self.sent();
        if let Some(waiting) = sent.waiting.remove(&id) {
            if let Some(token) = waiting.token {
                sent.tokens.remove(&token);
            }
            if sent.late.len() == 256 {
                sent.late.pop_front();
            }
            sent.late.push_back(id);
        }
    }

    /// A request is sent once more, past [`Intake::outgoing`]: a session that is opened anew.
    pub(crate) fn expect(&self, id: i64, slot: &Arc<Slot>) {
        self.sent().waiting.entry(id).or_insert_with(|| Waiting { slot: slot.clone(), token: None });
    }

    /// The same for a request that goes past rmcp; `token` is what its progress is known by.
    pub(crate) fn outgoing_express(&self, id: i64, slot: &Arc<Slot>, token: Option<i64>) {
        let mut sent = self.sent();
        if let Some(token) = token {
            sent.tokens.insert(token, id);
        }
        sent.waiting.insert(id, Waiting { slot: slot.clone(), token });
    }

    /// The request will have no reply: it failed on its way.
    pub(crate) fn forget(&self, id: i64) {
        self.take(id);
    }

    fn take(&self, id: i64) -> Option<Arc<Slot>> {
        let mut sent = self.sent();
        let waiting = sent.waiting.remove(&id)?;
        if let Some(token) = waiting.token {
            sent.tokens.remove(&token);
        }
        Some(waiting.slot)
    }

    /// The only request that waits, if there is exactly one.
    fn only(&self) -> Option<i64> {
        let sent = self.sent();
        let mut calls = sent.waiting.iter().filter(|(_, waiting)| waiting.slot.method != super::LISTEN);
        calls.next().filter(|_| calls.next().is_none()).map(|(id, _)| *id)
    }

    /// A line that is no message.
    pub(crate) fn noise(&self, text: &str) {
        let count = self.counts.noise.fetch_add(1, Ordering::Relaxed) + 1;
        if self.host.wants_frames() {
            self.host.frame(Frame { sent: false, kind: "noise", text: cut(text.as_bytes()) });
        }
        if count == NOISE_LIMIT + 1 {
            self.host.event(SessionEvent::Warning(format!("more than {NOISE_LIMIT} lines that are no messages")));
        }
    }

    /// A message that cannot be used. The call it answers fails with the reason; the connection goes on.
    pub(crate) fn broken(&self, fault: ServerFault, head: &[u8], out: &mut VecDeque<Rx>) {
        let id = id_in(head).filter(|id| self.sent().waiting.contains_key(id)).or_else(|| self.only());
        self.spoil(id, fault, out);
    }

    fn spoil(&self, id: Option<i64>, fault: ServerFault, out: &mut VecDeque<Rx>) {
        let count = self.counts.broken.fetch_add(1, Ordering::Relaxed) + 1;
        if self.host.wants_frames() {
            self.host.frame(Frame { sent: false, kind: "note", text: fault.to_string() });
        }
        if count <= 5 || count.is_multiple_of(100) {
            self.host.event(SessionEvent::Warning(fault.to_string()));
        }
        if let Some(id) = id
            && let Some(slot) = self.take(id)
        {
            slot.fail(fault);
            out.push_back(failed(id));
        }
    }

    fn stray(&self, out: &mut VecDeque<Rx>) {
        let count = self.counts.stray.fetch_add(1, Ordering::Relaxed) + 1;
        if count >= STRAY_LIMIT {
            out.clear();
            self.end(ServerFault::ProtocolViolation { rule: format!("{STRAY_LIMIT} replies to requests that were never sent") });
        }
    }

    /// One whole message. What is for rmcp is put in `out`; notifications are dealt with here, in order.
    pub(crate) fn text(&self, bytes: &[u8], origin: Option<&Origin>, out: &mut VecDeque<Rx>) {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii();
        if bytes.is_empty() {
            return;
        }
        if !matches!(bytes[0], b'{' | b'[') {
            self.noise(&String::from_utf8_lossy(&bytes[..bytes.len().min(4096)]));
            return;
        }
        if self.host.wants_frames() {
            self.host.frame(Frame { sent: false, kind: "json", text: cut(bytes) });
        }
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(fault) => return self.broken(ServerFault::InvalidUtf8 { offset: fault.valid_up_to() }, bytes, out),
        };
        if bytes[0] == b'[' {
            return self.batch(text, origin, out);
        }
        match serde_json::from_str::<Envelope<'_>>(text) {
            Ok(envelope) => self.message(text, &envelope, origin, out),
            Err(fault) => self.broken(invalid(text, text, &fault), bytes, out),
        }
    }

    /// Allowed in one old revision only (C-10).
    fn batch(&self, text: &str, origin: Option<&Origin>, out: &mut VecDeque<Rx>) {
        if !self.batches.load(Ordering::Acquire) {
            return self.spoil(
                self.only(),
                ServerFault::ProtocolViolation { rule: "a batch of messages in a revision without batches".into() },
                out,
            );
        }
        match serde_json::from_str::<Vec<&RawValue>>(text) {
            Ok(parts) => {
                for part in parts {
                    match serde_json::from_str::<Envelope<'_>>(part.get()) {
                        Ok(envelope) => self.message(text, &envelope, origin, out),
                        Err(fault) => self.broken(invalid(text, part.get(), &fault), part.get().as_bytes(), out),
                    }
                }
            }
            Err(fault) => self.spoil(self.only(), invalid(text, text, &fault), out),
        }
    }

    fn message(&self, text: &str, envelope: &Envelope<'_>, origin: Option<&Origin>, out: &mut VecDeque<Rx>) {
        if let Some(rule) = envelope.broken_rule() {
            let id = match envelope.id() {
                Id::Number(id) if envelope.twice != Some("id") => Some(id),
                _ => self.only(),
            };
            return self.spoil(id, ServerFault::ProtocolViolation { rule: rule.into() }, out);
        }
        let Some(method) = envelope.method else { return self.reply(text, envelope, origin, out) };
        let Ok(method) = serde_json::from_str::<String>(method.get()) else {
            return self.spoil(None, ServerFault::ProtocolViolation { rule: "method must be a string".into() }, out);
        };
        let params = match envelope.params.map(|params| (params, serde_json::from_str::<Json>(params.get()))) {
            None => None,
            Some((_, Ok(params))) => Some(params),
            Some((raw, Err(fault))) => return self.spoil(None, invalid(text, raw.get(), &fault), out),
        };
        match envelope.id() {
            Id::Absent if envelope.id.is_none() => self.notification(&method, params.unwrap_or(Json::Null), origin, out),
            Id::Number(id) => self.request(method, params, NumberOrString::Number(id), out),
            Id::Text(id) => self.request(method, params, NumberOrString::String(id.into()), out),
            Id::Absent | Id::Odd => {
                self.spoil(None, ServerFault::ProtocolViolation { rule: "the id of a request must be an integer or a string".into() }, out);
            }
        }
    }

    fn reply(&self, text: &str, envelope: &Envelope<'_>, origin: Option<&Origin>, out: &mut VecDeque<Rx>) {
        let id = match envelope.id() {
            Id::Number(id) => id,
            // The peer could not read the id of what it answers: with one request under way it is that one (trap 1).
            Id::Absent if envelope.error.is_some() => match origin.map(|origin| origin.id).or_else(|| self.only()) {
                Some(id) => id,
                None => return self.stray(out),
            },
            _ => return self.stray(out),
        };
        if origin.is_some_and(|origin| origin.id != id) {
            return self.stray(out);
        }
        let Some(slot) = self.take(id) else {
            let mut sent = self.sent();
            if let Some(at) = sent.late.iter().position(|late| *late == id) {
                sent.late.remove(at);
                self.counts.late.fetch_add(1, Ordering::Relaxed);
                return;
            }
            drop(sent);
            return self.stray(out);
        };
        let answer = match (envelope.result, envelope.error) {
            (Some(result), _) => serde_json::from_str::<Json>(result.get()).map_err(|fault| invalid(text, result.get(), &fault)),
            (None, Some(error)) => Err(rpc_fault(text, error)),
            (None, None) => Err(ServerFault::ProtocolViolation { rule: "a reply without result and error".into() }),
        };
        match answer {
            Ok(value) => {
                let Some(value) = slot.hand_over(value) else { return };
                let result = ServerResult::CustomResult(CustomResult(value));
                out.push_back(JsonRpcMessage::response(result, NumberOrString::Number(id)));
            }
            Err(fault) => {
                slot.fail(fault);
                out.push_back(failed(id));
            }
        }
    }

    /// A request of the server. In the modern era there are none on a shared stream (C-11), and none is answered without a person.
    fn request(&self, method: String, params: Option<Json>, id: NumberOrString, out: &mut VecDeque<Rx>) {
        let allowed = self.era() != era::MODERN && self.requests.lock().unwrap_or_else(PoisonError::into_inner).take();
        if !allowed {
            self.counts.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        out.push_back(JsonRpcMessage::request(ServerRequest::CustomRequest(CustomRequest::new(method, params)), id));
    }

    fn notification(&self, method: &str, mut params: Json, origin: Option<&Origin>, out: &mut VecDeque<Rx>) {
        if !self.notifications.lock().unwrap_or_else(PoisonError::into_inner).take() {
            self.counts.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        match method {
            "notifications/progress" => self.progress(&params),
            "notifications/message" => {
                let level = params.get("level").and_then(Json::as_str).unwrap_or("info").to_owned();
                let data = params.get_mut("data").map(Json::take).unwrap_or_default();
                if let Some(origin) = origin {
                    origin.slot.emit(CallEvent::Log { level: level.clone(), data: data.clone() });
                }
                self.host.event(SessionEvent::Log { level, data });
            }
            "notifications/tools/list_changed" => self.list_changed(0, SessionEvent::ToolsChanged),
            "notifications/resources/list_changed" => self.list_changed(1, SessionEvent::ResourcesChanged),
            "notifications/prompts/list_changed" => self.list_changed(2, SessionEvent::PromptsChanged),
            "notifications/resources/updated" => {
                if let Some(uri) = params.get("uri").and_then(Json::as_str) {
                    self.host.event(SessionEvent::ResourceUpdated(uri.to_owned()));
                }
            }
            "notifications/cancelled" => self.cancelled(params, out),
            _ => {}
        }
    }

    fn progress(&self, params: &Json) {
        let slot = {
            let sent = self.sent();
            let token = params.get("progressToken").and_then(Json::as_i64);
            token.and_then(|token| sent.tokens.get(&token)).and_then(|id| sent.waiting.get(id)).map(|waiting| waiting.slot.clone())
        };
        let Some((slot, progress)) = slot.zip(params.get("progress").and_then(Json::as_f64)) else { return };
        if slot.advance(progress) {
            slot.emit(CallEvent::Progress {
                progress,
                total: params.get("total").and_then(Json::as_f64),
                message: params.get("message").and_then(Json::as_str).map(str::to_owned),
            });
        }
    }

    /// A server may cancel what *it* asked for, and end a listen stream; a call of ours it may not (C-56).
    fn cancelled(&self, params: Json, out: &mut VecDeque<Rx>) {
        let id = params.get("requestId").and_then(Json::as_i64);
        if let Some(id) = id
            && self.sent().waiting.get(&id).is_some_and(|waiting| waiting.slot.method == super::LISTEN)
        {
            return self.spoil(Some(id), ServerFault::Cancelled, out);
        }
        if self.era() == era::LEGACY
            && let Ok(params) = serde_json::from_value(params)
        {
            let notification = rmcp::model::CancelledNotification::new(params);
            out.push_back(JsonRpcMessage::notification(ServerNotification::CancelledNotification(notification)));
        }
    }

    /// Passes the first on at once and the rest of a second as one.
    fn list_changed(&self, kind: usize, event: SessionEvent) {
        let mut changed = self.changed[kind].lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let wait = changed.last.map_or(Duration::ZERO, |last| (last + CHANGED_EVERY).saturating_duration_since(now));
        if wait.is_zero() {
            changed.last = Some(now);
            drop(changed);
            self.host.event(event);
        } else if !changed.due {
            changed.due = true;
            let (all, host, over) = (self.changed.clone(), self.host.clone(), self.over.clone());
            self.tasks.spawn(async move {
                tokio::select! {
                    () = over.cancelled() => {}
                    () = tokio::time::sleep(wait) => {
                        let mut changed = all[kind].lock().unwrap_or_else(PoisonError::into_inner);
                        changed.due = false;
                        changed.last = Some(Instant::now());
                        drop(changed);
                        host.event(event);
                    }
                }
            });
        }
    }
}

/// The stand-in for a fault that waits in the request's [`Slot`].
pub(crate) fn failed(id: i64) -> Rx {
    JsonRpcMessage::error(ErrorData::new(ErrorCode::INTERNAL_ERROR, "see the slot", None), Some(NumberOrString::Number(id)))
}

/// A JSON-RPC error, strictly: an object with an integer code and a message.
fn rpc_fault(text: &str, raw: &RawValue) -> ServerFault {
    let error: JsonMap = match serde_json::from_str::<Json>(raw.get()) {
        Ok(Json::Object(error)) => error,
        Ok(_) => return ServerFault::ProtocolViolation { rule: "error must be an object".into() },
        Err(fault) => return invalid(text, raw.get(), &fault),
    };
    let Some(code) = error.get("code").and_then(Json::as_i64) else {
        return ServerFault::ProtocolViolation { rule: "the code of an error must be an integer".into() };
    };
    let message: String = error.get("message").and_then(Json::as_str).unwrap_or_default().chars().take(4000).collect();
    ServerFault::Rpc { code, message, data: error.get("data").cloned().unwrap_or_default() }
}
