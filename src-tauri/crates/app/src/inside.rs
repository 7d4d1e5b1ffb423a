//! What runs in clusters, reached into as a user does: terminals, ports that are forwarded, single values of Secrets.
//!
//! **Invariant:** each begins with policy's yes and a written intent, and leaves a written end; what is typed, what is written and what is
//! revealed is written down nowhere. When credentials are locked, all of them end.

use std::sync::Arc;
use std::time::Duration;

use domain::fault::{Fault, FaultKind};
use domain::id::{AuditId, CallId};
use domain::inside::{ExecInput, ExecOrder, ExecSink, ForwardOrder, ForwardView};
use domain::kube::choose;
use domain::policy::{Actor, Door};
use domain::reach::are_clusters_locked;
use domain::text::Text;
use domain::tool::Risk;
use domain::vault::SecretBytes;
use domain::{Json, JsonMap};
use serde_json::json;
use tokio::sync::mpsc;

use crate::core::Core;
use crate::desk::{CallOrder, Desk};
use crate::event::Tag;
use crate::workbench::Workbench;

/// The name under which policy knows the revealing of a Secret's value.
pub const REVEAL: &str = "k8s-reveal-secret";
/// Another process may lock: so often it is looked at while something is open.
const LOOK: Duration = Duration::from_secs(1);

/// A command that a person attends.
#[derive(Debug, Clone)]
pub struct ExecCall {
    /// The cluster, by name or id; none for the only one there is.
    pub cluster: Option<String>,
    /// What, and where.
    pub exec: ExecOrder,
    /// Names it, so that it can be ended.
    pub call: CallId,
    /// Whether the person at the terminal agreed beforehand.
    pub approve_once: bool,
}

/// A command that ended.
#[derive(Debug, Clone)]
pub struct Executed {
    /// Its exit code.
    pub code: i32,
    /// The reference to quote.
    pub audit_id: AuditId,
}

/// Which value is to be revealed.
#[derive(Debug, Clone)]
pub struct RevealOrder {
    /// The cluster, by name or id; none for the only one there is.
    pub cluster: Option<String>,
    /// Where; none for the cluster's usual namespace.
    pub namespace: Option<String>,
    /// The Secret.
    pub name: String,
    /// The key.
    pub key: String,
    /// Whether the person at the terminal agreed beforehand.
    pub approve_once: bool,
}

/// Reaches into what runs.
#[derive(Debug, Clone)]
pub struct InsidePods {
    core: Arc<Core>,
}

fn text_args(args: &mut JsonMap, all: [(&str, Option<&str>); 3]) {
    for (name, value) in all {
        if let Some(value) = value {
            args.insert(name.to_owned(), value.into());
        }
    }
}

impl InsidePods {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Runs a command in a container and waits for its end. Policy decides as about `k8s-exec-pod`. Dropping the future cuts the connection,
    /// and so do [`Desk::cancel`] with the order's call, the end of the app, and locking.
    pub async fn exec(
        &self,
        order: ExecCall,
        input: mpsc::Receiver<ExecInput>,
        sink: &dyn ExecSink,
        by: &Actor,
    ) -> Result<Executed, Fault> {
        let cluster = choose(&self.core.ports.clusters.clusters().await?, order.cluster.as_deref())?;
        let mut args = JsonMap::from_iter([
            ("pod_name".to_owned(), Json::from(order.exec.pod.as_str())),
            ("command".to_owned(), order.exec.command.clone().into()),
        ]);
        let (namespace, container) = (order.exec.namespace.as_deref(), order.exec.container.as_deref());
        text_args(&mut args, [("namespace", namespace), ("container", container), ("cluster", Some(cluster.id.as_str()))]);
        let asked = CallOrder {
            server: Workbench::new(self.core.clone()).server()?,
            tool: "k8s-exec-pod".into(),
            args,
            actor: by.clone(),
            call: order.call,
            timeout: None,
            approve_once: order.approve_once,
        };
        let begun = Desk::new(self.core.clone()).begin(asked).await?;
        let audit_id = begun.audit_id().clone();
        let ended = tokio::select! {
            ended = self.core.ports.inside.exec(&cluster, &order.exec, input, sink) => ended,
            () = begun.unwanted() => Err(ended_here()),
            () = self.core.clone().becomes_locked() => Err(locked()),
        };
        begun.end(&ended).await;
        match ended {
            Ok(code) => Ok(Executed { code, audit_id }),
            Err(fault) => Err(fault.with_reference(&audit_id)),
        }
    }

    /// Begins to forward, as a call of `k8s-port-forward`. It goes on until it is stopped, the app ends, or credentials are locked.
    pub async fn forward(&self, cluster: Option<&str>, order: &ForwardOrder, by: &Actor, approve_once: bool) -> Result<ForwardView, Fault> {
        let ports: Vec<String> = order.ports.iter().map(|pair| format!("{}:{}", pair.local, pair.remote)).collect();
        let mut args = JsonMap::from_iter([("target".to_owned(), Json::from(order.target.as_str())), ("ports".to_owned(), ports.into())]);
        text_args(&mut args, [("namespace", order.namespace.as_deref()), ("cluster", cluster), ("", None)]);
        Workbench::new(self.core.clone()).tool("k8s-port-forward", args, by, approve_once).await
    }

    /// What is forwarded now, oldest first.
    pub fn forwards(&self) -> Vec<ForwardView> {
        self.core.ports.inside.forwards()
    }

    /// Waits until the list of forwards, or one of them, changed since the last time.
    pub fn forwards_changed(&self) -> tokio::sync::watch::Receiver<u64> {
        self.core.ports.inside.forwards_changed()
    }

    /// Ends a forward, and writes that down; none when it was not there.
    pub async fn stop_forward(&self, id: &str, by: &Actor) -> Result<Option<ForwardView>, Fault> {
        let stopped = self.core.ports.inside.stop_forward(id);
        if let Some(view) = &stopped {
            self.core.ended_forward(view, by, "stopped").await?;
        }
        Ok(stopped)
    }

    /// One value of a Secret. Policy decides as about a tool [`REVEAL`] of high risk; the audit log keeps which value it was and never the
    /// value. No program can ask for it.
    pub async fn reveal(&self, order: RevealOrder, by: &Actor) -> Result<(SecretBytes, AuditId), Fault> {
        let cluster = choose(&self.core.ports.clusters.clusters().await?, order.cluster.as_deref())?;
        let namespace = order.namespace.unwrap_or_else(|| cluster.namespace.clone().unwrap_or_else(|| "default".to_owned()));
        let shape = json!({ "cluster": cluster.name, "namespace": namespace, "name": order.name, "key": order.key });
        let asked = CallOrder {
            server: Workbench::new(self.core.clone()).server()?,
            tool: REVEAL.into(),
            args: shape.as_object().cloned().unwrap_or_default(),
            actor: by.clone(),
            call: CallId::new(format!("reveal-{}", uuid::Uuid::new_v4().simple())),
            timeout: None,
            approve_once: order.approve_once,
        };
        let begun = Desk::new(self.core.clone()).begin_own(asked, Risk::High, shape).await?;
        let audit_id = begun.audit_id().clone();
        let value = tokio::select! {
            value = self.core.ports.inside.reveal(&cluster, Some(&namespace), &order.name, &order.key) => value,
            () = begun.unwanted() => Err(ended_here()),
        };
        begun.end(&value).await;
        match value {
            Ok(value) => Ok((value, audit_id)),
            Err(fault) => Err(fault.with_reference(&audit_id)),
        }
    }
}

impl Core {
    /// Waits until the credentials of clusters are locked, by whatever process.
    async fn becomes_locked(self: Arc<Self>) {
        while !are_clusters_locked(self.ports.settings.as_ref()).await.unwrap_or(false) {
            tokio::select! {
                () = self.lock_bell.rung() => {}
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    async fn ended_forward(&self, view: &ForwardView, by: &Actor, why: &str) -> Result<(), Fault> {
        let detail =
            json!({ "cluster": view.cluster_name, "namespace": view.namespace, "target": view.target, "ports": view.ports, "why": why });
        self.note(by, None, "port_forward_ended", detail).await
    }

    /// Tells the window of forwards, and ends them with the app and when credentials are locked.
    pub(crate) async fn keep_forwards(self: Arc<Self>) {
        let mut changed = self.ports.inside.forwards_changed();
        loop {
            let open = !self.ports.inside.forwards().is_empty();
            let why = tokio::select! {
                () = self.stop.cancelled() => "the app ended",
                told = changed.changed() => {
                    if told.is_err() {
                        return;
                    }
                    self.events.changed(Tag::Forwards);
                    continue;
                }
                () = self.clone().becomes_locked(), if open => "credentials were locked",
            };
            let actor = Actor {
                door: if self.door_person.is_some() { Door::Cli } else { Door::Window },
                name: "pilothouse".to_owned(),
                can_ask: false,
            };
            for view in self.ports.inside.forwards() {
                if self.ports.inside.stop_forward(&view.id).is_some()
                    && let Err(fault) = self.ended_forward(&view, &actor, why).await
                {
                    tracing::error!(%fault, "the end of a forward could not be written down");
                }
            }
            self.events.changed(Tag::Forwards);
            if self.stop.is_cancelled() {
                return;
            }
        }
    }
}

fn ended_here() -> Fault {
    Fault::new(
        FaultKind::Cancelled,
        "cancelled",
        Text::new("it was ended here", "已在此处结束"),
        Text::new("A command may go on in the container.", "命令可能仍在容器中运行。"),
    )
}

fn locked() -> Fault {
    Fault::new(
        FaultKind::Denied,
        "clusters_locked",
        Text::new("the credentials of clusters were locked: the connection was cut", "集群凭据已锁定：连接已断开"),
        Text::new("Unlock them in the app, or run pilot cluster unlock.", "请在应用中解锁，或运行 pilot cluster unlock。"),
    )
}
