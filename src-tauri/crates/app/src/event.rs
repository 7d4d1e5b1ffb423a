//! What the app tells whoever listens: which reads are no longer current, how calls go on, what a person is asked.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use domain::Json;
use domain::id::{CallId, Millis, QuestionId, ServerId};
use domain::person::Question;
use domain::protocol::CallEvent;
use domain::server::ServerState;
use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, broadcast};
use tokio_util::sync::CancellationToken;

/// What sort of reads is no longer current.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tag {
    /// Saved servers and their states.
    Servers,
    /// Tools, resources and prompts.
    Tools,
    /// The audit log and the calls that run.
    Activity,
    /// Questions that wait for a person.
    Approvals,
    /// Policy, preferences, templates.
    Settings,
    /// Figures.
    Metrics,
    /// Clusters, and what is known of them.
    Clusters,
    /// Changes to clusters that were applied, confirmed or taken back.
    Changes,
    /// Ports that are forwarded.
    Forwards,
}

impl Tag {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Servers,
        Self::Tools,
        Self::Activity,
        Self::Approvals,
        Self::Settings,
        Self::Metrics,
        Self::Clusters,
        Self::Changes,
        Self::Forwards,
    ];

    fn bit(self) -> u16 {
        1 << (self as u16)
    }
}

/// One thing that happened. A listener that is too slow loses the oldest ones, never slows the app.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "type", content = "data")]
pub enum AppEvent {
    /// Reads of this sort are no longer current. Sent at most ten times a second per tag.
    Changed(Tag),
    /// A running call made progress.
    Call {
        /// Which call.
        call: CallId,
        /// What came.
        event: CallEvent,
    },
    /// A person is asked.
    Question(Box<Question>),
    /// A question was answered, withdrawn, or nobody answered it in time.
    QuestionGone(QuestionId),
    /// A server's state changed.
    ServerState {
        /// Which server.
        server: ServerId,
        /// Its state now.
        state: ServerState,
        /// Since when.
        since: Millis,
    },
    /// A server sent a log message, or something that a person should know happened to it.
    ServerLog {
        /// Which server.
        server: ServerId,
        /// RFC 5424 level in lower case.
        level: String,
        /// What it says, secrets redacted.
        data: Json,
    },
    /// A subscribed resource changed.
    ResourceUpdated {
        /// Which server.
        server: ServerId,
        /// Which resource.
        uri: String,
    },
}

/// The app's end of the event channel.
#[derive(Debug, Clone)]
pub(crate) struct Events {
    channel: broadcast::Sender<AppEvent>,
    pending: Arc<Pending>,
}

#[derive(Debug, Default)]
struct Pending {
    tags: AtomicU16,
    wake: Notify,
}

/// Changes are gathered for so long, so that ten thousand calls a second are ten events.
const GATHER: Duration = Duration::from_millis(100);

impl Events {
    pub(crate) fn new() -> Self {
        Self { channel: broadcast::channel(1024).0, pending: Arc::default() }
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<AppEvent> {
        self.channel.subscribe()
    }

    /// Whether anybody would see an event.
    pub(crate) fn heard(&self) -> bool {
        self.channel.receiver_count() > 0
    }

    /// Sends one event now. Nobody listening is no failure.
    pub(crate) fn send(&self, event: AppEvent) {
        let _ = self.channel.send(event);
    }

    /// Notes that reads of this sort are no longer current.
    pub(crate) fn changed(&self, tag: Tag) {
        if self.pending.tags.fetch_or(tag.bit(), Ordering::AcqRel) & tag.bit() == 0 {
            self.pending.wake.notify_one();
        }
    }

    /// Sends gathered changes until the app ends.
    pub(crate) async fn pump(self, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.pending.wake.notified() => {}
            }
            let tags = self.pending.tags.swap(0, Ordering::AcqRel);
            for tag in Tag::ALL.into_iter().filter(|tag| tags & tag.bit() != 0) {
                self.send(AppEvent::Changed(tag));
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(GATHER) => {}
            }
        }
    }
}
