//! The vault's rows: wrapped keys and sealed values. Nothing here can open anything.

use async_trait::async_trait;
use domain::fault::Fault;
use domain::id::{Millis, SecretId};
use domain::vault::rows::{SealedSecret, VaultHead, VaultRows, WrappedKey};
use domain::vault::{Owner, SecretFacts, SecretKind, VaultKind};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};

use super::{json, parse};
use crate::fault::StoreFault;
use crate::open::Store;
use crate::snapshot;

fn read(fault: sqlx::Error) -> StoreFault {
    StoreFault::sql("read the vault", fault)
}

fn keep(fault: sqlx::Error) -> StoreFault {
    StoreFault::sql("keep the vault", fault)
}

/// Numbers of ours that are never negative; SQLite knows only signed ones.
fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn kind_word(kind: VaultKind) -> &'static str {
    match kind {
        VaultKind::Keyring => "keyring",
        VaultKind::Passphrase => "passphrase",
        VaultKind::Session => "session",
    }
}

fn kind_of(word: &str) -> Result<VaultKind, StoreFault> {
    match word {
        "keyring" => Ok(VaultKind::Keyring),
        "passphrase" => Ok(VaultKind::Passphrase),
        "session" => Ok(VaultKind::Session),
        other => Err(StoreFault::Row { table: "vault_meta", reason: format!("no kind of vault is called {other}") }),
    }
}

fn facts(row: &SqliteRow) -> Result<SecretFacts, StoreFault> {
    let text = |column: &str| row.try_get::<String, _>(column).map_err(read);
    let moment = |column: &str| row.try_get::<Option<i64>, _>(column).map(|at| at.map(Millis)).map_err(read);
    let kind: SecretKind = parse("secret", &format!("\"{}\"", text("kind")?))?;
    Ok(SecretFacts {
        id: text("id")?.into(),
        owner: Owner::new(text("owner_kind")?, text("owner_id")?, text("field")?),
        kind,
        present: row.try_get::<i64, _>("size").map_err(read)? > 0,
        created_at: moment("created_at")?.unwrap_or_default(),
        updated_at: moment("updated_at")?.unwrap_or_default(),
        expires_at: moment("expires_at")?,
        last_used: moment("last_used")?,
    })
}

fn sealed(row: &SqliteRow) -> Result<SealedSecret, StoreFault> {
    Ok(SealedSecret {
        facts: facts(row)?,
        generation: count(row.try_get("generation").map_err(read)?),
        nonce: row.try_get("nonce").map_err(read)?,
        sealed: row.try_get("sealed").map_err(read)?,
    })
}

async fn insert(conn: &mut SqliteConnection, row: &SealedSecret) -> Result<(), StoreFault> {
    let (facts, owner) = (&row.facts, &row.facts.owner);
    let kind = json("secret", &facts.kind)?;
    sqlx::query("DELETE FROM secret WHERE owner_kind = ? AND owner_id = ? AND field = ? AND id <> ?")
        .bind(&owner.kind)
        .bind(&owner.id)
        .bind(&owner.field)
        .bind(facts.id.as_str())
        .execute(&mut *conn)
        .await
        .map_err(keep)?;
    sqlx::query(
        "INSERT INTO secret (id, owner_kind, owner_id, field, kind, generation, nonce, sealed, created_at, updated_at, expires_at, last_used)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET owner_kind = excluded.owner_kind, owner_id = excluded.owner_id, field = excluded.field,
             kind = excluded.kind, generation = excluded.generation, nonce = excluded.nonce, sealed = excluded.sealed,
             updated_at = excluded.updated_at, expires_at = excluded.expires_at",
    )
    .bind(facts.id.as_str())
    .bind(&owner.kind)
    .bind(&owner.id)
    .bind(&owner.field)
    .bind(kind.trim_matches('"'))
    .bind(number(row.generation))
    .bind(&row.nonce)
    .bind(&row.sealed)
    .bind(facts.created_at.0)
    .bind(facts.updated_at.0)
    .bind(facts.expires_at.map(|at| at.0))
    .bind(facts.last_used.map(|at| at.0))
    .execute(&mut *conn)
    .await
    .map_err(keep)?;
    Ok(())
}

async fn revision(conn: &mut SqliteConnection) -> Result<Option<u64>, StoreFault> {
    let revision: Option<i64> =
        sqlx::query_scalar("SELECT revision FROM vault_meta WHERE one = 1").fetch_optional(conn).await.map_err(read)?;
    Ok(revision.map(count))
}

async fn write_head(conn: &mut SqliteConnection, head: &VaultHead) -> Result<(), StoreFault> {
    sqlx::query(
        "INSERT INTO vault_meta (one, uuid, schema, kind, generation, revision, held, tries, tried_at, created_at)
         VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (one) DO UPDATE SET uuid = excluded.uuid, schema = excluded.schema, kind = excluded.kind,
             generation = excluded.generation, revision = excluded.revision, held = excluded.held, tries = excluded.tries,
             tried_at = excluded.tried_at, created_at = excluded.created_at",
    )
    .bind(&head.uuid)
    .bind(i64::from(head.schema))
    .bind(kind_word(head.kind))
    .bind(number(head.generation))
    .bind(number(head.revision))
    .bind(head.held)
    .bind(i64::from(head.tries))
    .bind(head.tried_at.0)
    .bind(head.created_at.0)
    .execute(&mut *conn)
    .await
    .map_err(keep)?;
    sqlx::query("DELETE FROM vault_key").execute(&mut *conn).await.map_err(keep)?;
    for key in &head.keys {
        sqlx::query("INSERT INTO vault_key (generation, account, kdf, salt, nonce, wrapped, kcv) VALUES (?, ?, ?, ?, ?, ?, ?)")
            .bind(number(key.generation))
            .bind(&key.account)
            .bind(json("vault_key", &key.kdf)?)
            .bind(&key.salt)
            .bind(&key.nonce)
            .bind(&key.wrapped)
            .bind(&key.check)
            .execute(&mut *conn)
            .await
            .map_err(keep)?;
    }
    Ok(())
}

#[async_trait]
impl VaultRows for Store {
    async fn head(&self) -> Result<Option<VaultHead>, Fault> {
        // One transaction: a head and the keys of another head would fit nothing.
        let mut reading = self.readers().begin().await.map_err(read)?;
        let row = sqlx::query("SELECT * FROM vault_meta WHERE one = 1").fetch_optional(&mut *reading).await.map_err(read)?;
        let Some(row) = row else { return Ok(None) };
        let whole = |column: &str| row.try_get::<i64, _>(column).map_err(read);
        let keys = sqlx::query("SELECT * FROM vault_key ORDER BY generation").fetch_all(&mut *reading).await.map_err(read)?;
        let keys = keys.iter().map(|key| {
            let bytes = |column: &str| key.try_get::<Vec<u8>, _>(column).map_err(read);
            Ok(WrappedKey {
                generation: count(key.try_get("generation").map_err(read)?),
                account: key.try_get("account").map_err(read)?,
                kdf: parse("vault_key", &key.try_get::<String, _>("kdf").map_err(read)?)?,
                salt: bytes("salt")?,
                nonce: bytes("nonce")?,
                wrapped: bytes("wrapped")?,
                check: bytes("kcv")?,
            })
        });
        Ok(Some(VaultHead {
            uuid: row.try_get("uuid").map_err(read)?,
            schema: u32::try_from(whole("schema")?).unwrap_or(0),
            kind: kind_of(&row.try_get::<String, _>("kind").map_err(read)?)?,
            generation: count(whole("generation")?),
            revision: count(whole("revision")?),
            held: whole("held")? != 0,
            tries: u32::try_from(whole("tries")?).unwrap_or(u32::MAX),
            tried_at: Millis(whole("tried_at")?),
            created_at: Millis(whole("created_at")?),
            keys: keys.collect::<Result<_, StoreFault>>()?,
        }))
    }

    async fn set_head(&self, seen: Option<u64>, head: &VaultHead) -> Result<bool, Fault> {
        let head = head.clone();
        let work = self.writer().write("keep the vault's key", move |conn| {
            Box::pin(async move {
                if revision(conn).await? != seen {
                    return Ok(false);
                }
                write_head(conn, &head).await?;
                Ok(true)
            })
        });
        Ok(work.await?)
    }

    async fn sealed(&self, id: &SecretId) -> Result<Option<SealedSecret>, Fault> {
        let row = sqlx::query("SELECT *, length(sealed) AS size FROM secret WHERE id = ?")
            .bind(id.as_str())
            .fetch_optional(self.readers())
            .await
            .map_err(read)?;
        Ok(row.as_ref().map(sealed).transpose()?)
    }

    async fn find(&self, owner: &Owner) -> Result<Option<SecretFacts>, Fault> {
        let row = sqlx::query("SELECT *, length(sealed) AS size FROM secret WHERE owner_kind = ? AND owner_id = ? AND field = ?")
            .bind(&owner.kind)
            .bind(&owner.id)
            .bind(&owner.field)
            .fetch_optional(self.readers())
            .await
            .map_err(read)?;
        Ok(row.as_ref().map(facts).transpose()?)
    }

    async fn facts(&self) -> Result<Vec<SecretFacts>, Fault> {
        let rows = sqlx::query(
            "SELECT id, owner_kind, owner_id, field, kind, length(sealed) AS size, created_at, updated_at, expires_at, last_used
             FROM secret ORDER BY owner_kind, owner_id, field",
        )
        .fetch_all(self.readers())
        .await
        .map_err(read)?;
        Ok(rows.iter().map(facts).collect::<Result<_, StoreFault>>()?)
    }

    async fn put(&self, seen: u64, rows: &[SealedSecret]) -> Result<bool, Fault> {
        let rows = rows.to_vec();
        let work = self.writer().write("keep a secret", move |conn| {
            Box::pin(async move {
                if revision(conn).await? != Some(seen) {
                    return Ok(false);
                }
                for row in &rows {
                    insert(conn, row).await?;
                }
                Ok(true)
            })
        });
        Ok(work.await?)
    }

    async fn behind(&self, generation: u64, most: u32) -> Result<Vec<SealedSecret>, Fault> {
        let rows =
            sqlx::query("SELECT *, length(sealed) AS size FROM secret WHERE generation <> ? AND length(sealed) > 0 ORDER BY id LIMIT ?")
                .bind(number(generation))
                .bind(i64::from(most))
                .fetch_all(self.readers())
                .await
                .map_err(read)?;
        Ok(rows.iter().map(sealed).collect::<Result<_, StoreFault>>()?)
    }

    async fn reseal(&self, rows: &[(Vec<u8>, SealedSecret)]) -> Result<(), Fault> {
        let rows = rows.to_vec();
        let work = self.writer().write("seal secrets anew", move |conn| {
            Box::pin(async move {
                for (seen, row) in rows {
                    sqlx::query("UPDATE secret SET generation = ?, nonce = ?, sealed = ? WHERE id = ? AND nonce = ?")
                        .bind(number(row.generation))
                        .bind(row.nonce)
                        .bind(row.sealed)
                        .bind(row.facts.id.as_str())
                        .bind(seen)
                        .execute(&mut *conn)
                        .await
                        .map_err(keep)?;
                }
                Ok(())
            })
        });
        Ok(work.await?)
    }

    async fn used(&self, id: &SecretId, at: Millis) -> Result<(), Fault> {
        let id = id.as_str().to_owned();
        let work = self.writer().write("note that a secret was used", move |conn| {
            Box::pin(async move {
                sqlx::query("UPDATE secret SET last_used = ? WHERE id = ?").bind(at.0).bind(id).execute(conn).await.map_err(keep)?;
                Ok(())
            })
        });
        Ok(work.await?)
    }

    async fn remove(&self, ids: &[SecretId]) -> Result<(), Fault> {
        let ids = ids.to_vec();
        let work = self.writer().write("remove secrets", move |conn| {
            Box::pin(async move {
                for id in ids {
                    sqlx::query("DELETE FROM secret WHERE id = ?").bind(id.as_str()).execute(&mut *conn).await.map_err(keep)?;
                }
                Ok(())
            })
        });
        Ok(work.await?)
    }

    async fn scrub(&self) -> Result<(), Fault> {
        Ok(self.writer().alone("empty the write-ahead log", |conn| Box::pin(truncate(conn))).await?)
    }

    async fn copy(&self) -> Result<(), Fault> {
        let (dir, now) = (self.dir().to_owned(), self.now());
        let work = self.writer().alone("take a copy", move |conn| Box::pin(async move { snapshot::take(&dir, conn, now).await.map(drop) }));
        Ok(work.await?)
    }

    async fn renew_copies(&self) -> Result<(), Fault> {
        let (dir, now) = (self.dir().to_owned(), self.now());
        let work = self.writer().alone("renew the copies", move |conn| {
            Box::pin(async move {
                truncate(conn).await?;
                // The new one first: at no moment is there none.
                let kept = snapshot::take(&dir, conn, now).await?;
                snapshot::remove_but(&dir, &kept)
            })
        });
        Ok(work.await?)
    }

    async fn destroy(&self) -> Result<(), Fault> {
        let work = self.writer().write("destroy the vault", |conn| {
            Box::pin(async move {
                // The keys first: without them the rest is noise.
                for table in ["DELETE FROM vault_key", "DELETE FROM vault_meta", "DELETE FROM secret"] {
                    sqlx::query(table).execute(&mut *conn).await.map_err(keep)?;
                }
                Ok(())
            })
        });
        work.await?;
        let (dir, now) = (self.dir().to_owned(), self.now());
        let work = self.writer().alone("leave nothing of the vault", move |conn| {
            Box::pin(async move {
                truncate(conn).await?;
                sqlx::query("VACUUM").execute(&mut *conn).await.map_err(keep)?;
                truncate(conn).await?;
                let kept = snapshot::take(&dir, conn, now).await?;
                snapshot::remove_but(&dir, &kept)
            })
        });
        Ok(work.await?)
    }
}

/// Writes the log back into the database and empties it. Somebody who reads at that moment is waited for.
async fn truncate(conn: &mut SqliteConnection) -> Result<(), StoreFault> {
    let (busy, _, _): (i64, i64, i64) = sqlx::query_as("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(conn).await.map_err(keep)?;
    if busy == 0 { Ok(()) } else { Err(StoreFault::Busy { what: "emptying the write-ahead log".into() }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::open::tests::Fixture;

    fn head(revision: u64) -> VaultHead {
        VaultHead {
            uuid: "u".into(),
            schema: 1,
            kind: VaultKind::Keyring,
            generation: 1,
            revision,
            held: false,
            tries: 0,
            tried_at: Millis(0),
            created_at: Millis(5),
            keys: vec![WrappedKey {
                generation: 1,
                account: "vault-kek.v1.u".into(),
                kdf: domain::Json::Null,
                salt: vec![],
                nonce: vec![1; 24],
                wrapped: vec![2; 48],
                check: vec![3; 50],
            }],
        }
    }

    fn row(id: &str, field: &str, sealed: &[u8]) -> SealedSecret {
        let facts = SecretFacts {
            id: id.into(),
            owner: Owner::new("server", "s", field),
            kind: SecretKind::SignIn,
            present: !sealed.is_empty(),
            created_at: Millis(1),
            updated_at: Millis(2),
            expires_at: Some(Millis(3)),
            last_used: None,
        };
        SealedSecret { facts, generation: 1, nonce: vec![7; 24], sealed: sealed.to_vec() }
    }

    #[tokio::test]
    async fn of_two_that_change_the_head_the_second_learns_of_the_first() {
        let at = Fixture::new();
        let store = at.open().await;
        assert_eq!(store.head().await.unwrap(), None);
        assert!(store.set_head(None, &head(1)).await.unwrap());
        assert!(!store.set_head(None, &head(1)).await.unwrap(), "there is one already");
        assert!(!store.put(0, &[row("a", "x", b"1")]).await.unwrap(), "rows too");
        assert!(store.set_head(Some(1), &VaultHead { held: true, ..head(2) }).await.unwrap());
        assert_eq!(store.head().await.unwrap(), Some(VaultHead { held: true, ..head(2) }));
    }

    #[tokio::test]
    async fn an_owners_field_has_one_row_and_a_row_that_moved_on_is_not_sealed_back() {
        let at = Fixture::new();
        let store = at.open().await;
        store.set_head(None, &head(1)).await.unwrap();
        assert!(store.put(1, &[row("a", "x", b"1"), row("b", "y", b"")]).await.unwrap());
        assert_eq!(store.sealed(&"a".into()).await.unwrap(), Some(row("a", "x", b"1")));
        assert_eq!(store.facts().await.unwrap(), [row("a", "x", b"1").facts, row("b", "y", b"").facts]);
        store.put(1, &[row("c", "x", b"2")]).await.unwrap();
        assert_eq!(store.sealed(&"a".into()).await.unwrap(), None);
        assert_eq!(store.find(&Owner::new("server", "s", "x")).await.unwrap().unwrap().id, "c".into());
        assert_eq!(store.behind(2, 9).await.unwrap(), [row("c", "x", b"2")], "b holds nothing");
        let anew = SealedSecret { generation: 2, nonce: vec![8; 24], ..row("c", "x", b"3") };
        store.reseal(&[(vec![9; 24], anew.clone())]).await.unwrap();
        assert_eq!(store.behind(2, 9).await.unwrap().len(), 1, "its nonce is another one by now");
        store.reseal(&[(vec![7; 24], anew)]).await.unwrap();
        assert_eq!(store.behind(2, 9).await.unwrap(), []);
    }

    #[tokio::test]
    async fn what_is_removed_or_destroyed_is_in_no_file_any_more() {
        let at = Fixture::new();
        let store = at.open().await;
        let canary = b"canary-7f3a9c51-sealed-bytes";
        store.set_head(None, &head(1)).await.unwrap();
        store.put(1, &[row("a", "x", canary), row("b", "y", canary)]).await.unwrap();
        store.copy().await.unwrap();
        let files = |dir: &std::path::Path| {
            let mut found = 0;
            let mut folders = vec![dir.to_owned()];
            while let Some(folder) = folders.pop() {
                for entry in std::fs::read_dir(folder).unwrap().flatten() {
                    if entry.path().is_dir() {
                        folders.push(entry.path());
                    } else {
                        found += std::fs::read(entry.path()).unwrap().windows(canary.len()).filter(|part| part == canary).count();
                    }
                }
            }
            found
        };
        assert!(files(store.dir()) >= 2, "the search finds what is there");
        store.remove(&["a".into(), "b".into()]).await.unwrap();
        store.scrub().await.unwrap();
        store.renew_copies().await.unwrap();
        assert_eq!(files(store.dir()), 0, "K-15, D-09");
        store.put(1, &[row("a", "x", canary)]).await.unwrap();
        store.destroy().await.unwrap();
        assert_eq!(files(store.dir()), 0);
        assert_eq!(store.head().await.unwrap(), None);
    }
}
