//! What an issuer has granted, and the three ways of coming to a token.

use std::collections::HashMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use url::Url;

use super::{Form, Mind, error, locked, reply};

/// A code counts so long.
const CODE_LIFE: Duration = Duration::from_secs(60);

/// What was granted.
#[derive(Default)]
pub(super) struct Grants {
    codes: HashMap<String, Code>,
    devices: HashMap<String, Device>,
    /// Refresh tokens by value, used ones too: whoever shows one twice loses the whole family.
    refreshes: HashMap<String, Refresh>,
    gone: Vec<u64>,
    families: u64,
    pub(super) secrets: Vec<String>,
}

struct Code {
    redirect: String,
    challenge: String,
    nonce: Option<String>,
    scope: String,
    made: Instant,
    /// The family of what it was exchanged for.
    spent: Option<u64>,
}

struct Device {
    user_code: String,
    scope: String,
    interval: u64,
    asked: Option<Instant>,
    made: Instant,
    agreed: Option<bool>,
}

#[derive(Clone)]
struct Refresh {
    family: u64,
    scope: String,
    used: bool,
}

fn random(what: &str) -> String {
    format!("{what}-{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple())
}

impl Grants {
    pub(super) fn honours(&self, refresh: &str) -> bool {
        self.refreshes.get(refresh).is_some_and(|kept| !kept.used && !self.gone.contains(&kept.family))
    }

    pub(super) fn revoke(&mut self, token: &str) {
        if let Some(kept) = self.refreshes.get(token) {
            self.gone.push(kept.family);
        }
    }

    pub(super) fn types(&mut self, code: &str, agrees: bool) {
        let device = self.devices.values_mut().find(|device| device.user_code == code);
        device.expect("a code that was given out").agreed = Some(agrees);
    }

    fn secret(&mut self, what: &str) -> String {
        let secret = random(what);
        self.secrets.push(secret.clone());
        secret
    }

    fn family(&mut self) -> u64 {
        self.families += 1;
        self.families
    }
}

/// Whether a redirect is registered: letter by letter, but for the port of a loopback address that was registered without one.
fn registered(all: &[String], asked: &str) -> bool {
    all.iter().any(|known| {
        let Ok(mut plain) = Url::parse(asked) else { return false };
        let loopback = plain.host_str() == Some("127.0.0.1") && Url::parse(known).is_ok_and(|known| known.port().is_none());
        known == asked || (loopback && plain.set_port(None).is_ok() && plain.as_str() == known)
    })
}

impl Mind {
    /// The page on which the person agrees: where they are sent then, or what the page says is wrong.
    pub(super) fn authorize(&self, query: &Form) -> Result<String, String> {
        let known = locked(&self.known).clone();
        let get = |name: &str| query.get(name).map(String::as_str);
        if get("client_id") != Some(known.client.as_str()) {
            return Err("unknown client".into());
        }
        let redirect = get("redirect_uri").unwrap_or_default().to_owned();
        if !registered(&known.redirects, &redirect) {
            return Err(format!("{redirect} is not registered"));
        }
        let scope = get("scope").unwrap_or_default().to_owned();
        let challenge = get("code_challenge").unwrap_or_default().to_owned();
        let mut back: Vec<(String, String)> = Vec::new();
        if get("response_type") != Some("code") {
            back.push(("error".into(), "unsupported_response_type".into()));
        } else if !scope.split(' ').any(|word| word == "openid") {
            back.push(("error".into(), "invalid_scope".into()));
        } else if get("code_challenge_method") != Some("S256") || challenge.len() != 43 {
            back.push(("error".into(), "invalid_request".into()));
        } else {
            let mut grants = locked(&self.grants);
            let code = grants.secret("code");
            let nonce = get("nonce").map(str::to_owned);
            let made = Instant::now();
            grants.codes.insert(code.clone(), Code { redirect: redirect.clone(), challenge, nonce, scope, made, spent: None });
            back.push(("code".into(), code));
        }
        back.extend(get("state").map(|state| ("state".to_owned(), state.to_owned())));
        back.push(("iss".into(), locked(&self.base).clone()));
        if let Some(change) = &locked(&self.whims).back {
            change(&mut back);
        }
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(back).finish();
        Ok(format!("{redirect}?{query}"))
    }

    pub(super) fn token(&self, form: &Form) -> Response {
        let granted = match form.get("grant_type").map_or("", String::as_str) {
            "authorization_code" => self.by_code(form),
            "refresh_token" => self.by_refresh(form),
            "urn:ietf:params:oauth:grant-type:device_code" => self.by_device(form),
            _ => Err("unsupported_grant_type"),
        };
        granted.unwrap_or_else(error)
    }

    fn by_code(&self, form: &Form) -> Result<Response, &'static str> {
        let mut grants = locked(&self.grants);
        let name = form.get("code").cloned().unwrap_or_default();
        let Some(code) = grants.codes.get(&name) else { return Err("invalid_grant") };
        if let Some(family) = code.spent {
            // Somebody else has it too: what came of it counts no more (RFC 6749 4.1.2).
            grants.gone.push(family);
            return Err("invalid_grant");
        }
        let proof = URL_SAFE_NO_PAD.encode(Sha256::digest(form.get("code_verifier").map_or("", String::as_str)));
        if code.made.elapsed() > CODE_LIFE || Some(&code.redirect) != form.get("redirect_uri") || proof != code.challenge {
            return Err("invalid_grant");
        }
        let (scope, nonce) = (code.scope.clone(), code.nonce.clone());
        let family = grants.family();
        if let Some(code) = grants.codes.get_mut(&name) {
            code.spent = Some(family);
        }
        Ok(self.tokens(&mut grants, family, &scope, nonce))
    }

    fn by_refresh(&self, form: &Form) -> Result<Response, &'static str> {
        let mut grants = locked(&self.grants);
        let name = form.get("refresh_token").cloned().unwrap_or_default();
        let Some(kept) = grants.refreshes.get(&name).cloned() else { return Err("invalid_grant") };
        if kept.used {
            grants.gone.push(kept.family);
        }
        if kept.used || grants.gone.contains(&kept.family) {
            return Err("invalid_grant");
        }
        grants.refreshes.insert(name, Refresh { used: true, ..kept.clone() });
        Ok(self.tokens(&mut grants, kept.family, &kept.scope, None))
    }

    fn by_device(&self, form: &Form) -> Result<Response, &'static str> {
        let patience = Duration::from_secs(locked(&self.known).patience);
        let mut grants = locked(&self.grants);
        let name = form.get("device_code").cloned().unwrap_or_default();
        let Some(device) = grants.devices.get_mut(&name) else { return Err("invalid_grant") };
        if device.made.elapsed() >= patience {
            return Err("expired_token");
        }
        let early = device.asked.is_some_and(|asked| asked.elapsed() + Duration::from_millis(50) < Duration::from_secs(device.interval));
        device.asked = Some(Instant::now());
        if early {
            device.interval += 5;
            return Err("slow_down");
        }
        match device.agreed {
            None => Err("authorization_pending"),
            Some(false) => Err("access_denied"),
            Some(true) => {
                let scope = device.scope.clone();
                grants.devices.remove(&name);
                let family = grants.family();
                Ok(self.tokens(&mut grants, family, &scope, None))
            }
        }
    }

    pub(super) fn device(&self, form: &Form) -> Response {
        let known = locked(&self.known).clone();
        let mut grants = locked(&self.grants);
        let (name, base) = (grants.secret("device"), locked(&self.base).clone());
        let text = uuid::Uuid::new_v4().simple().to_string().to_uppercase();
        let user_code = format!("{}-{}", &text[..4], &text[4..8]);
        let device = Device {
            user_code: user_code.clone(),
            scope: form.get("scope").cloned().unwrap_or_default(),
            interval: known.interval,
            asked: None,
            made: Instant::now(),
            agreed: None,
        };
        grants.devices.insert(name.clone(), device);
        reply(
            200,
            &json!({
                "device_code": name, "user_code": user_code, "expires_in": known.patience, "interval": known.interval,
                "verification_uri": format!("{base}/activate"), "verification_uri_complete": format!("{base}/activate?code={user_code}"),
            }),
        )
    }

    fn tokens(&self, grants: &mut Grants, family: u64, scope: &str, nonce: Option<String>) -> Response {
        let known = locked(&self.known).clone();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64);
        let mut claims = json!({
            "iss": *locked(&self.base), "sub": format!("subject of {}", known.person), "aud": known.client, "iat": now, "exp": now + known.life,
            "email": known.person, "email_verified": true, "groups": ["viewers"], "jti": uuid::Uuid::new_v4().to_string(),
        });
        if let Some(nonce) = nonce {
            claims["nonce"] = nonce.into();
        }
        if let Some(spoil) = &locked(&self.whims).claims {
            spoil(&mut claims);
        }
        let id_token = self.keys.sign(known.alg, &claims);
        grants.secrets.push(id_token.clone());
        let mut answer = json!({
            "token_type": "Bearer", "access_token": grants.secret("access"), "expires_in": known.life, "scope": scope, "id_token": id_token,
        });
        if scope.split(' ').any(|word| word == "offline_access") {
            let refresh = grants.secret("refresh");
            grants.refreshes.insert(refresh.clone(), Refresh { family, scope: scope.to_owned(), used: false });
            answer["refresh_token"] = refresh.into();
        }
        reply(200, &answer)
    }
}
