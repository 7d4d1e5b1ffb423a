//! What is read, what is refused, and what a review says.

use domain::kubeconfig::{KubeSource, Kubeconfigs as _};
use domain::vault::SecretBytes;

use super::*;

fn utf16(text: &str, little: bool) -> Vec<u8> {
    let mark = if little { [0xff, 0xfe] } else { [0xfe, 0xff] };
    let units = text.encode_utf16().flat_map(|unit| if little { unit.to_le_bytes() } else { unit.to_be_bytes() });
    mark.into_iter().chain(units).collect()
}

#[test]
fn utf_16_and_marks_are_read_and_half_a_character_is_refused() {
    let plain = config("token: abcdef.0123");
    for bytes in [plain.clone().into_bytes(), [b"\xef\xbb\xbf", plain.as_bytes()].concat(), utf16(&plain, true), utf16(&plain, false)] {
        let review = reviewed(&KubeSource::Text(SecretBytes::new(bytes)));
        assert_eq!((review.contexts.len(), review.contexts[0].auth.as_str()), (1, "token"));
    }
    for little in [true, false] {
        let mut odd = utf16(&plain, little);
        odd.pop();
        let fault = source::load(&KubeSource::Text(SecretBytes::new(odd))).unwrap_err();
        assert_eq!(fault.code, "kubeconfig_invalid");
    }
    let lone = [0xff, 0xfe, 0x00, 0xd8];
    assert_eq!(source::load(&KubeSource::Text(SecretBytes::new(lone))).unwrap_err().code, "kubeconfig_invalid");
    assert_eq!(source::load(&KubeSource::Text(SecretBytes::new([0x66, 0xff]))).unwrap_err().code, "kubeconfig_invalid");
}

#[test]
fn what_is_no_small_regular_file_is_refused_at_once() {
    let tmp = tempfile::tempdir().unwrap();
    let huge = tmp.path().join("huge");
    std::fs::File::create(&huge).unwrap().set_len(100 * 1024 * 1024).unwrap();
    let mut bad = vec![huge, tmp.path().to_owned(), tmp.path().join("absent")];
    #[cfg(unix)]
    {
        let pipe = tmp.path().join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0).unwrap();
        let link = tmp.path().join("link");
        std::os::unix::fs::symlink(&pipe, &link).unwrap();
        bad.extend([pipe, link, "/dev/zero".into()]);
    }
    for path in bad {
        let fault = source::load(&KubeSource::Files(vec![path.clone()])).unwrap_err();
        assert_eq!(fault.code, "kubeconfig_unreadable", "{}", path.display());
    }
}

#[test]
fn a_bomb_is_refused_and_no_fault_holds_a_piece_of_the_text() {
    let mut bomb = format!("a: &a [{CANARY},x,x,x,x,x,x,x,x]\n");
    for (name, before) in [("b", "a"), ("c", "b"), ("d", "c"), ("e", "d"), ("f", "e"), ("g", "f")] {
        let nine = vec![format!("*{before}"); 9].join(",");
        bomb.push_str(&format!("{name}: &{name} [{nine}]\n"));
    }
    let double = config(&format!("token: {CANARY}\ntoken: {CANARY}"));
    let unclosed = config(&format!("token: \"{CANARY}\n"));
    let tab = config(&format!("token: {CANARY}")).replace("    token", "\ttoken");
    let two = format!("{}---\n{CANARY}: 1\n", config("token: x"));
    let merge = config(&format!("<<: {{token: {CANARY}}}"));
    let tag = config(&format!("token: !{CANARY} x"));
    let list = format!("users: {CANARY}");
    let twice = "users:\n- {name: a, user: {}}\n- {name: a, user: {}}\n".to_owned();
    let nul = config(&format!("token: \"{CANARY}\u{0}\""));
    let deep = format!("a: {}{CANARY}", "[".repeat(5000));
    for bad in [bomb, double, unclosed, tab, two, merge, tag, list, twice, nul, deep] {
        let fault = source::load(&text(&bad)).unwrap_err();
        assert_eq!(fault.code, "kubeconfig_invalid");
        assert!(!format!("{fault:?}").contains(CANARY), "{fault:?}");
    }
}

#[test]
fn the_first_file_of_a_list_wins_whole_and_paths_start_at_their_own_file() {
    let tmp = tempfile::tempdir().unwrap();
    for name in ["one", "two"] {
        std::fs::create_dir(tmp.path().join(name)).unwrap();
    }
    let one = "current-context: \"\"\nclusters:\n- name: k\n  cluster: {server: 'https://one:1', certificate-authority: ca.pem}\nusers:\n- name: u\n  user: {client-certificate: c.pem, client-key: k.pem}\n";
    let two = "current-context: c\nclusters:\n- name: k\n  cluster: {server: 'https://two:2', proxy-url: 'http://p:1'}\nusers:\n- name: u\n  user: {token: t}\n- name: w\n  user: {tokenFile: ../t}\ncontexts:\n- name: c\n  context: {cluster: k, user: u, namespace: n}\n- name: d\n  context: {cluster: k, user: w}\n";
    let paths = vec![written(&tmp.path().join("one"), "a", one), tmp.path().join("absent"), written(&tmp.path().join("two"), "b", two)];
    let review = reviewed(&KubeSource::Usual(paths.clone()));
    assert_eq!(review.current.as_deref(), Some("c"));
    let (c, d) = (&review.contexts[0], &review.contexts[1]);
    assert_eq!((c.server.as_str(), c.auth.as_str(), c.namespace.as_deref()), ("https://one:1", "client_certificate", Some("n")));
    assert_eq!(c.proxy, None, "what a later file says of the same name does not count, not even in part");
    let at = |folder: &str, name: &str| tmp.path().join(folder).join(name).display().to_string();
    assert_eq!(c.reads, [at("one", "ca.pem"), at("one", "c.pem"), at("one", "k.pem")]);
    assert_eq!(d.reads, [at("one", "ca.pem"), at("two", "../t")]);
    assert_eq!(c.user_file, paths[0].display().to_string());
    assert_eq!(source::load(&KubeSource::Files(paths)).unwrap_err().code, "kubeconfig_unreadable", "a file that was named must be there");
}

#[test]
fn a_review_says_what_a_person_must_know_and_touches_nothing() {
    let tmp = tempfile::tempdir().unwrap();
    let canary = tmp.path().join("ran");
    let (certificate, _) = identity();
    let yaml = format!(
        "clusters:\n- name: k\n  cluster:\n    server: http://169.254.169.254/x\n    insecure-skip-tls-verify: true\n    tls-server-name: other\n    proxy-url: http://me:{CANARY}@proxy:3128\n- name: ok\n  cluster:\n    server: https://[::1]:6443\n    certificate-authority-data: {}\ncontexts:\n- name: c\n  context: {{cluster: k, user: u}}\n- name: g\n  context: {{cluster: ok, user: g}}\n- name: lost\n  context: {{cluster: nowhere, user: g}}\nusers:\n- name: u\n  user:\n    as: boss\n    as-groups: [system:masters]\n    exec:\n      apiVersion: client.authentication.k8s.io/v1\n      command: touch\n      args: [\"{}\", \"--password={CANARY}\"]\n      env: [{{name: A_TOKEN, value: {CANARY}}}]\n- name: g\n  user:\n    auth-provider:\n      name: gcp\n      config: {{cmd-path: \"touch {}\", access-token: {CANARY}}}\n",
        b64(&certificate),
        canary.display(),
        canary.display(),
    );
    let source = text(&yaml);
    let review = reviewed(&source);
    let (c, g, lost) = (&review.contexts[0], &review.contexts[1], &review.contexts[2]);
    assert_eq!((c.host_class.as_str(), c.plain_http, c.skip_verify), ("link_local", true, true));
    assert_eq!((c.tls_server_name.as_deref(), c.proxy.as_deref(), c.proxy_credentials), (Some("other"), Some("http://proxy:3128"), true));
    assert_eq!(c.impersonate.as_deref(), Some("boss, group system:masters"));
    let exec = c.exec.as_ref().unwrap();
    assert_eq!((exec.argv[0].as_str(), exec.argv.len(), exec.env_names.as_slice()), ("touch", 3, ["A_TOKEN".to_owned()].as_slice()));
    assert_eq!((g.ca_sha256.len(), g.ca_sha256[0].len(), g.host_class.as_str()), (1, 64, "loopback"));
    assert_eq!(g.refused.as_ref().unwrap().code, "legacy_auth_provider");
    assert!(g.refused.as_ref().unwrap().reason.en.contains("gke-gcloud-auth-plugin"), "the modern replacement is named");
    assert_eq!(lost.refused.as_ref().unwrap().code, "no_such_cluster");
    let mut shown = review.clone();
    shown.contexts[0].exec = None;
    assert!(!format!("{shown:?}").contains(CANARY), "{shown:?}");
    assert_eq!(refusal(taken(&source, "c")), "exec_not_trusted");
    assert_eq!(refusal(taken(&source, "g")), "legacy_auth_provider");
    assert!(!canary.exists(), "nothing was run");
}

#[tokio::test]
async fn what_was_reviewed_is_what_is_taken() {
    let tmp = tempfile::tempdir().unwrap();
    let path = written(tmp.path(), "config", config("token: abc"));
    let source = KubeSource::Files(vec![path.clone()]);
    let review = files().review(&source).await.unwrap();
    assert_eq!(files().take(&source, &review.digest, &[wanted("c")]).await.unwrap().len(), 1);
    std::fs::write(&path, config("token: abd")).unwrap();
    assert_eq!(files().take(&source, &review.digest, &[wanted("c")]).await.unwrap_err().code, "kubeconfig_changed");
}
