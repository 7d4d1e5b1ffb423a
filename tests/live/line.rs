//! A session with a live peer, and the few calls that every test makes.

use std::sync::Arc;
use std::time::Duration;

use domain::Json;
use domain::call_events::call_events;
use domain::fault::ServerFault;
use domain::protocol::{CallEvent, CallIo, CallReq, Protocol, Session};
use domain::tool::{Catalogue, ToolResult};
use testkit::stage::{Stage, ticket};
use tokio_util::sync::CancellationToken;

/// The longest that a test waits for something that must come. Other people's servers start slowly on a loaded machine.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// The protocol of that id.
pub fn protocol(id: &str) -> Arc<dyn Protocol> {
    let local = Arc::new(testkit::echo::EchoLocal::default());
    protocols::registry(local).into_iter().find(|protocol| protocol.info().id.as_str() == id).unwrap()
}

/// A stage whose children are guarded.
pub fn stage() -> Stage {
    Stage::new(&[env!("CARGO_BIN_EXE_live-peer").to_owned(), protocols::guard::WORD.to_owned()])
}

/// A session with a peer.
pub struct Line {
    /// The app's side.
    pub stage: Stage,
    /// The session.
    pub session: Arc<dyn Session>,
}

impl Line {
    /// Connects, or ends the test with the fault.
    pub async fn to(id: &str, settings: Json) -> Self {
        Self::on(stage(), id, settings).await
    }

    /// Connects on a stage that was prepared.
    pub async fn on(stage: Stage, id: &str, settings: Json) -> Self {
        let protocol = protocol(id);
        let connecting = protocol.connect(stage.cx("live"), settings.as_object().unwrap().clone());
        match within("connecting", connecting).await {
            Ok(session) => Self { stage, session },
            Err(fault) => panic!("{id} {settings}: {fault}: {fault:?}"),
        }
    }

    /// The tools; none may be rejected.
    pub async fn tools(&self) -> Catalogue {
        let catalogue = within("listing", self.session.tools()).await.unwrap_or_else(|fault| panic!("listing: {fault:?}"));
        assert_eq!(catalogue.rejected, [], "a real server's tools can all be used");
        assert_eq!(catalogue.partial, None, "the list is whole");
        catalogue
    }

    /// Lists, and looks for these names.
    pub async fn lists(&self, names: &[&str]) {
        let catalogue = self.tools().await;
        for name in names {
            assert!(
                catalogue.tools.iter().any(|tool| tool.name.as_str() == *name),
                "{name} is not in {:?}",
                catalogue.tools.iter().map(|tool| tool.name.as_str()).collect::<Vec<_>>()
            );
        }
    }

    /// Calls, and the answer may be anything.
    pub async fn try_call(&self, tool: &str, args: Json, io: CallIo) -> Result<ToolResult, ServerFault> {
        let ticket = ticket(tool).await;
        let args = args.as_object().unwrap().clone();
        within(tool, self.session.call(&ticket, CallReq { tool: tool.into(), args }, io)).await
    }

    /// Calls, and the tool must succeed.
    pub async fn call(&self, tool: &str, args: Json) -> ToolResult {
        match self.try_call(tool, args.clone(), CallIo::quiet()).await {
            Ok(result) if !result.is_error => result,
            other => panic!("{tool} {args}: {other:?}"),
        }
    }

    /// Calls and collects the progress.
    pub async fn watch(&self, tool: &str, args: Json) -> (ToolResult, Vec<f64>) {
        let (send, mut events) = call_events(256);
        let io = CallIo { cancel: CancellationToken::new(), events: Some(send) };
        let result = self.try_call(tool, args, io).await.unwrap_or_else(|fault| panic!("{tool}: {fault:?}"));
        let mut told = Vec::new();
        while let Some(event) = events.try_recv() {
            if let CallEvent::Progress { progress, .. } = event {
                told.push(progress);
            }
        }
        (result, told)
    }

    /// Starts a long call, waits for its first progress, cancels it, and it says so at once.
    pub async fn cancels(&self, tool: &str, args: Json) {
        let (send, mut events) = call_events(256);
        let cancel = CancellationToken::new();
        let call = self.try_call(tool, args, CallIo { cancel: cancel.clone(), events: Some(send) });
        let steer = async {
            let first = events.recv().await;
            assert!(first.is_some(), "{tool} tells its progress");
            cancel.cancel();
        };
        let (ended, ()) = tokio::join!(call, steer);
        assert_eq!(ended, Err(ServerFault::Cancelled), "{tool} says that it was cancelled");
    }

    /// Closes, and nothing of the session is left.
    pub async fn close(self) {
        let pid = self.session.facts().pid;
        within("closing", self.session.close()).await;
        drop(self.session);
        self.stage.tasks.close();
        within("the session's tasks", self.stage.tasks.wait()).await;
        if let Some(pid) = pid {
            let file = format!("/proc/{pid}");
            within("the process", async {
                while std::path::Path::new(&file).exists() {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            })
            .await;
        }
    }
}

/// Waits, but not for ever.
pub async fn within<T>(what: &str, work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work).await.unwrap_or_else(|_| panic!("{what} took longer than {PATIENCE:?}"))
}

/// Calls until it works: after the server was restarted. Every failure on the way must be one of a connection.
pub async fn recovers(line: &Line, id: &str, settings: &Json, tool: &str, args: &Json, words: &str) {
    let back = async {
        loop {
            match line.try_call(tool, args.clone(), CallIo::quiet()).await {
                Ok(result) => {
                    assert!(result.text().contains(words), "{result:?}");
                    return;
                }
                Err(fault) => {
                    assert_eq!(fault.kind(), domain::fault::FaultKind::Unreachable, "a crash is reported as one: {fault:?}");
                    if fault.ends_session() {
                        // The app's supervisor connects anew here.
                        let again = Line::to(id, settings.clone()).await;
                        assert!(again.call(tool, args.clone()).await.text().contains(words), "a new session works");
                        again.close().await;
                        return;
                    }
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    };
    within("recovering", back).await;
}
