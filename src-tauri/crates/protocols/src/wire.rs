//! The registry: one row a protocol.

mod http;
mod local;
mod sse;
mod stream_http;
mod subprocess;
mod websocket;

use std::sync::Arc;

use domain::local::LocalTools;
use domain::protocol::Protocol;

/// All protocols, in the order in which a person is offered them. `local` are the tools that live in this process.
pub fn registry(local: Arc<dyn LocalTools>) -> Vec<Arc<dyn Protocol>> {
    vec![
        Arc::new(stream_http::StreamHttp),
        Arc::new(sse::Sse),
        Arc::new(websocket::WebSocket),
        Arc::new(http::Http),
        Arc::new(subprocess::Subprocess::new()),
        Arc::new(local::Local::new(local)),
    ]
}
