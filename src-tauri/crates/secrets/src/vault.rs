//! The vault: values sealed under a key that is itself kept in the keyring, under a passphrase, or nowhere.
//!
//! **Invariant:** only [`Vault::unlock`] and [`Vault::settle`] ask a person. Everything else answers at once from what can be had without a
//! question, and writes nothing when the key does not fit.

mod change;
mod keep;
mod kit;
mod opening;
mod passphrase;
mod seal;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use async_trait::async_trait;
use domain::fault::{Fault, FaultKind};
use domain::id::{Clock, Millis, SecretId};
use domain::secret::{Redact, Secret};
use domain::text::Text;
use domain::vault::rows::{VaultHead, VaultRows};
use domain::vault::{NewSecret, Owner, SecretBytes, SecretFacts, Unlock, Vault, VaultKind, VaultState, faults};
use tokio::sync::watch;

use crate::keyring::{Keyring, KeyringFault, KeyringThread};
pub use passphrase::Cost;
use seal::{Key32, SealFault};

/// How long the vault stays open without use, when the person did not say otherwise (ms).
pub const IDLE: i64 = 15 * 60_000;
/// How long it stays open at most (ms).
const HARD: i64 = 12 * 3_600_000;
/// How often the timer looks at the clock.
const TICK: Duration = Duration::from_secs(10);
/// How often a change is tried when another process changes the vault at the same moment.
const TURNS: usize = 5;

/// Gives the passphrase when it is there without asking, or asks at the terminal; called on a thread that may block.
#[derive(Clone)]
pub struct PassphraseSource(Arc<dyn Fn() -> Option<Secret> + Send + Sync>);

impl PassphraseSource {
    /// Gives what this function gives.
    pub fn new(give: impl Fn() -> Option<Secret> + Send + Sync + 'static) -> Self {
        Self(Arc::new(give))
    }
}

impl fmt::Debug for PassphraseSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PassphraseSource")
    }
}

/// What a vault is made of.
pub struct VaultParts {
    /// Where its rows are.
    pub rows: Arc<dyn VaultRows>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Learns each value that is opened or kept.
    pub redact: Arc<dyn Redact>,
    /// The keyring. Not touched before it is needed.
    pub keyring: Box<dyn Keyring>,
    /// What a new passphrase costs.
    pub cost: Cost,
    /// The work of a recovery kit's passphrase, as a power of two; none for the usual.
    pub kit_work: Option<u8>,
    /// The kind of vault that this run insists on.
    pub wanted: Option<VaultKind>,
    /// Where the passphrase comes from when one is needed.
    pub passphrase: Option<PassphraseSource>,
}

/// The vault. Clones are the same one.
#[derive(Clone)]
pub struct SealedVault(Arc<Inner>);

struct Inner {
    rows: Arc<dyn VaultRows>,
    clock: Arc<dyn Clock>,
    redact: Arc<dyn Redact>,
    keyring: KeyringThread,
    cost: Cost,
    kit_work: u8,
    wanted: Option<VaultKind>,
    passphrase: Option<PassphraseSource>,
    state: watch::Sender<VaultState>,
    idle: AtomicI64,
    inside: Mutex<Inside>,
    /// One opening or change at a time.
    turn: tokio::sync::Mutex<()>,
    /// Whether a person is being asked.
    asking: AtomicBool,
}

/// The keys of an open vault, by generation.
type Keys = Arc<BTreeMap<u64, Key32>>;

#[derive(Default)]
struct Inside {
    head: Option<VaultHead>,
    keys: Option<Keys>,
    /// Locked in this process until somebody unlocks it.
    held: bool,
    opened_at: Millis,
    used_at: Millis,
    /// Values of a session's vault.
    session: BTreeMap<SecretId, SecretBytes>,
    /// Why it could not be opened last.
    trouble: Option<Trouble>,
    /// Openings that asked a person and failed, so that those who waited meanwhile do not ask again.
    failures: u64,
    last_failure: Option<Fault>,
    timed: bool,
}

/// What was found out about a vault that did not open.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Trouble {
    Absent(String),
    KeyMissing(u64),
    Corrupt,
}

impl SealedVault {
    /// The vault over these rows. Touches neither keyring nor network.
    pub async fn over(parts: VaultParts) -> Result<Self, Fault> {
        let head = parts.rows.head().await?;
        let vault = Self(Arc::new(Inner {
            rows: parts.rows,
            clock: parts.clock,
            redact: parts.redact,
            keyring: KeyringThread::new(parts.keyring),
            cost: parts.cost,
            kit_work: parts.kit_work.unwrap_or(kit::WORK),
            wanted: parts.wanted,
            passphrase: parts.passphrase,
            state: watch::Sender::new(VaultState::Absent),
            idle: AtomicI64::new(IDLE),
            inside: Mutex::new(Inside { head, ..Inside::default() }),
            turn: tokio::sync::Mutex::default(),
            asking: AtomicBool::new(false),
        }));
        vault.show();
        Ok(vault)
    }

    /// Locks it if it was open long enough. The timer does this by itself.
    pub fn look_at_clock(&self) {
        let now = self.0.clock.now();
        let mut inside = self.inside();
        if inside.keys.is_none() {
            return;
        }
        let over = now.since(inside.opened_at) >= HARD;
        if over || now.since(inside.used_at) >= self.0.idle.load(Ordering::Acquire) {
            inside.keys = None;
            // After twelve hours somebody has to say that they are still there.
            inside.held |= over;
            drop(inside);
            tracing::info!(over, "the vault locked itself");
            self.show();
        }
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.0.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says how it stands now.
    fn show(&self) {
        let state = {
            let inside = self.inside();
            match (&inside.head, &inside.trouble) {
                (Some(head), _) if head.kind == VaultKind::Session => VaultState::Unlocked { kind: VaultKind::Session },
                (Some(head), _) if inside.keys.is_some() => VaultState::Unlocked { kind: head.kind },
                (_, Some(Trouble::Absent(_))) => VaultState::Absent,
                (Some(_), Some(Trouble::KeyMissing(secrets))) => VaultState::KeyMissing { secrets: *secrets },
                (Some(_), Some(Trouble::Corrupt)) => VaultState::Corrupt,
                (Some(head), _) => VaultState::Locked { kind: head.kind },
                (None, _) => VaultState::Locked { kind: self.0.wanted.unwrap_or(VaultKind::Keyring) },
            }
        };
        self.0.state.send_if_modified(|shown| {
            let moved = *shown != state;
            *shown = state;
            moved
        });
    }

    /// Reads the head again: another process may have locked the vault, changed its key or wiped it.
    async fn head(&self) -> Result<Option<VaultHead>, Fault> {
        self.look_at_clock();
        let head = self.0.rows.head().await?;
        {
            let mut inside = self.inside();
            let same = match (&inside.head, &head) {
                (Some(old), Some(new)) => old.uuid == new.uuid && old.kind == new.kind && old.keys == new.keys,
                (None, None) => true,
                _ => false,
            };
            if !same || head.as_ref().is_some_and(|head| head.held) {
                inside.keys = None;
            }
            if !same {
                inside.trouble = None;
                inside.session.clear();
            }
            inside.head.clone_from(&head);
        }
        self.show();
        match (&head, self.0.wanted) {
            (Some(head), Some(wanted)) if head.kind != wanted => Err(faults::other_kind(head.kind, wanted)),
            _ => Ok(head),
        }
    }

    /// Takes keys over: the vault is open.
    fn take(&self, head: VaultHead, keys: Keys) {
        let now = self.0.clock.now();
        let timed = {
            let mut inside = self.inside();
            inside.head = Some(head);
            inside.keys = Some(keys);
            inside.trouble = None;
            inside.held = false;
            inside.opened_at = now;
            inside.used_at = now;
            std::mem::replace(&mut inside.timed, true)
        };
        if !timed {
            let vault = Arc::downgrade(&self.0);
            let started = std::thread::Builder::new().name("vault-timer".into()).spawn(move || watch_the_clock(&vault));
            if started.is_err() {
                self.inside().timed = false;
            }
        }
        self.show();
    }

    fn trouble(&self, trouble: Trouble) -> Fault {
        let fault = match &trouble {
            Trouble::Absent(why) => faults::absent(why),
            Trouble::KeyMissing(secrets) => faults::key_missing(*secrets),
            Trouble::Corrupt => faults::vault_corrupt(),
        };
        {
            let mut inside = self.inside();
            inside.keys = None;
            inside.trouble = Some(trouble);
        }
        self.show();
        fault
    }

    fn keyring_fault(&self, fault: KeyringFault) -> Fault {
        match fault {
            KeyringFault::Absent(why) => self.trouble(Trouble::Absent(why)),
            KeyringFault::Locked(why) => {
                self.inside().trouble = None;
                self.show();
                faults::refused(&Text::same(why))
            }
            KeyringFault::Unfit(why) => {
                tracing::error!(why, "the keyring's entry does not fit");
                self.trouble(Trouble::Corrupt)
            }
        }
    }

    async fn secrets(&self) -> Result<u64, Fault> {
        Ok(self.0.rows.facts().await?.iter().filter(|facts| facts.present).count() as u64)
    }

    /// The redactor learns a value, and what gives it away by itself.
    fn learn(&self, value: &SecretBytes) {
        let Some(text) = value.to_secret() else { return };
        self.0.redact.learn(&text);
        if text.expose().trim_start().starts_with('{')
            && let Ok(json) = serde_json::from_str(text.expose())
        {
            learn_parts(self.0.redact.as_ref(), "", &json);
        }
    }
}

/// Tokens and passwords inside a document that is a secret as a whole.
fn learn_parts(redact: &dyn Redact, name: &str, value: &serde_json::Value) {
    match value {
        serde_json::Value::String(text) => {
            let name = name.to_ascii_lowercase();
            let telling = ["token", "secret", "password", "key", "verifier", "code", "assertion"].iter().any(|word| name.contains(word));
            if telling && !name.ends_with("_type") && text.len() >= 6 {
                redact.learn(&Secret::new(text.as_str()));
            }
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| learn_parts(redact, name, item)),
        serde_json::Value::Object(map) => map.iter().for_each(|(name, value)| learn_parts(redact, name, value)),
        _ => {}
    }
}

fn watch_the_clock(vault: &Weak<Inner>) {
    loop {
        std::thread::park_timeout(TICK);
        let Some(inner) = vault.upgrade() else { return };
        let vault = SealedVault(inner);
        vault.look_at_clock();
        let mut inside = vault.inside();
        if inside.keys.is_none() {
            inside.timed = false;
            return;
        }
    }
}

fn seal_fault(fault: SealFault) -> Fault {
    match fault {
        SealFault::Broken => faults::vault_corrupt(),
        SealFault::NoRandom => Fault::new(
            FaultKind::Internal,
            "no_random",
            Text::new("the system gave no random bytes, so nothing was sealed", "系统未提供随机字节，因此未封存任何内容"),
            Text::new("try again", "请重试"),
        ),
    }
}

#[async_trait]
impl Vault for SealedVault {
    fn set_idle(&self, idle: Duration) {
        self.0.idle.store(i64::try_from(idle.as_millis()).unwrap_or(i64::MAX), Ordering::Release);
    }

    fn state(&self) -> VaultState {
        self.look_at_clock();
        self.0.state.borrow().clone()
    }

    async fn look(&self) -> VaultState {
        // What it finds is in the state.
        if let Ok(Some(head)) = self.glance().await {
            let _ = self.keys(&head).await;
        }
        self.state()
    }

    async fn changed(&self, seen: &VaultState) -> VaultState {
        let mut states = self.0.state.subscribe();
        let now = states.wait_for(|state| state != seen).await.map(|state| state.clone());
        now.unwrap_or_else(|_| self.state())
    }

    async fn unlock(&self, with: Unlock) -> Result<VaultState, Fault> {
        self.open_asking(with).await?;
        Ok(self.state())
    }

    fn lock(&self) {
        {
            let mut inside = self.inside();
            inside.keys = None;
            inside.session.clear();
            inside.held = true;
        }
        self.show();
    }

    async fn hold(&self) -> Result<(), Fault> {
        self.lock();
        self.change_head(|head| head.held = true).await
    }

    async fn settle(&self, kind: VaultKind, passphrase: Option<Secret>) -> Result<VaultState, Fault> {
        self.settle_as(kind, passphrase).await?;
        Ok(self.state())
    }

    async fn keep(&self, secrets: Vec<NewSecret>) -> Result<Vec<SecretId>, Fault> {
        self.keep_all(secrets).await
    }

    async fn open(&self, id: &SecretId) -> Result<SecretBytes, Fault> {
        self.open_one(id).await
    }

    async fn find(&self, owner: &Owner) -> Result<Option<SecretId>, Fault> {
        Ok(self.0.rows.find(owner).await?.map(|facts| facts.id))
    }

    async fn list(&self) -> Result<Vec<SecretFacts>, Fault> {
        self.facts().await
    }

    async fn remove(&self, ids: &[SecretId]) -> Result<(), Fault> {
        self.0.rows.remove(ids).await?;
        self.inside().session.retain(|id, _| !ids.contains(id));
        self.tidy().await;
        Ok(())
    }

    async fn rotate(&self, deep: bool, passphrase: Option<Secret>) -> Result<(), Fault> {
        if deep { self.rotate_rows(passphrase).await } else { self.rotate_wrap(passphrase).await }
    }

    async fn export_kit(&self, to: &Path, passphrase: &Secret) -> Result<(), Fault> {
        self.write_kit(to, passphrase).await
    }

    async fn restore_kit(&self, from: &Path, passphrase: &Secret) -> Result<VaultState, Fault> {
        self.take_kit(from, passphrase).await?;
        Ok(self.state())
    }

    async fn copy_aside(&self) -> Result<(), Fault> {
        self.0.rows.copy().await
    }

    async fn scrub(&self) -> Result<(), Fault> {
        self.0.rows.scrub().await?;
        self.0.rows.renew_copies().await
    }

    async fn wipe(&self) -> Result<(), Fault> {
        self.destroy().await
    }
}

impl fmt::Debug for SealedVault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealedVault({:?})", *self.0.state.borrow())
    }
}

impl fmt::Debug for VaultParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VaultParts").field("rows", &self.rows).field("wanted", &self.wanted).finish_non_exhaustive()
    }
}
