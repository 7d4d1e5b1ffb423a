//! `pilot cluster login` as scripts have it, over https, from a kubeconfig that ran `kubectl oidc-login`.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value as Json, json};
use testkit::issuer::{Authority, Issuer, Registration};

use crate::cli_contract::built;
use crate::home::cheap_vault;

const SECRET: &str = "c4n4ry-cl13nt-secret";

struct Home {
    dir: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        let home = Self { dir: tempfile::tempdir().unwrap() };
        std::fs::write(home.at("pass"), "correct horse battery staple\n").unwrap();
        cheap_vault(&home.at("data"), "correct horse battery staple");
        home
    }

    fn at(&self, name: &str) -> PathBuf {
        self.dir.path().canonicalize().unwrap().join(name)
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(built("pilot"));
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", self.dir.path()).env("LANG", "C.UTF-8").env("PILOTHOUSE_KEYRING_SERVICE", "");
        command.arg("--config-dir").arg(self.at("data")).args(words).args(["-o", "json", "--passphrase-file"]).arg(self.at("pass"));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn run(&self, words: &[&str]) -> (i32, Json, String) {
        let output = self.command(words).output().unwrap();
        let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        (output.status.code().unwrap_or(-1), serde_json::from_str(&out).unwrap_or(Json::Null), err)
    }
}

/// A program that does not outlive its test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A `pilot` that waits for a person, and what it said so far.
struct Waiting {
    child: Ended,
    said: String,
}

impl Waiting {
    /// Reads on until a line with an address comes.
    fn begin(mut command: Command) -> (Self, String, BufReader<std::process::ChildStderr>) {
        let mut child = Ended(command.spawn().unwrap());
        let mut lines = BufReader::new(child.0.stderr.take().unwrap());
        let mut said = String::new();
        loop {
            let mut line = String::new();
            assert!(lines.read_line(&mut line).unwrap() > 0, "it ended: {said}");
            said.push_str(&line);
            if let Some(at) = line.find("https://") {
                return (Self { child, said }, line[at..].trim().to_owned(), lines);
            }
        }
    }

    fn end(mut self, mut lines: BufReader<std::process::ChildStderr>) -> (i32, Json, String) {
        let mut out = String::new();
        self.child.0.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        lines.read_to_string(&mut self.said).unwrap();
        let code = self.child.0.wait().unwrap().code().unwrap_or(-1);
        (code, serde_json::from_str(&out).unwrap_or(Json::Null), self.said)
    }
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn kubeconfig(home: &Home, issuer: &Issuer, authority: &Authority, port: u16) -> String {
    let file = home.at("kubeconfig");
    let text = format!(
        "apiVersion: v1\nkind: Config\nclusters:\n- name: a\n  cluster: {{server: 'https://10.0.0.1:6443'}}\ncontexts:\n- name: sso\n  context: {{cluster: a, user: me}}\nusers:\n- name: me\n  user:\n    exec:\n      apiVersion: client.authentication.k8s.io/v1\n      interactiveMode: IfAvailable\n      command: kubectl\n      args:\n      - oidc-login\n      - get-token\n      - --oidc-issuer-url={}\n      - --oidc-client-id=pilot\n      - --oidc-client-secret={SECRET}\n      - --oidc-extra-scope=email\n      - --listen-address=127.0.0.1:{port}\n      - --certificate-authority-data={}\n",
        issuer.url(),
        STANDARD.encode(authority.pem()),
    );
    std::fs::write(&file, text).unwrap();
    file.display().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kubelogin_kubeconfig_becomes_a_sign_in_of_our_own_that_scripts_can_drive() {
    let (home, authority, port) = (Home::new(), Authority::default(), free_port());
    let known = Registration {
        secret: Some(SECRET.into()),
        redirects: vec![format!("http://localhost:{port}"), "http://localhost:8000".into()],
        ..Registration::default()
    };
    let issuer = Issuer::over_tls(known, &authority).await;
    let file = kubeconfig(&home, &issuer, &authority, port);

    let (code, told, err) = home.run(&["cluster", "import", &file, "--sign-in", "--yes"]);
    assert_eq!((code, told["clusters"][0]["auth"].as_str()), (0, Some("oidc")), "{told} {err}");
    assert!(err.contains(&issuer.url()) && issuer.asked("/.well-known/openid-configuration").is_empty(), "shown, and nobody asked: {err}");

    let (code, fault, _) = home.run(&["cluster", "login", "sso"]);
    assert_eq!((code, fault["fault"]["code"].as_str()), (5, Some("nobody_to_sign_in")), "{fault}");

    let (waiting, page, lines) = Waiting::begin(home.command(&["cluster", "login", "sso", "--no-browser"]));
    let back = issuer.agrees(&page).await;
    assert!(back.starts_with(&format!("http://localhost:{port}?")), "letter by letter: {back}");
    let (code, told, said) = waiting.end(lines);
    assert_eq!(code, 0, "{told} {said}");
    assert_eq!(told["user"], "ann@example.org");
    let mut keys: Vec<_> = told.as_object().unwrap().keys().cloned().collect();
    keys.sort_unstable();
    assert_eq!(keys, ["cluster", "expiresAt", "issuer", "user"]);
    assert!(told["expiresAt"].as_i64().unwrap() > 1_700_000_000_000);
    for secret in issuer.secrets().iter().map(String::as_str).chain([SECRET]) {
        assert!(!said.contains(secret) && !told.to_string().contains(secret), "{secret} in {said}");
    }

    // The person goes away; Ctrl-C ends it in order.
    let (waiting, _, lines) = Waiting::begin(home.command(&["cluster", "login", "sso", "--no-browser"]));
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(waiting.child.0.id().try_into().unwrap()), nix::sys::signal::Signal::SIGINT).unwrap();
    let (code, fault, _) = waiting.end(lines);
    assert_eq!((code, fault["fault"]["code"].as_str()), (8, Some("sign_in_cancelled")), "{fault}");

    let (waiting, page, lines) = Waiting::begin(home.command(&["cluster", "login", "sso", "--device"]));
    assert!(page.ends_with("/activate"), "{page}");
    let mut lines = lines;
    let mut line = String::new();
    lines.read_line(&mut line).unwrap();
    issuer.refuses(line.rsplit(' ').next().unwrap().trim());
    let (code, fault, _) = waiting.end(lines);
    assert_eq!((code, fault["fault"]["code"].as_str()), (5, Some("sign_in_refused")), "{fault}");

    let (code, told, _) = home.run(&["cluster", "logout", "sso"]);
    assert_eq!((code, told), (0, json!({ "cluster": "sso", "issuer": issuer.url(), "revoked": "done" })));
    let url = issuer.url();
    drop(issuer);
    let (code, fault, err) = home.run(&["cluster", "login", "sso", "--no-browser"]);
    assert_eq!((code, fault["fault"]["code"].as_str()), (4, Some("issuer_unreachable")), "{url} {err}");

    let (_, rows, _) = home.run(&["audit", "list"]);
    let told = rows.to_string();
    for what in ["cluster_sign_in_started", "cluster_signed_in", "cluster_sign_in_failed", "cluster_signed_out"] {
        assert!(told.contains(what), "{what} in {told}");
    }
}
