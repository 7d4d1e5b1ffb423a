//! The evil server over the net: HTTP/1.1 and WebSocket by hand on plain sockets and threads, so that any byte can be sent.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value as Json, json};

use super::program::strikes;
use super::{Asked, Case, Deed, Transport, When, good, tools};
use crate::evil::messages::{response, socket_frame};

/// The server on a port of the loopback. Everything ends when it is dropped.
pub struct EvilWeb {
    addr: SocketAddr,
    state: Arc<State>,
}

struct State {
    case: &'static Case,
    transport: Transport,
    origin: String,
    canary: String,
    ended: AtomicBool,
    open: Mutex<Vec<TcpStream>>,
    streams: Mutex<HashMap<String, Arc<Mutex<TcpStream>>>>,
    next: AtomicU64,
    cookies: AtomicU64,
}

impl EvilWeb {
    /// Serves one case over one transport.
    pub fn start_on(port: u16, case: &'static Case, transport: Transport, canary: &str) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).expect("a loopback port can be bound");
        let addr = listener.local_addr().expect("a bound listener has an address");
        let state = Arc::new(State {
            case,
            transport,
            origin: format!("http://{addr}"),
            canary: canary.to_owned(),
            ended: AtomicBool::new(false),
            open: Mutex::default(),
            streams: Mutex::default(),
            next: AtomicU64::new(0),
            cookies: AtomicU64::new(0),
        });
        let serving = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if serving.ended.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                let _ = stream.set_nodelay(true);
                let mut open = serving.open.lock().unwrap();
                if let Ok(copy) = stream.try_clone() {
                    open.push(copy);
                }
                drop(open);
                let state = Arc::clone(&serving);
                std::thread::spawn(move || {
                    let _ = serve(&state, &stream);
                    let _ = stream.shutdown(Shutdown::Both);
                });
            }
        });
        Self { addr, state }
    }

    /// `http://127.0.0.1:PORT`.
    pub fn origin(&self) -> &str {
        &self.state.origin
    }

    /// How many requests carried a cookie.
    pub fn cookies(&self) -> u64 {
        self.state.cookies.load(Ordering::SeqCst)
    }
}

impl Drop for EvilWeb {
    fn drop(&mut self) {
        self.state.ended.store(true, Ordering::SeqCst);
        for stream in self.state.open.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
        // Wakes the listener, so that it sees that it is over.
        let _ = TcpStream::connect(self.addr);
    }
}

struct Request {
    method: String,
    path: String,
    headers: HashMap<String, String>,
    body: Vec<u8>,
}

fn read_request(reader: &mut BufReader<&TcpStream>) -> std::io::Result<Option<Request>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace();
    let (method, path) = (words.next().unwrap_or_default().to_owned(), words.next().unwrap_or_default().to_owned());
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':') {
            headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
        }
    }
    let mut body = Vec::new();
    if let Some(length) = headers.get("content-length").and_then(|length| length.parse::<u64>().ok()) {
        reader.take(length).read_to_end(&mut body)?;
    } else if headers.get("transfer-encoding").is_some_and(|coding| coding.contains("chunked")) {
        loop {
            let mut size = String::new();
            reader.read_line(&mut size)?;
            let size = u64::from_str_radix(size.trim(), 16).unwrap_or(0);
            (&mut *reader).take(size).read_to_end(&mut body)?;
            reader.read_line(&mut String::new())?;
            if size == 0 {
                break;
            }
        }
    }
    Ok(Some(Request { method, path, headers, body }))
}

fn serve(state: &Arc<State>, stream: &TcpStream) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    while let Some(request) = read_request(&mut reader)? {
        if request.headers.contains_key("cookie") {
            state.cookies.fetch_add(1, Ordering::SeqCst);
        }
        let mut out = Exchange::new(state, stream);
        if state.case.when == When::Accept {
            let asked = asked(state, &json!({}));
            out.perform(&asked, &(state.case.deed)(&asked))?;
            return Ok(());
        }
        match state.transport {
            Transport::Ws => return socket(state, stream, &mut reader, &request),
            Transport::Sse if request.method == "GET" => return events(state, stream),
            Transport::Sse => {
                stream_of(stream, &response("202 Accepted", &[], b""))?;
                let key = request.path.split("s=").nth(1).unwrap_or_default();
                let events = state.streams.lock().unwrap().get(key).cloned();
                if let Some(events) = events {
                    let message = serde_json::from_slice(&request.body).unwrap_or_default();
                    let asked = asked(state, &message);
                    let events = events.lock().unwrap();
                    let mut out = Exchange { kind: Kind::Events, ..Exchange::new(state, &events) };
                    out.answer_or_strike(&asked)?;
                }
            }
            Transport::Http if request.method == "POST" => {
                let message = serde_json::from_slice(&request.body).unwrap_or_default();
                let asked = asked(state, &message);
                out.answer_or_strike(&asked)?;
                if out.ended() {
                    return Ok(());
                }
            }
            Transport::Rest => {
                let name = request.path.strip_prefix("/tools/").and_then(|path| path.strip_suffix("/call")).map(str::to_owned);
                let body: Json = serde_json::from_slice(&request.body).unwrap_or_default();
                let message = match (request.method.as_str(), request.path.as_str(), name) {
                    ("GET", "/health", _) => json!({ "method": "health" }),
                    ("GET", "/tools", _) => json!({ "method": "tools/list" }),
                    ("POST", _, Some(name)) => {
                        json!({ "method": "tools/call", "params": { "name": name, "arguments": body["arguments"] } })
                    }
                    _ => {
                        stream_of(stream, &response("404 Not Found", &[("content-type", "application/json")], b"{}"))?;
                        continue;
                    }
                };
                let asked = asked(state, &message);
                out.answer_or_strike(&asked)?;
                if out.ended() {
                    return Ok(());
                }
            }
            Transport::Http | Transport::Stdio => stream_of(stream, &response("405 Method Not Allowed", &[], b""))?,
        }
    }
    Ok(())
}

fn stream_of(mut stream: &TcpStream, bytes: &[u8]) -> std::io::Result<()> {
    stream.write_all(bytes)
}

fn asked(state: &State, message: &Json) -> Asked {
    Asked {
        id: message["id"].clone(),
        method: message["method"].as_str().unwrap_or_default().to_owned(),
        params: message["params"].clone(),
        transport: state.transport,
        origin: state.origin.clone(),
        canary: state.canary.clone(),
        mark: 0,
    }
}

/// The GET side of the old transport: says where to post, then waits for the end.
fn events(state: &Arc<State>, stream: &TcpStream) -> std::io::Result<()> {
    let key = state.next.fetch_add(1, Ordering::SeqCst).to_string();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\nevent: endpoint\ndata: /messages?s={key}\n\n"
    );
    state.streams.lock().unwrap().insert(key.clone(), Arc::new(Mutex::new(stream.try_clone()?)));
    stream_of(stream, head.as_bytes())?;
    let mut rest = Vec::new();
    let mut reading = stream.try_clone()?;
    let _ = reading.read_to_end(&mut rest);
    state.streams.lock().unwrap().remove(&key);
    Ok(())
}

fn socket(state: &Arc<State>, stream: &TcpStream, reader: &mut BufReader<&TcpStream>, request: &Request) -> std::io::Result<()> {
    let key = request.headers.get("sec-websocket-key").cloned().unwrap_or_default();
    let accept = tokio_tungstenite::tungstenite::handshake::derive_accept_key(key.as_bytes());
    let protocol = request.headers.get("sec-websocket-protocol").map(|_| "sec-websocket-protocol: mcp\r\n").unwrap_or_default();
    let head = format!(
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: {accept}\r\n{protocol}\r\n"
    );
    stream_of(stream, head.as_bytes())?;
    let mut message = Vec::new();
    loop {
        let mut head = [0; 2];
        reader.read_exact(&mut head)?;
        let length = match head[1] & 0x7f {
            126 => {
                let mut bytes = [0; 2];
                reader.read_exact(&mut bytes)?;
                u64::from(u16::from_be_bytes(bytes))
            }
            127 => {
                let mut bytes = [0; 8];
                reader.read_exact(&mut bytes)?;
                u64::from_be_bytes(bytes)
            }
            small => small.into(),
        };
        let mut mask = [0; 4];
        if head[1] & 0x80 != 0 {
            reader.read_exact(&mut mask)?;
        }
        let mut payload = Vec::new();
        reader.take(length).read_to_end(&mut payload)?;
        payload.iter_mut().enumerate().for_each(|(nth, byte)| *byte ^= mask[nth % 4]);
        match head[0] & 0x0f {
            0x8 => {
                let _ = stream_of(stream, &socket_frame(0x88, &payload, false));
                return Ok(());
            }
            0x9 => stream_of(stream, &socket_frame(0x8a, &payload, false))?,
            0xa => {}
            _ => {
                message.extend_from_slice(&payload);
                if head[0] & 0x80 != 0 {
                    let text = serde_json::from_slice(&std::mem::take(&mut message)).unwrap_or_default();
                    let asked = asked(state, &text);
                    let mut out = Exchange { kind: Kind::Frames, ..Exchange::new(state, stream) };
                    out.answer_or_strike(&asked)?;
                    if out.closed {
                        return Ok(());
                    }
                }
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// One HTTP response, not begun.
    Response,
    /// Event-stream frames.
    Events,
    /// WebSocket frames.
    Frames,
}

/// One request's answer, in the making.
struct Exchange<'a> {
    state: &'a State,
    stream: &'a TcpStream,
    kind: Kind,
    /// The connection cannot be used for another request.
    closed: bool,
}

impl<'a> Exchange<'a> {
    fn new(state: &'a State, stream: &'a TcpStream) -> Self {
        Self { state, stream, kind: Kind::Response, closed: false }
    }

    fn ended(&self) -> bool {
        self.closed || self.kind == Kind::Events
    }

    fn answer_or_strike(&mut self, asked: &Asked) -> std::io::Result<()> {
        if strikes(self.state.case, asked) { self.perform(asked, &(self.state.case.deed)(asked)) } else { self.answer(asked) }
    }

    fn answer(&mut self, asked: &Asked) -> std::io::Result<()> {
        let text = if self.state.transport == Transport::Rest {
            match asked.method.as_str() {
                "tools/list" => Some(tools().to_string()),
                "health" => Some(r#"{"status":"healthy"}"#.into()),
                _ => good(&Asked { id: Json::from(1), ..asked.clone() })
                    .and_then(|text| serde_json::from_str::<Json>(&text).ok())
                    .map(|message| message["result"].to_string()),
            }
        } else {
            good(asked)
        };
        match text {
            Some(text) => self.message(text.as_bytes()),
            None if self.kind == Kind::Response => stream_of(self.stream, &response("202 Accepted", &[], b"")),
            None => Ok(()),
        }
    }

    fn message(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        match self.kind {
            Kind::Response => stream_of(self.stream, &response("200 OK", &[("content-type", "application/json")], bytes)),
            Kind::Frames => stream_of(self.stream, &socket_frame(0x81, bytes, false)),
            Kind::Events => {
                stream_of(self.stream, b"event: message\ndata: ")?;
                stream_of(self.stream, bytes)?;
                stream_of(self.stream, b"\n\n")
            }
        }
    }

    /// Opens an event stream where a response could still begin.
    fn open_stream(&mut self) -> std::io::Result<()> {
        if self.kind == Kind::Response {
            self.kind = Kind::Events;
            stream_of(self.stream, b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n")?;
        }
        Ok(())
    }

    fn perform(&mut self, asked: &Asked, deeds: &[Deed]) -> std::io::Result<()> {
        // More than one message over HTTP is a stream; a single one is a body.
        let talks = |deed: &Deed| matches!(deed, Deed::Message(_) | Deed::Many(..) | Deed::Answer);
        if self.state.transport == Transport::Http
            && deeds.len() > 1
            && deeds.iter().any(talks)
            && !matches!(deeds.first(), Some(Deed::Wire(_)))
        {
            self.open_stream()?;
        }
        for deed in deeds {
            match deed {
                Deed::Message(bytes) => self.message(bytes)?,
                Deed::Many(count, make) => {
                    for nth in 0..*count {
                        self.message(make(nth).as_bytes())?;
                    }
                }
                Deed::Wire(bytes) => {
                    stream_of(self.stream, bytes)?;
                }
                Deed::Flood(bytes, times) => {
                    for _ in 0..*times {
                        stream_of(self.stream, bytes)?;
                    }
                }
                Deed::Stream => self.open_stream()?,
                Deed::Answer => self.answer(asked)?,
                Deed::Pause(millis) => std::thread::sleep(Duration::from_millis(*millis)),
                Deed::Silence => {
                    // Until the other side hangs up, or the server ends.
                    let mut reading = self.stream.try_clone()?;
                    let _ = reading.read_to_end(&mut Vec::new());
                    self.closed = true;
                    return Ok(());
                }
                Deed::End(_) => {
                    let _ = self.stream.shutdown(Shutdown::Both);
                    self.closed = true;
                    return Ok(());
                }
                Deed::Abort | Deed::Stderr(..) | Deed::Stop | Deed::Breed => {}
            }
        }
        Ok(())
    }
}

/// A gzip body that decompresses to so many zeros, written by hand: a literal and then matches of 258 bytes, 13 bits each.
pub(super) fn gzip_bomb(bytes: u64) -> Vec<u8> {
    struct Bits(Vec<u8>, u32);
    impl Bits {
        fn bit(&mut self, bit: u32) {
            if self.1.is_multiple_of(8) {
                self.0.push(0);
            }
            if let Some(last) = self.0.last_mut() {
                *last |= ((bit & 1) << (self.1 % 8)) as u8;
            }
            self.1 += 1;
        }
        /// A Huffman code, first bit first.
        fn code(&mut self, code: u32, length: u32) {
            (0..length).rev().for_each(|at| self.bit(code >> at));
        }
    }
    let mut bits = Bits(vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255], 80);
    // The last block, fixed codes.
    for bit in [1, 1, 0] {
        bits.bit(bit);
    }
    bits.code(0b0011_0000, 8);
    for _ in 0..bytes / 258 {
        bits.code(0b1100_0101, 8);
        bits.code(0, 5);
    }
    bits.code(0, 7);
    let mut out = bits.0;
    out.extend_from_slice(&[0; 8]);
    out
}
