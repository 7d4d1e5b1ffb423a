//! Catalogues as they were last seen.

use async_trait::async_trait;
use domain::fault::Fault;
use domain::id::{Millis, ServerId};
use domain::ports::{CachedCatalogue, Catalogues};

use super::{json, parse};
use crate::fault::StoreFault;
use crate::open::Store;

#[async_trait]
impl Catalogues for Store {
    async fn load(&self) -> Result<Vec<(ServerId, CachedCatalogue)>, Fault> {
        let rows: Vec<(String, String, String, i64)> =
            sqlx::query_as("SELECT server, catalogue, facts, seen_at FROM catalogues ORDER BY server")
                .fetch_all(self.readers())
                .await
                .map_err(|fault| StoreFault::sql("read the catalogues", fault))?;
        let mut found = Vec::with_capacity(rows.len());
        for (server, catalogue, facts, seen_at) in rows {
            let read = || -> Result<CachedCatalogue, StoreFault> {
                Ok(CachedCatalogue {
                    catalogue: parse("catalogues", &catalogue)?,
                    facts: parse("catalogues", &facts)?,
                    seen_at: Millis(seen_at),
                })
            };
            match read() {
                Ok(cached) => found.push((ServerId::from(server), cached)),
                // It is a copy of what the server says: the next connect brings it back.
                Err(fault) => tracing::warn!(%fault, %server, "passed over a cached catalogue"),
            }
        }
        Ok(found)
    }

    async fn save(&self, id: &ServerId, cached: &CachedCatalogue) -> Result<(), Fault> {
        let (server, seen_at) = (id.as_str().to_owned(), cached.seen_at.0);
        let (catalogue, facts) = (json("catalogues", &cached.catalogue)?, json("catalogues", &cached.facts)?);
        let work = self.writer().write("keep a catalogue", move |conn| {
            Box::pin(async move {
                sqlx::query(
                    "INSERT INTO catalogues (server, catalogue, facts, seen_at) VALUES (?, ?, ?, ?)
                     ON CONFLICT (server) DO UPDATE SET catalogue = excluded.catalogue, facts = excluded.facts, seen_at = excluded.seen_at",
                )
                .bind(server)
                .bind(catalogue)
                .bind(facts)
                .bind(seen_at)
                .execute(conn)
                .await
                .map_err(|fault| StoreFault::sql("keep a catalogue", fault))?;
                Ok(())
            })
        });
        Ok(work.await?)
    }
}

#[cfg(test)]
mod tests {
    use domain::server::PeerFacts;
    use domain::tool::{Annotations, Catalogue, RejectedTool, Tool};
    use serde_json::json;

    use super::*;
    use crate::open::tests::Fixture;

    #[tokio::test]
    async fn a_catalogue_comes_back_as_it_was_kept_and_the_newer_one_replaces_it() {
        let at = Fixture::new();
        let store = at.open().await;
        let mut cached = CachedCatalogue {
            catalogue: Catalogue {
                tools: vec![Tool {
                    name: "read".into(),
                    title: Some("读".into()),
                    description: "reads".into(),
                    input_schema: json!({ "type": "object" }),
                    output_schema: None,
                    annotations: Annotations { read_only_hint: Some(true), ..Annotations::default() },
                }],
                rejected: vec![RejectedTool { name: "x".into(), reason: "no schema".into() }],
                partial: Some("page limit".into()),
            },
            facts: PeerFacts { name: "peer".into(), revision: "2025-11-25".into(), ..PeerFacts::default() },
            seen_at: Millis(5),
        };
        store.save(&"a".into(), &cached).await.unwrap();
        cached.seen_at = Millis(6);
        cached.catalogue.partial = None;
        store.save(&"a".into(), &cached).await.unwrap();
        assert_eq!(store.load().await.unwrap(), [("a".into(), cached)]);
    }
}
