//! Where the programs are that take part, and servers that are started for a measurement.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The repository's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A program of ours, built beside this one.
pub fn program(name: &str) -> PathBuf {
    let path = std::env::current_exe().unwrap().parent().unwrap().join(name);
    assert!(path.exists(), "{} is not built: run `make bench`, which builds it first", path.display());
    path
}

/// The same as text.
pub fn program_text(name: &str) -> String {
    program(name).into_os_string().into_string().unwrap()
}

/// Node 22 and the folder of the npm packages, as `scripts/test-setup.sh` installed them.
pub fn node_and_packages() -> (PathBuf, PathBuf) {
    let script = root().join("scripts/test-setup.sh");
    let out = Command::new(&script).arg("--where").output().unwrap_or_else(|fault| panic!("{}: {fault}", script.display()));
    let dir = PathBuf::from(String::from_utf8(out.stdout).unwrap().trim());
    assert!(dir.join(".complete").exists(), "the TypeScript SDK is not installed in {}: run scripts/test-setup.sh", dir.display());
    (dir.join("bin/node"), dir.join("npm"))
}

/// The echo server over HTTP, ended with this value.
#[derive(Debug)]
pub struct EchoProgram {
    child: Child,
    /// Its endpoint.
    pub url: String,
}

impl EchoProgram {
    /// Starts one that offers ten tools and `extra` more.
    pub fn start(extra: usize) -> Self {
        let mut child = Command::new(program("echo-server"))
            .args(["http", "--era", "legacy", "--until-eof", "--tools", &extra.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut url = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
        Self { child, url: url.trim().to_owned() }
    }
}

impl Drop for EchoProgram {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
