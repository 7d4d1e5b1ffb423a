//! OAuth 2.1 for MCP servers over HTTP: found out from the server, agreed to by the person, kept per issuer.
//!
//! rmcp's `auth` does discovery, PKCE, registration, refresh and the checks of issuers; here are the person, the browser, the one-shot
//! callback, the network rules and the storage.
//!
//! **Invariant:** a page opens only after the person saw its host, and a token is sent only to the server it was asked for.

mod callback;
mod http;
mod store;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use domain::fault::ServerFault;
use domain::id::{Millis, QuestionId};
use domain::person::{Answer, Matter, Question};
use domain::protocol::{AuthType, Common, ConnectCx};
use domain::secret::Secret;
use net::{Client, ClientSettings, HeaderMap, HeaderValue, Loopback, Request, Response, StatusCode, Url, header};
use rmcp::transport::auth::{
    AuthError, AuthorizationManager, AuthorizationMetadataSource, AuthorizationRequest, AuthorizationSession, ClientCredentialsConfig,
    JwtSigningAlgorithm, OAuthClientConfig, WWWAuthenticateParams,
};
use schemars::JsonSchema;
use serde::Deserialize;

use http::AuthHttp;
use store::{Keep, Registration};

/// How often more rights are asked for before giving up. With the sign-in before them that makes three, which the conformance suite
/// takes for the most that a person may be asked.
const STEP_UPS: u32 = 2;
/// How long a person has to sign in.
const PATIENCE: Duration = Duration::from_mins(5);
/// Longest token that is sent.
const TOKEN: usize = 16 * 1024;
/// Challenges that are met for one request.
const TRIES: u32 = STEP_UPS + 2;

/// What is known of the client beforehand. Everything may be absent.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OauthSettings {
    /// The id under which Pilothouse is registered at the authorization server.
    #[serde(default)]
    pub client_id: Option<String>,
    /// The secret that goes with it.
    #[serde(default)]
    pub client_secret: Option<Secret>,
    /// Rights to ask for instead of those that the server names.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// https address of a client-id metadata document that describes this client.
    #[serde(default)]
    pub client_metadata_url: Option<String>,
    /// How a token is had: by a person who signs in, or by the client's own credentials.
    #[serde(default)]
    pub grant: GrantType,
    /// PEM key that signs for the client (`private_key_jwt`) instead of a secret.
    #[serde(default)]
    pub private_key: Option<Secret>,
    /// Its algorithm; ES256 when absent.
    #[serde(default)]
    pub signing_algorithm: Option<String>,
}

/// How a token is had.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GrantType {
    /// A person signs in.
    #[default]
    AuthorizationCode,
    /// The client has credentials of its own.
    ClientCredentials,
}

impl OauthSettings {
    /// Rules beyond decoding.
    pub(crate) fn check(&self) -> Result<(), ServerFault> {
        let refuse = |field: &str, reason: &str| Err(ServerFault::Settings { field: format!("oauth.{field}"), reason: reason.into() });
        let machine = self.grant == GrantType::ClientCredentials;
        if (machine || self.client_secret.is_some() || self.private_key.is_some()) && self.client_id.is_none() {
            return refuse("client_id", "is needed with client_secret, private_key or client_credentials");
        }
        if machine && self.client_secret.is_none() && self.private_key.is_none() {
            return refuse("client_secret", "client_credentials need client_secret or private_key");
        }
        if self.private_key.is_some() && !machine {
            return refuse("private_key", "is used with grant client_credentials only");
        }
        if let Some(url) = &self.client_metadata_url
            && !Url::parse(url).is_ok_and(|url| url.scheme() == "https" && url.path() != "/")
        {
            return refuse("client_metadata_url", "must be an https address with a path");
        }
        self.algorithm().map(drop)
    }

    fn algorithm(&self) -> Result<JwtSigningAlgorithm, ServerFault> {
        Ok(match self.signing_algorithm.as_deref() {
            None | Some("ES256") => JwtSigningAlgorithm::ES256,
            Some("ES384") => JwtSigningAlgorithm::ES384,
            Some("RS256") => JwtSigningAlgorithm::RS256,
            Some("RS384") => JwtSigningAlgorithm::RS384,
            Some("RS512") => JwtSigningAlgorithm::RS512,
            Some(_) => {
                let reason = "must be one of ES256, ES384, RS256, RS384, RS512".into();
                return Err(ServerFault::Settings { field: "oauth.signing_algorithm".into(), reason });
            }
        })
    }
}

/// A client that shows the server's token where the server wants one.
#[derive(Debug, Clone)]
pub(crate) struct Signed {
    client: Client,
    grant: Option<Arc<Grant>>,
}

impl From<Client> for Signed {
    /// Without a token.
    fn from(client: Client) -> Self {
        Self { client, grant: None }
    }
}

impl Signed {
    /// As the settings of a protocol with OAuth say: credentials of the person's own leave no room for a token, unless OAuth is asked for.
    pub(crate) fn new(cx: &ConnectCx, common: &Common, url: &Url, oauth: Option<&OauthSettings>) -> Result<Self, ServerFault> {
        let settings = ClientSettings::of(common)?;
        let own = net::auth_headers(common)?.contains_key(header::AUTHORIZATION);
        let wanted = common.auth_type == Some(AuthType::Oauth) || oauth.is_some() || !own;
        let grant = if wanted { Some(Grant::new(cx.clone(), &settings, url.clone(), oauth.cloned().unwrap_or_default())?) } else { None };
        Ok(Self { client: net::client(&settings)?, grant })
    }

    /// Sends, with a token if one is wanted; the person is asked to sign in when that is needed.
    pub(crate) async fn send(&self, request: Request) -> Result<Response, ServerFault> {
        match &self.grant {
            Some(grant) => grant.send(&self.client, request).await,
            None => self.client.send(request).await,
        }
    }

    /// The same for what happens beside the person's own requests: nobody is asked to sign in for it.
    pub(crate) async fn send_quietly(&self, request: Request) -> Result<Response, ServerFault> {
        match &self.grant {
            Some(grant) => grant.send_quietly(&self.client, request).await,
            None => self.client.send(request).await,
        }
    }
}

/// One server's token, from nothing to refreshed.
struct Grant {
    cx: ConnectCx,
    url: Url,
    settings: OauthSettings,
    http: Arc<AuthHttp>,
    keep: Arc<Keep>,
    /// Whether there is, or may be, a token: until then requests do not wait here.
    active: AtomicBool,
    /// The youngest token that the server has accepted.
    accepted: AtomicU64,
    state: tokio::sync::Mutex<State>,
}

#[derive(Default)]
struct State {
    restored: bool,
    manager: Option<AuthorizationManager>,
    configured: bool,
    generation: u64,
    /// The generation that was obtained anew, not found in the store.
    fresh: u64,
    scopes: Vec<String>,
}

impl std::fmt::Debug for Grant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Grant").field("server", &self.cx.server).finish_non_exhaustive()
    }
}

impl Grant {
    /// For one server. Nothing is sent or asked before the server wants a token.
    fn new(cx: ConnectCx, client: &ClientSettings, url: Url, settings: OauthSettings) -> Result<Arc<Self>, ServerFault> {
        settings.check()?;
        let http = Arc::new(AuthHttp::new(client, &url)?);
        let keep = Keep::new(cx.host.clone());
        Ok(Arc::new(Self {
            cx,
            url,
            settings,
            http,
            keep,
            active: AtomicBool::new(true),
            accepted: AtomicU64::new(0),
            state: tokio::sync::Mutex::default(),
        }))
    }

    /// Sends a request with the token, and again after each challenge that could be met. `base` are the server's own headers.
    async fn send(&self, client: &Client, request: Request) -> Result<Response, ServerFault> {
        let (mut tries, mut step_ups) = (0, 0);
        loop {
            let (token, generation) = self.token().await?;
            let sent = token.is_some();
            let response = client.send(with(&request, token)).await?;
            let status = response.status();
            if !matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
                if sent {
                    self.accepted.fetch_max(generation, Ordering::AcqRel);
                }
                return Ok(response);
            }
            tries += 1;
            let challenge = challenge(response.headers());
            if tries >= TRIES || !Box::pin(self.challenged(status, &challenge, generation, &mut step_ups)).await? {
                return Ok(response);
            }
        }
    }

    /// Sends a request with the token, if there is one, and bothers nobody when the server does not like it.
    async fn send_quietly(&self, client: &Client, request: Request) -> Result<Response, ServerFault> {
        let (token, _) = self.token().await?;
        client.send(with(&request, token)).await
    }

    /// The token to send and its generation, refreshed if it is about to end.
    async fn token(&self) -> Result<(Option<HeaderValue>, u64), ServerFault> {
        if !self.active.load(Ordering::Acquire) {
            return Ok((None, 0));
        }
        // Boxed, because most servers want no token, and every request's future would else have room for getting one.
        Box::pin(async {
            let mut state = self.state.lock().await;
            let token = self.current(&mut state).await?;
            Ok((token, state.generation))
        })
        .await
    }

    async fn current(&self, state: &mut State) -> Result<Option<HeaderValue>, ServerFault> {
        if !state.restored {
            state.restored = true;
            if self.keep.restore().await {
                state.manager = Some(self.manager().await?);
                state.generation += 1;
            } else {
                self.active.store(false, Ordering::Release);
            }
        }
        let Some(manager) = &state.manager else { return Ok(None) };
        let token = match manager.get_access_token().await {
            Ok(token) => token,
            Err(AuthError::AuthorizationRequired) => return Ok(None),
            Err(_) if !state.configured => {
                // Kept from an earlier run, and old: to refresh it the authorization server has to be found again.
                if !self.configure(state).await? {
                    return Ok(None);
                }
                match state.manager.as_ref().map(AuthorizationManager::get_access_token) {
                    Some(token) => match token.await {
                        Ok(token) => token,
                        Err(AuthError::AuthorizationRequired) => return Ok(None),
                        Err(fault) => return Err(in_words(&fault)),
                    },
                    None => return Ok(None),
                }
            }
            Err(fault) => return Err(in_words(&fault)),
        };
        bearer(&token).map(Some)
    }

    async fn manager(&self) -> Result<AuthorizationManager, ServerFault> {
        let http: Arc<AuthHttp> = self.http.clone();
        let mut manager =
            AuthorizationManager::new_with_oauth_http_client(self.url.as_str(), http).await.map_err(|fault| in_words(&fault))?;
        manager.set_credential_store(store::Shared(self.keep.clone()));
        Ok(manager)
    }

    /// Finds the authorization server of kept credentials. False when it is another one now.
    async fn configure(&self, state: &mut State) -> Result<bool, ServerFault> {
        state.configured = true;
        let Some(mut manager) = state.manager.take() else { return Ok(false) };
        let metadata = manager.resolve_metadata().await.map_err(|fault| in_words(&fault))?.metadata;
        let issuer = metadata.issuer.clone().unwrap_or_default();
        if issuer != self.keep.issuer() {
            self.keep.forget().await;
            return Ok(false);
        }
        manager.set_metadata(metadata);
        let Some(client_id) = self.keep.client_id() else { return Ok(false) };
        let registered = self.keep.registration(&issuer).await;
        let port = registered.as_ref().map_or(0, |registered| registered.port);
        let mut config = OAuthClientConfig::new(client_id, callback::address(port));
        if let Some(secret) = self.settings.client_secret.clone().or_else(|| registered.and_then(|registered| registered.client_secret)) {
            config = config.with_client_secret(secret.expose());
        }
        manager.configure_client(config).map_err(|fault| in_words(&fault))?;
        state.manager = Some(manager);
        Ok(true)
    }

    /// The server wants another token, or one with more rights. True when there is one now.
    async fn challenged(&self, status: StatusCode, challenge: &str, generation: u64, step_ups: &mut u32) -> Result<bool, ServerFault> {
        self.active.store(true, Ordering::Release);
        let mut state = self.state.lock().await;
        if generation < state.generation {
            // Somebody else has met the challenge meanwhile.
            return Ok(true);
        }
        if !challenge.is_empty() && !names_bearer(challenge) {
            // It wants something else, such as a user and a password; a sign-in would not help.
            return Ok(false);
        }
        let params = WWWAuthenticateParams::parse(challenge, &self.url);
        if status == StatusCode::FORBIDDEN {
            let wanted = params.scope.clone().unwrap_or_default();
            if !params.is_insufficient_scope() && wanted.is_empty() {
                return Ok(false);
            }
            if *step_ups >= STEP_UPS {
                return Err(ServerFault::AuthFailed {
                    reason: format!("the server asked for more rights {STEP_UPS} times and is not content: {wanted}"),
                });
            }
            *step_ups += 1;
            let mut scopes = self.keep.granted();
            scopes.extend(state.scopes.iter().cloned());
            scopes.extend(wanted.split_whitespace().map(str::to_owned));
            let mut seen = std::collections::HashSet::new();
            scopes.retain(|scope| seen.insert(scope.clone()));
            self.obtain(&mut state, challenge, scopes).await?;
            return Ok(true);
        }
        if generation > 0 && generation == state.fresh && generation > self.accepted.load(Ordering::Acquire) {
            // A token that is brand new and was never good: another one will not be better (C-36).
            return Ok(false);
        }
        if generation > 0 && (state.configured || self.configure(&mut state).await.unwrap_or(false)) && self.refreshed(&mut state).await {
            return Ok(true);
        }
        let scopes = self.settings.scopes.clone();
        self.obtain(&mut state, challenge, scopes).await?;
        Ok(true)
    }

    async fn refreshed(&self, state: &mut State) -> bool {
        let Some(manager) = &state.manager else { return false };
        // The issuer may have changed under us; a refresh goes only where the token came from, and that is where the manager points.
        let done = manager.refresh_token().await.is_ok();
        if done {
            state.generation += 1;
        }
        done
    }

    async fn obtain(&self, state: &mut State, challenge: &str, scopes: Vec<String>) -> Result<(), ServerFault> {
        state.scopes.clone_from(&scopes);
        state.manager = None;
        let manager = match self.settings.grant {
            GrantType::AuthorizationCode => self.sign_in(challenge, scopes).await?,
            GrantType::ClientCredentials => self.own_credentials(challenge, scopes).await?,
        };
        state.manager = Some(manager);
        state.configured = true;
        state.generation += 1;
        state.fresh = state.generation;
        Ok(())
    }

    async fn own_credentials(&self, challenge: &str, scopes: Vec<String>) -> Result<AuthorizationManager, ServerFault> {
        let mut manager = self.manager().await?;
        let found = manager.resolve_metadata_from_challenge(Some(challenge)).await.map_err(|fault| in_words(&fault))?;
        manager.set_metadata(found.metadata);
        let scopes = if scopes.is_empty() { manager.select_initial_scopes(&[]).await } else { scopes };
        let client_id = self.settings.client_id.clone().unwrap_or_default();
        let resource = Some(self.url.to_string());
        let config = match (&self.settings.private_key, &self.settings.client_secret) {
            (Some(key), _) => ClientCredentialsConfig::PrivateKeyJwt {
                client_id,
                signing_key: key.expose().as_bytes().to_vec(),
                signing_algorithm: self.settings.algorithm()?,
                token_endpoint_audience: None,
                scopes,
                resource,
            },
            (None, secret) => {
                let client_secret = secret.as_ref().map(|secret| secret.expose().to_owned()).unwrap_or_default();
                ClientCredentialsConfig::ClientSecret { client_id, client_secret, scopes, resource }
            }
        };
        manager.validate_client_credentials_metadata(&config).map_err(|fault| in_words(&fault))?;
        manager.configure_client_credentials(&config).map_err(|fault| in_words(&fault))?;
        // The library's future may not change threads, so it gets one of its own.
        let runtime = tokio::runtime::Handle::current();
        let exchange = self.cx.tasks.spawn_blocking(move || {
            let done = runtime.block_on(manager.exchange_client_credentials(&config));
            done.map(|_| manager).map_err(|fault| in_words(&fault))
        });
        exchange.await.map_err(|fault| ServerFault::Internal { what: fault.to_string() })?
    }

    async fn sign_in(&self, challenge: &str, scopes: Vec<String>) -> Result<AuthorizationManager, ServerFault> {
        let mut manager = self.manager().await?;
        let found = manager.resolve_metadata_from_challenge(Some(challenge)).await.map_err(|fault| in_words(&fault))?;
        if found.source != AuthorizationMetadataSource::LegacyEndpointFallback && found.metadata.code_challenge_methods_supported.is_none()
        {
            return Err(ServerFault::AuthFailed { reason: "the authorization server does not say that it supports PKCE (S256)".into() });
        }
        if found.metadata.authorization_endpoint.chars().any(char::is_control) {
            // A line end would vanish on the way to the browser, and the page would be another one than was named.
            return Err(ServerFault::AuthFailed { reason: "the authorization server named a page with control characters".into() });
        }
        let issuer = found.metadata.issuer.clone().unwrap_or_default();
        let by_document = self.settings.client_metadata_url.is_some()
            && found.metadata.additional_fields.get("client_id_metadata_document_supported") == Some(&true.into());
        manager.set_metadata(found.metadata);
        let scopes = if scopes.is_empty() { manager.select_initial_scopes(&[]).await } else { scopes };

        let mut known = None;
        if self.settings.client_id.is_none() && !by_document {
            known = self.keep.registration(&issuer).await;
        }
        let loopback = callback::listen(known.as_ref().map(|known| known.port)).await?;
        if known.as_ref().is_some_and(|known| known.port != loopback.port()) {
            // The registration is for an address that somebody else has now.
            known = None;
        }
        let redirect = callback::address(loopback.port());
        let mut request = AuthorizationRequest::new(redirect.clone()).with_client_name("Pilothouse").with_scopes(scopes.clone());
        if scopes.is_empty() {
            request = request.with_initial_scope_selection();
        }
        if let Some(client_id) = &self.settings.client_id {
            request = request.with_preregistered_client(client_id);
            if let Some(secret) = &self.settings.client_secret {
                request = request.with_client_secret(secret.expose());
            }
        } else if by_document {
            request = request.with_client_metadata_url(self.settings.client_metadata_url.clone().unwrap_or_default());
        } else {
            let registered = if let Some(known) = known {
                known
            } else {
                let wanted: Vec<_> = scopes.iter().map(String::as_str).collect();
                let config = manager.register_client("Pilothouse", &redirect, &wanted).await.map_err(|fault| in_words(&fault))?;
                let fresh = Registration {
                    client_id: config.client_id,
                    client_secret: config.client_secret.map(Secret::new),
                    port: loopback.port(),
                };
                self.keep.register(&issuer, &fresh).await;
                fresh
            };
            request = request.with_preregistered_client(&registered.client_id);
            if let Some(secret) = &registered.client_secret {
                request = request.with_client_secret(secret.expose());
            }
        }
        let session = AuthorizationSession::new(manager, request).await.map_err(|(_, fault)| in_words(&fault))?;
        match self.visit(&session, loopback, &redirect, &issuer).await {
            Ok(()) => Ok(session.auth_manager),
            Err(fault) => {
                if self.settings.client_id.is_none() {
                    // It may be the registration that is no longer known there; the next try makes a new one.
                    self.keep.unregister(&issuer).await;
                }
                Err(fault)
            }
        }
    }

    /// Sends the person to the page, after they saw where it leads, and takes what comes back.
    async fn visit(&self, session: &AuthorizationSession, loopback: Loopback, redirect: &str, issuer: &str) -> Result<(), ServerFault> {
        let page = net::openable(session.get_authorization_url())?;
        let state = page.query_pairs().find(|(key, _)| key == "state").map(|(_, state)| state.into_owned()).unwrap_or_default();
        if state.is_empty() {
            return Err(ServerFault::Internal { what: "an authorization address without a state".into() });
        }
        // From the question until the browser is back.
        let _thought = self.cx.thinking.begin();
        let now = self.cx.clock.now();
        let question = Question {
            id: QuestionId::new(uuid::Uuid::new_v4().to_string()),
            server: self.cx.server.clone(),
            server_name: self.cx.name.clone(),
            matter: Matter::SignIn { host: page.host_str().unwrap_or_default().to_owned(), url: page.to_string() },
            asked_at: now,
            expires_at: Millis(now.0.saturating_add(i64::try_from(PATIENCE.as_millis()).unwrap_or(i64::MAX))),
        };
        match self.cx.host.ask(question).await {
            Answer::Yes { .. } | Answer::Data { .. } => {}
            Answer::No { .. } => return Err(ServerFault::AuthFailed { reason: "the sign-in was declined".into() }),
            Answer::Nobody => return Err(ServerFault::AuthRequired { scheme: "OAuth: nobody was there to sign in".into() }),
        }
        // Whoever opens the page may come back with the answer before the opener returns.
        let opened = async {
            self.cx.host.open_page(&page).await?;
            std::future::pending::<Result<String, ServerFault>>().await
        };
        let query = tokio::select! {
            query = loopback.wait(&state, PATIENCE) => query?,
            failed = opened => failed?,
            () = self.cx.stop.cancelled() => return Err(ServerFault::Cancelled),
        };
        if let Some(why) = callback::refusal(&query, issuer) {
            return Err(ServerFault::AuthFailed { reason: why });
        }
        session.handle_callback_url(&format!("{redirect}?{query}")).await.map(drop).map_err(|fault| in_words(&fault))
    }
}

fn with(request: &Request, token: Option<HeaderValue>) -> Request {
    let mut wanted = request.clone();
    if let Some(token) = token {
        wanted.headers.insert(header::AUTHORIZATION, token);
    }
    wanted
}

fn bearer(token: &str) -> Result<HeaderValue, ServerFault> {
    let unfit = || ServerFault::AuthFailed { reason: "the authorization server gave a token that cannot be sent".into() };
    if token.is_empty() || token.len() > TOKEN {
        return Err(unfit());
    }
    let mut value = HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| unfit())?;
    value.set_sensitive(true);
    Ok(value)
}

/// All challenges of an answer, cut to what any honest one needs (C-36).
fn challenge(headers: &HeaderMap) -> String {
    let all: Vec<_> = headers.get_all(header::WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok()).collect();
    all.join(", ").chars().take(4096).collect()
}

/// Whether a challenge has a part that a token may meet.
fn names_bearer(challenge: &str) -> bool {
    challenge.split(',').any(|part| part.split_whitespace().next().is_some_and(|word| word.eq_ignore_ascii_case("bearer")))
}

/// A fault of ours that is inside, or the library's words.
fn in_words(fault: &AuthError) -> ServerFault {
    let mut inner: Option<&(dyn std::error::Error + 'static)> = Some(fault);
    while let Some(error) = inner {
        if let Some(ours) = error.downcast_ref::<ServerFault>() {
            return ours.clone();
        }
        inner = error.source();
    }
    ServerFault::AuthFailed { reason: net::shown(&fault.to_string()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn settings(value: domain::Json) -> Result<OauthSettings, ServerFault> {
        domain::protocol::decode(value)
    }

    #[test]
    fn settings_that_cannot_work_are_refused_by_field() {
        for (value, field) in [
            (json!({ "client_secret": "x" }), "oauth.client_id"),
            (json!({ "grant": "client_credentials", "client_id": "a" }), "oauth.client_secret"),
            (json!({ "client_id": "a", "private_key": "x" }), "oauth.private_key"),
            (json!({ "client_metadata_url": "http://h/x" }), "oauth.client_metadata_url"),
            (json!({ "client_metadata_url": "https://h/" }), "oauth.client_metadata_url"),
            (json!({ "signing_algorithm": "none" }), "oauth.signing_algorithm"),
        ] {
            let fault = settings(value.clone()).unwrap().check().unwrap_err();
            assert!(matches!(&fault, ServerFault::Settings { field: named, .. } if named == field), "{value}: {fault:?}");
        }
        for value in [
            json!({}),
            json!({ "client_id": "a" }),
            json!({ "client_id": "a", "client_secret": "b" }),
            json!({ "grant": "client_credentials", "client_id": "a", "private_key": "k", "signing_algorithm": "RS256" }),
        ] {
            assert!(settings(value.clone()).unwrap().check().is_ok(), "{value}");
        }
    }

    #[test]
    fn only_a_challenge_for_a_token_is_one_for_us() {
        for (challenge, ours) in [
            ("Bearer", true),
            ("bearer resource_metadata=\"https://h/x\"", true),
            ("Basic realm=\"x\", Bearer error=\"invalid_token\"", true),
            ("Basic realm=\"x\"", false),
            ("Negotiate", false),
            ("Basic realm=\"Bearer\"", false),
        ] {
            assert_eq!(names_bearer(challenge), ours, "{challenge}");
        }
    }

    #[test]
    fn a_token_that_is_no_header_is_never_sent() {
        // C-47.
        assert!(bearer("abc").is_ok());
        for token in ["", "a\r\nX: y", &"x".repeat(10_000_000)] {
            assert!(matches!(bearer(token), Err(ServerFault::AuthFailed { .. })), "{} bytes", token.len());
        }
    }
}
