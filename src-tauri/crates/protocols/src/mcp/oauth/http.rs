//! The network as OAuth may use it: addresses that a server names are not trusted (C-45, C-48).

use std::net::IpAddr;
use std::time::Duration;

use domain::fault::{Phase, ServerFault};
use net::{AddressRule, Client, ClientSettings, Request, Url};
use rmcp::transport::auth::{OAuthHttpClient, OAuthHttpClientFuture, OAuthHttpRequest};
use url::Host;

/// A metadata document or a token is no larger.
const BODY: usize = 1024 * 1024;
const PATIENCE: Duration = Duration::from_secs(30);

/// Where the MCP server itself is decides where its authorization server may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// The server is on this machine: so may be everything.
    Loopback,
    /// The server is in a private network: so may be its authorization server.
    Private,
    /// The server is on the internet: nothing private is called on its behalf.
    Public,
}

pub(super) struct AuthHttp {
    open: Client,
    public: Client,
    server: Url,
}

impl AuthHttp {
    pub(super) fn new(settings: &ClientSettings, server: &Url) -> Result<Self, ServerFault> {
        let open = net::client(settings)?;
        let public = net::client(&ClientSettings { addresses: AddressRule::PublicOnly, ..settings.clone() })?;
        Ok(Self { open, public, server: server.clone() })
    }

    async fn reach(&self) -> Reach {
        if net::is_loopback(&self.server) {
            return Reach::Loopback;
        }
        let addresses: Vec<IpAddr> = match self.server.host() {
            Some(Host::Ipv4(ip)) => vec![ip.into()],
            Some(Host::Ipv6(ip)) => vec![ip.into()],
            Some(Host::Domain(name)) => {
                tokio::net::lookup_host((name, 0)).await.map(|all| all.map(|address| address.ip()).collect()).unwrap_or_default()
            }
            None => vec![],
        };
        if !addresses.is_empty() && addresses.iter().all(|ip| !net::is_public(*ip) && !ip.is_loopback()) {
            Reach::Private
        } else {
            Reach::Public
        }
    }

    async fn run(&self, request: http::Request<Vec<u8>>) -> Result<http::Response<Vec<u8>>, ServerFault> {
        let (parts, body) = request.into_parts();
        let uri = parts.uri.to_string();
        let refuse = |reason: &str| ServerFault::AddressRefused {
            address: uri.chars().filter(|c| !c.is_control()).take(120).collect(),
            reason: reason.into(),
        };
        let url = Url::parse(&uri).map_err(|_| refuse("it is no address"))?;
        let reach = self.reach().await;
        if url.scheme() != "https" && !(net::is_loopback(&url) && reach == Reach::Loopback) && !net::same_origin(&url, &self.server) {
            return Err(refuse("an authorization server must be reached by https"));
        }
        let client = match reach {
            Reach::Public => &self.public,
            Reach::Loopback | Reach::Private => &self.open,
        };
        if reach == Reach::Private && forbidden_to_private(&url) {
            return Err(refuse("it is this machine or a metadata service"));
        }
        let mut wanted = Request::new(parts.method, url);
        wanted.headers = parts.headers;
        wanted.body = (!body.is_empty()).then(|| body.into());
        let exchange = async {
            let response = client.send(wanted).await?;
            let mut answer = http::Response::builder().status(response.status());
            for (name, value) in response.headers() {
                // The body below is decoded already.
                if name != http::header::CONTENT_ENCODING && name != http::header::CONTENT_LENGTH {
                    answer = answer.header(name, value);
                }
            }
            let body = response.read_limited(BODY).await?;
            answer.body(body.to_vec()).map_err(|fault| ServerFault::Internal { what: fault.to_string() })
        };
        tokio::time::timeout(PATIENCE, exchange).await.map_err(|_| ServerFault::Timeout { phase: Phase::Total, after: PATIENCE })?
    }
}

/// Loopback and link-local: what even a private server has no reason to name.
fn forbidden_to_private(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback() || ip.is_link_local() || ip.is_unspecified(),
        Some(Host::Ipv6(ip)) => {
            let inner = ip.to_ipv4_mapped();
            ip.is_loopback()
                || ip.is_unspecified()
                || (ip.segments()[0] & 0xffc0) == 0xfe80
                || inner.is_some_and(|ip| ip.is_loopback() || ip.is_link_local())
        }
        Some(Host::Domain(_)) => net::is_loopback(url),
        None => true,
    }
}

impl OAuthHttpClient for AuthHttp {
    fn execute(&self, request: OAuthHttpRequest) -> OAuthHttpClientFuture<'_> {
        Box::pin(
            async move { self.run(request.request).await.map_err(|fault| Box::new(fault) as Box<dyn std::error::Error + Send + Sync>) },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    fn client(server: &str) -> AuthHttp {
        AuthHttp::new(&ClientSettings { proxy: net::ProxyChoice::None, ..ClientSettings::default() }, &Url::parse(server).unwrap()).unwrap()
    }

    #[tokio::test]
    async fn an_address_that_a_public_server_names_is_not_called_when_it_is_private() {
        // C-45.
        let canary = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = canary.local_addr().unwrap().port();
        let private = [
            "https://169.254.169.254/latest/meta-data".to_owned(),
            "https://10.0.0.1/token".into(),
            "https://[fd00::1]/token".into(),
            format!("https://127.0.0.1:{port}/token"),
            format!("https://localhost:{port}/token"),
            "http://as.example/token".into(),
            format!("http://127.0.0.1:{port}/token"),
        ];
        for url in private {
            let request = http::Request::get(&url).body(Vec::new()).unwrap();
            let fault = client("https://1.1.1.1/mcp").run(request).await.unwrap_err();
            assert!(matches!(fault, ServerFault::AddressRefused { .. }), "{url}: {fault:?}");
        }
        let request = http::Request::get("https://169.254.169.254/").body(Vec::new()).unwrap();
        let fault = client("http://10.1.2.3/mcp").run(request).await.unwrap_err();
        assert!(matches!(fault, ServerFault::AddressRefused { .. }), "not for a private server either: {fault:?}");
        let knock = futures::FutureExt::now_or_never(canary.accept());
        assert!(knock.is_none(), "nobody knocked");
    }

    #[test]
    fn a_private_server_may_not_name_this_machine() {
        for (url, forbidden) in [
            ("https://127.0.0.1/x", true),
            ("https://localhost/x", true),
            ("https://169.254.169.254/x", true),
            ("https://[::1]/x", true),
            ("https://[fe80::1]/x", true),
            ("https://[::ffff:127.0.0.1]/x", true),
            ("https://10.0.0.9/x", false),
            ("https://sso.corp/x", false),
        ] {
            assert_eq!(forbidden_to_private(&Url::parse(url).unwrap()), forbidden, "{url}");
        }
    }

    #[tokio::test]
    async fn how_far_a_server_reaches_depends_on_where_it_is() {
        for (server, reach) in [
            ("http://127.0.0.1:1/mcp", Reach::Loopback),
            ("http://localhost/mcp", Reach::Loopback),
            ("http://10.1.2.3/mcp", Reach::Private),
            ("https://1.1.1.1/mcp", Reach::Public),
            ("https://name.invalid/mcp", Reach::Public),
        ] {
            assert_eq!(client(server).reach().await, reach, "{server}");
        }
    }
}
