//! Rehearsals and changes to clusters in memory, for tests of what stands on them.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use domain::fault::Fault;
use domain::id::{ClusterId, Millis};
use domain::manifest::{ChangeLog, ChangeState, KeptChange};

#[derive(Debug, Default)]
struct Rows {
    rehearsals: BTreeMap<(ClusterId, String), Millis>,
    changes: BTreeMap<String, KeptChange>,
}

/// A log of changes that ends with the process.
#[derive(Debug, Default)]
pub struct MemoryChanges {
    rows: Mutex<Rows>,
}

impl MemoryChanges {
    fn rows(&self) -> MutexGuard<'_, Rows> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn free(change: &KeptChange, now: Millis) -> bool {
    change.claimed_until.is_none_or(|until| until <= now)
}

#[async_trait]
impl ChangeLog for MemoryChanges {
    async fn keep_rehearsal(&self, cluster: &ClusterId, digest: &str, until: Millis, _: Millis) -> Result<(), Fault> {
        self.rows().rehearsals.insert((cluster.clone(), digest.to_owned()), until);
        Ok(())
    }

    async fn rehearsal(&self, cluster: &ClusterId, digest: &str) -> Result<Option<Millis>, Fault> {
        Ok(self.rows().rehearsals.get(&(cluster.clone(), digest.to_owned())).copied())
    }

    async fn keep_change(&self, change: &KeptChange) -> Result<(), Fault> {
        self.rows().changes.insert(change.id.clone(), change.clone());
        Ok(())
    }

    async fn change(&self, id: &str) -> Result<Option<KeptChange>, Fault> {
        Ok(self.rows().changes.get(id).cloned())
    }

    async fn changes(&self, most: u32) -> Result<Vec<KeptChange>, Fault> {
        let mut all: Vec<KeptChange> = self.rows().changes.values().cloned().collect();
        all.sort_by_key(|change| std::cmp::Reverse(change.at));
        all.truncate(most as usize);
        Ok(all)
    }

    async fn due(&self, at: Millis) -> Result<Vec<KeptChange>, Fault> {
        let is_due = |change: &&KeptChange| {
            change.deadline.is_some_and(|deadline| deadline <= at) && change.state != ChangeState::Undone && free(change, at)
        };
        Ok(self.rows().changes.values().filter(is_due).cloned().collect())
    }

    async fn next_deadline(&self) -> Result<Option<Millis>, Fault> {
        let waits = |change: &&KeptChange| change.state != ChangeState::Undone;
        Ok(self
            .rows()
            .changes
            .values()
            .filter(waits)
            .filter_map(|change| change.deadline.max(change.claimed_until.filter(|_| change.deadline.is_some())))
            .min())
    }

    async fn claim(&self, id: &str, from: &[ChangeState], to: ChangeState, until: Option<Millis>, now: Millis) -> Result<bool, Fault> {
        let mut rows = self.rows();
        let Some(change) = rows.changes.get_mut(id).filter(|change| from.contains(&change.state) && free(change, now)) else {
            return Ok(false);
        };
        change.state = to;
        change.claimed_until = until;
        Ok(true)
    }

    async fn outlived(&self, most: u32, before: Millis, now: Millis) -> Result<Vec<KeptChange>, Fault> {
        let mut all: Vec<KeptChange> = self.rows().changes.values().cloned().collect();
        all.sort_by(|a, b| (b.at, &a.id).cmp(&(a.at, &b.id)));
        let settled = |one: &KeptChange| {
            let waits = one.state == ChangeState::Applied && one.deadline.is_some();
            matches!(one.state, ChangeState::Applied | ChangeState::Undone) && !waits && free(one, now)
        };
        let over = |(nth, one): (usize, KeptChange)| ((nth >= most as usize || one.at < before) && settled(&one)).then_some(one);
        Ok(all.into_iter().enumerate().filter_map(over).collect())
    }

    async fn forget_change(&self, id: &str) -> Result<(), Fault> {
        self.rows().changes.remove(id);
        Ok(())
    }
}
