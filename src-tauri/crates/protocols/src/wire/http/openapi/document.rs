//! Reads an OpenAPI 3.0 or 3.1 document into operations. Nothing is fetched: a reference outside the document spoils its operation only.

mod schema;

use std::collections::{HashMap, HashSet};

use domain::fault::ServerFault;
use domain::tool::{Annotations, Catalogue, RejectedTool, Tool};
use domain::{Json, JsonMap};
use net::Method;
use serde_json::json;

use crate::mcp::{Headers, add_tools};
use schema::SchemaSet;

/// Longest name; the limit of the models that are given tools.
const NAME: usize = 64;
/// References to references that are followed.
const HOPS: usize = 16;
/// Operations that are looked at.
const OPERATIONS: usize = 2_000;

/// Where a parameter goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Path,
    Query,
    Header,
    Cookie,
}

/// How the values of a list or an object are put side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spread {
    /// Each on its own: `a=1&a=2`.
    Apart,
    /// Joined by this character: `a=1,2`.
    Joined(char),
    /// `a[k]=v`.
    Deep,
    /// As JSON text (`content: application/json`).
    Json,
}

/// One parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Param {
    /// Its name among the arguments.
    pub(super) key: String,
    /// Its name on the wire.
    pub(super) name: String,
    pub(super) place: Place,
    pub(super) spread: Spread,
    pub(super) required: bool,
}

/// The request's body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Body {
    pub(super) key: String,
    pub(super) media: String,
    pub(super) required: bool,
}

/// One operation.
#[derive(Debug, Clone)]
pub(super) struct Operation {
    pub(super) method: Method,
    pub(super) template: String,
    pub(super) params: Vec<Param>,
    pub(super) body: Option<Body>,
}

/// A document.
#[derive(Debug)]
pub(super) struct Document<'d> {
    root: &'d Json,
    /// OpenAPI 3.0, whose schemas are not yet JSON Schema.
    old: bool,
    pub(super) title: String,
    pub(super) version: String,
}

impl<'d> Document<'d> {
    pub(super) fn read(root: &'d Json) -> Result<Self, ServerFault> {
        let violation = |rule: String| Err(ServerFault::ProtocolViolation { rule });
        let Some(stated) = root.get("openapi").and_then(Json::as_str) else {
            let what = root
                .get("swagger")
                .and_then(Json::as_str)
                .map_or_else(|| "no OpenAPI document".to_owned(), |v| format!("Swagger {}", net::shown(v)));
            return violation(format!("an OpenAPI 3.0 or 3.1 document was expected, this is {what}"));
        };
        if !stated.starts_with("3.") {
            return violation(format!("an OpenAPI 3.0 or 3.1 document was expected, this is version {}", net::shown(stated)));
        }
        if !root.get("paths").is_some_and(Json::is_object) {
            return violation("the OpenAPI document has no paths".to_owned());
        }
        let info = |key: &str| root.pointer(&format!("/info/{key}")).and_then(Json::as_str).map(net::shown).unwrap_or_default();
        Ok(Self { root, old: stated.starts_with("3.0"), title: info("title"), version: info("version") })
    }

    /// The tools and the operations behind them, by the tool's name.
    pub(super) fn tools(&self) -> (Catalogue, HashMap<String, Operation>) {
        let (mut catalogue, mut operations, mut names) = (Catalogue::default(), HashMap::new(), HashSet::new());
        let mut looked_at = 0;
        'paths: for (template, item) in self.root.get("paths").and_then(Json::as_object).into_iter().flatten() {
            let item = match self.resolved(item) {
                Ok(item) => item,
                Err(reason) => {
                    catalogue.rejected.push(rejected(template, reason));
                    continue;
                }
            };
            for (verb, method) in METHODS {
                let Some(operation) = item.get(verb).filter(|operation| operation.is_object()) else { continue };
                looked_at += 1;
                if looked_at > OPERATIONS {
                    catalogue.partial = Some(format!("only the first {OPERATIONS} operations are looked at"));
                    break 'paths;
                }
                let name = unique(&wanted_name(operation, verb, template), &names);
                match self.operation(&method, template, item, operation, &name) {
                    Ok((tool, operation)) => {
                        let raw = serde_json::to_value(tool).unwrap_or_default();
                        let before = catalogue.tools.len();
                        let room = add_tools(&mut catalogue, &mut names, vec![raw], Headers::Unused);
                        if catalogue.tools.len() > before {
                            operations.insert(name, operation);
                        }
                        if !room {
                            break 'paths;
                        }
                    }
                    Err(reason) => catalogue.rejected.push(rejected(&name, reason)),
                }
            }
        }
        (catalogue, operations)
    }

    fn operation(
        &self,
        method: &Method,
        template: &str,
        item: &'d Json,
        operation: &'d Json,
        name: &str,
    ) -> Result<(Tool, Operation), String> {
        let mut schema = SchemaSet::of(self);
        let (mut properties, mut required) = (JsonMap::new(), Vec::new());
        let mut params: Vec<Param> = Vec::new();
        for raw in self.merged_parameters(item, operation)? {
            let Some(param) = param(raw)? else { continue };
            let key = if properties.contains_key(&param.key) { format!("{}_{}", param.key, word(param.place)) } else { param.key.clone() };
            let stated = raw.get("schema").or_else(|| raw.pointer("/content/application~1json/schema"));
            let mut described = stated.map_or_else(|| Ok(json!({})), |stated| schema.converted(stated))?;
            describe(&mut described, raw.get("description"));
            properties.insert(key.clone(), described);
            if param.required {
                required.push(Json::from(key.as_str()));
            }
            params.push(Param { key, ..param });
        }
        // A hole in the path that no parameter fills could never be filled.
        for hole in holes(template)? {
            if !params.iter().any(|param| param.place == Place::Path && param.name == hole) {
                properties.insert(hole.to_owned(), json!({ "type": "string" }));
                required.push(Json::from(hole));
                params.push(Param {
                    key: hole.to_owned(),
                    name: hole.to_owned(),
                    place: Place::Path,
                    spread: Spread::Joined(','),
                    required: true,
                });
            }
        }
        let body = match operation.get("requestBody") {
            None | Some(Json::Null) => None,
            Some(stated) => self.body(stated, &mut schema, &mut properties, &mut required)?,
        };
        let mut input = json!({ "type": "object", "properties": properties, "additionalProperties": false });
        if let Some(map) = input.as_object_mut() {
            if !required.is_empty() {
                map.insert("required".into(), Json::Array(required));
            }
            let defs = schema.into_defs();
            if !defs.is_empty() {
                map.insert("$defs".into(), Json::Object(defs));
            }
        }
        let text = |key: &str| operation.get(key).and_then(Json::as_str).unwrap_or_default().trim();
        let mut description =
            [text("summary"), text("description")].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n\n");
        if description.is_empty() {
            description = format!("{method} {template}");
        }
        let reads = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
        let annotations = Annotations {
            read_only_hint: reads.then_some(true),
            destructive_hint: (*method == Method::DELETE).then_some(true),
            idempotent_hint: matches!(*method, Method::PUT | Method::DELETE).then_some(true),
            ..Annotations::default()
        };
        let title = Some(text("summary")).filter(|title| !title.is_empty()).map(str::to_owned);
        let tool = Tool { name: name.into(), title, description, input_schema: input, output_schema: None, annotations };
        Ok((tool, Operation { method: method.clone(), template: template.to_owned(), params, body }))
    }

    /// The parameters of the path and of the operation; the operation's replace the path's of the same name and place.
    fn merged_parameters(&self, item: &'d Json, operation: &'d Json) -> Result<Vec<&'d Json>, String> {
        let mut merged: Vec<&Json> = Vec::new();
        for list in [item.get("parameters"), operation.get("parameters")].into_iter().flatten() {
            for raw in list.as_array().into_iter().flatten() {
                let raw = self.resolved(raw)?;
                merged.retain(|other| other.get("name") != raw.get("name") || other.get("in") != raw.get("in"));
                merged.push(raw);
            }
        }
        Ok(merged)
    }

    fn body(
        &self,
        stated: &'d Json,
        schema: &mut SchemaSet<'_, '_>,
        properties: &mut JsonMap,
        required: &mut Vec<Json>,
    ) -> Result<Option<Body>, String> {
        let stated = self.resolved(stated)?;
        let Some(content) = stated.get("content").and_then(Json::as_object) else { return Ok(None) };
        let rank = |media: &str| match media.split(';').next().unwrap_or_default().trim() {
            "application/json" => 0,
            json if json.ends_with("+json") => 1,
            "application/x-www-form-urlencoded" => 2,
            "multipart/form-data" => 3,
            text if text.starts_with("text/") => 4,
            _ => 5,
        };
        let Some((media, described)) = content.iter().min_by_key(|(media, _)| rank(media)) else { return Ok(None) };
        let mut value = match (rank(media), described.get("schema")) {
            (0..=3, Some(stated)) => schema.converted(stated)?,
            (0 | 1, None) => json!({}),
            (2 | 3, None) => json!({ "type": "object" }),
            (4, _) => json!({ "type": "string" }),
            _ => json!({ "type": "string", "contentEncoding": "base64", "description": format!("{media}, in base64") }),
        };
        describe(&mut value, stated.get("description"));
        let key = if properties.contains_key("body") { "request_body" } else { "body" }.to_owned();
        properties.insert(key.clone(), value);
        let must = stated.get("required") == Some(&Json::Bool(true));
        if must {
            required.push(Json::from(key.as_str()));
        }
        Ok(Some(Body { key, media: media.clone(), required: must }))
    }

    /// What a reference leads to, inside this document.
    fn resolved(&self, mut value: &'d Json) -> Result<&'d Json, String> {
        for _ in 0..HOPS {
            let Some(reference) = value.get("$ref").and_then(Json::as_str) else { return Ok(value) };
            value = self.pointed(reference)?;
        }
        Err("a reference leads back to itself".to_owned())
    }

    fn pointed(&self, reference: &str) -> Result<&'d Json, String> {
        let Some(pointer) = reference.strip_prefix('#') else {
            return Err(format!("it refers to {}, and nothing is fetched from elsewhere", net::shown(reference)));
        };
        let pointer = percent_encoding::percent_decode_str(pointer).decode_utf8_lossy();
        self.root.pointer(&pointer).ok_or_else(|| format!("it refers to {}, which is not there", net::shown(reference)))
    }
}

const METHODS: [(&str, Method); 7] = [
    ("get", Method::GET),
    ("put", Method::PUT),
    ("post", Method::POST),
    ("delete", Method::DELETE),
    ("patch", Method::PATCH),
    ("head", Method::HEAD),
    ("options", Method::OPTIONS),
];

fn rejected(name: &str, reason: String) -> RejectedTool {
    RejectedTool { name: name.chars().take(200).collect(), reason }
}

fn describe(schema: &mut Json, words: Option<&Json>) {
    if let (Some(map), Some(words @ Json::String(_))) = (schema.as_object_mut(), words) {
        map.entry("description").or_insert_with(|| words.clone());
    }
}

fn word(place: Place) -> &'static str {
    match place {
        Place::Path => "path",
        Place::Query => "query",
        Place::Header => "header",
        Place::Cookie => "cookie",
    }
}

/// One parameter; none for headers that are not the caller's to set.
fn param(raw: &Json) -> Result<Option<Param>, String> {
    let text = |key: &str| raw.get(key).and_then(Json::as_str);
    let (Some(name), Some(place)) = (text("name").filter(|name| !name.is_empty()), text("in")) else {
        return Err("a parameter has no name or no place".to_owned());
    };
    let place = match place {
        "path" => Place::Path,
        "query" => Place::Query,
        "header" => Place::Header,
        "cookie" => Place::Cookie,
        other => return Err(format!("a parameter goes into {}, which is unknown", net::shown(other))),
    };
    if place == Place::Header {
        let ours = ["accept", "content-type", "authorization", "host", "content-length", "transfer-encoding", "connection", "cookie"];
        if ours.contains(&name.to_ascii_lowercase().as_str()) {
            return Ok(None);
        }
        if net::HeaderName::from_bytes(name.as_bytes()).is_err() {
            return Err(format!("{} is no header name", net::shown(name)));
        }
    }
    let style = text("style").unwrap_or(if matches!(place, Place::Query | Place::Cookie) { "form" } else { "simple" });
    let explode = raw.get("explode").and_then(Json::as_bool).unwrap_or(style == "form");
    let spread = match (raw.get("content").is_some(), style, explode) {
        (true, ..) => Spread::Json,
        (_, "deepObject", _) => Spread::Deep,
        (_, "spaceDelimited", false) => Spread::Joined(' '),
        (_, "pipeDelimited", false) => Spread::Joined('|'),
        (_, "form" | "spaceDelimited" | "pipeDelimited", true) => Spread::Apart,
        (_, "form" | "simple", _) => Spread::Joined(','),
        (_, other, _) => return Err(format!("the style {} of a parameter is not supported", net::shown(other))),
    };
    let required = place == Place::Path || raw.get("required") == Some(&Json::Bool(true));
    Ok(Some(Param { key: name.to_owned(), name: name.to_owned(), place, spread, required }))
}

/// The names between braces in a path.
fn holes(template: &str) -> Result<Vec<&str>, String> {
    let (mut found, mut rest) = (Vec::new(), template);
    while let Some((_, after)) = rest.split_once('{') {
        let Some((name, tail)) = after.split_once('}') else { return Err("a brace in its path is never closed".to_owned()) };
        if name.is_empty() || name.contains('{') {
            return Err("the braces in its path do not fit".to_owned());
        }
        found.push(name);
        rest = tail;
    }
    Ok(found)
}

fn wanted_name(operation: &Json, verb: &str, template: &str) -> String {
    let slug = |text: &str| {
        let mut out = String::new();
        for c in text.chars() {
            let c = if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
            if c != '_' || !out.ends_with('_') {
                out.push(c);
            }
        }
        out.trim_matches('_').chars().take(NAME).collect::<String>()
    };
    let own = operation.get("operationId").and_then(Json::as_str).map(slug).filter(|name| !name.is_empty());
    own.unwrap_or_else(|| slug(&format!("{verb}_{template}")))
}

/// The name itself, or with a number when it is taken.
fn unique(wanted: &str, taken: &HashSet<String>) -> String {
    if !taken.contains(wanted) {
        return wanted.to_owned();
    }
    let numbered = |nth: usize| {
        let tail = format!("_{nth}");
        format!("{}{tail}", wanted.chars().take(NAME - tail.len()).collect::<String>())
    };
    // There is a free one among one more than are taken.
    (2..taken.len() + 3).map(numbered).find(|name| !taken.contains(name)).unwrap_or_default()
}

#[cfg(test)]
mod tests;
