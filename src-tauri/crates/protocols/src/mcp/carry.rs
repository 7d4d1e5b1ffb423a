//! What a transport's author writes: bytes out, bytes in, and how to dial again. Everything else is done here and in
//! [`super::intake`] once for all transports: limits on JSON, ids, duplicates, counters, the wire log.

use std::collections::VecDeque;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use domain::fault::ServerFault;
use domain::protocol::Frame;
use futures::future::BoxFuture;
use rmcp::RoleClient;
use rmcp::service::{RxJsonRpcMessage, TxJsonRpcMessage};
use rmcp::transport::Transport;
use tokio::sync::Mutex;

use super::express::{Express, Went};
use super::intake::{Intake, Slot};

/// No message, line, event or body may be larger (bytes).
pub const MESSAGE_LIMIT: usize = 16 * 1024 * 1024;

/// What came in.
#[derive(Debug, Clone, PartialEq)]
pub enum Piece {
    /// One whole message as it came, without its framing. It need not be checked in any way: not for UTF-8, not for JSON.
    Text(Bytes),
    /// Something that is no message and does no harm, such as a banner on stdout. Counted and shown in the wire log.
    Noise(String),
    /// A message that was there and could not be taken in, while the connection goes on: too large, a broken frame. `head` holds
    /// its first bytes (4 KiB are plenty), from which the core finds the call that has to fail.
    Broken {
        /// Why it could not be taken in.
        fault: ServerFault,
        /// How it began.
        head: Bytes,
    },
}

/// The reading half of a connection.
#[async_trait]
pub trait Inlet: Send {
    /// Waits for the next piece. The error ends the session and becomes its last word ([`domain::protocol::SessionEvent::Ended`]), so it
    /// should say how the peer went: `ServerExited`, `ConnectionLost`, `ProtocolViolation`…
    ///
    /// Must be cancel safe: the core drops the future to do something else and calls again. Keep what was half read in `self`.
    async fn next(&mut self) -> Result<Piece, ServerFault>;
}

/// The writing half of a connection.
#[async_trait]
pub trait Outlet: Send {
    /// Writes one message (compact JSON in UTF-8, no newline in it) and flushes. Called by one at a time.
    async fn send(&mut self, text: &[u8]) -> Result<(), ServerFault>;
    /// Ends the connection and leaves nothing behind: Close frames, the stop ladder, the socket. Called exactly once; a `send` that
    /// was under way has been dropped before. Bound it: the core waits.
    async fn close(&mut self);
}

/// A fresh connection: both halves and what can be told about the peer.
pub struct Wire {
    /// The writing half.
    pub outlet: Box<dyn Outlet>,
    /// The reading half.
    pub inlet: Box<dyn Inlet>,
    /// The process, when there is one.
    pub pid: Option<u32>,
    /// Reads the last lines of stderr, when there is a process.
    pub stderr: Option<Arc<dyn Fn() -> String + Send + Sync>>,
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wire").field("pid", &self.pid).finish_non_exhaustive()
    }
}

/// Makes connections. Called once for a connect, and a second time when the peer did not survive being asked for its era.
#[async_trait]
pub trait Dial: Send + Sync {
    /// Connects, or says why not. Dropping the future gives up and leaves nothing behind.
    async fn dial(&self) -> Result<Wire, ServerFault>;
}

/// A [`Wire`] in the shape that rmcp drives.
pub(crate) struct WireTransport {
    outlet: Arc<Mutex<Box<dyn Outlet>>>,
    inlet: Box<dyn Inlet>,
    intake: Arc<Intake>,
    queue: VecDeque<RxJsonRpcMessage<RoleClient>>,
    closed: bool,
}

impl WireTransport {
    pub(crate) fn new(wire: Wire, intake: Arc<Intake>) -> Self {
        Self { outlet: Arc::new(Mutex::new(wire.outlet)), inlet: wire.inlet, intake, queue: VecDeque::new(), closed: false }
    }

    /// The way past rmcp.
    pub(crate) fn express(&self) -> Arc<dyn Express> {
        Arc::new(WireExpress { outlet: self.outlet.clone(), intake: self.intake.clone() })
    }
}

/// Writes one message, one writer at a time.
async fn write(intake: &Intake, outlet: &Mutex<Box<dyn Outlet>>, text: &[u8], slot: Option<&Slot>) -> Result<(), ServerFault> {
    if intake.host.wants_frames() {
        intake.host.frame(Frame { sent: true, kind: "json", text: super::intake::cut(text) });
    }
    tokio::select! {
        biased;
        () = intake.over.cancelled() => Err(intake.lost(false)),
        sent = async {
            let mut outlet = outlet.lock().await;
            // Before the first byte: when the peer ends in the middle of this, nobody can say how much it has read.
            if let Some(slot) = slot {
                slot.mark_sent();
            }
            outlet.send(text).await
        } => sent,
    }
}

/// The writing half, for those who write their requests themselves.
struct WireExpress {
    outlet: Arc<Mutex<Box<dyn Outlet>>>,
    intake: Arc<Intake>,
}

impl Express for WireExpress {
    fn send(&self, _id: i64, text: Bytes, slot: Arc<Slot>) -> BoxFuture<'static, Result<Went, ServerFault>> {
        let (outlet, intake) = (self.outlet.clone(), self.intake.clone());
        Box::pin(async move { write(&intake, &outlet, &text, Some(&slot)).await.map(|()| Went::Away) })
    }

    fn to_the_end(&self) -> bool {
        true
    }
}

impl Transport<RoleClient> for WireTransport {
    type Error = ServerFault;

    fn send(&mut self, item: TxJsonRpcMessage<RoleClient>) -> impl Future<Output = Result<(), ServerFault>> + Send + 'static {
        let text =
            serde_json::to_vec(&item).map_err(|fault| ServerFault::Internal { what: format!("a message would not encode: {fault}") });
        let slot = self.intake.outgoing(&item);
        let intake = self.intake.clone();
        let outlet = self.outlet.clone();
        async move {
            let text = text?;
            write(&intake, &outlet, &text, slot.as_deref()).await
        }
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleClient>> {
        loop {
            if let Some(message) = self.queue.pop_front() {
                return Some(message);
            }
            let piece = tokio::select! {
                biased;
                () = self.intake.over.cancelled() => return None,
                piece = self.inlet.next() => piece,
            };
            match piece {
                Ok(Piece::Text(text)) => self.intake.text(&text, None, &mut self.queue),
                Ok(Piece::Noise(text)) => self.intake.noise(&text),
                Ok(Piece::Broken { fault, head }) => self.intake.broken(fault, &head, &mut self.queue),
                Err(fault) => {
                    self.intake.end(fault);
                    return None;
                }
            }
        }
    }

    async fn close(&mut self) -> Result<(), ServerFault> {
        if !self.closed {
            self.closed = true;
            self.intake.over.cancel();
            self.outlet.lock().await.close().await;
        }
        Ok(())
    }
}

impl Drop for WireTransport {
    fn drop(&mut self) {
        if self.closed {
            return;
        }
        // A connect that was given up: the other end still has to be let go.
        self.intake.over.cancel();
        let outlet = self.outlet.clone();
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            self.intake.tasks.spawn_on(async move { outlet.lock().await.close().await }, &runtime);
        }
    }
}
