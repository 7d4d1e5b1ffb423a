//! One run: opens the app, does what was asked, listens for Ctrl-C, and ends everything in order.

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use app::App;
use domain::fault::{Fault, FaultKind};
use domain::person::{NobodyThere, Person};
use domain::policy::{Actor, Door};
use domain::text::Text;
use tokio_util::sync::CancellationToken;

use crate::args::{Command, Pilot};
use crate::commands;
use crate::hidden;
use crate::out::Out;
use crate::surroundings::Surroundings;
use crate::terminal::Terminal;

/// What every command works with.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    pub(crate) app: Arc<App>,
    pub(crate) out: Out,
    pub(crate) actor: Actor,
    /// Where everything is kept, when it was said.
    pub(crate) config_dir: Option<PathBuf>,
    /// The file of the vault's passphrase, when it was said.
    pub(crate) passphrase_file: Option<PathBuf>,
    /// Fires at the first Ctrl-C.
    pub(crate) stop: CancellationToken,
}

/// How long a command may take to end in order after Ctrl-C.
const GRACE: Duration = Duration::from_secs(5);

/// How long connections may take to close once the answer is out. Some programs do not mind the end of their input, and the ladder that
/// ends them takes seconds: nobody at a prompt waits for that, and the guard does not need us.
const CLOSING: Duration = Duration::from_millis(300);

/// Does what was asked and answers the exit code.
pub(crate) fn drive(pilot: Pilot, out: Out, around: Surroundings) -> u8 {
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(fault) => {
            return out.failed(&Fault::new(
                FaultKind::Internal,
                "runtime",
                Text::new(format!("pilot could not start its threads: {fault}"), format!("pilot 无法启动线程：{fault}")),
                Text::default(),
            ));
        }
    };
    let code = runtime.block_on(whole(pilot, &out, around));
    // A question that nobody answers may still hold a thread that reads the terminal.
    runtime.shutdown_timeout(Duration::from_millis(50));
    hidden::show_again();
    match out.fault() {
        Some(fault) => out.failed(&fault),
        None => code,
    }
}

async fn whole(pilot: Pilot, out: &Out, around: Surroundings) -> u8 {
    let stop = CancellationToken::new();
    let person: Arc<dyn Person> = if around.can_ask { Arc::new(Terminal::new(out.clone())) } else { Arc::new(NobodyThere) };
    let mut options = assembly::Options::for_cli(pilot.global.config_dir.clone(), person);
    options.vault = pilot.global.vault.map(commands::vault_kind);
    options.passphrase = match passphrase_source(pilot.global.passphrase_file.as_deref(), around.can_ask, out) {
        Ok(source) => source,
        Err(fault) => return out.failed(&fault),
    };
    let notice = options.notice.clone();
    let opened = assembly::open(options).await;
    if let Some(notice) = notice.get() {
        out.tell(out.pick(&notice.message));
        out.tell(out.pick(&notice.hint));
    }
    let app = match opened {
        Ok(app) => app,
        Err(fault) if matches!(pilot.command, Command::Doctor { .. }) => {
            return commands::doctor::without_app(out, pilot.global.config_dir.as_deref(), fault).await;
        }
        Err(fault) => return out.failed(&fault),
    };
    let actor = Actor { door: Door::Cli, name: assembly::user_name(), can_ask: around.can_ask };
    let context = Context {
        app: app.clone(),
        out: out.clone(),
        actor,
        config_dir: pilot.global.config_dir,
        passphrase_file: pilot.global.passphrase_file,
        stop: stop.clone(),
    };
    settle_due(&context).await;
    let ended = interruptible(commands::run(&context, pilot.command), &stop).await;
    app.shutdown_within(CLOSING).await;
    match ended {
        Ok(code) => code,
        Err(fault) => out.failed(&fault),
    }
}

/// How long taking back what nobody confirmed may keep a command waiting.
const SETTLING: Duration = Duration::from_secs(30);

/// Takes back changes to clusters whose time to be confirmed is over, before anything else is done.
async fn settle_due(cx: &Context) {
    match tokio::time::timeout(SETTLING, cx.app.workbench.settle_due()).await {
        Ok(Ok(reverted)) => commands::k8s::change::tell_reverted(&cx.out, &reverted),
        Ok(Err(fault)) => cx.out.tell(cx.out.pick(&fault.message)),
        Err(_) => cx.out.tell(cx.out.word(
            "taking back what nobody confirmed takes too long; it is tried again at the next run",
            "撤销未确认的更改耗时过长；下次运行时会再次尝试",
        )),
    }
}

/// Where the vault's passphrase comes from: a file, which must be readable now, or the keyboard when it is needed.
pub(crate) fn passphrase_source(
    file: Option<&std::path::Path>,
    can_ask: bool,
    out: &Out,
) -> Result<Option<assembly::PassphraseSource>, Fault> {
    if let Some(file) = file {
        let line = hidden::first_line(file)?;
        return Ok(Some(assembly::PassphraseSource::new(move || Some(line.clone()))));
    }
    let out = out.clone();
    let prompt = Text::new("passphrase of the vault (not shown): ", "保险库口令（不显示）：");
    Ok(can_ask.then(|| assembly::PassphraseSource::new(move || hidden::typed(&out, &prompt).filter(|typed| !typed.is_empty()))))
}

/// Runs until done. The first Ctrl-C (or TERM) lets the command end in order; the second, or too long an end, gives it up.
async fn interruptible(command: impl Future<Output = Result<u8, Fault>>, stop: &CancellationToken) -> Result<u8, Fault> {
    tokio::pin!(command);
    tokio::select! {
        ended = &mut command => return ended,
        () = signalled() => stop.cancel(),
    }
    tokio::select! {
        ended = &mut command => ended,
        () = signalled() => Err(cancelled()),
        () = tokio::time::sleep(GRACE) => Err(cancelled()),
    }
}

async fn signalled() {
    let term = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut term) => term.recv().await.map_or((), drop),
            Err(_) => std::future::pending().await,
        }
    };
    let interrupt = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        () = term => {}
        () = interrupt => {}
    }
}

/// The caller gave up.
pub(crate) fn cancelled() -> Fault {
    Fault::new(FaultKind::Cancelled, "cancelled", Text::new("cancelled", "已取消"), Text::default())
}

impl Context {
    /// Gives up waiting at Ctrl-C: for commands that have nothing to end in order.
    pub(crate) async fn or_stop<T>(&self, work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        tokio::select! {
            done = work => done,
            () = self.stop.cancelled() => Err(cancelled()),
        }
    }
}
