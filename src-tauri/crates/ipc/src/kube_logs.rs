//! Logs of containers, as they come in.
//!
//! **Invariant:** the window says how far it got ([`TakenReq`]); nothing more is read from a node before.

use domain::kube::{LogQuery, LogTarget};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::common::Words;

/// Asks for logs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct KubeLogsReq {
    /// The cluster's id.
    pub cluster: String,
    /// The kind: `pods`, or one whose objects choose pods.
    pub kind: String,
    /// Where; none for the cluster's usual namespace.
    pub namespace: Option<String>,
    /// The object's name.
    pub name: String,
    /// This container; none for each pod's usual one.
    pub container: Option<String>,
    /// Every container.
    pub all_containers: bool,
    /// Goes on with new lines.
    pub follow: bool,
    /// Of the containers that ran before.
    pub previous: bool,
    /// Only so many seconds back.
    pub since_secs: Option<u64>,
    /// Only so many of the last lines of each container.
    pub tail: Option<u64>,
    /// Names this question, so that it can be given up.
    pub ask: String,
}

impl From<&KubeLogsReq> for LogQuery {
    fn from(req: &KubeLogsReq) -> Self {
        Self {
            target: LogTarget::Object { kind: req.kind.clone(), name: req.name.clone() },
            namespace: req.namespace.clone(),
            container: req.container.clone(),
            all_containers: req.all_containers,
            follow: req.follow,
            previous: req.previous,
            since_secs: req.since_secs,
            tail: req.tail,
        }
    }
}

/// Lines that came in together.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct KubeLogBatch {
    /// Counts from 1; the window says it back when it has drawn it.
    pub n: u32,
    /// Where lines will come from; once, in the first batch or soon after.
    pub sources: Option<Vec<KubeLogSource>>,
    /// The lines.
    pub lines: Vec<KubeLogLine>,
    /// What a person should know: which container was chosen, what cannot be read, that it was taken up again.
    pub notes: Vec<Words>,
}

/// A container of a pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct KubeLogSource {
    /// The pod.
    pub pod: String,
    /// The container.
    pub container: String,
}

/// A line, known secrets hidden.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct KubeLogLine {
    /// The pod.
    pub pod: String,
    /// The container.
    pub container: String,
    /// When, as the node says.
    pub at: Option<String>,
    /// What.
    pub text: String,
}

/// Logs came to their end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct KubeLogsRes {
    /// How many batches there were.
    pub batches: u32,
}

/// The window has drawn so much of a stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct TakenReq {
    /// The question.
    pub ask: String,
    /// The last piece that was drawn.
    pub n: u32,
}

/// Writes lines that are shown to a file that the person picks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct KubeLogsSaveReq {
    /// What the file is called at first.
    pub name: String,
    /// What is shown; none to write everything that the containers have written, as `query` asks for it.
    pub text: Option<String>,
    /// Whose logs.
    pub query: KubeLogsReq,
}
