//! Whether clusters answer, and what a person may change about them.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::common::{UiFault, Words};

/// What is known of a cluster's answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ReachView {
    /// `unknown`, `checking`, `reachable`, `failed`, `locked`.
    pub state: String,
    /// When that was found out (ms).
    pub checked_at: Option<i64>,
    /// Its version, as it said last.
    pub version: Option<String>,
    /// Its platform, as it said last.
    pub platform: Option<String>,
    /// Whom it took us for.
    pub user: Option<String>,
    /// That user's groups.
    pub groups: Vec<String>,
    /// How long credential and answers took then (ms).
    pub latency_ms: Option<u32>,
    /// When it said so (ms).
    pub seen_at: Option<i64>,
    /// Why it does not answer.
    pub fault: Option<UiFault>,
}

/// Clusters to ask; all when none is named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ClusterCheckReq {
    /// Which.
    pub ids: Vec<String>,
}

/// What shall be otherwise about a cluster. What is null stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ClusterSetReq {
    /// Which.
    pub id: String,
    /// Another name.
    pub name: Option<String>,
    /// A colour's name; empty for none.
    pub colour: Option<String>,
    /// Another namespace; empty for the usual one.
    pub namespace: Option<String>,
    /// Whether nothing may be changed there.
    pub read_only: Option<bool>,
    /// Whether its certificate goes unchecked.
    pub insecure: Option<bool>,
    /// The cluster's name as it was typed, when the certificate shall go unchecked.
    pub typed: Option<String>,
    /// The authorities that sign its certificate (PEM); empty for the system's.
    pub authorities: Option<String>,
    /// What was shown of its program ([`PluginView::trust`]), to let it run; empty to forbid it.
    pub trust: Option<String>,
}

/// A credential program as it stands on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct PluginView {
    /// The program's file, every link resolved.
    pub program: String,
    /// SHA-256 of that file, in hex.
    pub sha256: String,
    /// What a yes is bound to.
    pub trust: String,
    /// What is odd about it.
    pub warnings: Vec<Words>,
}
