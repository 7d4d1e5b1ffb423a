//! Drafts of manifests, kept as they are typed, with their versions.
//!
//! **Invariant:** a draft may hold Secrets, so that its text is nowhere but in the vault, sealed. What a list shows of it is kept in the
//! settings: its name, and when and how large its versions are. A version is told as saved when both are on the disk.

use std::sync::Arc;

use domain::fault::{Fault, FaultKind};
use domain::id::Millis;
use domain::text::Text;
use domain::vault::{NewSecret, Owner, SecretBytes, SecretKind};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::Mutex;

use crate::core::Core;

/// Under this prefix the settings keep what a list shows.
const PREFIX: &str = "draft:";
/// Whose secrets the texts are.
const OWNER: &str = "draft";
/// So many versions of a draft are kept at most.
const VERSIONS: usize = 50;
/// So many bytes all versions of a draft have together at most; the newest is kept in any case.
const BYTES: usize = 8 * 1024 * 1024;
/// So large a text may be: what a manifest may be.
const LARGEST: usize = 10 * 1024 * 1024;
/// So many drafts there are at most.
const DRAFTS: usize = 200;

/// A draft in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DraftView {
    /// Its id.
    pub id: String,
    /// What the person calls it.
    pub name: String,
    /// The cluster that it is meant for.
    pub cluster: Option<String>,
    /// The namespace of objects that name none.
    pub namespace: Option<String>,
    /// Last saved.
    pub updated_at: Millis,
    /// Oldest first.
    pub versions: Vec<DraftVersion>,
}

/// A version of a draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DraftVersion {
    /// Counts from 1, and is never used twice.
    pub version: u32,
    /// When.
    pub saved_at: Millis,
    /// How large it is.
    pub bytes: usize,
}

/// A draft to be saved.
#[derive(Clone)]
pub struct DraftOrder {
    /// Which; none for a new one.
    pub id: Option<String>,
    /// What the person calls it.
    pub name: String,
    /// The text.
    pub text: String,
    /// The cluster that it is meant for.
    pub cluster: Option<String>,
    /// The namespace of objects that name none.
    pub namespace: Option<String>,
}

impl std::fmt::Debug for DraftOrder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DraftOrder({:?}, {} bytes)", self.id, self.text.len())
    }
}

/// A version of a draft with its text.
#[derive(Clone, PartialEq, Eq)]
pub struct DraftText {
    /// The draft.
    pub draft: DraftView,
    /// The version.
    pub version: DraftVersion,
    /// Its text.
    pub text: String,
}

impl std::fmt::Debug for DraftText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DraftText({:?}, {:?})", self.draft.id, self.version)
    }
}

/// What is sealed.
#[derive(Default, Serialize, Deserialize)]
struct Kept {
    versions: Vec<KeptVersion>,
}

#[derive(Serialize, Deserialize)]
struct KeptVersion {
    version: u32,
    at: Millis,
    text: String,
}

impl KeptVersion {
    fn told(&self) -> DraftVersion {
        DraftVersion { version: self.version, saved_at: self.at, bytes: self.text.len() }
    }
}

impl Kept {
    /// Leaves the oldest out until what is left is within its limits.
    fn prune(&mut self) {
        let mut bytes: usize = self.versions.iter().map(|version| version.text.len()).sum();
        let mut gone = 0;
        while self.versions.len() - gone > 1 && (self.versions.len() - gone > VERSIONS || bytes > BYTES) {
            bytes -= self.versions[gone].text.len();
            gone += 1;
        }
        self.versions.drain(..gone);
    }
}

/// Drafts of manifests.
#[derive(Debug, Clone)]
pub struct Drafts {
    core: Arc<Core>,
    /// One is saved at a time: versions are counted.
    turn: Arc<Mutex<()>>,
}

impl Drafts {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core, turn: Arc::default() }
    }

    /// All of them, the one that was saved last first. Works while the vault is locked.
    pub async fn list(&self) -> Result<Vec<DraftView>, Fault> {
        let kept = self.core.ports.settings.with_prefix(PREFIX).await?;
        let mut all: Vec<DraftView> = kept.into_iter().filter_map(|(_, view)| serde_json::from_value(view).ok()).collect();
        all.sort_by(|a, b| (b.updated_at.0, &b.id).cmp(&(a.updated_at.0, &a.id)));
        Ok(all)
    }

    /// One of them, without its text.
    pub async fn view(&self, id: &str) -> Result<DraftView, Fault> {
        let kept = self.core.ports.settings.get(&format!("{PREFIX}{id}")).await?;
        kept.and_then(|view| serde_json::from_value(view).ok()).ok_or_else(|| no_such(id))
    }

    /// The text of a version; of the newest when none is named.
    pub async fn get(&self, id: &str, version: Option<u32>) -> Result<DraftText, Fault> {
        let draft = self.view(id).await?;
        let mut kept = self.open(id).await?.ok_or_else(|| no_such(id))?;
        let found = match version {
            Some(wanted) => kept.versions.iter().position(|kept| kept.version == wanted),
            None => kept.versions.len().checked_sub(1),
        };
        let found = kept.versions.swap_remove(found.ok_or_else(|| no_such_version(id, version))?);
        Ok(DraftText { draft, version: found.told(), text: found.text })
    }

    /// Saves a version, and answers which it is: the newest one when its text is the same. Faults: those of a vault that is not open;
    /// `no_such_draft`, `draft_too_large`, `too_many_drafts`.
    pub async fn save(&self, order: DraftOrder) -> Result<(String, DraftVersion), Fault> {
        if order.text.len() > LARGEST {
            return Err(too_large(order.text.len()));
        }
        let _turn = self.turn.lock().await;
        let now = self.core.now();
        let (id, before) = match &order.id {
            Some(id) => (id.clone(), Some(self.view(id).await?)),
            None if self.list().await?.len() >= DRAFTS => return Err(too_many()),
            None => (uuid::Uuid::new_v4().simple().to_string()[..12].to_owned(), None),
        };
        let mut kept = match &before {
            // The vault of a session ended with it, and what it held.
            Some(_) => match self.open(&id).await {
                Err(fault) if fault.code == "secret_missing" => Kept::default(),
                kept => kept?.unwrap_or_default(),
            },
            None => Kept::default(),
        };
        let same = kept.versions.last().is_some_and(|last| last.text == order.text);
        if !same {
            // What was sealed and not listed, because the process was killed between the two, counts as well.
            let listed = before.as_ref().and_then(|view| view.versions.last()).map_or(0, |last| last.version);
            let next = kept.versions.last().map_or(0, |last| last.version).max(listed) + 1;
            kept.versions.push(KeptVersion { version: next, at: now, text: order.text });
            kept.prune();
            let value = serde_json::to_vec(&kept).map(SecretBytes::new).map_err(|_| no_such(&id))?;
            let new = NewSecret { owner: owner(&id), value, kind: SecretKind::Draft, expires_at: None };
            self.core.ports.vault.keep(vec![new]).await?;
        }
        let Some(newest) = kept.versions.last().map(KeptVersion::told) else { return Err(no_such(&id)) };
        let view = DraftView {
            id: id.clone(),
            name: order.name,
            cluster: order.cluster,
            namespace: order.namespace,
            updated_at: if same { before.as_ref().map_or(now, |view| view.updated_at) } else { now },
            versions: kept.versions.iter().map(KeptVersion::told).collect(),
        };
        if before.as_ref() != Some(&view) {
            self.core.ports.settings.set(&format!("{PREFIX}{id}"), &json!(view)).await?;
        }
        Ok((id, newest))
    }

    /// Forgets a draft with all its versions. Works while the vault is locked.
    pub async fn remove(&self, id: &str) -> Result<(), Fault> {
        let _turn = self.turn.lock().await;
        self.view(id).await?;
        if let Some(secret) = self.core.ports.vault.find(&owner(id)).await? {
            self.core.ports.vault.remove(&[secret]).await?;
        }
        self.core.ports.settings.set(&format!("{PREFIX}{id}"), &domain::Json::Null).await
    }

    async fn open(&self, id: &str) -> Result<Option<Kept>, Fault> {
        let Some(secret) = self.core.ports.vault.find(&owner(id)).await? else { return Ok(None) };
        let value = self.core.ports.vault.open(&secret).await?;
        serde_json::from_slice(value.expose()).map(Some).map_err(|_| unreadable(id))
    }
}

fn owner(id: &str) -> Owner {
    Owner::new(OWNER, id, "text")
}

fn no_such(id: &str) -> Fault {
    Fault::new(
        FaultKind::NotFound,
        "no_such_draft",
        Text::new(format!("there is no draft \"{id}\""), format!("没有草稿“{id}”")),
        Text::new("Save it as a new one.", "请另存为新草稿。"),
    )
    .with_params(json!({ "draft": id }))
}

fn no_such_version(id: &str, version: Option<u32>) -> Fault {
    let version = version.unwrap_or_default();
    Fault::new(
        FaultKind::NotFound,
        "no_such_draft",
        Text::new(format!("the draft \"{id}\" has no version {version}"), format!("草稿“{id}”没有版本 {version}")),
        Text::new("Old versions are left out as new ones come.", "旧版本会随新版本的保存而被清理。"),
    )
    .with_params(json!({ "draft": id, "version": version }))
}

fn unreadable(id: &str) -> Fault {
    Fault::new(
        FaultKind::Storage,
        "draft_unreadable",
        Text::new(format!("the draft \"{id}\" cannot be read"), format!("无法读取草稿“{id}”")),
        Text::new("Remove it.", "请将其删除。"),
    )
    .with_params(json!({ "draft": id }))
}

fn too_large(bytes: usize) -> Fault {
    Fault::new(
        FaultKind::Usage,
        "draft_too_large",
        Text::new(
            format!("the draft was not saved: it has {bytes} bytes, and {LARGEST} is the most"),
            format!("未保存草稿：其大小为 {bytes} 字节，上限为 {LARGEST} 字节"),
        ),
        Text::new("Save it in a file.", "请保存到文件。"),
    )
}

fn too_many() -> Fault {
    Fault::new(
        FaultKind::Usage,
        "too_many_drafts",
        Text::new(format!("the draft was not saved: there are {DRAFTS} already"), format!("未保存草稿：已有 {DRAFTS} 份")),
        Text::new("Remove one first.", "请先删除一份。"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(sizes: &[usize]) -> Vec<u32> {
        let version =
            |(nth, size): (usize, &usize)| KeptVersion { version: u32::try_from(nth).unwrap() + 1, at: Millis(0), text: "x".repeat(*size) };
        let mut kept = Kept { versions: sizes.iter().enumerate().map(version).collect() };
        kept.prune();
        kept.versions.iter().map(|version| version.version).collect()
    }

    #[test]
    fn old_versions_go_and_the_newest_stays() {
        assert_eq!(kept(&[1, 2]), [1, 2]);
        assert_eq!(kept(&vec![1; VERSIONS + 2]).first(), Some(&3));
        assert_eq!(kept(&[BYTES, 1, 2]), [2, 3]);
        assert_eq!(kept(&[1, 1, BYTES + 1]), [3], "the newest is kept whatever it is");
    }
}
