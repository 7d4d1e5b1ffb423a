//! Taking a change back: what was made is deleted, what is gone is made again, and fields go back where they still are as the change left
//! them. What others changed elsewhere in the same objects stays.
//!
//! **Invariant:** every step is tried on the API server before the first one is carried out, and names the version that was looked at.

use domain::Json;
use domain::fault::{Fault, FaultKind};
use domain::manifest::{Action, ChangeState, Content, FieldChange, KeptChange, KeptObject, UndoStep, Undone};
use domain::text::Text;
use serde::Deserialize;
use serde_json::json;

use super::bystanders::bystanders;
use super::content::{Differs, Part, differences, get, masked, set, visible};
use super::wire::{Kinds, Line, Mode, Said};
use super::{CLAIM, Changes, fault, rehearse};

/// How often a deletion is sent again because a report of its status moved the object meanwhile.
const AGAIN: usize = 5;

/// What is to be sent.
enum Way {
    Nothing,
    Delete(Json),
    Make(String, Json),
    Replace(Json),
}

struct Planned<'k> {
    kept: &'k KeptObject,
    path: String,
    told: UndoStep,
    way: Way,
    /// What else would be lost.
    bystanders: Vec<String>,
    /// A fingerprint of what is to be deleted.
    base: Option<String>,
}

#[derive(Deserialize)]
struct Sealed {
    before: Option<Json>,
    after: Option<Json>,
}

/// Takes it back.
pub(super) async fn undo(changes: &Changes, line: &Line<'_>, mut kept: KeptChange, anyway: bool) -> Result<Undone, Fault> {
    if kept.state == ChangeState::Undone {
        return Err(refusal(&kept.id, "it was taken back already", "该更改已撤销"));
    }
    if kept.cluster != line.cluster.id || rehearse::identity(line).await? != kept.cluster_uid {
        return Err(refusal(&kept.id, "it was made on another cluster", "该更改属于另一个集群"));
    }
    let from = [ChangeState::Applied, ChangeState::Waiting, ChangeState::Applying, ChangeState::Undoing];
    let was = if kept.deadline.is_some() { ChangeState::Waiting } else { ChangeState::Applied };
    if !changes.log.claim(&kept.id, &from, ChangeState::Undoing, Some(changes.later(CLAIM)), changes.now()).await? {
        return Err(refusal(&kept.id, "somebody is applying it or taking it back right now", "该更改正在被应用或撤销"));
    }
    kept.state = ChangeState::Undoing;
    match attempt(changes, line, &mut kept, anyway).await {
        Ok(undone) => {
            changes.unseal(&kept).await;
            kept.state = ChangeState::Undone;
            kept.deadline = None;
            kept.claimed_until = None;
            kept.trouble = None;
            changes.log.keep_change(&kept).await?;
            Ok(undone)
        }
        Err(fault) => {
            kept.trouble = Some(fault.message.clone());
            kept.claimed_until = None;
            // What somebody must decide does not try again by itself.
            let decided = matches!(fault.code.as_str(), "undo_refused" | "cluster_forbidden");
            kept.state = if decided { ChangeState::Applied } else { was };
            kept.deadline = kept.deadline.filter(|_| !decided);
            changes.log.keep_change(&kept).await?;
            Err(fault)
        }
    }
}

async fn attempt(changes: &Changes, line: &Line<'_>, kept: &mut KeptChange, anyway: bool) -> Result<Undone, Fault> {
    let mut kinds = Kinds::default();
    let mut plan = Vec::new();
    for one in kept.objects.iter().rev() {
        plan.push(planned(changes, line, &mut kinds, one, kept, anyway).await?);
    }
    let moved: Vec<&Planned<'_>> = plan.iter().filter(|one| !one.told.changed_since.is_empty() || !one.bystanders.is_empty()).collect();
    if !moved.is_empty() && !anyway {
        return Err(changed_since(&kept.id, &moved));
    }
    for one in &plan {
        one.send(line, Mode::Try).await?;
    }
    let claimed = changes.later(CLAIM);
    let mut undone = Vec::new();
    for one in plan {
        one.send(line, Mode::Do).await?;
        undone.push(one.told);
    }
    kept.claimed_until = Some(claimed);
    Ok(Undone { id: kept.id.clone(), undone })
}

impl Planned<'_> {
    async fn send(&self, line: &Line<'_>, mode: Mode) -> Result<(), Fault> {
        let object = &self.kept.object;
        let (verb, said): (&str, Said) = match &self.way {
            Way::Nothing => return Ok(()),
            Way::Delete(options) => match deleted(line, &self.path, options, self.base.as_deref(), mode).await? {
                Some(said) => ("delete", said),
                None => return Ok(()),
            },
            Way::Make(collection, body) => ("create", line.create(collection, body, mode).await?),
            Way::Replace(body) => ("update", line.replace(&self.path, body, mode).await?),
        };
        if said.agreed() { Ok(()) } else { Err(fault::refused(line.cluster, &said, verb, Some(object))) }
    }
}

/// Deletes what was looked at: an object whose fingerprint is `base`, as the options' preconditions say. None where it is gone.
pub(super) async fn deleted(line: &Line<'_>, path: &str, options: &Json, base: Option<&str>, mode: Mode) -> Result<Option<Said>, Fault> {
    let mut options = options.clone();
    let mut said = line.delete(path, &options, mode).await?;
    for _ in 0..AGAIN {
        if said.status != 409 {
            break;
        }
        // A report of its status moved it; anything else is another object than the one that was looked at.
        let now = line.get(path).await?;
        // Definitions of kinds are marked first and compared with the version of before then: refused in words, done in fact.
        let same = now.body["metadata"]["uid"] == options["preconditions"]["uid"];
        let ends = mode == Mode::Do && same && now.body["metadata"]["deletionTimestamp"].is_string();
        if now.status == 404 || ends {
            return Ok(None);
        }
        if !now.agreed() || base != Some(rehearse::base(&now.body).as_str()) {
            break;
        }
        options["preconditions"]["resourceVersion"] = now.body["metadata"]["resourceVersion"].clone();
        said = line.delete(path, &options, mode).await?;
    }
    Ok((said.status != 404).then_some(said))
}

async fn planned<'k>(
    changes: &Changes,
    line: &Line<'_>,
    kinds: &mut Kinds,
    one: &'k KeptObject,
    kept: &KeptChange,
    anyway: bool,
) -> Result<Planned<'k>, Fault> {
    let object = &one.object;
    let nothing = |path: String| Planned {
        kept: one,
        path,
        told: UndoStep { object: object.clone(), action: "nothing".into(), fields: vec![], changed_since: vec![] },
        way: Way::Nothing,
        bystanders: vec![],
        base: None,
    };
    // A kind that is gone took its objects along.
    let Some(served) = kinds.find(line, &object.api_version, &object.kind).await? else { return Ok(nothing(one.path.clone())) };
    let path = served.path(object);
    let live = match line.get(&path).await? {
        said if said.agreed() => Some(said.body),
        said if said.status == 404 => None,
        said => return Err(fault::refused(line.cluster, &said, "get", Some(object))),
    };
    let (before, after) = match &one.content {
        Content::Clear { before, after } => (before.clone(), after.clone()),
        Content::Made => (None, None),
        Content::Sealed { secret } => {
            let value = changes.vault.open(secret).await?;
            let sealed: Sealed = serde_json::from_slice(value.expose()).map_err(|_| unreadable(&kept.id))?;
            (sealed.before, sealed.after)
        }
    };
    let Some(before) = before else {
        // It was made by the change.
        let Some(live) = live else { return Ok(nothing(path)) };
        let changed_since = made_since(one, after.as_ref(), &live);
        let found = if anyway { Vec::new() } else { bystanders(line, kinds, object, after.as_ref(), &kept.objects).await? };
        let mut preconditions = json!({ "uid": live["metadata"]["uid"] });
        if !anyway {
            preconditions["resourceVersion"] = live["metadata"]["resourceVersion"].clone();
        }
        let options =
            json!({ "apiVersion": "v1", "kind": "DeleteOptions", "preconditions": preconditions, "propagationPolicy": "Background" });
        let told = UndoStep { object: object.clone(), action: "delete".into(), fields: vec![], changed_since };
        return Ok(Planned { kept: one, path, told, way: Way::Delete(options), bystanders: found, base: Some(rehearse::base(&live)) });
    };
    let Some(live) = live else {
        let collection = served.collection(&object.api_version, object.namespace.as_deref());
        let told = UndoStep { object: object.clone(), action: "recreate".into(), fields: vec![], changed_since: vec![] };
        return Ok(Planned { kept: one, path, told, way: Way::Make(collection, remade(before)), bystanders: vec![], base: None });
    };
    if one.action == Action::Delete {
        let same = one.stamp.as_ref().is_some_and(|(uid, _)| live["metadata"]["uid"] == uid.as_str());
        if same && live["metadata"]["deletionTimestamp"].is_string() {
            return Err(refusal(
                &kept.id,
                &format!("{object} is still on its way out: somebody's finalizer, or what it owns, is waited for"),
                &format!("{object} 仍在删除中：正在等待终结器或其所拥有的对象"),
            ));
        }
        let mut plan = nothing(path);
        if !same && !anyway {
            // Somebody made another one of that name.
            plan.told.changed_since = vec![FieldChange { path: "metadata.uid".into(), before: None, after: None }];
        }
        return Ok(plan);
    }
    let after = after.unwrap_or_else(|| before.clone());
    let now = visible(&live);
    let (body, fields, changed_since) = put_back(&before, &after, &now, &live, anyway);
    if fields.is_empty() && changed_since.is_empty() {
        return Ok(nothing(path));
    }
    let told = UndoStep {
        object: object.clone(),
        action: "restore".into(),
        fields: shown(object.is_secret(), fields),
        changed_since: shown(object.is_secret(), changed_since),
    };
    Ok(Planned { kept: one, path, told, way: Way::Replace(body), bystanders: vec![], base: None })
}

/// A deleted object as it can be made again: without what the API server gives to each anew.
fn remade(mut before: Json) -> Json {
    if before["kind"] != "Job" || before.pointer("/spec/manualSelector") == Some(&Json::Bool(true)) {
        return before;
    }
    if let Some(spec) = before.get_mut("spec").and_then(Json::as_object_mut) {
        spec.shift_remove("selector");
    }
    for place in ["/metadata/labels", "/spec/template/metadata/labels"] {
        if let Some(labels) = before.pointer_mut(place).and_then(Json::as_object_mut) {
            labels.retain(|key, _| !key.ends_with("controller-uid"));
        }
    }
    before
}

/// What is told of fields; of a Secret's values only that they differ.
fn shown(secret: bool, fields: Vec<Differs>) -> Vec<FieldChange> {
    let hide = |value: Option<Json>| value.map(|_| Json::from("(hidden)"));
    let one = |field: Differs| {
        let mut told = field.told();
        let value = matches!(field.at.first(), Some(Part::Key(key)) if key == "data" || key == "stringData" || key == "metadata");
        if secret && value {
            told.before = hide(told.before);
            told.after = hide(told.after);
        }
        told
    };
    fields.into_iter().map(one).collect()
}

/// The object with the change's fields as they were before: the whole to be sent, the fields that go back, and those that somebody changed.
fn put_back(before: &Json, after: &Json, now: &Json, live: &Json, anyway: bool) -> (Json, Vec<Differs>, Vec<Differs>) {
    let (mut body, mut back, mut since) = (live.clone(), Vec::new(), Vec::new());
    for changed in differences(before, after) {
        let current = get(now, &changed.at);
        if current == changed.before.as_ref() {
            continue;
        }
        let ours = current == changed.after.as_ref();
        if !ours {
            since.push(Differs { at: changed.at.clone(), before: changed.after.clone(), after: current.cloned() });
        }
        if ours || anyway {
            let current = current.cloned();
            if set(&mut body, &changed.at, changed.before.as_ref()) {
                back.push(Differs { at: changed.at, before: current, after: changed.before });
            } else if ours {
                since.push(Differs { at: changed.at, before: changed.after, after: current });
            }
        }
    }
    (body, back, since)
}

/// What somebody changed in an object that the change made. Labels, annotations and finalizers that came beside its own do not count, and
/// neither does what the scheduler and the token controller write.
fn made_since(one: &KeptObject, after: Option<&Json>, live: &Json) -> Vec<FieldChange> {
    let whole = || vec![FieldChange { path: "metadata.uid".into(), before: None, after: None }];
    let text = |pointer: &str| live.pointer(pointer).and_then(Json::as_str).unwrap_or_default();
    if let Some((uid, version)) = &one.stamp {
        if uid != text("/metadata/uid") {
            return whole();
        }
        if version == text("/metadata/resourceVersion") {
            return Vec::new();
        }
    }
    let Some(after) = after else {
        return vec![FieldChange { path: "data".into(), before: None, after: None }];
    };
    let is_ours = |field: &Differs| {
        let path = field.told().path;
        let beside = path.starts_with("metadata.") && field.before.is_none();
        let system = matches!(
            (one.object.kind.as_str(), path.as_str()),
            ("Pod", "spec.nodeName") | ("ServiceAccount", "secrets" | "imagePullSecrets")
        );
        beside || system
    };
    let (after, live) = if one.object.is_secret() {
        let (after, live) = masked(Some(after), Some(live));
        (after.unwrap_or_default(), live.unwrap_or_default())
    } else {
        (after.clone(), live.clone())
    };
    differences(&after, &visible(&live)).iter().filter(|field| !is_ours(field)).map(Differs::told).collect()
}

fn unreadable(id: &str) -> Fault {
    Fault::new(
        FaultKind::Storage,
        "change_unreadable",
        Text::new(format!("what the vault keeps for the change {id} cannot be read"), format!("无法读取保险库为更改 {id} 保留的内容")),
        Text::new("Put the Secret back by hand.", "请手动恢复该 Secret。"),
    )
}

fn refusal(id: &str, en: &str, zh: &str) -> Fault {
    Fault::new(
        FaultKind::Denied,
        "undo_refused",
        Text::new(format!("the change {id} was not taken back: {en}"), format!("未撤销更改 {id}：{zh}")),
        Text::new("see `pilot k8s undo --list`", "参见 `pilot k8s undo --list`"),
    )
    .with_params(json!({ "change": id }))
}

fn changed_since(id: &str, moved: &[&Planned<'_>]) -> Fault {
    let mut parts = Vec::new();
    for one in moved {
        let value =
            |value: &Option<Json>| value.as_ref().map_or_else(|| "-".to_owned(), |value| value.to_string().chars().take(120).collect());
        let field = |field: &FieldChange| format!("{} ({} → {})", field.path, value(&field.before), value(&field.after));
        let fields: Vec<String> = one.told.changed_since.iter().take(6).map(field).collect();
        if !fields.is_empty() {
            parts.push(format!("{}: {}", one.told.object, fields.join(", ")));
        }
        if !one.bystanders.is_empty() {
            parts.push(format!("{} + {}", one.told.object, one.bystanders.join(", ")));
        }
    }
    let list = parts.join("; ");
    let steps: Vec<&UndoStep> = moved.iter().map(|one| &one.told).collect();
    Fault::new(
        FaultKind::Denied,
        "undo_refused",
        Text::new(
            format!("the change {id} was not taken back: somebody changed or added something since: {list}"),
            format!("未撤销更改 {id}：此后有人作了更改或添加：{list}"),
        ),
        Text::new(
            format!("Look at it; to undo all the same: `pilot k8s undo {id} --force`."),
            format!("请先查看；仍要撤销：`pilot k8s undo {id} --force`。"),
        ),
    )
    .with_params(
        json!({ "change": id, "steps": steps, "bystanders": moved.iter().flat_map(|one| one.bystanders.clone()).collect::<Vec<_>>() }),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_go_back_where_they_are_as_the_change_left_them_and_others_stay() {
        let before = json!({ "data": { "a": "1", "b": "1" } });
        let after = json!({ "data": { "a": "2", "b": "1", "c": "new" } });
        for (now, back, since) in [
            (json!({ "data": { "a": "2", "b": "1", "c": "new" } }), vec!["data.a", "data.c"], vec![]),
            (json!({ "data": { "a": "2", "b": "other", "c": "new", "d": "theirs" } }), vec!["data.a", "data.c"], vec![]),
            (json!({ "data": { "a": "3", "b": "1", "c": "new" } }), vec!["data.c"], vec!["data.a"]),
            (json!({ "data": { "a": "1", "b": "1" } }), vec![], vec![]),
        ] {
            let (body, fields, changed) = put_back(&before, &after, &now, &now, false);
            let paths = |all: &[Differs]| all.iter().map(|one| one.told().path).collect::<Vec<_>>();
            assert_eq!(
                (paths(&fields), paths(&changed)),
                (back.iter().map(|path| (*path).to_owned()).collect(), since.iter().map(|path: &&str| (*path).to_owned()).collect()),
                "{now}"
            );
            assert_eq!(body["data"]["b"], now["data"]["b"], "what the change did not touch stays");
        }
        let (body, ..) = put_back(&before, &after, &json!({ "data": { "a": "3" } }), &json!({ "data": { "a": "3" } }), true);
        assert_eq!(body["data"]["a"], "1", "told to, it goes back all the same");
    }

    #[test]
    fn a_job_is_made_again_without_what_every_job_gets_anew() {
        let labels = json!({ "app": "a", "controller-uid": "1", "batch.kubernetes.io/controller-uid": "1" });
        let job = json!({ "kind": "Job", "metadata": { "labels": labels }, "spec": { "selector": { "matchLabels": labels },
            "template": { "metadata": { "labels": labels } } } });
        let again = remade(job.clone());
        assert_eq!(
            again,
            json!({ "kind": "Job", "metadata": { "labels": { "app": "a" } }, "spec": { "template": { "metadata": { "labels": { "app": "a" } } } } })
        );
        let mut own = job;
        own["spec"]["manualSelector"] = true.into();
        assert_eq!(remade(own.clone()), own);
    }

    #[test]
    fn what_came_beside_a_made_objects_own_fields_does_not_count_as_a_change() {
        let object = domain::manifest::ObjectRef { api_version: "v1".into(), kind: "ConfigMap".into(), namespace: None, name: "a".into() };
        let one = KeptObject {
            object,
            path: String::new(),
            action: domain::manifest::Action::Create,
            applied: true,
            stamp: Some(("u".into(), "1".into())),
            content: Content::Made,
        };
        let after = json!({ "data": { "a": "1" }, "metadata": { "labels": { "x": "y" } } });
        let live = |version: &str, uid: &str, data: Json| json!({ "data": data, "metadata": { "uid": uid, "resourceVersion": version, "labels": { "x": "y", "z": "w" }, "finalizers": ["f"] } });
        assert!(made_since(&one, Some(&after), &live("2", "u", json!({ "a": "1" }))).is_empty());
        assert_eq!(made_since(&one, Some(&after), &live("2", "u", json!({ "a": "2" })))[0].path, "data.a");
        assert_eq!(made_since(&one, Some(&after), &live("1", "v", json!({ "a": "1" })))[0].path, "metadata.uid");
        assert!(made_since(&one, None, &live("1", "u", json!({ "a": "2" }))).is_empty(), "its stamp says that it is the same");
        assert_eq!(made_since(&one, None, &live("2", "u", json!({ "a": "1" })))[0].path, "data");
    }
}
