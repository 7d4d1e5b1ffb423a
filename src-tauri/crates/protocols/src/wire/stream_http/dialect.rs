//! The predecessor's `stream_http`: `GET /tools`, `POST /tools/{name}/call`, answered with JSON or with events that are passed on as
//! they come.

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;
use domain::Json;
use domain::fault::ServerFault;
use domain::protocol::{CallEvent, CallIo, CallReq, Frame, Session};
use domain::server::PeerFacts;
use domain::ticket::Ticket;
use domain::tool::{Catalogue, ToolResult};
use net::{EventStream, HeaderValue, Request, Response, Url, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

use tokio_util::sync::CancellationToken;

use super::backend::Line;
use super::below;
use crate::mcp::{Headers, add_tools, tool_result};

/// A name becomes one path segment, whatever is in it.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'~');

/// A server that speaks the dialect.
pub(super) struct Dialect {
    line: Arc<Line>,
    root: Url,
    /// Fires when the session is over, and every call with it.
    over: CancellationToken,
}

impl std::fmt::Debug for Dialect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dialect").field("server", &self.line.cx.server).finish_non_exhaustive()
    }
}

impl Dialect {
    /// Asks for the tools, which is how this dialect is recognised. Its standing stream is not asked for: nothing of use comes there.
    pub(super) async fn open(line: Arc<Line>, root: Url) -> Result<Arc<dyn Session>, ServerFault> {
        let dialect = Arc::new(Self { over: line.cx.stop.child_token(), line, root });
        dialect.tools().await?;
        Ok(dialect)
    }

    async fn send(&self, request: Request) -> Result<Response, ServerFault> {
        if self.over.is_cancelled() {
            return Err(ServerFault::ConnectionLost { reason: "the connection is closed".into(), lost_result: false });
        }
        let mut whole = Request { headers: self.line.headers.clone(), ..request };
        whole.headers.extend(request.headers);
        self.frame(true, &format!("{} {}", whole.method, net::SafeUrl(&whole.url)));
        let response = self.line.client.send(whole).await?;
        self.frame(false, &format!("HTTP {} {}", response.status().as_u16(), response.media_type()));
        Ok(response)
    }

    fn frame(&self, sent: bool, text: &str) {
        if self.line.cx.host.wants_frames() {
            self.line.cx.host.frame(Frame { sent, kind: "http", text: text.to_owned() });
        }
    }

    async fn run(&self, req: CallReq, io: &CallIo) -> Result<ToolResult, ServerFault> {
        let name = utf8_percent_encode(req.tool.as_str(), SEGMENT);
        let url = below(&self.root, &format!("tools/{name}/call"))?;
        let request = Request::post_json(url, &json!({ "arguments": req.args }))
            .header(header::ACCEPT, HeaderValue::from_static("text/event-stream, application/json"));
        let response = self.send(request).await?;
        if response.status() == net::StatusCode::NOT_FOUND {
            return Err(ServerFault::NoSuch { what: "tool", name: req.tool.as_str().to_owned() });
        }
        let response = response.ok().await?;
        if response.is_event_stream() {
            return follow(response.into_events(None), io).await;
        }
        let media = response.media_type();
        let body = response.read_limited(net::MESSAGE_LIMIT).await?;
        if media == "text/plain" {
            return Ok(ToolResult::of_text(String::from_utf8_lossy(&body)));
        }
        Ok(result(net::parse_json(&body, &media)?))
    }
}

/// Reads events to the one that ends the call, or to the end of the stream, and passes each on as it comes.
async fn follow(mut events: EventStream, io: &CallIo) -> Result<ToolResult, ServerFault> {
    let (mut text, mut last) = (String::new(), None);
    while let Some(event) = events.next().await {
        let event = match event {
            Ok(event) => event,
            Err(ServerFault::ConnectionLost { reason, .. }) => return Err(ServerFault::ConnectionLost { reason, lost_result: true }),
            Err(fault) => return Err(fault),
        };
        let name = event.name().to_owned();
        let data = match event.data {
            Some(data) if data.trim() == "[DONE]" => break,
            Some(data) => serde_json::from_str(&data).unwrap_or(Json::String(data)),
            None => continue,
        };
        if matches!(name.as_str(), "ping" | "heartbeat") {
            continue;
        }
        io.emit(CallEvent::Chunk { data: data.clone() });
        let kind = data.get("type").and_then(Json::as_str).map_or(name, str::to_owned);
        let done = matches!(kind.as_str(), "tool_complete" | "done" | "result" | "complete");
        let failed = matches!(kind.as_str(), "tool_error" | "error");
        match &data {
            Json::String(piece) => text.push_str(piece),
            Json::Object(map) if map.contains_key("result") || map.contains_key("content") => last = Some(data.clone()),
            Json::Object(map) => {
                let piece = ["text", "chunk", "delta", "data", "message"].iter().find_map(|key| map.get(*key).and_then(Json::as_str));
                text.push_str(piece.unwrap_or_default());
            }
            _ => {}
        }
        if failed {
            let words = data.get("error").map(|error| error.as_str().map_or_else(|| error.to_string(), str::to_owned));
            let words = words.or_else(|| data.as_str().map(str::to_owned)).unwrap_or_else(|| data.to_string());
            return Ok(ToolResult { is_error: true, ..ToolResult::of_text(words) });
        }
        if done {
            break;
        }
    }
    match last {
        Some(last) => Ok(result(last)),
        None if text.is_empty() => Err(ServerFault::ProtocolViolation { rule: "the stream ended without a result".into() }),
        None => Ok(ToolResult::of_text(text)),
    }
}

/// A result in the predecessor's form: its own flags, and the result one level down.
fn result(body: Json) -> ToolResult {
    let failed = body.get("success") == Some(&Json::Bool(false));
    let inner = match body {
        Json::Object(mut map) if !map.contains_key("content") && map.contains_key("result") => {
            map.shift_remove("result").unwrap_or_default()
        }
        other => other,
    };
    let mut result = tool_result(inner);
    result.is_error |= failed;
    result
}

#[async_trait]
impl Session for Dialect {
    fn facts(&self) -> PeerFacts {
        PeerFacts { revision: "rest".into(), era: "none".into(), abilities: vec!["tools".into()], ..PeerFacts::default() }
    }

    async fn tools(&self) -> Result<Catalogue, ServerFault> {
        let body = self.send(Request::get(below(&self.root, "tools")?)).await?.ok().await?.json().await?;
        let list = match body {
            Json::Array(list) => list,
            Json::Object(mut map) => match map.shift_remove("tools").or_else(|| map.get_mut("result")?.get_mut("tools").map(Json::take)) {
                Some(Json::Array(list)) => list,
                _ => return Err(ServerFault::ProtocolViolation { rule: "the list of tools is no list".into() }),
            },
            _ => return Err(ServerFault::ProtocolViolation { rule: "the list of tools is no list".into() }),
        };
        let mut catalogue = Catalogue::default();
        add_tools(&mut catalogue, &mut HashSet::new(), list, Headers::Unused);
        Ok(catalogue)
    }

    async fn call(&self, _ticket: &Ticket, req: CallReq, io: CallIo) -> Result<ToolResult, ServerFault> {
        tokio::select! {
            biased;
            () = io.cancel.cancelled() => Err(ServerFault::Cancelled),
            () = self.over.cancelled() => Err(ServerFault::ConnectionLost { reason: "the connection is closed".into(), lost_result: true }),
            result = self.run(req, &io) => result,
        }
    }

    async fn health(&self) -> Result<(), ServerFault> {
        self.tools().await.map(drop)
    }

    async fn close(&self) {
        self.over.cancel();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::JsonMap;

    #[test]
    fn a_name_is_one_segment_whatever_is_in_it() {
        // C-58.
        for (name, segment) in
            [("../admin", "%2E%2E%2Fadmin"), ("a?x=#y", "a%3Fx%3D%23y"), ("a\r\nb", "a%0D%0Ab"), ("k8s-list_pods", "k8s-list_pods")]
        {
            assert_eq!(utf8_percent_encode(name, SEGMENT).to_string(), segment);
        }
    }

    #[test]
    fn the_predecessors_flags_are_read() {
        let ok = result(json!({ "success": true, "result": { "content": [{ "type": "text", "text": "a" }], "is_error": false } }));
        assert_eq!((ok.text().as_str(), ok.is_error), ("a", false));
        assert!(result(json!({ "success": false, "result": { "content": [] } })).is_error);
        assert!(result(json!({ "content": [], "isError": true })).is_error);
        assert_eq!(result(json!({ "result": JsonMap::new() })).content, []);
    }
}
