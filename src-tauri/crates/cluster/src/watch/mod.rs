//! Watching: what is there is listed, then what changes is read from where the list stood.
//!
//! A list's place is asked for before the list itself: what changes meanwhile comes again, and once more is no harm, while nothing can fall
//! between the two. So rows can be listed the cheap way, namespace by namespace, and watched with one connection.
//!
//! **Invariant:** what is held is one line of bounded length and the changes of one moment. Nothing is read while the consumer is busy.

mod line;

use std::time::{Duration, Instant};

use async_trait::async_trait;
use domain::Json;
use domain::cluster::ClusterDef;
use domain::fault::{Fault, FaultKind};
use domain::kube::{
    Column, Count, KindInfo, LookFor, ObjectName, Scope, Shape, TablePart, TableRow, TableSink, WatchFor, WatchPart, WatchSink,
};
use domain::text::Text;
use futures::io::AsyncBufReadExt as _;
use futures::{AsyncBufRead, pin_mut};
use http::Request;
use http::header::ACCEPT;

use crate::fault::about;
use crate::gate::OBJECT;
use crate::look::{Asked, At, ClientShown, JSON, Look, PAGE, age, mask, namespace_of, objects};
use line::{Drawn, Gathered, Happened, Item, Refusal, Told};

const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
const METADATA: &str = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io,application/json";
const METADATA_LIST: &str = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json";
/// After so many seconds the server ends a watch, and it is taken up again: so a connection that is dead, and leave that was taken away, are
/// noticed within a minute.
const TERM: u64 = 50;
/// A connection over which nothing comes for so long is dead: the server would have ended it.
const SILENCE: Duration = Duration::from_secs(TERM + 15);
/// How long to wait before a watch that was cut is taken up again, at first and at most.
const PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// What held for so long was no failure.
const HELD: Duration = Duration::from_secs(5);
/// A server that has just come back may refuse what it will allow in a moment: so many refusals are not believed then.
const NOT_BELIEVED: u32 = 5;
/// So many times in a row a server may end a watch with an error before everything is listed again.
const ERRORS: u32 = 3;

/// Why an attempt ended.
enum Ended {
    /// Nobody wants more.
    Enough,
    /// The server ended it in good order.
    Term,
    /// The server does not remember the place.
    Forgotten,
    /// It was cut, or could not be opened.
    Cut(Box<Fault>),
}

/// How it stands with one watch.
struct Standing<'a> {
    cluster: &'a ClusterDef,
    query: &'a WatchFor,
    look_for: LookFor,
    sink: &'a dyn WatchSink,
    kind: KindInfo,
    columns: Option<Vec<Column>>,
    /// A head that has to be told before anything else.
    head: Option<WatchPart>,
    /// Where to go on; none: everything is listed anew.
    place: Option<String>,
    /// Whether `Live` has to be said once it holds.
    owes_live: bool,
    errors: u32,
}

impl Look {
    pub(crate) async fn watch_of(&self, cluster: &ClusterDef, query: &WatchFor, sink: &dyn WatchSink) -> Result<(), Fault> {
        let client = ClientShown(self.reach().client(cluster).await?);
        let kind = self.kind_of(&At { cluster, client: &client }, &query.look.kind).await?;
        if !kind.can("watch") || !kind.can("list") {
            return Err(not_watched(cluster, &kind));
        }
        let mut look_for = LookFor { most: None, ..query.look.clone() };
        if let Some(name) = look_for.name.take() {
            let one = format!("metadata.name={name}");
            look_for.fields = Some(look_for.fields.map_or(one.clone(), |fields| format!("{fields},{one}")));
        }
        let mut standing = Standing {
            cluster,
            query,
            look_for,
            sink,
            kind,
            columns: None,
            head: None,
            place: query.from.clone(),
            owes_live: true,
            errors: 0,
        };
        let (mut lived, mut stale, mut unbelieved, mut pause, mut cut_at) = (false, false, 0, PAUSE, None);
        loop {
            let from = Instant::now();
            let ended = self.attempt(&mut standing).await;
            let held = from.elapsed() >= HELD;
            if !standing.owes_live {
                (lived, stale, unbelieved) = (true, false, 0);
            }
            let failed = match ended {
                Ok(Ended::Enough) => return Ok(()),
                Ok(Ended::Term) => None,
                Ok(Ended::Forgotten) => {
                    standing.place = None;
                    None
                }
                // Most cuts are over at once: only when it cannot be taken up again it is said.
                Ok(Ended::Cut(_)) if held && lived => {
                    cut_at = Some(self.now());
                    None
                }
                Err(fault) if fault.code == "gone" && standing.errors < ERRORS => {
                    standing.errors += 1;
                    standing.place = None;
                    None
                }
                Ok(Ended::Cut(fault)) => Some(*fault),
                Err(fault) => Some(fault),
            };
            if let Some(fault) = failed {
                let passing = matches!(fault.kind, FaultKind::Unreachable | FaultKind::Timeout);
                let doubtful = stale && unbelieved < NOT_BELIEVED && matches!(fault.code.as_str(), "cluster_forbidden" | "not_served");
                unbelieved += u32::from(doubtful);
                if !lived || !(passing || doubtful) {
                    return Err(fault);
                }
                tracing::debug!(cluster = cluster.name, kind = standing.kind.plural, code = fault.code, "a watch was cut");
                if !std::mem::replace(&mut stale, true) {
                    standing.owes_live = true;
                    let since = cut_at.take().unwrap_or_else(|| self.now());
                    if !sink.part(WatchPart::Stale { since, why: Box::new(fault) }).await {
                        return Ok(());
                    }
                }
            } else if held {
                pause = PAUSE;
                continue;
            }
            tokio::time::sleep(pause.mul_f64(rand::random_range(0.5..1.5))).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Lists if there is no place, then reads until the watch ends.
    async fn attempt(&self, standing: &mut Standing<'_>) -> Result<Ended, Fault> {
        let client = ClientShown(self.reach().client(standing.cluster).await?);
        let at = At { cluster: standing.cluster, client: &client };
        if standing.place.is_none() {
            standing.owes_live = true;
            if !standing.sink.part(WatchPart::Anew).await {
                return Ok(Ended::Enough);
            }
            let listed = match standing.query.shape {
                Shape::Rows => self.list_rows(&at, standing).await?,
                Shape::Metadata | Shape::Objects => self.list_objects(&at, standing).await?,
            };
            match listed {
                Some(place) => standing.place = Some(place),
                None => return Ok(Ended::Enough),
            }
        }
        match standing.query.shape {
            Shape::Rows => self.read_on::<Drawn>(&at, standing).await,
            Shape::Metadata | Shape::Objects => self.read_on::<Json>(&at, standing).await,
        }
    }

    /// Tells the rows that are there. The place, or none when no more is wanted.
    async fn list_rows(&self, at: &At<'_>, standing: &mut Standing<'_>) -> Result<Option<String>, Fault> {
        let namespace = namespace_of(at.cluster, &standing.kind, standing.look_for.scope.as_ref());
        let asked = Asked::of("list", &standing.kind, namespace, None);
        let place = self.first(at, &standing.kind, &standing.look_for, &asked).await?.0;
        let out = Rows { sink: standing.sink, columns: tokio::sync::Mutex::new((standing.columns.take(), true)) };
        self.table_of(at, &standing.look_for, &out).await?;
        let (columns, more) = out.columns.into_inner();
        standing.columns = columns;
        Ok(more.then_some(place))
    }

    /// The same with objects.
    async fn list_objects(&self, at: &At<'_>, standing: &mut Standing<'_>) -> Result<Option<String>, Fault> {
        if standing.columns.is_none() {
            standing.columns = Some(Vec::new());
            let head = WatchPart::Head { kind: standing.kind.clone(), columns: Vec::new() };
            if !standing.sink.part(head).await {
                return Ok(None);
            }
        }
        let namespace = namespace_of(at.cluster, &standing.kind, standing.look_for.scope.as_ref());
        let asked = Asked::of("list", &standing.kind, namespace, None);
        let accept = if standing.query.shape == Shape::Metadata { METADATA_LIST } else { JSON };
        let (mut token, mut place) = (String::new(), None);
        loop {
            let path = format!("{}?{}", standing.kind.path(namespace, None), objects::page(&standing.look_for, PAGE, &token));
            let mut answer = self.ask(at, &path, accept, &asked).await?;
            if place.is_none() {
                place = Some(place_of(&answer).ok_or_else(|| crate::fault::strange(at.cluster, &asked.what()))?);
            }
            answer.pointer("/metadata/continue").and_then(Json::as_str).unwrap_or_default().clone_into(&mut token);
            if let Some(Json::Array(items)) = answer.get_mut("items").map(Json::take) {
                let items: Vec<Json> = items.into_iter().map(|item| standing.shown(item)).collect();
                if !items.is_empty() && !standing.sink.part(WatchPart::Objects(items)).await {
                    return Ok(None);
                }
            }
            if token.is_empty() {
                return Ok(place);
            }
        }
    }

    /// Reads changes from the place on.
    async fn read_on<T: Told + Shown>(&self, at: &At<'_>, standing: &mut Standing<'_>) -> Result<Ended, Fault> {
        let kind = standing.kind.clone();
        let namespace = namespace_of(at.cluster, &kind, standing.look_for.scope.as_ref()).map(str::to_owned);
        let asked = Asked::of("watch", &kind, namespace.as_deref(), None);
        let accept = match standing.query.shape {
            Shape::Rows => TABLE,
            Shape::Metadata => METADATA,
            Shape::Objects => JSON,
        };
        let place = standing.place.clone().unwrap_or_default();
        let request = Request::get(path(standing, &kind, namespace.as_deref(), &place))
            .header(ACCEPT, accept)
            .body(Vec::new())
            .map_err(|fault| asked.fault(at.cluster, &kube::Error::HttpError(fault)))?;
        tracing::debug!(cluster = at.cluster.name, kind = kind.plural, place, "watching");
        let stream = match tokio::time::timeout(self.patience(), at.client.request_stream(request)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(fault)) => {
                let fault = asked.fault(at.cluster, &fault);
                return if fault.code == "gone" { Ok(Ended::Forgotten) } else { Err(fault) };
            }
            Err(_) => return Err(crate::fault::late(at.cluster, self.patience().as_secs())),
        };
        pin_mut!(stream);
        let mut lines = Lines { stream, held: Vec::new() };
        let mut gathered = Gathered::default();
        let mut tell_at = standing.owes_live.then(|| tokio::time::Instant::now() + standing.query.gather);
        loop {
            let wait = tell_at.unwrap_or_else(|| tokio::time::Instant::now() + SILENCE);
            let line = match tokio::time::timeout_at(wait, lines.next()).await {
                Ok(line) => line,
                Err(_) if tell_at.is_some() => {
                    tell_at = None;
                    if !standing.tell(&mut gathered).await {
                        return Ok(Ended::Enough);
                    }
                    continue;
                }
                Err(_) => return Ok(Ended::Cut(Box::new(crate::fault::late(at.cluster, SILENCE.as_secs())))),
            };
            let line = match line {
                Ok(Some(line)) => line,
                ended => {
                    if !gathered.is_empty() && !standing.tell(&mut gathered).await {
                        return Ok(Ended::Enough);
                    }
                    return Ok(match ended {
                        Err(fault) => Ended::Cut(Box::new(crate::fault::of(at.cluster, &kube::Error::Service(Box::new(fault))))),
                        Ok(_) => Ended::Term,
                    });
                }
            };
            let Some(happened) = line::read::<T>(&line) else {
                return Ok(Ended::Cut(Box::new(crate::fault::strange(at.cluster, &asked.what()))));
            };
            let (seen, here) = match happened {
                Happened::Here(seen) => (seen, true),
                Happened::Gone(seen) => (seen, false),
                Happened::Bookmark(seen) => {
                    standing.move_on(&seen);
                    continue;
                }
                Happened::Refused(refusal) => {
                    if !gathered.is_empty() && !standing.tell(&mut gathered).await {
                        return Ok(Ended::Enough);
                    }
                    return Ok(standing.refused(at, &asked, &refusal));
                }
            };
            standing.move_on(&seen);
            for (name, item) in seen.items(self, standing, namespace.as_deref()) {
                gathered.add(name, here.then_some(item));
            }
            if let Some(head) = standing.head.take()
                && !standing.sink.part(head).await
            {
                return Ok(Ended::Enough);
            }
            // Lines that come one after the other leave the clock no turn.
            if gathered.is_full() || tell_at.is_some_and(|at| at <= tokio::time::Instant::now()) {
                tell_at = None;
                if !standing.tell(&mut gathered).await {
                    return Ok(Ended::Enough);
                }
            } else if tell_at.is_none() && !gathered.is_empty() {
                tell_at = Some(tokio::time::Instant::now() + standing.query.gather);
            }
        }
    }

    /// Asks for one object: where the list stands, and the answer.
    async fn first(&self, at: &At<'_>, kind: &KindInfo, query: &LookFor, asked: &Asked<'_>) -> Result<(String, Json), Fault> {
        let path = format!("{}?{}", kind.path(asked.namespace, None), objects::page(query, 1, ""));
        let answer = self.ask(at, &path, METADATA_LIST, asked).await?;
        let place = place_of(&answer).ok_or_else(|| crate::fault::strange(at.cluster, &asked.what()))?;
        Ok((place, answer))
    }

    /// Where these objects stand now.
    pub(crate) async fn place_now(&self, at: &At<'_>, query: &LookFor) -> Result<String, Fault> {
        let kind = self.kind_of(at, &query.kind).await?;
        let namespace = namespace_of(at.cluster, &kind, query.scope.as_ref());
        Ok(self.first(at, &kind, query, &Asked::of("list", &kind, namespace, None)).await?.0)
    }

    /// How many there are.
    pub(crate) async fn count_of(&self, at: &At<'_>, query: &LookFor) -> Result<Count, Fault> {
        let kind = self.kind_of(at, &query.kind).await?;
        let namespace = namespace_of(at.cluster, &kind, query.scope.as_ref());
        let asked = Asked::of("list", &kind, namespace, None);
        let path = format!("{}?{}", kind.path(namespace, None), objects::page(query, 1, ""));
        let answer = self.ask(at, &path, METADATA_LIST, &asked).await?;
        let here = answer.get("items").and_then(Json::as_array).map_or(0, Vec::len) as u64;
        let left = answer.pointer("/metadata/remainingItemCount").and_then(Json::as_u64);
        let more = answer.pointer("/metadata/continue").and_then(Json::as_str).is_some_and(|token| !token.is_empty());
        Ok(Count { count: here + left.unwrap_or(0), at_least: more && left.is_none() })
    }
}

impl Standing<'_> {
    /// An object as it may be shown. One of a list, or one with nothing but its metadata, does not say what it is.
    fn shown(&self, mut item: Json) -> Json {
        if let Some(object) = item.as_object_mut() {
            object.insert("apiVersion".into(), self.kind.api_version().into());
            object.insert("kind".into(), self.kind.kind.as_str().into());
        }
        mask(&mut item, self.look_for.managed_fields);
        item
    }

    /// Tells what was gathered; whether more is wanted.
    async fn tell(&mut self, gathered: &mut Gathered) -> bool {
        for part in gathered.take() {
            if !self.sink.part(part).await {
                return false;
            }
        }
        self.errors = 0;
        !std::mem::take(&mut self.owes_live) || self.sink.part(WatchPart::Live).await
    }

    fn move_on(&mut self, seen: &impl Told) {
        if !seen.resource_version().is_empty() {
            self.place = Some(seen.resource_version().to_owned());
        }
    }

    fn refused(&mut self, at: &At<'_>, asked: &Asked<'_>, refusal: &Refusal) -> Ended {
        self.errors += 1;
        if refusal.is_forgotten() {
            return Ended::Forgotten;
        }
        if self.errors >= ERRORS {
            self.place = None;
        }
        let status = kube::core::Status::failure(&refusal.message, &refusal.reason).with_code(refusal.code.max(400));
        Ended::Cut(Box::new(asked.fault(at.cluster, &kube::Error::Api(status.boxed()))))
    }

    /// The head, when these columns are not those that were told.
    fn new_head(&mut self, columns: Vec<Column>) {
        if !columns.is_empty() && self.columns.as_ref() != Some(&columns) {
            self.columns = Some(columns.clone());
            self.head = Some(WatchPart::Head { kind: self.kind.clone(), columns });
        }
    }
}

/// What a line's object is to a consumer.
trait Shown {
    fn items(self, look: &Look, standing: &mut Standing<'_>, namespace: Option<&str>) -> Vec<(ObjectName, Item)>;
}

impl Shown for Json {
    fn items(self, _: &Look, standing: &mut Standing<'_>, _: Option<&str>) -> Vec<(ObjectName, Item)> {
        let object = standing.shown(self);
        vec![(ObjectName::of(&object), Item::Object(object))]
    }
}

impl Shown for Drawn {
    fn items(self, look: &Look, standing: &mut Standing<'_>, namespace: Option<&str>) -> Vec<(ObjectName, Item)> {
        let row = |name: String, own: Option<String>, cells: Vec<Json>| {
            let row = TableRow { namespace: own.or_else(|| namespace.map(str::to_owned)), name, cells };
            (ObjectName::of_row(&row), Item::Row(row))
        };
        if self.kind != "Table" {
            // A server that draws no tables: name and age.
            let made = self.metadata.creation_timestamp.as_deref().and_then(|at| at.parse::<jiff::Timestamp>().ok());
            let old = made.map_or_else(|| "<unknown>".to_owned(), |made| age(look.now().0 - made.as_millisecond()));
            let cells = vec![Json::from(self.metadata.name.as_str()), Json::from(old)];
            return vec![row(self.metadata.name, self.metadata.namespace, cells)];
        }
        standing.new_head(self.column_definitions);
        let columns = standing.columns.as_deref().unwrap_or_default();
        let naming =
            columns.iter().position(|column| column.format == "name").or_else(|| columns.iter().position(|column| column.name == "Name"));
        let rows = self.rows.into_iter().filter_map(|drawn| {
            let cells = drawn.cells;
            match drawn.object.map(|object| object.metadata).filter(|meta| !meta.name.is_empty()) {
                Some(meta) => Some(row(meta.name, meta.namespace, cells)),
                None => Some(row(cells.get(naming?)?.as_str()?.to_owned(), None, cells)),
            }
        });
        rows.collect()
    }
}

/// Hands the rows of a list on as those of a watch.
struct Rows<'a> {
    sink: &'a dyn WatchSink,
    /// The columns that were told, and whether more is wanted.
    columns: tokio::sync::Mutex<(Option<Vec<Column>>, bool)>,
}

#[async_trait]
impl TableSink for Rows<'_> {
    async fn part(&self, part: TablePart) -> bool {
        let mut told = self.columns.lock().await;
        let part = match part {
            TablePart::Head { columns, .. } if told.0.as_ref() == Some(&columns) => return told.1,
            TablePart::Head { kind, columns } => {
                told.0 = Some(columns.clone());
                WatchPart::Head { kind, columns }
            }
            // A row that comes twice is one row, and one that went meanwhile is told by the watch.
            TablePart::Again { .. } => return told.1,
            TablePart::Rows(rows) => WatchPart::Rows(rows),
            TablePart::Note(note) => WatchPart::Note(note),
        };
        told.1 = told.1 && self.sink.part(part).await;
        told.1
    }
}

/// Lines of bounded length.
struct Lines<R> {
    stream: R,
    held: Vec<u8>,
}

impl<R: AsyncBufRead + Unpin> Lines<R> {
    /// The next line; none at the end. Given up in between, nothing is lost.
    async fn next(&mut self) -> std::io::Result<Option<Vec<u8>>> {
        loop {
            let held = self.stream.fill_buf().await?;
            if held.is_empty() {
                // A line that was not ended is worth nothing.
                return Ok(None);
            }
            let end = held.iter().position(|byte| *byte == b'\n');
            let take = end.unwrap_or(held.len());
            if self.held.len() + take > OBJECT {
                return Err(std::io::Error::other("a line is too long"));
            }
            self.held.extend_from_slice(&held[..take]);
            self.stream.consume_unpin(take + usize::from(end.is_some()));
            if end.is_some() && !self.held.is_empty() {
                return Ok(Some(std::mem::take(&mut self.held)));
            }
        }
    }
}

fn place_of(list: &Json) -> Option<String> {
    list.pointer("/metadata/resourceVersion").and_then(Json::as_str).filter(|place| !place.is_empty()).map(str::to_owned)
}

fn path(standing: &Standing<'_>, kind: &KindInfo, namespace: Option<&str>, place: &str) -> String {
    let include = match standing.query.shape {
        // A row without an object does not say its namespace.
        Shape::Rows if kind.namespaced && standing.look_for.scope == Some(Scope::All) => "&includeObject=Metadata",
        Shape::Rows => "&includeObject=None",
        Shape::Metadata | Shape::Objects => "",
    };
    let selected = objects::page(&standing.look_for, 0, "");
    let selected = selected.strip_prefix("limit=0").unwrap_or_default();
    format!(
        "{}?watch=1&allowWatchBookmarks=true&timeoutSeconds={TERM}&resourceVersion={place}{include}{selected}",
        kind.path(namespace, None)
    )
}

fn not_watched(cluster: &ClusterDef, kind: &KindInfo) -> Fault {
    let (name, what) = (&cluster.name, kind.full_name());
    about(
        cluster,
        FaultKind::Usage,
        "not_watched",
        Text::new(
            format!("{what} cannot be watched: the cluster {name} does not offer it"),
            format!("无法监视 {what}：集群 {name} 不支持"),
        ),
        Text::new("List them instead.", "请改为列出。"),
    )
}
