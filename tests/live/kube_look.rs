//! Looking at the real API server: tables, kinds of its own, what is forbidden, what is masked, and every tool once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use cluster::{Look, Reach, ReachParts};
use domain::cluster::{ClusterAuth, ClusterDef, Clusters as _};
use domain::fault::FaultKind;
use domain::kube::{Access, EventQuery, Kube as _, LogPart, LogQuery, LogSink, LookFor, MASKED, Scope, UsageOf};
use domain::local::{LocalSettings, LocalTools as _};
use domain::protocol::CallIo;
use domain::vault::{NewSecret, Owner, SecretBytes, SecretKind, Vault as _};
use domain::{Json, JsonMap};
use protocols::guard::Errands;
use serde_json::json;
use testkit::memory::MemoryRedact;
use testkit::memory_vault::{MemoryClusters, MemoryVault};
use testkit::stage::RealClock;
use testkit::testcluster::{TestCluster, testcluster};
use tokio_util::task::TaskTracker;
use toolbox::{Clustering, Places, Toolbox};

struct Scene {
    vault: Arc<MemoryVault>,
    test: &'static TestCluster,
    look: Arc<Look>,
    reach: Arc<Reach>,
    admin: ClusterDef,
}

impl Scene {
    async fn new() -> Self {
        let vault = MemoryVault::default();
        let test = testcluster();
        let owner = Owner::new("cluster", "admin", "pair");
        let new = NewSecret { owner, value: SecretBytes::new(test.pem("admin")), kind: SecretKind::Key, expires_at: None };
        let pair = vault.keep(vec![new]).await.unwrap().remove(0);
        let admin = def("admin", test, &ClusterAuth::ClientCertificate { pair, not_after: None });
        let vault_of_reach = Arc::new(vault);
        let reach = Arc::new(Reach::new(ReachParts {
            vault: vault_of_reach.clone(),
            run: Arc::new(Errands::new(Arc::from([]), TaskTracker::new())),
            redact: Arc::new(MemoryRedact::default()),
            clock: Arc::new(RealClock),
            env: Arc::new(BTreeMap::new()),
            plugin_patience: Reach::PLUGIN_PATIENCE,
        }));
        Self { vault: vault_of_reach, test, look: Arc::new(Look::new(reach.clone())), reach, admin }
    }

    async fn other(&self, who: &str) -> ClusterDef {
        let owner = Owner::new("cluster", who, "token");
        let new = NewSecret { owner, value: SecretBytes::new(self.test.tokens[who].clone()), kind: SecretKind::Token, expires_at: None };
        let token = self.vault.keep(vec![new]).await.unwrap().remove(0);
        def(who, self.test, &ClusterAuth::Token { token, expires_at: None })
    }

    async fn make(&self, path: &str, body: Json) -> Json {
        let client = self.reach.client(&self.admin).await.unwrap();
        let request = http::Request::post(path).header("content-type", "application/json").body(body.to_string().into_bytes()).unwrap();
        let made = client.request_text(request).await.unwrap_or_else(|fault| panic!("{path}: {fault}"));
        serde_json::from_str(&made).unwrap()
    }

    /// A namespace of this test's own.
    async fn namespace(&self, name: &str) -> String {
        let name = format!("look-{name}-{}", std::process::id());
        self.make("/api/v1/namespaces", json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } })).await;
        // The controller that makes it is not there, and no pod is let in without it.
        let account = json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": { "name": "default" } });
        self.make(&format!("/api/v1/namespaces/{name}/serviceaccounts"), account).await;
        name
    }

    async fn pod(&self, namespace: &str, name: &str, app: &str, node: Option<&str>) -> Json {
        let body = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": { "name": name, "labels": { "app": app } },
            "spec": {
                "nodeName": node, "automountServiceAccountToken": false,
                "containers": [{
                    "name": "main", "image": "nginx:1.27",
                    "env": [{ "name": "DB_PASSWORD", "value": "c4n4ry-env" }, { "name": "KEY", "valueFrom": { "secretKeyRef": { "name": "hush", "key": "a" } } }],
                    "resources": { "requests": { "cpu": "250m", "memory": "64Mi" } },
                }],
            },
        });
        self.make(&format!("/api/v1/namespaces/{namespace}/pods"), body).await
    }

    async fn event(&self, namespace: &str, name: &str, about: &Json, (kind, reason, at, count): (&str, &str, &str, u64)) {
        let object =
            json!({ "kind": about["kind"], "name": about["metadata"]["name"], "namespace": namespace, "apiVersion": about["apiVersion"] });
        let body = json!({
            "apiVersion": "v1", "kind": "Event", "metadata": { "name": name }, "involvedObject": object, "type": kind, "reason": reason,
            "message": format!("{reason} it is"), "firstTimestamp": "2026-01-01T00:00:00Z", "lastTimestamp": at, "count": count,
            "source": { "component": "test" },
        });
        self.make(&format!("/api/v1/namespaces/{namespace}/events"), body).await;
    }
}

fn def(name: &str, test: &TestCluster, auth: &ClusterAuth) -> ClusterDef {
    serde_json::from_value(json!({
        "id": name, "name": name, "server": test.server, "caPem": test.ca, "insecure": false, "auth": serde_json::to_value(auth).unwrap(),
        "readOnly": true, "createdAt": 0, "updatedAt": 0,
    }))
    .map(|def: ClusterDef| ClusterDef { read_only: name != "admin", ..def })
    .unwrap()
}

#[tokio::test]
async fn pods_of_one_namespace_and_of_all_are_drawn_by_the_server() {
    let scene = Scene::new().await;
    let (one, two) = (scene.namespace("pods-a").await, scene.namespace("pods-b").await);
    for (namespace, name, app) in [(&one, "web-1", "web"), (&one, "db-1", "db"), (&two, "web-2", "web")] {
        scene.pod(namespace, name, app, None).await;
    }
    let table = scene.look.table(&scene.admin, &LookFor::kind("po").within(&one)).await.unwrap();
    let heads: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(&heads[..5], ["Name", "Ready", "Status", "Restarts", "Age"]);
    assert!(table.columns.iter().any(|column| column.priority > 0), "there are wide columns: {heads:?}");
    let names = |table: &domain::kube::Table| table.rows.iter().map(|row| row.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&table), ["db-1", "web-1"]);
    assert_eq!((&table.rows[1].cells[1], &table.rows[1].cells[2]), (&json!("0/1"), &json!("Pending")));
    let web = scene.look.table(&scene.admin, &LookFor::kind("pods").within(&one).labelled("app=web")).await.unwrap();
    assert_eq!(names(&web), ["web-1"]);
    let fields = LookFor { fields: Some("metadata.name=db-1".into()), ..LookFor::kind("pods").within(&one) };
    assert_eq!(names(&scene.look.table(&scene.admin, &fields).await.unwrap()), ["db-1"]);
    let single = scene.look.table(&scene.admin, &LookFor::kind("Pod").within(&one).named("web-1")).await.unwrap();
    assert_eq!(names(&single), ["web-1"]);

    let all = scene.look.table(&scene.other("viewer").await, &LookFor::kind("pods").everywhere().labelled("app=web")).await.unwrap();
    let mine: Vec<_> = all
        .rows
        .iter()
        .filter_map(|row| Some((row.namespace.clone()?, row.name.clone())))
        .filter(|(at, _)| *at == one || *at == two)
        .collect();
    assert_eq!(mine, [(one.clone(), "web-1".to_owned()), (two, "web-2".to_owned())]);
    assert!(all.rows.iter().all(|row| row.namespace.is_some()));
}

#[tokio::test]
async fn a_kind_that_was_defined_a_moment_ago_is_found_and_drawn_with_its_own_columns() {
    let scene = Scene::new().await;
    let namespace = scene.namespace("crd").await;
    scene.look.kinds(&scene.admin).await.unwrap();
    let group = format!("look{}.example.org", std::process::id());
    let schema =
        json!({ "type": "object", "properties": { "spec": { "type": "object", "properties": { "size": { "type": "integer" } } } } });
    let version = json!({
        "name": "v1", "served": true, "storage": true, "schema": { "openAPIV3Schema": schema },
        "additionalPrinterColumns": [{ "name": "Size", "type": "integer", "jsonPath": ".spec.size" }],
    });
    let names = json!({ "plural": "widgets", "singular": "widget", "kind": "Widget", "shortNames": ["wdg"] });
    let body = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": { "name": format!("widgets.{group}") },
        "spec": { "group": group, "scope": "Namespaced", "names": names, "versions": [version] },
    });
    scene.make("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", body).await;
    let mut tries = 0;
    let kind = loop {
        match scene.look.kind(&scene.admin, "wdg").await {
            Ok(kind) => break kind,
            // The server takes a moment to serve it.
            Err(fault) if fault.code == "unknown_kind" && tries < 150 => tokio::time::sleep(Duration::from_millis(100)).await,
            Err(fault) => panic!("{fault:?}"),
        }
        tries += 1;
    };
    assert_eq!((kind.api_version(), kind.kind.as_str(), kind.namespaced), (format!("{group}/v1"), "Widget", true));
    let body = json!({ "apiVersion": kind.api_version(), "kind": "Widget", "metadata": { "name": "w" }, "spec": { "size": 7 } });
    scene.make(&kind.path(Some(&namespace), None), body).await;
    let table = scene.look.table(&scene.admin, &LookFor::kind(kind.full_name()).within(&namespace)).await.unwrap();
    let size = table.columns.iter().position(|column| column.name == "Size").unwrap();
    assert_eq!((table.rows[0].name.as_str(), &table.rows[0].cells[size]), ("w", &json!(7)));
    assert_eq!(scene.look.kind_by_version(&scene.admin, &kind.api_version(), "Widget").await.unwrap(), kind);
}

#[tokio::test]
async fn what_is_forbidden_says_verb_resource_namespace_and_who_we_are() {
    let scene = Scene::new().await;
    let (nobody, viewer) = (scene.other("nobody").await, scene.other("viewer").await);
    let fault = scene.look.table(&viewer, &LookFor::kind("secrets").within("kube-system")).await.unwrap_err();
    assert_eq!((fault.kind, fault.code.as_str()), (FaultKind::Denied, "cluster_forbidden"));
    let params = &fault.params;
    assert_eq!(
        (&params["verb"], &params["resource"], &params["namespace"], &params["user"]),
        (&json!("list"), &json!("secrets"), &json!("kube-system"), &json!("viewer"))
    );
    assert!(fault.message.en.contains("user \"viewer\" to list secrets in kube-system"), "{fault}");
    let fault = scene.look.table(&nobody, &LookFor::kind("deployments.apps").everywhere()).await.unwrap_err();
    assert_eq!(
        (fault.code.as_str(), &fault.params["group"], &fault.params["namespace"]),
        ("cluster_forbidden", &json!("apps"), &Json::Null)
    );
    let fault = scene.look.objects(&nobody, &LookFor::kind("pods").within("default").named("x")).await.unwrap_err();
    assert_eq!((&fault.params["verb"], &fault.params["name"]), (&json!("get"), &json!("x")));
}

#[tokio::test]
async fn a_secret_leaves_without_its_values_and_an_object_without_managed_fields() {
    let scene = Scene::new().await;
    let namespace = scene.namespace("secret").await;
    let applied = json!({ "kind": "Secret", "stringData": { "a": "c4n4ry-applied" } }).to_string();
    let annotations = json!({ "kubectl.kubernetes.io/last-applied-configuration": applied });
    let body = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "hush", "annotations": annotations }, "stringData": { "a": "c4n4ry-value" } });
    scene.make(&format!("/api/v1/namespaces/{namespace}/secrets"), body).await;
    let query = LookFor::kind("secrets").within(&namespace);
    let kind = scene.look.kind(&scene.admin, "secrets").await.unwrap();
    let listed = scene.look.objects(&scene.admin, &query).await.unwrap();
    let one = scene.look.object(&scene.admin, &kind, Some(&namespace), "hush").await.unwrap();
    let table = scene.look.table(&scene.admin, &query).await.unwrap();
    for text in [serde_json::to_string(&listed).unwrap(), one.to_string(), serde_json::to_string(&table).unwrap()] {
        assert!(!text.contains("c4n4ry") && !text.contains("YzRuNHJ5"), "{text}");
        assert!(!text.contains("managedFields"), "{text}");
    }
    assert_eq!((&one["data"]["a"], &listed.items[0]["kind"]), (&json!(MASKED), &json!("Secret")));
    let whole = LookFor { managed_fields: true, ..query.named("hush") };
    let whole = scene.look.objects(&scene.admin, &whole).await.unwrap();
    assert!(whole.items[0]["metadata"]["managedFields"].is_array() && !whole.items[0].to_string().contains("c4n4ry"));
}

#[tokio::test]
async fn more_than_a_page_comes_whole_and_no_more_than_was_wanted() {
    let scene = Scene::new().await;
    let namespace = scene.namespace("pages").await;
    let path = format!("/api/v1/namespaces/{namespace}/configmaps");
    for first in (0..620).step_by(31) {
        let made = (first..first + 31).map(|nth| {
            let (scene, path) = (&scene, &path);
            async move {
                scene.make(path, json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": format!("map-{nth:04}") } })).await
            }
        });
        futures_of(made).await;
    }
    let query = LookFor::kind("cm").within(&namespace);
    let table = scene.look.table(&scene.admin, &query).await.unwrap();
    let mut names: Vec<&str> = table.rows.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names.len(), 620);
    names.dedup();
    assert_eq!((names.len(), names[0], names[619]), (620, "map-0000", "map-0619"));
    assert_eq!(scene.look.objects(&scene.admin, &query).await.unwrap().items.len(), 620);
    let some = scene.look.objects(&scene.admin, &LookFor { most: Some(510), ..query.clone() }).await.unwrap();
    assert_eq!((some.items.len(), some.more), (510, true));
    assert_eq!(scene.look.table(&scene.admin, &LookFor { most: Some(7), ..query }).await.unwrap().rows.len(), 7);
}

/// One after the other would be slow, and all at once too much.
async fn futures_of<T>(all: impl Iterator<Item = impl Future<Output = T>>) {
    let mut running: Vec<_> = all.map(Box::pin).collect();
    std::future::poll_fn(|cx| {
        running.retain_mut(|one| one.as_mut().poll(cx).is_pending());
        if running.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
}

#[tokio::test]
async fn what_is_not_there_is_told_from_what_is_no_kind() {
    let scene = Scene::new().await;
    let fault = scene.look.table(&scene.admin, &LookFor::kind("nonsense")).await.unwrap_err();
    assert_eq!((fault.kind, fault.code.as_str()), (FaultKind::NotFound, "unknown_kind"));
    let fault = scene.look.table(&scene.admin, &LookFor::kind("pods").within("default").named("nope")).await.unwrap_err();
    assert_eq!((fault.kind, fault.code.as_str()), (FaultKind::NotFound, "no_such_object"));
    let fault = scene.look.table(&scene.admin, &LookFor::kind("pods").labelled("a in (b")).await.unwrap_err();
    assert_eq!((fault.kind, fault.code.as_str()), (FaultKind::Usage, "bad_request"));
    let odd = scene.look.objects(&scene.admin, &LookFor::kind("pods").within("../../secrets").named("x/../..")).await.unwrap_err();
    assert_eq!(odd.code, "no_such_object", "a name never becomes another path: {odd:?}");
    let kind = scene.look.kind(&scene.admin, "deployments.v1.apps").await.unwrap();
    assert_eq!(scene.look.kind(&scene.admin, "deploy").await.unwrap(), kind);
    let fault = scene.look.usage(&scene.admin, &UsageOf::Nodes).await.unwrap_err();
    assert_eq!(fault.code, "no_metrics", "requests are never dressed as usage");
}

#[tokio::test]
async fn events_come_newest_last_and_by_object_and_type() {
    let scene = Scene::new().await;
    let namespace = scene.namespace("events").await;
    let (one, two) = (scene.pod(&namespace, "one", "x", None).await, scene.pod(&namespace, "two", "x", None).await);
    scene.event(&namespace, "e1", &one, ("Warning", "BackOff", "2026-01-01T03:00:00Z", 9)).await;
    scene.event(&namespace, "e2", &one, ("Normal", "Pulled", "2026-01-01T01:00:00Z", 1)).await;
    scene.event(&namespace, "e3", &two, ("Warning", "Failed", "2026-01-01T02:00:00Z", 2)).await;
    let seen = async |about: Option<(&str, &str)>, types: &[&str]| -> Vec<String> {
        let query = EventQuery {
            scope: Some(Scope::One(namespace.clone())),
            about: about.map(|(kind, name)| (kind.to_owned(), name.to_owned())),
            types: types.iter().map(|kind| (*kind).to_owned()).collect(),
        };
        let rows = scene.look.events(&scene.admin, &query).await.unwrap();
        rows.iter().map(|row| format!("{} {} x{}", row.object_name, row.reason, row.count)).collect()
    };
    assert_eq!(seen(None, &[]).await, ["one Pulled x1", "two Failed x2", "one BackOff x9"]);
    assert_eq!(seen(Some(("po", "one")), &[]).await, ["one Pulled x1", "one BackOff x9"]);
    assert_eq!(seen(None, &["Warning"]).await, ["two Failed x2", "one BackOff x9"]);
    assert_eq!(seen(None, &["Warning", "Normal"]).await.len(), 3);
    assert!(seen(Some(("pod", "three")), &[]).await.is_empty());
}

#[tokio::test]
async fn the_server_says_what_we_may() {
    let scene = Scene::new().await;
    let viewer = scene.other("viewer").await;
    let may = async |verb: &str, kind: &str, part: Option<&str>| {
        let access =
            Access { verb: verb.into(), kind: kind.into(), part: part.map(str::to_owned), scope: Some(Scope::All), ..Access::default() };
        let answer = scene.look.may(&viewer, &access).await.unwrap();
        (answer.allowed, answer.resource)
    };
    assert_eq!(may("list", "po", None).await, (true, "pods".into()));
    assert_eq!(may("get", "pods", Some("log")).await, (true, "pods/log".into()));
    assert_eq!(may("delete", "deploy", None).await, (false, "deployments.apps".into()));
    assert_eq!(may("get", "secrets", None).await, (false, "secrets".into()));
}

struct Nowhere;

#[async_trait]
impl LogSink for Nowhere {
    async fn part(&self, _: LogPart) -> bool {
        true
    }
}

#[tokio::test]
async fn without_a_node_there_are_no_logs_and_that_is_said() {
    let scene = Scene::new().await;
    let namespace = scene.namespace("logs").await;
    scene.make("/api/v1/nodes", json!({ "apiVersion": "v1", "kind": "Node", "metadata": { "name": namespace } })).await;
    scene.pod(&namespace, "away", "x", Some(&namespace)).await;
    scene.pod(&namespace, "waiting", "x", None).await;
    let logs = async |name: &str| {
        let query = LogQuery { namespace: Some(namespace.clone()), ..LogQuery::pod(name) };
        scene.look.logs(&scene.admin, &query, &Nowhere).await
    };
    let fault = logs("away").await.unwrap_err();
    assert_eq!((fault.kind, fault.code.as_str()), (FaultKind::Unreachable, "node_unreachable"), "{fault:?}");
    logs("waiting").await.expect("a pod without a node has written nothing yet");
    assert_eq!(logs("nope").await.unwrap_err().code, "no_such_object");
}

#[tokio::test]
async fn every_tool_answers_in_its_shape() {
    let scene = Scene::new().await;
    let namespace = scene.namespace("tools").await;
    let node = json!({ "apiVersion": "v1", "kind": "Node", "metadata": { "name": namespace } });
    scene.make("/api/v1/nodes", node).await;
    let pod = scene.pod(&namespace, "web-1", "web", None).await;
    scene.pod(&namespace, "away", "away", Some(&namespace)).await;
    scene.event(&namespace, "e1", &pod, ("Warning", "BackOff", "2026-01-01T03:00:00Z", 9)).await;
    scene.event(&namespace, "e2", &pod, ("Normal", "Pulled", "2026-01-01T01:00:00Z", 1)).await;
    let in_namespace = |kinds: &str| format!("/api/v1/namespaces/{namespace}/{kinds}");
    let service = json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "name": "web" }, "spec": { "selector": { "app": "web" }, "ports": [{ "port": 80, "targetPort": "http" }] } });
    scene.make(&in_namespace("services"), service).await;
    let subsets = json!([{ "addresses": [{ "ip": "10.1.2.3", "targetRef": { "kind": "Pod", "name": "web-1", "namespace": namespace } }], "ports": [{ "port": 80 }] }]);
    scene
        .make(
            &in_namespace("endpoints"),
            json!({ "apiVersion": "v1", "kind": "Endpoints", "metadata": { "name": "web" }, "subsets": subsets }),
        )
        .await;
    let template = json!({ "metadata": { "labels": { "app": "web" } }, "spec": { "containers": [{ "name": "main", "image": "nginx" }] } });
    let chosen = json!({ "matchLabels": { "app": "web" } });
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web", "annotations": { "deployment.kubernetes.io/revision": "2" } },
        "spec": { "replicas": 3, "selector": chosen, "template": template },
    });
    let apps = |kinds: &str| format!("/apis/apps/v1/namespaces/{namespace}/{kinds}");
    let made = scene.make(&apps("deployments"), deployment).await;
    for revision in ["1", "2"] {
        let owner = json!([{ "apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": made["metadata"]["uid"] }]);
        let annotations =
            json!({ "deployment.kubernetes.io/revision": revision, "kubernetes.io/change-cause": format!("change {revision}") });
        let set = json!({
            "apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": { "name": format!("web-{revision}"), "annotations": annotations, "ownerReferences": owner },
            "spec": { "replicas": 1, "selector": chosen, "template": template },
        });
        scene.make(&apps("replicasets"), set).await;
    }
    scene
        .make(
            &in_namespace("secrets"),
            json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "hush" }, "stringData": { "a": "c4n4ry-secret" } }),
        )
        .await;

    let clusters = Arc::new(MemoryClusters::default());
    clusters.put_clusters(&[scene.admin.clone(), scene.other("viewer").await]).await.unwrap();
    let toolbox = Toolbox::new(Places::default()).with_clusters(Clustering {
        kube: scene.look.clone(),
        change: None,
        manifests: None,
        inside: None,
        clusters,
        clock: Arc::new(RealClock),
    });
    let settings: LocalSettings = serde_json::from_value(json!({ "module": "kubernetes" })).unwrap();
    let module = toolbox.open(&settings).unwrap();
    module.health().await.unwrap();
    let mut called = Vec::new();
    let mut call = async |tool: &str, args: Json| {
        called.push(tool.to_owned());
        let mut args: JsonMap = args.as_object().cloned().unwrap();
        args.entry("cluster").or_insert_with(|| "admin".into());
        let result = module.call(&tool.into(), args, CallIo::quiet()).await.unwrap();
        assert!(!result.text().contains("c4n4ry"), "{tool}: {}", result.text());
        if !result.is_error {
            assert_eq!(serde_json::from_str::<Json>(&result.text()).unwrap(), *result.structured_content.as_ref().unwrap(), "{tool}");
        }
        (result.is_error, result.text(), result.structured_content.unwrap_or_default())
    };
    let ns = namespace.as_str();
    let keys = |value: &Json| {
        let mut keys: Vec<String> = value.as_object().unwrap_or_else(|| panic!("{value}")).keys().cloned().collect();
        keys.sort_unstable();
        keys.join(" ")
    };

    let (_, _, pods) = call("k8s-get-pods", json!({ "namespace": ns, "label_selector": "app=web" })).await;
    assert_eq!((&pods["summary"]["total_pods"], &pods["summary"]["status_summary"]["Pending"]), (&json!(1), &json!(1)));
    assert_eq!(keys(&pods["pods"][0]), "age containers ip name namespace node ready restarts status");
    assert_eq!(pods["pods"][0]["ready"], "0/1");
    let (_, _, all) = call("k8s-get-pods", json!({ "namespace": "all" })).await;
    assert!(all["summary"]["namespace"] == "all" && all["pods"].as_array().unwrap().iter().any(|pod| pod["namespace"] == ns));
    let (_, _, services) = call("k8s-get-services", json!({ "namespace": ns, "service_name": "web" })).await;
    assert_eq!(keys(&services["items"][0]), "age cluster_ip external_ips name namespace ports selector type");
    assert_eq!((&services["total"], &services["items"][0]["ports"][0]["target_port"]), (&json!(1), &json!("http")));
    let (_, _, deployments) = call("k8s-get-deployments", json!({ "namespace": ns })).await;
    assert_eq!(
        keys(&deployments["items"][0]),
        "age available_replicas labels name namespace ready_replicas replicas selector strategy unavailable_replicas"
    );
    assert_eq!((&deployments["items"][0]["replicas"], &deployments["items"][0]["strategy"]), (&json!(3), &json!("RollingUpdate")));
    let (_, _, nodes) = call("k8s-get-nodes", json!({})).await;
    let node = nodes["items"].as_array().unwrap().iter().find(|node| node["name"] == ns).unwrap();
    assert_eq!((&node["status"], &node["roles"]), (&json!("NotReady"), &json!(["worker"])));
    let (failed, text, error) = call("k8s-get-logs", json!({ "pod_name": "web-1", "namespace": ns, "tail_lines": 5 })).await;
    assert!(!failed, "{text}");
    assert_eq!(keys(&error), "container content lines namespace pod_name truncated", "nothing is written yet: {error}");
    let (failed, text, error) = call("k8s-get-logs", json!({ "pod_name": "away", "namespace": ns })).await;
    assert!(failed && text.starts_with("node_unreachable: "), "{text}");
    assert_eq!(error["error"]["code"], "node_unreachable");
    let (failed, text, _) = call("k8s-get-logs", json!({ "pod_name": "web-1", "namespace": ns, "container": "nope" })).await;
    assert!(failed && text.starts_with("no_such_container: ") && text.contains("main"), "{text}");
    let (_, _, described) = call("k8s-describe-pod", json!({ "pod_name": "web-1", "namespace": ns })).await;
    assert_eq!(keys(&described), "annotations conditions containers events ip labels namespace node pod_name start_time status volumes");
    let env = &described["containers"][0]["env"];
    assert_eq!((&env[0]["value"], &env[1]["value"], &env[1]["value_from"]), (&json!(MASKED), &Json::Null, &json!("secret hush, key a")));
    assert_eq!((&described["events"][0]["reason"], &described["events"][0]["count"]), (&json!("BackOff"), &json!(9)));
    let (_, _, events) = call("k8s-get-events", json!({ "namespace": ns })).await;
    assert_eq!(
        (&events["total"], &events["items"][0]["reason"], &events["items"][0]["object"]["kind"]),
        (&json!(2), &json!("BackOff"), &json!("Pod"))
    );
    let (_, _, history) = call("k8s-get-deployment-history", json!({ "deployment_name": "web", "namespace": ns })).await;
    assert_eq!((&history["current_revision"], &history["total_revisions"]), (&json!(2), &json!(2)));
    assert_eq!(
        (&history["revisions"][0]["revision"], &history["revisions"][0]["is_current"], &history["revisions"][1]["change_cause"]),
        (&json!(2), &json!(true), &json!("change 1"))
    );
    let (_, _, endpoints) = call("k8s-get-endpoints", json!({ "namespace": "all", "name": null, "label_selector": null })).await;
    let mine = endpoints["items"].as_array().unwrap().iter().find(|one| one["namespace"] == ns).unwrap();
    assert_eq!(
        (&mine["subsets"][0]["addresses"][0]["ip"], &mine["subsets"][0]["addresses"][0]["target_ref"]["name"]),
        (&json!("10.1.2.3"), &json!("web-1"))
    );
    let (_, _, metrics) = call("k8s-get-cluster-metrics", json!({ "include_pod_metrics": true })).await;
    assert_eq!(
        (&metrics["usage_measured"], &metrics["capacity_analysis"]["basis"], &metrics["pod_metrics"]),
        (&json!(false), &json!("requests"), &Json::Null)
    );
    assert!(metrics["resource_utilization"]["cpu"]["utilization_percentage"].is_null(), "{metrics}");
    assert!(metrics["resource_utilization"]["cpu"]["total_requests_cores"].as_f64().unwrap() >= 0.25 && metrics["node_details"].is_array());
    let (_, _, about) = call("k8s-events-for", json!({ "kind": "pod", "name": "web-1", "namespace": ns, "limit": 1 })).await;
    assert_eq!((&about["total"], &about["truncated"], &about["items"][0]["reason"]), (&json!(1), &json!(true), &json!("BackOff")));
    let (_, _, may) = call("k8s-can-i", json!({ "verb": "delete", "kind": "pods", "namespace": "all", "cluster": "viewer" })).await;
    assert_eq!((&may["allowed"], &may["resource"]), (&json!(false), &json!("pods")));
    let (_, _, listed) = call("k8s-list-resources", json!({ "kind": "Secret", "namespace": ns, "limit": 1 })).await;
    assert_eq!(
        (&listed["items"][0]["name"], &listed["items"][0]["data"], &listed["api_version"]),
        (&json!("hush"), &json!(1), &json!("v1"))
    );
    let (_, _, got) = call("k8s-get-resource", json!({ "kind": "secret", "name": "hush", "namespace": ns })).await;
    assert_eq!(got["object"]["data"]["a"], MASKED);
    let (_, _, described) = call("k8s-describe-resource", json!({ "kind": "deploy", "name": "web", "namespace": ns })).await;
    assert_eq!((&described["object"]["kind"], &described["events"]), (&json!("Deployment"), &json!([])));
    let (failed, text, error) =
        call("k8s-get-resource", json!({ "kind": "secret", "name": "hush", "namespace": ns, "cluster": "viewer" })).await;
    assert!(failed && text.starts_with("cluster_forbidden: ") && error["error"]["params"]["user"] == "viewer", "{text}");
    let (failed, text, _) = call("k8s-get-nodes", json!({ "cluster": null })).await;
    assert!(failed && text.starts_with("which_cluster: ") && text.contains("admin, viewer"), "{text}");

    let wrong =
        module.call(&"k8s-get-logs".into(), json!({ "pod_name": "x", "lines": 5000 }).as_object().cloned().unwrap(), CallIo::quiet()).await;
    assert!(wrong.unwrap_err().to_string().contains("lines"));
    called.sort_unstable();
    called.dedup();
    let mut offered: Vec<String> = module.tools().iter().map(|tool| tool.name.as_str().to_owned()).collect();
    // Kinds that have tools of their own are called beside what acts on them.
    let of_kinds = |name: &String| ["k8s-list-", "k8s-get-", "k8s-describe-"].iter().any(|verb| name.starts_with(verb));
    offered.retain(|name| called.contains(name) || !of_kinds(name));
    // What needs no cluster is tried in tests/it/workbench.rs.
    offered.retain(|name| name != "k8s-generate-deployment-yaml");
    offered.sort_unstable();
    assert_eq!(called, offered, "every tool was called");
}
