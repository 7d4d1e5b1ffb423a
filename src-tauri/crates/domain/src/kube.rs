//! Looking at a cluster: its kinds, tables, objects, logs, events, permissions and usage.
//!
//! **Invariant:** nothing that comes through here holds the value of a Secret, and nothing here changes anything.

mod figures;
mod logs;
mod watch;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::Json;
use crate::cluster::ClusterDef;
use crate::fault::{Fault, FaultKind};
use crate::text::Text;

pub use figures::{Access, EventQuery, EventRow, Permission, Usage, UsageOf, quantity};
pub use logs::{LogLine, LogPart, LogQuery, LogSink, LogSource, LogTarget};
pub use watch::{Count, ObjectName, Shape, WatchFor, WatchPart, WatchSink};

/// What stands in place of a Secret's value.
pub const MASKED: &str = "******";

/// A kind that an API server serves, in one version.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KindInfo {
    /// Its group; empty for the core.
    pub group: String,
    /// Its version.
    pub version: String,
    /// `Deployment`.
    pub kind: String,
    /// `deployments`, as it stands in a path.
    pub plural: String,
    /// `deployment`.
    pub singular: String,
    /// `deploy`.
    pub short_names: Vec<String>,
    /// `all`.
    pub categories: Vec<String>,
    /// Whether its objects are in namespaces.
    pub namespaced: bool,
    /// What can be done with it: `get`, `list`, `patch`…
    pub verbs: Vec<String>,
}

impl KindInfo {
    /// `apps/v1`, or `v1` for the core.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// `deployments.apps`, or `pods` for the core.
    pub fn full_name(&self) -> String {
        if self.group.is_empty() { self.plural.clone() } else { format!("{}.{}", self.plural, self.group) }
    }

    /// Where its objects are. The namespace is left out for a kind that has none; both are escaped.
    pub fn path(&self, namespace: Option<&str>, name: Option<&str>) -> String {
        let mut path = if self.group.is_empty() {
            format!("/api/{}", segment(&self.version))
        } else {
            format!("/apis/{}/{}", segment(&self.group), segment(&self.version))
        };
        if let Some(namespace) = namespace.filter(|_| self.namespaced) {
            path.push_str(&format!("/namespaces/{}", segment(namespace)));
        }
        path.push_str(&format!("/{}", segment(&self.plural)));
        if let Some(name) = name {
            path.push_str(&format!("/{}", segment(name)));
        }
        path
    }

    /// Whether that can be done with it.
    pub fn can(&self, verb: &str) -> bool {
        self.verbs.iter().any(|known| known == verb)
    }

    fn is_called(&self, word: &str) -> bool {
        self.plural == word || self.singular == word || self.kind.to_ascii_lowercase() == word
    }
}

/// One part of a path: whatever is not plainly harmless is escaped, so that a name cannot become another path.
pub fn segment(text: &str) -> String {
    if text == "." || text == ".." {
        return text.replace('.', "%2E");
    }
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b':') {
            out.push(byte.into());
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
        out
    })
}

/// A group that a server names and whose kinds it could not tell: an aggregated API that does not answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MissingKinds {
    /// `metrics.k8s.io/v1beta1`.
    pub api_version: String,
    /// Why.
    pub why: Text,
}

/// The kinds of one server: the core first, then groups and versions in the order in which the server prefers them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Kinds {
    /// All that are known.
    pub kinds: Vec<KindInfo>,
    /// What is not known.
    pub missing: Vec<MissingKinds>,
}

impl Kinds {
    /// The kind that a person means: plural, singular, kind or short name in any case, alone or with `.group`, `.version.group`, or
    /// `.version` for the core. The server's preferred one counts where several fit.
    pub fn find(&self, named: &str) -> Option<&KindInfo> {
        let named = named.trim().to_ascii_lowercase();
        let (word, rest) = named.split_once('.').unwrap_or((&named, ""));
        let rest = rest.trim_end_matches('.');
        let fits = |kind: &&KindInfo| {
            if rest.is_empty() {
                return true;
            }
            let group = kind.group.to_ascii_lowercase();
            let versioned = if group.is_empty() { kind.version.clone() } else { format!("{}.{group}", kind.version) };
            rest == group || rest == versioned
        };
        let first = |called: &dyn Fn(&KindInfo) -> bool| self.kinds.iter().filter(fits).find(|kind| called(kind));
        first(&|kind| kind.is_called(word)).or_else(|| first(&|kind| kind.short_names.iter().any(|short| short == word)))
    }

    /// The kind that an object says it is.
    pub fn of(&self, api_version: &str, kind: &str) -> Option<&KindInfo> {
        self.kinds.iter().find(|known| known.kind == kind && known.api_version() == api_version)
    }
}

/// Which namespaces are meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Scope {
    /// One.
    One(String),
    /// All of them.
    All,
}

/// What is looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LookFor {
    /// The kind, as a person names it.
    pub kind: String,
    /// Only this object.
    pub name: Option<String>,
    /// Where; none for the cluster's usual namespace. Of no matter for a kind without namespaces.
    pub scope: Option<Scope>,
    /// A label selector.
    pub labels: Option<String>,
    /// A field selector.
    pub fields: Option<String>,
    /// At most so many; none for all.
    pub most: Option<usize>,
    /// Whether whole objects keep their `managedFields`.
    pub managed_fields: bool,
}

impl LookFor {
    /// All of a kind in the cluster's usual namespace.
    pub fn kind(kind: impl Into<String>) -> Self {
        Self { kind: kind.into(), ..Self::default() }
    }

    /// The same, in one namespace.
    #[must_use]
    pub fn within(self, namespace: impl Into<String>) -> Self {
        Self { scope: Some(Scope::One(namespace.into())), ..self }
    }

    /// The same, everywhere.
    #[must_use]
    pub fn everywhere(self) -> Self {
        Self { scope: Some(Scope::All), ..self }
    }

    /// The same, this one only.
    #[must_use]
    pub fn named(self, name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    /// The same, with a label selector.
    #[must_use]
    pub fn labelled(self, labels: impl Into<String>) -> Self {
        Self { labels: Some(labels.into()), ..self }
    }
}

/// A column as the server describes it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Column {
    /// Its heading.
    pub name: String,
    /// `string`, `integer`, `number`, `boolean`, `date`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `name` for the object's name.
    pub format: String,
    /// What it says.
    pub description: String,
    /// 0 is always shown, more only in a wide table.
    pub priority: i32,
}

/// A row.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TableRow {
    /// The object's namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The object's name.
    pub name: String,
    /// One cell a column.
    pub cells: Vec<Json>,
}

/// A piece of a table as it comes in.
#[derive(Debug, Clone, PartialEq)]
pub enum TablePart {
    /// What the table is of. First, once.
    Head {
        /// The kind.
        kind: KindInfo,
        /// The columns.
        columns: Vec<Column>,
    },
    /// More rows.
    Rows(Vec<TableRow>),
    /// The rows of this namespace (none: all rows) come again from the beginning: the server forgot where we were.
    Again {
        /// The namespace.
        namespace: Option<String>,
    },
    /// Something that a person should know, such as a namespace that may not be seen.
    Note(Text),
}

/// Where a table goes to.
#[async_trait]
pub trait TableSink: Send + Sync {
    /// Takes a piece. False: no more is wanted.
    async fn part(&self, part: TablePart) -> bool;
}

/// A whole table, by namespace and in the server's order there.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Table {
    /// The kind.
    pub kind: KindInfo,
    /// The columns.
    pub columns: Vec<Column>,
    /// The rows.
    pub rows: Vec<TableRow>,
    /// What a person should know about it.
    pub notes: Vec<Text>,
}

impl Table {
    /// Adds a piece.
    pub fn take(&mut self, part: TablePart) {
        match part {
            TablePart::Head { kind, columns } => {
                self.kind = kind;
                self.columns = columns;
            }
            TablePart::Rows(mut rows) => self.rows.append(&mut rows),
            TablePart::Again { namespace: None } => self.rows.clear(),
            TablePart::Again { namespace } => self.rows.retain(|row| row.namespace != namespace),
            TablePart::Note(note) => self.notes.push(note),
        }
    }

    /// Puts the namespaces in order; within one, the server's order stays.
    pub fn settle(&mut self) {
        self.rows.sort_by(|a, b| a.namespace.cmp(&b.namespace));
    }
}

/// Objects of one kind, without a Secret's values.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Objects {
    /// The kind.
    pub kind: KindInfo,
    /// The objects; each says its `apiVersion` and `kind`.
    pub items: Vec<Json>,
    /// Whether there are more than were asked for.
    pub more: bool,
}

/// Looks at clusters. Every answer comes within a time limit and a size limit.
///
/// Faults, besides those of reaching (`cluster_unreachable`, `cluster_timeout`, `cluster_auth`, `cluster_tls`, `clusters_locked`, those of
/// the vault): `unknown_kind`, `no_such_object` (`not_found`); `cluster_forbidden` (`denied`, with `verb`, `resource`, `namespace`,
/// `user`); `bad_request`, `invalid` (`usage`); `gone`, `cluster_answer` (`protocol`).
#[async_trait]
pub trait Kube: Send + Sync + std::fmt::Debug {
    /// The kinds that a cluster serves. Kept for some minutes.
    async fn kinds(&self, cluster: &ClusterDef) -> Result<std::sync::Arc<Kinds>, Fault>;
    /// The kind that a person means; the cluster is asked anew when it is not among those that are kept.
    async fn kind(&self, cluster: &ClusterDef, named: &str) -> Result<KindInfo, Fault>;
    /// A table as the server draws it, piece by piece.
    async fn table_into(&self, cluster: &ClusterDef, query: &LookFor, sink: &dyn TableSink) -> Result<(), Fault>;
    /// Whole objects.
    async fn objects(&self, cluster: &ClusterDef, query: &LookFor) -> Result<Objects, Fault>;
    /// One whole object; `namespace` none for the cluster's usual one.
    async fn object(&self, cluster: &ClusterDef, kind: &KindInfo, namespace: Option<&str>, name: &str) -> Result<Json, Fault>;
    /// Lines of logs, as they come in. Ends with the last line, or when the sink wants no more; while it follows, a connection that is cut
    /// is taken up again where it was, with no line twice.
    ///
    /// Faults further: `no_such_container`, `no_pods` (`not_found`); `no_selector`, `too_many_logs` (`usage`); `node_unreachable`.
    async fn logs(&self, cluster: &ClusterDef, query: &LogQuery, sink: &dyn LogSink) -> Result<(), Fault>;
    /// What is there, and then what changes, until the sink wants no more or the future is dropped. A connection that is cut is taken up
    /// again where it was, after pauses that grow; what the server no longer remembers is told anew. Not to be reached at all at the
    /// beginning is a fault, later it is `Stale`; leave that is taken away is a fault at any time.
    async fn watch(&self, cluster: &ClusterDef, query: &WatchFor, sink: &dyn WatchSink) -> Result<(), Fault>;
    /// Where these objects stand now, for a watch that begins there. Who asks for it, lists, and then watches from it misses nothing.
    async fn place(&self, cluster: &ClusterDef, query: &LookFor) -> Result<String, Fault>;
    /// How many objects there are: asks for one of them and for how many more there would be.
    async fn count(&self, cluster: &ClusterDef, query: &LookFor) -> Result<Count, Fault>;
    /// Whether we may do something there.
    async fn may(&self, cluster: &ClusterDef, access: &Access) -> Result<Permission, Fault>;

    /// What happened, newest last.
    async fn events(&self, cluster: &ClusterDef, query: &EventQuery) -> Result<Vec<EventRow>, Fault> {
        let mut look = LookFor { scope: query.scope.clone(), ..LookFor::kind("events.v1") };
        let mut fields = Vec::new();
        if let Some((kind, name)) = &query.about {
            let kind = self.kind(cluster, kind).await?;
            fields.push(format!("involvedObject.kind={},involvedObject.name={name}", kind.kind));
            if !kind.namespaced {
                look.scope = Some(Scope::All);
            }
        }
        if let [only] = query.types.as_slice() {
            fields.push(format!("type={only}"));
        }
        look.fields = Some(fields.join(",")).filter(|fields| !fields.is_empty());
        let mut rows: Vec<EventRow> = self.objects(cluster, &look).await?.items.iter().map(EventRow::of).collect();
        rows.retain(|row| query.types.is_empty() || query.types.contains(&row.kind));
        rows.sort_by(|a, b| a.last_at.cmp(&b.last_at));
        Ok(rows)
    }

    /// What is used now, as the cluster measures it. Fault further: `no_metrics` (`config`).
    async fn usage(&self, cluster: &ClusterDef, of: &UsageOf) -> Result<Vec<Usage>, Fault> {
        let look = match of {
            UsageOf::Nodes => LookFor::kind("nodes.metrics.k8s.io"),
            UsageOf::Pods { scope, labels } => {
                LookFor { scope: scope.clone(), labels: labels.clone(), ..LookFor::kind("pods.metrics.k8s.io") }
            }
        };
        match self.objects(cluster, &look).await {
            Ok(found) => Ok(found.items.iter().map(Usage::of).collect()),
            Err(fault) if matches!(fault.code.as_str(), "unknown_kind" | "not_served") => Err(no_metrics(cluster)),
            Err(fault) => Err(fault),
        }
    }

    /// A whole table.
    async fn table(&self, cluster: &ClusterDef, query: &LookFor) -> Result<Table, Fault> {
        let whole = Whole::default();
        self.table_into(cluster, query, &whole).await?;
        let mut table = whole.0.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        table.settle();
        Ok(table)
    }
}

fn no_metrics(cluster: &ClusterDef) -> Fault {
    let name = &cluster.name;
    Fault::new(
        FaultKind::Config,
        "no_metrics",
        Text::new(
            format!("the cluster {name} does not measure what is used: it serves no metrics.k8s.io"),
            format!("集群 {name} 不提供用量数据：没有 metrics.k8s.io"),
        ),
        Text::new("Install metrics-server there, then try again.", "请在集群中安装 metrics-server 后重试。"),
    )
    .with_params(json!({ "cluster": name }))
}

#[derive(Default)]
struct Whole(std::sync::Mutex<Table>);

#[async_trait]
impl TableSink for Whole {
    async fn part(&self, part: TablePart) -> bool {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take(part);
        true
    }
}

/// The cluster of that id or name. Fault: `no_such_cluster`.
pub fn find_cluster<'d>(all: &'d [ClusterDef], named: &str) -> Result<&'d ClusterDef, Fault> {
    let found = all.iter().find(|def| def.id.as_str() == named).or_else(|| all.iter().find(|def| def.name == named));
    found.ok_or_else(|| {
        Fault::new(
            FaultKind::NotFound,
            "no_such_cluster",
            Text::new(format!("there is no cluster \"{named}\""), format!("没有名为“{named}”的集群")),
            Text::new("see `pilot cluster list`", "参见 `pilot cluster list`"),
        )
        .with_params(json!({ "cluster": named, "known": all.iter().map(|def| &def.name).collect::<Vec<_>>() }))
    })
}

/// The cluster that is meant: the one of that id or name, or the only one there is.
pub fn choose(all: &[ClusterDef], named: Option<&str>) -> Result<ClusterDef, Fault> {
    let names = || all.iter().map(|def| def.name.as_str()).collect::<Vec<_>>().join(", ");
    match (named.filter(|named| !named.is_empty()), all) {
        (Some(named), _) => find_cluster(all, named).cloned(),
        (None, [only]) => Ok(only.clone()),
        (None, []) => Err(Fault::new(
            FaultKind::Config,
            "no_clusters",
            Text::new("there is no cluster to look at", "没有可查看的集群"),
            Text::new("Import a kubeconfig first: pilot cluster import", "请先导入 kubeconfig：pilot cluster import"),
        )),
        (None, _) => Err(Fault::new(
            FaultKind::Usage,
            "which_cluster",
            Text::new(
                format!("there are {} clusters, and none was named: {}", all.len(), names()),
                format!("共有 {} 个集群，但未指定：{}", all.len(), names()),
            ),
            Text::new("Name one of them (--cluster, or the parameter `cluster`).", "请指定其中之一（--cluster 或参数 `cluster`）。"),
        )
        .with_params(json!({ "known": all.iter().map(|def| json!({ "id": def.id, "name": def.name })).collect::<Vec<_>>() }))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(group: &str, version: &str, kind: &str, plural: &str, short: &[&str]) -> KindInfo {
        KindInfo {
            group: group.into(),
            version: version.into(),
            kind: kind.into(),
            plural: plural.into(),
            singular: kind.to_ascii_lowercase(),
            short_names: short.iter().map(|short| (*short).to_owned()).collect(),
            namespaced: true,
            ..KindInfo::default()
        }
    }

    #[test]
    fn a_kind_is_found_however_a_person_names_it() {
        let kinds = Kinds {
            kinds: vec![
                kind("", "v1", "Pod", "pods", &["po"]),
                kind("", "v1", "Event", "events", &["ev"]),
                kind("apps", "v1", "Deployment", "deployments", &["deploy"]),
                kind("events.k8s.io", "v1", "Event", "events", &["ev"]),
                kind("example.org", "v2", "Po", "pos", &["deploy"]),
                kind("example.org", "v1", "Po", "pos", &[]),
            ],
            missing: vec![],
        };
        let found = |named: &str| kinds.find(named).map(|kind| format!("{} {}", kind.api_version(), kind.kind));
        for (named, expected) in [
            ("pods", "v1 Pod"),
            ("Pod", "v1 Pod"),
            ("POD", "v1 Pod"),
            ("pods.v1", "v1 Pod"),
            ("pods.v1.", "v1 Pod"),
            ("deploy", "apps/v1 Deployment"),
            ("deployments.apps", "apps/v1 Deployment"),
            ("deployments.v1.apps", "apps/v1 Deployment"),
            ("Deployment.apps", "apps/v1 Deployment"),
            ("deploy.apps", "apps/v1 Deployment"),
            ("events", "v1 Event"),
            ("events.events.k8s.io", "events.k8s.io/v1 Event"),
            ("ev.v1.events.k8s.io", "events.k8s.io/v1 Event"),
            // A kind's whole name goes before another's short name.
            ("po", "example.org/v2 Po"),
            ("pos.v1.example.org", "example.org/v1 Po"),
        ] {
            assert_eq!(found(named).as_deref(), Some(expected), "{named}");
        }
        for named in ["", "pod.apps", "deployments.v2.apps", "x", "deployments.apps.v1"] {
            assert_eq!(found(named), None, "{named}");
        }
        assert_eq!(kinds.of("example.org/v1", "Po").unwrap().version, "v1");
    }

    #[test]
    fn a_name_cannot_become_another_path() {
        let pods = kind("", "v1", "Pod", "pods", &[]);
        assert_eq!(pods.path(Some("a"), Some("b")), "/api/v1/namespaces/a/pods/b");
        assert_eq!(pods.path(Some("../x"), Some("b/../../secrets?x#y")), "/api/v1/namespaces/..%2Fx/pods/b%2F..%2F..%2Fsecrets%3Fx%23y");
        assert_eq!(pods.path(Some(".."), None), "/api/v1/namespaces/%2E%2E/pods");
        let roles = KindInfo { namespaced: false, ..kind("rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles", &[]) };
        assert_eq!(roles.path(Some("a"), Some("system:node")), "/apis/rbac.authorization.k8s.io/v1/clusterroles/system:node");
    }

    #[test]
    fn the_only_cluster_is_meant_when_none_is_named() {
        let def = |id: &str, name: &str| -> ClusterDef {
            serde_json::from_value(json!({
                "id": id, "name": name, "server": "https://x", "insecure": false, "auth": { "kind": "anonymous" },
                "readOnly": false, "createdAt": 0, "updatedAt": 0,
            }))
            .unwrap()
        };
        let two = [def("1", "b"), def("2", "1")];
        assert_eq!(choose(&two[..1], None).unwrap().name, "b");
        assert_eq!(choose(&two, Some("1")).unwrap().name, "b", "an id goes before a name");
        assert_eq!(choose(&two, Some("b")).unwrap().id.as_str(), "1");
        assert_eq!(choose(&two, None).unwrap_err().code, "which_cluster");
        assert!(choose(&two, None).unwrap_err().message.en.contains("b, 1"));
        assert_eq!(choose(&two, Some("c")).unwrap_err().code, "no_such_cluster");
        assert_eq!(choose(&[], None).unwrap_err().code, "no_clusters");
    }

    #[test]
    fn a_table_that_begins_again_holds_nothing_twice() {
        let row = |namespace: &str, name: &str| TableRow { namespace: Some(namespace.into()), name: name.into(), cells: vec![] };
        let mut table = Table::default();
        table.take(TablePart::Rows(vec![row("b", "1"), row("a", "2")]));
        table.take(TablePart::Again { namespace: Some("b".into()) });
        table.take(TablePart::Rows(vec![row("b", "3"), row("a", "1")]));
        table.settle();
        let seen: Vec<_> = table.rows.iter().map(|row| format!("{}/{}", row.namespace.as_deref().unwrap(), row.name)).collect();
        assert_eq!(seen, ["a/2", "a/1", "b/3"]);
        table.take(TablePart::Again { namespace: None });
        assert!(table.rows.is_empty());
    }
}
