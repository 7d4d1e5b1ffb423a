//! Watches: what is there, and then what changes.

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{Column, KindInfo, LookFor, TableRow};
use crate::Json;
use crate::fault::Fault;
use crate::id::Millis;
use crate::text::Text;

/// In what shape things are told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Shape {
    /// As rows of the server's own table.
    #[default]
    Rows,
    /// As objects with nothing but their metadata.
    Metadata,
    /// As whole objects.
    Objects,
}

/// What is watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchFor {
    /// Which objects. `most` is of no matter.
    pub look: LookFor,
    /// In what shape.
    pub shape: Shape,
    /// Where to begin, as [`super::Kube::place`] gave it: then what is there is not told, only what changed since. None: all of it is told.
    pub from: Option<String>,
    /// How long changes are gathered before they are told together. Of what changed several times meanwhile the last is told.
    pub gather: Duration,
}

impl WatchFor {
    /// Rows of these objects, gathered for 50 ms.
    pub fn rows(look: LookFor) -> Self {
        Self { look, shape: Shape::Rows, from: None, gather: Duration::from_millis(50) }
    }

    /// The same in another shape.
    #[must_use]
    pub fn shaped(self, shape: Shape) -> Self {
        Self { shape, ..self }
    }

    /// The same from there on.
    #[must_use]
    pub fn since(self, place: Option<String>) -> Self {
        Self { from: place, ..self }
    }

    /// The same, gathered for another time.
    #[must_use]
    pub fn gathered(self, gather: Duration) -> Self {
        Self { gather, ..self }
    }
}

/// Which object of a kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectName {
    /// Its namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
}

impl ObjectName {
    /// Of a row.
    pub fn of_row(row: &TableRow) -> Self {
        Self { namespace: row.namespace.clone(), name: row.name.clone() }
    }

    /// Of an object.
    pub fn of(object: &Json) -> Self {
        let text = |path: &str| object.pointer(path).and_then(Json::as_str).map(str::to_owned);
        Self { namespace: text("/metadata/namespace"), name: text("/metadata/name").unwrap_or_default() }
    }
}

/// A piece of what is told. First `Head`; then `Anew`, what is there, `Live`, and from there what changes.
#[derive(Debug, Clone, PartialEq)]
pub enum WatchPart {
    /// What is watched; with its columns where rows are told. Again when the columns became others.
    Head {
        /// The kind.
        kind: KindInfo,
        /// The columns.
        columns: Vec<Column>,
    },
    /// What was told is worth nothing any more: until `Live` all that is there is told. Also at the very beginning.
    Anew,
    /// These are there, as they are now.
    Rows(Vec<TableRow>),
    /// The same as objects, without a Secret's values.
    Objects(Vec<Json>),
    /// These are there no more.
    Gone(Vec<ObjectName>),
    /// Everything was told. From here it is told as it changes.
    Live,
    /// The connection was cut; what was told may be out of date from then on. It is tried again until `Live` says that nothing was missed.
    Stale {
        /// Since when.
        since: Millis,
        /// Why.
        why: Box<Fault>,
    },
    /// Something that a person should know.
    Note(Text),
}

/// Where a watch goes to.
#[async_trait]
pub trait WatchSink: Send + Sync {
    /// Takes a piece, in its own time: nothing more is read before. Who takes so long that the server gives up is told everything anew.
    /// False: no more is wanted.
    async fn part(&self, part: WatchPart) -> bool;
}

/// How many objects there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// So many.
    pub count: u64,
    /// Whether there may be more: the server did not say how many.
    pub at_least: bool,
}
