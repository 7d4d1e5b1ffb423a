//! The app behind a window, without the window: its vault, its clusters, its door. Told what to do by lines on stdin, and says what happens
//! by lines of JSON on stdout.

use std::io::BufRead as _;
use std::path::Path;
use std::sync::Arc;

use app::clusters::ImportOrder;
use app::{App, AppEvent};
use assembly::{Cost, Options};
use domain::Json;
use domain::kubeconfig::{KubeSource, Wanted};
use domain::person::{Answer, Scope};
use domain::policy::{Actor, Door};
use domain::secret::Secret;
use domain::vault::{SecretBytes, Unlock, VaultKind};
use serde_json::json;

const PASSPHRASE: &str = "correct horse battery staple";

fn tell(what: &Json) {
    println!("{what}");
}

fn actor() -> Actor {
    Actor { door: Door::Window, name: "ann".into(), can_ask: true }
}

/// `door DIR PILOT FILE`: opens, imports the clusters `prod` and `dev` with the token of that file when there are none, and does what it is told.
pub(crate) async fn run(dir: &Path, pilot: &Path, token: &Path) {
    let options = Options {
        config_dir: Some(dir.to_owned()),
        guard: Some([pilot.display().to_string(), protocols::guard::WORD.to_owned()].into()),
        keyring: Some(String::new()),
        cost: Some(Cost { memory: 8 * 1024, passes: 1, calibrated: false }),
        ..Options::default()
    };
    let app = assembly::open(options).await.unwrap();
    if app.clusters.list().await.unwrap().is_empty() {
        app.secrets.settle(VaultKind::Passphrase, Some(Secret::new(PASSPHRASE)), &actor()).await.unwrap();
        import(&app, &std::fs::read_to_string(token).unwrap()).await;
    } else {
        app.secrets.unlock(Unlock::Passphrase(Secret::new(PASSPHRASE)), &actor()).await.unwrap();
    }
    let mut events = app.events();
    tokio::spawn(async move {
        while let Ok(event) = events.recv().await {
            match event {
                AppEvent::Question(question) => tell(&json!({ "question": question })),
                AppEvent::QuestionGone(id) => tell(&json!({ "gone": id })),
                _ => {}
            }
        }
    });
    let door = assembly::Door::open(&app, Some(pilot)).await.unwrap();
    tell(&json!({ "open": door.as_ref().map(|door| door.path().to_owned()) }));
    let (lines, mut told) = tokio::sync::mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            let _ = lines.send(line);
        }
    });
    while let Some(line) = told.recv().await {
        match line.as_str() {
            "lock" => app.clusters.lock(&actor()).await.unwrap(),
            "unlock" => app.clusters.unlock(&actor()).await.unwrap(),
            "lock vault" => drop(app.secrets.lock(&actor()).await.unwrap()),
            word => {
                let answer = match word {
                    "once" => Answer::Yes { scope: Scope::Once },
                    "quarter" => Answer::Yes { scope: Scope::Quarter },
                    "always" => Answer::Yes { scope: Scope::Always },
                    _ => Answer::No { reason: String::new() },
                };
                let id = app.questions.pending().first().map(|question| question.id.clone());
                app.questions.answer(&id.unwrap(), answer).unwrap();
            }
        }
        tell(&json!({ "did": line }));
    }
    if let Some(door) = door {
        door.close().await;
    }
    app.shutdown().await;
}

async fn import(app: &Arc<App>, token: &str) {
    let one = |name: &str, host: &str| {
        (
            format!("- name: {name}\n  cluster: {{server: 'https://{host}:6443'}}\n"),
            format!("- name: {name}\n  context: {{cluster: {name}, user: u}}\n"),
        )
    };
    let (prod, dev) = (one("prod", "10.0.0.1"), one("dev", "10.0.0.2"));
    let text = format!(
        "apiVersion: v1\nkind: Config\nclusters:\n{}{}contexts:\n{}{}users:\n- name: u\n  user: {{token: {token}}}\n",
        prod.0, dev.0, prod.1, dev.1
    );
    let source = KubeSource::Text(SecretBytes::new(text));
    let review = app.clusters.review(&source).await.unwrap();
    let wanted = |name: &str| Wanted { context: name.to_owned(), trust_exec: false, follow_token_file: false, sign_in: false };
    let order = ImportOrder { source, review, wanted: vec![wanted("prod"), wanted("dev")], rewrite: false };
    assert_eq!(app.clusters.import(&order, &actor()).await.unwrap().clusters.len(), 2);
}
