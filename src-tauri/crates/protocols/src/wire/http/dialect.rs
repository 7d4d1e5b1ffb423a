//! The predecessor's REST form: `GET /tools`, `POST /tools/{name}/call`, and where that is missing, `POST /tools/call` with `/events`.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use domain::fault::{Phase, ServerFault};
use domain::protocol::{CallIo, CallReq, Session};
use domain::server::PeerFacts;
use domain::ticket::Ticket;
use domain::tool::{Catalogue, ToolResult};
use net::{Request, Url};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::shapes;
use super::{HEALTH, Line};
use crate::wire::sse::dingbot::{Dingbot, SILENCE};

/// Which way calls go. Known after the first that went through.
mod way {
    pub(super) const UNKNOWN: u8 = 0;
    pub(super) const DIRECT: u8 = 1;
    pub(super) const EVENTS: u8 = 2;
}

/// Asks for the list of tools.
pub(super) async fn list(line: &Line, base: &Url) -> Result<Catalogue, ServerFault> {
    let url = net::below(base, &["tools"]).ok_or_else(over)?;
    let body = line.send(Request::get(url)).await?.ok().await?.json().await?;
    Ok(shapes::catalogue(shapes::definitions(body)?))
}

fn over() -> ServerFault {
    ServerFault::ConnectionLost { reason: "the session was closed".to_owned(), lost_result: false }
}

/// A session. Requests are independent of one another, so it does not end by itself.
#[derive(Debug)]
pub(super) struct Rest {
    line: Line,
    base: Url,
    /// What connecting found out already, for the first who asks.
    first: Mutex<Option<Result<Catalogue, ServerFault>>>,
    way: AtomicU8,
    events: tokio::sync::Mutex<Option<Arc<Dingbot>>>,
    closed: CancellationToken,
}

impl Rest {
    pub(super) fn new(line: Line, base: Url, first: Result<Catalogue, ServerFault>) -> Arc<Self> {
        let closed = line.cx.stop.child_token();
        Arc::new(Self {
            line,
            base,
            first: Mutex::new(Some(first)),
            way: AtomicU8::new(way::UNKNOWN),
            events: tokio::sync::Mutex::default(),
            closed,
        })
    }

    /// The tool's own address. A 404 or 405 means that there is no such address, so nothing was run.
    async fn direct(&self, req: &CallReq) -> Result<ToolResult, ServerFault> {
        let Some(url) = net::below(&self.base, &["tools", req.tool.as_str(), "call"]) else {
            return Err(ServerFault::SchemaInvalid { path: "tool".into(), reason: "this name cannot stand in an address".into() });
        };
        let response = self.line.send(Request::post_json(url, &json!({ "arguments": req.args }))).await?;
        let status = response.status();
        if status.is_success() {
            let body = response.ok().await?.json().await?;
            self.line.frame(false, &body.to_string());
            return Ok(shapes::result(req.tool.as_str(), body));
        }
        let (headers, authenticated) = (response.headers().clone(), response.authenticated());
        let text = response.error_text().await;
        self.line.frame(false, &text);
        shapes::refusal(status.as_u16(), &text).unwrap_or_else(|| Err(net::status_fault(status, &headers, &text, authenticated)))
    }

    /// The line over `/events`, opened when it is first needed and again when it broke.
    async fn events(&self) -> Result<Arc<Dingbot>, ServerFault> {
        let mut slot = self.events.lock().await;
        if let Some(line) = slot.as_ref().filter(|line| line.state().is_ok()) {
            return Ok(line.clone());
        }
        let url = net::below(&self.base, &["events"]).ok_or_else(over)?;
        let open = async {
            let response = self.line.send(Request::events(url)).await?.ok().await?;
            if !response.is_event_stream() {
                return Err(ServerFault::ProtocolViolation { rule: "/events is no event stream".into() });
            }
            let events = response.into_events(Some(SILENCE));
            Dingbot::open(
                &self.line.cx,
                self.line.client.clone(),
                self.base.clone(),
                self.line.headers.clone(),
                events,
                None,
                Box::new(|_| {}),
            )
            .await
        };
        let line = tokio::time::timeout(super::START, open)
            .await
            .map_err(|_| ServerFault::Timeout { phase: Phase::Handshake, after: super::START })??;
        let line = Arc::new(line);
        *slot = Some(line.clone());
        Ok(line)
    }

    async fn run(&self, req: CallReq, io: CallIo) -> Result<ToolResult, ServerFault> {
        let known = self.way.load(Ordering::Acquire);
        if known != way::EVENTS {
            let direct = self.direct(&req).await;
            let missing = matches!(direct, Err(ServerFault::HttpStatus { status: 404 | 405, .. }));
            if !missing {
                if direct.is_ok() {
                    self.way.store(way::DIRECT, Ordering::Release);
                }
                return direct;
            }
            if known == way::DIRECT {
                return Err(ServerFault::NoSuch { what: "tool", name: req.tool.as_str().to_owned() });
            }
            // No stream either: then the first answer is the one that tells something.
            let line = match self.events().await {
                Ok(line) => line,
                Err(ServerFault::HttpStatus { .. } | ServerFault::ProtocolViolation { .. }) => return direct,
                Err(fault) => return Err(fault),
            };
            self.way.store(way::EVENTS, Ordering::Release);
            return line.call(req, io).await;
        }
        self.events().await?.call(req, io).await
    }
}

#[async_trait]
impl Session for Rest {
    fn facts(&self) -> PeerFacts {
        PeerFacts { revision: "rest".into(), era: "none".into(), abilities: vec!["tools".into()], ..PeerFacts::default() }
    }

    async fn tools(&self) -> Result<Catalogue, ServerFault> {
        if let Some(first) = self.first.lock().unwrap_or_else(PoisonError::into_inner).take() {
            return first;
        }
        tokio::select! {
            () = self.closed.cancelled() => Err(over()),
            listed = list(&self.line, &self.base) => listed,
        }
    }

    async fn call(&self, _: &Ticket, req: CallReq, io: CallIo) -> Result<ToolResult, ServerFault> {
        let cancel = io.cancel.clone();
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(ServerFault::Cancelled),
            () = self.closed.cancelled() => Err(ServerFault::ConnectionLost { reason: "the session was closed".into(), lost_result: true }),
            done = self.run(req, io) => done,
        }
    }

    async fn health(&self) -> Result<(), ServerFault> {
        if self.closed.is_cancelled() {
            return Err(over());
        }
        let url = net::below(&self.base, &["health"]).ok_or_else(over)?;
        healthy(self.line.send(Request::get(url))).await
    }

    async fn close(&self) {
        self.closed.cancel();
        if let Some(line) = self.events.lock().await.take() {
            line.close();
        }
    }
}

/// Whether a service answers in time. One without such a page is well, since it answers.
pub(super) async fn healthy(answer: impl Future<Output = Result<net::Response, ServerFault>>) -> Result<(), ServerFault> {
    match tokio::time::timeout(HEALTH, answer).await {
        Err(_) => Err(ServerFault::Timeout { phase: Phase::Health, after: HEALTH }),
        Ok(Err(fault)) => Err(fault),
        Ok(Ok(answer)) if matches!(answer.status().as_u16(), 404 | 405 | 501) => Ok(()),
        Ok(Ok(answer)) => match tokio::time::timeout(HEALTH, answer.ok()).await {
            Ok(answer) => answer.map(drop),
            Err(_) => Err(ServerFault::Timeout { phase: Phase::Health, after: HEALTH }),
        },
    }
}
