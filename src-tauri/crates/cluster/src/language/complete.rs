//! What may stand at a place, and what stands there, by the schema.

use domain::manifest_language::{Completion, CompletionItem, CompletionKind, Hover};
use serde_json::Value;
use yaml::{Path, Step};

use super::Lines;
use super::cursor::{At, Cursor, cursor};
use crate::validate::schema::{Fields, Format, Node, NodeId, Schemas, Sort};

/// A value's schema, and what its field says of it.
struct Field<'s> {
    node: &'s Node,
    about: &'s str,
    required: bool,
}

/// The schema at a path of an object.
fn field<'s>(schemas: &'s Schemas, cursor: &Cursor, path: &[Step]) -> Option<Field<'s>> {
    let path = path.get(cursor.object.steps..)?;
    let known = schemas.kind(&cursor.object.api_version, &cursor.object.kind);
    // Metadata is the same everywhere.
    let any = || schemas.kind("v1", "ConfigMap").filter(|_| matches!(path.first(), Some(Step::Key(key)) if key == "metadata"));
    let mut found = Field { node: schemas.node(known.or_else(any)?.node), about: "", required: false };
    for step in path {
        let (next, about, required): (NodeId, &str, bool) = match (step, &found.node.sort) {
            (Step::Key(key), Sort::Object(fields)) => match (fields.named.get(key.as_str()), fields.others) {
                (Some((node, about)), _) => {
                    (*node, about.as_deref().unwrap_or_default(), fields.required.iter().any(|name| **name == **key))
                }
                (None, Some(others)) => (others, "", false),
                (None, None) => return None,
            },
            (Step::Index(_), Sort::List { items, .. }) => (*items, "", false),
            _ => return None,
        };
        found = Field { node: schemas.node(next), about, required };
    }
    Some(found)
}

/// A type in a word or two.
fn type_name(schemas: &Schemas, node: &Node) -> String {
    let short = |name: &str| name.rsplit('.').next().unwrap_or(name).to_owned();
    match &node.sort {
        Sort::Any => "any".to_owned(),
        Sort::Object(fields) => match (&node.name, fields.others) {
            (Some(name), _) => short(name),
            (None, Some(others)) if fields.named.is_empty() => format!("map of {}", type_name(schemas, schemas.node(others))),
            _ => "object".to_owned(),
        },
        Sort::List { items, .. } => format!("list of {}", type_name(schemas, schemas.node(*items))),
        Sort::Text { format: Format::Base64, .. } => "string (base64)".to_owned(),
        Sort::Text { format: Format::Moment, .. } => "string (time)".to_owned(),
        Sort::Text { .. } => "string".to_owned(),
        Sort::Integer { .. } => "integer".to_owned(),
        Sort::Number => "number".to_owned(),
        Sort::Bool => "boolean".to_owned(),
        Sort::IntOrString => "integer or string".to_owned(),
        Sort::Quantity => "quantity".to_owned(),
    }
}

/// The values that may stand there, where that is a list.
fn allowed(node: &Node) -> Vec<String> {
    if matches!(node.sort, Sort::Bool) {
        return vec!["true".to_owned(), "false".to_owned()];
    }
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    node.allowed.iter().map(text).filter(|value| !value.is_empty()).collect()
}

fn deprecated(about: &str) -> bool {
    let start = about.trim_start();
    ["Deprecated", "DEPRECATED", "deprecated"].iter().any(|word| start.starts_with(word))
        || about.contains("Deprecated:")
        || about.contains("DEPRECATED")
        || about.contains("is deprecated")
}

/// What may be typed at a byte of the text.
pub(crate) fn complete(lines: &Lines<'_>, byte: usize, schemas: &Schemas) -> Completion {
    let nothing = || Completion { from: lines.offset(byte), to: lines.offset(byte), items: Vec::new() };
    let Some(cursor) = cursor(lines, byte) else { return nothing() };
    let offer = Offer { schemas, cursor: &cursor, end: if lines.text.contains("\r\n") { "\r\n" } else { "\n" } };
    let items = offer.items();
    Completion { from: lines.offset(cursor.word.start), to: lines.offset(cursor.word.end), items }
}

struct Offer<'a> {
    schemas: &'a Schemas,
    cursor: &'a Cursor,
    end: &'static str,
}

impl Offer<'_> {
    fn items(&self) -> Vec<CompletionItem> {
        let cursor = self.cursor;
        let own = cursor.path.get(cursor.object.steps..).unwrap_or_default();
        if let (At::Value { .. } | At::Open { dash: false }, [Step::Key(key)]) = (&cursor.at, own)
            && matches!(key.as_str(), "apiVersion" | "kind")
        {
            return self.versions(key == "kind");
        }
        let found = field(self.schemas, cursor, &cursor.path);
        match (&cursor.at, found) {
            (At::Key { siblings }, Some(Field { node: Node { sort: Sort::Object(fields), .. }, .. })) => self.keys(fields, siblings, false),
            (At::Key { siblings }, None) if own.is_empty() => self.beginning(siblings),
            (At::Value { .. }, Some(found)) => self.values(found.node, false),
            (At::Open { dash }, Some(found)) => match &found.node.sort {
                Sort::List { items, .. } => match &self.schemas.node(*items).sort {
                    Sort::Object(fields) => self.keys(fields, &[], true),
                    _ => self.values(self.schemas.node(*items), true),
                },
                Sort::Object(fields) => self.keys(fields, &[], *dash),
                _ => self.values(found.node, *dash),
            },
            _ => Vec::new(),
        }
    }

    fn keys(&self, fields: &Fields, siblings: &[String], dash: bool) -> Vec<CompletionItem> {
        let root = self.cursor.path.len() == self.cursor.object.steps;
        let mut found: Vec<(u8, CompletionItem)> = fields
            .named
            .iter()
            .filter(|(name, _)| !siblings.iter().any(|other| **other == ***name))
            // Nobody writes it.
            .filter(|(name, _)| !(root && &***name == "status"))
            .map(|(name, (node, about))| {
                let node = self.schemas.node(*node);
                let about = about.as_deref().unwrap_or_default();
                let required = fields.required.contains(name);
                let rank = if required {
                    0
                } else if deprecated(about) || about.contains("Populated by the system") {
                    2
                } else {
                    1
                };
                (rank, self.key(name, &node.sort, type_name(self.schemas, node), required, about, dash))
            })
            .collect();
        found.sort_by(|(a, one), (b, other)| (a, &one.label).cmp(&(b, &other.label)));
        found.into_iter().map(|(_, item)| item).collect()
    }

    fn key(&self, name: &str, sort: &Sort, type_name: String, required: bool, about: &str, dash: bool) -> CompletionItem {
        let lead = if dash { "- " } else { "" };
        let deeper = " ".repeat(self.cursor.column + lead.len() + 2);
        let end = self.end;
        let insert = match sort {
            _ if self.cursor.colon => format!("{lead}{name}"),
            Sort::Object(_) if !self.cursor.flow => format!("{lead}{name}:{end}{deeper}"),
            Sort::List { .. } if !self.cursor.flow => format!("{lead}{name}:{end}{deeper}- "),
            _ => format!("{lead}{name}: "),
        };
        CompletionItem {
            label: name.to_owned(),
            insert,
            kind: CompletionKind::Key,
            type_name,
            required,
            about: about.to_owned(),
            deprecated: deprecated(about),
        }
    }

    fn values(&self, node: &Node, dash: bool) -> Vec<CompletionItem> {
        let name = type_name(self.schemas, node);
        allowed(node).into_iter().map(|value| self.value(&value, matches!(node.sort, Sort::Text { .. }), &name, "", dash)).collect()
    }

    fn value(&self, value: &str, text: bool, type_name: &str, about: &str, dash: bool) -> CompletionItem {
        let (gap, quoted) = match self.cursor.at {
            At::Value { gap, quoted } => (gap, quoted),
            _ => (false, false),
        };
        let written = if text && !quoted { yaml::write(&value).map(|text| text.trim_end().to_owned()) } else { None };
        let lead = if dash {
            "- "
        } else if gap {
            " "
        } else {
            ""
        };
        CompletionItem {
            label: value.to_owned(),
            insert: format!("{lead}{}", written.as_deref().unwrap_or(value)),
            kind: CompletionKind::Value,
            type_name: type_name.to_owned(),
            required: false,
            about: about.to_owned(),
            deprecated: false,
        }
    }

    /// Versions of the kind, or kinds of the version, that stands beside it.
    fn versions(&self, kinds: bool) -> Vec<CompletionItem> {
        let object = &self.cursor.object;
        let beside = if kinds { &object.api_version } else { &object.kind };
        let mut all: Vec<(&str, &str)> =
            self.schemas.served_kinds().map(|(version, kind)| if kinds { (kind, version) } else { (version, kind) }).collect();
        if all.iter().any(|(_, other)| other == beside) {
            all.retain(|(_, other)| other == beside);
        }
        all.sort_unstable();
        let mut found: Vec<CompletionItem> = Vec::new();
        for (value, other) in all {
            match found.last_mut().filter(|last| last.label == value) {
                Some(last) => {
                    last.about.push_str(", ");
                    last.about.push_str(other);
                }
                None => found.push(self.value(value, true, "string", other, false)),
            }
        }
        found
    }

    /// What an object begins with.
    fn beginning(&self, siblings: &[String]) -> Vec<CompletionItem> {
        let text = Sort::Text { format: Format::Plain, pattern: None, least: 0, most: usize::MAX };
        let fields = [
            ("apiVersion", &text, "string", "The group and version of the API that the object belongs to."),
            ("kind", &text, "string", "What the object is."),
            ("metadata", &Sort::Object(Fields::default()), "ObjectMeta", "The object's name, namespace, labels and annotations."),
        ];
        let missing = |name: &str| !siblings.iter().any(|other| other == name);
        let keys = fields.iter().filter(|(name, ..)| missing(name));
        let mut found: Vec<CompletionItem> =
            keys.map(|(name, sort, type_name, about)| self.key(name, sort, (*type_name).to_owned(), true, about, false)).collect();
        if self.cursor.flow || !missing("apiVersion") || !missing("kind") || self.cursor.colon {
            return found;
        }
        let mut kinds: Vec<(&str, &str)> = self.schemas.served_kinds().map(|(version, kind)| (kind, version)).collect();
        kinds.sort_unstable();
        let (end, lead) = (self.end, " ".repeat(self.cursor.column));
        found.extend(kinds.into_iter().map(|(kind, version)| CompletionItem {
            label: kind.to_owned(),
            insert: format!("apiVersion: {version}{end}{lead}kind: {kind}{end}{lead}metadata:{end}{lead}  name: "),
            kind: CompletionKind::Snippet,
            type_name: version.to_owned(),
            required: false,
            about: String::new(),
            deprecated: false,
        }));
        found
    }
}

/// What stands at a byte of the text, by its schema.
pub(crate) fn hover(lines: &Lines<'_>, byte: usize, schemas: &Schemas) -> Option<Hover> {
    let cursor = cursor(lines, byte)?;
    if cursor.word.is_empty() || !(cursor.word.start..=cursor.word.end).contains(&byte) {
        return None;
    }
    let mut path = cursor.path.clone();
    if matches!(cursor.at, At::Key { .. }) {
        let word = lines.text.get(cursor.word.clone())?;
        path.push(Step::Key(word.trim_matches(['"', '\'']).to_owned()));
    }
    let found = field(schemas, &cursor, &path)?;
    Some(Hover {
        path: Path(path.get(cursor.object.steps..)?.to_vec()).to_string(),
        type_name: type_name(schemas, found.node),
        required: found.required,
        about: found.about.to_owned(),
        allowed: allowed(found.node),
        from: lines.offset(cursor.word.start),
        to: lines.offset(cursor.word.end),
    })
}

#[cfg(test)]
mod tests;
