//! Manifests as a user checks them: against what is bundled, or against what a cluster serves.

use std::sync::Arc;

use domain::fault::Fault;
use domain::kube::find_cluster;
use domain::manifest_check::{CheckOrder, CheckReport, RuleInfo};

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
        let cluster = match cluster {
            Some(named) => Some(find_cluster(&self.core.ports.clusters.clusters().await?, named)?.clone()),
            None => None,
        };
        self.core.ports.manifests.check(order, cluster.as_ref()).await
    }

    /// Every rule that there is.
    pub fn rules(&self) -> Vec<RuleInfo> {
        self.core.ports.manifests.rules()
    }
}
