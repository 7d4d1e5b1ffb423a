//! A program for tests: the guard, and an app that can be killed.
//!
//! `guarded __guard …` is the guard. `guarded hold JSON` connects to the servers of a JSON array of settings, prints their process ids, and
//! holds them. `guarded once JSON TOOL` connects to one, calls a tool without arguments, prints its text, and ends in order.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, missing_docs, reason = "this is a test's program")]

use std::sync::Arc;

use domain::protocol::{CallIo, CallReq, Protocol};
use domain::{Json, JsonMap};
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

async fn once(settings: &str, tool: &str) {
    let session = subprocess().connect(stage().cx("once"), serde_json::from_str(settings).unwrap()).await.unwrap();
    let ticket = ticket(tool).await;
    let result = session.call(&ticket, CallReq { tool: tool.into(), args: JsonMap::new() }, CallIo::quiet()).await.unwrap();
    println!("{}", result.text());
    session.close().await;
}
