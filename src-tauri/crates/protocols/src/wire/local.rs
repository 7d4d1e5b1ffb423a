//! `local`: tools that live in this process, called as they are.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::fault::{Fault, Phase, ServerFault};
use domain::local::{LocalModule, LocalSettings, LocalTools};
use domain::protocol::{CallIo, CallReq, Common, ConnectCx, Foreseen, Session, TypedProtocol};
use domain::server::PeerFacts;
use domain::text::Text;
use domain::ticket::Ticket;
use domain::tool::{Catalogue, ToolResult};
use futures::FutureExt as _;
use tokio_util::sync::CancellationToken;

/// Opening a folder may hang on a network file system.
const OPENING: Duration = Duration::from_secs(30);

/// The protocol.
#[derive(Debug)]
pub(super) struct Local {
    tools: Arc<dyn LocalTools>,
}

impl Local {
    pub(super) fn new(tools: Arc<dyn LocalTools>) -> Self {
        Self { tools }
    }
}

#[async_trait]
impl TypedProtocol for Local {
    const ID: &'static str = "local";
    type Settings = LocalSettings;

    fn label(&self) -> Text {
        Text::new("Built in", "内置")
    }

    fn about(&self) -> Text {
        let modules = self.tools.modules();
        let list = |pick: fn(&Text) -> &str| modules.iter().map(|module| pick(&module.about)).collect::<Vec<_>>().join(" ");
        Text::new(
            format!("Tools inside Pilothouse itself; nothing to install. {}", list(|text| &text.en)),
            format!("Pilothouse 自带的工具，无需安装。{}", list(|text| &text.zh)),
        )
    }

    fn health(&self) -> Text {
        Text::new("The module is there, and so are its folders.", "模块可用，其文件夹存在。")
    }

    fn target(&self, settings: &LocalSettings) -> String {
        self.tools.target(settings)
    }

    fn check(&self, settings: &LocalSettings, _: &Common) -> Result<(), ServerFault> {
        self.tools.check(settings)
    }

    async fn connect(&self, cx: ConnectCx, common: Common, settings: LocalSettings) -> Result<Arc<dyn Session>, ServerFault> {
        let patience = common.start_patience(OPENING);
        let tools = Arc::clone(&self.tools);
        // Not one of the session's tasks: a folder that never opens must not keep anybody from ending.
        let opening = tokio::task::spawn_blocking(move || tools.open(&settings));
        let module = tokio::select! {
            () = cx.stop.cancelled() => return Err(ServerFault::Cancelled),
            opened = tokio::time::timeout(patience, opening) => opened
                .map_err(|_| ServerFault::Timeout { phase: Phase::Connect, after: patience })?
                .map_err(|fault| ServerFault::Internal { what: format!("a built-in module does not open: {fault}") })??,
        };
        Ok(Arc::new(LocalSession { module, stop: cx.stop.child_token() }))
    }
}

/// A session with one module.
#[derive(Debug)]
struct LocalSession {
    module: Arc<dyn LocalModule>,
    stop: CancellationToken,
}

impl LocalSession {
    /// Waits for work of the module, unless the session ends first. A module that panics gives a fault.
    async fn of_module<T>(&self, lost_result: bool, work: impl Future<Output = Result<T, ServerFault>>) -> Result<T, ServerFault> {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Err(ServerFault::ConnectionLost { reason: "the session was closed".into(), lost_result }),
            outcome = AssertUnwindSafe(work).catch_unwind() => outcome.unwrap_or_else(|_| {
                Err(ServerFault::Internal { what: format!("the built-in module {} came to a sudden end", self.module.info().id) })
            }),
        }
    }
}

#[async_trait]
impl Session for LocalSession {
    fn facts(&self) -> PeerFacts {
        PeerFacts {
            name: self.module.info().id,
            version: env!("CARGO_PKG_VERSION").into(),
            revision: "in-process".into(),
            era: "none".into(),
            abilities: vec!["tools".into()],
            instructions: None,
            pid: None,
        }
    }

    async fn tools(&self) -> Result<Catalogue, ServerFault> {
        self.of_module(false, async { Ok(Catalogue { tools: self.module.tools(), ..Catalogue::default() }) }).await
    }

    async fn call(&self, _: &Ticket, req: CallReq, io: CallIo) -> Result<ToolResult, ServerFault> {
        if self.stop.is_cancelled() {
            return Err(ServerFault::ConnectionLost { reason: "the session was closed".into(), lost_result: false });
        }
        self.of_module(true, self.module.call(&req.tool, req.args, io)).await
    }

    async fn foresee(&self, req: &CallReq) -> Option<Result<Foreseen, Fault>> {
        let work = async { Ok(self.module.foresee(&req.tool, &req.args).await) };
        // What ends the session is told by the call itself.
        self.of_module(false, work).await.unwrap_or_default()
    }

    async fn health(&self) -> Result<(), ServerFault> {
        self.of_module(false, self.module.health()).await
    }

    async fn close(&self) {
        self.stop.cancel();
    }
}

#[cfg(test)]
mod tests {
    use domain::JsonMap;
    use domain::id::ToolName;
    use domain::local::ModuleInfo;
    use domain::tool::Tool;

    use super::*;

    #[derive(Debug)]
    struct Bad;

    #[async_trait]
    impl LocalModule for Bad {
        fn info(&self) -> ModuleInfo {
            ModuleInfo { id: "bad".into(), label: Text::same("Bad"), about: Text::same("Bad") }
        }

        fn tools(&self) -> Vec<Tool> {
            panic!("no tools today")
        }

        async fn call(&self, tool: &ToolName, _: JsonMap, _: CallIo) -> Result<ToolResult, ServerFault> {
            match tool.as_str() {
                "panics" => panic!("in the middle"),
                "waits" => std::future::pending().await,
                _ => Ok(ToolResult::of_text("fine")),
            }
        }

        async fn health(&self) -> Result<(), ServerFault> {
            panic!("not well")
        }
    }

    #[tokio::test]
    async fn c60_a_module_that_panics_gives_faults_and_the_session_goes_on() {
        let session = LocalSession { module: Arc::new(Bad), stop: CancellationToken::new() };
        let sudden = ServerFault::Internal { what: "the built-in module bad came to a sudden end".into() };
        assert_eq!(session.tools().await, Err(sudden.clone()));
        assert_eq!(session.health().await, Err(sudden.clone()));
        let call = async |tool: &str| session.module.call(&tool.into(), JsonMap::new(), CallIo::quiet()).await;
        assert_eq!(session.of_module(true, call("panics")).await, Err(sudden));
        assert_eq!(session.of_module(true, call("works")).await, Ok(ToolResult::of_text("fine")));
    }

    #[tokio::test]
    async fn closing_ends_what_waits_and_says_that_the_result_is_lost() {
        let session = LocalSession { module: Arc::new(Bad), stop: CancellationToken::new() };
        let waiting = session.of_module(true, async { session.module.call(&"waits".into(), JsonMap::new(), CallIo::quiet()).await });
        let (ended, ()) = tokio::join!(waiting, session.close());
        assert_eq!(ended, Err(ServerFault::ConnectionLost { reason: "the session was closed".into(), lost_result: true }));
        session.close().await;
        assert!(session.tools().await.is_err(), "a closed session answers nothing");
    }
}
