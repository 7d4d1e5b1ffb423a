//! A program for tests: the guard, and an app that can be killed.
//!
//! `guarded __guard …` is the guard. `guarded hold JSON` connects to the servers of a JSON array of settings, prints their process ids, and
//! holds them. `guarded once JSON TOOL` connects to one, calls a tool without arguments, prints its text, and ends in order.
//! `guarded app DIR TOOL JSON` is the whole app on a folder: it saves the servers, calls the tool on all of them, and once all calls are
//! written down as running it prints the programs' ids and goes on waiting for the answers.
//! `guarded door DIR PILOT FILE` is the app behind a window, with its door for `pilot kube-credential` (see `door_app`).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    missing_docs,
    reason = "this is a test's program"
)]

mod door_app;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use app::CallOrder;
use assembly::Options;
use domain::audit::Filter;
use domain::id::{CallId, Millis};
use domain::person::{Answer, Scope};
use domain::policy::{Actor, Door};
use domain::protocol::{CallIo, CallReq, Protocol};
use domain::server::{ServerDef, StartRule};
use domain::{Json, JsonMap};
use testkit::memory::ScriptedPerson;
use testkit::stage::{Stage, ticket};

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if protocols::guard::is_meant(&args) {
        std::process::exit(protocols::guard::run());
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        match args.first().map(String::as_str) {
            Some("hold") => hold(&args[1]).await,
            Some("once") => once(&args[1], &args[2]).await,
            Some("app") => app(Path::new(&args[1]), &args[2], &args[3]).await,
            Some("door") => door_app::run(Path::new(&args[1]), Path::new(&args[2]), Path::new(&args[3])).await,
            other => panic!("what is {other:?}?"),
        }
    });
}

fn stage() -> Stage {
    let me = std::env::current_exe().unwrap().display().to_string();
    Stage::new(&[me, protocols::guard::WORD.to_owned()])
}

fn subprocess() -> Arc<dyn Protocol> {
    let local = Arc::new(toolbox::Toolbox::new(toolbox::Places::default()));
    protocols::registry(local).into_iter().find(|protocol| protocol.info().id.as_str() == "subprocess").unwrap()
}

async fn hold(servers: &str) {
    let servers: Vec<JsonMap> = serde_json::from_str(servers).unwrap();
    let (stage, protocol) = (stage(), subprocess());
    let mut held = Vec::new();
    for settings in servers {
        held.push(protocol.connect(stage.cx("held"), settings).await.unwrap());
    }
    let pids: Vec<_> = held.iter().map(|session| session.facts().pid.unwrap()).collect();
    println!("{}", Json::from(pids));
    std::future::pending::<()>().await;
}

async fn app(dir: &Path, tool: &str, servers: &str) {
    let servers: Vec<JsonMap> = serde_json::from_str(servers).unwrap();
    let options = Options {
        config_dir: Some(dir.to_owned()),
        person: Some(ScriptedPerson::who(|_| Answer::Yes { scope: Scope::Session })),
        guard: Some([std::env::current_exe().unwrap().display().to_string(), protocols::guard::WORD.to_owned()].into()),
        ..Options::default()
    };
    let app = assembly::open(options).await.unwrap();
    let actor = Actor { door: Door::Window, name: "ann".into(), can_ask: true };
    let mut calls = tokio::task::JoinSet::new();
    for (nth, settings) in servers.iter().enumerate() {
        let def = ServerDef {
            id: "".into(),
            name: format!("server {nth}"),
            protocol: "subprocess".into(),
            enabled: true,
            settings: settings.clone(),
            extra: JsonMap::new(),
            start: StartRule::default(),
            origin: "window".into(),
            updated_at: Millis::default(),
        };
        let server = app.book.save(def, &actor).await.unwrap().def.id;
        let order = CallOrder {
            server,
            tool: tool.into(),
            args: JsonMap::new(),
            actor: actor.clone(),
            call: CallId::new(format!("call {nth}")),
            timeout: None,
            approve_once: false,
        };
        let app = app.clone();
        calls.spawn(async move { app.desk.call(order).await });
    }
    let running = Filter { ending: Some("running".into()), ..Filter::default() };
    while app.activity.list(running.clone()).await.unwrap().len() < servers.len() {
        tokio::time::sleep(Duration::from_millis(20)).await;
        if let Some(ended) = calls.try_join_next() {
            panic!("a call ended: {ended:?}");
        }
    }
    let views = app.book.list().await.unwrap();
    let pids: Vec<_> = views.iter().filter_map(|view| view.facts.as_ref()?.pid).collect();
    println!("{}", Json::from(pids));
    let ended = calls.join_next().await;
    panic!("a call ended: {ended:?}");
}

async fn once(settings: &str, tool: &str) {
    let session = subprocess().connect(stage().cx("once"), serde_json::from_str(settings).unwrap()).await.unwrap();
    let ticket = ticket(tool).await;
    let result = session.call(&ticket, CallReq { tool: tool.into(), args: JsonMap::new() }, CallIo::quiet()).await.unwrap();
    println!("{}", result.text());
    session.close().await;
}
