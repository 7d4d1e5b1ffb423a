//! The vault: where it stands, what it keeps, and the ways to open it.
//!
//! **Invariant:** values and passphrases come in, as [`Secret`], which cannot be written out; what goes out are facts. No request here
//! has `Serialize`.

use domain::secret::Secret;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::common::Words;

/// Where the vault stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct VaultView {
    /// `unlocked`, `locked`, `absent`, `key_missing`, `corrupt`.
    pub state: String,
    /// How its key is kept: `keyring`, `passphrase`, `session`. None where nobody chose, or the key is gone.
    pub kind: Option<String>,
    /// How many secrets cannot be opened, when the key is missing.
    pub unreadable: u32,
}

/// A kept secret, without its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct SecretView {
    /// Its id.
    pub id: String,
    /// `server`, `oauth`, `cluster`, `kubeconfig`, `person`.
    pub owner_kind: String,
    /// Which one.
    pub owner_id: String,
    /// The name that a person knows it by; the id where there is none.
    pub owner_name: String,
    /// Which of its fields.
    pub field: String,
    /// `token`, `password`, `key`, `sign_in`, `file`, `other`.
    pub kind: String,
    /// Whether a value is there.
    pub present: bool,
    /// Value last replaced (ms).
    pub updated_at: i64,
    /// When it stops being of use (ms).
    pub expires_at: Option<i64>,
    /// Last opened (ms).
    pub last_used: Option<i64>,
}

/// Opens the vault; a passphrase only where it is one.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct UnlockReq {
    /// The passphrase of a passphrase vault.
    #[ts(type = "string | null")]
    pub passphrase: Option<Secret>,
}

/// Settles how the vault's key is kept.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct SettleReq {
    /// `keyring`, `passphrase`, `session`.
    pub kind: String,
    /// For a passphrase vault.
    #[ts(type = "string | null")]
    pub passphrase: Option<Secret>,
}

/// A new key for the vault.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct RotateReq {
    /// Whether every secret is sealed anew as well.
    pub deep: bool,
    /// The new passphrase of a passphrase vault.
    #[ts(type = "string | null")]
    pub passphrase: Option<Secret>,
}

/// The passphrase of a recovery kit.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct KitReq {
    /// The passphrase.
    #[ts(type = "string")]
    pub passphrase: Secret,
}

/// A value for a field that the vault keeps.
#[derive(Debug, Clone, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct SecretSetReq {
    /// `server`, `oauth`, `cluster`, `kubeconfig`, `person`.
    pub owner_kind: String,
    /// Which one.
    pub owner_id: String,
    /// Which of its fields.
    pub field: String,
    /// The value.
    #[ts(type = "string")]
    pub value: Secret,
}

/// What wiping did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct WipeRes {
    /// What cannot be promised.
    pub notes: Vec<Words>,
}
