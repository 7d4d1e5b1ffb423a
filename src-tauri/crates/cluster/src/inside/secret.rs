//! One value of a Secret, because somebody wants to see it. Everywhere else they are masked (see `look::mask`).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::fault::{Fault, FaultKind};
use domain::kube::segment;
use domain::secret::Secret;
use domain::text::Text;
use domain::vault::SecretBytes;
use http::Request;
use serde::Deserialize;
use serde_json::json;
use zeroize::Zeroizing;

use crate::fault::about;
use crate::look::{Asked, At, Look, usual};

/// What is read of a Secret; its values are wiped when they are dropped.
#[derive(Deserialize)]
struct Held {
    #[serde(default)]
    data: std::collections::BTreeMap<String, Secret>,
}

pub(super) async fn reveal(look: &Look, at: &At<'_>, namespace: Option<&str>, name: &str, key: &str) -> Result<SecretBytes, Fault> {
    let namespace = namespace.unwrap_or_else(|| usual(at.cluster));
    let asked = Asked { verb: "get", resource: "secrets", group: "", namespace: Some(namespace), name: Some(name) };
    let request = Request::get(format!("/api/v1/namespaces/{}/secrets/{}", segment(namespace), segment(name))).body(Vec::new());
    let request = request.map_err(|fault| asked.fault(at.cluster, &kube::Error::HttpError(fault)))?;
    let text = match tokio::time::timeout(look.patience, at.client.request_text(request)).await {
        Ok(answer) => Zeroizing::new(answer.map_err(|fault| asked.fault(at.cluster, &fault))?),
        Err(_) => return Err(crate::fault::late(at.cluster, look.patience.as_secs())),
    };
    let held: Held = serde_json::from_str(&text).map_err(|_| crate::fault::strange(at.cluster, &asked.what()))?;
    let Some(value) = held.data.get(key) else {
        let known: Vec<&String> = held.data.keys().collect();
        let list = known.iter().map(|key| key.as_str()).collect::<Vec<_>>().join(", ");
        return Err(about(
            at.cluster,
            FaultKind::NotFound,
            "no_such_key",
            Text::new(
                format!("the Secret {name} in {namespace} has no key \"{key}\""),
                format!("{namespace} 中的 Secret {name} 没有键“{key}”"),
            ),
            Text::new(format!("There are: {list}"), format!("可选的有：{list}")),
        )
        .with_params(json!({ "cluster": at.cluster.name, "key": key, "known": known })));
    };
    STANDARD.decode(value.expose()).map(SecretBytes::new).map_err(|_| crate::fault::strange(at.cluster, &asked.what()))
}
