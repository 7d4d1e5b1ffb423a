//! Single requests to an API server, and what it calls its kinds.
//!
//! **Invariant:** nothing is sent twice here, and a request without an answer is told from one that was refused.

use std::collections::HashMap;
use std::time::Duration;

use domain::Json;
use domain::cluster::ClusterDef;
use domain::fault::Fault;
use domain::manifest::{MANAGER, ObjectRef};
use http::{Method, Request};
use http_body_util::BodyExt as _;
use kube::client::Body;

use super::order::Brought;
use crate::fault;

/// How long one request may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// What an API server answered, whether it agreed or not.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) status: u16,
    /// Its `Warning` headers.
    pub(super) warnings: Vec<String>,
    pub(super) body: Json,
}

impl Said {
    pub(super) fn agreed(&self) -> bool {
        self.status < 300
    }

    pub(super) fn text(&self, pointer: &str) -> &str {
        self.body.pointer(pointer).and_then(Json::as_str).unwrap_or_default()
    }

    /// The causes of a refusal: reason, field, message.
    pub(super) fn causes(&self) -> Vec<(&str, &str, &str)> {
        let causes = self.body.pointer("/details/causes").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
        causes
            .iter()
            .map(|cause| {
                let text = |key: &str| cause.get(key).and_then(Json::as_str).unwrap_or_default();
                (text("reason"), text("field"), text("message"))
            })
            .collect()
    }
}

/// A client and the cluster that it reaches.
#[derive(Clone)]
pub(super) struct Line<'c> {
    pub(super) client: kube::Client,
    pub(super) cluster: &'c ClusterDef,
}

/// How a request is made for trying or for doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Try,
    Do,
}

impl Mode {
    fn query(self) -> &'static str {
        match self {
            Self::Try => "&dryRun=All",
            Self::Do => "",
        }
    }

    /// The options of a deletion. An API server that gets them in the body passes over those in the address: a trial that is named there
    /// alone is none.
    fn of_deletion(self, options: &Json) -> Json {
        let mut options = options.clone();
        if self == Self::Try {
            options["dryRun"] = serde_json::json!(["All"]);
        }
        options
    }
}

impl Line<'_> {
    async fn send(&self, method: Method, uri: &str, content: &str, body: Option<&Json>) -> Result<Said, Fault> {
        tracing::debug!(cluster = self.cluster.name, %method, uri, "asking an API server");
        let bytes = body.map(|body| serde_json::to_vec(body).unwrap_or_default()).unwrap_or_default();
        let request = Request::builder().method(method).uri(uri).header(http::header::ACCEPT, "application/json");
        let request = if body.is_some() { request.header(http::header::CONTENT_TYPE, content) } else { request };
        let request = request.body(Body::from(bytes)).map_err(|fault| fault::of(self.cluster, &kube::Error::HttpError(fault)))?;
        let exchange = async {
            let answer = self.client.send(request).await.map_err(|fault| fault::of(self.cluster, &fault))?;
            let status = answer.status().as_u16();
            let warnings =
                answer.headers().get_all(http::header::WARNING).iter().filter_map(|value| warning(value.to_str().ok()?)).collect();
            let body = answer.into_body().collect().await.map_err(|fault| fault::of(self.cluster, &fault))?.to_bytes();
            let body = serde_json::from_slice(&body).unwrap_or(Json::Null);
            Ok(Said { status, warnings, body })
        };
        let said: Said =
            tokio::time::timeout(PATIENCE, exchange).await.unwrap_or_else(|_| Err(fault::late(self.cluster, PATIENCE.as_secs())))?;
        match said.status {
            401 => Err(fault::of(self.cluster, &kube::Error::Api(kube::core::Status::failure("", "Unauthorized").with_code(401).boxed()))),
            // A group that is not there is answered in plain words.
            status if status >= 300 && status != 404 && said.body.is_null() => {
                Err(fault::of(self.cluster, &kube::Error::Api(kube::core::Status::failure("", "").with_code(status).boxed())))
            }
            _ => Ok(said),
        }
    }

    pub(super) async fn get(&self, path: &str) -> Result<Said, Fault> {
        self.send(Method::GET, path, "", None).await
    }

    /// Server-side apply under our own name.
    pub(super) async fn apply(&self, path: &str, body: &Json, mode: Mode, force: bool) -> Result<Said, Fault> {
        let force = if force { "&force=true" } else { "" };
        let uri = format!("{path}?fieldManager={MANAGER}&fieldValidation=Strict{}{force}", mode.query());
        self.send(Method::PATCH, &uri, "application/apply-patch+yaml", Some(body)).await
    }

    pub(super) async fn replace(&self, path: &str, body: &Json, mode: Mode) -> Result<Said, Fault> {
        let uri = format!("{path}?fieldManager={MANAGER}{}", mode.query());
        self.send(Method::PUT, &uri, "application/json", Some(body)).await
    }

    pub(super) async fn create(&self, collection: &str, body: &Json, mode: Mode) -> Result<Said, Fault> {
        let uri = format!("{collection}?fieldManager={MANAGER}{}", mode.query());
        self.send(Method::POST, &uri, "application/json", Some(body)).await
    }

    /// A whole object that must hold nothing unknown.
    pub(super) async fn replace_strict(&self, path: &str, body: &Json, mode: Mode) -> Result<Said, Fault> {
        let uri = format!("{path}?fieldManager={MANAGER}&fieldValidation=Strict{}", mode.query());
        self.send(Method::PUT, &uri, "application/json", Some(body)).await
    }

    /// A new object that must hold nothing unknown.
    pub(super) async fn create_strict(&self, collection: &str, body: &Json, mode: Mode) -> Result<Said, Fault> {
        let uri = format!("{collection}?fieldManager={MANAGER}&fieldValidation=Strict{}", mode.query());
        self.send(Method::POST, &uri, "application/json", Some(body)).await
    }

    /// Some fields; `content` says how they are to be read.
    pub(super) async fn patch(&self, path: &str, content: &str, body: &Json, mode: Mode) -> Result<Said, Fault> {
        let uri = format!("{path}?fieldManager={MANAGER}&fieldValidation=Strict{}", mode.query());
        self.send(Method::PATCH, &uri, content, Some(body)).await
    }

    /// Asks for a pod to go, which its disruption budget may refuse for now (429).
    pub(super) async fn evict(&self, pod: &str, body: &Json, mode: Mode) -> Result<Said, Fault> {
        let uri = if mode == Mode::Try { format!("{pod}/eviction?dryRun=All") } else { format!("{pod}/eviction") };
        self.send(Method::POST, &uri, "application/json", Some(body)).await
    }

    pub(super) async fn delete(&self, path: &str, options: &Json, mode: Mode) -> Result<Said, Fault> {
        self.send(Method::DELETE, path, "application/json", Some(&mode.of_deletion(options))).await
    }
}

/// `299 - "text"`: the text.
fn warning(header: &str) -> Option<String> {
    let (_, rest) = header.split_once('"')?;
    let text = rest.rsplit_once('"').map_or(rest, |(text, _)| text);
    Some(text.replace("\\\"", "\"").replace("\\\\", "\\").chars().filter(|c| !c.is_control()).take(500).collect())
}

/// A kind as the API server serves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Served {
    pub(super) plural: String,
    pub(super) namespaced: bool,
}

impl Served {
    /// The path of all objects of the kind, in a namespace or in all.
    pub(super) fn collection(&self, api_version: &str, namespace: Option<&str>) -> String {
        let root = if api_version.contains('/') { "apis" } else { "api" };
        match namespace.filter(|_| self.namespaced) {
            Some(namespace) => format!("/{root}/{api_version}/namespaces/{namespace}/{}", self.plural),
            None => format!("/{root}/{api_version}/{}", self.plural),
        }
    }

    /// The path of one.
    pub(super) fn path(&self, object: &ObjectRef) -> String {
        // Names of RBAC objects may hold a colon, which a path may as well.
        format!("{}/{}", self.collection(&object.api_version, object.namespace.as_deref()), object.name)
    }
}

/// What is known of the kinds of a cluster, asked once for each group and version that a manifest names.
#[derive(Default)]
pub(super) struct Kinds {
    asked: HashMap<String, HashMap<String, Served>>,
}

impl Kinds {
    /// The kind, or none where the server has no such.
    pub(super) async fn find(&mut self, line: &Line<'_>, api_version: &str, kind: &str) -> Result<Option<Served>, Fault> {
        if !self.asked.contains_key(api_version) {
            let root = if api_version.contains('/') { "apis" } else { "api" };
            let said = line.get(&format!("/{root}/{api_version}")).await?;
            let kinds = if said.agreed() { listed(&said.body) } else { HashMap::new() };
            if !said.agreed() && said.status != 404 {
                return Err(super::fault::refused(line.cluster, &said, "discover", None));
            }
            self.asked.insert(api_version.to_owned(), kinds);
        }
        Ok(self.asked.get(api_version).and_then(|kinds| kinds.get(kind)).cloned())
    }

    /// Forgets a group's kinds: a definition changed them.
    pub(super) fn forget(&mut self, brought: &Brought) {
        for version in &brought.versions {
            self.asked.remove(&format!("{}/{version}", brought.group));
        }
    }
}

/// Of an APIResourceList: kinds without their subresources.
fn listed(body: &Json) -> HashMap<String, Served> {
    let resources = body.get("resources").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut kinds = HashMap::new();
    for resource in resources {
        let text = |key: &str| resource.get(key).and_then(Json::as_str).unwrap_or_default();
        if text("name").contains('/') || text("name").is_empty() {
            continue;
        }
        let namespaced = resource.get("namespaced").and_then(Json::as_bool).unwrap_or(false);
        kinds.entry(text("kind").to_owned()).or_insert(Served { plural: text("name").to_owned(), namespaced });
    }
    kinds
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_warning_is_the_text_between_its_quotes() {
        assert_eq!(warning(r#"299 - "unknown field \"spec.x\"""#).as_deref(), Some("unknown field \"spec.x\""));
        assert_eq!(warning("299 - nothing"), None);
    }

    #[test]
    fn the_trial_of_a_deletion_says_so_where_the_server_looks() {
        let options = json!({ "propagationPolicy": "Background" });
        assert_eq!(Mode::Try.of_deletion(&options), json!({ "propagationPolicy": "Background", "dryRun": ["All"] }));
        assert_eq!(Mode::Do.of_deletion(&options), options);
    }

    #[test]
    fn kinds_have_paths_in_their_scope() {
        let list = json!({ "resources": [
            { "name": "pods/status", "kind": "Pod", "namespaced": true },
            { "name": "pods", "kind": "Pod", "namespaced": true },
            { "name": "nodes", "kind": "Node", "namespaced": false },
        ] });
        let kinds = listed(&list);
        assert_eq!(kinds.len(), 2);
        let object = |kind: &str, namespace: Option<&str>| ObjectRef {
            api_version: "v1".into(),
            kind: kind.into(),
            namespace: namespace.map(str::to_owned),
            name: "x".into(),
        };
        assert_eq!(kinds["Pod"].path(&object("Pod", Some("a"))), "/api/v1/namespaces/a/pods/x");
        assert_eq!(kinds["Node"].path(&object("Node", None)), "/api/v1/nodes/x");
        let served = Served { plural: "deployments".into(), namespaced: true };
        assert_eq!(served.collection("apps/v1", None), "/apis/apps/v1/deployments");
    }
}
