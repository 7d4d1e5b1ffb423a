//! The words of other programs for things that we have: variables of editors, names of types, names of fields.

use domain::Json;

use super::plain::shell_name;

/// How a format writes variables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Variables {
    /// `${NAME}`, `${NAME:-default}`, `$$`, as here.
    Ours,
    /// `${env:NAME}`, `${input:id}`, `${userHome}`…; a lone `$` means itself.
    Editors,
}

/// A variable of an editor that has no counterpart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NoCounterpart(pub(super) String);

/// Rewrites an editor's variables into ours, at any depth. `input` answers what stands for an input id.
pub(super) fn rewrite(value: &Json, variables: Variables, input: &mut dyn FnMut(&str) -> Option<String>) -> Result<Json, NoCounterpart> {
    if variables == Variables::Ours {
        return Ok(value.clone());
    }
    Ok(match value {
        Json::String(text) => Json::String(rewrite_text(text, input)?),
        Json::Array(items) => Json::Array(items.iter().map(|item| rewrite(item, variables, input)).collect::<Result<_, _>>()?),
        Json::Object(map) => Json::Object(
            map.iter().map(|(key, item)| Ok((key.clone(), rewrite(item, variables, input)?))).collect::<Result<_, NoCounterpart>>()?,
        ),
        other => other.clone(),
    })
}

fn rewrite_text(text: &str, input: &mut dyn FnMut(&str) -> Option<String>) -> Result<String, NoCounterpart> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let Some((inner, behind)) = after.strip_prefix('{').and_then(|inner| inner.split_once('}')) else {
            // Means itself there; `$$` would be an escape here.
            out.push_str(if after.starts_with(['$', '{']) { "$$" } else { "$" });
            rest = after;
            continue;
        };
        match inner.split_once(':') {
            Some(("env", name)) => out.push_str(&format!("${{{name}}}")),
            Some(("input", id)) => out.push_str(&input(id).ok_or_else(|| NoCounterpart(format!("${{input:{id}}}")))?),
            Some(("workspaceFolder", _)) => out.push_str("${WORKSPACE_FOLDER}"),
            Some((name, default)) if default.starts_with('-') => out.push_str(&format!("${{{name}:{default}}}")),
            Some(_) => return Err(NoCounterpart(format!("${{{inner}}}"))),
            None => match inner {
                "userHome" => out.push_str("${HOME}"),
                "workspaceFolder" => out.push_str("${WORKSPACE_FOLDER}"),
                "workspaceFolderBasename" => out.push_str("${WORKSPACE_FOLDER_BASENAME}"),
                "pathSeparator" | "/" => out.push('/'),
                name => out.push_str(&format!("${{{name}}}")),
            },
        }
        rest = behind;
    }
    out.push_str(rest);
    Ok(out)
}

/// The reference that stands for an input while nobody answered it.
pub(super) fn input_reference(id: &str, default: Option<&str>) -> String {
    let name = shell_name(id);
    match default {
        Some(default) if !default.is_empty() && !default.contains(['}', '$']) => format!("${{{name}:-{default}}}"),
        _ => format!("${{{name}}}"),
    }
}

/// Our word for a protocol's name in the files of editors and assistants, where `http` is MCP's streamable HTTP.
pub(super) fn editors_type(word: &str) -> &str {
    match word.to_ascii_lowercase().replace(['-', '_'], "").as_str() {
        "http" | "streamablehttp" | "streamhttp" => "stream_http",
        "stdio" | "process" | "local" => "subprocess",
        "sse" => "sse",
        "ws" | "websocket" => "websocket",
        _ => word,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn editors_variables_become_ours() {
        let mut input = |id: &str| (id == "key").then(|| "${KEY}".to_owned());
        for (theirs, ours) in [
            ("${env:TOKEN}/x", Some("${TOKEN}/x")),
            ("${input:key}", Some("${KEY}")),
            ("${input:other}", None),
            ("${userHome}/bin", Some("${HOME}/bin")),
            ("${workspaceFolder:main}/s", Some("${WORKSPACE_FOLDER}/s")),
            ("pa$$word", Some("pa$$$word")),
            ("cost $5", Some("cost $5")),
            ("${A:-b}", Some("${A:-b}")),
            ("${config:x}", None),
            ("${command:pick}", None),
            ("${PLAIN}", Some("${PLAIN}")),
            ("${open", Some("$${open")),
        ] {
            let got = rewrite(&Json::String(theirs.into()), Variables::Editors, &mut input).ok();
            assert_eq!(got.as_ref().and_then(Json::as_str), ours, "{theirs}");
        }
    }

    #[test]
    fn http_of_an_editor_is_streamable_http() {
        for (theirs, ours) in
            [("http", "stream_http"), ("streamable-http", "stream_http"), ("streamableHttp", "stream_http"), ("sse", "sse")]
        {
            assert_eq!(editors_type(theirs), ours);
        }
    }
}
