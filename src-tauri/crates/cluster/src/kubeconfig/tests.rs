//! Kubeconfigs as they are found, good and bad.

mod reading;
mod rewriting;
mod searching;
mod splitting;
mod taking;

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::kubeconfig::{KubeReview, KubeSource, Taken, Wanted};
use domain::vault::SecretBytes;

use super::{Helper, KubeFiles, review, source, take, user};

/// No test may ever see this in a fault or a review.
const CANARY: &str = "c4n4ry-7f3e9a51d2";

fn helper() -> Helper {
    Helper { program: "/opt/ph/pilot".into(), config_dir: None }
}

fn files() -> KubeFiles {
    KubeFiles::new(helper(), std::env::var_os("PATH"))
}

fn text(text: &str) -> KubeSource {
    KubeSource::Text(SecretBytes::new(text))
}

fn reviewed(source: &KubeSource) -> KubeReview {
    review::review(&source::load(source).unwrap())
}

fn taken(source: &KubeSource, context: &str) -> Taken {
    let list = source::load(source).unwrap();
    take::take(&list, &wanted(context), None)
}

fn wanted(context: &str) -> Wanted {
    Wanted { context: context.into(), trust_exec: false, follow_token_file: false, sign_in: false }
}

fn refusal(taken: Taken) -> String {
    taken.cluster.err().map(|refusal| refusal.code).unwrap_or_default()
}

/// A kubeconfig of one context `c` whose user has these lines.
fn config(user: &str) -> String {
    let user = user.lines().map(|line| format!("    {line}\n")).collect::<Vec<_>>().concat();
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters:\n- name: k\n  cluster:\n    server: https://10.1.2.3:6443\ncontexts:\n- name: c\n  context:\n    cluster: k\n    user: u\nusers:\n- name: u\n  user:\n{user}"
    )
}

fn written(dir: &Path, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = dir.join(name);
    std::fs::write(&path, content).unwrap();
    path
}

/// A certificate and its key, both PEM.
fn identity() -> (String, String) {
    let made = rcgen::generate_simple_self_signed(vec!["user".to_owned()]).unwrap();
    (made.cert.pem(), made.signing_key.serialize_pem())
}

fn b64(text: &str) -> String {
    STANDARD.encode(text)
}
