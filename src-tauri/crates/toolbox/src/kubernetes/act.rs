//! The tools that act on single objects. Each is tried on the API server first, and taken back with `k8s-undo`.
//!
//! **Invariant:** whoever is asked about a call sees what it would change, and the call is then carried out on exactly that or not at all.

mod create;
mod service;

use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use domain::act::{ActIo, ActStep, ActTarget, Deed, Done, DrainOrder, Foresight, PatchKind, Propagation};
use domain::cluster::ClusterDef;
use domain::fault::{Fault, FaultKind, ServerFault};
use domain::kube::Kube;
use domain::manifest::Action;
use domain::protocol::{CallEvent, CallIo, Foreseen};
use domain::text::Text;
use domain::tool::{Annotations, Tool, ToolResult};
use domain::{Json, JsonMap};
use serde_json::json;

use super::args::{Arg, Args, Sort, may, must};
use super::change::{ChangeTools, answer, beat, change_text, of};
use super::{CLUSTER, KIND, NAME, NAMESPACE, args, at};

/// How long draining may take when nobody says otherwise, and at most (seconds).
const DRAIN: (i64, i64) = (300, 540);
/// Most replicas that are taken for meant.
const MOST: i64 = 100_000;

/// The fingerprint of what was looked at: the desk adds it to a call that a person was asked about.
const SEEN: Arg = may("seen", Sort::Hidden, "");
const DEPLOYMENT: Arg = must("name", "The deployment's name. Deployment 名称。").or(&["deployment_name"]);
const SERVICE: Arg = must("name", "The service's name. Service 名称。").or(&["service_name"]);
const NODE: Arg = must("name", "The node's name. 节点名称。").or(&["node_name"]);
const REPLICAS: Arg = Arg { must: true, ..may("replicas", Sort::Maybe(0, MOST), "How many pods. 副本数。") };
const REVISION: Arg =
    may("revision", Sort::Maybe(1, i64::MAX), "Which revision; the one before the current one when absent. 版本号；不填时为上一个版本。");

/// A patch may hold what nobody is to find again in the history of calls.
fn patch() -> Json {
    json!({ "type": ["object", "array"], "writeOnly": true })
}

fn patch_object() -> Json {
    json!({ "type": "object", "minProperties": 1, "writeOnly": true })
}

fn whole_object() -> Json {
    json!({ "type": "object", "minProperties": 1, "writeOnly": true })
}

/// Which tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Which {
    Scale,
    Restart,
    RollBack,
    PatchDeployment,
    CreateService,
    UpdateService,
    PatchService,
    CreateDeployment,
    ScaleAny,
    RestartAny,
    RollBackAny,
    History,
    Edit,
    Patch,
    Delete,
    Cordon,
    Uncordon,
    Drain,
}

struct Row {
    which: Which,
    name: &'static str,
    title: &'static str,
    about: &'static str,
    args: &'static [Arg],
    /// Whether something may be lost by it.
    destroys: bool,
}

const ROWS: &[Row] = &[
    Row {
        which: Which::Scale,
        name: "k8s-scale-deployment",
        title: "Scale a deployment · 调整 Deployment 副本数",
        about: "Sets how many pods a deployment has. 设置 Deployment 的副本数。",
        args: &[DEPLOYMENT, REPLICAS, NAMESPACE, CLUSTER, SEEN],
        destroys: false,
    },
    Row {
        which: Which::Restart,
        name: "k8s-restart-deployment",
        title: "Restart a deployment · 重启 Deployment",
        about: "Replaces all pods of a deployment, as a rollout. 以滚动方式重建 Deployment 的全部 Pod。",
        args: &[DEPLOYMENT, NAMESPACE, CLUSTER, SEEN],
        destroys: true,
    },
    Row {
        which: Which::RollBack,
        name: "k8s-rollback-deployment",
        title: "Roll a deployment back · 回滚 Deployment",
        about: "Gives a deployment the pod template of an earlier revision. 将 Deployment 恢复为较早版本的 Pod 模板。",
        args: &[DEPLOYMENT, REVISION, NAMESPACE, CLUSTER, SEEN],
        destroys: true,
    },
    Row {
        which: Which::PatchDeployment,
        name: "k8s-patch-deployment",
        title: "Patch a deployment · 修改 Deployment",
        about: "Changes some fields of a deployment (strategic merge). 以策略合并方式修改 Deployment 的部分字段。",
        args: &[
            DEPLOYMENT,
            Arg { must: true, ..may("patch_data", Sort::Shape(patch_object), "The fields, as the API names them. 要修改的字段。") },
            NAMESPACE,
            CLUSTER,
            SEEN,
        ],
        destroys: true,
    },
    Row {
        which: Which::CreateService,
        name: "k8s-create-service",
        title: "Create a service · 创建 Service",
        about: "Makes a service. 创建 Service。",
        args: service::CREATE,
        destroys: false,
    },
    Row {
        which: Which::UpdateService,
        name: "k8s-update-service",
        title: "Update a service · 更新 Service",
        about: "Sets fields of a service: selector and ports as a whole, labels and annotations one by one (null removes one). 更新 Service：selector 和 ports 整体替换，labels 和 annotations 逐项设置（null 表示删除）。",
        args: service::UPDATE,
        destroys: false,
    },
    Row {
        which: Which::PatchService,
        name: "k8s-patch-service",
        title: "Patch a service · 修改 Service",
        about: "Changes some fields of a service (strategic merge); names with underscores are understood, too. 以策略合并方式修改 Service 的部分字段；也接受下划线写法的字段名。",
        args: &[
            SERVICE,
            Arg { must: true, ..may("patch_data", Sort::Shape(patch_object), "metadata and spec. metadata 与 spec 中的字段。") },
            NAMESPACE,
            CLUSTER,
            SEEN,
        ],
        destroys: false,
    },
    Row {
        which: Which::CreateDeployment,
        name: "k8s-create-deployment",
        title: "Create a deployment · 创建 Deployment",
        about: "Makes a deployment out of YAML, or of a name and an image; with force it changes the one that is there. Always tried on the API server first. 用 YAML 或名称加镜像创建 Deployment；指定 force 时更改现有的。总是先在 API 服务器上试运行。",
        args: create::ARGS,
        destroys: true,
    },
    Row {
        which: Which::ScaleAny,
        name: "k8s-scale-resource",
        title: "Scale · 调整副本数",
        about: "Sets how many pods anything that can be scaled has. 设置任意可伸缩对象的副本数。",
        args: &[KIND, NAME, REPLICAS, NAMESPACE, CLUSTER, SEEN],
        destroys: false,
    },
    Row {
        which: Which::RestartAny,
        name: "k8s-restart-resource",
        title: "Restart a workload · 重启工作负载",
        about: "Replaces all pods of a Deployment, StatefulSet or DaemonSet, as a rollout. 以滚动方式重建 Deployment、StatefulSet 或 DaemonSet 的全部 Pod。",
        args: &[KIND, NAME, NAMESPACE, CLUSTER, SEEN],
        destroys: true,
    },
    Row {
        which: Which::RollBackAny,
        name: "k8s-rollback-resource",
        title: "Roll a workload back · 回滚工作负载",
        about: "Gives a Deployment, StatefulSet or DaemonSet the pod template of an earlier revision. 将 Deployment、StatefulSet 或 DaemonSet 恢复为较早版本的 Pod 模板。",
        args: &[KIND, NAME, REVISION, NAMESPACE, CLUSTER, SEEN],
        destroys: true,
    },
    Row {
        which: Which::History,
        name: "k8s-rollout-history",
        title: "Revisions of a workload · 查看工作负载版本",
        about: "Lists the revisions that a Deployment, StatefulSet or DaemonSet can go back to, newest first. 列出 Deployment、StatefulSet 或 DaemonSet 可回滚的版本，最新的在前。",
        args: &[KIND, NAME, NAMESPACE, CLUSTER],
        destroys: false,
    },
    Row {
        which: Which::Edit,
        name: "k8s-edit-resource",
        title: "Replace an object · 编辑对象",
        about: "Puts a whole object in place of the one that is there. One that names its resourceVersion replaces exactly that version; hidden values of Secrets stay as they are. 用完整内容替换现有对象；若带有 resourceVersion 则只替换该版本；Secret 中被隐藏的值保持不变。",
        args: &[
            KIND,
            NAME,
            Arg { must: true, ..may("object", Sort::Shape(whole_object), "The whole object. 完整对象。").or(&["resource"]) },
            NAMESPACE,
            CLUSTER,
            SEEN,
        ],
        destroys: true,
    },
    Row {
        which: Which::Patch,
        name: "k8s-patch-resource",
        title: "Patch an object · 修改对象",
        about: "Changes some fields of an object of any kind. 修改任意类型对象的部分字段。",
        args: &[
            KIND,
            NAME,
            Arg { must: true, ..may("patch", Sort::Shape(patch), "An object, or a list of steps for a JSON patch. 补丁对象，或 JSON patch 的步骤列表。").or(&["patch_data"]) },
            may("patch_type", Sort::OneOf(&["strategic", "merge", "json"]), "How it is read; what fits the kind when absent. 补丁类型；不填时按资源类型选择。"),
            NAMESPACE,
            CLUSTER,
            SEEN,
        ],
        destroys: true,
    },
    Row {
        which: Which::Delete,
        name: "k8s-delete-resource",
        title: "Delete an object · 删除对象",
        about: "Deletes an object of any kind, exactly as it was looked at. 删除任意类型的对象；只删除查看时的那一个。",
        args: &[
            KIND,
            NAME,
            may("propagation", Sort::OneOf(&["background", "foreground", "orphan"]), "What becomes of what it owns: deleted afterwards (usual), before, or kept. 其所拥有对象的处理方式：随后删除（默认）、先行删除或保留。")
                .or(&["propagation_policy"]),
            may("grace_period_seconds", Sort::Maybe(0, 86_400), "How long it gets to end; its own time when absent. 优雅终止的秒数；不填时为其自身设定。"),
            may("uid", Sort::Text, "Only the object with this uid. 仅当 uid 相符时。"),
            may("resource_version", Sort::Text, "Only in this version. 仅当版本相符时。"),
            NAMESPACE,
            CLUSTER,
            SEEN,
        ],
        destroys: true,
    },
    Row {
        which: Which::Cordon,
        name: "k8s-cordon-node",
        title: "Cordon a node · 停止调度节点",
        about: "No new pods come to the node. 不再向该节点调度新的 Pod。",
        args: &[NODE, CLUSTER, SEEN],
        destroys: false,
    },
    Row {
        which: Which::Uncordon,
        name: "k8s-uncordon-node",
        title: "Uncordon a node · 恢复调度节点",
        about: "New pods may come to the node again. 恢复向该节点调度新的 Pod。",
        args: &[NODE, CLUSTER, SEEN],
        destroys: false,
    },
    Row {
        which: Which::Drain,
        name: "k8s-drain-node",
        title: "Drain a node · 驱逐节点",
        about: "Cordons a node and moves its pods away, within their disruption budgets. Pods that no controller would make again and emptyDir data are left alone unless told otherwise. 停止调度节点并在中断预算内驱逐其 Pod；没有控制器的 Pod 和 emptyDir 数据除非明确指定否则不动。",
        args: &[
            NODE,
            may("force", Sort::Flag(false), "Also pods that no controller would make again. 也驱逐没有控制器的 Pod。"),
            may("delete_emptydir_data", Sort::Flag(false), "Also pods whose emptyDir data is lost. 也驱逐使用 emptyDir 的 Pod（数据会丢失）。"),
            may("grace_period_seconds", Sort::Maybe(0, 86_400), "How long each pod gets to end; its own time when absent. 每个 Pod 优雅终止的秒数；不填时为其自身设定。"),
            may("timeout_seconds", Sort::Whole(1, DRAIN.1, DRAIN.0), "How long the whole may take. 最长用时（秒）。"),
            CLUSTER,
            SEEN,
        ],
        destroys: true,
    },
];

/// The tools.
#[derive(Debug, Clone)]
pub(crate) struct ActTools {
    kube: Arc<dyn Kube>,
    change: ChangeTools,
}

impl ActTools {
    pub(crate) fn new(kube: Arc<dyn Kube>, change: ChangeTools) -> Self {
        Self { kube, change }
    }

    /// Whether a tool is one of these.
    pub(crate) fn has(name: &str) -> bool {
        ROWS.iter().any(|row| row.name == name)
    }

    /// As callers see them.
    pub(crate) fn tools() -> Vec<Tool> {
        let one = |row: &Row| {
            let reads = row.which == Which::History;
            Tool {
                name: row.name.into(),
                title: Some(row.title.into()),
                description: row.about.into(),
                input_schema: args::schema(row.args),
                output_schema: None,
                annotations: Annotations {
                    title: Some(row.title.into()),
                    read_only_hint: Some(reads),
                    destructive_hint: Some(row.destroys),
                    idempotent_hint: Some(reads || matches!(row.which, Which::Scale | Which::ScaleAny | Which::Cordon | Which::Uncordon)),
                    open_world_hint: None,
                },
            }
        };
        ROWS.iter().map(one).collect()
    }

    /// What a call would change.
    pub(crate) async fn foresee(&self, name: &str, given: &JsonMap) -> Option<Result<Foreseen, Fault>> {
        let row = ROWS.iter().find(|row| row.name == name)?;
        if row.which == Which::History {
            return None;
        }
        // What does not fit is told by the call itself.
        let args = Args::fit(given.clone(), row.args).ok()?;
        Some(self.foreseen(row.which, &args).await)
    }

    async fn foreseen(&self, which: Which, args: &Args) -> Result<Foreseen, Fault> {
        let cluster = self.change.cluster(args.text("cluster")).await?;
        if which == Which::CreateDeployment {
            return create::foresee(self.change.changes(), &cluster, args).await;
        }
        let deed = self.deed(which, args, &cluster).await?;
        let foresight = self.change.changes().foresee(&cluster, &deed).await?;
        let pinned = JsonMap::from_iter([("seen".to_owned(), foresight.seen.as_str().into())]);
        Ok(Foreseen { text: told(&deed, &cluster, &foresight), pinned })
    }

    /// Runs one.
    pub(crate) async fn call(&self, name: &str, given: JsonMap, io: &CallIo) -> Result<ToolResult, ServerFault> {
        let Some(row) = ROWS.iter().find(|row| row.name == name) else {
            return Err(ServerFault::NoSuch { what: "tool", name: name.to_owned() });
        };
        let args = Args::fit(given, row.args)?;
        let (tools, which) = (self.clone(), row.which);
        if which == Which::History {
            return Ok(answer(tools.history(&args).await));
        }
        let beats = Arc::new(AtomicU32::new(0));
        let act = ActIo { cancel: tokio_util::sync::CancellationToken::new(), step: Some(steps(io, beats.clone())) };
        if which == Which::Drain {
            // Of all acts the only one that can be given up in the middle: pods that were not asked yet stay.
            let (cancel, given_up) = (act.cancel.clone(), io.cancel.clone());
            // A caller who walks away gives it up, too.
            let _gone = act.cancel.clone().drop_guard();
            let quiet = CallIo { cancel: tokio_util::sync::CancellationToken::new(), events: io.events.clone() };
            let work = self.change.carried_out_with(&quiet, beats, async move { tools.run(which, &args, &act).await });
            tokio::pin!(work);
            return tokio::select! {
                done = &mut work => done,
                () = given_up.cancelled() => {
                    cancel.cancel();
                    work.await
                }
            };
        }
        self.change.carried_out(io, async move { tools.run(which, &args, &act).await }).await
    }

    async fn history(&self, args: &Args) -> Result<(String, Json), Fault> {
        let cluster = self.change.cluster(args.text("cluster")).await?;
        let target = self.target(&cluster, args.must("kind"), args).await?;
        let revisions = self.change.changes().revisions(&cluster, &target).await?;
        let line = |one: &domain::act::Revision| {
            let mark = if one.current { "*" } else { " " };
            format!("{mark} {} {} {}", one.revision, one.name, one.images.join(", "))
        };
        Ok((revisions.iter().map(line).collect::<Vec<_>>().join("\n"), json!({ "revisions": revisions })))
    }

    async fn run(&self, which: Which, args: &Args, io: &ActIo) -> Result<(String, Json), Fault> {
        let cluster = self.change.cluster(args.text("cluster")).await?;
        if which == Which::CreateDeployment {
            return create::run(self.change.changes(), &cluster, args).await;
        }
        let deed = self.deed(which, args, &cluster).await?;
        let done = self.change.changes().act(&cluster, &deed, args.text("seen"), io).await?;
        let (message, mut whole) = (said(&deed, &done), shape(which, &deed, &done));
        whole["success"] = true.into();
        whole["message"] = message.as_str().into();
        whole["changed"] = (!done.done.is_empty()).into();
        whole["undo_id"] = of(&done.undo_id);
        whole["warnings"] = of(&done.warnings);
        let mut text = message;
        for warning in &done.warnings {
            text.push_str(&format!("\nwarning: {}", warning.en));
        }
        if let Some(id) = &done.undo_id {
            text.push_str(&format!("\nto take it back: k8s-undo {id}"));
        }
        Ok((text, whole))
    }

    async fn target(&self, cluster: &ClusterDef, kind: &str, args: &Args) -> Result<ActTarget, Fault> {
        let kind = self.kube.kind(cluster, kind).await?;
        Ok(ActTarget { kind, namespace: args.text("namespace").map(str::to_owned), name: args.must("name").to_owned() })
    }

    async fn deed(&self, which: Which, args: &Args, cluster: &ClusterDef) -> Result<Deed, Fault> {
        let kind = match which {
            Which::Scale | Which::Restart | Which::RollBack | Which::PatchDeployment | Which::CreateDeployment => "deployments.apps",
            Which::CreateService | Which::UpdateService | Which::PatchService => "services.v1",
            Which::Cordon | Which::Uncordon | Which::Drain => "nodes.v1",
            _ => args.must("kind"),
        };
        let target = self.target(cluster, kind, args).await?;
        let json = |name: &str| args.json(name).cloned().unwrap_or_default();
        Ok(match which {
            Which::Scale | Which::ScaleAny => {
                Deed::Scale { target, replicas: args.maybe("replicas").and_then(|it| it.try_into().ok()).unwrap_or_default() }
            }
            Which::Restart | Which::RestartAny => Deed::Restart { target },
            // Neither is an act on one object.
            Which::CreateDeployment | Which::History => {
                let words = "this tool acts on no object";
                return Err(Fault::new(FaultKind::Internal, "no_act", Text::same(words), Text::default()));
            }
            Which::RollBack | Which::RollBackAny => Deed::RollBack { target, revision: args.maybe("revision") },
            Which::PatchDeployment => Deed::Patch { target, kind: Some(PatchKind::Strategic), patch: json("patch_data") },
            Which::PatchService => {
                let mut patch = json("patch_data");
                service::spelled_as_the_api_does(&mut patch)?;
                Deed::Patch { target, kind: Some(PatchKind::Strategic), patch }
            }
            Which::CreateService => Deed::Create { object: service::created(args)?, target },
            Which::UpdateService => {
                let live = self.kube.object(cluster, &target.kind, target.namespace.as_deref(), &target.name).await?;
                Deed::Replace { object: service::updated(live, args)?, target }
            }
            Which::Edit => Deed::Replace { target, object: json("object") },
            Which::Patch => {
                let kind = match args.text("patch_type") {
                    Some("strategic") => Some(PatchKind::Strategic),
                    Some("merge") => Some(PatchKind::Merge),
                    Some("json") => Some(PatchKind::Json),
                    _ => None,
                };
                Deed::Patch { target, kind, patch: json("patch") }
            }
            Which::Delete => Deed::Delete {
                target,
                propagation: match args.text("propagation") {
                    Some("foreground") => Propagation::Foreground,
                    Some("orphan") => Propagation::Orphan,
                    _ => Propagation::Background,
                },
                grace_seconds: args.maybe("grace_period_seconds"),
                uid: args.text("uid").map(str::to_owned),
                resource_version: args.text("resource_version").map(str::to_owned),
            },
            Which::Cordon => Deed::Cordon { target, on: true },
            Which::Uncordon => Deed::Cordon { target, on: false },
            Which::Drain => Deed::Drain {
                target,
                order: DrainOrder {
                    force: args.flag("force"),
                    delete_emptydir_data: args.flag("delete_emptydir_data"),
                    grace_seconds: args.maybe("grace_period_seconds"),
                    timeout: Duration::from_secs(args.whole("timeout_seconds")),
                },
            },
        })
    }
}

/// Steps of an act as progress of a call.
fn steps(io: &CallIo, beats: Arc<AtomicU32>) -> Arc<dyn Fn(ActStep) + Send + Sync> {
    let io = io.clone();
    Arc::new(move |step: ActStep| {
        let message = format!("{}/{} {}", step.done, step.of, step.what);
        io.emit(CallEvent::Progress { progress: beat(&beats), total: None, message: Some(message) });
    })
}

/// What would be changed, for whoever decides.
fn told(deed: &Deed, cluster: &ClusterDef, foresight: &Foresight) -> String {
    let mut text = format!("{deed:?} @ {}\n", cluster.name);
    if foresight.changes.is_empty() && foresight.pods.is_empty() {
        text.push_str("nothing would be changed: it is so already · 无需更改\n");
    }
    text.push_str(&change_text(&foresight.changes));
    for pod in &foresight.pods {
        text.push_str(&format!("\n{} pod {}/{} ({})", pod.fate, pod.namespace, pod.name, pod.why.en));
    }
    for keeper in &foresight.undone_by {
        text.push_str(&format!("\nmay be set back by · 可能被改回: {} {}", keeper.by, keeper.path));
    }
    for warning in &foresight.warnings {
        text.push_str(&format!("\n! {}\n  {}", warning.en, warning.zh));
    }
    text
}

/// What was done, in a sentence.
fn said(deed: &Deed, done: &Done) -> String {
    match done.done.first() {
        None if done.pods.is_empty() => format!("{deed:?}: nothing had to be changed"),
        Some((Action::Delete, object)) => format!("deleted {object}"),
        Some((Action::Create, object)) => format!("created {object}"),
        _ => format!("{deed:?}: done"),
    }
}

/// The result, as the tool's callers know it.
fn shape(which: Which, deed: &Deed, done: &Done) -> Json {
    let none = Json::Null;
    let (before, after) = (done.before.as_ref().unwrap_or(&none), done.after.as_ref().unwrap_or(&none));
    let there = if after.is_null() { before } else { after };
    let (namespace, name) = (at(there, "/metadata/namespace"), &deed.target().name);
    let revisions = done.revisions.unwrap_or_default();
    let scaling = || {
        let target = if let Deed::Scale { replicas, .. } = deed { *replicas } else { 0 };
        json!({ "previous_replicas": at(before, "/spec/replicas"), "target_replicas": target,
                "current_replicas": after.pointer("/status/replicas").cloned().unwrap_or_else(|| 0.into()) })
    };
    match which {
        Which::Scale => json!({ "deployment_name": name, "namespace": namespace, "scaling_info": scaling() }),
        Which::Restart => {
            let at_time = after.pointer("/spec/template/metadata/annotations").and_then(|all| all.get("kubectl.kubernetes.io/restartedAt"));
            json!({ "deployment_name": name, "namespace": namespace, "restart_time": at_time, "replicas": at(after, "/spec/replicas") })
        }
        Which::RollBack => {
            json!({ "deployment_name": name, "namespace": namespace, "target_revision": revisions.0, "current_revision": revisions.1 })
        }
        Which::PatchDeployment => json!({
            "deployment_name": name, "namespace": namespace, "patch_applied": !done.done.is_empty(),
            "current_replicas": after.pointer("/status/replicas").cloned().unwrap_or_else(|| 0.into()),
            "ready_replicas": after.pointer("/status/readyReplicas").cloned().unwrap_or_else(|| 0.into()),
        }),
        Which::CreateService | Which::UpdateService | Which::PatchService => json!({ "service": service::shape(there) }),
        Which::Cordon | Which::Uncordon | Which::Drain => json!({
            "node_name": name, "unschedulable": there.pointer("/spec/unschedulable") == Some(&Json::Bool(true)), "pods": done.pods,
        }),
        _ => {
            let mut whole = json!({
                "kind": deed.target().kind.kind, "api_version": deed.target().kind.api_version(), "name": name, "namespace": namespace,
                "action": done.done.first().map_or("unchanged", |(action, _)| action.word()),
            });
            match which {
                Which::ScaleAny => whole["scaling_info"] = scaling(),
                Which::RollBackAny => {
                    whole["target_revision"] = revisions.0.into();
                    whole["current_revision"] = revisions.1.into();
                }
                Which::Edit | Which::Patch => whole["object"] = after.clone(),
                Which::Delete => whole["still_ending"] = at(before, "/metadata/finalizers").is_array().into(),
                _ => {}
            }
            whole
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_says_so_and_nobody_sees_what_the_desk_adds() {
        for (tool, row) in ActTools::tools().iter().zip(ROWS) {
            assert_eq!(tool.input_schema["additionalProperties"], false, "{}", row.name);
            assert!(tool.input_schema["properties"]["seen"].is_null(), "{}", row.name);
            assert_eq!(tool.annotations.read_only_hint, Some(row.which == Which::History), "{}", row.name);
            assert!(tool.input_schema["properties"]["cluster"].is_object(), "{}", row.name);
            for written in ["patch", "patch_data", "object", "yaml_config"] {
                let schema = &tool.input_schema["properties"][written];
                assert!(schema.is_null() || schema["writeOnly"] == true, "{} {written}: what it carries is not kept", row.name);
            }
        }
    }
}
