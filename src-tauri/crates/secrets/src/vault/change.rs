//! Changing how the vault's key is kept, changing the keys, taking the key out and putting it back, and the end of it all.
//!
//! **Invariant:** whichever step a kill falls into, the old key or the new one opens every row.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use domain::fault::{Fault, FaultKind};
use domain::secret::Secret;
use domain::text::Text;
use domain::vault::rows::{SealedSecret, VaultHead};
use domain::vault::{VaultKind, faults};

use super::keep::unseal;
use super::kit::Kit;
use super::opening::{Asking, Manner, account, of_keyring, strong, to_keyring};
use super::seal::{self, Key32};
use super::{Inside, Keys, SealedVault, Trouble, seal_fault};

impl SealedVault {
    /// Settles how the key is kept.
    pub(super) async fn settle_as(&self, kind: VaultKind, passphrase: Option<Secret>) -> Result<(), Fault> {
        let passphrase = match (kind, passphrase) {
            (VaultKind::Passphrase, None) => Some(self.ask_source().await.ok_or_else(faults::passphrase_needed)?),
            (_, passphrase) => passphrase,
        };
        // `--vault` says what this run works with; settling says what it shall be from now on.
        let head = self.0.rows.head().await?;
        let Some(head) = head else {
            let _turn = self.0.turn.lock().await;
            let _asking = Asking::begin(self);
            match (kind, &passphrase) {
                (VaultKind::Keyring, _) => self.make_keyring(Manner::Asking).await?,
                (VaultKind::Session, _) => self.make_session().await?,
                (VaultKind::Passphrase, Some(given)) => self.make_passphrase(given).await?,
                (VaultKind::Passphrase, None) => return Err(faults::passphrase_needed()),
            };
            return Ok(());
        };
        match (head.kind, kind) {
            (VaultKind::Keyring, VaultKind::Keyring) | (VaultKind::Session, VaultKind::Session) => {
                self.open_asking(domain::vault::Unlock::Ask).await
            }
            (VaultKind::Passphrase, VaultKind::Passphrase) => Err(Fault::new(
                FaultKind::Usage,
                "already_settled",
                Text::new("the vault is a passphrase vault already", "保险库已经是口令保险库"),
                Text::new("change the passphrase with `pilot secret rotate`", "请用 `pilot secret rotate` 更改口令"),
            )),
            (VaultKind::Session, _) => self.out_of_session(head, kind, passphrase).await,
            (_, VaultKind::Session) => self.to_session(head).await,
            _ => {
                let keys = self.keys_now(&head).await?;
                let _turn = self.0.turn.lock().await;
                self.wrap_anew(head, &keys, kind, passphrase.as_ref()).await
            }
        }
    }

    /// The keys of the vault as this head says; the vault must be open, or open without a question.
    async fn keys_now(&self, head: &VaultHead) -> Result<Keys, Fault> {
        if self.inside().head.as_ref().is_none_or(|known| known.keys != head.keys) {
            let mut inside = self.inside();
            inside.keys = None;
            inside.head = Some(head.clone());
        }
        self.keys(head).await
    }

    /// Wraps the keys as `kind` wants it and lets the old wraps go.
    async fn wrap_anew(&self, head: VaultHead, keys: &Keys, kind: VaultKind, passphrase: Option<&Secret>) -> Result<(), Fault> {
        let _asking = Asking::begin(self);
        let seen = head.revision;
        let old: Vec<String> = head.keys.iter().map(|key| key.account.clone()).filter(|name| !name.is_empty()).collect();
        let mut next = VaultHead { kind, revision: seen + 1, tries: 0, held: false, ..head };
        let mut entry = None;
        next.keys = match kind {
            VaultKind::Passphrase => {
                let given = passphrase.ok_or_else(faults::passphrase_needed)?;
                strong(given)?;
                self.wrap_by_passphrase(&next.uuid, keys, given).await?
            }
            VaultKind::Keyring => {
                let by = Key32::fresh().map_err(seal_fault)?;
                let name = account(&next.uuid, next.revision);
                self.0.keyring.write(&name, &to_keyring(&by)).await.map_err(|fault| self.keyring_fault(fault))?;
                let wrapped: Result<Vec<_>, Fault> =
                    keys.iter().map(|(at, key)| seal::wrap(&by, key, &next.uuid, *at, &name).map_err(seal_fault)).collect();
                entry = Some(name);
                wrapped?
            }
            VaultKind::Session => Vec::new(),
        };
        if !self.0.rows.set_head(Some(seen), &next).await? {
            if let Some(name) = entry {
                let _ = self.0.keyring.remove(&name).await;
            }
            return Err(faults::contended());
        }
        self.take(next, Arc::clone(keys));
        for name in old {
            // The old entry opens nothing any more; that it stays is no danger.
            if let Err(fault) = self.0.keyring.remove(&name).await {
                tracing::warn!(?fault, "an old entry stays in the keyring");
            }
        }
        self.tidy().await;
        Ok(())
    }

    async fn to_session(&self, head: VaultHead) -> Result<(), Fault> {
        let keys = self.keys_now(&head).await?;
        let _turn = self.0.turn.lock().await;
        let mut values = BTreeMap::new();
        let mut blank = Vec::new();
        for facts in self.0.rows.facts().await?.into_iter().filter(|facts| facts.present) {
            let Some(row) = self.0.rows.sealed(&facts.id).await? else { continue };
            // One that does not open now never will.
            if let Ok(value) = unseal(&head, &keys, &row) {
                values.insert(facts.id.clone(), value);
            }
            blank.push(SealedSecret { nonce: Vec::new(), sealed: Vec::new(), ..row });
        }
        let old: Vec<String> = head.keys.iter().map(|key| key.account.clone()).filter(|name| !name.is_empty()).collect();
        let seen = head.revision;
        let next = VaultHead { kind: VaultKind::Session, revision: seen + 1, held: false, tries: 0, keys: Vec::new(), ..head };
        if !self.0.rows.set_head(Some(seen), &next).await? {
            return Err(faults::contended());
        }
        {
            let mut inside = self.inside();
            *inside = Inside { head: Some(next.clone()), session: values, timed: inside.timed, ..Inside::default() };
        }
        self.show();
        self.0.rows.put(next.revision, &blank).await?;
        for name in old {
            if let Err(fault) = self.0.keyring.remove(&name).await {
                tracing::warn!(?fault, "an old entry stays in the keyring");
            }
        }
        self.tidy().await;
        Ok(())
    }

    async fn out_of_session(&self, head: VaultHead, kind: VaultKind, passphrase: Option<Secret>) -> Result<(), Fault> {
        let values = self.inside().session.clone();
        let key = Key32::fresh().map_err(seal_fault)?;
        let keys: Keys = Arc::new(BTreeMap::from([(head.generation, key.clone())]));
        {
            let _turn = self.0.turn.lock().await;
            self.wrap_anew(head, &keys, kind, passphrase.as_ref()).await?;
        }
        let head = self.head().await?.ok_or_else(faults::contended)?;
        let mut rows = Vec::new();
        for (id, value) in values {
            let Some(row) = self.0.rows.sealed(&id).await? else { continue };
            let place = seal::Place { vault: &head.uuid, generation: head.generation, id: &id, owner: &row.facts.owner };
            let (nonce, sealed) = seal::seal(&key, &place, &value).map_err(seal_fault)?;
            rows.push(SealedSecret { generation: head.generation, nonce, sealed, ..row });
        }
        if self.0.rows.put(head.revision, &rows).await? { Ok(()) } else { Err(faults::contended()) }
    }

    /// A new key around the vault's key.
    pub(super) async fn rotate_wrap(&self, passphrase: Option<Secret>) -> Result<(), Fault> {
        let head = self.head().await?.ok_or_else(|| faults::absent("there is no vault yet"))?;
        if head.kind == VaultKind::Session {
            return Err(nothing_to_rotate());
        }
        let keys = self.keys(&head).await?;
        let _turn = self.0.turn.lock().await;
        let kind = head.kind;
        self.wrap_anew(head, &keys, kind, passphrase.as_ref()).await
    }

    /// A new key for every row.
    pub(super) async fn rotate_rows(&self, passphrase: Option<Secret>) -> Result<(), Fault> {
        let head = self.head().await?.ok_or_else(|| faults::absent("there is no vault yet"))?;
        if head.kind == VaultKind::Session {
            return Err(nothing_to_rotate());
        }
        let keys = self.keys(&head).await?;
        let _turn = self.0.turn.lock().await;
        // Opening it may have finished an earlier rotation.
        let head = self.head().await?.ok_or_else(faults::contended)?;
        let mut all = (*keys).clone();
        let generation = head.keys.iter().map(|key| key.generation).max().unwrap_or(head.generation) + 1;
        let fresh = Key32::fresh().map_err(seal_fault)?;
        all.insert(generation, fresh.clone());
        let seen = head.revision;
        let mut next = VaultHead { generation, revision: seen + 1, ..head };
        match next.kind {
            VaultKind::Passphrase => {
                let given = passphrase.as_ref().ok_or_else(faults::passphrase_needed)?;
                strong(given)?;
                next.keys = self.wrap_by_passphrase(&next.uuid, &all, given).await?;
            }
            _ => {
                let name = next.keys.first().map(|key| key.account.clone()).ok_or_else(faults::vault_corrupt)?;
                let value = self.0.keyring.read(&name).await.map_err(|fault| self.keyring_fault(fault))?;
                let by = value.as_ref().and_then(of_keyring).ok_or_else(|| self.trouble(Trouble::Corrupt))?;
                // Proven before anything is written: it opens what it wrapped.
                for wrapped in &next.keys {
                    seal::unwrap(&by, wrapped, &next.uuid).map_err(|_| self.trouble(Trouble::Corrupt))?;
                }
                next.keys.push(seal::wrap(&by, &fresh, &next.uuid, generation, &name).map_err(seal_fault)?);
            }
        }
        if !self.0.rows.set_head(Some(seen), &next).await? {
            return Err(faults::contended());
        }
        let all: Keys = Arc::new(all);
        self.take(next.clone(), Arc::clone(&all));
        self.finish_rotation(next, &all).await
    }

    /// Writes the recovery kit.
    pub(super) async fn write_kit(&self, to: &Path, passphrase: &Secret) -> Result<(), Fault> {
        strong(passphrase)?;
        let head = self.head().await?.ok_or_else(|| faults::absent("there is no vault yet"))?;
        if head.kind == VaultKind::Session {
            return Err(nothing_to_rotate());
        }
        let keys = self.keys(&head).await?;
        let key = keys.get(&head.generation).ok_or_else(faults::vault_corrupt)?.clone();
        let (to, passphrase, work) = (to.to_owned(), passphrase.clone(), self.0.kit_work);
        let kit = Kit::new(&head.uuid, head.generation, &key);
        tokio::task::spawn_blocking(move || kit.write(&to, &passphrase, work)).await.map_err(|_| faults::locked())?
    }

    /// Takes the key out of a kit and keeps it in the way this vault keeps its key.
    pub(super) async fn take_kit(&self, from: &Path, passphrase: &Secret) -> Result<(), Fault> {
        let head = self.0.rows.head().await?.ok_or_else(|| faults::absent("there is no vault that a kit could open"))?;
        let (path, given) = (from.to_owned(), passphrase.clone());
        let kit = tokio::task::spawn_blocking(move || Kit::read(&path, &given)).await.map_err(|_| faults::locked())??;
        let key = kit.key();
        let wrapped = head.keys.iter().find(|key| key.generation == kit.generation);
        let (Some(key), Some(wrapped), true) = (key, wrapped, kit.vault == head.uuid) else { return Err(other_kit()) };
        // Proven before anything is written.
        if !seal::fits(&key, &head.uuid, kit.generation, &wrapped.check) {
            return Err(other_kit());
        }
        let _turn = self.0.turn.lock().await;
        let keys: Keys = Arc::new(BTreeMap::from([(kit.generation, key)]));
        // What is sealed under another key than the kit's stays closed; the kit says so by not having it.
        let head = VaultHead { generation: kit.generation, ..head };
        let kind = head.kind;
        self.wrap_anew(head, &keys, kind, Some(passphrase)).await
    }

    /// Destroys key and rows.
    pub(super) async fn destroy(&self) -> Result<(), Fault> {
        let _turn = self.0.turn.lock().await;
        let head = self.0.rows.head().await?;
        for key in head.iter().flat_map(|head| &head.keys).filter(|key| !key.account.is_empty()) {
            // Without the rows it opens nothing; a keyring that is gone must not keep anybody from wiping.
            if let Err(fault) = self.0.keyring.remove(&key.account).await {
                tracing::warn!(?fault, "an entry may stay in the keyring");
            }
        }
        {
            let mut inside = self.inside();
            *inside = Inside { timed: inside.timed, ..Inside::default() };
        }
        self.show();
        self.0.rows.destroy().await
    }
}

fn nothing_to_rotate() -> Fault {
    Fault::new(
        FaultKind::Usage,
        "session_vault",
        Text::new("the vault lives for this session only and has no key that is kept", "保险库仅在本次会话中有效，没有被保存的密钥"),
        Text::new("settle a keyring or a passphrase first: `pilot secret settle`", "请先选择密钥环或口令：`pilot secret settle`"),
    )
}

fn other_kit() -> Fault {
    Fault::new(
        FaultKind::Auth,
        "other_kit",
        Text::new(
            "the kit belongs to another vault, or to this one before its keys were changed; nothing was written",
            "该应急包属于另一个保险库，或属于密钥更换之前的本保险库；未写入任何内容",
        ),
        Text::new("name the newest kit of this vault", "请指定本保险库最新的应急包"),
    )
}
