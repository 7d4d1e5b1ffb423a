//! The modern era's one long request for everything that may change (`subscriptions/listen`).

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::fault::ServerFault;
use domain::{Json, JsonMap};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::LISTEN;
use super::handshake::note;
use super::session::{McpSession, filter};

/// Which resources are watched.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    uris: Mutex<BTreeSet<String>>,
    changed: Arc<Notify>,
}

impl Watch {
    pub(crate) fn add(&self, uri: &str) {
        if self.uris.lock().unwrap_or_else(PoisonError::into_inner).insert(uri.to_owned()) {
            self.changed.notify_one();
        }
    }

    pub(crate) fn remove(&self, uri: &str) {
        if self.uris.lock().unwrap_or_else(PoisonError::into_inner).remove(uri) {
            self.changed.notify_one();
        }
    }

    fn list(&self) -> Vec<String> {
        self.uris.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

/// Keeps the subscription open for as long as the session lives. Does nothing in the legacy era.
pub(crate) fn start(session: &Arc<McpSession>) {
    let wanted = session.modern() && (filter(session, &[]).is_some() || session.flag("resources", "subscribe"));
    if !wanted {
        return;
    }
    let (weak, over, changed) = (Arc::downgrade(session), session.intake.over.clone(), session.watch.changed.clone());
    session.cx.tasks.spawn(async move {
        let mut pause = Duration::from_secs(1);
        loop {
            let Some(session) = weak.upgrade() else { return };
            let Some(filter) = filter(&session, &session.watch.list()) else {
                drop(session);
                tokio::select! {
                    () = over.cancelled() => return,
                    () = changed.notified() => continue,
                }
            };
            let ended = listen(session, filter, &over, &changed).await;
            match ended {
                Listening::Over => return,
                Listening::Changed => pause = Duration::from_secs(1),
                Listening::Again => {
                    tokio::select! {
                        () = over.cancelled() => return,
                        () = changed.notified() => {}
                        () = tokio::time::sleep(pause) => pause = (pause * 2).min(Duration::from_mins(1)),
                    }
                }
            }
        }
    });
}

enum Listening {
    Over,
    Changed,
    Again,
}

async fn listen(session: Arc<McpSession>, filter: JsonMap, over: &CancellationToken, changed: &Notify) -> Listening {
    let params = super::session::params(&[("notifications", Json::Object(filter))]);
    let host = session.intake.host.clone();
    let ended = tokio::select! {
        () = over.cancelled() => return Listening::Over,
        () = changed.notified() => return Listening::Changed,
        ended = session.ask(LISTEN, params, None) => ended,
    };
    match ended {
        Ok(_)
        | Err(
            ServerFault::Cancelled | ServerFault::ConnectionLost { .. } | ServerFault::RateLimited { .. } | ServerFault::Unreachable { .. },
        ) => Listening::Again,
        Err(fault) => {
            // It does not want to be listened to: lists are then as current as the last time they were asked for.
            note(&*host, format!("no subscription: {fault}"));
            Listening::Over
        }
    }
}
