//! The keyring of this system: Secret Service, macOS Keychain, Windows Credential Manager.

use std::collections::HashMap;
use std::sync::Arc;

use domain::vault::SecretBytes;
use keyring_core::api::CredentialStore;
use keyring_core::{Entry, Error};

use super::{Keyring, KeyringFault, Standing};

/// Entries of one service. Reached at the first call, and again after it went away.
pub struct OsKeyring {
    service: String,
    store: Option<Arc<CredentialStore>>,
}

impl OsKeyring {
    /// The entries of this service: the app's id.
    pub fn new(service: impl Into<String>) -> Self {
        Self { service: service.into(), store: None }
    }

    fn entry(&mut self, account: &str) -> Result<Entry, KeyringFault> {
        let store = match &self.store {
            Some(store) => Arc::clone(store),
            None => {
                let store = system::store().map_err(|error| said(&error))?;
                Arc::clone(self.store.insert(store))
            }
        };
        store.build(&self.service, account, Some(&system::modifiers())).map_err(|error| said(&error))
    }

    /// Does something with an entry. A connection that broke is made anew once: the service may have been restarted.
    fn with<T>(&mut self, account: &str, work: impl Fn(&Entry) -> Result<T, Error>) -> Result<T, Miss> {
        let mut again = self.store.is_some();
        loop {
            let entry = self.entry(account).map_err(Miss::Said)?;
            match work(&entry) {
                Ok(done) => return Ok(done),
                Err(Error::NoEntry) => return Err(Miss::NoEntry),
                Err(Error::PlatformFailure(_)) if again => {
                    again = false;
                    self.store = None;
                }
                Err(error) => {
                    if matches!(error, Error::PlatformFailure(_)) {
                        self.store = None;
                    }
                    return Err(Miss::Said(said(&error)));
                }
            }
        }
    }
}

enum Miss {
    NoEntry,
    Said(KeyringFault),
}

impl std::fmt::Debug for OsKeyring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OsKeyring").field("service", &self.service).finish_non_exhaustive()
    }
}

impl Keyring for OsKeyring {
    fn look(&mut self, account: &str) -> Result<Standing, KeyringFault> {
        system::look(self, account)
    }

    fn read(&mut self, account: &str) -> Result<Option<SecretBytes>, KeyringFault> {
        match self.with(account, |entry| entry.get_secret().map(SecretBytes::new)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(Miss::NoEntry) => Ok(None),
            Err(Miss::Said(fault)) => Err(fault),
        }
    }

    fn write(&mut self, account: &str, value: &SecretBytes) -> Result<(), KeyringFault> {
        match self.with(account, |entry| entry.set_secret(value.expose())) {
            Ok(()) => Ok(()),
            Err(Miss::NoEntry) => Err(KeyringFault::Unfit("it took nothing".into())),
            Err(Miss::Said(fault)) => Err(fault),
        }
    }

    fn remove(&mut self, account: &str) -> Result<(), KeyringFault> {
        match self.with(account, Entry::delete_credential) {
            Ok(()) | Err(Miss::NoEntry) => Ok(()),
            Err(Miss::Said(fault)) => Err(fault),
        }
    }
}

/// What an error may be told as. Some errors carry the bytes that were read: only their kind is looked at.
fn said(error: &Error) -> KeyringFault {
    match error {
        Error::NoStorageAccess(why) if why.to_string().contains("result not returned") => {
            KeyringFault::Absent("it has no default collection".into())
        }
        Error::NoStorageAccess(why) => KeyringFault::Locked(first_line(&why.to_string())),
        Error::PlatformFailure(why) => KeyringFault::Absent(first_line(&why.to_string())),
        Error::NoDefaultStore => KeyringFault::Absent("there is no store".into()),
        Error::NoEntry => KeyringFault::Unfit("there is no entry".into()),
        Error::BadEncoding(_) | Error::BadDataFormat(..) => KeyringFault::Unfit("what it holds was not written by Pilothouse".into()),
        Error::Ambiguous(entries) => KeyringFault::Unfit(format!("it holds {} entries of that name", entries.len())),
        Error::TooLong(attribute, limit) => KeyringFault::Unfit(format!("{attribute} may have {limit} characters at most")),
        Error::Invalid(attribute, reason) => KeyringFault::Unfit(format!("{attribute}: {reason}")),
        Error::BadStoreFormat(_) | Error::NotSupportedByStore(_) => KeyringFault::Unfit("it does not work as expected".into()),
        _ => KeyringFault::Unfit("it failed".into()),
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().take(200).collect()
}

/// Secret Service, over D-Bus.
#[cfg(all(unix, not(target_os = "macos")))]
mod system {
    use secret_service::EncryptionType;
    use secret_service::blocking::SecretService;

    use super::{Arc, CredentialStore, Error, HashMap, KeyringFault, OsKeyring, Standing, first_line};

    pub(super) fn store() -> Result<Arc<CredentialStore>, Error> {
        let store: Arc<CredentialStore> = zbus_secret_service_keyring_store::Store::new()?;
        Ok(store)
    }

    pub(super) fn modifiers() -> HashMap<&'static str, &'static str> {
        HashMap::from([("label", "Pilothouse: key of the vault")])
    }

    /// The store's own search unlocks what it finds, which asks a person; this one does not.
    pub(super) fn look(keyring: &mut OsKeyring, account: &str) -> Result<Standing, KeyringFault> {
        let words = |fault: &secret_service::Error| match fault {
            secret_service::Error::NoResult => "it has no default collection".to_owned(),
            other => first_line(&other.to_string()),
        };
        let absent = |fault: secret_service::Error| KeyringFault::Absent(words(&fault));
        let service = SecretService::connect(EncryptionType::Plain).map_err(absent)?;
        let attributes = HashMap::from([("service", keyring.service.as_str()), ("username", account)]);
        let found = service.search_items(attributes).map_err(absent)?;
        if !found.unlocked.is_empty() {
            return Ok(Standing::Readable);
        }
        if !found.locked.is_empty() {
            return Ok(Standing::Locked);
        }
        let locked = service.get_default_collection().and_then(|collection| collection.is_locked()).map_err(absent)?;
        Ok(if locked { Standing::Locked } else { Standing::Missing })
    }
}

/// macOS Keychain and Windows Credential Manager: a program that may read its own entry is not asked about.
#[cfg(any(target_os = "macos", windows))]
mod system {
    use super::{Arc, CredentialStore, Error, HashMap, Keyring as _, KeyringFault, OsKeyring, Standing};

    #[cfg(target_os = "macos")]
    pub(super) fn store() -> Result<Arc<CredentialStore>, Error> {
        let store: Arc<CredentialStore> = apple_native_keyring_store::keychain::Store::new()?;
        Ok(store)
    }

    #[cfg(windows)]
    pub(super) fn store() -> Result<Arc<CredentialStore>, Error> {
        let store: Arc<CredentialStore> = windows_native_keyring_store::Store::new()?;
        Ok(store)
    }

    #[cfg(target_os = "macos")]
    pub(super) fn modifiers() -> HashMap<&'static str, &'static str> {
        HashMap::new()
    }

    /// Without it, the credential would roam with the domain's profile.
    #[cfg(windows)]
    pub(super) fn modifiers() -> HashMap<&'static str, &'static str> {
        HashMap::from([("persistence", "local")])
    }

    pub(super) fn look(keyring: &mut OsKeyring, account: &str) -> Result<Standing, KeyringFault> {
        match keyring.read(account) {
            Ok(Some(_)) => Ok(Standing::Readable),
            Ok(None) => Ok(Standing::Missing),
            Err(KeyringFault::Locked(_)) => Ok(Standing::Locked),
            Err(fault) => Err(fault),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_that_carries_what_was_read_is_told_without_it() {
        let canary = "canary-2b7e151628aed2a6";
        let carried = Box::new(std::io::Error::other("x"));
        for error in [
            Error::BadEncoding(canary.as_bytes().to_vec()),
            Error::BadDataFormat(canary.as_bytes().to_vec(), carried),
            Error::BadStoreFormat(canary.into()),
            Error::NotSupportedByStore(canary.into()),
        ] {
            let told = format!("{:?}", said(&error));
            assert!(!told.contains(canary) && !told.contains("99, 97, 110"), "{told}");
        }
    }
}
