//! What a cluster adds to what was sent: its defaults, which nobody needs to read, and what admission put there, which somebody must. Pure.
//!
//! An API server does not say which is which: neither stands in `managedFields`. A default is a field of a schema. What stands in a map whose
//! keys are anybody's, or beside the items of a list that was sent, or in one of the lists that no API defaults, was put there by admission.

use domain::Json;
use domain::manifest::FieldChange;

use super::content::{Part, keyed, path};

/// Maps whose keys are anybody's.
const FREE: [&str; 8] = ["labels", "annotations", "data", "binaryData", "stringData", "nodeSelector", "requests", "limits"];
/// Lists that no API defaults.
const BROUGHT: [&str; 9] =
    ["containers", "initContainers", "volumes", "volumeMounts", "env", "envFrom", "imagePullSecrets", "tolerations", "finalizers"];

/// What came of what was sent.
#[derive(Debug, Default)]
pub(super) struct Added {
    /// What admission added.
    pub(super) admitted: Vec<FieldChange>,
    /// What the server filled in.
    pub(super) defaults: Vec<FieldChange>,
}

impl Added {
    /// Takes the defaults out of what the server made of `sent`. What was there before is no addition.
    pub(super) fn take(sent: &Json, before: Option<&Json>, kept: &mut Json) -> Self {
        let mut added = Self::default();
        added.look(sent, before, kept, &mut Vec::new());
        added
    }

    fn look(&mut self, sent: &Json, before: Option<&Json>, kept: &mut Json, at: &mut Vec<Part>) {
        match (sent, kept) {
            (Json::Object(sent), Json::Object(kept)) => {
                let free = matches!(at.last(), Some(Part::Key(key)) if FREE.contains(&key.as_str()));
                kept.retain(|key, value| {
                    let before = before.and_then(|before| before.get(key));
                    at.push(Part::Key(key.clone()));
                    let stays = match sent.get(key) {
                        Some(sent) => {
                            self.look(sent, before, value, at);
                            true
                        }
                        None if before.is_some() => true,
                        None => self.addition(free || brought(at), value, at),
                    };
                    at.pop();
                    stays
                });
            }
            (Json::Array(sent), Json::Array(kept)) => {
                let Some((key, values)) = keyed(sent) else { return };
                for item in kept {
                    let Some(value) = item.get(key).cloned() else { continue };
                    let same = |other: &&Json| other.get(key) == Some(&value);
                    let before = before.and_then(Json::as_array).and_then(|all| all.iter().find(same));
                    at.push(Part::Item(key, value.clone()));
                    match values.iter().position(|one| **one == value) {
                        Some(nth) => self.look(&sent[nth], before, item, at),
                        None if before.is_some() => {}
                        None => _ = self.addition(true, item, at),
                    }
                    at.pop();
                }
            }
            _ => {}
        }
    }

    /// Whether it stays in sight.
    fn addition(&mut self, admitted: bool, value: &Json, at: &[Part]) -> bool {
        let change = FieldChange { path: path(at), before: None, after: Some(value.clone()) };
        if admitted {
            self.admitted.push(change);
        } else {
            self.defaults.push(change);
        }
        admitted
    }
}

fn brought(at: &[Part]) -> bool {
    match at {
        [.., Part::Key(holder), Part::Key(key)] if holder == "metadata" => matches!(key.as_str(), "labels" | "annotations" | "finalizers"),
        [.., Part::Key(key)] => BROUGHT.contains(&key.as_str()),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn paths(all: &[FieldChange]) -> Vec<&str> {
        all.iter().map(|one| one.path.as_str()).collect()
    }

    #[test]
    fn defaults_go_and_what_admission_put_there_is_named_and_stays() {
        let sent = json!({ "metadata": { "name": "web" }, "spec": { "replicas": 2, "template": { "metadata": { "labels": { "a": "b" } },
            "spec": { "containers": [{ "name": "app", "image": "i", "env": [{ "name": "A", "value": "1" }] }] } } } });
        let mut kept = json!({
            "metadata": { "name": "web", "annotations": { "owner": "x" } },
            "spec": { "replicas": 2, "progressDeadlineSeconds": 600, "strategy": { "type": "RollingUpdate" }, "template": {
                "metadata": { "labels": { "a": "b", "injected": "yes" } },
                "spec": { "restartPolicy": "Always", "imagePullSecrets": [{ "name": "pull" }], "containers": [
                    { "name": "app", "image": "i", "imagePullPolicy": "Always", "env": [{ "name": "A", "value": "1" }, { "name": "B", "value": "2" }] },
                    { "name": "sidecar", "image": "s" } ] } } },
        });
        let added = Added::take(&sent, None, &mut kept);
        assert_eq!(
            paths(&added.admitted),
            [
                "metadata.annotations",
                "spec.template.metadata.labels.injected",
                "spec.template.spec.imagePullSecrets",
                "spec.template.spec.containers[name=app].env[name=B]",
                "spec.template.spec.containers[name=sidecar]",
            ]
        );
        assert_eq!(
            paths(&added.defaults),
            [
                "spec.progressDeadlineSeconds",
                "spec.strategy",
                "spec.template.spec.restartPolicy",
                "spec.template.spec.containers[name=app].imagePullPolicy",
            ]
        );
        assert_eq!(kept["spec"]["strategy"], Json::Null);
        assert_eq!(kept["spec"]["template"]["spec"]["containers"][1]["name"], "sidecar");
    }

    #[test]
    fn what_was_there_before_is_no_addition() {
        let sent = json!({ "spec": { "a": 1, "list": [{ "name": "x" }] } });
        let before = json!({ "metadata": { "labels": { "l": "1" } }, "spec": { "a": 0, "other": true, "list": [{ "name": "x" }, { "name": "y" }] } });
        let mut kept = json!({ "metadata": { "labels": { "l": "1" } }, "spec": { "a": 1, "other": true, "list": [{ "name": "x" }, { "name": "y" }], "new": 1 } });
        let added = Added::take(&sent, Some(&before), &mut kept);
        assert!(added.admitted.is_empty(), "{added:?}");
        assert_eq!(paths(&added.defaults), ["spec.new"]);
    }
}
