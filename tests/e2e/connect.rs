//! From a kubeconfig to clusters that answer: a real API server, the import, the first look at it, and a real kubectl that goes on working.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use testkit::testcluster::{TestCluster, kubectl, testcluster};

use crate::sweep::holding;
use crate::window::Window;

const PASSPHRASE: &str = "canary passphrase of a connected cluster";

/// A certificate, a token, a token that nobody knows, and a server that is not there.
fn kubeconfig(test: &TestCluster) -> String {
    let (admin, ca) = (&test.certs["admin"], STANDARD.encode(&test.ca));
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: prod-admin\nclusters:\n- name: real\n  cluster: {{server: '{}', certificate-authority-data: {ca}}}\n\
         - name: gone\n  cluster: {{server: 'https://127.0.0.1:1'}}\ncontexts:\n- name: prod-admin\n  context: {{cluster: real, user: admin}}\n\
         - name: viewer\n  context: {{cluster: real, user: viewer}}\n- name: stranger\n  context: {{cluster: real, user: stranger}}\n\
         - name: gone\n  context: {{cluster: gone, user: nobody}}\nusers:\n- name: admin\n  user:\n    client-certificate-data: {}\n    client-key-data: {}\n\
         - name: viewer\n  user:\n    token: {}\n- name: stranger\n  user:\n    token: no-such-token-anywhere\n- name: nobody\n  user:\n    token: whatever-this-token-is\n",
        test.server,
        STANDARD.encode(&admin.cert),
        STANDARD.encode(&admin.key),
        test.tokens["viewer"],
    )
}

/// The real kubectl, as this person runs it.
fn run(program: &Path, home: &Path, words: &[&str]) -> Output {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", home);
    command.env("XDG_CONFIG_HOME", home.join("config")).env("XDG_CACHE_HOME", home.join("cache")).env("PILOTHOUSE_KEYRING_SERVICE", "");
    command.args(words).stdin(Stdio::null()).output().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wizard_leads_from_a_file_to_clusters_that_answer_and_kubectl_goes_on_working() {
    let test = tokio::task::spawn_blocking(testcluster).await.unwrap();
    let home = tempfile::tempdir().unwrap();
    let at = home.path();
    fs::create_dir(at.join(".kube")).unwrap();
    let file = at.join(".kube/config");
    fs::write(&file, kubeconfig(test)).unwrap();
    // A copy, so that it is a program of this person's.
    let own = at.join("kubectl");
    fs::copy(kubectl(), &own).unwrap();

    let window = Window::open(at).await;
    window.make_vault(PASSPHRASE).await;

    // The import connects nothing by itself; the first look is a button.
    window.click("nav-clusters").await;
    window.click("import-first").await;
    window.find_with("kubeconfig-file", ".kube/config").await;
    window.click("wizard-review").await;
    window.find_with("wizard-table", "prod-admin").await;
    window.click("wizard-rewrite").await;
    window.click("wizard-import").await;
    window.find("wizard-done").await;
    window.css("[data-testid=\"wizard-imported\"][data-state=\"unknown\"]").await;
    window.click("wizard-check").await;
    for state in ["reachable", "failed"] {
        window.css(&format!("[data-testid=\"wizard-imported\"][data-state=\"{state}\"]")).await;
    }
    window.find_with("wizard-imported", "v1.36").await;
    window.picture("import-connected").await;
    window.click("wizard-finish").await;

    // Who we are there, and why not where we are nobody.
    window.find_with("cluster-row", "prod-admin").await;
    window.picture("clusters-reached").await;
    window.open_row("cluster-row", "prod-admin", "cluster-panel").await;
    window.find_with("cluster-user", "admin").await;
    window.find_with("cluster-groups", "system:masters").await;
    window.picture("cluster-reached").await;
    window.show("[data-testid=\"cluster-edit\"]").await;
    window.picture("cluster-settings").await;
    window.click("lang-toggle").await;
    window.open_row("cluster-row", "stranger", "cluster-panel").await;
    window.css("[data-testid=\"cluster-state\"][data-state=\"failed\"]").await;
    window.picture("cluster-refused-zh").await;
    window.open_row("cluster-row", "gone", "cluster-panel").await;
    window.css("[data-testid=\"cluster-state\"][data-state=\"failed\"]").await;
    window.picture("cluster-gone-zh").await;
    window.click("lang-toggle").await;

    // What is in it, as its own server draws it.
    window.open_row("cluster-row", "prod-admin", "cluster-panel").await;
    window.click("cluster-explore").await;
    window.click_with("kind", "Namespace").await;
    window.css("[data-testid=\"objects\"][data-kind=\"namespaces\"]").await;
    window.find_with("object-row", "default").await;
    window.find_with("object-row", "kube-system").await;
    window.picture("explorer-namespaces").await;
    window.open_row("object-row", "kube-system", "object-panel").await;
    window.find_with("labels", "kubernetes.io/metadata.name").await;
    window.click("tab-yaml").await;
    window.css("[data-testid=\"object-yaml\"] .cm-content").await;
    window.find_with("object-yaml", "kind: Namespace").await;
    window.picture("explorer-yaml").await;
    window.click("object-close").await;
    window.search("kind-search", "configmap").await;
    window.click_with("kind", "ConfigMap").await;
    window.find_with("object-row", "extension-apiserver-authentication").await;
    window.open_row("object-row", "extension-apiserver-authentication", "object-panel").await;
    window.find("summary").await;
    window.click("lang-toggle").await;
    window.picture("explorer-configmap-zh").await;
    window.click("lang-toggle").await;
    window.click("nav-clusters").await;
    // Who may not is told so, by name.
    window.open_row("cluster-row", "viewer", "cluster-panel").await;
    window.click("cluster-explore").await;
    window.click_with("kind", "Secret").await;
    window.find_with("fault", "forbids user \"viewer\" to list secrets").await;
    window.picture("explorer-refused").await;
    window.click("nav-clusters").await;

    // kubectl reads the rewritten file; the window is asked once, and it works.
    let (program, place) = (own.clone(), at.to_owned());
    let namespaces = tokio::task::spawn_blocking(move || run(&program, &place, &["--context", "prod-admin", "get", "ns", "-o", "name"]));
    window.css("[data-testid=\"question\"][data-kind=\"credential\"]").await;
    window.picture("question-kubectl").await;
    window.click("question-allow-quarter").await;
    let out = namespaces.await.unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    assert!(out.status.success() && said.contains("namespace/kube-system"), "{said}");
    window.open_row("cluster-row", "prod-admin", "cluster-panel").await;
    window.find_with("cluster-last-used", "kubectl").await;
    window.picture("cluster-used").await;
    window.close().await;

    let (key, token) = (test.certs["admin"].key.lines().nth(1).unwrap(), test.tokens["viewer"].as_str());
    let left = holding(at, &[key, token, PASSPHRASE]);
    assert!(left.is_empty(), "{left:#?}");
}
