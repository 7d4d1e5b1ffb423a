//! `pilot k8s exec|port-forward|reveal`: reach into what runs.
//!
//! **Invariant:** what a command writes goes to stdout as it is; nothing of it, of what is typed or of what is revealed goes anywhere else.

use std::io::{ErrorKind, IsTerminal as _, Read as _, Write as _, stderr, stdin, stdout};
use std::sync::{Arc, Mutex, PoisonError};

use app::inside::{ExecCall, RevealOrder};
use async_trait::async_trait;
use domain::fault::{Fault, FaultKind};
use domain::id::CallId;
use domain::inside::{ExecInput, ExecOrder, ExecPart, ExecSink, ForwardOrder, ForwardState, ForwardView, PortPair};
use domain::text::Text;
use serde_json::json;
use tokio::sync::{Notify, mpsc};

use crate::args::{K8sExecArgs, K8sForwardArgs, K8sRevealCommand};
use crate::context::{Context, cancelled};
use crate::hidden;
use crate::out::Out;
use crate::values::usage;
use crate::words::tame_line;

/// So much is read from stdin at a time.
const PIECE: usize = 16 * 1024;
/// For programs that want one document, so much of each output is held.
const HELD: usize = 16 << 20;

/// Runs a command; its exit code is ours.
pub(super) async fn exec(cx: &Context, args: K8sExecArgs) -> Result<u8, Fault> {
    let programs = cx.out.for_programs();
    if args.tty && (programs || !stdin().is_terminal() || !stdout().is_terminal()) {
        return Err(usage(
            "no_terminal",
            "-t wants a terminal on both sides: stdin or stdout is none, or -o asks for data",
            "-t 需要终端：标准输入或输出不是终端，或 -o 要求输出数据",
        ));
    }
    let order = ExecCall {
        cluster: args.place.cluster,
        exec: ExecOrder {
            namespace: args.place.namespace,
            pod: args.pod,
            container: args.container,
            command: args.command,
            input: args.stdin,
            terminal: args.tty,
        },
        call: CallId::new(format!("exec-{}", uuid::Uuid::new_v4().simple())),
        approve_once: args.approve_once,
    };
    let (typed, input) = mpsc::channel(8);
    let printed = Printed { begun: Arc::default(), held: programs.then(Mutex::default) };
    let begun = printed.begun.clone();
    let (gives, terminal) = (args.stdin, args.tty);
    let feeding = async move {
        // Before, a question may be answered at the same keyboard.
        begun.notified().await;
        if terminal {
            hidden::raw();
        }
        if gives {
            let typed = typed.clone();
            std::thread::spawn(move || read_stdin(&typed));
        }
        if terminal {
            sizes(&typed).await;
        }
        // Held: a command that nobody types into has no end of its input before its own.
        std::future::pending::<()>().await;
    };
    let ended = tokio::select! {
        ended = cx.app.inside.exec(order, input, &printed, &cx.actor) => ended,
        () = feeding => Err(cancelled()),
        () = cx.stop.cancelled() => Err(cancelled()),
    };
    hidden::show_again();
    let done = ended?;
    if let Some(held) = printed.held {
        let (out, err) = held.into_inner().unwrap_or_else(PoisonError::into_inner);
        cx.out.document(&json!({
            "exitCode": done.code, "stdout": String::from_utf8_lossy(&out), "stderr": String::from_utf8_lossy(&err), "auditId": done.audit_id,
        }));
    }
    Ok(u8::try_from(done.code).unwrap_or(1))
}

/// Reads until the end; blocks, so that it has a thread of its own.
fn read_stdin(typed: &mpsc::Sender<ExecInput>) {
    let mut piece = vec![0; PIECE];
    loop {
        match stdin().lock().read(&mut piece) {
            Err(fault) if fault.kind() == ErrorKind::Interrupted => {}
            Ok(0) | Err(_) => {
                let _ = typed.blocking_send(ExecInput::End);
                return;
            }
            Ok(count) => {
                if typed.blocking_send(ExecInput::Bytes(piece[..count].to_vec())).is_err() {
                    return;
                }
            }
        }
    }
}

/// Tells how large the terminal is, now and whenever it changes.
async fn sizes(typed: &mpsc::Sender<ExecInput>) {
    let Ok(mut changed) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::window_change()) else { return };
    loop {
        if let Ok(size) = rustix::termios::tcgetwinsize(stdout())
            && typed.send(ExecInput::Size { columns: size.ws_col, rows: size.ws_row }).await.is_err()
        {
            return;
        }
        if changed.recv().await.is_none() {
            return;
        }
    }
}

struct Printed {
    begun: Arc<Notify>,
    /// What was written, where one document is wanted.
    held: Option<Mutex<(Vec<u8>, Vec<u8>)>>,
}

#[async_trait]
impl ExecSink for Printed {
    async fn part(&self, part: ExecPart) -> bool {
        if let Some(held) = &self.held {
            let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
            let (to, bytes) = match part {
                ExecPart::Begun { .. } => {
                    self.begun.notify_one();
                    return true;
                }
                ExecPart::Output(bytes) => (&mut held.0, bytes),
                ExecPart::Error(bytes) => (&mut held.1, bytes),
            };
            to.extend_from_slice(&bytes[..bytes.len().min(HELD.saturating_sub(to.len()))]);
            return true;
        }
        match part {
            ExecPart::Begun { .. } => {
                self.begun.notify_one();
                true
            }
            ExecPart::Output(bytes) => {
                let mut out = stdout().lock();
                out.write_all(&bytes).and_then(|()| out.flush()).is_ok()
            }
            ExecPart::Error(bytes) => {
                let mut err = stderr().lock();
                err.write_all(&bytes).and_then(|()| err.flush()).is_ok()
            }
        }
    }
}

/// Forwards until Ctrl-C.
pub(super) async fn forward(cx: &Context, args: K8sForwardArgs) -> Result<u8, Fault> {
    let ports = args.ports.iter().map(|pair| PortPair::read(pair)).collect::<Result<_, _>>()?;
    let order = ForwardOrder { namespace: args.place.namespace, target: args.target, ports };
    let mut changed = cx.app.inside.forwards_changed();
    let begun = cx.or_stop(cx.app.inside.forward(args.place.cluster.as_deref(), &order, &cx.actor, args.approve_once)).await?;
    tell_forward(&cx.out, None, &begun);
    let mut last = begun.clone();
    loop {
        tokio::select! {
            () = cx.stop.cancelled() => {
                cx.app.inside.stop_forward(&begun.id, &cx.actor).await?;
                return Ok(0);
            }
            _ = changed.changed() => {}
        }
        let Some(now) = cx.app.inside.forwards().into_iter().find(|view| view.id == begun.id) else {
            return Err(Fault::new(
                FaultKind::Denied,
                "clusters_locked",
                Text::new("nothing is forwarded any more: the credentials of clusters were locked", "转发已结束：集群凭据已锁定"),
                Text::new("Unlock them: pilot cluster unlock", "解锁：pilot cluster unlock"),
            ));
        };
        tell_forward(&cx.out, Some(&last), &now);
        last = now;
        if cx.out.broken() {
            cx.app.inside.stop_forward(&begun.id, &cx.actor).await?;
            return Ok(0);
        }
    }
}

/// Says where a forward stands, when that is news.
fn tell_forward(out: &Out, before: Option<&ForwardView>, now: &ForwardView) {
    let stands = |view: &ForwardView| (view.state, view.pod.clone(), view.moves, view.trouble.clone());
    if before.is_some_and(|before| stands(before) == stands(now)) {
        return;
    }
    if out.for_programs() {
        out.line(&serde_json::to_string(now).unwrap_or_default());
        return;
    }
    if before.is_none() {
        for port in &now.ports {
            out.line(&format!(
                "127.0.0.1:{} -> {}/{} {}",
                port.local,
                tame_line(&now.namespace),
                tame_line(&now.target),
                tame_line(&port.remote)
            ));
        }
    }
    let pod = tame_line(now.pod.as_deref().unwrap_or_default());
    match (&now.trouble, now.state) {
        (Some(trouble), _) => out.tell(&tame_line(out.pick(trouble))),
        (None, ForwardState::Ready) => {
            out.remark(&Text::new(format!("connections go to {pod}; Ctrl-C ends it"), format!("连接转发至 {pod}；按 Ctrl-C 结束")));
        }
        (None, ForwardState::Waiting) => out.remark(&Text::new("no pod is ready: waiting for one", "没有就绪的 Pod：正在等待")),
    }
}

/// Shows one value of a Secret.
pub(super) async fn reveal(cx: &Context, command: K8sRevealCommand) -> Result<u8, Fault> {
    let K8sRevealCommand::Secret { name, key, place, to_stdout, approve_once } = command;
    if !to_stdout && !stdout().is_terminal() {
        return Err(usage(
            "not_to_a_terminal",
            "stdout is no terminal: the value would go to a file or a program. Say --to-stdout if you mean it",
            "标准输出不是终端：值会进入文件或其他程序。如确需如此，请加 --to-stdout",
        ));
    }
    let order = RevealOrder { cluster: place.cluster, namespace: place.namespace, name, key, approve_once };
    let (value, audit_id) = cx.or_stop(cx.app.inside.reveal(order, &cx.actor)).await?;
    if cx.out.for_programs() {
        // Bytes that are no text have no place in a document.
        let text = value.to_secret().ok_or_else(|| {
            usage("not_text", "the value is no text; leave -o out to get its bytes", "该值不是文本；去掉 -o 以获取原始字节")
        })?;
        cx.out.document(&json!({ "value": text.expose(), "auditId": audit_id }));
        return Ok(0);
    }
    let terminal = stdout().is_terminal();
    let shown = value.to_secret().filter(|_| terminal);
    match shown {
        Some(text) => cx.out.foreign_line(text.expose()),
        None if terminal => {
            return Err(usage(
                "not_text",
                "the value is no text; send it to a file with --to-stdout",
                "该值不是文本；请用 --to-stdout 写入文件",
            ));
        }
        None => {
            let mut out = stdout().lock();
            let _ = out.write_all(value.expose()).and_then(|()| out.flush());
        }
    }
    Ok(0)
}
