//! What was said about programs that ask for credentials of clusters.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What was said about a program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ConsentView {
    /// The program's file.
    pub program: String,
    /// SHA-256 of it when it was spoken of, in hex.
    pub sha256: String,
    /// The cluster's name; none for all clusters.
    pub cluster: Option<String>,
    /// The cluster's id; none for all clusters.
    pub cluster_id: Option<String>,
    /// `once`, `until`, `always`, `deny`.
    pub answer: String,
    /// The end of `until` (ms).
    pub until: Option<i64>,
    /// When it was said (ms).
    pub at: i64,
    /// When the program last got a credential there since then (ms).
    pub last_used: Option<i64>,
}

impl From<app::credentials::ConsentView> for ConsentView {
    fn from(one: app::credentials::ConsentView) -> Self {
        Self {
            program: one.program,
            sha256: one.sha256,
            cluster: one.cluster,
            cluster_id: one.cluster_id.map(|id| id.as_str().to_owned()),
            answer: one.answer.to_owned(),
            until: one.until.map(|at| at.0),
            at: one.at.0,
            last_used: one.last_used.map(|at| at.0),
        }
    }
}

/// Takes one back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ConsentForgetReq {
    /// The program's file.
    pub program: String,
    /// The cluster's id; none for what was said for all clusters.
    pub cluster_id: Option<String>,
}
