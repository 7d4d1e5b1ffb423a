//! OpenID Connect: a person signs in at the issuer, and from then on the id token is renewed by our own client.
//!
//! **Invariant:** tokens go to endpoints that the issuer's own discovery document names, over https, and nowhere else; they come to rest in
//! the vault. No fault repeats a token, a code, a verifier or a state.

mod device;
mod discovery;
mod login;
mod token;
mod turns;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::cluster::{ClusterAuth, ClusterDef};
use domain::fault::{Fault, FaultKind};
use domain::id::{Millis, SecretId};
use domain::reach::ClusterCredential;
use domain::secret::Secret;
use domain::sign_in::{Revocation, SignInGuide, SignInState, SignInWay, SignedIn};
use domain::text::Text;
use domain::vault::{NewSecret, SecretBytes, SecretKind};
use serde::{Deserialize, Serialize};
use serde_json::json;
use zeroize::Zeroizing;

use crate::fault::about;
use crate::reach::Reach;
use discovery::{Issuer, Why};
use token::{Claims, Refused};

/// A token that ends within this time is renewed first.
const SLACK: i64 = 60_000;
/// How long the issuer may take for one exchange altogether.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);

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
    /// The issuer said that the refresh token is used up.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    refused: bool,
}

impl SignIn {
    fn sealed(&self) -> SecretBytes {
        SecretBytes::new(Zeroizing::new(serde_json::to_vec(self).unwrap_or_default()).to_vec())
    }
}

/// What a definition says about its issuer.
#[derive(Clone, Copy)]
struct Client<'d> {
    issuer: &'d str,
    id: &'d str,
    scopes: &'d [String],
    ca: Option<&'d str>,
    redirects: &'d [String],
    state: Option<&'d SecretId>,
}

impl<'d> Client<'d> {
    fn of(cluster: &'d ClusterDef) -> Option<Self> {
        match &cluster.auth {
            ClusterAuth::Oidc { issuer, client_id, scopes, ca_pem, state, redirects } => {
                Some(Self { issuer, id: client_id, scopes, ca: ca_pem.as_deref(), redirects, state: state.as_ref() })
            }
            _ => None,
        }
    }

    fn or_refuse(cluster: &'d ClusterDef) -> Result<Self, Fault> {
        Self::of(cluster).ok_or_else(|| {
            let name = &cluster.name;
            about(
                cluster,
                FaultKind::Usage,
                "not_oidc",
                Text::new(
                    format!("nobody signs in to {name}: it does not use OpenID Connect"),
                    format!("{name} 不使用 OpenID Connect，无需登录"),
                ),
                Text::new(
                    "Its credential comes from its kubeconfig; see `pilot cluster list`.",
                    "其凭据来自 kubeconfig；参见 `pilot cluster list`。",
                ),
            )
        })
    }
}

/// What this process knows of sign-ins beside the vault.
#[derive(Debug, Default)]
pub(crate) struct SignIns {
    /// One renewal at a time for each: an issuer that sees a refresh token twice may withdraw all of them.
    turns: Mutex<HashMap<SecretId, Arc<tokio::sync::Mutex<()>>>>,
    /// Renewed, and not kept, because the vault could not be written. The issuer has forgotten the old ones: these are the only ones.
    unkept: Mutex<HashMap<SecretId, SecretBytes>>,
}

impl SignIns {
    fn turn(&self, id: &SecretId) -> Arc<tokio::sync::Mutex<()>> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner).entry(id.clone()).or_default().clone()
    }

    fn unkept(&self) -> MutexGuard<'_, HashMap<SecretId, SecretBytes>> {
        self.unkept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reach {
    /// The id token that is kept while it lasts, else a new one.
    pub(crate) async fn oidc_credential(&self, cluster: &ClusterDef) -> Result<ClusterCredential, Fault> {
        let Some(client) = Client::of(cluster) else { return Ok(ClusterCredential::default()) };
        let Some(id) = client.state else { return Err(sign_in_needed(cluster, client.issuer)) };
        if let Some(answer) = self.lasting(&self.kept_sign_in(cluster, id).await?) {
            return Ok(answer);
        }
        let turn = self.sign_ins.turn(id);
        let _turn = turn.lock().await;
        turns::wait(self, id).await;
        let done = self.renewed(cluster, &client, id).await;
        turns::end(self, id).await;
        done
    }

    async fn renewed(&self, cluster: &ClusterDef, client: &Client<'_>, id: &SecretId) -> Result<ClusterCredential, Fault> {
        // Whoever had the turn before has renewed it.
        let kept = self.kept_sign_in(cluster, id).await?;
        if let Some(answer) = self.lasting(&kept) {
            return Ok(answer);
        }
        let Some(refresh) = kept.refresh_token.as_deref() else { return Err(sign_in_needed(cluster, client.issuer)) };
        let answer = match self.renew(client, &kept, refresh).await {
            Ok(answer) => answer,
            Err(Refused::Code("invalid_grant")) => {
                // Another process may have used it, and kept what it got.
                let now = self.kept_sign_in(cluster, id).await?;
                if let Some(answer) = self.lasting(&now) {
                    return Ok(answer);
                }
                if now.refresh_token == kept.refresh_token {
                    // Nothing is thrown away: an issuer may change its mind, and a new sign-in replaces it.
                    if let Err(fault) = self.keep_sign_in(id, &SignIn { refused: true, ..now }).await {
                        tracing::debug!(cluster = cluster.name, %fault, "that a sign-in has ended was not written down");
                    }
                }
                return Err(sign_in_needed(cluster, client.issuer));
            }
            Err(Refused::Code(code)) => {
                let why = Text::new(format!("it answered {code}"), format!("其应答为 {code}"));
                return Err(issuer_unreachable(cluster, client.issuer, &why));
            }
            Err(Refused::Other(why)) => return Err(issuer_unreachable(cluster, client.issuer, &why)),
        };
        let next = SignIn {
            id_token: answer.id_token.clone(),
            refresh_token: answer.refresh_token.clone().or_else(|| kept.refresh_token.clone()),
            client_secret: kept.client_secret.clone(),
            refused: false,
        };
        self.keep_renewed(cluster, id, &kept, &next).await;
        let none = Text::new("its answer holds no id token that lasts", "其应答不含有效的 id token");
        self.lasting(&next).ok_or_else(|| issuer_unreachable(cluster, client.issuer, &none))
    }

    /// Keeps what a renewal gave, before anything is said of it: the refresh token that it came from is worth nothing any more.
    async fn keep_renewed(&self, cluster: &ClusterDef, id: &SecretId, before: &SignIn, next: &SignIn) {
        let replaced = |now: SignIn| now.refresh_token != before.refresh_token;
        if self.kept_sign_in(cluster, id).await.is_ok_and(replaced) {
            // Somebody signed in anew, or out, while the issuer was asked: theirs counts.
            return;
        }
        if let Err(fault) = self.keep_sign_in(id, next).await {
            tracing::warn!(cluster = cluster.name, %fault, "a renewed sign-in was not kept; it is held in memory until it can be");
            self.sign_ins.unkept().insert(id.clone(), next.sealed());
        }
    }

    async fn renew(&self, client: &Client<'_>, kept: &SignIn, refresh: &str) -> Result<token::Answer, Refused> {
        let issuer = discovery::discover(client.issuer, client.ca).await?;
        let form = vec![("grant_type", "refresh_token"), ("refresh_token", refresh)];
        let answer = issuer.ask(client.id, kept.client_secret.as_deref(), form).await?;
        answer.teach(self.parts.redact.as_ref());
        Ok(answer)
    }

    async fn kept_sign_in(&self, cluster: &ClusterDef, id: &SecretId) -> Result<SignIn, Fault> {
        let held = self.sign_ins.unkept().get(id).cloned();
        if let Some(held) = held {
            // It does not stand in for the vault: as long as that is shut, nobody gets anything.
            self.keep_sign_in(id, &serde_json::from_slice(held.expose()).unwrap_or_default()).await?;
            self.sign_ins.unkept().remove(id);
        }
        let value = self.parts.vault.open(id).await?;
        let kept: SignIn = serde_json::from_slice(value.expose())
            .map_err(|_| crate::fault::unusable(cluster, "cluster_sign_in", "what is kept is no sign-in", "保存的内容不是登录状态"))?;
        for value in [&kept.id_token, &kept.refresh_token, &kept.client_secret].into_iter().flatten() {
            self.parts.redact.learn(&Secret::new(value.as_str()));
        }
        Ok(kept)
    }

    async fn keep_sign_in(&self, id: &SecretId, next: &SignIn) -> Result<(), Fault> {
        let kept = self.parts.vault.list().await?.into_iter().find(|facts| facts.id == *id);
        if let Some(facts) = kept {
            let new = NewSecret { owner: facts.owner, value: next.sealed(), kind: SecretKind::SignIn, expires_at: None };
            self.parts.vault.keep(vec![new]).await?;
        }
        Ok(())
    }

    fn lasting(&self, sign_in: &SignIn) -> Option<ClusterCredential> {
        let token = sign_in.id_token.as_deref()?;
        let end = Claims::of(token)?.ends()?;
        (end.since(self.parts.clock.now()) > SLACK).then(|| ClusterCredential {
            token: Some(Secret::new(token)),
            expires_at: Some(end),
            ..ClusterCredential::default()
        })
    }

    pub(crate) async fn sign_in_at(&self, cluster: &ClusterDef, way: SignInWay, guide: &dyn SignInGuide) -> Result<SignedIn, Fault> {
        let client = Client::or_refuse(cluster)?;
        let client_secret = match client.state {
            // A vault that is shut is told before the person types a password somewhere, not after.
            Some(id) => self.kept_sign_in(cluster, id).await?.client_secret,
            None => None,
        };
        let issuer =
            discovery::discover(client.issuer, client.ca).await.map_err(|why| issuer_unreachable(cluster, client.issuer, &why.0))?;
        let flow = Flow { reach: self, cluster, client, client_secret, issuer };
        let done = match way {
            SignInWay::Browser { port } => flow.in_browser(port, guide).await,
            SignInWay::Code => flow.with_code(guide).await,
        }?;
        if let Some(id) = client.state {
            // What could not be kept of the sign-in before this one is not wanted any more.
            self.sign_ins.unkept().remove(id);
        }
        Ok(done)
    }

    pub(crate) async fn sign_in_stands(&self, cluster: &ClusterDef) -> Result<SignInState, Fault> {
        let client = Client::or_refuse(cluster)?;
        let kept = match client.state {
            Some(id) => self.kept_sign_in(cluster, id).await?,
            None => SignIn::default(),
        };
        let claims = kept.id_token.as_deref().and_then(Claims::of);
        let renews = kept.refresh_token.is_some() && !kept.refused;
        Ok(SignInState {
            issuer: client.issuer.to_owned(),
            user: claims.as_ref().map(Claims::user).filter(|user| !user.is_empty()),
            expires_at: claims.as_ref().and_then(Claims::ends),
            renews,
            needed: !renews && self.lasting(&kept).is_none(),
        })
    }

    pub(crate) async fn sign_out_of(&self, cluster: &ClusterDef) -> Result<Revocation, Fault> {
        let client = Client::or_refuse(cluster)?;
        let Some(id) = client.state else { return Ok(Revocation::Nothing) };
        let turn = self.sign_ins.turn(id);
        let _turn = turn.lock().await;
        let kept = self.kept_sign_in(cluster, id).await?;
        // Here first: whether the issuer can be reached does not decide whether one may sign out.
        self.keep_sign_in(id, &SignIn { client_secret: kept.client_secret.clone(), ..SignIn::default() }).await?;
        self.sign_ins.unkept().remove(id);
        let Some(refresh) = kept.refresh_token.as_deref() else {
            return Ok(if kept.id_token.is_some() { Revocation::NotOffered } else { Revocation::Nothing });
        };
        Ok(match discovery::discover(client.issuer, client.ca).await {
            Err(Why(why)) => Revocation::Failed { why },
            Ok(issuer) => issuer.revoke(client.id, kept.client_secret.as_deref(), refresh).await,
        })
    }
}

/// One sign-in that goes on.
struct Flow<'f> {
    reach: &'f Reach,
    cluster: &'f ClusterDef,
    client: Client<'f>,
    client_secret: Option<String>,
    issuer: Issuer,
}

impl Flow<'_> {
    /// `openid`, what lets us renew where the issuer knows it, and what the cluster wants beside.
    fn scopes(&self) -> String {
        let mut scopes = vec!["openid"];
        if self.issuer.about.knows_scope("offline_access") {
            scopes.push("offline_access");
        }
        for scope in self.client.scopes {
            if !scopes.contains(&scope.as_str()) {
                scopes.push(scope);
            }
        }
        scopes.join(" ")
    }

    /// Checks what the issuer gave, and makes it what the vault keeps.
    fn taken(&self, answer: &token::Answer, nonce: Option<&str>) -> Result<SignedIn, Fault> {
        let now = self.reach.parts.clock.now();
        let odd = |en: &str, zh: &str| self.odd(&Text::new(en, zh));
        let Some(id_token) = answer.id_token.clone() else {
            return Err(odd("its answer holds no id token", "其应答不含 id token"));
        };
        let claims = Claims::of(&id_token).ok_or_else(|| odd("its id token cannot be read", "其 id token 无法读取"))?;
        claims.check(&self.issuer.about.issuer, self.client.id, nonce, now).map_err(|why| self.odd(&why))?;
        let next = SignIn {
            id_token: Some(id_token),
            refresh_token: answer.refresh_token.clone(),
            client_secret: self.client_secret.clone(),
            refused: false,
        };
        Ok(SignedIn {
            user: claims.user(),
            expires_at: claims.ends().unwrap_or(Millis(0)),
            renews: next.refresh_token.is_some(),
            value: next.sealed(),
        })
    }

    /// The issuer said no.
    fn refused(&self, code: &str) -> Fault {
        let (name, issuer) = (&self.cluster.name, self.client.issuer);
        about(
            self.cluster,
            FaultKind::Auth,
            "sign_in_refused",
            Text::new(format!("{issuer} refused the sign-in to {name}: {code}"), format!("{issuer} 拒绝了对 {name} 的登录：{code}")),
            match code {
                "access_denied" => Text::new("Sign in as somebody who may, and agree there.", "请使用有权限的账户登录，并在页面上同意。"),
                "invalid_client" | "unauthorized_client" | "unsupported_grant_type" => Text::new(
                    "The issuer does not let this client sign in this way: try the other way (with or without --device), or ask whoever runs it.",
                    "颁发者不允许此客户端以这种方式登录：请换一种方式（使用或不使用 --device），或联系其管理员。",
                ),
                "invalid_scope" => Text::new(
                    "The issuer does not know one of the cluster's scopes: correct them in the kubeconfig and import it again.",
                    "颁发者不认识该集群的某个 scope：请在 kubeconfig 中更正后重新导入。",
                ),
                _ => Text::new("Try again; if it stays, ask whoever runs the issuer.", "请重试；如仍出现，请联系颁发者的管理员。"),
            },
        )
        .with_params(json!({ "cluster": name, "issuer": issuer, "error": code }))
    }

    /// The issuer's answer, or somebody else's, does not hold.
    fn odd(&self, why: &Text) -> Fault {
        let (name, issuer) = (&self.cluster.name, self.client.issuer);
        about(
            self.cluster,
            FaultKind::Protocol,
            "sign_in_answer",
            Text::new(
                format!("the sign-in to {name} at {issuer} was not taken: {}", why.en),
                format!("未采用在 {issuer} 对 {name} 的登录：{}", why.zh),
            ),
            Text::new(
                "Nothing was kept. Try again; if it stays, somebody may be in between: ask whoever runs the issuer.",
                "未保存任何内容。请重试；如仍出现，可能有人介入其中：请联系颁发者的管理员。",
            ),
        )
        .with_params(json!({ "cluster": name, "issuer": issuer }))
    }

    /// The person did not come to an end in time.
    fn late(&self) -> Fault {
        let (name, issuer) = (&self.cluster.name, self.client.issuer);
        about(
            self.cluster,
            FaultKind::Timeout,
            "sign_in_timeout",
            Text::new(
                format!("nobody finished the sign-in to {name} at {issuer} in time"),
                format!("未能在时限内完成在 {issuer} 对 {name} 的登录"),
            ),
            Text::new("Start it again; what was signed in before is as it was.", "请重新开始；之前的登录状态保持不变。"),
        )
        .with_params(json!({ "cluster": name, "issuer": issuer }))
    }

    fn of(&self, refused: Refused) -> Fault {
        match refused {
            Refused::Code(code) => self.refused(code),
            Refused::Other(why) => issuer_unreachable(self.cluster, self.client.issuer, &why),
        }
    }
}

fn sign_in_needed(cluster: &ClusterDef, issuer: &str) -> Fault {
    let name = &cluster.name;
    about(
        cluster,
        FaultKind::Auth,
        "sign_in_needed",
        Text::new(format!("the sign-in to {name} at {issuer} has ended"), format!("{name} 在 {issuer} 的登录已失效")),
        Text::new(
            format!("Sign in: `pilot cluster login {name}`, or the button on the cluster's page."),
            format!("请登录：`pilot cluster login {name}`，或使用集群页面上的按钮。"),
        ),
    )
    .with_params(json!({ "cluster": name, "issuer": issuer }))
}

fn issuer_unreachable(cluster: &ClusterDef, issuer: &str, why: &Text) -> Fault {
    let name = &cluster.name;
    about(
        cluster,
        FaultKind::Unreachable,
        "issuer_unreachable",
        Text::new(format!("{issuer} gave no new token for {name}: {}", why.en), format!("{issuer} 未为 {name} 签发新令牌：{}", why.zh)),
        Text::new("Look whether a VPN or a proxy is needed, then try again.", "请检查是否需要 VPN 或代理，然后重试。"),
    )
    .with_params(json!({ "cluster": name, "issuer": issuer }))
}
