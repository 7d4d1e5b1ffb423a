//! What a client is made from.

use std::time::Duration;

use domain::fault::ServerFault;
use domain::protocol::{Common, TlsSettings};

use crate::address::AddressRule;
use crate::proxy::ProxyChoice;

/// What a client is made from. The files are read when the client is made.
#[derive(Debug, Clone)]
pub struct ClientSettings {
    /// Further roots and a client certificate.
    pub tls: TlsSettings,
    /// Further roots that are at hand as text (PEM).
    pub roots_pem: Option<String>,
    /// Which proxy.
    pub proxy: ProxyChoice,
    /// How long name lookup, proxy, TCP and TLS may take together.
    pub connect_timeout: Duration,
    /// How long an unused connection is kept. Below the 5 s after which Node and uvicorn close theirs, because a call that meets a closing
    /// connection is lost, and a lost call is never sent again.
    pub keep_idle: Duration,
    /// Where the client may connect to.
    pub addresses: AddressRule,
}

impl Default for ClientSettings {
    fn default() -> Self {
        Self {
            tls: TlsSettings::default(),
            roots_pem: None,
            proxy: ProxyChoice::System,
            connect_timeout: Duration::from_secs(10),
            keep_idle: Duration::from_secs(4),
            addresses: AddressRule::Any,
        }
    }
}

impl ClientSettings {
    /// What a server's common settings say.
    pub fn of(common: &Common) -> Result<Self, ServerFault> {
        Ok(Self { tls: common.tls.clone().unwrap_or_default(), proxy: ProxyChoice::parse(common.proxy.as_ref())?, ..Self::default() })
    }
}
