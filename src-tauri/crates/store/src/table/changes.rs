//! Rehearsals that can be approved, and changes to clusters that can be undone.

use async_trait::async_trait;
use domain::fault::Fault;
use domain::id::{ClusterId, Millis};
use domain::manifest::{ChangeLog, ChangeState, KeptChange};

use super::{json, parse};
use crate::fault::StoreFault;
use crate::open::Store;

fn read(fault: sqlx::Error) -> StoreFault {
    StoreFault::sql("read the changes", fault)
}

fn keep(fault: sqlx::Error) -> StoreFault {
    StoreFault::sql("keep a change", fault)
}

/// A row: the columns count where they say more than the body.
type Row = (String, String, Option<i64>, Option<i64>);

fn whole((body, state, deadline, claimed_until): Row) -> Result<KeptChange, StoreFault> {
    let kept: KeptChange = parse("changes", &body)?;
    let state: ChangeState = parse("changes", &format!("\"{state}\""))?;
    Ok(KeptChange { state, deadline: deadline.map(Millis), claimed_until: claimed_until.map(Millis), ..kept })
}

#[async_trait]
impl ChangeLog for Store {
    async fn keep_rehearsal(&self, cluster: &ClusterId, digest: &str, until: Millis, now: Millis) -> Result<(), Fault> {
        let (cluster, digest) = (cluster.as_str().to_owned(), digest.to_owned());
        let work = self.writer().write("keep a rehearsal", move |conn| {
            Box::pin(async move {
                // One that ended stays for a day, so that it is told as one that ended.
                sqlx::query("DELETE FROM rehearsals WHERE until < ?").bind(now.0 - 86_400_000).execute(&mut *conn).await.map_err(keep)?;
                sqlx::query(
                    "INSERT INTO rehearsals (cluster, digest, until) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET until = excluded.until",
                )
                .bind(cluster)
                .bind(digest)
                .bind(until.0)
                .execute(conn)
                .await
                .map_err(keep)?;
                Ok(())
            })
        });
        Ok(work.await?)
    }

    async fn rehearsal(&self, cluster: &ClusterId, digest: &str) -> Result<Option<Millis>, Fault> {
        let until: Option<i64> = sqlx::query_scalar("SELECT until FROM rehearsals WHERE cluster = ? AND digest = ?")
            .bind(cluster.as_str())
            .bind(digest)
            .fetch_optional(self.readers())
            .await
            .map_err(read)?;
        Ok(until.map(Millis))
    }

    async fn keep_change(&self, change: &KeptChange) -> Result<(), Fault> {
        let (change, body) = (change.clone(), json("changes", change)?);
        let work = self.writer().write("keep a change", move |conn| {
            Box::pin(async move {
                sqlx::query(
                    "INSERT INTO changes (id, cluster, at, state, deadline, claimed_until, body) VALUES (?, ?, ?, ?, ?, ?, ?)
                     ON CONFLICT (id) DO UPDATE SET state = excluded.state, deadline = excluded.deadline,
                     claimed_until = excluded.claimed_until, body = excluded.body",
                )
                .bind(change.id)
                .bind(change.cluster.as_str())
                .bind(change.at.0)
                .bind(change.state.word())
                .bind(change.deadline.map(|at| at.0))
                .bind(change.claimed_until.map(|at| at.0))
                .bind(body)
                .execute(conn)
                .await
                .map_err(keep)?;
                Ok(())
            })
        });
        Ok(work.await?)
    }

    async fn change(&self, id: &str) -> Result<Option<KeptChange>, Fault> {
        let row: Option<Row> = sqlx::query_as("SELECT body, state, deadline, claimed_until FROM changes WHERE id = ?")
            .bind(id)
            .fetch_optional(self.readers())
            .await
            .map_err(read)?;
        Ok(row.map(whole).transpose()?)
    }

    async fn changes(&self, most: u32) -> Result<Vec<KeptChange>, Fault> {
        let rows: Vec<Row> = sqlx::query_as("SELECT body, state, deadline, claimed_until FROM changes ORDER BY at DESC, id LIMIT ?")
            .bind(most)
            .fetch_all(self.readers())
            .await
            .map_err(read)?;
        rows.into_iter().map(whole).collect::<Result<_, StoreFault>>().map_err(Fault::from)
    }

    async fn due(&self, at: Millis) -> Result<Vec<KeptChange>, Fault> {
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT body, state, deadline, claimed_until FROM changes WHERE deadline <= ?1 AND state <> 'undone'
             AND (claimed_until IS NULL OR claimed_until <= ?1) ORDER BY at DESC, id",
        )
        .bind(at.0)
        .fetch_all(self.readers())
        .await
        .map_err(read)?;
        rows.into_iter().map(whole).collect::<Result<_, StoreFault>>().map_err(Fault::from)
    }

    async fn next_deadline(&self) -> Result<Option<Millis>, Fault> {
        let at: Option<i64> = sqlx::query_scalar(
            "SELECT min(max(deadline, coalesce(claimed_until, 0))) FROM changes WHERE deadline IS NOT NULL AND state <> 'undone'",
        )
        .fetch_one(self.readers())
        .await
        .map_err(read)?;
        Ok(at.map(Millis))
    }

    async fn claim(&self, id: &str, from: &[ChangeState], to: ChangeState, until: Option<Millis>, now: Millis) -> Result<bool, Fault> {
        let (id, from) = (id.to_owned(), json("changes", &from)?);
        let work = self.writer().write("claim a change", move |conn| {
            Box::pin(async move {
                let moved = sqlx::query(
                    "UPDATE changes SET state = ?, claimed_until = ? WHERE id = ? AND (claimed_until IS NULL OR claimed_until <= ?)
                     AND state IN (SELECT value FROM json_each(?))",
                )
                .bind(to.word())
                .bind(until.map(|at| at.0))
                .bind(id)
                .bind(now.0)
                .bind(from)
                .execute(conn)
                .await
                .map_err(keep)?;
                Ok(moved.rows_affected() == 1)
            })
        });
        Ok(work.await?)
    }

    async fn outlived(&self, most: u32, before: Millis, now: Millis) -> Result<Vec<KeptChange>, Fault> {
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT body, state, deadline, claimed_until FROM changes
             WHERE state IN ('applied', 'undone') AND (state = 'undone' OR deadline IS NULL) AND (claimed_until IS NULL OR claimed_until <= ?1)
             AND (at < ?2 OR id NOT IN (SELECT id FROM changes ORDER BY at DESC, id LIMIT ?3))
             ORDER BY at, id LIMIT 200",
        )
        .bind(now.0)
        .bind(before.0)
        .bind(most)
        .fetch_all(self.readers())
        .await
        .map_err(read)?;
        rows.into_iter().map(whole).collect::<Result<_, StoreFault>>().map_err(Fault::from)
    }

    async fn forget_change(&self, id: &str) -> Result<(), Fault> {
        let id = id.to_owned();
        let work = self.writer().write("forget a change", move |conn| {
            Box::pin(async move {
                sqlx::query("DELETE FROM changes WHERE id = ?").bind(id).execute(conn).await.map_err(keep)?;
                Ok(())
            })
        });
        Ok(work.await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::open::tests::Fixture;

    fn change(id: &str, at: i64, state: ChangeState, deadline: Option<i64>, claimed: Option<i64>) -> KeptChange {
        KeptChange {
            id: id.into(),
            cluster: "c".into(),
            cluster_uid: "u".into(),
            at: Millis(at),
            state,
            deadline: deadline.map(Millis),
            claimed_until: claimed.map(Millis),
            trouble: None,
            objects: vec![],
        }
    }

    #[tokio::test]
    async fn changes_come_back_newest_first_and_what_is_due_is_told_from_what_somebody_is_at() {
        let at = Fixture::new();
        let store = at.open().await;
        for one in [
            change("a", 1, ChangeState::Waiting, Some(100), None),
            change("b", 2, ChangeState::Applying, Some(100), Some(150)),
            change("c", 3, ChangeState::Undone, Some(100), None),
            change("d", 4, ChangeState::Applied, None, None),
            change("e", 5, ChangeState::Waiting, Some(900), None),
        ] {
            store.keep_change(&one).await.unwrap();
        }
        let ids = |all: Vec<KeptChange>| all.into_iter().map(|one| one.id).collect::<Vec<_>>();
        assert_eq!(ids(store.changes(3).await.unwrap()), ["e", "d", "c"]);
        assert_eq!(ids(store.due(Millis(99)).await.unwrap()), [""; 0]);
        assert_eq!(ids(store.due(Millis(100)).await.unwrap()), ["a"]);
        assert_eq!(ids(store.due(Millis(150)).await.unwrap()), ["b", "a"]);
        assert_eq!(store.next_deadline().await.unwrap(), Some(Millis(100)));
        store.close().await.unwrap();
        assert_eq!(at.open().await.change("d").await.unwrap().unwrap(), change("d", 4, ChangeState::Applied, None, None));
    }

    #[tokio::test]
    async fn what_is_old_or_beyond_the_newest_is_outlived_and_what_somebody_waits_for_never_is() {
        let at = Fixture::new();
        let store = at.open().await;
        for one in [
            change("waits", 1, ChangeState::Waiting, Some(900), None),
            change("being-applied", 2, ChangeState::Applying, None, Some(950)),
            change("being-undone", 3, ChangeState::Undone, None, Some(950)),
            change("old", 4, ChangeState::Applied, None, None),
            change("old-undone", 5, ChangeState::Undone, Some(7), None),
            change("beyond", 20, ChangeState::Applied, None, None),
            change("new", 30, ChangeState::Applied, None, None),
            change("newest", 31, ChangeState::Undone, None, None),
        ] {
            store.keep_change(&one).await.unwrap();
        }
        let ids = async |most, before, now| {
            let all = store.outlived(most, Millis(before), Millis(now)).await.unwrap();
            all.into_iter().map(|one| one.id).collect::<Vec<_>>()
        };
        assert_eq!(ids(100, 0, 500).await, [""; 0]);
        assert_eq!(ids(100, 10, 500).await, ["old", "old-undone"]);
        assert_eq!(ids(2, 0, 500).await, ["old", "old-undone", "beyond"]);
        assert_eq!(ids(0, 0, 1000).await, ["being-undone", "old", "old-undone", "beyond", "new", "newest"]);
    }

    #[tokio::test]
    async fn of_many_who_want_a_change_one_gets_it_until_its_time_is_over() {
        let at = Fixture::new();
        let store = at.open().await;
        store.keep_change(&change("a", 1, ChangeState::Waiting, Some(100), None)).await.unwrap();
        let from = [ChangeState::Waiting, ChangeState::Undoing];
        let claim = |now: i64| store.claim("a", &from, ChangeState::Undoing, Some(Millis(now + 50)), Millis(now));
        let tries = futures::future::join_all((0..8).map(|_| claim(10))).await;
        assert_eq!(tries.into_iter().filter(|got| *got.as_ref().unwrap()).count(), 1);
        assert!(!claim(59).await.unwrap());
        assert!(claim(60).await.unwrap(), "whoever had it is gone");
        assert!(!store.claim("a", &[ChangeState::Waiting], ChangeState::Applied, None, Millis(500)).await.unwrap());
        assert_eq!(store.change("a").await.unwrap().unwrap().state, ChangeState::Undoing);
        store.forget_change("a").await.unwrap();
        assert_eq!(store.change("a").await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_rehearsal_is_known_for_its_cluster_alone_and_forgotten_a_day_after_its_end() {
        let at = Fixture::new();
        let store = at.open().await;
        store.keep_rehearsal(&"c".into(), "d", Millis(100), Millis(0)).await.unwrap();
        store.keep_rehearsal(&"c".into(), "d", Millis(200), Millis(0)).await.unwrap();
        assert_eq!(store.rehearsal(&"c".into(), "d").await.unwrap(), Some(Millis(200)));
        assert_eq!(store.rehearsal(&"other".into(), "d").await.unwrap(), None);
        store.keep_rehearsal(&"c".into(), "e", Millis(999), Millis(86_400_000 + 201)).await.unwrap();
        assert_eq!(store.rehearsal(&"c".into(), "d").await.unwrap(), None);
    }
}
