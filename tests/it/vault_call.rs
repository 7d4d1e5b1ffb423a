//! What a vault that locks, and a secret that changes, mean for calls that are under way (C-62).

use std::sync::Arc;
use std::time::Duration;

use app::App;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::IntoResponse as _;
use domain::fault::FaultKind;
use domain::id::ServerId;
use domain::person::{Answer, Scope};
use domain::secret::Secret;
use domain::vault::{SecretBytes, Unlock, VaultKind};
use serde_json::json;
use testkit::echo::{Echo, EchoHttp, HttpKind};
use testkit::memory::ScriptedPerson;

use crate::evil::siege::{call, definition, echo};
use crate::house::window;

const PASSPHRASE: &str = "five words that nobody says";

/// An echo server that answers nobody without this token.
pub async fn guarded(header: &'static str, token: &str, echo: &Arc<Echo>) -> String {
    let wanted: Arc<str> = token.into();
    let routes = EchoHttp::routes(echo, HttpKind::Plain).layer(from_fn(move |request: Request, next: Next| {
        let wanted = wanted.clone();
        async move {
            let given = request.headers().get(header).and_then(|value| value.to_str().ok()).unwrap_or_default();
            if given == &*wanted { next.run(request).await } else { StatusCode::FORBIDDEN.into_response() }
        }
    }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, routes).await });
    format!("http://{address}/mcp")
}

/// An app with a vault under a passphrase, and a server whose token is in it. Whoever is asked says yes, and it is remembered.
struct Bench {
    app: Arc<App>,
    person: Arc<ScriptedPerson>,
    echo: Arc<Echo>,
    server: ServerId,
    _dir: tempfile::TempDir,
}

impl Bench {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let person = ScriptedPerson::who(|_| Answer::Yes { scope: Scope::Always });
        let options = assembly::Options {
            config_dir: Some(dir.path().to_owned()),
            person: Some(person.clone()),
            guard: Some(Arc::from([])),
            keyring: Some(String::new()),
            cost: Some(secrets::Cost::CHEAP),
            ..assembly::Options::default()
        };
        let app = assembly::open(options).await.unwrap();
        app.secrets.settle(VaultKind::Passphrase, Some(Secret::new(PASSPHRASE)), &window()).await.unwrap();
        let echo = Echo::new();
        let url = guarded("authorization", "Bearer first-token", &echo).await;
        let def = definition("guarded", "stream_http", json!({ "url": url, "auth_type": "bearer", "auth_token": "none yet" }));
        let server = app.book.save(def, &window()).await.unwrap().def.id;
        let bench = Self { app, person, echo, server, _dir: dir };
        bench.token("first-token").await;
        bench.app.sessions.connect(&bench.server, &window()).await.unwrap();
        bench
    }

    async fn token(&self, value: &str) {
        self.app.secrets.set(&self.server, "auth_token", SecretBytes::new(value), &window()).await.unwrap();
    }

    /// A call that is under way until the echo is released.
    async fn hold(&self) -> tokio::task::JoinHandle<Result<app::CallDone, domain::fault::Fault>> {
        let (app, server, before) = (self.app.clone(), self.server.clone(), self.echo.running());
        let held = tokio::spawn(async move { call(&app, &server, "hold", json!({}), None).await });
        until(|| async { self.echo.running() > before }).await;
        held
    }
}

async fn until<F: Future<Output = bool>>(holds: impl Fn() -> F) {
    let begun = std::time::Instant::now();
    while !holds().await {
        assert!(begun.elapsed() < Duration::from_secs(60), "it never came about");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vault_that_locks_lets_a_call_under_way_end_and_nobody_is_asked() {
    let bench = Bench::new().await;
    let held = bench.hold().await;
    let asked = bench.person.asked().len();
    bench.app.secrets.lock(&window()).await.unwrap();
    assert!(!held.is_finished(), "it goes on");
    bench.echo.release();
    let done = held.await.unwrap().unwrap();
    assert!(!done.result.is_error, "{done:?}");

    // The connection still is who it was; one that is made now would need the secret.
    bench.app.sessions.disconnect(&bench.server).await.unwrap();
    let fault = echo(&bench.app, &bench.server, "again", None).await.unwrap_err();
    assert_eq!((fault.kind, fault.code.as_str()), (FaultKind::Auth, "vault_locked"), "{fault:?}");
    assert_eq!(bench.person.asked().len(), asked, "a tool call asks for no passphrase");
    assert_eq!(bench.echo.calls("echo"), 0, "and nothing was sent");

    bench.app.secrets.unlock(Unlock::Passphrase(Secret::new(PASSPHRASE)), &window()).await.unwrap();
    echo(&bench.app, &bench.server, "again", None).await.unwrap();
    bench.app.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_changes_lets_a_call_under_way_end_as_who_it_began() {
    let bench = Bench::new().await;
    let held = bench.hold().await;
    bench.token("second-token").await;
    bench.echo.release();
    held.await.unwrap().unwrap();
    // Whoever calls from now on is who the new secret says, and this server does not know it.
    until(|| async { echo(&bench.app, &bench.server, "who am I", None).await.err().map(|fault| fault.kind) == Some(FaultKind::Auth) })
        .await;
    // As an editing of the server gives it, it counts as well.
    let mut def = bench.app.book.get(bench.server.as_str()).await.unwrap().def;
    def.settings.insert("auth_token".into(), "first-token".into());
    bench.app.book.save(def, &window()).await.unwrap();
    until(|| async { echo(&bench.app, &bench.server, "who am I", None).await.is_ok() }).await;
    assert_eq!(bench.echo.calls("hold"), 1, "nothing is sent twice");
    bench.app.shutdown().await;
}

#[tokio::test]
async fn how_long_the_vault_stays_open_without_use_counts_at_once() {
    let house = crate::house::House::open().await;
    for (said, minutes) in [(json!(5), 5), (json!(0), 1), (json!(100_000), 720), (json!("soon"), 15), (json!(null), 15)] {
        house.app.prefs.set(domain::vault::IDLE_MINUTES, &said).await.unwrap();
        assert_eq!(house.vault.idle(), Some(Duration::from_mins(minutes)), "{said}");
    }
    house.app.prefs.set("theme", &json!("dark")).await.unwrap();
    assert_eq!(house.vault.idle(), Some(Duration::from_mins(15)));
}
