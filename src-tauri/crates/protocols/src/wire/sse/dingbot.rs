//! The predecessor's dialect: calls go out by POST, results come back on an event stream that everybody shares.
//!
//! **Invariant:** a call is posted at most once. When its result cannot come any more, it is reported as lost.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use domain::Json;
use domain::call_events::CallEvents;
use domain::fault::ServerFault;
use domain::protocol::{CallEvent, CallIo, CallReq, ConnectCx, Frame, SessionEvent};
use domain::tool::{Catalogue, ToolResult};
use net::{EventStream, HeaderMap, Request, Url};
use serde_json::json;
use tokio::sync::{oneshot, watch};
use tokio_util::sync::CancellationToken;

use super::literal::error_words;
use crate::mcp::oauth::Signed;
use crate::wire::http::shapes;

/// So long without any byte, and the stream is dead: the server sends a heartbeat after 30 s of silence.
pub(crate) const SILENCE: Duration = Duration::from_mins(1);
/// So long after its answer, or after the end of the stream, a result may still be on its way.
const GRACE: Duration = Duration::from_secs(5);
/// So long after `connected` the list of tools is waited for; it follows at once.
const LIST_PATIENCE: Duration = Duration::from_secs(2);

/// Where the stream is.
#[derive(Debug, Clone, PartialEq)]
enum Stream {
    Opening,
    Open,
    Ended(ServerFault),
}

#[derive(Debug, Default)]
struct Seen {
    server: String,
    definitions: Option<Vec<Json>>,
}

#[derive(Debug)]
struct Shared {
    waiters: Mutex<HashMap<String, Waiter>>,
    seen: Mutex<Seen>,
    stream: watch::Sender<Stream>,
    listed: watch::Sender<bool>,
    /// The server answers before the result, as the later one does.
    answers_first: AtomicBool,
    over: CancellationToken,
    cx: ConnectCx,
}

#[derive(Debug)]
struct Waiter {
    tool: String,
    done: oneshot::Sender<Result<ToolResult, ServerFault>>,
    started: Option<CallEvents>,
}

/// A line to a server of the predecessor: an open stream, and where to post.
#[derive(Debug)]
pub(crate) struct Dingbot {
    client: Signed,
    base: Url,
    headers: HeaderMap,
    shared: Arc<Shared>,
}

/// What is told when the stream ends by itself.
pub(crate) type Ended = Box<dyn FnOnce(ServerFault) + Send>;

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Dingbot {
    /// Takes an open event stream over; `first` is an event that was already read from it. Waits for `connected`, and a moment for the
    /// list of tools that follows it.
    pub(crate) async fn open(
        cx: &ConnectCx,
        client: impl Into<Signed>,
        base: Url,
        headers: HeaderMap,
        events: EventStream,
        first: Option<net::SseEvent>,
        ended: Ended,
    ) -> Result<Self, ServerFault> {
        let shared = Arc::new(Shared {
            waiters: Mutex::default(),
            seen: Mutex::default(),
            stream: watch::Sender::new(Stream::Opening),
            listed: watch::Sender::new(false),
            answers_first: AtomicBool::new(false),
            over: cx.stop.child_token(),
            cx: cx.clone(),
        });
        let line = Self { client: client.into(), base, headers, shared: shared.clone() };
        // From here on dropping `line` ends the reader.
        cx.tasks.spawn(read(shared.clone(), events, first, ended));
        let mut stream = shared.stream.subscribe();
        match stream.wait_for(|stream| *stream != Stream::Opening).await.as_deref() {
            Ok(Stream::Ended(fault)) => return Err(fault.clone()),
            Ok(_) => {}
            Err(_) => return Err(closed()),
        }
        let mut listed = shared.listed.subscribe();
        let _ = tokio::time::timeout(LIST_PATIENCE, listed.wait_for(|listed| *listed)).await;
        Ok(line)
    }

    /// The server's own name, and which of the two dialects it speaks.
    pub(crate) fn about(&self) -> (String, &'static str) {
        let seen = locked(&self.shared.seen);
        let later = self.shared.answers_first.load(Ordering::Relaxed)
            || seen.definitions.as_ref().is_some_and(|definitions| definitions.iter().any(shapes::has_schema));
        (seen.server.clone(), if later { "dingbot-v2" } else { "dingbot-v1" })
    }

    /// The tools: `GET /tools`, completed by what the stream said; the stream's list alone when there is no such page.
    pub(crate) async fn tools(&self) -> Result<Catalogue, ServerFault> {
        let asked = async {
            let url = net::below(&self.base, &["tools"]).ok_or_else(closed)?;
            shapes::definitions(self.client.send(Request::get(url).headers(&self.headers)).await?.ok().await?.json().await?)
        };
        let asked = tokio::select! {
            () = self.shared.over.cancelled() => Err(self.gone()),
            asked = asked => asked,
        };
        let told = locked(&self.shared.seen).definitions.clone();
        match (asked, told) {
            (Ok(mut definitions), told) => {
                for definition in definitions.iter_mut().filter(|definition| !shapes::has_schema(definition)) {
                    let fuller = told.iter().flatten().find(|told| told.get("name") == definition.get("name") && shapes::has_schema(told));
                    if let Some(fuller) = fuller {
                        *definition = fuller.clone();
                    }
                }
                Ok(shapes::catalogue(definitions))
            }
            (Err(fault), Some(told)) => {
                let whole = told.iter().all(shapes::has_schema);
                let mut catalogue = shapes::catalogue(told);
                if !whole {
                    catalogue.partial = Some(format!("the arguments of the tools are unknown: {fault}"));
                }
                Ok(catalogue)
            }
            (Err(fault), None) => Err(fault),
        }
    }

    /// Whether the stream is open.
    pub(crate) fn state(&self) -> Result<(), ServerFault> {
        match &*self.shared.stream.borrow() {
            Stream::Open => Ok(()),
            Stream::Ended(fault) => Err(fault.clone()),
            Stream::Opening => Err(closed()),
        }
    }

    /// Ends the reader.
    pub(crate) fn close(&self) {
        self.shared.over.cancel();
    }

    fn gone(&self) -> ServerFault {
        match &*self.shared.stream.borrow() {
            Stream::Ended(fault) => ServerFault::ConnectionLost { reason: fault.to_string(), lost_result: false },
            _ => closed(),
        }
    }

    /// Runs a tool.
    pub(crate) async fn call(&self, req: CallReq, io: CallIo) -> Result<ToolResult, ServerFault> {
        self.state().map_err(|_| self.gone())?;
        let id = uuid::Uuid::new_v4().to_string();
        let url = net::below(&self.base, &["tools", "call"]).ok_or_else(closed)?;
        let tool = req.tool.as_str().to_owned();
        let body = json!({ "id": id, "name": tool, "arguments": req.args });
        let request = Request::post_json(url, &body).headers(&self.headers);
        let shared = &self.shared;
        shared.frame(true, || format!("POST /tools/call {body}"));

        let (done, mut result) = oneshot::channel();
        locked(&shared.waiters).insert(id.clone(), Waiter { tool, done, started: io.events.clone() });
        let _forget = Forget { shared, id: &id };

        // The POST runs on its own, so that a result which comes before its answer does not cut the connection under the server.
        let (answered, answer) = oneshot::channel();
        let given_up = CancellationToken::new();
        let mut abandon = Some(given_up.clone().drop_guard());
        let (client, over) = (self.client.clone(), shared.over.clone());
        shared.cx.tasks.spawn(async move {
            let posted = async {
                let response = client.send(request).await?;
                let status = response.status();
                if status.is_success() {
                    return Ok(Answered::Accepted(response.json().await.unwrap_or_default()));
                }
                let (headers, authenticated) = (response.headers().clone(), response.authenticated());
                let text = response.error_text().await;
                Ok(Answered::Refused(
                    shapes::refusal(status.as_u16(), &text)
                        .unwrap_or_else(|| Err(net::status_fault(status, &headers, &text, authenticated))),
                ))
            };
            tokio::select! {
                () = given_up.cancelled() => {}
                () = over.cancelled() => {}
                posted = posted => drop(answered.send(posted)),
            }
        });

        let mut stream = shared.stream.subscribe();
        let mut answer = Some(answer);
        let mut deadline: Option<tokio::time::Instant> = None;
        let mut why_lost = "the server answered that the call is done, and its result never came".to_owned();
        let mut stream_gone = false;
        loop {
            tokio::select! {
                biased;
                result = &mut result => {
                    // Whatever the POST still says, it may say it.
                    if let Some(guard) = abandon.take() {
                        let _ = guard.disarm();
                    }
                    return result.unwrap_or_else(|_| Err(lost("the session was closed")));
                }
                () = io.cancel.cancelled() => return Err(ServerFault::Cancelled),
                () = shared.over.cancelled() => return Err(lost("the session was closed")),
                posted = async { match answer.as_mut() { Some(answer) => answer.await, None => std::future::pending().await } } => {
                    answer = None;
                    match posted {
                        Ok(Ok(Answered::Refused(outcome))) => return outcome,
                        Ok(Ok(Answered::Accepted(body))) => {
                            let accepted = body.get("status").and_then(Json::as_str) == Some("accepted");
                            if accepted {
                                shared.answers_first.store(true, Ordering::Relaxed);
                            }
                            // The earlier server has broadcast the result before it answers; the later one has not begun.
                            if !accepted || stream_gone {
                                deadline.get_or_insert(tokio::time::Instant::now() + GRACE);
                            }
                        }
                        // It was written and the answer is missing: the call may be running, and its result may still come.
                        Ok(Err(ServerFault::ConnectionLost { reason, .. })) => {
                            why_lost = reason;
                            deadline.get_or_insert(tokio::time::Instant::now() + GRACE);
                        }
                        Ok(Err(fault)) => return Err(fault),
                        Err(_) => return Err(lost("the session was closed")),
                    }
                }
                ended = stream.wait_for(|stream| matches!(stream, Stream::Ended(_))), if !stream_gone => {
                    stream_gone = true;
                    if let Ok(Stream::Ended(fault)) = ended.as_deref() {
                        why_lost = fault.to_string();
                    }
                    // The answer to the POST may still say that the tool failed.
                    deadline = Some(tokio::time::Instant::now() + if answer.is_some() { GRACE } else { Duration::ZERO });
                }
                () = async { match deadline { Some(at) => tokio::time::sleep_until(at).await, None => std::future::pending().await } } => {
                    return Err(lost(&why_lost));
                }
            }
        }
    }
}

impl Drop for Dingbot {
    fn drop(&mut self) {
        self.shared.over.cancel();
    }
}

/// What the POST said.
enum Answered {
    Accepted(Json),
    Refused(Result<ToolResult, ServerFault>),
}

/// Takes a waiter back when its call is over, however it ended.
struct Forget<'c> {
    shared: &'c Shared,
    id: &'c str,
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        locked(&self.shared.waiters).remove(self.id);
    }
}

fn lost(reason: &str) -> ServerFault {
    ServerFault::ConnectionLost { reason: reason.to_owned(), lost_result: true }
}

fn closed() -> ServerFault {
    ServerFault::ConnectionLost { reason: "the session was closed".to_owned(), lost_result: false }
}

async fn read(shared: Arc<Shared>, mut events: EventStream, first: Option<net::SseEvent>, ended: Ended) {
    let warned = OnceLock::new();
    if let Some(event) = first {
        shared.take(&event, &warned);
    }
    let fault = loop {
        let event = tokio::select! {
            biased;
            () = shared.over.cancelled() => {
                shared.stream.send_replace(Stream::Ended(closed()));
                return;
            }
            event = events.next() => event,
        };
        match event {
            Some(Ok(event)) => shared.take(&event, &warned),
            // One event that cannot be taken in: whose it was is unknown, unless only one call waits.
            Some(Err(fault @ (ServerFault::MessageTooLarge { .. } | ServerFault::InvalidUtf8 { .. }))) => shared.spoiled(fault),
            Some(Err(fault)) => break fault,
            None => break ServerFault::ConnectionLost { reason: "the server closed the event stream".to_owned(), lost_result: false },
        }
    };
    let was_open = *shared.stream.borrow() == Stream::Open;
    shared.stream.send_replace(Stream::Ended(fault.clone()));
    if was_open {
        ended(fault);
    }
}

impl Shared {
    fn frame(&self, sent: bool, text: impl FnOnce() -> String) {
        if self.cx.host.wants_frames() {
            let mut text = text();
            let end = text.floor_char_boundary(64 * 1024);
            text.truncate(end);
            self.cx.host.frame(Frame { sent, kind: "http", text });
        }
    }

    fn take(&self, event: &net::SseEvent, warned: &OnceLock<()>) {
        let Some(text) = &event.data else { return };
        let name = event.name();
        let Ok(data) = serde_json::from_str::<Json>(text) else {
            self.frame(false, || format!("{name} {text}"));
            if warned.set(()).is_ok() {
                self.cx.host.event(SessionEvent::Warning(format!("an event `{}` holds no JSON: {}", net::shown(name), net::shown(text))));
            }
            return;
        };
        match name {
            "connected" => {
                locked(&self.seen).server = data.get("server").and_then(Json::as_str).map(net::shown).unwrap_or_default();
                self.stream.send_if_modified(|stream| {
                    let opening = *stream == Stream::Opening;
                    if opening {
                        *stream = Stream::Open;
                    }
                    opening
                });
            }
            "tools_list" | "tools_updated" => {
                if let Ok(definitions) = shapes::definitions(data) {
                    locked(&self.seen).definitions = Some(definitions);
                    self.listed.send_replace(true);
                    if name == "tools_updated" {
                        self.cx.host.event(SessionEvent::ToolsChanged);
                    }
                }
            }
            "tool_start" | "tool_complete" | "tool_error" => {
                self.of_a_call(name, data);
                return;
            }
            _ => {}
        }
        self.frame(false, || format!("{name} {text}"));
    }

    /// Everybody gets everybody's events; those of others are neither kept nor shown.
    fn of_a_call(&self, name: &str, mut data: Json) {
        let id = data.get("id").and_then(Json::as_str).unwrap_or_default().to_owned();
        if name == "tool_start" {
            if let Some(waiter) = locked(&self.waiters).get(&id)
                && let Some(started) = &waiter.started
            {
                started.send(CallEvent::Log { level: "info".to_owned(), data: json!({ "event": "tool_start", "tool": waiter.tool }) });
            }
            return;
        }
        let Some(waiter) = locked(&self.waiters).remove(&id) else {
            self.frame(false, || format!("{name} of another client"));
            return;
        };
        self.frame(false, || format!("{name} {data}"));
        let outcome = if name == "tool_error" {
            shapes::failed(match data.get("error") {
                Some(Json::String(raw)) => error_words(raw),
                Some(other) => error_words(&other.to_string()),
                None => "the tool failed and the server did not say why".to_owned(),
            })
        } else {
            let failed = data.get("success") == Some(&Json::Bool(false));
            let mut outcome = shapes::result(&waiter.tool, data.get_mut("result").map(Json::take).unwrap_or_default());
            outcome.is_error |= failed;
            outcome
        };
        let _ = waiter.done.send(Ok(outcome));
    }

    fn spoiled(&self, fault: ServerFault) {
        let only = {
            let mut waiters = locked(&self.waiters);
            let id = (waiters.len() == 1).then(|| waiters.keys().next().cloned()).flatten();
            id.and_then(|id| waiters.remove(&id))
        };
        match only {
            Some(waiter) => drop(waiter.done.send(Err(fault))),
            None => self.cx.host.event(SessionEvent::Warning(fault.to_string())),
        }
    }
}
