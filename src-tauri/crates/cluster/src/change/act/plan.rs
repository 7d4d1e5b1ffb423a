//! From a deed to the one request that does it.

use domain::Json;
use domain::act::{ActTarget, Deed, PatchKind, Propagation, moved_on};
use domain::fault::{Fault, FaultKind};
use domain::kube::MASKED;
use domain::manifest::{Action, ObjectChange, ObjectRef, Refusal, UndoneBy, refused_by_server};
use domain::text::Text;
use domain::tool::{canonical, hex};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::super::apply::Stopped;
use super::super::bystanders::bystanders;
use super::super::content::visible;
use super::super::undo::deleted;
use super::super::wire::{Kinds, Line, Mode, Said};
use super::super::{Changes, fault, keepers, rehearse};
use super::{difference, revisions, said};
use crate::fault::about;

/// How often a request is made again because a report of its status moved the object meanwhile.
const AGAIN: usize = 5;
const STRATEGIC: &str = "application/strategic-merge-patch+json";
const MERGE: &str = "application/merge-patch+json";
const STEPS: &str = "application/json-patch+json";
/// The annotation that makes a template another one.
const RESTARTED: &str = "kubectl.kubernetes.io/restartedAt";

/// The request.
pub(super) enum Way {
    /// It is so already.
    Nothing,
    /// Of the scale, as it was found.
    Scale {
        found: Json,
        replicas: u32,
    },
    /// Some fields. `choice`: another content may be tried where the server does not take this one.
    Patch {
        content: &'static str,
        body: Json,
        choice: bool,
    },
    Replace(Json),
    Create {
        collection: String,
        body: Json,
    },
    Delete {
        options: Json,
    },
}

/// A deed on what is there.
pub(super) struct Plan {
    pub(super) object: ObjectRef,
    pub(super) path: String,
    pub(super) live: Option<Json>,
    pub(super) way: Way,
    pub(super) action: Action,
    pub(super) warnings: Vec<Text>,
    pub(super) undone_by: Vec<UndoneBy>,
    pub(super) revisions: Option<(u64, u64)>,
    /// What else a yes is bound to.
    pinned: Json,
    /// Whether the caller named the version: then not even a report of its status may have moved it.
    exact: bool,
    /// Whether only its identity counts, not what it is.
    by_uid: bool,
}

/// Where an object is, by its name.
pub(super) fn place(line: &Line<'_>, target: &ActTarget) -> Result<(ObjectRef, String), Fault> {
    let namespace =
        target.kind.namespaced.then(|| target.namespace.as_deref().or(line.cluster.namespace.as_deref()).unwrap_or("default").to_owned());
    let safe = |text: &str| {
        !text.is_empty()
            && !matches!(text, "." | "..")
            && !text.chars().any(|c| c.is_control() || c.is_whitespace() || matches!(c, '/' | '%' | '?' | '#'))
    };
    // Without a name, a path is that of all objects.
    if !safe(&target.name) || namespace.as_deref().is_some_and(|namespace| !safe(namespace)) {
        return Err(about(
            line.cluster,
            FaultKind::Usage,
            "bad_name",
            Text::new("no object has such a name or namespace", "没有对象会有这样的名称或命名空间"),
            Text::new("Write it as the cluster does.", "请按集群中的写法填写。"),
        ));
    }
    let path = target.kind.path(namespace.as_deref(), Some(&target.name));
    let object = ObjectRef { api_version: target.kind.api_version(), kind: target.kind.kind.clone(), namespace, name: target.name.clone() };
    Ok((object, path))
}

/// Looks at what is there and decides on the request.
pub(super) async fn plan(changes: &Changes, line: &Line<'_>, deed: &Deed) -> Result<Plan, Fault> {
    let target = deed.target();
    let (object, path) = place(line, target)?;
    let said = line.get(&path).await?;
    let creates = matches!(deed, Deed::Create { .. });
    let live = match said {
        said if said.agreed() => Some(said.body),
        said if said.status == 404 && creates => None,
        said => return Err(fault::refused(line.cluster, &said, "get", Some(&object))),
    };
    let mut plan = Plan {
        object,
        path,
        way: Way::Nothing,
        action: Action::Change,
        warnings: vec![],
        undone_by: vec![],
        revisions: None,
        pinned: Json::Null,
        exact: false,
        by_uid: false,
        live,
    };
    let Some(live) = plan.live.clone() else {
        if let Deed::Create { object, .. } = deed {
            let body = named(line, &plan.object, object)?;
            let collection = target.kind.path(plan.object.namespace.as_deref(), None);
            plan.way = Way::Create { collection, body };
            plan.action = Action::Create;
        }
        return Ok(plan);
    };
    match deed {
        Deed::Create { .. } => return Err(exists(line, &plan.object)),
        Deed::Scale { replicas, .. } => plan.scale(line, &live, *replicas).await?,
        Deed::Restart { .. } => plan.restart(line, &live, changes.now().0)?,
        Deed::RollBack { revision, .. } => {
            let (body, from, to) = revisions::back(line, &plan.object, &live, *revision).await?;
            plan.revisions = Some((to, from));
            plan.pinned = json!(to);
            if visible(&body) != visible(&live) {
                plan.way = Way::Replace(body);
            }
        }
        Deed::Patch { kind, patch, .. } => {
            plan.exact = names_the_one(&plan.object, patch, &live)?;
            plan.patch(line, target, *kind, patch)?;
        }
        Deed::Replace { object, .. } => {
            let mut body = named(line, &plan.object, object)?;
            plan.exact = names_the_one(&plan.object, &body, &live)?;
            if plan.object.is_secret() {
                unmasked(line, &plan.object, &mut body, &live)?;
            }
            plan.way = Way::Replace(body);
        }
        Deed::Delete { propagation, grace_seconds, uid, resource_version, .. } => {
            for (key, given) in [("uid", uid), ("resourceVersion", resource_version)] {
                if given.as_deref().is_some_and(|given| live["metadata"][key] != given) {
                    return Err(moved_on(&plan.object));
                }
            }
            plan.exact = resource_version.is_some();
            plan.delete(line, &live, *propagation, *grace_seconds).await?;
        }
        Deed::Cordon { on, .. } => plan.cordon(line, &live, *on)?,
        // Planned as its cordon.
        Deed::Drain { .. } => plan.cordon(line, &live, true)?,
    }
    if !matches!(plan.way, Way::Nothing) {
        plan.undone_by.extend(keepers::managed_by(&live, &plan.object));
    }
    Ok(plan)
}

impl Plan {
    async fn scale(&mut self, line: &Line<'_>, live: &Json, replicas: u32) -> Result<(), Fault> {
        let said = line.get(&format!("{}/scale", self.path)).await?;
        let now = live.pointer("/spec/replicas").and_then(Json::as_u64);
        match said {
            said if said.agreed() => {
                if said.body.pointer("/spec/replicas").and_then(Json::as_u64).unwrap_or(0) != u64::from(replicas) {
                    self.way = Way::Scale { found: said.body, replicas };
                }
            }
            // A kind of somebody else's that counts its replicas and has no subresource for it.
            said if said.status == 404 && now.is_some() => {
                if now != Some(replicas.into()) {
                    self.way = Way::Patch { content: MERGE, body: json!({ "spec": { "replicas": replicas } }), choice: false };
                }
            }
            said if said.status == 404 => {
                let kind = &self.object.kind;
                return Err(about(
                    line.cluster,
                    FaultKind::Usage,
                    "not_scalable",
                    Text::new(format!("a {kind} has no number of replicas to be set"), format!("{kind} 没有可设置的副本数")),
                    Text::new("Name a Deployment, a StatefulSet, or what makes it.", "请指定 Deployment、StatefulSet 或创建它的对象。"),
                ));
            }
            said => return Err(fault::refused(line.cluster, &said, "get the scale of", Some(&self.object))),
        }
        if matches!(self.way, Way::Nothing) {
            return Ok(());
        }
        if let Some(namespace) = &self.object.namespace {
            for version in ["v2", "v1"] {
                let said = line.get(&format!("/apis/autoscaling/{version}/namespaces/{namespace}/horizontalpodautoscalers")).await?;
                if said.agreed() {
                    self.undone_by.extend(keepers::scaled_by(&said.body, &self.object));
                    break;
                }
            }
        }
        Ok(())
    }

    fn restart(&mut self, line: &Line<'_>, live: &Json, now: i64) -> Result<(), Fault> {
        revisions::must_roll_out(line, &self.object, "no_restart")?;
        if live.pointer("/spec/paused") == Some(&Json::Bool(true)) {
            return Err(about(
                line.cluster,
                FaultKind::Denied,
                "rollout_paused",
                Text::new(
                    format!("{} was not restarted: its rollout is paused", self.object),
                    format!("未重启 {}：其发布已暂停", self.object),
                ),
                Text::new("Let it go on first (spec.paused: false).", "请先恢复发布（spec.paused: false）。"),
            ));
        }
        let at = jiff::Timestamp::from_second(now / 1000).map(|at| at.to_string()).unwrap_or_default();
        let body = json!({ "spec": { "template": { "metadata": { "annotations": { RESTARTED: at } } } } });
        self.way = Way::Patch { content: STRATEGIC, body, choice: false };
        Ok(())
    }

    fn patch(&mut self, line: &Line<'_>, target: &ActTarget, kind: Option<PatchKind>, patch: &Json) -> Result<(), Fault> {
        let own = !target.kind.group.contains('.') || target.kind.group.ends_with(".k8s.io");
        let content = match kind {
            Some(PatchKind::Strategic) => STRATEGIC,
            Some(PatchKind::Merge) => MERGE,
            Some(PatchKind::Json) => STEPS,
            None if patch.is_array() => STEPS,
            None if own => STRATEGIC,
            None => MERGE,
        };
        let fits = if content == STEPS { patch.is_array() } else { patch.is_object() };
        if !fits {
            return Err(about(
                line.cluster,
                FaultKind::Usage,
                "bad_patch",
                Text::new(
                    "a JSON patch is a list of steps; every other patch is an object",
                    "JSON patch 必须是步骤列表；其他补丁必须是对象",
                ),
                Text::new("Write it so, or name its type.", "请按此书写，或指定补丁类型。"),
            ));
        }
        self.way = Way::Patch { content, body: patch.clone(), choice: kind.is_none() && content == STRATEGIC };
        Ok(())
    }

    async fn delete(&mut self, line: &Line<'_>, live: &Json, propagation: Propagation, grace: Option<u64>) -> Result<(), Fault> {
        let mut options = json!({ "apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": propagation.policy(),
            "preconditions": { "uid": live["metadata"]["uid"], "resourceVersion": live["metadata"]["resourceVersion"] } });
        if let Some(grace) = grace {
            options["gracePeriodSeconds"] = grace.into();
        }
        self.action = Action::Delete;
        self.pinned = json!([propagation, grace]);
        self.way = Way::Delete { options };
        let lost = bystanders(line, &mut Kinds::default(), &self.object, Some(live), &[]).await?;
        let object = &self.object;
        if !lost.is_empty() {
            let list = lost.join(", ");
            self.warnings.push(Text::new(
                format!("with {object} go for good, and are not made again by taking it back: {list}"),
                format!("以下对象将随 {object} 一起永久删除，撤销时不会恢复：{list}"),
            ));
        }
        let kind = object.kind.as_str();
        if matches!(kind, "PersistentVolumeClaim" | "PersistentVolume") {
            self.warnings.push(Text::new(
                format!("the data of {object} may go with it; taking it back makes the object again, not the data"),
                format!("{object} 的数据可能随之丢失；撤销只会重建对象，不会恢复数据"),
            ));
        }
        if kind == "Pod" && !has_owner(live) {
            self.warnings.push(Text::new(
                format!("nobody makes {object} again: no controller owns it"),
                format!("没有控制器拥有 {object}，删除后不会自动重建"),
            ));
        }
        if live["metadata"]["deletionTimestamp"].is_string() {
            self.warnings.push(Text::new(format!("{object} is on its way out already"), format!("{object} 已在删除中")));
        }
        if propagation == Propagation::Orphan {
            self.warnings.push(Text::new(
                format!("what {object} owns stays, without an owner"),
                format!("{object} 所拥有的对象会保留，但不再有所有者"),
            ));
        }
        Ok(())
    }

    fn cordon(&mut self, line: &Line<'_>, live: &Json, on: bool) -> Result<(), Fault> {
        if self.object.kind != "Node" || self.object.api_version != "v1" {
            let kind = &self.object.kind;
            return Err(about(
                line.cluster,
                FaultKind::Usage,
                "no_node",
                Text::new(format!("only nodes are cordoned, and a {kind} is none"), format!("只能对节点执行此操作，{kind} 不是节点")),
                Text::new("Name a node.", "请指定节点。"),
            ));
        }
        self.by_uid = true;
        self.pinned = live.pointer("/spec/unschedulable").cloned().unwrap_or_default();
        if (live.pointer("/spec/unschedulable") == Some(&Json::Bool(true))) != on {
            let value = if on { Json::Bool(true) } else { Json::Null };
            self.way = Way::Patch { content: MERGE, body: json!({ "spec": { "unschedulable": value } }), choice: false };
        }
        Ok(())
    }

    /// A fingerprint of what the plan stands on.
    pub(super) fn seen(&self) -> String {
        let base = match &self.live {
            Some(live) if self.by_uid => live["metadata"]["uid"].as_str().map(str::to_owned),
            Some(live) => Some(rehearse::base(live)),
            None => None,
        };
        hex(&Sha256::digest(canonical(&json!([self.object, base, self.pinned])).as_bytes()))
    }

    /// Whether that is what was seen.
    pub(super) fn check(&self, seen: Option<&str>) -> Result<(), Fault> {
        if seen.is_some_and(|seen| seen != self.seen()) { Err(moved_on(&self.object)) } else { Ok(()) }
    }

    /// Tries it; what would be there, or what is there when nothing is to be done.
    pub(super) async fn tried(&mut self, line: &Line<'_>) -> Result<Option<Json>, Fault> {
        if matches!(self.way, Way::Nothing) {
            return Ok(self.live.clone());
        }
        let mut answer = self.sent(line, Mode::Try).await.map_err(|stopped| stopped.fault)?;
        if let (Some(refused), Way::Patch { content, choice: true, .. }) = (&answer, &mut self.way)
            && refused.status == 415
        {
            *content = MERGE;
            answer = self.sent(line, Mode::Try).await.map_err(|stopped| stopped.fault)?;
        }
        let Some(answer) = answer else {
            // Gone between two looks.
            return Err(moved_on(&self.object));
        };
        if !answer.agreed() {
            return Err(self.refusal(line, &answer));
        }
        said(&self.object, &answer.warnings, &mut self.warnings);
        let unchanged = self.live.as_ref().is_some_and(|live| visible(live) == visible(&answer.body));
        if unchanged && matches!(self.way, Way::Patch { .. } | Way::Replace(_)) {
            self.way = Way::Nothing;
        }
        Ok(if matches!(self.way, Way::Delete { .. }) { None } else { Some(answer.body) })
    }

    /// What would be otherwise.
    pub(super) fn told(&self, would_be: Option<&Json>) -> Option<ObjectChange> {
        match &self.way {
            Way::Scale { found, .. } => difference(&self.object, self.action, Some(found), would_be),
            _ => difference(&self.object, self.action, self.live.as_ref(), would_be),
        }
    }

    /// What the object will be, as far as that is known.
    pub(super) fn expected(&self, would_be: Option<&Json>) -> Option<Json> {
        if let Way::Scale { replicas, .. } = self.way {
            let mut live = self.live.as_ref().map(visible)?;
            if let Some(place) = live.pointer_mut("/spec/replicas") {
                *place = replicas.into();
            }
            return Some(live);
        }
        would_be.map(visible)
    }

    /// Makes the request. An object that only its status's report moved is looked at again; a request that may have been heard is not made
    /// twice. None where it is gone, which was wanted.
    pub(super) async fn sent(&mut self, line: &Line<'_>, mode: Mode) -> Result<Option<Said>, Stopped> {
        let mut last = None;
        for _ in 0..AGAIN {
            let answer = self.request(line, mode).await.map_err(|fault| match mode {
                Mode::Do => Stopped::unanswered(fault),
                Mode::Try => fault.into(),
            })?;
            let Some(live) = &self.live else { return Ok(answer) };
            match &answer {
                Some(answer) if answer.status == 409 && !matches!(self.way, Way::Delete { .. }) => {}
                _ => return Ok(answer),
            }
            let now = line.get(&self.path).await?;
            if self.exact || !now.agreed() || rehearse::base(&now.body) != rehearse::base(live) {
                return Err(moved_on(&self.object).into());
            }
            self.live = Some(now.body);
            if let Way::Scale { found, .. } = &mut self.way {
                let scale = line.get(&format!("{}/scale", self.path)).await?;
                if !scale.agreed() {
                    return Err(moved_on(&self.object).into());
                }
                *found = scale.body;
            }
            last = answer;
        }
        Ok(last)
    }

    async fn request(&self, line: &Line<'_>, mode: Mode) -> Result<Option<Said>, Fault> {
        let stamp = |body: &mut Json| {
            if let Some(live) = &self.live {
                for key in ["resourceVersion", "uid"] {
                    body["metadata"][key] = live["metadata"][key].clone();
                }
            }
        };
        let said = match &self.way {
            Way::Nothing => return Ok(None),
            Way::Scale { found, replicas } => {
                let version = &found["metadata"]["resourceVersion"];
                let body = json!({ "metadata": { "resourceVersion": version }, "spec": { "replicas": replicas } });
                line.patch(&format!("{}/scale", self.path), MERGE, &body, mode).await?
            }
            Way::Patch { content, body, .. } => {
                let mut body = body.clone();
                if let Some(steps) = body.as_array_mut() {
                    let version = self.live.as_ref().map(|live| live["metadata"]["resourceVersion"].clone());
                    steps.push(json!({ "op": "replace", "path": "/metadata/resourceVersion", "value": version }));
                } else {
                    stamp(&mut body);
                }
                line.patch(&self.path, content, &body, mode).await?
            }
            Way::Replace(body) => {
                let mut body = body.clone();
                stamp(&mut body);
                line.replace_strict(&self.path, &body, mode).await?
            }
            Way::Create { collection, body } => line.create_strict(collection, body, mode).await?,
            Way::Delete { options } => {
                let base = self.live.as_ref().filter(|_| !self.exact).map(rehearse::base);
                return deleted(line, &self.path, options, base.as_deref(), mode).await;
            }
        };
        Ok(Some(said))
    }

    /// Why the server would not.
    pub(super) fn refusal(&self, line: &Line<'_>, said: &Said) -> Fault {
        if said.status == 409 && self.live.is_some() {
            return moved_on(&self.object);
        }
        let problems = fault::problems(said, &self.object);
        if !problems.is_empty() {
            let one = |(path, message)| Refusal { object: self.object.clone(), path, message, at: None };
            let problems: Vec<_> = problems.into_iter().map(one).collect();
            return refused_by_server(&problems);
        }
        let verb = match self.way {
            Way::Create { .. } => "create",
            Way::Delete { .. } => "delete",
            Way::Replace(_) => "update",
            Way::Scale { .. } => "scale",
            Way::Patch { .. } | Way::Nothing => "patch",
        };
        fault::refused(line.cluster, said, verb, Some(&self.object))
    }
}

pub(super) fn has_owner(object: &Json) -> bool {
    let owners = object.pointer("/metadata/ownerReferences").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    owners.iter().any(|owner| owner.get("controller") == Some(&Json::Bool(true)))
}

/// Whether what was given names the version that it is meant for; refused when that, or the uid, is not what is there.
fn names_the_one(object: &ObjectRef, given: &Json, live: &Json) -> Result<bool, Fault> {
    let text = |key: &str| given.get("metadata").and_then(|metadata| metadata.get(key)).and_then(Json::as_str);
    for key in ["resourceVersion", "uid"] {
        if text(key).is_some_and(|given| live["metadata"][key] != given) {
            return Err(moved_on(object));
        }
    }
    Ok(text("resourceVersion").is_some())
}

fn exists(line: &Line<'_>, object: &ObjectRef) -> Fault {
    about(
        line.cluster,
        FaultKind::Denied,
        "object_exists",
        Text::new(format!("{object} was not created: it is there already"), format!("未创建 {object}：它已存在")),
        Text::new("Change the one that is there, or take another name.", "请更改现有对象，或换一个名称。"),
    )
    .with_params(json!({ "object": object }))
}

/// A whole object as the caller wrote it, which must be the one that is meant.
fn named(line: &Line<'_>, object: &ObjectRef, body: &Json) -> Result<Json, Fault> {
    let mut body = body.clone();
    let other = |pointer: &str, wanted: &str| body.pointer(pointer).and_then(Json::as_str).is_some_and(|is| is != wanted);
    let strange = !body.is_object()
        || other("/apiVersion", &object.api_version)
        || other("/kind", &object.kind)
        || other("/metadata/name", &object.name)
        || object.namespace.as_deref().is_some_and(|namespace| other("/metadata/namespace", namespace));
    if strange {
        return Err(about(
            line.cluster,
            FaultKind::Usage,
            "another_object",
            Text::new(
                format!("what was given is not {object}: its apiVersion, kind, name or namespace say otherwise"),
                format!("给出的内容不是 {object}：其 apiVersion、kind、名称或命名空间不一致"),
            ),
            Text::new("Name the object that you mean.", "请指定所指的对象。"),
        ));
    }
    body["apiVersion"] = object.api_version.as_str().into();
    body["kind"] = object.kind.as_str().into();
    body["metadata"]["name"] = object.name.as_str().into();
    if let Some(namespace) = &object.namespace {
        body["metadata"]["namespace"] = namespace.as_str().into();
    }
    Ok(body)
}

/// A Secret that was looked at and is sent back: what was hidden stays as it is.
fn unmasked(line: &Line<'_>, object: &ObjectRef, body: &mut Json, live: &Json) -> Result<(), Fault> {
    const APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
    let mut lost = Vec::new();
    for field in ["data", "stringData"] {
        for (key, value) in body.get_mut(field).and_then(Json::as_object_mut).into_iter().flatten() {
            if value == MASKED {
                match live["data"].get(key).filter(|_| field == "data") {
                    Some(there) => *value = there.clone(),
                    None => lost.push(key.clone()),
                }
            }
        }
    }
    if let Some(applied) = body.pointer_mut("/metadata/annotations").and_then(|all| all.get_mut(APPLIED)) {
        *applied = live.pointer("/metadata/annotations").and_then(|all| all.get(APPLIED)).cloned().unwrap_or_default();
    }
    if lost.is_empty() {
        return Ok(());
    }
    let list = lost.join(", ");
    Err(about(
        line.cluster,
        FaultKind::Usage,
        "hidden_value",
        Text::new(
            format!("{object} was not changed: {MASKED} stands where a value was hidden, and there is none to stay: {list}"),
            format!("未更改 {object}：{MASKED} 代表被隐藏的值，但没有可保留的原值：{list}"),
        ),
        Text::new("Give these values, or leave the keys out.", "请给出这些值，或去掉这些键。"),
    ))
}
