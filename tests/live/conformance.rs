//! The official conformance suite against our client: both requirement sets of the 0.2 line, and everything of 0.1.16.
//!
//! Every scored scenario must pass. What fails beyond that is listed in `expected-failures.txt` with its reason; an unlisted failure
//! breaks the run, and so does a listed one that passes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::peers::{node, npm};

/// What a run said.
#[derive(Debug)]
struct Outcome {
    /// Scenario → whether it passed.
    scenarios: BTreeMap<String, bool>,
    /// Those that do not count.
    unscored: BTreeSet<String>,
    /// The whole text, for when something is wrong.
    said: String,
}

/// Reads the summary that the suite prints.
fn read(said: String) -> Outcome {
    let summary = said.split("=== SUITE SUMMARY ===").nth(1).unwrap_or_default().to_owned();
    let (results, unscored) = summary.split_once("Not scored for").unwrap_or((&summary, ""));
    let marked = |line: &str| -> Option<(bool, String)> {
        let line = line.trim();
        let (mark, rest) = line.split_once(' ')?;
        let passed = match mark {
            "✓" => true,
            // A cross without a failure is a warning: that a reconnect came 20 ms late, which is the machine's doing.
            "✗" => rest.contains(" 0 failed"),
            _ => return None,
        };
        Some((passed, rest.split([':', ' ']).next()?.to_owned()))
    };
    Outcome {
        scenarios: results.lines().filter_map(marked).map(|(passed, name)| (name, passed)).collect(),
        unscored: unscored.lines().filter_map(marked).map(|(_, name)| name).collect(),
        said,
    }
}

/// A suite runs all its scenarios at once; two suites together would only measure the machine.
static ONE_AT_A_TIME: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

async fn run(package: &str, arguments: &[&str]) -> Outcome {
    let _turn = ONE_AT_A_TIME.lock().await;
    let results = tempfile::tempdir().unwrap();
    let driver = env!("CARGO_BIN_EXE_conformance-driver");
    let run = tokio::process::Command::new(node())
        .arg(npm(&format!("{package}/dist/index.js")))
        .args(["client", "--command", driver, "--timeout", "120000"])
        .args(arguments)
        .arg("-o")
        .arg(results.path())
        .current_dir(results.path())
        .kill_on_drop(true)
        .output();
    let out = tokio::time::timeout(Duration::from_mins(10), run).await.expect("the suite ends by itself").unwrap();
    read(format!("{}\n{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr)))
}

/// The listed failures of a run: `RUN SCENARIO REASON…` a line.
fn listed(run: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for line in include_str!("expected-failures.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let mut words = line.splitn(3, ' ');
        let (of, scenario, reason) = (words.next().unwrap(), words.next().unwrap_or_default(), words.next().unwrap_or_default());
        assert!(["0.1.16", "2025-11-25", "2026-07-28"].contains(&of), "there is no run {of}");
        assert!(reason.len() > 20, "{scenario} is listed without a reason");
        if of == run {
            found.insert(scenario.to_owned(), reason.to_owned());
        }
    }
    found
}

/// The end of what the suite said: enough to see why, not its whole log.
fn tail(said: &str) -> String {
    let lines: Vec<_> = said.lines().collect();
    lines[lines.len().saturating_sub(60)..].join("\n")
}

fn judge(run: &str, outcome: &Outcome, scored: usize) {
    let listed = listed(run);
    let counting: Vec<_> = outcome.scenarios.keys().filter(|name| !outcome.unscored.contains(*name)).collect();
    assert_eq!(
        counting.len(),
        scored,
        "the suite is the one that was pinned: {counting:?}\nThe suite ended with:\n{}",
        tail(&outcome.said)
    );
    let failing: BTreeSet<_> = outcome.scenarios.iter().filter(|(_, passed)| !**passed).map(|(name, _)| name.clone()).collect();
    let expected: BTreeSet<_> = listed.keys().cloned().collect();
    let unlisted: Vec<_> = failing.difference(&expected).collect();
    assert!(unlisted.is_empty(), "these fail and are not listed: {unlisted:?}\nThe suite ended with:\n{}", tail(&outcome.said));
    let stale: Vec<_> = expected.difference(&failing).collect();
    assert!(stale.is_empty(), "these are listed as failing and pass, or are gone: {stale:?}");
    println!(
        "{run}: {} of {} scored scenarios pass, {} unscored fail as listed",
        scored - failing.iter().filter(|name| counting.contains(name)).count(),
        scored,
        failing.len()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn all_scored_scenarios_of_2025_11_25_pass() {
    let outcome = run("conformance-0-2", &["--requirements", "2025-11-25"]).await;
    assert!(listed("2025-11-25").keys().all(|name| outcome.unscored.contains(name)), "a scored scenario may not be listed");
    judge("2025-11-25", &outcome, 18);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_scored_scenarios_of_2026_07_28_pass() {
    let outcome = run("conformance-0-2", &["--requirements", "2026-07-28"]).await;
    assert!(listed("2026-07-28").keys().all(|name| outcome.unscored.contains(name)), "a scored scenario may not be listed");
    judge("2026-07-28", &outcome, 32);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_suite_0_1_16_passes_but_for_what_is_listed() {
    let outcome = run("conformance-0-1", &["--suite", "all"]).await;
    judge("0.1.16", &outcome, 26);
}

#[test]
fn a_summary_is_read_as_it_is_printed() {
    let outcome = read("noise\n=== SUITE SUMMARY ===\n\n✓ a: 2 passed, 0 failed\n✗ auth/b: 1 passed, 1 failed\n✗ late: 2 passed, 0 failed, 1 warnings\n\nTotal: 3\n\nNot scored for X: 1 scenario(s)\n  ✗ auth/b (extension)\n".into());
    assert_eq!(outcome.scenarios, [("a".to_owned(), true), ("auth/b".to_owned(), false), ("late".to_owned(), true)].into());
    assert_eq!(outcome.unscored, ["auth/b".to_owned()].into());
}
