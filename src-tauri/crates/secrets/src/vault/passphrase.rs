//! From a passphrase to the key that wraps the vault's key: Argon2id.

use std::time::{Duration, Instant};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use domain::Json;
use domain::fault::{Fault, FaultKind};
use domain::secret::Secret;
use domain::text::Text;
use serde::{Deserialize, Serialize};

use super::seal::{Key32, random};

/// What a guess must cost whoever has the file.
const LEAST: Duration = Duration::from_millis(500);
/// Less memory than this is never used for a new passphrase.
const LEAST_MEMORY: u32 = 64 * 1024;
/// A stored row that asks for more than this was not written by us.
const MOST_MEMORY: u32 = 4 * 1024 * 1024;
const MOST_PASSES: u32 = 1000;

/// How much work a passphrase costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// Memory (KiB).
    pub memory: u32,
    /// Passes over it.
    pub passes: u32,
    /// Whether it is raised until a try takes half a second here; tests switch that off.
    #[serde(default)]
    pub calibrated: bool,
}

impl Default for Cost {
    fn default() -> Self {
        Self { memory: 256 * 1024, passes: 3, calibrated: true }
    }
}

impl Cost {
    /// Hardly any: for tests only.
    pub const CHEAP: Self = Self { memory: 64, passes: 1, calibrated: false };
}

/// What is stored beside the wrap.
#[derive(Debug, Serialize, Deserialize)]
struct Kdf {
    name: String,
    version: u32,
    memory: u32,
    passes: u32,
    lanes: u32,
}

/// A new salt and the key that the passphrase gives with it, and what must be stored to come to the same key again.
pub(crate) fn fresh(passphrase: &Secret, cost: Cost) -> Result<(Key32, Json, Vec<u8>), Fault> {
    let salt = random(16).map_err(|_| failed("the system gave no random bytes"))?;
    let mut cost = cost;
    loop {
        let begun = Instant::now();
        match derive(passphrase, &salt, cost.memory, cost.passes) {
            Ok(key) => {
                let took = begun.elapsed();
                if !cost.calibrated || took >= LEAST {
                    let kdf = Kdf { name: "argon2id".into(), version: 0x13, memory: cost.memory, passes: cost.passes, lanes: 1 };
                    return Ok((key, serde_json::to_value(kdf).unwrap_or_default(), salt));
                }
                // As many more passes as the time that is missing.
                let more = LEAST.as_micros() / took.as_micros().max(1) + 1;
                cost.passes = cost.passes.saturating_mul(u32::try_from(more).unwrap_or(MOST_PASSES)).clamp(cost.passes + 1, MOST_PASSES);
                if cost.passes >= MOST_PASSES {
                    cost.calibrated = false;
                }
            }
            Err(fault) if fault.code == "passphrase_memory" && cost.memory / 2 >= LEAST_MEMORY => cost.memory /= 2,
            Err(fault) => return Err(fault),
        }
    }
}

/// The key that a passphrase gave earlier.
pub(crate) fn again(passphrase: &Secret, kdf: &Json, salt: &[u8]) -> Result<Key32, Fault> {
    let kdf: Kdf = serde_json::from_value(kdf.clone()).map_err(|_| domain::vault::faults::vault_corrupt())?;
    if kdf.name != "argon2id" || kdf.version != 0x13 || kdf.lanes != 1 || kdf.memory > MOST_MEMORY || kdf.passes > MOST_PASSES {
        return Err(domain::vault::faults::vault_corrupt());
    }
    derive(passphrase, salt, kdf.memory, kdf.passes)
}

fn derive(passphrase: &Secret, salt: &[u8], memory: u32, passes: u32) -> Result<Key32, Fault> {
    let params = Params::new(memory, passes, 1, Some(32)).map_err(|fault| failed(&fault.to_string()))?;
    let mut blocks: Vec<Block> = Vec::new();
    let count = params.block_count();
    if blocks.try_reserve_exact(count).is_err() {
        return Err(Fault { code: "passphrase_memory".into(), ..failed("there is not enough memory") });
    }
    blocks.resize(count, Block::new());
    let mut key = Key32::blank();
    let done = Argon2::new(Algorithm::Argon2id, Version::V0x13, params).hash_password_into_with_memory(
        passphrase.expose().as_bytes(),
        salt,
        key.bytes_mut(),
        &mut blocks,
    );
    done.map_err(|fault| failed(&fault.to_string()))?;
    Ok(key)
}

fn failed(why: &str) -> Fault {
    Fault::new(
        FaultKind::Internal,
        "passphrase_failed",
        Text::new(format!("the passphrase could not be worked on: {why}"), format!("无法处理口令：{why}")),
        Text::new("close other programs and try again", "请关闭其他程序后重试"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_passphrase_gives_the_same_key_with_what_was_stored() {
        let right = Secret::new("correct horse battery staple");
        let (key, kdf, salt) = fresh(&right, Cost::CHEAP).unwrap();
        assert_eq!(again(&right, &kdf, &salt).unwrap().bytes(), key.bytes());
        assert_ne!(again(&Secret::new("correct horse battery stapl"), &kdf, &salt).unwrap().bytes(), key.bytes());
        let (other, _, other_salt) = fresh(&right, Cost::CHEAP).unwrap();
        assert!(other.bytes() != key.bytes() && other_salt != salt, "salts are never used twice");
    }

    #[test]
    fn a_new_passphrase_costs_half_a_second_or_more_here() {
        let passphrase = Secret::new("correct horse battery staple");
        let (_, kdf, salt) = fresh(&passphrase, Cost { memory: 8 * 1024, passes: 1, calibrated: true }).unwrap();
        assert!(kdf["passes"].as_u64().unwrap() > 1, "{kdf}: one pass over 8 MiB takes less");
        assert!(again(&passphrase, &kdf, &salt).is_ok());
        let wanted = Cost::default();
        assert_eq!((wanted.memory, wanted.passes, wanted.calibrated), (256 * 1024, 3, true));
    }

    #[test]
    fn what_asks_for_all_memory_there_is_was_not_written_by_us() {
        for kdf in [
            serde_json::json!({ "name": "argon2id", "version": 19, "memory": u32::MAX, "passes": 1, "lanes": 1 }),
            serde_json::json!({ "name": "none", "version": 19, "memory": 64, "passes": 1, "lanes": 1 }),
            serde_json::json!("x"),
        ] {
            assert_eq!(again(&Secret::new("p"), &kdf, &[0; 16]).unwrap_err().code, "vault_corrupt", "{kdf}");
        }
    }
}
