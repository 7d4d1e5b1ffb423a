//! Lists and definitions as servers really send them, put into our form one by one.
//!
//! **Invariant:** one bad tool never spoils the list (trap 9), and no list is endless (trap 13).

use std::collections::HashSet;

use domain::tool::{Annotations, Catalogue, Content, RejectedTool, Tool, ToolResult};
use domain::{Json, JsonMap};

/// Pages that are followed.
pub(crate) const PAGES: usize = 100;
/// Tools of one server.
const TOOLS: usize = 512;
/// Bytes of one definition.
const DEFINITION: usize = 256 * 1024;
/// Characters of a name.
const NAME: usize = 128;
/// Nesting of a schema, and objects in it.
const SCHEMA_DEPTH: usize = 64;
const SCHEMA_PARTS: usize = 2000;

/// Follows the pages of a list and notices when they lead nowhere.
#[derive(Debug, Default)]
pub(crate) struct Pages {
    seen: HashSet<String>,
    read: usize,
    /// Why the list is not whole.
    pub(crate) partial: Option<String>,
}

impl Pages {
    /// Takes a page's `nextCursor`; gives the cursor to ask for next, or none at the end.
    pub(crate) fn next(&mut self, page: &Json) -> Option<String> {
        self.read += 1;
        let cursor = page.get("nextCursor").and_then(Json::as_str)?.to_owned();
        if !self.seen.insert(cursor.clone()) {
            self.partial = Some(format!("the server's list repeats itself after {} pages", self.read));
            return None;
        }
        if self.read >= PAGES {
            self.partial = Some(format!("the list goes on after {PAGES} pages"));
            return None;
        }
        Some(cursor)
    }
}

/// Whether headers are made from arguments, so that a tool whose annotations for them are wrong cannot be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Headers {
    Checked,
    Unused,
}

/// Adds a page of tools to the catalogue. False when there is no room for more.
pub(crate) fn add_tools(catalogue: &mut Catalogue, names: &mut HashSet<String>, page: Vec<Json>, headers: Headers) -> bool {
    for raw in page {
        if catalogue.tools.len() + catalogue.rejected.len() >= TOOLS {
            catalogue.partial = Some(format!("only the first {TOOLS} tools are taken"));
            return false;
        }
        let stand_in = raw.get("name").and_then(Json::as_str).map_or_else(|| raw.to_string(), str::to_owned);
        match tool(raw, headers) {
            Ok(tool) if names.insert(tool.name.as_str().to_owned()) => catalogue.tools.push(tool),
            Ok(tool) => catalogue.rejected.push(rejected(tool.name.as_str(), "another tool of this server has the same name")),
            Err(reason) => catalogue.rejected.push(rejected(&stand_in, &reason)),
        }
    }
    true
}

fn rejected(name: &str, reason: &str) -> RejectedTool {
    RejectedTool { name: name.chars().take(200).collect(), reason: reason.to_owned() }
}

/// One tool, or why it cannot be used.
fn tool(raw: Json, headers: Headers) -> Result<Tool, String> {
    if weight(&raw) > DEFINITION {
        return Err(format!("its definition is larger than {DEFINITION} bytes"));
    }
    let Json::Object(mut raw) = raw else { return Err("it is no object".into()) };
    let Some(Json::String(name)) = raw.shift_remove("name") else { return Err("it has no name".into()) };
    if let Some(why) = unfit_name(&name) {
        return Err(why.into());
    }
    let mut take = |keys: &[&str]| keys.iter().find_map(|key| raw.shift_remove(*key)).filter(|value| !value.is_null());
    let words = |value: Option<Json>, what: &str| match value {
        None => Ok(None),
        Some(Json::String(text)) => Ok(Some(text)),
        Some(_) => Err(format!("its {what} is no text")),
    };
    let title = words(take(&["title"]), "title")?;
    let description = words(take(&["description"]), "description")?.unwrap_or_default();
    let input_schema = match take(&["inputSchema", "input_schema", "parameters"]) {
        None | Some(Json::Bool(true)) => serde_json::json!({ "type": "object" }),
        Some(schema @ Json::Object(_)) => schema,
        Some(_) => return Err("its input schema is no schema".into()),
    };
    match input_schema.get("type") {
        None => {}
        Some(Json::String(kind)) if kind == "object" => {}
        Some(Json::Array(kinds)) if kinds.iter().any(|kind| kind == "object") => {}
        Some(_) => return Err("its input schema does not describe an object".into()),
    }
    let output_schema = match take(&["outputSchema", "output_schema"]) {
        None => None,
        Some(schema @ (Json::Object(_) | Json::Bool(_))) => Some(schema),
        Some(_) => return Err("its output schema is no schema".into()),
    };
    for schema in std::iter::once(&input_schema).chain(&output_schema) {
        let mut parts = 0;
        if !within(schema, SCHEMA_DEPTH, &mut parts) {
            return Err(format!("its schema is nested deeper than {SCHEMA_DEPTH} or has more than {SCHEMA_PARTS} parts"));
        }
    }
    if headers == Headers::Checked {
        super::headers::check(&input_schema)?;
    }
    let annotations = match take(&["annotations"]) {
        None => Annotations::default(),
        Some(value @ Json::Object(_)) => serde_json::from_value(value).map_err(|fault| format!("its annotations do not fit: {fault}"))?,
        Some(_) => return Err("its annotations are no object".into()),
    };
    Ok(Tool { name: name.into(), title, description, input_schema, output_schema, annotations })
}

/// C-51.
fn unfit_name(name: &str) -> Option<&'static str> {
    let hidden =
        |c: char| c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
    if name.trim().is_empty() {
        Some("its name is empty")
    } else if name.chars().count() > NAME {
        Some("its name is longer than 128 characters")
    } else if name.chars().any(hidden) {
        Some("its name has characters that cannot be seen")
    } else if matches!(name, "__proto__" | "constructor" | "prototype") || name.split(['/', '\\']).any(|part| part == "..") {
        Some("its name is a trap for programs")
    } else {
        None
    }
}

fn within(value: &Json, depth: usize, parts: &mut usize) -> bool {
    let mut inside: Box<dyn Iterator<Item = &Json>> = match value {
        Json::Object(map) => {
            *parts += 1;
            Box::new(map.values())
        }
        Json::Array(items) => Box::new(items.iter()),
        _ => return true,
    };
    depth > 0 && *parts <= SCHEMA_PARTS && inside.all(|value| within(value, depth - 1, parts))
}

fn weight(value: &Json) -> usize {
    match value {
        Json::String(text) => text.len() + 2,
        Json::Array(items) => items.iter().map(|item| weight(item) + 1).sum::<usize>() + 2,
        Json::Object(map) => map.iter().map(|(key, value)| key.len() + 4 + weight(value)).sum::<usize>() + 2,
        Json::Null | Json::Bool(_) => 5,
        Json::Number(_) => 8,
    }
}

/// What a tool answered, whatever shape it has (trap 10). Nothing is lost: pieces of unknown kinds stay as they are.
pub(crate) fn tool_result(value: Json) -> ToolResult {
    let block = |piece: Json| match piece {
        Json::String(text) => Content::text(text),
        piece @ Json::Object(_) => Content::Block(piece),
        other => Content::text(other.to_string()),
    };
    let mut map = match value {
        Json::Object(map) => map,
        Json::Null => return ToolResult::default(),
        Json::Array(pieces) => return ToolResult { content: pieces.into_iter().map(block).collect(), ..ToolResult::default() },
        other => return ToolResult { content: vec![block(other)], ..ToolResult::default() },
    };
    let truth = |value: Option<&Json>| match value {
        Some(Json::Bool(yes)) => *yes,
        Some(Json::String(text)) => text == "true",
        _ => false,
    };
    let is_error = truth(map.get("isError")) || truth(map.get("is_error"));
    let structured_content = map.shift_remove("structuredContent").filter(|value| !value.is_null());
    let content = match map.shift_remove("content") {
        Some(Json::Array(pieces)) => pieces.into_iter().map(block).collect(),
        Some(Json::Null) => Vec::new(),
        Some(other) => vec![block(other)],
        None if structured_content.is_some() => Vec::new(),
        None => bare(map),
    };
    ToolResult { content, structured_content, is_error }
}

/// An object that is no result in MCP's form: shown whole.
fn bare(mut map: JsonMap) -> Vec<Content> {
    for known in ["_meta", "isError", "is_error", "resultType"] {
        map.shift_remove(known);
    }
    if map.is_empty() { Vec::new() } else { vec![Content::text(Json::Object(map).to_string())] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn catalogue(tools: Json) -> Catalogue {
        let Json::Array(tools) = tools else { unreachable!() };
        let mut catalogue = Catalogue::default();
        add_tools(&mut catalogue, &mut HashSet::new(), tools, Headers::Unused);
        catalogue
    }

    #[test]
    fn one_bad_tool_is_set_aside_with_the_reason_and_the_rest_can_be_used() {
        // Trap 9, C-51.
        let deep = (0..200).fold(json!({}), |inner, _| json!({ "properties": { "x": inner } }));
        let list = catalogue(json!([
            { "name": "good", "inputSchema": { "type": "object" }, "annotations": { "readOnlyHint": true, "unknown": 1 } },
            { "name": "no-schema" },
            { "name": "snake", "input_schema": { "type": "object", "title": "s" } },
            { "name": "bad-annotations", "annotations": "yes" },
            { "name": "bad-hint", "annotations": { "readOnlyHint": "yes" } },
            { "name": "bad-schema", "inputSchema": 3 },
            { "name": "text-schema", "inputSchema": { "type": "string" } },
            { "name": "deep", "inputSchema": deep },
            { "name": "big", "description": "x".repeat(300_000) },
            { "name": "" }, { "name": "a\u{202e}b" }, { "name": "__proto__" }, { "name": "../x" }, { "name": "n".repeat(10_000) },
            { "name": "good" },
            7, { "title": "nameless" }
        ]));
        let names: Vec<_> = list.tools.iter().map(|tool| tool.name.as_str()).collect();
        assert_eq!(names, ["good", "no-schema", "snake"]);
        assert_eq!(list.tools[1].input_schema, json!({ "type": "object" }));
        assert_eq!(list.tools[2].input_schema["title"], "s");
        assert_eq!(list.rejected.len(), 14);
        assert!(list.rejected.iter().all(|rejected| rejected.name.chars().count() <= 200 && !rejected.reason.is_empty()), "each says why");
    }

    #[test]
    fn a_list_has_an_end_even_if_the_server_does_not_think_so() {
        // Trap 13, C-16.
        let mut pages = Pages::default();
        assert_eq!(pages.next(&json!({ "nextCursor": "a" })).as_deref(), Some("a"));
        assert_eq!(pages.next(&json!({ "nextCursor": "a" })), None);
        assert!(pages.partial.unwrap().contains("repeats"));

        let mut pages = Pages::default();
        let followed = (0..1000).take_while(|n| pages.next(&json!({ "nextCursor": n.to_string() })).is_some()).count();
        assert_eq!(followed, PAGES - 1);
        assert!(pages.partial.is_some(), "the list says that it is not whole");

        let many = catalogue(Json::Array((0..100_000).map(|n| json!({ "name": format!("t{n}") })).collect()));
        assert_eq!(many.tools.len(), TOOLS);
        assert!(many.partial.is_some());
    }

    #[test]
    fn an_odd_result_is_still_a_result() {
        // Trap 10.
        for (value, text, error) in [
            (json!({ "content": [{ "type": "text", "text": "a" }] }), "a", false),
            (json!({ "content": "plain", "isError": true }), "plain", true),
            (json!({ "content": ["x", { "type": "text", "text": "y" }], "is_error": "true" }), "x\ny", true),
            (json!({ "answer": 42 }), "{\"answer\":42}", false),
            (json!("just text"), "just text", false),
            (json!({}), "", false),
            (json!(null), "", false),
        ] {
            let result = tool_result(value.clone());
            assert_eq!((result.text().as_str(), result.is_error), (text, error), "{value}");
        }
        let unknown = json!({ "type": "hologram", "data": "…" });
        assert_eq!(tool_result(json!({ "content": [unknown.clone()] })).content, [Content::Block(unknown)]);
        assert_eq!(tool_result(json!({ "structuredContent": [1, 2] })).structured_content, Some(json!([1, 2])));
    }
}
