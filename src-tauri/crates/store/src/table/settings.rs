//! The policy, and small documents under a key.

use async_trait::async_trait;
use domain::Json;
use domain::fault::Fault;
use domain::policy::Policy;
use domain::ports::Settings;

use super::{json, parse};
use crate::fault::StoreFault;
use crate::open::Store;

#[async_trait]
impl Settings for Store {
    async fn policy(&self) -> Result<Policy, Fault> {
        let body: Option<String> =
            sqlx::query_scalar("SELECT body FROM policy WHERE one = 1").fetch_optional(self.readers()).await.map_err(read)?;
        // A policy that does not parse is a fault: falling back to the defaults could allow what the person had forbidden.
        Ok(body.map_or_else(|| Ok(Policy::default()), |body| parse("policy", &body))?)
    }

    async fn set_policy(&self, policy: &Policy) -> Result<(), Fault> {
        let body = json("policy", policy)?;
        let work = self.writer().write("keep the policy", move |conn| {
            Box::pin(async move {
                sqlx::query("INSERT INTO policy (one, body) VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET body = excluded.body")
                    .bind(body)
                    .execute(conn)
                    .await
                    .map_err(keep)?;
                Ok(())
            })
        });
        Ok(work.await?)
    }

    async fn get(&self, key: &str) -> Result<Option<Json>, Fault> {
        let value: Option<String> =
            sqlx::query_scalar("SELECT value FROM settings WHERE key = ?").bind(key).fetch_optional(self.readers()).await.map_err(read)?;
        Ok(value.map(|value| parse("settings", &value)).transpose()?)
    }

    async fn set(&self, key: &str, value: &Json) -> Result<(), Fault> {
        let key = key.to_owned();
        let value = if value.is_null() { None } else { Some(json("settings", value)?) };
        let work = self.writer().write("keep a setting", move |conn| {
            Box::pin(async move {
                let query = match value {
                    Some(value) => sqlx::query(
                        "INSERT INTO settings (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                    )
                    .bind(key)
                    .bind(value),
                    None => sqlx::query("DELETE FROM settings WHERE key = ?").bind(key),
                };
                query.execute(conn).await.map_err(keep)?;
                Ok(())
            })
        });
        Ok(work.await?)
    }

    async fn with_prefix(&self, prefix: &str) -> Result<Vec<(String, Json)>, Fault> {
        let rows: Vec<(String, String)> =
            sqlx::query_as("SELECT key, value FROM settings WHERE substr(key, 1, length(?1)) = ?1 ORDER BY key")
                .bind(prefix)
                .fetch_all(self.readers())
                .await
                .map_err(read)?;
        let row = |(key, value): (String, String)| Ok((key, parse("settings", &value)?));
        rows.into_iter().map(row).collect::<Result<_, StoreFault>>().map_err(Fault::from)
    }
}

fn read(fault: sqlx::Error) -> StoreFault {
    StoreFault::sql("read the settings", fault)
}

fn keep(fault: sqlx::Error) -> StoreFault {
    StoreFault::sql("keep a setting", fault)
}

#[cfg(test)]
mod tests {
    use domain::policy::{Door, Rule, Verdict};
    use domain::tool::Risk;
    use serde_json::json;

    use super::*;
    use crate::open::tests::Fixture;

    #[tokio::test]
    async fn the_policy_comes_back_and_before_there_is_one_the_defaults_do() {
        let at = Fixture::new();
        let store = at.open().await;
        assert_eq!(store.policy().await.unwrap(), Policy::default());
        let rule =
            Rule { id: "r".into(), door: Some(Door::Cli), risk: None, server: Some("a*".into()), tool: None, verdict: Verdict::Deny };
        let policy = Policy { rules: vec![rule], risks: vec![("*".into(), "rm".into(), Risk::High)] };
        store.set_policy(&policy).await.unwrap();
        assert_eq!(store.policy().await.unwrap(), policy);
    }

    #[tokio::test]
    async fn settings_are_kept_found_by_prefix_and_removed_by_null() {
        let at = Fixture::new();
        let store = at.open().await;
        store.set("template:b", &json!({ "x": 1 })).await.unwrap();
        store.set("template:a", &json!([2])).await.unwrap();
        store.set("templates", &json!("no")).await.unwrap();
        store.set("tem%", &json!("no")).await.unwrap();
        assert_eq!(
            store.with_prefix("template:").await.unwrap(),
            [("template:a".to_owned(), json!([2])), ("template:b".to_owned(), json!({ "x": 1 }))]
        );
        store.set("template:a", &json!(3)).await.unwrap();
        assert_eq!(store.get("template:a").await.unwrap(), Some(json!(3)));
        store.set("template:a", &Json::Null).await.unwrap();
        assert_eq!(store.get("template:a").await.unwrap(), None);
    }
}
