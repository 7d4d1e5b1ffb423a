//! Reads the error texts of the predecessor's server, which are Python literals and not JSON.
//!
//! **Invariant:** whatever stands there, the person sees something: what cannot be read is shown as it came.

use domain::{Json, JsonMap};

/// Deepest nesting that is read.
const DEPTH: usize = 32;

/// The words in an error text: out of `[{'type': 'text', 'text': '{"error": …}'}]`, out of plain JSON, or the text itself.
pub(crate) fn error_words(raw: &str) -> String {
    let trimmed = raw.trim();
    let read = if trimmed.starts_with(['[', '{']) { parse(trimmed).or_else(|| serde_json::from_str(trimmed).ok()) } else { None };
    let Some(value) = read else { return raw.to_owned() };
    let texts: Vec<String> = match &value {
        Json::Array(parts) => parts.iter().filter_map(|part| part.get("text").and_then(Json::as_str)).map(inner_words).collect(),
        object @ Json::Object(_) => named_error(object).into_iter().collect(),
        _ => Vec::new(),
    };
    if texts.is_empty() { raw.to_owned() } else { texts.join("\n") }
}

fn inner_words(text: &str) -> String {
    serde_json::from_str::<Json>(text).ok().as_ref().and_then(named_error).unwrap_or_else(|| text.to_owned())
}

fn named_error(value: &Json) -> Option<String> {
    let words = |value: &Json| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let error = words(value.get("error").filter(|error| !error.is_null())?);
    Some(match value.get("details").filter(|details| !details.is_null()) {
        Some(details) => format!("{error} ({})", words(details)),
        None => error,
    })
}

/// A Python literal of lists, dicts, strings, numbers, `True`, `False` and `None` as JSON; none when it is something else.
pub(crate) fn parse(text: &str) -> Option<Json> {
    let mut reader = Reader { rest: text };
    let value = reader.value(DEPTH)?;
    reader.space();
    reader.rest.is_empty().then_some(value)
}

struct Reader<'t> {
    rest: &'t str,
}

impl Reader<'_> {
    fn space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn eat(&mut self, word: &str) -> bool {
        self.space();
        match self.rest.strip_prefix(word) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn char(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let next = chars.next();
        self.rest = chars.as_str();
        next
    }

    fn value(&mut self, depth: usize) -> Option<Json> {
        let depth = depth.checked_sub(1)?;
        self.space();
        match self.rest.chars().next()? {
            '[' => self.list(depth, "[", "]"),
            '(' => self.list(depth, "(", ")"),
            '{' => self.dict(depth),
            '\'' | '"' => self.string().map(Json::String),
            _ => self.word(),
        }
    }

    fn list(&mut self, depth: usize, open: &str, close: &str) -> Option<Json> {
        self.eat(open);
        let mut items = Vec::new();
        while !self.eat(close) {
            items.push(self.value(depth)?);
            if !self.eat(",") {
                return self.eat(close).then_some(Json::Array(items));
            }
        }
        Some(Json::Array(items))
    }

    fn dict(&mut self, depth: usize) -> Option<Json> {
        self.eat("{");
        let mut map = JsonMap::new();
        while !self.eat("}") {
            let key = match self.value(depth)? {
                Json::String(key) => key,
                Json::Array(_) | Json::Object(_) => return None,
                other => other.to_string(),
            };
            if !self.eat(":") {
                return None;
            }
            map.insert(key, self.value(depth)?);
            if !self.eat(",") {
                return self.eat("}").then_some(Json::Object(map));
            }
        }
        Some(Json::Object(map))
    }

    fn string(&mut self) -> Option<String> {
        let quote = self.char()?;
        let mut out = String::new();
        loop {
            match self.char()? {
                c if c == quote => return Some(out),
                '\\' => match self.char()? {
                    'n' => out.push('\n'),
                    't' => out.push('\t'),
                    'r' => out.push('\r'),
                    'x' => out.push(self.code(2)?),
                    'u' => out.push(self.code(4)?),
                    'U' => out.push(self.code(8)?),
                    same @ ('\\' | '\'' | '"') => out.push(same),
                    _ => return None,
                },
                '\n' | '\r' => return None,
                c => out.push(c),
            }
        }
    }

    /// A character by its number. A lone surrogate is no character; it becomes the replacement character.
    fn code(&mut self, digits: usize) -> Option<char> {
        let hex = self.rest.get(..digits).filter(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
        let number = u32::from_str_radix(hex, 16).ok()?;
        self.rest = self.rest.get(digits..)?;
        Some(char::from_u32(number).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn word(&mut self) -> Option<Json> {
        for (word, value) in [("None", Json::Null), ("True", Json::Bool(true)), ("False", Json::Bool(false))] {
            if self.rest.strip_prefix(word).is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_')) {
                self.rest = self.rest.get(word.len()..)?;
                return Some(value);
            }
        }
        let end = self.rest.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-'))).unwrap_or(self.rest.len());
        let (number, rest) = self.rest.split_at_checked(end)?;
        // Python writes `1.` for nothing and `1e+20` for floats; both are read by the float reader, integers by their own.
        let value = number.parse::<i64>().map(Json::from).ok().or_else(|| {
            let float = number.parse::<f64>().ok().filter(|_| number.starts_with(|c: char| c.is_ascii_digit() || c == '-'))?;
            serde_json::Number::from_f64(float).map(Json::Number)
        })?;
        self.rest = rest;
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_literals_that_the_predecessor_sends_are_read() {
        for (text, expected) in [
            ("[]", json!([])),
            ("{}", json!({})),
            ("[1, -2, 3.5, 1e+20, True, False, None]", json!([1, -2, 3.5, 1e20, true, false, null])),
            ("{'a': 'b', \"c\": \"it's\", 3: 'd',}", json!({"a": "b", "c": "it's", "3": "d"})),
            (r"'\n\t\\\'\x41\u8bfb\U0001f600'", json!("\n\t\\'A读😀")),
            (r#"'say "hi"'"#, json!("say \"hi\"")),
            (r"'\ud800'", json!("\u{fffd}")),
            ("('a', 'b')", json!(["a", "b"])),
            ("[{'type': 'text', 'text': 'x'}]", json!([{"type": "text", "text": "x"}])),
        ] {
            assert_eq!(parse(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_literal_is_not_guessed_at() {
        for text in [
            "",
            "[",
            "[1",
            "{'a' 1}",
            "{'a': }",
            "'open",
            r"'\q'",
            "[1] x",
            "nan",
            "-",
            "1e",
            "__import__('os')",
            "['a' 'b']",
            "{[1]: 2}",
            "Nonesuch",
            r"'\xzz'",
            "'a\nb'",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(parse(&"[".repeat(100_000)), None, "nesting is limited");
    }

    #[test]
    fn the_words_of_an_error_are_found_or_the_text_is_shown() {
        for (raw, words) in [
            (r#"[{'type': 'text', 'text': '{\n  "error": "no such pod"\n}'}]"#, "no such pod"),
            (r#"[{'type': 'text', 'text': '{"error": "denied", "details": "namespace"}'}]"#, "denied (namespace)"),
            (r#"[{'type': 'text', 'text': "it's {not} json"}]"#, "it's {not} json"),
            (r#"[{"type": "text", "text": "{\"error\": \"as json\"}"}]"#, "as json"),
            (r#"{"error": "flat"}"#, "flat"),
            (r#"[{'type': 'text', 'text': '{"error": {"code": 7}}'}]"#, r#"{"code":7}"#),
            ("plain words", "plain words"),
            ("[broken", "[broken"),
            ("[1, 2]", "[1, 2]"),
            ("", ""),
        ] {
            assert_eq!(error_words(raw), words, "{raw}");
        }
    }
}
