//! `pilot health`: how servers are, asked now.

use std::time::Duration;

use app::{HealthView, ServerView};
use domain::Json;
use domain::fault::Fault;
use domain::id::{Millis, ServerId};
use domain::server::ServerState;
use futures::future::join_all;
use serde::Serialize;

use super::{millis, moment};
use crate::args::{Form, OneOff};
use crate::context::Context;
use crate::out::bare_fault;
use crate::table::Table;

/// A server's health as scripts see it. The fields are the contract.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct HealthRow {
    server: String,
    #[serde(rename = "type")]
    protocol: String,
    state: &'static str,
    reason: Option<Json>,
    latency_ms: Option<f64>,
    since: Millis,
    #[serde(skip)]
    why: Option<Fault>,
}

/// Asks once, or again and again until Ctrl-C. The exit code speaks of the server where one is named.
pub(super) async fn run(cx: &Context, server: Option<String>, every: Option<u64>, one_off: &OneOff) -> Result<u8, Fault> {
    let one = cx.maybe_server(server.as_deref(), one_off).await?;
    loop {
        let rows = match cx.or_stop(round(cx, one.as_ref())).await {
            Err(_) if every.is_some() && cx.stop.is_cancelled() => return Ok(0),
            rows => rows?,
        };
        show(cx, &rows, every.is_some());
        let Some(seconds) = every else {
            let fault = one.as_ref().and_then(|_| rows.first()).and_then(|row| row.why.as_ref());
            return Ok(fault.map_or(0, |fault| fault.kind.exit_code()));
        };
        tokio::select! {
            () = cx.stop.cancelled() => return Ok(0),
            () = tokio::time::sleep(Duration::from_secs(seconds)) => {}
        }
        if cx.out.broken() {
            return Ok(0);
        }
    }
}

async fn round(cx: &Context, one: Option<&ServerId>) -> Result<Vec<HealthRow>, Fault> {
    let views = match one {
        Some(id) => vec![cx.app.book.get(id.as_str()).await?],
        None => cx.app.book.list().await?,
    };
    join_all(views.iter().map(|view| row(cx, view, one.is_some()))).await.into_iter().collect()
}

async fn row(cx: &Context, view: &ServerView, named: bool) -> Result<HealthRow, Fault> {
    // Servers that are switched off or wait for a person are not touched by an overview.
    let resting = matches!(view.state, ServerState::Disabled) || (!named && matches!(view.state, ServerState::NeedsReview { .. }));
    if resting {
        return Ok(HealthRow {
            server: view.def.name.clone(),
            protocol: view.def.protocol.to_string(),
            state: view.state.word(),
            reason: None,
            latency_ms: None,
            since: view.since,
            why: None,
        });
    }
    let HealthView { server, protocol, state, reason, latency_ms, since, .. } = cx.app.sessions.health(&view.def.id, &cx.actor).await?;
    Ok(HealthRow {
        server,
        protocol,
        state,
        reason: reason.as_ref().map(|fault| bare_fault(fault, cx.out.lang())),
        latency_ms,
        since,
        why: reason,
    })
}

fn show(cx: &Context, rows: &[HealthRow], again: bool) {
    if again && cx.out.form() == Form::Json {
        // One round a line, so that a reader can follow.
        cx.out.line(&serde_json::to_string(rows).unwrap_or_default());
        return;
    }
    cx.out.list(rows, || {
        let mut table = Table::new(["SERVER", "TYPE", "STATE", "MS", "SINCE", "REASON"]);
        for row in rows {
            let why = row.why.as_ref().map_or_else(String::new, |fault| cx.out.pick(&fault.message).to_owned());
            table.row([row.server.clone(), row.protocol.clone(), row.state.to_owned(), millis(row.latency_ms), moment(row.since), why]);
        }
        table
    });
}
