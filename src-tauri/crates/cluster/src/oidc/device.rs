//! Signing in with a code that is typed on any device (RFC 8628).

use std::time::Duration;

use domain::fault::{Fault, FaultKind};
use domain::id::Millis;
use domain::secret::Secret;
use domain::sign_in::{SignInCode, SignInGuide, SignedIn};
use domain::text::Text;
use net::Url;
use serde::Deserialize;
use serde_json::json;

use super::discovery::{Why, in_time};
use super::token::{self, Refused};
use super::{Flow, issuer_unreachable};
use crate::fault::about;

/// How often is asked when the issuer does not say, and how much seldomer each time it wants that (RFC 8628 3.5).
const STEP: u64 = 5;
/// Whatever the issuer says, it is asked at least and at most so seldom (s).
const PACE: std::ops::RangeInclusive<u64> = 1..=60;
/// Whatever the issuer says, a code counts no longer (s).
const LONGEST: u64 = 30 * 60;
/// Exchanges that fail one after the other before it is given up.
const LOST: u32 = 5;

/// What the device endpoint answers.
#[derive(Deserialize)]
struct Granted {
    device_code: String,
    user_code: String,
    verification_uri: String,
    verification_uri_complete: Option<String>,
    expires_in: u64,
    interval: Option<u64>,
}

/// How often the issuer is asked.
struct Pace(u64);

impl Pace {
    fn new(said: Option<u64>) -> Self {
        Self(said.unwrap_or(STEP).clamp(*PACE.start(), *PACE.end()))
    }

    fn slower(&mut self) {
        self.0 = (self.0 + STEP).min(*PACE.end());
    }

    fn pause(&self) -> Duration {
        Duration::from_secs(self.0)
    }
}

impl Flow<'_> {
    pub(super) async fn with_code(&self, guide: &dyn SignInGuide) -> Result<SignedIn, Fault> {
        let granted = self.granted().await?;
        let device_code = Secret::new(granted.device_code.as_str());
        self.reach.parts.redact.learn(&device_code);
        let seconds = granted.expires_in.min(LONGEST);
        let now = self.reach.parts.clock.now();
        guide
            .code(&SignInCode {
                page: self.shown(&granted.verification_uri)?,
                page_with_code: granted.verification_uri_complete.as_deref().map(|page| self.shown(page)).transpose()?,
                code: granted.user_code.chars().filter(|c| !c.is_control()).take(60).collect(),
                expires_at: Millis(now.0.saturating_add(i64::try_from(seconds * 1000).unwrap_or(i64::MAX))),
            })
            .await?;
        let polled = tokio::time::timeout(Duration::from_secs(seconds), self.poll(&device_code, Pace::new(granted.interval)));
        let answer = polled.await.unwrap_or_else(|_| Err(self.late()))?;
        answer.teach(self.reach.parts.redact.as_ref());
        // There was no page of ours, so there is no nonce.
        self.taken(&answer, None)
    }

    async fn granted(&self) -> Result<Granted, Fault> {
        let Some(place) = &self.issuer.about.device_authorization_endpoint else {
            let (name, issuer) = (&self.cluster.name, self.client.issuer);
            return Err(about(
                self.cluster,
                FaultKind::Config,
                "no_device_flow",
                Text::new(
                    format!("{issuer} does not offer to sign in to {name} with a code"),
                    format!("{issuer} 不支持使用代码登录 {name}"),
                ),
                Text::new("Sign in with the browser instead.", "请改用浏览器登录。"),
            )
            .with_params(json!({ "cluster": name, "issuer": issuer })));
        };
        let scopes = self.scopes();
        let asked = async {
            let request = self.issuer.post(place, self.client.id, self.client_secret.as_deref(), vec![("scope", scopes.as_str())])?;
            let answer = self.issuer.send(request).await?;
            in_time(async { Ok(token::answered::<Granted>(answer).await) }).await?
        };
        asked.await.map_err(|why: Refused| self.of(why))
    }

    /// A page that may be opened: a code is typed there, and then a password.
    fn shown(&self, page: &str) -> Result<String, Fault> {
        net::openable(page).map(|page: Url| page.to_string()).map_err(|fault| {
            let Why(why) = fault.into();
            issuer_unreachable(self.cluster, self.client.issuer, &why)
        })
    }

    async fn poll(&self, device_code: &Secret, mut pace: Pace) -> Result<token::Answer, Fault> {
        let mut lost = 0;
        loop {
            tokio::time::sleep(pace.pause()).await;
            let form = vec![("grant_type", "urn:ietf:params:oauth:grant-type:device_code"), ("device_code", device_code.expose())];
            match self.issuer.ask(self.client.id, self.client_secret.as_deref(), form).await {
                Ok(answer) => return Ok(answer),
                Err(Refused::Code("authorization_pending")) => lost = 0,
                Err(Refused::Code("slow_down")) => {
                    lost = 0;
                    pace.slower();
                }
                Err(Refused::Code("expired_token")) => return Err(self.late()),
                // The network may be away for a moment while a person types; then it is asked less often.
                Err(Refused::Other(_)) if lost + 1 < LOST => {
                    lost += 1;
                    pace.slower();
                }
                Err(why) => return Err(self.of(why)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_asked_as_seldom_as_it_says_within_reason() {
        for (said, first, slower) in [(None, 5, 10), (Some(0), 1, 6), (Some(7), 7, 12), (Some(u64::MAX), 60, 60)] {
            let mut pace = Pace::new(said);
            assert_eq!(pace.0, first, "{said:?}");
            pace.slower();
            assert_eq!(pace.0, slower, "{said:?}");
        }
    }
}
