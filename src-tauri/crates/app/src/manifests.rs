//! Manifests as a user checks them: against what is bundled, or against what a cluster serves.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::cluster::ClusterDef;
use domain::fault::{Fault, FaultKind};
use domain::kube::find_cluster;
use domain::manifest_check::{CheckOrder, CheckReport, FixEdit, LintLevel, RuleInfo, Severity, lints_key};
use domain::manifest_language::{Completion, Hover, Inspection, ManifestTemplate, OutlineItem, PlaceOrder, TextEdit};
use domain::policy::Actor;
use domain::text::Text;
use serde_json::json;

use crate::core::Core;
use crate::event::Tag;

/// Checks manifests. Nothing here sends one anywhere.
#[derive(Debug, Clone)]
pub struct Manifests {
    core: Arc<Core>,
}

impl Manifests {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Checks a text; against what a cluster serves when one is named, by its name or id.
    pub async fn check(&self, order: &CheckOrder, cluster: Option<&str>) -> Result<CheckReport, Fault> {
        let cluster = self.cluster(cluster).await?;
        self.core.ports.manifests.check(order, cluster.as_ref()).await
    }

    /// Every rule that there is.
    pub fn rules(&self) -> Vec<RuleInfo> {
        self.core.ports.manifests.rules()
    }

    /// The minors of Kubernetes whose schemas are here, oldest first.
    pub fn versions(&self) -> Vec<String> {
        self.core.ports.manifests.versions()
    }

    /// The same check for an editor: with marks and the outline.
    pub async fn inspect(&self, order: &CheckOrder, cluster: Option<&str>) -> Result<Inspection, Fault> {
        let cluster = self.cluster(cluster).await?;
        self.core.ports.manifests.inspect(order, cluster.as_ref()).await
    }

    /// The documents of a text, also of one that cannot be read.
    pub fn outline(&self, text: &str) -> Vec<OutlineItem> {
        self.core.ports.manifests.outline(text)
    }

    /// What a problem's fix changes in the text.
    pub async fn repair(&self, text: &str, document: usize, path: &str, fix: &FixEdit) -> Result<Vec<TextEdit>, Fault> {
        self.core.ports.manifests.repair(text, document, path, fix).await
    }

    /// What may be typed at a place.
    pub async fn complete(&self, order: &PlaceOrder, cluster: Option<&str>) -> Result<Completion, Fault> {
        let cluster = self.cluster(cluster).await?;
        self.core.ports.manifests.complete(order, cluster.as_ref()).await
    }

    /// What stands at a place.
    pub async fn hover(&self, order: &PlaceOrder, cluster: Option<&str>) -> Result<Option<Hover>, Fault> {
        let cluster = self.cluster(cluster).await?;
        self.core.ports.manifests.hover(order, cluster.as_ref()).await
    }

    /// The text with even indentation.
    pub async fn format(&self, text: &str) -> Result<String, Fault> {
        self.core.ports.manifests.format(text).await
    }

    /// Manifests to begin with.
    pub fn templates(&self) -> Vec<ManifestTemplate> {
        self.core.ports.manifests.templates()
    }

    /// The levels of a cluster's lints that are not as usual.
    pub async fn levels(&self, cluster: &str) -> Result<BTreeMap<String, LintLevel>, Fault> {
        let cluster = find_cluster(&self.core.ports.clusters.clusters().await?, cluster)?.clone();
        self.core.levels(&cluster).await
    }

    /// Sets the level of a cluster's lint; none for as usual. Faults: `no_such_cluster`, `unknown_lint`.
    pub async fn set_level(&self, cluster: &str, lint: &str, level: Option<LintLevel>, by: &Actor) -> Result<(), Fault> {
        let cluster = find_cluster(&self.core.ports.clusters.clusters().await?, cluster)?.clone();
        if !self.rules().iter().any(|rule| rule.id == lint && rule.adjustable) {
            return Err(unknown_lint(lint));
        }
        let mut levels = self.core.levels(&cluster).await?;
        let before = match level {
            Some(level) => levels.insert(lint.to_owned(), level),
            None => levels.remove(lint),
        };
        if before == level {
            return Ok(());
        }
        let kept = if levels.is_empty() { domain::Json::Null } else { json!(levels) };
        self.core.ports.settings.set(&lints_key(&cluster.id), &kept).await?;
        self.core.events.changed(Tag::Settings);
        self.core.note(by, None, "cluster_lint_set", json!({ "cluster": cluster.name, "lint": lint, "level": level })).await
    }

    async fn cluster(&self, named: Option<&str>) -> Result<Option<ClusterDef>, Fault> {
        Ok(match named {
            Some(named) => Some(find_cluster(&self.core.ports.clusters.clusters().await?, named)?.clone()),
            None => None,
        })
    }
}

impl Core {
    async fn levels(&self, cluster: &ClusterDef) -> Result<BTreeMap<String, LintLevel>, Fault> {
        let kept = self.ports.settings.get(&lints_key(&cluster.id)).await?;
        Ok(kept.and_then(|kept| serde_json::from_value(kept).ok()).unwrap_or_default())
    }

    /// Refuses a manifest in which a lint finds something that is set to block in this cluster. Asks the cluster for its schemas only where
    /// something is.
    pub(crate) async fn heed_lints(&self, cluster: &ClusterDef, text: &str) -> Result<(), Fault> {
        let levels = self.levels(cluster).await?;
        if !levels.values().any(|level| *level == LintLevel::Block) {
            return Ok(());
        }
        let known = self.ports.manifests.rules();
        let lints = levels.clone().into_iter().filter(|(lint, _)| known.iter().any(|rule| rule.adjustable && rule.id == lint)).collect();
        let order = CheckOrder { manifest: text.as_bytes().to_vec(), lints, ..CheckOrder::default() };
        let report = self.ports.manifests.check(&order, Some(cluster)).await?;
        let blocks = |rule: &str| levels.get(rule) == Some(&LintLevel::Block);
        let found: Vec<_> =
            report.problems.iter().filter(|problem| problem.severity == Severity::Error && blocks(&problem.rule)).take(20).collect();
        if found.is_empty() {
            return Ok(());
        }
        let list = |chinese: bool| {
            let one = |problem: &&domain::manifest_check::Problem| {
                let message = if chinese { &problem.message.zh } else { &problem.message.en };
                format!("{}:{} {message} [{}]", problem.line, problem.column, problem.rule)
            };
            found.iter().map(one).collect::<Vec<_>>().join("; ")
        };
        let name = &cluster.name;
        Err(Fault::new(
            FaultKind::Denied,
            "lint_blocked",
            Text::new(
                format!("nothing was changed: a lint that is set to block in {name} found something: {}", list(false)),
                format!("未作任何更改：{name} 中设为阻止的检查项发现问题：{}", list(true)),
            ),
            Text::new(
                "Correct the manifest, or set the lint otherwise: pilot cluster lint.",
                "请更正清单，或调整该检查项：pilot cluster lint。",
            ),
        )
        .with_params(json!({ "cluster": name, "problems": found })))
    }
}

fn unknown_lint(lint: &str) -> Fault {
    Fault::new(
        FaultKind::Usage,
        "unknown_lint",
        Text::new(format!("there is no lint \"{lint}\" that can be set"), format!("没有可设置的检查项“{lint}”")),
        Text::new("see docs/user-guide/validation.md", "参见 docs/user-guide/validation.md"),
    )
    .with_params(json!({ "lint": lint }))
}
