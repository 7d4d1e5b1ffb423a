//! Nothing but the credential's bytes changes, and whatever step is the last, the file is whole.

use std::io;

use super::super::replace::{Disk, Step, Watch, replace};
use super::super::rewrite::plan;
use domain::id::ClusterId;
use domain::kubeconfig::{Rewiring, Rewrite};
use domain::vault::SecretBytes;
use proptest::prelude::*;

use super::*;

fn wire(context: &str, id: &str) -> Rewiring {
    Rewiring { context: context.into(), id: ClusterId::new(id) }
}

fn planned(content: impl AsRef<[u8]>, wants: &[Rewiring]) -> Rewrite {
    let tmp = tempfile::tempdir().unwrap();
    let path = written(tmp.path(), "config", content);
    plan(&path, &[], wants, &helper()).unwrap()
}

fn after(content: &str) -> String {
    let plan = planned(content, &[wire("c", "ID")]);
    assert_eq!(plan.refused, [], "{content}");
    String::from_utf8(plan.after.expose().to_vec()).unwrap()
}

fn oracle(text: &str) -> serde_yaml::Value {
    serde_yaml::from_str(text).unwrap()
}

#[test]
fn a_token_gives_way_to_a_stanza_and_every_other_byte_stays() {
    let before = config("# mine\ntoken: abc   # keep me\nas: boss");
    let stanza = "    exec: # keep me\n      apiVersion: client.authentication.k8s.io/v1\n      command: \"/opt/ph/pilot\"\n      args: [\"kube-credential\",\"--id\",\"ID\"]\n      interactiveMode: Never\n      provideClusterInfo: true\n";
    assert_eq!(after(&before), before.replace("    token: abc   # keep me\n", stanza));
}

#[test]
fn whatever_style_the_user_is_written_in_the_rest_means_the_same() {
    let users = [
        "client-certificate-data: QQ==\nclient-key-data: QQ==\nextensions: [{name: x}]",
        "token: |\n  abc\nas: x",
        "token: >-   # header\n  abc\n\n# behind\nas: x",
        "as: x\n\"token\": 'abc'",
        "token: \"a\\\n  bc\" # two lines",
        "exec:\n  apiVersion: client.authentication.k8s.io/v1beta1\n  # inside\n  command: x\n  args:\n  - a\n  -   b\n# behind\nas: x",
        "auth-provider:\n  name: oidc\n  config:\n    refresh-token: x\nas-groups:\n- a",
        "{token: abc}",
        "{as: x, \"token\": \"abc\", 'as-uid': y}",
        "{username: a, password: b, as: c}",
        "{username: a, # one, two\n password: b, # three\n as: c,}",
        "{\n  \"client-certificate-data\": \"QQ==\",\n  \"client-key-data\": \"QQ==\"\n}",
        "tokenFile: /x\ntoken: &t abc",
        "token: !!str abc",
        "token:\n  abc\nas: x",
        "username:\npassword: x",
    ];
    for user in users {
        for line_break in ["\n", "\r\n"] {
            for end in ["", "# the end\n"] {
                let before = format!("# head\n{}{end}", config(user)).replace('\n', line_break);
                let after = after(&before);
                assert!(!after.contains("abc") && !after.contains("QQ=="), "{after}");
                let mut wanted = oracle(&before);
                let map = wanted["users"][0]["user"].as_mapping_mut().unwrap();
                map.retain(|key, _| !user::CREDENTIAL.contains(&key.as_str().unwrap()));
                let mut got = oracle(&after);
                let exec = got["users"][0]["user"].as_mapping_mut().unwrap().remove("exec").unwrap();
                assert_eq!(exec["args"][2], "ID");
                assert_eq!((exec["provideClusterInfo"].as_bool(), exec["interactiveMode"].as_str()), (Some(true), Some("Never")));
                assert_eq!(got, wanted, "{before}\n→\n{after}");
                for comment in before.split(line_break).filter_map(|line| line.split_once('#')).map(|(_, words)| words) {
                    assert!(comment == " inside" || after.contains(comment), "#{comment} is gone:\n{after}");
                }
                let lone = after.replace("\r\n", "").contains('\n');
                assert!(line_break == "\n" || !lone, "line ends are mixed: {after:?}");
            }
        }
    }
}

#[test]
fn the_last_line_without_an_end_stays_without_one_and_marks_stay() {
    let before = config("token: abc");
    let bare = before.trim_end();
    assert!(!after(bare).ends_with('\n'));
    let marked = planned([b"\xef\xbb\xbf", before.as_bytes()].concat(), &[wire("c", "ID")]);
    assert!(marked.after.expose().starts_with(b"\xef\xbb\xbfapiVersion"));
    let wide: Vec<u8> = [0xff, 0xfe].into_iter().chain(before.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let plan = planned(wide, &[wire("c", "ID")]);
    let (text, _) = source::decode(plan.after.expose()).unwrap();
    assert_eq!(*text, after(&before));
}

fn two(first: &str, second: &str) -> String {
    format!(
        "clusters:\n- name: k\n  cluster: {{server: 'https://a'}}\n- name: l\n  cluster: {{server: 'https://b'}}\ncontexts:\n- name: c\n  context: {first}\n- name: d\n  context: {second}\nusers:\n- name: u\n  user: {{token: abc}}\n- name: w\n  user: {{token: def}}\n"
    )
}

#[test]
fn a_user_of_several_namespaces_keeps_one_stanza_and_two_users_get_one_each() {
    let wants = [wire("c", "A"), wire("d", "B")];
    let plan = planned(two("{cluster: k, user: u}", "{cluster: k, user: u, namespace: n}"), &wants);
    assert_eq!((plan.contexts.as_slice(), plan.refused.len()), (["c".to_owned(), "d".to_owned()].as_slice(), 0));
    let plan = planned(two("{cluster: k, user: u}", "{cluster: l, user: w}"), &wants);
    let text = String::from_utf8(plan.after.expose().to_vec()).unwrap();
    assert!(text.contains("\"--id\",\"A\"") && text.contains("\"--id\",\"B\"") && !text.contains("abc") && !text.contains("def"), "{text}");
    let plan = planned(two("{cluster: k, user: u}", "{cluster: l, user: w}"), &wants[..1]);
    assert!(plan.after.expose().windows(3).any(|window| window == b"def"), "who was not asked for stays");
}

#[test]
fn what_cannot_be_taken_out_alone_is_refused() {
    let anchored = config("token: &t abc\nas: *t");
    let skip = config("token: abc").replace("6443\n", "6443\n    insecure-skip-tls-verify: true\n");
    let alias = config("token: abc")
        .replace("users:\n- name: u\n  user:\n    token: abc\n", "users:\n- {name: x, user: &a {token: abc}}\n- {name: u, user: *a}\n");
    for (yaml, code) in
        [(anchored, "rewrite_shape"), (skip, "skip_verify"), (alias, "rewrite_shape"), (config("as: x"), "nothing_to_rewrite")]
    {
        let plan = planned(&yaml, &[wire("c", "ID")]);
        assert_eq!(plan.refused.first().map(|(_, refusal)| refusal.code.as_str()), Some(code), "{yaml}");
        assert_eq!(plan.after, plan.before.bytes, "{yaml}");
    }
}

#[test]
fn our_own_stanza_is_known_again() {
    let rewritten = after(&config("token: abc"));
    let view = &reviewed(&text(&rewritten)).contexts[0];
    assert_eq!((view.auth.as_str(), view.known.as_ref().map(ClusterId::as_str)), ("pilot", Some("ID")));
}

struct Dies(Option<Step>);

impl Watch for Dies {
    fn after(&mut self, step: Step) -> io::Result<()> {
        if self.0 == Some(step) { Err(io::ErrorKind::Interrupted.into()) } else { Ok(()) }
    }
}

fn sha(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    domain::tool::hex(&sha2::Sha256::digest(bytes))
}

#[test]
fn whatever_step_is_the_last_the_old_or_the_new_file_is_there_whole() {
    for step in [Step::Created, Step::Written, Step::Synced, Step::Moved, Step::FolderSynced] {
        let tmp = tempfile::tempdir().unwrap();
        let file = written(tmp.path(), "config", "old");
        let done = replace(&file, &sha(b"old"), &SecretBytes::new("new"), &mut Dies(Some(step)));
        assert!(done.is_err());
        let now = std::fs::read(&file).unwrap();
        let wanted: &[u8] = if matches!(step, Step::Moved | Step::FolderSynced) { b"new" } else { b"old" };
        assert_eq!(now, wanted, "{step:?}");
        replace(&file, &sha(&now), &SecretBytes::new("newer"), &mut Disk).unwrap();
        assert_eq!(std::fs::read(&file).unwrap(), b"newer", "{step:?}: the next one goes through");
    }
}

#[cfg(unix)]
#[test]
fn links_and_modes_stay_second_names_are_refused_and_a_changed_file_is_not_touched() {
    use std::os::unix::fs::PermissionsExt as _;
    let tmp = tempfile::tempdir().unwrap();
    let file = written(tmp.path(), "real", "old");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
    let link = tmp.path().join("config");
    std::os::unix::fs::symlink("real", &link).unwrap();
    replace(&link, &sha(b"old"), &SecretBytes::new("new"), &mut Disk).unwrap();
    assert!(std::fs::symlink_metadata(&link).unwrap().file_type().is_symlink(), "the link stays");
    assert_eq!(std::fs::read(&file).unwrap(), b"new");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(replace(&link, &sha(b"old"), &SecretBytes::new("x"), &mut Disk).unwrap_err().code, "kubeconfig_changed");
    std::fs::hard_link(&file, tmp.path().join("second")).unwrap();
    assert_eq!(replace(&link, &sha(b"new"), &SecretBytes::new("x"), &mut Disk).unwrap_err().code, "kubeconfig_unwritable");
    assert_eq!(std::fs::read(&file).unwrap(), b"new");
    assert_eq!(std::fs::read_dir(tmp.path()).unwrap().count(), 3, "nothing is left behind");
}

/// A user in block style with random other keys, comments, quotes, blank lines and order.
fn user_lines() -> impl Strategy<Value = Vec<String>> {
    let word = "[a-zA-Z0-9#:,\\[\\]{}&*!|>'\"%@` é漢-]{0,12}";
    let comment = prop_oneof![Just(String::new()), "[a-z#:'\"{},]{0,8}".prop_map(|words| format!("  # {words}"))];
    let entry = (0..9_usize, word, comment, 0..4_usize).prop_map(|(key, value, comment, style)| {
        let key = ["token", "password", "client-key-data", "as", "as-uid", "x-one", "x-two", "x-three", "tokenFile"][key];
        let quoted = serde_json::Value::from(value.as_str()).to_string();
        let single = format!("'{}'", value.replace('\'', "''"));
        let lines = match style {
            0 => format!("{key}: {quoted}{comment}"),
            1 => format!("{key}: {single}{comment}"),
            2 => format!("\"{key}\":   {quoted}{comment}"),
            _ => format!("{key}: |-{comment}\n  x{value}\n"),
        };
        (key, lines)
    });
    prop::collection::vec(entry, 1..7).prop_map(|entries| {
        let mut seen = std::collections::HashSet::new();
        entries.into_iter().filter(|(key, _)| seen.insert(*key)).map(|(_, lines)| lines).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn kubectl_sees_nothing_else_change(lines in user_lines(), crlf: bool) {
        let mut before = format!("# top\n{}\n# between\nextra: {{a: [1, 2], b: 'x'}}\n", config(&lines.join("\n")));
        if crlf {
            before = before.replace('\n', "\r\n");
        }
        let plan = planned(&before, &[wire("c", "ID")]);
        if !plan.refused.is_empty() {
            prop_assert_eq!(plan.refused[0].1.code.as_str(), "nothing_to_rewrite");
            return Ok(());
        }
        let after = String::from_utf8(plan.after.expose().to_vec()).unwrap();
        let (mut wanted, mut got) = (oracle(&before), oracle(&after));
        wanted["users"][0]["user"].as_mapping_mut().unwrap().retain(|key, _| !user::CREDENTIAL.contains(&key.as_str().unwrap()));
        prop_assert!(got["users"][0]["user"].as_mapping_mut().unwrap().remove("exec").is_some());
        prop_assert_eq!(got, wanted);
        // Byte for byte: what stands before the user and what stands behind it.
        let head = before.find("  user:").unwrap();
        prop_assert_eq!(&after[..head], &before[..head]);
        let tail = before.find("# between").unwrap();
        prop_assert!(after.ends_with(&before[tail..]));
    }
}
