//! An errand: a program that is run under guard for what it prints, and is gone with all that it started when the answer is here.
//!
//! **Invariant:** what it printed stands in the answer only, never in a fault or a log line.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::fault::{Phase, ServerFault};
use domain::reach::{Ran, RunOrder, RunProgram};
use domain::secret::Secret;
use domain::vault::SecretBytes;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::time::{sleep, timeout};
use tokio_util::task::TaskTracker;

use super::letter::{Limits, Spec};
use super::ward::{Fate, Pipes, Ward};

/// How long pipes may stay open once the program itself ended: something that it left behind may hold them.
const DRAIN: Duration = Duration::from_secs(1);
/// How long the end of the tree is waited for.
const END: Duration = Duration::from_secs(5);

/// Runs programs under guard.
pub struct Errands {
    guard: Arc<[String]>,
    tasks: TaskTracker,
}

impl Errands {
    /// `guard` is our own executable with the arguments that make it a guard. Every task goes to `tasks`.
    pub fn new(guard: Arc<[String]>, tasks: TaskTracker) -> Self {
        Self { guard, tasks }
    }
}

impl std::fmt::Debug for Errands {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Errands").field("running", &self.tasks.len()).finish_non_exhaustive()
    }
}

#[async_trait]
impl RunProgram for Errands {
    async fn run(&self, order: RunOrder) -> Result<Ran, ServerFault> {
        let label = Path::new(&order.program).file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let spec = Spec {
            program: order.program.clone(),
            args: order.args.clone(),
            cwd: None,
            env: order.env.iter().map(|(name, value)| (name.clone(), value.expose().to_owned())).collect(),
            limits: Limits::default(),
        };
        let (ward, pipes) = Ward::start(&self.guard, &label, &spec, &self.tasks).await?;
        drop(spec);
        let answer = timeout(order.patience, attend(&ward, pipes, &order)).await;
        // Whatever came of it: nothing that was started stays.
        ward.kill();
        let _ = timeout(END, ward.gone()).await;
        answer.unwrap_or(Err(ServerFault::Timeout { phase: Phase::Total, after: order.patience }))
    }
}

async fn attend(ward: &Ward, pipes: Pipes, order: &RunOrder) -> Result<Ran, ServerFault> {
    let Pipes { stdin, mut stdout, mut stderr } = pipes;
    drop(stdin);
    let (mut printed, mut complained) = (Vec::new(), VecDeque::new());
    let reading = async {
        tokio::try_join!(read(&mut stdout, &mut printed, order.stdout_limit), keep_end(&mut stderr, &mut complained, order.stderr_limit))
    };
    tokio::select! {
        done = reading => drop(done?),
        () = async {
            ward.ended().await;
            sleep(DRAIN).await;
        } => {}
    }
    let fate = ward.ended().await;
    if let Some((what, limit)) = fate.over {
        return Err(ServerFault::ResourceLimit { what, limit });
    }
    let Fate { exit, .. } = fate;
    Ok(Ran {
        ok: exit == Some(super::Exit::Code(0)),
        how: exit.map_or_else(|| "its guard was ended".to_owned(), |exit| exit.to_string()),
        stdout: SecretBytes::new(printed),
        stderr: Secret::new(String::from_utf8_lossy(complained.make_contiguous()).into_owned()),
    })
}

async fn read(from: &mut (impl AsyncRead + Unpin), into: &mut Vec<u8>, limit: usize) -> Result<(), ServerFault> {
    let mut piece = vec![0; 16 * 1024];
    loop {
        let count = from.read(&mut piece).await.unwrap_or_default();
        if count == 0 {
            return Ok(());
        }
        if into.len() + count > limit {
            return Err(ServerFault::MessageTooLarge { limit });
        }
        into.extend_from_slice(piece.get(..count).unwrap_or_default());
    }
}

async fn keep_end(from: &mut (impl AsyncRead + Unpin), into: &mut VecDeque<u8>, limit: usize) -> Result<(), ServerFault> {
    let mut piece = vec![0; 16 * 1024];
    loop {
        let count = from.read(&mut piece).await.unwrap_or_default();
        if count == 0 {
            return Ok(());
        }
        into.extend(piece.get(..count).unwrap_or_default());
        let over = into.len().saturating_sub(limit);
        into.drain(..over);
    }
}
