//! The fakes of this crate as peers of the suite.

use std::path::PathBuf;

use async_trait::async_trait;
use domain::protocol::{CallIo, Session};
use domain::{Json, JsonMap};
use serde_json::json;

use super::{Order, Peer, SilentPeer, Tally, run};
use crate::echo::{Echo, EchoHttp, EchoLocal, EchoSocket, EchoSse};
use crate::predecessor::{Behaviour, Predecessor};
use crate::rest::Rest;

fn map(value: Json) -> JsonMap {
    value.as_object().cloned().unwrap_or_default()
}

fn merged(base: JsonMap, more: &Json) -> JsonMap {
    let mut all = base;
    for (key, value) in more.as_object().into_iter().flatten() {
        all.insert(key.clone(), value.clone());
    }
    all
}

fn echo(nth: usize) -> Order {
    let message = format!("word number {nth}: \"quoted\", 中文, \\ and \u{1f980}");
    Order::new("echo", json!({ "message": message }), message)
}

fn failing() -> Order {
    Order::new("fail", json!({ "message": "the disk is on fire" }), "the disk is on fire")
}

fn holding() -> Order {
    Order::new("hold", json!({}), "held and let go")
}

fn telling() -> Order {
    Order::new("slow", json!({ "steps": 4, "ms": 1 }), "done after 4 steps")
}

fn big(bytes: usize) -> Order {
    Order::new("big", json!({ "bytes": bytes }), "xxx")
}

/// The methods that every peer with the echo tools has in common.
macro_rules! echo_orders {
    () => {
        fn calm(&self, nth: usize) -> Order {
            echo(nth)
        }
        fn failing(&self) -> Order {
            failing()
        }
        fn holding(&self) -> Order {
            holding()
        }
        fn big(&self, bytes: usize) -> Order {
            big(bytes)
        }
    };
}

fn tally_of(echo: &Echo) -> Tally {
    Tally { running: echo.running() as u64, cancelled: Some(echo.cancelled()) }
}

/// The echo server over Streamable HTTP.
pub struct EchoHttpPeer {
    /// The server.
    pub peer: EchoHttp,
    /// Further settings, such as the era.
    pub more: Json,
}

#[async_trait]
impl Peer for EchoHttpPeer {
    fn settings(&self) -> JsonMap {
        merged(map(json!({ "url": self.peer.url() })), &self.more)
    }

    async fn silent(&self) -> Option<(JsonMap, SilentPeer)> {
        let silent = SilentPeer::start().await;
        Some((merged(map(json!({ "url": silent.web.url("/mcp") })), &self.more), silent))
    }

    echo_orders!();

    fn telling(&self) -> Option<Order> {
        Some(telling())
    }

    async fn tally(&self, _: &dyn Session) -> Tally {
        tally_of(&self.peer.echo)
    }

    async fn release(&self, _: &dyn Session) {
        self.peer.echo.release();
    }

    async fn restart(&self, _: &dyn Session) {
        self.peer.restart().await;
    }

    fn open(&self) -> Option<usize> {
        Some(self.peer.web.open())
    }
}

/// The echo server over the old HTTP+SSE transport.
pub struct EchoSsePeer(pub EchoSse);

#[async_trait]
impl Peer for EchoSsePeer {
    fn settings(&self) -> JsonMap {
        map(json!({ "url": self.0.url() }))
    }

    async fn silent(&self) -> Option<(JsonMap, SilentPeer)> {
        let silent = SilentPeer::start().await;
        Some((map(json!({ "url": silent.web.url("/sse") })), silent))
    }

    echo_orders!();

    fn telling(&self) -> Option<Order> {
        Some(telling())
    }

    async fn tally(&self, _: &dyn Session) -> Tally {
        tally_of(&self.0.echo)
    }

    async fn release(&self, _: &dyn Session) {
        self.0.echo.release();
    }

    async fn restart(&self, _: &dyn Session) {
        self.0.web.restart().await;
    }

    fn open(&self) -> Option<usize> {
        Some(self.0.web.open())
    }
}

/// The echo server over WebSocket.
pub struct EchoSocketPeer(pub EchoSocket);

#[async_trait]
impl Peer for EchoSocketPeer {
    fn settings(&self) -> JsonMap {
        map(json!({ "url": self.0.url() }))
    }

    async fn silent(&self) -> Option<(JsonMap, SilentPeer)> {
        let silent = SilentPeer::start().await;
        Some((map(json!({ "url": silent.web.ws_url("/ws") })), silent))
    }

    echo_orders!();

    fn telling(&self) -> Option<Order> {
        Some(telling())
    }

    async fn tally(&self, _: &dyn Session) -> Tally {
        tally_of(&self.0.echo)
    }

    async fn release(&self, _: &dyn Session) {
        self.0.echo.release();
    }

    async fn restart(&self, _: &dyn Session) {
        self.0.web.restart().await;
    }

    fn open(&self) -> Option<usize> {
        Some(self.0.web.open())
    }
}

/// The REST peer, with JSON answers or with event streams.
pub struct RestPeer {
    /// The server.
    pub peer: Rest,
    /// Settings that reach a base URL.
    pub settings: fn(&str) -> Json,
    /// Whether its answers are event streams.
    pub streams: bool,
}

#[async_trait]
impl Peer for RestPeer {
    fn settings(&self) -> JsonMap {
        map((self.settings)(&self.peer.base_url()))
    }

    async fn silent(&self) -> Option<(JsonMap, SilentPeer)> {
        let silent = SilentPeer::start().await;
        Some((map((self.settings)(&silent.web.url(""))), silent))
    }

    echo_orders!();

    fn telling(&self) -> Option<Order> {
        self.streams.then(telling)
    }

    async fn tally(&self, _: &dyn Session) -> Tally {
        Tally { running: self.peer.running() as u64, cancelled: Some(self.peer.cancelled()) }
    }

    async fn release(&self, _: &dyn Session) {
        self.peer.release();
    }

    async fn restart(&self, _: &dyn Session) {
        self.peer.web.restart().await;
    }

    fn open(&self) -> Option<usize> {
        Some(self.peer.web.open())
    }
}

/// The double of the predecessor. Its tools run to their end whatever the caller does.
pub struct PredecessorPeer {
    /// The server.
    pub peer: Predecessor,
    /// Settings that reach a port of the loopback.
    pub settings: fn(u16) -> Json,
}

#[async_trait]
impl Peer for PredecessorPeer {
    fn settings(&self) -> JsonMap {
        map((self.settings)(self.peer.web.port()))
    }

    async fn silent(&self) -> Option<(JsonMap, SilentPeer)> {
        let silent = SilentPeer::start().await;
        Some((map((self.settings)(silent.web.port())), silent))
    }

    fn calm(&self, nth: usize) -> Order {
        // `lines` comes back in the answer, so that answers can be told apart.
        let lines = nth + 1;
        Order::new("k8s-get-logs", json!({ "pod_name": "web-6d4b75cb6d-8xk2p", "lines": lines }), format!("\"lines\": {lines},"))
    }

    fn failing(&self) -> Order {
        Order::new("k8s-describe-pod", json!({ "pod_name": "it's \"gone\"" }), "pods \"it's \"gone\"\" not found")
    }

    fn holding(&self) -> Order {
        self.peer.tell("k8s-get-nodes", Behaviour::Hold);
        Order::new("k8s-get-nodes", json!({}), "node-1")
    }

    fn telling(&self) -> Option<Order> {
        None
    }

    fn big(&self, bytes: usize) -> Order {
        self.peer.tell("k8s-get-services", Behaviour::Big(bytes));
        Order::new("k8s-get-services", json!({}), "xxx")
    }

    async fn tally(&self, _: &dyn Session) -> Tally {
        Tally { running: self.peer.running(), cancelled: None }
    }

    async fn release(&self, _: &dyn Session) {
        self.peer.release();
    }

    async fn restart(&self, _: &dyn Session) {
        self.peer.restart().await;
    }

    fn open(&self) -> Option<usize> {
        Some(self.peer.web.open())
    }
}

/// The echo server as a child process.
pub struct StdioPeer {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
    /// Further settings, such as the era.
    pub more: Json,
}

impl StdioPeer {
    async fn ask(&self, session: &dyn Session, tool: &'static str) -> Option<Json> {
        let result = run(session, &Order::new(tool, json!({}), ""), CallIo::quiet()).await.ok()?;
        Some(result.structured_content.unwrap_or_default())
    }
}

#[async_trait]
impl Peer for StdioPeer {
    fn settings(&self) -> JsonMap {
        merged(map(json!({ "command": self.program, "args": self.args })), &self.more)
    }

    async fn silent(&self) -> Option<(JsonMap, SilentPeer)> {
        None
    }

    echo_orders!();

    fn telling(&self) -> Option<Order> {
        Some(telling())
    }

    async fn tally(&self, session: &dyn Session) -> Tally {
        let stats = self.ask(session, "stats").await.unwrap_or_default();
        Tally { running: stats["running"].as_u64().unwrap_or(0), cancelled: Some(stats["cancelled"].as_u64().unwrap_or(0)) }
    }

    async fn release(&self, session: &dyn Session) {
        self.ask(session, "release").await;
    }

    async fn restart(&self, session: &dyn Session) {
        // The process ends in the middle of this call; a new connect starts a new one.
        assert_eq!(self.ask(session, "exit").await, None, "a program that ended has not answered");
    }

    fn open(&self) -> Option<usize> {
        None
    }
}

/// The echo tools in this process.
pub struct LocalPeer(pub EchoLocal);

#[async_trait]
impl Peer for LocalPeer {
    fn settings(&self) -> JsonMap {
        map(json!({ "module": "echo" }))
    }

    async fn silent(&self) -> Option<(JsonMap, SilentPeer)> {
        None
    }

    echo_orders!();

    fn telling(&self) -> Option<Order> {
        Some(telling())
    }

    async fn tally(&self, _: &dyn Session) -> Tally {
        Tally { running: self.0.running() as u64, cancelled: Some(self.0.cancelled()) }
    }

    async fn release(&self, _: &dyn Session) {
        self.0.release();
    }

    async fn restart(&self, session: &dyn Session) {
        // There is no server apart from this process: what can end is the session.
        session.close().await;
    }

    fn open(&self) -> Option<usize> {
        None
    }
}
