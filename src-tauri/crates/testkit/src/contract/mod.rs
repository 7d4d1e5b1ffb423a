//! What every protocol must do, whatever it is made of: one function a clause, each run against every row.
//!
//! A clause knows a session only as `dyn Session` and the peer only as [`Peer`]; nothing in it depends on speed: it waits for what must
//! come, up to [`PATIENCE`], and never for time to pass.

mod clauses;
mod peers;

pub use self::clauses::{
    big_result, call, cancel, close_leaves_nothing, concurrent_calls, connect, discover, fails, giving_up_a_connect_leaves_nothing,
    progress, reconnect, unknown_tool,
};
pub use self::peers::{EchoHttpPeer, EchoSocketPeer, EchoSsePeer, LocalPeer, PredecessorPeer, RestPeer, StdioPeer};

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::fault::ServerFault;
use domain::protocol::{CallIo, CallReq, Protocol, Session};
use domain::tool::ToolResult;
use domain::{Json, JsonMap};

use crate::stage::{Stage, ticket};

/// The longest that a clause waits for something that must happen. A loaded machine may be slow; a hang is still found.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// A call to make, and words that its answer must hold.
#[derive(Debug, Clone)]
pub struct Order {
    /// The tool.
    pub tool: &'static str,
    /// Its arguments.
    pub args: Json,
    /// Part of the text that comes back.
    pub words: String,
}

impl Order {
    /// A call whose answer holds these words.
    pub fn new(tool: &'static str, args: Json, words: impl Into<String>) -> Self {
        Self { tool, args, words: words.into() }
    }
}

/// What the peer knows of its calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    /// Running now.
    pub running: u64,
    /// Told to stop, or left by the caller. `None` when this peer cannot be told: its tool runs to its end.
    pub cancelled: Option<u64>,
}

/// A server under the suite's control.
#[async_trait]
pub trait Peer: Send + Sync {
    /// Settings that reach it.
    fn settings(&self) -> JsonMap;
    /// Settings that reach an address that accepts and never says a word; `None` where there is nothing to wait for.
    async fn silent(&self) -> Option<(JsonMap, SilentPeer)>;
    /// A call that goes well, told apart by its number.
    fn calm(&self, nth: usize) -> Order;
    /// A call that the tool itself fails, with the words of the failure.
    fn failing(&self) -> Order;
    /// A call that waits until [`Peer::release`].
    fn holding(&self) -> Order;
    /// A call that tells its progress, with the words of its end; `None` where the wire has no progress.
    fn telling(&self) -> Option<Order>;
    /// A call whose answer is a text of so many bytes.
    fn big(&self, bytes: usize) -> Order;
    /// What it knows of its calls. May ask over the session, where it has no other ear.
    async fn tally(&self, session: &dyn Session) -> Tally;
    /// Lets held calls go.
    async fn release(&self, session: &dyn Session);
    /// Crashes and comes back at the same address, having forgotten every session.
    async fn restart(&self, session: &dyn Session);
    /// Connections that are open now; `None` where there are none to count.
    fn open(&self) -> Option<usize>;
}

/// A listener that accepts and never answers.
#[derive(Debug)]
pub struct SilentPeer {
    /// How many connections are open.
    pub web: crate::web::Web,
}

impl SilentPeer {
    /// Listens.
    pub async fn start() -> Self {
        let app = axum::Router::new().fallback(|| async { std::future::pending::<()>().await });
        Self { web: crate::web::Web::start(app).await }
    }
}

/// A protocol with a peer: what the clauses run against.
pub struct Case {
    /// Which protocol.
    pub protocol: Arc<dyn Protocol>,
    /// Whom it talks to.
    pub peer: Box<dyn Peer>,
    /// Where the session plays.
    pub stage: Stage,
}

impl Case {
    /// A case; `guard` is the program that guards children.
    pub fn new(protocol: Arc<dyn Protocol>, peer: impl Peer + 'static, guard: &[String]) -> Self {
        Self { protocol, peer: Box::new(peer), stage: Stage::new(guard) }
    }

    /// A session, or the test ends with the fault.
    pub async fn session(&self) -> Arc<dyn Session> {
        let connecting = self.protocol.connect(self.stage.cx("contract"), self.peer.settings());
        match tokio::time::timeout(PATIENCE, connecting).await {
            Ok(Ok(session)) => session,
            Ok(Err(fault)) => panic!("connecting to {:?}: {fault}: {fault:?}", self.peer.settings()),
            Err(late) => panic!("connecting to {:?} hangs: {late}", self.peer.settings()),
        }
    }
}

/// Makes a call; a hang ends the test.
pub async fn run(session: &dyn Session, order: &Order, io: CallIo) -> Result<ToolResult, ServerFault> {
    let args = order.args.as_object().cloned().unwrap_or_default();
    let ticket = ticket(order.tool).await;
    let call = session.call(&ticket, CallReq { tool: order.tool.into(), args }, io);
    tokio::time::timeout(PATIENCE, call).await.unwrap_or_else(|_| panic!("{} never came back", order.tool))
}

/// Waits until something holds; a hang ends the test with these words.
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, waiting).await.is_ok(), "it never came about that {what}");
}
