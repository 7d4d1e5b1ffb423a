//! The head of the audit chain, kept beside the database: without it, a log without its tail, or an older copy of the whole
//! database, would hang together perfectly.

use std::path::Path;

use domain::tool::hex;
use serde::{Deserialize, Serialize};
use sqlx::SqliteConnection;

use crate::chain::{Seal, Sealer};
use crate::fault::StoreFault;
use crate::files;

const FILE: &str = "audit.head";
/// Where a head goes that the database no longer agrees with, so that the next one does not wipe the evidence away.
const LOST: &str = "audit.head.lost";

/// The last row that was on the disk when it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Head {
    pub(crate) seq: u64,
    pub(crate) mac: String,
    tag: String,
    /// In the evidence only: how many rows there were when the disagreement was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rows: Option<u64>,
}

impl Head {
    pub(crate) fn new(sealer: &Sealer, seq: u64, mac: &Seal) -> Self {
        let mac = hex(mac);
        let tag = hex(&sealer.tag("head", format!("{seq} {mac}").as_bytes()));
        Self { seq, mac, tag, rows: None }
    }

    fn is_ours(&self, sealer: &Sealer) -> bool {
        hex(&sealer.tag("head", format!("{} {}", self.seq, self.mac).as_bytes())) == self.tag
    }

    fn read_file(path: &Path, sealer: &Sealer) -> Result<Option<Self>, StoreFault> {
        Ok(files::read_opt(path)?.and_then(|bytes| serde_json::from_slice::<Self>(&bytes).ok()).filter(|head| head.is_ours(sealer)))
    }

    /// The head, if there is one and it is ours.
    pub(crate) fn read(dir: &Path, sealer: &Sealer) -> Result<Option<Self>, StoreFault> {
        Self::read_file(&dir.join(FILE), sealer)
    }

    /// The first head that the database did not agree with, if ever.
    pub(crate) fn read_lost(dir: &Path, sealer: &Sealer) -> Result<Option<Self>, StoreFault> {
        Self::read_file(&dir.join(LOST), sealer)
    }

    /// Keeps it, unless another process was further already.
    pub(crate) fn write(&self, dir: &Path, sealer: &Sealer) -> Result<(), StoreFault> {
        if Self::read(dir, sealer)?.is_some_and(|there| there.seq > self.seq) {
            return Ok(());
        }
        files::replace(&dir.join(FILE), &serde_json::to_vec(self).unwrap_or_default())
    }

    /// Compares the head with the database before it is written for the first time in this process. A head that disagrees is kept
    /// as evidence; then this says so.
    pub(crate) async fn compare(dir: &Path, sealer: &Sealer, conn: &mut SqliteConnection) -> Result<Option<Self>, StoreFault> {
        // The head first: rows are only ever added, so the database is at least as far.
        let Some(head) = Self::read(dir, sealer)? else { return Ok(None) };
        let sql = |fault| StoreFault::sql("compare the audit log with its head", fault);
        let seq = i64::try_from(head.seq).unwrap_or(i64::MAX);
        let mac: Option<Vec<u8>> =
            sqlx::query_scalar("SELECT mac FROM audit WHERE seq = ?").bind(seq).fetch_optional(&mut *conn).await.map_err(sql)?;
        if mac.is_some_and(|mac| hex(&mac) == head.mac) {
            return Ok(None);
        }
        let rows: i64 = sqlx::query_scalar("SELECT coalesce(max(seq), 0) FROM audit").fetch_one(&mut *conn).await.map_err(sql)?;
        if Self::read_lost(dir, sealer)?.is_none() {
            let lost = Self { rows: Some(u64::try_from(rows).unwrap_or(0)), ..head.clone() };
            files::replace(&dir.join(LOST), &serde_json::to_vec(&lost).unwrap_or_default())?;
        }
        // The old head must not hold the new one back.
        let path = dir.join(FILE);
        std::fs::remove_file(&path).map_err(StoreFault::io("remove", &path))?;
        Ok(Some(head))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::AuditKey;

    #[test]
    fn a_head_is_read_back_never_goes_backwards_and_is_not_taken_from_others() {
        let dir = tempfile::tempdir().unwrap();
        let sealer = Sealer::new(AuditKey::new(&[1; 32]).unwrap());
        let head = Head::new(&sealer, 300, &[7; 32]);
        head.write(dir.path(), &sealer).unwrap();
        Head::new(&sealer, 200, &[8; 32]).write(dir.path(), &sealer).unwrap();
        assert_eq!(Head::read(dir.path(), &sealer).unwrap(), Some(head.clone()));
        let mut forged = head;
        forged.seq = 100;
        std::fs::write(dir.path().join(FILE), serde_json::to_vec(&forged).unwrap()).unwrap();
        assert_eq!(Head::read(dir.path(), &sealer).unwrap(), None, "its tag is not over 100");
    }
}
