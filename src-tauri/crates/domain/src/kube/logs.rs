//! Logs of containers.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::text::Text;

/// Whose logs are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogTarget {
    /// One object: a pod, or a kind whose objects choose pods by a selector.
    Object {
        /// The kind, as a person names it.
        kind: String,
        /// Its name.
        name: String,
    },
    /// Every pod with these labels.
    Labels(String),
}

/// Which lines are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogQuery {
    /// Whose.
    pub target: LogTarget,
    /// Where; none for the cluster's usual namespace.
    pub namespace: Option<String>,
    /// This container; none for the one that the pod names as its usual one, else its first.
    pub container: Option<String>,
    /// Every container, those that only prepare it too.
    pub all_containers: bool,
    /// Goes on with new lines until the containers end.
    pub follow: bool,
    /// Those of the container that ran before.
    pub previous: bool,
    /// Only so many seconds back.
    pub since_secs: Option<u64>,
    /// Only so many of the last lines of each container.
    pub tail: Option<u64>,
}

impl LogQuery {
    /// Everything that one pod's usual container has written.
    pub fn pod(name: impl Into<String>) -> Self {
        Self {
            target: LogTarget::Object { kind: "pods".into(), name: name.into() },
            namespace: None,
            container: None,
            all_containers: false,
            follow: false,
            previous: false,
            since_secs: None,
            tail: None,
        }
    }
}

/// Where lines come from.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogSource {
    /// The pod's namespace.
    pub namespace: String,
    /// The pod.
    pub pod: String,
    /// The container.
    pub container: String,
}

/// A line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogLine {
    /// Where it comes from.
    #[serde(flatten)]
    pub source: LogSource,
    /// When it was written, as the node says.
    pub at: Option<String>,
    /// What was written. A line that is longer than 64 KiB comes in several.
    pub text: String,
}

/// A piece of what comes in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogPart {
    /// Where lines will come from. First, once.
    Sources(Vec<LogSource>),
    /// A line.
    Line(LogLine),
    /// Something that a person should know: which container was chosen, what cannot be read.
    Note(Text),
}

/// Where lines go to.
#[async_trait]
pub trait LogSink: Send + Sync {
    /// Takes a piece, in its own time: nothing more is read before. False: no more is wanted.
    async fn part(&self, part: LogPart) -> bool;
}
