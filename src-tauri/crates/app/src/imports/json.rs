//! Reads the JSON that other programs wrote: strict, or with the comments and trailing commas that editors allow.
//!
//! **Invariant:** a fault says where (line and column) and which rule, and never quotes the text: it may hold secrets. A key that stands
//! twice is refused, because two readers would disagree about what the file says.

use domain::fault::{Fault, FaultKind};
use domain::text::Text;
use domain::{Json, JsonMap};

/// The largest text that is read.
pub const LARGEST: usize = 8 * 1024 * 1024;
/// How deep values may be nested.
const DEEPEST: usize = 64;

/// How much an editor's habits are tolerated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// JSON as RFC 8259 has it.
    Strict,
    /// `//` and `/* */` comments and trailing commas too.
    Comments,
}

/// Reads one value and nothing after it.
pub fn read(text: &str, dialect: Dialect) -> Result<Json, Fault> {
    if text.len() > LARGEST {
        let most = LARGEST / (1024 * 1024);
        return Err(Fault::new(
            FaultKind::Config,
            "import_too_large",
            Text::new(
                format!("the file was not read: it has {} bytes, and at most {most} MiB are read", text.len()),
                format!("没有读取该文件：它有 {} 字节，最多读取 {most} MiB", text.len()),
            ),
            Text::new("take out what is no configuration, or import it in parts", "请去掉不属于配置的内容，或分批导入"),
        ));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader { text, at: 0, dialect, depth: 0 };
    let value = reader.value()?;
    reader.blank()?;
    if reader.at < text.len() {
        return Err(reader.fault("something follows after the end", "结尾之后还有内容"));
    }
    Ok(value)
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    dialect: Dialect,
    depth: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Line and column (in characters), both from 1.
    fn place(&self) -> (usize, usize) {
        let mut end = self.at.min(self.text.len());
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        let before = &self.text[..end];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
        (line, column)
    }

    fn fault(&self, en: &str, zh: &str) -> Fault {
        let (line, column) = self.place();
        Fault::new(
            FaultKind::Config,
            "import_broken",
            Text::new(
                format!("the file is no JSON: {en} (line {line}, column {column})"),
                format!("该文件不是有效的 JSON：{zh}（第 {line} 行，第 {column} 列）"),
            ),
            Text::new("mend the file at that place and import it again; nothing was changed", "请修正该处后重新导入；未做任何更改"),
        )
        .with_params(serde_json::json!({ "line": line, "column": column }))
    }

    fn blank(&mut self) -> Result<(), Fault> {
        loop {
            match self.peek() {
                Some(b' ' | b'\t' | b'\n' | b'\r') => self.at += 1,
                Some(b'/') if self.dialect == Dialect::Comments => {
                    let rest = &self.text[self.at..];
                    if rest.starts_with("//") {
                        self.at += rest.find('\n').unwrap_or(rest.len());
                    } else if let Some(inner) = rest.strip_prefix("/*") {
                        match inner.find("*/") {
                            Some(end) => self.at += 2 + end + 2,
                            None => return Err(self.fault("a comment has no end", "注释没有结束")),
                        }
                    } else {
                        return Err(self.fault("a stray `/`", "多余的 `/`"));
                    }
                }
                _ => return Ok(()),
            }
        }
    }

    fn value(&mut self) -> Result<Json, Fault> {
        self.blank()?;
        match self.peek() {
            None => Err(self.fault("a value is missing", "缺少一个值")),
            Some(b'{') => self.nested(Self::object),
            Some(b'[') => self.nested(Self::array),
            Some(b'"') => Ok(Json::String(self.string()?)),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Json::Bool(true)),
            Some(b'f') => self.word("false", Json::Bool(false)),
            Some(b'n') => self.word("null", Json::Null),
            Some(b'/') => Err(self.fault("comments are not allowed in this format", "此格式不允许注释")),
            Some(_) => Err(self.fault("a value is expected here", "此处应为一个值")),
        }
    }

    fn nested(&mut self, read: fn(&mut Self) -> Result<Json, Fault>) -> Result<Json, Fault> {
        if self.depth == DEEPEST {
            return Err(self.fault("values are nested too deep", "嵌套层级过深"));
        }
        self.depth += 1;
        let value = read(self)?;
        self.depth -= 1;
        Ok(value)
    }

    fn object(&mut self) -> Result<Json, Fault> {
        self.at += 1;
        let mut map = JsonMap::new();
        loop {
            self.blank()?;
            match self.peek() {
                Some(b'}') if map.is_empty() || self.dialect == Dialect::Comments => {
                    self.at += 1;
                    return Ok(Json::Object(map));
                }
                Some(b'"') => {}
                Some(b'}') => return Err(self.fault("a comma stands before the end", "结束前有多余的逗号")),
                _ => return Err(self.fault("a key in double quotes is expected here", "此处应为双引号括起的键")),
            }
            let start = self.at;
            let key = self.string()?;
            if map.contains_key(&key) {
                self.at = start;
                return Err(self.fault("this key stands twice in the same object", "同一对象中该键出现了两次"));
            }
            self.blank()?;
            if self.peek() != Some(b':') {
                return Err(self.fault("`:` is expected here", "此处应为 `:`"));
            }
            self.at += 1;
            let value = self.value()?;
            map.insert(key, value);
            self.blank()?;
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(Json::Object(map));
                }
                _ => return Err(self.fault("`,` or `}` is expected here", "此处应为 `,` 或 `}`")),
            }
        }
    }

    fn array(&mut self) -> Result<Json, Fault> {
        self.at += 1;
        let mut items = Vec::new();
        loop {
            self.blank()?;
            if self.peek() == Some(b']') {
                if !items.is_empty() && self.dialect == Dialect::Strict {
                    return Err(self.fault("a comma stands before the end", "结束前有多余的逗号"));
                }
                self.at += 1;
                return Ok(Json::Array(items));
            }
            items.push(self.value()?);
            self.blank()?;
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(Json::Array(items));
                }
                _ => return Err(self.fault("`,` or `]` is expected here", "此处应为 `,` 或 `]`")),
            }
        }
    }

    fn string(&mut self) -> Result<String, Fault> {
        let bytes = self.text.as_bytes();
        let mut end = self.at + 1;
        loop {
            match bytes.get(end) {
                None => return Err(self.fault("a string has no end", "字符串没有结束")),
                Some(b'"') => break,
                Some(b'\\') => end += 2,
                Some(0..=0x1f) => {
                    self.at = end;
                    return Err(self.fault("a string holds an unescaped control character", "字符串中有未转义的控制字符"));
                }
                Some(_) => end += 1,
            }
        }
        let text = serde_json::from_str(&self.text[self.at..=end])
            .map_err(|_| self.fault("a string holds an escape that does not exist", "字符串中有不存在的转义"))?;
        self.at = end + 1;
        Ok(text)
    }

    fn number(&mut self) -> Result<Json, Fault> {
        let rest = &self.text[self.at..];
        let end = rest.find(|c: char| !matches!(c, '-' | '+' | '.' | 'e' | 'E' | '0'..='9')).unwrap_or(rest.len());
        let number = serde_json::from_str(&rest[..end]).map_err(|_| self.fault("this is no number", "这不是数字"))?;
        self.at += end;
        Ok(number)
    }

    fn word(&mut self, word: &str, value: Json) -> Result<Json, Fault> {
        let rest = &self.text[self.at..];
        let whole = rest.strip_prefix(word).is_some_and(|after| !after.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_'));
        if !whole {
            return Err(self.fault("a value is expected here", "此处应为一个值"));
        }
        self.at += word.len();
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strict_reading_agrees_with_the_usual_reader() {
        for text in [
            "{}",
            "[]",
            " [1, -2.5e3, true, false, null, \"\\u4e2d\\n\"] ",
            r#"{"a":{"b":[{"c":"d"}]},"e":"中文 \" \\"}"#,
            "\"x\"",
            "12345678901234567890",
        ] {
            assert_eq!(read(text, Dialect::Strict).unwrap(), serde_json::from_str::<Json>(text).unwrap(), "{text}");
        }
    }

    #[test]
    fn broken_text_is_refused_with_its_place() {
        for (text, line, column) in [
            ("", 1, 1),
            ("{\n  \"a\": 1,\n  \"a\": 2\n}", 3, 3),
            ("{\"a\": 1,}", 1, 9),
            ("[1,]", 1, 4),
            ("{\"a\" 1}", 1, 6),
            ("{a: 1}", 1, 2),
            ("[1 2]", 1, 4),
            ("// hi\n1", 1, 1),
            ("{\"中\": tru}", 1, 7),
            ("nullx", 1, 1),
            ("1 1", 1, 3),
            ("\"abc", 1, 1),
            ("\"a\nb\"", 1, 3),
            ("\"\\x\"", 1, 1),
            ("01", 1, 1),
            ("\"\\", 1, 1),
        ] {
            let fault = read(text, Dialect::Strict).unwrap_err();
            assert_eq!((fault.params["line"].as_u64(), fault.params["column"].as_u64()), (Some(line), Some(column)), "{text:?}: {fault}");
            assert_eq!(fault.code, "import_broken");
        }
    }

    #[test]
    fn comments_and_trailing_commas_are_read_where_they_are_allowed() {
        let text = "/* head */ { // one\n \"url\": \"http://x//y\", /* two */ \"b\": [1,2,], }\n// end";
        assert_eq!(read(text, Dialect::Comments).unwrap(), serde_json::json!({ "url": "http://x//y", "b": [1, 2] }));
        assert!(read("{} /* open", Dialect::Comments).is_err());
        assert!(read("[,]", Dialect::Comments).is_err(), "a comma alone is no value");
    }

    #[test]
    fn depth_and_size_have_limits() {
        let deep = "[".repeat(100_000);
        assert_eq!(read(&deep, Dialect::Comments).unwrap_err().code, "import_broken");
        let fits = format!("{}{}", "[".repeat(DEEPEST), "]".repeat(DEEPEST));
        assert!(read(&fits, Dialect::Strict).is_ok());
        let large = format!("\"{}\"", "x".repeat(LARGEST));
        assert_eq!(read(&large, Dialect::Strict).unwrap_err().code, "import_too_large");
    }

    #[test]
    fn a_fault_never_quotes_the_text() {
        let fault = read("{\"token\": \"s3cr3t-canary\" x", Dialect::Strict).unwrap_err();
        assert!(!format!("{fault:?}").contains("canary"));
    }
}
