//! A live MCP session: requests go out through rmcp's peer, replies come back as plain JSON.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use domain::fault::ServerFault;
use domain::protocol::{CallIo, CallReq, Completions, ConnectCx, Logging, Prompts, Resources, Session, SessionEvent};
use domain::server::PeerFacts;
use domain::ticket::Ticket;
use domain::tool::{Catalogue, ToolResult};
use domain::{Json, JsonMap};
use rmcp::RoleClient;
use rmcp::model::{
    CancelledNotification, CancelledNotificationParam, ClientRequest, CustomRequest, NumberOrString, RequestMetaObject, ServerCapabilities,
    ServerPeerInfo, ServerResult,
};
use rmcp::service::{Peer, PeerRequestOptions, RequestHandle, ServiceError, serve_directly_with_ct};
use rmcp::transport::Transport;
use serde_json::json;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::answers::{Answers, Door};
use super::express::Ids;
use super::handshake::{Extras, Open1};
use super::intake::{Intake, Slot, era};
use super::listing::{Headers, Pages, add_tools, tool_result};
use super::watch::Watch;

/// Calls under way at once; further ones wait, and of those that wait only so many.
const IN_FLIGHT: usize = 64;
const WAITING: usize = 256;
/// Rounds of questions within one call (C-53).
const ROUNDS: usize = 8;
/// Bytes of a state that is echoed.
const STATE: usize = 1024 * 1024;
/// Questions in one round.
const QUESTIONS: usize = 64;
/// How long closing waits for the transport.
const CLOSE: Duration = Duration::from_secs(12);

/// What a transport wants to know of a session's lists.
pub(crate) trait Learn: Send + Sync {
    /// The tools that were listed, so that headers can be made from their arguments.
    fn tools(&self, catalogue: &Catalogue);
}

/// A live MCP session.
pub(crate) struct McpSession {
    pub(crate) peer: Peer<RoleClient>,
    pub(crate) intake: Arc<Intake>,
    pub(crate) cx: ConnectCx,
    facts: PeerFacts,
    capabilities: JsonMap,
    answers: Arc<Answers>,
    places: Semaphore,
    waiting: AtomicUsize,
    /// The level that requests name in the modern era.
    pub(crate) log_level: Mutex<Option<String>>,
    pub(crate) watch: Watch,
    learn: Option<Arc<dyn Learn>>,
    extras: Extras,
    pub(super) ids: Ids,
    closing: Arc<AtomicBool>,
    done: CancellationToken,
}

impl std::fmt::Debug for McpSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("McpSession").field("server", &self.cx.server).field("facts", &self.facts).finish_non_exhaustive()
    }
}

impl McpSession {
    /// Takes over an open connection: from here on rmcp drives it.
    pub(crate) fn start<T: Transport<RoleClient> + 'static>(
        cx: ConnectCx,
        open: Open1<T>,
        learn: Option<Arc<dyn Learn>>,
    ) -> Arc<dyn Session> {
        let Open1 { transport, intake, extras, agreed } = open;
        let answers = Answers::new(cx.clone());
        let tasks = cx.tasks.clone();
        let door = Door { answers: answers.clone(), over: intake.over.clone() };
        let info = ServerPeerInfo::new(agreed.version.clone(), ServerCapabilities::default());
        let running = serve_directly_with_ct(door, transport, Some(info), intake.over.clone());
        let mut facts = agreed.facts;
        facts.pid = extras.pid;
        let session = Arc::new(Self {
            peer: running.peer().clone(),
            intake: intake.clone(),
            facts,
            capabilities: agreed.capabilities,
            answers,
            places: Semaphore::new(IN_FLIGHT),
            waiting: AtomicUsize::new(0),
            log_level: Mutex::default(),
            watch: Watch::default(),
            learn,
            extras,
            ids: Ids::default(),
            closing: Arc::default(),
            done: CancellationToken::new(),
            cx,
        });
        let (closing, done, stop) = (session.closing.clone(), session.done.clone(), session.cx.stop.clone());
        tasks.spawn(async move {
            let _done = done.drop_guard();
            // The reason is in the intake; rmcp only knows that it is over.
            let _ = running.waiting().await;
            intake.over.cancel();
            if !closing.load(Ordering::Acquire) && !stop.is_cancelled() {
                let fault = intake.cause().unwrap_or_else(|| intake.lost(false));
                intake.host.event(SessionEvent::Ended(fault));
            }
        });
        super::watch::start(&session);
        session
    }

    pub(crate) fn modern(&self) -> bool {
        self.intake.era() == era::MODERN
    }

    pub(crate) fn offers(&self, ability: &str) -> bool {
        self.capabilities.contains_key(ability)
    }

    pub(crate) fn flag(&self, ability: &str, name: &str) -> bool {
        self.capabilities.get(ability).and_then(|ability| ability.get(name)) == Some(&Json::Bool(true))
    }

    /// One request without questions in between.
    pub(crate) async fn ask(&self, method: &'static str, params: JsonMap, io: Option<&CallIo>) -> Result<Json, ServerFault> {
        if self.intake.over.is_cancelled() {
            return Err(self.intake.lost(false));
        }
        if let Some(way) = self.extras.express.as_deref().filter(|_| self.intake.era() == era::LEGACY)
            && let Some(reply) = self.express(way, method, &params, io).await?
        {
            return Ok(reply);
        }
        Box::pin(self.through_rmcp(method, params, io)).await
    }

    async fn through_rmcp(&self, method: &'static str, params: JsonMap, io: Option<&CallIo>) -> Result<Json, ServerFault> {
        let slot = Slot::new(method, io.cloned());
        let mut request = CustomRequest::new(method, Some(Json::Object(params)));
        request.extensions.insert(slot.clone());
        let handle = self
            .peer
            .send_request_with_option(ClientRequest::CustomRequest(request), self.options())
            .await
            .map_err(|error| self.fault(error, &slot))?;
        let RequestHandle { rx, id, .. } = handle;
        let mut abandoned = Abandoned { session: self, id: Some(id), slot: slot.clone() };
        let given_up = async {
            match io {
                Some(io) => io.cancel.cancelled().await,
                None => std::future::pending().await,
            }
        };
        let reply = tokio::select! {
            biased;
            reply = rx => reply,
            () = self.intake.over.cancelled() => {
                abandoned.id = None;
                return Err(slot.fault().unwrap_or_else(|| self.intake.lost(slot.was_sent())));
            }
            () = given_up => return Err(ServerFault::Cancelled),
        };
        abandoned.id = None;
        match reply {
            Ok(Ok(ServerResult::CustomResult(result))) => Ok(result.0),
            Ok(Ok(typed)) => serde_json::to_value(typed).map_err(|fault| ServerFault::Internal { what: fault.to_string() }),
            Ok(Err(error)) => Err(self.fault(error, &slot)),
            Err(_) => Err(slot.fault().unwrap_or_else(|| self.intake.lost(slot.was_sent()))),
        }
    }

    /// A request that may be answered with questions first (`input_required`, revision 2026-07-28): they are put to the person, and the
    /// request is sent again with the answers, under a new id and with the server's state as it came.
    pub(crate) async fn request(&self, method: &'static str, params: JsonMap, io: Option<&CallIo>) -> Result<Json, ServerFault> {
        if !self.modern() {
            return self.ask(method, params, io).await;
        }
        Box::pin(self.modern_request(method, params, io)).await
    }

    async fn modern_request(&self, method: &'static str, base: JsonMap, io: Option<&CallIo>) -> Result<Json, ServerFault> {
        let mut value = self.ask(method, base.clone(), io).await?;
        for _ in 0..ROUNDS {
            match value.get("resultType").and_then(Json::as_str) {
                None | Some("complete") => return Ok(value),
                Some("input_required") => {}
                Some(other) => {
                    let other: String = other.chars().take(100).collect();
                    return Err(ServerFault::ProtocolViolation { rule: format!("a result of the unknown type {other}") });
                }
            }
            let mut params = base.clone();
            let state = value.get_mut("requestState").map(Json::take).filter(|state| !state.is_null());
            let questions = value.get_mut("inputRequests").map(Json::take).unwrap_or_default();
            if state.is_none() && questions.as_object().is_none_or(JsonMap::is_empty) {
                return Err(ServerFault::ProtocolViolation { rule: "input_required without questions and without state".into() });
            }
            if let Some(state) = state {
                if state.as_str().is_none() {
                    return Err(ServerFault::ProtocolViolation { rule: "requestState must be a string".into() });
                }
                if state.as_str().is_some_and(|state| state.len() > STATE) {
                    return Err(ServerFault::ResourceLimit { what: "the state to echo (bytes)".into(), limit: STATE as u64 });
                }
                params.insert("requestState".into(), state);
            }
            if let Json::Object(questions) = questions
                && !questions.is_empty()
            {
                params.insert("inputResponses".into(), Json::Object(Box::pin(self.respond(questions, io)).await?));
            }
            value = self.ask(method, params, io).await?;
        }
        match value.get("resultType").and_then(Json::as_str) {
            None | Some("complete") => Ok(value),
            _ => Err(ServerFault::ResourceLimit { what: "rounds of questions in one call".into(), limit: ROUNDS as u64 }),
        }
    }

    async fn respond(&self, questions: JsonMap, io: Option<&CallIo>) -> Result<JsonMap, ServerFault> {
        if questions.len() > QUESTIONS {
            return Err(ServerFault::ResourceLimit { what: "questions in one round".into(), limit: QUESTIONS as u64 });
        }
        let gone = io.map_or_else(|| self.intake.over.clone(), |io| io.cancel.clone());
        let mut responses = JsonMap::new();
        for (key, mut question) in questions {
            let method = question.get("method").and_then(Json::as_str).unwrap_or_default().to_owned();
            let params = question.get_mut("params").map(Json::take).unwrap_or_default();
            if !matches!(method.as_str(), "elicitation/create" | "sampling/createMessage" | "roots/list") {
                return Err(ServerFault::ProtocolViolation {
                    rule: format!("input_required asks for {}", method.chars().take(100).collect::<String>()),
                });
            }
            let answer = tokio::select! {
                biased;
                () = self.intake.over.cancelled() => return Err(self.intake.lost(true)),
                answer = self.answers.answer(&method, params, &gone) => answer,
            };
            if io.is_some_and(|io| io.cancel.is_cancelled()) {
                return Err(ServerFault::Cancelled);
            }
            match answer {
                Ok(answer) => responses.insert(key, answer),
                Err(refusal) => {
                    return Err(ServerFault::PolicyDenied { rule: format!("a question of the server was refused: {}", refusal.words) });
                }
            };
        }
        Ok(responses)
    }

    fn options(&self) -> PeerRequestOptions {
        let level = self.log_level.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut options = PeerRequestOptions::no_options();
        if let Some(level) = level.filter(|_| self.modern()) {
            let mut meta = RequestMetaObject::new();
            meta.insert("io.modelcontextprotocol/logLevel".into(), Json::from(level));
            options = options.with_meta(meta);
        }
        options
    }

    fn fault(&self, error: ServiceError, slot: &Slot) -> ServerFault {
        if let Some(fault) = slot.fault() {
            return fault;
        }
        match error {
            ServiceError::McpError(error) => {
                ServerFault::Rpc { code: error.code.0.into(), message: error.message.into_owned(), data: error.data.unwrap_or_default() }
            }
            ServiceError::TransportSend(error) => match error.error.downcast::<ServerFault>() {
                Ok(fault) => *fault,
                Err(other) => ServerFault::ConnectionLost { reason: other.to_string(), lost_result: slot.was_sent() },
            },
            ServiceError::Cancelled { .. } => ServerFault::Cancelled,
            _ => self.intake.lost(slot.was_sent()),
        }
    }

    /// A whole list, page by page.
    pub(crate) async fn list(&self, method: &'static str, key: &str) -> Result<Vec<Json>, ServerFault> {
        let mut pages = Pages::default();
        let mut all = Vec::new();
        let mut cursor = None;
        loop {
            let mut page = self.page(method, cursor.take()).await?;
            let next = pages.next(&page);
            all.append(&mut items(&mut page, key)?);
            match next {
                Some(next) => cursor = Some(next),
                None => return Ok(all),
            }
        }
    }

    async fn page(&self, method: &'static str, cursor: Option<String>) -> Result<Json, ServerFault> {
        let mut params = JsonMap::new();
        if let Some(cursor) = cursor {
            params.insert("cursor".into(), cursor.into());
        }
        self.ask(method, params, None).await
    }

    async fn place(&self) -> Result<tokio::sync::SemaphorePermit<'_>, ServerFault> {
        if let Ok(permit) = self.places.try_acquire() {
            return Ok(permit);
        }
        if self.waiting.fetch_add(1, Ordering::AcqRel) >= WAITING {
            self.waiting.fetch_sub(1, Ordering::AcqRel);
            return Err(ServerFault::ResourceLimit { what: "calls that wait for this server".into(), limit: WAITING as u64 });
        }
        let _waiting = Leave(&self.waiting);
        self.places.acquire().await.map_err(|_| self.intake.lost(false))
    }
}

/// Counts out whoever stops waiting, also by being dropped.
struct Leave<'a>(&'a AtomicUsize);

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Tells the peer when nobody waits for a reply any more.
pub(super) struct Abandoned<'a> {
    pub(super) session: &'a McpSession,
    pub(super) id: Option<NumberOrString>,
    pub(super) slot: Arc<Slot>,
}

impl Abandoned<'_> {
    /// The request did not get to the peer, or came back: there is nobody to tell, and nothing to expect.
    pub(super) fn let_go(&mut self) {
        if let Some(NumberOrString::Number(id)) = self.id.take() {
            self.session.intake.forget(id);
        }
    }
}

impl Drop for Abandoned<'_> {
    fn drop(&mut self) {
        let Some(id) = self.id.take() else { return };
        if let NumberOrString::Number(id) = id {
            self.session.intake.give_up(id);
        }
        self.slot.fail(ServerFault::Cancelled);
        let peer = self.session.peer.clone();
        let over = self.session.intake.over.clone();
        let reason = Some("the caller gave up".to_owned());
        let notification = CancelledNotification::new(CancelledNotificationParam::new(Some(id), reason));
        self.session.cx.tasks.spawn(async move {
            tokio::select! {
                () = over.cancelled() => {}
                _ = peer.send_notification(notification.into()) => {}
            }
        });
    }
}

fn items(page: &mut Json, key: &str) -> Result<Vec<Json>, ServerFault> {
    match page.get_mut(key).map(Json::take) {
        Some(Json::Array(items)) => Ok(items),
        None | Some(Json::Null) => Ok(Vec::new()),
        Some(_) => Err(ServerFault::ProtocolViolation { rule: format!("{key} must be a list") }),
    }
}

/// What a JSON-RPC error means for a tool call.
fn unknown_tool(fault: ServerFault, name: &str) -> ServerFault {
    match &fault {
        ServerFault::Rpc { code: -32602, message, .. } if message.to_ascii_lowercase().contains("unknown tool") => {
            ServerFault::NoSuch { what: "tool", name: name.to_owned() }
        }
        _ => fault,
    }
}

#[async_trait]
impl Session for McpSession {
    fn facts(&self) -> PeerFacts {
        self.facts.clone()
    }

    async fn tools(&self) -> Result<Catalogue, ServerFault> {
        let headers = if self.modern() && self.learn.is_some() { Headers::Checked } else { Headers::Unused };
        let (mut catalogue, mut names, mut pages, mut cursor) = (Catalogue::default(), HashSet::new(), Pages::default(), None);
        loop {
            let mut page = match self.page("tools/list", cursor.take()).await {
                // A server without tools that says so is no fault.
                Err(ServerFault::Rpc { code: -32601, .. }) if !self.offers("tools") => break,
                page => page?,
            };
            let next = pages.next(&page);
            let room = add_tools(&mut catalogue, &mut names, items(&mut page, "tools")?, headers);
            match next {
                Some(next) if room => cursor = Some(next),
                _ => break,
            }
        }
        catalogue.partial = catalogue.partial.or(pages.partial);
        if let Some(learn) = &self.learn {
            learn.tools(&catalogue);
        }
        Ok(catalogue)
    }

    async fn call(&self, _ticket: &Ticket, req: CallReq, io: CallIo) -> Result<ToolResult, ServerFault> {
        let _place = tokio::select! {
            biased;
            () = io.cancel.cancelled() => return Err(ServerFault::Cancelled),
            place = self.place() => place?,
        };
        let mut params = JsonMap::with_capacity(2);
        params.insert("name".into(), Json::from(req.tool.as_str()));
        params.insert("arguments".into(), Json::Object(req.args));
        let value = self.request("tools/call", params, Some(&io)).await.map_err(|fault| unknown_tool(fault, req.tool.as_str()))?;
        Ok(tool_result(value))
    }

    async fn health(&self) -> Result<(), ServerFault> {
        // There is no ping in the modern era; asking for the era is as cheap.
        let method = if self.modern() { "server/discover" } else { "ping" };
        match self.ask(method, JsonMap::new(), None).await {
            // A server that answers that it knows no ping has answered.
            Ok(_) | Err(ServerFault::Rpc { code: -32601, .. }) => Ok(()),
            Err(fault) => Err(fault),
        }
    }

    async fn close(&self) {
        self.closing.store(true, Ordering::Release);
        self.intake.over.cancel();
        let _ = tokio::time::timeout(CLOSE, self.done.cancelled()).await;
    }

    fn as_resources(&self) -> Option<&dyn Resources> {
        self.offers("resources").then_some(self as &dyn Resources)
    }

    fn as_prompts(&self) -> Option<&dyn Prompts> {
        self.offers("prompts").then_some(self as &dyn Prompts)
    }

    fn as_completions(&self) -> Option<&dyn Completions> {
        self.offers("completions").then_some(self as &dyn Completions)
    }

    fn as_logging(&self) -> Option<&dyn Logging> {
        self.offers("logging").then_some(self as &dyn Logging)
    }

    fn stderr_tail(&self) -> Option<String> {
        self.extras.stderr.as_ref().map(|stderr| stderr())
    }
}

impl Drop for McpSession {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::Release);
        self.intake.over.cancel();
    }
}

/// `{"uri": …}` and the like.
pub(crate) fn params(pairs: &[(&str, Json)]) -> JsonMap {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect()
}

/// The filter of a modern subscription.
pub(crate) fn filter(session: &McpSession, uris: &[String]) -> Option<JsonMap> {
    let mut wanted = JsonMap::new();
    for (ability, name) in [("tools", "toolsListChanged"), ("prompts", "promptsListChanged"), ("resources", "resourcesListChanged")] {
        if session.flag(ability, "listChanged") {
            wanted.insert(name.into(), Json::Bool(true));
        }
    }
    if !uris.is_empty() {
        wanted.insert("resourceSubscriptions".into(), json!(uris));
    }
    (!wanted.is_empty()).then_some(wanted)
}
