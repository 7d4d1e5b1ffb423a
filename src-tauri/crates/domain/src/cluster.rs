//! Clusters that were imported, and who may have their credentials.
//!
//! **Invariant:** nothing here holds a secret; a definition names its secrets by [`SecretId`].

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::id::{ClusterId, Millis, SecretId};

/// A cluster as it is saved: one context of a kubeconfig, pinned to one API server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterDef {
    /// Stays the same when it is renamed.
    pub id: ClusterId,
    /// Unique among the clusters; the context's name where that is free.
    pub name: String,
    /// The API server's URL, without user information.
    pub server: String,
    /// The authorities that sign its certificate (PEM); none for the system's.
    pub ca_pem: Option<String>,
    /// The name to expect in its certificate instead of the host.
    pub tls_server_name: Option<String>,
    /// Whether its certificate goes unchecked. Off after every import; a person switches it on by typing the cluster's name.
    pub insecure: bool,
    /// The proxy on the way.
    pub proxy: Option<ClusterProxy>,
    /// The context's namespace.
    pub namespace: Option<String>,
    /// As whom requests are made.
    pub impersonate: Option<Impersonate>,
    /// How we say who we are.
    pub auth: ClusterAuth,
    /// Whether nothing may be changed there.
    pub read_only: bool,
    /// A colour's name, chosen by the person; none for the usual.
    pub colour: Option<String>,
    /// Where it came from.
    pub source: Option<ClusterSource>,
    /// First kept.
    pub created_at: Millis,
    /// Last change.
    pub updated_at: Millis,
}

/// The colours that a person may give a cluster.
pub const COLOURS: [&str; 8] = ["red", "orange", "amber", "green", "blue", "violet", "pink", "grey"];

/// Whether a name says that mistakes cost something there: such a cluster is red as long as nobody says otherwise.
pub fn is_production(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let mut words = name.split(|c: char| !c.is_ascii_alphanumeric()).map(|word| word.trim_end_matches(|c: char| c.is_ascii_digit()));
    words.any(|word| matches!(word, "prod" | "prd" | "production" | "live"))
}

/// A proxy between us and an API server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterProxy {
    /// Its URL (`http`, `https`, `socks5`), without user information.
    pub url: String,
    /// `user:password`, when it wants them.
    pub credentials: Option<SecretId>,
}

/// As whom requests are made (`as`, `as-groups`, `as-uid`, `as-user-extra`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Impersonate {
    /// The user.
    pub user: Option<String>,
    /// The groups.
    pub groups: Vec<String>,
    /// The uid.
    pub uid: Option<String>,
    /// Further facts.
    pub extra: BTreeMap<String, Vec<String>>,
}

/// How we say who we are. Each secret is one row of the vault.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum ClusterAuth {
    /// Nobody in particular.
    Anonymous,
    /// A client certificate. The secret is PEM: the certificate chain, then its key.
    #[serde(rename_all = "camelCase")]
    ClientCertificate {
        /// Certificate chain and key.
        pair: SecretId,
        /// When the certificate ends.
        not_after: Option<Millis>,
    },
    /// A token that stands in the kubeconfig.
    #[serde(rename_all = "camelCase")]
    Token {
        /// The token.
        token: SecretId,
        /// When it ends, where it says so.
        expires_at: Option<Millis>,
    },
    /// A token that somebody else keeps fresh in a file.
    #[serde(rename_all = "camelCase")]
    TokenFile {
        /// The file.
        path: String,
        /// Whether it is read again when it changes; else the token of the import is used.
        follow: bool,
        /// The token as it was read.
        token: SecretId,
    },
    /// A name and a password. The secret is JSON: `{"username", "password"}`.
    Basic {
        /// Both.
        pair: SecretId,
    },
    /// A program that prints a credential (client.authentication.k8s.io).
    Exec {
        /// The program.
        plugin: ExecPlugin,
    },
    /// OpenID Connect. The secret is JSON: `{"idToken", "refreshToken", "clientSecret"}`, absent ones left out.
    #[serde(rename_all = "camelCase")]
    Oidc {
        /// The issuer's URL.
        issuer: String,
        /// The client's id.
        client_id: String,
        /// Scopes beyond `openid`.
        scopes: Vec<String>,
        /// The authorities that sign the issuer's certificate (PEM).
        ca_pem: Option<String>,
        /// Tokens and client secret.
        state: Option<SecretId>,
        /// The addresses of this machine that are registered at the issuer, such as `http://localhost:8000`: the first whose port is free
        /// is used. None: any free port of 127.0.0.1.
        #[serde(default)]
        redirects: Vec<String>,
    },
}

impl ClusterAuth {
    /// The word that scripts see: `anonymous`, `client_certificate`, `token`, `token_file`, `basic`, `exec`, `oidc`.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous",
            Self::ClientCertificate { .. } => "client_certificate",
            Self::Token { .. } => "token",
            Self::TokenFile { .. } => "token_file",
            Self::Basic { .. } => "basic",
            Self::Exec { .. } => "exec",
            Self::Oidc { .. } => "oidc",
        }
    }

    /// The secrets that it names.
    pub fn secrets(&self) -> Vec<&SecretId> {
        match self {
            Self::Anonymous => Vec::new(),
            Self::ClientCertificate { pair, .. } | Self::Basic { pair } => vec![pair],
            Self::Token { token, .. } | Self::TokenFile { token, .. } => vec![token],
            Self::Exec { plugin } => plugin.env.iter().collect(),
            Self::Oidc { state, .. } => state.iter().collect(),
        }
    }

    /// The same, to be set.
    pub fn secrets_mut(&mut self) -> Vec<&mut SecretId> {
        match self {
            Self::Anonymous => Vec::new(),
            Self::ClientCertificate { pair, .. } | Self::Basic { pair } => vec![pair],
            Self::Token { token, .. } | Self::TokenFile { token, .. } => vec![token],
            Self::Exec { plugin } => plugin.env.iter_mut().collect(),
            Self::Oidc { state, .. } => state.iter_mut().collect(),
        }
    }

    /// When what it holds stops being of use, where that is known.
    pub fn ends_at(&self) -> Option<Millis> {
        match self {
            Self::ClientCertificate { not_after, .. } => *not_after,
            Self::Token { expires_at, .. } => *expires_at,
            _ => None,
        }
    }
}

/// A program that prints a credential.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExecPlugin {
    /// `client.authentication.k8s.io/v1` or `…/v1beta1`.
    pub api_version: String,
    /// The command as the kubeconfig spells it.
    pub command: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// The names of its variables.
    pub env_names: Vec<String>,
    /// Their values: JSON, an object of strings. None when there are none.
    pub env: Option<SecretId>,
    /// The folder that a relative command is meant from.
    pub base_dir: Option<String>,
    /// Whether it is told about the cluster.
    pub provide_cluster_info: bool,
    /// `Never`, `IfAvailable`, `Always`.
    pub interactive_mode: String,
    /// What a person accepted: SHA-256 over (resolved path, hash of the file, argv, variables, server). Empty: not accepted, not run.
    pub trust: String,
}

impl ClusterDef {
    /// Every secret that it names.
    pub fn secrets(&self) -> Vec<&SecretId> {
        self.auth.secrets().into_iter().chain(self.proxy.iter().filter_map(|proxy| proxy.credentials.as_ref())).collect()
    }

    /// The same, to be set.
    pub fn secrets_mut(&mut self) -> Vec<&mut SecretId> {
        self.auth.secrets_mut().into_iter().chain(self.proxy.iter_mut().filter_map(|proxy| proxy.credentials.as_mut())).collect()
    }
}

/// Where a cluster came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterSource {
    /// The file, or empty for pasted text.
    pub file: String,
    /// The names that it has there.
    pub context: String,
    /// The user's name there.
    pub user: String,
    /// The cluster's name there.
    pub cluster: String,
    /// Whether the file calls our helper now instead of holding the secret.
    pub rewritten: bool,
    /// Files that it named and that held secrets: keys, tokens.
    #[serde(default)]
    pub key_files: Vec<String>,
}

/// Saved clusters.
#[async_trait]
pub trait Clusters: Send + Sync + std::fmt::Debug {
    /// All, by name.
    async fn clusters(&self) -> Result<Vec<ClusterDef>, Fault>;
    /// Adds or replaces by id, all or none. A name that another id has is refused (`cluster_name_taken`).
    async fn put_clusters(&self, clusters: &[ClusterDef]) -> Result<(), Fault>;
    /// Removes it, and the consents that were given for it alone.
    async fn remove_cluster(&self, id: &ClusterId) -> Result<(), Fault>;
    /// Every consent that is kept.
    async fn consents(&self) -> Result<Vec<Consent>, Fault>;
    /// Keeps what a person said about a program; replaces what was said about the same program and cluster.
    async fn put_consent(&self, consent: &Consent) -> Result<(), Fault>;
    /// Takes one use of a consent that holds for one: true when this caller got it. Two callers at once cannot both get it.
    async fn spend_consent(&self, consent: &Consent) -> Result<bool, Fault>;
    /// Takes back what was said about a program for a cluster, or for all with none: true when something was there.
    async fn remove_consent(&self, program: &str, cluster: Option<&ClusterId>) -> Result<bool, Fault>;
}

/// What a person said about a program that asks for credentials.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Consent {
    /// The program's path, resolved.
    pub program: String,
    /// SHA-256 of its file, in hex: a program that was replaced is another program.
    pub sha256: String,
    /// For this cluster; none for all.
    pub cluster: Option<ClusterId>,
    /// What was said.
    pub answer: ConsentAnswer,
    /// When.
    pub at: Millis,
}

/// The answers that are offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "answer")]
pub enum ConsentAnswer {
    /// The next time, once.
    Once,
    /// Until then.
    Until {
        /// The moment.
        until: Millis,
    },
    /// As long as the program stays the same.
    Always,
    /// Never.
    Deny,
}

#[cfg(test)]
mod tests {
    use super::is_production;

    #[test]
    fn production_is_a_word_of_the_name() {
        for (name, is) in [
            ("prod", true),
            ("PROD-eu", true),
            ("my-production", true),
            ("eu.prd.1", true),
            ("prod2", true),
            ("arn:aws:eks:eu:1:cluster/live", true),
            ("products", false),
            ("delivery", false),
            ("staging", false),
            ("reproduction", false),
            ("", false),
        ] {
            assert_eq!(is_production(name), is, "{name}");
        }
    }
}
