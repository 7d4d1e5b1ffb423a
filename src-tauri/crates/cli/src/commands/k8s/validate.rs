//! `pilot k8s validate`.

use std::collections::BTreeMap;
use std::io::Read as _;

use domain::Json;
use domain::fault::{Fault, FaultKind};
use domain::manifest_check::{CheckOrder, CheckReport, LintLevel, PodLevel, Problem, Severity};
use domain::text::Text;
use serde_json::json;

use crate::args::{K8sLevel, K8sValidateArgs};
use crate::context::Context;
use crate::values::usage;

/// More than any manifest may have, so that its size can be told.
const LARGEST: u64 = 64 * 1024 * 1024;

/// Checks manifests.
pub(super) async fn validate(cx: &Context, args: K8sValidateArgs) -> Result<u8, Fault> {
    let lints = lints(&args.lints)?;
    let mut reports: Vec<(&str, CheckReport)> = Vec::new();
    for file in &args.files {
        let order = CheckOrder {
            manifest: read(file)?,
            version: args.kubernetes_version.clone(),
            level: args.level.map(|level| match level {
                K8sLevel::Baseline => PodLevel::Baseline,
                K8sLevel::Restricted => PodLevel::Restricted,
            }),
            lints: lints.clone(),
        };
        reports.push((file, cx.app.manifests.check(&order, args.cluster.as_deref()).await?));
    }
    let ok = reports.iter().all(|(_, report)| report.ok);
    if cx.out.for_programs() {
        let several = reports.len() > 1;
        let problems: Vec<Json> = reports
            .iter()
            .flat_map(|(file, report)| report.problems.iter().map(|problem| object(cx, several.then_some(*file), problem)))
            .collect();
        let version = reports.first().map(|(_, report)| report.version.as_str());
        cx.out.document(&json!({ "ok": ok, "kubernetesVersion": version, "problems": problems }));
    } else {
        for (file, report) in &reports {
            people(cx, file, report);
        }
    }
    Ok(u8::from(!ok))
}

fn read(file: &str) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::new();
    let done = if file == "-" {
        std::io::stdin().lock().take(LARGEST).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(file).and_then(|file| file.take(LARGEST).read_to_end(&mut bytes))
    };
    match done {
        Ok(_) => Ok(bytes),
        Err(fault) => Err(Fault::new(
            FaultKind::Usage,
            "no_such_file",
            Text::new(format!("could not read {file}: {fault}"), format!("无法读取 {file}：{fault}")),
            Text::new("", ""),
        )),
    }
}

fn lints(words: &[String]) -> Result<BTreeMap<String, LintLevel>, Fault> {
    words
        .iter()
        .map(|word| {
            let (id, level) = word.split_once('=').unwrap_or((word, ""));
            let level = match level {
                "off" => LintLevel::Off,
                "warn" => LintLevel::Warn,
                "block" => LintLevel::Block,
                _ => {
                    return Err(usage(
                        "lint_level",
                        format!("{word}: say ID=off, ID=warn or ID=block"),
                        format!("{word}：请写作 ID=off、ID=warn 或 ID=block"),
                    ));
                }
            };
            Ok((id.to_owned(), level))
        })
        .collect()
}

/// One problem as scripts read it; `message` in the language that was asked for.
fn object(cx: &Context, file: Option<&str>, problem: &Problem) -> Json {
    let mut object = serde_json::to_value(problem).unwrap_or_default();
    object["message"] = cx.out.pick(&problem.message).into();
    if let Some(file) = file {
        object["file"] = file.into();
    }
    object
}

fn people(cx: &Context, file: &str, report: &CheckReport) {
    for problem in &report.problems {
        let severity = match problem.severity {
            Severity::Error => cx.out.word("error", "错误"),
            Severity::Warning => cx.out.word("warning", "警告"),
        };
        let path = if problem.path.is_empty() { String::new() } else { format!("{}: ", problem.path) };
        let (line, column, rule) = (problem.line, problem.column, &problem.rule);
        cx.out.line(&format!("{file}:{line}:{column}: {severity}: {path}{} [{rule}]", cx.out.pick(&problem.message)));
    }
    let errors = report.problems.iter().filter(|problem| problem.severity == Severity::Error).count();
    let (warnings, version) = (report.problems.len() - errors, &report.version);
    let counted = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let objects = counted(report.objects, "object");
    cx.out.remark(&Text::new(
        format!("{file}: {objects} held against Kubernetes {version}: {}, {}", counted(errors, "error"), counted(warnings, "warning")),
        format!("{file}：{} 个对象，依据 Kubernetes {version}：{errors} 个错误，{warnings} 个警告", report.objects),
    ));
}
