//! Signing in to a cluster at its issuer, through the whole app: the browser's way, the code's way, out again, and everything between.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use app::App;
use app::clusters::{ImportOrder, LoggedIn, LoginOrder, LoginStep, PageBy};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use cluster::{Reach, ReachParts};
use domain::Json;
use domain::cluster::{ClusterAuth, ClusterDef, Clusters as _};
use domain::fault::{Fault, FaultKind};
use domain::kubeconfig::{KubeSource, Wanted};
use domain::person::{Answer, Matter, Scope};
use domain::policy::Actor;
use domain::ports::{AuditLog as _, Settings as _};
use domain::reach::ClusterReach as _;
use domain::secret::Redact as _;
use domain::sign_in::{Revocation, SignInWay};
use domain::vault::{NewSecret, Owner, SecretBytes, SecretKind, Vault as _, VaultKind, VaultState};
use protocols::guard::Errands;
use serde_json::json;
use testkit::issuer::{Issuer, Registration, Whims, visit};
use testkit::stage::RealClock;
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;
use url::Url;

use crate::house::{House, script, window};

const BROWSER: SignInWay = SignInWay::Browser { port: None };

/// The real thing over a house's vault.
fn reach(house: &House) -> Reach {
    Reach::new(ReachParts {
        vault: house.vault.clone(),
        run: Arc::new(Errands::new(Arc::from([]), TaskTracker::new())),
        redact: house.redact.clone(),
        clock: Arc::new(RealClock),
        env: Arc::new(BTreeMap::new()),
        plugin_patience: Reach::PLUGIN_PATIENCE,
    })
}

#[derive(Clone)]
struct Scene {
    house: House,
    app: Arc<App>,
    reach: Arc<Reach>,
    issuer: Arc<Issuer>,
    steps: Arc<Mutex<Vec<LoginStep>>>,
}

impl Scene {
    async fn new() -> Self {
        Self::with(Registration::default(), None).await
    }

    /// A cluster of that issuer; `kept` is what the vault has of an earlier sign-in.
    async fn with(known: Registration, kept: Option<Json>) -> Self {
        let (house, issuer) = (House::open().await, Arc::new(Issuer::knowing(known).await));
        house.vault.stand(VaultState::Unlocked { kind: VaultKind::Session });
        let reach = Arc::new(reach(&house));
        let app = house.reaching(reach.clone()).await;
        let scene = Self { house, app, reach, issuer, steps: Arc::default() };
        let state = match kept {
            Some(kept) => {
                let owner = Owner::new("cluster", "c1", "oidc");
                let new = NewSecret { owner, value: SecretBytes::new(kept.to_string()), kind: SecretKind::SignIn, expires_at: None };
                scene.house.vault.keep(vec![new]).await.unwrap().pop()
            }
            None => None,
        };
        let auth = ClusterAuth::Oidc {
            issuer: scene.issuer.url(),
            client_id: "pilot".into(),
            scopes: vec!["email".into()],
            ca_pem: None,
            state,
            redirects: Vec::new(),
        };
        let def: ClusterDef = serde_json::from_value(json!({
            "id": "c1", "name": "prod", "server": "https://api.example", "insecure": false, "auth": auth, "readOnly": false,
            "createdAt": 0, "updatedAt": 0,
        }))
        .unwrap();
        scene.house.clusters.put_clusters(&[def]).await.unwrap();
        scene
    }

    async fn def(&self) -> ClusterDef {
        self.app.clusters.get("prod").await.unwrap()
    }

    /// What the vault has of the sign-in.
    async fn kept(&self) -> Option<Json> {
        let def = self.def().await;
        let id = def.auth.secrets().first().map(|id| (*id).clone())?;
        Some(serde_json::from_slice(self.house.vault.open(&id).await.unwrap().expose()).unwrap())
    }

    fn login(&self, way: SignInWay) -> JoinHandle<Result<LoggedIn, Fault>> {
        self.login_as(way, PageBy::Opening, window())
    }

    fn login_as(&self, way: SignInWay, page: PageBy, by: Actor) -> JoinHandle<Result<LoggedIn, Fault>> {
        let (scene, order) = (self.clone(), LoginOrder { cluster: "prod".into(), way, page });
        tokio::spawn(async move {
            let steps = scene.steps.clone();
            scene.app.clusters.login(&order, &move |step| steps.lock().unwrap().push(step), &by).await
        })
    }

    /// The person says yes to the page that they are asked about, and it opens. Answers its address.
    async fn lets_it_open(&self, nth: usize) -> String {
        loop {
            if let Some(question) = self.app.questions.pending().first() {
                let Matter::SignIn { host, url } = &question.matter else { panic!("{question:?}") };
                assert_eq!((host.as_str(), question.server_name.as_str()), ("127.0.0.1", "prod"));
                assert!(self.house.browser.opened().len() < nth, "nothing opens before they agreed");
                let url = url.clone();
                self.app.questions.answer(&question.id, Answer::Yes { scope: Scope::Once }).unwrap();
                self.house.until(|house| house.browser.opened().len() >= nth).await;
                assert_eq!(self.house.browser.opened()[nth - 1], url, "what they saw is what opened");
                return url;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn code(&self) -> domain::sign_in::SignInCode {
        loop {
            if let Some(LoginStep::Code(code)) = self.steps.lock().unwrap().last() {
                return code.clone();
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Nothing that the issuer gave out is in a fault, in the audit, or in a definition.
    async fn nothing_leaked(&self, fault: Option<&Fault>) {
        let rows = self.house.audit.list(domain::audit::Filter { limit: 100, ..domain::audit::Filter::default() }).await.unwrap();
        let told = format!("{fault:?} {rows:?} {:?}", self.house.clusters.clusters().await.unwrap());
        for secret in self.issuer.secrets() {
            assert!(!told.contains(&secret), "{secret} in {told}");
        }
        assert!(!told.contains("canary"), "the issuer's own words are not repeated: {told}");
    }
}

fn port_of(page: &str) -> u16 {
    let page = Url::parse(page).unwrap();
    let redirect = page.query_pairs().find(|(name, _)| name == "redirect_uri").unwrap().1.into_owned();
    Url::parse(&redirect).unwrap().port().unwrap()
}

async fn listens(port: u16) -> bool {
    tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok()
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[tokio::test]
async fn a_person_signs_in_with_the_browser_and_the_cluster_has_their_token() {
    let scene = Scene::new().await;
    let state = scene.app.clusters.sign_in_state("prod").await.unwrap();
    assert!(state.needed && state.user.is_none());
    let login = scene.login(BROWSER);
    let page = scene.lets_it_open(1).await;
    assert!(listens(port_of(&page)).await);
    scene.issuer.agrees(&page).await;
    let done = login.await.unwrap().unwrap();
    assert_eq!((done.cluster.as_str(), done.user.as_str(), done.issuer.as_str()), ("prod", "ann@example.org", scene.issuer.url().as_str()));
    assert!(done.renews && !listens(port_of(&page)).await, "nobody listens any more");

    let asked: BTreeMap<String, String> = Url::parse(&page).unwrap().query_pairs().into_owned().collect();
    assert_eq!((asked["scope"].as_str(), asked["code_challenge_method"].as_str()), ("openid offline_access email", "S256"));
    assert!(asked["state"].len() >= 43 && asked["nonce"].len() >= 43 && asked["state"] != asked["nonce"]);
    let kept = scene.kept().await.unwrap();
    let credential = scene.reach.credential(&scene.def().await).await.unwrap();
    assert_eq!(credential.token.unwrap().expose(), kept["idToken"].as_str().unwrap());
    assert!(scene.issuer.honours(kept["refreshToken"].as_str().unwrap()));
    for secret in scene.issuer.secrets() {
        assert_eq!(scene.house.redact.redact(&secret), "[secret]", "no log line repeats {secret}");
    }
    let verifier = scene.issuer.asked("/token")[0]["code_verifier"].clone();
    assert_eq!(scene.house.redact.redact(&verifier), "[secret]");
    scene.nothing_leaked(None).await;
    assert!(scene.house.audit.story().ends_with(&["cluster_sign_in_started".into(), "cluster_signed_in".into()]));
    let state = scene.app.clusters.sign_in_state("prod").await.unwrap();
    assert_eq!((state.needed, state.renews, state.user.as_deref()), (false, true, Some("ann@example.org")));
}

#[tokio::test]
async fn a_client_with_a_secret_shows_it_and_keeps_it() {
    let known = Registration { secret: Some("s3 cret/+".into()), alg: "ES256", ..Registration::default() };
    let scene = Scene::with(known, Some(json!({ "clientSecret": "s3 cret/+" }))).await;
    let login = scene.login(BROWSER);
    let page = scene.lets_it_open(1).await;
    scene.issuer.agrees(&page).await;
    login.await.unwrap().unwrap();
    assert_eq!(scene.kept().await.unwrap()["clientSecret"], "s3 cret/+");
    assert!(!scene.issuer.asked("/token")[0].contains_key("client_secret"), "it stands in the header");
}

#[tokio::test]
async fn a_code_that_was_made_for_somebody_else_is_not_redeemed() {
    let scene = Scene::new().await;
    let login = scene.login(BROWSER);
    let page = scene.lets_it_open(1).await;
    // An attacker's own code, with the right state: its challenge goes with another verifier.
    let foreign = page.replace("code_challenge=", "code_challenge=A").replace("&code_challenge_method", "_&code_challenge_method");
    let (from, to) = (foreign.find("code_challenge=").unwrap() + 15, foreign.find("_&code_challenge_method").unwrap());
    let page = format!("{}{}{}", &foreign[..from], "A".repeat(43), &foreign[to + 1..]);
    scene.issuer.agrees(&page).await;
    let fault = login.await.unwrap().unwrap_err();
    assert_eq!((fault.code.as_str(), fault.kind), ("sign_in_refused", FaultKind::Auth), "{fault}");
    assert_eq!(scene.kept().await, None);
    scene.nothing_leaked(Some(&fault)).await;
}

#[tokio::test]
async fn a_visitor_without_our_state_neither_ends_the_sign_in_nor_gets_in() {
    let scene = Scene::new().await;
    let login = scene.login(BROWSER);
    let page = scene.lets_it_open(1).await;
    let port = port_of(&page);
    visit(&format!("http://127.0.0.1:{port}/callback?code=evil&state=guess")).await;
    visit(&format!("http://127.0.0.1:{port}/callback?error=access_denied")).await;
    assert!(!login.is_finished() && scene.issuer.asked("/token").is_empty());
    scene.issuer.agrees(&page).await;
    login.await.unwrap().unwrap();
}

type Change = fn(&Issuer);

fn claims(issuer: &Issuer, name: &'static str, value: Json) {
    issuer.whims(|whims| whims.claims = Some(Box::new(move |claims| claims[name] = value.clone())));
}

#[tokio::test]
async fn an_answer_that_does_not_fit_is_not_taken_and_what_was_kept_stays() {
    let table: [(&str, Change); 9] = [
        ("wrong nonce", |issuer| claims(issuer, "nonce", json!("another"))),
        ("no nonce", |issuer| claims(issuer, "nonce", Json::Null)),
        ("token of another issuer", |issuer| claims(issuer, "iss", json!("https://evil.example"))),
        ("token for another client", |issuer| claims(issuer, "aud", json!("other"))),
        ("token that has ended", |issuer| claims(issuer, "exp", json!(1000))),
        ("came back from another issuer", |issuer| {
            issuer.whims(|whims| {
                whims.back = Some(Box::new(|back| {
                    back.retain(|(name, _)| name != "iss");
                    back.push(("iss".into(), "https://evil.example".into()));
                }));
            });
        }),
        ("came back without saying from whom", |issuer| {
            issuer.whims(|whims| whims.back = Some(Box::new(|back| back.retain(|(name, _)| name != "iss"))));
        }),
        ("came back without a code", |issuer| {
            issuer.whims(|whims| whims.back = Some(Box::new(|back| back.retain(|(name, _)| name != "code"))));
        }),
        ("came back with two codes", |issuer| {
            issuer.whims(|whims| whims.back = Some(Box::new(|back| back.push(("code".into(), "second".into())))));
        }),
    ];
    let mut wrong = Vec::new();
    for (what, change) in table {
        let before = json!({ "refreshToken": "as it was" });
        let scene = Scene::with(Registration::default(), Some(before.clone())).await;
        change(&scene.issuer);
        let login = scene.login(BROWSER);
        let page = scene.lets_it_open(1).await;
        scene.issuer.agrees(&page).await;
        match login.await.unwrap() {
            Err(fault) if (fault.code.as_str(), fault.kind) == ("sign_in_answer", FaultKind::Protocol) => {
                assert_eq!(scene.kept().await.unwrap(), before, "{what}");
                scene.nothing_leaked(Some(&fault)).await;
            }
            other => wrong.push((what, other)),
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[tokio::test]
async fn a_refusal_is_told_by_its_standard_word_only() {
    for (word, shown) in [("access_denied", "access_denied"), ("<b>call 0800</b>", "bcall0800b")] {
        let scene = Scene::new().await;
        scene.issuer.whims(|whims| {
            whims.back = Some(Box::new(move |back| {
                back.retain(|(name, _)| name != "code");
                back.push(("error".into(), word.into()));
                back.push(("error_description".into(), "canary".into()));
            }));
        });
        let login = scene.login(BROWSER);
        let page = scene.lets_it_open(1).await;
        scene.issuer.agrees(&page).await;
        let fault = login.await.unwrap().unwrap_err();
        assert_eq!((fault.code.as_str(), fault.kind), ("sign_in_refused", FaultKind::Auth));
        assert!(fault.message.en.ends_with(&format!(": {shown}")), "{fault}");
        scene.nothing_leaked(Some(&fault)).await;
    }
}

#[tokio::test]
async fn a_person_who_does_not_come_back_is_waited_for_five_minutes() {
    let scene = Scene::new().await;
    let login = scene.login_as(BROWSER, PageBy::Telling, script());
    scene.house.until(|_| !scene.steps.lock().unwrap().is_empty()).await;
    let LoginStep::Page { url, opened: false } = scene.steps.lock().unwrap()[0].clone() else { panic!("it is told") };
    assert!(listens(port_of(&url)).await);
    // From now on nothing happens but time.
    tokio::time::pause();
    let began = tokio::time::Instant::now();
    let fault = login.await.unwrap().unwrap_err();
    let waited = began.elapsed();
    tokio::time::resume();
    assert_eq!((fault.code.as_str(), fault.kind), ("sign_in_timeout", FaultKind::Timeout));
    assert!(waited > Duration::from_secs(280) && waited < Duration::from_secs(310), "{waited:?}");
    assert!(!listens(port_of(&url)).await && scene.house.browser.opened().is_empty());
}

#[tokio::test]
async fn a_sign_in_that_is_given_up_leaves_no_listener() {
    let scene = Scene::new().await;
    let login = scene.login(BROWSER);
    let page = scene.lets_it_open(1).await;
    scene.app.clusters.cancel_login("prod").await.unwrap();
    let fault = login.await.unwrap().unwrap_err();
    assert_eq!((fault.code.as_str(), fault.kind), ("sign_in_cancelled", FaultKind::Cancelled));
    assert!(!listens(port_of(&page)).await);
    // And the next one begins afresh.
    let login = scene.login(BROWSER);
    let page = scene.lets_it_open(2).await;
    scene.issuer.agrees(&page).await;
    login.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_person_who_says_no_is_not_sent_anywhere() {
    let scene = Scene::new().await;
    let login = scene.login(BROWSER);
    scene.house.until(|_| !scene.app.questions.pending().is_empty()).await;
    let question = scene.app.questions.pending().remove(0);
    scene.app.questions.answer(&question.id, Answer::No { reason: String::new() }).unwrap();
    let fault = login.await.unwrap().unwrap_err();
    assert_eq!((fault.code.as_str(), fault.kind), ("sign_in_declined", FaultKind::Cancelled));
    assert!(scene.house.browser.opened().is_empty());
}

#[tokio::test]
async fn of_two_sign_ins_the_second_goes_on_also_on_one_registered_port() {
    let port = free_port();
    let known = Registration { redirects: vec![format!("http://localhost:{port}")], ..Registration::default() };
    let scene = Scene::with(known, None).await;
    let way = SignInWay::Browser { port: Some(port) };
    let first = scene.login(way);
    let old = scene.lets_it_open(1).await;
    let second = scene.login(way);
    let fault = first.await.unwrap().unwrap_err();
    assert_eq!((fault.code.as_str(), fault.kind), ("sign_in_replaced", FaultKind::Cancelled));
    let page = scene.lets_it_open(2).await;
    assert_ne!(page, old, "a state of its own");
    scene.issuer.agrees(&old).await;
    assert!(!second.is_finished(), "the answer to the first is none to the second");
    scene.issuer.agrees(&page).await;
    second.await.unwrap().unwrap();
    let ClusterAuth::Oidc { redirects, .. } = scene.def().await.auth else { panic!("it still signs in") };
    assert_eq!(redirects, [format!("http://localhost:{port}")], "what worked is remembered");

    // Another program on that port is told, and not talked to.
    let squatter = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    let fault = scene.login(BROWSER).await.unwrap().unwrap_err();
    assert_eq!((fault.code.as_str(), fault.kind), ("redirect_port_taken", FaultKind::Config));
    drop(squatter);
}

#[tokio::test]
async fn a_code_is_typed_elsewhere_while_the_issuer_sets_the_pace() {
    let scene = Scene::new().await;
    let login = scene.login(SignInWay::Code);
    let code = scene.code().await;
    assert!(code.page.starts_with(&scene.issuer.url()) && code.page_with_code.unwrap().ends_with(&code.code));
    // Once pending, then as if it had asked too fast.
    scene.house.until(|_| !scene.issuer.asked("/token").is_empty()).await;
    let slow = Arc::new(Mutex::new(true));
    let once = slow.clone();
    scene.issuer.whims(|whims| {
        whims.odd = Some(Box::new(move |path| {
            let slow = path == "/token" && std::mem::take(&mut *once.lock().unwrap());
            slow.then(|| (StatusCode::BAD_REQUEST, r#"{"error":"slow_down"}"#).into_response())
        }));
    });
    scene.house.until(|_| !*slow.lock().unwrap()).await;
    let began = std::time::Instant::now();
    scene.issuer.types(&code.code);
    let done = login.await.unwrap().unwrap();
    assert_eq!(done.user, "ann@example.org");
    assert!(began.elapsed() > Duration::from_secs(4), "five seconds more between two questions");
    assert!(scene.house.browser.opened().is_empty() && scene.app.questions.pending().is_empty(), "nothing opens here");
    assert!(scene.kept().await.unwrap()["refreshToken"].is_string());
    scene.nothing_leaked(None).await;
}

#[tokio::test]
async fn a_code_that_is_refused_or_comes_to_its_end_or_is_given_up_signs_nobody_in() {
    let scene = Scene::new().await;
    let login = scene.login(SignInWay::Code);
    scene.issuer.refuses(&scene.code().await.code);
    let fault = login.await.unwrap().unwrap_err();
    assert_eq!((fault.code.as_str(), fault.kind), ("sign_in_refused", FaultKind::Auth));
    scene.nothing_leaked(Some(&fault)).await;

    let scene = Scene::with(Registration { patience: 2, ..Registration::default() }, None).await;
    let fault = scene.login(SignInWay::Code).await.unwrap().unwrap_err();
    assert_eq!((fault.code.as_str(), fault.kind), ("sign_in_timeout", FaultKind::Timeout));

    let scene = Scene::new().await;
    let login = scene.login(SignInWay::Code);
    scene.code().await;
    scene.app.clusters.cancel_login("prod").await.unwrap();
    assert_eq!(login.await.unwrap().unwrap_err().code, "sign_in_cancelled");

    let scene = Scene::new().await;
    scene.issuer.whims(|whims| {
        whims.discovery = Some(Box::new(|about| {
            about.as_object_mut().unwrap().remove("device_authorization_endpoint");
        }));
    });
    let fault = scene.login(SignInWay::Code).await.unwrap().unwrap_err();
    assert_eq!((fault.code.as_str(), fault.kind), ("no_device_flow", FaultKind::Config));
}

#[tokio::test]
async fn a_refused_renewal_asks_for_a_sign_in_here_and_loses_nothing() {
    let before = json!({ "refreshToken": "of last year", "clientSecret": "s" });
    let scene = Scene::with(Registration { secret: Some("s".into()), ..Registration::default() }, Some(before)).await;
    let fault = scene.reach.credential(&scene.def().await).await.unwrap_err();
    assert_eq!((fault.code.as_str(), fault.kind), ("sign_in_needed", FaultKind::Auth));
    assert!(fault.hint.en.contains("pilot cluster login prod") && fault.hint.zh.contains("pilot cluster login prod"), "{:?}", fault.hint);
    assert_eq!(scene.kept().await.unwrap()["refreshToken"], "of last year");
    assert!(scene.app.clusters.sign_in_state("prod").await.unwrap().needed);
    let login = scene.login(BROWSER);
    let page = scene.lets_it_open(1).await;
    scene.issuer.agrees(&page).await;
    login.await.unwrap().unwrap();
    assert!(scene.reach.credential(&scene.def().await).await.unwrap().token.is_some());
    assert!(!scene.app.clusters.sign_in_state("prod").await.unwrap().needed);
}

/// A cluster whose id token has to be renewed at each use.
async fn restless() -> Scene {
    let scene = Scene::with(Registration { life: 30, ..Registration::default() }, None).await;
    let login = scene.login(BROWSER);
    let page = scene.lets_it_open(1).await;
    scene.issuer.agrees(&page).await;
    login.await.unwrap().unwrap();
    scene.issuer.known(|known| known.life = 3600);
    scene
}

#[tokio::test]
async fn many_who_need_a_new_token_at_once_use_the_refresh_token_once() {
    let scene = restless().await;
    let def = scene.def().await;
    let all = futures::future::join_all((0..8).map(|_| scene.reach.credential(&def))).await;
    assert!(all.iter().all(Result::is_ok));
    let refreshed = scene.issuer.asked("/token").iter().filter(|form| form["grant_type"] == "refresh_token").count();
    assert_eq!(refreshed, 1, "the issuer would take a second one for a thief");
    assert!(scene.issuer.honours(scene.kept().await.unwrap()["refreshToken"].as_str().unwrap()));
}

#[tokio::test]
async fn many_processes_that_need_a_new_token_at_once_use_the_refresh_token_once() {
    let scene = restless().await;
    let def = scene.def().await;
    let processes: Vec<Reach> = (0..6).map(|_| reach(&scene.house).resting_in(scene.house.settings.clone())).collect();
    let all = futures::future::join_all(processes.iter().map(|process| process.credential(&def))).await;
    assert!(all.iter().all(Result::is_ok), "{all:?}");
    let refreshed = scene.issuer.asked("/token").iter().filter(|form| form["grant_type"] == "refresh_token").count();
    assert_eq!(refreshed, 1);
    assert!(scene.issuer.honours(scene.kept().await.unwrap()["refreshToken"].as_str().unwrap()), "nobody was taken for a thief");
    let turns = scene.house.settings.with_prefix("sign-in-turn:").await.unwrap();
    assert!(turns.is_empty(), "the turn was given back: {turns:?}");
}

#[tokio::test]
async fn a_renewal_that_meets_a_locked_vault_is_kept_when_it_opens() {
    let scene = restless().await;
    let (def, vault) = (scene.def().await, scene.house.vault.clone());
    scene.issuer.whims(|whims| {
        whims.odd = Some(Box::new(move |path| {
            if path == "/token" {
                vault.lock();
            }
            None
        }));
    });
    let before = scene.reach.credential(&def).await.unwrap().token.unwrap();
    scene.issuer.whims(|whims| whims.odd = None);
    assert_eq!(scene.reach.credential(&def).await.unwrap_err().code, "vault_locked", "what is held stands in for no vault");
    scene.house.vault.stand(VaultState::Unlocked { kind: VaultKind::Session });
    let after = scene.reach.credential(&def).await.unwrap().token.unwrap();
    assert_eq!(before.expose(), after.expose(), "what was held is used");
    let kept = scene.kept().await.unwrap();
    assert_eq!(kept["idToken"], after.expose());
    assert!(scene.issuer.honours(kept["refreshToken"].as_str().unwrap()), "the new one is kept, not the one that was used up");
}

#[tokio::test]
async fn a_sign_in_that_ends_at_a_locked_vault_is_held_for_the_window_and_told_to_scripts() {
    for (by, held) in [(window(), true), (script(), false)] {
        let before = json!({ "refreshToken": "as it was" });
        let scene = Scene::with(Registration::default(), Some(before.clone())).await;
        let login = scene.login_as(BROWSER, PageBy::Telling, by);
        scene.house.until(|_| !scene.steps.lock().unwrap().is_empty()).await;
        let LoginStep::Page { url, .. } = scene.steps.lock().unwrap()[0].clone() else { panic!("a page") };
        scene.house.vault.lock();
        scene.issuer.agrees(&url).await;
        let fault = login.await.unwrap().unwrap_err();
        assert_eq!((fault.code.as_str(), fault.kind), ("sign_in_unkept", FaultKind::Auth));
        assert_eq!(fault.params["held"], held);
        assert!(fault.hint.en.to_lowercase().contains("vault"), "{:?}", fault.hint);
        scene.nothing_leaked(Some(&fault)).await;
        scene.house.vault.stand(VaultState::Unlocked { kind: VaultKind::Session });
        if held {
            while scene.kept().await.unwrap() == before {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            assert!(scene.reach.credential(&scene.def().await).await.unwrap().token.is_some());
        } else {
            assert_eq!(scene.kept().await.unwrap(), before);
        }
    }
    // A vault that is shut already is told before anybody types a password.
    let scene = Scene::with(Registration::default(), Some(json!({}))).await;
    scene.house.vault.lock();
    assert_eq!(scene.login(BROWSER).await.unwrap().unwrap_err().code, "vault_locked");
    assert!(scene.app.questions.pending().is_empty());
}

/// An issuer that says something else of itself.
fn about(name: &'static str, value: Json) -> Whims {
    Whims { discovery: Some(Box::new(move |about| about[name] = value.clone())), ..Whims::default() }
}

#[tokio::test]
async fn a_hostile_discovery_document_sends_nobody_anywhere() {
    let other = Issuer::start().await;
    let elsewhere = other.url();
    let redirect = format!("{elsewhere}/.well-known/openid-configuration");
    let odd = |answer: fn(&str) -> Response| Whims { odd: Some(Box::new(move |_| Some(answer("")))), ..Whims::default() };
    let table = [
        ("another issuer", about("issuer", json!("https://evil.example"))),
        ("a page without TLS", about("authorization_endpoint", json!("http://evil.example/a"))),
        ("a page that is no page", about("authorization_endpoint", json!("javascript:alert(1)"))),
        ("a page that a shell could take for its own", about("authorization_endpoint", json!("https://evil.example/$(id)"))),
        ("no page", about("authorization_endpoint", Json::Null)),
        ("a huge one", about("x", json!("x".repeat(2 * 1024 * 1024)))),
        ("none", odd(|_| StatusCode::NOT_FOUND.into_response())),
        ("no JSON", odd(|_| "<html>".into_response())),
        ("a redirect", Whims { odd: Some(Box::new(move |_| Some(Redirect::temporary(&redirect).into_response()))), ..Whims::default() }),
    ];
    for (what, change) in table {
        let scene = Scene::new().await;
        scene.issuer.whims(|whims| *whims = change);
        let fault = scene.login(BROWSER).await.unwrap().unwrap_err();
        assert_eq!((fault.code.as_str(), fault.kind), ("issuer_unreachable", FaultKind::Unreachable), "{what}: {fault}");
        assert!(scene.house.browser.opened().is_empty() && scene.app.questions.pending().is_empty(), "{what}");
    }
    assert!(other.asked("/.well-known/openid-configuration").is_empty(), "nobody followed");

    // Not within the issuer either: what stands at another path may be somebody else's.
    let scene = Scene::new().await;
    let base = scene.issuer.url();
    scene.issuer.whims(|whims| {
        whims.odd = Some(Box::new(move |path| match path {
            "/.well-known/openid-configuration" => Some(Redirect::temporary("/users/evil/openid-configuration").into_response()),
            "/users/evil/openid-configuration" => Some(
                axum::Json(json!({
                    "issuer": base, "token_endpoint": format!("{base}/token"), "authorization_endpoint": format!("{base}/authorize"),
                }))
                .into_response(),
            ),
            _ => None,
        }));
    });
    let login = scene.login_as(BROWSER, PageBy::Telling, script());
    assert_eq!(tokio::time::timeout(Duration::from_secs(20), login).await.unwrap().unwrap().unwrap_err().code, "issuer_unreachable");

    // A token endpoint without TLS, or one that sends elsewhere, sees no code.
    for spoil in [json!("http://evil.example/token"), json!(format!("{elsewhere}/nowhere"))] {
        let scene = Scene::new().await;
        scene.issuer.whims(|w| w.discovery = Some(Box::new(move |about| about["token_endpoint"] = spoil.clone())));
        let login = scene.login(BROWSER);
        let page = scene.lets_it_open(1).await;
        scene.issuer.agrees(&page).await;
        let fault = login.await.unwrap().unwrap_err();
        assert_eq!(fault.code, "issuer_unreachable", "{fault}");
        scene.nothing_leaked(Some(&fault)).await;
    }
    let scene = Scene::new().await;
    let to = format!("{elsewhere}/token");
    scene.issuer.whims(|w| {
        w.odd = Some(Box::new(move |path| (path == "/token").then(|| Redirect::temporary(&to).into_response())));
    });
    let login = scene.login(BROWSER);
    let page = scene.lets_it_open(1).await;
    scene.issuer.agrees(&page).await;
    assert_eq!(login.await.unwrap().unwrap_err().code, "issuer_unreachable");
    assert!(other.asked("/token").is_empty(), "the code did not follow the redirect");

    // An issuer that knows only the weak form of PKCE is not used.
    let scene = Scene::new().await;
    scene.issuer.whims(|w| w.discovery = Some(Box::new(|about| about["code_challenge_methods_supported"] = json!(["plain"]))));
    assert_eq!(scene.login(BROWSER).await.unwrap().unwrap_err().code, "sign_in_answer");
}

#[tokio::test]
async fn whoever_signs_out_is_out_here_and_at_the_issuer() {
    let scene =
        Scene::with(Registration { secret: Some("s".into()), ..Registration::default() }, Some(json!({ "clientSecret": "s" }))).await;
    let login = scene.login(BROWSER);
    let page = scene.lets_it_open(1).await;
    scene.issuer.agrees(&page).await;
    login.await.unwrap().unwrap();
    let refresh = scene.kept().await.unwrap()["refreshToken"].as_str().unwrap().to_owned();
    let done = scene.app.clusters.logout("prod", &window()).await.unwrap();
    assert_eq!(done.revocation, Revocation::Done);
    assert_eq!(scene.kept().await.unwrap(), json!({ "clientSecret": "s" }), "the client's own secret stays");
    assert!(!scene.issuer.honours(&refresh));
    assert_eq!(scene.reach.credential(&scene.def().await).await.unwrap_err().code, "sign_in_needed");
    assert!(scene.house.audit.story().contains(&"cluster_signed_out".to_owned()));
    assert_eq!(scene.app.clusters.logout("prod", &window()).await.unwrap().revocation, Revocation::Nothing);

    // An issuer that is away does not keep anybody signed in here.
    let login = scene.login(BROWSER);
    let page = scene.lets_it_open(2).await;
    scene.issuer.agrees(&page).await;
    login.await.unwrap().unwrap();
    scene.issuer.whims(|w| {
        w.odd = Some(Box::new(|_| Some(StatusCode::BAD_GATEWAY.into_response())));
    });
    let done = scene.app.clusters.logout("prod", &window()).await.unwrap();
    assert!(matches!(done.revocation, Revocation::Failed { .. }), "{done:?}");
    assert!(scene.kept().await.unwrap().get("refreshToken").is_none());
}

#[tokio::test]
async fn nobody_signs_in_where_there_is_no_issuer_and_a_script_is_told_how() {
    let scene = Scene::new().await;
    let mut def = scene.def().await;
    def.auth = ClusterAuth::Anonymous;
    scene.house.clusters.put_clusters(&[def]).await.unwrap();
    let fault = scene.login(BROWSER).await.unwrap().unwrap_err();
    assert_eq!((fault.code.as_str(), fault.kind), ("not_oidc", FaultKind::Usage));
    assert_eq!(scene.app.clusters.logout("prod", &window()).await.unwrap_err().code, "not_oidc");
    assert_eq!(scene.app.clusters.sign_in_state("prod").await.unwrap_err().code, "not_oidc");
}

#[tokio::test]
async fn whoever_is_signed_in_stays_so_when_the_kubeconfig_is_imported_again() {
    let house = House::open().await;
    house.vault.stand(VaultState::Unlocked { kind: VaultKind::Session });
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().canonicalize().unwrap().join("config");
    let import = async |issuer: &str| {
        let text = format!(
            "apiVersion: v1\nkind: Config\nclusters:\n- name: a\n  cluster: {{server: 'https://10.0.0.1:6443'}}\ncontexts:\n- name: c\n  context: {{cluster: a, user: u}}\nusers:\n- name: u\n  user:\n    exec:\n      apiVersion: client.authentication.k8s.io/v1\n      command: kubelogin\n      args: [get-token, '--oidc-issuer-url={issuer}', --oidc-client-id=pilot, --oidc-client-secret=s3cret]\n"
        );
        std::fs::write(&file, text).unwrap();
        let source = KubeSource::Files(vec![file.clone()]);
        let review = house.app.clusters.review(&source).await.unwrap();
        let wanted = vec![Wanted { context: "c".into(), trust_exec: false, follow_token_file: false, sign_in: true }];
        let done = house.app.clusters.import(&ImportOrder { source, review, wanted, rewrite: false }, &window()).await.unwrap();
        assert_eq!((done.clusters.len(), done.clusters[0].auth.as_str()), (1, "oidc"), "{done:?}");
        let def = house.app.clusters.get("c").await.unwrap();
        let id = def.auth.secrets()[0].clone();
        let value: Json = serde_json::from_slice(house.vault.open(&id).await.unwrap().expose()).unwrap();
        (id, value)
    };
    let (id, value) = import("https://issuer.example").await;
    assert_eq!(value, json!({ "clientSecret": "s3cret" }));
    let owner = house.vault.list().await.unwrap().into_iter().find(|facts| facts.id == id).unwrap().owner;
    let signed_in = json!({ "idToken": "i", "refreshToken": "r", "clientSecret": "s3cret" });
    let new = NewSecret { owner, value: SecretBytes::new(signed_in.to_string()), kind: SecretKind::SignIn, expires_at: None };
    house.vault.keep(vec![new]).await.unwrap();
    assert_eq!(import("https://issuer.example").await, (id.clone(), signed_in));
    // At another issuer nobody is signed in, and it sees nothing of what the first one gave.
    let (other, value) = import("https://other.example").await;
    assert_ne!(other, id);
    assert_eq!(value, json!({ "clientSecret": "s3cret" }));
    assert_eq!(house.vault.list().await.unwrap().len(), 1, "the first one's tokens are gone");
}
