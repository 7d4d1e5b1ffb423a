//! What admission webhooks do to a rehearsal: what they change is shown, what they refuse is refused, and one that does not answer is named.

use axum::Router;
use axum::extract::Json as Body;
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::Json;
use domain::fault::FaultKind;
use domain::manifest::{Action, Change as _};
use serde_json::json;
use testkit::issuer::{Authority, Listening};

use super::{Scene, config, web};

/// A webhook of a test's own namespace, until it is dropped; its configuration goes with the test's cluster.
struct Webhook {
    _serving: Listening,
}

fn answer(review: &Json, response: Json) -> Body<Json> {
    let mut response = response;
    response["uid"] = review["request"]["uid"].clone();
    Body(json!({ "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response }))
}

/// Adds a key to every ConfigMap.
async fn stamps(Body(review): Body<Json>) -> Body<Json> {
    assert_eq!(review["request"]["kind"]["kind"], "ConfigMap");
    let patch = json!([{ "op": "add", "path": "/data/stamped", "value": "by-webhook" }]);
    answer(&review, json!({ "allowed": true, "patchType": "JSONPatch", "patch": STANDARD.encode(patch.to_string()) }))
}

async fn denies(Body(review): Body<Json>) -> Body<Json> {
    answer(&review, json!({ "allowed": false, "status": { "code": 403, "message": "every map needs an owner" } }))
}

async fn agrees(Body(review): Body<Json>) -> Body<Json> {
    answer(&review, json!({ "allowed": true }))
}

impl Webhook {
    async fn new(scene: &Scene, kind: &str, does: Router) -> Self {
        let authority = Authority::default();
        let serving = Listening::start(does, &authority).await;
        let name = format!("{}.pilothouse.test", scene.ns);
        let body = json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": kind, "metadata": { "name": name },
            "webhooks": [{
                "name": name,
                "clientConfig": { "url": format!("https://127.0.0.1:{}/", serving.port()), "caBundle": STANDARD.encode(authority.pem()) },
                "rules": [{ "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["configmaps"] }],
                "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": scene.ns } },
                "sideEffects": "None", "admissionReviewVersions": ["v1"], "timeoutSeconds": 10,
            }],
        });
        let plural = if kind.starts_with("Mutating") { "mutatingwebhookconfigurations" } else { "validatingwebhookconfigurations" };
        scene.ask("POST", &format!("/apis/admissionregistration.k8s.io/v1/{plural}"), Some(&body)).await.unwrap();
        Self { _serving: serving }
    }
}

#[tokio::test]
async fn what_a_webhook_changes_is_shown_before_and_is_what_comes_of_it() {
    let scene = Scene::new().await;
    let _webhook = Webhook::new(&scene, "MutatingWebhookConfiguration", Router::new().route("/", post(stamps))).await;
    let text = config("a", &[("own", "1")]);
    // The API server takes up a new webhook after a moment.
    let rehearsal = loop {
        let rehearsal = scene.rehearse(&text).await.unwrap();
        if !rehearsal.changes()[0].adjusted.is_empty() {
            break rehearsal;
        }
        tokio::task::yield_now().await;
    };
    let change = &rehearsal.changes()[0];
    assert_eq!(change.action, Action::Create);
    assert_eq!(change.adjusted.len(), 1, "{:?}", change.adjusted);
    assert_eq!((change.adjusted[0].path.as_str(), &change.adjusted[0].after), ("data.stamped", &Some(json!("by-webhook"))));
    assert!(change.diff.contains("by-webhook"), "{}", change.diff);
    assert!(scene.get("configmaps", "a").await.is_none(), "a rehearsal leaves nothing");
    scene.changes.apply(&scene.def, &scene.draft(&text), rehearsal.digest(), None).await.unwrap();
    assert_eq!(scene.get("configmaps", "a").await.unwrap()["data"], json!({ "own": "1", "stamped": "by-webhook" }));
    assert_eq!(scene.rehearse(&text).await.unwrap().changes()[0].action, Action::Unchanged);
}

#[tokio::test]
async fn what_a_webhook_refuses_is_refused_with_its_words_and_its_name() {
    let scene = Scene::new().await;
    let _webhook = Webhook::new(&scene, "ValidatingWebhookConfiguration", Router::new().route("/", post(denies))).await;
    let fault = loop {
        match scene.rehearse(&config("a", &[("own", "1")])).await {
            Err(fault) => break fault,
            Ok(_) => tokio::task::yield_now().await,
        }
    };
    assert_eq!(fault.code, "cluster_forbidden");
    let said = &fault.message.en;
    assert!(said.contains("every map needs an owner") && said.contains(&format!("{}.pilothouse.test", scene.ns)), "{said}");
}

#[tokio::test]
async fn a_webhook_that_does_not_answer_is_named_and_nothing_goes_past_it() {
    let scene = Scene::new().await;
    let webhook = Webhook::new(&scene, "ValidatingWebhookConfiguration", Router::new().route("/", post(agrees))).await;
    drop(webhook);
    let fault = loop {
        match scene.rehearse(&config("a", &[("own", "1")])).await {
            Err(fault) => break fault,
            Ok(_) => tokio::task::yield_now().await,
        }
    };
    assert_eq!((fault.code.as_str(), fault.kind), ("webhook_unreachable", FaultKind::Unreachable), "{fault}");
    let name = format!("{}.pilothouse.test", scene.ns);
    assert!(fault.message.en.contains(&name) && fault.message.zh.contains(&name), "{fault}");
    assert!(scene.get("configmaps", "a").await.is_none());
}

#[tokio::test]
async fn what_the_server_fills_in_is_no_part_of_the_diff_and_is_there_to_be_looked_at() {
    let scene = Scene::new().await;
    let rehearsal = scene.rehearse(&web("a:1", 2)).await.unwrap();
    let change = &rehearsal.changes()[0];
    assert!(!change.diff.contains("terminationMessagePath") && change.diff.contains("image: a:1"), "{}", change.diff);
    let filled: Vec<&str> = change.defaults.iter().map(|field| field.path.as_str()).collect();
    assert!(filled.contains(&"spec.template.spec.containers[name=app].terminationMessagePath"), "{filled:?}");
    assert!(change.adjusted.is_empty(), "{:?}", change.adjusted);
}
