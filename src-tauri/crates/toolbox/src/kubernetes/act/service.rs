//! Services as the predecessor's tools describe them: names with underscores, made into what the API takes.

use domain::fault::{Fault, FaultKind};
use domain::text::Text;
use domain::{Json, JsonMap};
use serde_json::json;

use super::super::args::{Arg, Args, Sort, may};
use super::super::{CLUSTER, NAMESPACE, at};
use super::{SEEN, SERVICE};

/// How the predecessor spells fields of a service, and how the API does.
const SPELLINGS: &[(&str, &str)] = &[
    ("allocate_load_balancer_node_ports", "allocateLoadBalancerNodePorts"),
    ("app_protocol", "appProtocol"),
    ("cluster_ip", "clusterIP"),
    ("cluster_ips", "clusterIPs"),
    ("external_ips", "externalIPs"),
    ("external_name", "externalName"),
    ("external_traffic_policy", "externalTrafficPolicy"),
    ("health_check_node_port", "healthCheckNodePort"),
    ("internal_traffic_policy", "internalTrafficPolicy"),
    ("ip_families", "ipFamilies"),
    ("ip_family_policy", "ipFamilyPolicy"),
    ("load_balancer_class", "loadBalancerClass"),
    ("load_balancer_ip", "loadBalancerIP"),
    ("load_balancer_source_ranges", "loadBalancerSourceRanges"),
    ("node_port", "nodePort"),
    ("publish_not_ready_addresses", "publishNotReadyAddresses"),
    ("session_affinity", "sessionAffinity"),
    ("target_port", "targetPort"),
];

fn map() -> Json {
    json!({ "type": "object", "additionalProperties": { "type": "string" } })
}

/// Null takes one away.
fn changes() -> Json {
    json!({ "type": "object", "additionalProperties": { "type": ["string", "null"] } })
}

fn selector() -> Json {
    json!({ "type": "object", "minProperties": 1, "additionalProperties": { "type": "string" } })
}

fn texts() -> Json {
    json!({ "type": "array", "items": { "type": "string", "minLength": 1 } })
}

fn ports() -> Json {
    let port = json!({ "type": "integer", "minimum": 1, "maximum": 65_535 });
    let target = json!({ "anyOf": [port, { "type": "string", "minLength": 1 }] });
    json!({ "type": "array", "minItems": 1, "items": { "type": "object", "additionalProperties": false, "required": ["port"], "properties": {
        "name": { "type": "string" }, "port": port, "target_port": target, "targetPort": target,
        "protocol": { "type": "string", "enum": ["TCP", "UDP", "SCTP"] }, "node_port": port, "nodePort": port } } })
}

const TYPE: Arg = may("type", Sort::OneOf(&["ClusterIP", "NodePort", "LoadBalancer"]), "How it is reached. 访问方式。");
const AFFINITY: Arg = may("session_affinity", Sort::OneOf(&["None", "ClientIP"]), "Whether a client stays with a pod. 会话亲和性。");
const PORTS: Arg = may("ports", Sort::Shape(ports), "Its ports. 端口。");
const EXTERNAL: Arg = may("external_ips", Sort::Shape(texts), "Further addresses. 外部 IP。");
const BALANCER: Arg = may("load_balancer_ip", Sort::Text, "The address of the load balancer. 负载均衡器 IP。");

pub(super) const CREATE: &[Arg] = &[
    SERVICE,
    Arg { must: true, ..may("selector", Sort::Shape(selector), "The labels of the pods behind it. Pod 的标签。") },
    Arg { must: true, ..PORTS },
    NAMESPACE,
    TYPE,
    may("labels", Sort::Shape(map), "Its own labels. 标签。"),
    may("annotations", Sort::Shape(map), "Its annotations. 注解。"),
    may("cluster_ip", Sort::Text, "Its address within the cluster; None for no address. 集群内 IP；None 表示无。"),
    EXTERNAL,
    BALANCER,
    AFFINITY,
    CLUSTER,
    SEEN,
];

pub(super) const UPDATE: &[Arg] = &[
    SERVICE,
    NAMESPACE,
    TYPE,
    may("selector", Sort::Shape(selector), "The labels of the pods behind it, in place of all that are there. Pod 的标签（整体替换）。"),
    PORTS,
    may("labels", Sort::Shape(changes), "Labels to be set; null takes one away. 要设置的标签；null 表示删除。"),
    may("annotations", Sort::Shape(changes), "Annotations to be set; null takes one away. 要设置的注解；null 表示删除。"),
    EXTERNAL,
    BALANCER,
    AFFINITY,
    CLUSTER,
    SEEN,
];

fn wrong(field: &str, en: String, zh: String) -> Fault {
    Fault::new(FaultKind::Usage, "bad_service", Text::new(en, zh), Text::new("Correct it and try again.", "请更正后重试。"))
        .with_params(json!({ "field": field }))
}

/// Renames fields with underscores wherever they stand in `spec`; a map of labels is left as it is.
pub(super) fn spelled_as_the_api_does(object: &mut Json) -> Result<(), Fault> {
    if let Some(spec) = object.get_mut("spec").and_then(Json::as_object_mut) {
        renamed(spec)?;
        for port in spec.get_mut("ports").and_then(Json::as_array_mut).into_iter().flatten().filter_map(Json::as_object_mut) {
            renamed(port)?;
        }
    }
    Ok(())
}

fn renamed(map: &mut JsonMap) -> Result<(), Fault> {
    for (old, new) in SPELLINGS {
        let Some(value) = map.shift_remove(*old) else { continue };
        if map.get(*new).is_some_and(|other| *other != value) {
            return Err(wrong(
                old,
                format!("{old} and {new} are the same field, and they say otherwise"),
                format!("{old} 与 {new} 是同一字段，但取值不同"),
            ));
        }
        map.insert((*new).to_owned(), value);
    }
    Ok(())
}

/// The fields of `spec` that were given.
fn spec(args: &Args) -> JsonMap {
    let names = ["type", "selector", "ports", "cluster_ip", "external_ips", "load_balancer_ip", "session_affinity"];
    names.iter().filter_map(|name| Some(((*name).to_owned(), args.json(name)?.clone()))).collect()
}

/// A new one.
pub(super) fn created(args: &Args) -> Result<Json, Fault> {
    let mut object = json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "name": args.must("name") }, "spec": spec(args) });
    for name in ["labels", "annotations"] {
        if let Some(given) = args.json(name) {
            object["metadata"][name] = given.clone();
        }
    }
    spelled_as_the_api_does(&mut object)?;
    Ok(object)
}

/// The one that is there, with what was given.
pub(super) fn updated(mut live: Json, args: &Args) -> Result<Json, Fault> {
    let mut given = json!({ "spec": spec(args) });
    spelled_as_the_api_does(&mut given)?;
    let fields = given["spec"].as_object().cloned().unwrap_or_default();
    let maps: Vec<(&str, JsonMap)> =
        ["labels", "annotations"].into_iter().filter_map(|name| Some((name, args.json(name)?.as_object()?.clone()))).collect();
    if fields.is_empty() && maps.is_empty() {
        return Err(wrong("", "nothing was given to be changed".into(), "没有给出要更改的内容".into()));
    }
    let balanced = fields.get("type").is_some_and(|kind| kind != "LoadBalancer" && kind != "NodePort");
    for (name, value) in fields {
        live["spec"][name] = value;
    }
    // A port of every node is nothing that a service within the cluster has.
    if balanced && let Some(spec) = live["spec"].as_object_mut() {
        for left in ["allocateLoadBalancerNodePorts", "externalTrafficPolicy", "healthCheckNodePort"] {
            spec.shift_remove(left);
        }
        for port in spec.get_mut("ports").and_then(Json::as_array_mut).into_iter().flatten().filter_map(Json::as_object_mut) {
            port.shift_remove("nodePort");
        }
    }
    for (place, changes) in maps {
        for (key, value) in changes {
            let all = &mut live["metadata"][place];
            if all.is_null() {
                *all = json!({});
            }
            match (all.as_object_mut(), value) {
                (Some(all), Json::Null) => {
                    all.shift_remove(&key);
                }
                (Some(all), value) => {
                    all.insert(key, value);
                }
                (None, _) => {}
            }
        }
    }
    Ok(live)
}

/// As callers know it.
pub(super) fn shape(service: &Json) -> Json {
    let port = |port: &Json| {
        json!({ "name": at(port, "/name"), "port": at(port, "/port"), "target_port": at(port, "/targetPort"),
                "protocol": at(port, "/protocol"), "node_port": at(port, "/nodePort") })
    };
    let ports: Vec<Json> = service.pointer("/spec/ports").and_then(Json::as_array).into_iter().flatten().map(port).collect();
    json!({
        "name": at(service, "/metadata/name"), "namespace": at(service, "/metadata/namespace"), "type": at(service, "/spec/type"),
        "cluster_ip": at(service, "/spec/clusterIP"), "ports": ports, "selector": at(service, "/spec/selector"),
        "creation_timestamp": at(service, "/metadata/creationTimestamp"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(given: Json, table: &'static [Arg]) -> Args {
        Args::fit(given.as_object().cloned().unwrap(), table).unwrap()
    }

    #[test]
    fn fields_with_underscores_become_the_apis_own_and_labels_stay_as_they_are() {
        let made = created(&args(
            json!({ "service_name": "web", "selector": { "target_port": "x" }, "ports": [{ "port": 80, "target_port": "http", "node_port": 30_000 }],
                "session_affinity": "ClientIP", "external_ips": ["192.0.2.1"], "labels": { "node_port": "y" } }),
            CREATE,
        ))
        .unwrap();
        assert_eq!(made["spec"]["ports"][0], json!({ "port": 80, "targetPort": "http", "nodePort": 30_000 }));
        assert_eq!(made["spec"]["selector"], json!({ "target_port": "x" }));
        assert_eq!(made["spec"]["sessionAffinity"], "ClientIP");
        assert_eq!(made["metadata"]["labels"], json!({ "node_port": "y" }));
        let mut both = json!({ "spec": { "external_ips": ["a"], "externalIPs": ["b"] } });
        assert_eq!(spelled_as_the_api_does(&mut both).unwrap_err().code, "bad_service");
    }

    #[test]
    fn an_update_sets_what_was_given_and_nothing_else() {
        let live = json!({ "metadata": { "resourceVersion": "7", "labels": { "a": "1", "b": "2" } },
            "spec": { "type": "NodePort", "selector": { "app": "old" }, "ports": [{ "port": 80, "nodePort": 30_001 }] } });
        let now = updated(
            live.clone(),
            &args(json!({ "name": "web", "selector": { "tier": "new" }, "labels": { "a": null, "c": "3" } }), UPDATE),
        )
        .unwrap();
        assert_eq!(now["spec"]["selector"], json!({ "tier": "new" }), "as a whole");
        assert_eq!(now["metadata"]["labels"], json!({ "b": "2", "c": "3" }));
        assert_eq!(now["metadata"]["resourceVersion"], "7", "exactly what was read is replaced");
        let now = updated(live.clone(), &args(json!({ "name": "web", "type": "ClusterIP" }), UPDATE)).unwrap();
        assert_eq!(now["spec"]["ports"], json!([{ "port": 80 }]));
        assert_eq!(updated(live, &args(json!({ "name": "web" }), UPDATE)).unwrap_err().code, "bad_service");
    }
}
