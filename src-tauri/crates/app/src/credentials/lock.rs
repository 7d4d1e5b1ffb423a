//! The lock over all credentials: who asks whether it is shut, and who hears it shut.

use std::sync::Arc;
use std::time::Duration;

use domain::cluster::Consent;
use domain::fault::Fault;
use domain::reach::are_clusters_locked;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::Credentials;
use crate::event::Tag;

/// Another process may lock: while somebody is asked it is looked at so often, else more seldom.
const WHILE_ASKED: Duration = Duration::from_millis(200);
const ELSE: Duration = Duration::from_secs(1);

/// Rings when this process locks.
#[derive(Debug, Clone, Default)]
pub(crate) struct LockBell(Arc<Notify>);

impl LockBell {
    /// Waits until it rings.
    pub(crate) async fn rung(&self) {
        self.0.notified().await;
    }

    /// Whoever waits looks at once.
    pub(crate) fn ring(&self) {
        self.0.notify_waiters();
    }
}

impl Credentials {
    pub(super) async fn locked(&self) -> Result<bool, Fault> {
        are_clusters_locked(&*self.parts.settings).await
    }

    /// Waits until everything is locked, by whatever process.
    pub(super) async fn becomes_locked(&self) {
        loop {
            let rung = self.bell.0.notified();
            // What cannot be read now is looked at again before anything is given.
            if self.locked().await.unwrap_or(false) {
                return;
            }
            tokio::select! {
                () = rung => {}
                () = tokio::time::sleep(WHILE_ASKED) => {}
            }
        }
    }

    /// Until the app ends: when another process locks, what is held in memory goes; and the window shows what was locked or said elsewhere.
    pub async fn watch(&self, stop: CancellationToken) {
        let mut before = self.seen().await.unwrap_or_default();
        loop {
            let rung = self.bell.0.notified();
            tokio::select! {
                () = stop.cancelled() => return,
                () = rung => {}
                () = tokio::time::sleep(ELSE) => {}
            }
            let Ok(now) = self.seen().await else { continue };
            if now == before {
                continue;
            }
            if now.0 && !before.0 {
                self.parts.reach.forget();
            }
            before = now;
            self.changed(Tag::Settings);
        }
    }

    async fn seen(&self) -> Result<(bool, Vec<Consent>), Fault> {
        Ok((self.locked().await?, self.parts.clusters.consents().await?))
    }
}
