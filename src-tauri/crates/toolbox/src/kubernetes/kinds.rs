//! List, get and describe for each kind that has tools of its own: one row a kind.

use super::args::{Arg, Sort, may, must};
use super::{CLUSTER, LABELS, NAMESPACE, NAMESPACES, Row, Which};

const FIELDS: Arg = may("field_selector", Sort::Text, "Only objects with these fields. 字段选择器。");
const LIMIT: Arg = may("limit", Sort::Whole(1, 1000, 100), "At most so many. 最多多少条。");

/// A kind within namespaces (`ns`) or of the whole cluster (`all`): its name in tools, the same for many, how the cluster calls it, and how
/// people do.
macro_rules! kinds {
    ($($scope:ident $one:literal $many:literal $kind:literal $title:literal $zh:literal;)*) => {
        /// Three tools a kind.
        pub(super) const ROWS: &[Row] = &[$(
            Row {
                which: Which::ListOf($kind),
                name: concat!("k8s-list-", $many),
                title: concat!($title, " · 列出 ", $zh),
                about: concat!("Lists objects of the kind ", $title, " as the server draws them. 列出 ", $zh, "。"),
                args: kinds!(@list $scope),
            },
            Row {
                which: Which::GetOf($kind),
                name: concat!("k8s-get-", $one),
                title: concat!($title, " · 获取 ", $zh),
                about: concat!("Shows one whole object of the kind ", $title, "; values of Secrets are masked. 显示完整的 ", $zh, "。"),
                args: kinds!(@one $scope $one),
            },
            Row {
                which: Which::DescribeOf($kind),
                name: concat!("k8s-describe-", $one),
                title: concat!($title, " · 查看 ", $zh, " 详情"),
                about: concat!("Shows one object of the kind ", $title, " and what happened to it. 显示 ", $zh, " 及其事件。"),
                args: kinds!(@one $scope $one),
            },
        )*];
    };
    (@list ns) => { &[NAMESPACES, LABELS, FIELDS, LIMIT, CLUSTER] };
    (@list all) => { &[LABELS, FIELDS, LIMIT, CLUSTER] };
    (@one ns $one:literal) => { &[must("name", "The object's name. 对象名称。").or(&[concat!($one, "_name")]), NAMESPACE, CLUSTER] };
    (@one all $one:literal) => { &[must("name", "The object's name. 对象名称。").or(&[concat!($one, "_name")]), CLUSTER] };
}

kinds! {
    ns "service" "services" "services.v1" "Service" "Service";
    ns "deployment" "deployments" "deployments.apps" "Deployment" "Deployment";
    ns "ingress" "ingresses" "ingresses.networking.k8s.io" "Ingress" "Ingress";
    ns "replicaset" "replicasets" "replicasets.apps" "ReplicaSet" "ReplicaSet";
    ns "statefulset" "statefulsets" "statefulsets.apps" "StatefulSet" "StatefulSet";
    ns "daemonset" "daemonsets" "daemonsets.apps" "DaemonSet" "DaemonSet";
    ns "job" "jobs" "jobs.batch" "Job" "Job";
    ns "cronjob" "cronjobs" "cronjobs.batch" "CronJob" "CronJob";
    ns "hpa" "hpas" "horizontalpodautoscalers.autoscaling" "HorizontalPodAutoscaler" "HorizontalPodAutoscaler";
    ns "networkpolicy" "networkpolicies" "networkpolicies.networking.k8s.io" "NetworkPolicy" "NetworkPolicy";
    all "namespace" "namespaces" "namespaces.v1" "Namespace" "命名空间";
    ns "configmap" "configmaps" "configmaps.v1" "ConfigMap" "ConfigMap";
    ns "secret" "secrets" "secrets.v1" "Secret" "Secret";
    ns "serviceaccount" "serviceaccounts" "serviceaccounts.v1" "ServiceAccount" "ServiceAccount";
    ns "pvc" "pvcs" "persistentvolumeclaims.v1" "PersistentVolumeClaim" "PersistentVolumeClaim";
    all "pv" "pvs" "persistentvolumes.v1" "PersistentVolume" "PersistentVolume";
    all "storageclass" "storageclasses" "storageclasses.storage.k8s.io" "StorageClass" "StorageClass";
    ns "resourcequota" "resourcequotas" "resourcequotas.v1" "ResourceQuota" "ResourceQuota";
    ns "limitrange" "limitranges" "limitranges.v1" "LimitRange" "LimitRange";
    ns "role" "roles" "roles.rbac.authorization.k8s.io" "Role" "Role";
    ns "rolebinding" "rolebindings" "rolebindings.rbac.authorization.k8s.io" "RoleBinding" "RoleBinding";
    all "clusterrole" "clusterroles" "clusterroles.rbac.authorization.k8s.io" "ClusterRole" "ClusterRole";
    all "clusterrolebinding" "clusterrolebindings" "clusterrolebindings.rbac.authorization.k8s.io" "ClusterRoleBinding" "ClusterRoleBinding";
    ns "pdb" "pdbs" "poddisruptionbudgets.policy" "PodDisruptionBudget" "PodDisruptionBudget";
}
