//! Which pod, which container, which port.

use domain::Json;
use domain::fault::{Fault, FaultKind};
use domain::kube::{LookFor, Scope};
use domain::text::Text;
use serde_json::json;

use crate::fault::about;
use crate::look::logs::{containers, pod_kind, selector};
use crate::look::{At, Look, usual};

/// Whether a pod takes connections now.
pub(super) fn is_ready(pod: &Json) -> bool {
    let ready = pod
        .pointer("/status/conditions")
        .and_then(Json::as_array)
        .into_iter()
        .flatten()
        .any(|one| one.get("type").and_then(Json::as_str) == Some("Ready") && one.get("status").and_then(Json::as_str) == Some("True"));
    ready && pod.pointer("/metadata/deletionTimestamp").is_none()
}

/// The container that is meant: the one that is named, else the pod's usual one, else its first.
pub(super) fn container(at: &At<'_>, pod: &Json, named: Option<&str>) -> Result<String, Fault> {
    let all = containers(pod);
    if let Some(named) = named {
        return all.iter().find(|(_, name)| *name == named).map(|(_, name)| (*name).to_owned()).ok_or_else(|| {
            let known: Vec<&str> = all.iter().map(|(_, name)| *name).collect();
            let list = known.join(", ");
            about(
                at.cluster,
                FaultKind::NotFound,
                "no_such_container",
                Text::new(format!("there is no container \"{named}\" there"), format!("没有名为“{named}”的容器")),
                Text::new(format!("There are: {list}"), format!("可选的有：{list}")),
            )
            .with_params(json!({ "cluster": at.cluster.name, "container": named, "known": known }))
        });
    }
    let own = || all.iter().filter(|(list, _)| *list == "containers").map(|(_, name)| *name);
    let usual =
        pod.pointer("/metadata/annotations").and_then(|all| all.get("kubectl.kubernetes.io/default-container")).and_then(Json::as_str);
    Ok(usual.filter(|usual| own().any(|name| name == *usual)).or_else(|| own().next()).unwrap_or_default().to_owned())
}

/// What a forward goes to.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) namespace: String,
    /// As a person named it.
    pub(super) named: String,
    way: Way,
}

#[derive(Debug, Clone)]
enum Way {
    Pod(String),
    Chosen {
        labels: String,
        /// The Service that maps ports, if it is one.
        service: Option<Json>,
    },
}

impl Target {
    /// Finds out what a person means: `web-1`, `pod/web-1`, `svc/web`, `deploy/web`.
    pub(super) async fn find(look: &Look, at: &At<'_>, namespace: Option<&str>, named: &str) -> Result<Self, Fault> {
        let namespace = namespace.unwrap_or_else(|| usual(at.cluster)).to_owned();
        let (kind, name) = named.split_once('/').unwrap_or(("pods", named));
        let kind = look.kind_of(at, kind).await?;
        let core = |word: &str| kind.group.is_empty() && kind.kind == word;
        let object = look.object_of(at, &kind, Some(&namespace), name, false).await?;
        let way = if core("Pod") {
            Way::Pod(name.to_owned())
        } else {
            let labels = selector(&object).ok_or_else(|| {
                about(
                    at.cluster,
                    FaultKind::Usage,
                    "no_selector",
                    Text::new(
                        format!("{named} chooses no pods, so that nothing can be forwarded to"),
                        format!("{named} 不选择任何 Pod，无法转发"),
                    ),
                    Text::new("Name a pod, a Service with a selector, or a workload.", "请指定 Pod、带选择器的 Service 或工作负载。"),
                )
            })?;
            Way::Chosen { labels, service: core("Service").then_some(object) }
        };
        Ok(Self { namespace, named: named.to_owned(), way })
    }

    /// A pod that is ready, the one of before where it still is; none when there is none now.
    pub(super) async fn pod(&self, look: &Look, at: &At<'_>, before: Option<&str>) -> Result<Option<Json>, Fault> {
        match &self.way {
            Way::Pod(name) => match look.object_of(at, &pod_kind(), Some(&self.namespace), name, false).await {
                Ok(pod) => Ok(Some(pod).filter(is_ready)),
                Err(fault) if Look::is_gone(&fault) => Ok(None),
                Err(fault) => Err(fault),
            },
            Way::Chosen { labels, .. } => {
                let query = LookFor { scope: Some(Scope::One(self.namespace.clone())), ..LookFor::kind("pods.v1").labelled(labels) };
                let mut pods: Vec<Json> = look.objects_of(at, &query).await?.items.into_iter().filter(is_ready).collect();
                let kept = pods.iter().position(|pod| before.is_some() && name_of(pod) == before.unwrap_or_default());
                Ok(if pods.is_empty() { None } else { Some(pods.swap_remove(kept.unwrap_or(0))) })
            }
        }
    }

    /// The number of a port in a pod.
    pub(super) fn port(&self, at: &At<'_>, pod: &Json, remote: &str) -> Result<u16, Fault> {
        let wanted = match &self.way {
            Way::Chosen { service: Some(service), .. } => {
                behind(service, remote).ok_or_else(|| self.no_such_port(at, remote, &offered(service)))?
            }
            _ => remote.to_owned(),
        };
        if let Some(number) = wanted.parse::<u16>().ok().filter(|number| *number > 0) {
            return Ok(number);
        }
        let named = container_ports(pod).find(|port| port.get("name").and_then(Json::as_str) == Some(&wanted));
        named.and_then(|port| port.get("containerPort")?.as_u64()?.try_into().ok()).ok_or_else(|| {
            let known: Vec<String> = container_ports(pod).filter_map(|port| Some(port.get("name")?.as_str()?.to_owned())).collect();
            self.no_such_port(at, remote, &known)
        })
    }

    fn no_such_port(&self, at: &At<'_>, remote: &str, known: &[String]) -> Fault {
        let (named, list) = (&self.named, known.join(", "));
        about(
            at.cluster,
            FaultKind::NotFound,
            "no_such_port",
            Text::new(format!("{named} has no port \"{remote}\""), format!("{named} 没有端口“{remote}”")),
            Text::new(format!("There are: {list}"), format!("可选的有：{list}")),
        )
        .with_params(json!({ "cluster": at.cluster.name, "port": remote, "known": known }))
    }
}

pub(super) fn name_of(pod: &Json) -> &str {
    pod.pointer("/metadata/name").and_then(Json::as_str).unwrap_or_default()
}

/// One and the same pod, not another of its name.
pub(super) fn uid_of(pod: &Json) -> &str {
    pod.pointer("/metadata/uid").and_then(Json::as_str).unwrap_or_default()
}

fn container_ports(pod: &Json) -> impl Iterator<Item = &Json> {
    let lists = ["/spec/containers", "/spec/initContainers"].into_iter().filter_map(|list| pod.pointer(list)?.as_array());
    lists.flatten().filter_map(|container| container.get("ports")?.as_array()).flatten()
}

fn ports_of(service: &Json) -> impl Iterator<Item = &Json> {
    service.pointer("/spec/ports").and_then(Json::as_array).into_iter().flatten()
}

/// What a Service's port stands for in its pods: a number, or a name.
fn behind(service: &Json, remote: &str) -> Option<String> {
    let fits = |port: &&Json| {
        port.get("name").and_then(Json::as_str) == Some(remote)
            || port.get("port").and_then(Json::as_u64).map(|port| port.to_string()).as_deref() == Some(remote)
    };
    let port = ports_of(service).find(fits)?;
    match port.get("targetPort") {
        Some(Json::Number(number)) => Some(number.to_string()),
        Some(Json::String(name)) => Some(name.clone()),
        _ => port.get("port").map(ToString::to_string),
    }
}

fn offered(service: &Json) -> Vec<String> {
    ports_of(service).filter_map(|port| Some(port.get("port")?.to_string())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_of_a_service_stands_for_what_its_pods_call_so() {
        let service = json!({ "spec": { "ports": [
            { "name": "web", "port": 80, "targetPort": "http" }, { "name": "admin", "port": 81, "targetPort": 9000 }, { "port": 82 },
        ] } });
        for (remote, expected) in
            [("80", Some("http")), ("web", Some("http")), ("81", Some("9000")), ("82", Some("82")), ("9000", None), ("x", None)]
        {
            assert_eq!(behind(&service, remote).as_deref(), expected, "{remote}");
        }
        assert_eq!(offered(&service), ["80", "81", "82"]);
    }

    #[test]
    fn a_pod_that_ends_takes_no_connections() {
        let pod = |status: &str, ends: bool| {
            let mut pod = json!({ "metadata": {}, "status": { "conditions": [{ "type": "Initialized", "status": "True" }, { "type": "Ready", "status": status }] } });
            if ends {
                pod["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
            }
            pod
        };
        assert!(is_ready(&pod("True", false)) && !is_ready(&pod("False", false)) && !is_ready(&pod("True", true)) && !is_ready(&json!({})));
    }
}
