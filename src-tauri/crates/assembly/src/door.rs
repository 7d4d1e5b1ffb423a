//! The door of the running app: `pilot kube-credential` comes here, so that an open vault serves it and a person can be asked in the window.
//!
//! **Invariant:** nothing is read from a process of another user, and who asks is what the system says about the process at the other end,
//! never what it says of itself. Nothing here decides who gets a credential: that is [`app::credentials`].
//!
//! One connection, one request. The app looks at the process first and says hello; then comes one line of JSON with the cluster and the
//! content of `KUBERNETES_EXEC_INFO`, and one line back with the document or the reason. On Windows there is no door: a named pipe with
//! an owner-only access list cannot be made without unsafe code, and the helper opens the vault itself there.

#[cfg(unix)]
mod call;
#[cfg(unix)]
mod peer;
#[cfg(unix)]
mod place;
#[cfg(unix)]
mod serve;

use std::path::Path;
use std::sync::Arc;

use app::App;
use domain::fault::Fault;
use domain::secret::Secret;
use serde::{Deserialize, Serialize};

/// The largest request: an environment variable is at most 128 KiB, and every character of it may be escaped.
#[cfg(unix)]
const LARGEST_REQUEST: u64 = 512 * 1024;
/// The largest answer: a chain of certificates and a key are a few KiB.
#[cfg(unix)]
const LARGEST_ANSWER: u64 = 4 * 1024 * 1024;
/// What the app says first.
#[cfg(unix)]
const HELLO: &[u8] = b"pilothouse 1\n";

/// What a caller says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    /// The cluster.
    id: String,
    /// What its own caller put into `KUBERNETES_EXEC_INFO`.
    info: Option<String>,
}

/// What it is told: one of the two.
#[derive(Debug, Deserialize)]
struct Reply {
    credential: Option<Secret>,
    fault: Option<Fault>,
}

/// A door that is open. Close it before the app is shut down.
#[derive(Debug)]
pub struct Door {
    #[cfg(unix)]
    opened: serve::Opened,
}

impl Door {
    /// Opens it. None when another running app of the same configuration has it, and where there is none. `helper` is the program that may
    /// come in; else `pilot` beside this program, or this program.
    pub async fn open(app: &Arc<App>, helper: Option<&Path>) -> Result<Option<Self>, Fault> {
        #[cfg(unix)]
        {
            let helper = match helper {
                Some(helper) => helper.to_owned(),
                None => crate::open::own_guard()?.first().map(Into::into).unwrap_or_default(),
            };
            Ok(serve::open(app.clone(), helper)?.map(|opened| Self { opened }))
        }
        #[cfg(not(unix))]
        {
            let _ = (app, helper);
            Ok(None)
        }
    }

    /// Where it is.
    #[cfg(unix)]
    pub fn path(&self) -> &Path {
        self.opened.path()
    }

    /// Lets nobody in any more, sends those away who wait, and removes the socket's file.
    pub async fn close(self) {
        #[cfg(unix)]
        self.opened.close().await;
    }
}

/// Asks the running app for a credential. None when there is none to ask, or when it says that it cannot tell who asks: then the caller
/// does by itself what the app would have done, by the same rules.
///
/// A process that called [`crate::harden`] cannot be looked at by the app: this calls it, once the app has looked.
pub async fn ask_running_app(config_dir: Option<&Path>, id: &str, info: Option<String>) -> Option<Result<Secret, Fault>> {
    #[cfg(unix)]
    {
        call::ask(config_dir, Request { id: id.to_owned(), info }).await
    }
    #[cfg(not(unix))]
    {
        let _ = (config_dir, Request { id: id.to_owned(), info });
        None
    }
}
