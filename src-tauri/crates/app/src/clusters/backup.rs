//! Rewriting a kubeconfig, with its original sealed in the vault before, and giving the original back.

use std::path::{Path, PathBuf};

use domain::cluster::ClusterDef;
use domain::fault::{Fault, FaultKind};
use domain::id::SecretId;
use domain::kubeconfig::{ContextReview, KubeBytes, KubeSource, Rewiring, Rewrite};
use domain::policy::Actor;
use domain::text::Text;
use domain::vault::{NewSecret, Owner, SecretBytes, SecretKind};
use serde_json::json;

use super::ClusterBook;
use crate::event::Tag;

/// The owner kind of originals.
const OWNER: &str = "kubeconfig";
/// The field of the first; later ones have a number behind it.
const ORIGINAL: &str = "original";
/// What a sealed original begins with.
const HEAD: &[u8] = b"pilothouse-kubeconfig-1 ";

/// An original, and what was written in its place.
struct Backup {
    id: SecretId,
    /// SHA-256 of what was written, in hex.
    written: String,
    original: SecretBytes,
}

fn sealed(written: &str, original: &SecretBytes) -> SecretBytes {
    let mut bytes = Vec::with_capacity(HEAD.len() + written.len() + 1 + original.expose().len());
    bytes.extend_from_slice(HEAD);
    bytes.extend_from_slice(written.as_bytes());
    bytes.push(b'\n');
    bytes.extend_from_slice(original.expose());
    SecretBytes::new(bytes)
}

fn unsealed(id: SecretId, value: &SecretBytes) -> Option<Backup> {
    let rest = value.expose().strip_prefix(HEAD)?;
    let line = rest.iter().position(|byte| *byte == b'\n')?;
    let written = std::str::from_utf8(rest.get(..line)?).ok()?.to_owned();
    Some(Backup { id, written, original: SecretBytes::new(rest.get(line + 1..)?) })
}

fn nth(field: &str) -> Option<u32> {
    let rest = field.strip_prefix(ORIGINAL)?;
    if rest.is_empty() { Some(1) } else { rest.strip_prefix('.')?.parse().ok() }
}

fn digest(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    domain::tool::hex(&sha2::Sha256::digest(bytes))
}

impl ClusterBook {
    pub(super) async fn rewrite_file(&self, file: &Path, beside: &[PathBuf], wants: &[Rewiring], by: &Actor) -> Result<Rewrite, Fault> {
        let ports = &self.core.ports;
        let plan = ports.kubeconfigs.plan(file, beside, wants).await?;
        if plan.contexts.is_empty() || plan.after == plan.before.bytes {
            return Ok(plan);
        }
        let path = plan.before.path.display().to_string();
        self.seal(&path, &plan.before, &plan.after).await?;
        self.core.note(by, None, "kubeconfig_rewritten", json!({ "file": path, "contexts": plan.contexts })).await?;
        ports.kubeconfigs.replace(&plan.before.path, &plan.before.sha256, &plan.after).await?;
        self.settle(&plan.before.path).await?;
        Ok(plan)
    }

    /// Keeps the original, and proves that it comes back.
    async fn seal(&self, path: &str, before: &KubeBytes, after: &SecretBytes) -> Result<(), Fault> {
        let vault = &self.core.ports.vault;
        // A run that was killed may have sealed this very original: then its place is used again.
        let mut place = 1;
        if let Some((last, backup)) = self.last(path).await? {
            place = if backup.original == before.bytes { last } else { last + 1 };
        }
        let field = if place == 1 { ORIGINAL.to_owned() } else { format!("{ORIGINAL}.{place}") };
        let value = sealed(&digest(after.expose()), &before.bytes);
        let new = NewSecret { owner: Owner::new(OWNER, path, field), value: value.clone(), kind: SecretKind::File, expires_at: None };
        let ids = vault.keep(vec![new]).await?;
        let proven = match ids.first() {
            Some(id) => vault.open(id).await? == value,
            None => false,
        };
        if proven {
            return Ok(());
        }
        Err(Fault::new(
            FaultKind::Storage,
            "backup_unproven",
            Text::new(
                format!("{path} was not rewritten: its original did not come back out of the vault as it went in"),
                format!("未改写 {path}：其原件从保险库中取回时与存入时不一致"),
            ),
            Text::new("the file is as it was; look at the vault with `pilot doctor`", "文件保持原样；请用 `pilot doctor` 检查保险库"),
        ))
    }

    /// The newest original of a file.
    async fn last(&self, path: &str) -> Result<Option<(u32, Backup)>, Fault> {
        let vault = &self.core.ports.vault;
        let facts = vault.list().await?;
        let mine = facts.iter().filter(|facts| facts.owner.kind == OWNER && facts.owner.id == path && facts.present);
        let Some((place, id)) = mine.filter_map(|facts| Some((nth(&facts.owner.field)?, &facts.id))).max() else { return Ok(None) };
        let value = vault.open(id).await?;
        Ok(unsealed(id.clone(), &value).map(|backup| (place, backup)))
    }

    /// Writes down which clusters of a file call our helper, as the file says it.
    pub(super) async fn settle(&self, path: &Path) -> Result<(), Fault> {
        let review = self.core.ports.kubeconfigs.review(&KubeSource::Files(vec![path.to_owned()])).await?;
        let shown = path.display().to_string();
        let now = self.core.now();
        let mut changed: Vec<ClusterDef> = Vec::new();
        for mut def in self.core.ports.clusters.clusters().await? {
            let Some(source) = def.source.as_mut().filter(|source| source.file == shown) else { continue };
            // The contexts of one user and cluster share a stanza, which names one of them; a user of several clusters was taken apart.
            let calls_us = |context: &&ContextReview| {
                context.context == source.context || (context.user == source.user && context.cluster == source.cluster)
            };
            let rewritten = review.contexts.iter().filter(calls_us).any(|context| context.auth == "pilot");
            if source.rewritten != rewritten {
                source.rewritten = rewritten;
                def.updated_at = now;
                changed.push(def);
            }
        }
        if changed.is_empty() { Ok(()) } else { self.core.ports.clusters.put_clusters(&changed).await }
    }

    /// Gives a file the bytes back that it had before it was rewritten last. Refused when it was changed since, unless `anyway`.
    pub async fn restore(&self, file: &Path, anyway: bool, by: &Actor) -> Result<PathBuf, Fault> {
        let ports = &self.core.ports;
        let now = match ports.kubeconfigs.read(file).await {
            Ok(now) => now,
            Err(unread) => return self.remake(file, unread, by).await,
        };
        let path = now.path.display().to_string();
        let Some((_, backup)) = self.last(&path).await? else {
            return Err(Fault::new(
                FaultKind::NotFound,
                "no_original",
                Text::new(format!("there is no original of {path} in the vault"), format!("保险库中没有 {path} 的原件")),
                Text::new("it was not rewritten here, or was given back already", "它未曾在此改写，或已经还原"),
            ));
        };
        // A run that was killed after the last step but one left the original there.
        if now.bytes != backup.original {
            if now.sha256 != backup.written && !anyway {
                return Err(Fault::new(
                    FaultKind::Config,
                    "kubeconfig_changed",
                    Text::new(
                        format!("{path} was not restored: it was changed since it was rewritten, and those changes would be lost"),
                        format!("未还原 {path}：它在改写之后又有更改，还原会丢失这些更改"),
                    ),
                    Text::new(
                        "keep what was changed elsewhere, then restore it anyway (--force)",
                        "请另存这些更改，然后强制还原（--force）",
                    ),
                )
                .with_params(json!({ "file": path })));
            }
            self.core.note(by, None, "kubeconfig_restored", json!({ "file": path })).await?;
            ports.kubeconfigs.replace(&now.path, &now.sha256, &backup.original).await?;
        }
        self.settle(&now.path).await?;
        ports.vault.remove(&[backup.id]).await?;
        self.core.events.changed(Tag::Settings);
        self.core.events.changed(Tag::Clusters);
        Ok(now.path)
    }
    /// Makes a file again that was rewritten and then deleted. Anything else that keeps it from being read is told as it is.
    async fn remake(&self, file: &Path, unread: Fault, by: &Actor) -> Result<PathBuf, Fault> {
        let whole = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
        let gone = std::fs::symlink_metadata(&whole).is_err_and(|why| why.kind() == std::io::ErrorKind::NotFound);
        // Originals are known by the file's path with every link on the way resolved.
        let folder = whole.parent().and_then(|folder| folder.canonicalize().ok());
        let (true, Some(folder), Some(name)) = (gone, folder, whole.file_name()) else { return Err(unread) };
        let real = folder.join(name);
        let path = real.display().to_string();
        let Some((_, backup)) = self.last(&path).await? else { return Err(unread) };
        self.core.note(by, None, "kubeconfig_restored", json!({ "file": path, "wasGone": true })).await?;
        self.core.ports.kubeconfigs.create(&real, &backup.original).await?;
        self.settle(&real).await?;
        self.core.ports.vault.remove(&[backup.id]).await?;
        self.core.events.changed(Tag::Settings);
        self.core.events.changed(Tag::Clusters);
        Ok(real)
    }
}
