//! Where a rollout stands, and what keeps its pods from being ready.

use std::time::Duration;

use domain::Json;
use domain::fault::{Fault, FaultKind};
use domain::manifest::{ObjectRef, Rollout, RolloutReason, RolloutTarget};
use domain::text::Text;

use super::fault;
use super::wire::Line;
use crate::fault::about;

/// Between two looks.
const PAUSE: Duration = Duration::from_secs(1);
/// Most reasons that are told.
const MOST: usize = 10;

/// Looks once, or again and again until it is done, has failed, or the time is over.
pub(super) async fn rollout(line: &Line<'_>, target: &RolloutTarget, wait: Option<Duration>) -> Result<Rollout, Fault> {
    let (kind, plural) = match target.kind.to_ascii_lowercase().as_str() {
        "deployment" | "deployments" | "deploy" => ("Deployment", "deployments"),
        "statefulset" | "statefulsets" | "sts" => ("StatefulSet", "statefulsets"),
        "daemonset" | "daemonsets" | "ds" => ("DaemonSet", "daemonsets"),
        other => {
            let other: String = other.chars().take(60).collect();
            return Err(about(
                line.cluster,
                FaultKind::Usage,
                "no_rollout",
                Text::new(format!("a {other} has no rollout"), format!("{other} 没有发布过程")),
                Text::new("Name a Deployment, a StatefulSet or a DaemonSet.", "请指定 Deployment、StatefulSet 或 DaemonSet。"),
            ));
        }
    };
    let namespace = target.namespace.clone().or_else(|| line.cluster.namespace.clone()).unwrap_or_else(|| "default".to_owned());
    let safe = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.'));
    if !safe(&namespace) || !safe(&target.name) {
        return Err(about(
            line.cluster,
            FaultKind::Usage,
            "bad_name",
            Text::new("no object has such a name or namespace", "没有对象会有这样的名称或命名空间"),
            Text::new("Write it as the cluster does.", "请按集群中的写法填写。"),
        ));
    }
    let object =
        ObjectRef { api_version: "apps/v1".into(), kind: kind.into(), namespace: Some(namespace.clone()), name: target.name.clone() };
    let path = format!("/apis/apps/v1/namespaces/{namespace}/{plural}/{}", target.name);
    let until = wait.map(|wait| tokio::time::Instant::now() + wait);
    loop {
        let said = line.get(&path).await?;
        if !said.agreed() {
            return Err(fault::refused(line.cluster, &said, "get", Some(&object)));
        }
        let mut now = standing(&object, &said.body);
        let over = until.is_none_or(|until| tokio::time::Instant::now() + PAUSE > until);
        if now.state == "done" {
            return Ok(now);
        }
        now.reasons = reasons(line, &namespace, &said.body).await?;
        if over || now.state == "failed" {
            return Ok(now);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// By its own status.
fn standing(object: &ObjectRef, live: &Json) -> Rollout {
    let number = |pointer: &str| live.pointer(pointer).and_then(Json::as_i64);
    let count = |field: &str| number(&format!("/status/{field}")).unwrap_or(0);
    let (wanted, updated, ready, all) = if object.kind == "DaemonSet" {
        let wanted = count("desiredNumberScheduled");
        (wanted, count("updatedNumberScheduled"), count("numberAvailable"), wanted)
    } else {
        let available = if object.kind == "Deployment" { "availableReplicas" } else { "readyReplicas" };
        (number("/spec/replicas").unwrap_or(1), count("updatedReplicas"), count(available), count("replicas"))
    };
    let seen = number("/status/observedGeneration").unwrap_or(0) >= number("/metadata/generation").unwrap_or(0);
    let conditions = live.pointer("/status/conditions").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    let late = conditions.iter().any(|one| one["type"] == "Progressing" && one["reason"] == "ProgressDeadlineExceeded");
    let text = |pointer: &str| live.pointer(pointer).and_then(Json::as_str).unwrap_or_default();
    // A StatefulSet of which only a part is to be renewed is done with that part.
    let partition = number("/spec/updateStrategy/rollingUpdate/partition").unwrap_or(0);
    let renewed = match object.kind.as_str() {
        "StatefulSet" if text("/spec/updateStrategy/type") == "OnDelete" => true,
        "StatefulSet" if partition > 0 => updated >= wanted - partition,
        "StatefulSet" => updated >= wanted || text("/status/updateRevision") == text("/status/currentRevision"),
        "DaemonSet" if text("/spec/updateStrategy/type") == "OnDelete" => true,
        _ => updated >= wanted,
    };
    let (state, en, zh) = if !seen {
        ("progressing", "its controller has not looked at it yet".to_owned(), "控制器尚未处理".to_owned())
    } else if late && updated.min(ready) < wanted {
        (
            "failed",
            format!("it made no progress in its time: {ready} of {wanted} pods are ready"),
            format!("未在期限内取得进展：{ready}/{wanted} 个 Pod 就绪"),
        )
    } else if renewed && ready >= wanted && all <= wanted {
        ("done", format!("all {wanted} pods are new and ready"), format!("全部 {wanted} 个 Pod 均已更新并就绪"))
    } else {
        (
            "progressing",
            format!("{updated} of {wanted} pods are new, {ready} are ready, {} are to go", (all - wanted).max(0)),
            format!("{updated}/{wanted} 个 Pod 已更新，{ready} 个就绪，{} 个待移除", (all - wanted).max(0)),
        )
    };
    Rollout {
        object: object.clone(),
        state: state.to_owned(),
        wanted,
        updated,
        ready,
        summary: Text::new(format!("{object}: {en}"), format!("{object}：{zh}")),
        reasons: Vec::new(),
    }
}

/// The label selector of a workload as a query.
pub(super) fn selector(live: &Json) -> String {
    let mut parts = Vec::new();
    if let Some(labels) = live.pointer("/spec/selector/matchLabels").and_then(Json::as_object) {
        parts.extend(labels.iter().map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())));
    }
    for one in live.pointer("/spec/selector/matchExpressions").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default() {
        let text = |key: &str| one.get(key).and_then(Json::as_str).unwrap_or_default();
        let values: Vec<&str> = one.get("values").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str).collect();
        match text("operator") {
            "In" => parts.push(format!("{} in ({})", text("key"), values.join(","))),
            "NotIn" => parts.push(format!("{} notin ({})", text("key"), values.join(","))),
            "Exists" => parts.push(text("key").to_owned()),
            "DoesNotExist" => parts.push(format!("!{}", text("key"))),
            _ => {}
        }
    }
    percent_encoding::utf8_percent_encode(&parts.join(","), percent_encoding::NON_ALPHANUMERIC).to_string()
}

async fn reasons(line: &Line<'_>, namespace: &str, live: &Json) -> Result<Vec<RolloutReason>, Fault> {
    let mut found = of_workload(live);
    let pods = line.get(&format!("/api/v1/namespaces/{namespace}/pods?labelSelector={}&limit=200", selector(live))).await?;
    // Who may not list pods still learns where the rollout stands.
    for pod in pods.body.get("items").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default() {
        let mut of_it = of_pod(pod);
        for reason in of_it.iter_mut().filter(|reason| reason.message.is_empty() || reason.reason.ends_with("BackOff")) {
            if let Some(words) = warned(line, namespace, &reason.pod, &reason.reason).await? {
                reason.message = words;
            }
        }
        for reason in of_it {
            // Ten pods with one trouble are one trouble.
            let known = found.iter().any(|one| one.reason == reason.reason && one.container == reason.container);
            if !known && found.len() < MOST {
                found.push(reason);
            }
        }
    }
    Ok(found)
}

/// What keeps pods from being made at all: a quota, an admission rule.
fn of_workload(live: &Json) -> Vec<RolloutReason> {
    let conditions = live.pointer("/status/conditions").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    let failed = conditions.iter().filter(|one| one["type"] == "ReplicaFailure" && one["status"] == "True");
    let text = |one: &Json, key: &str| words(one.get(key).and_then(Json::as_str).unwrap_or_default());
    failed
        .map(|one| RolloutReason { pod: String::new(), container: None, reason: text(one, "reason"), message: text(one, "message") })
        .collect()
}

fn words(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(500).collect()
}

/// What a pod's own status says against it.
fn of_pod(pod: &Json) -> Vec<RolloutReason> {
    let name = pod.pointer("/metadata/name").and_then(Json::as_str).unwrap_or_default();
    let mut found = Vec::new();
    let mut add = |container: Option<&str>, reason: &str, message: &str| {
        let container = container.map(str::to_owned);
        found.push(RolloutReason { pod: name.to_owned(), container, reason: words(reason), message: words(message) });
    };
    let list = |pointer: &str| pod.pointer(pointer).and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    for condition in list("/status/conditions") {
        let text = |key: &str| condition.get(key).and_then(Json::as_str).unwrap_or_default();
        if text("type") == "PodScheduled" && text("status") == "False" {
            add(None, text("reason"), text("message"));
        }
    }
    for status in list("/status/initContainerStatuses").iter().chain(list("/status/containerStatuses")) {
        let text = |pointer: &str| status.pointer(pointer).and_then(Json::as_str).unwrap_or_default();
        let container = Some(text("/name"));
        let waits = text("/state/waiting/reason");
        if !matches!(waits, "" | "PodInitializing" | "ContainerCreating") {
            let message = text("/state/waiting/message");
            let ended = status.pointer("/lastState/terminated/exitCode").and_then(Json::as_i64);
            let ended = ended.map(|code| format!(" (it ended with exit code {code} {})", text("/lastState/terminated/reason")));
            add(container, waits, format!("{message}{}", ended.unwrap_or_default()).trim());
        } else if let Some(code) = status.pointer("/state/terminated/exitCode").and_then(Json::as_i64).filter(|code| *code != 0) {
            add(container, text("/state/terminated/reason"), &format!("it ended with exit code {code}"));
        }
    }
    found
}

/// The newest warning that the cluster wrote about a pod, for what keeps it from being ready.
async fn warned(line: &Line<'_>, namespace: &str, pod: &str, reason: &str) -> Result<Option<String>, Fault> {
    let query = format!("involvedObject.name={pod},type=Warning");
    let query = percent_encoding::utf8_percent_encode(&query, percent_encoding::NON_ALPHANUMERIC).to_string();
    let said = line.get(&format!("/api/v1/namespaces/{namespace}/events?fieldSelector={query}&limit=50")).await?;
    let events = said.body.get("items").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    let text = |event: &Json, key: &str| event.get(key).and_then(Json::as_str).unwrap_or_default().to_owned();
    // "Back-off pulling image" repeats the state; why the pull failed is another event.
    let telling = |event: &&Json| !text(event, "message").starts_with("Back-off") && !text(event, "message").starts_with("Error: ");
    let fits = |event: &&Json| match reason {
        "Unschedulable" => text(event, "reason") == "FailedScheduling",
        "CrashLoopBackOff" => false,
        _ => true,
    };
    let mut told: Vec<&Json> = events.iter().filter(telling).filter(fits).collect();
    told.sort_by_key(|event| text(event, "lastTimestamp"));
    Ok(told.last().map(|event| words(&text(event, "message"))))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn state(kind: &str, live: Json) -> String {
        let object = ObjectRef { api_version: "apps/v1".into(), kind: kind.into(), namespace: Some("n".into()), name: "x".into() };
        standing(&object, &live).state
    }

    #[test]
    fn a_rollout_is_done_when_all_that_is_wanted_is_new_and_ready_and_nothing_old_is_left() {
        for (kind, live, expected) in [
            (
                "Deployment",
                json!({ "metadata": { "generation": 2 }, "spec": { "replicas": 2 }, "status": { "observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2 } }),
                "progressing",
            ),
            (
                "Deployment",
                json!({ "metadata": { "generation": 2 }, "spec": { "replicas": 2 }, "status": { "observedGeneration": 2, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2 } }),
                "done",
            ),
            (
                "Deployment",
                json!({ "spec": { "replicas": 2 }, "status": { "replicas": 3, "updatedReplicas": 2, "availableReplicas": 2 } }),
                "progressing",
            ),
            (
                "Deployment",
                json!({ "spec": { "replicas": 2 }, "status": { "replicas": 2, "updatedReplicas": 1, "availableReplicas": 1, "conditions": [{ "type": "Progressing", "reason": "ProgressDeadlineExceeded" }] } }),
                "failed",
            ),
            ("Deployment", json!({ "spec": { "replicas": 0 }, "status": {} }), "done"),
            (
                "StatefulSet",
                json!({ "spec": { "replicas": 2 }, "status": { "replicas": 2, "readyReplicas": 2, "updatedReplicas": 1, "updateRevision": "b", "currentRevision": "a" } }),
                "progressing",
            ),
            (
                "StatefulSet",
                json!({ "spec": { "replicas": 2 }, "status": { "replicas": 2, "readyReplicas": 2, "updateRevision": "a", "currentRevision": "a" } }),
                "done",
            ),
            (
                "DaemonSet",
                json!({ "status": { "desiredNumberScheduled": 3, "updatedNumberScheduled": 2, "numberAvailable": 3 } }),
                "progressing",
            ),
            ("DaemonSet", json!({ "status": { "desiredNumberScheduled": 3, "updatedNumberScheduled": 3, "numberAvailable": 3 } }), "done"),
        ] {
            assert_eq!(state(kind, live.clone()), expected, "{kind} {live}");
        }
    }

    #[test]
    fn a_pod_says_why_it_is_not_ready() {
        let pod = json!({ "metadata": { "name": "p" }, "status": {
            "conditions": [{ "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes" }],
            "containerStatuses": [
                { "name": "a", "state": { "waiting": { "reason": "ImagePullBackOff", "message": "Back-off" } } },
                { "name": "b", "state": { "waiting": { "reason": "CrashLoopBackOff", "message": "back-off" } }, "lastState": { "terminated": { "exitCode": 3, "reason": "Error" } } },
                { "name": "c", "state": { "waiting": { "reason": "ContainerCreating" } } },
                { "name": "d", "state": { "running": {} } },
            ] } });
        let found = of_pod(&pod);
        let told: Vec<_> = found.iter().map(|one| (one.container.as_deref(), one.reason.as_str())).collect();
        assert_eq!(told, [(None, "Unschedulable"), (Some("a"), "ImagePullBackOff"), (Some("b"), "CrashLoopBackOff")]);
        assert!(found[2].message.contains("exit code 3 Error"));
    }

    #[test]
    fn a_selector_is_written_as_a_query() {
        let live = json!({ "spec": { "selector": { "matchLabels": { "a": "b" }, "matchExpressions": [{ "key": "c", "operator": "In", "values": ["d", "e"] }] } } });
        assert_eq!(selector(&live), "a%3Db%2Cc%20in%20%28d%2Ce%29");
    }
}
