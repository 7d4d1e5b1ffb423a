//! The echo server over WebSocket: one JSON-RPC message a text frame, subprotocol `mcp`.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use axum::routing::any;
use tokio::sync::mpsc;

use super::{Echo, Handled, Out};
use crate::web::{Seen, Web};

/// The echo server on a port of the loopback, at `/ws`.
#[derive(Debug)]
pub struct EchoSocket {
    /// What it offers and has seen.
    pub echo: Arc<Echo>,
    /// The handshakes that came.
    pub seen: Seen,
    /// The listener.
    pub web: Web,
}

impl EchoSocket {
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
        Router::new().route("/ws", any(upgraded)).with_state(Arc::clone(echo))
    }

    /// The socket's address.
    pub fn url(&self) -> String {
        self.web.ws_url("/ws")
    }
}

async fn upgraded(State(echo): State<Arc<Echo>>, upgrade: WebSocketUpgrade) -> Response {
    upgrade.protocols(["mcp"]).max_message_size(64 << 20).max_frame_size(64 << 20).on_upgrade(move |socket| serve(echo, socket))
}

async fn serve(echo: Arc<Echo>, mut socket: WebSocket) {
    let conn = echo.open();
    let (send, mut later) = mpsc::unbounded_channel::<String>();
    let out: Out = Arc::new(move |text| send.send(text).is_ok());
    echo.listen(&conn, Arc::clone(&out));
    loop {
        let text = tokio::select! {
            came = socket.recv() => match came {
                Some(Ok(Message::Text(text))) => match echo.handle(&conn, &text, || Arc::clone(&out)) {
                    Handled::Now(text) => text,
                    Handled::Later | Handled::Nothing => continue,
                },
                Some(Ok(Message::Close(_)) | Err(_)) | None => break,
                Some(Ok(_)) => continue,
            },
            Some(text) = later.recv() => text,
        };
        if socket.send(Message::Text(text.into())).await.is_err() {
            break;
        }
    }
    echo.forget(&conn);
}
