//! The vault as a person at the terminal has it, without any keyring: passphrase, session, moving plain secrets in, and a sweep for canaries.

use std::fmt::Write as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use domain::ports::Settings as _;
use serde_json::{Value as Json, json};
use testkit::echo::Echo;
use testkit::memory::StillClock;

use crate::cli_contract::built;
use crate::home::{Home, holding};
use crate::vault_call::guarded;

/// Every form in which a sweep looks for a value.
fn forms(value: &str) -> Vec<String> {
    let mut forms = vec![value.to_owned(), value.replace('/', "\\/")];
    let hex = value.bytes().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    forms.push(hex.to_uppercase());
    forms.push(hex);
    forms.push(value.bytes().fold(String::new(), |mut text, byte| {
        let _ = if byte.is_ascii_alphanumeric() { write!(text, "{}", char::from(byte)) } else { write!(text, "%{byte:02X}") };
        text
    }));
    for engine in [&STANDARD, &URL_SAFE] {
        forms.push(engine.encode(value));
    }
    for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
        for before in 0..3_usize {
            let text = engine.encode([vec![0; before], value.as_bytes().to_vec()].concat());
            // Without the letters that neighbours have a part in.
            forms.push(text[(before * 8).div_ceil(6)..(before + value.len()) * 8 / 6].to_owned());
        }
    }
    forms
}

/// Where canaries are found in the files of a folder.
fn sweep(dir: &Path, canaries: &[&str]) -> Vec<String> {
    let forms: Vec<String> = canaries.iter().flat_map(|canary| forms(canary)).collect();
    forms.iter().flat_map(|form| holding(dir, form).into_iter().map(move |path| format!("{form} in {}", path.display()))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_kept_under_a_passphrase_and_used_and_never_shown() {
    let home = Home::new();
    let passphrase = home.file("pass", "correct horse battery staple\n");
    let with: [&str; 2] = ["--passphrase-file", &passphrase];
    let url = guarded("authorization", "Bearer tok-en-1234567", &Echo::new()).await;
    home.run(&["servers", "add", "api", "--url", &url, "--set", "auth_type=bearer", "--set", "auth_token=${NOT_SET:-none}"]).await.ok();

    let absent = home.fed(&["secret", "set", "api", "auth_token"], "tok-en-1234567\n").await;
    assert_eq!((absent.code, absent.json()["fault"]["code"].as_str()), (5, Some("vault_absent")), "nothing is kept in plain text instead");
    assert_eq!(home.run(&["secret", "state"]).await.ok().json()["state"], "absent");

    home.cheap_vault("correct horse battery staple");
    let settled = home.run(&[&["secret", "unlock"], &with[..]].concat()).await.ok().json();
    assert_eq!((settled["state"].as_str(), settled["kind"].as_str()), (Some("unlocked"), Some("passphrase")));
    let set = home.fed(&[&["secret", "set", "api", "auth_token"], &with[..]].concat(), "tok-en-1234567\n").await.ok();
    let view = set.json();
    assert_eq!(
        (view["owner"]["field"].as_str(), view["present"].as_bool(), view["kind"].as_str()),
        (Some("auth_token"), Some(true), Some("token"))
    );
    assert!(!set.out.contains("tok-en"), "{}", set.out);

    // The next run without the passphrase is told at once; with it the server answers.
    let closed = home.run(&["call", "api", "echo", "--arg", "message=hi"]).await;
    assert_eq!((closed.code, closed.json()["fault"]["code"].as_str()), (5, Some("vault_locked")), "{}", closed.err);
    assert!(closed.err.contains("auth_token"), "which setting wants it: {}", closed.err);
    let called = home.run(&[&["call", "api", "echo", "--arg", "message=hi"], &with[..]].concat()).await.ok();
    assert_eq!(called.json()["content"][0]["text"], "hi");
    let wrong = home.file("wrong", "not the right one\n");
    let refused = home.run(&["secret", "unlock", "--passphrase-file", &wrong]).await;
    assert_eq!((refused.code, refused.json()["fault"]["code"].as_str()), (5, Some("wrong_passphrase")));

    let listed = home.run(&["secret", "list"]).await.ok().json();
    assert!(listed[0]["lastUsed"].as_i64().is_some(), "{listed}");
    let shown = home.run(&["servers", "show", "api"]).await.ok();
    assert!(shown.json()["settings"]["auth_token"].as_str().unwrap().starts_with("${vault:"), "{}", shown.out);
    assert_eq!(shown.json()["accepted"], true);

    // A name of the person's own, used by another server's settings.
    let named = home.fed(&[&["secret", "set", "--name", "shared"], &with[..]].concat(), "Bearer tok-en-1234567").await.ok().json();
    let reference = format!("auth_headers:={}", json!({ "Authorization": named["reference"] }));
    home.run(&["servers", "add", "other", "--url", &url, "--set", &reference]).await.ok();
    home.run(&[&["call", "other", "echo", "--arg", "message=hi"], &with[..]].concat()).await.ok();

    let locked = home.run(&[&["secret", "lock"], &with[..]].concat()).await.ok().json();
    assert_eq!(locked["state"], "locked");
    let closed = home.run(&[&["call", "api", "echo", "--arg", "message=hi"], &with[..]].concat()).await;
    assert_eq!(closed.json()["fault"]["code"], "vault_locked", "locked is locked, whatever this run could give");
    home.run(&[&["secret", "unlock"], &with[..]].concat()).await.ok();

    // The kit, in another folder with a copy of the store, as on another computer.
    let kit = home.dir.path().join("kit.age").display().to_string();
    let words = home.file("kitpass", "four words of kit\n");
    home.run(&[&["secret", "export-kit", &kit, "--kit-passphrase-file", &words], &with[..]].concat()).await.ok();
    assert_ne!(home.run(&[&["secret", "export-kit", &kit, "--kit-passphrase-file", &words], &with[..]].concat()).await.code, 0);
    home.run(&["secret", "restore-kit", &kit, "--kit-passphrase-file", &words]).await.ok();
    let kit_pass: [&str; 2] = ["--passphrase-file", &words];
    home.run(&[&["call", "api", "echo", "--arg", "message=hi"], &kit_pass[..]].concat()).await.ok();

    let removed = home.run(&["secret", "remove", "shared", "--yes"]).await.ok().json();
    assert_eq!(removed["removed"].as_array().unwrap().len(), 1);
    let gone = home.run(&[&["call", "other", "echo", "--arg", "message=hi"], &kit_pass[..]].concat()).await;
    assert_eq!((gone.code, gone.json()["fault"]["code"].as_str()), (3, Some("secret_missing")));
    home.run(&["servers", "remove", "api"]).await.ok();
    assert_eq!(home.run(&["secret", "list"]).await.ok().json(), json!([]), "what belonged to the server goes with it");
    home.run(&["secret", "wipe", "--yes"]).await.ok();
    assert_eq!(home.run(&["secret", "state"]).await.ok().json()["kept"], 0);
    let told: Vec<String> = home.run(&["audit", "list"]).await.ok().json().as_array().unwrap().iter().map(Json::to_string).collect();
    for word in ["vault_unlocked", "secret_set", "vault_not_unlocked", "vault_locked", "kit_exported", "kit_restored", "vault_wiped"] {
        assert!(told.iter().any(|row| row.contains(word)), "{word} is in the audit log: {told:?}");
    }
    assert!(sweep(&home.config(), &["tok-en-1234567"]).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_secrets_move_into_the_vault_and_leave_no_trace() {
    let home = Home::new();
    let url = guarded("authorization", "Bearer canary-moved-0123456789", &Echo::new()).await;
    home.run(&["servers", "add", "api", "--url", &url, "--set", "auth_type=bearer", "--set", "auth_token=canary-moved-0123456789"])
        .await
        .ok();
    let program = format!("{} stdio", built("echo-server").display());
    home.run(&["servers", "add", "tool", "--stdio", &program, "--env", "SOME_TOKEN=canary-env-9876543210"]).await.ok();
    let canaries = ["canary-moved-0123456789", "canary-env-9876543210"];
    assert!(!sweep(&home.config(), &canaries).is_empty(), "without a vault they stand there, and the sweep finds them");
    let state = home.run(&["secret", "state"]).await.ok().json();
    assert_eq!(state["plain"].as_array().unwrap().len(), 2, "{state}");
    let doctor = home.run(&["doctor"]).await;
    assert!(doctor.out.contains("plain_secrets") && doctor.out.contains("auth_token"), "{}", doctor.out);
    home.run(&["call", "api", "echo", "--arg", "message=hi"]).await.ok();

    let passphrase = home.file("pass", "correct horse battery staple\n");
    let with: [&str; 2] = ["--passphrase-file", &passphrase];
    let state = home.run(&[&["secret", "settle", "passphrase"], &with[..]].concat()).await.ok().json();
    assert_eq!((state["plain"].as_array().map(Vec::len), state["kept"].as_u64()), (Some(0), Some(2)), "{state}");
    assert_eq!(sweep(&home.config(), &canaries), Vec::<String>::new(), "database, log, copies");
    for server in ["api", "tool"] {
        let shown = home.run(&["servers", "show", server]).await.ok().json();
        assert_eq!(shown["accepted"], true, "what was accepted stays accepted: {shown}");
        home.run(&[&["call", server, "echo", "--arg", "message=hi"], &with[..]].concat()).await.ok();
    }
    let audit = home.run(&["audit", "list"]).await.ok();
    assert!(audit.out.contains("secrets_moved"));
    assert_eq!(home.run(&["audit", "verify"]).await.code, 0);

    // From now on a new plain value goes there at once.
    home.run(&[&["servers", "edit", "api", "--set", "auth_token=canary-later-5555555555"], &with[..]].concat()).await.ok();
    assert_eq!(sweep(&home.config(), &["canary-later-5555555555"]), Vec::<String>::new());
    assert_eq!(home.run(&["secret", "list"]).await.ok().json().as_array().unwrap().len(), 2, "in the old one's place");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_keeps_nothing_and_says_so() {
    let home = Home::new();
    let set = home.fed(&["--vault", "session", "secret", "set", "--name", "n"], "gone-soon-123").await.ok();
    assert!(set.err.contains("this process only"), "{}", set.err);
    let listed = home.run(&["secret", "list"]).await.ok().json();
    assert_eq!((listed[0]["present"].as_bool(), listed[0]["name"].as_str()), (Some(false), Some("n")));
    assert_eq!(home.run(&["secret", "state"]).await.ok().json()["missing"], 1);
    let other = home.run(&["--vault", "keyring", "secret", "unlock"]).await;
    assert_eq!((other.code, other.json()["fault"]["code"].as_str()), (3, Some("vault_kind")));
    assert!(sweep(&home.config(), &["gone-soon-123"]).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_canary_is_found_after_a_day_of_work() {
    // K-03, K-09.
    const TOKEN: &str = "canary/auth+token=0a1b2c3d";
    const HEADER: &str = "canary/header+key=4e5f6a7b";
    const ENV: &str = "canary/env+value=8c9d0e1f";
    const QUERY: &str = "canary/query+value=2a3b4c5d";
    const PASSWORD: &str = "canary/pass+word=6e7f8a9b";
    let canaries = [TOKEN, HEADER, ENV, QUERY, PASSWORD];
    let home = Home::new();
    let passphrase = home.file("pass", "correct horse battery staple\n");
    let with: [&str; 2] = ["--passphrase-file", &passphrase];
    // Everything is logged that can be.
    {
        std::fs::create_dir_all(home.config().join("store")).unwrap();
        let store = store::Store::open(&home.config().join("store"), StillClock::at(1_800_000_000_000)).await.unwrap();
        store.set("pref:log_level", &json!("trace")).await.unwrap();
        store.close().await.unwrap();
    }
    home.cheap_vault("correct horse battery staple");
    let api = guarded("authorization", &format!("Bearer {TOKEN}"), &Echo::new()).await;
    let keyed = guarded("x-api-key", HEADER, &Echo::new()).await;
    let program = format!("{} stdio", built("echo-server").display());
    let adds: [&[&str]; 4] = [
        &["servers", "add", "api", "--url", &api, "--set", "auth_type=bearer", "--set", "auth_token=${UNSET:-x}"],
        &["servers", "add", "keyed", "--url", &keyed],
        &["servers", "add", "tool", "--stdio", &program],
        &["servers", "add", "basic", "--url", &api, "--set", "auth_type=basic", "--set", "username=me", "--set", "password=${UNSET:-x}"],
    ];
    for words in adds {
        home.run(words).await.ok();
    }
    for (server, field, value) in [
        ("api", "auth_token", TOKEN),
        ("keyed", "auth_headers.X-Api-Key", HEADER),
        ("tool", "env.SOME_TOKEN", ENV),
        ("basic", "password", PASSWORD),
    ] {
        home.fed(&[&["secret", "set", server, field], &with[..]].concat(), value).await.ok();
    }
    // In plain text, in an address: it is sealed as it is saved.
    let address = format!("url={keyed}?api_key={QUERY}");
    home.run(&[&["servers", "edit", "keyed", "--set", &address], &with[..]].concat()).await.ok();
    home.run(&["servers", "accept", "tool", "--yes"]).await.ok();

    for (server, own) in [("api", TOKEN), ("keyed", HEADER), ("keyed", QUERY), ("tool", ENV)] {
        home.run(&[&["call", server, "echo", "--arg", "message=hi"], &with[..]].concat()).await.ok();
        // Said back by the server, as an answer and as a failure.
        let message = format!("message=was it {own}?");
        home.run(&[&["call", server, "echo", "--arg", &message], &with[..]].concat()).await.ok();
        home.run(&[&["call", server, "fail", "--arg", &message], &with[..]].concat()).await;
    }
    let refused = home.run(&[&["call", "basic", "echo", "--arg", "message=hi"], &with[..]].concat()).await;
    assert_ne!(refused.code, 0, "its password is the wrong one");
    home.run(&[&["servers", "test", "tool"], &with[..]].concat()).await;
    home.run(&[&["doctor", "api"], &with[..]].concat()).await;
    for words in
        [&["servers", "list"][..], &["audit", "list"], &["metrics"], &["servers", "export"], &["secret", "list"], &["secret", "state"]]
    {
        let ran = home.run(words).await.ok();
        for canary in canaries {
            assert!(!forms(canary).iter().any(|form| ran.out.contains(form) || ran.err.contains(form)), "{words:?}: {}", ran.out);
        }
    }

    // While a program runs: who has what in its command line and environment.
    let mut running = home.command(&[&["call", "tool", "hold"], &with[..]].concat()).spawn().unwrap();
    let found = looked_at(running.id());
    running.kill().unwrap();
    running.wait().unwrap();
    for (pid, is_program, what, bytes) in found {
        for canary in canaries {
            let hit = bytes.windows(canary.len()).any(|part| part == canary.as_bytes());
            // The program itself was given its own, by its owner's word; nobody else was.
            let own = is_program && canary == ENV && what == "environ";
            assert_eq!(hit, own, "{canary} in {what} of {pid}");
        }
    }
    assert_eq!(sweep(&home.config(), &canaries), Vec::<String>::new());
    assert!(std::fs::read_dir(home.config().join("logs")).unwrap().count() > 0, "there is a log to be swept");
}

/// Command lines and environments of a process and all its children, once its program runs; whether each is the program's.
fn looked_at(pilot: u32) -> Vec<(u32, bool, &'static str, Vec<u8>)> {
    let children = |of: u32| -> Vec<u32> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir("/proc").unwrap().flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
            let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { continue };
            let parent = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(1)?.parse::<u32>().ok());
            if parent == Some(of) {
                found.push(pid);
            }
        }
        found
    };
    let program = built("echo-server").display().to_string();
    for _ in 0..3_000 {
        let mut all = vec![pilot];
        let mut at = 0;
        while let Some(&pid) = all.get(at) {
            all.extend(children(pid));
            at += 1;
        }
        let mut found = Vec::new();
        for &pid in &all {
            let read = |what: &str| std::fs::read(format!("/proc/{pid}/{what}"));
            let Ok(line) = read("cmdline") else { continue };
            let is_program = line.starts_with(program.as_bytes());
            // Of a process that hides its memory, only root reads the environment.
            if let Ok(environment) = read("environ") {
                found.push((pid, is_program, "environ", environment));
            }
            found.push((pid, is_program, "cmdline", line));
        }
        if found.iter().any(|(_, is_program, what, _)| *is_program && *what == "environ") {
            return found;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    panic!("the program never ran");
}
