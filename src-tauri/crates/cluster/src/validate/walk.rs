//! A value held against its schema: unknown fields, sorts, what is required, what is allowed.

use std::collections::{HashMap, HashSet};
use std::sync::{LazyLock, Mutex, PoisonError};

use domain::manifest_check::{FixEdit, Severity};
use domain::text::Text;
use regex::Regex;
use serde_json::Value;
use yaml::{Path, Step};

use super::format;
use super::found::{Found, Object, offer};
use super::schema::{Fields, Format, NodeId, Schemas, Sort, Unique};

enum At<'v> {
    Key(&'v str),
    Index(usize),
}

pub(crate) struct Walk<'s, 'd, 'f> {
    schemas: &'s Schemas,
    object: &'s Object<'d>,
    found: &'f mut Found,
    path: Vec<At<'s>>,
}

/// Holds an object against its schema.
pub(crate) fn walk<'s>(schemas: &'s Schemas, object: &'s Object<'_>, node: NodeId, found: &mut Found) {
    Walk { schemas, object, found, path: Vec::new() }.value(object.value, node);
}

fn sort_of(value: &Value) -> (&'static str, &'static str) {
    match value {
        Value::Null => ("nothing", "空值"),
        Value::Bool(_) => ("true or false", "布尔值"),
        Value::Number(number) if number.is_f64() => ("a number with a fraction", "小数"),
        Value::Number(_) => ("a number", "数字"),
        Value::String(_) => ("text", "文本"),
        Value::Array(_) => ("a list", "列表"),
        Value::Object(_) => ("a mapping", "映射"),
    }
}

impl<'s> Walk<'s, '_, '_> {
    fn here(&self) -> Path {
        Path(
            self.path
                .iter()
                .map(|at| match at {
                    At::Key(key) => Step::from(*key),
                    At::Index(nth) => Step::Index(*nth),
                })
                .collect(),
        )
    }

    fn wrong(&mut self, rule: &str, en: String, zh: String) -> &mut domain::manifest_check::Problem {
        let path = self.here();
        self.found.at(self.object, &path, Severity::Error, rule, Text::new(en, zh))
    }

    fn sort(&mut self, value: &Value, en: &str, zh: &str) {
        let (is, is_zh) = sort_of(value);
        self.wrong("schema-type", format!("{en} is wanted here, this is {is}"), format!("此处应为{zh}，实际为{is_zh}"));
    }

    fn value(&mut self, value: &'s Value, id: NodeId) {
        // Nothing is what a field holds that is left out.
        if value.is_null() {
            return;
        }
        let node = self.schemas.node(id);
        match (&node.sort, value) {
            (Sort::Any, _) | (Sort::Bool, Value::Bool(_)) | (Sort::Number, Value::Number(_)) => {}
            (Sort::IntOrString, Value::String(_)) => {}
            (Sort::IntOrString, Value::Number(number)) if number.as_i64().is_some_and(|number| i32::try_from(number).is_ok()) => {}
            (Sort::Object(fields), Value::Object(map)) => self.object(map, fields, node.name.as_deref()),
            (Sort::List { items, unique }, Value::Array(list)) => {
                for (nth, item) in list.iter().enumerate() {
                    self.path.push(At::Index(nth));
                    self.value(item, *items);
                    self.path.pop();
                }
                self.unique(list, unique);
            }
            (Sort::Text { format, pattern, least, most }, Value::String(text)) => {
                self.text(text, *format, pattern.as_deref(), *least, *most);
            }
            (Sort::Integer { least, most }, Value::Number(number)) => match number.as_i64() {
                Some(number) if (*least..=*most).contains(&number) => {}
                Some(_) => {
                    self.wrong("schema-range", format!("it must be from {least} to {most}"), format!("取值范围为 {least} 到 {most}"));
                }
                None => self.sort(value, "an integer", "整数"),
            },
            (Sort::Quantity, Value::String(text)) => {
                if domain::kube::quantity(text).is_none() {
                    self.wrong(
                        "schema-quantity",
                        "this is no quantity: write a number with m, k, M, G, Ki, Mi, Gi … or without".into(),
                        "不是有效的数量：请写数字，可带 m、k、M、G、Ki、Mi、Gi 等后缀".into(),
                    );
                }
            }
            (Sort::Quantity, Value::Number(_)) => {}
            (Sort::Object(_), _) => self.sort(value, "a mapping", "映射"),
            (Sort::List { .. }, _) => self.sort(value, "a list", "列表"),
            (Sort::Text { .. }, _) => self.sort(value, "text", "文本（请加引号）"),
            (Sort::Integer { .. } | Sort::Number, _) => self.sort(value, "a number", "数字"),
            (Sort::Bool, _) => self.sort(value, "true or false", "布尔值"),
            (Sort::IntOrString, _) => self.sort(value, "an integer or text", "整数或文本"),
            (Sort::Quantity, _) => self.sort(value, "a quantity", "数量"),
        }
        if !node.allowed.is_empty() && !node.allowed.contains(value) && value != "" {
            let allowed: Vec<String> =
                node.allowed.iter().map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned)).collect();
            let nearest = value.as_str().and_then(|text| {
                allowed
                    .iter()
                    .filter_map(|other| format::near(text, other).map(|distance| (distance, other)))
                    .min()
                    .map(|(_, other)| other.clone())
            });
            let list = allowed.join(", ");
            let problem = self.wrong("schema-enum", format!("it must be one of: {list}"), format!("只能是以下之一：{list}"));
            offer(problem, allowed, nearest.map(|near| FixEdit::Set(near.into())));
        }
    }

    fn object(&mut self, map: &'s serde_json::Map<String, Value>, fields: &'s Fields, name: Option<&str>) {
        for (key, value) in map {
            self.path.push(At::Key(key));
            match (fields.named.get(key.as_str()), fields.others) {
                (Some((node, _)), _) => self.value(value, *node),
                (None, _) if fields.embedded && matches!(key.as_str(), "apiVersion" | "kind") => {}
                (None, _) if fields.embedded && key == "metadata" => {}
                (None, Some(others)) => self.value(value, others),
                (None, None) => self.unknown(key, map, fields),
            }
            self.path.pop();
        }
        // What a status must hold is no concern of whoever writes the manifest.
        let status =
            self.path.first().is_some_and(|at| matches!(at, At::Key("status"))) || name.is_some_and(|name| name.ends_with("Status"));
        if status {
            return;
        }
        if fields.embedded && !self.path.is_empty() {
            for field in ["apiVersion", "kind"] {
                if map.get(field).is_none_or(Value::is_null) {
                    self.wrong("schema-required", format!("{field} is missing"), format!("缺少 {field}"));
                }
            }
        }
        for field in &fields.required {
            if map.get(&**field).is_none_or(Value::is_null) {
                self.wrong("schema-required", format!("{field} is missing"), format!("缺少 {field}"));
            }
        }
    }

    fn unknown(&mut self, key: &str, map: &serde_json::Map<String, Value>, fields: &Fields) {
        let near = fields
            .named
            .keys()
            .filter(|name| !map.contains_key(&***name))
            .filter_map(|name| format::near(key, name).map(|distance| (distance, name)));
        let near = near.min().map(|(_, name)| name.to_string());
        let (en, zh) = match &near {
            Some(near) => (format!("there is no field {key} here; is {near} meant?"), format!("此处没有字段 {key}；是否指 {near}？")),
            None => (format!("there is no field {key} here"), format!("此处没有字段 {key}")),
        };
        let mut allowed: Vec<String> = fields.named.keys().map(ToString::to_string).collect();
        allowed.sort_unstable();
        let path = self.here();
        let problem = self.found.at_key(self.object, &path, Severity::Error, "schema-unknown-field", Text::new(en, zh));
        offer(problem, allowed, Some(near.map_or(FixEdit::Remove, FixEdit::Rename)));
    }

    fn unique(&mut self, list: &'s [Value], unique: &Unique) {
        let mut seen = HashSet::new();
        for (nth, item) in list.iter().enumerate() {
            let key = match unique {
                Unique::Nothing => return,
                Unique::Whole => item.to_string(),
                Unique::Keys(keys) => {
                    let parts = keys.iter().map(|key| match item.get(&**key) {
                        Some(value) => value.to_string(),
                        None if &**key == "protocol" => "\"TCP\"".to_owned(),
                        None => String::new(),
                    });
                    parts.collect::<Vec<_>>().join(" ")
                }
            };
            if !seen.insert(key) {
                self.path.push(At::Index(nth));
                let of = match unique {
                    Unique::Keys(keys) => keys.join(", "),
                    _ => String::new(),
                };
                let (en, zh) = if of.is_empty() {
                    ("this stands in the list twice".to_owned(), "列表中有重复项".to_owned())
                } else {
                    (format!("another item of the list has the same {of}"), format!("列表中另一项的 {of} 与此相同"))
                };
                self.wrong("schema-duplicate", en, zh);
                self.path.pop();
            }
        }
    }

    fn text(&mut self, text: &str, format: Format, pattern: Option<&str>, least: usize, most: usize) {
        let fits = match format {
            Format::Plain => true,
            Format::Base64 => {
                use base64::Engine as _;
                let bare: String = text.chars().filter(|c| !matches!(c, '\n' | '\r')).collect();
                base64::engine::general_purpose::STANDARD.decode(bare).is_ok()
            }
            Format::Moment => format::moment(text),
        };
        if !fits {
            let (en, zh) = match format {
                Format::Base64 => ("this is no base64", "不是有效的 base64"),
                _ => ("this is no moment such as 2026-01-31T12:00:00Z", "不是有效的时间，例如 2026-01-31T12:00:00Z"),
            };
            self.wrong("schema-format", en.to_owned(), zh.to_owned());
        }
        let length = text.chars().count();
        if length < least || length > most {
            let (en, zh) = if length < least {
                (format!("it must have at least {least} characters"), format!("至少需要 {least} 个字符"))
            } else {
                (format!("it may have at most {most} characters"), format!("最多 {most} 个字符"))
            };
            self.wrong("schema-length", en, zh);
        }
        if let Some(pattern) = pattern
            && matches(pattern, text) == Some(false)
        {
            self.wrong("schema-pattern", format!("it must match {pattern}"), format!("必须匹配 {pattern}"));
        }
    }
}

/// Whether a text matches; none when the pattern is one that we cannot read.
fn matches(pattern: &str, text: &str) -> Option<bool> {
    static COMPILED: LazyLock<Mutex<HashMap<String, Option<Regex>>>> = LazyLock::new(Mutex::default);
    let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    if compiled.len() > 2_000 {
        compiled.clear();
    }
    let regex = compiled.entry(pattern.to_owned()).or_insert_with(|| Regex::new(pattern).ok()).clone();
    drop(compiled);
    regex.map(|regex| regex.is_match(text))
}
