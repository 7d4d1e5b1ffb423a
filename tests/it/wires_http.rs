//! `http`: the REST form, its fallback, OpenAPI, and servers that misbehave.

use std::time::{Duration, Instant};

use domain::Json;
use domain::fault::{Phase, ServerFault};
use serde_json::json;
use testkit::openapi::Notes;
use testkit::predecessor::{Predecessor, Variant};
use testkit::rest::{Answers, Rest, Shape};
use testkit::stage::Stage;
use testkit::web::{Seen, Web, guarded};

use crate::wires::{Raw, call, page, refused, session};

const LIST: &str = r#"[{"name":"t","inputSchema":{"type":"object"}}]"#;

/// A server whose list is fine, and whose calls are answered with these bytes.
async fn answering(call: Vec<u8>) -> Raw {
    Raw::start(move |mut stream, request| {
        let call = call.clone();
        async move {
            use tokio::io::AsyncWriteExt as _;
            let bytes = if request.starts_with("GET /tools") { page("200 OK", "Content-Type: application/json\r\n", LIST) } else { call };
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
        }
    })
    .await
}

#[tokio::test]
async fn credentials_go_with_every_request_and_the_base_path_stays() {
    let stage = Stage::new(&[]);
    let peer = Rest::under("/api/v1", Shape::Tools, Answers::Json).await;
    let session = session(
        &stage,
        "http",
        json!({ "base_url": format!("{}/", peer.base_url()), "auth_token": "t0ken", "auth_headers": { "X-API-Key": "k3y" } }),
    )
    .await;
    assert_eq!(session.facts().revision, "rest");
    session.tools().await.unwrap();
    session.tools().await.unwrap();
    session.health().await.unwrap();
    let odd = call(&*session, "odd name/ü?", json!({ "message": "hi" })).await.unwrap();
    assert_eq!(odd.text(), "hi");
    let seen = peer.seen.all();
    assert!(seen.len() >= 4);
    for request in &seen {
        assert_eq!(request.headers["authorization"], "Bearer t0ken", "{}", request.target);
        assert_eq!(request.headers["x-api-key"], "k3y", "{}", request.target);
        assert!(request.target.starts_with("/api/v1/"), "{}", request.target);
    }
    assert_eq!(peer.seen.count("POST", "/api/v1/tools/odd%20name%2F%C3%BC%3F/call"), 1);
    assert_eq!(peer.web.accepted(), 1, "one connection carried it all");
    session.close().await;
}

#[tokio::test]
async fn wanted_and_refused_credentials_are_told_apart() {
    let seen = Seen::default();
    let app = axum::Router::new().fallback(|| async { "[]" });
    let peer = Web::start(seen.over(guarded(app, "authorization", "Bearer right"))).await;
    assert_eq!(refused("http", json!({ "base_url": peer.url("") })).await, ServerFault::AuthRequired { scheme: "Bearer".into() });
    let wrong = refused("http", json!({ "base_url": peer.url(""), "auth_token": "wrong" })).await;
    assert!(matches!(wrong, ServerFault::AuthFailed { .. }), "{wrong:?}");
    assert_eq!(seen.count("GET", "/"), 2, "nobody tries again and again");
    let stage = Stage::new(&[]);
    session(&stage, "http", json!({ "base_url": peer.url(""), "auth_token": "right" })).await.close().await;
}

#[tokio::test]
async fn a_server_without_addresses_for_its_tools_is_called_over_its_events() {
    for variant in [Variant::V1, Variant::V2] {
        let stage = Stage::new(&[]);
        let peer = Predecessor::start(variant).await;
        let session = session(&stage, "http", json!({ "base_url": peer.web.url("") })).await;
        let names: Vec<_> = session.tools().await.unwrap().tools.iter().map(|tool| tool.name.as_str().to_owned()).collect();
        assert!(names.contains(&"k8s-get-pods".to_owned()), "{names:?}");
        for _ in 0..3 {
            let pods = call(&*session, "k8s-get-pods", json!({})).await.unwrap();
            assert!(!pods.is_error && pods.structured_content.is_some(), "{pods:?}");
        }
        assert_eq!(peer.seen.count("POST", "/tools/k8s-get-pods/call"), 1, "the other way is taken at once from then on");
        assert_eq!(peer.calls().len(), 3, "each call was posted once");
        assert_eq!(peer.seen.count("GET", "/events"), 1);
        peer.drop_streams();
        testkit::contract::until("the stream is found broken and opened again", async || {
            call(&*session, "k8s-get-pods", json!({})).await.is_ok()
        })
        .await;
        session.close().await;
    }
}

#[tokio::test]
async fn a_list_that_cannot_be_read_is_a_reason_and_not_an_empty_list() {
    for (body, media, code) in [
        ("<html><h1>Log in</h1></html>", "text/html", "protocol_violation"),
        ("", "application/json", "protocol_violation"),
        ("{\"tools\": {}}", "application/json", "protocol_violation"),
        ("{\"tools\": [", "application/json", "invalid_json"),
        ("7", "application/json", "protocol_violation"),
    ] {
        let stage = Stage::new(&[]);
        let peer = Raw::saying(page("200 OK", &format!("Content-Type: {media}\r\n"), body)).await;
        let session = session(&stage, "http", json!({ "base_url": peer.url("") })).await;
        for _ in 0..2 {
            let fault = session.tools().await.unwrap_err();
            assert_eq!(fault.code(), code, "{body} gave {fault:?}");
        }
        assert_eq!(peer.count("GET /tools"), 2, "the second question is put anew");
        session.close().await;
    }
    let stage = Stage::new(&[]);
    let huge = format!("[{}]", vec![r#"{"name":"x","description":"0123456789012345678901234567890123456789"}"#; 300_000].join(","));
    let peer = Raw::saying(page("200 OK", "Content-Type: application/json\r\n", huge)).await;
    let session = session(&stage, "http", json!({ "base_url": peer.url("") })).await;
    assert_eq!(session.tools().await, Err(ServerFault::MessageTooLarge { limit: 16 * 1024 * 1024 }));
    let nothing = Raw::saying(page("404 Not Found", "", "{}")).await;
    let session = crate::wires::session(&stage, "http", json!({ "base_url": nothing.url("") })).await;
    let fault = session.tools().await.unwrap_err();
    assert!(fault.to_string().contains("/tools") && fault.to_string().contains("/openapi.json"), "{fault}");
}

#[tokio::test]
async fn health_has_its_own_patience_and_blocks_nobody() {
    let stage = Stage::new(&[]);
    let peer = Raw::start(|mut stream, request| async move {
        use tokio::io::AsyncWriteExt as _;
        if request.starts_with("GET /health") {
            std::future::pending::<()>().await;
        }
        let body = if request.starts_with("GET /tools") { LIST } else { r#"{"content":[{"type":"text","text":"done"}]}"# };
        let _ = stream.write_all(&page("200 OK", "Content-Type: application/json\r\n", body)).await;
    })
    .await;
    let session = session(&stage, "http", json!({ "base_url": peer.url("") })).await;
    let began = Instant::now();
    let (health, calls) = tokio::join!(session.health(), async {
        for _ in 0..5 {
            assert_eq!(call(&*session, "t", json!({})).await.unwrap().text(), "done");
        }
        began.elapsed()
    });
    assert_eq!(health, Err(ServerFault::Timeout { phase: Phase::Health, after: Duration::from_secs(3) }));
    assert!(calls < began.elapsed(), "the calls did not wait for it");
    let sick = Rest::start(Shape::Array, Answers::Json).await;
    let session = crate::wires::session(&stage, "http", json!({ "base_url": sick.base_url() })).await;
    assert_eq!(session.health().await, Ok(()));
    sick.set_healthy(false);
    assert!(matches!(session.health().await, Err(ServerFault::HttpStatus { status: 503, .. })));
}

#[tokio::test]
async fn answers_of_every_bad_kind_become_faults_that_say_so() {
    let json = "Content-Type: application/json\r\n";
    for (answer, code, part) in [
        (page("200 OK", "Content-Type: text/html\r\n", "<h1>Log in</h1>"), "protocol_violation", "<h1>Log in</h1>"),
        (page("200 OK", json, ""), "protocol_violation", "empty"),
        (page("204 No Content", "", ""), "protocol_violation", "empty"),
        (page("206 Partial Content", json, "{}"), "protocol_violation", "206"),
        (page("200 OK", json, "{\"a\": \u{1}}"), "invalid_json", ""),
        (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{}".to_vec(), "protocol_violation", "99"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n".to_vec(), "protocol_violation", ""),
        (page("200 OK", "Content-Encoding: gzip\r\n", "{\"no\": \"gzip\"}"), "protocol_violation", ""),
        (page("200 OK", "Content-Encoding: gzip, gzip\r\n", "{}"), "protocol_violation", "twice"),
        (page("500 Internal Server Error", "Content-Type: text/plain\r\n", "it\r\nbroke"), "http_status", "it broke"),
        (page("429 Too Many Requests", "Retry-After: 1000000000\r\n", ""), "rate_limited", "300 s"),
        (page("403 Forbidden", "", "not you"), "auth_failed", "not you"),
        (
            page("422 Unprocessable Entity", json, r#"{"detail":[{"loc":["body","arguments","x"],"msg":"missing"}]}"#),
            "schema_invalid",
            "arguments.x",
        ),
        (page("302 Found", "Location: http://evil.test/\r\n", ""), "redirect_refused", "evil.test"),
        (page("307 Temporary Redirect", "Location: file:///etc/passwd\r\n", ""), "redirect_refused", "file"),
        ([&b"HTTP/1.1 200 OK\r\nX: "[..], &vec![b'x'; 1 << 20], b"\r\n\r\n"].concat(), "resource_limit", "header"),
    ] {
        let stage = Stage::new(&[]);
        let peer = answering(answer.clone()).await;
        let session = session(&stage, "http", json!({ "base_url": peer.url("") })).await;
        let fault = call(&*session, "t", json!({})).await.unwrap_err();
        let shown: String = String::from_utf8_lossy(&answer).chars().take(60).collect();
        assert_eq!(fault.code(), code, "{shown} gave {fault:?}");
        assert!(fault.to_string().contains(part), "{shown} gave {fault}");
        assert_eq!(peer.count("POST"), 1, "{shown}: posted once");
        session.close().await;
    }
}

#[tokio::test]
async fn a_call_whose_answer_is_lost_is_not_made_again() {
    let stage = Stage::new(&[]);
    let peer = answering(Vec::new()).await;
    let session = session(&stage, "http", json!({ "base_url": peer.url("") })).await;
    let fault = call(&*session, "t", json!({})).await.unwrap_err();
    assert_eq!(fault.code(), "result_lost", "{fault:?}");
    assert_eq!(peer.count("POST"), 1);
}

#[tokio::test]
async fn custom_credentials_do_not_follow_a_redirect() {
    let stage = Stage::new(&[]);
    let canary = Raw::saying(page("200 OK", "", "{}")).await;
    let peer = answering(page("307 Temporary Redirect", &format!("Location: {}\r\n", canary.url("/x")), "")).await;
    let session = session(&stage, "http", json!({ "base_url": peer.url(""), "auth_headers": { "X-API-Key": "k3y" } })).await;
    let fault = call(&*session, "t", json!({})).await.unwrap_err();
    assert!(matches!(fault, ServerFault::RedirectRefused { .. }), "{fault:?}");
    assert_eq!(canary.requests.lock().unwrap().len(), 0, "nothing went there");
}

#[tokio::test]
async fn a_server_that_trickles_its_headers_ends_the_connect_and_not_the_program() {
    let peer = Raw::start(|mut stream, _| async move {
        use tokio::io::AsyncWriteExt as _;
        for byte in b"HTTP/1.1 200 OK\r\n".iter().chain(std::iter::repeat(&b'x')) {
            if stream.write_all(&[*byte]).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    let fault = refused("http", json!({ "base_url": peer.url(""), "start_timeout": 0.5 })).await;
    assert_eq!(fault, ServerFault::Timeout { phase: Phase::Handshake, after: Duration::from_millis(500) });
}

#[tokio::test]
async fn a_proxy_carries_what_is_not_this_machine() {
    let stage = Stage::new(&[]);
    let proxy = answering(page("200 OK", "Content-Type: application/json\r\n", r#"{"content":"through the proxy"}"#)).await;
    // A proxy is asked for whole addresses.
    let through = Raw::start(move |mut stream, request| async move {
        use tokio::io::AsyncWriteExt as _;
        let body = if request.starts_with("GET http://peer.test/tools ") { LIST } else { r#"{"content":"through the proxy"}"# };
        let _ = stream.write_all(&page("200 OK", "Content-Type: application/json\r\n", body)).await;
    })
    .await;
    let settings = json!({ "base_url": "http://peer.test", "proxy": format!("http://u:hunter2@127.0.0.1:{}", through.port) });
    let session = session(&stage, "http", settings).await;
    assert_eq!(call(&*session, "t", json!({})).await.unwrap().text(), "through the proxy");
    assert_eq!(through.count("POST http://peer.test/tools/t/call"), 1);
    assert!(through.requests.lock().unwrap()[0].to_lowercase().contains("proxy-authorization: basic"), "with its credentials");
    let direct =
        crate::wires::session(&stage, "http", json!({ "base_url": proxy.url(""), "proxy": format!("http://127.0.0.1:{}", through.port) }))
            .await;
    assert!(call(&*direct, "t", json!({})).await.is_ok());
    assert_eq!(proxy.count("POST /tools/t/call"), 1, "this machine is reached directly");
}

#[tokio::test]
async fn each_operation_of_a_described_service_is_a_tool() {
    let stage = Stage::new(&[]);
    let peer = Notes::start().await;
    let session = session(&stage, "http", json!({ "base_url": peer.web.url(""), "auth_headers": { "X-API-Key": "k3y" } })).await;
    assert_eq!(session.facts().revision, "openapi");
    session.health().await.unwrap();
    let tools = session.tools().await.unwrap();
    let of = |name: &str| tools.tools.iter().find(|tool| tool.name.as_str() == name).unwrap_or_else(|| panic!("{name} in {tools:?}"));
    assert_eq!(of("readNote").annotations.read_only_hint, Some(true));
    assert_eq!(of("removeNote").annotations.destructive_hint, Some(true));
    assert_eq!(of("replaceNote").annotations.idempotent_hint, Some(true));

    let read = call(&*session, "readNote", json!({ "id": "a b/ü" })).await.unwrap();
    assert_eq!(read.structured_content.unwrap()["title"], "An odd id", "an odd id stays one segment");
    let made = call(&*session, "createNote", json!({ "body": { "id": "new", "title": "T" } })).await.unwrap();
    assert!(!made.is_error, "{made:?}");
    assert_eq!(peer.note("new").unwrap()["title"], "T");
    let gone = call(&*session, "removeNote", json!({ "id": "new" })).await.unwrap();
    assert!(!gone.is_error && gone.text().contains("204"), "{gone:?}");
    let missing = call(&*session, "readNote", json!({ "id": "new" })).await.unwrap();
    assert!(missing.is_error && missing.text().starts_with("HTTP 404"), "{missing:?}");
    assert_eq!(missing.structured_content.unwrap()["status"], 404);
    let motto = call(&*session, "get_motto", json!({})).await.unwrap();
    assert_eq!(motto.text(), "Write it down.");

    let before = peer.seen.all().len();
    for id in ["../admin", "..", "a\r\nX: y", "", "x/../../y"] {
        let fault = call(&*session, "readNote", json!({ "id": id })).await.unwrap_err();
        assert!(matches!(fault, ServerFault::SchemaInvalid { .. }), "{id:?} gave {fault:?}");
    }
    assert!(matches!(call(&*session, "readNote", json!({ "id": "x".repeat(2_000_000) })).await, Err(ServerFault::SchemaInvalid { .. })));
    assert_eq!(peer.seen.all().len(), before, "none of these left this machine");
    assert!(
        peer.seen.all().iter().all(|request| request.headers.get("x-api-key").is_some_and(|key| key == "k3y")),
        "credentials go with every request"
    );
    assert!(matches!(call(&*session, "noSuch", json!({})).await, Err(ServerFault::NoSuch { .. })));
    session.close().await;
    assert!(call(&*session, "get_motto", json!({})).await.is_err(), "a closed session calls nobody");
}

#[tokio::test]
async fn a_document_elsewhere_gets_no_credentials_and_sends_them_nowhere() {
    let stage = Stage::new(&[]);
    let service = Raw::saying(page("200 OK", "Content-Type: application/json\r\n", r#"{"ok":true}"#)).await;
    let evil = Raw::saying(page("200 OK", "", "{}")).await;
    let describing = |server: String| {
        let body: Json =
            json!({ "openapi": "3.0.0", "info": {}, "servers": [{ "url": server }], "paths": { "/x": { "get": { "operationId": "x" } } } });
        Raw::saying(page("200 OK", "Content-Type: application/json\r\n", body.to_string()))
    };
    let document = describing(evil.url("/")).await;
    let settings = json!({ "openapi_url": document.url("/d.json"), "base_url": service.url(""), "auth_headers": { "X-API-Key": "k3y" } });
    let session = session(&stage, "http", settings).await;
    assert_eq!(call(&*session, "x", json!({})).await.unwrap().structured_content, Some(json!({ "ok": true })));
    assert!(!document.requests.lock().unwrap()[0].to_lowercase().contains("k3y"), "another origin gets no credentials");
    assert!(service.requests.lock().unwrap()[0].to_lowercase().contains("x-api-key: k3y"));
    assert_eq!(evil.requests.lock().unwrap().len(), 0);
    let alone = refused("http", json!({ "openapi_url": document.url("/d.json") })).await;
    assert!(matches!(alone, ServerFault::AddressRefused { .. }), "{alone:?}");
    let old = Raw::saying(page("200 OK", "Content-Type: application/json\r\n", r#"{"swagger":"2.0","paths":{}}"#)).await;
    let fault = refused("http", json!({ "openapi_url": old.url("/d.json") })).await;
    assert!(fault.to_string().contains("Swagger 2.0"), "{fault}");
}
