//! OpenID Connect: a fresh id token from the refresh token, by our own client.
//!
//! **Invariant:** tokens go to the endpoint that the issuer's own discovery document names, over https, and nowhere else.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use domain::Json;
use domain::cluster::{ClusterAuth, ClusterDef};
use domain::fault::{Fault, FaultKind};
use domain::id::{Millis, SecretId};
use domain::reach::ClusterCredential;
use domain::secret::Secret;
use domain::text::Text;
use domain::vault::{NewSecret, SecretBytes, SecretKind};
use net::{ClientSettings, HeaderValue, Method, Request, Url, header, is_loopback};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::fault::about;
use crate::reach::Reach;

/// A token that ends within this time is renewed first.
const SLACK: i64 = 60_000;
/// How long the issuer may take altogether.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);
/// No answer of an issuer is larger.
const LARGEST: usize = 1024 * 1024;

/// What the vault keeps of a sign-in.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct SignIn {
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
}

/// The few words of a discovery document that are needed.
#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    token_endpoint: String,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Vec<String>,
}

#[derive(Deserialize)]
struct Answer {
    id_token: Option<String>,
    refresh_token: Option<String>,
}

/// Why there was no new token.
enum Refused {
    /// The refresh token is used up.
    Grant,
    /// Something else, in words.
    Other(String),
}

impl Reach {
    /// The id token that is kept while it lasts, else a new one.
    pub(crate) async fn oidc_credential(&self, cluster: &ClusterDef) -> Result<ClusterCredential, Fault> {
        let ClusterAuth::Oidc { issuer, client_id, ca_pem, state, .. } = &cluster.auth else {
            return Ok(ClusterCredential::default());
        };
        let Some(id) = state else { return Err(sign_in(cluster, issuer)) };
        let kept = self.kept_sign_in(cluster, id).await?;
        if let Some(answer) = self.lasting(&kept) {
            return Ok(answer);
        }
        let Some(refresh) = kept.refresh_token.clone() else { return Err(sign_in(cluster, issuer)) };
        let renewed =
            tokio::time::timeout(PATIENCE, renew(issuer, client_id, ca_pem.as_deref(), kept.client_secret.as_deref(), &refresh)).await;
        let answer = match renewed.unwrap_or_else(|_| Err(Refused::Other(format!("no answer within {} s", PATIENCE.as_secs())))) {
            Ok(answer) => answer,
            Err(Refused::Grant) => {
                // Another process may have used it, and kept what it got.
                let now = self.kept_sign_in(cluster, id).await?;
                return self.lasting(&now).ok_or_else(|| sign_in(cluster, issuer));
            }
            Err(Refused::Other(why)) => return Err(no_answer(cluster, issuer, &why)),
        };
        let next = SignIn { id_token: answer.id_token, refresh_token: answer.refresh_token.or(kept.refresh_token), ..kept };
        let found = self.lasting(&next).ok_or_else(|| no_answer(cluster, issuer, "its answer holds no id token that lasts"))?;
        self.keep_sign_in(id, &next).await?;
        Ok(found)
    }

    async fn kept_sign_in(&self, cluster: &ClusterDef, id: &SecretId) -> Result<SignIn, Fault> {
        let value = self.parts.vault.open(id).await?;
        serde_json::from_slice(value.expose())
            .map_err(|_| crate::fault::unusable(cluster, "cluster_sign_in", "what is kept is no sign-in", "保存的内容不是登录状态"))
    }

    async fn keep_sign_in(&self, id: &SecretId, next: &SignIn) -> Result<(), Fault> {
        let kept = self.parts.vault.list().await?.into_iter().find(|facts| facts.id == *id);
        if let (Some(facts), Ok(value)) = (kept, serde_json::to_vec(next)) {
            let new = NewSecret { owner: facts.owner, value: SecretBytes::new(value), kind: SecretKind::SignIn, expires_at: None };
            self.parts.vault.keep(vec![new]).await?;
        }
        Ok(())
    }

    fn lasting(&self, sign_in: &SignIn) -> Option<ClusterCredential> {
        let token = sign_in.id_token.as_deref()?;
        let end = expiry(token)?;
        (end.since(self.parts.clock.now()) > SLACK).then(|| ClusterCredential {
            token: Some(Secret::new(token)),
            expires_at: Some(end),
            ..ClusterCredential::default()
        })
    }
}

/// When a JWT ends, as it says itself. It is the API server that checks it.
fn expiry(token: &str) -> Option<Millis> {
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?.trim_end_matches('=')).ok()?;
    let claims: Json = serde_json::from_slice(&claims).ok()?;
    claims.get("exp")?.as_i64()?.checked_mul(1000).map(Millis)
}

fn endpoint(text: &str) -> Result<Url, Refused> {
    let url = Url::parse(text).map_err(|_| Refused::Other("an address of it is no URL".to_owned()))?;
    if url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url)) {
        Ok(url)
    } else {
        Err(Refused::Other("an address of it is not https".to_owned()))
    }
}

async fn renew(issuer: &str, client_id: &str, ca: Option<&str>, client_secret: Option<&str>, refresh: &str) -> Result<Answer, Refused> {
    let other = |fault: domain::fault::ServerFault| Refused::Other(fault.to_string());
    let client = net::client(&ClientSettings { roots_pem: ca.map(str::to_owned), ..ClientSettings::default() }).map_err(other)?;
    let base = issuer.trim_end_matches('/');
    let about = client.send(Request::get(endpoint(&format!("{base}/.well-known/openid-configuration"))?)).await.map_err(other)?;
    if !about.status().is_success() {
        return Err(Refused::Other(format!("its discovery document is not there (HTTP {})", about.status().as_u16())));
    }
    let about: Discovery = serde_json::from_slice(&about.read_limited(LARGEST).await.map_err(other)?)
        .map_err(|_| Refused::Other("its discovery document cannot be read".to_owned()))?;
    if about.issuer.trim_end_matches('/') != base {
        return Err(Refused::Other("its discovery document names another issuer".to_owned()));
    }
    let mut form = vec![("grant_type", "refresh_token"), ("refresh_token", refresh)];
    let mut request = Request::new(Method::POST, endpoint(&about.token_endpoint)?)
        .header(header::ACCEPT, HeaderValue::from_static("application/json"))
        .header(header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    let methods = &about.token_endpoint_auth_methods_supported;
    match client_secret {
        // What counts when the issuer names no method.
        Some(secret) if methods.is_empty() || methods.iter().any(|method| method == "client_secret_basic") => {
            let encoded = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
            let basic = format!("Basic {}", STANDARD.encode(format!("{}:{}", encoded(client_id), encoded(secret))));
            let mut value = HeaderValue::try_from(basic).map_err(|_| Refused::Other("the client secret is no header".to_owned()))?;
            value.set_sensitive(true);
            request = request.header(header::AUTHORIZATION, value);
        }
        Some(secret) => {
            form.extend([("client_id", client_id), ("client_secret", secret)]);
        }
        None => {
            form.push(("client_id", client_id));
        }
    }
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    request.body = Some(body.into_bytes().into());
    let answer = client.send(request).await.map_err(other)?;
    let status = answer.status();
    let body = answer.read_limited(LARGEST).await.map_err(other)?;
    if !status.is_success() {
        let code = serde_json::from_slice::<Json>(&body).ok().and_then(|body| body.get("error")?.as_str().map(str::to_owned));
        return Err(match code.as_deref() {
            Some("invalid_grant") => Refused::Grant,
            // The codes of the standard; anything else might be anything.
            Some(code @ ("invalid_client" | "invalid_request" | "unauthorized_client" | "unsupported_grant_type" | "invalid_scope")) => {
                Refused::Other(format!("it answered {code}"))
            }
            _ => Refused::Other(format!("it answered HTTP {}", status.as_u16())),
        });
    }
    serde_json::from_slice(&body).map_err(|_| Refused::Other("its answer cannot be read".to_owned()))
}

fn sign_in(cluster: &ClusterDef, issuer: &str) -> Fault {
    let name = &cluster.name;
    about(
        cluster,
        FaultKind::Auth,
        "sign_in_needed",
        Text::new(format!("the sign-in to {name} at {issuer} has ended"), format!("{name} 在 {issuer} 的登录已失效")),
        Text::new(
            "Sign in with the tool that wrote the kubeconfig, then import it again.",
            "请用生成该 kubeconfig 的工具重新登录，然后再次导入。",
        ),
    )
    .with_params(json!({ "cluster": name, "issuer": issuer }))
}

fn no_answer(cluster: &ClusterDef, issuer: &str, why: &str) -> Fault {
    let name = &cluster.name;
    about(
        cluster,
        FaultKind::Unreachable,
        "issuer_unreachable",
        Text::new(format!("{issuer} gave no new token for {name}: {why}"), format!("{issuer} 未为 {name} 签发新令牌：{why}")),
        Text::new("Look whether a VPN or a proxy is needed, then try again.", "请检查是否需要 VPN 或代理，然后重试。"),
    )
    .with_params(json!({ "cluster": name, "issuer": issuer }))
}
