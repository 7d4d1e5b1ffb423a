//! What is used in a cluster now, as the cluster measures it (`metrics.k8s.io`).

use domain::kube::Usage;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Asks for usage. Fault further: `no_metrics`, where the cluster measures nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct KubeUsageReq {
    /// The cluster's id.
    pub cluster: String,
    /// Of the pods in this namespace; of the nodes when none is named.
    pub namespace: Option<String>,
    /// A label selector for pods.
    pub labels: Option<String>,
    /// Names this question, so that it can be given up.
    pub ask: String,
}

/// What one pod or node uses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct KubeUsageView {
    /// Its name.
    pub name: String,
    /// Cores.
    pub cpu_cores: f64,
    /// Bytes.
    pub memory_bytes: f64,
    /// When it was measured (RFC 3339).
    pub at: Option<String>,
}

impl From<Usage> for KubeUsageView {
    fn from(usage: Usage) -> Self {
        Self { name: usage.name, cpu_cores: usage.cpu_cores, memory_bytes: usage.memory_bytes, at: usage.at }
    }
}
