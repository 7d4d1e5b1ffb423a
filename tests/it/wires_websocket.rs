//! `websocket`: the handshake, both spellings, proxies, TLS, and servers that misbehave.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::routing::any;
use domain::Json;
use domain::fault::{Phase, ServerFault};
use domain::protocol::SessionEvent;
use serde_json::json;
use testkit::contract::until;
use testkit::echo::{Echo, EchoSocket};
use testkit::stage::Stage;
use testkit::web::{Web, guarded};
use tokio::io::{AsyncWriteExt as _, copy_bidirectional};
use tokio::net::TcpStream;

use crate::wires::{Raw, call, page, refused, session};

#[tokio::test]
async fn the_handshake_offers_mcp_and_carries_the_credentials() {
    let stage = Stage::new(&[]);
    let peer = EchoSocket::start(Echo::new()).await;
    let settings = json!({ "host": "127.0.0.1", "port": peer.web.port(), "path": "/ws", "auth_token": "t0ken", "auth_headers": { "X-API-Key": "k3y" } });
    let session = session(&stage, "websocket", settings).await;
    assert_eq!(call(&*session, "echo", json!({ "message": "hi" })).await.unwrap().text(), "hi");
    session.health().await.unwrap();
    let handshake = &peer.seen.all()[0];
    assert_eq!(handshake.headers["authorization"], "Bearer t0ken");
    assert_eq!(handshake.headers["x-api-key"], "k3y");
    assert_eq!(handshake.headers["sec-websocket-protocol"], "mcp");
    session.close().await;
    until("the connection is closed", async || peer.web.open() == 0).await;
}

/// What a scripted server heard.
type Heard = Arc<Mutex<Vec<Json>>>;

/// A server that answers each message as `answer` says, and knows no subprotocol.
async fn scripted(answer: fn(&Json) -> Option<Json>) -> (Web, Heard) {
    let heard: Heard = Arc::default();
    let kept = Arc::clone(&heard);
    let app = Router::new().route(
        "/",
        any(move |upgrade: WebSocketUpgrade| {
            let kept = Arc::clone(&kept);
            async move {
                upgrade.on_upgrade(move |mut socket: WebSocket| async move {
                    while let Some(Ok(message)) = socket.recv().await {
                        let Message::Text(text) = message else { continue };
                        let message: Json = serde_json::from_str(&text).unwrap();
                        kept.lock().unwrap().push(message.clone());
                        if let Some(answer) = answer(&message)
                            && socket.send(Message::Text(answer.to_string().into())).await.is_err()
                        {
                            return;
                        }
                    }
                })
            }
        }),
    );
    (Web::start(app).await, heard)
}

/// The server model of the predecessor's kin: snake_case, booleans for capabilities, nothing said to what it does not know.
fn snake(message: &Json) -> Option<Json> {
    let answer = |result: Json| Some(json!({ "jsonrpc": "2.0", "id": message["id"], "result": result }));
    match message["method"].as_str()? {
        "initialize" => answer(json!({
            "protocol_version": message["params"]["protocol_version"],
            "server_info": { "name": "snake", "version": "1.0.0" },
            "capabilities": { "tools": true, "notifications": true, "logging": true, "resources": false, "prompts": false },
        })),
        "tools/list" => answer(json!({ "tools": [{ "name": "t", "description": "d", "input_schema": { "type": "object" } }] })),
        "tools/call" => answer(json!({ "content": [{ "type": "text", "text": "done" }], "is_error": message["params"]["name"] == "bad" })),
        "ping" => answer(json!({})),
        _ => Some(json!({ "jsonrpc": "2.0", "id": message["id"], "error": { "code": -32601, "message": "unknown" } })),
    }
}

#[tokio::test]
async fn a_speaker_of_snake_case_is_served_and_hears_nothing_that_it_does_not_know() {
    let stage = Stage::new(&[]);
    let (peer, heard) = scripted(snake).await;
    let session = session(&stage, "websocket", json!({ "url": peer.ws_url("/"), "era": "legacy" })).await;
    let facts = session.facts();
    assert_eq!((facts.name.as_str(), facts.revision.as_str()), ("snake", "2024-11-05"));
    assert_eq!(session.tools().await.unwrap().tools.len(), 1);
    assert_eq!(call(&*session, "t", json!({})).await.unwrap().text(), "done");
    assert!(call(&*session, "bad", json!({})).await.unwrap().is_error);
    session.close().await;
    let heard = heard.lock().unwrap();
    let first = &heard[0]["params"];
    for key in ["protocolVersion", "capabilities", "clientInfo", "protocol_version", "client_info"] {
        assert!(first.get(key).is_some(), "{key} in {first}");
    }
    assert!(heard.iter().all(|message| message.get("id").is_some()), "no notification was sent: {heard:?}");
    let mut ids: Vec<_> = heard.iter().map(|message| message["id"].to_string()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), heard.len(), "every request has its own id");
}

#[tokio::test]
async fn a_server_that_upgrades_and_says_nothing_runs_out_of_patience() {
    let (peer, _) = scripted(|_| None).await;
    let fault = refused("websocket", json!({ "url": peer.ws_url("/"), "start_timeout": 0.5 })).await;
    assert_eq!(fault, ServerFault::Timeout { phase: Phase::Handshake, after: Duration::from_millis(500) });
    until("the connection is let go", async || peer.open() == 0).await;
}

#[tokio::test]
async fn a_refused_handshake_says_what_it_was() {
    let guarded = Web::start(guarded(Router::new().fallback(|| async { "in" }), "authorization", "Bearer right")).await;
    assert_eq!(refused("websocket", json!({ "url": guarded.ws_url("/") })).await, ServerFault::AuthRequired { scheme: "Bearer".into() });
    let wrong = refused("websocket", json!({ "url": guarded.ws_url("/"), "auth_token": "wrong" })).await;
    assert!(matches!(wrong, ServerFault::AuthFailed { .. }), "{wrong:?}");
    for (answer, code, part) in [
        (page("200 OK", "Content-Type: text/html\r\n", "<h1>Log in</h1>"), "protocol_violation", "<h1>Log in</h1>"),
        (page("403 Forbidden", "", "not you"), "auth_failed", "not you"),
        (page("404 Not Found", "", "nothing here"), "http_status", "nothing here"),
        (page("301 Moved Permanently", "Location: wss://evil.test/\r\n", ""), "redirect_refused", "evil.test"),
        (
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: AAAA\r\n\r\n".to_vec(),
            "protocol_violation",
            "Accept",
        ),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n".to_vec(), "protocol_violation", "SSH"),
        ([&b"HTTP/1.1 101 X\r\nX: "[..], &vec![b'x'; 1 << 20], b"\r\n\r\n"].concat(), "resource_limit", "header"),
        ([&b"HTTP/1.1 101 X\r\n"[..], &b"X: 1\r\n".repeat(10_000), b"\r\n"].concat(), "resource_limit", "header"),
        (Vec::new(), "connection_lost", "closed"),
    ] {
        let peer = Raw::saying(answer.clone()).await;
        let fault = refused("websocket", json!({ "url": peer.url("/"), "era": "legacy" })).await;
        let shown: String = String::from_utf8_lossy(&answer).chars().take(40).collect();
        assert_eq!(fault.code(), code, "{shown} gave {fault:?}");
        assert!(fault.to_string().contains(part), "{shown} gave {fault}");
    }
}

#[tokio::test]
async fn a_server_that_says_goodbye_ends_the_session_with_its_words() {
    let stage = Stage::new(&[]);
    let app = Router::new().route(
        "/",
        any(|upgrade: WebSocketUpgrade| async move {
            upgrade.on_upgrade(|mut socket: WebSocket| async move {
                while let Some(Ok(Message::Text(text))) = socket.recv().await {
                    let message: Json = serde_json::from_str(&text).unwrap();
                    if message["method"] == "tools/call" {
                        let _ = socket.send(Message::Close(Some(CloseFrame { code: 1012, reason: "restarting".into() }))).await;
                        return;
                    }
                    if let Some(answer) = snake(&message) {
                        let _ = socket.send(Message::Text(answer.to_string().into())).await;
                    }
                }
            })
        }),
    );
    let peer = Web::start(app).await;
    let session = session(&stage, "websocket", json!({ "url": peer.ws_url("/"), "era": "legacy" })).await;
    let fault = call(&*session, "t", json!({})).await.unwrap_err();
    assert!(matches!(fault, ServerFault::ConnectionLost { lost_result: true, .. }), "{fault:?}");
    until("the end is told", async || {
        stage.host.saw(|event| matches!(event, SessionEvent::Ended(fault) if fault.to_string().contains("restarting")))
    })
    .await;
    session.close().await;
}

#[tokio::test]
async fn a_proxy_carries_the_connection_and_is_told_nothing_of_it() {
    let stage = Stage::new(&[]);
    let peer = EchoSocket::start(Echo::new()).await;
    let port = peer.web.port();
    let proxy = Raw::start(move |mut stream, request| async move {
        if request.starts_with("CONNECT peer.test:8766 ") {
            let mut onwards = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            let _ = stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await;
            let _ = copy_bidirectional(&mut stream, &mut onwards).await;
        }
    })
    .await;
    let settings = json!({ "host": "peer.test", "port": 8766, "path": "/ws", "auth_token": "t0ken", "proxy": format!("http://127.0.0.1:{}", proxy.port) });
    let session = session(&stage, "websocket", settings).await;
    assert_eq!(call(&*session, "echo", json!({ "message": "hi" })).await.unwrap().text(), "hi");
    assert!(!proxy.requests.lock().unwrap()[0].contains("t0ken"), "the proxy does not get the server's credentials");
    session.close().await;
}

#[tokio::test]
async fn tls_is_checked_against_the_named_ca() {
    let own = rcgen::generate_simple_self_signed(vec!["127.0.0.1".into()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(own.signing_key.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![own.cert.der().clone()], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let peer = EchoSocket::start(Echo::new()).await;
    let behind = peer.web.port();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                if let Ok(mut stream) = acceptor.accept(stream).await {
                    let mut onwards = TcpStream::connect(("127.0.0.1", behind)).await.unwrap();
                    let _ = copy_bidirectional(&mut stream, &mut onwards).await;
                }
            });
        }
    });
    let unknown = refused("websocket", json!({ "host": "127.0.0.1", "port": port, "path": "/ws", "secure": true })).await;
    assert!(matches!(&unknown, ServerFault::TlsFailed { reason } if reason.contains("tls.ca_file")), "{unknown:?}");
    let dir = tempfile::tempdir().unwrap();
    let ca = dir.path().join("ca.pem");
    std::fs::write(&ca, own.cert.pem()).unwrap();
    let stage = Stage::new(&[]);
    let settings = json!({ "host": "127.0.0.1", "port": port, "path": "/ws", "tls": { "ca_file": ca } });
    let session = session(&stage, "websocket", settings).await;
    assert_eq!(call(&*session, "echo", json!({ "message": "hi" })).await.unwrap().text(), "hi");
    session.close().await;
    let plain = refused("websocket", json!({ "url": format!("wss://127.0.0.1:{behind}/ws") })).await;
    assert!(matches!(&plain, ServerFault::TlsFailed { reason } if reason.contains("does not speak TLS")), "{plain:?}");
}
