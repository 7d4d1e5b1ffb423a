//! What a row of the audit log costs: `cargo run --release -p store --example cost [rows]`.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::cast_precision_loss, reason = "a measurement, not the product")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::audit::{Durability, Ending, Entry, Event, Filter};
use domain::id::{AuditId, Clock, Millis};
use domain::metrics::{MetricsQuery, Sample};
use domain::policy::{Actor, Door};
use domain::ports::{AuditLog, MetricsLog};
use domain::tool::Risk;
use serde_json::json;
use store::Store;

#[derive(Debug)]
struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> Millis {
        Millis(1_800_000_000_000)
    }
}

fn entry(id: u32, event: Event) -> Entry {
    Entry {
        id: AuditId::new(format!("{:08x}", id.wrapping_mul(2_654_435_761))),
        at: Millis(1_800_000_000_000),
        actor: Actor { door: Door::Cli, name: "somebody".into(), can_ask: true },
        server: Some("3f0b9a52-6c1e-4a77-9d53-1f2f6a0c8e11".into()),
        server_name: "filesystem".into(),
        server_fingerprint: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".into(),
        event,
    }
}

fn intent(id: u32) -> Entry {
    let event = Event::Intent {
        tool: "fs-read-file".into(),
        risk: Risk::Safe,
        args_shape: json!({ "path": "string", "limit": "number" }),
        args_hash: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".into(),
        rule: "default:cli/safe".into(),
        approval: None,
    };
    entry(id, event)
}

fn outcome(id: u32) -> Entry {
    entry(id, Event::Outcome { ending: Ending::Done, code: None, bytes: 1234, elapsed_ms: 0.42 })
}

/// CPU time of this process, all threads, as the system counts it.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<u64> = stat.rsplit(')').next().unwrap().split_whitespace().filter_map(|field| field.parse().ok()).collect();
    // After the state letter: utime and stime are the 11th and 12th number, in hundredths of a second.
    Duration::from_millis((fields[10] + fields[11]) * 10)
}

/// Calls one after the other. Answers what the caller waited for a row, and what a row cost in all.
async fn calls(store: &Store, from: u32, count: u32, pause: Option<Duration>) -> (f64, f64, f64) {
    let (cpu_before, start) = (cpu(), Instant::now());
    let mut caller = Duration::ZERO;
    for id in from..from + count {
        let (a, b) = (intent(id), outcome(id));
        let handed = Instant::now();
        store.append(a, Durability::Queued).await.unwrap();
        store.append(b, Durability::Queued).await.unwrap();
        caller += handed.elapsed();
        if let Some(pause) = pause {
            // Blocks this thread, not the runtime: the writer has the other one.
            std::thread::sleep(pause);
        }
    }
    let rows = f64::from(count) * 2.0;
    let elapsed = start.elapsed();
    let _ = store.list(Filter { limit: 1, ..Filter::default() }).await;
    (caller.as_secs_f64() * 1e6 / rows, cpu().saturating_sub(cpu_before).as_secs_f64() * 1e6 / rows, rows / elapsed.as_secs_f64())
}

#[tokio::main]
async fn main() {
    let rows: u32 = std::env::args().nth(1).and_then(|arg| arg.parse().ok()).unwrap_or(200_000);
    let dir = tempfile::tempdir().unwrap();
    let start = Instant::now();
    let store = Store::open(dir.path(), Arc::new(Stopped)).await.unwrap();
    println!("first open            {:>9.2} ms", start.elapsed().as_secs_f64() * 1e3);
    calls(&store, 0, 200, None).await;
    let (caller, total, rate) = calls(&store, 1_000, rows / 2, None).await;
    println!("flat out: caller {caller:.2} µs a row, CPU {total:.2} µs a row in all, {rate:.0} rows/s");
    for micros in [100, 2_000] {
        let (caller, total, _) = calls(&store, 10_000_000 + micros, 2_000, Some(Duration::from_micros(micros.into()))).await;
        println!("a call each {micros:>4} µs: caller {caller:.2} µs a row, CPU {total:.2} µs a row in all, the pause's timer included");
    }
    let start = Instant::now();
    for id in 0..50 {
        store.append(intent(30_000_000 + id), Durability::OnDisk).await.unwrap();
    }
    let waited = start.elapsed().as_secs_f64();
    for id in 0..50 {
        store.append(outcome(30_000_000 + id), Durability::Queued).await.unwrap();
    }
    println!("on disk               {:>9.2} ms a row, one after the other", waited * 1e3 / 50.0);
    let before = cpu();
    for nth in 0..100_000_u32 {
        let elapsed_ms = f64::from(nth % 977) / 10.0;
        let at = Millis(1_800_000_000_000 - i64::from(nth % 800));
        store.record(Sample { at, server: "s".into(), tool: Some("t".into()), elapsed_ms, error: None, bytes_out: 1, bytes_in: 1 });
    }
    store.recent(&"s".into(), 1).await.unwrap();
    println!("a sample              {:>9.2} µs CPU", cpu().saturating_sub(before).as_secs_f64() * 1e6 / 100_000.0);
    let start = Instant::now();
    let query = MetricsQuery { server: None, by_tool: true, since: Millis(1_800_000_000_000 - 86_400_000) };
    store.figures(query, Millis(1_800_000_000_000)).await.unwrap();
    println!("figures over 24 h     {:>9.2} ms", start.elapsed().as_secs_f64() * 1e3);
    let start = Instant::now();
    let found = store.list(Filter { text: Some("nowhere".into()), ..Filter::default() }).await.unwrap().len();
    println!("search all rows       {:>9.2} ms ({found} found)", start.elapsed().as_secs_f64() * 1e3);
    let start = Instant::now();
    let verified = store.verify().await.unwrap();
    println!("verify {:>9} rows {:>9.2} ms, ok {}", verified.rows, start.elapsed().as_secs_f64() * 1e3, verified.ok);
    store.close().await.unwrap();
    let start = Instant::now();
    let store = Store::open(dir.path(), Arc::new(Stopped)).await.unwrap();
    println!("open again            {:>9.2} ms", start.elapsed().as_secs_f64() * 1e3);
    let start = Instant::now();
    store.list(Filter { limit: 10, ..Filter::default() }).await.unwrap();
    println!("first read            {:>9.2} ms", start.elapsed().as_secs_f64() * 1e3);
}
