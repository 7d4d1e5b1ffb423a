//! Sealing: rows under the vault's key, the vault's key under a wrapping key.
//!
//! **Invariant:** a row opens only as what it was sealed as: vault, key, id and owner are part of the seal. Keys have no `Debug` with content
//! and are wiped when dropped.

use std::fmt;

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{Key, KeyInit, XChaCha20Poly1305, XNonce};
use domain::id::SecretId;
use domain::vault::rows::WrappedKey;
use domain::vault::{Owner, SecretBytes};
use rand::TryRngCore as _;
use rand::rngs::OsRng;
use zeroize::{Zeroize as _, Zeroizing};

/// Length of a nonce.
pub(crate) const NONCE: usize = 24;
/// Values are padded to a multiple of this, so that their length does not tell what they are.
const BLOCK: usize = 64;
/// What is sealed to tell a wrong key from a damaged row.
const CHECK: &[u8] = b"pilothouse";

/// Why something did not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SealFault {
    /// Its seal does not hold: a wrong key, or other bytes than were sealed.
    Broken,
    /// The system gave no random bytes.
    NoRandom,
}

/// 32 bytes that open something. They stay at one place in memory until they are wiped, and the system is asked not to write that place to
/// its swap (best effort: a system may allow little of that).
pub(crate) struct Key32 {
    held: Option<region::LockGuard>,
    page: Box<Page>,
}

/// A page of memory of its own: to let one go must not concern another key.
#[repr(align(4096))]
struct Page([u8; 32]);

impl Clone for Key32 {
    fn clone(&self) -> Self {
        let mut copy = Self::blank();
        copy.page.0 = self.page.0;
        copy
    }
}

impl Drop for Key32 {
    fn drop(&mut self) {
        self.page.0.zeroize();
        self.held = None;
    }
}

impl Key32 {
    /// A new one.
    pub(crate) fn fresh() -> Result<Self, SealFault> {
        let mut key = Self::blank();
        OsRng.try_fill_bytes(key.bytes_mut()).map_err(|_| SealFault::NoRandom)?;
        Ok(key)
    }

    /// Zeros, to be filled.
    pub(crate) fn blank() -> Self {
        let page = Box::new(Page([0; 32]));
        Self { held: region::lock(page.0.as_ptr(), page.0.len()).ok(), page }
    }

    /// From bytes of that length.
    pub(crate) fn of(bytes: &[u8]) -> Option<Self> {
        if bytes.len() != 32 {
            return None;
        }
        let mut key = Self::blank();
        key.bytes_mut().copy_from_slice(bytes);
        Some(key)
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.page.0
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.page.0
    }

    fn cipher(&self) -> Result<XChaCha20Poly1305, SealFault> {
        let key: &Key = self.bytes().try_into().map_err(|_| SealFault::Broken)?;
        Ok(XChaCha20Poly1305::new(key))
    }

    fn seal(&self, nonce: &[u8], text: &[u8], about: &[u8]) -> Result<Vec<u8>, SealFault> {
        let nonce: &XNonce = nonce.try_into().map_err(|_| SealFault::Broken)?;
        self.cipher()?.encrypt(nonce, Payload { msg: text, aad: about }).map_err(|_| SealFault::Broken)
    }

    fn open(&self, nonce: &[u8], sealed: &[u8], about: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealFault> {
        let nonce: &XNonce = nonce.try_into().map_err(|_| SealFault::Broken)?;
        let opened = self.cipher()?.decrypt(nonce, Payload { msg: sealed, aad: about }).map_err(|_| SealFault::Broken)?;
        Ok(Zeroizing::new(opened))
    }
}

impl fmt::Debug for Key32 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// So many random bytes.
pub(crate) fn random(count: usize) -> Result<Vec<u8>, SealFault> {
    let mut bytes = vec![0; count];
    OsRng.try_fill_bytes(&mut bytes).map_err(|_| SealFault::NoRandom)?;
    Ok(bytes)
}

/// Parts as one run of bytes that no other parts give: each with its length before it.
fn canonical(parts: &[&[u8]]) -> Vec<u8> {
    let mut whole = Vec::new();
    for part in parts {
        whole.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        whole.extend_from_slice(part);
    }
    whole
}

/// What a row is sealed as.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) vault: &'a str,
    pub(crate) generation: u64,
    pub(crate) id: &'a SecretId,
    pub(crate) owner: &'a Owner,
}

impl Place<'_> {
    fn about(&self) -> Vec<u8> {
        canonical(&[
            b"ph1",
            self.vault.as_bytes(),
            &self.generation.to_be_bytes(),
            self.id.as_str().as_bytes(),
            self.owner.kind.as_bytes(),
            self.owner.id.as_bytes(),
            self.owner.field.as_bytes(),
        ])
    }
}

/// Seals a value: nonce, sealed bytes.
pub(crate) fn seal(key: &Key32, place: &Place<'_>, value: &SecretBytes) -> Result<(Vec<u8>, Vec<u8>), SealFault> {
    let nonce = random(NONCE)?;
    let text = padded(value.expose());
    let sealed = key.seal(&nonce, &text, &place.about())?;
    Ok((nonce, sealed))
}

/// Opens what was sealed as this.
pub(crate) fn open(key: &Key32, place: &Place<'_>, nonce: &[u8], sealed: &[u8]) -> Result<SecretBytes, SealFault> {
    let text = key.open(nonce, sealed, &place.about())?;
    unpadded(&text).map(SecretBytes::new).ok_or(SealFault::Broken)
}

/// Length, value, zeros up to the next multiple of the block.
fn padded(value: &[u8]) -> Zeroizing<Vec<u8>> {
    let whole = (8 + value.len()).next_multiple_of(BLOCK);
    let mut text = Zeroizing::new(Vec::with_capacity(whole));
    text.extend_from_slice(&(value.len() as u64).to_be_bytes());
    text.extend_from_slice(value);
    text.resize(whole, 0);
    text
}

fn unpadded(text: &[u8]) -> Option<&[u8]> {
    let (length, rest) = text.split_first_chunk::<8>()?;
    rest.get(..usize::try_from(u64::from_be_bytes(*length)).ok()?)
}

fn about_wrap(vault: &str, generation: u64, account: &str) -> Vec<u8> {
    canonical(&[b"ph1-key", vault.as_bytes(), &generation.to_be_bytes(), account.as_bytes()])
}

fn about_check(vault: &str, generation: u64) -> Vec<u8> {
    canonical(&[b"ph1-check", vault.as_bytes(), &generation.to_be_bytes()])
}

/// Wraps a key of the vault.
pub(crate) fn wrap(by: &Key32, key: &Key32, vault: &str, generation: u64, account: &str) -> Result<WrappedKey, SealFault> {
    let nonce = random(NONCE)?;
    let wrapped = by.seal(&nonce, key.bytes(), &about_wrap(vault, generation, account))?;
    Ok(WrappedKey {
        generation,
        account: account.to_owned(),
        kdf: domain::Json::Null,
        salt: Vec::new(),
        nonce,
        wrapped,
        check: check(key, vault, generation)?,
    })
}

/// A known text sealed with a key, nonce first.
fn check(key: &Key32, vault: &str, generation: u64) -> Result<Vec<u8>, SealFault> {
    let mut check = random(NONCE)?;
    let sealed = key.seal(&check, CHECK, &about_check(vault, generation))?;
    check.extend_from_slice(&sealed);
    Ok(check)
}

/// Whether this is the key that the check was made with.
pub(crate) fn fits(key: &Key32, vault: &str, generation: u64, check: &[u8]) -> bool {
    let Some((nonce, sealed)) = check.split_at_checked(NONCE) else { return false };
    key.open(nonce, sealed, &about_check(vault, generation)).is_ok_and(|text| text.as_slice() == CHECK)
}

/// Unwraps a key of the vault and proves it.
pub(crate) fn unwrap(by: &Key32, wrapped: &WrappedKey, vault: &str) -> Result<Key32, SealFault> {
    let bytes = by.open(&wrapped.nonce, &wrapped.wrapped, &about_wrap(vault, wrapped.generation, &wrapped.account))?;
    let key = Key32::of(&bytes).ok_or(SealFault::Broken)?;
    if fits(&key, vault, wrapped.generation, &wrapped.check) { Ok(key) } else { Err(SealFault::Broken) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place<'a>(id: &'a SecretId, owner: &'a Owner) -> Place<'a> {
        Place { vault: "v", generation: 1, id, owner }
    }

    #[test]
    fn values_of_every_size_and_of_any_bytes_come_back() {
        // K-01.
        let key = Key32::fresh().unwrap();
        let (id, owner) = (SecretId::from("a"), Owner::new("server", "s", "auth_token"));
        for size in [0, 1, 55, 56, 57, 2560, 2561, 1024 * 1024] {
            let value = SecretBytes::new((0..size).map(|nth: usize| u8::try_from(nth * 7 % 256).unwrap()).collect::<Vec<_>>());
            let (nonce, sealed) = seal(&key, &place(&id, &owner), &value).unwrap();
            assert_eq!((sealed.len() - 16) % BLOCK, 0, "the length of {size} is hidden");
            assert_eq!(open(&key, &place(&id, &owner), &nonce, &sealed).unwrap(), value, "{size}");
        }
    }

    #[test]
    fn a_row_that_is_another_or_elsewhere_does_not_open() {
        // K-05, K-06.
        let key = Key32::fresh().unwrap();
        let (id, owner) = (SecretId::from("a"), Owner::new("server", "s", "auth_token"));
        let here = place(&id, &owner);
        let (nonce, sealed) = seal(&key, &here, &SecretBytes::new("hunter2")).unwrap();
        let (other_id, other_owner) = (SecretId::from("b"), Owner::new("server", "evil", "auth_token"));
        for place in [
            Place { vault: "w", ..here },
            Place { generation: 2, ..here },
            Place { id: &other_id, ..here },
            Place { owner: &other_owner, ..here },
        ] {
            assert_eq!(open(&key, &place, &nonce, &sealed).unwrap_err(), SealFault::Broken, "{place:?}");
        }
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(open(&key, &here, &nonce, &changed).is_err(), "byte {at}");
        }
        assert!(open(&Key32::fresh().unwrap(), &here, &nonce, &sealed).is_err(), "K-04");
    }

    #[test]
    fn a_wrong_wrapping_key_and_a_swapped_wrap_are_told_from_the_right_ones() {
        // K-07.
        let (by, key) = (Key32::fresh().unwrap(), Key32::fresh().unwrap());
        let wrapped = wrap(&by, &key, "v", 1, "account").unwrap();
        assert_eq!(unwrap(&by, &wrapped, "v").unwrap().bytes(), key.bytes());
        assert!(unwrap(&Key32::fresh().unwrap(), &wrapped, "v").is_err());
        assert!(unwrap(&by, &wrapped, "w").is_err());
        assert!(unwrap(&by, &WrappedKey { account: "other".into(), ..wrapped.clone() }, "v").is_err());
        let other = wrap(&by, &Key32::fresh().unwrap(), "v", 1, "account").unwrap();
        assert!(unwrap(&by, &WrappedKey { check: other.check, ..wrapped }, "v").is_err(), "the check belongs to the key");
        assert_eq!(format!("{by:?}"), "[secret]");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_key_is_kept_out_of_the_swap_until_it_is_gone() {
        let kept = |key: &Key32| {
            let at = key.page.0.as_ptr() as usize;
            let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
            let mut inside = false;
            for line in maps.lines() {
                let range = line.split(' ').next().and_then(|range| range.split_once('-'));
                if let Some((from, to)) =
                    range.and_then(|(from, to)| Some((usize::from_str_radix(from, 16).ok()?, usize::from_str_radix(to, 16).ok()?)))
                {
                    inside = (from..to).contains(&at);
                } else if inside && line.starts_with("VmFlags:") {
                    return line.split(' ').any(|flag| flag == "lo");
                }
            }
            panic!("the key is in no mapping");
        };
        let key = Key32::fresh().unwrap();
        let copy = key.clone();
        assert_eq!((kept(&key), kept(&copy)), (true, true));
        assert_eq!(key.bytes(), copy.bytes());
        drop(copy);
        assert!(kept(&key), "one key's end is not another's");
    }
}
