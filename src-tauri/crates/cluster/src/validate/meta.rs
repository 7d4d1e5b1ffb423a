//! What every object says of itself: apiVersion, kind, name, namespace, labels, annotations.

use domain::manifest_check::{FixEdit, Severity};
use domain::text::Text;
use serde_json::Value;
use yaml::Path;

use super::format;
use super::found::{Found, Object, offer};
use super::schema::{KindSchema, Schemas};
use super::versions;

/// Finds the kind's schema, and says when there is none or its version is old.
pub(crate) fn kind(schemas: &Schemas, object: &Object<'_>, version: &str, found: &mut Found) -> Option<KindSchema> {
    let root = Path::default();
    for field in ["apiVersion", "kind"] {
        match object.value.get(field) {
            Some(Value::String(text)) if !text.is_empty() => {}
            _ => {
                let text = Text::new(
                    format!("{field} is missing: this is no object of Kubernetes"),
                    format!("缺少 {field}：这不是 Kubernetes 对象"),
                );
                found.at(object, &root.then(field), Severity::Error, "schema-required", text);
                return None;
            }
        }
    }
    let (api_version, kind) = (object.api_version(), object.kind());
    let age = versions::of(api_version, kind);
    if let Some(age) = age
        && versions::reached(version, age.removed)
    {
        let text = Text::new(
            format!("{api_version} of {kind} is gone since Kubernetes {}: use {}", age.removed, age.instead),
            format!("{kind} 的 {api_version} 自 Kubernetes {} 起已移除：请使用 {}", age.removed, age.instead),
        );
        let problem = found.at(object, &root.then("apiVersion"), Severity::Error, "api-removed", text);
        offer(problem, vec![age.instead.to_owned()], Some(FixEdit::Set(age.instead.into())));
        return None;
    }
    if let Some(age) = age
        && versions::reached(version, age.deprecated)
    {
        let text = Text::new(
            format!(
                "{api_version} of {kind} is deprecated since Kubernetes {} and gone in {}: use {}",
                age.deprecated, age.removed, age.instead
            ),
            format!("{kind} 的 {api_version} 自 Kubernetes {} 起弃用，{} 中移除：请使用 {}", age.deprecated, age.removed, age.instead),
        );
        let problem = found.at(object, &root.then("apiVersion"), Severity::Warning, "api-deprecated", text);
        offer(problem, vec![age.instead.to_owned()], Some(FixEdit::Set(age.instead.into())));
    }
    let schema = schemas.kind(api_version, kind);
    if schema.is_none() {
        let served: Vec<String> = schemas.served(kind).into_iter().map(str::to_owned).collect();
        let group = object.group();
        let ours = group.is_empty() || group.ends_with(".k8s.io") || !group.contains('.');
        if served.is_empty() && !ours {
            let text = Text::new(
                format!("there is no schema of {api_version} {kind} here, so only its metadata was checked"),
                format!("此处没有 {api_version} {kind} 的结构定义，仅检查了元数据"),
            );
            found.at(object, &root.then("kind"), Severity::Warning, "api-unknown-kind", text);
        } else {
            let list = served.join(", ");
            let (en, zh) = if served.is_empty() {
                (
                    format!("Kubernetes {version} has no kind {kind} in {api_version}"),
                    format!("Kubernetes {version} 的 {api_version} 中没有类型 {kind}"),
                )
            } else {
                (
                    format!("Kubernetes {version} has no {kind} in {api_version}; it is in {list}"),
                    format!("Kubernetes {version} 的 {api_version} 中没有 {kind}；它在 {list} 中"),
                )
            };
            let fix = served.last().map(|version| FixEdit::Set(version.clone().into()));
            let problem = found.at(object, &root.then("apiVersion"), Severity::Error, "api-unknown-kind", Text::new(en, zh));
            offer(problem, served, fix);
        }
    }
    schema
}

/// Names, labels and annotations.
pub(crate) fn metadata(object: &Object<'_>, schema: Option<KindSchema>, found: &mut Found) {
    let at = Path::default().then("metadata");
    let Some(metadata) = object.value.get("metadata").filter(|metadata| metadata.is_object()) else {
        found.at(object, &at, Severity::Error, "meta-name", Text::new("metadata.name is missing", "缺少 metadata.name"));
        return;
    };
    name(object, metadata, &at, found);
    match metadata.get("namespace").and_then(Value::as_str) {
        Some(namespace) if !namespace.is_empty() && !format::label_name(namespace) => {
            let text = Text::new(
                "a namespace is lower-case letters, digits and -, at most 63",
                "命名空间只能包含小写字母、数字和 -，最多 63 个字符",
            );
            found.at(object, &at.then("namespace"), Severity::Error, "meta-namespace", text);
        }
        Some(namespace) if !namespace.is_empty() && schema.is_some_and(|schema| !schema.namespaced) => {
            let text = Text::new(
                format!("{} belongs to no namespace: this says nothing", object.kind()),
                format!("{} 不属于任何命名空间：此字段无效", object.kind()),
            );
            found.at(object, &at.then("namespace"), Severity::Warning, "meta-namespace", text).fix = Some(FixEdit::Remove);
        }
        _ => {}
    }
    keys(object, metadata, &at, found);
    if let Some((path, pod)) = object.pod().filter(|(path, _)| !path.0.is_empty())
        && let Some(metadata) = pod.get("metadata")
    {
        keys(object, metadata, &path.then("metadata"), found);
    }
}

fn name(object: &Object<'_>, metadata: &Value, at: &Path, found: &mut Found) {
    let Some(name) = metadata.get("name").and_then(Value::as_str).filter(|name| !name.is_empty()) else {
        if metadata.get("generateName").is_some() {
            let text = Text::new(
                "generateName makes another object each time; whatever is applied needs a name",
                "generateName 每次都会生成新对象；要应用的对象需要 name",
            );
            found.at_key(object, &at.then("generateName"), Severity::Warning, "meta-name", text);
        } else if metadata.get("name").is_none_or(|name| name.is_null() || name == "") {
            found.at(object, at, Severity::Error, "meta-name", Text::new("metadata.name is missing", "缺少 metadata.name"));
        }
        return;
    };
    let (fits, en, zh) = match (object.group(), object.kind()) {
        ("rbac.authorization.k8s.io", _) => (format::path_segment(name), "a name must not hold / or %", "名称不能包含 / 或 %"),
        ("", "Namespace" | "Service") => (
            format::label_name(name),
            "a name here is lower-case letters, digits and -, at most 63, and begins and ends with a letter or digit",
            "名称只能包含小写字母、数字和 -，最多 63 个字符，首尾须为字母或数字",
        ),
        ("networking.k8s.io", "IPAddress") => (true, "", ""),
        _ => (
            format::subdomain(name),
            "a name is lower-case letters, digits, - and ., at most 253, and begins and ends with a letter or digit",
            "名称只能包含小写字母、数字、- 和 .，最多 253 个字符，首尾须为字母或数字",
        ),
    };
    if !fits {
        found.at(object, &at.then("name"), Severity::Error, "meta-name", Text::new(en, zh));
    }
}

fn keys(object: &Object<'_>, metadata: &Value, at: &Path, found: &mut Found) {
    for (field, rule) in [("labels", "meta-label"), ("annotations", "meta-annotation")] {
        for (key, value) in metadata.get(field).and_then(Value::as_object).into_iter().flatten() {
            let path = at.then(field).then(key.as_str());
            let fits = if field == "labels" { format::qualified(key) } else { format::qualified(&key.to_lowercase()) };
            if !fits {
                let text = Text::new(
                    "a key is letters, digits, -, _ and ., at most 63, with a domain and / in front of it or without",
                    "键只能包含字母、数字、-、_ 和 .，最多 63 个字符，可带域名前缀和 /",
                );
                found.at_key(object, &path, Severity::Error, rule, text);
            }
            if field == "labels" && value.as_str().is_some_and(|value| !format::label_value(value)) {
                let text = Text::new(
                    "the value of a label is letters, digits, -, _ and ., at most 63, and begins and ends with a letter or digit",
                    "标签值只能包含字母、数字、-、_ 和 .，最多 63 个字符，首尾须为字母或数字",
                );
                found.at(object, &path, Severity::Error, rule, text);
            }
        }
    }
    let size: usize = metadata
        .get("annotations")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(key, value)| key.len() + value.as_str().map_or(0, str::len))
        .sum();
    if size > 256 * 1024 {
        let text = Text::new("annotations may hold 256 KiB together", "注解总计不能超过 256 KiB");
        found.at_key(object, &at.then("annotations"), Severity::Error, "meta-annotation", text);
    }
}
