//! Definitions before they are used: checking, what they would reach, and which of their values are secrets.

use domain::fault::{Fault, ServerFault};
use domain::secret::{Secret, VEILED};
use domain::server::ServerDef;
use domain::text::Text;
use domain::{Json, JsonMap};

use crate::core::Core;
use crate::shown::visible;

impl Core {
    /// Checks a definition without touching anything, variables expanded; answers what it would reach. When a variable is unset the
    /// rest is checked all the same, and the plainer fault is told first.
    pub(crate) fn check(&self, def: &ServerDef) -> Result<String, Fault> {
        let protocol = self.protocols.get(&def.protocol)?;
        let attempted = Text::new(format!("use the settings of \"{}\"", def.name), format!("使用“{}”的设置", def.name));
        let say = |fault: &ServerFault| {
            let mut said = self.say(fault, &attempted, "");
            if let Some(params) = said.params.as_object_mut() {
                params.insert("server".to_owned(), def.name.as_str().into());
            }
            said
        };
        match self.ports.expand.expand(&def.settings) {
            Ok(expanded) => match protocol.check(expanded) {
                // A secret is not opened for a look; what it holds is seen when it is connected with.
                Err(ServerFault::Settings { field, reason }) if veiled(&def.settings, &field, &reason) => Ok(self.target(def)),
                Err(fault) => Err(say(&fault)),
                Ok(_) => Ok(self.target(def)),
            },
            Err(unset) => {
                let mut missing = Vec::new();
                let mut rest = JsonMap::new();
                for (field, value) in &def.settings {
                    let one = JsonMap::from_iter([(field.clone(), value.clone())]);
                    match self.ports.expand.expand(&one) {
                        Ok(one) => rest.extend(one),
                        Err(_) => missing.push(field.clone()),
                    }
                }
                match protocol.check(rest) {
                    Err(ServerFault::Settings { field, reason })
                        if !missing.iter().any(|one| field.starts_with(one) || reason.contains(one.as_str())) =>
                    {
                        Err(say(&ServerFault::Settings { field, reason }))
                    }
                    _ => Err(unset),
                }
            }
        }
    }

    /// What a definition would reach or start, for people: references stay unexpanded, so that no secret shows; what hides is made
    /// visible; nothing is cut.
    pub(crate) fn target(&self, def: &ServerDef) -> String {
        let plain = || {
            let protocol = self.protocols.get(&def.protocol).ok()?;
            protocol.check(def.settings.clone()).ok().or_else(|| {
                let expanded = self.ports.expand.expand(&def.settings).ok()?;
                self.learn_secrets(def, &expanded);
                protocol.check(expanded).ok()
            })
        };
        let target = plain().unwrap_or_else(|| {
            // It does not decode; show the parts that matter as they stand.
            let keys = ["command", "args", "cwd", "url", "base_url", "host", "port", "path"];
            let parts: Vec<_> = keys.iter().filter_map(|key| Some(format!("{key}: {}", def.settings.get(*key)?))).collect();
            format!("{} {}", def.protocol, parts.join(", "))
        });
        visible(&self.ports.redact.redact(&target)).into_owned()
    }

    /// From now on every value of a `format: "secret"` field is taken out of everything that is kept and shown.
    pub(crate) fn learn_secrets(&self, def: &ServerDef, expanded: &JsonMap) {
        let Some(info) = self.protocols.info(&def.protocol) else { return };
        let mut found = Vec::new();
        let settings = Json::Object(expanded.clone());
        walk(&info.schema, &info.schema, &settings, &At { path: String::new(), of_map: false }, 0, &mut found);
        for (_, text) in found {
            if text.contains(VEILED) {
                continue;
            }
            if let Some((_, token)) = text.split_once(' ') {
                self.ports.redact.learn(&Secret::new(token));
            }
            self.ports.redact.learn(&Secret::new(text));
        }
    }
}

/// Whether a fault is about a setting that refers to a secret.
fn veiled(settings: &JsonMap, field: &str, reason: &str) -> bool {
    settings
        .iter()
        .any(|(name, value)| (field.starts_with(name.as_str()) || reason.contains(name.as_str())) && value.to_string().contains("${vault:"))
}

/// Where in the settings a value stands.
struct At {
    path: String,
    /// In a map whose names say nothing, where most values are no secrets.
    of_map: bool,
}

impl At {
    fn within(&self, step: &str, of_map: bool) -> Self {
        let path = if self.path.is_empty() { step.to_owned() } else { format!("{}.{step}", self.path) };
        Self { path, of_map }
    }
}

/// Finds the values of secret fields, with their places.
fn walk(root: &Json, schema: &Json, value: &Json, at: &At, depth: usize, found: &mut Vec<(String, String)>) {
    if depth > 32 || value.is_null() {
        return;
    }
    if let Some(target) = schema.get("$ref").and_then(Json::as_str).and_then(|name| root.pointer(name.strip_prefix('#')?)) {
        walk(root, target, value, at, depth + 1, found);
    }
    for key in ["allOf", "anyOf", "oneOf"] {
        for option in schema.get(key).and_then(Json::as_array).into_iter().flatten() {
            walk(root, option, value, at, depth + 1, found);
        }
    }
    match value {
        Json::String(text) => {
            let secret = schema.get("format").and_then(Json::as_str) == Some("secret");
            if secret && !(at.of_map && is_plain(text)) {
                found.push((at.path.clone(), text.clone()));
            }
        }
        Json::Object(map) => {
            let named = schema.get("properties");
            for (key, value) in map {
                if let Some(schema) = named.and_then(|named| named.get(key)) {
                    walk(root, schema, value, &at.within(key, false), depth + 1, found);
                } else if let Some(schema) = schema.get("additionalProperties") {
                    walk(root, schema, value, &at.within(key, true), depth + 1, found);
                }
            }
        }
        Json::Array(items) => {
            if let Some(schema) = schema.get("items") {
                for (nth, item) in items.iter().enumerate() {
                    walk(root, schema, item, &at.within(&nth.to_string(), at.of_map), depth + 1, found);
                }
            }
        }
        _ => {}
    }
}

/// Where the settings of a protocol hold secrets, by its schema.
pub(crate) fn secret_places(schema: &Json, settings: &JsonMap) -> Vec<String> {
    let mut found = Vec::new();
    let settings = Json::Object(settings.clone());
    walk(schema, schema, &settings, &At { path: String::new(), of_map: false }, 0, &mut found);
    found.into_iter().map(|(place, _)| place).collect()
}

/// A header or environment value that is plainly no secret. Taking `application/json` or `/usr/bin` out of every answer would hide
/// what people look for.
fn is_plain(text: &str) -> bool {
    let lower = text.to_lowercase();
    let known =
        ["true", "false", "debug", "info", "warn", "warning", "error", "trace", "production", "development", "staging", "utf-8", "none"];
    known.contains(&lower.as_str())
        || (text.len() < 8 && text.chars().all(|c| c.is_ascii_digit()))
        || (text.starts_with('/') && !text.contains(['?', '@']))
        || (lower.starts_with("application/") || lower.starts_with("text/"))
        || ((lower.starts_with("http://") || lower.starts_with("https://")) && !text.contains(['@', '?']))
        || text.chars().all(|c| matches!(c, '.' | '_' | '-' | '*' | ','))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secret_fields_are_found_by_the_schema_wherever_they_stand() {
        let schema = json!({
            "properties": {
                "host": { "type": "string" },
                "auth_token": { "anyOf": [{ "type": "string", "format": "secret" }, { "type": "null" }] },
                "env": { "type": "object", "additionalProperties": { "type": "string", "format": "secret" } },
                "auth": { "$ref": "#/$defs/auth" }
            },
            "$defs": { "auth": { "properties": { "keys": { "type": "array", "items": { "format": "secret" } } } } }
        });
        let value = json!({
            "host": "example.test", "auth_token": "tok-123456", "auth": { "keys": ["k1-abcdef"] },
            "env": { "API_KEY": "sk-live", "LOG": "debug", "PYTHONPATH": "/srv/app", "PORT": "8769" }
        });
        let mut found = Vec::new();
        walk(&schema, &schema, &value, &At { path: String::new(), of_map: false }, 0, &mut found);
        found.sort();
        let wanted = [("auth.keys.0", "k1-abcdef"), ("auth_token", "tok-123456"), ("env.API_KEY", "sk-live")];
        assert_eq!(found, wanted.map(|(place, text)| (place.to_owned(), text.to_owned())));
        let places = secret_places(&schema, value.as_object().unwrap());
        assert!(places.contains(&"env.API_KEY".to_owned()) && !places.contains(&"env.PORT".to_owned()));
    }
}
