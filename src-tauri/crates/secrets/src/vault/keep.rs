//! Values in and out of an open vault.

use std::sync::Arc;

use domain::fault::Fault;
use domain::id::SecretId;
use domain::vault::rows::{SealedSecret, VaultHead};
use domain::vault::{NewSecret, SecretBytes, SecretFacts, SecretKind, VaultKind, faults};

use super::seal::{self, Place};
use super::{Keys, SealedVault, TURNS, seal_fault};

impl SealedVault {
    /// Keeps values, all of them or none.
    pub(super) async fn keep_all(&self, secrets: Vec<NewSecret>) -> Result<Vec<SecretId>, Fault> {
        if secrets.is_empty() {
            return Ok(Vec::new());
        }
        for _ in 0..TURNS {
            let head = self.head_or_new().await?;
            let keys = if head.kind == VaultKind::Session { Keys::default() } else { self.keys(&head).await? };
            let mut rows = Vec::with_capacity(secrets.len());
            let mut replaces = false;
            for secret in &secrets {
                let (row, there) = self.row(&head, &keys, secret).await?;
                replaces |= there;
                rows.push(row);
            }
            if !self.0.rows.put(head.revision, &rows).await? {
                continue;
            }
            if head.kind == VaultKind::Session {
                let mut inside = self.inside();
                for (row, secret) in rows.iter().zip(&secrets) {
                    inside.session.insert(row.facts.id.clone(), secret.value.clone());
                }
            }
            for secret in secrets.iter().filter(|secret| secret.kind != SecretKind::Draft) {
                self.learn(&secret.value);
            }
            self.inside().used_at = self.0.clock.now();
            if replaces {
                self.tidy().await;
            }
            return Ok(rows.into_iter().map(|row| row.facts.id).collect());
        }
        Err(faults::contended())
    }

    async fn row(&self, head: &VaultHead, keys: &Keys, secret: &NewSecret) -> Result<(SealedSecret, bool), Fault> {
        let known = self.0.rows.find(&secret.owner).await?;
        let now = self.0.clock.now();
        let there = known.is_some();
        let (id, created_at, last_used) = match known {
            Some(known) => (known.id, known.created_at, known.last_used),
            None => (SecretId::new(uuid::Uuid::new_v4().simple().to_string()), now, None),
        };
        let facts = SecretFacts {
            id,
            owner: secret.owner.clone(),
            kind: secret.kind,
            present: true,
            created_at,
            updated_at: now,
            expires_at: secret.expires_at,
            last_used,
        };
        let generation = head.generation;
        if head.kind == VaultKind::Session {
            return Ok((SealedSecret { facts, generation, nonce: Vec::new(), sealed: Vec::new() }, there));
        }
        let key = keys.get(&generation).ok_or_else(faults::vault_corrupt)?;
        let place = Place { vault: &head.uuid, generation, id: &facts.id, owner: &facts.owner };
        let (nonce, sealed) = seal::seal(key, &place, &secret.value).map_err(seal_fault)?;
        Ok((SealedSecret { facts, generation, nonce, sealed }, there))
    }

    /// Opens one value and notes that it was used.
    pub(super) async fn open_one(&self, id: &SecretId) -> Result<SecretBytes, Fault> {
        let head = self.head().await?;
        let row = self.0.rows.sealed(id).await?;
        let (Some(head), Some(row)) = (head, row) else { return Err(faults::missing(id, None)) };
        let value = if head.kind == VaultKind::Session {
            let value = self.inside().session.get(id).cloned();
            value.ok_or_else(|| faults::missing(id, Some(&row.facts.owner)))?
        } else {
            if row.sealed.is_empty() {
                return Err(faults::missing(id, Some(&row.facts.owner)));
            }
            let keys = self.keys(&head).await?;
            // Opening the vault may have sealed it anew: what was read before that would not open.
            let row = self.0.rows.sealed(id).await?.ok_or_else(|| faults::missing(id, None))?;
            unseal(&head, &keys, &row)?
        };
        if row.facts.kind != SecretKind::Draft {
            self.learn(&value);
        }
        let now = self.0.clock.now();
        self.inside().used_at = now;
        if let Err(fault) = self.0.rows.used(id, now).await {
            tracing::warn!(%fault, "the use of a secret was not noted");
        }
        Ok(value)
    }

    /// All that may be said, by owner.
    pub(super) async fn facts(&self) -> Result<Vec<SecretFacts>, Fault> {
        let head = self.0.rows.head().await?;
        let mut all = self.0.rows.facts().await?;
        if head.is_none_or(|head| head.kind == VaultKind::Session) {
            let inside = self.inside();
            for facts in &mut all {
                facts.present = inside.session.contains_key(&facts.id);
            }
        }
        Ok(all)
    }

    /// Leaves nothing of old values in the log. It is not worth failing for: the next one does it.
    pub(super) async fn tidy(&self) {
        if let Err(fault) = self.0.rows.scrub().await {
            tracing::warn!(%fault, "an old value may still be in the database's log, sealed");
        }
    }

    /// Seals what is still sealed with an older key, then lets that key go.
    pub(super) async fn finish_rotation(&self, mut head: VaultHead, keys: &Keys) -> Result<(), Fault> {
        if head.keys.len() < 2 {
            return Ok(());
        }
        let newest = keys.get(&head.generation).ok_or_else(faults::vault_corrupt)?;
        let mut damaged: Vec<SecretId> = Vec::new();
        loop {
            let most = u32::try_from(64 + damaged.len()).unwrap_or(u32::MAX);
            let behind = self.0.rows.behind(head.generation, most).await?;
            let mut anew = Vec::new();
            for row in behind {
                if damaged.contains(&row.facts.id) {
                    continue;
                }
                let Ok(value) = unseal(&head, keys, &row) else {
                    // It did not open before either; its owner is told when it is wanted.
                    damaged.push(row.facts.id);
                    continue;
                };
                let place = Place { vault: &head.uuid, generation: head.generation, id: &row.facts.id, owner: &row.facts.owner };
                let (nonce, sealed) = seal::seal(newest, &place, &value).map_err(seal_fault)?;
                let seen = row.nonce.clone();
                anew.push((seen, SealedSecret { generation: head.generation, nonce, sealed, ..row }));
            }
            if anew.is_empty() {
                break;
            }
            self.0.rows.reseal(&anew).await?;
        }
        let seen = head.revision;
        let newest = head.generation;
        head.keys.retain(|key| key.generation == newest);
        head.revision += 1;
        if self.0.rows.set_head(Some(seen), &head).await? {
            let keys = keys.iter().filter(|(generation, _)| **generation == newest).map(|(at, key)| (*at, key.clone())).collect();
            self.take(head, Arc::new(keys));
            self.tidy().await;
        }
        Ok(())
    }
}

/// Opens a row with the key that it was sealed with.
pub(super) fn unseal(head: &VaultHead, keys: &Keys, row: &SealedSecret) -> Result<SecretBytes, Fault> {
    let corrupt = || faults::corrupt(&row.facts.id, &row.facts.owner);
    let key = keys.get(&row.generation).ok_or_else(corrupt)?;
    let place = Place { vault: &head.uuid, generation: row.generation, id: &row.facts.id, owner: &row.facts.owner };
    seal::open(key, &place, &row.nonce, &row.sealed).map_err(|_| corrupt())
}
