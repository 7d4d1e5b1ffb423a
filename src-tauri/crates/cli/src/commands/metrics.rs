//! `pilot metrics`: calls, errors and latencies.

use app::Window;
use domain::fault::Fault;
use domain::metrics::Figures;
use serde::Serialize;

use super::millis;
use crate::args::WindowArg;
use crate::context::Context;
use crate::table::Table;

/// Figures with the connection's state beside them.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct MetricsRow {
    window: &'static str,
    state: Option<&'static str>,
    #[serde(flatten)]
    figures: Figures,
}

/// Figures of a window of time.
pub(super) async fn run(cx: &Context, server: Option<String>, window: WindowArg, by_tool: bool) -> Result<u8, Fault> {
    let window = match window {
        WindowArg::Minute => Window::Minute,
        WindowArg::Quarter => Window::Quarter,
        WindowArg::Day => Window::Day,
    };
    let id = match &server {
        Some(name) => Some(cx.app.book.resolve(name).await?),
        None => None,
    };
    let views = cx.app.book.list().await?;
    let figures = cx.app.measures.figures(window, id.as_ref(), by_tool).await?;
    let rows: Vec<MetricsRow> = figures
        .into_iter()
        .map(|mut figures| {
            // Kept by id; people and scripts know servers by name.
            let view = views.iter().find(|view| view.def.id.as_str() == figures.server);
            if let Some(view) = view {
                figures.server.clone_from(&view.def.name);
            }
            MetricsRow { window: window.name(), state: view.map(|view| view.state.word()), figures }
        })
        .collect();
    cx.out.list(&rows, || {
        let mut table = Table::new(["SERVER", "TOOL", "CALLS", "ERRORS", "P50 MS", "P95 MS", "P99 MS", "PER S", "IN", "OUT"]);
        for MetricsRow { figures, .. } in &rows {
            let errors: u64 = figures.errors.values().sum();
            table.row([
                figures.server.clone(),
                figures.tool.clone().unwrap_or_else(|| "-".into()),
                figures.calls.to_string(),
                errors.to_string(),
                millis(figures.p50_ms),
                millis(figures.p95_ms),
                millis(figures.p99_ms),
                format!("{:.2}", figures.per_second),
                bytes(figures.bytes_in),
                bytes(figures.bytes_out),
            ]);
        }
        table
    });
    Ok(0)
}

#[expect(clippy::cast_precision_loss, reason = "one digit is shown")]
fn bytes(count: u64) -> String {
    match count {
        0..1024 => format!("{count} B"),
        1024..1_048_576 => format!("{:.1} KiB", count as f64 / 1024.0),
        _ => format!("{:.1} MiB", count as f64 / 1_048_576.0),
    }
}
