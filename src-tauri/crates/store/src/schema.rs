//! Migrations: forward only, each in a transaction, the ones that ran recognised by checksum.

use domain::id::Millis;
use domain::tool::hex;
use sha2::{Digest, Sha256};
use sqlx::SqliteConnection;

use crate::connect::{APPLICATION_ID, label};
use crate::fault::StoreFault;

/// One step from a version to the next.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    /// The version it leads to; the first is 1.
    pub(crate) version: i64,
    pub(crate) sql: &'static str,
}

/// All steps. Released ones are never edited.
pub(crate) const STEPS: &[Step] = &[
    Step { version: 1, sql: include_str!("../migrations/0001_ground.sql") },
    Step { version: 2, sql: include_str!("../migrations/0002_clusters.sql") },
    Step { version: 3, sql: include_str!("../migrations/0003_vault.sql") },
    Step { version: 4, sql: include_str!("../migrations/0004_changes.sql") },
];

fn checksum(sql: &str) -> String {
    // Line ends differ between checkouts and mean nothing.
    hex(&Sha256::digest(sql.replace("\r\n", "\n").as_bytes()))
}

/// What is to be done before the store can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    Nothing,
    /// From this version; 0 is a new file.
    Steps(i64),
}

/// Looks whether the schema is the one this build knows.
pub(crate) async fn check(conn: &mut SqliteConnection, steps: &[Step]) -> Result<Need, StoreFault> {
    let found = label(conn).await?;
    let known = steps.last().map_or(0, |step| step.version);
    if found.schema == 0 && found.application == 0 {
        let tables: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_schema").fetch_one(&mut *conn).await.map_err(sql)?;
        return if tables == 0 { Ok(Need::Steps(0)) } else { Err(StoreFault::Damaged { reason: "it is not a Pilothouse store".into() }) };
    }
    if found.application != APPLICATION_ID {
        return Err(StoreFault::Damaged { reason: "it is not a Pilothouse store".into() });
    }
    if found.schema > known {
        return Err(StoreFault::Newer { found: found.schema, known });
    }
    let ran: Vec<(i64, String)> =
        sqlx::query_as("SELECT version, checksum FROM migrations ORDER BY version").fetch_all(&mut *conn).await.map_err(sql)?;
    for (version, sum) in ran {
        let ours = steps.iter().find(|step| step.version == version);
        if ours.is_none_or(|step| checksum(step.sql) != sum) {
            return Err(StoreFault::ForeignMigration { version });
        }
    }
    Ok(if found.schema == known { Need::Nothing } else { Need::Steps(found.schema) })
}

/// Takes every step after `from`. A step that is cut short leaves the version before it.
pub(crate) async fn migrate(conn: &mut SqliteConnection, steps: &'static [Step], from: i64, now: Millis) -> Result<(), StoreFault> {
    for step in steps.iter().filter(|step| step.version > from) {
        run(conn, "BEGIN IMMEDIATE").await?;
        let taken = take(conn, step, now).await;
        match taken {
            Ok(()) => run(conn, "COMMIT").await?,
            Err(fault) => {
                let _ = run(conn, "ROLLBACK").await;
                return Err(fault);
            }
        }
        tracing::info!(version = step.version, "migrated the store");
    }
    Ok(())
}

async fn take(conn: &mut SqliteConnection, step: &Step, now: Millis) -> Result<(), StoreFault> {
    run(conn, "CREATE TABLE IF NOT EXISTS migrations (version INTEGER PRIMARY KEY, checksum TEXT NOT NULL, at INTEGER NOT NULL) STRICT")
        .await?;
    run(conn, step.sql).await?;
    sqlx::query("INSERT INTO migrations (version, checksum, at) VALUES (?, ?, ?)")
        .bind(step.version)
        .bind(checksum(step.sql))
        .bind(now.0)
        .execute(&mut *conn)
        .await
        .map_err(sql)?;
    // Both numbers are ours; pragmas take no parameters.
    let label = format!("PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {};", step.version);
    sqlx::raw_sql(sqlx::AssertSqlSafe(label)).execute(&mut *conn).await.map_err(sql)?;
    Ok(())
}

async fn run(conn: &mut SqliteConnection, script: &'static str) -> Result<(), StoreFault> {
    sqlx::raw_sql(script).execute(&mut *conn).await.map(|_| ()).map_err(sql)
}

fn sql(fault: sqlx::Error) -> StoreFault {
    StoreFault::sql("migrate", fault)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{connect, files};

    const ONE: &[Step] = &[Step { version: 1, sql: "CREATE TABLE a (x);" }];
    const TWO: &[Step] = &[ONE[0], Step { version: 2, sql: "CREATE TABLE b (x); INSERT INTO b VALUES (1);" }];
    const BROKEN: &[Step] = &[ONE[0], Step { version: 2, sql: "CREATE TABLE b (x); CREATE TABLE a (x);" }];
    const OTHER: &[Step] = &[Step { version: 1, sql: "CREATE TABLE a (y);" }];

    async fn fresh(dir: &tempfile::TempDir) -> SqliteConnection {
        let path = dir.path().join("x.db");
        files::touch_private(&path).unwrap();
        connect::writer(&path).await.unwrap()
    }

    #[tokio::test]
    async fn steps_are_taken_once_and_the_next_version_goes_on_from_there() {
        let dir = tempfile::tempdir().unwrap();
        let mut conn = fresh(&dir).await;
        assert_eq!(check(&mut conn, ONE).await.unwrap(), Need::Steps(0));
        migrate(&mut conn, ONE, 0, Millis(1)).await.unwrap();
        assert_eq!(check(&mut conn, ONE).await.unwrap(), Need::Nothing);
        assert_eq!(check(&mut conn, TWO).await.unwrap(), Need::Steps(1));
        migrate(&mut conn, TWO, 1, Millis(2)).await.unwrap();
        assert_eq!(check(&mut conn, TWO).await.unwrap(), Need::Nothing);
        assert!(matches!(check(&mut conn, ONE).await, Err(StoreFault::Newer { found: 2, known: 1 })), "D-07: the older build refuses");
    }

    #[tokio::test]
    async fn a_step_that_fails_half_way_leaves_the_version_before_it() {
        let dir = tempfile::tempdir().unwrap();
        let mut conn = fresh(&dir).await;
        migrate(&mut conn, ONE, 0, Millis(1)).await.unwrap();
        assert!(migrate(&mut conn, BROKEN, 1, Millis(2)).await.is_err());
        assert_eq!(check(&mut conn, TWO).await.unwrap(), Need::Steps(1));
        migrate(&mut conn, TWO, 1, Millis(3)).await.unwrap();
    }

    #[tokio::test]
    async fn a_step_that_ran_in_another_form_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let mut conn = fresh(&dir).await;
        migrate(&mut conn, OTHER, 0, Millis(1)).await.unwrap();
        assert!(matches!(check(&mut conn, ONE).await, Err(StoreFault::ForeignMigration { version: 1 })));
    }

    #[tokio::test]
    async fn somebody_elses_database_is_not_taken_for_ours() {
        let dir = tempfile::tempdir().unwrap();
        let mut conn = fresh(&dir).await;
        sqlx::raw_sql("CREATE TABLE theirs (x)").execute(&mut conn).await.unwrap();
        assert!(matches!(check(&mut conn, ONE).await, Err(StoreFault::Damaged { .. })));
    }
}
