//! Whether we may do something, as the server says.

use domain::Json;
use domain::fault::Fault;
use domain::kube::{Access, Permission};
use serde_json::json;

use super::fault::clean;
use super::{Asked, At, Look, namespace_of};

impl Look {
    pub(crate) async fn may_of(&self, at: &At<'_>, access: &Access) -> Result<Permission, Fault> {
        let kind = self.kind_of(at, &access.kind).await?;
        let namespace = namespace_of(at.cluster, &kind, access.scope.as_ref());
        let review = json!({
            "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
            "spec": { "resourceAttributes": {
                "verb": access.verb, "group": kind.group, "version": kind.version, "resource": kind.plural,
                "subresource": access.part.as_deref().unwrap_or_default(), "namespace": namespace.unwrap_or_default(),
                "name": access.name.as_deref().unwrap_or_default(),
            } },
        });
        let asked =
            Asked { verb: "create", resource: "selfsubjectaccessreviews", group: "authorization.k8s.io", namespace: None, name: None };
        let answer = self.post(at, "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", &review, &asked).await?;
        let status = answer.get("status").ok_or_else(|| crate::fault::strange(at.cluster, &asked.what()))?;
        let flag = |name: &str| status.get(name).and_then(Json::as_bool).unwrap_or(false);
        Ok(Permission {
            allowed: flag("allowed") && !flag("denied"),
            reason: clean(status.get("reason").and_then(Json::as_str).unwrap_or_default()),
            resource: match &access.part {
                Some(part) => format!("{}/{part}", kind.full_name()),
                None => kind.full_name(),
            },
            namespace: namespace.map(str::to_owned),
        })
    }
}
