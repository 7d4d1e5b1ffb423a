//! Past calls, to look at again and to replay.

use std::collections::{HashMap, VecDeque};

use async_trait::async_trait;
use domain::fault::Fault;
use domain::id::{Millis, ServerId};
use domain::ports::{History, PastCall};
use domain::{Json, JsonMap};
use sqlx::{QueryBuilder, SqliteConnection};

use super::{cut, parse};
use crate::fault::StoreFault;
use crate::open::Store;
use crate::writer::PAST_CALLS;

/// Kept in all; servers that are not saved leave calls too, each under an id of its own.
const IN_ALL: i64 = 20_000;

/// Writes a batch and lets the oldest go.
pub(crate) async fn add(conn: &mut SqliteConnection, past: &HashMap<ServerId, VecDeque<PastCall>>) -> Result<(), StoreFault> {
    let most = i64::try_from(PAST_CALLS).unwrap_or(i64::MAX);
    for (server, calls) in past {
        for call in calls {
            sqlx::query("INSERT INTO history (audit_id, at, server, tool, args, result, ok, elapsed_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
                .bind(&call.audit_id)
                .bind(call.at.0)
                .bind(call.server.as_str())
                .bind(&call.tool)
                .bind(cut(&Json::Object(call.args.clone())))
                .bind(cut(&call.result))
                .bind(call.ok)
                .bind(call.elapsed_ms)
                .execute(&mut *conn)
                .await
                .map_err(keep)?;
        }
        sqlx::query(
            "DELETE FROM history WHERE server = ?1 AND n <= (SELECT n FROM history WHERE server = ?1 ORDER BY n DESC LIMIT 1 OFFSET ?2)",
        )
        .bind(server.as_str())
        .bind(most)
        .execute(&mut *conn)
        .await
        .map_err(keep)?;
    }
    if !past.is_empty() {
        sqlx::query("DELETE FROM history WHERE n <= (SELECT n FROM history ORDER BY n DESC LIMIT 1 OFFSET ?)")
            .bind(IN_ALL)
            .execute(&mut *conn)
            .await
            .map_err(keep)?;
    }
    Ok(())
}

type Columns = (String, i64, String, String, String, String, bool, f64);

#[async_trait]
impl History for Store {
    fn remember(&self, call: PastCall) {
        self.writer().past(call);
    }

    async fn past(&self, server: Option<&ServerId>, tool: Option<&str>, most: u32) -> Result<Vec<PastCall>, Fault> {
        let _ = self.writer().settle().await;
        let mut query = QueryBuilder::new("SELECT audit_id, at, server, tool, args, result, ok, elapsed_ms FROM history WHERE 1");
        if let Some(server) = server {
            query.push(" AND server = ").push_bind(server.as_str());
        }
        if let Some(tool) = tool {
            query.push(" AND tool = ").push_bind(tool);
        }
        query.push(" ORDER BY n DESC LIMIT ").push_bind(i64::from(most));
        let rows: Vec<Columns> = query.build_query_as().fetch_all(self.readers()).await.map_err(read)?;
        let row = |(audit_id, at, server, tool, args, result, ok, elapsed_ms): Columns| {
            let args: JsonMap = parse("history", &args)?;
            Ok(PastCall { audit_id, at: Millis(at), server: server.into(), tool, args, result: parse("history", &result)?, ok, elapsed_ms })
        };
        rows.into_iter().map(row).collect::<Result<_, StoreFault>>().map_err(Fault::from)
    }
}

fn read(fault: sqlx::Error) -> StoreFault {
    StoreFault::sql("read past calls", fault)
}

fn keep(fault: sqlx::Error) -> StoreFault {
    StoreFault::sql("keep past calls", fault)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::open::tests::{Fixture, past};

    #[tokio::test]
    async fn calls_come_back_newest_first_by_server_and_by_tool() {
        let at = Fixture::new();
        let store = at.open().await;
        let (a, b) = (ServerId::from("a"), ServerId::from("b"));
        let mut first = past(&a, "x");
        first.args.insert("path".into(), json!("/tmp"));
        for call in [first.clone(), past(&a, "y"), past(&b, "x")] {
            store.remember(call);
        }
        let tools = |calls: Vec<PastCall>| calls.into_iter().map(|call| format!("{}/{}", call.server, call.tool)).collect::<Vec<_>>();
        assert_eq!(tools(store.past(Some(&a), None, 9).await.unwrap()), ["a/y", "a/x"]);
        assert_eq!(store.past(Some(&a), Some("x"), 9).await.unwrap(), [first]);
        assert_eq!(store.past(None, None, 1).await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn of_each_server_the_newest_five_hundred_are_kept() {
        let at = Fixture::new();
        let store = at.open().await;
        let a = ServerId::from("a");
        store.remember(past(&"b".into(), "other"));
        for round in 0..3 {
            for nth in 0..300 {
                store.remember(past(&a, &format!("{}", round * 300 + nth)));
            }
            store.past(None, None, 1).await.unwrap();
        }
        let calls = store.past(Some(&a), None, 9_999).await.unwrap();
        assert_eq!((calls.len(), calls[0].tool.as_str(), calls[499].tool.as_str()), (500, "899", "400"));
        assert_eq!(store.past(Some(&"b".into()), None, 9).await.unwrap().len(), 1, "another server's calls stay");
    }

    #[tokio::test]
    async fn a_huge_result_is_cut_and_says_so() {
        let at = Fixture::new();
        let store = at.open().await;
        let a = ServerId::from("a");
        let mut call = past(&a, "x");
        call.result = json!("字".repeat(200_000));
        store.remember(call);
        let found = store.past(Some(&a), None, 1).await.unwrap().remove(0);
        assert_eq!(found.result["cut"]["bytes"], 600_002);
        assert!(found.result["cut"]["start"].as_str().unwrap().len() <= 256 * 1024);
    }
}
