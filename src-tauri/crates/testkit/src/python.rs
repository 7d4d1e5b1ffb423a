//! Python's `repr` of JSON-like values: the form in which the predecessor writes its error strings.

use std::fmt::Write as _;

use serde_json::Value as Json;

/// The textual form that Python gives a list, a dict, a string and the like.
pub fn repr(value: &Json) -> String {
    match value {
        Json::Null => "None".into(),
        Json::Bool(true) => "True".into(),
        Json::Bool(false) => "False".into(),
        Json::Number(number) => number.to_string(),
        Json::String(text) => quote(text),
        Json::Array(items) => format!("[{}]", items.iter().map(repr).collect::<Vec<_>>().join(", ")),
        Json::Object(map) => {
            let parts: Vec<_> = map.iter().map(|(key, value)| format!("{}: {}", quote(key), repr(value))).collect();
            format!("{{{}}}", parts.join(", "))
        }
    }
}

/// Single quotes, unless the text has one and no double quote.
fn quote(text: &str) -> String {
    let mark = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::from(mark);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == mark => {
                out.push('\\');
                out.push(c);
            }
            c if (c as u32) < 0x20 || c as u32 == 0x7f || (0x80..0xa1).contains(&(c as u32)) || c as u32 == 0xad => {
                let _ = write!(out, "\\x{:02x}", c as u32);
            }
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202f}' | '\u{2060}'..='\u{206f}' | '\u{feff}' => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push(mark);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_look_as_python_prints_them() {
        for (value, text) in [
            (
                json!([{ "type": "text", "text": "{\n  \"error\": \"no pod\"\n}" }]),
                r#"[{'type': 'text', 'text': '{\n  "error": "no pod"\n}'}]"#,
            ),
            (json!("it's"), r#""it's""#),
            (json!("it's \"so\""), r#"'it\'s "so"'"#),
            (json!([null, true, false, 1.5, -2]), "[None, True, False, 1.5, -2]"),
            (json!("a\\b\t\u{7}"), r"'a\\b\t\x07'"),
            (json!("中文"), "'中文'"),
        ] {
            assert_eq!(repr(&value), text);
        }
    }
}
