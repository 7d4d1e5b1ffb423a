//! Reaching into what runs: a command in a container, a tunnel to a port of a pod, one value of a Secret.
//!
//! **Invariant:** nobody gets here before policy permitted it and its intent was written; [`Inside`] itself asks nobody.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, watch};

use crate::cluster::ClusterDef;
use crate::fault::{Fault, FaultKind};
use crate::id::Millis;
use crate::text::Text;
use crate::vault::SecretBytes;

/// What is to be run, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecOrder {
    /// Where; none for the cluster's usual namespace.
    pub namespace: Option<String>,
    /// The pod.
    pub pod: String,
    /// The container; none for the one that the pod names as its usual one, else its first.
    pub container: Option<String>,
    /// The program and its arguments. No shell is put in between.
    pub command: Vec<String>,
    /// Whether something is typed into it.
    pub input: bool,
    /// Whether it runs on a terminal: what it writes to either output comes as one.
    pub terminal: bool,
}

/// What goes into a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExecInput {
    /// Typed.
    Bytes(Vec<u8>),
    /// Nothing more will be typed.
    End,
    /// The terminal is so large now.
    Size {
        /// Characters in a line.
        columns: u16,
        /// Lines.
        rows: u16,
    },
}

/// What comes out of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExecPart {
    /// It runs there. First, once.
    Begun {
        /// The namespace.
        namespace: String,
        /// The pod.
        pod: String,
        /// The container.
        container: String,
    },
    /// Written to its output.
    Output(Vec<u8>),
    /// Written to its second output.
    Error(Vec<u8>),
}

/// Where the output of a command goes to.
#[async_trait]
pub trait ExecSink: Send + Sync {
    /// Takes a piece, in its own time: nothing more is read before, and the command waits. False: no more is wanted.
    async fn part(&self, part: ExecPart) -> bool;
}

/// A port of a pod, as a person names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PortPair {
    /// The port here, on 127.0.0.1; 0 for any that is free.
    pub local: u16,
    /// The port there: a number, or the name that the container or the Service gives it.
    pub remote: String,
}

impl PortPair {
    /// `8080:80`, `0:http`; one alone is the same number on both sides, or any free port here for a name.
    pub fn read(text: &str) -> Result<Self, Fault> {
        let wrong = || {
            Fault::new(
                FaultKind::Usage,
                "port_pair",
                Text::new(format!("\"{text}\" names no ports"), format!("“{text}”不是端口")),
                Text::new("Say [LOCAL:]REMOTE, such as 8080:80 or 0:http.", "请写 [本地:]远程，例如 8080:80 或 0:http。"),
            )
        };
        let (local, remote) = match text.split_once(':') {
            Some(("", remote)) => (0, remote),
            Some((local, remote)) => (local.parse().map_err(|_| wrong())?, remote),
            None => (text.parse().unwrap_or(0), text),
        };
        let number = remote.bytes().all(|byte| byte.is_ascii_digit());
        let known = if number {
            remote.parse::<u16>().is_ok_and(|port| port > 0)
        } else {
            remote.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        if remote.is_empty() || !known { Err(wrong()) } else { Ok(Self { local, remote: remote.to_owned() }) }
    }
}

/// What is to be forwarded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForwardOrder {
    /// Where; none for the cluster's usual namespace.
    pub namespace: Option<String>,
    /// A pod, or `KIND/NAME` of something that chooses pods: a Service, a Deployment.
    pub target: String,
    /// Which ports.
    pub ports: Vec<PortPair>,
}

/// Where a forward stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ForwardState {
    /// A pod is there: connections are carried to it.
    Ready,
    /// No pod is ready now; it is looked for.
    Waiting,
}

/// A port that is forwarded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ForwardPort {
    /// The port here, on 127.0.0.1.
    pub local: u16,
    /// The port there, as it was named.
    pub remote: String,
}

/// A forward that goes on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ForwardView {
    /// Names it.
    pub id: String,
    /// The cluster's id.
    pub cluster: String,
    /// The cluster's name.
    pub cluster_name: String,
    /// Where.
    pub namespace: String,
    /// What was asked for: `web-1`, `svc/web`.
    pub target: String,
    /// The ports.
    pub ports: Vec<ForwardPort>,
    /// Where it stands.
    pub state: ForwardState,
    /// The pod that connections go to now.
    pub pod: Option<String>,
    /// How often another pod, or the same one made anew, took over.
    pub moves: u32,
    /// What went wrong last, until something goes right.
    pub trouble: Option<Text>,
    /// Connections that are open.
    pub open: u32,
    /// Since when.
    pub since: Millis,
}

/// Reaches into clusters. A cluster that is read only refuses commands and forwards.
///
/// Faults, besides those of looking (see [`crate::kube::Kube`]): `cluster_read_only` (`denied`); `pod_not_running`, `exec_cut`, `exec_no_end`,
/// `exec_failed`; `port_taken` (`usage`), `no_such_port`, `no_ready_pod` (`not_found`), `no_such_key` (`not_found`).
#[async_trait]
pub trait Inside: Send + Sync + std::fmt::Debug {
    /// Runs a command and waits for its end: the exit code. Dropping the future cuts the connection; what the command does then is its own
    /// affair, as it is when a terminal is closed.
    async fn exec(
        &self,
        cluster: &ClusterDef,
        order: &ExecOrder,
        input: mpsc::Receiver<ExecInput>,
        sink: &dyn ExecSink,
    ) -> Result<i32, Fault>;
    /// Begins to forward and goes on until it is stopped. Returns when the ports here listen and a pod was found.
    async fn forward(&self, cluster: &ClusterDef, order: &ForwardOrder) -> Result<ForwardView, Fault>;
    /// What is forwarded now, oldest first.
    fn forwards(&self) -> Vec<ForwardView>;
    /// Ends a forward and cuts its connections; what it was, if it was there.
    fn stop_forward(&self, id: &str) -> Option<ForwardView>;
    /// Tells each time that the list of forwards, or one of them, changed.
    fn forwards_changed(&self) -> watch::Receiver<u64>;
    /// One value of a Secret, as it is.
    async fn reveal(&self, cluster: &ClusterDef, namespace: Option<&str>, name: &str, key: &str) -> Result<SecretBytes, Fault>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_read_as_they_are_written() {
        for (text, local, remote) in
            [("8080:80", 8080, "80"), ("80", 80, "80"), ("http", 0, "http"), ("0:http", 0, "http"), (":80", 0, "80")]
        {
            assert_eq!(PortPair::read(text).unwrap(), PortPair { local, remote: remote.into() }, "{text}");
        }
        for text in ["", ":", "80:", "x:80", "0", "70000", "80:70000", "1:2:3", "a b", "-1:80"] {
            assert_eq!(PortPair::read(text).unwrap_err().code, "port_pair", "{text}");
        }
    }
}
