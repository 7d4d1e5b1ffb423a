//! Who used a cluster last, by what the audit log says: a program that got its credential, or a person who asked us to reach it.
//!
//! Keeping a secret and opening it again to prove it is no use, and neither is looking again by ourselves.

use std::collections::HashMap;

use domain::Json;
use domain::audit::{Event, Filter, Row};
use domain::cluster::ClusterDef;
use domain::id::{ClusterId, Millis};
use domain::policy::Door;
use serde::{Deserialize, Serialize};

use crate::core::Core;

/// The small document that keeps what was read, and up to which row.
const USES: &str = "clusters:uses";
/// Rows read at once, and how often: of more than this that came since somebody looked last, the older ones are passed over.
const PAGE: u32 = 500;
const PAGES: usize = 40;
/// What was read is kept when it is this many rows more.
const KEEP_AFTER: u64 = 2_000;

/// Who used a cluster last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LastUse {
    /// When.
    pub at: Millis,
    /// A short name: `kubectl`, `pilot`, `Pilothouse`.
    pub by: String,
    /// The program's file, when it was one that got the credential.
    pub program: Option<String>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Known {
    seq: u64,
    uses: HashMap<ClusterId, LastUse>,
}

/// The last use of each cluster. What cannot be read is not known; nothing depends on it.
pub(super) async fn last_uses(core: &Core, defs: &[ClusterDef]) -> HashMap<ClusterId, LastUse> {
    let kept = core.ports.settings.get(USES).await.ok().flatten();
    let mut known: Known = kept.and_then(|kept| serde_json::from_value(kept).ok()).unwrap_or_default();
    let mut found: HashMap<ClusterId, LastUse> = HashMap::new();
    let (mut newest, mut before) = (known.seq, None);
    'pages: for _ in 0..PAGES {
        let filter = Filter { before, limit: PAGE, ..Filter::default() };
        let Ok(rows) = core.ports.audit.list(filter).await else { break };
        for row in &rows {
            if row.seq <= known.seq {
                break 'pages;
            }
            newest = newest.max(row.seq);
            if let Some((cluster, used)) = use_in(row, defs) {
                found.entry(cluster).or_insert(used);
            }
        }
        before = rows.last().map(|row| row.seq);
        if rows.len() < PAGE as usize {
            break;
        }
    }
    let worth = !found.is_empty() || newest >= known.seq + KEEP_AFTER;
    known.uses.extend(found);
    known.uses.retain(|id, _| defs.iter().any(|def| def.id == *id));
    if worth {
        known.seq = newest;
        if let Ok(value) = serde_json::to_value(&known)
            && let Err(fault) = core.ports.settings.set(USES, &value).await
        {
            tracing::debug!(%fault, "who used clusters last is not kept");
        }
    }
    known.uses
}

fn use_in(row: &Row, defs: &[ClusterDef]) -> Option<(ClusterId, LastUse)> {
    let Event::Note { what, detail } = &row.entry.event else { return None };
    let text = |key: &str| detail.get(key).and_then(Json::as_str);
    let (by, program) = match what.as_str() {
        "credential_issued" => {
            let program = text("program")?;
            (program.rsplit(['/', '\\']).next().unwrap_or(program).to_owned(), Some(program.to_owned()))
        }
        "cluster_checked" if detail.get("asked") == Some(&Json::Bool(true)) => {
            let door = if row.entry.actor.door == Door::Cli { "pilot" } else { "Pilothouse" };
            (door.to_owned(), None)
        }
        _ => return None,
    };
    let def = match text("clusterId") {
        Some(id) => defs.iter().find(|def| def.id.as_str() == id)?,
        None => defs.iter().find(|def| Some(def.name.as_str()) == text("cluster") && def.created_at <= row.entry.at)?,
    };
    Some((def.id.clone(), LastUse { at: row.entry.at, by, program }))
}
