//! The recovery kit: the vault's key in an age file under a passphrase, which the standard tool opens too.

use std::io::Write as _;
use std::path::Path;

use age::secrecy::SecretString;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::fault::{Fault, FaultKind};
use domain::secret::Secret;
use domain::text::Text;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize as _, Zeroizing};

use super::seal::Key32;

/// Work for the passphrase, as a power of two; about a second.
pub(crate) const WORK: u8 = 18;
/// A file that asks for more than this was made to keep us busy.
const MOST_WORK: u8 = 22;
/// A kit is small.
const LARGEST: u64 = 64 * 1024;

/// What is in it.
#[derive(Serialize, Deserialize)]
pub(crate) struct Kit {
    pilothouse: String,
    version: u32,
    pub(crate) vault: String,
    pub(crate) generation: u64,
    key: String,
}

impl Drop for Kit {
    fn drop(&mut self) {
        self.key.zeroize();
    }
}

impl Kit {
    pub(crate) fn new(vault: &str, generation: u64, key: &Key32) -> Self {
        let key = STANDARD.encode(key.bytes());
        Self { pilothouse: "recovery-kit".into(), version: 1, vault: vault.into(), generation, key }
    }

    pub(crate) fn key(&self) -> Option<Key32> {
        let bytes = Zeroizing::new(STANDARD.decode(self.key.as_bytes()).ok()?);
        Key32::of(&bytes)
    }

    /// Writes it, to a new file that only its owner may read.
    pub(crate) fn write(&self, to: &Path, passphrase: &Secret, work: u8) -> Result<(), Fault> {
        if to.exists() {
            return Err(unwritable(to, "it exists already"));
        }
        let text = Zeroizing::new(serde_json::to_vec(self).map_err(|fault| unwritable(to, &fault.to_string()))?);
        let mut recipient = age::scrypt::Recipient::new(SecretString::from(passphrase.expose().to_owned()));
        recipient.set_work_factor(work);
        let sealed = age::encrypt(&recipient, &text).map_err(|fault| unwritable(to, &fault.to_string()))?;
        let mut file = new_private(to).map_err(|fault| unwritable(to, &fault.to_string()))?;
        file.write_all(&sealed).and_then(|()| file.sync_all()).map_err(|fault| unwritable(to, &fault.to_string()))
    }

    /// Reads one.
    pub(crate) fn read(from: &Path, passphrase: &Secret) -> Result<Self, Fault> {
        let shown = from.display();
        let size = std::fs::metadata(from).map_err(|fault| unreadable(from, &fault.to_string()))?.len();
        if size > LARGEST {
            return Err(unreadable(from, "it is too large for a recovery kit"));
        }
        let sealed = std::fs::read(from).map_err(|fault| unreadable(from, &fault.to_string()))?;
        let mut identity = age::scrypt::Identity::new(SecretString::from(passphrase.expose().to_owned()));
        identity.set_max_work_factor(MOST_WORK);
        let text = match age::decrypt(&identity, &sealed) {
            Ok(text) => Zeroizing::new(text),
            Err(age::DecryptError::NoMatchingKeys | age::DecryptError::DecryptionFailed) => {
                return Err(Fault::new(
                    FaultKind::Auth,
                    "wrong_passphrase",
                    Text::new(format!("the passphrase does not open {shown}"), format!("口令无法打开 {shown}")),
                    Text::new("it is the kit's own passphrase, chosen when the kit was written", "此处需要的是导出应急包时设置的口令"),
                ));
            }
            Err(_) => return Err(unreadable(from, "it is no age file under a passphrase")),
        };
        let kit: Self = serde_json::from_slice(&text).map_err(|_| unreadable(from, "what it holds is no recovery kit"))?;
        if kit.pilothouse != "recovery-kit" || kit.version != 1 {
            return Err(unreadable(from, "it is a kit of a form that this Pilothouse does not know"));
        }
        Ok(kit)
    }
}

#[cfg(unix)]
fn new_private(path: &Path) -> std::io::Result<std::fs::File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

#[cfg(not(unix))]
fn new_private(path: &Path) -> std::io::Result<std::fs::File> {
    std::fs::OpenOptions::new().write(true).create_new(true).open(path)
}

fn unwritable(path: &Path, why: &str) -> Fault {
    let shown = path.display();
    Fault::new(
        FaultKind::Config,
        "kit_unwritable",
        Text::new(format!("the recovery kit was not written to {shown}: {why}"), format!("应急包未写入 {shown}：{why}")),
        Text::new("name a file that does not exist yet, in a folder that is yours", "请指定一个尚不存在、位于您自己目录中的文件"),
    )
}

fn unreadable(path: &Path, why: &str) -> Fault {
    let shown = path.display();
    Fault::new(
        FaultKind::Config,
        "kit_unreadable",
        Text::new(format!("{shown} was not taken as a recovery kit: {why}"), format!("{shown} 不能作为应急包使用：{why}")),
        Text::new("name the file that `pilot secret export-kit` wrote", "请指定 `pilot secret export-kit` 写出的文件"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kit_is_written_once_for_its_owner_alone_and_opens_with_its_passphrase_only() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("kit.age");
        let key = Key32::fresh().unwrap();
        let passphrase = Secret::new("correct horse battery staple");
        Kit::new("v", 3, &key).write(&file, &passphrase, 4).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        }
        let kit = Kit::read(&file, &passphrase).unwrap();
        assert_eq!((kit.vault.as_str(), kit.generation, kit.key().unwrap().bytes()), ("v", 3, key.bytes()));
        assert_eq!(Kit::read(&file, &Secret::new("wrong")).err().unwrap().code, "wrong_passphrase");
        let again = Kit::new("v", 3, &key).write(&file, &passphrase, 4).unwrap_err();
        assert_eq!(again.code, "kit_unwritable", "nothing is written over");
        std::fs::write(dir.path().join("x"), "no kit").unwrap();
        assert_eq!(Kit::read(&dir.path().join("x"), &passphrase).err().unwrap().code, "kit_unreadable");
    }
}
