//! A program wants the credential of a cluster: the window asks, the program waits, and what was said is shown and taken back.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value as Json, json};

use crate::sweep::holding;
use crate::trace;
use crate::window::{Window, target_dir};

const TOKEN: &str = "canary-55d01c9e-token-of-production-9f8e7d6c";
const PASSPHRASE: &str = "canary passphrase of the credential test";
const SERVER: &str = "https://10.20.0.4:6443";

fn at_home(program: &Path, home: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("LANG", "C.UTF-8");
    command.env("HOME", home).env("XDG_CONFIG_HOME", home.join("config")).env("PILOTHOUSE_KEYRING_SERVICE", "");
    command.stdin(Stdio::null());
    command
}

fn pilot(home: &Path, words: &[&str]) -> Json {
    let out = at_home(&target_dir().join("pilot"), home).args(words).args(["-o", "json"]).output().unwrap();
    assert!(out.status.success(), "{words:?}: {}", String::from_utf8_lossy(&out.stderr));
    serde_json::from_slice(&out.stdout).unwrap()
}

/// What kubectl does: another program, with a file of its own, starts pilot and waits.
fn kubectl(home: &Path, id: &str) -> Child {
    let info = json!({
        "kind": "ExecCredential", "apiVersion": "client.authentication.k8s.io/v1",
        "spec": { "interactive": false, "cluster": { "server": SERVER } },
    });
    let mut command = at_home(&home.join("kubectl"), home);
    command.args(["-c", "\"$@\"; exit $?", "sh"]).arg(target_dir().join("pilot")).args(["kube-credential", "--id", id]);
    command.env("KUBERNETES_EXEC_INFO", info.to_string()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

async fn ended(child: Child) -> (bool, String) {
    let out = tokio::task::spawn_blocking(|| child.wait_with_output().unwrap()).await.unwrap();
    (out.status.success(), format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr)))
}

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_waits_while_a_person_at_the_window_decides() {
    let home = tempfile::tempdir().unwrap();
    let at = home.path();
    fs::copy(fs::canonicalize("/bin/sh").unwrap(), at.join("kubectl")).unwrap();
    let window = Window::open(at).await;
    trace::begin(&window).await;
    window.make_vault(PASSPHRASE).await;

    // A cluster, taken over by another process while the window is open.
    let (config, pass) = (at.join("kubeconfig"), at.join("pass"));
    let text = format!(
        "apiVersion: v1\nkind: Config\nclusters:\n- name: c\n  cluster: {{server: '{SERVER}'}}\ncontexts:\n- name: prod-eu\n  context: {{cluster: c, user: u}}\nusers:\n- name: u\n  user: {{token: {TOKEN}}}\n"
    );
    fs::write(&config, text).unwrap();
    fs::write(&pass, PASSPHRASE).unwrap();
    let words = ["cluster", "import", config.to_str().unwrap(), "--yes", "--passphrase-file", pass.to_str().unwrap()];
    let id = pilot(at, &words)["clusters"][0]["id"].as_str().unwrap().to_owned();
    fs::remove_file(&config).unwrap();
    fs::remove_file(&pass).unwrap();

    // The window asks, with everything that a person must see.
    let waiting = kubectl(at, &id);
    let question = window.css("[data-testid=\"question\"][data-kind=\"credential\"]").await;
    let said = question.prop("textContent").await.unwrap().unwrap_or_default();
    let program = at.join("kubectl").canonicalize().unwrap().display().to_string();
    for part in [program.as_str(), "prod-eu", "production by its name", SERVER] {
        assert!(said.contains(part), "{part} is not in the question: {said}");
    }
    window.picture("question-credential").await;
    let (showing, seen) = trace::processes_showing(at, &[TOKEN, PASSPHRASE]);
    assert!(showing.is_empty() && seen >= 3, "{showing:#?} in {seen} processes");
    window.click("question-allow-quarter").await;
    let (ok, said) = ended(waiting).await;
    assert!(ok && said.contains(TOKEN), "kubectl has it");

    // What was said, in both languages, and taken back.
    window.click("nav-clusters").await;
    window.find_with("cluster-row", "prod-eu").await;
    window.click("clusters-more").await;
    window.click("clusters-programs").await;
    window.css("[data-testid=\"consent-row\"][data-answer=\"until\"]").await;
    window.find_with("programs-panel", &program).await;
    window.picture("clusters-programs").await;
    window.click("lang-toggle").await;
    window.find_with("programs-panel", "撤回").await;
    window.picture("clusters-programs-zh").await;
    let waiting = {
        window.click("consent-take-back").await;
        window.click("confirm-yes").await;
        window.find_with("programs-panel", "尚无答复").await;
        kubectl(at, &id)
    };
    window.css("[data-testid=\"question\"][data-kind=\"credential\"]").await;
    window.picture("question-credential-zh").await;

    // Another process locks everything: the question goes, and so does the program's hope.
    pilot(at, &["cluster", "lock"]);
    let (ok, said) = ended(waiting).await;
    assert!(!ok && said.contains("locked") && !said.contains(TOKEN), "{said}");
    window.find("clusters-locked").await;
    assert!(window.driver.find_all(thirtyfour::By::Css("[data-testid=\"question\"]")).await.unwrap().is_empty());

    // Nothing of it came to the window, and nothing lies in any file.
    trace::holds_only(&window, &["answer ipc://localhost/consent_list", "\"matter\"", "event ", "question_gone"], &[TOKEN, PASSPHRASE])
        .await;
    window.close().await;
    let left = holding(at, &[TOKEN, PASSPHRASE]);
    assert!(left.is_empty(), "{left:#?}");
}
