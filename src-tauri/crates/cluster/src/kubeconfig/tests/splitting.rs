//! A user of several clusters: each cluster gets its own stanza, and nothing else changes its meaning.

use super::super::rewrite::plan;
use domain::id::ClusterId;
use domain::kubeconfig::{Rewiring, Rewrite};
use proptest::prelude::*;

use super::*;

fn wire(context: &str, id: &str) -> Rewiring {
    Rewiring { context: context.into(), id: ClusterId::new(id) }
}

fn planned(content: &str, wants: &[Rewiring]) -> Rewrite {
    let tmp = tempfile::tempdir().unwrap();
    let path = written(tmp.path(), "config", content);
    plan(&path, &[], wants, &helper()).unwrap()
}

fn codes(plan: &Rewrite) -> Vec<&str> {
    plan.refused.iter().map(|(_, refusal)| refusal.code.as_str()).collect()
}

fn oracle(text: &str) -> serde_yaml::Value {
    serde_yaml::from_str(text).unwrap_or_else(|fault| panic!("{fault}\n{text}"))
}

/// Which cluster's credential each context would get, as a kubectl sees it: context → (cluster, id).
fn wiring(text: &str) -> Vec<(String, String, String)> {
    let config = oracle(text);
    let word = |value: &serde_yaml::Value| value.as_str().unwrap_or_default().to_owned();
    let users = config["users"].as_sequence().unwrap();
    let contexts = config["contexts"].as_sequence().unwrap().iter();
    contexts
        .map(|item| {
            let user = users.iter().find(|user| user["name"] == item["context"]["user"]);
            let id = user.map(|user| word(&user["user"]["exec"]["args"][2])).unwrap_or_default();
            (word(&item["name"]), word(&item["context"]["cluster"]), id)
        })
        .collect()
}

const HEAD: &str =
    "apiVersion: v1\nkind: Config\nclusters:\n- name: k\n  cluster: {server: 'https://a'}\n- name: l\n  cluster: {server: 'https://b'}\n";

/// Contexts `c` (cluster k) and `d`, `e` (cluster l) of the user `u`; `f` has a user of its own.
const CONTEXTS: [&str; 4] = [
    "contexts:\n- name: c\n  context:\n    cluster: k\n    user: u # first\n- name: d\n  context:\n    cluster: l\n    user: u # second\n- name: e\n  context:\n    cluster: l\n    namespace: n\n    user: u\n- name: f\n  context: {cluster: k, user: w}\n",
    "contexts:\n  - context: {cluster: k, user: 'u'}\n    name: c\n  - context: {cluster: l, user: 'u'}\n    name: d\n  - context: {user: \"u\", cluster: l, namespace: n}\n    name: e\n  - {name: f, context: {cluster: k, user: w}}\n",
    "contexts: [{name: c, context: {cluster: k, user: u}}, {name: d, context: {cluster: l, user: u}}, {name: e, context: {cluster: l, user: u, namespace: n}}, {name: f, context: {cluster: k, user: w}}]\n",
    "\"contexts\":\n-   name: c\n    context:\n        \"user\": u\n        cluster: k\n-   name: d\n    context:\n        cluster: l\n        user:   \"u\"   # two\n-   name: e\n    context:\n        cluster: l\n        user: u\n-   name: f\n    context: {cluster: k, user: w}\n",
];

const USERS: [&str; 6] = [
    "users:\n- name: u # mine\n  user:\n    token: abc # hers\n# between\n- name: w\n  user: {token: def}\n",
    "users:\n  - name: w\n    user: {token: def}\n  - name: u\n    user:\n      as: boss\n      as-groups: [a, 'b: c']\n      client-certificate-data: QQ==\n      client-key-data: QQ==\n",
    "users: [{name: u, user: {token: abc, as: boss}}, {name: w, user: {token: def}}]\n",
    "users:\n- {name: u, user: {token: abc}} # all\n- {name: w, user: {token: def}}\n",
    "users:\n- user:\n    token: |\n      abc\n  name: u\n- name: w\n  user: {token: def}\n",
    "users:\n-   name: w\n    user: {token: def}\n-   name: u\n    user:\n        exec:\n            apiVersion: client.authentication.k8s.io/v1\n            command: login\n            interactiveMode: Never",
];

#[test]
fn each_cluster_gets_its_own_stanza_in_whatever_style_the_file_is_written() {
    let wants = [wire("c", "A"), wire("d", "B"), wire("e", "C")];
    for contexts in CONTEXTS {
        for users in USERS {
            for line_break in ["\n", "\r\n"] {
                let before = format!("# head\n{HEAD}{contexts}{users}").replace('\n', line_break);
                let plan = planned(&before, &wants);
                assert_eq!((codes(&plan), plan.contexts.len()), (vec![], 3), "{before}\n{:?}", plan.refused);
                let after = String::from_utf8(plan.after.expose().to_vec()).unwrap();
                let triple = |a: &str, b: &str, c: &str| (a.to_owned(), b.to_owned(), c.to_owned());
                assert_eq!(
                    wiring(&after),
                    [triple("c", "k", "A"), triple("d", "l", "B"), triple("e", "l", "B"), triple("f", "k", "")],
                    "{after}"
                );
                assert!(!after.contains("abc") && !after.contains("QQ==") && after.contains("def"), "{after}");
                let (old, new) = (oracle(&before), oracle(&after));
                assert_eq!((&old["clusters"], &old["kind"]), (&new["clusters"], &new["kind"]));
                assert_eq!(new["users"].as_sequence().unwrap().len(), 3);
                let acts = |config: &serde_yaml::Value| {
                    let users = config["users"].as_sequence().unwrap().iter();
                    users
                        .filter(|user| user["name"].as_str().unwrap().starts_with('u'))
                        .map(|user| user["user"]["as"].clone())
                        .collect::<Vec<_>>()
                };
                assert_eq!(acts(&new), vec![acts(&old)[0].clone(); 2], "as whom it acts goes along");
                for comment in before.split(line_break).filter_map(|line| line.split_once(" # ")).map(|(_, words)| words) {
                    assert!(after.contains(&format!("# {comment}")), "#{comment} is gone:\n{after}");
                }
                assert!(line_break == "\n" || !after.replace("\r\n", "").contains('\n'), "line ends are mixed: {after:?}");
                assert_eq!(after.ends_with('\n'), before.ends_with('\n'));
                let again = reviewed(&text(&after));
                let known: Vec<_> = again.contexts.iter().map(|context| context.known.as_ref().map(ClusterId::as_str)).collect();
                assert_eq!(known, [Some("A"), Some("B"), Some("B"), None], "each is known again");
                assert!(planned(&after, &[]).after.expose() == after.as_bytes());
            }
        }
    }
}

#[test]
fn a_plain_file_changes_in_these_lines_and_no_others() {
    let before = format!("{HEAD}{}{}", CONTEXTS[0], USERS[0]);
    let plan = planned(&before, &[wire("c", "A"), wire("d", "B")]);
    let stanza = |id: &str, comment: &str| {
        format!(
            "    exec:{comment}\n      apiVersion: client.authentication.k8s.io/v1\n      command: \"/opt/ph/pilot\"\n      args: [\"kube-credential\",\"--id\",\"{id}\"]\n      interactiveMode: Never\n      provideClusterInfo: true\n"
        )
    };
    let expected = before
        .replace("    user: u # second", "    user: u-pilothouse-d # second")
        .replace("    namespace: n\n    user: u\n", "    namespace: n\n    user: u-pilothouse-d\n")
        .replace("    token: abc # hers\n", &format!("{}- name: \"u-pilothouse-d\"\n  user:\n{}", stanza("A", " # hers"), stanza("B", "")));
    assert_eq!(String::from_utf8(plan.after.expose().to_vec()).unwrap(), expected);
}

#[test]
fn where_somebody_would_still_need_the_user_as_it_is_nothing_changes() {
    let file = format!("{HEAD}{}{}", CONTEXTS[0], USERS[0]);
    let alone = planned(&file, &[wire("c", "A")]);
    assert!(alone.refused[0].1.reason.en.contains("d, e, which was not imported"), "{:?}", alone.refused);
    assert_eq!((codes(&alone), &alone.after), (vec!["user_shared"], &alone.before.bytes));

    let both = [wire("c", "A"), wire("d", "B")];
    let skip = file.replace("{server: 'https://b'}", "{server: 'https://b', insecure-skip-tls-verify: true}");
    let plan = planned(&skip, &both);
    assert_eq!((codes(&plan), &plan.after), (vec!["user_shared", "skip_verify"], &plan.before.bytes));

    let anchored = file.replace("user: u # second", "user: &u u").replace("    namespace: n\n    user: u\n", "    user: *u\n");
    let plan = planned(&anchored, &both);
    assert_eq!((codes(&plan), &plan.after), (vec!["rewrite_shape", "rewrite_shape"], &plan.before.bytes));
    let listed = file.replace("users:\n", "users: &all\n") + "preferences: {x: *all}\n";
    let plan = planned(&listed, &both);
    assert_eq!(codes(&plan), ["rewrite_shape", "rewrite_shape"], "somebody else reads the same list");
}

#[test]
fn a_name_that_is_there_already_is_not_taken_twice() {
    let users = format!("{}- name: u-pilothouse-d\n  user: {{token: old}}\n", USERS[0]);
    let plan = planned(&format!("{HEAD}{}{users}", CONTEXTS[0]), &[wire("c", "A"), wire("d", "B")]);
    let after = String::from_utf8(plan.after.expose().to_vec()).unwrap();
    assert!(after.contains("user: u-pilothouse-d-2 # second") && after.contains("{token: old}"), "{after}");
}

#[test]
fn contexts_of_another_file_keep_the_user_that_there_is() {
    let tmp = tempfile::tempdir().unwrap();
    let mine = written(tmp.path(), "mine", format!("{HEAD}contexts:\n- name: c\n  context: {{cluster: k, user: u}}\n{}", USERS[0]));
    let other = |cluster: &str, name: &str| format!("contexts:\n- name: {name}\n  context: {{cluster: {cluster}, user: u}}\n");
    let beside = [written(tmp.path(), "beside", other("l", "x"))];
    let wants = [wire("c", "A"), wire("x", "B")];
    let done = plan(&mine, &beside, &wants, &helper()).unwrap();
    let after = String::from_utf8(done.after.expose().to_vec()).unwrap();
    assert_eq!(codes(&done), [""; 0]);
    let config = oracle(&after);
    assert_eq!((config["users"][0]["name"].as_str(), config["users"][0]["user"]["exec"]["args"][2].as_str()), (Some("u"), Some("B")));
    assert_eq!(wiring(&after)[0].2, "A");

    let third = written(tmp.path(), "third", other("k", "y"));
    let wants = [wire("c", "A"), wire("x", "B"), wire("y", "C")];
    let refused = plan(&mine, &[beside[0].clone(), third], &wants, &helper()).unwrap();
    assert!(
        refused.refused.iter().all(|(_, why)| why.code == "user_shared" && why.reason.en.contains("another file")),
        "{:?}",
        refused.refused
    );
    assert_eq!(refused.after, refused.before.bytes);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn it_means_what_was_meant_or_it_is_refused(
        name in "[a-zA-Z0-9:@/'\"#{}\\[\\], é漢-]{1,12}",
        context in "[a-zA-Z0-9:@/'\"#{}\\[\\],! -]{1,12}",
        users in 0..USERS.len(),
        contexts in 0..CONTEXTS.len(),
        crlf: bool,
    ) {
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        let mut before = format!("{HEAD}{}{}", CONTEXTS[contexts], USERS[users]);
        for (from, to) in [("user: u\n", &name), ("user: 'u'", &name), ("user: \"u\"", &name), ("user: u}", &name), ("user: u,", &name), ("user: u #", &name), ("\"user\": u", &name), ("user:   \"u\"", &name)] {
            let end = from.chars().last().filter(|c| "\n},".contains(*c)).map_or(String::new(), |c| c.to_string());
            let end = if from.ends_with(" #") { " #".to_owned() } else { end };
            before = before.replace(from, &format!("user: {}{end}", quoted(to)));
        }
        before = before.replace("name: u\n", &format!("name: {}\n", quoted(&name))).replace("name: u ", &format!("name: {} ", quoted(&name)));
        before = before.replace("{name: u,", &format!("{{name: {},", quoted(&name)));
        before = before.replace("name: d\n", &format!("name: {}\n", quoted(&context))).replace("{name: d,", &format!("{{name: {},", quoted(&context)));
        if crlf {
            before = before.replace('\n', "\r\n");
        }
        prop_assume!(name != "w" && !["c", "e", "f"].contains(&context.as_str()));
        let old = oracle(&before);
        let plan = planned(&before, &[wire("c", "A"), wire(&context, "B")]);
        let after = String::from_utf8(plan.after.expose().to_vec()).unwrap();
        if !plan.refused.is_empty() {
            prop_assert_eq!(after, before);
            return Ok(());
        }
        let ids: Vec<String> = wiring(&after).into_iter().map(|(_, _, id)| id).collect();
        prop_assert_eq!(ids, ["A", "B", "B", ""]);
        let new = oracle(&after);
        prop_assert_eq!(&old["clusters"], &new["clusters"]);
        let keep = |config: &serde_yaml::Value| config["users"].as_sequence().unwrap().iter().find(|user| user["name"].as_str() == Some("w")).cloned();
        prop_assert_eq!(keep(&old), keep(&new));
        prop_assert!(!after.contains("abc") && !after.contains("QQ=="));
    }
}
