//! The whole way with the real kubectl, the real API server and the real Secret Service: a kubeconfig is imported and rewritten, kubectl
//! goes on working through `pilot kube-credential`, and nothing else gets a credential.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::Json;
use serde_json::json;

use crate::secret_service::{Desk, files_without, pilot};
use testkit::testcluster::{TestCluster, kubectl, testcluster};

struct Scene {
    desk: Desk,
    test: &'static TestCluster,
    kubectl: PathBuf,
}

impl Scene {
    /// A person's session with an open keyring and a kubectl of their own.
    fn new() -> Self {
        let mut desk = Desk::new();
        desk.start_bus();
        desk.start_keyring(true);
        // A copy, so that it has a path and a file of its own, as `/usr/bin/kubectl` has.
        let own = desk.path("kubectl");
        std::fs::copy(kubectl(), &own).unwrap();
        Self { desk, test: testcluster(), kubectl: own.canonicalize().unwrap() }
    }

    /// A kubeconfig with a certificate user, a token user and an exec user, as a person has it: with remarks, odd order and all.
    fn kubeconfig(&self) -> PathBuf {
        let login = self.desk.path("login");
        let token = &self.test.tokens["viewer"];
        let answer = json!({ "kind": "ExecCredential", "apiVersion": "client.authentication.k8s.io/v1", "status": { "token": token } });
        std::fs::write(&login, format!("#!/bin/sh\nprintf '%s' '{answer}'\n")).unwrap();
        std::fs::set_permissions(&login, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let admin = &self.test.certs["admin"];
        let text = format!(
            "# mine, keep it\napiVersion: v1\nkind: Config\nusers:\n- name: by-certificate\n  user:\n    client-certificate-data: {}\n    \
             client-key-data: {}\n- name: by-token   # from the portal\n  user:\n    token: {token}\n- name: by-program\n  user:\n    exec:\n      \
             apiVersion: client.authentication.k8s.io/v1\n      command: {}\n      interactiveMode: Never\nclusters:\n- name: test\n  cluster:\n    \
             server: {}\n    certificate-authority-data: {}\ncontexts:\n{}current-context: certificate\npreferences: {{}}\n",
            STANDARD.encode(&admin.cert),
            STANDARD.encode(&admin.key),
            login.display(),
            self.test.server,
            STANDARD.encode(&self.test.ca),
            ["certificate", "token", "program"]
                .map(|kind| format!("- name: {kind}\n  context: {{ cluster: test, user: by-{kind} }}\n"))
                .concat(),
        );
        let dir = self.desk.path("home").join(".kube");
        std::fs::create_dir_all(&dir).unwrap();
        let file = dir.join("config");
        std::fs::write(&file, text).unwrap();
        file
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        self.desk.environment(&mut command);
        command.env("PILOTHOUSE_KEYRING_SERVICE", "dev.pilothouse.desktop.test").stdin(Stdio::null());
        command
    }

    fn kubectl(&self, file: &Path, words: &[&str]) -> Output {
        self.command(&self.kubectl).arg("--kubeconfig").arg(file).args(words).output().unwrap()
    }

    fn sees_namespaces(&self, file: &Path, context: &str) {
        let out = self.kubectl(file, &["--context", context, "get", "ns", "-o", "name"]);
        assert!(out.status.success() && said(&out).contains("namespace/kube-system"), "{context}: {}", said(&out));
    }

    fn is_refused(&self, file: &Path, context: &str, why: &str) {
        let out = self.kubectl(file, &["--context", context, "get", "ns"]);
        assert!(!out.status.success() && said(&out).contains(why), "{context}: {}", said(&out));
    }

    fn pilot(&self, words: &[&str]) -> Json {
        let (code, json) = self.desk.pilot(words);
        assert_eq!(code, 0, "{words:?}: {json}");
        json
    }

    fn agree(&self, answer: &str) {
        let program = self.kubectl.display().to_string();
        let kept = self.pilot(&["cluster", "consent", "--program", &program, "--for", answer]);
        assert_eq!(kept["program"], program);
    }

    fn notes(&self, what: &str) -> usize {
        let out = self.desk.command(&["audit", "export"]).output().unwrap();
        said(&out).lines().filter(|line| line.contains(&format!("\"{what}\""))).count()
    }
}

fn said(out: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr))
}

#[tokio::test]
async fn a_user_of_two_clusters_is_taken_apart_and_kubectl_works_for_both() {
    let scene = tokio::task::spawn_blocking(Scene::new).await.unwrap();
    tokio::task::spawn_blocking(move || one_user_of_two_clusters(&scene)).await.unwrap();
}

fn one_user_of_two_clusters(scene: &Scene) {
    let (server, ca, token) = (&scene.test.server, STANDARD.encode(&scene.test.ca), &scene.test.tokens["viewer"]);
    let text = format!(
        "# two ways to one\napiVersion: v1\nkind: Config\nclusters:\n- name: plain\n  cluster:\n    server: {server}\n    \
         certificate-authority-data: {ca}\n- name: named\n  cluster:\n    server: {server}\n    certificate-authority-data: {ca}\n    \
         tls-server-name: kubernetes.default.svc\ncontexts:\n- name: plain\n  context: {{ cluster: plain, user: me }}\n- name: named\n  context:\n    \
         cluster: named\n    user: me   # the same\ncurrent-context: plain\nusers:\n- name: me\n  user:\n    token: {token}\n"
    );
    let file = scene.desk.path("home").join("two");
    std::fs::write(&file, &text).unwrap();
    let path = file.to_str().unwrap();
    for context in ["plain", "named"] {
        scene.sees_namespaces(&file, context);
    }
    let imported = scene.pilot(&["cluster", "import", path, "--rewrite", "--yes"]);
    let rewritten: Vec<&Json> = imported["clusters"].as_array().unwrap().iter().map(|cluster| &cluster["rewritten"]).collect();
    assert_eq!((rewritten, &imported["refused"]), (vec![&json!(true); 2], &json!([])), "{imported}");
    assert_eq!(scene.pilot(&["cluster", "verify", path])["ok"], true);
    let now = std::fs::read_to_string(&file).unwrap();
    assert!(now.contains("user: me-pilothouse-named   # the same") && !now.contains(token.as_str()), "{now}");

    scene.agree("always");
    for context in ["plain", "named"] {
        scene.sees_namespaces(&file, context);
    }
    let crossed = scene.kubectl(&file, &["--context", "named", "--user", "me", "get", "ns"]);
    assert!(
        !crossed.status.success() && said(&crossed).contains("tls-server-name"),
        "each stanza is for its own cluster: {}",
        said(&crossed)
    );
    let checked = scene.pilot(&["cluster", "check"]);
    for row in checked.as_array().unwrap() {
        assert_eq!((&row["state"], &row["user"]), (&json!("reachable"), &json!("viewer")), "{row}");
        assert!(
            row["version"].as_str().unwrap().starts_with("v1.") && row["groups"].as_array().unwrap().contains(&json!("viewers")),
            "{row}"
        );
    }
    let listed = scene.pilot(&["cluster", "list"]);
    let used: Vec<&Json> = listed.as_array().unwrap().iter().map(|row| &row["lastUsedBy"]["by"]).collect();
    assert_eq!(used, ["pilot", "pilot"]);
    scene.sees_namespaces(&file, "named");
    let listed = scene.pilot(&["cluster", "list"]);
    let named = listed.as_array().unwrap().iter().find(|row| row["name"] == "named").unwrap();
    assert_eq!((&named["lastUsedBy"]["by"], &named["lastUsedBy"]["program"]), (&json!("kubectl"), &json!(scene.kubectl)));

    scene.pilot(&["cluster", "restore", path]);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text, "the original bytes");
}

#[tokio::test]
async fn kubectl_works_through_the_helper_and_everything_else_is_refused() {
    let scene = tokio::task::spawn_blocking(Scene::new).await.unwrap();
    tokio::task::spawn_blocking(move || the_whole_way(&scene)).await.unwrap();
}

fn the_whole_way(scene: &Scene) {
    let file = scene.kubeconfig();
    let path = file.to_str().unwrap();
    let original = std::fs::read(&file).unwrap();
    let imported = scene.pilot(&["cluster", "import", path, "--trust-exec", "--rewrite", "--yes"]);
    let clusters = imported["clusters"].as_array().unwrap();
    assert_eq!((clusters.len(), &imported["refused"]), (3, &json!([])), "{imported}");
    let id = |auth: &str| clusters.iter().find(|cluster| cluster["auth"] == auth).unwrap()["id"].as_str().unwrap().to_owned();

    // Nothing is left behind.
    let verified = scene.pilot(&["cluster", "verify", path]);
    assert_eq!((&verified["ok"], &verified["findings"]), (&json!(true), &json!([])));
    let rewritten = std::fs::read_to_string(&file).unwrap();
    assert!(rewritten.contains("kube-credential") && rewritten.contains("# mine, keep it") && !rewritten.contains("client-key-data"));
    files_without(&scene.desk.path("config"), &scene.test.tokens["viewer"]);
    files_without(&scene.desk.path("home"), &STANDARD.encode(&scene.test.certs["admin"].key));

    // Nobody agreed yet; then a person does.
    for context in ["certificate", "token"] {
        scene.is_refused(&file, context, &format!("cluster consent --program {}", scene.kubectl.display()));
    }
    scene.agree("once");
    scene.sees_namespaces(&file, "token");
    scene.is_refused(&file, "token", "nobody agreed");
    scene.agree("always");
    for (context, user) in [("certificate", "admin"), ("token", "viewer"), ("program", "viewer")] {
        scene.sees_namespaces(&file, context);
        let who = scene.kubectl(&file, &["--context", context, "auth", "whoami", "-o", "jsonpath={.status.userInfo.username}"]);
        assert_eq!(said(&who), user, "{context}");
    }
    assert!(said(&scene.kubectl(&file, &["--context", "token", "create", "ns", "x"])).contains("Forbidden"), "the viewer stays a viewer");

    // The same stanza in another's kubeconfig.
    let evil = scene.desk.path("evil.yaml");
    let issued = scene.notes("credential_issued");
    for (from, to, field) in [
        (scene.test.server.as_str(), "https://127.0.0.1:1", "server"),
        ("provideClusterInfo: true", "provideClusterInfo: false", "does not say which server"),
        ("    server: ", "    tls-server-name: localhost\n    server: ", "tls-server-name"),
    ] {
        assert!(rewritten.contains(from), "{from}");
        std::fs::write(&evil, rewritten.replace(from, to)).unwrap();
        scene.is_refused(&evil, "token", field);
    }
    let ca = format!("    certificate-authority-data: {}", STANDARD.encode(&scene.test.ca));
    assert!(rewritten.contains(&ca));
    std::fs::write(&evil, rewritten.replace(&ca, "    insecure-skip-tls-verify: true")).unwrap();
    scene.is_refused(&evil, "token", "insecure-skip-tls-verify");
    assert_eq!(scene.notes("credential_issued"), issued, "none of them got one");

    // Another program, which nobody agreed to: this test.
    let info = json!({
        "kind": "ExecCredential", "apiVersion": "client.authentication.k8s.io/v1",
        "spec": { "cluster": { "server": scene.test.server, "certificate-authority-data": STANDARD.encode(&scene.test.ca) } },
    });
    let config = scene.desk.path("config");
    let ask = |info: Option<String>| {
        let mut command = scene.command(&pilot());
        command.args(["kube-credential", "--id", &id("token"), "--config-dir"]).arg(&config);
        command.envs(info.map(|info| ("KUBERNETES_EXEC_INFO", info))).output().unwrap()
    };
    let out = ask(Some(info.to_string()));
    assert_eq!((out.status.code(), out.stdout.len()), (Some(6), 0), "{}", said(&out));
    let out = ask(None);
    assert_eq!((out.status.code(), out.stdout.len()), (Some(6), 0), "{}", said(&out));
    assert!(!said(&out).contains(&scene.test.tokens["viewer"]));

    // Locked, unlocked, denied.
    scene.pilot(&["cluster", "lock"]);
    scene.is_refused(&file, "certificate", "locked");
    scene.pilot(&["cluster", "unlock"]);
    scene.sees_namespaces(&file, "certificate");
    scene.agree("deny");
    scene.is_refused(&file, "certificate", "you denied");
    assert!(scene.notes("credential_issued") >= 5 && scene.notes("credential_refused") >= 8, "each is written down");
    assert_eq!(scene.pilot(&["audit", "verify"])["ok"], true);

    // And back, to the byte.
    scene.pilot(&["cluster", "restore", path]);
    assert_eq!(std::fs::read(&file).unwrap(), original);
    scene.sees_namespaces(&file, "token");
}

/// How long the helper takes beside kubectl itself, in the same run. The numbers are printed; what is asserted is that it answers.
#[tokio::test]
async fn the_helper_answers_beside_kubectls_own_start() {
    tokio::task::spawn_blocking(|| {
        let scene = Scene::new();
        let file = scene.kubeconfig();
        let imported = scene.pilot(&["cluster", "import", file.to_str().unwrap(), "--context", "token", "--rewrite", "--yes"]);
        assert_eq!(imported["clusters"].as_array().unwrap().len(), 1, "{imported}");
        scene.agree("always");
        let p50 = |times: &mut Vec<Duration>| {
            times.sort();
            times[times.len() / 2].as_secs_f64() * 1e3
        };
        let (mut alone, mut whole, mut version) = (Vec::new(), Vec::new(), Vec::new());
        let plain = &scene.test.kubeconfigs["viewer-token"];
        for _ in 0..10 {
            let took = |command: &mut dyn FnMut() -> Output| {
                let began = Instant::now();
                let out = command();
                assert!(out.status.success(), "{}", said(&out));
                began.elapsed()
            };
            version.push(took(&mut || scene.kubectl(plain, &["version", "--client"])));
            alone.push(took(&mut || scene.kubectl(plain, &["get", "ns", "-o", "name"])));
            whole.push(took(&mut || scene.kubectl(&file, &["--context", "token", "get", "ns", "-o", "name"])));
        }
        let (version, alone, whole) = (p50(&mut version), p50(&mut alone), p50(&mut whole));
        println!(
            "kubectl version {version:.0} ms; kubectl get ns {alone:.0} ms; through pilot kube-credential {whole:.0} ms: {:.0} ms more",
            whole - alone
        );
    })
    .await
    .unwrap();
}
