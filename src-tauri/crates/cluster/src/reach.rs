//! [`ClusterReach`] on the real thing.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use domain::cluster::{ClusterDef, ExecPlugin};
use domain::fault::Fault;
use domain::id::{Clock, ClusterId};
use domain::ports::Settings;
use domain::reach::{ClusterCredential, ClusterFacts, ClusterReach, PluginFacts, RunProgram, are_clusters_locked, clusters_locked};
use domain::secret::{Redact, Secret, SecretMap};
use domain::sign_in::{Revocation, SignInGuide, SignInState, SignInWay, SignedIn};
use domain::vault::Vault;
use sha2::{Digest as _, Sha256};

use crate::exec::Plugins;
use crate::oidc::SignIns;
use crate::{connect, exec};

/// What reaching stands on.
#[derive(Debug, Clone)]
pub struct ReachParts {
    /// Where credentials are.
    pub vault: Arc<dyn Vault>,
    /// Runs exec plugins.
    pub run: Arc<dyn RunProgram>,
    /// Learns every credential that comes by, so that no log line repeats it.
    pub redact: Arc<dyn Redact>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Our own environment: proxies, and the few variables that a plugin is given.
    pub env: Arc<BTreeMap<String, String>>,
    /// How long a plugin may take.
    pub plugin_patience: Duration,
}

/// Reaches clusters.
#[derive(Debug)]
pub struct Reach {
    pub(crate) parts: ReachParts,
    pub(crate) plugins: Plugins,
    pub(crate) sign_ins: SignIns,
    pub(crate) notes: Option<Arc<dyn Settings>>,
    clients: Mutex<HashMap<ClusterId, Kept>>,
}

/// A connection that is used again as long as nothing that it was made of changed.
struct Kept {
    made_of: Vec<u8>,
    client: kube::Client,
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Kept")
    }
}

impl Reach {
    /// How long a plugin may take when nobody says otherwise. Nobody can be asked anything by it, so that this is for machines only.
    pub const PLUGIN_PATIENCE: Duration = Duration::from_secs(30);

    /// Keeps the parts; connects nothing and runs nothing.
    pub fn new(parts: ReachParts) -> Self {
        Self { parts, plugins: Plugins::default(), sign_ins: SignIns::default(), notes: None, clients: Mutex::default() }
    }

    /// The same, which tells other processes there, and learns from them, how long a program that fails must rest.
    #[must_use]
    pub fn resting_in(self, notes: Arc<dyn Settings>) -> Self {
        Self { notes: Some(notes), ..self }
    }

    /// A client for a cluster, as whom its definition says: an earlier one where nothing changed. Faults: those of
    /// [`ClusterReach::credential`].
    pub async fn client(&self, cluster: &ClusterDef) -> Result<kube::Client, Fault> {
        let credential = self.credential(cluster).await.inspect_err(|_| {
            // What an earlier client knows is not kept for longer than it may be used.
            self.clients().remove(&cluster.id);
        })?;
        let made_of = made_of(cluster, &credential);
        let kept = self.clients().get(&cluster.id).filter(|kept| kept.made_of == made_of).map(|kept| kept.client.clone());
        if let Some(client) = kept {
            return Ok(client);
        }
        let client = self.client_with(cluster, &credential).await?;
        self.clients().insert(cluster.id.clone(), Kept { made_of, client: client.clone() });
        Ok(client)
    }

    fn clients(&self) -> MutexGuard<'_, HashMap<ClusterId, Kept>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) async fn client_with(&self, cluster: &ClusterDef, credential: &ClusterCredential) -> Result<kube::Client, Fault> {
        let proxy = match cluster.proxy.as_ref().and_then(|proxy| proxy.credentials.as_ref()) {
            Some(id) => self.parts.vault.open(id).await?.to_secret(),
            None => None,
        };
        connect::client(cluster, credential, proxy.as_ref(), &self.parts.env)
    }

    pub(crate) fn learn(&self, credential: &ClusterCredential) {
        let values = [
            credential.token.as_ref(),
            credential.certificate.as_ref().map(|(_, key)| key),
            credential.basic.as_ref().map(|(_, password)| password),
        ];
        for value in values.into_iter().flatten() {
            self.parts.redact.learn(value);
        }
    }
}

/// A fingerprint of everything that a client is made of.
fn made_of(cluster: &ClusterDef, credential: &ClusterCredential) -> Vec<u8> {
    let mut made_of = Sha256::new();
    made_of.update(serde_json::to_vec(cluster).unwrap_or_default());
    let (chain, key) = credential.certificate.as_ref().map(|(chain, key)| (chain.as_str(), key.expose())).unwrap_or_default();
    let (user, password) = credential.basic.as_ref().map(|(user, password)| (user.as_str(), password.expose())).unwrap_or_default();
    for part in [credential.token.as_ref().map(Secret::expose).unwrap_or_default(), chain, key, user, password] {
        made_of.update(part.len().to_le_bytes());
        made_of.update(part);
    }
    made_of.finalize().to_vec()
}

#[async_trait]
impl ClusterReach for Reach {
    async fn credential(&self, cluster: &ClusterDef) -> Result<ClusterCredential, Fault> {
        // Below every door: whoever would look, change or hand out something is refused here.
        if let Some(notes) = &self.notes
            && are_clusters_locked(&**notes).await?
        {
            return Err(clusters_locked(cluster));
        }
        let credential = self.credential_of(cluster).await?;
        self.learn(&credential);
        Ok(credential)
    }

    async fn probe(&self, cluster: &ClusterDef) -> Result<ClusterFacts, Fault> {
        let credential = self.credential(cluster).await?;
        let client = self.client_with(cluster, &credential).await?;
        let facts = connect::probe(&client, cluster).await?;
        Ok(ClusterFacts { expires_at: credential.expires_at, ..facts })
    }

    async fn plugin(&self, server: &str, plugin: &ExecPlugin, env: &SecretMap) -> Result<PluginFacts, Fault> {
        exec::program::look(server, plugin, env, self.parts.env.get("PATH").map(String::as_str)).await
    }

    fn forget(&self) {
        self.plugins.forget();
        self.clients().clear();
    }

    async fn sign_in(&self, cluster: &ClusterDef, way: SignInWay, guide: &dyn SignInGuide) -> Result<SignedIn, Fault> {
        self.sign_in_at(cluster, way, guide).await
    }

    async fn sign_in_state(&self, cluster: &ClusterDef) -> Result<SignInState, Fault> {
        self.sign_in_stands(cluster).await
    }

    async fn sign_out(&self, cluster: &ClusterDef) -> Result<Revocation, Fault> {
        self.sign_out_of(cluster).await
    }
}
