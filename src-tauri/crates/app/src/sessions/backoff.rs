//! When to try again: longer and longer, never in step with others, and not for ever.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// First pause.
const FIRST: Duration = Duration::from_millis(500);
/// Longest pause.
pub(crate) const LONGEST: Duration = Duration::from_mins(1);
/// A connection that lasted so long starts the count anew.
pub(crate) const STABLE: Duration = Duration::from_mins(1);

/// Pauses between tries: doubled each time, capped, and drawn from the upper half so that many clients do not come back at once.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    tries: u32,
}

impl Backoff {
    /// The next pause; `dice` is drawn from 0..1.
    pub(crate) fn next(&mut self, dice: f64) -> Duration {
        let whole = FIRST.saturating_mul(2u32.saturating_pow(self.tries.min(16))).min(LONGEST);
        self.tries = self.tries.saturating_add(1);
        whole.mul_f64(0.5 + dice.clamp(0.0, 1.0) / 2.0)
    }

    /// Things went well.
    pub(crate) fn reset(&mut self) {
        self.tries = 0;
    }
}

/// Opens after five restarts within a minute: then only a person or a call starts the server again.
#[derive(Debug, Default)]
pub(crate) struct Breaker {
    ends: VecDeque<Instant>,
}

impl Breaker {
    /// Restarts within [`Breaker::WITHIN`] that open it.
    pub(crate) const MOST: usize = 5;
    /// The window.
    pub(crate) const WITHIN: Duration = Duration::from_mins(1);

    /// A session ended by itself. Answers whether it may be started again without being asked.
    pub(crate) fn ended(&mut self, now: Instant) -> bool {
        self.ends.push_back(now);
        while self.ends.front().is_some_and(|first| now.duration_since(*first) > Self::WITHIN) {
            self.ends.pop_front();
        }
        self.ends.len() <= Self::MOST
    }

    /// Somebody asked.
    pub(crate) fn reset(&mut self) {
        self.ends.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_minute_and_never_fall_below_half() {
        for dice in [0.0, 0.3, 1.0] {
            let mut backoff = Backoff::default();
            let mut whole = 0.5;
            for _ in 0..40 {
                let pause = backoff.next(dice).as_secs_f64();
                assert!(pause >= whole / 2.0 - 1e-9 && pause <= whole + 1e-9, "{pause} around {whole}");
                whole = f64::min(whole * 2.0, 60.0);
            }
            backoff.reset();
            assert!(backoff.next(1.0) <= FIRST);
        }
    }

    #[test]
    fn five_restarts_in_a_minute_are_let_pass_and_the_sixth_is_not() {
        let start = Instant::now();
        let mut breaker = Breaker::default();
        for n in 0..5 {
            assert!(breaker.ended(start + Duration::from_secs(n)));
        }
        assert!(!breaker.ended(start + Duration::from_secs(6)), "the circuit is open");
        assert!(breaker.ended(start + Duration::from_secs(120)), "slow restarts do not count");
        breaker.reset();
        assert!(breaker.ended(start + Duration::from_secs(121)));
    }
}
