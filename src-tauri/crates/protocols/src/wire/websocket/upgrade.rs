//! The handshake that turns an HTTP connection into a WebSocket (RFC 6455 §4). Our own, because the library's takes a server that knows
//! no subprotocol for a broken one, and says less about refusals.

use bytes::Bytes;
use domain::fault::ServerFault;
use net::{ERROR_BODY_LIMIT, Head, HeaderMap, Io, Url, header};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_tungstenite::tungstenite::handshake::{client::generate_key, derive_accept_key};

/// The subprotocol that is offered.
const SUBPROTOCOL: &str = "mcp";

/// Upgrades a connection. Gives back what the peer sent after its answer already.
pub(super) async fn upgrade(mut io: Box<dyn Io>, url: &Url, headers: &HeaderMap) -> Result<(Box<dyn Io>, Bytes), ServerFault> {
    let key = generate_key();
    io.write_all(&request(url, headers, &key)).await.map_err(|_| lost())?;
    io.flush().await.map_err(|_| lost())?;
    let head = net::read_head(&mut *io).await?;
    if head.status.as_u16() == 101 {
        agreed(&head, &key)?;
        return Ok((io, head.rest));
    }
    Err(refused(io, url, head, headers).await)
}

fn lost() -> ServerFault {
    ServerFault::ConnectionLost { reason: "the peer closed the connection during the handshake".to_owned(), lost_result: false }
}

fn request(url: &Url, headers: &HeaderMap, key: &str) -> Vec<u8> {
    let host = url.host_str().unwrap_or_default();
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    let own_host = if headers.contains_key(header::HOST) { String::new() } else { format!("Host: {host}{port}\r\n") };
    let mut out = format!(
        "GET {}{query} HTTP/1.1\r\n{own_host}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\
         Sec-WebSocket-Protocol: {SUBPROTOCOL}\r\nUser-Agent: {}\r\n",
        url.path(),
        net::USER_AGENT,
    )
    .into_bytes();
    for (name, value) in headers.iter().filter(|(name, _)| !matches!(name.as_str(), "sec-websocket-protocol" | "user-agent")) {
        out.extend_from_slice(name.as_str().as_bytes());
        out.extend_from_slice(b": ");
        out.extend_from_slice(value.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"\r\n");
    out
}

fn agreed(head: &Head, key: &str) -> Result<(), ServerFault> {
    let has = |name: header::HeaderName, word: &str| {
        head.headers
            .get_all(name)
            .iter()
            .any(|value| value.to_str().is_ok_and(|text| text.split(',').any(|part| part.trim().eq_ignore_ascii_case(word))))
    };
    let violation = |rule: &str| Err(ServerFault::ProtocolViolation { rule: format!("the WebSocket handshake: {rule}") });
    if !has(header::UPGRADE, "websocket") || !has(header::CONNECTION, "upgrade") {
        return violation("the answer does not upgrade to websocket");
    }
    if head.headers.get(header::SEC_WEBSOCKET_ACCEPT).map(net::HeaderValue::as_bytes) != Some(derive_accept_key(key.as_bytes()).as_bytes())
    {
        return violation("the answer is not to our question (Sec-WebSocket-Accept)");
    }
    if head.headers.contains_key(header::SEC_WEBSOCKET_EXTENSIONS) {
        return violation("the server uses an extension that nobody asked for");
    }
    match head.headers.get(header::SEC_WEBSOCKET_PROTOCOL) {
        Some(chosen) if chosen.as_bytes() != SUBPROTOCOL.as_bytes() => violation("the server chose a subprotocol that nobody offered"),
        _ => Ok(()),
    }
}

async fn refused(mut io: Box<dyn Io>, url: &Url, head: Head, headers: &HeaderMap) -> ServerFault {
    if head.status.is_redirection() {
        let location =
            head.headers.get(header::LOCATION).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).unwrap_or_default();
        let to = url.join(&location).map_or_else(|_| net::shown(&location), |url| net::SafeUrl(&url).to_string());
        return ServerFault::RedirectRefused {
            to,
            reason: "a WebSocket handshake is not redirected; put the final address into the settings".to_owned(),
        };
    }
    let announced = head.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    let wanted = announced.unwrap_or(0).min(ERROR_BODY_LIMIT);
    let mut body = head.rest.to_vec();
    body.truncate(ERROR_BODY_LIMIT);
    // Only what was announced is waited for, and not for long: the status says enough.
    let _ = tokio::time::timeout(std::time::Duration::from_secs(1), async {
        while body.len() < wanted {
            match io.read_buf(&mut body).await {
                Ok(0) | Err(_) => break,
                Ok(_) => {}
            }
        }
    })
    .await;
    let authenticated = headers.contains_key(header::AUTHORIZATION) || headers.values().any(net::HeaderValue::is_sensitive);
    match head.status.as_u16() {
        200..=299 => ServerFault::ProtocolViolation {
            rule: format!(
                "a WebSocket was expected, and the answer is a page (HTTP {}): {}",
                head.status.as_u16(),
                net::shown(&String::from_utf8_lossy(&body))
            ),
        },
        _ => net::status_fault(head.status, &head.headers, &String::from_utf8_lossy(&body), authenticated),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_says_what_a_handshake_must_and_carries_the_credentials() {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", "Bearer t".parse().unwrap());
        headers.insert("sec-websocket-protocol", "other".parse().unwrap());
        let text = String::from_utf8(request(&Url::parse("ws://h.example:8766/mcp?a=1").unwrap(), &headers, "KEY")).unwrap();
        for line in [
            "GET /mcp?a=1 HTTP/1.1",
            "Host: h.example:8766",
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: KEY",
            "Sec-WebSocket-Protocol: mcp",
            "authorization: Bearer t",
        ] {
            assert!(text.split("\r\n").any(|found| found == line), "{line} in {text}");
        }
        assert_eq!(text.matches("rotocol:").count(), 1, "one subprotocol header");
        assert!(text.ends_with("\r\n\r\n"));
    }

    #[test]
    fn only_the_right_answer_is_taken() {
        let accept = derive_accept_key(b"KEY");
        let head = |pairs: &[(&str, &str)]| Head {
            status: net::StatusCode::SWITCHING_PROTOCOLS,
            headers: pairs
                .iter()
                .map(|(name, value)| (net::HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap()))
                .collect(),
            rest: Bytes::new(),
        };
        let base = [("upgrade", "WebSocket"), ("connection", "keep-alive, Upgrade"), ("sec-websocket-accept", accept.as_str())];
        let with = |more: &[(&'static str, &'static str)]| agreed(&head(&[&base[..], more].concat()), "KEY");
        assert_eq!(with(&[]), Ok(()), "no subprotocol is accepted");
        assert_eq!(with(&[("sec-websocket-protocol", "mcp")]), Ok(()));
        assert!(with(&[("sec-websocket-protocol", "graphql-ws")]).is_err());
        assert!(with(&[("sec-websocket-extensions", "permessage-deflate")]).is_err());
        assert!(agreed(&head(&base[..2]), "KEY").is_err(), "no accept key");
        assert!(agreed(&head(&base), "OTHER").is_err(), "somebody else's accept key");
        assert!(agreed(&head(&base[1..]), "KEY").is_err(), "no upgrade");
    }
}
