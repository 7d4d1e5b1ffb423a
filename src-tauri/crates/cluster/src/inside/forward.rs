//! Ports of pods on this machine. A pod that goes is followed by the next one that is ready; the ports here stay.
//!
//! **Invariant:** nothing listens anywhere but on 127.0.0.1, and nothing listens any more once a forward was stopped.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::Json;
use domain::cluster::ClusterDef;
use domain::fault::{Fault, FaultKind};
use domain::inside::{ForwardOrder, ForwardPort, ForwardState, ForwardView};
use domain::text::Text;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::pods::{Target, name_of, uid_of};
use super::pump::{self, Ended};
use super::socket::Socket;
use crate::fault::about;
use crate::look::{Asked, At, ClientShown, Look};

/// How often the pod is looked at, and how often for another while there is none.
const LOOK: Duration = Duration::from_secs(5);
const SEARCH: Duration = Duration::from_secs(1);
/// How long a connection waits for a pod.
const PATIENCE: Duration = Duration::from_secs(15);

/// All forwards of this process.
#[derive(Debug)]
pub(super) struct Forwards {
    look: Arc<Look>,
    all: Arc<Mutex<BTreeMap<u64, Arc<Running>>>>,
    changed: Arc<watch::Sender<u64>>,
    next: AtomicU64,
    tasks: TaskTracker,
}

/// A forward that goes on.
#[derive(Debug)]
struct Running {
    cluster: ClusterDef,
    target: Target,
    view: Mutex<ForwardView>,
    pod: watch::Sender<Option<Arc<Json>>>,
    /// Somebody found that the pod does not answer.
    doubt: Notify,
    stop: CancellationToken,
    tasks: TaskTracker,
    changed: Arc<watch::Sender<u64>>,
}

impl Running {
    fn view(&self) -> MutexGuard<'_, ForwardView> {
        self.view.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn say(&self, change: impl FnOnce(&mut ForwardView)) {
        let differs = {
            let mut view = self.view();
            let before = view.clone();
            change(&mut view);
            *view != before
        };
        if differs {
            self.changed.send_modify(|count| *count += 1);
        }
    }
}

impl Drop for Forwards {
    fn drop(&mut self) {
        for one in lock(&self.all).values() {
            one.stop.cancel();
        }
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Forwards {
    pub(super) fn new(look: Arc<Look>) -> Self {
        Self { look, all: Arc::default(), changed: Arc::new(watch::Sender::new(0)), next: AtomicU64::new(1), tasks: TaskTracker::new() }
    }

    pub(super) fn all(&self) -> Vec<ForwardView> {
        lock(&self.all).values().map(|one| one.view().clone()).collect()
    }

    pub(super) fn changed(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    pub(super) fn stop(&self, id: &str) -> Option<ForwardView> {
        let id: u64 = id.strip_prefix("forward-")?.parse().ok()?;
        let one = lock(&self.all).remove(&id)?;
        one.stop.cancel();
        self.changed.send_modify(|count| *count += 1);
        Some(one.view().clone())
    }

    pub(super) async fn begin(&self, cluster: &ClusterDef, order: &ForwardOrder) -> Result<ForwardView, Fault> {
        let client = ClientShown(self.look.reach.client(cluster).await?);
        let at = At { cluster, client: &client };
        if cluster.read_only {
            let (_, name) = order.target.split_once('/').unwrap_or(("", &order.target));
            let asked =
                Asked { verb: "create", resource: "pods/portforward", group: "", namespace: order.namespace.as_deref(), name: Some(name) };
            return Err(super::exec::read_only(&at, &asked));
        }
        let target = Target::find(&self.look, &at, order.namespace.as_deref(), &order.target).await?;
        let pod = target.pod(&self.look, &at, None).await?.ok_or_else(|| none_ready(&at, &target))?;
        for pair in &order.ports {
            target.port(&at, &pod, &pair.remote)?;
        }
        let mut listeners = Vec::new();
        let mut ports = Vec::new();
        for pair in &order.ports {
            let listener = TcpListener::bind(("127.0.0.1", pair.local)).await.map_err(|fault| taken(cluster, pair.local, &fault))?;
            let local = listener.local_addr().map_err(|fault| taken(cluster, pair.local, &fault))?.port();
            ports.push(ForwardPort { local, remote: pair.remote.clone() });
            listeners.push((listener, pair.remote.clone()));
        }
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let view = ForwardView {
            id: format!("forward-{id}"),
            cluster: cluster.id.as_str().to_owned(),
            cluster_name: cluster.name.clone(),
            namespace: target.namespace.clone(),
            target: target.named.clone(),
            ports,
            state: ForwardState::Ready,
            pod: Some(name_of(&pod).to_owned()),
            moves: 0,
            trouble: None,
            open: 0,
            since: self.look.now(),
        };
        let one = Arc::new(Running {
            cluster: cluster.clone(),
            target,
            view: Mutex::new(view.clone()),
            pod: watch::Sender::new(Some(Arc::new(pod))),
            doubt: Notify::new(),
            stop: CancellationToken::new(),
            tasks: self.tasks.clone(),
            changed: self.changed.clone(),
        });
        lock(&self.all).insert(id, one.clone());
        self.changed.send_modify(|count| *count += 1);
        for (listener, remote) in listeners {
            self.tasks.spawn(listen(self.look.clone(), one.clone(), listener, remote));
        }
        self.tasks.spawn(keep(self.look.clone(), one));
        Ok(view)
    }
}

/// Keeps to a pod that is ready.
async fn keep(look: Arc<Look>, one: Arc<Running>) {
    loop {
        let there = one.pod.borrow().is_some();
        tokio::select! {
            () = one.stop.cancelled() => return,
            () = one.doubt.notified() => {}
            () = tokio::time::sleep(if there { LOOK } else { SEARCH }) => {}
        }
        let looked = tokio::select! {
            () = one.stop.cancelled() => return,
            looked = find(&look, &one) => looked,
        };
        match looked {
            Ok(pod) => settle(&one, pod),
            // The pod may be there all the same: nothing is taken away because nobody could be asked.
            Err(fault) => one.say(|view| view.trouble = Some(fault.message)),
        }
    }
}

async fn find(look: &Look, one: &Running) -> Result<Option<Json>, Fault> {
    let client = ClientShown(look.reach.client(&one.cluster).await?);
    let before = one.pod.borrow().as_ref().map(|pod| name_of(pod).to_owned());
    one.target.pod(look, &At { cluster: &one.cluster, client: &client }, before.as_deref()).await
}

fn settle(one: &Running, found: Option<Json>) {
    let before = one.pod.borrow().as_ref().map(|pod| uid_of(pod).to_owned());
    let another = found.as_ref().is_some_and(|pod| before.as_deref() != Some(uid_of(pod)));
    one.say(|view| {
        view.state = if found.is_some() { ForwardState::Ready } else { ForwardState::Waiting };
        view.pod = found.as_ref().map(|pod| name_of(pod).to_owned());
        view.moves += u32::from(another);
        if another || found.is_none() {
            view.trouble = None;
        }
    });
    if another || found.is_none() {
        one.pod.send_replace(found.map(Arc::new));
    }
}

/// Takes connections on a port here.
async fn listen(look: Arc<Look>, one: Arc<Running>, listener: TcpListener, remote: String) {
    loop {
        let taken = tokio::select! {
            () = one.stop.cancelled() => return,
            taken = listener.accept() => taken,
        };
        match taken {
            Ok((here, _)) => {
                let (look, one, remote) = (look.clone(), one.clone(), remote.clone());
                one.tasks.clone().spawn(async move {
                    one.say(|view| view.open += 1);
                    tokio::select! {
                        () = one.stop.cancelled() => {}
                        () = carry(&look, &one, here, &remote) => {}
                    }
                    one.say(|view| view.open -= 1);
                });
            }
            // Too many open files, most likely: not for ever.
            Err(_) => tokio::time::sleep(SEARCH).await,
        }
    }
}

/// Carries one connection to whatever pod is ready, waiting for one if need be.
async fn carry(look: &Look, one: &Running, here: TcpStream, remote: &str) {
    let _ = here.set_nodelay(true);
    match tokio::time::timeout(PATIENCE, tunnel(look, one, remote)).await {
        Ok(Ok(socket)) => match pump::pump(socket, here).await {
            Ended::Closed => one.say(|view| view.trouble = None),
            Ended::Refused(why) => one.say(|view| {
                view.trouble = Some(Text::new(format!("port {remote}: {why}"), format!("端口 {remote}：{why}")));
            }),
            Ended::Cut => one.doubt.notify_one(),
        },
        Ok(Err(fault)) => one.say(|view| view.trouble = Some(fault.message)),
        Err(_) => one.say(|view| {
            let seconds = PATIENCE.as_secs();
            view.trouble = Some(Text::new(
                format!("a connection waited {seconds} s for a pod that is ready"),
                format!("连接等待就绪 Pod 超过 {seconds} 秒"),
            ));
        }),
    }
}

async fn tunnel(look: &Look, one: &Running, remote: &str) -> Result<Socket, Fault> {
    let mut pods = one.pod.subscribe();
    loop {
        let pod = match pods.wait_for(Option::is_some).await {
            Ok(pod) => pod.clone(),
            Err(_) => None,
        };
        let Some(pod) = pod else { std::future::pending().await };
        let client = ClientShown(look.reach.client(&one.cluster).await?);
        let at = At { cluster: &one.cluster, client: &client };
        let port = one.target.port(&at, &pod, remote)?;
        match pump::open(&at, &one.target.namespace, name_of(&pod), port).await {
            Ok(socket) => return Ok(socket),
            // What is not there, or not reached, may be followed by something else.
            Err(fault) if matches!(fault.kind, FaultKind::NotFound | FaultKind::Unreachable | FaultKind::Timeout) => {
                one.say(|view| view.trouble = Some(fault.message));
                one.doubt.notify_one();
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            Err(fault) => return Err(fault),
        }
    }
}

fn none_ready(at: &At<'_>, target: &Target) -> Fault {
    let (named, namespace) = (&target.named, &target.namespace);
    about(
        at.cluster,
        FaultKind::NotFound,
        "no_ready_pod",
        Text::new(format!("no pod of {named} in {namespace} is ready"), format!("{namespace} 中的 {named} 没有就绪的 Pod")),
        Text::new("Look at its pods: pilot k8s get pods", "请查看其 Pod：pilot k8s get pods"),
    )
    .with_params(json!({ "cluster": at.cluster.name, "target": named, "namespace": namespace }))
}

fn taken(cluster: &ClusterDef, port: u16, fault: &std::io::Error) -> Fault {
    let (en, zh) = match fault.kind() {
        std::io::ErrorKind::AddrInUse => ("another program listens there", "已被其他程序占用"),
        std::io::ErrorKind::PermissionDenied => ("ports below 1024 need rights that you do not have", "1024 以下的端口需要更高权限"),
        _ => ("the system refuses it", "系统拒绝"),
    };
    about(
        cluster,
        FaultKind::Usage,
        "port_taken",
        Text::new(format!("could not listen on 127.0.0.1:{port}: {en}"), format!("无法监听 127.0.0.1:{port}：{zh}")),
        Text::new("Choose another port, or 0 for any that is free.", "请选择其他端口，或用 0 自动选择。"),
    )
    .with_params(json!({ "port": port }))
}
