//! The fakes, looked at from the wire with nothing but sockets: they must be right before anything is tried against them.

use std::time::Duration;

use crate::echo::{Echo, EchoHttp, EchoSse, HttpKind};
use crate::predecessor::{Behaviour, Predecessor, Variant};
use crate::rest::{Answers, Ending, Rest, Shape};
use crate::web::Web;
use serde_json::{Value as Json, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// One request, the whole answer: status, headers, body (chunks joined).
async fn exchange(web: &Web, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> (u16, String, String) {
    let mut stream = TcpStream::connect(web.addr()).await.unwrap();
    let mut head = format!(
        "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        head += name;
        head += ": ";
        head += value;
        head += "\r\n";
    }
    stream.write_all(format!("{head}\r\n{body}").as_bytes()).await.unwrap();
    let mut all = Vec::new();
    stream.read_to_end(&mut all).await.unwrap();
    let all = String::from_utf8(all).unwrap();
    let (head, mut body) = all.split_once("\r\n\r\n").map(|(head, body)| (head.to_owned(), body.to_owned())).unwrap();
    if head.to_ascii_lowercase().contains("transfer-encoding: chunked") {
        let mut joined = String::new();
        let mut rest = body.as_str();
        while let Some((size, after)) = rest.split_once("\r\n") {
            let size = usize::from_str_radix(size.trim(), 16).unwrap();
            joined += &after[..size];
            rest = after[size..].trim_start_matches("\r\n");
        }
        body = joined;
    }
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head.to_ascii_lowercase(), body)
}

fn rpc(id: u32, method: &str, params: &Json) -> String {
    json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }).to_string()
}

/// An open event stream, read frame by frame.
struct Events(BufReader<TcpStream>);

impl Events {
    async fn open(web: &Web, path: &str) -> Self {
        let mut stream = TcpStream::connect(web.addr()).await.unwrap();
        stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\naccept: text/event-stream\r\n\r\n").as_bytes()).await.unwrap();
        Self(BufReader::new(stream))
    }

    /// The next event's name and data; `None` when the stream has ended.
    async fn next(&mut self) -> Option<(String, String)> {
        let (mut event, mut data) = (String::new(), String::new());
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line).await.unwrap_or(0) == 0 {
                return None;
            }
            if let Some(name) = line.strip_prefix("event: ") {
                name.trim().clone_into(&mut event);
            } else if let Some(text) = line.strip_prefix("data: ") {
                text.trim_end().clone_into(&mut data);
            } else if line == "\n" && !event.is_empty() {
                return Some((event, data));
            }
        }
    }
}

#[tokio::test]
async fn a_session_is_given_at_initialize_and_gone_after_a_restart() {
    let peer = EchoHttp::start(Echo::new(), HttpKind::Plain).await;
    let hello = rpc(
        1,
        "initialize",
        &json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": { "name": "t", "version": "0" } }),
    );
    let (status, head, body) = exchange(&peer.web, "POST", "/mcp", &[], &hello).await;
    assert_eq!(status, 200);
    let session = head.lines().find_map(|line| line.strip_prefix("mcp-session-id: ")).unwrap().to_owned();
    let body: Json = serde_json::from_str(&body).unwrap();
    assert_eq!(body["result"]["protocolVersion"], "2025-06-18", "a revision that is known is agreed on");
    let call = rpc(2, "tools/call", &json!({ "name": "echo", "arguments": { "message": "a \"b\" 中" } }));
    let with = [("mcp-session-id", session.as_str())];
    let (_, _, body) = exchange(&peer.web, "POST", "/mcp", &with, &call).await;
    let body: Json = serde_json::from_str(&body).unwrap();
    assert_eq!(body["result"]["content"][0]["text"], "a \"b\" 中");
    peer.restart().await;
    let (status, _, _) = exchange(&peer.web, "POST", "/mcp", &with, &call).await;
    assert_eq!(status, 404, "sessions do not outlive the server");
    assert_eq!(exchange(&peer.web, "POST", "/mcp", &[], &call).await.0, 400);
}

#[tokio::test]
async fn the_stateless_era_streams_progress_and_hanging_up_cancels() {
    let peer = EchoHttp::start(Echo::new(), HttpKind::Plain).await;
    let meta = json!({ "io.modelcontextprotocol/protocolVersion": "2026-07-28", "progressToken": "p" });
    let with = [("mcp-protocol-version", "2026-07-28"), ("mcp-method", "tools/call"), ("mcp-name", "slow")];
    let slow = rpc(7, "tools/call", &json!({ "name": "slow", "arguments": { "steps": 3, "ms": 1 }, "_meta": meta }));
    let (status, _, body) = exchange(&peer.web, "POST", "/mcp", &with, &slow).await;
    assert_eq!((status, body.matches("notifications/progress").count()), (200, 3));
    assert!(body.contains(r#""resultType":"complete""#), "{body}");
    let (status, _, body) = exchange(&peer.web, "POST", "/mcp", &with[..1], &slow).await;
    assert_eq!(status, 400, "the method header is required: {body}");
    let mut stream = TcpStream::connect(peer.web.addr()).await.unwrap();
    let hold = rpc(8, "tools/call", &json!({ "name": "hold", "arguments": {}, "_meta": meta }));
    let head = format!(
        "POST /mcp HTTP/1.1\r\nhost: x\r\nmcp-protocol-version: 2026-07-28\r\nmcp-method: tools/call\r\nmcp-name: hold\r\ncontent-length: {}\r\n\r\n{hold}",
        hold.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut some = [0; 64];
    stream.read_exact(&mut some).await.unwrap();
    assert_eq!(peer.echo.running(), 1);
    drop(stream);
    while peer.echo.cancelled() == 0 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert_eq!(peer.echo.running(), 0);
}

#[tokio::test]
async fn the_old_event_stream_names_its_address_and_carries_the_answers() {
    let peer = EchoSse::start(Echo::new()).await;
    let mut events = Events::open(&peer.web, "/sse").await;
    let (event, address) = events.next().await.unwrap();
    assert_eq!(event, "endpoint");
    let call = rpc(1, "tools/call", &json!({ "name": "echo", "arguments": { "message": "hi" } }));
    assert_eq!(exchange(&peer.web, "POST", &address, &[], &call).await.0, 202);
    let (_, data) = events.next().await.unwrap();
    assert_eq!(serde_json::from_str::<Json>(&data).unwrap()["result"]["content"][0]["text"], "hi");
    peer.web.cut();
    assert_eq!(events.next().await, None, "a cut reaches a stream that idles");
}

#[tokio::test]
async fn the_first_variant_answers_after_its_event_and_spells_failures_in_python() {
    let peer = Predecessor::start(Variant::V1).await;
    let mut events = Events::open(&peer.web, "/events").await;
    assert_eq!(events.next().await.unwrap().0, "connected");
    let (event, data) = events.next().await.unwrap();
    let tools: Json = serde_json::from_str(&data).unwrap();
    assert_eq!((event.as_str(), tools["tools"].as_array().unwrap().len()), ("tools_list", 12));
    assert!(tools["tools"][0].get("input_schema").is_none(), "the first variant lists without schemas");
    let post = |body: Json| {
        let web = &peer.web;
        async move { exchange(web, "POST", "/tools/call", &[], &body.to_string()).await }
    };
    let (status, head, body) = post(json!({ "id": "a", "name": "k8s-get-pods", "arguments": { "namespace": "all" } })).await;
    assert_eq!(status, 200);
    assert!(head.contains("x-request-id"), "{head}");
    assert_eq!(serde_json::from_str::<Json>(&body).unwrap()["status"], "success");
    assert_eq!(events.next().await.unwrap().0, "tool_start");
    let (event, data) = events.next().await.unwrap();
    assert_eq!(event, "tool_complete");
    let done: Json = serde_json::from_str(&data).unwrap();
    let pods: Json = serde_json::from_str(done["result"]["content"][0]["text"].as_str().unwrap()).unwrap();
    assert_eq!(pods["summary"]["total_pods"], 4);
    let (status, _, body) = post(json!({ "id": "b", "name": "k8s-get-logs", "arguments": {} })).await;
    assert_eq!(status, 500);
    let detail = serde_json::from_str::<Json>(&body).unwrap()["detail"].as_str().unwrap().to_owned();
    assert!(detail.starts_with("[{'type': 'text', 'text': '{\\n"), "{detail}");
    let (status, _, body) = post(json!({ "id": 7, "arguments": null })).await;
    assert_eq!(status, 422);
    assert_eq!(serde_json::from_str::<Json>(&body).unwrap()["detail"].as_array().unwrap().len(), 3);
    assert_eq!(exchange(&peer.web, "POST", "/tools/refresh", &[], "").await.0, 404);
    assert_eq!(exchange(&peer.web, "GET", "/tools/call", &[], "").await.0, 405);
    assert_eq!(exchange(&peer.web, "GET", "/metrics", &[], "").await.0, 503);
}

#[tokio::test]
async fn the_second_variant_accepts_first_and_beats_when_idle() {
    let peer = Predecessor::with_heartbeat(Variant::V2, Duration::from_millis(50)).await;
    let mut events = Events::open(&peer.web, "/events").await;
    events.next().await.unwrap();
    let (_, data) = events.next().await.unwrap();
    assert_eq!(serde_json::from_str::<Json>(&data).unwrap()["tools"][0]["input_schema"]["type"], "object");
    assert_eq!(events.next().await.unwrap().0, "heartbeat");
    peer.tell("k8s-get-nodes", Behaviour::Crash("it fell over".into()));
    let (status, _, body) = exchange(&peer.web, "POST", "/tools/call", &[], r#"{"id":"x","name":"k8s-get-nodes","arguments":{}}"#).await;
    assert_eq!((status, serde_json::from_str::<Json>(&body).unwrap()["status"].as_str()), (200, Some("accepted")));
    let mut seen = Vec::new();
    while seen.last().is_none_or(|(event, _): &(String, String)| event != "tool_error") {
        seen.push(events.next().await.unwrap());
    }
    assert_eq!(serde_json::from_str::<Json>(&seen.last().unwrap().1).unwrap()["error"], "it fell over");
    peer.add_tool("k8s-new");
    while events.next().await.unwrap().0 != "tools_updated" {}
    peer.restart().await;
    while events.next().await.is_some() {}
}

#[tokio::test]
async fn the_rest_peer_has_three_list_shapes_and_four_stream_endings() {
    for (shape, pointer) in
        [(Shape::Array, "/0/inputSchema"), (Shape::Tools, "/tools/0/input_schema"), (Shape::Result, "/result/tools/0/parameters")]
    {
        let peer = Rest::under("/api/v1", shape, Answers::Json).await;
        let (_, _, body) = exchange(&peer.web, "GET", "/api/v1/tools", &[], "").await;
        assert!(serde_json::from_str::<Json>(&body).unwrap().pointer(pointer).is_some(), "{shape:?}");
        let (status, _, body) =
            exchange(&peer.web, "POST", "/api/v1/tools/odd%20name%2F%C3%BC%3F/call", &[], r#"{"arguments":{"message":"m"}}"#).await;
        assert_eq!(status, 200, "{body}");
        assert_eq!(exchange(&peer.web, "GET", "/tools", &[], "").await.0, 404, "the prefix is part of the address");
    }
    for (ending, last) in [
        (Ending::ToolComplete, "event: tool_complete"),
        (Ending::Result, "event: result"),
        (Ending::Done, "event: done"),
        (Ending::Eof, "data: done after 2 steps"),
    ] {
        let peer = Rest::start(Shape::Array, Answers::Stream(ending)).await;
        let (_, head, body) =
            exchange(&peer.web, "POST", "/tools/slow/call", &[("accept", "text/event-stream")], r#"{"arguments":{"steps":2,"ms":1}}"#)
                .await;
        assert!(head.contains("content-type: text/event-stream"), "{head}");
        assert!(body.contains("step 1 of 2") && body.contains(last), "{ending:?}: {body}");
    }
}
