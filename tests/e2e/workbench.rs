//! A Deployment of a real API server is edited in the window: what differs, whose fields it touches, applied as rehearsed, broken, explained, taken back.

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use testkit::testcluster::{TestCluster, kubectl, testcluster};
use thirtyfour::prelude::{By, ElementQueryable as _};

use crate::window::Window;

const PASSPHRASE: &str = "canary passphrase of a workbench";

fn kubeconfig(test: &TestCluster) -> String {
    let admin = &test.certs["admin"];
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: prod-shop\nclusters:\n- name: real\n  cluster: {{server: '{}', certificate-authority-data: {}}}\n\
         contexts:\n- name: prod-shop\n  context: {{cluster: real, user: admin}}\nusers:\n- name: admin\n  user:\n    client-certificate-data: {}\n    client-key-data: {}\n",
        test.server,
        STANDARD.encode(&test.ca),
        STANDARD.encode(&admin.cert),
        STANDARD.encode(&admin.key),
    )
}

/// Somebody else, with kubectl.
fn other(test: &TestCluster, words: &[&str], stdin: &str) -> String {
    let mut child = Command::new(kubectl())
        .arg("--kubeconfig")
        .arg(&test.kubeconfigs["admin"])
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
    let out = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(out.status.success(), "kubectl {words:?}: {said}{}", String::from_utf8_lossy(&out.stderr));
    said
}

fn deployment(namespace: &str) -> String {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web", "namespace": namespace, "labels": { "app": "web" } },
        "spec": { "replicas": 2, "selector": { "matchLabels": { "app": "web" } }, "template": { "metadata": { "labels": { "app": "web" } }, "spec": { "containers": [{
            "name": "web", "image": "registry.example/web:1.0", "ports": [{ "name": "http", "containerPort": 8080 }],
            "resources": { "requests": { "cpu": "50m", "memory": "32Mi" }, "limits": { "memory": "64Mi" } },
        }] } } },
    })
    .to_string()
}

/// What the controllers would report; none runs here.
fn report(test: &TestCluster, namespace: &str, status: &Value) {
    let generation: Value = serde_json::from_str(&other(test, &["-n", namespace, "get", "deployment", "web", "-o", "json"], "")).unwrap();
    let mut status = status.clone();
    status["observedGeneration"] = generation["metadata"]["generation"].clone();
    let patch = json!({ "status": status }).to_string();
    other(test, &["-n", namespace, "patch", "deployment", "web", "--subresource=status", "--type=merge", "-p", &patch], "");
}

fn image(test: &TestCluster, namespace: &str) -> String {
    other(test, &["-n", namespace, "get", "deployment", "web", "-o", "jsonpath={.spec.template.spec.containers[0].image}"], "")
}

/// Changes one place of the text in the editor.
async fn edit(window: &Window, from: &str, to: &str) {
    window.css("[data-testid=\"bench-editor\"] .cm-content").await.click().await.unwrap();
    let put = "const content = document.querySelector('[data-testid=\"bench-editor\"] .cm-content'); const view = (content.cmTile ?? content.cmView).view; \
               const at = view.state.doc.toString().indexOf(arguments[0]); if (at < 0) return view.state.doc.toString(); \
               view.dispatch({ changes: { from: at, to: at + arguments[0].length, insert: arguments[1] }, selection: { anchor: at }, userEvent: 'input.type' }); return null;";
    let missing = window.driver.execute(put, vec![from.into(), to.into()]).await.unwrap();
    assert!(missing.json().is_null(), "{from} is not in {}", missing.json());
}

/// Waits until the bar stands there.
async fn at(window: &Window, step: &str, state: &str) {
    window.css(&format!("[data-testid=\"bench-bar\"][data-at=\"{step}\"][data-state=\"{state}\"]")).await;
}

/// Rehearses what lies there; what belongs to others is taken over, and rehearsed again.
async fn rehearse(window: &Window) {
    at(window, "rehearse", "ready").await;
    window.click("bench-next").await;
    window.find("rehearsal").await;
    let open = "[data-testid=\"take-over\"][aria-pressed=\"false\"]";
    let until = Instant::now() + Duration::from_secs(30);
    while window.driver.query(By::Css(open)).nowait().exists().await.unwrap() {
        assert!(Instant::now() < until, "conflicts do not end");
        window.css(open).await.click().await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
        if !window.driver.query(By::Css(open)).nowait().exists().await.unwrap() {
            at(window, "rehearse", "ready").await;
            window.click("bench-next").await;
            window.css("[data-testid=\"bench-bar\"]:not([data-at=\"rehearse\"])").await;
        }
    }
    at(window, "approve", "ready").await;
}

/// Approves and applies; the policy asks about it as about every call that changes a cluster.
async fn apply(window: &Window) {
    window.click("bench-next").await;
    at(window, "apply", "ready").await;
    window.click("bench-next").await;
    allow(window).await;
    at(window, "apply", "done").await;
}

async fn allow(window: &Window) {
    window.css("[data-testid=\"question\"][data-kind=\"call\"]").await;
    window.click("question-allow").await;
}

async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < until, "{what}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// The same view in both themes and languages, wide and narrow.
async fn pictures(window: &Window, name: &str) {
    for (width, height) in [(1280, 800), (1024, 700)] {
        window.driver.set_window_rect(0, 0, width, height).await.unwrap();
        window.picture(&format!("{name}-{width}")).await;
        window.click("theme-toggle").await;
        window.click("lang-toggle").await;
        window.picture(&format!("{name}-{width}-dark-zh")).await;
        window.click("lang-toggle").await;
        window.click("theme-toggle").await;
    }
    window.driver.set_window_rect(0, 0, 1280, 800).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_is_edited_rehearsed_applied_broken_explained_and_taken_back() {
    let test = tokio::task::spawn_blocking(testcluster).await.unwrap();
    let namespace = format!("shop-{}", std::process::id());
    other(test, &["create", "namespace", &namespace], "");
    // Made by a controller otherwise.
    other(test, &["-n", &namespace, "create", "serviceaccount", "default"], "");
    other(test, &["apply", "--server-side", "-f", "-"], &deployment(&namespace));
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join(".kube")).unwrap();
    fs::write(home.path().join(".kube/config"), kubeconfig(test)).unwrap();

    let window = Window::open(home.path()).await;
    window.make_vault(PASSPHRASE).await;
    window.click("nav-workbench").await;
    window.find("bench-empty").await;
    pictures(&window, "workbench-empty").await;
    window.click("nav-clusters").await;
    window.click("import-first").await;
    window.click("wizard-review").await;
    window.find_with("wizard-table", "prod-shop").await;
    window.click("wizard-import").await;
    window.click("wizard-finish").await;

    // From the Explorer into the editor.
    window.open_row("cluster-row", "prod-shop", "cluster-panel").await;
    window.click("cluster-explore").await;
    window.click_with("kind", "Deployment").await;
    window.find_with("object-row", "web").await;
    window.open_row("object-row", "web", "object-panel").await;
    window.click("object-edit").await;
    window.find_with("bench-editor", "registry.example/web:1.0").await;
    at(&window, "rehearse", "ready").await;

    // A mistake is seen while one types, and goes no further.
    edit(&window, "replicas: 2", "replicsa: 2").await;
    window.find_with("problem", "replicsa").await;
    at(&window, "validate", "blocked").await;
    pictures(&window, "workbench-problems").await;
    edit(&window, "replicsa: 2", "replicas: 2").await;
    at(&window, "rehearse", "ready").await;

    // What differs from what lives there; whose field it is.
    edit(&window, "web:1.0", "web:1.1").await;
    at(&window, "rehearse", "ready").await;
    window.click("bench-diff").await;
    window.find_with("split-diff", "web:1.1").await;
    pictures(&window, "workbench-diff").await;
    window.click("bench-next").await;
    window.find_with("conflict", "kubectl").await;
    at(&window, "approve", "blocked").await;
    pictures(&window, "workbench-conflict").await;
    window.click("take-over").await;
    rehearse(&window).await;
    window.find_with("field", "web:1.1").await;
    pictures(&window, "workbench-rehearsed").await;
    assert_eq!(image(test, &namespace), "registry.example/web:1.0", "a rehearsal changed something");

    // Applied as it was rehearsed, and watched until it is up.
    apply(&window).await;
    assert_eq!(image(test, &namespace), "registry.example/web:1.1");
    window.css("[data-testid=\"rollout\"][data-state=\"progressing\"]").await;
    report(test, &namespace, &json!({ "replicas": 2, "updatedReplicas": 2, "readyReplicas": 2, "availableReplicas": 2 }));
    window.css("[data-testid=\"rollout\"][data-state=\"done\"]").await;
    window.picture("workbench-up").await;

    // Broken: the rollout says why.
    edit(&window, "web:1.1", "web:no-such-tag").await;
    rehearse(&window).await;
    apply(&window).await;
    let pod = json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "web-5d9c-x7", "namespace": namespace, "labels": { "app": "web" } },
        "spec": { "containers": [{ "name": "web", "image": "registry.example/web:no-such-tag" }] } });
    other(test, &["apply", "-f", "-"], &pod.to_string());
    let waiting = json!({ "status": { "phase": "Pending", "containerStatuses": [{ "name": "web", "image": "registry.example/web:no-such-tag", "imageID": "", "ready": false, "restartCount": 0,
        "state": { "waiting": { "reason": "ImagePullBackOff", "message": "Back-off pulling image \"registry.example/web:no-such-tag\": manifest unknown" } } }] } });
    other(test, &["-n", &namespace, "patch", "pod", "web-5d9c-x7", "--subresource=status", "--type=merge", "-p", &waiting.to_string()], "");
    report(
        test,
        &namespace,
        &json!({ "replicas": 3, "updatedReplicas": 1, "readyReplicas": 2, "availableReplicas": 2, "unavailableReplicas": 1 }),
    );
    window.find_with("rollout-reason", "ImagePullBackOff").await;
    window.find_with("rollout-reason", "manifest unknown").await;
    pictures(&window, "workbench-broken").await;

    // And back.
    window.click("bench-history").await;
    window.find_with("kept", "Deployment/web").await;
    pictures(&window, "workbench-history").await;
    window.click("kept-undo").await;
    allow(&window).await;
    window.css("[data-testid=\"kept\"][data-state=\"undone\"]").await;
    eventually("the image did not come back", || image(test, &namespace) == "registry.example/web:1.1").await;
    window.picture("workbench-undone").await;
    window.close().await;
    other(test, &["delete", "namespace", &namespace, "--wait=false"], "");
}
