//! The audit log in the hands of somebody who can write to the files: whatever is done to it, the person is told.

use std::path::{Path, PathBuf};

use domain::audit::{Durability, Ending, Entry, Event, Filter};
use domain::id::{AuditId, Millis};
use domain::ports::AuditLog;
use domain::ticket::Ticket;
use domain::tool::Risk;
use serde_json::json;

use crate::durability::{actor, bare, open, permit};

fn db(dir: &Path) -> PathBuf {
    dir.join("store/pilothouse.db")
}

/// Ten calls and an orderly end.
async fn ten_calls(dir: &Path) {
    let store = bare(dir).await;
    let from = AuditLog::list(&store, Filter { limit: 1, ..Filter::default() }).await.unwrap().first().map_or(0, |row| row.seq);
    for nth in from..from + 10 {
        let id = AuditId::new(format!("{nth:08x}"));
        let ticket = Ticket::begin(&store, permit(Risk::Safe), id, Millis(5), json!({ "path": "string" })).await.unwrap();
        let event = Event::Outcome { ending: Ending::Done, code: None, bytes: 9, elapsed_ms: 1.0 };
        let row = Entry {
            id: ticket.audit_id().clone(),
            at: Millis(6),
            actor: actor(),
            server: Some("s1".into()),
            server_name: "files".into(),
            server_fingerprint: "f".into(),
            event,
        };
        store.append(row, Durability::Queued).await.unwrap();
    }
    store.close().await.unwrap();
}

#[tokio::test]
async fn one_changed_byte_in_the_file_is_found_and_its_row_is_named() {
    let dir = tempfile::tempdir().unwrap();
    ten_calls(dir.path()).await;
    let store = bare(dir.path()).await;
    let before = store.verify().await.unwrap();
    assert_eq!((before.ok, before.rows), (true, 20));
    store.close().await.unwrap();
    // The fourth call is the seventh row; its reference stands in the row's body.
    let mut bytes = std::fs::read(db(dir.path())).unwrap();
    let wanted = br#"{"id":"00000003","at":5,"actor":{"door":"cli","name":"ann""#;
    let at = bytes.windows(wanted.len()).position(|window| window == wanted).expect("the row is in the file");
    let name = at + wanted.len() - 2;
    assert_eq!(bytes[name], b'n');
    bytes[name] = b'y';
    std::fs::write(db(dir.path()), bytes).unwrap();
    let app = open(dir.path()).await;
    let found = app.activity.verify().await.unwrap();
    assert_eq!((found.ok, found.first_bad, found.why.as_deref()), (false, Some(7), Some("changed")), "{found:?}");
    app.shutdown().await;
}

#[tokio::test]
async fn an_older_copy_of_the_database_is_told_even_after_more_calls() {
    let dir = tempfile::tempdir().unwrap();
    ten_calls(dir.path()).await;
    let older = std::fs::read(db(dir.path())).unwrap();
    ten_calls(dir.path()).await;
    std::fs::write(db(dir.path()), older).unwrap();
    let app = open(dir.path()).await;
    let found = app.activity.verify().await.unwrap();
    assert_eq!((found.ok, found.first_bad, found.why.as_deref()), (false, Some(21), Some("replaced")), "{found:?}");
    app.shutdown().await;
    ten_calls(dir.path()).await;
    let app = open(dir.path()).await;
    let found = app.activity.verify().await.unwrap();
    assert_eq!((found.ok, found.why.as_deref()), (false, Some("replaced")), "writing on does not cover it: {found:?}");
    app.shutdown().await;
}

#[tokio::test]
async fn the_export_has_every_row_once_in_order_and_no_values() {
    let dir = tempfile::tempdir().unwrap();
    ten_calls(dir.path()).await;
    let app = open(dir.path()).await;
    let mut lines = Vec::new();
    let count = app
        .activity
        .export(|line| {
            lines.push(line.to_owned());
            Ok(())
        })
        .await
        .unwrap();
    let rows = app.activity.verify().await.unwrap().rows;
    assert_eq!((count, lines.len() as u64), (rows, rows));
    for (nth, line) in lines.iter().enumerate() {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(row["seq"], nth + 1);
        assert_eq!(row["mac"].as_str().unwrap().len(), 64);
    }
    app.shutdown().await;
}

#[tokio::test]
async fn a_store_that_is_closed_gives_no_ticket() {
    let dir = tempfile::tempdir().unwrap();
    let store = bare(dir.path()).await;
    store.close().await.unwrap();
    let fault = Ticket::begin(&store, permit(Risk::Safe), "00000001".into(), Millis(1), json!({})).await.unwrap_err();
    assert_eq!((fault.code.as_str(), fault.kind.exit_code()), ("store_closed", 9), "what cannot be recorded does not run");
}
