//! Log files: one a day, fourteen kept, every line redacted by value before it is written.

use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use domain::secret::Redact;
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Registry, reload};

const KEPT: usize = 14;

/// Crates that log what must not be seen or what nobody wants: never more than `info`, whatever the level is.
const CAPPED: [&str; 8] = ["rmcp", "hyper", "hyper_util", "h2", "reqwest", "sqlx", "rustls", "tungstenite"];

static LEVEL: OnceLock<reload::Handle<EnvFilter, Registry>> = OnceLock::new();

/// Starts logging into this folder. The first caller in a process wins; where a door has set up its own logging, this does nothing.
pub fn start(logs: &Path, redact: Arc<dyn Redact>) {
    let built = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("pilothouse")
        .filename_suffix("log")
        .max_log_files(KEPT)
        .build(logs);
    let Ok(appender) = built else { return };
    let (filter, handle) = reload::Layer::new(filter("info"));
    let lines = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(Redacted::new(appender, redact));
    if tracing_subscriber::registry().with(filter).with(lines).try_init().is_ok() {
        let _ = LEVEL.set(handle);
    }
}

/// Sets how much is logged: `error`, `warn`, `info`, `debug`, `trace`. Another word changes nothing.
pub fn set_level(level: &str) {
    if let Some(handle) = LEVEL.get()
        && ["error", "warn", "info", "debug", "trace"].contains(&level)
    {
        let _ = handle.reload(filter(level));
    }
}

fn filter(level: &str) -> EnvFilter {
    let cap = if matches!(level, "debug" | "trace") { "info" } else { level };
    let capped = CAPPED.map(|target| format!("{target}={cap}"));
    EnvFilter::new(format!("{level},{}", capped.join(",")))
}

/// A writer that sees no secret. `tracing_subscriber` hands over one whole event at a time.
struct Redacted<W> {
    to: Arc<Mutex<W>>,
    redact: Arc<dyn Redact>,
}

impl<W> Redacted<W> {
    fn new(to: W, redact: Arc<dyn Redact>) -> Self {
        Self { to: Arc::new(Mutex::new(to)), redact }
    }
}

impl<W> Clone for Redacted<W> {
    fn clone(&self) -> Self {
        Self { to: Arc::clone(&self.to), redact: Arc::clone(&self.redact) }
    }
}

impl<W: Write> Write for Redacted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        self.to.lock().unwrap_or_else(PoisonError::into_inner).write_all(self.redact.redact(&text).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.lock().unwrap_or_else(PoisonError::into_inner).flush()
    }
}

impl<'w, W: Write + 'w> MakeWriter<'w> for Redacted<W> {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}

#[cfg(test)]
mod tests {
    use domain::secret::Secret;
    use secrets::Redactor;

    use super::*;

    #[test]
    fn a_secret_does_not_reach_the_file_and_loud_crates_are_kept_down() {
        let lines = Redacted::new(Vec::new(), {
            let redactor = Redactor::default();
            redactor.learn(&Secret::new("hunter22"));
            Arc::new(redactor)
        });
        let subscriber = tracing_subscriber::registry()
            .with(filter("debug"))
            .with(tracing_subscriber::fmt::layer().with_ansi(false).with_writer(lines.clone()));
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(url = "https://x/?token=hunter22", "asked");
            tracing::debug!(target: "rmcp::auth", "code=abc");
            tracing::debug!(target: "protocols", "ours");
        });
        let text = String::from_utf8(lines.to.lock().unwrap().clone()).unwrap();
        assert!(text.contains("token=[secret]") && !text.contains("hunter22"), "{text}");
        assert!(!text.contains("code=abc") && text.contains("ours"), "{text}");
    }

    #[test]
    fn a_quieter_level_is_quieter_for_all() {
        assert!(filter("warn").to_string().contains("rmcp=warn"));
        assert!(filter("trace").to_string().contains("rmcp=info"));
    }
}
