//! The MCP core against peers that behave, misbehave and vanish, over a line that is nothing but two queues.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use domain::call_events::call_events;
use domain::fault::ServerFault;
use domain::person::{Answer, Matter, Scope};
use domain::protocol::{CallEvent, CallIo, CallReq, Session, SessionEvent};
use domain::tool::ToolResult;
use domain::{Json, JsonMap};
use protocols::mcp::{self, Dial, Era, Inlet, Opening, Outlet, Piece, Wire};
use serde_json::json;
use testkit::stage::{Stage, ticket};
use tokio::sync::mpsc;

/// The peer's end of the line.
struct Line {
    from: mpsc::UnboundedReceiver<String>,
    to: mpsc::UnboundedSender<Result<Piece, ServerFault>>,
}

impl Line {
    async fn recv(&mut self) -> Option<Json> {
        self.from.recv().await.map(|text| serde_json::from_str(&text).unwrap())
    }

    /// The next message of this method; others are passed over.
    async fn wait(&mut self, method: &str) -> Json {
        loop {
            let message = self.recv().await.unwrap_or_else(|| panic!("the line ended before {method}"));
            if message["method"] == method {
                return message;
            }
        }
    }

    fn raw(&self, bytes: impl Into<Vec<u8>>) {
        let _ = self.to.send(Ok(Piece::Text(Bytes::from(bytes.into()))));
    }

    fn say(&self, message: &Json) {
        self.raw(message.to_string());
    }

    fn reply(&self, to: &Json, result: Json) {
        self.say(&json!({ "jsonrpc": "2.0", "id": to["id"], "result": result }));
    }

    fn refuse(&self, to: &Json, code: i64) {
        self.say(&json!({ "jsonrpc": "2.0", "id": to["id"], "error": { "code": code, "message": "no" } }));
    }

    fn end(&self, fault: ServerFault) {
        let _ = self.to.send(Err(fault));
    }

    /// Behaves as a legacy server up to the point where it is ready.
    async fn legacy(&mut self, capabilities: Json) {
        loop {
            let message = self.recv().await.unwrap();
            match message["method"].as_str() {
                Some("server/discover") => self.refuse(&message, -32601),
                Some("initialize") => self.reply(&message, initialized(capabilities.clone())),
                _ => return,
            }
        }
    }

    /// Behaves as a modern server up to the point where it is ready.
    async fn modern(&mut self, capabilities: Json) {
        let asked = self.wait("server/discover").await;
        self.reply(&asked, discovered(&capabilities));
    }
}

fn initialized(capabilities: Json) -> Json {
    json!({ "protocolVersion": "2025-11-25", "capabilities": capabilities, "serverInfo": { "name": "fake", "version": "1" } })
}

fn discovered(capabilities: &Json) -> Json {
    json!({
        "resultType": "complete", "supportedVersions": ["2025-11-25", "2026-07-28"], "capabilities": capabilities, "ttlMs": 0, "cacheScope": "private",
        "_meta": { "io.modelcontextprotocol/serverInfo": { "name": "fake", "version": "2" } }
    })
}

type Script = Arc<dyn Fn(usize, Line) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// A peer that can be dialled again; the script is told which time it is.
#[derive(Clone)]
struct Peer {
    script: Script,
    dials: Arc<AtomicUsize>,
}

impl Peer {
    fn new<F: Future<Output = ()> + Send + 'static>(script: impl Fn(usize, Line) -> F + Send + Sync + 'static) -> Self {
        Self { script: Arc::new(move |nth, line| Box::pin(script(nth, line))), dials: Arc::default() }
    }

    fn dials(&self) -> usize {
        self.dials.load(Ordering::SeqCst)
    }
}

struct In(mpsc::UnboundedReceiver<Result<Piece, ServerFault>>);
struct Out(Option<mpsc::UnboundedSender<String>>);

fn gone() -> ServerFault {
    ServerFault::ServerExited { how: "exit code 3".into(), stderr_tail: "last words".into() }
}

#[async_trait]
impl Inlet for In {
    async fn next(&mut self) -> Result<Piece, ServerFault> {
        self.0.recv().await.unwrap_or_else(|| Err(gone()))
    }
}

#[async_trait]
impl Outlet for Out {
    async fn send(&mut self, text: &[u8]) -> Result<(), ServerFault> {
        let text = String::from_utf8(text.to_vec()).unwrap();
        assert!(!text.contains('\n'), "a message is one line");
        self.0.as_ref().and_then(|to| to.send(text).ok()).ok_or_else(gone)
    }

    async fn close(&mut self) {
        self.0 = None;
    }
}

#[async_trait]
impl Dial for Peer {
    async fn dial(&self) -> Result<Wire, ServerFault> {
        let nth = self.dials.fetch_add(1, Ordering::SeqCst);
        let ((to_peer, from), (to, from_peer)) = (mpsc::unbounded_channel(), mpsc::unbounded_channel());
        tokio::spawn((self.script)(nth, Line { from, to }));
        Ok(Wire { inlet: Box::new(In(from_peer)), outlet: Box::new(Out(Some(to_peer))), pid: Some(7), stderr: None })
    }
}

async fn open_as(stage: &Stage, peer: &Peer, era: Era, probe: u64) -> Result<Arc<dyn Session>, ServerFault> {
    let opening = Opening { era, probe: Duration::from_millis(probe), ..Opening::within(testkit::contract::PATIENCE) };
    mcp::open(stage.cx("fake"), opening, peer.clone()).await
}

async fn open(stage: &Stage, peer: &Peer) -> Arc<dyn Session> {
    open_as(stage, peer, Era::Auto, 5000).await.unwrap()
}

async fn call_with(session: &dyn Session, io: CallIo) -> Result<ToolResult, ServerFault> {
    let mut args = JsonMap::new();
    args.insert("x".into(), 1.into());
    session.call(&ticket("t").await, CallReq { tool: "t".into(), args }, io).await
}

async fn call(session: &dyn Session) -> Result<ToolResult, ServerFault> {
    call_with(session, CallIo::quiet()).await
}

fn text(words: &str) -> Json {
    json!({ "content": [{ "type": "text", "text": words }] })
}

/// Waits for something that another task does.
async fn until(what: &str, done: impl Fn() -> bool) {
    for _ in 0..2000 {
        if done() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("never came: {what}");
}

async fn let_go(stage: &Stage, session: Arc<dyn Session>) {
    session.close().await;
    session.close().await;
    drop(session);
    stage.tasks.close();
    tokio::time::timeout(testkit::contract::PATIENCE, stage.tasks.wait()).await.expect("no task is left behind");
}

#[tokio::test]
async fn a_server_that_does_not_understand_the_era_question_is_asked_the_old_one() {
    // Traps 2, 4, 5; C-54. What it does when asked, and how often it is dialled for it.
    for (name, dials) in [("error", 1), ("empty", 1), ("old list", 1), ("silence", 1), ("death", 2), ("rubbish", 1)] {
        let stage = Stage::new(&[]);
        let peer = Peer::new(move |nth, mut line| async move {
            if nth == 0 {
                let asked = line.wait("server/discover").await;
                match name {
                    "error" => line.refuse(&asked, -32601),
                    "empty" => line.reply(&asked, json!({})),
                    "old list" => line.reply(&asked, json!({ "supportedVersions": ["2025-06-18"], "capabilities": {} })),
                    "rubbish" => line.raw(format!("{{\"jsonrpc\":\"1.0\",\"id\":{},\"result\":{{}}}}", asked["id"])),
                    "death" => return,
                    _ => {}
                }
            }
            line.legacy(json!({ "tools": {} })).await;
            while let Some(message) = line.recv().await {
                line.reply(&message, text("ok"));
            }
        });
        let session = open_as(&stage, &peer, Era::Auto, 100).await.unwrap_or_else(|fault| panic!("{name}: {fault}"));
        assert_eq!((session.facts().era.as_str(), session.facts().revision.as_str()), ("legacy", "2025-11-25"), "{name}");
        assert_eq!(call(&*session).await.unwrap().text(), "ok", "{name}");
        assert_eq!(peer.dials(), dials, "{name}");
        assert_eq!(stage.host.kept.lock().unwrap()["era"], "legacy", "{name}: remembered");
        let_go(&stage, session).await;
    }
}

#[tokio::test]
async fn a_modern_server_is_never_initialized_and_told_who_asks_each_time() {
    // Traps 3 and 6.
    let stage = Stage::new(&[]);
    let peer = Peer::new(|_, mut line| async move {
        line.modern(json!({ "tools": {} })).await;
        while let Some(message) = line.recv().await {
            assert_ne!(message["method"], "initialize");
            assert_eq!(message["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"], "2026-07-28");
            assert_eq!(message["params"]["_meta"]["io.modelcontextprotocol/clientInfo"]["name"], "pilothouse");
            line.reply(&message, text("modern"));
        }
    });
    let session = open(&stage, &peer).await;
    assert_eq!((session.facts().era.as_str(), session.facts().name.as_str(), session.facts().pid), ("modern", "fake", Some(7)));
    assert_eq!(call(&*session).await.unwrap().text(), "modern");
    session.health().await.unwrap();
    let_go(&stage, session).await;
}

#[tokio::test]
async fn a_server_that_starts_slowly_is_still_found_to_be_modern() {
    let stage = Stage::new(&[]);
    let peer = Peer::new(|nth, mut line| async move {
        let asked = line.wait("server/discover").await;
        if nth == 0 {
            // It answers only after the old question was put as well.
            let old = line.wait("initialize").await;
            line.reply(&asked, discovered(&json!({ "tools": {} })));
            line.reply(&old, initialized(json!({})));
        } else {
            line.reply(&asked, discovered(&json!({ "tools": {} })));
        }
        while line.recv().await.is_some() {}
    });
    let session = open_as(&stage, &peer, Era::Auto, 50).await.unwrap();
    assert_eq!((session.facts().era.as_str(), peer.dials()), ("modern", 2));
    let_go(&stage, session).await;
}

#[tokio::test]
async fn the_era_that_was_found_is_tried_first_the_next_time() {
    for (kept, first) in [("legacy", "initialize"), ("modern", "server/discover")] {
        let stage = Stage::new(&[]);
        stage.host.kept.lock().unwrap().insert("era".into(), kept.into());
        let peer = Peer::new(move |_, mut line| async move {
            let asked = line.recv().await.unwrap();
            assert_eq!(asked["method"], first);
            let result = if first == "initialize" { initialized(json!({})) } else { discovered(&json!({})) };
            line.reply(&asked, result);
            while line.recv().await.is_some() {}
        });
        let session = open(&stage, &peer).await;
        assert_eq!(session.facts().era, kept);
        let_go(&stage, session).await;
    }
}

#[tokio::test]
async fn a_start_that_fails_says_how_the_server_went() {
    for (era, words) in [(Era::Legacy, "legacy"), (Era::Modern, "modern"), (Era::Auto, "auto")] {
        let stage = Stage::new(&[]);
        let peer = Peer::new(|_, line| async move { line.end(gone()) });
        let fault = open_as(&stage, &peer, era, 100).await.unwrap_err();
        assert_eq!(fault, gone(), "{words}");
    }
    let stage = Stage::new(&[]);
    let silent = Peer::new(|_, mut line| async move { while line.recv().await.is_some() {} });
    let opening = Opening { probe: Duration::from_millis(20), ..Opening::within(Duration::from_millis(200)) };
    let fault = mcp::open(stage.cx("fake"), opening, silent).await.unwrap_err();
    assert!(matches!(fault, ServerFault::Timeout { .. }), "{fault:?}");
    stage.tasks.close();
    tokio::time::timeout(testkit::contract::PATIENCE, stage.tasks.wait()).await.expect("a start that was given up leaves nothing");
}

#[tokio::test]
async fn a_reply_reaches_exactly_the_request_it_names() {
    // C-08, C-09.
    let stage = Stage::new(&[]);
    let peer = Peer::new(|_, mut line| async move {
        line.legacy(json!({})).await;
        while let Some(message) = line.recv().await {
            let id = &message["id"];
            for stranger in [json!(id.to_string()), json!({ "n": id }), json!(123_456), json!(null)] {
                line.say(&json!({ "jsonrpc": "2.0", "id": stranger, "result": text("not me") }));
            }
            line.raw(format!("{{\"jsonrpc\":\"2.0\",\"id\":{id}.0,\"result\":{{}}}}"));
            line.raw(format!("{{\"jsonrpc\":\"2.0\",\"ID\":{id},\"Result\":{{}},\"method\":\"x\"}}"));
            line.reply(&message, text("me"));
            line.reply(&message, text("me again"));
        }
    });
    let session = open(&stage, &peer).await;
    for _ in 0..3 {
        assert_eq!(call(&*session).await.unwrap().text(), "me");
    }
    let_go(&stage, session).await;
}

#[tokio::test]
async fn a_reply_that_cannot_be_used_fails_its_call_and_nothing_else() {
    // C-04 to C-07, C-10; traps 10 and 12.
    type Fits = fn(&ServerFault) -> bool;
    let violation: Fits = |fault| matches!(fault, ServerFault::ProtocolViolation { .. });
    let json_fault: Fits = |fault| matches!(fault, ServerFault::InvalidJson { .. });
    let deep = "[".repeat(100_000);
    let cases: Vec<(Vec<u8>, Fits)> = vec![
        (b"{\"jsonrpc\":\"2.0\",\"id\":ID,\"result\":{\"a\":\"\xff\"}}".to_vec(), |fault| matches!(fault, ServerFault::InvalidUtf8 { .. })),
        (br#"{"jsonrpc":"2.0","id":ID,"result":{"a":"\ud800"}}"#.to_vec(), json_fault),
        (br#"{"jsonrpc":"2.0","id":ID,"result":{"a":1e999999}}"#.to_vec(), json_fault),
        (br#"{"jsonrpc":"2.0","id":ID,"result":{"a":"#.to_vec(), json_fault),
        (format!("{{\"jsonrpc\":\"2.0\",\"id\":ID,\"result\":{deep}{}}}", deep.replace('[', "]")).into_bytes(), json_fault),
        (br#"{"jsonrpc":"2.0","id":ID,"id":ID,"result":{}}"#.to_vec(), violation),
        (br#"{"jsonrpc":"2.0","id":ID,"result":{},"error":{"code":1,"message":""}}"#.to_vec(), violation),
        (br#"{"jsonrpc":"2.0","id":ID}"#.to_vec(), violation),
        (br#"{"jsonrpc":"1.0","id":ID,"result":{}}"#.to_vec(), violation),
        (br#"{"id":ID,"result":{}}"#.to_vec(), violation),
        (br#"{"jsonrpc":"2.0","id":ID,"error":"no"}"#.to_vec(), violation),
        (br#"{"jsonrpc":"2.0","id":ID,"error":{"code":"1","message":"no"}}"#.to_vec(), violation),
        (br#"[{"jsonrpc":"2.0","id":ID,"result":{}}]"#.to_vec(), violation),
        (br#"{"jsonrpc":"2.0","error":{"code":-32600,"message":"who?"},"id":null}"#.to_vec(), |fault| {
            matches!(fault, ServerFault::Rpc { code: -32600, .. })
        }),
        (br#"{"jsonrpc":"2.0","id":ID,"error":{"code":-32000,"message":"no","data":{"x":1}}}"#.to_vec(), |fault| {
            *fault == ServerFault::Rpc { code: -32000, message: "no".into(), data: json!({ "x": 1 }) }
        }),
    ];
    let stage = Stage::new(&[]);
    let replies: Vec<_> = cases.iter().map(|(reply, _)| reply.clone()).collect();
    let peer = Peer::new(move |_, mut line| {
        let replies = replies.clone();
        async move {
            line.legacy(json!({})).await;
            for reply in replies {
                let asked = line.wait("tools/call").await;
                let id = asked["id"].to_string();
                let mut bytes = Vec::new();
                let mut rest = &reply[..];
                while let Some(at) = rest.windows(2).position(|window| window == b"ID") {
                    bytes.extend_from_slice(&rest[..at]);
                    bytes.extend_from_slice(id.as_bytes());
                    rest = &rest[at + 2..];
                }
                bytes.extend_from_slice(rest);
                line.raw(bytes);
                let asked = line.wait("tools/call").await;
                line.reply(&asked, text("fine"));
            }
            let asked = line.wait("tools/call").await;
            let head = Bytes::from(format!("{{\"jsonrpc\":\"2.0\",\"id\":{},\"result\":", asked["id"]));
            let _ = line.to.send(Ok(Piece::Broken { fault: ServerFault::MessageTooLarge { limit: 1 }, head }));
            while line.recv().await.is_some() {}
        }
    });
    let session = open(&stage, &peer).await;
    for (reply, fits) in cases {
        let shown = String::from_utf8_lossy(&reply[..reply.len().min(90)]).into_owned();
        let fault = call(&*session).await.unwrap_err();
        assert!(fits(&fault), "{shown}: {fault:?}");
        assert_eq!(call(&*session).await.unwrap().text(), "fine", "after {shown}");
    }
    assert_eq!(call(&*session).await.unwrap_err(), ServerFault::MessageTooLarge { limit: 1 });
    let_go(&stage, session).await;
}

#[tokio::test]
async fn noise_between_messages_is_counted_and_does_no_harm() {
    // C-03.
    let stage = Stage::new(&[]);
    stage.host.want_frames();
    let peer = Peer::new(|_, mut line| async move {
        line.raw("\u{feff}");
        line.raw("Welcome!\r\n");
        line.legacy(json!({})).await;
        let asked = line.recv().await.unwrap();
        for _ in 0..1001 {
            line.raw("npm warn \u{1b}[31mold");
        }
        let _ = line.to.send(Ok(Piece::Noise("banner".into())));
        line.raw(format!("\u{feff}{{\"jsonrpc\":\"2.0\",\"id\":{},\"result\":{}}}\r", asked["id"], text("ok")));
        while line.recv().await.is_some() {}
    });
    let session = open(&stage, &peer).await;
    assert_eq!(call(&*session).await.unwrap().text(), "ok");
    let warnings = stage.host.events.lock().unwrap().iter().filter(|event| matches!(event, SessionEvent::Warning(_))).count();
    assert_eq!(warnings, 1, "told once");
    assert!(stage.host.frames.lock().unwrap().iter().any(|frame| frame.kind == "noise" && frame.text == "banner"));
    let_go(&stage, session).await;
}

#[tokio::test]
async fn a_thousand_replies_to_nothing_end_the_session() {
    // C-09.
    let stage = Stage::new(&[]);
    let peer = Peer::new(|_, mut line| async move {
        line.legacy(json!({})).await;
        line.wait("tools/call").await;
        for n in 0..1000 {
            line.say(&json!({ "jsonrpc": "2.0", "id": 1_000_000 + n, "result": {} }));
        }
        while line.recv().await.is_some() {}
    });
    let session = open(&stage, &peer).await;
    assert!(matches!(call(&*session).await, Err(ServerFault::ConnectionLost { lost_result: true, .. })));
    until("the end", || stage.host.saw(|event| matches!(event, SessionEvent::Ended(ServerFault::ProtocolViolation { .. })))).await;
    let_go(&stage, session).await;
}

#[tokio::test]
async fn a_server_that_ends_is_mourned_once_and_every_call_hears_of_it() {
    let stage = Stage::new(&[]);
    let peer = Peer::new(|_, mut line| async move {
        line.legacy(json!({})).await;
        for _ in 0..8 {
            line.wait("tools/call").await;
        }
    });
    let session = open(&stage, &peer).await;
    let calls = futures::future::join_all((0..8).map(|_| call(&*session))).await;
    for fault in calls.into_iter().map(Result::unwrap_err) {
        let ServerFault::ConnectionLost { reason, lost_result: true } = fault else { panic!("{fault:?}") };
        assert!(reason.contains("exit code 3"), "{reason}");
    }
    assert!(
        matches!(call(&*session).await, Err(ServerFault::ConnectionLost { lost_result: false, .. })),
        "what was never sent is not lost"
    );
    until("the end", || stage.host.saw(|event| *event == SessionEvent::Ended(gone()))).await;
    let_go(&stage, session).await;
    let ends = stage.host.events.lock().unwrap().iter().filter(|event| matches!(event, SessionEvent::Ended(_))).count();
    assert_eq!(ends, 1);
}

#[tokio::test]
async fn closing_is_no_end_to_be_told_of() {
    let stage = Stage::new(&[]);
    let peer = Peer::new(|_, mut line| async move {
        line.legacy(json!({})).await;
        while line.recv().await.is_some() {}
    });
    let session = open(&stage, &peer).await;
    let calling = {
        let session = session.clone();
        tokio::spawn(async move { call(&*session).await })
    };
    tokio::task::yield_now().await;
    session.close().await;
    assert!(calling.await.unwrap().is_err(), "a call does not outlive its session");
    let_go(&stage, session).await;
    assert!(!stage.host.saw(|event| matches!(event, SessionEvent::Ended(_))));
}

#[tokio::test]
async fn progress_is_what_increases() {
    // C-13.
    let stage = Stage::new(&[]);
    let peer = Peer::new(|_, mut line| async move {
        line.legacy(json!({})).await;
        let asked = line.wait("tools/call").await;
        let token = &asked["params"]["_meta"]["progressToken"];
        for progress in [1.0, 1.0, 0.5, 2.0, 2.0, 3.0] {
            line.say(&json!({ "jsonrpc": "2.0", "method": "notifications/progress", "params": { "progressToken": token, "progress": progress, "total": 3, "message": "m" } }));
            line.say(
                &json!({ "jsonrpc": "2.0", "method": "notifications/progress", "params": { "progressToken": "other", "progress": 100 } }),
            );
        }
        line.reply(&asked, text("done"));
        while line.recv().await.is_some() {}
    });
    let session = open(&stage, &peer).await;
    let (events, mut seen) = call_events(64);
    let io = CallIo { events: Some(events), ..CallIo::quiet() };
    call_with(&*session, io).await.unwrap();
    let mut steps = Vec::new();
    while let Some(CallEvent::Progress { progress, total, message }) = seen.try_recv() {
        assert_eq!((total, message.as_deref()), (Some(3.0), Some("m")));
        steps.push(progress);
    }
    assert_eq!(steps, [1.0, 2.0, 3.0]);
    let_go(&stage, session).await;
}

#[tokio::test]
async fn giving_a_call_up_tells_the_server_and_its_late_reply_hurts_nobody() {
    let stage = Stage::new(&[]);
    let (told, mut cancelled) = mpsc::unbounded_channel();
    let peer = Peer::new(move |_, mut line| {
        let told = told.clone();
        async move {
            line.legacy(json!({})).await;
            for _ in 0..2 {
                let asked = line.wait("tools/call").await;
                let cancel = line.wait("notifications/cancelled").await;
                assert_eq!(cancel["params"]["requestId"], asked["id"]);
                line.reply(&asked, text("too late"));
                told.send(()).unwrap();
            }
            let asked = line.wait("tools/call").await;
            line.reply(&asked, text("in time"));
            while line.recv().await.is_some() {}
        }
    });
    let session = open(&stage, &peer).await;
    let io = CallIo::quiet();
    let cancel = io.cancel.clone();
    let (fault, ()) = tokio::join!(call_with(&*session, io), async {
        tokio::task::yield_now().await;
        cancel.cancel();
    });
    assert_eq!(fault.unwrap_err(), ServerFault::Cancelled);
    cancelled.recv().await.unwrap();
    // Dropping the future counts as giving up, too.
    assert!(tokio::time::timeout(Duration::from_millis(100), call(&*session)).await.is_err());
    cancelled.recv().await.unwrap();
    assert_eq!(call(&*session).await.unwrap().text(), "in time");
    let_go(&stage, session).await;
}

#[tokio::test]
async fn floods_are_dropped_and_changes_are_told_once_a_second() {
    // C-12.
    let stage = Stage::new(&[]);
    let peer = Peer::new(|_, mut line| async move {
        line.legacy(json!({})).await;
        let asked = line.wait("tools/call").await;
        for n in 0..20_000 {
            line.say(&json!({ "jsonrpc": "2.0", "method": "notifications/tools/list_changed" }));
            line.say(&json!({ "jsonrpc": "2.0", "method": "notifications/message", "params": { "level": "info", "data": n } }));
        }
        line.reply(&asked, text("alive"));
        while line.recv().await.is_some() {}
    });
    let session = open(&stage, &peer).await;
    let begun = tokio::time::Instant::now();
    assert_eq!(call(&*session).await.unwrap().text(), "alive");
    let seconds = begun.elapsed().as_secs() as usize + 1;
    let events = stage.host.events.lock().unwrap().clone();
    let changed = events.iter().filter(|event| **event == SessionEvent::ToolsChanged).count();
    let logs = events.iter().filter(|event| matches!(event, SessionEvent::Log { .. })).count();
    assert!((1..=seconds + 1).contains(&changed), "{changed} changes in {seconds} s");
    assert!((1..=1000 + 200 * seconds).contains(&logs), "{logs} log lines in {seconds} s");
    let_go(&stage, session).await;
}

#[tokio::test]
async fn what_a_server_asks_is_answered_by_a_person_or_not_at_all() {
    let stage = Stage::new(&[]);
    stage.host.share("file:///home/me/work", "work");
    stage.host.answer_with(|question| match &question.matter {
        Matter::Form { .. } => Answer::Data { data: json!({ "name": "me" }) },
        Matter::Visit { url, .. } if url.contains("good") => Answer::Yes { scope: Scope::Once },
        Matter::Sample { .. } => Answer::Data { data: "a word".into() },
        _ => Answer::No { reason: String::new() },
    });
    let (heard, mut answers) = mpsc::unbounded_channel();
    let peer = Peer::new(move |_, mut line| {
        let heard = heard.clone();
        async move {
            line.legacy(json!({})).await;
            let form =
                json!({ "type": "object", "properties": { "name": { "type": "string" }, "size": { "type": "integer", "default": 3 } } });
            for (id, method, params) in [
                (1, "ping", json!({})),
                (2, "roots/list", json!({})),
                (3, "elicitation/create", json!({ "message": "who?", "requestedSchema": form })),
                (4, "elicitation/create", json!({ "mode": "url", "message": "go", "url": "https://good.example/x" })),
                (5, "elicitation/create", json!({ "mode": "url", "message": "go", "url": "file:///etc/passwd" })),
                (
                    6,
                    "elicitation/create",
                    json!({ "message": "pw?", "requestedSchema": { "type": "object", "properties": { "password": { "type": "string" } } } }),
                ),
                (7, "sampling/createMessage", json!({ "messages": [], "maxTokens": 5 })),
                (8, "tools/call", json!({})),
            ] {
                line.say(&json!({ "jsonrpc": "2.0", "id": format!("q{id}"), "method": method, "params": params }));
                let mut answer = line.recv().await.unwrap();
                assert_eq!(answer["id"], format!("q{id}"));
                let code = answer["error"]["code"].clone();
                heard.send(answer.get_mut("result").map_or(code, Json::take)).unwrap();
            }
            while line.recv().await.is_some() {}
        }
    });
    let session = open(&stage, &peer).await;
    let mut next = async || answers.recv().await.unwrap();
    assert_eq!(next().await, json!({}));
    assert_eq!(next().await, json!({ "roots": [{ "uri": "file:///home/me/work", "name": "work" }] }));
    assert_eq!(next().await, json!({ "action": "accept", "content": { "name": "me", "size": 3 } }));
    assert_eq!(next().await, json!({ "action": "accept" }));
    assert_eq!(next().await, json!({ "action": "decline" }), "that is no page");
    assert_eq!(next().await, json!({ "action": "decline" }), "a password is not asked for");
    let sample = next().await;
    assert_eq!((sample["role"].as_str(), sample["content"]["text"].as_str()), (Some("assistant"), Some("a word")));
    assert_eq!(next().await, json!(-32601));
    assert_eq!(stage.host.opened.lock().unwrap().len(), 1);
    assert_eq!(stage.host.asked.lock().unwrap().len(), 3, "what was declined at once was not asked");
    let_go(&stage, session).await;
}

#[tokio::test]
async fn a_modern_server_asks_only_within_a_result() {
    // C-11, and the round trips of 2026-07-28.
    let stage = Stage::new(&[]);
    stage.host.answer_with(|_| Answer::Data { data: json!({ "name": "me" }) });
    let state = "s\u{e9}\u{1f600}\"\\\n 1e1 {\"b\":1,\"a\":2}";
    let peer = Peer::new(move |_, mut line| async move {
        line.modern(json!({ "tools": {} })).await;
        let first = line.wait("tools/call").await;
        line.say(&json!({ "jsonrpc": "2.0", "id": 99, "method": "sampling/createMessage", "params": {} }));
        line.reply(&first, json!({ "resultType": "input_required", "requestState": state, "inputRequests": {
            "q": { "method": "elicitation/create", "params": { "message": "?", "requestedSchema": { "type": "object", "properties": { "name": { "type": "string" } } } } }
        } }));
        let second = line.recv().await.unwrap();
        assert_eq!(second["method"], "tools/call", "the question beside a result got no answer");
        assert_ne!(second["id"], first["id"]);
        assert_eq!(second["params"]["requestState"], state);
        assert_eq!(second["params"]["arguments"], first["params"]["arguments"]);
        assert_eq!(second["params"]["inputResponses"]["q"], json!({ "action": "accept", "content": { "name": "me" } }));
        line.reply(&second, json!({ "resultType": "input_required", "requestState": "second" }));
        let third = line.wait("tools/call").await;
        assert_eq!(third["params"]["requestState"], "second");
        assert!(third["params"].get("inputResponses").is_none());
        line.reply(&third, json!({ "resultType": "complete", "content": [{ "type": "text", "text": "done" }] }));
        while line.recv().await.is_some() {}
    });
    let session = open(&stage, &peer).await;
    assert_eq!(call(&*session).await.unwrap().text(), "done");
    let_go(&stage, session).await;
}

#[tokio::test]
async fn questions_without_end_and_states_without_measure_are_refused() {
    // C-53.
    for (result, limit) in [
        (json!({ "resultType": "input_required", "requestState": "again" }), Some(8)),
        (json!({ "resultType": "input_required", "requestState": "x".repeat(2_000_000) }), Some(1024 * 1024)),
        (json!({ "resultType": "input_required" }), None),
        (json!({ "resultType": "input_required", "requestState": 3 }), None),
        (json!({ "resultType": "input_required", "inputRequests": { "q": { "method": "tools/call" } } }), None),
        (json!({ "resultType": "hologram" }), None),
    ] {
        let stage = Stage::new(&[]);
        let told = result.clone();
        let peer = Peer::new(move |_, mut line| {
            let result = result.clone();
            async move {
                line.modern(json!({})).await;
                while let Some(asked) = line.recv().await {
                    line.reply(&asked, result.clone());
                }
            }
        });
        let session = open(&stage, &peer).await;
        let fault = call(&*session).await.unwrap_err();
        match limit {
            Some(limit) => assert!(matches!(fault, ServerFault::ResourceLimit { limit: named, .. } if named == limit), "{fault:?}"),
            None => assert!(matches!(fault, ServerFault::ProtocolViolation { .. }), "{told}: {fault:?}"),
        }
        let_go(&stage, session).await;
    }
}

#[tokio::test]
async fn lists_are_followed_to_the_end_but_not_in_circles() {
    // Trap 13, C-16; trap 9.
    let stage = Stage::new(&[]);
    let peer = Peer::new(|_, mut line| async move {
        line.legacy(json!({ "tools": {}, "resources": {}, "prompts": {}, "completions": {}, "logging": {} })).await;
        while let Some(asked) = line.recv().await {
            let cursor = asked["params"]["cursor"].as_str().unwrap_or("0").to_owned();
            match asked["method"].as_str().unwrap() {
                "tools/list" if cursor == "0" => {
                    line.reply(&asked, json!({ "tools": [{ "name": "a", "annotations": 7 }, { "name": "b" }], "nextCursor": "1" }));
                }
                "tools/list" => line.reply(&asked, json!({ "tools": [{ "name": format!("c{cursor}") }], "nextCursor": "1" })),
                "resources/list" if cursor == "0" => line.reply(&asked, json!({ "resources": [{ "uri": "a:1" }], "nextCursor": "x" })),
                "resources/list" => line.reply(&asked, json!({ "resources": [{ "uri": "a:2" }] })),
                "resources/read" => line.refuse(&asked, -32002),
                "prompts/list" => line.reply(&asked, json!({ "prompts": [{ "name": "p" }] })),
                "prompts/get" => line.reply(&asked, json!({ "messages": [], "seen": asked["params"]["arguments"] })),
                "completion/complete" => line.reply(&asked, json!({ "completion": { "values": ["one", "two"] } })),
                "logging/setLevel" => line.reply(&asked, json!({})),
                _ => line.refuse(&asked, -32601),
            }
        }
    });
    let session = open(&stage, &peer).await;
    let tools = session.tools().await.unwrap();
    assert_eq!(tools.tools.iter().map(|tool| tool.name.as_str()).collect::<Vec<_>>(), ["b", "c1"]);
    assert_eq!(tools.rejected.len(), 1);
    assert!(tools.partial.is_some_and(|why| why.contains("repeats")));
    let resources = session.as_resources().unwrap();
    assert_eq!(resources.list().await.unwrap().len(), 2);
    assert_eq!(resources.templates().await.unwrap().len(), 0);
    assert!(matches!(resources.read("a:9").await, Err(ServerFault::NoSuch { what: "resource", .. })));
    assert!(matches!(resources.subscribe("a:1").await, Err(ServerFault::Unsupported { .. })));
    let prompts = session.as_prompts().unwrap();
    assert_eq!(prompts.list().await.unwrap().len(), 1);
    let args = json!({ "k": "v" }).as_object().unwrap().clone();
    assert_eq!(prompts.get("p", args).await.unwrap()["seen"], json!({ "k": "v" }));
    let found = session.as_completions().unwrap().complete(json!({ "type": "ref/prompt", "name": "p" }), "k", "o").await;
    assert_eq!(found.unwrap(), ["one", "two"]);
    session.as_logging().unwrap().set_level("warning").await.unwrap();
    assert!(session.as_logging().unwrap().set_level("loud").await.is_err());
    session.health().await.expect("an answer that it knows no ping is an answer");
    let_go(&stage, session).await;
}

#[tokio::test]
async fn a_server_cannot_cancel_what_we_asked() {
    // C-56.
    let stage = Stage::new(&[]);
    let peer = Peer::new(|_, mut line| async move {
        line.legacy(json!({})).await;
        let asked = line.wait("tools/call").await;
        line.say(&json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": asked["id"] } }));
        line.reply(&asked, text("all the same"));
        while line.recv().await.is_some() {}
    });
    let session = open(&stage, &peer).await;
    assert_eq!(call(&*session).await.unwrap().text(), "all the same");
    let_go(&stage, session).await;
}

#[tokio::test]
async fn a_modern_server_is_listened_to_with_one_long_request() {
    let stage = Stage::new(&[]);
    let (told, mut filters) = mpsc::unbounded_channel();
    let peer = Peer::new(move |_, mut line| {
        let told = told.clone();
        async move {
            line.modern(json!({ "tools": { "listChanged": true }, "resources": { "subscribe": true } })).await;
            while let Some(asked) = line.recv().await {
                if asked["method"] == "subscriptions/listen" {
                    told.send(asked["params"]["notifications"].clone()).unwrap();
                    let meta = json!({ "io.modelcontextprotocol/subscriptionId": asked["id"] });
                    line.say(&json!({ "jsonrpc": "2.0", "method": "notifications/tools/list_changed", "params": { "_meta": meta } }));
                    line.say(&json!({ "jsonrpc": "2.0", "method": "notifications/resources/updated", "params": { "uri": "a:1", "_meta": meta } }));
                }
            }
        }
    });
    let session = open(&stage, &peer).await;
    assert_eq!(filters.recv().await.unwrap(), json!({ "toolsListChanged": true }));
    until("the change", || stage.host.saw(|event| *event == SessionEvent::ToolsChanged)).await;
    session.as_resources().unwrap().subscribe("a:1").await.unwrap();
    assert_eq!(filters.recv().await.unwrap(), json!({ "toolsListChanged": true, "resourceSubscriptions": ["a:1"] }));
    until("the update", || stage.host.saw(|event| *event == SessionEvent::ResourceUpdated("a:1".into()))).await;
    let_go(&stage, session).await;
}

#[tokio::test]
async fn more_calls_than_places_wait_for_their_turn() {
    let stage = Stage::new(&[]);
    let peer = Peer::new(|_, mut line| async move {
        line.legacy(json!({})).await;
        let mut first = Vec::new();
        for _ in 0..64 {
            first.push(line.wait("tools/call").await);
        }
        assert!(line.from.try_recv().is_err(), "the 65th call waits");
        for asked in first {
            line.reply(&asked, text("first"));
        }
        while let Some(asked) = line.recv().await {
            line.reply(&asked, text("later"));
        }
    });
    let session = open(&stage, &peer).await;
    let all = futures::future::join_all((0..100).map(|_| call(&*session))).await;
    let words: Vec<_> = all.into_iter().map(|result| result.unwrap().text()).collect();
    assert_eq!(words.iter().filter(|word| *word == "first").count(), 64);
    let_go(&stage, session).await;
}
