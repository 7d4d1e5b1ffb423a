//! A process that is killed in the middle of what it does to secrets: what is found afterwards is the old state or the new one, never
//! neither, and no secret is lost (K-13).
//!
//! The process is a real `pilot`, and it is really killed: strace sends SIGKILL as it enters the n-th system call of a kind that changes a
//! file. Where tracing is not allowed it is killed after more and more time instead; what must hold afterwards is the same.

use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use testkit::echo::Echo;

use crate::home::{Home, copied, holding};
use crate::vault_call::guarded;

const TOKEN: &str = "canary-killed-0123456789";
const PASSPHRASE: &str = "correct horse battery staple";
/// System calls that change files, and how many of a kind are passed over between two that are died at. A database has dozens of pages.
const CHANGES: [(&str, usize); 6] =
    [("/^f(data)?sync$", 1), ("/^rename", 1), ("/^unlink", 1), ("ftruncate", 1), ("fchmod", 1), ("pwrite64", 6)];

/// A folder that is put back as it was before every try.
struct Scene {
    home: Home,
    saved: tempfile::TempDir,
    kubeconfig: PathBuf,
    original: String,
    key: String,
    pass: String,
}

impl Scene {
    /// A vault, and a kubeconfig with a certificate and a token.
    async fn new() -> Self {
        let home = Home::new();
        let pass = home.file("pass", &format!("{PASSPHRASE}\n"));
        let made = rcgen::generate_simple_self_signed(vec!["ada".to_owned()]).unwrap();
        let key = STANDARD.encode(made.signing_key.serialize_pem());
        let original = format!(
            "# hers\napiVersion: v1\nkind: Config\nclusters:\n- name: a\n  cluster: {{server: 'https://10.0.0.1:6443'}}\n- name: b\n  cluster: \
             {{server: 'https://10.0.0.2:6443'}}\ncontexts:\n- name: tok\n  context: {{cluster: a, user: tok}}\n- name: cert\n  context: {{cluster: b, \
             user: cert}}\nusers:\n- name: tok\n  user:\n    token: {TOKEN}  # the robot's\n- name: cert\n  user:\n    client-certificate-data: {}\n    \
             client-key-data: {key}\n",
            STANDARD.encode(made.cert.pem()),
        );
        let kubeconfig = home.dir.path().join("kube/config");
        std::fs::create_dir(home.dir.path().join("kube")).unwrap();
        std::fs::write(&kubeconfig, &original).unwrap();
        home.cheap_vault(PASSPHRASE);
        Self { home, saved: tempfile::tempdir().unwrap(), kubeconfig, original, key, pass }
    }

    fn file(&self) -> &str {
        self.kubeconfig.to_str().unwrap()
    }

    async fn run(&self, words: &[&str]) -> crate::home::Ran {
        self.home.run(&[words, &["--passphrase-file", &self.pass]].concat()).await
    }

    /// Whether the kubeconfig is the original; else it must be rewritten as a whole.
    fn is_original(&self, at: &str) -> bool {
        let now = std::fs::read_to_string(&self.kubeconfig).unwrap();
        if now == self.original {
            return true;
        }
        assert_eq!(now.matches("kube-credential").count(), 2, "{at}: {now}");
        assert!(now.starts_with("# hers\n") && !now.contains(TOKEN) && !now.contains(&self.key), "{at}: {now}");
        false
    }

    /// That nothing beside the kubeconfig holds a secret.
    fn nothing_beside_it(&self, at: &str) {
        let folder = self.kubeconfig.parent().unwrap();
        let held: Vec<_> =
            [TOKEN, &self.key].iter().flat_map(|secret| holding(folder, secret)).filter(|path| *path != self.kubeconfig).collect();
        assert!(held.is_empty(), "{at}: {held:?}");
    }

    fn save(&self) {
        for part in ["config", "kube"] {
            copied(&self.home.dir.path().join(part), &self.saved.path().join(part));
        }
    }

    fn put_back(&self) {
        for part in ["config", "kube"] {
            let place = self.home.dir.path().join(part);
            std::fs::remove_dir_all(&place).unwrap();
            copied(&self.saved.path().join(part), &place);
        }
    }

    /// Kills that command at every step, and looks at what is left each time.
    async fn killed(&self, words: &[&str], look: impl AsyncFn(&str)) {
        let words: Vec<&str> = words.iter().copied().chain(["--passphrase-file", &self.pass]).collect();
        self.save();
        let mut deaths = 0;
        if may_trace() {
            for (call, step) in CHANGES {
                for nth in (1..).step_by(step) {
                    self.put_back();
                    let inject = format!("inject={call}:signal=KILL:when={nth}");
                    if !killed(&mut traced(&self.home.command(&words), &["-e", &format!("trace={call}"), "-e", &inject])) {
                        break;
                    }
                    deaths += 1;
                    look(&format!("killed at {call} {nth}")).await;
                }
            }
        } else {
            eprintln!("tracing is not allowed here: processes are killed after some time instead of at each step");
            self.put_back();
            let begun = Instant::now();
            assert!(self.home.command(&words).status().unwrap().success());
            let whole = begun.elapsed();
            for part in 1..24 {
                self.put_back();
                let mut child = self.home.command(&words).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
                let after = whole * part / 24;
                tokio::time::sleep(after).await;
                let _ = child.kill();
                deaths += usize::from(died(child.wait().unwrap()));
                look(&format!("killed after {after:?}")).await;
            }
        }
        // A way to kill that never kills would find nothing wrong with anything.
        assert!(deaths > 8, "only {deaths} deaths");
    }
}

/// The same command under strace. Its standard streams are not kept.
fn traced(command: &Command, how: &[&str]) -> Command {
    let mut traced = Command::new("strace");
    traced.args(["-f", "-qq", "-o", "/dev/null"]).args(how).arg(command.get_program()).args(command.get_args());
    traced.env_clear();
    traced.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    traced.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    traced
}

/// Whether it died of the kill. It has ended by itself otherwise, and well.
fn killed(command: &mut Command) -> bool {
    let status = command.status().unwrap();
    assert!(died(status) || status.success(), "{command:?} ended with {status}");
    died(status)
}

fn died(status: ExitStatus) -> bool {
    status.signal() == Some(9) || status.code() == Some(137)
}

fn may_trace() -> bool {
    let mut probe = Command::new("strace");
    probe.args(["-qq", "-o", "/dev/null", "-e", "trace=none", "true"]).stdout(Stdio::null()).stderr(Stdio::null());
    probe.status().is_ok_and(|status| status.success())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_is_killed_leaves_the_kubeconfig_whole_and_the_secrets_found() {
    let scene = Scene::new().await;
    scene
        .killed(&["cluster", "import", scene.file(), "--rewrite", "--yes"], async |at| {
            if scene.is_original(at) {
                scene.run(&["cluster", "import", scene.file(), "--rewrite", "--yes"]).await.ok();
                assert!(!scene.is_original(at), "{at}: it goes on from there");
            }
            assert_eq!(scene.run(&["cluster", "verify", scene.file()]).await.ok().json()["ok"], true, "{at}");
            scene.nothing_beside_it(at);
            scene.run(&["cluster", "restore", scene.file()]).await.ok();
            assert!(scene.is_original(at), "{at}: byte for byte");
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_that_is_killed_can_be_done_again() {
    let scene = Scene::new().await;
    scene.run(&["cluster", "import", scene.file(), "--rewrite", "--yes"]).await.ok();
    scene
        .killed(&["cluster", "restore", scene.file()], async |at| {
            if !scene.is_original(at) {
                scene.run(&["cluster", "restore", scene.file()]).await.ok();
                assert!(scene.is_original(at), "{at}");
            }
            scene.nothing_beside_it(at);
            scene.run(&["cluster", "import", scene.file(), "--rewrite", "--yes"]).await.ok();
            assert!(!scene.is_original(at), "{at}");
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_that_is_killed_leaves_every_secret_openable() {
    let scene = Scene::new().await;
    let new = scene.home.file("new", "another five words of it\n");
    scene.run(&["cluster", "import", scene.file(), "--rewrite", "--yes"]).await.ok();
    scene
        .killed(&["secret", "rotate", "--deep", "--new-passphrase-file", &new], async |at| {
            let mut restored = scene.run(&["cluster", "restore", scene.file()]).await;
            if restored.code != 0 {
                restored = scene.home.run(&["cluster", "restore", scene.file(), "--passphrase-file", &new]).await;
            }
            assert_eq!(restored.code, 0, "{at}: neither passphrase opens it: {}", restored.out);
            assert!(scene.is_original(at), "{at}");
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_that_move_into_the_vault_are_in_one_place_or_the_other_when_that_is_killed() {
    let scene = Scene::new().await;
    // Without the vault's passphrase it stays where it was put.
    let url = guarded("authorization", &format!("Bearer {TOKEN}"), &Echo::new()).await;
    let add = ["servers", "add", "api", "--url", &url, "--set", "auth_type=bearer", "--set", &format!("auth_token={TOKEN}")];
    scene.home.run(&add).await.ok();
    assert!(!holding(&scene.home.config(), TOKEN).is_empty(), "it stands there in plain text");
    scene
        .killed(&["secret", "unlock"], async |at| {
            let called = scene.run(&["call", "api", "echo", "--arg", "message=hi"]).await;
            assert_eq!(called.code, 0, "{at}: {} {}", called.out, called.err);
            let state = scene.run(&["secret", "unlock"]).await.ok().json();
            assert_eq!(state["plain"], serde_json::json!([]), "{at}");
            assert_eq!(holding(&scene.home.config(), TOKEN), Vec::<PathBuf>::new(), "{at}: it is moved, and wiped where it stood");
        })
        .await;
}
