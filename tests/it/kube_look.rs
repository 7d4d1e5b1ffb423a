//! Looking at clusters that are old, half broken or cut off: what a good API server will not do.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, RawQuery};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Json as Answer, Response};
use axum::routing::get;
use bytes::Bytes;
use cluster::{Look, Reach, ReachParts};
use domain::Json;
use domain::cluster::ClusterDef;
use domain::fault::FaultKind;
use domain::kube::{Kube as _, LogPart, LogQuery, LogSink, LogTarget, LookFor};
use protocols::guard::Errands;
use serde_json::json;
use testkit::kube::KubeApi;
use testkit::memory::MemoryRedact;
use testkit::memory_vault::MemoryVault;
use testkit::stage::RealClock;
use testkit::web::{Seen, Web};
use tokio_util::task::TaskTracker;

use crate::kubeconfig_cli::{Home, Ran};

/// An API server of this test's own.
struct Scene {
    web: Web,
    seen: Seen,
    look: Look,
}

impl Scene {
    async fn new(app: Router) -> Self {
        let seen = Seen::default();
        let web = Web::start(seen.over(app)).await;
        let reach = Reach::new(ReachParts {
            vault: Arc::new(MemoryVault::default()),
            run: Arc::new(Errands::new(Arc::from([]), TaskTracker::new())),
            redact: Arc::new(MemoryRedact::default()),
            clock: Arc::new(RealClock),
            env: Arc::default(),
            plugin_patience: Reach::PLUGIN_PATIENCE,
        });
        Self { web, seen, look: Look::new(Arc::new(reach)) }
    }

    fn def(&self) -> ClusterDef {
        def(self.web.url("").trim_end_matches('/'))
    }
}

fn def(server: &str) -> ClusterDef {
    serde_json::from_value(json!({
        "id": "c1", "name": "odd", "server": server, "insecure": false, "auth": { "kind": "anonymous" }, "readOnly": false,
        "createdAt": 0, "updatedAt": 0,
    }))
    .unwrap()
}

fn refused(code: u16, reason: &str) -> Response {
    let body = json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "message": reason, "code": code });
    (StatusCode::from_u16(code).unwrap(), Answer(body)).into_response()
}

/// The discovery of before 1.26: group by group.
fn old() -> Router {
    let one = |name: &str, kind: &str, short: &str, namespaced: bool| json!({ "name": name, "singularName": "", "namespaced": namespaced, "kind": kind, "verbs": ["get", "list"], "shortNames": [short] });
    let core = json!({ "kind": "APIResourceList", "groupVersion": "v1", "resources": [
        one("pods", "Pod", "po", true), json!({ "name": "pods/log", "kind": "Pod", "namespaced": true, "verbs": ["get"] }),
        one("namespaces", "Namespace", "ns", false),
    ] });
    let version = |group: &str, version: &str| json!({ "groupVersion": format!("{group}/{version}"), "version": version });
    let groups = json!({ "kind": "APIGroupList", "groups": [
        { "name": "apps", "versions": [version("apps", "v1beta2"), version("apps", "v1")], "preferredVersion": version("apps", "v1") },
        { "name": "metrics.k8s.io", "versions": [version("metrics.k8s.io", "v1beta1")], "preferredVersion": version("metrics.k8s.io", "v1beta1") },
    ] });
    let apps = json!({ "kind": "APIResourceList", "resources": [one("deployments", "Deployment", "deploy", true)] });
    let older = apps.clone();
    Router::new()
        .route("/api", get(|| async { Answer(json!({ "kind": "APIVersions", "versions": ["v1"] })) }))
        .route("/apis", get(move || async { Answer(groups) }))
        .route("/api/v1", get(move || async { Answer(core) }))
        .route("/apis/apps/v1", get(move || async { Answer(apps) }))
        .route("/apis/apps/v1beta2", get(move || async { Answer(older) }))
        .route("/apis/metrics.k8s.io/v1beta1", get(|| async { refused(503, "ServiceUnavailable") }))
        .fallback(|| async { refused(404, "NotFound") })
}

fn rows(names: std::ops::Range<usize>, token: &str, of: Option<&str>) -> Json {
    let row = |nth: usize| {
        let name = format!("pod-{nth}");
        match of {
            Some(namespace) => json!({ "cells": [name, "Running"], "object": { "metadata": { "name": name, "namespace": namespace } } }),
            None => json!({ "cells": [name, "Running"], "object": null }),
        }
    };
    json!({
        "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": { "continue": token },
        "columnDefinitions": [{ "name": "Name", "type": "string", "format": "name", "priority": 0 }, { "name": "Status", "type": "string", "priority": 0 }],
        "rows": names.map(row).collect::<Vec<_>>(),
    })
}

#[tokio::test]
async fn an_old_server_is_asked_group_by_group_and_an_api_that_fails_is_named() {
    let scene = Scene::new(old()).await;
    let def = scene.def();
    let kinds = scene.look.kinds(&def).await.unwrap();
    assert_eq!(kinds.missing.iter().map(|missing| missing.api_version.as_str()).collect::<Vec<_>>(), ["metrics.k8s.io/v1beta1"]);
    for (named, expected) in [
        ("po", "v1"),
        ("pod", "v1"),
        ("Pod", "v1"),
        ("deploy", "apps/v1"),
        ("deployments.apps", "apps/v1"),
        ("deployments.v1.apps", "apps/v1"),
        ("deployments.v1beta2.apps", "apps/v1beta2"),
        ("Deployment.apps", "apps/v1"),
    ] {
        assert_eq!(scene.look.kind(&def, named).await.unwrap().api_version(), expected, "{named}");
    }
    let before = scene.seen.count("GET", "/apis");
    let fault = scene.look.kind(&def, "podmetrics").await.unwrap_err();
    assert_eq!((fault.kind, fault.code.as_str()), (FaultKind::NotFound, "unknown_kind"));
    assert!(fault.hint.en.contains("metrics.k8s.io/v1beta1"), "{fault:?}");
    assert!(scene.seen.count("GET", "/apis") > before, "it was asked anew before it was called unknown");
    let usage = scene.look.usage(&def, &domain::kube::UsageOf::Nodes).await.unwrap_err();
    assert_eq!((usage.kind, usage.code.as_str()), (FaultKind::Config, "no_metrics"));
}

#[tokio::test]
async fn a_list_whose_place_was_forgotten_begins_again_once_and_holds_nothing_twice() {
    let forgets = Arc::new(AtomicUsize::new(1));
    let left = forgets.clone();
    let pods = move |RawQuery(query): RawQuery| async move {
        let query = query.unwrap_or_default();
        assert!(query.contains("includeObject=None") && query.contains("limit=500"), "{query}");
        if !query.contains("continue=next") {
            return Answer(rows(0..500, "next", None)).into_response();
        }
        if left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
            return refused(410, "Expired");
        }
        Answer(rows(500..620, "", None)).into_response()
    };
    let scene = Scene::new(old().route("/api/v1/namespaces/default/pods", get(pods))).await;
    let table = scene.look.table(&scene.def(), &LookFor::kind("pods")).await.unwrap();
    assert_eq!(table.rows.len(), 620);
    assert!(table.rows[619].name == "pod-619" && table.rows[0].namespace.as_deref() == Some("default"));
    forgets.store(2, Ordering::SeqCst);
    assert_eq!(scene.look.table(&scene.def(), &LookFor::kind("pods")).await.unwrap_err().code, "gone", "once is enough");
}

#[tokio::test]
async fn where_namespaces_may_not_be_listed_the_rows_bring_their_own() {
    let pods = |RawQuery(query): RawQuery| async move {
        assert!(query.unwrap_or_default().contains("includeObject=Metadata"));
        Answer(rows(0..3, "", Some("team")))
    };
    let app = old().route("/api/v1/namespaces", get(|| async { refused(403, "Forbidden") })).route("/api/v1/pods", get(pods));
    let scene = Scene::new(app).await;
    let table = scene.look.table(&scene.def(), &LookFor::kind("pods").everywhere()).await.unwrap();
    assert_eq!(table.rows.len(), 3);
    assert!(table.rows.iter().all(|row| row.namespace.as_deref() == Some("team")), "{table:?}");
}

#[tokio::test]
async fn a_namespace_that_may_not_be_seen_is_named_and_the_others_are_shown() {
    let namespaces =
        || async { Answer(json!({ "metadata": {}, "items": [{ "metadata": { "name": "a" } }, { "metadata": { "name": "b" } }] })) };
    let pods = |Path(namespace): Path<String>| async move {
        if namespace == "a" { refused(403, "Forbidden") } else { Answer(rows(0..2, "", None)).into_response() }
    };
    let scene =
        Scene::new(old().route("/api/v1/namespaces", get(namespaces)).route("/api/v1/namespaces/{namespace}/pods", get(pods))).await;
    let table = scene.look.table(&scene.def(), &LookFor::kind("pods").everywhere()).await.unwrap();
    assert_eq!(table.rows.len(), 2);
    assert!(table.notes.len() == 1 && table.notes[0].en.ends_with(": a"), "{:?}", table.notes);
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up() {
    let hang = || std::future::pending::<&str>();
    let scene = Scene::new(old().route("/api/v1/namespaces/default/pods", get(hang))).await;
    let look = scene.look.patient(Duration::from_millis(300));
    let def = def(scene.web.url("").trim_end_matches('/'));
    let fault = look.table(&def, &LookFor::kind("pods")).await.unwrap_err();
    assert_eq!((fault.kind, fault.code.as_str()), (FaultKind::Timeout, "cluster_timeout"));
}

#[derive(Default)]
struct Heard(Mutex<Vec<LogPart>>);

#[async_trait]
impl LogSink for Heard {
    async fn part(&self, part: LogPart) -> bool {
        self.0.lock().unwrap().push(part);
        true
    }
}

impl Heard {
    fn lines(&self) -> Vec<String> {
        let line = |part: &LogPart| match part {
            LogPart::Line(line) => Some(format!("{}/{} {}", line.source.pod, line.source.container, line.text)),
            _ => None,
        };
        self.0.lock().unwrap().iter().filter_map(line).collect()
    }

    fn notes(&self) -> Vec<String> {
        self.0.lock().unwrap().iter().filter_map(|part| if let LogPart::Note(note) = part { Some(note.en.clone()) } else { None }).collect()
    }
}

fn pod(name: &str, containers: &[&str], state: &Json) -> Json {
    let each = |one: fn(&str, &Json) -> Json| containers.iter().map(|name| one(name, state)).collect::<Vec<_>>();
    json!({
        "kind": "Pod", "apiVersion": "v1", "metadata": { "name": name, "namespace": "default" },
        "spec": { "containers": each(|name, _| json!({ "name": name })) },
        "status": { "containerStatuses": each(|name, state| json!({ "name": name, "state": state })) },
    })
}

/// Lines, and then the connection breaks without an end, or ends well.
fn stream(lines: Vec<String>, breaks: bool) -> Response {
    let pieces = lines.into_iter().map(|line| Ok::<_, io::Error>(Bytes::from(format!("{line}\n"))));
    let end = breaks.then(|| Err(io::Error::other("cut")));
    // One after the other, so that the lines are out before the connection breaks.
    let pieces = futures::StreamExt::then(futures::stream::iter(pieces.chain(end)), |piece| async {
        tokio::task::yield_now().await;
        if piece.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        piece
    });
    Response::new(Body::from_stream(pieces))
}

#[tokio::test]
async fn a_log_that_is_cut_goes_on_where_it_was_with_no_line_twice_and_none_lost() {
    let asked = Arc::new(AtomicUsize::new(0));
    let times = asked.clone();
    let log = move |RawQuery(query): RawQuery| async move {
        let query = query.unwrap_or_default();
        assert!(query.contains("follow=true") && query.contains("timestamps=true"), "{query}");
        let line = |at: &str, text: &str| format!("2026-01-01T00:00:{at}Z {text}");
        match times.fetch_add(1, Ordering::SeqCst) {
            0 => {
                assert!(query.contains("tailLines=10") && !query.contains("sinceTime"), "{query}");
                stream(vec![line("01.5", "one"), line("02.25", "two"), line("02.25", "two again")], true)
            }
            nth => {
                assert!(query.contains("sinceTime=2026-01-01T00:00:02Z") && !query.contains("tailLines"), "{query}");
                let again = [
                    line("02.1", "before"),
                    line("02.25", "two"),
                    line("02.25", "two again"),
                    line("02.25", "two at last"),
                    line("03", "three"),
                ];
                stream(again[..if nth == 1 { 4 } else { 5 }].to_vec(), nth == 1)
            }
        }
    };
    let ended = || async { Answer(pod("web", &["main"], &json!({ "terminated": { "exitCode": 0 } }))) };
    let app = old().route("/api/v1/namespaces/default/pods/web/log", get(log)).route("/api/v1/namespaces/default/pods/web", get(ended));
    let scene = Scene::new(app).await;
    let heard = Heard::default();
    let query = LogQuery { follow: true, tail: Some(10), ..LogQuery::pod("web") };
    tokio::time::timeout(Duration::from_secs(30), scene.look.logs(&scene.def(), &query, &heard))
        .await
        .expect("it ends with the container")
        .unwrap();
    let expected = ["one", "two", "two again", "two at last", "three"].map(|text| format!("web/main {text}"));
    assert_eq!(heard.lines(), expected);
    assert_eq!(asked.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn the_logs_of_a_workload_are_those_of_its_pods_and_one_that_fails_is_named() {
    let deployment = || async { Answer(json!({ "kind": "Deployment", "spec": { "selector": { "matchLabels": { "app": "web" } } } })) };
    let pods = |RawQuery(query): RawQuery| async move {
        assert!(query.unwrap_or_default().contains("labelSelector=app%3Dweb"));
        let running = json!({ "running": {} });
        Answer(json!({ "metadata": {}, "items": [pod("web-1", &["main", "side"], &running), pod("web-2", &["main"], &running)] }))
    };
    let log = |Path(name): Path<String>, RawQuery(query): RawQuery| async move {
        assert!(query.unwrap_or_default().contains("container=main"));
        match name.as_str() {
            "web-1" => stream(vec!["2026-01-01T00:00:01Z x".into(), "no time here".into(), "y".repeat(150_000)], false),
            _ => refused(500, "dial tcp 10.0.0.9:10250: no route to host"),
        }
    };
    let app = old()
        .route("/apis/apps/v1/namespaces/default/deployments/web", get(deployment))
        .route("/api/v1/namespaces/default/pods", get(pods))
        .route("/api/v1/namespaces/default/pods/{name}/log", get(log));
    let scene = Scene::new(app).await;
    let heard = Heard::default();
    let target = LogTarget::Object { kind: "deploy".into(), name: "web".into() };
    scene.look.logs(&scene.def(), &LogQuery { target, ..LogQuery::pod("") }, &heard).await.unwrap();
    let lines = heard.lines();
    assert_eq!(&lines[..2], ["web-1/main x", "web-1/main no time here"]);
    assert_eq!(lines[2..].iter().map(|line| line.len() - "web-1/main ".len()).sum::<usize>(), 150_000, "a very long line comes in pieces");
    assert!(lines.len() == 5 && lines.iter().all(|line| line.len() < 70_000));
    let notes = heard.notes();
    assert!(notes[0].contains("container main; there are also: side"), "{notes:?}");
    assert!(notes[1].starts_with("web-2/main: ") && notes[1].contains("does not reach the node"), "{notes:?}");

    let wrong = LogQuery { container: Some("nope".into()), target: LogTarget::Labels("app=web".into()), ..LogQuery::pod("") };
    let fault = scene.look.logs(&scene.def(), &wrong, &heard).await.unwrap_err();
    assert!(fault.code == "no_such_container" && fault.hint.en.contains("main, side"), "{fault:?}");
}

fn run(home: &Home, words: &[&str]) -> Ran {
    tokio::task::block_in_place(|| home.run(words))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_looks_at_the_only_cluster_there_is() {
    let api = KubeApi::start().await;
    let home = tokio::task::spawn_blocking(Home::new).await.unwrap();
    let none = run(&home, &["k8s", "get", "pods"]);
    assert_eq!((none.code, none.json()["fault"]["code"].as_str()), (3, Some("no_clusters")));
    std::fs::write(home.at("kube"), api.kubeconfig()).unwrap();
    run(&home, &["cluster", "import", home.at("kube").to_str().unwrap(), "--yes"]).ok();
    let list = run(&home, &["k8s", "get", "pods", "-A"]).ok();
    assert_eq!((list["kind"].as_str(), list["items"].as_array().unwrap().len()), (Some("List"), 2));
    assert_eq!((&list["items"][0]["kind"], &list["items"][0]["apiVersion"]), (&json!("Pod"), &json!("v1")));
    assert_eq!(run(&home, &["k8s", "get", "pod/web-1"]).ok()["metadata"]["name"], "web-1");
    for (words, code, named) in [
        (&["k8s", "get", "pod", "nope"][..], 3, "no_such_object"),
        (&["k8s", "get", "nonsense"], 3, "unknown_kind"),
        (&["k8s", "get", "pods", "--cluster", "nope"], 3, "no_such_cluster"),
        (&["k8s", "get", "pod/web-1", "-A"], 2, "name_everywhere"),
        (&["k8s", "logs", "web-1", "--since", "soon"], 2, "since"),
        (&["k8s", "top", "nodes"], 3, "no_metrics"),
    ] {
        let ran = run(&home, words);
        assert_eq!((ran.code, ran.json()["fault"]["code"].as_str()), (code, Some(named)), "{words:?}");
    }
    run(&home, &["cluster", "lock"]).ok();
    let locked = run(&home, &["k8s", "get", "pods"]);
    assert_eq!((locked.code, locked.json()["fault"]["code"].as_str()), (6, Some("clusters_locked")));
}
