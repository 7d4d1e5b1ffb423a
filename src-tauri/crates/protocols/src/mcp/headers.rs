//! Arguments that travel as HTTP headers too (`x-mcp-header`, revision 2026-07-28).
//!
//! **Invariant:** no argument can end a header line: what is not plain text is sent in base64 behind a sentinel.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use domain::{Json, JsonMap};
use http::{HeaderName, HeaderValue};

const MARK: &str = "x-mcp-header";
const OPEN: &str = "=?base64?";
const CLOSE: &str = "?=";

/// Whether the annotations of a schema can be used: each names an unused header token on a plain property.
pub(crate) fn check(schema: &Json) -> Result<(), String> {
    if schema.get(MARK).is_some() {
        return Err(format!("its schema has {MARK} at the root"));
    }
    let (on_path, anywhere) = (annotated(schema), marks(schema));
    if on_path.len() != anywhere {
        return Err(format!("its schema has {MARK} where arguments cannot be found"));
    }
    let mut seen = Vec::new();
    for (path, property) in on_path {
        let place = path.join(".");
        let Some(header) = property[MARK].as_str() else { return Err(format!("{place}: {MARK} is no text")) };
        let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        if header.is_empty() || !header.chars().all(token) {
            return Err(format!("{place}: {MARK} is no header name"));
        }
        let lower = header.to_ascii_lowercase();
        if seen.contains(&lower) {
            return Err(format!("{place}: the header {header} is used twice"));
        }
        seen.push(lower);
        if !matches!(property["type"].as_str(), Some("string" | "integer" | "boolean")) {
            return Err(format!("{place}: only a string, an integer or a boolean can be a header"));
        }
    }
    Ok(())
}

/// The headers that go with a call.
pub(crate) fn of_call(schema: &Json, args: &JsonMap) -> Vec<(HeaderName, HeaderValue)> {
    annotated(schema)
        .into_iter()
        .filter_map(|(path, property)| {
            let (first, rest) = path.split_first()?;
            let value = rest.iter().try_fold(args.get(*first)?, |value, key| value.get(key))?;
            let text = match value {
                Json::String(text) => encode(text),
                Json::Number(number) => number.to_string(),
                Json::Bool(flag) => flag.to_string(),
                _ => return None,
            };
            let name = HeaderName::try_from(format!("mcp-param-{}", property[MARK].as_str()?)).ok()?;
            Some((name, HeaderValue::try_from(text).ok()?))
        })
        .collect()
}

/// Plain text as it is, everything else behind the sentinel.
pub(crate) fn encode(text: &str) -> String {
    let edge = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
    let bytes = text.as_bytes();
    let plain = bytes.iter().all(|byte| (0x20..=0x7e).contains(byte)) && !edge(bytes.first()) && !edge(bytes.last());
    if plain && !(text.starts_with(OPEN) && text.ends_with(CLOSE)) {
        text.to_owned()
    } else {
        format!("{OPEN}{}{CLOSE}", BASE64_STANDARD.encode(text))
    }
}

/// Annotated properties that are reached from the root through `properties` alone.
fn annotated(schema: &Json) -> Vec<(Vec<&str>, &Json)> {
    fn walk<'s>(schema: &'s Json, path: &mut Vec<&'s str>, found: &mut Vec<(Vec<&'s str>, &'s Json)>) {
        for (name, property) in schema.get("properties").and_then(Json::as_object).into_iter().flatten() {
            path.push(name);
            if property.get(MARK).is_some() {
                found.push((path.clone(), property));
            }
            walk(property, path, found);
            path.pop();
        }
    }
    let mut found = Vec::new();
    walk(schema, &mut Vec::new(), &mut found);
    found
}

/// How many annotations there are anywhere that schemas can be.
fn marks(schema: &Json) -> usize {
    match schema {
        Json::Object(map) => map
            .iter()
            .map(|(key, value)| match key.as_str() {
                MARK => 1,
                "default" | "const" | "enum" | "examples" => 0,
                // Names of properties are no keywords.
                "properties" | "$defs" | "definitions" | "patternProperties" | "dependentSchemas" => {
                    value.as_object().map_or(0, |map| map.values().map(marks).sum())
                }
                _ => marks(value),
            })
            .sum(),
        Json::Array(items) => items.iter().map(marks).sum(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn annotations_that_cannot_be_headers_are_named() {
        // C-34.
        for (schema, good) in [
            (json!({ "properties": { "a": { "type": "string", MARK: "Region" } } }), true),
            (json!({ "properties": { "a": { "type": "object", "properties": { "b": { "type": "integer", MARK: "B" } } } } }), true),
            (json!({ "properties": { "a": { "type": "string", MARK: "Re gion" } } }), false),
            (json!({ "properties": { "a": { "type": "string", MARK: "a\r\nb" } } }), false),
            (json!({ "properties": { "a": { "type": "string", MARK: "" } } }), false),
            (json!({ "properties": { "a": { "type": "string", MARK: 3 } } }), false),
            (json!({ "properties": { "a": { "type": "object", MARK: "A" } } }), false),
            (json!({ "properties": { "a": { "type": "number", MARK: "A" } } }), false),
            (json!({ "properties": { "a": { "type": "string", MARK: "X" }, "b": { "type": "string", MARK: "x" } } }), false),
            (json!({ "properties": { "a": { "type": "array", "items": { "type": "string", MARK: "A" } } } }), false),
            (json!({ MARK: "A" }), false),
            (json!({ "properties": { MARK: { "type": "string" } } }), true),
        ] {
            assert_eq!(check(&schema).is_ok(), good, "{schema}");
        }
    }

    #[test]
    fn no_argument_ends_a_header_line() {
        // C-34.
        let schema = json!({ "properties": { "a": { "type": "string", MARK: "A" }, "n": { "type": "integer", MARK: "N" } } });
        for (value, sent) in [
            ("plain text", "plain text".to_owned()),
            ("", String::new()),
            ("a\r\nX: y", "=?base64?YQ0KWDogeQ==?=".to_owned()),
            ("\u{1f600}", "=?base64?8J+YgA==?=".to_owned()),
            (" edge", "=?base64?IGVkZ2U=?=".to_owned()),
            ("=?base64?YQ==?=", format!("=?base64?{}?=", BASE64_STANDARD.encode("=?base64?YQ==?="))),
        ] {
            let args = json!({ "a": value, "n": 7 });
            let headers = of_call(&schema, args.as_object().unwrap());
            assert_eq!(headers[0].0, "mcp-param-a");
            assert_eq!(headers[0].1.to_str().unwrap(), sent, "{value:?}");
            assert_eq!(headers[1].1.to_str().unwrap(), "7");
        }
    }
}
