//! `http`: tools behind plain REST. Either the predecessor's form (`/tools`, `/tools/{name}/call`), or any service that has an OpenAPI
//! document, of which every operation becomes a tool.

mod dialect;
mod openapi;
pub(crate) mod shapes;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::fault::{Phase, ServerFault};
use domain::protocol::{Common, ConnectCx, Session, TypedProtocol};
use domain::text::Text;
use net::{Client, ClientSettings, HeaderMap, Request, SafeUrl, Url};
use schemars::JsonSchema;
use serde::Deserialize;

use dialect::Rest;
use openapi::OpenApi;

/// How long a connect may take when the settings do not say.
pub(crate) const START: Duration = Duration::from_secs(30);
/// How long asking for health may take, whatever the other limits are.
pub(crate) const HEALTH: Duration = Duration::from_secs(3);

/// The protocol.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Http;

/// Its settings.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HttpSettings {
    /// Where the service is, such as `https://ops.example/mcp`. Its path is kept in front of every request.
    #[serde(default)]
    base_url: Option<String>,
    /// Host, when there is no `base_url`.
    #[serde(default)]
    host: Option<String>,
    /// Port of `host`.
    #[serde(default)]
    port: Option<u16>,
    /// Base path on `host`.
    #[serde(default)]
    path: Option<String>,
    /// Whether `host` is spoken to over TLS; so it is when `tls` is given.
    #[serde(default)]
    secure: Option<bool>,
    /// An OpenAPI 3 document (JSON): its operations become the tools. Without it, `/openapi.json` is looked at when there is no `/tools`.
    #[serde(default)]
    openapi_url: Option<String>,
}

/// What the settings mean.
struct Places {
    base: Option<Url>,
    document: Option<Url>,
}

impl HttpSettings {
    fn places(&self, tls: bool) -> Result<Places, ServerFault> {
        let filled = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let document = filled(&self.openapi_url).map(|text| net::http_url("openapi_url", &text)).transpose()?;
        let base = match (filled(&self.base_url), filled(&self.host)) {
            (Some(base), _) => Some(net::http_url("base_url", &base)?),
            (None, Some(host)) => {
                let scheme = if self.secure.unwrap_or(tls) { "https" } else { "http" };
                Some(net::placed(scheme, &host, self.port, self.path.as_deref().unwrap_or("/"))?)
            }
            (None, None) if document.is_some() => None,
            (None, None) => {
                return Err(ServerFault::Settings {
                    field: "base_url".into(),
                    reason: "is missing (or host and port, or openapi_url)".into(),
                });
            }
        };
        Ok(Places { base, document })
    }

    fn shown(&self, tls: bool) -> String {
        let places = self.places(tls).ok();
        places.and_then(|places| places.base.or(places.document)).map_or_else(String::new, |url| SafeUrl(&url).to_string())
    }
}

/// What every request of a session is made from.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) client: Client,
    pub(crate) headers: HeaderMap,
    pub(crate) cx: ConnectCx,
}

impl Line {
    /// Sends a request with the credentials; the wire log sees its method and path.
    pub(crate) async fn send(&self, request: Request) -> Result<net::Response, ServerFault> {
        let watched = self.cx.host.wants_frames();
        if watched {
            let body = request.body.as_deref().map(String::from_utf8_lossy).unwrap_or_default();
            self.frame(true, &format!("{} {} {body}", request.method, SafeUrl(&request.url)));
        }
        let answer = self.client.send(request.headers(&self.headers)).await;
        if watched {
            match &answer {
                Ok(answer) => self.frame(false, &format!("HTTP {}", answer.status().as_u16())),
                Err(fault) => self.frame(false, &fault.to_string()),
            }
        }
        answer
    }

    pub(crate) fn frame(&self, sent: bool, text: &str) {
        if self.cx.host.wants_frames() {
            let text = text.get(..text.floor_char_boundary(64 * 1024)).unwrap_or_default().to_owned();
            self.cx.host.frame(domain::protocol::Frame { sent, kind: "http", text });
        }
    }
}

#[async_trait]
impl TypedProtocol for Http {
    const ID: &'static str = "http";
    const ALIASES: &'static [&'static str] = &["rest", "openapi"];
    type Settings = HttpSettings;

    fn label(&self) -> Text {
        Text::new("HTTP (REST, OpenAPI)", "HTTP(REST、OpenAPI)")
    }

    fn about(&self) -> Text {
        Text::new(
            "Tools behind plain HTTP requests, or any REST service that has an OpenAPI document.",
            "以普通 HTTP 请求提供的工具，或任何带有 OpenAPI 文档的 REST 服务。",
        )
    }

    fn health(&self) -> Text {
        Text::new("GET /health within 3 s; with OpenAPI, that the service answers", "3 秒内应答 GET /health;OpenAPI 服务则检查其是否应答")
    }

    fn target(&self, settings: &HttpSettings) -> String {
        settings.shown(false)
    }

    fn target_with(&self, settings: &HttpSettings, common: &Common) -> String {
        settings.shown(common.tls.is_some())
    }

    fn check(&self, settings: &HttpSettings, common: &Common) -> Result<(), ServerFault> {
        settings.places(common.tls.is_some())?;
        net::auth_headers(common)?;
        ClientSettings::of(common).map(drop)
    }

    async fn connect(&self, cx: ConnectCx, common: Common, settings: HttpSettings) -> Result<Arc<dyn Session>, ServerFault> {
        let places = settings.places(common.tls.is_some())?;
        let line = Line { client: net::client(&ClientSettings::of(&common)?)?, headers: net::auth_headers(&common)?, cx };
        let patience = common.start_patience(START);
        let stop = line.cx.stop.clone();
        tokio::select! {
            () = stop.cancelled() => Err(ServerFault::Cancelled),
            opened = tokio::time::timeout(patience, open(line, places)) => {
                opened.map_err(|_| ServerFault::Timeout { phase: Phase::Handshake, after: patience })?
            }
        }
    }
}

async fn open(line: Line, places: Places) -> Result<Arc<dyn Session>, ServerFault> {
    if let Some(document) = places.document {
        let session: Arc<dyn Session> = OpenApi::open(line, document, places.base).await?;
        return Ok(session);
    }
    let Some(base) = places.base else {
        return Err(ServerFault::Settings { field: "base_url".into(), reason: "is missing".into() });
    };
    let first = dialect::list(&line, &base).await;
    if let Err(ServerFault::HttpStatus { status: 404 | 405, .. }) = &first
        && let Some(document) = net::below(&base, &["openapi.json"])
        && let Ok(session) = OpenApi::open(line.clone(), document, Some(base.clone())).await
    {
        return Ok(session);
    }
    let first = match first {
        // Nobody there, or nobody who lets us in: there is no session.
        Err(fault)
            if fault.ends_session()
                || matches!(fault, ServerFault::TlsFailed { .. } | ServerFault::Timeout { .. } | ServerFault::RedirectRefused { .. }) =>
        {
            return Err(fault);
        }
        Err(ServerFault::HttpStatus { status: status @ (404 | 405), .. }) => Err(ServerFault::ProtocolViolation {
            rule: format!("there is neither a tool list at /tools (HTTP {status}) nor a document at /openapi.json"),
        }),
        other => other,
    };
    Ok(Rest::new(line, base, first))
}
