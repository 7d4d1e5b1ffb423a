//! A behaving double of the predecessor's `k8s-mcp` server: events over SSE, calls over POST, in both of its variants.
//!
//! Everything that a client can see is as it was observed there: routes, status codes, event names and fields, broadcast to every
//! subscriber, results that are lost while nobody listens, and error strings that are Python literals. The texts are our own.

mod cluster;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use http::StatusCode;
use serde_json::{Value as Json, json};
use tokio::sync::{Notify, mpsc};

use crate::python::repr;
use crate::web::{Seen, Web, event_stream, frame};

pub use self::cluster::tools;

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variant {
    /// Answers the POST after the tool has finished; `tools_list` has no schemas.
    V1,
    /// Accepts at once; `tools_list` has schemas; `/tools/refresh`.
    V2,
}

/// What a tool does instead of its work.
#[derive(Debug, Clone)]
pub enum Behaviour {
    /// Its work, later.
    Slow(Duration),
    /// Waits for [`Predecessor::release`].
    Hold,
    /// A failure that the tool reports itself: the error string is a Python literal.
    Fail(String),
    /// An exception that nobody expected: the error string is plain text.
    Crash(String),
    /// The event streams break while the tool runs; its result event is lost.
    DropStream,
    /// The work is done and answered, but no event comes.
    Silent,
    /// A text of so many characters.
    Big(usize),
}

/// The server.
#[derive(Debug)]
pub struct Predecessor {
    /// The requests that came.
    pub seen: Seen,
    /// The listener.
    pub web: Web,
    state: Arc<Cluster>,
}

#[derive(Debug)]
struct Cluster {
    variant: Variant,
    heartbeat: Duration,
    subscribers: Mutex<Vec<mpsc::UnboundedSender<(String, String)>>>,
    orders: Mutex<HashMap<String, Behaviour>>,
    calls: Mutex<Vec<Json>>,
    extra_tools: Mutex<Vec<Json>>,
    running: AtomicU64,
    release: Notify,
}

impl Predecessor {
    /// Serves on a free port, with the original's heartbeat of 30 idle seconds.
    pub async fn start(variant: Variant) -> Self {
        Self::with_heartbeat(variant, Duration::from_secs(30)).await
    }

    /// Serves on a free port; a heartbeat goes to a subscriber after so long without any event.
    pub async fn with_heartbeat(variant: Variant, heartbeat: Duration) -> Self {
        let state = Arc::new(Cluster {
            variant,
            heartbeat,
            subscribers: Mutex::default(),
            orders: Mutex::default(),
            calls: Mutex::default(),
            extra_tools: Mutex::default(),
            running: AtomicU64::new(0),
            release: Notify::new(),
        });
        let seen = Seen::default();
        let web = Web::start(seen.over(routes(Arc::clone(&state)))).await;
        Self { seen, web, state }
    }

    /// Tells a tool how to behave from now on.
    pub fn tell(&self, tool: &str, behaviour: Behaviour) {
        self.state.orders.lock().unwrap().insert(tool.to_owned(), behaviour);
    }

    /// The tool works again as it should.
    pub fn heal(&self, tool: &str) {
        self.state.orders.lock().unwrap().remove(tool);
    }

    /// Lets every tool that holds go on.
    pub fn release(&self) {
        self.state.release.notify_waiters();
    }

    /// Every call that came, as it was posted.
    pub fn calls(&self) -> Vec<Json> {
        self.state.calls.lock().unwrap().clone()
    }

    /// How many tools run now.
    pub fn running(&self) -> u64 {
        self.state.running.load(Ordering::SeqCst)
    }

    /// How many event streams are open.
    pub fn subscribers(&self) -> usize {
        let mut subscribers = self.state.subscribers.lock().unwrap();
        subscribers.retain(|subscriber| !subscriber.is_closed());
        subscribers.len()
    }

    /// Ends every event stream; other connections stay.
    pub fn drop_streams(&self) {
        self.state.subscribers.lock().unwrap().clear();
    }

    /// Sends an event to every subscriber, whatever it is: somebody else's result, for instance.
    pub fn broadcast(&self, event: &str, data: &Json) {
        self.state.broadcast(event, data);
    }

    /// From now on there is one more tool; V2 tells it to everybody.
    pub fn add_tool(&self, name: &str) {
        self.state.extra_tools.lock().unwrap().push(json!({
            "name": name, "description": "Came later.", "category": "kubernetes",
            "input_schema": { "type": "object", "properties": {}, "required": [] },
        }));
        if self.state.variant == Variant::V2 {
            self.state.tell_update();
        }
    }

    /// Stops and starts on the same port; streams and running calls are lost.
    pub async fn restart(&self) {
        self.web.stop().await;
        self.state.subscribers.lock().unwrap().clear();
        self.web.restart().await;
    }
}

impl Cluster {
    fn tools(&self, schemas: bool) -> Vec<Json> {
        let mut tools = cluster::tools();
        tools.extend(self.extra_tools.lock().unwrap().iter().cloned());
        if !schemas {
            for tool in &mut tools {
                tool.as_object_mut().unwrap().shift_remove("input_schema");
            }
        }
        tools
    }

    fn broadcast(&self, event: &str, data: &Json) {
        let data = data.to_string();
        self.subscribers.lock().unwrap().retain(|subscriber| subscriber.send((event.to_owned(), data.clone())).is_ok());
    }

    fn tell_update(&self) {
        let tools = self.tools(true);
        self.broadcast("tools_updated", &json!({ "total_count": tools.len(), "tools": tools, "updated_at": epoch() }));
    }

    /// Runs a tool and tells everybody; answers what the V1 POST says.
    async fn run(&self, id: &str, tool: &str, arguments: &Json) -> Result<(), String> {
        let began = Instant::now();
        let order = self.orders.lock().unwrap().get(tool).cloned();
        self.broadcast("tool_start", &json!({ "id": id, "tool": tool, "arguments": arguments, "timestamp": epoch() }));
        self.running.fetch_add(1, Ordering::SeqCst);
        let done = self.work(tool, arguments, order.as_ref()).await;
        self.running.fetch_sub(1, Ordering::SeqCst);
        let seconds = began.elapsed().as_secs_f64();
        if matches!(order, Some(Behaviour::Silent)) {
            return Ok(());
        }
        match done {
            Ok(text) => {
                let result = json!({ "content": [{ "type": "text", "text": text }], "is_error": false });
                let size = repr(&result).chars().count();
                self.broadcast(
                    "tool_complete",
                    &json!({ "id": id, "tool": tool, "result": result, "success": true, "execution_time": seconds,
                             "result_size": size, "timestamp": epoch() }),
                );
                Ok(())
            }
            Err(words) => {
                self.broadcast(
                    "tool_error",
                    &json!({ "id": id, "tool": tool, "error": words, "success": false, "execution_time": seconds, "timestamp": epoch() }),
                );
                Err(words)
            }
        }
    }

    /// The text of the result, or the error string as the original spells it.
    async fn work(&self, tool: &str, arguments: &Json, order: Option<&Behaviour>) -> Result<String, String> {
        match order {
            Some(Behaviour::Slow(pause)) => tokio::time::sleep(*pause).await,
            Some(Behaviour::Hold) => self.release.notified().await,
            Some(Behaviour::Fail(words)) => return Err(literal(words)),
            Some(Behaviour::Crash(words)) => return Err(words.clone()),
            Some(Behaviour::DropStream) => self.subscribers.lock().unwrap().clear(),
            Some(Behaviour::Big(characters)) => return Ok("x".repeat(*characters)),
            Some(Behaviour::Silent) | None => {}
        }
        if self.extra_tools.lock().unwrap().iter().any(|extra| extra["name"] == tool) {
            return Ok("{}".into());
        }
        cluster::run(tool, arguments).map(|data| serde_json::to_string_pretty(&data).unwrap()).map_err(|words| literal(&words))
    }
}

/// A failure as the original puts it into a string: Python's spelling of a content list whose text is JSON.
fn literal(words: &str) -> String {
    let text = serde_json::to_string_pretty(&json!({ "error": words })).unwrap();
    repr(&json!([{ "type": "text", "text": text }]))
}

fn epoch() -> f64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

fn routes(state: Arc<Cluster>) -> Router {
    let counter = Arc::new(AtomicU64::new(0));
    let monitored = get(|| async { answer(StatusCode::SERVICE_UNAVAILABLE, &json!({ "detail": "monitoring is switched off" })) });
    let mut app = Router::new()
        .route(
            "/",
            get(|| async {
                answer(StatusCode::OK, &json!({ "name": "K8s MCP Server", "version": "1.0.0", "protocol": "SSE", "status": "running" }))
            }),
        )
        .route("/health", get(health))
        .route("/tools", get(listed))
        .route("/tools/call", post(called))
        .route("/events", get(events))
        .route("/intelligent/status", get(intelligent))
        .route("/intelligent/health", get(intelligent_health));
    for path in ["/metrics", "/metrics/history", "/metrics/summary", "/metrics/prometheus", "/performance", "/alerts"] {
        app = app.route(path, monitored.clone());
    }
    if state.variant == Variant::V2 {
        app = app.route("/tools/refresh", post(refreshed));
    }
    app.fallback(|| async { answer(StatusCode::NOT_FOUND, &json!({ "detail": "Not Found" })) })
        .method_not_allowed_fallback(|| async { answer(StatusCode::METHOD_NOT_ALLOWED, &json!({ "detail": "Method Not Allowed" })) })
        .layer(axum::extract::DefaultBodyLimit::max(64 << 20))
        .layer(axum::middleware::from_fn(move |request: axum::extract::Request, next: axum::middleware::Next| {
            let counter = Arc::clone(&counter);
            async move {
                let plain = request.uri().path().contains("/health") || request.uri().path().contains("/metrics");
                let mut response = next.run(request).await;
                if !plain {
                    let nth = counter.fetch_add(1, Ordering::SeqCst);
                    response.headers_mut().insert("x-response-time", http::HeaderValue::from_static("0.001s"));
                    response.headers_mut().insert("x-request-id", format!("req-{nth}").parse().expect("digits make a header"));
                }
                response
            }
        }))
        .with_state(state)
}

fn answer(status: StatusCode, body: &Json) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert("content-type", http::HeaderValue::from_static("application/json"));
    response
}

async fn health(State(state): State<Arc<Cluster>>) -> Response {
    let clients = state.subscribers.lock().unwrap().len();
    answer(
        StatusCode::OK,
        &json!({ "status": "healthy", "timestamp": "2026-11-22T09:30:00.000000", "clients": clients, "k8s_connected": true }),
    )
}

async fn listed(State(state): State<Arc<Cluster>>) -> Response {
    let tools = state.tools(true);
    let mut body = json!({ "tools": tools });
    if state.variant == Variant::V2 {
        body["total_count"] = body["tools"].as_array().map_or(0, Vec::len).into();
        body["last_updated"] = epoch().into();
    }
    answer(StatusCode::OK, &body)
}

async fn refreshed(State(state): State<Arc<Cluster>>) -> Response {
    let tools = state.tools(true);
    state.tell_update();
    answer(
        StatusCode::OK,
        &json!({ "success": true, "message": "tools refreshed", "tools_count": tools.len(), "tools": tools, "refreshed_at": epoch() }),
    )
}

async fn intelligent() -> Response {
    answer(
        StatusCode::OK,
        &json!({ "intelligent_mode_enabled": false, "knowledge_graph_available": false, "cluster_sync_running": false,
                 "summary_generator_available": false, "graph_nodes_count": 0, "graph_edges_count": 0, "sync_status": null }),
    )
}

async fn intelligent_health() -> Response {
    answer(
        StatusCode::OK,
        &json!({ "intelligent_mode": false, "timestamp": epoch(), "components": {
            "knowledge_graph": { "available": false, "nodes": 0, "edges": 0 }, "cluster_sync": { "running": false, "status": null },
            "summary_generator": { "available": false } } }),
    )
}

async fn events(State(state): State<Arc<Cluster>>) -> Response {
    let (subscriber, mut told) = mpsc::unbounded_channel::<(String, String)>();
    let (send, frames) = mpsc::unbounded_channel();
    let hello = json!({ "client_id": uuid::Uuid::new_v4().to_string(), "timestamp": epoch(), "server": "K8s MCP Server" });
    let _ = send.send(frame("connected", &hello.to_string()));
    let tools = state.tools(state.variant == Variant::V2);
    let _ = send.send(frame("tools_list", &json!({ "tools": tools }).to_string()));
    state.subscribers.lock().unwrap().push(subscriber);
    let heartbeat = state.heartbeat;
    tokio::spawn(async move {
        loop {
            let sent = tokio::select! {
                event = told.recv() => match event {
                    Some((name, data)) => send.send(frame(&name, &data)),
                    None => break,
                },
                () = tokio::time::sleep(heartbeat) => send.send(frame("heartbeat", &json!({ "timestamp": epoch() }).to_string())),
                () = send.closed() => break,
            };
            if sent.is_err() {
                break;
            }
        }
    });
    let mut response = event_stream(frames);
    for (name, value) in
        [("connection", "keep-alive"), ("access-control-allow-origin", "*"), ("access-control-allow-headers", "Cache-Control")]
    {
        response.headers_mut().insert(name, http::HeaderValue::from_static(value));
    }
    response
}

/// What is wrong with a posted call, in the validator's own form; `None` when nothing is.
fn complaints(body: &str) -> Result<(String, String, Json), Json> {
    let Ok(call) = serde_json::from_str::<Json>(body) else {
        return Err(
            json!([{ "type": "json_invalid", "loc": ["body", 0], "msg": "JSON decode error", "input": {}, "ctx": { "error": "Expecting value" } }]),
        );
    };
    let mut found = Vec::new();
    let missing = |field: &str| json!({ "type": "missing", "loc": ["body", field], "msg": "Field required", "input": call });
    for field in ["id", "name"] {
        match call.get(field) {
            None => found.push(missing(field)),
            Some(Json::String(_)) => {}
            Some(other) => found
                .push(json!({ "type": "string_type", "loc": ["body", field], "msg": "Input should be a valid string", "input": other })),
        }
    }
    match call.get("arguments") {
        None => found.push(missing("arguments")),
        Some(Json::Object(_)) => {}
        Some(other) => found.push(
            json!({ "type": "dict_type", "loc": ["body", "arguments"], "msg": "Input should be a valid dictionary", "input": other }),
        ),
    }
    if found.is_empty() {
        let text = |field: &str| call[field].as_str().unwrap_or_default().to_owned();
        Ok((text("id"), text("name"), call["arguments"].clone()))
    } else {
        Err(Json::Array(found))
    }
}

async fn called(State(state): State<Arc<Cluster>>, body: String) -> Response {
    let (id, tool, arguments) = match complaints(&body) {
        Ok(call) => call,
        Err(detail) => return answer(StatusCode::UNPROCESSABLE_ENTITY, &json!({ "detail": detail })),
    };
    state.calls.lock().unwrap().push(json!({ "id": id, "name": tool, "arguments": arguments }));
    // The tool runs to its end whether or not the caller still waits, as it does there.
    let run = {
        let state = Arc::clone(&state);
        tokio::spawn(async move { state.run(&id, &tool, &arguments).await })
    };
    if state.variant == Variant::V2 {
        return answer(StatusCode::OK, &json!({ "status": "accepted", "message": "the call was accepted" }));
    }
    match run.await.unwrap_or_else(|_| Err("the tool ended".into())) {
        Ok(()) => answer(StatusCode::OK, &json!({ "status": "success", "message": "the call was carried out" })),
        Err(words) => answer(StatusCode::INTERNAL_SERVER_ERROR, &json!({ "detail": words })),
    }
}
