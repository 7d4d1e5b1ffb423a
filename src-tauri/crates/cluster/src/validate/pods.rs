//! Lints of pods and workloads: what the API server takes and nobody should want.

use domain::manifest_check::{FixEdit, Severity};
use domain::text::Text;
use serde_json::{Value, json};
use yaml::Path;

use super::found::{Found, Object, items};
use super::objects::containers;

/// Looks at an object's pods.
pub(crate) fn lint(object: &Object<'_>, found: &mut Found) {
    let Some((path, pod)) = object.pod() else { return };
    let none = Value::Null;
    let (spec, at) = (pod.get("spec").unwrap_or(&none), path.then("spec"));
    let mut say = |path: &Path, rule: &str, en: String, zh: String, fix: Option<FixEdit>| {
        found.at(object, path, Severity::Warning, rule, Text::new(en, zh)).fix = fix;
    };
    let yes = |value: &Value, key: &str| value.get(key) == Some(&Value::Bool(true));
    if yes(spec, "hostNetwork") {
        say(
            &at.then("hostNetwork"),
            "pod-host-network",
            "the pod shares the node's network".into(),
            "Pod 共享节点网络".into(),
            Some(FixEdit::Remove),
        );
    }
    for key in ["hostPID", "hostIPC"] {
        if yes(spec, key) {
            say(
                &at.then(key),
                "pod-host-namespaces",
                "the pod sees the node's processes".into(),
                "Pod 共享节点的进程空间".into(),
                Some(FixEdit::Remove),
            );
        }
    }
    for (path, volume) in items(spec, &at, "volumes") {
        if volume.get("hostPath").is_some() {
            say(&path.then("hostPath"), "pod-host-path", "the pod uses a folder of the node".into(), "Pod 使用了节点目录".into(), None);
        }
    }
    let serves = !matches!(object.kind(), "Job" | "CronJob");
    let pod_security = spec.get("securityContext").unwrap_or(&none);
    for (list, path, container) in containers(spec, &at) {
        let name = container.get("name").and_then(Value::as_str).unwrap_or_default();
        let image = container.get("image").and_then(Value::as_str).unwrap_or_default();
        if !image.is_empty() && floats(image) {
            say(
                &path.then("image"),
                "pod-image-tag",
                format!("the image of {name} has no tag, or latest: nobody knows what runs"),
                format!("{name} 的镜像没有标签或为 latest：无法得知运行的版本"),
                None,
            );
        }
        let security = container.get("securityContext").unwrap_or(&none);
        let at = path.then("securityContext");
        if yes(security, "privileged") {
            say(
                &at.then("privileged"),
                "pod-privileged",
                format!("{name} is privileged: it owns the node"),
                format!("{name} 为特权容器：等同于拥有节点"),
                Some(FixEdit::Remove),
            );
        }
        let non_root = security.get("runAsNonRoot").or_else(|| pod_security.get("runAsNonRoot"));
        if non_root != Some(&Value::Bool(true)) {
            let fix = Some(FixEdit::Set(json!(true)));
            say(
                &at.then("runAsNonRoot"),
                "pod-run-as-non-root",
                format!("{name} may run as root"),
                format!("{name} 可能以 root 运行"),
                fix,
            );
        }
        if security.get("allowPrivilegeEscalation") != Some(&Value::Bool(false)) && !yes(security, "privileged") {
            let fix = Some(FixEdit::Set(json!(false)));
            let key = at.then("allowPrivilegeEscalation");
            say(&key, "pod-privilege-escalation", format!("programs in {name} may gain rights"), format!("{name} 中的程序可能提权"), fix);
        }
        if !yes(security, "readOnlyRootFilesystem") {
            let fix = Some(FixEdit::Set(json!(true)));
            let key = at.then("readOnlyRootFilesystem");
            say(
                &key,
                "pod-read-only-root",
                format!("the root file system of {name} can be written"),
                format!("{name} 的根文件系统可写"),
                fix,
            );
        }
        if !dropped(security) {
            let fix = Some(FixEdit::Set(json!(["ALL"])));
            let key = at.then("capabilities").then("drop");
            say(&key, "pod-capabilities", format!("{name} does not drop all capabilities"), format!("{name} 未放弃所有能力"), fix);
        }
        for (path, env) in items(container, &path, "env") {
            let (name, value) = (env.get("name").and_then(Value::as_str).unwrap_or_default(), env.get("value").and_then(Value::as_str));
            if value.is_some_and(|value| !value.is_empty() && !value.contains("$(")) && secret(name) {
                let en = format!("the variable {name} looks like a secret and stands here in plain text");
                say(&path.then("value"), "pod-secret-in-env", en, format!("变量 {name} 疑似密钥，却以明文写在此处"), None);
            }
        }
        if list == "ephemeralContainers" {
            continue;
        }
        let amount = |kind: &str, name: &str| container.pointer(&format!("/resources/{kind}/{name}")).is_some();
        if ["cpu", "memory"].iter().any(|name| !amount("requests", name) && !amount("limits", name)) {
            let key = path.then("resources").then("requests");
            say(
                &key,
                "pod-requests",
                format!("{name} does not ask for cpu and memory"),
                format!("{name} 未设置 cpu 与内存 requests"),
                None,
            );
        }
        if !amount("limits", "memory") {
            let key = path.then("resources").then("limits");
            say(&key, "pod-limits", format!("{name} has no memory limit"), format!("{name} 没有内存 limits"), None);
        }
        if serves && list == "containers" && container.get("readinessProbe").is_none() {
            let key = path.then("readinessProbe");
            say(&key, "pod-probes", format!("{name} does not say when it is ready"), format!("{name} 没有 readinessProbe"), None);
        }
    }
}

/// Several replicas without a disruption budget.
pub(crate) fn budgets(objects: &[Object<'_>], found: &mut Found) {
    let budgets: Vec<&Object<'_>> = objects.iter().filter(|object| object.kind() == "PodDisruptionBudget").collect();
    for object in objects {
        let replicas = object.value.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(1);
        if object.group() != "apps" || !matches!(object.kind(), "Deployment" | "StatefulSet") || replicas < 2 {
            continue;
        }
        let labels = object.value.pointer("/spec/template/metadata/labels");
        let kept = budgets.iter().any(|other| {
            other.namespace() == object.namespace() && {
                let wanted = other.value.pointer("/spec/selector/matchLabels").and_then(Value::as_object);
                wanted.is_none_or(|wanted| wanted.iter().all(|(key, value)| labels.and_then(|labels| labels.get(key)) == Some(value)))
            }
        });
        if !kept {
            let message = Text::new(
                "no PodDisruptionBudget of this manifest keeps some of its pods while nodes are drained",
                "清单中没有 PodDisruptionBudget 在节点排空时保留部分 Pod",
            );
            found.at(object, &Path::default().then("spec").then("replicas"), Severity::Warning, "workload-disruption-budget", message);
        }
    }
}

fn floats(image: &str) -> bool {
    if image.contains('@') {
        return false;
    }
    let last = image.rsplit('/').next().unwrap_or(image);
    last.split_once(':').is_none_or(|(_, tag)| tag == "latest")
}

fn dropped(security: &Value) -> bool {
    let drop = security.pointer("/capabilities/drop").and_then(Value::as_array);
    drop.is_some_and(|drop| drop.iter().any(|capability| capability.as_str().is_some_and(|name| name.eq_ignore_ascii_case("ALL"))))
}

fn secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let says = ["PASSWORD", "PASSWD", "SECRET", "TOKEN", "API_KEY", "APIKEY", "PRIVATE_KEY", "ACCESS_KEY", "CREDENTIAL"];
    let place = ["_FILE", "_PATH", "_URL", "_NAME", "_TTL", "_DIR"];
    says.iter().any(|word| name.contains(word)) && !place.iter().any(|word| name.ends_with(word))
}
