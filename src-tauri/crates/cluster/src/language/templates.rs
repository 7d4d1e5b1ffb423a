//! Manifests to begin with. Each passes every check of ours at the level restricted, without a single remark; a test holds that.

use domain::manifest_language::ManifestTemplate;
use domain::text::Text;

/// A template: its id, its title and what it is in both languages, its text.
type Row = (&'static str, [&'static str; 2], [&'static str; 2], &'static str);

const TEMPLATES: &[Row] = &[
    (
        "deployment",
        ["Deployment", "Deployment"],
        ["Pods that are replaced one by one when something changes.", "逐个滚动更新的一组 Pod。"],
        include_str!("../../templates/deployment.yaml"),
    ),
    (
        "web-app",
        ["Web application", "Web 应用"],
        ["Deployment, Service, autoscaler and disruption budget that fit one another.", "相互配套的 Deployment、Service、HPA 与 PDB。"],
        include_str!("../../templates/web-app.yaml"),
    ),
    (
        "statefulset",
        ["StatefulSet", "StatefulSet"],
        [
            "Pods with a name and a volume of their own each, and the Service that names them.",
            "每个 Pod 拥有固定名称与独立卷，含对应的 Service。",
        ],
        include_str!("../../templates/statefulset.yaml"),
    ),
    (
        "daemonset",
        ["DaemonSet", "DaemonSet"],
        ["One pod on every node.", "每个节点运行一个 Pod。"],
        include_str!("../../templates/daemonset.yaml"),
    ),
    ("job", ["Job", "Job"], ["Pods that run until they are done.", "运行至完成的 Pod。"], include_str!("../../templates/job.yaml")),
    ("cronjob", ["CronJob", "CronJob"], ["A Job at set times.", "按计划运行的 Job。"], include_str!("../../templates/cronjob.yaml")),
    (
        "service",
        ["Service", "Service"],
        ["One address for pods.", "为一组 Pod 提供统一地址。"],
        include_str!("../../templates/service.yaml"),
    ),
    (
        "ingress",
        ["Ingress", "Ingress"],
        ["A host name with TLS that leads to a Service, and that Service.", "带 TLS 的域名入口及其 Service。"],
        include_str!("../../templates/ingress.yaml"),
    ),
    (
        "configmap",
        ["ConfigMap", "ConfigMap"],
        ["Settings that pods read.", "供 Pod 读取的配置。"],
        include_str!("../../templates/configmap.yaml"),
    ),
    (
        "secret-use",
        ["Secret in a variable", "在变量中使用 Secret"],
        ["A Secret, and a Deployment that reads it without its value standing there.", "Secret 以及引用它而不写明值的 Deployment。"],
        include_str!("../../templates/secret-use.yaml"),
    ),
    (
        "pvc",
        ["PersistentVolumeClaim", "PersistentVolumeClaim"],
        ["Storage that outlives pods.", "独立于 Pod 生命周期的存储。"],
        include_str!("../../templates/pvc.yaml"),
    ),
    (
        "hpa",
        ["HorizontalPodAutoscaler", "HorizontalPodAutoscaler"],
        ["As many pods as the load needs, and the Deployment that it scales.", "按负载调整副本数，含其目标 Deployment。"],
        include_str!("../../templates/hpa.yaml"),
    ),
    (
        "pdb",
        ["PodDisruptionBudget", "PodDisruptionBudget"],
        ["Keeps pods while nodes are drained.", "排空节点时保留足够的 Pod。"],
        include_str!("../../templates/pdb.yaml"),
    ),
    (
        "network-policy",
        ["NetworkPolicy", "NetworkPolicy"],
        ["Who may talk to pods, and to whom they may.", "限制 Pod 的入站与出站流量。"],
        include_str!("../../templates/network-policy.yaml"),
    ),
    (
        "rbac",
        ["Account with rights", "账号与权限"],
        ["ServiceAccount, Role and RoleBinding.", "ServiceAccount、Role 与 RoleBinding。"],
        include_str!("../../templates/rbac.yaml"),
    ),
    (
        "namespace",
        ["Namespace", "Namespace"],
        ["A namespace in which only restricted pods are let in.", "仅允许 restricted 级别 Pod 的命名空间。"],
        include_str!("../../templates/namespace.yaml"),
    ),
    (
        "quota",
        ["Quota and defaults", "配额与默认值"],
        ["ResourceQuota and LimitRange of a namespace.", "命名空间的 ResourceQuota 与 LimitRange。"],
        include_str!("../../templates/quota.yaml"),
    ),
];

/// All templates, the ones that are wanted most first.
pub(crate) fn templates() -> Vec<ManifestTemplate> {
    let one = |(id, title, about, text): &Row| ManifestTemplate {
        id: (*id).to_owned(),
        title: Text::new(title[0], title[1]),
        about: Text::new(about[0], about[1]),
        text: (*text).to_owned(),
    };
    TEMPLATES.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use domain::manifest_check::PodLevel;

    use super::*;
    use crate::language::format;
    use crate::validate::{Manner, bundled, check, versions};

    #[test]
    fn no_template_gives_anything_to_remark_in_any_version_at_the_level_restricted() {
        for version in versions() {
            for template in templates() {
                let manner = Manner { level: Some(PodLevel::Restricted), ..Manner::default() };
                let report = check(template.text.as_bytes(), &bundled(version).unwrap(), &manner);
                assert!(report.problems.is_empty(), "{} with {version}: {:?}", template.id, report.problems);
                assert!(report.objects > 0);
            }
        }
    }

    #[test]
    fn every_template_is_formatted_already_and_named_once() {
        let all = templates();
        for template in &all {
            assert_eq!(format(&template.text).unwrap(), template.text, "{}", template.id);
            assert!(!template.title.zh.is_empty() && !template.about.en.is_empty());
        }
        let ids: std::collections::BTreeSet<_> = all.iter().map(|template| &template.id).collect();
        assert_eq!(ids.len(), all.len());
    }
}
