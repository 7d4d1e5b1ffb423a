//! The operating system's keyring: one thread owns it, and nobody waits for it longer than they said they would.
//!
//! **Invariant:** one question to a person is under way at most. A keyring's error is never printed with its content, which may be the
//! secret itself.

mod os;

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use domain::vault::SecretBytes;
use tokio::sync::oneshot;

pub use os::OsKeyring;

/// A look that asks nobody takes no longer than this.
const GLANCE: Duration = Duration::from_secs(3);
/// How long a person may take over the keyring's question.
const PATIENCE: Duration = Duration::from_secs(60);

/// How an account stands, found out without asking anybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is there and can be read without a question.
    Readable,
    /// The keyring is locked; whether the account is in it may not be known.
    Locked,
    /// The keyring is open and has no such account.
    Missing,
}

/// Why a keyring did not do it. Words only, never what the keyring gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyringFault {
    /// There is none, or it is gone.
    Absent(String),
    /// It is locked, and the question was refused or not answered.
    Locked(String),
    /// It holds something else under this account than was put there.
    Unfit(String),
}

/// A keyring, as its own thread sees it. Calls may block.
pub trait Keyring: Send {
    /// How an account stands. Asks nobody.
    fn look(&mut self, account: &str) -> Result<Standing, KeyringFault>;
    /// What is kept under an account. May ask a person.
    fn read(&mut self, account: &str) -> Result<Option<SecretBytes>, KeyringFault>;
    /// Keeps it. May ask a person.
    fn write(&mut self, account: &str, value: &SecretBytes) -> Result<(), KeyringFault>;
    /// Removes it; it is no fault if there is none. May ask a person.
    fn remove(&mut self, account: &str) -> Result<(), KeyringFault>;
}

/// No keyring at all.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoKeyring;

impl Keyring for NoKeyring {
    fn look(&mut self, _: &str) -> Result<Standing, KeyringFault> {
        Err(KeyringFault::Absent("none is used in this run".into()))
    }

    fn read(&mut self, _: &str) -> Result<Option<SecretBytes>, KeyringFault> {
        Err(KeyringFault::Absent("none is used in this run".into()))
    }

    fn write(&mut self, _: &str, _: &SecretBytes) -> Result<(), KeyringFault> {
        Err(KeyringFault::Absent("none is used in this run".into()))
    }

    fn remove(&mut self, _: &str) -> Result<(), KeyringFault> {
        Err(KeyringFault::Absent("none is used in this run".into()))
    }
}

type Work = Box<dyn FnOnce(&mut dyn Keyring) + Send>;

/// The thread that owns the keyring, started at the first need.
pub(crate) struct KeyringThread {
    state: Mutex<Thread>,
    /// Calls that are in the thread and not answered yet.
    inside: Arc<AtomicUsize>,
}

enum Thread {
    Waiting(Box<dyn Keyring>),
    Runs(mpsc::Sender<Work>),
    Gone,
}

impl KeyringThread {
    pub(crate) fn new(keyring: Box<dyn Keyring>) -> Self {
        Self { state: Mutex::new(Thread::Waiting(keyring)), inside: Arc::default() }
    }

    /// How an account stands. Asks nobody; while somebody is being asked it is locked.
    pub(crate) async fn look(&self, account: &str) -> Result<Standing, KeyringFault> {
        if self.inside.load(Ordering::Acquire) > 0 {
            return Ok(Standing::Locked);
        }
        let account = account.to_owned();
        match self.ask(GLANCE, move |keyring| keyring.look(&account)).await {
            Err(KeyringFault::Locked(_)) => Ok(Standing::Locked),
            other => other,
        }
    }

    /// Reads what a look called readable.
    pub(crate) async fn read_quietly(&self, account: &str) -> Result<Option<SecretBytes>, KeyringFault> {
        let account = account.to_owned();
        self.ask(GLANCE, move |keyring| match keyring.look(&account)? {
            Standing::Readable => keyring.read(&account),
            Standing::Missing => Ok(None),
            Standing::Locked => Err(KeyringFault::Locked("it was locked meanwhile".into())),
        })
        .await
    }

    pub(crate) async fn read(&self, account: &str) -> Result<Option<SecretBytes>, KeyringFault> {
        let account = account.to_owned();
        self.ask(PATIENCE, move |keyring| keyring.read(&account)).await
    }

    /// Keeps a value and reads it back.
    pub(crate) async fn write(&self, account: &str, value: &SecretBytes) -> Result<(), KeyringFault> {
        let (account, value) = (account.to_owned(), value.clone());
        self.ask(PATIENCE, move |keyring| {
            keyring.write(&account, &value)?;
            match keyring.read(&account)? {
                Some(back) if back == value => Ok(()),
                _ => Err(KeyringFault::Unfit("it did not give back what was put in".into())),
            }
        })
        .await
    }

    pub(crate) async fn remove(&self, account: &str) -> Result<(), KeyringFault> {
        let account = account.to_owned();
        self.ask(PATIENCE, move |keyring| keyring.remove(&account)).await
    }

    async fn ask<T: Send + 'static>(
        &self,
        patience: Duration,
        work: impl FnOnce(&mut dyn Keyring) -> Result<T, KeyringFault> + Send + 'static,
    ) -> Result<T, KeyringFault> {
        let (reply, answer) = oneshot::channel();
        let inside = Arc::clone(&self.inside);
        inside.fetch_add(1, Ordering::AcqRel);
        let sent = self.send(Box::new(move |keyring| {
            let done = work(keyring);
            inside.fetch_sub(1, Ordering::AcqRel);
            let _ = reply.send(done);
        }));
        if !sent {
            self.inside.fetch_sub(1, Ordering::AcqRel);
            return Err(KeyringFault::Absent("its thread could not be started".into()));
        }
        match tokio::time::timeout(patience, answer).await {
            Ok(Ok(done)) => done,
            Ok(Err(_)) => Err(KeyringFault::Absent("its thread ended".into())),
            // The thread stays in its call; until it is back, everybody else is told at once that the keyring is locked.
            Err(_) => Err(KeyringFault::Locked(format!("no answer within {} s", patience.as_secs()))),
        }
    }

    fn send(&self, work: Work) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Thread::Waiting(_) = &*state
            && let Thread::Waiting(mut keyring) = std::mem::replace(&mut *state, Thread::Gone)
        {
            let (jobs, inbox) = mpsc::channel::<Work>();
            let started = std::thread::Builder::new().name("keyring".into()).spawn(move || {
                while let Ok(work) = inbox.recv() {
                    work(keyring.as_mut());
                }
            });
            if started.is_ok() {
                *state = Thread::Runs(jobs);
            }
        }
        match &*state {
            Thread::Runs(jobs) => jobs.send(work).is_ok(),
            Thread::Waiting(_) | Thread::Gone => false,
        }
    }
}

impl fmt::Debug for KeyringThread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyringThread")
    }
}
