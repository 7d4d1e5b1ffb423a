//! Acts on single objects of a cluster: scale, restart, roll back, patch, replace, make, delete, cordon, drain.
//!
//! **Invariant:** an act is tried on the API server before anything is changed, and an act that names what was seen ([`Foresight::seen`])
//! is carried out on exactly that or not at all.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::Json;
use crate::fault::{Fault, FaultKind};
use crate::kube::KindInfo;
use crate::manifest::{Action, ObjectChange, ObjectRef, UndoneBy};
use crate::text::Text;

/// Which object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActTarget {
    /// Its kind.
    pub kind: KindInfo,
    /// Its namespace; none for the cluster's usual one. Of no matter for a kind without namespaces.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
}

/// What becomes of what an object owns when it is deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Propagation {
    /// It is deleted after it.
    #[default]
    Background,
    /// It is deleted before it.
    Foreground,
    /// It stays, without an owner.
    Orphan,
}

impl Propagation {
    /// As the API server spells it.
    pub fn policy(self) -> &'static str {
        match self {
            Self::Background => "Background",
            Self::Foreground => "Foreground",
            Self::Orphan => "Orphan",
        }
    }
}

/// How a patch is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PatchKind {
    /// Lists are merged by their keys. Built-in kinds only.
    Strategic,
    /// Lists are replaced whole (RFC 7386).
    Merge,
    /// Single steps (RFC 6902).
    Json,
}

/// How a node is emptied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DrainOrder {
    /// Also pods that nobody makes again.
    pub force: bool,
    /// Also pods whose `emptyDir` data is lost with them.
    pub delete_emptydir_data: bool,
    /// Seconds that a pod gets to end; its own when none.
    pub grace_seconds: Option<u64>,
    /// How long the whole may take.
    pub timeout: Duration,
}

/// What is to be done. Its `Debug` holds no content.
#[derive(Clone, PartialEq)]
pub enum Deed {
    /// So many pods.
    Scale {
        /// Of what.
        target: ActTarget,
        /// How many.
        replicas: u32,
    },
    /// New pods in place of all that run.
    Restart {
        /// Of what.
        target: ActTarget,
    },
    /// The template of an earlier revision.
    RollBack {
        /// Of what.
        target: ActTarget,
        /// Which; the one before the current one when none.
        revision: Option<u64>,
    },
    /// Some fields.
    Patch {
        /// Of what.
        target: ActTarget,
        /// How it is to be read; what fits the kind when none.
        kind: Option<PatchKind>,
        /// The patch.
        patch: Json,
    },
    /// The whole object. One that names its `resourceVersion` is put in place of exactly that.
    Replace {
        /// Which.
        target: ActTarget,
        /// What it is to be.
        object: Json,
    },
    /// A new object.
    Create {
        /// Which.
        target: ActTarget,
        /// What it is to be.
        object: Json,
    },
    /// No object.
    Delete {
        /// Which.
        target: ActTarget,
        /// What becomes of what it owns.
        propagation: Propagation,
        /// Seconds that it gets to end.
        grace_seconds: Option<u64>,
        /// Only the one with this uid.
        uid: Option<String>,
        /// Only in this version.
        resource_version: Option<String>,
    },
    /// Whether new pods may come to a node.
    Cordon {
        /// Which node.
        target: ActTarget,
        /// True: none may come.
        on: bool,
    },
    /// No new pods on a node, and those that are there go elsewhere.
    Drain {
        /// Which node.
        target: ActTarget,
        /// How.
        order: DrainOrder,
    },
}

impl Deed {
    /// On which object.
    pub fn target(&self) -> &ActTarget {
        match self {
            Self::Scale { target, .. }
            | Self::Restart { target }
            | Self::RollBack { target, .. }
            | Self::Patch { target, .. }
            | Self::Replace { target, .. }
            | Self::Create { target, .. }
            | Self::Delete { target, .. }
            | Self::Cordon { target, .. }
            | Self::Drain { target, .. } => target,
        }
    }

    /// The verb, for messages and logs.
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Scale { .. } => "scale",
            Self::Restart { .. } => "restart",
            Self::RollBack { .. } => "roll back",
            Self::Patch { .. } => "patch",
            Self::Replace { .. } => "update",
            Self::Create { .. } => "create",
            Self::Delete { .. } => "delete",
            Self::Cordon { on: true, .. } => "cordon",
            Self::Cordon { on: false, .. } => "uncordon",
            Self::Drain { .. } => "drain",
        }
    }
}

impl std::fmt::Debug for Deed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let target = self.target();
        write!(f, "{} {}/{}", self.verb(), target.kind.full_name(), target.name)
    }
}

/// What becomes of a pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodFate {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// `evict`, `skip`, `refuse`; afterwards `evicted`, `gone`, `left`.
    pub fate: String,
    /// Why.
    pub why: Text,
}

/// What an act would do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Foresight {
    /// A fingerprint of what was looked at.
    pub seen: String,
    /// What would be otherwise. Values of Secrets are masked.
    pub changes: Vec<ObjectChange>,
    /// Who will set it back.
    pub undone_by: Vec<UndoneBy>,
    /// What becomes of pods.
    pub pods: Vec<PodFate>,
    /// What else is to be known.
    pub warnings: Vec<Text>,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Done {
    /// What to which object; empty when nothing had to be done.
    pub done: Vec<(Action, ObjectRef)>,
    /// To take it back; none when nothing had to be done.
    pub undo_id: Option<String>,
    /// What the API server said, and what is to be known.
    pub warnings: Vec<Text>,
    /// The object before, whole; values of Secrets are masked.
    pub before: Option<Json>,
    /// The same afterwards.
    pub after: Option<Json>,
    /// What became of pods.
    pub pods: Vec<PodFate>,
    /// Which revision is there now, and which was.
    pub revisions: Option<(u64, u64)>,
}

/// An earlier template of a workload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Revision {
    /// Its number.
    pub revision: u64,
    /// The object that keeps it.
    pub name: String,
    /// When it was made.
    pub made_at: Option<String>,
    /// Why, where somebody wrote that down.
    pub change_cause: Option<String>,
    /// Its images.
    pub images: Vec<String>,
    /// Whether it is the one that is wanted now.
    pub current: bool,
}

/// How far an act of many steps is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActStep {
    /// So many are done.
    pub done: usize,
    /// Of so many.
    pub of: usize,
    /// What was done last.
    pub what: String,
}

/// The lines between an act and whoever wants it.
#[derive(Clone, Default)]
pub struct ActIo {
    /// Fires when it is given up: what was done stays done, the rest is left alone.
    pub cancel: CancellationToken,
    /// Hears of each step.
    pub step: Option<Arc<dyn Fn(ActStep) + Send + Sync>>,
}

impl std::fmt::Debug for ActIo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ActIo")
    }
}

impl ActIo {
    /// Tells of a step.
    pub fn tell(&self, step: ActStep) {
        if let Some(told) = &self.step {
            told(step);
        }
    }
}

/// What was looked at is no longer there as it was.
pub fn moved_on(object: &ObjectRef) -> Fault {
    Fault::new(
        FaultKind::Denied,
        "object_moved_on",
        Text::new(
            format!("nothing was changed: {object} is no longer what was looked at: somebody changed, deleted or replaced it since"),
            format!("未作任何更改：{object} 已不是查看时的内容：此后有人更改、删除或替换了它"),
        ),
        Text::new("Look at it again, then try again.", "请重新查看后重试。"),
    )
    .with_params(json!({ "object": object }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deed_names_its_object_and_holds_back_what_it_carries() {
        let target = ActTarget { kind: KindInfo { plural: "secrets".into(), ..KindInfo::default() }, namespace: None, name: "a".into() };
        let deed = Deed::Patch { target, kind: None, patch: json!({ "data": { "x": "canary" } }) };
        assert_eq!(format!("{deed:?}"), "patch secrets/a");
    }
}
