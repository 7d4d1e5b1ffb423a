//! An OpenID Connect issuer that behaves: discovery, keys, the code flow with PKCE, the device flow, renewal with rotation, withdrawal.
//!
//! `tests/live/oidc.rs` checks it with a client library and an API server of others. Ways of misbehaving are switched on by [`Whims`].

mod grants;
mod keys;
mod tls;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::response::Response;
use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use url::Url;

use crate::web::Web;
use grants::Grants;
use keys::Keys;

pub use tls::{Authority, Listening};

/// A form or a query.
pub type Form = HashMap<String, String>;
type Spoil = Box<dyn Fn(&mut Json) + Send + Sync>;
type Odd = Box<dyn Fn(&str) -> Option<Response> + Send + Sync>;
type Return = Box<dyn Fn(&mut Vec<(String, String)>) + Send + Sync>;

/// How an issuer departs from good behaviour.
#[derive(Default)]
pub struct Whims {
    /// Changes its discovery document.
    pub discovery: Option<Spoil>,
    /// Changes the claims of an id token before they are signed.
    pub claims: Option<Spoil>,
    /// Changes what the browser brings back.
    pub back: Option<Return>,
    /// Answers a path in its own way.
    pub odd: Option<Odd>,
}

/// What an issuer knows of its clients and people.
#[derive(Debug, Clone)]
pub struct Registration {
    /// The client's id.
    pub client: String,
    /// Its secret, if it has one.
    pub secret: Option<String>,
    /// Where the browser may be sent back to. A loopback address without a port stands for every port (RFC 8252 7.3).
    pub redirects: Vec<String>,
    /// The person who signs in.
    pub person: String,
    /// How long an id token lasts (s).
    pub life: i64,
    /// How often a device may ask (s).
    pub interval: u64,
    /// How long a device's code counts (s).
    pub patience: u64,
    /// How id tokens are signed: `RS256` or `ES256`.
    pub alg: &'static str,
}

impl Default for Registration {
    fn default() -> Self {
        Self {
            client: "pilot".into(),
            secret: None,
            redirects: vec!["http://127.0.0.1/callback".into(), "http://localhost:8000".into()],
            person: "ann@example.org".into(),
            life: 3600,
            interval: 1,
            patience: 600,
            alg: "RS256",
        }
    }
}

/// One request that came.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Its path.
    pub path: String,
    /// Its form, or its query.
    pub form: Form,
}

pub(crate) struct Mind {
    base: Mutex<String>,
    keys: Keys,
    known: Mutex<Registration>,
    whims: Mutex<Whims>,
    grants: Mutex<Grants>,
    asked: Mutex<Vec<Asked>>,
}

fn locked<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An issuer that listens.
pub struct Issuer {
    mind: Arc<Mind>,
    _web: Option<Web>,
    _tls: Option<Listening>,
}

impl std::fmt::Debug for Issuer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Issuer").field("url", &self.url()).finish_non_exhaustive()
    }
}

impl Issuer {
    /// One client, one person, plain http on the loopback.
    pub async fn start() -> Self {
        Self::knowing(Registration::default()).await
    }

    /// The same with another registration.
    pub async fn knowing(known: Registration) -> Self {
        let mind = Self::mind(known);
        let web = Web::start(routes(&mind)).await;
        web.url("").trim_end_matches('/').clone_into(&mut locked(&mind.base));
        Self { mind, _web: Some(web), _tls: None }
    }

    /// Over TLS, with a certificate of that authority for 127.0.0.1.
    pub async fn over_tls(known: Registration, authority: &Authority) -> Self {
        let mind = Self::mind(known);
        let tls = Listening::start(routes(&mind), authority).await;
        *locked(&mind.base) = format!("https://127.0.0.1:{}", tls.port());
        Self { mind, _web: None, _tls: Some(tls) }
    }

    fn mind(known: Registration) -> Arc<Mind> {
        Arc::new(Mind {
            base: Mutex::default(),
            keys: Keys::new(),
            known: Mutex::new(known),
            whims: Mutex::default(),
            grants: Mutex::default(),
            asked: Mutex::default(),
        })
    }

    /// Its own name for itself.
    pub fn url(&self) -> String {
        locked(&self.mind.base).clone()
    }

    /// Changes how it behaves from now on.
    pub fn whims(&self, change: impl FnOnce(&mut Whims)) {
        change(&mut locked(&self.mind.whims));
    }

    /// Changes what it knows from now on.
    pub fn known(&self, change: impl FnOnce(&mut Registration)) {
        change(&mut locked(&self.mind.known));
    }

    /// What came for a path, oldest first.
    pub fn asked(&self, path: &str) -> Vec<Form> {
        locked(&self.mind.asked).iter().filter(|asked| asked.path == path).map(|asked| asked.form.clone()).collect()
    }

    /// Whether a refresh token would be taken.
    pub fn honours(&self, refresh: &str) -> bool {
        locked(&self.mind.grants).honours(refresh)
    }

    /// Every secret that it gave out: codes, device codes, tokens.
    pub fn secrets(&self) -> Vec<String> {
        locked(&self.mind.grants).secrets.clone()
    }

    /// What a person with a browser does: goes to the page, agrees there, and is sent back. Answers the address of the way back.
    pub async fn agrees(&self, page: &str) -> String {
        let page = Url::parse(page).expect("a page is an address");
        let query: Form = page.query_pairs().into_owned().collect();
        let back = self.mind.authorize(&query).unwrap_or_else(|why| panic!("the issuer shows an error page: {why}"));
        visit(&back).await;
        back
    }

    /// The person types a device's code and agrees.
    pub fn types(&self, code: &str) {
        locked(&self.mind.grants).types(code, true);
    }

    /// The person types a device's code and refuses.
    pub fn refuses(&self, code: &str) {
        locked(&self.mind.grants).types(code, false);
    }
}

/// Goes to a plain http address of this machine, as a browser does.
pub async fn visit(address: &str) {
    let url = Url::parse(address).expect("the way back is an address");
    let port = url.port_or_known_default().expect("it has a port");
    let Ok(mut stream) = tokio::net::TcpStream::connect(("127.0.0.1", port)).await else { return };
    let path = address.split_once("//").and_then(|(_, rest)| rest.find(['/', '?']).map(|at| rest[at..].to_owned())).unwrap_or_default();
    let path = if path.starts_with('/') { path } else { format!("/{path}") };
    let host = format!("{}:{port}", url.host_str().unwrap_or_default());
    let _ = stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes()).await;
    let mut page = Vec::new();
    let _ = stream.read_to_end(&mut page).await;
}

fn routes(mind: &Arc<Mind>) -> Router {
    let mind = mind.clone();
    Router::new().fallback(move |request: Request| {
        let mind = mind.clone();
        async move {
            let (parts, body) = request.into_parts();
            let body = axum::body::to_bytes(body, 1024 * 1024).await.unwrap_or_default();
            mind.answer(&parts, &body)
        }
    })
}

fn decoded(text: &[u8]) -> Form {
    url::form_urlencoded::parse(text).into_owned().collect()
}

fn reply(status: u16, json: &Json) -> Response {
    let answer = Response::builder().status(status).header("content-type", "application/json").header("cache-control", "no-store");
    answer.body(Body::from(json.to_string())).expect("an answer can be made")
}

fn error(code: &str) -> Response {
    // The description is what a careless client would repeat.
    reply(
        if code == "invalid_client" { 401 } else { 400 },
        &json!({ "error": code, "error_description": "canary: ask your administrator" }),
    )
}

impl Mind {
    fn answer(&self, parts: &axum::http::request::Parts, body: &Bytes) -> Response {
        let path = parts.uri.path().to_owned();
        let post = parts.method == axum::http::Method::POST;
        let form = decoded(if post { body } else { parts.uri.query().unwrap_or_default().as_bytes() });
        locked(&self.asked).push(Asked { path: path.clone(), form: form.clone() });
        if let Some(own) = locked(&self.whims).odd.as_ref().and_then(|odd| odd(&path)) {
            return own;
        }
        match (post, path.as_str()) {
            (false, "/.well-known/openid-configuration") => reply(200, &self.discovery()),
            (false, "/jwks") => reply(200, &self.keys.public()),
            (false, "/authorize") => match self.authorize(&form) {
                Ok(back) => Response::builder().status(302).header("location", back).body(Body::empty()).expect("a redirect can be made"),
                Err(why) => Response::builder().status(400).body(Body::from(why)).expect("a page can be made"),
            },
            (true, "/token") => self.client(parts, &form).map_or_else(|| error("invalid_client"), |()| self.token(&form)),
            (true, "/device") => self.client(parts, &form).map_or_else(|| error("invalid_client"), |()| self.device(&form)),
            (true, "/revoke") => self.client(parts, &form).map_or_else(
                || error("invalid_client"),
                |()| {
                    locked(&self.grants).revoke(form.get("token").map_or("", String::as_str));
                    reply(200, &json!({}))
                },
            ),
            _ => reply(404, &json!({})),
        }
    }

    fn discovery(&self) -> Json {
        let base = locked(&self.base).clone();
        let mut about = json!({
            "issuer": base,
            "authorization_endpoint": format!("{base}/authorize"),
            "token_endpoint": format!("{base}/token"),
            "jwks_uri": format!("{base}/jwks"),
            "device_authorization_endpoint": format!("{base}/device"),
            "revocation_endpoint": format!("{base}/revoke"),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256", "ES256"],
            "scopes_supported": ["openid", "email", "groups", "offline_access"],
            "claims_supported": ["iss", "sub", "aud", "exp", "iat", "nonce", "email", "email_verified", "groups"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
            "grant_types_supported": ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"],
            "authorization_response_iss_parameter_supported": true,
        });
        if let Some(spoil) = &locked(&self.whims).discovery {
            spoil(&mut about);
        }
        about
    }

    /// Whether the client is who it says it is: by header or by form, not by both.
    fn client(&self, parts: &axum::http::request::Parts, form: &Form) -> Option<()> {
        use base64::Engine as _;
        let known = locked(&self.known).clone();
        let header =
            parts.headers.get("authorization").and_then(|value| value.to_str().ok()).and_then(|value| value.strip_prefix("Basic "));
        let (id, secret) = match header {
            Some(basic) => {
                let pair = base64::engine::general_purpose::STANDARD.decode(basic).ok()?;
                let pair = String::from_utf8(pair).ok()?;
                let (id, secret) = pair.split_once(':')?;
                let plain = |text: &str| decoded(format!("x={text}").as_bytes()).remove("x");
                if form.contains_key("client_secret") {
                    return None;
                }
                (plain(id)?, Some(plain(secret)?))
            }
            None => (form.get("client_id")?.clone(), form.get("client_secret").cloned()),
        };
        (id == known.client && secret == known.secret).then_some(())
    }
}
