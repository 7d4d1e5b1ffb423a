//! The module `kubernetes`: looking at clusters, and changing them. It sees a cluster only as `domain::kube::Kube` and
//! `domain::manifest::Change`.
//!
//! **Invariant:** only the tools of `act`, `change` and `inside` can change something in a cluster, and no value of a Secret passes through.

mod act;
mod args;
mod change;
mod cluster;
mod generate;
mod inside;
mod kinds;
mod manifests;
mod pods;
mod workloads;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::cluster::{ClusterDef, Clusters};
use domain::fault::{Fault, Phase, ServerFault};
use domain::id::{Clock, ToolName};
use domain::inside::Inside;
use domain::kube::{Kube, LookFor, Objects, Scope, choose};
use domain::local::{LocalModule, LocalSettings, ModuleInfo};
use domain::manifest::Change;
use domain::manifest_check::CheckManifests;
use domain::protocol::{CallIo, Foreseen};
use domain::text::Text;
use domain::tool::{Annotations, Content, Tool, ToolResult};
use domain::{Json, JsonMap};

use act::ActTools;
use change::ChangeTools;
use inside::InsideTools;
use manifests::ManifestTools;

use args::{Arg, Args, Sort, may, must};

/// The module's name in the settings.
pub const ID: &str = "kubernetes";
/// What the predecessor calls it.
pub const ALIAS: &str = "k8s";
/// The hard total of one call.
const PATIENCE: Duration = Duration::from_mins(2);
/// So many objects of a list are answered.
const MOST: usize = 5000;

/// What the tools stand on.
#[derive(Debug, Clone)]
pub struct Clustering {
    /// Looks at clusters.
    pub kube: Arc<dyn Kube>,
    /// Changes them; none: only the tools that look are there.
    pub change: Option<Arc<dyn Change>>,
    /// Checks manifests; none: that tool is not there.
    pub manifests: Option<Arc<dyn CheckManifests>>,
    /// Reaches into what runs; none: those tools are not there.
    pub inside: Option<Arc<dyn Inside>>,
    /// Which clusters there are.
    pub clusters: Arc<dyn Clusters>,
    /// Time, for ages.
    pub clock: Arc<dyn Clock>,
}

/// What it says of itself.
pub(crate) fn info() -> ModuleInfo {
    ModuleInfo {
        id: ID.into(),
        label: Text::new("Kubernetes", "Kubernetes"),
        about: Text::new(
            "Looks at the clusters that you imported, and changes them as it was rehearsed.",
            "查看您导入的集群，并按排演结果进行更改。",
        ),
    }
}

/// Folders are not for this module.
pub(crate) fn check(settings: &LocalSettings) -> Result<(), ServerFault> {
    if settings.folders().is_empty() {
        return Ok(());
    }
    Err(ServerFault::Settings { field: "roots".into(), reason: "the module `kubernetes` reaches no folders".into() })
}

pub(crate) fn open(on: &Clustering) -> Kubernetes {
    let change = on.change.clone().map(|change| {
        let change = ChangeTools::new(change, on.clusters.clone());
        (ActTools::new(on.kube.clone(), change.clone()), change)
    });
    let manifests = ManifestTools::new(on.manifests.clone(), on.clusters.clone());
    let inside = on.inside.clone().map(|inside| InsideTools::new(inside, on.clusters.clone()));
    Kubernetes { on: on.clone(), manifests, change, inside }
}

const NAMESPACE: Arg =
    may("namespace", Sort::Text, "The namespace; the cluster's usual one when absent. 命名空间；不填时为集群的默认命名空间。");
const NAMESPACES: Arg = may(
    "namespace",
    Sort::Text,
    "The namespace, or `all`; the cluster's usual one when absent. 命名空间，或 `all` 表示全部；不填时为集群的默认命名空间。",
);
const CLUSTER: Arg =
    may("cluster", Sort::Text, "The cluster, by name or id; the only one there is when absent. 集群的名称或 ID；不填时为唯一的集群。");
const LABELS: Arg = may("label_selector", Sort::Text, "Only objects with these labels. 标签选择器。");
const KIND: Arg = must("kind", "The kind, such as pods, Deployment or deployments.apps. 资源类型。");
const NAME: Arg = must("name", "The object's name. 对象名称。");

/// Which tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Which {
    Pods,
    Services,
    Deployments,
    Nodes,
    Logs,
    DescribePod,
    Events,
    History,
    Endpoints,
    Metrics,
    EventsFor,
    CanI,
    List,
    Get,
    Describe,
    ListOf(&'static str),
    GetOf(&'static str),
    DescribeOf(&'static str),
}

struct Row {
    which: Which,
    name: &'static str,
    title: &'static str,
    about: &'static str,
    args: &'static [Arg],
}

/// All tools. A new one is a row and a function.
const ROWS: &[Row] = &[
    Row {
        which: Which::Pods,
        name: "k8s-get-pods",
        title: "Pods · 列出 Pod",
        about: "Lists pods with their state, restarts and containers. 列出 Pod 及其状态、重启次数和容器。",
        args: &[NAMESPACES, LABELS, CLUSTER],
    },
    Row {
        which: Which::Services,
        name: "k8s-get-services",
        title: "Services · 列出 Service",
        about: "Lists services, or shows one. 列出 Service，或显示其中一个。",
        args: &[NAMESPACES, LABELS, may("name", Sort::Text, "Only this one. 仅此一个。").or(&["service_name"]), CLUSTER],
    },
    Row {
        which: Which::Deployments,
        name: "k8s-get-deployments",
        title: "Deployments · 列出 Deployment",
        about: "Lists deployments, or shows one. 列出 Deployment，或显示其中一个。",
        args: &[NAMESPACES, LABELS, may("name", Sort::Text, "Only this one. 仅此一个。").or(&["deployment_name"]), CLUSTER],
    },
    Row {
        which: Which::Nodes,
        name: "k8s-get-nodes",
        title: "Nodes · 列出节点",
        about: "Lists nodes with their roles, versions and capacity. 列出节点及其角色、版本和容量。",
        args: &[CLUSTER],
    },
    Row {
        which: Which::Logs,
        name: "k8s-get-logs",
        title: "Logs · 查看日志",
        about: "Shows the last lines of a pod's container. 显示 Pod 容器的最后若干行日志。",
        args: &[
            must("pod_name", "The pod. Pod 名称。"),
            NAMESPACE,
            may("lines", Sort::Whole(1, 1000, 100), "How many of the last lines. 最后多少行。").or(&["tail_lines"]),
            may("container", Sort::Text, "The container; the pod's usual one when absent. 容器；不填时为默认容器。")
                .or(&["container_name"]),
            may("previous", Sort::Flag(false), "Of the container that ran before. 上一次运行的容器。"),
            CLUSTER,
        ],
    },
    Row {
        which: Which::DescribePod,
        name: "k8s-describe-pod",
        title: "A pod · 查看 Pod 详情",
        about: "Shows a pod with its containers, conditions, volumes and events. 显示 Pod 的容器、状态条件、卷和事件。",
        args: &[must("pod_name", "The pod. Pod 名称。"), NAMESPACE, CLUSTER],
    },
    Row {
        which: Which::Events,
        name: "k8s-get-events",
        title: "Events · 列出事件",
        about: "Lists what happened, newest first. 列出事件，最新的在前。",
        args: &[NAMESPACES, may("limit", Sort::Whole(1, 1000, 100), "At most so many. 最多多少条。"), CLUSTER],
    },
    Row {
        which: Which::History,
        name: "k8s-get-deployment-history",
        title: "History of a deployment · 查看发布历史",
        about: "Lists the revisions of a deployment, newest first. 列出 Deployment 的版本，最新的在前。",
        args: &[NAME.or(&["deployment_name"]), NAMESPACE, CLUSTER],
    },
    Row {
        which: Which::Endpoints,
        name: "k8s-get-endpoints",
        title: "Endpoints · 列出 Endpoints",
        about: "Lists the addresses behind services. 列出 Service 背后的地址。",
        args: &[NAMESPACES, may("name", Sort::Text, "Only this one. 仅此一个。").or(&["service_name"]), LABELS, CLUSTER],
    },
    Row {
        which: Which::Metrics,
        name: "k8s-get-cluster-metrics",
        title: "Figures of a cluster · 集群指标",
        about: "Shows capacity, what pods request, and what is really used where the cluster measures it. 显示容量、Pod 的资源请求，以及集群实测的用量（如有）。",
        args: &[
            may("include_node_details", Sort::Flag(true), "Also each node. 同时显示每个节点。"),
            may("include_pod_metrics", Sort::Flag(false), "Also the 20 pods that use most. 同时显示用量最高的 20 个 Pod。"),
            CLUSTER,
        ],
    },
    Row {
        which: Which::EventsFor,
        name: "k8s-events-for",
        title: "Events of an object · 对象的事件",
        about: "Lists what happened to one object, newest first. 列出某个对象的事件，最新的在前。",
        args: &[KIND, NAME, NAMESPACE, may("limit", Sort::Whole(1, 1000, 100), "At most so many. 最多多少条。"), CLUSTER],
    },
    Row {
        which: Which::CanI,
        name: "k8s-can-i",
        title: "May I · 检查权限",
        about: "Asks the cluster whether we may do something there. 询问集群是否允许执行某操作。",
        args: &[
            must("verb", "What would be done: get, list, create, delete… 操作，例如 get、list、create、delete。"),
            KIND,
            may("subresource", Sort::Text, "A part of it, such as log. 子资源，例如 log。"),
            may("name", Sort::Text, "Only this object. 仅此对象。"),
            NAMESPACES,
            CLUSTER,
        ],
    },
    Row {
        which: Which::List,
        name: "k8s-list-resources",
        title: "Objects of a kind · 按类型列出对象",
        about: "Lists objects of any kind, custom ones too, as the server draws them. 列出任意类型（包括自定义资源）的对象。",
        args: &[
            KIND,
            NAMESPACES,
            LABELS,
            may("field_selector", Sort::Text, "Only objects with these fields. 字段选择器。"),
            may("limit", Sort::Whole(1, 1000, 100), "At most so many. 最多多少条。"),
            CLUSTER,
        ],
    },
    Row {
        which: Which::Get,
        name: "k8s-get-resource",
        title: "An object · 获取对象",
        about: "Shows one whole object of any kind; values of Secrets are masked. 显示任意类型的完整对象；Secret 的值会被隐藏。",
        args: &[KIND, NAME, NAMESPACE, CLUSTER],
    },
    Row {
        which: Which::Describe,
        name: "k8s-describe-resource",
        title: "An object with its events · 查看对象详情",
        about: "Shows one whole object of any kind and what happened to it; values of Secrets are masked. 显示任意类型的完整对象及其事件；Secret 的值会被隐藏。",
        args: &[KIND, NAME, NAMESPACE, CLUSTER],
    },
];

/// The open module.
#[derive(Debug)]
pub(crate) struct Kubernetes {
    on: Clustering,
    manifests: ManifestTools,
    change: Option<(ActTools, ChangeTools)>,
    inside: Option<InsideTools>,
}

#[async_trait]
impl LocalModule for Kubernetes {
    fn info(&self) -> ModuleInfo {
        info()
    }

    fn tools(&self) -> Vec<Tool> {
        let one = |row: &Row| Tool {
            name: row.name.into(),
            title: Some(row.title.into()),
            description: row.about.into(),
            input_schema: args::schema(row.args),
            output_schema: Some(serde_json::json!({ "type": "object" })),
            annotations: Annotations {
                title: Some(row.title.into()),
                read_only_hint: Some(true),
                destructive_hint: Some(false),
                idempotent_hint: Some(true),
                open_world_hint: Some(true),
            },
        };
        let changing = self.change.iter().flat_map(|_| ChangeTools::tools().into_iter().chain(ActTools::tools()));
        let inside = self.inside.iter().flat_map(|_| InsideTools::tools());
        ROWS.iter().chain(kinds::ROWS).map(one).chain(self.manifests.tools()).chain(changing).chain(inside).collect()
    }

    async fn call(&self, tool: &ToolName, args: JsonMap, io: CallIo) -> Result<ToolResult, ServerFault> {
        let Some(row) = ROWS.iter().chain(kinds::ROWS).find(|row| row.name == tool.as_str()) else {
            if let Some(done) = self.manifests.call(tool.as_str(), &args).await {
                return done;
            }
            if let Some(inside) = &self.inside
                && let Some(done) = inside.call(tool.as_str(), args.clone(), &io).await
            {
                return done;
            }
            return match &self.change {
                Some((act, _)) if ActTools::has(tool.as_str()) => act.call(tool.as_str(), args, &io).await,
                Some((_, change)) => change.call(tool.as_str(), args, &io).await,
                None => Err(ServerFault::NoSuch { what: "tool", name: tool.as_str().to_owned() }),
            };
        };
        let args = Args::fit(args, row.args)?;
        let came = tokio::select! {
            came = tokio::time::timeout(PATIENCE, self.run(row.which, &args)) => came,
            () = io.cancel.cancelled() => return Err(ServerFault::Cancelled),
        };
        match came {
            Err(_) => Err(ServerFault::Timeout { phase: Phase::Total, after: PATIENCE }),
            Ok(Ok(out)) => {
                let text = serde_json::to_string_pretty(&out).unwrap_or_default();
                Ok(ToolResult { content: vec![Content::text(text)], structured_content: Some(out), is_error: false })
            }
            Ok(Err(fault)) => Ok(failed(&fault)),
        }
    }

    async fn foresee(&self, tool: &ToolName, args: &JsonMap) -> Option<Result<Foreseen, Fault>> {
        match &self.change {
            Some((act, _)) if ActTools::has(tool.as_str()) => act.foresee(tool.as_str(), args).await,
            Some((_, change)) => change.foresee(tool.as_str(), args).await,
            None => None,
        }
    }

    async fn health(&self) -> Result<(), ServerFault> {
        self.on.clusters.clusters().await.map(|_| ()).map_err(|fault| ServerFault::Internal { what: fault.message.en })
    }
}

/// What could not be done: `code: words` in English, then in Chinese, and the facts.
fn failed(fault: &Fault) -> ToolResult {
    let words = |message: &str, hint: &str| if hint.is_empty() { message.to_owned() } else { format!("{message}. {hint}") };
    ToolResult {
        content: vec![
            Content::text(format!("{}: {}", fault.code, words(&fault.message.en, &fault.hint.en))),
            Content::text(words(&fault.message.zh, &fault.hint.zh)),
        ],
        structured_content: Some(serde_json::json!({ "error": { "code": fault.code, "kind": fault.kind, "params": fault.params } })),
        is_error: true,
    }
}

impl Kubernetes {
    async fn run(&self, which: Which, args: &Args) -> Result<Json, Fault> {
        let cluster = choose(&self.on.clusters.clusters().await?, args.text("cluster"))?;
        let asked = Ask { on: &self.on, cluster: &cluster, args };
        match which {
            Which::Pods => asked.pods().await,
            Which::Services => asked.services().await,
            Which::Deployments => asked.deployments().await,
            Which::Nodes => asked.nodes().await,
            Which::Logs => asked.logs().await,
            Which::DescribePod => asked.describe_pod().await,
            Which::Events => asked.events().await,
            Which::History => asked.history().await,
            Which::Endpoints => asked.endpoints().await,
            Which::Metrics => asked.metrics().await,
            Which::EventsFor => asked.events_for().await,
            Which::CanI => asked.can_i().await,
            Which::List => asked.list(args.must("kind")).await,
            Which::Get => asked.get(args.must("kind")).await,
            Which::Describe => asked.describe(args.must("kind")).await,
            Which::ListOf(kind) => asked.list(kind).await,
            Which::GetOf(kind) => asked.get(kind).await,
            Which::DescribeOf(kind) => asked.describe(kind).await,
        }
    }
}

/// One question.
struct Ask<'a> {
    on: &'a Clustering,
    cluster: &'a ClusterDef,
    args: &'a Args,
}

impl Ask<'_> {
    /// The namespace that is meant, as the answer names it.
    fn place(&self) -> String {
        match self.args.scope() {
            Some(Scope::All) => "all".into(),
            Some(Scope::One(namespace)) => namespace,
            None => self.cluster.namespace.clone().unwrap_or_else(|| "default".into()),
        }
    }

    /// Objects of a kind, by the arguments.
    async fn objects(&self, kind: &str) -> Result<Objects, Fault> {
        let query = LookFor {
            name: self.args.text("name").map(str::to_owned),
            scope: self.args.scope(),
            labels: self.args.text("label_selector").map(str::to_owned),
            most: Some(MOST),
            ..LookFor::kind(kind)
        };
        self.on.kube.objects(self.cluster, &query).await
    }

    /// One object by the kind's whole name.
    async fn object(&self, kind: &str, name: &str) -> Result<Json, Fault> {
        let kind = self.on.kube.kind(self.cluster, kind).await?;
        self.on.kube.object(self.cluster, &kind, self.args.text("namespace"), name).await
    }

    /// How old something is: `Nd`, else `Nh`, `Nm`, `Ns`.
    fn age(&self, object: &Json) -> Json {
        let made = object.pointer("/metadata/creationTimestamp").and_then(Json::as_str).and_then(|at| at.parse::<jiff::Timestamp>().ok());
        made.map_or(Json::Null, |made| span((self.on.clock.now().0 - made.as_millisecond()) / 1000).into())
    }
}

fn span(seconds: i64) -> String {
    match seconds.max(0) {
        seconds @ 86_400.. => format!("{}d", seconds / 86_400),
        seconds @ 3600.. => format!("{}h", seconds / 3600),
        seconds @ 60.. => format!("{}m", seconds / 60),
        seconds => format!("{seconds}s"),
    }
}

/// What stands there, or null.
fn at(object: &Json, path: &str) -> Json {
    object.pointer(path).cloned().unwrap_or(Json::Null)
}

/// The number that stands there, or 0.
fn number(object: &Json, path: &str) -> u64 {
    object.pointer(path).and_then(Json::as_u64).unwrap_or(0)
}

/// The list that stands there, or none.
fn each<'a>(object: &'a Json, path: &str) -> &'a [Json] {
    object.pointer(path).and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// The object that stands there, or an empty one.
fn map(object: &Json, path: &str) -> Json {
    object.pointer(path).filter(|map| map.is_object()).cloned().unwrap_or_else(|| serde_json::json!({}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tool_takes_a_cluster_and_refuses_what_it_does_not_know() {
        for row in ROWS.iter().chain(kinds::ROWS) {
            let schema = args::schema(row.args);
            assert!(schema["properties"]["cluster"].is_object(), "{}", row.name);
            assert_eq!(schema["additionalProperties"], false, "{}", row.name);
            assert!(row.name.starts_with("k8s-") && row.about.is_ascii() != row.about.contains('。'), "{}: both languages", row.name);
        }
        let changing = ChangeTools::tools().into_iter().chain(ActTools::tools()).map(|tool| tool.name.as_str().to_owned());
        let mut names: Vec<_> = ROWS.iter().chain(kinds::ROWS).map(|row| row.name.to_owned()).chain(changing).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
    }

    #[test]
    fn ages_are_written_in_one_unit() {
        for (seconds, text) in
            [(-1, "0s"), (59, "59s"), (60, "1m"), (3599, "59m"), (3600, "1h"), (86_399, "23h"), (86_400, "1d"), (900_000, "10d")]
        {
            assert_eq!(span(seconds), text);
        }
    }
}
