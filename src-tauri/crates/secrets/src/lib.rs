//! What must not be seen: the vault, references to secrets, their resolution, and redaction by value.

mod expand;
mod forms;
mod keyring;
mod redact;
mod stream;
mod vault;

pub use expand::EnvExpand;
pub use keyring::{Keyring, KeyringFault, NoKeyring, OsKeyring, Standing};
pub use redact::Redactor;
pub use stream::RedactStream;
pub use vault::{Cost, IDLE, PassphraseSource, SealedVault, VaultParts};
