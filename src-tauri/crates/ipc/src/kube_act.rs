//! What is done to one object of a cluster: scale, restart, roll back, cordon, drain, delete.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::common::Words;

/// Asks for an act on one object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct KubeActReq {
    /// The cluster's id.
    pub cluster: String,
    /// The kind, as one asks for it.
    pub kind: String,
    /// Where; none for a kind without namespaces.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// What is to be done.
    pub act: KubeAct,
    /// Names this question, so that it can be given up.
    pub ask: String,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case", rename_all_fields = "camelCase", tag = "do")]
pub enum KubeAct {
    /// So many pods.
    Scale {
        /// How many.
        replicas: u32,
    },
    /// New pods in place of all that run.
    Restart,
    /// The template of an earlier revision.
    RollBack {
        /// Which.
        revision: u32,
    },
    /// No new pods on a node.
    Cordon,
    /// New pods may come again.
    Uncordon,
    /// The pods of a node go elsewhere.
    Drain {
        /// Also pods that no controller would make again.
        force: bool,
        /// Also pods whose emptyDir data is lost.
        delete_emptydir_data: bool,
    },
    /// No object.
    Delete {
        /// `background`, `foreground`, `orphan`.
        propagation: String,
        /// The uid of the object that was looked at.
        uid: Option<String>,
    },
}

/// How far an act of many steps is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct KubeActStep {
    /// In words.
    pub text: String,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct KubeActRes {
    /// Whether anything had to be changed.
    pub changed: bool,
    /// To take it back.
    pub undo_id: Option<String>,
    /// What can be quoted.
    pub audit_id: String,
    /// What is to be known.
    pub warnings: Vec<Words>,
}

/// Asks which revisions a workload can go back to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct KubeRevisionsReq {
    /// The cluster's id.
    pub cluster: String,
    /// The kind, as one asks for it.
    pub kind: String,
    /// Where.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// Names this question, so that it can be given up.
    pub ask: String,
}

/// A revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct KubeRevisionView {
    /// Its number.
    pub revision: u32,
    /// When it was made.
    pub made_at: Option<String>,
    /// Why, where somebody wrote that down.
    pub change_cause: Option<String>,
    /// Its images.
    pub images: Vec<String>,
    /// Whether it is the one that is wanted now.
    pub current: bool,
}

impl From<domain::act::Revision> for KubeRevisionView {
    fn from(one: domain::act::Revision) -> Self {
        Self {
            revision: u32::try_from(one.revision).unwrap_or(u32::MAX),
            made_at: one.made_at,
            change_cause: one.change_cause,
            images: one.images,
            current: one.current,
        }
    }
}
