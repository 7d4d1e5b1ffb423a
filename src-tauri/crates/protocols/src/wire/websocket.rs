//! `websocket`: MCP's JSON-RPC in text frames.
//!
//! **Invariant:** a peer that no longer hears us is noticed within a minute, whether a call is open or not.

mod link;
mod spelling;
mod upgrade;

use std::sync::Arc;

use async_trait::async_trait;
use domain::fault::ServerFault;
use domain::protocol::{Common, ConnectCx, Session, TypedProtocol};
use domain::text::Text;
use net::{ClientSettings, Dialer, HeaderMap, SafeUrl, Url};
use schemars::JsonSchema;
use serde::Deserialize;

use super::http::START;
use crate::mcp::{self, Dial, Era, Opening, Wire};

/// The protocol.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct WebSocket;

/// Its settings.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WebSocketSettings {
    /// The whole address, such as `wss://ops.example/mcp`.
    #[serde(default)]
    url: Option<String>,
    /// Host, when there is no `url`.
    #[serde(default)]
    host: Option<String>,
    /// Port of `host`.
    #[serde(default)]
    port: Option<u16>,
    /// Path on `host`; `/` when it is not given.
    #[serde(default)]
    path: Option<String>,
    /// Whether `host` is spoken to over TLS; so it is when `tls` is given.
    #[serde(default)]
    secure: Option<bool>,
    /// Which MCP era to speak: `auto` finds out.
    #[serde(default)]
    era: Era,
}

impl WebSocketSettings {
    fn address(&self, tls: bool) -> Result<Url, ServerFault> {
        if let Some(url) = self.url.as_deref().filter(|url| !url.is_empty()) {
            return net::ws_url("url", url);
        }
        match self.host.as_deref().filter(|host| !host.is_empty()) {
            Some(host) => {
                net::placed(if self.secure.unwrap_or(tls) { "wss" } else { "ws" }, host, self.port, self.path.as_deref().unwrap_or("/"))
            }
            None => Err(ServerFault::Settings { field: "url".into(), reason: "is missing (or host and port)".into() }),
        }
    }

    fn shown(&self, tls: bool) -> String {
        self.address(tls).map_or_else(|_| String::new(), |url| SafeUrl(&url).to_string())
    }
}

#[async_trait]
impl TypedProtocol for WebSocket {
    const ID: &'static str = "websocket";
    const ALIASES: &'static [&'static str] = &["ws"];
    type Settings = WebSocketSettings;

    fn label(&self) -> Text {
        Text::new("WebSocket", "WebSocket")
    }

    fn about(&self) -> Text {
        Text::new("MCP over one lasting connection in both directions.", "通过一条持久的双向连接使用 MCP。")
    }

    fn health(&self) -> Text {
        Text::new("WebSocket ping and pong every 20 s", "每 20 秒一次 WebSocket ping/pong")
    }

    fn target(&self, settings: &WebSocketSettings) -> String {
        settings.shown(false)
    }

    fn target_with(&self, settings: &WebSocketSettings, common: &Common) -> String {
        settings.shown(common.tls.is_some())
    }

    fn check(&self, settings: &WebSocketSettings, common: &Common) -> Result<(), ServerFault> {
        settings.address(common.tls.is_some())?;
        net::auth_headers(common)?;
        ClientSettings::of(common).map(drop)
    }

    async fn connect(&self, cx: ConnectCx, common: Common, settings: WebSocketSettings) -> Result<Arc<dyn Session>, ServerFault> {
        let dial = SocketDial {
            url: settings.address(common.tls.is_some())?,
            headers: net::auth_headers(&common)?,
            dialer: Dialer::of(&ClientSettings::of(&common)?)?,
        };
        let opening = Opening { era: settings.era, ..Opening::within(common.start_patience(START)) };
        mcp::open(cx, opening, dial).await
    }
}

struct SocketDial {
    dialer: Dialer,
    url: Url,
    headers: HeaderMap,
}

#[async_trait]
impl Dial for SocketDial {
    async fn dial(&self) -> Result<Wire, ServerFault> {
        let io = self.dialer.dial(&self.url).await?;
        let (io, first) = upgrade::upgrade(io, &self.url, &self.headers).await?;
        let (outlet, inlet) = link::halves(io, first).await;
        Ok(Wire { outlet: Box::new(outlet), inlet: Box::new(inlet), pid: None, stderr: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Json;
    use serde_json::json;

    fn address(settings: Json, tls: bool) -> Result<String, ServerFault> {
        let settings: WebSocketSettings = domain::protocol::decode(settings)?;
        settings.address(tls).map(|url| url.to_string())
    }

    #[test]
    fn the_predecessors_settings_and_whole_addresses_both_lead_there() {
        for (settings, tls, expected) in [
            (json!({"host": "localhost", "port": 8766, "path": "/"}), false, "ws://localhost:8766/"),
            (json!({"host": "localhost", "port": 8766}), true, "wss://localhost:8766/"),
            (json!({"host": "h", "secure": true, "path": "mcp"}), false, "wss://h/mcp"),
            (json!({"host": "h", "secure": false}), true, "ws://h/"),
            (json!({"url": "wss://h/mcp?key=1"}), false, "wss://h/mcp?key=1"),
            (json!({"url": "https://h/mcp", "host": "ignored"}), false, "wss://h/mcp"),
        ] {
            assert_eq!(address(settings.clone(), tls).unwrap(), expected, "{settings}");
        }
        for (settings, field) in [
            (json!({}), "url"),
            (json!({"url": "ftp://h"}), "url"),
            (json!({"url": "ws://u:p@h"}), "url"),
            (json!({"host": "a b"}), "host"),
            (json!({"host": "h", "era": "stone"}), "era"),
        ] {
            assert!(
                matches!(address(settings.clone(), false), Err(ServerFault::Settings { field: found, .. }) if found == field),
                "{settings}"
            );
        }
    }
}
