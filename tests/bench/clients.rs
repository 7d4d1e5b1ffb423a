//! The clients that are compared: ours as it is assembled for a person, and the bare library.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use app::{App, CallOrder};
use assembly::Options;
use domain::Json;
use domain::id::{CallId, Millis, ServerId};
use domain::person::NobodyThere;
use domain::policy::{Actor, Door};
use domain::server::{ServerDef, StartRule};
use rmcp::model::{CallToolRequestParams, ClientCapabilities, ClientConfig, Implementation, ProtocolVersion};
use rmcp::service::RunningService;
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::{RoleClient, ServiceExt as _};
use serde_json::json;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::worker::Reply;

/// What is said, and must come back.
const WORDS: &str = "hello world";

/// A client that calls `echo`.
#[derive(Clone)]
pub enum Caller {
    Ours(Arc<Ours>),
    Bare(Arc<Bare>),
}

impl Caller {
    /// One call; it must be answered as it should.
    pub async fn call(&self) {
        match self {
            Self::Ours(ours) => ours.call().await,
            Self::Bare(bare) => bare.call().await,
        }
    }

    /// Ours, where only ours will do.
    pub fn ours(&self) -> &Ours {
        match self {
            Self::Ours(ours) => ours,
            Self::Bare(_) => panic!("the bare library has no such thing"),
        }
    }

    /// Ends it in order.
    pub async fn close(&self) {
        match self {
            Self::Ours(ours) => ours.app.shutdown().await,
            Self::Bare(bare) => bare.client.cancellation_token().cancel(),
        }
    }
}

/// Ours: policy, audit on SQLite, metrics and history as everywhere.
pub struct Ours {
    app: Arc<App>,
    actor: Actor,
    server: std::sync::OnceLock<ServerId>,
    calls: AtomicU64,
}

impl Ours {
    /// Opens the app on a folder, as the doors do.
    pub async fn open(folder: &Path) -> Caller {
        let options = Options { config_dir: Some(folder.to_owned()), person: Some(Arc::new(NobodyThere)), log: true, ..Options::default() };
        let app = assembly::open(options).await.unwrap();
        let actor = Actor { door: Door::Cli, name: "bench".into(), can_ask: false };
        Caller::Ours(Arc::new(Self { app, actor, server: std::sync::OnceLock::new(), calls: AtomicU64::new(0) }))
    }

    async fn call(&self) {
        let server = self.server.get().expect("a server is connected first");
        self.call_on(server).await;
    }

    async fn call_on(&self, server: &ServerId) {
        let nth = self.calls.fetch_add(1, Ordering::Relaxed);
        let order = CallOrder {
            server: server.clone(),
            tool: "echo".into(),
            args: json!({ "message": WORDS }).as_object().cloned().unwrap(),
            actor: self.actor.clone(),
            call: CallId::new(format!("call-{nth}")),
            timeout: None,
            approve_once: false,
        };
        let done = self.app.desk.call(order).await.unwrap_or_else(|fault| panic!("{}: {}", fault.code, fault.message.en));
        assert!(!done.cached, "the server must be asked each time");
        assert_eq!(done.result.text(), WORDS);
    }

    /// Saves servers and accepts their programs.
    pub async fn add(&self, servers: Vec<(String, String, Json)>) -> Reply {
        for (name, protocol, settings) in servers {
            let def = ServerDef {
                id: ServerId::new(""),
                name,
                protocol: protocol.as_str().into(),
                enabled: true,
                settings: settings.as_object().cloned().unwrap(),
                extra: domain::JsonMap::new(),
                start: StartRule::default(),
                origin: "cli".into(),
                updated_at: Millis(0),
            };
            let saved = self.app.book.save(def, &self.actor).await.unwrap();
            if !saved.accepted {
                self.app.book.accept(&saved.def.id, &self.actor).await.unwrap();
            }
        }
        Reply::Done(String::new())
    }

    /// Connects these and calls each once; the first that was ever connected is the one that later rounds call.
    pub async fn connect(&self, names: &[String]) -> Reply {
        for name in names {
            let id = self.app.book.resolve(name).await.unwrap();
            let state = self.app.sessions.connect(&id, &self.actor).await.unwrap();
            assert_eq!(state.word(), "connected", "{name}");
            self.call_on(&id).await;
            let _ = self.server.set(id);
        }
        Reply::Done(String::new())
    }

    /// Starts every server and waits until all tools are there, freshly listed.
    pub async fn start_all(&self, tools: usize) -> Reply {
        let mut events = self.app.events();
        let began = Instant::now();
        self.app.sessions.start_all();
        loop {
            let all = self.app.tools.all();
            if all.iter().filter(|tool| !tool.stale).count() >= tools {
                break;
            }
            assert!(began.elapsed() < Duration::from_secs(60), "{} of {tools} tools after a minute", all.len());
            let _ = tokio::time::timeout(Duration::from_millis(50), events.recv()).await;
            // A look at every tool has its price; twenty a second are enough to see the moment.
            tokio::time::sleep(Duration::from_millis(20)).await;
            while events.try_recv().is_ok() {}
        }
        let at = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_micros() as u64;
        Reply::Started { at, took: began.elapsed().as_secs_f64() }
    }

    /// Searches for this and that.
    pub fn search(&self, times: usize) -> Reply {
        let queries = ["tool-017", "says the message back", "manner 4", "s", "server-42 echo", "no such thing", "number 7 tool"];
        let took = (0..times).map(|nth| {
            let from = Instant::now();
            let hits = self.app.tools.search(queries[nth % queries.len()], 50);
            assert_eq!(hits.is_empty(), queries[nth % queries.len()] == "no such thing");
            from.elapsed().as_secs_f64() * 1e3
        });
        Reply::Searched(took.collect())
    }
}

/// The bare library: no policy, no audit, no limits.
pub struct Bare {
    client: RunningService<RoleClient, ClientConfig>,
    _server: Option<tokio::process::Child>,
}

impl Bare {
    /// Connects over `stdio COMMAND ARGS…` or `http URL`, the latter on a pooled client of reqwest's.
    pub async fn connect(transport: &str, rest: &[&str]) -> Caller {
        let config = ClientConfig::new(ClientCapabilities::default(), Implementation::new("bench", "1.0.0"))
            .with_protocol_version(ProtocolVersion::V_2025_11_25);
        let (client, server) = match (transport, rest) {
            ("stdio", [command, args @ ..]) => {
                let mut child = tokio::process::Command::new(command)
                    .args(args)
                    .stdin(std::process::Stdio::piped())
                    .stdout(std::process::Stdio::piped())
                    .kill_on_drop(true)
                    .spawn()
                    .unwrap();
                let pipes = (child.stdout.take().unwrap(), child.stdin.take().unwrap());
                (config.serve(pipes).await.unwrap(), Some(child))
            }
            ("http", [url]) => {
                let _ = rustls::crypto::ring::default_provider().install_default();
                let http = reqwest::Client::builder().tcp_nodelay(true).build().unwrap();
                let transport = StreamableHttpClientTransport::with_client(http, StreamableHttpClientTransportConfig::with_uri(*url));
                (config.serve(transport).await.unwrap(), None)
            }
            _ => panic!("no such transport: {transport} {rest:?}"),
        };
        Caller::Bare(Arc::new(Self { client, _server: server }))
    }

    async fn call(&self) {
        let params = CallToolRequestParams::new("echo").with_arguments(json!({ "message": WORDS }).as_object().cloned().unwrap());
        let result = self.client.call_tool(params).await.unwrap();
        assert_eq!(result.content[0].as_text().expect("text comes back").text, WORDS);
    }
}
