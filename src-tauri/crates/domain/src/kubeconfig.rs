//! A kubeconfig as it is shown before anything is believed, what is taken out of it, and the port that reads and rewrites it.
//!
//! **Invariant:** a review holds no secret. Values leave a file only as [`SecretBytes`].

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::cluster::ClusterDef;
use crate::fault::Fault;
use crate::id::{ClusterId, Millis};
use crate::text::Text;
use crate::vault::{SecretBytes, SecretKind};

/// Where contexts are read from.
#[derive(Debug, Clone)]
pub enum KubeSource {
    /// Files that were named: each must be there. Merged as `kubectl` merges a list.
    Files(Vec<PathBuf>),
    /// The list of `KUBECONFIG`, or the one usual file: what is not there is passed over.
    Usual(Vec<PathBuf>),
    /// Pasted text. Relative paths in it lead nowhere.
    Text(SecretBytes),
}

/// What a kubeconfig says, before anything that it names is read, run, resolved or connected.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KubeReview {
    /// The files that were read, in order.
    pub files: Vec<KubeFile>,
    /// The context that `kubectl` uses now.
    pub current: Option<String>,
    /// Every context, in the order of the files.
    pub contexts: Vec<ContextReview>,
    /// SHA-256 over all files as they were read: what is taken later must be the same.
    pub digest: String,
}

/// One file of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KubeFile {
    /// As it was named.
    pub path: String,
    /// Where it leads, when it is a link.
    pub target: Option<String>,
    /// Its size.
    pub bytes: u64,
}

/// One context, as a person must see it before they agree.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContextReview {
    /// Its name.
    pub context: String,
    /// The name of the cluster that it means.
    pub cluster: String,
    /// The name of the user that it means.
    pub user: String,
    /// The file that it stands in; empty for pasted text.
    pub file: String,
    /// The file that the user stands in, when it is another.
    pub user_file: String,
    /// Its namespace.
    pub namespace: Option<String>,
    /// The API server, without user information.
    pub server: String,
    /// What sort of host: `loopback`, `private`, `link_local`, `public`, `name`, `other`. Names are not resolved.
    pub host_class: String,
    /// Whether the way there is not encrypted.
    pub plain_http: bool,
    /// SHA-256 of each authority's certificate, in hex. Empty when it is in a file that was not read yet, or when the system's count.
    pub ca_sha256: Vec<String>,
    /// The file that holds the authorities.
    pub ca_file: Option<String>,
    /// Whether the file wants the server's certificate unchecked. It is not taken over.
    pub skip_verify: bool,
    /// The name that is expected in the certificate.
    pub tls_server_name: Option<String>,
    /// The proxy, without user information.
    pub proxy: Option<String>,
    /// Whether the proxy is given a name and a password.
    pub proxy_credentials: bool,
    /// How one says who one is: a word of [`crate::cluster::ClusterAuth::word`], or `auth_provider`, or `pilot` for our own stanza.
    pub auth: String,
    /// The program that would be run for a credential.
    pub exec: Option<ExecReview>,
    /// The sign-in of our own that can take that program's place.
    pub sign_in: Option<SignInOffer>,
    /// The issuer, with OIDC.
    pub issuer: Option<String>,
    /// Files that an import would read.
    pub reads: Vec<String>,
    /// As whom requests would be made.
    pub impersonate: Option<String>,
    /// What a person should know.
    pub warnings: Vec<Text>,
    /// Why it cannot be imported at all.
    pub refused: Option<Refusal>,
    /// The cluster that it already is here.
    pub known: Option<ClusterId>,
}

/// A program that a context would run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExecReview {
    /// Exactly what would be run.
    pub argv: Vec<String>,
    /// The names of the variables that it is given.
    pub env_names: Vec<String>,
    /// The folder that a relative command is meant from.
    pub base_dir: Option<String>,
    /// The protocol that it speaks.
    pub api_version: String,
}

/// A program whose whole work is a sign-in at an issuer, which we can do ourselves.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SignInOffer {
    /// The issuer's URL.
    pub issuer: String,
    /// The client's id.
    pub client_id: String,
    /// Whether the program is given a client secret.
    pub client_secret: bool,
    /// Scopes beyond `openid`.
    pub scopes: Vec<String>,
    /// The addresses of this machine that the issuer is told.
    pub redirects: Vec<String>,
}

/// Why something was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Refusal {
    /// A stable word.
    pub code: String,
    /// Why, and what can be done.
    pub reason: Text,
}

impl Refusal {
    /// From its parts.
    pub fn new(code: &str, en: impl Into<String>, zh: impl Into<String>) -> Self {
        Self { code: code.to_owned(), reason: Text::new(en, zh) }
    }
}

/// What a person agreed to for one context.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Wanted {
    /// Its name.
    pub context: String,
    /// Whether its program may be run from now on.
    pub trust_exec: bool,
    /// Whether a token's file is read again when it changes.
    pub follow_token_file: bool,
    /// Whether a sign-in of our own takes the program's place (see [`ContextReview::sign_in`]); the program is never run then.
    pub sign_in: bool,
}

/// One context, taken.
#[derive(Debug)]
pub struct Taken {
    /// Its name.
    pub context: String,
    /// What it is, or why it is not.
    pub cluster: Result<TakenCluster, Refusal>,
}

/// A cluster whose secrets are not kept yet.
#[derive(Debug)]
pub struct TakenCluster {
    /// The definition. Its id and times are empty; where a secret's id belongs stands the secret's field.
    pub def: ClusterDef,
    /// The secrets.
    pub secrets: Vec<TakenSecret>,
}

/// A secret out of a kubeconfig.
#[derive(Debug, Clone)]
pub struct TakenSecret {
    /// Which of the cluster's: `client_certificate`, `token`, `basic`, `exec_env`, `oidc`, `proxy`.
    pub field: String,
    /// The value.
    pub value: SecretBytes,
    /// Its sort.
    pub kind: SecretKind,
    /// When it stops being of use.
    pub expires_at: Option<Millis>,
}

/// A file's content, and what it is called for good.
#[derive(Debug, Clone)]
pub struct KubeBytes {
    /// The file itself, links followed.
    pub path: PathBuf,
    /// Its bytes.
    pub bytes: SecretBytes,
    /// Their SHA-256, in hex.
    pub sha256: String,
}

/// A context whose user shall call our helper.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewiring {
    /// The context.
    pub context: String,
    /// The cluster whose credentials the helper gives.
    pub id: ClusterId,
}

/// A rewriting, worked out and proven, not done.
#[derive(Debug, Clone)]
pub struct Rewrite {
    /// The file as it is.
    pub before: KubeBytes,
    /// The bytes that it would have.
    pub after: SecretBytes,
    /// The contexts that call the helper then.
    pub contexts: Vec<String>,
    /// The contexts that were not rewritten, and why.
    pub refused: Vec<(String, Refusal)>,
}

/// A secret that must not be found.
#[derive(Debug, Clone)]
pub struct Needle {
    /// What it is: `token`, `password`, `client_key`, `sign_in`, `variable`, `proxy_credentials`.
    pub kind: String,
    /// The value.
    pub value: SecretBytes,
}

/// A secret that was found, or a credential that stands in a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Finding {
    /// Where.
    pub file: String,
    /// On which line, from 1; 0 when the file has no lines.
    pub line: u64,
    /// What: a needle's kind where a kept secret was found, `inline_…` where a credential stands in a kubeconfig, `unreadable` where
    /// nothing could be proven.
    pub kind: String,
}

/// Reads, searches and rewrites kubeconfigs. Starts nothing, resolves nothing, connects to nothing.
#[async_trait]
pub trait Kubeconfigs: Send + Sync + std::fmt::Debug {
    /// What a kubeconfig says. Only the kubeconfig itself is read.
    async fn review(&self, source: &KubeSource) -> Result<KubeReview, Fault>;
    /// Takes the contexts that a person agreed to: reads the files that they name. Refused as a whole (`kubeconfig_changed`) when the
    /// files are not those that were reviewed.
    async fn take(&self, source: &KubeSource, digest: &str, wanted: &[Wanted]) -> Result<Vec<Taken>, Fault>;
    /// A file's bytes.
    async fn read(&self, file: &Path) -> Result<KubeBytes, Fault>;
    /// Works out how a file calls our helper instead of holding secrets, and proves that nothing else changes. `beside` are the other files
    /// of the same list: their contexts may use this file's users.
    async fn plan(&self, file: &Path, beside: &[PathBuf], wants: &[Rewiring]) -> Result<Rewrite, Fault>;
    /// Replaces a file at once or not at all, keeping its mode, its owner and links to it. Refused (`kubeconfig_changed`) when it does not
    /// have this SHA-256 any more.
    async fn replace(&self, file: &Path, sha256: &str, with: &SecretBytes) -> Result<(), Fault>;
    /// Makes a file that is not there, readable by its owner alone. Its folder has to be there. Refused (`kubeconfig_changed`) when there is
    /// something of that name after all.
    async fn create(&self, file: &Path, with: &SecretBytes) -> Result<(), Fault>;
    /// Looks through files, the copies beside them and further files for secrets, in every form that they may have.
    async fn search(&self, kubeconfigs: &[PathBuf], further: &[PathBuf], needles: &[Needle]) -> Result<Vec<Finding>, Fault>;
}
