//! The line on which a running call tells its caller what happens: bounded, and as good as free for the many calls that say nothing.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use crate::protocol::CallEvent;

#[derive(Debug, Default)]
struct Line {
    most: usize,
    waiting: VecDeque<CallEvent>,
    senders: usize,
    /// Nobody reads any more.
    deaf: bool,
    reader: Option<Waker>,
}

fn locked(line: &Mutex<Line>) -> MutexGuard<'_, Line> {
    line.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The end that tells. Never waits: a slow reader loses events, never slows the session.
#[derive(Debug)]
pub struct CallEvents(Arc<Mutex<Line>>);

/// The end that is told.
#[derive(Debug)]
pub struct Heard(Arc<Mutex<Line>>);

/// A line on which so many events may wait.
pub fn call_events(most: usize) -> (CallEvents, Heard) {
    let line = Arc::new(Mutex::new(Line { most, senders: 1, ..Line::default() }));
    (CallEvents(line.clone()), Heard(line))
}

impl CallEvents {
    /// Tells it, if somebody listens and keeps up.
    pub fn send(&self, event: CallEvent) {
        let mut line = locked(&self.0);
        if line.deaf || line.waiting.len() >= line.most {
            return;
        }
        line.waiting.push_back(event);
        let reader = line.reader.take();
        drop(line);
        if let Some(reader) = reader {
            reader.wake();
        }
    }
}

impl Clone for CallEvents {
    fn clone(&self) -> Self {
        locked(&self.0).senders += 1;
        Self(self.0.clone())
    }
}

impl Drop for CallEvents {
    fn drop(&mut self) {
        let mut line = locked(&self.0);
        line.senders -= 1;
        let reader = if line.senders == 0 { line.reader.take() } else { None };
        drop(line);
        if let Some(reader) = reader {
            reader.wake();
        }
    }
}

impl Heard {
    /// Waits for the next event; nothing when there will be none. Dropping the future loses nothing.
    pub async fn recv(&mut self) -> Option<CallEvent> {
        poll_fn(|cx| {
            let mut line = locked(&self.0);
            if let Some(event) = line.waiting.pop_front() {
                return Poll::Ready(Some(event));
            }
            if line.senders == 0 {
                return Poll::Ready(None);
            }
            match &mut line.reader {
                Some(reader) => reader.clone_from(cx.waker()),
                none => *none = Some(cx.waker().clone()),
            }
            Poll::Pending
        })
        .await
    }

    /// The next event, if it is there already.
    pub fn try_recv(&mut self) -> Option<CallEvent> {
        locked(&self.0).waiting.pop_front()
    }
}

impl Drop for Heard {
    fn drop(&mut self) {
        let mut line = locked(&self.0);
        line.deaf = true;
        line.waiting = VecDeque::new();
        line.reader = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress(progress: f64) -> CallEvent {
        CallEvent::Progress { progress, total: None, message: None }
    }

    #[tokio::test]
    async fn events_arrive_in_order_and_the_end_is_heard_when_the_last_sender_is_gone() {
        let (events, mut heard) = call_events(8);
        let more = events.clone();
        let tell = async move {
            tokio::task::yield_now().await;
            events.send(progress(1.0));
            drop(events);
            tokio::task::yield_now().await;
            more.send(progress(2.0));
        };
        let hear = async {
            assert_eq!(heard.recv().await, Some(progress(1.0)));
            assert_eq!(heard.recv().await, Some(progress(2.0)));
            assert_eq!(heard.recv().await, None);
        };
        tokio::join!(hear, tell);
    }

    #[test]
    fn what_nobody_reads_is_not_kept() {
        let (events, mut heard) = call_events(2);
        for n in 0..5 {
            events.send(progress(f64::from(n)));
        }
        assert_eq!((heard.try_recv(), heard.try_recv(), heard.try_recv()), (Some(progress(0.0)), Some(progress(1.0)), None));
        drop(heard);
        events.send(progress(9.0));
        assert!(locked(&events.0).waiting.is_empty());
    }
}
