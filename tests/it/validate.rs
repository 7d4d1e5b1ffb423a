//! `pilot k8s validate` as scripts have it: shapes, exit codes, what can be set, and what is refused.

use crate::cli_contract::built;
use crate::home::{Home, Ran};

fn rules(ran: &Ran) -> Vec<String> {
    let problems = ran.json()["problems"].as_array().unwrap().clone();
    problems.iter().map(|problem| problem["rule"].as_str().unwrap().to_owned()).collect()
}

fn code(ran: &Ran) -> (i32, String) {
    (ran.code, ran.json()["fault"]["code"].as_str().unwrap_or_default().to_owned())
}

const GOOD: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: b}\n";
const BAD: &str =
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\ndatas: {a: b}\n";
const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {hostNetwork: true, containers: [{name: a, image: \"a:1\"}]}\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_good_manifest_is_ok_and_a_bad_one_says_where_and_exits_with_1() {
    let home = Home::new();
    let good = home.run(&["k8s", "validate", &home.file("good.yaml", GOOD)]).await.ok();
    assert_eq!(good.json()["ok"], true);
    assert_eq!(good.json()["problems"], serde_json::json!([]));
    let bad = home.run(&["k8s", "validate", &home.file("bad.yaml", BAD), "--kubernetes-version", "1.36"]).await;
    assert_eq!((bad.code, bad.json()["ok"].as_bool()), (1, Some(false)));
    let problem = &bad.json()["problems"][0];
    assert_eq!((problem["document"].as_u64(), problem["line"].as_u64(), problem["column"].as_u64()), (Some(2), Some(8), Some(1)));
    assert_eq!((problem["severity"].as_str(), problem["rule"].as_str()), (Some("error"), Some("schema-unknown-field")));
    assert_eq!(problem["path"], "datas");
    assert!(problem["message"].as_str().unwrap().contains("data"));
    let both = home.run(&["k8s", "validate", &home.file("good.yaml", GOOD), &home.file("bad.yaml", BAD)]).await;
    assert!(both.code == 1 && both.json()["problems"][0]["file"].as_str().unwrap().ends_with("bad.yaml"));
    let broken = home.run(&["k8s", "validate", &home.file("broken.yaml", "a: [")]).await;
    assert_eq!((broken.code, rules(&broken)), (1, vec!["yaml-syntax".to_owned()]));
}

#[tokio::test(flavor = "multi_thread")]
async fn standard_input_is_read_and_people_get_lines() {
    let home = Home::new();
    let ran = home.fed(&["k8s", "validate", "-"], BAD).await;
    assert_eq!((ran.code, rules(&ran)), (1, vec!["schema-unknown-field".to_owned()]));
    let file = home.file("bad.yaml", BAD);
    let mut command = std::process::Command::new(built("pilot"));
    command.env_clear().env("HOME", home.dir.path()).env("LANG", "C.UTF-8").env("PILOTHOUSE_KEYRING_SERVICE", "");
    command.arg("--config-dir").arg(home.config()).args(["k8s", "validate", &file, "-o", "text"]);
    let out = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let text = String::from_utf8(out.stdout).unwrap();
    assert!(text.contains(":8:1: error: datas: ") && text.contains("[schema-unknown-field]"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn levels_and_lints_decide_what_is_an_error() {
    let home = Home::new();
    let file = home.file("pod.yaml", POD);
    let plain = home.run(&["k8s", "validate", &file]).await.ok();
    assert!(rules(&plain).contains(&"pod-host-network".to_owned()));
    let baseline = home.run(&["k8s", "validate", &file, "--level", "baseline"]).await;
    assert!(baseline.code == 1 && rules(&baseline).contains(&"pss-host-namespaces".to_owned()));
    let restricted = home.run(&["k8s", "validate", &file, "--level", "restricted"]).await;
    assert!(
        rules(&restricted).contains(&"pss-run-as-non-root".to_owned()) && !rules(&baseline).contains(&"pss-run-as-non-root".to_owned())
    );
    let blocked = home.run(&["k8s", "validate", &file, "--lint", "pod-host-network=block"]).await;
    assert_eq!(blocked.code, 1);
    let off = home.run(&["k8s", "validate", &file, "--lint", "pod-host-network=off"]).await.ok();
    assert!(!rules(&off).contains(&"pod-host-network".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_asked_for_is_refused_by_name() {
    let home = Home::new();
    let file = home.file("good.yaml", GOOD);
    for (words, wanted) in [
        (vec!["--kubernetes-version", "1.12"], (2, "unknown_version")),
        (vec!["--lint", "schema-type=off"], (2, "unknown_lint")),
        (vec!["--lint", "pod-probes=perhaps"], (2, "lint_level")),
        (vec!["--cluster", "nowhere"], (3, "no_such_cluster")),
    ] {
        let ran = home.run(&[&["k8s", "validate", &file][..], &words].concat()).await;
        assert_eq!(code(&ran), (wanted.0, wanted.1.to_owned()), "{} {}", ran.out, ran.err);
    }
    assert_eq!(code(&home.run(&["k8s", "validate", "/no/such/file"]).await).1, "no_such_file");
}
