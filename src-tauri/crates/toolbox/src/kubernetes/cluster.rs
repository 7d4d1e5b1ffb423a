//! Nodes, and a cluster's figures: what there is, what pods request, and what is used. The three are never mistaken for one another.

use std::collections::HashMap;

use domain::Json;
use domain::fault::Fault;
use domain::kube::{LookFor, Usage, UsageOf, quantity};
use serde_json::json;

use super::{Ask, at, each, map};

const GIB: f64 = 1024.0 * 1024.0 * 1024.0;
/// So many pods are told by name.
const TOP: usize = 20;

impl Ask<'_> {
    async fn all(&self, kind: &str) -> Result<Vec<Json>, Fault> {
        Ok(self.on.kube.objects(self.cluster, &LookFor::kind(kind).everywhere()).await?.items)
    }

    pub(super) async fn nodes(&self) -> Result<Json, Fault> {
        let items: Vec<Json> = self.all("nodes.v1").await?.iter().map(|node| self.node(node)).collect();
        Ok(json!({ "total": items.len(), "items": items }))
    }

    fn node(&self, node: &Json) -> Json {
        let address = |sort: &str| {
            each(node, "/status/addresses")
                .iter()
                .find(|one| one.get("type").and_then(Json::as_str) == Some(sort))
                .map(|one| at(one, "/address"))
        };
        let labels = map(node, "/metadata/labels");
        let mut roles: Vec<&str> =
            labels.as_object().into_iter().flatten().filter_map(|(label, _)| label.strip_prefix("node-role.kubernetes.io/")).collect();
        if roles.is_empty() {
            roles.push("worker");
        }
        let part = |of: &str| json!({ "cpu": at(node, &format!("{of}/cpu")), "memory": at(node, &format!("{of}/memory")), "pods": at(node, &format!("{of}/pods")) });
        json!({
            "name": at(node, "/metadata/name"), "status": if is_ready(node) { "Ready" } else { "NotReady" },
            "unschedulable": node.pointer("/spec/unschedulable").and_then(Json::as_bool).unwrap_or(false), "roles": roles, "age": self.age(node),
            "version": at(node, "/status/nodeInfo/kubeletVersion"), "internal_ip": address("InternalIP"), "external_ip": address("ExternalIP"),
            "os": at(node, "/status/nodeInfo/osImage"), "kernel": at(node, "/status/nodeInfo/kernelVersion"),
            "container_runtime": at(node, "/status/nodeInfo/containerRuntimeVersion"), "labels": labels,
            "capacity": part("/status/capacity"), "allocatable": part("/status/allocatable"),
        })
    }

    pub(super) async fn metrics(&self) -> Result<Json, Fault> {
        let nodes = self.all("nodes.v1").await?;
        let mut pods = self.all("pods.v1").await?;
        // What has ended holds nothing any more.
        pods.retain(|pod| !matches!(pod.pointer("/status/phase").and_then(Json::as_str), Some("Succeeded" | "Failed")));
        let measured = match self.on.kube.usage(self.cluster, &UsageOf::Nodes).await {
            Ok(rows) => Some(rows),
            Err(fault) if matches!(fault.code.as_str(), "no_metrics" | "cluster_forbidden" | "cluster_answer") => None,
            Err(fault) => return Err(fault),
        };
        let mut requests: HashMap<&str, (f64, f64)> = HashMap::new();
        for pod in &pods {
            let (cpu, memory) = requested(pod);
            let sum = requests.entry(pod.pointer("/spec/nodeName").and_then(Json::as_str).unwrap_or_default()).or_default();
            *sum = (sum.0 + cpu, sum.1 + memory);
        }
        let total = |of: &str, what: &str| nodes.iter().map(|node| figure(node, &format!("/status/{of}/{what}"))).sum::<f64>();
        let used = |what: fn(&Usage) -> f64| measured.as_ref().map(|rows| rows.iter().map(what).sum::<f64>());
        let asked = requests.values().fold((0.0, 0.0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        let cpu = Figures {
            capacity: total("capacity", "cpu"),
            room: total("allocatable", "cpu"),
            asked: asked.0,
            used: used(|row| row.cpu_cores),
        };
        let memory = Figures {
            capacity: total("capacity", "memory"),
            room: total("allocatable", "memory"),
            asked: asked.1,
            used: used(|row| row.memory_bytes),
        };
        let running = pods.iter().filter(|pod| pod.pointer("/status/phase").and_then(Json::as_str) == Some("Running")).count();
        let worst = cpu.share().max(memory.share());
        let now = jiff::Timestamp::from_millisecond(self.on.clock.now().0).map(|at| at.to_string()).unwrap_or_default();
        let mut out = json!({
            "timestamp": now,
            "cluster_summary": {
                "total_nodes": nodes.len(), "ready_nodes": nodes.iter().filter(|node| is_ready(node)).count(), "running_pods": running,
                "total_pods": pods.len(),
            },
            "usage_measured": measured.is_some(),
            "resource_utilization": { "cpu": cpu.told("cores", 1.0), "memory": memory.told("gb", GIB) },
            "capacity_analysis": {
                "basis": if measured.is_some() { "usage" } else { "requests" },
                "cpu_pressure": pressure(cpu.share()), "memory_pressure": pressure(memory.share()),
                "overall_health": if worst < 70.0 { "good" } else if worst < 90.0 { "warning" } else { "critical" },
            },
        });
        if self.args.flag("include_node_details") {
            let detail = |node: &Json| {
                let name = node.pointer("/metadata/name").and_then(Json::as_str).unwrap_or_default();
                let asked = requests.get(name).copied().unwrap_or_default();
                let seen = measured.as_ref().and_then(|rows| rows.iter().find(|row| row.name == name));
                let part =
                    |what: &str| (figure(node, &format!("/status/capacity/{what}")), figure(node, &format!("/status/allocatable/{what}")));
                let (cpu, memory) = (part("cpu"), part("memory"));
                let cpu = Figures { capacity: cpu.0, room: cpu.1, asked: asked.0, used: seen.map(|row| row.cpu_cores) };
                let memory = Figures { capacity: memory.0, room: memory.1, asked: asked.1, used: seen.map(|row| row.memory_bytes) };
                json!({ "name": name, "ready": is_ready(node), "cpu": cpu.told("cores", 1.0), "memory": memory.told("gb", GIB) })
            };
            out["node_details"] = nodes.iter().map(detail).collect();
        }
        if self.args.flag("include_pod_metrics") {
            out["pod_metrics"] = match measured {
                Some(_) => {
                    let of = UsageOf::Pods { scope: Some(domain::kube::Scope::All), labels: None };
                    let mut rows = self.on.kube.usage(self.cluster, &of).await?;
                    rows.sort_by(|a, b| b.cpu_cores.total_cmp(&a.cpu_cores));
                    let one = |row: &Usage| json!({ "name": row.name, "namespace": row.namespace, "cpu_cores": round(row.cpu_cores), "memory_gb": round(row.memory_bytes / GIB) });
                    rows.iter().take(TOP).map(one).collect()
                }
                None => Json::Null,
            };
        }
        Ok(out)
    }
}

fn is_ready(node: &Json) -> bool {
    each(node, "/status/conditions")
        .iter()
        .any(|one| one.get("type").and_then(Json::as_str) == Some("Ready") && one.get("status").and_then(Json::as_str) == Some("True"))
}

fn figure(object: &Json, path: &str) -> f64 {
    object.pointer(path).and_then(Json::as_str).and_then(quantity).unwrap_or(0.0)
}

/// What a pod requests: its containers together, or the largest that only prepares it when that is more.
fn requested(pod: &Json) -> (f64, f64) {
    let of = |container: &Json| (figure(container, "/resources/requests/cpu"), figure(container, "/resources/requests/memory"));
    let own = each(pod, "/spec/containers").iter().map(of).fold((0.0, 0.0), |sum: (f64, f64), one| (sum.0 + one.0, sum.1 + one.1));
    each(pod, "/spec/initContainers").iter().map(of).fold(own, |most, one| (most.0.max(one.0), most.1.max(one.1)))
}

struct Figures {
    capacity: f64,
    room: f64,
    asked: f64,
    used: Option<f64>,
}

impl Figures {
    /// How much is taken, in percent: by what is used, or by what is requested where nothing is measured.
    fn share(&self) -> f64 {
        if self.room > 0.0 { self.used.unwrap_or(self.asked) / self.room * 100.0 } else { 0.0 }
    }

    fn told(&self, unit: &str, by: f64) -> Json {
        let percent = |value: f64| if self.room > 0.0 { round(value / self.room * 100.0) } else { 0.0 };
        let named = |what: &str| format!("{what}_{unit}");
        json!({
            named("total_capacity"): round(self.capacity / by), named("total_allocatable"): round(self.room / by),
            named("total_requests"): round(self.asked / by), "requests_percentage": percent(self.asked),
            named("total_usage"): self.used.map(|used| round(used / by)), "utilization_percentage": self.used.map(percent),
            named("available"): round((self.room - self.asked).max(0.0) / by),
        })
    }
}

fn pressure(share: f64) -> &'static str {
    if share > 80.0 {
        "high"
    } else if share > 60.0 {
        "medium"
    } else {
        "low"
    }
}

fn round(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_requested_is_never_called_used() {
        let figures = Figures { capacity: 4.0, room: 4.0, asked: 3.6, used: None };
        let told = figures.told("cores", 1.0);
        assert!(told["utilization_percentage"].is_null() && told["total_usage_cores"].is_null(), "{told}");
        assert_eq!((told["requests_percentage"].as_f64(), told["available_cores"].as_f64()), (Some(90.0), Some(0.4)));
        let measured = Figures { used: Some(1.0), ..figures };
        assert_eq!(measured.told("cores", 1.0)["utilization_percentage"].as_f64(), Some(25.0));
        assert_eq!((pressure(81.0), pressure(61.0), pressure(60.0)), ("high", "medium", "low"));
    }

    #[test]
    fn a_pod_requests_its_containers_together_or_its_largest_preparation() {
        let container = |cpu: &str| json!({ "resources": { "requests": { "cpu": cpu, "memory": "1Ki" } } });
        let pod = json!({ "spec": { "containers": [container("100m"), container("200m")], "initContainers": [container("1"), container("5m")] } });
        assert_eq!(requested(&pod), (1.0, 2048.0));
    }
}
