//! A call as a line for a terminal, so that what was tried in the window can go into a script.
//!
//! **Invariant:** no secret's value is in a line: what authenticates stands as the reference it was saved as, or as `${NAME}`.

use domain::server::ServerDef;
use domain::{Json, JsonMap};

/// The lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandLines {
    /// `pilot call …`.
    pub pilot: String,
    /// `curl …`, for servers whose calls are one plain request.
    pub curl: Option<String>,
}

/// How the same call is made from a terminal.
pub fn command_lines(server: &ServerDef, tool: &str, args: &JsonMap) -> CommandLines {
    let arguments = Json::Object(args.clone()).to_string();
    let pilot = ["pilot", "call", &server.name, tool, "--args", &arguments].map(quoted).join(" ");
    CommandLines { pilot, curl: curl(server, tool, &arguments) }
}

fn curl(server: &ServerDef, tool: &str, arguments: &str) -> Option<String> {
    if server.protocol.as_str() != "http" || server.settings.contains_key("openapi_url") {
        return None;
    }
    let base = server.text("base_url").map(str::to_owned).or_else(|| {
        let port = server.settings.get("port").and_then(Json::as_u64)?;
        Some(format!("http://{}:{port}", server.text("host")?))
    })?;
    let mut words = vec!["curl".to_owned(), "-sS".into(), "-X".into(), "POST".into()];
    words.push(quoted(format!("{}/tools/{}/call", base.trim_end_matches('/'), segment(tool))));
    words.extend(["-H".into(), quoted("Content-Type: application/json")]);
    for header in headers(server) {
        // Double quotes: the shell is to fill the reference in.
        words.extend(["-H".into(), format!("\"{}\"", header.replace(['"', '\\', '`'], ""))]);
    }
    words.extend(["--data".into(), quoted(format!("{{\"arguments\":{arguments}}}"))]);
    Some(words.join(" "))
}

fn headers(server: &ServerDef) -> Vec<String> {
    let reference = |value: &str, name: &str| if value.starts_with("${") { value.to_owned() } else { format!("${{{name}}}") };
    let mut out = Vec::new();
    for (name, value) in server.settings.get("auth_headers").and_then(Json::as_object).into_iter().flatten() {
        let variable = name.to_uppercase().replace('-', "_");
        out.push(format!("{name}: {}", reference(value.as_str().unwrap_or_default(), &variable)));
    }
    if let Some(token) = server.text("auth_token") {
        out.retain(|header| !header.to_lowercase().starts_with("authorization:"));
        out.push(format!("Authorization: Bearer {}", reference(token, "TOKEN")));
    }
    out
}

fn segment(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
}

/// A word as a POSIX shell reads it back.
fn quoted(word: impl AsRef<str>) -> String {
    let word = word.as_ref();
    let plain = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./:=@%+,".contains(&byte));
    if plain { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn server(protocol: &str, settings: Json) -> ServerDef {
        serde_json::from_value(json!({ "id": "1", "name": "my server", "protocol": protocol, "settings": settings })).unwrap()
    }

    #[test]
    fn words_survive_the_shell() {
        let args = json!({ "text": "it's $HOME" });
        let lines = command_lines(&server("subprocess", json!({})), "say", args.as_object().unwrap());
        assert_eq!(lines.pilot, r#"pilot call 'my server' say --args '{"text":"it'\''s $HOME"}'"#);
        assert_eq!(lines.curl, None);
    }

    #[test]
    fn curl_never_carries_a_secret() {
        let settings =
            json!({ "base_url": "http://h:1/base/", "auth_token": "tok-1", "auth_headers": { "X-API-Key": "key-1", "X-Id": "${ID}" } });
        let curl = command_lines(&server("http", settings), "a/b", &JsonMap::new()).curl.unwrap();
        assert_eq!(
            curl,
            r#"curl -sS -X POST http://h:1/base/tools/a%2Fb/call -H 'Content-Type: application/json' -H "X-API-Key: ${X_API_KEY}" -H "X-Id: ${ID}" -H "Authorization: Bearer ${TOKEN}" --data '{"arguments":{}}'"#
        );
    }
}
