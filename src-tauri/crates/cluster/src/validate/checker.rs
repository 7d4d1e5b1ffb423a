//! [`CheckManifests`] on the real thing: the bundled schemas, or a cluster's own.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use domain::cluster::ClusterDef;
use domain::fault::{Fault, FaultKind};
use domain::id::ClusterId;
use domain::manifest_check::{CheckManifests, CheckOrder, CheckReport, FixEdit, LintLevel, RuleInfo, lints_key};
use domain::manifest_language::{Completion, Hover, Inspection, ManifestTemplate, OutlineItem, PlaceOrder, TextEdit};
use domain::ports::Settings;
use domain::text::Text;
use serde_json::json;
use tokio::time::Instant;

use super::check::{Manner, examine};
use super::schema::Schemas;
use super::{bundle, online, rules};
use crate::language::{self, Lines};
use crate::reach::Reach;

/// Checks manifests; what a cluster serves is kept until the cluster serves something else.
#[derive(Debug)]
pub struct Checker {
    reach: Arc<Reach>,
    /// Where the levels of lints are kept, cluster by cluster.
    settings: Option<Arc<dyn Settings>>,
    kept: Mutex<HashMap<ClusterId, (String, Arc<Schemas>)>>,
    /// When a cluster was last asked whether it serves something else.
    asked: Mutex<HashMap<ClusterId, Instant>>,
}

/// While somebody types, a cluster is not asked at every keystroke whether it serves something else.
const FRESH: Duration = Duration::from_secs(10);

impl Checker {
    /// With that way of asking clusters. Asks nothing yet.
    pub fn new(reach: Arc<Reach>) -> Self {
        Self { reach, settings: None, kept: Mutex::default(), asked: Mutex::default() }
    }

    /// The same, heeding what these settings say of a cluster's lints.
    #[must_use]
    pub fn heeding(self, settings: Arc<dyn Settings>) -> Self {
        Self { settings: Some(settings), ..self }
    }

    /// What was kept of a cluster not long ago.
    fn fresh(&self, id: &ClusterId) -> Option<Arc<Schemas>> {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner).get(id).copied();
        asked.filter(|asked| asked.elapsed() < FRESH)?;
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).get(id).map(|(_, schemas)| schemas.clone())
    }

    /// The lints of an order, and where it says nothing those of its cluster.
    async fn lints(&self, order: &CheckOrder, cluster: Option<&ClusterDef>) -> Result<BTreeMap<String, LintLevel>, Fault> {
        let mut lints = order.lints.clone();
        if let (Some(settings), Some(cluster)) = (&self.settings, cluster)
            && let Some(kept) = settings.get(&lints_key(&cluster.id)).await?
        {
            let kept: BTreeMap<String, LintLevel> = serde_json::from_value(kept).unwrap_or_default();
            for (lint, level) in kept.into_iter().filter(|(lint, _)| rules::adjustable(lint)) {
                lints.entry(lint).or_insert(level);
            }
        }
        Ok(lints)
    }

    async fn of_cluster(&self, cluster: &ClusterDef) -> Result<Arc<Schemas>, Fault> {
        // A cluster that is locked is not checked against, either.
        let client = self.reach.client(cluster).await?;
        if let Some(schemas) = self.fresh(&cluster.id) {
            return Ok(schemas);
        }
        let schemas = self.with_client(&client, &cluster.id).await.map_err(|fault| crate::fault::of(cluster, &fault))?;
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).insert(cluster.id.clone(), Instant::now());
        Ok(schemas)
    }

    /// The schemas that a cluster serves, through a client of one's own.
    pub async fn with_client(&self, client: &kube::Client, id: &ClusterId) -> Result<Arc<Schemas>, kube::Error> {
        let (index, version) = online::index(client).await?;
        let Some(index) = index else { return Ok(nearest(&version)) };
        let known = |kept: &HashMap<ClusterId, (String, Arc<Schemas>)>| {
            kept.get(id).filter(|(state, _)| *state == index.state).map(|(_, schemas)| schemas.clone())
        };
        if let Some(schemas) = known(&self.kept.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(schemas);
        }
        let schemas = Arc::new(online::schemas(client, &index).await?);
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone(), (index.state, schemas.clone()));
        Ok(schemas)
    }
}

/// The bundled schemas of a minor, or of the oldest that there is.
fn nearest(version: &str) -> Arc<Schemas> {
    bundle::bundled(version).or_else(|| bundle::versions().next().and_then(bundle::bundled)).unwrap_or_default()
}

impl Checker {
    /// What an order is held against, and how.
    async fn against(&self, order: &CheckOrder, cluster: Option<&ClusterDef>) -> Result<(Arc<Schemas>, Manner), Fault> {
        if let Some(id) = order.lints.keys().find(|id| !rules::adjustable(id)) {
            let known: Vec<&str> = rules::rules().iter().filter(|rule| rule.adjustable).map(|rule| rule.id).collect();
            let message = Text::new(format!("there is no lint \"{id}\" that can be set"), format!("没有可设置的检查项“{id}”"));
            let hint = Text::new(format!("one of: {}", known.join(", ")), format!("可选：{}", known.join("、")));
            return Err(Fault::new(FaultKind::Usage, "unknown_lint", message, hint).with_params(json!({ "lint": id, "known": known })));
        }
        let (schemas, version) = self.schemas(order.version.as_deref(), cluster).await?;
        Ok((schemas, Manner { level: order.level, lints: self.lints(order, cluster).await?, version }))
    }

    /// The cluster's schemas, else those of a version, else the newest; and the version that was asked for.
    async fn schemas(&self, wanted: Option<&str>, cluster: Option<&ClusterDef>) -> Result<(Arc<Schemas>, Option<String>), Fault> {
        let version = match wanted {
            Some(wanted) => Some(
                bundle::minor(wanted)
                    .filter(|minor| cluster.is_some() || bundle::bundled(minor).is_some())
                    .ok_or_else(|| unknown(wanted))?,
            ),
            None => None,
        };
        let schemas = match (cluster, &version) {
            (Some(cluster), _) => self.of_cluster(cluster).await?,
            (None, Some(version)) => nearest(version),
            (None, None) => bundle::versions().last().map(nearest).unwrap_or_default(),
        };
        Ok((schemas, version))
    }
}

/// Work that takes a while, on a thread where that holds nobody up.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Fault> {
    tokio::task::spawn_blocking(work).await.map_err(|_| {
        let message = Text::new("the check ended before it was done", "检查意外终止");
        Fault::new(FaultKind::Internal, "internal", message, Text::new("", ""))
    })
}

#[async_trait]
impl CheckManifests for Checker {
    async fn check(&self, order: &CheckOrder, cluster: Option<&ClusterDef>) -> Result<CheckReport, Fault> {
        let (schemas, manner) = self.against(order, cluster).await?;
        let manifest = order.manifest.clone();
        aside(move || examine(&manifest, &schemas, &manner).0).await
    }

    fn rules(&self) -> Vec<RuleInfo> {
        rules::rules()
    }

    fn versions(&self) -> Vec<String> {
        bundle::versions().map(str::to_owned).collect()
    }

    async fn inspect(&self, order: &CheckOrder, cluster: Option<&ClusterDef>) -> Result<Inspection, Fault> {
        let (schemas, manner) = self.against(order, cluster).await?;
        let manifest = order.manifest.clone();
        aside(move || {
            let (report, documents) = examine(&manifest, &schemas, &manner);
            let text = String::from_utf8_lossy(&manifest);
            let lines = Lines::new(&text);
            let marks = report.problems.iter().map(|problem| lines.mark(problem)).collect();
            let outline = language::outline(&lines, documents.as_deref());
            Inspection { report, marks, outline }
        })
        .await
    }

    fn outline(&self, text: &str) -> Vec<OutlineItem> {
        let lines = Lines::new(text);
        let read = yaml::documents(lines.text, &yaml::Profile::manifest()).ok();
        language::outline(&lines, read.as_deref())
    }

    async fn complete(&self, order: &PlaceOrder, cluster: Option<&ClusterDef>) -> Result<Completion, Fault> {
        let (schemas, _) = self.schemas(order.version.as_deref(), cluster).await?;
        let order = order.clone();
        aside(move || {
            let lines = Lines::new(&order.text);
            language::complete(&lines, lines.byte(order.line, order.column), &schemas)
        })
        .await
    }

    async fn hover(&self, order: &PlaceOrder, cluster: Option<&ClusterDef>) -> Result<Option<Hover>, Fault> {
        let (schemas, _) = self.schemas(order.version.as_deref(), cluster).await?;
        let order = order.clone();
        aside(move || {
            let lines = Lines::new(&order.text);
            language::hover(&lines, lines.byte(order.line, order.column), &schemas)
        })
        .await
    }

    async fn format(&self, text: &str) -> Result<String, Fault> {
        let text = text.to_owned();
        aside(move || language::format(&text)).await?
    }

    fn templates(&self) -> Vec<ManifestTemplate> {
        language::templates()
    }

    async fn repair(&self, text: &str, document: usize, path: &str, fix: &FixEdit) -> Result<Vec<TextEdit>, Fault> {
        let (text, path, fix) = (text.to_owned(), path.to_owned(), fix.clone());
        aside(move || language::repair(&text, document, &path, &fix)).await?
    }
}

fn unknown(version: &str) -> Fault {
    let known: Vec<&str> = bundle::versions().collect();
    let list = known.join(", ");
    Fault::new(
        FaultKind::Usage,
        "unknown_version",
        Text::new(format!("there are no schemas of Kubernetes {version} here"), format!("没有 Kubernetes {version} 的结构定义")),
        Text::new(format!("one of {list}; or name a cluster, whose own are used"), format!("可选：{list}；或指定集群以使用其自身的定义")),
    )
    .with_params(json!({ "version": version, "known": known }))
}
