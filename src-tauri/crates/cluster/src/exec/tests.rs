//! Exec plugins over a runner that answers what a test says.
#![cfg(unix)]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use domain::cluster::ClusterAuth;
use domain::ports::Settings as _;
use domain::reach::{ClusterReach as _, RunProgram};
use domain::vault::Vault as _;
use testkit::memory::{MemoryRedact, MemorySettings, StillClock};
use testkit::memory_vault::MemoryVault;

use super::*;
use crate::reach::ReachParts;

#[derive(Debug)]
struct Script {
    runs: AtomicUsize,
    answer: Mutex<Result<Ran, ServerFault>>,
    last: Mutex<Option<RunOrder>>,
}

impl Script {
    fn says(&self, stdout: &str) {
        *self.answer.lock().unwrap() = Ok(ran(true, "exit code 0", stdout, ""));
    }
}

fn ran(ok: bool, how: &str, stdout: &str, stderr: &str) -> Ran {
    Ran { ok, how: how.into(), stdout: SecretBytes::new(stdout), stderr: Secret::new(stderr) }
}

#[async_trait]
impl RunProgram for Script {
    async fn run(&self, order: RunOrder) -> Result<Ran, ServerFault> {
        self.runs.fetch_add(1, Ordering::SeqCst);
        *self.last.lock().unwrap() = Some(order);
        self.answer.lock().unwrap().clone()
    }
}

struct Scene {
    script: Arc<Script>,
    vault: Arc<MemoryVault>,
    clock: Arc<StillClock>,
    env: Arc<BTreeMap<String, String>>,
    reach: Reach,
    cluster: ClusterDef,
}

const NOW: i64 = 1_700_000_000_000;

impl Scene {
    async fn new() -> Self {
        let script = Arc::new(Script { runs: AtomicUsize::new(0), answer: Mutex::new(Ok(ran(true, "", "", ""))), last: Mutex::new(None) });
        let (vault, clock) = (Arc::new(MemoryVault::default()), StillClock::at(NOW));
        let pairs =
            [("PATH", "/usr/bin:/bin"), ("HOME", "/h"), ("AWS_SECRET_ACCESS_KEY", "not-for-plugins"), ("https_proxy", "http://p:1")];
        let env = Arc::new(pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect());
        let reach = reach(&script, &vault, &clock, &env);
        let ids = vault
            .keep(vec![NewSecret {
                owner: Owner::new("cluster", "c1", "exec_env"),
                value: SecretBytes::new(r#"{"OWN":"env-canary"}"#),
                kind: SecretKind::Other,
                expires_at: None,
            }])
            .await
            .unwrap();
        let mut plugin = ExecPlugin {
            api_version: VERSIONS[0].into(),
            command: "sh".into(),
            args: vec!["token".into()],
            env_names: vec!["OWN".into()],
            env: ids.into_iter().next(),
            base_dir: None,
            provide_cluster_info: true,
            interactive_mode: "IfAvailable".into(),
            trust: String::new(),
        };
        let own = SecretMap::from([("OWN".to_owned(), Secret::new("env-canary"))]);
        plugin.trust = reach.plugin("https://api.example", &plugin, &own).await.unwrap().trust;
        let cluster = ClusterDef {
            id: "c1".into(),
            name: "prod".into(),
            server: "https://api.example".into(),
            ca_pem: Some("PEM".into()),
            tls_server_name: None,
            insecure: false,
            proxy: None,
            namespace: None,
            impersonate: None,
            auth: ClusterAuth::Exec { plugin },
            read_only: false,
            colour: None,
            source: None,
            created_at: Millis(0),
            updated_at: Millis(0),
        };
        Self { script, vault, clock, env, reach, cluster }
    }

    fn runs(&self) -> usize {
        self.script.runs.load(Ordering::SeqCst)
    }

    async fn ask(&self) -> Result<String, Fault> {
        let found = self.reach.credential(&self.cluster).await?;
        Ok(found.token.unwrap().expose().to_owned())
    }

    fn plugin(&mut self) -> &mut ExecPlugin {
        match &mut self.cluster.auth {
            ClusterAuth::Exec { plugin } => plugin,
            _ => unreachable!(),
        }
    }
}

fn reach(script: &Arc<Script>, vault: &Arc<MemoryVault>, clock: &Arc<StillClock>, env: &Arc<BTreeMap<String, String>>) -> Reach {
    Reach::new(ReachParts {
        vault: vault.clone(),
        run: script.clone(),
        redact: Arc::new(MemoryRedact::default()),
        clock: clock.clone(),
        env: env.clone(),
        plugin_patience: Duration::from_secs(30),
    })
}

fn answer(token: &str, ends_in: Option<i64>) -> String {
    let mut status = json!({ "token": token });
    if let Some(ms) = ends_in {
        status["expirationTimestamp"] = jiff::Timestamp::from_millisecond(NOW + ms).unwrap().to_string().into();
    }
    json!({ "kind": "ExecCredential", "apiVersion": VERSIONS[0], "status": status }).to_string()
}

#[tokio::test]
async fn an_answer_is_kept_until_a_minute_before_its_end_and_by_the_next_process_too() {
    let scene = Scene::new().await;
    scene.script.says(&answer("one", Some(600_000)));
    assert_eq!(scene.ask().await.unwrap(), "one");
    scene.script.says(&answer("two", Some(1_200_000)));
    assert_eq!(scene.ask().await.unwrap(), "one");
    let next = reach(&scene.script, &scene.vault, &scene.clock, &scene.env);
    assert_eq!(next.credential(&scene.cluster).await.unwrap().token.unwrap().expose(), "one", "out of the vault");
    assert_eq!(scene.runs(), 1);
    scene.clock.advance(540_001);
    assert_eq!(scene.ask().await.unwrap(), "two", "within the last minute it is not handed out");
    assert_eq!(scene.runs(), 2);
}

#[tokio::test]
async fn a_plugin_is_given_little_of_our_environment_and_told_about_the_cluster() {
    let scene = Scene::new().await;
    scene.script.says(&answer("one", None));
    scene.ask().await.unwrap();
    let order = scene.script.last.lock().unwrap().take().unwrap();
    let names: Vec<&str> = order.env.keys().map(String::as_str).collect();
    assert_eq!(names, ["HOME", "KUBERNETES_EXEC_INFO", "OWN", "PATH", "https_proxy"]);
    let told = ExecInfo::read(order.env["KUBERNETES_EXEC_INFO"].expose()).unwrap();
    assert_eq!(told.cluster.unwrap().server, "https://api.example");
    assert_eq!((order.args, order.stdout_limit, order.stderr_limit), (vec!["token".to_owned()], 1024 * 1024, 64 * 1024));
}

#[tokio::test]
async fn b06_nothing_runs_that_nobody_agreed_to() {
    let mut scene = Scene::new().await;
    scene.script.says(&answer("one", None));
    scene.plugin().trust.clear();
    assert_eq!(scene.ask().await.unwrap_err().code, "exec_not_trusted");
    assert_eq!(scene.runs(), 0);
}

#[tokio::test]
async fn b08_a_changed_definition_is_not_run_under_the_old_yes() {
    let mut scene = Scene::new().await;
    scene.script.says(&answer("one", None));
    scene.plugin().args.push("--verbose".into());
    assert_eq!(scene.ask().await.unwrap_err().code, "exec_changed");
    scene.plugin().args.pop();
    scene.cluster.server = "https://evil.example".into();
    assert_eq!(scene.ask().await.unwrap_err().code, "exec_changed");
    assert_eq!(scene.runs(), 0);
}

#[tokio::test]
async fn b11_what_a_failing_plugin_printed_or_was_given_is_in_no_fault() {
    let scene = Scene::new().await;
    let said = "signing in\nbad token-canary and env-canary, sign in first\n";
    *scene.script.answer.lock().unwrap() = Ok(ran(false, "exit code 1", r#"{"token":"token-canary"}"#, said));
    let fault = scene.ask().await.unwrap_err();
    assert_eq!(fault.code, "exec_failed");
    assert!(fault.message.en.contains("sign in first") && fault.message.en.contains("exit code 1"), "{fault}");
    let whole = format!("{fault:?}");
    assert!(!whole.contains("token-canary") && !whole.contains("env-canary"), "{whole}");
    scene.clock.advance(LEAST + 1);
    scene.script.says("token-canary");
    let fault = scene.ask().await.unwrap_err();
    assert_eq!((fault.code.as_str(), fault.kind), ("exec_answer", FaultKind::Protocol));
    assert!(!format!("{fault:?}").contains("token-canary"));
}

#[tokio::test]
async fn a_failing_plugin_rests_longer_each_time_and_says_meanwhile_why_it_failed() {
    let scene = Scene::new().await;
    *scene.script.answer.lock().unwrap() = Err(ServerFault::Timeout { phase: domain::fault::Phase::Total, after: Duration::from_secs(30) });
    let mut waits = Vec::new();
    for runs in 1..=4 {
        let mut waited = 0;
        while scene.runs() < runs {
            let fault = scene.ask().await.unwrap_err();
            assert_eq!((fault.code.as_str(), fault.kind), ("exec_timeout", FaultKind::Timeout));
            if scene.runs() < runs {
                scene.clock.advance(1_000);
                waited += 1;
            }
        }
        waits.push(waited);
    }
    assert_eq!(waits, [0, 10, 20, 40]);
    scene.clock.advance(80_000);
    scene.script.says(&answer("one", None));
    assert_eq!(scene.ask().await.unwrap(), "one");
}

#[tokio::test]
async fn a_plugin_that_failed_in_one_process_rests_in_the_others_until_it_answers_or_is_agreed_to_anew() {
    let mut scene = Scene::new().await;
    let notes = Arc::new(MemorySettings::default());
    let next = |scene: &Scene| reach(&scene.script, &scene.vault, &scene.clock, &scene.env).resting_in(notes.clone());
    *scene.script.answer.lock().unwrap() = Ok(ran(false, "exit code 1", "", "password-canary"));
    let mut runs = Vec::new();
    for _ in 0..60 {
        let fault = next(&scene).credential(&scene.cluster).await.unwrap_err();
        assert_eq!((fault.code.as_str(), fault.kind), ("exec_failed", FaultKind::Auth));
        runs.push(scene.runs());
        scene.clock.advance(1_000);
    }
    assert_eq!((runs[0], runs[9], runs[10], runs[29], runs[30], runs[59]), (1, 1, 2, 2, 3, 3), "at 0, 10 and 30 s; each call is a process");
    let kept = notes.get("exec-rest:c1").await.unwrap().unwrap().to_string();
    assert!(!kept.contains("canary"), "{kept}");

    let trust = std::mem::replace(&mut scene.plugin().trust, "of another yes".into());
    assert_eq!(next(&scene).credential(&scene.cluster).await.unwrap_err().code, "exec_changed", "it is looked at, not put off");
    scene.plugin().trust = trust;
    scene.clock.advance(10_000);
    scene.script.says(&answer("one", None));
    assert_eq!(next(&scene).credential(&scene.cluster).await.unwrap().token.unwrap().expose(), "one");
    assert_eq!(notes.get("exec-rest:c1").await.unwrap(), None, "it is well again");
}

#[tokio::test]
async fn of_two_who_ask_at_once_one_runs_the_plugin() {
    let scene = Scene::new().await;
    scene.script.says(&answer("one", None));
    let (a, b) = tokio::join!(scene.ask(), scene.ask());
    assert_eq!((a.unwrap(), b.unwrap(), scene.runs()), ("one".into(), "one".into(), 1));
}

#[tokio::test]
async fn what_is_forgotten_is_asked_for_again_at_once() {
    let scene = Scene::new().await;
    // Without an end it is held in this process only.
    scene.script.says(&answer("first", None));
    assert_eq!(scene.ask().await.unwrap(), "first");
    scene.script.says(&answer("second", None));
    assert_eq!(scene.ask().await.unwrap(), "first", "held");
    scene.reach.forget();
    assert_eq!((scene.ask().await.unwrap().as_str(), scene.runs()), ("second", 2));
}
