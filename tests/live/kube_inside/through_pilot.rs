//! The same through a real `pilot` with a real keyring: exit codes, what the audit log keeps and what it does not, and locking.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::Json;
use serde_json::json;
use testkit::testcluster::testcluster;

use super::{Scene, echo, said};
use crate::secret_service::{Desk, files_without, pilot};

/// A person with an open keyring who imported the cluster as its admin.
async fn person(ns: &str) -> Desk {
    let ns = ns.to_owned();
    let made = tokio::task::spawn_blocking(move || {
        let mut desk = Desk::new();
        desk.start_bus();
        desk.start_keyring(true);
        let test = testcluster();
        let text = format!(
            "apiVersion: v1\nkind: Config\nusers:\n- name: me\n  user: {{ token: {} }}\nclusters:\n- name: test\n  cluster:\n    server: {}\n    \
             certificate-authority-data: {}\ncontexts:\n- name: test\n  context: {{ cluster: test, user: me, namespace: {ns} }}\ncurrent-context: test\n",
            test.tokens["admin"],
            test.server,
            STANDARD.encode(&test.ca),
        );
        let file = desk.path("kubeconfig");
        std::fs::write(&file, text).unwrap();
        let (code, said) = desk.pilot(&["cluster", "import", file.to_str().unwrap(), "--yes"]);
        assert_eq!(code, 0, "{said}");
        desk
    });
    made.await.unwrap()
}

fn says(desk: &Desk, code: i32, words: &[&str]) -> Json {
    let (found, json) = desk.pilot(words);
    assert_eq!(found, code, "{words:?}: {json}");
    json
}

/// Without `-o json`.
fn plain(desk: &Desk, words: &[&str]) -> Command {
    let mut command = Command::new(pilot());
    desk.environment(&mut command);
    command.env("PILOTHOUSE_KEYRING_SERVICE", "dev.pilothouse.desktop.test");
    command.arg("--config-dir").arg(desk.path("config")).args(words);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Lines of the audit log.
fn audit(desk: &Desk) -> String {
    let log = desk.command(&["audit", "export"]).output().unwrap();
    String::from_utf8_lossy(&log.stdout).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_of_a_script_has_its_exit_code_and_leaves_no_words_in_the_log() {
    let scene = Scene::new().await;
    let dir = scene.pod("web-1", "web").await;
    let me = person(&scene.ns).await;
    let unasked = says(&me, 6, &["k8s", "exec", "web-1", "--", "touch", "made"]);
    assert_eq!(unasked["fault"]["code"], "policy_denied", "nobody agreed: {unasked}");
    assert!(!dir.join("made").exists());
    let told = says(&me, 5, &["k8s", "exec", "web-1", "--approve-once", "--", "sh", "-c", "echo c4n4ry-out; echo e >&2; exit 5"]);
    assert_eq!((&told["exitCode"], &told["stdout"], &told["stderr"]), (&json!(5), &json!("c4n4ry-out\n"), &json!("e\n")));

    // As bytes, with something typed into it.
    let mut child = plain(&me, &["k8s", "exec", "web-1", "-i", "--approve-once", "--", "rev"]).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all("c4n4ry-in\n".as_bytes()).unwrap();
    let out = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&out.stdout), "ni-yr4n4c\n", "{}", String::from_utf8_lossy(&out.stderr));
    assert_eq!(says(&me, 2, &["k8s", "exec", "web-1", "-t", "--approve-once", "--", "sh"])["fault"]["code"], "no_terminal");

    says(&me, 0, &["cluster", "lock"]);
    assert_eq!(says(&me, 6, &["k8s", "exec", "web-1", "--approve-once", "--", "true"])["fault"]["code"], "clusters_locked");
    says(&me, 0, &["cluster", "unlock"]);
    let log = audit(&me);
    assert!(log.matches("k8s-exec-pod").count() >= 3, "{log}");
    assert!(log.contains(told["auditId"].as_str().unwrap()) && !log.contains("c4n4ry"), "{log}");
    files_without(&me.path("config"), "c4n4ry-in");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_is_forwarded_until_ctrl_c_and_ends_when_clusters_are_locked() {
    let scene = Scene::new().await;
    scene.pod("web-1", "web").await;
    scene.kubelet.port_of(&scene.ns, "web-1", 8080, echo("a").await);
    let me = person(&scene.ns).await;
    assert_eq!(says(&me, 2, &["k8s", "port-forward", "web-1", "x:y:z"])["fault"]["code"], "port_pair");
    for lock in [false, true] {
        let mut child = me.command(&["k8s", "port-forward", "web-1", "0:http", "--approve-once"]).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        let view: Json = serde_json::from_str(&line).unwrap_or_else(|fault| {
            let mut words = String::new();
            child.stderr.take().unwrap().read_to_string(&mut words).unwrap();
            panic!("{fault}: {line} {words}")
        });
        let port = u16::try_from(view["ports"][0]["local"].as_u64().unwrap()).unwrap();
        assert_eq!(said(port, "word", 6).await.unwrap(), "a:word");
        if lock {
            says(&me, 0, &["cluster", "lock"]);
            assert_eq!(child.wait().unwrap().code(), Some(6));
            says(&me, 0, &["cluster", "unlock"]);
        } else {
            nix::sys::signal::kill(nix::unistd::Pid::from_raw(i32::try_from(child.id()).unwrap()), nix::sys::signal::Signal::SIGINT)
                .unwrap();
            assert_eq!(child.wait().unwrap().code(), Some(0));
        }
        assert!(said(port, "more", 6).await.is_err(), "nothing listens");
    }
    let log = audit(&me);
    assert_eq!(log.matches("port_forward_ended").count(), 2, "{log}");
    assert!(log.contains("credentials were locked"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_of_a_secret_is_shown_when_somebody_agreed_and_only_where_it_was_meant() {
    let scene = Scene::new().await;
    let body = json!({ "metadata": { "name": "hush" }, "stringData": { "a": "c4n4ry-value" } });
    scene.ask("POST", &scene.path("secrets", ""), body).await;
    let me = person(&scene.ns).await;
    let reveal = ["k8s", "reveal", "secret", "hush", "a"];
    let with = |more: &[&'static str]| [&reveal[..], more].concat();
    assert_eq!(says(&me, 2, &with(&["--approve-once"]))["fault"]["code"], "not_to_a_terminal");
    assert_eq!(says(&me, 6, &with(&["--to-stdout"]))["fault"]["code"], "policy_denied");
    let told = says(&me, 0, &with(&["--to-stdout", "--approve-once"]));
    assert_eq!(told["value"], "c4n4ry-value");
    let plain = plain(&me, &with(&["--to-stdout", "--approve-once"])).output().unwrap();
    assert_eq!(plain.stdout, b"c4n4ry-value");
    assert_eq!(says(&me, 3, &["k8s", "reveal", "secret", "hush", "b", "--to-stdout", "--approve-once"])["fault"]["code"], "no_such_key");
    says(&me, 0, &["cluster", "lock"]);
    assert_eq!(says(&me, 6, &with(&["--to-stdout", "--approve-once"]))["fault"]["code"], "clusters_locked");
    let log = audit(&me);
    let row = log.lines().find(|row| row.contains("k8s-reveal-secret") && row.contains(told["auditId"].as_str().unwrap())).expect("a row");
    assert!(row.contains("hush") && row.contains(&scene.ns) && row.contains("\"a\""), "{row}");
    files_without(&me.path("config"), "c4n4ry-value");
}
