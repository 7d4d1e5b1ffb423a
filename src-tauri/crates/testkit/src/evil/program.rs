//! The evil server as a program, and over stdin and stdout.

use std::io::{BufRead, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value as Json;

use super::{Asked, Case, Deed, EvilWeb, Transport, When, find, good};

/// Runs the program: `--case ID --transport stdio|http|sse|ws|rest [--port N] [--canary URL] [--mark N]`. Over the net it prints the
/// address of its root as one line and serves until stdin ends.
///
/// `--farm` instead serves many cases at once: each line of stdin is `CASE TRANSPORT CANARY`, answered with the root's address, or
/// `cookies`, answered with how many requests carried one.
pub fn main(args: &[String]) -> std::process::ExitCode {
    if args.iter().any(|arg| arg == "--farm") {
        return farm();
    }
    let value = |flag: &str| args.iter().position(|arg| arg == flag).and_then(|at| args.get(at + 1)).map(String::as_str);
    let (Some(case), Some(transport)) = (value("--case").and_then(find), value("--transport").and_then(Transport::named)) else {
        eprintln!("evil-server: --case C-nn --transport stdio|http|sse|ws|rest");
        return std::process::ExitCode::from(2);
    };
    let canary = value("--canary").unwrap_or("http://127.0.0.1:9/canary").to_owned();
    let mark = value("--mark").and_then(|mark| mark.parse().ok()).unwrap_or(0);
    if transport == Transport::Stdio {
        serve_stdio(case, &canary, mark);
    } else {
        let port = value("--port").and_then(|port| port.parse().ok()).unwrap_or(0);
        let web = EvilWeb::start_on(port, case, transport, &canary);
        println!("{}", web.origin());
        let _ = std::io::stdout().flush();
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
    }
    std::process::ExitCode::SUCCESS
}

fn farm() -> std::process::ExitCode {
    let mut webs: Vec<EvilWeb> = Vec::new();
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["cookies"] => println!("{}", webs.iter().map(EvilWeb::cookies).sum::<u64>()),
            [case, transport, canary] => {
                let (Some(case), Some(transport)) = (find(case), Transport::named(transport)) else {
                    eprintln!("evil-server: no such case: {line}");
                    return std::process::ExitCode::from(2);
                };
                webs.push(EvilWeb::start_on(0, case, transport, canary));
                println!("{}", webs[webs.len() - 1].origin());
            }
            _ => {
                eprintln!("evil-server: what is {line}?");
                return std::process::ExitCode::from(2);
            }
        }
        let _ = std::io::stdout().flush();
    }
    std::process::ExitCode::SUCCESS
}

fn serve_stdio(case: &Case, canary: &str, mark: u32) {
    let mut stdout = std::io::stdout();
    let asked = |line: &str| {
        let message: Json = serde_json::from_str(line).unwrap_or_default();
        Asked {
            id: message["id"].clone(),
            method: message["method"].as_str().unwrap_or_default().to_owned(),
            params: message["params"].clone(),
            transport: Transport::Stdio,
            origin: String::new(),
            canary: canary.to_owned(),
            mark,
        }
    };
    if case.when == When::Accept {
        perform(&mut stdout, &asked("{}"), &(case.deed)(&asked("{}")));
    }
    for line in std::io::stdin().lock().lines() {
        let Ok(line) = line else { return };
        let asked = asked(&line);
        if strikes(case, &asked) {
            let deeds = (case.deed)(&asked);
            perform(&mut stdout, &asked, &deeds);
        } else if let Some(answer) = good(&asked) {
            put(&mut stdout, answer.as_bytes());
            put(&mut stdout, b"\n");
            let _ = stdout.flush();
        }
    }
}

/// Whether this request is the moment.
pub(super) fn strikes(case: &Case, asked: &Asked) -> bool {
    match case.when {
        When::Accept => false,
        When::Handshake => matches!(asked.method.as_str(), "initialize" | "server/discover" | "health"),
        When::List => asked.method == "tools/list",
        When::Call => asked.method == "tools/call" && asked.params["name"] == "bite",
    }
}

fn put(stdout: &mut std::io::Stdout, bytes: &[u8]) {
    if stdout.write_all(bytes).is_err() {
        // Nobody reads any more: a server that goes on would be left behind.
        std::process::exit(0);
    }
}

fn perform(stdout: &mut std::io::Stdout, asked: &Asked, deeds: &[Deed]) {
    for deed in deeds {
        match deed {
            Deed::Message(bytes) => {
                put(stdout, bytes);
                put(stdout, b"\n");
            }
            Deed::Many(count, make) => {
                for nth in 0..*count {
                    put(stdout, make(nth).as_bytes());
                    put(stdout, b"\n");
                }
            }
            Deed::Wire(bytes) => put(stdout, bytes),
            Deed::Flood(bytes, times) => (0..*times).for_each(|_| put(stdout, bytes)),
            Deed::Stream => {}
            Deed::Answer => {
                put(stdout, good(asked).unwrap_or_default().as_bytes());
                put(stdout, b"\n");
            }
            Deed::Pause(millis) => {
                let _ = stdout.flush();
                std::thread::sleep(Duration::from_millis(*millis));
            }
            Deed::Silence => {
                let _ = stdout.flush();
                // Goes when whoever started it goes: stdin ends.
                let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
                std::process::exit(0);
            }
            Deed::End(code) => {
                let _ = stdout.flush();
                std::process::exit(*code);
            }
            Deed::Abort => {
                let _ = stdout.flush();
                std::process::abort();
            }
            Deed::Stderr(bytes, times) => {
                for _ in 0..*times {
                    let _ = std::io::stderr().write_all(bytes);
                }
            }
            Deed::Stop => {
                let _ = stdout.flush();
                shell(&format!("kill -STOP {}", std::process::id()));
            }
            Deed::Breed => breed(asked.mark),
        }
        let _ = stdout.flush();
    }
}

/// Three kinds of children that a plain kill does not reach: one that ignores TERM, one in a session of its own, one whose parent has
/// ended. Each sleeps for a number of seconds that nobody else sleeps for, and by which a test can find it.
fn breed(mark: u32) {
    shell(&format!("(trap '' TERM HUP; exec sleep {mark}) & exit 0"));
    shell(&format!("setsid sh -c 'trap \"\" TERM; exec sleep {mark}' & exit 0"));
    shell(&format!("(setsid sh -c '(exec sleep {mark}) & exit 0' &) ; exit 0"));
}

fn shell(line: &str) {
    let _ = Command::new("sh").args(["-c", line]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
}
