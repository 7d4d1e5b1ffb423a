//! The workbench: manifests checked as they are typed, compared, rehearsed, applied, watched and taken back.
//!
//! Lines and columns count from 1, columns and offsets in UTF-16 code units, as editors count. `cluster` none: held against bundled schemas.
//! **Invariant:** the values of Secrets were masked before anything of a cluster becomes a type of this file.

use app::{DraftText, DraftVersion, DraftView};
use domain::manifest::{Action, ChangeView, Extent, FieldChange, FieldConflict, ObjectChange, ObjectRef, Rehearsal, Rollout, UndoneBy};
use domain::manifest_check::{FixEdit, LintLevel, RuleInfo, Severity};
use domain::manifest_language::{Completion, CompletionKind, Hover, Inspection, ManifestTemplate, OutlineItem, TextEdit};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::common::Words;

/// Asks whether a text is right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct WbCheckReq {
    /// The text.
    pub text: String,
    /// Against what this cluster serves; none for bundled schemas.
    pub cluster: Option<String>,
    /// The minor of Kubernetes whose removals count.
    pub version: Option<String>,
    /// `baseline` or `restricted`: the level of the Pod Security Standards that must be kept.
    pub level: Option<String>,
    /// Names this question, so that it can be given up.
    pub ask: String,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct WbCheckView {
    /// Whether there is no error.
    pub ok: bool,
    /// The Kubernetes version that it was held against.
    pub version: String,
    /// How many objects there are.
    pub objects: usize,
    /// The documents.
    pub outline: Vec<WbOutlineView>,
    /// In the order of the text.
    pub problems: Vec<WbProblemView>,
}

impl From<Inspection> for WbCheckView {
    fn from(seen: Inspection) -> Self {
        let problems = seen.report.problems.into_iter().zip(seen.marks).map(|(problem, mark)| WbProblemView {
            document: problem.document,
            line: mark.line,
            column: mark.column,
            end_line: mark.end_line,
            end_column: mark.end_column,
            severity: match problem.severity {
                Severity::Error => WbSeverity::Error,
                Severity::Warning => WbSeverity::Warning,
            },
            rule: problem.rule,
            path: problem.path,
            message: problem.message.into(),
            allowed: problem.allowed,
            fix: problem.fix.map(|fix| WbFixView {
                label: fix.label().into(),
                document: problem.document,
                path: problem.whole,
                edit: serde_json::to_value(fix).unwrap_or_default(),
            }),
        });
        Self {
            ok: seen.report.ok,
            version: seen.report.version,
            objects: seen.report.objects,
            outline: seen.outline.into_iter().map(Into::into).collect(),
            problems: problems.collect(),
        }
    }
}

/// A document of the text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct WbOutlineView {
    /// From 1; empty documents do not count.
    pub document: usize,
    /// Its first line.
    pub line: u32,
    /// Its last line.
    pub end_line: u32,
    /// Empty when it does not say.
    pub api_version: String,
    /// Empty when it does not say.
    pub kind: String,
    /// Its namespace.
    pub namespace: Option<String>,
    /// Its name.
    pub name: Option<String>,
}

impl From<OutlineItem> for WbOutlineView {
    fn from(item: OutlineItem) -> Self {
        Self {
            document: item.document,
            line: item.line,
            end_line: item.end_line,
            api_version: item.api_version,
            kind: item.kind,
            namespace: item.namespace,
            name: item.name,
        }
    }
}

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum WbSeverity {
    /// It would be refused, or was set to block.
    Error,
    /// It may be meant.
    Warning,
}

/// Something that is wrong, or may be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct WbProblemView {
    /// In which document, from 1; 0 when the text cannot be read.
    pub document: usize,
    /// Where it begins.
    pub line: u32,
    /// Where it begins.
    pub column: u32,
    /// Where it ends.
    pub end_line: u32,
    /// One past its last unit.
    pub end_column: u32,
    /// How bad.
    pub severity: WbSeverity,
    /// The rule's stable name.
    pub rule: String,
    /// Where in its object.
    pub path: String,
    /// What is wrong.
    pub message: Words,
    /// What may stand there instead, where that is a list.
    pub allowed: Vec<String>,
    /// What would put it right.
    pub fix: Option<WbFixView>,
}

/// A change that would put a problem right. What it does to the text is asked for when somebody wants it (`wb_fix`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct WbFixView {
    /// What the button says.
    pub label: Words,
    /// In which document.
    pub document: usize,
    /// Where in that document.
    pub path: String,
    /// What is changed; goes back as it is.
    #[ts(type = "Json")]
    pub edit: serde_json::Value,
}

/// Asks what a fix does to a text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct WbFixReq {
    /// The text as it was checked.
    pub text: String,
    /// As the problem's fix says.
    pub document: usize,
    /// As the problem's fix says.
    pub path: String,
    /// As the problem's fix says.
    #[ts(type = "Json")]
    pub edit: serde_json::Value,
}

impl WbFixReq {
    /// The change that it names; none when it is none of ours.
    pub fn fix(&self) -> Option<FixEdit> {
        serde_json::from_value(self.edit.clone()).ok()
    }
}

/// Changes of a text, all of them in the text as it was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct WbEditsView {
    /// The changes; none overlap.
    pub edits: Vec<WbEditView>,
}

impl From<Vec<TextEdit>> for WbEditsView {
    fn from(edits: Vec<TextEdit>) -> Self {
        Self { edits: edits.into_iter().map(|edit| WbEditView { from: edit.from, to: edit.to, insert: edit.insert }).collect() }
    }
}

/// A piece of the text becomes something else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct WbEditView {
    /// Where it begins.
    pub from: usize,
    /// Where it ends.
    pub to: usize,
    /// What stands there afterwards.
    pub insert: String,
}

/// The Kubernetes versions whose schemas are here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct WbVersionsView {
    /// Oldest first.
    pub versions: Vec<String>,
    /// The newest.
    pub newest: String,
}

impl From<Vec<String>> for WbVersionsView {
    fn from(versions: Vec<String>) -> Self {
        Self { newest: versions.last().cloned().unwrap_or_default(), versions }
    }
}

/// Asks for the rules as they are for a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct WbRulesReq {
    /// The cluster; none for what is usual.
    pub cluster: Option<String>,
}

/// A rule that can find something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct WbRuleView {
    /// Its stable name.
    pub id: String,
    /// What becomes of its findings.
    pub level: WbLevel,
    /// What becomes of them unless somebody says otherwise.
    pub usual: WbLevel,
    /// Whether somebody may say otherwise.
    pub adjustable: bool,
    /// What it asks for, and why.
    pub about: Words,
}

/// What becomes of findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum WbLevel {
    /// Nothing.
    Off,
    /// They are warnings.
    Warn,
    /// They are errors.
    Block,
}

impl From<LintLevel> for WbLevel {
    fn from(level: LintLevel) -> Self {
        match level {
            LintLevel::Off => Self::Off,
            LintLevel::Warn => Self::Warn,
            LintLevel::Block => Self::Block,
        }
    }
}

impl From<WbLevel> for LintLevel {
    fn from(level: WbLevel) -> Self {
        match level {
            WbLevel::Off => Self::Off,
            WbLevel::Warn => Self::Warn,
            WbLevel::Block => Self::Block,
        }
    }
}

impl WbRuleView {
    /// With the level that somebody gave it.
    pub fn of(rule: RuleInfo, level: Option<LintLevel>) -> Self {
        Self {
            id: rule.id.to_owned(),
            level: level.unwrap_or(rule.level).into(),
            usual: rule.level.into(),
            adjustable: rule.adjustable,
            about: rule.about.into(),
        }
    }
}

/// Asks what a cluster has of the objects of a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct WbLiveReq {
    /// The cluster.
    pub cluster: String,
    /// The text.
    pub text: String,
    /// The namespace of objects that name none.
    pub namespace: Option<String>,
    /// Names this question, so that it can be given up.
    pub ask: String,
}

/// What a cluster has of one document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct WbLiveView {
    /// Which document.
    pub document: usize,
    /// Its object as YAML; none when it is not there.
    pub yaml: Option<String>,
}

/// Asks what applying a text would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct WbRehearseReq {
    /// The cluster.
    pub cluster: String,
    /// The text.
    pub text: String,
    /// The namespace of objects that name none.
    pub namespace: Option<String>,
    /// Fields to be taken over from other managers.
    pub take_over: Vec<String>,
    /// Names this question, so that it can be given up.
    pub ask: String,
}

/// Which object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct WbObject {
    /// `apps/v1`.
    pub api_version: String,
    /// `Deployment`.
    pub kind: String,
    /// None for what belongs to the whole cluster.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
}

impl From<&ObjectRef> for WbObject {
    fn from(object: &ObjectRef) -> Self {
        Self {
            api_version: object.api_version.clone(),
            kind: object.kind.clone(),
            namespace: object.namespace.clone(),
            name: object.name.clone(),
        }
    }
}

/// What would happen to an object, or did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum WbAction {
    /// It is not there yet.
    Create,
    /// It would be otherwise.
    Change,
    /// It is so already.
    Unchanged,
    /// It would be gone.
    Delete,
}

impl From<Action> for WbAction {
    fn from(action: Action) -> Self {
        match action {
            Action::Create => Self::Create,
            Action::Change => Self::Change,
            Action::Unchanged => Self::Unchanged,
            Action::Delete => Self::Delete,
        }
    }
}

/// How far an object could be tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum WbExtent {
    /// All of it.
    Whole,
    /// Its fields, in another namespace.
    Fields,
    /// Not at all.
    Nothing,
}

/// What applying would do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct WbRehearsalView {
    /// What an approval names.
    pub digest: String,
    /// Until when it can be approved, in milliseconds.
    pub expires_at: i64,
    /// Object by object, in the order in which they would be applied.
    pub changes: Vec<WbChangeView>,
    /// Fields that others manage.
    pub conflicts: Vec<WbConflictView>,
    /// Who will set it back.
    pub undone_by: Vec<WbUndoneByView>,
    /// What else is to be known.
    pub warnings: Vec<Words>,
}

impl WbRehearsalView {
    /// With a way of writing YAML.
    pub fn of(rehearsal: &Rehearsal, yaml: impl Fn(&serde_json::Value) -> Option<String>) -> Self {
        Self {
            digest: rehearsal.digest().to_owned(),
            expires_at: rehearsal.expires_at().0,
            changes: rehearsal.changes().iter().map(|change| WbChangeView::of(change, &yaml)).collect(),
            conflicts: rehearsal.conflicts().iter().map(Into::into).collect(),
            undone_by: rehearsal.undone_by().iter().map(Into::into).collect(),
            warnings: rehearsal.warnings().iter().cloned().map(Into::into).collect(),
        }
    }
}

/// What would happen to one object. Values of Secrets are masked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct WbChangeView {
    /// What would happen.
    pub action: WbAction,
    /// To which.
    pub object: WbObject,
    /// As unified text.
    pub diff: String,
    /// How far it could be tried.
    pub extent: WbExtent,
    /// What is there now, as YAML.
    pub before: Option<String>,
    /// What would be there, as YAML.
    pub after: Option<String>,
    /// Field by field.
    pub fields: Vec<WbFieldView>,
    /// What the server would make of fields that were sent: `before` was sent, `after` is kept.
    pub adjusted: Vec<WbFieldView>,
}

impl WbChangeView {
    fn of(change: &ObjectChange, yaml: impl Fn(&serde_json::Value) -> Option<String>) -> Self {
        Self {
            action: change.action.into(),
            object: (&change.object).into(),
            diff: change.diff.clone(),
            extent: match change.extent {
                Extent::Whole => WbExtent::Whole,
                Extent::Fields => WbExtent::Fields,
                Extent::Nothing => WbExtent::Nothing,
            },
            before: change.before.as_ref().and_then(&yaml),
            after: change.after.as_ref().and_then(&yaml),
            fields: change.fields.iter().map(Into::into).collect(),
            adjusted: change.adjusted.iter().map(Into::into).collect(),
        }
    }
}

/// One field of an object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct WbFieldView {
    /// Where it is.
    pub path: String,
    /// What it is; none when it is absent.
    #[ts(type = "Json")]
    pub before: Option<serde_json::Value>,
    /// What it would be; none when it would be gone.
    #[ts(type = "Json")]
    pub after: Option<serde_json::Value>,
}

impl From<&FieldChange> for WbFieldView {
    fn from(field: &FieldChange) -> Self {
        Self { path: field.path.clone(), before: field.before.clone(), after: field.after.clone() }
    }
}

/// A field that somebody else manages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct WbConflictView {
    /// Of which object.
    pub object: WbObject,
    /// Which field; this is what `takeOver` names.
    pub path: String,
    /// Who manages it.
    pub manager: String,
    /// Whether it is to be taken over.
    pub taken_over: bool,
}

impl From<&FieldConflict> for WbConflictView {
    fn from(conflict: &FieldConflict) -> Self {
        Self {
            object: (&conflict.object).into(),
            path: conflict.path.clone(),
            manager: conflict.manager.clone(),
            taken_over: conflict.taken_over,
        }
    }
}

/// Somebody who will set it back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct WbUndoneByView {
    /// Which object.
    pub object: WbObject,
    /// Which field; empty for all that they manage.
    pub path: String,
    /// Who.
    pub by: String,
}

impl From<&UndoneBy> for WbUndoneByView {
    fn from(undone: &UndoneBy) -> Self {
        Self { object: (&undone.object).into(), path: undone.path.clone(), by: undone.by.clone() }
    }
}

/// Applies what was rehearsed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct WbApplyReq {
    /// The cluster.
    pub cluster: String,
    /// The text.
    pub text: String,
    /// The namespace of objects that name none.
    pub namespace: Option<String>,
    /// Fields to be taken over, as they were rehearsed.
    pub take_over: Vec<String>,
    /// The rehearsal that was approved.
    pub digest: String,
    /// Take it back unless it is confirmed within so many seconds.
    pub confirm_within: Option<u32>,
}

/// What was applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct WbAppliedView {
    /// In order.
    pub applied: Vec<WbDoneView>,
    /// To take it back; none when nothing had to be changed.
    pub undo_id: Option<String>,
    /// When it goes back by itself, in milliseconds.
    pub revert_at: Option<i64>,
    /// What the API server said meanwhile.
    pub warnings: Vec<Words>,
}

/// What was done to an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct WbDoneView {
    /// What.
    pub action: WbAction,
    /// To which.
    pub object: WbObject,
    /// Whether it is known to have happened.
    pub applied: bool,
}

/// Watches a rollout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct WbRolloutReq {
    /// The cluster.
    pub cluster: String,
    /// Whose: a Deployment, StatefulSet or DaemonSet.
    pub object: WbObject,
    /// Names this question, so that it can be given up.
    pub ask: String,
}

/// Where a rollout stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct WbRolloutView {
    /// `done`, `progressing`, `failed`.
    pub state: String,
    /// Pods that are wanted.
    pub wanted: i64,
    /// Of these, made of the new template.
    pub updated: i64,
    /// Of these, ready for traffic.
    pub ready: i64,
    /// In a sentence.
    pub message: Words,
    /// What keeps pods from being ready.
    pub reasons: Vec<WbReasonView>,
}

impl From<&Rollout> for WbRolloutView {
    fn from(rollout: &Rollout) -> Self {
        let reasons = rollout.reasons.iter().map(|reason| WbReasonView {
            pod: reason.pod.clone(),
            container: reason.container.clone(),
            reason: reason.reason.clone(),
            message: reason.message.clone(),
        });
        Self {
            state: rollout.state.clone(),
            wanted: rollout.wanted,
            updated: rollout.updated,
            ready: rollout.ready,
            message: rollout.summary.clone().into(),
            reasons: reasons.collect(),
        }
    }
}

/// Why a pod is not ready.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct WbReasonView {
    /// Which pod.
    pub pod: String,
    /// Which of its containers; none when it is about the whole pod.
    pub container: Option<String>,
    /// `ImagePullBackOff`, `CrashLoopBackOff`, `Unschedulable`.
    pub reason: String,
    /// What the cluster says of it.
    pub message: String,
}

/// A change that can be taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct WbPastView {
    /// Its id.
    pub id: String,
    /// The cluster's id.
    pub cluster: String,
    /// When, in milliseconds.
    pub applied_at: i64,
    /// `applying`, `applied`, `waiting`, `undoing`, `undone`.
    pub state: String,
    /// What was done to which object.
    pub objects: Vec<WbDoneView>,
    /// When it goes back by itself unless it is confirmed, in milliseconds.
    pub confirm_until: Option<i64>,
    /// Why it could not be taken back.
    pub trouble: Option<Words>,
}

impl From<ChangeView> for WbPastView {
    fn from(view: ChangeView) -> Self {
        let objects = view.objects.iter().map(|(action, object, applied)| WbDoneView {
            action: (*action).into(),
            object: object.into(),
            applied: *applied,
        });
        Self {
            id: view.id,
            cluster: view.cluster.as_str().to_owned(),
            applied_at: view.at.0,
            state: view.state.word().to_owned(),
            objects: objects.collect(),
            confirm_until: view.deadline.map(|at| at.0),
            trouble: view.trouble.map(Into::into),
        }
    }
}

/// Takes a change back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct WbUndoReq {
    /// Which.
    pub id: String,
    /// Also over what somebody changed since.
    pub force: bool,
}

/// What was taken back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct WbUndoneView {
    /// Which change.
    pub id: String,
    /// In the order in which it was done.
    pub undone: Vec<WbUndoStepView>,
}

/// What taking a change back did to an object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct WbUndoStepView {
    /// Which.
    pub object: WbObject,
    /// `delete`, `recreate`, `restore`, `nothing`.
    pub action: String,
    /// What went back.
    pub fields: Vec<WbFieldView>,
    /// What somebody had changed since.
    pub changed_since: Vec<WbFieldView>,
}

impl From<domain::manifest::Undone> for WbUndoneView {
    fn from(undone: domain::manifest::Undone) -> Self {
        let steps = undone.undone.iter().map(|step| WbUndoStepView {
            object: (&step.object).into(),
            action: step.action.clone(),
            fields: step.fields.iter().map(Into::into).collect(),
            changed_since: step.changed_since.iter().map(Into::into).collect(),
        });
        Self { id: undone.id.clone(), undone: steps.collect() }
    }
}

/// A file that was opened; nothing when the person closed the dialog.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct WbOpenRes {
    /// The file.
    pub file: Option<WbFileView>,
}

/// A file and its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct WbFileView {
    /// Where it is.
    pub path: String,
    /// What is in it.
    pub text: String,
}

/// Saves a text in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct WbSaveReq {
    /// A file that was opened or saved since the window opened; any other path, and none, brings the dialog.
    pub path: Option<String>,
    /// The text.
    pub text: String,
}

/// Asks what may be typed at a place, or what stands there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct WbAtReq {
    /// The text.
    pub text: String,
    /// The cursor's line.
    pub line: u32,
    /// The cursor's column.
    pub column: u32,
    /// By what this cluster serves; none for bundled schemas.
    pub cluster: Option<String>,
    /// The minor of Kubernetes.
    pub version: Option<String>,
    /// Names this question, so that it can be given up.
    pub ask: String,
}

/// What may be typed at a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct WbCompleteView {
    /// Where the word begins that it takes the place of.
    pub from: usize,
    /// Where that word ends.
    pub to: usize,
    /// What is offered, what is wanted most first.
    pub items: Vec<WbItemView>,
}

impl From<Completion> for WbCompleteView {
    fn from(found: Completion) -> Self {
        let items = found.items.into_iter().map(|item| WbItemView {
            label: item.label,
            insert: item.insert,
            kind: match item.kind {
                CompletionKind::Key => "key",
                CompletionKind::Value => "value",
                CompletionKind::Snippet => "snippet",
            }
            .to_owned(),
            type_name: item.type_name,
            required: item.required,
            about: item.about,
            deprecated: item.deprecated,
        });
        Self { from: found.from, to: found.to, items: items.collect() }
    }
}

/// One thing that may be typed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct WbItemView {
    /// Its name.
    pub label: String,
    /// What stands there when it is taken.
    pub insert: String,
    /// `key`, `value`, `snippet`.
    pub kind: String,
    /// The type of its value, or where it belongs.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Whether it must be there.
    pub required: bool,
    /// What its schema says of it.
    pub about: String,
    /// Whether it should not be used any more.
    pub deprecated: bool,
}

/// What stands at a place; nothing where nothing can be said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct WbHoverRes {
    /// What.
    pub hover: Option<WbHoverView>,
}

/// What stands at a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct WbHoverView {
    /// Where in its object.
    pub path: String,
    /// The type of the value.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Whether it must be there.
    pub required: bool,
    /// What its schema says of it.
    pub about: String,
    /// What may stand there, where that is a list.
    pub allowed: Vec<String>,
    /// Where the word begins.
    pub from: usize,
    /// Where it ends.
    pub to: usize,
}

impl From<Hover> for WbHoverView {
    fn from(hover: Hover) -> Self {
        Self {
            path: hover.path,
            type_name: hover.type_name,
            required: hover.required,
            about: hover.about,
            allowed: hover.allowed,
            from: hover.from,
            to: hover.to,
        }
    }
}

/// A text to be formatted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct WbTextReq {
    /// The text.
    pub text: String,
}

/// A text as it was formatted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct WbTextView {
    /// The text.
    pub text: String,
}

/// A manifest to begin with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct WbTemplateView {
    /// Its stable name.
    pub id: String,
    /// What it is called.
    pub title: Words,
    /// What it is for.
    pub about: Words,
    /// The manifest.
    pub text: String,
}

impl From<ManifestTemplate> for WbTemplateView {
    fn from(template: ManifestTemplate) -> Self {
        Self { id: template.id, title: template.title.into(), about: template.about.into(), text: template.text }
    }
}

/// Sets the level of a cluster's lint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct WbRuleSetReq {
    /// The cluster.
    pub cluster: String,
    /// The rule's stable name.
    pub id: String,
    /// The level; none for as usual.
    pub level: Option<WbLevel>,
}

/// A draft in the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct WbDraftView {
    /// Its id.
    pub id: String,
    /// What the person calls it.
    pub name: String,
    /// The cluster that it is meant for.
    pub cluster: Option<String>,
    /// The namespace of objects that name none.
    pub namespace: Option<String>,
    /// Last saved, in milliseconds.
    pub updated_at: i64,
    /// How many versions there are.
    pub versions: usize,
}

impl From<DraftView> for WbDraftView {
    fn from(draft: DraftView) -> Self {
        Self {
            id: draft.id,
            name: draft.name,
            cluster: draft.cluster,
            namespace: draft.namespace,
            updated_at: draft.updated_at.0,
            versions: draft.versions.len(),
        }
    }
}

/// Asks for the text of a draft.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct WbDraftGetReq {
    /// Which.
    pub id: String,
    /// Which version; the newest when none is named.
    pub version: Option<u32>,
}

/// A draft with the text of a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct WbDraftTextView {
    /// Its id.
    pub id: String,
    /// What the person calls it.
    pub name: String,
    /// The text.
    pub text: String,
    /// The cluster that it is meant for.
    pub cluster: Option<String>,
    /// The namespace of objects that name none.
    pub namespace: Option<String>,
    /// When that version was saved, in milliseconds.
    pub saved_at: i64,
    /// Which version it is.
    pub version: u32,
}

impl From<DraftText> for WbDraftTextView {
    fn from(found: DraftText) -> Self {
        Self {
            id: found.draft.id,
            name: found.draft.name,
            text: found.text,
            cluster: found.draft.cluster,
            namespace: found.draft.namespace,
            saved_at: found.version.saved_at.0,
            version: found.version.version,
        }
    }
}

/// Saves a draft.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct WbDraftSaveReq {
    /// Which; none for a new one.
    pub id: Option<String>,
    /// What the person calls it.
    pub name: String,
    /// The text.
    pub text: String,
    /// The cluster that it is meant for.
    pub cluster: Option<String>,
    /// The namespace of objects that name none.
    pub namespace: Option<String>,
}

/// A draft was saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct WbDraftSavedView {
    /// Its id.
    pub id: String,
    /// Which version holds the text; the newest one when it is the same.
    pub version: u32,
    /// When that version was saved, in milliseconds.
    pub saved_at: i64,
}

/// A version of a draft.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct WbDraftVersionView {
    /// Counts from 1.
    pub version: u32,
    /// When, in milliseconds.
    pub saved_at: i64,
    /// How large it is.
    pub bytes: usize,
}

impl From<DraftVersion> for WbDraftVersionView {
    fn from(version: DraftVersion) -> Self {
        Self { version: version.version, saved_at: version.saved_at.0, bytes: version.bytes }
    }
}
