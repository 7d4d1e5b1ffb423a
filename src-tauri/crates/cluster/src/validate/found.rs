//! Objects under check, and what is found about them.

use domain::manifest_check::{FixEdit, Problem, Severity};
use domain::text::Text;
use serde_json::Value;
use yaml::{Path, Place, Spot, Step};

/// One object of a manifest.
#[derive(Debug, Clone)]
pub(crate) struct Object<'d> {
    /// The document that it stands in, from 1.
    pub(crate) document: usize,
    /// The way to it within its document: not empty within a `List`.
    pub(crate) base: Path,
    pub(crate) value: &'d Value,
    pub(crate) spot: &'d Spot,
}

impl<'d> Object<'d> {
    pub(crate) fn text(&self, pointer: &str) -> &'d str {
        self.value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    pub(crate) fn api_version(&self) -> &'d str {
        self.value.get("apiVersion").and_then(Value::as_str).unwrap_or_default()
    }

    /// The group and the rest of `apiVersion`.
    pub(crate) fn group(&self) -> &'d str {
        self.api_version().split_once('/').map_or("", |(group, _)| group)
    }

    pub(crate) fn kind(&self) -> &'d str {
        self.value.get("kind").and_then(Value::as_str).unwrap_or_default()
    }

    pub(crate) fn name(&self) -> &'d str {
        self.text("/metadata/name")
    }

    /// Its namespace; that of whoever applies it is "".
    pub(crate) fn namespace(&self) -> &'d str {
        self.text("/metadata/namespace")
    }

    /// Where the template of its pods is, and the value there: itself, when it is a pod.
    pub(crate) fn pod(&self) -> Option<(Path, &'d Value)> {
        let way: &[&str] = match (self.group(), self.kind()) {
            ("", "Pod") => &[],
            ("", "PodTemplate") => &["template"],
            ("apps", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet") | ("batch", "Job") | ("", "ReplicationController") => {
                &["spec", "template"]
            }
            ("batch", "CronJob") => &["spec", "jobTemplate", "spec", "template"],
            _ => return None,
        };
        let path = Path(way.iter().map(|step| Step::from(*step)).collect());
        path.of(self.value).map(|pod| (path, pod))
    }
}

/// What is found, while it is looked for.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) problems: Vec<Problem>,
}

impl Found {
    /// Something at the value of a path within an object; the nearest value around it when it is not there.
    pub(crate) fn at(&mut self, object: &Object<'_>, path: &Path, severity: Severity, rule: &str, message: Text) -> &mut Problem {
        let whole = Path(object.base.0.iter().chain(&path.0).cloned().collect());
        let place = object.spot.nearest(&whole).clone();
        self.of(object, &place, path, severity, rule, message)
    }

    /// Something at the key of a path.
    pub(crate) fn at_key(&mut self, object: &Object<'_>, path: &Path, severity: Severity, rule: &str, message: Text) -> &mut Problem {
        let whole = Path(object.base.0.iter().chain(&path.0).cloned().collect());
        let place = object.spot.nearest_key(&whole).clone();
        self.of(object, &place, path, severity, rule, message)
    }

    fn of(&mut self, object: &Object<'_>, place: &Place, path: &Path, severity: Severity, rule: &str, message: Text) -> &mut Problem {
        let problem = self.push(object.document, place, path, severity, rule, message);
        if !object.base.0.is_empty() {
            problem.whole = Path(object.base.0.iter().chain(&path.0).cloned().collect()).to_string();
        }
        problem
    }

    pub(crate) fn push(
        &mut self,
        document: usize,
        place: &Place,
        path: &Path,
        severity: Severity,
        rule: &str,
        message: Text,
    ) -> &mut Problem {
        let path = path.to_string();
        self.problems.push(Problem {
            document,
            line: place.line,
            column: place.column,
            severity,
            rule: rule.to_owned(),
            whole: path.clone(),
            path,
            message,
            allowed: Vec::new(),
            fix: None,
            bytes: place.bytes.clone(),
        });
        let last = self.problems.len() - 1;
        &mut self.problems[last]
    }
}

/// Adds what may stand there, and the change when one of them is near.
pub(crate) fn offer(problem: &mut Problem, allowed: Vec<String>, fix: Option<FixEdit>) {
    problem.allowed = allowed;
    problem.fix = fix;
}

/// The items of a list under a key, with their paths.
pub(crate) fn items<'v>(value: &'v Value, path: &Path, key: &str) -> Vec<(Path, &'v Value)> {
    let list = value.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    list.iter().enumerate().map(|(nth, item)| (path.then(key).then(nth), item)).collect()
}
