//! The key that seals the audit chain.
//!
//! **Invariant:** the key is never printed, and never written anywhere but into its own file.

use std::fmt;
use std::path::Path;

use hmac::{Hmac, Mac};
use rand::TryRngCore;
use rand::rngs::OsRng;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::fault::StoreFault;
use crate::files;

/// A keyed hash, started.
pub(crate) type Hash = Hmac<Sha256>;

/// 32 random bytes. The one seam to where they come from: a file today, the vault when there is one (see `docs/decisions/0002-audit-key.md`).
#[derive(Clone)]
pub(crate) struct AuditKey(Hash);

impl AuditKey {
    /// Reads the key of this folder, or makes it. Of two processes that make it at once, one wins and both use its key.
    pub(crate) fn of_folder(dir: &Path) -> Result<Self, StoreFault> {
        let path = dir.join("audit.key");
        if let Some(bytes) = files::read_opt(&path)? {
            return Self::from_bytes(&path, &Zeroizing::new(bytes));
        }
        let mut fresh = Zeroizing::new(vec![0_u8; 32]);
        OsRng.try_fill_bytes(&mut fresh).map_err(|fault| StoreFault::Io {
            what: "draw random bytes for",
            path: path.clone(),
            source: std::io::Error::other(fault),
        })?;
        let bytes = files::create_once(&path, &fresh)?.map_or(fresh, Zeroizing::new);
        Self::from_bytes(&path, &bytes)
    }

    fn from_bytes(path: &Path, bytes: &[u8]) -> Result<Self, StoreFault> {
        if bytes.len() != 32 {
            return Err(StoreFault::Damaged { reason: format!("{} has {} bytes instead of 32", path.display(), bytes.len()) });
        }
        Self::new(bytes)
    }

    pub(crate) fn new(bytes: &[u8]) -> Result<Self, StoreFault> {
        // HMAC takes keys of any length, so this cannot fail; the signature says otherwise.
        Hash::new_from_slice(bytes).map(Self).map_err(|fault| StoreFault::Damaged { reason: fault.to_string() })
    }

    /// A keyed hash for one purpose, so that a value of one kind never counts as one of another.
    pub(crate) fn hash(&self, purpose: &str) -> Hash {
        let mut hash = self.0.clone();
        hash.update(purpose.as_bytes());
        hash.update(&[0]);
        hash
    }
}

impl fmt::Debug for AuditKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_made_once_and_only_its_owner_may_read_it() {
        let dir = tempfile::tempdir().unwrap();
        let seal = |key: &AuditKey| key.hash("x").finalize().into_bytes();
        let first = AuditKey::of_folder(dir.path()).unwrap();
        let again = AuditKey::of_folder(dir.path()).unwrap();
        assert_eq!(seal(&first), seal(&again), "the second start uses the same key");
        assert_eq!(format!("{first:?}"), "[secret]");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(dir.path().join("audit.key")).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn a_key_file_of_another_length_is_damage_and_no_new_key_is_made_over_it() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("audit.key"), b"short").unwrap();
        assert!(matches!(AuditKey::of_folder(dir.path()), Err(StoreFault::Damaged { .. })));
        assert_eq!(std::fs::read(dir.path().join("audit.key")).unwrap(), b"short");
    }
}
