//! Whole copies of the database, taken once a day and before each migration, to go back to.

use std::path::{Path, PathBuf};

use domain::id::Millis;
use sqlx::SqliteConnection;

use crate::connect;
use crate::fault::StoreFault;
use crate::files;

/// How many are kept.
const KEPT: usize = 7;
const DAY: i64 = 24 * 60 * 60 * 1000;

fn folder(dir: &Path) -> PathBuf {
    dir.join("snapshots")
}

/// All, oldest first; the name is the time.
fn all(dir: &Path) -> Vec<(i64, PathBuf)> {
    let Ok(entries) = std::fs::read_dir(folder(dir)) else { return Vec::new() };
    let mut found: Vec<_> = entries
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name();
            Some((name.to_str()?.strip_suffix(".db")?.parse().ok()?, entry.path()))
        })
        .collect();
    found.sort_unstable();
    found
}

/// Whether the newest is more than a day old.
pub(crate) fn is_due(dir: &Path, now: Millis) -> bool {
    all(dir).last().is_none_or(|(at, _)| now.0 - at >= DAY || *at > now.0)
}

/// Takes one, checks it, and lets the oldest go.
pub(crate) async fn take(dir: &Path, conn: &mut SqliteConnection, now: Millis) -> Result<PathBuf, StoreFault> {
    let folder = folder(dir);
    files::make_dir(&folder)?;
    let part = folder.join(format!("{}.part", uuid::Uuid::new_v4().simple()));
    let whole = folder.join(format!("{}.db", now.0));
    let taken = copy(conn, &part).await;
    if let Err(fault) = taken {
        let _ = std::fs::remove_file(&part);
        return Err(fault);
    }
    std::fs::rename(&part, &whole).map_err(StoreFault::io("keep", &whole))?;
    let there = all(dir);
    for (_, old) in there.iter().take(there.len().saturating_sub(KEPT)) {
        let _ = std::fs::remove_file(old);
    }
    Ok(whole)
}

async fn copy(conn: &mut SqliteConnection, to: &Path) -> Result<(), StoreFault> {
    // SQLite copies into an empty file that exists, and keeps its mode.
    files::touch_private(to)?;
    let name = to.to_str().ok_or_else(|| StoreFault::Damaged { reason: format!("{} is not Unicode", to.display()) })?;
    sqlx::query("VACUUM INTO ?").bind(name).execute(conn).await.map_err(|fault| StoreFault::sql("take a snapshot", fault))?;
    check(to).await
}

async fn check(path: &Path) -> Result<(), StoreFault> {
    let mut conn = connect::looker(path).await.map_err(|fault| StoreFault::sql("open a snapshot", fault))?;
    let checked = connect::quick_check(&mut conn).await;
    connect::close(conn).await;
    checked
}

/// Puts the newest snapshot whose pages hang together in the database's place; none when there is no such.
pub(crate) async fn restore(dir: &Path) -> Result<Option<PathBuf>, StoreFault> {
    for (_, path) in all(dir).into_iter().rev() {
        if let Err(fault) = check(&path).await {
            tracing::warn!(%fault, path = %path.display(), "passed over a snapshot");
            continue;
        }
        let bytes = files::read_opt(&path)?.unwrap_or_default();
        files::replace(&dir.join(files::DB), &bytes)?;
        return Ok(Some(path));
    }
    Ok(None)
}

/// Removes every copy but this one, and all that are half-made, whoever is at it: what they hold must not stay.
pub(crate) fn remove_but(dir: &Path, kept: &Path) -> Result<(), StoreFault> {
    for (_, path) in all(dir) {
        if path != kept {
            std::fs::remove_file(&path).map_err(StoreFault::io("remove", &path))?;
        }
    }
    for path in half_made(dir) {
        match std::fs::remove_file(&path) {
            Err(why) if why.kind() != std::io::ErrorKind::NotFound => return Err(StoreFault::io("remove", &path)(why)),
            _ => {}
        }
    }
    Ok(())
}

/// Copies that are not finished, and what SQLite keeps beside them meanwhile.
fn half_made(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder(dir)) else { return Vec::new() };
    let half = |path: &PathBuf| path.extension().and_then(|end| end.to_str()).is_some_and(|end| end == "part" || end.starts_with("part-"));
    entries.flatten().map(|entry| entry.path()).filter(half).collect()
}

/// Removes copies that a killed process left half-made; called under the opening lock.
pub(crate) fn sweep(dir: &Path) {
    for path in half_made(dir) {
        let age = path.metadata().and_then(|meta| meta.modified()).map(|at| at.elapsed().unwrap_or_default());
        if age.is_ok_and(|age| age.as_secs() > 3600) {
            let _ = std::fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn seven_are_kept_and_a_damaged_one_is_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        let db = dir.path().join(files::DB);
        files::touch_private(&db).unwrap();
        let mut conn = connect::writer(&db).await.unwrap();
        sqlx::raw_sql("CREATE TABLE t (x); INSERT INTO t VALUES (0)").execute(&mut conn).await.unwrap();
        for nth in 1..=9 {
            sqlx::query("UPDATE t SET x = ?").bind(nth).execute(&mut conn).await.unwrap();
            take(dir.path(), &mut conn, Millis(nth * 10)).await.unwrap();
        }
        assert_eq!(all(dir.path()).iter().map(|(at, _)| *at).collect::<Vec<_>>(), [30, 40, 50, 60, 70, 80, 90]);
        assert!(!is_due(dir.path(), Millis(90 + DAY - 1)) && is_due(dir.path(), Millis(90 + DAY)));
        connect::close(conn).await;

        std::fs::write(folder(dir.path()).join("90.db"), b"rubbish").unwrap();
        std::fs::remove_file(&db).unwrap();
        let from = restore(dir.path()).await.unwrap().unwrap();
        assert!(from.ends_with("80.db"));
        let mut conn = connect::writer(&db).await.unwrap();
        let x: i64 = sqlx::query_scalar("SELECT x FROM t").fetch_one(&mut conn).await.unwrap();
        assert_eq!(x, 8);
    }
}
