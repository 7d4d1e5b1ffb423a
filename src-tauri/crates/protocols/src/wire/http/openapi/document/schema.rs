//! The schemas of one operation as JSON Schema. What they refer to is carried along under `$defs`, so that a cycle stays a cycle and
//! nothing is unrolled.

use std::collections::{HashMap, HashSet};

use domain::{Json, JsonMap};
use serde_json::json;

use super::{Document, unique};

/// Deepest nesting, references included.
const DEPTH: usize = 64;
/// Keywords of OpenAPI that are none of JSON Schema.
const FOREIGN: [&str; 5] = ["discriminator", "xml", "externalDocs", "example", "nullable"];

/// The schemas of one operation.
pub(super) struct SchemaSet<'s, 'd> {
    document: &'s Document<'d>,
    defs: JsonMap,
    names: HashMap<String, String>,
}

impl<'s, 'd> SchemaSet<'s, 'd> {
    pub(super) fn of(document: &'s Document<'d>) -> Self {
        Self { document, defs: JsonMap::new(), names: HashMap::new() }
    }

    /// What the converted schemas refer to.
    pub(super) fn into_defs(self) -> JsonMap {
        self.defs
    }

    /// One schema, or why it cannot be used.
    pub(super) fn converted(&mut self, schema: &Json) -> Result<Json, String> {
        self.convert(schema, DEPTH)
    }

    fn convert(&mut self, schema: &Json, depth: usize) -> Result<Json, String> {
        let Some(depth) = depth.checked_sub(1) else { return Err("its schema is nested too deeply".to_owned()) };
        match schema {
            Json::Array(items) => items.iter().map(|item| self.convert(item, depth)).collect::<Result<_, _>>().map(Json::Array),
            Json::Object(map) => self.convert_object(map, depth),
            leaf => Ok(leaf.clone()),
        }
    }

    fn convert_object(&mut self, map: &JsonMap, depth: usize) -> Result<Json, String> {
        let mut out = JsonMap::new();
        for (key, value) in map {
            match (key.as_str(), value) {
                ("$ref" | "$dynamicRef", Json::String(reference)) => {
                    out.insert("$ref".into(), Json::String(self.refer(reference, depth)?));
                }
                // Values are data, not schemas.
                ("enum" | "const" | "default" | "examples", _) => {
                    out.insert(key.clone(), value.clone());
                }
                // The names under these are the author's: one called `example` or `xml` is a property like any other.
                ("properties" | "patternProperties" | "$defs" | "definitions" | "dependentSchemas", Json::Object(named)) => {
                    let mut inner = JsonMap::new();
                    for (name, schema) in named {
                        inner.insert(name.clone(), self.convert(schema, depth)?);
                    }
                    out.insert(key.clone(), Json::Object(inner));
                }
                (foreign, _) if FOREIGN.contains(&foreign) => {}
                // An identifier would change what the references below it mean.
                ("$id" | "$anchor" | "$dynamicAnchor" | "$schema", _) => {}
                _ => {
                    out.insert(key.clone(), self.convert(value, depth)?);
                }
            }
        }
        if self.document.old {
            modernise(map, &mut out);
        }
        Ok(Json::Object(out))
    }

    fn refer(&mut self, reference: &str, depth: usize) -> Result<String, String> {
        if let Some(name) = self.names.get(reference) {
            return Ok(format!("#/$defs/{name}"));
        }
        let target = self.document.pointed(reference)?;
        let last = reference.rsplit('/').next().unwrap_or_default();
        let clean: String =
            last.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c } else { '_' }).take(60).collect();
        let taken: HashSet<String> = self.names.values().cloned().collect();
        let name = unique(if clean.is_empty() { "schema" } else { &clean }, &taken);
        // Known before it is read, so that a cycle finds it.
        self.names.insert(reference.to_owned(), name.clone());
        let converted = self.convert(target, depth)?;
        self.defs.insert(name.clone(), converted);
        Ok(format!("#/$defs/{name}"))
    }
}

/// What OpenAPI 3.0 says otherwise than JSON Schema.
fn modernise(old: &JsonMap, new: &mut JsonMap) {
    if old.get("nullable") == Some(&Json::Bool(true)) {
        match new.get_mut("type") {
            Some(kind @ Json::String(_)) => *kind = json!([kind.take(), "null"]),
            Some(_) => {}
            None => {
                if let Some(reference) = new.shift_remove("$ref") {
                    new.insert("anyOf".into(), json!([{ "$ref": reference }, { "type": "null" }]));
                }
            }
        }
        if let Some(values) = new.get_mut("enum").and_then(Json::as_array_mut)
            && !values.contains(&Json::Null)
        {
            values.push(Json::Null);
        }
    }
    for (flag, bound) in [("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")] {
        match new.get(flag) {
            Some(Json::Bool(true)) => {
                new.shift_remove(flag);
                if let Some(limit) = new.shift_remove(bound) {
                    new.insert(flag.to_owned(), limit);
                }
            }
            Some(Json::Bool(false)) => {
                new.shift_remove(flag);
            }
            _ => {}
        }
    }
}
