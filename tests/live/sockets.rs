//! WebSocket: the Python SDK 1.30 and supergateway as servers, the TypeScript SDK 1.x as a client of our own test server.

use domain::protocol::CallIo;
use serde_json::json;
use testkit::echo::{Echo, EchoSocket};

use crate::line::{Line, recovers, within};
use crate::peers::{Spec, dir, installed, node, npm, script};

#[tokio::test(flavor = "multi_thread")]
async fn the_python_sdks_websocket_server_answers_and_survives_a_restart() {
    let mut peer = Spec::new(installed("venv-ws/bin/python"), &[&script("ws_server.py"), "{port}"]).start().await;
    let settings = json!({ "url": peer.ws_url("/ws") });
    let line = Line::to("websocket", settings.clone()).await;
    line.lists(&["shout"]).await;
    assert_eq!(line.call("shout", json!({ "words": "straße" })).await.text(), "STRASSE");
    let wrong = line.try_call("shout", json!({ "words": 7 }), CallIo::quiet()).await;
    assert!(wrong.as_ref().is_ok_and(|result| result.is_error) || wrong.is_err(), "{wrong:?}");
    assert!(within("health", line.session.health()).await.is_ok(), "ping is answered");
    peer.restart().await;
    recovers(&line, "websocket", &settings, "shout", &json!({ "words": "again" }), "AGAIN").await;
    line.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn supergateway_puts_everything_behind_a_websocket() {
    let everything = format!("{} {} stdio", node(), npm("@modelcontextprotocol/server-everything/dist/index.js"));
    let peer = Spec::new(
        node(),
        &[
            &npm("supergateway/dist/index.js"),
            "--stdio",
            &everything,
            "--outputTransport",
            "ws",
            "--port",
            "{port}",
            "--messagePath",
            "/message",
        ],
    )
    .start()
    .await;
    let line = Line::to("websocket", json!({ "url": peer.ws_url("/message") })).await;
    line.lists(&["echo", "get-sum"]).await;
    assert_eq!(line.call("echo", json!({ "message": "through the gateway" })).await.text(), "Echo: through the gateway");
    let (result, told) = line.watch("trigger-long-running-operation", json!({ "duration": 0.3, "steps": 3 })).await;
    assert!(result.text().contains("completed"), "{result:?}");
    assert_eq!(told, [1.0, 2.0, 3.0], "progress comes through");
    line.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_typescript_sdks_websocket_client_finds_our_test_server_right() {
    let server = EchoSocket::start(Echo::new()).await;
    let packages = dir().join("npm").display().to_string();
    let run = tokio::process::Command::new(node()).args([&script("ws_client.mjs"), &packages, &server.url()]).kill_on_drop(true).output();
    let out = within("the TypeScript client", run).await.unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let said: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(said["echoed"], "from TypeScript");
    assert_eq!(said["slow"], "done after 3 steps");
    // That client drops steps that arrive together with the result; the ones before must be there, in order.
    let steps = said["steps"].as_array().unwrap();
    assert!(!steps.is_empty() && [json!(1), json!(2), json!(3)].starts_with(steps), "{said}");
    assert_eq!(said["failed"], true);
    assert_eq!(server.seen.all()[0].headers["sec-websocket-protocol"], "mcp");
}
