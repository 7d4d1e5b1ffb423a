//! Reaching a cluster: what is sent to say who we are, what comes back first, and programs that are run for their output.
//!
//! **Invariant:** a [`ClusterCredential`] has no `Serialize`; its `Debug` names what is there and no value.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::Json;
use crate::cluster::{ClusterDef, ExecPlugin};
use crate::fault::{Fault, FaultKind, ServerFault};
use crate::id::Millis;
use crate::ports::Settings;
use crate::secret::{Secret, SecretMap};
use crate::sign_in::{Revocation, SignInGuide, SignInState, SignInWay, SignedIn};
use crate::text::Text;
use crate::vault::SecretBytes;

/// The small document (see [`crate::ports::Settings`]) that says `true` while credentials of every cluster are locked.
pub const CLUSTERS_LOCKED: &str = "clusters:locked";

/// Whether nobody gets at clusters at this time.
pub async fn are_clusters_locked(settings: &dyn Settings) -> Result<bool, Fault> {
    Ok(settings.get(CLUSTERS_LOCKED).await? == Some(Json::Bool(true)))
}

/// What whoever wants something of a cluster is told meanwhile.
pub fn clusters_locked(cluster: &ClusterDef) -> Fault {
    let name = &cluster.name;
    Fault::new(
        FaultKind::Denied,
        "clusters_locked",
        Text::new(format!("the cluster {name} was not asked: clusters are locked"), format!("未连接 {name}：集群已锁定")),
        Text::new("Unlock them with: pilot cluster unlock", "用 pilot cluster unlock 解锁"),
    )
    .with_params(json!({ "cluster": name }))
}

/// The small documents that say how long a failing credential program must rest, in whatever process, by the cluster's id.
pub const EXEC_REST: &str = "exec-rest:";

/// What is sent to an API server to say who we are.
#[derive(Clone, Default)]
pub struct ClusterCredential {
    /// A bearer token.
    pub token: Option<Secret>,
    /// A client certificate's chain and its key, both PEM.
    pub certificate: Option<(String, Secret)>,
    /// A name and a password.
    pub basic: Option<(String, Secret)>,
    /// When it stops being of use, where that is known.
    pub expires_at: Option<Millis>,
}

impl ClusterCredential {
    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        self.token.is_none() && self.certificate.is_none() && self.basic.is_none()
    }
}

impl fmt::Debug for ClusterCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClusterCredential")
            .field("token", &self.token.is_some())
            .field("certificate", &self.certificate.is_some())
            .field("basic", &self.basic.is_some())
            .field("expires_at", &self.expires_at)
            .finish()
    }
}

/// What an API server says of itself and of us.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterFacts {
    /// `gitVersion`, such as `v1.36.2`.
    pub version: String,
    /// `platform`, such as `linux/amd64`.
    pub platform: String,
    /// Whom it takes us for; none when it is too old to say.
    pub identity: Option<ClusterIdentity>,
    /// When the credential that was used stops being of use, where that is known.
    pub expires_at: Option<Millis>,
}

/// Whom an API server takes us for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterIdentity {
    /// The user.
    pub user: String,
    /// The groups.
    pub groups: Vec<String>,
}

/// An exec plugin as it stands on this machine now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PluginFacts {
    /// The program's file, every link resolved.
    pub program: String,
    /// SHA-256 of that file, in hex.
    pub sha256: String,
    /// What a person's yes is bound to (see [`ExecPlugin::trust`]).
    pub trust: String,
    /// What is odd about it: it lies beside the kubeconfig, or in a folder that everybody may write to.
    pub warnings: Vec<Text>,
}

/// Reaches clusters.
#[async_trait]
pub trait ClusterReach: Send + Sync + fmt::Debug {
    /// What is sent to say who we are: out of the vault, from the file that is followed, from the plugin that is run, from the issuer.
    ///
    /// Faults: `clusters_locked` (`denied`); those of the vault; `exec_not_trusted`, `exec_changed` (`denied`); `exec_failed`, `exec_answer`; `sign_in_needed` (`auth`).
    async fn credential(&self, cluster: &ClusterDef) -> Result<ClusterCredential, Fault>;
    /// Asks for its version and for whom it takes us; nothing else. Faults: `cluster_unreachable`, `cluster_tls`, `cluster_timeout`,
    /// `cluster_auth`, `cluster_forbidden`, `cluster_answer`.
    async fn probe(&self, cluster: &ClusterDef) -> Result<ClusterFacts, Fault>;
    /// Looks at the plugin's file and says what a yes would be bound to. Runs nothing. `env` are the values of its own variables.
    async fn plugin(&self, server: &str, plugin: &ExecPlugin, env: &SecretMap) -> Result<PluginFacts, Fault>;
    /// Drops every credential that is held in memory for the next time.
    fn forget(&self) {}
    /// Signs a person in at the cluster's issuer. Keeps nothing: what comes of it is given back. Dropping the future gives it up, and then
    /// nobody listens any more.
    ///
    /// Faults: `not_oidc` (`usage`); `issuer_unreachable`; `sign_in_refused` (`auth`); `sign_in_answer` (`protocol`); `sign_in_timeout`;
    /// `no_device_flow`, `redirect_port_taken` (`config`); those of the guide and of the vault.
    async fn sign_in(&self, cluster: &ClusterDef, way: SignInWay, guide: &dyn SignInGuide) -> Result<SignedIn, Fault>;
    /// Where the sign-in of a cluster stands, by what the vault keeps; the issuer is not asked. Faults: `not_oidc`, those of the vault.
    async fn sign_in_state(&self, cluster: &ClusterDef) -> Result<SignInState, Fault>;
    /// Removes the tokens from the vault (a client secret stays), then asks the issuer to withdraw them. Faults: `not_oidc`, those of the
    /// vault; the issuer's part has none.
    async fn sign_out(&self, cluster: &ClusterDef) -> Result<Revocation, Fault>;
}

/// A program to be run for what it prints.
#[derive(Debug, Clone)]
pub struct RunOrder {
    /// The program's whole path.
    pub program: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// Its whole environment.
    pub env: SecretMap,
    /// How long it may take.
    pub patience: Duration,
    /// Most that it may print; more ends it.
    pub stdout_limit: usize,
    /// How much of what it complains is kept; more is read and dropped.
    pub stderr_limit: usize,
}

/// What came of a program.
#[derive(Debug, Clone)]
pub struct Ran {
    /// Whether it ended by itself with code 0.
    pub ok: bool,
    /// How it ended: `exit code 1`, `signal 9 SIGKILL`.
    pub how: String,
    /// What it printed.
    pub stdout: SecretBytes,
    /// The end of what it complained.
    pub stderr: Secret,
}

/// Runs programs under guard: nothing on standard input, and when the answer is here, everything that was started is gone.
#[async_trait]
pub trait RunProgram: Send + Sync + fmt::Debug {
    /// Runs it. Faults: [`ServerFault::SpawnFailed`], [`ServerFault::Timeout`], [`ServerFault::MessageTooLarge`],
    /// [`ServerFault::ResourceLimit`]; none of them repeats what the program printed.
    async fn run(&self, order: RunOrder) -> Result<Ran, ServerFault>;
}
