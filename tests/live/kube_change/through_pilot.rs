//! The same through a real `pilot` with a real keyring: the contract for scripts, a kill in the middle, and nothing secret on the disk.

use std::process::Stdio;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::Json;
use testkit::testcluster::testcluster;

use super::{Scene, config, unique};
use crate::secret_service::{Desk, files_without};

struct Terminal {
    desk: Desk,
    ns: String,
}

impl Terminal {
    /// A person with an open keyring who imported the cluster as its admin.
    fn new(ns: &str) -> Self {
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
        let it = Self { desk, ns: ns.to_owned() };
        it.says(0, &["cluster", "import", file.to_str().unwrap(), "--yes"]);
        it
    }

    fn says(&self, code: i32, words: &[&str]) -> Json {
        let (found, json) = self.desk.pilot(words);
        assert_eq!(found, code, "{words:?}: {json}");
        json
    }

    fn file(&self, name: &str, text: &str) -> String {
        let file = self.desk.path(name);
        std::fs::write(&file, text).unwrap();
        file.display().to_string()
    }
}

async fn terminal(scene: &Scene) -> Terminal {
    let ns = scene.ns.clone();
    tokio::task::spawn_blocking(move || Terminal::new(&ns)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_rehearses_applies_by_digest_confirms_and_takes_back() {
    let scene = Scene::new().await;
    let me = terminal(&scene).await;
    let file = me.file("one.yaml", &config("one", &[("a", "1")]));
    let rehearsal = me.says(0, &["k8s", "rehearse", &file]);
    let digest = rehearsal["digest"].as_str().unwrap().to_owned();
    assert_eq!(rehearsal["changes"][0]["action"], "create");
    assert_eq!(rehearsal["changes"][0]["object"]["name"], "one");
    assert!(rehearsal["changes"][0]["diff"].as_str().unwrap().contains("+kind: ConfigMap"), "{rehearsal}");
    for list in ["conflicts", "undoneBy", "warnings"] {
        assert!(rehearsal[list].is_array(), "{list}");
    }
    assert!(rehearsal["expiresAt"].is_i64());

    let no_digest = me.says(6, &["k8s", "apply", &file, "--approve-once"]);
    assert_eq!(no_digest["fault"]["code"], "rehearsal_missing");
    assert_eq!(me.says(6, &["k8s", "apply", &file, "--digest", "0000", "--approve-once"])["fault"]["code"], "rehearsal_stale");
    let unasked = me.says(6, &["k8s", "apply", &file, "--digest", &digest]);
    assert_eq!(unasked["fault"]["code"], "policy_denied", "nobody agreed: {unasked}");
    assert!(scene.get("configmaps", "one").await.is_none());
    // While clusters are locked nothing is changed there either, and nothing is tried.
    me.says(0, &["cluster", "lock"]);
    let locked = me.says(6, &["k8s", "apply", &file, "--digest", &digest, "--approve-once"]);
    assert_eq!(locked["fault"]["code"], "clusters_locked", "{locked}");
    assert_eq!(me.says(6, &["k8s", "rehearse", &file])["fault"]["code"], "clusters_locked");
    me.says(0, &["cluster", "unlock"]);
    assert!(scene.get("configmaps", "one").await.is_none());

    let applied = me.says(0, &["k8s", "apply", &file, "--digest", &digest, "--approve-once", "--confirm-within", "1h"]);
    assert_eq!(applied["applied"][0]["object"]["name"], "one");
    let id = applied["undoId"].as_str().unwrap().to_owned();
    assert_eq!(scene.get("configmaps", "one").await.unwrap()["data"]["a"], "1");
    assert_eq!(me.says(0, &["k8s", "undo", "--list"])[0]["state"], "waiting");
    assert_eq!(me.says(0, &["k8s", "confirm", &id])["state"], "applied");
    assert_eq!(me.says(6, &["k8s", "undo", &id])["fault"]["code"], "policy_denied");
    let undone = me.says(0, &["k8s", "undo", &id, "--approve-once"]);
    assert_eq!(undone["undone"][0]["action"], "delete");
    assert!(scene.get("configmaps", "one").await.is_none());
    assert_eq!(me.says(3, &["k8s", "undo", "nothing", "--approve-once"])["fault"]["code"], "no_such_change");
    let log = me.desk.command(&["audit", "export"]).output().unwrap();
    let log = String::from_utf8_lossy(&log.stdout).into_owned();
    assert!(log.contains("k8s-apply") && log.contains("k8s-undo"), "{log}");
    assert_eq!(me.ns, scene.ns);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_confirms_goes_back_also_when_the_process_that_applied_it_was_killed() {
    let scene = Scene::new().await;
    let me = terminal(&scene).await;
    scene.apply(&config("first", &[("a", "before")])).await.unwrap();
    // Big enough that it is being applied for a while.
    let set: String = std::iter::once(config("first", &[("a", "after")]))
        .chain((0..60).map(|nth| config(&format!("made-{nth}"), &[("a", "1")])))
        .collect::<Vec<_>>()
        .join("---\n");
    let file = me.file("set.yaml", &set);
    // The same manager changed it: nothing to take over.
    let digest = me.says(0, &["k8s", "rehearse", &file])["digest"].as_str().unwrap().to_owned();
    let words = ["k8s", "apply", &file, "--digest", &digest, "--approve-once", "--confirm-within", "1s"];
    let mut child = me.desk.command(&words).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let patience = Instant::now() + Duration::from_secs(120);
    while scene.get("configmaps", "made-3").await.is_none() {
        assert!(Instant::now() < patience && child.try_wait().unwrap().is_none(), "it never got that far");
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(scene.get("configmaps", "first").await.unwrap()["data"]["a"], "after");
    // Whoever had it is gone, which is known a minute later; until then nobody else takes it.
    let patience = Instant::now() + Duration::from_secs(150);
    loop {
        let list = me.says(0, &["k8s", "undo", "--list"]);
        if list[0]["state"] == "undone" {
            break;
        }
        assert!(Instant::now() < patience, "{}", list[0]);
        tokio::time::sleep(Duration::from_secs(3)).await;
    }
    assert_eq!(scene.get("configmaps", "first").await.unwrap()["data"]["a"], "before");
    for nth in 0..60 {
        assert!(scene.get("configmaps", &format!("made-{nth}")).await.is_none(), "{nth}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_secret_holds_is_in_no_file_and_in_no_output_of_ours() {
    let scene = Scene::new().await;
    let me = terminal(&scene).await;
    let canary = unique("canary");
    let hidden = STANDARD.encode(&canary);
    for value in ["first", "second"] {
        let text = format!("apiVersion: v1\nkind: Secret\nmetadata: {{ name: s }}\nstringData: {{ key: {canary}-{value} }}\n");
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("secret.yaml");
        std::fs::write(&file, text).unwrap();
        let file = file.to_str().unwrap();
        let rehearsal = me.says(0, &["k8s", "rehearse", file]);
        let digest = rehearsal["digest"].as_str().unwrap();
        let applied = me.says(0, &["k8s", "apply", file, "--digest", digest, "--approve-once"]);
        let list = me.says(0, &["k8s", "undo", "--list"]);
        for said in [&rehearsal, &applied, &list] {
            assert!(!said.to_string().contains(&canary) && !said.to_string().contains(&hidden[..12]), "{said}");
        }
    }
    let key = scene.get("secrets", "s").await.unwrap()["data"]["key"].as_str().unwrap().to_owned();
    assert_eq!(key, STANDARD.encode(format!("{canary}-second")));
    for needle in [canary.as_str(), &key[..16]] {
        for part in ["config", "home"] {
            files_without(&me.desk.path(part), needle);
        }
    }
    let id = me.says(0, &["k8s", "undo", "--list"])[0]["id"].as_str().unwrap().to_owned();
    me.says(0, &["k8s", "undo", &id, "--approve-once"]);
    let key = scene.get("secrets", "s").await.unwrap()["data"]["key"].as_str().unwrap().to_owned();
    assert_eq!(key, STANDARD.encode(format!("{canary}-first")), "what was there is back");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_done_to_one_object_is_asked_about_written_down_and_taken_back() {
    let scene = Scene::new().await;
    let me = terminal(&scene).await;
    scene.apply(&super::web("a:1", 1)).await.unwrap();
    let unasked = me.says(6, &["k8s", "scale", "deployment/web", "--replicas", "3"]);
    assert_eq!(unasked["fault"]["code"], "policy_denied", "nobody agreed: {unasked}");
    let scaled = me.says(0, &["k8s", "scale", "deploy", "web", "--replicas", "3", "--approve-once"]);
    assert_eq!((&scaled["changed"], &scaled["auditId"].is_string()), (&domain::Json::Bool(true), &true), "{scaled}");
    assert_eq!(scene.get("deployments", "web").await.unwrap()["spec"]["replicas"], 3);
    me.says(0, &["k8s", "undo", scaled["undoId"].as_str().unwrap(), "--approve-once"]);
    assert_eq!(scene.get("deployments", "web").await.unwrap()["spec"]["replicas"], 1);
    me.says(0, &["k8s", "patch", "deployment/web", "-p", "spec: { minReadySeconds: 4 }", "--approve-once"]);
    assert_eq!(scene.get("deployments", "web").await.unwrap()["spec"]["minReadySeconds"], 4);
    assert_eq!(
        me.says(3, &["k8s", "patch", "deployment/web", "-p", "spec: { minReadySecs: 4 }", "--approve-once"])["fault"]["code"],
        "manifest_refused"
    );
    me.says(0, &["k8s", "restart", "deployment/web", "--approve-once"]);
    assert_eq!(me.says(0, &["k8s", "rollout", "history", "deployment/web"]), serde_json::json!([]));
    assert_eq!(me.says(3, &["k8s", "rollout", "undo", "deployment/web", "--approve-once"])["fault"]["code"], "no_such_revision");
    let uid = scene.get("deployments", "web").await.unwrap()["metadata"]["uid"].as_str().unwrap().to_owned();
    assert_eq!(me.says(6, &["k8s", "delete", "deployment/web", "--uid", "another", "--approve-once"])["fault"]["code"], "object_moved_on");
    let deleted = me.says(0, &["k8s", "delete", "deployment/web", "--uid", &uid, "--approve-once"]);
    assert!(scene.get("deployments", "web").await.is_none());
    me.says(0, &["k8s", "undo", deleted["undoId"].as_str().unwrap(), "--approve-once"]);
    assert_eq!(scene.get("deployments", "web").await.unwrap()["spec"]["minReadySeconds"], 4);
    assert_eq!(me.says(3, &["k8s", "drain", "no-such-node", "--approve-once"])["fault"]["code"], "object_not_found");
    me.says(0, &["k8s", "rehearse", &me.file("one.yaml", &config("one", &[("a", "1")]))]);
    let log = me.desk.command(&["audit", "export"]).output().unwrap();
    let log = String::from_utf8_lossy(&log.stdout).into_owned();
    for told in ["k8s-scale-resource", "k8s-delete-resource", "cluster_change_rehearsed", "ConfigMap/one"] {
        assert!(log.contains(told), "{told}: {log}");
    }
}
