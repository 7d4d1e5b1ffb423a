//! `sse`: an event stream down, POSTs up. The first event says which of the two it is: `endpoint` is MCP's own HTTP+SSE (2024-11-05),
//! `connected` is the predecessor's dialect.

pub(crate) mod dingbot;
pub(crate) mod literal;
mod standard;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::fault::{Phase, ServerFault};
use domain::protocol::{CallIo, CallReq, Common, ConnectCx, Session, SessionEvent, TypedProtocol};
use domain::server::PeerFacts;
use domain::text::Text;
use domain::ticket::Ticket;
use domain::tool::{Catalogue, ToolResult};
use net::{ClientSettings, EventStream, HeaderMap, Request, SafeUrl, SseEvent, Url};
use schemars::JsonSchema;
use serde::Deserialize;

use super::http::START;
use crate::mcp::oauth::{OauthSettings, Signed};
use crate::mcp::{self, Era, Opening};
use dingbot::{Dingbot, SILENCE};
use standard::{EventDial, Opened};

/// The protocol.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sse;

/// Its settings.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SseSettings {
    /// The event stream's whole address, such as `http://127.0.0.1:3001/sse`.
    #[serde(default)]
    url: Option<String>,
    /// The same, under the predecessor's name.
    #[serde(default)]
    sse_url: Option<String>,
    /// Where the service is; `path` (default `/events`) is put after it.
    #[serde(default)]
    base_url: Option<String>,
    /// Host, when there is no address.
    #[serde(default)]
    host: Option<String>,
    /// Port of `host`.
    #[serde(default)]
    port: Option<u16>,
    /// Path of the event stream; `/events` when it is not given.
    #[serde(default)]
    path: Option<String>,
    /// Whether `host` is spoken to over TLS; so it is when `tls` is given.
    #[serde(default)]
    secure: Option<bool>,
    /// What is known for OAuth; without it everything is found out.
    #[serde(default)]
    oauth: Option<OauthSettings>,
}

/// What the settings mean: the stream, and the base under which the predecessor's server has `/tools` and `/tools/call`.
#[derive(Debug, PartialEq, Eq)]
struct Places {
    events: Url,
    base: Url,
}

impl SseSettings {
    fn places(&self, tls: bool) -> Result<Places, ServerFault> {
        fn filled(text: Option<&String>) -> Option<&str> {
            text.map(String::as_str).filter(|text| !text.is_empty())
        }
        for (field, text) in [("url", &self.url), ("sse_url", &self.sse_url)] {
            if let Some(text) = filled(text.as_ref()) {
                let events = net::http_url(field, text)?;
                let base = events.join(".").map_err(|why| ServerFault::Settings { field: field.into(), reason: why.to_string() })?;
                return Ok(Places { events, base });
            }
        }
        let path = filled(self.path.as_ref()).unwrap_or("/events");
        let base = match (filled(self.base_url.as_ref()), filled(self.host.as_ref())) {
            (Some(base), _) => net::http_url("base_url", base)?,
            (None, Some(host)) => net::placed(if self.secure.unwrap_or(tls) { "https" } else { "http" }, host, self.port, "/")?,
            (None, None) => {
                return Err(ServerFault::Settings { field: "url".into(), reason: "is missing (or host and port, or base_url)".into() });
            }
        };
        let mut events = base.clone();
        let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
        events.set_path(&format!("{}/{}", base.path().trim_end_matches('/'), path.trim_start_matches('/')));
        if query.is_some() {
            events.set_query(query);
        }
        Ok(Places { events, base })
    }

    fn shown(&self, tls: bool) -> String {
        self.places(tls).map_or_else(|_| String::new(), |places| SafeUrl(&places.events).to_string())
    }
}

#[async_trait]
impl TypedProtocol for Sse {
    const ID: &'static str = "sse";
    const OAUTH: bool = true;
    type Settings = SseSettings;

    fn label(&self) -> Text {
        Text::new("SSE (server-sent events)", "SSE(服务器推送事件)")
    }

    fn about(&self) -> Text {
        Text::new(
            "Older MCP servers over HTTP with an event stream, and the event dialect of the Kubernetes server k8s-mcp.",
            "使用事件流的旧式 MCP HTTP 服务器，以及 Kubernetes 服务器 k8s-mcp 的事件方言。",
        )
    }

    fn health(&self) -> Text {
        Text::new("the event stream is open and not silent for a minute", "事件流保持打开，且静默不超过一分钟")
    }

    fn target(&self, settings: &SseSettings) -> String {
        settings.shown(false)
    }

    fn target_with(&self, settings: &SseSettings, common: &Common) -> String {
        settings.shown(common.tls.is_some())
    }

    fn check(&self, settings: &SseSettings, common: &Common) -> Result<(), ServerFault> {
        settings.places(common.tls.is_some())?;
        if let Some(oauth) = &settings.oauth {
            oauth.check()?;
        }
        net::auth_headers(common)?;
        ClientSettings::of(common).map(drop)
    }

    async fn connect(&self, cx: ConnectCx, common: Common, settings: SseSettings) -> Result<Arc<dyn Session>, ServerFault> {
        let places = settings.places(common.tls.is_some())?;
        let client = Signed::new(&cx, &common, &places.events, settings.oauth.as_ref())?;
        let headers = net::auth_headers(&common)?;
        let patience = common.start_patience(START);
        let (thinking, stop) = (cx.thinking.clone(), cx.stop.clone());
        let opening = thinking.patiently(patience, open(cx, client, places, headers, patience));
        tokio::select! {
            () = stop.cancelled() => Err(ServerFault::Cancelled),
            opened = opening => opened.ok_or(ServerFault::Timeout { phase: Phase::Handshake, after: patience })?,
        }
    }
}

/// Opens the stream, and the session that its first event asks for.
async fn open(
    cx: ConnectCx,
    client: Signed,
    places: Places,
    headers: HeaderMap,
    patience: Duration,
) -> Result<Arc<dyn Session>, ServerFault> {
    let (mut events, first, url) = first_event(&client, &places.events, &headers).await?;
    match first.name() {
        "endpoint" => {
            let endpoint = standard::endpoint(&url, first.data.as_deref().unwrap_or_default())?;
            let dial = EventDial::new(client, places.events, headers, Opened { events, endpoint, origin: url });
            // A server of this form is of 2024-11-05; asking it for newer eras would only be an unknown method to it.
            mcp::open(cx, Opening { era: Era::Legacy, ..Opening::within(patience) }, dial).await
        }
        "connected" => {
            events.set_idle(Some(SILENCE));
            let host = cx.host.clone();
            let ended = Box::new(move |fault| host.event(SessionEvent::Ended(fault)));
            let line = Dingbot::open(&cx, client, places.base, headers, events, Some(first), ended).await?;
            Ok(Arc::new(DingbotSession { line }))
        }
        other => Err(ServerFault::ProtocolViolation {
            rule: format!("the first event must be `endpoint` or `connected`, and it is `{}`", net::shown(other)),
        }),
    }
}

/// Opens the stream and reads its first event. Gives the address that answered as well: redirects may have led there.
async fn first_event(client: &Signed, url: &Url, headers: &HeaderMap) -> Result<(EventStream, SseEvent, Url), ServerFault> {
    let response = client.send(Request::events(url.clone()).headers(headers)).await?.ok().await?;
    if !response.is_event_stream() {
        let media = response.media_type();
        let text = response.error_text().await;
        return Err(ServerFault::ProtocolViolation {
            rule: format!("expected an event stream, got {}: {}", net::shown(&media), net::shown(&text)),
        });
    }
    let found = response.url().clone();
    let mut events = response.into_events(None);
    loop {
        match events.next().await {
            Some(Ok(event)) if event.data.is_none() => {}
            Some(Ok(event)) => return Ok((events, event, found)),
            Some(Err(fault)) => return Err(fault),
            None => {
                return Err(ServerFault::ConnectionLost {
                    reason: "the server closed the event stream before its first event".into(),
                    lost_result: false,
                });
            }
        }
    }
}

/// A session in the predecessor's dialect.
#[derive(Debug)]
struct DingbotSession {
    line: Dingbot,
}

#[async_trait]
impl Session for DingbotSession {
    fn facts(&self) -> PeerFacts {
        let (name, revision) = self.line.about();
        PeerFacts { name, revision: revision.into(), era: "none".into(), abilities: vec!["tools".into()], ..PeerFacts::default() }
    }

    async fn tools(&self) -> Result<Catalogue, ServerFault> {
        self.line.tools().await
    }

    async fn call(&self, _: &Ticket, req: CallReq, io: CallIo) -> Result<ToolResult, ServerFault> {
        self.line.call(req, io).await
    }

    async fn health(&self) -> Result<(), ServerFault> {
        self.line.state()
    }

    async fn close(&self) {
        self.line.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Json;
    use serde_json::json;

    fn places(settings: Json) -> Result<(String, String), ServerFault> {
        let settings: SseSettings = domain::protocol::decode(settings)?;
        settings.places(false).map(|places| (places.events.to_string(), places.base.to_string()))
    }

    #[test]
    fn the_predecessors_settings_lead_to_its_addresses() {
        for (settings, events, base) in [
            (json!({"host": "localhost", "port": 8766, "path": "/events"}), "http://localhost:8766/events", "http://localhost:8766/"),
            (json!({"host": "localhost", "port": 8766}), "http://localhost:8766/events", "http://localhost:8766/"),
            (json!({"host": "h", "secure": true, "path": "sse?x=1"}), "https://h/sse?x=1", "https://h/"),
            (json!({"host": "h", "path": "/a/events"}), "http://h/a/events", "http://h/"),
            (json!({"url": "https://h/k8s/events?key=1"}), "https://h/k8s/events?key=1", "https://h/k8s/"),
            (json!({"sse_url": "http://h/sse"}), "http://h/sse", "http://h/"),
            (json!({"base_url": "http://h/k8s"}), "http://h/k8s/events", "http://h/k8s"),
            (json!({"base_url": "http://h/", "path": "/sse", "host": "ignored"}), "http://h/sse", "http://h/"),
        ] {
            assert_eq!(places(settings.clone()).unwrap(), (events.into(), base.into()), "{settings}");
        }
        for (settings, field) in [
            (json!({}), "url"),
            (json!({"port": 1}), "url"),
            (json!({"url": "ftp://h/"}), "url"),
            (json!({"sse_url": "http://u:p@h/"}), "sse_url"),
            (json!({"host": "a/b"}), "host"),
            (json!({"url": "http://h/", "nonsense": 1}), "nonsense"),
        ] {
            assert!(matches!(places(settings.clone()), Err(ServerFault::Settings { field: found, .. }) if found == field), "{settings}");
        }
    }
}
