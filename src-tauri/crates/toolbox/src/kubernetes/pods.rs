//! Pods: the list, one in full, and its logs.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use domain::Json;
use domain::fault::Fault;
use domain::kube::{EventQuery, EventRow, LogPart, LogQuery, LogSink, MASKED};
use serde_json::json;

use super::{Ask, at, each, map, number};

/// So many bytes of a log are answered: the last ones.
const LOG: usize = 1024 * 1024;

impl Ask<'_> {
    pub(super) async fn pods(&self) -> Result<Json, Fault> {
        let found = self.objects("pods.v1").await?;
        let mut counts: serde_json::Map<String, Json> =
            ["Running", "Pending", "Succeeded", "Failed", "Unknown"].into_iter().map(|phase| (phase.to_owned(), 0.into())).collect();
        for pod in &found.items {
            let phase = pod.pointer("/status/phase").and_then(Json::as_str).unwrap_or("Unknown");
            let phase = if counts.contains_key(phase) { phase } else { "Unknown" };
            let before = counts.get(phase).and_then(Json::as_u64).unwrap_or(0);
            counts.insert(phase.to_owned(), (before + 1).into());
        }
        let pods: Vec<Json> = found.items.iter().map(|pod| self.pod(pod)).collect();
        Ok(json!({
            "summary": { "namespace": self.place(), "total_pods": pods.len(), "status_summary": counts, "truncated": found.more },
            "pods": pods,
        }))
    }

    fn pod(&self, pod: &Json) -> Json {
        let statuses = each(pod, "/status/containerStatuses");
        let specs = each(pod, "/spec/containers");
        let containers: Vec<Json> = specs
            .iter()
            .map(|spec| {
                let status = statuses.iter().find(|status| status.get("name") == spec.get("name")).unwrap_or(&Json::Null);
                json!({
                    "name": at(spec, "/name"), "image": at(spec, "/image"),
                    "ready": status.get("ready").and_then(Json::as_bool).unwrap_or(false), "restarts": number(status, "/restartCount"),
                })
            })
            .collect();
        let ready = containers.iter().filter(|container| container["ready"] == true).count();
        let restarts: u64 = containers.iter().map(|container| number(container, "/restarts")).sum();
        json!({
            "name": at(pod, "/metadata/name"), "namespace": at(pod, "/metadata/namespace"), "status": at(pod, "/status/phase"),
            "ready": format!("{ready}/{}", containers.len()), "restarts": restarts, "age": self.age(pod), "node": at(pod, "/spec/nodeName"),
            "ip": at(pod, "/status/podIP"), "containers": containers,
        })
    }

    pub(super) async fn logs(&self) -> Result<Json, Fault> {
        let lines = self.args.whole("lines");
        let query = LogQuery {
            namespace: self.args.text("namespace").map(str::to_owned),
            container: self.args.text("container").map(str::to_owned),
            previous: self.args.flag("previous"),
            tail: Some(lines),
            ..LogQuery::pod(self.args.must("pod_name"))
        };
        let kept = Kept::default();
        self.on.kube.logs(self.cluster, &query, &kept).await?;
        let kept = kept.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(json!({
            "pod_name": self.args.must("pod_name"), "namespace": self.place(), "container": kept.container, "lines": kept.lines.len(),
            "content": kept.lines.into_iter().collect::<Vec<_>>().join("\n"), "truncated": kept.dropped,
        }))
    }

    pub(super) async fn describe_pod(&self) -> Result<Json, Fault> {
        let name = self.args.must("pod_name");
        let pod = self.object("pods.v1", name).await?;
        let events = self.events_about("pods.v1", name).await?;
        let statuses = each(&pod, "/status/containerStatuses");
        let containers: Vec<Json> = each(&pod, "/spec/containers")
            .iter()
            .map(|spec| {
                let status = statuses.iter().find(|status| status.get("name") == spec.get("name")).unwrap_or(&Json::Null);
                let ports: Vec<Json> = each(spec, "/ports")
                    .iter()
                    .map(|port| json!({ "name": at(port, "/name"), "port": at(port, "/containerPort"), "protocol": at(port, "/protocol") }))
                    .collect();
                json!({
                    "name": at(spec, "/name"), "image": at(spec, "/image"), "command": at(spec, "/command"), "args": at(spec, "/args"),
                    "ports": ports, "env": each(spec, "/env").iter().map(variable).collect::<Vec<_>>(),
                    "resources": { "limits": map(spec, "/resources/limits"), "requests": map(spec, "/resources/requests") },
                    "status": {
                        "ready": status.get("ready").and_then(Json::as_bool).unwrap_or(false), "restart_count": number(status, "/restartCount"),
                        "image": at(status, "/image"), "image_id": at(status, "/imageID"), "state": map(status, "/state"),
                    },
                })
            })
            .collect();
        let conditions: Vec<Json> = each(&pod, "/status/conditions")
            .iter()
            .map(|one| {
                json!({ "type": at(one, "/type"), "status": at(one, "/status"), "reason": at(one, "/reason"), "message": at(one, "/message"),
                        "last_transition_time": at(one, "/lastTransitionTime") })
            })
            .collect();
        let mut annotations = map(&pod, "/metadata/annotations");
        if let Some(annotations) = annotations.as_object_mut() {
            // It repeats the whole object, the values of its variables too.
            annotations.shift_remove("kubectl.kubernetes.io/last-applied-configuration");
        }
        Ok(json!({
            "pod_name": name, "namespace": at(&pod, "/metadata/namespace"), "status": at(&pod, "/status/phase"), "node": at(&pod, "/spec/nodeName"),
            "ip": at(&pod, "/status/podIP"), "start_time": at(&pod, "/status/startTime"), "labels": map(&pod, "/metadata/labels"),
            "annotations": annotations, "containers": containers, "conditions": conditions,
            "volumes": each(&pod, "/spec/volumes").iter().map(volume).collect::<Vec<_>>(),
            "events": events.iter().map(brief).collect::<Vec<_>>(),
        }))
    }

    /// What happened to an object, newest first.
    pub(super) async fn events_about(&self, kind: &str, name: &str) -> Result<Vec<EventRow>, Fault> {
        let query = EventQuery { scope: self.args.scope(), about: Some((kind.to_owned(), name.to_owned())), types: Vec::new() };
        let mut rows = self.on.kube.events(self.cluster, &query).await?;
        rows.reverse();
        Ok(rows)
    }
}

/// An event of an object that is known.
pub(super) fn brief(row: &EventRow) -> Json {
    json!({ "type": row.kind, "reason": row.reason, "message": row.message, "first_time": row.first_at, "last_time": row.last_at, "count": row.count })
}

/// A variable. One that comes from elsewhere says from where; one whose name says that it is secret does not say its value.
fn variable(spec: &Json) -> Json {
    let name = spec.get("name").and_then(Json::as_str).unwrap_or_default();
    if let Some(from) = spec.get("valueFrom") {
        let key = |what: &str, sort: &str| from.get(what).map(|from| format!("{sort} {}, key {}", word(from, "name"), word(from, "key")));
        let from = key("secretKeyRef", "secret")
            .or_else(|| key("configMapKeyRef", "configmap"))
            .or_else(|| from.get("fieldRef").map(|from| format!("field {}", word(from, "fieldPath"))))
            .or_else(|| from.get("resourceFieldRef").map(|from| format!("resource {}", word(from, "resource"))));
        return json!({ "name": name, "value": Json::Null, "value_from": from });
    }
    let upper = name.to_ascii_uppercase();
    let secret = ["PASSWORD", "PASSWD", "SECRET", "TOKEN", "APIKEY", "API_KEY", "ACCESS_KEY", "PRIVATE_KEY", "CREDENTIAL"];
    let value = match spec.get("value").and_then(Json::as_str) {
        Some(value) if !value.is_empty() && secret.iter().any(|word| upper.contains(word)) => Json::from(MASKED),
        value => value.unwrap_or_default().into(),
    };
    json!({ "name": name, "value": value })
}

fn word<'a>(object: &'a Json, field: &str) -> &'a str {
    object.get(field).and_then(Json::as_str).unwrap_or_default()
}

/// A volume: its name, its sort, and what that sort says.
fn volume(spec: &Json) -> Json {
    let mut out = json!({ "name": at(spec, "/name"), "type": Json::Null });
    if let Some((sort, facts)) = spec.as_object().and_then(|fields| fields.iter().find(|(field, _)| *field != "name")) {
        out["type"] = sort.as_str().into();
        out[sort.as_str()] = facts.clone();
    }
    out
}

#[derive(Debug, Default)]
struct Last {
    container: Option<String>,
    lines: VecDeque<String>,
    bytes: usize,
    dropped: bool,
}

/// Keeps the last lines within bounds.
#[derive(Debug, Default)]
struct Kept(Mutex<Last>);

#[async_trait]
impl LogSink for Kept {
    async fn part(&self, part: LogPart) -> bool {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match part {
            LogPart::Sources(sources) => kept.container = sources.into_iter().next().map(|source| source.container),
            LogPart::Line(line) => {
                let text = line.at.map_or(line.text.clone(), |at| format!("{at} {}", line.text));
                kept.bytes += text.len() + 1;
                kept.lines.push_back(text);
                while kept.bytes > LOG {
                    let Some(first) = kept.lines.pop_front() else { break };
                    kept.bytes -= first.len() + 1;
                    kept.dropped = true;
                }
            }
            LogPart::Note(_) => {}
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_never_says_a_secret() {
        assert_eq!(variable(&json!({ "name": "A", "value": "x" })), json!({ "name": "A", "value": "x" }));
        assert_eq!(variable(&json!({ "name": "DB_PASSWORD", "value": "hunter2" }))["value"], MASKED);
        assert_eq!(variable(&json!({ "name": "github_token", "value": "hunter2" }))["value"], MASKED);
        let from = variable(&json!({ "name": "P", "valueFrom": { "secretKeyRef": { "name": "s", "key": "k" } } }));
        assert_eq!(from, json!({ "name": "P", "value": null, "value_from": "secret s, key k" }));
    }

    #[test]
    fn a_volume_says_its_sort() {
        let out = volume(&json!({ "name": "v", "secret": { "secretName": "s" } }));
        assert_eq!(out, json!({ "name": "v", "type": "secret", "secret": { "secretName": "s" } }));
    }

    #[tokio::test]
    async fn a_log_that_is_too_long_keeps_its_end() {
        let kept = Kept::default();
        let source = domain::kube::LogSource { namespace: "a".into(), pod: "p".into(), container: "c".into() };
        for nth in 0..40 {
            let line = domain::kube::LogLine { source: source.clone(), at: None, text: format!("{nth:0>65535}") };
            assert!(kept.part(LogPart::Line(line)).await);
        }
        let kept = kept.0.into_inner().unwrap();
        assert!(kept.dropped && kept.bytes <= LOG && kept.lines.len() == 16, "{} {}", kept.lines.len(), kept.bytes);
        assert!(kept.lines.back().unwrap().ends_with("39"));
    }
}
