//! A program's pipes as the halves of an MCP connection: one message a line, each way.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use domain::fault::ServerFault;
use domain::protocol::{ConnectCx, Frame, Host};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::unix::pipe;
use tokio::process::{ChildStdin, ChildStdout};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::ring::Ring;
use crate::guard::{Spec, Ward};
use crate::mcp::{Dial, Inlet, MESSAGE_LIMIT, Outlet, Piece, Wire};

/// How long a program may leave what we write unread.
const STALL: Duration = Duration::from_secs(30);
/// How long we wait to hear how a program ended whose output is over.
const LAST_WORD: Duration = Duration::from_secs(2);
/// How long what is left in the pipes is read after a program has ended.
const REST: Duration = Duration::from_millis(500);
/// The first bytes of a line that is too long, in which its id is looked for.
const HEAD: usize = 4096;
/// Longest piece of stderr that is shown as one line.
const STDERR_LINE: usize = 64 << 10;

/// A program that can be started, and started again.
pub(super) struct Program {
    spec: Spec,
    label: String,
    guard: Arc<[String]>,
    host: Arc<dyn Host>,
    tasks: TaskTracker,
    ring: Arc<Ring>,
}

impl Program {
    pub(super) fn new(cx: &ConnectCx, spec: Spec) -> Self {
        let label = cx.name.chars().filter(|c| !c.is_control()).take(60).collect();
        Self { spec, label, guard: Arc::clone(&cx.guard), host: Arc::clone(&cx.host), tasks: cx.tasks.clone(), ring: Arc::default() }
    }
}

#[async_trait]
impl Dial for Program {
    async fn dial(&self) -> Result<Wire, ServerFault> {
        let (ward, pipes) = Ward::start(&self.guard, &self.label, &self.spec, &self.tasks).await?;
        let silent = CancellationToken::new();
        self.tasks.spawn(listen(pipes.stderr, Arc::clone(&self.ring), Arc::clone(&self.host), silent.clone()));
        let pid = ward.pid();
        let shared = Arc::new(Shared { ward, ring: Arc::clone(&self.ring), silent, stalled: CancellationToken::new() });
        let ring = Arc::clone(&self.ring);
        Ok(Wire {
            outlet: Box::new(Input { stdin: Some(pipes.stdin), waiting: BytesMut::new(), stall: STALL, shared: Arc::clone(&shared) }),
            inlet: Box::new(Output { lines: Lines::new(MESSAGE_LIMIT), stdout: pipes.stdout, over: false, shared }),
            pid: Some(pid),
            stderr: Some(Arc::new(move || ring.text())),
        })
    }
}

/// What both halves know of the program.
#[derive(Debug)]
struct Shared {
    ward: Ward,
    ring: Arc<Ring>,
    /// Fires when stderr is over.
    silent: CancellationToken,
    /// Fires when the program no longer reads what we write.
    stalled: CancellationToken,
}

impl Shared {
    /// Why nothing more comes from the program.
    async fn last_word(&self) -> ServerFault {
        if self.stalled.is_cancelled() {
            return stalled();
        }
        let fate = timeout(LAST_WORD, self.ward.ended()).await.unwrap_or_else(|_| self.ward.fate());
        if let Some((what, limit)) = fate.over {
            return ServerFault::ResourceLimit { what, limit };
        }
        let how = match fate.exit {
            Some(exit) => {
                // What it said last is on its way: wait for the end of stderr, but not for a child that holds it open.
                let _ = timeout(REST, self.silent.cancelled()).await;
                exit.to_string()
            }
            None if fate.gone => "its guard was killed".into(),
            None => "it closed its output and went on running".into(),
        };
        ServerFault::ServerExited { how, stderr_tail: self.ring.tail() }
    }
}

fn stalled() -> ServerFault {
    ServerFault::ConnectionLost { reason: format!("the program has not read its input for {} s", STALL.as_secs()), lost_result: false }
}

/// Keeps stderr flowing, whatever comes, and keeps the last of it.
async fn listen(mut stderr: pipe::Receiver, ring: Arc<Ring>, host: Arc<dyn Host>, silent: CancellationToken) {
    let _silent = silent.drop_guard();
    let mut piece = vec![0_u8; 64 << 10];
    let mut line = Vec::new();
    loop {
        let read = match stderr.read(&mut piece).await {
            Ok(0) | Err(_) => break,
            Ok(read) => &piece[..read],
        };
        ring.push(read);
        if !host.wants_frames() {
            line.clear();
            continue;
        }
        for part in read.split_inclusive(|&byte| byte == b'\n') {
            line.extend_from_slice(part);
            if part.ends_with(b"\n") || line.len() >= STDERR_LINE {
                show(&mut line, &*host);
            }
        }
    }
    show(&mut line, &*host);
}

fn show(line: &mut Vec<u8>, host: &dyn Host) {
    let text = String::from_utf8_lossy(&line[..line.len().min(STDERR_LINE)]).trim_end().to_owned();
    line.clear();
    if !text.is_empty() {
        host.frame(Frame { sent: false, kind: "stderr", text });
    }
}

/// The writing half.
struct Input {
    stdin: Option<ChildStdin>,
    /// What is still to be written. A send that was dropped half-way leaves the rest here, so that no message is ever cut.
    waiting: BytesMut,
    stall: Duration,
    shared: Arc<Shared>,
}

#[async_trait]
impl Outlet for Input {
    async fn send(&mut self, text: &[u8]) -> Result<(), ServerFault> {
        let Some(stdin) = &mut self.stdin else {
            return Err(ServerFault::ConnectionLost { reason: "the program's input is closed".into(), lost_result: false });
        };
        self.waiting.reserve(text.len() + 1);
        self.waiting.put_slice(text);
        self.waiting.put_u8(b'\n');
        while self.waiting.has_remaining() {
            match timeout(self.stall, stdin.write(&self.waiting)).await {
                Ok(Ok(written @ 1..)) => self.waiting.advance(written),
                Ok(Ok(_) | Err(_)) => {
                    self.stdin = None;
                    return Err(match self.shared.last_word().await {
                        ServerFault::ServerExited { how, .. } if how.starts_with("it closed") => {
                            ServerFault::ConnectionLost { reason: "the program closed its input".into(), lost_result: false }
                        }
                        fault => fault,
                    });
                }
                Err(_) => {
                    self.shared.stalled.cancel();
                    return Err(stalled());
                }
            }
        }
        Ok(())
    }

    async fn close(&mut self) {
        self.stdin = None;
        let fate = self.shared.ward.stop().await;
        if fate.left > 0 {
            tracing::warn!(left = fate.left, "processes of a server could not be ended");
        }
        let _ = timeout(REST, self.shared.silent.cancelled()).await;
    }
}

/// The reading half.
struct Output {
    lines: Lines,
    stdout: ChildStdout,
    over: bool,
    shared: Arc<Shared>,
}

#[async_trait]
impl Inlet for Output {
    async fn next(&mut self) -> Result<Piece, ServerFault> {
        loop {
            if let Some(piece) = self.lines.next() {
                return Ok(piece);
            }
            if self.over {
                return Err(self.shared.last_word().await);
            }
            let ended = async {
                self.shared.ward.ended().await;
                sleep(REST).await;
            };
            tokio::select! {
                biased;
                () = self.shared.stalled.cancelled() => return Err(stalled()),
                read = self.stdout.read_buf(self.lines.room()) => {
                    if !matches!(read, Ok(1..)) {
                        self.over = true;
                        if let Some(piece) = self.lines.rest() {
                            return Ok(piece);
                        }
                    }
                }
                // Something that it left behind holds the pipe open; what it said itself has long been read.
                () = ended => self.over = true,
            }
        }
    }
}

/// Cuts a stream of bytes into lines, none longer than the limit.
struct Lines {
    bytes: BytesMut,
    looked_at: usize,
    limit: usize,
    /// In the middle of a line that is too long.
    skipping: bool,
}

impl Lines {
    fn new(limit: usize) -> Self {
        Self { bytes: BytesMut::new(), looked_at: 0, limit, skipping: false }
    }

    /// Where the next bytes go.
    fn room(&mut self) -> &mut BytesMut {
        self.bytes.reserve(16 << 10);
        &mut self.bytes
    }

    /// The next whole line, or the news that one is too long.
    fn next(&mut self) -> Option<Piece> {
        loop {
            let newline = self.bytes[self.looked_at..].iter().position(|&byte| byte == b'\n').map(|at| self.looked_at + at);
            match newline {
                Some(at) if self.skipping => {
                    self.bytes.advance(at + 1);
                    self.looked_at = 0;
                    self.skipping = false;
                }
                Some(at) if at <= self.limit => {
                    let mut line = self.bytes.split_to(at + 1);
                    line.truncate(at);
                    self.looked_at = 0;
                    return Some(Piece::Text(line.freeze()));
                }
                None if self.skipping => {
                    self.bytes.clear();
                    self.looked_at = 0;
                    return None;
                }
                None if self.bytes.len() <= self.limit => {
                    self.looked_at = self.bytes.len();
                    return None;
                }
                Some(_) | None => {
                    let head = Bytes::copy_from_slice(&self.bytes[..HEAD.min(newline.unwrap_or(self.bytes.len()))]);
                    self.skipping = true;
                    // The memory of a line that long is not worth keeping.
                    if newline.is_none() {
                        self.bytes = BytesMut::new();
                    }
                    self.looked_at = 0;
                    return Some(Piece::Broken { fault: ServerFault::MessageTooLarge { limit: self.limit }, head });
                }
            }
        }
    }

    /// What stands after the last newline when there is nothing more to come: a message whose newline is missing, or half of one.
    fn rest(&mut self) -> Option<Piece> {
        let rest = std::mem::take(&mut self.bytes).freeze();
        self.looked_at = 0;
        if rest.is_empty() || self.skipping {
            return None;
        }
        let whole = serde_json::from_slice::<serde::de::IgnoredAny>(&rest).is_ok();
        Some(if whole { Piece::Text(rest) } else { Piece::Noise(String::from_utf8_lossy(&rest[..HEAD.min(rest.len())]).into_owned()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(words: &str) -> Piece {
        Piece::Text(Bytes::copy_from_slice(words.as_bytes()))
    }

    fn fed(limit: usize, pieces: &[&str]) -> Vec<Piece> {
        let mut lines = Lines::new(limit);
        let mut out = Vec::new();
        for piece in pieces {
            lines.room().put_slice(piece.as_bytes());
            while let Some(piece) = lines.next() {
                out.push(piece);
            }
        }
        out.extend(lines.rest());
        out
    }

    #[test]
    fn lines_come_out_whole_however_they_went_in() {
        assert_eq!(fed(10, &["one\ntwo\r\n\nth", "r", "ee\n{}"]), [text("one"), text("two\r"), text(""), text("three"), text("{}")]);
        assert_eq!(fed(10, &["{\"a\":"]), [Piece::Noise("{\"a\":".into())], "half a message is none");
        assert_eq!(fed(10, &["", "\n"]), [text("")]);
    }

    #[test]
    fn c02_a_line_that_is_too_long_is_told_once_and_the_next_is_fine() {
        let broken =
            |head: &str| Piece::Broken { fault: ServerFault::MessageTooLarge { limit: 4 }, head: Bytes::copy_from_slice(head.as_bytes()) };
        assert_eq!(fed(4, &["1234\n", "12345", "6789", "0\nok\n"]), [text("1234"), broken("12345"), text("ok")]);
        assert_eq!(fed(4, &["123456789\nok\n"]), [broken("123456789"), text("ok")]);
        assert_eq!(fed(4, &["12345", "6789"]), [broken("12345")], "what never ends is not a rest");
    }
}
