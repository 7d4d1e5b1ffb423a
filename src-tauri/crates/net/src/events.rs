//! A decoder for `text/event-stream` that takes bytes in any cut, and a stream of events over a body.
//!
//! **Invariant:** it never holds more than one event of at most the limit, whatever is sent.

use std::collections::VecDeque;
use std::time::Duration;

use domain::fault::{Phase, ServerFault};
use futures::{Stream, StreamExt as _};

use crate::body::{BodyStream, MESSAGE_LIMIT};

/// A block of the stream. A block without `data` is passed on too, because its `id` and `retry` matter to whoever reconnects.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SseEvent {
    /// The event's name; none means `message`.
    pub event: Option<String>,
    /// Its data lines, joined; none when the block had no `data` field.
    pub data: Option<String>,
    /// The id in this block. One with a NUL in it is passed over.
    pub id: Option<String>,
    /// How long to wait before reconnecting, clamped to 0.5–60 s.
    pub retry: Option<Duration>,
}

impl SseEvent {
    /// The event's name, `message` when it has none.
    pub fn name(&self) -> &str {
        self.event.as_deref().filter(|name| !name.is_empty()).unwrap_or("message")
    }
}

/// The decoder. What is over the limit, or no UTF-8, is a fault in the event's place; the next event is read all the same.
#[derive(Debug)]
pub struct SseDecoder {
    limit: usize,
    line: Vec<u8>,
    data: Vec<u8>,
    block: SseEvent,
    has_data: bool,
    first_line: bool,
    after_cr: bool,
    skipping: bool,
}

impl Default for SseDecoder {
    fn default() -> Self {
        Self::new(MESSAGE_LIMIT)
    }
}

impl SseDecoder {
    /// With a limit for one line and for one event's data.
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            line: Vec::new(),
            data: Vec::new(),
            block: SseEvent::default(),
            has_data: false,
            first_line: true,
            after_cr: false,
            skipping: false,
        }
    }

    /// Takes bytes and adds the events that they complete.
    pub fn push(&mut self, mut bytes: &[u8], out: &mut VecDeque<Result<SseEvent, ServerFault>>) {
        while let Some(&first) = bytes.first() {
            if std::mem::take(&mut self.after_cr) && first == b'\n' {
                bytes = bytes.get(1..).unwrap_or_default();
                continue;
            }
            if let Some(end) = bytes.iter().position(|&byte| byte == b'\n' || byte == b'\r') {
                let (piece, rest) = bytes.split_at(end);
                self.take(piece, out);
                self.end_line(out);
                self.after_cr = rest.first() == Some(&b'\r');
                bytes = rest.get(1..).unwrap_or_default();
            } else {
                self.take(bytes, out);
                break;
            }
        }
    }

    /// A piece of a line.
    fn take(&mut self, piece: &[u8], out: &mut VecDeque<Result<SseEvent, ServerFault>>) {
        let Some(&first) = piece.first() else { return };
        if self.skipping || self.line.first() == Some(&b':') || (self.line.is_empty() && first == b':') {
            // Of a comment, and of what is passed over, only matters that the line is not empty.
            if self.line.is_empty() {
                self.line.push(first);
            }
            return;
        }
        if self.line.len() + self.data.len() + piece.len() > self.limit.saturating_add(16) {
            self.skipping = true;
            self.reset_block();
            self.line.clear();
            self.line.push(b'x');
            out.push_back(Err(ServerFault::MessageTooLarge { limit: self.limit }));
            return;
        }
        self.line.extend_from_slice(piece);
    }

    fn end_line(&mut self, out: &mut VecDeque<Result<SseEvent, ServerFault>>) {
        let mut line = std::mem::take(&mut self.line);
        if std::mem::take(&mut self.first_line) && line.starts_with(b"\xEF\xBB\xBF") {
            line.drain(..3);
        }
        if line.is_empty() {
            if !std::mem::take(&mut self.skipping) {
                self.end_block(out);
            }
        } else if !self.skipping {
            self.field(&line);
        }
        // The allocation is kept unless a huge line made it huge.
        if line.capacity() <= 64 * 1024 {
            line.clear();
            self.line = line;
        }
    }

    fn field(&mut self, line: &[u8]) {
        let (name, value) = match line.iter().position(|&byte| byte == b':') {
            Some(colon) => (line.get(..colon).unwrap_or_default(), line.get(colon + 1..).unwrap_or_default()),
            None => (line, &[][..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match name {
            b"data" => {
                if std::mem::replace(&mut self.has_data, true) {
                    self.data.push(b'\n');
                }
                self.data.extend_from_slice(value);
            }
            b"event" => self.block.event = Some(String::from_utf8_lossy(value).into_owned()),
            b"id" if !value.contains(&0) => self.block.id = Some(String::from_utf8_lossy(value).into_owned()),
            b"retry" if !value.is_empty() && value.iter().all(u8::is_ascii_digit) => {
                let wish = std::str::from_utf8(value).ok().and_then(|digits| digits.parse::<u64>().ok()).unwrap_or(u64::MAX);
                self.block.retry = Some(Duration::from_millis(wish.clamp(500, 60_000)));
            }
            _ => {}
        }
    }

    fn end_block(&mut self, out: &mut VecDeque<Result<SseEvent, ServerFault>>) {
        let (mut block, data) = (std::mem::take(&mut self.block), std::mem::take(&mut self.data));
        if std::mem::take(&mut self.has_data) {
            match String::from_utf8(data) {
                Ok(text) => block.data = Some(text),
                Err(fault) => {
                    out.push_back(Err(ServerFault::InvalidUtf8 { offset: fault.utf8_error().valid_up_to() }));
                    return;
                }
            }
        } else if block.id.is_none() && block.retry.is_none() {
            return;
        }
        out.push_back(Ok(block));
    }

    fn reset_block(&mut self) {
        self.block = SseEvent::default();
        self.data = Vec::new();
        self.has_data = false;
    }
}

/// The events of a body, as they come.
pub struct EventStream {
    body: BodyStream,
    decoder: SseDecoder,
    ready: VecDeque<Result<SseEvent, ServerFault>>,
    idle: Option<Duration>,
    ended: bool,
}

impl EventStream {
    /// Reads a body. With `idle`, so long without any byte ends it with [`Phase::Idle`].
    pub fn new(body: BodyStream, idle: Option<Duration>) -> Self {
        Self { body, decoder: SseDecoder::default(), ready: VecDeque::new(), idle, ended: false }
    }

    /// Changes how long the body may be silent.
    pub fn set_idle(&mut self, idle: Option<Duration>) {
        self.idle = idle;
    }

    /// The next event; none at the end. A fault of the body ends it, a fault of one event does not. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Result<SseEvent, ServerFault>> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            if self.ended {
                return None;
            }
            let piece = match self.idle {
                Some(idle) => match tokio::time::timeout(idle, self.body.next()).await {
                    Ok(piece) => piece,
                    Err(_) => Some(Err(ServerFault::Timeout { phase: Phase::Idle, after: idle })),
                },
                None => self.body.next().await,
            };
            match piece {
                Some(Ok(bytes)) => self.decoder.push(&bytes, &mut self.ready),
                Some(Err(fault)) => {
                    self.ended = true;
                    return Some(Err(fault));
                }
                None => self.ended = true,
            }
        }
    }

    /// The same as a `Stream`.
    pub fn into_stream(self) -> impl Stream<Item = Result<SseEvent, ServerFault>> + Send {
        futures::stream::unfold(self, |mut events| async move { events.next().await.map(|event| (event, events)) })
    }
}

impl std::fmt::Debug for EventStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EventStream").field("idle", &self.idle).field("ended", &self.ended).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decode(limit: usize, pieces: &[&[u8]]) -> Vec<Result<SseEvent, ServerFault>> {
        let (mut decoder, mut out) = (SseDecoder::new(limit), VecDeque::new());
        for piece in pieces {
            decoder.push(piece, &mut out);
        }
        out.into()
    }

    fn data(text: &str) -> SseEvent {
        SseEvent { data: Some(text.into()), ..SseEvent::default() }
    }

    #[test]
    fn the_streams_grammar_is_read_as_it_is_written_down() {
        let named = |event: &str, text: &str| SseEvent { event: Some(event.into()), ..data(text) };
        for (bytes, expected) in [
            ("data: a\n\n", vec![data("a")]),
            ("data:a\r\ndata: b\r\n\r\n", vec![data("a\nb")]),
            ("data: a\r\rdata: b\r\r", vec![data("a"), data("b")]),
            ("\u{feff}data: a\n\n", vec![data("a")]),
            ("data: a\n\u{feff}data: b\n\n", vec![data("a")]),
            ("event: x\ndata: {}\n\n", vec![named("x", "{}")]),
            (": hello\n\ndata: a\n: more\n\n", vec![data("a")]),
            ("data\n\n", vec![data("")]),
            ("data:\n\n", vec![data("")]),
            ("data:  two\n\n", vec![data(" two")]),
            ("event: x\n\n", vec![]),
            ("data: cut off\n", vec![]),
            ("foo: bar\ndata: a:b\n\n", vec![data("a:b")]),
            ("id: 7\ndata: a\n\ndata: b\n\n", vec![SseEvent { id: Some("7".into()), ..data("a") }, data("b")]),
            ("id: 7\0\ndata: a\n\n", vec![data("a")]),
            ("retry: 0\n\n", vec![SseEvent { retry: Some(Duration::from_millis(500)), ..SseEvent::default() }]),
            ("retry: 1000000000000\n\n", vec![SseEvent { retry: Some(Duration::from_mins(1)), ..SseEvent::default() }]),
            ("retry: 99999999999999999999999\n\n", vec![SseEvent { retry: Some(Duration::from_mins(1)), ..SseEvent::default() }]),
            ("retry: 1e12\nretry: -1\nretry:\n\n", vec![]),
            ("retry: 2000\ndata: a\n\n", vec![SseEvent { retry: Some(Duration::from_secs(2)), ..data("a") }]),
        ] {
            let found: Vec<_> = decode(MESSAGE_LIMIT, &[bytes.as_bytes()]).into_iter().map(Result::unwrap).collect();
            assert_eq!(found, expected, "{bytes:?}");
        }
    }

    #[test]
    fn one_event_over_the_limit_is_a_fault_and_the_next_one_is_read() {
        let long = vec![b'x'; 200];
        let stream: [&[u8]; 5] = [b"data: ", &long, b"\ndata: tail\n", b"\n", b"data: fine\n\n"];
        assert_eq!(decode(100, &stream), vec![Err(ServerFault::MessageTooLarge { limit: 100 }), Ok(data("fine"))], "an endless line");
        let many: Vec<&[u8]> = std::iter::repeat_n(&b"data: 0123456789\n"[..], 50).chain([&b"\ndata: fine\n\n"[..]]).collect();
        assert_eq!(decode(100, &many), vec![Err(ServerFault::MessageTooLarge { limit: 100 }), Ok(data("fine"))], "endless lines");
    }

    #[test]
    fn an_endless_comment_takes_no_memory() {
        let (mut decoder, mut out) = (SseDecoder::new(100), VecDeque::new());
        decoder.push(b":", &mut out);
        for _ in 0..10_000 {
            decoder.push(&[b'c'; 1000], &mut out);
        }
        assert!(decoder.line.len() < 10, "a comment is not kept");
        decoder.push(b"\ndata: a\n\n", &mut out);
        assert_eq!(Vec::from(out), vec![Ok(data("a"))]);
    }

    #[test]
    fn bytes_that_are_no_text_spoil_one_event_only() {
        let found = decode(MESSAGE_LIMIT, &[b"data: ab\xff\n\ndata: b\n\n"]);
        assert_eq!(found, vec![Err(ServerFault::InvalidUtf8 { offset: 2 }), Ok(data("b"))]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_body_ends_and_comments_keep_one_alive() {
        let started = tokio::time::Instant::now();
        let silent: BodyStream = Box::pin(futures::stream::pending());
        let idle = Duration::from_mins(1);
        let mut events = EventStream::new(silent, Some(idle));
        assert_eq!(events.next().await, Some(Err(ServerFault::Timeout { phase: Phase::Idle, after: idle })));
        assert_eq!(started.elapsed(), idle);
        assert_eq!(events.next().await, None, "it is over");
        let chatty: BodyStream = Box::pin(futures::stream::unfold(0, |nth| async move {
            tokio::time::sleep(Duration::from_secs(50)).await;
            let piece: &[u8] = if nth < 10 { b": still here\n" } else { b"data: a\n\n" };
            (nth <= 10).then(|| (Ok(bytes::Bytes::from_static(piece)), nth + 1))
        }));
        let mut events = EventStream::new(chatty, Some(idle));
        assert_eq!(events.next().await, Some(Ok(data("a"))));
        assert_eq!(events.next().await, None);
    }

    proptest! {
        #[test]
        fn any_cut_of_the_bytes_gives_the_same_events(
            lines in prop::collection::vec(
                prop_oneof![
                    "data: [a-zé:]{0,12}", "data", ": [a-z]{0,9}", "event: [a-z]{1,5}", "id: [0-9\0]{0,4}", "retry: [0-9]{1,7}", "[a-z]{0,4}:x", "",
                ],
                0..30,
            ),
            ends in prop::collection::vec(prop_oneof![Just("\n"), Just("\r"), Just("\r\n")], 30),
            cuts in prop::collection::vec(0usize..400, 0..12),
            bom in any::<bool>(),
        ) {
            let mut bytes = if bom { b"\xEF\xBB\xBF".to_vec() } else { Vec::new() };
            for (line, end) in lines.iter().zip(&ends) {
                bytes.extend_from_slice(line.as_bytes());
                bytes.extend_from_slice(end.as_bytes());
            }
            let whole = decode(40, &[&bytes]);
            let mut at: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            at.sort_unstable();
            at.push(bytes.len());
            let mut from = 0;
            let pieces: Vec<&[u8]> = at.iter().map(|&to| { let piece = &bytes[from..to]; from = to; piece }).collect();
            prop_assert_eq!(&decode(40, &pieces), &whole);
            let single: Vec<&[u8]> = bytes.chunks(1).collect();
            prop_assert_eq!(&decode(40, &single), &whole);
        }
    }
}
