//! Every protocol × every clause of `testkit::contract`. A protocol in the registry that has no row here fails the suite.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::protocol::Protocol;
use protocols::wire::registry;
use serde_json::json;
use testkit::contract::{self, Case, EchoHttpPeer, EchoSocketPeer, EchoSsePeer, LocalPeer, PredecessorPeer, RestPeer, StdioPeer};
use testkit::echo::{Echo, EchoHttp, EchoLocal, EchoSocket, EchoSse, Eras, HttpKind};
use testkit::predecessor::{Predecessor, Variant};
use testkit::rest::{Answers, Ending, Rest, Shape};

/// The program that guards children in these tests.
fn guard() -> Vec<String> {
    vec![env!("CARGO_BIN_EXE_guarded").to_owned(), protocols::guard::WORD.to_owned()]
}

fn protocol(id: &str, local: &EchoLocal) -> Arc<dyn Protocol> {
    let all = registry(Arc::new(local.clone()));
    all.into_iter().find(|protocol| protocol.info().id.as_str() == id).unwrap_or_else(|| panic!("{id} is not in the registry"))
}

/// Writes one module a row and in it one test a clause.
macro_rules! rows {
    ($($row:ident: $protocol:literal, $peer:expr;)*) => {
        const ROWS: &[(&str, &str)] = &[$((stringify!($row), $protocol)),*];
        $(mod $row {
            use super::*;

            async fn case() -> Case {
                let local = EchoLocal::default();
                let peer = ($peer)(local.clone()).await;
                Case::new(protocol($protocol, &local), peer, &guard())
            }

            rows!(@ connect discover call concurrent_calls fails unknown_tool cancel progress reconnect big_result close_leaves_nothing
                giving_up_a_connect_leaves_nothing);
        })*
    };
    (@ $($clause:ident)*) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $clause() {
            contract::$clause(case().await).await;
        })*
    };
}

rows! {
    stream_http_auto: "stream_http", |_| mcp(Eras::Both, HttpKind::Plain, json!({}));
    stream_http_legacy: "stream_http", |_| mcp(Eras::Legacy, HttpKind::Plain, json!({ "era": "legacy" }));
    stream_http_legacy_found: "stream_http", |_| mcp(Eras::Legacy, HttpKind::BadRequest, json!({}));
    stream_http_modern: "stream_http", |_| mcp(Eras::Modern, HttpKind::Plain, json!({ "era": "modern" }));
    stream_http_modern_found: "stream_http", |_| mcp(Eras::Modern, HttpKind::Plain, json!({}));
    stream_http_dialect: "stream_http", |_| stream(Answers::Stream(Ending::ToolComplete));
    stream_http_dialect_result: "stream_http", |_| stream(Answers::Stream(Ending::Result));
    stream_http_dialect_done: "stream_http", |_| stream(Answers::Stream(Ending::Done));
    sse_mcp: "sse", |_| async { EchoSsePeer(EchoSse::start(Echo::new()).await) };
    sse_predecessor_v1: "sse", |_| predecessor(Variant::V1, |port| json!({ "host": "127.0.0.1", "port": port, "path": "/events" }));
    sse_predecessor_v2: "sse", |_| predecessor(Variant::V2, |port| json!({ "host": "127.0.0.1", "port": port, "path": "/events" }));
    websocket: "websocket", |_| async { EchoSocketPeer(EchoSocket::start(Echo::new()).await) };
    websocket_legacy: "websocket", |_| async { EchoSocketPeer(EchoSocket::start(Echo::shaped(Eras::Legacy, 0, 0)).await) };
    http_array: "http", |_| rest(Shape::Array, Answers::Json);
    http_tools: "http", |_| rest(Shape::Tools, Answers::Json);
    http_result: "http", |_| rest(Shape::Result, Answers::Json);
    http_predecessor_v1: "http", |_| predecessor(Variant::V1, |port| json!({ "base_url": format!("http://127.0.0.1:{port}") }));
    subprocess_legacy: "subprocess", |_| async { program("legacy") };
    subprocess_modern: "subprocess", |_| async { program("modern") };
    local: "local", |local| async { LocalPeer(local) };
    http_predecessor_v2: "http", |_| predecessor(Variant::V2, |port| json!({ "base_url": format!("http://127.0.0.1:{port}") }));
}

async fn predecessor(variant: Variant, settings: fn(u16) -> domain::Json) -> PredecessorPeer {
    PredecessorPeer { peer: Predecessor::start(variant).await, settings }
}

async fn mcp(eras: Eras, kind: HttpKind, more: domain::Json) -> EchoHttpPeer {
    EchoHttpPeer { peer: EchoHttp::start(Echo::shaped(eras, 0, 0), kind).await, more }
}

/// The predecessor's dialect of `stream_http`: calls are answered with event streams. Text alone cannot say that a tool failed, so the
/// ending without a result is not held to the whole contract.
async fn stream(answers: Answers) -> RestPeer {
    let peer = Rest::start(Shape::Array, answers).await;
    RestPeer { peer, settings: |base| json!({ "base_url": base, "path": "/stream" }), streams: true }
}

fn program(era: &str) -> StdioPeer {
    let args = ["echo", "stdio", "--era", era].map(str::to_owned).to_vec();
    StdioPeer { program: env!("CARGO_BIN_EXE_it-peer").into(), args, more: json!({ "era": era }) }
}

async fn rest(shape: Shape, answers: Answers) -> RestPeer {
    let peer = Rest::under("/api/v1", shape, answers).await;
    RestPeer { peer, settings: |base| json!({ "base_url": base }), streams: false }
}

#[test]
fn every_protocol_has_a_row_and_every_row_a_protocol() {
    let registered: BTreeSet<_> =
        registry(Arc::new(EchoLocal::default())).iter().map(|protocol| protocol.info().id.as_str().to_owned()).collect();
    let tried: BTreeSet<_> = ROWS.iter().map(|(_, protocol)| (*protocol).to_owned()).collect();
    assert_eq!(registered, tried, "the registry and the rows of the contract differ");
}
