//! One value of a text is changed and nothing else is: comments, order and quotes of everything around it stay.
//!
//! **Invariant:** what comes out was read again and is the old value with exactly that change; else nothing comes out.

use serde_json::{Map, Value};
use yaml_edit::path::{AliasPolicy, YamlPath as _};
use yaml_edit::{YamlFile, YamlValue};

use crate::budget::Profile;
use crate::documents::{Document, documents};
use crate::fault::YamlFault;
use crate::place::{Inner, Path, Step};

/// What to do to the value at a path.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// It becomes this; what is missing on the way is made.
    Set(Value),
    /// It goes, with its key.
    Remove,
    /// Its key becomes this.
    Rename(String),
}

/// Why a text was not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditFault {
    /// It cannot be read.
    #[error(transparent)]
    Yaml(#[from] YamlFault),
    /// There is no such document or path.
    #[error("there is nothing at that path")]
    NotThere,
    /// The change would reach further than asked: an alias, a form that cannot be kept.
    #[error("this cannot be changed without changing more: edit it by hand")]
    Unsafe,
}

impl EditFault {
    /// The same in Chinese.
    pub fn zh(&self) -> String {
        match self {
            Self::Yaml(fault) => fault.reason.zh(),
            Self::NotThere => "该路径不存在".into(),
            Self::Unsafe => "无法在不影响其他内容的情况下修改：请手动编辑".into(),
        }
    }
}

/// Changes one value of the nth document (from 0; empty ones do not count).
pub fn edit(text: &str, profile: &Profile, nth: usize, path: &Path, change: &Change) -> Result<String, EditFault> {
    let before = documents(text, profile)?;
    let document = before.get(nth).ok_or(EditFault::NotThere)?;
    let mut wanted = document.value.clone();
    apply(&mut wanted, &path.0, change).ok_or(EditFault::NotThere)?;
    let fits = |text: &String| {
        documents(text, profile).is_ok_and(|after| {
            after.len() == before.len()
                && after.iter().enumerate().all(|(n, found)| &found.value == if n == nth { &wanted } else { &before[n].value })
        })
    };
    scalar(text, document, path, change)
        .into_iter()
        .find(&fits)
        .or_else(|| tree(text, document, path, change).filter(&fits))
        .ok_or(EditFault::Unsafe)
}

fn apply(value: &mut Value, steps: &[Step], change: &Change) -> Option<()> {
    let (step, rest) = match steps {
        [] => {
            let Change::Set(new) = change else { return None };
            *value = new.clone();
            return Some(());
        }
        [step, rest @ ..] => (step, rest),
    };
    if rest.is_empty() {
        match (step, value, change) {
            (Step::Key(key), Value::Object(map), Change::Remove) => map.shift_remove(key).map(drop),
            (Step::Index(at), Value::Array(list), Change::Remove) => (*at < list.len()).then(|| drop(list.remove(*at))),
            (Step::Key(key), Value::Object(map), Change::Rename(to)) => {
                if map.contains_key(to) {
                    return None;
                }
                let renamed: Map<String, Value> =
                    map.iter().map(|(name, value)| (if name == key { to } else { name }.clone(), value.clone())).collect();
                let there = map.contains_key(key);
                *map = renamed;
                there.then_some(())
            }
            (_, value, Change::Set(new)) => {
                *child(value, step)? = new.clone();
                Some(())
            }
            _ => None,
        }
    } else {
        let inner = match change {
            Change::Set(_) => child(value, step)?,
            _ => match step {
                Step::Key(key) => value.get_mut(key)?,
                Step::Index(at) => value.get_mut(*at)?,
            },
        };
        apply(inner, rest, change)
    }
}

/// The value under a step, made when it is missing.
fn child<'v>(value: &'v mut Value, step: &Step) -> Option<&'v mut Value> {
    match step {
        Step::Key(key) => {
            if value.is_null() {
                *value = Value::Object(Map::new());
            }
            Some(value.as_object_mut()?.entry(key.clone()).or_insert(Value::Null))
        }
        Step::Index(at) => {
            if value.is_null() {
                *value = Value::Array(Vec::new());
            }
            let list = value.as_array_mut()?;
            if *at == list.len() {
                list.push(Value::Null);
            }
            list.get_mut(*at)
        }
    }
}

/// A scalar that replaces a scalar, or a key that replaces a key: only its own bytes change. Several ways to write it, nearest to the old first.
fn scalar(text: &str, document: &Document, path: &Path, change: &Change) -> Vec<String> {
    let (bytes, new) = match change {
        Change::Rename(to) => (document.spot.nearest_key(path).bytes.clone(), Value::String(to.clone())),
        Change::Set(new) if !new.is_array() && !new.is_object() => {
            let mut here = &document.spot;
            for step in &path.0 {
                let next = match step {
                    Step::Key(key) => here.entry(key).map(|(_, spot)| spot),
                    Step::Index(at) => here.item(*at),
                };
                let Some(spot) = next else { return Vec::new() };
                here = spot;
            }
            if here.alias || here.inner != Inner::Scalar {
                return Vec::new();
            }
            (here.place.bytes.clone(), new.clone())
        }
        _ => return Vec::new(),
    };
    let Some(old) = text.get(bytes.clone()).filter(|old| !old.is_empty()) else { return Vec::new() };
    let json = new.to_string();
    let written = match &new {
        Value::String(_) if old.starts_with('"') => vec![json],
        Value::String(value) if old.starts_with('\'') => vec![format!("'{}'", value.replace('\'', "''")), json],
        Value::String(_) => {
            let plain = crate::write(&new).map(|text| text.trim_end().to_owned()).filter(|text| !text.contains('\n'));
            plain.into_iter().chain([json]).collect()
        }
        _ => vec![json],
    };
    written.into_iter().map(|new| [&text[..bytes.start], &new, &text[bytes.end..]].concat()).collect()
}

/// Everything else, on a tree that keeps every byte.
fn tree(text: &str, document: &Document, path: &Path, change: &Change) -> Option<String> {
    let file: YamlFile = text.parse().ok()?;
    let start = document.spot.place.bytes.start;
    let target = file.documents().filter(|document| document.byte_range().start as usize <= start).last()?;
    let mut words = String::new();
    for step in &path.0 {
        match step {
            Step::Key(key) => {
                if key.is_empty() {
                    return None;
                }
                if !words.is_empty() {
                    words.push('.');
                }
                for (at, c) in key.chars().enumerate() {
                    if matches!(c, '.' | '[' | ']' | '\\') || at == 0 && c.is_ascii_digit() {
                        words.push('\\');
                    }
                    words.push(c);
                }
            }
            Step::Index(at) => words.push_str(&format!("[{at}]")),
        }
    }
    match change {
        Change::Set(value) => target.try_set_path_with(&words, of(value), AliasPolicy::Refuse).ok()?,
        Change::Remove => drop(target.try_remove_path_with(&words, AliasPolicy::Refuse).ok()?),
        Change::Rename(_) => return None,
    }
    Some(file.to_string())
}

fn of(value: &Value) -> YamlValue {
    match value {
        Value::Null => YamlValue::Scalar(yaml_edit::ScalarValue::null()),
        Value::Bool(value) => YamlValue::from(*value),
        Value::Number(number) => match number.as_i64() {
            Some(number) => YamlValue::from(number),
            None => YamlValue::from(number.as_f64().unwrap_or_default()),
        },
        Value::String(text) => YamlValue::from(text.as_str()),
        Value::Array(list) => YamlValue::Sequence(list.iter().map(of).collect()),
        Value::Object(map) => YamlValue::Mapping(map.iter().map(|(key, value)| (key.clone(), of(value))).collect()),
    }
}
