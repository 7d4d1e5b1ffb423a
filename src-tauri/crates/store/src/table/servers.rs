//! Saved servers, what a person accepted about them, and what is kept for them.

use async_trait::async_trait;
use domain::Json;
use domain::fault::Fault;
use domain::id::{Millis, ServerId};
use domain::ports::Servers;
use domain::server::{ServerDef, StartRule, Trust};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};

use super::{json, parse};
use crate::fault::StoreFault;
use crate::open::Store;

fn read(fault: sqlx::Error) -> StoreFault {
    StoreFault::sql("read the servers", fault)
}

fn keep(fault: sqlx::Error) -> StoreFault {
    StoreFault::sql("keep a server", fault)
}

fn decode(row: &SqliteRow) -> Result<ServerDef, StoreFault> {
    let text = |column: &str| row.try_get::<String, _>(column).map_err(read);
    let number = |column: &str| row.try_get::<i64, _>(column).map_err(read);
    Ok(ServerDef {
        id: text("id")?.into(),
        name: text("name")?,
        protocol: text("protocol")?.into(),
        enabled: number("enabled")? != 0,
        settings: parse("servers", &text("settings")?)?,
        extra: parse("servers", &text("extra")?)?,
        start: StartRule { lazy: number("lazy")? != 0, idle_stop_secs: u32::try_from(number("idle_stop_secs")?).unwrap_or(0) },
        origin: text("origin")?,
        updated_at: Millis(number("updated_at")?),
    })
}

async fn put(conn: &mut SqliteConnection, def: ServerDef) -> Result<(), StoreFault> {
    let (settings, extra) = (json("servers", &def.settings)?, json("servers", &def.extra)?);
    let other: Option<i64> = sqlx::query_scalar("SELECT 1 FROM servers WHERE name = ? AND id <> ?")
        .bind(&def.name)
        .bind(def.id.as_str())
        .fetch_optional(&mut *conn)
        .await
        .map_err(keep)?;
    if other.is_some() {
        return Err(StoreFault::NameTaken { name: def.name });
    }
    sqlx::query(
        "INSERT INTO servers (id, name, protocol, enabled, settings, extra, lazy, idle_stop_secs, origin, updated_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, protocol = excluded.protocol, enabled = excluded.enabled,
             settings = excluded.settings, extra = excluded.extra, lazy = excluded.lazy,
             idle_stop_secs = excluded.idle_stop_secs, origin = excluded.origin, updated_at = excluded.updated_at",
    )
    .bind(def.id.as_str())
    .bind(&def.name)
    .bind(def.protocol.as_str())
    .bind(def.enabled)
    .bind(settings)
    .bind(extra)
    .bind(def.start.lazy)
    .bind(i64::from(def.start.idle_stop_secs))
    .bind(&def.origin)
    .bind(def.updated_at.0)
    .execute(conn)
    .await
    .map_err(keep)?;
    Ok(())
}

async fn put_trust(conn: &mut SqliteConnection, id: &ServerId, trust: &Trust) -> Result<(), StoreFault> {
    let tools = json("trust", &trust.tools)?;
    sqlx::query(
        "INSERT INTO trust (server, definition, accepted_at, tools) VALUES (?, ?, ?, ?)
         ON CONFLICT (server) DO UPDATE SET definition = excluded.definition, accepted_at = excluded.accepted_at,
             tools = excluded.tools",
    )
    .bind(id.as_str())
    .bind(&trust.definition)
    .bind(trust.accepted_at.0)
    .bind(tools)
    .execute(conn)
    .await
    .map_err(keep)?;
    Ok(())
}

#[async_trait]
impl Servers for Store {
    async fn list(&self) -> Result<Vec<ServerDef>, Fault> {
        let rows = sqlx::query("SELECT * FROM servers ORDER BY name").fetch_all(self.readers()).await.map_err(read)?;
        rows.iter().map(decode).collect::<Result<_, StoreFault>>().map_err(Fault::from)
    }

    async fn put(&self, server: &ServerDef) -> Result<(), Fault> {
        let def = server.clone();
        Ok(self.writer().write("keep a server", move |conn| Box::pin(async move { put(conn, def).await })).await?)
    }

    async fn put_trusted(&self, server: &ServerDef, trust: &Trust) -> Result<(), Fault> {
        let (def, trust) = (server.clone(), trust.clone());
        let work = self.writer().write("keep a server", move |conn| {
            Box::pin(async move {
                let id = def.id.clone();
                put(conn, def).await?;
                put_trust(conn, &id, &trust).await
            })
        });
        Ok(work.await?)
    }

    async fn remove(&self, id: &ServerId) -> Result<(), Fault> {
        // Samples and calls that still wait would come back after the rows are gone.
        let _ = self.writer().settle().await;
        let id = id.as_str().to_owned();
        let work = self.writer().write("remove a server", move |conn| {
            Box::pin(async move {
                for table in [
                    "DELETE FROM trust WHERE server = ?",
                    "DELETE FROM kept WHERE server = ?",
                    "DELETE FROM catalogues WHERE server = ?",
                    "DELETE FROM buckets WHERE server = ?",
                    "DELETE FROM latencies WHERE server = ?",
                    "DELETE FROM history WHERE server = ?",
                    "DELETE FROM servers WHERE id = ?",
                ] {
                    sqlx::query(table).bind(&id).execute(&mut *conn).await.map_err(keep)?;
                }
                Ok(())
            })
        });
        Ok(work.await?)
    }

    async fn trust(&self, id: &ServerId) -> Result<Trust, Fault> {
        let row: Option<(String, i64, String)> = sqlx::query_as("SELECT definition, accepted_at, tools FROM trust WHERE server = ?")
            .bind(id.as_str())
            .fetch_optional(self.readers())
            .await
            .map_err(read)?;
        Ok(match row {
            None => Trust::default(),
            Some((definition, at, tools)) => Trust { definition, accepted_at: Millis(at), tools: parse("trust", &tools)? },
        })
    }

    async fn set_trust(&self, id: &ServerId, trust: &Trust) -> Result<(), Fault> {
        let (id, trust) = (id.clone(), trust.clone());
        let work = self.writer().write("keep what was accepted", move |conn| Box::pin(async move { put_trust(conn, &id, &trust).await }));
        Ok(work.await?)
    }

    async fn recall(&self, id: &ServerId, key: &str) -> Result<Option<Json>, Fault> {
        let value: Option<String> = sqlx::query_scalar("SELECT value FROM kept WHERE server = ? AND key = ?")
            .bind(id.as_str())
            .bind(key)
            .fetch_optional(self.readers())
            .await
            .map_err(read)?;
        Ok(value.map(|value| parse("kept", &value)).transpose()?)
    }

    async fn keep(&self, id: &ServerId, key: &str, value: &Json) -> Result<(), Fault> {
        let (id, key, value) = (id.as_str().to_owned(), key.to_owned(), json("kept", value)?);
        let work = self.writer().write("keep something for a server", move |conn| {
            Box::pin(async move {
                sqlx::query(
                    "INSERT INTO kept (server, key, value) VALUES (?, ?, ?) ON CONFLICT (server, key) DO UPDATE SET value = excluded.value",
                )
                .bind(id)
                .bind(key)
                .bind(value)
                .execute(conn)
                .await
                .map_err(keep)?;
                Ok(())
            })
        });
        Ok(work.await?)
    }
}

#[cfg(test)]
mod tests {
    use domain::ports::{Catalogues, History, MetricsLog};
    use serde_json::json;

    use super::*;
    use crate::open::tests::{Fixture, def, past, sample};

    #[tokio::test]
    async fn a_server_comes_back_as_it_was_saved_and_keeps_its_rows_order_by_name() {
        let at = Fixture::new();
        let store = at.open().await;
        let mut b = def("2", "b");
        b.settings.insert("auth_token".into(), json!("${TOKEN}"));
        b.extra.insert("whatever".into(), json!({ "deep": [1, null] }));
        b.start = StartRule { lazy: true, idle_stop_secs: 9 };
        b.enabled = false;
        store.put(&b).await.unwrap();
        store.put(&def("1", "a")).await.unwrap();
        assert_eq!(store.list().await.unwrap(), [def("1", "a"), b.clone()]);
        b.name = "z".into();
        store.put(&b).await.unwrap();
        assert_eq!(Servers::list(&store).await.unwrap()[1].name, "z", "the id stays, the name changes");
    }

    #[tokio::test]
    async fn a_name_that_another_server_has_is_refused_and_nothing_changes() {
        let at = Fixture::new();
        let store = at.open().await;
        store.put(&def("1", "a")).await.unwrap();
        let fault = store.put(&def("2", "a")).await.unwrap_err();
        assert_eq!((fault.code.as_str(), fault.kind), ("name_taken", domain::fault::FaultKind::Config));
        assert_eq!(Servers::list(&store).await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn removing_a_server_removes_all_that_was_kept_about_it() {
        let at = Fixture::new();
        let store = at.open().await;
        for id in ["1", "2"] {
            store.put(&def(id, id)).await.unwrap();
            let id = ServerId::from(id);
            let trust = Trust { definition: "f".into(), accepted_at: Millis(3), ..Trust::default() };
            store.set_trust(&id, &trust).await.unwrap();
            assert_eq!(store.trust(&id).await.unwrap(), trust);
            store.keep(&id, "era", &json!("modern")).await.unwrap();
            store.save(&id, &crate::open::tests::cached(7)).await.unwrap();
            store.record(sample(&id, 1_000, 5.0));
            store.remember(past(&id, "x"));
        }
        store.remove(&"1".into()).await.unwrap();
        let one = ServerId::from("1");
        assert_eq!(store.trust(&one).await.unwrap(), Trust::default());
        assert_eq!(store.recall(&one, "era").await.unwrap(), None);
        assert_eq!(store.recent(&one, 9).await.unwrap(), Vec::<f64>::new());
        assert_eq!(store.past(Some(&one), None, 9).await.unwrap(), []);
        assert_eq!(store.recall(&"2".into(), "era").await.unwrap(), Some(json!("modern")), "the other one keeps its own");
        assert_eq!(store.load().await.unwrap().len(), 1);
        assert_eq!(store.past(None, None, 9).await.unwrap().len(), 1);
    }
}
