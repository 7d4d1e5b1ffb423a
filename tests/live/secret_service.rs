//! The real Secret Service: gnome-keyring on a bus of the test's own, through the states that a person at the terminal meets.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value as Json;

const PASSWORD: &str = "the login password";

pub(crate) fn pilot() -> PathBuf {
    let here = std::env::current_exe().unwrap();
    let found = here.ascendants_with("pilot");
    found.unwrap_or_else(|| panic!("pilot is not built: run `cargo build --workspace --bins` first"))
}

trait Beside {
    fn ascendants_with(&self, name: &str) -> Option<PathBuf>;
}

impl Beside for PathBuf {
    fn ascendants_with(&self, name: &str) -> Option<PathBuf> {
        self.ancestors().skip(1).take(2).map(|dir| dir.join(name)).find(|path| path.is_file())
    }
}

/// A process that ends with the test.
struct Mine(Child);

impl Mine {
    fn end(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Mine {
    fn drop(&mut self) {
        self.end();
    }
}

/// A person's session: a home, a bus of their own, and a keyring or none.
pub(crate) struct Desk {
    dir: tempfile::TempDir,
    bus: Option<Mine>,
    keyring: Option<Mine>,
}

impl Desk {
    pub(crate) fn new() -> Self {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        for part in ["home", "run", "config"] {
            let path = dir.path().join(part);
            std::fs::create_dir(&path).unwrap();
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700)).unwrap();
        }
        Self { dir, bus: None, keyring: None }
    }

    pub(crate) fn path(&self, part: &str) -> PathBuf {
        self.dir.path().join(part)
    }

    pub(crate) fn environment(&self, command: &mut Command) {
        let path = std::env::var_os("PATH").unwrap_or_default();
        command.env_clear().env("PATH", path).env("LANG", "C.UTF-8");
        command.env("HOME", self.path("home")).env("XDG_RUNTIME_DIR", self.path("run"));
        command.env("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}", self.path("bus").display()));
    }

    /// A bus that starts nothing by itself.
    pub(crate) fn start_bus(&mut self) {
        let config = self.path("bus.conf");
        let listen = format!("unix:path={}", self.path("bus").display());
        let text = format!(
            "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\" \
             \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n<busconfig><type>session</type><listen>{listen}</listen>\
             <auth>EXTERNAL</auth><policy context=\"default\"><allow send_destination=\"*\" eavesdrop=\"true\"/>\
             <allow eavesdrop=\"true\"/><allow own=\"*\"/></policy></busconfig>"
        );
        std::fs::write(&config, text).unwrap();
        let mut command = Command::new("dbus-daemon");
        command.arg(format!("--config-file={}", config.display())).args(["--nofork", "--nopidfile", "--print-address=1"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("dbus-daemon: scripts/need.sh test");
        // It prints its address when it listens.
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        self.bus = Some(Mine(child));
    }

    /// gnome-keyring, unlocked with the password or locked.
    pub(crate) fn start_keyring(&mut self, unlocked: bool) {
        let mut command = Command::new("gnome-keyring-daemon");
        self.environment(&mut command);
        command.args(["--foreground", "--components=secrets"]);
        if unlocked {
            command.arg("--unlock");
        }
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().expect("gnome-keyring-daemon: scripts/need.sh test");
        if unlocked {
            child.stdin.take().unwrap().write_all(PASSWORD.as_bytes()).unwrap();
        }
        self.keyring = Some(Mine(child));
        let begun = Instant::now();
        while !self.has_service() {
            assert!(begun.elapsed() < Duration::from_secs(60), "gnome-keyring does not answer on the bus");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn has_service(&self) -> bool {
        let mut command = Command::new("dbus-send");
        self.environment(&mut command);
        command.args(["--session", "--print-reply", "--dest=org.freedesktop.DBus", "/org/freedesktop/DBus"]);
        command.args(["org.freedesktop.DBus.NameHasOwner", "string:org.freedesktop.secrets"]);
        let output = command.output().unwrap();
        String::from_utf8_lossy(&output.stdout).contains("boolean true")
    }

    fn stop_keyring(&mut self) {
        if let Some(mut keyring) = self.keyring.take() {
            keyring.end();
        }
        while self.has_service() {
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(pilot());
        self.environment(&mut command);
        command.env("PILOTHOUSE_KEYRING_SERVICE", "dev.pilothouse.desktop.test");
        command.arg("--config-dir").arg(self.path("config")).args(["-o", "json"]).args(words);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Exit code and what stdout says.
    pub(crate) fn pilot(&self, words: &[&str]) -> (i32, Json) {
        self.fed(words, "")
    }

    fn fed(&self, words: &[&str], input: &str) -> (i32, Json) {
        let mut child = self.command(words).stdin(Stdio::piped()).spawn().unwrap();
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let json = serde_json::from_str(&text)
            .unwrap_or_else(|fault| panic!("{words:?}: {fault}: {text} {}", String::from_utf8_lossy(&output.stderr)));
        (output.status.code().unwrap_or(-1), json)
    }

    fn state(&self) -> String {
        let (code, state) = self.pilot(&["secret", "state"]);
        assert_eq!(code, 0, "{state}");
        state["state"].as_str().unwrap().to_owned()
    }

    fn fails(&self, words: &[&str], fault: &str) {
        let (code, said) = self.fed(words, "some value");
        assert_eq!((code, said["fault"]["code"].as_str()), (5, Some(fault)), "{words:?}: {said}");
    }

    /// Uses a secret: a server whose program has it in its environment.
    fn uses(&self) {
        let (code, said) = self.pilot(&["tools", "peer", "--refresh"]);
        assert_eq!(code, 0, "{said}");
    }
}

/// A program that speaks MCP, given on the command line.
fn peer() -> String {
    let here = std::env::current_exe().unwrap();
    let found = here.ascendants_with("echo-server").expect("echo-server is built with the workspace");
    format!("{} stdio", found.display())
}

/// What one round of `health --watch` says: the state, and the code of the fault.
fn round(lines: &mut BufReader<ChildStdout>) -> (String, Option<String>) {
    let mut line = String::new();
    lines.read_line(&mut line).unwrap();
    let rows: Json = serde_json::from_str(&line).unwrap_or_else(|fault| panic!("{fault}: {line}"));
    (rows[0]["state"].as_str().unwrap().to_owned(), rows[0]["reason"]["code"].as_str().map(str::to_owned))
}

fn wait_for(lines: &mut BufReader<ChildStdout>, wanted: (&str, Option<&str>)) {
    for _ in 0..120 {
        let (state, code) = round(lines);
        if (state.as_str(), code.as_deref()) == wanted {
            return;
        }
    }
    panic!("never {wanted:?}");
}

pub(crate) fn files_without(dir: &Path, canary: &str) {
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        if entry.path().is_dir() {
            files_without(&entry.path(), canary);
        } else {
            let bytes = std::fs::read(entry.path()).unwrap();
            assert!(!bytes.windows(canary.len()).any(|part| part == canary.as_bytes()), "in {}", entry.path().display());
        }
    }
}

#[test]
fn the_keyring_is_met_absent_appearing_locked_unlocked_and_without_our_key() {
    let mut desk = Desk::new();
    let added = desk.pilot(&["servers", "add", "peer", "--stdio", &peer(), "--env", "SOME_TOKEN=${UNSET:-x}"]);
    assert_eq!(added.0, 0, "{}", added.1);

    // No bus, then a bus without a keyring.
    for _ in 0..2 {
        assert_eq!(desk.state(), "absent");
        desk.fails(&["secret", "set", "peer", "env.SOME_TOKEN"], "vault_absent");
        desk.fails(&["secret", "unlock"], "vault_absent");
        if desk.bus.is_none() {
            desk.start_bus();
        }
    }

    // One that is open.
    desk.start_keyring(true);
    let begun = Instant::now();
    let (code, set) = desk.fed(&["secret", "set", "peer", "env.SOME_TOKEN"], "canary-live-51d0");
    assert_eq!((code, set["present"].as_bool()), (0, Some(true)), "{set}");
    assert!(begun.elapsed() < Duration::from_secs(30));
    assert_eq!(desk.state(), "unlocked");
    desk.uses();
    for words in [&["secret", "rotate"][..], &["secret", "rotate", "--deep"]] {
        assert_eq!(desk.pilot(words).0, 0, "{words:?}");
        desk.uses();
    }
    files_without(&desk.path("config"), "canary-live-51d0");
    files_without(&desk.path("home"), "canary-live-51d0");

    // Locked: told at once, asked about only by unlock, and nobody can show the question here.
    desk.stop_keyring();
    desk.start_keyring(false);
    assert_eq!(desk.state(), "locked");
    let begun = Instant::now();
    let (code, said) = desk.pilot(&["call", "peer", "echo", "--arg", "message=hi"]);
    assert_eq!((code, said["fault"]["code"].as_str()), (5, Some("vault_locked")), "{said}");
    assert!(begun.elapsed() < Duration::from_secs(20), "nothing waits for a question");
    desk.fails(&["secret", "unlock"], "vault_locked");
    desk.fails(&["secret", "set", "--name", "another"], "vault_locked");

    // Dead, and there again.
    desk.stop_keyring();
    assert_eq!(desk.state(), "absent");
    desk.fails(&["secret", "unlock"], "vault_absent");
    desk.start_keyring(true);
    desk.uses();

    // The keyring was made anew: our key is not in it, and none is made in its place.
    let kit = desk.path("kit.age").display().to_string();
    let words = desk.path("kitpass");
    std::fs::write(&words, "four words of kit\n").unwrap();
    let words = words.display().to_string();
    assert_eq!(desk.pilot(&["secret", "export-kit", &kit, "--kit-passphrase-file", &words]).0, 0);
    desk.stop_keyring();
    std::fs::remove_dir_all(desk.path("home").join(".local/share/keyrings")).unwrap();
    desk.start_keyring(true);
    assert_eq!(desk.state(), "key_missing");
    desk.fails(&["secret", "unlock"], "vault_key_missing");
    desk.fails(&["secret", "set", "--name", "another"], "vault_key_missing");
    let (code, restored) = desk.pilot(&["secret", "restore-kit", &kit, "--kit-passphrase-file", &words]);
    assert_eq!((code, restored["state"].as_str()), (0, Some("unlocked")), "{restored}");
    desk.uses();
    assert_eq!(desk.pilot(&["secret", "wipe", "--yes"]).0, 0);
    let keyrings = desk.path("home").join(".local/share/keyrings/login.keyring");
    assert!(keyrings.is_file(), "the keyring itself stays");
}

#[test]
fn a_keyring_that_appears_later_is_used_without_a_restart_and_one_that_dies_takes_nothing_along() {
    let mut desk = Desk::new();
    desk.start_bus();
    desk.start_keyring(true);
    assert_eq!(desk.pilot(&["servers", "add", "peer", "--stdio", &peer()]).0, 0);
    assert_eq!(desk.fed(&["secret", "set", "peer", "env.SOME_TOKEN"], "canary-live-77aa").0, 0);
    desk.stop_keyring();

    let mut watch = Mine(desk.command(&["health", "peer", "--watch", "--interval", "1"]).spawn().unwrap());
    let mut lines = BufReader::new(watch.0.stdout.take().unwrap());
    wait_for(&mut lines, ("error", Some("vault_absent")));
    desk.start_keyring(true);
    wait_for(&mut lines, ("connected", None));
    desk.stop_keyring();
    for _ in 0..2 {
        assert_eq!(round(&mut lines), ("connected".to_owned(), None), "its secret was given to it");
    }
    watch.end();
}
