//! A node's kubelet for the real API server, as scripts/kubelet.sh builds it: logs, exec and port-forward. A "container" is a folder; see
//! tests/kubelet/main.go. It ends when this is dropped.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use serde::Deserialize;

/// A kubelet that runs.
#[derive(Debug)]
pub struct Kubelet {
    port: u16,
    dir: PathBuf,
    child: Child,
    _held: Option<ChildStdin>,
}

#[derive(Deserialize)]
struct Facts {
    port: u16,
}

impl Kubelet {
    /// Starts one whose containers are folders there.
    pub fn start(dir: &Path) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../scripts/kubelet.sh");
        let out = Command::new(&script).arg("--where").output().unwrap_or_else(|fault| panic!("{}: {fault}", script.display()));
        let program = PathBuf::from(String::from_utf8(out.stdout).unwrap().trim()).join("kubelet");
        assert!(
            program.exists(),
            "the kubelet for tests is not built: {}. Run scripts/kubelet.sh (make test does), then try again",
            program.display()
        );
        let mut child = Command::new(&program).arg(dir).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take().unwrap());
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let facts: Facts = serde_json::from_str(&line).unwrap_or_else(|fault| panic!("the kubelet for tests ended: {fault}"));
        Self { port: facts.port, dir: dir.to_owned(), child, _held: stdin }
    }

    /// Where it listens, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Makes a container and gives its folder.
    pub fn container(&self, namespace: &str, pod: &str, container: &str) -> PathBuf {
        let dir = self.dir.join(namespace).join(pod).join(container);
        std::fs::create_dir_all(&dir).unwrap();
        dir
    }

    /// A container writes a line.
    pub fn says(&self, namespace: &str, pod: &str, container: &str, at: &str, text: &str) {
        self.append(&self.container(namespace, pod, container).join("log"), &format!("{at} {text}\n"));
    }

    /// The container that ran before wrote a line.
    pub fn said_before(&self, namespace: &str, pod: &str, container: &str, at: &str, text: &str) {
        self.append(&self.container(namespace, pod, container).join("previous"), &format!("{at} {text}\n"));
    }

    fn append(&self, file: &Path, line: &str) {
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(file).unwrap();
        file.write_all(line.as_bytes()).unwrap();
    }

    /// A container writes nothing more.
    pub fn ends(&self, namespace: &str, pod: &str, container: &str) {
        std::fs::write(self.container(namespace, pod, container).join("ended"), "").unwrap();
    }

    /// A pod's port is this port of 127.0.0.1.
    pub fn port_of(&self, namespace: &str, pod: &str, port: u16, behind: u16) {
        let dir = self.dir.join(namespace).join(pod).join("ports");
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::write(dir.join(port.to_string()), behind.to_string()).unwrap();
    }

    /// The node is gone at once, with everything that went through it.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Kubelet {
    fn drop(&mut self) {
        self.kill();
    }
}
