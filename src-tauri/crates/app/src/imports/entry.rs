//! One server entry of a file becomes one server definition's parts: what is a setting, what is kept for an export, what is refused.

use std::collections::BTreeMap;

use domain::id::ProtocolId;
use domain::protocol::ProtocolInfo;
use domain::server::ToolRule;
use domain::text::Text;
use domain::{Json, JsonMap};

use super::shapes::{Checked, Shapes};
use super::{Refused, Warning};

/// A server as a file has it, in our words.
#[derive(Debug, Clone)]
pub(super) struct Incoming {
    pub(super) name: String,
    pub(super) protocol: ProtocolId,
    pub(super) starts_program: bool,
    pub(super) enabled: Option<bool>,
    pub(super) settings: JsonMap,
    pub(super) extra: JsonMap,
    pub(super) tool_rules: BTreeMap<String, ToolRule>,
    /// What the file says of single tools beyond our rules.
    pub(super) tool_entries: JsonMap,
}

/// What is collected while a file is read.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) refused: Vec<Refused>,
    pub(super) warnings: Vec<Warning>,
}

impl Findings {
    pub(super) fn refuse(&mut self, server: Option<&str>, field: &str, en: impl Into<String>, zh: impl Into<String>) {
        self.refused.push(Refused { server: server.map(str::to_owned), field: field.to_owned(), reason: Text::new(en, zh) });
    }

    pub(super) fn warn(&mut self, server: Option<&str>, field: &str, en: impl Into<String>, zh: impl Into<String>) {
        let warning = Warning { server: server.map(str::to_owned), field: field.to_owned(), text: Text::new(en, zh) };
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }
}

/// Why a kept key has no effect, where there is more to say than "unknown".
const NO_EFFECT: [(&str, &str, &str); 5] = [
    ("sse_url", "host, port and path say where to connect", "连接地址由 host、port 和 path 决定"),
    ("stream_url", "host, port and path say where to connect", "连接地址由 host、port 和 path 决定"),
    ("provider", "there is no built-in provider of that name; the fs tools are offered", "没有该名称的内置提供者；提供的是 fs 工具"),
    ("implementation", "the type says how the server is reached", "服务器的连接方式由 type 决定"),
    ("dev", "programs are not watched or debugged here", "此处不监视或调试程序"),
];

/// Keys by which other programs carry consent or an automatic start. They are never taken, not even into an export.
const CONSENT: [&str; 11] = [
    "trust",
    "trusted",
    "autoApprove",
    "auto_approve",
    "alwaysAllow",
    "always_allow",
    "approved",
    "approvals",
    "autoStart",
    "auto_start",
    "start",
];

/// A name that a server may have.
pub(super) fn usable_name(name: &str) -> Result<(), Text> {
    if name.trim().is_empty() {
        return Err(Text::new("a server needs a name", "服务器需要名称"));
    }
    if name.chars().count() > 100 {
        return Err(Text::new("a name has at most 100 characters", "名称最多 100 个字符"));
    }
    if name.trim() != name || name.chars().any(unseen) {
        return Err(Text::new(
            "a name has no spaces at its ends and no characters that cannot be seen",
            "名称首尾不能有空格，也不能包含不可见字符",
        ));
    }
    if name.starts_with("one-off:") || name.starts_with('-') {
        return Err(Text::new("a name does not begin with `one-off:` or `-`", "名称不能以 `one-off:` 或 `-` 开头"));
    }
    Ok(())
}

/// Control characters, and those that turn or hide text.
pub(super) fn unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// Takes an entry whose keys are already in our words.
pub(super) fn take(name: &str, mut entry: JsonMap, shapes: &Shapes, findings: &mut Findings) -> Option<Incoming> {
    let server = Some(name);
    if let Err(reason) = usable_name(name) {
        findings.refused.push(Refused { server: Some(shown_name(name)), field: "name".into(), reason });
        return None;
    }
    entry.retain(|_, value| !value.is_null());
    for key in ["name", "id"] {
        entry.shift_remove(key);
    }
    for key in CONSENT {
        if entry.shift_remove(key).is_some() {
            findings.warn(
                server,
                key,
                "not taken: an import never carries trust, approvals or an automatic start",
                "未采用：导入从不携带信任、批准或自动启动",
            );
        }
    }
    let enabled = match entry.shift_remove("enabled") {
        None => None,
        Some(Json::Bool(enabled)) => Some(enabled),
        Some(_) => {
            findings.refuse(server, "enabled", "must be true or false", "必须为 true 或 false");
            return None;
        }
    };
    let word = match entry.shift_remove("type") {
        Some(Json::String(word)) => word,
        Some(_) => {
            findings.refuse(server, "type", "must be a text", "必须为文本");
            return None;
        }
        None => {
            findings.refuse(
                server,
                "type",
                format!("is missing, and neither `command` nor `url` tells it; there are {}", shapes.ids()),
                format!("缺失，且无法由 `command` 或 `url` 推断；可用的有 {}", shapes.ids()),
            );
            return None;
        }
    };
    let Some(info) = shapes.find(&word) else {
        findings.refuse(
            server,
            "type",
            format!("there is no such protocol; there are {}", shapes.ids()),
            format!("没有该协议；可用的有 {}", shapes.ids()),
        );
        return None;
    };
    if entry.get("auth_type").and_then(Json::as_str) == Some("") {
        entry.shift_remove("auth_type");
    }
    if let Some(file) = entry.get("envFile").filter(|file| info.starts_program && file.as_str() != Some("")) {
        // Without its variables the program would start, and do something else than in the editor.
        let file = file.as_str().map_or_else(|| file.to_string(), shown_name);
        findings.refuse(
            server,
            "envFile",
            format!("{file} is not read: write its variables into `env`, such as \"TOKEN\": \"${{TOKEN}}\", and take `envFile` out"),
            format!("不会读取 {file}：请将其中的变量写入 `env`，例如 \"TOKEN\": \"${{TOKEN}}\"，并删除 `envFile`"),
        );
        return None;
    }
    let (settings, extra) = split(name, entry, info, shapes, findings);
    if let Checked::Misfit { field, reason } = shapes.check(&info.id, &settings) {
        findings.refused.push(Refused { server: Some(name.to_owned()), field, reason: Text::same(reason) });
        return None;
    }
    Some(Incoming {
        name: name.to_owned(),
        protocol: info.id.clone(),
        starts_program: info.starts_program,
        enabled,
        settings,
        extra,
        tool_rules: BTreeMap::new(),
        tool_entries: JsonMap::new(),
    })
}

/// What the protocol knows becomes a setting; the rest is kept for an export, and said to have no effect.
fn split(name: &str, entry: JsonMap, info: &ProtocolInfo, shapes: &Shapes, findings: &mut Findings) -> (JsonMap, JsonMap) {
    let mut settings = JsonMap::new();
    let mut extra = JsonMap::new();
    for (key, value) in entry {
        if shapes.has_field(info, &key) {
            settings.insert(key, value);
            continue;
        }
        let (en, zh) = NO_EFFECT.iter().find(|(known, ..)| *known == key).map_or_else(
            || (format!("{} has no such setting", info.id), format!("{} 没有此设置", info.id)),
            |(_, en, zh)| ((*en).to_owned(), (*zh).to_owned()),
        );
        findings.warn(Some(name), &key, format!("kept for an export, without effect: {en}"), format!("保留以供导出，但不起作用：{zh}"));
        extra.insert(key, value);
    }
    (settings, extra)
}

/// A name from a file as it may be shown: cut, and without characters that cannot be seen.
pub(super) fn shown_name(name: &str) -> String {
    name.chars().filter(|c| !unseen(*c)).take(100).collect()
}
