//! Changes to a real API server: rehearsed, applied as rehearsed, taken back; beside other people who change the same objects.

mod acts;
mod admission;
mod through_pilot;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use cluster::{Changes, Reach, ReachParts};
use domain::Json;
use domain::cluster::{ClusterAuth, ClusterDef};
use domain::fault::{Fault, FaultKind};
use domain::manifest::{Action, Applied, Change as _, ChangeLog as _, ChangeState, Draft, Extent, Rehearsal, RolloutTarget};
use domain::vault::{NewSecret, Owner, SecretBytes, SecretKind, Vault as _};
use protocols::guard::Errands;
use serde_json::json;
use testkit::memory::MemoryRedact;
use testkit::memory_changes::MemoryChanges;
use testkit::memory_vault::MemoryVault;
use testkit::stage::RealClock;
use testkit::testcluster::{TestCluster, testcluster};
use tokio_util::task::TaskTracker;

/// A cluster, a namespace of the test's own, and somebody else with a client.
struct Scene {
    changes: Changes,
    reach: Arc<Reach>,
    log: Arc<MemoryChanges>,
    vault: Arc<MemoryVault>,
    def: ClusterDef,
    other: kube::Client,
    ns: String,
}

/// A name that no other test of any process has.
pub(crate) fn unique(word: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("{word}-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

impl Scene {
    async fn new() -> Self {
        let scene = Self::bare("admin").await;
        let body = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": scene.ns } });
        scene.ask("POST", "/api/v1/namespaces", Some(&body)).await.unwrap();
        scene
    }

    /// Without the namespace, as a user.
    async fn bare(user: &str) -> Self {
        let test: &'static TestCluster = testcluster();
        let vault = Arc::new(MemoryVault::default());
        let guard = Arc::from([env!("CARGO_BIN_EXE_live-peer").to_owned(), protocols::guard::WORD.to_owned()]);
        let clock = Arc::new(RealClock);
        let reach = Arc::new(Reach::new(ReachParts {
            vault: vault.clone(),
            run: Arc::new(Errands::new(guard, TaskTracker::new())),
            redact: Arc::new(MemoryRedact::default()),
            clock: clock.clone(),
            env: Arc::new(BTreeMap::new()),
            plugin_patience: Reach::PLUGIN_PATIENCE,
        }));
        let def = async |user: &str| {
            let value = SecretBytes::new(test.tokens[user].as_str());
            let new = NewSecret { owner: Owner::new("cluster", "c1", user), value, kind: SecretKind::Token, expires_at: None };
            let token = vault.keep(vec![new]).await.unwrap().remove(0);
            let auth = serde_json::to_value(ClusterAuth::Token { token, expires_at: None }).unwrap();
            serde_json::from_value::<ClusterDef>(json!({
                "id": "c1", "name": "test", "server": test.server, "caPem": test.ca, "insecure": false,
                "auth": auth, "readOnly": false, "createdAt": 0, "updatedAt": 0,
            }))
            .unwrap()
        };
        let other = reach.client(&def("admin").await).await.unwrap();
        let log = Arc::new(MemoryChanges::default());
        let changes = Changes::new(reach.clone(), log.clone(), vault.clone(), clock);
        Self { changes, reach, log, def: def(user).await, vault, other, ns: unique("change") }
    }

    async fn ask(&self, method: &str, path: &str, body: Option<&Json>) -> Result<Json, kube::Error> {
        let content = if method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
        let request = http::Request::builder().method(method).uri(path).header("content-type", content);
        let request = request.body(body.map(|body| serde_json::to_vec(body).unwrap()).unwrap_or_default()).unwrap();
        self.other.request_text(request).await.map(|text| serde_json::from_str(&text).unwrap())
    }

    fn path(&self, plural: &str, name: &str) -> String {
        let root = if plural == "deployments" { "/apis/apps/v1" } else { "/api/v1" };
        format!("{root}/namespaces/{}/{plural}/{name}", self.ns)
    }

    async fn get(&self, plural: &str, name: &str) -> Option<Json> {
        self.ask("GET", &self.path(plural, name), None).await.ok()
    }

    /// Somebody else edits an object under another manager's name.
    async fn edited(&self, plural: &str, name: &str, patch: Json) {
        self.ask("PATCH", &format!("{}?fieldManager=somebody", self.path(plural, name)), Some(&patch)).await.unwrap();
    }

    fn draft(&self, text: &str) -> Draft {
        Draft { text: text.to_owned(), namespace: Some(self.ns.clone()), take_over: vec![] }
    }

    async fn rehearse(&self, text: &str) -> Result<Rehearsal, Fault> {
        self.changes.rehearse(&self.def, &self.draft(text)).await
    }

    async fn apply(&self, text: &str) -> Result<Applied, Fault> {
        let digest = self.rehearse(text).await?.digest().to_owned();
        self.changes.apply(&self.def, &self.draft(text), &digest, None).await
    }

    async fn undo(&self, id: &str) -> Result<Vec<String>, Fault> {
        let undone = self.changes.undo(&self.def, id, false).await?;
        Ok(undone.undone.into_iter().map(|step| format!("{} {}/{}", step.action, step.object.kind, step.object.name)).collect())
    }
}

fn config(name: &str, data: &[(&str, &str)]) -> String {
    let data: Vec<_> = data.iter().map(|(key, value)| format!("  {key}: \"{value}\"\n")).collect();
    let data = data.concat();
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata:\n{data}")
}

fn web(image: &str, replicas: u32) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec:\n  replicas: {replicas}\n  selector:\n    matchLabels: {{ app: web }}\n  \
         template:\n    metadata:\n      labels: {{ app: web }}\n    spec:\n      containers:\n      - name: app\n        image: {image}\n"
    )
}

fn actions(rehearsal: &Rehearsal) -> Vec<(Action, String)> {
    rehearsal.changes().iter().map(|change| (change.action, change.object.name.clone())).collect()
}

#[tokio::test]
async fn a_set_is_made_changed_and_left_alone_as_it_was_rehearsed_and_nothing_before() {
    let scene = Scene::new().await;
    let set = format!("{}---\n{}", web("a:1", 1), config("settings", &[("a", "1")]));
    let rehearsal = scene.rehearse(&set).await.unwrap();
    assert_eq!(
        actions(&rehearsal),
        [(Action::Create, "settings".to_owned()), (Action::Create, "web".to_owned())],
        "configuration comes first"
    );
    assert!(
        rehearsal.changes()[0].diff.contains("+  a: '1'") || rehearsal.changes()[0].diff.contains("+  a: \"1\""),
        "{}",
        rehearsal.changes()[0].diff
    );
    assert!(scene.get("configmaps", "settings").await.is_none(), "a rehearsal makes nothing");
    let applied = scene.apply(&set).await.unwrap();
    assert_eq!(applied.applied.len(), 2);
    assert_eq!(scene.get("configmaps", "settings").await.unwrap()["data"], json!({ "a": "1" }));

    let set = format!("{}---\n{}", web("a:2", 1), config("settings", &[("a", "1")]));
    let rehearsal = scene.rehearse(&set).await.unwrap();
    assert_eq!(actions(&rehearsal), [(Action::Unchanged, "settings".to_owned()), (Action::Change, "web".to_owned())]);
    let fields = &rehearsal.changes()[1].fields;
    assert_eq!(fields.len(), 1, "{fields:?}");
    assert_eq!(fields[0].path, "spec.template.spec.containers[name=app].image");
    assert_eq!((fields[0].before.clone(), fields[0].after.clone()), (Some(json!("a:1")), Some(json!("a:2"))));
    let diff = &rehearsal.changes()[1].diff;
    assert!(diff.contains("-        image: a:1") || diff.contains("image: a:1"), "{diff}");
    assert!(!diff.contains("managedFields") && !diff.contains("resourceVersion"), "{diff}");
    let applied = scene.apply(&set).await.unwrap();
    assert_eq!(
        applied.applied.iter().map(|(action, object)| (*action, object.kind.as_str())).collect::<Vec<_>>(),
        [(Action::Change, "Deployment")]
    );
    let nothing = scene.apply(&set).await.unwrap();
    assert!(nothing.applied.is_empty() && nothing.undo_id.is_none());
}

#[tokio::test]
async fn a_field_of_somebody_else_is_a_conflict_until_exactly_it_is_taken_over() {
    let scene = Scene::new().await;
    scene.apply(&web("a:1", 1)).await.unwrap();
    scene.edited("deployments", "web", json!({ "spec": { "replicas": 3 } })).await;
    let wanted = web("a:1", 2);
    let rehearsal = scene.rehearse(&wanted).await.unwrap();
    let [conflict] = rehearsal.conflicts() else { panic!("{:?}", rehearsal.conflicts()) };
    assert_eq!((conflict.path.as_str(), conflict.manager.as_str(), conflict.taken_over), (".spec.replicas", "somebody", false));
    let fault = scene.changes.apply(&scene.def, &scene.draft(&wanted), rehearsal.digest(), None).await.unwrap_err();
    assert_eq!((fault.code.as_str(), fault.kind), ("field_conflict", FaultKind::Denied));
    assert!(fault.message.en.contains("somebody") && fault.message.en.contains(".spec.replicas"), "{fault}");
    assert_eq!(scene.get("deployments", "web").await.unwrap()["spec"]["replicas"], 3);

    let other = Draft { take_over: vec!["Deployment/web:.spec.paused".into()], ..scene.draft(&wanted) };
    let digest = scene.changes.rehearse(&scene.def, &other).await.unwrap().digest().to_owned();
    assert_eq!(scene.changes.apply(&scene.def, &other, &digest, None).await.unwrap_err().code, "field_conflict");

    let taken = Draft { take_over: vec!["Deployment/web:.spec.replicas".into()], ..scene.draft(&wanted) };
    let again = scene.changes.rehearse(&scene.def, &taken).await.unwrap();
    assert_ne!(again.digest(), rehearsal.digest(), "what is taken over is part of what is approved");
    assert_eq!(scene.changes.apply(&scene.def, &taken, rehearsal.digest(), None).await.unwrap_err().code, "rehearsal_stale");
    scene.changes.apply(&scene.def, &taken, again.digest(), None).await.unwrap();
    assert_eq!(scene.get("deployments", "web").await.unwrap()["spec"]["replicas"], 2);
}

#[tokio::test]
async fn what_the_server_would_not_take_is_told_with_its_path_for_every_object() {
    let scene = Scene::new().await;
    let unknown = web("a:1", 1).replace("replicas:", "replcas:");
    let invalid = config("Not_A_Name", &[("a", "1")]);
    let foreign = "apiVersion: example.test/v1\nkind: Gadget\nmetadata: { name: x }\n";
    let lost = "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: x, namespace: nowhere-at-all }\n";
    let fault = scene.rehearse(&format!("{unknown}---\n{invalid}---\n{foreign}---\n{lost}")).await.unwrap_err();
    assert_eq!((fault.code.as_str(), fault.kind), ("manifest_refused", FaultKind::Config));
    let problems = fault.params["problems"].as_array().unwrap();
    let of = |name: &str, kind: &str| problems.iter().find(|one| one["object"]["name"] == name && one["object"]["kind"] == kind).unwrap();
    assert_eq!(of("web", "Deployment")["path"], "spec.replcas", "{fault}");
    let place = |one: &Json| (one["document"].as_u64().unwrap(), one["line"].as_u64().unwrap());
    assert_eq!(place(of("web", "Deployment")), (1, 6), "{fault}");
    assert!(fault.message.en.contains("(line 6)") && fault.message.zh.contains("第 6 行"), "{fault}");
    assert_eq!(of("Not_A_Name", "ConfigMap")["path"], "metadata.name");
    assert_eq!(place(of("Not_A_Name", "ConfigMap")).0, 2);
    assert!(of("x", "Gadget")["message"]["en"].as_str().unwrap().contains("no kind Gadget"));
    assert!(of("x", "ConfigMap")["message"]["en"].as_str().unwrap().contains("nowhere-at-all"));
    assert!(scene.get("deployments", "web").await.is_none());
}

#[tokio::test]
async fn a_namespace_and_a_kind_come_with_what_needs_them_and_it_is_said_how_far_that_was_tried() {
    let scene = Scene::bare("admin").await;
    let group = format!("{}.example.test", scene.ns);
    let set = format!(
        "apiVersion: {group}/v1\nkind: Widget\nmetadata: {{ name: one, namespace: {ns} }}\nspec: {{ size: 3 }}\n---\n{}---\n\
         apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{ name: widgets.{group} }}\nspec:\n  group: {group}\n  scope: \
         Namespaced\n  names: {{ kind: Widget, plural: widgets, singular: widget, listKind: WidgetList }}\n  versions:\n  - name: v1\n    served: true\n    \
         storage: true\n    schema:\n      openAPIV3Schema:\n        type: object\n        properties:\n          spec:\n            type: object\n            \
         properties: {{ size: {{ type: integer }} }}\n---\napiVersion: v1\nkind: Namespace\nmetadata: {{ name: {ns} }}\n",
        config("settings", &[("a", "1")]),
        ns = scene.ns,
    );
    let rehearsal = scene.rehearse(&set).await.unwrap();
    let extents: Vec<_> = rehearsal.changes().iter().map(|change| (change.object.kind.as_str(), change.extent)).collect();
    assert_eq!(
        extents,
        [
            ("Namespace", Extent::Whole),
            ("CustomResourceDefinition", Extent::Whole),
            ("ConfigMap", Extent::Fields),
            ("Widget", Extent::Nothing)
        ]
    );
    let warned = |word: &str| rehearsal.warnings().iter().any(|text| text.en.contains(word));
    assert!(warned("ConfigMap/settings") && warned("its kind comes with this set"), "{:?}", rehearsal.warnings());
    let wrong = set.replace("\ndata:", "\ndta:");
    let fault = scene.rehearse(&wrong).await.unwrap_err();
    assert!(fault.message.en.contains("dta"), "its fields are tried all the same: {fault}");

    let applied = scene.changes.apply(&scene.def, &scene.draft(&set), rehearsal.digest(), None).await.unwrap();
    assert_eq!(applied.applied.len(), 4);
    let widget = format!("/apis/{group}/v1/namespaces/{}/widgets/one", scene.ns);
    assert_eq!(scene.ask("GET", &widget, None).await.unwrap()["spec"]["size"], 3);

    // Somebody puts something into the new namespace: deleting it would take that along.
    let theirs = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "theirs" } });
    scene.ask("POST", &format!("/api/v1/namespaces/{}/configmaps", scene.ns), Some(&theirs)).await.unwrap();
    let id = applied.undo_id.unwrap();
    let fault = scene.undo(&id).await.unwrap_err();
    assert!(fault.code == "undo_refused" && fault.message.en.contains("ConfigMap/theirs"), "{fault}");
    scene.ask("DELETE", &scene.path("configmaps", "theirs"), None).await.unwrap();
    let undone = scene.undo(&id).await.unwrap();
    assert_eq!(undone.len(), 4, "{undone:?}");
    assert!(undone[3].starts_with("delete Namespace/") && undone[0].starts_with("delete Widget/"), "{undone:?}");
    assert!(scene.ask("GET", &widget, None).await.is_err());
    let namespace = scene.ask("GET", &format!("/api/v1/namespaces/{}", scene.ns), None).await;
    assert!(namespace.is_err() || namespace.unwrap()["metadata"]["deletionTimestamp"].is_string());
}

#[tokio::test]
async fn who_may_not_is_told_what_is_missing_and_a_read_only_cluster_is_not_even_tried() {
    let scene = Scene::new().await;
    let mut viewer = Scene::bare("viewer").await;
    viewer.ns.clone_from(&scene.ns);
    let fault = viewer.rehearse(&config("settings", &[("a", "1")])).await.unwrap_err();
    assert_eq!((fault.code.as_str(), fault.kind), ("cluster_forbidden", FaultKind::Denied));
    for part in ["viewer", "ConfigMap/settings", &scene.ns] {
        assert!(fault.message.en.contains(part), "{fault}");
    }
    let mut closed = Scene::bare("admin").await;
    closed.ns.clone_from(&scene.ns);
    closed.def.read_only = true;
    let fault = closed.rehearse(&config("settings", &[("a", "1")])).await.unwrap_err();
    assert_eq!((fault.code.as_str(), fault.kind), ("cluster_read_only", FaultKind::Denied));
    assert!(fault.message.en.contains("rehears"), "{fault}");
    let rehearsal = scene.rehearse(&config("settings", &[("a", "1")])).await.unwrap();
    let fault = closed.changes.apply(&closed.def, &closed.draft("x"), rehearsal.digest(), None).await.unwrap_err();
    assert_eq!(fault.code, "cluster_read_only");
    assert!(scene.get("configmaps", "settings").await.is_none());
}

#[tokio::test]
async fn what_moved_since_the_rehearsal_goes_back_to_the_person_and_a_status_report_does_not_count() {
    let scene = Scene::new().await;
    scene.apply(&web("a:1", 1)).await.unwrap();
    let wanted = web("a:2", 1);
    let digest = scene.rehearse(&wanted).await.unwrap().digest().to_owned();
    let path = format!("{}/status", scene.path("deployments", "web"));
    scene.ask("PATCH", &path, Some(&json!({ "status": { "observedGeneration": 1, "replicas": 1 } }))).await.unwrap();
    assert_eq!(scene.rehearse(&wanted).await.unwrap().digest(), digest);
    scene.edited("deployments", "web", json!({ "metadata": { "labels": { "edited": "yes" } } })).await;
    let fault = scene.changes.apply(&scene.def, &scene.draft(&wanted), &digest, None).await.unwrap_err();
    assert_eq!((fault.code.as_str(), fault.kind.exit_code()), ("rehearsal_stale", 6));
    for (text, digest) in [(web("a:3", 1), digest.as_str()), (wanted.clone(), "0000")] {
        let fault = scene.changes.apply(&scene.def, &scene.draft(&text), digest, None).await.unwrap_err();
        assert_eq!(fault.code, "rehearsal_stale");
    }
    assert_eq!(scene.get("deployments", "web").await.unwrap()["spec"]["template"]["spec"]["containers"][0]["image"], "a:1");
    // A digest that fits, and that nobody got from a rehearsal here, is none.
    let right = scene.rehearse(&wanted).await.unwrap().digest().to_owned();
    let mut elsewhere = Scene::bare("admin").await;
    elsewhere.ns.clone_from(&scene.ns);
    assert_eq!(elsewhere.changes.apply(&elsewhere.def, &scene.draft(&wanted), &right, None).await.unwrap_err().code, "rehearsal_stale");
    scene.changes.apply(&scene.def, &scene.draft(&wanted), &right, None).await.unwrap();
}

#[tokio::test]
async fn a_set_is_taken_back_what_was_made_goes_what_is_gone_comes_back_and_fields_are_as_before() {
    let scene = Scene::new().await;
    scene.apply(&format!("{}---\n{}", config("changed", &[("a", "1"), ("b", "1")]), config("gone", &[("x", "1")]))).await.unwrap();
    let set = format!(
        "{}---\n{}---\n{}",
        config("changed", &[("a", "2"), ("c", "new")]),
        config("gone", &[("x", "2")]),
        config("made", &[("y", "1")])
    );
    let id = scene.apply(&set).await.unwrap().undo_id.unwrap();
    scene.ask("DELETE", &scene.path("configmaps", "gone"), None).await.unwrap();
    // Somebody adds something of their own beside the change: that stays.
    scene.edited("configmaps", "changed", json!({ "data": { "theirs": "kept" } })).await;
    let undone = scene.undo(&id).await.unwrap();
    assert_eq!(undone, ["delete ConfigMap/made", "recreate ConfigMap/gone", "restore ConfigMap/changed"]);
    assert_eq!(scene.get("configmaps", "changed").await.unwrap()["data"], json!({ "a": "1", "b": "1", "theirs": "kept" }));
    assert_eq!(scene.get("configmaps", "gone").await.unwrap()["data"], json!({ "x": "1" }));
    assert!(scene.get("configmaps", "made").await.is_none());
    assert_eq!(scene.undo(&id).await.unwrap_err().code, "undo_refused", "once is enough");
    assert_eq!(scene.log.change(&id).await.unwrap().unwrap().state, ChangeState::Undone);
}

#[tokio::test]
async fn an_undo_that_would_lose_somebody_elses_edit_is_refused_with_it_unless_told_to() {
    let scene = Scene::new().await;
    scene.apply(&config("one", &[("a", "1")])).await.unwrap();
    let set = format!("{}---\n{}", config("one", &[("a", "2")]), config("made", &[("y", "1")]));
    let id = scene.apply(&set).await.unwrap().undo_id.unwrap();
    scene.edited("configmaps", "one", json!({ "data": { "a": "3" } })).await;
    scene.edited("configmaps", "made", json!({ "data": { "z": "theirs" } })).await;
    let fault = scene.undo(&id).await.unwrap_err();
    assert_eq!((fault.code.as_str(), fault.kind), ("undo_refused", FaultKind::Denied));
    for part in ["data.a", "\"2\"", "\"3\"", "ConfigMap/made", "data.z"] {
        assert!(fault.message.en.contains(part), "{part}: {fault}");
    }
    assert_eq!(scene.get("configmaps", "one").await.unwrap()["data"], json!({ "a": "3" }), "nothing was taken back");
    assert!(scene.get("configmaps", "made").await.is_some());
    scene.changes.undo(&scene.def, &id, true).await.unwrap();
    assert_eq!(scene.get("configmaps", "one").await.unwrap()["data"], json!({ "a": "1" }));
    assert!(scene.get("configmaps", "made").await.is_none());
}

#[tokio::test]
async fn a_set_that_stops_in_the_middle_says_what_is_applied_and_can_be_taken_back() {
    let scene = Scene::new().await;
    // What no dry run sees: another object of the same set takes the same port of the nodes.
    let service = |name: &str| {
        format!(
            "apiVersion: v1\nkind: Service\nmetadata: {{ name: {name} }}\nspec:\n  type: NodePort\n  selector: {{ a: b }}\n  ports: [{{ port: 80, nodePort: 31987 }}]\n"
        )
    };
    let set = format!("{}---\n{}---\n{}", config("first", &[("a", "1")]), service("one"), service("two"));
    let fault = scene.apply(&set).await.unwrap_err();
    assert_eq!(fault.code, "apply_incomplete", "{fault}");
    assert_ne!(fault.kind.exit_code(), 6, "that would promise that nothing was changed");
    assert_eq!(fault.params["applied"].as_array().unwrap().len(), 2);
    assert_eq!(fault.params["notApplied"][0]["name"], "two");
    let undone = scene.undo(fault.params["undoId"].as_str().unwrap()).await.unwrap();
    assert_eq!(undone, ["nothing Service/two", "delete Service/one", "delete ConfigMap/first"]);
    assert!(scene.get("configmaps", "first").await.is_none() && scene.get("services", "one").await.is_none());
}

#[tokio::test]
async fn who_will_set_a_change_back_is_named() {
    let scene = Scene::new().await;
    scene.apply(&web("a:1", 1)).await.unwrap();
    let hpa = json!({ "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": { "name": "scaler" },
        "spec": { "maxReplicas": 5, "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" } } });
    scene.ask("POST", &format!("/apis/autoscaling/v2/namespaces/{}/horizontalpodautoscalers", scene.ns), Some(&hpa)).await.unwrap();
    let argo = json!({ "metadata": { "annotations": { "argocd.argoproj.io/tracking-id": "shop:apps/Deployment:x/web" } } });
    scene.edited("deployments", "web", argo).await;
    let rehearsal = scene.rehearse(&web("a:1", 4)).await.unwrap();
    let by: Vec<(&str, &str)> = rehearsal.undone_by().iter().map(|one| (one.by.as_str(), one.path.as_str())).collect();
    assert_eq!(by, [("Argo CD shop", ""), ("HorizontalPodAutoscaler scaler", "spec.replicas")]);
    assert!(scene.rehearse(&web("a:1", 1)).await.unwrap().undone_by().is_empty(), "what changes nothing is not set back");
}

#[tokio::test]
async fn a_secrets_values_are_told_nowhere_and_come_back_all_the_same() {
    let scene = Scene::new().await;
    let secret = |value: &str| {
        format!("apiVersion: v1\nkind: Secret\nmetadata: {{ name: s }}\nstringData: {{ key: {value}, same: canary-same-0 }}\n")
    };
    let made = scene.apply(&secret("canary-first-1")).await.unwrap();
    let rehearsal = scene.rehearse(&secret("canary-second-2")).await.unwrap();
    let told = serde_json::to_string(&rehearsal).unwrap();
    assert!(!told.contains("canary") && !told.contains("Y2FuYXJ5"), "{told}");
    let paths: Vec<&str> = rehearsal.changes()[0].fields.iter().map(|field| field.path.as_str()).collect();
    assert_eq!(paths, ["data.key"], "which one differs is told");
    let changed = scene.apply(&secret("canary-second-2")).await.unwrap();
    for change in [&made, &changed] {
        let kept = scene.log.change(change.undo_id.as_ref().unwrap()).await.unwrap().unwrap();
        let kept = serde_json::to_string(&kept).unwrap();
        assert!(!kept.contains("canary") && !kept.contains("Y2FuYXJ5"), "{kept}");
    }
    scene.undo(changed.undo_id.as_ref().unwrap()).await.unwrap();
    assert_eq!(scene.get("secrets", "s").await.unwrap()["data"]["key"], "Y2FuYXJ5LWZpcnN0LTE=");
    let left = scene.vault.list().await.unwrap();
    assert!(left.iter().all(|facts| facts.owner.kind != "change"), "what was kept for the undo is gone from the vault");
    let fault = scene.undo(made.undo_id.as_ref().unwrap()).await.unwrap_err();
    assert!(fault.code == "undo_refused" && !format!("{fault:?}").contains("canary"), "it was written since: {fault:?}");
}

#[tokio::test]
async fn a_change_that_nobody_confirms_is_due_and_one_that_is_confirmed_is_not() {
    let scene = Scene::new().await;
    let apply = async |name: &str| {
        let text = config(name, &[("a", "1")]);
        let digest = scene.rehearse(&text).await.unwrap().digest().to_owned();
        scene.changes.apply(&scene.def, &scene.draft(&text), &digest, Some(Duration::from_millis(1))).await.unwrap()
    };
    let (kept, lost) = (apply("kept").await, apply("lost").await);
    assert!(kept.revert_at.is_some());
    scene.changes.confirm(kept.undo_id.as_ref().unwrap()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(5)).await;
    let due: Vec<String> = scene.changes.due().await.unwrap().into_iter().map(|view| view.id).collect();
    assert_eq!(due, [lost.undo_id.clone().unwrap()]);
    scene.undo(&due[0]).await.unwrap();
    assert!(scene.changes.due().await.unwrap().is_empty());
    assert_eq!(scene.changes.confirm(&due[0]).await.unwrap_err().code, "not_waiting");
    assert!(scene.get("configmaps", "kept").await.is_some() && scene.get("configmaps", "lost").await.is_none());
}

#[tokio::test]
async fn a_rollout_says_why_its_pods_are_not_ready() {
    let scene = Scene::new().await;
    scene.apply(&web("a:1", 1)).await.unwrap();
    let status = json!({ "status": { "observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "unavailableReplicas": 1 } });
    scene.ask("PATCH", &format!("{}/status", scene.path("deployments", "web")), Some(&status)).await.unwrap();
    let account = json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": { "name": "default" } });
    let _ = scene.ask("POST", &format!("/api/v1/namespaces/{}/serviceaccounts", scene.ns), Some(&account)).await;
    let pod = json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "web-1", "labels": { "app": "web" } },
        "spec": { "automountServiceAccountToken": false, "containers": [{ "name": "app", "image": "a:1" }] } });
    scene.ask("POST", &format!("/api/v1/namespaces/{}/pods", scene.ns), Some(&pod)).await.unwrap();
    let waiting = json!({ "status": { "containerStatuses": [{ "name": "app", "image": "a:1", "imageID": "", "ready": false, "restartCount": 0,
        "state": { "waiting": { "reason": "ImagePullBackOff", "message": "Back-off pulling image" } } }] } });
    scene.ask("PATCH", &format!("{}/status", scene.path("pods", "web-1")), Some(&waiting)).await.unwrap();
    let event = json!({ "apiVersion": "v1", "kind": "Event", "metadata": { "name": "e1" }, "type": "Warning", "reason": "Failed",
        "message": "Failed to pull image \"a:1\": not found", "lastTimestamp": "2026-01-01T00:00:00Z",
        "involvedObject": { "kind": "Pod", "name": "web-1", "namespace": scene.ns } });
    scene.ask("POST", &format!("/api/v1/namespaces/{}/events", scene.ns), Some(&event)).await.unwrap();
    let target = RolloutTarget { kind: "deploy".into(), name: "web".into(), namespace: Some(scene.ns.clone()) };
    let rollout = scene.changes.rollout(&scene.def, &target, None).await.unwrap();
    assert_eq!((rollout.state.as_str(), rollout.ready), ("progressing", 0));
    let [reason] = rollout.reasons.as_slice() else { panic!("{rollout:?}") };
    assert_eq!((reason.reason.as_str(), reason.container.as_deref()), ("ImagePullBackOff", Some("app")));
    assert!(reason.message.contains("not found"), "{reason:?}");
    let status = json!({ "status": { "observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1, "unavailableReplicas": null } });
    scene.ask("PATCH", &format!("{}/status", scene.path("deployments", "web")), Some(&status)).await.unwrap();
    let done = scene.changes.rollout(&scene.def, &target, Some(Duration::from_secs(20))).await.unwrap();
    assert_eq!(done.state, "done", "{done:?}");
}
