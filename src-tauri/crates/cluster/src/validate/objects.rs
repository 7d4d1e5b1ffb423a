//! What the API server checks by hand, beyond schemas: selectors, ports, probes, volumes, resources.

use std::collections::HashSet;

use domain::manifest_check::{FixEdit, Severity};
use domain::text::Text;
use serde_json::Value;
use yaml::Path;

use super::format;
use super::found::{Found, Object, items};

struct Here<'o, 'd, 'f> {
    object: &'o Object<'d>,
    found: &'f mut Found,
}

impl Here<'_, '_, '_> {
    fn wrong(&mut self, path: &Path, rule: &str, en: impl Into<String>, zh: impl Into<String>) {
        self.found.at(self.object, path, Severity::Error, rule, Text::new(en.into(), zh.into()));
    }

    fn least(&mut self, value: &Value, path: &Path, key: &str, least: i64) {
        if value.get(key).and_then(Value::as_i64).is_some_and(|number| number < least) {
            self.wrong(&path.then(key), "value-range", format!("it must be at least {least}"), format!("至少为 {least}"));
        }
    }

    fn port(&mut self, value: &Value, path: &Path, key: &str) {
        match value.get(key) {
            Some(Value::Number(number)) if number.as_i64().is_none_or(|port| !(1..=65_535).contains(&port)) => {
                self.wrong(&path.then(key), "value-port", "a port is from 1 to 65535", "端口范围为 1 到 65535");
            }
            Some(Value::String(name)) if !matches!(key, "containerPort" | "hostPort") && !format::port_name(name) => {
                self.port_name(&path.then(key));
            }
            _ => {}
        }
    }

    fn port_name(&mut self, path: &Path) {
        self.wrong(
            path,
            "value-port",
            "a port's name is lower-case letters, digits and single -, at most 15, with a letter in it",
            "端口名只能包含小写字母、数字和单个 -，最多 15 个字符，且至少包含一个字母",
        );
    }
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// Checks an object as its kind asks for.
pub(crate) fn object(object: &Object<'_>, found: &mut Found) {
    let mut here = Here { object, found };
    let root = Path::default();
    let spec_at = root.then("spec");
    let none = Value::Null;
    let spec = object.value.get("spec").unwrap_or(&none);
    match (object.group(), object.kind()) {
        ("apps", "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet") => {
            here.least(spec, &spec_at, "replicas", 0);
            here.least(spec, &spec_at, "minReadySeconds", 0);
            here.least(spec, &spec_at, "revisionHistoryLimit", 0);
            selected(&mut here, spec, &spec_at);
            if spec.pointer("/strategy/type").and_then(Value::as_str) == Some("Recreate")
                && spec.pointer("/strategy/rollingUpdate").is_some()
            {
                let path = spec_at.then("strategy").then("rollingUpdate");
                here.wrong(&path, "value-one-of", "Recreate has no rollingUpdate", "Recreate 不能设置 rollingUpdate");
            }
            restart(&mut here, spec.pointer("/template/spec"), &["spec", "template", "spec"], &["Always"], true);
        }
        ("batch", "Job") => {
            restart(&mut here, spec.pointer("/template/spec"), &["spec", "template", "spec"], &["OnFailure", "Never"], false);
        }
        ("batch", "CronJob") => {
            if spec.get("schedule").and_then(Value::as_str).is_some_and(|schedule| !format::schedule(schedule)) {
                here.wrong(
                    &spec_at.then("schedule"),
                    "value-schedule",
                    "this is no schedule: five fields (minute, hour, day, month, weekday), or @daily and the like",
                    "不是有效的计划：需要五个字段（分 时 日 月 周），或 @daily 等",
                );
            }
            let way = ["spec", "jobTemplate", "spec", "template", "spec"];
            restart(&mut here, spec.pointer("/jobTemplate/spec/template/spec"), &way, &["OnFailure", "Never"], false);
        }
        ("", "Service") => service(&mut here, spec, &spec_at),
        ("", "ConfigMap" | "Secret") => {
            for field in ["data", "binaryData", "stringData"] {
                for key in object.value.get(field).and_then(Value::as_object).into_iter().flatten().map(|(key, _)| key) {
                    if !format::config_key(key) {
                        here.wrong(
                            &root.then(field).then(key.as_str()),
                            "value-key",
                            "a key here is letters, digits, -, _ and ., at most 253",
                            "键只能包含字母、数字、-、_ 和 .，最多 253 个字符",
                        );
                    }
                }
            }
        }
        ("", "PersistentVolumeClaim") => {
            if spec.get("accessModes").and_then(Value::as_array).is_none_or(Vec::is_empty) {
                here.wrong(&spec_at, "schema-required", "accessModes is missing", "缺少 accessModes");
            }
            if spec.pointer("/resources/requests/storage").is_none() {
                here.wrong(&spec_at, "schema-required", "resources.requests.storage is missing", "缺少 resources.requests.storage");
            }
        }
        ("networking.k8s.io", "Ingress") => ingress(&mut here, spec, &spec_at),
        ("networking.k8s.io", "NetworkPolicy") => {
            for (list, side) in [("ingress", "from"), ("egress", "to")] {
                for (rule_at, rule) in items(spec, &spec_at, list) {
                    for (peer_at, peer) in items(rule, &rule_at, side) {
                        let block = peer.get("ipBlock").unwrap_or(&none);
                        let wrong = block.get("cidr").and_then(Value::as_str).is_some_and(|cidr| !format::cidr(cidr));
                        if wrong {
                            let path = peer_at.then("ipBlock").then("cidr");
                            here.wrong(
                                &path,
                                "value-address",
                                "this is no range of addresses such as 10.0.0.0/8",
                                "不是有效的地址段，例如 10.0.0.0/8",
                            );
                        }
                    }
                }
            }
        }
        ("autoscaling", "HorizontalPodAutoscaler") => {
            here.least(spec, &spec_at, "maxReplicas", 1);
            let least = spec.get("minReplicas").and_then(Value::as_i64).unwrap_or(1);
            here.least(spec, &spec_at, "minReplicas", 0);
            if spec.get("maxReplicas").and_then(Value::as_i64).is_some_and(|most| most >= 1 && most < least) {
                here.wrong(&spec_at.then("maxReplicas"), "value-range", "it is less than minReplicas", "小于 minReplicas");
            }
        }
        ("policy", "PodDisruptionBudget") if spec.get("minAvailable").is_some() && spec.get("maxUnavailable").is_some() => {
            here.wrong(
                &spec_at.then("maxUnavailable"),
                "value-one-of",
                "minAvailable and maxUnavailable exclude each other",
                "minAvailable 与 maxUnavailable 互斥",
            );
        }
        ("rbac.authorization.k8s.io", "Role" | "ClusterRole") => {
            for (path, rule) in items(object.value, &root, "rules") {
                if rule.get("verbs").and_then(Value::as_array).is_none_or(Vec::is_empty) {
                    here.wrong(&path, "schema-required", "verbs is missing", "缺少 verbs");
                }
                let any = |key: &str| rule.get(key).and_then(Value::as_array).is_some_and(|list| !list.is_empty());
                if any("resources") && !any("apiGroups") {
                    here.wrong(&path, "schema-required", "apiGroups is missing; the core group is \"\"", "缺少 apiGroups；核心组为 \"\"");
                }
            }
        }
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => {
            let kinds: &[&str] = if object.kind() == "RoleBinding" { &["Role", "ClusterRole"] } else { &["ClusterRole"] };
            let role = object.value.pointer("/roleRef/kind").and_then(Value::as_str);
            if role.is_some_and(|role| !kinds.contains(&role)) {
                let list = kinds.join(", ");
                here.wrong(
                    &root.then("roleRef").then("kind"),
                    "schema-enum",
                    format!("it must be one of: {list}"),
                    format!("只能是以下之一：{list}"),
                );
            }
        }
        _ => {}
    }
    if let Some((path, template)) = object.pod() {
        let none = Value::Null;
        pod(&mut here, template.get("spec").unwrap_or(&none), &path.then("spec"));
    }
}

fn selected(here: &mut Here<'_, '_, '_>, spec: &Value, at: &Path) {
    let labels = spec.pointer("/template/metadata/labels").and_then(Value::as_object);
    let Some(selector) = spec.get("selector").filter(|selector| selector.is_object()) else { return };
    let wanted = selector.get("matchLabels").and_then(Value::as_object);
    let none = wanted.is_none_or(serde_json::Map::is_empty)
        && selector.get("matchExpressions").and_then(Value::as_array).is_none_or(Vec::is_empty);
    if none {
        here.wrong(&at.then("selector"), "ref-selector", "the selector is empty", "选择器为空");
    }
    for (key, value) in wanted.into_iter().flatten() {
        if labels.and_then(|labels| labels.get(key)) != Some(value) {
            here.wrong(
                &at.then("selector").then("matchLabels").then(key.as_str()),
                "ref-selector",
                format!("the template's labels have no {key} of that value, so its pods would not be selected"),
                format!("模板的标签中没有此值的 {key}，Pod 不会被选中"),
            );
        }
    }
}

fn restart(here: &mut Here<'_, '_, '_>, pod: Option<&Value>, way: &[&str], allowed: &[&str], may_be_absent: bool) {
    let Some(pod) = pod.filter(|pod| pod.is_object()) else { return };
    let at = Path(way.iter().map(|step| (*step).into()).collect());
    let policy = text(pod, "restartPolicy");
    if (policy.is_empty() && may_be_absent) || allowed.contains(&policy) {
        return;
    }
    let list = allowed.join(", ");
    let path = at.then("restartPolicy");
    let message = Text::new(
        format!("restartPolicy of a {} must be one of: {list}", here.object.kind()),
        format!("{} 的 restartPolicy 只能是：{list}", here.object.kind()),
    );
    let problem = here.found.at(here.object, &path, Severity::Error, "value-restart-policy", message);
    problem.allowed = allowed.iter().map(|policy| (*policy).to_owned()).collect();
    problem.fix = allowed.first().map(|policy| FixEdit::Set((*policy).into()));
}

fn service(here: &mut Here<'_, '_, '_>, spec: &Value, at: &Path) {
    let (ports, sort) = (items(spec, at, "ports"), text(spec, "type"));
    if ports.is_empty() && sort != "ExternalName" && text(spec, "clusterIP") != "None" {
        here.wrong(at, "schema-required", "ports is missing", "缺少 ports");
    }
    if sort == "ExternalName" && text(spec, "externalName").is_empty() {
        here.wrong(at, "schema-required", "externalName is missing", "缺少 externalName");
    }
    let mut names = HashSet::new();
    for (path, port) in &ports {
        here.port(port, path, "port");
        here.port(port, path, "targetPort");
        if ports.len() > 1 && text(port, "name").is_empty() {
            here.wrong(
                path,
                "schema-required",
                "name is missing: with several ports each needs one",
                "缺少 name：有多个端口时每个都需要名称",
            );
        }
        if !text(port, "name").is_empty() && !format::label_name(text(port, "name")) {
            here.wrong(
                &path.then("name"),
                "value-port",
                "a port's name here is lower-case letters, digits and -",
                "端口名只能包含小写字母、数字和 -",
            );
        }
        if !text(port, "name").is_empty() && !names.insert(text(port, "name")) {
            here.wrong(&path.then("name"), "schema-duplicate", "another port has the same name", "另一个端口使用了相同的名称");
        }
        if port.get("nodePort").and_then(Value::as_i64).is_some_and(|number| number != 0) && matches!(sort, "" | "ClusterIP") {
            here.wrong(
                &path.then("nodePort"),
                "value-one-of",
                "a Service of type ClusterIP has no nodePort",
                "ClusterIP 类型的 Service 没有 nodePort",
            );
        }
    }
}

fn ingress(here: &mut Here<'_, '_, '_>, spec: &Value, at: &Path) {
    if spec.get("rules").and_then(Value::as_array).is_none_or(Vec::is_empty) && spec.get("defaultBackend").is_none() {
        here.wrong(at, "schema-required", "rules or defaultBackend is missing", "缺少 rules 或 defaultBackend");
    }
    let none = Value::Null;
    for (rule_at, rule) in items(spec, at, "rules") {
        for (path_at, path) in items(rule.get("http").unwrap_or(&none), &rule_at.then("http"), "paths") {
            let sort = text(path, "pathType");
            if matches!(sort, "Exact" | "Prefix") && !text(path, "path").starts_with('/') {
                here.wrong(&path_at.then("path"), "value-path", "a path begins with /", "路径必须以 / 开头");
            }
            let backend = path.get("backend").unwrap_or(&none);
            if let Some(service) = backend.get("service") {
                let port = service.get("port").unwrap_or(&none);
                if port.get("number").is_some() == port.get("name").is_some() {
                    let at = path_at.then("backend").then("service").then("port");
                    here.wrong(&at, "value-one-of", "a backend's port has either a number or a name", "后端端口需要 number 或 name 之一");
                }
            } else if backend.get("resource").is_none() && backend.is_object() {
                here.wrong(&path_at.then("backend"), "schema-required", "service is missing", "缺少 service");
            }
        }
    }
}

/// Every container of a pod: its list, its path, itself.
pub(crate) fn containers<'v>(spec: &'v Value, at: &Path) -> Vec<(&'static str, Path, &'v Value)> {
    let lists = ["initContainers", "containers", "ephemeralContainers"];
    lists.into_iter().flat_map(|list| items(spec, at, list).into_iter().map(move |(path, container)| (list, path, container))).collect()
}

fn pod(here: &mut Here<'_, '_, '_>, spec: &Value, at: &Path) {
    if spec.get("containers").and_then(Value::as_array).is_some_and(Vec::is_empty) {
        here.wrong(&at.then("containers"), "schema-required", "there must be a container", "至少需要一个容器");
    }
    let mut volumes = HashSet::new();
    for (path, volume) in items(spec, at, "volumes") {
        let name = text(volume, "name");
        volumes.insert(name);
        if !name.is_empty() && !format::label_name(name) {
            here.wrong(
                &path.then("name"),
                "meta-name",
                "a volume's name is lower-case letters, digits and -",
                "卷名只能包含小写字母、数字和 -",
            );
        }
        let sources = volume.as_object().map_or(0, |map| map.iter().filter(|(key, value)| *key != "name" && value.is_object()).count());
        if sources != 1 {
            here.wrong(&path, "value-one-of", "a volume has exactly one source", "卷必须且只能有一个来源");
        }
    }
    let claimed: HashSet<&str> = here
        .object
        .value
        .pointer("/spec/volumeClaimTemplates")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|claim| claim.pointer("/metadata/name").and_then(Value::as_str))
        .collect();
    let mut names = HashSet::new();
    for (list, path, container) in containers(spec, at) {
        let name = text(container, "name");
        if !name.is_empty() && !format::label_name(name) {
            here.wrong(
                &path.then("name"),
                "meta-name",
                "a container's name is lower-case letters, digits and -, at most 63",
                "容器名只能包含小写字母、数字和 -，最多 63 个字符",
            );
        }
        // Twice in one list is told by the list.
        if !names.insert((name, "")) && names.insert((name, list)) && !name.is_empty() && list != "initContainers" {
            let twice_here = items(spec, at, list).iter().filter(|(_, other)| text(other, "name") == name).count() > 1;
            if !twice_here {
                here.wrong(
                    &path.then("name"),
                    "schema-duplicate",
                    "another container of the pod has the same name",
                    "Pod 中另一个容器使用了相同的名称",
                );
            }
        }
        if list != "ephemeralContainers" && text(container, "image").trim().is_empty() {
            here.wrong(&path, "schema-required", "image is missing", "缺少 image");
        } else if text(container, "image") != text(container, "image").trim() {
            here.wrong(&path.then("image"), "value-image", "there is space around the image", "镜像名首尾有空格");
        }
        inside(here, container, &path, &volumes, &claimed);
        for (port_at, port) in items(container, &path, "ports") {
            let numbers = (port.get("hostPort").and_then(Value::as_i64), port.get("containerPort").and_then(Value::as_i64));
            if let (Some(outside), Some(within)) = numbers
                && spec.get("hostNetwork") == Some(&Value::Bool(true))
                && outside != 0
                && outside != within
            {
                here.wrong(
                    &port_at.then("hostPort"),
                    "value-port",
                    "with hostNetwork it must be the containerPort",
                    "使用 hostNetwork 时必须与 containerPort 相同",
                );
            }
        }
    }
}

fn inside(here: &mut Here<'_, '_, '_>, container: &Value, at: &Path, volumes: &HashSet<&str>, claimed: &HashSet<&str>) {
    let mut names = HashSet::new();
    for (path, port) in items(container, at, "ports") {
        here.port(port, &path, "containerPort");
        if port.get("hostPort").and_then(Value::as_i64) != Some(0) {
            here.port(port, &path, "hostPort");
        }
        let name = text(port, "name");
        if !name.is_empty() && !format::port_name(name) {
            here.port_name(&path.then("name"));
        }
        if !name.is_empty() && !names.insert(name) {
            here.wrong(
                &path.then("name"),
                "schema-duplicate",
                "another port of the container has the same name",
                "容器的另一个端口使用了相同的名称",
            );
        }
    }
    for (path, env) in items(container, at, "env") {
        let name = text(env, "name");
        if name.contains('=') || name.chars().any(|c| !(' '..='~').contains(&c)) {
            here.wrong(
                &path.then("name"),
                "value-key",
                "a variable's name is printable ASCII without =",
                "变量名只能是不含 = 的可打印 ASCII 字符",
            );
        }
        if env.get("valueFrom").is_some() && !text(env, "value").is_empty() {
            here.wrong(&path.then("valueFrom"), "value-one-of", "value and valueFrom exclude each other", "value 与 valueFrom 互斥");
        }
    }
    for (path, mount) in items(container, at, "volumeMounts") {
        let name = text(mount, "name");
        if !name.is_empty() && !volumes.contains(name) && !claimed.contains(name) {
            here.wrong(&path.then("name"), "ref-volume", format!("the pod has no volume {name}"), format!("Pod 没有名为 {name} 的卷"));
        }
        if mount.get("mountPath").is_some_and(|path| path == "") {
            here.wrong(&path, "schema-required", "mountPath is missing", "缺少 mountPath");
        }
    }
    resources(here, container, at);
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        let Some(value) = container.get(probe).filter(|value| value.is_object()) else { continue };
        let handlers =
            ["exec", "httpGet", "tcpSocket", "grpc"].iter().filter(|handler| value.get(**handler).is_some_and(Value::is_object)).count();
        if handlers != 1 {
            here.wrong(
                &at.then(probe),
                "value-one-of",
                "a probe has exactly one of exec, httpGet, tcpSocket, grpc",
                "探针必须且只能有 exec、httpGet、tcpSocket、grpc 之一",
            );
        }
        for handler in ["httpGet", "tcpSocket"] {
            if let Some(value) = value.get(handler) {
                here.port(value, &at.then(probe).then(handler), "port");
            }
        }
        for number in ["initialDelaySeconds", "periodSeconds", "timeoutSeconds", "failureThreshold", "successThreshold"] {
            here.least(value, &at.then(probe), number, 0);
        }
        if probe != "readinessProbe" && value.get("successThreshold").and_then(Value::as_i64).is_some_and(|times| times > 1) {
            here.wrong(&at.then(probe).then("successThreshold"), "value-range", "it must be 1 here", "此处必须为 1");
        }
    }
}

fn resources(here: &mut Here<'_, '_, '_>, container: &Value, at: &Path) {
    let Some(resources) = container.get("resources") else { return };
    let amount = |value: &Value| value.as_str().and_then(domain::kube::quantity).or_else(|| value.as_f64());
    let at = at.then("resources");
    for field in ["requests", "limits"] {
        for (name, value) in resources.get(field).and_then(Value::as_object).into_iter().flatten() {
            let path = at.then(field).then(name.as_str());
            if amount(value).is_some_and(|amount| amount < 0.0) {
                here.wrong(&path, "value-range", "it must be at least 0", "至少为 0");
            }
            if !name.contains('/') && !["cpu", "memory", "ephemeral-storage"].contains(&name.as_str()) && !name.starts_with("hugepages-") {
                here.wrong(&path, "value-key", format!("{name} is no resource of a container"), format!("{name} 不是容器资源"));
            }
        }
    }
    for (name, wanted) in resources.get("requests").and_then(Value::as_object).into_iter().flatten() {
        let limit = resources.get("limits").and_then(|limits| limits.get(name)).and_then(amount);
        if let (Some(wanted), Some(limit)) = (amount(wanted), limit)
            && wanted > limit
        {
            here.wrong(&at.then("requests").then(name.as_str()), "value-range", "it is more than the limit", "超过了 limits");
        }
    }
}
