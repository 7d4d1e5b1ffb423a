//! The templates that a workload had: ReplicaSets of a Deployment, ControllerRevisions of a StatefulSet or a DaemonSet.

use domain::Json;
use domain::act::{ActTarget, Revision};
use domain::fault::{Fault, FaultKind};
use domain::manifest::ObjectRef;
use domain::text::Text;
use serde_json::json;

use super::super::fault;
use super::super::rollout::selector;
use super::super::wire::Line;
use super::plan::place;
use crate::fault::about;

const REVISION: &str = "deployment.kubernetes.io/revision";
const CAUSE: &str = "kubernetes.io/change-cause";
/// What a controller adds to a template that it keeps.
const HASH: &str = "pod-template-hash";

/// One that is kept, with its template.
struct Kept {
    revision: u64,
    name: String,
    made_at: Option<String>,
    cause: Option<String>,
    template: Json,
}

/// Only three kinds are rolled out.
pub(super) fn must_roll_out(line: &Line<'_>, object: &ObjectRef, code: &str) -> Result<(), Fault> {
    if object.api_version.starts_with("apps/") && matches!(object.kind.as_str(), "Deployment" | "StatefulSet" | "DaemonSet") {
        return Ok(());
    }
    let kind = &object.kind;
    Err(about(
        line.cluster,
        FaultKind::Usage,
        code,
        Text::new(format!("a {kind} is not rolled out"), format!("{kind} 没有发布过程")),
        Text::new("Name a Deployment, a StatefulSet or a DaemonSet.", "请指定 Deployment、StatefulSet 或 DaemonSet。"),
    ))
}

fn annotation<'o>(object: &'o Json, key: &str) -> Option<&'o str> {
    object.pointer("/metadata/annotations")?.get(key)?.as_str()
}

fn number(object: &Json) -> u64 {
    annotation(object, REVISION).and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// All that are kept, newest first.
async fn kept(line: &Line<'_>, object: &ObjectRef, live: &Json) -> Result<Vec<Kept>, Fault> {
    let of_deployment = object.kind == "Deployment";
    let plural = if of_deployment { "replicasets" } else { "controllerrevisions" };
    let namespace = object.namespace.as_deref().unwrap_or("default");
    let path = format!("/apis/apps/v1/namespaces/{namespace}/{plural}?labelSelector={}", selector(live));
    let said = line.get(&path).await?;
    if !said.agreed() {
        return Err(fault::refused(line.cluster, &said, "list the revisions of", Some(object)));
    }
    let uid = &live["metadata"]["uid"];
    let items = said.body.get("items").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    let owned = |item: &&Json| {
        let owners = item.pointer("/metadata/ownerReferences").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
        owners.iter().any(|owner| owner.get("uid") == Some(uid))
    };
    let one = |item: &Json| {
        let text = |key: &str| item["metadata"][key].as_str().map(str::to_owned);
        let (revision, template) = if of_deployment {
            (number(item), item.pointer("/spec/template"))
        } else {
            (item["revision"].as_u64().unwrap_or(0), item.pointer("/data/spec/template"))
        };
        Kept {
            revision,
            name: text("name").unwrap_or_default(),
            made_at: text("creationTimestamp"),
            cause: annotation(item, CAUSE).map(str::to_owned),
            template: plain(template.cloned().unwrap_or_default()),
        }
    };
    let mut all: Vec<Kept> = items.iter().filter(owned).map(one).filter(|one| one.template.is_object()).collect();
    all.sort_by_key(|one| std::cmp::Reverse(one.revision));
    Ok(all)
}

/// A template without what its controller added.
fn plain(mut template: Json) -> Json {
    if let Some(labels) = template.pointer_mut("/metadata/labels").and_then(Json::as_object_mut) {
        labels.shift_remove(HASH);
    }
    if let Some(map) = template.as_object_mut() {
        map.shift_remove("$patch");
    }
    template
}

/// The number of the one that is wanted now.
fn current(object: &ObjectRef, live: &Json, all: &[Kept]) -> u64 {
    if object.kind == "Deployment" {
        return number(live);
    }
    let named = live.pointer("/status/updateRevision").and_then(Json::as_str);
    all.iter().find(|one| Some(one.name.as_str()) == named).or(all.first()).map_or(0, |one| one.revision)
}

/// The templates that it can go back to.
pub(super) async fn history(line: &Line<'_>, target: &ActTarget) -> Result<Vec<Revision>, Fault> {
    let (object, path) = place(line, target)?;
    must_roll_out(line, &object, "no_rollout")?;
    let said = line.get(&path).await?;
    if !said.agreed() {
        return Err(fault::refused(line.cluster, &said, "get", Some(&object)));
    }
    let all = kept(line, &object, &said.body).await?;
    let now = current(&object, &said.body, &all);
    let images = |template: &Json| {
        let containers = template.pointer("/spec/containers").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
        containers.iter().filter_map(|one| one["image"].as_str().map(str::to_owned)).collect()
    };
    let one = |one: Kept| Revision {
        revision: one.revision,
        images: images(&one.template),
        name: one.name,
        made_at: one.made_at,
        change_cause: one.cause,
        current: one.revision == now,
    };
    Ok(all.into_iter().map(one).collect())
}

/// The object with the template of a revision, the number of the one that is there now, and of that one.
pub(super) async fn back(line: &Line<'_>, object: &ObjectRef, live: &Json, wanted: Option<u64>) -> Result<(Json, u64, u64), Fault> {
    must_roll_out(line, object, "no_rollout")?;
    if live.pointer("/spec/paused") == Some(&Json::Bool(true)) {
        return Err(about(
            line.cluster,
            FaultKind::Denied,
            "rollout_paused",
            Text::new(format!("{object} was not rolled back: its rollout is paused"), format!("未回滚 {object}：其发布已暂停")),
            Text::new("Let it go on first (spec.paused: false).", "请先恢复发布（spec.paused: false）。"),
        ));
    }
    let all = kept(line, object, live).await?;
    let now = current(object, live, &all);
    let found = match wanted {
        Some(wanted) => all.iter().find(|one| one.revision == wanted),
        None => all.iter().find(|one| one.revision < now),
    };
    let Some(found) = found else {
        let known = all.iter().map(|one| one.revision.to_string()).collect::<Vec<_>>().join(", ");
        let which = wanted.map_or_else(|| ("an earlier one".to_owned(), "更早的版本".to_owned()), |it| (it.to_string(), it.to_string()));
        return Err(about(
            line.cluster,
            FaultKind::NotFound,
            "no_such_revision",
            Text::new(
                format!("{object} was not rolled back: revision {} is not kept (kept: {known}; now: {now})", which.0),
                format!("未回滚 {object}：没有保留版本 {}（保留的版本：{known}；当前：{now}）", which.1),
            ),
            Text::new("Take one of those that are kept.", "请选择保留的版本之一。"),
        )
        .with_params(json!({ "object": object, "kept": all.iter().map(|one| one.revision).collect::<Vec<_>>(), "current": now })));
    };
    let mut body = live.clone();
    body["spec"]["template"] = found.template.clone();
    if object.kind == "Deployment"
        && let Some(annotations) = body.pointer_mut("/metadata/annotations").and_then(Json::as_object_mut)
    {
        match &found.cause {
            Some(cause) => {
                annotations.insert(CAUSE.to_owned(), cause.as_str().into());
            }
            None => {
                annotations.shift_remove(CAUSE);
            }
        }
    }
    Ok((body, now, found.revision))
}
