//! Clusters as a user sees them: what was imported, and importing, rewriting, restoring and verifying kubeconfigs.
//!
//! **Invariant:** a secret is in the vault, opened again and found the same, before the file that held it changes; and a kubeconfig's
//! original is in the vault before it is rewritten. Whatever step is the last, one of the two holds the secret.

mod backup;
mod change;
mod checks;
mod import;
mod login;
mod uses;
mod verify;

use std::sync::Arc;

use domain::Json;
use domain::cluster::ClusterDef;
use domain::fault::{Fault, FaultKind};
use domain::id::{ClusterId, Millis, SecretId};
use domain::kube::find_cluster;
use domain::kubeconfig::{KubeReview, KubeSource};
use domain::policy::Actor;
use domain::reach::{CLUSTERS_LOCKED, EXEC_REST, are_clusters_locked};
use domain::text::Text;
use domain::vault::SecretFacts;
use serde::Serialize;
use serde_json::json;

pub use change::{ClusterChange, ExecTrust, Unchecked};
pub use checks::{Checked, ReachState, Standing};
pub use import::{ImportOrder, Imported, ImportedCluster, RefusedContext};
pub use login::{LoggedIn, LoggedOut, LoginOrder, LoginStep, PageBy, Steps};
pub use uses::LastUse;
pub use verify::Verdict;

pub(crate) use login::Logins;

use crate::core::Core;
use crate::event::Tag;

/// The owner kind of a cluster's secrets.
const OWNER: &str = "cluster";
/// What an import keeps.
const FIELDS: [&str; 6] = ["client_certificate", "token", "basic", "exec_env", "oidc", "proxy"];
/// A secret that no cluster names belongs to an import that runs now, or to one that was killed: after so long to the latter.
const ORPHAN_AFTER: i64 = 10 * 60 * 1000;

/// A cluster in a list.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterView {
    /// Its id.
    pub id: ClusterId,
    /// Its name here.
    pub name: String,
    /// The context that it was.
    pub context: String,
    /// The API server.
    pub server: String,
    /// How one says who one is.
    pub auth: String,
    /// Its namespace.
    pub namespace: Option<String>,
    /// When the certificate or the token ends.
    pub expires_at: Option<Millis>,
    /// Whether nothing may be changed there.
    pub read_only: bool,
    /// Whether the server's certificate goes unchecked.
    pub insecure: bool,
    /// Its colour.
    pub colour: Option<String>,
    /// The file that it came from; empty for pasted text.
    pub file: String,
    /// Whether that file calls our helper instead of holding the secret.
    pub rewritten: bool,
    /// Whether nobody gets credentials at this time.
    pub locked: bool,
    /// When somebody used it last.
    pub last_used: Option<Millis>,
    /// Who that was.
    pub last_used_by: Option<LastUse>,
    /// What is known of its answer.
    #[serde(flatten)]
    pub standing: Standing,
    /// First kept.
    pub created_at: Millis,
    /// Last change.
    pub updated_at: Millis,
}

/// Clusters that were imported.
#[derive(Debug, Clone)]
pub struct ClusterBook {
    core: Arc<Core>,
    checks: Arc<checks::Checks>,
}

impl ClusterBook {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core, checks: Arc::default() }
    }

    /// All, by name.
    pub async fn list(&self) -> Result<Vec<ClusterView>, Fault> {
        let defs = self.core.ports.clusters.clusters().await?;
        let locked = self.locked().await?;
        // What cannot be read about secrets is not known; the clusters are there all the same.
        let facts = self.core.ports.vault.list().await.unwrap_or_default();
        let seen = self.seen().await?;
        let mut uses = uses::last_uses(&self.core, &defs).await;
        let vault = self.core.ports.vault.state();
        let one = |def: &ClusterDef| {
            let standing = self.checks.standing(def, seen.get(&def.id), locked, &vault);
            view(def, &facts, locked, standing, uses.remove(&def.id))
        };
        Ok(defs.iter().map(one).collect())
    }

    /// The cluster of that id or name.
    pub async fn get(&self, named: &str) -> Result<ClusterDef, Fault> {
        let all = self.core.ports.clusters.clusters().await?;
        find_cluster(&all, named).cloned()
    }

    /// What a kubeconfig says. Nothing but the kubeconfig is read.
    pub async fn review(&self, source: &KubeSource) -> Result<KubeReview, Fault> {
        let mut review = self.core.ports.kubeconfigs.review(source).await?;
        let defs = self.core.ports.clusters.clusters().await?;
        for context in &mut review.contexts {
            if context.known.is_none() {
                let file = if context.user_file.is_empty() { &context.file } else { &context.user_file };
                let real = review
                    .files
                    .iter()
                    .find(|named| named.path == *file)
                    .map_or(file, |named| named.target.as_ref().unwrap_or(&named.path));
                context.known = defs.iter().find(|def| came_from(def, real, &context.context, &context.server)).map(|def| def.id.clone());
            }
        }
        Ok(review)
    }

    /// Removes a cluster and its secrets. One whose kubeconfig calls our helper is refused unless `anyway`: kubectl would be left without.
    pub async fn remove(&self, named: &str, anyway: bool, by: &Actor) -> Result<ClusterId, Fault> {
        let def = self.get(named).await?;
        if let Some(source) = def.source.as_ref().filter(|source| source.rewritten && !anyway) {
            return Err(Fault::new(
                FaultKind::Config,
                "cluster_rewritten",
                Text::new(
                    format!(
                        "{} was not removed: {} calls pilot for its credential, and kubectl would be left without one",
                        def.name, source.file
                    ),
                    format!("未移除 {}：{} 通过 pilot 获取其凭据，移除后 kubectl 将没有凭据", def.name, source.file),
                ),
                Text::new(
                    format!(
                        "give the file its credential back first (`pilot cluster restore {}`), or remove it anyway (--force)",
                        source.file
                    ),
                    format!("请先还原该文件的凭据（`pilot cluster restore {}`），或强制移除（--force）", source.file),
                ),
            ));
        }
        self.core.note(by, None, "cluster_removed", json!({ "id": def.id, "name": def.name, "server": def.server })).await?;
        let secrets = owned(&self.core.ports.vault.list().await?, &def.id);
        self.core.ports.clusters.remove_cluster(&def.id).await?;
        self.core.ports.vault.remove(&secrets).await?;
        for about in [checks::SEEN, EXEC_REST] {
            self.core.ports.settings.set(&format!("{about}{}", def.id), &Json::Null).await?;
        }
        self.checks.forget(&def.id);
        self.core.events.changed(Tag::Settings);
        self.core.events.changed(Tag::Clusters);
        Ok(def.id)
    }

    /// Whether nobody gets credentials at this time.
    pub async fn locked(&self) -> Result<bool, Fault> {
        are_clusters_locked(&*self.core.ports.settings).await
    }

    /// From now on nobody gets credentials of any cluster, in whatever process.
    pub async fn lock(&self, by: &Actor) -> Result<(), Fault> {
        self.core.ports.settings.set(CLUSTERS_LOCKED, &Json::Bool(true)).await?;
        self.core.ports.reach.forget();
        self.core.lock_bell.ring();
        self.checks.stop_all();
        self.core.events.changed(Tag::Clusters);
        self.core.note(by, None, "clusters_locked", Json::Null).await
    }

    /// Takes that back.
    pub async fn unlock(&self, by: &Actor) -> Result<(), Fault> {
        self.core.note(by, None, "clusters_unlocked", Json::Null).await?;
        self.core.ports.settings.set(CLUSTERS_LOCKED, &Json::Null).await?;
        self.core.events.changed(Tag::Clusters);
        Ok(())
    }

    /// Removes secrets that no cluster names: an import was killed between keeping them and keeping its clusters.
    pub(crate) async fn sweep(&self) -> Result<usize, Fault> {
        let facts = self.core.ports.vault.list().await?;
        let defs = self.core.ports.clusters.clusters().await?;
        let now = self.core.now();
        let orphans: Vec<SecretId> = facts
            .iter()
            .filter(|facts| facts.owner.kind == OWNER && now.since(facts.updated_at) > ORPHAN_AFTER)
            .filter(|facts| match defs.iter().find(|def| def.id.as_str() == facts.owner.id) {
                // What else is kept for a cluster that is there, such as a program's last answer, is not an import's.
                Some(def) => FIELDS.contains(&facts.owner.field.trim_end_matches(".2")) && !def.secrets().contains(&&facts.id),
                None => true,
            })
            .map(|facts| facts.id.clone())
            .collect();
        if !orphans.is_empty() {
            tracing::info!(secrets = orphans.len(), "removed secrets of an import that did not come to its end");
            self.core.ports.vault.remove(&orphans).await?;
        }
        Ok(orphans.len())
    }
}

/// Every secret that a cluster has, those of an earlier import too.
fn owned(facts: &[SecretFacts], id: &ClusterId) -> Vec<SecretId> {
    facts.iter().filter(|facts| facts.owner.kind == OWNER && facts.owner.id == id.as_str()).map(|facts| facts.id.clone()).collect()
}

/// Whether a cluster is what that context of that file was. Pasted text has no name: there the server counts.
fn came_from(def: &ClusterDef, file: &str, context: &str, server: &str) -> bool {
    def.source.as_ref().is_some_and(|source| source.context == context && source.file == file && (!file.is_empty() || def.server == server))
}

fn view(def: &ClusterDef, facts: &[SecretFacts], locked: bool, standing: Standing, used: Option<LastUse>) -> ClusterView {
    let secrets = def.secrets();
    let mine = || facts.iter().filter(|facts| secrets.contains(&&facts.id));
    let source = def.source.as_ref();
    ClusterView {
        id: def.id.clone(),
        name: def.name.clone(),
        context: source.map_or_else(|| def.name.clone(), |source| source.context.clone()),
        server: def.server.clone(),
        auth: def.auth.word().to_owned(),
        namespace: def.namespace.clone(),
        expires_at: def.auth.ends_at().or_else(|| mine().filter_map(|facts| facts.expires_at).min()),
        read_only: def.read_only,
        insecure: def.insecure,
        colour: def.colour.clone(),
        file: source.map_or_else(String::new, |source| source.file.clone()),
        rewritten: source.is_some_and(|source| source.rewritten),
        locked,
        last_used: used.as_ref().map(|used| used.at),
        last_used_by: used,
        standing,
        created_at: def.created_at,
        updated_at: def.updated_at,
    }
}
