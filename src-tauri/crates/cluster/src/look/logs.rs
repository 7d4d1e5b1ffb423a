//! Logs: of one container or of many at once.
//!
//! **Invariant:** what is held of a log is one line of bounded length; whoever reads slowly slows the node, not this process.

use std::time::Duration;

use domain::Json;
use domain::fault::{Fault, FaultKind};
use domain::kube::{KindInfo, LogLine, LogPart, LogQuery, LogSink, LogSource, LogTarget, LookFor, Scope, segment};
use domain::text::Text;
use futures::io::AsyncBufReadExt as _;
use futures::stream::FuturesUnordered;
use futures::{StreamExt as _, pin_mut};
use http::Request;
use jiff::Timestamp;
use serde_json::json;

use super::{Asked, At, Look, usual};
use crate::fault::about;

/// The longest piece of a line that is held.
const LINE: usize = 64 * 1024;
/// So many containers are followed at once.
const FOLLOWED: usize = 64;
/// How long to wait before a stream that was cut is taken up again, at first and at most.
const PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// So many times in a row nobody may answer before following is given up.
const ATTEMPTS: u32 = 12;

/// Why a stream of lines ended.
enum Ended {
    /// The server said so.
    Whole,
    /// Nobody wants more.
    Enough,
    /// It was cut.
    Cut(Box<Fault>),
}

/// Where in a log we are.
#[derive(Debug, Default)]
struct Place {
    last: Option<Timestamp>,
    /// How many lines there were at that very moment.
    seen: usize,
    /// How many of those come again.
    skip: usize,
    /// Whether lines from before may come again.
    catching_up: bool,
}

impl Place {
    fn resume(&mut self) {
        self.skip = self.seen;
        self.catching_up = self.last.is_some();
    }

    /// Whether a line of that moment is new.
    fn is_new(&mut self, at: Timestamp) -> bool {
        match self.last {
            Some(last) if at < last => !self.catching_up,
            Some(last) if at == last => {
                if self.skip > 0 {
                    self.skip -= 1;
                    return false;
                }
                self.seen += 1;
                true
            }
            _ => {
                *self = Self { last: Some(at), seen: 1, ..Self::default() };
                true
            }
        }
    }
}

impl Look {
    pub(crate) async fn logs_of(&self, at: &At<'_>, query: &LogQuery, sink: &dyn LogSink) -> Result<(), Fault> {
        let namespace = query.namespace.as_deref().unwrap_or_else(|| usual(at.cluster));
        let pods = self.pods_of(at, query, namespace).await?;
        let (sources, notes) = sources(at, &pods, namespace, query)?;
        if query.follow && sources.len() > FOLLOWED {
            return Err(too_many(at, sources.len()));
        }
        for note in notes {
            if !sink.part(LogPart::Note(note)).await {
                return Ok(());
            }
        }
        if !sink.part(LogPart::Sources(sources.clone())).await {
            return Ok(());
        }
        let many = sources.len() > 1;
        if !query.follow {
            let mut first = None;
            let mut read = 0;
            for source in &sources {
                let fault = match self.read(at, source, query, &mut Place::default(), sink).await {
                    Ok(Ended::Whole) => {
                        read += 1;
                        continue;
                    }
                    Ok(Ended::Enough) => return Ok(()),
                    Ok(Ended::Cut(fault)) => *fault,
                    Err(fault) => fault,
                };
                if !many {
                    return Err(fault);
                }
                sink.part(LogPart::Note(said_of(source, &fault))).await;
                first.get_or_insert(fault);
            }
            return first.filter(|_| read == 0).map_or(Ok(()), Err);
        }
        let mut running: FuturesUnordered<_> =
            sources.into_iter().map(|source| async move { (self.follow(at, &source, query, sink).await, source) }).collect();
        let (mut first, mut read) = (None, 0);
        while let Some((ended, source)) = running.next().await {
            match ended {
                Ok(true) => read += 1,
                Ok(false) => return Ok(()),
                Err(fault) if many => {
                    sink.part(LogPart::Note(said_of(&source, &fault))).await;
                    first.get_or_insert(fault);
                }
                Err(fault) => return Err(fault),
            }
        }
        first.filter(|_| read == 0).map_or(Ok(()), Err)
    }

    /// Reads until the container ended (true) or nobody wants more (false).
    async fn follow(&self, at: &At<'_>, source: &LogSource, query: &LogQuery, sink: &dyn LogSink) -> Result<bool, Fault> {
        let mut place = Place::default();
        let (mut pause, mut failed, mut begun) = (PAUSE, 0, false);
        loop {
            let before = (place.last, place.seen);
            match self.read(at, source, query, &mut place, sink).await {
                Ok(Ended::Enough) => return Ok(false),
                Ok(Ended::Whole) => {
                    begun = true;
                    failed = 0;
                    if !self.runs(at, source).await? {
                        return Ok(true);
                    }
                }
                Ok(Ended::Cut(fault)) => {
                    begun = true;
                    // A container that says nothing for a while is no news.
                    if fault.kind != FaultKind::Timeout && !sink.part(LogPart::Note(taken_up(source))).await {
                        return Ok(false);
                    }
                }
                // What was never there is a fault; what is there no more has come to its end.
                Err(fault) if begun && fault.kind == FaultKind::NotFound => return Ok(true),
                Err(fault) if !begun || !matches!(fault.kind, FaultKind::Unreachable | FaultKind::Timeout) => return Err(fault),
                Err(fault) => {
                    failed += 1;
                    if failed >= ATTEMPTS {
                        return Err(fault);
                    }
                }
            }
            if (place.last, place.seen) != before {
                (pause, failed) = (PAUSE, 0);
            }
            tracing::debug!(pod = source.pod, container = source.container, "a log is taken up again");
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
            place.resume();
        }
    }

    /// Whether the container runs now.
    async fn runs(&self, at: &At<'_>, source: &LogSource) -> Result<bool, Fault> {
        match self.object_of(at, &pod_kind(), Some(&source.namespace), &source.pod, false).await {
            Ok(pod) => Ok(statuses(&pod).any(|status| {
                status.get("name").and_then(Json::as_str) == Some(&source.container) && status.pointer("/state/running").is_some()
            })),
            Err(fault) if fault.code == "no_such_object" => Ok(false),
            // Not known: the next attempt to read will tell.
            Err(fault) if matches!(fault.kind, FaultKind::Unreachable | FaultKind::Timeout) => Ok(true),
            Err(fault) => Err(fault),
        }
    }

    /// Reads one answer, from the beginning or from where we were.
    async fn read(&self, at: &At<'_>, source: &LogSource, query: &LogQuery, place: &mut Place, sink: &dyn LogSink) -> Result<Ended, Fault> {
        let asked = Asked { verb: "get", resource: "pods/log", group: "", namespace: Some(&source.namespace), name: Some(&source.pod) };
        let request = Request::get(path(source, query, place))
            .body(Vec::new())
            .map_err(|fault| asked.fault(at.cluster, &kube::Error::HttpError(fault)))?;
        let answer = if query.follow {
            // A container that says nothing lets the server say nothing either: the connection's own patience counts.
            at.client.request_stream(request).await
        } else {
            match tokio::time::timeout(self.patience, at.client.request_stream(request)).await {
                Ok(answer) => answer,
                Err(_) => return Err(crate::fault::late(at.cluster, self.patience.as_secs())),
            }
        };
        let stream = answer.map_err(|fault| log_fault(at, &asked, source, &fault))?;
        pin_mut!(stream);
        let mut line = Vec::new();
        loop {
            let next = if query.follow {
                stream.fill_buf().await
            } else {
                match tokio::time::timeout(self.patience, stream.fill_buf()).await {
                    Ok(next) => next,
                    Err(_) => return Ok(Ended::Cut(Box::new(crate::fault::late(at.cluster, self.patience.as_secs())))),
                }
            };
            let held = match next {
                Ok(held) => held,
                Err(fault) => return Ok(Ended::Cut(Box::new(crate::fault::of(at.cluster, &kube::Error::Service(Box::new(fault)))))),
            };
            if held.is_empty() {
                // The end of a line that was not ended.
                let more = line.is_empty() || told(source, &mut line, place, sink).await;
                return Ok(if more { Ended::Whole } else { Ended::Enough });
            }
            let end = held.iter().position(|byte| *byte == b'\n');
            let room = LINE - line.len();
            let take = end.unwrap_or(held.len()).min(room);
            line.extend_from_slice(&held[..take]);
            let whole = end == Some(take);
            stream.consume_unpin(take + usize::from(whole));
            if (whole || line.len() >= LINE) && !told(source, &mut line, place, sink).await {
                return Ok(Ended::Enough);
            }
        }
    }

    async fn pods_of(&self, at: &At<'_>, query: &LogQuery, namespace: &str) -> Result<Vec<Json>, Fault> {
        let pods = pod_kind();
        let (labels, whose) = match &query.target {
            LogTarget::Labels(labels) => (labels.clone(), labels.clone()),
            LogTarget::Object { kind, name } => {
                let kind = self.kind_of(at, kind).await?;
                if kind.group.is_empty() && kind.kind == "Pod" {
                    return Ok(vec![self.object_of(at, &pods, Some(namespace), name, false).await?]);
                }
                let object = self.object_of(at, &kind, Some(namespace), name, false).await?;
                let whose = format!("{}/{name}", kind.full_name());
                (selector(&object).ok_or_else(|| no_selector(at, &whose))?, whose)
            }
        };
        let look = LookFor { scope: Some(Scope::One(namespace.to_owned())), ..LookFor::kind("pods.v1").labelled(labels) };
        let found = self.objects_of(at, &look).await?.items;
        if found.is_empty() {
            let name = &at.cluster.name;
            return Err(about(
                at.cluster,
                FaultKind::NotFound,
                "no_pods",
                Text::new(
                    format!("there are no logs: no pod of {whose} is in {namespace} of the cluster {name}"),
                    format!("没有日志：集群 {name} 的 {namespace} 中没有属于 {whose} 的 Pod"),
                ),
                Text::new("Look at the namespace and the selector.", "请检查命名空间和选择器。"),
            ));
        }
        Ok(found)
    }
}

/// Tells a line that is new.
async fn told(source: &LogSource, line: &mut Vec<u8>, place: &mut Place, sink: &dyn LogSink) -> bool {
    let whole = String::from_utf8_lossy(line).trim_end_matches('\r').to_owned();
    line.clear();
    let (at, text) = match whole.split_once(' ') {
        Some((at, text)) if at.parse::<Timestamp>().is_ok() => (Some(at.to_owned()), text.to_owned()),
        _ if whole.parse::<Timestamp>().is_ok() => (Some(whole), String::new()),
        _ => (None, whole),
    };
    if let Some(at) = at.as_deref().and_then(|at| at.parse().ok())
        && !place.is_new(at)
    {
        return true;
    }
    sink.part(LogPart::Line(LogLine { source: source.clone(), at, text })).await
}

fn path(source: &LogSource, query: &LogQuery, place: &Place) -> String {
    let mut path = format!(
        "/api/v1/namespaces/{}/pods/{}/log?container={}&timestamps=true",
        segment(&source.namespace),
        segment(&source.pod),
        segment(&source.container)
    );
    if query.follow {
        path.push_str("&follow=true");
    }
    if query.previous {
        path.push_str("&previous=true");
    }
    match place.last {
        // The server counts in whole seconds.
        Some(last) => path.push_str(&format!("&sinceTime={}", Timestamp::from_second(last.as_second()).unwrap_or(last))),
        None => {
            if let Some(since) = query.since_secs {
                path.push_str(&format!("&sinceSeconds={}", since.max(1)));
            }
            if let Some(tail) = query.tail {
                path.push_str(&format!("&tailLines={tail}"));
            }
        }
    }
    path
}

pub(crate) fn pod_kind() -> KindInfo {
    KindInfo { version: "v1".into(), kind: "Pod".into(), plural: "pods".into(), namespaced: true, ..KindInfo::default() }
}

fn statuses(pod: &Json) -> impl Iterator<Item = &Json> {
    ["containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"]
        .into_iter()
        .filter_map(|list| pod.get("status")?.get(list)?.as_array())
        .flatten()
}

/// The names of a pod's containers: those that prepare it, then its own, then those that were added to look into it.
pub(crate) fn containers(pod: &Json) -> Vec<(&'static str, &str)> {
    ["initContainers", "containers", "ephemeralContainers"]
        .into_iter()
        .filter_map(|list| Some((list, pod.get("spec")?.get(list)?.as_array()?)))
        .flat_map(|(list, items)| items.iter().filter_map(move |item| Some((list, item.get("name")?.as_str()?))))
        .collect()
}

/// Which containers are meant, and what a person should know about the choice.
fn sources(at: &At<'_>, pods: &[Json], namespace: &str, query: &LogQuery) -> Result<(Vec<LogSource>, Vec<Text>), Fault> {
    let (mut found, mut notes) = (Vec::new(), Vec::new());
    for pod in pods {
        let name = pod.pointer("/metadata/name").and_then(Json::as_str).unwrap_or_default();
        let all = containers(pod);
        let usual =
            pod.pointer("/metadata/annotations").and_then(|all| all.get("kubectl.kubernetes.io/default-container")).and_then(Json::as_str);
        let own = || all.iter().filter(|(list, _)| *list == "containers").map(|(_, name)| *name);
        let chosen: Vec<&str> = match &query.container {
            _ if query.all_containers => all.iter().map(|(_, name)| *name).collect(),
            Some(wanted) => all.iter().map(|(_, name)| *name).filter(|name| name == wanted).collect(),
            None => usual.filter(|usual| own().any(|name| name == *usual)).or_else(|| own().next()).into_iter().collect(),
        };
        if !query.all_containers
            && query.container.is_none()
            && own().count() > 1
            && let [only] = chosen.as_slice()
        {
            let others = own().filter(|name| name != only).collect::<Vec<_>>().join(", ");
            notes.push(Text::new(
                format!("{name}: the logs are those of container {only}; there are also: {others}"),
                format!("{name}：显示容器 {only} 的日志；还有：{others}"),
            ));
        }
        found.extend(chosen.into_iter().map(|container| LogSource {
            namespace: namespace.to_owned(),
            pod: name.to_owned(),
            container: container.to_owned(),
        }));
    }
    if found.is_empty() {
        let mut known: Vec<&str> = pods.iter().flat_map(containers).map(|(_, name)| name).collect();
        known.sort_unstable();
        known.dedup();
        let (wanted, list) = (query.container.as_deref().unwrap_or_default(), known.join(", "));
        let fault = about(
            at.cluster,
            FaultKind::NotFound,
            "no_such_container",
            Text::new(format!("there is no container \"{wanted}\" there"), format!("没有名为“{wanted}”的容器")),
            Text::new(format!("There are: {list}"), format!("可选的有：{list}")),
        );
        return Err(fault.with_params(json!({ "cluster": at.cluster.name, "container": wanted, "known": known })));
    }
    Ok((found, notes))
}

/// How an object chooses its pods, as a label selector.
pub(crate) fn selector(object: &Json) -> Option<String> {
    let chosen = object.pointer("/spec/selector")?;
    let plain = |labels: &Json| -> Vec<String> {
        labels.as_object().into_iter().flatten().filter_map(|(name, value)| Some(format!("{name}={}", value.as_str()?))).collect()
    };
    let mut parts = match (chosen.get("matchLabels"), chosen.get("matchExpressions")) {
        (None, None) => plain(chosen),
        (labels, _) => labels.map(plain).unwrap_or_default(),
    };
    for one in chosen.get("matchExpressions").and_then(Json::as_array).into_iter().flatten() {
        let key = one.get("key")?.as_str()?;
        let values: Vec<&str> = one.get("values").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str).collect();
        parts.push(match one.get("operator")?.as_str()? {
            "In" => format!("{key} in ({})", values.join(",")),
            "NotIn" => format!("{key} notin ({})", values.join(",")),
            "Exists" => key.to_owned(),
            "DoesNotExist" => format!("!{key}"),
            _ => return None,
        });
    }
    Some(parts.join(",")).filter(|parts| !parts.is_empty())
}

fn no_selector(at: &At<'_>, whose: &str) -> Fault {
    about(
        at.cluster,
        FaultKind::Usage,
        "no_selector",
        Text::new(format!("{whose} chooses no pods, so that it has no logs"), format!("{whose} 不选择任何 Pod，因此没有日志")),
        Text::new("Name a pod, or a selector.", "请指定 Pod 或选择器。"),
    )
}

fn too_many(at: &At<'_>, count: usize) -> Fault {
    about(
        at.cluster,
        FaultKind::Usage,
        "too_many_logs",
        Text::new(
            format!("{count} containers cannot be followed at once; {FOLLOWED} can"),
            format!("无法同时跟踪 {count} 个容器的日志；最多 {FOLLOWED} 个"),
        ),
        Text::new("Choose fewer: another selector, or one container.", "请缩小范围：使用其他选择器或指定容器。"),
    )
}

fn taken_up(source: &LogSource) -> Text {
    let of = format!("{}/{}", source.pod, source.container);
    Text::new(format!("{of}: the connection was cut; it is taken up again where it was"), format!("{of}：连接中断；正在从中断处继续"))
}

fn said_of(source: &LogSource, fault: &Fault) -> Text {
    let of = format!("{}/{}", source.pod, source.container);
    Text::new(format!("{of}: {}", fault.message.en), format!("{of}：{}", fault.message.zh))
}

fn log_fault(at: &At<'_>, asked: &Asked<'_>, source: &LogSource, fault: &kube::Error) -> Fault {
    let said = asked.fault(at.cluster, fault);
    match fault {
        kube::Error::Api(status) if status.code >= 500 => {
            let (pod, name) = (&source.pod, &at.cluster.name);
            let node = about(
                at.cluster,
                FaultKind::Unreachable,
                "node_unreachable",
                Text::new(
                    format!("there are no logs of {pod}: the cluster {name} does not reach the node that it runs on"),
                    format!("无法获取 {pod} 的日志：集群 {name} 无法连接其所在节点"),
                ),
                Text::new("Look whether the node is ready: pilot k8s get nodes", "请检查节点是否就绪：pilot k8s get nodes"),
            );
            node.with_params(said.params)
        }
        _ => said,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_is_taken_up_again_repeats_nothing_and_loses_nothing() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let mut place = Place::default();
        let new = |place: &mut Place, seconds: &[&str]| -> Vec<bool> { seconds.iter().map(|text| place.is_new(at(text))).collect() };
        let (one, two, three) = ("2026-01-01T00:00:01.1Z", "2026-01-01T00:00:01.2Z", "2026-01-01T00:00:02Z");
        assert_eq!(new(&mut place, &[one, two, two]), [true; 3]);
        place.resume();
        assert_eq!(
            new(&mut place, &[one, two, two, two, three, two]),
            [false, false, false, true, true, true],
            "two of the same moment were told"
        );
        place.resume();
        place.resume();
        assert_eq!(new(&mut place, &[three, three]), [false, true], "cut twice without a line");
    }

    #[test]
    fn pods_are_chosen_as_their_owner_chooses_them() {
        let of = |chosen: Json| selector(&json!({ "spec": { "selector": chosen } }));
        assert_eq!(of(json!({ "app": "web", "tier": "a" })).as_deref(), Some("app=web,tier=a"));
        assert_eq!(of(json!({ "matchLabels": { "app": "web" } })).as_deref(), Some("app=web"));
        let odd = json!({ "matchExpressions": [{ "key": "a", "operator": "In", "values": ["x", "y"] }, { "key": "b", "operator": "DoesNotExist" }] });
        assert_eq!(of(odd).as_deref(), Some("a in (x,y),!b"));
        assert_eq!(of(json!({})), None, "everything is not what is meant");
        assert_eq!(selector(&json!({ "spec": {} })), None);
    }
}
