//! Journeys through one folder: first run, loss, damage, a full disk, two processes, tampering.

use std::sync::atomic::{AtomicI64, Ordering};

use domain::audit::{Ending, Entry, Event, Filter, Verified};
use domain::id::{AuditId, Millis, ServerId};
use domain::metrics::Sample;
use domain::policy::{Actor, Door};
use domain::ports::{AuditLog, CachedCatalogue, PastCall, Servers, Settings};
use domain::server::{PeerFacts, ServerDef, StartRule};
use domain::tool::{Catalogue, Risk};
use domain::{Json, JsonMap};
use sqlx::{Connection, Executor};

use super::*;

#[derive(Debug)]
pub(crate) struct StoppedClock(AtomicI64);

impl Clock for StoppedClock {
    fn now(&self) -> Millis {
        Millis(self.0.load(Ordering::Relaxed))
    }
}

/// A folder and a clock.
pub(crate) struct Fixture {
    pub(crate) dir: tempfile::TempDir,
    clock: Arc<StoppedClock>,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        Self::at(1_800_000_000_000)
    }

    pub(crate) fn at(now: i64) -> Self {
        Self { dir: tempfile::tempdir().unwrap(), clock: Arc::new(StoppedClock(AtomicI64::new(now))) }
    }

    pub(crate) async fn open(&self) -> Store {
        self.try_open().await.unwrap()
    }

    pub(crate) async fn try_open(&self) -> Result<Store, Fault> {
        Store::open(self.dir.path(), self.clock.clone()).await
    }

    fn db(&self) -> PathBuf {
        self.dir.path().join(files::DB)
    }

    /// What somebody with the file and SQLite can do.
    async fn tamper(&self, script: &'static str) {
        let mut conn = connect::writer(&self.db()).await.unwrap();
        conn.execute("DROP TRIGGER IF EXISTS audit_is_not_changed; DROP TRIGGER IF EXISTS audit_is_not_deleted;").await.unwrap();
        sqlx::raw_sql(script).execute(&mut conn).await.unwrap();
        conn.close().await.unwrap();
    }
}

pub(crate) fn def(id: &str, name: &str) -> ServerDef {
    ServerDef {
        id: id.into(),
        name: name.into(),
        protocol: "http".into(),
        enabled: true,
        settings: JsonMap::new(),
        extra: JsonMap::new(),
        start: StartRule::default(),
        origin: "cli".into(),
        updated_at: Millis(4),
    }
}

pub(crate) fn sample(server: &ServerId, at: i64, ms: f64) -> Sample {
    Sample { at: Millis(at), server: server.clone(), tool: Some("t".into()), elapsed_ms: ms, error: None, bytes_out: 10, bytes_in: 20 }
}

pub(crate) fn past(server: &ServerId, tool: &str) -> PastCall {
    PastCall {
        audit_id: "00000001".into(),
        at: Millis(1),
        server: server.clone(),
        tool: tool.into(),
        args: JsonMap::new(),
        result: Json::Null,
        ok: true,
        elapsed_ms: 1.5,
    }
}

pub(crate) fn cached(seen_at: i64) -> CachedCatalogue {
    CachedCatalogue { catalogue: Catalogue::default(), facts: PeerFacts::default(), seen_at: Millis(seen_at) }
}

fn entry(id: &str, event: Event) -> Entry {
    Entry {
        id: AuditId::new(id),
        at: Millis(10),
        actor: Actor { door: Door::Cli, name: "ann".into(), can_ask: true },
        server: Some("s1".into()),
        server_name: "files".into(),
        server_fingerprint: "f".into(),
        event,
    }
}

fn intent(id: &str) -> Entry {
    entry(
        id,
        Event::Intent {
            tool: "fs-read-file".into(),
            risk: Risk::Safe,
            args_shape: json!({ "path": "string" }),
            args_hash: "h".into(),
            rule: "default:cli/safe".into(),
            approval: None,
        },
    )
}

fn outcome(id: &str, ending: Ending) -> Entry {
    entry(id, Event::Outcome { ending, code: None, bytes: 3, elapsed_ms: 1.5 })
}

fn note(what: &str) -> Entry {
    entry("0000aaaa", Event::Note { what: what.into(), detail: Json::Null })
}

async fn fill(store: &Store, calls: u32) {
    for nth in 0..calls {
        let id = format!("{nth:08x}");
        store.append(intent(&id), Durability::Queued).await.unwrap();
        store.append(outcome(&id, Ending::Done), Durability::Queued).await.unwrap();
    }
}

fn good(rows: u64) -> Verified {
    Verified { ok: true, rows, first_bad: None, why: None }
}

fn bad(rows: u64, first: u64, why: &str) -> Verified {
    Verified { ok: false, rows, first_bad: Some(first), why: Some(why.into()) }
}

#[tokio::test]
async fn rows_come_back_newest_first_in_the_order_they_were_handed_in() {
    let at = Fixture::new();
    let store = at.open().await;
    store.append(intent("00000001"), Durability::Queued).await.unwrap();
    store.append(note("server_added"), Durability::OnDisk).await.unwrap();
    store.append(outcome("00000001", Ending::ToolError), Durability::Queued).await.unwrap();
    let rows = AuditLog::list(&store, Filter::default()).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.seq).collect::<Vec<_>>(), [3, 2, 1]);
    assert_eq!(rows[2].entry, intent("00000001"));
    assert_eq!(rows[1].entry, note("server_added"));
    assert_eq!(store.verify().await.unwrap(), good(3));
}

#[tokio::test]
async fn a_filter_finds_both_rows_of_a_call_that_fits() {
    let at = Fixture::new();
    let store = at.open().await;
    fill(&store, 2).await;
    store.append(intent("0000000a"), Durability::Queued).await.unwrap();
    store.append(outcome("00000001", Ending::Cancelled), Durability::Queued).await.unwrap();
    let mut other =
        entry("0000000b", Event::Refused { tool: "rm_all".into(), risk: Risk::High, args_shape: json!({}), rule: "no-rm".into() });
    other.server = Some("s2".into());
    other.at = Millis(99);
    store.append(other, Durability::Queued).await.unwrap();
    store.append(entry("0000000c", Event::Note { what: "import".into(), detail: Json::Null }), Durability::Queued).await.unwrap();
    let seqs = async |filter: Filter| AuditLog::list(&store, filter).await.unwrap().iter().map(|row| row.seq).collect::<Vec<_>>();
    let by = |ending: &str| Filter { ending: Some(ending.into()), ..Filter::default() };
    let text = |text: &str| Filter { text: Some(text.into()), ..Filter::default() };
    assert_eq!(seqs(by("running")).await, [5]);
    assert_eq!(seqs(by("done")).await, [4, 3, 2, 1]);
    assert_eq!(seqs(by("cancelled")).await, [6, 3]);
    assert_eq!(seqs(by("refused")).await, [7]);
    assert_eq!(seqs(by("note")).await, [8]);
    assert_eq!(seqs(text("RM_ALL")).await, [7], "whatever the case");
    assert_eq!(seqs(text("no-rm")).await, [7], "the rule");
    assert_eq!(seqs(text("fs-read")).await, [6, 5, 4, 3, 2, 1], "the tool, and the outcomes of its calls");
    assert_eq!(seqs(text("0000000A")).await, [5], "the reference");
    assert_eq!(seqs(text("0000000")).await, [8, 7, 6, 5, 4, 3, 2, 1], "part of a reference");
    assert_eq!(seqs(text("ann")).await.len(), 8, "the actor");
    assert_eq!(seqs(text("100%_")).await, [0_u64; 0], "no wildcards");
    assert_eq!(seqs(Filter { server: Some("s2".into()), ..Filter::default() }).await, [7]);
    assert_eq!(seqs(Filter { from: Some(Millis(50)), ..Filter::default() }).await, [7]);
    assert_eq!(seqs(Filter { until: Some(Millis(50)), before: Some(7), limit: 2, ..Filter::default() }).await, [6, 5]);
}

#[tokio::test]
async fn the_log_cannot_be_changed_through_sql_by_mistake() {
    let at = Fixture::new();
    let store = at.open().await;
    fill(&store, 1).await;
    store.flush().await.unwrap();
    let mut conn = connect::writer(&at.db()).await.unwrap();
    for script in ["UPDATE audit SET at = 1", "DELETE FROM audit", "INSERT OR REPLACE INTO audit SELECT * FROM audit WHERE seq = 1"] {
        let fault = conn.execute(script).await.unwrap_err().to_string();
        assert!(fault.contains("append-only"), "{script}: {fault}");
    }
}

#[tokio::test]
async fn everything_is_there_after_closing_and_opening_again() {
    let at = Fixture::new();
    let store = at.open().await;
    fill(&store, 120).await;
    store.put(&def("1", "a")).await.unwrap();
    store.close().await.unwrap();
    assert!(store.append(intent("0000ffff"), Durability::Queued).await.is_err(), "it is closed");
    assert!(files::runs(at.dir.path()).is_empty(), "nothing is left of the run");
    let store = at.open().await;
    assert_eq!((store.loss(), store.interrupted()), (None, 0));
    assert_eq!(Servers::list(&store).await.unwrap(), [def("1", "a")]);
    assert_eq!(store.verify().await.unwrap(), good(240));
    assert_eq!(store.args_hash("{}"), at.open().await.args_hash("{}"), "the same arguments are recognised");
    assert_ne!(store.args_hash("{}"), store.args_hash("[]"));
}

#[cfg(unix)]
#[tokio::test]
async fn folder_and_files_belong_to_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let at = Fixture::new();
    let store = Store::open(&at.dir.path().join("new"), at.clock.clone()).await.unwrap();
    fill(&store, 60).await;
    store.flush().await.unwrap();
    let dir = at.dir.path().join("new");
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&dir), 0o700, "D-11");
    let mut seen = Vec::new();
    for file in std::fs::read_dir(&dir).unwrap().flatten() {
        let wanted = if file.path().is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode(&file.path()), wanted, "{}", file.path().display());
        seen.push(file.file_name().into_string().unwrap());
    }
    for name in ["pilothouse.db", "pilothouse.db-wal", "pilothouse.db-shm", "audit.key", "audit.head", "store.json"] {
        assert!(seen.iter().any(|seen| seen == name), "{name} is there");
    }
}

#[tokio::test]
async fn an_emptied_or_garbled_or_missing_database_is_a_loss_and_never_a_first_run() {
    for (what, spoil) in [
        ("empty", (|db| std::fs::write(db, b"").unwrap()) as fn(&Path)),
        ("garbled", |db| std::fs::write(db, [0x5a; 8192]).unwrap()),
        ("missing", |db| std::fs::remove_file(db).unwrap()),
    ] {
        let at = Fixture::new();
        let store = at.open().await;
        assert_eq!(store.loss(), None, "this is a first run");
        store.put(&def("1", "a")).await.unwrap();
        store.close().await.unwrap();
        std::fs::remove_dir_all(at.dir.path().join("snapshots")).ok();
        spoil(&at.db());
        let store = at.open().await;
        let loss = store.loss().unwrap_or_else(|| panic!("{what}: D-05")).clone();
        assert_eq!(loss.restored_from, None);
        assert!(loss.text().en.contains("start empty") && loss.text().zh.contains("空白"));
        assert!(loss.hint().en.contains("Import your servers again") && loss.hint().zh.contains("重新导入"));
        assert_eq!(loss.moved_to.join(files::DB).exists(), what != "missing", "{what}: D-06, what was there is kept");
        assert_eq!(Servers::list(&store).await.unwrap(), []);
        let noted = AuditLog::list(&store, Filter { ending: Some("note".into()), ..Filter::default() }).await.unwrap();
        assert!(noted.iter().any(|row| matches!(&row.entry.event, Event::Note { what, .. } if what == "store_lost")), "{what}");
        store.put(&def("2", "b")).await.unwrap();
        store.close().await.unwrap();
        assert_eq!(at.open().await.loss(), None, "{what}: it is told once");
    }
}

#[tokio::test]
async fn a_damaged_database_is_replaced_by_the_newest_good_copy_and_the_log_says_that_it_is_older() {
    let at = Fixture::new();
    let store = at.open().await;
    store.put(&def("1", "a")).await.unwrap();
    fill(&store, 60).await;
    store.flush().await.unwrap();
    let mut conn = connect::writer(&at.db()).await.unwrap();
    snapshot::take(at.dir.path(), &mut conn, at.clock.now()).await.unwrap();
    connect::close(conn).await;
    fill(&store, 60).await;
    store.put(&def("2", "b")).await.unwrap();
    store.close().await.unwrap();
    // Pages flipped, and a process that did not end well: D-04.
    let mut bytes = std::fs::read(at.db()).unwrap();
    for at in (4096..bytes.len()).step_by(97) {
        bytes[at] ^= 0xff;
    }
    std::fs::write(at.db(), bytes).unwrap();
    std::fs::write(at.dir.path().join("runs/0123456789abcdef"), b"").unwrap();

    let store = at.open().await;
    let loss = store.loss().expect("the pages do not hang together");
    assert!(loss.restored_from.is_some());
    assert_eq!(Servers::list(&store).await.unwrap(), [def("1", "a")], "as of the copy");
    let verified = store.verify().await.unwrap();
    assert_eq!((verified.ok, verified.why.as_deref(), verified.first_bad), (false, Some("replaced"), Some(121)));
}

#[tokio::test]
async fn a_store_of_a_newer_version_is_refused_and_left_alone() {
    let at = Fixture::new();
    at.open().await.close().await.unwrap();
    at.tamper("PRAGMA user_version = 999").await;
    let before = std::fs::read(at.db()).unwrap();
    let fault = at.try_open().await.unwrap_err();
    assert_eq!(fault.code, "store_newer", "D-07");
    assert_eq!(fault.params["found"], 999);
    assert_eq!(std::fs::read(at.db()).unwrap(), before);
    assert!(!std::fs::read_dir(at.dir.path()).unwrap().flatten().any(|file| file.file_name().to_string_lossy().starts_with("broken-")));
}

#[tokio::test]
async fn on_a_full_disk_nothing_new_begins_what_runs_is_still_recorded_and_room_heals_it() {
    let at = Fixture::new();
    let store = at.open().await;
    store.append(note("start"), Durability::OnDisk).await.unwrap();
    store.append(intent("00000001"), Durability::Queued).await.unwrap();
    store.settle().await;
    store.limit_pages(1).await;
    // The pages that are there have some room; then comes the end of it.
    let mut refused = None;
    for nth in 2..20_000_u32 {
        if let Err(fault) = store.append(intent(&format!("{nth:08x}")), Durability::OnDisk).await {
            refused = Some(fault);
            break;
        }
    }
    let fault = refused.expect("the database may not grow");
    assert_eq!(fault.code, "disk_full", "D-03");
    let fault = store.append(intent("0000ffff"), Durability::Queued).await.unwrap_err();
    assert_eq!(fault.code, "disk_full", "a queued intent is refused at once");
    store.append(outcome("00000001", Ending::Done), Durability::Queued).await.expect("what ran is taken in");
    assert_eq!(store.set("x", &json!("y".repeat(100_000))).await.unwrap_err().code, "disk_full");
    assert!(!AuditLog::list(&store, Filter::default()).await.unwrap().is_empty(), "reading goes on");
    assert!(!files::has_ballast(at.dir.path()), "its room was given back");

    store.limit_pages(1_000_000).await;
    while store.flush().await.is_err() {
        tokio::task::yield_now().await;
    }
    assert!(files::has_ballast(at.dir.path()), "it is laid down again");
    store.append(intent("0000fffe"), Durability::Queued).await.expect("and calls run again");
    let done = AuditLog::list(&store, Filter { ending: Some("done".into()), ..Filter::default() }).await.unwrap();
    assert_eq!(done.len(), 2, "the outcome that waited is written: {done:?}");
    assert!(store.verify().await.unwrap().ok);
}

impl Store {
    /// Makes the disk small.
    async fn limit_pages(&self, pages: i64) {
        let work = self.writer().write("limit", move |conn| {
            Box::pin(async move {
                let limit = format!("PRAGMA max_page_count = {pages}");
                conn.execute(sqlx::AssertSqlSafe(limit)).await.map_err(|fault| StoreFault::sql("limit", fault))?;
                Ok(())
            })
        });
        work.await.unwrap();
    }

    async fn settle(&self) {
        self.writer().settle().await.unwrap();
    }
}

#[tokio::test]
async fn a_lock_that_another_program_keeps_ends_in_a_fault_after_five_seconds() {
    let at = Fixture::new();
    let store = at.open().await;
    store.put(&def("1", "a")).await.unwrap();
    let mut other = connect::writer(&at.db()).await.unwrap();
    other.execute("BEGIN EXCLUSIVE").await.unwrap();
    let fault = store.put(&def("2", "b")).await.unwrap_err();
    assert_eq!(fault.code, "store_busy", "D-10");
    other.execute("ROLLBACK").await.unwrap();
    store.put(&def("2", "b")).await.expect("the lock is gone");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_append_to_one_chain_and_only_the_dead_ones_calls_are_interrupted() {
    let at = Fixture::new();
    let window = at.open().await;
    let pilot = at.open().await;
    let write = |store: Store, from: u32| async move {
        for nth in from..from + 400 {
            let id = format!("{nth:08x}");
            store.append(intent(&id), Durability::Queued).await.unwrap();
            let durability = if nth % 100 == 0 { Durability::OnDisk } else { Durability::Queued };
            store.append(outcome(&id, Ending::Done), durability).await.unwrap();
            if nth % 50 == 0 {
                store.settle().await;
            }
        }
        store.settle().await;
    };
    let tasks = TaskTracker::new();
    let (a, b) = (tasks.spawn(write(window.clone(), 0)), tasks.spawn(write(pilot.clone(), 10_000)));
    a.await.unwrap();
    b.await.unwrap();
    assert_eq!(window.verify().await.unwrap(), good(1_600));
    assert_eq!(pilot.verify().await.unwrap(), good(1_600));

    window.append(intent("0000aaaa"), Durability::OnDisk).await.unwrap();
    let third = at.open().await;
    assert_eq!(third.interrupted(), 0, "the window lives and its call runs");
    third.close().await.unwrap();
    pilot.close().await.unwrap();
    window.append(outcome("0000aaaa", Ending::Done), Durability::Queued).await.unwrap();
    window.close().await.unwrap();
    let last = at.open().await;
    assert_eq!(last.verify().await.unwrap(), good(1_602));
}

#[tokio::test]
async fn calls_of_a_process_that_is_gone_are_marked_interrupted_once() {
    let at = Fixture::new();
    let store = at.open().await;
    fill(&store, 3).await;
    store.append(intent("0000aaaa"), Durability::Queued).await.unwrap();
    store.append(intent("0000bbbb"), Durability::OnDisk).await.unwrap();
    // As a kill leaves it: the row of the run is there and nobody holds its lock.
    let run = files::runs(at.dir.path()).remove(0);
    files::forget_run(at.dir.path(), &run);
    let next = at.open().await;
    assert_eq!(next.interrupted(), 2);
    let rows = AuditLog::list(&next, Filter { ending: Some("interrupted".into()), ..Filter::default() }).await.unwrap();
    let ids: Vec<_> = rows.iter().map(|row| row.entry.id.as_str()).collect();
    assert_eq!(ids, ["0000bbbb", "0000aaaa", "0000bbbb", "0000aaaa"], "outcomes, then their intents");
    assert_eq!(rows[0].entry.server_name, "files", "whose it was is kept");
    assert_eq!(at.open().await.interrupted(), 0);
    assert!(next.verify().await.unwrap().ok);
}

#[tokio::test]
async fn whatever_is_done_to_the_log_is_found_and_named() {
    const SWAP: &str =
        "UPDATE audit SET seq = -1 WHERE seq = 7; UPDATE audit SET seq = 7 WHERE seq = 8; UPDATE audit SET seq = 8 WHERE seq = -1";
    const SHIFT_UP: &str = "UPDATE audit SET seq = -seq WHERE seq >= 9; UPDATE audit SET seq = 1 - seq WHERE seq < 0;";
    let cases = [
        ("flip a byte of a body", "UPDATE audit SET body = replace(body, 'ann', 'bob') WHERE seq = 5", 5, "changed"),
        (
            "flip it into no UTF-8",
            "UPDATE audit SET body = CAST(x'ff' || substr(CAST(body AS BLOB), 2) AS TEXT) WHERE seq = 5",
            5,
            "changed",
        ),
        ("change an ending", "UPDATE audit SET ending = 'fault' WHERE seq = 6", 6, "changed"),
        ("change a time", "UPDATE audit SET at = at + 1 WHERE seq = 1", 1, "changed"),
        ("change a seal", "UPDATE audit SET mac = zeroblob(32) WHERE seq = 9", 9, "changed"),
        ("delete a row", "DELETE FROM audit WHERE seq = 5", 5, "removed"),
        ("delete the first row", "DELETE FROM audit WHERE seq = 1", 1, "removed"),
        ("delete a row and close the gap", "DELETE FROM audit WHERE seq = 5; UPDATE audit SET seq = seq - 1 WHERE seq > 5", 5, "removed"),
        ("delete the tail", "DELETE FROM audit WHERE seq > 15", 16, "truncated"),
        ("delete everything", "DELETE FROM audit", 1, "truncated"),
        ("swap two rows", SWAP, 7, "reordered"),
        (
            "forge a row in between",
            const_format(
                SHIFT_UP,
                "INSERT INTO audit SELECT 9, run, id, at, kind, ending, server, body, zeroblob(32), zeroblob(32) FROM audit WHERE seq = 2",
            ),
            9,
            "inserted",
        ),
        (
            "repeat a row in between",
            const_format(
                SHIFT_UP,
                "INSERT INTO audit SELECT 9, run, id, at, kind, ending, server, body, prev, mac FROM audit WHERE seq = 2",
            ),
            9,
            "inserted",
        ),
        (
            "repeat a row at the end",
            "INSERT INTO audit SELECT 21, run, id, at, kind, ending, server, body, prev, mac FROM audit WHERE seq = 2",
            21,
            "inserted",
        ),
        (
            "put a row before the first",
            "INSERT INTO audit SELECT 0, run, id, at, kind, ending, server, body, prev, mac FROM audit WHERE seq = 2",
            0,
            "inserted",
        ),
    ];
    for (what, script, first, why) in cases {
        let at = Fixture::new();
        let store = at.open().await;
        fill(&store, 10).await;
        store.close().await.unwrap();
        assert_eq!(at.open().await.verify().await.unwrap(), good(20), "D-14: whole before");
        at.tamper(script).await;
        let found = at.open().await.verify().await.unwrap();
        assert_eq!((found.ok, found.first_bad, found.why.as_deref()), (false, Some(first), Some(why)), "D-14: {what}");
    }
}

/// Two scripts, one after the other.
fn const_format(one: &'static str, other: &'static str) -> &'static str {
    Box::leak(format!("{one}{other}").into_boxed_str())
}

#[tokio::test]
async fn an_older_copy_of_the_database_is_found_at_once_and_after_more_was_written() {
    let at = Fixture::new();
    let store = at.open().await;
    fill(&store, 10).await;
    store.close().await.unwrap();
    let older = std::fs::read(at.db()).unwrap();
    let store = at.open().await;
    fill(&store, 10).await;
    store.close().await.unwrap();
    std::fs::write(at.db(), &older).unwrap();
    for side in ["pilothouse.db-wal", "pilothouse.db-shm"] {
        std::fs::remove_file(at.dir.path().join(side)).ok();
    }
    let store = at.open().await;
    assert_eq!(store.verify().await.unwrap(), bad(20, 21, "replaced"), "D-14: the head file disagrees");
    // Whoever then writes on does not cover it.
    fill(&store, 30).await;
    store.close().await.unwrap();
    let found = at.open().await.verify().await.unwrap();
    assert_eq!((found.ok, found.first_bad, found.why.as_deref()), (false, Some(21), Some("replaced")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_verifies_while_the_first_head_is_written_raises_no_false_alarm() {
    for nth in 0..20_u32 {
        let at = Fixture::new();
        let (window, pilot) = (at.open().await, at.open().await);
        window.append(intent(&format!("{nth:08x}")), Durability::Queued).await.unwrap();
        let tasks = TaskTracker::new();
        let writer = window.clone();
        let flushed = tasks.spawn(async move { writer.writer().flush().await.unwrap() });
        while !flushed.is_finished() {
            let seen = pilot.verify().await.unwrap();
            assert!(seen.ok, "{seen:?}");
        }
        flushed.await.unwrap();
        assert_eq!(pilot.verify().await.unwrap(), good(1));
    }
}

#[tokio::test]
async fn without_its_head_the_logs_end_is_vouched_for_by_nobody() {
    let at = Fixture::new();
    let store = at.open().await;
    fill(&store, 10).await;
    store.close().await.unwrap();
    std::fs::remove_file(at.dir.path().join("audit.head")).unwrap();
    assert_eq!(at.open().await.verify().await.unwrap(), bad(20, 21, "truncated"));
}
