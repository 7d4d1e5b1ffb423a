//! What the writing task does with its connection.

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use domain::audit::{Entry, Event};
use domain::fault::Fault;
use domain::id::{AuditId, Clock, ServerId};
use domain::policy::{Actor, Door};
use serde_json::json;
use sqlx::{Executor, SqliteConnection};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::{Buffers, Reply, Shared, Work, in_transaction};
use crate::chain::{self, Columns, START, Seal, Sealer};
use crate::fault::{self, StoreFault};
use crate::files::{self, Lock};
use crate::head::Head;
use crate::table::{audit, history, metrics};
use crate::{connect, run, snapshot};

/// Where and with what the task works.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) dir: PathBuf,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) sealer: Sealer,
    /// This process's use of the store.
    pub(crate) run: Arc<str>,
    pub(crate) tasks: TaskTracker,
}

/// Rows between two heads.
const HEAD_ROWS: u64 = 100;
/// A head costs a sync of the disk, so under load they are this far apart.
const HEAD_APART: Duration = Duration::from_millis(250);
/// A head is written at the latest after this, if there is anything new.
const HEAD_LATEST: Duration = Duration::from_mins(5);
/// How long samples and past calls gather.
const BATCH: Duration = Duration::from_secs(1);
/// How often a store that could not write is tried again.
const RETRY: Duration = Duration::from_secs(1);
/// How often it is looked whether a snapshot is due.
const CHORES: Duration = Duration::from_mins(30);
/// A database up to this size is copied while somebody waits for a flush; a larger one only by a process that stays.
const SMALL: u64 = 8 * 1024 * 1024;

/// A row and who waits for it.
type Pending = (Entry, Option<Reply<()>>);

/// The hand that writes.
pub(crate) struct Hand {
    place: Place,
    conn: SqliteConnection,
    pub(super) shared: Arc<Shared>,
    /// The last row as far as this process knows; another process may be further.
    last: Option<(i64, Seal)>,
    /// Whether the connection waits for the disk at each commit.
    full_sync: bool,
    /// Held while something of this run may be unfinished.
    lock: Option<Lock>,
    compared: bool,
    /// Rows that were accepted and could not be written yet.
    backlog: VecDeque<Entry>,
    /// Intents of this run without an outcome, with their place.
    open: HashMap<AuditId, i64>,
    unvouched: u64,
    head_at: Instant,
    pub(super) wrote_at: Instant,
    /// Whether there is anything that the newest snapshot may lack.
    wrote: bool,
    batch_at: Option<Instant>,
    retry_at: Option<Instant>,
    chores_at: Instant,
    /// What was taken out of the buffers and could not be written.
    held: Buffers,
}

impl Hand {
    pub(crate) fn new(place: Place, conn: SqliteConnection, shared: Arc<Shared>) -> Self {
        let now = Instant::now();
        Self {
            place,
            conn,
            shared,
            last: None,
            full_sync: false,
            lock: None,
            compared: false,
            backlog: VecDeque::new(),
            open: HashMap::new(),
            unvouched: 0,
            head_at: now,
            wrote_at: now.checked_sub(BATCH).unwrap_or(now),
            wrote: false,
            batch_at: None,
            retry_at: None,
            chores_at: now + Duration::from_secs(5),
            held: Buffers::default(),
        }
    }

    /// When there is something to do even if nobody asks.
    pub(super) fn wakes_at(&self) -> Instant {
        let head = (self.unvouched > 0).then(|| self.head_at + HEAD_LATEST);
        [self.batch_at, self.retry_at, head].into_iter().flatten().fold(self.chores_at, Instant::min)
    }

    /// Samples or calls wait: they are written within a second.
    pub(super) fn look(&mut self) {
        self.batch_at.get_or_insert_with(|| Instant::now() + BATCH);
    }

    /// Does what is due.
    pub(super) async fn chores(&mut self) {
        let now = Instant::now();
        if self.retry_at.is_some_and(|at| at <= now) {
            self.try_again().await;
        }
        if self.batch_at.is_some_and(|at| at <= now) {
            self.write_buffers().await;
        }
        let since = now.duration_since(self.head_at);
        if (self.unvouched >= HEAD_ROWS && since >= HEAD_APART) || (self.unvouched > 0 && since >= HEAD_LATEST) {
            self.vouch_or_complain().await;
        }
        if self.chores_at <= now {
            self.chores_at = now + CHORES;
            if snapshot::is_due(&self.place.dir, self.place.clock.now()) {
                self.place.tasks.spawn(copy_aside(self.place.clone()));
            }
        }
    }

    /// Writes rows in order, after those that still wait.
    pub(super) async fn append(&mut self, rows: Vec<Pending>) {
        if rows.is_empty() {
            return;
        }
        let mut rows: VecDeque<Pending> = self.backlog.drain(..).map(|entry| (entry, None)).chain(rows).collect();
        let mut done = self.write_rows(&mut rows).await;
        if let Err(StoreFault::Full { .. }) = done
            && self.drop_ballast().await
        {
            done = self.write_rows(&mut rows).await;
            // The rows are safe, but the room is the last there is: nothing new may begin until the disk has some again.
            self.refuse(StoreFault::Full { what: "further audit rows".into() });
        }
        self.wrote_now();
        if let Err(fault) = done {
            self.keep(rows, fault);
        }
    }

    fn wrote_now(&mut self) {
        self.wrote_at = Instant::now();
        self.wrote = true;
    }

    /// Answers those who wait, keeps the rest for the next try.
    fn keep(&mut self, rows: VecDeque<Pending>, fault: StoreFault) {
        let shown = self.refuse(fault);
        for (entry, reply) in rows {
            match reply {
                Some(reply) => {
                    let _ = reply.send(Err(shown.clone()));
                }
                None => self.backlog.push_back(entry),
            }
        }
    }

    fn refuse(&mut self, fault: StoreFault) -> Fault {
        if fault.passes() {
            self.retry_at = Some(Instant::now() + RETRY);
        }
        if self.shared.trouble().is_none() {
            tracing::error!(%fault, "the store cannot write; nothing that must be recorded runs until it can");
        }
        let fault = Fault::from(fault);
        self.shared.set_trouble(Some(fault.clone()));
        fault
    }

    async fn try_again(&mut self) {
        self.retry_at = None;
        let mut rows: VecDeque<Pending> = self.backlog.drain(..).map(|entry| (entry, None)).collect();
        if let Err(fault) = self.write_rows(&mut rows).await {
            return self.keep(rows, fault);
        }
        let dir = self.place.dir.clone();
        let laid = tokio::task::spawn_blocking(move || if files::has_ballast(&dir) { Ok(()) } else { files::lay_ballast(&dir) }).await;
        match laid {
            Ok(Ok(())) => {}
            Ok(Err(fault)) => {
                self.refuse(fault);
                return;
            }
            Err(_) => return,
        }
        // Room for the ballast is no proof that the database may grow.
        if let Err(fault) = self.probe().await {
            self.refuse(fault);
            return;
        }
        tracing::info!("the store can write again");
        self.shared.set_trouble(None);
    }

    async fn probe(&mut self) -> Result<(), StoreFault> {
        in_transaction(&mut self.conn, "write a probe", |conn| {
            Box::pin(async move {
                let sql = |fault| StoreFault::sql("write a probe", fault);
                sqlx::query("INSERT INTO meta (key, value) VALUES ('probe', hex(zeroblob(65536)))")
                    .execute(&mut *conn)
                    .await
                    .map_err(sql)?;
                sqlx::query("DELETE FROM meta WHERE key = 'probe'").execute(&mut *conn).await.map_err(sql)?;
                Ok(())
            })
        })
        .await
    }

    async fn drop_ballast(&mut self) -> bool {
        let dir = self.place.dir.clone();
        tokio::task::spawn_blocking(move || files::drop_ballast(&dir)).await.unwrap_or(false)
    }

    /// Writes from the front and takes away what is written.
    async fn write_rows(&mut self, rows: &mut VecDeque<Pending>) -> Result<(), StoreFault> {
        if rows.is_empty() {
            return Ok(());
        }
        if let Some(note) = self.register().await? {
            rows.push_front((note, None));
        }
        let mut misses = 0;
        while !rows.is_empty() {
            let most = rows.len().min(audit::AT_ONCE);
            let to_disk = rows.iter().take(most).any(|(_, reply)| reply.is_some());
            self.sync_at_commit(to_disk).await?;
            let (seq, seal) = self.last().await?;
            match self.insert(rows.iter().take(most).map(|(entry, _)| entry), seq, seal).await {
                Ok(seal) => {
                    let count = i64::try_from(most).unwrap_or(0);
                    self.last = Some((seq + count, seal));
                    self.unvouched += most as u64;
                    for (nth, (entry, reply)) in rows.drain(..most).enumerate() {
                        self.mark(&entry, seq + 1 + i64::try_from(nth).unwrap_or(0));
                        if let Some(reply) = reply {
                            let _ = reply.send(Ok(()));
                        }
                    }
                }
                // Another process has written a row in our place: seal again, after that one.
                Err(Insert::Taken) if misses < 1000 => {
                    misses += 1;
                    self.last = None;
                }
                Err(Insert::Taken) => return Err(StoreFault::Busy { what: "appending to the audit log".into() }),
                Err(Insert::Fault(fault)) => return Err(fault),
            }
        }
        Ok(())
    }

    fn mark(&mut self, entry: &Entry, seq: i64) {
        match entry.event {
            Event::Intent { .. } => {
                self.open.insert(entry.id.clone(), seq);
            }
            Event::Outcome { .. } => {
                self.open.remove(&entry.id);
            }
            Event::Refused { .. } | Event::Note { .. } => {}
        }
    }

    async fn insert<'r>(&mut self, rows: impl ExactSizeIterator<Item = &'r Entry>, after: i64, mut seal: Seal) -> Result<Seal, Insert> {
        let mut batch = audit::Batch::new(&self.place.run, rows.len());
        let mut seq = after;
        for entry in rows {
            seq += 1;
            let body = chain::body(entry).map_err(Insert::Fault)?;
            let (kind, ending) = (chain::kind(&entry.event), chain::ending(&entry.event));
            let server = entry.server.as_ref().map(ServerId::as_str);
            let columns = Columns {
                run: self.place.run.as_bytes(),
                id: entry.id.as_str().as_bytes(),
                at: entry.at.0,
                kind: kind.as_bytes(),
                ending: ending.map(str::as_bytes),
                server: server.map(str::as_bytes),
                body: body.as_bytes(),
            };
            let next = self.place.sealer.seal(&seal, seq, &columns);
            batch.push(seq, entry, body, &seal, &next).map_err(Insert::Fault)?;
            seal = next;
        }
        match batch.insert(&mut self.conn).await {
            Ok(()) => Ok(seal),
            Err(fault) if fault::is_conflict(&fault) => Err(Insert::Taken),
            Err(fault) => Err(Insert::Fault(StoreFault::sql("append to the audit log", fault))),
        }
    }

    async fn last(&mut self) -> Result<(i64, Seal), StoreFault> {
        if let Some(last) = self.last {
            return Ok(last);
        }
        let last = audit::last(&mut self.conn).await?.unwrap_or((0, START));
        self.last = Some(last);
        Ok(last)
    }

    async fn sync_at_commit(&mut self, full: bool) -> Result<(), StoreFault> {
        if self.full_sync != full {
            let pragma = if full { "PRAGMA synchronous = FULL" } else { "PRAGMA synchronous = NORMAL" };
            self.conn.execute(pragma).await.map_err(|fault| StoreFault::sql("set how it waits for the disk", fault))?;
            self.full_sync = full;
        }
        Ok(())
    }

    /// Says that this run writes. Answers a note for the log when the log is not the one that its head vouched for.
    async fn register(&mut self) -> Result<Option<Entry>, StoreFault> {
        let mut note = None;
        if !self.compared {
            let lost = Head::compare(&self.place.dir, &self.place.sealer, &mut self.conn).await?;
            note = lost.map(|head| {
                tracing::error!(seq = head.seq, "the audit log does not contain the row that its head vouched for");
                self.note("audit_disagrees_with_head", &json!({ "vouched": head.seq }))
            });
            self.compared = true;
            if !files::has_ballast(&self.place.dir) {
                let dir = self.place.dir.clone();
                self.place.tasks.spawn_blocking(move || {
                    if let Err(fault) = files::lay_ballast(&dir) {
                        tracing::warn!(%fault, "no ballast was laid down");
                    }
                });
            }
        }
        if self.lock.is_none() {
            // The lock before the row: nobody may see the row and take its process for dead.
            let lock = files::hold_run(&self.place.dir, &self.place.run)?;
            let (seq, _) = self.last().await?;
            run::enter(&mut self.conn, &self.place.run, seq + 1).await?;
            self.lock = Some(lock);
        }
        Ok(note)
    }

    /// A row in the store's own name.
    fn note(&self, what: &str, detail: &domain::Json) -> Entry {
        store_note(&*self.place.clock, what, detail.clone())
    }

    pub(super) async fn settle(&mut self) -> Result<(), Fault> {
        self.write_buffers().await;
        self.shared.trouble().map_or(Ok(()), Err)
    }

    /// Everything is written, the head is on the disk, and if no call is open this run is over as far as others are concerned.
    pub(crate) async fn flush(&mut self) -> Result<(), Fault> {
        if self.retry_at.is_some() {
            self.try_again().await;
        }
        self.write_buffers().await;
        self.vouch_or_complain().await;
        if self.open.is_empty() && self.backlog.is_empty() && self.lock.is_some() {
            match run::strike(&mut self.conn, &self.place.run).await {
                Ok(()) => {
                    files::forget_run(&self.place.dir, &self.place.run);
                    self.lock = None;
                }
                Err(fault) => tracing::warn!(%fault, "this run could not be struck off"),
            }
        }
        if std::mem::take(&mut self.wrote) {
            self.snapshot_if_small().await;
        }
        self.shared.trouble().map_or(Ok(()), Err)
    }

    async fn snapshot_if_small(&mut self) {
        let now = self.place.clock.now();
        let size = std::fs::metadata(self.place.dir.join(files::DB)).map_or(u64::MAX, |meta| meta.len());
        if size <= SMALL
            && snapshot::is_due(&self.place.dir, now)
            && let Err(fault) = snapshot::take(&self.place.dir, &mut self.conn, now).await
        {
            tracing::warn!(%fault, "no snapshot was taken");
        }
    }

    async fn vouch_or_complain(&mut self) {
        if self.unvouched > 0
            && let Err(fault) = self.vouch().await
        {
            tracing::warn!(%fault, "the head of the audit log was not written");
        }
        self.head_at = Instant::now();
    }

    /// Puts every row so far on the disk, then the head beside the database, then says in the database that the head is there. In this
    /// order, whoever looks in between or after a loss of power finds no head that is ahead of its rows, and none missing.
    async fn vouch(&mut self) -> Result<(), StoreFault> {
        let (seq, seal) = self.last().await?;
        self.sync_at_commit(true).await?;
        let low = self.open.values().copied().min().unwrap_or(seq + 1);
        let run = Arc::clone(&self.place.run);
        let registered = self.lock.is_some();
        in_transaction(&mut self.conn, "put the audit log on the disk", |conn| {
            Box::pin(async move {
                audit::set_synced(conn, seq).await?;
                if registered { run::enter(conn, &run, low).await } else { Ok(()) }
            })
        })
        .await?;
        let head = Head::new(&self.place.sealer, u64::try_from(seq).unwrap_or(0), &seal);
        let (dir, sealer) = (self.place.dir.clone(), self.place.sealer.clone());
        let written = tokio::task::spawn_blocking(move || head.write(&dir, &sealer)).await;
        self.unvouched = 0;
        written.unwrap_or(Ok(()))?;
        self.sync_at_commit(false).await?;
        in_transaction(&mut self.conn, "vouch for the audit log", |conn| Box::pin(audit::set_vouched(conn, seq))).await
    }

    /// Writes samples and past calls. They are worth less than audit rows: on a full disk they go first.
    async fn write_buffers(&mut self) {
        self.batch_at = None;
        let mut new = self.shared.take_buffers();
        let held = std::mem::take(&mut self.held);
        if !held.samples.is_empty() {
            new.samples.splice(0..0, held.samples);
        }
        for (server, calls) in held.past {
            let there = new.past.entry(server).or_default();
            for call in calls.into_iter().rev() {
                if there.len() < super::PAST_CALLS {
                    there.push_front(call);
                }
            }
        }
        if new.samples.is_empty() && new.past.is_empty() {
            return;
        }
        if self.shared.trouble().is_some() {
            return;
        }
        let now = self.place.clock.now();
        let batch = Arc::new(new);
        let shared = Arc::clone(&batch);
        if let Err(fault) = self.sync_at_commit(false).await {
            tracing::warn!(%fault, "figures and past calls were not written");
            return;
        }
        let done = in_transaction(&mut self.conn, "write figures and past calls", |conn| {
            Box::pin(async move {
                metrics::add(conn, &shared.samples, now).await?;
                history::add(conn, &shared.past).await
            })
        })
        .await;
        self.wrote_now();
        if let Err(fault) = done {
            tracing::warn!(%fault, "figures and past calls were not written");
            if matches!(fault, StoreFault::Busy { .. }) {
                self.held = Arc::into_inner(batch).unwrap_or_default();
                self.batch_at = Some(Instant::now() + BATCH);
            }
        }
    }

    pub(super) async fn work(&mut self, work: Work) {
        if let Err(fault) = self.sync_at_commit(false).await {
            tracing::warn!(%fault, "a write may wait for the disk");
        }
        if work(&mut self.conn).await {
            self.drop_ballast().await;
            self.refuse(StoreFault::Full { what: "a change".into() });
        }
        self.wrote_now();
    }

    /// Outcomes for calls that a dead process left open.
    pub(crate) async fn mark_interrupted(&mut self, dead: &[run::DeadRun]) -> Result<u64, StoreFault> {
        let now = self.place.clock.now();
        let mut count = 0;
        for dead in dead {
            let entries = run::interrupted(&mut self.conn, dead, now).await?;
            count += entries.len() as u64;
            let mut rows = entries.into_iter().map(|entry| (entry, None)).collect();
            self.write_rows(&mut rows).await?;
            run::strike(&mut self.conn, &dead.id).await?;
            files::forget_run(&self.place.dir, &dead.id);
        }
        Ok(count)
    }

    /// Gives the connection back as it came.
    pub(crate) async fn into_conn(mut self) -> Result<SqliteConnection, StoreFault> {
        self.sync_at_commit(false).await?;
        Ok(self.conn)
    }

    pub(super) async fn end(self) {
        connect::close(self.conn).await;
    }
}

/// A row in the store's own name.
pub(crate) fn store_note(clock: &dyn Clock, what: &str, detail: domain::Json) -> Entry {
    let id = uuid::Uuid::new_v4().simple().to_string();
    Entry {
        id: AuditId::new(&id[..8]),
        at: clock.now(),
        actor: Actor { door: Door::Window, name: "pilothouse".into(), can_ask: false },
        server: None,
        server_name: String::new(),
        server_fingerprint: String::new(),
        event: Event::Note { what: what.to_owned(), detail },
    }
}

enum Insert {
    /// Another process has a row in that place.
    Taken,
    Fault(StoreFault),
}

async fn copy_aside(place: Place) {
    let taken = async {
        let path = place.dir.join(files::DB);
        let mut conn = connect::writer(&path).await.map_err(|fault| StoreFault::sql("open a second connection", fault))?;
        let taken = snapshot::take(&place.dir, &mut conn, place.clock.now()).await;
        connect::close(conn).await;
        taken
    };
    match taken.await {
        Ok(path) => tracing::debug!(path = %path.display(), "took a snapshot"),
        Err(fault) => tracing::warn!(%fault, "no snapshot was taken"),
    }
}
