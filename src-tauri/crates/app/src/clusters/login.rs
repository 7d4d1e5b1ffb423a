//! Signing in to a cluster whose people an issuer knows, and out of it.
//!
//! **Invariant:** of one cluster at most one sign-in goes on; a page opens only after the person saw its host; the audit tells who signed in
//! where, and no secret. A sign-in that failed leaves what was kept as it was.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::cluster::{ClusterAuth, ClusterDef};
use domain::fault::{Fault, FaultKind};
use domain::id::{ClusterId, Millis, QuestionId, SecretId, ServerId};
use domain::person::{Answer, Matter, Question};
use domain::policy::{Actor, Door};
use domain::sign_in::{Revocation, SignInCode, SignInGuide, SignInState, SignInWay, SignedIn};
use domain::text::Text;
use domain::vault::{NewSecret, Owner, SecretKind, VaultState};
use serde::Serialize;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::{ClusterBook, OWNER};
use crate::core::Core;
use crate::event::Tag;

/// The field of a sign-in.
const FIELD: &str = "oidc";
/// How long a person has for the page (ms).
const ANSWER_WITHIN: i64 = 5 * 60_000;
/// How long a finished sign-in waits for a vault that was locked meanwhile.
const HELD: Duration = Duration::from_mins(10);

/// How the person comes to the issuer's page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageBy {
    /// They are asked, then it opens in their browser.
    Opening,
    /// The door tells them its address.
    Telling,
}

/// What is wanted.
#[derive(Debug, Clone)]
pub struct LoginOrder {
    /// The cluster, by name or id.
    pub cluster: String,
    /// In the browser, or with a code.
    pub way: SignInWay,
    /// How the page is come by, in the browser's way.
    pub page: PageBy,
}

/// What a door shows while a person signs in.
#[derive(Debug, Clone, PartialEq)]
pub enum LoginStep {
    /// The issuer's page was opened, or (`opened` false) is to be opened by the person.
    Page {
        /// Its address.
        url: String,
        /// Whether it was handed to the browser.
        opened: bool,
    },
    /// A code is to be typed.
    Code(SignInCode),
}

/// Takes the steps of a sign-in as they come. Must not block.
pub type Steps = dyn Fn(LoginStep) + Send + Sync;

/// Somebody is signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LoggedIn {
    /// The cluster's name.
    pub cluster: String,
    /// The issuer.
    pub issuer: String,
    /// Whom it named.
    pub user: String,
    /// When the id token ends.
    pub expires_at: Millis,
    /// Whether it is renewed without the person.
    pub renews: bool,
}

/// Somebody is signed out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LoggedOut {
    /// The cluster's name.
    pub cluster: String,
    /// The issuer.
    pub issuer: String,
    /// What became of the tokens there.
    #[serde(flatten)]
    pub revocation: Revocation,
}

/// Sign-ins that go on.
#[derive(Debug, Default)]
pub(crate) struct Logins(Mutex<HashMap<ClusterId, Going>>);

#[derive(Debug, Clone, Default)]
struct Going {
    cancelled: CancellationToken,
    replaced: CancellationToken,
    /// Held while somebody may listen.
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl Logins {
    /// Another begins: the one before it ends.
    fn begin(&self, id: &ClusterId) -> Going {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = Going::default();
        if let Some(before) = all.get(id) {
            before.replaced.cancel();
            next.turn = before.turn.clone();
        }
        all.insert(id.clone(), next.clone());
        next
    }

    fn cancel(&self, id: &ClusterId) {
        if let Some(going) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(id) {
            going.cancelled.cancel();
        }
    }
}

impl ClusterBook {
    /// Signs a person in. The answer comes when they are; `steps` says what to show until then. Another sign-in of the same cluster ends
    /// this one, and so does [`ClusterBook::cancel_login`].
    pub async fn login(&self, order: &LoginOrder, steps: &Steps, by: &Actor) -> Result<LoggedIn, Fault> {
        let def = self.get(&order.cluster).await?;
        let issuer = issuer_of(&def);
        let going = self.core.logins.begin(&def.id);
        let way = if matches!(order.way, SignInWay::Code) { "code" } else { "browser" };
        let about = json!({ "id": def.id, "name": def.name, "issuer": issuer, "way": way });
        let started = self.core.note(by, None, "cluster_sign_in_started", about).await;
        let done = match started {
            Ok(()) => self.signed_in(&def, order, steps, &going, by).await,
            Err(fault) => Err(fault),
        };
        let (what, about) = match &done {
            Ok(done) => (
                "cluster_signed_in",
                json!({ "id": def.id, "name": def.name, "issuer": issuer, "user": done.user, "expiresAt": done.expires_at }),
            ),
            Err(fault) => ("cluster_sign_in_failed", json!({ "id": def.id, "name": def.name, "issuer": issuer, "code": fault.code })),
        };
        let told = self.core.note(by, None, what, about).await;
        self.core.events.changed(Tag::Settings);
        done.and_then(|done| told.map(|()| done))
    }

    async fn signed_in(&self, def: &ClusterDef, order: &LoginOrder, steps: &Steps, going: &Going, by: &Actor) -> Result<LoggedIn, Fault> {
        let guide = Guide { core: &self.core, def, by: order.page, steps };
        let flow = async {
            let _turn = going.turn.lock().await;
            self.core.ports.reach.sign_in(def, order.way, &guide).await
        };
        let signed_in = tokio::select! {
            biased;
            () = going.replaced.cancelled() => return Err(ended(def, "sign_in_replaced", "another one began", "另一次登录已开始")),
            () = going.cancelled.cancelled() => return Err(ended(def, "sign_in_cancelled", "it was given up", "已取消")),
            () = self.core.stop.cancelled() => return Err(ended(def, "sign_in_cancelled", "Pilothouse ends", "Pilothouse 正在退出")),
            done = flow => done?,
        };
        let port = match order.way {
            SignInWay::Browser { port } => port,
            SignInWay::Code => None,
        };
        let done = LoggedIn {
            cluster: def.name.clone(),
            issuer: issuer_of(def),
            user: signed_in.user.clone(),
            expires_at: signed_in.expires_at,
            renews: signed_in.renews,
        };
        match self.keep_login(def, &signed_in, port).await {
            Ok(()) => Ok(done),
            Err(fault) if fault.code.starts_with("vault_") => {
                let held = by.door == Door::Window;
                if held {
                    self.hold(def.clone(), signed_in, port, going.replaced.clone());
                }
                Err(unkept(def, &done, &fault, held))
            }
            Err(fault) => Err(fault),
        }
    }

    /// Keeps the tokens where the cluster finds them, and remembers the port that worked.
    async fn keep_login(&self, def: &ClusterDef, signed_in: &SignedIn, port: Option<u16>) -> Result<(), Fault> {
        let ports = &self.core.ports;
        let mut now = self.get(def.id.as_str()).await?;
        if !same_client(&now.auth, &def.auth) {
            return Err(Fault::new(
                FaultKind::Config,
                "cluster_changed",
                Text::new(
                    format!("the sign-in to {} was not kept: the cluster has another issuer now", def.name),
                    format!("未保存对 {} 的登录：该集群的颁发者已更改", def.name),
                ),
                Text::new("sign in again", "请重新登录"),
            ));
        }
        let facts = ports.vault.list().await?;
        let ClusterAuth::Oidc { state, redirects, .. } = &mut now.auth else { return Ok(()) };
        let owner = facts.into_iter().find(|facts| Some(&facts.id) == state.as_ref()).map(|facts| facts.owner);
        let owner = owner.unwrap_or_else(|| Owner::new(OWNER, def.id.as_str(), FIELD));
        // What is renewed has no end that a list should warn of.
        let expires_at = (!signed_in.renews).then_some(signed_in.expires_at);
        let new = NewSecret { owner, value: signed_in.value.clone(), kind: SecretKind::SignIn, expires_at };
        let kept: Option<SecretId> = ports.vault.keep(vec![new]).await?.into_iter().next();
        let wished: Option<Vec<String>> = port.map(|port| vec![format!("http://localhost:{port}")]);
        if *state != kept || wished.as_ref().is_some_and(|wished| wished != redirects) {
            *state = kept;
            if let Some(wished) = wished {
                *redirects = wished;
            }
            now.updated_at = self.core.now();
            ports.clusters.put_clusters(&[now]).await?;
        }
        Ok(())
    }

    /// Keeps a finished sign-in in memory until the vault opens, for a while.
    fn hold(&self, def: ClusterDef, signed_in: SignedIn, port: Option<u16>, replaced: CancellationToken) {
        let book = self.clone();
        self.core.tasks.spawn(async move {
            let opened = async {
                let mut seen = book.core.ports.vault.state();
                while !matches!(seen, VaultState::Unlocked { .. }) {
                    seen = book.core.ports.vault.changed(&seen).await;
                }
            };
            tokio::select! {
                () = book.core.stop.cancelled() => return,
                () = replaced.cancelled() => return,
                late = tokio::time::timeout(HELD, opened) => if late.is_err() { return },
            }
            match book.keep_login(&def, &signed_in, port).await {
                Ok(()) => book.core.events.changed(Tag::Settings),
                Err(fault) => tracing::warn!(cluster = def.name, %fault, "a sign-in that was held could not be kept"),
            }
        });
    }

    /// Gives up the sign-in of a cluster, if one goes on.
    pub async fn cancel_login(&self, named: &str) -> Result<(), Fault> {
        let def = self.get(named).await?;
        self.core.logins.cancel(&def.id);
        Ok(())
    }

    /// Where the sign-in of a cluster stands. The issuer is not asked.
    pub async fn sign_in_state(&self, named: &str) -> Result<SignInState, Fault> {
        let def = self.get(named).await?;
        self.core.ports.reach.sign_in_state(&def).await
    }

    /// Removes the tokens here, then at the issuer as far as it lets us.
    pub async fn logout(&self, named: &str, by: &Actor) -> Result<LoggedOut, Fault> {
        let def = self.get(named).await?;
        self.core.logins.cancel(&def.id);
        let issuer = issuer_of(&def);
        let revocation = self.core.ports.reach.sign_out(&def).await?;
        let word = serde_json::to_value(&revocation).ok().and_then(|word| word.get("revoked").cloned());
        let about = json!({ "id": def.id, "name": def.name, "issuer": issuer, "revoked": word });
        self.core.note(by, None, "cluster_signed_out", about).await?;
        self.core.events.changed(Tag::Settings);
        Ok(LoggedOut { cluster: def.name, issuer, revocation })
    }
}

fn issuer_of(def: &ClusterDef) -> String {
    match &def.auth {
        ClusterAuth::Oidc { issuer, .. } => issuer.clone(),
        _ => String::new(),
    }
}

/// Whether the same client signs in at the same issuer.
pub(super) fn same_client(one: &ClusterAuth, other: &ClusterAuth) -> bool {
    matches!((one, other), (
        ClusterAuth::Oidc { issuer: a, client_id: b, .. },
        ClusterAuth::Oidc { issuer: c, client_id: d, .. },
    ) if a == c && b == d)
}

fn ended(def: &ClusterDef, code: &str, en: &str, zh: &str) -> Fault {
    Fault::new(
        FaultKind::Cancelled,
        code,
        Text::new(format!("nobody was signed in to {}: {en}", def.name), format!("未登录 {}：{zh}", def.name)),
        Text::new("what was signed in before is as it was", "之前的登录状态保持不变"),
    )
    .with_params(json!({ "cluster": def.name }))
}

fn unkept(def: &ClusterDef, done: &LoggedIn, why: &Fault, held: bool) -> Fault {
    let (name, user) = (&def.name, &done.user);
    let hint = if held {
        Text::new(
            "Unlock the vault within ten minutes: the sign-in is held in memory and kept then.",
            "请在十分钟内解锁保险库：登录结果暂存于内存，届时会自动保存。",
        )
    } else {
        Text::new(
            "Open the vault, then sign in again. What was signed in before is as it was.",
            "请打开保险库后重新登录。之前的登录状态保持不变。",
        )
    };
    Fault::new(
        FaultKind::Auth,
        "sign_in_unkept",
        Text::new(
            format!("{user} signed in to {name}, and the tokens could not be kept: {}", why.message.en),
            format!("{user} 已登录 {name}，但无法保存令牌：{}", why.message.zh),
        ),
        hint,
    )
    .with_params(json!({ "cluster": name, "issuer": done.issuer, "because": why.code, "held": held }))
}

/// Shows a person the way.
struct Guide<'g> {
    core: &'g Core,
    def: &'g ClusterDef,
    by: PageBy,
    steps: &'g Steps,
}

impl fmt::Debug for Guide<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guide").field("cluster", &self.def.name).field("by", &self.by).finish_non_exhaustive()
    }
}

#[async_trait::async_trait]
impl SignInGuide for Guide<'_> {
    async fn page(&self, page: &Url) -> Result<(), Fault> {
        let url = page.to_string();
        if self.by == PageBy::Opening {
            let now = self.core.now();
            let question = Question {
                id: QuestionId::new(uuid::Uuid::new_v4().to_string()),
                server: ServerId::new(self.def.id.as_str()),
                server_name: self.def.name.clone(),
                matter: Matter::SignIn { host: page.host_str().unwrap_or_default().to_owned(), url: url.clone() },
                asked_at: now,
                expires_at: Millis(now.0.saturating_add(ANSWER_WITHIN)),
            };
            match self.core.person().ask(question).await {
                Answer::Yes { .. } | Answer::Data { .. } => {}
                Answer::No { .. } => return Err(ended(self.def, "sign_in_declined", "the page was not wanted", "未同意打开登录页面")),
                Answer::Nobody => {
                    return Err(Fault::new(
                        FaultKind::Auth,
                        "nobody_to_sign_in",
                        Text::new(
                            format!("nobody was signed in to {}: nobody is here to open the issuer's page", self.def.name),
                            format!("未登录 {}：无人可打开颁发者的页面", self.def.name),
                        ),
                        Text::new(
                            "Show the address instead (--no-browser), or sign in with a code (--device).",
                            "请改为显示地址（--no-browser），或使用代码登录（--device）。",
                        ),
                    )
                    .with_params(json!({ "cluster": self.def.name })));
                }
            }
        }
        // A machine without a browser still has a person who can copy an address.
        let opened = self.by == PageBy::Opening && self.core.ports.opener.open(page).await.is_ok();
        (self.steps)(LoginStep::Page { url, opened });
        Ok(())
    }

    async fn code(&self, code: &SignInCode) -> Result<(), Fault> {
        (self.steps)(LoginStep::Code(code.clone()));
        Ok(())
    }
}
