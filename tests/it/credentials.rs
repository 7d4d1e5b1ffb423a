//! Credentials for other programs: who gets one, for which server, how often, and what the log says about it.

use std::sync::Arc;

use app::credentials::{Caller, ConsentFor, CredentialOrder, Credentials, CredentialsParts};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::Json;
use domain::cluster::{ClusterDef, Clusters as _};
use domain::fault::{Fault, FaultKind};
use domain::id::Millis;
use domain::policy::{Actor, Door};
use domain::ports::Settings as _;
use domain::reach::CLUSTERS_LOCKED;
use serde_json::json;
use testkit::memory::{MemoryAudit, MemorySettings, StillClock};
use testkit::memory_vault::MemoryClusters;
use testkit::scripted_reach::ScriptedReach;

const CA: &str = "-----BEGIN CERTIFICATE-----\nQUJD\n-----END CERTIFICATE-----\n";
const NOW: i64 = 1_795_356_000_000;

struct Scene {
    clusters: Arc<MemoryClusters>,
    settings: Arc<MemorySettings>,
    audit: Arc<MemoryAudit>,
    clock: Arc<StillClock>,
    credentials: Credentials,
}

fn cluster(id: &str, name: &str, auth: Json) -> ClusterDef {
    serde_json::from_value(json!({
        "id": id, "name": name, "server": "https://api.example:6443", "caPem": CA, "insecure": false, "auth": auth,
        "readOnly": false, "createdAt": 0, "updatedAt": 0,
    }))
    .unwrap()
}

fn info(server: &str) -> String {
    json!({
        "kind": "ExecCredential", "apiVersion": "client.authentication.k8s.io/v1",
        "spec": { "interactive": false, "cluster": { "server": server, "certificate-authority-data": STANDARD.encode(CA), "config": null } },
    })
    .to_string()
}

impl Scene {
    async fn new(ends: Option<Millis>) -> Self {
        let clusters = Arc::new(MemoryClusters::default());
        let token = json!({ "kind": "token", "token": "s1" });
        let all = [
            cluster("c1", "prod", token.clone()),
            cluster("c2", "basic", json!({ "kind": "basic", "pair": "s2" })),
            cluster("c3", "shut", token),
        ];
        clusters.put_clusters(&all).await.unwrap();
        let (settings, audit, clock) = (Arc::new(MemorySettings::default()), Arc::new(MemoryAudit::default()), StillClock::at(NOW));
        let credentials = Credentials::new(CredentialsParts {
            clusters: clusters.clone(),
            settings: settings.clone(),
            audit: audit.clone(),
            reach: Arc::new(ScriptedReach::ending(ends)),
            clock: clock.clone(),
        });
        Self { clusters, settings, audit, clock, credentials }
    }

    async fn ask(&self, id: &str, info: &str) -> Result<Json, Fault> {
        let order = CredentialOrder {
            cluster: id.into(),
            info: Some(info.to_owned()),
            caller: Some(kubectl()),
            actor: actor(),
            pilot: "pilot".into(),
        };
        self.credentials.issue(&order).await.map(|answer| serde_json::from_str(answer.expose()).unwrap())
    }

    async fn usual(&self) -> Result<Json, Fault> {
        self.ask("c1", &info("https://api.example:6443")).await
    }

    async fn agree(&self, answer: ConsentFor) {
        self.credentials.consent(&kubectl(), answer, Some("prod"), &actor()).await.unwrap();
    }

    fn last_note(&self) -> (String, Json) {
        match self.audit.rows().pop().unwrap().entry.event {
            domain::audit::Event::Note { what, detail } => (what, detail),
            other => panic!("{other:?}"),
        }
    }
}

fn kubectl() -> Caller {
    Caller { program: "/usr/bin/kubectl".into(), sha256: "aa".into() }
}

fn actor() -> Actor {
    Actor { door: Door::Cli, name: "ann".into(), can_ask: false }
}

fn code(answer: Result<Json, Fault>) -> String {
    answer.unwrap_err().code
}

#[tokio::test]
async fn a_program_that_a_person_agreed_to_gets_the_credential_for_ten_minutes_at_most() {
    for (ends, until) in [
        (None, "2026-11-22T14:10:00Z"),
        (Some(Millis(NOW + 86_400_000)), "2026-11-22T14:10:00Z"),
        (Some(Millis(NOW + 61_000)), "2026-11-22T14:01:01Z"),
    ] {
        let scene = Scene::new(ends).await;
        scene.agree(ConsentFor::Always).await;
        let answer = scene.usual().await.unwrap();
        let expected = json!({
            "kind": "ExecCredential", "apiVersion": "client.authentication.k8s.io/v1",
            "status": { "expirationTimestamp": until, "token": "canary-token" },
        });
        assert_eq!(answer, expected);
        assert_eq!(scene.audit.story(), ["consent_given", "credential_issued"]);
        let (_, detail) = scene.last_note();
        assert_eq!(
            (&detail["program"], &detail["cluster"], &detail["auth"]),
            (&json!("/usr/bin/kubectl"), &json!("prod"), &json!("token"))
        );
        assert!(!format!("{:?}", scene.audit.rows()).contains("canary"), "no row holds it");
    }
}

#[tokio::test]
async fn without_a_yes_the_refusal_names_the_command_that_gives_one() {
    let scene = Scene::new(None).await;
    let fault = scene.usual().await.unwrap_err();
    assert_eq!((fault.code.as_str(), fault.kind.exit_code()), ("consent_needed", 6));
    assert!(fault.hint.en.contains("pilot cluster consent --program /usr/bin/kubectl --for always --cluster prod"), "{}", fault.hint.en);
    let (what, detail) = scene.last_note();
    assert_eq!((what.as_str(), &detail["code"]), ("credential_refused", &json!("consent_needed")));
}

#[tokio::test]
async fn b13_a_caller_that_means_another_server_or_says_none_is_refused_and_written_down() {
    let scene = Scene::new(None).await;
    scene.agree(ConsentFor::Always).await;
    let no_cluster = r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","spec":{}}"#;
    for (said, expected) in [
        (info("https://evil.example:6443"), "pin_mismatch"),
        (info("https://api.example:6443").replace("\"config\":null", "\"insecure-skip-tls-verify\":true"), "pin_mismatch"),
        (info("https://api.example:6443").replace("\"config\":null", "\"tls-server-name\":\"evil\""), "pin_mismatch"),
        (no_cluster.to_owned(), "exec_info_missing"),
        (String::new(), "exec_info_missing"),
        ("{}".to_owned(), "exec_info"),
    ] {
        assert_eq!(code(scene.ask("c1", &said).await), expected, "{said}");
        assert_eq!(scene.last_note().1["code"], expected);
    }
    assert_eq!(code(scene.ask("nothing", &info("https://api.example:6443")).await), "no_such_cluster");
    assert!(!scene.audit.story().contains(&"credential_issued".to_owned()));
}

#[tokio::test]
async fn of_two_callers_one_gets_what_was_agreed_to_once() {
    let scene = Scene::new(None).await;
    scene.agree(ConsentFor::Once).await;
    assert_eq!(code(scene.ask("c1", &info("https://evil.example")).await), "pin_mismatch", "a refusal does not use it up");
    let (a, b) = tokio::join!(scene.usual(), scene.usual());
    assert_eq!([a.is_ok(), b.is_ok()].into_iter().filter(|ok| *ok).count(), 1);
    assert_eq!(code(scene.usual().await), "consent_needed");
}

#[tokio::test]
async fn a_quarter_ends_a_no_wins_and_another_file_is_another_program() {
    let scene = Scene::new(None).await;
    scene.agree(ConsentFor::Quarter).await;
    scene.clock.advance(899_999);
    assert!(scene.usual().await.is_ok());
    scene.clock.advance(1);
    assert_eq!(code(scene.usual().await), "consent_needed");
    scene.agree(ConsentFor::Always).await;
    let order = CredentialOrder {
        cluster: "c1".into(),
        info: Some(info("https://api.example:6443")),
        caller: Some(Caller { sha256: "bb".into(), ..kubectl() }),
        actor: actor(),
        pilot: "pilot".into(),
    };
    assert_eq!(scene.credentials.issue(&order).await.unwrap_err().code, "consent_needed", "it was replaced");
    let unknown = CredentialOrder { caller: None, ..order };
    assert_eq!(scene.credentials.issue(&unknown).await.unwrap_err().code, "caller_unknown");
    scene.credentials.consent(&kubectl(), ConsentFor::Deny, None, &actor()).await.unwrap();
    assert_eq!(code(scene.usual().await), "consent_denied");
}

#[tokio::test]
async fn b15_the_thirty_first_request_within_a_minute_is_refused_and_noted_once() {
    let scene = Scene::new(None).await;
    scene.agree(ConsentFor::Always).await;
    for nth in 1..=30 {
        assert!(scene.usual().await.is_ok(), "{nth}");
    }
    for _ in 0..5 {
        let fault = scene.usual().await.unwrap_err();
        assert_eq!((fault.code.as_str(), fault.kind.exit_code()), ("credential_rate", 6));
    }
    let story = scene.audit.story();
    assert_eq!(story.iter().filter(|what| *what == "credential_issued").count(), 30);
    assert_eq!(story.iter().filter(|what| *what == "credential_refused").count(), 1, "the log is not flooded");
    scene.clock.advance(60_001);
    assert!(scene.usual().await.is_ok(), "the next minute is another one");
}

#[tokio::test]
async fn lock_closes_it_at_once_and_a_locked_vault_uses_no_consent_up() {
    let scene = Scene::new(None).await;
    scene.agree(ConsentFor::Always).await;
    scene.settings.set(CLUSTERS_LOCKED, &json!(true)).await.unwrap();
    assert_eq!(code(scene.usual().await), "clusters_locked");
    scene.settings.set(CLUSTERS_LOCKED, &Json::Null).await.unwrap();
    assert!(scene.usual().await.is_ok());
    scene.credentials.consent(&kubectl(), ConsentFor::Once, Some("shut"), &actor()).await.unwrap();
    assert_eq!(code(scene.ask("c3", &info("https://api.example:6443")).await), "vault_locked");
    assert!(scene.clusters.consents().await.unwrap().iter().any(|kept| kept.cluster == Some("c3".into())), "it is still there");
}

#[tokio::test]
async fn a_password_cannot_be_passed_on_and_without_a_row_nothing_is_given() {
    let scene = Scene::new(None).await;
    scene.credentials.consent(&kubectl(), ConsentFor::Always, None, &actor()).await.unwrap();
    let fault = scene.ask("c2", &info("https://api.example:6443")).await.unwrap_err();
    assert_eq!((fault.code.as_str(), fault.kind), ("credential_not_expressible", FaultKind::Config));
    scene.audit.fill_disk();
    assert_eq!(scene.usual().await.unwrap_err().kind, FaultKind::Storage);
}
