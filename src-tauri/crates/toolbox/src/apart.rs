//! Running a tool's work on a thread of its own.
//!
//! **Invariant:** whatever the work does (panics, loops for ever, ignores Cancel), the caller gets an answer within the limit, and a
//! thread that never ends keeps nobody from shutting down: it is not one of the runtime's.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::fault::{Phase, ServerFault};
use domain::protocol::{CallEvent, CallIo};
use tokio::sync::{Semaphore, oneshot};
use tokio_util::sync::CancellationToken;

/// How long a tool that was told to stop may take to do so before its caller is answered without it.
const GRACE: Duration = Duration::from_secs(1);
/// At most so many progress events a second.
const EVERY: Duration = Duration::from_millis(100);

/// The seats for work that runs at once. One that never ends keeps its seat.
#[derive(Debug, Clone)]
pub struct Seats {
    seats: Arc<Semaphore>,
    limit: u64,
}

impl Seats {
    /// So many at once.
    pub fn new(limit: u32) -> Self {
        Self { seats: Arc::new(Semaphore::new(limit as usize)), limit: limit.into() }
    }
}

/// What a tool looks at while it works: is it still wanted, and where does its progress go?
#[derive(Debug)]
pub struct Watch {
    io: CallIo,
    stop: CancellationToken,
    limit: Duration,
    until: Instant,
    told: Instant,
}

impl Watch {
    /// Fails when the caller gave up or the time is over. Cheap; call it in every loop.
    pub fn tick(&self) -> Result<(), ServerFault> {
        if self.stop.is_cancelled() || self.io.cancel.is_cancelled() {
            return Err(ServerFault::Cancelled);
        }
        if Instant::now() >= self.until {
            return Err(ServerFault::Timeout { phase: Phase::Total, after: self.limit });
        }
        Ok(())
    }

    /// Says how far the work is, not more often than a person can see.
    pub fn progress(&mut self, done: u64, message: impl FnOnce() -> String) {
        let now = Instant::now();
        if self.io.events.is_some() && now.duration_since(self.told) >= EVERY {
            self.told = now;
            #[expect(clippy::cast_precision_loss, reason = "a count for a progress bar")]
            self.io.emit(CallEvent::Progress { progress: done as f64, total: None, message: Some(message()) });
        }
    }
}

/// Runs `work` on its own thread and waits for it, for Cancel, or for `limit`. Dropping the future tells the work to stop.
pub async fn apart<T, F>(name: &str, io: &CallIo, limit: Duration, seats: &Seats, work: F) -> Result<T, ServerFault>
where
    T: Send + 'static,
    F: FnOnce(&mut Watch) -> Result<T, ServerFault> + Send + 'static,
{
    if io.cancel.is_cancelled() {
        return Err(ServerFault::Cancelled);
    }
    let over = tokio::time::sleep(limit);
    tokio::pin!(over);
    let seat = tokio::select! {
        seat = Arc::clone(&seats.seats).acquire_owned() => {
            seat.map_err(|_| ServerFault::Internal { what: "the seats of the built-in tools were closed".into() })?
        }
        () = io.cancel.cancelled() => return Err(ServerFault::Cancelled),
        () = &mut over => return Err(ServerFault::ResourceLimit { what: "built-in tools at once".into(), limit: seats.limit }),
    };
    let stop = CancellationToken::new();
    let _gone = stop.clone().drop_guard();
    let now = Instant::now();
    let mut watch = Watch { io: io.clone(), stop: stop.clone(), limit, until: now + limit, told: now };
    let (done, mut answer) = oneshot::channel();
    std::thread::Builder::new()
        .name(format!("tool {name}"))
        .spawn(move || {
            let outcome = catch_unwind(AssertUnwindSafe(|| work(&mut watch)));
            drop(seat);
            let _ = done.send(outcome);
        })
        .map_err(|fault| ServerFault::Internal { what: format!("no thread for {name}: {fault}") })?;

    let stopped = tokio::select! {
        outcome = &mut answer => return settle(name, outcome),
        () = io.cancel.cancelled() => ServerFault::Cancelled,
        () = &mut over => ServerFault::Timeout { phase: Phase::Total, after: limit },
    };
    stop.cancel();
    // The work may have come to its end meanwhile; then its own word counts, so that a file that was written is not called unwritten.
    match tokio::time::timeout(GRACE, answer).await {
        Ok(outcome) => settle(name, outcome),
        Err(_) => Err(stopped),
    }
}

type Outcome<T> = Result<std::thread::Result<Result<T, ServerFault>>, oneshot::error::RecvError>;

fn settle<T>(name: &str, outcome: Outcome<T>) -> Result<T, ServerFault> {
    match outcome {
        Ok(Ok(result)) => result,
        Ok(Err(panic)) => {
            let words = panic
                .downcast_ref::<&str>()
                .map(|words| (*words).to_owned())
                .or_else(|| panic.downcast_ref::<String>().cloned())
                .unwrap_or_else(|| "no words".into());
            Err(ServerFault::Internal { what: format!("{name} came to a sudden end: {words}") })
        }
        Err(_) => Err(ServerFault::Internal { what: format!("the thread of {name} ended without an answer") }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_tool_that_panics_gives_a_fault_and_the_next_one_runs() {
        let seats = Seats::new(1);
        let io = CallIo::quiet();
        let limit = Duration::from_secs(30);
        let fault = apart::<(), _>("boom", &io, limit, &seats, |_| panic!("at the disk")).await.unwrap_err();
        assert_eq!(fault, ServerFault::Internal { what: "boom came to a sudden end: at the disk".into() });
        assert_eq!(apart("fine", &io, limit, &seats, |_| Ok(7)).await, Ok(7), "the seat was given back");
    }

    #[tokio::test]
    async fn a_tool_that_never_looks_up_is_left_behind_at_the_limit_and_at_cancel() {
        let (let_go, held) = std::sync::mpsc::channel::<()>();
        let held = Arc::new(std::sync::Mutex::new(held));
        let deaf = |held: Arc<std::sync::Mutex<std::sync::mpsc::Receiver<()>>>| {
            move |_: &mut Watch| {
                let _ = held.lock().map(|held| held.recv());
                Ok(())
            }
        };
        let seats = Seats::new(2);
        let io = CallIo::quiet();
        let limit = Duration::from_millis(20);
        let fault = apart("deaf", &io, limit, &seats, deaf(Arc::clone(&held))).await.unwrap_err();
        assert_eq!(fault, ServerFault::Timeout { phase: Phase::Total, after: limit });
        io.cancel.cancel();
        let fault = apart("deaf", &io, Duration::from_mins(1), &seats, deaf(held)).await.unwrap_err();
        assert_eq!(fault, ServerFault::Cancelled);
        drop(let_go);
    }

    #[tokio::test]
    async fn when_every_seat_is_kept_the_next_caller_is_told_which_limit_it_was() {
        let (let_go, held) = std::sync::mpsc::channel::<()>();
        let seats = Seats::new(1);
        let io = CallIo::quiet();
        let limit = Duration::from_millis(20);
        let first = apart("deaf", &io, limit, &seats, move |_| {
            let _ = held.recv();
            Ok(())
        });
        assert!(matches!(first.await, Err(ServerFault::Timeout { .. })));
        let second = apart("next", &io, limit, &seats, |_| Ok(())).await;
        assert_eq!(second, Err(ServerFault::ResourceLimit { what: "built-in tools at once".into(), limit: 1 }));
        drop(let_go);
    }

    #[tokio::test]
    async fn progress_reaches_the_caller_and_cancel_ends_the_work() {
        let (events, mut seen) = domain::call_events::call_events(8);
        let io = CallIo { events: Some(events), ..CallIo::quiet() };
        let seats = Seats::new(1);
        let call = apart::<(), _>("busy", &io, Duration::from_mins(1), &seats, |watch| {
            for done in 1.. {
                watch.tick()?;
                watch.progress(done, || "still at it".into());
            }
            Ok(())
        });
        let listen = async {
            let event = seen.recv().await;
            io.cancel.cancel();
            event
        };
        let (ended, event) = tokio::join!(call, listen);
        assert_eq!(ended, Err(ServerFault::Cancelled));
        assert!(matches!(event, Some(CallEvent::Progress { total: None, message: Some(words), .. }) if words == "still at it"));
    }

    #[tokio::test]
    async fn a_caller_who_walks_away_stops_the_work() {
        let (ended, seen) = std::sync::mpsc::channel();
        let (begun, begin) = oneshot::channel();
        let seats = Seats::new(1);
        let io = CallIo::quiet();
        let call = apart("walk", &io, Duration::from_mins(1), &seats, move |watch| {
            let _ = begun.send(());
            let fault = loop {
                if let Err(fault) = watch.tick() {
                    break fault;
                }
                std::thread::yield_now();
            };
            let _ = ended.send(fault.clone());
            Err::<(), _>(fault)
        });
        tokio::select! {
            _ = call => panic!("it only ends when it is told to"),
            _ = begin => {}
        }
        assert_eq!(seen.recv().unwrap(), ServerFault::Cancelled, "dropping the future told it");
    }
}
