//! The two halves of an open WebSocket, its heartbeat, and its end.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use domain::fault::ServerFault;
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt as _, StreamExt as _};
use net::Io;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::{CapacityError, Error, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Message, Role, WebSocketConfig};

use super::spelling::Spelling;
use crate::mcp::{Inlet, MESSAGE_LIMIT, Outlet, Piece};

/// How often a ping goes out.
const BEAT: Duration = Duration::from_secs(20);
/// So many unanswered ones in a row, and nobody is there.
const MISSED: u32 = 2;
/// How long a goodbye may take.
const GOODBYE: Duration = Duration::from_secs(2);

type Socket = WebSocketStream<Box<dyn Io>>;
type Sink = Arc<tokio::sync::Mutex<SplitSink<Socket, Message>>>;

/// Both halves of a connection that was upgraded; `first` came after the peer's answer.
pub(super) async fn halves(io: Box<dyn Io>, first: Bytes) -> (Speaker, Listener) {
    let config = WebSocketConfig::default()
        .max_message_size(Some(MESSAGE_LIMIT))
        .max_frame_size(Some(MESSAGE_LIMIT))
        .read_buffer_size(16 * 1024)
        .write_buffer_size(0)
        .max_write_buffer_size(64 * 1024 * 1024);
    let socket = WebSocketStream::from_partially_read(io, first.to_vec(), Role::Client, Some(config)).await;
    let (sink, stream) = socket.split();
    let sink = Arc::new(tokio::sync::Mutex::new(sink));
    let spelling = Arc::new(Mutex::new(Spelling::default()));
    let mut beat = interval_at(Instant::now() + BEAT, BEAT);
    // After a laptop slept, one beat is enough to find out.
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let listener = Listener { stream, sink: sink.clone(), spelling: spelling.clone(), beat, unanswered: 0, ahead: VecDeque::new() };
    (Speaker { sink, spelling }, listener)
}

/// The writing half.
pub(super) struct Speaker {
    sink: Sink,
    spelling: Arc<Mutex<Spelling>>,
}

#[async_trait]
impl Outlet for Speaker {
    async fn send(&mut self, text: &[u8]) -> Result<(), ServerFault> {
        let text = match self.spelling.lock().unwrap_or_else(PoisonError::into_inner).outgoing(text) {
            Some(text) => {
                String::from_utf8(text.into_owned()).map_err(|_| ServerFault::Internal { what: "a message is no text".into() })?
            }
            None => return Ok(()),
        };
        self.sink.lock().await.send(Message::text(text)).await.map_err(|fault| read_fault(&fault))
    }

    async fn close(&mut self) {
        let goodbye = async {
            let mut sink = self.sink.lock().await;
            let _ = sink.send(Message::Close(Some(CloseFrame { code: CloseCode::Normal, reason: "".into() }))).await;
            let _ = sink.close().await;
        };
        let _ = tokio::time::timeout(GOODBYE, goodbye).await;
    }
}

/// The reading half, which also keeps the heartbeat.
pub(super) struct Listener {
    stream: SplitStream<Socket>,
    sink: Sink,
    spelling: Arc<Mutex<Spelling>>,
    beat: Interval,
    /// Beats since the peer was last heard.
    unanswered: u32,
    /// What was decided and not handed on yet.
    ahead: VecDeque<Result<Piece, ServerFault>>,
}

#[async_trait]
impl Inlet for Listener {
    async fn next(&mut self) -> Result<Piece, ServerFault> {
        loop {
            if let Some(decided) = self.ahead.pop_front() {
                return decided;
            }
            let message = tokio::select! {
                message = self.stream.next() => message,
                _ = self.beat.tick() => {
                    if self.unanswered >= MISSED {
                        let silent = BEAT * (MISSED + 1);
                        return Err(lost(format!("the server did not answer {MISSED} pings in {} s", silent.as_secs())));
                    }
                    self.unanswered += 1;
                    // When a message is being written the peer's silence counts all the same.
                    if let Ok(mut sink) = self.sink.try_lock() {
                        let _ = tokio::time::timeout(GOODBYE, sink.send(Message::Ping(Bytes::new()))).await;
                    }
                    continue;
                }
            };
            self.unanswered = 0;
            match message {
                Some(Ok(Message::Text(text))) => return Ok(Piece::Text(self.respelled(text.into()))),
                Some(Ok(Message::Binary(bytes))) => return Ok(Piece::Text(self.respelled(bytes))),
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                Some(Ok(Message::Close(frame))) => return Err(closed(frame)),
                Some(Err(fault)) => self.broken(&fault).await,
                None => return Err(lost("the server closed the connection".to_owned())),
            }
        }
    }
}

impl Listener {
    fn respelled(&self, text: Bytes) -> Bytes {
        self.spelling.lock().unwrap_or_else(PoisonError::into_inner).incoming(text)
    }

    /// A frame that cannot be taken in spoils the framing of all that follow: the peer is told why, and the connection ends.
    async fn broken(&mut self, fault: &Error) {
        let code = match fault {
            Error::Capacity(_) => CloseCode::Size,
            Error::Utf8(_) => CloseCode::Invalid,
            _ => CloseCode::Protocol,
        };
        let fault = read_fault(fault);
        let telling = !matches!(fault, ServerFault::ConnectionLost { .. });
        // Decided before anything is waited for: this future may be dropped.
        if telling {
            self.ahead.push_back(Ok(Piece::Broken { fault: fault.clone(), head: Bytes::new() }));
        }
        self.ahead.push_back(Err(fault));
        if telling && let Ok(mut sink) = self.sink.try_lock() {
            let goodbye = Message::Close(Some(CloseFrame { code, reason: "".into() }));
            let _ = tokio::time::timeout(GOODBYE, sink.send(goodbye)).await;
        }
    }
}

fn lost(reason: String) -> ServerFault {
    ServerFault::ConnectionLost { reason, lost_result: false }
}

fn closed(frame: Option<CloseFrame>) -> ServerFault {
    lost(match frame {
        Some(frame) if frame.reason.is_empty() => format!("the server closed the connection ({})", u16::from(frame.code)),
        Some(frame) => format!("the server closed the connection ({}): {}", u16::from(frame.code), net::shown(&frame.reason)),
        None => "the server closed the connection".to_owned(),
    })
}

fn read_fault(fault: &Error) -> ServerFault {
    match fault {
        Error::Capacity(CapacityError::MessageTooLong { max_size, .. }) => ServerFault::MessageTooLarge { limit: *max_size },
        Error::Utf8(_) => ServerFault::InvalidUtf8 { offset: 0 },
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => lost("the server went away without a word".to_owned()),
        Error::Protocol(rule) => ServerFault::ProtocolViolation { rule: format!("WebSocket: {rule}") },
        Error::Io(fault) => lost(net::shown(&fault.to_string())),
        Error::ConnectionClosed | Error::AlreadyClosed => lost("the connection is closed".to_owned()),
        other => lost(net::shown(&other.to_string())),
    }
}

#[cfg(test)]
mod tests;
