//! Templates: a server's settings with a few blanks, for the eight sorts that came with the predecessor and for the person's own.
//!
//! **Invariant:** a template holds no secret; saving a server as a template puts a reference in a secret's place.

mod built_in;

use std::sync::Arc;

use domain::fault::{Fault, FaultKind};
use domain::id::{Millis, ServerId};
use domain::server::{ServerDef, StartRule};
use domain::text::Text;
use domain::{Json, JsonMap};
use serde::{Deserialize, Serialize};

use crate::core::Core;
use crate::event::Tag;
use crate::imports::plain;

pub use built_in::built_in;

/// Where the person's own templates are kept.
const PREFIX: &str = "template:";

/// A template.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Template {
    /// What it is created by.
    pub id: String,
    /// Its name.
    pub name: Text,
    /// What it is for.
    pub description: Text,
    /// `kubernetes`, `ssh`, `streaming`, `local`, `filesystem`, `mine`.
    pub category: String,
    /// Search words.
    pub tags: Vec<String>,
    /// The protocol.
    pub protocol: String,
    /// Settings, in the predecessor's field names.
    pub settings: JsonMap,
    /// What a person fills in, in the order of asking.
    pub inputs: Vec<TemplateInput>,
    /// What a person should know.
    pub notes: Vec<Text>,
    /// Whether it came with the app.
    pub built_in: bool,
}

/// A blank of a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TemplateInput {
    /// The setting that it fills; `env.NAME` and `auth_headers.NAME` reach into maps, `roots` and `args` are lists.
    pub field: String,
    /// What is asked.
    pub label: Text,
    /// Whether the server cannot be made without it.
    pub required: bool,
    /// Whether it is a secret: give a reference such as `${TOKEN}`.
    pub secret: bool,
}

impl Template {
    /// A server made of this template, with the blanks filled. Values for fields that are no blank are refused.
    pub fn make(&self, name: &str, values: &JsonMap, origin: &str, at: Millis) -> Result<ServerDef, Fault> {
        let mut settings = self.settings.clone();
        for (field, value) in values {
            if !self.inputs.iter().any(|input| input.field == *field) {
                let known = self.inputs.iter().map(|input| input.field.as_str()).collect::<Vec<_>>().join(", ");
                return Err(Fault::new(
                    FaultKind::Usage,
                    "template_no_such_blank",
                    Text::new(
                        format!("no server was made of the template {}: it has no blank {field}", self.id),
                        format!("未能用模板 {} 创建服务器：它没有可填项 {field}", self.id),
                    ),
                    Text::new(format!("its blanks are: {known}"), format!("它的可填项有：{known}")),
                ));
            }
            if !value.is_null() {
                put(&mut settings, field, value);
            }
        }
        let empty = |field: &str| get(&settings, field).is_none_or(|value| value.as_str().is_some_and(|text| text.trim().is_empty()));
        if let Some(missing) = self.inputs.iter().find(|input| input.required && empty(&input.field)) {
            return Err(Fault::new(
                FaultKind::Config,
                "template_blank",
                Text::new(
                    format!("no server was made of the template {}: {} is not filled in", self.id, missing.field),
                    format!("未能用模板 {} 创建服务器：{} 未填写", self.id, missing.field),
                ),
                Text::new(
                    format!("{}: give {}", missing.label.en, missing.field),
                    format!("{}：请填写 {}", missing.label.zh, missing.field),
                ),
            )
            .with_params(serde_json::json!({ "field": missing.field })));
        }
        // `bearer` without a token would be refused at the first connect, with less to go by.
        if settings.get("auth_type").and_then(Json::as_str) == Some("bearer") && empty("auth_token") {
            settings.shift_remove("auth_type");
        }
        // The program's own folder is where Python looks for its module, unless somebody says otherwise.
        if let Some(cwd) = settings.get("cwd").cloned()
            && get(&settings, "env.PYTHONPATH").and_then(Json::as_str) == Some("")
        {
            put(&mut settings, "env.PYTHONPATH", &cwd);
        }
        settings.retain(|_, value| !value.as_str().is_some_and(str::is_empty));
        Ok(ServerDef {
            id: ServerId::new(uuid::Uuid::new_v4().to_string()),
            name: name.to_owned(),
            protocol: self.protocol.as_str().into(),
            enabled: true,
            settings,
            extra: JsonMap::new(),
            start: StartRule::default(),
            origin: origin.to_owned(),
            updated_at: at,
        })
    }

    /// A template out of a saved server. Plain secrets become references; the choice of tools stays.
    pub fn of_server(server: &ServerDef, name: &str) -> Self {
        let mut inputs = Vec::new();
        let settings = plain::replace(&server.settings, &mut |place, _| {
            inputs.push(TemplateInput {
                field: place.to_owned(),
                label: Text::new(format!("Secret {place}, as a reference"), format!("机密 {place}（请填写引用）")),
                required: true,
                secret: true,
            });
            format!("${{{}}}", plain::variable_for(name, place))
        });
        inputs.retain(|input| get(&settings, &input.field).is_some_and(Json::is_string));
        for field in ["base_url", "url", "host", "port", "path", "command", "cwd"] {
            if settings.contains_key(field) {
                inputs.push(TemplateInput { field: field.into(), label: Text::same(field), required: true, secret: false });
            }
        }
        Self {
            id: user_id(name),
            name: Text::same(name),
            description: Text::new(format!("Made from the server {}", server.name), format!("由服务器 {} 生成", server.name)),
            category: "mine".into(),
            tags: vec![server.protocol.to_string()],
            protocol: server.protocol.to_string(),
            settings,
            inputs,
            notes: Vec::new(),
            built_in: false,
        }
    }
}

/// The id of a template of the person's own: its name in lower case, `-` for what is no letter or digit.
fn user_id(name: &str) -> String {
    let mut id = String::new();
    for c in name.trim().chars().flat_map(char::to_lowercase) {
        if c.is_alphanumeric() {
            id.push(c);
        } else if !id.is_empty() && !id.ends_with('-') {
            id.push('-');
        }
    }
    id.trim_end_matches('-').to_owned()
}

fn get<'s>(settings: &'s JsonMap, field: &str) -> Option<&'s Json> {
    match field.split_once('.') {
        Some((map, key)) => match settings.get(map)? {
            Json::Array(items) => items.get(key.parse::<usize>().ok()?),
            map => map.get(key),
        },
        None => settings.get(field),
    }
}

fn put(settings: &mut JsonMap, field: &str, value: &Json) {
    let listed = |value: &Json| match value {
        Json::String(text) => Json::Array(vec![text.as_str().into()]),
        other => other.clone(),
    };
    match field.split_once('.') {
        None => {
            let value = if matches!(field, "roots" | "args") { listed(value) } else { number_where_it_was(settings.get(field), value) };
            settings.insert(field.to_owned(), value);
        }
        Some((map, key)) => match settings.entry(map).or_insert_with(|| Json::Object(JsonMap::new())) {
            Json::Object(map) => {
                map.insert(key.to_owned(), value.clone());
            }
            Json::Array(items) => {
                if let Some(slot) = key.parse::<usize>().ok().and_then(|nth| items.get_mut(nth)) {
                    *slot = value.clone();
                }
            }
            _ => {}
        },
    }
}

/// A terminal gives text; a port stays a number.
fn number_where_it_was(before: Option<&Json>, value: &Json) -> Json {
    match (before, value.as_str().and_then(|text| text.trim().parse::<i64>().ok())) {
        (Some(Json::Number(_)), Some(number)) => number.into(),
        _ => value.clone(),
    }
}

/// Templates, built-in and the person's own.
#[derive(Debug, Clone)]
pub struct Templates {
    core: Arc<Core>,
}

impl Templates {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// All: the built-in ones first, then the person's own by name.
    pub async fn list(&self) -> Result<Vec<Template>, Fault> {
        let mut all = built_in();
        let kept = self.core.ports.settings.with_prefix(PREFIX).await?;
        let mut own: Vec<Template> = kept.into_iter().filter_map(|(_, value)| serde_json::from_value(value).ok()).collect();
        own.sort_by(|a, b| a.id.cmp(&b.id));
        all.extend(own);
        Ok(all)
    }

    /// One, by its id.
    pub async fn get(&self, id: &str) -> Result<Template, Fault> {
        let all = self.list().await?;
        let known = all.iter().map(|template| template.id.as_str()).collect::<Vec<_>>().join(", ");
        all.iter().find(|template| template.id == id).cloned().ok_or_else(|| {
            Fault::new(
                FaultKind::NotFound,
                "no_such_template",
                Text::new(format!("there is no template {id}"), format!("没有模板 {id}")),
                Text::new(format!("there are: {known}"), format!("可用的模板：{known}")),
            )
        })
    }

    /// A server made of a template; not saved yet.
    pub async fn make(&self, id: &str, name: &str, values: &JsonMap, origin: &str) -> Result<ServerDef, Fault> {
        self.get(id).await?.make(name, values, origin, self.core.now())
    }

    /// Keeps a server as a template of the person's own; one of the same name is replaced.
    pub async fn save(&self, server: &ServerDef, name: &str) -> Result<Template, Fault> {
        let template = Template::of_server(server, name);
        if template.id.is_empty() || built_in().iter().any(|known| known.id == template.id) {
            return Err(Fault::new(
                FaultKind::Usage,
                "template_name",
                Text::new(
                    format!("the template was not saved: \"{name}\" is no name that it can have"),
                    format!("模板未保存：不能使用名称“{name}”"),
                ),
                Text::new("take a name with letters that no built-in template has", "请使用含字母且不与内置模板重名的名称"),
            ));
        }
        let value = serde_json::to_value(&template).unwrap_or_default();
        self.core.ports.settings.set(&format!("{PREFIX}{}", template.id), &value).await?;
        self.core.events.changed(Tag::Settings);
        Ok(template)
    }

    /// Removes one of the person's own. Built-in ones stay.
    pub async fn remove(&self, id: &str) -> Result<(), Fault> {
        if self.get(id).await?.built_in {
            return Err(Fault::new(
                FaultKind::Usage,
                "template_built_in",
                Text::new(format!("the template {id} was not removed: it came with the app"), format!("未移除模板 {id}：它是内置模板")),
                Text::default(),
            ));
        }
        self.core.ports.settings.set(&format!("{PREFIX}{id}"), &Json::Null).await?;
        self.core.events.changed(Tag::Settings);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(id: &str) -> Template {
        built_in().into_iter().find(|template| template.id == id).unwrap()
    }

    fn values(value: Json) -> JsonMap {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn the_eight_are_there_in_both_languages_and_with_nothing_that_exists_nowhere() {
        let all = built_in();
        let ids: Vec<&str> = all.iter().map(|template| template.id.as_str()).collect();
        assert_eq!(ids, ["k8s-websocket", "k8s-http", "k8s-sse", "ssh-jumpserver", "ssh-http", "stream-http", "subprocess", "filesystem"]);
        let registered = [
            "k8s-get-pods",
            "k8s-get-services",
            "k8s-get-deployments",
            "k8s-get-nodes",
            "k8s-get-logs",
            "k8s-describe-pod",
            "k8s-get-events",
            "k8s-get-deployment-history",
            "k8s-get-endpoints",
            "k8s-relation-query",
            "k8s-cluster-summary",
            "k8s-get-cluster-metrics",
            "fs-read-file",
            "fs-write-file",
            "fs-list-directory",
            "fs-search-files",
        ];
        for template in all {
            assert!(!template.name.zh.is_empty() && template.description.en != template.description.zh, "{}", template.id);
            for tool in template.settings.get("enabled_tools").and_then(Json::as_array).into_iter().flatten() {
                assert!(registered.contains(&tool.as_str().unwrap()), "{}: {tool} is registered nowhere", template.id);
            }
        }
    }

    #[test]
    fn a_server_is_made_by_id_with_its_blanks_filled() {
        let def = of("k8s-websocket").make("prod", &values(json!({ "host": "10.0.0.5", "port": "9001" })), "cli", Millis(1)).unwrap();
        assert_eq!((def.name.as_str(), def.protocol.as_str()), ("prod", "websocket"));
        assert_eq!(def.settings["host"], "10.0.0.5");
        assert_eq!(def.settings["port"], 9001);
        let files = of("filesystem").make("files", &values(json!({ "roots": "/srv" })), "cli", Millis(1)).unwrap();
        assert_eq!(files.settings["roots"], json!(["/srv"]));
    }

    #[test]
    fn a_blank_that_must_be_filled_is_named_and_one_that_is_none_is_refused() {
        let fault = of("subprocess").make("x", &JsonMap::new(), "cli", Millis(1)).unwrap_err();
        assert_eq!((fault.code.as_str(), &fault.params["field"]), ("template_blank", &json!("cwd")));
        assert_eq!(of("k8s-http").make("x", &values(json!({ "hots": "a" })), "cli", Millis(1)).unwrap_err().code, "template_no_such_blank");
    }

    #[test]
    fn without_a_token_there_is_no_bearer() {
        let def = of("k8s-http").make("x", &JsonMap::new(), "cli", Millis(1)).unwrap();
        assert!(!def.settings.contains_key("auth_type") && !def.settings.contains_key("auth_token"));
        let def = of("k8s-http").make("x", &values(json!({ "auth_token": "${T}" })), "cli", Millis(1)).unwrap();
        assert_eq!((&def.settings["auth_type"], &def.settings["auth_token"]), (&json!("bearer"), &json!("${T}")));
    }

    #[test]
    fn a_server_saved_as_a_template_leaves_its_secrets_behind() {
        let mut def = of("k8s-http").make("prod", &values(json!({ "auth_token": "s3cret-canary" })), "cli", Millis(1)).unwrap();
        def.settings.insert("auth_headers".into(), json!({ "X-API-Key": "canary-two", "X-Ref": "${KEPT}" }));
        let template = Template::of_server(&def, "My K8s");
        let text = serde_json::to_string(&template).unwrap();
        assert!(!text.contains("canary"), "{text}");
        assert_eq!((template.id.as_str(), template.settings["auth_token"].as_str()), ("my-k8s", Some("${MY_K8S_AUTH_TOKEN}")));
        assert_eq!(template.settings["auth_headers"]["X-Ref"], "${KEPT}");
        let made = template.make("again", &values(json!({ "auth_headers.X-API-Key": "${OTHER}" })), "cli", Millis(2)).unwrap();
        assert_eq!(made.settings["auth_headers"]["X-API-Key"], "${OTHER}");
    }
}
