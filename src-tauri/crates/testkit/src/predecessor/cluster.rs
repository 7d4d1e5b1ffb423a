//! The small cluster behind the predecessor's double: its twelve read-only tools and what they say.

use serde_json::{Value as Json, json};

/// The twelve tools that the first variant registers, with their schemas.
pub fn tools() -> Vec<Json> {
    let ns = json!({ "type": "string", "description": "Namespace; the server's own when absent." });
    let selector = json!({ "type": ["string", "null"], "description": "Label selector." });
    let name = json!({ "type": "string", "description": "Only this one." });
    let listing = json!({ "namespace": ns, "label_selector": selector, "name": name });
    let rows: Vec<(&str, &str, Json, Json)> = vec![
        ("k8s-get-pods", "Lists pods.", json!({ "namespace": ns, "label_selector": selector }), json!([])),
        ("k8s-get-services", "Lists services.", listing.clone(), json!([])),
        ("k8s-get-deployments", "Lists deployments.", listing.clone(), json!([])),
        ("k8s-get-nodes", "Lists nodes.", json!({}), json!([])),
        (
            "k8s-get-logs",
            "Reads a pod's log.",
            json!({ "pod_name": { "type": "string" }, "namespace": ns, "lines": { "type": "integer", "default": 100, "minimum": 1, "maximum": 1000 } }),
            json!(["pod_name"]),
        ),
        ("k8s-describe-pod", "Describes a pod.", json!({ "pod_name": { "type": "string" }, "namespace": ns }), json!(["pod_name"])),
        ("k8s-get-events", "Lists events.", json!({ "namespace": ns, "limit": { "type": "integer" } }), json!([])),
        (
            "k8s-get-deployment-history",
            "Lists a deployment's revisions.",
            json!({ "name": { "type": "string" }, "namespace": ns }),
            json!(["name"]),
        ),
        ("k8s-get-endpoints", "Lists endpoints.", listing, json!([])),
        (
            "k8s-relation-query",
            "Asks how resources hang together.",
            json!({
                "query_type": { "type": "string", "default": "related_resources", "enum": ["related_resources", "impact_analysis",
                    "dependency_trace", "failure_propagation", "cluster_topology", "anomaly_correlation"] },
                "target_resources": { "type": "array", "items": { "type": "string" } },
                "max_depth": { "type": "integer", "default": 3, "minimum": 1, "maximum": 5 },
                "relation_filter": { "type": "array", "items": { "type": "string", "enum": ["ownedBy", "routes", "hosts", "dependsOn", "connects", "uses"] } },
                "include_metadata": { "type": "boolean", "default": true },
                "include_health_info": { "type": "boolean", "default": true },
                "max_results": { "type": "integer", "default": 100, "minimum": 1, "maximum": 500 },
                "focus_namespace": { "type": "string" },
                "resource_types": { "type": "array", "items": { "type": "string" } },
            }),
            json!(["query_type"]),
        ),
        (
            "k8s-cluster-summary",
            "Sums the cluster up.",
            json!({
                "scope": { "type": "string", "enum": ["cluster", "namespace", "health", "resources", "anomalies", "performance"] },
                "focus_namespace": { "type": "string" },
                "include_details": { "type": "boolean", "default": true },
                "max_size_kb": { "type": "integer", "default": 10, "minimum": 1, "maximum": 50 },
                "anomaly_threshold": { "type": "string", "enum": ["low", "medium", "high"], "default": "medium" },
                "include_historical": { "type": "boolean", "default": false },
                "resource_types": { "type": "array", "items": { "type": "string" } },
                "time_range": { "type": "string", "enum": ["1h", "6h", "24h", "7d"], "default": "1h" },
            }),
            json!(["scope"]),
        ),
        (
            "k8s-get-cluster-metrics",
            "Adds up requests against what nodes can give.",
            json!({ "include_node_details": { "type": "boolean", "default": true }, "include_pod_metrics": { "type": "boolean", "default": false } }),
            json!([]),
        ),
    ];
    rows.into_iter()
        .map(|(name, about, properties, required)| {
            json!({ "name": name, "description": about, "category": "kubernetes",
                    "input_schema": { "type": "object", "properties": properties, "required": required } })
        })
        .collect()
}

struct Pod {
    namespace: &'static str,
    name: &'static str,
    phase: &'static str,
    image: &'static str,
    restarts: u32,
    node: &'static str,
    ip: &'static str,
}

const PODS: [Pod; 4] = [
    Pod {
        namespace: "default",
        name: "web-6d4b75cb6d-8xk2p",
        phase: "Running",
        image: "nginx:1.27",
        restarts: 0,
        node: "node-1",
        ip: "10.244.1.12",
    },
    Pod {
        namespace: "default",
        name: "web-6d4b75cb6d-vz9qn",
        phase: "Running",
        image: "nginx:1.27",
        restarts: 2,
        node: "node-2",
        ip: "10.244.2.7",
    },
    Pod {
        namespace: "default",
        name: "report-28391040-hw4lm",
        phase: "Succeeded",
        image: "report:4",
        restarts: 0,
        node: "node-2",
        ip: "10.244.2.9",
    },
    Pod {
        namespace: "kube-system",
        name: "coredns-76f75df574-mrk5s",
        phase: "Running",
        image: "coredns:1.11.3",
        restarts: 1,
        node: "node-1",
        ip: "10.244.1.2",
    },
];

const NODES: [&str; 2] = ["node-1", "node-2"];

/// What a tool answers; the words of its failure otherwise. Arguments are not checked against the schema, as they are not there.
pub(super) fn run(tool: &str, arguments: &Json) -> Result<Json, String> {
    let namespace = arguments["namespace"].as_str().unwrap_or("default");
    let pods = || PODS.iter().filter(|pod| namespace == "all" || pod.namespace == namespace);
    match tool {
        "k8s-get-pods" => {
            let listed: Vec<_> = pods().map(pod_row).collect();
            let with = |phase: &str| pods().filter(|pod| pod.phase == phase).count();
            Ok(json!({
                "summary": { "namespace": namespace, "total_pods": listed.len(), "status_summary": {
                    "Running": with("Running"), "Pending": 0, "Succeeded": with("Succeeded"), "Failed": 0, "Unknown": 0 } },
                "pods": listed,
            }))
        }
        "k8s-get-services" => Ok(json!({ "namespace": namespace, "total": 1, "items": [{
            "name": "web", "namespace": "default", "type": "ClusterIP", "cluster_ip": "10.96.14.3", "external_ips": [],
            "ports": [{ "name": "http", "port": 80, "target_port": 8080, "protocol": "TCP", "node_port": null }],
            "selector": { "app": "web" }, "age": "12d" }] })),
        "k8s-get-deployments" => Ok(json!({ "namespace": namespace, "total": 1, "items": [{
            "name": "web", "namespace": "default", "replicas": 2, "ready_replicas": 2, "available_replicas": 2, "unavailable_replicas": 0,
            "strategy": "RollingUpdate", "labels": { "app": "web" }, "selector": { "app": "web" }, "age": "12d" }] })),
        "k8s-get-nodes" => {
            let items: Vec<_> = NODES.iter().enumerate().map(|(nth, name)| node_row(nth, name)).collect();
            Ok(json!({ "total": items.len(), "items": items }))
        }
        "k8s-get-logs" => {
            let pod = find(arguments, namespace)?;
            let lines = arguments["lines"].as_u64().unwrap_or(100);
            let content: Vec<_> = (0..lines.min(3)).map(|nth| format!("2026-11-22T09:30:0{nth}Z GET / 200")).collect();
            Ok(json!({ "pod_name": pod.name, "namespace": pod.namespace, "lines": lines, "content": content.join("\n") }))
        }
        "k8s-describe-pod" => {
            let pod = find(arguments, namespace)?;
            Ok(json!({
                "pod_name": pod.name, "namespace": pod.namespace, "status": pod.phase, "node": pod.node, "ip": pod.ip,
                "start_time": "2026-11-20T08:00:00Z", "labels": { "app": "web" }, "annotations": {},
                "containers": [{ "name": "main", "image": pod.image, "command": null, "args": null,
                    "ports": [{ "name": "http", "port": 8080, "protocol": "TCP" }], "env": [{ "name": "MODE", "value": "live" }],
                    "resources": { "limits": { "cpu": "500m" }, "requests": { "cpu": "100m" } },
                    "status": { "ready": true, "restart_count": pod.restarts, "image": pod.image, "image_id": "sha256:0" } }],
                "conditions": [{ "type": "Ready", "status": "True", "reason": null, "message": null, "last_transition_time": "2026-11-20T08:00:05Z" }],
                "volumes": [], "events": [],
            }))
        }
        "k8s-get-events" => {
            // The original reads a setting that it does not have when no limit is given, so this always fails there.
            let limit = arguments["limit"].as_u64().ok_or("'K8sConfig' object has no attribute 'get'")?;
            let events = json!([{ "namespace": "default", "type": "Warning", "reason": "BackOff", "message": "Back-off restarting the container",
                "object": { "kind": "Pod", "name": PODS[1].name, "namespace": "default" },
                "first_time": "2026-11-22T08:00:00Z", "last_time": "2026-11-22T08:10:00Z", "count": 3 }]);
            let items = if limit == 0 { json!([]) } else { events };
            Ok(json!({ "namespace": namespace, "total": items.as_array().map_or(0, Vec::len), "items": items }))
        }
        "k8s-get-deployment-history" => match arguments["name"].as_str() {
            Some("web") => {
                Ok(json!({ "deployment_name": "web", "namespace": namespace, "current_revision": 2, "total_revisions": 2, "revisions": [
                { "revision": 2, "name": "web-6d4b75cb6d", "creation_time": "2026-11-20T08:00:00Z", "change_cause": "image nginx:1.27",
                  "replicas": 2, "ready_replicas": 2, "is_current": true, "age": "2d" },
                { "revision": 1, "name": "web-5b9f4d8c7f", "creation_time": "2026-11-10T08:00:00Z", "change_cause": null,
                  "replicas": 0, "ready_replicas": 0, "is_current": false, "age": "12d" }] }))
            }
            Some(other) => Err(format!("deployments.apps \"{other}\" not found")),
            None => Err("missing parameter: 'name'".into()),
        },
        "k8s-get-endpoints" => {
            Ok(json!({ "namespace": namespace, "total": 1, "items": [{ "name": "web", "namespace": "default", "subsets": [{
            "addresses": [{ "ip": PODS[0].ip, "hostname": null, "node_name": "node-1", "target_ref": { "kind": "Pod", "name": PODS[0].name, "namespace": "default" } }],
            "not_ready_addresses": [], "ports": [{ "name": "http", "port": 8080, "protocol": "TCP", "app_protocol": null }] }] }] }))
        }
        "k8s-relation-query" => Ok(json!({ "status": "basic_mode", "query_type": arguments["query_type"],
            "message": "The knowledge graph is switched off.", "suggestions": ["k8s-get-pods", "k8s-get-services"] })),
        "k8s-cluster-summary" => Ok(json!({ "status": "basic_mode", "scope": arguments["scope"],
            "message": "The knowledge graph is switched off.", "resource_monitoring": { "nodes": NODES.len(), "pods": PODS.len() } })),
        "k8s-get-cluster-metrics" => Ok(json!({
            "timestamp": "2026-11-22T09:30:00", "cluster_summary": { "total_nodes": 2, "ready_nodes": 2, "running_pods": 3, "total_pods": 4 },
            "resource_utilization": {
                "cpu": { "total_capacity_cores": 8.0, "total_allocatable_cores": 7.8, "total_requests_cores": 1.2, "utilization_percentage": 15.4, "available_cores": 6.6 },
                "memory": { "total_capacity_gb": 16.0, "total_allocatable_gb": 15.2, "total_requests_gb": 2.1, "utilization_percentage": 13.8, "available_gb": 13.1 } },
            "capacity_analysis": { "cpu_pressure": "low", "memory_pressure": "low", "overall_health": "good" },
            "node_details": if arguments["include_node_details"] == false { json!([]) } else { json!([{ "name": "node-1" }, { "name": "node-2" }]) },
        })),
        other => Err(format!("unknown tool: '{other}'")),
    }
}

fn find(arguments: &Json, namespace: &str) -> Result<&'static Pod, String> {
    let wanted = arguments["pod_name"].as_str().ok_or("missing parameter: 'pod_name'")?;
    PODS.iter()
        .find(|pod| pod.name == wanted && (namespace == "all" || pod.namespace == namespace))
        .ok_or_else(|| format!("pods \"{wanted}\" not found"))
}

fn pod_row(pod: &Pod) -> Json {
    let ready = if pod.phase == "Running" { "1/1" } else { "0/1" };
    json!({ "name": pod.name, "namespace": pod.namespace, "status": pod.phase, "ready": ready, "restarts": pod.restarts, "age": "2d",
            "node": pod.node, "ip": pod.ip,
            "containers": [{ "name": "main", "image": pod.image, "ready": pod.phase == "Running", "restarts": pod.restarts }] })
}

fn node_row(nth: usize, name: &str) -> Json {
    json!({ "name": name, "status": "Ready", "roles": [if nth == 0 { "control-plane" } else { "worker" }], "age": "40d", "version": "v1.35.1",
            "internal_ip": format!("192.168.1.{}", 10 + nth), "external_ip": null, "os": "Debian GNU/Linux 12", "kernel": "6.1.0",
            "container_runtime": "containerd://2.1", "labels": { "kubernetes.io/hostname": name },
            "capacity": { "cpu": "4", "memory": "8Gi", "pods": "110" }, "allocatable": { "cpu": "3900m", "memory": "7600Mi", "pods": "110" } })
}
