//! Tools, what they promise, and how risky they are.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::Json;
use crate::id::ToolName;

/// How much harm a run can do. Ordered: a later one is riskier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    /// Reads, and reads nothing sensitive.
    Safe,
    /// Reads widely, or changes something that is trivially undone.
    Low,
    /// Changes something.
    Medium,
    /// Destroys something, runs programs, or cannot be undone.
    High,
}

/// What a server says of its own tool. Untrusted: it may raise the risk, never lower it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Annotations {
    /// A title for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Changes nothing, the server says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_only_hint: Option<bool>,
    /// May destroy something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destructive_hint: Option<bool>,
    /// A second run with the same arguments changes nothing more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idempotent_hint: Option<bool>,
    /// Reaches beyond its own closed world.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_world_hint: Option<bool>,
}

/// One tool as a server describes it (MCP `Tool`, 2026-07-28).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tool {
    /// The name to call it by.
    pub name: ToolName,
    /// A title for people.
    #[serde(default)]
    pub title: Option<String>,
    /// What it does, in the server's words. Untrusted text.
    #[serde(default)]
    pub description: String,
    /// JSON Schema of the arguments; `{"type":"object"}` when the server gave none.
    pub input_schema: Json,
    /// JSON Schema of the structured result.
    #[serde(default)]
    pub output_schema: Option<Json>,
    /// The server's own claims.
    #[serde(default)]
    pub annotations: Annotations,
}

impl Tool {
    /// SHA-256 over everything that a person accepted: name, title, description, both schemas, annotations. The JSON is hashed with
    /// sorted keys, so that a server that only reorders them has not changed its tool.
    pub fn fingerprint(&self) -> String {
        let whole = serde_json::json!({
            "name": self.name, "title": self.title, "description": self.description,
            "inputSchema": self.input_schema, "outputSchema": self.output_schema, "annotations": self.annotations,
        });
        hex(&Sha256::digest(canonical(&whole).as_bytes()))
    }

    /// Whether a repeat does no harm: the server says read-only or idempotent. The caller decides whether to believe it.
    pub fn claims_repeatable(&self) -> bool {
        self.annotations.read_only_hint == Some(true) || self.annotations.idempotent_hint == Some(true)
    }
}

/// A tool that the server listed and that cannot be used, with the reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RejectedTool {
    /// Its name, or what stood in its place, cut to 200 characters.
    pub name: String,
    /// Why it is not offered.
    pub reason: String,
}

/// What a server offers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Catalogue {
    /// The tools that can be called.
    pub tools: Vec<Tool>,
    /// The tools that cannot, and why.
    #[serde(default)]
    pub rejected: Vec<RejectedTool>,
    /// Why the list is not whole, when it is not (a page limit, a looping cursor).
    #[serde(default)]
    pub partial: Option<String>,
}

/// One piece of a result. Unknown kinds are kept as they came.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Content {
    /// A piece in MCP's own form (`{"type":"text","text":…}` and the like).
    Block(Json),
}

impl Content {
    /// A text piece.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Block(serde_json::json!({ "type": "text", "text": text.into() }))
    }

    /// The text, when it is a text piece.
    pub fn as_text(&self) -> Option<&str> {
        let Self::Block(block) = self;
        (block.get("type")?.as_str()? == "text").then(|| block.get("text")?.as_str()).flatten()
    }
}

/// What a tool answered (MCP `CallToolResult`).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolResult {
    /// The pieces, in order.
    #[serde(default)]
    pub content: Vec<Content>,
    /// The structured result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub structured_content: Option<Json>,
    /// Whether the tool says that it failed.
    #[serde(default)]
    pub is_error: bool,
}

impl ToolResult {
    /// All text pieces, one after the other.
    pub fn text(&self) -> String {
        self.content.iter().filter_map(Content::as_text).collect::<Vec<_>>().join("\n")
    }

    /// A result that is one text piece.
    pub fn of_text(text: impl Into<String>) -> Self {
        Self { content: vec![Content::text(text)], ..Self::default() }
    }

    /// How many bytes the pieces hold, near enough for limits and metrics.
    pub fn weight(&self) -> usize {
        fn json(value: &Json) -> usize {
            match value {
                Json::String(text) => text.len() + 2,
                Json::Array(items) => items.iter().map(json).sum::<usize>() + 2,
                Json::Object(map) => map.iter().map(|(key, value)| key.len() + 4 + json(value)).sum::<usize>() + 2,
                _ => 5,
            }
        }
        self.content.iter().map(|Content::Block(block)| json(block)).sum::<usize>() + self.structured_content.as_ref().map_or(0, json)
    }
}

/// JSON text with object keys sorted at every depth: what is hashed when two spellings must count as one.
pub fn canonical(value: &Json) -> String {
    fn write(value: &Json, out: &mut String) {
        match value {
            Json::Object(map) => {
                let mut keys: Vec<_> = map.keys().collect();
                keys.sort_unstable();
                out.push('{');
                for (nth, key) in keys.into_iter().enumerate() {
                    if nth > 0 {
                        out.push(',');
                    }
                    out.push_str(&Json::from(key.as_str()).to_string());
                    out.push(':');
                    write(&map[key], out);
                }
                out.push('}');
            }
            Json::Array(items) => {
                out.push('[');
                for (nth, item) in items.iter().enumerate() {
                    if nth > 0 {
                        out.push(',');
                    }
                    write(item, out);
                }
                out.push(']');
            }
            leaf => out.push_str(&leaf.to_string()),
        }
    }
    let mut out = String::new();
    write(value, &mut out);
    out
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reordered_keys_are_the_same_tool_and_a_changed_word_is_not() {
        let tool = |schema: &str, description: &str| Tool {
            name: "t".into(),
            title: None,
            description: description.into(),
            input_schema: serde_json::from_str(schema).unwrap(),
            output_schema: None,
            annotations: Annotations::default(),
        };
        let one = tool(r#"{"type":"object","title":"x"}"#, "reads");
        assert_eq!(one.fingerprint(), tool(r#"{"title":"x","type":"object"}"#, "reads").fingerprint());
        assert_ne!(one.fingerprint(), tool(r#"{"title":"x","type":"object"}"#, "reads all").fingerprint());
    }
}
