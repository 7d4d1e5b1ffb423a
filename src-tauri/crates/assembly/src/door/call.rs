//! The helper's side: finds the running app, lets itself be looked at, and asks.

use std::path::Path;
use std::time::Duration;

use domain::fault::Fault;
use domain::secret::Secret;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use zeroize::Zeroizing;

use super::place::{Place, own_uid, places};
use super::{HELLO, LARGEST_ANSWER, Reply, Request};
use crate::Places;

/// An app that does not say hello within this is no help.
const GREETING: Duration = Duration::from_secs(3);
/// A person may be asked, more than once, and a credential program may be slow.
const ANSWER: Duration = Duration::from_secs(300);

pub(super) async fn ask(config_dir: Option<&Path>, request: Request) -> Option<Result<Secret, Fault>> {
    let config = Places::find(config_dir, |name| std::env::var_os(name)).ok()?.dir;
    for place in places(&config, |name| std::env::var_os(name)) {
        if let Some(stream) = reach(&place).await
            && let Some(answer) = converse(stream, &request).await
        {
            return Some(answer);
        }
    }
    None
}

/// Connects, when it is certain that the app is this user's.
async fn reach(place: &Place) -> Option<UnixStream> {
    if !place.is_ours() {
        return None;
    }
    let (path, _folder) = place.short(&place.name).ok()?;
    let stream = tokio::time::timeout(GREETING, UnixStream::connect(path)).await.ok()?.ok()?;
    (stream.peer_cred().ok()?.uid() == own_uid()).then_some(stream)
}

/// None when there is no answer: the app closed the door, ended, or does not know us.
async fn converse(mut stream: UnixStream, request: &Request) -> Option<Result<Secret, Fault>> {
    let mut hello = [0; HELLO.len()];
    tokio::time::timeout(GREETING, stream.read_exact(&mut hello)).await.ok()?.ok()?;
    if hello != HELLO {
        return None;
    }
    // It has looked at us. From here on nobody does.
    crate::harden();
    let mut line = serde_json::to_vec(request).ok()?;
    line.push(b'\n');
    stream.write_all(&line).await.ok()?;
    let mut answer = Zeroizing::new(Vec::with_capacity(64 * 1024));
    let mut stream = stream.take(LARGEST_ANSWER);
    tokio::time::timeout(ANSWER, stream.read_to_end(&mut answer)).await.ok()?.ok()?;
    match serde_json::from_slice(&answer).ok()? {
        Reply { credential: Some(credential), .. } => Some(Ok(credential)),
        Reply { fault: Some(fault), .. } => Some(Err(fault)),
        Reply { .. } => None,
    }
}
