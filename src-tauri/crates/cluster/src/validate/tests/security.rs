//! Every control of the Pod Security Standards, and the versions in which it differs.

use super::{Manner, PodLevel, check, newest};

fn told(text: &str, level: PodLevel, version: &str) -> Vec<String> {
    let manner = Manner { level: Some(level), version: Some(version.into()), ..Manner::default() };
    let mut rules: Vec<String> = check(text.as_bytes(), &newest(), &manner)
        .problems
        .into_iter()
        .map(|problem| problem.rule)
        .filter(|rule| rule.starts_with("pss-"))
        .collect();
    rules.dedup();
    rules
}

const HARD: &str =
    "runAsNonRoot: true, allowPrivilegeEscalation: false, seccompProfile: {type: RuntimeDefault}, capabilities: {drop: [ALL]}";

fn pod(pod: &str, security: &str, container: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: a}}\nspec:\n{pod}  containers:\n    - name: a\n      image: a:1\n      securityContext: {{{security}}}\n{container}"
    )
}

#[test]
fn a_hardened_pod_keeps_both_levels_and_a_plain_one_keeps_baseline() {
    for version in ["1.20", "1.24", "1.34", "1.36", "1.37"] {
        for level in [PodLevel::Baseline, PodLevel::Restricted] {
            assert_eq!(told(&pod("", HARD, ""), level, version), Vec::<String>::new(), "{version}");
        }
        assert_eq!(told(&pod("", "", ""), PodLevel::Baseline, version), Vec::<String>::new(), "{version}");
    }
    assert_eq!(
        told(&pod("", "", ""), PodLevel::Restricted, "1.36"),
        ["pss-capabilities", "pss-privilege-escalation", "pss-run-as-non-root", "pss-seccomp"]
    );
}

#[test]
fn every_control_of_baseline_is_held() {
    for (rule, text) in [
        ("pss-privileged", pod("", "privileged: true", "")),
        ("pss-host-namespaces", pod("  hostNetwork: true\n", "", "")),
        ("pss-host-namespaces", pod("  hostPID: true\n", "", "")),
        ("pss-host-namespaces", pod("  hostIPC: true\n", "", "")),
        ("pss-host-process", pod("", "windowsOptions: {hostProcess: true}", "")),
        ("pss-host-process", pod("  securityContext: {windowsOptions: {hostProcess: true}}\n", "", "")),
        ("pss-capabilities", pod("", "capabilities: {add: [SYS_ADMIN]}", "")),
        ("pss-host-path", pod("  volumes: [{name: a, hostPath: {path: /}}]\n", "", "")),
        ("pss-host-ports", pod("", "", "      ports: [{containerPort: 80, hostPort: 80}]\n")),
        ("pss-host-probes", pod("", "", "      livenessProbe: {httpGet: {host: a, port: 80}}\n")),
        ("pss-host-probes", pod("", "", "      lifecycle: {preStop: {tcpSocket: {host: a, port: 80}}}\n")),
        ("pss-apparmor", pod("", "appArmorProfile: {type: Unconfined}", "")),
        (
            "pss-apparmor",
            pod("", "", "").replace("{name: a}", "{name: a, annotations: {container.apparmor.security.beta.kubernetes.io/a: unconfined}}"),
        ),
        ("pss-selinux", pod("", "seLinuxOptions: {type: spc_t}", "")),
        ("pss-selinux", pod("", "seLinuxOptions: {user: system_u}", "")),
        ("pss-selinux", pod("  securityContext: {seLinuxOptions: {role: r}}\n", "", "")),
        ("pss-proc-mount", pod("", "procMount: Unmasked", "")),
        ("pss-seccomp", pod("", "seccompProfile: {type: Unconfined}", "")),
        ("pss-seccomp", pod("  securityContext: {seccompProfile: {type: Unconfined}}\n", "", "")),
        ("pss-sysctls", pod("  securityContext: {sysctls: [{name: kernel.msgmax, value: \"1\"}]}\n", "", "")),
        ("pss-privileged", pod("  initContainers: [{name: i, image: \"a:1\", securityContext: {privileged: true}}]\n", "", "")),
    ] {
        assert_eq!(told(&text, PodLevel::Baseline, "1.36"), [rule], "{text}");
        assert!(told(&text, PodLevel::Restricted, "1.36").contains(&rule.to_owned()), "restricted includes baseline: {text}");
    }
}

#[test]
fn every_control_of_restricted_is_held() {
    let hard = |from: &str, to: &str| pod("", &HARD.replace(from, to), "");
    for (rule, text) in [
        ("pss-volumes", pod("  volumes: [{name: a, nfs: {server: a, path: /}}]\n", HARD, "")),
        ("pss-privilege-escalation", hard("allowPrivilegeEscalation: false, ", "")),
        ("pss-privilege-escalation", hard("allowPrivilegeEscalation: false", "allowPrivilegeEscalation: true")),
        ("pss-run-as-non-root", hard("runAsNonRoot: true", "runAsNonRoot: false")),
        ("pss-run-as-non-root", pod("  securityContext: {runAsNonRoot: false}\n", HARD, "")),
        ("pss-run-as-user", hard("runAsNonRoot: true", "runAsNonRoot: true, runAsUser: 0")),
        ("pss-run-as-user", pod("  securityContext: {runAsUser: 0}\n", HARD, "")),
        ("pss-seccomp", hard("seccompProfile: {type: RuntimeDefault}, ", "")),
        ("pss-capabilities", hard("drop: [ALL]", "drop: [CHOWN]")),
        ("pss-capabilities", hard("drop: [ALL]", "drop: [ALL], add: [CHOWN]")),
    ] {
        assert_eq!(told(&text, PodLevel::Restricted, "1.36"), [rule], "{text}");
    }
    assert!(told(&hard("drop: [ALL]", "drop: [ALL], add: [NET_BIND_SERVICE]"), PodLevel::Restricted, "1.36").is_empty());
    let of_pod = pod(
        "  securityContext: {runAsNonRoot: true, seccompProfile: {type: Localhost, localhostProfile: a}}\n",
        "allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}",
        "",
    );
    assert!(told(&of_pod, PodLevel::Restricted, "1.36").is_empty(), "what the pod says holds for its containers");
}

#[test]
fn controls_differ_by_version_as_the_standard_says() {
    let rows: &[(&str, String, PodLevel, &str, &str)] = &[
        ("pss-host-probes", pod("", "", "      livenessProbe: {httpGet: {host: a, port: 80}}\n"), PodLevel::Baseline, "1.33", "1.34"),
        ("pss-capabilities", pod("", &HARD.replace(", capabilities: {drop: [ALL]}", ""), ""), PodLevel::Restricted, "1.21", "1.22"),
        ("pss-seccomp", pod("", &HARD.replace("seccompProfile: {type: RuntimeDefault}, ", ""), ""), PodLevel::Restricted, "1.18", "1.19"),
        ("pss-run-as-user", pod("  securityContext: {runAsUser: 0}\n", HARD, ""), PodLevel::Restricted, "1.22", "1.23"),
    ];
    for (rule, text, level, before, since) in rows {
        assert_eq!(told(text, *level, before), Vec::<String>::new(), "{rule} {before}");
        assert_eq!(told(text, *level, since), [*rule], "{rule} {since}");
    }
    for (safe_since, before, sysctl) in [
        ("1.27", "1.26", "net.ipv4.ip_local_reserved_ports"),
        ("1.29", "1.28", "net.ipv4.tcp_keepalive_time"),
        ("1.32", "1.31", "net.ipv4.tcp_rmem"),
        ("1.37", "1.36", "net.ipv4.tcp_notsent_lowat"),
    ] {
        let text = pod(&format!("  securityContext: {{sysctls: [{{name: {sysctl}, value: \"1\"}}]}}\n"), "", "");
        assert_eq!(told(&text, PodLevel::Baseline, before), ["pss-sysctls"], "{sysctl}");
        assert!(told(&text, PodLevel::Baseline, safe_since).is_empty(), "{sysctl}");
    }
    let engine = pod("", "seLinuxOptions: {type: container_engine_t}", "");
    assert_eq!(told(&engine, PodLevel::Baseline, "1.30"), ["pss-selinux"]);
    assert!(told(&engine, PodLevel::Baseline, "1.31").is_empty());
    let windows = pod("  os: {name: windows}\n", "runAsNonRoot: true", "");
    assert!(told(&windows, PodLevel::Restricted, "1.25").is_empty());
    assert_eq!(told(&windows, PodLevel::Restricted, "1.24").len(), 3);
    let own_users = pod("  hostUsers: false\n", &HARD.replace("runAsNonRoot: true", "runAsUser: 0, procMount: Unmasked"), "");
    assert_eq!(told(&own_users, PodLevel::Restricted, "1.35"), ["pss-proc-mount"], "users of its own excuse root, not an unmasked /proc");
    assert!(told(&own_users, PodLevel::Baseline, "1.35").is_empty());
    assert_eq!(told(&own_users, PodLevel::Baseline, "1.34"), ["pss-proc-mount"]);
    let old = pod("", HARD, "").replace("{name: a}", "{name: a, annotations: {seccomp.security.alpha.kubernetes.io/pod: unconfined}}");
    assert_eq!(told(&old, PodLevel::Baseline, "1.18"), ["pss-seccomp"]);
    assert!(told(&old, PodLevel::Baseline, "1.19").is_empty());
}
