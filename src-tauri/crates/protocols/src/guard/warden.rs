//! The guard's own process.

use std::io::{IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream as StdStream;
use std::os::unix::process::CommandExt;
use std::process::Stdio;
use std::time::Duration;

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags};
use rustix::process::{Pid, Resource, Rlimit, Signal};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::OwnedWriteHalf;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep, sleep_until, timeout};

use super::letter::{Exit, GRACE, Limits, Order, Report, Spec, line};
use super::tree;

#[cfg(target_os = "linux")]
const CLOSE_ON_EXEC: RecvFlags = RecvFlags::CMSG_CLOEXEC;
/// Elsewhere the flag does not exist; nothing is started before the descriptor has become the program's own.
#[cfg(not(target_os = "linux"))]
const CLOSE_ON_EXEC: RecvFlags = RecvFlags::empty();
/// How often the tree is measured: while it is small, when it has grown, when it may be running away.
const CALM_TICK: Duration = Duration::from_millis(500);
const TICK: Duration = Duration::from_millis(100);
const FAST_TICK: Duration = Duration::from_millis(20);
const FEW: u32 = 8;
const MANY: u32 = 32;
/// Processes that are measured when their number has no limit.
const ENOUGH: u32 = 10_000;
/// How long what is left of a tree may take to end by itself once the program has ended or the app is gone.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// How long killing may take before the guard gives up: only a process stuck in the kernel outlives KILL.
const BURIAL: Duration = Duration::from_secs(3);
/// How long the app may take to say what is to be started.
const HELLO: Duration = Duration::from_secs(30);
/// The largest spec.
const SPEC_LIMIT: u32 = 64 << 20;

/// See [`super::run`].
pub(super) fn run() -> i32 {
    let Some(control) = control() else {
        let _ = writeln!(std::io::stderr(), "the guard is started by Pilothouse itself; there is nothing to do here");
        return 2;
    };
    match start(&control) {
        Ok((pid, limits)) => watch(control, pid, limits),
        Err(reason) => {
            let mut control = control;
            let _ = control.write_all(&line(&Report::Failed { reason }));
            1
        }
    }
}

/// The socket to the app, which comes in as fd 2.
fn control() -> Option<StdStream> {
    let fd = std::io::stderr().as_fd().try_clone_to_owned().ok()?;
    rustix::net::sockopt::socket_type(&fd).ok()?;
    Some(StdStream::from(fd))
}

/// Takes the spec, sets ourselves up, and starts the program.
fn start(control: &StdStream) -> Result<(Pid, Limits), String> {
    control.set_read_timeout(Some(HELLO)).map_err(|fault| fault.to_string())?;
    let stderr = take_fd(control)?;
    let spec = take_spec(control)?;
    control.set_read_timeout(None).map_err(|fault| fault.to_string())?;

    // Out of the terminal's reach: Ctrl-C is for the app, which then ends us in order.
    let _ = rustix::process::setsid();
    #[cfg(target_os = "linux")]
    rustix::process::set_child_subreaper(Some(rustix::process::getpid())).map_err(|fault| format!("cannot adopt orphans: {fault}"))?;
    confine(&spec.limits);

    #[expect(clippy::disallowed_methods, reason = "this is the guard")]
    let mut command = std::process::Command::new(&spec.program);
    command.args(&spec.args).env_clear().envs(&spec.env).process_group(0);
    command.stdin(Stdio::inherit()).stdout(Stdio::inherit()).stderr(Stdio::from(stderr));
    if let Some(cwd) = &spec.cwd {
        command.current_dir(cwd);
    }
    let child = command.spawn().map_err(|fault| said(&fault, &spec))?;
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).ok_or("the system gave an impossible process id")?;
    // Our copies of the pipes must close, or nobody would ever see them end.
    drop(command);
    let nothing = std::fs::OpenOptions::new().read(true).write(true).open("/dev/null").map_err(|fault| fault.to_string())?;
    let let_go = || -> rustix::io::Result<()> {
        rustix::stdio::dup2_stdin(&nothing)?;
        rustix::stdio::dup2_stdout(&nothing)?;
        rustix::stdio::dup2_stderr(&nothing)
    };
    let_go().map_err(|fault| fault.to_string())?;
    Ok((pid, spec.limits))
}

/// Why a start failed, with what the bare system error leaves out.
fn said(fault: &std::io::Error, spec: &Spec) -> String {
    let there = std::path::Path::new(&spec.program).exists();
    let cwd_missing = spec.cwd.as_ref().is_some_and(|cwd| !std::path::Path::new(cwd).is_dir());
    match fault.kind() {
        std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory if cwd_missing => {
            format!("the folder to start in does not exist: {}", spec.cwd.as_deref().unwrap_or_default())
        }
        std::io::ErrorKind::NotFound if there => "the file is there, but the program that its first line names is not".into(),
        _ => fault.to_string(),
    }
}

fn confine(limits: &Limits) {
    let set = |resource, limit: u64| {
        // A lower hard limit than ours stays: nobody may raise it.
        let hard = rustix::process::getrlimit(resource).maximum.map_or(limit, |hard| hard.min(limit));
        let _ = rustix::process::setrlimit(resource, Rlimit { current: Some(hard), maximum: Some(hard) });
    };
    set(Resource::Core, 0);
    if limits.open_files > 0 {
        set(Resource::Nofile, limits.open_files);
    }
    if limits.address_space > 0 {
        set(Resource::As, limits.address_space);
    }
}

fn take_fd(control: &StdStream) -> Result<OwnedFd, String> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut parcel = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0_u8; 1];
    let got = rustix::net::recvmsg(control, &mut [IoSliceMut::new(&mut byte)], &mut parcel, CLOSE_ON_EXEC)
        .map_err(|fault| format!("the app did not say what to start: {fault}"))?;
    if got.bytes == 0 {
        return Err("the app went away before it said what to start".into());
    }
    let mut fds = parcel.drain().flat_map(|message| match message {
        RecvAncillaryMessage::ScmRights(fds) => fds.collect::<Vec<_>>(),
        _ => Vec::new(),
    });
    fds.next().ok_or_else(|| "the app sent no pipe for stderr".into())
}

fn take_spec(mut control: &StdStream) -> Result<Spec, String> {
    let say = |fault: std::io::Error| format!("the app did not say what to start: {fault}");
    let mut size = [0_u8; 4];
    control.read_exact(&mut size).map_err(say)?;
    let size = u32::from_be_bytes(size);
    if size > SPEC_LIMIT {
        return Err(format!("what is to be started is described in {size} bytes; the limit is {SPEC_LIMIT}"));
    }
    let mut spec = vec![0; size as usize];
    control.read_exact(&mut spec).map_err(say)?;
    serde_json::from_slice(&spec).map_err(|fault| format!("what is to be started cannot be read: {fault}"))
}

fn watch(control: StdStream, pid: Pid, limits: Limits) -> i32 {
    let ready = control.set_nonblocking(true).and_then(|()| tokio::runtime::Builder::new_current_thread().enable_all().build());
    let Ok(runtime) = ready else {
        // Without a runtime nothing can be watched: end what was begun.
        while tree::kill_round(pid) > 0 {
            tree::reap(pid);
        }
        return 9;
    };
    runtime.block_on(async {
        if let Ok(warden) = Warden::new(control, pid, limits) {
            return warden.run().await;
        }
        kill_all(pid).await;
        9
    })
}

/// Kills everything below us. Answers how many could not be, and how the program ended when this ended it.
async fn kill_all(pid: Pid) -> (usize, Option<Exit>) {
    let until = Instant::now() + BURIAL;
    let mut exit = None;
    loop {
        let found = tree::kill_round(pid);
        exit = exit.or(tree::reap(pid));
        if found == 0 {
            return (0, exit);
        }
        if Instant::now() >= until {
            return (tree::below().len(), exit);
        }
        sleep(Duration::from_millis(5)).await;
    }
}

struct Warden {
    orders: tokio::io::Lines<BufReader<tokio::net::unix::OwnedReadHalf>>,
    reports: OwnedWriteHalf,
    pid: Pid,
    limits: Limits,
    ended: Option<Exit>,
}

/// Why the watch is over.
enum End {
    /// The program ended.
    Program,
    /// It must end now.
    Kill,
    /// The app is gone.
    App,
}

impl Warden {
    fn new(control: StdStream, pid: Pid, limits: Limits) -> std::io::Result<Self> {
        let (orders, reports) = UnixStream::from_std(control)?.into_split();
        Ok(Self { orders: BufReader::new(orders).lines(), reports, pid, limits, ended: None })
    }

    async fn run(mut self) -> i32 {
        self.report(&Report::Started { pid: self.pid.as_raw_pid() }).await;
        let end = match self.watch().await {
            Ok(end) => end,
            Err(_) => End::Kill,
        };
        if !matches!(end, End::Kill) {
            tree::signal_all(self.pid, Signal::TERM);
            tree::signal_all(self.pid, Signal::CONT);
            self.linger().await;
        }
        let (left, exit) = kill_all(self.pid).await;
        if self.ended.is_none() {
            self.report(&Report::Exited(exit.unwrap_or(Exit::Signal(Signal::KILL.as_raw())))).await;
        }
        self.report(&Report::Gone { left }).await;
        0
    }

    /// Watches until there is a reason to end everything.
    async fn watch(&mut self) -> std::io::Result<End> {
        let mut child = signal(SignalKind::child())?;
        let mut term = signal(SignalKind::terminate())?;
        let mut int = signal(SignalKind::interrupt())?;
        let mut hup = signal(SignalKind::hangup())?;
        let mut quit = signal(SignalKind::quit())?;
        let mut ticks = interval_at(Instant::now() + TICK, TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut kill_at = None;
        // A child that ended before the handler stood has sent its signal to nobody.
        if self.take_in().await {
            return Ok(End::Program);
        }
        loop {
            let killing = async {
                match kill_at {
                    Some(at) => sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            let stop = tokio::select! {
                _ = child.recv() => {
                    if self.take_in().await {
                        return Ok(End::Program);
                    }
                    false
                }
                order = self.orders.next_line() => match order {
                    Ok(Some(order)) => match serde_json::from_str(&order) {
                        Ok(Order::Stop) => true,
                        Ok(Order::Kill) => return Ok(End::Kill),
                        Err(_) => false,
                    },
                    Ok(None) | Err(_) => return Ok(End::App),
                },
                _ = term.recv() => true,
                _ = int.recv() => true,
                _ = hup.recv() => true,
                _ = quit.recv() => true,
                () = killing => return Ok(End::Kill),
                _ = ticks.tick() => {
                    let (over, pace) = self.measure();
                    if let Some((what, limit)) = over {
                        self.report(&Report::OverLimit { what, limit }).await;
                        return Ok(End::Kill);
                    }
                    if ticks.period() != pace {
                        ticks = interval_at(Instant::now() + pace, pace);
                    }
                    false
                }
            };
            if stop && kill_at.is_none() {
                tree::signal_all(self.pid, Signal::TERM);
                // What is stopped cannot hear TERM.
                tree::signal_all(self.pid, Signal::CONT);
                kill_at = Some(Instant::now() + GRACE);
            }
        }
    }

    /// Which limit is passed, if any, and when to measure again.
    fn measure(&self) -> (Option<(String, u64)>, Duration) {
        let usage = tree::usage(if self.limits.processes == 0 { ENOUGH } else { self.limits.processes });
        let over = if self.limits.processes > 0 && usage.processes > self.limits.processes {
            Some(("the number of processes".to_owned(), u64::from(self.limits.processes)))
        } else if self.limits.memory > 0 && usage.memory > self.limits.memory {
            Some(("the memory of the program".to_owned(), self.limits.memory))
        } else {
            None
        };
        let heavy = self.limits.memory > 0 && usage.memory > self.limits.memory / 4;
        let pace = match usage.processes {
            ..=FEW if !heavy => CALM_TICK,
            ..=MANY => TICK,
            _ => FAST_TICK,
        };
        (over, pace)
    }

    /// Takes in what ended; says whether the program itself has.
    async fn take_in(&mut self) -> bool {
        if let Some(exit) = tree::reap(self.pid) {
            self.ended = Some(exit);
            self.report(&Report::Exited(exit)).await;
        }
        self.ended.is_some()
    }

    /// Waits a little for what is left to end by itself.
    async fn linger(&mut self) {
        let until = Instant::now() + LAST_WORDS;
        while Instant::now() < until && !tree::below().is_empty() {
            sleep(Duration::from_millis(10)).await;
            self.take_in().await;
        }
        self.take_in().await;
    }

    /// Tells the app. One that does not read must not keep us from our work.
    async fn report(&mut self, report: &Report) {
        let _ = timeout(Duration::from_secs(1), self.reports.write_all(&line(report))).await;
    }
}
