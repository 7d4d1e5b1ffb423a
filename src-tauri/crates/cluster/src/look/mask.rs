//! Secrets without their values.
//!
//! **Invariant:** a Secret's values leave this crate only as [`MASKED`], wherever in an object they stand.

use domain::Json;
use domain::kube::MASKED;

const APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Masks the object if it is a Secret, and the Secrets in it if it is a list; takes `managedFields` away unless they are wanted.
pub(crate) fn mask(object: &mut Json, managed_fields: bool) {
    if let Some(items) = object.get_mut("items").and_then(Json::as_array_mut) {
        for item in items {
            mask(item, managed_fields);
        }
    }
    if !managed_fields && let Some(metadata) = object.get_mut("metadata").and_then(Json::as_object_mut) {
        metadata.remove("managedFields");
    }
    if object.get("kind").and_then(Json::as_str) != Some("Secret") {
        return;
    }
    for field in ["data", "stringData"] {
        match object.get_mut(field) {
            Some(Json::Object(values)) => values.values_mut().for_each(|value| *value = Json::from(MASKED)),
            Some(other) if !other.is_null() => *other = Json::from(MASKED),
            _ => {}
        }
    }
    if let Some(annotations) = object.pointer_mut("/metadata/annotations").and_then(Json::as_object_mut)
        && let Some(applied) = annotations.get_mut(APPLIED)
    {
        // It is a whole Secret as text. What cannot be read as one is masked whole.
        *applied = match applied.as_str().and_then(|text| serde_json::from_str::<Json>(text).ok()) {
            Some(mut inner) if inner.get("kind").and_then(Json::as_str) == Some("Secret") => {
                mask(&mut inner, false);
                Json::from(inner.to_string())
            }
            _ => Json::from(MASKED),
        };
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn no_value_of_a_secret_is_left_wherever_it_stands() {
        let applied =
            json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "x" }, "stringData": { "a": "hunter2" } }).to_string();
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret", "data": { "a": "aHVudGVyMg==" }, "stringData": { "b": "hunter2" },
            "metadata": { "name": "x", "annotations": { APPLIED: applied, "note": "n" }, "managedFields": [{}] },
        });
        let mut list = json!({ "kind": "List", "items": [secret, { "kind": "ConfigMap", "data": { "a": "open" } }] });
        mask(&mut list, true);
        let text = list.to_string();
        assert!(!text.contains("hunter2") && !text.contains("aHVudGVyMg"), "{text}");
        assert_eq!(list["items"][0]["data"]["a"], MASKED);
        assert_eq!(list["items"][0]["metadata"]["annotations"]["note"], "n");
        assert!(list["items"][0]["metadata"]["annotations"][APPLIED].as_str().unwrap().contains("\"name\":\"x\""));
        assert_eq!(list["items"][1]["data"]["a"], "open");
        assert!(list["items"][0]["metadata"]["managedFields"].is_array());
        let mut odd =
            json!({ "kind": "Secret", "data": "hunter2", "metadata": { "annotations": { APPLIED: "{hunter2" }, "managedFields": [] } });
        mask(&mut odd, false);
        assert!(!odd.to_string().contains("hunter2") && odd["metadata"].get("managedFields").is_none(), "{odd}");
    }
}
