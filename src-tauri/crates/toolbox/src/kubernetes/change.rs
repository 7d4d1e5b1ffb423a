//! The tools that change a cluster, and those that try or watch a change.
//!
//! **Invariant:** a change that has begun is carried to its end, also when its caller walks away: half a set is worse than none.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use domain::cluster::{ClusterDef, Clusters};
use domain::fault::{Fault, ServerFault};
use domain::kube::choose;
use domain::manifest::{Action, Change, ChangeView, Draft, ObjectRef, Rehearsal, Rollout, RolloutTarget, stale};
use domain::protocol::{CallEvent, CallIo, Foreseen, decode};
use domain::tool::{Annotations, Content, Tool, ToolResult};
use domain::{Json, JsonMap};
use serde::Deserialize;
use serde_json::json;
use tokio_util::task::TaskTracker;

/// How often a caller hears that a change is still under way.
const PULSE: Duration = Duration::from_secs(5);
/// Longest that a change may wait to be confirmed: a day.
const LONGEST: u64 = 24 * 60 * 60;
/// Longest that a rollout is watched.
const WATCH: u64 = 540;

/// The tools.
#[derive(Debug, Clone)]
pub(crate) struct ChangeTools {
    change: Arc<dyn Change>,
    clusters: Arc<dyn Clusters>,
    tasks: TaskTracker,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ManifestArgs {
    manifest: String,
    cluster: Option<String>,
    namespace: Option<String>,
    #[serde(default)]
    take_over: Vec<String>,
    digest: Option<String>,
    confirm_within_seconds: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangeArgs {
    change: String,
    #[serde(default)]
    force: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListArgs {
    limit: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RolloutArgs {
    #[serde(default = "deployment")]
    kind: String,
    #[serde(alias = "deployment_name")]
    name: String,
    namespace: Option<String>,
    cluster: Option<String>,
    wait_seconds: Option<u64>,
}

fn deployment() -> String {
    "deployment".to_owned()
}

/// A row: name, title, what it does, arguments, required ones, what it says of itself.
type Row = (&'static str, &'static str, &'static str, Json, Json, Annotations);

fn reads() -> Annotations {
    Annotations { read_only_hint: Some(true), destructive_hint: Some(false), idempotent_hint: Some(true), ..Annotations::default() }
}

fn destroys() -> Annotations {
    Annotations { read_only_hint: Some(false), destructive_hint: Some(true), idempotent_hint: Some(false), ..Annotations::default() }
}

fn rows() -> Vec<Row> {
    let cluster =
        json!({ "type": "string", "description": "The cluster, by name or id; the only one there is when absent. 集群名称或 ID" });
    let namespace = json!({ "type": "string", "description": "The namespace of objects that name none; the cluster's usual one when absent. 命名空间" });
    // What is written only is not kept in the history of calls: it may hold Secrets.
    let manifest =
        json!({ "type": "string", "minLength": 1, "writeOnly": true, "description": "YAML or JSON, one document or many. 清单" });
    let take_over = json!({ "type": "array", "items": { "type": "string" },
        "description": "Fields to be taken over from other managers, as the conflicts of a rehearsal name them, alone or after KIND/NAME: 要接管的字段" });
    let change = json!({ "type": "string", "minLength": 1, "description": "The change's id, as k8s-apply gave it. 更改的 ID" });
    let draft = json!({ "manifest": manifest, "namespace": namespace, "cluster": cluster, "take_over": take_over });
    let mut apply = draft.clone();
    apply["digest"] =
        json!({ "type": "string", "minLength": 1, "description": "The digest of the rehearsal that was approved. 已批准的排演摘要" });
    apply["confirm_within_seconds"] = json!({ "type": "integer", "minimum": 1, "maximum": LONGEST,
        "description": "Take it back unless k8s-confirm comes within so many seconds. 超过此秒数未确认则自动撤销" });
    vec![
        (
            "k8s-diff",
            "Compare a manifest with the cluster · 对比清单与集群",
            "Shows what applying a manifest would make otherwise in the cluster, by a server-side dry run. Changes nothing. 通过服务器端试运行显示应用清单后的差异，不作任何更改。",
            draft.clone(),
            json!(["manifest"]),
            reads(),
        ),
        (
            "k8s-rehearse",
            "Rehearse a manifest · 排演清单",
            "Tries a manifest on the API server without changing anything: differences, conflicts with other field managers, who would set it back, and the digest that k8s-apply wants. 在 API 服务器上试运行清单而不作更改：差异、字段冲突、会被谁改回，以及 k8s-apply 所需的摘要。",
            draft,
            json!(["manifest"]),
            reads(),
        ),
        (
            "k8s-apply",
            "Apply a rehearsed manifest · 应用已排演的清单",
            "Applies exactly what was rehearsed: where the digest no longer holds, nothing is changed. Keeps what was there, for k8s-undo. 只应用排演过的内容；摘要失效则不作任何更改。保留原有对象以便 k8s-undo。",
            apply,
            json!(["manifest", "digest"]),
            destroys(),
        ),
        (
            "k8s-undo",
            "Take a change back · 撤销更改",
            "Deletes what a change made, makes again what is gone, and puts fields back. Refused when somebody changed them since, unless force is given. 删除该更改创建的对象、重建已消失的对象并恢复字段；此后有人改动则拒绝，除非指定 force。",
            json!({ "change": change, "force": { "type": "boolean", "description": "Also over what somebody changed since. 即使此后有人改动" } }),
            json!(["change"]),
            destroys(),
        ),
        (
            "k8s-confirm",
            "Keep a change · 确认更改",
            "A change that waits for its confirmation stays. 使等待确认的更改保留下来。",
            json!({ "change": change }),
            json!(["change"]),
            Annotations { destructive_hint: Some(false), idempotent_hint: Some(true), ..Annotations::default() },
        ),
        (
            "k8s-list-changes",
            "List changes · 列出更改",
            "The newest changes that were applied from here, and where each stands. 列出最近从此处应用的更改及其状态。",
            json!({ "limit": { "type": "integer", "minimum": 1, "maximum": 500, "description": "At most so many. 最多条数" } }),
            json!([]),
            reads(),
        ),
        (
            "k8s-rollout-status",
            "See a rollout · 查看发布状态",
            "Where the rollout of a Deployment, StatefulSet or DaemonSet stands, and what keeps its pods from being ready. 查看 Deployment、StatefulSet 或 DaemonSet 的发布状态及 Pod 未就绪的原因。",
            json!({
                "kind": { "type": "string", "enum": ["deployment", "statefulset", "daemonset"], "description": "deployment when absent. 默认 deployment" },
                "name": { "type": "string", "minLength": 1, "description": "Its name. 名称" },
                "deployment_name": { "type": "string", "minLength": 1, "description": "The same, by its older name. 同 name" },
                "namespace": namespace,
                "cluster": cluster,
                "wait_seconds": { "type": "integer", "minimum": 0, "maximum": WATCH, "description": "Watch it so long, or until it is done or has failed. 等待秒数" },
            }),
            json!([]),
            reads(),
        ),
    ]
}

impl ChangeTools {
    /// Over what changes clusters, and the clusters that there are.
    pub(crate) fn new(change: Arc<dyn Change>, clusters: Arc<dyn Clusters>) -> Self {
        Self { change, clusters, tasks: TaskTracker::new() }
    }

    /// As callers see them.
    pub(crate) fn tools() -> Vec<Tool> {
        let one = |(name, title, about, properties, required, annotations): Row| Tool {
            name: name.into(),
            title: Some(title.to_owned()),
            description: about.to_owned(),
            input_schema: json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false }),
            output_schema: None,
            annotations: Annotations { title: Some(title.to_owned()), ..annotations },
        };
        rows().into_iter().map(one).collect()
    }

    /// Runs one.
    pub(crate) async fn call(&self, name: &str, args: JsonMap, io: &CallIo) -> Result<ToolResult, ServerFault> {
        let args = Json::Object(args);
        match name {
            "k8s-diff" => {
                let args: ManifestArgs = read(args)?;
                Ok(answer(self.rehearse(args).await.map(|rehearsal| told_diff(&rehearsal))))
            }
            "k8s-rehearse" => {
                let args: ManifestArgs = read(args)?;
                Ok(answer(self.rehearse(args).await.map(|rehearsal| told_rehearsal(&rehearsal))))
            }
            "k8s-apply" => {
                let args: ManifestArgs = read(args)?;
                let tools = self.clone();
                self.carried_out(io, async move { tools.apply(args).await }).await
            }
            "k8s-undo" => {
                let args: ChangeArgs = read(args)?;
                let tools = self.clone();
                self.carried_out(io, async move { tools.undo(args).await }).await
            }
            "k8s-confirm" => {
                let args: ChangeArgs = read(args)?;
                let kept = self.change.confirm(&args.change).await;
                Ok(answer(kept.map(|view| (format!("the change {} stays", view.id), of(&view)))))
            }
            "k8s-list-changes" => {
                let args: ListArgs = read(args)?;
                let list = self.change.changes(args.limit.unwrap_or(50).min(500)).await;
                Ok(answer(list.map(|list| told_changes(&list))))
            }
            "k8s-rollout-status" => {
                let args: RolloutArgs = read(args)?;
                let tools = self.clone();
                self.carried_out(io, async move { tools.rollout(args).await }).await
            }
            other => Err(ServerFault::NoSuch { what: "tool", name: other.to_owned() }),
        }
    }

    /// What `k8s-apply` would change. A digest that does not hold is told at once.
    pub(crate) async fn foresee(&self, name: &str, args: &JsonMap) -> Option<Result<Foreseen, Fault>> {
        if name != "k8s-apply" {
            return None;
        }
        let args: ManifestArgs = read(Json::Object(args.clone())).ok()?;
        let digest = args.digest.clone().unwrap_or_default();
        Some(match self.rehearse(args).await {
            Ok(rehearsal) if rehearsal.digest() != digest => Err(stale()),
            Ok(rehearsal) => Ok(Foreseen { text: changes_text(&rehearsal), pinned: JsonMap::new() }),
            Err(fault) => Err(fault),
        })
    }

    /// What changes clusters.
    pub(super) fn changes(&self) -> &dyn Change {
        self.change.as_ref()
    }

    pub(super) async fn cluster(&self, named: Option<&str>) -> Result<ClusterDef, Fault> {
        choose(&self.clusters.clusters().await?, named)
    }

    async fn rehearse(&self, args: ManifestArgs) -> Result<Rehearsal, Fault> {
        let cluster = self.cluster(args.cluster.as_deref()).await?;
        self.change.rehearse(&cluster, &Draft { text: args.manifest, namespace: args.namespace, take_over: args.take_over }).await
    }

    async fn apply(&self, args: ManifestArgs) -> Result<(String, Json), Fault> {
        let cluster = self.cluster(args.cluster.as_deref()).await?;
        let draft = Draft { text: args.manifest, namespace: args.namespace, take_over: args.take_over };
        let within = args.confirm_within_seconds.map(Duration::from_secs);
        let done = self.change.apply(&cluster, &draft, &args.digest.unwrap_or_default(), within).await?;
        let list = done.applied.iter().map(|(action, object)| format!("{} {object}", action.word())).collect::<Vec<_>>().join("\n");
        let mut text = if list.is_empty() { "nothing had to be changed".to_owned() } else { list };
        if let Some(id) = &done.undo_id {
            text.push_str(&format!("\nto take it back: k8s-undo {id}"));
        }
        let applied: Vec<Json> = done.applied.iter().map(row).collect();
        let whole = json!({ "applied": applied, "undoId": done.undo_id, "revertAt": done.revert_at, "warnings": done.warnings });
        Ok((text, whole))
    }

    async fn undo(&self, args: ChangeArgs) -> Result<(String, Json), Fault> {
        let view = self.change.change(&args.change).await?;
        let cluster = self.cluster(Some(view.cluster.as_str())).await?;
        let undone = self.change.undo(&cluster, &args.change, args.force).await?;
        let list = undone.undone.iter().map(|step| format!("{} {}", step.action, step.object)).collect::<Vec<_>>().join("\n");
        Ok((list, of(&undone)))
    }

    async fn rollout(&self, args: RolloutArgs) -> Result<(String, Json), Fault> {
        let cluster = self.cluster(args.cluster.as_deref()).await?;
        let target = RolloutTarget { kind: args.kind, name: args.name, namespace: args.namespace };
        let wait = args.wait_seconds.map(|seconds| Duration::from_secs(seconds.min(WATCH)));
        Ok(told_rollout(&self.change.rollout(&cluster, &target, wait).await?))
    }

    /// Runs it in a task of its own and tells the caller that it goes on.
    pub(super) async fn carried_out(
        &self,
        io: &CallIo,
        work: impl Future<Output = Result<(String, Json), Fault>> + Send + 'static,
    ) -> Result<ToolResult, ServerFault> {
        self.carried_out_with(io, Arc::default(), work).await
    }

    /// The same; `beats` counts what the caller heard, so that other news goes on from there.
    pub(super) async fn carried_out_with(
        &self,
        io: &CallIo,
        beats: Arc<AtomicU32>,
        work: impl Future<Output = Result<(String, Json), Fault>> + Send + 'static,
    ) -> Result<ToolResult, ServerFault> {
        let mut work = self.tasks.spawn(work);
        let mut pulse = tokio::time::interval(PULSE);
        loop {
            tokio::select! {
                done = &mut work => {
                    return done.map(answer).map_err(|_| ServerFault::Internal { what: "a change came to a sudden end".into() });
                }
                () = io.cancel.cancelled() => return Err(ServerFault::Cancelled),
                _ = pulse.tick() => {
                    io.emit(CallEvent::Progress { progress: beat(&beats), total: None, message: None });
                }
            }
        }
    }
}

/// The next number of what a caller hears.
pub(super) fn beat(beats: &AtomicU32) -> f64 {
    f64::from(beats.fetch_add(1, Ordering::Relaxed) + 1)
}

pub(super) fn read<T: serde::de::DeserializeOwned>(args: Json) -> Result<T, ServerFault> {
    decode(args).map_err(|fault| match fault {
        ServerFault::Settings { field, reason } => ServerFault::SchemaInvalid { path: field, reason },
        other => other,
    })
}

pub(super) fn of<T: serde::Serialize>(value: &T) -> Json {
    serde_json::to_value(value).unwrap_or(Json::Null)
}

fn row((action, object): &(Action, ObjectRef)) -> Json {
    json!({ "action": action, "object": object })
}

/// What a tool answers: words for whoever reads, the same as data, and a fault as data, too.
pub(super) fn answer(done: Result<(String, Json), Fault>) -> ToolResult {
    match done {
        Ok((text, whole)) => ToolResult { content: vec![Content::text(text)], structured_content: Some(whole), is_error: false },
        Err(fault) => {
            let side = |message: &str, hint: &str| if hint.is_empty() { message.to_owned() } else { format!("{message}\n{hint}") };
            let content = vec![
                Content::text(format!("{}: {}", fault.code, side(&fault.message.en, &fault.hint.en))),
                Content::text(side(&fault.message.zh, &fault.hint.zh)),
            ];
            ToolResult { content, structured_content: Some(json!({ "fault": fault })), is_error: true }
        }
    }
}

fn changes_text(rehearsal: &Rehearsal) -> String {
    change_text(rehearsal.changes())
}

/// Objects and their differences.
pub(super) fn change_text(changes: &[domain::manifest::ObjectChange]) -> String {
    let one = |change: &domain::manifest::ObjectChange| format!("{} {}\n{}", change.action.word(), change.object, change.diff);
    changes.iter().map(one).collect::<Vec<_>>().join("\n")
}

fn told_diff(rehearsal: &Rehearsal) -> (String, Json) {
    (changes_text(rehearsal), json!({ "changes": rehearsal.changes(), "warnings": rehearsal.warnings() }))
}

fn told_rehearsal(rehearsal: &Rehearsal) -> (String, Json) {
    let mut text = changes_text(rehearsal);
    for conflict in rehearsal.conflicts() {
        let state = if conflict.taken_over { "taken over from" } else { "managed by" };
        text.push_str(&format!("\nconflict: {} {} ({state} {})", conflict.object, conflict.path, conflict.manager));
    }
    for keeper in rehearsal.undone_by() {
        text.push_str(&format!("\nwill be set back by {}: {} {}", keeper.by, keeper.object, keeper.path));
    }
    for warning in rehearsal.warnings() {
        text.push_str(&format!("\nwarning: {}", warning.en));
    }
    text.push_str(&format!("\ndigest: {}", rehearsal.digest()));
    (text, of(rehearsal))
}

fn told_changes(list: &[ChangeView]) -> (String, Json) {
    let one = |view: &ChangeView| {
        let objects = view.objects.iter().map(|(action, object, _)| format!("{} {object}", action.word())).collect::<Vec<_>>().join(", ");
        format!("{} {} {objects}", view.id, view.state.word())
    };
    (list.iter().map(one).collect::<Vec<_>>().join("\n"), json!({ "changes": list }))
}

fn told_rollout(rollout: &Rollout) -> (String, Json) {
    let mut text = rollout.summary.en.clone();
    for reason in &rollout.reasons {
        let container = reason.container.as_ref().map_or_else(String::new, |name| format!("/{name}"));
        text.push_str(&format!("\n{}{container}: {}: {}", reason.pod, reason.reason, reason.message));
    }
    (text, of(rollout))
}

#[cfg(test)]
mod tests {
    use domain::fault::FaultKind;
    use domain::text::Text;

    use super::*;

    #[test]
    fn the_tools_say_what_they_want_and_whether_they_change_something() {
        for tool in ChangeTools::tools() {
            assert_eq!(tool.input_schema["additionalProperties"], false, "{}", tool.name);
            let changes = matches!(tool.name.as_str(), "k8s-apply" | "k8s-undo");
            assert_eq!(tool.annotations.destructive_hint, Some(changes), "{}", tool.name);
            let manifest = &tool.input_schema["properties"]["manifest"];
            assert!(manifest.is_null() || manifest["writeOnly"] == true, "{}: a manifest is not kept", tool.name);
            for required in tool.input_schema["required"].as_array().unwrap() {
                assert!(!tool.input_schema["properties"][required.as_str().unwrap()].is_null(), "{} {required}", tool.name);
            }
        }
    }

    #[test]
    fn a_fault_comes_back_from_an_answer_as_it_was() {
        let fault = Fault::new(FaultKind::Denied, "rehearsal_stale", Text::new("a", "b"), Text::new("c", "d"));
        let result = answer(Err(fault.clone()));
        assert!(result.is_error);
        let whole = result.structured_content.unwrap();
        assert_eq!(serde_json::from_value::<Fault>(whole["fault"].clone()).unwrap(), fault);
        assert_eq!(result.content.len(), 2, "in both languages");
    }
}
