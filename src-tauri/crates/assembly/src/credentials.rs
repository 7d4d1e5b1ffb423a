//! The light door that stands in front of every kubectl: the store and the vault, and nothing else of the app.

use std::sync::Arc;

use app::credentials::{Caller, Credentials, CredentialsParts};
use domain::fault::Fault;
use secrets::Redactor;
use store::Store;

use crate::open::{VaultChoice, own_guard, reach, vault};
use crate::{Options, Places, SystemClock, caller};

/// What the light door leads to. Close it, or the store counts as left open.
#[derive(Debug)]
pub struct CredentialDoor {
    /// Gives credentials, keeps consents.
    pub credentials: Credentials,
    store: Arc<Store>,
}

impl CredentialDoor {
    /// Opens the store and finds the vault. Reaches neither a cluster nor, before a secret is needed, the keyring.
    pub async fn open(options: Options) -> Result<Self, Fault> {
        let places = Places::find(options.config_dir.as_deref(), |name| std::env::var_os(name))?;
        places.make()?;
        let redactor = Arc::new(Redactor::default());
        let clock = options.clock.unwrap_or_else(|| Arc::new(SystemClock));
        let store = Arc::new(Store::open(&places.store, clock.clone()).await?);
        let choice = VaultChoice { kind: options.vault, passphrase: options.passphrase, keyring: options.keyring, cost: options.cost };
        let vault = vault(&store, &clock, &redactor, choice).await?;
        let guard = match options.guard {
            Some(guard) => guard,
            None => own_guard()?,
        };
        let reach = reach(&vault, &redactor, &clock, guard).resting_in(store.clone());
        let credentials = Credentials::new(CredentialsParts {
            clusters: store.clone(),
            settings: store.clone(),
            audit: store.clone(),
            reach: Arc::new(reach),
            clock,
        });
        Ok(Self { credentials, store })
    }

    /// The program that started this process; none when the system does not tell.
    pub async fn parent(&self) -> Option<Caller> {
        caller::parent(&*self.store).await
    }

    /// Writes everything that waits and lets the files go.
    pub async fn close(self) -> Result<(), Fault> {
        self.store.close().await
    }
}
