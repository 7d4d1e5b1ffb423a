//! A small, fast MCP server written by hand: the peer of the contract suite and of the measurements.
//!
//! One [`Echo`] answers messages; the transports beside it carry them. It speaks the session revisions (2024-11-05 to 2025-11-25) and
//! the stateless one (2026-07-28). No part of it comes from an MCP library, so that a mistake in one cannot hide on both sides.

mod http;
mod local;
mod socket;
mod sse;
mod stdio;
mod wire;

pub use self::http::{EchoHttp, HttpKind};
pub use self::local::EchoLocal;
pub use self::socket::EchoSocket;
pub use self::sse::EchoSse;
pub use self::stdio::serve_stdio;
pub use self::wire::main;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value as Json, json};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// The session revisions, newest first.
pub const LEGACY: [&str; 4] = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];
/// The stateless revision.
pub const MODERN: &str = "2026-07-28";

/// Which eras the server knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Eras {
    /// Sessions and stateless.
    #[default]
    Both,
    /// `initialize` only: `server/discover` is an unknown method.
    Legacy,
    /// Stateless only: `initialize` is refused.
    Modern,
}

/// The server's mind: what it offers, what runs, what it has seen.
#[derive(Debug, Default)]
pub struct Echo {
    eras: Eras,
    /// How many `tool-NNN` it lists after its own.
    extra: usize,
    /// Tools a page; 0 is all at once.
    page: usize,
    added: AtomicUsize,
    calls: Mutex<BTreeMap<String, u64>>,
    cancelled: AtomicU64,
    running: AtomicUsize,
    release: Notify,
    released: AtomicBool,
    listeners: Mutex<Vec<Listener>>,
    connections: AtomicU64,
}

/// Carries messages to the peer; answers whether the peer is still there.
pub type Out = Arc<dyn Fn(String) -> bool + Send + Sync>;

struct Listener {
    conn: u64,
    /// The `subscriptions/listen` request that it is, in the stateless era.
    id: Option<String>,
    out: Out,
}

impl std::fmt::Debug for Listener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Listener({})", self.conn)
    }
}

/// One connection, or one session: the requests that run on it.
#[derive(Debug)]
pub struct Conn {
    id: u64,
    running: Mutex<HashMap<String, CancellationToken>>,
    /// Fires when the connection is gone.
    gone: CancellationToken,
}

impl Conn {
    /// Cancels everything that runs on it.
    pub fn close(&self) {
        self.gone.cancel();
    }
}

/// What became of a message.
#[derive(Debug)]
pub enum Handled {
    /// The answer.
    Now(String),
    /// The answer, and what goes before it, will come over the `Out`.
    Later,
    /// There is nothing to answer.
    Nothing,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    method: Option<Cow<'a, str>>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct CallParams<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow, default)]
    arguments: Option<&'a RawValue>,
    #[serde(borrow, rename = "_meta", default)]
    meta: Option<Meta<'a>>,
}

#[derive(Deserialize)]
struct AnyParams<'a> {
    #[serde(borrow, rename = "_meta", default)]
    meta: Option<Meta<'a>>,
}

#[derive(Deserialize, Clone, Copy)]
struct Meta<'a> {
    #[serde(borrow, rename = "progressToken", default)]
    token: Option<&'a RawValue>,
    #[serde(borrow, rename = "io.modelcontextprotocol/protocolVersion", default)]
    version: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct EchoArgs<'a> {
    #[serde(borrow, default)]
    message: Option<&'a RawValue>,
}

impl Echo {
    /// A server that knows both eras.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// A server of given eras, with `extra` further tools, `page` a page (0: all).
    pub fn shaped(eras: Eras, extra: usize, page: usize) -> Arc<Self> {
        Arc::new(Self { eras, extra, page, ..Self::default() })
    }

    /// A new connection.
    pub fn open(&self) -> Arc<Conn> {
        Arc::new(Conn { id: self.connections.fetch_add(1, Ordering::SeqCst), running: Mutex::default(), gone: CancellationToken::new() })
    }

    /// How often a tool was run.
    pub fn calls(&self, tool: &str) -> u64 {
        self.calls.lock().unwrap().get(tool).copied().unwrap_or(0)
    }

    /// How many calls were cancelled, by word or by hanging up.
    pub fn cancelled(&self) -> u64 {
        self.cancelled.load(Ordering::SeqCst)
    }

    /// How many calls run now.
    pub fn running(&self) -> usize {
        self.running.load(Ordering::SeqCst)
    }

    /// Lets every `hold` go, now and from now on.
    pub fn release(&self) {
        self.released.store(true, Ordering::SeqCst);
        self.release.notify_waiters();
    }

    /// Adds a tool and tells everybody who listens.
    pub fn add_tool(&self) {
        self.added.fetch_add(1, Ordering::SeqCst);
        self.listeners.lock().unwrap().retain(|listener| {
            let params = match &listener.id {
                Some(id) => format!(r#","params":{{"_meta":{{"io.modelcontextprotocol/subscriptionId":{id}}}}}"#),
                None => String::new(),
            };
            (listener.out)(format!(r#"{{"jsonrpc":"2.0","method":"notifications/tools/list_changed"{params}}}"#))
        });
    }

    /// From now on notifications go there.
    pub fn listen(&self, conn: &Conn, out: Out) {
        self.listeners.lock().unwrap().push(Listener { conn: conn.id, id: None, out });
    }

    /// Forgets a connection.
    pub fn forget(&self, conn: &Conn) {
        conn.close();
        self.listeners.lock().unwrap().retain(|listener| listener.conn != conn.id);
    }

    /// Answers one message. Answers at once where it can; `out` is asked for only when the answer comes later.
    pub fn handle(self: &Arc<Self>, conn: &Arc<Conn>, text: &str, out: impl FnOnce() -> Out) -> Handled {
        let Ok(message) = serde_json::from_str::<Message<'_>>(text) else {
            return Handled::Now(r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"this is no JSON-RPC message"}}"#.into());
        };
        let Some(method) = message.method else { return Handled::Nothing };
        let params = message.params.map_or("{}", RawValue::get);
        let Some(id) = message.id.map(RawValue::get) else {
            if method == "notifications/cancelled"
                && let Ok(params) = serde_json::from_str::<Json>(params)
                && let Some(token) = conn.running.lock().unwrap().get(&params["requestId"].to_string())
            {
                token.cancel();
            }
            return Handled::Nothing;
        };
        if method == "tools/call" {
            return self.call(conn, id, params, out);
        }
        let modern = serde_json::from_str::<AnyParams<'_>>(params).ok().and_then(|params| params.meta).is_some_and(Meta::modern);
        Handled::Now(match &*method {
            "initialize" if self.eras == Eras::Modern => fault(id, -32022, "only 2026-07-28 here", &json!({ "supported": [MODERN] })),
            "initialize" => answer(id, &Self::initialized(params)),
            "ping" | "logging/setLevel" => answer(id, &json!({})),
            "server/discover" if self.eras != Eras::Legacy => answer(id, &self.discovered()),
            "tools/list" => answer(id, &self.listed(params, modern)),
            "resources/list" => answer(
                id,
                &complete(
                    json!({ "resources": [
                { "uri": "echo://motto", "name": "motto", "mimeType": "text/plain", "description": "What the server says when nobody asks." } ] }),
                    modern,
                ),
            ),
            "resources/templates/list" => answer(
                id,
                &complete(
                    json!({ "resourceTemplates": [
                { "uriTemplate": "echo://say/{word}", "name": "say", "description": "Any word, said back." } ] }),
                    modern,
                ),
            ),
            "resources/read" => Self::read(id, params, modern),
            "prompts/list" => answer(
                id,
                &complete(
                    json!({ "prompts": [
                { "name": "greet", "description": "Greets somebody.", "arguments": [{ "name": "who", "required": true }] } ] }),
                    modern,
                ),
            ),
            "prompts/get" => Self::prompted(id, params, modern),
            "completion/complete" => Self::completed(id, params, modern),
            "subscriptions/listen" if self.eras != Eras::Legacy => return self.subscribe(conn, id, params, &out()),
            _ => fault(id, -32601, &format!("there is no method {method}"), &Json::Null),
        })
    }

    fn initialized(params: &str) -> Json {
        let params: Json = serde_json::from_str(params).unwrap_or_default();
        let wanted = params["protocolVersion"].as_str().unwrap_or_default();
        let agreed = LEGACY.iter().find(|known| **known == wanted).unwrap_or(&LEGACY[0]);
        json!({ "protocolVersion": agreed, "capabilities": Self::capabilities(), "serverInfo": Self::info(), "instructions": INSTRUCTIONS })
    }

    fn discovered(&self) -> Json {
        let mut versions = vec![MODERN];
        if self.eras == Eras::Both {
            versions.extend(LEGACY);
        }
        json!({
            "resultType": "complete", "supportedVersions": versions, "capabilities": Self::capabilities(), "instructions": INSTRUCTIONS,
            "ttlMs": 0, "cacheScope": "private", "_meta": { "io.modelcontextprotocol/serverInfo": Self::info() },
        })
    }

    fn capabilities() -> Json {
        json!({ "tools": { "listChanged": true }, "resources": {}, "prompts": {}, "completions": {}, "logging": {} })
    }

    fn info() -> Json {
        json!({ "name": "echo", "version": "1.0.0" })
    }

    fn listed(&self, params: &str, modern: bool) -> Json {
        let mut tools = own_tools();
        let message = json!({ "type": "object", "properties": { "message": { "type": "string" } }, "required": ["message"] });
        tools.extend((0..self.extra).map(|nth| {
            json!({ "name": format!("tool-{nth:03}"), "description": format!("Says the message back, in manner number {nth}."),
                    "inputSchema": message, "annotations": { "readOnlyHint": true } })
        }));
        tools.extend((0..self.added.load(Ordering::SeqCst)).map(|nth| {
            json!({ "name": format!("added-{nth}"), "description": "Came later.", "inputSchema": message, "annotations": { "readOnlyHint": true } })
        }));
        let mut result = json!({});
        if self.page == 0 {
            result["tools"] = Json::Array(tools);
        } else {
            let params: Json = serde_json::from_str(params).unwrap_or_default();
            let from = params["cursor"].as_str().and_then(|cursor| cursor.parse::<usize>().ok()).unwrap_or(0).min(tools.len());
            let to = (from + self.page).min(tools.len());
            if to < tools.len() {
                result["nextCursor"] = to.to_string().into();
            }
            result["tools"] = Json::Array(tools[from..to].to_vec());
        }
        complete(result, modern)
    }

    fn read(id: &str, params: &str, modern: bool) -> String {
        let params: Json = serde_json::from_str(params).unwrap_or_default();
        let uri = params["uri"].as_str().unwrap_or_default();
        let text = match uri.strip_prefix("echo://say/") {
            Some(word) => word,
            None if uri == "echo://motto" => "say it again",
            None => return fault(id, if modern { -32602 } else { -32002 }, "there is no such resource", &json!({ "uri": uri })),
        };
        answer(id, &complete(json!({ "contents": [{ "uri": uri, "mimeType": "text/plain", "text": text }] }), modern))
    }

    fn prompted(id: &str, params: &str, modern: bool) -> String {
        let params: Json = serde_json::from_str(params).unwrap_or_default();
        if params["name"] != "greet" {
            return fault(id, -32602, "there is no such prompt", &params["name"]);
        }
        let words = format!("Greet {}, briefly.", params["arguments"]["who"].as_str().unwrap_or("whoever is there"));
        answer(
            id,
            &complete(
                json!({ "description": "Greets somebody.", "messages": [{ "role": "user", "content": { "type": "text", "text": words } }] }),
                modern,
            ),
        )
    }

    fn completed(id: &str, params: &str, modern: bool) -> String {
        let params: Json = serde_json::from_str(params).unwrap_or_default();
        let start = params["argument"]["value"].as_str().unwrap_or_default();
        let values: Vec<_> = ["Ada", "Alan", "Barbara", "Grace"].into_iter().filter(|name| name.starts_with(start)).collect();
        answer(id, &complete(json!({ "completion": { "values": values, "hasMore": false, "total": values.len() } }), modern))
    }

    fn subscribe(&self, conn: &Arc<Conn>, id: &str, params: &str, out: &Out) -> Handled {
        let params: Json = serde_json::from_str(params).unwrap_or_default();
        let token = conn.gone.child_token();
        conn.running.lock().unwrap().insert(id.to_owned(), token);
        let accepted = json!({ "notifications": { "toolsListChanged": params["notifications"]["toolsListChanged"] == true },
                               "_meta": { "io.modelcontextprotocol/subscriptionId": raw(id) } });
        out(json!({ "jsonrpc": "2.0", "method": "notifications/subscriptions/acknowledged", "params": accepted }).to_string());
        self.listeners.lock().unwrap().push(Listener { conn: conn.id, id: Some(id.to_owned()), out: Arc::clone(out) });
        Handled::Later
    }

    fn call(self: &Arc<Self>, conn: &Arc<Conn>, id: &str, params: &str, out: impl FnOnce() -> Out) -> Handled {
        let Ok(params) = serde_json::from_str::<CallParams<'_>>(params) else {
            return Handled::Now(fault(id, -32602, "params want a name and arguments", &Json::Null));
        };
        let modern = params.meta.is_some_and(Meta::modern);
        self.count(&params.name);
        let arguments = params.arguments.map_or("{}", RawValue::get);
        let name = &*params.name;
        if name == "echo" || name.starts_with("tool-") || name.starts_with("added-") {
            return Handled::Now(match serde_json::from_str::<EchoArgs<'_>>(arguments).ok().and_then(|args| args.message) {
                Some(message) if message.get().starts_with('"') => {
                    let done = if modern { r#""resultType":"complete","# } else { "" };
                    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{{done}"content":[{{"type":"text","text":{message}}}]}}}}"#)
                }
                _ => fault(id, -32602, "echo wants a message that is a string", &Json::Null),
            });
        }
        let arguments: Json = serde_json::from_str(arguments).unwrap_or_default();
        match name {
            "big" => {
                let bytes = arguments["bytes"].as_u64().unwrap_or(1 << 20) as usize;
                Handled::Now(answer(id, &text_result(&"x".repeat(bytes), false, modern)))
            }
            "fail" => {
                let words = arguments["message"].as_str().unwrap_or("it was asked to fail");
                Handled::Now(answer(id, &text_result(words, true, modern)))
            }
            "refuse" => {
                let code = arguments["code"].as_i64().unwrap_or(-32603);
                Handled::Now(fault(id, code, arguments["message"].as_str().unwrap_or("refused"), &json!({ "by": "echo" })))
            }
            "stats" => {
                let stats = json!({ "calls": *self.calls.lock().unwrap(), "cancelled": self.cancelled(), "running": self.running() });
                let mut result = text_result(&stats.to_string(), false, modern);
                result["structuredContent"] = stats;
                Handled::Now(answer(id, &result))
            }
            "grow" => {
                self.add_tool();
                Handled::Now(answer(id, &text_result("one more tool", false, modern)))
            }
            "release" => {
                self.release();
                Handled::Now(answer(id, &text_result("let go", false, modern)))
            }
            "exit" => {
                std::process::exit(arguments["code"].as_i64().unwrap_or(3) as i32);
            }
            "slow" | "hold" => {
                let token = conn.gone.child_token();
                conn.running.lock().unwrap().insert(id.to_owned(), token.clone());
                let job = Job {
                    echo: Arc::clone(self),
                    conn: Arc::clone(conn),
                    id: id.to_owned(),
                    progress: params.meta.and_then(|meta| meta.token).map(|token| token.get().to_owned()),
                    token,
                    out: out(),
                    modern,
                };
                self.running.fetch_add(1, Ordering::SeqCst);
                let hold = name == "hold";
                tokio::spawn(async move { job.run(&arguments, hold).await });
                Handled::Later
            }
            _ => Handled::Now(fault(id, -32602, &format!("there is no tool {name}"), &Json::Null)),
        }
    }

    fn count(&self, tool: &str) {
        let mut calls = self.calls.lock().unwrap();
        match calls.get_mut(tool) {
            Some(count) => *count += 1,
            None => {
                calls.insert(tool.to_owned(), 1);
            }
        }
    }
}

/// A call that takes its time.
struct Job {
    echo: Arc<Echo>,
    conn: Arc<Conn>,
    id: String,
    progress: Option<String>,
    token: CancellationToken,
    out: Out,
    modern: bool,
}

impl Job {
    async fn run(self, arguments: &Json, hold: bool) {
        let steps = arguments["steps"].as_u64().unwrap_or(5);
        let pause = Duration::from_millis(arguments["ms"].as_u64().unwrap_or(20));
        let ended = tokio::select! {
            () = self.token.cancelled() => false,
            ended = self.work(steps, pause, hold) => ended,
        };
        self.conn.running.lock().unwrap().remove(&self.id);
        self.echo.running.fetch_sub(1, Ordering::SeqCst);
        if ended {
            let words = if hold { "held and let go".to_owned() } else { format!("done after {steps} steps") };
            (self.out)(answer(&self.id, &text_result(&words, false, self.modern)));
        } else {
            self.echo.cancelled.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Answers false when the peer is gone.
    async fn work(&self, steps: u64, pause: Duration, hold: bool) -> bool {
        if hold {
            if !self.tell(0, 1, "holding") {
                return false;
            }
            loop {
                let woken = self.echo.release.notified();
                if self.echo.released.load(Ordering::SeqCst) {
                    return true;
                }
                woken.await;
            }
        }
        for step in 1..=steps {
            tokio::time::sleep(pause).await;
            if !self.tell(step, steps, &format!("step {step} of {steps}")) {
                return false;
            }
        }
        true
    }

    fn tell(&self, done: u64, total: u64, words: &str) -> bool {
        let Some(token) = &self.progress else { return true };
        let params = json!({ "progressToken": raw(token), "progress": done, "total": total, "message": words });
        (self.out)(json!({ "jsonrpc": "2.0", "method": "notifications/progress", "params": params }).to_string())
    }
}

impl Meta<'_> {
    fn modern(self) -> bool {
        self.version.is_some_and(|version| version.get().trim_matches('"') == MODERN)
    }
}

const INSTRUCTIONS: &str = "Say something and it comes back.";

fn own_tools() -> Vec<Json> {
    let object = |properties: Json, required: &[&str]| json!({ "type": "object", "properties": properties, "required": required });
    let safe = json!({ "readOnlyHint": true, "destructiveHint": false, "idempotentHint": true, "openWorldHint": false });
    let tool =
        |name: &str, about: &str, schema: Json| json!({ "name": name, "description": about, "inputSchema": schema, "annotations": safe });
    let mut stats = tool("stats", "How often each tool ran, how many calls were cancelled, how many run now.", object(json!({}), &[]));
    stats["outputSchema"] = object(
        json!({ "calls": { "type": "object", "additionalProperties": { "type": "integer" } },
                "cancelled": { "type": "integer" }, "running": { "type": "integer" } }),
        &["calls", "cancelled", "running"],
    );
    let mut exit = tool("exit", "Ends the server's process at once.", object(json!({ "code": { "type": "integer" } }), &[]));
    exit["annotations"] = json!({ "readOnlyHint": false, "destructiveHint": true });
    vec![
        tool("echo", "Says the message back.", object(json!({ "message": { "type": "string" } }), &["message"])),
        tool(
            "slow",
            "Takes a number of steps and tells how far it is.",
            object(json!({ "steps": { "type": "integer", "minimum": 0 }, "ms": { "type": "integer", "minimum": 0 } }), &[]),
        ),
        tool("hold", "Waits until somebody calls release, or cancels.", object(json!({}), &[])),
        tool("release", "Lets every hold go, now and from now on.", object(json!({}), &[])),
        tool("big", "Answers with so many bytes.", object(json!({ "bytes": { "type": "integer", "minimum": 0 } }), &[])),
        tool("fail", "Answers that it failed.", object(json!({ "message": { "type": "string" } }), &[])),
        tool(
            "refuse",
            "Answers with a JSON-RPC error.",
            object(json!({ "code": { "type": "integer" }, "message": { "type": "string" } }), &[]),
        ),
        tool("grow", "Adds a tool and says that the list changed.", object(json!({}), &[])),
        stats,
        exit,
    ]
}

fn complete(mut result: Json, modern: bool) -> Json {
    if modern {
        result["resultType"] = "complete".into();
        result["ttlMs"] = 0.into();
        result["cacheScope"] = "private".into();
    }
    result
}

fn text_result(text: &str, is_error: bool, modern: bool) -> Json {
    let mut result = json!({ "content": [{ "type": "text", "text": text }], "isError": is_error });
    if modern {
        result["resultType"] = "complete".into();
    }
    result
}

fn raw(text: &str) -> Json {
    serde_json::from_str(text).unwrap_or_default()
}

fn answer(id: &str, result: &Json) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#)
}

fn fault(id: &str, code: i64, message: &str, data: &Json) -> String {
    let data = if data.is_null() { String::new() } else { format!(r#","data":{data}"#) };
    format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":{code},"message":{}{data}}}}}"#, Json::from(message))
}
