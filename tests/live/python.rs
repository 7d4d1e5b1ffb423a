//! Servers on the Python SDKs: mcp-server-time in the stateless era, fastmcp over three transports.

use domain::protocol::CallIo;
use serde_json::json;

use crate::line::{Line, recovers, within};
use crate::peers::{Peer, Spec, installed, script};

#[tokio::test(flavor = "multi_thread")]
async fn the_time_server_is_spoken_to_in_the_stateless_era_and_in_the_old_one() {
    let command = installed("venv/bin/mcp-server-time");
    for (era, revision) in [("auto", "2026-07-28"), ("modern", "2026-07-28"), ("legacy", "2025-11-25")] {
        let line = Line::to("subprocess", json!({ "command": command, "era": era })).await;
        assert_eq!(line.session.facts().revision, revision, "era {era}");
        line.lists(&["get_current_time", "convert_time"]).await;
        let now = line.call("get_current_time", json!({ "timezone": "Asia/Shanghai" })).await;
        assert!(now.text().contains("+08:00"), "{now:?}");
        let wrong = line.try_call("get_current_time", json!({ "timezone": "Nowhere/Land" }), CallIo::quiet()).await.unwrap();
        assert!(wrong.is_error, "{wrong:?}");
        line.close().await;
    }
}

async fn fast(line: Line, revision: &str) {
    assert_eq!(line.session.facts().revision, revision);
    line.lists(&["add", "count", "fall"]).await;
    let sum = line.call("add", json!({ "a": 40, "b": 2 })).await;
    assert_eq!(sum.text(), "42");
    assert_eq!(sum.structured_content, Some(json!({ "result": 42 })), "the structured result is kept");
    let (counted, told) = line.watch("count", json!({ "upto": 3 })).await;
    assert_eq!(counted.text(), "counted to 3");
    assert_eq!(told, [1.0, 2.0, 3.0], "each step is told");
    let failed = line.try_call("fall", json!({}), CallIo::quiet()).await.unwrap();
    assert!(failed.is_error && failed.text().contains("the floor was wet"), "{failed:?}");
    let resources = line.session.as_resources().expect("it has resources");
    let read = within("reading", resources.read("live://greeting")).await.unwrap();
    assert_eq!(read[0]["text"], "hello from fastmcp");
    let prompts = line.session.as_prompts().expect("it has prompts");
    let args = json!({ "topic": "rain" }).as_object().unwrap().clone();
    let haiku = within("a prompt", prompts.get("haiku", args)).await.unwrap();
    assert!(haiku.to_string().contains("about rain"), "{haiku}");
    line.close().await;
}

async fn served(transport: &str) -> Peer {
    Spec::new(installed("venv/bin/python"), &[&script("fastmcp_server.py"), transport, "{port}"]).start().await
}

#[tokio::test(flavor = "multi_thread")]
async fn fastmcp_over_stdio() {
    let settings = json!({ "command": installed("venv/bin/python"), "args": [script("fastmcp_server.py"), "stdio"] });
    fast(Line::to("subprocess", settings).await, "2026-07-28").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fastmcp_over_streamable_http_in_both_eras() {
    let peer = served("http").await;
    fast(Line::to("stream_http", json!({ "url": peer.url("/mcp") })).await, "2026-07-28").await;
    fast(Line::to("stream_http", json!({ "url": peer.url("/mcp"), "era": "legacy" })).await, "2025-11-25").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fastmcp_over_sse() {
    let mut peer = served("sse").await;
    let settings = json!({ "url": peer.url("/sse") });
    let line = Line::to("sse", settings.clone()).await;
    let revision = line.session.facts().revision;
    fast(line, &revision).await;
    let line = Line::to("sse", settings.clone()).await;
    peer.restart().await;
    recovers(&line, "sse", &settings, "add", &json!({ "a": 1, "b": 2 }), "3").await;
    line.close().await;
}
