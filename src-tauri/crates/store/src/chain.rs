//! How a row of the audit log is sealed to the one before it.
//!
//! **Invariant:** every stored column is under the seal, byte by byte as it is stored; verifying never decodes and encodes again.

use domain::audit::{Ending, Entry, Event};
use hmac::Mac;

use crate::fault::StoreFault;
use crate::key::{AuditKey, Hash};

/// A seal.
pub(crate) type Seal = [u8; 32];

/// What the first row is sealed to.
pub(crate) const START: Seal = [0; 32];

/// The columns of one row, without the seals, as the bytes that are stored.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Columns<'r> {
    pub(crate) run: &'r [u8],
    pub(crate) id: &'r [u8],
    pub(crate) at: i64,
    pub(crate) kind: &'r [u8],
    pub(crate) ending: Option<&'r [u8]>,
    pub(crate) server: Option<&'r [u8]>,
    pub(crate) body: &'r [u8],
}

/// Seals rows and recognises seals.
#[derive(Debug, Clone)]
pub(crate) struct Sealer {
    rows: Hash,
    key: AuditKey,
}

impl Sealer {
    pub(crate) fn new(key: AuditKey) -> Self {
        Self { rows: key.hash("row 1"), key }
    }

    /// The seal of a row that stands in place `seq`, after the row with seal `prev`.
    pub(crate) fn seal(&self, prev: &[u8], seq: i64, columns: &Columns<'_>) -> Seal {
        let mut hash = self.rows.clone();
        put(&mut hash, Some(prev));
        hash.update(&seq.to_le_bytes());
        hash.update(&columns.at.to_le_bytes());
        for bytes in [Some(columns.run), Some(columns.id), Some(columns.kind), columns.ending, columns.server, Some(columns.body)] {
            put(&mut hash, bytes);
        }
        hash.finalize().into_bytes().into()
    }

    /// A keyed hash of something else, for one purpose.
    pub(crate) fn tag(&self, purpose: &str, bytes: &[u8]) -> Seal {
        let mut hash = self.key.hash(purpose);
        hash.update(bytes);
        hash.finalize().into_bytes().into()
    }
}

/// Length first, so that no two rows have the same bytes.
fn put(hash: &mut Hash, bytes: Option<&[u8]>) {
    match bytes {
        Some(bytes) => {
            hash.update(&(bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        }
        None => hash.update(&u64::MAX.to_le_bytes()),
    }
}

/// The word under which a row is found.
pub(crate) fn kind(event: &Event) -> &'static str {
    match event {
        Event::Intent { .. } => "intent",
        Event::Outcome { .. } => "outcome",
        Event::Refused { .. } => "refused",
        Event::Note { .. } => "note",
    }
}

/// The word under which an outcome is found.
pub(crate) fn ending(event: &Event) -> Option<&'static str> {
    let Event::Outcome { ending, .. } = event else { return None };
    Some(match ending {
        Ending::Done => "done",
        Ending::ToolError => "tool_error",
        Ending::Fault(_) => "fault",
        Ending::Cancelled => "cancelled",
        Ending::Interrupted => "interrupted",
    })
}

/// The text that is stored and sealed.
pub(crate) fn body(entry: &Entry) -> Result<String, StoreFault> {
    serde_json::to_string(entry).map_err(|fault| StoreFault::Row { table: "audit", reason: fault.to_string() })
}

/// Reads it back.
pub(crate) fn entry(body: &str) -> Result<Entry, StoreFault> {
    serde_json::from_str(body).map_err(|fault| StoreFault::Row { table: "audit", reason: fault.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealer(byte: u8) -> Sealer {
        Sealer::new(AuditKey::new(&[byte; 32]).unwrap())
    }

    #[test]
    fn each_column_the_place_the_row_before_and_the_key_are_under_the_seal() {
        let row = Columns { run: b"r", id: b"i", at: 1, kind: b"k", ending: None, server: Some(b"s"), body: b"b" };
        let seal = sealer(1).seal(&START, 1, &row);
        assert_eq!(seal, sealer(1).seal(&START, 1, &row));
        let others = [
            sealer(2).seal(&START, 1, &row),
            sealer(1).seal(&[1; 32], 1, &row),
            sealer(1).seal(&START, 2, &row),
            sealer(1).seal(&START, 1, &Columns { run: b"x", ..row }),
            sealer(1).seal(&START, 1, &Columns { id: b"x", ..row }),
            sealer(1).seal(&START, 1, &Columns { at: 2, ..row }),
            sealer(1).seal(&START, 1, &Columns { kind: b"x", ..row }),
            sealer(1).seal(&START, 1, &Columns { ending: Some(b""), ..row }),
            sealer(1).seal(&START, 1, &Columns { server: None, ..row }),
            sealer(1).seal(&START, 1, &Columns { body: b"c", ..row }),
            sealer(1).seal(&START, 1, &Columns { run: b"ri", id: b"", ..row }),
        ];
        for (nth, other) in others.iter().enumerate() {
            assert_ne!(&seal, other, "change {nth} shows");
        }
    }
}
