//! Programs that misbehave, under guard: cases C-01 to C-04 and C-17 to C-24 over `subprocess`.
//!
//! Every test ends with the same question: is any process left?

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::sync::{Arc, OnceLock};

use domain::fault::ServerFault;
use domain::protocol::{CallIo, CallReq, Protocol, Session, SessionEvent};
use domain::tool::ToolResult;
use domain::{Json, JsonMap};
use serde_json::json;
use testkit::contract::{PATIENCE, until};
use testkit::stage::{Stage, ticket};
use tokio::time::timeout;

const GUARDED: &str = env!("CARGO_BIN_EXE_guarded");
const MISBEHAVE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/programs/misbehave.py");

fn subprocess() -> Arc<dyn Protocol> {
    let local = Arc::new(toolbox::Toolbox::new(toolbox::Places::default()));
    protocols::registry(local).into_iter().find(|protocol| protocol.info().aliases.contains(&"stdio".to_owned())).unwrap()
}

fn stage() -> Stage {
    Stage::new(&[GUARDED.to_owned(), protocols::guard::WORD.to_owned()])
}

/// Python itself: what is first in PATH may be a script that sets variables of its own.
fn python() -> &'static str {
    static PYTHON: OnceLock<String> = OnceLock::new();
    PYTHON.get_or_init(|| {
        #[expect(clippy::disallowed_methods, reason = "asked once, outside any session")]
        let output = std::process::Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    })
}

fn settings(more: Json) -> JsonMap {
    let Json::Object(mut settings) = json!({ "command": python(), "args": [MISBEHAVE], "era": "legacy" }) else { unreachable!() };
    let Json::Object(more) = more else { panic!("settings are an object") };
    settings.extend(more);
    settings
}

/// A live misbehaving server.
struct Play {
    stage: Stage,
    session: Arc<dyn Session>,
    pid: u32,
    guard: u32,
}

impl Play {
    async fn with(more: Json) -> Self {
        let stage = stage();
        let session = timeout(PATIENCE, subprocess().connect(stage.cx("play"), settings(more))).await.expect("connecting hangs").unwrap();
        let pid = session.facts().pid.unwrap();
        let guard = parent(pid).expect("it runs");
        Self { stage, session, pid, guard }
    }

    async fn start() -> Self {
        Self::with(json!({})).await
    }

    async fn call(&self, tool: &str, args: Json, io: CallIo) -> Result<ToolResult, ServerFault> {
        let Json::Object(args) = args else { panic!("arguments are an object") };
        let ticket = ticket(tool).await;
        timeout(PATIENCE, self.session.call(&ticket, CallReq { tool: tool.into(), args }, io))
            .await
            .unwrap_or_else(|_| panic!("{tool} hangs"))
    }

    async fn text(&self, tool: &str, args: Json) -> String {
        self.call(tool, args, CallIo::quiet()).await.unwrap().text()
    }

    async fn fault(&self, tool: &str, args: Json) -> ServerFault {
        self.call(tool, args, CallIo::quiet()).await.expect_err("the call must fail")
    }

    async fn brood(&self, how: &str) -> u32 {
        let pids: Vec<u32> = serde_json::from_str(&self.text("brood", json!({ "how": how })).await).unwrap();
        assert!(alive(pids[0]), "the {how} runs");
        pids[0]
    }

    /// Waits for the end that the session itself reports.
    async fn ended(&self) -> ServerFault {
        let found = || {
            let events = self.stage.host.events.lock().unwrap();
            events.iter().find_map(|event| match event {
                SessionEvent::Ended(fault) => Some(fault.clone()),
                _ => None,
            })
        };
        until("the session ends", async || found().is_some()).await;
        found().unwrap()
    }

    /// Closes, and sees that nothing is left: no process of these, no guard, no task.
    async fn close(self, more: &[u32]) {
        timeout(PATIENCE, self.session.close()).await.expect("closing hangs");
        for &pid in more.iter().chain([&self.pid]) {
            assert!(
                !alive(pid),
                "process {pid} is left after close: {}",
                std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default()
            );
        }
        drop(self.session);
        self.stage.tasks.close();
        timeout(PATIENCE, self.stage.tasks.wait()).await.expect("a task is left");
        assert!(!alive(self.guard), "its guard is left");
    }
}

/// Whether a process exists and has not ended.
fn alive(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| {
        let state = stat.rsplit(')').next().unwrap().trim_start().chars().next();
        !matches!(state, Some('Z' | 'X'))
    })
}

fn parent(pid: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit(')').next()?.split_ascii_whitespace().nth(1)?.parse().ok()
}

#[tokio::test]
async fn a_program_is_started_asked_and_ended() {
    let play = Play::start().await;
    assert_eq!(play.session.facts().name, "misbehave");
    assert_eq!(play.session.tools().await.unwrap().tools[0].name.as_str(), "echo");
    assert_eq!(play.text("echo", json!({ "text": "雪 and snow" })).await, "雪 and snow");
    assert_eq!(play.session.health().await, Ok(()));
    play.close(&[]).await;
}

#[tokio::test]
async fn c02_c04_a_line_too_long_or_broken_fails_its_call_and_the_next_one_is_fine() {
    let play = Play::start().await;
    assert_eq!(play.fault("long", json!({ "mib": 17 })).await, ServerFault::MessageTooLarge { limit: 16 << 20 });
    let broken = "{\"jsonrpc\":\"2.0\",\"id\":@ID@,\"result\":{\"content\":[],\"x\":\"\u{ff}\"}}\n";
    assert!(matches!(play.fault("raw", json!({ "text": broken })).await, ServerFault::InvalidUtf8 { .. }));
    let half = "{\"jsonrpc\":\"2.0\",\"id\":@ID@,\"result\":{\"content\":[}}\n";
    assert!(matches!(play.fault("raw", json!({ "text": half })).await, ServerFault::InvalidJson { .. }));
    assert_eq!(play.text("long", json!({ "mib": 15 })).await.len(), 15 << 20);
    assert_eq!(play.text("echo", json!({ "text": "fine" })).await, "fine");
    play.close(&[]).await;
}

#[tokio::test]
async fn c03_noise_between_messages_is_counted_and_told_once_it_is_too_much() {
    let play = Play::start().await;
    play.stage.host.want_frames();
    assert_eq!(play.text("noise", json!({ "lines": 10 })).await, "still here");
    let noise = |play: &Play| play.stage.host.frames.lock().unwrap().iter().filter(|frame| frame.kind == "noise").count();
    assert_eq!(noise(&play), 10);
    assert!(!play.stage.host.saw(|event| matches!(event, SessionEvent::Warning(_))));
    assert_eq!(play.text("noise", json!({ "lines": 1000 })).await, "still here");
    assert!(play.stage.host.saw(|event| matches!(event, SessionEvent::Warning(words) if words.contains("1000"))));
    play.close(&[]).await;
}

#[tokio::test]
async fn c17_what_cannot_be_started_is_a_fault_that_names_it() {
    let keep = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = keep.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        path.display().to_string()
    };
    let (no_interpreter, no_program) = (file("no interpreter", "#!/nothing/here\n"), file("words", "just words\n"));
    for (settings, named, reason) in [
        (json!({ "command": "no-such-program-anywhere" }), "no-such-program-anywhere".to_owned(), "looked in /"),
        (json!({ "command": no_interpreter }), no_interpreter.clone(), "first line"),
        (json!({ "command": no_program }), no_program.clone(), "format"),
        (json!({ "command": keep.path() }), keep.path().display().to_string(), "folder"),
        (json!({ "command": "/bin/sh", "cwd": "/nothing/here" }), "/bin/sh".into(), "/nothing/here"),
        (json!({ "command": "python3 -m mcp_server" }), "python3 -m mcp_server".into(), "go into `args`"),
    ] {
        let Json::Object(settings) = settings else { unreachable!() };
        let stage = stage();
        match subprocess().connect(stage.cx("c17"), settings).await {
            Err(ServerFault::SpawnFailed { program, reason: why }) => {
                assert!(program == named && why.contains(reason), "{named}: {program}: {why}");
            }
            other => panic!("{named} gave {other:?}"),
        }
        stage.tasks.close();
        timeout(PATIENCE, stage.tasks.wait()).await.expect("a task is left");
    }
    let nobody = Stage::new(&["/no/guard".to_owned()]);
    match subprocess().connect(nobody.cx("c17"), settings(json!({}))).await {
        Err(ServerFault::SpawnFailed { program, reason }) => assert!(program == "/no/guard" && reason.contains("guard"), "{reason}"),
        other => panic!("without a guard: {other:?}"),
    }
    let no_guard = Stage::new(&["/bin/echo".to_owned()]);
    assert!(matches!(subprocess().connect(no_guard.cx("c17"), settings(json!({}))).await, Err(ServerFault::SpawnFailed { .. })));
}

#[tokio::test]
async fn c18_a_program_that_ends_at_once_says_why() {
    let stage = stage();
    match subprocess().connect(stage.cx("dead"), settings(json!({ "args": [MISBEHAVE, "dead"] }))).await {
        Err(ServerFault::ServerExited { how, stderr_tail }) => {
            assert_eq!(how, "exit code 7");
            assert_eq!(stderr_tail, "cannot find the database");
        }
        other => panic!("a dead program gave {other:?}"),
    }
}

#[tokio::test]
async fn c18_when_a_program_ends_every_call_that_waits_fails_at_once() {
    for (how, end) in [("0", "exit code 0"), ("1", "exit code 1"), ("segv", "signal 11 SIGSEGV"), ("mid-message", "exit code 0")] {
        let play = Play::start().await;
        let (waiting, exiting) =
            tokio::join!(play.call("hang", json!({}), CallIo::quiet()), play.call("exit", json!({ "how": how }), CallIo::quiet()));
        for fault in [waiting.unwrap_err(), exiting.unwrap_err()] {
            match fault {
                ServerFault::ConnectionLost { reason, lost_result: true } => assert!(reason.contains(end), "{how}: {reason}"),
                ServerFault::ServerExited { how: said, .. } => assert_eq!(said, end, "{how}"),
                other => panic!("{how} gave {other:?}"),
            }
        }
        match play.ended().await {
            ServerFault::ServerExited { how: said, stderr_tail } => {
                assert_eq!(said, end);
                assert_eq!(stderr_tail, "these are my last words");
            }
            other => panic!("{how} ended with {other:?}"),
        }
        assert!(play.session.stderr_tail().unwrap().contains("my last words"));
        assert!(play.call("echo", json!({}), CallIo::quiet()).await.is_err(), "a dead program answers nothing");
        play.close(&[]).await;
    }
    let play = Play::start().await;
    assert_eq!(play.text("exit", json!({ "how": "after-reply" })).await, "bye", "what was said before the end counts");
    assert!(matches!(play.ended().await, ServerFault::ServerExited { how, .. } if how == "exit code 3"));
    play.close(&[]).await;
}

#[tokio::test]
async fn c19_a_program_sees_the_allowed_variables_and_its_own_and_starts_where_it_should() {
    let keep = tempfile::tempdir().unwrap();
    let cwd = keep.path().canonicalize().unwrap();
    let ours = std::env::vars().find(|(name, _)| ["CARGO_MANIFEST_DIR", "PWD", "OLDPWD", "SHLVL"].contains(&name.as_str()));
    let (inherited, value) = ours.expect("a shell or cargo started this test");
    let play = Play::with(json!({ "cwd": cwd, "env": { "MY_TOKEN": "t", "PYTHONUNBUFFERED": "1" }, "inherit_env": [inherited] })).await;
    let env: JsonMap = serde_json::from_str(&play.text("env", json!({})).await).unwrap();
    assert_eq!(env.get(&inherited), Some(&json!(value)), "what was asked for is handed on");
    let allowed = |name: &str| {
        let kept = [
            "PATH",
            "HOME",
            "USER",
            "LOGNAME",
            "SHELL",
            "LANG",
            "LANGUAGE",
            "TZ",
            "TMPDIR",
            "TMP",
            "TEMP",
            "SSL_CERT_FILE",
            "SSL_CERT_DIR",
        ];
        let more = ["NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "MY_TOKEN", "PYTHONUNBUFFERED", inherited.as_str()];
        // Python itself sets this one where there is no locale.
        kept.contains(&name)
            || more.contains(&name)
            || name.starts_with("LC_")
            || name.starts_with("XDG_")
            || name.to_lowercase().ends_with("_proxy")
    };
    let strangers: Vec<_> = env.keys().filter(|name| !allowed(name)).collect();
    assert!(strangers.is_empty(), "these were not to be seen: {strangers:?}");
    assert_eq!(env["MY_TOKEN"], "t");
    assert_eq!(Path::new(&play.text("cwd", json!({})).await), cwd);
    play.close(&[]).await;
}

#[tokio::test]
async fn c20_a_gigabyte_of_stderr_holds_nobody_up_and_the_last_of_it_is_kept() {
    let play = Play::start().await;
    let ticket = ticket("stderr").await;
    let Json::Object(args) = json!({ "bytes": 1 << 30, "lines": true }) else { unreachable!() };
    // A gigabyte takes its time on a busy machine; only a hang would take this long.
    let call = play.session.call(&ticket, CallReq { tool: "stderr".into(), args }, CallIo::quiet());
    assert_eq!(timeout(PATIENCE * 10, call).await.expect("a gigabyte hangs").unwrap().text(), "said");
    play.stage.host.want_frames();
    assert_eq!(play.text("stderr", json!({ "bytes": 16 << 20 })).await, "said", "without a newline, and somebody looks");
    until("the end of stderr is there", async || play.session.stderr_tail().unwrap().ends_with("the end of stderr\n")).await;
    assert!(play.session.stderr_tail().unwrap().len() <= 256 << 10);
    assert!(play.stage.host.frames.lock().unwrap().iter().filter(|frame| frame.kind == "stderr").all(|frame| frame.text.len() <= 64 << 10));
    play.close(&[]).await;
}

#[tokio::test]
async fn c20_a_program_that_no_longer_reads_is_given_up_and_not_waited_for() {
    let play = Play::start().await;
    play.text("deaf", json!({})).await;
    let io = CallIo::quiet();
    let words = "x".repeat(8 << 20);
    let (first, second) = tokio::join!(play.call("echo", json!({ "text": words }), CallIo::quiet()), async {
        let call = play.call("echo", json!({ "text": words }), io.clone());
        let cancel = async {
            tokio::task::yield_now().await;
            io.cancel.cancel();
        };
        tokio::join!(call, cancel).0
    });
    assert_eq!(second.unwrap_err(), ServerFault::Cancelled, "Cancel works while the pipe is full");
    match first.unwrap_err() {
        ServerFault::ConnectionLost { reason, .. } => assert!(reason.contains("has not read its input"), "{reason}"),
        other => panic!("the full pipe gave {other:?}"),
    }
    play.close(&[]).await;
}

#[tokio::test]
async fn c21_whatever_a_program_started_is_gone_after_close() {
    for how in ["child", "quiet child", "setsid", "daemon"] {
        for more in [json!({}), json!({ "args": [MISBEHAVE, "stubborn"] })] {
            let play = Play::with(more.clone()).await;
            let young = play.brood(how).await;
            play.close(&[young]).await;
        }
    }
}

#[tokio::test]
async fn c21_when_a_program_ends_by_itself_its_children_go_with_it() {
    let play = Play::start().await;
    let (child, daemon) = (play.brood("child").await, play.brood("daemon").await);
    assert!(play.call("exit", json!({ "how": "0" }), CallIo::quiet()).await.is_err());
    until("its children are gone", async || !alive(child) && !alive(daemon)).await;
    play.close(&[child, daemon]).await;
}

#[tokio::test]
async fn c21_a_program_that_closes_its_output_and_lives_on_has_ended_for_us() {
    let play = Play::start().await;
    assert!(play.call("close-output", json!({}), CallIo::quiet()).await.is_err());
    match play.ended().await {
        ServerFault::ServerExited { how, .. } => assert!(how.contains("went on running"), "{how}"),
        other => panic!("it ended with {other:?}"),
    }
    play.close(&[]).await;
}

#[tokio::test]
async fn c22_when_the_app_is_killed_no_process_is_left() {
    let servers: Vec<_> = ["x", "x", "stubborn", "stubborn", "stubborn"].map(|word| settings(json!({ "args": [MISBEHAVE, word] }))).into();
    #[expect(clippy::disallowed_methods, reason = "an app that can be killed")]
    let mut app = std::process::Command::new(GUARDED)
        .args(["hold", &json!(servers).to_string()])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(app.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let pids: BTreeSet<u32> = serde_json::from_str(&line).unwrap();
    assert_eq!(pids.len(), 5);
    let guards: BTreeSet<u32> = pids.iter().filter_map(|pid| parent(*pid)).collect();
    assert_eq!(guards.len(), 5, "each has a guard of its own");
    assert!(guards.iter().all(|guard| parent(*guard) == Some(app.id())));
    app.kill().unwrap();
    app.wait().unwrap();
    until("all of them are gone", async || !pids.iter().chain(&guards).any(|pid| alive(*pid))).await;
}

#[tokio::test]
async fn a_reply_that_comes_after_its_call_timed_out_reaches_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let options = assembly::Options {
        config_dir: Some(dir.path().to_owned()),
        person: Some(crate::house::yes(domain::person::Scope::Session)),
        guard: Some([GUARDED.to_owned(), protocols::guard::WORD.to_owned()].into()),
        ..assembly::Options::default()
    };
    let app = assembly::open(options).await.unwrap();
    let Json::Object(def) = json!({ "id": "", "name": "play", "protocol": "subprocess", "settings": settings(json!({})) }) else {
        unreachable!()
    };
    let def = serde_json::from_value(Json::Object(def)).unwrap();
    let server = app.book.save(def, &crate::house::window()).await.unwrap().def.id;
    let order = |tool: &str, args: Json, timeout: Option<u64>| app::CallOrder {
        args: crate::house::map(args),
        timeout: timeout.map(std::time::Duration::from_millis),
        ..crate::house::order(&server, tool, &crate::house::window())
    };
    let fault = app.desk.call(order("late", json!({}), Some(200))).await.unwrap_err();
    assert_eq!((fault.kind, fault.code.as_str()), (domain::fault::FaultKind::Timeout, "timeout"));
    for text in ["one", "two"] {
        let done = app.desk.call(order("echo", json!({ "text": text }), None)).await.unwrap();
        assert_eq!(done.result.text(), text, "the late reply came just before it");
    }
    let lines = app.activity.list(domain::audit::Filter::default()).await.unwrap();
    let calls: Vec<_> = lines.iter().filter(|line| line.tool.is_some()).map(|line| (line.status, line.code.as_deref())).collect();
    assert_eq!(calls, [("done", None), ("done", None), ("fault", Some("timeout"))], "it stays what it was");
    app.shutdown().await;
}

#[tokio::test]
async fn c22_after_a_kill_no_program_is_left_and_the_next_start_shows_the_calls_as_interrupted() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("config");
    let servers: Vec<_> = (0..5).map(|_| json!({ "command": env!("CARGO_BIN_EXE_it-peer"), "args": ["echo", "stdio"] })).collect();
    #[expect(clippy::disallowed_methods, reason = "an app that can be killed")]
    let mut app = std::process::Command::new(GUARDED)
        .args(["app", folder.to_str().unwrap(), "hold", &json!(servers).to_string()])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(app.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let pids: BTreeSet<u32> = serde_json::from_str(&line).unwrap();
    assert_eq!(pids.len(), 5, "every server's program runs");
    let beside = crate::durability::open(&folder).await;
    let calls = async |app: &app::App| {
        let lines = app.activity.list(domain::audit::Filter::default()).await.unwrap();
        lines.into_iter().filter(|line| line.tool.is_some()).map(|line| line.status).collect::<Vec<_>>()
    };
    assert_eq!(calls(&beside).await, ["running"; 5], "a second process leaves alone what the first one still does");
    beside.shutdown().await;
    app.kill().unwrap();
    app.wait().unwrap();
    until("all programs are gone", async || !pids.iter().any(|pid| alive(*pid))).await;
    let next = crate::durability::open(&folder).await;
    assert_eq!(calls(&next).await, ["interrupted"; 5]);
    assert!(next.activity.verify().await.unwrap().ok);
    next.shutdown().await;
}

#[tokio::test]
async fn c22_dropping_a_connect_half_way_leaves_no_process() {
    let stage = stage();
    let protocol = subprocess();
    // `cat` never answers.
    let Json::Object(settings) = json!({ "command": "cat", "era": "legacy" }) else { unreachable!() };
    let mut connecting = Box::pin(protocol.connect(stage.cx("dropped"), settings));
    let mut pid = None;
    let started = async || {
        pid =
            std::fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok()).find(|pid| {
                std::fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|comm| comm == "cat\n")
                    && parent(*pid).and_then(parent) == Some(std::process::id())
            });
        pid.is_some()
    };
    tokio::select! {
        _ = &mut connecting => panic!("cat does not speak MCP"),
        () = until("cat runs", started) => {}
    }
    drop(connecting);
    let pid = pid.unwrap();
    until("cat is gone", async || !alive(pid)).await;
    stage.tasks.close();
    timeout(PATIENCE, stage.tasks.wait()).await.expect("a task is left");
}

#[tokio::test]
async fn c22_when_the_guard_is_killed_the_session_ends_and_the_program_with_it() {
    let play = Play::with(json!({ "args": [MISBEHAVE, "stubborn"] })).await;
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(i32::try_from(play.guard).unwrap()), nix::sys::signal::Signal::SIGKILL).unwrap();
    assert!(matches!(play.ended().await, ServerFault::ServerExited { how, .. } if how.contains("guard")));
    until("the program is gone", async || !alive(play.pid)).await;
    play.close(&[]).await;
}

#[tokio::test]
async fn c23_too_many_processes_end_the_program_and_all_of_them() {
    for (tool, args) in [("forks", json!({ "number": 400 })), ("bomb", json!({}))] {
        let play = Play::with(json!({ "max_processes": 64 })).await;
        // Whether its answer was quicker than the guard does not matter.
        let _ = play.call(tool, args, CallIo::quiet()).await;
        assert_eq!(play.ended().await, ServerFault::ResourceLimit { what: "the number of processes".into(), limit: 64 });
        play.close(&[]).await;
    }
}

#[tokio::test]
async fn c23_memory_address_space_and_files_are_bounded() {
    let play = Play::with(json!({ "max_memory_mb": 200 })).await;
    play.call("allocate", json!({ "mib": 400 }), CallIo::quiet()).await.ok();
    assert_eq!(play.ended().await, ServerFault::ResourceLimit { what: "the memory of the program".into(), limit: 200 << 20 });
    play.close(&[]).await;

    let play = Play::with(json!({ "max_address_space_mb": 512, "max_open_files": 64 })).await;
    assert_eq!(play.text("allocate", json!({ "mib": 1024 })).await, "no memory");
    let files = play.text("files", json!({ "number": 100 })).await;
    assert!(files.ends_with("Too many open files"), "{files}");
    play.close(&[]).await;
}

#[tokio::test]
async fn c24_a_program_that_was_stopped_is_left_in_order_all_the_same() {
    let play = Play::with(json!({ "args": [MISBEHAVE, "stubborn"] })).await;
    let io = CallIo::quiet();
    let (stopped, ()) = tokio::join!(play.call("stop", json!({}), io.clone()), async {
        let state = || std::fs::read_to_string(format!("/proc/{}/stat", play.pid)).is_ok_and(|stat| stat.contains(") T "));
        until("it stands still", async || state()).await;
        io.cancel.cancel();
    });
    assert_eq!(stopped.unwrap_err(), ServerFault::Cancelled);
    play.close(&[]).await;
}

#[tokio::test]
async fn a_desktop_start_finds_what_only_the_login_shell_knows() {
    let keep = tempfile::tempdir().unwrap();
    let place = keep.path().canonicalize().unwrap();
    let executable = |name: &str, text: String| {
        let path = place.join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        path
    };
    std::fs::create_dir(place.join("bin")).unwrap();
    executable("bin/my-server", format!("#!/bin/sh\nexec {} {MISBEHAVE}\n", python()));
    let greeting = "echo Welcome back; echo complaint >&2";
    let shell = executable(
        "my-shell",
        format!("#!/bin/sh\n{greeting}\nPATH={}/bin:$PATH\nexport PATH\nexec /bin/sh \"$3\" \"$4\"\n", place.display()),
    );
    let server = json!({ "command": "my-server", "era": "legacy" }).to_string();
    let path =
        std::env::split_paths(&std::env::var_os("PATH").unwrap()).map(|folder| folder.display().to_string()).collect::<Vec<_>>().join(":");
    #[expect(clippy::disallowed_methods, reason = "an app that a desktop started")]
    let output = std::process::Command::new(GUARDED)
        .args(["once", &server, "env"])
        .env_clear()
        .env("PATH", &path)
        .env("SHELL", &shell)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let env: JsonMap = serde_json::from_slice(&output.stdout).unwrap();
    let seen: Vec<_> = env["PATH"].as_str().unwrap().split(':').collect();
    assert_eq!(seen[0], place.join("bin").to_str().unwrap(), "and the program has that PATH too, before ours");
    assert!(path.split(':').all(|folder| seen.contains(&folder)), "{seen:?}");
}
