//! Reaching clusters: credential programs under the real guard, and API servers that misbehave.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use axum::routing::{any, get, post};
use cluster::{Reach, ReachParts};
use domain::cluster::{ClusterAuth, ClusterDef, ExecPlugin};
use domain::fault::{Fault, FaultKind};
use domain::id::SecretId;
use domain::reach::ClusterReach as _;
use domain::secret::SecretMap;
use domain::vault::{NewSecret, Owner, SecretBytes, SecretKind, Vault as _};
use protocols::guard::Errands;
use serde_json::json;
use testkit::memory::MemoryRedact;
use testkit::memory_vault::MemoryVault;
use testkit::stage::RealClock;
use testkit::web::{Seen, Web};
use tokio_util::task::TaskTracker;

const GUARDED: &str = env!("CARGO_BIN_EXE_guarded");

struct Scene {
    vault: Arc<MemoryVault>,
    redact: Arc<MemoryRedact>,
    reach: Reach,
    dir: tempfile::TempDir,
}

impl Scene {
    fn new(patience: Duration) -> Self {
        Self::with_env(patience, &[("PATH", "/usr/bin:/bin"), ("HOME", "/nowhere"), ("AWS_SECRET_ACCESS_KEY", "not-for-plugins")])
    }

    fn with_env(patience: Duration, env: &[(&str, &str)]) -> Self {
        let (vault, redact) = (Arc::new(MemoryVault::default()), Arc::new(MemoryRedact::default()));
        let guard = Arc::from([GUARDED.to_owned(), protocols::guard::WORD.to_owned()]);
        let reach = Reach::new(ReachParts {
            vault: vault.clone(),
            run: Arc::new(Errands::new(guard, TaskTracker::new())),
            redact: redact.clone(),
            clock: Arc::new(RealClock),
            env: Arc::new(env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<BTreeMap<_, _>>()),
            plugin_patience: patience,
        });
        Self { vault, redact, reach, dir: tempfile::tempdir().unwrap() }
    }

    async fn secret(&self, value: &str) -> SecretId {
        let owner = Owner::new("cluster", "c1", value);
        let new = NewSecret { owner, value: SecretBytes::new(value), kind: SecretKind::Token, expires_at: None };
        self.vault.keep(vec![new]).await.unwrap().remove(0)
    }

    /// A cluster whose credential comes from a shell script that a person agreed to.
    async fn with_plugin(&self, script: &str) -> ClusterDef {
        let file = self.dir.path().join("plugin");
        let mut written = std::fs::File::create(&file).unwrap();
        write!(written, "#!/bin/sh\n{script}\n").unwrap();
        written.set_permissions(std::fs::Permissions::from_mode(0o755)).unwrap();
        drop(written);
        let mut plugin = ExecPlugin {
            api_version: "client.authentication.k8s.io/v1".into(),
            command: file.display().to_string(),
            args: vec!["one two".into(), "$(three)".into()],
            env_names: Vec::new(),
            env: None,
            base_dir: None,
            provide_cluster_info: false,
            interactive_mode: "Never".into(),
            trust: String::new(),
        };
        plugin.trust = self.reach.plugin("https://api.example", &plugin, &SecretMap::new()).await.unwrap().trust;
        cluster("https://api.example", ClusterAuth::Exec { plugin })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}

fn cluster(server: &str, auth: ClusterAuth) -> ClusterDef {
    serde_json::from_value(json!({
        "id": "c1", "name": "prod", "server": server, "insecure": false, "auth": serde_json::to_value(auth).unwrap(), "readOnly": false,
        "createdAt": 0, "updatedAt": 0,
    }))
    .unwrap()
}

const ANSWER: &str = r#"printf '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"%s"}}' "$T""#;

fn lives(pid_file: &Path) -> bool {
    let pid = std::fs::read_to_string(pid_file).unwrap();
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    !(stat.is_empty() || stat.contains(") Z "))
}

async fn patient(wanted: impl Fn() -> bool) {
    while !wanted() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_plugin_gets_its_words_as_they_stand_an_empty_input_and_nothing_of_ours() {
    let scene = Scene::new(Duration::from_secs(60));
    let script = format!("cat >/dev/null; T=\"$#-$1-$2-${{AWS_SECRET_ACCESS_KEY:-none}}-$HOME\"; {ANSWER}");
    let def = scene.with_plugin(&script).await;
    let found = scene.reach.credential(&def).await.unwrap();
    assert_eq!(found.token.unwrap().expose(), "2-one two-$(three)-none-/nowhere");
    assert_eq!(scene.redact.learned(), ["2-one two-$(three)-none-/nowhere"], "no log line will repeat it");
}

#[tokio::test]
async fn b06_no_plugin_runs_before_somebody_agreed_to_it_nor_after_it_changed() {
    let scene = Scene::new(Duration::from_secs(60));
    let canary = scene.path("canary");
    let script = format!("touch {}; T=x; {ANSWER}", canary.display());
    let mut def = scene.with_plugin(&script).await;
    let trusted = def.clone();
    if let ClusterAuth::Exec { plugin } = &mut def.auth {
        plugin.trust.clear();
    }
    assert_eq!(scene.reach.credential(&def).await.unwrap_err().code, "exec_not_trusted");
    std::fs::OpenOptions::new().append(true).open(scene.path("plugin")).unwrap().write_all(b"# changed\n").unwrap();
    let fault = scene.reach.credential(&trusted).await.unwrap_err();
    assert_eq!((fault.code.as_str(), fault.kind), ("exec_changed", FaultKind::Denied));
    assert!(!canary.exists(), "nothing ran");
}

#[tokio::test]
async fn b09_a_plugin_that_hangs_is_ended_with_everything_it_started() {
    let scene = Scene::new(Duration::from_secs(2));
    let (own, other) = (scene.path("own"), scene.path("other"));
    let script = format!("echo $$ >{}; setsid sleep 600 & echo $! >{}; sleep 600", own.display(), other.display());
    let def = scene.with_plugin(&script).await;
    let fault = scene.reach.credential(&def).await.unwrap_err();
    assert_eq!((fault.code.as_str(), fault.kind), ("exec_timeout", FaultKind::Timeout));
    patient(|| !lives(&own) && !lives(&other)).await;
}

#[tokio::test]
async fn b10_a_plugin_that_prints_without_end_is_stopped_at_a_mebibyte() {
    let scene = Scene::new(Duration::from_secs(120));
    let own = scene.path("own");
    let def = scene.with_plugin(&format!("echo $$ >{}; cat /dev/zero; cat /dev/zero >&2", own.display())).await;
    let began = Instant::now();
    let fault = scene.reach.credential(&def).await.unwrap_err();
    assert_eq!(fault.code, "exec_answer");
    assert!(fault.message.en.contains("1048576") && began.elapsed() < Duration::from_secs(100), "{fault}");
    patient(|| !lives(&own)).await;
}

#[tokio::test]
async fn a_plugin_that_leaves_a_child_behind_answers_and_the_child_is_ended() {
    let scene = Scene::new(Duration::from_secs(60));
    let child = scene.path("child");
    let def = scene.with_plugin(&format!("setsid sleep 600 & echo $! >{}; T=x; {ANSWER}", child.display())).await;
    assert_eq!(scene.reach.credential(&def).await.unwrap().token.unwrap().expose(), "x");
    patient(|| !lives(&child)).await;
}

#[tokio::test]
async fn b11_a_plugin_that_fails_with_a_token_on_its_output_leaks_it_nowhere() {
    let scene = Scene::new(Duration::from_secs(60));
    let def = scene.with_plugin("echo canary-0123456789; echo 'sign in first: canary-0123456789' >&2; exit 3").await;
    let fault = scene.reach.credential(&def).await.unwrap_err();
    assert_eq!((fault.code.as_str(), fault.kind), ("exec_failed", FaultKind::Auth));
    assert!(fault.message.en.contains("exit code 3") && fault.message.en.contains("sign in first"), "{fault}");
    assert!(!format!("{fault:?}").contains("canary"), "{fault:?}");
}

fn api(version: Router) -> Router {
    let review = json!({ "status": { "userInfo": { "username": "ann", "groups": ["dev"] } } });
    version.route("/apis/authentication.k8s.io/v1/selfsubjectreviews", post(move || async move { axum::Json(review) }))
}

fn version() -> Router {
    Router::new().route("/version", get(async || axum::Json(json!({ "gitVersion": "v1.36.2", "platform": "linux/amd64" }))))
}

async fn probe(app: Router, change: impl FnOnce(&mut ClusterDef)) -> Result<domain::reach::ClusterFacts, Fault> {
    let scene = Scene::new(Duration::from_secs(60));
    let web = Web::start(app).await;
    let mut def =
        cluster(web.url("").trim_end_matches('/'), ClusterAuth::Token { token: scene.secret("canary-token").await, expires_at: None });
    change(&mut def);
    scene.reach.probe(&def).await
}

#[tokio::test]
async fn a_probe_asks_for_version_and_identity_and_nothing_else() {
    let seen = Seen::default();
    let facts = probe(seen.over(api(version())), |def| def.read_only = true).await.unwrap();
    assert_eq!((facts.version.as_str(), facts.platform.as_str()), ("v1.36.2", "linux/amd64"));
    let identity = facts.identity.unwrap();
    assert_eq!((identity.user.as_str(), identity.groups), ("ann", vec!["dev".to_owned()]));
    assert_eq!(seen.all().len(), 2);
    let old = probe(version(), |_| {}).await.unwrap();
    assert_eq!(old.identity, None, "a server that does not know the question");
}

#[tokio::test]
async fn what_an_api_server_does_wrong_has_a_name_each() {
    let status = |code: u16| {
        let app = Router::new().fallback(any(move || async move {
            let body = json!({ "kind": "Status", "status": "Failure", "message": "m", "reason": "R", "code": code });
            (StatusCode::from_u16(code).unwrap(), axum::Json(body)).into_response()
        }));
        probe(app, |_| {})
    };
    for (code, kind, name) in [
        (401, FaultKind::Auth, "cluster_auth"),
        (403, FaultKind::Denied, "cluster_forbidden"),
        (404, FaultKind::Protocol, "cluster_answer"),
        (429, FaultKind::Protocol, "cluster_answer"),
        (503, FaultKind::Unreachable, "cluster_answer"),
    ] {
        let fault = status(code).await.unwrap_err();
        assert_eq!((fault.kind, fault.code.as_str()), (kind, name), "{code}");
    }
    let html = Router::new().fallback(any(async || "<html>sign in</html>"));
    assert_eq!(probe(html, |_| {}).await.unwrap_err().code, "cluster_answer");
    let gone = probe(version(), |def| def.server = format!("http://127.0.0.1:{}", closed_port())).await.unwrap_err();
    assert_eq!((gone.kind, gone.code.as_str()), (FaultKind::Unreachable, "cluster_unreachable"));
    assert!(gone.message.en.contains("nobody listens"), "{gone}");
    let tls = probe(version(), |def| def.server = def.server.replace("http:", "https:")).await.unwrap_err();
    assert_eq!((tls.kind, tls.code.as_str()), (FaultKind::Unreachable, "cluster_tls"));
}

fn closed_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[tokio::test]
async fn a_body_that_swells_is_cut_off() {
    let bomb = Router::new().route(
        "/version",
        get(async || {
            // 32 MiB of zeros, as stored blocks would not be small: a run that gzip made once.
            let mut packed = flate();
            packed.shrink_to_fit();
            ([("content-encoding", "gzip"), ("content-type", "application/json")], packed)
        }),
    );
    let fault = probe(bomb, |_| {}).await.unwrap_err();
    assert_eq!((fault.kind, fault.code.as_str()), (FaultKind::Protocol, "message_too_large"), "{fault}");
}

/// 32 MiB of spaces, as the system's gzip packs them.
fn flate() -> Vec<u8> {
    let script = "head -c 33554432 /dev/zero | tr '\\0' ' ' | gzip -9";
    std::process::Command::new("sh").args(["-c", script]).output().unwrap().stdout
}

#[tokio::test]
async fn on_a_cluster_that_is_read_only_a_change_does_not_leave() {
    let scene = Scene::new(Duration::from_secs(60));
    let seen = Seen::default();
    let web = Web::start(seen.over(Router::new().fallback(any(async || "{}")))).await;
    let mut def = cluster(web.url("").trim_end_matches('/'), ClusterAuth::Anonymous);
    for (read_only, reached) in [(true, 0), (false, 1)] {
        def.read_only = read_only;
        let client = scene.reach.client(&def).await.unwrap();
        let delete = axum::http::Request::delete("/api/v1/namespaces/a/pods/b").body(Vec::new()).unwrap();
        assert_eq!(client.request_text(delete).await.is_ok(), !read_only);
        assert_eq!(seen.all().len(), reached);
    }
}

#[tokio::test]
async fn a_change_is_sent_once_whatever_the_server_says() {
    let scene = Scene::new(Duration::from_secs(60));
    let seen = Seen::default();
    let busy = Router::new().fallback(any(async || (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "0")], "busy")));
    let web = Web::start(seen.over(busy)).await;
    let client = scene.reach.client(&cluster(web.url("").trim_end_matches('/'), ClusterAuth::Anonymous)).await.unwrap();
    let request = axum::http::Request::post("/api/v1/namespaces/a/pods").body(Vec::new()).unwrap();
    assert!(client.request_text(request).await.is_err());
    assert_eq!(seen.all().len(), 1, "the library would send it fifteen times");
}

#[tokio::test]
async fn b16_the_environments_proxy_is_used_and_no_proxy_excepts_the_cluster_itself() {
    let seen = Seen::default();
    let proxy = Web::start(seen.over(Router::new().fallback(any(async || StatusCode::BAD_GATEWAY)))).await;
    let url = proxy.url("");
    for (except, through) in [("", true), ("other.invalid", true), ("cluster.invalid", false), (".invalid", false), ("*", false)] {
        let before = proxy.accepted();
        let scene = Scene::with_env(Duration::from_secs(60), &[("HTTP_PROXY", &url), ("https_proxy", &url), ("NO_PROXY", except)]);
        let fault = scene.reach.probe(&cluster("https://cluster.invalid:6443", ClusterAuth::Anonymous)).await.unwrap_err();
        assert_eq!(fault.code, "cluster_unreachable", "NO_PROXY={except}");
        assert_eq!(proxy.accepted() > before, through, "NO_PROXY={except}");
    }
}

#[tokio::test]
async fn a_token_that_no_header_may_hold_is_refused_and_not_repeated() {
    let scene = Scene::new(Duration::from_secs(60));
    let token = scene.secret("canary\u{7}token").await;
    let fault = scene.reach.probe(&cluster("http://127.0.0.1:1", ClusterAuth::Token { token, expires_at: None })).await.unwrap_err();
    assert_eq!(fault.code, "cluster_token");
    assert!(!format!("{fault:?}").contains("canary"));
}

/// A JWT that ends so many seconds from now. Nobody here checks its signature: that is the API server's work.
fn jwt(seconds: i64) -> String {
    use base64::Engine as _;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let part = |json: serde_json::Value| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(json.to_string());
    format!("{}.{}.c2ln", part(json!({ "alg": "RS256" })), part(json!({ "exp": i64::try_from(now).unwrap() + seconds })))
}

/// An issuer that renews `r1` to `r2`, and says of any other refresh token that it is used up. `named` is whom it takes itself for.
fn issuer(named: Option<&'static str>, asked: Arc<std::sync::Mutex<Vec<String>>>) -> Router {
    use axum::http::HeaderMap;
    let about = move |headers: HeaderMap| async move {
        let host = headers["host"].to_str().unwrap().to_owned();
        let own = format!("http://{host}");
        axum::Json(json!({ "issuer": named.map_or_else(|| own.clone(), str::to_owned), "token_endpoint": format!("{own}/token") }))
    };
    let token = move |headers: HeaderMap, form: String| {
        let basic = headers.get("authorization").map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
        asked.lock().unwrap().push(format!("{basic} {form}"));
        async move {
            if form.contains("refresh_token=r1") {
                axum::Json(json!({ "id_token": jwt(3600), "refresh_token": "r2" })).into_response()
            } else {
                (StatusCode::BAD_REQUEST, axum::Json(json!({ "error": "invalid_grant", "error_description": "canary" }))).into_response()
            }
        }
    };
    Router::new().route("/.well-known/openid-configuration", get(about)).route("/token", post(token))
}

async fn oidc(scene: &Scene, issuer: &str, state: &serde_json::Value) -> ClusterDef {
    let state = Some(scene.secret(&state.to_string()).await);
    let auth = ClusterAuth::Oidc {
        issuer: issuer.to_owned(),
        client_id: "pilot".into(),
        scopes: Vec::new(),
        ca_pem: None,
        state,
        redirects: Vec::new(),
    };
    cluster("https://api.example", auth)
}

#[tokio::test]
async fn an_id_token_is_renewed_when_it_ends_and_the_new_refresh_token_is_kept() {
    let scene = Scene::new(Duration::from_secs(60));
    let asked = Arc::new(std::sync::Mutex::new(Vec::new()));
    let web = Web::start(issuer(None, asked.clone())).await;
    let base = web.url("").trim_end_matches('/').to_owned();
    let def = oidc(&scene, &base, &json!({ "idToken": jwt(30), "refreshToken": "r1", "clientSecret": "s3" })).await;
    let first = scene.reach.credential(&def).await.unwrap();
    let second = scene.reach.credential(&def).await.unwrap();
    assert_eq!(first.token.as_ref().unwrap().expose(), second.token.unwrap().expose(), "the new one lasts");
    assert!(first.expires_at.is_some());
    // `pilot:s3` stands in the header, not in the form.
    assert_eq!(*asked.lock().unwrap(), ["Basic cGlsb3Q6czM= grant_type=refresh_token&refresh_token=r1"]);
    let kept = scene.vault.open(def.auth.secrets()[0]).await.unwrap();
    let kept: serde_json::Value = serde_json::from_slice(kept.expose()).unwrap();
    assert_eq!((&kept["refreshToken"], &kept["clientSecret"]), (&json!("r2"), &json!("s3")));

    let public = oidc(&scene, &base, &json!({ "refreshToken": "r1" })).await;
    scene.reach.credential(&public).await.unwrap();
    assert_eq!(asked.lock().unwrap()[1], " grant_type=refresh_token&refresh_token=r1&client_id=pilot");
}

#[tokio::test]
async fn a_sign_in_that_ended_is_told_and_a_refresh_token_goes_to_its_issuer_only() {
    let scene = Scene::new(Duration::from_secs(60));
    let asked = Arc::new(std::sync::Mutex::new(Vec::new()));
    let web = Web::start(issuer(None, asked.clone())).await;
    let base = web.url("").trim_end_matches('/').to_owned();
    for (state, requests) in
        [(json!({ "idToken": jwt(-5) }), 0), (json!({ "idToken": "no jwt" }), 0), (json!({ "refreshToken": "used" }), 1)]
    {
        let fault = scene.reach.credential(&oidc(&scene, &base, &state).await).await.unwrap_err();
        assert_eq!((fault.code.as_str(), fault.kind), ("sign_in_needed", FaultKind::Auth), "{state}");
        assert!(!format!("{fault:?}").contains("canary"));
        assert_eq!(asked.lock().unwrap().len(), requests);
    }
    let other = Web::start(issuer(Some("https://elsewhere.example"), asked.clone())).await;
    for place in [other.url("").trim_end_matches('/'), "http://issuer.invalid", "ftp://issuer.invalid"] {
        let def = oidc(&scene, place, &json!({ "refreshToken": "r1" })).await;
        let fault = scene.reach.credential(&def).await.unwrap_err();
        assert_eq!((fault.code.as_str(), fault.kind), ("issuer_unreachable", FaultKind::Unreachable), "{place}");
    }
    assert_eq!(asked.lock().unwrap().len(), 1, "nobody else saw one");
}
