//! The vault's rows in memory, which can be cut off at any write, as by a kill.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use domain::fault::{Fault, FaultKind};
use domain::id::{Millis, SecretId};
use domain::text::Text;
use domain::vault::rows::{SealedSecret, VaultHead, VaultRows};
use domain::vault::{Owner, SecretFacts};

/// Rows in memory.
#[derive(Debug, Clone, Default)]
pub struct MemoryRows(Arc<Mutex<Rows>>);

#[derive(Debug, Default)]
struct Rows {
    head: Option<VaultHead>,
    sealed: BTreeMap<SecretId, SealedSecret>,
    /// So many writes are still done; then every one fails, as when the process is gone.
    left: Option<usize>,
    writes: usize,
}

impl Rows {
    fn write(&mut self) -> Result<(), Fault> {
        if self.left == Some(0) {
            let words = Text::new("the process is gone", "进程已结束");
            return Err(Fault::new(FaultKind::Storage, "killed", words, Text::default()));
        }
        self.left = self.left.map(|left| left - 1);
        self.writes += 1;
        Ok(())
    }
}

impl MemoryRows {
    fn rows(&self) -> MutexGuard<'_, Rows> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything fails after so many further writes.
    pub fn cut_after(&self, writes: usize) {
        self.rows().left = Some(writes);
    }

    /// Writes are done again.
    pub fn mend(&self) {
        self.rows().left = None;
    }

    /// How many writes were done.
    pub fn writes(&self) -> usize {
        self.rows().writes
    }

    /// Changes a row behind everybody's back.
    pub fn tamper(&self, id: &SecretId, change: impl FnOnce(&mut SealedSecret)) {
        if let Some(row) = self.rows().sealed.get_mut(id) {
            change(row);
        }
    }

    /// Changes the head behind everybody's back.
    pub fn tamper_head(&self, change: impl FnOnce(&mut VaultHead)) {
        if let Some(head) = &mut self.rows().head {
            change(head);
        }
    }

    /// A copy as it stands, on another disk.
    #[must_use]
    pub fn copied(&self) -> Self {
        let rows = self.rows();
        Self(Arc::new(Mutex::new(Rows { head: rows.head.clone(), sealed: rows.sealed.clone(), left: None, writes: 0 })))
    }
}

#[async_trait]
impl VaultRows for MemoryRows {
    async fn head(&self) -> Result<Option<VaultHead>, Fault> {
        Ok(self.rows().head.clone())
    }

    async fn set_head(&self, seen: Option<u64>, head: &VaultHead) -> Result<bool, Fault> {
        let mut rows = self.rows();
        if rows.head.as_ref().map(|head| head.revision) != seen {
            return Ok(false);
        }
        rows.write()?;
        rows.head = Some(head.clone());
        Ok(true)
    }

    async fn sealed(&self, id: &SecretId) -> Result<Option<SealedSecret>, Fault> {
        Ok(self.rows().sealed.get(id).cloned())
    }

    async fn find(&self, owner: &Owner) -> Result<Option<SecretFacts>, Fault> {
        Ok(self.rows().sealed.values().find(|row| row.facts.owner == *owner).map(|row| row.facts.clone()))
    }

    async fn facts(&self) -> Result<Vec<SecretFacts>, Fault> {
        let mut all: Vec<SecretFacts> =
            self.rows().sealed.values().map(|row| SecretFacts { present: !row.sealed.is_empty(), ..row.facts.clone() }).collect();
        all.sort_by(|a, b| a.owner.cmp(&b.owner));
        Ok(all)
    }

    async fn put(&self, seen: u64, new: &[SealedSecret]) -> Result<bool, Fault> {
        let mut rows = self.rows();
        if rows.head.as_ref().is_none_or(|head| head.revision != seen) {
            return Ok(false);
        }
        rows.write()?;
        for row in new {
            rows.sealed.retain(|_, old| old.facts.owner != row.facts.owner);
            rows.sealed.insert(row.facts.id.clone(), row.clone());
        }
        Ok(true)
    }

    async fn behind(&self, generation: u64, most: u32) -> Result<Vec<SealedSecret>, Fault> {
        let rows = self.rows();
        let behind = rows.sealed.values().filter(|row| row.generation != generation && !row.sealed.is_empty());
        Ok(behind.take(most as usize).cloned().collect())
    }

    async fn reseal(&self, anew: &[(Vec<u8>, SealedSecret)]) -> Result<(), Fault> {
        let mut rows = self.rows();
        rows.write()?;
        for (seen, row) in anew {
            if let Some(there) = rows.sealed.get_mut(&row.facts.id)
                && there.nonce == *seen
            {
                *there = row.clone();
            }
        }
        Ok(())
    }

    async fn used(&self, id: &SecretId, at: Millis) -> Result<(), Fault> {
        if let Some(row) = self.rows().sealed.get_mut(id) {
            row.facts.last_used = Some(at);
        }
        Ok(())
    }

    async fn remove(&self, ids: &[SecretId]) -> Result<(), Fault> {
        let mut rows = self.rows();
        rows.write()?;
        rows.sealed.retain(|id, _| !ids.contains(id));
        Ok(())
    }

    async fn scrub(&self) -> Result<(), Fault> {
        Ok(())
    }

    async fn copy(&self) -> Result<(), Fault> {
        Ok(())
    }

    async fn renew_copies(&self) -> Result<(), Fault> {
        Ok(())
    }

    async fn destroy(&self) -> Result<(), Fault> {
        let mut rows = self.rows();
        rows.write()?;
        rows.head = None;
        rows.sealed.clear();
        Ok(())
    }
}
