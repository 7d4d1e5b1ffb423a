//! What a vault answers when it does not do what was asked, in words that name no value.

use crate::fault::{Fault, FaultKind};
use crate::id::{Millis, SecretId};
use crate::text::Text;
use crate::vault::{Owner, VaultKind};

/// It is closed, and nobody is asked here.
pub fn locked() -> Fault {
    Fault::new(
        FaultKind::Auth,
        "vault_locked",
        Text::new("the vault is locked, so the secret was not opened", "保险库已锁定，因此未打开该机密"),
        Text::new(
            "unlock it (`pilot secret unlock`, or the lock in the window), then try again",
            "请解锁保险库（`pilot secret unlock` 或窗口中的锁），然后重试",
        ),
    )
}

/// The keyring's question was refused, or nobody answered it.
pub fn refused(why: &Text) -> Fault {
    Fault::new(
        FaultKind::Auth,
        "vault_locked",
        Text::new(format!("the keyring was not unlocked: {}", why.en), format!("密钥环未解锁：{}", why.zh)),
        Text::new("unlock your keyring (log in to the desktop), then try again", "请解锁您的密钥环（登录桌面会话），然后重试"),
    )
}

/// There is no keyring here.
pub fn absent(why: &str) -> Fault {
    Fault::new(
        FaultKind::Auth,
        "vault_absent",
        Text::new(
            format!("there is no keyring here to keep the vault's key in ({why})"),
            format!("此处没有可用于保存保险库密钥的密钥环（{why}）"),
        ),
        Text::new(
            "start your keyring service, or choose without one: `pilot secret settle passphrase`, or `pilot secret settle session`",
            "请启动密钥环服务，或选择不使用它：`pilot secret settle passphrase` 或 `pilot secret settle session`",
        ),
    )
}

/// Rows exist, and the key that opens them does not.
pub fn key_missing(secrets: u64) -> Fault {
    Fault::new(
        FaultKind::Auth,
        "vault_key_missing",
        Text::new(
            format!("{secrets} secrets cannot be opened on this computer: their key is not in its keyring"),
            format!("本机无法打开 {secrets} 个机密：密钥环中没有它们的密钥"),
        ),
        Text::new(
            "restore the recovery kit (`pilot secret restore-kit FILE`), or wipe the vault and enter the secrets again (`pilot secret wipe`)",
            "请恢复应急包（`pilot secret restore-kit FILE`），或清空保险库后重新输入机密（`pilot secret wipe`）",
        ),
    )
    .with_params(serde_json::json!({ "secrets": secrets }))
}

/// The passphrase does not open it.
pub fn wrong_passphrase(tries_left: u32) -> Fault {
    Fault::new(
        FaultKind::Auth,
        "wrong_passphrase",
        Text::new("the passphrase does not open it", "口令不正确，无法打开"),
        Text::new(
            format!("try again; {tries_left} tries are left before you have to wait"),
            format!("请重试；再错 {tries_left} 次后需要等待"),
        ),
    )
    .with_params(serde_json::json!({ "triesLeft": tries_left }))
}

/// Too many wrong passphrases.
pub fn too_many_tries(now: Millis, until: Millis) -> Fault {
    let seconds = (until.since(now).max(0) + 999) / 1000;
    Fault::new(
        FaultKind::Auth,
        "too_many_tries",
        Text::new(
            format!("too many wrong passphrases: the next try is possible in {seconds} s"),
            format!("口令错误次数过多：{seconds} 秒后才能再试"),
        ),
        Text::new("wait, or restore the recovery kit", "请等待，或恢复应急包"),
    )
    .with_params(serde_json::json!({ "seconds": seconds }))
}

/// A passphrase is needed and none was given.
pub fn passphrase_needed() -> Fault {
    Fault::new(
        FaultKind::Auth,
        "passphrase_needed",
        Text::new("a passphrase is needed for that", "此操作需要口令"),
        Text::new(
            "give it with `--passphrase-file FILE`, or at the terminal when you are asked",
            "请用 `--passphrase-file FILE` 提供，或在终端被询问时输入",
        ),
    )
}

/// A passphrase that protects nothing.
pub fn weak_passphrase(least: usize) -> Fault {
    Fault::new(
        FaultKind::Usage,
        "weak_passphrase",
        Text::new(
            format!("that passphrase is shorter than {least} characters, and nothing was changed"),
            format!("口令少于 {least} 个字符，未作任何更改"),
        ),
        Text::new("take several words", "请使用由多个词组成的口令"),
    )
}

/// No such secret, or only its place.
pub fn missing(id: &SecretId, owner: Option<&Owner>) -> Fault {
    let (en, zh) = match owner {
        Some(owner) => (
            format!("the secret {} of {} {} is not kept any more: it was kept for one session", owner.field, owner.kind, owner.id),
            format!("{} {} 的机密 {} 已不再保存：它只在一次会话中有效", owner.kind, owner.id, owner.field),
        ),
        None => (format!("the vault has no secret {id}"), format!("保险库中没有机密 {id}")),
    };
    Fault::new(
        FaultKind::NotFound,
        "secret_missing",
        Text::new(en, zh),
        Text::new("enter it again: `pilot secret set`", "请重新输入：`pilot secret set`"),
    )
    .with_params(serde_json::json!({ "secret": id, "owner": owner }))
}

/// A row that does not open with the vault's key: it was changed, moved or damaged.
pub fn corrupt(id: &SecretId, owner: &Owner) -> Fault {
    Fault::new(
        FaultKind::Storage,
        "secret_corrupt",
        Text::new(
            format!("the secret {} of {} {} cannot be opened: its row was changed or damaged", owner.field, owner.kind, owner.id),
            format!("无法打开 {} {} 的机密 {}：其记录被更改或已损坏", owner.kind, owner.id, owner.field),
        ),
        Text::new("enter it again: `pilot secret set`", "请重新输入：`pilot secret set`"),
    )
    .with_params(serde_json::json!({ "secret": id, "owner": owner }))
}

/// The vault's key does not fit what is kept.
pub fn vault_corrupt() -> Fault {
    Fault::new(
        FaultKind::Storage,
        "vault_corrupt",
        Text::new(
            "the vault's key does not fit what is kept: one of the two was changed or damaged. Nothing was written",
            "保险库的密钥与已保存的内容不符：两者之一被更改或已损坏。未写入任何内容",
        ),
        Text::new(
            "restore the recovery kit (`pilot secret restore-kit FILE`), or wipe the vault (`pilot secret wipe`)",
            "请恢复应急包（`pilot secret restore-kit FILE`），或清空保险库（`pilot secret wipe`）",
        ),
    )
}

/// This run asked for a vault of one kind, and there is one of another.
pub fn other_kind(there: VaultKind, asked: VaultKind) -> Fault {
    let word = |kind| match kind {
        VaultKind::Keyring => "keyring",
        VaultKind::Passphrase => "passphrase",
        VaultKind::Session => "session",
    };
    let (there, asked) = (word(there), word(asked));
    Fault::new(
        FaultKind::Config,
        "vault_kind",
        Text::new(
            format!("the vault here is of the kind {there}, and --vault asks for {asked}"),
            format!("此处的保险库类型为 {there}，而 --vault 要求 {asked}"),
        ),
        Text::new(
            format!("leave --vault out, or change the vault: `pilot secret settle {asked}`"),
            format!("请去掉 --vault，或更改保险库：`pilot secret settle {asked}`"),
        ),
    )
}

/// Another process changed the vault again and again while this one tried to.
pub fn contended() -> Fault {
    Fault::new(
        FaultKind::Storage,
        "vault_busy",
        Text::new("another program kept changing the vault at the same time", "另一个程序同时在更改保险库"),
        Text::new("try again", "请重试"),
    )
}
