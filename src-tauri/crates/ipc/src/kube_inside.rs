//! What runs, reached into: terminals, forwards, single values of Secrets.
//!
//! **Invariant:** what comes out of a terminal comes in pieces that are counted, and no more than a few wait to be drawn.

use domain::inside::{ForwardPort, ForwardState, ForwardView};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::common::Words;

/// Opens a terminal in a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct KubeExecReq {
    /// The cluster's id.
    pub cluster: String,
    /// Where; none for the cluster's usual namespace.
    pub namespace: Option<String>,
    /// The pod.
    pub pod: String,
    /// The container; none for the pod's usual one.
    pub container: Option<String>,
    /// The program and its arguments.
    pub command: Vec<String>,
    /// Characters in a line.
    pub columns: u16,
    /// Lines.
    pub rows: u16,
    /// Names this terminal, so that it can be typed into and ended.
    pub ask: String,
}

/// What comes out of a terminal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case", tag = "part")]
pub enum KubeExecPart {
    /// It runs there.
    Begun {
        /// The pod.
        pod: String,
        /// The container.
        container: String,
    },
    /// Output, base64.
    Output {
        /// Counts from 1; the window says it back when it has drawn it.
        n: u32,
        /// The bytes.
        bytes: String,
    },
}

/// A terminal ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct KubeExecRes {
    /// The exit code.
    pub code: i32,
    /// The last piece of output that came.
    pub last: u32,
    /// The audit reference.
    pub audit_id: String,
}

/// Types into a terminal, or tells it its size.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct KubeExecInputReq {
    /// The terminal.
    pub ask: String,
    /// What is typed; empty for nothing.
    pub text: String,
    /// Characters in a line, and lines, when they changed.
    pub size: Option<(u16, u16)>,
}

/// Begins to forward.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct KubeForwardReq {
    /// The cluster's id.
    pub cluster: String,
    /// Where; none for the cluster's usual namespace.
    pub namespace: Option<String>,
    /// A pod, or KIND/NAME.
    pub target: String,
    /// `[LOCAL:]REMOTE`, each.
    pub ports: Vec<String>,
}

/// A forward that goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct KubeForwardView {
    /// Names it.
    pub id: String,
    /// The cluster's id.
    pub cluster: String,
    /// The cluster's name.
    pub cluster_name: String,
    /// Where.
    pub namespace: String,
    /// What was asked for.
    pub target: String,
    /// The ports.
    pub ports: Vec<KubeForwardPort>,
    /// Whether a pod is there now.
    pub ready: bool,
    /// The pod.
    pub pod: Option<String>,
    /// How often another pod took over.
    pub moves: u32,
    /// What went wrong last.
    pub trouble: Option<Words>,
    /// Connections that are open.
    pub open: u32,
    /// Since when (ms).
    pub since: i64,
}

/// A port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct KubeForwardPort {
    /// Here, on 127.0.0.1.
    pub local: u16,
    /// There, as it was named.
    pub remote: String,
}

impl From<ForwardPort> for KubeForwardPort {
    fn from(port: ForwardPort) -> Self {
        Self { local: port.local, remote: port.remote }
    }
}

impl From<ForwardView> for KubeForwardView {
    fn from(view: ForwardView) -> Self {
        Self {
            id: view.id,
            cluster: view.cluster,
            cluster_name: view.cluster_name,
            namespace: view.namespace,
            target: view.target,
            ports: view.ports.into_iter().map(Into::into).collect(),
            ready: view.state == ForwardState::Ready,
            pod: view.pod,
            moves: view.moves,
            trouble: view.trouble.map(Into::into),
            open: view.open,
            since: view.since.0,
        }
    }
}

/// Reveals one value of a Secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct KubeRevealReq {
    /// The cluster's id.
    pub cluster: String,
    /// Where; none for the cluster's usual namespace.
    pub namespace: Option<String>,
    /// The Secret.
    pub name: String,
    /// The key.
    pub key: String,
}

/// One value. It has no `Debug` that would show it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct KubeRevealView {
    /// The value, where it is text.
    pub text: Option<String>,
    /// How many bytes it has.
    pub bytes: u32,
    /// The audit reference.
    pub audit_id: String,
}

impl std::fmt::Debug for KubeRevealView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KubeRevealView({} bytes)", self.bytes)
    }
}
