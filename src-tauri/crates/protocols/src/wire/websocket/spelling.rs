//! The two spellings of `initialize`: MCP's camelCase, and the snake_case of the predecessor's kin.

use std::borrow::Cow;

use domain::Json;
use serde_json::json;

/// The revision that speakers of snake_case know.
const SNAKE_REVISION: &str = "2024-11-05";

/// What the first exchange showed of the peer's spelling.
#[derive(Debug, Default)]
pub(super) struct Spelling {
    snake: bool,
    settled: bool,
}

impl Spelling {
    /// What is sent in place of our message: `initialize` in both spellings; nothing for `notifications/initialized` to a speaker of
    /// snake_case, which would take it for a request.
    pub(super) fn outgoing<'m>(&mut self, text: &'m [u8]) -> Option<Cow<'m, [u8]>> {
        if self.settled {
            return Some(Cow::Borrowed(text));
        }
        let Ok(mut message) = serde_json::from_slice::<Json>(text) else { return Some(Cow::Borrowed(text)) };
        match message.get("method").and_then(Json::as_str) {
            Some("initialize") => {
                if let Some(params) = message.get_mut("params").and_then(Json::as_object_mut) {
                    let client = params.get("clientInfo").cloned().unwrap_or_default();
                    params.insert("protocol_version".into(), Json::from(SNAKE_REVISION));
                    params.insert("client_info".into(), json!({ "name": client["name"], "version": client["version"] }));
                }
                Some(Cow::Owned(message.to_string().into_bytes()))
            }
            Some("notifications/initialized") => {
                self.settled = true;
                (!self.snake).then_some(Cow::Borrowed(text))
            }
            _ => Some(Cow::Borrowed(text)),
        }
    }

    /// The peer's message in camelCase, when it is the snake_case answer to `initialize`.
    pub(super) fn incoming(&mut self, text: bytes::Bytes) -> bytes::Bytes {
        if self.settled || self.snake {
            return text;
        }
        let Ok(mut message) = serde_json::from_slice::<Json>(&text) else { return text };
        let Some(result) = message.get_mut("result").and_then(Json::as_object_mut) else { return text };
        if result.contains_key("protocolVersion") {
            return text;
        }
        let Some(version) = result.shift_remove("protocol_version") else { return text };
        self.snake = true;
        // The one older revision that its kin name differs in nothing that is used here.
        let version = if version == "2024-10-07" { Json::from(SNAKE_REVISION) } else { version };
        result.insert("protocolVersion".into(), version);
        if let Some(info) = result.shift_remove("server_info") {
            result.insert("serverInfo".into(), info);
        }
        message.to_string().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    const INITIALIZE: &[u8] =
        br#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"p","version":"1","title":"P"}}}"#;
    const READY: &[u8] = br#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;

    #[test]
    fn both_spellings_go_out_in_one_question() {
        let sent: Json = serde_json::from_slice(&Spelling::default().outgoing(INITIALIZE).unwrap()).unwrap();
        assert_eq!(sent["params"]["protocolVersion"], "2025-11-25");
        assert_eq!(sent["params"]["protocol_version"], "2024-11-05");
        assert_eq!(sent["params"]["clientInfo"]["name"], "p");
        assert_eq!(sent["params"]["client_info"], json!({ "name": "p", "version": "1" }));
    }

    #[test]
    fn a_speaker_of_snake_case_is_understood_and_not_told_that_we_are_ready() {
        let mut spelling = Spelling::default();
        let answer = json!({ "jsonrpc": "2.0", "id": 0, "result": { "protocol_version": "2024-10-07", "server_info": { "name": "s" }, "capabilities": { "tools": true } } });
        let read: Json = serde_json::from_slice(&spelling.incoming(Bytes::from(answer.to_string()))).unwrap();
        assert_eq!(
            read["result"],
            json!({ "capabilities": { "tools": true }, "protocolVersion": "2024-11-05", "serverInfo": { "name": "s" } })
        );
        assert_eq!(spelling.outgoing(READY), None);
        assert!(spelling.outgoing(br#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#).is_some(), "requests go on");
    }

    #[test]
    fn a_speaker_of_mcp_is_left_alone() {
        let mut spelling = Spelling::default();
        let answer = Bytes::from_static(br#"{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-11-25","protocol_version":"x"}}"#);
        assert_eq!(spelling.incoming(answer.clone()), answer);
        assert_eq!(spelling.outgoing(READY).unwrap(), READY);
        let later = Bytes::from_static(br#"{"jsonrpc":"2.0","id":3,"result":{"protocol_version":"a tool's own word"}}"#);
        assert_eq!(spelling.incoming(later.clone()), later, "after the first exchange nothing is respelled");
        for text in [&b"no json"[..], b"[1]", b"{}"] {
            assert_eq!(Spelling::default().incoming(Bytes::copy_from_slice(text)), text);
            assert_eq!(Spelling::default().outgoing(text).unwrap(), text);
        }
    }
}
