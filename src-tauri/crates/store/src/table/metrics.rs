//! Finished calls as figures.
//!
//! Samples are added up per second, minute and hour as they come, with a histogram of latency in steps of about 2 %; a window is
//! answered from the largest pieces that fit into it, so that 24 hours cost no more than 15 minutes.

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use domain::fault::Fault;
use domain::id::{Millis, ServerId};
use domain::metrics::{Figures, MetricsQuery, Sample};
use domain::ports::MetricsLog;
use sqlx::{QueryBuilder, SqliteConnection};

use super::{json, parse};
use crate::fault::StoreFault;
use crate::open::Store;

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// Size of a piece, and how long it is kept.
const SPANS: [(i64, i64); 3] = [(SECOND, 20 * MINUTE), (MINUTE, 7 * DAY), (HOUR, 90 * DAY)];
/// Latencies kept per server for the sparkline.
const RECENT: i64 = 240;

/// Steps per doubling.
const STEPS: f64 = 32.0;

/// Calls added up.
#[derive(Debug, Clone, Default, PartialEq)]
struct Sum {
    calls: u64,
    errors: BTreeMap<String, u64>,
    hist: BTreeMap<u16, u32>,
    min_ms: f64,
    max_ms: f64,
    bytes_out: u64,
    bytes_in: u64,
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the value is between 0 and 65535 when it is cast")]
fn step(ms: f64) -> u16 {
    let micros = (ms * 1000.0).max(1.0);
    (micros.log2() * STEPS).round().clamp(0.0, 65_535.0) as u16
}

fn middle(step: u16) -> f64 {
    (f64::from(step) / STEPS).exp2() / 1000.0
}

impl Sum {
    fn add(&mut self, sample: &Sample) {
        let ms = if sample.elapsed_ms.is_finite() { sample.elapsed_ms.max(0.0) } else { 0.0 };
        if self.calls == 0 {
            (self.min_ms, self.max_ms) = (ms, ms);
        }
        self.calls += 1;
        self.min_ms = self.min_ms.min(ms);
        self.max_ms = self.max_ms.max(ms);
        *self.hist.entry(step(ms)).or_default() += 1;
        if let Some(code) = &sample.error {
            if let Some(count) = self.errors.get_mut(code) {
                *count += 1;
            } else {
                self.errors.insert(code.clone(), 1);
            }
        }
        self.bytes_out += sample.bytes_out;
        self.bytes_in += sample.bytes_in;
    }

    fn merge(&mut self, other: &Self) {
        if other.calls == 0 {
            return;
        }
        if self.calls == 0 {
            (self.min_ms, self.max_ms) = (other.min_ms, other.max_ms);
        }
        self.calls += other.calls;
        self.min_ms = self.min_ms.min(other.min_ms);
        self.max_ms = self.max_ms.max(other.max_ms);
        for (step, count) in &other.hist {
            *self.hist.entry(*step).or_default() += count;
        }
        for (code, count) in &other.errors {
            *self.errors.entry(code.clone()).or_default() += count;
        }
        self.bytes_out += other.bytes_out;
        self.bytes_in += other.bytes_in;
    }

    /// The latency that this share of calls does not exceed.
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts of calls")]
    fn percentile(&self, share: f64) -> Option<f64> {
        let rank = ((self.calls as f64 * share).ceil() as u64).max(1);
        let mut seen = 0;
        for (step, count) in &self.hist {
            seen += u64::from(*count);
            if seen >= rank {
                return Some(middle(*step).clamp(self.min_ms, self.max_ms));
            }
        }
        None
    }

    fn hist_bytes(&self) -> Vec<u8> {
        self.hist.iter().flat_map(|(step, count)| step.to_le_bytes().into_iter().chain(count.to_le_bytes())).collect()
    }

    fn read_hist(bytes: &[u8]) -> BTreeMap<u16, u32> {
        let piece = |piece: &[u8]| match *piece {
            [low, high, ref count @ ..] => Some((u16::from_le_bytes([low, high]), u32::from_le_bytes(count.try_into().ok()?))),
            _ => None,
        };
        bytes.chunks_exact(6).filter_map(piece).collect()
    }

    #[expect(clippy::cast_precision_loss, reason = "counts of calls")]
    fn figures(self, server: String, tool: String, window_ms: i64) -> Figures {
        let seconds = window_ms.max(SECOND) as f64 / 1000.0;
        Figures {
            server,
            tool: (!tool.is_empty()).then_some(tool),
            calls: self.calls,
            p50_ms: self.percentile(0.50),
            p95_ms: self.percentile(0.95),
            p99_ms: self.percentile(0.99),
            per_second: self.calls as f64 / seconds,
            errors: self.errors,
            bytes_out: self.bytes_out,
            bytes_in: self.bytes_in,
        }
    }
}

type Columns = (i64, String, Vec<u8>, f64, f64, i64, i64);

fn decode((calls, errors, hist, min_ms, max_ms, bytes_out, bytes_in): Columns) -> Result<Sum, StoreFault> {
    let count = |n: i64| u64::try_from(n).unwrap_or(0);
    Ok(Sum {
        calls: count(calls),
        errors: parse("buckets", &errors)?,
        hist: Sum::read_hist(&hist),
        min_ms,
        max_ms,
        bytes_out: count(bytes_out),
        bytes_in: count(bytes_in),
    })
}

/// Writes a batch of samples and lets the oldest pieces go.
pub(crate) async fn add(conn: &mut SqliteConnection, samples: &[Sample], now: Millis) -> Result<(), StoreFault> {
    if samples.is_empty() {
        return Ok(());
    }
    // Seconds first; minutes and hours are sums of those.
    let mut seconds: HashMap<(i64, &str, &str), Sum> = HashMap::new();
    let mut recent: HashMap<&str, Vec<&Sample>> = HashMap::new();
    for sample in samples {
        let server = sample.server.as_str();
        recent.entry(server).or_default().push(sample);
        // A health check is no call; it only shows in the sparkline.
        if let Some(tool) = &sample.tool {
            seconds.entry((sample.at.0.div_euclid(SECOND) * SECOND, server, tool.as_str())).or_default().add(sample);
        }
    }
    let mut pieces: BTreeMap<(i64, i64, &str, &str), Sum> = BTreeMap::new();
    for ((start, server, tool), sum) in &seconds {
        for (span, _) in SPANS {
            for tool in ["", tool] {
                pieces.entry((span, start.div_euclid(span) * span, server, tool)).or_default().merge(sum);
            }
        }
    }
    for ((span, start, server, tool), sum) in pieces {
        add_piece(conn, span, start, server, tool, sum).await?;
    }
    for (server, samples) in recent {
        let most = usize::try_from(RECENT).unwrap_or(usize::MAX);
        for sample in samples.iter().skip(samples.len().saturating_sub(most)) {
            sqlx::query("INSERT INTO latencies (server, at, ms) VALUES (?, ?, ?)")
                .bind(server)
                .bind(sample.at.0)
                .bind(sample.elapsed_ms)
                .execute(&mut *conn)
                .await
                .map_err(keep)?;
        }
        sqlx::query("DELETE FROM latencies WHERE server = ?1 AND n <= (SELECT n FROM latencies WHERE server = ?1 ORDER BY n DESC LIMIT 1 OFFSET ?2)")
            .bind(server)
            .bind(RECENT)
            .execute(&mut *conn)
            .await
            .map_err(keep)?;
    }
    for (span, kept) in SPANS {
        sqlx::query("DELETE FROM buckets WHERE span = ? AND start < ?")
            .bind(span)
            .bind(now.0 - kept)
            .execute(&mut *conn)
            .await
            .map_err(keep)?;
    }
    Ok(())
}

async fn add_piece(conn: &mut SqliteConnection, span: i64, start: i64, server: &str, tool: &str, mut sum: Sum) -> Result<(), StoreFault> {
    let there: Option<Columns> = sqlx::query_as(
        "SELECT calls, errors, hist, min_ms, max_ms, bytes_out, bytes_in FROM buckets WHERE span = ? AND start = ? AND server = ? AND tool = ?",
    )
    .bind(span)
    .bind(start)
    .bind(server)
    .bind(tool)
    .fetch_optional(&mut *conn)
    .await
    .map_err(keep)?;
    if let Some(there) = there {
        sum.merge(&decode(there)?);
    }
    let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    sqlx::query(
        "INSERT INTO buckets (span, start, server, tool, calls, errors, hist, min_ms, max_ms, bytes_out, bytes_in)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (span, start, server, tool) DO UPDATE SET calls = excluded.calls, errors = excluded.errors, hist = excluded.hist,
             min_ms = excluded.min_ms, max_ms = excluded.max_ms, bytes_out = excluded.bytes_out, bytes_in = excluded.bytes_in",
    )
    .bind(span)
    .bind(start)
    .bind(server)
    .bind(tool)
    .bind(number(sum.calls))
    .bind(json("buckets", &sum.errors)?)
    .bind(sum.hist_bytes())
    .bind(sum.min_ms)
    .bind(sum.max_ms)
    .bind(number(sum.bytes_out))
    .bind(number(sum.bytes_in))
    .execute(conn)
    .await
    .map_err(keep)?;
    Ok(())
}

/// The pieces that make up a window: size, from, until (exclusive).
fn pieces(since: i64, now: i64) -> Vec<(i64, i64, i64)> {
    let floor = |at: i64, span: i64| at.div_euclid(span) * span;
    let end = i64::MAX;
    let window = now.saturating_sub(since);
    if window <= 16 * MINUTE {
        return vec![(SECOND, floor(since, SECOND), end)];
    }
    if window <= 3 * HOUR {
        return vec![(MINUTE, floor(since, MINUTE), end)];
    }
    let first_hour = floor(since.saturating_add(HOUR - 1), HOUR);
    vec![(MINUTE, floor(since, MINUTE), first_hour), (HOUR, first_hour, end)]
}

#[async_trait]
impl MetricsLog for Store {
    fn record(&self, sample: Sample) {
        self.writer().sample(sample);
    }

    async fn figures(&self, query: MetricsQuery, now: Millis) -> Result<Vec<Figures>, Fault> {
        let _ = self.writer().settle().await;
        let mut sums: BTreeMap<(String, String), Sum> = BTreeMap::new();
        for (span, from, until) in pieces(query.since.0, now.0) {
            let mut sql = QueryBuilder::new(
                "SELECT server, tool, calls, errors, hist, min_ms, max_ms, bytes_out, bytes_in FROM buckets WHERE span = ",
            );
            sql.push_bind(span).push(" AND start >= ").push_bind(from).push(" AND start < ").push_bind(until);
            if let Some(server) = &query.server {
                sql.push(" AND server = ").push_bind(server.as_str());
            }
            if !query.by_tool {
                sql.push(" AND tool = ''");
            }
            let rows: Vec<(String, String, i64, String, Vec<u8>, f64, f64, i64, i64)> =
                sql.build_query_as().fetch_all(self.readers()).await.map_err(read)?;
            for (server, tool, calls, errors, hist, min, max, out, inn) in rows {
                sums.entry((server, tool)).or_default().merge(&decode((calls, errors, hist, min, max, out, inn))?);
            }
        }
        let window = now.0.saturating_sub(query.since.0);
        Ok(sums.into_iter().map(|((server, tool), sum)| sum.figures(server, tool, window)).collect())
    }

    async fn recent(&self, server: &ServerId, most: u32) -> Result<Vec<f64>, Fault> {
        let _ = self.writer().settle().await;
        let mut found: Vec<f64> = sqlx::query_scalar("SELECT ms FROM latencies WHERE server = ? ORDER BY n DESC LIMIT ?")
            .bind(server.as_str())
            .bind(i64::from(most))
            .fetch_all(self.readers())
            .await
            .map_err(read)?;
        found.reverse();
        Ok(found)
    }
}

fn read(fault: sqlx::Error) -> StoreFault {
    StoreFault::sql("read the figures", fault)
}

fn keep(fault: sqlx::Error) -> StoreFault {
    StoreFault::sql("keep figures", fault)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::open::tests::{Fixture, sample};

    const NOW: i64 = 1_800_000_000_000;

    fn near(found: Option<f64>, wanted: f64) -> bool {
        found.is_some_and(|found| (found - wanted).abs() <= wanted * 0.02)
    }

    #[tokio::test]
    async fn figures_count_sort_and_add_up_per_server_and_per_tool() {
        let at = Fixture::at(NOW);
        let store = at.open().await;
        let a = ServerId::from("a");
        for nth in 1..=100 {
            let mut one = sample(&a, NOW - 10_000, f64::from(nth));
            one.error = (nth > 97).then(|| "timeout".to_owned());
            one.tool = Some(if nth % 2 == 0 { "even" } else { "odd" }.into());
            store.record(one);
        }
        store.record(sample(&"b".into(), NOW - 90_000, 3.0));
        let query = |by_tool, since| MetricsQuery { server: None, by_tool, since: Millis(since) };
        let minute = store.figures(query(false, NOW - MINUTE), Millis(NOW)).await.unwrap();
        assert_eq!(minute.len(), 1, "b was called before that minute");
        let a = &minute[0];
        assert_eq!((a.server.as_str(), a.tool.as_deref(), a.calls), ("a", None, 100));
        assert_eq!((a.errors["timeout"], a.bytes_out, a.bytes_in), (3, 1_000, 2_000));
        assert!(near(a.p50_ms, 50.0) && near(a.p95_ms, 95.0) && near(a.p99_ms, 99.0), "{a:?}");
        assert!((a.per_second - 100.0 / 60.0).abs() < 1e-9);
        let quarter = store.figures(query(true, NOW - 15 * MINUTE), Millis(NOW)).await.unwrap();
        let who: Vec<_> = quarter.iter().map(|f| (f.server.as_str(), f.tool.as_deref(), f.calls)).collect();
        assert_eq!(who, [("a", None, 100), ("a", Some("even"), 50), ("a", Some("odd"), 50), ("b", None, 1), ("b", Some("t"), 1)]);
    }

    #[tokio::test]
    async fn a_day_is_made_of_hours_and_the_minutes_before_the_first_whole_one() {
        let at = Fixture::at(NOW);
        let store = at.open().await;
        let a = ServerId::from("a");
        let since = NOW - 24 * HOUR - 30 * MINUTE;
        for (ago, counts) in [(since - 2 * MINUTE, false), (since + MINUTE, true), (NOW - 5 * HOUR, true), (NOW - 1, true), (NOW, true)] {
            store.record(sample(&a, ago, if counts { 7.0 } else { 9_000.0 }));
        }
        let query = MetricsQuery { server: Some(a), by_tool: false, since: Millis(since) };
        let day = store.figures(query, Millis(NOW)).await.unwrap();
        assert_eq!(day[0].calls, 4);
        assert_eq!(day[0].p99_ms, Some(7.0), "one value only: exact");
    }

    #[tokio::test]
    async fn batches_of_one_second_are_added_up_and_health_checks_are_no_calls() {
        let at = Fixture::at(NOW);
        let store = at.open().await;
        let a = ServerId::from("a");
        for ms in [1.0, 2.0] {
            store.record(sample(&a, NOW, ms));
            store.record(Sample { tool: None, ..sample(&a, NOW, 50.0) });
            assert!(!store.recent(&a, 9).await.unwrap().is_empty(), "written by now");
        }
        let query = MetricsQuery { server: None, by_tool: false, since: Millis(NOW - MINUTE) };
        assert_eq!(store.figures(query, Millis(NOW)).await.unwrap()[0].calls, 2);
        assert_eq!(store.recent(&a, 3).await.unwrap(), [50.0, 2.0, 50.0], "oldest first");
    }

    #[tokio::test]
    async fn what_is_too_old_is_let_go() {
        let at = Fixture::at(NOW);
        let store = at.open().await;
        let a = ServerId::from("a");
        store.record(sample(&a, NOW - 8 * DAY, 1.0));
        store.record(sample(&a, NOW - HOUR, 1.0));
        store.recent(&a, 1).await.unwrap();
        let left: Vec<(i64, i64)> = sqlx::query_as("SELECT span, count(*) FROM buckets WHERE tool = '' GROUP BY span ORDER BY span")
            .fetch_all(store.readers())
            .await
            .unwrap();
        assert_eq!(left, [(MINUTE, 1), (HOUR, 2)]);
    }

    #[test]
    fn a_step_is_within_two_percent_of_what_fell_into_it() {
        for ms in [0.001, 0.02, 0.5, 1.0, 33.3, 999.0, 600_000.0] {
            let back = middle(step(ms));
            assert!((back - ms).abs() <= ms * 0.012, "{ms} came back as {back}");
        }
        assert_eq!(step(f64::INFINITY), 65_535);
    }
}
