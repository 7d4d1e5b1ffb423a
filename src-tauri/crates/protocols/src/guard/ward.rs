//! The app's side: a guarded program.

use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream as StdStream;
use std::process::Stdio;
use std::time::Duration;

use domain::fault::ServerFault;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf, pipe};
use tokio::process::{Child, ChildStdin, ChildStdout};
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};
use tokio_util::task::TaskTracker;

use super::letter::{Exit, GRACE, Order, Report, Spec, line};

/// How long the guard may take to say that the program runs. Only our own start counts here, not the program's.
const START: Duration = Duration::from_secs(30);
/// How long a guard may take beyond the ladder before it is given up.
const SLACK: Duration = Duration::from_secs(4);

/// What became of the program so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Fate {
    /// It ended like this.
    pub exit: Option<Exit>,
    /// It was ended for going over this limit.
    pub over: Option<(String, u64)>,
    /// The guard is gone, and with it everything.
    pub gone: bool,
    /// So many processes could not be ended.
    pub left: usize,
}

/// The program's three pipes, straight from it.
#[derive(Debug)]
pub(crate) struct Pipes {
    /// What it reads.
    pub stdin: ChildStdin,
    /// What it writes.
    pub stdout: ChildStdout,
    /// What it complains.
    pub stderr: pipe::Receiver,
}

/// A program under guard. Dropping it ends the program and everything that it started.
#[derive(Debug)]
pub(crate) struct Ward {
    pid: u32,
    orders: mpsc::UnboundedSender<Order>,
    fate: watch::Receiver<Fate>,
}

impl Ward {
    /// Starts a program under guard. `guard` is our own executable with the arguments that make it a guard; `label` is what a process
    /// list shows beside it. Every task goes to `tasks`.
    pub(crate) async fn start(guard: &[String], label: &str, spec: &Spec, tasks: &TaskTracker) -> Result<(Self, Pipes), ServerFault> {
        let failed = |reason: String| ServerFault::SpawnFailed { program: spec.program.clone(), reason };
        let system = |what: &'static str| move |fault: std::io::Error| failed_with(&spec.program, what, &fault);
        let (executable, words) = guard.split_first().ok_or_else(|| failed("no guard is configured".into()))?;

        let (ours, theirs) = StdStream::pair().map_err(system("no socket"))?;
        let (read_end, write_end) = std::io::pipe().map_err(system("no pipe"))?;
        hand_over(&ours, &OwnedFd::from(write_end)).map_err(system("no pipe"))?;
        ours.set_nonblocking(true).map_err(system("no socket"))?;
        let stderr = pipe::Receiver::from_owned_fd(OwnedFd::from(read_end)).map_err(system("no pipe"))?;

        #[expect(clippy::disallowed_methods, reason = "this starts the guard")]
        let mut command = tokio::process::Command::new(executable);
        command.args(words).arg(label).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::from(OwnedFd::from(theirs)));
        let mut child = command.spawn().map_err(|fault| failed_with(executable, "the guard does not start", &fault))?;
        // It holds their end of the socket, and the guard must be the only one who does.
        drop(command);
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(ServerFault::Internal { what: "a guard without pipes".into() });
        };

        let (reports, control) = UnixStream::from_std(ours).map_err(system("no socket"))?.into_split();
        let mut post = Post { reports: BufReader::new(reports).lines(), control };
        let hello = async {
            let text = serde_json::to_vec(spec).map_err(|fault| failed(fault.to_string()))?;
            let size = u32::try_from(text.len()).map_err(|_| failed("its description is too large".into()))?;
            let sent = async {
                post.control.write_all(&size.to_be_bytes()).await?;
                post.control.write_all(&text).await
            };
            // A guard that refused early has closed its end; its reason is there to be read all the same.
            let sent = sent.await;
            match post.next().await {
                Ok(Report::Started { pid }) => Ok(pid),
                Ok(Report::Failed { reason }) => Err(failed(reason)),
                Ok(_) => Err(failed("the guard answered out of turn".into())),
                Err(words) => Err(match sent {
                    Err(fault) => failed(format!("the guard ended at once: {fault}")),
                    Ok(()) if words.is_empty() => failed("the guard ended at once".into()),
                    Ok(()) => failed(format!("the guard ended at once, saying: {words}")),
                }),
            }
        };
        let pid = match timeout(START, hello).await {
            Ok(Ok(pid)) => pid,
            Ok(Err(fault)) => {
                tasks.spawn(async move { see_off(child).await });
                return Err(fault);
            }
            Err(_) => {
                tasks.spawn(async move { see_off(child).await });
                return Err(failed(format!("the guard did not answer within {} s", START.as_secs())));
            }
        };

        let (orders, inbox) = mpsc::unbounded_channel();
        let (tell, fate) = watch::channel(Fate::default());
        tasks.spawn(attend(post, inbox, tell, child, pid));
        let ward = Self { pid: pid.unsigned_abs(), orders, fate };
        Ok((ward, Pipes { stdin, stdout, stderr }))
    }

    /// The program's process id.
    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// What became of it so far.
    pub(crate) fn fate(&self) -> Fate {
        self.fate.borrow().clone()
    }

    /// Waits until the program ended, one way or another.
    pub(crate) async fn ended(&self) -> Fate {
        self.reaches(|fate| fate.exit.is_some() || fate.gone).await
    }

    /// Waits until it and everything that it started are gone.
    pub(crate) async fn gone(&self) -> Fate {
        self.reaches(|fate| fate.gone).await
    }

    async fn reaches(&self, wanted: impl FnMut(&Fate) -> bool) -> Fate {
        let mut fate = self.fate.clone();
        match fate.wait_for(wanted).await {
            Ok(fate) => fate.clone(),
            Err(_) => Fate { gone: true, ..self.fate() },
        }
    }

    /// The ladder: its stdin must be closed by now; after 3 s TERM, after 3 s more KILL, to the whole tree. Answers what became of it.
    pub(crate) async fn stop(&self) -> Fate {
        if let Ok(fate) = timeout(GRACE, self.gone()).await {
            return fate;
        }
        let _ = self.orders.send(Order::Stop);
        if let Ok(fate) = timeout(GRACE + SLACK, self.gone()).await {
            return fate;
        }
        self.kill();
        timeout(SLACK, self.gone()).await.unwrap_or_else(|_| self.fate())
    }

    /// Ends it now, tree and all. Does not wait.
    pub(crate) fn kill(&self) {
        let _ = self.orders.send(Order::Kill);
    }
}

fn failed_with(program: &str, what: &str, fault: &std::io::Error) -> ServerFault {
    ServerFault::SpawnFailed { program: program.to_owned(), reason: format!("{what}: {fault}") }
}

/// Sends one end of a pipe to the guard. It fits into the socket's buffer, so that nobody waits.
fn hand_over(socket: &StdStream, fd: &OwnedFd) -> std::io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut parcel = SendAncillaryBuffer::new(&mut space);
    let fds = [fd.as_fd()];
    if !parcel.push(SendAncillaryMessage::ScmRights(&fds)) {
        return Err(std::io::Error::other("no room for the pipe"));
    }
    rustix::net::sendmsg(socket, &[IoSlice::new(b"F")], &mut parcel, SendFlags::empty())?;
    Ok(())
}

/// The letters between us and the guard.
struct Post {
    reports: tokio::io::Lines<BufReader<OwnedReadHalf>>,
    control: OwnedWriteHalf,
}

impl Post {
    /// The next report, or the words that came instead when there are no more.
    async fn next(&mut self) -> Result<Report, String> {
        let mut words = String::new();
        loop {
            match self.reports.next_line().await {
                Ok(Some(text)) => match serde_json::from_str(&text) {
                    Ok(report) => return Ok(report),
                    // A guard that panics, or an executable that is no guard, says so in plain words.
                    Err(_) if words.len() < 2000 => {
                        words.push_str(text.trim());
                        words.push(' ');
                    }
                    Err(_) => {}
                },
                Ok(None) | Err(_) => return Err(words.trim_end().to_owned()),
            }
        }
    }
}

/// Passes orders on and reports back until the guard is gone.
async fn attend(mut post: Post, mut inbox: mpsc::UnboundedReceiver<Order>, tell: watch::Sender<Fate>, child: Child, pid: i32) {
    let mut listening = true;
    loop {
        tokio::select! {
            report = post.next() => match report {
                Ok(Report::Exited(exit)) => tell.send_modify(|fate| fate.exit = Some(exit)),
                Ok(Report::OverLimit { what, limit }) => tell.send_modify(|fate| fate.over = Some((what, limit))),
                Ok(Report::Gone { left }) => {
                    tell.send_modify(|fate| fate.left = left);
                    break;
                }
                Ok(Report::Started { .. } | Report::Failed { .. }) => {}
                Err(_) => {
                    // The guard was killed, and with it our eyes: what can still be reached is the program's own group.
                    if let Some(pid) = Pid::from_raw(pid) {
                        let _ = kill_process_group(pid, Signal::KILL);
                    }
                    break;
                }
            },
            order = inbox.recv(), if listening => {
                if let Some(order) = order {
                    let _ = post.control.write_all(&line(&order)).await;
                } else {
                    // Nobody holds the ward any more: closing the socket is the order to end everything.
                    listening = false;
                    let _ = post.control.shutdown().await;
                }
            }
        }
    }
    drop(post);
    see_off(child).await;
    tell.send_modify(|fate| fate.gone = true);
}

/// Waits for the guard's process, so that no zombie of it is left.
async fn see_off(mut child: Child) {
    tokio::select! {
        _ = child.wait() => {}
        () = sleep(GRACE + SLACK) => {
            let _ = child.kill().await;
        }
    }
}
