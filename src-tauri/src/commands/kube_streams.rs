//! Commands about what goes on while the window looks: logs, terminals, forwards; and the revealing of a Secret's value.

use std::collections::HashMap;
use std::io::Write as _;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use app::inside::{ExecCall, RevealOrder};
use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::fault::{Fault, FaultKind};
use domain::id::CallId;
use domain::inside::{ExecInput, ExecOrder, ExecPart, ExecSink, ForwardOrder, PortPair};
use domain::kube::{LogPart, LogQuery, LogSink};
use domain::text::Text;
use ipc::common::{IdReq, Nothing, PickRes, UiFault};
use ipc::kube_inside::{
    KubeExecInputReq, KubeExecPart, KubeExecReq, KubeExecRes, KubeForwardReq, KubeForwardView, KubeRevealReq, KubeRevealView,
};
use ipc::kube_logs::{KubeLogBatch, KubeLogLine, KubeLogSource, KubeLogsReq, KubeLogsRes, KubeLogsSaveReq, TakenReq};
use tauri::ipc::Channel;
use tauri::{AppHandle, State};
use tauri_plugin_dialog::DialogExt as _;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::kube::Asking;
use crate::cabin::Cabin;

type Answer<T> = Result<T, UiFault>;

/// Lines are gathered for so long, and no more than so many together.
const GATHER: Duration = Duration::from_millis(50);
const TOGETHER: usize = 500;
/// So many pieces may wait to be drawn.
const AHEAD: u32 = 8;

/// What goes on: how far the window got, and where what is typed goes to.
#[derive(Default)]
pub(crate) struct Streams(Mutex<HashMap<String, Stream>>);

struct Stream {
    taken: watch::Sender<u32>,
    typed: Option<mpsc::Sender<ExecInput>>,
}

/// A stream on the list, for as long as this lives.
struct Listed<'a> {
    streams: &'a Streams,
    ask: &'a str,
    taken: watch::Receiver<u32>,
}

impl Drop for Listed<'_> {
    fn drop(&mut self) {
        self.streams.all().remove(self.ask);
    }
}

impl Listed<'_> {
    /// Waits until the window has drawn all but a few of so many pieces.
    async fn drawn(&self, n: u32) {
        let mut taken = self.taken.clone();
        let _ = taken.wait_for(|taken| taken.saturating_add(AHEAD) >= n).await;
    }
}

impl Streams {
    fn all(&self) -> MutexGuard<'_, HashMap<String, Stream>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn list<'a>(&'a self, ask: &'a str, typed: Option<mpsc::Sender<ExecInput>>) -> Listed<'a> {
        let (tell, taken) = watch::channel(0);
        self.all().insert(ask.to_owned(), Stream { taken: tell, typed });
        Listed { streams: self, ask, taken }
    }
}

/// Takes what comes in one after the other.
struct Parts(mpsc::Sender<LogPart>);

#[async_trait]
impl LogSink for Parts {
    async fn part(&self, part: LogPart) -> bool {
        self.0.send(part).await.is_ok()
    }
}

fn batch(n: u32, parts: &mut Vec<LogPart>) -> KubeLogBatch {
    let mut batch = KubeLogBatch { n, ..KubeLogBatch::default() };
    for part in parts.drain(..) {
        match part {
            LogPart::Sources(sources) => {
                batch.sources = Some(sources.into_iter().map(|one| KubeLogSource { pod: one.pod, container: one.container }).collect());
            }
            LogPart::Line(line) => {
                batch.lines.push(KubeLogLine { pod: line.source.pod, container: line.source.container, at: line.at, text: line.text });
            }
            LogPart::Note(note) => batch.notes.push(note.into()),
        }
    }
    batch
}

/// Hands lines on in batches, no faster than they are drawn; answers how many batches there were.
async fn batches(mut parts: mpsc::Receiver<LogPart>, listed: &Listed<'_>, send: impl Fn(KubeLogBatch) -> bool) -> u32 {
    let mut n = 0;
    let mut held = Vec::new();
    while parts.recv_many(&mut held, TOGETHER).await > 0 {
        let until = Instant::now() + GATHER;
        while held.len() < TOGETHER {
            let room = TOGETHER - held.len();
            match tokio::time::timeout_at(until, parts.recv_many(&mut held, room)).await {
                Ok(0) | Err(_) => break,
                Ok(_) => {}
            }
        }
        n += 1;
        if !send(batch(n, &mut held)) {
            break;
        }
        listed.drawn(n).await;
    }
    n
}

#[tauri::command]
pub(super) async fn kube_logs(
    cabin: State<'_, Cabin>,
    asking: State<'_, Asking>,
    streams: State<'_, Streams>,
    req: KubeLogsReq,
    channel: Channel<KubeLogBatch>,
) -> Answer<KubeLogsRes> {
    let read = async {
        let kube = &cabin.app().await?.kube;
        let cluster = kube.cluster(Some(&req.cluster)).await?;
        let listed = streams.list(&req.ask, None);
        let (sink, parts) = mpsc::channel(TOGETHER);
        let query = LogQuery::from(&req);
        let (ended, batches) = tokio::join!(
            async {
                let sink = Parts(sink);
                kube.logs(&cluster, &query, &sink).await
            },
            batches(parts, &listed, |batch| channel.send(batch).is_ok())
        );
        ended?;
        Ok(KubeLogsRes { batches })
    };
    asking.until(&req.ask, read).await
}

/// Lines as they are written to a file.
struct ToFile(Mutex<(std::io::BufWriter<std::fs::File>, Option<std::io::Error>)>);

#[async_trait]
impl LogSink for ToFile {
    async fn part(&self, part: LogPart) -> bool {
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let LogPart::Line(line) = part {
            let at = line.at.unwrap_or_default();
            if let Err(fault) = writeln!(file.0, "{at} [{}/{}] {}", line.source.pod, line.source.container, line.text) {
                file.1 = Some(fault);
                return false;
            }
        }
        true
    }
}

#[tauri::command]
pub(super) async fn kube_logs_save(
    cabin: State<'_, Cabin>,
    asking: State<'_, Asking>,
    handle: AppHandle,
    req: KubeLogsSaveReq,
) -> Answer<PickRes> {
    let app = cabin.app().await?;
    let (tell, picked) = tokio::sync::oneshot::channel();
    handle.dialog().file().set_file_name(&req.name).save_file(move |path| {
        let _ = tell.send(path);
    });
    let Some(path) = picked.await.ok().flatten().and_then(|path| path.into_path().ok()) else {
        return Ok(PickRes { path: None });
    };
    if let Some(text) = &req.text {
        std::fs::write(&path, text).map_err(unwritten)?;
        return Ok(PickRes { path: Some(path.display().to_string()) });
    }
    let write = async {
        let cluster = app.kube.cluster(Some(&req.query.cluster)).await?;
        let file = ToFile(Mutex::new((std::io::BufWriter::new(std::fs::File::create(&path).map_err(unwritten)?), None)));
        let query = LogQuery { follow: false, tail: None, since_secs: None, ..LogQuery::from(&req.query) };
        app.kube.logs(&cluster, &query, &file).await?;
        let (mut file, failed) = file.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        failed.map_or_else(|| file.flush(), Err).map_err(unwritten)?;
        Ok(PickRes { path: Some(path.display().to_string()) })
    };
    asking.until(&req.query.ask, write).await
}

fn unwritten(fault: std::io::Error) -> Fault {
    Fault::new(
        FaultKind::Storage,
        "log_not_written",
        Text::new(format!("the log could not be written to the file: {fault}"), format!("无法将日志写入文件：{fault}")),
        Text::new("Pick another folder", "请选择其他文件夹"),
    )
}

#[tauri::command]
pub(super) async fn kube_taken(streams: State<'_, Streams>, req: TakenReq) -> Answer<Nothing> {
    if let Some(stream) = streams.all().get(&req.ask) {
        stream.taken.send_if_modified(|taken| {
            let further = req.n > *taken;
            *taken = req.n.max(*taken);
            further
        });
    }
    Ok(Nothing {})
}

/// Hands a terminal's output to the window.
struct Screen<'a> {
    channel: Channel<KubeExecPart>,
    listed: &'a Listed<'a>,
    n: AtomicU32,
}

#[async_trait]
impl ExecSink for Screen<'_> {
    async fn part(&self, part: ExecPart) -> bool {
        let part = match part {
            ExecPart::Begun { pod, container, .. } => KubeExecPart::Begun { pod, container },
            ExecPart::Output(bytes) | ExecPart::Error(bytes) => {
                let n = self.n.fetch_add(1, Ordering::Relaxed) + 1;
                self.listed.drawn(n).await;
                KubeExecPart::Output { n, bytes: STANDARD.encode(bytes) }
            }
        };
        self.channel.send(part).is_ok()
    }
}

#[tauri::command]
pub(super) async fn kube_exec(
    cabin: State<'_, Cabin>,
    asking: State<'_, Asking>,
    streams: State<'_, Streams>,
    req: KubeExecReq,
    channel: Channel<KubeExecPart>,
) -> Answer<KubeExecRes> {
    let run = async {
        let app = cabin.app().await?;
        let (typed, input) = mpsc::channel(256);
        let _ = typed.try_send(ExecInput::Size { columns: req.columns, rows: req.rows });
        let listed = streams.list(&req.ask, Some(typed));
        let screen = Screen { channel, listed: &listed, n: AtomicU32::default() };
        let order = ExecCall {
            cluster: Some(req.cluster.clone()),
            exec: ExecOrder {
                namespace: req.namespace.clone(),
                pod: req.pod.clone(),
                container: req.container.clone(),
                command: req.command.clone(),
                input: true,
                terminal: true,
            },
            call: CallId::new(format!("terminal-{}", req.ask)),
            approve_once: false,
        };
        let done = app.inside.exec(order, input, &screen, cabin.actor()).await?;
        Ok(KubeExecRes { code: done.code, last: screen.n.load(Ordering::Relaxed), audit_id: done.audit_id.as_str().to_owned() })
    };
    asking.until(&req.ask, run).await
}

#[tauri::command]
pub(super) async fn kube_exec_input(streams: State<'_, Streams>, req: KubeExecInputReq) -> Answer<Nothing> {
    let typed = streams.all().get(&req.ask).and_then(|stream| stream.typed.clone());
    // A terminal that ended hears nothing more.
    if let Some(typed) = typed {
        if let Some((columns, rows)) = req.size {
            let _ = typed.send(ExecInput::Size { columns, rows }).await;
        }
        if !req.text.is_empty() {
            let _ = typed.send(ExecInput::Bytes(req.text.into_bytes())).await;
        }
    }
    Ok(Nothing {})
}

#[tauri::command]
pub(super) async fn kube_forward(cabin: State<'_, Cabin>, req: KubeForwardReq) -> Answer<KubeForwardView> {
    let app = cabin.app().await?;
    let ports = req.ports.iter().map(|pair| PortPair::read(pair)).collect::<Result<_, _>>()?;
    let order = ForwardOrder { namespace: req.namespace, target: req.target, ports };
    Ok(app.inside.forward(Some(&req.cluster), &order, cabin.actor(), false).await?.into())
}

#[tauri::command]
pub(super) async fn kube_forward_list(cabin: State<'_, Cabin>, req: Nothing) -> Answer<Vec<KubeForwardView>> {
    let Nothing {} = req;
    Ok(cabin.app().await?.inside.forwards().into_iter().map(Into::into).collect())
}

#[tauri::command]
pub(super) async fn kube_forward_stop(cabin: State<'_, Cabin>, req: IdReq) -> Answer<Nothing> {
    cabin.app().await?.inside.stop_forward(&req.id, cabin.actor()).await?;
    Ok(Nothing {})
}

#[tauri::command]
pub(super) async fn kube_reveal(cabin: State<'_, Cabin>, req: KubeRevealReq) -> Answer<KubeRevealView> {
    let app = cabin.app().await?;
    let order = RevealOrder { cluster: Some(req.cluster), namespace: req.namespace, name: req.name, key: req.key, approve_once: false };
    let (value, audit_id) = app.inside.reveal(order, cabin.actor()).await?;
    Ok(KubeRevealView {
        text: value.to_secret().map(|text| text.expose().to_owned()),
        bytes: u32::try_from(value.expose().len()).unwrap_or(u32::MAX),
        audit_id: audit_id.as_str().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use domain::kube::{LogLine, LogSource};

    use super::*;

    fn line(nth: usize) -> LogPart {
        let source = LogSource { namespace: "a".into(), pod: "p".into(), container: "c".into() };
        LogPart::Line(LogLine { source, at: None, text: nth.to_string() })
    }

    #[tokio::test(start_paused = true)]
    async fn lines_come_in_batches_and_no_faster_than_they_are_drawn() {
        let streams = Streams::default();
        let listed = streams.list("ask", None);
        let (sink, parts) = mpsc::channel(TOGETHER);
        let sent = Mutex::new(Vec::new());
        let writing = async {
            let sink = Parts(sink);
            for nth in 0..20_000 {
                sink.part(line(nth)).await;
            }
        };
        let drawing = async {
            tokio::time::sleep(Duration::from_secs(60)).await;
            let waiting = sent.lock().unwrap().len();
            streams.all().get("ask").unwrap().taken.send_replace(u32::MAX);
            waiting
        };
        let send = |batch: KubeLogBatch| {
            sent.lock().unwrap().push(batch);
            true
        };
        let (n, (), waiting) = tokio::join!(batches(parts, &listed, send), writing, drawing);
        let sent = sent.into_inner().unwrap();
        assert_eq!(waiting, usize::try_from(AHEAD).unwrap() + 1, "nobody drew anything for a minute");
        assert_eq!((usize::try_from(n).unwrap(), sent.last().unwrap().n), (sent.len(), n));
        let texts: Vec<String> = sent.iter().flat_map(|batch| &batch.lines).map(|line| line.text.clone()).collect();
        assert_eq!(texts, (0..20_000).map(|nth| nth.to_string()).collect::<Vec<_>>());
        assert!(sent.iter().all(|batch| batch.lines.len() <= TOGETHER));
        drop(listed);
        assert!(streams.all().is_empty());
    }
}
