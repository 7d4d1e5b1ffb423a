//! Emptying a node: no new pods, and those that are there are asked to go through the eviction API, which keeps disruption budgets.
//!
//! **Invariant:** what nobody would make again, and data that would be lost, is not touched unless that was said; when something of the
//! kind is there, nothing is changed at all.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use domain::Json;
use domain::act::{ActIo, ActStep, ActTarget, Deed, Done, DrainOrder, Foresight, PodFate};
use domain::fault::{Fault, FaultKind};
use domain::kube::segment;
use domain::manifest::ObjectRef;
use domain::text::Text;
use futures::StreamExt as _;
use serde_json::json;
use tokio::time::Instant;

use super::super::wire::{Line, Mode};
use super::super::{Changes, fault};
use super::carried_out;
use super::plan::{Plan, plan};
use crate::fault::about;

/// So many pods are asked to go at once.
const AT_ONCE: usize = 8;
/// Between two tries of what a budget holds back.
const AGAIN: Duration = Duration::from_secs(5);
/// Between two looks at a pod that ends.
const LOOK: Duration = Duration::from_secs(1);
/// So many evictions are tried beforehand, to tell what a budget holds back.
const TRIED: usize = 50;

/// A pod that is to go.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Pod {
    namespace: String,
    name: String,
    uid: String,
    /// Whether it goes already.
    ending: bool,
}

impl Pod {
    fn path(&self) -> String {
        format!("/api/v1/namespaces/{}/pods/{}", segment(&self.namespace), segment(&self.name))
    }

    fn fate(&self, fate: &str, why: Text) -> PodFate {
        PodFate { namespace: self.namespace.clone(), name: self.name.clone(), fate: fate.to_owned(), why }
    }

    fn eviction(&self, version: &str, order: &DrainOrder) -> Json {
        let mut body = json!({ "apiVersion": version, "kind": "Eviction", "metadata": { "name": self.name, "namespace": self.namespace },
            "deleteOptions": { "preconditions": { "uid": self.uid } } });
        if let Some(grace) = order.grace_seconds {
            body["deleteOptions"]["gracePeriodSeconds"] = grace.into();
        }
        body
    }
}

/// Pods of a node, by what becomes of them.
#[derive(Debug, Default, PartialEq, Eq)]
struct Sorted {
    go: Vec<Pod>,
    stay: Vec<PodFate>,
    refused: Vec<PodFate>,
}

/// The controller that owns a pod: kind and name.
fn controller(pod: &Json) -> Option<(&str, &str)> {
    let owners = pod.pointer("/metadata/ownerReferences")?.as_array()?;
    let owner = owners.iter().find(|owner| owner.get("controller") == Some(&Json::Bool(true)))?;
    Some((owner.get("kind")?.as_str()?, owner.get("name")?.as_str()?))
}

/// Sorts them. `daemons` are DaemonSets that are there: namespace and name.
fn sorted(pods: &[Json], daemons: &BTreeSet<(String, String)>, order: &DrainOrder) -> Sorted {
    let mut sorted = Sorted::default();
    for pod in pods {
        let text = |key: &str| pod["metadata"][key].as_str().unwrap_or_default().to_owned();
        let one = Pod {
            namespace: text("namespace"),
            name: text("name"),
            uid: text("uid"),
            ending: pod["metadata"]["deletionTimestamp"].is_string(),
        };
        let mirror = pod.pointer("/metadata/annotations").is_some_and(|all| all.get("kubernetes.io/config.mirror").is_some());
        if mirror {
            sorted.stay.push(one.fate("skip", Text::new("its node makes it from a file", "由节点根据静态文件创建")));
            continue;
        }
        let owner = controller(pod);
        if let Some(("DaemonSet", name)) = owner
            && daemons.contains(&(one.namespace.clone(), name.to_owned()))
        {
            sorted.stay.push(one.fate(
                "skip",
                Text::new(format!("the DaemonSet {name} runs it on every node"), format!("由 DaemonSet {name} 在每个节点上运行")),
            ));
            continue;
        }
        let finished = matches!(pod.pointer("/status/phase").and_then(Json::as_str), Some("Succeeded" | "Failed"));
        let orphan = owner.is_none_or(|(kind, _)| kind == "DaemonSet");
        if orphan && !finished && !one.ending && !order.force {
            sorted.refused.push(one.fate(
                "refuse",
                Text::new("no controller would make it again (say force to lose it)", "没有控制器会重建它（指定 force 才会删除）"),
            ));
            continue;
        }
        let volumes = pod.pointer("/spec/volumes").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
        let local =
            volumes.iter().any(|volume| volume.get("emptyDir").is_some_and(|at| at.get("medium").and_then(Json::as_str) != Some("Memory")));
        if local && !finished && !one.ending && !order.delete_emptydir_data {
            sorted.refused.push(one.fate(
                "refuse",
                Text::new(
                    "its emptyDir data would be lost (say delete_emptydir_data to lose it)",
                    "其 emptyDir 数据会丢失（指定 delete_emptydir_data 才会删除）",
                ),
            ));
            continue;
        }
        sorted.go.push(one);
    }
    sorted
}

async fn on_node(line: &Line<'_>, node: &ObjectRef) -> Result<Vec<Json>, Fault> {
    let mut pods = Vec::new();
    let mut next = String::new();
    loop {
        let said = line.get(&format!("/api/v1/pods?fieldSelector=spec.nodeName%3D{}&limit=500{next}", segment(&node.name))).await?;
        if !said.agreed() {
            return Err(fault::refused(line.cluster, &said, "list the pods of", Some(node)));
        }
        pods.extend(said.body.get("items").and_then(Json::as_array).cloned().unwrap_or_default());
        match said.body.pointer("/metadata/continue").and_then(Json::as_str).filter(|token| !token.is_empty()) {
            Some(token) => {
                next = format!("&continue={}", percent_encoding::utf8_percent_encode(token, percent_encoding::NON_ALPHANUMERIC));
            }
            None => return Ok(pods),
        }
    }
}

/// Of the DaemonSets that pods name, those that are there.
async fn daemons(line: &Line<'_>, pods: &[Json]) -> Result<BTreeSet<(String, String)>, Fault> {
    let named: BTreeSet<(String, String)> = pods
        .iter()
        .filter_map(|pod| match controller(pod) {
            Some(("DaemonSet", name)) => Some((pod["metadata"]["namespace"].as_str()?.to_owned(), name.to_owned())),
            _ => None,
        })
        .collect();
    let mut there = BTreeSet::new();
    for (namespace, name) in named {
        let said = line.get(&format!("/apis/apps/v1/namespaces/{}/daemonsets/{}", segment(&namespace), segment(&name))).await?;
        // Whoever may not see it takes the pod's word.
        if said.agreed() || said.status == 403 {
            there.insert((namespace, name));
        }
    }
    Ok(there)
}

/// Which version of an eviction the server takes.
async fn version(line: &Line<'_>) -> Result<String, Fault> {
    let said = line.get("/api/v1").await?;
    let resources = said.body.get("resources").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    let served = resources.iter().find(|one| one["name"] == "pods/eviction").and_then(|one| one["version"].as_str());
    Ok(format!("policy/{}", served.unwrap_or("v1")))
}

/// The cordon, and the pods.
async fn looked(changes: &Changes, line: &Line<'_>, target: &ActTarget, order: &DrainOrder) -> Result<(Plan, Sorted), Fault> {
    let plan = plan(changes, line, &Deed::Cordon { target: target.clone(), on: true }).await?;
    let pods = on_node(line, &plan.object).await?;
    let sorted = sorted(&pods, &daemons(line, &pods).await?, order);
    if sorted.refused.is_empty() {
        return Ok((plan, sorted));
    }
    let list = |chinese: bool| {
        let one = |pod: &PodFate| format!("{}/{}: {}", pod.namespace, pod.name, if chinese { &pod.why.zh } else { &pod.why.en });
        sorted.refused.iter().take(10).map(one).collect::<Vec<_>>().join("; ")
    };
    let node = &plan.object.name;
    Err(about(
        line.cluster,
        FaultKind::Denied,
        "drain_refused",
        Text::new(format!("the node {node} was left alone: {}", list(false)), format!("未对节点 {node} 作任何更改：{}", list(true))),
        Text::new("Move these pods, or say that they may be lost.", "请先迁移这些 Pod，或明确允许丢失。"),
    )
    .with_params(json!({ "node": node, "pods": sorted.refused })))
}

/// What draining would do.
pub(super) async fn foresee(changes: &Changes, line: &Line<'_>, target: &ActTarget, order: &DrainOrder) -> Result<Foresight, Fault> {
    let (mut plan, sorted) = looked(changes, line, target, order).await?;
    let seen = plan.seen();
    let would_be = plan.tried(line).await?;
    let version = version(line).await?;
    let some: Vec<Pod> = sorted.go.iter().filter(|pod| !pod.ending).take(TRIED).cloned().collect();
    let tried = futures::stream::iter(some).map(|pod| {
        let body = pod.eviction(&version, order);
        async move {
            let said = line.evict(&pod.path(), &body, Mode::Try).await;
            (pod, said)
        }
    });
    let tried: Vec<_> = tried.buffer_unordered(AT_ONCE).collect().await;
    for (pod, said) in tried {
        let said = said?;
        let Pod { namespace, name, .. } = &pod;
        match said.status {
            429 => plan.warnings.push(Text::new(
                format!("{namespace}/{name} may not go now: {}", said.text("/message")),
                format!("{namespace}/{name} 目前不能驱逐：{}", said.text("/message")),
            )),
            403 => {
                let pod =
                    ObjectRef { api_version: "v1".into(), kind: "Pod".into(), namespace: Some(namespace.clone()), name: name.clone() };
                return Err(fault::refused(line.cluster, &said, "evict", Some(&pod)));
            }
            _ => {}
        }
    }
    let go = sorted.go.iter().map(|pod| pod.fate("evict", Text::new("it goes elsewhere", "将迁往其他节点")));
    Ok(Foresight {
        seen,
        changes: plan.told(would_be.as_ref()).into_iter().collect(),
        undone_by: vec![],
        pods: go.chain(sorted.stay).collect(),
        warnings: plan.warnings,
    })
}

/// Drains.
pub(super) async fn drain(
    changes: &Changes,
    line: &Line<'_>,
    target: &ActTarget,
    order: &DrainOrder,
    seen: Option<&str>,
    io: &ActIo,
) -> Result<Done, Fault> {
    let until = Instant::now() + order.timeout;
    let (mut plan, sorted) = looked(changes, line, target, order).await?;
    plan.check(seen)?;
    let version = version(line).await?;
    let mut done = carried_out(changes, line, &mut plan).await?;
    let (gone, of) = (AtomicUsize::new(0), sorted.go.len());
    let going = futures::stream::iter(sorted.go).map(|pod| {
        let (gone, version) = (&gone, &version);
        async move {
            let fate = go(line, &pod, version, order, until, io).await;
            let done = gone.fetch_add(1, Ordering::Relaxed) + 1;
            io.tell(ActStep { done, of, what: format!("{}/{}: {}", pod.namespace, pod.name, fate.fate) });
            fate
        }
    });
    done.pods = going.buffer_unordered(AT_ONCE).collect().await;
    done.pods.sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
    let left: Vec<&PodFate> = done.pods.iter().filter(|pod| pod.fate == "left").collect();
    if !left.is_empty() {
        return Err(incomplete(line, &plan.object.name, &done, &left, io.cancel.is_cancelled()));
    }
    done.pods.extend(sorted.stay);
    Ok(done)
}

fn incomplete(line: &Line<'_>, node: &str, done: &Done, left: &[&PodFate], cancelled: bool) -> Fault {
    let list = |chinese: bool| {
        let one = |pod: &&PodFate| format!("{}/{}: {}", pod.namespace, pod.name, if chinese { &pod.why.zh } else { &pod.why.en });
        left.iter().take(10).map(one).collect::<Vec<_>>().join("; ")
    };
    let (here, all) = (left.len(), done.pods.len());
    about(
        line.cluster,
        if cancelled { FaultKind::Cancelled } else { FaultKind::Timeout },
        "drain_incomplete",
        Text::new(
            format!("the node {node} takes no new pods, and {here} of {all} pods are still there: {}", list(false)),
            format!("节点 {node} 已停止调度，但仍有 {here}/{all} 个 Pod 未离开：{}", list(true)),
        ),
        Text::new(
            "Look at what holds them, then drain again; or let new pods come again (uncordon).",
            "请查看原因后重新驱逐；或恢复调度（uncordon）。",
        ),
    )
    .with_params(json!({ "node": node, "pods": done.pods, "undoId": done.undo_id }))
}

/// Asks one pod to go, again and again while its budget holds it back, and waits until it is gone.
async fn go(line: &Line<'_>, pod: &Pod, version: &str, order: &DrainOrder, until: Instant, io: &ActIo) -> PodFate {
    let rest = |time: Duration| async move {
        tokio::select! {
            () = io.cancel.cancelled() => {}
            () = tokio::time::sleep_until(until.min(Instant::now() + time)) => {}
        }
    };
    let over = |why: &str| {
        if io.cancel.is_cancelled() {
            Some(Text::new("it was given up", "已放弃"))
        } else if Instant::now() >= until {
            Some(Text::new(format!("the time is over ({why})"), format!("已超时（{why}）")))
        } else {
            None
        }
    };
    let mut why = "not asked yet".to_owned();
    if !pod.ending {
        loop {
            if let Some(why) = over(&why) {
                return pod.fate("left", why);
            }
            match line.evict(&pod.path(), &pod.eviction(version, order), Mode::Do).await {
                Ok(said) if said.agreed() => break,
                // Another pod has its name now, or none.
                Ok(said) if matches!(said.status, 404 | 409) => return pod.fate("gone", Text::new("it was gone already", "已不存在")),
                Ok(said) if said.status == 429 => {
                    said.text("/message").clone_into(&mut why);
                    rest(AGAIN).await;
                }
                Ok(said) => {
                    let object = ObjectRef {
                        api_version: "v1".into(),
                        kind: "Pod".into(),
                        namespace: Some(pod.namespace.clone()),
                        name: pod.name.clone(),
                    };
                    return pod.fate("left", fault::refused(line.cluster, &said, "evict", Some(&object)).message);
                }
                Err(fault) => return pod.fate("left", fault.message),
            }
        }
    }
    loop {
        match line.get(&pod.path()).await {
            Ok(said) if said.status == 404 || (said.agreed() && said.body["metadata"]["uid"] != pod.uid.as_str()) => {
                return pod.fate("evicted", Text::new("it went", "已驱逐"));
            }
            Err(fault) => return pod.fate("left", fault.message),
            Ok(_) => {}
        }
        if let Some(why) = over("it is still ending") {
            return pod.fate("left", why);
        }
        rest(LOOK).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GENTLE: DrainOrder =
        DrainOrder { force: false, delete_emptydir_data: false, grace_seconds: None, timeout: Duration::from_secs(1) };

    fn pod(name: &str, owner: Option<(&str, &str)>, more: &Json) -> Json {
        let mut pod = json!({ "metadata": { "namespace": "n", "name": name, "uid": name } });
        if let Some((kind, name)) = owner {
            pod["metadata"]["ownerReferences"] = json!([{ "kind": kind, "name": name, "controller": true }]);
        }
        for (key, value) in more.as_object().unwrap() {
            for (inner, value) in value.as_object().unwrap() {
                pod[key][inner] = value.clone();
            }
        }
        pod
    }

    #[test]
    fn what_nobody_makes_again_and_what_would_lose_data_is_refused_unless_that_is_said() {
        let owner = Some(("ReplicaSet", "r"));
        let empty = json!({ "spec": { "volumes": [{ "emptyDir": {} }] } });
        let memory = json!({ "spec": { "volumes": [{ "emptyDir": { "medium": "Memory" } }] } });
        let ended = json!({ "status": { "phase": "Succeeded" } });
        let none = json!({});
        let daemons = BTreeSet::from([("n".to_owned(), "d".to_owned())]);
        let force = DrainOrder { force: true, ..GENTLE };
        let lose = DrainOrder { delete_emptydir_data: true, ..GENTLE };
        for (pod, order, went) in [
            (pod("a", owner, &none), GENTLE, "go"),
            (pod("a", None, &none), GENTLE, "refused"),
            (pod("a", None, &none), force, "go"),
            (pod("a", None, &ended), GENTLE, "go"),
            (pod("a", owner, &empty), GENTLE, "refused"),
            (pod("a", owner, &empty), force, "refused"),
            (pod("a", owner, &empty), lose, "go"),
            (pod("a", owner, &memory), GENTLE, "go"),
            (pod("a", Some(("DaemonSet", "d")), &empty), GENTLE, "stay"),
            (pod("a", Some(("DaemonSet", "gone")), &none), GENTLE, "refused"),
            (pod("a", None, &json!({ "metadata": { "annotations": { "kubernetes.io/config.mirror": "x" } } })), force, "stay"),
        ] {
            let sorted = sorted(std::slice::from_ref(&pod), &daemons, &order);
            let is = [("go", sorted.go.len()), ("stay", sorted.stay.len()), ("refused", sorted.refused.len())];
            assert_eq!(is.iter().find(|(_, count)| *count == 1).unwrap().0, went, "{pod} {order:?}");
        }
    }
}
