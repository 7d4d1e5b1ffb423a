//! Where tokens and registrations stay: with the host, as secrets, under the issuer that gave them.
//!
//! **Invariant:** what one issuer gave is never shown to another.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use domain::Json;
use domain::protocol::Host;
use domain::secret::Secret;
use rmcp::transport::auth::{AuthError, CredentialRefreshGuard, CredentialStore, StoredCredentials};
use serde_json::json;

/// The key under which the last issuer is remembered. It is no secret.
const ISSUER: &str = "oauth_issuer";
/// A token that claims to live longer is asked about again after a month (C-47).
const LONGEST: u64 = 30 * 24 * 3600;

/// A client's registration at one issuer.
#[derive(Debug, Clone)]
pub(super) struct Registration {
    pub(super) client_id: String,
    pub(super) client_secret: Option<Secret>,
    /// The port of the callback address that was registered.
    pub(super) port: u16,
}

/// One server's credentials, in memory and with the host.
pub(super) struct Keep {
    host: Arc<dyn Host>,
    now: Mutex<Option<StoredCredentials>>,
    refresh: Arc<tokio::sync::Mutex<()>>,
}

impl Keep {
    pub(super) fn new(host: Arc<dyn Host>) -> Arc<Self> {
        Arc::new(Self { host, now: Mutex::new(None), refresh: Arc::default() })
    }

    fn now(&self) -> std::sync::MutexGuard<'_, Option<StoredCredentials>> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads what an earlier run kept.
    pub(super) async fn restore(&self) -> bool {
        let Some(issuer) = self.host.recall(ISSUER).await.and_then(|issuer| issuer.as_str().map(str::to_owned)) else { return false };
        let Some(secret) = self.host.recall_secret(&token_key(&issuer)).await else { return false };
        let kept = serde_json::from_str::<StoredCredentials>(secret.expose()).ok();
        let kept = kept.filter(|kept| kept.issuer.as_deref().unwrap_or_default() == issuer);
        let found = kept.is_some();
        *self.now() = kept;
        found
    }

    /// The issuer of the token that is held.
    pub(super) fn issuer(&self) -> String {
        self.now().as_ref().and_then(|now| now.issuer.clone()).unwrap_or_default()
    }

    pub(super) fn client_id(&self) -> Option<String> {
        self.now().as_ref().map(|now| now.client_id.clone())
    }

    /// The rights of the token that is held.
    pub(super) fn granted(&self) -> Vec<String> {
        self.now().as_ref().map(|now| now.granted_scopes.clone()).unwrap_or_default()
    }

    pub(super) async fn forget(&self) {
        let issuer = self.issuer();
        *self.now() = None;
        self.host.keep_secret(&token_key(&issuer), Secret::default()).await;
    }

    pub(super) async fn registration(&self, issuer: &str) -> Option<Registration> {
        let secret = self.host.recall_secret(&client_key(issuer)).await?;
        let kept: Json = serde_json::from_str(secret.expose()).ok()?;
        Some(Registration {
            client_id: kept["client_id"].as_str()?.to_owned(),
            client_secret: kept["client_secret"].as_str().map(Secret::new),
            port: kept["port"].as_u64().and_then(|port| port.try_into().ok()).unwrap_or_default(),
        })
    }

    pub(super) async fn register(&self, issuer: &str, registration: &Registration) {
        let secret = registration.client_secret.as_ref().map(Secret::expose);
        let kept = json!({ "client_id": registration.client_id, "client_secret": secret, "port": registration.port });
        self.host.keep_secret(&client_key(issuer), Secret::new(kept.to_string())).await;
    }

    pub(super) async fn unregister(&self, issuer: &str) {
        self.host.keep_secret(&client_key(issuer), Secret::default()).await;
    }

    async fn save(&self, credentials: StoredCredentials) -> Result<(), AuthError> {
        let unfit = |fault: serde_json::Error| AuthError::CredentialStoreError(fault.to_string());
        let mut kept = serde_json::to_value(&credentials).map_err(unfit)?;
        clamp(&mut kept["token_response"]);
        let text = kept.to_string();
        let credentials: StoredCredentials = serde_json::from_value(kept).map_err(unfit)?;
        let issuer = credentials.issuer.clone().unwrap_or_default();
        *self.now() = Some(credentials);
        self.host.keep(ISSUER, Json::from(issuer.as_str())).await;
        self.host.keep_secret(&token_key(&issuer), Secret::new(text)).await;
        Ok(())
    }
}

/// A life of nothing means "not known", a life of ages means a month (C-47).
fn clamp(token: &mut Json) {
    let Some(token) = token.as_object_mut() else { return };
    match token.get("expires_in").and_then(Json::as_u64) {
        Some(0) => {
            token.shift_remove("expires_in");
        }
        Some(seconds) if seconds > LONGEST => {
            token.insert("expires_in".into(), LONGEST.into());
        }
        _ => {}
    }
}

fn token_key(issuer: &str) -> String {
    format!("oauth:token:{issuer}")
}

fn client_key(issuer: &str) -> String {
    format!("oauth:client:{issuer}")
}

/// The library's side of [`Keep`].
pub(super) struct Shared(pub(super) Arc<Keep>);

#[async_trait]
impl CredentialStore for Shared {
    async fn load(&self) -> Result<Option<StoredCredentials>, AuthError> {
        Ok(self.0.now().clone())
    }

    async fn save(&self, credentials: StoredCredentials) -> Result<(), AuthError> {
        self.0.save(credentials).await
    }

    async fn clear(&self) -> Result<(), AuthError> {
        self.0.forget().await;
        Ok(())
    }

    async fn acquire_refresh_guard(&self) -> Result<Option<CredentialRefreshGuard>, AuthError> {
        Ok(Some(CredentialRefreshGuard::new(self.0.refresh.clone().lock_owned().await)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lives_that_cannot_be_are_clamped() {
        // C-47.
        for (given, kept) in [(json!(0), None), (json!(3600), Some(3600)), (json!(1_000_000_000_000_000_000_u64), Some(LONGEST))] {
            let mut token = json!({ "access_token": "t", "expires_in": given });
            clamp(&mut token);
            assert_eq!(token.get("expires_in").and_then(Json::as_u64), kept, "{given}");
        }
    }
}
