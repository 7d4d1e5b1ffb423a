//! JSON Schemas of untrusted tools: bounded before they are compiled, compiled once, and run without reaching out or running on.
//!
//! **Invariant:** no reference leaves the document, no pattern backtracks, no schema that loops in place is ever run.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use domain::Json;
use domain::fault::ServerFault;
use jsonschema::{PatternOptions, Validator};

/// Nesting of a schema.
pub(crate) const MAX_DEPTH: usize = 64;
/// Subschemas of a schema.
pub(crate) const MAX_SUBSCHEMAS: usize = 2_000;
/// How many subschemas may have to be tried on one value.
const MAX_TRIES: u64 = 20_000;
/// Work up to which a check runs where it stands (well under a millisecond in practice).
const INLINE_WORK: u64 = 100_000;
/// What a heavier check may take: 50 ms of work, and room for a machine that is busy with other things.
const BUDGET: Duration = Duration::from_millis(250);

/// Keywords whose subschemas are tried on the same value.
const IN_PLACE: [&str; 7] = ["allOf", "anyOf", "oneOf", "not", "if", "then", "else"];
/// Keywords whose subschemas are tried on parts of the value.
const ON_PARTS: [&str; 9] = [
    "items",
    "prefixItems",
    "additionalItems",
    "unevaluatedItems",
    "contains",
    "additionalProperties",
    "unevaluatedProperties",
    "propertyNames",
    "contentSchema",
];
/// Keywords that hold subschemas by name.
const BY_NAME: [&str; 6] = ["properties", "patternProperties", "dependentSchemas", "dependencies", "$defs", "definitions"];

/// A schema that may be run.
#[derive(Debug)]
pub(crate) struct Schema {
    validator: Validator,
    /// How many subschemas one pass over the schema may try, multiplicities counted; `u64::MAX` when it is recursive.
    cost: u64,
    /// It once took longer than its budget; it is not run again.
    overran: AtomicBool,
}

impl Schema {
    /// Bounds it and compiles it. The answer is why it cannot be used.
    pub(crate) fn compile(schema: &Json) -> Result<Self, String> {
        let cost = measure(schema)?;
        let validator = jsonschema::options()
            .offline()
            .with_pattern_options(PatternOptions::regex().size_limit(1 << 20).dfa_size_limit(1 << 20))
            .build(schema)
            .map_err(|fault| format!("its schema does not compile: {}", brief(&fault.to_string())))?;
        Ok(Self { validator, cost, overran: AtomicBool::new(false) })
    }

    /// Whether a check of this value is cheap enough to be done at once.
    fn cheap(&self, value: &Json) -> bool {
        self.cost <= INLINE_WORK && self.cost.saturating_mul(nodes(value, INLINE_WORK)) <= INLINE_WORK
    }

    fn first_error(&self, value: &Json) -> Option<(String, String)> {
        let fault = self.validator.validate(value).err()?;
        let path = fault.instance_path().to_string();
        Some((if path.is_empty() { "/".to_owned() } else { path }, brief(&fault.to_string())))
    }

    /// Checks a value; the answer is where it does not fit and why.
    pub(crate) async fn check(self: &Arc<Self>, value: &Json, what: &'static str) -> Result<Option<(String, String)>, ServerFault> {
        if self.cheap(value) {
            return Ok(self.first_error(value));
        }
        // Boxed, because it is seldom needed and every call's future would else have room for it.
        Box::pin(self.check_aside(value, what)).await
    }

    /// A check that may take long, beside the runtime's threads and within its budget.
    async fn check_aside(self: &Arc<Self>, value: &Json, what: &'static str) -> Result<Option<(String, String)>, ServerFault> {
        if self.overran.load(Ordering::Acquire) {
            return Err(over_budget(what));
        }
        let (schema, value) = (self.clone(), value.clone());
        let work = tokio::task::spawn_blocking(move || schema.first_error(&value));
        match tokio::time::timeout(BUDGET, work).await {
            Ok(Ok(found)) => Ok(found),
            Ok(Err(_)) => Err(ServerFault::Internal { what: format!("the check of {what} did not end") }),
            Err(_) => {
                self.overran.store(true, Ordering::Release);
                Err(over_budget(what))
            }
        }
    }
}

fn over_budget(what: &str) -> ServerFault {
    ServerFault::ResourceLimit { what: format!("the time to check {what} (ms)"), limit: 50 }
}

fn brief(text: &str) -> String {
    match text.char_indices().nth(240) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Counts values in a value, up to a bound.
fn nodes(value: &Json, most: u64) -> u64 {
    let mut count = 0;
    let mut open = vec![value];
    while let Some(one) = open.pop() {
        count += 1;
        if count >= most {
            return most;
        }
        match one {
            Json::Array(items) => open.extend(items),
            Json::Object(map) => open.extend(map.values()),
            _ => {}
        }
    }
    count
}

/// Walks a schema within its bounds and says how many subschemas a pass may try (`u64::MAX` when it is recursive). The error is why
/// it cannot be used.
pub(crate) fn measure(root: &Json) -> Result<u64, String> {
    if !root.is_object() {
        return Err("its schema is not an object".into());
    }
    let mut walk = Walk { root, index: HashMap::new(), edges: Vec::new() };
    walk.shape(root, 0)?;
    let mut tries = vec![Visit::New; walk.edges.len()];
    for node in 0..walk.edges.len() {
        let most = walk.weigh(node, &mut tries, &|step| step == Step::SameValue);
        match most {
            None => return Err("its schema refers to itself without end".into()),
            Some(most) if most > MAX_TRIES => {
                return Err(format!("its schema wants up to {most} alternatives tried on one value (limit {MAX_TRIES})"));
            }
            Some(_) => {}
        }
    }
    let mut whole = vec![Visit::New; walk.edges.len()];
    Ok(walk.weigh(0, &mut whole, &|step| step != Step::Definition).unwrap_or(u64::MAX))
}

/// A schema as a graph: its subschemas, and which are tried when one is.
struct Walk<'s> {
    root: &'s Json,
    index: HashMap<usize, usize>,
    edges: Vec<Vec<(Step, usize)>>,
}

#[derive(Clone, Copy)]
enum Visit {
    New,
    Open,
    Done(u64),
}

impl<'s> Walk<'s> {
    /// Numbers the subschemas, references followed.
    fn shape(&mut self, schema: &'s Json, depth: usize) -> Result<usize, String> {
        let here = std::ptr::from_ref(schema) as usize;
        if let Some(node) = self.index.get(&here) {
            return Ok(*node);
        }
        if depth > MAX_DEPTH {
            return Err(format!("its schema is nested deeper than {MAX_DEPTH}"));
        }
        let node = self.edges.len();
        if node >= MAX_SUBSCHEMAS {
            return Err(format!("its schema has more than {MAX_SUBSCHEMAS} subschemas"));
        }
        self.index.insert(here, node);
        self.edges.push(Vec::new());
        for key in ["$dynamicRef", "$recursiveRef"] {
            if schema.get(key).is_some() {
                return Err(format!("its schema uses {key}, which may loop"));
            }
        }
        let mut children = parts(schema);
        if let Some(target) = self.target(schema)? {
            children.push((Step::SameValue, target));
        }
        for (step, child) in children {
            let child = self.shape(child, depth + 1)?;
            if let Some(edges) = self.edges.get_mut(node) {
                edges.push((step, child));
            }
        }
        Ok(node)
    }

    /// How many subschemas are tried from here on, over the steps that count; none when they lead round in a circle.
    fn weigh(&self, node: usize, visits: &mut [Visit], counts: &impl Fn(Step) -> bool) -> Option<u64> {
        match visits.get(node)? {
            Visit::Open => return None,
            Visit::Done(weight) => return Some(*weight),
            Visit::New => {}
        }
        if let Some(visit) = visits.get_mut(node) {
            *visit = Visit::Open;
        }
        let mut weight = 1u64;
        for (step, child) in self.edges.get(node)? {
            if counts(*step) {
                weight = weight.saturating_add(self.weigh(*child, visits, counts)?);
            }
        }
        if let Some(visit) = visits.get_mut(node) {
            *visit = Visit::Done(weight);
        }
        Some(weight)
    }

    /// Where a `$ref` leads. Only places in this document are followed.
    fn target(&self, schema: &Json) -> Result<Option<&'s Json>, String> {
        let Some(reference) = schema.get("$ref") else { return Ok(None) };
        let Some(reference) = reference.as_str() else { return Err("its schema has a $ref that is no text".into()) };
        let own = self.root.get("$id").and_then(Json::as_str).unwrap_or_default();
        let local = reference.strip_prefix('#').or_else(|| {
            let rest = reference.strip_prefix(own.trim_end_matches('#')).filter(|_| !own.is_empty())?;
            if rest.is_empty() { Some("") } else { rest.strip_prefix('#') }
        });
        let Some(fragment) = local else {
            return Err(format!("its schema refers to {}, outside of itself; nothing is fetched", brief(reference)));
        };
        let fragment = decode_percent(fragment);
        let found =
            if fragment.is_empty() || fragment.starts_with('/') { self.root.pointer(&fragment) } else { find_anchor(self.root, &fragment) };
        found.map(Some).ok_or_else(|| format!("its schema refers to {}, which it does not have", brief(reference)))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    SameValue,
    Part,
    Definition,
}

/// The subschemas that stand in a schema, and what each is tried on.
fn parts(schema: &Json) -> Vec<(Step, &Json)> {
    let Some(map) = schema.as_object() else { return Vec::new() };
    let mut found = Vec::new();
    for (key, value) in map {
        let key = key.as_str();
        let step = if IN_PLACE.contains(&key) || matches!(key, "dependentSchemas" | "dependencies") {
            Step::SameValue
        } else if matches!(key, "$defs" | "definitions") {
            Step::Definition
        } else {
            Step::Part
        };
        if BY_NAME.contains(&key) {
            found.extend(value.as_object().into_iter().flat_map(|named| named.values()).filter(|v| is_schema(v)).map(|v| (step, v)));
        } else if IN_PLACE.contains(&key) || ON_PARTS.contains(&key) {
            match value {
                Json::Array(items) => found.extend(items.iter().filter(|v| is_schema(v)).map(|v| (step, v))),
                one if is_schema(one) => found.push((step, one)),
                _ => {}
            }
        }
    }
    found
}

fn is_schema(value: &Json) -> bool {
    value.is_object() || value.is_boolean()
}

fn decode_percent(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let hex = (first == b'%').then(|| tail.get(..2)).flatten().and_then(|two| std::str::from_utf8(two).ok());
        if let Some(byte) = hex.and_then(|two| u8::from_str_radix(two, 16).ok()) {
            bytes.push(byte);
            rest = &tail[2..];
        } else {
            bytes.push(first);
            rest = tail;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn find_anchor<'s>(root: &'s Json, name: &str) -> Option<&'s Json> {
    let mut open = vec![root];
    while let Some(one) = open.pop() {
        if one.get("$anchor").and_then(Json::as_str) == Some(name) {
            return Some(one);
        }
        match one {
            Json::Object(map) => open.extend(map.values()),
            Json::Array(items) => open.extend(items),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    async fn check(schema: Json, value: Json) -> Option<(String, String)> {
        Arc::new(Schema::compile(&schema).unwrap()).check(&value, "the arguments").await.unwrap()
    }

    #[tokio::test]
    async fn the_full_schema_counts_and_the_place_is_named() {
        let schema = json!({
            "type": "object", "required": ["name"], "additionalProperties": false,
            "properties": {
                "name": { "type": "string", "pattern": "^[a-z]+$" },
                "replicas": { "type": "integer", "minimum": 0 },
                "labels": { "$ref": "#/$defs/labels" }
            },
            "$defs": { "labels": { "type": "object", "additionalProperties": { "type": "string" } } }
        });
        assert_eq!(check(schema.clone(), json!({ "name": "web", "replicas": 2, "labels": { "a": "b" } })).await, None);
        for (value, path) in [
            (json!({}), "/"),
            (json!({ "name": "WEB" }), "/name"),
            (json!({ "name": "web", "replicas": -5 }), "/replicas"),
            (json!({ "name": "web", "replicas": "2" }), "/replicas"),
            (json!({ "name": "web", "labels": { "a": 1 } }), "/labels/a"),
            (json!({ "name": "web", "other": 1 }), "/"),
        ] {
            let (at, why) = check(schema.clone(), value.clone()).await.unwrap();
            assert_eq!(at, path, "{value}: {why}");
        }
    }

    #[test]
    fn schemas_that_reach_out_or_run_on_are_refused() {
        let deep = (0..80).fold(json!({}), |inner, _| json!({ "properties": { "x": inner } }));
        let wide = json!({ "anyOf": (0..10_000).map(|n| json!({ "const": n })).collect::<Vec<_>>() });
        let laughs: serde_json::Map<_, _> = (0..24)
            .map(|n| {
                let next = json!({ "$ref": format!("#/$defs/a{}", n + 1) });
                (format!("a{n}"), if n == 23 { json!({}) } else { json!({ "anyOf": [next.clone(), next] }) })
            })
            .collect();
        let table = [
            (json!({ "$ref": "http://169.254.169.254/latest" }), "outside"),
            (json!({ "properties": { "x": { "$ref": "file:///etc/passwd" } } }), "outside"),
            (json!({ "$ref": "other.json#/x" }), "outside"),
            (json!({ "$ref": "#/$defs/none" }), "does not have"),
            (json!({ "$ref": "#" }), "without end"),
            (json!({ "allOf": [{ "$ref": "#" }] }), "without end"),
            (
                json!({ "$defs": { "a": { "$ref": "#/$defs/b" }, "b": { "not": { "$ref": "#/$defs/a" } } }, "$ref": "#/$defs/a" }),
                "without end",
            ),
            (
                json!({ "$defs": { "y": { "$ref": "#" } }, "properties": { "p": { "$ref": "#/$defs/y" } }, "anyOf": [{ "$ref": "#/$defs/y" }] }),
                "without end",
            ),
            (json!({ "$dynamicRef": "#x" }), "$dynamicRef"),
            (deep, "deeper"),
            (wide, "subschemas"),
            (json!({ "$ref": "#/$defs/a0", "$defs": laughs }), "alternatives"),
            (json!({ "$schema": "http://evil.test/meta", "type": "object" }), "compile"),
            (json!({ "type": "strin" }), "compile"),
            (json!("x"), "not an object"),
        ];
        for (schema, why) in table {
            let text = schema.to_string();
            let refused = Schema::compile(&schema).expect_err(&text);
            assert!(refused.contains(why), "{}: {refused}", &text[..text.len().min(80)]);
        }
    }

    #[tokio::test]
    async fn a_tree_may_refer_to_itself_through_its_parts() {
        let tree = json!({ "type": "object", "properties": { "kids": { "type": "array", "items": { "$ref": "#" } } } });
        assert_eq!(check(tree.clone(), json!({ "kids": [{ "kids": [] }] })).await, None);
        assert_eq!(check(tree, json!({ "kids": [{ "kids": 1 }] })).await.unwrap().0, "/kids/0/kids");
    }

    #[tokio::test]
    async fn a_pattern_that_would_backtrack_for_ever_does_not() {
        let schema = json!({ "type": "object", "properties": { "x": { "type": "string", "pattern": "^(a+)+$" } } });
        let value = json!({ "x": format!("{}!", "a".repeat(50_000)) });
        assert_eq!(check(schema, value).await.unwrap().0, "/x", "answered, and not after the end of the world");
    }

    #[tokio::test]
    async fn a_check_over_its_budget_ends_the_schema_and_not_the_caller() {
        // Every level of the value is tried twice for each try of the level above: 2^26 for this one.
        let schema = json!({
            "$defs": { "n": { "anyOf": [
                { "type": "object", "required": ["x", "no"], "properties": { "x": { "$ref": "#/$defs/n" } } },
                { "type": "object", "required": ["no", "x"], "properties": { "x": { "$ref": "#/$defs/n" } } }
            ] } },
            "$ref": "#/$defs/n"
        });
        let value = (0..26).fold(json!({ "no": 1 }), |inner, _| json!({ "x": inner, "no": 1 }));
        let schema = Arc::new(Schema::compile(&schema).unwrap());
        schema.overran.store(true, Ordering::Release);
        let refused = schema.check(&value, "the arguments").await.unwrap_err();
        assert_eq!(refused.code(), "resource_limit");
    }
}
