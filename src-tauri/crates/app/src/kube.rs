//! Looking at clusters as a user does: which cluster is meant, and what it holds. Nothing here changes one.

use std::sync::Arc;

use async_trait::async_trait;
use domain::Json;
use domain::cluster::ClusterDef;
use domain::fault::Fault;
use domain::kube::{
    Access, Count, EventQuery, EventRow, KindInfo, Kinds, LogPart, LogQuery, LogSink, LookFor, Objects, Permission, Table, TableSink,
    Usage, UsageOf, WatchFor, WatchSink, choose,
};

use domain::secret::Redact;
use futures::StreamExt as _;

use crate::core::Core;

/// So many counts are asked for together.
const COUNTED_AT_ONCE: usize = 4;

/// What clusters hold. Every method takes a cluster as [`Kubernetes::cluster`] gives it.
#[derive(Debug, Clone)]
pub struct Kubernetes {
    core: Arc<Core>,
}

impl Kubernetes {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// The cluster of that id or name; the only one there is when none is named.
    pub async fn cluster(&self, named: Option<&str>) -> Result<ClusterDef, Fault> {
        choose(&self.core.ports.clusters.clusters().await?, named)
    }

    /// The kinds that a cluster serves, and the APIs that did not answer.
    pub async fn kinds(&self, cluster: &ClusterDef) -> Result<Arc<Kinds>, Fault> {
        self.core.ports.kube.kinds(cluster).await
    }

    /// The kind that a person means: `po`, `deployments.apps`, `Deployment`.
    pub async fn kind(&self, cluster: &ClusterDef, named: &str) -> Result<KindInfo, Fault> {
        self.core.ports.kube.kind(cluster, named).await
    }

    /// A table as the server draws it, whole.
    pub async fn table(&self, cluster: &ClusterDef, query: &LookFor) -> Result<Table, Fault> {
        self.core.ports.kube.table(cluster, query).await
    }

    /// The same, piece by piece as it comes in.
    pub async fn table_into(&self, cluster: &ClusterDef, query: &LookFor, sink: &dyn TableSink) -> Result<(), Fault> {
        self.core.ports.kube.table_into(cluster, query, sink).await
    }

    /// Whole objects, the values of Secrets masked.
    pub async fn objects(&self, cluster: &ClusterDef, query: &LookFor) -> Result<Objects, Fault> {
        self.core.ports.kube.objects(cluster, query).await
    }

    /// One whole object, the values of a Secret masked; `namespace` none for the cluster's usual one.
    pub async fn object(&self, cluster: &ClusterDef, kind: &KindInfo, namespace: Option<&str>, name: &str) -> Result<Json, Fault> {
        self.core.ports.kube.object(cluster, kind, namespace, name).await
    }

    /// What is there, and then what changes, until nobody wants more; dropping the future ends it.
    pub async fn watch(&self, cluster: &ClusterDef, query: &WatchFor, sink: &dyn WatchSink) -> Result<(), Fault> {
        self.core.ports.kube.watch(cluster, query, sink).await
    }

    /// Where these objects stand now, for a watch that begins there.
    pub async fn place(&self, cluster: &ClusterDef, query: &LookFor) -> Result<String, Fault> {
        self.core.ports.kube.place(cluster, query).await
    }

    /// How many objects of these kinds there are, a few questions at once. None for those that may not be listed.
    pub async fn counts(&self, cluster: &ClusterDef, queries: Vec<LookFor>) -> Vec<Option<Count>> {
        let kube = &self.core.ports.kube;
        futures::stream::iter(queries)
            .map(|query| async move { kube.count(cluster, &query).await.ok() })
            .buffered(COUNTED_AT_ONCE)
            .collect()
            .await
    }

    /// Lines of logs as they come in, known secrets hidden; dropping the future ends it.
    pub async fn logs(&self, cluster: &ClusterDef, query: &LogQuery, sink: &dyn LogSink) -> Result<(), Fault> {
        let hidden = Hidden { redact: self.core.ports.redact.as_ref(), sink };
        self.core.ports.kube.logs(cluster, query, &hidden).await
    }

    /// What happened, newest last.
    pub async fn events(&self, cluster: &ClusterDef, query: &EventQuery) -> Result<Vec<EventRow>, Fault> {
        self.core.ports.kube.events(cluster, query).await
    }

    /// Whether we may do something there.
    pub async fn may(&self, cluster: &ClusterDef, access: &Access) -> Result<Permission, Fault> {
        self.core.ports.kube.may(cluster, access).await
    }

    /// What is used now, as the cluster measures it.
    pub async fn usage(&self, cluster: &ClusterDef, of: &UsageOf) -> Result<Vec<Usage>, Fault> {
        self.core.ports.kube.usage(cluster, of).await
    }
}

/// Hides known secrets in lines.
struct Hidden<'a> {
    redact: &'a dyn Redact,
    sink: &'a dyn LogSink,
}

#[async_trait]
impl LogSink for Hidden<'_> {
    async fn part(&self, mut part: LogPart) -> bool {
        if let LogPart::Line(line) = &mut part
            && let std::borrow::Cow::Owned(hidden) = self.redact.redact(&line.text)
        {
            line.text = hidden;
        }
        self.sink.part(part).await
    }
}
