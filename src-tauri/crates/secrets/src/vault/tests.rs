//! What only the inside can see: that a closed vault has left nothing of its key on the heap.

#![cfg(target_os = "linux")]

use std::io::{Read as _, Seek as _, SeekFrom};
use std::sync::Arc;

use domain::secret::{NoSecrets, Secret};
use domain::vault::{NewSecret, Owner, SecretBytes, SecretKind, Vault as _, VaultKind};
use testkit::memory::StillClock;
use testkit::memory_rows::MemoryRows;

use super::{Cost, SealedVault, VaultParts};
use crate::keyring::NoKeyring;

/// How often a value is on this process's heap. It is looked for under a mask, so that the search itself does not hold it.
fn found(masked: &[u8], mask: &[u8]) -> usize {
    /// Heaps of threads begin at multiples of this.
    const ARENA: u64 = 64 * 1024 * 1024;
    let mut memory = std::fs::File::open("/proc/self/mem").unwrap();
    let mut hits = 0;
    let mut guard_until = 0;
    for line in std::fs::read_to_string("/proc/self/maps").unwrap().lines() {
        let (range, rest) = line.split_once(' ').unwrap();
        let (from, to) = range.split_once('-').unwrap();
        let (from, to) = (u64::from_str_radix(from, 16).unwrap(), u64::from_str_radix(to, 16).unwrap());
        if rest.starts_with("---") {
            guard_until = to;
        }
        // What lies behind a guard page is the stack of a thread.
        let stack = rest.contains("[stack") || (guard_until == from && from % ARENA != 0);
        if !rest.starts_with("rw") || rest.contains("[v") || stack {
            continue;
        }
        let mut bytes = vec![0; usize::try_from(to - from).unwrap()];
        if memory.seek(SeekFrom::Start(from)).is_err() || memory.read_exact(&mut bytes).is_err() {
            continue;
        }
        // The copy that was just read, xored in place: it is not found as what it was by a later round.
        let first = masked[0] ^ mask[0];
        let window = masked.len();
        for at in 0..bytes.len().saturating_sub(window) {
            if bytes[at] == first && (0..window).all(|nth| bytes[at + nth] ^ mask[nth] == masked[nth]) {
                hits += 1;
            }
        }
        bytes.fill(0);
    }
    hits
}

#[tokio::test]
async fn a_closed_vault_has_left_no_byte_of_its_key_on_the_heap() {
    // K-16.
    let vault = SealedVault::over(VaultParts {
        rows: Arc::new(MemoryRows::default()),
        clock: StillClock::at(1),
        redact: Arc::new(NoSecrets),
        keyring: Box::new(NoKeyring),
        cost: Cost::CHEAP,
        kit_work: Some(2),
        wanted: None,
        passphrase: None,
    })
    .await
    .unwrap();
    vault.settle(VaultKind::Passphrase, Some(Secret::new("correct horse"))).await.unwrap();
    let secret = NewSecret {
        owner: Owner::new("person", "n", "value"),
        value: SecretBytes::new("hunter22"),
        kind: SecretKind::Other,
        expires_at: None,
    };
    let id = vault.keep(vec![secret]).await.unwrap().remove(0);
    vault.open(&id).await.unwrap();
    let mask = super::seal::random(32).unwrap();
    let masked: Vec<u8> = {
        let inside = vault.inside();
        let key = inside.keys.as_ref().unwrap().values().next().unwrap();
        key.bytes().iter().zip(&mask).map(|(byte, mask)| byte ^ mask).collect()
    };
    assert!(found(&masked, &mask) > 0, "the search finds it while the vault is open");
    vault.lock();
    assert_eq!(found(&masked, &mask), 0);
}
