//! What an API server says against a change, told as what it is.
//!
//! **Invariant:** what is said about a Secret repeats no word of the server that may quote its value.

use domain::cluster::ClusterDef;
use domain::fault::{Fault, FaultKind};
use domain::manifest::ObjectRef;
use domain::text::Text;
use serde_json::json;

use super::wire::Said;
use crate::fault::about;

/// Most of a server's words that are repeated.
const MOST: usize = 600;

fn cut(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MOST).collect();
    text.trim().to_owned()
}

/// A refusal that is no finding about an object's fields: Forbidden and whatever is left.
pub(super) fn refused(cluster: &ClusterDef, said: &Said, verb: &str, object: Option<&ObjectRef>) -> Fault {
    let name = &cluster.name;
    let about_what = object.map_or_else(String::new, ToString::to_string);
    let message = said.text("/message");
    if said.status == 403 {
        let who = message.split("User \"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
        let (who_en, who_zh) = if who.is_empty() { ("you".to_owned(), "您".to_owned()) } else { (who.to_owned(), who.to_owned()) };
        let resource = said.text("/details/kind");
        let namespace = object.and_then(|object| object.namespace.clone());
        // A refusal by admission (a quota, a pod security level) is not one of rights: its words say why.
        let by_rights = message.contains("cannot ");
        let said_en = if by_rights || object.is_some_and(ObjectRef::is_secret) { String::new() } else { format!(": {}", cut(message)) };
        return about(
            cluster,
            FaultKind::Denied,
            "cluster_forbidden",
            Text::new(
                format!("the cluster {name} forbids {who_en} to {verb} {about_what}{said_en}"),
                format!("集群 {name} 不允许 {who_zh} 对 {about_what} 执行 {verb}{said_en}"),
            ),
            Text::new(
                "Ask whoever runs the cluster for the right, or look at what its admission rules want.",
                "请向集群管理员申请权限，或查看其准入规则的要求。",
            ),
        )
        .with_params(
            json!({ "cluster": name, "verb": verb, "resource": resource, "namespace": namespace, "object": object, "user": who }),
        );
    }
    if let Some(rest) = message.split("failed calling webhook \"").nth(1).filter(|_| said.status >= 500) {
        let webhook = cut(rest.split('"').next().unwrap_or_default());
        return about(
            cluster,
            FaultKind::Unreachable,
            "webhook_unreachable",
            Text::new(
                format!("the cluster {name} would not {verb} {about_what}: its admission webhook {webhook} does not answer"),
                format!("集群 {name} 无法对 {about_what} 执行 {verb}：其准入 Webhook {webhook} 没有响应"),
            ),
            Text::new(
                "Nothing was changed. Ask whoever runs this webhook, or look at its pods, and try again.",
                "未作任何更改。请联系该 Webhook 的维护者或检查其 Pod，然后重试。",
            ),
        )
        .with_params(json!({ "cluster": name, "verb": verb, "webhook": webhook, "object": object }));
    }
    let secret = object.is_some_and(ObjectRef::is_secret);
    let words = if secret { cut(said.text("/reason")) } else { cut(message) };
    let (kind, code) = match said.status {
        404 => (FaultKind::NotFound, "object_not_found"),
        409 => (FaultKind::Denied, "object_conflict"),
        410 => (FaultKind::NotFound, "object_gone"),
        413 => (FaultKind::Config, "object_too_large"),
        400 | 422 => (FaultKind::Config, "object_invalid"),
        429 | 503 | 504 => (FaultKind::Unreachable, "cluster_busy"),
        status if status >= 500 => (FaultKind::Unreachable, "cluster_answer"),
        _ => (FaultKind::Protocol, "cluster_answer"),
    };
    about(
        cluster,
        kind,
        code,
        Text::new(
            format!("the cluster {name} would not {verb} {about_what} (HTTP {}): {words}", said.status),
            format!("集群 {name} 拒绝对 {about_what} 执行 {verb}（HTTP {}）：{words}", said.status),
        ),
        Text::new("Look at the object and at what the cluster says, then try again.", "请查看对象和集群的说明后重试。"),
    )
    .with_params(json!({ "cluster": name, "verb": verb, "status": said.status, "object": object }))
}

/// What is wrong with an object, as path and words; empty where the refusal is not about its fields.
pub(super) fn problems(said: &Said, object: &ObjectRef) -> Vec<(String, Text)> {
    let message = said.text("/message");
    let secret = object.is_secret();
    if let Some((path, kind)) = undeclared(message) {
        return vec![(path, kind)];
    }
    let strict: Vec<(String, Text)> = strict_errors(message);
    if !strict.is_empty() {
        return strict;
    }
    if !matches!(said.status, 400 | 422) {
        return Vec::new();
    }
    if let Some(webhook) = message.split("admission webhook \"").nth(1).and_then(|rest| rest.split_once("\" does not support dry run")) {
        return vec![(String::new(), untried(webhook.0))];
    }
    let causes: Vec<(String, Text)> = said
        .causes()
        .into_iter()
        .filter(|(_, field, message)| !field.is_empty() || !message.is_empty())
        .map(|(reason, field, message)| (field.to_owned(), Text::same(if secret { reason.to_owned() } else { cut(message) })))
        .collect();
    if !causes.is_empty() {
        return causes;
    }
    let words = if secret { "its fields are not what the API server takes".to_owned() } else { cut(message) };
    vec![(String::new(), Text::same(words))]
}

fn unknown(field: &str) -> Text {
    Text::new(format!("the field {field} is not known to this API server"), format!("此 API 服务器不认识字段 {field}"))
}

/// A webhook that may do something besides answering is not asked in a dry run.
fn untried(webhook: &str) -> Text {
    let webhook = cut(webhook);
    Text::new(
        format!(
            "it cannot be rehearsed: the admission webhook {webhook} does not say that it has no side effects, so the API server takes no dry run"
        ),
        format!("无法排演：准入 Webhook {webhook} 未声明无副作用，API 服务器因此不接受试运行"),
    )
}

/// `.spec.template.x: field not declared in schema`, which comes as code 500 from server-side apply.
fn undeclared(message: &str) -> Option<(String, Text)> {
    let (before, _) = message.split_once(": field not declared in schema")?;
    let path = before.rsplit([' ', ')']).next().unwrap_or(before).trim_start_matches('.').to_owned();
    let field = path.rsplit('.').next().unwrap_or(&path).to_owned();
    Some((path, unknown(&field)))
}

/// `strict decoding error: unknown field "spec.x", duplicate field "spec.y"`.
fn strict_errors(message: &str) -> Vec<(String, Text)> {
    let Some((_, list)) = message.split_once("strict decoding error: ") else { return Vec::new() };
    let mut found = Vec::new();
    for (word, twice) in [("unknown field \"", false), ("duplicate field \"", true), ("already set", true)] {
        for rest in list.split(word).skip(1) {
            let path = rest.split('"').next().unwrap_or_default().to_owned();
            if path.is_empty() || word == "already set" {
                continue;
            }
            let field = path.rsplit('.').next().unwrap_or(&path).to_owned();
            let text = if twice {
                Text::new(format!("the field {field} stands there twice"), format!("字段 {field} 出现了两次"))
            } else {
                unknown(&field)
            };
            found.push((path, text));
        }
    }
    found
}

/// The manager and path of each conflict of a server-side apply; empty where it was refused for another reason.
pub(super) fn conflicts(said: &Said) -> Vec<(String, String)> {
    if said.status != 409 {
        return Vec::new();
    }
    said.causes()
        .into_iter()
        .filter(|(reason, ..)| *reason == "FieldManagerConflict")
        .map(|(_, field, message)| {
            let manager = message.split("conflict with \"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or("?");
            (manager.to_owned(), field.to_owned())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(status: u16, body: serde_json::Value) -> Said {
        Said { status, warnings: vec![], body }
    }

    fn object(kind: &str) -> ObjectRef {
        ObjectRef { api_version: "v1".into(), kind: kind.into(), namespace: Some("n".into()), name: "a".into() }
    }

    #[test]
    fn an_unknown_field_has_its_path_however_the_server_says_it() {
        for (status, message, path) in [
            (
                500,
                "failed to create typed patch object (n/a; apps/v1, Kind=Deployment): .spec.template.spec.contaners: field not declared in schema",
                "spec.template.spec.contaners",
            ),
            (
                400,
                "Deployment in version \"v1\" cannot be handled as a Deployment: strict decoding error: unknown field \"spec.replcas\"",
                "spec.replcas",
            ),
            (400, "strict decoding error: duplicate field \"spec.x\"", "spec.x"),
        ] {
            let found = problems(&said(status, json!({ "message": message })), &object("Deployment"));
            assert_eq!(found.len(), 1, "{message}");
            assert_eq!(found[0].0, path);
        }
    }

    #[test]
    fn causes_are_told_with_their_fields_and_a_secrets_without_words() {
        let body = json!({ "message": "canary", "details": { "causes": [
            { "reason": "FieldValueInvalid", "field": "spec.replicas", "message": "Invalid value: canary" } ] } });
        assert_eq!(problems(&said(422, body.clone()), &object("Pod"))[0].0, "spec.replicas");
        let found = format!("{:?}", problems(&said(422, body), &object("Secret")));
        assert!(found.contains("spec.replicas") && !found.contains("canary"), "{found}");
        assert!(!format!("{:?}", problems(&said(400, json!({ "message": "canary" })), &object("Secret"))).contains("canary"));
    }

    #[test]
    fn a_webhook_that_takes_no_dry_run_is_named() {
        let message = "admission webhook \"old.example.com\" does not support dry run";
        let found = problems(&said(400, json!({ "message": message })), &object("Secret"));
        assert_eq!(found.len(), 1);
        assert!(found[0].1.en.contains("old.example.com") && found[0].1.zh.contains("old.example.com"), "{found:?}");
    }

    #[test]
    fn conflicts_name_the_manager_and_the_field() {
        let body = json!({ "details": { "causes": [
            { "reason": "FieldManagerConflict", "field": ".spec.replicas", "message": "conflict with \"kubectl\" using apps/v1" } ] } });
        assert_eq!(conflicts(&said(409, body.clone())), [("kubectl".to_owned(), ".spec.replicas".to_owned())]);
        assert!(conflicts(&said(422, body)).is_empty());
    }
}
