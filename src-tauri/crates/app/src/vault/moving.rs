//! Plain secrets in settings: finding them, sealing new ones, moving old ones in.

use std::collections::BTreeSet;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::audit::Durability;
use domain::fault::{Fault, FaultKind};
use domain::id::{Millis, SecretId, ServerId};
use domain::policy::Actor;
use domain::secret::{vault_reference, vault_references};
use domain::server::ServerDef;
use domain::text::Text;
use domain::vault::{NewSecret, Owner, SecretBytes, SecretKind, VaultKind, VaultState};
use domain::{Json, JsonMap};
use serde::Serialize;
use serde_json::json;

use crate::core::Core;
use crate::imports::plain;
use crate::sessions::secret_places;

/// The small document that is there while plain forms may be left in the files of the database.
const SCRUB_DUE: &str = "vault:scrub_due";

/// What was moved.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Moved {
    /// Servers whose settings changed.
    pub servers: Vec<String>,
    /// Values that are in the vault now.
    pub secrets: usize,
}

/// One plain value in settings.
#[derive(Debug, Clone)]
pub(crate) struct Plain {
    pub(crate) field: String,
    value: SecretBytes,
}

/// Stands where a value stood until its reference is known; no setting holds such characters.
fn mark(nth: usize) -> String {
    format!("\u{f8ff}{nth}\u{f8ff}")
}

/// The value that a text without references stands for; none when it refers to something.
fn literal(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        if after.starts_with('{') {
            return None;
        }
        out.push('$');
        rest = after.strip_prefix('$').unwrap_or(after);
    }
    out.push_str(rest);
    Some(out)
}

/// Takes the plain secrets out of settings: what is left, with a mark in each place, and the values.
fn take_out(schema: &Json, settings: &JsonMap) -> (JsonMap, Vec<Plain>) {
    let mut found: Vec<Plain> = Vec::new();
    let mut fields = BTreeSet::new();
    let mut take = |place: &str, text: &str| {
        let Some(value) = literal(text).filter(|value| !value.is_empty()) else { return text.to_owned() };
        let mut field = place.to_owned();
        let mut nth = 2;
        while !fields.insert(field.clone()) {
            field = format!("{place}#{nth}");
            nth += 1;
        }
        found.push(Plain { field, value: SecretBytes::new(value) });
        mark(found.len() - 1)
    };
    let mut left = plain::replace(settings, &mut take);
    // What the schema calls a secret is one under whatever name.
    for place in secret_places(schema, &left) {
        if let Some(slot) = text_at(&mut left, &place)
            && !slot.contains('\u{f8ff}')
            && !(matches!(slot.as_str(), "system" | "none") || (slot.contains("://") && !slot.contains(['@', '?'])))
        {
            *slot = take(&place, slot);
        }
    }
    (left, found)
}

fn text_at<'s>(settings: &'s mut JsonMap, place: &str) -> Option<&'s mut String> {
    let (first, rest) = place.split_once('.').map_or((place, None), |(first, rest)| (first, Some(rest)));
    match (settings.get_mut(first)?, rest) {
        (Json::String(text), None) => Some(text),
        (Json::Object(map), Some(rest)) => {
            if map.contains_key(rest) {
                match map.get_mut(rest) {
                    Some(Json::String(text)) => Some(text),
                    _ => None,
                }
            } else {
                text_at(map, rest)
            }
        }
        _ => None,
    }
}

/// The settings with references in place of the marks.
fn put_back(value: Json, ids: &[SecretId]) -> Json {
    match value {
        Json::String(mut text) => {
            for (nth, id) in ids.iter().enumerate() {
                let mark = mark(nth);
                if text.contains(&mark) {
                    text = text.replace(&mark, &vault_reference(id));
                }
            }
            Json::String(text)
        }
        Json::Array(items) => Json::Array(items.into_iter().map(|item| put_back(item, ids)).collect()),
        Json::Object(map) => Json::Object(map.into_iter().map(|(key, item)| (key, put_back(item, ids))).collect()),
        other => other,
    }
}

/// What sort of secret stands in a field of that name.
pub(super) fn kind_of(field: &str) -> SecretKind {
    let field = field.to_ascii_lowercase();
    if field.contains("password") || field.contains("proxy") || field.contains("passwd") {
        SecretKind::Password
    } else if field.contains("private_key") || field.contains("client_key") {
        SecretKind::Key
    } else if field.contains("token") || field.contains("auth") || field.contains("key") {
        SecretKind::Token
    } else {
        SecretKind::Other
    }
}

/// When a token ends, where it says so itself (`exp` of a JWT).
pub(super) fn expiry(value: &SecretBytes) -> Option<Millis> {
    let text = std::str::from_utf8(value.expose()).ok()?;
    let claims = text.trim().split('.').nth(1).filter(|_| text.trim().split('.').count() == 3)?;
    let claims: Json = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?;
    claims.get("exp")?.as_i64().map(|seconds| Millis(seconds.saturating_mul(1000)))
}

/// Faults that say that the vault is not there to be used now; then values stay where they are.
fn closed(fault: &Fault) -> bool {
    fault.code.starts_with("vault_") || matches!(fault.code.as_str(), "passphrase_needed" | "wrong_passphrase" | "too_many_tries")
}

impl Core {
    /// The plain secrets of a definition.
    pub(crate) fn plain_secrets(&self, def: &ServerDef) -> Vec<Plain> {
        let Some(info) = self.protocols.info(&def.protocol) else { return Vec::new() };
        take_out(&info.schema, &def.settings).1
    }

    /// The definition with its plain secrets in the vault; as it was when the vault is closed or there is none. What was kept is opened
    /// again before the plain value is let go.
    pub(crate) async fn sealed(&self, def: &ServerDef) -> Result<(ServerDef, usize), Fault> {
        let same = || (def.clone(), 0);
        let Some(info) = self.protocols.info(&def.protocol) else { return Ok(same()) };
        let (left, found) = take_out(&info.schema, &def.settings);
        if found.is_empty() {
            return Ok(same());
        }
        let secrets = found.iter().map(|plain| NewSecret {
            owner: Owner::new("server", def.id.as_str(), plain.field.as_str()),
            value: plain.value.clone(),
            kind: kind_of(&plain.field),
            expires_at: expiry(&plain.value),
        });
        let ids = match self.keep(secrets.collect()).await {
            Ok(ids) => ids,
            Err(fault) if closed(&fault) => {
                tracing::warn!(server = %def.id, code = fault.code, "secrets stay in plain text: the vault is not open");
                return Ok(same());
            }
            Err(fault) => return Err(fault),
        };
        for (id, plain) in ids.iter().zip(&found) {
            if self.ports.vault.open(id).await? != plain.value {
                return Err(unproven(&plain.field));
            }
        }
        let Json::Object(settings) = put_back(Json::Object(left), &ids) else { return Ok(same()) };
        Ok((ServerDef { settings, ..def.clone() }, found.len()))
    }

    /// Refuses settings of an import that refer to somebody else's secret: whoever wrote the file would be given it.
    pub(crate) async fn foreign_secrets(&self, def: &ServerDef) -> Result<(), Fault> {
        let wanted = vault_references(&Json::Object(def.settings.clone()).to_string());
        if wanted.is_empty() || !def.origin.starts_with("import:") {
            return Ok(());
        }
        let known = self.ports.vault.list().await?;
        let own =
            |id: &SecretId| known.iter().any(|facts| facts.id == *id && facts.owner.kind == "server" && facts.owner.id == def.id.as_str());
        let Some(foreign) = wanted.iter().find(|id| !own(id)) else { return Ok(()) };
        Err(Fault::new(
            FaultKind::Config,
            "foreign_secret",
            Text::new(
                format!("\"{}\" was not taken over: its settings refer to the secret {foreign}, which is not its own", def.name),
                format!("未导入“{}”：其设置引用了不属于它的机密 {foreign}", def.name),
            ),
            Text::new(
                "replace the reference by the value or by ${NAME} in the file, or enter the secret afterwards with `pilot secret set`",
                "请在文件中将该引用替换为值或 ${NAME}，或之后用 `pilot secret set` 输入机密",
            ),
        ))
    }

    /// Removes what is kept for a server and that no settings refer to any more.
    pub(crate) async fn forget_secrets(&self, server: &ServerId, also_sign_ins: bool) {
        let forget = async {
            let mut used = BTreeSet::new();
            for def in self.ports.servers.list().await? {
                used.extend(vault_references(&Json::Object(def.settings).to_string()));
            }
            let known = self.ports.vault.list().await?;
            let gone: Vec<SecretId> = known
                .into_iter()
                .filter(|facts| facts.owner.id == server.as_str())
                .filter(|facts| match facts.owner.kind.as_str() {
                    "server" => !used.contains(&facts.id),
                    "oauth" => also_sign_ins,
                    _ => false,
                })
                .map(|facts| facts.id)
                .collect();
            if gone.is_empty() { Ok(()) } else { self.ports.vault.remove(&gone).await }
        };
        if let Err(fault) = forget.await {
            tracing::warn!(%server, %fault, "secrets that nobody uses any more stay in the vault");
        }
    }

    /// Moves the plain secrets of all saved servers into the vault: a copy is taken first, each value is proven before its plain form goes,
    /// and in the end no plain form is left in the database's files or its copies.
    pub(crate) async fn move_in(self: &Arc<Self>, by: &Actor) -> Result<Moved, Fault> {
        let mut moved = Moved::default();
        if self.ports.vault.state() == (VaultState::Unlocked { kind: VaultKind::Session }) {
            return Ok(moved);
        }
        let defs: Vec<ServerDef> = self.ports.servers.list().await?.into_iter().filter(|def| !self.plain_secrets(def).is_empty()).collect();
        if defs.is_empty() {
            // A run that was killed may have moved them, and left their plain form in the files of the database.
            if self.ports.settings.get(SCRUB_DUE).await?.is_some() {
                self.scrub().await?;
            }
            return Ok(moved);
        }
        self.reconcile().await?;
        self.ports.settings.set(SCRUB_DUE, &Json::Bool(true)).await?;
        self.ports.vault.copy_aside().await?;
        for def in defs {
            let (sealed, secrets) = self.sealed(&def).await?;
            if secrets == 0 {
                continue;
            }
            let Ok(slot) = self.slot(&def.id) else { continue };
            let detail = json!({ "secrets": secrets, "before": def.fingerprint(), "fingerprint": sealed.fingerprint() });
            self.note_as(by, Some(&slot), "secrets_moved", detail, Durability::OnDisk).await?;
            self.put_same_trust(&slot, sealed).await?;
            moved.servers.push(def.name.clone());
            moved.secrets += secrets;
        }
        if moved.secrets > 0 {
            self.scrub().await?;
            tracing::info!(secrets = moved.secrets, "plain secrets were moved into the vault");
        }
        Ok(moved)
    }

    /// Leaves no plain form in the database's files and its copies.
    async fn scrub(&self) -> Result<(), Fault> {
        self.ports.vault.scrub().await?;
        self.ports.settings.set(SCRUB_DUE, &Json::Null).await
    }
}

fn unproven(field: &str) -> Fault {
    Fault::new(
        FaultKind::Storage,
        "secret_unproven",
        Text::new(
            format!("the secret of {field} did not come back from the vault as it went in; the settings were not changed"),
            format!("{field} 的机密从保险库取回后与存入时不同；设置未更改"),
        ),
        Text::new("look at the disk, then try again", "请检查磁盘后重试"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_values_are_taken_out_and_references_stay() {
        let schema = json!({ "properties": {
            "auth_token": { "format": "secret" }, "proxy": { "anyOf": [{ "format": "secret" }, { "type": "null" }] },
            "env": { "additionalProperties": { "format": "secret" } },
        }});
        let settings = json!({
            "auth_token": "tok$$en-1", "password": "${PW}", "proxy": "http://u:pw@p:1", "host": "h",
            "auth_headers": { "Authorization": "Bearer abcdef", "X-Key": "pre${A}fix", "Accept": "text/html" },
            "env": { "UNTOLD": "zzzzzz", "LOG": "debug", "B": "${vault:x}" },
            "args": ["--token=ttt", "--token=ttt", "-v"], "url": "https://h/p?api_key=kkk&page=2",
        });
        let (left, found) = take_out(&schema, settings.as_object().unwrap());
        let mut pairs: Vec<_> =
            found.iter().map(|plain| (plain.field.as_str(), std::str::from_utf8(plain.value.expose()).unwrap())).collect();
        pairs.sort_unstable();
        assert_eq!(
            pairs,
            [
                ("args.0", "ttt"),
                ("args.1", "ttt"),
                ("auth_headers.Authorization", "abcdef"),
                ("auth_token", "tok$en-1"),
                ("env.UNTOLD", "zzzzzz"),
                ("proxy", "pw"),
                ("url.api_key", "kkk"),
            ],
            "an escaped dollar sign is one; a value that refers to something stays"
        );
        let ids: Vec<SecretId> = (0..found.len()).map(|nth| format!("id{nth}").into()).collect();
        let back = put_back(Json::Object(left), &ids);
        let id = |field: &str| vault_reference(&ids[found.iter().position(|plain| plain.field == field).unwrap()]);
        assert_eq!(back["auth_headers"]["Authorization"], format!("Bearer {}", id("auth_headers.Authorization")));
        assert_eq!(back["url"], format!("https://h/p?api_key={}&page=2", id("url.api_key")));
        assert_eq!(back["proxy"], format!("http://u:{}@p:1", id("proxy")));
        assert_eq!(back["auth_headers"]["X-Key"], "pre${A}fix");
        assert!(!back.to_string().contains('\u{f8ff}'));
        assert!(take_out(&schema, back.as_object().unwrap()).1.is_empty(), "nothing is taken out twice: {back}");
    }

    #[test]
    fn a_token_that_says_when_it_ends_is_believed() {
        let claims = URL_SAFE_NO_PAD.encode(br#"{"exp":1800000000}"#);
        assert_eq!(expiry(&SecretBytes::new(format!("x.{claims}.y"))), Some(Millis(1_800_000_000_000)));
        for text in ["", "abc", "a.b.c", "a.b"] {
            assert_eq!(expiry(&SecretBytes::new(text)), None, "{text}");
        }
    }
}
