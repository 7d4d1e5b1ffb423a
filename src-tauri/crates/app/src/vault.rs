//! Secrets as a user sees them: what is kept and for whom, the vault's state, and moving plain values of settings into it.
//!
//! **Invariant:** nothing here gives a value out. A plain value leaves the settings only after what was kept was opened again and is the same.

mod moving;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use domain::fault::{Fault, FaultKind};
use domain::id::{SecretId, ServerId};
use domain::policy::Actor;
use domain::secret::{Secret, vault_reference};
use domain::server::{ServerDef, ServerState};
use domain::text::Text;
use domain::vault::{NewSecret, Owner, SecretBytes, SecretFacts, SecretKind, Unlock, VaultKind, VaultState};
use domain::{Json, JsonMap};
use serde::Serialize;
use serde_json::json;

use crate::core::Core;
use crate::doctor::Finding;
use crate::event::Tag;
use crate::sessions::Order;
pub use moving::Moved;

/// A secret in a list.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SecretView {
    /// All that may be said about it.
    #[serde(flatten)]
    pub facts: SecretFacts,
    /// The name of the server or thing that it belongs to.
    pub name: String,
    /// How settings refer to it; none where they may not.
    pub reference: Option<String>,
}

/// A secret that stands in plain text in the settings of a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlainSecret {
    /// Which server.
    pub server: ServerId,
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub field: String,
}

/// Secrets and the vault that keeps them.
#[derive(Debug, Clone)]
pub struct Secrets {
    core: Arc<Core>,
}

impl Secrets {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Where the vault stands, as far as is known.
    pub fn state(&self) -> VaultState {
        self.core.ports.vault.state()
    }

    /// The same after a look at the keyring. Asks nobody.
    pub async fn look(&self) -> VaultState {
        self.core.ports.vault.look().await
    }

    /// Everything that is kept, by owner; works while the vault is locked.
    pub async fn list(&self) -> Result<Vec<SecretView>, Fault> {
        let mut views = Vec::new();
        for facts in self.core.ports.vault.list().await? {
            let named = matches!(facts.owner.kind.as_str(), "server" | "oauth");
            let slot = named.then(|| self.core.slot(&ServerId::from(facts.owner.id.as_str())).ok()).flatten();
            let name = slot.map_or_else(|| facts.owner.id.clone(), |slot| slot.name());
            let reference = matches!(facts.owner.kind.as_str(), "server" | "person").then(|| vault_reference(&facts.id));
            views.push(SecretView { facts, name, reference });
        }
        Ok(views)
    }

    /// Secrets that stand in plain text in settings.
    pub async fn plain(&self) -> Result<Vec<PlainSecret>, Fault> {
        let mut found = Vec::new();
        for def in self.core.ports.servers.list().await? {
            let (server, name) = (def.id.clone(), def.name.clone());
            found.extend(self.core.plain_secrets(&def).into_iter().map(|plain| PlainSecret {
                server: server.clone(),
                name: name.clone(),
                field: plain.field,
            }));
        }
        Ok(found)
    }

    /// Keeps a value for one field of a server and puts the reference into its settings. A path names the field: `auth_token`,
    /// `auth_headers.Authorization`, `env.TOKEN`.
    pub async fn set(&self, server: &ServerId, field: &str, value: SecretBytes, by: &Actor) -> Result<SecretView, Fault> {
        self.core.reconcile().await?;
        let slot = self.core.slot(server)?;
        if slot.one_off {
            return Err(no_field(field, "the server is not saved", "该服务器未保存"));
        }
        let mut def = slot.definition().def.clone();
        // The place is tried before anything is kept.
        put_at(&mut def.settings, field, "${vault:0}")?;
        // A variable that is not set here and now may be set when it is needed.
        if let Some(fault) = self.core.check(&def).err().filter(|fault| fault.code != "unset_variable") {
            return Err(fault);
        }
        let owner = Owner::new("server", server.as_str(), field);
        let id = self.keep_one(owner, value, moving::kind_of(field)).await?;
        put_at(&mut def.settings, field, &vault_reference(&id))?;
        self.core.note(by, Some(&slot), "secret_set", json!({ "secret": id, "field": field })).await?;
        self.core.put_same_trust(&slot, def).await?;
        self.after_unlock(by).await;
        self.one(&id).await
    }

    /// Keeps a value under a name of the person's own; any server's settings may refer to it.
    pub async fn set_named(&self, name: &str, value: SecretBytes, by: &Actor) -> Result<SecretView, Fault> {
        if name.trim().is_empty() || name.chars().count() > 100 || name.chars().any(crate::shown::hides) {
            return Err(no_field(name, "a name has 1 to 100 visible characters", "名称须为 1 到 100 个可见字符"));
        }
        let id = self.keep_one(Owner::new("person", name, "value"), value, moving::kind_of(name)).await?;
        self.core.note(by, None, "secret_set", json!({ "secret": id, "name": name })).await?;
        self.after_unlock(by).await;
        self.one(&id).await
    }

    async fn keep_one(&self, owner: Owner, value: SecretBytes, kind: SecretKind) -> Result<SecretId, Fault> {
        let expires_at = moving::expiry(&value);
        let ids = self.core.keep(vec![NewSecret { owner, value, kind, expires_at }]).await?;
        ids.into_iter().next().ok_or_else(|| no_field("", "the vault kept nothing", "保险库未保存任何内容"))
    }

    async fn one(&self, id: &SecretId) -> Result<SecretView, Fault> {
        let found = self.list().await?.into_iter().find(|view| view.facts.id == *id);
        found.ok_or_else(|| domain::vault::faults::missing(id, None))
    }

    /// Finds secrets by id, by a name of the person's own, or by a server's name (and a field of it).
    pub async fn find(&self, what: &str, field: Option<&str>) -> Result<Vec<SecretView>, Fault> {
        let found: Vec<_> = self
            .list()
            .await?
            .into_iter()
            .filter(|view| view.facts.id.as_str() == what || view.name == what || view.facts.owner.id == what)
            .filter(|view| field.is_none_or(|field| view.facts.owner.field == field))
            .collect();
        if found.is_empty() {
            return Err(Fault::new(
                FaultKind::NotFound,
                "secret_missing",
                Text::new(format!("there is no secret \"{what}\""), format!("没有机密“{what}”")),
                Text::new("see `pilot secret list`", "参见 `pilot secret list`"),
            ));
        }
        Ok(found)
    }

    /// Removes secrets. Settings that refer to one of them no longer connect, and say so.
    pub async fn remove(&self, ids: &[SecretId], by: &Actor) -> Result<(), Fault> {
        self.core.note(by, None, "secret_removed", json!({ "secrets": ids })).await?;
        self.core.ports.vault.remove(ids).await?;
        self.core.events.changed(Tag::Settings);
        Ok(())
    }

    /// Opens the vault, asking where that is needed.
    pub async fn unlock(&self, with: Unlock, by: &Actor) -> Result<VaultState, Fault> {
        let opened = self.core.ports.vault.unlock(with).await;
        let what = if opened.is_ok() { "vault_unlocked" } else { "vault_not_unlocked" };
        let code = opened.as_ref().err().map(|fault| fault.code.clone());
        self.core.note(by, None, what, json!({ "code": code })).await?;
        let state = opened?;
        self.after_unlock(by).await;
        Ok(state)
    }

    /// Closes it at once, for every process.
    pub async fn lock(&self, by: &Actor) -> Result<VaultState, Fault> {
        self.core.ports.vault.hold().await?;
        self.core.note(by, None, "vault_locked", Json::Null).await?;
        Ok(self.state())
    }

    /// Settles how its key is kept.
    pub async fn settle(&self, kind: VaultKind, passphrase: Option<Secret>, by: &Actor) -> Result<VaultState, Fault> {
        let state = self.core.ports.vault.settle(kind, passphrase).await?;
        self.core.note(by, None, "vault_settled", json!({ "kind": kind })).await?;
        self.after_unlock(by).await;
        Ok(state)
    }

    /// New keys: the one around the vault's key, or (`deep`) the vault's own.
    pub async fn rotate(&self, deep: bool, passphrase: Option<Secret>, by: &Actor) -> Result<(), Fault> {
        self.core.ports.vault.rotate(deep, passphrase).await?;
        self.core.note(by, None, "vault_rotated", json!({ "deep": deep })).await
    }

    /// Writes the recovery kit.
    pub async fn export_kit(&self, to: &Path, passphrase: &Secret, by: &Actor) -> Result<(), Fault> {
        self.core.ports.vault.export_kit(to, passphrase).await?;
        self.core.note(by, None, "kit_exported", json!({ "file": to.display().to_string() })).await
    }

    /// Takes the key out of a recovery kit.
    pub async fn restore_kit(&self, from: &Path, passphrase: &Secret, by: &Actor) -> Result<VaultState, Fault> {
        let state = self.core.ports.vault.restore_kit(from, passphrase).await?;
        self.core.note(by, None, "kit_restored", json!({ "file": from.display().to_string() })).await?;
        self.after_unlock(by).await;
        Ok(state)
    }

    /// Destroys the key and every secret. Answers what cannot be promised.
    pub async fn wipe(&self, by: &Actor) -> Result<Vec<Text>, Fault> {
        self.core.ports.vault.wipe().await?;
        self.core.note(by, None, "vault_wiped", Json::Null).await?;
        self.core.events.changed(Tag::Settings);
        Ok(vec![
            Text::new(
                "old blocks of a solid-state disk, snapshots of the file system and backups made by other programs are not reached; without the key they open nothing",
                "固态硬盘的旧块、文件系统快照以及其他程序所做的备份无法触及；没有密钥，它们无法被打开",
            ),
            Text::new("recovery kits that you exported still hold the key: destroy them too", "您导出的应急包仍含有密钥：请一并销毁"),
        ])
    }

    /// What a doctor says about the vault and about secrets in plain text.
    pub async fn findings(&self) -> Vec<Finding> {
        let state = self.look().await;
        let mut found = vec![state_finding(&state)];
        if let Ok(plain) = self.plain().await
            && !plain.is_empty()
        {
            let list = plain.iter().map(|plain| format!("{}: {}", plain.name, plain.field)).collect::<Vec<_>>().join(", ");
            found.push(Finding::note(
                "plain_secrets",
                Text::new(
                    format!("{} secrets stand in plain text in the settings: {list}", plain.len()),
                    format!("设置中有 {} 个明文机密：{list}", plain.len()),
                ),
                Text::new("move them into the vault: pilot secret unlock", "将它们移入保险库：pilot secret unlock"),
            ));
        }
        found
    }
}

fn state_finding(state: &VaultState) -> Finding {
    let word = |kind: VaultKind| match kind {
        VaultKind::Keyring => ("keyring", "密钥环"),
        VaultKind::Passphrase => ("passphrase", "口令"),
        VaultKind::Session => ("session", "会话"),
    };
    match state {
        VaultState::Unlocked { kind } => {
            let (en, zh) = word(*kind);
            Finding::well("vault", Text::new(format!("unlocked ({en})"), format!("已解锁（{zh}）")))
        }
        VaultState::Locked { kind } => {
            let (en, zh) = word(*kind);
            Finding::note(
                "vault",
                Text::new(format!("closed ({en})"), format!("已锁定（{zh}）")),
                Text::new(
                    "open it with `pilot secret unlock` when a server needs a secret",
                    "当服务器需要机密时，用 `pilot secret unlock` 打开",
                ),
            )
        }
        VaultState::Absent => Finding::note(
            "vault",
            Text::new("there is no keyring here, and nothing was chosen instead", "此处没有密钥环，也未选择替代方式"),
            Text::new(
                "choose: `pilot secret settle passphrase`, or `pilot secret settle session`",
                "请选择：`pilot secret settle passphrase` 或 `pilot secret settle session`",
            ),
        ),
        VaultState::KeyMissing { secrets } => {
            let fault = domain::vault::faults::key_missing(*secrets);
            Finding::note("vault", fault.message, fault.hint)
        }
        VaultState::Corrupt => {
            let fault = domain::vault::faults::vault_corrupt();
            Finding::note("vault", fault.message, fault.hint)
        }
    }
}

fn no_field(field: &str, en: &str, zh: &str) -> Fault {
    Fault::new(
        FaultKind::Usage,
        "secret_place",
        Text::new(format!("the secret was not kept under \"{field}\": {en}"), format!("机密未保存到“{field}”：{zh}")),
        Text::new(
            "name a field such as auth_token, auth_headers.Authorization or env.TOKEN",
            "请指定字段，例如 auth_token、auth_headers.Authorization 或 env.TOKEN",
        ),
    )
}

/// Puts a text at a path of settings, making objects on the way where there is nothing yet.
fn put_at(settings: &mut JsonMap, path: &str, text: &str) -> Result<(), Fault> {
    // A header's name may hold dots; a field's never does.
    let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
    if first.is_empty() || rest.is_some_and(str::is_empty) {
        return Err(no_field(path, "it names no field", "未指明字段"));
    }
    let Some(rest) = rest else {
        settings.insert(first.to_owned(), text.into());
        return Ok(());
    };
    match settings.entry(first.to_owned()).or_insert_with(|| Json::Object(JsonMap::new())) {
        Json::Object(map) => {
            map.insert(rest.to_owned(), text.into());
            Ok(())
        }
        Json::Array(items) => {
            let nth = rest.parse::<usize>().ok();
            match nth.and_then(|nth| items.get_mut(nth)) {
                Some(item) => {
                    *item = text.into();
                    Ok(())
                }
                None => Err(no_field(path, "there is no such place in the list", "列表中没有该位置")),
            }
        }
        _ => Err(no_field(path, "it is no object there", "该处不是对象")),
    }
}

impl Secrets {
    /// After the vault came open: plain values move in, and servers that waited for it are tried again.
    async fn after_unlock(&self, by: &Actor) {
        self.core.events.changed(Tag::Settings);
        if let Err(fault) = self.move_in(by).await {
            tracing::warn!(%fault, "plain secrets were not moved into the vault");
        }
    }

    /// Moves plain secrets of saved servers into the vault, where that asks nobody. A vault that lives for a session only takes nothing
    /// that was kept before.
    pub async fn move_in(&self, by: &Actor) -> Result<Moved, Fault> {
        self.core.move_in(by).await
    }
}

impl Core {
    /// Listens to the vault: whoever looks is told, and servers that waited for it start.
    pub(crate) async fn watch_vault(self: Arc<Self>) {
        let mut seen = self.ports.vault.state();
        loop {
            seen = tokio::select! {
                () = self.stop.cancelled() => return,
                now = self.ports.vault.changed(&seen) => now,
            };
            self.events.changed(Tag::Settings);
            if !matches!(seen, VaultState::Unlocked { .. }) || !self.autostart.load(Ordering::Acquire) {
                continue;
            }
            for slot in self.saved_slots() {
                if let ServerState::Error { fault, .. } = slot.standing().state
                    && fault.code.starts_with("vault_")
                {
                    slot.order(Order::Up);
                }
            }
        }
    }

    /// Keeps what people gave to settings. A connection that was made with the value before is made anew, as soon as nothing is under way
    /// on it.
    async fn keep(&self, secrets: Vec<NewSecret>) -> Result<Vec<SecretId>, Fault> {
        let ids = self.ports.vault.keep(secrets).await?;
        for slot in self.saved_slots() {
            let used = domain::secret::vault_references(&Json::Object(slot.definition().def.settings.clone()).to_string());
            if ids.iter().any(|id| used.contains(id)) {
                slot.order(Order::Renew);
            }
        }
        Ok(ids)
    }

    /// Replaces a server's definition. What a person had accepted stays accepted: they themselves put the reference there.
    pub(crate) async fn put_same_trust(self: &Arc<Self>, slot: &crate::sessions::Slot, mut def: ServerDef) -> Result<(), Fault> {
        def.updated_at = self.now();
        if slot.accepted() {
            let trust = domain::server::Trust { definition: def.fingerprint(), ..(*slot.trust()).clone() };
            self.ports.servers.put_trusted(&def, &trust).await?;
            slot.set_trust(trust);
        } else {
            self.ports.servers.put(&def).await?;
        }
        self.reconcile().await?;
        self.look(slot);
        self.events.changed(Tag::Servers);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_put_where_the_path_says() {
        let mut settings = json!({ "args": ["a", "b"], "timeout": 3 }).as_object().cloned().unwrap();
        for (path, fits) in [
            ("auth_token", true),
            ("auth_headers.X.Dotted", true),
            ("args.1", true),
            ("args.9", false),
            ("timeout.x", false),
            ("", false),
            ("env.", false),
        ] {
            assert_eq!(put_at(&mut settings, path, "R").is_ok(), fits, "{path}");
        }
        assert_eq!(
            Json::Object(settings),
            json!({ "args": ["a", "R"], "timeout": 3, "auth_token": "R", "auth_headers": { "X.Dotted": "R" } })
        );
    }
}
