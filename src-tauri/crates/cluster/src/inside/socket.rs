//! A WebSocket to an API server, over the same client as everything else: its TLS, its proxy, its credentials, its gate.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::fault::{Fault, FaultKind};
use domain::text::Text;
use http::header::{ACCEPT, CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE};
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use hyper_util::rt::TokioIo;
use kube::client::Body;
use kube::core::Status;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use crate::fault::about;
use crate::look::{Asked, At, Look};

/// How long opening may take. The node may have to be reached through a tunnel of the server's own.
const OPEN: Duration = Duration::from_secs(30);
/// The largest message that is taken; nodes send 32 KiB.
const MESSAGE: usize = 4 << 20;
/// The largest refusal that is read.
const REFUSAL: usize = 256 * 1024;

/// The connection, and which of the protocols that were offered the server speaks.
pub(super) struct Socket {
    pub(super) stream: WebSocketStream<TokioIo<hyper::upgrade::Upgraded>>,
    pub(super) protocol: String,
}

/// Opens one. A refusal is told as any other refusal of an API server, with what is missing.
pub(super) async fn open(at: &At<'_>, path: String, protocols: &[&str], asked: &Asked<'_>) -> Result<Socket, Fault> {
    tracing::debug!(cluster = at.cluster.name, resource = asked.resource, "opening a stream through an API server");
    match tokio::time::timeout(OPEN, opened(at, path, protocols, asked)).await {
        Ok(opened) => opened,
        Err(_) => Err(crate::fault::late(at.cluster, OPEN.as_secs())),
    }
}

async fn opened(at: &At<'_>, path: String, protocols: &[&str], asked: &Asked<'_>) -> Result<Socket, Fault> {
    let strange = || crate::fault::strange(at.cluster, &asked.what());
    let key = STANDARD.encode(rand::random::<[u8; 16]>());
    let request = Request::get(path)
        .header(CONNECTION, "Upgrade")
        .header(UPGRADE, "websocket")
        .header(SEC_WEBSOCKET_VERSION, "13")
        .header(SEC_WEBSOCKET_KEY, &key)
        .header(SEC_WEBSOCKET_PROTOCOL, protocols.join(", "))
        .header(ACCEPT, "application/json")
        .body(Body::empty())
        .map_err(|fault| asked.fault(at.cluster, &kube::Error::HttpError(fault)))?;
    let mut answer = at.client.send(request).await.map_err(|fault| asked.fault(at.cluster, &fault))?;
    if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
        let code = answer.status().as_u16();
        let said = Limited::new(answer.into_body(), REFUSAL).collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        let status = serde_json::from_slice::<Status>(&said).ok().filter(|status| status.code >= 400);
        let status = status.unwrap_or_else(|| Status { code, message: String::from_utf8_lossy(&said).into_owned(), ..Status::default() });
        if code < 400 {
            return Err(strange());
        }
        return Err(refused(at, asked, status));
    }
    let (upgraded, protocol) = {
        let header = |name: http::HeaderName| answer.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let protocol = header(SEC_WEBSOCKET_PROTOCOL).to_owned();
        if !header(UPGRADE).eq_ignore_ascii_case("websocket")
            || header(SEC_WEBSOCKET_ACCEPT) != derive_accept_key(key.as_bytes())
            || !protocols.contains(&protocol.as_str())
        {
            return Err(strange());
        }
        (hyper::upgrade::on(&mut answer), protocol)
    };
    // The body of an answer that is none cannot be held while it is waited for.
    drop(answer);
    let upgraded = upgraded.await.map_err(|_| strange())?;
    let config = WebSocketConfig::default().max_message_size(Some(MESSAGE)).max_frame_size(Some(MESSAGE)).max_write_buffer_size(1 << 20);
    let stream = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Client, Some(config)).await;
    Ok(Socket { stream, protocol })
}

/// Behind a server's own trouble stands the node, most of the time.
fn refused(at: &At<'_>, asked: &Asked<'_>, status: Status) -> Fault {
    let code = status.code;
    let said = asked.fault(at.cluster, &kube::Error::Api(Box::new(status)));
    if code < 500 {
        return said;
    }
    let (what, name) = (asked.what(), &at.cluster.name);
    about(
        at.cluster,
        FaultKind::Unreachable,
        "node_unreachable",
        Text::new(
            format!("could not {what}: the cluster {name} does not reach the node that the pod runs on, or the container is not running"),
            format!("无法执行 {what}：集群 {name} 无法连接该 Pod 所在节点，或容器未在运行"),
        ),
        Text::new(
            "Look at the pod and its node: pilot k8s get pods, pilot k8s get nodes",
            "请检查 Pod 及其节点：pilot k8s get pods、pilot k8s get nodes",
        ),
    )
    .with_params(said.params)
}

impl Look {
    /// Whether a fault means that the object is not there (any more).
    pub(crate) fn is_gone(fault: &Fault) -> bool {
        fault.kind == FaultKind::NotFound
    }
}
