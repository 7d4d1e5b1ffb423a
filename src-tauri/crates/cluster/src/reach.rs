//! [`ClusterReach`] on the real thing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::cluster::{ClusterDef, ExecPlugin};
use domain::fault::Fault;
use domain::id::Clock;
use domain::ports::Settings;
use domain::reach::{ClusterCredential, ClusterFacts, ClusterReach, PluginFacts, RunProgram};
use domain::secret::{Redact, SecretMap};
use domain::sign_in::{Revocation, SignInGuide, SignInState, SignInWay, SignedIn};
use domain::vault::Vault;

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
}

impl Reach {
    /// How long a plugin may take when nobody says otherwise. Nobody can be asked anything by it, so that this is for machines only.
    pub const PLUGIN_PATIENCE: Duration = Duration::from_secs(30);

    /// Keeps the parts; connects nothing and runs nothing.
    pub fn new(parts: ReachParts) -> Self {
        Self { parts, plugins: Plugins::default(), sign_ins: SignIns::default(), notes: None }
    }

    /// The same, which tells other processes there, and learns from them, how long a program that fails must rest.
    #[must_use]
    pub fn resting_in(self, notes: Arc<dyn Settings>) -> Self {
        Self { notes: Some(notes), ..self }
    }

    /// A client for a cluster, as whom its definition says.
    pub async fn client(&self, cluster: &ClusterDef) -> Result<kube::Client, Fault> {
        let credential = self.credential(cluster).await?;
        self.client_with(cluster, &credential).await
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

#[async_trait]
impl ClusterReach for Reach {
    async fn credential(&self, cluster: &ClusterDef) -> Result<ClusterCredential, Fault> {
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
