//! A request's way past rmcp: whoever waits for the reply sends the request, and the intake hands them the reply.
//!
//! Through rmcp a request passes a queue, the session's task, a task of its own and, over HTTP, a worker with two more queues; the way
//! back is as long. All that is wanted of rmcp for a request of the legacy era is its frame, so it is framed here. rmcp still runs the
//! first exchange, what the server asks, notifications, the modern era, and an HTTP session that has to be opened anew.
//!
//! **Invariant:** a request that was turned back was not carried out, and is sent again through rmcp; no other is sent twice.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use domain::fault::ServerFault;
use domain::protocol::CallIo;
use domain::{Json, JsonMap};
use futures::FutureExt as _;
use futures::future::{BoxFuture, Either, ready};
use rmcp::model::NumberOrString;
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

use super::intake::Slot;
use super::session::{Abandoned, McpSession};

/// rmcp counts its ids from 0, and the first exchange has two beyond these (see `handshake`).
const FIRST: i64 = 1_000_000_000;
const IDS: u32 = 900_000_000;

/// How a request went out.
pub(crate) enum Went {
    /// It is on its way; the reply comes through the intake.
    Away,
    /// It was not carried out: it has to go through rmcp.
    TurnedBack,
}

/// What a transport does for requests that it is given directly.
pub(crate) trait Express: Send + Sync {
    /// Sends a request whose reply the intake expects.
    fn send(&self, id: i64, text: Bytes, slot: Arc<Slot>) -> BoxFuture<'static, Result<Went, ServerFault>>;
    /// Whether a send that began has to come to its end whatever its caller does, because others wait behind it.
    fn to_the_end(&self) -> bool;
}

/// The ids of one session's requests.
#[derive(Debug, Default)]
pub(crate) struct Ids(AtomicU32);

impl Ids {
    fn next(&self) -> i64 {
        FIRST + i64::from(self.0.fetch_add(1, Ordering::Relaxed) % IDS)
    }
}

/// A request as it goes over the wire, out of parts that are only looked at.
#[derive(Serialize)]
struct Framed<'r> {
    jsonrpc: &'static str,
    id: i64,
    method: &'static str,
    params: Params<'r>,
}

struct Params<'r> {
    given: &'r JsonMap,
    token: Option<i64>,
}

impl Serialize for Params<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Meta {
            progress_token: i64,
        }
        let mut map = serializer.serialize_map(Some(self.given.len() + usize::from(self.token.is_some())))?;
        if let Some(progress_token) = self.token {
            map.serialize_entry("_meta", &Meta { progress_token })?;
        }
        for (key, value) in self.given {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

fn framed(id: i64, method: &'static str, given: &JsonMap, token: Option<i64>) -> Result<Bytes, ServerFault> {
    let framed = Framed { jsonrpc: "2.0", id, method, params: Params { given, token } };
    let mut text = Vec::with_capacity(256);
    serde_json::to_writer(&mut text, &framed)
        .map_err(|fault| ServerFault::Internal { what: format!("a message would not encode: {fault}") })?;
    Ok(text.into())
}

impl McpSession {
    /// Sends a request and waits for its reply. Nothing when it was turned back.
    pub(super) async fn express(
        &self,
        way: &dyn Express,
        method: &'static str,
        params: &JsonMap,
        io: Option<&CallIo>,
    ) -> Result<Option<Json>, ServerFault> {
        let id = self.ids.next();
        let token = io.is_some_and(|io| io.events.is_some()).then_some(id);
        let text = framed(id, method, params, token)?;
        let (slot, mut reply) = Slot::express(method, io.cloned());
        self.intake.outgoing_express(id, &slot, token);
        let mut abandoned = Abandoned { session: self, id: Some(NumberOrString::Number(id)), slot: slot.clone() };
        let mut sending = Either::Left(way.send(id, text, slot.clone()));
        let mut away = false;
        if way.to_the_end() {
            // Mostly it is done at once. What is not goes on in a task: a caller who does not look must not hold the line.
            sending = match (&mut sending).now_or_never() {
                Some(went) => Either::Right(ready(went)),
                None => {
                    let task = self.cx.tasks.spawn(sending);
                    Either::Left(Box::pin(async { task.await.unwrap_or(Err(ServerFault::Cancelled)) }))
                }
            };
        }
        let mut given_up = pin!(async {
            match io {
                Some(io) => io.cancel.cancelled().await,
                None => std::future::pending().await,
            }
        });
        let mut over = pin!(self.intake.over.cancelled());
        let reply = loop {
            tokio::select! {
                biased;
                went = &mut sending, if !away => match went {
                    Ok(Went::Away) => away = true,
                    Ok(Went::TurnedBack) => {
                        abandoned.let_go();
                        return Ok(None);
                    }
                    Err(fault) => {
                        abandoned.let_go();
                        return Err(slot.fault().unwrap_or(fault));
                    }
                },
                reply = &mut reply => break reply.map_err(|_| ()),
                () = &mut over => {
                    abandoned.id = None;
                    return Err(slot.fault().unwrap_or_else(|| self.intake.lost(slot.was_sent())));
                }
                () = &mut given_up => return Err(ServerFault::Cancelled),
            }
        };
        abandoned.id = None;
        match reply {
            Ok(Some(value)) => Ok(Some(value)),
            Ok(None) | Err(()) => Err(slot.fault().unwrap_or_else(|| self.intake.lost(slot.was_sent()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn text(params: &Json, token: Option<i64>) -> Json {
        serde_json::from_slice(&framed(7, "tools/call", params.as_object().unwrap(), token).unwrap()).unwrap()
    }

    #[test]
    fn a_request_is_framed_with_its_token_and_nothing_else() {
        let params = json!({ "name": "echo", "arguments": { "a": [1, null, "é\n"] } });
        assert_eq!(text(&params, None), json!({ "jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params }));
        let mut with = params.clone();
        with["_meta"] = json!({ "progressToken": 9 });
        assert_eq!(text(&params, Some(9)), json!({ "jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": with }));
    }

    #[test]
    fn ids_are_never_those_of_rmcp_or_of_the_first_exchange() {
        let ids = Ids(AtomicU32::new(u32::MAX - 1));
        for _ in 0..4 {
            assert!((FIRST..FIRST + i64::from(IDS)).contains(&ids.next()));
        }
    }
}
