//! The rows of the audit chain: appending and listing.

use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use domain::audit::{Durability, Entry, Filter, Row, Verified};
use domain::fault::Fault;
use domain::ports::AuditLog;
use domain::tool::hex;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Arguments, AssertSqlSafe, QueryBuilder, Sqlite, SqliteConnection};

use crate::chain::{self, Seal};
use crate::fault::StoreFault;
use crate::open::Store;

/// Rows in one commit: they are in the log together or not at all.
pub(crate) const AT_ONCE: usize = 512;
/// Rows in one statement. Few sizes, so that the statements are prepared once and for all.
const SIZES: [usize; 5] = [64, 16, 4, 2, 1];
/// The statements, by size.
static INSERTS: LazyLock<[String; SIZES.len()]> = LazyLock::new(|| SIZES.map(insert_of));

fn insert_of(rows: usize) -> String {
    let places = vec!["(?,?,?,?,?,?,?,?,?,?)"; rows].join(",");
    format!("INSERT INTO audit (seq, run, id, at, kind, ending, server, body, prev, mac) VALUES {places}")
}

/// Rows on their way into one commit.
pub(crate) struct Batch {
    run: Arc<str>,
    /// Full statements: the place of their size, and their values.
    full: Vec<(usize, SqliteArguments)>,
    args: SqliteArguments,
    rows: usize,
    /// Rows that are still to come.
    left: usize,
}

impl Batch {
    /// For so many rows.
    pub(crate) fn new(run: &Arc<str>, rows: usize) -> Self {
        Self { run: Arc::clone(run), full: Vec::new(), args: SqliteArguments::default(), rows: 0, left: rows }
    }

    /// Adds a row.
    pub(crate) fn push(&mut self, seq: i64, entry: &Entry, body: String, prev: &Seal, mac: &Seal) -> Result<(), StoreFault> {
        let put = || -> Result<(), sqlx::error::BoxDynError> {
            self.args.reserve(10, 0);
            self.args.add(seq)?;
            self.args.add(Arc::clone(&self.run))?;
            self.args.add(entry.id.as_str())?;
            self.args.add(entry.at.0)?;
            self.args.add(chain::kind(&entry.event))?;
            self.args.add(chain::ending(&entry.event))?;
            self.args.add(entry.server.as_ref().map(domain::id::ServerId::as_str))?;
            self.args.add(body)?;
            self.args.add(prev.as_slice())?;
            self.args.add(mac.as_slice())
        };
        put().map_err(|fault| StoreFault::Row { table: "audit", reason: fault.to_string() })?;
        self.rows += 1;
        let size = SIZES.iter().position(|size| *size <= self.left).unwrap_or(SIZES.len() - 1);
        if self.rows == SIZES[size] {
            self.full.push((size, std::mem::take(&mut self.args)));
            self.left = self.left.saturating_sub(self.rows);
            self.rows = 0;
        }
        Ok(())
    }

    /// Inserts them all, in one commit.
    pub(crate) async fn insert(self, conn: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        debug_assert_eq!((self.rows, self.left), (0, 0), "as many rows came as were announced");
        let several = self.full.len() > 1;
        if several {
            sqlx::query("BEGIN IMMEDIATE").execute(&mut *conn).await?;
        }
        for (size, args) in self.full {
            let done = sqlx::query_with(AssertSqlSafe(INSERTS[size].as_str()), args).execute(&mut *conn).await;
            if let Err(fault) = done {
                if several {
                    // A full disk has rolled back already; then this is refused, which is fine.
                    let _ = sqlx::query("ROLLBACK").execute(&mut *conn).await;
                }
                return Err(fault);
            }
        }
        if several && let Err(fault) = sqlx::query("COMMIT").execute(&mut *conn).await {
            let _ = sqlx::query("ROLLBACK").execute(&mut *conn).await;
            return Err(fault);
        }
        Ok(())
    }
}

/// The last row's place and seal.
pub(crate) async fn last(conn: &mut SqliteConnection) -> Result<Option<(i64, Seal)>, StoreFault> {
    let row: Option<(i64, Vec<u8>)> =
        sqlx::query_as("SELECT seq, mac FROM audit ORDER BY seq DESC LIMIT 1").fetch_optional(conn).await.map_err(sql)?;
    // A seal of another length is somebody's doing; verifying finds it, and the chain goes on from what it begins with.
    Ok(row.map(|(seq, mac)| {
        let mut seal = [0; 32];
        for (to, from) in seal.iter_mut().zip(mac) {
            *to = from;
        }
        (seq, seal)
    }))
}

/// How far the head file goes, by the database: never further than the file does.
const VOUCHED: &str = "audit.head";
/// How far the log was when it was last put on the disk.
const SYNCED: &str = "audit.synced";

/// Notes in the database itself how far the head file goes, so that a tail that was cut off is told from an older copy.
pub(crate) async fn set_vouched(conn: &mut SqliteConnection, seq: i64) -> Result<(), StoreFault> {
    set_most(conn, VOUCHED, seq).await
}

/// Notes how far the log is now. A commit that writes nothing would put nothing on the disk.
pub(crate) async fn set_synced(conn: &mut SqliteConnection, seq: i64) -> Result<(), StoreFault> {
    set_most(conn, SYNCED, seq).await
}

/// Sets a place that only ever grows.
async fn set_most(conn: &mut SqliteConnection, key: &str, seq: i64) -> Result<(), StoreFault> {
    sqlx::query(
        "INSERT INTO meta (key, value) VALUES (?, ?)
         ON CONFLICT (key) DO UPDATE SET value = CAST(max(CAST(value AS INTEGER), CAST(excluded.value AS INTEGER)) AS TEXT)",
    )
    .bind(key)
    .bind(seq.to_string())
    .execute(conn)
    .await
    .map_err(sql)?;
    Ok(())
}

/// How far the head file went at the last time, going by the database.
pub(crate) async fn vouched(conn: &mut SqliteConnection) -> Result<u64, StoreFault> {
    let value: Option<String> =
        sqlx::query_scalar("SELECT value FROM meta WHERE key = ?").bind(VOUCHED).fetch_optional(conn).await.map_err(sql)?;
    Ok(value.and_then(|value| value.parse().ok()).unwrap_or(0))
}

/// Most rows in one answer.
const MOST: u32 = 10_000;

/// Whether a text can only be meant as a reference.
fn is_reference(text: &str) -> bool {
    text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// How the text of a filter is meant.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Meant {
    /// As a reference: found by its index.
    Reference,
    /// As something that stands anywhere in a row.
    Anything,
}

/// The question for a filter. A call fits when its intent or its outcome fits, and then both rows are in the answer.
fn question(filter: &Filter, meant: Meant) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new("SELECT a.seq, a.body, a.mac FROM audit a WHERE 1");
    if let Some(before) = filter.before {
        query.push(" AND a.seq < ").push_bind(i64::try_from(before).unwrap_or(i64::MAX));
    }
    if let Some(server) = &filter.server {
        query.push(" AND a.server = ").push_bind(server.as_str().to_owned());
    }
    if let Some(from) = filter.from {
        query.push(" AND a.at >= ").push_bind(from.0);
    }
    if let Some(until) = filter.until {
        query.push(" AND a.at <= ").push_bind(until.0);
    }
    match filter.ending.as_deref() {
        None | Some("") => {}
        Some(kind @ ("refused" | "note")) => {
            query.push(" AND a.kind = ").push_bind(kind.to_owned());
        }
        Some("running") => {
            // Every intent before the lowest of these has its outcome, so that a long log costs nothing here.
            query.push(" AND a.seq >= (SELECT min(low) FROM runs) AND a.kind = 'intent'");
            query.push(" AND NOT EXISTS (SELECT 1 FROM audit o WHERE o.id = a.id AND o.kind = 'outcome' AND o.seq > a.seq)");
        }
        Some(ending) => {
            query.push(" AND (a.ending = ").push_bind(ending.to_owned());
            query.push(" OR (a.kind = 'intent' AND EXISTS (SELECT 1 FROM audit o WHERE o.id = a.id AND o.seq > a.seq AND o.ending = ");
            query.push_bind(ending.to_owned()).push(")))");
        }
    }
    let text = filter.text.as_deref().filter(|text| !text.is_empty());
    if let (Some(text), Meant::Reference) = (text, meant) {
        query.push(" AND a.id = ").push_bind(text.to_ascii_lowercase());
    } else if let Some(text) = text {
        // What is searched: not the shape of the arguments, only who, what, where, and why. Taking a body apart costs ten times what
        // finding a text in it costs, so that comes first.
        const SEARCHED: &str = " AND instr(lower(s.id || char(10) || json_extract(s.body, '$.serverName') \
             || char(10) || json_extract(s.body, '$.actor.name') || char(10) || json_extract(s.body, '$.actor.door') \
             || char(10) || coalesce(json_extract(s.body, '$.event.tool'), '') || char(10) || coalesce(json_extract(s.body, '$.event.rule'), '') \
             || char(10) || coalesce(json_extract(s.body, '$.event.what'), '') || char(10) || coalesce(json_extract(s.body, '$.event.code'), '')), \
             lower(";
        let quoted = domain::Json::from(text).to_string();
        let inside = quoted.get(1..quoted.len() - 1).unwrap_or(text);
        let like = format!("%{}%", inside.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"));
        query.push(" AND a.id IN (SELECT s.id FROM audit s WHERE s.body LIKE ").push_bind(like).push(" ESCAPE '\\'");
        query.push(SEARCHED).push_bind(text.to_owned()).push(")) > 0)");
    }
    let limit = if filter.limit == 0 { 200 } else { filter.limit.min(MOST) };
    query.push(" ORDER BY a.seq DESC LIMIT ").push_bind(i64::from(limit));
    query
}

#[async_trait]
impl AuditLog for Store {
    async fn append(&self, entry: Entry, durability: Durability) -> Result<(), Fault> {
        let entry = match durability {
            Durability::Queued => match self.writer().append_now(entry) {
                None => return Ok(()),
                Some(entry) => entry,
            },
            Durability::OnDisk => entry,
        };
        // Boxed, because most rows never wait, and there are two for each call.
        Box::pin(self.writer().append(entry, durability)).await
    }

    async fn list(&self, filter: Filter) -> Result<Vec<Row>, Fault> {
        // A store that cannot write can still be read.
        let _ = self.writer().settle().await;
        let mut rows: Vec<(i64, String, Vec<u8>)> = Vec::new();
        if filter.text.as_deref().is_some_and(is_reference) {
            rows = question(&filter, Meant::Reference).build_query_as().fetch_all(self.readers()).await.map_err(sql)?;
        }
        if rows.is_empty() {
            rows = question(&filter, Meant::Anything).build_query_as().fetch_all(self.readers()).await.map_err(sql)?;
        }
        let row = |(seq, body, mac): (i64, String, Vec<u8>)| {
            Ok(Row { seq: u64::try_from(seq).unwrap_or(0), entry: chain::entry(&body)?, mac: hex(&mac) })
        };
        rows.into_iter().map(row).collect::<Result<_, StoreFault>>().map_err(Fault::from)
    }

    async fn verify(&self) -> Result<Verified, Fault> {
        let _ = self.writer().settle().await;
        Ok(crate::verify::verify(self.dir(), self.sealer(), self.readers()).await?)
    }

    async fn flush(&self) -> Result<(), Fault> {
        self.writer().flush().await
    }

    fn args_hash(&self, canonical_args: &str) -> String {
        hex(&self.sealer().tag("args", canonical_args.as_bytes()))
    }
}

fn sql(fault: sqlx::Error) -> StoreFault {
    StoreFault::sql("read the audit log", fault)
}
