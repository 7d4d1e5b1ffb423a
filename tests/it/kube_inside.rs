//! Commands and forwards through API servers that are old, that cut the connection, or that are none.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Json as Answer, Response};
use axum::routing::get;
use cluster::{Insides, Look, Reach, ReachParts};
use domain::cluster::ClusterDef;
use domain::fault::{Fault, FaultKind};
use domain::inside::{ExecInput, ExecOrder, ExecPart, ExecSink, ForwardOrder, Inside as _, PortPair};
use protocols::guard::Errands;
use serde_json::json;
use testkit::memory::MemoryRedact;
use testkit::memory_vault::MemoryVault;
use testkit::stage::RealClock;
use testkit::web::Web;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

const PATIENCE: Duration = Duration::from_secs(30);
const PODS: &str = "/api/v1/namespaces/default/pods/web-1";

struct Scene {
    _web: Web,
    inside: Insides,
    def: ClusterDef,
}

impl Scene {
    /// A cluster with one pod that runs, and these routes beside it.
    async fn new(more: Router) -> Self {
        let kinds = json!({ "kind": "APIResourceList", "groupVersion": "v1", "resources": [
            { "name": "pods", "singularName": "pod", "namespaced": true, "kind": "Pod", "verbs": ["get", "list"], "shortNames": ["po"] },
        ] });
        let pod = json!({
            "kind": "Pod", "apiVersion": "v1", "metadata": { "name": "web-1", "namespace": "default", "uid": "u1" },
            "spec": { "containers": [{ "name": "main", "ports": [{ "containerPort": 80 }] }] },
            "status": {
                "phase": "Running", "conditions": [{ "type": "Ready", "status": "True" }],
                "containerStatuses": [{ "name": "main", "state": { "running": {} } }],
            },
        });
        let app = Router::new()
            .route("/api", get(|| async { Answer(json!({ "kind": "APIVersions", "versions": ["v1"] })) }))
            .route("/apis", get(|| async { Answer(json!({ "kind": "APIGroupList", "groups": [] })) }))
            .route("/api/v1", get(move || async { Answer(kinds) }))
            .route(PODS, get(move || async { Answer(pod) }))
            .merge(more);
        let web = Web::start(app).await;
        let reach = Reach::new(ReachParts {
            vault: Arc::new(MemoryVault::default()),
            run: Arc::new(Errands::new(Arc::from([]), TaskTracker::new())),
            redact: Arc::new(MemoryRedact::default()),
            clock: Arc::new(RealClock),
            env: Arc::default(),
            plugin_patience: Reach::PLUGIN_PATIENCE,
        });
        let def = serde_json::from_value(json!({
            "id": "c1", "name": "odd", "server": web.url("").trim_end_matches('/'), "insecure": false, "auth": { "kind": "anonymous" },
            "readOnly": false, "createdAt": 0, "updatedAt": 0,
        }))
        .unwrap();
        Self { inside: Insides::new(Arc::new(Look::new(Arc::new(reach)))), def, _web: web }
    }

    async fn exec(&self, typed: Vec<ExecInput>) -> Result<i32, Fault> {
        let (send, input) = mpsc::channel(8);
        for one in typed {
            send.send(one).await.unwrap();
        }
        let order =
            ExecOrder { namespace: None, pod: "web-1".into(), container: None, command: vec!["sh".into()], input: true, terminal: false };
        tokio::time::timeout(PATIENCE, self.inside.exec(&self.def, &order, input, &Drain)).await.expect("it ends")
    }
}

struct Drain;

#[async_trait]
impl ExecSink for Drain {
    async fn part(&self, _: ExecPart) -> bool {
        true
    }
}

fn exec(answer: impl Fn(WebSocketUpgrade) -> Response + Clone + Send + Sync + 'static) -> Router {
    Router::new().route(&format!("{PODS}/exec"), get(move |upgrade: WebSocketUpgrade| async move { answer(upgrade) }))
}

fn bytes(channel: u8, rest: &[u8]) -> Message {
    Message::Binary([&[channel], rest].concat().into())
}

#[tokio::test]
async fn a_server_that_cannot_be_told_the_end_of_the_input_is_not_waited_for() {
    let old = |upgrade: WebSocketUpgrade| {
        upgrade.protocols(["v4.channel.k8s.io"]).on_upgrade(|mut socket: WebSocket| async move {
            let _ = socket.send(bytes(1, b"")).await;
            // Reads until it is left.
            while let Some(Ok(_)) = socket.recv().await {}
        })
    };
    let scene = Scene::new(exec(old)).await;
    let fault = scene.exec(vec![ExecInput::Bytes(b"x".to_vec()), ExecInput::End]).await.unwrap_err();
    assert_eq!((fault.kind, fault.code.as_str()), (FaultKind::Config, "exec_no_end"));
}

#[tokio::test]
async fn an_old_server_tells_the_exit_code_too() {
    let old = |upgrade: WebSocketUpgrade| {
        upgrade.protocols(["v4.channel.k8s.io"]).on_upgrade(|mut socket: WebSocket| async move {
            let status = json!({ "status": "Failure", "reason": "NonZeroExitCode", "details": { "causes": [{ "reason": "ExitCode", "message": "42" }] } });
            let _ = socket.send(bytes(3, status.to_string().as_bytes())).await;
        })
    };
    assert_eq!(Scene::new(exec(old)).await.exec(vec![]).await.unwrap(), 42);
}

#[tokio::test]
async fn a_connection_that_ends_before_the_command_is_no_success() {
    let cut = |upgrade: WebSocketUpgrade| {
        upgrade.protocols(["v5.channel.k8s.io"]).on_upgrade(|mut socket: WebSocket| async move {
            let _ = socket.send(bytes(1, b"so far")).await;
        })
    };
    let fault = Scene::new(exec(cut)).await.exec(vec![]).await.unwrap_err();
    assert_eq!((fault.kind, fault.code.as_str()), (FaultKind::Unreachable, "exec_cut"));
    let flood = |upgrade: WebSocketUpgrade| {
        upgrade.protocols(["v5.channel.k8s.io"]).on_upgrade(|mut socket: WebSocket| async move {
            let _ = socket.send(bytes(1, &vec![b'x'; 5 << 20])).await;
            while let Some(Ok(_)) = socket.recv().await {}
        })
    };
    let fault = Scene::new(exec(flood)).await.exec(vec![]).await.unwrap_err();
    assert_eq!(fault.code, "exec_cut", "a message of 5 MiB is none of a node");
}

#[tokio::test]
async fn what_does_not_speak_the_protocol_is_not_believed() {
    // It changes over, and to something that nobody offered.
    let other = |upgrade: WebSocketUpgrade| upgrade.on_upgrade(|_| async {});
    assert_eq!(Scene::new(exec(other)).await.exec(vec![]).await.unwrap_err().code, "cluster_answer");
    let page = |_: WebSocketUpgrade| "<html>welcome</html>".into_response();
    assert_eq!(Scene::new(exec(page)).await.exec(vec![]).await.unwrap_err().code, "cluster_answer");
    let forbids = |_: WebSocketUpgrade| {
        let message =
            "pods \"web-1\" is forbidden: User \"ada\" cannot create resource \"pods/exec\" in API group \"\" in the namespace \"default\"";
        let status =
            json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Forbidden", "message": message, "code": 403 });
        (StatusCode::FORBIDDEN, Answer(status)).into_response()
    };
    let fault = Scene::new(exec(forbids)).await.exec(vec![]).await.unwrap_err();
    assert_eq!((fault.code.as_str(), &fault.params["user"], &fault.params["verb"]), ("cluster_forbidden", &json!("ada"), &json!("create")));
    let no_node = |_: WebSocketUpgrade| (StatusCode::INTERNAL_SERVER_ERROR, "error dialing backend: no route").into_response();
    let fault = Scene::new(exec(no_node)).await.exec(vec![]).await.unwrap_err();
    assert_eq!((fault.kind, fault.code.as_str()), (FaultKind::Unreachable, "node_unreachable"));
}

#[tokio::test]
async fn a_forward_whose_tunnel_is_cut_carries_the_next_connection() {
    let count = Arc::new(AtomicU32::new(0));
    let tunnels = move |upgrade: WebSocketUpgrade| {
        let nth = count.fetch_add(1, Ordering::SeqCst);
        upgrade.protocols(["v4.channel.k8s.io"]).on_upgrade(move |mut socket: WebSocket| async move {
            for channel in [0, 1] {
                let _ = socket.send(bytes(channel, &80_u16.to_le_bytes())).await;
            }
            while let Some(Ok(message)) = socket.recv().await {
                // The first one is cut in the middle of the answer.
                if let Message::Binary(said) = message {
                    let _ = socket.send(bytes(0, format!("{nth}:").as_bytes())).await;
                    if nth == 0 {
                        return;
                    }
                    let _ = socket.send(Message::Binary(said)).await;
                }
            }
        })
    };
    let scene = Scene::new(
        Router::new().route(&format!("{PODS}/portforward"), get(move |upgrade: WebSocketUpgrade| async move { tunnels(upgrade) })),
    )
    .await;
    let ports = vec![PortPair { local: 0, remote: "80".into() }];
    let view = scene.inside.forward(&scene.def, &ForwardOrder { namespace: None, target: "web-1".into(), ports }).await.unwrap();
    for expected in ["0:", "1:word"] {
        let mut here = TcpStream::connect(("127.0.0.1", view.ports[0].local)).await.unwrap();
        here.write_all(b"word").await.unwrap();
        let mut answer = vec![0; expected.len()];
        tokio::time::timeout(PATIENCE, here.read_exact(&mut answer)).await.unwrap().unwrap();
        assert_eq!(String::from_utf8(answer).unwrap(), expected);
        if expected == "0:" {
            assert_eq!(tokio::time::timeout(PATIENCE, here.read(&mut [0; 8])).await.unwrap().unwrap_or(0), 0, "cut");
        }
    }
}
