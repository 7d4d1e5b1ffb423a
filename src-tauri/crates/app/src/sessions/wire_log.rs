//! What was seen on the wire and heard from a server, in rings: bounded, raw in memory, redacted when somebody looks.

use std::collections::VecDeque;
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, PoisonError};

use domain::Json;
use domain::id::Millis;
use domain::protocol::Frame;
use domain::secret::Redact;

use super::offer::json_weight;
use crate::redacted::redact_json;
use crate::shown::visible;
use crate::views::{FrameView, LogView};

const FRAMES: usize = 2_000;
const FRAME_BYTES: usize = 64 * 1024;
/// All frames of one server together: what a hostile one may make us keep.
const ALL_FRAMES: usize = 4 << 20;
const LOGS: usize = 1_000;
const LOG_BYTES: usize = 1 << 20;

#[derive(Debug)]
struct Ring<T> {
    items: VecDeque<(Millis, usize, T)>,
    bytes: usize,
}

impl<T> Default for Ring<T> {
    fn default() -> Self {
        Self { items: VecDeque::new(), bytes: 0 }
    }
}

impl<T> Ring<T> {
    fn push(&mut self, at: Millis, weight: usize, item: T, most: usize, most_bytes: usize) {
        self.items.push_back((at, weight, item));
        self.bytes += weight;
        while self.items.len() > most || self.bytes > most_bytes {
            let Some((_, weight, _)) = self.items.pop_front() else { break };
            self.bytes -= weight;
        }
    }
}

/// The rings of one server.
#[derive(Debug, Default)]
pub(crate) struct WireLog {
    frames: Mutex<Ring<Frame>>,
    logs: Mutex<Ring<(String, Json)>>,
    stderr: Mutex<Option<String>>,
    /// Log messages that were let go because too many came.
    pub(crate) dropped: AtomicU64,
}

impl WireLog {
    pub(crate) fn frame(&self, at: Millis, mut frame: Frame) {
        if frame.text.len() > FRAME_BYTES {
            let end = (0..=FRAME_BYTES).rev().find(|end| frame.text.is_char_boundary(*end)).unwrap_or(0);
            frame.text.truncate(end);
        }
        let weight = frame.text.len() + 64;
        self.frames.lock().unwrap_or_else(PoisonError::into_inner).push(at, weight, frame, FRAMES, ALL_FRAMES);
    }

    pub(crate) fn log(&self, at: Millis, level: String, data: Json) {
        let weight = json_weight(&data) + level.len() + 64;
        let data = if weight > FRAME_BYTES { Json::from(format!("(a log message of {weight} bytes)")) } else { data };
        let weight = weight.min(FRAME_BYTES);
        self.logs.lock().unwrap_or_else(PoisonError::into_inner).push(at, weight, (level, data), LOGS, LOG_BYTES);
    }

    /// Keeps the last words of a program that ended.
    pub(crate) fn last_words(&self, text: Option<String>) {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            *self.stderr.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
        }
    }

    pub(crate) fn stderr(&self) -> Option<String> {
        self.stderr.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The frames, redacted.
    pub(crate) fn frames(&self, redact: &dyn Redact) -> Vec<FrameView> {
        let frames: Vec<_> = {
            let ring = self.frames.lock().unwrap_or_else(PoisonError::into_inner);
            ring.items.iter().map(|(at, _, frame)| (*at, frame.clone())).collect()
        };
        frames
            .into_iter()
            .map(|(at, frame)| FrameView {
                at,
                sent: frame.sent,
                kind: frame.kind,
                text: visible(&redact.redact(&frame.text)).into_owned(),
            })
            .collect()
    }

    /// The log messages, redacted.
    pub(crate) fn logs(&self, redact: &dyn Redact) -> Vec<LogView> {
        let logs: Vec<_> = {
            let ring = self.logs.lock().unwrap_or_else(PoisonError::into_inner);
            ring.items.iter().map(|(at, _, (level, data))| (*at, level.clone(), data.clone())).collect()
        };
        logs.into_iter().map(|(at, level, data)| LogView { at, level, data: redact_json(redact, data) }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_frames_stays_within_its_bounds_and_keeps_the_latest() {
        let log = WireLog::default();
        for n in 0..5_000 {
            log.frame(Millis(n), Frame { sent: false, kind: "json", text: format!("{n}:{}", "é".repeat(40_000)) });
        }
        let ring = log.frames.lock().unwrap();
        assert!(ring.bytes <= ALL_FRAMES && ring.items.len() <= FRAMES);
        assert_eq!(ring.items.back().unwrap().0, Millis(4_999));
        assert!(ring.items.iter().all(|(_, _, frame)| frame.text.len() <= FRAME_BYTES));
    }
}
