//! What the cases say: messages and bytes, made from the request that they answer.

use serde_json::{Value as Json, json};

use super::{Asked, Deed, Transport, good, tools};

/// A JSON-RPC result for the request.
pub(super) fn result(asked: &Asked, result: &Json) -> Deed {
    Deed::Message(json!({ "jsonrpc": "2.0", "id": asked.id, "result": result }).to_string().into_bytes())
}

/// The text of a good answer with parts replaced.
pub(super) fn changed(asked: &Asked, from: &str, to: &str) -> Vec<u8> {
    let text = good(asked).unwrap_or_default();
    let new = text.replacen(from, to, 1);
    assert_ne!(text, new, "{from} is not in {text}");
    new.into_bytes()
}

/// A message as it is.
pub(super) fn say(text: impl Into<Vec<u8>>) -> Deed {
    Deed::Message(text.into())
}

/// The list of tools with others in front.
pub(super) fn with_tools(asked: &Asked, more: Json) -> Deed {
    let mut all = more.as_array().cloned().unwrap_or_default();
    all.extend(tools().as_array().cloned().unwrap_or_default());
    if asked.transport == Transport::Rest {
        return Deed::Message(Json::Array(all).to_string().into_bytes());
    }
    result(asked, &json!({ "tools": all }))
}

/// The body of a call's answer whose text piece holds these bytes raw.
pub(super) fn text_bytes(asked: &Asked, inside: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    if asked.transport != Transport::Rest {
        out.extend_from_slice(format!(r#"{{"jsonrpc":"2.0","id":{},"result":"#, asked.id).as_bytes());
    }
    out.extend_from_slice(br#"{"content":[{"type":"text","text":""#);
    out.extend_from_slice(inside);
    out.extend_from_slice(br#""}],"isError":false}"#);
    if asked.transport != Transport::Rest {
        out.push(b'}');
    }
    out
}

/// The answer to a call with this as its structured content, written raw.
pub(super) fn structured(asked: &Asked, raw: &str) -> Vec<u8> {
    let inner = format!(r#"{{"content":[{{"type":"text","text":"bitten"}}],"isError":false,"structuredContent":{raw}}}"#);
    if asked.transport == Transport::Rest {
        inner.into_bytes()
    } else {
        format!(r#"{{"jsonrpc":"2.0","id":{},"result":{inner}}}"#, asked.id).into_bytes()
    }
}

/// Bytes that mean nothing: the same every time.
pub(super) fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    (0..bytes)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            // No line feed: the point is that none comes.
            match (state >> 24) as u8 {
                b'\n' | b'\r' => 0xff,
                byte => byte,
            }
        })
        .collect()
}

/// A whole HTTP response with these headers and this body.
pub(super) fn response(status: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut out = format!("HTTP/1.1 {status}\r\n");
    for (name, value) in headers {
        out.push_str(name);
        out.push_str(": ");
        out.push_str(value);
        out.push_str("\r\n");
    }
    let mut out = format!("{out}content-length: {}\r\n\r\n", body.len()).into_bytes();
    out.extend_from_slice(body);
    out
}

/// A WebSocket frame of a server: first byte, payload, without a mask unless told to.
pub(super) fn socket_frame(first: u8, payload: &[u8], masked: bool) -> Vec<u8> {
    let mut out = vec![first];
    let mask: u8 = if masked { 0x80 } else { 0 };
    match payload.len() {
        small @ 0..=125 => out.push(mask + small as u8),
        middle @ 126..=0xffff => {
            out.push(mask + 126);
            out.extend_from_slice(&(middle as u16).to_be_bytes());
        }
        large => {
            out.push(mask + 127);
            out.extend_from_slice(&(large as u64).to_be_bytes());
        }
    }
    if masked {
        out.extend_from_slice(&[0, 0, 0, 0]);
    }
    out.extend_from_slice(payload);
    out
}
