//! Tables as the server draws them: a fraction of what the objects themselves cost.
//!
//! Within one namespace the rows come without any object. A row without an object does not say its namespace, so that for all of them each
//! namespace is asked by itself; where namespaces may not be listed, or are too many for that, the rows come with their metadata.

use domain::Json;
use domain::fault::Fault;
use domain::kube::{Column, KindInfo, LookFor, Scope, TablePart, TableRow, TableSink};
use domain::text::Text;
use futures::StreamExt as _;

use super::objects::page;
use super::{AT_ONCE, Asked, At, Look, PAGE, namespace_of};

/// With more namespaces than this, one question for all of them costs less.
const NAMESPACES: usize = 400;
const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
const METADATA: &str = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json";

/// Whether the sink wants more.
type More = bool;

/// Where rows of a table come from.
#[derive(Clone, Copy)]
struct Source<'a> {
    at: &'a At<'a>,
    kind: &'a KindInfo,
    query: &'a LookFor,
    namespace: Option<&'a str>,
    /// Whether each row brings its object's metadata.
    metadata: bool,
}

/// Tells the sink the head once, and no more rows than are wanted.
struct Out<'a> {
    sink: &'a dyn TableSink,
    state: tokio::sync::Mutex<(bool, usize)>,
    most: usize,
}

impl Out<'_> {
    async fn rows(&self, kind: &KindInfo, columns: Vec<Column>, mut rows: Vec<TableRow>) -> More {
        let mut state = self.state.lock().await;
        if !std::mem::replace(&mut state.0, true) && !self.sink.part(TablePart::Head { kind: kind.clone(), columns }).await {
            return false;
        }
        rows.truncate(self.most.saturating_sub(state.1));
        state.1 += rows.len();
        let more = rows.is_empty() || self.sink.part(TablePart::Rows(rows)).await;
        more && state.1 < self.most
    }

    async fn again(&self, namespace: Option<&str>, told: usize) -> More {
        let mut state = self.state.lock().await;
        state.1 = state.1.saturating_sub(told);
        self.sink.part(TablePart::Again { namespace: namespace.map(str::to_owned) }).await
    }
}

impl Look {
    pub(crate) async fn table_of(&self, at: &At<'_>, query: &LookFor, sink: &dyn TableSink) -> Result<(), Fault> {
        let kind = &self.kind_of(at, &query.kind).await?;
        let out = &Out { sink, state: tokio::sync::Mutex::default(), most: query.most.unwrap_or(usize::MAX) };
        let namespace = namespace_of(at.cluster, kind, query.scope.as_ref());
        let from = Source { at, kind, query, namespace, metadata: false };
        if query.scope != Some(Scope::All) || !kind.namespaced || query.name.is_some() {
            return self.rows_of(from, out).await;
        }
        let Some(namespaces) = self.namespaces(at).await else {
            return self.rows_of(Source { metadata: true, ..from }, out).await;
        };
        let mut asked = futures::stream::iter(namespaces.clone().into_iter().map(|namespace| async move {
            let came = self.rows_of(Source { namespace: Some(&namespace), ..from }, out).await;
            (namespace, came)
        }))
        .buffer_unordered(AT_ONCE);
        let (mut refused, mut seen) = (Vec::new(), 0);
        let mut first = None;
        while let Some((namespace, came)) = asked.next().await {
            match came {
                Ok(()) => seen += 1,
                Err(fault) if fault.code == "cluster_forbidden" => {
                    refused.push(namespace);
                    first.get_or_insert(fault);
                }
                Err(fault) => return Err(fault),
            }
        }
        match first {
            // Not this or that namespace: all of them were meant.
            Some(_) if seen == 0 => self.rows_of(Source { metadata: true, ..from }, out).await,
            Some(_) => {
                refused.sort_unstable();
                let names = refused.join(", ");
                let note = Text::new(
                    format!("not shown, because you may not list {} there: {names}", kind.plural),
                    format!("未显示（您无权在其中列出 {}）：{names}", kind.plural),
                );
                sink.part(TablePart::Note(note)).await;
                Ok(())
            }
            // Without a namespace there is no table that says its columns.
            None if namespaces.is_empty() => self.rows_of(Source { metadata: true, ..from }, out).await,
            None => Ok(()),
        }
    }

    /// The names of all namespaces; none when they may not be listed or are too many to be asked one by one.
    async fn namespaces(&self, at: &At<'_>) -> Option<Vec<String>> {
        let path = format!("/api/v1/namespaces?limit={NAMESPACES}");
        let asked = Asked { verb: "list", resource: "namespaces", group: "", namespace: None, name: None };
        let answer = self.ask(at, &path, METADATA, &asked).await.ok()?;
        if answer.pointer("/metadata/continue").and_then(Json::as_str).is_some_and(|token| !token.is_empty()) {
            return None;
        }
        let name = |item: &Json| item.pointer("/metadata/name").and_then(Json::as_str).map(str::to_owned);
        Some(answer.get("items")?.as_array()?.iter().filter_map(name).collect())
    }

    async fn rows_of(&self, from: Source<'_>, out: &Out<'_>) -> Result<(), Fault> {
        let Source { at, kind, query, namespace, metadata } = from;
        let include = if metadata { "Metadata" } else { "None" };
        let verb = if query.name.is_some() { "get" } else { "list" };
        let asked = Asked::of(verb, kind, namespace, query.name.as_deref());
        let (mut token, mut told, mut again) = (String::new(), 0, true);
        loop {
            let room = query.most.unwrap_or(PAGE).clamp(1, PAGE);
            let path = match &query.name {
                Some(name) => format!("{}?includeObject={include}", kind.path(namespace, Some(name))),
                None => format!("{}?includeObject={include}&{}", kind.path(namespace, None), page(query, room, &token)),
            };
            let answer = match self.ask(at, &path, TABLE, &asked).await {
                Ok(answer) => answer,
                // The token outlived what it stands for: once more from the beginning.
                Err(fault) if fault.code == "gone" && !token.is_empty() && std::mem::take(&mut again) => {
                    token.clear();
                    if !out.again(namespace, std::mem::take(&mut told)).await {
                        return Ok(());
                    }
                    continue;
                }
                Err(fault) => return Err(fault),
            };
            answer.pointer("/metadata/continue").and_then(Json::as_str).unwrap_or_default().clone_into(&mut token);
            let (columns, rows) = if answer["kind"] == "Table" {
                drawn(answer, namespace).ok_or_else(|| crate::fault::strange(at.cluster, &asked.what()))?
            } else {
                self.made_of_metadata(&answer, namespace, query.name.is_some())
                    .ok_or_else(|| crate::fault::strange(at.cluster, &asked.what()))?
            };
            told += rows.len();
            if !out.rows(kind, columns, rows).await || token.is_empty() {
                return Ok(());
            }
        }
    }

    /// Some servers behind the API server draw no tables: then name and age.
    fn made_of_metadata(&self, answer: &Json, namespace: Option<&str>, single: bool) -> Option<(Vec<Column>, Vec<TableRow>)> {
        let column =
            |name: &str, format: &str| Column { name: name.into(), kind: "string".into(), format: format.into(), ..Column::default() };
        let none = Vec::new();
        let items: Vec<&Json> = match answer.get("items") {
            Some(Json::Null) => Vec::new(),
            Some(items) => items.as_array()?.iter().collect(),
            None if single && answer.get("metadata").is_some() => vec![answer],
            None => return None,
        };
        let now = self.now();
        let rows = items.into_iter().chain(&none).filter_map(|item| {
            let metadata = item.get("metadata")?;
            let name = metadata.get("name")?.as_str()?.to_owned();
            let own = metadata.get("namespace").and_then(Json::as_str);
            let age = metadata.get("creationTimestamp").and_then(Json::as_str).and_then(|at| at.parse::<jiff::Timestamp>().ok());
            let age = age.map_or_else(|| "<unknown>".to_owned(), |at| super::age(now.0 - at.as_millisecond()));
            let cells = vec![Json::from(name.as_str()), Json::from(age)];
            Some(TableRow { namespace: own.or(namespace).map(str::to_owned), name, cells })
        });
        Some((vec![column("Name", "name"), column("Age", "")], rows.collect()))
    }
}

/// Columns and rows of the server's own table.
fn drawn(mut answer: Json, namespace: Option<&str>) -> Option<(Vec<Column>, Vec<TableRow>)> {
    let columns: Vec<Column> = serde_json::from_value(answer.get_mut("columnDefinitions")?.take()).ok()?;
    let naming =
        columns.iter().position(|column| column.format == "name").or_else(|| columns.iter().position(|column| column.name == "Name"));
    let rows = match answer.get_mut("rows").map(Json::take) {
        Some(Json::Array(rows)) => rows,
        _ => Vec::new(),
    };
    let rows = rows.into_iter().filter_map(|mut row| {
        let Json::Array(cells) = row.get_mut("cells")?.take() else { return None };
        let meta = |field: &str| row.pointer(&format!("/object/metadata/{field}")).and_then(Json::as_str).map(str::to_owned);
        let name = meta("name").or_else(|| cells.get(naming?)?.as_str().map(str::to_owned)).unwrap_or_default();
        Some(TableRow { namespace: meta("namespace").or_else(|| namespace.map(str::to_owned)), name, cells })
    });
    Some((columns, rows.collect()))
}
