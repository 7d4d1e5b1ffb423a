//! What a person keeps, through ends and accidents: first run, a crash, a lost file, two doors at once.

use std::path::Path;
use std::sync::Arc;

use app::App;
use assembly::Options;
use domain::audit::{Event, Filter};
use domain::id::{CallId, Millis, ServerId};
use domain::person::NobodyThere;
use domain::policy::{Actor, CallFacts, Decision, Door, Policy};
use domain::ports::{AuditLog, Servers, Settings};
use domain::server::{ServerDef, StartRule};
use domain::ticket::Ticket;
use domain::tool::Risk;
use domain::{Json, JsonMap};
use serde_json::json;
use store::Store;

pub(crate) fn actor() -> Actor {
    Actor { door: Door::Cli, name: "ann".into(), can_ask: false }
}

/// Opens the app on this folder as a door does.
pub(crate) async fn open(dir: &Path) -> Arc<App> {
    let options = Options { config_dir: Some(dir.to_owned()), person: Some(Arc::new(NobodyThere)), ..Options::default() };
    assembly::open(options).await.expect("the app opens")
}

fn rest(name: &str, settings: &Json) -> ServerDef {
    ServerDef {
        id: ServerId::from(""),
        name: name.into(),
        protocol: "http".into(),
        enabled: true,
        settings: settings.as_object().cloned().unwrap_or_default(),
        extra: JsonMap::new(),
        start: StartRule::default(),
        origin: "cli".into(),
        updated_at: Millis::default(),
    }
}

/// A permit of the default policy for a safe call.
pub(crate) fn permit(risk: Risk) -> domain::policy::Permit {
    let facts = CallFacts {
        call: CallId::from("c1"),
        actor: Actor { can_ask: true, ..actor() },
        server: "s1".into(),
        server_name: "files".into(),
        server_fingerprint: "f".into(),
        tool: "fs-read-file".into(),
        tool_fingerprint: "t".into(),
        risk,
        args_hash: "h".into(),
    };
    match Policy::default().decide(facts) {
        Decision::Allow(permit) => permit,
        other => panic!("a safe call is allowed, not {other:?}"),
    }
}

/// The store of this folder, without an app around it, so that it can be closed to the last file.
pub(crate) async fn bare(dir: &Path) -> Store {
    let folder = dir.join("store");
    std::fs::create_dir_all(&folder).unwrap();
    Store::open(&folder, Arc::new(assembly::SystemClock)).await.unwrap()
}

async fn names(app: &App) -> Vec<String> {
    app.book.list().await.unwrap().into_iter().map(|server| server.def.name).collect()
}

#[tokio::test]
async fn the_built_in_servers_are_there_from_the_start_and_stay_away_once_removed() {
    let dir = tempfile::tempdir().unwrap();
    let app = open(dir.path()).await;
    assert_eq!(names(&app).await, ["filesystem", "kubernetes"]);
    let server = app.book.get("filesystem").await.unwrap();
    assert_eq!(server.def.origin, "built-in");
    assert!(server.def.settings.get("roots").is_none(), "the scratch folder is meant");
    assert!(dir.path().join("scratch").is_dir());
    app.book.remove(&server.def.id, &actor()).await.unwrap();
    app.shutdown().await;
    let app = open(dir.path()).await;
    assert_eq!(names(&app).await, ["kubernetes"]);
    app.shutdown().await;
}

#[tokio::test]
async fn references_to_secrets_are_kept_as_they_are_written() {
    let dir = tempfile::tempdir().unwrap();
    let store = bare(dir.path()).await;
    let mut def = rest("api", &json!({ "base_url": "https://a.test", "auth_type": "bearer", "auth_token": "${HOME:-fallback}" }));
    def.id = "1".into();
    store.put(&def).await.unwrap();
    assert_eq!(Servers::list(&store).await.unwrap()[0].text("auth_token"), Some("${HOME:-fallback}"));
    store.close().await.unwrap();
}

#[tokio::test]
async fn two_doors_use_one_folder_at_the_same_time() {
    let dir = tempfile::tempdir().unwrap();
    let window = open(dir.path()).await;
    let pilot = open(dir.path()).await;
    window.prefs.set("theme", &json!("dark")).await.unwrap();
    assert_eq!(pilot.prefs.get("theme").await.unwrap(), Some(json!("dark")));
    pilot.shutdown().await;
    window.prefs.set("theme", &json!("light")).await.expect("the one that stays goes on");
    let verified = window.activity.verify().await.unwrap();
    assert!(verified.ok, "{verified:?}");
    window.shutdown().await;
}

#[test]
fn a_call_that_nobody_finished_is_marked_interrupted_at_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    // A runtime that is thrown away with everything in it: no destructor of ours gets to tidy up.
    let doomed = tokio::runtime::Runtime::new().unwrap();
    let id = doomed.block_on(async {
        let store = bare(dir.path()).await;
        let ticket = Ticket::begin(&store, permit(Risk::Safe), "0a0b0c0d".into(), Millis(7), json!({ "path": "string" })).await.unwrap();
        AuditLog::list(&store, Filter::default()).await.unwrap();
        ticket.audit_id().clone()
    });
    doomed.shutdown_timeout(std::time::Duration::from_secs(10));
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let app = open(dir.path()).await;
        let (call, rows) = app.activity.one(&id).await.unwrap();
        assert_eq!((call.status, rows.len()), ("interrupted", 2));
        assert_eq!(call.tool.as_ref().map(domain::id::ToolName::as_str), Some("fs-read-file"));
        assert!(app.activity.verify().await.unwrap().ok);
        app.shutdown().await;
        let app = open(dir.path()).await;
        assert_eq!(app.activity.one(&id).await.unwrap().1.len(), 2, "marked once");
        app.shutdown().await;
    });
}

#[tokio::test]
async fn an_emptied_store_is_told_as_a_loss_and_what_was_there_is_kept_aside() {
    let dir = tempfile::tempdir().unwrap();
    let store = bare(dir.path()).await;
    store.set("pref:theme", &json!("dark")).await.unwrap();
    store.close().await.unwrap();
    let folder = dir.path().join("store");
    std::fs::remove_dir_all(folder.join("snapshots")).expect("the orderly end took a copy");
    std::fs::write(folder.join("pilothouse.db"), b"").unwrap();
    let app = open(dir.path()).await;
    let notes = app.activity.list(Filter { ending: Some("note".into()), ..Filter::default() }).await.unwrap();
    assert!(notes.iter().any(|note| note.what.as_deref() == Some("store_lost")), "{notes:?}");
    let aside = std::fs::read_dir(&folder).unwrap().flatten().any(|file| file.file_name().to_string_lossy().starts_with("broken-"));
    assert!(aside, "the empty file was moved, not written over");
    app.shutdown().await;
}

#[tokio::test]
async fn a_damaged_store_goes_back_to_the_copy_of_the_last_orderly_end() {
    let dir = tempfile::tempdir().unwrap();
    let store = bare(dir.path()).await;
    store.set("pref:theme", &json!("dark")).await.unwrap();
    store.close().await.unwrap();
    std::fs::write(dir.path().join("store/pilothouse.db"), [0x5a; 16_384]).unwrap();
    let app = open(dir.path()).await;
    assert_eq!(app.prefs.get("theme").await.unwrap(), Some(json!("dark")), "as of the copy");
    let rows = app.activity.list(Filter { text: Some("store_lost".into()), ..Filter::default() }).await.unwrap();
    let noted = serde_json::to_value(&rows[0]).unwrap();
    assert!(noted.to_string().contains("snapshots"), "it says what it went back to: {noted}");
    app.shutdown().await;
}

#[tokio::test]
async fn a_folder_that_cannot_be_used_is_a_fault_with_a_way_out() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let fault = assembly::open(Options { config_dir: Some(file), ..Options::default() }).await.map(|_| ()).unwrap_err();
    assert_eq!((fault.code.as_str(), fault.kind.exit_code()), ("config_dir_unusable", 3));
    assert!(fault.hint.en.contains("--config-dir") && !fault.message.zh.is_empty());
}

#[tokio::test]
async fn notes_about_what_the_person_did_are_in_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let app = open(dir.path()).await;
    app.rules.set(Policy::default(), &actor()).await.unwrap();
    let rows = app.activity.list(Filter { text: Some("ann".into()), ..Filter::default() }).await.unwrap();
    assert!(!rows.is_empty() && rows.iter().all(|row| row.status == "note"));
    app.shutdown().await;
    let store = bare(dir.path()).await;
    let notes = AuditLog::list(&store, Filter::default()).await.unwrap();
    assert!(notes.iter().any(|row| matches!(&row.entry.event, Event::Note { what, .. } if what.contains("policy"))));
    store.close().await.unwrap();
}

#[tokio::test]
async fn what_was_done_right_before_the_end_is_all_there_at_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let app = open(dir.path()).await;
    let server = app.book.get("filesystem").await.unwrap().def.id;
    let order = app::CallOrder {
        server: server.clone(),
        tool: "fs-list-directory".into(),
        args: JsonMap::from_iter([("path".to_owned(), json!("."))]),
        actor: actor(),
        call: CallId::from("last"),
        timeout: None,
        approve_once: false,
    };
    let done = app.desk.call(order).await.unwrap();
    app.prefs.set("theme", &json!("dark")).await.unwrap();
    tokio::join!(app.shutdown(), app.shutdown());
    let log = dir.path().join("store/pilothouse.db-wal");
    assert!(!log.exists(), "the database is closed, though its app is still held: nothing waits beside it");
    assert!(app.prefs.set("theme", &json!("light")).await.is_err(), "nothing is written after the end");

    let next = open(dir.path()).await;
    let (call, rows) = next.activity.one(&done.audit_id).await.unwrap();
    assert_eq!((call.status, rows.len()), ("done", 2));
    assert_eq!(next.prefs.get("theme").await.unwrap(), Some(json!("dark")));
    assert_eq!(next.measures.sparkline(&server).await.unwrap().len(), 1, "the figure of the call");
    next.shutdown().await;
    let store = bare(dir.path()).await;
    let past = domain::ports::History::past(&store, Some(&server), None, 10).await.unwrap();
    assert_eq!(past.iter().map(|call| call.audit_id.as_str()).collect::<Vec<_>>(), [done.audit_id.as_str()], "and the call to replay");
    store.close().await.unwrap();
}
