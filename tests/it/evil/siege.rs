//! An assembled app between three good servers and as many hostile ones as a test wants, and what is counted around them.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use app::{App, CallDone, CallOrder};
use domain::fault::Fault;
use domain::id::{CallId, ServerId};
use domain::person::{Answer, Scope};
use domain::server::ServerDef;
use domain::{Json, JsonMap};
use serde_json::json;
use testkit::evil::{Case, SECRET, Transport};
use testkit::memory::ScriptedPerson;

use super::PATIENCE;
use crate::house::window;

const PEER: &str = env!("CARGO_BIN_EXE_it-peer");
const GUARDED: &str = env!("CARGO_BIN_EXE_guarded");
/// What may stay in memory after a group of hostile servers is gone.
const GROWTH: u64 = 64 << 20;

/// Waits until something holds; a hang ends the test with what was seen last.
pub async fn until(what: &str, mut holds: impl FnMut() -> Result<(), String>) {
    let begun = std::time::Instant::now();
    loop {
        match holds() {
            Ok(()) => return,
            Err(seen) => assert!(begun.elapsed() < PATIENCE, "it never came about that {what}: {seen}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A program that serves as long as its stdin is open.
struct Helper {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Helper {
    fn start(args: &[&str]) -> Self {
        let mut child = Command::new(PEER).args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        Self { stdin: child.stdin.take(), stdout: BufReader::new(child.stdout.take().unwrap()), child }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        assert!(self.stdout.read_line(&mut line).unwrap() > 0, "a helper ended");
        line.trim().to_owned()
    }

    fn ask(&mut self, words: &str) -> String {
        writeln!(self.stdin.as_mut().unwrap(), "{words}").unwrap();
        self.line()
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let _ = self.child.wait();
    }
}

/// An address that nobody may call.
pub struct Canary {
    pub url: String,
    calls: Arc<AtomicU64>,
}

impl Canary {
    fn listen() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/canary", listener.local_addr().unwrap());
        let calls = Arc::new(AtomicU64::new(0));
        let counted = calls.clone();
        std::thread::spawn(move || {
            for _ in listener.incoming() {
                counted.fetch_add(1, Ordering::SeqCst);
            }
        });
        Self { url, calls }
    }

    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::SeqCst)
    }
}

/// What an app holds on to while nothing is connected.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Counts {
    files: Vec<String>,
    tasks: usize,
    children: BTreeSet<u32>,
}

/// An app under siege.
pub struct Siege {
    pub app: Arc<App>,
    pub canary: Canary,
    dir: PathBuf,
    farm: Mutex<Helper>,
    good: Vec<ServerId>,
    _echoes: Vec<Helper>,
    stop: Arc<AtomicBool>,
    pump: Mutex<Option<tokio::task::JoinHandle<(u64, Vec<String>)>>>,
    base: Mutex<Option<(Counts, u64)>>,
    folder: tempfile::TempDir,
}

impl Siege {
    /// Opens the app over a store of its own, starts the good servers, and begins to call them.
    pub async fn lay() -> Self {
        let siege = Self::quiet().await;
        siege.begin().await;
        siege
    }

    /// The same, with nobody calling anything yet.
    pub async fn quiet() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let options = assembly::Options {
            config_dir: Some(dir.path().to_owned()),
            person: Some(ScriptedPerson::who(|_| Answer::Yes { scope: Scope::Always })),
            guard: Some([GUARDED.to_owned(), protocols::guard::WORD.to_owned()].into()),
            log: true,
            ..assembly::Options::default()
        };
        let app = assembly::open(options).await.unwrap();
        assembly::logging::set_level("debug");
        let mut echoes = Vec::new();
        let mut good = Vec::new();
        for (name, kind) in [("http", "stream_http"), ("ws", "websocket"), ("stdio", "subprocess")] {
            let settings = if name == "stdio" {
                json!({ "command": PEER, "args": ["echo", "stdio"] })
            } else {
                let mut helper = Helper::start(&["echo", name, "--until-eof"]);
                let url = helper.line();
                echoes.push(helper);
                json!({ "url": url })
            };
            let def = definition(&format!("good over {name}"), kind, settings);
            good.push(app.book.save(def, &window()).await.unwrap().def.id);
        }
        Self {
            app,
            canary: Canary::listen(),
            farm: Mutex::new(Helper::start(&["evil", "--farm"])),
            good,
            _echoes: echoes,
            stop: Arc::default(),
            pump: Mutex::default(),
            base: Mutex::default(),
            dir: dir.path().canonicalize().unwrap(),
            folder: dir,
        }
    }

    /// Counts what is held while nothing is connected, then calls the good servers until the end.
    async fn begin(&self) {
        for id in &self.good {
            echo(&self.app, id, "hello", None).await.unwrap();
        }
        self.put_all_down().await;
        // Connections that were just closed need a moment; the base is what two looks in a row agree on.
        let mut before = self.counts();
        for _ in 0..100 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            let now = self.counts();
            if now == before {
                break;
            }
            before = now;
        }
        *self.base.lock().unwrap() = Some((before, memory("VmRSS")));
        let (app, good, stop) = (self.app.clone(), self.good.clone(), self.stop.clone());
        *self.pump.lock().unwrap() = Some(tokio::spawn(async move {
            let callers = good.into_iter().map(|id| {
                let (app, stop) = (app.clone(), stop.clone());
                async move {
                    let (mut done, mut faults) = (0, Vec::new());
                    while !stop.load(Ordering::SeqCst) {
                        match tokio::time::timeout(PATIENCE, echo(&app, &id, "still here", None)).await {
                            Ok(Ok(answer)) if answer.result.text() == "still here" => done += 1,
                            other => faults.push(format!("{id}: {other:?}")),
                        }
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                    (done, faults)
                }
            });
            let all = futures::future::join_all(callers).await;
            let least = all.iter().map(|(done, _)| *done).min().unwrap_or(0);
            (least, all.into_iter().flat_map(|(_, faults)| faults).collect())
        }));
    }

    async fn put_all_down(&self) {
        for view in self.app.book.list().await.unwrap() {
            self.app.sessions.disconnect(&view.def.id).await.unwrap();
        }
    }

    /// A hostile server, saved; `more` goes into its settings.
    pub async fn hostile(&self, case: &Case, transport: Transport, more: Json) -> ServerId {
        let name = format!("{} over {}", case.id, transport.name());
        let (protocol, mut settings) = match transport {
            Transport::Stdio => {
                let args = ["evil", "--case", case.id, "--transport", "stdio", "--canary", &self.canary.url, "--mark", &mark()];
                ("subprocess", json!({ "command": PEER, "args": args, "env": { "TOKEN": SECRET } }))
            }
            net => {
                let origin = self.farm.lock().unwrap().ask(&format!("{} {} {}", case.id, net.name(), self.canary.url));
                match net {
                    Transport::Http => ("stream_http", json!({ "url": format!("{origin}/mcp") })),
                    Transport::Sse => ("sse", json!({ "url": format!("{origin}/sse") })),
                    Transport::Ws => ("websocket", json!({ "url": origin.replacen("http", "ws", 1) })),
                    _ => ("http", json!({ "base_url": origin })),
                }
            }
        };
        let settings_map = settings.as_object_mut().unwrap();
        if transport != Transport::Stdio {
            settings_map.insert("auth_token".into(), SECRET.into());
        }
        settings_map.insert("retry_attempts".into(), 0.into());
        settings_map.extend(more.as_object().cloned().unwrap_or_default());
        self.app.book.save(definition(&name, protocol, settings), &window()).await.unwrap().def.id
    }

    /// How many requests that reached hostile servers carried a cookie.
    pub fn cookies(&self) -> u64 {
        self.farm.lock().unwrap().ask("cookies").parse().unwrap()
    }

    /// Ends the siege: the good servers never noticed, nobody called the canary, no secret was written, and what is held is what was
    /// held before. `allowance` is memory that is known to be needed.
    pub async fn lift(self, allowance: u64) {
        let begun = std::time::Instant::now();
        self.stop.store(true, Ordering::SeqCst);
        let pump = self.pump.lock().unwrap().take().unwrap();
        let (least, faults) = pump.await.unwrap();
        assert!(faults.is_empty(), "good servers must not notice: {faults:#?}");
        assert!(least > 0, "the good servers were called");
        assert_eq!(self.canary.calls(), 0, "nobody may call what a server names");
        self.put_all_down().await;
        let (base, rss) = self.base.lock().unwrap().clone().unwrap();
        until("files, tasks and children are what they were", || {
            let now = self.counts();
            let files: Vec<_> = now.files.iter().filter(|file| !base.files.contains(file)).collect();
            let children: Vec<_> = now.children.difference(&base.children).map(|pid| described(*pid)).collect();
            let sane = now.files.len() <= base.files.len() && now.tasks <= base.tasks && children.is_empty();
            let numbers = format!("{} files of {}, {} tasks of {}", now.files.len(), base.files.len(), now.tasks, base.tasks);
            if sane { Ok(()) } else { Err(format!("{numbers}; new files {files:?}; children {children:?}")) }
        })
        .await;
        until("nothing that a hostile server bred is left", || match bred() {
            left if left.is_empty() => Ok(()),
            left => Err(format!("{left:?}")),
        })
        .await;
        let now = memory("VmRSS");
        eprintln!("ended within {:.1} s", begun.elapsed().as_secs_f32());
        eprintln!("memory: {} MiB before, {} MiB after; {least} calls of each good server at least", rss >> 20, now >> 20);
        assert!(now < rss + GROWTH + allowance, "memory grew from {} to {} MiB", rss >> 20, now >> 20);
        self.app.shutdown().await;
        for file in walk(&self.dir.join("logs")) {
            let text = std::fs::read_to_string(&file).unwrap();
            assert!(!text.contains(SECRET), "the secret is in {}", file.display());
            assert!(!text.is_empty(), "something was logged");
        }
    }

    /// Ends the helpers and hands the app's folder over. The app was shut down already.
    pub async fn forget(self) -> tempfile::TempDir {
        self.folder
    }

    fn counts(&self) -> Counts {
        let mut files = Vec::new();
        for entry in std::fs::read_dir("/proc/self/fd").unwrap().flatten() {
            let Ok(to) = std::fs::read_link(entry.path()) else { continue };
            // The store opens a further reader whenever it likes.
            if !to.starts_with(&self.dir) && !to.starts_with("/proc") {
                files.push(to.display().to_string());
            }
        }
        files.sort();
        let tasks = tokio::runtime::Handle::current().metrics().num_alive_tasks();
        Counts { files, tasks, children: descendants(std::process::id()) }
    }
}

/// The number of seconds for which the children of this process's hostile programs sleep, by which they are found.
fn mark() -> String {
    (8_000_000 + std::process::id()).to_string()
}

/// Processes that a hostile program bred and that live.
pub fn bred() -> Vec<String> {
    let asleep = format!("sleep {}", mark());
    processes().into_iter().filter(|(pid, _)| command_line(*pid).ends_with(&asleep)).map(|(pid, _)| described(pid)).collect()
}

fn command_line(pid: u32) -> String {
    let raw = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&raw).replace('\0', " ").trim().to_owned()
}

fn described(pid: u32) -> String {
    format!("{pid} {}", command_line(pid))
}

/// All processes with their parents; what has ended and was not collected counts, because it is left behind too.
fn processes() -> Vec<(u32, u32)> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { continue };
        let parent = stat.rsplit(')').next().and_then(|rest| rest.split_ascii_whitespace().nth(1)?.parse().ok());
        all.extend(parent.map(|parent| (pid, parent)));
    }
    all
}

/// Everything that was started below a process.
pub fn descendants(root: u32) -> BTreeSet<u32> {
    let all = processes();
    let mut found = BTreeSet::new();
    let mut next = vec![root];
    while let Some(parent) = next.pop() {
        for (pid, _) in all.iter().filter(|(_, of)| *of == parent) {
            if found.insert(*pid) {
                next.push(*pid);
            }
        }
    }
    found
}

/// A figure of this process's memory in bytes: `VmRSS` is what it has, `VmHWM` the most it had.
pub fn memory(what: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(what)?.strip_prefix(':')).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}

/// Forgets the most that this process had.
pub fn forget_the_most() {
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
}

fn walk(dir: &std::path::Path) -> Vec<PathBuf> {
    std::fs::read_dir(dir).unwrap().flatten().map(|entry| entry.path()).collect()
}

/// A definition as a person would type it.
pub fn definition(name: &str, protocol: &str, settings: Json) -> ServerDef {
    ServerDef {
        id: ServerId::new(uuid::Uuid::new_v4().to_string()),
        name: name.to_owned(),
        protocol: protocol.into(),
        enabled: true,
        settings: settings.as_object().cloned().unwrap(),
        extra: JsonMap::new(),
        start: domain::server::StartRule::default(),
        origin: "window".into(),
        updated_at: domain::id::Millis(0),
    }
}

/// Calls a tool through the window.
pub async fn call(app: &App, id: &ServerId, tool: &str, args: Json, timeout: Option<Duration>) -> Result<CallDone, Fault> {
    app.desk
        .call(CallOrder {
            server: id.clone(),
            tool: tool.into(),
            args: args.as_object().cloned().unwrap_or_default(),
            actor: window(),
            call: CallId::new(uuid::Uuid::new_v4().to_string()),
            timeout,
            approve_once: false,
        })
        .await
}

/// Calls `echo`.
pub async fn echo(app: &App, id: &ServerId, message: &str, timeout: Option<Duration>) -> Result<CallDone, Fault> {
    call(app, id, "echo", json!({ "message": message }), timeout).await
}

/// Reads whatever is there, for the sake of what a hostile server may have put into it.
pub fn shown(app: &App, id: &ServerId) -> String {
    let frames = app.sessions.frames(id).unwrap();
    let logs = app.sessions.logs(id).unwrap();
    let stderr = app.sessions.stderr(id).unwrap();
    format!("{frames:?}\n{logs:?}\n{stderr:?}")
}
