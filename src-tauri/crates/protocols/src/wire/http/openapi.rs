//! Any REST service with an OpenAPI document: each operation is a tool.
//!
//! **Invariant:** the document cannot send a request, or a credential, to an origin that the settings do not name.

mod document;
mod request;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::Json;
use domain::fault::ServerFault;
use domain::protocol::{CallIo, CallReq, Session};
use domain::server::PeerFacts;
use domain::ticket::Ticket;
use domain::tool::{Catalogue, Content, ToolResult};
use net::{MESSAGE_LIMIT, Request, Url};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{Line, dialect, shapes};
use document::{Document, Operation};

/// A session over an OpenAPI document.
#[derive(Debug)]
pub(super) struct OpenApi {
    line: Line,
    document_url: Url,
    wished_base: Option<Url>,
    /// The document as it was read last; replaced as a whole.
    read: RwLock<Arc<Read>>,
    first: std::sync::atomic::AtomicBool,
    closed: CancellationToken,
}

#[derive(Debug)]
struct Read {
    base: Url,
    facts: PeerFacts,
    catalogue: Catalogue,
    operations: HashMap<String, Operation>,
}

impl OpenApi {
    pub(super) async fn open(line: Line, document_url: Url, wished_base: Option<Url>) -> Result<Arc<Self>, ServerFault> {
        let read = fetch(&line, &document_url, wished_base.as_ref()).await?;
        let closed = line.cx.stop.child_token();
        let first = std::sync::atomic::AtomicBool::new(true);
        Ok(Arc::new(Self { line, document_url, wished_base, read: RwLock::new(Arc::new(read)), first, closed }))
    }

    fn current(&self) -> Arc<Read> {
        self.read.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn run(&self, req: CallReq) -> Result<ToolResult, ServerFault> {
        let read = self.current();
        let Some(operation) = read.operations.get(req.tool.as_str()) else {
            return Err(ServerFault::NoSuch { what: "tool", name: req.tool.as_str().to_owned() });
        };
        let request = request::build(operation, &read.base, &req.args)?;
        let response = self.line.send(request).await?;
        answer(&self.line, response).await
    }
}

async fn fetch(line: &Line, url: &Url, wished_base: Option<&Url>) -> Result<Read, ServerFault> {
    // The credentials are for the service. A document that lies elsewhere is fetched without them.
    let foreign = wished_base.is_some_and(|base| !net::same_origin(base, url));
    let response = if foreign { line.client.send(Request::get(url.clone())).await? } else { line.send(Request::get(url.clone())).await? };
    let found = response.url().clone();
    let body = response.ok().await?.json().await?;
    let document = Document::read(&body)?;
    let base = base_of(&body, &found, wished_base)?;
    let facts = PeerFacts {
        name: document.title.clone(),
        version: document.version.clone(),
        revision: "openapi".into(),
        era: "none".into(),
        abilities: vec!["tools".into()],
        ..PeerFacts::default()
    };
    let (catalogue, operations) = document.tools();
    Ok(Read { base, facts, catalogue, operations })
}

/// Where the operations are: the document's first server if that is on the expected origin; else the base of the settings.
fn base_of(body: &Json, document: &Url, wished: Option<&Url>) -> Result<Url, ServerFault> {
    let expected = wished.unwrap_or(document);
    let Some(server) = body.pointer("/servers/0") else {
        return Ok(wished.cloned().unwrap_or_else(|| root(document)));
    };
    let mut text = server.get("url").and_then(Json::as_str).unwrap_or("/").to_owned();
    for (name, variable) in server.get("variables").and_then(Json::as_object).into_iter().flatten() {
        if let Some(default) = variable.get("default").and_then(Json::as_str) {
            text = text.replace(&format!("{{{name}}}"), default);
        }
    }
    let named = document
        .join(&text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none());
    match (named, wished) {
        (Some(named), _) if net::same_origin(&named, expected) => Ok(named),
        (_, Some(wished)) => Ok(wished.clone()),
        (named, None) => Err(ServerFault::AddressRefused {
            address: named.as_ref().map_or_else(|| net::shown(&text), |url| net::SafeUrl(url).to_string()),
            reason: "the document names a server on another origin; put it into base_url if it is right".into(),
        }),
    }
}

fn root(url: &Url) -> Url {
    let mut root = url.clone();
    root.set_path("/");
    root.set_query(None);
    root.set_fragment(None);
    root
}

/// A service's answer as a result. A status that is no success is the tool's failure, not ours.
async fn answer(line: &Line, response: net::Response) -> Result<ToolResult, ServerFault> {
    let (status, media) = (response.status(), response.media_type());
    if !status.is_success() {
        if matches!(status.as_u16(), 401 | 407 | 429) || status.is_redirection() {
            return Err(response.into_fault().await);
        }
        let text = response.error_text().await;
        line.frame(false, &text);
        let body: Option<Json> = serde_json::from_str(&text).ok();
        let words = body.as_ref().map_or_else(|| net::shown(&text), shapes::pretty);
        let reason = status.canonical_reason().unwrap_or_default();
        let mut result = shapes::failed(format!("HTTP {} {reason}\n{words}", status.as_u16()).trim_end());
        result.structured_content = Some(json!({ "status": status.as_u16(), "body": body.unwrap_or(Json::String(words)) }));
        return Ok(result);
    }
    let url = response.url().clone();
    let bytes = response.read_limited(MESSAGE_LIMIT).await?;
    if line.cx.host.wants_frames() {
        line.frame(false, &String::from_utf8_lossy(&bytes));
    }
    if bytes.is_empty() {
        return Ok(ToolResult::of_text(format!("HTTP {}, no content", status.as_u16())));
    }
    if media == "application/json" || media.ends_with("+json") {
        let body = net::parse_json(&bytes, &media)?;
        let structured = (body.is_object() || body.is_array()).then(|| body.clone());
        return Ok(ToolResult { content: vec![Content::text(shapes::pretty(&body))], structured_content: structured, is_error: false });
    }
    if let Some(kind) = media.strip_prefix("image/").filter(|kind| !kind.contains("svg")) {
        let block = json!({ "type": "image", "data": STANDARD.encode(&bytes), "mimeType": format!("image/{kind}") });
        return Ok(ToolResult { content: vec![Content::Block(block)], ..ToolResult::default() });
    }
    if let Ok(text) = String::from_utf8(bytes.to_vec()) {
        let data = |text: &str| serde_json::from_str(text).ok().filter(|body: &Json| body.is_object() || body.is_array());
        let structured_content = if media.is_empty() { data(&text) } else { None };
        return Ok(ToolResult { structured_content, ..ToolResult::of_text(text) });
    }
    let blob = json!({ "uri": net::SafeUrl(&url).to_string(), "mimeType": media, "blob": STANDARD.encode(&bytes) });
    Ok(ToolResult { content: vec![Content::Block(json!({ "type": "resource", "resource": blob }))], ..ToolResult::default() })
}

#[async_trait]
impl Session for OpenApi {
    fn facts(&self) -> PeerFacts {
        self.current().facts.clone()
    }

    async fn tools(&self) -> Result<Catalogue, ServerFault> {
        if self.first.swap(false, std::sync::atomic::Ordering::AcqRel) {
            return Ok(self.current().catalogue.clone());
        }
        let read = tokio::select! {
            () = self.closed.cancelled() => return Err(ServerFault::ConnectionLost { reason: "the session was closed".into(), lost_result: false }),
            read = fetch(&self.line, &self.document_url, self.wished_base.as_ref()) => Arc::new(read?),
        };
        *self.read.write().unwrap_or_else(PoisonError::into_inner) = read.clone();
        Ok(read.catalogue.clone())
    }

    async fn call(&self, _: &Ticket, req: CallReq, io: CallIo) -> Result<ToolResult, ServerFault> {
        tokio::select! {
            biased;
            () = io.cancel.cancelled() => Err(ServerFault::Cancelled),
            () = self.closed.cancelled() => Err(ServerFault::ConnectionLost { reason: "the session was closed".into(), lost_result: true }),
            done = self.run(req) => done,
        }
    }

    async fn health(&self) -> Result<(), ServerFault> {
        if self.closed.is_cancelled() {
            return Err(ServerFault::ConnectionLost { reason: "the session was closed".into(), lost_result: false });
        }
        let base = self.current().base.clone();
        let url = net::below(&base, &["health"]).unwrap_or(base);
        dialect::healthy(self.line.send(Request::get(url))).await
    }

    async fn close(&self) {
        self.closed.cancel();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_stay_on_the_origin_that_the_settings_name() {
        let url = |text: &str| Url::parse(text).unwrap();
        let servers = |text: &str| json!({ "servers": [{ "url": text, "variables": { "v": { "default": "v2" } } }] });
        let document = url("https://h.example/api/openapi.json");
        for (body, wished, expected) in [
            (json!({}), None, "https://h.example/"),
            (json!({}), Some("https://h.example/api"), "https://h.example/api"),
            (servers("/api/{v}"), None, "https://h.example/api/v2"),
            (servers("v3"), None, "https://h.example/api/v3"),
            (servers("https://h.example/x"), None, "https://h.example/x"),
            (servers("https://evil.example/x"), Some("https://h.example/api"), "https://h.example/api"),
            (servers("/v3"), Some("https://h.example/"), "https://h.example/v3"),
            (servers("//evil.example/"), Some("https://h.example/"), "https://h.example/"),
            (servers("javascript:alert(1)"), Some("https://h.example/"), "https://h.example/"),
        ] {
            assert_eq!(base_of(&body, &document, wished.map(url).as_ref()).unwrap().as_str(), expected, "{body} {wished:?}");
        }
        for bad in ["https://evil.example/x", "//evil.example", "http://h.example/", "https://u:p@h.example/", "file:///etc"] {
            assert!(matches!(base_of(&servers(bad), &document, None), Err(ServerFault::AddressRefused { .. })), "{bad}");
        }
    }
}
