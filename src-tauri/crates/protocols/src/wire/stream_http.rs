//! `stream_http`: MCP's Streamable HTTP, and the predecessor's dialect of that name where the server knows no MCP.

mod backend;
mod dialect;
mod stalls;
mod transport;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::fault::ServerFault;
use domain::protocol::{Common, ConnectCx, Session, TypedProtocol};
use domain::text::Text;
use net::{ClientSettings, HeaderValue, SafeUrl, Url, header};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::mcp::oauth::{OauthSettings, Signed};
use crate::mcp::session::McpSession;
use crate::mcp::{Era, Opening, handshake};
use backend::{Line, Schemas};
use stalls::Stalls;
use transport::Http;

/// The protocol.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct StreamHttp;

/// Where the server is and how to speak with it. One of `url`, `stream_url`, `base_url` or `host` is needed.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StreamHttpSettings {
    /// The whole address of the endpoint, such as `https://example.com/mcp`.
    #[serde(default)]
    pub url: Option<String>,
    /// The same under the predecessor's name.
    #[serde(default)]
    pub stream_url: Option<String>,
    /// The address up to the path; `path` is added.
    #[serde(default)]
    pub base_url: Option<String>,
    /// The host, for plain HTTP.
    #[serde(default)]
    pub host: Option<String>,
    /// The port; 8768 when only a host is given.
    #[serde(default)]
    pub port: Option<u16>,
    /// The path; `/mcp` when absent.
    #[serde(default)]
    pub path: Option<String>,
    /// Which era of MCP to speak: `auto` finds out and remembers.
    #[serde(default)]
    pub era: Era,
    /// What is known for OAuth; without it everything is found out.
    #[serde(default)]
    pub oauth: Option<OauthSettings>,
}

/// The predecessor's port for this protocol.
const PORT: u16 = 8768;
const PATH: &str = "/mcp";
/// How long a server may take over the question for its era.
const PROBE: Duration = Duration::from_secs(8);
const START: Duration = Duration::from_secs(30);

impl StreamHttpSettings {
    /// The endpoint, and the root under which the predecessor's dialect has its routes.
    fn addresses(&self) -> Result<(Url, Url), ServerFault> {
        let given = |text: &Option<String>| text.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
        let path = given(&self.path);
        for (field, text) in [("url", &self.url), ("stream_url", &self.stream_url)] {
            if let Some(text) = given(text) {
                let url = net::http_url(field, &text)?;
                let mut root = url.clone();
                root.set_path("/");
                root.set_query(None);
                return Ok((url, root));
            }
        }
        if let Some(text) = given(&self.base_url) {
            let root = net::http_url("base_url", &text)?;
            let url = match path {
                // A base address with a path of its own may be the endpoint already.
                None if root.path() != "/" => root.clone(),
                None => below(&root, PATH)?,
                Some(path) => below(&root, &path)?,
            };
            return Ok((url, root));
        }
        let Some(host) = given(&self.host) else {
            return Err(ServerFault::Settings { field: "url".into(), reason: "one of url, base_url, stream_url or host is needed".into() });
        };
        if host.contains(['/', '@', '?', '#', '\\']) {
            return Err(ServerFault::Settings { field: "host".into(), reason: "is no host name; use url for a whole address".into() });
        }
        let host = if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host };
        let root = net::http_url("host", &format!("http://{host}:{}/", self.port.unwrap_or(PORT)))?;
        let url = below(&root, path.as_deref().unwrap_or(PATH))?;
        Ok((url, root))
    }
}

/// A path below a base address, which keeps its own path.
pub(crate) fn below(base: &Url, path: &str) -> Result<Url, ServerFault> {
    let whole = format!("{}/{}", base.as_str().trim_end_matches('/'), path.trim_start_matches('/'));
    net::http_url("path", &whole)
}

#[async_trait]
impl TypedProtocol for StreamHttp {
    const ID: &'static str = "stream_http";
    const ALIASES: &'static [&'static str] = &["streamable-http", "streamableHttp", "streamable_http", "http-stream"];
    const OAUTH: bool = true;
    type Settings = StreamHttpSettings;

    fn label(&self) -> Text {
        Text::new("Streamable HTTP", "可流式 HTTP")
    }

    fn about(&self) -> Text {
        Text::new(
            "MCP servers with an http or https address; the usual choice for remote servers",
            "有 http 或 https 地址的 MCP 服务器；远程服务器的常用选择",
        )
    }

    fn health(&self) -> Text {
        Text::new("asks the server (ping, or its description) and waits for the reply", "向服务器发送 ping（或查询其描述）并等待应答")
    }

    fn target(&self, settings: &StreamHttpSettings) -> String {
        settings.addresses().map(|(url, _)| SafeUrl(&url).to_string()).unwrap_or_default()
    }

    fn check(&self, settings: &StreamHttpSettings, common: &Common) -> Result<(), ServerFault> {
        settings.addresses()?;
        if let Some(oauth) = &settings.oauth {
            oauth.check()?;
        }
        net::auth_headers(common)?;
        ClientSettings::of(common).map(drop)
    }

    async fn connect(&self, cx: ConnectCx, common: Common, settings: StreamHttpSettings) -> Result<Arc<dyn Session>, ServerFault> {
        let (url, root) = settings.addresses()?;
        let client = Signed::new(&cx, &common, &url, settings.oauth.as_ref())?;
        let mut headers = net::auth_headers(&common)?;
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        let schemas = Arc::new(Schemas::default());
        let stalls = Stalls::of(&url);
        let line = Arc::new(Line { cx: cx.clone(), client, url, headers, stalls, schemas: schemas.clone() });
        let opening = Opening { era: settings.era, probe: PROBE, ..Opening::within(common.start_patience(START)) };
        match handshake::connect(&cx, opening, &Http(line.clone())).await {
            Ok(open) => Ok(McpSession::start(cx, open, Some(schemas))),
            Err(fault @ ServerFault::HttpStatus { status: 400 | 404 | 405 | 501, .. }) => {
                // No MCP at that address. The predecessor's servers have their routes at the root.
                match dialect::Dialect::open(line, root).await {
                    Ok(session) => Ok(session),
                    Err(_) => Err(fault),
                }
            }
            Err(fault) => Err(fault),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn addresses(settings: domain::Json) -> Result<(String, String), ServerFault> {
        let settings: StreamHttpSettings = domain::protocol::decode(settings)?;
        settings.addresses().map(|(url, root)| (url.to_string(), root.to_string()))
    }

    #[test]
    fn every_way_to_say_where_the_server_is_works() {
        for (settings, url, root) in [
            (json!({ "url": "https://h.example/mcp?x=1" }), "https://h.example/mcp?x=1", "https://h.example/"),
            (json!({ "stream_url": "http://h:1/stream" }), "http://h:1/stream", "http://h:1/"),
            (json!({ "base_url": "https://h/base" }), "https://h/base", "https://h/base"),
            (json!({ "base_url": "https://h" }), "https://h/mcp", "https://h/"),
            (json!({ "base_url": "https://h/base/", "path": "/mcp" }), "https://h/base/mcp", "https://h/base/"),
            (json!({ "host": "localhost", "port": 8768, "path": "/stream" }), "http://localhost:8768/stream", "http://localhost:8768/"),
            (json!({ "host": "10.0.0.1" }), "http://10.0.0.1:8768/mcp", "http://10.0.0.1:8768/"),
            (json!({ "host": "::1", "port": 80 }), "http://[::1]/mcp", "http://[::1]/"),
        ] {
            assert_eq!(addresses(settings.clone()).unwrap(), (url.to_owned(), root.to_owned()), "{settings}");
        }
    }

    #[test]
    fn an_address_that_is_none_is_refused_with_its_field() {
        for (settings, field) in [
            (json!({}), "url"),
            (json!({ "url": "ftp://h/" }), "url"),
            (json!({ "url": "http://u:p@h/" }), "url"),
            (json!({ "host": "http://h" }), "host"),
            (json!({ "host": "h@x" }), "host"),
            (json!({ "url": "http://h", "color": 1 }), "color"),
        ] {
            let fault = addresses(settings.clone()).unwrap_err();
            assert!(matches!(&fault, ServerFault::Settings { field: named, .. } if named == field), "{settings}: {fault:?}");
        }
    }
}
