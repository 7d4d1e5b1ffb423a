//! Acts on single objects of a real API server: tried, carried out on exactly what was seen, taken back; and every tool that acts, once.
//! Nobody runs controllers there: what they would report is written by hand.

use domain::JsonMap;
use domain::act::{ActIo, ActTarget, Deed, DrainOrder, Foresight, PatchKind, Propagation};
use domain::cluster::Clusters as _;
use domain::kube::{Kube as _, MASKED};
use domain::local::{LocalModule, LocalSettings, LocalTools as _};
use domain::manifest::Change;
use domain::protocol::{CallEvent, CallIo};
use domain::tool::ToolResult;
use testkit::memory_vault::MemoryClusters;
use toolbox::{Clustering, Places, Toolbox};

use super::*;

/// A scene with the tools over it.
struct Acting {
    scene: Scene,
    look: Arc<cluster::Look>,
    module: Arc<dyn LocalModule>,
}

impl Acting {
    async fn new() -> Self {
        Self::over(Scene::new().await).await
    }

    async fn over(scene: Scene) -> Self {
        let look = Arc::new(cluster::Look::new(scene.reach.clone()));
        let mut def = scene.def.clone();
        def.namespace = Some(scene.ns.clone());
        let changes: Arc<dyn Change> =
            Arc::new(Changes::new(scene.reach.clone(), scene.log.clone(), scene.vault.clone(), Arc::new(RealClock)));
        let clusters = MemoryClusters::default();
        clusters.put_clusters(&[def]).await.unwrap();
        let clustering = Clustering {
            kube: look.clone(),
            change: Some(changes),
            manifests: None,
            inside: None,
            clusters: Arc::new(clusters),
            clock: Arc::new(RealClock),
        };
        let module = Toolbox::new(Places::default()).with_clusters(clustering);
        let module = module.open(&LocalSettings { module: Some("kubernetes".into()), ..LocalSettings::default() }).unwrap();
        Self { scene, look, module }
    }

    async fn target(&self, kind: &str, name: &str) -> ActTarget {
        let kind = self.look.kind(&self.scene.def, kind).await.unwrap();
        ActTarget { kind, namespace: Some(self.scene.ns.clone()), name: name.into() }
    }

    async fn foresee(&self, deed: &Deed) -> Result<Foresight, Fault> {
        self.scene.changes.foresee(&self.scene.def, deed).await
    }

    async fn act(&self, deed: &Deed, seen: Option<&str>) -> Result<domain::act::Done, Fault> {
        self.scene.changes.act(&self.scene.def, deed, seen, &ActIo::default()).await
    }

    async fn web(&self) -> Json {
        self.scene.apply(&web("a:1", 1)).await.unwrap();
        self.scene.get("deployments", "web").await.unwrap()
    }

    async fn tool(&self, name: &str, args: Json) -> ToolResult {
        let args: JsonMap = args.as_object().cloned().unwrap();
        self.module.call(&name.into(), args, CallIo::quiet()).await.unwrap()
    }

    async fn says(&self, name: &str, args: Json) -> Json {
        let result = self.tool(name, args).await;
        assert!(!result.is_error, "{name}: {}", result.text());
        result.structured_content.unwrap()
    }

    async fn refuses(&self, name: &str, args: Json) -> String {
        let result = self.tool(name, args).await;
        assert!(result.is_error, "{name}: {}", result.text());
        result.structured_content.unwrap()["fault"]["code"].as_str().unwrap().to_owned()
    }

    /// What a workload's controller would keep of an earlier template.
    async fn kept_revision(&self, owner: &Json, revision: u64, image: &str) {
        let name = format!("{}-{revision}", owner["metadata"]["name"].as_str().unwrap());
        let kind = owner["kind"].as_str().unwrap();
        let labels = owner["spec"]["selector"]["matchLabels"].clone();
        let mut template = owner["spec"]["template"].clone();
        template["spec"]["containers"][0]["image"] = image.into();
        let owners = json!([{ "apiVersion": "apps/v1", "kind": kind, "name": owner["metadata"]["name"], "uid": owner["metadata"]["uid"], "controller": true }]);
        let ns = &self.scene.ns;
        let (path, body) = if kind == "Deployment" {
            template["metadata"]["labels"]["pod-template-hash"] = name.as_str().into();
            let mut hashed = labels.clone();
            hashed["pod-template-hash"] = name.as_str().into();
            let annotations = json!({ "deployment.kubernetes.io/revision": revision.to_string(), "kubernetes.io/change-cause": format!("made {revision}") });
            let body = json!({ "apiVersion": "apps/v1", "kind": "ReplicaSet",
                "metadata": { "name": name, "labels": hashed, "annotations": annotations, "ownerReferences": owners },
                "spec": { "replicas": 0, "selector": { "matchLabels": hashed }, "template": template } });
            (format!("/apis/apps/v1/namespaces/{ns}/replicasets"), body)
        } else {
            template["$patch"] = "replace".into();
            let body = json!({ "apiVersion": "apps/v1", "kind": "ControllerRevision", "revision": revision,
                "metadata": { "name": name, "labels": labels, "ownerReferences": owners }, "data": { "spec": { "template": template } } });
            (format!("/apis/apps/v1/namespaces/{ns}/controllerrevisions"), body)
        };
        self.scene.ask("POST", &path, Some(&body)).await.unwrap();
    }
}

#[tokio::test]
async fn a_deployment_is_scaled_through_its_scale_and_back() {
    let me = Acting::new().await;
    me.web().await;
    let hpa = json!({ "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": { "name": "h" },
        "spec": { "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" }, "maxReplicas": 3 } });
    me.scene.ask("POST", &format!("/apis/autoscaling/v2/namespaces/{}/horizontalpodautoscalers", me.scene.ns), Some(&hpa)).await.unwrap();
    let deed = Deed::Scale { target: me.target("deploy", "web").await, replicas: 4 };
    let foresight = me.foresee(&deed).await.unwrap();
    assert!(foresight.changes[0].diff.contains("+  replicas: 4"), "{}", foresight.changes[0].diff);
    assert_eq!(foresight.undone_by[0].by, "HorizontalPodAutoscaler h");
    assert_eq!(me.scene.get("deployments", "web").await.unwrap()["spec"]["replicas"], 1, "it was only tried");
    let done = me.act(&deed, Some(&foresight.seen)).await.unwrap();
    let now = me.scene.get("deployments", "web").await.unwrap();
    assert_eq!(now["spec"]["replicas"], 4);
    assert!(
        now["metadata"]["managedFields"]
            .as_array()
            .unwrap()
            .iter()
            .any(|one| one["subresource"] == "scale" && one["manager"] == "pilothouse")
    );
    assert!(me.act(&deed, None).await.unwrap().undo_id.is_none(), "it is so already");
    assert_eq!(me.scene.undo(&done.undo_id.unwrap()).await.unwrap(), ["restore Deployment/web"]);
    assert_eq!(me.scene.get("deployments", "web").await.unwrap()["spec"]["replicas"], 1);
    me.scene.apply(&config("plain", &[("a", "1")])).await.unwrap();
    let deed = Deed::Scale { target: me.target("configmaps", "plain").await, replicas: 4 };
    assert_eq!(me.foresee(&deed).await.unwrap_err().code, "not_scalable");
}

#[tokio::test]
async fn what_moved_on_since_it_was_seen_is_left_alone_and_a_report_of_status_is_no_move() {
    let me = Acting::new().await;
    let live = me.web().await;
    let delete = Deed::Delete {
        target: me.target("deployments", "web").await,
        propagation: Propagation::Background,
        grace_seconds: None,
        uid: None,
        resource_version: None,
    };
    let scale = Deed::Scale { target: me.target("deployments", "web").await, replicas: 2 };
    let (one, other) = (me.foresee(&delete).await.unwrap().seen, me.foresee(&scale).await.unwrap().seen);
    assert!(me.scene.get("deployments", "web").await.is_some(), "a deletion that is tried deletes nothing");
    let status = json!({ "status": { "observedGeneration": 1, "replicas": 1 } });
    me.scene.ask("PATCH", &format!("{}/status", me.scene.path("deployments", "web")), Some(&status)).await.unwrap();
    me.act(&scale, Some(&other)).await.unwrap();
    let fault = me.act(&delete, Some(&one)).await.unwrap_err();
    assert_eq!((fault.code.as_str(), fault.kind), ("object_moved_on", FaultKind::Denied));
    let exact = |uid: Option<&str>, version: Option<&str>| Deed::Delete {
        target: delete.target().clone(),
        propagation: Propagation::Orphan,
        grace_seconds: Some(0),
        uid: uid.map(str::to_owned),
        resource_version: version.map(str::to_owned),
    };
    let old = live["metadata"]["resourceVersion"].as_str();
    for deed in [exact(Some("another"), None), exact(None, old)] {
        assert_eq!(me.act(&deed, None).await.unwrap_err().code, "object_moved_on");
    }
    let now = me.scene.get("deployments", "web").await.unwrap();
    assert_eq!(now["spec"]["replicas"], 2);
    let done = me.act(&exact(now["metadata"]["uid"].as_str(), now["metadata"]["resourceVersion"].as_str()), None).await.unwrap();
    // Whoever lets its dependents stay waits for the collector of garbage, which does not run here.
    let ending = me.scene.get("deployments", "web").await.unwrap();
    assert_eq!(ending["metadata"]["finalizers"], json!(["orphan"]));
    assert_eq!(me.scene.undo(done.undo_id.as_deref().unwrap()).await.unwrap_err().code, "undo_refused");
    me.scene.ask("PATCH", &me.scene.path("deployments", "web"), Some(&json!({ "metadata": { "finalizers": null } }))).await.unwrap();
    assert!(me.scene.get("deployments", "web").await.is_none());
    assert_eq!(me.scene.undo(&done.undo_id.unwrap()).await.unwrap(), ["recreate Deployment/web"]);
    assert_eq!(me.scene.get("deployments", "web").await.unwrap()["spec"], now["spec"]);
}

#[tokio::test]
async fn workloads_restart_and_go_back_to_revisions_that_their_controllers_kept() {
    let me = Acting::new().await;
    let live = me.web().await;
    me.kept_revision(&live, 1, "a:0").await;
    me.kept_revision(&live, 2, "a:1").await;
    me.scene.edited("deployments", "web", json!({ "metadata": { "annotations": { "deployment.kubernetes.io/revision": "2" } } })).await;
    let target = me.target("deployments", "web").await;
    let list = me.scene.changes.revisions(&me.scene.def, &target).await.unwrap();
    let told: Vec<_> =
        list.iter().map(|one| (one.revision, one.current, one.images[0].as_str(), one.change_cause.as_deref().unwrap())).collect();
    assert_eq!(told, [(2, true, "a:1", "made 2"), (1, false, "a:0", "made 1")]);
    let done = me.act(&Deed::RollBack { target: target.clone(), revision: None }, None).await.unwrap();
    assert_eq!(done.revisions, Some((1, 2)));
    let now = me.scene.get("deployments", "web").await.unwrap();
    assert_eq!(now["spec"]["template"]["spec"]["containers"][0]["image"], "a:0");
    assert!(now["spec"]["template"]["metadata"]["labels"]["pod-template-hash"].is_null());
    assert_eq!(now["metadata"]["annotations"]["kubernetes.io/change-cause"], "made 1");
    me.scene.undo(&done.undo_id.unwrap()).await.unwrap();
    assert_eq!(me.scene.get("deployments", "web").await.unwrap()["spec"]["template"]["spec"]["containers"][0]["image"], "a:1");
    let fault = me.act(&Deed::RollBack { target: target.clone(), revision: Some(9) }, None).await.unwrap_err();
    assert_eq!((fault.code.as_str(), &fault.params["kept"]), ("no_such_revision", &json!([2, 1])));

    let done = me.act(&Deed::Restart { target: target.clone() }, None).await.unwrap();
    let stamp = done.after.unwrap()["spec"]["template"]["metadata"]["annotations"]["kubectl.kubernetes.io/restartedAt"].clone();
    assert!(stamp.as_str().unwrap().ends_with('Z'), "with its zone: {stamp}");
    me.scene.undo(&done.undo_id.unwrap()).await.unwrap();
    me.scene.edited("deployments", "web", json!({ "spec": { "paused": true } })).await;
    assert_eq!(me.act(&Deed::Restart { target }, None).await.unwrap_err().code, "rollout_paused");

    for (kind, plural) in [("StatefulSet", "statefulsets"), ("DaemonSet", "daemonsets")] {
        let mut body = json!({ "apiVersion": "apps/v1", "kind": kind, "metadata": { "name": "s" }, "spec": {
            "selector": { "matchLabels": { "app": "s" } },
            "template": { "metadata": { "labels": { "app": "s" } }, "spec": { "containers": [{ "name": "app", "image": "s:2" }] } } } });
        if kind == "StatefulSet" {
            body["spec"]["serviceName"] = "s".into();
        }
        let path = format!("/apis/apps/v1/namespaces/{}/{plural}", me.scene.ns);
        let live = me.scene.ask("POST", &path, Some(&body)).await.unwrap();
        // The body of an answer to a request that makes something says its kind.
        me.kept_revision(&live, 1, "s:1").await;
        let mut second = live.clone();
        second["metadata"]["name"] = "s".into();
        me.kept_revision(&second, 2, "s:2").await;
        let target = me.target(plural, "s").await;
        let done = me.act(&Deed::RollBack { target, revision: Some(1) }, None).await.unwrap();
        let now = me.scene.ask("GET", &format!("{path}/s"), None).await.unwrap();
        assert_eq!(now["spec"]["template"]["spec"]["containers"][0]["image"], "s:1", "{kind}");
        me.scene.undo(&done.undo_id.unwrap()).await.unwrap();
        // Both kinds keep revisions under the same names.
        for revision in [1, 2] {
            me.scene
                .ask("DELETE", &format!("/apis/apps/v1/namespaces/{}/controllerrevisions/s-{revision}", me.scene.ns), None)
                .await
                .unwrap();
        }
    }
}

#[tokio::test]
async fn patches_of_each_sort_are_strict_and_a_secrets_values_are_shown_nowhere() {
    let me = Acting::new().await;
    me.web().await;
    let target = me.target("deployments", "web").await;
    let patched = |kind: Option<PatchKind>, patch: Json| Deed::Patch { target: target.clone(), kind, patch };
    let strategic = patched(None, json!({ "spec": { "template": { "spec": { "containers": [{ "name": "side", "image": "s:1" }] } } } }));
    let done = me.act(&strategic, None).await.unwrap();
    assert_eq!(done.after.unwrap()["spec"]["template"]["spec"]["containers"].as_array().unwrap().len(), 2, "merged by name");
    me.scene.undo(&done.undo_id.unwrap()).await.unwrap();
    me.act(&patched(Some(PatchKind::Merge), json!({ "metadata": { "labels": { "a": "1" } } })), None).await.unwrap();
    let steps =
        json!([{ "op": "test", "path": "/metadata/labels/a", "value": "1" }, { "op": "replace", "path": "/spec/replicas", "value": 3 }]);
    me.act(&patched(Some(PatchKind::Json), steps), None).await.unwrap();
    let now = me.scene.get("deployments", "web").await.unwrap();
    assert_eq!((&now["metadata"]["labels"]["a"], &now["spec"]["replicas"]), (&json!("1"), &json!(3)));
    let fault = me.act(&patched(None, json!({ "spec": { "replcas": 3 } })), None).await.unwrap_err();
    assert_eq!((fault.code.as_str(), &fault.params["problems"][0]["path"]), ("manifest_refused", &json!("spec.replcas")), "{fault}");
    let old = json!({ "metadata": { "resourceVersion": "1" }, "spec": { "replicas": 9 } });
    assert_eq!(me.act(&patched(None, old), None).await.unwrap_err().code, "object_moved_on");
    assert_eq!(me.act(&patched(Some(PatchKind::Json), json!({ "spec": {} })), None).await.unwrap_err().code, "bad_patch");
    assert!(me.act(&patched(None, json!({ "spec": { "replicas": 3 } })), None).await.unwrap().undo_id.is_none(), "nothing to do");

    let secret = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "s" }, "stringData": { "a": "canary-one", "b": "canary-two" } });
    me.scene.ask("POST", &format!("/api/v1/namespaces/{}/secrets", me.scene.ns), Some(&secret)).await.unwrap();
    let target = me.target("secrets", "s").await;
    let deed = Deed::Patch { target: target.clone(), kind: None, patch: json!({ "stringData": { "a": "canary-three" } }) };
    let foresight = me.foresee(&deed).await.unwrap();
    let done = me.act(&deed, None).await.unwrap();
    let whole = format!("{foresight:?} {done:?} {:?}", me.scene.log.changes(9).await.unwrap());
    for value in ["canary", "Y2FuYXJ5"] {
        assert!(!whole.contains(value), "{whole}");
    }
    assert!(foresight.changes[0].diff.contains("(hidden, changed)"), "{}", foresight.changes[0].diff);
    // Looked at, and sent back with one value: the hidden one stays.
    let mut seen = me.look.object(&me.scene.def, &target.kind, target.namespace.as_deref(), "s").await.unwrap();
    assert_eq!(seen["data"]["a"], MASKED);
    seen["data"]["b"] = "bmV3".into();
    me.act(&Deed::Replace { target: target.clone(), object: seen.clone() }, None).await.unwrap();
    let now = me.scene.get("secrets", "s").await.unwrap();
    assert_eq!((&now["data"]["a"], &now["data"]["b"]), (&json!("Y2FuYXJ5LXRocmVl"), &json!("bmV3")));
    assert_eq!(
        me.act(&Deed::Replace { target: target.clone(), object: seen }, None).await.unwrap_err().code,
        "object_moved_on",
        "an old version"
    );
    let delete = Deed::Delete { target, propagation: Propagation::Background, grace_seconds: None, uid: None, resource_version: None };
    let done = me.act(&delete, None).await.unwrap();
    assert!(me.scene.get("secrets", "s").await.is_none());
    me.scene.undo(&done.undo_id.unwrap()).await.unwrap();
    assert_eq!(me.scene.get("secrets", "s").await.unwrap()["data"], now["data"], "out of the vault");
}

#[tokio::test]
async fn a_namespace_says_what_goes_with_it_and_a_path_is_never_that_of_all() {
    let me = Acting::new().await;
    me.scene.apply(&config("precious", &[("a", "1")])).await.unwrap();
    let kind = me.look.kind(&me.scene.def, "namespaces").await.unwrap();
    let delete = |name: &str| Deed::Delete {
        target: ActTarget { kind: kind.clone(), namespace: None, name: name.into() },
        propagation: Propagation::Background,
        grace_seconds: None,
        uid: None,
        resource_version: None,
    };
    let foresight = me.foresee(&delete(&me.scene.ns)).await.unwrap();
    assert!(foresight.warnings.iter().any(|text| text.en.contains("ConfigMap/precious")), "{:?}", foresight.warnings);
    assert_eq!(foresight.changes[0].action, Action::Delete);
    for name in ["", "..", "a/b", "a?b"] {
        assert_eq!(me.act(&delete(name), None).await.unwrap_err().code, "bad_name", "{name}");
    }
    assert_eq!(me.act(&delete("nobody-has-this"), None).await.unwrap_err().code, "object_not_found");
}

/// A node with pods of a namespace on it.
async fn node_with_pods(me: &Acting, pods: &[(&str, Json)]) -> String {
    let name = unique("node");
    let node = json!({ "apiVersion": "v1", "kind": "Node", "metadata": { "name": name } });
    me.scene.ask("POST", "/api/v1/nodes", Some(&node)).await.unwrap();
    // The controller that makes it does not run here; the second time it is there.
    let account = json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": { "name": "default" } });
    let _ = me.scene.ask("POST", &format!("/api/v1/namespaces/{}/serviceaccounts", me.scene.ns), Some(&account)).await;
    for (pod, more) in pods {
        let mut body = json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": pod, "labels": { "app": pod } },
            "spec": { "nodeName": name, "terminationGracePeriodSeconds": 0, "containers": [{ "name": "c", "image": "c" }] } });
        for (key, value) in more.as_object().unwrap() {
            for (inner, value) in value.as_object().unwrap() {
                body[key][inner] = value.clone();
            }
        }
        me.scene.ask("POST", &format!("/api/v1/namespaces/{}/pods", me.scene.ns), Some(&body)).await.unwrap();
    }
    name
}

fn owned_by(kind: &str, name: &str) -> Json {
    json!({ "metadata": { "ownerReferences": [{ "apiVersion": "apps/v1", "kind": kind, "name": name, "uid": "u", "controller": true }] } })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_is_drained_within_budgets_and_what_would_be_lost_is_left_alone() {
    let me = Acting::new().await;
    let lonely = node_with_pods(&me, &[("lonely", json!({})), ("fine", owned_by("ReplicaSet", "r"))]).await;
    let drain = async |node: &str, order: DrainOrder, io: &ActIo| {
        let kind = me.look.kind(&me.scene.def, "nodes").await.unwrap();
        let deed = Deed::Drain { target: ActTarget { kind, namespace: None, name: node.to_owned() }, order };
        me.scene.changes.act(&me.scene.def, &deed, None, io).await
    };
    let order = DrainOrder { force: false, delete_emptydir_data: false, grace_seconds: None, timeout: Duration::from_secs(60) };
    let fault = drain(&lonely, order, &ActIo::default()).await.unwrap_err();
    assert_eq!((fault.code.as_str(), &fault.params["pods"][0]["name"]), ("drain_refused", &json!("lonely")), "{fault}");
    let node = me.scene.ask("GET", &format!("/api/v1/nodes/{lonely}"), None).await.unwrap();
    assert!(node["spec"]["unschedulable"].is_null() && me.scene.get("pods", "fine").await.is_some(), "nothing was changed at all");
    let told = Arc::new(std::sync::Mutex::new(Vec::new()));
    let hears = told.clone();
    let io = ActIo {
        step: Some(Arc::new(move |step: domain::act::ActStep| hears.lock().unwrap().push((step.done, step.of)))),
        ..ActIo::default()
    };
    let kind = me.look.kind(&me.scene.def, "nodes").await.unwrap();
    let forced =
        Deed::Drain { target: ActTarget { kind, namespace: None, name: lonely.clone() }, order: DrainOrder { force: true, ..order } };
    let foresight = me.foresee(&forced).await.unwrap();
    assert_eq!(foresight.pods.iter().map(|pod| pod.fate.as_str()).collect::<Vec<_>>(), ["evict", "evict"]);
    assert!(me.scene.get("pods", "fine").await.is_some() && me.scene.get("pods", "lonely").await.is_some(), "they were only tried");
    let done = drain(&lonely, DrainOrder { force: true, ..order }, &io).await.unwrap();
    assert_eq!(
        done.pods.iter().map(|pod| (pod.name.as_str(), pod.fate.as_str())).collect::<Vec<_>>(),
        [("fine", "evicted"), ("lonely", "evicted")]
    );
    assert_eq!(*told.lock().unwrap(), [(1, 2), (2, 2)]);
    assert_eq!(me.scene.ask("GET", &format!("/api/v1/nodes/{lonely}"), None).await.unwrap()["spec"]["unschedulable"], true);
    me.scene.undo(&done.undo_id.unwrap()).await.unwrap();
    assert!(me.scene.ask("GET", &format!("/api/v1/nodes/{lonely}"), None).await.unwrap()["spec"]["unschedulable"].is_null());

    // A budget that nobody counts lets nobody go; somebody counts, and it goes.
    let pdb = json!({ "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": { "name": "b" },
        "spec": { "minAvailable": 0, "selector": { "matchLabels": { "app": "held" } } } });
    let budgets = format!("/apis/policy/v1/namespaces/{}/poddisruptionbudgets", me.scene.ns);
    me.scene.ask("POST", &budgets, Some(&pdb)).await.unwrap();
    let held = node_with_pods(&me, &[("held", owned_by("ReplicaSet", "r"))]).await;
    // Budgets are asked about pods that run.
    let runs = json!({ "status": { "phase": "Running", "conditions": [{ "type": "Ready", "status": "True" }] } });
    me.scene.ask("PATCH", &format!("{}/status", me.scene.path("pods", "held")), Some(&runs)).await.unwrap();
    let io = ActIo::default();
    let (fault, ()) = tokio::join!(drain(&held, order, &io), async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        io.cancel.cancel();
    });
    let fault = fault.unwrap_err();
    assert_eq!((fault.code.as_str(), fault.kind), ("drain_incomplete", FaultKind::Cancelled), "{fault}");
    assert!(me.scene.get("pods", "held").await.is_some());
    let counted = json!({ "status": { "observedGeneration": 1, "disruptionsAllowed": 1, "currentHealthy": 1, "desiredHealthy": 0, "expectedPods": 1 } });
    let io = ActIo::default();
    let (done, ()) = tokio::join!(drain(&held, order, &io), async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        me.scene.ask("PATCH", &format!("{budgets}/b/status"), Some(&counted)).await.unwrap();
    });
    assert_eq!(done.unwrap().pods[0].fate, "evicted");
    assert!(me.scene.get("pods", "held").await.is_none());
}

#[tokio::test]
async fn every_tool_that_acts_does_so_and_answers_as_its_callers_know_it() {
    let me = Acting::new().await;
    let ns = me.scene.ns.clone();
    let made = me
        .says(
            "k8s-create-deployment",
            json!({ "app_name": "web", "image": "a:1", "replicas": 2, "ports": [{ "containerPort": 80 }], "wait_seconds": 0 }),
        )
        .await;
    assert_eq!(
        (&made["success"], &made["deployment_name"], &made["namespace"], &made["action"]),
        (&json!(true), &json!("web"), &json!(ns), &json!("create"))
    );
    let live = me.scene.get("deployments", "web").await.unwrap();
    assert_eq!(live["spec"]["selector"]["matchLabels"], json!({ "app": "web" }));
    let other = json!({ "app_name": "web", "image": "a:2", "wait_seconds": 0 });
    assert_eq!(me.refuses("k8s-create-deployment", other.clone()).await, "object_exists");
    let mut tried = other.clone();
    tried["dry_run"] = true.into();
    assert!(me.says("k8s-create-deployment", tried).await["diff"].as_str().unwrap().contains("a:2"));
    assert_eq!(me.scene.get("deployments", "web").await.unwrap()["spec"]["template"]["spec"]["containers"][0]["image"], "a:1");
    let mut forced = other;
    forced["force"] = true.into();
    assert_eq!(me.says("k8s-create-deployment", forced).await["action"], "change");
    let service = "apiVersion: v1\nkind: Service\nmetadata: { name: x }\nspec: { ports: [{ port: 80 }] }\n";
    assert_eq!(me.refuses("k8s-create-deployment", json!({ "yaml_config": service })).await, "not_a_deployment");
    let elsewhere = web("a:1", 1).replace("  name: web\n", "  name: web\n  namespace: default\n");
    assert_eq!(me.refuses("k8s-create-deployment", json!({ "yaml_config": elsewhere, "namespace": ns })).await, "namespace_conflict");

    let scaled = me.says("k8s-scale-deployment", json!({ "deployment_name": "web", "replicas": 5, "namespace": ns })).await;
    assert_eq!(scaled["scaling_info"], json!({ "previous_replicas": 1, "target_replicas": 5, "current_replicas": 0 }));
    let restarted = me.says("k8s-restart-deployment", json!({ "name": "web" })).await;
    assert!(restarted["restart_time"].is_string() && restarted["replicas"] == 5, "{restarted}");
    me.kept_revision(&live, 1, "a:0").await;
    me.scene.edited("deployments", "web", json!({ "metadata": { "annotations": { "deployment.kubernetes.io/revision": "2" } } })).await;
    let back = me.says("k8s-rollback-deployment", json!({ "name": "web", "revision": 1 })).await;
    assert_eq!((&back["target_revision"], &back["current_revision"]), (&json!(1), &json!(2)));
    let patched = me.says("k8s-patch-deployment", json!({ "name": "web", "patch_data": { "spec": { "minReadySeconds": 3 } } })).await;
    assert_eq!((&patched["patch_applied"], &patched["ready_replicas"]), (&json!(true), &json!(0)));
    assert!(
        me.says("k8s-rollout-history", json!({ "kind": "deployments", "name": "web" })).await["revisions"].as_array().unwrap().len() == 1
    );

    let made = me.says("k8s-create-service", json!({ "service_name": "web", "selector": { "app": "web" },
        "ports": [{ "name": "http", "port": 80, "target_port": "http", "protocol": "TCP" }], "type": "NodePort", "session_affinity": "ClientIP" })).await;
    assert_eq!((&made["service"]["type"], &made["service"]["ports"][0]["target_port"]), (&json!("NodePort"), &json!("http")));
    assert!(made["service"]["ports"][0]["node_port"].is_u64() && made["service"]["cluster_ip"].is_string());
    assert_eq!(
        me.refuses("k8s-create-service", json!({ "name": "web", "selector": { "a": "b" }, "ports": [{ "port": 80 }] })).await,
        "object_exists"
    );
    assert_eq!(
        me.refuses("k8s-create-service", json!({ "name": "bad", "selector": { "a": "b" }, "ports": [{ "port": 80 }, { "port": 81 }] }))
            .await,
        "manifest_refused"
    );
    let updated = me
        .says("k8s-update-service", json!({ "name": "web", "type": "ClusterIP", "labels": { "tier": "x" }, "selector": { "tier": "y" } }))
        .await;
    assert_eq!((&updated["service"]["type"], &updated["service"]["selector"]), (&json!("ClusterIP"), &json!({ "tier": "y" })));
    let patched = me
        .says(
            "k8s-patch-service",
            json!({ "name": "web", "patch_data": { "spec": { "external_ips": ["192.0.2.7"], "session_affinity": "None" } } }),
        )
        .await;
    assert_eq!(patched["success"], true);
    let live = me.scene.get("services", "web").await.unwrap();
    assert_eq!(
        (&live["spec"]["externalIPs"], &live["spec"]["sessionAffinity"], &live["metadata"]["labels"]["tier"]),
        (&json!(["192.0.2.7"]), &json!("None"), &json!("x"))
    );

    me.scene.apply(&config("settings", &[("a", "1")])).await.unwrap();
    let got = me.says("k8s-get-configmap", json!({ "name": "settings" })).await["object"].clone();
    let mut edited = got.clone();
    edited["data"]["a"] = "2".into();
    assert_eq!(
        me.says("k8s-edit-resource", json!({ "kind": "cm", "name": "settings", "object": edited })).await["object"]["data"]["a"],
        "2"
    );
    assert_eq!(me.refuses("k8s-edit-resource", json!({ "kind": "cm", "name": "other", "object": got })).await, "object_not_found");
    let patch = json!({ "kind": "configmaps", "name": "settings", "patch": { "data": { "b": "3" } }, "patch_type": "merge" });
    assert_eq!(me.says("k8s-patch-resource", patch).await["object"]["data"], json!({ "a": "2", "b": "3" }));
    let foreseen = me
        .module
        .foresee(&"k8s-delete-resource".into(), json!({ "kind": "cm", "name": "settings" }).as_object().unwrap())
        .await
        .unwrap()
        .unwrap();
    assert!(foreseen.text.contains("delete ConfigMap/settings") && foreseen.text.contains("-  a: "), "{}", foreseen.text);
    me.scene.edited("configmaps", "settings", json!({ "data": { "b": "4" } })).await;
    let seen = json!({ "kind": "cm", "name": "settings", "seen": foreseen.pinned["seen"] });
    assert_eq!(me.refuses("k8s-delete-resource", seen).await, "object_moved_on");
    let deleted = me.says("k8s-delete-resource", json!({ "kind": "cm", "name": "settings", "propagation": "foreground" })).await;
    assert_eq!(deleted["action"], "delete");
    assert_eq!(
        me.says("k8s-scale-resource", json!({ "kind": "deploy", "name": "web", "replicas": 1 })).await["scaling_info"]["previous_replicas"],
        5
    );
    assert_eq!(me.says("k8s-restart-resource", json!({ "kind": "deploy", "name": "web" })).await["action"], "change");
    assert_eq!(me.refuses("k8s-rollback-resource", json!({ "kind": "cm", "name": "web" })).await, "object_not_found");

    let node = node_with_pods(&me, &[("going", owned_by("ReplicaSet", "r"))]).await;
    assert_eq!(me.says("k8s-cordon-node", json!({ "node_name": node })).await["unschedulable"], true);
    assert_eq!(me.says("k8s-uncordon-node", json!({ "name": node })).await["unschedulable"], false);
    let (events, mut heard) = domain::call_events::call_events(64);
    let io = CallIo { events: Some(events), ..CallIo::quiet() };
    let args: JsonMap = json!({ "name": node, "timeout_seconds": 60 }).as_object().cloned().unwrap();
    let drained = me.module.call(&"k8s-drain-node".into(), args, io).await.unwrap().structured_content.unwrap();
    assert_eq!((&drained["pods"][0]["fate"], &drained["unschedulable"]), (&json!("evicted"), &json!(true)), "{drained}");
    let mut told = false;
    while let Some(event) = heard.recv().await {
        told |= matches!(&event, CallEvent::Progress { message: Some(message), .. } if message.contains("going"));
    }
    assert!(told, "pod by pod");
}

#[tokio::test]
async fn each_kind_that_has_tools_of_its_own_is_listed_shown_and_described() {
    let me = Acting::new().await;
    me.web().await;
    let secret = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "s" }, "stringData": { "a": "canary-one" } });
    me.scene.ask("POST", &format!("/api/v1/namespaces/{}/secrets", me.scene.ns), Some(&secret)).await.unwrap();
    let lists: Vec<String> = me
        .module
        .tools()
        .iter()
        .map(|tool| tool.name.as_str().to_owned())
        .filter(|name| name.starts_with("k8s-list-") && !matches!(name.as_str(), "k8s-list-resources" | "k8s-list-changes"))
        .collect();
    assert_eq!(lists.len(), 24);
    for list in lists {
        let found = me.says(&list, json!({})).await;
        assert!(found["items"].is_array(), "{list}: {found}");
    }
    for (one, name) in [("deployment", "web"), ("secret", "s"), ("namespace", me.scene.ns.as_str())] {
        let got = me.says(&format!("k8s-get-{one}"), json!({ "name": name })).await;
        let described = me.says(&format!("k8s-describe-{one}"), json!({ (format!("{one}_name")): name })).await;
        assert_eq!((&got["object"]["metadata"]["name"], &described["object"]["metadata"]["name"]), (&json!(name), &json!(name)));
        assert!(!format!("{got}{described}").contains("Y2FuYXJ5"));
    }
}

#[tokio::test]
async fn who_may_not_is_told_what_is_missing_and_a_read_only_cluster_takes_nothing() {
    let made = Acting::new().await;
    made.web().await;
    let mut scene = Scene::bare("viewer").await;
    scene.ns.clone_from(&made.scene.ns);
    let me = Acting::over(scene).await;
    let fault = me.tool("k8s-restart-deployment", json!({ "name": "web" })).await.structured_content.unwrap()["fault"].clone();
    assert_eq!(
        (&fault["code"], &fault["params"]["verb"], &fault["params"]["user"]),
        (&json!("cluster_forbidden"), &json!("patch"), &json!("viewer")),
        "{fault}"
    );
    assert_eq!(fault["params"]["namespace"], me.scene.ns);
    let mut scene = Scene::bare("admin").await;
    scene.ns.clone_from(&made.scene.ns);
    scene.def.read_only = true;
    let me = Acting::over(scene).await;
    for (tool, args) in [
        ("k8s-scale-deployment", json!({ "name": "web", "replicas": 0 })),
        ("k8s-delete-resource", json!({ "kind": "deploy", "name": "web" })),
        ("k8s-create-service", json!({ "name": "x", "selector": { "a": "b" }, "ports": [{ "port": 1 }] })),
        ("k8s-create-deployment", json!({ "app_name": "x", "image": "y" })),
        ("k8s-cordon-node", json!({ "name": "x" })),
        ("k8s-drain-node", json!({ "name": "x" })),
    ] {
        assert_eq!(me.refuses(tool, args).await, "cluster_read_only", "{tool}");
    }
    assert_eq!(made.scene.get("deployments", "web").await.unwrap()["spec"]["replicas"], 1);
}

#[tokio::test]
async fn changes_that_are_no_longer_kept_go_with_what_the_vault_keeps_for_them() {
    let me = Acting::new().await;
    me.scene.apply(&config("settings", &[("a", "1")])).await.unwrap();
    let old = me.scene.log.changes(1).await.unwrap().remove(0);
    let secret =
        NewSecret { owner: Owner::new("change", "old", "0"), value: SecretBytes::new("canary"), kind: SecretKind::Other, expires_at: None };
    let sealed = me.scene.vault.keep(vec![secret]).await.unwrap().remove(0);
    let mut outlived = domain::manifest::KeptChange { id: "old".into(), at: domain::id::Millis(1), ..old.clone() };
    outlived.objects[0].content = domain::manifest::Content::Sealed { secret: sealed.clone() };
    me.scene.log.keep_change(&outlived).await.unwrap();
    let waits = domain::manifest::KeptChange {
        id: "waits".into(),
        at: domain::id::Millis(1),
        state: ChangeState::Waiting,
        deadline: Some(domain::id::Millis(i64::MAX)),
        ..old
    };
    me.scene.log.keep_change(&waits).await.unwrap();
    me.scene.apply(&config("settings", &[("a", "2")])).await.unwrap();
    assert!(me.scene.log.change("old").await.unwrap().is_none());
    assert!(me.scene.vault.open(&sealed).await.is_err(), "nor in the vault");
    assert!(me.scene.log.change("waits").await.unwrap().is_some(), "somebody waits for it");
}
