//! Signing in, through the whole app and over both protocols that offer it: against an authorization server that behaves, and against
//! ones that do not (C-44 to C-48).

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use app::{App, CallDone, CallOrder};
use assembly::Options;
use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::fault::{Fault, FaultKind};
use domain::id::{CallId, Millis, ServerId};
use domain::person::{Answer, Matter, Scope};
use domain::policy::{Actor, Door};
use domain::ports::Opener;
use domain::server::{ServerDef, StartRule};
use domain::{Json, JsonMap};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use testkit::echo::{Echo, EchoHttp, EchoSse, HttpKind};
use testkit::memory::ScriptedPerson;
use testkit::web::Web;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use url::Url;

const BOTH: [&str; 2] = ["stream_http", "sse"];
type Form = HashMap<String, String>;

fn form(text: &str) -> Form {
    url::form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

fn answer(status: u16, body: impl Into<Body>) -> Response {
    Response::builder().status(status).header("content-type", "application/json").body(body.into()).unwrap()
}

fn moved(to: &str) -> Response {
    Response::builder().status(302).header("location", to).body(Body::empty()).unwrap()
}

/// Tokens that are good, by value, with their rights.
type Tokens = Arc<Mutex<HashMap<String, Vec<String>>>>;
type Spoil = Box<dyn Fn(&mut Json, &str) + Send + Sync>;
type Odd = Box<dyn Fn(&Asked) -> Option<Response> + Send + Sync>;

/// A request to an authorization server.
#[derive(Debug, Clone)]
struct Asked {
    path: String,
    query: Form,
    form: Form,
    json: Json,
}

/// How an authorization server departs from good behaviour.
#[derive(Default)]
struct Whims {
    /// Changes its description.
    spoil: Option<Spoil>,
    /// Answers in its own way.
    odd: Option<Odd>,
    /// What it says of a token's life; an hour.
    life: Option<Json>,
}

struct Code {
    client: String,
    challenge: String,
    redirect: String,
    resource: String,
    scope: String,
}

struct Mind {
    base: Mutex<String>,
    tokens: Tokens,
    whims: Mutex<Whims>,
    seen: Mutex<Vec<Asked>>,
    codes: Mutex<HashMap<String, Code>>,
    /// Refresh tokens that were not used yet, with their scope.
    refreshes: Mutex<HashMap<String, String>>,
    /// The key of the one client that signs for itself.
    key: Mutex<Option<Vec<u8>>>,
    count: AtomicUsize,
}

/// An authorization server that behaves but for its whims: PKCE is computed, codes and refresh tokens are good once.
struct Issuer {
    mind: Arc<Mind>,
    _web: Web,
}

impl Issuer {
    async fn new(tokens: &Tokens) -> Self {
        let mind = Arc::new(Mind {
            base: Mutex::default(),
            tokens: tokens.clone(),
            whims: Mutex::default(),
            seen: Mutex::default(),
            codes: Mutex::default(),
            refreshes: Mutex::default(),
            key: Mutex::default(),
            count: AtomicUsize::new(0),
        });
        let own = mind.clone();
        let web = Web::start(Router::new().fallback(move |request: Request| {
            let own = own.clone();
            async move {
                let (parts, body) = request.into_parts();
                let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
                let body = String::from_utf8_lossy(&body).into_owned();
                let asked = Asked {
                    path: parts.uri.path().to_owned(),
                    query: form(parts.uri.query().unwrap_or_default()),
                    json: serde_json::from_str(&body).unwrap_or_default(),
                    form: form(&body),
                };
                own.seen.lock().unwrap().push(asked.clone());
                own.answer(&asked)
            }
        }))
        .await;
        web.url("").trim_end_matches('/').clone_into(&mut mind.base.lock().unwrap());
        Self { mind, _web: web }
    }

    fn base(&self) -> String {
        self.mind.base.lock().unwrap().clone()
    }

    fn seen(&self, path: &str) -> Vec<Asked> {
        self.mind.seen.lock().unwrap().iter().filter(|asked| asked.path == path).cloned().collect()
    }

    fn redeemed(&self, grant: &str) -> usize {
        self.seen("/token").iter().filter(|asked| asked.form["grant_type"] == grant).count()
    }

    fn spoil(&self, spoil: impl Fn(&mut Json, &str) + Send + Sync + 'static) {
        self.mind.whims.lock().unwrap().spoil = Some(Box::new(spoil));
    }

    fn odd(&self, odd: impl Fn(&Asked) -> Option<Response> + Send + Sync + 'static) {
        self.mind.whims.lock().unwrap().odd = Some(Box::new(odd));
    }
}

impl Mind {
    fn next(&self, what: &str) -> String {
        format!("{what}-{}-{}", self.count.fetch_add(1, Ordering::SeqCst), uuid::Uuid::new_v4().simple())
    }

    fn answer(&self, asked: &Asked) -> Response {
        let base = self.base.lock().unwrap().clone();
        let whims = self.whims.lock().unwrap();
        if let Some(response) = whims.odd.as_ref().and_then(|odd| odd(asked)) {
            return response;
        }
        match asked.path.as_str() {
            "/.well-known/oauth-authorization-server" => {
                let mut document = json!({
                    "issuer": base, "authorization_endpoint": format!("{base}/authorize"), "token_endpoint": format!("{base}/token"),
                    "registration_endpoint": format!("{base}/register"), "response_types_supported": ["code"],
                    "code_challenge_methods_supported": ["S256"], "authorization_response_iss_parameter_supported": true,
                    "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
                    "token_endpoint_auth_methods_supported": ["none", "private_key_jwt"],
                    "token_endpoint_auth_signing_alg_values_supported": ["ES256"]
                });
                if let Some(spoil) = &whims.spoil {
                    spoil(&mut document, &base);
                }
                answer(200, document.to_string())
            }
            "/register" => {
                let client = self.next("client");
                answer(201, json!({ "client_id": client, "redirect_uris": asked.json["redirect_uris"] }).to_string())
            }
            "/authorize" => {
                let ask = |name: &str| asked.query.get(name).cloned().unwrap_or_default();
                assert_eq!((ask("response_type").as_str(), ask("code_challenge_method").as_str()), ("code", "S256"));
                let code = self.next("code");
                let back = format!("{}?code={code}&state={}&iss={}", ask("redirect_uri"), encoded(&ask("state")), encoded(&base));
                let told = Code {
                    client: ask("client_id"),
                    challenge: ask("code_challenge"),
                    redirect: ask("redirect_uri"),
                    resource: ask("resource"),
                    scope: ask("scope"),
                };
                self.codes.lock().unwrap().insert(code, told);
                moved(&back)
            }
            "/token" => match self.redeem(&asked.form, &base) {
                Some(scope) => {
                    let (token, refresh) = (self.next("token"), self.next("refresh"));
                    self.tokens.lock().unwrap().insert(token.clone(), scope.split(' ').map(str::to_owned).collect());
                    self.refreshes.lock().unwrap().insert(refresh.clone(), scope.clone());
                    let life = whims.life.clone().unwrap_or_else(|| 3600.into());
                    answer(200, json!({ "access_token": token, "token_type": "Bearer", "expires_in": life, "refresh_token": refresh, "scope": scope }).to_string())
                }
                None => answer(400, r#"{"error":"invalid_grant"}"#),
            },
            _ => answer(404, ""),
        }
    }

    /// The scope that the form is good for.
    fn redeem(&self, form: &Form, base: &str) -> Option<String> {
        match form["grant_type"].as_str() {
            "authorization_code" => {
                let code = self.codes.lock().unwrap().remove(&form["code"])?;
                let proof = URL_SAFE_NO_PAD.encode(Sha256::digest(form["code_verifier"].as_bytes()));
                let fits = proof == code.challenge
                    && form["client_id"] == code.client
                    && form["redirect_uri"] == code.redirect
                    && form.get("resource") == Some(&code.resource);
                fits.then_some(code.scope)
            }
            "refresh_token" => self.refreshes.lock().unwrap().remove(&form["refresh_token"]),
            "client_credentials" => {
                let key = self.key.lock().unwrap().clone()?;
                assert_eq!(form["client_assertion_type"], "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
                signed(&form["client_assertion"], &key, base).then(|| "read".to_owned())
            }
            other => panic!("what is {other}?"),
        }
    }
}

/// Whether an assertion is for this issuer, of the client `robot`, and signed with that key (ES256).
fn signed(assertion: &str, key: &[u8], base: &str) -> bool {
    let parts: Vec<_> = assertion.split('.').collect();
    let [head, claims, signature] = parts.as_slice() else { return false };
    let read = |part: &str| serde_json::from_slice::<Json>(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    let (head, told) = (read(head), read(claims));
    let whom = [told["iss"].as_str(), told["sub"].as_str()];
    let audience = told["aud"].as_str().unwrap_or_default();
    if head["alg"] != "ES256" || whom != [Some("robot"); 2] || ![base.to_owned(), format!("{base}/token")].contains(&audience.to_owned()) {
        return false;
    }
    let raw = URL_SAFE_NO_PAD.decode(signature).unwrap();
    // DER, as the verifier wants it, out of the two numbers.
    let number = |bytes: &[u8]| {
        let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len() - 1);
        let mut digits = bytes[start..].to_vec();
        if digits[0] & 0x80 != 0 {
            digits.insert(0, 0);
        }
        [vec![2, u8::try_from(digits.len()).unwrap()], digits].concat()
    };
    let both = [number(&raw[..32]), number(&raw[32..])].concat();
    let der = [vec![0x30, u8::try_from(both.len()).unwrap()], both].concat();
    let message = format!("{}.{}", parts[0], parts[1]);
    let known = rustls::crypto::ring::default_provider().signature_verification_algorithms;
    let (_, ways) = known.mapping.iter().find(|(scheme, _)| *scheme == rustls::SignatureScheme::ECDSA_NISTP256_SHA256).unwrap();
    ways.iter().any(|way| way.verify_signature(key, message.as_bytes(), &der).is_ok())
}

/// An MCP server behind a gate, its authorization server, an app, and a person with a browser.
struct Town {
    app: Arc<App>,
    server: ServerId,
    person: Arc<ScriptedPerson>,
    browser: Arc<Browser>,
    tokens: Tokens,
    issuer: Issuer,
    /// Which issuer the server names.
    named: Arc<Mutex<String>>,
    _web: Web,
    dir: tempfile::TempDir,
}

/// Follows where it is sent, as a browser does.
#[derive(Debug, Default)]
struct Browser {
    opened: Mutex<Vec<Url>>,
    slow: Mutex<Duration>,
}

#[async_trait]
impl Opener for Browser {
    async fn open(&self, url: &Url) -> Result<(), Fault> {
        self.opened.lock().unwrap().push(url.clone());
        let slow = *self.slow.lock().unwrap();
        tokio::time::sleep(slow).await;
        let mut next = Some(url.clone());
        while let Some(url) = next.take() {
            next = visit(&url).await.map(|to| url.join(&to).unwrap());
        }
        Ok(())
    }
}

/// One GET; where it leads on to.
async fn visit(url: &Url) -> Option<String> {
    let mut stream = tokio::net::TcpStream::connect((url.host_str()?, url.port()?)).await.ok()?;
    let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
    let host = &url[url::Position::BeforeHost..url::Position::AfterPort];
    stream.write_all(format!("GET {target} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n").as_bytes()).await.ok()?;
    let mut page = String::new();
    stream.read_to_string(&mut page).await.ok()?;
    page.lines().find_map(|line| line.strip_prefix("location: ")).map(|to| to.trim().to_owned())
}

async fn gate(request: Request, next: Next, tokens: Tokens, named: Arc<Mutex<String>>) -> Response {
    let base = format!("http://{}", request.headers()["host"].to_str().unwrap());
    let path = request.uri().path().to_owned();
    if let Some(resource) = path.strip_prefix("/.well-known/oauth-protected-resource") {
        let issuer = named.lock().unwrap().clone();
        let document = json!({ "resource": format!("{base}{resource}"), "authorization_servers": [issuer], "scopes_supported": ["read"] });
        return answer(200, document.to_string());
    }
    let token = request.headers().get("authorization").and_then(|value| value.to_str().ok()?.strip_prefix("Bearer ").map(str::to_owned));
    let rights = token.and_then(|token| tokens.lock().unwrap().get(&token).cloned());
    let refuse = |status: u16, words: &str| {
        let place = if path == "/mcp" { "/mcp" } else { "/sse" };
        let challenge = format!("Bearer {words}resource_metadata=\"{base}/.well-known/oauth-protected-resource{place}\"");
        Response::builder().status(status).header("www-authenticate", challenge).body(Body::empty()).unwrap()
    };
    let Some(rights) = rights else { return refuse(401, "") };
    let (parts, body) = request.into_parts();
    if parts.method != "POST" {
        return next.run(Request::from_parts(parts, body)).await;
    }
    let body: Bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let message: Json = serde_json::from_slice(&body).unwrap_or_default();
    if message["params"]["name"] == "release" && !rights.iter().any(|right| right == "write") {
        return refuse(403, "error=\"insufficient_scope\", scope=\"write\", ");
    }
    next.run(Request::from_parts(parts, body.into())).await
}

fn actor() -> Actor {
    Actor { door: Door::Window, name: "ann".into(), can_ask: true }
}

impl Town {
    async fn new(protocol: &str) -> Self {
        Self::with(protocol, json!({})).await
    }

    async fn with(protocol: &str, more: Json) -> Self {
        let tokens = Tokens::default();
        let issuer = Issuer::new(&tokens).await;
        let named = Arc::new(Mutex::new(issuer.base()));
        let echo = Echo::new();
        let (known, says) = (tokens.clone(), named.clone());
        let app = Router::new()
            .merge(EchoHttp::routes(&echo, HttpKind::Plain))
            .merge(EchoSse::routes(&echo))
            .fallback(|| async { answer(404, "") })
            .layer(from_fn(move |request: Request, next: Next| gate(request, next, known.clone(), says.clone())));
        let web = Web::start(app).await;
        let dir = tempfile::tempdir().unwrap();
        let person = ScriptedPerson::who(|question| match question.matter {
            Matter::SignIn { .. } | Matter::Call { .. } => Answer::Yes { scope: Scope::Once },
            _ => Answer::Nobody,
        });
        let browser = Arc::new(Browser::default());
        let options = Options {
            config_dir: Some(dir.path().to_owned()),
            person: Some(person.clone()),
            opener: Some(browser.clone()),
            ..Options::default()
        };
        let app = assembly::open(options).await.unwrap();
        let mut settings = json!({ "url": web.url(if protocol == "sse" { "/sse" } else { "/mcp" }), "proxy": "none" });
        settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let def = ServerDef {
            id: "".into(),
            name: "town".into(),
            protocol: protocol.into(),
            enabled: true,
            settings: settings.as_object().unwrap().clone(),
            extra: JsonMap::new(),
            start: StartRule::default(),
            origin: "window".into(),
            updated_at: Millis::default(),
        };
        let server = app.book.save(def, &actor()).await.unwrap().def.id;
        Self { app, server, person, browser, tokens, issuer, named, _web: web, dir }
    }

    async fn call(&self, tool: &str) -> Result<CallDone, Fault> {
        let args = if tool == "echo" { json!({ "message": "hello" }) } else { json!({}) };
        let order = CallOrder {
            server: self.server.clone(),
            tool: tool.into(),
            args: args.as_object().unwrap().clone(),
            actor: actor(),
            call: CallId::new(uuid::Uuid::new_v4().to_string()),
            timeout: None,
            approve_once: false,
        };
        self.app.desk.call(order).await
    }

    async fn works(&self) {
        assert_eq!(self.call("echo").await.unwrap().result.text(), "hello");
    }

    /// The same connection anew.
    async fn again(&self) {
        self.app.sessions.disconnect(&self.server).await.unwrap();
        self.works().await;
    }

    fn opened(&self) -> usize {
        self.browser.opened.lock().unwrap().len()
    }

    /// The server forgets all tokens.
    fn revoke(&self) {
        self.tokens.lock().unwrap().clear();
    }

    /// It must fail, and nothing may be redeemed.
    async fn refused(&self, case: &str) -> Fault {
        let fault = self.call("echo").await.map(|done| done.result.text()).expect_err(case);
        assert!(fault.kind == FaultKind::Auth || fault.code == "address_refused", "{case}: {fault:?}");
        assert!(self.tokens.lock().unwrap().is_empty(), "{case}: no token was given");
        fault
    }

    async fn end(self) {
        self.app.shutdown().await;
    }
}

#[tokio::test]
async fn a_person_signs_in_once_and_the_token_is_used_again() {
    for protocol in BOTH {
        let town = Town::new(protocol).await;
        town.works().await;
        let Matter::SignIn { host, url } = &town.person.asked()[0].matter else { panic!("{:?}", town.person.asked()) };
        assert_eq!(host, "127.0.0.1", "{protocol}: the person saw where it leads");
        assert_eq!(town.browser.opened.lock().unwrap()[0].as_str(), url, "{protocol}: and that page was opened");
        assert_eq!(town.issuer.seen("/register").len(), 1, "{protocol}");
        let asked = &town.issuer.seen("/authorize")[0].query;
        let place = if protocol == "sse" { "/sse" } else { "/mcp" };
        assert!(asked["resource"].ends_with(place) && asked["redirect_uri"].starts_with("http://127.0.0.1:"), "{protocol}: {asked:?}");
        assert_eq!(asked["scope"], "read", "{protocol}: what the server names, no more");
        town.again().await;
        assert_eq!((town.opened(), town.issuer.seen("/token").len()), (1, 1), "{protocol}: the token was kept");
        town.end().await;
    }
}

#[tokio::test]
async fn a_token_that_ended_is_refreshed_without_the_person_and_each_refresh_token_is_used_once() {
    for protocol in BOTH {
        let town = Town::new(protocol).await;
        town.works().await;
        for nth in 1..=3 {
            town.revoke();
            town.again().await;
            assert_eq!(town.issuer.redeemed("refresh_token"), nth, "{protocol}");
        }
        assert_eq!(town.opened(), 1, "{protocol}: nobody was asked again");
        let resources: Vec<_> = town.issuer.seen("/token").iter().filter_map(|asked| asked.form.get("resource").cloned()).collect();
        assert_eq!(resources.len(), 4, "{protocol}: every token is for this server");
        town.end().await;

        // One that says of itself that it is at its end is not even shown.
        let town = Town::new(protocol).await;
        town.issuer.mind.whims.lock().unwrap().life = Some(1.into());
        town.works().await;
        town.issuer.mind.whims.lock().unwrap().life = None;
        town.again().await;
        assert!(town.issuer.redeemed("refresh_token") >= 1, "{protocol}");
        assert_eq!(town.opened(), 1, "{protocol}");
        town.end().await;
    }
}

#[tokio::test]
async fn where_a_refresh_fails_the_person_signs_in_anew() {
    for protocol in BOTH {
        let town = Town::new(protocol).await;
        town.works().await;
        town.revoke();
        town.issuer.mind.refreshes.lock().unwrap().clear();
        town.again().await;
        assert_eq!((town.opened(), town.issuer.redeemed("authorization_code")), (2, 2), "{protocol}");
        assert_eq!(town.issuer.seen("/register").len(), 1, "{protocol}: as the client that is known there");
        town.end().await;
    }
}

#[tokio::test]
async fn a_call_that_needs_more_rights_asks_for_them_and_keeps_the_ones_it_has() {
    for protocol in BOTH {
        let town = Town::new(protocol).await;
        town.works().await;
        assert!(!town.call("release").await.unwrap().result.is_error, "{protocol}");
        assert_eq!(town.opened(), 2, "{protocol}: once to sign in, once for more");
        let asked = town.issuer.seen("/authorize").pop().unwrap().query;
        let mut scopes: Vec<_> = asked["scope"].split(' ').collect();
        scopes.sort_unstable();
        assert_eq!(scopes, ["read", "write"], "{protocol}");
        town.works().await;
        assert_eq!(town.opened(), 2, "{protocol}: and the new token does for all");
        town.end().await;
    }
}

#[tokio::test]
async fn what_one_issuer_gave_is_never_shown_to_another() {
    for protocol in BOTH {
        let town = Town::new(protocol).await;
        town.works().await;
        let other = Issuer::new(&town.tokens).await;
        *town.named.lock().unwrap() = other.base();
        town.revoke();
        town.again().await;
        assert_eq!(town.opened(), 2, "{protocol}");
        assert_eq!(other.seen("/register").len(), 1, "{protocol}: known there by an id of its own");
        assert_eq!(other.redeemed("refresh_token"), 0, "{protocol}: the first one's refresh token stays here");
        let client = &town.issuer.seen("/authorize")[0].query["client_id"];
        assert_ne!(&other.seen("/authorize")[0].query["client_id"], client, "{protocol}");
        town.end().await;
    }
}

#[tokio::test]
async fn a_client_that_describes_itself_at_an_address_needs_no_registration() {
    const DOCUMENT: &str = "https://pilothouse.example/client.json";
    for protocol in BOTH {
        let town = Town::with(protocol, json!({ "oauth": { "client_metadata_url": DOCUMENT } })).await;
        town.issuer.spoil(|document, _| document["client_id_metadata_document_supported"] = true.into());
        town.works().await;
        assert_eq!(town.issuer.seen("/authorize")[0].query["client_id"], DOCUMENT, "{protocol}");
        assert!(town.issuer.seen("/register").is_empty(), "{protocol}");
        town.end().await;
        // Where the issuer knows nothing of such documents, it is registered after all.
        let town = Town::with(protocol, json!({ "oauth": { "client_metadata_url": DOCUMENT } })).await;
        town.works().await;
        assert_eq!(town.issuer.seen("/register").len(), 1, "{protocol}");
        town.end().await;
    }
}

#[tokio::test]
async fn a_machine_signs_for_itself_with_its_own_key() {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let oauth = json!({ "grant": "client_credentials", "client_id": "robot", "private_key": key.serialize_pem() });
    for protocol in BOTH {
        let town = Town::with(protocol, json!({ "oauth": oauth })).await;
        *town.issuer.mind.key.lock().unwrap() = Some(key.public_key_raw().to_vec());
        town.works().await;
        assert_eq!((town.opened(), town.person.asked().len()), (0, 0), "{protocol}: no person is needed");
        town.end().await;
        let town = Town::with(protocol, json!({ "oauth": oauth })).await;
        let stranger = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        *town.issuer.mind.key.lock().unwrap() = Some(stranger.public_key_raw().to_vec());
        town.refused("another key").await;
        town.end().await;
    }
}

#[tokio::test]
async fn the_time_that_a_person_takes_to_sign_in_is_not_the_servers() {
    let slowly = async |protocol: &'static str| {
        let town = Town::with(protocol, json!({ "start_timeout": 9, "timeout": 9 })).await;
        // Longer than the start may take, and longer than a server may be silent over its era.
        *town.browser.slow.lock().unwrap() = Duration::from_secs(11);
        town.works().await;
        assert_eq!((town.opened(), town.person.asked().len()), (1, 1), "{protocol}: asked once, and waited for");
        town.end().await;
    };
    tokio::join!(slowly("stream_http"), slowly("sse"));
}

#[tokio::test]
async fn nobody_at_the_door_means_no_page_and_a_fault_that_says_so() {
    for protocol in BOTH {
        let town = Town::new(protocol).await;
        let options = Options {
            config_dir: Some(town.dir.path().to_owned()),
            person: Some(Arc::new(domain::person::NobodyThere)),
            opener: Some(town.browser.clone()),
            ..Options::default()
        };
        let script = assembly::open(options).await.unwrap();
        let fault = script.sessions.connect(&town.server, &Actor { can_ask: false, ..actor() }).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Auth, "{protocol}: {fault:?}");
        assert_eq!(town.opened(), 0, "{protocol}");
        script.shutdown().await;
        town.end().await;
    }
}

#[tokio::test]
async fn c44_c45_c47_a_description_that_cannot_be_trusted_ends_before_any_page() {
    type Bad = fn(&mut Json, &str);
    let cases: [(&str, Bad); 12] = [
        ("a script", |document, _| document["authorization_endpoint"] = "javascript:alert(1)".into()),
        ("a file", |document, _| document["authorization_endpoint"] = "file:///etc/passwd".into()),
        ("a command", |document, base| document["authorization_endpoint"] = format!("{base}/$(calc.exe)").into()),
        ("an option", |document, _| document["authorization_endpoint"] = "--new-window".into()),
        ("64 KiB", |document, base| document["authorization_endpoint"] = format!("{base}/{}", "x".repeat(65_536)).into()),
        ("a line end", |document, base| document["authorization_endpoint"] = format!("{base}/\r\nx: y").into()),
        ("a user in it", |document, _| document["authorization_endpoint"] = "https://bank.example@evil.example/".into()),
        ("no PKCE", |document, _| drop(document.as_object_mut().unwrap().remove("code_challenge_methods_supported"))),
        ("plain PKCE", |document, _| document["code_challenge_methods_supported"] = json!(["plain"])),
        ("another issuer", |document, _| document["issuer"] = "https://evil.example".into()),
        ("a registration in the metadata service", |document, _| {
            document["registration_endpoint"] = "http://169.254.169.254/latest".into();
        }),
        ("a registration in the clear", |document, _| document["registration_endpoint"] = "http://10.0.0.1/register".into()),
    ];
    for protocol in BOTH {
        for (case, bad) in cases {
            let town = Town::new(protocol).await;
            town.issuer.spoil(bad);
            town.refused(&format!("{protocol}: {case}")).await;
            assert_eq!(town.opened(), 0, "{protocol}: {case}: a page was opened");
            town.end().await;
        }
    }
}

#[tokio::test]
async fn c45_a_code_is_not_taken_where_tokens_must_not_come_from() {
    for protocol in BOTH {
        let town = Town::new(protocol).await;
        town.issuer.spoil(|document, _| document["token_endpoint"] = "http://169.254.169.254/token".into());
        town.refused("a token from the metadata service").await;
        town.end().await;
    }
}

#[tokio::test]
async fn c46_only_the_answer_that_is_waited_for_is_taken() {
    for protocol in BOTH {
        // A page that guesses comes first; the browser is sent on to it, then the person's own answer comes.
        let town = Town::new(protocol).await;
        town.issuer.odd(|asked| {
            if asked.path == "/authorize" && !asked.query.contains_key("real") {
                // The person's page is opened again by the test below.
                return Some(moved(&format!("{}?code=evil&state=guess", asked.query["redirect_uri"])));
            }
            None
        });
        let own = async {
            while town.browser.opened.lock().unwrap().is_empty() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            let mut page = town.browser.opened.lock().unwrap()[0].clone();
            let back = page.query_pairs().find(|(name, _)| name == "redirect_uri").unwrap().1.into_owned();
            visit(&Url::parse(&format!("{back}?code=evil")).unwrap()).await;
            page.query_pairs_mut().append_pair("real", "1");
            let to = visit(&page).await.unwrap();
            visit(&Url::parse(&to).unwrap()).await;
            assert!(visit(&Url::parse(&to).unwrap()).await.is_none(), "it listens no longer");
        };
        tokio::join!(town.works(), own);
        assert!(town.issuer.seen("/token").iter().all(|asked| asked.form["code"] != "evil"), "{protocol}");
        town.end().await;

        for (case, back) in [
            ("another issuer", "code=x&iss=https%3A%2F%2Fevil.example"),
            ("no issuer where one is promised", "code=x"),
            ("a refusal with a page in it", "error=access_denied&error_description=%3Cscript%3Ealert(1)%3C%2Fscript%3E"),
            ("a refusal of another issuer", "error=%3Cb%3Eevil%3C%2Fb%3E&error_description=call+555&iss=https%3A%2F%2Fevil.example"),
        ] {
            let town = Town::new(protocol).await;
            town.issuer.odd(move |asked| {
                (asked.path == "/authorize")
                    .then(|| moved(&format!("{}?{back}&state={}", asked.query["redirect_uri"], encoded(&asked.query["state"]))))
            });
            let fault = town.refused(&format!("{protocol}: {case}")).await;
            let told = serde_json::to_string(&fault).unwrap();
            assert!(!told.contains("script") && !told.contains("<b>") && !told.contains("call 555"), "{protocol}: {case}: {told}");
            assert!(town.issuer.seen("/token").is_empty(), "{protocol}: {case}: nothing was redeemed");
            town.end().await;
        }
    }
}

#[tokio::test]
async fn c47_lives_that_cannot_be_are_taken_with_care_and_a_token_that_cannot_be_sent_is_refused() {
    for protocol in BOTH {
        for life in [json!(0), json!(1_000_000_000_000_000_000_u64), Json::Null] {
            let town = Town::new(protocol).await;
            town.issuer.mind.whims.lock().unwrap().life = Some(life.clone());
            town.works().await;
            town.again().await;
            assert_eq!(town.opened(), 1, "{protocol}: {life}");
            town.end().await;
        }
        for token in ["x".repeat(10 << 20), "a\r\nx-evil: 1".to_owned(), String::new()] {
            let town = Town::new(protocol).await;
            let sent = token.clone();
            town.issuer.odd(move |asked| {
                let body = json!({ "access_token": sent, "token_type": "Bearer" }).to_string();
                (asked.path == "/token").then(|| answer(200, body))
            });
            town.refused(&format!("{protocol}: a token of {} bytes", token.len())).await;
            town.end().await;
        }
    }
}

#[tokio::test]
async fn c48_a_description_that_is_none_is_given_up() {
    let endless = || {
        let piece: Result<Bytes, std::io::Error> = Ok(Bytes::from(vec![b' '; 64 << 10]));
        Body::from_stream(futures::stream::repeat_with(move || Ok::<_, std::io::Error>(piece.as_ref().unwrap().clone())))
    };
    for protocol in BOTH {
        for case in ["endless", "no JSON", "a ring of redirects", "a list"] {
            let town = Town::new(protocol).await;
            town.issuer.odd(move |asked| {
                asked.path.starts_with("/.well-known/").then(|| match case {
                    "endless" => answer(200, endless()),
                    "no JSON" => answer(200, "<html>sign in</html>"),
                    "a list" => answer(200, "[]"),
                    _ => moved(&asked.path),
                })
            });
            // Without a description the old default places are tried; there is no registration there either.
            town.issuer.mind.whims.lock().unwrap().spoil = None;
            let fault = town.call("echo").await.map(|done| done.result.text());
            if case == "endless" || fault.is_err() {
                assert!(fault.is_err(), "{protocol}: {case}");
            } else {
                panic!("{protocol}: {case}: a sign-in went ahead: {fault:?}");
            }
            town.end().await;
        }
    }
}
