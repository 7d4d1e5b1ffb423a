//! Many servers at once: their memory, their catalogue, their rest.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::Response;
use domain::Json;
use serde_json::json;
use testkit::echo::{Echo, EchoHttp, Eras, HttpKind};
use testkit::web::Web;

use crate::places::{EchoProgram, program_text};
use crate::row::{Row, at, median};
use crate::worker::{Order, Reply, Worker, kib};

/// Connections that are added.
const MORE: usize = 40;

fn megabytes(kib: f64) -> f64 {
    kib / 1024.0
}

/// The processes below one.
fn below(pid: u32) -> Vec<u32> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Some(child) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        let stat = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        let Some(parent) = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse().ok()) else { continue };
        children.entry(parent).or_default().push(child);
    }
    let (mut found, mut open, mut seen) = (Vec::new(), vec![pid], HashSet::new());
    while let Some(one) = open.pop() {
        for child in children.get(&one).into_iter().flatten().filter(|child| seen.insert(**child)) {
            found.push(*child);
            open.push(*child);
        }
    }
    found
}

fn is_guard(pid: u32) -> bool {
    let words = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&words).split('\0').any(|word| word == "__guard")
}

/// CPU time in milliseconds.
fn cpu(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let Some((_, rest)) = stat.rsplit_once(')') else { return 0.0 };
    // After the state letter: utime and stime are the 11th and 12th number, in hundredths of a second.
    rest.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() * 10.0
}

fn http_server(url: &str, nth: usize) -> (String, String, Json) {
    (format!("http-{nth}"), "stream_http".into(), json!({ "url": format!("{url}?n={nth}") }))
}

fn program_server(nth: usize) -> (String, String, Json) {
    let settings = json!({ "command": program_text("echo-server"), "args": ["stdio", "--era", "legacy"] });
    (format!("program-{nth}"), "subprocess".into(), settings)
}

/// Memory of each further connection.
pub fn memory() -> Vec<Row> {
    let server = EchoProgram::start(0);
    let mut rows = Vec::new();
    for (what, make) in [
        ("HTTP", Box::new(|nth| http_server(&server.url, nth)) as Box<dyn Fn(usize) -> (String, String, Json)>),
        ("stdio", Box::new(program_server)),
    ] {
        let mut ours = Worker::ours();
        let servers: Vec<_> = (0..=MORE).map(make).collect();
        let names: Vec<String> = servers.iter().map(|(name, ..)| name.clone()).collect();
        ours.order(&Order::Add { servers });
        ours.order(&Order::Connect { names: names[..1].to_vec() });
        std::thread::sleep(Duration::from_millis(500));
        let one = ours.usage().rss;
        ours.order(&Order::Connect { names: names[1..].to_vec() });
        std::thread::sleep(Duration::from_millis(500));
        let all = ours.usage().rss;
        let each = megabytes(all - one) / MORE as f64;
        let figures = format!("{:.1} MB with 1, {:.1} MB with {}", megabytes(one), megabytes(all), MORE + 1);
        rows.push(Row::told(format!("{what}: memory of each further connection"), figures, "").at_most(each, 2.0, " MB"));
        let children = below(ours.pid());
        if !children.is_empty() {
            let share = |guards: bool| {
                let of: Vec<u32> = children.iter().copied().filter(|pid| is_guard(*pid) == guards).collect();
                let all: f64 = of.iter().map(|pid| kib(*pid, "smaps_rollup", "Pss:")).sum();
                (of.len(), megabytes(all) / of.len().max(1) as f64)
            };
            let ((guards, guard), (others, other)) = (share(true), share(false));
            rows.push(Row::told(
                format!("{what}: processes beside it"),
                format!("{guards} guards, {guard:.1} MB each (its share of what is shared)"),
                format!("{others} servers, {other:.1} MB each"),
            ));
        }
    }
    rows
}

/// When the last list of tools was answered (microseconds since the epoch).
type Answered = Arc<AtomicU64>;

async fn noting(State(answered): State<Answered>, request: Request, next: Next) -> Response {
    let slow = request.uri().query().is_some_and(|query| query.contains("slow"));
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    let lists = String::from_utf8_lossy(&body).contains("\"tools/list\"");
    if slow && lists {
        tokio::time::sleep(SLOW).await;
    }
    let response = next.run(Request::from_parts(parts, Body::from(body))).await;
    if lists {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_micros() as u64;
        answered.fetch_max(now, Ordering::Relaxed);
    }
    response
}

/// How long the slowest server takes over its list.
const SLOW: Duration = Duration::from_secs(1);
/// Servers of the catalogue, and the tools of each.
const SERVERS: usize = 100;
const TOOLS: usize = 50;
/// Tools that the echo server has anyway.
const OWN: usize = 10;

/// 100 servers with 50 tools each, one of which takes a second to list its tools.
pub fn catalogue() -> Vec<Row> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let answered = Answered::default();
    let echo = Echo::shaped(Eras::Legacy, TOOLS - OWN, 0);
    let routes = EchoHttp::routes(&echo, HttpKind::Plain).layer(middleware::from_fn_with_state(answered.clone(), noting));
    let web = runtime.block_on(Web::start(routes));
    let mut ours = Worker::ours();
    let servers = (0..SERVERS).map(|nth| {
        let url = format!("{}?n={nth}{}", web.url("/mcp"), if nth == 0 { "&slow" } else { "" });
        (format!("server-{nth}"), "stream_http".to_owned(), json!({ "url": url }))
    });
    ours.order(&Order::Add { servers: servers.collect() });
    // The built-in server's four tools count too, and are there first.
    let Reply::Started { at: ready, took } = ours.order(&Order::StartAll { tools: SERVERS * TOOLS + 4 }) else {
        panic!("a start was wanted")
    };
    let after = ready.saturating_sub(answered.load(Ordering::Relaxed)) as f64 / 1e6;
    let Reply::Searched(searches) = ours.order(&Order::Search { times: 700 }) else { panic!("searches were wanted") };
    let (p50, p99) = (median(searches.iter().copied()), at(searches.iter().copied(), 0.99));
    vec![
        Row::told(
            format!("catalogue of {SERVERS} × {TOOLS} tools, beyond what the slowest server takes"),
            format!("all after {took:.2} s, {after:.2} s after the last list came; {:.0} MB", megabytes(ours.usage().rss)),
            format!("the slowest takes {} s", SLOW.as_secs()),
        )
        // Whatever goes beyond that server's own pause is ours: reaching the others in time is part of it.
        .at_most(took - SLOW.as_secs_f64(), 2.0, " s"),
        Row::told("search over 5000 tools, p99", format!("p50 {p50:.2} ms"), "").at_most(p99, 5.0, " ms"),
    ]
}

/// How long nothing is done.
const REST: Duration = Duration::from_secs(20);

/// Ten connected servers at rest: five programs, five over HTTP.
pub fn idle() -> Vec<Row> {
    let server = EchoProgram::start(0);
    let mut ours = Worker::ours();
    let servers: Vec<_> = (0..5).flat_map(|nth| [http_server(&server.url, nth), program_server(nth)]).collect();
    let names = servers.iter().map(|(name, ..)| name.clone()).collect();
    ours.order(&Order::Add { servers });
    ours.order(&Order::Connect { names });
    std::thread::sleep(Duration::from_secs(3));
    let guards: Vec<u32> = below(ours.pid()).into_iter().filter(|pid| is_guard(*pid)).collect();
    let of_guards = || guards.iter().map(|pid| cpu(*pid)).sum::<f64>();
    let (before, guards_before) = (ours.usage().cpu / 1e3, of_guards());
    std::thread::sleep(REST);
    let (used, by_guards) = (ours.usage().cpu / 1e3 - before, of_guards() - guards_before);
    let share = (used + by_guards) / REST.as_secs_f64() / 10.0;
    let figures = format!("{used:.1} ms in {} s, its {} guards {by_guards:.0} ms", REST.as_secs(), guards.len());
    vec![Row::told("idle, 10 connected servers: part of one core", figures, "").at_most(share, 1.0, " %")]
}
