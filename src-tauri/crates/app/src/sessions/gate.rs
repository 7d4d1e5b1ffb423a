//! How many calls a server gets at once, how many wait, and how many a minute.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use domain::fault::ServerFault;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// Calls in flight to one server, whatever its settings say.
pub(crate) const IN_FLIGHT: u32 = 64;
/// Calls that wait for their turn.
pub(crate) const QUEUE: usize = 256;
const MINUTE: Duration = Duration::from_mins(1);

/// One server's limits. It outlives connections: reconnecting does not reset a rate.
#[derive(Debug)]
pub(crate) struct Gate {
    at_once: u32,
    per_minute: Option<u32>,
    turns: std::sync::Arc<Semaphore>,
    places: std::sync::Arc<Semaphore>,
    started: Mutex<VecDeque<Instant>>,
}

/// A call's turn. Dropping it lets the next one in.
#[derive(Debug)]
pub(crate) struct Turn {
    _turn: OwnedSemaphorePermit,
}

impl Gate {
    pub(crate) fn new(at_once: Option<u32>, per_minute: Option<u32>) -> Self {
        let at_once = at_once.unwrap_or(IN_FLIGHT).clamp(1, IN_FLIGHT);
        Self {
            at_once,
            per_minute: per_minute.filter(|most| *most > 0),
            turns: std::sync::Arc::new(Semaphore::new(at_once as usize)),
            places: std::sync::Arc::new(Semaphore::new(QUEUE)),
            started: Mutex::default(),
        }
    }

    /// Whether it was made for these numbers.
    pub(crate) fn is_for(&self, at_once: Option<u32>, per_minute: Option<u32>) -> bool {
        self.at_once == at_once.unwrap_or(IN_FLIGHT).clamp(1, IN_FLIGHT) && self.per_minute == per_minute.filter(|most| *most > 0)
    }

    /// Counts a call against the minute, or says how long to wait.
    fn count(&self, now: Instant) -> Result<(), ServerFault> {
        let Some(most) = self.per_minute else { return Ok(()) };
        let mut started = self.started.lock().unwrap_or_else(PoisonError::into_inner);
        while started.front().is_some_and(|first| now.duration_since(*first) >= MINUTE) {
            started.pop_front();
        }
        if started.len() >= most as usize {
            let first = started.front().copied().unwrap_or(now);
            return Err(ServerFault::RateLimited { retry_after: MINUTE.saturating_sub(now.duration_since(first)) });
        }
        started.push_back(now);
        Ok(())
    }

    /// Waits for a turn. Refused when too many wait already, or when the minute's calls are used up.
    pub(crate) async fn turn(&self) -> Result<Turn, ServerFault> {
        self.count(Instant::now())?;
        if let Ok(turn) = self.turns.clone().try_acquire_owned() {
            return Ok(Turn { _turn: turn });
        }
        let place =
            self.places.clone().try_acquire_owned().map_err(|_| ServerFault::RateLimited { retry_after: Duration::from_secs(1) })?;
        let turn = self.turns.clone().acquire_owned().await.map_err(|_| ServerFault::Cancelled)?;
        drop(place);
        Ok(Turn { _turn: turn })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_minutes_calls_are_counted_and_the_wait_is_told() {
        let gate = Gate::new(None, Some(3));
        for _ in 0..3 {
            drop(gate.turn().await.unwrap());
        }
        tokio::time::advance(Duration::from_secs(20)).await;
        let refused = gate.turn().await.unwrap_err();
        assert_eq!(refused, ServerFault::RateLimited { retry_after: Duration::from_secs(40) });
        tokio::time::advance(Duration::from_secs(40)).await;
        assert!(gate.turn().await.is_ok(), "the first of them is a minute ago");
    }

    #[tokio::test]
    async fn one_call_at_a_time_means_that_the_second_waits_for_the_first() {
        let gate = std::sync::Arc::new(Gate::new(Some(1), None));
        let first = gate.turn().await.unwrap();
        let second = gate.turn();
        tokio::pin!(second);
        assert!(futures::poll!(&mut second).is_pending());
        drop(first);
        assert!(second.await.is_ok());
    }

    #[tokio::test]
    async fn a_full_queue_refuses_at_once() {
        let gate = Gate::new(Some(1), None);
        let _running = gate.turn().await.unwrap();
        let mut waiting: Vec<_> = (0..QUEUE).map(|_| Box::pin(gate.turn())).collect();
        for one in &mut waiting {
            assert!(futures::poll!(one).is_pending());
        }
        assert_eq!(gate.turn().await.unwrap_err().code(), "rate_limited");
    }
}
