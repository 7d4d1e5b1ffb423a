//! The predecessor's `mcp_config.json`: servers, tools, `global_config` (in milliseconds), `tool_routing`, `security`, `logging`.
//!
//! Every field is either put into force or listed as kept without effect, with the reason.

use domain::policy::glob_fits;
use domain::server::ToolRule;
use domain::{Json, JsonMap};
use serde::{Deserialize, Serialize};

use super::entry::{Findings, Incoming, shown_name, take};
use super::shapes::Shapes;

/// The whole document beyond servers and their tools: kept as it came, so that an export gives it back.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Document {
    /// Top-level keys other than `servers`; `tools` only as far as no server could be found for them.
    pub keys: JsonMap,
}

/// Fields of a tool entry that are put into force.
const TOOL_FIELDS: [&str; 8] = ["name", "server_name", "enabled", "default_parameters", "timeout", "cache_enabled", "cache_ttl", "risk"];

/// Reads the document.
pub(super) fn read(mut root: JsonMap, shapes: &Shapes, findings: &mut Findings) -> (Vec<Incoming>, Document) {
    let servers = root.shift_remove("servers");
    let tools = root.shift_remove("tools");
    let derived = derived(&root, findings);
    let mut incoming = read_servers(servers, shapes, findings);
    for server in &mut incoming {
        for (key, value) in &derived {
            let info = shapes.find(server.protocol.as_str());
            if info.is_some_and(|info| shapes.has_field(info, key)) {
                server.settings.entry(key.clone()).or_insert_with(|| value.clone());
            }
        }
    }
    let unplaced = read_tools(tools, root.get("tool_routing"), &mut incoming, findings);
    without_effect(&root, findings);
    if !unplaced.is_empty() {
        root.insert("tools".into(), Json::Array(unplaced));
    }
    (incoming, Document { keys: root })
}

fn read_servers(servers: Option<Json>, shapes: &Shapes, findings: &mut Findings) -> Vec<Incoming> {
    let items = match servers {
        None | Some(Json::Null) => return Vec::new(),
        Some(Json::Array(items)) => items,
        Some(_) => {
            findings.refuse(None, "servers", "must be a list", "必须为列表");
            return Vec::new();
        }
    };
    read_list(items, "servers", shapes, findings)
}

/// A list of server objects, each with `name` and `type`.
pub(super) fn read_list(items: Vec<Json>, place: &str, shapes: &Shapes, findings: &mut Findings) -> Vec<Incoming> {
    let mut incoming: Vec<Incoming> = Vec::new();
    for (nth, item) in items.into_iter().enumerate() {
        let Json::Object(entry) = item else {
            findings.refuse(None, &format!("{place}.{nth}"), "must be an object", "必须为对象");
            continue;
        };
        let Some(name) = entry.get("name").and_then(Json::as_str).map(str::to_owned) else {
            findings.refuse(None, &format!("{place}.{nth}.name"), "is missing or no text", "缺失或不是文本");
            continue;
        };
        if incoming.iter().any(|other| other.name == name) {
            let name = shown_name(&name);
            findings.refuse(Some(&name), "name", "stands twice in the file; the first is taken", "在文件中出现两次；采用第一个");
            continue;
        }
        incoming.extend(take(&name, entry, shapes, findings));
    }
    incoming
}

/// What `global_config` and `security.rate_limit` mean for each server: settings that stand where the server has none of its own.
pub(super) fn derived(root: &JsonMap, findings: &mut Findings) -> JsonMap {
    let mut settings = JsonMap::new();
    if let Some(global) = object(root, "global_config", findings) {
        let number = |key: &str, findings: &mut Findings| match global.get(key) {
            None | Some(Json::Null) => None,
            Some(value) => {
                let fits = value.as_f64().filter(|number| (0.0..=86_400_000.0).contains(number));
                if fits.is_none() {
                    findings.refuse(None, &format!("global_config.{key}"), "must be a number that is not negative", "必须为非负数");
                }
                fits
            }
        };
        for (key, setting) in [("timeout", "timeout"), ("retry_delay", "retry_delay")] {
            if let Some(millis) = number(key, findings)
                && !(key == "timeout" && millis == 0.0)
            {
                settings.insert(setting.into(), seconds(millis));
            }
        }
        for (key, setting) in [("retry_attempts", "retry_attempts"), ("max_concurrent_calls", "max_concurrent_calls")] {
            if let Some(count) = number(key, findings) {
                if key == "max_concurrent_calls" && count < 1.0 {
                    findings.refuse(None, "global_config.max_concurrent_calls", "must be at least 1", "至少为 1");
                } else {
                    settings.insert(setting.into(), whole(count));
                }
            }
        }
        match (global.get("enable_cache"), number("cache_timeout", findings)) {
            (Some(Json::Bool(false)), _) => {
                settings.insert("cache_ttl".into(), 0.into());
            }
            (None | Some(Json::Null | Json::Bool(true)), Some(millis)) => {
                settings.insert("cache_ttl".into(), seconds(millis));
                if millis > 0.0 {
                    let secs = millis / 1000.0;
                    findings.warn(
                        None,
                        "global_config.cache_timeout",
                        format!("in force: results of tools that are marked read-only are reused for {secs} s"),
                        format!("生效：标记为只读的工具结果会复用 {secs} 秒"),
                    );
                }
            }
            (Some(value), _) if !value.is_boolean() && !value.is_null() => {
                findings.refuse(None, "global_config.enable_cache", "must be true or false", "必须为 true 或 false");
            }
            _ => {}
        }
    }
    if let Some(limit) = object(root, "security", findings).and_then(|security| security.get("rate_limit")).filter(|limit| !limit.is_null())
    {
        let on = limit.get("enabled").is_none_or(|on| on.as_bool() != Some(false));
        match limit.get("requests_per_minute") {
            Some(value) if on => match value.as_u64().filter(|count| (1..=1_000_000).contains(count)) {
                Some(count) => {
                    settings.insert("requests_per_minute".into(), count.into());
                    findings.warn(None, "security.rate_limit", "in force: counted for each server by itself", "生效：按每个服务器分别计数");
                }
                None => {
                    findings.refuse(None, "security.rate_limit.requests_per_minute", "must be a number from 1", "必须为不小于 1 的整数");
                }
            },
            _ => {}
        }
    }
    settings
}

fn object<'r>(root: &'r JsonMap, key: &str, findings: &mut Findings) -> Option<&'r JsonMap> {
    match root.get(key) {
        None | Some(Json::Null) => None,
        Some(Json::Object(map)) => Some(map),
        Some(_) => {
            if !findings.refused.iter().any(|refused| refused.field == key) {
                findings.refuse(None, key, "must be an object", "必须为对象");
            }
            None
        }
    }
}

/// Milliseconds as seconds, whole where they are.
fn seconds(millis: f64) -> Json {
    whole(millis / 1000.0)
}

#[expect(clippy::cast_possible_truncation, reason = "checked to be whole and within 86 400 000")]
fn whole(number: f64) -> Json {
    if number.fract() == 0.0 { Json::from(number as i64) } else { Json::from(number) }
}

/// Puts each tool entry to its server; answers those without one.
fn read_tools(tools: Option<Json>, routing: Option<&Json>, incoming: &mut [Incoming], findings: &mut Findings) -> Vec<Json> {
    let items = match tools {
        None | Some(Json::Null) => return Vec::new(),
        Some(Json::Array(items)) => items,
        Some(_) => {
            findings.refuse(None, "tools", "must be a list", "必须为列表");
            return Vec::new();
        }
    };
    let mut unplaced = Vec::new();
    for (nth, item) in items.into_iter().enumerate() {
        let place = format!("tools.{nth}");
        let Json::Object(entry) = item else {
            findings.refuse(None, &place, "must be an object", "必须为对象");
            continue;
        };
        let Some(name) = entry.get("name").and_then(Json::as_str).filter(|name| !name.is_empty()).map(str::to_owned) else {
            findings.refuse(None, &format!("{place}.name"), "is missing or no text", "缺失或不是文本");
            continue;
        };
        let owner = match entry.get("server_name") {
            Some(Json::String(server)) => Some(server.clone()),
            _ => routed(routing, &name).or_else(|| (incoming.len() == 1).then(|| incoming[0].name.clone())),
        };
        let Some(server) = owner.as_ref().and_then(|owner| incoming.iter_mut().find(|server| server.name == *owner)) else {
            findings.warn(
                None,
                &place,
                format!("kept for an export, without effect: no server of this file offers {}", shown_name(&name)),
                format!("保留以供导出，但不起作用：该文件中没有服务器提供 {}", shown_name(&name)),
            );
            unplaced.push(Json::Object(entry));
            continue;
        };
        match ToolRule::read_entry(&entry) {
            Ok(rule) => {
                if rule != ToolRule::default() {
                    server.tool_rules.insert(name.clone(), rule);
                }
            }
            Err(field) => {
                findings.refuse(Some(&server.name), &format!("{place}.{field}"), "has the wrong type", "类型不正确");
                continue;
            }
        }
        for field in ["required_permissions", "allowed_users", "allowed_roles"] {
            if entry.get(field).is_some_and(|value| !value.is_null() && value.as_array().is_none_or(|list| !list.is_empty())) {
                findings.warn(
                    Some(&server.name),
                    &format!("tools.{field}"),
                    "kept for an export, without effect: one person uses this app; say who may do what with policy rules (`pilot policy`)",
                    "保留以供导出，但不起作用：本应用为单人使用；请用策略规则（`pilot policy`）说明谁可以做什么",
                );
            }
        }
        let rest: JsonMap = entry.into_iter().filter(|(key, value)| !TOOL_FIELDS.contains(&key.as_str()) && !value.is_null()).collect();
        server.tool_entries.insert(name, Json::Object(rest));
    }
    unplaced
}

fn routed(routing: Option<&Json>, tool: &str) -> Option<String> {
    let routes = routing?.as_object()?;
    routes.iter().find(|(glob, _)| glob_fits(glob, tool)).and_then(|(_, server)| server.as_str()).map(str::to_owned)
}

/// Says of every top-level key that has no effect why it has none.
fn without_effect(root: &JsonMap, findings: &mut Findings) {
    let mut say = |field: &str, en: &str, zh: &str| {
        findings.warn(None, field, format!("kept for an export, without effect: {en}"), format!("保留以供导出，但不起作用：{zh}"));
    };
    for (key, value) in root {
        if value.is_null() {
            continue;
        }
        match key.as_str() {
            "version" | "name" | "description" => {}
            "global_config" => {
                let known = ["timeout", "retry_attempts", "retry_delay", "max_concurrent_calls", "enable_cache", "cache_timeout"];
                for field in
                    value.as_object().into_iter().flatten().map(|(field, _)| field).filter(|field| !known.contains(&field.as_str()))
                {
                    say(&format!("global_config.{field}"), "unknown here", "未知字段");
                }
            }
            "tool_routing" => {
                if value.as_object().is_none_or(|routes| !routes.is_empty()) {
                    say(
                        "tool_routing",
                        "tools belong to their server, and a call names it; here it only said which server a tool entry is for",
                        "工具归属于各自的服务器，调用时会指明；此处仅用于确定工具条目所属的服务器",
                    );
                }
            }
            "security" => {
                for (field, value) in value.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null()) {
                    let place = format!("security.{field}");
                    match field.as_str() {
                        "rate_limit" => {}
                        "enable_audit" | "audit_enabled" if value.as_bool() == Some(true) => {}
                        "enable_audit" | "audit_enabled" => say(&place, "every call is recorded, always", "所有调用始终会被记录"),
                        "audit_log_path" => say(
                            &place,
                            "the audit is kept in the store; see `pilot audit export`",
                            "审计保存在本地存储中；参见 `pilot audit export`",
                        ),
                        "readonly_default" => say(
                            &place,
                            "the policy says what may run: what changes something is asked about",
                            "由策略决定可运行的操作：会产生更改的操作需要确认",
                        ),
                        _ => say(&place, "unknown here", "未知字段"),
                    }
                }
            }
            "logging" => say("logging", "`RUST_LOG` says what is logged", "日志由 `RUST_LOG` 控制"),
            other => say(&shown_name(other), "unknown here", "未知字段"),
        }
    }
}
