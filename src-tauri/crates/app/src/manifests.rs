//! Manifests as a user checks them: against what is bundled, or against what a cluster serves.

use std::sync::Arc;

use domain::cluster::ClusterDef;
use domain::fault::Fault;
use domain::kube::find_cluster;
use domain::manifest_check::{CheckOrder, CheckReport, FixEdit, RuleInfo};
use domain::manifest_language::{Inspection, OutlineItem, TextEdit};

use crate::core::Core;

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

    async fn cluster(&self, named: Option<&str>) -> Result<Option<ClusterDef>, Fault> {
        Ok(match named {
            Some(named) => Some(find_cluster(&self.core.ports.clusters.clusters().await?, named)?.clone()),
            None => None,
        })
    }
}
