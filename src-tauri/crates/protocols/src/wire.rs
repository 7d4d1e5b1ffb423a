//! The registry: one row a protocol.

mod http;
mod sse;
mod stream_http;
mod websocket;

use std::sync::Arc;

use domain::local::LocalTools;
use domain::protocol::Protocol;

/// All protocols, in the order in which a person is offered them. `local` are the tools that live in this process.
pub fn registry(local: Arc<dyn LocalTools>) -> Vec<Arc<dyn Protocol>> {
    let _ = local;
    vec![Arc::new(stream_http::StreamHttp), Arc::new(sse::Sse), Arc::new(websocket::WebSocket), Arc::new(http::Http)]
}
