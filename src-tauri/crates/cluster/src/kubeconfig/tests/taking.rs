//! What is taken out of a context, and what is refused although it could be read.

use domain::cluster::ClusterAuth;
use domain::id::Millis;
use domain::kubeconfig::{KubeSource, TakenCluster};

use super::*;

fn good(yaml: &str) -> TakenCluster {
    taken(&text(yaml), "c").cluster.unwrap()
}

fn value(cluster: &TakenCluster, field: &str) -> String {
    let secret = cluster.secrets.iter().find(|secret| secret.field == field).unwrap();
    String::from_utf8(secret.value.expose().to_vec()).unwrap()
}

/// As `openssl x509 -req` makes it without extensions: X.509 version 1.
const VERSION_ONE: &str = "-----BEGIN CERTIFICATE-----
MIIBFjCBvQIUHlyCbxgJoCY9AZbU2ukNM9xRwhswCgYIKoZIzj0EAwIwDTELMAkG
A1UEAwwCdjEwIBcNMjYxMTIyMTg1MTA3WhgPMjEyNjEwMjkxODUxMDdaMA0xCzAJ
BgNVBAMMAnYxMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEw566+MhUvlkCduGk
qP/9a94oeOGjbXaVMhBpyPDR5o2nI7guprpWN4QCnL3zHdnBcThT2rXzFfC3AagT
zfOmajAKBggqhkjOPQQDAgNIADBFAiBOUtTR22qHFUayEFPLVrWN7Os/QVO/99Iv
14SmYprX2wIhANS2mVxA+/AX42C0HSnVnUgwyp8YWg4gRwTKViv4gm7Z
-----END CERTIFICATE-----
";

#[test]
fn a_certificate_and_its_key_are_kept_together_with_their_end() {
    let (certificate, key) = identity();
    let cluster = good(&config(&format!("client-certificate-data: {}\nclient-key-data: {}", b64(&certificate), b64(&key))));
    let ClusterAuth::ClientCertificate { pair, not_after } = &cluster.def.auth else { panic!("{:?}", cluster.def.auth) };
    assert_eq!(pair.as_str(), "client_certificate");
    assert!(not_after.unwrap() > Millis(1_700_000_000_000));
    let pem = value(&cluster, "client_certificate");
    assert!(pem.starts_with("-----BEGIN CERTIFICATE-----") && pem.contains(key.trim()), "the chain, then the key");
    let (_, other) = identity();
    for (certificate, key, code) in [
        (certificate.as_str(), other.as_str(), "key_mismatch"),
        (certificate.as_str(), "no key", "key_invalid"),
        (certificate.as_str(), "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n", "key_encrypted"),
        ("no certificate", key.as_str(), "certificate_invalid"),
        (VERSION_ONE, key.as_str(), "certificate_version"),
    ] {
        let yaml = config(&format!("client-certificate-data: {}\nclient-key-data: {}", b64(certificate), b64(key)));
        assert_eq!(refusal(taken(&text(&yaml), "c")), code);
    }
    assert_eq!(refusal(taken(&text(&config(&format!("client-key-data: {}", b64(&key)))), "c")), "certificate_missing");
    assert_eq!(refusal(taken(&text(&config(&format!("client-certificate-data: {}", b64(&certificate)))), "c")), "key_missing");
}

#[test]
fn tokens_passwords_and_sign_ins_are_taken_and_the_end_of_a_jwt_is_read() {
    let jwt = format!("e30.{}.sig", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(r#"{"exp":2000000000}"#));
    let cluster = good(&config(&format!("token: {jwt}")));
    assert_eq!(cluster.def.auth.ends_at(), Some(Millis(2_000_000_000_000)));
    assert_eq!(value(&cluster, "token"), jwt);
    assert_eq!(good(&config("token: abcdef.0123456789abcdef")).def.auth.ends_at(), None);
    assert_eq!(refusal(taken(&text(&config("token: 'two words'")), "c")), "token_invalid");
    let cluster = good(&config("username: me\npassword: 'p:w \"x'"));
    assert_eq!(serde_json::from_str::<serde_json::Value>(&value(&cluster, "basic")).unwrap()["password"], "p:w \"x");
    let oidc = "auth-provider:\n  name: oidc\n  config:\n    idp-issuer-url: https://issuer.example\n    client-id: me\n    refresh-token: r3fr3sh\n    extra-scopes: groups, email";
    let cluster = good(&config(oidc));
    let ClusterAuth::Oidc { issuer, scopes, state, .. } = &cluster.def.auth else { panic!("{:?}", cluster.def.auth) };
    assert_eq!((issuer.as_str(), scopes.join(" ").as_str(), state.is_some()), ("https://issuer.example", "groups email", true));
    assert_eq!(value(&cluster, "oidc"), r#"{"refreshToken":"r3fr3sh"}"#);
    assert_eq!(refusal(taken(&text(&config(&oidc.replace("https", "http"))), "c")), "oidc_issuer");
    for (user, code) in [
        ("token: a\nusername: b\npassword: c", "several_credentials"),
        ("token: a\nexec: {apiVersion: client.authentication.k8s.io/v1, command: x}", "several_credentials"),
        ("auth-provider: {name: azure}", "legacy_auth_provider"),
        ("exec: {apiVersion: client.authentication.k8s.io/v1alpha1, command: x}", "exec_api_version"),
        ("token: [a]", "user_shape"),
    ] {
        assert_eq!(refusal(taken(&text(&config(user)), "c")), code, "{user}");
    }
    assert_eq!(good(&config("{}")).def.auth, ClusterAuth::Anonymous);
}

#[test]
fn skipping_the_check_of_the_server_never_survives_an_import() {
    let yaml = config("token: abc").replace("6443\n", "6443\n    insecure-skip-tls-verify: true\n");
    assert!(reviewed(&text(&yaml)).contexts[0].skip_verify, "it is shown");
    assert!(!good(&yaml).def.insecure, "and not taken over");
}

#[test]
fn a_token_file_must_be_a_small_file_with_a_token_in_it() {
    let tmp = tempfile::tempdir().unwrap();
    let at = |name: &str| tmp.path().join(name).display().to_string();
    written(tmp.path(), "token", "abcdef.0123\n");
    written(tmp.path(), "shadow", "root:*:19000:0:99999:7:::\ndaemon:*:19000:0:99999:7:::\n");
    written(tmp.path(), "large", vec![b'a'; 1024 * 1024 + 1]);
    written(tmp.path(), "key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    let path = written(tmp.path(), "config", config("tokenFile: token"));
    let source = KubeSource::Files(vec![path]);
    let cluster = taken(&source, "c").cluster.unwrap();
    let ClusterAuth::TokenFile { path, follow: false, .. } = &cluster.def.auth else { panic!("{:?}", cluster.def.auth) };
    assert_eq!(*path, at("token"));
    assert_eq!((value(&cluster, "token").as_str(), cluster.def.source.unwrap().key_files), ("abcdef.0123", vec![at("token")]));
    let mut bad = vec![at("shadow"), at("large"), at("key"), at("absent"), tmp.path().display().to_string()];
    #[cfg(unix)]
    {
        let pipe = tmp.path().join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0).unwrap();
        std::os::unix::fs::symlink("/dev/zero", tmp.path().join("zero")).unwrap();
        bad.extend([at("pipe"), at("zero"), "/dev/zero".into(), "/etc/shadow".into()]);
    }
    for path in bad {
        assert_eq!(refusal(taken(&text(&config(&format!("tokenFile: '{path}'"))), "c")), "token_file", "{path}");
    }
    assert_eq!(refusal(taken(&text(&config("tokenFile: token")), "c")), "relative_path", "pasted text has no folder");
}

#[test]
fn an_accepted_program_is_pinned_and_its_variables_are_secrets() {
    let tmp = tempfile::tempdir().unwrap();
    let plugin = written(tmp.path(), "plugin", format!("#!/bin/sh\ntouch {}\n", tmp.path().join("ran").display()));
    #[cfg(unix)]
    std::fs::set_permissions(&plugin, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let user = format!(
        "exec:\n  apiVersion: client.authentication.k8s.io/v1beta1\n  command: ./plugin\n  args: [--cluster, x]\n  env: [{{name: SECRET, value: {CANARY}}}]"
    );
    let source = KubeSource::Files(vec![written(tmp.path(), "config", config(&user))]);
    let want = Wanted { trust_exec: true, ..wanted("c") };
    let take = || take::take(&source::load(&source).unwrap(), &want, None).cluster;
    let ClusterAuth::Exec { plugin: first } = take().unwrap().def.auth else { panic!() };
    assert_eq!(
        (first.trust.len(), first.env_names.as_slice(), first.interactive_mode.as_str()),
        (64, ["SECRET".to_owned()].as_slice(), "IfAvailable")
    );
    assert!(!format!("{first:?}").contains(CANARY));
    std::fs::write(&plugin, "#!/bin/sh\nexit 1\n").unwrap();
    let ClusterAuth::Exec { plugin: second } = take().unwrap().def.auth else { panic!() };
    assert_ne!(first.trust, second.trust, "a program that was replaced is another program");
    std::fs::remove_file(&plugin).unwrap();
    assert_eq!(take().unwrap_err().code, "exec_not_found");
    assert!(!tmp.path().join("ran").exists(), "nothing was run");
}

#[test]
fn a_program_that_only_signs_in_is_replaced_when_somebody_wants_that_and_never_by_itself() {
    let user = format!(
        "exec:\n  apiVersion: client.authentication.k8s.io/v1\n  command: kubectl\n  args: [oidc-login, get-token, --oidc-issuer-url=https://issuer.example, --oidc-client-id=me, --oidc-client-secret={CANARY}, --oidc-extra-scope=email]"
    );
    let source = text(&config(&user));
    let shown = reviewed(&source);
    let offer = shown.contexts[0].sign_in.clone().unwrap();
    assert_eq!((offer.issuer.as_str(), offer.client_id.as_str(), offer.client_secret), ("https://issuer.example", "me", true));
    assert_eq!(
        (shown.contexts[0].auth.as_str(), refusal(taken(&source, "c"))),
        ("exec", "exec_not_trusted".to_owned()),
        "offered, not forced"
    );
    let want = Wanted { sign_in: true, ..wanted("c") };
    let cluster = take::take(&source::load(&source).unwrap(), &want, None).cluster.unwrap();
    let ClusterAuth::Oidc { issuer, client_id, scopes, redirects, .. } = &cluster.def.auth else { panic!("{:?}", cluster.def.auth) };
    assert_eq!((issuer.as_str(), client_id.as_str(), scopes.as_slice()), ("https://issuer.example", "me", ["email".to_owned()].as_slice()));
    assert_eq!(redirects, &["http://localhost:8000", "http://localhost:18000"]);
    assert_eq!(value(&cluster, "oidc"), format!(r#"{{"clientSecret":"{CANARY}"}}"#));
    assert!(!format!("{:?}", cluster.def).contains(CANARY));

    for (what, user) in [
        ("an argument that changes what is sent", user.replace("--oidc-extra-scope=email", "--oidc-use-access-token")),
        ("an issuer without TLS", user.replace("https://issuer", "http://issuer")),
        ("another program", user.replace("command: kubectl", "command: other")),
    ] {
        let source = text(&config(&user));
        assert_eq!(reviewed(&source).contexts[0].sign_in, None, "{what}");
        let refused = take::take(&source::load(&source).unwrap(), &want, None).cluster.unwrap_err();
        assert!(matches!(refused.code.as_str(), "sign_in_not_offered" | "oidc_issuer"), "{what}: {refused:?}");
    }
}
