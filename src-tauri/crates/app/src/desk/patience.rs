//! How long a call may take: without a sign of life, and altogether.
//!
//! **Invariant:** only increasing progress or a piece of the result counts as a sign of life; the total counts whatever happens.

use std::future::Future;
use std::time::Duration;

use domain::call_events::Heard;
use domain::fault::{Phase, ServerFault};
use domain::protocol::CallEvent;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// No call takes longer.
pub(crate) const TOTAL: Duration = Duration::from_mins(10);
/// A session gets so long to tell its peer that a call is given up.
const GRACE: Duration = Duration::from_millis(500);

/// The patience for one call.
pub(crate) struct Patience<'c> {
    /// Time without a sign of life.
    pub(crate) idle: Duration,
    /// The moment after which nothing is waited for.
    pub(crate) until: Instant,
    /// The caller gave up.
    pub(crate) cancel: &'c CancellationToken,
    /// The session is over.
    pub(crate) gone: &'c CancellationToken,
    /// Tells the session to give the call up.
    pub(crate) tell: &'c CancellationToken,
}

/// Waits for an answer. `asking` says whether a person is answering a question of this server: their thinking does not count as idle.
pub(crate) async fn wait<T>(
    call: impl Future<Output = Result<T, ServerFault>>,
    mut events: Heard,
    patience: Patience<'_>,
    asking: impl Fn() -> bool,
    mut pass_on: impl FnMut(CallEvent),
) -> Result<T, ServerFault> {
    let Patience { idle, until, cancel, gone, tell } = patience;
    tokio::pin!(call);
    let mut furthest = f64::NEG_INFINITY;
    let timer = tokio::time::sleep_until(until.min(Instant::now() + idle));
    tokio::pin!(timer);
    let mut open = true;
    let fault = loop {
        tokio::select! {
            biased;
            answer = &mut call => {
                while let Some(event) = events.try_recv() {
                    pass_on(event);
                }
                return answer;
            }
            () = cancel.cancelled() => break ServerFault::Cancelled,
            () = gone.cancelled() => {
                // The session itself knows best what became of the call; it has a moment to say so.
                let reason = "the session was closed".to_owned();
                let lost = ServerFault::ConnectionLost { reason, lost_result: true };
                return tokio::time::timeout(GRACE, &mut call).await.unwrap_or(Err(lost));
            }
            event = events.recv(), if open => match event {
                None => open = false,
                Some(event) => {
                    let alive = match &event {
                        CallEvent::Progress { progress, .. } if *progress > furthest => {
                            furthest = *progress;
                            true
                        }
                        CallEvent::Chunk { .. } => true,
                        CallEvent::Progress { .. } | CallEvent::Log { .. } => false,
                    };
                    if alive {
                        timer.as_mut().reset(until.min(Instant::now() + idle));
                    }
                    pass_on(event);
                }
            },
            () = &mut timer => {
                let now = Instant::now();
                if now >= until {
                    break ServerFault::Timeout { phase: Phase::Total, after: TOTAL };
                }
                if !asking() {
                    break ServerFault::Timeout { phase: Phase::Idle, after: idle };
                }
                timer.as_mut().reset(until.min(now + idle));
            }
        }
    };
    tell.cancel();
    let _ = tokio::time::timeout(GRACE, &mut call).await;
    Err(fault)
}

#[cfg(test)]
mod tests {
    use domain::call_events::{CallEvents, call_events};

    use super::*;

    struct Rig {
        cancel: CancellationToken,
        gone: CancellationToken,
        tell: CancellationToken,
    }

    impl Rig {
        fn new() -> Self {
            Self { cancel: CancellationToken::new(), gone: CancellationToken::new(), tell: CancellationToken::new() }
        }

        fn patience(&self, idle: u64) -> Patience<'_> {
            Patience {
                idle: Duration::from_secs(idle),
                until: Instant::now() + TOTAL,
                cancel: &self.cancel,
                gone: &self.gone,
                tell: &self.tell,
            }
        }
    }

    fn progress(progress: f64) -> CallEvent {
        CallEvent::Progress { progress, total: None, message: None }
    }

    /// A call that reports `step(n)` every ten seconds and never ends.
    async fn endless(events: CallEvents, step: impl Fn(u32) -> CallEvent) -> Result<(), ServerFault> {
        for n in 0.. {
            tokio::time::sleep(Duration::from_secs(10)).await;
            events.send(step(n));
        }
        Ok(())
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_without_a_sign_of_life_is_given_up_and_its_session_is_told() {
        let rig = Rig::new();
        let (_events, received) = call_events(8);
        let begun = Instant::now();
        let told = rig.tell.clone();
        let call = async {
            told.cancelled().await;
            Ok(())
        };
        let fault = wait(call, received, rig.patience(30), || false, |_| {}).await.unwrap_err();
        assert_eq!(fault, ServerFault::Timeout { phase: Phase::Idle, after: Duration::from_secs(30) });
        assert_eq!(begun.elapsed().as_secs(), 30);
        assert!(rig.tell.is_cancelled());
    }

    #[tokio::test(start_paused = true)]
    async fn increasing_progress_keeps_a_call_alive_up_to_the_hard_total() {
        let rig = Rig::new();
        let (events, received) = call_events(8);
        let begun = Instant::now();
        let mut seen = 0;
        let fault =
            wait(endless(events, |n| progress(f64::from(n))), received, rig.patience(15), || false, |_| seen += 1).await.unwrap_err();
        assert_eq!(fault, ServerFault::Timeout { phase: Phase::Total, after: TOTAL });
        assert_eq!(begun.elapsed().as_secs(), 600);
        assert!(seen >= 59);
    }

    #[tokio::test(start_paused = true)]
    async fn progress_that_does_not_increase_keeps_nothing_alive() {
        for step in [
            (|_| progress(1.0)) as fn(u32) -> CallEvent,
            |n| progress(-f64::from(n)),
            |_| progress(f64::NAN),
            |_| CallEvent::Log { level: "info".into(), data: domain::Json::Null },
        ] {
            let rig = Rig::new();
            let (events, received) = call_events(8);
            let begun = Instant::now();
            let fault = wait(endless(events, step), received, rig.patience(30), || false, |_| {}).await.unwrap_err();
            assert_eq!(fault.code(), "timeout");
            assert!(begun.elapsed().as_secs() <= 40, "the first report may count, no further one");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_person_who_thinks_is_not_a_server_that_hangs() {
        let rig = Rig::new();
        let (_events, received) = call_events(8);
        let call = async {
            tokio::time::sleep(Duration::from_secs(300)).await;
            Ok(7)
        };
        assert_eq!(wait(call, received, rig.patience(30), || true, |_| {}).await, Ok(7));
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_who_gives_up_is_heard_and_a_session_that_does_not_listen_is_left() {
        let rig = Rig::new();
        let (_events, received) = call_events(8);
        rig.cancel.cancel();
        let begun = Instant::now();
        let never = std::future::pending::<Result<(), ServerFault>>();
        assert_eq!(wait(never, received, rig.patience(30), || false, |_| {}).await, Err(ServerFault::Cancelled));
        assert!(begun.elapsed() <= GRACE && rig.tell.is_cancelled());
    }

    #[tokio::test(start_paused = true)]
    async fn a_session_that_ends_loses_the_result_and_says_so() {
        let rig = Rig::new();
        let (_events, received) = call_events(8);
        rig.gone.cancel();
        let never = std::future::pending::<Result<(), ServerFault>>();
        let fault = wait(never, received, rig.patience(30), || false, |_| {}).await.unwrap_err();
        assert_eq!(fault.code(), "result_lost");
    }
}
