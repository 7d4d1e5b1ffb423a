//! What objects of a manifest say of each other: selectors that select nothing, ports, names that are not there.
//!
//! An object that is not in the manifest may be in the cluster: what is missing here is a warning.

use std::collections::{HashMap, HashSet};

use domain::manifest_check::Severity;
use domain::text::Text;
use serde_json::{Map, Value};
use yaml::Path;

use super::found::{Found, Object, items};
use super::objects::containers;

type Labels = Map<String, Value>;

struct Set<'o, 'd> {
    objects: &'o [Object<'d>],
    named: HashMap<(&'d str, &'d str, &'d str), &'o Object<'d>>,
    pods: Vec<(&'d str, &'d Labels, Path, &'d Value)>,
}

/// Looks at all objects together.
pub(crate) fn references(objects: &[Object<'_>], found: &mut Found) {
    let named = objects.iter().map(|object| ((object.kind(), object.namespace(), object.name()), object)).collect();
    let pods = objects
        .iter()
        .filter_map(|object| {
            let (path, pod) = object.pod()?;
            let labels = pod.pointer("/metadata/labels").and_then(Value::as_object)?;
            Some((object.namespace(), labels, path, pod.get("spec")?))
        })
        .collect();
    let set = Set { objects, named, pods };
    doubles(&set, found);
    for object in objects {
        match (object.group(), object.kind()) {
            ("", "Service") => service(&set, object, found),
            ("networking.k8s.io", "Ingress") => ingress(&set, object, found),
            ("autoscaling", "HorizontalPodAutoscaler") => {
                let target = object.value.pointer("/spec/scaleTargetRef");
                let (kind, name) = (target.map_or("", |target| text(target, "kind")), target.map_or("", |target| text(target, "name")));
                if !name.is_empty() {
                    needs(
                        &set,
                        object,
                        found,
                        kind,
                        name,
                        &Path::default().then("spec").then("scaleTargetRef").then("name"),
                        "ref-hpa-target",
                    );
                }
            }
            ("policy", "PodDisruptionBudget") => {
                let wanted = object.value.pointer("/spec/selector/matchLabels").and_then(Value::as_object);
                if let Some(wanted) = wanted.filter(|wanted| !wanted.is_empty() && !set.pods.is_empty())
                    && !set.pods.iter().any(|(namespace, labels, ..)| *namespace == object.namespace() && fits(wanted, labels))
                {
                    let path = Path::default().then("spec").then("selector");
                    let message = Text::new("it selects no pods of this manifest", "未选中此清单中的任何 Pod");
                    found.at(object, &path, Severity::Warning, "ref-pdb-selector", message);
                }
            }
            _ => {}
        }
        if let Some((path, pod)) = object.pod() {
            let none = Value::Null;
            used(&set, object, pod.get("spec").unwrap_or(&none), &path.then("spec"), found);
        }
    }
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn fits(wanted: &Labels, labels: &Labels) -> bool {
    wanted.iter().all(|(key, value)| labels.get(key) == Some(value))
}

fn doubles(set: &Set<'_, '_>, found: &mut Found) {
    let mut seen = HashSet::new();
    for object in set.objects {
        if !object.name().is_empty() && !seen.insert((object.group(), object.kind(), object.namespace(), object.name())) {
            let message = Text::new("the same object stands earlier in the manifest", "清单中前面已有同一对象");
            found.at(object, &Path::default().then("metadata").then("name"), Severity::Error, "ref-duplicate-object", message);
        }
    }
}

/// Says when an object is not in the manifest, while others of its kind are.
fn needs(set: &Set<'_, '_>, from: &Object<'_>, found: &mut Found, kind: &str, name: &str, path: &Path, rule: &str) {
    if set.named.contains_key(&(kind, from.namespace(), name)) {
        return;
    }
    let message = Text::new(
        format!("{kind} {name} is not in this manifest; the cluster must have it"),
        format!("此清单中没有 {kind} {name}；集群中必须已存在"),
    );
    found.at(from, path, Severity::Warning, rule, message);
}

fn service(set: &Set<'_, '_>, object: &Object<'_>, found: &mut Found) {
    let none = Value::Null;
    let spec = object.value.get("spec").unwrap_or(&none);
    let at = Path::default().then("spec");
    let Some(selector) = spec.get("selector").and_then(Value::as_object).filter(|selector| !selector.is_empty()) else { return };
    // Without any pods in the manifest there is nothing to hold it against.
    if set.pods.is_empty() {
        return;
    }
    let chosen: Vec<_> =
        set.pods.iter().filter(|(namespace, labels, ..)| *namespace == object.namespace() && fits(selector, labels)).collect();
    if chosen.is_empty() {
        let message = Text::new("it selects no pods of this manifest", "未选中此清单中的任何 Pod");
        found.at(object, &at.then("selector"), Severity::Warning, "ref-service-selector", message);
        return;
    }
    for (path, port) in items(spec, &at, "ports") {
        let name = text(port, "targetPort");
        let there = chosen.iter().any(|(_, _, pod_at, pod)| {
            containers(pod, pod_at)
                .iter()
                .any(|(_, at, container)| items(container, at, "ports").iter().any(|(_, port)| text(port, "name") == name))
        });
        if !name.is_empty() && !there {
            let message =
                Text::new(format!("no container that it selects has a port named {name}"), format!("所选容器没有名为 {name} 的端口"));
            found.at(object, &path.then("targetPort"), Severity::Warning, "ref-service-port", message);
        }
    }
}

fn ingress(set: &Set<'_, '_>, object: &Object<'_>, found: &mut Found) {
    let none = Value::Null;
    let spec = object.value.get("spec").unwrap_or(&none);
    let at = Path::default().then("spec");
    let mut backends = vec![(at.then("defaultBackend"), spec.get("defaultBackend").unwrap_or(&none))];
    for (rule_at, rule) in items(spec, &at, "rules") {
        for (path_at, path) in items(rule.get("http").unwrap_or(&none), &rule_at.then("http"), "paths") {
            backends.push((path_at.then("backend"), path.get("backend").unwrap_or(&none)));
        }
    }
    for (path, backend) in backends {
        let service = backend.get("service").unwrap_or(&none);
        let name = text(service, "name");
        if name.is_empty() {
            continue;
        }
        let Some(target) = set.named.get(&("Service", object.namespace(), name)) else {
            needs(set, object, found, "Service", name, &path.then("service").then("name"), "ref-ingress-service");
            continue;
        };
        let ports = target.value.pointer("/spec/ports").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let wanted = service.get("port").unwrap_or(&none);
        let (by_name, by_number) = (wanted.get("name"), wanted.get("number"));
        let there = ports
            .iter()
            .any(|port| by_name.is_some() && port.get("name") == by_name || by_number.is_some() && port.get("port") == by_number);
        if !there && (by_name.is_some() || by_number.is_some()) {
            let message = Text::new(format!("Service {name} has no such port"), format!("Service {name} 没有该端口"));
            found.at(object, &path.then("service").then("port"), Severity::Warning, "ref-ingress-service", message);
        }
    }
}

/// ConfigMaps, Secrets, claims and accounts that a pod needs.
fn used(set: &Set<'_, '_>, object: &Object<'_>, spec: &Value, at: &Path, found: &mut Found) {
    let mut wanted: Vec<(&str, &str, Path, &str)> = Vec::new();
    let optional = |value: &Value| value.get("optional") == Some(&Value::Bool(true));
    for (path, volume) in items(spec, at, "volumes") {
        for (source, kind, key) in [("configMap", "ConfigMap", "name"), ("secret", "Secret", "secretName")] {
            if let Some(value) = volume.get(source).filter(|value| !optional(value)) {
                wanted.push((kind, text(value, key), path.then(source).then(key), "ref-config"));
            }
        }
        if let Some(claim) = volume.get("persistentVolumeClaim") {
            wanted.push((
                "PersistentVolumeClaim",
                text(claim, "claimName"),
                path.then("persistentVolumeClaim").then("claimName"),
                "ref-claim",
            ));
        }
    }
    for (_, path, container) in containers(spec, at) {
        for (env_at, env) in items(container, &path, "env") {
            for (source, kind) in [("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")] {
                let Some(value) = env.get("valueFrom").and_then(|from| from.get(source)).filter(|value| !optional(value)) else { continue };
                let here = env_at.then("valueFrom").then(source);
                let (name, key) = (text(value, "name"), text(value, "key"));
                if let Some(there) = set.named.get(&(kind, object.namespace(), name))
                    && !key.is_empty()
                    && !["data", "binaryData", "stringData"]
                        .iter()
                        .any(|field| there.value.get(*field).is_some_and(|data| data.get(key).is_some()))
                {
                    let message = Text::new(format!("{kind} {name} has no key {key}"), format!("{kind} {name} 中没有键 {key}"));
                    found.at(object, &here.then("key"), Severity::Warning, "ref-config-key", message);
                }
                wanted.push((kind, name, here.then("name"), "ref-config"));
            }
        }
        for (from_at, from) in items(container, &path, "envFrom") {
            for (source, kind) in [("configMapRef", "ConfigMap"), ("secretRef", "Secret")] {
                if let Some(value) = from.get(source).filter(|value| !optional(value)) {
                    wanted.push((kind, text(value, "name"), from_at.then(source).then("name"), "ref-config"));
                }
            }
        }
    }
    let account = text(spec, "serviceAccountName");
    if !matches!(account, "" | "default") {
        wanted.push(("ServiceAccount", account, at.then("serviceAccountName"), "ref-service-account"));
    }
    for (kind, name, path, rule) in wanted {
        if !name.is_empty() {
            needs(set, object, found, kind, name, &path, rule);
        }
    }
}
