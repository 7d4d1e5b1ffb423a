//! What the predecessor's and other REST servers say of tools and results, in all the shapes that were met.

use std::collections::HashSet;

use domain::fault::ServerFault;
use domain::tool::{Catalogue, Content, ToolResult};
use domain::{Json, JsonMap};

use crate::mcp::{Headers, add_tools, tool_result};
use crate::wire::sse::literal::error_words;

/// Tools whose failures travel as successes that begin with a cross mark.
const CROSS_MARKED: [&str; 3] = ["k8s-generate-deployment-yaml", "k8s-llm-generate-deployment", "k8s-create-deployment"];

/// The array of definitions in a list: the body itself, `tools`, or `result.tools`.
pub(crate) fn definitions(body: Json) -> Result<Vec<Json>, ServerFault> {
    match body {
        Json::Array(tools) => Ok(tools),
        Json::Object(mut map) => match (map.shift_remove("tools"), map.shift_remove("result")) {
            (Some(Json::Array(tools)), _) | (None, Some(Json::Array(tools))) => Ok(tools),
            (None, Some(Json::Object(mut inner))) => match inner.shift_remove("tools") {
                Some(Json::Array(tools)) => Ok(tools),
                _ => Err(no_list("result.tools is no array")),
            },
            (Some(_), _) => Err(no_list("tools is no array")),
            (None, _) => Err(no_list("it holds neither tools nor result.tools")),
        },
        _ => Err(no_list("it is neither an array nor an object")),
    }
}

fn no_list(why: &str) -> ServerFault {
    ServerFault::ProtocolViolation { rule: format!("the tool list has no shape that is known: {why}") }
}

/// A catalogue out of definitions; what cannot be used is set aside with the reason.
pub(crate) fn catalogue(definitions: Vec<Json>) -> Catalogue {
    let mut catalogue = Catalogue::default();
    add_tools(&mut catalogue, &mut HashSet::new(), definitions, Headers::Unused);
    catalogue
}

/// Whether a definition says anything of its arguments.
pub(crate) fn has_schema(definition: &Json) -> bool {
    ["inputSchema", "input_schema", "parameters"]
        .iter()
        .any(|key| definition.get(*key).is_some_and(|schema| schema.as_object().is_some_and(|map| !map.is_empty())))
}

/// What a tool answered. Data inside a text, which the predecessor sends, becomes structured content as well.
pub(crate) fn result(tool: &str, body: Json) -> ToolResult {
    let failed = |map: &JsonMap| map.get("success") == Some(&Json::Bool(false));
    let (body, outer_failed) = match body {
        Json::Object(mut map) if !map.contains_key("content") && map.get("result").is_some_and(|inner| inner.get("content").is_some()) => {
            let outer = failed(&map) || tool_result(Json::Object(flags(&map))).is_error;
            (map.shift_remove("result").unwrap_or_default(), outer)
        }
        Json::Object(map) => {
            let outer = failed(&map);
            (Json::Object(map), outer)
        }
        other => (other, false),
    };
    // An object that is no result in MCP's form is data: kept whole, and shown indented.
    let plain = body.as_object().is_some_and(|map| !map.contains_key("content") && !map.contains_key("structuredContent"));
    let mut result = if plain || body.is_array() && !looks_like_content(&body) {
        let is_error = tool_result(Json::Object(body.as_object().map(flags).unwrap_or_default())).is_error;
        ToolResult { content: vec![Content::text(pretty(&body))], structured_content: Some(body), is_error }
    } else {
        tool_result(body)
    };
    result.is_error |= outer_failed;
    if let ([only], None) = (result.content.as_slice(), &result.structured_content)
        && let Some(text) = only.as_text()
    {
        if CROSS_MARKED.contains(&tool) && text.trim_start().starts_with('\u{274c}') {
            result.is_error = true;
        }
        if text.trim_start().starts_with(['{', '[']) {
            result.structured_content = serde_json::from_str(text).ok();
        }
    }
    result
}

fn flags(map: &JsonMap) -> JsonMap {
    ["isError", "is_error"].iter().filter_map(|key| map.get(*key).map(|value| ((*key).to_owned(), value.clone()))).collect()
}

fn looks_like_content(body: &Json) -> bool {
    body.as_array().is_some_and(|parts| !parts.is_empty() && parts.iter().all(|part| part.get("type").is_some_and(Json::is_string)))
}

/// Indented JSON.
pub(crate) fn pretty(value: &Json) -> String {
    serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string())
}

/// An error result with these words.
pub(crate) fn failed(words: impl Into<String>) -> ToolResult {
    ToolResult { is_error: true, ..ToolResult::of_text(words) }
}

/// What the body of a refused call says: a tool's own failure (500 with `detail`), arguments that do not fit (422), or nothing that is
/// known.
pub(crate) fn refusal(status: u16, body: &str) -> Option<Result<ToolResult, ServerFault>> {
    let body: Json = serde_json::from_str(body).ok()?;
    match (status, body.get("detail")) {
        (422, Some(Json::Array(details))) => {
            let first = details.first()?;
            let path: Vec<String> = first
                .get("loc")
                .and_then(Json::as_array)
                .into_iter()
                .flatten()
                .map(|part| part.as_str().map_or_else(|| part.to_string(), str::to_owned))
                .filter(|part| part != "body")
                .collect();
            let reason = net::shown(first.get("msg").and_then(Json::as_str).unwrap_or("refused"));
            Some(Err(ServerFault::SchemaInvalid { path: net::shown(&path.join(".")), reason }))
        }
        (500, Some(Json::String(detail))) => Some(Ok(failed(error_words(detail)))),
        (400..=599, _) if body.get("content").is_some() => Some(Ok(ToolResult { is_error: true, ..tool_result(body) })),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_list_is_found_in_every_shape_that_servers_use() {
        for body in [
            json!([{"name": "a", "inputSchema": {"type": "object"}}]),
            json!({"tools": [{"name": "a", "input_schema": {"type": "object"}}], "total_count": 1}),
            json!({"result": {"tools": [{"name": "a", "parameters": {"type": "object"}}]}}),
            json!({"result": [{"name": "a"}]}),
        ] {
            let found = catalogue(definitions(body.clone()).unwrap());
            assert_eq!(found.tools.len(), 1, "{body}");
            assert_eq!(found.tools[0].input_schema, json!({"type": "object"}), "{body}");
        }
        for body in [
            json!("x"),
            json!(null),
            json!({}),
            json!({"tools": {}}),
            json!({"tools": "x"}),
            json!({"result": 3}),
            json!({"result": {"tools": 1}}),
        ] {
            assert!(matches!(definitions(body.clone()), Err(ServerFault::ProtocolViolation { .. })), "{body}");
        }
    }

    #[test]
    fn a_failure_is_seen_under_every_flag_and_mark() {
        let text = |text: &str| json!([{"type": "text", "text": text}]);
        for (tool, body, failed) in [
            ("t", json!({"content": text("x"), "is_error": true}), true),
            ("t", json!({"content": text("x"), "isError": true}), true),
            ("t", json!({"content": text("x"), "success": false}), true),
            ("t", json!({"success": false, "result": {"content": text("x")}}), true),
            ("t", json!({"isError": true, "result": {"content": text("x")}}), true),
            ("t", json!({"result": {"content": text("x"), "is_error": true}}), true),
            ("t", json!({"content": text("x"), "is_error": false, "success": true}), false),
            ("k8s-create-deployment", json!({"content": text("\u{274c} failed"), "is_error": false}), true),
            ("k8s-create-deployment", json!({"content": text("\u{26a0} exists"), "is_error": false}), false),
            ("fs-read", json!({"content": text("\u{274c} a file that begins so"), "is_error": false}), false),
            ("t", json!({"success": false, "message": "no"}), true),
            ("t", json!({"rows": [1]}), false),
        ] {
            assert_eq!(result(tool, body.clone()).is_error, failed, "{tool} {body}");
        }
    }

    #[test]
    fn data_in_a_text_is_data_again() {
        let inside = result("t", json!({"content": [{"type": "text", "text": "{\"pods\": [1]}"}]}));
        assert_eq!(inside.structured_content, Some(json!({"pods": [1]})));
        assert_eq!(inside.text(), "{\"pods\": [1]}", "the text stays as it came");
        assert_eq!(result("t", json!({"content": [{"type": "text", "text": "{broken"}]})).structured_content, None);
        assert_eq!(result("t", json!({"content": [{"type": "text", "text": "7"}]})).structured_content, None, "a number is a text");
        let bare = result("t", json!({"pods": [1]}));
        assert_eq!(bare.structured_content, Some(json!({"pods": [1]})));
        assert!(bare.text().contains("pods"));
        assert_eq!(result("t", json!([1, 2])).structured_content, Some(json!([1, 2])));
        assert_eq!(result("t", json!("words")).text(), "words");
    }

    #[test]
    fn a_refusal_says_what_it_knows() {
        assert_eq!(
            refusal(500, r#"{"detail": "[{'type': 'text', 'text': '{\"error\": \"no such pod\"}'}]"}"#),
            Some(Ok(failed("no such pod")))
        );
        assert_eq!(
            refusal(422, r#"{"detail": [{"type": "missing", "loc": ["body", "arguments", "name"], "msg": "Field required"}]}"#),
            Some(Err(ServerFault::SchemaInvalid { path: "arguments.name".into(), reason: "Field required".into() }))
        );
        assert!(refusal(400, r#"{"content": [{"type": "text", "text": "x"}]}"#).unwrap().unwrap().is_error);
        for (status, body) in [(500, "<html>"), (404, r#"{"detail": "Not Found"}"#), (422, r#"{"detail": []}"#), (500, "{}")] {
            assert_eq!(refusal(status, body), None, "{status} {body}");
        }
    }
}
