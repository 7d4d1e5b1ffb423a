//! The questions of `pilot` at a real terminal: what a person sees, types, and gets.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::cli_contract::built;

/// Longer than any question takes to come, and shorter than a person waits.
const PATIENCE: Duration = Duration::from_secs(120);
const MISBEHAVE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/programs/misbehave.py");

/// A `pilot` whose keyboard and messages are a terminal, while its answers go elsewhere.
struct Session {
    pilot: Child,
    keyboard: File,
    screen: Receiver<Vec<u8>>,
    seen: String,
}

/// What it ended with.
struct Ended {
    code: i32,
    out: String,
    /// Everything that stood on the screen, what was typed included.
    screen: String,
}

impl Session {
    fn start(folder: &Path, words: &[&str]) -> Self {
        Self::in_language("en", folder, words)
    }

    fn in_language(lang: &str, folder: &Path, words: &[&str]) -> Self {
        let pty = nix::pty::openpty(None, None).unwrap();
        let mut command = Command::new(built("pilot"));
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", folder)
            .env("LANG", "C.UTF-8")
            .env("PILOTHOUSE_KEYRING_SERVICE", "");
        command.args(["--lang", lang, "--config-dir"]).arg(folder.join("config")).args(words);
        command.stdin(Stdio::from(pty.slave.try_clone().unwrap())).stderr(Stdio::from(pty.slave)).stdout(Stdio::piped());
        let pilot = command.spawn().unwrap();
        // From here on only pilot holds its end, so that the screen ends with it.
        drop(command);
        let keyboard = File::from(pty.master);
        let mut eyes = keyboard.try_clone().unwrap();
        let (show, screen) = channel();
        std::thread::spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(read @ 1..) = eyes.read(&mut piece) {
                let _ = show.send(piece[..read].to_vec());
            }
        });
        Self { pilot, keyboard, screen, seen: String::new() }
    }

    /// Waits until this stands on the screen.
    fn sees(&mut self, words: &str) -> &mut Self {
        while !self.seen.contains(words) {
            let Ok(piece) = self.screen.recv_timeout(PATIENCE) else { panic!("{words:?} never came; there is: {}", self.seen) };
            self.seen.push_str(&String::from_utf8_lossy(&piece));
        }
        self
    }

    fn types(&mut self, line: &str) -> &mut Self {
        self.keyboard.write_all(format!("{line}\n").as_bytes()).unwrap();
        self
    }

    fn ends(mut self) -> Ended {
        while let Ok(piece) = self.screen.recv_timeout(PATIENCE) {
            self.seen.push_str(&String::from_utf8_lossy(&piece));
        }
        let mut out = String::new();
        self.pilot.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        Ended { code: self.pilot.wait().unwrap().code().unwrap_or(-1), out, screen: self.seen }
    }
}

impl Ended {
    fn json(&self) -> Json {
        serde_json::from_str(&self.out).unwrap_or_else(|fault| panic!("{fault}: {} {}", self.out, self.screen))
    }
}

#[test]
fn a_call_that_must_be_approved_runs_after_a_yes_and_not_after_anything_else() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("config/scratch/note.txt");
    let args = json!({ "path": "note.txt", "content": "by hand" }).to_string();
    let words = ["call", "filesystem", "fs-write-file", "--args", &args, "-o", "json"];
    for no in ["n", "", "yess", "s", "a"] {
        let mut session = Session::start(dir.path(), &words);
        session.sees("May this call run? filesystem / fs-write-file (high)").sees("by hand").sees("run it once? [y/N] ").types(no);
        let ended = session.ends();
        assert_eq!((ended.code, &ended.json()["fault"]["kind"]), (6, &json!("denied")), "{no:?}: {}", ended.screen);
        assert!(!file.exists(), "{no:?} is no yes");
    }
    let mut session = Session::start(dir.path(), &words);
    session.sees("run it once? [y/N] ").types("y");
    let ended = session.ends();
    assert_eq!((ended.code, &ended.json()["ok"]), (0, &json!(true)), "{}", ended.screen);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "by hand");
}

#[test]
fn an_imported_program_is_shown_whole_and_starts_after_a_yes_once_and_for_all() {
    let dir = tempfile::tempdir().unwrap();
    let cwd = dir.path().join("work place");
    std::fs::create_dir(&cwd).unwrap();
    let entry = json!({
        "command": built("echo-server"), "args": ["stdio"], "cwd": cwd,
        "env": { "API_KEY": "canary-of-the-terminal", "LEVEL": "3" }
    });
    let file = dir.path().join("mcp.json");
    std::fs::write(&file, json!({ "mcpServers": { "echo": entry } }).to_string()).unwrap();
    let imported = Session::start(dir.path(), &["servers", "import", file.to_str().unwrap(), "--yes"]).ends();
    assert_eq!(imported.code, 0, "{}{}", imported.out, imported.screen);
    let words = ["call", "echo", "echo", "--arg", "message=hello", "-o", "json"];

    let mut session = Session::start(dir.path(), &words);
    session.sees("May this program be started? echo:").sees("agree? [y/N] ").types("n");
    let ended = session.ends();
    assert_eq!((ended.code, &ended.json()["ok"]), (6, &json!(false)), "{}", ended.screen);
    for part in [format!("{} stdio", built("echo-server").display()), cwd.display().to_string(), "API_KEY, LEVEL".into()] {
        assert!(ended.screen.replace("\r\n", "\n").contains(&part), "{part} is shown: {}", ended.screen);
    }
    assert!(!ended.screen.contains("canary"), "{}", ended.screen);

    let mut session = Session::in_language("zh", dir.path(), &words);
    session.sees("允许启动此程序吗？ echo:").sees("目录").sees("变量").sees("同意吗？ [y/N] ").types("y");
    let ended = session.ends();
    assert_eq!((ended.code, &ended.json()["content"][0]["text"]), (0, &json!("hello")), "{}", ended.screen);
    let ended = Session::start(dir.path(), &words).ends();
    assert_eq!(ended.code, 0, "it was accepted as it is: {}", ended.screen);
}

#[test]
fn a_servers_form_is_filled_in_sent_or_declined_at_the_terminal() {
    let dir = tempfile::tempdir().unwrap();
    let program = format!("python3 {MISBEHAVE}");
    let words = ["call", "--stdio", &program, "get-name", "-o", "json"];
    let answered = |ended: &Ended| -> Json {
        assert_eq!(ended.code, 0, "{}{}", ended.out, ended.screen);
        serde_json::from_str(ended.json()["content"][0]["text"].as_str().unwrap()).unwrap()
    };
    let asked = |session: &mut Session| {
        session.sees("asks: Who are you?").sees("the server will see the answers").sees("Your name *: ");
    };

    let mut session = Session::start(dir.path(), &words);
    asked(&mut session);
    session.types("").sees("this one is needed").types("Ada").sees("send this? [y/N] ").types("y");
    assert_eq!(answered(&session.ends()), json!({ "action": "accept", "content": { "name": "Ada" } }));

    let mut session = Session::start(dir.path(), &words);
    asked(&mut session);
    session.types("!");
    assert_eq!(answered(&session.ends())["action"], "decline");

    let mut session = Session::start(dir.path(), &words);
    asked(&mut session);
    session.types("Ada").sees("send this? [y/N] ").types("n");
    assert_eq!(answered(&session.ends())["action"], "decline", "typed, and thought better of");
}

#[test]
fn a_kubeconfig_is_shown_and_imported_after_a_yes_and_its_program_after_another() {
    let dir = tempfile::tempdir().unwrap();
    let plugin = dir.path().join("plugin");
    let ran = dir.path().join("ran");
    std::fs::write(&plugin, format!("#!/bin/sh\ntouch {}\n", ran.display())).unwrap();
    std::fs::set_permissions(&plugin, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let file = dir.path().join("kube");
    let kubeconfig = json!({
        "clusters": [{ "name": "k", "cluster": { "server": "http://10.0.0.1:8080" } }],
        "contexts": [{ "name": "c\u{202e}x", "context": { "cluster": "k", "user": "u" } }],
        "users": [{ "name": "u", "user": { "exec": {
            "apiVersion": "client.authentication.k8s.io/v1", "interactiveMode": "Never", "command": plugin, "args": ["log in"] } } }],
    });
    std::fs::write(&file, kubeconfig.to_string()).unwrap();
    let words = ["cluster", "import", file.to_str().unwrap(), "-o", "json"];
    let mut session = Session::start(dir.path(), &words);
    session.sees("would run").sees("'log in'").sees("not encrypted").sees("agree? [y/N] ").types("n");
    let ended = session.ends();
    assert_eq!((ended.code, &ended.json()["fault"]["code"]), (6, &json!("not_agreed")), "{}", ended.screen);
    assert!(!ended.screen.contains('\u{202e}'), "a name plays no tricks on the terminal");
    for (answer, imported) in [("n", 0), ("y", 1)] {
        let mut session = Session::start(dir.path(), &words);
        session.sees("agree? [y/N] ").types("y").sees("may this program be run").types(answer);
        let ended = session.ends();
        assert_eq!(ended.json()["clusters"].as_array().unwrap().len(), imported, "{}", ended.screen);
    }
    assert!(!ran.exists(), "it was accepted, not run");
}
