//! Files of editors and assistants: maps of servers under `mcpServers` or `servers`, with `inputs` where VS Code has them.

use std::collections::{BTreeMap, BTreeSet};

use domain::{Json, JsonMap};

use super::dialect::{NoCounterpart, Variables, editors_type, input_reference, rewrite};
use super::entry::{Findings, Incoming, shown_name, take};
use super::plain::shell_name;
use super::shapes::Shapes;
use super::{Asked, Format};

/// Reads a map of servers.
pub(super) fn read(
    servers: JsonMap,
    inputs: Option<&Json>,
    format: Format,
    answers: Option<&BTreeMap<String, String>>,
    shapes: &Shapes,
    findings: &mut Findings,
) -> (Vec<Incoming>, Vec<Asked>) {
    let mut asked = read_inputs(inputs, answers, findings);
    let mut used = BTreeSet::new();
    let mut incoming = Vec::new();
    for (name, entry) in servers {
        let shown = shown_name(&name);
        let Json::Object(entry) = entry else {
            findings.refuse(Some(&shown), "servers", "must be an object", "必须为对象");
            continue;
        };
        let rewritten = {
            let mut input = |id: &str| {
                used.insert(id.to_owned());
                asked.iter().find(|input| input.id == id).map(|input| stand_for(input, answers))
            };
            rewrite(&Json::Object(entry), Variables::Editors, &mut input)
        };
        match rewritten {
            Ok(Json::Object(entry)) => {
                if let Some(entry) = in_our_words(&shown, entry, format, shapes, findings) {
                    incoming.extend(take(&name, entry, shapes, findings));
                }
            }
            Ok(_) => {}
            Err(NoCounterpart(variable)) => findings.refuse(
                Some(&shown),
                &shown_name(&variable),
                "this variable of the editor has no counterpart here; write the value or a ${NAME}",
                "编辑器的此变量在这里没有对应项；请写入具体值或 ${NAME}",
            ),
        }
    }
    asked.retain(|input| used.contains(&input.id));
    (incoming, asked)
}

fn stand_for(input: &Asked, answers: Option<&BTreeMap<String, String>>) -> String {
    let answer = answers.and_then(|answers| answers.get(&input.id)).filter(|_| !input.secret);
    answer
        .map_or_else(|| input_reference(&input.id, input.default.as_deref().filter(|_| !input.secret)), |answer| answer.replace('$', "$$"))
}

fn read_inputs(inputs: Option<&Json>, answers: Option<&BTreeMap<String, String>>, findings: &mut Findings) -> Vec<Asked> {
    let Some(items) = inputs.filter(|inputs| !inputs.is_null()) else { return Vec::new() };
    let Some(items) = items.as_array() else {
        findings.refuse(None, "inputs", "must be a list", "必须为列表");
        return Vec::new();
    };
    let mut asked: Vec<Asked> = Vec::new();
    for (nth, item) in items.iter().enumerate() {
        let text = |key: &str| item.get(key).and_then(Json::as_str).map(str::to_owned);
        let Some(id) = text("id").filter(|id| !id.is_empty()) else {
            findings.refuse(None, &format!("inputs.{nth}.id"), "is missing or no text", "缺失或不是文本");
            continue;
        };
        if asked.iter().any(|other| other.id == id) {
            findings.refuse(None, &format!("inputs.{nth}.id"), "stands twice; the first is taken", "出现两次；采用第一个");
            continue;
        }
        let secret = item.get("password").and_then(Json::as_bool) == Some(true);
        let given = answers.is_some_and(|answers| answers.contains_key(&id));
        if given && secret {
            findings.warn(
                None,
                &format!("inputs.{}", shown_name(&id)),
                format!("the answer was not taken: a secret is never stored in plain text; set the variable {} instead", shell_name(&id)),
                format!("未采用该回答：机密从不以明文保存；请改为设置变量 {}", shell_name(&id)),
            );
        }
        let options = item
            .get("options")
            .and_then(Json::as_array)
            .into_iter()
            .flatten()
            .filter_map(|option| option.as_str().or_else(|| option.get("value").and_then(Json::as_str)).map(str::to_owned))
            .collect();
        if text("type").as_deref() == Some("command") {
            findings.warn(
                None,
                &format!("inputs.{}", shown_name(&id)),
                "an editor's command would answer this; set the variable instead",
                "此项由编辑器命令回答；请改为设置变量",
            );
        }
        asked.push(Asked {
            variable: shell_name(&id),
            description: text("description").unwrap_or_default(),
            secret,
            default: text("default").filter(|_| !secret),
            options,
            answered: given && !secret,
            id,
        });
    }
    asked
}

/// Renames an entry's keys and says the type where the file leaves it to be inferred.
pub(super) fn in_our_words(name: &str, mut entry: JsonMap, format: Format, shapes: &Shapes, findings: &mut Findings) -> Option<JsonMap> {
    entry.retain(|_, value| !value.is_null());
    for key in ["transport", "transportType"] {
        if let Some(word) = entry.shift_remove(key) {
            entry.entry("type").or_insert(word);
        }
    }
    if let Some(disabled) = entry.shift_remove("disabled") {
        let Json::Bool(disabled) = disabled else {
            findings.refuse(Some(name), "disabled", "must be true or false", "必须为 true 或 false");
            return None;
        };
        entry.entry("enabled").or_insert(Json::Bool(!disabled));
    }
    // Windsurf and Gemini have words of their own for the address.
    if let Some(url) = entry.shift_remove("httpUrl") {
        entry.entry("url").or_insert(url);
        entry.entry("type").or_insert_with(|| "stream_http".into());
    }
    if let Some(url) = entry.shift_remove("serverUrl") {
        entry.entry("url").or_insert(url);
    }
    for (theirs, ours) in [("includeTools", "enabled_tools"), ("excludeTools", "disabled_tools"), ("headers", "auth_headers")] {
        if let Some(value) = entry.shift_remove(theirs) {
            entry.entry(ours).or_insert(value);
        }
    }
    let word = match entry.get("type") {
        Some(Json::String(word)) => word_for(word, &entry, format),
        Some(_) => {
            findings.refuse(Some(name), "type", "must be a text", "必须为文本");
            return None;
        }
        None => match infer(&entry) {
            Some(word) => word.to_owned(),
            None => {
                findings.refuse(
                    Some(name),
                    "type",
                    "is missing, and neither `command` nor `url` tells it",
                    "缺失，且无法由 `command` 或 `url` 推断",
                );
                return None;
            }
        },
    };
    entry.insert("type".into(), word.clone().into());
    if format != Format::ServerObject {
        seconds_of_timeout(name, &mut entry, findings);
    }
    if let Some(url) = entry.shift_remove("url") {
        place_url(&mut entry, &word, url, shapes);
    }
    if entry.get("args").is_none()
        && entry.get("command").and_then(Json::as_str).is_some_and(|command| command.trim().contains(' ') && !command.contains(['/', '\\']))
    {
        findings.warn(
            Some(name),
            "command",
            "looks like a whole command line; it is taken as one program's name. Put the arguments into `args`",
            "看起来是整条命令行；此处会作为一个程序名。请将参数写入 `args`",
        );
    }
    Some(entry)
}

/// Our word for the type. In a server object of ours or the predecessor's, `http` is the REST form; with a bare `url` it is what
/// editors mean by it.
fn word_for(word: &str, entry: &JsonMap, format: Format) -> String {
    let rest = entry.contains_key("base_url") || entry.contains_key("host");
    let ours = format == Format::ServerObject && !(word == "http" && entry.contains_key("url"));
    if ours || rest || (word == "local" && !entry.contains_key("command")) {
        return word.to_owned();
    }
    editors_type(word).to_owned()
}

fn infer(entry: &JsonMap) -> Option<&'static str> {
    if entry.contains_key("command") {
        return Some("subprocess");
    }
    if entry.contains_key("base_url") {
        return Some("http");
    }
    entry.get("url").and_then(Json::as_str).map(type_of_url)
}

/// What an address says of its protocol.
pub(crate) fn type_of_url(url: &str) -> &'static str {
    let lower = url.to_ascii_lowercase();
    if lower.starts_with("ws://") || lower.starts_with("wss://") {
        return "websocket";
    }
    let path = lower.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
    if path.ends_with("/sse") { "sse" } else { "stream_http" }
}

/// Seconds and milliseconds are both in use: nobody waits for a tool for a quarter of an hour, and nobody for less than a second.
fn seconds_of_timeout(name: &str, entry: &mut JsonMap, findings: &mut Findings) {
    let Some(timeout) = entry.get("timeout").and_then(Json::as_f64) else { return };
    if timeout >= 1000.0 {
        let secs = timeout / 1000.0;
        entry.insert("timeout".into(), Json::from(secs));
        findings.warn(Some(name), "timeout", format!("taken as milliseconds: {secs} s"), format!("按毫秒理解：{secs} 秒"));
    }
}

/// Puts an address where the protocol has it: `url`, or `base_url`, or `host`, `port` and `path`.
pub(crate) fn place_url(entry: &mut JsonMap, word: &str, url: Json, shapes: &Shapes) {
    let Some(info) = shapes.find(word) else {
        entry.insert("url".into(), url);
        return;
    };
    for field in ["url", "base_url"] {
        if shapes.has_field(info, field) {
            entry.entry(field).or_insert(url);
            return;
        }
    }
    let Some(parsed) = url.as_str().and_then(|text| url::Url::parse(text).ok()) else {
        entry.insert("url".into(), url);
        return;
    };
    if let Some(host) = parsed.host_str() {
        entry.entry("host").or_insert_with(|| host.into());
    }
    if let Some(port) = parsed.port_or_known_default() {
        entry.entry("port").or_insert_with(|| port.into());
    }
    let query = parsed.query().map_or_else(String::new, |query| format!("?{query}"));
    entry.entry("path").or_insert_with(|| format!("{}{query}", parsed.path()).into());
}
