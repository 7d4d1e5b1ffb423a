//! The one task that writes. It owns the only writing connection; rows of the audit log stand in the order in which they came.
//!
//! **Invariant:** a row that was accepted is written, or kept for the next try; as long as the last try failed, no new intent is accepted.

mod hand;

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::audit::{Durability, Entry, Event};
use domain::fault::Fault;
use domain::id::ServerId;
use domain::metrics::Sample;
use domain::ports::PastCall;
use futures::future::BoxFuture;
use sqlx::SqliteConnection;
use tokio::sync::{Notify, mpsc, oneshot};

use crate::fault::StoreFault;
pub(crate) use hand::{Hand, Place, store_note};

/// Rows that may wait; a caller who brings more waits with them.
const QUEUE: usize = 16 * 1024;
/// Calls kept per server.
pub(crate) const PAST_CALLS: usize = 500;
/// Samples that may wait for a store that cannot write; older ones are let go.
const SAMPLES: usize = 200_000;

type Reply<T> = oneshot::Sender<Result<T, Fault>>;
/// A write of another table; answers whether the disk was full.
type Work = Box<dyn for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, bool> + Send>;

/// What the task is asked to do.
enum Job {
    /// Write this row soon.
    Queued(Entry),
    /// Write this row, and everything before it, to the disk.
    OnDisk(Entry, Reply<()>),
    /// Say when everything handed in before is written.
    Settle(Reply<()>),
    /// The same, and vouch for the audit log's end.
    Flush(Reply<()>),
    /// Write another table.
    Work(Work),
    /// Samples or calls wait.
    Look,
    /// Flush and end.
    Close(Reply<()>),
}

impl Job {
    fn can_wait(&self) -> bool {
        matches!(self, Self::Queued(_) | Self::Look)
    }
}

/// What waits to be written in batches, and may be lost with the last second.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    pub(crate) samples: Vec<Sample>,
    pub(crate) past: HashMap<ServerId, VecDeque<PastCall>>,
    /// Whether the task knows that something waits.
    known: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Shared {
    urgent: Notify,
    refuses: AtomicBool,
    trouble: Mutex<Option<Fault>>,
    buffers: Mutex<Buffers>,
}

impl Shared {
    fn trouble(&self) -> Option<Fault> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_trouble(&self, fault: Option<Fault>) {
        self.refuses.store(fault.is_some(), Ordering::Release);
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    }

    fn take_buffers(&self) -> Buffers {
        std::mem::take(&mut *self.buffers.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The caller's side of the task.
#[derive(Debug, Clone)]
pub(crate) struct Writer {
    jobs: mpsc::Sender<Job>,
    shared: Arc<Shared>,
}

impl std::fmt::Debug for Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Job")
    }
}

impl Writer {
    /// A writer and the future of its task.
    pub(crate) fn start(place: Place, conn: SqliteConnection) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (jobs, inbox) = mpsc::channel(QUEUE);
        let shared = Arc::new(Shared::default());
        let hand = Hand::new(place, conn, Arc::clone(&shared));
        (Self { jobs, shared }, work(hand, inbox))
    }

    /// Hands a row in that need not wait for the disk; gives it back when it would have to wait for room, or for the store to be well.
    pub(crate) fn append_now(&self, entry: Entry) -> Option<Entry> {
        if self.shared.refuses.load(Ordering::Acquire) {
            return Some(entry);
        }
        match self.jobs.try_reserve() {
            Ok(place) => {
                place.send(Job::Queued(entry));
                None
            }
            Err(_) => Some(entry),
        }
    }

    /// Hands a row in.
    pub(crate) async fn append(&self, entry: Entry, durability: Durability) -> Result<(), Fault> {
        // Outcomes of what runs already are taken even now: they wait for the disk to have room.
        if self.shared.refuses.load(Ordering::Acquire)
            && matches!(entry.event, Event::Intent { .. } | Event::Note { .. })
            && let Some(fault) = self.shared.trouble()
        {
            return Err(fault);
        }
        match durability {
            Durability::Queued => match self.jobs.try_send(Job::Queued(entry)) {
                Ok(()) => Ok(()),
                Err(mpsc::error::TrySendError::Full(job)) => self.jobs.send(job).await.map_err(|_| StoreFault::Closed.into()),
                Err(mpsc::error::TrySendError::Closed(_)) => Err(StoreFault::Closed.into()),
            },
            Durability::OnDisk => self.ask(|reply| Job::OnDisk(entry, reply)).await,
        }
    }

    /// Waits until everything handed in before is in the database.
    pub(crate) async fn settle(&self) -> Result<(), Fault> {
        self.ask(Job::Settle).await
    }

    /// The same, and the head of the audit log is on the disk.
    pub(crate) async fn flush(&self) -> Result<(), Fault> {
        self.ask(Job::Flush).await
    }

    /// Flushes, ends the task and closes its connection.
    pub(crate) async fn close(&self) -> Result<(), Fault> {
        self.ask(Job::Close).await
    }

    async fn ask(&self, job: impl FnOnce(Reply<()>) -> Job) -> Result<(), Fault> {
        let (reply, answer) = oneshot::channel();
        self.jobs.send(job(reply)).await.map_err(|_| StoreFault::Closed)?;
        self.shared.urgent.notify_one();
        answer.await.map_err(|_| StoreFault::Closed)?
    }

    /// Runs `work` in a transaction of the writing connection.
    pub(crate) async fn write<T, F>(&self, what: &'static str, work: F) -> Result<T, StoreFault>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, StoreFault>> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job: Work = Box::new(move |conn| {
            Box::pin(async move {
                let done = in_transaction(conn, what, work).await;
                let full = matches!(done, Err(StoreFault::Full { .. }));
                let _ = reply.send(done);
                full
            })
        });
        self.jobs.send(Job::Work(job)).await.map_err(|_| StoreFault::Closed)?;
        self.shared.urgent.notify_one();
        answer.await.map_err(|_| StoreFault::Closed)?
    }

    /// Runs `work` on the writing connection between transactions: what SQLite refuses within one.
    pub(crate) async fn alone<T, F>(&self, what: &'static str, work: F) -> Result<T, StoreFault>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, StoreFault>> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job: Work = Box::new(move |conn| {
            Box::pin(async move {
                let done = work(conn).await;
                let full = matches!(done, Err(StoreFault::Full { .. }));
                if let Err(fault) = &done {
                    tracing::warn!(%fault, what, "a piece of upkeep was not done");
                }
                let _ = reply.send(done);
                full
            })
        });
        self.jobs.send(Job::Work(job)).await.map_err(|_| StoreFault::Closed)?;
        self.shared.urgent.notify_one();
        answer.await.map_err(|_| StoreFault::Closed)?
    }

    /// Takes a sample for the next batch.
    pub(crate) fn sample(&self, sample: Sample) {
        self.buffer(|buffers| {
            if buffers.samples.len() < SAMPLES {
                buffers.samples.push(sample);
            }
        });
    }

    /// Takes a past call for the next batch; of each server only the newest are kept.
    pub(crate) fn past(&self, call: PastCall) {
        self.buffer(|buffers| {
            let calls = if let Some(calls) = buffers.past.get_mut(&call.server) {
                calls
            } else {
                buffers.past.entry(call.server.clone()).or_default()
            };
            if calls.len() >= PAST_CALLS {
                calls.pop_front();
            }
            calls.push_back(call);
        });
    }

    fn buffer(&self, put: impl FnOnce(&mut Buffers)) {
        let tell = {
            let mut buffers = self.shared.buffers.lock().unwrap_or_else(PoisonError::into_inner);
            put(&mut buffers);
            !std::mem::replace(&mut buffers.known, true)
        };
        // When the queue is full, the task is awake and looks by itself.
        if tell {
            let _ = self.jobs.try_send(Job::Look);
        }
    }
}

/// Runs `work` between BEGIN IMMEDIATE and COMMIT.
pub(crate) async fn in_transaction<T, F>(conn: &mut SqliteConnection, what: &str, work: F) -> Result<T, StoreFault>
where
    F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, StoreFault>>,
{
    let sql = |fault| StoreFault::sql(what, fault);
    sqlx::query("BEGIN IMMEDIATE").execute(&mut *conn).await.map_err(sql)?;
    let done = work(conn).await;
    let closed = match &done {
        Ok(_) => sqlx::query("COMMIT").execute(&mut *conn).await.map(|_| ()).map_err(sql),
        Err(_) => Ok(()),
    };
    if done.is_err() || closed.is_err() {
        // A full disk has rolled back already; then this is refused, which is fine.
        let _ = sqlx::query("ROLLBACK").execute(&mut *conn).await;
    }
    closed.and(done)
}

/// How long rows may gather before they are written, counted from the last write: the first row after a pause is written at once.
const GATHER: Duration = Duration::from_millis(25);
/// How many jobs are taken up at once.
const AT_ONCE: usize = 4096;

async fn work(mut hand: Hand, mut inbox: mpsc::Receiver<Job>) {
    let mut jobs = Vec::new();
    let shared = Arc::clone(&hand.shared);
    loop {
        let wake = hand.wakes_at();
        tokio::select! {
            n = inbox.recv_many(&mut jobs, AT_ONCE) => if n == 0 { break },
            () = tokio::time::sleep_until(wake) => {}
        }
        if !jobs.is_empty() && jobs.iter().all(Job::can_wait) {
            let due = hand.wrote_at + GATHER;
            if due > tokio::time::Instant::now() {
                tokio::select! {
                    () = tokio::time::sleep_until(due) => {}
                    () = shared.urgent.notified() => {}
                }
            }
        }
        while jobs.len() < AT_ONCE
            && let Ok(job) = inbox.try_recv()
        {
            jobs.push(job);
        }
        if let Some(reply) = one_round(&mut hand, &mut jobs).await {
            inbox.close();
            while let Some(job) = inbox.recv().await {
                jobs.push(job);
            }
            // Whoever handed something in before the end gets it written.
            one_round(&mut hand, &mut jobs).await;
            let flushed = hand.flush().await;
            hand.end().await;
            let _ = reply.send(flushed);
            return;
        }
        hand.chores().await;
    }
    // Every handle is gone without a close.
    let _ = hand.flush().await;
    hand.end().await;
}

/// Does all jobs in order, rows that stand together at once. Answers whom to tell when the task is to end.
async fn one_round(hand: &mut Hand, jobs: &mut Vec<Job>) -> Option<Reply<()>> {
    let mut ends = None;
    let mut rows = Vec::new();
    for job in jobs.drain(..) {
        match job {
            Job::Queued(entry) => rows.push((entry, None)),
            Job::OnDisk(entry, reply) => rows.push((entry, Some(reply))),
            other => {
                hand.append(std::mem::take(&mut rows)).await;
                match other {
                    Job::Settle(reply) => {
                        let _ = reply.send(hand.settle().await);
                    }
                    Job::Flush(reply) => {
                        let _ = reply.send(hand.flush().await);
                    }
                    Job::Work(work) => hand.work(work).await,
                    Job::Look => hand.look(),
                    Job::Close(reply) => ends = Some(reply),
                    Job::Queued(_) | Job::OnDisk(..) => {}
                }
            }
        }
    }
    hand.append(rows).await;
    ends
}
