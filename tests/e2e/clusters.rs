//! From a kubeconfig in the home folder to clusters whose secrets are in the vault, and back; afterwards no secret lies in any file.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::sweep::holding;
use crate::trace;
use crate::window::Window;

const TOKEN: &str = "canary-7f3e91d0-token-of-staging-0a1b2c3d4e5f";
const PASSPHRASE: &str = "canary passphrase of nine words or so";
const VARIABLE: &str = "canary-41aa-value-of-a-variable";

/// A kubeconfig with all that a review has to show; answers the key that stands in it.
fn kubeconfig(home: &Path) -> (PathBuf, String) {
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(vec!["mira".to_owned()]).unwrap().self_signed(&key).unwrap();
    let (pem, key) = (certificate.pem(), key.serialize_pem());
    let plugin = home.join("get-token");
    fs::write(&plugin, format!("#!/bin/sh\ntouch {}\n", home.join("ran").display())).unwrap();
    fs::set_permissions(&plugin, fs::Permissions::from_mode(0o755)).unwrap();
    let text = format!(
        "# Kept by hand; comments stay.\napiVersion: v1\nkind: Config\ncurrent-context: prod-eu\nclusters:\n- name: prod-eu\n  cluster:\n    \
         server: https://10.20.0.4:6443\n    certificate-authority-data: {ca}\n- name: staging\n  cluster:\n    server: https://k8s.staging.example\n- name: lab\n  cluster:\n    \
         server: https://192.168.7.20:6443\n- name: bare\n  cluster:\n    server: http://192.168.7.21:8080\n    insecure-skip-tls-verify: true\ncontexts:\n- name: prod-eu\n  context: {{cluster: prod-eu, user: mira, namespace: payments}}\n\
         - name: staging\n  context: {{cluster: staging, user: robot}}\n- name: lab\n  context: {{cluster: lab, user: tool}}\n- name: bare\n  context: {{cluster: bare, user: nobody}}\n\
         - name: old\n  context: {{cluster: staging, user: gcp}}\n\
         users:\n- name: mira\n  user:\n    client-certificate-data: {ca}\n    client-key-data: {key_data}\n- name: robot\n  user:\n    token: {TOKEN} # of the robot\n\
         - name: tool\n  user:\n    exec:\n      apiVersion: client.authentication.k8s.io/v1\n      command: {plugin}\n      args: [\"--for\", \"lab; touch ran\"]\n      \
         interactiveMode: Never\n      env:\n      - {{name: LAB_SECRET, value: {VARIABLE}}}\n- name: nobody\n  user: {{}}\n- name: gcp\n  user:\n    auth-provider:\n      name: gcp\n      config: {{cmd-path: {plugin}}}\n",
        ca = STANDARD.encode(&pem),
        key_data = STANDARD.encode(&key),
        plugin = plugin.display(),
    );
    let folder = home.join(".kube");
    fs::create_dir(&folder).unwrap();
    let file = folder.join("config");
    fs::write(&file, text).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    (file, key)
}

async fn tick(window: &Window, context: &str, what: &str) {
    let inside = format!("[data-testid=\"wizard-context\"][data-key=\"{context}\"] [data-testid=\"{what}\"]");
    window.css(&inside).await.click().await.unwrap();
}

async fn says(window: &Window, id: &str) -> String {
    window.find(id).await.prop("textContent").await.unwrap().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kubeconfig_becomes_clusters_and_leaves_no_secret_behind() {
    let home = tempfile::tempdir().unwrap();
    let (file, key) = kubeconfig(home.path());
    let original = fs::read(&file).unwrap();
    let window = Window::open(home.path()).await;
    trace::begin(&window).await;

    // No keyring answers here.
    window.make_vault(PASSPHRASE).await;

    // The import shows everything, and does nothing, before it is agreed to.
    window.click("nav-clusters").await;
    window.find("import-first").await;
    window.picture("clusters-empty").await;
    window.click("import-first").await;
    window.find_with("kubeconfig-file", ".kube/config").await;
    window.picture("import-choose").await;
    window.click("wizard-review").await;
    window.find_with("wizard-refused", "old").await;
    let review = says(&window, "wizard-table").await;
    for part in ["--for 'lab; touch ran'", "LAB_SECRET", "not encrypted", "That is not taken over", "payments"] {
        assert!(review.contains(part), "{part} is not in the review: {review}");
    }
    for secret in [TOKEN, VARIABLE] {
        assert!(!review.contains(secret), "a secret is in the review");
    }
    window.picture("import-review").await;
    window.click("lang-toggle").await;
    window.find_with("wizard-table", "将运行").await;
    window.picture("import-review-zh").await;
    window.click("lang-toggle").await;
    assert!(!home.path().join("ran").exists(), "a program of the kubeconfig was run before anybody agreed");

    tick(&window, "lab", "wizard-trust").await;
    tick(&window, "bare", "wizard-take").await;
    window.click("wizard-rewrite").await;
    window.picture("import-agreed").await;
    window.click("wizard-import").await;
    window.find("wizard-done").await;
    window.find_with("wizard-imported", "prod-eu").await;
    window.find("verify-ok").await;
    window.picture("import-done").await;
    assert!(!home.path().join("ran").exists(), "importing a program does not run it");

    // Nothing but the vault's sealed rows has the secrets now: not the file, not the store, not what the web view keeps.
    let rewritten = fs::read_to_string(&file).unwrap();
    assert!(rewritten.starts_with("# Kept by hand; comments stay."), "comments stay");
    assert!(rewritten.contains("kube-credential") && rewritten.contains("provideClusterInfo: true"), "{rewritten}");
    let key_line = key.lines().nth(1).unwrap();
    let left = holding(home.path(), &[TOKEN, VARIABLE, PASSPHRASE, key_line]);
    assert!(left.is_empty(), "{left:#?}");

    // The page, the panel, both languages.
    window.click("wizard-finish").await;
    window.find_with("cluster-row", "prod-eu").await;
    window.picture("clusters").await;
    window.open_row("cluster-row", "prod-eu", "cluster-panel").await;
    window.find_with("cluster-panel", "payments").await;
    window.picture("cluster-prod").await;
    window.click("lang-toggle").await;
    window.open_row("cluster-row", "lab", "cluster-panel").await;
    window.find_with("cluster-panel", "已信任").await;
    window.picture("cluster-exec-zh").await;
    window.click("status-vault").await;
    window.find_with("secret-row", "prod-eu").await;
    window.show("[data-part=\"vault\"]").await;
    window.picture("cluster-secrets-zh").await;
    window.click("lang-toggle").await;

    // Credentials of all clusters at once.
    window.click("nav-clusters").await;
    window.click("clusters-more").await;
    window.click("clusters-lock").await;
    window.find("clusters-locked").await;
    window.picture("clusters-locked").await;
    window.click("clusters-unlock").await;

    // The original comes back, byte for byte.
    window.open_row("cluster-row", "staging", "cluster-panel").await;
    window.click("cluster-restore").await;
    window.click("confirm-yes").await;
    window.find_with("cluster-panel", "still holds what was imported").await;
    assert_eq!(fs::read(&file).unwrap(), original, "the file is as it was");
    window.click("cluster-verify").await;
    window.find_with("finding", ".kube/config").await;
    window.picture("cluster-findings").await;
    let words = ["answer ipc://localhost/cluster_review", "answer ipc://localhost/cluster_verify", "answer ipc://localhost/secret_list"];
    trace::holds_only(&window, &words, &[TOKEN, VARIABLE, PASSPHRASE, key_line]).await;
    let (showing, seen) = trace::processes_showing(home.path(), &[TOKEN, VARIABLE, PASSPHRASE, key_line]);
    assert!(showing.is_empty() && seen >= 3, "{showing:#?} in {seen} processes");
    window.close().await;
}
