//! What a cluster holds: its kinds, tables as its server draws them, single objects.
//!
//! **Invariant:** the values of Secrets were masked before anything becomes a type of this file.

use domain::kube::{Column, Count, KindInfo, Kinds, MissingKinds, ObjectName, TablePart, TableRow, WatchPart};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::common::{UiFault, Words};

/// Asks which kinds a cluster serves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct KubeKindsReq {
    /// The cluster's id.
    pub cluster: String,
    /// Names this question, so that it can be given up.
    pub ask: String,
}

/// The kinds that a cluster serves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct KubeKindsView {
    /// All that are known, in the server's order.
    pub kinds: Vec<KubeKindView>,
    /// Groups that the server names and could not tell of.
    pub missing: Vec<KubeMissingView>,
}

impl From<&Kinds> for KubeKindsView {
    fn from(kinds: &Kinds) -> Self {
        Self { kinds: kinds.kinds.iter().map(Into::into).collect(), missing: kinds.missing.iter().map(Into::into).collect() }
    }
}

/// A kind, in one version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct KubeKindView {
    /// As one asks for it: `pods`, `deployments.apps`.
    pub name: String,
    /// `Deployment`.
    pub kind: String,
    /// Its group; empty for the core.
    pub group: String,
    /// `apps/v1`.
    pub api_version: String,
    /// `deploy`.
    pub short_names: Vec<String>,
    /// Whether its objects are in namespaces.
    pub namespaced: bool,
    /// Whether it can be listed at all.
    pub listed: bool,
    /// Whether its objects can be changed at all.
    pub patched: bool,
}

impl From<&KindInfo> for KubeKindView {
    fn from(kind: &KindInfo) -> Self {
        Self {
            name: kind.full_name(),
            kind: kind.kind.clone(),
            group: kind.group.clone(),
            api_version: kind.api_version(),
            short_names: kind.short_names.clone(),
            namespaced: kind.namespaced,
            listed: kind.can("list"),
            patched: kind.can("patch"),
        }
    }
}

/// A group that could not be told of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct KubeMissingView {
    /// `metrics.k8s.io/v1beta1`.
    pub api_version: String,
    /// Why.
    pub why: Words,
}

impl From<&MissingKinds> for KubeMissingView {
    fn from(missing: &MissingKinds) -> Self {
        Self { api_version: missing.api_version.clone(), why: missing.why.clone().into() }
    }
}

/// Asks for a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct KubeTableReq {
    /// The cluster's id.
    pub cluster: String,
    /// The kind, as in [`KubeKindView::name`].
    pub kind: String,
    /// Where; everywhere when none is named. Of no matter for a kind without namespaces.
    pub namespace: Option<String>,
    /// A field selector.
    pub fields: Option<String>,
    /// A label selector.
    #[serde(default)]
    #[ts(optional = nullable)]
    pub labels: Option<String>,
    /// Names this question, so that it can be given up.
    pub ask: String,
}

/// A piece of a table, as it comes in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case", tag = "part")]
pub enum KubeTablePart {
    /// What the table is of. First, once.
    Head {
        /// The kind.
        kind: KubeKindView,
        /// The columns.
        columns: Vec<KubeColumnView>,
    },
    /// More rows.
    Rows {
        /// The rows.
        rows: Vec<KubeRowView>,
    },
    /// The rows of this namespace (none: all rows) come again from the beginning.
    Again {
        /// The namespace.
        namespace: Option<String>,
    },
    /// Something that a person should know, such as a namespace that may not be seen.
    Note {
        /// What.
        note: Words,
    },
}

impl From<TablePart> for KubeTablePart {
    fn from(part: TablePart) -> Self {
        match part {
            TablePart::Head { kind, columns } => {
                Self::Head { kind: (&kind).into(), columns: columns.into_iter().map(Into::into).collect() }
            }
            TablePart::Rows(rows) => Self::Rows { rows: rows.into_iter().map(Into::into).collect() },
            TablePart::Again { namespace } => Self::Again { namespace },
            TablePart::Note(note) => Self::Note { note: note.into() },
        }
    }
}

/// A table was told to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct KubeTableRes {
    /// How many pieces there were: the last of them may come in after this answer.
    pub parts: u32,
    /// Where a watch goes on from; none when the cluster does not say.
    pub place: Option<String>,
}

/// Asks for what changes in a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct KubeWatchReq {
    /// The cluster's id.
    pub cluster: String,
    /// The kind, as in [`KubeKindView::name`].
    pub kind: String,
    /// Where; everywhere when none is named. Of no matter for a kind without namespaces.
    pub namespace: Option<String>,
    /// A field selector.
    pub fields: Option<String>,
    /// Where to go on from, as in [`KubeTableRes::place`]; none: everything is told first.
    pub place: Option<String>,
    /// Names this question, so that it can be ended.
    pub ask: String,
}

/// A piece of what changes, gathered for 50 ms.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case", tag = "part")]
pub enum KubeWatchPart {
    /// What the table is of. Again when its columns became others.
    Head {
        /// The kind.
        kind: KubeKindView,
        /// The columns.
        columns: Vec<KubeColumnView>,
    },
    /// All rows come again from the beginning, until `live`.
    Anew,
    /// These rows are there, as they are now.
    Rows {
        /// The rows.
        rows: Vec<KubeRowView>,
    },
    /// These are there no more.
    Gone {
        /// Which.
        names: Vec<KubeNameView>,
    },
    /// From here rows are told as they change.
    Live,
    /// The connection was cut; it is tried again until `live`.
    Stale {
        /// Since when.
        since: i64,
        /// Why.
        why: UiFault,
    },
    /// Something that a person should know.
    Note {
        /// What.
        note: Words,
    },
}

impl KubeWatchPart {
    /// Of a piece. None for whole objects: no window asks for them.
    pub fn of(part: WatchPart) -> Option<Self> {
        Some(match part {
            WatchPart::Head { kind, columns } => {
                Self::Head { kind: (&kind).into(), columns: columns.into_iter().map(Into::into).collect() }
            }
            WatchPart::Anew => Self::Anew,
            WatchPart::Rows(rows) => Self::Rows { rows: rows.into_iter().map(Into::into).collect() },
            WatchPart::Gone(names) => Self::Gone { names: names.into_iter().map(Into::into).collect() },
            WatchPart::Live => Self::Live,
            WatchPart::Stale { since, why } => Self::Stale { since: since.0, why: (*why).into() },
            WatchPart::Note(note) => Self::Note { note: note.into() },
            WatchPart::Objects(_) => return None,
        })
    }
}

/// Which object of a kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct KubeNameView {
    /// Its namespace.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
}

impl From<ObjectName> for KubeNameView {
    fn from(of: ObjectName) -> Self {
        Self { namespace: of.namespace, name: of.name }
    }
}

/// Asks how many objects there are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct KubeCountsReq {
    /// The cluster's id.
    pub cluster: String,
    /// The kinds, as in [`KubeKindView::name`].
    pub kinds: Vec<String>,
    /// Where; everywhere when none is named.
    pub namespace: Option<String>,
    /// Names this question, so that it can be given up.
    pub ask: String,
}

/// How many objects of a kind there are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct KubeCountView {
    /// The kind, as it was asked for.
    pub kind: String,
    /// So many; none where they may not be listed.
    pub count: Option<u64>,
    /// Whether there may be more.
    pub at_least: bool,
}

impl KubeCountView {
    /// What was found out about a kind.
    pub fn of(kind: String, count: Option<Count>) -> Self {
        Self { kind, count: count.map(|count| count.count), at_least: count.is_some_and(|count| count.at_least) }
    }
}

/// A column, as the server describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct KubeColumnView {
    /// Its heading.
    pub name: String,
    /// `string`, `integer`, `number`, `boolean`, `date`.
    pub kind: String,
    /// `name` for the object's name.
    pub format: String,
    /// What it says.
    pub description: String,
    /// 0 is always shown, more only in a wide table.
    pub priority: i32,
}

impl From<Column> for KubeColumnView {
    fn from(column: Column) -> Self {
        Self { name: column.name, kind: column.kind, format: column.format, description: column.description, priority: column.priority }
    }
}

/// A row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct KubeRowView {
    /// The object's namespace.
    pub namespace: Option<String>,
    /// The object's name.
    pub name: String,
    /// One cell a column.
    #[ts(type = "Json[]")]
    pub cells: Vec<serde_json::Value>,
}

impl From<TableRow> for KubeRowView {
    fn from(row: TableRow) -> Self {
        Self { namespace: row.namespace, name: row.name, cells: row.cells }
    }
}

/// Asks for one object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct KubeObjectReq {
    /// The cluster's id.
    pub cluster: String,
    /// The kind, as in [`KubeKindView::name`].
    pub kind: String,
    /// Where; none for a kind without namespaces.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// Names this question, so that it can be given up.
    pub ask: String,
}

/// An object, the values of a Secret masked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct KubeObjectView {
    /// The object.
    #[ts(type = "Json")]
    pub object: serde_json::Value,
    /// The same as YAML.
    pub yaml: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_goes_by_the_name_that_finds_it_again() {
        let kind = |group: &str, version: &str, kind: &str, plural: &str, verbs: &[&str]| KindInfo {
            group: group.into(),
            version: version.into(),
            kind: kind.into(),
            plural: plural.into(),
            singular: kind.to_ascii_lowercase(),
            verbs: verbs.iter().map(|&verb| verb.to_owned()).collect(),
            ..KindInfo::default()
        };
        let kinds = Kinds {
            kinds: vec![
                kind("", "v1", "Pod", "pods", &["get", "list"]),
                kind("apps", "v1", "Deployment", "deployments", &["get", "list"]),
                kind("example.org", "v1", "Pod", "pods", &["get"]),
            ],
            missing: Vec::new(),
        };
        for (view, kind) in KubeKindsView::from(&kinds).kinds.iter().zip(&kinds.kinds) {
            assert_eq!(kinds.find(&view.name), Some(kind), "{}", view.name);
            assert_eq!((view.listed, view.patched), (kind.can("list"), kind.can("patch")));
        }
    }
}
