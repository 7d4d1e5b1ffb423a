//! Reaching into what runs, through the real API server and a real kubelet's streaming: logs, commands, terminals, forwards, a Secret's value.

mod through_pilot;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use cluster::{Insides, Look, Reach, ReachParts};
use domain::Json;
use domain::cluster::{ClusterAuth, ClusterDef, Clusters as _};
use domain::fault::FaultKind;
use domain::inside::{ExecInput, ExecOrder, ExecPart, ExecSink, ForwardOrder, ForwardState, ForwardView, Inside as _, PortPair};
use domain::kube::{Kube as _, LogLine, LogPart, LogQuery, LogSink, LogTarget};
use domain::local::{LocalSettings, LocalTools as _};
use domain::protocol::CallIo;
use domain::vault::{NewSecret, Owner, SecretBytes, SecretKind, Vault as _};
use protocols::guard::Errands;
use serde_json::json;
use testkit::kubelet::Kubelet;
use testkit::memory::MemoryRedact;
use testkit::memory_vault::{MemoryClusters, MemoryVault};
use testkit::stage::RealClock;
use testkit::testcluster::testcluster;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;
use toolbox::{Clustering, Places, Toolbox};

use crate::kube_change::unique;

/// Long enough for a busy machine; nothing waits so long when all is well.
const PATIENCE: Duration = Duration::from_secs(60);

/// A cluster with a node of the test's own, and a namespace.
struct Scene {
    look: Arc<Look>,
    inside: Arc<Insides>,
    vault: Arc<MemoryVault>,
    admin: ClusterDef,
    other: kube::Client,
    kubelet: Kubelet,
    node: String,
    ns: String,
    dir: tempfile::TempDir,
}

async fn def(vault: &MemoryVault, who: &str) -> ClusterDef {
    let test = testcluster();
    let value = SecretBytes::new(test.tokens[who].as_str());
    let new = NewSecret { owner: Owner::new("cluster", who, "token"), value, kind: SecretKind::Token, expires_at: None };
    let token = vault.keep(vec![new]).await.unwrap().remove(0);
    let auth = serde_json::to_value(ClusterAuth::Token { token, expires_at: None }).unwrap();
    serde_json::from_value(json!({
        "id": who, "name": who, "server": test.server, "caPem": test.ca, "insecure": false, "auth": auth, "readOnly": false,
        "createdAt": 0, "updatedAt": 0,
    }))
    .unwrap()
}

impl Scene {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let kubelet = Kubelet::start(dir.path());
        let vault = Arc::new(MemoryVault::default());
        let reach = Arc::new(Reach::new(ReachParts {
            vault: vault.clone(),
            run: Arc::new(Errands::new(Arc::from([]), TaskTracker::new())),
            redact: Arc::new(MemoryRedact::default()),
            clock: Arc::new(RealClock),
            env: Arc::new(BTreeMap::new()),
            plugin_patience: Reach::PLUGIN_PATIENCE,
        }));
        let admin = def(&vault, "admin").await;
        let other = reach.client(&admin).await.unwrap();
        let look = Arc::new(Look::new(reach));
        let inside = Arc::new(Insides::new(look.clone()));
        let (node, ns) = (unique("node"), unique("inside"));
        let scene = Self { look, inside, vault, admin, other, kubelet, node, ns, dir };
        scene.ask("POST", "/api/v1/namespaces", json!({ "metadata": { "name": scene.ns } })).await;
        scene.ask("POST", &scene.path("serviceaccounts", ""), json!({ "metadata": { "name": "default" } })).await;
        scene.ask("POST", "/api/v1/nodes", json!({ "metadata": { "name": scene.node } })).await;
        let status = json!({ "status": {
            "addresses": [{ "type": "InternalIP", "address": "127.0.0.1" }],
            "daemonEndpoints": { "kubeletEndpoint": { "Port": scene.kubelet.port() } },
        } });
        scene.ask("PATCH", &format!("/api/v1/nodes/{}/status", scene.node), status).await;
        scene
    }

    async fn ask(&self, method: &str, path: &str, body: Json) -> Json {
        let content = if method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
        let request = http::Request::builder().method(method).uri(path).header("content-type", content);
        let request = request.body(if body.is_null() { Vec::new() } else { body.to_string().into_bytes() }).unwrap();
        let text = self.other.request_text(request).await.unwrap_or_else(|fault| panic!("{method} {path}: {fault}"));
        serde_json::from_str(&text).unwrap()
    }

    fn path(&self, plural: &str, name: &str) -> String {
        let root = if matches!(plural, "deployments" | "statefulsets") { "/apis/apps/v1" } else { "/api/v1" };
        format!("{root}/namespaces/{}/{plural}/{name}", self.ns).trim_end_matches('/').to_owned()
    }

    /// A pod that runs and is ready; gives the folder of its container `main`.
    async fn pod(&self, name: &str, app: &str) -> PathBuf {
        let port = |port: u16, name: &str| json!({ "containerPort": port, "name": name });
        let containers = json!([{ "name": "main", "image": "a:1", "ports": [port(8080, "http")] }, { "name": "side", "image": "a:1" }]);
        let spec = json!({ "nodeName": self.node, "automountServiceAccountToken": false, "containers": containers });
        self.ask("POST", &self.path("pods", ""), json!({ "metadata": { "name": name, "labels": { "app": app } }, "spec": spec })).await;
        self.ready(name, true).await;
        self.kubelet.container(&self.ns, name, "side");
        self.kubelet.container(&self.ns, name, "main")
    }

    async fn ready(&self, name: &str, ready: bool) {
        let running = |container: &str| json!({ "name": container, "ready": ready, "restartCount": 0, "image": "a:1", "imageID": "", "state": { "running": { "startedAt": "2026-01-01T00:00:00Z" } } });
        let status = json!({ "status": {
            "phase": "Running", "conditions": [{ "type": "Ready", "status": if ready { "True" } else { "False" } }],
            "containerStatuses": [running("main"), running("side")],
        } });
        self.ask("PATCH", &format!("{}/status", self.path("pods", name)), status).await;
    }

    async fn gone(&self, name: &str) {
        self.ask("DELETE", &format!("{}?gracePeriodSeconds=0", self.path("pods", name)), Json::Null).await;
    }

    fn order(&self, pod: &str, command: &[&str]) -> ExecOrder {
        ExecOrder {
            namespace: Some(self.ns.clone()),
            pod: pod.to_owned(),
            container: None,
            command: command.iter().map(|&word| word.to_owned()).collect(),
            input: false,
            terminal: false,
        }
    }

    async fn runs(&self, order: &ExecOrder) -> (Result<i32, domain::fault::Fault>, String, String) {
        let heard = Heard::default();
        let (_typed, input) = mpsc::channel(1);
        let ended = tokio::time::timeout(PATIENCE, self.inside.exec(&self.admin, order, input, &heard)).await.expect("it ends");
        (ended, heard.out(), heard.err())
    }

    async fn forward(&self, target: &str, remote: &str) -> ForwardView {
        let ports = vec![PortPair { local: 0, remote: remote.to_owned() }];
        let order = ForwardOrder { namespace: Some(self.ns.clone()), target: target.to_owned(), ports };
        self.inside.forward(&self.admin, &order).await.unwrap()
    }

    async fn until(&self, id: &str, wanted: impl Fn(&ForwardView) -> bool) -> ForwardView {
        let begun = Instant::now();
        let mut changed = self.inside.forwards_changed();
        loop {
            let now = self.inside.forwards().into_iter().find(|view| view.id == id).expect("it goes on");
            if wanted(&now) {
                return now;
            }
            assert!(begun.elapsed() < PATIENCE, "{now:?}");
            let _ = tokio::time::timeout(Duration::from_millis(500), changed.changed()).await;
        }
    }
}

/// What a command wrote.
#[derive(Default)]
struct Heard {
    out: Mutex<Vec<u8>>,
    err: Mutex<Vec<u8>>,
    begun: Mutex<Option<(String, String, String)>>,
    more: tokio::sync::Notify,
}

impl Heard {
    fn out(&self) -> String {
        String::from_utf8_lossy(&self.out.lock().unwrap()).into_owned()
    }

    fn err(&self) -> String {
        String::from_utf8_lossy(&self.err.lock().unwrap()).into_owned()
    }

    async fn until(&self, part: &str) {
        let heard = async {
            while !self.out().contains(part) {
                self.more.notified().await;
            }
        };
        tokio::time::timeout(PATIENCE, heard).await.unwrap_or_else(|_| panic!("no {part:?} in {:?}", self.out()));
    }
}

#[async_trait]
impl ExecSink for Heard {
    async fn part(&self, part: ExecPart) -> bool {
        match part {
            ExecPart::Begun { namespace, pod, container } => *self.begun.lock().unwrap() = Some((namespace, pod, container)),
            ExecPart::Output(bytes) => self.out.lock().unwrap().extend(bytes),
            ExecPart::Error(bytes) => self.err.lock().unwrap().extend(bytes),
        }
        self.more.notify_one();
        true
    }
}

#[derive(Default)]
struct Lines(Mutex<Vec<LogLine>>, tokio::sync::Notify);

impl Lines {
    fn told(&self) -> Vec<String> {
        self.0.lock().unwrap().iter().map(|line| format!("{}/{} {}", line.source.pod, line.source.container, line.text)).collect()
    }

    async fn until(&self, count: usize) {
        let heard = async {
            while self.0.lock().unwrap().len() < count {
                self.1.notified().await;
            }
        };
        tokio::time::timeout(PATIENCE, heard).await.unwrap_or_else(|_| panic!("only {:?}", self.told()));
    }
}

#[async_trait]
impl LogSink for Lines {
    async fn part(&self, part: LogPart) -> bool {
        if let LogPart::Line(line) = part {
            self.0.lock().unwrap().push(line);
            self.1.notify_one();
        }
        true
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_of_one_and_of_many_pods_come_from_their_node() {
    let scene = Scene::new().await;
    scene.pod("web-1", "web").await;
    scene.pod("web-2", "web").await;
    let says = |pod: &str, container: &str, second: u32, text: &str| {
        scene.kubelet.says(&scene.ns, pod, container, &format!("2026-01-01T00:00:{second:02}.5Z"), text);
    };
    for second in 0..5 {
        says("web-1", "main", second, &format!("one {second}"));
        says("web-2", "main", second, &format!("two {second}"));
    }
    says("web-1", "side", 1, "beside");
    scene.kubelet.said_before(&scene.ns, "web-1", "main", "2025-12-31T23:59:59Z", "before it fell");
    let read = async |query: LogQuery| {
        let lines = Lines::default();
        scene.look.logs(&scene.admin, &LogQuery { namespace: Some(scene.ns.clone()), ..query }, &lines).await.map(|()| lines.told())
    };
    let one = || LogQuery::pod("web-1");
    assert_eq!(read(LogQuery { tail: Some(2), ..one() }).await.unwrap(), ["web-1/main one 3", "web-1/main one 4"]);
    assert_eq!(read(LogQuery { container: Some("side".into()), ..one() }).await.unwrap(), ["web-1/side beside"]);
    assert_eq!(read(LogQuery { previous: true, ..one() }).await.unwrap(), ["web-1/main before it fell"]);
    assert_eq!(read(LogQuery { since_secs: Some(60), ..one() }).await.unwrap(), Vec::<String>::new(), "all of it is old");
    let fault = read(LogQuery { previous: true, container: Some("side".into()), ..one() }).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Usage, "{fault}: nothing ran before");
    let all = LogQuery { target: LogTarget::Labels("app=web".into()), tail: Some(1), ..one() };
    let mut lines = read(all).await.unwrap();
    lines.sort();
    assert_eq!(lines, ["web-1/main one 4", "web-2/main two 4"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_followed_goes_on_and_loses_nothing_when_its_node_comes_back() {
    let mut scene = Scene::new().await;
    scene.pod("web-1", "web").await;
    scene.kubelet.says(&scene.ns, "web-1", "main", "2026-01-01T00:00:01Z", "first");
    let lines = Arc::new(Lines::default());
    let (look, def, ns, sink) = (scene.look.clone(), scene.admin.clone(), scene.ns.clone(), lines.clone());
    let following = tokio::spawn(async move {
        let query = LogQuery { namespace: Some(ns), follow: true, ..LogQuery::pod("web-1") };
        look.logs(&def, &query, sink.as_ref()).await
    });
    lines.until(1).await;
    scene.kubelet.says(&scene.ns, "web-1", "main", "2026-01-01T00:00:02Z", "second");
    lines.until(2).await;
    // The node falls and comes back elsewhere.
    scene.kubelet.kill();
    scene.kubelet = Kubelet::start(scene.dir.path());
    let status = json!({ "status": { "daemonEndpoints": { "kubeletEndpoint": { "Port": scene.kubelet.port() } } } });
    scene.ask("PATCH", &format!("/api/v1/nodes/{}/status", scene.node), status).await;
    scene.kubelet.says(&scene.ns, "web-1", "main", "2026-01-01T00:00:03Z", "third");
    lines.until(3).await;
    assert_eq!(lines.told(), ["web-1/main first", "web-1/main second", "web-1/main third"], "none twice");
    scene.gone("web-1").await;
    scene.kubelet.ends(&scene.ns, "web-1", "main");
    tokio::time::timeout(PATIENCE, following).await.expect("it ends with the pod").unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_runs_with_both_outputs_and_its_exit_code() {
    let scene = Scene::new().await;
    let dir = scene.pod("web-1", "web").await;
    let (code, out, err) = scene.runs(&scene.order("web-1", &["sh", "-c", "pwd; echo \"$HOSTNAME\"; echo 'to & err' >&2; exit 7"])).await;
    assert_eq!((code.unwrap(), err.as_str()), (7, "to & err\n"));
    assert_eq!(out, format!("{}\nweb-1\n", dir.canonicalize().unwrap().display()));
    assert_eq!(scene.runs(&scene.order("web-1", &["true"])).await.0.unwrap(), 0);
    let side = ExecOrder { container: Some("side".into()), ..scene.order("web-1", &["pwd"]) };
    assert!(scene.runs(&side).await.1.trim().ends_with("/side"));

    let fault = scene.runs(&scene.order("web-1", &["no-such-program"])).await.0.unwrap_err();
    assert_eq!(fault.code, "exec_failed", "{fault}");
    let fault = scene.runs(&ExecOrder { container: Some("nope".into()), ..scene.order("web-1", &["true"]) }).await.0.unwrap_err();
    assert_eq!((fault.code.as_str(), fault.hint.en.as_str()), ("no_such_container", "There are: main, side"));
    assert_eq!(scene.runs(&scene.order("nope", &["true"])).await.0.unwrap_err().code, "no_such_object");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_typed_arrives_and_its_end_too() {
    let scene = Scene::new().await;
    scene.pod("web-1", "web").await;
    let heard = Heard::default();
    let (typed, input) = mpsc::channel(4);
    let order = ExecOrder { input: true, ..scene.order("web-1", &["sh", "-c", "wc -c; echo done"]) };
    let typing = async {
        for _ in 0..64 {
            typed.send(ExecInput::Bytes(vec![b'x'; 8192])).await.unwrap();
        }
        typed.send(ExecInput::End).await.unwrap();
    };
    let (code, ()) = tokio::join!(tokio::time::timeout(PATIENCE, scene.inside.exec(&scene.admin, &order, input, &heard)), typing);
    assert_eq!(code.unwrap().unwrap(), 0);
    assert_eq!(heard.out().split_whitespace().collect::<Vec<_>>(), [(64 * 8192).to_string().as_str(), "done"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_knows_its_size_and_hears_keys_while_it_writes_without_end() {
    let scene = Scene::new().await;
    scene.pod("web-1", "web").await;
    let heard = Heard::default();
    let (typed, input) = mpsc::channel(16);
    let order = ExecOrder { input: true, terminal: true, ..scene.order("web-1", &["sh"]) };
    let keys = async |text: &str| typed.send(ExecInput::Bytes(text.as_bytes().to_vec())).await.unwrap();
    let person = async {
        typed.send(ExecInput::Size { columns: 91, rows: 17 }).await.unwrap();
        keys("until stty size | grep -q '17 91'; do sleep 0.1; done; stty size; echo re''ady\n").await;
        heard.until("17 91").await;
        heard.until("ready").await;
        keys("yes a-lot-of-words\n").await;
        heard.until("a-lot-of-words\r\na-lot-of-words\r\n").await;
        // Ctrl-C.
        keys("\u{3}").await;
        keys("echo st''opped; exit 3\n").await;
        heard.until("stopped").await;
    };
    let (code, ()) = tokio::join!(tokio::time::timeout(PATIENCE, scene.inside.exec(&scene.admin, &order, input, &heard)), person);
    assert_eq!(code.expect("it ends").unwrap(), 3);
}

/// Takes one piece and then nothing.
struct Stuck(tokio::sync::Semaphore, AtomicU32);

#[async_trait]
impl ExecSink for Stuck {
    async fn part(&self, part: ExecPart) -> bool {
        if let ExecPart::Output(bytes) = part {
            self.1.fetch_add(u32::try_from(bytes.len()).unwrap(), Ordering::SeqCst);
            self.0.acquire().await.unwrap().forget();
        }
        true
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_writes_without_end_waits_for_whoever_reads_slowly() {
    let scene = Scene::new().await;
    let dir = scene.pod("web-1", "web").await;
    let stuck = Stuck(tokio::sync::Semaphore::new(0), AtomicU32::new(0));
    // Counts what it could write.
    let script = "i=0; while [ $i -lt 4000 ]; do head -c 65536 /dev/zero; i=$((i+1)); echo $i > count; done";
    let order = scene.order("web-1", &["sh", "-c", script]);
    let (_typed, input) = mpsc::channel(1);
    let count = || std::fs::read_to_string(dir.join("count")).ok().and_then(|text| text.trim().parse::<u32>().ok()).unwrap_or(0);
    let watching = async {
        let begun = Instant::now();
        let mut before = (count(), Instant::now());
        // It came to rest: what it wrote is in the pipes, and no more comes.
        while before.0 == 0 || before.1.elapsed() < Duration::from_secs(3) {
            assert!(begun.elapsed() < PATIENCE, "it never rests: {} pieces", before.0);
            tokio::time::sleep(Duration::from_millis(100)).await;
            if count() != before.0 {
                before = (count(), Instant::now());
            }
        }
        before.0
    };
    let rested = tokio::select! {
        ended = scene.inside.exec(&scene.admin, &order, input, &stuck) => panic!("{ended:?}"),
        rested = watching => rested,
    };
    assert!(rested < 1000, "{rested} pieces of 64 KiB of 4000 went out although nobody read");
    assert!(stuck.1.load(Ordering::SeqCst) <= 64 * 1024, "one piece was taken");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_cluster_runs_nothing_and_forwards_nothing_and_the_forbidden_says_what_is_missing() {
    let scene = Scene::new().await;
    let dir = scene.pod("web-1", "web").await;
    let touch = scene.order("web-1", &["touch", "made"]);
    let ports = vec![PortPair { local: 0, remote: "8080".into() }];
    let order = ForwardOrder { namespace: Some(scene.ns.clone()), target: "web-1".into(), ports };
    let read_only = ClusterDef { read_only: true, ..scene.admin.clone() };
    let exec = async |def: &ClusterDef| {
        let (_typed, input) = mpsc::channel(1);
        scene.inside.exec(def, &touch, input, &Heard::default()).await.unwrap_err()
    };
    for fault in [exec(&read_only).await, scene.inside.forward(&read_only, &order).await.unwrap_err()] {
        assert_eq!((fault.kind, fault.code.as_str()), (FaultKind::Denied, "cluster_read_only"));
    }
    let viewer = def(&scene.vault, "viewer").await;
    let fault = exec(&viewer).await;
    assert_eq!((fault.kind, fault.code.as_str()), (FaultKind::Denied, "cluster_forbidden"), "{fault}");
    assert_eq!((&fault.params["resource"], &fault.params["user"]), (&json!("pods/exec"), &json!("viewer")), "{fault}");
    // Whether a tunnel may be had is known when the first connection wants one.
    let view = scene.inside.forward(&viewer, &order).await.unwrap();
    let mut here = TcpStream::connect(("127.0.0.1", view.ports[0].local)).await.unwrap();
    assert_eq!(here.read(&mut [0; 1]).await.unwrap_or(0), 0, "it is closed");
    let view = scene.until(&view.id, |view| view.trouble.is_some()).await;
    assert!(view.trouble.unwrap().en.contains("pods/portforward"));
    assert!(!dir.join("made").exists());
}

/// Answers every connection with its name and what it was told.
async fn echo(name: &'static str) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut there, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut told = [0; 4];
                while there.read_exact(&mut told).await.is_ok() {
                    let _ = there.write_all(format!("{name}:{}", String::from_utf8_lossy(&told)).as_bytes()).await;
                }
            });
        }
    });
    port
}

/// Says a word and hears the answer.
async fn said(port: u16, word: &str, length: usize) -> std::io::Result<String> {
    let mut here = TcpStream::connect(("127.0.0.1", port)).await?;
    here.write_all(word.as_bytes()).await?;
    let mut answer = vec![0; length];
    tokio::time::timeout(PATIENCE, here.read_exact(&mut answer)).await.expect("an answer, or none")?;
    Ok(String::from_utf8(answer).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forward_goes_to_another_pod_of_the_service_when_its_own_goes() {
    let scene = Scene::new().await;
    for (pod, name) in [("web-1", "a"), ("web-2", "b")] {
        scene.pod(pod, "web").await;
        scene.kubelet.port_of(&scene.ns, pod, 8080, echo(name).await);
    }
    let ports = json!([{ "name": "web", "port": 80, "targetPort": "http" }]);
    scene
        .ask(
            "POST",
            &scene.path("services", ""),
            json!({ "metadata": { "name": "web" }, "spec": { "selector": { "app": "web" }, "ports": ports } }),
        )
        .await;
    let view = scene.forward("svc/web", "web").await;
    let port = view.ports[0].local;
    assert_eq!((view.state, view.pod.as_deref(), view.target.as_str()), (ForwardState::Ready, Some("web-1"), "svc/web"));
    let (one, two) = tokio::join!(said(port, "1234", 6), said(port, "5678", 6));
    assert_eq!((one.unwrap(), two.unwrap()), ("a:1234".into(), "a:5678".into()), "two at once");

    scene.gone("web-1").await;
    // Whoever comes now waits for the next one.
    assert_eq!(said(port, "more", 6).await.unwrap(), "b:more");
    let moved = scene.until(&view.id, |view| view.pod.as_deref() == Some("web-2")).await;
    assert_eq!((moved.moves, moved.ports[0].local), (1, port), "the port here stays");

    scene.ready("web-2", false).await;
    scene.until(&view.id, |view| view.state == ForwardState::Waiting).await;
    let waiting = tokio::spawn(said(port, "late", 6));
    scene.ready("web-2", true).await;
    assert_eq!(waiting.await.unwrap().unwrap(), "b:late");

    assert_eq!(scene.inside.stop_forward(&view.id).unwrap().id, view.id);
    assert!(scene.inside.forwards().is_empty() && scene.inside.stop_forward(&view.id).is_none());
    let begun = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
        assert!(begun.elapsed() < PATIENCE, "nothing listens any more");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_forwarded_is_said_before_or_when_it_is_tried() {
    let scene = Scene::new().await;
    scene.pod("web-1", "web").await;
    let order = |target: &str, local: u16, remote: &str| ForwardOrder {
        namespace: Some(scene.ns.clone()),
        target: target.into(),
        ports: vec![PortPair { local, remote: remote.into() }],
    };
    let fails = async |order: ForwardOrder| scene.inside.forward(&scene.admin, &order).await.unwrap_err();
    assert_eq!(fails(order("web-1", 0, "nope")).await.code, "no_such_port");
    assert_eq!(fails(order("nope", 0, "80")).await.code, "no_such_object");
    let taken = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    assert_eq!(fails(order("web-1", taken.local_addr().unwrap().port(), "80")).await.code, "port_taken");
    scene.ready("web-1", false).await;
    assert_eq!(fails(order("web-1", 0, "80")).await.code, "no_ready_pod");
    scene.ready("web-1", true).await;

    // Nobody listens in the pod: the node says so.
    let view = scene.forward("pod/web-1", "http").await;
    assert!(said(view.ports[0].local, "x", 1).await.is_err());
    let view = scene.until(&view.id, |view| view.trouble.is_some()).await;
    assert!(view.trouble.unwrap().en.contains("connection refused"));
}

#[tokio::test(flavor = "multi_thread")]
async fn large_answers_come_whole_through_a_forward() {
    let scene = Scene::new().await;
    scene.pod("web-1", "web").await;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    scene.kubelet.port_of(&scene.ns, "web-1", 8080, listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        let (mut there, _) = listener.accept().await.unwrap();
        for nth in 0..64_u8 {
            there.write_all(&vec![nth; 256 * 1024]).await.unwrap();
        }
    });
    let view = scene.forward("web-1", "8080").await;
    let mut here = TcpStream::connect(("127.0.0.1", view.ports[0].local)).await.unwrap();
    let mut whole = Vec::new();
    tokio::time::timeout(PATIENCE, here.read_to_end(&mut whole)).await.unwrap().unwrap();
    assert_eq!(whole.len(), 64 * 256 * 1024);
    assert!(whole.chunks(256 * 1024).enumerate().all(|(nth, piece)| piece.iter().all(|byte| usize::from(*byte) == nth)));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_value_of_a_secret_is_revealed_and_what_is_not_there_is_named() {
    let scene = Scene::new().await;
    let body = json!({ "metadata": { "name": "hush" }, "stringData": { "a": "c4n4ry-a", "b": "c4n4ry-b" }, "data": { "raw": "/wD+" } });
    scene.ask("POST", &scene.path("secrets", ""), body).await;
    let reveal = async |def: &ClusterDef, key: &str| scene.inside.reveal(def, Some(&scene.ns), "hush", key).await;
    assert_eq!(reveal(&scene.admin, "a").await.unwrap().expose(), b"c4n4ry-a");
    assert_eq!(reveal(&scene.admin, "raw").await.unwrap().expose(), [0xff, 0x00, 0xfe]);
    let read_only = ClusterDef { read_only: true, ..scene.admin.clone() };
    assert_eq!(reveal(&read_only, "b").await.unwrap().expose(), b"c4n4ry-b", "looking is no change");
    let fault = reveal(&scene.admin, "c").await.unwrap_err();
    assert_eq!((fault.code.as_str(), &fault.params["known"]), ("no_such_key", &json!(["a", "b", "raw"])));
    assert!(!format!("{fault:?}").contains("c4n4ry"));
    let viewer = def(&scene.vault, "viewer").await;
    let fault = reveal(&viewer, "a").await.unwrap_err();
    assert_eq!((fault.code.as_str(), &fault.params["resource"]), ("cluster_forbidden", &json!("secrets")));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tools_run_a_command_and_forward_a_port() {
    let scene = Scene::new().await;
    scene.pod("web-1", "web").await;
    scene.kubelet.port_of(&scene.ns, "web-1", 8080, echo("a").await);
    let clusters = Arc::new(MemoryClusters::default());
    clusters.put_clusters(std::slice::from_ref(&scene.admin)).await.unwrap();
    let toolbox = Toolbox::new(Places::default()).with_clusters(Clustering {
        kube: scene.look.clone(),
        change: None,
        manifests: None,
        inside: Some(scene.inside.clone()),
        clusters,
        clock: Arc::new(RealClock),
    });
    let settings: LocalSettings = serde_json::from_value(json!({ "module": "kubernetes" })).unwrap();
    let module = toolbox.open(&settings).unwrap();
    let call = async |tool: &str, mut args: Json| {
        args["namespace"] = scene.ns.clone().into();
        if tool.contains("list") || tool.contains("stop") {
            args.as_object_mut().unwrap().remove("namespace");
        }
        let done = module.call(&tool.into(), args.as_object().cloned().unwrap(), CallIo::quiet()).await.unwrap();
        (done.is_error, done.structured_content.unwrap())
    };
    let (failed, told) = call("k8s-exec-pod", json!({ "pod_name": "web-1", "command": "echo out; echo err >&2; exit 4" })).await;
    assert!(!failed);
    assert_eq!(
        (&told["exit_code"], &told["stdout"], &told["stderr"], &told["container"]),
        (&json!(4), &json!("out\n"), &json!("err\n"), &json!("main"))
    );
    let (_, told) = call("k8s-exec-pod", json!({ "pod_name": "web-1", "command": ["head", "-c", "3000000", "/dev/zero"] })).await;
    assert_eq!((&told["truncated"], told["stdout"].as_str().unwrap().len()), (&json!(true), 256 * 1024));
    let (failed, told) = call("k8s-exec-pod", json!({ "pod_name": "web-1", "command": ["sleep", "100"], "timeout": 1 })).await;
    assert!(failed && told["fault"]["code"] == "exec_timeout", "{told}");

    let (failed, view) = call("k8s-port-forward", json!({ "target": "web-1", "ports": ["0:http"] })).await;
    assert!(!failed, "{view}");
    let port = u16::try_from(view["ports"][0]["local"].as_u64().unwrap()).unwrap();
    assert_eq!(said(port, "tool", 6).await.unwrap(), "a:tool");
    assert_eq!(call("k8s-list-port-forwards", json!({})).await.1["forwards"][0]["id"], view["id"]);
    assert!(!call("k8s-stop-port-forward", json!({ "forward": view["id"] })).await.0);
    assert!(call("k8s-stop-port-forward", json!({ "forward": view["id"] })).await.0, "it is gone");
}
