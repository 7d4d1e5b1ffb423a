//! The schemas that a cluster itself serves, CustomResourceDefinitions included.

use futures::FutureExt as _;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use http::Request;
use serde_json::{Map, Value};

use super::bundle;
use super::schema::Schemas;

/// How many documents are fetched together.
const AT_ONCE: usize = 4;

/// What a cluster serves, by the name that its server gives to this state of it.
#[derive(Debug)]
pub(crate) struct Index {
    /// Changes when any schema does.
    pub(crate) state: String,
    /// Its version, such as `1.36`.
    pub(crate) version: String,
    documents: Vec<String>,
}

async fn get(client: &kube::Client, path: &str) -> Result<Value, kube::Error> {
    let request = Request::get(path).header(http::header::ACCEPT, "application/json").body(Vec::new()).map_err(kube::Error::HttpError)?;
    client.request(request).await
}

/// Asks what there is. None where the server has no OpenAPI v3: before Kubernetes 1.24.
pub(crate) async fn index(client: &kube::Client) -> Result<(Option<Index>, String), kube::Error> {
    let version = get(client, "/version").await?;
    let version = version.get("gitVersion").and_then(Value::as_str).and_then(bundle::minor).unwrap_or_default();
    let paths = match get(client, "/openapi/v3").await {
        Ok(index) => index,
        Err(kube::Error::Api(status)) if status.code == 404 => return Ok((None, version)),
        Err(fault) => return Err(fault),
    };
    let mut documents: Vec<String> = paths
        .get("paths")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter(|(path, _)| path.starts_with("api/") || path.starts_with("apis/"))
        .filter_map(|(_, facts)| facts.get("serverRelativeURL").and_then(Value::as_str))
        // What is fetched stays on this server.
        .filter(|url| url.starts_with("/openapi/v3/"))
        .map(str::to_owned)
        .collect();
    documents.sort_unstable();
    Ok((Some(Index { state: documents.join(" "), version: version.clone(), documents }), version))
}

/// Fetches and compiles them.
pub(crate) async fn schemas(client: &kube::Client, index: &Index) -> Result<Schemas, kube::Error> {
    let mut schemas = Schemas::new(&index.version);
    let questions: Vec<_> = index
        .documents
        .iter()
        .cloned()
        .map(|path| {
            let client = client.clone();
            async move { get(&client, &path).await }.boxed()
        })
        .collect();
    let mut answers = stream::iter(questions).buffered(AT_ONCE);
    while let Some(document) = answers.try_next().await? {
        take(&mut schemas, &document);
    }
    Ok(schemas)
}

fn take(schemas: &mut Schemas, document: &Value) {
    let none = Map::new();
    let components = document.pointer("/components/schemas").and_then(Value::as_object).unwrap_or(&none);
    for (path, actions) in document.get("paths").and_then(Value::as_object).into_iter().flatten() {
        let Some(post) = actions.get("post").filter(|_| !path.contains("{name}")) else { continue };
        let kind = post.get("x-kubernetes-group-version-kind");
        let word = |key: &str| kind.and_then(|kind| kind.get(key)).and_then(Value::as_str).unwrap_or_default();
        let (group, version, kind) = (word("group"), word("version"), word("kind"));
        let body = post.pointer("/requestBody/content").and_then(Value::as_object).and_then(|content| content.values().next());
        let body =
            body.and_then(|body| body.pointer("/schema/$ref").or_else(|| body.pointer("/schema/allOf/0/$ref"))).and_then(Value::as_str);
        let Some(name) = body.and_then(|body| body.rsplit('/').next()).filter(|name| name.rsplit('.').next() == Some(kind)) else {
            continue;
        };
        let api_version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
        schemas.take(&api_version, kind, path.contains("{namespace}"), name, components);
    }
}
