//! Changing clusters as a user does: rehearse, apply what was rehearsed, take it back; and carrying out what was to go back by itself.
//!
//! **Invariant:** what a person or a program wants changed goes through the desk, as a call of a built-in tool. What goes back because
//! nobody confirmed it was agreed to when it was applied; it is in the audit log before and after.

use std::sync::Arc;
use std::time::Duration;

use domain::act::{ActTarget, PodFate, Revision};
use domain::fault::{Fault, FaultKind};
use domain::id::{AuditId, CallId, Millis, ServerId};
use domain::kube::{choose, find_cluster};
use domain::manifest::{Action, ChangeView, Draft, ObjectRef, Rehearsal, Rollout, RolloutTarget, Undone};
use domain::policy::{Actor, Door};
use domain::protocol::CallEvent;
use domain::text::Text;
use domain::{Json, JsonMap};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::mpsc;

use crate::core::Core;
use crate::desk::{CallOrder, Desk};
use crate::event::Tag;

/// The module whose tools change clusters.
const MODULE: &str = domain::local::KUBERNETES_MODULE;
/// How long a whole set may take.
const PATIENCE: Duration = Duration::from_secs(600);
/// At most so long between two looks at what waits: another process may have begun to wait.
const LOOK: i64 = 30_000;
/// Between two looks at a rollout.
const PAUSE: Duration = Duration::from_secs(1);
/// Of `metadata`, what the API server keeps for itself.
const BOOKKEEPING: [&str; 6] = ["managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink"];
/// What `kubectl apply` keeps of what it sent.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
/// How many objects are asked for together.
const AT_ONCE: usize = 8;
/// How soon what could not be taken back is tried again.
const AGAIN: i64 = 30_000;

/// What is to be applied.
#[derive(Debug, Clone)]
pub struct ApplyOrder {
    /// The cluster, by name or id; none for the only one there is.
    pub cluster: Option<String>,
    /// The manifest.
    pub draft: Draft,
    /// The digest of the rehearsal that was approved.
    pub digest: String,
    /// Take it back unless it is confirmed within so long.
    pub confirm_within: Option<Duration>,
    /// Whether the person at the terminal agreed beforehand.
    pub approve_once: bool,
}

/// What was done to an object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AppliedObject {
    /// What.
    pub action: Action,
    /// To which.
    pub object: ObjectRef,
}

/// What was applied.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AppliedSet {
    /// In order.
    pub applied: Vec<AppliedObject>,
    /// To take it back; none when nothing had to be changed.
    pub undo_id: Option<String>,
    /// When it goes back by itself.
    pub revert_at: Option<Millis>,
    /// What the API server said while it was applied.
    pub warnings: Vec<Text>,
}

/// What an act on one object came to, as its tool answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Acted {
    /// In a sentence.
    pub message: String,
    /// Whether anything had to be changed.
    pub changed: bool,
    /// To take it back.
    pub undo_id: Option<String>,
    /// What is to be known.
    #[serde(default)]
    pub warnings: Vec<Text>,
    /// What became of pods.
    #[serde(default)]
    pub pods: Vec<PodFate>,
    /// What can be quoted.
    #[serde(default)]
    pub audit_id: String,
}

/// An act on one object, as a call of its tool.
#[derive(Debug, Clone)]
pub struct ActOrder {
    /// The tool, such as `k8s-delete-resource`.
    pub tool: &'static str,
    /// Its arguments.
    pub args: JsonMap,
    /// The handle for Cancel.
    pub call: CallId,
    /// Whether the person at the terminal agreed beforehand.
    pub approve_once: bool,
}

/// What went back because nobody confirmed it, or could not.
#[derive(Debug, Clone)]
pub struct Reverted {
    /// Which change.
    pub id: String,
    /// What came of it.
    pub outcome: Result<Undone, Fault>,
}

/// What is in a cluster of one document.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveObject {
    /// Which document, from 1.
    pub document: usize,
    /// Its object; none when it is not there.
    pub object: Option<Json>,
}

/// An object without its status and without what is only bookkeeping.
fn content(mut object: Json) -> Json {
    if let Some(map) = object.as_object_mut() {
        map.shift_remove("status");
        if let Some(metadata) = map.get_mut("metadata").and_then(Json::as_object_mut) {
            metadata.retain(|key, _| !BOOKKEEPING.contains(&key.as_str()));
            if let Some(annotations) = metadata.get_mut("annotations").and_then(Json::as_object_mut) {
                annotations.shift_remove(LAST_APPLIED);
                if annotations.is_empty() {
                    metadata.shift_remove("annotations");
                }
            }
        }
    }
    object
}

/// Changes clusters.
#[derive(Debug, Clone)]
pub struct Workbench {
    core: Arc<Core>,
}

impl Workbench {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Tries a manifest on the API server, which changes nothing; that it was tried is written down.
    pub async fn rehearse(&self, cluster: Option<&str>, draft: &Draft, by: &Actor) -> Result<Rehearsal, Fault> {
        let cluster = choose(&self.core.ports.clusters.clusters().await?, cluster)?;
        let tried = self.core.ports.change.rehearse(&cluster, draft).await;
        let objects: Vec<String> = tried.iter().flat_map(Rehearsal::changes).map(|change| change.object.to_string()).collect();
        let detail = json!({
            "cluster": cluster.id, "objects": objects, "digest": tried.as_ref().ok().map(Rehearsal::digest),
            "fault": tried.as_ref().err().map(|fault| &fault.code),
        });
        self.core.note(by, None, "cluster_change_rehearsed", detail).await?;
        tried
    }

    /// Does something to one object.
    pub async fn act(&self, order: ActOrder, by: &Actor, events: Option<mpsc::Sender<CallEvent>>) -> Result<Acted, Fault> {
        let asked = CallOrder {
            server: self.server()?,
            tool: order.tool.into(),
            args: order.args,
            actor: by.clone(),
            call: order.call,
            timeout: Some(PATIENCE),
            approve_once: order.approve_once,
        };
        let (acted, audit) = self.called::<Acted>(asked, events).await?;
        Ok(Acted { audit_id: audit.as_str().to_owned(), ..acted })
    }

    /// The revisions that a workload can go back to, newest first.
    pub async fn revisions(&self, cluster: Option<&str>, kind: &str, namespace: Option<&str>, name: &str) -> Result<Vec<Revision>, Fault> {
        let cluster = choose(&self.core.ports.clusters.clusters().await?, cluster)?;
        let kind = self.core.ports.kube.kind(&cluster, kind).await?;
        let target = ActTarget { kind, namespace: namespace.map(str::to_owned), name: name.to_owned() };
        self.core.ports.change.revisions(&cluster, &target).await
    }

    /// Applies what was rehearsed.
    pub async fn apply(&self, order: ApplyOrder, by: &Actor) -> Result<AppliedSet, Fault> {
        let cluster = choose(&self.core.ports.clusters.clusters().await?, order.cluster.as_deref())?;
        self.core.heed_lints(&cluster, &order.draft.text).await?;
        let mut args = JsonMap::new();
        args.insert("manifest".to_owned(), order.draft.text.into());
        args.insert("digest".to_owned(), order.digest.into());
        args.insert("take_over".to_owned(), order.draft.take_over.into());
        for (name, value) in [("cluster", order.cluster), ("namespace", order.draft.namespace)] {
            if let Some(value) = value {
                args.insert(name.to_owned(), value.into());
            }
        }
        if let Some(within) = order.confirm_within {
            args.insert("confirm_within_seconds".to_owned(), within.as_secs().max(1).into());
        }
        let done = self.tool("k8s-apply", args, by, order.approve_once).await;
        // Also what was refused half-way is in the list of changes.
        self.core.events.changed(Tag::Changes);
        done
    }

    /// Takes a change back; with `force` also over what somebody changed since.
    pub async fn undo(&self, id: &str, force: bool, approve_once: bool, by: &Actor) -> Result<Undone, Fault> {
        let args = JsonMap::from_iter([("change".to_owned(), id.into()), ("force".to_owned(), force.into())]);
        let done = self.tool("k8s-undo", args, by, approve_once).await;
        self.core.events.changed(Tag::Changes);
        done
    }

    /// A change that waits for its confirmation stays.
    pub async fn confirm(&self, id: &str, by: &Actor) -> Result<ChangeView, Fault> {
        let done = self.tool("k8s-confirm", JsonMap::from_iter([("change".to_owned(), id.into())]), by, false).await;
        self.core.events.changed(Tag::Changes);
        done
    }

    /// The newest changes.
    pub async fn changes(&self, most: u32) -> Result<Vec<ChangeView>, Fault> {
        self.core.ports.change.changes(most).await
    }

    /// Where a rollout stands.
    pub async fn rollout(&self, cluster: Option<&str>, target: &RolloutTarget, wait: Option<Duration>) -> Result<Rollout, Fault> {
        let cluster = choose(&self.core.ports.clusters.clusters().await?, cluster)?;
        self.core.ports.change.rollout(&cluster, target, wait).await
    }

    /// The same again and again, told to `tell` whenever it stands otherwise, until it is done, has failed, or the time is over. Dropping
    /// the future ends it.
    pub async fn watch_rollout(
        &self,
        cluster: Option<&str>,
        target: &RolloutTarget,
        patience: Duration,
        tell: impl Fn(&Rollout) + Send + Sync,
    ) -> Result<Rollout, Fault> {
        let cluster = choose(&self.core.ports.clusters.clusters().await?, cluster)?;
        let until = tokio::time::Instant::now() + patience;
        let mut told = None;
        loop {
            let now = self.core.ports.change.rollout(&cluster, target, None).await?;
            if told.as_ref() != Some(&now) {
                tell(&now);
            }
            if now.state != "progressing" || tokio::time::Instant::now() + PAUSE > until {
                return Ok(now);
            }
            told = Some(now);
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// What is in the cluster of the objects that a text names: without what the API server keeps for itself, values of Secrets masked.
    /// None for what is not there, for what names nothing, and for a list of objects.
    pub async fn live(&self, cluster: Option<&str>, text: &str, namespace: Option<&str>) -> Result<Vec<LiveObject>, Fault> {
        let cluster = choose(&self.core.ports.clusters.clusters().await?, cluster)?;
        let items = self.core.ports.manifests.outline(text);
        let kinds = self.core.ports.kube.kinds(&cluster).await?;
        let (cluster, kinds) = (&cluster, &kinds);
        let looks = items.into_iter().map(|item| async move {
            let named = item.name.as_deref().zip(kinds.of(&item.api_version, &item.kind));
            let Some((name, kind)) = named else { return Ok(LiveObject { document: item.document, object: None }) };
            let place = item.namespace.as_deref().or(namespace);
            match self.core.ports.kube.object(cluster, kind, place, name).await {
                Ok(object) => Ok(LiveObject { document: item.document, object: Some(content(object)) }),
                Err(fault) if fault.kind == FaultKind::NotFound => Ok(LiveObject { document: item.document, object: None }),
                Err(fault) => Err(fault),
            }
        });
        let looks: Vec<_> = looks.collect();
        stream::iter(looks).buffered(AT_ONCE).try_collect().await
    }

    /// Takes back what should have been confirmed by now and was not, whichever process applied it.
    pub async fn settle_due(&self) -> Result<Vec<Reverted>, Fault> {
        self.core.settle_due().await
    }

    /// Calls a built-in tool; its fault is given as it was.
    pub(crate) async fn tool<T: DeserializeOwned>(&self, tool: &str, args: JsonMap, by: &Actor, approve_once: bool) -> Result<T, Fault> {
        let order = CallOrder {
            server: self.server()?,
            tool: tool.into(),
            args,
            actor: by.clone(),
            call: CallId::new(format!("workbench-{}", uuid::Uuid::new_v4().simple())),
            timeout: Some(PATIENCE),
            approve_once,
        };
        self.called(order, None).await.map(|(answer, _)| answer)
    }

    async fn called<T: DeserializeOwned>(&self, order: CallOrder, events: Option<mpsc::Sender<CallEvent>>) -> Result<(T, AuditId), Fault> {
        let tool = order.tool.clone();
        let done = Desk::new(self.core.clone()).call_with(order, events).await?;
        let whole = done.result.structured_content.clone().unwrap_or(Json::Null);
        if done.result.is_error {
            let fault = whole.get("fault").cloned().and_then(|fault| serde_json::from_value::<Fault>(fault).ok());
            let said = || Fault::new(FaultKind::Protocol, "tool_error", Text::same(done.result.text()), Text::default());
            return Err(fault.unwrap_or_else(said).with_reference(&done.audit_id));
        }
        let answer = serde_json::from_value(whole).map_err(|_| {
            let text = Text::new(format!("the answer of {tool} could not be read"), format!("无法读取 {tool} 的结果"));
            Fault::new(FaultKind::Internal, "tool_answer", text, Text::default()).with_reference(&done.audit_id)
        })?;
        Ok((answer, done.audit_id))
    }

    /// The saved server whose tools these are.
    pub(crate) fn server(&self) -> Result<ServerId, Fault> {
        let is_it = |def: &domain::server::ServerDef| {
            def.enabled && def.protocol.as_str() == "local" && def.settings.get("module").and_then(Json::as_str) == Some(MODULE)
        };
        let slot = self.core.saved_slots().into_iter().find(|slot| is_it(&slot.definition().def));
        slot.map(|slot| slot.id.clone()).ok_or_else(|| {
            Fault::new(
                FaultKind::Config,
                "kubernetes_tools_missing",
                Text::new(
                    "the built-in server with the Kubernetes tools was removed or switched off",
                    "内置的 Kubernetes 工具服务器已被移除或停用",
                ),
                Text::new(
                    "Add a server of type local with the module kubernetes, or switch it on.",
                    "请添加类型为 local、模块为 kubernetes 的服务器，或将其启用。",
                ),
            )
        })
    }
}

impl Core {
    async fn settle_due(&self) -> Result<Vec<Reverted>, Fault> {
        let mut reverted = Vec::new();
        for view in self.ports.change.due().await? {
            let clusters = self.ports.clusters.clusters().await?;
            let actor = Actor {
                door: if self.door_person.is_some() { Door::Cli } else { Door::Window },
                name: "confirm-within".to_owned(),
                can_ask: false,
            };
            let objects: Vec<String> = view.objects.iter().map(|(_, object, _)| object.to_string()).collect();
            let detail = json!({ "change": view.id, "cluster": view.cluster, "objects": objects });
            // What could not be taken back is tried again and again, and written down once.
            let first = view.trouble.is_none();
            if first {
                self.note(&actor, None, "cluster_change_unconfirmed", detail).await?;
            }
            let outcome = match find_cluster(&clusters, view.cluster.as_str()) {
                Ok(cluster) => self.ports.change.undo(cluster, &view.id, false).await,
                Err(fault) => Err(fault),
            };
            let ended = outcome.as_ref().err().map(|fault| fault.code.clone());
            tracing::info!(change = view.id, fault = ended, "took back what nobody confirmed");
            if first || ended.is_none() {
                self.note(&actor, None, "cluster_change_reverted", json!({ "change": view.id, "fault": ended })).await?;
            }
            self.events.changed(Tag::Changes);
            reverted.push(Reverted { id: view.id, outcome });
        }
        Ok(reverted)
    }

    /// Carries out deadlines for as long as this process lives.
    pub(crate) async fn keep_deadlines(self: Arc<Self>) {
        loop {
            let now = self.now();
            let next = self.ports.change.next_deadline().await.ok().flatten();
            let wait = next.map_or(LOOK, |next| next.since(now).clamp(1_000, LOOK));
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = tokio::time::sleep(Duration::from_millis(u64::try_from(wait).unwrap_or(1_000))) => {}
            }
            match self.settle_due().await {
                Ok(done) if done.iter().all(|one| one.outcome.is_ok()) => {}
                Ok(_) | Err(_) => tokio::select! {
                    () = self.stop.cancelled() => return,
                    () = tokio::time::sleep(Duration::from_millis(u64::try_from(AGAIN).unwrap_or(1_000))) => {}
                },
            }
        }
    }
}
