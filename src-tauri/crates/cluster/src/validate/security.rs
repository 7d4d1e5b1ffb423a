//! The Pod Security Standards, baseline and restricted, control by control and as they are in each version of Kubernetes.

use domain::manifest_check::{PodLevel, Severity};
use domain::text::Text;
use serde_json::Value;
use yaml::Path;

use super::found::{Found, Object, items};
use super::objects::containers;
use super::versions::reached;

struct Pod<'o, 'd, 'f> {
    object: &'o Object<'d>,
    found: &'f mut Found,
    spec: &'d Value,
    metadata: &'d Value,
    at: Path,
    version: &'o str,
}

static NONE: Value = Value::Null;

/// Holds an object's pods against a level.
pub(crate) fn check(object: &Object<'_>, level: PodLevel, version: &str, found: &mut Found) {
    let Some((path, template)) = object.pod() else { return };
    let get = |key: &str| template.get(key).unwrap_or(&NONE);
    let mut pod = Pod { object, found, spec: get("spec"), metadata: get("metadata"), at: path, version };
    pod.baseline(level);
    if level == PodLevel::Restricted {
        pod.restricted();
    }
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

impl<'d> Pod<'_, 'd, '_> {
    fn wrong(&mut self, path: &Path, rule: &str, en: impl Into<String>, zh: impl Into<String>) {
        self.found.at(self.object, path, Severity::Error, rule, Text::new(en.into(), zh.into()));
    }

    fn spec_at(&self) -> Path {
        self.at.then("spec")
    }

    fn containers(&self) -> Vec<(Path, &'d Value)> {
        containers(self.spec, &self.spec_at()).into_iter().map(|(_, path, container)| (path, container)).collect()
    }

    /// The security contexts: the pod's and those of its containers.
    fn contexts(&self) -> Vec<(Path, &'d Value)> {
        let pod = self.spec.get("securityContext").map(|context| (self.spec_at().then("securityContext"), context));
        let inner = self
            .containers()
            .into_iter()
            .filter_map(|(path, container)| Some((path.then("securityContext"), container.get("securityContext")?)));
        pod.into_iter().chain(inner).collect()
    }

    fn since(&self, version: &str) -> bool {
        reached(self.version, version)
    }

    fn windows(&self) -> bool {
        self.since("1.25") && self.spec.pointer("/os/name").and_then(Value::as_str) == Some("windows")
    }

    /// Whether it has users of its own, which relaxes some controls since 1.35.
    fn own_users(&self) -> bool {
        self.since("1.35") && self.spec.get("hostUsers") == Some(&Value::Bool(false))
    }

    fn baseline(&mut self, level: PodLevel) {
        let at = self.spec_at();
        for key in ["hostNetwork", "hostPID", "hostIPC"] {
            if self.spec.get(key) == Some(&Value::Bool(true)) {
                self.wrong(&at.then(key), "pss-host-namespaces", format!("{key} must not be true"), format!("{key} 不得为 true"));
            }
        }
        for (path, volume) in items(self.spec, &at, "volumes") {
            if volume.get("hostPath").is_some() {
                self.wrong(&path.then("hostPath"), "pss-host-path", "hostPath volumes are forbidden", "禁止 hostPath 卷");
            }
        }
        let sysctls_at = at.then("securityContext");
        for (path, sysctl) in items(self.spec.get("securityContext").unwrap_or(&NONE), &sysctls_at, "sysctls") {
            let name = text(sysctl, "name");
            if !SYSCTLS.iter().any(|(since, safe)| *safe == name && self.since(since)) {
                self.wrong(
                    &path.then("name"),
                    "pss-sysctls",
                    format!("the sysctl {name} is not among the safe ones"),
                    format!("sysctl {name} 不在安全列表中"),
                );
            }
        }
        for (path, context) in self.contexts() {
            self.context(&path, context);
        }
        for (path, container) in self.containers() {
            for (port_at, port) in items(container, &path, "ports") {
                if port.get("hostPort").and_then(Value::as_i64).is_some_and(|port| port != 0) {
                    self.wrong(&port_at.then("hostPort"), "pss-host-ports", "host ports are forbidden", "禁止 hostPort");
                }
            }
            let security = container.get("securityContext").unwrap_or(&NONE);
            if level == PodLevel::Baseline || !self.since("1.22") {
                self.added(&path, security, CAPABILITIES);
            }
            if self.since("1.34") {
                self.hosts(&path, container);
            }
        }
        self.annotations();
    }

    fn context(&mut self, path: &Path, context: &Value) {
        if context.get("privileged") == Some(&Value::Bool(true)) {
            self.wrong(&path.then("privileged"), "pss-privileged", "privileged containers are forbidden", "禁止特权容器");
        }
        let windows = path.then("windowsOptions").then("hostProcess");
        if context.pointer("/windowsOptions/hostProcess") == Some(&Value::Bool(true)) {
            self.wrong(&windows, "pss-host-process", "host processes are forbidden", "禁止 HostProcess");
        }
        let profile = |key: &str| context.get(key).filter(|value| value.is_object()).map(|value| text(value, "type"));
        if profile("appArmorProfile").is_some_and(|sort| !matches!(sort, "RuntimeDefault" | "Localhost")) {
            let path = path.then("appArmorProfile").then("type");
            self.wrong(&path, "pss-apparmor", "it must be RuntimeDefault or Localhost", "只能是 RuntimeDefault 或 Localhost");
        }
        if self.since("1.19") && profile("seccompProfile").is_some_and(|sort| !matches!(sort, "RuntimeDefault" | "Localhost")) {
            let path = path.then("seccompProfile").then("type");
            self.wrong(&path, "pss-seccomp", "it must be RuntimeDefault or Localhost", "只能是 RuntimeDefault 或 Localhost");
        }
        if let Some(linux) = context.get("seLinuxOptions") {
            let at = path.then("seLinuxOptions");
            let sort = text(linux, "type");
            let known = matches!(sort, "" | "container_t" | "container_init_t" | "container_kvm_t")
                || sort == "container_engine_t" && self.since("1.31");
            if !known {
                self.wrong(
                    &at.then("type"),
                    "pss-selinux",
                    format!("the SELinux type {sort} is forbidden"),
                    format!("禁止 SELinux 类型 {sort}"),
                );
            }
            for key in ["user", "role"] {
                if !text(linux, key).is_empty() {
                    self.wrong(&at.then(key), "pss-selinux", format!("a SELinux {key} is forbidden"), format!("禁止设置 SELinux {key}"));
                }
            }
        }
        let unmasked = !matches!(text(context, "procMount"), "" | "Default");
        if unmasked && !self.own_users() {
            self.wrong(&path.then("procMount"), "pss-proc-mount", "procMount must be Default", "procMount 只能是 Default");
        }
    }

    fn added(&mut self, path: &Path, security: &Value, allowed: &[&str]) {
        let at = path.then("securityContext").then("capabilities");
        for (path, capability) in items(security.get("capabilities").unwrap_or(&NONE), &at, "add") {
            let name = capability.as_str().unwrap_or_default();
            if !allowed.contains(&name) {
                self.wrong(&path, "pss-capabilities", format!("the capability {name} must not be added"), format!("不得添加能力 {name}"));
            }
        }
    }

    fn hosts(&mut self, path: &Path, container: &Value) {
        let ways: [&[&str]; 5] =
            [&["livenessProbe"], &["readinessProbe"], &["startupProbe"], &["lifecycle", "postStart"], &["lifecycle", "preStop"]];
        for way in ways {
            let at = way.iter().fold(path.clone(), |path, step| path.then(*step));
            let Some(handler) = way.iter().try_fold(container, |value, step| value.get(*step)) else { continue };
            for action in ["httpGet", "tcpSocket"] {
                if handler.get(action).is_some_and(|action| !text(action, "host").is_empty()) {
                    self.wrong(
                        &at.then(action).then("host"),
                        "pss-host-probes",
                        "a probe or hook must not name a host",
                        "探针或钩子不得指定 host",
                    );
                }
            }
        }
    }

    fn annotations(&mut self) {
        let at = self.at.then("metadata").then("annotations");
        for (key, value) in self.metadata.get("annotations").and_then(Value::as_object).into_iter().flatten() {
            let value = value.as_str().unwrap_or_default();
            let armour = key.starts_with("container.apparmor.security.beta.kubernetes.io/");
            if armour && !(value.is_empty() || value == "runtime/default" || value.starts_with("localhost/")) {
                self.wrong(
                    &at.then(key.as_str()),
                    "pss-apparmor",
                    "it must be runtime/default or localhost/…",
                    "只能是 runtime/default 或 localhost/…",
                );
            }
            let seccomp =
                key == "seccomp.security.alpha.kubernetes.io/pod" || key.starts_with("container.seccomp.security.alpha.kubernetes.io/");
            if seccomp && !self.since("1.19") && !(matches!(value, "runtime/default" | "docker/default") || value.starts_with("localhost/"))
            {
                self.wrong(
                    &at.then(key.as_str()),
                    "pss-seccomp",
                    "it must be runtime/default or localhost/…",
                    "只能是 runtime/default 或 localhost/…",
                );
            }
        }
    }

    fn restricted(&mut self) {
        let at = self.spec_at();
        for (path, volume) in items(self.spec, &at, "volumes") {
            let other = volume
                .as_object()
                .and_then(|map| map.iter().find(|(key, value)| *key != "name" && value.is_object() && !VOLUMES.contains(&key.as_str())));
            if let Some((sort, _)) = other {
                self.wrong(
                    &path.then(sort.as_str()),
                    "pss-volumes",
                    format!("volumes of type {sort} are forbidden"),
                    format!("禁止 {sort} 类型的卷"),
                );
            }
        }
        let pod = self.spec.get("securityContext").unwrap_or(&NONE);
        let pod_at = at.then("securityContext");
        let (windows, own_users) = (self.windows(), self.own_users());
        let pod_non_root = pod.get("runAsNonRoot") == Some(&Value::Bool(true));
        if !own_users {
            if pod.get("runAsNonRoot") == Some(&Value::Bool(false)) {
                self.wrong(
                    &pod_at.then("runAsNonRoot"),
                    "pss-run-as-non-root",
                    "runAsNonRoot must not be false",
                    "runAsNonRoot 不得为 false",
                );
            }
            if self.since("1.23") && pod.get("runAsUser").and_then(Value::as_i64) == Some(0) {
                self.wrong(&pod_at.then("runAsUser"), "pss-run-as-user", "runAsUser must not be 0", "runAsUser 不得为 0");
            }
        }
        // Users of the pod's own excuse an unmasked /proc under baseline, not here.
        if own_users {
            for (path, context) in self.contexts() {
                if !matches!(text(context, "procMount"), "" | "Default") {
                    self.wrong(&path.then("procMount"), "pss-proc-mount", "procMount must be Default", "procMount 只能是 Default");
                }
            }
        }
        let pod_seccomp = pod.get("seccompProfile").is_some();
        for (path, container) in self.containers() {
            let security = container.get("securityContext").unwrap_or(&NONE);
            let at = path.then("securityContext");
            if !windows && security.get("allowPrivilegeEscalation") != Some(&Value::Bool(false)) {
                let key = at.then("allowPrivilegeEscalation");
                self.wrong(
                    &key,
                    "pss-privilege-escalation",
                    "allowPrivilegeEscalation must be false",
                    "allowPrivilegeEscalation 必须为 false",
                );
            }
            if !windows && self.since("1.22") {
                let drop = security.pointer("/capabilities/drop").and_then(Value::as_array);
                if !drop.is_some_and(|drop| drop.iter().any(|capability| capability == "ALL")) {
                    self.wrong(
                        &at.then("capabilities").then("drop"),
                        "pss-capabilities",
                        "ALL capabilities must be dropped",
                        "必须放弃 ALL 能力",
                    );
                }
                self.added(&path, security, &["NET_BIND_SERVICE"]);
            }
            if !windows && self.since("1.19") && !pod_seccomp && security.get("seccompProfile").is_none() {
                let key = at.then("seccompProfile");
                self.wrong(
                    &key,
                    "pss-seccomp",
                    "seccompProfile.type must be RuntimeDefault or Localhost",
                    "seccompProfile.type 必须为 RuntimeDefault 或 Localhost",
                );
            }
            if own_users {
                continue;
            }
            match security.get("runAsNonRoot") {
                Some(Value::Bool(true)) => {}
                Some(Value::Bool(false)) => {
                    self.wrong(
                        &at.then("runAsNonRoot"),
                        "pss-run-as-non-root",
                        "runAsNonRoot must not be false",
                        "runAsNonRoot 不得为 false",
                    );
                }
                _ if pod_non_root => {}
                _ => self.wrong(&at.then("runAsNonRoot"), "pss-run-as-non-root", "runAsNonRoot must be true", "runAsNonRoot 必须为 true"),
            }
            if self.since("1.23") && security.get("runAsUser").and_then(Value::as_i64) == Some(0) {
                self.wrong(&at.then("runAsUser"), "pss-run-as-user", "runAsUser must not be 0", "runAsUser 不得为 0");
            }
        }
    }
}

const CAPABILITIES: &[&str] = &[
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

const VOLUMES: &[&str] =
    &["configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim", "projected", "secret"];

/// Safe sysctls, and since when they are.
const SYSCTLS: &[(&str, &str)] = &[
    ("1.0", "kernel.shm_rmid_forced"),
    ("1.0", "net.ipv4.ip_local_port_range"),
    ("1.0", "net.ipv4.tcp_syncookies"),
    ("1.0", "net.ipv4.ping_group_range"),
    ("1.0", "net.ipv4.ip_unprivileged_port_start"),
    ("1.27", "net.ipv4.ip_local_reserved_ports"),
    ("1.29", "net.ipv4.tcp_keepalive_time"),
    ("1.29", "net.ipv4.tcp_fin_timeout"),
    ("1.29", "net.ipv4.tcp_keepalive_intvl"),
    ("1.29", "net.ipv4.tcp_keepalive_probes"),
    ("1.32", "net.ipv4.tcp_rmem"),
    ("1.32", "net.ipv4.tcp_wmem"),
    ("1.37", "net.ipv4.tcp_slow_start_after_idle"),
    ("1.37", "net.ipv4.tcp_notsent_lowat"),
];
