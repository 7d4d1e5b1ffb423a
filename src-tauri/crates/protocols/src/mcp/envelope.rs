//! The outside of a JSON-RPC message, read strictly and without building values: which message is it, for whom, and is it well formed?
//!
//! **Invariant:** a key that JSON-RPC knows appears at most once; an id is matched by value *and* type.

use std::fmt;

use domain::fault::ServerFault;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The parts as they stand in the text.
#[derive(Debug, Default)]
pub(crate) struct Envelope<'t> {
    pub(crate) jsonrpc: Option<&'t RawValue>,
    pub(crate) id: Option<&'t RawValue>,
    pub(crate) method: Option<&'t RawValue>,
    pub(crate) params: Option<&'t RawValue>,
    pub(crate) result: Option<&'t RawValue>,
    pub(crate) error: Option<&'t RawValue>,
    /// The first known key that came twice.
    pub(crate) twice: Option<&'static str>,
}

#[derive(Clone, Copy)]
enum Key {
    Jsonrpc,
    Id,
    Method,
    Params,
    Result,
    Error,
    Other,
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;
        impl Visitor<'_> for Name {
            type Value = Key;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }
            fn visit_str<E>(self, key: &str) -> Result<Key, E> {
                Ok(match key {
                    "jsonrpc" => Key::Jsonrpc,
                    "id" => Key::Id,
                    "method" => Key::Method,
                    "params" => Key::Params,
                    "result" => Key::Result,
                    "error" => Key::Error,
                    _ => Key::Other,
                })
            }
        }
        deserializer.deserialize_identifier(Name)
    }
}

impl<'de> Deserialize<'de> for Envelope<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Parts;
        impl<'de> Visitor<'de> for Parts {
            type Value = Envelope<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON-RPC message (an object)")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Envelope<'de>, A::Error> {
                let mut parts = Envelope::default();
                while let Some(key) = map.next_key::<Key>()? {
                    let (slot, name) = match key {
                        Key::Jsonrpc => (&mut parts.jsonrpc, "jsonrpc"),
                        Key::Id => (&mut parts.id, "id"),
                        Key::Method => (&mut parts.method, "method"),
                        Key::Params => (&mut parts.params, "params"),
                        Key::Result => (&mut parts.result, "result"),
                        Key::Error => (&mut parts.error, "error"),
                        Key::Other => {
                            map.next_value::<IgnoredAny>()?;
                            continue;
                        }
                    };
                    let value = map.next_value::<&'de RawValue>()?;
                    if slot.is_none() {
                        *slot = Some(value);
                    } else {
                        parts.twice.get_or_insert(name);
                    }
                }
                Ok(parts)
            }
        }
        deserializer.deserialize_map(Parts)
    }
}

/// An id as JSON-RPC allows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Id {
    /// An integer that fits.
    Number(i64),
    /// A string.
    Text(String),
    /// `null`, or no id at all.
    Absent,
    /// Anything else: a float, an object, a number that is too large.
    Odd,
}

impl Envelope<'_> {
    /// The id, strictly.
    pub(crate) fn id(&self) -> Id {
        let Some(raw) = self.id.map(RawValue::get) else { return Id::Absent };
        if raw == "null" {
            return Id::Absent;
        }
        if raw.starts_with('"') {
            return serde_json::from_str(raw).map_or(Id::Odd, Id::Text);
        }
        let integer = raw.strip_prefix('-').unwrap_or(raw);
        if integer.bytes().all(|byte| byte.is_ascii_digit()) { raw.parse().map_or(Id::Odd, Id::Number) } else { Id::Odd }
    }

    /// The rule that the message breaks, if any.
    pub(crate) fn broken_rule(&self) -> Option<&'static str> {
        let version = self.jsonrpc.map(RawValue::get);
        if self.twice.is_some() {
            return Some("a key of the message came twice");
        }
        match version {
            Some("\"2.0\"") => {}
            Some(_) => return Some("jsonrpc must be \"2.0\""),
            None => return Some("jsonrpc is missing"),
        }
        match (self.method.is_some(), self.result.is_some(), self.error.is_some()) {
            (false, true, true) => Some("a reply carries both result and error"),
            (false, false, false) => Some("a message carries neither method nor result nor error"),
            (true, true, _) | (true, _, true) => Some("a message is a request and a reply at once"),
            _ => None,
        }
    }
}

/// Where in `text` a parse of `part` (a slice of it) failed.
pub(crate) fn invalid(text: &str, part: &str, fault: &serde_json::Error) -> ServerFault {
    let start = (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
    let lines: usize = part.split_inclusive('\n').take(fault.line().saturating_sub(1)).map(str::len).sum();
    let offset = (start + lines + fault.column().saturating_sub(1)).min(text.len());
    let words = fault.to_string();
    let reason = words.split(" at line ").next().unwrap_or_default().to_owned();
    ServerFault::InvalidJson { offset, reason }
}

/// Finds `"id": <integer>` in the first bytes of a message that could not be read whole. A guess, used only to fail the right call.
pub(crate) fn id_in(head: &[u8]) -> Option<i64> {
    let head = &head[..head.len().min(4096)];
    let at = head.windows(4).position(|window| window == b"\"id\"")?;
    let rest = head[at + 4..].trim_ascii_start();
    let rest = rest.strip_prefix(b":")?.trim_ascii_start();
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    // The number must have ended, or it may be half a number.
    matches!(rest.get(digits)?, b',' | b'}' | b' ').then(|| std::str::from_utf8(&rest[..digits]).ok()?.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Envelope<'_> {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn an_id_matches_by_value_and_type() {
        // C-08.
        for (text, id) in [
            (r#"{"id":1}"#, Id::Number(1)),
            (r#"{"id":-7}"#, Id::Number(-7)),
            (r#"{"id":"1"}"#, Id::Text("1".into())),
            (r#"{"id":1.0}"#, Id::Odd),
            (r#"{"id":1e0}"#, Id::Odd),
            (r#"{"id":{"a":1}}"#, Id::Odd),
            (r#"{"id":9223372036854775808}"#, Id::Odd),
            (r#"{"id":null}"#, Id::Absent),
            (r#"{"ID":1}"#, Id::Absent),
            ("{}", Id::Absent),
        ] {
            assert_eq!(read(text).id(), id, "{text}");
        }
    }

    #[test]
    fn each_broken_rule_is_named() {
        // C-06, C-07.
        for (text, rule) in [
            (r#"{"jsonrpc":"2.0","id":1,"id":2,"result":{}}"#, "a key of the message came twice"),
            (r#"{"jsonrpc":"2.0","method":"a","method":"b"}"#, "a key of the message came twice"),
            (r#"{"jsonrpc":"1.0","id":1,"result":{}}"#, "jsonrpc must be \"2.0\""),
            (r#"{"id":1,"result":{}}"#, "jsonrpc is missing"),
            (r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{}}"#, "a reply carries both result and error"),
            (r#"{"jsonrpc":"2.0","id":1}"#, "a message carries neither method nor result nor error"),
            (r#"{"jsonrpc":"2.0","id":1,"Result":{}}"#, "a message carries neither method nor result nor error"),
            (r#"{"jsonrpc":"2.0","id":1,"method":"x","result":{}}"#, "a message is a request and a reply at once"),
        ] {
            assert_eq!(read(text).broken_rule(), Some(rule), "{text}");
        }
        for text in [
            r#"{"jsonrpc":"2.0","id":1,"result":null}"#,
            r#"{"jsonrpc":"2.0","id":"a","method":"ping"}"#,
            r#"{"jsonrpc":"2.0","method":"n","params":{"id":1,"id":2},"extra":0,"extra":1}"#,
        ] {
            assert_eq!(read(text).broken_rule(), None, "{text}");
        }
    }

    #[test]
    fn the_id_is_found_in_what_is_left_of_a_message() {
        for (head, id) in [
            (r#"{"jsonrpc":"2.0","id":12,"result":{"content":"#, Some(12)),
            (r#"{"id" : 3 , "result":"#, Some(3)),
            (r#"{"result":{"content":"#, None),
            (r#"{"id":12"#, None),
            (r#"{"id":"12","#, None),
        ] {
            assert_eq!(id_in(head.as_bytes()), id, "{head}");
        }
    }

    #[test]
    fn a_fault_says_the_place_in_the_whole_message() {
        let text = "{\"result\":\n{\"a\":\n\"\\ud800\"}}";
        let part = &text[10..text.len() - 1];
        let fault = serde_json::from_str::<serde_json::Value>(part).unwrap_err();
        let ServerFault::InvalidJson { offset, .. } = invalid(text, part, &fault) else { unreachable!() };
        assert!((17..=25).contains(&offset), "the third line is meant, not {offset}");
    }
}
