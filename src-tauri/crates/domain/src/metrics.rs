//! How well servers and tools do.

use serde::{Deserialize, Serialize};

use crate::id::{Millis, ServerId, ToolName};

/// One finished call, as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sample {
    /// When it ended.
    pub at: Millis,
    /// Which server.
    pub server: ServerId,
    /// Which tool; none for a health check.
    pub tool: Option<ToolName>,
    /// How long it took (ms).
    pub elapsed_ms: f64,
    /// Code of the fault, or `tool_error`; none when it went well.
    pub error: Option<String>,
    /// Bytes sent, near enough.
    pub bytes_out: u64,
    /// Bytes received, near enough.
    pub bytes_in: u64,
}

/// What is asked of the samples.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MetricsQuery {
    /// Only this server.
    pub server: Option<ServerId>,
    /// Also split by tool.
    pub by_tool: bool,
    /// From then on.
    pub since: Millis,
}

/// Figures over a window of time.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Figures {
    /// Which server.
    pub server: String,
    /// Which tool; none for the server as a whole.
    pub tool: Option<String>,
    /// Finished calls.
    pub calls: u64,
    /// Failed ones, by code.
    pub errors: std::collections::BTreeMap<String, u64>,
    /// Median (ms).
    pub p50_ms: Option<f64>,
    /// 95th percentile (ms).
    pub p95_ms: Option<f64>,
    /// 99th percentile (ms).
    pub p99_ms: Option<f64>,
    /// Sent.
    pub bytes_out: u64,
    /// Received.
    pub bytes_in: u64,
    /// Calls per second over the window.
    pub per_second: f64,
}
