//! The contract of `pilot` with scripts, kept by the real program: shapes, exit codes, what goes to which stream.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use serde_json::{Value as Json, json};
use testkit::echo::{Echo, EchoHttp, EchoSocket, EchoSse, Eras, HttpKind};
use testkit::web::Web;

/// A program that the workspace builds, beside this test.
pub(crate) fn built(name: &str) -> PathBuf {
    let here = std::env::current_exe().unwrap();
    let found = here.ancestors().skip(1).take(2).map(|dir| dir.join(name)).find(|path| path.is_file());
    found.unwrap_or_else(|| panic!("{name} is not built: run `cargo build --workspace --bins` first (`make test-units` does)"))
}

/// A `pilot` with a folder of its own.
struct Pilot {
    dir: tempfile::TempDir,
    env: Vec<(&'static str, String)>,
}

/// What a run gave.
#[derive(Debug)]
struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl Ran {
    fn of(output: &Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout.clone()).unwrap(),
            err: String::from_utf8(output.stderr.clone()).unwrap(),
        }
    }

    fn json(&self) -> Json {
        serde_json::from_str(&self.out).unwrap_or_else(|fault| panic!("stdout is no JSON document: {fault}\n{self:?}"))
    }

    fn fault(&self) -> Json {
        let whole = self.json();
        assert_eq!(whole["ok"], json!(false), "{self:?}");
        assert_eq!(keys(&whole["fault"]), ["code", "hint", "kind", "message", "reference"], "{self:?}");
        assert!(!self.err.is_empty(), "a person is told too");
        whole["fault"].clone()
    }
}

fn keys(value: &Json) -> Vec<&str> {
    let mut keys: Vec<&str> = value.as_object().unwrap_or_else(|| panic!("no object: {value}")).keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

impl Pilot {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), env: Vec::new() }
    }

    fn with(mut self, name: &'static str, value: &str) -> Self {
        self.env.push((name, value.to_owned()));
        self
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(built("pilot"));
        let path = std::env::var_os("PATH").unwrap_or_default();
        command.env_clear().env("PATH", path).env("HOME", self.dir.path()).env("LANG", "C.UTF-8").env("PILOTHOUSE_KEYRING_SERVICE", "");
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command.arg("--config-dir").arg(self.dir.path().join("config")).args(words);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn run_blocking(&self, words: &[&str]) -> Ran {
        Ran::of(&self.command(words).output().unwrap())
    }

    /// Runs while the servers of this test go on answering.
    async fn run(&self, words: &[&str]) -> Ran {
        let mut command = self.command(words);
        Ran::of(&tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap())
    }

    async fn fed(&self, words: &[&str], input: &str) -> Ran {
        let mut child = self.command(words).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        Ran::of(&tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await.unwrap())
    }
}

fn echo_program() -> String {
    format!("{} stdio", built("echo-server").display())
}

async fn echo() -> EchoHttp {
    EchoHttp::start(Echo::new(), HttpKind::Plain).await
}

#[test]
fn the_version_and_the_help_need_nothing() {
    let pilot = Pilot::new();
    let version = pilot.run_blocking(&["--version"]);
    assert_eq!((version.code, version.out.trim()), (0, concat!("pilot ", env!("CARGO_PKG_VERSION"))));
    let help = pilot.run_blocking(&["call", "--help"]);
    assert!(help.code == 0 && help.out.contains("--approve-once"), "{help:?}");
    let chinese = pilot.run_blocking(&["--lang", "zh", "call", "--help"]);
    assert!(chinese.out.contains("参数"), "{chinese:?}");
    let completions = pilot.run_blocking(&["completions", "bash"]);
    assert!(completions.code == 0 && completions.out.contains("_pilot"));
    assert!(!pilot.dir.path().join("config").exists(), "nothing was made on the disk for it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_saved_is_reached_by_address_by_program_and_by_object() {
    let pilot = Pilot::new();
    let http = echo().await;
    let sse = EchoSse::start(Echo::new()).await;
    let socket = EchoSocket::start(Echo::new()).await;
    let program = echo_program();
    let object = json!({ "name": "named", "type": "stream_http", "url": http.url() }).to_string();
    let file = pilot.dir.path().join("server.json");
    std::fs::write(&file, &object).unwrap();
    let urls = [http.url(), sse.url(), socket.url()];
    let file = file.display().to_string();
    let mut ways: Vec<Vec<&str>> = urls.iter().map(|url| vec!["--url", url.as_str()]).collect();
    ways.push(vec!["--url", &urls[0], "--type", "stream_http"]);
    ways.push(vec!["--stdio", &program]);
    ways.push(vec!["--server-json", &file]);
    for way in ways {
        let words = [&["call"], way.as_slice(), &["echo", "--arg", "message=hi", "-o", "json"]].concat();
        let ran = pilot.run(&words).await;
        assert_eq!(ran.code, 0, "{way:?}: {ran:?}");
        assert_eq!(ran.json()["content"], json!([{ "type": "text", "text": "hi" }]), "{way:?}");
    }
    let ran = pilot.fed(&["call", "--server-json", "-", "echo", "--args", "{\"message\":\"in\"}", "-o", "json"], &object).await;
    assert_eq!((ran.code, &ran.json()["server"]), (0, &json!("named")), "{ran:?}");
    let saved = pilot.run(&["servers", "list", "-o", "json"]).await;
    assert!(saved.json().as_array().unwrap().iter().all(|server| server["name"] != "named"), "nothing was saved: {saved:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tools_and_calls_have_exactly_the_fields_of_the_contract() {
    let pilot = Pilot::new();
    let http = echo().await;
    let url = http.url();
    let tools = pilot.run(&["tools", "--url", &url, "-o", "json"]).await;
    let list = tools.json();
    for tool in list.as_array().unwrap() {
        assert_eq!(keys(tool), ["annotations", "description", "inputSchema", "name", "outputSchema", "risk", "server", "title"]);
    }
    let risk = |name: &str| list.as_array().unwrap().iter().find(|tool| tool["name"] == name).map(|tool| tool["risk"].clone());
    assert_eq!(risk("echo"), Some(json!("safe")));
    assert_eq!(risk("exit"), Some(json!("high")), "what says that it destroys is of high risk");
    let lines = pilot.run(&["tools", "--url", &url, "-o", "jsonl"]).await;
    assert_eq!(lines.out.lines().count(), list.as_array().unwrap().len());
    assert!(lines.out.lines().all(|line| serde_json::from_str::<Json>(line).is_ok()));
    let yaml = pilot.run(&["tools", "--url", &url, "-o", "yaml"]).await;
    let read: Json = serde_saphyr::from_str(&yaml.out).unwrap();
    assert_eq!(read, list, "YAML says the same");
    let described = pilot.run(&["describe", "--url", &url, "echo", "-o", "json"]).await;
    assert_eq!(described.json()["inputSchema"]["required"], json!(["message"]));

    let call = pilot.run(&["call", "--url", &url, "stats", "-o", "json"]).await;
    let answer = call.json();
    assert_eq!(keys(&answer), ["auditId", "content", "elapsedMs", "isError", "ok", "server", "structuredContent", "tool"]);
    assert_eq!((&answer["ok"], &answer["isError"], &answer["tool"]), (&json!(true), &json!(false), &json!("stats")));
    assert!(answer["structuredContent"]["running"].is_number() && answer["elapsedMs"].is_number());
    assert_eq!(answer["auditId"].as_str().unwrap().len(), 8);
    let plain = pilot.run(&["call", "--url", &url, "echo", "--arg", "message=just this"]).await;
    assert_eq!(plain.out, "just this\n", "for people: the text alone on stdout");
    let escapes = pilot.run(&["call", "--url", &url, "echo", "--args", r#"{"message":"a\u001b[31mb"}"#]).await;
    assert_eq!(escapes.out, "a\\u{1b}[31mb\n", "a server does not paint on the terminal");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_sort_of_outcome_has_its_exit_code_and_its_fault() {
    let pilot = Pilot::new();
    let http = echo().await;
    let url = http.url();
    let closed = Web::start(axum::Router::new()).await;
    let nobody = closed.url("/mcp");
    closed.stop().await;
    let door = Web::start(testkit::web::guarded(axum::Router::new(), "authorization", "Bearer right")).await;
    let locked = door.url("/mcp");
    let unset = "X: ${PILOT_TEST_UNSET}";
    let cases: [(&[&str], i32, &str); 12] = [
        (&["call", "--url", &url, "fail"], 1, ""),
        (&["call", "--url", &url, "echo", "--args", "{no"], 2, "usage"),
        (&["call", "--url", &url, "echo", "--args", "{\"message\":7}"], 2, "usage"),
        (&["call", "echo"], 2, "usage"),
        (&["call", "nobody", "echo"], 3, "not_found"),
        (&["call", "--url", &url, "no-such-tool"], 3, "not_found"),
        (&["call", "--url", &url, "--header", unset, "echo", "--arg", "message=x"], 3, "config"),
        (&["call", "--url", &nobody, "echo"], 4, "unreachable"),
        (&["call", "--url", &url, "slow", "--args", "{\"steps\":1,\"ms\":60000}", "--timeout", "0.3"], 4, "timeout"),
        (&["call", "--url", &locked, "echo"], 5, "auth"),
        (&["call", "--url", &url, "exit"], 6, "denied"),
        (&["call", "--url", &url, "refuse"], 7, "protocol"),
    ];
    for (words, code, kind) in cases {
        let ran = pilot.run(&[words, &["-o", "json"]].concat()).await;
        assert_eq!(ran.code, code, "{words:?}: {ran:?}");
        if kind.is_empty() {
            assert_eq!((&ran.json()["ok"], &ran.json()["isError"]), (&json!(true), &json!(true)), "the tool's own word");
            continue;
        }
        assert_eq!(ran.fault()["kind"], kind, "{words:?}: {ran:?}");
        let plain = pilot.run(words).await;
        assert_eq!((plain.code, plain.out.as_str()), (code, ""), "for people stdout stays empty: {plain:?}");
        let chinese = pilot.run(&[words, &["--lang", "zh"]].concat()).await;
        assert!(chinese.err.chars().any(|c| ('\u{4e00}'..'\u{9fff}').contains(&c)), "{words:?}: {chinese:?}");
    }
    assert_eq!(pilot.run(&["frobnicate"]).await.code, 2, "a command that does not exist");
    assert_eq!(pilot.run(&["call", "--url", &url, "--stdio", "x", "echo"]).await.code, 2, "two servers at once");
    let missing = pilot.run(&["tools", "--stdio", "/nonexistent/program", "-o", "json"]).await;
    assert_eq!(missing.code, 3, "{missing:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_risky_wants_a_word_and_the_word_counts_once() {
    let pilot = Pilot::new();
    let http = echo().await;
    let url = http.url();
    let set = pilot.run(&["policy", "risk", "set", "*", "echo", "high"]).await;
    assert_eq!(set.code, 0, "{set:?}");
    let words = ["call", "--url", &url, "echo", "--arg", "message=x", "-o", "json"];
    let refused = pilot.run(&words).await;
    assert_eq!((refused.code, refused.fault()["reference"].is_string()), (6, true), "{refused:?}");
    let agreed = pilot.run(&[&words[..], &["--approve-once"]].concat()).await;
    assert_eq!(agreed.code, 0, "{agreed:?}");
    assert_eq!(pilot.run(&words).await.code, 6, "the word was for that one call");
    let deny = pilot.run(&["policy", "rule", "add", "never", "deny", "--tool", "echo"]).await;
    assert_eq!(deny.code, 0, "{deny:?}");
    assert_eq!(pilot.run(&[&words[..], &["--approve-once"]].concat()).await.code, 6, "a deny is not overruled by it");
    assert_eq!(http.echo.calls("echo"), 1, "only the agreed call was sent");
    let policy = pilot.run(&["policy", "show", "-o", "json"]).await.json();
    assert_eq!(policy["policy"]["rules"][0]["id"], "never");
    assert_eq!(pilot.run(&["policy", "rule", "remove", "never"]).await.code, 0);
    assert_eq!(pilot.run(&["policy", "rule", "remove", "never"]).await.code, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_word_counts_for_a_saved_server_whose_tools_are_known_already() {
    let pilot = Pilot::new();
    assert_eq!(pilot.run(&["tools", "filesystem"]).await.code, 0, "the catalogue is kept from here on");
    let words = ["call", "filesystem", "fs-write-file", "--arg", "path=a.txt", "--arg", "content=x", "-o", "json"];
    assert_eq!(pilot.run(&words).await.code, 6);
    let agreed = pilot.run(&[&words[..], &["--approve-once"]].concat()).await;
    assert_eq!(agreed.code, 0, "{agreed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_saved_leaves_no_figures() {
    let pilot = Pilot::new();
    let http = echo().await;
    let called = pilot.run(&["call", "--url", &http.url(), "echo", "--arg", "message=x"]).await;
    assert_eq!(called.code, 0, "{called:?}");
    let listed = pilot.run(&["call", "filesystem", "fs-list-directory", "--arg", "path=."]).await;
    assert_eq!(listed.code, 0, "{listed:?}");
    let figures = pilot.run(&["metrics", "-o", "json"]).await;
    assert!(figures.out.contains("filesystem") && !figures.out.contains("one-off"), "{figures:?}");
}

/// Whether a process runs that was started with this word.
fn runs(word: &str) -> bool {
    let ours = |entry: std::fs::DirEntry| {
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        line.split(|byte| *byte == 0).any(|part| part == word.as_bytes())
    };
    std::fs::read_dir("/proc").unwrap().flatten().any(ours)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_will_not_end_is_left_to_its_guard_and_ended_by_it() {
    let pilot = Pilot::new();
    let word = format!("stubborn-{}", uuid::Uuid::new_v4());
    let line = format!("python3 {}/programs/misbehave.py stubborn {word}", env!("CARGO_MANIFEST_DIR"));
    let called = pilot.run(&["call", "--stdio", &line, "echo", "--arg", "text=hello", "--approve-once"]).await;
    assert_eq!((called.code, called.out.trim()), (0, "hello"), "{called:?}");
    testkit::contract::until("the program and its guard are gone", async || !runs(&word)).await;
    let verified = pilot.run(&["audit", "verify", "-o", "json"]).await;
    assert_eq!(verified.json()["rows"], json!(2), "what happened was written down: {verified:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_lines_of_json_with_the_answer_last() {
    let pilot = Pilot::new();
    let http = echo().await;
    let url = http.url();
    let ran = pilot.run(&["call", "--url", &url, "slow", "--args", "{\"steps\":3,\"ms\":5}", "--stream", "-o", "json"]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let lines: Vec<Json> = ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (answer, progress) = lines.split_last().unwrap();
    assert_eq!(answer["content"][0]["text"], "done after 3 steps");
    let steps: Vec<_> = progress.iter().filter(|line| line["type"] == "progress").map(|line| line["progress"].as_f64().unwrap()).collect();
    assert_eq!(steps, [1.0, 2.0, 3.0]);
    let quiet = pilot.run(&["call", "--url", &url, "slow", "--args", "{\"steps\":2,\"ms\":5}", "-o", "json"]).await;
    assert_eq!(quiet.out.lines().count(), 1, "without --stream there is one object");
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_cancels_the_call_and_the_record_says_so() {
    let pilot = Pilot::new();
    let http = echo().await;
    let url = http.url();
    let child = pilot.command(&["call", "--url", &url, "hold", "-o", "json"]).spawn().unwrap();
    until(|| http.echo.running() == 1).await;
    let ran = interrupted(child).await;
    assert_eq!((ran.code, &ran.fault()["kind"]), (8, &json!("cancelled")), "{ran:?}");
    until(|| http.echo.cancelled() == 1).await;
    let rows = pilot.run(&["audit", "list", "-o", "json"]).await.json();
    let call = rows.as_array().unwrap().iter().find(|row| row["tool"] == "hold").unwrap().clone();
    assert_eq!(call["status"], "cancelled", "{call}");
    assert_eq!(ran.fault()["reference"], call["id"], "the reference is the row's");
}

async fn until(so: impl Fn() -> bool) {
    for _ in 0..2_000 {
        if so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it did not come to that");
}

async fn interrupted(child: Child) -> Ran {
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    Ran::of(&tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_server_is_added_used_from_the_cache_and_removed() {
    let pilot = Pilot::new();
    let http = echo().await;
    let added = pilot.run(&["servers", "add", "over-http", "--url", &http.url(), "-o", "json"]).await;
    assert_eq!(added.code, 0, "{added:?}");
    assert_eq!(added.json()["accepted"], json!(true), "it was typed by the person");
    let program = echo_program();
    let noted = pilot.run(&["audit", "list", "-o", "json"]).await.json();
    assert_eq!((&noted[0]["what"], &noted[0]["serverName"]), (&"server_added".into(), &"over-http".into()), "the note names its server");
    let added = pilot.run(&["servers", "add", "--name", "program", "--stdio", &program, "-o", "json"]).await;
    assert_eq!((added.code, &added.json()["accepted"]), (0, &json!(true)), "{added:?}");
    assert_eq!(pilot.run(&["servers", "add", "program", "--stdio", &program]).await.code, 3, "the name is taken");
    for name in ["over-http", "program"] {
        let ran = pilot.run(&["call", name, "echo", "--arg", "message=saved", "-o", "json"]).await;
        assert_eq!((ran.code, &ran.json()["server"]), (0, &json!(name)), "{ran:?}");
        let tested = pilot.run(&["servers", "test", name, "-o", "json"]).await;
        assert_eq!((tested.code, &tested.json()["ok"]), (0, &json!(true)), "{tested:?}");
    }
    let seen = http.seen.all().len();
    let cached = pilot.run(&["tools", "over-http", "-o", "json"]).await;
    assert!(!cached.json().as_array().unwrap().is_empty());
    assert_eq!(http.seen.all().len(), seen, "what was seen is shown without asking the server");
    let asked = pilot.run(&["tools", "over-http", "--refresh", "-o", "json"]).await;
    assert_eq!(asked.code, 0);
    assert!(http.seen.all().len() > seen, "--refresh asks");
    let all = pilot.run(&["tools", "--search", "echo message", "-o", "json"]).await.json();
    let owners: Vec<_> = all.as_array().unwrap().iter().filter(|tool| tool["name"] == "echo").map(|tool| tool["server"].clone()).collect();
    assert_eq!(owners.len(), 2, "two servers with the same tool: {all}");
    let edited = pilot.run(&["servers", "edit", "over-http", "--set", "timeout=5", "--rename", "renamed", "-o", "json"]).await;
    assert_eq!((&edited.json()["name"], &edited.json()["settings"]["timeout"]), (&json!("renamed"), &json!(5)), "{edited:?}");
    assert_eq!(pilot.run(&["servers", "disable", "renamed"]).await.code, 0);
    assert_eq!(pilot.run(&["call", "renamed", "echo", "--arg", "message=x"]).await.code, 6, "it is switched off");
    assert_eq!(pilot.run(&["servers", "remove", "renamed", "nobody"]).await.code, 3);
    let left = pilot.run(&["servers", "list", "-o", "json"]).await.json();
    assert!(left.as_array().unwrap().iter().any(|server| server["name"] == "renamed"), "a misspelt name removes nothing");
    assert_eq!(pilot.run(&["servers", "remove", "renamed"]).await.code, 0);
    assert_eq!(pilot.run(&["servers", "show", "renamed"]).await.code, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn health_audit_and_metrics_have_the_fields_of_the_contract() {
    let pilot = Pilot::new();
    let http = echo().await;
    pilot.run(&["servers", "add", "good", "--url", &http.url()]).await;
    let gone = Web::start(axum::Router::new()).await;
    pilot.run(&["servers", "add", "gone", "--url", &gone.url("/mcp")]).await;
    gone.stop().await;
    pilot.run(&["call", "good", "echo", "--arg", "message=canary-argument"]).await;
    let health = pilot.run(&["health", "-o", "json"]).await;
    assert_eq!(health.code, 0, "an overview was given: {health:?}");
    for row in health.json().as_array().unwrap() {
        assert_eq!(keys(row), ["latencyMs", "reason", "server", "since", "state", "type"]);
    }
    let good = pilot.run(&["health", "good", "-o", "json"]).await;
    assert_eq!((good.code, &good.json()[0]["state"]), (0, &json!("connected")), "{good:?}");
    let gone = pilot.run(&["health", "gone", "-o", "json"]).await;
    assert_eq!((gone.code, &gone.json()[0]["state"]), (4, &json!("error")), "{gone:?}");
    assert_eq!(gone.json()[0]["reason"]["kind"], "unreachable");

    let verified = pilot.run(&["audit", "verify", "-o", "json"]).await;
    assert_eq!((verified.code, keys(&verified.json())), (0, vec!["firstBad", "ok", "rows"]));
    assert_eq!((&verified.json()["ok"], &verified.json()["firstBad"]), (&json!(true), &Json::Null));
    let exported = pilot.run(&["audit", "export"]).await;
    assert_eq!(exported.out.lines().count() as u64, verified.json()["rows"].as_u64().unwrap());
    assert!(!exported.out.contains("canary-argument"), "no value of an argument is kept");
    let rows = pilot.run(&["audit", "list", "--server", "good", "-o", "json"]).await.json();
    let call = rows.as_array().unwrap().iter().find(|row| row["tool"] == "echo").unwrap();
    assert_eq!((&call["status"], &call["actor"]["door"]), (&json!("done"), &json!("cli")));
    let shown = pilot.run(&["audit", "show", call["id"].as_str().unwrap()]).await;
    assert_eq!(shown.json()["rows"].as_array().unwrap().len(), 2, "intent and outcome");
    let metrics = pilot.run(&["metrics", "good", "--by-tool", "-o", "json"]).await.json();
    let figures = metrics.as_array().unwrap().iter().find(|row| row["tool"] == "echo").unwrap();
    assert_eq!((&figures["server"], &figures["calls"], &figures["window"]), (&json!("good"), &json!(1), &json!("24h")));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_shows_first_brings_no_trust_and_is_used_after_a_yes() {
    let pilot = Pilot::new();
    let echo = built("echo-server").display().to_string();
    let file = pilot.dir.path().join("claude_desktop_config.json");
    let text =
        json!({ "mcpServers": { "brought": { "command": echo, "args": ["stdio"], "env": { "KEY_TOKEN": "canary-plain" } } } }).to_string();
    std::fs::write(&file, text).unwrap();
    let file = file.display().to_string();
    let look = pilot.run(&["servers", "import", &file, "--dry-run", "-o", "json"]).await;
    assert_eq!((look.code, &look.json()["format"]), (0, &json!("claude_desktop")), "{look:?}");
    assert_eq!(look.json()["programs"][0]["argv"], json!([echo, "stdio"]));
    assert!(!look.out.contains("canary") && !look.err.contains("canary"), "{look:?}");
    let names = |ran: &Ran| ran.json().as_array().unwrap().iter().map(|server| server["name"].clone()).collect::<Vec<_>>();
    assert!(!names(&pilot.run(&["servers", "list", "-o", "json"]).await).contains(&json!("brought")), "looking changes nothing");
    let done = pilot.run(&["servers", "import", &file, "-o", "json"]).await;
    assert_eq!((done.code, &done.json()["applied"]["added"]), (0, &json!(["brought"])), "{done:?}");
    let call = ["call", "brought", "echo", "--arg", "message=x", "-o", "json"];
    let early = pilot.run(&call).await;
    assert_eq!((early.code, &early.fault()["code"]), (6, &json!("consent_required")), "{early:?}");
    assert_eq!(pilot.run(&["servers", "accept", "brought"]).await.code, 6, "nobody can be asked here");
    let accepted = pilot.run(&["servers", "accept", "brought", "--yes"]).await;
    assert!(accepted.code == 0 && accepted.err.contains(&echo), "the exact command line was shown: {accepted:?}");
    assert_eq!(pilot.run(&call).await.code, 0);
    let again = pilot.run(&["servers", "import", &file, "-o", "json"]).await;
    assert_eq!((&again.json()["unchanged"], &again.json()["applied"]["changed"]), (&json!(["brought"]), &json!([])));
    assert_eq!(pilot.run(&call).await.code, 0, "an import that changes nothing takes no trust away");
    let exported = pilot.run(&["servers", "export", "brought", "--form", "mcp-servers"]).await;
    let map: Json = serde_json::from_str(&exported.out).unwrap();
    assert_eq!(map["mcpServers"]["brought"]["env"]["KEY_TOKEN"], "${BROUGHT_KEY_TOKEN}");
    let broken = pilot.dir.path().join("broken.json");
    std::fs::write(&broken, "{\n  \"mcpServers\": {\n}").unwrap();
    let refused = pilot.run(&["servers", "import", &broken.display().to_string(), "-o", "json"]).await;
    assert_eq!((refused.code, &refused.fault()["code"]), (3, &json!("import_broken")));
    assert!(refused.err.contains("line 3"), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn templates_are_listed_by_id_and_made_by_id() {
    let pilot = Pilot::new();
    let list = pilot.run(&["servers", "templates", "-o", "json"]).await.json();
    let ids: Vec<_> = list.as_array().unwrap().iter().map(|template| template["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["k8s-websocket", "k8s-http", "k8s-sse", "ssh-jumpserver", "ssh-http", "stream-http", "subprocess", "filesystem"]);
    let folder = pilot.dir.path().join("files");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("a.txt"), "from the folder").unwrap();
    let input = format!("roots={}", folder.display());
    let made = pilot.run(&["servers", "add", "mine", "--template", "filesystem", "--input", &input]).await;
    assert_eq!(made.code, 0, "{made:?}");
    let read = pilot.run(&["call", "mine", "fs-read-file", "--arg", "path=a.txt"]).await;
    assert!(read.code == 0 && read.out.contains("from the folder"), "{read:?}");
    let blank = pilot.run(&["servers", "add", "prog", "--template", "subprocess", "-o", "json"]).await;
    assert_eq!((blank.code, &blank.fault()["code"]), (3, &json!("template_blank")));
    assert_eq!(pilot.run(&["servers", "templates", "save", "mine", "My files"]).await.code, 0);
    let shown = pilot.run(&["servers", "templates", "show", "my-files", "-o", "json"]).await;
    assert_eq!(shown.json()["protocol"], "local");
    assert_eq!(pilot.run(&["servers", "templates", "remove", "my-files"]).await.code, 0);
    assert_eq!(pilot.run(&["servers", "templates", "remove", "filesystem"]).await.code, 2, "built-in ones stay");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_on_the_command_line_is_a_reference_and_is_seen_nowhere() {
    let pilot = Pilot::new().with("PILOT_TEST_TOKEN", "canary-secret-value");
    let http = echo().await;
    let url = http.url();
    let header = "Authorization: Bearer ${PILOT_TEST_TOKEN}";
    let ran = pilot.run(&["call", "--url", &url, "--header", header, "echo", "--arg", "message=canary-secret-value", "-o", "json"]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let arrived =
        |seen: &testkit::web::SeenRequest| seen.headers.get("authorization").is_some_and(|value| value == "Bearer canary-secret-value");
    assert!(http.seen.all().iter().any(arrived), "the server got the value");
    let add = pilot.run(&["servers", "add", "s", "--url", &url, "--header", header, "-o", "json"]).await;
    assert_eq!(add.json()["settings"]["auth_headers"]["Authorization"], "Bearer ${PILOT_TEST_TOKEN}", "{add:?}");
    for entry in walk(&pilot.dir.path().join("config")) {
        let bytes = std::fs::read(&entry).unwrap();
        let found = bytes.windows(19).any(|window| window == b"canary-secret-value");
        assert!(!found, "the secret is in {}", entry.display());
    }
}

fn walk(dir: &std::path::Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(walk(&path)) } else { found.push(path) }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn resources_prompts_and_completions_are_there_too() {
    let pilot = Pilot::new();
    let http = echo().await;
    let url = http.url();
    let resources = pilot.run(&["resources", "--url", &url, "-o", "json"]).await;
    assert_eq!(resources.json()[0]["uri"], "echo://motto", "{resources:?}");
    let templates = pilot.run(&["resources", "--url", &url, "--templates", "-o", "json"]).await;
    assert_eq!(templates.json()[0]["uriTemplate"], "echo://say/{word}");
    let read = pilot.run(&["read", "--url", &url, "echo://motto", "-o", "json"]).await;
    assert!(read.json()[0]["text"].is_string(), "{read:?}");
    let prompts = pilot.run(&["prompts", "--url", &url, "-o", "json"]).await;
    assert_eq!(prompts.json()[0]["name"], "greet");
    let filled = pilot.run(&["prompts", "--url", &url, "greet", "--arg", "who=Ann"]).await;
    assert!(filled.out.contains("Greet Ann"), "{filled:?}");
    let values = pilot.run(&["complete", "--url", &url, "--prompt", "greet", "who", "A", "-o", "json"]).await;
    assert_eq!(values.code, 0, "{values:?}");
    assert!(values.json().is_array());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_says_where_the_way_ends() {
    let pilot = Pilot::new();
    let step = |ran: &Ran, name: &str| ran.json().as_array().unwrap().iter().find(|finding| finding["step"] == name).cloned();
    let http = echo().await;
    let url = http.url();
    let well = pilot.run(&["doctor", "--url", &url, "-o", "json"]).await;
    assert_eq!(well.code, 0, "{well:?}");
    for name in ["config_dir", "database", "disk", "settings", "dns", "tcp", "connect", "era", "tools"] {
        assert_eq!(step(&well, name).unwrap_or_else(|| panic!("{name}: {well:?}"))["outcome"], "well", "{name}: {well:?}");
    }
    let web = Web::start(axum::Router::new()).await;
    let nobody = web.url("/mcp");
    web.stop().await;
    let closed = pilot.run(&["doctor", "--url", &nobody, "-o", "json"]).await;
    assert_eq!((closed.code, &step(&closed, "tcp").unwrap()["outcome"]), (4, &json!("ill")), "{closed:?}");
    let unnamed = pilot.run(&["doctor", "--url", "http://no-such-host.invalid/mcp", "-o", "json"]).await;
    assert_eq!((unnamed.code, &step(&unnamed, "dns").unwrap()["outcome"]), (4, &json!("ill")), "{unnamed:?}");
    let missing = pilot.run(&["doctor", "--stdio", "/nonexistent/program", "-o", "json"]).await;
    assert_eq!((missing.code, &step(&missing, "path").unwrap()["outcome"]), (3, &json!("ill")), "{missing:?}");
    let chinese = pilot.run(&["doctor", "--url", &nobody, "--lang", "zh"]).await;
    assert!(chinese.out.contains("无法连接端口"), "{chinese:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_goes_away_is_no_failure() {
    let pilot = Pilot::new();
    let http = EchoHttp::start(Echo::shaped(Eras::Both, 500, 0), HttpKind::Plain).await;
    let mut child = pilot.command(&["tools", "--url", &http.url(), "-o", "jsonl"]).spawn().unwrap();
    drop(child.stdout.take());
    let ran = tokio::task::spawn_blocking(move || Ran::of(&child.wait_with_output().unwrap())).await.unwrap();
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{ran:?}");
}

#[test]
fn a_database_that_cannot_be_read_is_told_and_a_key_that_cannot_be_read_ends_it() {
    let pilot = Pilot::new();
    assert_eq!(pilot.run_blocking(&["servers", "list"]).code, 0);
    let store = pilot.dir.path().join("config/store");
    for entry in walk(&store).into_iter().filter(|entry| entry.to_string_lossy().contains(".db")) {
        std::fs::write(&entry, vec![0x5a; 8192]).unwrap();
    }
    let told = pilot.run_blocking(&["servers", "list", "-o", "json"]);
    assert!(told.code == 0 && told.err.contains("could not be read") && told.json().is_array(), "{told:?}");
    std::fs::write(store.join("audit.key"), "short").unwrap();
    let ran = pilot.run_blocking(&["call", "--stdio", &echo_program(), "echo", "--arg", "message=x", "-o", "json"]);
    assert_eq!((ran.code, &ran.fault()["kind"]), (9, &json!("storage")), "{ran:?}");
}
