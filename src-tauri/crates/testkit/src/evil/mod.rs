//! A server that does each wrong thing of the adversarial catalogue, one at a time, over each transport that it applies to.
//!
//! It is right in everything but its case: it shakes hands, lists its tools, answers `echo`. What is wrong happens at one moment
//! ([`When`]) and is written as plain bytes, so that no library can refuse to send it.

mod messages;
mod program;
mod table;
mod tcp;

pub use self::program::main;
pub use self::table::{CASES, find};
pub use self::tcp::EvilWeb;

use serde_json::{Value as Json, json};

/// The credentials that a test gives to every evil server, which must be seen nowhere else.
pub const SECRET: &str = "evil-canary-7c1f0b9a2d4e";

/// The wires that a case can go over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transport {
    /// A child process.
    Stdio,
    /// MCP Streamable HTTP.
    Http,
    /// The old HTTP+SSE.
    Sse,
    /// WebSocket.
    Ws,
    /// The REST form.
    Rest,
}

impl Transport {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Stdio, Self::Http, Self::Sse, Self::Ws, Self::Rest];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stdio => "stdio",
            Self::Http => "http",
            Self::Sse => "sse",
            Self::Ws => "ws",
            Self::Rest => "rest",
        }
    }

    /// The transport of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|transport| transport.name() == name)
    }
}

/// The moment at which a server goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// As soon as somebody connects, before a word.
    Accept,
    /// In place of the answer to the handshake.
    Handshake,
    /// In place of the answer to the list of tools.
    List,
    /// In place of the answer to a call of `bite`.
    Call,
}

/// What is done instead of answering.
#[derive(Debug, Clone)]
pub enum Deed {
    /// A message, framed as the transport frames messages.
    Message(Vec<u8>),
    /// So many messages, made one by one: none of them is ever held beside another.
    Many(u64, fn(u64) -> String),
    /// Bytes as they are, outside any frame. Over HTTP they stand where a whole response should.
    Wire(Vec<u8>),
    /// So many copies of a piece, as they are.
    Flood(Vec<u8>, u64),
    /// Opens an event stream where a single answer could stand (HTTP); nothing elsewhere.
    Stream,
    /// What a good server would have said.
    Answer,
    /// Waits so many milliseconds.
    Pause(u64),
    /// Never another word.
    Silence,
    /// Hangs up, or ends the process with this code.
    End(i32),
    /// Ends the process by a signal of its own making (stdio only).
    Abort,
    /// Bytes on stderr (stdio only).
    Stderr(Vec<u8>, u64),
    /// Stops the process as Ctrl+Z does (stdio only).
    Stop,
    /// Starts children that want to outlive it (stdio only).
    Breed,
}

/// What a request looks like to a case.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The request's id, as JSON; null for one without.
    pub id: Json,
    /// Its method; for REST `tools/list`, `tools/call` or `health`.
    pub method: String,
    /// Its parameters.
    pub params: Json,
    /// Over which wire it came.
    pub transport: Transport,
    /// `http://127.0.0.1:PORT` of this server, where it has one.
    pub origin: String,
    /// An address that nobody may call; the test listens there and counts.
    pub canary: String,
    /// A number that marks the children of this run (stdio only).
    pub mark: u32,
}

/// How a case must end, seen by whoever calls.
#[derive(Debug, Clone, Copy)]
pub enum End {
    /// Connecting fails with one of these codes.
    NoConnect(&'static [&'static str]),
    /// Connecting works, the catalogue is degraded or lacks what is wrong; calls work.
    Listed,
    /// Connecting works, and there are no tools: the server is degraded with the reason.
    NoList,
    /// The call fails with one of these codes.
    Fault(&'static [&'static str]),
    /// The call works: what is wrong was counted, shown, or dropped.
    Fine,
    /// The call works or fails with one of these codes: both are right, a hang or a crash is not.
    Either(&'static [&'static str]),
}

/// One case.
pub struct Case {
    /// `C-07`, with a letter where it has several forms.
    pub id: &'static str,
    /// What is wrong, in a few words.
    pub about: &'static str,
    /// When.
    pub when: When,
    /// Over what.
    pub over: &'static [Transport],
    /// What is done.
    pub deed: fn(&Asked) -> Vec<Deed>,
    /// How it must end.
    pub end: End,
    /// Whether the same session answers the next call.
    pub survives: bool,
}

/// What a good server says to a request; `None` when it says nothing.
pub fn good(asked: &Asked) -> Option<String> {
    let result = match asked.method.as_str() {
        "initialize" => {
            json!({ "protocolVersion": "2025-11-25", "capabilities": { "tools": {} }, "serverInfo": { "name": "evil", "version": "1" } })
        }
        "tools/list" => json!({ "tools": tools() }),
        "tools/call" => {
            let text = match asked.params["name"].as_str() {
                Some("echo") => asked.params["arguments"]["message"].as_str().unwrap_or_default().to_owned(),
                _ => "bitten".to_owned(),
            };
            json!({ "content": [{ "type": "text", "text": text }], "isError": false })
        }
        "ping" => json!({}),
        _ if asked.id.is_null() => return None,
        method => {
            let error = json!({ "code": -32601, "message": format!("there is no method {method}") });
            return Some(json!({ "jsonrpc": "2.0", "id": asked.id, "error": error }).to_string());
        }
    };
    (!asked.id.is_null()).then(|| json!({ "jsonrpc": "2.0", "id": asked.id, "result": result }).to_string())
}

/// The tools that every case lists.
pub fn tools() -> Json {
    let safe = json!({ "readOnlyHint": true });
    json!([
        { "name": "bite", "description": "Goes wrong.", "inputSchema": { "type": "object" }, "annotations": safe },
        { "name": "echo", "description": "Says the message back.", "annotations": safe,
          "inputSchema": { "type": "object", "properties": { "message": { "type": "string" } } } },
    ])
}
