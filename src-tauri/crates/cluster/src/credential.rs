//! What a cluster's definition says about who we are, turned into something to send.

use domain::cluster::{ClusterAuth, ClusterDef};
use domain::fault::Fault;
use domain::pem::chain_and_key;
use domain::reach::ClusterCredential;
use domain::secret::Secret;
use serde::Deserialize;

use crate::fault::unusable;
use crate::reach::Reach;

/// No token is larger.
const LARGEST_TOKEN: u64 = 1024 * 1024;

#[derive(Deserialize)]
struct BasicPair {
    username: String,
    password: Secret,
}

impl Reach {
    pub(crate) async fn credential_of(&self, cluster: &ClusterDef) -> Result<ClusterCredential, Fault> {
        let vault = &self.parts.vault;
        match &cluster.auth {
            ClusterAuth::Anonymous => Ok(ClusterCredential::default()),
            ClusterAuth::ClientCertificate { pair, not_after } => {
                let pem = vault.open(pair).await?;
                let text = std::str::from_utf8(pem.expose()).unwrap_or_default();
                let (chain, key) = chain_and_key(text).ok_or_else(|| {
                    unusable(cluster, "cluster_certificate", "what is kept is no certificate with a key", "保存的内容不是证书与私钥")
                })?;
                Ok(ClusterCredential {
                    certificate: Some((chain, Secret::new(key))),
                    expires_at: *not_after,
                    ..ClusterCredential::default()
                })
            }
            ClusterAuth::Token { token, expires_at } => {
                let token = self.token(cluster, vault.open(token).await?.to_secret())?;
                Ok(ClusterCredential { token: Some(token), expires_at: *expires_at, ..ClusterCredential::default() })
            }
            ClusterAuth::TokenFile { path, follow: true, .. } => {
                let token = self.token(cluster, read_token(path).await)?;
                Ok(ClusterCredential { token: Some(token), ..ClusterCredential::default() })
            }
            ClusterAuth::TokenFile { token, .. } => {
                let token = self.token(cluster, vault.open(token).await?.to_secret())?;
                Ok(ClusterCredential { token: Some(token), ..ClusterCredential::default() })
            }
            ClusterAuth::Basic { pair } => {
                let value = vault.open(pair).await?;
                let pair: BasicPair = serde_json::from_slice(value.expose()).map_err(|_| {
                    unusable(cluster, "cluster_password", "what is kept is no name with a password", "保存的内容不是用户名与密码")
                })?;
                Ok(ClusterCredential { basic: Some((pair.username, pair.password)), ..ClusterCredential::default() })
            }
            ClusterAuth::Exec { plugin } => self.exec_credential(cluster, plugin).await,
            ClusterAuth::Oidc { .. } => self.oidc_credential(cluster).await,
        }
    }

    fn token(&self, cluster: &ClusterDef, found: Option<Secret>) -> Result<Secret, Fault> {
        let trimmed = found.map(|token| Secret::new(token.expose().trim())).filter(|token| !token.is_empty());
        trimmed.ok_or_else(|| unusable(cluster, "cluster_token", "its token is empty or cannot be read", "其令牌为空或无法读取"))
    }
}

/// Reads a token that somebody else keeps fresh: a regular file of reasonable size.
async fn read_token(path: &str) -> Option<Secret> {
    use tokio::io::AsyncReadExt as _;
    let meta = tokio::fs::metadata(path).await.ok()?;
    if !meta.is_file() || meta.len() > LARGEST_TOKEN {
        return None;
    }
    let mut text = String::new();
    tokio::fs::File::open(path).await.ok()?.take(LARGEST_TOKEN).read_to_string(&mut text).await.ok()?;
    Some(Secret::new(text))
}
