//! What of an object is its content, how two contents differ, and how single fields go back. Pure.

use domain::kube::quantity;
use domain::manifest::FieldChange;
use domain::{Json, JsonMap};

/// What stands where a Secret's value stood.
const HIDDEN: &str = "(hidden)";
/// The same where the value is another one afterwards.
const HIDDEN_CHANGED: &str = "(hidden, changed)";
/// What a client keeps of what it applied: it repeats every value.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
/// Of `metadata`, what the API server keeps for itself.
const BOOKKEEPING: [&str; 6] = ["managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink"];
/// What tells the items of a list from each other, where there are such fields.
const KEYS: [&str; 6] = ["name", "containerPort", "port", "mountPath", "ip", "key"];

/// An object without its status and without what the API server keeps for itself.
pub(super) fn visible(object: &Json) -> Json {
    let mut object = object.clone();
    if let Some(map) = object.as_object_mut() {
        map.remove("status");
        if let Some(metadata) = map.get_mut("metadata").and_then(Json::as_object_mut) {
            metadata.retain(|key, _| !BOOKKEEPING.contains(&key.as_str()));
        }
    }
    object
}

/// Both sides of a Secret with their values hidden; what differs still differs.
pub(super) fn masked(before: Option<&Json>, after: Option<&Json>) -> (Option<Json>, Option<Json>) {
    let hide = |side: Option<&Json>, other: Option<&Json>, differs: &str| {
        let mut side = side?.clone();
        for field in ["data", "stringData"] {
            let Some(values) = side.get_mut(field).and_then(Json::as_object_mut) else { continue };
            for (key, value) in values {
                let same = other.is_none_or(|other| other.get(field).and_then(|values| values.get(key)) == Some(&*value));
                *value = Json::from(if same { HIDDEN } else { differs });
            }
        }
        if let Some(annotations) = side.pointer_mut("/metadata/annotations").and_then(Json::as_object_mut)
            && let Some(value) = annotations.get_mut(LAST_APPLIED)
        {
            let same =
                other.is_none_or(|other| other.pointer("/metadata/annotations").and_then(|all| all.get(LAST_APPLIED)) == Some(&*value));
            *value = Json::from(if same { HIDDEN } else { differs });
        }
        Some(side)
    };
    (hide(before, after, HIDDEN), hide(after, before, HIDDEN_CHANGED))
}

/// One step into an object.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Part {
    Key(String),
    /// The item of a list whose field has that value.
    Item(&'static str, Json),
}

/// A field, its value before and after.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Differs {
    pub(super) at: Vec<Part>,
    pub(super) before: Option<Json>,
    pub(super) after: Option<Json>,
}

impl Differs {
    pub(super) fn told(&self) -> FieldChange {
        FieldChange { path: path(&self.at), before: self.before.clone(), after: self.after.clone() }
    }
}

/// `spec.containers[name=app].image`; keys that hold dots stand in brackets.
pub(super) fn path(at: &[Part]) -> String {
    let mut text = String::new();
    for part in at {
        match part {
            Part::Key(key) if key.contains(['.', '/', '[']) => text.push_str(&format!("[{key}]")),
            Part::Key(key) => {
                if !text.is_empty() {
                    text.push('.');
                }
                text.push_str(key);
            }
            Part::Item(key, value) => {
                let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                text.push_str(&format!("[{key}={value}]"));
            }
        }
    }
    text
}

/// The field that tells the items of both lists apart, and its values in order.
pub(super) fn keyed(list: &[Json]) -> Option<(&'static str, Vec<&Json>)> {
    KEYS.into_iter().find_map(|key| {
        let values: Vec<&Json> =
            list.iter().map(|item| item.get(key).filter(|value| value.is_string() || value.is_number())).collect::<Option<_>>()?;
        let distinct = values.iter().enumerate().all(|(nth, value)| !values[..nth].contains(value));
        (distinct && !values.is_empty()).then_some((key, values))
    })
}

/// Field by field. A list whose items are the same ones in the same order is looked into; any other is one value.
pub(super) fn differences(before: &Json, after: &Json) -> Vec<Differs> {
    let mut found = Vec::new();
    walk(Some(before), Some(after), &mut Vec::new(), &mut found);
    found
}

fn walk(before: Option<&Json>, after: Option<&Json>, at: &mut Vec<Part>, found: &mut Vec<Differs>) {
    if before == after {
        return;
    }
    match (before, after) {
        (Some(Json::Object(one)), Some(Json::Object(other))) => {
            for (key, value) in one {
                at.push(Part::Key(key.clone()));
                walk(Some(value), other.get(key), at, found);
                at.pop();
            }
            for (key, value) in other.iter().filter(|(key, _)| !one.contains_key(*key)) {
                at.push(Part::Key(key.clone()));
                walk(None, Some(value), at, found);
                at.pop();
            }
        }
        // A map that appears is told key by key, so that what is in another's hands beside it stays there.
        (None, Some(Json::Object(map))) if !map.is_empty() && at.len() < 3 => {
            for (key, value) in map {
                at.push(Part::Key(key.clone()));
                walk(None, Some(value), at, found);
                at.pop();
            }
        }
        (Some(Json::Array(one)), Some(Json::Array(other))) => match (keyed(one), keyed(other)) {
            (Some((key, values)), Some((same, others))) if key == same && values == others => {
                for (item, (changed, value)) in one.iter().zip(other.iter().zip(values)) {
                    at.push(Part::Item(key, value.clone()));
                    walk(Some(item), Some(changed), at, found);
                    at.pop();
                }
            }
            _ => found.push(Differs { at: at.clone(), before: before.cloned(), after: after.cloned() }),
        },
        _ => found.push(Differs { at: at.clone(), before: before.cloned(), after: after.cloned() }),
    }
}

/// The value of a field.
pub(super) fn get<'o>(object: &'o Json, at: &[Part]) -> Option<&'o Json> {
    at.iter().try_fold(object, |value, part| match part {
        Part::Key(key) => value.get(key),
        Part::Item(key, wanted) => value.as_array()?.iter().find(|item| item.get(key) == Some(wanted)),
    })
}

/// Sets a field, or removes it. False where there is no such place any more.
pub(super) fn set(object: &mut Json, at: &[Part], value: Option<&Json>) -> bool {
    let Some((last, way)) = at.split_last() else { return false };
    let mut place = object;
    for part in way {
        let next = match part {
            Part::Key(key) => {
                let Some(map) = place.as_object_mut() else { return false };
                if value.is_none() && !map.contains_key(key) {
                    return true;
                }
                Some(map.entry(key.clone()).or_insert_with(|| Json::Object(JsonMap::new())))
            }
            Part::Item(key, wanted) => place.as_array_mut().and_then(|items| items.iter_mut().find(|item| item.get(key) == Some(wanted))),
        };
        let Some(next) = next else { return false };
        place = next;
    }
    match (last, value) {
        (Part::Key(key), Some(value)) => place.as_object_mut().map(|map| map.insert(key.clone(), value.clone())).is_some(),
        (Part::Key(key), None) => place.as_object_mut().map(|map| map.shift_remove(key)).is_some(),
        (Part::Item(..), _) => false,
    }
}

/// What the server made of fields that were sent: sent and kept. Absent, null and empty are the same here, and so are two spellings of one
/// quantity.
pub(super) fn adjusted(sent: &Json, kept: &Json) -> Vec<FieldChange> {
    let mut found = Vec::new();
    compare(sent, kept, &mut Vec::new(), &mut found);
    found
}

fn compare(sent: &Json, kept: &Json, at: &mut Vec<Part>, found: &mut Vec<FieldChange>) {
    match (sent, kept) {
        (Json::Object(sent), _) => {
            for (key, value) in sent {
                at.push(Part::Key(key.clone()));
                compare(value, kept.get(key).unwrap_or(&Json::Null), at, found);
                at.pop();
            }
        }
        (Json::Array(items), Json::Array(others)) if items.len() <= others.len() => match keyed(items) {
            Some((key, values)) => {
                for (item, value) in items.iter().zip(values) {
                    at.push(Part::Item(key, value.clone()));
                    let other = others.iter().find(|other| other.get(key) == Some(value)).unwrap_or(&Json::Null);
                    compare(item, other, at, found);
                    at.pop();
                }
            }
            None if items.iter().all(|item| others.contains(item)) => {}
            None => found.push(FieldChange { path: path(at), before: Some(sent.clone()), after: Some(kept.clone()) }),
        },
        _ if sent == kept || (empty(sent) && empty(kept)) || same_quantity(sent, kept) => {}
        _ => found.push(FieldChange { path: path(at), before: Some(sent.clone()), after: (!kept.is_null()).then(|| kept.clone()) }),
    }
}

fn empty(value: &Json) -> bool {
    match value {
        Json::Null => true,
        Json::String(text) => text.is_empty(),
        Json::Array(items) => items.is_empty(),
        Json::Object(map) => map.is_empty(),
        _ => false,
    }
}

fn same_quantity(one: &Json, other: &Json) -> bool {
    match (worth(one), worth(other)) {
        (Some(one), Some(other)) => (one - other).abs() <= f64::EPSILON * one.abs().max(other.abs()) * 4.0,
        _ => false,
    }
}

fn worth(value: &Json) -> Option<f64> {
    value.as_f64().or_else(|| quantity(value.as_str()?))
}

/// The same as unified text of YAML, with three lines around each change.
pub(super) fn unified(before: Option<&Json>, after: Option<&Json>) -> String {
    let text = |side: Option<&Json>| side.and_then(yaml::write).unwrap_or_default();
    let (one, other) = (text(before), text(after));
    let (one, other): (Vec<&str>, Vec<&str>) = (one.lines().collect(), other.lines().collect());
    let rows = aligned(&one, &other);
    let near = |nth: usize| rows[nth.saturating_sub(3)..(nth + 4).min(rows.len())].iter().any(|(sign, _)| *sign != ' ');
    let mut out = String::new();
    let (mut old, mut new, mut open) = (0, 0, false);
    for (nth, (sign, line)) in rows.iter().enumerate() {
        if near(nth) {
            if !open {
                out.push_str(&format!("@@ -{} +{} @@\n", old + 1, new + 1));
                open = true;
            }
            out.push(*sign);
            out.push_str(line);
            out.push('\n');
        } else {
            open = false;
        }
        old += usize::from(*sign != '+');
        new += usize::from(*sign != '-');
    }
    out
}

/// The longest common lines, with what is only in one of both between them.
fn aligned<'l>(one: &[&'l str], other: &[&'l str]) -> Vec<(char, &'l str)> {
    let head = one.iter().zip(other).take_while(|(a, b)| a == b).count();
    let tail = one[head..].iter().rev().zip(other[head..].iter().rev()).take_while(|(a, b)| a == b).count();
    let (a, b) = (&one[head..one.len() - tail], &other[head..other.len() - tail]);
    let mut rows: Vec<(char, &str)> = one[..head].iter().map(|line| (' ', *line)).collect();
    // Beyond that a table of lengths would cost more than it tells.
    if a.len().saturating_mul(b.len()) > 4_000_000 {
        rows.extend(a.iter().map(|line| ('-', *line)));
        rows.extend(b.iter().map(|line| ('+', *line)));
    } else {
        let width = b.len() + 1;
        let mut table = vec![0_u32; (a.len() + 1) * width];
        for i in (0..a.len()).rev() {
            for j in (0..b.len()).rev() {
                table[i * width + j] = if a[i] == b[j] {
                    table[(i + 1) * width + j + 1] + 1
                } else {
                    table[(i + 1) * width + j].max(table[i * width + j + 1])
                };
            }
        }
        let (mut i, mut j) = (0, 0);
        while i < a.len() || j < b.len() {
            if i < a.len() && j < b.len() && a[i] == b[j] {
                rows.push((' ', a[i]));
                i += 1;
                j += 1;
            } else if i < a.len() && (j == b.len() || table[(i + 1) * width + j] >= table[i * width + j + 1]) {
                rows.push(('-', a[i]));
                i += 1;
            } else {
                rows.push(('+', b[j]));
                j += 1;
            }
        }
    }
    rows.extend(one[one.len() - tail..].iter().map(|line| (' ', *line)));
    rows
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn status_and_bookkeeping_are_no_content() {
        let object = json!({ "kind": "A", "metadata": { "name": "a", "uid": "1", "resourceVersion": "2", "generation": 3, "managedFields": [],
            "creationTimestamp": "x", "labels": { "l": "1" } }, "status": { "x": 1 }, "spec": {} });
        assert_eq!(visible(&object), json!({ "kind": "A", "metadata": { "name": "a", "labels": { "l": "1" } }, "spec": {} }));
    }

    #[test]
    fn differences_name_each_field_by_a_path_that_people_read() {
        let before = json!({ "spec": { "replicas": 1, "list": [1, 2], "c": [{ "name": "app", "image": "a:1" }, { "name": "side", "image": "s" }] },
            "metadata": { "annotations": { "a.b/c": "1" } } });
        let after = json!({ "spec": { "replicas": 2, "list": [1, 3], "c": [{ "name": "app", "image": "a:2" }, { "name": "side", "image": "s" }], "new": true },
            "metadata": { "annotations": { "a.b/c": "2" }, "labels": { "x": "y" } } });
        let paths: Vec<String> = differences(&before, &after).iter().map(|found| found.told().path).collect();
        assert_eq!(
            paths,
            ["spec.replicas", "spec.list", "spec.c[name=app].image", "spec.new", "metadata.annotations[a.b/c]", "metadata.labels.x"]
        );
    }

    #[test]
    fn a_list_whose_items_came_or_went_is_one_value() {
        let before = json!({ "c": [{ "name": "a", "v": 1 }] });
        let after = json!({ "c": [{ "name": "b", "v": 1 }, { "name": "a", "v": 2 }] });
        let found = differences(&before, &after);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].told().path, "c");
    }

    #[test]
    fn every_difference_can_be_put_back() {
        let before = json!({ "spec": { "replicas": 1, "gone": { "deep": [1] }, "c": [{ "name": "app", "image": "a:1", "env": [1] }] } });
        let after = json!({ "spec": { "replicas": 2, "c": [{ "name": "app", "image": "a:2", "args": ["x"] }] }, "metadata": { "labels": { "l": "1" } } });
        let mut now = after.clone();
        for found in differences(&before, &after) {
            assert_eq!(get(&now, &found.at), found.after.as_ref(), "{}", found.told().path);
            assert!(set(&mut now, &found.at, found.before.as_ref()), "{}", found.told().path);
        }
        assert_eq!(now["spec"], before["spec"]);
        assert_eq!(now["metadata"], json!({ "labels": {} }), "an empty map is left, which says nothing");
    }

    #[test]
    fn a_secrets_values_are_hidden_and_it_is_told_which_differ() {
        let before = json!({ "data": { "a": "x", "b": "y" }, "metadata": { "annotations": { LAST_APPLIED: "canary" } } });
        let after = json!({ "data": { "a": "x", "b": "canary" }, "stringData": { "s": "canary" } });
        let (one, other) = masked(Some(&before), Some(&after));
        let paths: Vec<String> =
            differences(one.as_ref().unwrap(), other.as_ref().unwrap()).iter().map(|found| found.told().path).collect();
        assert!(paths.contains(&"data.b".to_owned()) && !paths.contains(&"data.a".to_owned()), "{paths:?}");
        assert!(!format!("{one:?}{other:?}{}", unified(one.as_ref(), other.as_ref())).contains("canary"));
        let (none, made) = masked(None, Some(&after));
        assert!(none.is_none() && !format!("{made:?}").contains("canary"));
    }

    #[test]
    fn what_the_server_made_of_what_was_sent_is_told_and_spellings_are_not() {
        let sent =
            json!({ "spec": { "cpu": "1000m", "memory": "1Gi", "image": "a", "empty": {}, "gone": 1, "list": [{ "name": "a", "x": 1 }] } });
        let kept = json!({ "spec": { "cpu": "1", "memory": "1024Mi", "image": "b", "list": [{ "name": "inserted" }, { "name": "a", "x": 1, "y": 2 }], "default": true } });
        let paths: Vec<String> = adjusted(&sent, &kept).into_iter().map(|field| field.path).collect();
        assert_eq!(paths, ["spec.image", "spec.gone"]);
    }

    #[test]
    fn unified_text_has_three_lines_around_each_change() {
        let before = json!({ "a": 1, "b": 2, "c": 3, "d": 4, "e": 5, "f": 6, "g": 7, "h": 8, "i": 9 });
        let mut after = before.clone();
        after["a"] = 0.into();
        assert_eq!(unified(Some(&before), Some(&after)), "@@ -1 +1 @@\n-a: 1\n+a: 0\n b: 2\n c: 3\n d: 4\n");
        after["a"] = 1.into();
        after["i"] = 0.into();
        assert_eq!(unified(Some(&before), Some(&after)), "@@ -6 +6 @@\n f: 6\n g: 7\n h: 8\n-i: 9\n+i: 0\n");
        assert_eq!(unified(None, Some(&json!({ "a": 1 }))), "@@ -1 +1 @@\n+a: 1\n");
        assert_eq!(unified(Some(&before), Some(&before)), "");
    }
}
