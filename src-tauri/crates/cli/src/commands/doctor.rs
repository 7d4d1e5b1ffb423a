//! `pilot doctor`: what does not work, and what to do about it.

use std::path::Path;

use app::doctor::{self, Finding, Outcome};
use domain::fault::Fault;
use serde_json::json;

use crate::args::OneOff;
use crate::context::Context;
use crate::out::Out;
use crate::words::tame;

/// Looks at this machine, and at the way to a server when one is given. The exit code speaks of the first thing that is ill.
pub(super) async fn run(cx: &Context, server: Option<String>, one_off: &OneOff) -> Result<u8, Fault> {
    let id = cx.maybe_server(server.as_deref(), one_off).await?;
    let probes = assembly::probes(cx.config_dir.as_deref());
    let mut findings = cx.or_stop(async { Ok(doctor::machine(probes.as_ref()).await) }).await?;
    findings.extend(cx.or_stop(async { Ok(cx.app.secrets.findings().await) }).await?);
    if let Some(id) = &id {
        let expand = assembly::expand();
        findings.extend(cx.or_stop(doctor::server(&cx.app, probes.as_ref(), expand.as_ref(), id, &cx.actor)).await?);
    }
    Ok(report(&cx.out, &findings))
}

/// When the app itself does not open: this machine is looked at all the same.
pub(crate) async fn without_app(out: &Out, config_dir: Option<&Path>, fault: Fault) -> u8 {
    let mut findings = doctor::machine(assembly::probes(config_dir).as_ref()).await;
    findings.push(Finding::ill("open", fault.kind, fault.message, fault.hint));
    report(out, &findings)
}

fn report(out: &Out, findings: &[Finding]) -> u8 {
    let rows: Vec<_> = findings
        .iter()
        .map(|finding| {
            let hint = out.pick(&finding.hint);
            json!({ "step": finding.step, "outcome": finding.outcome, "what": out.pick(&finding.what), "hint": (!hint.is_empty()).then_some(hint) })
        })
        .collect();
    if out.for_programs() {
        out.list(&rows, || crate::table::Table::new(["STEP"]));
    } else {
        for finding in findings {
            let mark = match finding.outcome {
                Outcome::Well => "✓",
                Outcome::Note => "·",
                Outcome::Ill => "✗",
            };
            out.line(&tame(&format!("{mark} {:12} {}", finding.step, out.pick(&finding.what))));
            if !finding.hint.is_empty() {
                out.line(&tame(&format!("  {:12} {}", "", out.pick(&finding.hint))));
            }
        }
    }
    findings.iter().find_map(|finding| finding.fault).map_or(0, domain::fault::FaultKind::exit_code)
}
