//! What is kept of a change so that it can be undone, and the trait of whoever changes clusters.

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{Action, Draft, FieldChange, ObjectRef, Rehearsal};
use crate::Json;
use crate::act::{ActIo, ActTarget, Deed, Done, Foresight, Revision};
use crate::cluster::ClusterDef;
use crate::fault::Fault;
use crate::id::{ClusterId, Millis, SecretId};
use crate::text::Text;

/// Where a change stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeState {
    /// It is being applied, or the process that did was killed.
    Applying,
    /// It is applied, and stays.
    Applied,
    /// It is applied, and goes back at its deadline unless somebody confirms it.
    Waiting,
    /// It is being taken back, or the process that did was killed.
    Undoing,
    /// It was taken back.
    Undone,
}

impl ChangeState {
    /// The word in scripts and in the store.
    pub fn word(self) -> &'static str {
        match self {
            Self::Applying => "applying",
            Self::Applied => "applied",
            Self::Waiting => "waiting",
            Self::Undoing => "undoing",
            Self::Undone => "undone",
        }
    }
}

/// What an object was, and what it became.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kept")]
pub enum Content {
    /// As it stands.
    Clear {
        /// None when it was not there.
        before: Option<Json>,
        /// What was expected of the change, or what came of it.
        after: Option<Json>,
    },
    /// The same in the vault, as JSON `{"before", "after"}`.
    Sealed {
        /// Where.
        secret: SecretId,
    },
    /// A Secret that was made: its values are kept nowhere, and its stamp tells whether somebody changed it.
    Made,
}

impl std::fmt::Debug for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Clear { .. } => "clear",
            Self::Sealed { .. } => "sealed",
            Self::Made => "made",
        })
    }
}

/// One object of a change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeptObject {
    /// Which.
    pub object: ObjectRef,
    /// Its path on the API server.
    pub path: String,
    /// What was to happen.
    pub action: Action,
    /// Whether it is known to have happened.
    pub applied: bool,
    /// `uid` and `resourceVersion` right after it happened.
    pub stamp: Option<(String, String)>,
    /// Before and after.
    pub content: Content,
}

/// A change, kept to be undone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeptChange {
    /// Its id.
    pub id: String,
    /// Which cluster.
    pub cluster: ClusterId,
    /// That cluster's own identity.
    pub cluster_uid: String,
    /// When.
    pub at: Millis,
    /// Where it stands.
    pub state: ChangeState,
    /// When it goes back by itself unless somebody confirms it.
    pub deadline: Option<Millis>,
    /// Whoever undoes it has it until then.
    pub claimed_until: Option<Millis>,
    /// Why it could not be taken back, when that was tried.
    pub trouble: Option<Text>,
    /// In the order in which they were applied.
    pub objects: Vec<KeptObject>,
}

/// A change in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangeView {
    /// Its id.
    pub id: String,
    /// Which cluster.
    pub cluster: ClusterId,
    /// When.
    pub at: Millis,
    /// Where it stands.
    pub state: ChangeState,
    /// When it goes back by itself.
    pub deadline: Option<Millis>,
    /// Why it could not be taken back.
    pub trouble: Option<Text>,
    /// What was done to which object, and whether that is known to have happened.
    pub objects: Vec<(Action, ObjectRef, bool)>,
}

impl From<&KeptChange> for ChangeView {
    fn from(kept: &KeptChange) -> Self {
        Self {
            id: kept.id.clone(),
            cluster: kept.cluster.clone(),
            at: kept.at,
            state: kept.state,
            deadline: kept.deadline,
            trouble: kept.trouble.clone(),
            objects: kept.objects.iter().map(|one| (one.action, one.object.clone(), one.applied)).collect(),
        }
    }
}

/// Rehearsals that can be approved, and changes that can be undone. Shared by all processes.
#[async_trait]
pub trait ChangeLog: Send + Sync + std::fmt::Debug {
    /// Keeps a rehearsal, and forgets those that ended before `now`.
    async fn keep_rehearsal(&self, cluster: &ClusterId, digest: &str, until: Millis, now: Millis) -> Result<(), Fault>;
    /// Until when a rehearsal of that cluster can be approved.
    async fn rehearsal(&self, cluster: &ClusterId, digest: &str) -> Result<Option<Millis>, Fault>;
    /// Keeps a change, or what it is now. On the disk when it answers.
    async fn keep_change(&self, change: &KeptChange) -> Result<(), Fault>;
    /// The change of that id.
    async fn change(&self, id: &str) -> Result<Option<KeptChange>, Fault>;
    /// The newest changes.
    async fn changes(&self, most: u32) -> Result<Vec<KeptChange>, Fault>;
    /// Changes whose deadline is at or before that moment and that are neither confirmed nor taken back.
    async fn due(&self, at: Millis) -> Result<Vec<KeptChange>, Fault>;
    /// The next deadline that somebody waits for.
    async fn next_deadline(&self) -> Result<Option<Millis>, Fault>;
    /// Moves a change from one of these states to another, and gives it to the caller until then: true for one caller only. What somebody
    /// else has at `now` is not given.
    async fn claim(&self, id: &str, from: &[ChangeState], to: ChangeState, until: Option<Millis>, now: Millis) -> Result<bool, Fault>;
    /// Forgets a change.
    async fn forget_change(&self, id: &str) -> Result<(), Fault>;
    /// Changes that nobody waits for and that are no longer kept: those beyond the newest `most`, and those from before `before`. Never
    /// one that waits to be confirmed, and never one that somebody has at `now`.
    async fn outlived(&self, most: u32, before: Millis, now: Millis) -> Result<Vec<KeptChange>, Fault>;
}

/// What was applied.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Applied {
    /// In order.
    pub applied: Vec<(Action, ObjectRef)>,
    /// To undo it; none when nothing had to be changed.
    pub undo_id: Option<String>,
    /// When it goes back by itself.
    pub revert_at: Option<Millis>,
    /// What the API server said while it was applied.
    pub warnings: Vec<Text>,
}

/// What taking a change back does to an object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UndoStep {
    /// Which.
    pub object: ObjectRef,
    /// `delete`, `recreate`, `restore`, `nothing`.
    pub action: String,
    /// What goes back.
    pub fields: Vec<FieldChange>,
    /// What somebody changed since: `before` is what the change left, `after` what is there.
    pub changed_since: Vec<FieldChange>,
}

/// What was taken back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Undone {
    /// Which change.
    pub id: String,
    /// In the order in which it was done.
    pub undone: Vec<UndoStep>,
}

/// Whose rollout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RolloutTarget {
    /// `deployment`, `statefulset`, `daemonset`, or a short form of it.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its namespace; else the cluster's own.
    pub namespace: Option<String>,
}

/// Where a rollout stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rollout {
    /// Whose.
    pub object: ObjectRef,
    /// `done`, `progressing`, `failed`.
    pub state: String,
    /// Pods that are wanted.
    pub wanted: i64,
    /// Of these, made of the new template.
    pub updated: i64,
    /// Of these, ready for traffic.
    pub ready: i64,
    /// In a sentence.
    pub summary: Text,
    /// What keeps pods from being ready, with what the cluster says of it.
    pub reasons: Vec<RolloutReason>,
}

/// Why a pod is not ready.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RolloutReason {
    /// Which pod.
    pub pod: String,
    /// Which of its containers; none when it is about the whole pod.
    pub container: Option<String>,
    /// `ImagePullBackOff`, `CrashLoopBackOff`, `Unschedulable`.
    pub reason: String,
    /// What the cluster says of it.
    pub message: String,
}

/// Changes clusters. Nothing else does.
///
/// Faults: those of reaching; `cluster_read_only`, `cluster_forbidden` (`denied`); `manifest_invalid`, `manifest_refused` (`config`);
/// `rehearsal_stale`, `rehearsal_expired`, `field_conflict`, `undo_refused` (`denied`); `apply_incomplete`; `no_such_change`.
#[async_trait]
pub trait Change: Send + Sync + std::fmt::Debug {
    /// Tries it on the API server without changing anything.
    async fn rehearse(&self, cluster: &ClusterDef, draft: &Draft) -> Result<Rehearsal, Fault>;
    /// Rehearses again and carries it out where the digest still holds.
    async fn apply(&self, cluster: &ClusterDef, draft: &Draft, digest: &str, confirm_within: Option<Duration>) -> Result<Applied, Fault>;
    /// Takes a change back. Refused with what somebody changed since, unless `anyway`.
    async fn undo(&self, cluster: &ClusterDef, id: &str, anyway: bool) -> Result<Undone, Fault>;
    /// A change stays: it does not go back at its deadline.
    async fn confirm(&self, id: &str) -> Result<ChangeView, Fault>;
    /// One change.
    async fn change(&self, id: &str) -> Result<ChangeView, Fault>;
    /// The newest changes.
    async fn changes(&self, most: u32) -> Result<Vec<ChangeView>, Fault>;
    /// Changes that should have been confirmed by now, and were not.
    async fn due(&self) -> Result<Vec<ChangeView>, Fault>;
    /// When the next change goes back by itself.
    async fn next_deadline(&self) -> Result<Option<Millis>, Fault>;
    /// Tries an act on the API server without changing anything.
    async fn foresee(&self, cluster: &ClusterDef, deed: &Deed) -> Result<Foresight, Fault>;
    /// Carries an act out, tried right before; with `seen` only on what was looked at. Faults further: `object_moved_on` (`denied`),
    /// `not_scalable`, `no_such_revision`, `drain_refused`, `drain_incomplete`.
    async fn act(&self, cluster: &ClusterDef, deed: &Deed, seen: Option<&str>, io: &ActIo) -> Result<Done, Fault>;
    /// The templates that a workload can go back to, newest first.
    async fn revisions(&self, cluster: &ClusterDef, target: &ActTarget) -> Result<Vec<Revision>, Fault>;
    /// Where a rollout stands; `wait` says how long it may take to be done or to have failed.
    async fn rollout(&self, cluster: &ClusterDef, target: &RolloutTarget, wait: Option<Duration>) -> Result<Rollout, Fault>;
}
