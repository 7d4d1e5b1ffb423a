//! Every rule by its stable name. `docs/user-guide/validation.md` lists them, and a test holds it to this list.

use std::collections::BTreeMap;

use domain::manifest_check::{LintLevel, Problem, RuleInfo, Severity};
use domain::text::Text;

/// A rule: its name, its usual level, whether that can be changed, what it asks for.
type Row = (&'static str, LintLevel, bool, &'static str, &'static str);

use LintLevel::{Block, Warn};

const RULES: &[Row] = &[
    ("yaml-syntax", Block, false, "The text is YAML within its limits.", "文本是有效且未超限的 YAML。"),
    (
        "yaml-ambiguous-boolean",
        Warn,
        true,
        "no, yes, on, off, y, n mean true or false to kubectl and text to others.",
        "no、yes、on、off、y、n 对 kubectl 是布尔值，对其他解析器是文本。",
    ),
    ("yaml-octal", Warn, true, "A number with a 0 in front is octal to kubectl and not to others.", "以 0 开头的数字对 kubectl 是八进制。"),
    (
        "yaml-underscore",
        Warn,
        true,
        "A number with _ in it is a number to kubectl and text to others.",
        "带 _ 的数字对 kubectl 是数字，对其他解析器是文本。",
    ),
    (
        "yaml-sexagesimal",
        Warn,
        true,
        "22:22 is text to kubectl and a number of base 60 to others.",
        "22:22 对 kubectl 是文本，对其他解析器是六十进制数。",
    ),
    ("yaml-ambiguous-number", Warn, true, "08 or 1e3 is a number although it may be meant as text.", "08 或 1e3 会被读作数字。"),
    (
        "yaml-large-integer",
        Warn,
        true,
        "A number above 2^53 loses digits in readers that use floating point.",
        "大于 2^53 的数字在浮点解析器中会丢失精度。",
    ),
    ("yaml-bidi", Warn, true, "No character changes the direction of what is shown.", "不含改变显示方向的字符。"),
    ("yaml-tab", Warn, true, "No tab stands where spaces line up.", "缩进处不使用制表符。"),
    ("schema-unknown-field", Block, false, "Every field is one that the API knows.", "每个字段都是 API 已知的。"),
    ("schema-type", Block, false, "Every value is of the sort that its field holds.", "每个值的类型正确。"),
    ("schema-required", Block, false, "Nothing that is needed is missing.", "没有缺少必需的内容。"),
    ("schema-enum", Block, false, "A value is one of those allowed.", "取值在允许的范围内。"),
    ("schema-range", Block, false, "A number is within its limits.", "数字在限定范围内。"),
    ("schema-quantity", Block, false, "A quantity is written as Kubernetes writes it.", "数量格式正确。"),
    ("schema-format", Block, false, "Moments and base64 are written right.", "时间与 base64 格式正确。"),
    ("schema-length", Block, false, "A text is neither too short nor too long.", "文本长度符合要求。"),
    ("schema-pattern", Block, false, "A text matches its pattern.", "文本匹配其模式。"),
    ("schema-duplicate", Block, false, "What tells the items of a list apart is in it once.", "列表项的标识不重复。"),
    (
        "api-unknown-kind",
        Block,
        false,
        "The kind is served; without a schema of it, a warning.",
        "类型由 API 提供；没有其结构定义时为警告。",
    ),
    ("api-removed", Block, false, "The version of the API was not removed.", "API 版本未被移除。"),
    ("api-deprecated", Warn, true, "The version of the API is not deprecated.", "API 版本未被弃用。"),
    ("meta-name", Block, false, "Names are such as Kubernetes takes.", "名称符合 Kubernetes 要求。"),
    ("meta-namespace", Block, false, "The namespace is one, and only where there are namespaces.", "命名空间有效且适用。"),
    ("meta-label", Block, false, "Labels are such as Kubernetes takes.", "标签符合要求。"),
    ("meta-annotation", Block, false, "Annotations are such as Kubernetes takes.", "注解符合要求。"),
    ("value-range", Block, false, "Numbers that belong together fit.", "相关数值相互匹配。"),
    ("value-port", Block, false, "Ports are from 1 to 65535 and their names are short.", "端口在 1 到 65535 之间且名称有效。"),
    ("value-schedule", Block, false, "A schedule has five fields.", "计划有五个字段。"),
    ("value-restart-policy", Block, false, "restartPolicy is one that the kind allows.", "restartPolicy 是该类型允许的值。"),
    ("value-one-of", Block, false, "Fields that exclude each other do not stand together.", "互斥字段不同时出现。"),
    ("value-key", Block, false, "Keys and names of variables are such as Kubernetes takes.", "键与变量名有效。"),
    ("value-address", Block, false, "A range of addresses is one.", "地址段有效。"),
    ("value-path", Block, false, "A path begins with /.", "路径以 / 开头。"),
    ("value-image", Block, false, "An image has no space around it.", "镜像名首尾没有空格。"),
    ("ref-selector", Block, false, "A workload selects the pods that it makes.", "工作负载选中其自己创建的 Pod。"),
    ("ref-volume", Block, false, "A container mounts volumes that its pod has.", "容器挂载的卷在 Pod 中存在。"),
    ("ref-duplicate-object", Block, false, "No object stands in the manifest twice.", "清单中没有重复对象。"),
    ("ref-service-selector", Warn, true, "A Service selects pods of the manifest.", "Service 选中清单中的 Pod。"),
    ("ref-service-port", Warn, true, "A Service's named port is a port of the containers.", "Service 的命名端口存在于容器中。"),
    ("ref-ingress-service", Warn, true, "An Ingress leads to a Service and port that are there.", "Ingress 指向存在的 Service 与端口。"),
    ("ref-hpa-target", Warn, true, "What an autoscaler scales is there.", "自动伸缩的目标存在。"),
    ("ref-pdb-selector", Warn, true, "A disruption budget selects pods of the manifest.", "PDB 选中清单中的 Pod。"),
    ("ref-config", Warn, true, "ConfigMaps and Secrets that a pod needs are there.", "Pod 所需的 ConfigMap 与 Secret 存在。"),
    ("ref-config-key", Warn, true, "A ConfigMap or Secret of the manifest has the key.", "清单中的 ConfigMap 或 Secret 含有该键。"),
    ("ref-claim", Warn, true, "Claims that a pod needs are there.", "Pod 所需的 PVC 存在。"),
    ("ref-service-account", Warn, true, "The account of a pod is there.", "Pod 的 ServiceAccount 存在。"),
    (
        "pod-image-tag",
        Warn,
        true,
        "Images have a tag other than latest, or a digest: else nobody knows what runs. Write the version.",
        "镜像带有非 latest 的标签或摘要，否则无法得知运行的版本。",
    ),
    (
        "pod-requests",
        Warn,
        true,
        "Containers ask for cpu and memory: the scheduler counts on it. Set resources.requests.",
        "容器设置 cpu 与内存 requests，调度器以此为依据。",
    ),
    (
        "pod-limits",
        Warn,
        true,
        "Containers have a memory limit: else one takes the node's. Set resources.limits.memory.",
        "容器设置内存 limits，避免耗尽节点内存。",
    ),
    (
        "pod-probes",
        Warn,
        true,
        "Containers of services say when they are ready. Set readinessProbe.",
        "长期运行的容器设置 readinessProbe。",
    ),
    (
        "pod-run-as-non-root",
        Warn,
        true,
        "Containers do not run as root. Set securityContext.runAsNonRoot: true.",
        "容器不以 root 运行：设置 securityContext.runAsNonRoot: true。",
    ),
    (
        "pod-privilege-escalation",
        Warn,
        true,
        "Programs gain no rights. Set securityContext.allowPrivilegeEscalation: false.",
        "禁止提权：设置 securityContext.allowPrivilegeEscalation: false。",
    ),
    (
        "pod-read-only-root",
        Warn,
        true,
        "The root file system is read-only. Set securityContext.readOnlyRootFilesystem: true.",
        "根文件系统只读：设置 securityContext.readOnlyRootFilesystem: true。",
    ),
    (
        "pod-capabilities",
        Warn,
        true,
        "Containers drop ALL capabilities. Set securityContext.capabilities.drop: [ALL].",
        "容器放弃所有能力：设置 securityContext.capabilities.drop: [ALL]。",
    ),
    ("pod-privileged", Warn, true, "Containers are not privileged: such a one owns the node.", "容器不使用特权模式，否则等同于拥有节点。"),
    ("pod-host-path", Warn, true, "Pods use no folder of the node.", "Pod 不使用节点目录。"),
    ("pod-host-network", Warn, true, "Pods do not share the node's network.", "Pod 不共享节点网络。"),
    (
        "pod-host-namespaces",
        Warn,
        true,
        "Pods do not see the node's processes (hostPID, hostIPC).",
        "Pod 不共享节点的进程空间（hostPID、hostIPC）。",
    ),
    (
        "pod-secret-in-env",
        Warn,
        true,
        "No secret stands in a variable: it is readable by whoever reads the object. Use secretKeyRef.",
        "变量中不直接写入密钥：请使用 secretKeyRef。",
    ),
    (
        "workload-disruption-budget",
        Warn,
        true,
        "A Deployment or StatefulSet of several replicas has a PodDisruptionBudget in the manifest.",
        "多副本的工作负载在清单中有 PodDisruptionBudget。",
    ),
    ("pss-privileged", Block, false, "Pod Security, baseline: no privileged containers.", "Pod 安全标准（baseline）：禁止特权容器。"),
    (
        "pss-host-namespaces",
        Block,
        false,
        "Pod Security, baseline: no hostNetwork, hostPID, hostIPC.",
        "Pod 安全标准（baseline）：禁止 hostNetwork、hostPID、hostIPC。",
    ),
    (
        "pss-host-process",
        Block,
        false,
        "Pod Security, baseline: no Windows host processes.",
        "Pod 安全标准（baseline）：禁止 Windows HostProcess。",
    ),
    (
        "pss-capabilities",
        Block,
        false,
        "Pod Security: capabilities beyond the usual are not added; restricted: ALL are dropped and only NET_BIND_SERVICE is added.",
        "Pod 安全标准：不得添加超出默认的能力；restricted 必须放弃 ALL，仅可添加 NET_BIND_SERVICE。",
    ),
    ("pss-host-path", Block, false, "Pod Security, baseline: no hostPath volumes.", "Pod 安全标准（baseline）：禁止 hostPath 卷。"),
    ("pss-host-ports", Block, false, "Pod Security, baseline: no host ports.", "Pod 安全标准（baseline）：禁止 hostPort。"),
    (
        "pss-host-probes",
        Block,
        false,
        "Pod Security, baseline since 1.34: probes and hooks name no host.",
        "Pod 安全标准（baseline，1.34 起）：探针与钩子不得指定 host。",
    ),
    (
        "pss-apparmor",
        Block,
        false,
        "Pod Security, baseline: AppArmor is the runtime's profile or a local one.",
        "Pod 安全标准（baseline）：AppArmor 仅可用 RuntimeDefault 或 Localhost。",
    ),
    (
        "pss-selinux",
        Block,
        false,
        "Pod Security, baseline: no SELinux user or role, and only the container types.",
        "Pod 安全标准（baseline）：限制 SELinux 选项。",
    ),
    ("pss-proc-mount", Block, false, "Pod Security: /proc is masked as usual.", "Pod 安全标准：/proc 使用默认屏蔽。"),
    (
        "pss-seccomp",
        Block,
        false,
        "Pod Security: seccomp is not switched off; restricted: a profile is set.",
        "Pod 安全标准：不得关闭 seccomp；restricted 必须设置。",
    ),
    ("pss-sysctls", Block, false, "Pod Security, baseline: only safe sysctls.", "Pod 安全标准（baseline）：仅允许安全的 sysctl。"),
    ("pss-volumes", Block, false, "Pod Security, restricted: only volumes of the usual types.", "Pod 安全标准（restricted）：限制卷类型。"),
    (
        "pss-privilege-escalation",
        Block,
        false,
        "Pod Security, restricted: allowPrivilegeEscalation is false.",
        "Pod 安全标准（restricted）：allowPrivilegeEscalation 必须为 false。",
    ),
    (
        "pss-run-as-non-root",
        Block,
        false,
        "Pod Security, restricted: runAsNonRoot is true.",
        "Pod 安全标准（restricted）：runAsNonRoot 必须为 true。",
    ),
    ("pss-run-as-user", Block, false, "Pod Security, restricted: runAsUser is not 0.", "Pod 安全标准（restricted）：runAsUser 不得为 0。"),
];

/// Every rule that there is.
pub fn rules() -> Vec<RuleInfo> {
    RULES
        .iter()
        .map(|(id, level, adjustable, en, zh)| RuleInfo { id, level: *level, adjustable: *adjustable, about: Text::new(*en, *zh) })
        .collect()
}

/// Whether a rule's level can be set.
pub(crate) fn adjustable(id: &str) -> bool {
    RULES.iter().any(|(rule, _, adjustable, ..)| *rule == id && *adjustable)
}

/// Applies what somebody said about lints.
pub(crate) fn settle(problems: &mut Vec<Problem>, lints: &BTreeMap<String, LintLevel>) {
    problems.retain_mut(|problem| match lints.get(&problem.rule) {
        Some(LintLevel::Off) => false,
        Some(LintLevel::Warn) => {
            problem.severity = Severity::Warning;
            true
        }
        Some(LintLevel::Block) => {
            problem.severity = Severity::Error;
            true
        }
        None => true,
    });
}
