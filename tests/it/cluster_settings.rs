//! What a person changes about clusters after their import: who may, what is refused, and what the log says.

use app::clusters::{ClusterChange, ExecTrust, Unchecked};
use domain::Json;
use domain::audit::Event;
use domain::cluster::{ClusterAuth, ClusterDef, Clusters as _};
use domain::policy::Door;
use serde_json::json;

use crate::house::{House, script, through, window};

async fn house() -> House {
    let house = House::open().await;
    let def = |name: &str, auth: Json| -> ClusterDef {
        serde_json::from_value(json!({
            "id": format!("id-{name}"), "name": name, "server": "https://a.example", "insecure": false, "auth": auth, "readOnly": false,
            "createdAt": 0, "updatedAt": 0,
        }))
        .unwrap()
    };
    let exec = json!({ "kind": "exec", "plugin": {
        "apiVersion": "client.authentication.k8s.io/v1", "command": "/usr/bin/login", "args": ["x"], "envNames": [], "env": null,
        "baseDir": null, "provideClusterInfo": false, "interactiveMode": "Never", "trust": "",
    } });
    house.clusters.put_clusters(&[def("a", json!({ "kind": "anonymous" })), def("b", exec)]).await.unwrap();
    house
}

fn changes(house: &House) -> Vec<Json> {
    let rows = house.audit.rows().into_iter().filter_map(|row| match row.entry.event {
        Event::Note { what, detail } if what == "cluster_changed" => Some(detail["changes"].clone()),
        _ => None,
    });
    rows.collect()
}

#[tokio::test]
async fn each_change_counts_at_once_and_stands_in_the_log_with_the_old_and_the_new_value() {
    let house = house().await;
    let clusters = &house.app.clusters;
    let change = ClusterChange { read_only: Some(true), name: Some("  c ".into()), ..ClusterChange::default() };
    let now = clusters.set("a", &change, &window()).await.unwrap();
    assert_eq!((now.name.as_str(), now.read_only, now.id.as_str()), ("c", true, "id-a"));
    assert_eq!(clusters.get("c").await.unwrap(), now);
    let same = clusters.set("c", &ClusterChange { read_only: Some(true), ..ClusterChange::default() }, &script()).await.unwrap();
    assert_eq!(same, now, "what is so already is no change");
    let off = ClusterChange { read_only: Some(false), colour: Some(Some("blue".into())), ..ClusterChange::default() };
    clusters.set("id-a", &off, &script()).await.unwrap();
    assert_eq!(
        changes(&house),
        [
            json!({ "name": { "old": "a", "new": "c" }, "readOnly": { "old": false, "new": true } }),
            json!({ "colour": { "old": null, "new": "blue" }, "readOnly": { "old": true, "new": false } }),
        ]
    );
}

#[tokio::test]
async fn only_a_person_at_the_window_or_a_terminal_changes_anything() {
    let house = house().await;
    for door in [Door::Assistant, Door::Relay] {
        let off = ClusterChange { read_only: Some(true), ..ClusterChange::default() };
        let fault = house.app.clusters.set("a", &off, &through(door, true)).await.unwrap_err();
        assert_eq!((fault.code.as_str(), fault.kind.exit_code()), ("door_refused", 6));
    }
    assert!(!house.app.clusters.get("a").await.unwrap().read_only && changes(&house).is_empty());
}

#[tokio::test]
async fn a_change_that_cannot_be_written_down_does_not_count() {
    let house = house().await;
    house.audit.fill_disk();
    let on = ClusterChange { insecure: Some(Unchecked::On { typed: "a".into() }), ..ClusterChange::default() };
    assert_eq!(house.app.clusters.set("a", &on, &window()).await.unwrap_err().code, "disk_full");
    assert!(!house.app.clusters.get("a").await.unwrap().insecure);
}

#[tokio::test]
async fn a_name_is_one_clusters_alone_and_an_id_is_no_name() {
    let house = house().await;
    for name in ["b", "id-b", " b "] {
        let taken = ClusterChange { name: Some(name.into()), ..ClusterChange::default() };
        assert_eq!(house.app.clusters.set("a", &taken, &window()).await.unwrap_err().code, "cluster_name_taken", "{name}");
    }
    for name in ["", "\u{200b}", "a\nb", &"x".repeat(101)] {
        let bad = ClusterChange { name: Some(name.into()), ..ClusterChange::default() };
        assert_eq!(house.app.clusters.set("a", &bad, &window()).await.unwrap_err().code, "cluster_name", "{name:?}");
    }
    assert!(changes(&house).is_empty());
}

#[tokio::test]
async fn a_program_is_agreed_to_as_it_was_shown_and_the_yes_is_taken_back() {
    let house = house().await;
    let clusters = &house.app.clusters;
    let trust = |trust: ExecTrust| ClusterChange { trust: Some(trust), ..ClusterChange::default() };
    let key = async || match clusters.get("b").await.unwrap().auth {
        ClusterAuth::Exec { plugin } => plugin.trust,
        other => panic!("{other:?}"),
    };
    let stale = clusters.set("b", &trust(ExecTrust::Given { key: "of yesterday".into() }), &window()).await.unwrap_err();
    assert_eq!((stale.code.as_str(), key().await.as_str()), ("exec_changed", ""));
    let shown = clusters.plugin("b").await.unwrap();
    clusters.set("b", &trust(ExecTrust::Given { key: shown.trust.clone() }), &window()).await.unwrap();
    assert_eq!(key().await, shown.trust);
    clusters.set("b", &trust(ExecTrust::Withdrawn), &window()).await.unwrap();
    assert_eq!(key().await, "");
    assert_eq!(changes(&house).len(), 2);
    let none = clusters.set("a", &trust(ExecTrust::Withdrawn), &window()).await.unwrap_err();
    assert_eq!((none.code.as_str(), clusters.plugin("a").await.unwrap_err().code.as_str()), ("no_program", "no_program"));
}
