//! A raw connection for protocols that upgrade one: through the proxy, with TLS, under the same rules as the HTTP client.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use domain::fault::{Phase, ServerFault};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use url::{Host, Url};

use crate::client::HEADER_LIMIT;
use crate::fault::{find, peer_of, tls_reason};
use crate::proxy::Proxies;
use crate::settings::ClientSettings;
use crate::tls::tls_config;

/// Header lines of one answer.
const LINES: usize = 100;

/// A connection, whatever it goes through.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// Makes raw connections.
pub struct Dialer {
    tls: Arc<rustls::ClientConfig>,
    proxies: Proxies,
    connect_timeout: Duration,
}

impl std::fmt::Debug for Dialer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dialer").field("proxies", &self.proxies).finish_non_exhaustive()
    }
}

impl Dialer {
    /// Reads the files and the proxy that the settings name.
    pub fn of(settings: &ClientSettings) -> Result<Self, ServerFault> {
        let mut tls = tls_config(&settings.tls)?;
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { tls: Arc::new(tls), proxies: Proxies::of(&settings.proxy)?, connect_timeout: settings.connect_timeout })
    }

    /// Connects to the host of an `http`, `https`, `ws` or `wss` address; with TLS for `https` and `wss`.
    pub async fn dial(&self, url: &Url) -> Result<Box<dyn Io>, ServerFault> {
        let after = self.connect_timeout;
        tokio::time::timeout(after, self.connect(url)).await.map_err(|_| ServerFault::Timeout { phase: Phase::Connect, after })?
    }

    async fn connect(&self, url: &Url) -> Result<Box<dyn Io>, ServerFault> {
        let proxy = self.proxies.for_url(url);
        let peer = peer_of(url, proxy.as_ref());
        let io: Box<dyn Io> = match &proxy {
            None => Box::new(tcp(url, &peer).await?),
            Some(proxy) => {
                let first = tcp(proxy, &peer).await?;
                let unreachable = |reason: String| ServerFault::Unreachable { peer: peer.clone(), reason };
                match proxy.scheme() {
                    "http" => tunnel(Box::new(first), url, proxy).await.map_err(unreachable)?,
                    "https" => {
                        let secure = self.secured(Box::new(first), proxy).await?;
                        tunnel(secure, url, proxy).await.map_err(unreachable)?
                    }
                    _ => socks(Box::new(first), url, proxy).await.map_err(unreachable)?,
                }
            }
        };
        if matches!(url.scheme(), "https" | "wss") { self.secured(io, url).await } else { Ok(io) }
    }

    async fn secured(&self, io: Box<dyn Io>, url: &Url) -> Result<Box<dyn Io>, ServerFault> {
        let name = match url.host() {
            Some(Host::Domain(name)) => ServerName::try_from(name.trim_end_matches('.').to_owned()).ok(),
            Some(Host::Ipv4(ip)) => Some(ServerName::IpAddress(std::net::IpAddr::V4(ip).into())),
            Some(Host::Ipv6(ip)) => Some(ServerName::IpAddress(std::net::IpAddr::V6(ip).into())),
            None => None,
        };
        let Some(name) = name else {
            return Err(ServerFault::TlsFailed { reason: "no certificate can be for this name".to_owned() });
        };
        match tokio_rustls::TlsConnector::from(self.tls.clone()).connect(name, io).await {
            Ok(stream) => Ok(Box::new(stream)),
            Err(fault) => Err(match find::<rustls::Error>(&fault) {
                Some(tls) => ServerFault::TlsFailed { reason: tls_reason(tls) },
                None => ServerFault::TlsFailed { reason: "the other side closed the connection during the handshake".to_owned() },
            }),
        }
    }
}

async fn tcp(url: &Url, peer: &str) -> Result<TcpStream, ServerFault> {
    let unreachable = |reason: String| ServerFault::Unreachable { peer: peer.to_owned(), reason };
    let port = url.port_or_known_default().or_else(|| url.scheme().starts_with("socks").then_some(1080)).unwrap_or(80);
    let addresses: Vec<_> = match url.host() {
        Some(Host::Ipv4(ip)) => vec![(ip, port).into()],
        Some(Host::Ipv6(ip)) => vec![(ip, port).into()],
        Some(Host::Domain(name)) => {
            tokio::net::lookup_host((name, port)).await.map_err(|_| unreachable("the name cannot be resolved".to_owned()))?.collect()
        }
        None => Vec::new(),
    };
    let mut last = "the name has no address".to_owned();
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Err(fault) => {
                last = match fault.kind() {
                    std::io::ErrorKind::ConnectionRefused => "nobody listens there (connection refused)".to_owned(),
                    _ => crate::response::shown(&fault.to_string()),
                };
            }
        }
    }
    Err(unreachable(last))
}

fn credentials(proxy: &Url) -> Option<(String, String)> {
    let plain = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
    (!proxy.username().is_empty()).then(|| (plain(proxy.username()), plain(proxy.password().unwrap_or_default())))
}

/// `CONNECT` through an HTTP proxy. The reason of a failure names no credential.
async fn tunnel(mut io: Box<dyn Io>, url: &Url, proxy: &Url) -> Result<Box<dyn Io>, String> {
    let host = url.host_str().unwrap_or_default();
    let port = url.port_or_known_default().unwrap_or(80);
    let auth = credentials(proxy)
        .map(|(user, password)| format!("Proxy-Authorization: Basic {}\r\n", STANDARD.encode(format!("{user}:{password}"))))
        .unwrap_or_default();
    let request = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n{auth}\r\n");
    io.write_all(request.as_bytes()).await.map_err(|_| "the proxy closed the connection".to_owned())?;
    let head = read_head(&mut io).await.map_err(|fault| format!("the proxy's answer: {fault}"))?;
    match head.status.as_u16() {
        200..=299 if head.rest.is_empty() => Ok(io),
        200..=299 => Err("the proxy answered with a page instead of a connection".to_owned()),
        407 => Err("the proxy asks for credentials (407)".to_owned()),
        status => Err(format!("the proxy refused the connection (HTTP {status})")),
    }
}

/// SOCKS 5 (RFC 1928, 1929). With `socks5h` the proxy resolves the name.
async fn socks(mut io: Box<dyn Io>, url: &Url, proxy: &Url) -> Result<Box<dyn Io>, String> {
    const BROKEN: &str = "the proxy does not speak SOCKS 5";
    let cut = |_: std::io::Error| "the proxy closed the connection".to_owned();
    let auth = credentials(proxy);
    io.write_all(&[5, 1, if auth.is_some() { 2 } else { 0 }]).await.map_err(cut)?;
    let mut pair = [0; 2];
    io.read_exact(&mut pair).await.map_err(cut)?;
    match (pair, &auth) {
        ([5, 0], _) => {}
        ([5, 2], Some((user, password))) => {
            let (Ok(user_length), Ok(password_length)) = (u8::try_from(user.len()), u8::try_from(password.len())) else {
                return Err("the proxy's credentials are too long for SOCKS".to_owned());
            };
            let mut message = vec![1, user_length];
            message.extend_from_slice(user.as_bytes());
            message.push(password_length);
            message.extend_from_slice(password.as_bytes());
            io.write_all(&message).await.map_err(cut)?;
            io.read_exact(&mut pair).await.map_err(cut)?;
            if pair != [1, 0] {
                return Err("the proxy refused the credentials".to_owned());
            }
        }
        ([5, _], _) => return Err("the proxy asks for credentials".to_owned()),
        _ => return Err(BROKEN.to_owned()),
    }
    let port = url.port_or_known_default().unwrap_or(80);
    let mut message = vec![5, 1, 0];
    let mut address = match url.host() {
        Some(Host::Ipv4(ip)) => Some(std::net::IpAddr::V4(ip)),
        Some(Host::Ipv6(ip)) => Some(std::net::IpAddr::V6(ip)),
        _ => None,
    };
    let name = url.domain().unwrap_or_default();
    if address.is_none() && proxy.scheme() == "socks5" {
        let found = tokio::net::lookup_host((name, port)).await.ok().and_then(|mut all| all.next());
        address = Some(found.ok_or("the name cannot be resolved")?.ip());
    }
    match address {
        Some(std::net::IpAddr::V4(ip)) => {
            message.push(1);
            message.extend_from_slice(&ip.octets());
        }
        Some(std::net::IpAddr::V6(ip)) => {
            message.push(4);
            message.extend_from_slice(&ip.octets());
        }
        None => {
            message.push(3);
            message.push(u8::try_from(name.len()).map_err(|_| "the name is too long for SOCKS")?);
            message.extend_from_slice(name.as_bytes());
        }
    }
    message.extend_from_slice(&port.to_be_bytes());
    io.write_all(&message).await.map_err(cut)?;
    let mut head = [0; 4];
    io.read_exact(&mut head).await.map_err(cut)?;
    let [5, outcome, _, kind] = head else { return Err(BROKEN.to_owned()) };
    if outcome != 0 {
        return Err(match outcome {
            2 => "the proxy's rules forbid it".to_owned(),
            3 | 4 => "the proxy has no route to it".to_owned(),
            5 => "nobody listens there (connection refused, says the proxy)".to_owned(),
            other => format!("the proxy refused the connection ({other})"),
        });
    }
    let length = match kind {
        1 => 4,
        4 => 16,
        3 => usize::from(io.read_u8().await.map_err(cut)?),
        _ => return Err(BROKEN.to_owned()),
    };
    let mut bound = vec![0; length + 2];
    io.read_exact(&mut bound).await.map_err(cut)?;
    Ok(io)
}

/// The head of an HTTP/1.1 answer, and what came after it.
#[derive(Debug)]
pub struct Head {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The first bytes of what follows.
    pub rest: Bytes,
}

/// Reads the head of an answer, within [`HEADER_LIMIT`] and 100 lines. Patience is the caller's.
pub async fn read_head(io: &mut (impl AsyncRead + Unpin + ?Sized)) -> Result<Head, ServerFault> {
    let mut bytes = BytesMut::with_capacity(4096);
    let mut searched = 0;
    let end = loop {
        if let Some(at) = bytes.get(searched..).and_then(|new| new.windows(4).position(|four| four == b"\r\n\r\n")) {
            break searched + at;
        }
        searched = bytes.len().saturating_sub(3);
        if bytes.len() > HEADER_LIMIT {
            return Err(ServerFault::ResourceLimit { what: "the header block".to_owned(), limit: HEADER_LIMIT as u64 });
        }
        if bytes.len() >= 5 && !bytes.starts_with(b"HTTP/") {
            let shown = crate::response::shown(&String::from_utf8_lossy(&bytes));
            return Err(ServerFault::ProtocolViolation { rule: format!("the answer is not HTTP: {shown}") });
        }
        match io.read_buf(&mut bytes).await {
            Ok(0) | Err(_) => {
                return Err(ServerFault::ConnectionLost {
                    reason: "the peer closed the connection before it answered".to_owned(),
                    lost_result: false,
                });
            }
            Ok(_) => {}
        }
    };
    let head = bytes.split_to(end + 4);
    let rest = bytes.freeze();
    parse_head(head.get(..end).unwrap_or_default()).map(|(status, headers)| Head { status, headers, rest })
}

fn parse_head(head: &[u8]) -> Result<(StatusCode, HeaderMap), ServerFault> {
    let broken = |what: &str| ServerFault::ProtocolViolation { rule: format!("the answer is not HTTP: {what}") };
    let mut lines: VecDeque<&[u8]> = head.split(|&byte| byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line)).collect();
    let first = lines.pop_front().unwrap_or_default();
    let mut words = first.splitn(3, |&byte| byte == b' ');
    let version = words.next().unwrap_or_default();
    let status = words.next().and_then(|status| StatusCode::from_bytes(status).ok());
    let (true, Some(status)) = (version == b"HTTP/1.1" || version == b"HTTP/1.0", status) else {
        return Err(broken(&crate::response::shown(&String::from_utf8_lossy(first))));
    };
    if lines.len() > LINES {
        return Err(ServerFault::ResourceLimit { what: "the number of headers".to_owned(), limit: LINES as u64 });
    }
    let mut headers = HeaderMap::new();
    for line in lines {
        let colon = line.iter().position(|&byte| byte == b':').ok_or_else(|| broken("a header line without a colon"))?;
        let (name, value) = line.split_at(colon);
        let name = HeaderName::from_bytes(name).map_err(|_| broken("a header name"))?;
        let value = HeaderValue::from_bytes(value.get(1..).unwrap_or_default().trim_ascii()).map_err(|_| broken("a header value"))?;
        headers.append(name, value);
    }
    Ok((status, headers))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ProxyChoice;
    use domain::secret::Secret;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn a_head_is_read_in_any_cut_and_within_limits() {
        let whole = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nX: a:b \r\n\r\nrest";
        for cut in 1..whole.len() {
            let (one, two) = whole.split_at(cut);
            let head = read_head(&mut one.chain(two)).await.unwrap();
            assert_eq!((head.status.as_u16(), head.headers["x"].as_bytes()), (101, &b"a:b"[..]));
            assert!(b"rest".starts_with(&head.rest[..]), "what follows is kept");
        }
        for (bytes, fault) in [
            (b"SSH-2.0-x\r\n\r\n".to_vec(), "protocol_violation"),
            (b"HTTP/1.1 abc\r\n\r\n".to_vec(), "protocol_violation"),
            (b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n".to_vec(), "protocol_violation"),
            (b"HTTP/1.1 200 OK\r\nA: 1\r\n folded: x\r\n\r\n".to_vec(), "protocol_violation"),
            (b"HTTP/1.1 200 OK\r\nA: 1".to_vec(), "connection_lost"),
            ([&b"HTTP/1.1 200 OK\r\nA: "[..], &vec![b'x'; 1 << 20]].concat(), "resource_limit"),
            ([&b"HTTP/1.1 200 OK\r\n"[..], &b"A: 1\r\n".repeat(10_000), b"\r\n"].concat(), "resource_limit"),
        ] {
            assert_eq!(read_head(&mut &bytes[..]).await.unwrap_err().code(), fault);
        }
    }

    fn through(proxy: String) -> Dialer {
        let choice = ProxyChoice::parse(Some(&Secret::new(proxy))).unwrap();
        Dialer::of(&ClientSettings { proxy: choice, ..ClientSettings::default() }).unwrap()
    }

    #[tokio::test]
    async fn a_socks_proxy_gets_the_name_and_the_credentials_and_hands_over_the_line() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = format!("socks5h://user:p%40ss@{}", listener.local_addr().unwrap());
        let served = async {
            let (mut io, _) = listener.accept().await.unwrap();
            let mut three = [0; 3];
            io.read_exact(&mut three).await.unwrap();
            assert_eq!(three, [5, 1, 2]);
            io.write_all(&[5, 2]).await.unwrap();
            let mut auth = vec![0; 1 + 1 + 4 + 1 + 4];
            io.read_exact(&mut auth).await.unwrap();
            assert_eq!(auth, b"\x01\x04user\x04p@ss");
            io.write_all(&[1, 0]).await.unwrap();
            let mut request = vec![0; 4 + 1 + 6 + 2];
            io.read_exact(&mut request).await.unwrap();
            assert_eq!(request, b"\x05\x01\x00\x03\x06h.test\x00\x50");
            io.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await.unwrap();
            io.write_all(b"hello").await.unwrap();
        };
        let dialled = async {
            let mut io = through(proxy).dial(&Url::parse("ws://h.test/").unwrap()).await.unwrap();
            let mut hello = [0; 5];
            io.read_exact(&mut hello).await.unwrap();
            assert_eq!(&hello, b"hello");
        };
        tokio::join!(served, dialled);
    }

    #[tokio::test]
    async fn a_proxy_that_refuses_lies_or_hangs_is_told_without_its_password() {
        for (answer, part) in [
            (&b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"[..], "407"),
            (b"HTTP/1.1 403 Forbidden\r\n\r\n", "403"),
            (b"HTTP/1.1 200 OK\r\n\r\n<h1>portal</h1>", "page"),
            (b"220 mail ready\r\n\r\n", "not HTTP"),
            (b"", "closed"),
        ] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let proxy = format!("http://user:hunter2@{}", listener.local_addr().unwrap());
            let served = async {
                let (mut io, _) = listener.accept().await.unwrap();
                let mut request = [0; 1024];
                let read = io.read(&mut request).await.unwrap();
                let text = String::from_utf8_lossy(&request[..read]).into_owned();
                assert!(text.starts_with("CONNECT h.test:443 HTTP/1.1\r\n") && text.contains("Basic dXNlcjpodW50ZXIy"), "{text}");
                io.write_all(answer).await.unwrap();
            };
            let (fault, ()) =
                tokio::join!(async { through(proxy).dial(&Url::parse("wss://h.test/").unwrap()).await.map(drop).unwrap_err() }, served);
            assert!(matches!(fault, ServerFault::Unreachable { .. }), "{fault:?}");
            assert!(fault.to_string().contains(part) && !fault.to_string().contains("hunter2"), "{fault}");
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let choice = ProxyChoice::parse(Some(&Secret::new(format!("http://{}", listener.local_addr().unwrap())))).unwrap();
        let dialer =
            Dialer::of(&ClientSettings { proxy: choice, connect_timeout: Duration::from_millis(100), ..ClientSettings::default() })
                .unwrap();
        let silent = dialer.dial(&Url::parse("wss://h.test/").unwrap()).await.map(drop);
        assert!(matches!(silent, Err(ServerFault::Timeout { phase: Phase::Connect, .. })), "{silent:?}");
    }
}
