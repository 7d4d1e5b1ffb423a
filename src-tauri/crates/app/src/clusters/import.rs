//! Importing contexts: secrets first, then the clusters that name them, then, when it is wanted, the file that held them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use domain::Json;
use domain::cluster::{ClusterAuth, ClusterDef};
use domain::fault::Fault;
use domain::id::{ClusterId, SecretId};
use domain::kubeconfig::{KubeReview, KubeSource, Rewiring, Taken, TakenCluster, TakenSecret, Wanted};
use domain::policy::Actor;
use domain::text::Text;
use domain::vault::{NewSecret, Owner, SecretFacts};
use serde::Serialize;
use serde_json::json;

use super::login::same_client;
use super::{ClusterBook, OWNER, came_from};
use crate::event::Tag;

/// What a person agreed to.
#[derive(Debug, Clone)]
pub struct ImportOrder {
    /// Where the contexts are.
    pub source: KubeSource,
    /// The review that was looked at.
    pub review: KubeReview,
    /// The contexts, and what was agreed about each.
    pub wanted: Vec<Wanted>,
    /// Whether the files shall call our helper instead of holding secrets.
    pub rewrite: bool,
}

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Imported {
    /// The clusters.
    pub clusters: Vec<ImportedCluster>,
    /// The contexts that were not imported, or not rewritten, and why.
    pub refused: Vec<RefusedContext>,
}

/// A cluster that was imported.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ImportedCluster {
    /// Its id.
    pub id: ClusterId,
    /// The context that it was.
    pub context: String,
    /// The API server.
    pub server: String,
    /// How one says who one is.
    pub auth: String,
    /// Whether the file calls our helper now.
    pub rewritten: bool,
}

/// A context for which something was not done.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RefusedContext {
    /// The context.
    pub context: String,
    /// A stable word.
    pub code: String,
    /// Why, and what can be done.
    pub reason: Text,
}

impl ClusterBook {
    /// Imports contexts. Importing the same one again brings its cluster up to date.
    pub async fn import(&self, order: &ImportOrder, by: &Actor) -> Result<Imported, Fault> {
        let ports = &self.core.ports;
        let (ours, wanted): (Vec<&Wanted>, Vec<&Wanted>) = order.wanted.iter().partition(|want| self.is_ours(order, want));
        let wanted: Vec<Wanted> = wanted.into_iter().cloned().collect();
        let taken = ports.kubeconfigs.take(&order.source, &order.review.digest, &wanted).await?;
        let mut done = Imported::default();
        let before = ports.clusters.clusters().await?;
        for want in ours {
            self.already(order, want, &before, &mut done);
        }
        // A run that was killed right after it had rewritten a file did not write that down.
        for file in done.clusters.iter().filter_map(|cluster| before.iter().find(|def| def.id == cluster.id)?.source.as_ref()) {
            self.settle(file.file.as_ref()).await?;
        }

        let facts = ports.vault.list().await?;
        let mut defs: Vec<ClusterDef> = Vec::new();
        let mut secrets = Vec::new();
        for Taken { context, cluster } in taken {
            match cluster {
                Ok(taken) => {
                    let (def, mut new) = self.place(taken, &before, &defs, &facts);
                    defs.push(def);
                    secrets.append(&mut new);
                }
                Err(refusal) => done.refused.push(RefusedContext { context, code: refusal.code, reason: refusal.reason }),
            }
        }
        if !defs.is_empty() {
            self.keep(&mut defs, secrets, &before, by).await?;
        }
        done.clusters.extend(defs.iter().map(|def| imported(def, false)));
        if order.rewrite {
            self.rewrite(order, &defs, &mut done, by).await?;
        }
        if let Err(fault) = self.sweep().await {
            tracing::warn!(%fault, "secrets of an unfinished import were not looked for");
        }
        self.core.events.changed(Tag::Settings);
        self.core.events.changed(Tag::Clusters);
        Ok(done)
    }

    fn is_ours(&self, order: &ImportOrder, want: &Wanted) -> bool {
        order.review.contexts.iter().any(|context| context.context == want.context && context.auth == "pilot")
    }

    /// A context that calls us already: it is there, or what it names was removed.
    fn already(&self, order: &ImportOrder, want: &Wanted, before: &[ClusterDef], done: &mut Imported) {
        let id = order.review.contexts.iter().find(|context| context.context == want.context).and_then(|context| context.known.as_ref());
        match before.iter().find(|def| Some(&def.id) == id) {
            Some(def) => done.clusters.push(ImportedCluster { context: want.context.clone(), ..imported(def, true) }),
            None => done.refused.push(RefusedContext {
                context: want.context.clone(),
                code: "own_stanza".into(),
                reason: Text::new(
                    "the file calls pilot for a cluster that is not kept here: restore the file first (`pilot cluster restore FILE`)",
                    "该文件为一个此处没有保存的集群调用 pilot：请先还原该文件（`pilot cluster restore 文件`）",
                ),
            }),
        }
    }

    /// Gives a cluster its id and name, and its secrets their owners.
    fn place(
        &self,
        taken: TakenCluster,
        before: &[ClusterDef],
        beside: &[ClusterDef],
        facts: &[SecretFacts],
    ) -> (ClusterDef, Vec<NewSecret>) {
        let TakenCluster { mut def, secrets } = taken;
        let now = self.core.now();
        let source = def.source.as_ref();
        let (file, context) = source.map_or(("", ""), |source| (source.file.as_str(), source.context.as_str()));
        let old = before.iter().find(|old| came_from(old, file, context, &def.server));
        match old {
            Some(old) => {
                def.id = old.id.clone();
                def.name.clone_from(&old.name);
                def.created_at = old.created_at;
                def.read_only = old.read_only;
                def.colour.clone_from(&old.colour);
                // What a person allowed for one server is not allowed for another.
                def.insecure = old.insecure && old.server == def.server;
            }
            None => {
                def.id = ClusterId::new(uuid::Uuid::new_v4().simple().to_string());
                def.created_at = now;
                def.name = free_name(&def.name, before, beside);
            }
        }
        def.updated_at = now;
        let named = old.map(ClusterDef::secrets).unwrap_or_default();
        let stays = old.is_some_and(|old| signs_in_on(old, &mut def, &secrets));
        let new = secrets
            .into_iter()
            .filter(|secret| !(stays && secret.field == "oidc"))
            .map(|secret| {
                // The old value stays until the cluster names the new one: a new token must never meet the old server.
                let owner = Owner::new(OWNER, def.id.as_str(), &secret.field);
                let taken = facts.iter().any(|facts| facts.owner == owner && named.contains(&&facts.id));
                let owner = if taken { Owner { field: format!("{}.2", secret.field), ..owner } } else { owner };
                NewSecret { owner, value: secret.value, kind: secret.kind, expires_at: secret.expires_at }
            })
            .collect();
        (def, new)
    }

    /// The order in which a kill does no harm: secrets, clusters, then what the clusters named before.
    async fn keep(&self, defs: &mut [ClusterDef], secrets: Vec<NewSecret>, before: &[ClusterDef], by: &Actor) -> Result<(), Fault> {
        let ports = &self.core.ports;
        let told: Vec<_> =
            defs.iter().map(|def| json!({ "id": def.id, "name": def.name, "server": def.server, "auth": def.auth.word() })).collect();
        self.core.note(by, None, "clusters_imported", json!({ "clusters": told })).await?;
        let owners: Vec<Owner> = secrets.iter().map(|secret| secret.owner.clone()).collect();
        let ids = if secrets.is_empty() { Vec::new() } else { ports.vault.keep(secrets).await? };
        let kept: BTreeMap<(&str, &str), &SecretId> =
            owners.iter().zip(&ids).map(|(owner, id)| ((owner.id.as_str(), owner.field.trim_end_matches(".2")), id)).collect();
        for def in defs.iter_mut() {
            let cluster = def.id.as_str().to_owned();
            for field in def.secrets_mut() {
                if let Some(id) = kept.get(&(cluster.as_str(), field.as_str())) {
                    *field = (*id).clone();
                }
            }
        }
        ports.clusters.put_clusters(defs).await?;
        let now_named: Vec<&SecretId> = defs.iter().flat_map(ClusterDef::secrets).collect();
        let gone: Vec<SecretId> = before
            .iter()
            .filter(|old| defs.iter().any(|def| def.id == old.id))
            .flat_map(ClusterDef::secrets)
            .filter(|id| !now_named.contains(id))
            .cloned()
            .collect();
        if !gone.is_empty() {
            ports.vault.remove(&gone).await?;
        }
        Ok(())
    }

    async fn rewrite(&self, order: &ImportOrder, defs: &[ClusterDef], done: &mut Imported, by: &Actor) -> Result<(), Fault> {
        let beside: Vec<PathBuf> = order.review.files.iter().map(|file| PathBuf::from(&file.path)).collect();
        let mut files: BTreeMap<&str, Vec<Rewiring>> = BTreeMap::new();
        for def in defs {
            let Some(source) = &def.source else { continue };
            if source.file.is_empty() {
                done.refused.push(RefusedContext {
                    context: source.context.clone(),
                    code: "no_file".into(),
                    reason: Text::new("pasted text is in no file that could be rewritten", "粘贴的文本没有可改写的文件"),
                });
                continue;
            }
            files.entry(&source.file).or_default().push(Rewiring { context: source.context.clone(), id: def.id.clone() });
        }
        for (file, wants) in files {
            match self.rewrite_file(file.as_ref(), &beside, &wants, by).await {
                Ok(rewrite) => {
                    for cluster in &mut done.clusters {
                        cluster.rewritten |= wants.iter().any(|want| want.id == cluster.id) && rewrite.contexts.contains(&cluster.context);
                    }
                    let refused = rewrite.refused.into_iter();
                    done.refused.extend(refused.map(|(context, why)| RefusedContext { context, code: why.code, reason: why.reason }));
                }
                // The clusters are imported; that the file is as it was is told beside them.
                Err(fault) => done.refused.extend(wants.into_iter().map(|want| RefusedContext {
                    context: want.context,
                    code: fault.code.clone(),
                    reason: fault.message.clone(),
                })),
            }
        }
        Ok(())
    }
}

/// Whether a person who is signed in stays so: the file names the same issuer and client, and has no tokens of its own.
fn signs_in_on(old: &ClusterDef, def: &mut ClusterDef, secrets: &[TakenSecret]) -> bool {
    if !same_client(&old.auth, &def.auth) {
        return false;
    }
    let whole = |secret: &TakenSecret| serde_json::from_slice::<Json>(secret.value.expose()).unwrap_or_default();
    let has_tokens = |secret: &TakenSecret| {
        let whole = whole(secret);
        secret.field == "oidc" && ["idToken", "refreshToken"].iter().any(|name| whole.get(name).is_some())
    };
    let (ClusterAuth::Oidc { state: before, redirects: worked, .. }, ClusterAuth::Oidc { state, redirects, .. }) =
        (&old.auth, &mut def.auth)
    else {
        return false;
    };
    if before.is_none() || secrets.iter().any(has_tokens) {
        return false;
    }
    state.clone_from(before);
    if redirects.is_empty() {
        redirects.clone_from(worked);
    }
    true
}

fn imported(def: &ClusterDef, rewritten: bool) -> ImportedCluster {
    let context = def.source.as_ref().map_or_else(|| def.name.clone(), |source| source.context.clone());
    ImportedCluster { id: def.id.clone(), context, server: def.server.clone(), auth: def.auth.word().to_owned(), rewritten }
}

/// The name, or the name with the first number that is free.
fn free_name(name: &str, before: &[ClusterDef], beside: &[ClusterDef]) -> String {
    let taken = |name: &str| before.iter().chain(beside).any(|def| def.name == name);
    if !taken(name) {
        return name.to_owned();
    }
    (2..=u32::MAX).map(|nth| format!("{name}-{nth}")).find(|name| !taken(name)).unwrap_or_else(|| name.to_owned())
}
