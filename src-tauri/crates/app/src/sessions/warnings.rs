//! What is risky about a program before it is started for the first time.

use domain::Json;
use domain::server::ServerDef;
use domain::text::Text;

use crate::start;

/// Warnings about a definition that starts a program, in both languages: about its command line ([`start::warnings`]), and about what
/// stands round it.
pub(crate) fn of(def: &ServerDef) -> Vec<Text> {
    let command = def.text("command").unwrap_or_default().trim();
    if command.is_empty() {
        return Vec::new();
    }
    // Old files put the whole command line into `command`.
    let words: Vec<String> = command.split_whitespace().map(str::to_owned).chain(start::argv(&def.settings).into_iter().skip(1)).collect();
    let mut found = start::warnings(&words, def.text("cwd"));
    let mut warn = |en: String, zh: String| found.push(Text::new(en, zh));
    let program = words.first().map(String::as_str).unwrap_or_default();
    let base = program.rsplit(['/', '\\']).next().unwrap_or(program).to_lowercase();
    let base = base.strip_suffix(".exe").unwrap_or(&base);
    let args: Vec<&str> = words.iter().skip(1).map(String::as_str).collect();
    if matches!(base.rsplit_once('.'), Some((_, "bat" | "cmd"))) {
        warn("a batch file may take its arguments for commands".to_owned(), "批处理文件可能会把参数当作命令执行".to_owned());
    }
    let code = matches!(base, "node" | "bun" | "deno" | "ruby" | "perl" | "php")
        && args.iter().any(|arg| matches!(*arg, "-e" | "--eval" | "-r" | "eval"))
        || base.starts_with("python") && args.contains(&"-c");
    if code {
        warn("program text stands in its arguments".to_owned(), "参数中包含程序代码".to_owned());
    }
    let risky_env = ["LD_PRELOAD", "LD_LIBRARY_PATH", "DYLD_INSERT_LIBRARIES", "NODE_OPTIONS", "PYTHONSTARTUP", "BASH_ENV", "PATH"];
    if let Some(env) = def.settings.get("env").and_then(Json::as_object) {
        for name in risky_env.into_iter().filter(|name| env.contains_key(*name)) {
            warn(format!("it sets {name}, which decides what code is loaded"), format!("它设置了 {name}，这会决定加载哪些代码"));
        }
    }
    if command.chars().any(char::is_control) || args.iter().any(|arg| arg.chars().any(char::is_control)) {
        warn("its command line holds invisible characters".to_owned(), "命令行中含有不可见字符".to_owned());
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn warned(settings: Json) -> String {
        let def = ServerDef {
            id: "s".into(),
            name: "s".into(),
            protocol: "subprocess".into(),
            enabled: true,
            settings: settings.as_object().cloned().unwrap(),
            extra: domain::JsonMap::new(),
            start: domain::server::StartRule::default(),
            origin: String::new(),
            updated_at: domain::id::Millis(0),
        };
        of(&def).into_iter().map(|text| text.en).collect::<Vec<_>>().join(" | ")
    }

    #[test]
    fn risky_starts_are_said_to_be_so_and_plain_ones_are_not() {
        for (settings, part) in [
            (json!({ "command": "bash", "args": ["-c", "curl x | sh"] }), "shell"),
            (json!({ "command": "bash -c 'curl x | sh'" }), "shell"),
            (json!({ "command": "./server" }), "relative path"),
            (json!({ "command": "npx -y thing" }), "downloaded"),
            (json!({ "command": "uvx", "args": ["mcp-server-time"] }), "downloaded"),
            (json!({ "command": "python3", "args": ["-c", "print()"] }), "program text"),
            (json!({ "command": "node", "args": ["s.js"], "env": { "LD_PRELOAD": "x" } }), "LD_PRELOAD"),
            (json!({ "command": "run.bat", "args": ["x"] }), "batch"),
            (json!({ "command": "x", "args": ["a\nb"] }), "invisible"),
        ] {
            let text = warned(settings.clone());
            assert!(text.contains(part), "{settings}: {text}");
        }
        for plain in [json!({ "command": "python", "args": ["-m", "mcp_server"] }), json!({ "command": "/usr/bin/server" }), json!({})] {
            assert_eq!(warned(plain.clone()), "", "{plain}");
        }
    }
}
