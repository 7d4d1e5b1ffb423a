//! Figures over the last minute, quarter of an hour, or day.

use std::sync::Arc;

use domain::fault::Fault;
use domain::id::{Millis, ServerId};
use domain::metrics::{Figures, MetricsQuery};
use serde::{Deserialize, Serialize};

use crate::core::Core;

/// How far back figures reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Window {
    /// One minute.
    #[serde(rename = "1m")]
    Minute,
    /// Fifteen minutes.
    #[serde(rename = "15m")]
    Quarter,
    /// One day.
    #[serde(rename = "24h")]
    Day,
}

impl Window {
    /// All of them, shortest first.
    pub const ALL: [Self; 3] = [Self::Minute, Self::Quarter, Self::Day];

    /// Its length in milliseconds.
    pub fn millis(self) -> i64 {
        match self {
            Self::Minute => 60_000,
            Self::Quarter => 15 * 60_000,
            Self::Day => 24 * 60 * 60_000,
        }
    }

    /// Its name: `1m`, `15m`, `24h`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Minute => "1m",
            Self::Quarter => "15m",
            Self::Day => "24h",
        }
    }
}

/// How well servers and tools do.
#[derive(Debug, Clone)]
pub struct Measures {
    core: Arc<Core>,
}

impl Measures {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Figures of all servers, or of one, and of their tools if asked.
    pub async fn figures(&self, window: Window, server: Option<&ServerId>, by_tool: bool) -> Result<Vec<Figures>, Fault> {
        let now = self.core.now();
        let query = MetricsQuery { server: server.cloned(), by_tool, since: Millis(now.0 - window.millis()) };
        self.core.ports.metrics.figures(query, now).await
    }

    /// The last 60 latencies of a server (ms, oldest first).
    pub async fn sparkline(&self, server: &ServerId) -> Result<Vec<f64>, Fault> {
        self.core.ports.metrics.recent(server, 60).await
    }
}
