//! MCP's own HTTP+SSE (2024-11-05): messages come as events, and go to the address that the first event named.
//!
//! **Invariant:** messages and credentials go to the stream's own origin and nowhere else.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use domain::fault::ServerFault;
use net::{EventStream, HeaderMap, HeaderValue, Method, Request, SafeUrl, Url, header};

use super::first_event;
use crate::mcp::oauth::Signed;
use crate::mcp::{Dial, Inlet, Outlet, Piece, Wire};

/// The address out of an `endpoint` event: relative or absolute, of the same origin.
pub(super) fn endpoint(stream: &Url, text: &str) -> Result<Url, ServerFault> {
    let text = text.trim();
    let refuse = |reason: &str| {
        let to = stream.join(text).map_or_else(|_| net::shown(text), |url| SafeUrl(&url).to_string());
        Err(ServerFault::RedirectRefused { to, reason: reason.to_owned() })
    };
    if text.is_empty() || text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return refuse("the server named no address to send messages to");
    }
    match stream.join(text) {
        Ok(url) if !url.username().is_empty() || url.password().is_some() => refuse("the server named an address with a user in it"),
        Ok(url) if net::same_origin(stream, &url) => Ok(url),
        _ => refuse("the server wants messages, and the credentials with them, at another origin"),
    }
}

/// An open stream whose first event was read.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) events: EventStream,
    pub(super) endpoint: Url,
    /// The address that the stream came from.
    pub(super) origin: Url,
}

/// Opens streams; the first one is open already.
pub(super) struct EventDial {
    client: Signed,
    url: Url,
    headers: HeaderMap,
    first: Mutex<Option<Opened>>,
}

impl EventDial {
    pub(super) fn new(client: Signed, url: Url, headers: HeaderMap, first: Opened) -> Self {
        Self { client, url, headers, first: Mutex::new(Some(first)) }
    }
}

#[async_trait]
impl Dial for EventDial {
    async fn dial(&self) -> Result<Wire, ServerFault> {
        let first = self.first.lock().unwrap_or_else(PoisonError::into_inner).take();
        let opened = if let Some(opened) = first {
            opened
        } else {
            let (events, event, origin) = first_event(&self.client, &self.url, &self.headers).await?;
            if event.name() != "endpoint" {
                return Err(ServerFault::ProtocolViolation { rule: format!("the first event is `{}` now", net::shown(event.name())) });
            }
            let endpoint = endpoint(&origin, event.data.as_deref().unwrap_or_default())?;
            Opened { events, endpoint, origin }
        };
        let place = Arc::new(Mutex::new(opened.endpoint));
        Ok(Wire {
            outlet: Box::new(Poster { client: self.client.clone(), place: place.clone(), headers: self.headers.clone() }),
            inlet: Box::new(Listener { events: opened.events, origin: opened.origin, place }),
            pid: None,
            stderr: None,
        })
    }
}

struct Listener {
    events: EventStream,
    origin: Url,
    place: Arc<Mutex<Url>>,
}

#[async_trait]
impl Inlet for Listener {
    async fn next(&mut self) -> Result<Piece, ServerFault> {
        loop {
            let event = match self.events.next().await {
                Some(Ok(event)) => event,
                Some(Err(fault @ (ServerFault::MessageTooLarge { .. } | ServerFault::InvalidUtf8 { .. }))) => {
                    return Ok(Piece::Broken { fault, head: Bytes::new() });
                }
                Some(Err(ServerFault::ConnectionLost { reason, .. })) => return Err(lost(reason)),
                Some(Err(fault)) => return Err(fault),
                None => return Err(lost("the server closed the event stream".to_owned())),
            };
            let name = event.name().to_owned();
            match (name.as_str(), event.data) {
                (_, None) => {}
                ("message", Some(text)) => return Ok(Piece::Text(Bytes::from(text))),
                ("endpoint", Some(text)) => {
                    let moved = endpoint(&self.origin, &text)?;
                    *self.place.lock().unwrap_or_else(PoisonError::into_inner) = moved;
                }
                (other, Some(text)) => return Ok(Piece::Noise(format!("{} {}", net::shown(other), net::shown(&text)))),
            }
        }
    }
}

fn lost(reason: String) -> ServerFault {
    ServerFault::ConnectionLost { reason, lost_result: false }
}

struct Poster {
    client: Signed,
    place: Arc<Mutex<Url>>,
    headers: HeaderMap,
}

#[async_trait]
impl Outlet for Poster {
    async fn send(&mut self, text: &[u8]) -> Result<(), ServerFault> {
        let place = self.place.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut request = Request::new(Method::POST, place).header(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        request.body = Some(Bytes::copy_from_slice(text));
        let response = self.client.send(request.headers(&self.headers)).await?;
        // A session that the server forgot is told by 404: the stream is then of no more use.
        if response.status().as_u16() == 404 {
            return Err(lost("the server no longer knows this session (404)".to_owned()));
        }
        // The answer itself comes over the stream; the body is read so that the connection can be used again.
        let _ = response.ok().await?.read_limited(net::ERROR_BODY_LIMIT).await;
        Ok(())
    }

    async fn close(&mut self) {
        // Closing the stream is all there is, and dropping the inlet does it.
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_go_to_the_streams_own_origin_only() {
        let stream = Url::parse("https://h.example:8443/sse?key=1").unwrap();
        for (text, expected) in [
            ("/message?sessionId=1", "https://h.example:8443/message?sessionId=1"),
            ("message", "https://h.example:8443/message"),
            ("https://h.example:8443/m", "https://h.example:8443/m"),
            ("//h.example:8443/m", "https://h.example:8443/m"),
            ("?sessionId=1", "https://h.example:8443/sse?sessionId=1"),
        ] {
            assert_eq!(endpoint(&stream, text).unwrap().as_str(), expected, "{text}");
        }
        for text in [
            "",
            "https://evil.example/m",
            "http://h.example:8443/m",
            "https://h.example/m",
            "//evil",
            "javascript:alert(1)",
            "data:,x",
            "file:///x",
            "https://u:p@h.example:8443/m",
            "https://h.example:8443@evil.example/",
            "/a\r\nX: y",
            "\\\\evil\\m",
        ] {
            assert!(matches!(endpoint(&stream, text), Err(ServerFault::RedirectRefused { .. })), "{text:?}");
        }
    }
}
