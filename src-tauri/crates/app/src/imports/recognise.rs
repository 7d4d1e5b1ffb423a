//! Tells files apart by what they hold, and by their name where they hold the same.

use domain::fault::{Fault, FaultKind};
use domain::protocol::COMMON_FIELDS;
use domain::text::Text;
use domain::{Json, JsonMap};

use super::Format;
use super::json::{Dialect, read};

/// A recognised file.
#[derive(Debug)]
pub(super) enum Found {
    /// The predecessor's document.
    Document(JsonMap),
    /// Server objects.
    Objects(Vec<Json>),
    /// A part of a server's settings.
    Fragment(JsonMap),
    /// A map of servers, and VS Code's inputs.
    Map { servers: JsonMap, inputs: Option<Json>, format: Format },
}

impl Found {
    pub(super) fn format(&self) -> Format {
        match self {
            Self::Document(_) => Format::McpConfig,
            Self::Objects(_) => Format::ServerObject,
            Self::Fragment(_) => Format::Fragment,
            Self::Map { format, .. } => *format,
        }
    }
}

/// Reads and recognises. Only files of editors may have comments and trailing commas.
pub(super) fn recognise(text: &str, file_name: Option<&str>) -> Result<Found, Fault> {
    let found = sort(read(text, Dialect::Comments)?, file_name)?;
    if matches!(found, Found::Document(_) | Found::Objects(_) | Found::Fragment(_)) {
        read(text, Dialect::Strict)?;
    }
    Ok(found)
}

fn sort(value: Json, file_name: Option<&str>) -> Result<Found, Fault> {
    let mut root = match value {
        Json::Object(root) => root,
        Json::Array(items) if !items.is_empty() => return Ok(Found::Objects(items)),
        _ => return Err(unknown()),
    };
    if let Some(servers) = root.get("mcpServers") {
        let Json::Object(servers) = servers.clone() else { return Err(no_map("mcpServers")) };
        return Ok(Found::Map { servers, inputs: root.shift_remove("inputs"), format: by_name(file_name) });
    }
    // The `mcp` part of VS Code's settings.
    if let Some(Json::Object(mcp)) = root.get("mcp")
        && mcp.contains_key("servers")
    {
        let mcp = mcp.clone();
        root = mcp;
    }
    match root.get("servers") {
        Some(Json::Object(servers)) => {
            return Ok(Found::Map { servers: servers.clone(), inputs: root.get("inputs").cloned(), format: Format::VsCode });
        }
        Some(_) => return Ok(Found::Document(root)),
        None => {}
    }
    if ["type", "command", "url", "base_url", "transport"].iter().any(|key| root.get(*key).is_some_and(Json::is_string)) {
        return Ok(Found::Objects(vec![Json::Object(root)]));
    }
    if ["global_config", "tools", "tool_routing"].iter().any(|key| root.contains_key(*key)) {
        return Ok(Found::Document(root));
    }
    if !root.is_empty() && root.keys().all(|key| COMMON_FIELDS.contains(&key.as_str())) {
        return Ok(Found::Fragment(root));
    }
    let is_server = |entry: &Json| {
        entry
            .as_object()
            .is_some_and(|entry| ["command", "url", "httpUrl", "serverUrl", "base_url", "type"].iter().any(|key| entry.contains_key(*key)))
    };
    if !root.is_empty() && root.values().all(is_server) {
        return Ok(Found::Map { servers: root, inputs: None, format: Format::McpServers });
    }
    Err(unknown())
}

fn by_name(file_name: Option<&str>) -> Format {
    let name = file_name.unwrap_or_default().replace('\\', "/").to_ascii_lowercase();
    if name.ends_with("claude_desktop_config.json") {
        Format::ClaudeDesktop
    } else if name.ends_with(".cursor/mcp.json") {
        Format::Cursor
    } else {
        Format::McpServers
    }
}

fn no_map(key: &str) -> Fault {
    Fault::new(
        FaultKind::Config,
        "import_broken",
        Text::new(format!("the file was not imported: `{key}` is no object"), format!("未导入该文件：`{key}` 不是对象")),
        Text::new("nothing was changed; mend the file and import it again", "未做任何更改；请修正文件后重新导入"),
    )
    .with_params(serde_json::json!({ "field": key }))
}

fn unknown() -> Fault {
    Fault::new(
        FaultKind::Config,
        "import_unknown_format",
        Text::new(
            "the text was not imported: it is JSON, but none of the known sorts of configuration",
            "未导入该文本：它是 JSON，但不属于任何已知的配置格式",
        ),
        Text::new(
            "known are: mcp_config.json, a server object with `name` and `type`, claude_desktop_config.json, .vscode/mcp.json, .cursor/mcp.json, \
             and a map of servers under `mcpServers`",
            "已知格式有：mcp_config.json、带 `name` 和 `type` 的服务器对象、claude_desktop_config.json、.vscode/mcp.json、.cursor/mcp.json，以及 `mcpServers` 下的服务器映射",
        ),
    )
}
