//! The client that the official conformance suite drives: `conformance-driver URL`. One path for every scenario, on the same core as the
//! app: connect, list, call what there is, answer what is asked, close. It knows no scenario by name.
#![allow(clippy::print_stderr, clippy::disallowed_methods, reason = "a test's program that says what it does and reads its environment")]

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use domain::fault::{FaultKind, ServerFault};
use domain::person::{Answer, Matter, Question, Scope};
use domain::protocol::{CallIo, CallReq, Session};
use domain::tool::Tool;
use domain::{Json, JsonMap};
use serde_json::json;
use testkit::stage::{Stage, ticket};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// The metadata document that the suite's authorization servers know.
const CLIENT_DOCUMENT: &str = "https://conformance-test.local/client-metadata.json";

#[tokio::main]
async fn main() -> ExitCode {
    let Some(url) = std::env::args().next_back().filter(|arg| arg.starts_with("http")) else {
        eprintln!("conformance-driver: the last argument must be a URL");
        return ExitCode::from(2);
    };
    let context = std::env::var("MCP_CONFORMANCE_CONTEXT").ok().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or(Json::Null);
    match tokio::time::timeout(Duration::from_secs(100), drive(&url, &context)).await {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(fault)) => {
            eprintln!("fault: {fault} ({})", fault.code());
            ExitCode::from(1)
        }
        Err(_) => {
            eprintln!("it took too long");
            ExitCode::from(1)
        }
    }
}

/// How this client signs in: what a person would have put into the settings, who knows which credentials they were given and what
/// their authorization server grants for them.
async fn sign_in(url: &str, context: &Json) -> Json {
    let id = &context["client_id"];
    if !context["private_key_pem"].is_null() {
        return json!({ "client_id": id, "private_key": context["private_key_pem"], "grant": "client_credentials",
                       "signing_algorithm": context["signing_algorithm"].as_str().unwrap_or("ES256") });
    }
    if !context["client_secret"].is_null() {
        let grant = if signs_people_in(url).await { "authorization_code" } else { "client_credentials" };
        return json!({ "client_id": id, "client_secret": context["client_secret"], "grant": grant });
    }
    if id.is_string() { json!({ "client_id": id }) } else { json!({ "client_metadata_url": CLIENT_DOCUMENT }) }
}

/// Whether the server's authorization server says that it grants authorization codes.
async fn signs_people_in(url: &str) -> bool {
    let ask = async |base: &str, what: &str| -> Option<Json> {
        let base = url::Url::parse(base).ok()?;
        let page = base.join(&format!("/.well-known/{what}{}", base.path().trim_end_matches('/'))).ok()?;
        serde_json::from_str(&fetch(&page).await?.1).ok()
    };
    let Some(resource) = ask(url, "oauth-protected-resource").await else { return true };
    let server = resource["authorization_servers"][0].as_str().unwrap_or_default();
    let Some(metadata) = ask(server, "oauth-authorization-server").await else { return true };
    metadata["grant_types_supported"].as_array().is_none_or(|grants| grants.iter().any(|grant| grant == "authorization_code"))
}

async fn drive(url: &str, context: &Json) -> Result<(), ServerFault> {
    let stage = Stage::new(&[]);
    stage.host.answer_with(answer);
    stage.host.open_with(|page| drop(tokio::spawn(visit(page))));
    let local = Arc::new(testkit::echo::EchoLocal::default());
    let protocol = protocols::registry(local).into_iter().find(|protocol| protocol.info().id.as_str() == "stream_http");
    let protocol = protocol.ok_or(ServerFault::Unsupported { what: "stream_http" })?;
    let settings = json!({ "url": url, "oauth": sign_in(url, context).await, "timeout": 60, "start_timeout": 80 });
    let session = protocol.connect(stage.cx("conformance"), settings.as_object().cloned().unwrap_or_default()).await?;
    let done = work(&*session, context).await;
    session.close().await;
    done
}

/// Everything that the server offers, once.
async fn work(session: &dyn Session, context: &Json) -> Result<(), ServerFault> {
    let catalogue = session.tools().await?;
    eprintln!("tools: {:?}, rejected: {:?}", catalogue.tools.iter().map(|tool| tool.name.as_str()).collect::<Vec<_>>(), catalogue.rejected);
    let calls: Vec<(String, JsonMap)> = match context["toolCalls"].as_array() {
        Some(calls) => calls
            .iter()
            .map(|call| (call["name"].as_str().unwrap_or_default().to_owned(), call["arguments"].as_object().cloned().unwrap_or_default()))
            .collect(),
        None => catalogue.tools.iter().map(|tool| (tool.name.as_str().to_owned(), arguments(tool, &catalogue.tools))).collect(),
    };
    for (tool, args) in calls {
        let ticket = ticket(&tool).await;
        match session.call(&ticket, CallReq { tool: tool.as_str().into(), args }, CallIo::quiet()).await {
            Ok(result) => eprintln!("{tool}: is_error {}, {}", result.is_error, result.text()),
            Err(fault) if fault.kind() == FaultKind::Auth => return Err(fault),
            Err(fault) => eprintln!("{tool}: {fault} ({})", fault.code()),
        }
    }
    if let Some(prompts) = session.as_prompts() {
        eprintln!("prompts: {:?}", prompts.list().await.map(|all| all.len()));
    }
    if let Some(resources) = session.as_resources() {
        eprintln!("resources: {:?}", resources.list().await.map(|all| all.len()));
    }
    Ok(())
}

/// Arguments that fit a tool: what its schema requires. A tool that asks for a schema is given the richest one that was listed.
fn arguments(tool: &Tool, all: &[Tool]) -> JsonMap {
    let mut args = sample(&tool.input_schema);
    let properties = &tool.input_schema["properties"];
    if properties["schema"]["type"] == "object" {
        let richest = all.iter().filter(|other| other.name != tool.name).max_by_key(|other| other.input_schema.to_string().len());
        if let Some(other) = richest {
            args.insert("schema".into(), other.input_schema.clone());
        }
    }
    args
}

/// The required properties of an object schema (and those with a default), each with a value of its type.
fn sample(schema: &Json) -> JsonMap {
    let required: Vec<_> = schema["required"].as_array().into_iter().flatten().filter_map(Json::as_str).collect();
    let properties = schema["properties"].as_object().cloned().unwrap_or_default();
    let wanted = |name: &str, property: &Json| required.contains(&name) || property.get("default").is_some();
    properties.iter().filter(|(name, property)| wanted(name, property)).map(|(name, property)| (name.clone(), value(property))).collect()
}

fn value(property: &Json) -> Json {
    if let Some(default) = property.get("default") {
        return default.clone();
    }
    if let Some(first) = property["enum"].as_array().and_then(|all| all.first()) {
        return first.clone();
    }
    match property["type"].as_str() {
        Some("integer") => json!(property["minimum"].as_i64().unwrap_or(1)),
        Some("number") => json!(property["minimum"].as_f64().unwrap_or(1.0)),
        Some("boolean") => json!(true),
        Some("array") => json!([]),
        Some("object") => Json::Object(sample(property)),
        _ => json!("text"),
    }
}

/// A person who agrees to everything, and leaves the defaults of a form as they are.
fn answer(question: &Question) -> Answer {
    match &question.matter {
        Matter::Form { schema, .. } => Answer::Data { data: Json::Object(sample(schema)) },
        Matter::Sample { .. } => Answer::Data {
            data: json!({ "role": "assistant", "model": "none", "content": { "type": "text", "text": "a written answer" } }),
        },
        _ => Answer::Yes { scope: Scope::Once },
    }
}

/// A browser without a window: asks for the page, and where that sends it to our own listener, goes there.
async fn visit(page: url::Url) {
    let Some(target) = location(&page).await else {
        eprintln!("{page} redirects nowhere");
        return;
    };
    if matches!(target.host_str(), Some("127.0.0.1" | "localhost" | "[::1]")) {
        location(&target).await;
    }
}

/// GETs a plain-HTTP page and answers where it redirects to.
async fn location(page: &url::Url) -> Option<url::Url> {
    let (head, _) = fetch(page).await?;
    let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with("location:"))?;
    page.join(line.split_once(':')?.1.trim()).ok()
}

/// GETs a plain-HTTP page: the head and the body, as they are.
async fn fetch(page: &url::Url) -> Option<(String, String)> {
    let (host, port) = (page.host_str()?, page.port_or_known_default()?);
    let mut stream = tokio::net::TcpStream::connect((host.trim_matches(['[', ']']), port)).await.ok()?;
    let target = page.query().map_or_else(|| page.path().to_owned(), |query| format!("{}?{query}", page.path()));
    let request = format!("GET {target} HTTP/1.0\r\nhost: {host}:{port}\r\naccept: */*\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.ok()?;
    let text = String::from_utf8_lossy(&answer);
    let (head, body) = text.split_once("\r\n\r\n")?;
    Some((head.to_owned(), body.to_owned()))
}
