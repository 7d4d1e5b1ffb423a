//! The one request that a browser brings back.
//!
//! **Invariant:** it listens on this machine only, answers everybody with the same page, and takes exactly one request: the one with our
//! state.

use std::time::Duration;

use domain::fault::{Phase, ServerFault};
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use net::Url;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const PATH: &str = "/callback";
/// A request's head is no longer than this, and does not take longer.
const HEAD: usize = 32 * 1024;
const PATIENCE: Duration = Duration::from_secs(10);
const VISITORS: usize = 32;
const PAGE: &str = "<!doctype html><meta charset=utf-8><title>Pilothouse</title><p>You can close this page and go back to Pilothouse.<p lang=zh>可以关闭此页面并返回 Pilothouse。";

/// The address that the authorization server sends the browser back to.
pub(super) fn address(port: u16) -> String {
    format!("http://127.0.0.1:{port}{PATH}")
}

/// Where the browser comes back to.
#[derive(Debug)]
pub(super) struct Loopback {
    listener: TcpListener,
    port: u16,
}

impl Loopback {
    /// Listens on the port that a registration names, if it is free, or on any.
    pub(super) async fn bind(wished: Option<u16>) -> Result<Self, ServerFault> {
        let refused = |fault: std::io::Error| ServerFault::Internal { what: format!("no port on this machine for the sign-in: {fault}") };
        let listener = match wished {
            Some(port) if port != 0 => match TcpListener::bind(("127.0.0.1", port)).await {
                Ok(listener) => listener,
                Err(_) => TcpListener::bind(("127.0.0.1", 0)).await.map_err(refused)?,
            },
            _ => TcpListener::bind(("127.0.0.1", 0)).await.map_err(refused)?,
        };
        let port = listener.local_addr().map_err(refused)?.port();
        Ok(Self { listener, port })
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Waits for the request with our state and gives its query. The listener is gone afterwards.
    pub(super) async fn wait(self, state: &str, patience: Duration) -> Result<String, ServerFault> {
        let take = async {
            let mut visitors = FuturesUnordered::new();
            loop {
                tokio::select! {
                    visitor = self.listener.accept(), if visitors.len() < VISITORS => {
                        if let Ok((stream, _)) = visitor {
                            visitors.push(tokio::time::timeout(PATIENCE, serve(stream, self.port, state)));
                        }
                    }
                    Some(query) = visitors.next() => {
                        if let Ok(Some(query)) = query {
                            return query;
                        }
                    }
                }
            }
        };
        tokio::time::timeout(patience, take).await.map_err(|_| ServerFault::Timeout { phase: Phase::Handshake, after: patience })
    }
}

/// Reads one request and answers it. Gives the query if it is the one that is waited for.
async fn serve(mut stream: TcpStream, port: u16, state: &str) -> Option<String> {
    let mut head = Vec::new();
    let mut piece = [0; 4096];
    while !head.windows(4).any(|window| window == b"\r\n\r\n") {
        let read = stream.read(&mut piece).await.ok()?;
        if read == 0 || head.len() + read > HEAD {
            return None;
        }
        head.extend_from_slice(piece.get(..read)?);
    }
    let query = wanted(&String::from_utf8_lossy(&head), port, state);
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: {}\r\ncontent-security-policy: default-src 'none'\r\nreferrer-policy: no-referrer\r\ncache-control: no-store\r\nconnection: close\r\n\r\n{PAGE}",
        PAGE.len()
    );
    let _ = stream.write_all(answer.as_bytes()).await;
    let _ = stream.shutdown().await;
    query
}

/// The query, if this is a GET of our path, at our address, with our state.
fn wanted(head: &str, port: u16, state: &str) -> Option<String> {
    let mut lines = head.split("\r\n");
    let target = lines.next()?.strip_prefix("GET ")?.split(' ').next()?;
    let host = lines.find_map(|line| line.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case("host")))?.1.trim();
    // Another name for this machine in the Host header is a page that was rebound to us.
    if host != format!("127.0.0.1:{port}") && host != format!("localhost:{port}") {
        return None;
    }
    let (path, query) = target.split_once('?')?;
    let url = Url::parse(&format!("{}?{query}", address(port))).ok()?;
    let states: Vec<_> = url.query_pairs().filter(|(key, _)| key == "state").map(|(_, value)| value.into_owned()).collect();
    (path == PATH && states == [state]).then(|| query.to_owned())
}

/// Why the answer is a refusal, if it is one. The words of somebody who is not the issuer are not shown.
pub(super) fn refusal(query: &str, issuer: &str) -> Option<String> {
    let url = Url::parse(&format!("{}?{query}", address(0))).ok()?;
    let get = |wanted: &str| url.query_pairs().find(|(key, _)| key == wanted).map(|(_, value)| value.into_owned());
    let error = get("error")?;
    if get("iss").is_some_and(|iss| iss != issuer) {
        return Some("the answer came from another issuer".to_owned());
    }
    let error: String = error.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(60).collect();
    Some(format!("the authorization server answered {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_request_is_taken() {
        // C-46.
        for (head, taken) in [
            ("GET /callback?code=a&state=s HTTP/1.1\r\nHost: 127.0.0.1:7\r\n\r\n", true),
            ("GET /callback?code=a&state=s HTTP/1.1\r\nhost: localhost:7\r\n\r\n", true),
            ("GET /callback?code=a&state=x HTTP/1.1\r\nHost: 127.0.0.1:7\r\n\r\n", false),
            ("GET /callback?code=a HTTP/1.1\r\nHost: 127.0.0.1:7\r\n\r\n", false),
            ("GET /callback?code=a&state=s&state=x HTTP/1.1\r\nHost: 127.0.0.1:7\r\n\r\n", false),
            ("GET /other?code=a&state=s HTTP/1.1\r\nHost: 127.0.0.1:7\r\n\r\n", false),
            ("POST /callback?code=a&state=s HTTP/1.1\r\nHost: 127.0.0.1:7\r\n\r\n", false),
            ("GET /callback?code=a&state=s HTTP/1.1\r\nHost: evil.example:7\r\n\r\n", false),
            ("GET /callback?code=a&state=s HTTP/1.1\r\n\r\n", false),
            ("nonsense", false),
        ] {
            assert_eq!(wanted(head, 7, "s").is_some(), taken, "{head}");
        }
    }

    #[test]
    fn the_words_of_another_issuer_are_not_shown() {
        // C-46.
        assert_eq!(refusal("code=a&state=s", "https://as"), None);
        assert_eq!(
            refusal("error=access_denied&iss=https%3A%2F%2Fas", "https://as").unwrap(),
            "the authorization server answered access_denied"
        );
        let other = refusal("error=%3Cscript%3E&iss=https%3A%2F%2Fevil", "https://as").unwrap();
        assert!(!other.contains("script"));
        assert_eq!(refusal("error=%3Ch1%3Ex&error_description=call+0800", "https://as").unwrap(), "the authorization server answered h1x");
    }

    #[tokio::test]
    async fn strangers_do_not_keep_the_person_out() {
        let loopback = Loopback::bind(None).await.unwrap();
        let port = loopback.port();
        let visit = |target: &'static str| async move {
            let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            stream.write_all(format!("GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n").as_bytes()).await.unwrap();
            let mut page = String::new();
            stream.read_to_string(&mut page).await.unwrap();
            page
        };
        let silent = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let (query, pages) = tokio::join!(loopback.wait("s", Duration::from_secs(20)), async {
            let one = visit("/callback?code=evil&state=guess").await;
            let two = visit("/favicon.ico").await;
            let three = visit("/callback?code=good&state=s").await;
            [one, two, three]
        });
        drop(silent);
        assert_eq!(query.unwrap(), "code=good&state=s");
        assert!(pages.iter().all(|page| page == &pages[0] && page.contains("close this page")), "everybody sees the same");
        assert!(TcpStream::connect(("127.0.0.1", port)).await.is_err(), "nobody listens any more");
    }
}
