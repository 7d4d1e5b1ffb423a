//! Writes finished calls into the history, beside the calls and not in their way.

use std::sync::Arc;
use std::time::Duration;

use domain::fault::Fault;
use domain::id::{AuditId, Millis, ServerId, ToolName};
use domain::ports::{History, PastCall};
use domain::secret::Redact;
use domain::tool::ToolResult;
use domain::{Json, JsonMap};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::redacted::{redact_json, redact_map};
use crate::sessions::{json_weight, map_weight};

/// Finished calls that wait to be written; more are let go (the audit has them all).
pub(crate) const WAITING: usize = 512;
/// How long calls gather after one was written: under load the scribe is then woken once for many calls, not once for each.
const GATHER: Duration = Duration::from_millis(10);
/// What is kept of one result.
const MOST: usize = 256 * 1024;

/// A finished call, raw.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) audit_id: AuditId,
    pub(crate) at: Millis,
    pub(crate) server: ServerId,
    pub(crate) tool: ToolName,
    pub(crate) args: JsonMap,
    pub(crate) result: Result<Arc<ToolResult>, Fault>,
    pub(crate) elapsed_ms: f64,
}

impl Finished {
    fn redacted(self, redact: &dyn Redact) -> PastCall {
        let ok = self.result.as_ref().is_ok_and(|result| !result.is_error);
        let raw = match &self.result {
            Ok(result) if result.weight() > MOST => {
                let text = result.text();
                let end = (0..=MOST.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
                serde_json::json!({ "cut": true, "bytes": result.weight(), "text": &text[..end], "isError": result.is_error })
            }
            Ok(result) => serde_json::to_value(result.as_ref()).unwrap_or(Json::Null),
            Err(fault) => serde_json::json!({ "fault": fault }),
        };
        let args = if map_weight(&self.args) > MOST { JsonMap::new() } else { redact_map(redact, self.args) };
        let result = redact_json(redact, raw);
        debug_assert!(json_weight(&result) < 4 * MOST);
        PastCall {
            audit_id: self.audit_id.as_str().to_owned(),
            at: self.at,
            server: self.server,
            tool: self.tool.as_str().to_owned(),
            args,
            result,
            ok,
            elapsed_ms: self.elapsed_ms,
        }
    }
}

/// Writes until the app ends, then what still waits.
pub(crate) async fn write(
    mut finished: mpsc::Receiver<Finished>,
    history: Arc<dyn History>,
    redact: Arc<dyn Redact>,
    stop: CancellationToken,
) {
    loop {
        let next = tokio::select! {
            biased;
            next = finished.recv() => next,
            () = stop.cancelled() => {
                finished.close();
                finished.recv().await
            }
        };
        let Some(call) = next else { return };
        history.remember(call.redacted(redact.as_ref()));
        while let Ok(call) = finished.try_recv() {
            history.remember(call.redacted(redact.as_ref()));
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(GATHER) => {}
        }
    }
}
