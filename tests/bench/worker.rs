//! A client in a process of its own: orders come in as lines of JSON, answers go out as lines of JSON, and the end of the input ends it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use serde::{Deserialize, Serialize};

use crate::clients::{Bare, Caller, Ours};
use crate::{places, row};

/// What a worker is told to do.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Order {
    /// Make so many calls by so many callers at once.
    Run { calls: usize, callers: usize },
    /// Save servers: name, protocol, settings. Nothing is connected.
    Add { servers: Vec<(String, String, domain::Json)> },
    /// Connect these, and call each once.
    Connect { names: Vec<String> },
    /// Start as the window does, and wait until so many tools are there.
    StartAll { tools: usize },
    /// Search so many times.
    Search { times: usize },
    /// Tell what was used.
    Usage,
}

/// What it answers.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Reply {
    Done(String),
    Lap(Lap),
    Usage(Usage),
    /// When the last server's tools were there, in microseconds since the epoch, and how long it took from the start.
    Started {
        at: u64,
        took: f64,
    },
    /// What each search took (ms).
    Searched(Vec<f64>),
}

/// One round of calls.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Lap {
    pub per_second: f64,
    /// Microseconds.
    pub p50: f64,
    /// Microseconds.
    pub p99: f64,
    /// Microseconds of CPU a call, of the client's process alone.
    pub cpu: f64,
    /// KiB.
    pub rss: f64,
}

/// What a process used up to now.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Usage {
    /// CPU time in microseconds.
    pub cpu: f64,
    /// Resident memory in KiB.
    pub rss: f64,
}

impl Usage {
    fn of_this_process() -> Self {
        let usage = getrusage(UsageWho::RUSAGE_SELF).unwrap();
        let micros = |time: nix::sys::time::TimeVal| time.tv_sec() as f64 * 1e6 + time.tv_usec() as f64;
        Self { cpu: micros(usage.user_time()) + micros(usage.system_time()), rss: kib(std::process::id(), "status", "VmRSS:") }
    }
}

/// A number of KiB out of a file of `/proc/PID`; zero when the process is gone.
pub fn kib(pid: u32, file: &str, key: &str) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(key));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0.0)
}

/// Runs a worker: `ours FOLDER`, `bare stdio COMMAND ARGS…`, `bare http URL`.
pub fn main(words: &[&str]) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        match words {
            ["ours", folder] => serve(Ours::open(folder.as_ref()).await).await,
            ["bare", transport, rest @ ..] => serve(Bare::connect(transport, rest).await).await,
            _ => panic!("no such worker: {words:?}"),
        }
    });
}

async fn serve(caller: Caller) {
    answer(&Reply::Done("ready".into()));
    for line in std::io::stdin().lines() {
        let order: Order = serde_json::from_str(&line.unwrap()).unwrap();
        answer(&match order {
            Order::Run { calls, callers } => Reply::Lap(lap(&caller, calls, callers).await),
            Order::Usage => Reply::Usage(Usage::of_this_process()),
            Order::Add { servers } => caller.ours().add(servers).await,
            Order::Connect { names } => caller.ours().connect(&names).await,
            Order::StartAll { tools } => caller.ours().start_all(tools).await,
            Order::Search { times } => caller.ours().search(times),
        });
    }
    caller.close().await;
}

fn answer(reply: &Reply) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", serde_json::to_string(reply).unwrap()).unwrap();
    out.flush().unwrap();
}

async fn lap(caller: &Caller, calls: usize, callers: usize) -> Lap {
    let before = Usage::of_this_process();
    let began = Instant::now();
    let tasks: Vec<_> = (0..callers)
        .map(|_| {
            let caller = caller.clone();
            tokio::spawn(async move {
                let mut took = Vec::with_capacity(calls / callers);
                for _ in 0..calls / callers {
                    let from = Instant::now();
                    caller.call().await;
                    took.push(from.elapsed().as_secs_f64() * 1e6);
                }
                took
            })
        })
        .collect();
    let mut took = Vec::with_capacity(calls);
    for task in tasks {
        took.extend(task.await.unwrap());
    }
    let elapsed = began.elapsed().as_secs_f64();
    // What a client puts off, such as rows of the audit log, is counted too.
    tokio::time::sleep(Duration::from_millis(100)).await;
    let after = Usage::of_this_process();
    let count = took.len() as f64;
    let (p50, p99) = (row::median(took.iter().copied()), row::at(took.iter().copied(), 0.99));
    Lap { per_second: count / elapsed, p50, p99, cpu: (after.cpu - before.cpu) / count, rss: after.rss }
}

/// The parent's end of a worker.
#[derive(Debug)]
pub struct Worker {
    child: Child,
    orders: Option<ChildStdin>,
    replies: BufReader<ChildStdout>,
    folder: Option<tempfile::TempDir>,
}

impl Worker {
    /// Ours, on a folder of its own.
    pub fn ours() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut worker = Self::ours_in(folder.path());
        worker.folder = Some(folder);
        worker
    }

    /// Ours, on a folder that stays.
    pub fn ours_in(folder: &std::path::Path) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["worker", "ours"]).arg(folder);
        Self::of(command)
    }

    /// Ours, connected to one server under the name of `echo`.
    pub fn ours_to(protocol: &str, settings: domain::Json) -> Self {
        let mut worker = Self::ours();
        worker.order(&Order::Add { servers: vec![("echo".into(), protocol.into(), settings)] });
        worker.order(&Order::Connect { names: vec!["echo".into()] });
        worker
    }

    /// The bare library.
    pub fn bare(words: &[&str]) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["worker", "bare"]).args(words);
        Self::of(command)
    }

    /// The TypeScript SDK.
    pub fn typescript(words: &[&str]) -> Self {
        let (node, packages) = places::node_and_packages();
        let mut command = Command::new(node);
        // It warns of its own listeners once for each call of sixteen callers.
        command.env("NODE_NO_WARNINGS", "1").arg(places::root().join("tests/bench/ts_client.mjs")).arg(packages).args(words);
        Self::of(command)
    }

    fn of(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap_or_else(|fault| panic!("{command:?}: {fault}"));
        let (orders, replies) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
        let mut worker = Self { child, orders, replies, folder: None };
        worker.reply();
        worker
    }

    fn reply(&mut self) -> Reply {
        let mut line = String::new();
        self.replies.read_line(&mut line).unwrap();
        assert!(!line.is_empty(), "a client ended early; what it said stands above");
        serde_json::from_str(&line).unwrap_or_else(|fault| panic!("{fault}: {line}"))
    }

    /// Tells it to do something and waits until it did.
    pub fn order(&mut self, order: &Order) -> Reply {
        writeln!(self.orders.as_mut().unwrap(), "{}", serde_json::to_string(order).unwrap()).unwrap();
        self.reply()
    }

    /// One round.
    pub fn run(&mut self, calls: usize, callers: usize) -> Lap {
        match self.order(&Order::Run { calls, callers }) {
            Reply::Lap(lap) => lap,
            other => panic!("a lap was wanted, not {other:?}"),
        }
    }

    /// What its process used.
    pub fn usage(&mut self) -> Usage {
        match self.order(&Order::Usage) {
            Reply::Usage(usage) => usage,
            other => panic!("figures were wanted, not {other:?}"),
        }
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.orders.take());
        let _ = self.child.wait();
        // Only now: until here it was written into.
        drop(self.folder.take());
    }
}
