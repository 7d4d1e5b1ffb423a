//! Untrusted words made visible: what a reader cannot see stands there as an escape.

use std::borrow::Cow;
use std::fmt::Write as _;

use domain::Json;
use domain::tool::Tool;

/// Whether a character steers or hides text instead of being read: controls, zero-width and bidirectional marks, Unicode tags, fillers.
pub(crate) fn hides(letter: char) -> bool {
    matches!(letter,
        '\u{0}'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{ad}' | '\u{34f}' | '\u{61c}'
        | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// The text with each such character as `\u{…}`.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(hides) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        if hides(letter) {
            let _ = write!(out, "\\u{{{:x}}}", u32::from(letter));
        } else {
            out.push(letter);
        }
    }
    Cow::Owned(out)
}

fn json_hides(value: &Json) -> bool {
    match value {
        Json::String(text) => text.contains(hides),
        Json::Array(items) => items.iter().any(json_hides),
        Json::Object(map) => map.iter().any(|(_, value)| json_hides(value)),
        _ => false,
    }
}

/// Titles and descriptions in a schema, at any depth; keys and values that are sent or compared stay as they are.
fn schema_words(value: &mut Json) {
    match value {
        Json::Array(items) => items.iter_mut().for_each(schema_words),
        Json::Object(map) => {
            for (key, value) in map.iter_mut() {
                match value {
                    Json::String(text) if matches!(key.as_str(), "title" | "description" | "$comment") => {
                        if let Cow::Owned(shown) = visible(text) {
                            *text = shown;
                        }
                    }
                    inner => schema_words(inner),
                }
            }
        }
        _ => {}
    }
}

/// The tool with its words made visible; none when they already are.
pub(crate) fn visible_tool(tool: &Tool) -> Option<Tool> {
    let title = |text: &Option<String>| text.as_deref().is_some_and(|text| text.contains(hides));
    let hidden = title(&tool.title)
        || title(&tool.annotations.title)
        || tool.description.contains(hides)
        || json_hides(&tool.input_schema)
        || tool.output_schema.as_ref().is_some_and(json_hides);
    hidden.then(|| {
        let mut shown = tool.clone();
        for text in [&mut shown.title, &mut shown.annotations.title].into_iter().flatten() {
            *text = visible(text).into_owned();
        }
        shown.description = visible(&shown.description).into_owned();
        schema_words(&mut shown.input_schema);
        if let Some(schema) = &mut shown.output_schema {
            schema_words(schema);
        }
        shown
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_shown_as_an_escape() {
        for (text, shown) in [
            ("plain words, 中文, 🎉, tab\tnew line\n", "plain words, 中文, 🎉, tab\tnew line\n"),
            ("a\u{200b}b", "a\\u{200b}b"),
            ("\u{202e}evil", "\\u{202e}evil"),
            ("x\u{e0041}\u{e007f}", "x\\u{e0041}\\u{e007f}"),
            ("\u{1b}[31mred", "\\u{1b}[31mred"),
            ("\u{feff}bom", "\\u{feff}bom"),
        ] {
            assert_eq!(visible(text), shown);
        }
    }

    #[test]
    fn hidden_words_are_found_inside_a_schema_and_its_keys_stay() {
        let tool = Tool {
            name: "t".into(),
            title: None,
            description: "fine".into(),
            input_schema: serde_json::json!({ "properties": { "k\u{200b}": { "description": "do\u{e0041}it", "const": "v\u{200b}" } } }),
            output_schema: None,
            annotations: domain::tool::Annotations::default(),
        };
        let shown = visible_tool(&tool).unwrap().input_schema;
        assert_eq!(shown["properties"]["k\u{200b}"]["description"], "do\\u{e0041}it");
        assert_eq!(shown["properties"]["k\u{200b}"]["const"], "v\u{200b}");
    }
}
