//! The one request that a browser brings back after a sign-in.
//!
//! **Invariant:** it listens on this machine only, answers everybody with the same page, and takes exactly one request: the one with our
//! state.

use std::time::Duration;

use domain::fault::{Phase, ServerFault};
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

/// A request's head is no longer than this, and does not take longer.
const HEAD: usize = 32 * 1024;
const PATIENCE: Duration = Duration::from_secs(10);
const VISITORS: usize = 32;
const PAGE: &str = "<!doctype html><meta charset=utf-8><title>Pilothouse</title><p>You can close this page and go back to Pilothouse.<p lang=zh>可以关闭此页面并返回 Pilothouse。";

/// Where the browser comes back to.
#[derive(Debug)]
pub struct Loopback {
    listener: TcpListener,
    port: u16,
    path: String,
}

impl Loopback {
    /// Listens on that port of 127.0.0.1 (0: any that is free) for a request of that path.
    pub async fn bind(port: u16, path: &str) -> Result<Self, ServerFault> {
        let refused = |fault: std::io::Error| ServerFault::Internal { what: format!("no port on this machine for the sign-in: {fault}") };
        let listener = TcpListener::bind(("127.0.0.1", port)).await.map_err(refused)?;
        let port = listener.local_addr().map_err(refused)?.port();
        Ok(Self { listener, port, path: path.to_owned() })
    }

    /// The port that it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its address as an authorization server is told it.
    pub fn address(&self) -> String {
        Self::address_of(self.port, &self.path)
    }

    /// The address that a port and a path make.
    pub fn address_of(port: u16, path: &str) -> String {
        format!("http://127.0.0.1:{port}{path}")
    }

    /// Waits for the request with our state and gives its query. The listener is gone afterwards.
    pub async fn wait(self, state: &str, patience: Duration) -> Result<String, ServerFault> {
        let take = async {
            let mut visitors = FuturesUnordered::new();
            loop {
                tokio::select! {
                    visitor = self.listener.accept(), if visitors.len() < VISITORS => {
                        if let Ok((stream, _)) = visitor {
                            visitors.push(tokio::time::timeout(PATIENCE, serve(stream, self.port, &self.path, state)));
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
async fn serve(mut stream: TcpStream, port: u16, path: &str, state: &str) -> Option<String> {
    let mut head = Vec::new();
    let mut piece = [0; 4096];
    while !head.windows(4).any(|window| window == b"\r\n\r\n") {
        let read = stream.read(&mut piece).await.ok()?;
        if read == 0 || head.len() + read > HEAD {
            return None;
        }
        head.extend_from_slice(piece.get(..read)?);
    }
    let query = wanted(&String::from_utf8_lossy(&head), port, path, state);
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: {}\r\ncontent-security-policy: default-src 'none'\r\nreferrer-policy: no-referrer\r\ncache-control: no-store\r\nconnection: close\r\n\r\n{PAGE}",
        PAGE.len()
    );
    let _ = stream.write_all(answer.as_bytes()).await;
    let _ = stream.shutdown().await;
    query
}

/// The query, if this is a GET of our path, at our address, with our state.
fn wanted(head: &str, port: u16, path: &str, state: &str) -> Option<String> {
    let mut lines = head.split("\r\n");
    let target = lines.next()?.strip_prefix("GET ")?.split(' ').next()?;
    let host = lines.find_map(|line| line.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case("host")))?.1.trim();
    // Another name for this machine in the Host header is a page that was rebound to us.
    if host != format!("127.0.0.1:{port}") && host != format!("localhost:{port}") {
        return None;
    }
    let (asked, query) = target.split_once('?')?;
    let url = Url::parse(&format!("{}?{query}", Loopback::address_of(port, path))).ok()?;
    let states: Vec<_> = url.query_pairs().filter(|(key, _)| key == "state").map(|(_, value)| value.into_owned()).collect();
    (asked == path && states == [state]).then(|| query.to_owned())
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
            assert_eq!(wanted(head, 7, "/callback", "s").is_some(), taken, "{head}");
        }
        assert!(wanted("GET /?code=a&state=s HTTP/1.1\r\nHost: localhost:7\r\n\r\n", 7, "/", "s").is_some(), "an address without a path");
    }

    #[tokio::test]
    async fn strangers_do_not_keep_the_person_out() {
        let loopback = Loopback::bind(0, "/callback").await.unwrap();
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
