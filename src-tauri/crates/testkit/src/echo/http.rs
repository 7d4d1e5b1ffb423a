//! The echo server over MCP Streamable HTTP: sessions with a GET stream, and the stateless era.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use axum::routing::post;
use http::{HeaderMap, StatusCode};
use serde_json::{Value as Json, json};
use tokio::sync::mpsc;

use super::{Conn, Echo, Eras, Handled, MODERN, Out};
use crate::web::{Seen, Web, event_stream, forward, frame};

/// How the server says that it does not know a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HttpKind {
    /// 404, as the specification says.
    #[default]
    Plain,
    /// 400 with a JSON-RPC error without an id, as `server-everything` says after a restart.
    BadRequest,
}

/// The echo server on a port of the loopback, at `/mcp`.
#[derive(Debug)]
pub struct EchoHttp {
    /// What it offers and has seen. Lives on through a restart; sessions do not.
    pub echo: Arc<Echo>,
    /// The requests that came.
    pub seen: Seen,
    /// The listener.
    pub web: Web,
    state: Arc<Sessions>,
}

#[derive(Debug)]
struct Sessions {
    echo: Arc<Echo>,
    kind: HttpKind,
    open: Mutex<HashMap<String, Arc<Conn>>>,
}

impl EchoHttp {
    /// Serves on a free port.
    pub async fn start(echo: Arc<Echo>, kind: HttpKind) -> Self {
        Self::start_on(([127, 0, 0, 1], 0).into(), echo, kind).await
    }

    /// Serves on a given address.
    pub async fn start_on(addr: std::net::SocketAddr, echo: Arc<Echo>, kind: HttpKind) -> Self {
        let state = Arc::new(Sessions { echo: Arc::clone(&echo), kind, open: Mutex::default() });
        let seen = Seen::default();
        let app = seen.over(routes(Arc::clone(&state)));
        Self { echo, seen, web: Web::start_on(addr, app).await, state }
    }

    /// The routes alone, without the record of requests: for measurements and for a listener of the caller's own.
    pub fn routes(echo: &Arc<Echo>, kind: HttpKind) -> Router {
        routes(Arc::new(Sessions { echo: Arc::clone(echo), kind, open: Mutex::default() }))
    }

    /// The endpoint.
    pub fn url(&self) -> String {
        self.web.url("/mcp")
    }

    /// How many sessions are open.
    pub fn sessions(&self) -> usize {
        self.state.open.lock().unwrap().len()
    }

    /// Stops, forgets every session, and serves again on the same port.
    pub async fn restart(&self) {
        self.web.stop().await;
        self.state.forget_all();
        self.web.restart().await;
    }

    /// Stops and forgets every session.
    pub async fn stop(&self) {
        self.web.stop().await;
        self.state.forget_all();
    }

    /// Forgets every session and goes on serving: what a rollout behind a load balancer does.
    pub fn expire_sessions(&self) {
        self.state.forget_all();
    }
}

impl Sessions {
    fn forget_all(&self) {
        for (_, conn) in self.open.lock().unwrap().drain() {
            self.echo.forget(&conn);
        }
    }

    fn find(&self, headers: &HeaderMap) -> Result<Arc<Conn>, Response> {
        let id = headers.get("mcp-session-id").and_then(|id| id.to_str().ok());
        match id.and_then(|id| self.open.lock().unwrap().get(id).cloned()) {
            Some(conn) => Ok(conn),
            None => Err(match (self.kind, id) {
                (HttpKind::Plain, Some(_)) => json_answer(StatusCode::NOT_FOUND, no_session("there is no such session")),
                (HttpKind::BadRequest, _) | (HttpKind::Plain, None) => {
                    json_answer(StatusCode::BAD_REQUEST, no_session("no valid session id"))
                }
            }),
        }
    }
}

fn no_session(words: &str) -> String {
    json!({ "jsonrpc": "2.0", "error": { "code": -32000, "message": words }, "id": null }).to_string()
}

fn routes(state: Arc<Sessions>) -> Router {
    Router::new()
        .route("/mcp", post(posted).get(listened).delete(ended))
        .layer(axum::extract::DefaultBodyLimit::max(64 << 20))
        .with_state(state)
}

async fn posted(State(state): State<Arc<Sessions>>, headers: HeaderMap, body: String) -> Response {
    let version = headers.get("mcp-protocol-version").and_then(|version| version.to_str().ok());
    if version == Some(MODERN) {
        return stateless(&state, &headers, &body);
    }
    let is_initialize = || serde_json::from_str::<Json>(&body).is_ok_and(|message| message["method"] == "initialize");
    // A session's fast path never looks into the body here.
    let mut fresh = None;
    let conn = if headers.contains_key("mcp-session-id") {
        match state.find(&headers) {
            Ok(conn) => conn,
            Err(refusal) => return refusal,
        }
    } else if state.echo.eras != Eras::Modern && is_initialize() {
        let conn = state.echo.open();
        let id = uuid::Uuid::new_v4().simple().to_string();
        state.open.lock().unwrap().insert(id.clone(), Arc::clone(&conn));
        fresh = Some(id);
        conn
    } else {
        let refusal = if state.echo.eras == Eras::Modern {
            json!({ "jsonrpc": "2.0", "id": null,
                    "error": { "code": -32022, "message": "only 2026-07-28 here", "data": { "supported": [MODERN], "requested": version } } })
            .to_string()
        } else {
            no_session("no valid session id")
        };
        return json_answer(StatusCode::BAD_REQUEST, refusal);
    };
    let mut response = respond(&state.echo, &conn, &body, false);
    if let Some(id) = fresh {
        response.headers_mut().insert("mcp-session-id", id.parse().expect("hex digits make a header"));
    }
    response
}

fn stateless(state: &Sessions, headers: &HeaderMap, body: &str) -> Response {
    let message: Json = serde_json::from_str(body).unwrap_or_default();
    let refuse = |code: i64, words: &str| {
        let text = json!({ "jsonrpc": "2.0", "id": message["id"], "error": { "code": code, "message": words, "data": { "supported": super::LEGACY } } });
        json_answer(StatusCode::BAD_REQUEST, text.to_string())
    };
    if state.echo.eras == Eras::Legacy {
        return refuse(-32022, "2026-07-28 is not known here");
    }
    let method = message["method"].as_str().unwrap_or_default();
    if headers.get("mcp-method").and_then(|value| value.to_str().ok()) != Some(method) {
        return refuse(-32020, "the Mcp-Method header does not say what the body says");
    }
    if method == "tools/call"
        && headers
            .get("mcp-name")
            .and_then(|value| value.to_str().ok())
            .is_none_or(|name| !name.starts_with("=?") && message["params"]["name"] != name)
    {
        return refuse(-32020, "the Mcp-Name header does not say what the body says");
    }
    if method == "initialize" {
        return refuse(-32601, "there is no initialize in this era");
    }
    respond(&state.echo, &state.echo.open(), body, true)
}

/// Answers with JSON where the answer is there, with an event stream where it takes time. `whole` says that the connection is this request
/// alone, so that whoever hangs up cancels it.
fn respond(echo: &Arc<Echo>, conn: &Arc<Conn>, body: &str, whole: bool) -> Response {
    let (send, frames) = mpsc::unbounded_channel();
    let out = move || -> Out {
        let send = Mutex::new(Some(send));
        Arc::new(move |text: String| {
            let mut send = send.lock().unwrap();
            let last = text.starts_with(r#"{"jsonrpc":"2.0","id":"#);
            let arrived = send.as_ref().is_some_and(|send| send.send(frame("message", &text)).is_ok());
            if last {
                *send = None;
            }
            arrived
        })
    };
    match echo.handle(conn, body, out) {
        Handled::Now(text) => json_answer(StatusCode::OK, text),
        Handled::Nothing => empty(StatusCode::ACCEPTED),
        Handled::Later if whole => event_stream_of(frames, Some((Arc::clone(echo), Arc::clone(conn)))),
        Handled::Later => event_stream_of(frames, None),
    }
}

/// As [`event_stream`]; when the peer hangs up, `whole` is told.
fn event_stream_of(frames: mpsc::UnboundedReceiver<bytes::Bytes>, whole: Option<(Arc<Echo>, Arc<Conn>)>) -> Response {
    let Some((echo, conn)) = whole else { return event_stream(frames) };
    let (pass, passed) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        forward(frames, pass).await;
        echo.forget(&conn);
    });
    event_stream(passed)
}

async fn listened(State(state): State<Arc<Sessions>>, headers: HeaderMap) -> Response {
    let conn = match state.find(&headers) {
        Ok(conn) => conn,
        Err(refusal) => return refusal,
    };
    let (send, frames) = mpsc::unbounded_channel();
    let _ = send.send(bytes::Bytes::from_static(b": open\n\n"));
    state.echo.listen(&conn, Arc::new(move |text| send.send(frame("message", &text)).is_ok()));
    event_stream(frames)
}

async fn ended(State(state): State<Arc<Sessions>>, headers: HeaderMap) -> Response {
    match state.find(&headers) {
        Ok(conn) => {
            state.open.lock().unwrap().retain(|_, open| !Arc::ptr_eq(open, &conn));
            state.echo.forget(&conn);
            empty(StatusCode::NO_CONTENT)
        }
        Err(refusal) => refusal,
    }
}

fn json_answer(status: StatusCode, text: String) -> Response {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert("content-type", http::HeaderValue::from_static("application/json"));
    response
}

fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
