//! Versions of APIs that Kubernetes gave up, by the minor that deprecated them and the one that removed them.

/// When a version of a kind grew old.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Age {
    pub(crate) deprecated: &'static str,
    pub(crate) removed: &'static str,
    pub(crate) instead: &'static str,
}

const OLD: &[(&str, &[&str], &str, &str, &str)] = &[
    ("extensions/v1beta1", &["Deployment", "DaemonSet", "ReplicaSet"], "1.8", "1.16", "apps/v1"),
    ("extensions/v1beta1", &["NetworkPolicy"], "1.9", "1.16", "networking.k8s.io/v1"),
    ("extensions/v1beta1", &["PodSecurityPolicy"], "1.10", "1.16", "Pod Security Admission"),
    ("extensions/v1beta1", &["Ingress"], "1.14", "1.22", "networking.k8s.io/v1"),
    ("apps/v1beta1", &["Deployment", "StatefulSet", "ControllerRevision"], "1.9", "1.16", "apps/v1"),
    ("apps/v1beta2", &["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ControllerRevision"], "1.9", "1.16", "apps/v1"),
    (
        "admissionregistration.k8s.io/v1beta1",
        &["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"],
        "1.16",
        "1.22",
        "admissionregistration.k8s.io/v1",
    ),
    ("apiextensions.k8s.io/v1beta1", &["CustomResourceDefinition"], "1.16", "1.22", "apiextensions.k8s.io/v1"),
    ("apiregistration.k8s.io/v1beta1", &["APIService"], "1.19", "1.22", "apiregistration.k8s.io/v1"),
    ("authentication.k8s.io/v1beta1", &["TokenReview"], "1.19", "1.22", "authentication.k8s.io/v1"),
    (
        "authorization.k8s.io/v1beta1",
        &["LocalSubjectAccessReview", "SelfSubjectAccessReview", "SubjectAccessReview", "SelfSubjectRulesReview"],
        "1.19",
        "1.22",
        "authorization.k8s.io/v1",
    ),
    ("certificates.k8s.io/v1beta1", &["CertificateSigningRequest"], "1.19", "1.22", "certificates.k8s.io/v1"),
    ("coordination.k8s.io/v1beta1", &["Lease"], "1.14", "1.22", "coordination.k8s.io/v1"),
    ("networking.k8s.io/v1beta1", &["Ingress", "IngressClass"], "1.19", "1.22", "networking.k8s.io/v1"),
    (
        "rbac.authorization.k8s.io/v1beta1",
        &["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"],
        "1.17",
        "1.22",
        "rbac.authorization.k8s.io/v1",
    ),
    (
        "rbac.authorization.k8s.io/v1alpha1",
        &["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"],
        "1.17",
        "1.22",
        "rbac.authorization.k8s.io/v1",
    ),
    ("scheduling.k8s.io/v1beta1", &["PriorityClass"], "1.14", "1.22", "scheduling.k8s.io/v1"),
    ("storage.k8s.io/v1beta1", &["CSIDriver", "CSINode", "StorageClass", "VolumeAttachment"], "1.19", "1.22", "storage.k8s.io/v1"),
    ("batch/v1beta1", &["CronJob"], "1.21", "1.25", "batch/v1"),
    ("batch/v2alpha1", &["CronJob"], "1.8", "1.21", "batch/v1"),
    ("discovery.k8s.io/v1beta1", &["EndpointSlice"], "1.21", "1.25", "discovery.k8s.io/v1"),
    ("events.k8s.io/v1beta1", &["Event"], "1.19", "1.25", "events.k8s.io/v1"),
    ("autoscaling/v2beta1", &["HorizontalPodAutoscaler"], "1.19", "1.25", "autoscaling/v2"),
    ("autoscaling/v2beta2", &["HorizontalPodAutoscaler"], "1.23", "1.26", "autoscaling/v2"),
    ("policy/v1beta1", &["PodDisruptionBudget"], "1.21", "1.25", "policy/v1"),
    ("policy/v1beta1", &["PodSecurityPolicy"], "1.21", "1.25", "Pod Security Admission"),
    ("node.k8s.io/v1beta1", &["RuntimeClass"], "1.20", "1.25", "node.k8s.io/v1"),
    ("storage.k8s.io/v1beta1", &["CSIStorageCapacity"], "1.24", "1.27", "storage.k8s.io/v1"),
    (
        "flowcontrol.apiserver.k8s.io/v1beta1",
        &["FlowSchema", "PriorityLevelConfiguration"],
        "1.23",
        "1.26",
        "flowcontrol.apiserver.k8s.io/v1",
    ),
    (
        "flowcontrol.apiserver.k8s.io/v1beta2",
        &["FlowSchema", "PriorityLevelConfiguration"],
        "1.26",
        "1.29",
        "flowcontrol.apiserver.k8s.io/v1",
    ),
    (
        "flowcontrol.apiserver.k8s.io/v1beta3",
        &["FlowSchema", "PriorityLevelConfiguration"],
        "1.29",
        "1.32",
        "flowcontrol.apiserver.k8s.io/v1",
    ),
];

/// When a kind's version grew old, if it did.
pub(crate) fn of(api_version: &str, kind: &str) -> Option<Age> {
    OLD.iter()
        .find(|(version, kinds, ..)| *version == api_version && kinds.contains(&kind))
        .map(|(_, _, deprecated, removed, instead)| Age { deprecated, removed, instead })
}

/// Whether a minor is as new as another.
pub(crate) fn reached(version: &str, other: &str) -> bool {
    let parts = |text: &str| {
        let mut parts = text.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
        (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
    };
    parts(version) >= parts(other)
}
