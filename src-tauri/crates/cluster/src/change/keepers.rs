//! Who will set a change back: autoscalers, delivery tools, operators. What is looked at is already here. Pure, but for the autoscalers.

use domain::Json;
use domain::manifest::{ObjectRef, UndoneBy};

/// Who manages an object as a whole, by its labels, annotations, owners.
pub(super) fn managed_by(live: &Json, object: &ObjectRef) -> Vec<UndoneBy> {
    let text = |field: &str, key: &str| live.pointer(&format!("/metadata/{field}")).and_then(|all| all.get(key)).and_then(Json::as_str);
    let label = |key: &str| text("labels", key);
    let annotation = |key: &str| text("annotations", key);
    let mut found = Vec::new();
    let mut by = |by: String| {
        if !found.iter().any(|one: &UndoneBy| one.by == by) {
            found.push(UndoneBy { object: object.clone(), path: String::new(), by });
        }
    };
    if let Some(id) = annotation("argocd.argoproj.io/tracking-id") {
        by(format!("Argo CD {}", id.split(':').next().unwrap_or(id)));
    } else if let Some(app) = label("argocd.argoproj.io/instance") {
        by(format!("Argo CD {app}"));
    }
    if let Some(name) = label("kustomize.toolkit.fluxcd.io/name") {
        by(format!("Flux Kustomization {name}"));
    }
    if let Some(name) = label("helm.toolkit.fluxcd.io/name") {
        by(format!("Flux HelmRelease {name}"));
    } else if let Some(release) = annotation("meta.helm.sh/release-name") {
        by(format!("Helm release {release}"));
    } else if label("app.kubernetes.io/managed-by") == Some("Helm") {
        by(format!("Helm release {}", label("app.kubernetes.io/instance").unwrap_or("?")));
    }
    let owners = live.pointer("/metadata/ownerReferences").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    for owner in owners.iter().filter(|owner| owner.get("controller").and_then(Json::as_bool) == Some(true)) {
        let part = |key: &str| owner.get(key).and_then(Json::as_str).unwrap_or_default();
        by(format!("{} {}", part("kind"), part("name")));
    }
    found
}

/// The autoscalers of a list that set this object's replicas.
pub(super) fn scaled_by(list: &Json, object: &ObjectRef) -> Vec<UndoneBy> {
    let items = list.get("items").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    let is_its = |item: &&Json| {
        let part = |key: &str| item.pointer(&format!("/spec/scaleTargetRef/{key}")).and_then(Json::as_str).unwrap_or_default();
        part("kind") == object.kind && part("name") == object.name
    };
    let name = |item: &Json| item.pointer("/metadata/name").and_then(Json::as_str).unwrap_or_default().to_owned();
    let one = |item: &Json| UndoneBy {
        object: object.clone(),
        path: "spec.replicas".into(),
        by: format!("HorizontalPodAutoscaler {}", name(item)),
    };
    items.iter().filter(is_its).map(one).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn delivery_tools_and_owners_are_told_by_what_they_leave() {
        let object =
            ObjectRef { api_version: "apps/v1".into(), kind: "Deployment".into(), namespace: Some("n".into()), name: "web".into() };
        for (metadata, expected) in [
            (json!({ "annotations": { "argocd.argoproj.io/tracking-id": "shop:apps/Deployment:n/web" } }), vec!["Argo CD shop"]),
            (json!({ "labels": { "argocd.argoproj.io/instance": "shop" } }), vec!["Argo CD shop"]),
            (json!({ "labels": { "kustomize.toolkit.fluxcd.io/name": "apps" } }), vec!["Flux Kustomization apps"]),
            (
                json!({ "labels": { "helm.toolkit.fluxcd.io/name": "web", "app.kubernetes.io/managed-by": "Helm" },
                    "annotations": { "meta.helm.sh/release-name": "web" } }),
                vec!["Flux HelmRelease web"],
            ),
            (json!({ "annotations": { "meta.helm.sh/release-name": "web" } }), vec!["Helm release web"]),
            (
                json!({ "ownerReferences": [{ "kind": "Shop", "name": "s", "controller": true }, { "kind": "X", "name": "y" }] }),
                vec!["Shop s"],
            ),
            (json!({ "labels": { "app.kubernetes.io/instance": "x" } }), vec![]),
        ] {
            let found: Vec<String> = managed_by(&json!({ "metadata": metadata }), &object).into_iter().map(|one| one.by).collect();
            assert_eq!(found, expected);
        }
        let list = json!({ "items": [
            { "metadata": { "name": "h" }, "spec": { "scaleTargetRef": { "kind": "Deployment", "name": "web" } } },
            { "metadata": { "name": "i" }, "spec": { "scaleTargetRef": { "kind": "StatefulSet", "name": "web" } } },
        ] });
        let found = scaled_by(&list, &object);
        assert_eq!((found.len(), found[0].by.as_str(), found[0].path.as_str()), (1, "HorizontalPodAutoscaler h", "spec.replicas"));
    }
}
