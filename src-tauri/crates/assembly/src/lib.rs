//! The only place where leaves meet traits: opens the store, resolves secrets, builds the App.
//!
//! Both doors call [`open`]. Nothing here decides anything about a call; what it decides is where things are on this machine.

mod browser;
mod caller;
mod clock;
mod credentials;
mod door;
mod first_run;
mod guard;
mod harden;
pub mod logging;
mod open;
mod places;
mod probes;

pub use browser::Browser;
pub use caller::caller_of;
pub use clock::SystemClock;
pub use credentials::CredentialDoor;
pub use door::{Door, ask_running_app};
pub use guard::guard_main;
pub use harden::{harden, harden_later};
pub use open::{Notice, Options, open};
pub use places::{Places, user_name, usual_kubeconfigs};
pub use probes::{expand, probes};
pub use secrets::{Cost, PassphraseSource};
