//! Events, permissions and usage: what they are, and how they are read out of objects.

use serde::{Deserialize, Serialize};

use crate::Json;

/// Which events are meant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventQuery {
    /// Where; none for the cluster's usual namespace.
    pub scope: Option<super::Scope>,
    /// Only those about this object: its kind, as a person names it, and its name.
    pub about: Option<(String, String)>,
    /// Only of these types, such as `Warning`; empty for all.
    pub types: Vec<String>,
}

/// What happened, and how often.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventRow {
    /// Where.
    pub namespace: String,
    /// `Normal`, `Warning`.
    #[serde(rename = "type")]
    pub kind: String,
    /// A word, such as `BackOff`.
    pub reason: String,
    /// A sentence.
    pub message: String,
    /// The kind of the object that it is about.
    pub object_kind: String,
    /// The name of the object that it is about.
    pub object_name: String,
    /// The namespace of the object that it is about.
    pub object_namespace: String,
    /// Who says so.
    pub source: String,
    /// First seen.
    pub first_at: Option<String>,
    /// Last seen.
    pub last_at: Option<String>,
    /// How often.
    pub count: u64,
}

fn text(object: &Json, path: &str) -> Option<String> {
    object.pointer(path).and_then(Json::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
}

impl EventRow {
    /// Reads an event, of the older or the newer sort.
    pub fn of(event: &Json) -> Self {
        let said = |path: &str| text(event, path).unwrap_or_default();
        let count = event.pointer("/series/count").or_else(|| event.get("count")).and_then(Json::as_u64);
        let made = || text(event, "/eventTime").or_else(|| text(event, "/metadata/creationTimestamp"));
        Self {
            namespace: said("/metadata/namespace"),
            kind: said("/type"),
            reason: said("/reason"),
            message: text(event, "/message").or_else(|| text(event, "/note")).unwrap_or_default(),
            object_kind: text(event, "/involvedObject/kind").or_else(|| text(event, "/regarding/kind")).unwrap_or_default(),
            object_name: text(event, "/involvedObject/name").or_else(|| text(event, "/regarding/name")).unwrap_or_default(),
            object_namespace: text(event, "/involvedObject/namespace").or_else(|| text(event, "/regarding/namespace")).unwrap_or_default(),
            source: text(event, "/source/component").or_else(|| text(event, "/reportingComponent")).unwrap_or_default(),
            first_at: text(event, "/firstTimestamp").or_else(made),
            last_at: text(event, "/series/lastObservedTime").or_else(|| text(event, "/lastTimestamp")).or_else(made),
            count: count.unwrap_or(1).max(1),
        }
    }
}

/// Whether we may do something.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Access {
    /// `get`, `create`, `*`.
    pub verb: String,
    /// The kind, as a person names it.
    pub kind: String,
    /// A part of it, such as `log`.
    pub part: Option<String>,
    /// Only this object.
    pub name: Option<String>,
    /// Where; none for the cluster's usual namespace.
    pub scope: Option<super::Scope>,
}

/// The answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Permission {
    /// Whether we may.
    pub allowed: bool,
    /// Why, as the server says.
    pub reason: String,
    /// The resource that was asked about, `deployments.apps`.
    pub resource: String,
    /// Where; none for everywhere.
    pub namespace: Option<String>,
}

/// Whose usage is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UsageOf {
    /// Nodes.
    Nodes,
    /// Pods.
    Pods {
        /// Where; none for the cluster's usual namespace.
        scope: Option<super::Scope>,
        /// A label selector.
        labels: Option<String>,
    },
}

/// What is used now, as it was measured.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// The pod's namespace; none for a node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The name.
    pub name: String,
    /// Cores.
    pub cpu_cores: f64,
    /// Bytes.
    pub memory_bytes: f64,
    /// When it was measured.
    pub at: Option<String>,
}

impl Usage {
    /// Reads a `NodeMetrics` or a `PodMetrics`.
    pub fn of(metrics: &Json) -> Self {
        let figure = |usage: &Json, what: &str| usage.get(what).and_then(Json::as_str).and_then(quantity).unwrap_or(0.0);
        let whole: Vec<&Json> = match metrics.get("containers").and_then(Json::as_array) {
            Some(containers) => containers.iter().filter_map(|container| container.get("usage")).collect(),
            None => metrics.get("usage").into_iter().collect(),
        };
        Self {
            namespace: text(metrics, "/metadata/namespace"),
            name: text(metrics, "/metadata/name").unwrap_or_default(),
            cpu_cores: whole.iter().map(|usage| figure(usage, "cpu")).sum(),
            memory_bytes: whole.iter().map(|usage| figure(usage, "memory")).sum(),
            at: text(metrics, "/timestamp"),
        }
    }
}

const SUFFIXES: &[(&str, f64)] = &[
    ("n", 1e-9),
    ("u", 1e-6),
    ("m", 1e-3),
    ("", 1.0),
    ("k", 1e3),
    ("M", 1e6),
    ("G", 1e9),
    ("T", 1e12),
    ("P", 1e15),
    ("E", 1e18),
    ("Ki", 1024.0),
    ("Mi", 1_048_576.0),
    ("Gi", 1_073_741_824.0),
    ("Ti", 1_099_511_627_776.0),
    ("Pi", 1_125_899_906_842_624.0),
    ("Ei", 1_152_921_504_606_846_976.0),
];

/// A quantity as Kubernetes writes it, as a number, near enough to compare two: `250m`, `1.5Gi`, `12e3`.
pub fn quantity(text: &str) -> Option<f64> {
    let end = text
        .char_indices()
        .find(|(at, c)| !(c.is_ascii_digit() || *c == '.' || *at == 0 && matches!(c, '+' | '-')))
        .map_or(text.len(), |(at, _)| at);
    let (number, suffix) = text.split_at(end);
    if !number.bytes().any(|byte| byte.is_ascii_digit()) || number.matches('.').count() > 1 {
        return None;
    }
    let number: f64 = number.parse().ok()?;
    if let Some((_, factor)) = SUFFIXES.iter().find(|(name, _)| *name == suffix) {
        return Some(number * factor);
    }
    let exponent = suffix.strip_prefix(['e', 'E'])?;
    let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let fits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    fits.then(|| exponent.parse::<i32>().ok()).flatten().map(|exponent| number * 10f64.powi(exponent))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn quantities_are_read_as_kubernetes_writes_them() {
        for (text, number) in [
            ("1", 1.0),
            ("250m", 0.25),
            ("1500000n", 0.0015),
            ("2Ki", 2048.0),
            ("1.5Gi", 1_610_612_736.0),
            ("12e3", 12_000.0),
            ("1E", 1e18),
            ("5E-1", 0.5),
            ("100M", 1e8),
            (".5", 0.5),
            ("1.5k", 1500.0),
        ] {
            let read = quantity(text).unwrap();
            assert!((read - number).abs() < number * 1e-9, "{text}: {read}");
        }
        assert_eq!(quantity("-1"), Some(-1.0));
        for text in ["", "x", "m", "1x", "1 Gi", "Gi", "1.2.3", "1GB", "1gi", "1e", "--1", "Gi1"] {
            assert_eq!(quantity(text), None, "{text}");
        }
    }

    #[test]
    fn an_event_is_read_in_both_of_its_forms() {
        let older = EventRow::of(&json!({
            "metadata": { "namespace": "a", "creationTimestamp": "2026-01-01T00:00:00Z" }, "type": "Warning", "reason": "BackOff",
            "message": "m", "involvedObject": { "kind": "Pod", "name": "p", "namespace": "a" }, "count": 4,
            "firstTimestamp": "2026-01-01T00:00:00Z", "lastTimestamp": "2026-01-01T01:00:00Z", "source": { "component": "kubelet" },
        }));
        assert_eq!((older.count, older.object_name.as_str(), older.last_at.as_deref()), (4, "p", Some("2026-01-01T01:00:00Z")));
        let newer = EventRow::of(&json!({
            "metadata": { "namespace": "a" }, "eventTime": "2026-01-01T00:00:00.000001Z", "reportingComponent": "sched", "firstTimestamp": null,
            "involvedObject": { "kind": "Pod", "name": "p" }, "series": { "count": 7, "lastObservedTime": "2026-01-02T00:00:00Z" },
        }));
        assert_eq!((newer.count, newer.source.as_str(), newer.last_at.as_deref()), (7, "sched", Some("2026-01-02T00:00:00Z")));
        assert_eq!(newer.first_at.as_deref(), Some("2026-01-01T00:00:00.000001Z"));
        assert_eq!(EventRow::of(&json!({})).count, 1);
    }

    #[test]
    fn what_a_pod_uses_is_the_sum_of_its_containers() {
        let pod = Usage::of(&json!({
            "metadata": { "name": "p", "namespace": "a" }, "timestamp": "t",
            "containers": [{ "name": "x", "usage": { "cpu": "100m", "memory": "1Mi" } }, { "name": "y", "usage": { "cpu": "50m", "memory": "1Ki" } }],
        }));
        assert!((pod.cpu_cores - 0.15).abs() < 1e-9 && (pod.memory_bytes - 1_049_600.0).abs() < 1e-6, "{pod:?}");
        let node = Usage::of(&json!({ "metadata": { "name": "n" }, "usage": { "cpu": "2", "memory": "1Gi" } }));
        assert!((node.cpu_cores - 2.0).abs() < 1e-9 && node.namespace.is_none());
    }
}
