//! `@modelcontextprotocol/server-everything`, the reference server, over its three transports.

use domain::person::{Answer, Matter};
use domain::protocol::{CallIo, SessionEvent};
use serde_json::{Value as Json, json};

use crate::line::{Line, recovers, stage, within};
use crate::peers::{Peer, Spec, node, npm, path};

fn index() -> String {
    npm("@modelcontextprotocol/server-everything/dist/index.js")
}

fn stdio() -> Json {
    json!({ "command": node(), "args": [index(), "stdio"], "env": { "PATH": path() }, "max_address_space_mb": 0 })
}

async fn served(transport: &str) -> Peer {
    Spec::new(node(), &[&index(), transport]).env("PORT", "{port}").start().await
}

/// What the reference server offers, all of it, on one session.
async fn everything(line: Line) {
    let facts = line.session.facts();
    assert_eq!((facts.name.as_str(), facts.revision.as_str()), ("mcp-servers/everything", "2025-11-25"));
    assert!(facts.instructions.is_some(), "its instructions are shown");
    line.lists(&["echo", "get-sum", "trigger-long-running-operation", "trigger-sampling-request", "trigger-elicitation-request"]).await;
    assert_eq!(line.call("echo", json!({ "message": "héllo" })).await.text(), "Echo: héllo");
    assert!(line.call("get-sum", json!({ "a": 2, "b": 40 })).await.text().contains("42"));
    let weather = line.call("get-structured-content", json!({ "location": "Chicago" })).await;
    assert!(weather.structured_content.is_some_and(|content| content.is_object()), "the structured result is kept");
    let image = line.call("get-tiny-image", json!({})).await;
    assert!(image.content.iter().any(|piece| json!(piece)["type"] == "image"), "an image stays an image: {image:?}");
    let wrong = line.try_call("get-sum", json!({ "a": "x" }), CallIo::quiet()).await;
    assert!(wrong.as_ref().is_ok_and(|result| result.is_error) || wrong.is_err(), "wrong arguments are refused: {wrong:?}");
    progress_and_cancel(&line).await;
    resources(&line).await;
    prompts(&line).await;
    questions(&line).await;
    line.close().await;
}

async fn progress_and_cancel(line: &Line) {
    let (result, told) = line.watch("trigger-long-running-operation", json!({ "duration": 0.4, "steps": 4 })).await;
    assert!(result.text().contains("completed"), "{result:?}");
    assert_eq!(told, [1.0, 2.0, 3.0, 4.0], "each step is told");
    line.cancels("trigger-long-running-operation", json!({ "duration": 600, "steps": 3000 })).await;
    assert_eq!(line.call("echo", json!({ "message": "still here" })).await.text(), "Echo: still here");
}

async fn resources(line: &Line) {
    let resources = line.session.as_resources().expect("it has resources");
    let listed = within("resources", resources.list()).await.unwrap();
    assert!(listed.len() >= 7, "{}", listed.len());
    let templates = within("templates", resources.templates()).await.unwrap();
    assert!(templates.iter().any(|template| template["uriTemplate"] == "demo://resource/dynamic/text/{resourceId}"), "{templates:?}");
    let read = within("reading", resources.read("demo://resource/dynamic/text/1")).await.unwrap();
    assert!(read[0]["text"].as_str().is_some_and(|text| text.contains("Resource 1")), "{read:?}");
    let missing = within("reading", resources.read("demo://resource/dynamic/text/none")).await;
    assert!(missing.is_err(), "what is not there is a fault: {missing:?}");
    within("subscribing", resources.subscribe("demo://resource/dynamic/text/1")).await.unwrap();
    line.call("toggle-subscriber-updates", json!({})).await;
    within("an update", async {
        while !line.stage.host.saw(|event| matches!(event, SessionEvent::ResourceUpdated(uri) if uri == "demo://resource/dynamic/text/1")) {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    })
    .await;
    line.call("toggle-subscriber-updates", json!({})).await;
    within("unsubscribing", resources.unsubscribe("demo://resource/dynamic/text/1")).await.unwrap();
}

async fn prompts(line: &Line) {
    let prompts = line.session.as_prompts().expect("it has prompts");
    let listed = within("prompts", prompts.list()).await.unwrap();
    assert!(listed.iter().any(|prompt| prompt["name"] == "args-prompt"), "{listed:?}");
    let args = json!({ "city": "Bern" }).as_object().unwrap().clone();
    let got = within("a prompt", prompts.get("args-prompt", args)).await.unwrap();
    assert!(got["messages"][0]["content"]["text"].as_str().is_some_and(|text| text.contains("Bern")), "{got}");
    let completions = line.session.as_completions().expect("it completes");
    let reference = json!({ "type": "ref/prompt", "name": "completable-prompt" });
    let values = within("completing", completions.complete(reference, "department", "E")).await.unwrap();
    assert!(values.iter().any(|value| value == "Engineering"), "{values:?}");
    let logging = line.session.as_logging().expect("it logs");
    within("the log level", logging.set_level("debug")).await.unwrap();
    line.call("toggle-simulated-logging", json!({})).await;
    within("a log message", async {
        while !line.stage.host.saw(|event| matches!(event, SessionEvent::Log { .. })) {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    })
    .await;
    line.call("toggle-simulated-logging", json!({})).await;
}

/// Sampling, elicitation and roots: what the server asks back is answered by a person.
async fn questions(line: &Line) {
    let host = &line.stage.host;
    host.answer_with(|question| match &question.matter {
        Matter::Sample { .. } => Answer::Data {
            data: json!({ "role": "assistant", "model": "a person", "content": { "type": "text", "text": "written by hand" } }),
        },
        Matter::Form { .. } => Answer::Data { data: json!({ "name": "Ada", "integer": 7 }) },
        _ => Answer::No { reason: "not here".into() },
    });
    let sampled = line.call("trigger-sampling-request", json!({ "prompt": "say something", "maxTokens": 20 })).await;
    assert!(sampled.text().contains("written by hand"), "{sampled:?}");
    let filled = line.call("trigger-elicitation-request", json!({})).await;
    assert!(filled.text().contains("Ada") && filled.text().contains('7'), "{filled:?}");
    host.answer_with(|_| Answer::No { reason: "no".into() });
    let declined = line.call("trigger-elicitation-request", json!({})).await;
    assert!(declined.text().contains("declined") || declined.text().contains("cancel"), "{declined:?}");
    let roots = line.call("get-roots-list", json!({})).await;
    assert!(roots.text().contains("file:///srv/shared"), "{roots:?}");
}

fn with_roots() -> testkit::stage::Stage {
    let stage = stage();
    stage.host.share("file:///srv/shared", "shared");
    stage
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_over_stdio() {
    everything(Line::on(with_roots(), "subprocess", stdio()).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_over_streamable_http() {
    let peer = served("streamableHttp").await;
    everything(Line::on(with_roots(), "stream_http", json!({ "url": peer.url("/mcp") })).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_over_sse() {
    let peer = served("sse").await;
    everything(Line::on(with_roots(), "sse", json!({ "url": peer.url("/sse") })).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_of_everything_is_survived_over_http_and_sse() {
    for (transport, id, route) in [("streamableHttp", "stream_http", "/mcp"), ("sse", "sse", "/sse")] {
        let mut peer = served(transport).await;
        let settings = json!({ "url": peer.url(route) });
        let line = Line::to(id, settings.clone()).await;
        line.call("echo", json!({ "message": "before" })).await;
        peer.restart().await;
        recovers(&line, id, &settings, "echo", &json!({ "message": "after" }), "Echo: after").await;
        line.close().await;
    }
}
