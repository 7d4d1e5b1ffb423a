//! Our judgement of manifests beside the API server's: every manifest of the corpus goes through the validator, with what is bundled and with what
//! the server itself serves, and through the server's own strict dry run.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use cluster::validate::{Checker, Manner, Schemas, bundled, check};
use cluster::{Reach, ReachParts};
use domain::cluster::{ClusterAuth, ClusterDef};
use domain::manifest_check::Severity;
use domain::vault::{NewSecret, Owner, SecretBytes, SecretKind, Vault as _};
use protocols::guard::Errands;
use serde_json::json;
use testkit::memory::MemoryRedact;
use testkit::memory_vault::MemoryVault;
use testkit::stage::RealClock;
use testkit::testcluster::{TestCluster, kubectl, testcluster};
use tokio_util::task::TaskTracker;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/manifests")
}

fn corpus() -> BTreeMap<String, String> {
    let files = std::fs::read_dir(folder()).unwrap().flatten().map(|entry| entry.path());
    let manifests = files.filter(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    let all: BTreeMap<_, _> =
        manifests.map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), std::fs::read_to_string(&path).unwrap())).collect();
    assert!(all.len() >= 80, "{}", all.len());
    all
}

/// `kubectl` against the API server: whether it went well, and what it said.
fn kube(test: &TestCluster, words: &[&str], input: &str) -> (bool, String) {
    let mut command = Command::new(kubectl());
    command.arg("--kubeconfig").arg(&test.kubeconfigs["admin"]).args(words);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let out = child.wait_with_output().unwrap();
    (out.status.success(), String::from_utf8_lossy(&out.stderr).into_owned())
}

fn takes(test: &TestCluster, manifest: &str) -> (bool, String) {
    kube(test, &["apply", "--server-side", "--dry-run=server", "--validate=strict", "--force-conflicts", "-f", "-"], manifest)
}

/// The schemas that the API server serves, through our own client.
async fn served(test: &TestCluster) -> Arc<Schemas> {
    let vault = Arc::new(MemoryVault::default());
    let reach = Arc::new(Reach::new(ReachParts {
        vault: vault.clone(),
        run: Arc::new(Errands::new(Arc::from([]), TaskTracker::new())),
        redact: Arc::new(MemoryRedact::default()),
        clock: Arc::new(RealClock),
        env: Arc::default(),
        plugin_patience: Reach::PLUGIN_PATIENCE,
    }));
    let owner = Owner::new("cluster", "c1", "certificate");
    let value = SecretBytes::new(test.pem("admin"));
    let pair = vault.keep(vec![NewSecret { owner, value, kind: SecretKind::Token, expires_at: None }]).await.unwrap().remove(0);
    let auth = ClusterAuth::ClientCertificate { pair, not_after: None };
    let def: ClusterDef = serde_json::from_value(json!({
        "id": "c1", "name": "test", "server": test.server, "caPem": test.ca, "insecure": false,
        "auth": serde_json::to_value(auth).unwrap(), "readOnly": true, "createdAt": 0, "updatedAt": 0,
    }))
    .unwrap();
    let client = reach.client(&def).await.unwrap();
    let checker = Checker::new(reach);
    let mut last = checker.with_client(&client, &def.id).await.unwrap();
    // A definition that was just made changes what is served once more.
    for _ in 0..20 {
        let again = checker.with_client(&client, &def.id).await.unwrap();
        if Arc::ptr_eq(&last, &again) {
            return again;
        }
        last = again;
    }
    panic!("what did not change is fetched again");
}

fn refuses(schemas: &Arc<Schemas>, manifest: &str) -> Option<String> {
    let report = check(manifest.as_bytes(), schemas, &Manner::default());
    report.problems.iter().find(|problem| problem.severity == Severity::Error).map(|problem| format!("{problem:?}"))
}

/// Name → the side that refuses.
fn disagreements() -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(folder().join("disagreements.txt")).unwrap();
    let rows = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).map(|line| {
        let mut parts = line.splitn(3, ": ");
        let (name, side, reason) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap_or_default());
        assert!(!reason.is_empty() && ["ours", "server"].contains(&side), "{line}");
        (name.to_owned(), side.to_owned())
    });
    rows.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_we_refuse_is_what_the_api_server_refuses() {
    let test = testcluster();
    let definition = std::fs::read_to_string(folder().join("widgets.crd")).unwrap();
    // Pods need the account that a controller would make.
    let _ = kube(test, &["create", "serviceaccount", "default"], "");
    let (made, said) = kube(test, &["apply", "-f", "-"], &definition);
    assert!(made, "{said}");
    let (ready, said) = kube(test, &["wait", "--for=condition=established", "--timeout=60s", "crd/widgets.example.com"], "");
    assert!(ready, "{said}");

    let served = {
        // The definition is published a moment after it is established.
        let widget = corpus().remove("good-widget").unwrap();
        let mut schemas = served(test).await;
        for _ in 0..60 {
            if refuses(&schemas, &widget).is_none() {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(500)).await;
            schemas = self::served(test).await;
        }
        schemas
    };
    let bundled = bundled("1.36").unwrap();
    assert_eq!(served.version(), "1.36");

    let mut found = BTreeMap::new();
    let mut wrong = Vec::new();
    for (name, manifest) in corpus() {
        let (taken, said) = takes(test, &manifest);
        let offline = if name.contains("widget") { format!("{manifest}---\n{definition}") } else { manifest.clone() };
        let ours = [refuses(&bundled, &offline), refuses(&served, &manifest)];
        if ours[0].is_some() != ours[1].is_some() {
            wrong.push(format!("{name}: bundled and served schemas differ: {ours:?}"));
        }
        if taken == ours[0].is_some() {
            let side = if taken { "ours" } else { "server" };
            found.insert(name.clone(), side.to_owned());
            if disagreements().get(&name).map(String::as_str) != Some(side) {
                wrong.push(format!("{name}: {side} refuses: {said} {ours:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(found, disagreements(), "a disagreement that is none any more leaves the list");
}
