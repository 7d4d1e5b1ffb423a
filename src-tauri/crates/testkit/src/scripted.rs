//! A protocol without a wire: each server does what it is told to, and counts what reached it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use domain::fault::{Fault, Phase, ServerFault};
use domain::protocol::{
    CallEvent, CallIo, CallReq, Common, ConnectCx, Foreseen, Frame, Host, Protocol, Session, SessionEvent, TypedProtocol,
};
use domain::secret::{Secret, SecretMap};
use domain::server::{PeerFacts, ServerDef, StartRule};
use domain::text::Text;
use domain::ticket::Ticket;
use domain::tool::{Annotations, Catalogue, Tool, ToolResult};
use domain::{Json, JsonMap};
use schemars::JsonSchema;
use serde::Deserialize;

/// What a server does when asked for something.
#[derive(Debug, Clone)]
pub enum Act {
    /// Answers at once. For a call: its arguments, as text.
    Answer,
    /// Answers this.
    Say(ToolResult),
    /// Fails.
    Fail(ServerFault),
    /// Answers after a while.
    Late(Duration),
    /// Never answers; notices when the caller gives up.
    Hang,
    /// Never answers and never notices.
    Deaf,
    /// Falls over inside our own process.
    Panic,
    /// Reports progress so many times at once, then answers.
    Progress(u32),
}

/// One server and the switches for how it behaves.
#[derive(Debug)]
pub struct Peer {
    /// What it does when connected to.
    pub on_connect: Mutex<Act>,
    /// What it does when asked for its tools.
    pub on_list: Mutex<Act>,
    /// What it does when asked whether it is well.
    pub on_health: Mutex<Act>,
    /// What it does when a tool is called, by tool name.
    acts: Mutex<HashMap<String, Act>>,
    foreseen: Mutex<HashMap<String, Result<Foreseen, Fault>>>,
    tools: Mutex<Vec<Tool>>,
    connects: AtomicU32,
    lists: AtomicU32,
    closes: AtomicU32,
    calls: Mutex<Vec<(String, JsonMap)>>,
    noticed_cancel: AtomicU32,
    host: Mutex<Option<Arc<dyn Host>>>,
}

impl Default for Peer {
    fn default() -> Self {
        Self {
            on_connect: Mutex::new(Act::Answer),
            on_list: Mutex::new(Act::Answer),
            on_health: Mutex::new(Act::Answer),
            acts: Mutex::default(),
            foreseen: Mutex::default(),
            tools: Mutex::new(vec![tool("get-thing"), tool("delete-thing"), tool("update-thing")]),
            connects: AtomicU32::new(0),
            lists: AtomicU32::new(0),
            closes: AtomicU32::new(0),
            calls: Mutex::default(),
            noticed_cancel: AtomicU32::new(0),
            host: Mutex::new(None),
        }
    }
}

/// A tool that takes anything.
pub fn tool(name: &str) -> Tool {
    Tool {
        name: name.into(),
        title: None,
        description: format!("does {name}"),
        input_schema: serde_json::json!({ "type": "object" }),
        output_schema: None,
        annotations: Annotations::default(),
    }
}

/// The same, and its server says that it only reads.
pub fn reading_tool(name: &str) -> Tool {
    Tool { annotations: Annotations { read_only_hint: Some(true), ..Annotations::default() }, ..tool(name) }
}

impl Peer {
    /// Replaces its tools; whoever is connected is told by [`Peer::event`] only.
    pub fn offers(&self, tools: Vec<Tool>) {
        *self.tools.lock().unwrap() = tools;
    }

    /// What it does when this tool is called.
    pub fn when_called(&self, tool: &str, act: Act) {
        self.acts.lock().unwrap().insert(tool.to_owned(), act);
    }

    /// What it foresees of calls of this tool.
    pub fn when_foreseen(&self, tool: &str, said: Result<Foreseen, Fault>) {
        self.foreseen.lock().unwrap().insert(tool.to_owned(), said);
    }

    /// What reached it, in order.
    pub fn calls(&self) -> Vec<(String, JsonMap)> {
        self.calls.lock().unwrap().clone()
    }

    /// How often it was connected to.
    pub fn connects(&self) -> u32 {
        self.connects.load(Ordering::Acquire)
    }

    /// How often it was asked for its tools.
    pub fn lists(&self) -> u32 {
        self.lists.load(Ordering::Acquire)
    }

    /// How often a session with it was closed.
    pub fn closes(&self) -> u32 {
        self.closes.load(Ordering::Acquire)
    }

    /// How many calls noticed that their caller gave up.
    pub fn noticed_cancel(&self) -> u32 {
        self.noticed_cancel.load(Ordering::Acquire)
    }

    /// The app's side of the last session.
    pub fn host(&self) -> Arc<dyn Host> {
        self.host.lock().unwrap().clone().expect("it was connected to")
    }

    /// Something happens on the last session.
    pub fn event(&self, event: SessionEvent) {
        self.host().event(event);
    }

    async fn act(&self, act: Act, io: Option<&CallIo>) -> Result<Option<ToolResult>, ServerFault> {
        match act {
            Act::Answer => Ok(None),
            Act::Say(result) => Ok(Some(result)),
            Act::Fail(fault) => Err(fault),
            Act::Late(after) => {
                tokio::time::sleep(after).await;
                Ok(None)
            }
            Act::Deaf => std::future::pending().await,
            Act::Hang => match io {
                None => std::future::pending().await,
                Some(io) => {
                    io.cancel.cancelled().await;
                    self.noticed_cancel.fetch_add(1, Ordering::AcqRel);
                    Err(ServerFault::Cancelled)
                }
            },
            Act::Panic => panic!("a session fell over"),
            Act::Progress(times) => {
                for n in 0..times {
                    if let Some(io) = io {
                        io.emit(CallEvent::Progress { progress: f64::from(n + 1), total: Some(f64::from(times)), message: None });
                    }
                    tokio::task::yield_now().await;
                }
                Ok(None)
            }
        }
    }
}

/// All servers of a test, by name.
#[derive(Debug, Clone, Default)]
pub struct Stage(Arc<Mutex<HashMap<String, Arc<Peer>>>>);

impl Stage {
    /// The server of that name, made at the first mention.
    pub fn peer(&self, name: &str) -> Arc<Peer> {
        self.0.lock().unwrap().entry(name.to_owned()).or_default().clone()
    }

    /// Both scripted protocols: `scripted`, and `scripted_program`, whose servers count as programs.
    pub fn protocols(&self) -> Vec<Arc<dyn Protocol>> {
        vec![Arc::new(Scripted::<false>(self.clone())), Arc::new(Scripted::<true>(self.clone()))]
    }

    /// A definition of a server of the same name.
    pub fn def(&self, name: &str) -> ServerDef {
        self.peer(name);
        ServerDef {
            id: format!("id-{name}").into(),
            name: name.into(),
            protocol: "scripted".into(),
            enabled: true,
            settings: settings(serde_json::json!({ "peer": name })),
            extra: JsonMap::new(),
            start: StartRule { lazy: true, idle_stop_secs: 0 },
            origin: "window".into(),
            updated_at: domain::id::Millis(0),
        }
    }

    /// A definition that starts a program.
    pub fn program(&self, name: &str, command: &str) -> ServerDef {
        let mut def = self.def(name);
        def.protocol = "scripted_program".into();
        def.settings.insert("command".into(), command.into());
        def
    }
}

/// An object as settings.
pub fn settings(value: Json) -> JsonMap {
    match value {
        Json::Object(map) => map,
        other => panic!("settings are an object, not {other}"),
    }
}

/// The protocol.
struct Scripted<const PROGRAM: bool>(Stage);

/// Its settings.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ScriptedSettings {
    /// Which server.
    peer: String,
    /// What would be started.
    #[serde(default)]
    command: String,
    /// Its arguments.
    #[serde(default)]
    args: Vec<String>,
    /// Where it would start.
    #[serde(default)]
    #[expect(dead_code, reason = "shown to a person, and nothing is started")]
    cwd: Option<String>,
    /// Names of further variables that it would be given.
    #[serde(default)]
    #[expect(dead_code, reason = "shown to a person, and nothing is started")]
    inherit_env: Vec<String>,
    /// Its environment.
    #[serde(default)]
    #[expect(dead_code, reason = "only its schema matters: its values are secrets")]
    env: SecretMap,
    /// A secret of its own.
    #[serde(default)]
    #[expect(dead_code, reason = "only its schema matters: its value is a secret")]
    key: Option<Secret>,
}

#[async_trait]
impl<const PROGRAM: bool> TypedProtocol for Scripted<PROGRAM> {
    const ID: &'static str = if PROGRAM { "scripted_program" } else { "scripted" };
    const STARTS_PROGRAM: bool = PROGRAM;
    type Settings = ScriptedSettings;

    fn label(&self) -> Text {
        Text::same("Scripted")
    }

    fn about(&self) -> Text {
        Text::same("for tests")
    }

    fn health(&self) -> Text {
        Text::same("by asking")
    }

    fn target(&self, settings: &ScriptedSettings) -> String {
        if PROGRAM {
            std::iter::once(settings.command.as_str()).chain(settings.args.iter().map(String::as_str)).collect::<Vec<_>>().join(" ")
        } else {
            format!("scripted://{}", settings.peer)
        }
    }

    fn check(&self, settings: &ScriptedSettings, _: &Common) -> Result<(), ServerFault> {
        if PROGRAM && settings.command.is_empty() {
            return Err(ServerFault::Settings { field: "command".into(), reason: "is empty".into() });
        }
        Ok(())
    }

    async fn connect(&self, cx: ConnectCx, _: Common, settings: ScriptedSettings) -> Result<Arc<dyn Session>, ServerFault> {
        let peer = self.0.peer(&settings.peer);
        peer.connects.fetch_add(1, Ordering::AcqRel);
        *peer.host.lock().unwrap() = Some(cx.host.clone());
        let act = peer.on_connect.lock().unwrap().clone();
        peer.act(act, None).await?;
        if cx.host.wants_frames() {
            cx.host.frame(Frame { sent: true, kind: "note", text: format!("hello {}", settings.peer) });
        }
        Ok(Arc::new(ScriptedSession { peer, name: settings.peer }))
    }
}

#[derive(Debug)]
struct ScriptedSession {
    peer: Arc<Peer>,
    name: String,
}

#[async_trait]
impl Session for ScriptedSession {
    fn facts(&self) -> PeerFacts {
        PeerFacts { name: self.name.clone(), version: "1".into(), revision: "scripted".into(), ..PeerFacts::default() }
    }

    async fn tools(&self) -> Result<Catalogue, ServerFault> {
        self.peer.lists.fetch_add(1, Ordering::AcqRel);
        let act = self.peer.on_list.lock().unwrap().clone();
        self.peer.act(act, None).await?;
        Ok(Catalogue { tools: self.peer.tools.lock().unwrap().clone(), ..Catalogue::default() })
    }

    async fn call(&self, _: &Ticket, req: CallReq, io: CallIo) -> Result<ToolResult, ServerFault> {
        self.peer.calls.lock().unwrap().push((req.tool.as_str().to_owned(), req.args.clone()));
        let act = self.peer.acts.lock().unwrap().get(req.tool.as_str()).cloned().unwrap_or(Act::Answer);
        let said = self.peer.act(act, Some(&io)).await?;
        Ok(said.unwrap_or_else(|| ToolResult::of_text(Json::Object(req.args).to_string())))
    }

    async fn foresee(&self, req: &CallReq) -> Option<Result<Foreseen, Fault>> {
        self.peer.foreseen.lock().unwrap().get(req.tool.as_str()).cloned()
    }

    async fn health(&self) -> Result<(), ServerFault> {
        let act = self.peer.on_health.lock().unwrap().clone();
        self.peer.act(act, None).await.map(drop)
    }

    async fn close(&self) {
        self.peer.closes.fetch_add(1, Ordering::AcqRel);
    }

    fn stderr_tail(&self) -> Option<String> {
        None
    }
}

/// The fault of a server that nobody listens at.
pub fn nobody_there() -> ServerFault {
    ServerFault::Unreachable { peer: "127.0.0.1:1".into(), reason: "connection refused".into() }
}

/// The fault of a link that broke while a call was under way.
pub fn lost(lost_result: bool) -> ServerFault {
    ServerFault::ConnectionLost { reason: "the peer went away".into(), lost_result }
}

/// The fault of a request that took too long.
pub fn too_late() -> ServerFault {
    ServerFault::Timeout { phase: Phase::Idle, after: Duration::from_secs(30) }
}
