//! `kubernetes-mcp-server`, a native program, against a very small Kubernetes API.

use domain::protocol::CallIo;
use serde_json::{Value as Json, json};
use testkit::kube::KubeApi;

use crate::line::{Line, recovers};
use crate::peers::{Spec, installed};

/// A folder with a kubeconfig that leads to the API.
fn kubeconfig(api: &KubeApi) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kubeconfig");
    std::fs::write(&file, api.kubeconfig()).unwrap();
    let path = file.to_str().unwrap().to_owned();
    (folder, path)
}

async fn lists_pods(line: &Line) {
    line.lists(&["pods_list", "namespaces_list", "resources_get"]).await;
    let pods = line.call("pods_list", json!({})).await;
    assert!(pods.text().contains("web-1") && pods.text().contains("10.244.1.12"), "{pods:?}");
    let missing = line.try_call("pods_get", json!({ "name": "gone", "namespace": "default" }), CallIo::quiet()).await.unwrap();
    assert!(missing.is_error && missing.text().contains("not found"), "{missing:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn pods_are_listed_over_stdio_in_both_eras() {
    let api = KubeApi::start().await;
    let (_folder, kubeconfig) = kubeconfig(&api);
    for (era, revision) in [("auto", "2026-07-28"), ("legacy", "2025-11-25")] {
        let settings: Json = json!({ "command": installed("bin/kubernetes-mcp-server"), "args": ["--kubeconfig", kubeconfig, "--list-output", "yaml"], "era": era });
        let line = Line::to("subprocess", settings).await;
        assert_eq!(line.session.facts().revision, revision, "era {era}");
        lists_pods(&line).await;
        line.close().await;
    }
    assert!(api.seen.all().iter().filter(|seen| seen.target.contains("/pods")).count() >= 4, "the API was really asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn pods_are_listed_over_http_where_discovery_names_only_old_revisions() {
    let api = KubeApi::start().await;
    let (_folder, kubeconfig) = kubeconfig(&api);
    let mut peer = Spec::new(
        installed("bin/kubernetes-mcp-server"),
        &["--kubeconfig", &kubeconfig, "--list-output", "yaml", "--port", "{port}", "--bind-address", "127.0.0.1"],
    )
    .start()
    .await;
    let settings = json!({ "url": peer.url("/mcp") });
    let line = Line::to("stream_http", settings.clone()).await;
    assert_eq!(line.session.facts().revision, "2025-11-25", "it speaks the old era over HTTP");
    lists_pods(&line).await;
    peer.restart().await;
    recovers(&line, "stream_http", &settings, "namespaces_list", &json!({}), "kube-system").await;
    line.close().await;
}
