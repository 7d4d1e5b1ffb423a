//! From a closed vault to an open one: quietly where that asks nobody, with a person where they were asked for it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::fault::Fault;
use domain::id::Millis;
use domain::secret::Secret;
use domain::text::Text;
use domain::vault::rows::{VaultHead, WrappedKey};
use domain::vault::{SecretBytes, Unlock, VaultKind, faults};
use zeroize::Zeroizing;

use super::seal::{self, Key32};
use super::{Keys, SealedVault, TURNS, Trouble, passphrase, seal_fault};
use crate::keyring::{KeyringFault, Standing};

/// Wrong passphrases before one has to wait.
const FREE_TRIES: u32 = 10;
/// The first wait (ms); it doubles with each further try.
const FIRST_WAIT: i64 = 30_000;
const LONGEST_WAIT: i64 = 3_600_000;
/// A passphrase shorter than this protects nothing.
pub(super) const LEAST_PASSPHRASE: usize = 8;

/// Whether a person may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    Quiet,
    Asking,
}

/// The keyring's account of a vault's wrapping key; `nth` counts the times that it was changed.
pub(super) fn account(vault: &str, nth: u64) -> String {
    if nth == 0 { format!("vault-kek.v1.{vault}") } else { format!("vault-kek.v1.{vault}.{nth}") }
}

/// What the keyring keeps: text, because some keyrings keep nothing else.
pub(super) fn to_keyring(key: &Key32) -> SecretBytes {
    SecretBytes::new(STANDARD.encode(key.bytes()))
}

pub(super) fn of_keyring(value: &SecretBytes) -> Option<Key32> {
    let bytes = Zeroizing::new(STANDARD.decode(value.expose()).ok()?);
    Key32::of(&bytes)
}

/// A passphrase that is long enough to be one.
pub(super) fn strong(passphrase: &Secret) -> Result<(), Fault> {
    if passphrase.expose().chars().count() < LEAST_PASSPHRASE { Err(faults::weak_passphrase(LEAST_PASSPHRASE)) } else { Ok(()) }
}

impl SealedVault {
    /// The head; where there is no vault yet, one is made if that asks nobody.
    pub(super) async fn head_or_new(&self) -> Result<VaultHead, Fault> {
        if let Some(head) = self.head().await? {
            return Ok(head);
        }
        if self.0.asking.load(Ordering::Acquire) {
            return Err(faults::locked());
        }
        let _turn = self.0.turn.lock().await;
        if let Some(head) = self.head().await? {
            return Ok(head);
        }
        match self.0.wanted.unwrap_or(VaultKind::Keyring) {
            VaultKind::Session => self.make_session().await,
            VaultKind::Passphrase => {
                let given = self.ask_source().await.ok_or_else(faults::passphrase_needed)?;
                self.make_passphrase(&given).await
            }
            VaultKind::Keyring => self.make_keyring(Manner::Quiet).await,
        }
    }

    /// The keys of an open vault, or of one that opens without a question.
    pub(super) async fn keys(&self, head: &VaultHead) -> Result<Keys, Fault> {
        if let Some(keys) = self.open_keys(head)? {
            return Ok(keys);
        }
        if self.0.asking.load(Ordering::Acquire) {
            return Err(faults::locked());
        }
        let _turn = self.0.turn.lock().await;
        if let Some(keys) = self.open_keys(head)? {
            return Ok(keys);
        }
        self.unwrap_keys(head, Manner::Quiet).await
    }

    fn open_keys(&self, head: &VaultHead) -> Result<Option<Keys>, Fault> {
        let inside = self.inside();
        if let Some(keys) = &inside.keys {
            return Ok(Some(Arc::clone(keys)));
        }
        if inside.held || head.held { Err(faults::locked()) } else { Ok(None) }
    }

    async fn unwrap_keys(&self, head: &VaultHead, manner: Manner) -> Result<Keys, Fault> {
        match head.kind {
            VaultKind::Session => Ok(Keys::default()),
            VaultKind::Keyring => self.unwrap_by_keyring(head, manner).await,
            VaultKind::Passphrase => {
                let none = if manner == Manner::Asking { faults::passphrase_needed } else { faults::locked };
                let given = self.ask_source().await.ok_or_else(none)?;
                self.unwrap_by_passphrase(head, given).await
            }
        }
    }

    /// How the vault stands, found out without asking anybody. Answers the head of one that the keyring would open now.
    pub(super) async fn glance(&self) -> Result<Option<VaultHead>, Fault> {
        let head = self.head().await?;
        if self.inside().keys.is_some() {
            return Ok(None);
        }
        let (kind, name) = match &head {
            Some(head) => (head.kind, head.keys.first().map_or_else(String::new, |key| key.account.clone())),
            None => (self.0.wanted.unwrap_or(VaultKind::Keyring), account("none", 0)),
        };
        if kind != VaultKind::Keyring {
            return Ok(None);
        }
        match self.0.keyring.look(&name).await {
            Ok(Standing::Readable) => return Ok(head),
            Ok(Standing::Missing) if head.is_some() => {
                let secrets = self.secrets().await?;
                if secrets > 0 {
                    self.trouble(Trouble::KeyMissing(secrets));
                }
            }
            Ok(_) => {
                let mut inside = self.inside();
                if inside.trouble != Some(Trouble::Corrupt) {
                    inside.trouble = None;
                }
                drop(inside);
                self.show();
            }
            Err(fault) => {
                self.keyring_fault(fault);
            }
        }
        Ok(None)
    }

    /// Opens it, with a question where one is needed. Who comes while another one asks has the other one's answer.
    pub(super) async fn open_asking(&self, with: Unlock) -> Result<(), Fault> {
        let failures = self.inside().failures;
        let _turn = self.0.turn.lock().await;
        let asked_already = {
            let inside = self.inside();
            (inside.failures != failures).then(|| inside.last_failure.clone()).flatten()
        };
        if let (Some(fault), Unlock::Ask) = (asked_already, &with) {
            return Err(fault);
        }
        let _asking = Asking::begin(self);
        let done = self.open_with(with).await;
        if let Err(fault) = &done {
            let mut inside = self.inside();
            inside.failures += 1;
            inside.last_failure = Some(fault.clone());
        }
        done
    }

    async fn open_with(&self, with: Unlock) -> Result<(), Fault> {
        let head = self.head().await?;
        let head = match (head, &with) {
            (Some(head), _) => head,
            (None, Unlock::Passphrase(passphrase)) if self.0.wanted == Some(VaultKind::Passphrase) => {
                return self.make_passphrase(passphrase).await.map(drop);
            }
            (None, Unlock::Passphrase(_)) => {
                return Err(faults::absent("no passphrase was settled yet"));
            }
            (None, Unlock::Ask) => {
                return match self.0.wanted.unwrap_or(VaultKind::Keyring) {
                    VaultKind::Session => self.make_session().await.map(drop),
                    VaultKind::Passphrase => {
                        let given = self.ask_source().await.ok_or_else(faults::passphrase_needed)?;
                        self.make_passphrase(&given).await.map(drop)
                    }
                    VaultKind::Keyring => self.make_keyring(Manner::Asking).await.map(drop),
                };
            }
        };
        let open = {
            let mut inside = self.inside();
            inside.held = false;
            inside.keys.is_some() && !head.held
        };
        if open {
            return Ok(());
        }
        let keys = match with {
            Unlock::Passphrase(passphrase) if head.kind == VaultKind::Passphrase => self.unwrap_by_passphrase(&head, passphrase).await,
            _ => self.unwrap_keys(&head, Manner::Asking).await,
        };
        let keys = match keys {
            Ok(keys) => keys,
            Err(fault) => {
                if head.held {
                    self.inside().held = true;
                }
                return Err(fault);
            }
        };
        if head.held {
            self.change_head(|head| head.held = false).await?;
            // Whoever looked meanwhile still found it held, and let the keys go.
            let now = self.inside().head.clone();
            if let Some(now) = now {
                self.take(now, keys);
            }
        }
        self.show();
        Ok(())
    }

    /// The passphrase, from wherever this run has it.
    pub(super) async fn ask_source(&self) -> Option<Secret> {
        let source = self.0.passphrase.clone()?;
        tokio::task::spawn_blocking(move || (source.0)()).await.ok().flatten()
    }

    async fn unwrap_by_keyring(&self, head: &VaultHead, manner: Manner) -> Result<Keys, Fault> {
        let Some(name) = head.keys.first().map(|key| key.account.clone()) else { return Err(self.trouble(Trouble::Corrupt)) };
        let value = match manner {
            Manner::Asking => self.0.keyring.read(&name).await,
            Manner::Quiet => match self.0.keyring.look(&name).await {
                Ok(Standing::Readable) => self.0.keyring.read_quietly(&name).await,
                Ok(Standing::Missing) => Ok(None),
                Ok(Standing::Locked) => {
                    self.inside().trouble = None;
                    self.show();
                    return Err(faults::locked());
                }
                Err(fault) => Err(fault),
            },
        };
        let value = match value {
            Ok(Some(value)) => value,
            Ok(None) => return Err(self.no_entry(head, &name).await),
            Err(KeyringFault::Locked(_)) if manner == Manner::Quiet => return Err(faults::locked()),
            Err(fault) => return Err(self.keyring_fault(fault)),
        };
        let Some(by) = of_keyring(&value) else { return Err(self.trouble(Trouble::Corrupt)) };
        self.unwrap_all(head, |_| Ok(by.clone())).await
    }

    /// A locked keyring may say that there is no entry: only an open one is believed.
    async fn no_entry(&self, head: &VaultHead, name: &str) -> Fault {
        match self.0.keyring.look(name).await {
            Ok(Standing::Missing) => {
                let secrets = self.secrets().await.unwrap_or(0);
                tracing::error!(vault = head.uuid, secrets, "the keyring is open and has no key for this vault");
                self.trouble(Trouble::KeyMissing(secrets))
            }
            Ok(_) => faults::locked(),
            Err(fault) => self.keyring_fault(fault),
        }
    }

    /// Opens a passphrase vault; a wrong one counts, in every process.
    pub(super) async fn unwrap_by_passphrase(&self, head: &VaultHead, given: Secret) -> Result<Keys, Fault> {
        let now = self.0.clock.now();
        if head.tries >= FREE_TRIES {
            let wait = FIRST_WAIT.saturating_mul(1 << (head.tries - FREE_TRIES).min(20)).min(LONGEST_WAIT);
            let until = Millis(head.tried_at.0.saturating_add(wait));
            if now < until && head.tried_at <= now {
                return Err(faults::too_many_tries(now, until));
            }
        }
        let Some(first) = head.keys.first().cloned() else { return Err(self.trouble(Trouble::Corrupt)) };
        let derived = tokio::task::spawn_blocking(move || passphrase::again(&given, &first.kdf, &first.salt)).await;
        let by = derived.map_err(|_| faults::locked())??;
        let fits = head.keys.first().is_some_and(|key| seal::unwrap(&by, key, &head.uuid).is_ok());
        if !fits {
            let tries = head.tries.saturating_add(1);
            self.change_head(|head| {
                head.tries = head.tries.saturating_add(1);
                head.tried_at = now;
            })
            .await?;
            return Err(faults::wrong_passphrase(FREE_TRIES.saturating_sub(tries)));
        }
        let keys = self.unwrap_all(head, |_| Ok(by.clone())).await?;
        if head.tries > 0 {
            self.change_head(|head| head.tries = 0).await?;
        }
        Ok(keys)
    }

    async fn unwrap_all(&self, head: &VaultHead, by: impl Fn(&WrappedKey) -> Result<Key32, Fault>) -> Result<Keys, Fault> {
        let mut keys = BTreeMap::new();
        for wrapped in &head.keys {
            match seal::unwrap(&by(wrapped)?, wrapped, &head.uuid) {
                Ok(key) => keys.insert(wrapped.generation, key),
                // K-07: the wrong key. Nothing is written.
                Err(_) => return Err(self.trouble(Trouble::Corrupt)),
            };
        }
        if !keys.contains_key(&head.generation) {
            return Err(self.trouble(Trouble::Corrupt));
        }
        let keys: Keys = Arc::new(keys);
        self.take(head.clone(), Arc::clone(&keys));
        // A process that was killed over it left rows under two keys.
        if head.keys.len() > 1
            && let Err(fault) = self.finish_rotation(head.clone(), &keys).await
        {
            tracing::warn!(%fault, "secrets are still sealed under two keys");
        }
        Ok(self.inside().keys.clone().unwrap_or(keys))
    }

    /// Changes the head, again and again until no other process changed it in between.
    pub(super) async fn change_head(&self, change: impl Fn(&mut VaultHead)) -> Result<(), Fault> {
        for _ in 0..TURNS {
            let Some(mut head) = self.0.rows.head().await? else { return Ok(()) };
            let seen = head.revision;
            change(&mut head);
            head.revision = seen + 1;
            if self.0.rows.set_head(Some(seen), &head).await? {
                self.inside().head = Some(head);
                self.show();
                return Ok(());
            }
        }
        Err(faults::contended())
    }

    /// A head without keys.
    pub(super) fn blank_head(&self, kind: VaultKind) -> VaultHead {
        VaultHead {
            uuid: uuid::Uuid::new_v4().to_string(),
            schema: 1,
            kind,
            generation: 1,
            revision: 1,
            held: false,
            tries: 0,
            tried_at: Millis::default(),
            created_at: self.0.clock.now(),
            keys: Vec::new(),
        }
    }

    pub(super) async fn make_session(&self) -> Result<VaultHead, Fault> {
        let head = self.blank_head(VaultKind::Session);
        self.first(head, Keys::default()).await
    }

    pub(super) async fn make_passphrase(&self, given: &Secret) -> Result<VaultHead, Fault> {
        strong(given)?;
        let mut head = self.blank_head(VaultKind::Passphrase);
        let key = Key32::fresh().map_err(seal_fault)?;
        head.keys = self.wrap_by_passphrase(&head.uuid, &BTreeMap::from([(1, key.clone())]), given).await?;
        self.first(head, Arc::new(BTreeMap::from([(1, key)]))).await
    }

    /// Wraps keys under a passphrase with a new salt.
    pub(super) async fn wrap_by_passphrase(
        &self,
        vault: &str,
        keys: &BTreeMap<u64, Key32>,
        given: &Secret,
    ) -> Result<Vec<WrappedKey>, Fault> {
        let (given, cost) = (given.clone(), self.0.cost);
        let derived = tokio::task::spawn_blocking(move || passphrase::fresh(&given, cost)).await;
        let (by, kdf, salt) = derived.map_err(|_| faults::locked())??;
        keys.iter()
            .map(|(generation, key)| {
                let wrapped = seal::wrap(&by, key, vault, *generation, "").map_err(seal_fault)?;
                Ok(WrappedKey { kdf: kdf.clone(), salt: salt.clone(), ..wrapped })
            })
            .collect()
    }

    pub(super) async fn make_keyring(&self, manner: Manner) -> Result<VaultHead, Fault> {
        let mut head = self.blank_head(VaultKind::Keyring);
        let name = account(&head.uuid, 0);
        if manner == Manner::Quiet {
            match self.0.keyring.look(&name).await {
                Ok(Standing::Missing) => {}
                Ok(_) => {
                    self.inside().trouble = None;
                    self.show();
                    return Err(faults::locked());
                }
                Err(fault) => return Err(self.keyring_fault(fault)),
            }
        }
        let (by, key) = (Key32::fresh().map_err(seal_fault)?, Key32::fresh().map_err(seal_fault)?);
        self.0.keyring.write(&name, &to_keyring(&by)).await.map_err(|fault| self.keyring_fault(fault))?;
        head.keys = vec![seal::wrap(&by, &key, &head.uuid, 1, &name).map_err(seal_fault)?];
        let uuid = head.uuid.clone();
        let kept = self.first(head, Arc::new(BTreeMap::from([(1, key)]))).await;
        if !kept.as_ref().is_ok_and(|kept| kept.uuid == uuid) {
            // Another process was first: its vault is the one, and this entry is nobody's.
            if let Err(fault) = self.0.keyring.remove(&name).await {
                tracing::warn!(?fault, "an unused entry stays in the keyring");
            }
        }
        kept
    }

    /// Keeps the first head there is. When another process was first, its head counts.
    async fn first(&self, head: VaultHead, keys: Keys) -> Result<VaultHead, Fault> {
        if self.0.rows.set_head(None, &head).await? {
            if head.kind == VaultKind::Session {
                self.inside().head = Some(head.clone());
                self.show();
            } else {
                self.take(head.clone(), keys);
            }
            return Ok(head);
        }
        self.head().await?.ok_or_else(|| faults::refused(&Text::new("it was wiped meanwhile", "期间已被清空")))
    }
}

/// While it lives, nobody else waits for the vault.
pub(super) struct Asking<'v>(&'v SealedVault);

impl<'v> Asking<'v> {
    pub(super) fn begin(vault: &'v SealedVault) -> Self {
        vault.0.asking.store(true, Ordering::Release);
        Self(vault)
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.0.0.asking.store(false, Ordering::Release);
    }
}
