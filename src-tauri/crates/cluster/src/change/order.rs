//! In which order the objects of a set are applied: what others stand on comes first. Pure.

use domain::Json;

/// The place of a kind; what is not known comes after workloads' ground and before what routes to them.
fn rank(kind: &str) -> u8 {
    match kind {
        "Namespace" => 0,
        "CustomResourceDefinition" => 1,
        "PriorityClass" | "StorageClass" | "IngressClass" | "RuntimeClass" | "GatewayClass" => 2,
        "ResourceQuota" | "LimitRange" | "NetworkPolicy" => 3,
        "ServiceAccount" => 4,
        "Secret" | "ConfigMap" => 5,
        "PersistentVolume" | "PersistentVolumeClaim" => 6,
        "ClusterRole" | "Role" => 7,
        "ClusterRoleBinding" | "RoleBinding" => 8,
        "Service" => 9,
        "DaemonSet" | "Deployment" | "StatefulSet" | "ReplicaSet" | "ReplicationController" | "Pod" | "Job" | "CronJob" => 10,
        "HorizontalPodAutoscaler" | "PodDisruptionBudget" => 12,
        "Ingress" | "HTTPRoute" | "Gateway" => 13,
        // These decide about everything that comes after them.
        "APIService" => 14,
        "MutatingWebhookConfiguration"
        | "ValidatingWebhookConfiguration"
        | "ValidatingAdmissionPolicy"
        | "ValidatingAdmissionPolicyBinding" => 15,
        _ => 11,
    }
}

/// Sorts them; what is of one rank stays in the order of the text.
pub(super) fn sorted(objects: &[Json]) -> Vec<Json> {
    let mut all = objects.to_vec();
    all.sort_by_key(|object| rank(object.get("kind").and_then(Json::as_str).unwrap_or_default()));
    all
}

/// The group, versions, kind, plural and scope that a CustomResourceDefinition brings.
pub(super) struct Brought {
    pub(super) group: String,
    pub(super) kind: String,
    pub(super) plural: String,
    pub(super) versions: Vec<String>,
    pub(super) namespaced: bool,
}

/// What an object brings, when it is a CustomResourceDefinition.
pub(super) fn brought(object: &Json) -> Option<Brought> {
    if object.get("kind")?.as_str()? != "CustomResourceDefinition" {
        return None;
    }
    let text = |pointer: &str| object.pointer(pointer).and_then(Json::as_str).map(str::to_owned);
    let versions = object.pointer("/spec/versions")?.as_array()?;
    let served = versions.iter().filter(|version| version.get("served").and_then(Json::as_bool) != Some(false));
    Some(Brought {
        group: text("/spec/group")?,
        kind: text("/spec/names/kind")?,
        plural: text("/spec/names/plural")?,
        versions: served.filter_map(|version| version.get("name")?.as_str().map(str::to_owned)).collect(),
        namespaced: text("/spec/scope").as_deref() != Some("Cluster"),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_others_stand_on_comes_first_and_equals_keep_their_order() {
        let object = |kind: &str, name: &str| json!({ "kind": kind, "metadata": { "name": name } });
        let set = [
            object("Ingress", "i"),
            object("Deployment", "d1"),
            object("Widget", "w"),
            object("Service", "s"),
            object("RoleBinding", "rb"),
            object("ConfigMap", "c2"),
            object("ConfigMap", "c1"),
            object("ValidatingWebhookConfiguration", "v"),
            object("CustomResourceDefinition", "crd"),
            object("Namespace", "n"),
            object("ServiceAccount", "sa"),
        ];
        let names: Vec<String> = sorted(&set).iter().map(|object| object["metadata"]["name"].as_str().unwrap().to_owned()).collect();
        assert_eq!(names, ["n", "crd", "sa", "c2", "c1", "rb", "s", "d1", "w", "i", "v"]);
    }

    #[test]
    fn a_definition_says_what_it_brings() {
        let crd = json!({ "kind": "CustomResourceDefinition", "spec": { "group": "g", "scope": "Cluster",
            "names": { "kind": "Widget", "plural": "widgets" }, "versions": [{ "name": "v1", "served": true }, { "name": "v0", "served": false }] } });
        let brought = brought(&crd).unwrap();
        assert_eq!(
            (brought.group.as_str(), brought.kind.as_str(), brought.plural.as_str(), brought.namespaced),
            ("g", "Widget", "widgets", false)
        );
        assert_eq!(brought.versions, ["v1"]);
    }
}
