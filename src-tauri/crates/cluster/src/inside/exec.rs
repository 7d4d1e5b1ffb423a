//! A command in a container: `v5.channel.k8s.io`, or `v4` where the server is older than 1.30.
//!
//! **Invariant:** nothing more is read while the sink is busy, so that a command that writes without end waits and fills no memory; what is
//! typed goes through all the same.

use std::time::Duration;

use domain::Json;
use domain::fault::{Fault, FaultKind};
use domain::inside::{ExecInput, ExecOrder, ExecPart, ExecSink};
use domain::kube::segment;
use domain::text::Text;
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt as _, StreamExt as _};
use serde_json::json;
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use super::{pods, socket};
use crate::fault::about;
use crate::look::logs::pod_kind;
use crate::look::{Asked, At, Look, usual};

const V5: &str = "v5.channel.k8s.io";
const V4: &str = "v4.channel.k8s.io";
/// Where a message goes to or comes from: its first byte.
const INPUT: u8 = 0;
const OUTPUT: u8 = 1;
const ERROR: u8 = 2;
const STATUS: u8 = 3;
const SIZE: u8 = 4;
const CLOSE: u8 = 255;
/// A connection over which nothing goes would be cut by what stands in between.
const PING: Duration = Duration::from_secs(20);
/// So much is sent in one message.
const PIECE: usize = 32 * 1024;

/// Runs it and waits for its exit code.
pub(super) async fn exec(
    look: &Look,
    at: &At<'_>,
    order: &ExecOrder,
    mut input: mpsc::Receiver<ExecInput>,
    sink: &dyn ExecSink,
) -> Result<i32, Fault> {
    let namespace = order.namespace.as_deref().unwrap_or_else(|| usual(at.cluster));
    let asked = Asked { verb: "create", resource: "pods/exec", group: "", namespace: Some(namespace), name: Some(&order.pod) };
    if at.cluster.read_only {
        return Err(read_only(at, &asked));
    }
    let pod = look.object_of(at, &pod_kind(), Some(namespace), &order.pod, false).await?;
    let container = pods::container(at, &pod, order.container.as_deref())?;
    if !runs(&pod, &container) {
        return Err(not_running(at, &order.pod, &container, &pod));
    }
    let socket = socket::open(at, path(namespace, &container, order), &[V5, V4], &asked).await?;
    let begun = ExecPart::Begun { namespace: namespace.to_owned(), pod: order.pod.clone(), container };
    if !sink.part(begun).await {
        return Err(given_up(at));
    }
    let closes = socket.protocol == V5;
    let (mut to, mut from) = socket.stream.split();
    tokio::select! {
        ended = read(at, &mut from, sink) => ended,
        fault = write(at, &mut to, &mut input, closes) => Err(fault),
    }
}

fn path(namespace: &str, container: &str, order: &ExecOrder) -> String {
    let mut path = format!(
        "/api/v1/namespaces/{}/pods/{}/exec?container={}&stdin={}&stdout=true&stderr={}&tty={}",
        segment(namespace),
        segment(&order.pod),
        segment(container),
        order.input,
        !order.terminal,
        order.terminal,
    );
    for word in &order.command {
        // Not `segment`: a word may be a single dot.
        let word: String = word
            .bytes()
            .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
            .collect();
        path.push_str(&format!("&command={word}"));
    }
    path
}

/// Reads until the command's end is told.
async fn read<S>(at: &At<'_>, from: &mut SplitStream<WebSocketStream<S>>, sink: &dyn ExecSink) -> Result<i32, Fault>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    loop {
        let message = match from.next().await {
            Some(Ok(Message::Binary(message))) => message,
            Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(cut(at)),
            Some(Ok(_)) => continue,
        };
        let Some((channel, bytes)) = message.split_first() else { continue };
        let part = match *channel {
            // Each channel opens with an empty message.
            OUTPUT | ERROR if bytes.is_empty() => continue,
            OUTPUT => ExecPart::Output(bytes.to_vec()),
            ERROR => ExecPart::Error(bytes.to_vec()),
            STATUS if !bytes.is_empty() => return ended(at, bytes),
            _ => continue,
        };
        if !sink.part(part).await {
            return Err(given_up(at));
        }
    }
}

/// Writes what is typed, for ever: how the command ends is read.
async fn write<S>(
    at: &At<'_>,
    to: &mut SplitSink<WebSocketStream<S>, Message>,
    input: &mut mpsc::Receiver<ExecInput>,
    closes: bool,
) -> Fault
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let mut ping = tokio::time::interval_at(tokio::time::Instant::now() + PING, PING);
    let mut open = true;
    loop {
        let message = tokio::select! {
            next = input.recv(), if open => match next {
                Some(ExecInput::Bytes(bytes)) => {
                    for piece in bytes.chunks(PIECE) {
                        if to.send(channelled(INPUT, piece)).await.is_err() {
                            // Why, is read: the end of the command may be on its way.
                            std::future::pending::<()>().await;
                        }
                    }
                    continue;
                }
                Some(ExecInput::Size { columns, rows }) => channelled(SIZE, json!({ "Width": columns, "Height": rows }).to_string().as_bytes()),
                Some(ExecInput::End) if !closes => return no_end(at),
                Some(ExecInput::End) => channelled(CLOSE, &[INPUT]),
                None => {
                    open = false;
                    continue;
                }
            },
            _ = ping.tick() => Message::Ping(Vec::new().into()),
        };
        if to.send(message).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

fn channelled(channel: u8, bytes: &[u8]) -> Message {
    let mut message = Vec::with_capacity(bytes.len() + 1);
    message.push(channel);
    message.extend_from_slice(bytes);
    Message::binary(message)
}

/// What the status says: the exit code, or why there is none.
fn ended(at: &At<'_>, status: &[u8]) -> Result<i32, Fault> {
    let status: Json = serde_json::from_slice(status).map_err(|_| crate::fault::strange(at.cluster, "exec"))?;
    if status.get("status").and_then(Json::as_str) == Some("Success") {
        return Ok(0);
    }
    let causes = status.pointer("/details/causes").and_then(Json::as_array);
    let code = causes
        .into_iter()
        .flatten()
        .find(|cause| cause.get("reason").and_then(Json::as_str) == Some("ExitCode"))
        .and_then(|cause| cause.get("message")?.as_str()?.parse().ok());
    if let Some(code) = code.filter(|_| status.get("reason").and_then(Json::as_str) == Some("NonZeroExitCode")) {
        return Ok(code);
    }
    let said: String =
        status.get("message").and_then(Json::as_str).unwrap_or_default().chars().filter(|c| !c.is_control()).take(600).collect();
    Err(about(
        at.cluster,
        FaultKind::Config,
        "exec_failed",
        Text::new(format!("the command could not be run: {said}"), format!("无法运行命令：{said}")),
        Text::new(
            "Look whether the program is in the container's image; many have sh and no bash.",
            "请检查镜像中是否有该程序；许多镜像只有 sh 而没有 bash。",
        ),
    )
    .with_params(json!({ "cluster": at.cluster.name, "said": said })))
}

fn runs(pod: &Json, container: &str) -> bool {
    let lists = ["/status/containerStatuses", "/status/initContainerStatuses", "/status/ephemeralContainerStatuses"];
    let mut statuses = lists.into_iter().filter_map(|list| pod.pointer(list)?.as_array()).flatten();
    statuses.any(|status| status.get("name").and_then(Json::as_str) == Some(container) && status.pointer("/state/running").is_some())
}

pub(super) fn read_only(at: &At<'_>, asked: &Asked<'_>) -> Fault {
    let (name, what) = (&at.cluster.name, asked.what());
    about(
        at.cluster,
        FaultKind::Denied,
        "cluster_read_only",
        Text::new(
            format!("the cluster {name} is read only here: could not {what}, nothing was sent"),
            format!("集群 {name} 在此处为只读：无法执行 {what}，未发送任何内容"),
        ),
        Text::new("Switch read-only off for this cluster if you mean it.", "如确需更改，请关闭该集群的只读开关。"),
    )
}

fn not_running(at: &At<'_>, pod: &str, container: &str, object: &Json) -> Fault {
    let phase = object.pointer("/status/phase").and_then(Json::as_str).unwrap_or("Unknown");
    about(
        at.cluster,
        FaultKind::Unreachable,
        "pod_not_running",
        Text::new(
            format!("the container {container} of {pod} is not running (the pod is {phase})"),
            format!("{pod} 的容器 {container} 未在运行（Pod 状态：{phase}）"),
        ),
        Text::new(
            "Look at its events and its logs, those of before too: pilot k8s logs --previous",
            "请查看其事件和日志，包括上一次运行的日志：pilot k8s logs --previous",
        ),
    )
    .with_params(json!({ "cluster": at.cluster.name, "pod": pod, "container": container, "phase": phase }))
}

fn cut(at: &At<'_>) -> Fault {
    about(
        at.cluster,
        FaultKind::Unreachable,
        "exec_cut",
        Text::new("the connection was cut before the command's end was told; it may go on there", "连接在命令结束前中断；命令可能仍在运行"),
        Text::new("Look whether the pod is still there, then connect again.", "请检查 Pod 是否仍在，然后重新连接。"),
    )
}

fn no_end(at: &At<'_>) -> Fault {
    about(
        at.cluster,
        FaultKind::Config,
        "exec_no_end",
        Text::new(
            "this API server is older than 1.30: the command cannot be told that the input ended, and was cut off",
            "该 API 服务器早于 1.30：无法告知命令输入已结束，连接已断开",
        ),
        Text::new("Run the command on a terminal, or one that knows its own end.", "请在终端中运行，或使用能自行判断结束的命令。"),
    )
}

fn given_up(at: &At<'_>) -> Fault {
    about(
        at.cluster,
        FaultKind::Cancelled,
        "given_up",
        Text::new("nobody wanted the output any more: the connection was cut", "已无人接收输出：连接已断开"),
        Text::new("The command may go on there.", "命令可能仍在运行。"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_of_the_command_stays_one_word() {
        let order = ExecOrder {
            namespace: None,
            pod: "web".into(),
            container: None,
            command: vec!["sh".into(), "-c".into(), "echo a&b; ls ../é".into(), ".".into()],
            input: false,
            terminal: true,
        };
        assert_eq!(
            path("a", "main", &order),
            "/api/v1/namespaces/a/pods/web/exec?container=main&stdin=false&stdout=true&stderr=false&tty=true\
             &command=sh&command=%2Dc&command=echo%20a%26b%3B%20ls%20%2E%2E%2F%C3%A9&command=%2E"
        );
    }
}
