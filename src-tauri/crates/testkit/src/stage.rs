//! What a session is given in a test: a clock, a host that remembers, tasks that can be waited for, and tickets.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use domain::Json;
use domain::audit::{Durability, Entry, Filter, Row, Verified};
use domain::fault::{Fault, ServerFault};
use domain::id::{Clock, Millis, ServerId};
use domain::person::{Answer, Question, Thinking};
use domain::policy::{Actor, CallFacts, Decision, Door, Policy, Rule, Verdict};
use domain::ports::AuditLog;
use domain::protocol::{ConnectCx, Frame, Host, SessionEvent};
use domain::secret::Secret;
use domain::ticket::Ticket;
use domain::tool::Risk;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The time as it is.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealClock;

impl Clock for RealClock {
    fn now(&self) -> Millis {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Millis(since.as_millis() as i64)
    }
}

type OnOpen = Box<dyn Fn(url::Url) + Send + Sync>;
type Answers = Box<dyn Fn(&Question) -> Answer + Send + Sync>;

/// The app's side of a session: keeps what it is told, answers as it was told to.
#[derive(Default)]
pub struct StageHost {
    /// Events, oldest first.
    pub events: Mutex<Vec<SessionEvent>>,
    /// Wire frames, oldest first, while somebody wants them.
    pub frames: Mutex<Vec<Frame>>,
    /// Questions that came.
    pub asked: Mutex<Vec<Question>>,
    /// Pages that were opened.
    pub opened: Mutex<Vec<url::Url>>,
    /// What was kept.
    pub kept: Mutex<HashMap<String, Json>>,
    secrets: Mutex<HashMap<String, Secret>>,
    answers: Mutex<Option<Answers>>,
    on_open: Mutex<Option<OnOpen>>,
    roots: Mutex<Vec<(String, String)>>,
    wants_frames: AtomicBool,
}

impl std::fmt::Debug for StageHost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StageHost")
    }
}

impl StageHost {
    /// Answers questions from now on; without it nobody is there.
    pub fn answer_with(&self, answers: impl Fn(&Question) -> Answer + Send + Sync + 'static) {
        *self.answers.lock().unwrap() = Some(Box::new(answers));
    }

    /// Does this with every page that is opened from now on, as a browser would.
    pub fn open_with(&self, browser: impl Fn(url::Url) + Send + Sync + 'static) {
        *self.on_open.lock().unwrap() = Some(Box::new(browser));
    }

    /// Folders that are shared with the server.
    pub fn share(&self, uri: &str, name: &str) {
        self.roots.lock().unwrap().push((uri.into(), name.into()));
    }

    /// Keeps wire frames from now on.
    pub fn want_frames(&self) {
        self.wants_frames.store(true, Ordering::SeqCst);
    }

    /// Whether such an event came.
    pub fn saw(&self, wanted: impl Fn(&SessionEvent) -> bool) -> bool {
        self.events.lock().unwrap().iter().any(wanted)
    }
}

#[async_trait]
impl Host for StageHost {
    fn event(&self, event: SessionEvent) {
        self.events.lock().unwrap().push(event);
    }

    fn frame(&self, frame: Frame) {
        self.frames.lock().unwrap().push(frame);
    }

    fn wants_frames(&self) -> bool {
        self.wants_frames.load(Ordering::SeqCst)
    }

    async fn ask(&self, question: Question) -> Answer {
        let answer = self.answers.lock().unwrap().as_ref().map_or(Answer::Nobody, |answers| answers(&question));
        self.asked.lock().unwrap().push(question);
        answer
    }

    fn roots(&self) -> Vec<(String, String)> {
        self.roots.lock().unwrap().clone()
    }

    async fn recall(&self, key: &str) -> Option<Json> {
        self.kept.lock().unwrap().get(key).cloned()
    }

    async fn keep(&self, key: &str, value: Json) {
        self.kept.lock().unwrap().insert(key.into(), value);
    }

    async fn recall_secret(&self, key: &str) -> Option<Secret> {
        self.secrets.lock().unwrap().get(key).cloned()
    }

    async fn keep_secret(&self, key: &str, value: Secret) {
        self.secrets.lock().unwrap().insert(key.into(), value);
    }

    async fn open_page(&self, url: &url::Url) -> Result<(), ServerFault> {
        self.opened.lock().unwrap().push(url.clone());
        if let Some(browser) = &*self.on_open.lock().unwrap() {
            browser(url.clone());
        }
        Ok(())
    }
}

/// Where one session plays.
#[derive(Debug, Clone)]
pub struct Stage {
    /// The app's side.
    pub host: Arc<StageHost>,
    /// The session's tasks.
    pub tasks: TaskTracker,
    /// Ends the session at once.
    pub stop: CancellationToken,
    /// The program that guards children.
    pub guard: Arc<[String]>,
}

impl Stage {
    /// A stage whose children are guarded by this program and arguments.
    pub fn new(guard: &[String]) -> Self {
        Self { host: Arc::default(), tasks: TaskTracker::new(), stop: CancellationToken::new(), guard: guard.into() }
    }

    /// What a connect attempt is given.
    pub fn cx(&self, name: &str) -> ConnectCx {
        ConnectCx {
            server: ServerId::new(format!("test:{name}")),
            name: name.to_owned(),
            host: Arc::clone(&self.host) as Arc<dyn Host>,
            clock: Arc::new(RealClock),
            tasks: self.tasks.clone(),
            stop: self.stop.clone(),
            thinking: Thinking::default(),
            guard: Arc::clone(&self.guard),
        }
    }
}

/// An audit log that keeps entries in memory, for sessions that are driven without an app.
#[derive(Debug, Default)]
pub struct Ledger {
    entries: Mutex<Vec<Entry>>,
}

#[async_trait]
impl AuditLog for Ledger {
    async fn append(&self, entry: Entry, _: Durability) -> Result<(), Fault> {
        self.entries.lock().unwrap().push(entry);
        Ok(())
    }

    async fn list(&self, _: Filter) -> Result<Vec<Row>, Fault> {
        let entries = self.entries.lock().unwrap();
        let rows = entries.iter().enumerate().map(|(nth, entry)| Row { seq: nth as u64 + 1, entry: entry.clone(), mac: String::new() });
        Ok(rows.rev().collect())
    }

    async fn verify(&self) -> Result<Verified, Fault> {
        Ok(Verified { ok: true, rows: self.entries.lock().unwrap().len() as u64, first_bad: None, why: None })
    }

    async fn flush(&self) -> Result<(), Fault> {
        Ok(())
    }

    fn args_hash(&self, canonical_args: &str) -> String {
        format!("{} bytes", canonical_args.len())
    }
}

/// A ticket for a tool, made in the only way there is: a policy that allows it, and an intent that is written.
pub async fn ticket(tool: &str) -> Ticket {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let nth = NEXT.fetch_add(1, Ordering::SeqCst);
    let allow = Rule { id: "test".into(), door: None, risk: None, server: None, tool: None, verdict: Verdict::Allow };
    let facts = CallFacts {
        call: format!("call-{nth}").into(),
        actor: Actor { door: Door::Cli, name: "test".into(), can_ask: false },
        server: "test".into(),
        server_name: "test".into(),
        server_fingerprint: String::new(),
        tool: tool.into(),
        tool_fingerprint: String::new(),
        risk: Risk::Safe,
        args_hash: String::new(),
    };
    match (Policy { rules: vec![allow], risks: Vec::new() }).decide(facts) {
        Decision::Allow(permit) => {
            let ledger = Ledger::default();
            Ticket::begin(&ledger, permit, format!("{nth:08x}").into(), RealClock.now(), Json::Null).await.expect("memory can be written")
        }
        other => panic!("a policy that allows everything said {other:?}"),
    }
}
