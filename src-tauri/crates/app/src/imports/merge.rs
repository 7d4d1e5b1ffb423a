//! What the file says, what is saved, and what the file said last time become one definition.
//!
//! **Invariant:** what the person settled here (`enabled`, the choice of tools, the rules of single tools) stays unless it is unchanged
//! since the last import, or the file's is asked for.

use std::collections::{BTreeMap, BTreeSet};

use domain::id::{Millis, ServerId};
use domain::server::{ServerDef, StartRule, ToolRule};
use domain::tool::{canonical, hex};
use domain::{Json, JsonMap};
use sha2::{Digest, Sha256};

use super::entry::Incoming;
use super::{FieldDiff, Outcome, plain};

/// Where [`ServerDef::tool_entry`] keeps what is said of single tools.
const TOOLS: &str = "tools";
/// Where [`ServerDef::roots`] keeps the folders that the person shares.
const ROOTS: &str = "roots";
/// Where it is kept what the last import said, field by field, as short hashes.
const IMPORTED: &str = "imported";

/// Takes away what was kept for the next import: there will be none.
pub(super) fn forget_import(def: &mut ServerDef) {
    def.extra.shift_remove(IMPORTED);
}

/// Keys of [`ServerDef::extra`] that are ours and belong into no file.
pub(super) fn is_reserved(key: &str) -> bool {
    matches!(key, TOOLS | ROOTS | IMPORTED)
}

/// A new definition.
pub(super) fn fresh(incoming: &Incoming, origin: &str, at: Millis) -> ServerDef {
    let mut def = ServerDef {
        id: ServerId::new(uuid::Uuid::new_v4().to_string()),
        name: incoming.name.clone(),
        protocol: incoming.protocol.clone(),
        enabled: incoming.enabled.unwrap_or(true),
        settings: incoming.settings.clone(),
        extra: incoming.extra.clone(),
        start: StartRule::default(),
        origin: origin.to_owned(),
        updated_at: at,
    };
    put_tools(&mut def, incoming, &incoming.tool_rules);
    remember(&mut def, &fields_of_incoming(incoming));
    def
}

/// The saved definition with the file's words merged in, and every difference. `take_file` lets the file win where the person's own
/// value would stay.
pub(super) fn merged(saved: &ServerDef, incoming: &Incoming, whole: bool, take_file: bool, at: Millis) -> (ServerDef, Vec<FieldDiff>) {
    let ours = fields_of_saved(saved);
    let theirs = fields_of_incoming(incoming);
    let base = saved.extra.get(IMPORTED).and_then(Json::as_object);
    let mut result = ours.clone();
    let mut diffs = Vec::new();
    let fields: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
    for field in fields {
        let (mine, file) = (ours.get(field), theirs.get(field));
        if mine == file {
            continue;
        }
        // A word that a file need not say, and did not.
        if file.is_none() && (!whole || field == "enabled") {
            continue;
        }
        let outcome = decide(field, mine, file, base);
        let Some(outcome) = outcome else { continue };
        let outcome = if take_file { Outcome::Taken } else { outcome };
        if outcome == Outcome::Taken {
            match file {
                Some(value) => result.insert(field.clone(), value.clone()),
                None => result.remove(field),
            };
        }
        diffs.push(FieldDiff {
            field: shown_field(field),
            before: mine.map(|v| shown(field, v)),
            after: file.map(|v| shown(field, v)),
            outcome,
        });
    }
    let mut def = rebuilt(saved, &result);
    put_entries(&mut def, incoming);
    if whole {
        remember(&mut def, &theirs);
    }
    if def != *saved {
        def.updated_at = at;
    }
    (def, diffs)
}

/// `None` when the difference is no matter of this import.
fn decide(field: &str, mine: Option<&Json>, file: Option<&Json>, base: Option<&JsonMap>) -> Option<Outcome> {
    let Some(base) = base else {
        // Never imported: what the file does not have stays, what is the person's own stays.
        return match (mine, file) {
            (_, None) => None,
            (Some(_), Some(_)) if is_the_persons(field) => Some(Outcome::Kept),
            _ => Some(Outcome::Taken),
        };
    };
    let then = base.get(field).and_then(Json::as_str);
    let untouched_here = then == mine.map(short_hash).as_deref();
    let unchanged_there = then == file.map(short_hash).as_deref();
    match (untouched_here, unchanged_there) {
        (true, _) => Some(Outcome::Taken),
        (false, true) => None,
        (false, false) if is_the_persons(field) => Some(Outcome::Kept),
        (false, false) => Some(Outcome::Conflict),
    }
}

fn is_the_persons(field: &str) -> bool {
    matches!(field, "enabled" | "settings/enabled_tools" | "settings/disabled_tools") || field.starts_with("tool/")
}

fn fields_of_saved(def: &ServerDef) -> BTreeMap<String, Json> {
    let rules = def.tool_rules();
    collect(def.protocol.as_str(), Some(def.enabled), &def.settings, &def.extra, &rules)
}

fn fields_of_incoming(incoming: &Incoming) -> BTreeMap<String, Json> {
    collect(incoming.protocol.as_str(), incoming.enabled, &incoming.settings, &incoming.extra, &incoming.tool_rules)
}

fn collect(
    protocol: &str,
    enabled: Option<bool>,
    settings: &JsonMap,
    extra: &JsonMap,
    rules: &BTreeMap<String, ToolRule>,
) -> BTreeMap<String, Json> {
    let mut fields = BTreeMap::from([("type".to_owned(), Json::from(protocol))]);
    if let Some(enabled) = enabled {
        fields.insert("enabled".to_owned(), Json::Bool(enabled));
    }
    fields.extend(settings.iter().filter(|(_, value)| !value.is_null()).map(|(key, value)| (format!("settings/{key}"), value.clone())));
    fields.extend(extra.iter().filter(|(key, _)| !is_reserved(key)).map(|(key, value)| (format!("extra/{key}"), value.clone())));
    fields.extend(rules.iter().map(|(tool, rule)| {
        let mut entry = JsonMap::new();
        rule.write_into(&mut entry);
        (format!("tool/{tool}"), Json::Object(entry))
    }));
    fields
}

fn rebuilt(saved: &ServerDef, fields: &BTreeMap<String, Json>) -> ServerDef {
    let mut def = saved.clone();
    // Kept in their order; new ones follow.
    let part = |prefix: &str, old: &JsonMap| {
        let mut map: JsonMap =
            old.keys().filter_map(|key| fields.get(&format!("{prefix}{key}")).map(|value| (key.clone(), value.clone()))).collect();
        for (field, value) in fields {
            if let Some(key) = field.strip_prefix(prefix) {
                map.entry(key.to_owned()).or_insert_with(|| value.clone());
            }
        }
        map
    };
    def.settings = part("settings/", &saved.settings);
    let mut extra = part("extra/", &saved.extra);
    for key in [TOOLS, ROOTS, IMPORTED] {
        if let Some(value) = saved.extra.get(key) {
            extra.insert(key.to_owned(), value.clone());
        }
    }
    def.extra = extra;
    let rules: BTreeMap<&str, ToolRule> =
        fields.iter().filter_map(|(field, rule)| Some((field.strip_prefix("tool/")?, rule.as_object().map(ToolRule::of_entry)?))).collect();
    for tool in saved.tool_rules().keys().filter(|tool| !rules.contains_key(tool.as_str())) {
        def.set_tool_rule(&tool.as_str().into(), &ToolRule::default());
    }
    for (tool, rule) in rules {
        def.set_tool_rule(&tool.into(), &rule);
    }
    if let Some(protocol) = fields.get("type").and_then(Json::as_str) {
        def.protocol = protocol.into();
    }
    if let Some(enabled) = fields.get("enabled").and_then(Json::as_bool) {
        def.enabled = enabled;
    }
    def
}

fn put_tools(def: &mut ServerDef, incoming: &Incoming, rules: &BTreeMap<String, ToolRule>) {
    put_entries(def, incoming);
    for (tool, rule) in rules {
        def.set_tool_rule(&tool.as_str().into(), rule);
    }
}

/// The file's other words on its tools (description, category, schema), with the rules as they are.
fn put_entries(def: &mut ServerDef, incoming: &Incoming) {
    if incoming.tool_entries.is_empty() {
        return;
    }
    let mut entries = match def.extra.shift_remove(TOOLS) {
        Some(Json::Array(entries)) => entries,
        _ => Vec::new(),
    };
    for (tool, said) in &incoming.tool_entries {
        let mut entry = JsonMap::from_iter([("name".to_owned(), Json::from(tool.as_str()))]);
        entry.extend(said.as_object().cloned().unwrap_or_default());
        let at = entries.iter().position(|entry| entry.get("name").and_then(Json::as_str) == Some(tool));
        match at {
            Some(at) => {
                if let Some(old) = entries[at].as_object() {
                    ToolRule::of_entry(old).write_into(&mut entry);
                }
                entries[at] = Json::Object(entry);
            }
            None => entries.push(Json::Object(entry)),
        }
    }
    def.extra.insert(TOOLS.to_owned(), Json::Array(entries));
}

fn remember(def: &mut ServerDef, fields: &BTreeMap<String, Json>) {
    let base: JsonMap = fields.iter().map(|(field, value)| (field.clone(), Json::String(short_hash(value)))).collect();
    def.extra.insert(IMPORTED.to_owned(), Json::Object(base));
}

/// Four bytes: enough to see that a value changed, too few to find out what it was.
fn short_hash(value: &Json) -> String {
    hex(&Sha256::digest(canonical(value).as_bytes())[..4])
}

fn shown_field(field: &str) -> String {
    match field.split_once('/') {
        Some(("settings" | "extra", key)) => key.to_owned(),
        Some((_, tool)) => format!("tools.{tool}"),
        None => field.to_owned(),
    }
}

fn shown(field: &str, value: &Json) -> Json {
    let key = field.split_once('/').map_or(field, |(_, key)| key);
    let lone = JsonMap::from_iter([(key.to_owned(), value.clone())]);
    plain::masked(&lone).get(key).cloned().unwrap_or_default()
}
