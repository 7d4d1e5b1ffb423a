//! The echo tools as tools of this process, behind the `local` protocol.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use domain::fault::ServerFault;
use domain::id::ToolName;
use domain::local::{LocalModule, LocalSettings, LocalTools, ModuleInfo};
use domain::protocol::{CallEvent, CallIo};
use domain::text::Text;
use domain::tool::{Tool, ToolResult};
use domain::{Json, JsonMap};
use serde_json::json;
use tokio::sync::Notify;

/// The module, and what it has seen. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct EchoLocal(Arc<State>);

#[derive(Debug, Default)]
struct State {
    cancelled: AtomicU64,
    running: AtomicUsize,
    release: Notify,
}

impl EchoLocal {
    /// How many calls were cancelled.
    pub fn cancelled(&self) -> u64 {
        self.0.cancelled.load(Ordering::SeqCst)
    }

    /// How many calls run now.
    pub fn running(&self) -> usize {
        self.0.running.load(Ordering::SeqCst)
    }

    /// Lets every `hold` that waits go.
    pub fn release(&self) {
        self.0.release.notify_waiters();
    }
}

impl LocalTools for EchoLocal {
    fn modules(&self) -> Vec<ModuleInfo> {
        vec![LocalModule::info(self)]
    }

    fn check(&self, settings: &LocalSettings) -> Result<(), ServerFault> {
        match settings.module() {
            "echo" => Ok(()),
            other => Err(ServerFault::Settings { field: "module".into(), reason: format!("there is no module {other}") }),
        }
    }

    fn target(&self, _: &LocalSettings) -> String {
        "echo".into()
    }

    fn open(&self, settings: &LocalSettings) -> Result<Arc<dyn LocalModule>, ServerFault> {
        self.check(settings)?;
        Ok(Arc::new(self.clone()))
    }
}

/// Counts a call as cancelled when its future is dropped before its end.
struct Running(Arc<State>, bool);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
        if !self.1 {
            self.0.cancelled.fetch_add(1, Ordering::SeqCst);
        }
    }
}

#[async_trait]
impl LocalModule for EchoLocal {
    fn info(&self) -> ModuleInfo {
        ModuleInfo { id: "echo".into(), label: Text::same("Echo"), about: Text::same("Says it back.") }
    }

    fn tools(&self) -> Vec<Tool> {
        super::own_tools().into_iter().filter_map(|tool| serde_json::from_value(tool).ok()).collect()
    }

    async fn call(&self, tool: &ToolName, args: JsonMap, io: CallIo) -> Result<ToolResult, ServerFault> {
        self.0.running.fetch_add(1, Ordering::SeqCst);
        let mut running = Running(Arc::clone(&self.0), false);
        let text = |key: &str| args.get(key).and_then(Json::as_str);
        let number = |key: &str| args.get(key).and_then(Json::as_u64);
        let done = match tool.as_str() {
            "echo" => text("message")
                .map(ToolResult::of_text)
                .ok_or_else(|| ServerFault::SchemaInvalid { path: "/message".into(), reason: "is missing".into() }),
            "fail" => Ok(ToolResult { is_error: true, ..ToolResult::of_text(text("message").unwrap_or("it was asked to fail")) }),
            "big" => Ok(ToolResult::of_text("x".repeat(number("bytes").unwrap_or(1 << 20) as usize))),
            "slow" => {
                let steps = number("steps").unwrap_or(5);
                for step in 1..=steps {
                    tokio::time::sleep(Duration::from_millis(number("ms").unwrap_or(20))).await;
                    let message = Some(format!("step {step} of {steps}"));
                    io.emit(CallEvent::Progress { progress: step as f64, total: Some(steps as f64), message });
                }
                Ok(ToolResult::of_text(format!("done after {steps} steps")))
            }
            "hold" => {
                let woken = self.0.release.notified();
                io.emit(CallEvent::Progress { progress: 0.0, total: Some(1.0), message: Some("holding".into()) });
                tokio::select! {
                    () = woken => Ok(ToolResult::of_text("held and let go")),
                    () = io.cancel.cancelled() => return Err(ServerFault::Cancelled),
                }
            }
            "stats" => Ok(ToolResult::of_text(json!({ "running": self.running(), "cancelled": self.cancelled() }).to_string())),
            other => Err(ServerFault::NoSuch { what: "tool", name: other.to_owned() }),
        };
        running.1 = true;
        done
    }

    async fn health(&self) -> Result<(), ServerFault> {
        Ok(())
    }
}
