//! The issuer of these tests in front of others: a client library that was not written for it, and the real kube-apiserver.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use cluster::{Reach, ReachParts};
use domain::cluster::ClusterDef;
use domain::fault::{Fault, FaultKind};
use domain::id::SecretId;
use domain::reach::ClusterReach as _;
use domain::sign_in::{SignInCode, SignInGuide, SignInWay};
use domain::vault::{NewSecret, Owner, SecretKind, Vault as _};
use protocols::guard::Errands;
use serde_json::json;
use testkit::issuer::{Authority, Issuer, Registration};
use testkit::memory::MemoryRedact;
use testkit::memory_vault::MemoryVault;
use testkit::stage::RealClock;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio_util::task::TaskTracker;

use crate::peers::{installed, script};
use testkit::testcluster::TestCluster;

/// Everything that `oidc_client.py` asks of an issuer.
async fn stands_before_a_client_of_others(secret: Option<&str>, alg: &'static str) {
    let redirects = vec!["http://127.0.0.1/callback".to_owned()];
    let known = Registration { secret: secret.map(str::to_owned), alg, redirects, ..Registration::default() };
    let issuer = Issuer::knowing(known).await;
    let mut client = tokio::process::Command::new(installed("venv/bin/python"))
        .args([&script("oidc_client.py"), &issuer.url(), "pilot", secret.unwrap_or("-"), alg])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(client.stdout.take().unwrap()).lines();
    if let Some(code) = lines.next_line().await.unwrap() {
        issuer.types(&code);
        client.stdin.take().unwrap().write_all(b"\n").await.unwrap();
    }
    let last = lines.next_line().await.unwrap();
    let done = client.wait_with_output().await.unwrap();
    assert_eq!(last.as_deref(), Some("all of it"), "{}", String::from_utf8_lossy(&done.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_issuer_of_these_tests_satisfies_a_client_library_that_was_not_written_for_it() {
    tokio::join!(stands_before_a_client_of_others(None, "RS256"), stands_before_a_client_of_others(Some("s3cret"), "ES256"));
}

/// A person who agrees to everything, in the browser and with a code.
#[derive(Debug)]
struct Agrees(Arc<Issuer>, Mutex<Vec<tokio::task::JoinHandle<()>>>);

#[async_trait]
impl SignInGuide for Agrees {
    async fn page(&self, page: &url::Url) -> Result<(), Fault> {
        let (issuer, page) = (self.0.clone(), page.to_string());
        let visit = tokio::spawn(async move {
            issuer.agrees(&page).await;
        });
        self.1.lock().unwrap().push(visit);
        Ok(())
    }

    async fn code(&self, code: &SignInCode) -> Result<(), Fault> {
        self.0.types(&code.code);
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_real_api_server_knows_whom_we_signed_in_and_whom_we_renewed() {
    let authority = Authority::default();
    let known = Registration { life: 50, ..Registration::default() };
    let issuer = Arc::new(Issuer::over_tls(known, &authority).await);
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("authentication.yaml");
    let config = json!({
        "apiVersion": "apiserver.config.k8s.io/v1", "kind": "AuthenticationConfiguration",
        "jwt": [{
            "issuer": { "url": issuer.url(), "audiences": ["pilot"], "certificateAuthority": authority.pem() },
            "claimMappings": {
                "username": { "claim": "email", "prefix": "sso:" },
                "groups": { "claim": "groups", "prefix": "" },
            },
        }],
    });
    std::fs::write(&file, config.to_string()).unwrap();
    let test = tokio::task::spawn_blocking(move || TestCluster::with_authentication(&file)).await.unwrap();

    let vault = Arc::new(MemoryVault::default());
    let reach = Reach::new(ReachParts {
        vault: vault.clone(),
        run: Arc::new(Errands::new(Arc::from([]), TaskTracker::new())),
        redact: Arc::new(MemoryRedact::default()),
        clock: Arc::new(RealClock),
        env: Arc::new(BTreeMap::new()),
        plugin_patience: Reach::PLUGIN_PATIENCE,
    });
    let def = |state: Option<SecretId>| -> ClusterDef {
        serde_json::from_value(json!({
            "id": "c1", "name": "test", "server": test.server, "caPem": test.ca, "insecure": false, "readOnly": false, "createdAt": 0, "updatedAt": 0,
            "auth": { "kind": "oidc", "issuer": issuer.url(), "clientId": "pilot", "scopes": ["email", "groups"], "caPem": authority.pem(), "state": state },
        }))
        .unwrap()
    };
    // The server reads the issuer's keys a moment after it is ready.
    let whom = async |def: &ClusterDef| loop {
        match reach.probe(def).await {
            Ok(facts) => break facts.identity.unwrap(),
            Err(fault) if fault.code == "cluster_auth" => tokio::time::sleep(std::time::Duration::from_millis(200)).await,
            Err(fault) => panic!("{fault}"),
        }
    };
    let guide = Agrees(issuer.clone(), Mutex::default());
    for (way, alg) in [(SignInWay::Browser { port: None }, "RS256"), (SignInWay::Code, "ES256")] {
        issuer.known(|known| (known.alg, known.life) = (alg, 3600));
        let signed_in = reach.sign_in(&def(None), way, &guide).await.unwrap();
        assert_eq!(signed_in.user, "ann@example.org");
        let owner = Owner::new("cluster", "c1", alg);
        let new = NewSecret { owner, value: signed_in.value, kind: SecretKind::SignIn, expires_at: None };
        let id = vault.keep(vec![new]).await.unwrap().remove(0);
        let identity = whom(&def(Some(id))).await;
        assert_eq!(identity.user, "sso:ann@example.org");
        assert!(identity.groups.iter().any(|group| group == "viewers"), "{identity:?}");
    }

    // A token that is about to end is renewed on the way, and the server takes the new one too.
    issuer.known(|known| known.life = 50);
    let signed_in = reach.sign_in(&def(None), SignInWay::Browser { port: None }, &guide).await.unwrap();
    issuer.known(|known| known.life = 3600);
    let new = NewSecret { owner: Owner::new("cluster", "c1", "old"), value: signed_in.value, kind: SecretKind::SignIn, expires_at: None };
    let id = vault.keep(vec![new]).await.unwrap().remove(0);
    assert_eq!(whom(&def(Some(id))).await.user, "sso:ann@example.org");
    assert!(issuer.asked("/token").iter().any(|form| form["grant_type"] == "refresh_token"));

    // Without the issuer's authority nobody is asked.
    let mut stranger = def(None);
    if let domain::cluster::ClusterAuth::Oidc { ca_pem, .. } = &mut stranger.auth {
        *ca_pem = None;
    }
    let fault = reach.sign_in(&stranger, SignInWay::Code, &guide).await.unwrap_err();
    assert_eq!((fault.kind, fault.code.as_str()), (FaultKind::Unreachable, "issuer_unreachable"));
}
