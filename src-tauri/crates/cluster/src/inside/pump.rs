//! One connection through a tunnel to a port of a pod: `v4.channel.k8s.io`, one connection of its own for each.

use std::time::Duration;

use domain::fault::Fault;
use domain::kube::segment;
use futures::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;

use super::socket::{self, Socket};
use crate::look::{Asked, At};

const V4: &str = "v4.channel.k8s.io";
const DATA: u8 = 0;
const ERROR: u8 = 1;
const PING: Duration = Duration::from_secs(20);
/// After our side said its last word, the pod may answer for as long as it says something at least so often. The protocol cannot tell it
/// that nothing more will come.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// Opens a tunnel.
pub(super) async fn open(at: &At<'_>, namespace: &str, pod: &str, port: u16) -> Result<Socket, Fault> {
    let asked = Asked { verb: "create", resource: "pods/portforward", group: "", namespace: Some(namespace), name: Some(pod) };
    let path = format!("/api/v1/namespaces/{}/pods/{}/portforward?ports={port}", segment(namespace), segment(pod));
    socket::open(at, path, &[V4], &asked).await
}

/// How a connection ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// One of both sides closed it.
    Closed,
    /// The node says why the port cannot be had.
    Refused(String),
    /// The tunnel was cut.
    Cut,
}

/// Carries bytes both ways until one side is done.
pub(super) async fn pump(socket: Socket, mut here: TcpStream) -> Ended {
    let (mut to, mut from) = socket.stream.split();
    let (mut read, mut write) = here.split();
    let up = async {
        let mut piece = vec![0; 32 * 1024];
        let mut ping = tokio::time::interval_at(tokio::time::Instant::now() + PING, PING);
        let mut open = true;
        loop {
            let message = tokio::select! {
                count = read.read(&mut piece[1..]), if open => match count {
                    Ok(0) => {
                        open = false;
                        continue;
                    }
                    Ok(count) => {
                        piece[0] = DATA;
                        Message::binary(piece[..=count].to_vec())
                    }
                    Err(_) => return,
                },
                () = tokio::time::sleep(LAST_WORDS), if !open => return,
                _ = ping.tick() => Message::Ping(Vec::new().into()),
            };
            if to.send(message).await.is_err() {
                // How it ended is read.
                std::future::pending::<()>().await;
            }
        }
    };
    let down = async {
        // Each channel opens with the number of the port.
        let mut opened = [false; 2];
        loop {
            let message = match from.next().await {
                Some(Ok(Message::Binary(message))) => message,
                Some(Ok(Message::Close(_))) | None => return Ended::Closed,
                Some(Err(_)) => return Ended::Cut,
                Some(Ok(_)) => continue,
            };
            let Some((channel @ (&DATA | &ERROR), bytes)) = message.split_first() else { continue };
            if !std::mem::replace(&mut opened[usize::from(*channel)], true) || bytes.is_empty() {
                continue;
            }
            if *channel == ERROR {
                return Ended::Refused(String::from_utf8_lossy(bytes).chars().filter(|c| !c.is_control()).take(300).collect());
            }
            if write.write_all(bytes).await.is_err() {
                return Ended::Closed;
            }
        }
    };
    let ended = tokio::select! {
        ended = down => ended,
        () = up => Ended::Closed,
    };
    let _ = write.shutdown().await;
    ended
}
