//! Where secrets are kept, and what may be said about them.
//!
//! **Invariant:** a value leaves the vault only by [`Vault::open`], as [`SecretBytes`], which has no `Serialize`, no `Display` and a
//! `Debug` without content. What doors show is [`SecretFacts`].

pub mod faults;
pub mod rows;

use std::fmt;
use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::Json;
use crate::fault::Fault;
use crate::id::{Millis, SecretId};
use crate::secret::Secret;

/// A secret's bytes in memory, wiped when dropped. No door can give one out, because nothing can write it:
///
/// ```compile_fail
/// fn answer<T: serde::Serialize>(_: T) {}
/// answer(domain::vault::SecretBytes::new("x"));
/// ```
///
/// ```compile_fail
/// fn answer<T: serde::Serialize>(_: T) {}
/// answer(domain::secret::Secret::new("x"));
/// ```
///
/// What may be said about it can be:
///
/// ```
/// fn answer<T: serde::Serialize>(_: T) {}
/// answer(domain::vault::SecretKind::Token);
/// assert_eq!(format!("{:?}", domain::vault::SecretBytes::new("x")), "[secret]");
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SecretBytes(Zeroizing<Vec<u8>>);

impl SecretBytes {
    /// Takes the bytes over.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(Zeroizing::new(bytes.into()))
    }

    /// The bytes themselves. Search for `expose(` to find every reader.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The same as text, where it is text.
    pub fn to_secret(&self) -> Option<Secret> {
        std::str::from_utf8(&self.0).ok().map(Secret::new)
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl From<&Secret> for SecretBytes {
    fn from(secret: &Secret) -> Self {
        Self::new(secret.expose())
    }
}

/// Whose secret it is. Part of what a sealed row is bound to: a row that is moved to another owner does not open.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Owner {
    /// `server`, `oauth`, `cluster`, `kubeconfig`, `person`.
    pub kind: String,
    /// Which one: a server's id, a cluster's id, a file's path, a name that a person chose.
    pub id: String,
    /// Which of its fields, as a path: `auth_token`, `auth_headers.Authorization`, `client_key`.
    pub field: String,
}

impl Owner {
    /// From its three parts.
    pub fn new(kind: impl Into<String>, id: impl Into<String>, field: impl Into<String>) -> Self {
        Self { kind: kind.into(), id: id.into(), field: field.into() }
    }
}

/// What sort of value it is; shown, and a hint for what can be told about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum SecretKind {
    /// A bearer token or key of an API.
    Token,
    /// A password, alone or with a user's name.
    Password,
    /// A private key, with or without its certificate.
    Key,
    /// The state of an OAuth or OIDC sign-in.
    SignIn,
    /// A whole file, kept to be given back.
    File,
    /// Text that a person writes, and that may hold secrets: it is no secret as a whole, and nothing is redacted by it.
    Draft,
    /// Anything else.
    #[default]
    Other,
}

/// A value on its way into the vault.
#[derive(Debug, Clone)]
pub struct NewSecret {
    /// Whose. A value that the same owner has already is replaced, and the old one wiped.
    pub owner: Owner,
    /// The value.
    pub value: SecretBytes,
    /// Its sort.
    pub kind: SecretKind,
    /// When it stops being of use, where that is known (`exp` of a JWT, `notAfter` of a certificate).
    pub expires_at: Option<Millis>,
}

/// All that may be said about a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecretFacts {
    /// Its id.
    pub id: SecretId,
    /// Whose it is.
    pub owner: Owner,
    /// Its sort.
    pub kind: SecretKind,
    /// Whether a value is there: a session-only secret is gone after a restart, and its row says so.
    pub present: bool,
    /// First kept.
    pub created_at: Millis,
    /// Value last replaced.
    pub updated_at: Millis,
    /// When it stops being of use.
    pub expires_at: Option<Millis>,
    /// Last opened.
    pub last_used: Option<Millis>,
}

/// How the vault's own key is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VaultKind {
    /// In the operating system's keyring.
    Keyring,
    /// Nowhere: it is sealed by a passphrase that a person types.
    Passphrase,
    /// Nowhere: secrets live in memory and end with the process.
    Session,
}

/// Where the vault stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum VaultState {
    /// Values can be opened and kept.
    Unlocked {
        /// How its key is kept.
        kind: VaultKind,
    },
    /// The keyring is locked, or the person locked the vault, or it locked itself. Nothing that needs a secret works; nothing hangs.
    Locked {
        /// How its key is kept.
        kind: VaultKind,
    },
    /// There is no keyring here, and nobody chose what to do without one.
    Absent,
    /// Rows exist, and the key that opens them is not on this computer.
    KeyMissing {
        /// How many cannot be opened.
        secrets: u64,
    },
    /// What is kept does not fit its key: it was changed or damaged.
    Corrupt,
}

/// How a vault is opened.
#[derive(Debug, Clone)]
pub enum Unlock {
    /// As it is set up; a passphrase vault answers `vault_locked`.
    Ask,
    /// With this passphrase.
    Passphrase(Secret),
}

/// The preference that says after how many minutes without use the vault closes.
pub const IDLE_MINUTES: &str = "vault_idle_minutes";

/// What that preference stands for: one minute to twelve hours, a quarter of an hour where nobody said anything.
pub fn idle_of(minutes: Option<&Json>) -> Duration {
    Duration::from_mins(minutes.and_then(Json::as_u64).unwrap_or(15).clamp(1, 12 * 60))
}

/// Keeps secrets. One per process; several processes may use one at once.
///
/// Faults: `vault_locked`, `vault_absent`, `vault_key_missing`, `wrong_passphrase` (kind `auth`), `secret_missing` (`not_found`),
/// `secret_corrupt`, `vault_corrupt` (`storage`).
#[async_trait]
pub trait Vault: Send + Sync + fmt::Debug {
    /// Where it stands, as far as is known without asking anybody.
    fn state(&self) -> VaultState;
    /// The same after a look at the keyring, which asks no person and takes no longer than a few seconds.
    async fn look(&self) -> VaultState {
        self.state()
    }
    /// Waits until it stands otherwise than `seen`, and says how.
    async fn changed(&self, seen: &VaultState) -> VaultState;
    /// Opens it. One question to the keyring is under way at most, and it has 60 s.
    async fn unlock(&self, with: Unlock) -> Result<VaultState, Fault>;
    /// Forgets its key at once, in this process.
    fn lock(&self);
    /// The same, and keeps it locked in every process until somebody unlocks it.
    async fn hold(&self) -> Result<(), Fault> {
        self.lock();
        Ok(())
    }
    /// How long it stays open without use, from now on.
    fn set_idle(&self, idle: Duration);
    /// Settles how the key is kept: at the first use without a keyring, or later, when everything is sealed anew under the other kind.
    async fn settle(&self, kind: VaultKind, passphrase: Option<Secret>) -> Result<VaultState, Fault>;
    /// Keeps values, all of them or none. The ids stand in the order of the values.
    async fn keep(&self, secrets: Vec<NewSecret>) -> Result<Vec<SecretId>, Fault>;
    /// A value, and notes that it was used. Opens the vault by itself where that asks nobody.
    async fn open(&self, id: &SecretId) -> Result<SecretBytes, Fault>;
    /// The id of what an owner keeps.
    async fn find(&self, owner: &Owner) -> Result<Option<SecretId>, Fault>;
    /// Everything that is kept, by owner. Works while it is locked.
    async fn list(&self) -> Result<Vec<SecretFacts>, Fault>;
    /// Removes values. Works while it is locked.
    async fn remove(&self, ids: &[SecretId]) -> Result<(), Fault>;
    /// A new key for the vault's key (and a new keyring entry or passphrase), or, with `deep`, a new key for every row.
    async fn rotate(&self, deep: bool, passphrase: Option<Secret>) -> Result<(), Fault>;
    /// Writes the recovery kit: an age file, sealed with this passphrase, mode 0600. It is not written over anything.
    async fn export_kit(&self, to: &Path, passphrase: &Secret) -> Result<(), Fault>;
    /// Takes the key out of a recovery kit, proves it, and keeps it in the way this vault keeps its key.
    async fn restore_kit(&self, from: &Path, passphrase: &Secret) -> Result<VaultState, Fault>;
    /// Takes a copy of everything that is kept, before something is changed that must not be lost.
    async fn copy_aside(&self) -> Result<(), Fault> {
        Ok(())
    }
    /// Leaves nothing of what was moved into the vault in the database's files or in older copies.
    async fn scrub(&self) -> Result<(), Fault> {
        Ok(())
    }
    /// Destroys the key, then every row. What cannot be promised is told by the door.
    async fn wipe(&self) -> Result<(), Fault>;
}
