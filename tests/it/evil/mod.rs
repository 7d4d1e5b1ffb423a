//! Hostile servers against the assembled app: the adversarial cases, each over every transport that it applies to.
//!
//! Each test plays in a process of its own ([`alone`]), so that what it counts — open files, tasks, children, memory — is the app's and
//! nobody else's. Beside the hostile servers, three good ones over three transports are called all the time and must never notice.

mod docs;
mod matrix;
pub mod siege;
mod wider;

use std::future::Future;
use std::process::Command;
use std::time::Duration;

use testkit::evil::SECRET;

/// The longest that anything is waited for which must come. A loaded machine may be slow; a hang is still found.
const PATIENCE: Duration = Duration::from_secs(60);
/// Says which test plays in this process.
const ALONE: &str = "PILOTHOUSE_EVIL_ALONE";

/// Runs a test in a process of its own, and looks for the secret in all that this process wrote.
fn alone<F: Future<Output = ()>>(module: &str, name: &str, play: impl FnOnce() -> F) {
    let whole = format!("{}::{name}", module.split_once("::").expect("the crate comes first").1);
    if std::env::var(ALONE).is_ok_and(|meant| meant == whole) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(play());
        return;
    }
    let ran = Command::new(std::env::current_exe().unwrap())
        .args([&whole, "--exact", "--nocapture", "--test-threads=1"])
        .env(ALONE, &whole)
        .env("RUST_BACKTRACE", "0")
        // What is freed goes back to the system at once: what is left is held by somebody.
        .env("MALLOC_MMAP_THRESHOLD_", "262144")
        .env("MALLOC_TRIM_THRESHOLD_", "1048576")
        .env("MALLOC_ARENA_MAX", "2")
        .output()
        .unwrap();
    let said = format!("{}\n{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success() && said.contains("1 passed"), "{whole} ended with {}:\n{said}", ran.status);
    if std::env::var_os("PILOTHOUSE_EVIL_TELL").is_some() {
        eprintln!("{said}");
    }
    assert!(!said.contains(SECRET), "the secret was printed:\n{said}");
}

/// Defines a test that plays in a process of its own.
macro_rules! plays {
    ($($(#[$about:meta])* async fn $name:ident() $body:block)*) => {
        $($(#[$about])* #[test] fn $name() {
            crate::evil::alone(module_path!(), stringify!($name), || async $body);
        })*
    };
}
use plays;
