//! Saved servers become files again: the predecessor's whole document, a map of servers for editors and assistants, or one object.
//!
//! **Invariant:** `${NAME}` leaves as it stands; a plain secret leaves only when the person asked for it in so many words, and as a
//! reference to a variable otherwise.

use domain::Json;
use domain::JsonMap;
use domain::fault::{Fault, FaultKind};
use domain::server::{ServerDef, ToolRule};
use domain::text::Text;
use domain::tool::Tool;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::entry::Findings;
use super::merge::is_reserved;
use super::predecessor::{Document, derived};
use super::{Warning, plain};

/// What sort of file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExportForm {
    /// The predecessor's `mcp_config.json`.
    McpConfig,
    /// A map under `mcpServers`, as assistants and editors have it.
    McpServers,
    /// One server object.
    Single,
}

/// What becomes of secrets that stand in plain text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlainSecrets {
    /// `${SERVER_FIELD}` stands in their place.
    Referenced,
    /// They are written out.
    WrittenOut,
}

/// A file that was written.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Exported {
    /// The file.
    pub file: Json,
    /// What could not be said in this sort of file.
    pub warnings: Vec<Warning>,
    /// Variables that stand in for secrets: they must be set where the file is used.
    pub variables: Vec<String>,
}

/// Writes a file. `tool` answers what a server last said of a tool: the predecessor wants a description and a schema of each.
pub fn export(
    servers: &[ServerDef],
    document: Option<&Document>,
    form: ExportForm,
    secrets: PlainSecrets,
    tool: &dyn Fn(&ServerDef, &str) -> Option<Tool>,
) -> Result<Exported, Fault> {
    let mut writer = Writer { secrets, findings: Findings::default(), variables: Vec::new() };
    let file = match form {
        ExportForm::McpConfig => writer.document(servers, document, tool),
        ExportForm::McpServers => writer.map(servers),
        ExportForm::Single => match servers {
            [server] => Json::Object(writer.object(server, &JsonMap::new())),
            _ => {
                return Err(Fault::new(
                    FaultKind::Usage,
                    "export_one",
                    Text::new(
                        format!("this form holds one server, and {} were named", servers.len()),
                        format!("此格式只能包含一个服务器，而指定了 {} 个", servers.len()),
                    ),
                    Text::new("name one server, or take another form", "请只指定一个服务器，或选择其他格式"),
                ));
            }
        },
    };
    Ok(Exported { file, warnings: writer.findings.warnings, variables: writer.variables })
}

struct Writer {
    secrets: PlainSecrets,
    findings: Findings,
    variables: Vec<String>,
}

impl Writer {
    fn hidden(&mut self, server: &str, map: &JsonMap) -> JsonMap {
        if self.secrets == PlainSecrets::WrittenOut {
            return map.clone();
        }
        plain::replace(map, &mut |place, _| {
            let name = plain::variable_for(server, place);
            let reference = format!("${{{name}}}");
            if !self.variables.contains(&name) {
                self.findings.warn(
                    Some(server),
                    place,
                    format!("a secret was left out; set {name} where the file is used"),
                    format!("已省略一个机密；请在使用该文件的地方设置 {name}"),
                );
                self.variables.push(name);
            }
            reference
        })
    }

    /// One object in the predecessor's spelling. `implied` holds what the document's global part says anyway.
    fn object(&mut self, server: &ServerDef, implied: &JsonMap) -> JsonMap {
        let mut object = JsonMap::new();
        object.insert("name".into(), server.name.as_str().into());
        object.insert("type".into(), server.protocol.as_str().into());
        object.insert("enabled".into(), server.enabled.into());
        let said: JsonMap = server
            .settings
            .iter()
            .filter(|(key, value)| implied.get(*key) != Some(value))
            .chain(server.extra.iter().filter(|(key, _)| !is_reserved(key)))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        for (key, value) in self.hidden(&server.name, &said) {
            object.entry(key).or_insert(value);
        }
        object
    }

    fn document(&mut self, servers: &[ServerDef], document: Option<&Document>, tool: &dyn Fn(&ServerDef, &str) -> Option<Tool>) -> Json {
        let kept = document.cloned().unwrap_or_default().keys;
        let implied = derived(&kept, &mut Findings::default());
        let objects: Vec<Json> = servers.iter().map(|server| Json::Object(self.object(server, &implied))).collect();
        let mut tools: Vec<Json> = servers.iter().flat_map(|server| entries(server, tool)).collect();
        let mut file = JsonMap::new();
        file.insert("version".into(), "1.0".into());
        file.insert("name".into(), "Pilothouse".into());
        for (key, value) in kept {
            if key == "tools" {
                tools.extend(value.as_array().cloned().unwrap_or_default());
            } else {
                file.insert(key, value);
            }
        }
        file.entry("global_config").or_insert_with(|| json!({}));
        file.insert("servers".into(), Json::Array(objects));
        file.insert("tools".into(), Json::Array(tools));
        Json::Object(file)
    }

    fn map(&mut self, servers: &[ServerDef]) -> Json {
        let mut map = JsonMap::new();
        for server in servers {
            let Some(entry) = self.map_entry(server) else {
                self.findings.warn(
                    Some(&server.name),
                    "type",
                    format!("left out: files of this sort know no {}", server.protocol),
                    format!("已省略：此类文件不支持 {}", server.protocol),
                );
                continue;
            };
            map.insert(server.name.clone(), Json::Object(entry));
        }
        json!({ "mcpServers": map })
    }

    fn map_entry(&mut self, server: &ServerDef) -> Option<JsonMap> {
        let settings = self.hidden(&server.name, &server.settings);
        let mut entry = JsonMap::new();
        let mut said = vec!["enabled_tools", "disabled_tools"];
        match server.protocol.as_str() {
            "subprocess" => {
                for key in ["command", "args", "env", "cwd"] {
                    if let Some(value) = settings.get(key) {
                        entry.insert(key.into(), value.clone());
                    }
                    said.push(key);
                }
            }
            "stream_http" | "sse" => {
                entry.insert("type".into(), if server.protocol.as_str() == "sse" { "sse" } else { "http" }.into());
                entry.insert("url".into(), url_of(&settings, if server.protocol.as_str() == "sse" { "/sse" } else { "/mcp" })?.into());
                said.extend(["url", "host", "port", "path", "secure", "auth_headers", "auth_type", "auth_token"]);
                let mut headers = settings.get("auth_headers").and_then(Json::as_object).cloned().unwrap_or_default();
                match settings.get("auth_type").and_then(Json::as_str) {
                    None | Some("bearer") => {
                        if let Some(token) = settings.get("auth_token").and_then(Json::as_str) {
                            headers.insert("Authorization".into(), format!("Bearer {token}").into());
                        }
                    }
                    Some("basic") => self.findings.warn(
                        Some(&server.name),
                        "auth_type",
                        "user and password cannot be said in this sort of file; add the header by hand",
                        "此类文件无法表达用户名和密码；请手动添加请求头",
                    ),
                    Some(_) => {}
                }
                if !headers.is_empty() {
                    entry.insert("headers".into(), Json::Object(headers));
                }
            }
            _ => return None,
        }
        if !server.enabled {
            entry.insert("disabled".into(), true.into());
        }
        let unsaid: Vec<&str> = settings
            .keys()
            .map(String::as_str)
            .filter(|key| !said.contains(key) || (matches!(*key, "enabled_tools" | "disabled_tools")))
            .collect();
        if !unsaid.is_empty() {
            let list = unsaid.join(", ");
            self.findings.warn(
                Some(&server.name),
                "settings",
                format!("cannot be said in this sort of file: {list}"),
                format!("此类文件无法表达：{list}"),
            );
        }
        Some(entry)
    }
}

/// The address as one URL.
fn url_of(settings: &JsonMap, default_path: &str) -> Option<String> {
    if let Some(url) = settings.get("url").or_else(|| settings.get("base_url")).and_then(Json::as_str) {
        return Some(url.to_owned());
    }
    let host = settings.get("host").and_then(Json::as_str)?;
    let host = if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host.to_owned() };
    let port = settings.get("port").map(|port| port.as_str().map_or_else(|| port.to_string(), str::to_owned));
    let path = settings.get("path").and_then(Json::as_str).unwrap_or(default_path);
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    let secure = settings.get("secure").and_then(Json::as_bool).unwrap_or(settings.contains_key("tls"));
    let scheme = if secure { "https" } else { "http" };
    Some(format!("{scheme}://{host}{}{path}", port.map_or_else(String::new, |port| format!(":{port}"))))
}

/// The tool entries of a server: what a file said of them, and the rules.
fn entries(server: &ServerDef, tool: &dyn Fn(&ServerDef, &str) -> Option<Tool>) -> Vec<Json> {
    let kept = server.extra.get("tools").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    kept.iter()
        .filter_map(Json::as_object)
        .filter_map(|entry| {
            let name = entry.get("name").and_then(Json::as_str)?;
            let known = tool(server, name);
            let mut out = JsonMap::new();
            out.insert("name".into(), name.into());
            out.insert("server_name".into(), server.name.as_str().into());
            out.insert("enabled".into(), ToolRule::of_entry(entry).enabled.into());
            for (key, value) in entry {
                out.entry(key.clone()).or_insert_with(|| value.clone());
            }
            out.entry("description").or_insert_with(|| known.as_ref().map_or("", |tool| tool.description.as_str()).into());
            out.entry("input_schema")
                .or_insert_with(|| known.as_ref().map_or_else(|| json!({ "type": "object" }), |tool| tool.input_schema.clone()));
            Some(Json::Object(out))
        })
        .collect()
}
