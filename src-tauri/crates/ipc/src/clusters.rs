//! Clusters: list, check, import, what a kubeconfig says, what is left in files.
//!
//! **Invariant:** pasted text comes in as [`Secret`], which cannot be written out; what goes out names no secret's value.

mod reach;

pub use reach::{ClusterCheckReq, ClusterSetReq, PluginView, ReachView};

use domain::kubeconfig::{ContextReview, ExecReview, Finding, KubeFile, SignInOffer};
use domain::secret::Secret;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::common::Words;

/// The Clusters page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ClustersView {
    /// Whether nobody gets credentials of any cluster.
    pub locked: bool,
    /// All, by name.
    pub clusters: Vec<ClusterView>,
}

/// A saved cluster in the list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ClusterView {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The API server's URL.
    pub server: String,
    /// `anonymous`, `client_certificate`, `token`, `token_file`, `basic`, `exec`, `oidc`.
    pub auth: String,
    /// When its credential stops being of use (ms).
    pub expires_at: Option<i64>,
    /// Whether the server's certificate goes unchecked.
    pub insecure: bool,
    /// The kubeconfig that it came from; none for pasted text.
    pub file: Option<String>,
    /// Whether that file calls our helper instead of holding the secret.
    pub rewritten: bool,
    /// When somebody used it last (ms).
    pub last_used: Option<i64>,
    /// Who that was: a program's name, `pilot`, `Pilothouse`.
    pub last_used_by: Option<String>,
    /// That program's file.
    pub last_used_program: Option<String>,
    /// Whether nothing may be changed there.
    pub read_only: bool,
    /// Its colour: what a person chose, else red for production.
    pub colour: Option<String>,
    /// What is known of its answer.
    pub reach: ReachView,
    /// Last change (ms).
    pub updated_at: i64,
}

/// Everything about one cluster.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ClusterDetail {
    /// As in the list.
    pub view: ClusterView,
    /// The context's name in its kubeconfig.
    pub context: Option<String>,
    /// The user's name there.
    pub user: Option<String>,
    /// The program that prints its credential.
    pub exec: Option<ExecView>,
    /// Whether that program may be run.
    pub trusted: bool,
    /// The issuer, with OIDC.
    pub issuer: Option<String>,
    /// The file that its token came from.
    pub token_file: Option<String>,
    /// Whether that file is read again when it changes.
    pub follows: bool,
    /// SHA-256 of each authority's certificate, in hex; empty for the system's authorities.
    pub ca_sha256: Vec<String>,
    /// The name to expect in the certificate.
    pub tls_server_name: Option<String>,
    /// The proxy, without user information.
    pub proxy: Option<String>,
    /// The context's namespace.
    pub namespace: Option<String>,
    /// As whom requests are made.
    pub impersonate: Option<String>,
}

/// A program, exactly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ExecView {
    /// Exactly what is run.
    pub argv: Vec<String>,
    /// The names of its variables.
    pub env_names: Vec<String>,
    /// The folder that a relative command is meant from.
    pub folder: Option<String>,
}

impl From<ExecReview> for ExecView {
    fn from(exec: ExecReview) -> Self {
        Self { argv: exec.argv, env_names: exec.env_names, folder: exec.base_dir }
    }
}

/// A kubeconfig that is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct KubeconfigView {
    /// Where.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// Last change (ms).
    pub changed_at: Option<i64>,
}

/// What to look at: files, or pasted text.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct ReviewReq {
    /// Files; empty with text.
    pub files: Vec<String>,
    /// Text of a kubeconfig.
    #[ts(type = "string | null")]
    pub text: Option<Secret>,
}

/// What a kubeconfig says, before anything of it is used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ReviewView {
    /// Names what was looked at, for the import.
    pub id: String,
    /// The files that were read.
    pub files: Vec<ReviewFileView>,
    /// The context that `kubectl` uses now.
    pub current: Option<String>,
    /// Every context.
    pub contexts: Vec<ContextView>,
}

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ReviewFileView {
    /// As it was named.
    pub path: String,
    /// Where it leads, when it is a link.
    pub target: Option<String>,
    /// Its size.
    pub bytes: u64,
}

impl From<KubeFile> for ReviewFileView {
    fn from(file: KubeFile) -> Self {
        Self { path: file.path, target: file.target, bytes: file.bytes }
    }
}

/// One context, as a person must see it before they agree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ContextView {
    /// Its name.
    pub context: String,
    /// The cluster that it means.
    pub cluster: String,
    /// The user that it means.
    pub user: String,
    /// The file that it stands in; empty for pasted text.
    pub file: String,
    /// The file that the user stands in, when it is another.
    pub user_file: String,
    /// Its namespace.
    pub namespace: Option<String>,
    /// The API server.
    pub server: String,
    /// `loopback`, `private`, `link_local`, `public`, `name`, `other`.
    pub host_class: String,
    /// Whether the way there is not encrypted.
    pub plain_http: bool,
    /// SHA-256 of each authority's certificate, in hex.
    pub ca_sha256: Vec<String>,
    /// The file that holds the authorities.
    pub ca_file: Option<String>,
    /// Whether the file wants the certificate unchecked.
    pub skip_verify: bool,
    /// The name that is expected in the certificate.
    pub tls_server_name: Option<String>,
    /// The proxy.
    pub proxy: Option<String>,
    /// Whether the proxy is given a name and a password.
    pub proxy_credentials: bool,
    /// As in [`ClusterView::auth`], or `auth_provider`, or `pilot` for our own stanza.
    pub auth: String,
    /// The program that would be run.
    pub exec: Option<ExecView>,
    /// The sign-in of our own that can take its place.
    pub sign_in: Option<SignInOfferView>,
    /// The issuer, with OIDC.
    pub issuer: Option<String>,
    /// Files that an import would read.
    pub reads: Vec<String>,
    /// As whom requests would be made.
    pub impersonate: Option<String>,
    /// What a person should know.
    pub warnings: Vec<Words>,
    /// Why it cannot be imported at all.
    pub refused: Option<Words>,
    /// The cluster that it already is here.
    pub known: Option<String>,
}

impl From<ContextReview> for ContextView {
    fn from(one: ContextReview) -> Self {
        Self {
            context: one.context,
            cluster: one.cluster,
            user: one.user,
            file: one.file,
            user_file: one.user_file,
            namespace: one.namespace,
            server: one.server,
            host_class: one.host_class,
            plain_http: one.plain_http,
            ca_sha256: one.ca_sha256,
            ca_file: one.ca_file,
            skip_verify: one.skip_verify,
            tls_server_name: one.tls_server_name,
            proxy: one.proxy,
            proxy_credentials: one.proxy_credentials,
            auth: one.auth,
            exec: one.exec.map(Into::into),
            sign_in: one.sign_in.map(Into::into),
            issuer: one.issuer,
            reads: one.reads,
            impersonate: one.impersonate,
            warnings: one.warnings.into_iter().map(Into::into).collect(),
            refused: one.refused.map(|refusal| refusal.reason.into()),
            known: one.known.map(|id| id.as_str().to_owned()),
        }
    }
}

/// A program's sign-in, as we can do it ourselves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct SignInOfferView {
    /// The issuer.
    pub issuer: String,
    /// The client's id.
    pub client_id: String,
    /// Scopes beyond `openid`.
    pub scopes: Vec<String>,
}

impl From<SignInOffer> for SignInOfferView {
    fn from(offer: SignInOffer) -> Self {
        Self { issuer: offer.issuer, client_id: offer.client_id, scopes: offer.scopes }
    }
}

/// What a person agreed to after they looked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ClusterImportReq {
    /// What was looked at.
    pub review: String,
    /// The contexts to take.
    pub take: Vec<String>,
    /// Those among them whose program may be run from now on.
    pub trust: Vec<String>,
    /// Those among them whose token's file is read again when it changes.
    pub follow: Vec<String>,
    /// Those among them that sign in here instead of running their program.
    pub sign: Vec<String>,
    /// Whether the files call our helper from now on.
    pub rewrite: bool,
}

/// What an import did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ClusterImportRes {
    /// Taken.
    pub clusters: Vec<ImportedView>,
    /// Not taken, or not rewritten.
    pub refused: Vec<RefusedView>,
    /// Files that were rewritten.
    pub files: Vec<String>,
}

/// A context that was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ImportedView {
    /// The cluster's id.
    pub id: String,
    /// The context's name.
    pub context: String,
    /// The API server.
    pub server: String,
    /// As in [`ClusterView::auth`].
    pub auth: String,
    /// Whether its file calls our helper now.
    pub rewritten: bool,
}

/// A context that was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct RefusedView {
    /// Its name.
    pub context: String,
    /// Why, and what can be done.
    pub reason: Words,
}

/// Files; all that clusters came from when none is named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct FilesReq {
    /// Which.
    pub files: Vec<String>,
}

/// Removes a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ClusterRemoveReq {
    /// Which.
    pub id: String,
    /// Even when its kubeconfig calls our helper for it.
    pub anyway: bool,
}

/// Gives a file its original back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct RestoreReq {
    /// Which.
    pub file: String,
    /// Even when it was changed since it was rewritten.
    pub anyway: bool,
}

/// Whether a secret is left in files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct FindingsView {
    /// Whether none is.
    pub ok: bool,
    /// What was found.
    pub findings: Vec<FindingView>,
}

/// A secret that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct FindingView {
    /// Where.
    pub file: String,
    /// On which line, from 1; 0 when the file has no lines.
    pub line: u64,
    /// What it is.
    pub kind: String,
}

impl From<Finding> for FindingView {
    fn from(found: Finding) -> Self {
        Self { file: found.file, line: found.line, kind: found.kind }
    }
}
