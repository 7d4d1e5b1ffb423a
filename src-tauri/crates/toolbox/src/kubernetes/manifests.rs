//! The tools that make and check manifests. They need no cluster, and change none.

use std::sync::Arc;

use domain::cluster::Clusters;
use domain::fault::{Fault, ServerFault};
use domain::kube::find_cluster;
use domain::manifest_check::{CheckManifests, CheckOrder, CheckReport, PodLevel, Severity};
use domain::tool::{Annotations, Content, Tool, ToolResult};
use domain::{Json, JsonMap};
use serde::Deserialize;
use serde_json::json;

use super::change::{answer, read};
use super::generate;

/// The tools.
#[derive(Debug, Clone)]
pub(crate) struct ManifestTools {
    check: Option<Arc<dyn CheckManifests>>,
    clusters: Arc<dyn Clusters>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CheckArgs {
    #[serde(alias = "yaml_config", alias = "yaml_content")]
    manifest: String,
    cluster: Option<String>,
    kubernetes_version: Option<String>,
    level: Option<PodLevel>,
}

const CHECK: &str = "k8s-validate-yaml";
const GENERATE: &str = "k8s-generate-deployment-yaml";

fn check_schema() -> Json {
    let manifest =
        json!({ "type": "string", "minLength": 1, "writeOnly": true, "description": "YAML or JSON, one document or many. 清单" });
    let mut another = manifest.clone();
    another["description"] = "Another name of `manifest`. `manifest` 的另一名称。".into();
    json!({
        "type": "object",
        "properties": {
            "manifest": manifest,
            "yaml_config": another,
            "yaml_content": another,
            "cluster": { "type": "string", "minLength": 1, "description": "Against what this cluster serves, by name or id; bundled schemas when absent. 按该集群的结构定义检查；不填时使用内置定义。" },
            "kubernetes_version": { "type": "string", "minLength": 1, "description": "Against this Kubernetes minor, such as 1.36; the newest that is bundled when absent. Kubernetes 次版本，例如 1.36。" },
            "level": { "type": "string", "enum": ["baseline", "restricted"], "description": "A level of the Pod Security Standards that must be kept. 必须满足的 Pod 安全标准级别。" },
        },
        "required": [],
        "additionalProperties": false,
    })
}

impl ManifestTools {
    /// Over what checks manifests (none: that tool is not there), and the clusters that there are.
    pub(crate) fn new(check: Option<Arc<dyn CheckManifests>>, clusters: Arc<dyn Clusters>) -> Self {
        Self { check, clusters }
    }

    /// As callers see them.
    pub(crate) fn tools(&self) -> Vec<Tool> {
        let one = |name: &str, title: &str, about: &str, input_schema: Json| Tool {
            name: name.into(),
            title: Some(title.to_owned()),
            description: about.to_owned(),
            input_schema,
            output_schema: None,
            annotations: Annotations {
                title: Some(title.to_owned()),
                read_only_hint: Some(true),
                destructive_hint: Some(false),
                idempotent_hint: Some(true),
                ..Annotations::default()
            },
        };
        let check = one(
            CHECK,
            "Check a manifest · 检查清单",
            "Holds a manifest against schemas, cross-references, good practice and, where asked, the Pod Security Standards. Sends it nowhere. 按结构定义、交叉引用、最佳实践以及（可选）Pod 安全标准检查清单，不会发送到任何地方。",
            check_schema(),
        );
        let make = one(
            GENERATE,
            "Write a Deployment · 生成 Deployment",
            "Writes the YAML of a Deployment out of a few facts: a template, without a model and without a cluster. 按给定参数用模板生成 Deployment 的 YAML，不需要模型，也不需要集群。",
            generate::schema(),
        );
        self.check.iter().map(|_| check.clone()).chain([make]).collect()
    }

    /// Runs one; none when it is none of these.
    pub(crate) async fn call(&self, name: &str, args: &JsonMap) -> Option<Result<ToolResult, ServerFault>> {
        match (name, &self.check) {
            (CHECK, Some(check)) => Some(self.checked(check.as_ref(), args).await),
            (GENERATE, _) => Some(generate::deployment(args).map(|made| ToolResult {
                content: vec![Content::text(made.markdown)],
                structured_content: Some(made.facts),
                is_error: false,
            })),
            _ => None,
        }
    }

    async fn checked(&self, check: &dyn CheckManifests, args: &JsonMap) -> Result<ToolResult, ServerFault> {
        let args: CheckArgs = read(Json::Object(args.clone()))?;
        let report = async {
            let cluster = match args.cluster.as_deref() {
                Some(named) => Some(find_cluster(&self.clusters.clusters().await?, named)?.clone()),
                None => None,
            };
            let order = CheckOrder {
                manifest: args.manifest.into_bytes(),
                version: args.kubernetes_version,
                level: args.level,
                ..CheckOrder::default()
            };
            check.check(&order, cluster.as_ref()).await
        };
        Ok(answer(report.await.map(|report| told(&report)).map_err(|fault: Fault| fault)))
    }
}

/// One line a problem, and the same as data.
fn told(report: &CheckReport) -> (String, Json) {
    let mut lines: Vec<String> = report
        .problems
        .iter()
        .map(|problem| {
            let severity = match problem.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            };
            let path = if problem.path.is_empty() { String::new() } else { format!("{}: ", problem.path) };
            let (line, column, rule) = (problem.line, problem.column, &problem.rule);
            format!("{line}:{column}: {severity}: {path}{} [{rule}]", problem.message.en)
        })
        .collect();
    let (objects, version) = (report.objects, &report.version);
    let verdict = if report.ok { "no error" } else { "not right" };
    lines.push(format!("{verdict}: {objects} object(s) held against Kubernetes {version}"));
    (lines.join("\n"), serde_json::to_value(report).unwrap_or(Json::Null))
}
