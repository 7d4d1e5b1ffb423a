//! A very small Kubernetes API: enough discovery, namespaces and pods for a server that lists them.

use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse, Json as Body};
use axum::routing::{get, post};
use http::{HeaderMap, StatusCode, header};
use serde_json::{Value as Json, json};

use crate::web::{Seen, Web};

/// The API server.
#[derive(Debug)]
pub struct KubeApi {
    /// The requests that came.
    pub seen: Seen,
    /// The listener.
    pub web: Web,
}

impl KubeApi {
    /// Serves on a free port.
    pub async fn start() -> Self {
        let app = Router::new()
            .route(
                "/version",
                get(|| async { Body(json!({ "major": "1", "minor": "35", "gitVersion": "v1.35.1", "platform": "linux/amd64" })) }),
            )
            .route("/apis/authentication.k8s.io/v1/selfsubjectreviews", post(whoami))
            .route("/api", get(|| async { Body(json!({ "kind": "APIVersions", "versions": ["v1"] })) }))
            .route("/apis", get(|| async { Body(json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": [] })) }))
            .route("/api/v1", get(|| async { Body(resources()) }))
            .route("/api/v1/namespaces", get(|| async { Body(list("Namespace", ["default", "kube-system"].map(namespace).to_vec())) }))
            .route("/api/v1/pods", get(|| async { Body(list("Pod", vec![pod("default", "web-1"), pod("kube-system", "dns-1")])) }))
            .route(
                "/api/v1/namespaces/{namespace}/pods",
                get(|Path(namespace): Path<String>| async move { Body(list("Pod", vec![pod(&namespace, "web-1")])) }),
            )
            .route("/api/v1/namespaces/{namespace}/pods/{name}", get(one_pod))
            .fallback(|| async { (StatusCode::NOT_FOUND, Body(status("the server could not find the requested resource"))) });
        let seen = Seen::default();
        let web = Web::start(seen.over(app)).await;
        Self { seen, web }
    }

    /// A kubeconfig that leads here.
    pub fn kubeconfig(&self) -> String {
        json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "double",
            "clusters": [{ "name": "double", "cluster": { "server": self.web.url("") } }],
            "users": [{ "name": "me", "user": {} }],
            "contexts": [{ "name": "double", "context": { "cluster": "double", "user": "me" } }],
        })
        .to_string()
    }
}

/// Whoever comes with a token is `ada`; one that begins with `wrong` is nobody.
async fn whoami(headers: HeaderMap) -> axum::response::Response {
    let token = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if token.starts_with("Bearer wrong") {
        let body = json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Unauthorized", "code": 401 });
        return (StatusCode::UNAUTHORIZED, Body(body)).into_response();
    }
    let user = if token.is_empty() { "system:anonymous" } else { "ada" };
    let body = json!({
        "kind": "SelfSubjectReview", "apiVersion": "authentication.k8s.io/v1", "metadata": {},
        "status": { "userInfo": { "username": user, "groups": ["system:authenticated"] } },
    });
    (StatusCode::CREATED, Body(body)).into_response()
}

async fn one_pod(Path((namespace, name)): Path<(String, String)>) -> axum::response::Response {
    if name == "web-1" {
        Body(pod(&namespace, &name)).into_response()
    } else {
        (StatusCode::NOT_FOUND, Body(status(&format!("pods \"{name}\" not found")))).into_response()
    }
}

fn resources() -> Json {
    let resource = |name: &str, kind: &str, namespaced: bool| json!({ "name": name, "singularName": "", "namespaced": namespaced, "kind": kind, "verbs": ["get", "list"] });
    json!({ "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": "v1",
            "resources": [resource("namespaces", "Namespace", false), resource("pods", "Pod", true)] })
}

fn list(kind: &str, items: Vec<Json>) -> Json {
    json!({ "kind": format!("{kind}List"), "apiVersion": "v1", "metadata": { "resourceVersion": "42" }, "items": items })
}

fn status(message: &str) -> Json {
    json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message, "reason": "NotFound", "code": 404 })
}

fn namespace(name: &str) -> Json {
    json!({ "kind": "Namespace", "apiVersion": "v1", "metadata": { "name": name, "uid": format!("ns-{name}"), "creationTimestamp": "2026-11-01T00:00:00Z" },
            "status": { "phase": "Active" } })
}

fn pod(namespace: &str, name: &str) -> Json {
    json!({ "kind": "Pod", "apiVersion": "v1",
            "metadata": { "name": name, "namespace": namespace, "uid": format!("pod-{name}"), "creationTimestamp": "2026-11-20T08:00:00Z", "labels": { "app": "web" } },
            "spec": { "nodeName": "node-1", "containers": [{ "name": "main", "image": "nginx:1.27" }] },
            "status": { "phase": "Running", "podIP": "10.244.1.12" } })
}
