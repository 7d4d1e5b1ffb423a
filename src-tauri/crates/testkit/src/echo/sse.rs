//! The echo server over the old HTTP+SSE transport: an event stream whose first event names the address to post to.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{Query, State};
use axum::response::Response;
use axum::routing::{get, post};
use http::StatusCode;
use tokio::sync::mpsc;

use super::{Conn, Echo, Handled, Out};
use crate::web::{Seen, Web, event_stream, forward, frame};

/// The echo server on a port of the loopback, at `/sse`.
#[derive(Debug)]
pub struct EchoSse {
    /// What it offers and has seen.
    pub echo: Arc<Echo>,
    /// The requests that came.
    pub seen: Seen,
    /// The listener.
    pub web: Web,
}

struct Streams {
    echo: Arc<Echo>,
    open: Mutex<HashMap<String, (Arc<Conn>, Out)>>,
}

impl EchoSse {
    /// Serves on a free port.
    pub async fn start(echo: Arc<Echo>) -> Self {
        Self::start_on(([127, 0, 0, 1], 0).into(), echo).await
    }

    /// Serves on a given address.
    pub async fn start_on(addr: std::net::SocketAddr, echo: Arc<Echo>) -> Self {
        let seen = Seen::default();
        let app = seen.over(Self::routes(&echo));
        Self { echo, seen, web: Web::start_on(addr, app).await }
    }

    /// The routes alone.
    pub fn routes(echo: &Arc<Echo>) -> Router {
        let state = Arc::new(Streams { echo: Arc::clone(echo), open: Mutex::default() });
        Router::new()
            .route("/sse", get(opened))
            .route("/messages", post(posted))
            .layer(axum::extract::DefaultBodyLimit::max(64 << 20))
            .with_state(state)
    }

    /// The stream's address.
    pub fn url(&self) -> String {
        self.web.url("/sse")
    }
}

async fn opened(State(state): State<Arc<Streams>>) -> Response {
    let id = uuid::Uuid::new_v4().simple().to_string();
    let conn = state.echo.open();
    let (send, frames) = mpsc::unbounded_channel();
    let _ = send.send(frame("endpoint", &format!("/messages?sessionId={id}")));
    let out: Out = Arc::new(move |text| send.send(frame("message", &text)).is_ok());
    state.echo.listen(&conn, Arc::clone(&out));
    state.open.lock().unwrap().insert(id.clone(), (Arc::clone(&conn), out));
    let (pass, passed) = mpsc::unbounded_channel();
    let state = Arc::clone(&state);
    tokio::spawn(async move {
        forward(frames, pass).await;
        state.open.lock().unwrap().remove(&id);
        state.echo.forget(&conn);
    });
    event_stream(passed)
}

async fn posted(State(state): State<Arc<Streams>>, Query(query): Query<HashMap<String, String>>, body: String) -> Response {
    let found = query.get("sessionId").and_then(|id| state.open.lock().unwrap().get(id).cloned());
    let Some((conn, out)) = found else {
        let mut refusal = Response::new(Body::from("there is no such stream"));
        *refusal.status_mut() = StatusCode::NOT_FOUND;
        return refusal;
    };
    if let Handled::Now(text) = state.echo.handle(&conn, &body, || Arc::clone(&out)) {
        out(text);
    }
    let mut accepted = Response::new(Body::from("Accepted"));
    *accepted.status_mut() = StatusCode::ACCEPTED;
    accepted
}
