//! One line of a watch, and changes gathered so that many of the same object become one.

use std::collections::HashMap;

use domain::Json;
use domain::kube::{Column, ObjectName, TableRow, WatchPart};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

/// So many changes are told together at most.
const MOST: usize = 500;

/// A line: what happened, and to what.
#[derive(Debug, Deserialize)]
pub(super) struct Line<T> {
    #[serde(rename = "type")]
    pub(super) what: String,
    pub(super) object: T,
}

/// A line's object where rows are wanted: a table with one row, an object of a server that draws none, or a status. Everything else of it
/// is passed over without being built.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Drawn {
    pub(super) kind: String,
    pub(super) metadata: Meta,
    /// Only in the first line of a watch; after it they are null.
    #[serde(deserialize_with = "or_none")]
    pub(super) column_definitions: Vec<Column>,
    #[serde(deserialize_with = "or_none")]
    pub(super) rows: Vec<DrawnRow>,
    pub(super) code: u16,
    pub(super) reason: String,
    pub(super) message: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Meta {
    pub(super) name: String,
    pub(super) namespace: Option<String>,
    pub(super) resource_version: String,
    pub(super) creation_timestamp: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct DrawnRow {
    #[serde(deserialize_with = "or_none")]
    pub(super) cells: Vec<Json>,
    pub(super) object: Option<Named>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Named {
    pub(super) metadata: Meta,
}

/// A list, or null for one without anything in it.
fn or_none<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Vec<T>, D::Error> {
    Option::<Vec<T>>::deserialize(from).map(Option::unwrap_or_default)
}

/// What a server says instead of going on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) code: u16,
    pub(super) reason: String,
    pub(super) message: String,
}

impl Refusal {
    /// Whether the place that was named is not remembered any more.
    pub(super) fn is_forgotten(&self) -> bool {
        self.code == 410 || matches!(self.reason.as_str(), "Expired" | "Gone")
    }
}

/// What a line means.
#[derive(Debug)]
pub(super) enum Happened<T> {
    Here(T),
    Gone(T),
    /// Nothing happened; the place moved on.
    Bookmark(T),
    Refused(Refusal),
}

/// What is needed of a line's object, whatever its shape.
pub(super) trait Told: DeserializeOwned {
    fn resource_version(&self) -> &str;
    fn refusal(&self) -> Refusal;
}

impl Told for Drawn {
    fn resource_version(&self) -> &str {
        &self.metadata.resource_version
    }

    fn refusal(&self) -> Refusal {
        Refusal { code: self.code, reason: self.reason.clone(), message: self.message.clone() }
    }
}

impl Told for Json {
    fn resource_version(&self) -> &str {
        self.pointer("/metadata/resourceVersion").and_then(Json::as_str).unwrap_or_default()
    }

    fn refusal(&self) -> Refusal {
        let text = |field: &str| self.get(field).and_then(Json::as_str).unwrap_or_default().to_owned();
        let code = self.get("code").and_then(Json::as_u64).and_then(|code| code.try_into().ok()).unwrap_or(500);
        Refusal { code, reason: text("reason"), message: text("message") }
    }
}

/// Reads a line. None for what is none.
pub(super) fn read<T: Told>(line: &[u8]) -> Option<Happened<T>> {
    let Line { what, object } = serde_json::from_slice::<Line<T>>(line).ok()?;
    Some(match what.as_str() {
        "ADDED" | "MODIFIED" => Happened::Here(object),
        "DELETED" => Happened::Gone(object),
        "BOOKMARK" => Happened::Bookmark(object),
        "ERROR" => Happened::Refused(object.refusal()),
        _ => return None,
    })
}

/// Something that is told.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Item {
    Row(TableRow),
    Object(Json),
}

/// Changes that were not told yet: of each object the last.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    changes: Vec<(ObjectName, Option<Item>)>,
    at: HashMap<ObjectName, usize>,
}

impl Gathered {
    pub(super) fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.changes.len() >= MOST
    }

    /// None for what is there no more.
    pub(super) fn add(&mut self, name: ObjectName, item: Option<Item>) {
        if let Some(at) = self.at.get(&name) {
            self.changes[*at].1 = item;
            return;
        }
        self.at.insert(name.clone(), self.changes.len());
        self.changes.push((name, item));
    }

    /// Everything, as pieces; nothing is left.
    pub(super) fn take(&mut self) -> Vec<WatchPart> {
        self.at.clear();
        let (mut rows, mut objects, mut gone) = (Vec::new(), Vec::new(), Vec::new());
        for (name, item) in self.changes.drain(..) {
            match item {
                Some(Item::Row(row)) => rows.push(row),
                Some(Item::Object(object)) => objects.push(object),
                None => gone.push(name),
            }
        }
        let mut parts = Vec::new();
        if !gone.is_empty() {
            parts.push(WatchPart::Gone(gone));
        }
        if !rows.is_empty() {
            parts.push(WatchPart::Rows(rows));
        }
        if !objects.is_empty() {
            parts.push(WatchPart::Objects(objects));
        }
        parts
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn name(name: &str) -> ObjectName {
        ObjectName { namespace: None, name: name.into() }
    }

    #[test]
    fn of_many_changes_of_one_object_the_last_is_told() {
        let row = |text: &str, cell: u8| TableRow { namespace: None, name: text.into(), cells: vec![cell.into()] };
        let mut gathered = Gathered::default();
        for (which, item) in [("a", Some(1)), ("b", Some(1)), ("a", Some(2)), ("b", None), ("c", None), ("c", Some(3)), ("a", Some(4))] {
            gathered.add(name(which), item.map(|cell| Item::Row(row(which, cell))));
        }
        assert_eq!(gathered.take(), [WatchPart::Gone(vec![name("b")]), WatchPart::Rows(vec![row("a", 4), row("c", 3)])]);
        assert!(gathered.is_empty() && gathered.take().is_empty());
        gathered.add(name("a"), None);
        assert_eq!(gathered.take(), [WatchPart::Gone(vec![name("a")])], "what was told before does not count");
    }

    #[test]
    fn a_line_is_a_change_a_bookmark_or_a_refusal() {
        let drawn = |line: &Json| read::<Drawn>(line.to_string().as_bytes());
        let meta = json!({ "metadata": { "name": "x", "namespace": "n", "managedFields": [{ "a": 1 }] } });
        let table = json!({ "kind": "Table", "metadata": { "resourceVersion": "7" }, "rows": [{ "cells": ["x"], "object": meta }] });
        match drawn(&json!({ "type": "MODIFIED", "object": table })) {
            Some(Happened::Here(seen)) => {
                assert_eq!(
                    (seen.resource_version(), seen.rows[0].object.as_ref().unwrap().metadata.namespace.as_deref()),
                    ("7", Some("n"))
                );
            }
            other => panic!("{other:?}"),
        }
        let later = json!({ "type": "DELETED", "object": { "kind": "Table", "columnDefinitions": null, "rows": [{ "cells": ["x"], "object": null }] } });
        assert!(matches!(drawn(&later), Some(Happened::Gone(seen)) if seen.rows.len() == 1), "columns come once");
        let mark = json!({ "type": "BOOKMARK", "object": { "kind": "Table", "metadata": { "resourceVersion": "9" }, "rows": null } });
        assert!(matches!(drawn(&mark), Some(Happened::Bookmark(seen)) if seen.resource_version() == "9"));
        for (status, forgotten) in [
            (json!({ "kind": "Status", "code": 410, "reason": "Expired", "message": "too old" }), true),
            (json!({ "kind": "Status", "code": 410 }), true),
            (json!({ "kind": "Status", "code": 504, "reason": "Timeout" }), false),
        ] {
            let line = json!({ "type": "ERROR", "object": status });
            assert!(matches!(drawn(&line), Some(Happened::Refused(refusal)) if refusal.is_forgotten() == forgotten), "{line}");
            let whole = read::<Json>(line.to_string().as_bytes());
            assert!(matches!(whole, Some(Happened::Refused(refusal)) if refusal.is_forgotten() == forgotten), "{line}");
        }
        for odd in ["", "{", "[]", "{\"type\":\"DANCED\",\"object\":{}}", "{\"object\":{}}"] {
            assert!(read::<Drawn>(odd.as_bytes()).is_none(), "{odd}");
        }
    }
}
