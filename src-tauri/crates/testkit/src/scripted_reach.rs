//! Clusters that answer what a test says.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use domain::cluster::{ClusterDef, ExecPlugin};
use domain::fault::{Fault, FaultKind};
use domain::id::Millis;
use domain::reach::{ClusterCredential, ClusterFacts, ClusterReach, PluginFacts};
use domain::secret::{Secret, SecretMap};
use domain::sign_in::{Revocation, SignInGuide, SignInState, SignInWay, SignedIn};
use domain::text::Text;

/// Reaches nothing. Every cluster has the same token, except one whose name is `shut`: its vault is locked.
#[derive(Debug, Default)]
pub struct ScriptedReach {
    ends: Option<Millis>,
    answers: Mutex<HashMap<String, Result<ClusterFacts, Fault>>>,
    asked: Mutex<Vec<String>>,
    held: tokio::sync::watch::Sender<bool>,
}

impl ScriptedReach {
    /// The token that every cluster has.
    pub const TOKEN: &str = "canary-token";

    /// Whose token ends then; none: it says nothing about that.
    pub fn ending(ends: Option<Millis>) -> Self {
        Self { ends, ..Self::default() }
    }

    /// The names of the clusters that were asked, in order.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether answers are held back from now on.
    pub fn hold(&self, held: bool) {
        self.held.send_replace(held);
    }

    /// What the cluster of that name answers from now on. One of which nothing was said cannot be reached.
    pub fn answers(&self, name: &str, answer: Result<ClusterFacts, Fault>) {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), answer);
    }
}

#[async_trait]
impl ClusterReach for ScriptedReach {
    async fn credential(&self, cluster: &ClusterDef) -> Result<ClusterCredential, Fault> {
        if cluster.name == "shut" {
            return Err(Fault::new(FaultKind::Auth, "vault_locked", Text::new("the vault is locked", "保险库已锁定"), Text::default()));
        }
        Ok(ClusterCredential { token: Some(Secret::new(Self::TOKEN)), expires_at: self.ends, ..ClusterCredential::default() })
    }

    async fn probe(&self, cluster: &ClusterDef) -> Result<ClusterFacts, Fault> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(cluster.name.clone());
        let _ = self.held.subscribe().wait_for(|held| !held).await;
        let said = self.answers.lock().unwrap_or_else(PoisonError::into_inner).get(&cluster.name).cloned();
        said.unwrap_or_else(|| {
            let text = Text::new(format!("{} cannot be reached", cluster.name), format!("无法连接 {}", cluster.name));
            Err(Fault::new(FaultKind::Unreachable, "cluster_unreachable", text, Text::default()))
        })
    }

    async fn plugin(&self, _: &str, plugin: &ExecPlugin, _: &SecretMap) -> Result<PluginFacts, Fault> {
        Ok(PluginFacts { program: plugin.command.clone(), sha256: "0".repeat(64), trust: "t".repeat(64), warnings: Vec::new() })
    }

    async fn sign_in(&self, cluster: &ClusterDef, _: SignInWay, _: &dyn SignInGuide) -> Result<SignedIn, Fault> {
        Err(no_issuer(cluster))
    }

    async fn sign_in_state(&self, cluster: &ClusterDef) -> Result<SignInState, Fault> {
        Err(no_issuer(cluster))
    }

    async fn sign_out(&self, cluster: &ClusterDef) -> Result<Revocation, Fault> {
        Err(no_issuer(cluster))
    }
}

/// None of these clusters has one; `testkit::issuer` is an issuer, for the real thing.
fn no_issuer(cluster: &ClusterDef) -> Fault {
    let text = Text::new(format!("nobody signs in to {}", cluster.name), format!("{} 无需登录", cluster.name));
    Fault::new(FaultKind::Usage, "not_oidc", text, Text::default())
}
