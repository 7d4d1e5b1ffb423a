//! The real kube-apiserver and the real kubectl (built by scripts/testcluster.sh): who we are there, and what is refused on the way.

mod helper;

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use cluster::{Reach, ReachParts};
use domain::Json;
use domain::cluster::{ClusterAuth, ClusterDef, ExecPlugin, Impersonate};
use domain::fault::FaultKind;
use domain::id::SecretId;
use domain::reach::{ClusterFacts, ClusterReach as _};
use domain::secret::SecretMap;
use domain::vault::{NewSecret, Owner, SecretBytes, SecretKind, Vault as _};
use protocols::guard::Errands;
use serde_json::json;
use testkit::memory::MemoryRedact;
use testkit::memory_vault::MemoryVault;
use testkit::stage::RealClock;
use testkit::testcluster::{TestCluster, testcluster};
use tokio_util::task::TaskTracker;

struct Scene {
    vault: Arc<MemoryVault>,
    reach: Reach,
    test: &'static TestCluster,
}

impl Scene {
    fn new() -> Self {
        let vault = Arc::new(MemoryVault::default());
        let guard = Arc::from([env!("CARGO_BIN_EXE_live-peer").to_owned(), protocols::guard::WORD.to_owned()]);
        let reach = Reach::new(ReachParts {
            vault: vault.clone(),
            run: Arc::new(Errands::new(guard, TaskTracker::new())),
            redact: Arc::new(MemoryRedact::default()),
            clock: Arc::new(RealClock),
            env: Arc::new(BTreeMap::from([("PATH".to_owned(), "/usr/bin:/bin".to_owned())])),
            plugin_patience: Reach::PLUGIN_PATIENCE,
        });
        Self { vault, reach, test: testcluster() }
    }

    async fn secret(&self, value: &str) -> SecretId {
        let owner = Owner::new("cluster", "c1", value);
        let new = NewSecret { owner, value: SecretBytes::new(value), kind: SecretKind::Token, expires_at: None };
        self.vault.keep(vec![new]).await.unwrap().remove(0)
    }

    fn def(&self, auth: ClusterAuth) -> ClusterDef {
        serde_json::from_value(json!({
            "id": "c1", "name": "test", "server": self.test.server, "caPem": self.test.ca, "insecure": false,
            "auth": serde_json::to_value(auth).unwrap(), "readOnly": false, "createdAt": 0, "updatedAt": 0,
        }))
        .unwrap()
    }

    async fn with_token(&self, token: &str) -> ClusterDef {
        self.def(ClusterAuth::Token { token: self.secret(token).await, expires_at: None })
    }

    async fn with_certificate(&self, who: &str) -> ClusterDef {
        let pair = self.secret(&self.test.pem(who)).await;
        self.def(ClusterAuth::ClientCertificate { pair, not_after: None })
    }
}

fn is(facts: &ClusterFacts, user: &str, group: &str) {
    let identity = facts.identity.as_ref().unwrap();
    assert_eq!(identity.user, user);
    assert!(identity.groups.iter().any(|found| found == group), "{identity:?}");
    assert!(facts.version.starts_with("v1.") && facts.platform.contains('/'), "{facts:?}");
}

#[tokio::test]
async fn a_certificate_a_token_and_a_credential_program_are_whom_they_say() {
    let scene = Scene::new();
    is(&scene.reach.probe(&scene.with_certificate("admin").await).await.unwrap(), "admin", "system:masters");
    is(&scene.reach.probe(&scene.with_token(&scene.test.tokens["viewer"]).await).await.unwrap(), "viewer", "viewers");

    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("login");
    let answer = json!({
        "kind": "ExecCredential", "apiVersion": "client.authentication.k8s.io/v1beta1",
        "status": { "clientCertificateData": scene.test.certs["viewer"].cert, "clientKeyData": scene.test.certs["viewer"].key },
    });
    std::fs::write(dir.path().join("answer"), answer.to_string()).unwrap();
    std::fs::write(&file, format!("#!/bin/sh\ncat {}/answer\n", dir.path().display())).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut plugin = ExecPlugin {
        api_version: "client.authentication.k8s.io/v1beta1".into(),
        command: file.display().to_string(),
        args: Vec::new(),
        env_names: Vec::new(),
        env: None,
        base_dir: None,
        provide_cluster_info: true,
        interactive_mode: "IfAvailable".into(),
        trust: String::new(),
    };
    plugin.trust = scene.reach.plugin(&scene.test.server, &plugin, &SecretMap::new()).await.unwrap().trust;
    is(&scene.reach.probe(&scene.def(ClusterAuth::Exec { plugin })).await.unwrap(), "viewer", "viewers");
}

#[tokio::test]
async fn impersonation_is_what_the_server_sees_and_only_for_those_who_may() {
    let scene = Scene::new();
    let as_bob = Impersonate { user: Some("bob".into()), groups: vec!["team".into()], ..Impersonate::default() };
    let mut def = scene.with_certificate("admin").await;
    def.impersonate = Some(as_bob.clone());
    is(&scene.reach.probe(&def).await.unwrap(), "bob", "team");
    let mut def = scene.with_token(&scene.test.tokens["viewer"]).await;
    def.impersonate = Some(as_bob);
    assert_eq!(scene.reach.probe(&def).await.unwrap_err().code, "cluster_forbidden");
}

#[tokio::test]
async fn a_wrong_token_another_authority_and_another_name_are_told_apart() {
    let scene = Scene::new();
    let wrong = scene.with_token("no-such-token").await;
    let fault = scene.reach.probe(&wrong).await.unwrap_err();
    assert_eq!((fault.kind, fault.code.as_str()), (FaultKind::Auth, "cluster_auth"));

    let mut other = scene.with_token(&scene.test.tokens["viewer"]).await;
    other.ca_pem = Some(rcgen::generate_simple_self_signed(vec!["x".into()]).unwrap().cert.pem());
    let fault = scene.reach.probe(&other).await.unwrap_err();
    assert_eq!((fault.kind, fault.code.as_str()), (FaultKind::Unreachable, "cluster_tls"));
    assert!(fault.message.en.contains("authority"), "{fault}");
    other.ca_pem = None;
    assert_eq!(scene.reach.probe(&other).await.unwrap_err().code, "cluster_tls", "the system's authorities did not sign it either");
    other.insecure = true;
    is(&scene.reach.probe(&other).await.unwrap(), "viewer", "viewers");

    let mut named = scene.with_token(&scene.test.tokens["viewer"]).await;
    named.tls_server_name = Some("elsewhere.example".into());
    let fault = scene.reach.probe(&named).await.unwrap_err();
    assert!(fault.code == "cluster_tls" && fault.message.en.contains("another name"), "{fault}");
    named.tls_server_name = Some("kubernetes.default.svc".into());
    is(&scene.reach.probe(&named).await.unwrap(), "viewer", "viewers");
}

#[tokio::test]
async fn on_a_read_only_cluster_an_admin_can_look_and_not_touch() {
    let scene = Scene::new();
    let mut def = scene.with_certificate("admin").await;
    def.read_only = true;
    let name = format!("/api/v1/namespaces/read-only-{}", std::process::id());
    let body = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name.rsplit('/').next() } }).to_string();
    let create = || {
        let request = http::Request::post("/api/v1/namespaces").header("content-type", "application/json");
        request.body(body.clone().into_bytes()).unwrap()
    };
    let look = async |client: &kube::Client| client.request_text(http::Request::get(&name).body(Vec::new()).unwrap()).await.is_ok();
    let client = scene.reach.client(&def).await.unwrap();
    assert!(client.request_text(create()).await.is_err());
    let list = client.request_text(http::Request::get("/api/v1/namespaces").body(Vec::new()).unwrap()).await.unwrap();
    assert_eq!(serde_json::from_str::<Json>(&list).unwrap()["kind"], "NamespaceList");
    assert!(!look(&client).await, "it was not made");
    def.read_only = false;
    let client = scene.reach.client(&def).await.unwrap();
    client.request_text(create()).await.unwrap();
    assert!(look(&client).await);
}
