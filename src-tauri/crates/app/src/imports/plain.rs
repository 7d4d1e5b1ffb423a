//! Finds secrets that stand in plain text in settings, so that a preview can mask them, an export can replace them and a template can
//! leave them out. One finder for all three: what one of them hides, all hide.

use domain::{Json, JsonMap};

/// What is shown in place of a secret.
pub const MASK: &str = "••••••";

/// Headers whose values say nothing that must not be seen.
const HARMLESS_HEADERS: [&str; 8] =
    ["accept", "accept-language", "content-type", "user-agent", "x-client-id", "x-request-id", "x-client-name", "x-client-version"];

/// Parts of names that are given to secrets.
const TELLING: [&str; 14] = [
    "token",
    "secret",
    "password",
    "passwd",
    "passphrase",
    "apikey",
    "api_key",
    "accesskey",
    "access_key",
    "private_key",
    "credential",
    "cookie",
    "authorization",
    "signature",
];

/// How the values of well-known tokens begin.
const TELLING_STARTS: [&str; 16] = [
    "sk-",
    "sk_",
    "ghp_",
    "gho_",
    "ghs_",
    "ghu_",
    "github_pat_",
    "glpat-",
    "xoxb-",
    "xoxp-",
    "xapp-",
    "AKIA",
    "eyJ",
    "AIza",
    "hf_",
    "-----BEGIN",
];

/// Whether a field, variable, flag or parameter of this name is taken to hold a secret.
pub fn telling_name(name: &str) -> bool {
    let name = name.trim_start_matches('-').to_ascii_lowercase().replace('-', "_");
    if matches!(name.as_str(), "auth_type" | "key" | "pass" | "pwd" | "auth" | "bearer" | "pat" | "jwt") {
        return name != "auth_type";
    }
    // `max_tokens`, `token_limit`: a number of tokens, no token.
    if name.ends_with("_tokens") || name.ends_with("_file") || name.ends_with("_path") || name.ends_with("_limit") || name.ends_with("_url")
    {
        return false;
    }
    TELLING.iter().any(|part| name.contains(part))
        || name.ends_with("_key")
        || name.ends_with("_pass")
        || name.ends_with("_pwd")
        || name.ends_with("_auth")
        || name.ends_with("_pat")
        || name.ends_with("_dsn")
}

fn telling_value(value: &str) -> bool {
    TELLING_STARTS.iter().any(|start| value.len() >= start.len() + 8 && value.starts_with(start))
}

/// What is left of a text when its `${NAME}` references are taken out; a default inside a reference counts as text.
fn without_references(text: &str) -> String {
    let mut left = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        left.push_str(&rest[..start]);
        let inner = &rest[start + 2..];
        let Some(end) = inner.find('}') else {
            rest = &rest[start..];
            break;
        };
        if let Some((_, default)) = inner[..end].split_once(":-") {
            left.push_str(default);
        }
        rest = &inner[end + 1..];
    }
    left.push_str(rest);
    left
}

/// Whether a value in a secret's place is nothing but references, with at most the name of an authentication scheme before them.
pub fn only_references(text: &str) -> bool {
    let left = without_references(text);
    let left = left.trim();
    left.is_empty() || (text.contains("${") && matches!(left.to_ascii_lowercase().as_str(), "bearer" | "basic" | "token" | ":"))
}

/// Replaces each plain secret in settings. The replacer is given where it stands (`auth_headers.X-API-Key`, `env.TOKEN`, `args.3`) and
/// the plain text, and answers what is to stand there.
pub fn replace(settings: &JsonMap, replacer: &mut dyn FnMut(&str, &str) -> String) -> JsonMap {
    settings.iter().map(|(key, value)| (key.clone(), in_value(key, key, value, replacer))).collect()
}

/// Where plain secrets stand.
pub fn places(settings: &JsonMap) -> Vec<String> {
    let mut found = Vec::new();
    replace(settings, &mut |place, plain| {
        found.push(place.to_owned());
        plain.to_owned()
    });
    found
}

/// Settings with each plain secret masked: what may be shown.
pub fn masked(settings: &JsonMap) -> JsonMap {
    replace(settings, &mut |_, _| MASK.to_owned())
}

fn in_value(place: &str, name: &str, value: &Json, replacer: &mut dyn FnMut(&str, &str) -> String) -> Json {
    match value {
        Json::String(text) => Json::String(in_text(place, name, text, replacer)),
        Json::Object(map) => {
            let headers = matches!(name, "auth_headers" | "headers");
            Json::Object(
                map.iter()
                    .map(|(key, value)| {
                        let place = format!("{place}.{key}");
                        let value = match value {
                            Json::String(text) if headers && !HARMLESS_HEADERS.contains(&key.to_ascii_lowercase().as_str()) => {
                                Json::String(whole(&place, text, replacer))
                            }
                            other => in_value(&place, key, other, replacer),
                        };
                        (key.clone(), value)
                    })
                    .collect(),
            )
        }
        Json::Array(items) if name == "args" => Json::Array(in_args(place, items, replacer)),
        Json::Array(items) => {
            Json::Array(items.iter().enumerate().map(|(nth, item)| in_value(&format!("{place}.{nth}"), name, item, replacer)).collect())
        }
        Json::Number(number) if telling_name(name) && !matches!(name, "auth_type") => {
            // A numeric PIN or password.
            let text = number.to_string();
            let put = replacer(place, &text);
            if put == text { value.clone() } else { Json::String(put) }
        }
        other => other.clone(),
    }
}

fn whole(place: &str, text: &str, replacer: &mut dyn FnMut(&str, &str) -> String) -> String {
    if only_references(text) {
        return text.to_owned();
    }
    // `Bearer abc`: the scheme is no secret, and a reference in its place would lose it.
    if let Some((scheme, token)) = text.split_once(' ')
        && matches!(scheme.to_ascii_lowercase().as_str(), "bearer" | "basic" | "token")
        && !token.trim().is_empty()
    {
        return format!("{scheme} {}", replacer(place, token.trim()));
    }
    replacer(place, text)
}

fn in_text(place: &str, name: &str, text: &str, replacer: &mut dyn FnMut(&str, &str) -> String) -> String {
    if telling_name(name) || telling_value(text) {
        return whole(place, text, replacer);
    }
    if text.contains("://") { in_url(place, text, replacer) } else { text.to_owned() }
}

/// Passwords and telling parameters inside an URL. Done on the text, because a template of an URL need not parse.
fn in_url(place: &str, text: &str, replacer: &mut dyn FnMut(&str, &str) -> String) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let authority_end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(authority_end);
    let authority = match authority.rsplit_once('@') {
        Some((user, host)) => match user.split_once(':') {
            Some((user, password)) if !only_references(password) => format!("{user}:{}@{host}", replacer(place, password)),
            None if !only_references(user) && telling_value(user) => format!("{}@{host}", replacer(place, user)),
            _ => authority.to_owned(),
        },
        None => authority.to_owned(),
    };
    let tail = match tail.split_once('?') {
        Some((path, query)) => {
            let (query, fragment) = query.split_once('#').map_or((query, None), |(query, fragment)| (query, Some(fragment)));
            let pairs: Vec<String> = query
                .split('&')
                .map(|pair| match pair.split_once('=') {
                    Some((key, value)) if (telling_name(key) || telling_value(value)) && !value.is_empty() && !only_references(value) => {
                        format!("{key}={}", replacer(&format!("{place}.{key}"), value))
                    }
                    _ => pair.to_owned(),
                })
                .collect();
            let fragment = fragment.map_or_else(String::new, |fragment| format!("#{fragment}"));
            format!("{path}?{}{fragment}", pairs.join("&"))
        }
        None => tail.to_owned(),
    };
    format!("{scheme}://{authority}{tail}")
}

/// Command lines: `--token=abc`, `--token abc`, `TOKEN=abc`, `Authorization: Bearer abc`, and values that look like tokens.
fn in_args(place: &str, items: &[Json], replacer: &mut dyn FnMut(&str, &str) -> String) -> Vec<Json> {
    let mut out = Vec::with_capacity(items.len());
    let mut flag_before: Option<&str> = None;
    for (nth, item) in items.iter().enumerate() {
        let place = format!("{place}.{nth}");
        let Json::String(text) = item else {
            out.push(item.clone());
            flag_before = None;
            continue;
        };
        let replaced = if let Some((name, value)) = text.split_once('=')
            && (telling_name(name) || telling_value(value))
            && !name.contains("://")
        {
            format!("{name}={}", whole(&place, value, replacer))
        } else if let Some((name, value)) = text.split_once(':')
            && !value.starts_with("//")
            && !name.contains(' ')
            && telling_name(name)
        {
            let gap = &value[..value.len() - value.trim_start().len()];
            format!("{name}:{gap}{}", whole(&place, value.trim_start(), replacer))
        } else if flag_before.is_some_and(telling_name) && !text.starts_with('-') {
            whole(&place, text, replacer)
        } else {
            in_text(&place, "args", text, replacer)
        };
        flag_before = text.starts_with("--").then_some(text.as_str()).filter(|text| !text.contains('='));
        out.push(Json::String(replaced));
    }
    out
}

/// The variable under which an export refers to a plain secret: `K8S_HTTP_AUTH_TOKEN`.
pub fn variable_for(server: &str, place: &str) -> String {
    let last = place.strip_prefix("auth_headers.").or_else(|| place.strip_prefix("env.")).unwrap_or(place);
    shell_name(&format!("{server}_{last}"))
}

/// A text as a variable's name: upper case, `_` for what a shell does not take.
pub fn shell_name(text: &str) -> String {
    let mut name = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            name.push(c.to_ascii_uppercase());
        } else if !name.ends_with('_') {
            name.push('_');
        }
    }
    let name = name.trim_end_matches('_');
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) { format!("_{name}") } else { name.to_owned() }
}

/// Each `${NAME}` and `${NAME:-default}` in settings: its name, whether it has a default, and where it stands.
pub fn references(settings: &JsonMap) -> Vec<Reference> {
    fn walk(place: &str, value: &Json, found: &mut Vec<Reference>) {
        match value {
            Json::String(text) => {
                let mut rest = text.as_str();
                while let Some(at) = rest.find('$') {
                    let after = &rest[at + 1..];
                    if let Some(escaped) = after.strip_prefix('$') {
                        rest = escaped;
                    } else if let Some((inner, behind)) = after.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
                        let (name, defaulted) = inner.split_once(":-").map_or((inner, false), |(name, _)| (name, true));
                        // A secret of the vault is no variable.
                        if !name.starts_with("vault:") {
                            found.push(Reference { name: name.to_owned(), defaulted, place: place.to_owned() });
                        }
                        rest = behind;
                    } else {
                        rest = after;
                    }
                }
            }
            Json::Array(items) => items.iter().enumerate().for_each(|(nth, item)| walk(&format!("{place}.{nth}"), item, found)),
            Json::Object(map) => map.iter().for_each(|(key, item)| walk(&format!("{place}.{key}"), item, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    settings.iter().for_each(|(key, value)| walk(key, value, &mut found));
    found
}

/// One `${NAME}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The variable.
    pub name: String,
    /// Whether something stands in when it is not set.
    pub defaulted: bool,
    /// Where it stands.
    pub place: String,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn map(value: &Json) -> JsonMap {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn plain_secrets_are_found_wherever_they_hide() {
        let settings = map(&json!({
            "auth_type": "bearer", "auth_token": "plain", "password": "pw", "timeout": 30, "host": "localhost", "username": "me",
            "auth_headers": { "Authorization": "Bearer abc", "X-Whatever": "v", "X-Client-ID": "me", "X-API-Key": "${API_KEY}" },
            "env": { "PYTHONPATH": "/x", "GITHUB_TOKEN": "abc", "MAX_TOKENS": "5", "OTHER": "ghp_0123456789abcdef" },
            "args": ["-m", "x", "--token", "abc", "--api-key=def", "--verbose", "true", "--header", "Authorization: Bearer xyz", "-e", "PASSWORD=hm"],
            "url": "https://user:pw@host/p?api_key=1&page=2",
            "proxy": "http://u:p@proxy:3128",
        }));
        let mut found = places(&settings);
        found.sort();
        assert_eq!(
            found,
            [
                "args.10",
                "args.3",
                "args.4",
                "args.8",
                "auth_headers.Authorization",
                "auth_headers.X-Whatever",
                "auth_token",
                "env.GITHUB_TOKEN",
                "env.OTHER",
                "password",
                "proxy",
                "url",
                "url.api_key"
            ]
        );
        let shown = masked(&settings);
        assert_eq!(shown["url"], format!("https://user:{MASK}@host/p?api_key={MASK}&page=2"));
        assert_eq!(shown["auth_headers"]["Authorization"], format!("Bearer {MASK}"));
        assert_eq!(shown["args"][8], format!("Authorization: Bearer {MASK}"));
        assert_eq!(shown["auth_headers"]["X-API-Key"], "${API_KEY}");
    }

    #[test]
    fn a_reference_is_no_plain_secret_but_its_default_is() {
        for (text, bare) in [
            ("${A}", true),
            ("Bearer ${A}", true),
            ("${A}${B}", true),
            ("${USER}:${PASS}", true),
            ("${A:-s3cret}", false),
            ("x${A}", false),
            ("plain", false),
            ("${A", false),
            ("", true),
        ] {
            assert_eq!(only_references(text), bare, "{text}");
        }
    }

    #[test]
    fn variables_are_named_after_server_and_field() {
        assert_eq!(variable_for("k8s-http", "auth_token"), "K8S_HTTP_AUTH_TOKEN");
        assert_eq!(variable_for("8 中文 x", "auth_headers.X-API-Key"), "_8_X_X_API_KEY");
        assert_eq!(variable_for("gh", "args.3"), "GH_ARGS_3");
    }

    #[test]
    fn references_are_listed_with_their_place_and_escapes_are_none() {
        let found = references(&map(&json!({ "a": "x${ONE}y${TWO:-2}", "b": ["$${NOT}", { "c": "${THREE}" }], "d": "$5 ${open" })));
        let names: Vec<_> = found.iter().map(|one| (one.name.as_str(), one.defaulted, one.place.as_str())).collect();
        assert_eq!(names, [("ONE", false, "a"), ("TWO", true, "a"), ("THREE", false, "b.1.c")]);
    }
}
