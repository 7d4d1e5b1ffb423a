//! `pilot cluster check` and `pilot cluster set` as scripts have them: shapes, exit codes, what is refused, and what the log says.

use serde_json::{Value as Json, json};
use testkit::kube::KubeApi;

use crate::kubeconfig_cli::{Home, Ran, keys};

fn config(server: &str) -> String {
    let cluster = |name: &str, server: &str| json!({ "name": name, "cluster": { "server": server } });
    let user = |name: &str, token: &str| json!({ "name": name, "user": { "token": token } });
    let context = |name: &str, cluster: &str, user: &str| json!({ "name": name, "context": { "cluster": cluster, "user": user } });
    json!({
        "apiVersion": "v1", "kind": "Config",
        "clusters": [cluster("here", server), cluster("nowhere", "http://127.0.0.1:1")],
        "users": [user("good", "c4n4ry-good-0817"), user("bad", "wrong-c4n4ry-0817")],
        "contexts": [context("good", "here", "good"), context("prod", "here", "bad"), context("gone", "nowhere", "good")],
    })
    .to_string()
}

/// A folder whose clusters are `good`, `prod` (a wrong token) and `gone`, and the API server.
async fn imported() -> (Home, KubeApi) {
    let api = KubeApi::start().await;
    let home = tokio::task::spawn_blocking(Home::new).await.unwrap();
    std::fs::write(home.at("kube"), config(api.web.url("").trim_end_matches('/'))).unwrap();
    let file = home.at("kube");
    run(&home, &["cluster", "import", file.to_str().unwrap(), "--yes"]).ok();
    (home, api)
}

fn run(home: &Home, words: &[&str]) -> Ran {
    tokio::task::block_in_place(|| home.run(words))
}

fn code(ran: &Ran) -> (i32, String) {
    (ran.code, ran.json()["fault"]["code"].as_str().unwrap_or_default().to_owned())
}

const KEYS: [&str; 11] = ["context", "expiresAt", "fault", "groups", "id", "latencyMs", "platform", "server", "state", "user", "version"];

#[tokio::test(flavor = "multi_thread")]
async fn a_check_answers_each_cluster_and_its_code_is_that_of_the_first_fault() {
    let (home, api) = imported().await;
    assert_eq!(api.seen.all().len(), 0, "an import reaches nobody");
    let before = run(&home, &["cluster", "list"]).ok();
    assert!(
        before.as_array().unwrap().iter().all(|row| row["state"] == "unknown" && row["version"].is_null() && row["lastUsed"].is_null())
    );

    let good = run(&home, &["cluster", "check", "good"]).ok();
    let row = &good[0];
    assert_eq!(keys(row), KEYS, "{row}");
    assert_eq!(
        (&row["state"], &row["version"], &row["platform"], &row["user"], &row["groups"], &row["fault"]),
        (&json!("reachable"), &json!("v1.35.1"), &json!("linux/amd64"), &json!("ada"), &json!(["system:authenticated"]), &Json::Null)
    );
    assert!(row["latencyMs"].is_u64() && row["context"] == "good");
    assert_eq!(api.seen.all().len(), 2, "version and identity, and nothing else");

    let all = run(&home, &["cluster", "check"]);
    let rows = all.json();
    let states: Vec<(&str, &str)> =
        rows.as_array().unwrap().iter().map(|row| (row["context"].as_str().unwrap(), row["state"].as_str().unwrap())).collect();
    assert_eq!(states, [("gone", "failed"), ("good", "reachable"), ("prod", "failed")]);
    assert_eq!(
        (all.code, &rows[0]["fault"]["code"], &rows[2]["fault"]["code"]),
        (4, &json!("cluster_unreachable"), &json!("cluster_auth"))
    );
    assert_eq!(run(&home, &["cluster", "check", "prod"]).code, 5);
    assert_eq!(code(&run(&home, &["cluster", "check", "nope"])), (3, "no_such_cluster".into()));
    for ran in [&all, &run(&home, &["cluster", "list"])] {
        assert!(!ran.out.contains("c4n4ry") && !ran.err.contains("c4n4ry"), "{} {}", ran.out, ran.err);
    }

    let listed = run(&home, &["cluster", "list"]).ok();
    let row = listed.as_array().unwrap().iter().find(|row| row["name"] == "good").unwrap();
    assert_eq!((&row["version"], &row["user"], &row["lastUsedBy"]["by"]), (&json!("v1.35.1"), &json!("ada"), &json!("pilot")));
    assert!(row["seenAt"].is_i64() && row["lastUsed"].is_i64(), "{row}");

    run(&home, &["cluster", "lock"]).ok();
    let requests = api.seen.all().len();
    let locked = run(&home, &["cluster", "check", "good"]);
    assert_eq!((locked.code, &locked.json()[0]["state"], api.seen.all().len()), (6, &json!("locked"), requests));
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_closed_vault_a_cluster_is_locked_and_not_broken() {
    let (home, api) = imported().await;
    let words = ["cluster", "check", "good"];
    let closed = tokio::task::block_in_place(|| home.run_in("data", &words));
    assert_eq!((closed.code, &closed.json()[0]["state"]), (5, &json!("locked")), "{}", closed.out);
    assert_eq!(api.seen.all().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_of_a_cluster_is_changed_with_a_row_for_each_change() {
    let (home, _api) = imported().await;
    let set =
        run(&home, &["cluster", "set", "good", "--rename", "lab", "--colour", "green", "--read-only", "on", "--namespace", "kube-system"]);
    let set = set.ok();
    assert_eq!(keys(&set), ["colour", "id", "insecure", "name", "namespace", "readOnly", "server", "trustExec"]);
    assert_eq!(
        (&set["name"], &set["colour"], &set["readOnly"], &set["namespace"]),
        (&json!("lab"), &json!("green"), &json!(true), &json!("kube-system"))
    );
    let listed = run(&home, &["cluster", "list"]).ok();
    let row = listed.as_array().unwrap().iter().find(|row| row["name"] == "lab").unwrap();
    assert_eq!((&row["readOnly"], &row["colour"], &row["context"]), (&json!(true), &json!("green"), &json!("good")));
    let red = listed.as_array().unwrap().iter().find(|row| row["name"] == "prod").unwrap();
    assert_eq!(red["colour"], "red", "production by its name");

    let taken = run(&home, &["cluster", "set", "lab", "--rename", "prod"]);
    assert_eq!(code(&taken), (3, "cluster_name_taken".into()));
    for (words, expected) in [
        (vec!["--colour", "mauve"], (2, "unknown_colour")),
        (vec!["--namespace", "Not-One"], (2, "cluster_namespace")),
        (vec!["--rename", " "], (2, "cluster_name")),
        (vec!["--insecure", "on"], (6, "name_not_typed")),
        (vec!["--insecure", "on", "--confirm", "labb"], (6, "name_not_typed")),
        (vec!["--confirm", "lab"], (2, "confirm_alone")),
        (vec!["--trust-exec", "on", "--yes"], (2, "no_program")),
        (vec![], (2, "nothing_to_set")),
    ] {
        let ran = run(&home, &[vec!["cluster", "set", "lab"], words.clone()].concat());
        assert_eq!(code(&ran), (expected.0, expected.1.to_owned()), "{words:?}");
    }
    let on = run(&home, &["cluster", "set", "lab", "--insecure", "on", "--confirm", "lab"]);
    assert!(on.err.contains("unchecked"), "it is loud: {}", on.err);
    assert_eq!(on.ok()["insecure"], true);
    assert_eq!(run(&home, &["cluster", "set", "lab", "--insecure", "off", "--colour", "none"]).ok()["colour"], Json::Null);

    let rows = run(&home, &["audit", "list", "--text", "cluster_changed", "--limit", "50"]).ok();
    let rows = rows.as_array().unwrap();
    assert_eq!(rows.len(), 3, "a refusal changes nothing: {rows:?}");
    let raw = run(&home, &["audit", "show", rows[1]["id"].as_str().unwrap()]).ok();
    assert_eq!(raw["call"]["detail"]["changes"], json!({ "insecure": { "old": false, "new": true } }), "{raw}");
}
