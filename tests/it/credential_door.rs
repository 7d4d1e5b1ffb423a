//! The running app's door, with real processes at both ends: `pilot kube-credential` started by a program that a person knows, by strangers,
//! and by other users. Where the tests run as root, all of it runs as another user: only then does the system hold anybody to its rules.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use crate::cli_contract::built;

const TOKEN: &str = "c4n4ry-d00r-t0ken-8812";
const GUARDED: &str = env!("CARGO_BIN_EXE_guarded");
/// Nobody, to the system.
const NOBODY: u32 = 65_534;
/// Only a test that fails waits so long.
const LONG: Duration = Duration::from_secs(60);

fn root() -> bool {
    std::fs::metadata("/proc/self").unwrap().uid() == 0
}

/// As whom everything here runs.
fn lowered(command: &mut Command) -> &mut Command {
    if root() { command.uid(NOBODY).gid(NOBODY) } else { command }
}

/// One person's folder: their pilot, their kubectl, their data.
struct Home {
    dir: tempfile::TempDir,
    runtime: bool,
}

struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl Ran {
    fn of(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
    }

    fn json(&self) -> Json {
        serde_json::from_str(&self.out).unwrap_or_else(|fault| panic!("{fault}: {} {} {}", self.code, self.out, self.err))
    }

    fn ok(self) -> Json {
        assert_eq!(self.code, 0, "{} {}", self.out, self.err);
        self.json()
    }

    /// A refusal prints nothing where kubectl reads, says why where a person reads, and no secret anywhere.
    fn refused(&self, why: &str) {
        assert_eq!(self.out, "", "{}", self.err);
        assert!(self.code != 0 && self.err.contains(why), "{why}: {} {}", self.code, self.err);
        assert!(!self.err.contains(TOKEN));
    }

    fn token(&self) -> String {
        assert_eq!(self.code, 0, "{}", self.err);
        self.json()["status"]["token"].as_str().unwrap().to_owned()
    }
}

impl Home {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let home = Self { dir, runtime: true };
        for (name, from) in [("pilot", built("pilot")), ("guarded", PathBuf::from(GUARDED))] {
            if std::fs::hard_link(&from, home.at(name)).is_err() {
                std::fs::copy(&from, home.at(name)).unwrap();
            }
        }
        // A program with a path and a file of its own, small enough to be read in no time.
        std::fs::copy(std::fs::canonicalize("/bin/sh").unwrap(), home.at("kubectl")).unwrap();
        std::fs::write(home.at("token"), TOKEN).unwrap();
        for name in ["data", "runtime"] {
            std::fs::create_dir(home.at(name)).unwrap();
        }
        if root() {
            for path in [home.at(""), home.at("data"), home.at("runtime"), home.at("kubectl")] {
                std::os::unix::fs::chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
            }
        }
        home
    }

    fn at(&self, name: &str) -> PathBuf {
        let whole = self.dir.path().canonicalize().unwrap();
        if name.is_empty() { whole } else { whole.join(name) }
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", self.at("")).env("LANG", "C.UTF-8").env("PILOTHOUSE_KEYRING_SERVICE", "").current_dir("/");
        if self.runtime {
            command.env("XDG_RUNTIME_DIR", self.at("runtime"));
        }
        lowered(&mut command);
        command
    }

    /// Another pilot, as a person types it.
    fn pilot(&self, words: &[&str]) -> Ran {
        let mut command = self.command(&self.at("pilot"));
        command.arg("--config-dir").arg(self.at("data")).args(words).args(["-o", "json"]).stdin(Stdio::null());
        Ran::of(command.output().unwrap())
    }

    /// `kubectl`, which calls pilot for its credential.
    fn kubectl(&self, id: &str) -> Child {
        self.calls(&self.at("kubectl"), id)
    }

    fn calls(&self, client: &Path, id: &str) -> Child {
        let server = if id == self.id("dev") { "https://10.0.0.2:6443" } else { "https://10.0.0.1:6443" };
        let info = json!({
            "kind": "ExecCredential", "apiVersion": "client.authentication.k8s.io/v1",
            "spec": { "interactive": false, "cluster": { "server": server } },
        });
        let mut command = self.command(client);
        // Something comes after it: else a shell becomes the program instead of starting it.
        command.args(["-c", "\"$@\"; exit $?", "sh"]).arg(self.at("pilot")).args(["kube-credential", "--id", id]);
        command.arg("--config-dir").arg(self.at("data")).env("KUBERNETES_EXEC_INFO", info.to_string());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    fn id(&self, name: &str) -> String {
        let path = self.at(&format!("id-{name}"));
        std::fs::read_to_string(path).unwrap_or_default()
    }

    /// Opens the app, and notes the clusters' ids the first time.
    fn app(&self) -> Window {
        let window = Window::open(self);
        if self.id("prod").is_empty() {
            for cluster in self.pilot(&["cluster", "list"]).ok().as_array().unwrap() {
                let name = cluster["name"].as_str().unwrap();
                std::fs::write(self.at(&format!("id-{name}")), cluster["id"].as_str().unwrap()).unwrap();
            }
        }
        window
    }

    fn agree(&self, answer: &str) {
        let program = self.at("kubectl");
        self.pilot(&["cluster", "consent", "--program", program.to_str().unwrap(), "--for", answer]).ok();
    }

    /// How often the log has that note, with that text in it.
    fn notes(&self, what: &str, with: &str) -> usize {
        let mut command = self.command(&self.at("pilot"));
        let out = command.arg("--config-dir").arg(self.at("data")).args(["audit", "export"]).output().unwrap();
        let text = String::from_utf8(out.stdout).unwrap();
        assert!(!text.contains(TOKEN));
        text.lines().filter(|line| line.contains(&format!("\"{what}\"")) && line.contains(with)).count()
    }
}

fn done(child: Child) -> Ran {
    Ran::of(child.wait_with_output().unwrap())
}

/// The app behind a window, in a process of its own.
struct Window {
    child: Child,
    orders: Option<ChildStdin>,
    says: Receiver<Json>,
    /// What was said while something else was waited for.
    early: Vec<Json>,
    door: Option<PathBuf>,
}

impl Window {
    fn open(home: &Home) -> Self {
        let mut command = home.command(&home.at("guarded"));
        command.arg("door").arg(home.at("data")).arg(home.at("pilot")).arg(home.at("token"));
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (tell, says) = channel();
        let out = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                let _ = tell.send(serde_json::from_str(&line).unwrap_or(Json::String(line)));
            }
        });
        let orders = child.stdin.take();
        let mut window = Self { child, orders, says, early: Vec::new(), door: None };
        window.door = serde_json::from_value(window.hears("open")).unwrap();
        window
    }

    /// The next thing of that sort that it says.
    fn hears(&mut self, what: &str) -> Json {
        if let Some(at) = self.early.iter().position(|said| said.get(what).is_some()) {
            return self.early.remove(at)[what].take();
        }
        loop {
            let mut said = self.says.recv_timeout(LONG).unwrap_or_else(|_| panic!("it never said {what}"));
            if said.get(what).is_some() {
                return said[what].take();
            }
            self.early.push(said);
        }
    }

    fn does(&mut self, order: &str) {
        writeln!(self.orders.as_ref().unwrap(), "{order}").unwrap();
        assert_eq!(self.hears("did"), order);
    }

    fn door(&self) -> &Path {
        self.door.as_deref().unwrap()
    }

    fn close(mut self) {
        self.orders.take();
        assert!(self.child.wait().unwrap().success());
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn mode(path: &Path) -> u32 {
    std::fs::symlink_metadata(path).unwrap().mode() & 0o777
}

/// Connects and says that; what comes back, to the end.
fn talk(door: &Path, words: &[u8]) -> Vec<u8> {
    let mut stream = UnixStream::connect(door).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    let _ = stream.write_all(words);
    let mut back = Vec::new();
    let _ = stream.read_to_end(&mut back);
    back
}

#[test]
fn a_person_at_the_window_is_asked_and_kubectl_waits_for_the_answer() {
    let home = Home::new();
    let mut app = home.app();
    let kubectl = home.at("kubectl").display().to_string();
    assert_eq!((mode(app.door()), mode(app.door().parent().unwrap())), (0o600, 0o700));
    assert!(app.door().starts_with(home.at("runtime/pilothouse")));
    for (answer, after) in [("once", None), ("quarter", Some("until")), ("always", Some("always"))] {
        let asked = home.kubectl(&home.id("prod"));
        let question = app.hears("question");
        let matter = &question["matter"];
        assert_eq!((matter["kind"].as_str(), matter["program"].as_str()), (Some("credential"), Some(kubectl.as_str())));
        assert_eq!((matter["clusterName"].as_str(), matter["apiServer"].as_str()), (Some("prod"), Some("https://10.0.0.1:6443")));
        assert_eq!(matter["sha256"].as_str().unwrap().len(), 64);
        app.does(answer);
        assert_eq!(done(asked).token(), TOKEN, "{answer}");
        let kept = home.pilot(&["cluster", "consents"]).ok();
        assert_eq!(kept.as_array().unwrap().first().map(|one| one["answer"].as_str().unwrap()), after, "{kept}");
        if let Some(one) = kept.as_array().unwrap().first() {
            assert_eq!((one["program"].as_str(), one["cluster"].as_str()), (Some(kubectl.as_str()), Some("prod")));
            assert!(one["lastUsed"].is_i64() && one["at"].is_i64(), "{one}");
            assert_eq!(done(home.kubectl(&home.id("prod"))).token(), TOKEN, "not asked again");
            let forgotten = home.pilot(&["cluster", "consent", "--program", &kubectl, "--forget", "--cluster", "prod"]).ok();
            assert_eq!(forgotten["forgotten"], 1);
        }
    }
    let again = home.pilot(&["cluster", "consent", "--program", &kubectl, "--forget"]);
    assert_eq!((again.code, again.json()["fault"]["code"].as_str()), (3, Some("no_such_consent")));
    let asked = home.kubectl(&home.id("prod"));
    app.hears("question");
    app.does("deny");
    done(asked).refused("denied");
    done(home.kubectl(&home.id("prod"))).refused("denied");
    assert_eq!(home.notes("consent_given", "\"window\""), 4);
    assert_eq!((home.notes("credential_issued", &kubectl), home.notes("consent_withdrawn", &kubectl)), (5, 2));
    app.close();
}

#[test]
fn a_vault_that_is_open_in_the_app_serves_kubectl_which_could_not_open_it_itself() {
    let home = Home::new();
    let app = home.app();
    home.agree("always");
    assert_eq!(done(home.kubectl(&home.id("prod"))).token(), TOKEN);
    let door = app.door().to_owned();
    app.close();
    assert!(!door.exists(), "a door that is closed leaves nothing behind");
    let alone = done(home.kubectl(&home.id("prod")));
    alone.refused("vault");
    assert!(alone.err.contains("locked"), "{}", alone.err);
    // And again with the app.
    let mut app = home.app();
    assert_eq!(done(home.kubectl(&home.id("prod"))).token(), TOKEN);
    app.does("lock vault");
    done(home.kubectl(&home.id("prod"))).refused("locked");
    app.close();
}

#[test]
fn b14_a_process_of_another_user_gets_not_a_byte() {
    if !root() {
        // Without a second user there is nobody to come in as; the rule itself is tested beside it.
        return;
    }
    let home = Home::new();
    let app = home.app();
    home.agree("always");
    // The superuser passes every door of the file system, and is another user all the same.
    assert_eq!(talk(app.door(), b"{\"id\":\"x\",\"info\":null}\n"), b"", "nothing is said to them");
    // And one more, for whom the way was opened by mistake.
    for path in [home.at(""), home.at("runtime"), app.door().parent().unwrap().to_owned()] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    std::fs::set_permissions(app.door(), std::fs::Permissions::from_mode(0o666)).unwrap();
    let script = format!(
        "import socket\ns = socket.socket(socket.AF_UNIX)\ns.connect({:?})\ns.settimeout(60)\ntry:\n    s.sendall(b'{{}}\\n')\n    print('got', s.recv(100))\nexcept (BrokenPipeError, ConnectionResetError):\n    print('got', b'')\n",
        app.door().to_str().unwrap()
    );
    let mut python = Command::new("python3");
    let out = Ran::of(python.args(["-c", &script]).uid(65_533).gid(65_533).output().unwrap());
    assert_eq!((out.code, out.out.trim()), (0, "got b''"), "{}", out.err);
    // Their own pilot does not come in either, with the same configuration named.
    let mut stranger = Command::new(home.at("pilot"));
    stranger.env_clear().env("HOME", "/nonexistent").env("XDG_RUNTIME_DIR", home.at("runtime")).uid(65_533).gid(65_533);
    stranger.args(["kube-credential", "--id", &home.id("prod"), "--config-dir"]).arg(home.at("data"));
    let out = Ran::of(stranger.stdin(Stdio::null()).output().unwrap());
    assert!(out.code != 0 && out.out.is_empty(), "{} {}", out.out, out.err);
    app.close();
}

#[test]
fn a_program_that_is_not_our_pilot_is_refused_and_written_down_once() {
    let home = Home::new();
    let app = home.app();
    home.agree("always");
    let request = json!({ "id": home.id("prod"), "info": null });
    let script = format!(
        "import socket\nfor i in range(5):\n    s = socket.socket(socket.AF_UNIX)\n    s.connect({:?})\n    s.settimeout(60)\n    try:\n        s.sendall({:?}.encode() + b'\\n')\n    except OSError:\n        pass\n    print(s.recv(65536).decode())\n",
        app.door().to_str().unwrap(),
        request.to_string()
    );
    // Even when the program that started it is one that may.
    let mut kubectl = home.command(&home.at("kubectl"));
    let out = Ran::of(kubectl.args(["-c", "python3 -c \"$1\"; exit $?", "sh", &script]).output().unwrap());
    assert_eq!(out.out.matches("not_pilot").count(), 5, "{} {}", out.out, out.err);
    assert!(!out.out.contains(TOKEN) && !out.out.contains("pilothouse 1"), "no hello for a stranger: {}", out.out);
    assert_eq!(home.notes("credential_refused", "not_pilot"), 1, "once a minute is enough");
    // A pilot that is another file is no stranger's business: it does what it can by itself, by the same rules.
    std::fs::copy(home.at("pilot"), home.at("other-pilot")).unwrap();
    let mut other = home.command(&home.at("kubectl"));
    let info =
        r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","spec":{"cluster":{"server":"https://10.0.0.1:6443"}}}"#;
    other.args(["-c", "\"$@\"; exit $?", "sh"]).arg(home.at("other-pilot")).args(["kube-credential", "--id", &home.id("prod")]);
    other.arg("--config-dir").arg(home.at("data")).env("KUBERNETES_EXEC_INFO", info).stdin(Stdio::null());
    Ran::of(other.output().unwrap()).refused("locked");
    app.close();
}

/// A pilot that says something else than a pilot would. Our own program file cannot be made to: what comes after the hello is held by
/// whoever holds the connection, so the program that is let in for this test is python.
struct Babble {
    home: Home,
    app: Window,
}

impl Babble {
    fn new() -> Self {
        let home = Home::new();
        std::fs::rename(home.at("pilot"), home.at("real-pilot")).unwrap();
        std::fs::copy(std::fs::canonicalize("/usr/bin/python3").unwrap(), home.at("pilot")).unwrap();
        let app = Window::open(&home);
        Self { home, app }
    }

    fn starts(&self, body: &str) -> Child {
        let script = format!(
            "import socket, sys, time\ns = socket.socket(socket.AF_UNIX)\ns.connect({:?})\ns.settimeout(60)\nf = s.makefile('rb')\nassert f.readline() == b'pilothouse 1\\n'\n{body}\n",
            self.app.door().to_str().unwrap()
        );
        let mut command = self.home.command(&self.home.at("pilot"));
        command
            .args(["-c", &script])
            .arg(self.app.door())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }
}

#[test]
fn what_is_no_request_ends_typed_and_frees_its_place() {
    let babble = Babble::new();
    let good = "s.sendall(b'{\"id\":\"nope\",\"info\":null}\\n')\nprint(f.read().decode())";
    for (body, expected) in [
        ("s.sendall(b'{\"id\":\\n')\nprint(f.read().decode())", "bad_request"),
        ("s.sendall(b'{\"id\":\"a\",\"info\":null,\"caller\":\"/usr/bin/kubectl\"}\\n')\nprint(f.read().decode())", "bad_request"),
        ("s.sendall(b'\\xff\\xfe\\n')\nprint(f.read().decode())", "bad_request"),
        // Half a request, and then silence.
        ("s.sendall(b'{\"id\":\"a\"')\nprint(f.read().decode())", "bad_request"),
        // More than any request is.
        (
            "try:\n    s.sendall(b'x' * 2000000)\nexcept OSError:\n    pass\ntry:\n    print(f.read().decode())\nexcept OSError:\n    print('bad_request')",
            "bad_request",
        ),
        (good, "no_such_cluster"),
    ] {
        let out = done(babble.starts(body));
        assert!(out.code == 0 && out.out.contains(expected), "{body}: {} {}", out.out, out.err);
    }
    // Sixty-four that say nothing take every place; the next one is sent away at once, and none of them for ever.
    let silent = "conns = []\nfor i in range(64):\n    c = socket.socket(socket.AF_UNIX)\n    c.connect(sys.argv[1])\n    conns.append(c)\n\
                  print('in', flush=True)\nsys.stdin.read()";
    let mut crowd = babble.starts(silent);
    let mut line = String::new();
    BufReader::new(crowd.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "in\n");
    let began = Instant::now();
    loop {
        // Its place is free again, at the latest when they had their time.
        let out = done(babble.starts(good));
        if out.out.contains("no_such_cluster") {
            break;
        }
        assert!(began.elapsed() < LONG, "{} {}", out.out, out.err);
    }
    crowd.kill().unwrap();
    crowd.wait().unwrap();
    babble.app.close();
}

#[test]
fn the_socket_of_a_dead_app_is_replaced_and_a_second_app_leaves_it_alone() {
    let home = Home::new();
    let app = home.app();
    home.agree("always");
    let door = app.door().to_owned();
    app.kill();
    assert!(door.exists(), "kill -9 leaves it behind");
    done(home.kubectl(&home.id("prod"))).refused("locked");
    let app = home.app();
    assert_eq!(app.door(), door);
    assert_eq!(done(home.kubectl(&home.id("prod"))).token(), TOKEN);
    let second = home.app();
    assert_eq!(second.door, None, "there is one door");
    second.close();
    assert!(door.exists());
    assert_eq!(done(home.kubectl(&home.id("prod"))).token(), TOKEN, "the first one still has it");
    app.close();
}

#[test]
fn two_configurations_do_not_meet_and_without_a_runtime_folder_the_door_is_in_the_configuration() {
    let mut home = Home::new();
    home.runtime = false;
    let app = home.app();
    assert!(app.door().starts_with(home.at("data/run")), "{:?}", app.door());
    home.agree("always");
    assert_eq!(done(home.kubectl(&home.id("prod"))).token(), TOKEN);
    // Another configuration, beside it in the same runtime folder: this app is none of its business.
    let mut command = home.command(&home.at("pilot"));
    let info =
        r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","spec":{"cluster":{"server":"https://10.0.0.1:6443"}}}"#;
    command.args(["kube-credential", "--id", &home.id("prod"), "--config-dir"]).arg(home.at("other")).env("KUBERNETES_EXEC_INFO", info);
    Ran::of(command.stdin(Stdio::null()).output().unwrap()).refused("there is no cluster");
    app.close();
}

#[test]
fn locking_in_another_process_closes_the_door_and_takes_the_question_away() {
    let home = Home::new();
    let mut app = home.app();
    let asked = home.kubectl(&home.id("prod"));
    let id = app.hears("question")["id"].clone();
    assert_eq!(home.pilot(&["cluster", "lock"]).ok()["locked"], true);
    done(asked).refused("locked");
    assert_eq!(app.hears("gone"), id);
    home.agree("always");
    done(home.kubectl(&home.id("prod"))).refused("locked");
    home.pilot(&["cluster", "unlock"]).ok();
    assert_eq!(done(home.kubectl(&home.id("prod"))).token(), TOKEN);
    app.does("lock");
    done(home.kubectl(&home.id("prod"))).refused("locked");
    assert_eq!(home.notes("credential_issued", "prod"), 1);
    app.close();
}

#[test]
fn a_caller_that_goes_away_takes_its_question_along_and_holds_nobody_up() {
    let home = Home::new();
    let mut app = home.app();
    let mut gone = home.kubectl(&home.id("prod"));
    let id = app.hears("question")["id"].clone();
    home.pilot(&["cluster", "consent", "--program", home.at("kubectl").to_str().unwrap(), "--for", "always", "--cluster", "dev"]).ok();
    assert_eq!(done(home.kubectl(&home.id("dev"))).token(), TOKEN, "a question is in nobody else's way");
    // Ctrl-C reaches both.
    let pilots = children_of(gone.id());
    assert_eq!(pilots.len(), 1);
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pilots[0]), nix::sys::signal::Signal::SIGINT).unwrap();
    gone.wait().unwrap();
    assert_eq!(app.hears("gone"), id);
    app.close();
}

fn children_of(pid: u32) -> Vec<i32> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
    text.split_ascii_whitespace().map(|pid| pid.parse().unwrap()).collect()
}

#[test]
fn b15_the_thirty_first_request_through_the_door_is_refused() {
    let home = Home::new();
    let app = home.app();
    home.agree("always");
    let began = Instant::now();
    let (mut given, mut refused) = (0, 0);
    for _ in 0..36 {
        let ran = done(home.kubectl(&home.id("prod")));
        if ran.code == 0 {
            given += 1;
        } else {
            ran.refused("times within a minute");
            assert_eq!(ran.code, 6);
            refused += 1;
        }
    }
    if began.elapsed() < Duration::from_secs(60) {
        assert_eq!((given, refused), (30, 6));
        assert_eq!(home.notes("credential_refused", "credential_rate"), 1, "noted once a minute");
    }
    assert_eq!(home.notes("credential_issued", "prod"), given);
    app.close();
}

#[test]
fn k03_no_child_shows_the_secret_and_a_process_that_has_it_shows_nothing() {
    let home = Home::new();
    let mut app = home.app();
    let asked = home.kubectl(&home.id("prod"));
    app.hears("question");
    let mut pids = vec![app.child.id(), asked.id()];
    pids.extend(children_of(asked.id()).into_iter().map(|pid| u32::try_from(pid).unwrap()));
    for pid in &pids {
        for file in ["cmdline", "environ"] {
            let text = std::fs::read(format!("/proc/{pid}/{file}")).unwrap();
            assert!(!text.is_empty(), "{pid} {file}");
            assert!(!contains(&text, TOKEN.as_bytes()), "{pid} {file}");
        }
    }
    // It waits for a credential: nobody of the same user can look into it any more.
    let owner = std::fs::metadata(format!("/proc/{}/environ", pids[2])).unwrap().uid();
    assert_eq!(owner, 0, "it is hardened before it gets anything");
    app.does("once");
    assert_eq!(done(asked).token(), TOKEN);
    app.close();
    let mut held = Vec::new();
    holding(&home.at("data"), &mut held);
    holding(&home.at("runtime"), &mut held);
    assert_eq!(held, [] as [PathBuf; 0]);
}

fn contains(hay: &[u8], needle: &[u8]) -> bool {
    hay.windows(needle.len()).any(|part| part == needle)
}

fn holding(dir: &Path, held: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            holding(&entry.path(), held);
        } else if kind.is_file() && contains(&std::fs::read(entry.path()).unwrap(), TOKEN.as_bytes()) {
            held.push(entry.path());
        }
    }
}
