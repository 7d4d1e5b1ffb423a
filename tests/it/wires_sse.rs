//! `sse`: both of its dialects, and servers that misbehave.

use std::sync::Arc;
use std::time::Duration;

use domain::fault::{Phase, ServerFault};
use domain::protocol::{Session, SessionEvent};
use serde_json::json;
use testkit::contract::until;
use testkit::echo::{Echo, EchoSse};
use testkit::predecessor::{Behaviour, Predecessor, Variant};
use testkit::stage::Stage;
use tokio::io::AsyncWriteExt as _;

use crate::wires::{Raw, call, page, refused, session};

async fn line(stage: &Stage, peer: &Predecessor) -> Arc<dyn Session> {
    session(stage, "sse", json!({ "host": "127.0.0.1", "port": peer.web.port() })).await
}

fn result_lost(fault: &ServerFault) -> bool {
    matches!(fault, ServerFault::ConnectionLost { lost_result: true, .. })
}

#[tokio::test]
async fn the_first_event_decides_which_of_the_two_it_is() {
    let stage = Stage::new(&[]);
    for (variant, revision) in [(Variant::V1, "dingbot-v1"), (Variant::V2, "dingbot-v2")] {
        let peer = Predecessor::start(variant).await;
        let session = line(&stage, &peer).await;
        assert_eq!((session.facts().revision.as_str(), session.facts().name.as_str()), (revision, "K8s MCP Server"));
        let tools = session.tools().await.unwrap();
        let logs = tools.tools.iter().find(|tool| tool.name.as_str() == "k8s-get-logs").unwrap();
        assert!(logs.input_schema["properties"].is_object(), "the schema that the stream left out comes from /tools: {logs:?}");
        session.close().await;
    }
    let standard = EchoSse::start(Echo::new()).await;
    let session = session(&stage, "sse", json!({ "url": standard.url() })).await;
    assert!(session.facts().revision.starts_with("202"), "{:?}", session.facts());
    session.close().await;
}

#[tokio::test]
async fn what_is_no_event_stream_of_either_kind_is_shown() {
    let stream = |body: &str| page("200 OK", "Content-Type: text/event-stream\r\n", body);
    for (answer, code, part) in [
        (page("200 OK", "Content-Type: text/html\r\n", "<h1>Log in</h1>"), "protocol_violation", "<h1>Log in</h1>"),
        (page("404 Not Found", "", "nothing here"), "http_status", "nothing here"),
        (page("401 Unauthorized", "WWW-Authenticate: Basic realm=\"x\"\r\n", ""), "auth_required", "Basic"),
        (page("302 Found", "Location: https://evil.test/sse\r\n", ""), "redirect_refused", "evil.test"),
        (stream("event: hello\ndata: {}\n\n"), "protocol_violation", "hello"),
        (stream(": nothing but comments\n\n"), "connection_lost", "first event"),
        (stream("event: endpoint\ndata: https://evil.test/m\n\n"), "redirect_refused", "evil.test"),
        (stream("event: endpoint\ndata: //evil.test/m\n\n"), "redirect_refused", "evil.test"),
        (stream("event: endpoint\ndata: javascript:alert(1)\n\n"), "redirect_refused", "origin"),
        (stream("event: endpoint\ndata:\n\n"), "redirect_refused", "no address"),
    ] {
        let peer = Raw::saying(answer.clone()).await;
        let fault = refused("sse", json!({ "url": peer.url("/sse"), "auth_headers": {} })).await;
        assert_eq!(fault.code(), code, "{} gave {fault:?}", String::from_utf8_lossy(&answer));
        assert!(fault.to_string().contains(part), "{fault}");
        assert_eq!(peer.requests.lock().unwrap().len(), 1, "nothing was posted anywhere");
    }
    let silent = Raw::start(|mut stream, _| async move {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n").await;
        std::future::pending::<()>().await;
    })
    .await;
    let fault = refused("sse", json!({ "url": silent.url("/sse"), "start_timeout": 0.3 })).await;
    assert_eq!(fault, ServerFault::Timeout { phase: Phase::Handshake, after: Duration::from_millis(300) });
}

#[tokio::test]
async fn results_of_others_are_neither_taken_nor_shown() {
    let stage = Stage::new(&[]);
    stage.host.want_frames();
    let peer = Predecessor::start(Variant::V2).await;
    let session = line(&stage, &peer).await;
    peer.tell("k8s-get-nodes", Behaviour::Hold);
    let running = {
        let session = Arc::clone(&session);
        tokio::spawn(async move { call(&*session, "k8s-get-nodes", json!({})).await })
    };
    until("the call runs", async || peer.running() == 1).await;
    for id in ["someone-else", "", "3"] {
        let words = "another's secret";
        peer.broadcast("tool_start", &json!({ "id": id, "tool": "k8s-get-nodes", "arguments": { "token": words } }));
        peer.broadcast(
            "tool_complete",
            &json!({ "id": id, "tool": "k8s-get-nodes", "result": { "content": [{ "type": "text", "text": words }] } }),
        );
        peer.broadcast("tool_error", &json!({ "id": id, "error": words }));
    }
    peer.release();
    let mine = running.await.unwrap().unwrap();
    assert!(mine.text().contains("node-1") && !mine.text().contains("secret"), "{mine:?}");
    let frames = stage.host.frames.lock().unwrap().clone();
    assert!(frames.iter().all(|frame| !frame.text.contains("another's secret")), "the wire log is not for other people's data");
    assert!(frames.iter().any(|frame| frame.text.contains("another client")), "but it says that there was something");
    session.close().await;
}

#[tokio::test]
async fn a_result_that_cannot_come_any_more_is_lost_and_the_call_is_not_made_again() {
    for variant in [Variant::V1, Variant::V2] {
        for (behaviour, ends) in [(Behaviour::DropStream, true), (Behaviour::Silent, false)] {
            if variant == Variant::V2 && !ends {
                // There the answer says nothing of the end: only the caller's patience ends the wait.
                continue;
            }
            let stage = Stage::new(&[]);
            let peer = Predecessor::start(variant).await;
            let session = line(&stage, &peer).await;
            peer.tell("k8s-get-nodes", behaviour.clone());
            let fault = call(&*session, "k8s-get-nodes", json!({})).await.unwrap_err();
            assert!(result_lost(&fault), "{variant:?} {behaviour:?} gave {fault:?}");
            assert_eq!(peer.calls().len(), 1, "{variant:?} {behaviour:?}: posted once");
            let ended = || stage.host.saw(|event| matches!(event, SessionEvent::Ended(_)));
            assert_eq!(ended(), ends, "{variant:?} {behaviour:?}");
            if ends {
                assert!(session.health().await.is_err(), "a broken stream is not well");
                assert!(matches!(
                    call(&*session, "k8s-get-pods", json!({})).await,
                    Err(ServerFault::ConnectionLost { lost_result: false, .. })
                ));
                assert_eq!(peer.calls().len(), 1, "a session that ended posts nothing");
            }
            session.close().await;
        }
    }
}

#[tokio::test]
async fn a_tools_own_failure_is_told_in_its_words() {
    for variant in [Variant::V1, Variant::V2] {
        let stage = Stage::new(&[]);
        let peer = Predecessor::start(variant).await;
        let session = line(&stage, &peer).await;
        for (behaviour, words) in [
            (Behaviour::Fail("it's \"gone\", 读\n\\".into()), "it's \"gone\", 读\n\\"),
            (Behaviour::Crash("TypeError: plain words".into()), "TypeError: plain words"),
        ] {
            peer.tell("k8s-get-nodes", behaviour);
            let result = call(&*session, "k8s-get-nodes", json!({})).await.unwrap();
            assert!(result.is_error, "{result:?}");
            assert_eq!(result.text(), words, "{variant:?}");
        }
        session.close().await;
    }
}

#[tokio::test]
async fn a_changed_list_is_told_and_read_anew() {
    let stage = Stage::new(&[]);
    let peer = Predecessor::start(Variant::V2).await;
    let session = line(&stage, &peer).await;
    let before = session.tools().await.unwrap().tools.len();
    peer.add_tool("k8s-came-later");
    until("the change is told", async || stage.host.saw(|event| *event == SessionEvent::ToolsChanged)).await;
    assert_eq!(session.tools().await.unwrap().tools.len(), before + 1);
    session.close().await;
}

#[tokio::test]
async fn an_event_over_the_limit_fails_its_call_and_the_session_goes_on() {
    let stage = Stage::new(&[]);
    let peer = Predecessor::start(Variant::V2).await;
    let session = line(&stage, &peer).await;
    peer.tell("k8s-get-services", Behaviour::Big(17 * 1024 * 1024));
    let fault = call(&*session, "k8s-get-services", json!({})).await.unwrap_err();
    assert_eq!(fault, ServerFault::MessageTooLarge { limit: 16 * 1024 * 1024 });
    assert!(call(&*session, "k8s-get-pods", json!({})).await.is_ok(), "the next event is read");
    for junk in ["no json", "[1", ""] {
        peer.broadcast("tool_complete", &json!(junk));
    }
    assert!(call(&*session, "k8s-get-pods", json!({})).await.is_ok());
    session.close().await;
}

#[tokio::test]
async fn a_refused_post_says_why_and_credentials_go_with_every_request() {
    let stage = Stage::new(&[]);
    let peer = Predecessor::start(Variant::V1).await;
    let session = session(
        &stage,
        "sse",
        json!({ "host": "127.0.0.1", "port": peer.web.port(), "path": "/events", "auth_type": "basic", "username": "u", "password": "p" }),
    )
    .await;
    session.tools().await.unwrap();
    call(&*session, "k8s-get-pods", json!({})).await.unwrap();
    let unknown = call(&*session, "no-such-tool", json!({})).await.unwrap();
    assert!(unknown.is_error, "{unknown:?}");
    let seen = peer.seen.all();
    assert!(seen.len() >= 4);
    assert!(seen.iter().all(|request| request.headers["authorization"] == "Basic dTpw"), "the stream, the list and the calls");
    session.close().await;
    until("the stream is closed", async || peer.subscribers() == 0).await;
}

#[tokio::test]
async fn a_standard_session_that_the_server_forgot_is_lost() {
    let stage = Stage::new(&[]);
    let peer = EchoSse::start(Echo::new()).await;
    let session = session(&stage, "sse", json!({ "url": peer.url() })).await;
    assert!(call(&*session, "echo", json!({ "message": "hi" })).await.is_ok());
    peer.web.cut();
    until("the session ended", async || stage.host.saw(|event| matches!(event, SessionEvent::Ended(_)))).await;
    let fault = call(&*session, "echo", json!({ "message": "hi" })).await.unwrap_err();
    assert!(fault.ends_session(), "{fault:?}");
    session.close().await;
}
