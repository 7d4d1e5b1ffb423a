//! Server definitions as forms, with secret values masked on the way out and put back on the way in.
//!
//! **Invariant:** a secret's value never leaves this process towards the window. References (`${NAME}`) are not values and are shown.

use domain::server::{ServerDef, StartRule};
use domain::{Json, JsonMap};
use ipc::servers::ServerForm;

/// What stands in place of a secret value.
pub(crate) const MASK: &str = "•••";

/// A definition as the window edits it.
pub(crate) fn form_of(def: &ServerDef, schema: &Json) -> ServerForm {
    let mut settings = Json::Object(def.settings.clone());
    each_secret(schema, schema, &mut settings, &mut |value| {
        if !is_reference(value) && !value.is_empty() {
            MASK.clone_into(value);
        }
    });
    ServerForm {
        id: Some(def.id.as_str().to_owned()),
        name: def.name.clone(),
        protocol: def.protocol.as_str().to_owned(),
        enabled: def.enabled,
        settings: object(settings),
        lazy: def.start.lazy,
        idle_stop_secs: def.start.idle_stop_secs,
    }
}

/// A form as a definition. Where a mask came back untouched, the saved value stays; a mask without a saved value is dropped.
pub(crate) fn def_of(form: ServerForm, saved: Option<&ServerDef>, fresh_id: impl FnOnce() -> String) -> ServerDef {
    let before = saved.map(|def| Json::Object(def.settings.clone())).unwrap_or_default();
    let settings = object(unmask(Json::Object(form.settings), &before));
    ServerDef {
        id: form.id.unwrap_or_else(fresh_id).into(),
        name: form.name.trim().to_owned(),
        protocol: form.protocol.into(),
        enabled: form.enabled,
        settings,
        extra: saved.map(|def| def.extra.clone()).unwrap_or_default(),
        start: StartRule { lazy: form.lazy, idle_stop_secs: form.idle_stop_secs },
        origin: saved.map_or_else(|| "window".to_owned(), |def| def.origin.clone()),
        updated_at: saved.map(|def| def.updated_at).unwrap_or_default(),
    }
}

fn unmask(value: Json, before: &Json) -> Json {
    match value {
        Json::String(text) if text == MASK => before.clone(),
        Json::Object(map) => Json::Object(
            map.into_iter()
                .map(|(key, value)| {
                    let old = before.get(&key).cloned().unwrap_or_default();
                    (key, unmask(value, &old))
                })
                .filter(|(_, value)| !value.is_null())
                .collect(),
        ),
        Json::Array(items) => {
            Json::Array(items.into_iter().enumerate().map(|(nth, value)| unmask(value, before.get(nth).unwrap_or(&Json::Null))).collect())
        }
        other => other,
    }
}

fn object(value: Json) -> JsonMap {
    match value {
        Json::Object(map) => map,
        _ => JsonMap::new(),
    }
}

/// Whether the text is only a reference, with or without the word that headers put before a token, so that there is nothing to hide.
fn is_reference(text: &str) -> bool {
    let text = ["Bearer ", "Basic ", "Token "].iter().find_map(|scheme| text.strip_prefix(scheme)).unwrap_or(text);
    text.starts_with("${") && text.ends_with('}') && text.matches('$').count() == 1
}

/// Visits every string whose schema says `format: "secret"`.
fn each_secret(root: &Json, schema: &Json, value: &mut Json, visit: &mut impl FnMut(&mut String)) {
    if let Some(target) = schema.get("$ref").and_then(Json::as_str).and_then(|path| root.pointer(path.trim_start_matches('#'))) {
        each_secret(root, target, value, visit);
    }
    for key in ["anyOf", "oneOf", "allOf"] {
        for option in schema.get(key).and_then(Json::as_array).into_iter().flatten() {
            each_secret(root, option, value, visit);
        }
    }
    match value {
        Json::String(text) if schema.get("format").and_then(Json::as_str) == Some("secret") => visit(text),
        Json::Object(map) => {
            for (key, value) in map.iter_mut() {
                let own = schema.get("properties").and_then(|properties| properties.get(key));
                if let Some(schema) = own.or_else(|| schema.get("additionalProperties")) {
                    each_secret(root, schema, value, visit);
                }
            }
        }
        Json::Array(items) => {
            if let Some(schema) = schema.get("items") {
                for value in items {
                    each_secret(root, schema, value, visit);
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema() -> Json {
        json!({
            "properties": {
                "auth_token": { "anyOf": [{ "type": "string", "format": "secret" }, { "type": "null" }] },
                "env": { "type": "object", "additionalProperties": { "type": "string", "format": "secret" } },
                "oauth": { "$ref": "#/$defs/Oauth" },
                "host": { "type": "string" },
            },
            "$defs": { "Oauth": { "properties": { "client_secret": { "type": "string", "format": "secret" } } } },
        })
    }

    fn saved() -> ServerDef {
        let settings =
            json!({ "auth_token": "tok-1", "env": { "A": "plain", "B": "${B}" }, "oauth": { "client_secret": "cs" }, "host": "h" });
        ServerDef {
            id: "1".into(),
            name: "n".into(),
            protocol: "sse".into(),
            enabled: true,
            settings: object(settings),
            extra: JsonMap::new(),
            start: StartRule::default(),
            origin: "import:x".into(),
            updated_at: domain::id::Millis(5),
        }
    }

    #[test]
    fn no_secret_value_reaches_a_form_and_references_do() {
        let form = form_of(&saved(), &schema());
        let text = serde_json::to_string(&form).unwrap();
        for value in ["tok-1", "plain", "\"cs\""] {
            assert!(!text.contains(value), "{value} was sent to the window");
        }
        assert_eq!(form.settings["env"]["B"], "${B}");
        assert_eq!(form.settings["host"], "h");
    }

    #[test]
    fn a_reference_is_shown_with_the_word_before_it_and_nothing_else() {
        for (text, shown) in [
            ("${vault:1f}", true),
            ("Bearer ${vault:1f}", true),
            ("${TOKEN}", true),
            ("half-a-secret-${vault:1f}", false),
            ("${A}${B}", false),
            ("Bearer plain", false),
        ] {
            assert_eq!(is_reference(text), shown, "{text}");
        }
    }

    #[test]
    fn an_untouched_mask_keeps_the_saved_value_and_a_new_value_replaces_it() {
        let saved = saved();
        let mut form = form_of(&saved, &schema());
        assert_eq!(def_of(form.clone(), Some(&saved), String::new), saved);
        form.settings["env"]["A"] = "changed".into();
        let def = def_of(form, Some(&saved), String::new);
        assert_eq!(def.settings["env"], json!({ "A": "changed", "B": "${B}" }));
        assert_eq!(def.settings["auth_token"], "tok-1");
    }

    #[test]
    fn a_mask_without_a_saved_value_is_dropped() {
        let mut form = form_of(&saved(), &schema());
        form.id = None;
        let def = def_of(form, None, || "new".into());
        assert!(!def.settings.contains_key("auth_token"), "a mask must never be sent to a server as a token");
        assert_eq!(def.id.as_str(), "new");
    }
}
