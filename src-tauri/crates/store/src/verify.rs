//! Reads the whole chain and says whether it holds; where it does not, what was done to it.

use std::cmp::Ordering;
use std::path::Path;

use domain::audit::Verified;
use futures::TryStreamExt;
use sqlx::sqlite::SqlitePool;
use sqlx::{Sqlite, SqliteConnection, Transaction};

use crate::chain::{Columns, START, Seal, Sealer};
use crate::fault::StoreFault;
use crate::head::Head;
use crate::table::audit;

/// Text comes as bytes: what somebody did to it may have left no UTF-8.
type Stored = (i64, Vec<u8>, Vec<u8>, i64, Vec<u8>, Option<Vec<u8>>, Option<Vec<u8>>, Vec<u8>, Vec<u8>, Vec<u8>);

/// A row with its seals.
struct Link {
    seq: i64,
    prev: Vec<u8>,
    mac: Vec<u8>,
    stored: Stored,
}

impl Link {
    fn new(mut stored: Stored) -> Self {
        let (prev, mac) = (std::mem::take(&mut stored.8), std::mem::take(&mut stored.9));
        Self { seq: stored.0, prev, mac, stored }
    }

    fn columns(&self) -> Columns<'_> {
        let (_, run, id, at, kind, ending, server, body, ..) = &self.stored;
        Columns { run, id, at: *at, kind, ending: ending.as_deref(), server: server.as_deref(), body }
    }

    /// Whether this row, as it stands, was sealed for that place after that row.
    fn was_sealed_for(&self, sealer: &Sealer, prev: &[u8], seq: i64) -> bool {
        sealer.seal(prev, seq, &self.columns()).as_slice() == self.mac.as_slice()
    }
}

const ALL: &str = "SELECT seq, run, id, at, kind, ending, server, body, prev, mac FROM audit ORDER BY seq";

/// Reads the chain in one snapshot of the database; memory does not grow with it.
pub(crate) async fn verify(dir: &Path, sealer: &Sealer, readers: &SqlitePool) -> Result<Verified, StoreFault> {
    // In the opposite order of writing, because others may write meanwhile: what the database says of the head, the head, the rows. Each
    // is at least as far as the one before.
    let vouched = audit::vouched(&mut *readers.acquire().await.map_err(sql)?).await?;
    let head = Head::read(dir, sealer)?;
    let lost = Head::read_lost(dir, sealer)?;
    let mut tx = readers.begin().await.map_err(sql)?;
    let (rows, broken, head_holds) = walk(&mut tx, sealer, head.as_ref()).await?;
    if let Some(at) = broken {
        let why = explain(&mut tx, sealer, &at).await?;
        let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM audit").fetch_one(&mut *tx).await.map_err(sql)?;
        return Ok(bad(u64::try_from(rows).unwrap_or(0), at.place, why));
    }
    drop(tx);
    Ok(judge_end(rows, vouched, head.as_ref(), head_holds, lost.as_ref()))
}

fn bad(rows: u64, first: u64, why: &str) -> Verified {
    Verified { ok: false, rows, first_bad: Some(first), why: Some(why.to_owned()) }
}

/// The chain holds in itself; what of its end?
fn judge_end(rows: u64, vouched: u64, head: Option<&Head>, head_holds: bool, lost: Option<&Head>) -> Verified {
    if let Some(lost) = lost {
        let then = lost.rows.unwrap_or(rows);
        return if then < lost.seq { bad(rows, then + 1, "replaced") } else { bad(rows, lost.seq, "replaced") };
    }
    if rows < vouched {
        // The database itself remembers more rows than it has.
        return bad(rows, rows + 1, "truncated");
    }
    match head {
        Some(head) if rows < head.seq => bad(rows, rows + 1, "replaced"),
        Some(head) if !head_holds => bad(rows, head.seq, "replaced"),
        // The database says that there was a head; without it nobody vouches for the end.
        None if vouched > 0 => bad(rows, rows + 1, "truncated"),
        _ => Verified { ok: true, rows, first_bad: None, why: None },
    }
}

/// Where the chain breaks.
struct Break {
    /// The place that does not hold.
    place: u64,
    seq: i64,
    /// The seal of the row before.
    prev: Seal,
    stands: Stands,
}

/// Who stands in the broken place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stands {
    Somebody,
    Nobody,
    /// There is a row before the first place.
    TooEarly,
}

async fn walk(conn: &mut SqliteConnection, sealer: &Sealer, head: Option<&Head>) -> Result<(u64, Option<Break>, bool), StoreFault> {
    let head_seq = head.map_or(0, |head| i64::try_from(head.seq).unwrap_or(i64::MAX));
    let mut head_holds = false;
    let (mut expected, mut prev) = (1_i64, START);
    let mut rows = sqlx::query_as::<_, Stored>(ALL).fetch(conn);
    while let Some(stored) = rows.try_next().await.map_err(sql)? {
        let link = Link::new(stored);
        let holds = link.seq == expected && link.prev == prev && link.was_sealed_for(sealer, &prev, expected);
        if !holds {
            let place = u64::try_from(expected.min(link.seq)).unwrap_or(0);
            let stands = match link.seq.cmp(&expected) {
                Ordering::Less => Stands::TooEarly,
                Ordering::Equal => Stands::Somebody,
                Ordering::Greater => Stands::Nobody,
            };
            return Ok((u64::try_from(expected - 1).unwrap_or(0), Some(Break { place, seq: expected, prev, stands }), false));
        }
        prev.copy_from_slice(&link.mac);
        if expected == head_seq {
            head_holds = head.is_some_and(|head| domain::tool::hex(&prev) == head.mac);
        }
        expected += 1;
    }
    Ok((u64::try_from(expected - 1).unwrap_or(0), None, head_holds))
}

/// Finds out what was done, by looking where the rows went that belong to the broken place and stand in it.
async fn explain(tx: &mut Transaction<'_, Sqlite>, sealer: &Sealer, at: &Break) -> Result<&'static str, StoreFault> {
    if at.stands == Stands::TooEarly {
        return Ok("inserted");
    }
    let standing = one(tx, at.seq).await?;
    let next = one(tx, at.seq + 1).await?;
    let mut went_to = None;
    {
        let mut rows = sqlx::query_as::<_, Stored>(ALL).fetch(&mut **tx);
        while let Some(stored) = rows.try_next().await.map_err(sql)? {
            let link = Link::new(stored);
            if link.seq != at.seq && link.was_sealed_for(sealer, &at.prev, at.seq) {
                went_to = Some(link.seq);
                break;
            }
        }
    }
    let Some(standing) = standing else {
        return Ok(if went_to.is_some() { "reordered" } else { "removed" });
    };
    let came_from = origin(tx, sealer, &standing).await?;
    Ok(match (went_to, came_from) {
        // Who stands here belongs further down, and ours stands elsewhere; or ours is nowhere, and a later one took its place.
        (Some(_), Some(from)) if from > at.seq => "reordered",
        (None, Some(from)) if from > at.seq => "removed",
        (Some(_), _) | (None, Some(_)) => "inserted",
        (None, None) => {
            let linked = standing.prev == at.prev || next.is_some_and(|next| next.prev == standing.mac);
            if linked { "changed" } else { "inserted" }
        }
    })
}

/// The place that a row was sealed for, if it is one of ours at all.
async fn origin(tx: &mut Transaction<'_, Sqlite>, sealer: &Sealer, link: &Link) -> Result<Option<i64>, StoreFault> {
    let most: i64 = sqlx::query_scalar("SELECT coalesce(max(seq), 0) FROM audit").fetch_one(&mut **tx).await.map_err(sql)?;
    // A removed row leaves a maximum that may be one short for each.
    for place in 1..=most.saturating_add(1000) {
        if place % 4096 == 0 {
            tokio::task::yield_now().await;
        }
        if link.was_sealed_for(sealer, &link.prev, place) {
            return Ok(Some(place));
        }
    }
    Ok(None)
}

async fn one(tx: &mut Transaction<'_, Sqlite>, seq: i64) -> Result<Option<Link>, StoreFault> {
    let stored: Option<Stored> = sqlx::query_as("SELECT seq, run, id, at, kind, ending, server, body, prev, mac FROM audit WHERE seq = ?")
        .bind(seq)
        .fetch_optional(&mut **tx)
        .await
        .map_err(sql)?;
    Ok(stored.map(Link::new))
}

fn sql(fault: sqlx::Error) -> StoreFault {
    StoreFault::sql("verify the audit log", fault)
}
