//! The HTTP side of MCP's Streamable HTTP, as the backend that rmcp's transport calls.
//!
//! A reply that comes as an event stream is read here to its end, resumed here when it breaks, and handed to rmcp as one message; what
//! comes before it (notifications, questions) goes through the core's intake in order. rmcp keeps sessions, ids and cancellation.
//!
//! **Invariant:** every request ends with a reply or a fault; none waits for something that will not come (trap 1).

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use domain::Json;
use domain::fault::ServerFault;
use domain::protocol::{ConnectCx, Frame};
use domain::tool::Catalogue;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use net::{EventStream, HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Url, header};
use rmcp::RoleClient;
use rmcp::model::{ClientJsonRpcMessage, ClientNotification, ClientRequest, GetExtensions, JsonRpcMessage, NumberOrString, ServerResult};
use rmcp::service::RxJsonRpcMessage;
use rmcp::transport::streamable_http_client::{SseError, StreamableHttpClient, StreamableHttpError, StreamableHttpPostResponse};
use serde_json::json;
use sse_stream::Sse;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::mcp::express::{Express, Went};
use crate::mcp::headers;
use crate::mcp::intake::{Intake, Origin, Slot, era};
use crate::mcp::oauth::Signed;
use crate::mcp::session::Learn;
use crate::wire::stream_http::stalls::Stalls;

type Rx = RxJsonRpcMessage<RoleClient>;
type HttpFault = StreamableHttpError<ServerFault>;

const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
const REVISION: HeaderName = HeaderName::from_static("mcp-protocol-version");
const LAST_EVENT: HeaderName = HeaderName::from_static("last-event-id");
/// Tries to take up a broken stream again, one after the other.
const RESUMES: u32 = 8;
/// Standing streams that end at once, one after the other, before we stop asking for one (C-28).
const SHORT_STREAMS: u32 = 6;
/// The first pause before a stream is taken up again when the server names none.
const PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// How long the first request waits until the server has answered the standing stream. Some answer a GET only when they have something to
/// say on it.
const STANDS_WITHIN: Duration = Duration::from_secs(1);

/// The schemas of tools whose arguments travel as headers too.
#[derive(Debug, Default)]
pub(crate) struct Schemas(RwLock<HashMap<String, Arc<Json>>>);

impl Schemas {
    fn of(&self, tool: &str) -> Option<Arc<Json>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(tool).cloned()
    }
}

impl Learn for Schemas {
    fn tools(&self, catalogue: &Catalogue) {
        let annotated = catalogue.tools.iter().filter(|tool| tool.input_schema.to_string().contains("x-mcp-header"));
        let schemas = annotated.map(|tool| (tool.name.as_str().to_owned(), Arc::new(tool.input_schema.clone()))).collect();
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = schemas;
    }
}

/// What stays the same for all connections to one server.
pub(crate) struct Line {
    pub(crate) cx: ConnectCx,
    pub(crate) client: Signed,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) schemas: Arc<Schemas>,
    pub(crate) stalls: Stalls,
}

struct Inner {
    line: Arc<Line>,
    intake: Arc<Intake>,
    /// What came beside a reply and is for rmcp: questions of the server, replies on the standing stream.
    side: mpsc::Sender<Rx>,
    standing: Mutex<Option<CancellationToken>>,
    legacy: RwLock<Legacy>,
}

/// What is known of the legacy era's session here; rmcp's worker has the last word on it.
enum Legacy {
    /// Nothing yet, or no longer: it is being opened.
    Nothing,
    /// The server was told that we are ready.
    Agreed(Arc<Agreed>),
    /// The server said that it forgot this session. The worker does not know yet, and is told when it next uses it.
    Forgotten(Arc<str>),
}

/// What rmcp's worker sends with each message.
struct Agreed {
    session: Option<Arc<str>>,
    headers: Arc<HeaderMap>,
}

/// The backend of one connection.
#[derive(Clone)]
pub(crate) struct Backend(Arc<Inner>);

impl Backend {
    pub(crate) fn new(line: Arc<Line>, intake: Arc<Intake>, side: mpsc::Sender<Rx>) -> Self {
        Self(Arc::new(Inner { line, intake, side, standing: Mutex::new(None), legacy: RwLock::new(Legacy::Nothing) }))
    }
}

/// One POST and what is known of its message.
struct Post {
    origin: Option<Origin>,
    body: Bytes,
    /// All of them, the server's own included.
    headers: Arc<HeaderMap>,
    session: Option<Arc<str>>,
    initialize: bool,
}

/// The end of a POST.
enum Done {
    /// It has arrived; what there is to say to it comes, or came, another way.
    Accepted,
    Reply(Box<Rx>, Option<String>),
}

impl Inner {
    fn post(
        &self,
        message: &ClientJsonRpcMessage,
        session: Option<Arc<str>>,
        custom: HashMap<HeaderName, HeaderValue>,
    ) -> Result<Post, ServerFault> {
        let encode = |fault: serde_json::Error| ServerFault::Internal { what: format!("a message would not encode: {fault}") };
        let body = serde_json::to_vec(message).map_err(encode)?;
        let mut headers = self.line.headers.clone();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
        headers.extend(custom);
        if let Some(session) = session.as_deref().and_then(|session| HeaderValue::try_from(session).ok()) {
            headers.insert(SESSION, session);
        }
        let (mut origin, mut initialize) = (None, false);
        if let JsonRpcMessage::Request(request) = message {
            if let (NumberOrString::Number(id), Some(slot)) = (&request.id, request.request.extensions().get::<Arc<Slot>>()) {
                origin = Some(Origin { id: *id, slot: slot.clone() });
            }
            initialize = matches!(request.request, ClientRequest::InitializeRequest(_));
            if let Some(origin) = origin.as_ref().filter(|_| initialize) {
                // rmcp's worker repeats it by itself when the server forgot the session.
                self.intake.expect(origin.id, &origin.slot);
            }
            if let ClientRequest::CustomRequest(call) = &request.request
                && call.method == "tools/call"
                && self.intake.era() == era::MODERN
                && let Some(params) = &call.params
                && let Some(schema) = params["name"].as_str().and_then(|name| self.line.schemas.of(name))
                && let Some(args) = params["arguments"].as_object()
            {
                headers.extend(headers::of_call(&schema, args));
            }
        }
        Request::complete(&mut headers);
        Ok(Post { origin, body: body.into(), headers: Arc::new(headers), session, initialize })
    }

    fn agreed(&self) -> Option<Arc<Agreed>> {
        match &*self.legacy.read().unwrap_or_else(PoisonError::into_inner) {
            Legacy::Agreed(agreed) => Some(agreed.clone()),
            Legacy::Nothing | Legacy::Forgotten(_) => None,
        }
    }

    fn learn(&self, legacy: Legacy) {
        *self.legacy.write().unwrap_or_else(PoisonError::into_inner) = legacy;
    }

    /// The server forgot that session; a newer one is not touched.
    fn expired(&self, old: &Arc<Agreed>) {
        let mut legacy = self.legacy.write().unwrap_or_else(PoisonError::into_inner);
        if matches!(&*legacy, Legacy::Agreed(agreed) if Arc::ptr_eq(agreed, old)) {
            *legacy = old.session.clone().map_or(Legacy::Nothing, Legacy::Forgotten);
        }
    }

    fn is_forgotten(&self, session: Option<&str>) -> bool {
        let legacy = self.legacy.read().unwrap_or_else(PoisonError::into_inner);
        matches!(&*legacy, Legacy::Forgotten(forgotten) if session == Some(&**forgotten))
    }

    /// Sends what happens beside the person's own requests with the server's headers: nobody is asked to sign in for it.
    async fn send_quietly(&self, request: Request) -> Result<Response, ServerFault> {
        let mut whole = Request { headers: self.line.headers.clone(), ..request };
        whole.headers.extend(request.headers);
        self.line.client.send_quietly(whole).await
    }

    async fn deliver(&self, post: Post) -> Result<Done, HttpFault> {
        if self.intake.host.wants_frames() {
            self.intake.host.frame(Frame { sent: true, kind: "json", text: crate::mcp::intake::cut(&post.body) });
        }
        if let Some(origin) = &post.origin {
            origin.slot.mark_sent();
        }
        let mut request = Request::new(net::Method::POST, self.line.url.clone());
        request.headers.clone_from(post.headers.as_ref());
        request.body = Some(post.body.clone());
        let fresh = self.line.stalls.fresh();
        if fresh {
            request.headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        // Where the person gave no credentials, with a token if one is wanted.
        let response = self.line.client.send(request).await.map_err(HttpFault::Client)?;
        let head = Instant::now();
        let status = response.status();
        let session = response.headers().get(SESSION).filter(|_| post.initialize).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let Some(origin) = &post.origin else {
            // A notification or a reply of ours: whatever a success says, it has arrived.
            return match status {
                status if status.is_success() => Ok(Done::Accepted),
                StatusCode::NOT_FOUND if post.session.is_some() => Err(HttpFault::SessionExpired),
                _ => Err(HttpFault::Client(Box::pin(response.into_fault()).await)),
            };
        };
        if !status.is_success() {
            return Box::pin(self.refused(response, &post, origin)).await;
        }
        match status {
            StatusCode::ACCEPTED
                if self.intake.era() == era::LEGACY && self.standing.lock().unwrap_or_else(PoisonError::into_inner).is_some() =>
            {
                // Some old servers answer on the standing stream.
                return Ok(Done::Accepted);
            }
            StatusCode::ACCEPTED | StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT | StatusCode::PARTIAL_CONTENT => {
                return Err(violation(format!("a request was answered with HTTP {} and no reply", status.as_u16())));
            }
            _ => {}
        }
        let reply = if response.is_event_stream() {
            // Boxed, because it is large, and a reply in one piece has no use for it.
            Box::pin(self.follow(response.into_events(None), &post, origin)).await.map_err(HttpFault::Client)?
        } else {
            self.whole(response, origin).await.map_err(HttpFault::Client)?
        };
        self.line.stalls.took(fresh, head.elapsed());
        Ok(match reply {
            Some(reply) => Done::Reply(Box::new(if post.initialize { for_the_worker(reply) } else { reply }), session),
            None => Done::Accepted,
        })
    }

    /// A reply in one piece. Nothing when who waits for it has it already.
    async fn whole(&self, response: Response, origin: &Origin) -> Result<Option<Rx>, ServerFault> {
        let media = response.media_type();
        let body = response.read_limited(net::MESSAGE_LIMIT).await?;
        if media != "application/json" && !media.ends_with("+json") {
            // A server that forgets the media type of good JSON is understood; a login page is not.
            net::parse_json(&body, &media)?;
        }
        if body.trim_ascii().is_empty() {
            return Err(ServerFault::ProtocolViolation { rule: "expected a JSON-RPC reply, got an empty body".into() });
        }
        let mut out = VecDeque::new();
        self.intake.text(&body, Some(origin), &mut out);
        let reply = self.sort(out, origin).await;
        if reply.is_none() && !origin.slot.is_answered() {
            let shown = net::shown(&String::from_utf8_lossy(&body[..body.len().min(1000)]));
            return Err(ServerFault::ProtocolViolation { rule: format!("expected the reply to this request, got {shown}") });
        }
        Ok(reply)
    }

    /// Passes on what is beside the reply, and gives the reply if it was there.
    async fn sort(&self, out: VecDeque<Rx>, origin: &Origin) -> Option<Rx> {
        let mut reply = None;
        for message in out {
            let id = match &message {
                JsonRpcMessage::Response(response) => Some(&response.id),
                JsonRpcMessage::Error(error) => error.id.as_ref(),
                _ => None,
            };
            if id == Some(&NumberOrString::Number(origin.id)) {
                reply = Some(message);
            } else {
                // A full queue means that rmcp is far behind; waiting here slows only this stream.
                let _ = self.side.send(message).await;
            }
        }
        reply
    }

    /// Reads a reply that comes as events, and takes the stream up again when it breaks (legacy era only).
    async fn follow(&self, events: EventStream, post: &Post, origin: &Origin) -> Result<Option<Rx>, ServerFault> {
        let mut events = events;
        let (mut last, mut pause, mut resumes) = (None, PAUSE, 0);
        loop {
            match self.read(&mut events, origin, &mut last, &mut pause, &mut resumes).await {
                Read::Reply(reply) => {
                    self.drain(events);
                    return Ok(reply.map(|reply| *reply));
                }
                Read::Fault(fault) => return Err(fault),
                Read::Ended(why) => {
                    let lost = |reason: &str| ServerFault::ConnectionLost { reason: reason.to_owned(), lost_result: true };
                    let Some(id) = last.clone().filter(|_| self.intake.era() != era::MODERN) else { return Err(lost(&why)) };
                    events = loop {
                        if resumes >= RESUMES {
                            return Err(lost(&format!("{why}, and it could not be taken up again")));
                        }
                        tokio::time::sleep(jittered(pause)).await;
                        resumes += 1;
                        match self.resume(post, &id).await {
                            Ok(events) => break events,
                            Err(ServerFault::Unreachable { .. } | ServerFault::ConnectionLost { .. } | ServerFault::Timeout { .. }) => {
                                pause = (pause * 2).min(LONGEST_PAUSE);
                            }
                            Err(fault) => return Err(lost(&format!("{why}, and taking it up again failed: {fault}"))),
                        }
                    };
                }
            }
        }
    }

    async fn read(
        &self,
        events: &mut EventStream,
        origin: &Origin,
        last: &mut Option<String>,
        pause: &mut Duration,
        resumes: &mut u32,
    ) -> Read {
        while let Some(event) = events.next().await {
            let mut out = VecDeque::new();
            match event {
                Ok(event) => {
                    // Events of other names are no messages, whatever they carry.
                    let message = event.name() == "message";
                    if let Some(retry) = event.retry {
                        *pause = retry;
                    }
                    if let Some(id) = event.id {
                        *last = Some(id).filter(|id| !id.is_empty());
                        // Something new came, so the stream is alive.
                        *resumes = 0;
                    }
                    let Some(data) = event.data.filter(|data| message && !data.is_empty()) else { continue };
                    self.intake.text(data.as_bytes(), Some(origin), &mut out);
                }
                Err(
                    fault
                    @ (ServerFault::MessageTooLarge { .. } | ServerFault::InvalidUtf8 { .. } | ServerFault::DecompressionLimit { .. }),
                ) => {
                    return Read::Fault(fault);
                }
                Err(fault) => return Read::Ended(format!("the stream of the reply broke: {fault}")),
            }
            let reply = self.sort(out, origin).await;
            if reply.is_some() || origin.slot.is_answered() {
                return Read::Reply(reply.map(Box::new));
            }
        }
        Read::Ended("the stream ended before the reply".to_owned())
    }

    async fn resume(&self, post: &Post, last: &str) -> Result<EventStream, ServerFault> {
        let mut request = Request::events(self.line.url.clone());
        for name in [SESSION, REVISION] {
            if let Some(value) = post.headers.get(&name) {
                request.headers.insert(name, value.clone());
            }
        }
        let last = HeaderValue::try_from(last)
            .map_err(|_| ServerFault::ProtocolViolation { rule: "an event id that is no header value".into() })?;
        request.headers.insert(LAST_EVENT, last);
        let response = self.send_quietly(request).await?.ok().await?;
        if !response.is_event_stream() {
            return Err(ServerFault::ProtocolViolation { rule: format!("expected an event stream, got {}", response.media_type()) });
        }
        Ok(response.into_events(None))
    }

    /// Reads the rest of a stream whose reply is there, so that its connection can be used again (trap 7).
    fn drain(&self, mut events: EventStream) {
        if let Some(None) = events.next().now_or_never() {
            return;
        }
        let over = self.intake.over.clone();
        self.line.cx.tasks.spawn(async move {
            tokio::select! {
                () = over.cancelled() => {}
                () = async { while events.next().await.is_some() {} } => {}
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
            }
        });
    }

    /// A status that is no success. A JSON-RPC error in the body says more than the status, but for sessions and credentials.
    async fn refused(&self, response: Response, post: &Post, origin: &Origin) -> Result<Done, HttpFault> {
        let status = response.status();
        if status == StatusCode::NOT_FOUND && post.session.is_some() {
            return Err(HttpFault::SessionExpired);
        }
        let keep_status = matches!(
            status,
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS | StatusCode::PROXY_AUTHENTICATION_REQUIRED
        );
        let (headers, authenticated) = (response.headers().clone(), response.authenticated());
        let body = response.error_text().await;
        let error = serde_json::from_str::<Json>(&body).ok().filter(|body| body["jsonrpc"] == "2.0" && body["error"]["code"].is_i64());
        if let Some(error) = error.filter(|_| !keep_status) {
            let message = error["error"]["message"].as_str().unwrap_or_default();
            // Trap 1: "No valid session ID" with status 400 and no id means what 404 should say.
            if status == StatusCode::BAD_REQUEST
                && post.session.is_some()
                && error["id"] != origin.id
                && message.to_ascii_lowercase().contains("session")
            {
                return Err(HttpFault::SessionExpired);
            }
            let code = error["error"]["code"].as_i64().unwrap_or_default();
            let message = message.chars().take(4000).collect();
            return Err(HttpFault::Client(ServerFault::Rpc { code, message, data: error["error"]["data"].clone() }));
        }
        Err(HttpFault::Client(net::status_fault(status, &headers, &body, authenticated)))
    }

    /// Keeps the legacy era's standing stream open, on which a server speaks without being asked.
    /// The receiver tells when the server has answered it, however it did.
    fn stand(self: &Arc<Self>, session: Option<&str>, headers: &HeaderMap) -> oneshot::Receiver<()> {
        let end = self.intake.over.child_token();
        if let Some(old) = self.standing.lock().unwrap_or_else(PoisonError::into_inner).replace(end.clone()) {
            old.cancel();
        }
        let mut base = HeaderMap::new();
        if let Some(revision) = headers.get(REVISION) {
            base.insert(REVISION, revision.clone());
        }
        if let Some(session) = session.and_then(|session| HeaderValue::try_from(session).ok()) {
            base.insert(SESSION, session);
        }
        let inner = Arc::clone(self);
        let (answered, stands) = oneshot::channel();
        self.line.cx.tasks.spawn(async move {
            tokio::select! {
                () = end.cancelled() => {}
                () = inner.keep_standing(base, answered) => {
                    // From now on nothing comes beside replies; requests must not wait for it.
                    if !end.is_cancelled() {
                        inner.standing.lock().unwrap_or_else(PoisonError::into_inner).take();
                    }
                }
            }
        });
        stands
    }

    async fn keep_standing(&self, base: HeaderMap, answered: oneshot::Sender<()>) {
        let mut answered = Some(answered);
        let (mut last, mut pause, mut short) = (None::<String>, PAUSE, 0);
        while short < SHORT_STREAMS {
            let mut request = Request::events(self.line.url.clone()).headers(&base);
            if let Some(id) = last.as_deref().and_then(|id| HeaderValue::try_from(id).ok()) {
                request.headers.insert(LAST_EVENT, id);
            }
            let begun = tokio::time::Instant::now();
            let mut came = false;
            let response = self.send_quietly(request).await;
            drop(answered.take());
            match response {
                Ok(response) if response.status().is_success() && response.is_event_stream() => {
                    let mut events = response.into_events(None);
                    while let Some(event) = events.next().await {
                        let Ok(event) = event else { continue };
                        let message = event.name() == "message";
                        pause = event.retry.unwrap_or(pause);
                        last = event.id.or(last).filter(|id| !id.is_empty());
                        let Some(data) = event.data.filter(|data| message && !data.is_empty()) else { continue };
                        came = true;
                        let mut out = VecDeque::new();
                        self.intake.text(data.as_bytes(), None, &mut out);
                        for message in out {
                            let _ = self.side.send(message).await;
                        }
                    }
                }
                Err(ServerFault::Unreachable { .. } | ServerFault::ConnectionLost { .. } | ServerFault::Timeout { .. }) => {}
                // 405: there is no such stream here. Everything else that is not a stream means the same.
                Ok(_) | Err(_) => return,
            }
            short = if came || begun.elapsed() > Duration::from_secs(5) { 0 } else { short + 1 };
            let wait = pause.saturating_mul(1 << short.min(6)).min(LONGEST_PAUSE);
            tokio::time::sleep(jittered(wait)).await;
        }
    }
}

enum Read {
    /// It came, and is here unless who waits for it has it already.
    Reply(Option<Box<Rx>>),
    Fault(ServerFault),
    Ended(String),
}

/// A little more than asked, so that many clients of one server do not come back at once.
fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(1.0 + rand::random::<f64>() * 0.1)
}

fn violation(rule: String) -> HttpFault {
    HttpFault::Client(ServerFault::ProtocolViolation { rule })
}

/// rmcp's worker reads the revision out of a typed result; the result itself travels inside, whole (see [`unwrapped`]).
fn for_the_worker(reply: Rx) -> Rx {
    let JsonRpcMessage::Response(mut response) = reply else { return reply };
    if let ServerResult::CustomResult(raw) = &response.result
        && let Some(revision) = raw.0["protocolVersion"].as_str()
        && let Ok(typed) = serde_json::from_value(json!({
            "protocolVersion": revision, "capabilities": {}, "serverInfo": { "name": "", "version": "" }, "_meta": { "whole": raw.0 }
        }))
    {
        response.result = ServerResult::InitializeResult(typed);
    }
    JsonRpcMessage::Response(response)
}

/// The other direction of [`for_the_worker`].
pub(crate) fn unwrapped(message: Rx) -> Rx {
    let JsonRpcMessage::Response(mut response) = message else { return message };
    if let ServerResult::InitializeResult(typed) = &mut response.result
        && let Some(whole) = typed.meta.as_mut().and_then(|meta| meta.remove("whole"))
    {
        response.result = ServerResult::CustomResult(rmcp::model::CustomResult(whole));
    }
    JsonRpcMessage::Response(response)
}

impl Express for Backend {
    fn send(&self, id: i64, text: Bytes, slot: Arc<Slot>) -> BoxFuture<'static, Result<Went, ServerFault>> {
        let inner = self.0.clone();
        Box::pin(async move {
            let Some(agreed) = inner.agreed() else { return Ok(Went::TurnedBack) };
            let post = Post {
                origin: Some(Origin { id, slot }),
                body: text,
                headers: agreed.headers.clone(),
                session: agreed.session.clone(),
                initialize: false,
            };
            match inner.deliver(post).await {
                // A reply that is here all the same is one that could not be used, and who waits was told.
                Ok(Done::Accepted | Done::Reply(..)) => Ok(Went::Away),
                Err(HttpFault::SessionExpired) => {
                    inner.expired(&agreed);
                    Ok(Went::TurnedBack)
                }
                Err(HttpFault::Client(fault)) => Err(fault),
                Err(other) => Err(ServerFault::ConnectionLost { reason: other.to_string(), lost_result: true }),
            }
        })
    }

    fn to_the_end(&self) -> bool {
        false
    }
}

impl StreamableHttpClient for Backend {
    type Error = ServerFault;

    async fn post_message(
        &self,
        _uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session_id: Option<Arc<str>>,
        _auth_header: Option<String>,
        custom_headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<StreamableHttpPostResponse, HttpFault> {
        let inner = &self.0;
        let ready = matches!(&message, JsonRpcMessage::Notification(notification)
            if matches!(notification.notification, ClientNotification::InitializedNotification(_)));
        let post = inner.post(&message, session_id.clone(), custom_headers).map_err(HttpFault::Client)?;
        let headers = post.headers.clone();
        if post.initialize {
            inner.learn(Legacy::Nothing);
        } else if post.origin.is_some() && inner.is_forgotten(session_id.as_deref()) {
            return Err(HttpFault::SessionExpired);
        }
        // rmcp's worker does not look up while it waits for the very first answer; a connect that is given up ends here.
        let done = tokio::select! {
            biased;
            () = inner.intake.over.cancelled() => return Err(HttpFault::Client(inner.intake.lost(true))),
            done = inner.deliver(post) => done?,
        };
        match done {
            Done::Accepted => {
                if ready {
                    let stands = inner.stand(session_id.as_deref(), &headers);
                    inner.learn(Legacy::Agreed(Arc::new(Agreed { session: session_id, headers })));
                    // What a server says while nobody listens is lost with most of them, and one that ends the stream of a reply may say
                    // it on the next GET that comes: ours must not overtake it.
                    drop(tokio::time::timeout(STANDS_WITHIN, stands).await);
                }
                Ok(StreamableHttpPostResponse::Accepted)
            }
            Done::Reply(reply, session) => Ok(StreamableHttpPostResponse::Json(*reply, session)),
        }
    }

    async fn delete_session(
        &self,
        _uri: Arc<str>,
        session_id: Arc<str>,
        _auth_header: Option<String>,
        custom_headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<(), HttpFault> {
        let mut request = Request::new(net::Method::DELETE, self.0.line.url.clone());
        request.headers.extend(custom_headers);
        if let Ok(session) = HeaderValue::try_from(&*session_id) {
            request.headers.insert(SESSION, session);
        }
        // Servers need not allow it, and there is nothing to do about one that does not.
        self.0.send_quietly(request).await.map(drop).map_err(HttpFault::Client)
    }

    async fn get_stream(
        &self,
        _uri: Arc<str>,
        _session_id: Option<Arc<str>>,
        _last_event_id: Option<String>,
        _auth_header: Option<String>,
        _custom_headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<BoxStream<'static, Result<Sse, SseError>>, HttpFault> {
        // The standing stream is ours (see `stand`), because its messages go through the intake in order.
        Err(HttpFault::ServerDoesNotSupportSse)
    }
}
