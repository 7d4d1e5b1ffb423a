//! A Deployment out of a few facts, as a template.
//!
//! **Invariant:** what comes out selects its own pods, and holds no value that the API would not take in that place.

use std::collections::{BTreeMap, HashSet};

use domain::fault::ServerFault;
use domain::kube::quantity;
use domain::{Json, JsonMap};
use serde::Deserialize;
use serde_json::json;

use super::change::read;

/// What was made.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) markdown: String,
    pub(super) facts: Json,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Facts {
    app_name: String,
    image: String,
    #[serde(default = "one")]
    replicas: i64,
    namespace: Option<String>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    env_vars: Vec<Variable>,
    #[serde(default)]
    ports: Vec<Port>,
    resources: Option<Resources>,
    #[serde(default)]
    volume_mounts: Vec<Mount>,
    #[serde(default)]
    volumes: Vec<Volume>,
    strategy: Option<Strategy>,
}

fn one() -> i64 {
    1
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Variable {
    name: String,
    value: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Port {
    name: Option<String>,
    #[serde(rename = "containerPort")]
    number: i64,
    protocol: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Resources {
    #[serde(default)]
    limits: Amounts,
    #[serde(default)]
    requests: Amounts,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Amounts {
    cpu: Option<String>,
    memory: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Mount {
    name: String,
    #[serde(rename = "mountPath")]
    path: String,
    #[serde(default)]
    read_only: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Volume {
    name: String,
    #[serde(rename = "type")]
    sort: String,
    source: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Strategy {
    #[serde(rename = "type")]
    sort: Option<String>,
    max_unavailable: Option<Json>,
    max_surge: Option<Json>,
}

/// What may be given.
pub(super) fn schema() -> Json {
    let text = |about: &str| json!({ "type": "string", "minLength": 1, "maxLength": 1024, "description": about });
    let amounts = json!({ "type": "object", "additionalProperties": false, "properties": {
        "cpu": text("Such as 100m. 例如 100m。"), "memory": text("Such as 128Mi. 例如 128Mi。") } });
    let part = json!({ "type": ["integer", "string"], "description": "A number, or a share such as 25%. 数量或百分比，例如 25%。" });
    json!({
        "type": "object",
        "properties": {
            "app_name": text("The name of the Deployment and of its container. Deployment 与容器的名称。"),
            "image": text("The container's image. 容器镜像。"),
            "replicas": { "type": "integer", "minimum": 1, "maximum": 100, "default": 1, "description": "How many pods. 副本数。" },
            "namespace": text("The namespace; none is written when absent. 命名空间；不填则不写入。"),
            "labels": { "type": "object", "additionalProperties": { "type": "string" }, "description": "Labels beside app and version. 除 app、version 之外的标签。" },
            "env_vars": { "type": "array", "description": "Environment variables. 环境变量。", "items": { "type": "object", "additionalProperties": false, "required": ["name", "value"],
                "properties": { "name": text("Its name. 名称。"), "value": { "type": "string", "description": "Its value. 值。" } } } },
            "ports": { "type": "array", "description": "Ports of the container. 容器端口。", "items": { "type": "object", "additionalProperties": false, "required": ["containerPort"],
                "properties": { "name": text("Its name. 名称。"), "containerPort": { "type": "integer", "minimum": 1, "maximum": 65535 },
                    "protocol": { "type": "string", "enum": ["TCP", "UDP"], "default": "TCP" } } } },
            "resources": { "type": "object", "additionalProperties": false, "description": "What the container asks for, and its limits. 资源请求与限制。",
                "properties": { "limits": amounts, "requests": amounts } },
            "volume_mounts": { "type": "array", "description": "Where volumes are mounted. 卷挂载。", "items": { "type": "object", "additionalProperties": false, "required": ["name", "mountPath"],
                "properties": { "name": text("A volume. 卷名称。"), "mountPath": text("Where. 挂载路径。"), "readOnly": { "type": "boolean", "default": false } } } },
            "volumes": { "type": "array", "description": "Volumes of the pod. Pod 的卷。", "items": { "type": "object", "additionalProperties": false, "required": ["name", "type"],
                "properties": { "name": text("Its name. 名称。"), "type": { "type": "string", "enum": ["emptyDir", "configMap", "secret", "persistentVolumeClaim"] },
                    "source": text("What it comes from; the same name when absent. 来源对象；不填时与卷同名。") } } },
            "strategy": { "type": "object", "additionalProperties": false, "description": "How pods are replaced. 更新策略。",
                "properties": { "type": { "type": "string", "enum": ["RollingUpdate", "Recreate"], "default": "RollingUpdate" }, "maxUnavailable": part, "maxSurge": part } },
        },
        "required": ["app_name", "image"],
        "additionalProperties": false,
    })
}

type Fits = Result<(), ServerFault>;

fn wrong(path: impl Into<String>, reason: impl Into<String>) -> ServerFault {
    ServerFault::SchemaInvalid { path: path.into(), reason: reason.into() }
}

fn hold(fits: bool, path: impl Into<String>, reason: &str) -> Fits {
    if fits { Ok(()) } else { Err(wrong(path, reason)) }
}

fn label_name(text: &str) -> bool {
    let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    text.len() <= 63
        && ends(text.chars().next())
        && ends(text.chars().last())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

fn subdomain(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(label_name)
}

/// A value of a label, and the last part of its key.
fn label_word(text: &str) -> bool {
    let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    text.len() <= 63
        && ends(text.chars().next())
        && ends(text.chars().last())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

fn label_key(text: &str) -> bool {
    match text.split_once('/') {
        Some((domain, name)) => subdomain(domain) && label_word(name),
        None => label_word(text),
    }
}

const NAME: &str = "it must be lower-case letters, digits and -, at most 63, with a letter or digit at both ends";

impl Facts {
    fn check(&self) -> Fits {
        hold(label_name(&self.app_name), "app_name", NAME)?;
        // As a label's first character may be a digit, and a Service of the same name may not.
        hold(
            !self.image.is_empty() && !self.image.chars().any(|c| c.is_whitespace() || c.is_control()),
            "image",
            "an image has no space in it",
        )?;
        hold((1..=100).contains(&self.replicas), "replicas", "it must be from 1 to 100")?;
        if let Some(namespace) = &self.namespace {
            hold(label_name(namespace), "namespace", NAME)?;
        }
        for (key, value) in &self.labels {
            let at = format!("labels.{key}");
            hold(
                label_key(key),
                at.clone(),
                "a key is letters, digits, -, _ and ., at most 63, with a domain and / in front of it or without",
            )?;
            hold(value.is_empty() || label_word(value), at.clone(), "a value is letters, digits, -, _ and ., at most 63")?;
            hold(key != "app" || *value == self.app_name, at, "the Deployment selects its pods by app, so that it must be app_name")?;
        }
        self.check_container()?;
        self.check_volumes()?;
        self.check_strategy()
    }

    fn check_container(&self) -> Fits {
        let mut seen = HashSet::new();
        for (nth, variable) in self.env_vars.iter().enumerate() {
            let at = format!("env_vars[{nth}].name");
            let fits = !variable.name.is_empty() && variable.name.chars().all(|c| c.is_ascii_graphic() && c != '=');
            hold(fits, at.clone(), "a name of a variable is printable ASCII without = and spaces")?;
            hold(seen.insert(variable.name.as_str()), at, "another variable has the same name")?;
        }
        let (mut names, mut numbers) = (HashSet::new(), HashSet::new());
        for (nth, port) in self.ports.iter().enumerate() {
            let at = |field: &str| format!("ports[{nth}].{field}");
            hold((1..=65535).contains(&port.number), at("containerPort"), "a port is from 1 to 65535")?;
            let protocol = port.protocol.as_deref().unwrap_or("TCP");
            hold(matches!(protocol, "TCP" | "UDP"), at("protocol"), "it is TCP or UDP")?;
            hold(numbers.insert((port.number, protocol)), at("containerPort"), "the same port stands there twice")?;
            if let Some(name) = &port.name {
                let fits = name.len() <= 15 && label_name(name) && name.chars().any(|c| c.is_ascii_lowercase()) && !name.contains("--");
                hold(fits, at("name"), "a port's name is at most 15 lower-case letters, digits and single -, with a letter in it")?;
                hold(names.insert(name.as_str()), at("name"), "another port has the same name")?;
            }
        }
        let Some(resources) = &self.resources else { return Ok(()) };
        let amounts = |of: &'_ Amounts| [("cpu", of.cpu.clone()), ("memory", of.memory.clone())];
        for (side, of) in [("limits", &resources.limits), ("requests", &resources.requests)] {
            for (name, text) in amounts(of) {
                let fits = text.as_deref().is_none_or(|text| quantity(text).is_some_and(|number| number >= 0.0));
                hold(fits, format!("resources.{side}.{name}"), "it is no quantity such as 100m or 128Mi")?;
            }
        }
        for ((name, limit), (_, request)) in amounts(&resources.limits).into_iter().zip(amounts(&resources.requests)) {
            let number = |text: Option<String>| text.as_deref().and_then(quantity);
            let more = matches!((number(limit), number(request)), (Some(limit), Some(request)) if request > limit);
            hold(!more, format!("resources.requests.{name}"), "it is more than the limit")?;
        }
        Ok(())
    }

    fn check_volumes(&self) -> Fits {
        let mut names = HashSet::new();
        for (nth, volume) in self.volumes.iter().enumerate() {
            let at = |field: &str| format!("volumes[{nth}].{field}");
            hold(label_name(&volume.name), at("name"), NAME)?;
            hold(names.insert(volume.name.as_str()), at("name"), "another volume has the same name")?;
            let known = matches!(volume.sort.as_str(), "emptyDir" | "configMap" | "secret" | "persistentVolumeClaim");
            hold(known, at("type"), "it is emptyDir, configMap, secret or persistentVolumeClaim")?;
            if let Some(source) = &volume.source {
                hold(volume.sort != "emptyDir", at("source"), "an emptyDir comes from nothing")?;
                hold(subdomain(source), at("source"), "no object has such a name")?;
            }
        }
        let mut paths = HashSet::new();
        for (nth, mount) in self.volume_mounts.iter().enumerate() {
            let at = |field: &str| format!("volume_mounts[{nth}].{field}");
            hold(names.contains(mount.name.as_str()), at("name"), "there is no such volume in `volumes`")?;
            hold(mount.path.starts_with('/') && !mount.path.contains(':'), at("mountPath"), "a path begins with / and has no :")?;
            hold(paths.insert(mount.path.as_str()), at("mountPath"), "something is mounted there already")?;
        }
        Ok(())
    }

    fn check_strategy(&self) -> Fits {
        let Some(strategy) = &self.strategy else { return Ok(()) };
        let sort = strategy.sort.as_deref().unwrap_or("RollingUpdate");
        hold(matches!(sort, "RollingUpdate" | "Recreate"), "strategy.type", "it is RollingUpdate or Recreate")?;
        let mut shares = Vec::new();
        for (name, value) in [("maxUnavailable", &strategy.max_unavailable), ("maxSurge", &strategy.max_surge)] {
            let Some(value) = value else { continue };
            hold(sort == "RollingUpdate", format!("strategy.{name}"), "Recreate replaces all pods at once")?;
            let part = part(value).ok_or_else(|| wrong(format!("strategy.{name}"), "it is a number, or a share such as 25%"))?;
            shares.push(part == json!(0) || part == json!("0%"));
        }
        hold(shares != [true, true], "strategy.maxSurge", "with both at 0 no pod could be replaced")
    }

    fn labels(&self) -> JsonMap {
        let mut labels = JsonMap::new();
        labels.insert("app".to_owned(), self.app_name.clone().into());
        labels.insert("version".to_owned(), "v1".into());
        labels.extend(self.labels.iter().map(|(key, value)| (key.clone(), Json::from(value.clone()))));
        labels
    }

    fn container(&self) -> Json {
        let mut container = json!({ "name": self.app_name, "image": self.image, "imagePullPolicy": "IfNotPresent" });
        if !self.ports.is_empty() {
            let one = |port: &Port| {
                let mut made = JsonMap::new();
                if let Some(name) = &port.name {
                    made.insert("name".to_owned(), name.clone().into());
                }
                made.insert("containerPort".to_owned(), port.number.into());
                made.insert("protocol".to_owned(), port.protocol.as_deref().unwrap_or("TCP").into());
                Json::Object(made)
            };
            container["ports"] = self.ports.iter().map(one).collect();
        }
        if !self.env_vars.is_empty() {
            container["env"] = self.env_vars.iter().map(|variable| json!({ "name": variable.name, "value": variable.value })).collect();
        }
        if let Some(resources) = &self.resources {
            let mut made = JsonMap::new();
            for (side, of) in [("limits", &resources.limits), ("requests", &resources.requests)] {
                let amounts: JsonMap = [("cpu", &of.cpu), ("memory", &of.memory)]
                    .into_iter()
                    .filter_map(|(name, text)| Some((name.to_owned(), Json::from(text.clone()?))))
                    .collect();
                if !amounts.is_empty() {
                    made.insert(side.to_owned(), Json::Object(amounts));
                }
            }
            if !made.is_empty() {
                container["resources"] = Json::Object(made);
            }
        }
        if !self.volume_mounts.is_empty() {
            let one = |mount: &Mount| json!({ "name": mount.name, "mountPath": mount.path, "readOnly": mount.read_only });
            container["volumeMounts"] = self.volume_mounts.iter().map(one).collect();
        }
        container
    }

    fn volumes(&self) -> Json {
        let one = |volume: &Volume| {
            let source = volume.source.as_ref().unwrap_or(&volume.name);
            let from = match volume.sort.as_str() {
                "configMap" => json!({ "name": source }),
                "secret" => json!({ "secretName": source }),
                "persistentVolumeClaim" => json!({ "claimName": source }),
                _ => json!({}),
            };
            json!({ "name": volume.name, volume.sort.as_str(): from })
        };
        self.volumes.iter().map(one).collect()
    }

    fn object(&self) -> Json {
        let labels = Json::Object(self.labels());
        let mut metadata = json!({ "name": self.app_name });
        if let Some(namespace) = &self.namespace {
            metadata["namespace"] = namespace.clone().into();
        }
        metadata["labels"] = labels.clone();
        let mut pod = json!({ "containers": [self.container()] });
        if !self.volumes.is_empty() {
            pod["volumes"] = self.volumes();
        }
        let mut spec = json!({ "replicas": self.replicas, "selector": { "matchLabels": { "app": self.app_name } } });
        if let Some(strategy) = &self.strategy {
            let mut made = json!({ "type": strategy.sort.as_deref().unwrap_or("RollingUpdate") });
            for (name, value) in [("maxUnavailable", &strategy.max_unavailable), ("maxSurge", &strategy.max_surge)] {
                if let Some(part) = value.as_ref().and_then(part) {
                    made["rollingUpdate"][name] = part;
                }
            }
            spec["strategy"] = made;
        }
        spec["template"] = json!({ "metadata": { "labels": labels }, "spec": pod });
        json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec })
    }
}

/// A number, or a share: a text of digits is a number.
fn part(value: &Json) -> Option<Json> {
    let number = |number: i64| (0..=i64::from(i32::MAX)).contains(&number).then(|| Json::from(number));
    match value {
        Json::Number(of) => of.as_i64().and_then(number),
        Json::String(text) => {
            let text = text.trim();
            let digits = text.strip_suffix('%').unwrap_or(text);
            let fits = !digits.is_empty() && digits.len() <= 9 && digits.bytes().all(|byte| byte.is_ascii_digit());
            match fits {
                false => None,
                true if digits.len() < text.len() => digits.parse::<u32>().ok().map(|share| Json::from(format!("{share}%"))),
                true => digits.parse().ok().and_then(number),
            }
        }
        _ => None,
    }
}

/// The Deployment as Markdown, and the same as facts.
pub(super) fn deployment(args: &JsonMap) -> Result<Made, ServerFault> {
    let given: JsonMap = args.iter().filter(|(_, value)| !value.is_null()).map(|(key, value)| (key.clone(), value.clone())).collect();
    let facts: Facts = read(Json::Object(given))?;
    facts.check()?;
    let yaml = yaml::write(&facts.object()).ok_or_else(|| ServerFault::Internal { what: "the Deployment could not be written".into() })?;
    let longest = yaml.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    let (name, image, replicas) = (&facts.app_name, &facts.image, facts.replicas);
    let namespace = facts.namespace.as_deref().unwrap_or("—");
    let markdown = format!(
        "# Deployment {name}\n\n- **Name · 名称**: {name}\n- **Image · 镜像**: {image}\n- **Replicas · 副本数**: {replicas}\n- **Namespace · 命名空间**: {namespace}\n\n{fence}yaml\n{}\n{fence}\n\nCheck it with k8s-validate-yaml, try it with k8s-rehearse, and apply it with k8s-apply.\n可用 k8s-validate-yaml 检查、k8s-rehearse 排演，再用 k8s-apply 应用。\n",
        yaml.trim_end()
    );
    let facts = json!({ "name": name, "image": image, "replicas": replicas, "namespace": facts.namespace, "yaml": yaml });
    Ok(Made { markdown, facts })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(args: Json) -> Result<Made, ServerFault> {
        deployment(args.as_object().unwrap())
    }

    fn object(args: Json) -> Json {
        let made = made(args).unwrap();
        let text = made.facts["yaml"].as_str().unwrap();
        assert!(made.markdown.contains(text.trim_end()), "the answer holds it");
        assert!(!text.contains(['&', '*']), "no anchors: {text}");
        yaml::value(text, &yaml::Profile::manifest()).unwrap()
    }

    #[test]
    fn a_few_facts_make_a_deployment_that_selects_its_own_pods() {
        let plain = object(json!({ "app_name": "web", "image": "nginx:1.27" }));
        assert_eq!(plain["spec"]["replicas"], 1);
        assert_eq!(plain["metadata"].get("namespace"), None);
        assert_eq!(plain["spec"]["selector"]["matchLabels"], json!({ "app": "web" }));
        assert_eq!(plain["spec"]["template"]["metadata"]["labels"], json!({ "app": "web", "version": "v1" }));
        assert_eq!(plain["spec"]["template"]["spec"]["containers"][0]["imagePullPolicy"], "IfNotPresent");
        assert_eq!(plain["spec"].get("strategy"), None);
        let whole = object(json!({
            "app_name": "web", "image": "nginx:1.27", "replicas": 3, "namespace": "shop", "labels": { "app": "web", "tier": "on", "version": "2" },
            "env_vars": [{ "name": "A", "value": "yes" }, { "name": "B", "value": "``` # x" }],
            "ports": [{ "name": "http", "containerPort": 80 }, { "containerPort": 53, "protocol": "UDP" }],
            "resources": { "limits": { "cpu": "1", "memory": "1Gi" }, "requests": { "cpu": "100m" } },
            "volumes": [{ "name": "tmp", "type": "emptyDir" }, { "name": "cfg", "type": "configMap" }, { "name": "s", "type": "secret", "source": "tls" },
                { "name": "d", "type": "persistentVolumeClaim", "source": "data" }],
            "volume_mounts": [{ "name": "cfg", "mountPath": "/etc/web", "readOnly": true }],
            "strategy": { "maxUnavailable": "0", "maxSurge": "25%" },
        }));
        let pod = &whole["spec"]["template"]["spec"];
        assert_eq!(whole["metadata"]["labels"], json!({ "app": "web", "version": "2", "tier": "on" }));
        assert_eq!(pod["containers"][0]["env"][0]["value"], "yes", "a text stays one");
        assert_eq!(
            pod["containers"][0]["ports"],
            json!([{ "name": "http", "containerPort": 80, "protocol": "TCP" }, { "containerPort": 53, "protocol": "UDP" }])
        );
        assert_eq!(pod["volumes"][1], json!({ "name": "cfg", "configMap": { "name": "cfg" } }));
        assert_eq!(pod["volumes"][2]["secret"]["secretName"], "tls");
        assert_eq!(pod["volumes"][3]["persistentVolumeClaim"]["claimName"], "data");
        assert_eq!(
            whole["spec"]["strategy"],
            json!({ "type": "RollingUpdate", "rollingUpdate": { "maxUnavailable": 0, "maxSurge": "25%" } })
        );
    }

    #[test]
    fn what_the_api_would_not_take_is_refused_by_name() {
        for (more, at) in [
            (json!({ "app_name": "Web" }), "app_name"),
            (json!({ "app_name": "a".repeat(64) }), "app_name"),
            (json!({ "image": "" }), "image"),
            (json!({ "image": "nginx latest" }), "image"),
            (json!({ "replicas": -5 }), "replicas"),
            (json!({ "replicas": 101 }), "replicas"),
            (json!({ "namespace": "A B" }), "namespace"),
            (json!({ "labels": { "app": "other" } }), "labels.app"),
            (json!({ "labels": { "a b": "c" } }), "labels.a b"),
            (json!({ "labels": { "a": "c d" } }), "labels.a"),
            (json!({ "env_vars": [{ "name": "A=B", "value": "" }] }), "env_vars[0].name"),
            (json!({ "env_vars": [{ "name": "A", "value": "" }, { "name": "A", "value": "" }] }), "env_vars[1].name"),
            (json!({ "ports": [{ "containerPort": 0 }] }), "ports[0].containerPort"),
            (json!({ "ports": [{ "containerPort": 80 }, { "containerPort": 80 }] }), "ports[1].containerPort"),
            (json!({ "ports": [{ "containerPort": 80, "name": "8080" }] }), "ports[0].name"),
            (json!({ "ports": [{ "containerPort": 80, "protocol": "tcp" }] }), "ports[0].protocol"),
            (json!({ "resources": { "limits": { "cpu": "lots" } } }), "resources.limits.cpu"),
            (json!({ "resources": { "limits": { "cpu": "1" }, "requests": { "cpu": "1500m" } } }), "resources.requests.cpu"),
            (json!({ "volumes": [{ "name": "a", "type": "hostPath" }] }), "volumes[0].type"),
            (json!({ "volumes": [{ "name": "a", "type": "secret", "source": "a/b" }] }), "volumes[0].source"),
            (json!({ "volume_mounts": [{ "name": "a", "mountPath": "/a" }] }), "volume_mounts[0].name"),
            (
                json!({ "volumes": [{ "name": "a", "type": "emptyDir" }], "volume_mounts": [{ "name": "a", "mountPath": "a" }] }),
                "volume_mounts[0].mountPath",
            ),
            (json!({ "strategy": { "type": "Recreate", "maxSurge": 1 } }), "strategy.maxSurge"),
            (json!({ "strategy": { "maxSurge": "0", "maxUnavailable": 0 } }), "strategy.maxSurge"),
            (json!({ "strategy": { "maxSurge": "a%" } }), "strategy.maxSurge"),
            (json!({ "strategy": { "type": "Blue" } }), "strategy.type"),
            (json!({ "imag": "x" }), ""),
        ] {
            let mut args = json!({ "app_name": "web", "image": "nginx:1.27" });
            args.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            match made(args) {
                Err(ServerFault::SchemaInvalid { path, .. }) => assert!(at.is_empty() || path == at, "{more}: {path}"),
                other => panic!("{more} gave {other:?}"),
            }
        }
        assert!(matches!(made(json!({ "image": "a" })), Err(ServerFault::SchemaInvalid { .. })), "the name must be given");
    }
}
