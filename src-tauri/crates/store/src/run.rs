//! Runs: one process's use of the store, so that after a crash it is known which calls nobody will finish.

use std::path::Path;

use domain::audit::{Ending, Entry, Event};
use domain::id::Millis;
use sqlx::SqliteConnection;

use crate::chain;
use crate::fault::StoreFault;
use crate::files;

/// A run whose process is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeadRun {
    pub(crate) id: String,
    pub(crate) low: i64,
}

/// Whether some process ended without tidying up, going by the files alone.
pub(crate) fn unclean(dir: &Path) -> bool {
    files::runs(dir).iter().any(|run| !files::run_lives(dir, run))
}

/// Whether a process lives that has written to the store.
pub(crate) fn any_lives(dir: &Path) -> bool {
    files::runs(dir).iter().any(|run| files::run_lives(dir, run))
}

/// The runs that are still in the table and whose process is gone.
pub(crate) async fn dead(dir: &Path, conn: &mut SqliteConnection) -> Result<Vec<DeadRun>, StoreFault> {
    let all: Vec<(String, i64)> = sqlx::query_as("SELECT id, low FROM runs").fetch_all(conn).await.map_err(sql)?;
    Ok(all.into_iter().filter(|(id, _)| !files::run_lives(dir, id)).map(|(id, low)| DeadRun { id, low }).collect())
}

/// One outcome `interrupted` for each intent of a dead run that has none.
pub(crate) async fn interrupted(conn: &mut SqliteConnection, run: &DeadRun, now: Millis) -> Result<Vec<Entry>, StoreFault> {
    let rows: Vec<(String, String, String)> = sqlx::query_as(
        "SELECT id, kind, body FROM audit WHERE seq >= ? AND ((run = ? AND kind = 'intent') OR kind = 'outcome') ORDER BY seq",
    )
    .bind(run.low)
    .bind(&run.id)
    .fetch_all(conn)
    .await
    .map_err(sql)?;
    let mut open: Vec<(String, String)> = Vec::new();
    for (id, kind, body) in rows {
        if kind == "intent" {
            open.push((id, body));
        } else if let Some(nth) = open.iter().position(|(other, _)| *other == id) {
            open.remove(nth);
        }
    }
    open.into_iter()
        .map(|(_, body)| {
            let intent = chain::entry(&body)?;
            let event = Event::Outcome { ending: Ending::Interrupted, code: None, bytes: 0, elapsed_ms: 0.0 };
            Ok(Entry { at: now, event, ..intent })
        })
        .collect()
}

/// Strikes a run off.
pub(crate) async fn strike(conn: &mut SqliteConnection, run: &str) -> Result<(), StoreFault> {
    sqlx::query("DELETE FROM runs WHERE id = ?").bind(run).execute(conn).await.map_err(sql)?;
    Ok(())
}

/// Says from which row on this run may have open intents.
pub(crate) async fn enter(conn: &mut SqliteConnection, run: &str, low: i64) -> Result<(), StoreFault> {
    sqlx::query("INSERT INTO runs (id, low) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET low = excluded.low")
        .bind(run)
        .bind(low)
        .execute(conn)
        .await
        .map_err(sql)?;
    Ok(())
}

fn sql(fault: sqlx::Error) -> StoreFault {
    StoreFault::sql("keep account of its processes", fault)
}
