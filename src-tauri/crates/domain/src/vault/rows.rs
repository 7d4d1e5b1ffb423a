//! What a vault needs kept. `store` implements it on SQLite.
//!
//! **Invariant:** nothing that crosses this seam opens anything: keys are wrapped and values sealed before they come here.

use async_trait::async_trait;

use super::{Owner, SecretFacts, VaultKind};
use crate::Json;
use crate::fault::Fault;
use crate::id::{Millis, SecretId};

/// The vault itself: how it is kept, and its wrapped keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VaultHead {
    /// Its id; every sealed row is bound to it.
    pub uuid: String,
    /// The form of all this; 1.
    pub schema: u32,
    /// How its key is kept.
    pub kind: VaultKind,
    /// The key that new rows are sealed with.
    pub generation: u64,
    /// Counts changes of this head, so that of two that change it at once one learns of the other.
    pub revision: u64,
    /// Whether a person locked it, for every process, until somebody unlocks it.
    pub held: bool,
    /// Wrong passphrases in a row.
    pub tries: u32,
    /// When the last of them was tried.
    pub tried_at: Millis,
    /// When it was made.
    pub created_at: Millis,
    /// The keys: one, or two while rows are being sealed anew; none for a session's vault.
    pub keys: Vec<WrappedKey>,
}

/// One key of the vault, wrapped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrappedKey {
    /// Which.
    pub generation: u64,
    /// The keyring's account that holds the wrapping key; empty for a passphrase.
    pub account: String,
    /// How a passphrase becomes the wrapping key; null for a keyring.
    pub kdf: Json,
    /// The salt of that.
    pub salt: Vec<u8>,
    /// The nonce of the wrap.
    pub nonce: Vec<u8>,
    /// The wrapped key.
    pub wrapped: Vec<u8>,
    /// A known text sealed with the key, nonce first: a wrong key is told from a damaged row.
    pub check: Vec<u8>,
}

/// A value, sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedSecret {
    /// What may be said about it. `present` is whether there is anything sealed.
    pub facts: SecretFacts,
    /// With which key.
    pub generation: u64,
    /// The nonce.
    pub nonce: Vec<u8>,
    /// The sealed value; empty when it lived for one session only.
    pub sealed: Vec<u8>,
}

/// The vault's rows.
#[async_trait]
pub trait VaultRows: Send + Sync + std::fmt::Debug {
    /// The head, when there is a vault.
    async fn head(&self) -> Result<Option<VaultHead>, Fault>;
    /// Replaces the head and its keys at once, if its revision is still the one that was seen; `None` means that there is no vault yet.
    /// Answers whether it did.
    async fn set_head(&self, seen: Option<u64>, head: &VaultHead) -> Result<bool, Fault>;
    /// One row.
    async fn sealed(&self, id: &SecretId) -> Result<Option<SealedSecret>, Fault>;
    /// The row of an owner.
    async fn find(&self, owner: &Owner) -> Result<Option<SecretFacts>, Fault>;
    /// All rows by owner, without what is sealed.
    async fn facts(&self) -> Result<Vec<SecretFacts>, Fault>;
    /// Writes rows, all or none, if the head's revision is still the one that was seen. An owner's other row goes. Answers whether it did.
    async fn put(&self, seen: u64, rows: &[SealedSecret]) -> Result<bool, Fault>;
    /// Rows that hold something sealed with another key than this.
    async fn behind(&self, generation: u64, most: u32) -> Result<Vec<SealedSecret>, Fault>;
    /// Replaces what is sealed in rows that still have the nonce that was seen; a value that was replaced meanwhile stays.
    async fn reseal(&self, rows: &[(Vec<u8>, SealedSecret)]) -> Result<(), Fault>;
    /// Notes that a value was opened.
    async fn used(&self, id: &SecretId, at: Millis) -> Result<(), Fault>;
    /// Removes rows.
    async fn remove(&self, ids: &[SecretId]) -> Result<(), Fault>;
    /// Leaves nothing of removed and replaced rows in the database's files.
    async fn scrub(&self) -> Result<(), Fault>;
    /// Takes a copy of everything, to go back to.
    async fn copy(&self) -> Result<(), Fault>;
    /// Removes every copy that was taken so far and takes a new one: older ones hold what was moved away since.
    async fn renew_copies(&self) -> Result<(), Fault>;
    /// Removes the head, the keys and every row, also from the copies, and leaves nothing of them in the database's files.
    async fn destroy(&self) -> Result<(), Fault>;
}
