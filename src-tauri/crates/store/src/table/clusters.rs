//! Clusters that were imported, and what a person said about programs that ask for their credentials.

use async_trait::async_trait;
use domain::cluster::{ClusterDef, Clusters, Consent, ConsentAnswer};
use domain::fault::Fault;
use domain::id::ClusterId;

use super::{json, parse};
use crate::fault::StoreFault;
use crate::open::Store;

fn read(fault: sqlx::Error) -> StoreFault {
    StoreFault::sql("read the clusters", fault)
}

fn keep(fault: sqlx::Error) -> StoreFault {
    StoreFault::sql("keep clusters", fault)
}

fn place(consent: &Consent) -> String {
    consent.cluster.as_ref().map_or_else(String::new, |cluster| cluster.as_str().to_owned())
}

#[async_trait]
impl Clusters for Store {
    async fn clusters(&self) -> Result<Vec<ClusterDef>, Fault> {
        let rows: Vec<(String,)> =
            sqlx::query_as("SELECT body FROM clusters ORDER BY name").fetch_all(self.readers()).await.map_err(read)?;
        rows.iter().map(|(body,)| parse("clusters", body)).collect::<Result<_, StoreFault>>().map_err(Fault::from)
    }

    async fn put_clusters(&self, clusters: &[ClusterDef]) -> Result<(), Fault> {
        let mut rows = Vec::with_capacity(clusters.len());
        for def in clusters {
            rows.push((def.id.as_str().to_owned(), def.name.clone(), json("clusters", def)?, def.updated_at.0));
        }
        let work = self.writer().write("keep clusters", move |conn| {
            Box::pin(async move {
                // Two that swap their names: neither may be refused because of what the other still has.
                for (id, ..) in &rows {
                    sqlx::query("DELETE FROM clusters WHERE id = ?").bind(id).execute(&mut *conn).await.map_err(keep)?;
                }
                for (id, name, body, updated_at) in rows {
                    let other: Option<i64> = sqlx::query_scalar("SELECT 1 FROM clusters WHERE name = ?")
                        .bind(&name)
                        .fetch_optional(&mut *conn)
                        .await
                        .map_err(keep)?;
                    if other.is_some() {
                        return Err(StoreFault::ClusterNameTaken { name });
                    }
                    sqlx::query("INSERT INTO clusters (id, name, body, updated_at) VALUES (?, ?, ?, ?)")
                        .bind(id)
                        .bind(name)
                        .bind(body)
                        .bind(updated_at)
                        .execute(&mut *conn)
                        .await
                        .map_err(keep)?;
                }
                Ok(())
            })
        });
        Ok(work.await?)
    }

    async fn remove_cluster(&self, id: &ClusterId) -> Result<(), Fault> {
        let id = id.as_str().to_owned();
        let work = self.writer().write("remove a cluster", move |conn| {
            Box::pin(async move {
                for table in ["DELETE FROM consents WHERE cluster = ?", "DELETE FROM clusters WHERE id = ?"] {
                    sqlx::query(table).bind(&id).execute(&mut *conn).await.map_err(keep)?;
                }
                Ok(())
            })
        });
        Ok(work.await?)
    }

    async fn consents(&self) -> Result<Vec<Consent>, Fault> {
        let rows: Vec<(String,)> =
            sqlx::query_as("SELECT body FROM consents ORDER BY program, cluster").fetch_all(self.readers()).await.map_err(read)?;
        rows.iter().map(|(body,)| parse("consents", body)).collect::<Result<_, StoreFault>>().map_err(Fault::from)
    }

    async fn put_consent(&self, consent: &Consent) -> Result<(), Fault> {
        let (program, cluster, body) = (consent.program.clone(), place(consent), json("consents", consent)?);
        let work = self.writer().write("keep a consent", move |conn| {
            Box::pin(async move {
                sqlx::query(
                    "INSERT INTO consents (program, cluster, body) VALUES (?, ?, ?)
                     ON CONFLICT (program, cluster) DO UPDATE SET body = excluded.body",
                )
                .bind(program)
                .bind(cluster)
                .bind(body)
                .execute(conn)
                .await
                .map_err(keep)?;
                Ok(())
            })
        });
        Ok(work.await?)
    }

    async fn spend_consent(&self, consent: &Consent) -> Result<bool, Fault> {
        if consent.answer != ConsentAnswer::Once {
            return Ok(false);
        }
        let (program, cluster, body) = (consent.program.clone(), place(consent), json("consents", consent)?);
        let work = self.writer().write("spend a consent", move |conn| {
            Box::pin(async move {
                let gone = sqlx::query("DELETE FROM consents WHERE program = ? AND cluster = ? AND body = ?")
                    .bind(program)
                    .bind(cluster)
                    .bind(body)
                    .execute(conn)
                    .await
                    .map_err(keep)?;
                Ok(gone.rows_affected() == 1)
            })
        });
        Ok(work.await?)
    }

    async fn remove_consent(&self, program: &str, cluster: Option<&ClusterId>) -> Result<bool, Fault> {
        let (program, cluster) = (program.to_owned(), cluster.map_or_else(String::new, |cluster| cluster.as_str().to_owned()));
        let work = self.writer().write("take a consent back", move |conn| {
            Box::pin(async move {
                let gone = sqlx::query("DELETE FROM consents WHERE program = ? AND cluster = ?")
                    .bind(program)
                    .bind(cluster)
                    .execute(conn)
                    .await
                    .map_err(keep)?;
                Ok(gone.rows_affected() == 1)
            })
        });
        Ok(work.await?)
    }
}

#[cfg(test)]
mod tests {
    use domain::cluster::{ClusterAuth, ClusterSource};
    use domain::id::{Millis, SecretId};

    use super::*;
    use crate::open::tests::Fixture;

    fn cluster(id: &str, name: &str) -> ClusterDef {
        ClusterDef {
            id: id.into(),
            name: name.into(),
            server: "https://10.0.0.1:6443".into(),
            ca_pem: Some("pem".into()),
            tls_server_name: None,
            insecure: false,
            proxy: None,
            namespace: Some("n".into()),
            impersonate: None,
            auth: ClusterAuth::Token { token: SecretId::new("s"), expires_at: Some(Millis(5)) },
            read_only: true,
            colour: Some("red".into()),
            source: Some(ClusterSource {
                file: "/f".into(),
                context: "c".into(),
                user: "u".into(),
                cluster: "k".into(),
                rewritten: true,
                key_files: vec!["/k".into()],
            }),
            created_at: Millis(1),
            updated_at: Millis(2),
        }
    }

    fn consent(program: &str, cluster: Option<&str>, answer: ConsentAnswer) -> Consent {
        Consent { program: program.into(), sha256: "aa".into(), cluster: cluster.map(Into::into), answer, at: Millis(9) }
    }

    #[tokio::test]
    async fn clusters_come_back_as_they_were_kept_all_or_none() {
        let at = Fixture::new();
        let store = at.open().await;
        store.put_clusters(&[cluster("2", "b"), cluster("1", "a")]).await.unwrap();
        assert_eq!(store.clusters().await.unwrap(), [cluster("1", "a"), cluster("2", "b")]);
        let fault = store.put_clusters(&[cluster("3", "c"), cluster("4", "a")]).await.unwrap_err();
        assert_eq!((fault.code.as_str(), fault.kind), ("cluster_name_taken", domain::fault::FaultKind::Config));
        assert_eq!(store.clusters().await.unwrap().len(), 2, "none of the two was kept");
        store.put_clusters(&[cluster("1", "b"), cluster("2", "a")]).await.unwrap();
        assert_eq!(store.clusters().await.unwrap(), [cluster("2", "a"), cluster("1", "b")], "names can be swapped at once");
        store.close().await.unwrap();
        assert_eq!(at.open().await.clusters().await.unwrap().len(), 2);
    }

    #[tokio::test]
    async fn removing_a_cluster_takes_its_own_consents_along() {
        let at = Fixture::new();
        let store = at.open().await;
        store.put_clusters(&[cluster("1", "a")]).await.unwrap();
        for consent in [
            consent("/p", Some("1"), ConsentAnswer::Always),
            consent("/p", None, ConsentAnswer::Deny),
            consent("/q", Some("2"), ConsentAnswer::Until { until: Millis(7) }),
        ] {
            store.put_consent(&consent).await.unwrap();
        }
        store.put_consent(&consent("/p", None, ConsentAnswer::Always)).await.unwrap();
        assert_eq!(store.consents().await.unwrap().len(), 3, "what was said last counts");
        store.remove_cluster(&"1".into()).await.unwrap();
        assert_eq!(store.clusters().await.unwrap(), []);
        let left = [consent("/p", None, ConsentAnswer::Always), consent("/q", Some("2"), ConsentAnswer::Until { until: Millis(7) })];
        assert_eq!(store.consents().await.unwrap(), left);
    }

    #[tokio::test]
    async fn a_consent_for_one_use_is_spent_by_one() {
        let at = Fixture::new();
        let store = at.open().await;
        let once = consent("/p", Some("1"), ConsentAnswer::Once);
        store.put_consent(&once).await.unwrap();
        let tries = futures::future::join_all((0..8).map(|_| store.spend_consent(&once))).await;
        assert_eq!(tries.into_iter().filter(|got| *got.as_ref().unwrap()).count(), 1);
        let always = consent("/p", Some("1"), ConsentAnswer::Always);
        store.put_consent(&always).await.unwrap();
        assert!(!store.spend_consent(&always).await.unwrap());
        assert_eq!(store.consents().await.unwrap(), [always]);
    }

    #[tokio::test]
    async fn a_consent_is_taken_back_for_the_cluster_that_was_named_and_no_other() {
        let at = Fixture::new();
        let store = at.open().await;
        for cluster in [Some("1"), Some("2"), None] {
            store.put_consent(&consent("/p", cluster, ConsentAnswer::Always)).await.unwrap();
        }
        assert!(store.remove_consent("/p", Some(&"1".into())).await.unwrap());
        assert!(!store.remove_consent("/p", Some(&"1".into())).await.unwrap());
        assert!(store.remove_consent("/p", None).await.unwrap());
        assert_eq!(store.consents().await.unwrap(), [consent("/p", Some("2"), ConsentAnswer::Always)]);
    }
}
