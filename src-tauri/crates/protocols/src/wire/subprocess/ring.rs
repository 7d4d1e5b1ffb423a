//! The last of what a program wrote to stderr.

use std::sync::{Mutex, PoisonError};

/// So much is kept.
pub(super) const RING: usize = 256 << 10;
/// So much of it goes into a fault.
const TAIL: usize = 4 << 10;

/// Bytes, the oldest of which make room for new ones.
#[derive(Debug, Default)]
pub(super) struct Ring(Mutex<Vec<u8>>);

impl Ring {
    /// Takes bytes in.
    pub(super) fn push(&self, bytes: &[u8]) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend_from_slice(bytes);
        // Twice as much may lie here for a while, so that little is moved for each new piece.
        if kept.len() > 2 * RING {
            let over = kept.len() - RING;
            kept.drain(..over);
        }
    }

    /// All that is kept, as text.
    pub(super) fn text(&self) -> String {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&kept[kept.len().saturating_sub(RING)..]).into_owned()
    }

    /// The last lines, enough to see why a program ended.
    pub(super) fn tail(&self) -> String {
        let text = self.text();
        let mut start = text.len().saturating_sub(TAIL);
        while !text.is_char_boundary(start) {
            start += 1;
        }
        // From the first whole line, when there is one.
        let from = if start == 0 { 0 } else { text[start..].find('\n').map_or(start, |newline| start + newline + 1) };
        text[from..].trim_end().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gigabyte_leaves_the_last_quarter_of_a_megabyte_and_a_tail_of_whole_lines() {
        let ring = Ring::default();
        let line = format!("{}\n", "x".repeat(1023));
        for _ in 0..1000 {
            ring.push(line.as_bytes());
        }
        ring.push("the end: 雪".as_bytes());
        let text = ring.text();
        assert_eq!(text.len(), RING);
        assert!(text.ends_with("the end: 雪"));
        let tail = ring.tail();
        assert!(tail.starts_with("xxx") && tail.len() <= TAIL && tail.ends_with("雪"));
        ring.push(&vec![0xff; RING * 2]);
        assert!(ring.tail().chars().all(|c| c == '\u{fffd}'), "what is no text is shown as such");
        assert_eq!(Ring::default().tail(), "");
    }
}
