//! Manifests on their way to a cluster: [`Draft`] → [`Parsed`] → [`Rehearsal`] → [`Approved`], each made only by the step before.
//!
//! **Invariant:** what nobody rehearsed cannot be applied: [`Change::apply`] carries out an [`Approved`], and only [`Rehearsal::approved`]
//! makes one. `Debug` and `Serialize` of these types hold no object's content beyond what a rehearsal shows.

mod faults;
mod kept;

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::Json;
use crate::fault::Fault;
use crate::id::Millis;
use crate::text::Text;
use crate::tool::{canonical, hex};

pub use faults::{At, Refusal, conflicted, expired, refused_by_server, stale};
pub use kept::{
    Applied, Change, ChangeLog, ChangeState, ChangeView, Content, KeptChange, KeptObject, Rollout, RolloutReason, RolloutTarget, UndoStep,
    Undone,
};

/// How long a rehearsal lasts.
pub const LASTS: i64 = 15 * 60 * 1000;
/// The field manager under which everything is applied.
pub const MANAGER: &str = "pilothouse";
/// Most objects of one set.
const MOST: usize = 2000;

/// A manifest as somebody hands it in.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Draft {
    /// The text: YAML or JSON, one document or many.
    pub text: String,
    /// The namespace of objects that name none; else the cluster's own.
    pub namespace: Option<String>,
    /// Fields to be taken over from other managers: paths as a rehearsal's conflicts tell them, alone or after `KIND/NAME:`.
    pub take_over: Vec<String>,
}

impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Draft({} bytes, taking over {:?})", self.text.len(), self.take_over)
    }
}

/// Which object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectRef {
    /// `apps/v1`.
    pub api_version: String,
    /// `Deployment`.
    pub kind: String,
    /// None for what belongs to the whole cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.name)?;
        match &self.namespace {
            Some(namespace) => write!(f, " ({namespace})"),
            None => Ok(()),
        }
    }
}

impl ObjectRef {
    /// What an object says of itself; none where it says too little.
    pub fn of(object: &Json) -> Option<Self> {
        let text = |pointer: &str| object.pointer(pointer).and_then(Json::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
        Some(Self {
            api_version: text("/apiVersion")?,
            kind: text("/kind")?,
            namespace: text("/metadata/namespace"),
            name: text("/metadata/name")?,
        })
    }

    /// The group, empty for the core's, and the version.
    pub fn group_version(&self) -> (&str, &str) {
        self.api_version.split_once('/').unwrap_or(("", &self.api_version))
    }

    /// Whether its values are nobody's to see.
    pub fn is_secret(&self) -> bool {
        self.kind == "Secret" && self.api_version == "v1"
    }
}

/// A manifest that was read: every object names itself, and none is there twice.
///
/// ```compile_fail,E0451
/// let _ = domain::manifest::Parsed { objects: Vec::new(), take_over: Default::default() };
/// ```
/// The twin that compiles:
/// ```
/// let object = serde_json::json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "a" } });
/// assert_eq!(domain::manifest::Parsed::of(vec![object], &[]).unwrap().objects().len(), 1);
/// ```
#[derive(Clone)]
pub struct Parsed {
    objects: Vec<Json>,
    take_over: BTreeSet<String>,
}

impl fmt::Debug for Parsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.objects.iter().filter_map(ObjectRef::of).map(|object| object.to_string())).finish()
    }
}

impl Parsed {
    /// Looks at the documents of a manifest. Empty ones are passed over, lists are taken apart.
    pub fn of(documents: Vec<Json>, take_over: &[String]) -> Result<Self, Fault> {
        let mut objects = Vec::new();
        for (nth, document) in documents.into_iter().enumerate() {
            flatten(document, nth + 1, &mut objects)?;
        }
        if objects.is_empty() {
            return Err(faults::no_manifest(0, "it holds no object", "其中没有任何对象"));
        }
        if objects.len() > MOST {
            let (en, zh) = (format!("it holds more than {MOST} objects"), format!("其中的对象超过 {MOST} 个"));
            return Err(faults::no_manifest(0, &en, &zh));
        }
        Ok(Self { objects, take_over: take_over.iter().map(|path| path.trim().to_owned()).collect() })
    }

    /// The objects, in the order of the text.
    pub fn objects(&self) -> &[Json] {
        &self.objects
    }

    /// Whether a field of an object is to be taken over.
    pub fn takes_over(&self, object: &ObjectRef, path: &str) -> bool {
        let bare = path.trim_start_matches('.');
        self.take_over.iter().any(|wanted| {
            let (of, wanted) = match wanted.split_once(':') {
                Some((of, path)) if of.contains('/') && !of.contains('[') => (Some(of), path),
                _ => (None, wanted.as_str()),
            };
            let named = of.is_none_or(|of| of.eq_ignore_ascii_case(&format!("{}/{}", object.kind, object.name)));
            named && wanted.trim_start_matches('.') == bare
        })
    }

    /// What came of trying it, bound to exactly this manifest, this cluster and what was found there.
    pub fn rehearsed(self, found: Findings, at: Millis) -> Rehearsal {
        let steps: Vec<Json> = found
            .steps
            .iter()
            .map(|step| json!({ "object": step.object, "body": step.body, "base": step.base, "force": step.force }))
            .collect();
        let whole = json!({ "cluster": found.cluster_uid, "manager": MANAGER, "takeOver": self.take_over, "steps": steps });
        let digest = hex(&Sha256::digest(canonical(&whole).as_bytes()));
        Rehearsal {
            digest,
            expires_at: Millis(at.0 + LASTS),
            cluster_uid: found.cluster_uid,
            changes: found.changes,
            conflicts: found.conflicts,
            undone_by: found.undone_by,
            warnings: found.warnings,
            steps: found.steps,
        }
    }
}

fn flatten(document: Json, nth: usize, into: &mut Vec<Json>) -> Result<(), Fault> {
    if document.is_null() {
        return Ok(());
    }
    let kind = document.get("kind").and_then(Json::as_str).unwrap_or_default();
    let is_list = kind.ends_with("List") && document.pointer("/metadata/name").is_none();
    if let Some(items) = document.get("items").and_then(Json::as_array).filter(|_| is_list) {
        for item in items {
            flatten(item.clone(), nth, into)?;
        }
        return Ok(());
    }
    if document.pointer("/metadata/generateName").is_some() && document.pointer("/metadata/name").is_none() {
        return Err(faults::no_manifest(
            nth,
            "it has generateName and no name; what is applied must have a name",
            "它只有 generateName 而没有 name；要应用的对象必须有名称",
        ));
    }
    let Some(object) = ObjectRef::of(&document) else {
        return Err(faults::no_manifest(
            nth,
            "it does not say apiVersion, kind and metadata.name",
            "缺少 apiVersion、kind 或 metadata.name",
        ));
    };
    if object.is_secret() && has_masked(&document) {
        return Err(faults::no_manifest(
            nth,
            "it holds masked values (******), which would take the place of the real ones: take these keys out, or write new values",
            "其中有被遮盖的值（******），会取代真实的值：请去掉这些键，或写入新值",
        ));
    }
    let safe = |text: &str| !text.contains(['/', '?', '#', '%']) && !text.chars().any(|c| c.is_control() || c.is_whitespace());
    let version_safe =
        object.api_version.split('/').all(|part| !part.is_empty() && safe(part)) && object.api_version.matches('/').count() < 2;
    if !version_safe
        || !safe(&object.name)
        || matches!(object.name.as_str(), "." | "..")
        || object.namespace.as_deref().is_some_and(|name| !safe(name))
    {
        return Err(faults::no_manifest(
            nth,
            "its apiVersion, name or namespace holds characters that no such name has",
            "apiVersion、名称或命名空间包含不允许的字符",
        ));
    }
    if into.iter().filter_map(ObjectRef::of).any(|other| other == object) {
        let (en, zh) = (format!("{object} stands there twice"), format!("{object} 出现了两次"));
        return Err(faults::no_manifest(nth, &en, &zh));
    }
    into.push(document);
    Ok(())
}

/// Whether values of a Secret stand there as they are shown, not as they are.
fn has_masked(secret: &Json) -> bool {
    let masked = |value: &Json| value.as_str() == Some(crate::kube::MASKED);
    ["data", "stringData"].iter().filter_map(|key| secret.get(key)?.as_object()).any(|values| values.values().any(masked))
}

/// What would happen to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It is not there yet.
    Create,
    /// It would be otherwise.
    Change,
    /// It is so already.
    Unchanged,
    /// It would be gone. No manifest says so: only acts on single objects do.
    Delete,
}

impl Action {
    /// The word in scripts.
    pub fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Change => "change",
            Self::Unchanged => "unchanged",
            Self::Delete => "delete",
        }
    }
}

/// How far an object could be tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Extent {
    /// The API server tried all of it.
    Whole,
    /// The API server looked at its fields, in another namespace: its own comes with the same set.
    Fields,
    /// Not at all: what it needs comes with the same set.
    Nothing,
}

/// One field of an object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FieldChange {
    /// `spec.template.spec.containers[name=app].image`.
    pub path: String,
    /// What it is; none when it is absent.
    pub before: Option<Json>,
    /// What it would be; none when it would be gone.
    pub after: Option<Json>,
}

/// What would happen to an object, to be looked at. Values of Secrets are masked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectChange {
    /// What would happen.
    pub action: Action,
    /// To which.
    pub object: ObjectRef,
    /// As unified YAML text.
    pub diff: String,
    /// The same field by field.
    pub fields: Vec<FieldChange>,
    /// What the server would make of fields that were sent (`before` was sent, `after` is kept), and what its admission would add (without
    /// `before`).
    pub adjusted: Vec<FieldChange>,
    /// What the server would fill in, in neither `diff` nor `fields`.
    #[serde(default)]
    pub defaults: Vec<FieldChange>,
    /// How far it could be tried.
    pub extent: Extent,
    /// What is there now, as its diff shows it.
    #[serde(skip)]
    pub before: Option<Json>,
    /// What would be there, as its diff shows it.
    #[serde(skip)]
    pub after: Option<Json>,
}

/// A field that somebody else manages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FieldConflict {
    /// Of which object.
    pub object: ObjectRef,
    /// Which field, as the API server writes it.
    pub path: String,
    /// Who manages it.
    pub manager: String,
    /// Whether it is to be taken over.
    pub taken_over: bool,
}

/// Somebody who will set it back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UndoneBy {
    /// Which object.
    pub object: ObjectRef,
    /// Which field; empty for all that they manage.
    pub path: String,
    /// Who: `HorizontalPodAutoscaler web`, `Argo CD shop`, `Helm release web`.
    pub by: String,
}

/// One object on its way: what is sent, and what was found. Its `Debug` names it only.
#[derive(Clone)]
pub struct Step {
    /// Which.
    pub object: ObjectRef,
    /// What is sent.
    pub body: Json,
    /// What would happen.
    pub action: Action,
    /// What is there now.
    pub live: Option<Json>,
    /// What would be there, as far as that is known.
    pub would_be: Option<Json>,
    /// A fingerprint of what is there now; none for nothing.
    pub base: Option<String>,
    /// Whether fields of others are taken over.
    pub force: bool,
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {}", self.action, self.object)
    }
}

/// What the trying found.
#[derive(Debug)]
pub struct Findings {
    /// Which cluster it is, whatever its name.
    pub cluster_uid: String,
    /// In the order in which they would be applied.
    pub steps: Vec<Step>,
    /// The same to be looked at.
    pub changes: Vec<ObjectChange>,
    /// Fields of others.
    pub conflicts: Vec<FieldConflict>,
    /// Who will set it back.
    pub undone_by: Vec<UndoneBy>,
    /// What else is to be known.
    pub warnings: Vec<Text>,
}

/// What an apply would do, bound by its digest to the manifest, the cluster and what was there. Made by [`Parsed::rehearsed`] alone.
///
/// ```compile_fail,E0451
/// # fn forge(it: domain::manifest::Rehearsal) -> domain::manifest::Rehearsal {
/// domain::manifest::Rehearsal { digest: "0".into(), ..it }
/// # }
/// ```
/// The twin that compiles:
/// ```
/// # fn made(parsed: domain::manifest::Parsed, found: domain::manifest::Findings, at: domain::id::Millis) -> domain::manifest::Rehearsal {
/// parsed.rehearsed(found, at)
/// # }
/// ```
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rehearsal {
    digest: String,
    expires_at: Millis,
    changes: Vec<ObjectChange>,
    conflicts: Vec<FieldConflict>,
    undone_by: Vec<UndoneBy>,
    warnings: Vec<Text>,
    #[serde(skip)]
    cluster_uid: String,
    #[serde(skip)]
    steps: Vec<Step>,
}

impl Rehearsal {
    /// What an approval names.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Until when it can be approved.
    pub fn expires_at(&self) -> Millis {
        self.expires_at
    }

    /// What would happen, object by object.
    pub fn changes(&self) -> &[ObjectChange] {
        &self.changes
    }

    /// Fields of others.
    pub fn conflicts(&self) -> &[FieldConflict] {
        &self.conflicts
    }

    /// Who will set it back.
    pub fn undone_by(&self) -> &[UndoneBy] {
        &self.undone_by
    }

    /// What else is to be known.
    pub fn warnings(&self) -> &[Text] {
        &self.warnings
    }

    /// Takes a person's word for exactly this: the digest of an earlier rehearsal that lasts until `until`. Refused with `rehearsal_stale`
    /// when anything moved since, `rehearsal_expired`, and `field_conflict` while a field of somebody else is not taken over.
    pub fn approved(self, digest: &str, until: Millis, now: Millis) -> Result<Approved, Fault> {
        if self.digest != digest {
            return Err(stale());
        }
        if now > until {
            return Err(expired());
        }
        let open: Vec<&FieldConflict> = self.conflicts.iter().filter(|conflict| !conflict.taken_over).collect();
        if !open.is_empty() {
            return Err(conflicted(&open));
        }
        Ok(Approved { rehearsal: self })
    }
}

/// What a person approved. Made by [`Rehearsal::approved`] alone.
///
/// ```compile_fail,E0451
/// # fn forge(rehearsal: domain::manifest::Rehearsal) -> domain::manifest::Approved {
/// domain::manifest::Approved { rehearsal }
/// # }
/// ```
/// The twin that compiles:
/// ```
/// # fn given(rehearsal: domain::manifest::Rehearsal, now: domain::id::Millis)
/// # -> Result<domain::manifest::Approved, domain::fault::Fault> {
/// let (digest, until) = (rehearsal.digest().to_owned(), rehearsal.expires_at());
/// rehearsal.approved(&digest, until, now)
/// # }
/// ```
#[derive(Debug)]
pub struct Approved {
    rehearsal: Rehearsal,
}

impl Approved {
    /// What is to be sent, in order.
    pub fn steps(&self) -> &[Step] {
        &self.rehearsal.steps
    }

    /// Which cluster it is.
    pub fn cluster_uid(&self) -> &str {
        &self.rehearsal.cluster_uid
    }

    /// What was approved.
    pub fn digest(&self) -> &str {
        &self.rehearsal.digest
    }

    /// What was shown.
    pub fn changes(&self) -> &[ObjectChange] {
        &self.rehearsal.changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(name: &str) -> Json {
        json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name } })
    }

    fn step(name: &str, base: Option<&str>) -> Step {
        let body = map(name);
        let object = ObjectRef::of(&body).unwrap();
        Step { object, body, action: Action::Create, live: None, would_be: None, base: base.map(str::to_owned), force: false }
    }

    fn rehearsal(uid: &str, base: Option<&str>, take_over: &[String], conflicts: Vec<FieldConflict>) -> Rehearsal {
        let found = Findings {
            cluster_uid: uid.into(),
            steps: vec![step("a", base)],
            changes: vec![],
            conflicts,
            undone_by: vec![],
            warnings: vec![],
        };
        Parsed::of(vec![map("a")], take_over).unwrap().rehearsed(found, Millis(1000))
    }

    #[test]
    fn masked_values_of_a_secret_are_never_applied_and_other_stars_are() {
        let of = |kind: &str, part: &str, value: &str| {
            Parsed::of(vec![json!({ "apiVersion": "v1", "kind": kind, "metadata": { "name": "a" }, part: { "k": value } })], &[])
        };
        for part in ["data", "stringData"] {
            let fault = of("Secret", part, "******").unwrap_err();
            assert_eq!(fault.code, "manifest_invalid");
            assert!(fault.message.en.contains("masked values"), "{}", fault.message.en);
            assert!(of("Secret", part, "*****").is_ok());
        }
        assert!(of("ConfigMap", "data", "******").is_ok());
    }

    #[test]
    fn documents_that_cannot_be_applied_are_refused_with_their_number() {
        for (documents, part) in [
            (vec![], "no object"),
            (vec![Json::Null], "no object"),
            (vec![map("a"), json!("text")], "document 2"),
            (vec![json!({ "kind": "ConfigMap", "metadata": { "name": "a" } })], "apiVersion"),
            (vec![json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "generateName": "a-" } })], "generateName"),
            (vec![map("a"), map("a")], "twice"),
            (vec![map("a/../b")], "characters"),
            (vec![map("..")], "characters"),
            (vec![json!({ "apiVersion": "a/b/c", "kind": "X", "metadata": { "name": "a" } })], "characters"),
            (vec![json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "a", "namespace": "x?y" } })], "characters"),
        ] {
            let fault = Parsed::of(documents.clone(), &[]).unwrap_err();
            assert!(fault.message.en.contains(part), "{documents:?}: {fault}");
        }
        let list = json!({ "apiVersion": "v1", "kind": "List", "items": [map("a"), map("b")] });
        assert_eq!(Parsed::of(vec![list, Json::Null, map("c")], &[]).unwrap().objects().len(), 3);
    }

    #[test]
    fn a_digest_is_bound_to_manifest_cluster_base_and_options() {
        let one = rehearsal("u", Some("1"), &[], vec![]).digest().to_owned();
        assert_eq!(one, rehearsal("u", Some("1"), &[], vec![]).digest());
        for other in [
            rehearsal("v", Some("1"), &[], vec![]),
            rehearsal("u", Some("2"), &[], vec![]),
            rehearsal("u", None, &[], vec![]),
            rehearsal("u", Some("1"), &["spec.replicas".into()], vec![]),
        ] {
            assert_ne!(one, other.digest());
        }
    }

    #[test]
    fn only_the_same_digest_in_time_and_without_open_conflicts_is_approved() {
        let conflict = |taken_over| FieldConflict {
            object: ObjectRef::of(&map("a")).unwrap(),
            path: ".data.x".into(),
            manager: "other".into(),
            taken_over,
        };
        let until = Millis(1000 + LASTS);
        let try_it = |conflicts: Vec<FieldConflict>, digest: Option<&str>, now: i64| {
            let it = rehearsal("u", None, &[], conflicts);
            let own = it.digest().to_owned();
            it.approved(digest.unwrap_or(&own), until, Millis(now)).map(drop).map_err(|fault| fault.code)
        };
        assert_eq!(try_it(vec![], None, until.0), Ok(()));
        assert_eq!(try_it(vec![conflict(true)], None, 1000), Ok(()));
        assert_eq!(try_it(vec![], Some("0"), 1000), Err("rehearsal_stale".into()));
        assert_eq!(try_it(vec![], None, until.0 + 1), Err("rehearsal_expired".into()));
        assert_eq!(try_it(vec![conflict(false)], None, 1000), Err("field_conflict".into()));
    }

    #[test]
    fn a_field_is_taken_over_by_its_path_of_all_objects_or_of_one() {
        let parsed = |wanted: &str| Parsed::of(vec![map("a")], &[wanted.to_owned()]).unwrap();
        let object = ObjectRef::of(&map("a")).unwrap();
        for (wanted, path, is) in [
            ("data.x", ".data.x", true),
            (".data.x", ".data.x", true),
            ("data", ".data.x", false),
            ("configmap/a:.data.x", ".data.x", true),
            ("ConfigMap/b:.data.x", ".data.x", false),
            (".spec.ports[port=80,protocol=\"TCP\"].x", ".spec.ports[port=80,protocol=\"TCP\"].x", true),
            (".spec.a[name=\"x:y/z\"].b", ".spec.a[name=\"x:y/z\"].b", true),
        ] {
            assert_eq!(parsed(wanted).takes_over(&object, path), is, "{wanted} {path}");
        }
    }

    #[test]
    fn nothing_of_an_objects_content_is_in_a_debug_text() {
        let mut body = map("a");
        body["data"] = json!({ "x": "canary" });
        let parsed = Parsed::of(vec![body.clone()], &[]).unwrap();
        let draft = Draft { text: "canary".into(), ..Draft::default() };
        let step = Step { body, ..step("a", None) };
        assert!(!format!("{parsed:?} {draft:?} {step:?}").contains("canary"));
    }
}
