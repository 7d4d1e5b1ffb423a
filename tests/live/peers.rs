//! Where the live peers are, and how they are started and ended. A missing peer fails the test and says what to run.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

/// The repository's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The directory of the installed peers.
pub fn dir() -> &'static Path {
    static DIR: OnceLock<PathBuf> = OnceLock::new();
    DIR.get_or_init(|| {
        let script = root().join("scripts/test-setup.sh");
        let out = Command::new(&script).arg("--where").output().unwrap_or_else(|fault| panic!("{}: {fault}", script.display()));
        let dir = PathBuf::from(String::from_utf8(out.stdout).unwrap().trim());
        assert!(
            dir.join(".complete").exists(),
            "the live peers are not installed in {}. Run scripts/test-setup.sh (make test does), then try again",
            dir.display()
        );
        dir
    })
}

/// A file of the installed peers that must be there.
pub fn installed(path: &str) -> String {
    let file = dir().join(path);
    assert!(file.exists(), "{} is missing. Remove {} and run scripts/test-setup.sh", file.display(), dir().display());
    file.to_str().unwrap().to_owned()
}

/// Node 22.
pub fn node() -> String {
    installed("bin/node")
}

/// A file of an npm package.
pub fn npm(path: &str) -> String {
    installed(&format!("npm/node_modules/{path}"))
}

/// A script beside these tests.
pub fn script(name: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers").join(name);
    assert!(file.exists(), "{} is missing", file.display());
    file.to_str().unwrap().to_owned()
}

/// `PATH` with Node 22 in front, for programs that start `node` themselves.
pub fn path() -> String {
    format!("{}/bin:/usr/local/bin:/usr/bin:/bin", dir().display())
}

/// A port that is free now.
pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A server process in a group of its own, ended with everything that it started.
pub struct Peer {
    child: Child,
    spec: Spec,
    /// Where it listens.
    pub port: u16,
}

/// How a server is started.
#[derive(Clone)]
pub struct Spec {
    command: String,
    args: Vec<String>,
    env: Vec<(String, String)>,
}

impl Spec {
    /// A program and its arguments; `{port}` in them becomes the port.
    pub fn new(command: impl Into<String>, args: &[&str]) -> Self {
        Self { command: command.into(), args: args.iter().map(ToString::to_string).collect(), env: vec![("PATH".into(), path())] }
    }

    /// With a variable; `{port}` in it becomes the port.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    fn spawn(&self, port: u16) -> Child {
        use std::os::unix::process::CommandExt as _;
        let with_port = |text: &String| text.replace("{port}", &port.to_string());
        Command::new(&self.command)
            .args(self.args.iter().map(with_port))
            .envs(self.env.iter().map(|(name, value)| (name, with_port(value))))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap_or_else(|fault| panic!("{} cannot be started: {fault}", self.command))
    }

    /// Starts it on a free port and waits until it listens.
    pub async fn start(self) -> Peer {
        let port = free_port();
        let mut peer = Peer { child: self.spawn(port), spec: self, port };
        peer.wait_until_it_listens().await;
        peer
    }
}

impl Peer {
    async fn wait_until_it_listens(&mut self) {
        drain(self.child.stdout.take());
        let said = drain(self.child.stderr.take());
        let began = std::time::Instant::now();
        while tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await.is_err() {
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("{} {:?} ended with {status}: {}", self.spec.command, self.spec.args, said.lock().unwrap());
            }
            assert!(
                began.elapsed() < Duration::from_secs(90),
                "{} {:?} does not listen on {}: {}",
                self.spec.command,
                self.spec.args,
                self.port,
                said.lock().unwrap()
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// `http://127.0.0.1:PORT` and a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// `ws://127.0.0.1:PORT` and a path.
    pub fn ws_url(&self, path: &str) -> String {
        format!("ws://127.0.0.1:{}{path}", self.port)
    }

    /// Kills it and starts it again on the same port.
    pub async fn restart(&mut self) {
        self.kill();
        self.child = self.spec.spawn(self.port);
        self.wait_until_it_listens().await;
    }

    fn kill(&mut self) {
        let group = nix::unistd::Pid::from_raw(i32::try_from(self.child.id()).unwrap());
        let _ = nix::sys::signal::killpg(group, nix::sys::signal::Signal::SIGKILL);
        let _ = self.child.wait();
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Reads a pipe to its end on a thread, so that the server never blocks on it, and keeps the last 8 KiB.
fn drain(pipe: Option<impl Read + Send + 'static>) -> std::sync::Arc<std::sync::Mutex<String>> {
    let kept = std::sync::Arc::new(std::sync::Mutex::new(String::new()));
    if let Some(mut pipe) = pipe {
        let kept = kept.clone();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(read @ 1..) = pipe.read(&mut buffer) {
                let mut kept = kept.lock().unwrap();
                kept.push_str(&String::from_utf8_lossy(&buffer[..read]));
                let cut = kept.len().saturating_sub(8192);
                let cut = kept.ceil_char_boundary(cut);
                kept.drain(..cut);
            }
        });
    }
    kept
}
