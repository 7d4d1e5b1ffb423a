//! `pilot audit`: what was done, by whom, how it ended, and whether the record holds.

use app::CallRow;
use domain::audit::Filter;
use domain::fault::{Fault, FaultKind};
use domain::id::Millis;
use domain::text::Text;
use serde_json::json;

use super::{millis, moment, word_of};
use crate::args::AuditCommand;
use crate::context::Context;
use crate::table::Table;
use crate::values::usage;

/// Lists, shows, verifies, exports.
pub(super) async fn run(cx: &Context, command: AuditCommand) -> Result<u8, Fault> {
    match command {
        AuditCommand::List { server, text, ending, since, limit } => list(cx, server, text, ending, since, limit).await,
        AuditCommand::Show { id } => show(cx, &id).await,
        AuditCommand::Verify => verify(cx).await,
        AuditCommand::Export => export(cx).await,
    }
}

const ENDINGS: [&str; 8] = ["done", "tool_error", "fault", "cancelled", "interrupted", "refused", "note", "running"];

async fn list(
    cx: &Context,
    server: Option<String>,
    text: Option<String>,
    ending: Option<String>,
    since: Option<String>,
    limit: u32,
) -> Result<u8, Fault> {
    if let Some(ending) = ending.as_deref().filter(|ending| !ENDINGS.contains(ending)) {
        let known = ENDINGS.join(", ");
        return Err(usage(
            "ending",
            format!("no call ends as \"{ending}\"; there are {known}"),
            format!("没有“{ending}”这种结局；可用的有 {known}"),
        ));
    }
    let server = match &server {
        Some(name) => Some(cx.app.book.resolve(name).await?),
        None => None,
    };
    let from = since.as_deref().map(moment_of).transpose()?;
    let rows = cx.app.activity.list(Filter { text, server, from, ending, limit, ..Filter::default() }).await?;
    cx.out.list(&rows, || {
        let mut table = Table::new(["REFERENCE", "AT", "WHO", "SERVER", "WHAT", "RISK", "STATUS", "MS", "RULE"]);
        for row in &rows {
            let what = row.tool.as_ref().map(ToString::to_string).or_else(|| row.what.clone()).unwrap_or_default();
            table.row([
                row.id.to_string(),
                moment(row.at),
                format!("{}@{}", row.actor.name, word_of(&row.actor.door)),
                row.server_name.clone(),
                what,
                row.risk.map_or_else(|| "-".into(), |risk| word_of(&risk)),
                status(row),
                millis(row.elapsed_ms),
                row.rule.clone().unwrap_or_default(),
            ]);
        }
        table
    });
    Ok(0)
}

fn status(row: &CallRow) -> String {
    row.code.as_ref().map_or_else(|| row.status.to_owned(), |code| format!("{} ({code})", row.status))
}

async fn show(cx: &Context, id: &str) -> Result<u8, Fault> {
    let (call, rows) = cx.app.activity.one(&id.trim_start_matches('#').into()).await?;
    cx.out.document(&json!({ "call": call, "rows": rows }));
    Ok(0)
}

async fn verify(cx: &Context) -> Result<u8, Fault> {
    let found = cx.app.activity.verify().await?;
    cx.out.one(&json!({ "ok": found.ok, "rows": found.rows, "firstBad": found.first_bad }), |out| {
        if found.ok {
            match out.lang() {
                crate::args::Lang::En => format!("the chain of {} rows holds", found.rows),
                crate::args::Lang::Zh => format!("共 {} 行，链条完整", found.rows),
            }
        } else {
            String::new()
        }
    });
    if found.ok {
        return Ok(0);
    }
    let (row, why) = (found.first_bad.unwrap_or_default(), found.why.unwrap_or_default());
    cx.out.tell(&match cx.out.lang() {
        crate::args::Lang::En => format!("pilot: the record does not hold: row {row} was {why}"),
        crate::args::Lang::Zh => format!("pilot：审计记录不完整：第 {row} 行（{why}）"),
    });
    Ok(FaultKind::Storage.exit_code())
}

async fn export(cx: &Context) -> Result<u8, Fault> {
    let out = cx.out.clone();
    let written = cx
        .app
        .activity
        .export(move |line| {
            out.line(line);
            // A reader who left wants no more rows.
            if out.broken() { Err(crate::context::cancelled()) } else { Ok(()) }
        })
        .await;
    match written {
        Err(_) if cx.out.broken() => Ok(0),
        Err(fault) => Err(fault),
        Ok(rows) => {
            cx.out.remark(&Text::new(format!("{rows} rows"), format!("{rows} 行")));
            Ok(0)
        }
    }
}

/// `2026-11-22`, `2026-11-22T08:00:00Z`, or so long ago: `30m`, `2h`, `7d`.
fn moment_of(text: &str) -> Result<Millis, Fault> {
    let ago = text.strip_suffix(['s', 'm', 'h', 'd']).and_then(|number| number.parse::<i64>().ok()).filter(|number| *number >= 0);
    if let Some(number) = ago {
        let unit = match text.as_bytes().last() {
            Some(b's') => 1_000,
            Some(b'm') => 60_000,
            Some(b'h') => 3_600_000,
            _ => 86_400_000,
        };
        return Ok(Millis(jiff::Timestamp::now().as_millisecond().saturating_sub(number.saturating_mul(unit))));
    }
    let broken = || {
        usage(
            "since",
            format!("\"{text}\" is no moment; write 2026-11-22, 2026-11-22T08:00:00Z, or 2h"),
            format!("“{text}”不是有效的时间；请写成 2026-11-22、2026-11-22T08:00:00Z 或 2h"),
        )
    };
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Ok(Millis(at.as_millisecond()));
    }
    let date = text.parse::<jiff::civil::Date>().map_err(|_| broken())?;
    let at = date.to_zoned(jiff::tz::TimeZone::UTC).map_err(|_| broken())?;
    Ok(Millis(at.timestamp().as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_in_three_spellings() {
        assert_eq!(moment_of("1970-01-02").unwrap(), Millis(86_400_000));
        assert_eq!(moment_of("1970-01-01T00:00:01Z").unwrap(), Millis(1_000));
        let ago = moment_of("2h").unwrap();
        let now = jiff::Timestamp::now().as_millisecond();
        assert!((now - 7_200_000 - ago.0).abs() < 60_000);
        for text in ["", "yesterday", "-2h", "2026-13-01", "h"] {
            assert_eq!(moment_of(text).unwrap_err().kind, FaultKind::Usage, "{text}");
        }
    }
}
