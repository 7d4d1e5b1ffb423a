//! How a connection to the database is made: the pragmas, and the version that must be linked.

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqliteConnection};

use crate::fault::StoreFault;

/// How long a lock held by another process is waited for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);
/// Marks the file as ours (`PLTH`).
pub(crate) const APPLICATION_ID: i64 = 0x504c_5448;
/// The first version without the WAL-reset bug that corrupts databases with two connections.
const LEAST_SQLITE: [u32; 3] = [3, 51, 3];

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .busy_timeout(PATIENCE)
        .foreign_keys(true)
        .synchronous(SqliteSynchronous::Normal)
        .pragma("secure_delete", "ON")
        .pragma("trusted_schema", "OFF")
        .pragma("cell_size_check", "ON")
        .pragma("mmap_size", "0")
        .pragma("journal_size_limit", "67108864")
        .pragma("temp_store", "MEMORY")
        // Without it, `INSERT OR REPLACE` would delete a row without asking the trigger that forbids it.
        .pragma("recursive_triggers", "ON")
        .disable_statement_logging()
}

/// The one connection that writes.
pub(crate) async fn writer(path: &Path) -> Result<SqliteConnection, sqlx::Error> {
    options(path)
        .journal_mode(SqliteJournalMode::Wal)
        .pragma("wal_autocheckpoint", "1000")
        .optimize_on_close(true, 400)
        .thread_name(|_| "store-writer".to_owned())
        .connect()
        .await
}

/// A connection for looking at a file that is not in use: a snapshot.
pub(crate) async fn looker(path: &Path) -> Result<SqliteConnection, sqlx::Error> {
    options(path).read_only(true).connect().await
}

/// The connections that read; none is opened before somebody reads.
pub(crate) fn readers(path: &Path) -> SqlitePool {
    SqlitePoolOptions::new()
        .max_connections(4)
        .min_connections(0)
        .acquire_timeout(PATIENCE)
        .idle_timeout(Duration::from_mins(2))
        .test_before_acquire(false)
        .connect_lazy_with(options(path).pragma("query_only", "ON").thread_name(|nth| format!("store-reader-{nth}")))
}

/// What the file says of itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Label {
    pub(crate) application: i64,
    pub(crate) schema: i64,
}

/// Asserts the linked SQLite and reads the file's label, in one go. Garbage in the header shows here.
pub(crate) async fn label(conn: &mut SqliteConnection) -> Result<Label, StoreFault> {
    let (linked, application, schema): (String, i64, i64) = sqlx::query_as(
        "SELECT sqlite_version(), (SELECT application_id FROM pragma_application_id), (SELECT user_version FROM pragma_user_version)",
    )
    .fetch_one(conn)
    .await
    .map_err(|fault| StoreFault::sql("read its own label", fault))?;
    if !new_enough(&linked) {
        return Err(StoreFault::OldSqlite { found: linked });
    }
    Ok(Label { application, schema })
}

fn new_enough(version: &str) -> bool {
    let parts: Vec<u32> = version.split('.').map(|part| part.parse().unwrap_or(0)).collect();
    parts.as_slice() >= LEAST_SQLITE.as_slice()
}

/// Whether the file's pages hang together; the first complaint when not.
pub(crate) async fn quick_check(conn: &mut SqliteConnection) -> Result<(), StoreFault> {
    let says: String =
        sqlx::query_scalar("PRAGMA quick_check(1)").fetch_one(conn).await.map_err(|fault| StoreFault::sql("check its pages", fault))?;
    if says == "ok" { Ok(()) } else { Err(StoreFault::Damaged { reason: says }) }
}

/// Closes a connection whose work is done; that it does not close well changes nothing any more.
pub(crate) async fn close(conn: SqliteConnection) {
    if let Err(fault) = conn.close().await {
        tracing::debug!(%fault, "a connection did not close well");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_sqlite_without_the_wal_reset_bug_is_new_enough() {
        for (version, fits) in
            [("3.51.3", true), ("3.51.2", false), ("3.46.0", false), ("3.53.0", true), ("4.0.0", true), ("3.52", true), ("x", false)]
        {
            assert_eq!(new_enough(version), fits, "{version}");
        }
    }

    #[tokio::test]
    async fn the_linked_sqlite_passes_and_the_pragmas_hold() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.db");
        crate::files::touch_private(&path).unwrap();
        let mut conn = writer(&path).await.unwrap();
        assert!(label(&mut conn).await.is_ok(), "D-01");
        for (pragma, value) in [
            ("PRAGMA journal_mode", "wal"),
            ("SELECT CAST(synchronous AS TEXT) FROM pragma_synchronous", "1"),
            ("SELECT CAST(secure_delete AS TEXT) FROM pragma_secure_delete", "1"),
            ("SELECT CAST(foreign_keys AS TEXT) FROM pragma_foreign_keys", "1"),
            ("SELECT CAST(trusted_schema AS TEXT) FROM pragma_trusted_schema", "0"),
            ("SELECT CAST(recursive_triggers AS TEXT) FROM pragma_recursive_triggers", "1"),
            ("SELECT CAST(timeout AS TEXT) FROM pragma_busy_timeout", "5000"),
        ] {
            let found: String = sqlx::query_scalar(pragma).fetch_one(&mut conn).await.unwrap();
            assert_eq!(found, value, "{pragma}");
        }
    }
}
