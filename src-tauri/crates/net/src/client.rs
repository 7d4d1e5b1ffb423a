//! The client: one request, one answer, same-origin redirects, nothing remembered.
//!
//! **Invariant:** a request's headers never reach an origin other than the one it was made for.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use domain::fault::ServerFault;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use serde_json::Value as Json;
use url::{Host, Url};

use crate::address::{AddressRule, SafeUrl, is_public, same_origin};
use crate::body::Coding;
use crate::fault::{Sent, peer_of};
use crate::proxy::Proxies;
use crate::response::Response;
use crate::settings::ClientSettings;
use crate::tls::tls_config_with;

/// How Pilothouse introduces itself.
pub const USER_AGENT: &str = concat!("Pilothouse/", env!("CARGO_PKG_VERSION"));
/// The codings that a body may come in.
const CODINGS: &str = "gzip, br, zstd, deflate";
/// Largest block of response headers.
pub const HEADER_LIMIT: usize = 64 * 1024;
/// So many redirects are followed, all to the same origin.
const REDIRECTS: usize = 3;

/// A request to be sent.
#[derive(Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The address.
    pub url: Url,
    /// Its headers. Values that are credentials are marked sensitive.
    pub headers: HeaderMap,
    /// The body; sent again when a 307 or 308 of the same origin asks for it.
    pub body: Option<Bytes>,
}

impl Request {
    /// With no headers and no body.
    pub fn new(method: Method, url: Url) -> Self {
        Self { method, url, headers: HeaderMap::new(), body: None }
    }

    /// A GET that would like JSON.
    pub fn get(url: Url) -> Self {
        Self::new(Method::GET, url).header(header::ACCEPT, HeaderValue::from_static("application/json"))
    }

    /// A GET for an event stream. It asks for no compression, so that nothing is held back on the way.
    pub fn events(url: Url) -> Self {
        Self::new(Method::GET, url)
            .header(header::ACCEPT, HeaderValue::from_static("text/event-stream"))
            .header(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"))
            .header(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))
    }

    /// A POST of JSON.
    pub fn post_json(url: Url, body: &Json) -> Self {
        let mut request = Self::new(Method::POST, url)
            .header(header::ACCEPT, HeaderValue::from_static("application/json"))
            .header(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        request.body = Some(Bytes::from(body.to_string()));
        request
    }

    /// Adds what every request carries anyway. For headers that are kept and used again: adding it to each request would make each grow.
    pub fn complete(headers: &mut HeaderMap) {
        headers.entry(header::ACCEPT_ENCODING).or_insert(HeaderValue::from_static(CODINGS));
        headers.entry(header::USER_AGENT).or_insert(HeaderValue::from_static(USER_AGENT));
    }

    /// The same request with one header set.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// The same request with further headers, each over one of that name.
    #[must_use]
    pub fn headers(mut self, more: &HeaderMap) -> Self {
        for (name, value) in more {
            self.headers.insert(name.clone(), value.clone());
        }
        self
    }
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request").field("method", &self.method).field("url", &SafeUrl(&self.url)).finish_non_exhaustive()
    }
}

/// A client with its own pool of connections. Cheap to clone; clones share the pool.
#[derive(Clone)]
pub struct Client {
    inner: reqwest::Client,
    proxies: Arc<Proxies>,
    addresses: AddressRule,
    connect_timeout: Duration,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("proxies", &self.proxies).field("addresses", &self.addresses).finish_non_exhaustive()
    }
}

/// Makes a client. Reads the files and the proxy that the settings name.
pub fn client(settings: &ClientSettings) -> Result<Client, ServerFault> {
    let proxies = Arc::new(Proxies::of(&settings.proxy)?);
    client_through(settings, proxies)
}

fn client_through(settings: &ClientSettings, proxies: Arc<Proxies>) -> Result<Client, ServerFault> {
    let tls = tls_config_with(&settings.tls, settings.roots_pem.as_deref())?;
    let choose = Arc::clone(&proxies);
    #[expect(clippy::disallowed_methods, reason = "this is the owner")]
    let builder = reqwest::Client::builder();
    let mut builder = builder
        .tls_backend_preconfigured(tls)
        .user_agent(USER_AGENT)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_gzip()
        .no_brotli()
        .no_zstd()
        .no_deflate()
        .referer(false)
        .connect_timeout(settings.connect_timeout)
        .pool_idle_timeout(settings.keep_idle)
        .tcp_nodelay(true)
        .tcp_keepalive(Duration::from_secs(15))
        .tcp_keepalive_interval(Duration::from_secs(15))
        .tcp_keepalive_retries(3)
        .http2_max_header_list_size(u32::try_from(HEADER_LIMIT).unwrap_or(u32::MAX))
        .http2_adaptive_window(true)
        .http2_keep_alive_interval(Duration::from_secs(20))
        .http2_keep_alive_timeout(Duration::from_secs(20))
        .http2_keep_alive_while_idle(true)
        .proxy(reqwest::Proxy::custom(move |url| choose.for_url(url)));
    #[cfg(any(target_os = "linux", target_os = "android", target_os = "fuchsia"))]
    {
        builder = builder.tcp_user_timeout(Duration::from_mins(1));
    }
    if settings.addresses == AddressRule::PublicOnly {
        builder = builder.dns_resolver(Arc::new(PublicNames));
    }
    let inner = builder.build().map_err(|fault| ServerFault::Internal { what: format!("the HTTP client cannot be built: {fault}") })?;
    Ok(Client { inner, proxies, addresses: settings.addresses, connect_timeout: settings.connect_timeout })
}

impl Client {
    /// The proxy that an address goes through, for diagnostics, without its credentials.
    pub fn proxy_for(&self, url: &Url) -> Option<String> {
        self.proxies.for_url(url).map(|proxy| SafeUrl(&proxy).to_string())
    }

    /// Sends a request and waits for the answer's headers. Redirects to the same origin are followed, at most three; with 307 and 308 the
    /// body goes along. Any other redirect is [`ServerFault::RedirectRefused`]. There is no limit of time here beyond connecting: the
    /// caller knows what patience is reasonable, and dropping the future gives up.
    pub async fn send(&self, mut request: Request) -> Result<Response, ServerFault> {
        if !request.headers.contains_key(header::ACCEPT_ENCODING) {
            request.headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(CODINGS));
        }
        let authenticated = request.headers.contains_key(header::AUTHORIZATION) || request.headers.values().any(HeaderValue::is_sensitive);
        let mut hops = 0;
        loop {
            let response = self.hop(&request, authenticated).await?;
            if !matches!(response.status.as_u16(), 301 | 302 | 303 | 307 | 308) {
                return Ok(response);
            }
            hops += 1;
            request.url = next_url(&request, &response, hops)?;
        }
    }

    /// The same for whoever sends a secret in the body or believes what comes back: no redirect is followed, wherever it leads.
    pub async fn send_straight(&self, mut request: Request) -> Result<Response, ServerFault> {
        request.headers.entry(header::ACCEPT_ENCODING).or_insert(HeaderValue::from_static(CODINGS));
        let authenticated = request.headers.values().any(HeaderValue::is_sensitive);
        let response = self.hop(&request, authenticated).await?;
        if response.status.is_redirection() {
            let location = response.headers.get(header::LOCATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
            // Its query may hold what was sent.
            let to = request.url.join(location).map_or_else(|_| "another address".to_owned(), |url| SafeUrl(&url).to_string());
            return Err(ServerFault::RedirectRefused { to, reason: "none is followed here".to_owned() });
        }
        Ok(response)
    }

    async fn hop(&self, request: &Request, authenticated: bool) -> Result<Response, ServerFault> {
        self.check_address(&request.url)?;
        let sent = Sent {
            peer: peer_of(&request.url, self.proxies.for_url(&request.url).as_ref()),
            connect_timeout: self.connect_timeout,
            writes: !matches!(request.method, Method::GET | Method::HEAD | Method::OPTIONS),
        };
        let mut asked = reqwest::Request::new(request.method.clone(), request.url.clone());
        asked.headers_mut().clone_from(&request.headers);
        *asked.body_mut() = request.body.clone().map(reqwest::Body::from);
        let mut inner = self.inner.execute(asked).await.map_err(|fault| sent.request_fault(&fault))?;
        let block: usize = inner.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
        if block > HEADER_LIMIT {
            return Err(ServerFault::ResourceLimit { what: "the header block".to_owned(), limit: HEADER_LIMIT as u64 });
        }
        let headers = std::mem::take(inner.headers_mut());
        let coding = Coding::of(&headers)?;
        Ok(Response { status: inner.status(), headers, url: request.url.clone(), authenticated, coding, sent, inner })
    }

    fn check_address(&self, url: &Url) -> Result<(), ServerFault> {
        if !matches!(url.scheme(), "http" | "https") || !url.username().is_empty() || url.password().is_some() {
            return Err(ServerFault::AddressRefused {
                address: SafeUrl(url).to_string(),
                reason: "only http and https without a user are called".to_owned(),
            });
        }
        let literal = match url.host() {
            Some(Host::Ipv4(ip)) => Some(ip.into()),
            Some(Host::Ipv6(ip)) => Some(ip.into()),
            _ => None,
        };
        if self.addresses == AddressRule::PublicOnly && literal.is_some_and(|ip| !is_public(ip)) {
            return Err(not_public(url.host_str().unwrap_or_default()));
        }
        Ok(())
    }
}

fn next_url(request: &Request, response: &Response, hops: usize) -> Result<Url, ServerFault> {
    let location =
        response.headers.get(header::LOCATION).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).unwrap_or_default();
    let target = request.url.join(&location);
    let shown = target.as_ref().map_or_else(|_| crate::response::shown(&location), |url| SafeUrl(url).to_string());
    let refuse = |reason: &str| Err(ServerFault::RedirectRefused { to: shown.clone(), reason: reason.to_owned() });
    let Ok(target) = target else { return refuse("it is no address") };
    if location.is_empty() {
        return refuse("it names no address");
    }
    if !target.username().is_empty() || target.password().is_some() || !same_origin(&request.url, &target) {
        return refuse("it leads to another origin, and credentials would follow; put the final address into the settings");
    }
    if hops > REDIRECTS {
        return refuse("there were three before it");
    }
    let keeps_body = matches!(response.status, StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT);
    if !keeps_body && !matches!(request.method, Method::GET | Method::HEAD) {
        return refuse("it would turn the request into a GET");
    }
    Ok(target)
}

fn not_public(host: &str) -> ServerFault {
    ServerFault::AddressRefused { address: host.to_owned(), reason: "a server named it, and it is not on the public internet".to_owned() }
}

/// Resolves names to public addresses only.
struct PublicNames;

impl reqwest::dns::Resolve for PublicNames {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let name = name.as_str().to_owned();
        Box::pin(async move {
            let all: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            // One private answer among public ones is how a name server smuggles it in: then none is called.
            if all.iter().any(|address| !is_public(address.ip())) {
                return Err(Box::new(not_public(&name)) as Box<dyn std::error::Error + Send + Sync>);
            }
            Ok(Box::new(all.into_iter()) as reqwest::dns::Addrs)
        })
    }
}

#[cfg(test)]
mod tests;
