//! The start of the window, from the start of its program until it is on the display.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::places::{EchoProgram, program, root};
use crate::row::{Row, at, median};
use crate::start::remembering;

/// Starts; the middle one counts.
const TIMES: usize = 7;

/// The window with ten servers of fifty tools each, cached and reachable.
pub fn window() -> Vec<Row> {
    let home = tempfile::tempdir().unwrap();
    let server = EchoProgram::start(40);
    let folder = home.path().join("config/pilothouse");
    std::fs::create_dir_all(&folder).unwrap();
    remembering(&folder, &server, 10);
    let out = Command::new(root().join("scripts/with-display.sh"))
        .arg(std::env::current_exe().unwrap())
        .arg("window-worker")
        .arg(home.path())
        .arg((TIMES + 1).to_string())
        .env("HOME", home.path())
        .env("XDG_CONFIG_HOME", home.path().join("config"))
        .env("XDG_DATA_HOME", home.path().join("data"))
        .env("XDG_CACHE_HOME", home.path().join("cache"))
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(out.status.success(), "the window could not be started: {}", out.status);
    let took: Vec<f64> = String::from_utf8_lossy(&out.stdout).lines().filter_map(|line| line.parse().ok()).collect();
    assert_eq!(took.len(), TIMES + 1, "each start answers with its time");
    let (first, took) = (took[0], &took[1..]);
    let (least, most) = (at(took.iter().copied(), 0.0), at(took.iter().copied(), 1.0));
    let figures = format!("first {first:.2} s, then {least:.2} to {most:.2} s of {TIMES}");
    vec![Row::told("window on the display, 10 servers × 50 cached tools", figures, "").at_most(median(took.iter().copied()), 1.0, " s")]
}

/// Starts the window so often on the display that is there, and prints each time in seconds.
pub fn worker(_home: &Path, times: usize) {
    for _ in 0..times {
        println!("{}", once());
    }
}

fn once() -> f64 {
    // The X server tells everybody who asks which windows appear: no looking again and again, which would take the CPU it measures.
    let mut watch = Command::new("xev")
        .args(["-root", "-event", "substructure"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|fault| panic!("xev (Debian: x11-utils): {fault}"));
    let lines = BufReader::new(watch.stdout.take().unwrap());
    let (send, mapped) = mpsc::channel();
    std::thread::spawn(move || {
        let mut is_map = false;
        for line in lines.lines().map_while(Result::ok) {
            if is_map && let Some(id) = line.split("window ").nth(1).and_then(|rest| rest.split(',').next()) {
                let _ = send.send((id.to_owned(), Instant::now()));
            }
            is_map = line.starts_with("MapNotify");
        }
    });
    std::thread::sleep(Duration::from_millis(300));
    let began = Instant::now();
    let mut app = Command::new(program("pilothouse")).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let took = loop {
        let (id, at) = mapped.recv_timeout(Duration::from_secs(30)).expect("a window appears");
        if is_ours(&id) {
            break at.duration_since(began);
        }
    };
    // A person sees it for a moment; then it is closed by the same signal as at the end of a session.
    std::thread::sleep(Duration::from_millis(500));
    let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(app.id() as i32), nix::sys::signal::Signal::SIGTERM);
    let _ = app.wait();
    let _ = watch.kill();
    let _ = watch.wait();
    std::thread::sleep(Duration::from_millis(500));
    took.as_secs_f64()
}

/// Whether it is the main window and not a helper of the toolkit's.
fn is_ours(id: &str) -> bool {
    let out = Command::new("xwininfo").args(["-id", id]).output().unwrap_or_else(|fault| panic!("xwininfo (Debian: x11-utils): {fault}"));
    let text = String::from_utf8_lossy(&out.stdout);
    text.contains("\"Pilothouse\"") && text.contains("IsViewable")
}
