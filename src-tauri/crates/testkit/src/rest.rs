//! A peer of the REST form: `/health`, `/tools`, `/tools/{name}/call`, with JSON answers or event streams (the `stream_http` dialect).
//!
//! Its tools have the names and manners of the echo server's, so that one suite can drive both.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{get, post};
use http::{HeaderMap, StatusCode};
use serde_json::{Value as Json, json};
use tokio::sync::{Notify, mpsc};

use crate::web::{Seen, Web, event_stream, frame};

/// How `GET /tools` spells the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Shape {
    /// A bare array, `inputSchema` in each tool.
    #[default]
    Array,
    /// `{"tools": […]}`, `input_schema` in each tool.
    Tools,
    /// `{"result": {"tools": […]}}`, `parameters` in each tool.
    Result,
}

/// How a call is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Answers {
    /// One JSON body, the result.
    #[default]
    Json,
    /// An event stream when it is asked for: chunks, then an ending of this kind.
    Stream(Ending),
}

/// How an event stream says that it is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// `event: tool_complete` with the result in it.
    ToolComplete,
    /// `event: result` with the result itself.
    Result,
    /// The result in a plain event, then `event: done` with nothing.
    Done,
    /// Text in plain events, then the end of the body.
    Eof,
}

/// The peer.
#[derive(Debug)]
pub struct Rest {
    /// The requests that came.
    pub seen: Seen,
    /// The listener.
    pub web: Web,
    prefix: &'static str,
    state: Arc<Tools>,
}

#[derive(Debug)]
struct Tools {
    shape: Shape,
    answers: Answers,
    healthy: AtomicBool,
    calls: Mutex<BTreeMap<String, u64>>,
    cancelled: AtomicU64,
    running: AtomicUsize,
    release: Notify,
    released: AtomicBool,
}

impl Rest {
    /// Serves on a free port, without a prefix.
    pub async fn start(shape: Shape, answers: Answers) -> Self {
        Self::under("", shape, answers).await
    }

    /// Serves under a base path such as `/api/v1`; everything outside it is 404.
    pub async fn under(prefix: &'static str, shape: Shape, answers: Answers) -> Self {
        let state = Arc::new(Tools {
            shape,
            answers,
            healthy: AtomicBool::new(true),
            calls: Mutex::default(),
            cancelled: AtomicU64::new(0),
            running: AtomicUsize::new(0),
            release: Notify::new(),
            released: AtomicBool::new(false),
        });
        let routes = Router::new()
            .route("/health", get(health))
            .route("/tools", get(listed))
            .route("/tools/{name}/call", post(called))
            .with_state(Arc::clone(&state));
        let app = if prefix.is_empty() { routes } else { Router::new().nest(prefix, routes) };
        let seen = Seen::default();
        let web = Web::start(seen.over(app)).await;
        Self { seen, web, prefix, state }
    }

    /// The address for `base_url`.
    pub fn base_url(&self) -> String {
        self.web.url(self.prefix)
    }

    /// What `GET /health` says from now on: 200 or 503.
    pub fn set_healthy(&self, healthy: bool) {
        self.state.healthy.store(healthy, Ordering::SeqCst);
    }

    /// How often a tool was run.
    pub fn calls(&self, tool: &str) -> u64 {
        self.state.calls.lock().unwrap().get(tool).copied().unwrap_or(0)
    }

    /// How many calls were given up by hanging up.
    pub fn cancelled(&self) -> u64 {
        self.state.cancelled.load(Ordering::SeqCst)
    }

    /// How many calls run now.
    pub fn running(&self) -> usize {
        self.state.running.load(Ordering::SeqCst)
    }

    /// Lets every `hold` go, now and from now on.
    pub fn release(&self) {
        self.state.release();
    }
}

impl Tools {
    fn release(&self) {
        self.released.store(true, Ordering::SeqCst);
        self.release.notify_waiters();
    }

    async fn held(&self) {
        loop {
            let woken = self.release.notified();
            if self.released.load(Ordering::SeqCst) {
                return;
            }
            woken.await;
        }
    }
}

fn answer(status: StatusCode, body: &Json) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert("content-type", http::HeaderValue::from_static("application/json"));
    response
}

async fn health(State(state): State<Arc<Tools>>) -> Response {
    if state.healthy.load(Ordering::SeqCst) {
        answer(StatusCode::OK, &json!({ "status": "healthy" }))
    } else {
        answer(StatusCode::SERVICE_UNAVAILABLE, &json!({ "status": "draining" }))
    }
}

async fn listed(State(state): State<Arc<Tools>>) -> Response {
    let key = match state.shape {
        Shape::Array => "inputSchema",
        Shape::Tools => "input_schema",
        Shape::Result => "parameters",
    };
    let object = |properties: Json, required: Json| json!({ "type": "object", "properties": properties, "required": required });
    let message = object(json!({ "message": { "type": "string" } }), json!(["message"]));
    let steps = object(json!({ "steps": { "type": "integer", "minimum": 0 }, "ms": { "type": "integer", "minimum": 0 } }), json!([]));
    let nothing = object(json!({}), json!([]));
    let tools: Vec<_> = [
        ("echo", "Says the message back.", message.clone()),
        ("slow", "Takes a number of steps; in a stream it tells each.", steps),
        ("hold", "Waits until somebody calls release, or hangs up.", nothing.clone()),
        ("release", "Lets every hold go, now and from now on.", nothing.clone()),
        ("big", "Answers with so many bytes.", object(json!({ "bytes": { "type": "integer", "minimum": 0 } }), json!([]))),
        ("fail", "Answers that it failed.", object(json!({ "message": { "type": "string" } }), json!([]))),
        ("refuse", "Answers with status 500.", object(json!({ "message": { "type": "string" } }), json!([]))),
        ("stats", "How often each tool ran, how many calls were cancelled, how many run now.", nothing),
        ("odd name/ü?", "Says the message back under a name that must be percent-encoded.", message),
    ]
    .into_iter()
    .map(|(name, about, schema)| json!({ "name": name, "description": about, key: schema }))
    .collect();
    answer(
        StatusCode::OK,
        &match state.shape {
            Shape::Array => Json::Array(tools),
            Shape::Tools => json!({ "tools": tools }),
            Shape::Result => json!({ "result": { "tools": tools } }),
        },
    )
}

/// Counts a call as cancelled when it is dropped before its end.
struct Running(Arc<Tools>, bool);

impl Running {
    fn begin(tools: &Arc<Tools>) -> Self {
        tools.running.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(tools), false)
    }

    fn done(mut self) {
        self.1 = true;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
        if !self.1 {
            self.0.cancelled.fetch_add(1, Ordering::SeqCst);
        }
    }
}

fn result(text: &str, failed: bool) -> Json {
    json!({ "content": [{ "type": "text", "text": text }], "is_error": failed })
}

async fn called(State(state): State<Arc<Tools>>, Path(name): Path<String>, headers: HeaderMap, body: String) -> Response {
    let Some(arguments) = serde_json::from_str::<Json>(&body).ok().and_then(|mut body| body.get_mut("arguments").map(Json::take)) else {
        return answer(StatusCode::UNPROCESSABLE_ENTITY, &json!({ "detail": "the body wants arguments" }));
    };
    *state.calls.lock().unwrap().entry(name.clone()).or_default() += 1;
    let wants_stream =
        headers.get("accept").and_then(|accept| accept.to_str().ok()).is_some_and(|accept| accept.contains("text/event-stream"));
    let running = Running::begin(&state);
    if let Answers::Stream(ending) = state.answers
        && wants_stream
        && name != "refuse"
    {
        return streamed(name, arguments, running, ending);
    }
    let response = match work(&state, &name, &arguments, |_| true).await {
        Some(Ok(result)) => answer(StatusCode::OK, &result),
        Some(Err(words)) => answer(StatusCode::INTERNAL_SERVER_ERROR, &json!({ "detail": words })),
        None => answer(StatusCode::NOT_FOUND, &json!({ "detail": format!("there is no tool {name}") })),
    };
    running.done();
    response
}

/// Does the tool's work; `tell` takes each step and answers whether somebody still listens. `None` for a tool that is not there.
async fn work(state: &Arc<Tools>, name: &str, arguments: &Json, tell: impl Fn(&str) -> bool) -> Option<Result<Json, String>> {
    Some(Ok(match name {
        "echo" | "odd name/ü?" => match arguments["message"].as_str() {
            Some(message) => result(message, false),
            None => return Some(Err("echo wants a message".into())),
        },
        "slow" => {
            let steps = arguments["steps"].as_u64().unwrap_or(5);
            for step in 1..=steps {
                tokio::time::sleep(Duration::from_millis(arguments["ms"].as_u64().unwrap_or(20))).await;
                tell(&format!("step {step} of {steps}"));
            }
            result(&format!("done after {steps} steps"), false)
        }
        "hold" => {
            tell("holding");
            state.held().await;
            result("held and let go", false)
        }
        "release" => {
            state.release();
            result("let go", false)
        }
        "big" => result(&"x".repeat(arguments["bytes"].as_u64().unwrap_or(1 << 20) as usize), false),
        "fail" => result(arguments["message"].as_str().unwrap_or("it was asked to fail"), true),
        "refuse" => return Some(Err(arguments["message"].as_str().unwrap_or("refused").to_owned())),
        "stats" => {
            // The call that asks is not counted as running.
            let stats = json!({ "calls": *state.calls.lock().unwrap(), "cancelled": state.cancelled.load(Ordering::SeqCst),
                                "running": state.running.load(Ordering::SeqCst).saturating_sub(1) });
            result(&stats.to_string(), false)
        }
        _ => return None,
    }))
}

fn streamed(name: String, arguments: Json, running: Running, ending: Ending) -> Response {
    let (send, frames) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let state = Arc::clone(&running.0);
        let chunk = |words: &str| match ending {
            Ending::Eof => send.send(format!("data: {words}\n\n").into()).is_ok(),
            _ => send.send(frame("chunk", &json!({ "text": words }).to_string())).is_ok(),
        };
        let done = tokio::select! {
            done = work(&state, &name, &arguments, &chunk) => done,
            () = send.closed() => return,
        };
        let result = match done {
            Some(Ok(result)) => result,
            Some(Err(words)) => result(&words, true),
            None => result(&format!("there is no tool {name}"), true),
        };
        match ending {
            Ending::ToolComplete => {
                let _ = send.send(frame(
                    "tool_complete",
                    &json!({ "tool": name, "result": result, "success": result["is_error"] == false }).to_string(),
                ));
            }
            Ending::Result => {
                let _ = send.send(frame("result", &result.to_string()));
            }
            Ending::Done => {
                let _ = send.send(format!("data: {result}\n\n").into());
                let _ = send.send(frame("done", "{}"));
            }
            Ending::Eof => {
                let _ = send.send(format!("data: {}\n\n", result["content"][0]["text"].as_str().unwrap_or_default()).into());
            }
        }
        running.done();
    });
    event_stream(frames)
}
