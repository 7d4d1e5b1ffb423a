//! Whether a secret that is still there is found, in whatever form.

use super::super::search::search;
use domain::kubeconfig::Needle;

use super::*;

fn needle(kind: &str, value: &str) -> Needle {
    Needle { kind: kind.into(), value: SecretBytes::new(value) }
}

#[test]
fn a_secret_is_found_raw_in_base64_at_every_place_and_across_lines() {
    let tmp = tempfile::tempdir().unwrap();
    let (certificate, key) = identity();
    let pair = format!("{certificate}{key}");
    let body: String = key.lines().filter(|line| !line.starts_with("---")).collect();
    let encoded = b64(&key);
    let wrapped = encoded.as_bytes().chunks(20).map(|piece| format!("  {}\r\n", std::str::from_utf8(piece).unwrap()));
    let wrapped = wrapped.collect::<Vec<_>>().concat();
    let needles = [needle("token", CANARY), needle("client_key", &pair)];
    for (name, content, kind) in [
        ("raw", format!("\n\nx {CANARY} y"), "token"),
        ("b64", b64(CANARY), "token"),
        ("b64one", b64(&format!("x{CANARY}y")), "token"),
        ("b64two", b64(&format!("xy{CANARY}")), "token"),
        ("broken", format!("{}\n   {}", &CANARY[..7], &CANARY[7..]), "token"),
        ("key", key.clone(), "client_key"),
        ("oneline", format!("{{\"k\":\"{body}\"}}"), "client_key"),
        ("data", format!("a: {}", b64(&key)), "client_key"),
        ("wrapped", wrapped, "client_key"),
    ] {
        let path = written(tmp.path(), name, content);
        let found = search(&[], std::slice::from_ref(&path), &needles);
        assert_eq!(found.iter().map(|finding| finding.kind.as_str()).collect::<Vec<_>>(), [kind], "{name}");
        assert_eq!(found[0].line, if name == "raw" { 3 } else { found[0].line });
        std::fs::remove_file(path).unwrap();
    }
    let clean = written(tmp.path(), "clean", format!("{certificate}\nnothing\n{}", b64(&certificate)));
    assert_eq!(search(&[], &[clean], &needles), [], "a certificate is no secret");
}

#[test]
fn copies_beside_the_file_are_looked_through_and_credentials_in_them_are_named() {
    let tmp = tempfile::tempdir().unwrap();
    let kube = written(tmp.path(), "config", "apiVersion: v1\nkind: Config\nusers: []\n");
    for name in ["config.bak", "config~", ".config.swp", "config.orig", "#config#"] {
        let copy = written(tmp.path(), name, config("token: s0meb0dy-elses"));
        let found = search(std::slice::from_ref(&kube), &[], &[]);
        assert_eq!(found.len(), 1, "{name}");
        assert_eq!((found[0].file.as_str(), found[0].line, found[0].kind.as_str()), (copy.to_str().unwrap(), 16, "inline_token"));
        std::fs::remove_file(copy).unwrap();
    }
    written(tmp.path(), "other.bak", config("token: s0meb0dy-elses"));
    assert_eq!(search(std::slice::from_ref(&kube), &[], &[]), [], "another file's copy is none of this one's");
    written(
        tmp.path(),
        "config.txt",
        b"\xff\xfe".iter().copied().chain(CANARY.encode_utf16().flat_map(u16::to_le_bytes)).collect::<Vec<_>>(),
    );
    assert_eq!(search(&[kube], &[], &[needle("token", CANARY)]).len(), 1, "UTF-16 too");
}

#[test]
fn every_inline_credential_has_a_name() {
    let tmp = tempfile::tempdir().unwrap();
    for (user, kind) in [
        ("token: a", "inline_token"),
        ("{username: x, password: y}", "inline_password"),
        ("client-key-data: QQ==", "inline_client_key"),
        ("auth-provider: {name: oidc, config: {refresh-token: x}}", "inline_auth_provider"),
        ("exec: {command: x, env: [{name: MY_SECRET, value: y}]}", "inline_variable"),
    ] {
        let kube = written(tmp.path(), "config", config(user));
        assert_eq!(search(&[kube], &[], &[]).iter().map(|found| found.kind.as_str()).collect::<Vec<_>>(), [kind]);
    }
    let kube = written(tmp.path(), "config", config("{}").replace("6443\n", "6443\n    proxy-url: http://u:p@x:1\n"));
    assert_eq!(search(&[kube], &[], &[])[0].kind, "inline_proxy_credentials");
}
