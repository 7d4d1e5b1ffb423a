//! `pilot cluster` as scripts have it: shapes, exit codes, and that nothing secret is left anywhere.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value as Json, json};

use crate::cli_contract::built;
use crate::home::{cheap_vault, copied, holding};

const TOKEN: &str = "c4n4ry-t0ken-cli-771";
const VARIABLE: &str = "c4n4ry-v4riable-552";

/// One person's folder, with a vault under a passphrase.
pub(crate) struct Home {
    dir: tempfile::TempDir,
}

pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    pub(crate) fn json(&self) -> Json {
        serde_json::from_str(&self.out).unwrap_or_else(|fault| panic!("{fault}: {} {} {}", self.code, self.out, self.err))
    }

    pub(crate) fn ok(self) -> Json {
        assert_eq!(self.code, 0, "{} {}", self.out, self.err);
        self.json()
    }
}

impl Home {
    pub(crate) fn new() -> Self {
        let home = Self { dir: tempfile::tempdir().unwrap() };
        std::fs::write(home.at("pass"), "correct horse battery staple\n").unwrap();
        cheap_vault(&home.at("data"), "correct horse battery staple");
        home
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.dir.path().canonicalize().unwrap().join(name)
    }

    pub(crate) fn run(&self, words: &[&str]) -> Ran {
        self.run_in("data", &[words, &["--passphrase-file", self.at("pass").to_str().unwrap()]].concat())
    }

    pub(crate) fn run_in(&self, data: &str, words: &[&str]) -> Ran {
        let mut command = Command::new(built("pilot"));
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", self.dir.path()).env("LANG", "C.UTF-8").env("PILOTHOUSE_KEYRING_SERVICE", "");
        command.arg("--config-dir").arg(self.at(data)).args(words).args(["-o", "json"]);
        let output = command.stdin(Stdio::null()).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Ran { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
    }
}

pub(crate) fn keys(value: &Json) -> Vec<&str> {
    let mut keys: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

fn config(home: &Home) -> (String, String) {
    let made = rcgen::generate_simple_self_signed(vec!["ada".to_owned()]).unwrap();
    let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let plugin = home.at("plugin");
    std::fs::write(&plugin, format!("#!/bin/sh\ntouch {}\n", home.at("ran").display())).unwrap();
    std::fs::set_permissions(&plugin, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let text = format!(
        "# ada's\napiVersion: v1\nkind: Config\ncurrent-context: tok\nclusters:\n- name: a\n  cluster:\n    server: https://10.0.0.1:6443\n- name: b\n  cluster: {{server: 'https://10.0.0.2:6443'}}\n- name: x\n  cluster: {{server: 'https://10.0.0.3:6443'}}\ncontexts:\n- name: tok\n  context: {{cluster: a, user: tok}}\n- name: cert\n  context: {{cluster: b, user: cert}}\n- name: exec\n  context: {{cluster: x, user: exec}}\n- name: old\n  context: {{cluster: x, user: old}}\nusers:\n- name: tok\n  user:\n    token: {TOKEN}  # hers\n- name: cert\n  user:\n    client-certificate-data: {}\n    client-key-data: {}\n- name: exec\n  user:\n    exec:\n      apiVersion: client.authentication.k8s.io/v1\n      interactiveMode: Never\n      command: {}\n      args: [login]\n      env:\n      - name: MY_SECRET\n        value: {VARIABLE}\n- name: old\n  user:\n    auth-provider:\n      name: gcp\n      config: {{cmd-path: 'touch {}'}}\n",
        STANDARD.encode(certificate),
        STANDARD.encode(&key),
        plugin.display(),
        home.at("ran").display(),
    );
    (text, key)
}

#[test]
fn a_kubeconfig_is_taken_over_rewritten_verified_and_given_back() {
    let home = Home::new();
    let (original, key) = config(&home);
    let file = home.at("kube");
    std::fs::write(&file, &original).unwrap();
    let file = file.to_str().unwrap();

    let asked = home.run(&["cluster", "import", file, "--rewrite"]);
    assert_eq!((asked.code, asked.json()["fault"]["code"].as_str()), (6, Some("not_agreed")), "nobody can be asked here");
    assert!(asked.err.contains("https://10.0.0.1:6443") && asked.err.contains("[private]") && asked.err.contains("login"), "{}", asked.err);
    assert!(!asked.err.contains(TOKEN) && !asked.err.contains(VARIABLE), "{}", asked.err);
    assert_eq!(std::fs::read_to_string(file).unwrap(), original);
    let missing = home.run(&["cluster", "import", file, "--context", "nope", "--yes"]);
    assert_eq!((missing.code, missing.json()["fault"]["code"].as_str()), (3, Some("no_such_context")));

    let first = home.run(&["cluster", "import", file, "--yes"]).ok();
    assert_eq!(keys(&first), ["clusters", "refused"]);
    let contexts =
        |value: &Json| value.as_array().unwrap().iter().map(|each| each["context"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(contexts(&first["clusters"]), ["tok", "cert"], "{first}");
    assert_eq!(contexts(&first["refused"]), ["old", "exec"]);
    assert!(first["clusters"].as_array().unwrap().iter().all(|each| keys(each) == ["auth", "context", "id", "rewritten", "server"]));
    assert!(first["refused"].as_array().unwrap().iter().all(|each| keys(each) == ["context", "reason"]));
    assert_eq!(std::fs::read_to_string(file).unwrap(), original, "not rewritten unless that is wanted");

    let all = home.run(&["cluster", "import", file, "--yes", "--rewrite", "--trust-exec"]).ok();
    let rewritten: Vec<bool> = all["clusters"].as_array().unwrap().iter().map(|each| each["rewritten"].as_bool().unwrap()).collect();
    assert_eq!((contexts(&all["clusters"]), rewritten), (vec!["tok".to_owned(), "cert".into(), "exec".into()], vec![true; 3]), "{all}");
    assert_eq!(all["clusters"][0]["id"], first["clusters"][0]["id"], "the same context is the same cluster");
    assert!(!home.at("ran").exists(), "no program was run");

    let text = std::fs::read_to_string(file).unwrap();
    for gone in [TOKEN, VARIABLE, &STANDARD.encode(&key)] {
        assert!(!text.contains(gone), "{text}");
    }
    let read: Json = serde_saphyr::from_str(&text).unwrap();
    let exec = &read["users"][0]["user"]["exec"];
    assert_eq!(exec["command"], json!(built("pilot").canonicalize().unwrap()));
    assert_eq!(exec["args"], json!(["kube-credential", "--id", all["clusters"][0]["id"], "--config-dir", home.at("data")]));
    assert_eq!(
        (&exec["apiVersion"], &exec["interactiveMode"], &exec["provideClusterInfo"]),
        (&json!("client.authentication.k8s.io/v1"), &json!("Never"), &json!(true))
    );
    assert!(text.contains("# ada's\n") && text.contains("# hers\n") && text.contains("cmd-path"), "everything else stays: {text}");

    assert_eq!(home.run(&["cluster", "verify", file]).ok(), json!({ "ok": true, "findings": [] }));
    std::fs::write(home.at("kube.bak"), &original).unwrap();
    let found = home.run(&["cluster", "verify", file]);
    assert_eq!((found.code, found.json()["ok"].as_bool()), (1, Some(false)));
    for finding in found.json()["findings"].as_array().unwrap() {
        assert_eq!((keys(finding), finding["file"].as_str()), (vec!["file", "kind", "line"], home.at("kube.bak").to_str()));
    }
    assert!(!found.out.contains(TOKEN) && !found.err.contains(TOKEN));
    std::fs::remove_file(home.at("kube.bak")).unwrap();

    let listed = home.run(&["cluster", "list"]).ok();
    assert_eq!(listed.as_array().unwrap().len(), 3);
    assert!(listed.as_array().unwrap().iter().any(|each| each["auth"] == "client_certificate" && each["expiresAt"].is_i64()), "{listed}");
    assert_eq!(home.run(&["cluster", "lock"]).ok()["locked"], json!(true));
    assert!(home.run(&["cluster", "list"]).ok().as_array().unwrap().iter().all(|each| each["locked"] == json!(true)));
    assert_eq!(home.run(&["cluster", "unlock"]).ok()["locked"], json!(false));
    let body: String = key.lines().nth(1).unwrap().to_owned();
    let needles = [TOKEN.to_owned(), STANDARD.encode(TOKEN), VARIABLE.to_owned(), STANDARD.encode(&key), body];
    let hits: Vec<_> = needles.iter().flat_map(|needle| holding(&home.at("data"), needle)).collect();
    assert_eq!(hits, [] as [PathBuf; 0], "store, log and snapshots hold no secret");

    let refused = home.run(&["cluster", "remove", "tok"]);
    assert_eq!((refused.code, refused.json()["fault"]["code"].as_str()), (3, Some("cluster_rewritten")));
    assert_eq!(home.run(&["cluster", "restore", file]).ok()["restored"], json!(file));
    assert_eq!(std::fs::read_to_string(file).unwrap(), original, "the original bytes");
    let again = home.run(&["cluster", "restore", file]);
    assert_eq!((again.code, again.json()["fault"]["code"].as_str()), (3, Some("no_original")));
    assert_eq!(home.run(&["cluster", "remove", "tok", "cert", "exec"]).ok()["removed"].as_array().unwrap().len(), 3);
    assert_eq!(home.run(&["secret", "list"]).ok(), json!([]), "nothing is left in the vault");
}

#[test]
fn the_usual_files_are_taken_when_none_is_named_and_a_refusal_of_all_is_no_success() {
    let home = Home::new();
    let none = home.run(&["cluster", "import", "--yes"]);
    assert_eq!((none.code, none.json()["fault"]["code"].as_str()), (3, Some("kubeconfig_unreadable")), "{}", none.out);
    std::fs::create_dir(home.at(".kube")).unwrap();
    std::fs::write(home.at(".kube/config"), config(&home).0).unwrap();
    let only = home.run(&["cluster", "import", "--yes", "--context", "old"]);
    assert_eq!((only.code, only.json()["clusters"].as_array().unwrap().len()), (3, 0));
    assert!(only.json()["refused"][0]["reason"].as_str().unwrap().contains("gke-gcloud-auth-plugin"), "{}", only.out);
    assert_eq!(home.run(&["cluster", "import", "--yes", "--context", "tok"]).ok()["clusters"][0]["auth"], "token");
    let verdict = home.run(&["cluster", "verify"]);
    assert_eq!(verdict.code, 1, "it still stands in the file: {}", verdict.out);
}

#[test]
fn a_store_that_was_carried_to_another_machine_lists_its_clusters_and_opens_with_its_passphrase_only() {
    let home = Home::new();
    let file = home.at("kube");
    std::fs::write(&file, config(&home).0).unwrap();
    let file = file.to_str().unwrap();
    home.run(&["cluster", "import", file, "--yes", "--rewrite", "--context", "tok", "--context", "cert"]).ok();
    copied(&home.at("data"), &home.at("other"));
    let listed = home.run_in("other", &["cluster", "list"]).ok();
    assert_eq!(listed.as_array().unwrap().len(), 2, "what is no secret can be read");
    for words in [["cluster", "verify", file], ["cluster", "restore", file]] {
        let closed = home.run_in("other", &words);
        assert_eq!((closed.code, closed.json()["fault"]["code"].as_str()), (5, Some("vault_locked")), "{}", closed.err);
    }
    std::fs::write(home.at("wrong"), "something else\n").unwrap();
    let wrong = home.run_in("other", &["cluster", "verify", file, "--passphrase-file", home.at("wrong").to_str().unwrap()]);
    assert_eq!(wrong.code, 5, "{}", wrong.out);
    let right = home.run_in("other", &["cluster", "restore", file, "--passphrase-file", home.at("pass").to_str().unwrap()]).ok();
    assert_eq!(right["restored"], json!(file));
    assert!(std::fs::read_to_string(file).unwrap().contains(TOKEN), "the secret is not lost with the machine");
}
