//! An answer: its status as a fault, its body within limits.

use std::time::Duration;

use bytes::Bytes;
use domain::Json;
use domain::fault::ServerFault;
use futures::StreamExt as _;
use http::{HeaderMap, StatusCode, header};
use url::Url;

use crate::body::{BodyStream, Coding, MESSAGE_LIMIT, beginning, collected, decoded};
use crate::events::EventStream;
use crate::fault::Sent;

/// So much of the body of an error is read.
pub const ERROR_BODY_LIMIT: usize = 64 * 1024;
/// So many characters of it are shown.
const SHOWN: usize = 200;
/// A wish to be called later counts at most so long.
const LONGEST_RETRY_AFTER: Duration = Duration::from_mins(5);

/// An answer whose body was not read yet.
pub struct Response {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) url: Url,
    pub(crate) authenticated: bool,
    pub(crate) coding: Coding,
    pub(crate) sent: Sent,
    pub(crate) inner: reqwest::Response,
}

impl std::fmt::Debug for Response {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Response").field("status", &self.status).field("url", &crate::SafeUrl(&self.url)).finish_non_exhaustive()
    }
}

impl Response {
    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The address that answered, after redirects.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The media type in lower case, without its parameters.
    pub fn media_type(&self) -> String {
        let value =
            self.headers.get(header::CONTENT_TYPE).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).unwrap_or_default();
        value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }

    /// Whether the body is an event stream.
    pub fn is_event_stream(&self) -> bool {
        let value = self.headers.get(header::CONTENT_TYPE).map(header::HeaderValue::as_bytes).unwrap_or_default();
        value.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii().eq_ignore_ascii_case(b"text/event-stream")
    }

    /// Whether credentials were sent with the request.
    pub fn authenticated(&self) -> bool {
        self.authenticated
    }

    /// The answer itself when its status is a success; the fault that its status means otherwise.
    pub async fn ok(self) -> Result<Self, ServerFault> {
        if self.status == StatusCode::PARTIAL_CONTENT {
            return Err(ServerFault::ProtocolViolation { rule: "the server sent a part (206) that nobody asked for".to_owned() });
        }
        if self.status.is_success() { Ok(self) } else { Err(self.into_fault().await) }
    }

    /// The fault that the status means, with the beginning of the body.
    pub async fn into_fault(self) -> ServerFault {
        let (status, headers, authenticated) = (self.status, self.headers.clone(), self.authenticated);
        let text = self.error_text().await;
        status_fault(status, &headers, &text, authenticated)
    }

    /// The body of an error as text, at most [`ERROR_BODY_LIMIT`] of it.
    pub async fn error_text(self) -> String {
        String::from_utf8_lossy(&beginning(self.into_body(), ERROR_BODY_LIMIT).await).into_owned()
    }

    /// The whole body, decompressed, at most `limit` bytes.
    pub async fn read_limited(self, limit: usize) -> Result<Bytes, ServerFault> {
        let compressed = self.coding != Coding::Identity;
        if !compressed && self.inner.content_length().is_some_and(|length| length > limit as u64) {
            return Err(ServerFault::MessageTooLarge { limit });
        }
        collected(self.into_body(), limit, compressed).await
    }

    /// The body as JSON, within [`MESSAGE_LIMIT`].
    pub async fn json(self) -> Result<Json, ServerFault> {
        let (media, status) = (self.media_type(), self.status);
        let bytes = self.read_limited(MESSAGE_LIMIT).await?;
        parse_json(&bytes, &media).map_err(|fault| match fault {
            ServerFault::ProtocolViolation { rule } => {
                ServerFault::ProtocolViolation { rule: format!("{rule} (HTTP {})", status.as_u16()) }
            }
            other => other,
        })
    }

    /// The body's pieces as they come, decompressed.
    pub fn into_body(self) -> BodyStream {
        let (sent, announced) = (self.sent, self.inner.content_length());
        let raw = self.inner.bytes_stream().map(move |piece| piece.map_err(|fault| sent.body_fault(&fault, announced)));
        decoded(Box::pin(raw), self.coding)
    }

    /// The body as events; with `idle`, so long without any byte ends it.
    pub fn into_events(self, idle: Option<Duration>) -> EventStream {
        EventStream::new(self.into_body(), idle)
    }
}

/// JSON out of a body. Something else under another media type is a violation that shows its beginning; broken JSON names the byte.
pub fn parse_json(bytes: &[u8], media_type: &str) -> Result<Json, ServerFault> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(ServerFault::ProtocolViolation { rule: "expected JSON, got an empty body".to_owned() });
    }
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let fault = match serde_json::from_slice(bytes) {
        Ok(value) => return Ok(value),
        Err(fault) => fault,
    };
    if media_type == "application/json" || media_type.ends_with("+json") {
        if let Err(utf8) = std::str::from_utf8(bytes) {
            return Err(ServerFault::InvalidUtf8 { offset: utf8.valid_up_to() });
        }
        return Err(ServerFault::InvalidJson { offset: offset(bytes, fault.line(), fault.column()), reason: shown(&fault.to_string()) });
    }
    let kind = if media_type.is_empty() { "something without a media type" } else { media_type };
    let kind: String = kind.chars().filter(|c| !c.is_control()).take(60).collect();
    Err(ServerFault::ProtocolViolation { rule: format!("expected JSON, got {kind}: {}", shown(&String::from_utf8_lossy(bytes))) })
}

fn offset(bytes: &[u8], line: usize, column: usize) -> usize {
    let before: usize = bytes.split_inclusive(|&byte| byte == b'\n').take(line.saturating_sub(1)).map(<[u8]>::len).sum();
    (before + column.saturating_sub(1)).min(bytes.len())
}

/// The first 200 characters of a foreign text on one line, without control characters.
pub fn shown(text: &str) -> String {
    let mut out = String::new();
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()) {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
        if out.len() > SHOWN * 4 {
            break;
        }
    }
    // Characters that turn the direction of a line would let a server rewrite the words around them.
    out.retain(|c| !matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}'));
    match out.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", out.get(..end).unwrap_or_default()),
        None => out,
    }
}

/// The fault that a status means. `authenticated` says whether credentials were sent with the request.
pub fn status_fault(status: StatusCode, headers: &HeaderMap, body: &str, authenticated: bool) -> ServerFault {
    let body = shown(body);
    match status {
        StatusCode::UNAUTHORIZED if !authenticated => ServerFault::AuthRequired { scheme: challenge(headers) },
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            ServerFault::AuthFailed { reason: if body.is_empty() { format!("HTTP {}", status.as_u16()) } else { body } }
        }
        StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
            ServerFault::Unreachable { peer: "the proxy".to_owned(), reason: "it asks for credentials (407)".to_owned() }
        }
        StatusCode::TOO_MANY_REQUESTS => ServerFault::RateLimited { retry_after: retry_after(headers) },
        _ => ServerFault::HttpStatus { status: status.as_u16(), body },
    }
}

/// The scheme that the server asks for, in its own spelling.
fn challenge(headers: &HeaderMap) -> String {
    let value =
        headers.get(header::WWW_AUTHENTICATE).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).unwrap_or_default();
    value.split([' ', ',']).next().unwrap_or_default().chars().filter(char::is_ascii_graphic).take(40).collect()
}

/// `Retry-After` in seconds or as a date (measured against the answer's own `Date`), clamped to 1 s–5 min.
fn retry_after(headers: &HeaderMap) -> Duration {
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let wish = text(header::RETRY_AFTER).and_then(|wish| {
        if let Ok(seconds) = wish.parse::<f64>() {
            return Duration::try_from_secs_f64(seconds.clamp(0.0, 1e9)).ok();
        }
        let (then, now) = (httpdate::parse_http_date(wish).ok()?, httpdate::parse_http_date(text(header::DATE)?).ok()?);
        Some(then.duration_since(now).unwrap_or_default())
    });
    wish.unwrap_or(Duration::from_secs(1)).clamp(Duration::from_secs(1), LONGEST_RETRY_AFTER)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (header::HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn a_status_becomes_the_fault_it_means() {
        let fault = |status: u16, pairs: &[(&str, &str)], sent| {
            status_fault(StatusCode::from_u16(status).unwrap(), &headers(pairs), "no\n entry", sent)
        };
        assert_eq!(fault(401, &[("www-authenticate", "Basic realm=\"x\"")], false), ServerFault::AuthRequired { scheme: "Basic".into() });
        assert_eq!(fault(401, &[], true), ServerFault::AuthFailed { reason: "no entry".into() });
        assert_eq!(fault(403, &[], false), ServerFault::AuthFailed { reason: "no entry".into() });
        assert_eq!(fault(500, &[], false), ServerFault::HttpStatus { status: 500, body: "no entry".into() });
        assert!(matches!(fault(407, &[], false), ServerFault::Unreachable { .. }));
    }

    #[test]
    fn a_wish_to_be_called_later_is_clamped() {
        for (pairs, seconds) in [
            (&[("retry-after", "7")][..], 7),
            (&[("retry-after", "1000000000")], 300),
            (&[("retry-after", "-5")], 1),
            (&[("retry-after", "NaN")], 1),
            (&[("retry-after", "Thu, 01 Jan 1970 00:00:00 GMT"), ("date", "Sun, 22 Nov 2026 08:00:00 GMT")], 1),
            (&[("retry-after", "Sun, 22 Nov 2026 08:00:20 GMT"), ("date", "Sun, 22 Nov 2026 08:00:00 GMT")], 20),
            (&[("retry-after", "Sun, 22 Nov 2026 08:00:20 GMT")], 1),
            (&[], 1),
        ] {
            assert_eq!(retry_after(&headers(pairs)), Duration::from_secs(seconds), "{pairs:?}");
        }
    }

    #[test]
    fn what_is_no_json_is_shown_by_its_beginning() {
        assert_eq!(parse_json(b"{\"a\":1}", "text/plain").unwrap()["a"], 1);
        assert_eq!(
            parse_json(b"<html>\n<h1>Log in</h1>", "text/html"),
            Err(ServerFault::ProtocolViolation { rule: "expected JSON, got text/html: <html> <h1>Log in</h1>".into() })
        );
        assert!(matches!(parse_json(b"{\"a\":\n [1,}", "application/json"), Err(ServerFault::InvalidJson { offset: 10, .. })));
        assert_eq!(parse_json(b"{\"a\":\"\xff\"}", "application/json"), Err(ServerFault::InvalidUtf8 { offset: 6 }));
        assert!(matches!(parse_json(b" ", "application/json"), Err(ServerFault::ProtocolViolation { .. })));
        let deep = "[".repeat(100_000);
        assert!(matches!(parse_json(deep.as_bytes(), "application/json"), Err(ServerFault::InvalidJson { .. })), "depth is limited");
    }

    #[test]
    fn a_foreign_text_is_cut_and_stays_on_its_line() {
        assert_eq!(shown("a\r\n\tb \u{1b}[31m c\u{202e}d"), "a b [31m cd");
        assert_eq!(shown(&"é".repeat(500)).chars().count(), 201);
        assert_eq!(shown(&"ab ".repeat(500)).chars().count(), 201);
    }
}
