//! What the workbench keeps and refuses: drafts, lints that are set for a cluster, manifests made by a tool.

use app::DraftOrder;
use app::workbench::ApplyOrder;
use domain::audit::Event;
use domain::cluster::{ClusterDef, Clusters as _};
use domain::manifest::Draft;
use domain::manifest_check::{CheckOrder, LintLevel, Severity};
use domain::manifest_language::PlaceOrder;
use domain::ports::Settings as _;
use domain::vault::{VaultKind, VaultState};
use serde_json::json;
use testkit::kube::KubeApi;

use crate::home::Home;
use crate::house::{House, window};

const OPEN: VaultState = VaultState::Unlocked { kind: VaultKind::Keyring };
const SECRET: &str = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {a: c4n4ry-5f1e}\n";

fn draft(id: Option<&str>, text: &str) -> DraftOrder {
    DraftOrder { id: id.map(str::to_owned), name: "web".into(), text: text.into(), cluster: None, namespace: Some("shop".into()) }
}

#[tokio::test]
async fn a_draft_keeps_its_versions_in_the_vault_and_nowhere_else() {
    let house = House::open().await;
    let drafts = &house.app.drafts;
    assert_eq!(drafts.save(draft(None, SECRET)).await.unwrap_err().code, "vault_absent");
    assert_eq!(drafts.list().await.unwrap(), []);
    house.vault.stand(OPEN);
    let (id, first) = drafts.save(draft(None, SECRET)).await.unwrap();
    assert_eq!(first.version, 1);
    let (same, again) = drafts.save(draft(Some(&id), SECRET)).await.unwrap();
    assert_eq!((&same, again), (&id, first), "the same text is no new version");
    let (_, second) = drafts.save(draft(Some(&id), "kind: Pod\n")).await.unwrap();
    assert_eq!(second.version, 2);
    assert_eq!(drafts.get(&id, None).await.unwrap().text, "kind: Pod\n");
    let old = drafts.get(&id, Some(1)).await.unwrap();
    assert_eq!((old.text.as_str(), old.draft.namespace.as_deref()), (SECRET, Some("shop")));
    assert_eq!(drafts.get(&id, Some(9)).await.unwrap_err().code, "no_such_draft");
    assert_eq!(drafts.get("none", None).await.unwrap_err().code, "no_such_draft");
    assert_eq!(drafts.save(draft(Some("none"), "a")).await.unwrap_err().code, "no_such_draft");
    let kept = house.settings.with_prefix("").await.unwrap();
    assert!(!format!("{kept:?}").contains("c4n4ry") && !format!("{old:?}").contains("c4n4ry"));

    house.vault.stand(VaultState::Locked { kind: VaultKind::Keyring });
    let list = drafts.list().await.unwrap();
    assert_eq!((list.len(), list[0].versions.len(), list[0].name.as_str()), (1, 2, "web"));
    assert_eq!(drafts.get(&id, None).await.unwrap_err().code, "vault_locked");
    assert_eq!(drafts.save(draft(Some(&id), "b")).await.unwrap_err().code, "vault_locked");
    drafts.remove(&id).await.unwrap();
    assert_eq!(drafts.list().await.unwrap(), []);
    house.vault.stand(OPEN);
    assert_eq!(drafts.get(&id, None).await.unwrap_err().code, "no_such_draft");
}

const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: \"a:latest\"}]}\n";

#[tokio::test]
async fn a_lint_that_is_set_to_block_stops_an_apply_before_the_api_server_sees_it() {
    let api = KubeApi::start().await;
    let house = House::open().await;
    let cluster: ClusterDef = serde_json::from_value(json!({
        "id": "c1", "name": "shop", "server": api.web.url("").trim_end_matches('/'), "insecure": false, "auth": { "kind": "anonymous" },
        "readOnly": false, "createdAt": 0, "updatedAt": 0,
    }))
    .unwrap();
    house.clusters.put_clusters(&[cluster]).await.unwrap();
    let manifests = &house.app.manifests;
    let order = CheckOrder { manifest: POD.into(), ..CheckOrder::default() };
    let severity = async |rule: &str, cluster: Option<&str>| {
        let report = manifests.check(&order, cluster).await.unwrap();
        report.problems.into_iter().find(|problem| problem.rule == rule).map(|problem| problem.severity)
    };
    assert_eq!(severity("pod-image-tag", Some("shop")).await, Some(Severity::Warning));
    manifests.set_level("shop", "pod-image-tag", Some(LintLevel::Block), &window()).await.unwrap();
    manifests.set_level("c1", "pod-probes", Some(LintLevel::Off), &window()).await.unwrap();
    assert_eq!(severity("pod-image-tag", Some("shop")).await, Some(Severity::Error));
    assert_eq!(severity("pod-probes", Some("shop")).await, None);
    assert_eq!(severity("pod-image-tag", None).await, Some(Severity::Warning), "only in that cluster");
    assert_eq!(manifests.set_level("shop", "schema-type", None, &window()).await.unwrap_err().code, "unknown_lint");
    assert_eq!(manifests.set_level("none", "pod-probes", None, &window()).await.unwrap_err().code, "no_such_cluster");

    let apply = || ApplyOrder {
        cluster: Some("shop".into()),
        draft: Draft { text: POD.into(), ..Draft::default() },
        digest: "0".into(),
        confirm_within: None,
        approve_once: true,
    };
    let fault = house.app.workbench.apply(apply(), &window()).await.unwrap_err();
    assert_eq!((fault.code.as_str(), &fault.params["problems"][0]["rule"]), ("lint_blocked", &json!("pod-image-tag")));
    manifests.set_level("shop", "pod-image-tag", None, &window()).await.unwrap();
    let fault = house.app.workbench.apply(apply(), &window()).await.unwrap_err();
    assert_ne!(fault.code, "lint_blocked", "as usual again");
    let notes =
        house.audit.rows().into_iter().filter(|row| matches!(&row.entry.event, Event::Note { what, .. } if what == "cluster_lint_set"));
    assert_eq!(notes.count(), 3);
}

#[tokio::test]
async fn an_editor_is_told_where_what_and_what_else() {
    let house = House::open().await;
    let manifests = &house.app.manifests;
    let text = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: é😀\ndatas: {a: b}\n---\nkind: Pod\nspec: [\n";
    let order = CheckOrder { manifest: text.into(), ..CheckOrder::default() };
    let broken = manifests.inspect(&order, None).await.unwrap();
    assert_eq!(broken.outline.iter().map(|item| (item.line, item.kind.as_str())).collect::<Vec<_>>(), [(1, "ConfigMap"), (7, "Pod")]);
    assert_eq!(broken.report.problems[0].rule, "yaml-syntax");
    let text = &text[..text.find("---").unwrap()];
    let order = CheckOrder { manifest: text.into(), ..CheckOrder::default() };
    let seen = manifests.inspect(&order, None).await.unwrap();
    let nth = seen.report.problems.iter().position(|problem| problem.rule == "schema-unknown-field").unwrap();
    let (problem, mark) = (&seen.report.problems[nth], &seen.marks[nth]);
    assert_eq!((mark.line, mark.column, mark.end_line, mark.end_column), (5, 1, 5, 6));
    let edits = manifests.repair(text, problem.document, &problem.whole, problem.fix.as_ref().unwrap()).await.unwrap();
    assert_eq!((edits.len(), edits[0].insert.as_str()), (1, ""));
    let named = seen.report.problems.iter().position(|problem| problem.rule == "meta-name").unwrap();
    assert_eq!((seen.marks[named].column, seen.marks[named].end_column), (9, 12), "columns count as editors count");
    let place = PlaceOrder { text: text.into(), line: 5, column: 1, ..PlaceOrder::default() };
    let found = manifests.complete(&place, None).await.unwrap();
    assert!(found.items.iter().any(|item| item.label == "data"));
    let hover = manifests.hover(&PlaceOrder { line: 3, column: 2, ..place }, None).await.unwrap().unwrap();
    assert_eq!(hover.path, "metadata");
    assert_eq!(manifests.versions().last().map(String::as_str), Some(seen.report.version.as_str()));
    assert!(manifests.templates().len() > 10);
    assert_eq!(manifests.format("a:\n    b: 1\n").await.unwrap(), "a:\n  b: 1\n");
}

#[test]
fn a_fix_in_a_list_of_objects_changes_that_object() {
    let text = "apiVersion: v1\nkind: List\nitems:\n  - apiVersion: v1\n    kind: Namespace\n    metadata: {name: a, namespace: b}\n";
    let report =
        cluster::validate::check(text.as_bytes(), &cluster::validate::bundled("1.36").unwrap(), &cluster::validate::Manner::default());
    let problem = report.problems.iter().find(|problem| problem.rule == "meta-namespace").unwrap();
    assert_eq!((problem.path.as_str(), problem.whole.as_str()), ("metadata.namespace", "items[0].metadata.namespace"));
    let fixed = cluster::validate::fixed(text, problem).unwrap();
    assert!(!fixed.contains("namespace") && fixed.contains("name: a"), "{fixed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_that_the_tool_writes_passes_our_own_check() {
    let home = Home::new();
    let args = json!({
        "app_name": "web", "image": "nginx:1.27", "replicas": 2, "namespace": "shop", "ports": [{ "name": "http", "containerPort": 80 }],
        "env_vars": [{ "name": "MODE", "value": "on" }], "strategy": { "maxUnavailable": "25%", "maxSurge": "1" },
        "volumes": [{ "name": "tmp", "type": "emptyDir" }], "volume_mounts": [{ "name": "tmp", "mountPath": "/tmp" }],
        "resources": { "limits": { "memory": "128Mi" }, "requests": { "cpu": "100m", "memory": "64Mi" } },
    });
    let made = home.run(&["call", "kubernetes", "k8s-generate-deployment-yaml", "--args", &args.to_string()]).await.ok();
    let yaml = made.json()["structuredContent"]["yaml"].as_str().unwrap().to_owned();
    let checked = home.fed(&["k8s", "validate", "-"], &yaml).await.ok();
    assert_eq!(checked.json()["ok"], true, "{}", checked.out);
    let told = home.run(&["call", "kubernetes", "k8s-validate-yaml", "--args", &json!({ "manifest": yaml }).to_string()]).await.ok();
    assert!(told.out.contains("held against Kubernetes"), "{}", told.out);
    let wrong = home
        .run(&[
            "call",
            "kubernetes",
            "k8s-generate-deployment-yaml",
            "--args",
            "{\"app_name\":\"web\",\"image\":\"a\",\"labels\":{\"app\":\"x\"}}",
        ])
        .await;
    assert!(wrong.code != 0 && wrong.out.contains("labels.app") | wrong.err.contains("labels.app"), "{} {}", wrong.out, wrong.err);
}
