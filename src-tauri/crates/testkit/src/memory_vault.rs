//! A vault and a book of clusters in memory, for tests of what stands on them. They behave; they seal nothing.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use domain::cluster::{ClusterDef, Clusters, Consent, ConsentAnswer};
use domain::fault::{Fault, FaultKind};
use domain::id::{ClusterId, Millis, SecretId};
use domain::secret::Secret;
use domain::text::Text;
use domain::vault::{NewSecret, Owner, SecretBytes, SecretFacts, Unlock, Vault, VaultKind, VaultState};
use tokio::sync::watch;

/// A vault whose values are in memory.
#[derive(Debug)]
pub struct MemoryVault {
    rows: Mutex<BTreeMap<SecretId, (SecretFacts, SecretBytes)>>,
    state: watch::Sender<VaultState>,
    idle: Mutex<Option<Duration>>,
}

impl Default for MemoryVault {
    fn default() -> Self {
        Self {
            rows: Mutex::default(),
            state: watch::Sender::new(VaultState::Unlocked { kind: VaultKind::Session }),
            idle: Mutex::default(),
        }
    }
}

fn fault(kind: FaultKind, code: &str, en: &str, zh: &str) -> Fault {
    Fault::new(kind, code, Text::new(en, zh), Text::new("unlock the vault and try again", "请解锁保险库后重试"))
}

impl MemoryVault {
    /// As if the keyring had gone to this state.
    pub fn stand(&self, state: VaultState) {
        self.state.send_replace(state);
    }

    /// How long it was told to stay open without use.
    pub fn idle(&self) -> Option<Duration> {
        *self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn rows(&self) -> MutexGuard<'_, BTreeMap<SecretId, (SecretFacts, SecretBytes)>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn need_open(&self) -> Result<(), Fault> {
        match self.state() {
            VaultState::Unlocked { .. } => Ok(()),
            VaultState::Absent => Err(fault(FaultKind::Auth, "vault_absent", "there is no vault yet", "尚未设置保险库")),
            _ => Err(fault(FaultKind::Auth, "vault_locked", "the vault is locked", "保险库已锁定")),
        }
    }
}

#[async_trait]
impl Vault for MemoryVault {
    fn set_idle(&self, idle: Duration) {
        *self.idle.lock().unwrap_or_else(PoisonError::into_inner) = Some(idle);
    }

    fn state(&self) -> VaultState {
        self.state.borrow().clone()
    }

    async fn changed(&self, seen: &VaultState) -> VaultState {
        let mut states = self.state.subscribe();
        let now = states.wait_for(|state| state != seen).await.map(|state| state.clone());
        now.unwrap_or_else(|_| self.state())
    }

    async fn unlock(&self, _: Unlock) -> Result<VaultState, Fault> {
        self.stand(VaultState::Unlocked { kind: VaultKind::Session });
        Ok(self.state())
    }

    fn lock(&self) {
        self.stand(VaultState::Locked { kind: VaultKind::Session });
    }

    async fn settle(&self, kind: VaultKind, _: Option<Secret>) -> Result<VaultState, Fault> {
        self.stand(VaultState::Unlocked { kind });
        Ok(self.state())
    }

    async fn keep(&self, secrets: Vec<NewSecret>) -> Result<Vec<SecretId>, Fault> {
        self.need_open()?;
        let mut rows = self.rows();
        let mut ids = Vec::new();
        for new in secrets {
            let known = rows.values().find(|(facts, _)| facts.owner == new.owner).map(|(facts, _)| facts.id.clone());
            let id = known.unwrap_or_else(|| SecretId::new(uuid::Uuid::new_v4().simple().to_string()));
            let facts = SecretFacts {
                id: id.clone(),
                owner: new.owner,
                kind: new.kind,
                present: true,
                created_at: Millis(0),
                updated_at: Millis(0),
                expires_at: new.expires_at,
                last_used: None,
            };
            rows.insert(id.clone(), (facts, new.value));
            ids.push(id);
        }
        Ok(ids)
    }

    async fn open(&self, id: &SecretId) -> Result<SecretBytes, Fault> {
        self.need_open()?;
        let missing = || fault(FaultKind::NotFound, "secret_missing", "the vault has no such secret", "保险库中没有该机密");
        self.rows().get(id).map(|(_, value)| value.clone()).ok_or_else(missing)
    }

    async fn find(&self, owner: &Owner) -> Result<Option<SecretId>, Fault> {
        Ok(self.rows().values().find(|(facts, _)| facts.owner == *owner).map(|(facts, _)| facts.id.clone()))
    }

    async fn list(&self) -> Result<Vec<SecretFacts>, Fault> {
        let mut all: Vec<SecretFacts> = self.rows().values().map(|(facts, _)| facts.clone()).collect();
        all.sort_by(|a, b| a.owner.cmp(&b.owner));
        Ok(all)
    }

    async fn remove(&self, ids: &[SecretId]) -> Result<(), Fault> {
        self.rows().retain(|id, _| !ids.contains(id));
        Ok(())
    }

    async fn rotate(&self, _: bool, _: Option<Secret>) -> Result<(), Fault> {
        self.need_open()
    }

    async fn export_kit(&self, _: &Path, _: &Secret) -> Result<(), Fault> {
        Err(fault(FaultKind::Usage, "no_kit", "a vault in memory has no key to export", "内存中的保险库没有可导出的密钥"))
    }

    async fn restore_kit(&self, _: &Path, _: &Secret) -> Result<VaultState, Fault> {
        Err(fault(FaultKind::Usage, "no_kit", "a vault in memory has no key to restore", "内存中的保险库没有可恢复的密钥"))
    }

    async fn wipe(&self) -> Result<(), Fault> {
        self.rows().clear();
        Ok(())
    }
}

/// Clusters and consents in memory.
#[derive(Debug, Default)]
pub struct MemoryClusters {
    clusters: Mutex<Vec<ClusterDef>>,
    consents: Mutex<Vec<Consent>>,
}

fn locked<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl Clusters for MemoryClusters {
    async fn clusters(&self) -> Result<Vec<ClusterDef>, Fault> {
        let mut all = locked(&self.clusters).clone();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(all)
    }

    async fn put_clusters(&self, new: &[ClusterDef]) -> Result<(), Fault> {
        let mut all = locked(&self.clusters);
        let mut next = all.clone();
        for cluster in new {
            next.retain(|other| other.id != cluster.id);
            if next.iter().any(|other| other.name == cluster.name) {
                return Err(fault(FaultKind::Config, "cluster_name_taken", "there is already a cluster of that name", "已有同名集群"));
            }
            next.push(cluster.clone());
        }
        *all = next;
        Ok(())
    }

    async fn remove_cluster(&self, id: &ClusterId) -> Result<(), Fault> {
        locked(&self.clusters).retain(|cluster| cluster.id != *id);
        locked(&self.consents).retain(|consent| consent.cluster.as_ref() != Some(id));
        Ok(())
    }

    async fn consents(&self) -> Result<Vec<Consent>, Fault> {
        Ok(locked(&self.consents).clone())
    }

    async fn put_consent(&self, consent: &Consent) -> Result<(), Fault> {
        let mut all = locked(&self.consents);
        all.retain(|old| !(old.program == consent.program && old.cluster == consent.cluster));
        all.push(consent.clone());
        Ok(())
    }

    async fn spend_consent(&self, consent: &Consent) -> Result<bool, Fault> {
        let mut all = locked(&self.consents);
        let at = all.iter().position(|kept| kept == consent && kept.answer == ConsentAnswer::Once);
        Ok(at.map(|at| all.remove(at)).is_some())
    }

    async fn remove_consent(&self, program: &str, cluster: Option<&ClusterId>) -> Result<bool, Fault> {
        let mut all = locked(&self.consents);
        let before = all.len();
        all.retain(|kept| !(kept.program == program && kept.cluster.as_ref() == cluster));
        Ok(all.len() < before)
    }
}
