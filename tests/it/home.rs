//! A person's folder, and `pilot` as they run it there: no keyring, no terminal, nothing of the machine's own.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use domain::secret::{NoSecrets, Secret};
use domain::vault::{Vault as _, VaultKind};
use secrets::{Cost, NoKeyring, SealedVault, VaultParts};
use serde_json::Value as Json;
use testkit::memory::StillClock;

use crate::cli_contract::built;

/// One person's folder and what they run in it.
pub struct Home {
    pub dir: tempfile::TempDir,
}

pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Ran {
    pub fn json(&self) -> Json {
        serde_json::from_str(&self.out).unwrap_or_else(|fault| panic!("{fault}: {} {} {}", self.code, self.out, self.err))
    }

    pub fn ok(self) -> Self {
        assert_eq!(self.code, 0, "{} {}", self.out, self.err);
        self
    }
}

impl Home {
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub fn config(&self) -> PathBuf {
        self.dir.path().join("config")
    }

    pub fn file(&self, name: &str, text: &str) -> String {
        let path = self.dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(built("pilot"));
        let path = std::env::var_os("PATH").unwrap_or_default();
        command.env_clear().env("PATH", path).env("HOME", self.dir.path()).env("LANG", "C.UTF-8").env("PILOTHOUSE_KEYRING_SERVICE", "");
        command.arg("--config-dir").arg(self.config()).args(words).args(["-o", "json"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// A vault under a passphrase that costs hardly any time.
    pub fn cheap_vault(&self, passphrase: &str) {
        cheap_vault(&self.config(), passphrase);
    }

    pub async fn run(&self, words: &[&str]) -> Ran {
        self.fed(words, "").await
    }

    pub async fn fed(&self, words: &[&str], input: &str) -> Ran {
        let mut command = self.command(words);
        let input = input.to_owned();
        let done = move || -> Output {
            let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
            // Who needs no input may be gone already.
            let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
            child.wait_with_output().unwrap()
        };
        let output = tokio::task::spawn_blocking(done).await.unwrap();
        Ran {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// A vault under a passphrase that costs hardly any time, as a person would make one that costs half a second at each start.
pub fn cheap_vault(config: &Path, passphrase: &str) {
    std::fs::create_dir_all(config.join("store")).unwrap();
    let make = async {
        let clock = StillClock::at(1_700_000_000_000);
        let store = Arc::new(store::Store::open(&config.join("store"), clock.clone()).await.unwrap());
        let vault = SealedVault::over(VaultParts {
            rows: store.clone(),
            clock,
            redact: Arc::new(NoSecrets),
            keyring: Box::new(NoKeyring),
            cost: Cost::CHEAP,
            kit_work: None,
            wanted: None,
            passphrase: None,
        })
        .await
        .unwrap();
        vault.settle(VaultKind::Passphrase, Some(Secret::new(passphrase))).await.unwrap();
        store.close().await.unwrap();
    };
    // On a thread of its own, so that tests with a runtime and tests without one can have it.
    let alone = || tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap().block_on(make);
    std::thread::scope(|scope| scope.spawn(alone).join().unwrap());
}

/// Every file below a folder.
pub fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

/// The files below a folder in which that stands, letter by letter.
pub fn holding(dir: &Path, needle: &str) -> Vec<PathBuf> {
    let finder = memchr::memmem::Finder::new(needle);
    files(dir).into_iter().filter(|path| finder.find(&std::fs::read(path).unwrap()).is_some()).collect()
}

/// Copies a folder with all that is in it.
pub fn copied(from: &Path, to: &Path) {
    for file in files(from) {
        let target = to.join(file.strip_prefix(from).unwrap());
        std::fs::create_dir_all(target.parent().unwrap()).unwrap();
        std::fs::copy(file, target).unwrap();
    }
}
