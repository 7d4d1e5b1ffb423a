//! Starts of the command, and a folder that remembers servers and tools.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::json;

use crate::places::{EchoProgram, program};
use crate::row::{Row, at, median};
use crate::worker::{Order, Worker};

/// Starts; the middle one counts.
const TIMES: usize = 20;

/// Lets a folder get to know so many servers of fifty tools each, as a person's does by use.
pub fn remembering(folder: &Path, server: &EchoProgram, servers: usize) {
    let mut ours = Worker::ours_in(folder);
    let servers: Vec<_> = (0..servers)
        .map(|nth| (format!("server-{nth}"), "stream_http".to_owned(), json!({ "url": format!("{}?n={nth}", server.url) })))
        .collect();
    let tools = servers.len() * 50 + 4;
    ours.order(&Order::Add { servers });
    ours.order(&Order::StartAll { tools });
}

fn starts(folder: &Path, words: &[&str]) -> Vec<f64> {
    let pilot = program("pilot");
    let start = || {
        let from = Instant::now();
        let out = Command::new(&pilot)
            .args(words)
            .env("PILOTHOUSE_CONFIG_DIR", folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .output()
            .unwrap();
        assert!(out.status.success(), "pilot {words:?}: {}", out.status);
        assert!(!out.stdout.is_empty(), "pilot {words:?} says something");
        from.elapsed().as_secs_f64() * 1e3
    };
    start();
    (0..TIMES).map(|_| start()).collect()
}

fn row(what: &str, took: &[f64]) -> Row {
    let (least, p90) = (at(took.iter().copied(), 0.0), at(took.iter().copied(), 0.9));
    Row::told(what, format!("least {least:.1} ms, p90 {p90:.1} ms of {TIMES}"), "")
}

/// `pilot --version` and `pilot tools`.
pub fn pilot() -> Vec<Row> {
    let server = EchoProgram::start(40);
    let (small, large) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    remembering(small.path(), &server, 10);
    remembering(large.path(), &server, 100);
    drop(server);
    let version = starts(small.path(), &["--version"]);
    let tools = starts(small.path(), &["tools"]);
    let many = starts(large.path(), &["tools"]);
    vec![
        row("pilot --version", &version).at_most(median(version.iter().copied()), 15.0, " ms"),
        row("pilot tools, 10 servers × 50 cached tools", &tools).at_most(median(tools.iter().copied()), 60.0, " ms"),
        {
            let mut told = row("pilot tools, 100 servers × 50 cached tools", &many);
            told.shown = format!("{:.1} ms", median(many.iter().copied()));
            told
        },
    ]
}
