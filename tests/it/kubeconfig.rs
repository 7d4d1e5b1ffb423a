//! Importing, rewriting and restoring kubeconfigs over a vault in memory and files on the disk, ended after every step.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use app::App;
use app::clusters::{ImportOrder, Imported};
use async_trait::async_trait;
use domain::cluster::{ClusterAuth, ClusterDef, Clusters, Consent};
use domain::fault::{Fault, FaultKind};
use domain::id::{ClusterId, SecretId};
use domain::kubeconfig::{Finding, KubeBytes, KubeReview, KubeSource, Kubeconfigs, Needle, Rewiring, Rewrite, Taken, Wanted};
use domain::secret::Secret;
use domain::text::Text;
use domain::vault::{NewSecret, Owner, SecretBytes, SecretFacts, Unlock, Vault, VaultKind, VaultState};

use crate::house::{House, kubeconfigs, window};

const TOKEN: &str = "c4n4ry-t0ken-one";
const NEWER: &str = "c4n4ry-t0ken-two";

fn config(server: &str, token: &str) -> String {
    format!(
        "# mine\napiVersion: v1\nkind: Config\ncurrent-context: c\nclusters:\n- name: k\n  cluster:\n    server: {server}\ncontexts:\n- name: c\n  context:\n    cluster: k\n    user: u\nusers:\n- name: u\n  user:\n    token: {token} # of ada\n"
    )
}

struct Desk {
    house: House,
    file: PathBuf,
    _dir: tempfile::TempDir,
}

impl Desk {
    async fn new(text: &str) -> Self {
        let house = House::open().await;
        house.vault.stand(VaultState::Unlocked { kind: VaultKind::Session });
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().canonicalize().unwrap().join("config");
        std::fs::write(&file, text).unwrap();
        Self { house, file, _dir: dir }
    }

    fn text(&self) -> String {
        std::fs::read_to_string(&self.file).unwrap()
    }

    async fn cluster(&self) -> Option<(ClusterDef, String)> {
        let def = self.house.clusters.clusters().await.unwrap().into_iter().next()?;
        let value = self.house.vault.open(def.secrets()[0]).await.unwrap();
        Some((def, String::from_utf8(value.expose().to_vec()).unwrap()))
    }

    async fn secrets(&self, kind: &str) -> Vec<SecretFacts> {
        self.house.vault.list().await.unwrap().into_iter().filter(|facts| facts.owner.kind == kind).collect()
    }
}

async fn import(app: &App, file: &Path, rewrite: bool) -> Result<Imported, Fault> {
    let source = KubeSource::Files(vec![file.to_owned()]);
    let review = app.clusters.review(&source).await?;
    let wanted = review
        .contexts
        .iter()
        .filter(|context| context.refused.is_none())
        .map(|context| Wanted { context: context.context.clone(), trust_exec: false, follow_token_file: false, sign_in: false })
        .collect();
    app.clusters.import(&ImportOrder { source, review, wanted, rewrite }, &window()).await
}

#[tokio::test]
async fn an_import_is_rewritten_verified_and_given_back() {
    let original = config("https://10.0.0.1:6443", TOKEN);
    let desk = Desk::new(&original).await;
    let app = &desk.house.app;
    let done = import(app, &desk.file, true).await.unwrap();
    assert_eq!((done.clusters.len(), done.refused.len(), done.clusters[0].rewritten), (1, 0, true), "{done:?}");
    let id = done.clusters[0].id.clone();
    assert!(!desk.text().contains(TOKEN) && desk.text().contains(id.as_str()) && desk.text().contains("# of ada"), "{}", desk.text());
    assert!(app.clusters.verify(std::slice::from_ref(&desk.file), &[]).await.unwrap().ok);
    let copy = desk.file.with_extension("bak");
    std::fs::write(&copy, format!("\n\nx: {TOKEN}")).unwrap();
    let verdict = app.clusters.verify(std::slice::from_ref(&desk.file), &[]).await.unwrap();
    assert_eq!((verdict.ok, verdict.findings.len(), verdict.findings[0].line, verdict.findings[0].kind.as_str()), (false, 1, 3, "token"));
    std::fs::remove_file(copy).unwrap();
    let again = import(app, &desk.file, true).await.unwrap();
    assert_eq!((again.clusters[0].id.clone(), again.clusters[0].rewritten), (id, true), "a rewritten context is known again");
    assert_eq!(app.clusters.list().await.unwrap().len(), 1);
    let refused = app.clusters.remove("c", false, &window()).await.unwrap_err();
    assert_eq!(refused.code, "cluster_rewritten", "kubectl would be left without a credential");

    std::fs::write(&desk.file, desk.text() + "# changed\n").unwrap();
    assert_eq!(app.clusters.restore(&desk.file, false, &window()).await.unwrap_err().code, "kubeconfig_changed");
    assert!(desk.text().ends_with("# changed\n"));
    app.clusters.restore(&desk.file, true, &window()).await.unwrap();
    assert_eq!(desk.text(), original);
    assert!(!app.clusters.list().await.unwrap()[0].rewritten);
    assert_eq!(app.clusters.restore(&desk.file, false, &window()).await.unwrap_err().code, "no_original");
    app.clusters.remove("c", false, &window()).await.unwrap();
    assert_eq!(desk.house.vault.list().await.unwrap(), [], "its secrets went with it");
    let story = desk.house.audit.story().join(" ");
    for word in ["clusters_imported", "kubeconfig_rewritten", "kubeconfig_restored", "cluster_removed"] {
        assert!(story.contains(word), "{word}: {story}");
    }
}

#[tokio::test]
async fn a_rewritten_file_that_was_deleted_is_made_again_for_its_owner_alone() {
    let original = config("https://10.0.0.1:6443", TOKEN);
    let desk = Desk::new(&original).await;
    import(&desk.house.app, &desk.file, true).await.unwrap();
    std::fs::remove_file(&desk.file).unwrap();
    let other = desk.file.with_file_name("never");
    assert_eq!(desk.house.app.clusters.restore(&other, false, &window()).await.unwrap_err().code, "kubeconfig_unreadable");
    let restored = desk.house.app.clusters.restore(&desk.file, false, &window()).await.unwrap();
    assert_eq!((desk.text(), &restored), (original, &desk.file));
    #[cfg(unix)]
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&desk.file.metadata().unwrap().permissions()) & 0o777, 0o600);
    assert_eq!(std::fs::read_dir(desk.file.parent().unwrap()).unwrap().count(), 1, "nothing is left beside it");
    assert!(!desk.house.app.clusters.list().await.unwrap()[0].rewritten);
    assert_eq!(desk.house.app.clusters.restore(&desk.file, false, &window()).await.unwrap_err().code, "no_original");
}

#[tokio::test]
async fn a_locked_or_absent_vault_imports_nothing_and_touches_nothing() {
    for state in [VaultState::Absent, VaultState::Locked { kind: VaultKind::Keyring }] {
        let original = config("https://10.0.0.1:6443", TOKEN);
        let desk = Desk::new(&original).await;
        desk.house.vault.stand(state);
        let fault = import(&desk.house.app, &desk.file, true).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Auth, "{fault:?}");
        assert!(!format!("{fault:?}").contains(TOKEN));
        assert_eq!((desk.text(), desk.house.clusters.clusters().await.unwrap().len()), (original, 0));
    }
}

#[tokio::test]
async fn sweeping_takes_what_a_killed_import_left_and_nothing_else() {
    let desk = Desk::new(&config("https://10.0.0.1:6443", TOKEN)).await;
    import(&desk.house.app, &desk.file, false).await.unwrap();
    let (def, _) = desk.cluster().await.unwrap();
    let left = |id: &str, field: &str| NewSecret {
        owner: Owner::new("cluster", id, field),
        value: SecretBytes::new("x"),
        kind: domain::vault::SecretKind::Token,
        expires_at: None,
    };
    let new = vec![left(def.id.as_str(), "exec_answer"), left(def.id.as_str(), "token.2"), left("gone", "token")];
    desk.house.vault.keep(new).await.unwrap();
    import(&desk.house.app, &desk.file, false).await.unwrap();
    let fields: Vec<String> = desk.secrets("cluster").await.into_iter().map(|facts| facts.owner.field).collect();
    assert_eq!(fields, ["exec_answer", "token.2"], "the answer of a program stays; the token stands under its other name now");
    let (def, value) = desk.cluster().await.unwrap();
    assert_eq!((def.secrets().len(), value.as_str()), (1, TOKEN));
}

#[tokio::test]
async fn locking_is_kept_for_every_process_until_it_is_taken_back() {
    let desk = Desk::new(&config("https://10.0.0.1:6443", TOKEN)).await;
    import(&desk.house.app, &desk.file, false).await.unwrap();
    desk.house.app.clusters.lock(&window()).await.unwrap();
    let other = desk.house.again().await;
    assert!(other.app.clusters.list().await.unwrap()[0].locked);
    other.app.clusters.unlock(&window()).await.unwrap();
    assert!(!desk.house.app.clusters.locked().await.unwrap());
}

#[tokio::test]
async fn the_same_context_of_another_file_is_another_cluster() {
    let desk = Desk::new(&config("https://10.0.0.1:6443", TOKEN)).await;
    import(&desk.house.app, &desk.file, false).await.unwrap();
    let other = desk.file.with_file_name("other");
    std::fs::write(&other, config("https://10.0.0.2:6443", NEWER)).unwrap();
    import(&desk.house.app, &other, false).await.unwrap();
    let names: Vec<String> = desk.house.app.clusters.list().await.unwrap().into_iter().map(|view| view.name).collect();
    assert_eq!(names, ["c", "c-2"]);
}

#[tokio::test]
async fn a_kill_after_any_step_of_import_and_rewrite_loses_nothing_and_the_next_run_comes_to_the_end() {
    let original = config("https://10.0.0.1:6443", TOKEN);
    let mut at = 0;
    loop {
        let desk = Desk::new(&original).await;
        let killed = import(&*desk.fused(at).await, &desk.file, true).await;
        let text = desk.text();
        if text == original {
            assert!(text.contains(TOKEN));
        } else {
            let (def, value) = desk.cluster().await.expect("the cluster is there before its file changes");
            assert!(text.contains(def.id.as_str()) && !text.contains(TOKEN), "step {at}: the file is whole: {text}");
            assert_eq!(value, TOKEN, "step {at}");
            assert_eq!(desk.secrets("kubeconfig").await.len(), 1, "step {at}: the original is sealed before");
        }
        let done = import(&desk.house.app, &desk.file, true).await.unwrap();
        assert_eq!((done.clusters.len(), done.clusters[0].rewritten, done.refused.len()), (1, true, 0), "step {at}: {done:?}");
        let (def, value) = desk.cluster().await.unwrap();
        assert_eq!(value, TOKEN);
        assert!(desk.text().contains(def.id.as_str()), "step {at}");
        assert!(desk.house.app.clusters.verify(std::slice::from_ref(&desk.file), &[]).await.unwrap().ok, "step {at}");
        assert_eq!(desk.secrets("cluster").await.len(), 1, "step {at}: what the killed run left was swept");
        // Restoring, killed after every step of its own as well.
        let mut restored = 0;
        while desk.fused(restored).await.clusters.restore(&desk.file, false, &window()).await.is_err() && restored < 200 {
            let text = desk.text();
            assert!(text == original || text.contains(def.id.as_str()), "step {restored} of the restoring");
            restored += 1;
        }
        assert_eq!(desk.text(), original, "step {at}");
        if killed.is_ok_and(|done| done.refused.is_empty()) {
            break;
        }
        at += 1;
    }
    assert!(at > 12, "there were steps to be killed after: {at}");
}

#[tokio::test]
async fn a_new_token_never_meets_the_old_server_whatever_step_is_the_last() {
    let mut at = 0;
    loop {
        let desk = Desk::new(&config("https://10.0.0.1:6443", TOKEN)).await;
        import(&desk.house.app, &desk.file, false).await.unwrap();
        let (old, _) = desk.cluster().await.unwrap();
        std::fs::write(&desk.file, config("https://10.0.0.2:6443", NEWER)).unwrap();
        let killed = import(&*desk.fused(at).await, &desk.file, false).await;
        let (def, value) = desk.cluster().await.unwrap();
        assert_eq!(def.id, old.id, "the same context is the same cluster");
        assert_eq!(value == NEWER, def.server.contains("10.0.0.2"), "step {at}: {} with another server's token", def.server);
        import(&desk.house.app, &desk.file, false).await.unwrap();
        let (def, value) = desk.cluster().await.unwrap();
        assert_eq!((value.as_str(), def.server.as_str()), (NEWER, "https://10.0.0.2:6443"), "step {at}");
        assert_eq!(desk.secrets("cluster").await.len(), 1, "step {at}: the old token is gone");
        if killed.is_ok() {
            break;
        }
        at += 1;
    }
    assert!(at > 6, "there were steps to be killed after: {at}");
}

#[tokio::test]
async fn a_file_that_changes_under_the_rewriting_is_left_alone() {
    let desk = Desk::new(&config("https://10.0.0.1:6443", TOKEN)).await;
    let source = KubeSource::Files(vec![desk.file.clone()]);
    let review = desk.house.app.clusters.review(&source).await.unwrap();
    let theirs = desk.text() + "# theirs\n";
    std::fs::write(&desk.file, &theirs).unwrap();
    let wanted = vec![Wanted { context: "c".into(), trust_exec: false, follow_token_file: false, sign_in: false }];
    let order = ImportOrder { source, review, wanted, rewrite: true };
    let fault = desk.house.app.clusters.import(&order, &window()).await.unwrap_err();
    assert_eq!((fault.code.as_str(), desk.text()), ("kubeconfig_changed", theirs));
    assert_eq!(desk.house.vault.list().await.unwrap(), []);
}

/// Ends everything after so many steps, as a kill does: no step after it happens.
#[derive(Debug)]
struct Fuse(AtomicI64);

impl Fuse {
    fn burn(&self) -> Result<(), Fault> {
        if self.0.fetch_sub(1, Ordering::SeqCst) > 0 {
            return Ok(());
        }
        Err(Fault::new(FaultKind::Internal, "killed", Text::same("killed"), Text::default()))
    }

    /// Each step can be the last one that is taken, and the last one that is not.
    async fn step<T>(&self, work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        self.burn()?;
        let done = work.await;
        self.burn()?;
        done
    }
}

#[derive(Debug)]
struct Fused {
    fuse: Arc<Fuse>,
    vault: Arc<dyn Vault>,
    clusters: Arc<dyn Clusters>,
    files: Arc<dyn Kubeconfigs>,
}

impl Desk {
    async fn fused(&self, steps: i64) -> Arc<App> {
        let fused = Arc::new(Fused {
            fuse: Arc::new(Fuse(AtomicI64::new(steps))),
            vault: self.house.vault.clone(),
            clusters: self.house.clusters.clone(),
            files: kubeconfigs(),
        });
        self.house.over(fused.clone(), fused.clone(), fused).await
    }
}

#[async_trait]
impl Vault for Fused {
    fn set_idle(&self, idle: std::time::Duration) {
        self.vault.set_idle(idle);
    }

    fn state(&self) -> VaultState {
        self.vault.state()
    }
    async fn changed(&self, seen: &VaultState) -> VaultState {
        self.vault.changed(seen).await
    }
    async fn unlock(&self, with: Unlock) -> Result<VaultState, Fault> {
        self.vault.unlock(with).await
    }
    fn lock(&self) {
        self.vault.lock();
    }
    async fn settle(&self, kind: VaultKind, passphrase: Option<Secret>) -> Result<VaultState, Fault> {
        self.vault.settle(kind, passphrase).await
    }
    async fn keep(&self, secrets: Vec<NewSecret>) -> Result<Vec<SecretId>, Fault> {
        self.fuse.step(self.vault.keep(secrets)).await
    }
    async fn open(&self, id: &SecretId) -> Result<SecretBytes, Fault> {
        self.fuse.step(self.vault.open(id)).await
    }
    async fn find(&self, owner: &Owner) -> Result<Option<SecretId>, Fault> {
        self.vault.find(owner).await
    }
    async fn list(&self) -> Result<Vec<SecretFacts>, Fault> {
        self.fuse.step(self.vault.list()).await
    }
    async fn remove(&self, ids: &[SecretId]) -> Result<(), Fault> {
        self.fuse.step(self.vault.remove(ids)).await
    }
    async fn rotate(&self, deep: bool, passphrase: Option<Secret>) -> Result<(), Fault> {
        self.vault.rotate(deep, passphrase).await
    }
    async fn export_kit(&self, to: &Path, passphrase: &Secret) -> Result<(), Fault> {
        self.vault.export_kit(to, passphrase).await
    }
    async fn restore_kit(&self, from: &Path, passphrase: &Secret) -> Result<VaultState, Fault> {
        self.vault.restore_kit(from, passphrase).await
    }
    async fn wipe(&self) -> Result<(), Fault> {
        self.vault.wipe().await
    }
}

#[async_trait]
impl Clusters for Fused {
    async fn clusters(&self) -> Result<Vec<ClusterDef>, Fault> {
        self.fuse.step(self.clusters.clusters()).await
    }
    async fn put_clusters(&self, clusters: &[ClusterDef]) -> Result<(), Fault> {
        self.fuse.step(self.clusters.put_clusters(clusters)).await
    }
    async fn remove_cluster(&self, id: &ClusterId) -> Result<(), Fault> {
        self.fuse.step(self.clusters.remove_cluster(id)).await
    }
    async fn consents(&self) -> Result<Vec<Consent>, Fault> {
        self.clusters.consents().await
    }
    async fn put_consent(&self, consent: &Consent) -> Result<(), Fault> {
        self.clusters.put_consent(consent).await
    }
    async fn spend_consent(&self, consent: &Consent) -> Result<bool, Fault> {
        self.clusters.spend_consent(consent).await
    }
    async fn remove_consent(&self, program: &str, cluster: Option<&ClusterId>) -> Result<bool, Fault> {
        self.clusters.remove_consent(program, cluster).await
    }
}

#[async_trait]
impl Kubeconfigs for Fused {
    async fn review(&self, source: &KubeSource) -> Result<KubeReview, Fault> {
        self.fuse.step(self.files.review(source)).await
    }
    async fn take(&self, source: &KubeSource, digest: &str, wanted: &[Wanted]) -> Result<Vec<Taken>, Fault> {
        self.fuse.step(self.files.take(source, digest, wanted)).await
    }
    async fn read(&self, file: &Path) -> Result<KubeBytes, Fault> {
        self.fuse.step(self.files.read(file)).await
    }
    async fn plan(&self, file: &Path, beside: &[PathBuf], wants: &[Rewiring]) -> Result<Rewrite, Fault> {
        self.fuse.step(self.files.plan(file, beside, wants)).await
    }
    async fn replace(&self, file: &Path, sha256: &str, with: &SecretBytes) -> Result<(), Fault> {
        self.fuse.step(self.files.replace(file, sha256, with)).await
    }
    async fn create(&self, file: &Path, with: &SecretBytes) -> Result<(), Fault> {
        self.fuse.step(self.files.create(file, with)).await
    }
    async fn search(&self, kubeconfigs: &[PathBuf], further: &[PathBuf], needles: &[Needle]) -> Result<Vec<Finding>, Fault> {
        self.files.search(kubeconfigs, further, needles).await
    }
}

#[tokio::test]
async fn what_was_accepted_is_kept_and_a_cluster_without_secrets_needs_no_vault() {
    let text = config("https://10.0.0.1:6443", TOKEN).replace(&format!("    token: {TOKEN} # of ada\n"), "    as: boss\n");
    let desk = Desk::new(&text).await;
    desk.house.vault.stand(VaultState::Absent);
    let done = import(&desk.house.app, &desk.file, false).await.unwrap();
    assert_eq!(done.clusters[0].auth, "anonymous");
    let def = desk.house.app.clusters.get("c").await.unwrap();
    assert_eq!((def.auth, def.impersonate.and_then(|who| who.user)), (ClusterAuth::Anonymous, Some("boss".into())));
}
