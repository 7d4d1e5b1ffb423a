//! A process that writes is killed again and again; what it said it had written is there, and the chain holds.
//!
//! The same program is the writer when the folder is given in its environment.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a test")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use domain::audit::{Durability, Ending, Entry, Event, Filter};
use domain::id::{AuditId, Clock, Millis};
use domain::policy::{Actor, Door};
use domain::ports::{AuditLog, Settings};
use domain::tool::Risk;
use serde_json::json;
use store::Store;

const FOLDER: &str = "PILOTHOUSE_TEST_KILL_FOLDER";
const ROUNDS: u32 = 20;

#[derive(Debug)]
struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> Millis {
        Millis(1_800_000_000_000)
    }
}

fn entry(id: u32, event: Event) -> Entry {
    Entry {
        id: AuditId::new(format!("{id:08x}")),
        at: Millis(1),
        actor: Actor { door: Door::Cli, name: "kill".into(), can_ask: false },
        server: Some("s".into()),
        server_name: "s".into(),
        server_fingerprint: "f".into(),
        event,
    }
}

fn intent(id: u32) -> Entry {
    let event = Event::Intent {
        tool: "t".into(),
        risk: Risk::Medium,
        args_shape: json!({ "x": "number" }),
        args_hash: "h".into(),
        rule: "r".into(),
        approval: None,
    };
    entry(id, event)
}

/// Writes for ever; each number that it prints is of a call whose intent was acknowledged as being on the disk.
async fn write_until_killed(folder: &Path) {
    let store = Store::open(folder, Arc::new(Stopped)).await.expect("opens after each kill");
    let mut call = u32::try_from(store.verify().await.unwrap().rows).unwrap();
    loop {
        call += 1;
        for nth in 0..20 {
            store.append(intent(0x8000_0000 | (call * 32 + nth)), Durability::Queued).await.unwrap();
            store
                .append(
                    entry(0x8000_0000 | (call * 32 + nth), Event::Outcome { ending: Ending::Done, code: None, bytes: 0, elapsed_ms: 0.0 }),
                    Durability::Queued,
                )
                .await
                .unwrap();
        }
        store.set("call", &json!(call)).await.unwrap();
        store.append(intent(call), Durability::OnDisk).await.unwrap();
        println!("{call}");
    }
}

async fn look_after_the_kill(folder: &Path, acknowledged: &[u32]) -> u64 {
    let store = Store::open(folder, Arc::new(Stopped)).await.expect("a kill damages nothing");
    assert_eq!(store.loss(), None, "nothing was lost");
    let verified = store.verify().await.unwrap();
    assert!(verified.ok, "the chain holds: {verified:?}");
    assert!(store.interrupted() >= u64::try_from(acknowledged.len()).unwrap(), "calls without an end are marked");
    for call in acknowledged {
        let found = store.list(Filter { text: Some(format!("{call:08x}")), limit: 9, ..Filter::default() }).await.unwrap();
        assert!(found.iter().any(|row| matches!(row.entry.event, Event::Intent { .. })), "the intent of {call} is there");
        assert!(
            found.iter().any(|row| matches!(row.entry.event, Event::Outcome { ending: Ending::Interrupted, .. })),
            "and {call} is marked as interrupted"
        );
    }
    store.close().await.unwrap();
    verified.rows
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    #[expect(clippy::disallowed_methods, reason = "the test's own second self")]
    if let Ok(folder) = std::env::var(FOLDER) {
        runtime.block_on(write_until_killed(Path::new(&folder)));
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut rows = 0;
    for round in 0..ROUNDS {
        #[expect(clippy::disallowed_methods, reason = "the test's own second self")]
        let mut child = Command::new(std::env::current_exe().unwrap()).env(FOLDER, folder.path()).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // Another number of acknowledged calls each time, so that the kill falls into another moment.
        let mut acknowledged: Vec<u32> =
            lines.by_ref().take(1 + usize::try_from(round % 7).unwrap()).map(|line| line.unwrap().parse().unwrap()).collect();
        // Not to wait for anything: each round is to be cut in another moment.
        std::thread::sleep(Duration::from_micros(u64::from(round) * 731 % 9_000));
        child.kill().unwrap();
        child.wait().unwrap();
        acknowledged.extend(lines.map_while(Result::ok).filter_map(|line| line.parse::<u32>().ok()));
        assert!(!acknowledged.is_empty(), "the writer wrote");
        let now = runtime.block_on(look_after_the_kill(folder.path(), &acknowledged));
        assert!(now > rows, "rows are only added");
        rows = now;
    }
    println!("killed {ROUNDS} times: {rows} rows, the chain holds");
}
