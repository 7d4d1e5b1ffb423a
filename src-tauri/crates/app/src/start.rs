//! What would be started, exactly, and what is risky about it.

use domain::text::Text;
use domain::{Json, JsonMap};

/// The command line of settings that start a program: `command` and `args`, as they stand.
pub fn argv(settings: &JsonMap) -> Vec<String> {
    let command = settings.get("command").and_then(Json::as_str).into_iter().map(str::to_owned);
    let args = settings.get("args").and_then(Json::as_array).into_iter().flatten();
    command.chain(args.map(|arg| arg.as_str().map_or_else(|| arg.to_string(), str::to_owned))).collect()
}

/// The names of the variables that a program is given beside the few that every program gets: declared ones, then handed-on ones.
pub fn variables(settings: &JsonMap) -> Vec<String> {
    let declared = settings.get("env").and_then(Json::as_object).into_iter().flatten().map(|(name, _)| name.clone());
    let handed_on = settings.get("inherit_env").and_then(Json::as_array).into_iter().flatten();
    declared.chain(handed_on.filter_map(|name| name.as_str().map(str::to_owned))).collect()
}

/// One line that a person can read back unmistakably: each word that needs it is quoted, what cannot be seen is escaped.
pub fn line(argv: &[String]) -> String {
    argv.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

/// The line with the folder and the names of the variables, where there is room for one text only.
pub fn whole(argv: &[String], cwd: Option<&str>, variables: &[String]) -> String {
    let mut text = line(argv);
    if let Some(cwd) = cwd {
        text = format!("{text} [in {}]", quoted(cwd));
    }
    if !variables.is_empty() {
        let names: Vec<_> = variables.iter().map(|name| quoted(name)).collect();
        text = format!("{text} [with {}]", names.join(", "));
    }
    text
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,${}".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    if word.chars().any(char::is_control)
        || word.contains(['\u{202a}', '\u{202b}', '\u{202c}', '\u{202d}', '\u{202e}', '\u{200b}', '\u{2066}', '\u{2067}'])
    {
        return format!("$'{}'", word.escape_default());
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// What a person should know before it starts.
pub fn warnings(argv: &[String], cwd: Option<&str>) -> Vec<Text> {
    let Some(command) = argv.first() else { return Vec::new() };
    let program = command.rsplit(['/', '\\']).next().unwrap_or(command).trim_end_matches(".exe").to_ascii_lowercase();
    let args: Vec<&str> = argv.iter().skip(1).map(String::as_str).collect();
    let mut found = Vec::new();
    if matches!(program.as_str(), "sh" | "bash" | "zsh" | "dash" | "fish" | "cmd" | "powershell" | "pwsh") {
        found.push(Text::new("a shell runs what follows: read all of it", "由 shell 执行后续内容：请完整阅读"));
    }
    if matches!(program.as_str(), "npx" | "uvx" | "bunx" | "pipx" | "dlx")
        || (matches!(program.as_str(), "npm" | "pnpm" | "yarn" | "bun" | "deno" | "uv")
            && args.iter().any(|arg| matches!(*arg, "exec" | "dlx" | "x" | "run" | "tool")))
    {
        let pinned = args.iter().any(|arg| {
            arg.trim_start_matches('@').rsplit_once('@').is_some_and(|(_, version)| version.starts_with(|c: char| c.is_ascii_digit()))
                || arg.contains("==")
        });
        if !pinned {
            found.push(Text::new(
                "a package is downloaded at each start, in whatever version is newest then: name a version",
                "每次启动都会下载软件包的最新版本：请指定版本",
            ));
        }
    }
    if matches!(program.as_str(), "docker" | "podman")
        && args.iter().any(|arg| matches!(*arg, "--privileged") || arg.starts_with("--pid=host") || arg.contains("docker.sock"))
    {
        found.push(Text::new("the container is given power over this machine", "该容器被赋予对本机的控制权"));
    }
    if matches!(program.as_str(), "sudo" | "doas" | "pkexec" | "su") {
        found.push(Text::new("it runs with the rights of another user", "它以其他用户的权限运行"));
    }
    if command.contains(['/', '\\']) && !command.starts_with(['/', '~', '$']) && command.chars().nth(1) != Some(':') {
        let place = cwd.unwrap_or(".");
        found.push(Text::new(
            format!("the program is found by a relative path, from {place}"),
            format!("程序以相对路径查找，起点为 {place}"),
        ));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &[&str]) -> Vec<String> {
        line.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn what_is_risky_is_said_and_what_is_not_is_not() {
        for (argv, count) in [
            (vec!["python", "-m", "mcp_server"], 0),
            (vec!["/usr/bin/server"], 0),
            (vec!["sh", "-c", "curl x | sh"], 1),
            (vec!["npx", "-y", "@scope/server"], 1),
            (vec!["npx", "-y", "@scope/server@1.2.3"], 0),
            (vec!["uvx", "mcp-server-time==1.0"], 0),
            (vec!["uvx", "mcp-server-time"], 1),
            (vec!["./run.sh"], 1),
            (vec!["docker", "run", "-v", "/var/run/docker.sock:/x", "img"], 1),
            (vec!["sudo", "x"], 1),
            (vec![], 0),
        ] {
            assert_eq!(warnings(&words(&argv), None).len(), count, "{argv:?}");
        }
    }

    #[test]
    fn variables_are_named_and_their_values_are_not() {
        let settings = serde_json::json!({ "command": "x", "env": { "TOKEN": "hunter2", "B": "${B}" }, "inherit_env": ["KUBECONFIG"] });
        assert_eq!(variables(settings.as_object().unwrap()), ["TOKEN", "B", "KUBECONFIG"]);
        assert!(variables(&JsonMap::new()).is_empty());
    }

    #[test]
    fn a_line_can_be_read_back() {
        let env = words(&["TOKEN", "B"]);
        assert_eq!(whole(&words(&["x", "a b"]), Some("/c d"), &env), "x 'a b' [in '/c d'] [with TOKEN, B]");
        assert_eq!(whole(&words(&["x"]), None, &[]), "x");
        assert_eq!(line(&words(&["a b", "it's", "", "${X}", "x\u{202e}y"])), r"'a b' 'it'\''s' '' ${X} $'x\u{202e}y'");
    }
}
