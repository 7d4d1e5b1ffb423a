//! The app's side: takes connections in, a bounded number at a time, and gives each a bounded time.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use app::App;
use app::credentials::CredentialOrder;
use domain::fault::{Fault, FaultKind};
use domain::policy::{Actor, Door};
use domain::secret::Secret;
use domain::text::Text;
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use zeroize::Zeroizing;

use super::peer::{self, Peer};
use super::place::{Place, own_uid, places};
use super::{HELLO, LARGEST_REQUEST, Request};
use crate::Places;
use crate::caller::Hashes;

/// So many are inside at once; who comes then does without us. More than can wait for a person.
const MOST: usize = 64;
/// A request comes, and an answer is taken, within this.
const PROMPT: Duration = Duration::from_secs(3);
/// After the app cannot take a connection in (no file is left to open), it waits so long.
const BREATH: Duration = Duration::from_millis(100);

/// What each connection needs.
#[derive(Debug)]
struct Desk {
    app: Arc<App>,
    /// The only program that is let in.
    helper: PathBuf,
    /// How our command is called, for hints.
    pilot: String,
    /// Whose processes are let in.
    uid: u32,
    hashes: Hashes,
}

/// The door while it is open.
#[derive(Debug)]
pub(super) struct Opened {
    path: PathBuf,
    stop: CancellationToken,
    tasks: TaskTracker,
    /// Locked for as long as this process has the door; the system unlocks it when the process dies, however it dies.
    lock: File,
}

/// Opens the door; none when another running app has it.
pub(super) fn open(app: Arc<App>, helper: PathBuf) -> Result<Option<Opened>, Fault> {
    let config = app.data_dir().to_owned();
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for place in places(&config, |name| std::env::var_os(name)) {
        match listen(&place) {
            Ok(None) => return Ok(None),
            Ok(Some((listener, lock))) => {
                let usual = Places::find(Some(&config), |name| std::env::var_os(name)).is_ok_and(|places| places.are_usual());
                let pilot = if usual { "pilot".to_owned() } else { format!("pilot --config-dir '{}'", config.display()) };
                let desk = Arc::new(Desk { app, helper, pilot, uid: own_uid(), hashes: Hashes::default() });
                let opened = Opened { path: place.path(), stop: CancellationToken::new(), tasks: TaskTracker::new(), lock };
                opened.tasks.spawn(take_in(listener, desk.clone(), opened.stop.clone(), opened.tasks.clone()));
                let stop = opened.stop.clone();
                opened.tasks.spawn(async move { desk.app.credentials.watch(stop).await });
                return Ok(Some(opened));
            }
            Err(fault) => last = fault,
        }
    }
    Err(no_door(&config, &last))
}

impl Opened {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) async fn close(self) {
        // While the lock is held, the file is ours.
        let _ = std::fs::remove_file(&self.path);
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        drop(self.lock);
    }
}

/// Listens at a place; none when another process does. What a dead one left there is replaced in one step.
fn listen(place: &Place) -> io::Result<Option<(UnixListener, File)>> {
    place.make()?;
    let lock = File::options().create(true).truncate(false).write(true).open(place.folder.join(format!("{}.lock", place.name)))?;
    lock.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(std::fs::TryLockError::WouldBlock) => return Ok(None),
        Err(std::fs::TryLockError::Error(fault)) => return Err(fault),
    }
    let path = place.path();
    if std::fs::symlink_metadata(&path).is_ok_and(|meta| !meta.file_type().is_socket()) {
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, "something that is no socket has its name"));
    }
    let fresh = format!("{}.new", place.name);
    let _ = std::fs::remove_file(place.folder.join(&fresh));
    let (short, _folder) = place.short(&fresh)?;
    let listener = UnixListener::bind(short)?;
    std::fs::set_permissions(place.folder.join(&fresh), std::fs::Permissions::from_mode(0o600))?;
    std::fs::rename(place.folder.join(&fresh), path)?;
    Ok(Some((listener, lock)))
}

async fn take_in(listener: UnixListener, desk: Arc<Desk>, stop: CancellationToken, tasks: TaskTracker) {
    let room = Arc::new(Semaphore::new(MOST));
    loop {
        let came = tokio::select! {
            () = stop.cancelled() => return,
            came = listener.accept() => came,
        };
        let Ok((stream, _)) = came else {
            tokio::time::sleep(BREATH).await;
            continue;
        };
        // Without room the connection is closed: the caller then does without us.
        let Ok(permit) = room.clone().try_acquire_owned() else { continue };
        let (desk, stop) = (desk.clone(), stop.clone());
        tasks.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                done = serve(stream, &desk) => {
                    if let Err(fault) = done {
                        tracing::debug!(%fault, "a caller at the door went away");
                    }
                }
            }
            drop(permit);
        });
    }
}

/// Whether a process of that user is let in. Not even the superuser is: whoever acts for us acts as us.
fn may_enter(theirs: u32, ours: u32) -> bool {
    theirs == ours
}

async fn serve(mut stream: UnixStream, desk: &Desk) -> io::Result<()> {
    let peer = stream.peer_cred()?;
    if !may_enter(peer.uid(), desk.uid) {
        tracing::warn!(uid = peer.uid(), "a process of another user came to the door");
        return Ok(());
    }
    let actor = Actor { door: Door::Cli, name: crate::user_name(), can_ask: false };
    let found = match peer::look(&stream, peer.pid(), &desk.helper) {
        Peer::Ours(found) => found,
        Peer::Stranger(program) => {
            desk.app.credentials.stranger(program.as_deref(), &actor).await;
            return promptly(say(&mut stream, &reply(Err(&not_ours(program.as_deref()))))).await;
        }
    };
    promptly(say(&mut stream, HELLO)).await?;
    let (reader, mut writer) = stream.split();
    let mut reader = BufReader::new(reader.take(LARGEST_REQUEST));
    let mut line = Vec::new();
    match promptly(reader.read_until(b'\n', &mut line)).await {
        Ok(_) => {}
        Err(fault) if fault.kind() == io::ErrorKind::TimedOut => {}
        Err(fault) => return Err(fault),
    }
    let request = if line.ends_with(b"\n") { serde_json::from_slice::<Request>(&line).ok() } else { None };
    let Some(request) = request else {
        return promptly(say(&mut writer, &reply(Err(&no_request(line.len()))))).await;
    };
    let answer = async {
        let caller = match found {
            Some(found) => desk.hashes.caller(found.program, found.file).await,
            None => None,
        };
        let order = CredentialOrder { cluster: request.id.into(), info: request.info, caller, actor, pilot: desk.pilot.clone() };
        desk.app.credentials.issue(&order).await
    };
    let answer = tokio::select! {
        answer = answer => answer,
        // Nothing more is to come: whoever goes away, or goes on talking, gets nothing, and no question waits for them.
        _ = reader.read_u8() => return Ok(()),
    };
    promptly(say(&mut writer, &reply(answer.as_ref().map(Secret::expose)))).await
}

/// A line back.
fn reply(answer: Result<&str, &Fault>) -> Zeroizing<Vec<u8>> {
    let (word, room) = match answer {
        Ok(document) => ("{\"credential\":", document.len()),
        Err(_) => ("{\"fault\":", 1024),
    };
    // Room for every character to be escaped: a buffer that grows leaves copies behind.
    let mut line = Zeroizing::new(Vec::with_capacity(2 * room + 64));
    line.extend_from_slice(word.as_bytes());
    let written = match answer {
        Ok(document) => serde_json::to_writer(&mut *line, document),
        Err(fault) => serde_json::to_writer(&mut *line, fault),
    };
    debug_assert!(written.is_ok(), "texts and faults can always be written");
    line.extend_from_slice(b"}\n");
    line
}

async fn say(to: &mut (impl AsyncWrite + Unpin), what: &[u8]) -> io::Result<()> {
    to.write_all(what).await?;
    to.flush().await
}

async fn promptly<T>(work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    match tokio::time::timeout(PROMPT, work).await {
        Ok(done) => done,
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}

fn not_ours(program: Option<&str>) -> Fault {
    let name = program.unwrap_or("?");
    Fault::new(
        FaultKind::Denied,
        "not_pilot",
        Text::new(
            format!("the running app gives credentials through its own pilot only, and {name} is another program"),
            format!("运行中的应用只通过自带的 pilot 提供凭据，而 {name} 是另一个程序"),
        ),
        Text::new("Call pilot kube-credential.", "请调用 pilot kube-credential。"),
    )
    .with_params(json!({ "program": program }))
}

fn no_request(bytes: usize) -> Fault {
    Fault::new(
        FaultKind::Protocol,
        "bad_request",
        Text::new(
            format!("the running app got {bytes} bytes, which are no request of one line, or not in time"),
            format!("运行中的应用收到 {bytes} 字节，不是单行请求或超时"),
        ),
        Text::new("Restart the app if pilot was updated.", "如果更新过 pilot，请重启应用。"),
    )
}

fn no_door(config: &Path, fault: &io::Error) -> Fault {
    let config = config.display();
    Fault::new(
        FaultKind::Config,
        "no_door",
        Text::new(
            format!("pilot kube-credential cannot come to this app ({config}): {fault}"),
            format!("pilot kube-credential 无法连接此应用（{config}）：{fault}"),
        ),
        Text::new(
            "Until then pilot opens the vault by itself, and nobody can be asked.",
            "在此之前，pilot 将自行打开保险库，且无法询问用户。",
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b14_a_process_of_any_other_user_stays_outside() {
        for (theirs, ours, enters) in [(1000, 1000, true), (0, 0, true), (65_534, 0, false), (0, 1000, false), (1001, 1000, false)] {
            assert_eq!(may_enter(theirs, ours), enters, "{theirs} at the door of {ours}");
        }
    }

    #[test]
    fn a_reply_is_one_line_of_json_whatever_stands_in_it() {
        let line = reply(Ok("{\"a\":\"x\\n\"}\n"));
        assert_eq!(line.iter().position(|byte| *byte == b'\n'), Some(line.len() - 1));
        let read: crate::door::Reply = serde_json::from_slice(&line).unwrap();
        assert_eq!(read.credential.unwrap().expose(), "{\"a\":\"x\\n\"}\n");
        let read: crate::door::Reply = serde_json::from_slice(&reply(Err(&no_request(7)))).unwrap();
        assert_eq!(read.fault.unwrap().code, "bad_request");
    }
}
