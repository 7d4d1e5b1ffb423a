//! What a call costs.

use serde_json::json;

use crate::places::{EchoProgram, program_text};
use crate::row::{Row, median};
use crate::worker::{Lap, Worker};

/// Rounds; the middle one counts.
const ROUNDS: usize = 7;
/// Calls before anything counts.
const WARM: usize = 300;

/// Runs the workers in turn, so often, and answers the middle of each figure for each of them.
fn rounds(workers: &mut [(&str, Worker, usize)], callers: usize) -> Vec<Lap> {
    let mut laps = vec![Vec::new(); workers.len()];
    for (_, worker, calls) in workers.iter_mut() {
        worker.run(WARM.min(*calls), callers);
    }
    for round in 0..ROUNDS {
        // Each goes first now and then: who follows whom must not decide.
        for nth in 0..workers.len() {
            let at = (nth + round) % workers.len();
            let (_, worker, calls) = &mut workers[at];
            laps[at].push(worker.run(*calls, callers));
        }
    }
    let middle = |laps: &[Lap], of: fn(&Lap) -> f64| median(laps.iter().map(of));
    laps.iter()
        .map(|laps| Lap {
            per_second: middle(laps, |lap| lap.per_second),
            p50: middle(laps, |lap| lap.p50),
            p99: middle(laps, |lap| lap.p99),
            cpu: middle(laps, |lap| lap.cpu),
            rss: middle(laps, |lap| lap.rss),
        })
        .collect()
}

fn told(what: &str, workers: &[(&str, Worker, usize)], laps: &[Lap]) -> Vec<Row> {
    workers
        .iter()
        .zip(laps)
        .map(|((name, ..), lap)| {
            let figures = format!(
                "{:.0} calls/s, p50 {:.0} µs, p99 {:.0} µs, CPU {:.0} µs a call, {:.1} MB",
                lap.per_second,
                lap.p50,
                lap.p99,
                lap.cpu,
                lap.rss / 1024.0
            );
            let what = format!("{what}: {name}");
            if *name == "ours" { Row::told(what, figures, "") } else { Row::told(what, "", figures) }
        })
        .collect()
}

/// Over stdio.
pub fn stdio() -> Vec<Row> {
    let echo = program_text("echo-server");
    let words = ["stdio", &echo, "stdio", "--era", "legacy"];
    let mut workers = [
        ("ours", Worker::ours_to("subprocess", json!({ "command": echo, "args": ["stdio", "--era", "legacy"] })), 2000),
        ("bare rmcp", Worker::bare(&words), 2000),
        ("TypeScript SDK", Worker::typescript(&words), 2000),
    ];
    let laps = rounds(&mut workers, 1);
    let mut rows = told("stdio, 1 caller", &workers, &laps);
    let [ours, bare, typescript] = laps.as_slice() else { unreachable!("three clients") };
    let micros = |value: f64| format!("{value:.0} µs");
    let rate = |value: f64| format!("{value:.0}/s");
    rows.push(Row::told("stdio: CPU a call", micros(ours.cpu), format!("rmcp {}", micros(bare.cpu))).at_most(ours.cpu, 100.0, " µs"));
    rows.push(Row::told("stdio: p50 above bare rmcp", micros(ours.p50), format!("rmcp {}", micros(bare.p50))).at_most(
        ours.p50 - bare.p50,
        150.0,
        " µs",
    ));
    rows.push(
        Row::told("stdio: calls/s to the TypeScript SDK's", rate(ours.per_second), rate(typescript.per_second))
            .at_least(ours.per_second / typescript.per_second, 1.0),
    );
    rows
}

/// Over streamable HTTP.
pub fn http() -> Vec<Row> {
    let server = EchoProgram::start(0);
    let words = ["http", server.url.as_str()];
    let mut workers = [
        ("ours", Worker::ours_to("stream_http", json!({ "url": server.url })), 1600),
        ("bare rmcp, pooled", Worker::bare(&words), 1600),
        ("TypeScript SDK", Worker::typescript(&words), 320),
    ];
    let alone = rounds(&mut workers, 1);
    let mut rows = told("HTTP, 1 caller", &workers, &alone);
    let [ours, bare, typescript] = alone.as_slice() else { unreachable!("three clients") };
    let rate = |value: f64| format!("{value:.0}/s");
    rows.push(
        Row::told("HTTP: calls/s to the TypeScript SDK's", rate(ours.per_second), rate(typescript.per_second))
            .at_least(ours.per_second / typescript.per_second, 5.0),
    );
    rows.push(
        Row::told("HTTP: calls/s to bare rmcp's", rate(ours.per_second), rate(bare.per_second))
            .at_least(ours.per_second / bare.per_second, 0.7),
    );
    for (_, _, calls) in &mut workers {
        *calls *= 2;
    }
    let many = rounds(&mut workers, 16);
    rows.extend(told("HTTP, 16 callers", &workers, &many));
    let [ours, bare, _] = many.as_slice() else { unreachable!("three clients") };
    rows.push(
        Row::told("HTTP, 16 callers: calls/s to bare rmcp's", rate(ours.per_second), rate(bare.per_second))
            .at_least(ours.per_second / bare.per_second, 0.6),
    );
    rows
}
