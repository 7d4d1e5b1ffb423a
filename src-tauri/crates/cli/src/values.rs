//! Words of the command line as values: `name=value` by a schema, `name:=json`, and command lines in one string.

use domain::fault::{Fault, FaultKind};
use domain::text::Text;
use domain::{Json, JsonMap};

/// A usage fault with its message.
pub(crate) fn usage(code: &str, en: impl Into<String>, zh: impl Into<String>) -> Fault {
    Fault::new(FaultKind::Usage, code, Text::new(en, zh), Text::new("see --help", "参见 --help"))
}

/// `name=value` or `name:=json`.
fn pair(word: &str) -> Result<(&str, Option<Json>, &str), Fault> {
    let broken = || usage("pair", format!("\"{word}\" is not of the form NAME=VALUE"), format!("“{word}”不符合 NAME=VALUE 的形式"));
    let (name, value) = word.split_once('=').ok_or_else(broken)?;
    match name.strip_suffix(':') {
        Some(name) if !name.is_empty() => {
            let json = serde_json::from_str(value).map_err(|fault| {
                usage("pair_json", format!("the value of {name} is no JSON: {fault}"), format!("{name} 的值不是有效的 JSON：{fault}"))
            })?;
            Ok((name, Some(json), value))
        }
        _ if name.is_empty() => Err(broken()),
        _ => Ok((name, None, value)),
    }
}

/// Arguments for a tool: texts become what its schema wants. A name that stands twice makes a list where the schema wants one.
pub(crate) fn arguments(words: &[String], schema: &Json) -> Result<JsonMap, Fault> {
    let mut args = JsonMap::new();
    for word in words {
        let (name, json, text) = pair(word)?;
        let wanted = schema.get("properties").and_then(|properties| properties.get(name));
        let value = json.unwrap_or_else(|| as_wanted(text, wanted));
        match (args.get_mut(name), value) {
            (None, value) => {
                args.insert(name.to_owned(), value);
            }
            (Some(Json::Array(items)), Json::Array(more)) if wants(wanted, "array") => items.extend(more),
            (Some(_), _) => {
                return Err(usage("pair_twice", format!("the argument {name} is given twice"), format!("参数 {name} 给出了两次")));
            }
        }
    }
    Ok(args)
}

fn types(schema: Option<&Json>) -> Vec<&str> {
    let Some(schema) = schema else { return Vec::new() };
    let mut found: Vec<&str> = match schema.get("type") {
        Some(Json::String(one)) => vec![one],
        Some(Json::Array(many)) => many.iter().filter_map(Json::as_str).collect(),
        _ => Vec::new(),
    };
    for key in ["anyOf", "oneOf"] {
        for branch in schema.get(key).and_then(Json::as_array).into_iter().flatten() {
            found.extend(types(Some(branch)));
        }
    }
    found
}

fn wants(schema: Option<&Json>, kind: &str) -> bool {
    types(schema).contains(&kind)
}

/// A text as the schema wants it. What does not fit stays a text, so that the check of the arguments says why.
fn as_wanted(text: &str, schema: Option<&Json>) -> Json {
    let types = types(schema);
    let json = || serde_json::from_str::<Json>(text).ok();
    if types.contains(&"string") {
        return text.into();
    }
    for kind in &types {
        let value = match *kind {
            "integer" => json().filter(|value| value.is_i64() || value.is_u64()),
            "number" => json().filter(Json::is_number),
            "boolean" => json().filter(Json::is_boolean),
            "null" => json().filter(Json::is_null),
            "object" => json().filter(Json::is_object),
            "array" => match json() {
                Some(list @ Json::Array(_)) => Some(list),
                _ => Some(Json::Array(vec![as_wanted(text, schema.and_then(|schema| schema.get("items")))])),
            },
            _ => None,
        };
        if let Some(value) = value {
            return value;
        }
    }
    text.into()
}

/// Settings: `name=value` is a text (a number or true/false where it reads as one), `name.key=value` reaches into a map.
pub(crate) fn settings(words: &[String], into: &mut JsonMap) -> Result<(), Fault> {
    for word in words {
        let (name, json, text) = pair(word)?;
        let value = json.unwrap_or_else(|| match serde_json::from_str::<Json>(text) {
            Ok(value @ (Json::Number(_) | Json::Bool(_))) if !name.contains('.') => value,
            _ => text.into(),
        });
        match name.split_once('.') {
            None => {
                into.insert(name.to_owned(), value);
            }
            Some((map, key)) => {
                let slot = into.entry(map).or_insert_with(|| Json::Object(JsonMap::new()));
                let Some(slot) = slot.as_object_mut() else {
                    return Err(usage(
                        "setting_no_map",
                        format!("{map} is no map, so it has no {key}"),
                        format!("{map} 不是映射，因此没有 {key}"),
                    ));
                };
                slot.insert(key.to_owned(), value);
            }
        }
    }
    Ok(())
}

/// Plain texts by name.
pub(crate) fn texts(words: &[String]) -> Result<std::collections::BTreeMap<String, String>, Fault> {
    words.iter().map(|word| pair(word).map(|(name, _, text)| (name.to_owned(), text.to_owned()))).collect()
}

/// A command line in one string, split as a POSIX shell splits it: blanks, single and double quotes, backslashes. Nothing is expanded.
pub(crate) fn split_line(line: &str) -> Result<Vec<String>, Fault> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' | '\n' => words.extend(word.take()),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next() {
                        Some('\'') => break,
                        Some(c) => word.push(c),
                        None => return Err(open_quote()),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next() {
                        Some('"') => break,
                        Some('\\') => match chars.next() {
                            Some(c @ ('"' | '\\' | '$' | '`')) => word.push(c),
                            Some(c) => {
                                word.push('\\');
                                word.push(c);
                            }
                            None => return Err(open_quote()),
                        },
                        Some(c) => word.push(c),
                        None => return Err(open_quote()),
                    }
                }
            }
            '\\' => match chars.next() {
                Some(c) => word.get_or_insert_default().push(c),
                None => return Err(open_quote()),
            },
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    if words.first().is_none_or(String::is_empty) {
        return Err(usage("stdio_empty", "--stdio names no program", "--stdio 没有指定程序"));
    }
    Ok(words)
}

fn open_quote() -> Fault {
    usage("stdio_quote", "a quote in --stdio is not closed", "--stdio 中的引号没有闭合")
}

/// `Name: value` of a header.
pub(crate) fn header(line: &str) -> Result<(String, String), Fault> {
    let broken = || {
        // The line may hold a secret, so it is not quoted.
        usage("header", "a --header is not of the form 'NAME: VALUE'", "某个 --header 不符合 'NAME: VALUE' 的形式")
    };
    let (name, value) = line.split_once(':').ok_or_else(broken)?;
    let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    if name.is_empty() || !name.chars().all(token) {
        return Err(broken());
    }
    Ok((name.to_owned(), value.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn words(line: &[&str]) -> Vec<String> {
        line.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn texts_become_what_the_schema_wants() {
        let schema = json!({ "properties": {
            "n": { "type": "integer" }, "x": { "type": "number" }, "on": { "type": "boolean" }, "s": { "type": "string" },
            "list": { "type": "array", "items": { "type": "integer" } }, "o": { "type": "object" },
            "maybe": { "anyOf": [{ "type": "integer" }, { "type": "null" }] },
        } });
        let args = arguments(
            &words(&["n=3", "x=1.5", "on=true", "s=7", "list=1", "list=2", "o={\"a\":1}", "maybe=4", "free=true", "j:=[1]"]),
            &schema,
        );
        assert_eq!(
            Json::Object(args.unwrap()),
            json!({ "n": 3, "x": 1.5, "on": true, "s": "7", "list": [1, 2], "o": { "a": 1 }, "maybe": 4, "free": "true", "j": [1] })
        );
        assert_eq!(arguments(&words(&["n=x"]), &schema).unwrap()["n"], "x", "the check of the arguments says what is wrong");
    }

    #[test]
    fn broken_pairs_are_refused() {
        let schema = json!({});
        for word in ["novalue", "=x", "j:={"] {
            assert_eq!(arguments(&words(&[word]), &schema).unwrap_err().kind, FaultKind::Usage, "{word}");
        }
        assert!(arguments(&words(&["a=1", "a=2"]), &schema).is_err(), "an argument given twice is a mistake");
    }

    #[test]
    fn a_line_is_split_as_a_shell_does() {
        for (line, expected) in [
            ("python -m mcp_server", vec!["python", "-m", "mcp_server"]),
            ("  a   'b c' \"d \\\" e\" f\\ g ''", vec!["a", "b c", "d \" e", "f g", ""]),
            ("x \"$HOME\" '${TOKEN}'", vec!["x", "$HOME", "${TOKEN}"]),
            ("a\"b\"'c'", vec!["abc"]),
        ] {
            assert_eq!(split_line(line).unwrap(), expected, "{line}");
        }
        for line in ["", "   ", "'open", "\"open", "x \\", "''"] {
            assert!(split_line(line).is_err(), "{line}");
        }
    }

    #[test]
    fn settings_reach_into_maps() {
        let mut map = JsonMap::new();
        settings(
            &words(&["host=h", "port=80", "env.A=1", "auth_headers.X-Key=${K}", "args:=[\"-m\"]", "tls:={\"ca_file\":\"/x\"}"]),
            &mut map,
        )
        .unwrap();
        assert_eq!(
            Json::Object(map),
            json!({ "host": "h", "port": 80, "env": { "A": "1" }, "auth_headers": { "X-Key": "${K}" }, "args": ["-m"], "tls": { "ca_file": "/x" } })
        );
    }

    #[test]
    fn a_header_that_is_none_is_refused_without_being_quoted() {
        assert_eq!(header("Authorization: Bearer ${T}").unwrap(), ("Authorization".into(), "Bearer ${T}".into()));
        let fault = header("canary-secret").unwrap_err();
        assert!(!format!("{fault:?}").contains("canary"));
        assert!(header("bad name: x").is_err());
    }
}
