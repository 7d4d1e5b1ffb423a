//! A real kube-apiserver with etcd, and the real kubectl, as scripts/testcluster.sh builds them: one for all tests of a process, started when
//! the first one asks. It ends with this process, because it reads from it.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;

use serde::Deserialize;

/// A certificate and its key.
#[derive(Debug, Deserialize)]
pub struct Pair {
    /// The chain, PEM.
    pub cert: String,
    /// The key, PEM.
    pub key: String,
}

/// What the API server says of itself.
#[derive(Debug, Deserialize)]
pub struct TestCluster {
    /// Its URL.
    pub server: String,
    /// The authority that signed its certificate, PEM.
    pub ca: String,
    /// Bearer tokens by user: `admin`, `viewer`.
    pub tokens: BTreeMap<String, String>,
    /// Client certificates by user.
    pub certs: BTreeMap<String, Pair>,
    /// Kubeconfigs by user.
    pub kubeconfigs: BTreeMap<String, PathBuf>,
    #[serde(skip)]
    #[allow(dead_code, reason = "it is held, so that its input stays open")]
    held: Option<(Child, ChildStdin)>,
}

impl TestCluster {
    /// One of its own that believes issuers: an `AuthenticationConfiguration`. It ends when it is dropped.
    pub fn with_authentication(file: &Path) -> Self {
        start(&[std::ffi::OsStr::new("--authentication-config"), file.as_os_str()])
    }

    /// One of its own that keeps everything in that directory: started there again, it is the same cluster at the same address. It ends
    /// when it is dropped.
    pub fn kept_in(dir: &Path) -> Self {
        start(&[std::ffi::OsStr::new("--keep"), dir.as_os_str()])
    }

    /// Ends it and waits until its ports are free.
    pub fn end(mut self) {
        if let Some((mut child, stdin)) = self.held.take() {
            drop(stdin);
            let _ = child.wait();
        }
    }

    /// Chain and key in one text, as the vault keeps them.
    pub fn pem(&self, who: &str) -> String {
        let pair = &self.certs[who];
        format!("{}{}", pair.cert, pair.key)
    }
}

fn dir() -> PathBuf {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../scripts/testcluster.sh");
    let out = Command::new(&script).arg("--where").output().unwrap_or_else(|fault| panic!("{}: {fault}", script.display()));
    let dir = PathBuf::from(String::from_utf8(out.stdout).unwrap().trim());
    assert!(
        dir.join(".complete").exists(),
        "the API server for tests is not built in {}. Run scripts/testcluster.sh (make test does), then try again",
        dir.display()
    );
    dir
}

/// The real kubectl.
pub fn kubectl() -> PathBuf {
    dir().join("kubectl")
}

/// The API server.
pub fn testcluster() -> &'static TestCluster {
    static ONE: OnceLock<TestCluster> = OnceLock::new();
    ONE.get_or_init(|| start(&[]))
}

fn start(args: &[&std::ffi::OsStr]) -> TestCluster {
    let mut child = Command::new(dir().join("testcluster"))
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|fault| panic!("the API server for tests does not start: {fault}"));
    let (stdin, stdout, mut stderr) = (child.stdin.take().unwrap(), child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let said = std::thread::spawn(move || {
        let mut text = String::new();
        let _ = stderr.read_to_string(&mut text);
        text
    });
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line).unwrap();
    assert!(!line.is_empty(), "the API server for tests ended: {}", said.join().unwrap());
    let mut facts: TestCluster = serde_json::from_str(&line).unwrap();
    facts.held = Some((child, stdin));
    facts
}
