//! Asking clusters whether they answer: who is asked when, what is kept of it, and what stays silent.

use domain::Json;
use domain::audit::Event;
use domain::cluster::{ClusterDef, Clusters as _};
use domain::fault::{Fault, FaultKind};
use domain::id::Millis;
use domain::policy::Door;
use domain::ports::Settings as _;
use domain::reach::{ClusterFacts, ClusterIdentity};
use domain::text::Text;
use domain::vault::{NewSecret, Owner, SecretBytes, SecretKind, Vault as _, VaultKind, VaultState};
use serde_json::json;

use app::clusters::{ClusterView, ReachState};
use app::credentials::{Caller, ConsentFor, CredentialOrder, Credentials, CredentialsParts};

use crate::house::{House, script, through, window};

const MINUTE: i64 = 60_000;

fn def(name: &str, auth: &Json) -> ClusterDef {
    serde_json::from_value(json!({
        "id": format!("id-{name}"), "name": name, "server": format!("https://{name}.example:6443"), "insecure": false, "auth": auth,
        "readOnly": false, "createdAt": 0, "updatedAt": 0,
    }))
    .unwrap()
}

fn facts(version: &str) -> ClusterFacts {
    ClusterFacts {
        version: version.into(),
        platform: "linux/amd64".into(),
        identity: Some(ClusterIdentity { user: "ada".into(), groups: vec!["dev".into(), "system:authenticated".into()] }),
        expires_at: None,
    }
}

fn exec() -> Json {
    json!({ "kind": "exec", "plugin": {
        "apiVersion": "client.authentication.k8s.io/v1", "command": "/usr/bin/login", "args": [], "envNames": [], "env": null,
        "baseDir": null, "provideClusterInfo": false, "interactiveMode": "Never", "trust": "t",
    } })
}

/// A house with an open vault and these clusters: `tok` with a token, `free` with nothing, `exec` with a program.
async fn house() -> House {
    let house = House::open().await;
    house.vault.stand(VaultState::Unlocked { kind: VaultKind::Session });
    let owner = Owner::new("cluster", "id-tok", "token");
    let new = NewSecret { owner, value: SecretBytes::new("x"), kind: SecretKind::Token, expires_at: None };
    let token = house.vault.keep(vec![new]).await.unwrap().remove(0);
    let token = json!({ "kind": "token", "token": token, "expiresAt": null });
    let all = [def("tok", &token), def("free", &json!({ "kind": "anonymous" })), def("exec", &exec())];
    house.clusters.put_clusters(&all).await.unwrap();
    for name in ["tok", "free", "exec"] {
        house.reach.answers(name, Ok(facts("v1.36.2")));
    }
    house
}

async fn view(house: &House, name: &str) -> ClusterView {
    house.app.clusters.list().await.unwrap().into_iter().find(|view| view.name == name).unwrap()
}

fn checked_rows(house: &House) -> Vec<Json> {
    let rows = house.audit.rows().into_iter().filter_map(|row| match row.entry.event {
        Event::Note { what, detail } if what == "cluster_checked" => Some(detail),
        _ => None,
    });
    rows.collect()
}

#[tokio::test]
async fn before_anybody_asked_nothing_is_reached_and_nothing_is_claimed() {
    let house = house().await;
    assert_eq!(house.app.clusters.refresh(&window()).await.unwrap(), 0, "a page that is opened reaches nobody whom no person asked for");
    for view in house.app.clusters.list().await.unwrap() {
        assert_eq!((view.standing.state, view.standing.version, view.last_used), (ReachState::Unknown, None, None), "{}", view.name);
    }
    assert_eq!(house.reach.asked(), [] as [String; 0]);
}

#[tokio::test]
async fn a_check_says_version_and_identity_and_the_list_has_it_also_in_the_next_run() {
    let house = house().await;
    let gone = Fault::new(FaultKind::Unreachable, "cluster_unreachable", Text::same("nobody there"), Text::default());
    house.reach.answers("free", Err(gone));
    let came = house.app.clusters.check(&[], &window()).await.unwrap();
    let states: Vec<_> = came.iter().map(|one| (one.cluster.name.as_str(), one.state())).collect();
    assert_eq!(states, [("exec", ReachState::Reachable), ("free", ReachState::Failed), ("tok", ReachState::Reachable)]);
    let tok = view(&house, "tok").await;
    assert_eq!((tok.standing.state, tok.standing.version.as_deref()), (ReachState::Reachable, Some("v1.36.2")));
    assert_eq!((tok.standing.user.as_deref(), tok.standing.groups.len()), (Some("ada"), 2));
    assert_eq!(view(&house, "free").await.standing.fault.unwrap().code, "cluster_unreachable");

    let again = house.again().await;
    let tok = view(&again, "tok").await;
    assert_eq!((tok.standing.state, tok.standing.version.as_deref()), (ReachState::Unknown, Some("v1.36.2")), "seen, not reached");
    assert_eq!(tok.standing.seen_at, Some(Millis(1_000_000)));
    assert_eq!(view(&again, "free").await.standing.seen_at, None);
    again.app.clusters.remove("tok", false, &window()).await.unwrap();
    assert_eq!(house.settings.get("cluster-seen:id-tok").await.unwrap(), None, "what it said goes with it");
}

#[tokio::test]
async fn of_a_cluster_that_is_another_now_nothing_is_known() {
    let house = house().await;
    house.app.clusters.check(&["tok".into()], &window()).await.unwrap();
    let mut moved = house.app.clusters.get("tok").await.unwrap();
    moved.name = "renamed".into();
    house.clusters.put_clusters(std::slice::from_ref(&moved)).await.unwrap();
    assert_eq!(view(&house, "renamed").await.standing.state, ReachState::Reachable, "a name is no matter");
    moved.server = "https://elsewhere.example".into();
    house.clusters.put_clusters(std::slice::from_ref(&moved)).await.unwrap();
    let there = view(&house, "renamed").await.standing;
    assert_eq!((there.state, there.version, there.user), (ReachState::Unknown, None, None));
    house.clock.advance(10 * MINUTE);
    assert_eq!(house.app.clusters.refresh(&window()).await.unwrap(), 0, "nobody agreed to reach that one");
}

#[tokio::test]
async fn a_page_that_is_opened_looks_again_at_what_answered_but_runs_no_program_and_opens_no_vault() {
    let house = house().await;
    house.app.clusters.check(&[], &window()).await.unwrap();
    assert_eq!(house.reach.asked().len(), 3);
    assert_eq!(house.app.clusters.refresh(&window()).await.unwrap(), 0, "that was a moment ago");
    house.clock.advance(2 * MINUTE);
    assert_eq!(house.app.clusters.refresh(&window()).await.unwrap(), 2);
    house.until(|house| checked_rows(house).len() == 5).await;
    assert!(!house.reach.asked()[3..].contains(&"exec".to_owned()), "{:?}", house.reach.asked());

    house.vault.stand(VaultState::Locked { kind: VaultKind::Keyring });
    house.clock.advance(2 * MINUTE);
    assert_eq!(house.app.clusters.refresh(&window()).await.unwrap(), 1, "who has no secret is asked");
    house.until(|house| checked_rows(house).len() == 6).await;
    let tok = view(&house, "tok").await.standing;
    assert_eq!((tok.state, tok.fault, tok.version.as_deref()), (ReachState::Locked, None, Some("v1.36.2")), "a lock is no failure");
    assert_eq!(house.reach.asked()[5], "free");
    house.vault.stand(VaultState::Unlocked { kind: VaultKind::Keyring });
    assert_eq!(view(&house, "tok").await.standing.state, ReachState::Reachable);
}

#[tokio::test]
async fn many_who_ask_at_once_are_one_question_and_the_list_says_that_it_is_asked() {
    let house = house().await;
    house.reach.hold(true);
    let one = || {
        let house = house.clone();
        async move { house.app.clusters.check(&["tok".into()], &window()).await.unwrap().remove(0) }
    };
    let watched = async {
        house.until(|house| !house.reach.asked().is_empty()).await;
        assert_eq!(view(&house, "tok").await.standing.state, ReachState::Checking);
        house.reach.hold(false);
    };
    let (first, second, third, ()) = tokio::join!(one(), one(), one(), watched);
    assert_eq!(house.reach.asked(), ["tok"]);
    assert!([first, second, third].iter().all(|came| came.came.is_ok()));
    assert_eq!(checked_rows(&house).len(), 1);
}

#[tokio::test]
async fn locking_ends_what_runs_and_lets_nobody_ask() {
    let house = house().await;
    house.app.clusters.check(&["free".into()], &window()).await.unwrap();
    house.reach.hold(true);
    let asks = async { house.app.clusters.check(&["tok".into()], &window()).await.unwrap().remove(0) };
    let locks = async {
        house.until(|house| house.reach.asked().len() == 2).await;
        house.app.clusters.lock(&window()).await.unwrap();
    };
    let (came, ()) = tokio::join!(asks, locks);
    assert_eq!((came.state(), came.came.unwrap_err().code.as_str()), (ReachState::Locked, "clusters_locked"), "though it never answered");
    house.reach.hold(false);
    let all = house.app.clusters.check(&[], &window()).await.unwrap();
    assert!(all.iter().all(|came| came.state() == ReachState::Locked && came.latency_ms.is_none()));
    house.clock.advance(2 * MINUTE);
    assert_eq!(house.app.clusters.refresh(&window()).await.unwrap(), 0);
    assert_eq!(house.reach.asked(), ["free", "tok"]);
    assert!(house.app.clusters.list().await.unwrap().iter().all(|view| view.standing.state == ReachState::Locked));
    house.app.clusters.unlock(&window()).await.unwrap();
    assert_eq!(house.app.clusters.check(&["tok".into()], &window()).await.unwrap()[0].state(), ReachState::Reachable);
}

#[tokio::test]
async fn who_used_it_last_is_who_got_its_credential_or_asked_for_it_and_never_the_import_itself() {
    let house = house().await;
    house.vault.open(house.app.clusters.get("tok").await.unwrap().secrets()[0]).await.unwrap();
    assert_eq!(view(&house, "tok").await.last_used, None, "proving that a secret was kept is no use");

    house.app.clusters.check(&["tok".into()], &script()).await.unwrap();
    let used = view(&house, "tok").await;
    assert_eq!((used.last_used, used.last_used_by.unwrap().by.as_str()), (Some(Millis(1_000_000)), "pilot"));

    house.clock.advance(5 * MINUTE);
    let credentials = Credentials::new(CredentialsParts {
        clusters: house.clusters.clone(),
        settings: house.settings.clone(),
        audit: house.audit.clone(),
        reach: house.reach.clone(),
        clock: house.clock.clone(),
    });
    let caller = Caller { program: "/usr/local/bin/kubectl".into(), sha256: "aa".into() };
    credentials.consent(&caller, ConsentFor::Always, None, &window()).await.unwrap();
    let info = json!({
        "apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
        "spec": { "interactive": false, "cluster": { "server": "https://tok.example:6443" } },
    });
    let order = CredentialOrder {
        cluster: "id-tok".into(),
        info: Some(info.to_string()),
        caller: Some(caller),
        actor: through(Door::Cli, false),
        pilot: "pilot".into(),
    };
    credentials.issue(&order).await.unwrap();
    house.clock.advance(5 * MINUTE);
    house.app.clusters.refresh(&window()).await.unwrap();
    house.until(|house| checked_rows(house).len() == 2).await;
    let mut renamed = house.app.clusters.get("tok").await.unwrap();
    renamed.name = "other".into();
    house.clusters.put_clusters(&[renamed]).await.unwrap();
    for house in [house.clone(), house.again().await] {
        let used = view(&house, "other").await.last_used_by.unwrap();
        assert_eq!((used.by.as_str(), used.at), ("kubectl", Millis(1_000_000 + 5 * MINUTE)), "looking again by itself is no use");
        assert_eq!(used.program.as_deref(), Some("/usr/local/bin/kubectl"));
        assert_eq!(view(&house, "free").await.last_used, None);
    }
}

#[tokio::test]
async fn a_name_that_nobody_has_asks_nobody() {
    let house = house().await;
    let fault = house.app.clusters.check(&["tok".into(), "nope".into()], &window()).await.unwrap_err();
    assert_eq!((fault.kind, fault.code.as_str()), (FaultKind::NotFound, "no_such_cluster"));
    assert_eq!(house.reach.asked(), [] as [String; 0]);
    let twice = house.app.clusters.check(&["tok".into(), "id-tok".into()], &window()).await.unwrap();
    assert_eq!((twice.len(), house.reach.asked().len()), (1, 1));
}

#[tokio::test]
async fn what_cannot_be_written_down_is_not_told_as_if_it_went_well() {
    let house = house().await;
    house.audit.fill_disk();
    let came = house.app.clusters.check(&["tok".into()], &window()).await.unwrap().remove(0);
    assert_eq!(came.came.unwrap_err().code, "disk_full");
}
