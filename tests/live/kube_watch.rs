//! Watching the real API server: what changes, a restart of the server, what it no longer remembers, leave that is taken away.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use cluster::{Look, Reach, ReachParts};
use domain::Json;
use domain::cluster::{ClusterAuth, ClusterDef};
use domain::fault::FaultKind;
use domain::kube::{Kube as _, LookFor, MASKED, ObjectName, Shape, TableRow, WatchFor, WatchPart, WatchSink};
use domain::vault::{NewSecret, Owner, SecretBytes, SecretKind, Vault as _};
use protocols::guard::Errands;
use serde_json::json;
use testkit::memory::MemoryRedact;
use testkit::memory_vault::MemoryVault;
use testkit::stage::RealClock;
use testkit::testcluster::{TestCluster, testcluster};
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;

/// Somebody who looks: by token.
struct Scene {
    look: Arc<Look>,
    reach: Arc<Reach>,
    admin: ClusterDef,
    viewer: ClusterDef,
}

impl Scene {
    async fn at(test: &TestCluster) -> Self {
        let vault = Arc::new(MemoryVault::default());
        let mut defs = Vec::new();
        for who in ["admin", "viewer"] {
            let owner = Owner::new("cluster", who, "token");
            let value = SecretBytes::new(test.tokens[who].clone());
            let token = vault.keep(vec![NewSecret { owner, value, kind: SecretKind::Token, expires_at: None }]).await.unwrap().remove(0);
            let auth = serde_json::to_value(ClusterAuth::Token { token, expires_at: None }).unwrap();
            let def: ClusterDef = serde_json::from_value(json!({
                "id": who, "name": who, "server": test.server, "caPem": test.ca, "insecure": false, "auth": auth,
                "readOnly": false, "createdAt": 0, "updatedAt": 0,
            }))
            .unwrap();
            defs.push(def);
        }
        let reach = Arc::new(Reach::new(ReachParts {
            vault,
            run: Arc::new(Errands::new(Arc::from([]), TaskTracker::new())),
            redact: Arc::new(MemoryRedact::default()),
            clock: Arc::new(RealClock),
            env: Arc::new(BTreeMap::new()),
            plugin_patience: Reach::PLUGIN_PATIENCE,
        }));
        let viewer = defs.remove(1);
        Self { look: Arc::new(Look::new(reach.clone())), reach, admin: defs.remove(0), viewer }
    }

    async fn send(&self, method: &str, path: &str, body: Json) -> Json {
        let client = self.reach.client(&self.admin).await.unwrap();
        let kind = if method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let request = http::Request::builder().method(method).uri(path).header("content-type", kind).body(body).unwrap();
        let answer = client.request_text(request).await.unwrap_or_else(|fault| panic!("{method} {path}: {fault}"));
        serde_json::from_str(&answer).unwrap()
    }

    async fn namespace(&self, name: &str) -> String {
        let name = format!("watch-{name}-{}", std::process::id());
        self.send("POST", "/api/v1/namespaces", json!({ "metadata": { "name": name } })).await;
        name
    }

    async fn map(&self, namespace: &str, name: &str) {
        let body = json!({ "metadata": { "name": name }, "data": { "nth": "0" } });
        self.send("POST", &format!("/api/v1/namespaces/{namespace}/configmaps"), body).await;
    }

    fn watch(&self, def: &ClusterDef, query: WatchFor) -> Watched {
        let seen = Arc::new(Seen::default());
        let (look, def, sink) = (self.look.clone(), def.clone(), seen.clone());
        let task = tokio::spawn(async move {
            let ended = look.watch(&def, &query, &*sink).await;
            let word = ended.as_ref().map_or_else(|fault| format!("ended: {fault:?}"), |()| "ended".into());
            sink.kept.lock().unwrap().parts.push(word);
            ended
        });
        Watched { seen, task }
    }
}

/// What a consumer that keeps everything has by now.
#[derive(Default)]
struct Kept {
    rows: BTreeMap<ObjectName, TableRow>,
    objects: BTreeMap<ObjectName, Json>,
    parts: Vec<String>,
    pieces: usize,
}

#[derive(Default)]
struct Seen {
    kept: Mutex<Kept>,
    news: Notify,
}

#[async_trait]
impl WatchSink for Seen {
    async fn part(&self, part: WatchPart) -> bool {
        let mut kept = self.kept.lock().unwrap();
        let word = match part {
            WatchPart::Head { .. } => "head",
            WatchPart::Anew => {
                kept.rows.clear();
                kept.objects.clear();
                "anew"
            }
            WatchPart::Rows(rows) => {
                kept.pieces += rows.len();
                kept.rows.extend(rows.into_iter().map(|row| (ObjectName::of_row(&row), row)));
                "rows"
            }
            WatchPart::Objects(objects) => {
                kept.pieces += objects.len();
                kept.objects.extend(objects.into_iter().map(|object| (ObjectName::of(&object), object)));
                "objects"
            }
            WatchPart::Gone(names) => {
                for name in names {
                    kept.rows.remove(&name);
                    kept.objects.remove(&name);
                }
                "gone"
            }
            WatchPart::Live => "live",
            WatchPart::Stale { .. } => "stale",
            WatchPart::Note(_) => "note",
        };
        kept.parts.push(word.to_owned());
        drop(kept);
        self.news.notify_waiters();
        true
    }
}

struct Watched {
    seen: Arc<Seen>,
    task: tokio::task::JoinHandle<Result<(), domain::fault::Fault>>,
}

impl Watched {
    /// Waits until it is so.
    async fn until(&self, what: &str, so: impl Fn(&Kept) -> bool) {
        let wait = async {
            loop {
                let news = self.seen.news.notified();
                tokio::pin!(news);
                news.as_mut().enable();
                if so(&self.seen.kept.lock().unwrap()) {
                    return;
                }
                news.await;
            }
        };
        let came = tokio::time::timeout(Duration::from_secs(90), wait).await;
        let kept = self.seen.kept.lock().unwrap();
        assert!(came.is_ok(), "{what}: {:?} {:?} (ended: {})", kept.parts, kept.rows.keys(), self.task.is_finished());
    }

    async fn live(&self) {
        self.until("it is live", |kept| kept.parts.last().is_some_and(|part| part != "stale") && kept.parts.contains(&"live".to_owned()))
            .await;
    }

    fn names(&self) -> Vec<String> {
        self.seen.kept.lock().unwrap().rows.keys().map(|name| name.name.clone()).collect()
    }

    fn count(&self, word: &str) -> usize {
        self.seen.kept.lock().unwrap().parts.iter().filter(|part| *part == word).count()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[tokio::test]
async fn rows_of_one_namespace_and_of_all_change_as_their_objects_do() {
    let scene = Scene::at(testcluster()).await;
    let namespace = scene.namespace("rows").await;
    let maps = format!("/api/v1/namespaces/{namespace}/configmaps");
    scene.map(&namespace, "a").await;
    scene.map(&namespace, "b").await;
    let one = scene.watch(&scene.admin, WatchFor::rows(LookFor::kind("cm").within(&namespace)));
    let all = scene.watch(&scene.viewer, WatchFor::rows(LookFor::kind("configmaps").everywhere()));
    let single = scene.watch(&scene.admin, WatchFor::rows(LookFor::kind("cm").within(&namespace).named("b")));
    for watched in [&one, &all, &single] {
        watched.live().await;
    }
    assert_eq!(one.names(), ["a", "b"]);
    assert_eq!(single.names(), ["b"]);
    scene.map(&namespace, "c").await;
    scene.send("PATCH", &format!("{maps}/b"), json!({ "data": { "nth": "1", "more": "2" } })).await;
    scene.send("DELETE", &format!("{maps}/a"), Json::Null).await;
    let mine = |kept: &Kept, name: &str| kept.rows.get(&ObjectName { namespace: Some(namespace.clone()), name: name.into() }).cloned();
    for watched in [&one, &all] {
        let so = |kept: &Kept| {
            mine(kept, "a").is_none() && mine(kept, "c").is_some() && mine(kept, "b").is_some_and(|row| row.cells[1] == json!(2))
        };
        watched.until("three changes", so).await;
    }
    single.until("only its own", |kept| kept.rows.values().all(|row| row.name == "b" && row.cells[1] == json!(2))).await;
    assert_eq!((one.count("anew"), one.count("stale"), one.count("head")), (1, 0, 1));
    // From a place on only what changed since is told.
    let query = LookFor::kind("cm").within(&namespace);
    let place = scene.look.place(&scene.admin, &query).await.unwrap();
    scene.map(&namespace, "d").await;
    let since = scene.watch(&scene.admin, WatchFor::rows(query).since(Some(place)));
    since.until("d came", |kept| !kept.rows.is_empty()).await;
    assert_eq!((since.names(), since.count("anew")), (vec!["d".to_owned()], 0));
    let count = scene.look.count(&scene.admin, &LookFor::kind("cm").within(&namespace)).await.unwrap();
    assert_eq!((count.count, count.at_least), (3, false));
}

#[tokio::test]
async fn no_value_of_a_secret_comes_through_a_watch() {
    let scene = Scene::at(testcluster()).await;
    let namespace = scene.namespace("secret").await;
    let secrets = format!("/api/v1/namespaces/{namespace}/secrets");
    let applied = json!({ "kind": "Secret", "stringData": { "a": "c4n4ry-applied" } }).to_string();
    let annotations = json!({ "kubectl.kubernetes.io/last-applied-configuration": applied });
    let body = json!({ "metadata": { "name": "hush", "annotations": annotations }, "stringData": { "a": "c4n4ry-value" } });
    scene.send("POST", &secrets, body).await;
    let query = WatchFor::rows(LookFor::kind("secrets").within(&namespace));
    let whole = scene.watch(&scene.admin, query.clone().shaped(Shape::Objects));
    let bare = scene.watch(&scene.admin, query.clone().shaped(Shape::Metadata));
    let rows = scene.watch(&scene.admin, query);
    for watched in [&whole, &bare, &rows] {
        watched.live().await;
    }
    scene
        .send(
            "PATCH",
            &format!("{secrets}/hush"),
            json!({ "stringData": { "b": "c4n4ry-other" }, "metadata": { "labels": { "seen": "yes" } } }),
        )
        .await;
    let labelled = |kept: &Kept| kept.objects.values().any(|object| object["metadata"]["labels"]["seen"] == "yes");
    whole.until("the change", labelled).await;
    bare.until("the change", labelled).await;
    rows.until("the change", |kept| kept.rows.values().any(|row| row.cells[2] == json!(2))).await;
    for watched in [&whole, &bare, &rows] {
        let kept = watched.seen.kept.lock().unwrap();
        let text = format!("{:?} {:?}", kept.objects, kept.rows);
        assert!(!text.contains("c4n4ry") && !text.contains("YzRuNHJ5") && !text.contains("managedFields"), "{text}");
    }
    let kept = whole.seen.kept.lock().unwrap();
    let hush = kept.objects.values().next().unwrap();
    assert_eq!((&hush["kind"], &hush["data"]["a"], &hush["data"]["b"]), (&json!("Secret"), &json!(MASKED), &json!(MASKED)));
    assert!(bare.seen.kept.lock().unwrap().objects.values().all(|object| object["kind"] == "Secret" && object.get("data").is_none()));
}

#[tokio::test]
async fn who_may_not_list_is_told_so_and_a_kind_that_cannot_be_watched_is_named() {
    let scene = Scene::at(testcluster()).await;
    let refused = scene.watch(&scene.viewer, WatchFor::rows(LookFor::kind("secrets").within("kube-system")));
    let seen = refused.seen.clone();
    let fault = (&mut { refused }.task).await.unwrap().unwrap_err();
    assert_eq!((fault.kind, fault.code.as_str(), &fault.params["user"]), (FaultKind::Denied, "cluster_forbidden", &json!("viewer")));
    assert!(!seen.kept.lock().unwrap().parts.contains(&"live".to_owned()), "nothing was live");
    let fault = scene.look.watch(&scene.admin, &WatchFor::rows(LookFor::kind("componentstatuses")), &*seen).await.unwrap_err();
    assert_eq!((fault.kind, fault.code.as_str()), (FaultKind::Usage, "not_watched"));
}

#[tokio::test]
async fn a_hundred_changes_a_second_all_arrive_and_many_of_one_object_become_one() {
    let scene = Arc::new(Scene::at(testcluster()).await);
    let namespace = scene.namespace("many").await;
    for nth in 0..10 {
        scene.map(&namespace, &format!("m-{nth}")).await;
    }
    let watched = scene.watch(
        &scene.admin,
        WatchFor::rows(LookFor::kind("cm").within(&namespace)).shaped(Shape::Objects).gathered(Duration::from_millis(500)),
    );
    watched.live().await;
    let before = watched.seen.kept.lock().unwrap().pieces;
    let changes = (0..200).map(|nth| {
        let (scene, path) = (scene.clone(), format!("/api/v1/namespaces/{namespace}/configmaps/m-{}", nth % 10));
        async move { scene.send("PATCH", &path, json!({ "data": { format!("k{nth}"): "x" } })).await }
    });
    futures::future::join_all(changes).await;
    watched
        .until("all keys", |kept| {
            kept.objects.values().map(|object| object["data"].as_object().map_or(0, serde_json::Map::len)).sum::<usize>() == 210
        })
        .await;
    let pieces = watched.seen.kept.lock().unwrap().pieces - before;
    assert!((10..200).contains(&pieces), "{pieces} pieces for 200 changes of 10 objects");
    assert_eq!(watched.count("anew"), 1);
}

#[tokio::test]
async fn a_watch_outlives_its_server_and_says_meanwhile_that_it_is_stale() {
    let dir = tempfile::tempdir().unwrap();
    let server = TestCluster::kept_in(dir.path());
    let scene = Scene::at(&server).await;
    let namespace = scene.namespace("restart").await;
    let maps = format!("/api/v1/namespaces/{namespace}/configmaps");
    for name in ["goes", "stays"] {
        scene.map(&namespace, name).await;
    }
    let admin = scene.watch(&scene.admin, WatchFor::rows(LookFor::kind("cm").within(&namespace)));
    let viewer = scene.watch(&scene.viewer, WatchFor::rows(LookFor::kind("cm").everywhere()).shaped(Shape::Metadata));
    admin.live().await;
    viewer.live().await;
    server.end();
    for watched in [&admin, &viewer] {
        watched.until("it says that it was cut", |kept| kept.parts.last().is_some_and(|part| part == "stale")).await;
    }
    assert_eq!(admin.names(), ["goes", "stays"], "what is known stays");
    let server = TestCluster::kept_in(dir.path());
    assert_eq!(server.server, scene.admin.server, "the same address");
    scene.send("DELETE", &format!("{maps}/goes"), Json::Null).await;
    scene.map(&namespace, "comes").await;
    let so = |kept: &Kept| {
        let names: Vec<&str> = kept
            .rows
            .keys()
            .chain(kept.objects.keys())
            .filter(|name| name.namespace.as_ref() == Some(&namespace))
            .map(|name| name.name.as_str())
            .collect();
        names.contains(&"comes")
            && !names.contains(&"goes")
            && names.contains(&"stays")
            && kept.parts.iter().filter(|part| *part == "live").count() == 2
    };
    admin.until("it goes on", so).await;
    viewer.until("it goes on, although the server's roles are known a moment later", so).await;

    // A place from before the server began is one that it does not remember: 410, and everything is told anew.
    let old = scene.watch(&scene.admin, WatchFor::rows(LookFor::kind("cm").within(&namespace)).since(Some("1".into())));
    old.until("told anew", |kept| kept.rows.len() == 2 && kept.parts.contains(&"live".to_owned())).await;
    assert_eq!(old.count("anew"), 1, "{:?}", old.seen.kept.lock().unwrap().parts);
    assert_eq!((old.names(), old.count("stale")), (vec!["comes".to_owned(), "stays".to_owned()], 0));
    server.end();
}

#[tokio::test]
async fn a_consumer_that_wants_no_more_ends_it() {
    struct Few(std::sync::atomic::AtomicUsize);
    #[async_trait]
    impl WatchSink for Few {
        async fn part(&self, _: WatchPart) -> bool {
            self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst) < 1
        }
    }
    let scene = Scene::at(testcluster()).await;
    let few = Few(0.into());
    scene.look.watch(&scene.admin, &WatchFor::rows(LookFor::kind("namespaces")), &few).await.unwrap();
    assert_eq!(few.0.into_inner(), 2);
}
