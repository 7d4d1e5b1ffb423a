//! Writes finished calls into the history, beside the calls and not in their way.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::fault::Fault;
use domain::id::{AuditId, Millis, ServerId, ToolName};
use domain::ports::{History, PastCall};
use domain::secret::Redact;
use domain::tool::ToolResult;
use domain::{Json, JsonMap};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::redacted::{redact_json, redact_map};
use crate::sessions::{json_weight, map_weight};

/// Finished calls of one server that wait to be written: the history keeps no more of it, so older ones are let go unread (the audit
/// has them all).
const WAITING: usize = 500;
/// What all that wait may weigh; beyond it they are written at once.
const HEAVY: usize = 8 << 20;
/// And beyond this, further ones are let go.
const TOO_HEAVY: usize = 64 << 20;
/// How long calls gather after some were written: most of what a flood of calls leaves is then never looked at.
const GATHER: Duration = Duration::from_millis(250);
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

/// Finished calls that wait to be written.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    calls: Mutex<Calls>,
    some: Notify,
    heavy: Notify,
    /// Held from taking calls until they are handed on, so that they stay in order.
    writing: Mutex<()>,
}

#[derive(Debug, Default)]
struct Calls {
    of: HashMap<ServerId, VecDeque<(usize, Finished)>>,
    weight: usize,
}

impl Waiting {
    fn calls(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a call; `weight` is about what it holds. False when it was let go.
    pub(crate) fn put(&self, call: Finished, weight: usize) -> bool {
        let mut calls = self.calls();
        if calls.weight.saturating_add(weight) > TOO_HEAVY {
            return false;
        }
        let first = calls.weight == 0;
        let weight = weight.max(1);
        calls.weight += weight;
        let of = match calls.of.get_mut(&call.server) {
            Some(of) => of,
            None => calls.of.entry(call.server.clone()).or_default(),
        };
        of.push_back((weight, call));
        let old = if of.len() > WAITING { of.pop_front() } else { None };
        calls.weight -= old.as_ref().map_or(0, |(weight, _)| *weight);
        let heavy = calls.weight > HEAVY;
        drop(calls);
        drop(old);
        if first {
            self.some.notify_one();
        }
        if heavy {
            self.heavy.notify_one();
        }
        true
    }

    /// Hands on what waits.
    pub(crate) fn write(&self, history: &dyn History, redact: &dyn Redact) {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let calls = std::mem::take(&mut *self.calls());
        for (_, call) in calls.of.into_values().flatten() {
            history.remember(call.redacted(redact));
        }
    }
}

/// Writes until the app ends, then what still waits.
pub(crate) async fn write(waiting: Arc<Waiting>, history: Arc<dyn History>, redact: Arc<dyn Redact>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            () = waiting.some.notified() => waiting.write(history.as_ref(), redact.as_ref()),
        }
        tokio::select! {
            () = stop.cancelled() => break,
            () = waiting.heavy.notified() => {}
            () = tokio::time::sleep(GATHER) => {}
        }
    }
    waiting.write(history.as_ref(), redact.as_ref());
}

#[cfg(test)]
mod tests {
    use domain::secret::NoSecrets;

    use super::*;

    fn call(server: &str, nth: usize) -> Finished {
        Finished {
            audit_id: AuditId::new(nth.to_string()),
            at: Millis(0),
            server: ServerId::new(server),
            tool: ToolName::new("t"),
            args: JsonMap::new(),
            result: Ok(Arc::new(ToolResult::of_text("x"))),
            elapsed_ms: 1.0,
        }
    }

    #[derive(Debug, Default)]
    struct Kept(Mutex<Vec<(String, String)>>);

    #[async_trait::async_trait]
    impl History for Kept {
        fn remember(&self, call: PastCall) {
            self.0.lock().unwrap().push((call.server.as_str().to_owned(), call.audit_id));
        }

        async fn past(&self, _: Option<&ServerId>, _: Option<&str>, _: u32) -> Result<Vec<PastCall>, Fault> {
            Ok(Vec::new())
        }
    }

    #[test]
    fn a_flood_of_one_server_leaves_its_newest_calls_and_all_of_another() {
        let (waiting, kept) = (Waiting::default(), Kept::default());
        assert!(waiting.put(call("calm", 7), 10));
        for nth in 0..2_000 {
            assert!(waiting.put(call("loud", nth), 10));
        }
        waiting.write(&kept, &NoSecrets);
        let kept = kept.0.into_inner().unwrap();
        let of = |server: &str| kept.iter().filter(|(of, _)| of == server).map(|(_, id)| id.clone()).collect::<Vec<_>>();
        assert_eq!(of("calm"), ["7"]);
        assert_eq!(of("loud"), (1_500..2_000).map(|nth| nth.to_string()).collect::<Vec<_>>());
        assert_eq!(waiting.calls().weight, 0);
    }

    #[test]
    fn what_waits_stays_within_its_weight() {
        let waiting = Waiting::default();
        let taken = (0..100).filter(|nth| waiting.put(call("heavy", *nth), 1 << 20)).count();
        assert_eq!(taken, 64);
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_is_handed_on_soon_and_what_waits_at_the_end_too() {
        let (waiting, kept, stop) = (Arc::new(Waiting::default()), Arc::new(Kept::default()), CancellationToken::new());
        let tasks = tokio_util::task::TaskTracker::new();
        let task = tasks.spawn(write(waiting.clone(), kept.clone(), Arc::new(NoSecrets), stop.clone()));
        assert!(waiting.put(call("a", 1), 10));
        tokio::time::sleep(GATHER * 2).await;
        assert_eq!(kept.0.lock().unwrap().len(), 1);
        assert!(waiting.put(call("a", 2), 10));
        stop.cancel();
        task.await.unwrap();
        assert_eq!(kept.0.lock().unwrap().len(), 2);
    }
}
