//! `pilot secret`: what is kept, and the vault that keeps it. Values come in by stdin or without being shown; none comes out.

use std::path::Path;

use app::vault::SecretView;
use domain::fault::Fault;
use domain::secret::Secret;
use domain::text::Text;
use domain::vault::{Unlock, VaultKind, VaultState, faults};
use serde_json::json;

use super::servers::agreed;
use super::{moment, word_of};
use crate::args::{SecretCommand, VaultArg};
use crate::context::Context;
use crate::hidden;
use crate::table::Table;
use crate::values::usage;

/// Does what was asked.
pub(super) async fn run(cx: &Context, command: SecretCommand) -> Result<u8, Fault> {
    match command {
        SecretCommand::Set { server, field, name } => set(cx, server, field, name).await,
        SecretCommand::List => list(cx).await,
        SecretCommand::Rotate { deep, new_passphrase_file } => rotate(cx, deep, new_passphrase_file.as_deref()).await,
        SecretCommand::Remove { what, field, yes } => remove(cx, &what, field.as_deref(), yes).await,
        SecretCommand::Lock => {
            cx.app.secrets.lock(&cx.actor).await?;
            state(cx).await
        }
        SecretCommand::Unlock => {
            cx.or_stop(cx.app.secrets.unlock(Unlock::Ask, &cx.actor)).await?;
            state(cx).await
        }
        SecretCommand::State => {
            cx.or_stop(async { Ok(cx.app.secrets.look().await) }).await?;
            state(cx).await
        }
        SecretCommand::Settle { kind, new_passphrase_file } => settle(cx, kind, new_passphrase_file.as_deref()).await,
        SecretCommand::ExportKit { file, kit_passphrase_file } => {
            let passphrase = new_passphrase(cx, kit_passphrase_file.as_deref(), &kit_words())?;
            cx.app.secrets.export_kit(&file, &passphrase, &cx.actor).await?;
            cx.out.one(&json!({ "ok": true, "file": file }), |out| {
                let words = passphrase.expose().split_whitespace().count();
                format!(
                    "{} {} ({} {words})",
                    file.display(),
                    out.word(
                        "holds the vault's key. Keep it apart from this computer, and its passphrase apart from it.",
                        "含有保险库密钥。请将其与本机分开保管，口令另行保管。"
                    ),
                    out.word("words in its passphrase:", "口令词数："),
                )
            });
            Ok(0)
        }
        SecretCommand::RestoreKit { file, kit_passphrase_file } => {
            let passphrase = passphrase(cx, kit_passphrase_file.as_deref(), &kit_words())?;
            cx.or_stop(cx.app.secrets.restore_kit(&file, &passphrase, &cx.actor)).await?;
            state(cx).await
        }
        SecretCommand::Wipe { yes } => wipe(cx, yes).await,
    }
}

/// The kind that a word stands for.
pub(crate) fn kind_of(word: VaultArg) -> VaultKind {
    match word {
        VaultArg::Keyring => VaultKind::Keyring,
        VaultArg::Passphrase => VaultKind::Passphrase,
        VaultArg::Session => VaultKind::Session,
    }
}

fn kit_words() -> Text {
    Text::new("passphrase of the recovery kit (not shown): ", "应急包的口令（不显示）：")
}

/// A passphrase out of a file, or typed.
fn passphrase(cx: &Context, file: Option<&Path>, prompt: &Text) -> Result<Secret, Fault> {
    match file {
        Some(file) => hidden::first_line(file),
        None => hidden::typed(&cx.out, prompt).filter(|typed| !typed.is_empty()).ok_or_else(faults::passphrase_needed),
    }
}

/// The same for one that is new: typed twice.
fn new_passphrase(cx: &Context, file: Option<&Path>, prompt: &Text) -> Result<Secret, Fault> {
    let first = passphrase(cx, file, prompt)?;
    if file.is_none() {
        let again = passphrase(cx, None, &Text::new("once more: ", "再输入一次："))?;
        if again.expose() != first.expose() {
            return Err(usage("passphrases_differ", "the two passphrases differ; nothing was changed", "两次输入的口令不同；未作任何更改"));
        }
    }
    Ok(first)
}

async fn set(cx: &Context, server: Option<String>, field: Option<String>, name: Option<String>) -> Result<u8, Fault> {
    let view = match (server, field, name) {
        (Some(server), Some(field), None) => {
            let id = cx.app.book.resolve(&server).await?;
            let value = hidden::value(&cx.out)?;
            if value.to_secret().is_none() {
                return Err(usage(
                    "no_text",
                    "the value is no UTF-8 text, and settings hold text",
                    "该值不是 UTF-8 文本，而设置只能保存文本",
                ));
            }
            cx.app.secrets.set(&id, &field, value, &cx.actor).await?
        }
        (None, None, Some(name)) => {
            let value = hidden::value(&cx.out)?;
            cx.app.secrets.set_named(&name, value, &cx.actor).await?
        }
        _ => return Err(usage("secret_target", "name a server and a field, or give --name", "请指定服务器和字段，或使用 --name")),
    };
    if cx.app.secrets.state() == (VaultState::Unlocked { kind: VaultKind::Session }) {
        cx.out.remark(&Text::new(
            "the vault lives for this process only: the value is gone when it ends",
            "保险库仅在本进程内有效：进程结束后该值即消失",
        ));
    }
    cx.out.one(&view, |_| view.reference.clone().unwrap_or_default());
    Ok(0)
}

async fn list(cx: &Context) -> Result<u8, Fault> {
    let views = cx.app.secrets.list().await?;
    cx.out.list(&views, || {
        let mut table = Table::new(["ID", "OWNER", "FIELD", "KIND", "PRESENT", "UPDATED", "EXPIRES", "LAST USED"]);
        for view in &views {
            table.row(row(cx, view));
        }
        table
    });
    Ok(0)
}

fn row(cx: &Context, view: &SecretView) -> [String; 8] {
    let facts = &view.facts;
    let at = |at: Option<domain::id::Millis>| at.map_or_else(|| "-".to_owned(), moment);
    [
        facts.id.to_string(),
        format!("{} {}", facts.owner.kind, view.name),
        facts.owner.field.clone(),
        word_of(&facts.kind),
        if facts.present { cx.out.word("yes", "是") } else { cx.out.word("no", "否") }.to_owned(),
        moment(facts.updated_at),
        at(facts.expires_at),
        at(facts.last_used),
    ]
}

async fn state(cx: &Context) -> Result<u8, Fault> {
    let state = cx.app.secrets.state();
    let secrets = cx.app.secrets.list().await?;
    let plain = cx.app.secrets.plain().await?;
    let mut shown = serde_json::to_value(&state).unwrap_or_default();
    if let Some(shown) = shown.as_object_mut() {
        shown.insert("kept".into(), json!(secrets.len()));
        shown.insert("missing".into(), json!(secrets.iter().filter(|view| !view.facts.present).count()));
        shown.insert("plain".into(), json!(plain));
    }
    cx.out.one(&shown, |out| {
        let mut text = match &state {
            VaultState::Unlocked { kind } => format!("{} ({})", out.word("unlocked", "已解锁"), word_of(kind)),
            VaultState::Locked { kind } => format!("{} ({})", out.word("locked", "已锁定"), word_of(kind)),
            VaultState::Absent => out.word("no keyring here, and nothing chosen instead", "此处没有密钥环，也未选择替代方式").to_owned(),
            VaultState::KeyMissing { secrets } => out.pick(&faults::key_missing(*secrets).message).to_owned(),
            VaultState::Corrupt => out.pick(&faults::vault_corrupt().message).to_owned(),
        };
        text.push_str(&format!("\n{}: {}", out.word("secrets", "机密"), secrets.len()));
        for plain in &plain {
            text.push_str(&format!("\n! {}: {} {}", out.word("in plain text", "明文"), plain.name, plain.field));
        }
        crate::words::tame(&text).into_owned()
    });
    Ok(0)
}

async fn rotate(cx: &Context, deep: bool, file: Option<&Path>) -> Result<u8, Fault> {
    let state = cx.app.secrets.state();
    let passphrased =
        matches!(state, VaultState::Unlocked { kind: VaultKind::Passphrase } | VaultState::Locked { kind: VaultKind::Passphrase });
    let new = match (passphrased, file) {
        (false, None) => None,
        _ => Some(new_passphrase(cx, file, &Text::new("new passphrase (not shown): ", "新口令（不显示）："))?),
    };
    cx.or_stop(cx.app.secrets.rotate(deep, new, &cx.actor)).await?;
    cx.out.one(&json!({ "ok": true, "deep": deep }), |out| out.word("the vault has a new key", "保险库已更换密钥").to_owned());
    Ok(0)
}

async fn remove(cx: &Context, what: &str, field: Option<&str>, yes: bool) -> Result<u8, Fault> {
    let found = cx.app.secrets.find(what, field).await?;
    for view in &found {
        cx.out.tell(&format!("{} {} {}", view.facts.owner.kind, view.name, view.facts.owner.field));
    }
    agreed(cx, yes)?;
    let ids: Vec<_> = found.iter().map(|view| view.facts.id.clone()).collect();
    cx.app.secrets.remove(&ids, &cx.actor).await?;
    cx.out.one(&json!({ "ok": true, "removed": ids }), |out| format!("{} {}", ids.len(), out.word("removed", "个已移除")));
    Ok(0)
}

async fn settle(cx: &Context, kind: VaultArg, file: Option<&Path>) -> Result<u8, Fault> {
    let kind = kind_of(kind);
    let given = match (kind, file) {
        (VaultKind::Passphrase, Some(file)) => Some(hidden::first_line(file)?),
        (VaultKind::Passphrase, None) => match &cx.passphrase_file {
            Some(file) => Some(hidden::first_line(file)?),
            None => Some(new_passphrase(cx, None, &Text::new("passphrase of the vault (not shown): ", "保险库口令（不显示）："))?),
        },
        _ => None,
    };
    cx.or_stop(cx.app.secrets.settle(kind, given, &cx.actor)).await?;
    state(cx).await
}

async fn wipe(cx: &Context, yes: bool) -> Result<u8, Fault> {
    let secrets = cx.app.secrets.list().await?.len();
    cx.out.tell(&format!("{} {secrets}", cx.out.word("secrets that will be destroyed:", "将被销毁的机密数：")));
    agreed(cx, yes)?;
    let notes = cx.app.secrets.wipe(&cx.actor).await?;
    let shown: Vec<&str> = notes.iter().map(|note| cx.out.pick(note)).collect();
    cx.out.one(&json!({ "ok": true, "destroyed": secrets, "notes": shown }), |_| shown.join("\n"));
    Ok(0)
}
