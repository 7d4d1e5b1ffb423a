//! The audit log as people read it: calls joined from intent and outcome.

use std::collections::HashMap;
use std::sync::Arc;

use domain::Json;
use domain::audit::{Ending, Event, Filter, Row, Verified};
use domain::fault::{Fault, FaultKind};
use domain::id::AuditId;
use domain::text::Text;

use crate::core::Core;
use crate::views::CallRow;

/// Lines in one answer when nobody says how many.
const LINES: usize = 200;
/// Rows read at once.
const PAGE: u32 = 1_000;

/// What was done.
#[derive(Debug, Clone)]
pub struct Activity {
    core: Arc<Core>,
}

impl Activity {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Calls, refusals and notes, newest first by when they began. `before` takes the `seq` of the last line seen.
    pub async fn list(&self, filter: Filter) -> Result<Vec<CallRow>, Fault> {
        let most = if filter.limit == 0 { LINES } else { filter.limit as usize };
        let wanted = filter.ending.clone().filter(|ending| !ending.is_empty());
        // A call may have ended after the place or the time where this list begins.
        let cut_above = filter.before.is_some() || filter.until.is_some();
        let mut outcomes: HashMap<AuditId, Row> = HashMap::new();
        let mut lines = Vec::new();
        let mut before = filter.before;
        loop {
            let limit = PAGE.min(u32::try_from(most.saturating_mul(2)).unwrap_or(PAGE)).max(50);
            let rows = self.core.ports.audit.list(Filter { before, limit, ..filter.clone() }).await?;
            let read = rows.len();
            before = rows.last().map(|row| row.seq);
            for row in rows {
                match &row.entry.event {
                    Event::Outcome { .. } => {
                        outcomes.insert(row.entry.id.clone(), row);
                        continue;
                    }
                    Event::Intent { .. } => {
                        let mut outcome = outcomes.remove(&row.entry.id);
                        if outcome.is_none() && cut_above {
                            outcome = self.outcome_of(&row).await?;
                        }
                        lines.push(line(&row, outcome.as_ref()));
                    }
                    Event::Refused { .. } | Event::Note { .. } => lines.push(line(&row, None)),
                }
                if wanted.as_deref().is_some_and(|ending| lines.last().is_some_and(|line| line.status != ending)) {
                    lines.pop();
                }
                if lines.len() >= most {
                    return Ok(lines);
                }
            }
            if read < limit as usize || before.is_none() {
                return Ok(lines);
            }
        }
    }

    async fn rows_of(&self, id: &AuditId) -> Result<Vec<Row>, Fault> {
        let filter = Filter { text: Some(id.as_str().to_owned()), limit: 50, ..Filter::default() };
        let mut rows = self.core.ports.audit.list(filter).await?;
        rows.retain(|row| row.entry.id == *id);
        Ok(rows)
    }

    async fn outcome_of(&self, intent: &Row) -> Result<Option<Row>, Fault> {
        let rows = self.rows_of(&intent.entry.id).await?;
        Ok(rows.into_iter().find(|row| row.seq > intent.seq && matches!(row.entry.event, Event::Outcome { .. })))
    }

    /// One line by its reference, and the raw rows behind it, oldest first.
    pub async fn one(&self, id: &AuditId) -> Result<(CallRow, Vec<Row>), Fault> {
        let mut rows = self.rows_of(id).await?;
        rows.sort_by_key(|row| row.seq);
        let outcome = rows.iter().find(|row| matches!(row.entry.event, Event::Outcome { .. }));
        let first = rows.iter().find(|row| !matches!(row.entry.event, Event::Outcome { .. }));
        match first {
            Some(first) => Ok((line(first, outcome), rows)),
            None => Err(Fault::new(
                FaultKind::NotFound,
                "no_audit_row",
                Text::new(format!("there is no record \"{id}\""), format!("没有编号为“{id}”的记录")),
                Text::new("list the activity to find it", "请在活动列表中查找"),
            )),
        }
    }

    /// Reads the whole chain and says whether it holds.
    pub async fn verify(&self) -> Result<Verified, Fault> {
        self.core.ports.audit.verify().await
    }

    /// Hands every raw row to `each` as a line of JSON (without the line end), oldest first; answers how many there were.
    pub async fn export(&self, mut each: impl FnMut(&str) -> Result<(), Fault> + Send) -> Result<u64, Fault> {
        let newest = self.core.ports.audit.list(Filter { limit: 1, ..Filter::default() }).await?;
        let last = newest.first().map_or(0, |row| row.seq);
        let mut written = 0;
        let mut at = 0;
        while at < last {
            let end = at + u64::from(PAGE);
            let mut rows = self.core.ports.audit.list(Filter { before: Some(end + 1), limit: PAGE, ..Filter::default() }).await?;
            rows.retain(|row| row.seq > at);
            rows.sort_by_key(|row| row.seq);
            for row in rows {
                let text = serde_json::to_string(&row)
                    .map_err(|fault| Fault::new(FaultKind::Internal, "export", Text::same(fault.to_string()), Text::default()))?;
                each(&text)?;
                written += 1;
            }
            at = end;
        }
        Ok(written)
    }
}

/// One line out of one or two rows.
fn line(row: &Row, outcome: Option<&Row>) -> CallRow {
    let entry = &row.entry;
    let mut line = CallRow {
        seq: row.seq,
        id: entry.id.clone(),
        at: entry.at,
        actor: entry.actor.clone(),
        server: entry.server.clone(),
        server_name: entry.server_name.clone(),
        status: "running",
        ending: None,
        tool: None,
        risk: None,
        args_shape: Json::Null,
        args_hash: None,
        rule: None,
        approval: None,
        code: None,
        bytes: None,
        elapsed_ms: None,
        what: None,
        detail: Json::Null,
        mac: row.mac.clone(),
    };
    match &entry.event {
        Event::Intent { tool, risk, args_shape, args_hash, rule, approval } => {
            line.tool = Some(tool.clone());
            line.risk = Some(*risk);
            line.args_shape = args_shape.clone();
            line.args_hash = Some(args_hash.clone());
            line.rule = Some(rule.clone());
            line.approval.clone_from(approval);
        }
        Event::Refused { tool, risk, args_shape, rule } => {
            line.status = "refused";
            line.tool = Some(tool.clone());
            line.risk = Some(*risk);
            line.args_shape = args_shape.clone();
            line.rule = Some(rule.clone());
        }
        Event::Note { what, detail } => {
            line.status = "note";
            line.what = Some(what.clone());
            line.detail = detail.clone();
        }
        Event::Outcome { .. } => {}
    }
    if let Some(Event::Outcome { ending, code, bytes, elapsed_ms }) = outcome.map(|row| &row.entry.event) {
        line.status = match ending {
            Ending::Done => "done",
            Ending::ToolError => "tool_error",
            Ending::Fault(_) => "fault",
            Ending::Cancelled => "cancelled",
            Ending::Interrupted => "interrupted",
        };
        line.ending = Some(*ending);
        line.code.clone_from(code);
        line.bytes = Some(*bytes);
        line.elapsed_ms = Some(*elapsed_ms);
    }
    line
}
