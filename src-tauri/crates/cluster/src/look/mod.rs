//! [`Kube`] on the real thing: looking at what a cluster holds.
//!
//! **Invariant:** only questions are sent from here, each within a time limit; what comes back has the values of its Secrets masked before
//! anybody sees it.

pub mod discovery;
mod fault;
pub(crate) mod logs;
mod mask;
mod may;
pub(crate) mod objects;
mod table;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use domain::Json;
use domain::cluster::ClusterDef;
use domain::fault::Fault;
use domain::id::{ClusterId, Millis};
use domain::kube::{
    Access, Count, KindInfo, Kinds, Kube, LogQuery, LogSink, LookFor, Objects, Permission, Scope, TableSink, WatchFor, WatchSink,
};
use http::Request;
use http::header::{ACCEPT, CONTENT_TYPE};

use crate::reach::Reach;

pub(crate) use fault::Asked;
pub(crate) use mask::mask;

/// How long one question may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How many objects are asked for at once.
pub(crate) const PAGE: usize = 500;
/// How many questions to one cluster go out together.
pub(crate) const AT_ONCE: usize = 8;
/// How long the kinds of a cluster are believed (ms).
const KINDS_FRESH: i64 = 10 * 60 * 1000;
/// Plain JSON.
pub(crate) const JSON: &str = "application/json";

/// Looks at clusters.
#[derive(Debug)]
pub struct Look {
    pub(crate) reach: Arc<Reach>,
    pub(crate) patience: Duration,
    kinds: Mutex<HashMap<ClusterId, (Vec<u8>, Millis, Arc<Kinds>)>>,
}

impl Look {
    /// Through this way of reaching clusters. Connects nothing.
    pub fn new(reach: Arc<Reach>) -> Self {
        Self { reach, patience: PATIENCE, kinds: Mutex::default() }
    }

    /// The same, which gives up a question after that long.
    #[must_use]
    pub fn patient(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    pub(crate) fn reach(&self) -> &Reach {
        &self.reach
    }

    pub(crate) fn patience(&self) -> Duration {
        self.patience
    }

    pub(crate) fn now(&self) -> Millis {
        self.reach.parts.clock.now()
    }

    /// Asks one question and reads the answer as JSON.
    pub(crate) async fn ask(&self, at: &At<'_>, path: &str, accept: &str, asked: &Asked<'_>) -> Result<Json, Fault> {
        let request = Request::get(path).header(ACCEPT, accept).body(Vec::new());
        self.send(at, request, asked).await
    }

    /// Sends a question as a small document.
    pub(crate) async fn post(&self, at: &At<'_>, path: &str, body: &Json, asked: &Asked<'_>) -> Result<Json, Fault> {
        let request = Request::post(path).header(ACCEPT, JSON).header(CONTENT_TYPE, JSON).body(body.to_string().into_bytes());
        self.send(at, request, asked).await
    }

    async fn send(&self, at: &At<'_>, request: http::Result<Request<Vec<u8>>>, asked: &Asked<'_>) -> Result<Json, Fault> {
        let request = request.map_err(|fault| asked.fault(at.cluster, &kube::Error::HttpError(fault)))?;
        tracing::debug!(cluster = at.cluster.name, path = request.uri().path(), "asking an API server");
        let answer = tokio::time::timeout(self.patience, at.client.request_text(request)).await;
        let text = match answer {
            Ok(answer) => answer.map_err(|fault| asked.fault(at.cluster, &fault))?,
            Err(_) => return Err(crate::fault::late(at.cluster, self.patience.as_secs())),
        };
        serde_json::from_str(&text).map_err(|_| crate::fault::strange(at.cluster, &asked.what()))
    }
}

/// Where a question goes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct At<'a> {
    pub(crate) cluster: &'a ClusterDef,
    pub(crate) client: &'a ClientShown,
}

/// A client whose `Debug` says nothing.
#[derive(Clone)]
pub(crate) struct ClientShown(pub(crate) kube::Client);

impl std::ops::Deref for ClientShown {
    type Target = kube::Client;

    fn deref(&self) -> &kube::Client {
        &self.0
    }
}

impl std::fmt::Debug for ClientShown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Client")
    }
}

/// The namespace that a question is about: none for a kind without namespaces, and for all of them.
pub(crate) fn namespace_of<'a>(cluster: &'a ClusterDef, kind: &KindInfo, scope: Option<&'a Scope>) -> Option<&'a str> {
    match scope {
        _ if !kind.namespaced => None,
        Some(Scope::All) => None,
        Some(Scope::One(namespace)) => Some(namespace),
        None => Some(usual(cluster)),
    }
}

/// The cluster's usual namespace.
pub(crate) fn usual(cluster: &ClusterDef) -> &str {
    cluster.namespace.as_deref().unwrap_or("default")
}

#[async_trait]
impl Kube for Look {
    async fn kinds(&self, cluster: &ClusterDef) -> Result<Arc<Kinds>, Fault> {
        let client = ClientShown(self.reach.client(cluster).await?);
        self.kinds_of(&At { cluster, client: &client }).await.map(|(kinds, _)| kinds)
    }

    async fn kind(&self, cluster: &ClusterDef, named: &str) -> Result<KindInfo, Fault> {
        let client = ClientShown(self.reach.client(cluster).await?);
        self.kind_of(&At { cluster, client: &client }, named).await
    }

    async fn table_into(&self, cluster: &ClusterDef, query: &LookFor, sink: &dyn TableSink) -> Result<(), Fault> {
        let client = ClientShown(self.reach.client(cluster).await?);
        self.table_of(&At { cluster, client: &client }, query, sink).await
    }

    async fn objects(&self, cluster: &ClusterDef, query: &LookFor) -> Result<Objects, Fault> {
        let client = ClientShown(self.reach.client(cluster).await?);
        self.objects_of(&At { cluster, client: &client }, query).await
    }

    async fn object(&self, cluster: &ClusterDef, kind: &KindInfo, namespace: Option<&str>, name: &str) -> Result<Json, Fault> {
        let client = ClientShown(self.reach.client(cluster).await?);
        self.object_of(&At { cluster, client: &client }, kind, namespace, name, false).await
    }

    async fn logs(&self, cluster: &ClusterDef, query: &LogQuery, sink: &dyn LogSink) -> Result<(), Fault> {
        let client = ClientShown(self.reach.client(cluster).await?);
        self.logs_of(&At { cluster, client: &client }, query, sink).await
    }

    async fn watch(&self, cluster: &ClusterDef, query: &WatchFor, sink: &dyn WatchSink) -> Result<(), Fault> {
        self.watch_of(cluster, query, sink).await
    }

    async fn place(&self, cluster: &ClusterDef, query: &LookFor) -> Result<String, Fault> {
        let client = ClientShown(self.reach.client(cluster).await?);
        self.place_now(&At { cluster, client: &client }, query).await
    }

    async fn count(&self, cluster: &ClusterDef, query: &LookFor) -> Result<Count, Fault> {
        let client = ClientShown(self.reach.client(cluster).await?);
        self.count_of(&At { cluster, client: &client }, query).await
    }

    async fn may(&self, cluster: &ClusterDef, access: &Access) -> Result<Permission, Fault> {
        let client = ClientShown(self.reach.client(cluster).await?);
        self.may_of(&At { cluster, client: &client }, access).await
    }
}

/// A span of time as `kubectl` writes it: `12s`, `5m`, `3h12m`, `4d`.
pub(crate) fn age(millis: i64) -> String {
    let seconds = (millis / 1000).max(0);
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400);
    let both =
        |big: i64, unit: char, rest: i64, small: char| if rest == 0 { format!("{big}{unit}") } else { format!("{big}{unit}{rest}{small}") };
    match seconds {
        ..120 => format!("{seconds}s"),
        120..600 => both(minutes, 'm', seconds % 60, 's'),
        600..10_800 => format!("{minutes}m"),
        10_800..28_800 => both(hours, 'h', minutes % 60, 'm'),
        28_800..172_800 => format!("{hours}h"),
        172_800..691_200 => both(days, 'd', hours % 24, 'h'),
        691_200..63_072_000 => format!("{days}d"),
        _ => both(days / 365, 'y', days % 365, 'd'),
    }
}

#[cfg(test)]
mod tests {
    use super::age;

    #[test]
    fn a_span_of_time_is_written_as_kubectl_writes_it() {
        for (seconds, text) in [
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (125, "2m5s"),
            (601, "10m"),
            (10_860, "3h1m"),
            (28_800, "8h"),
            (172_800, "2d"),
            (180_000, "2d2h"),
            (700_000, "8d"),
            (63_158_400, "2y1d"),
        ] {
            assert_eq!(age(seconds * 1000), text, "{seconds}");
        }
        assert_eq!(age(-5), "0s");
    }
}
