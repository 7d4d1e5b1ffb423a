//! Commands about activity, questions and policy.

use std::io::Write as _;

use app::CallRow;
use domain::audit::Filter;
use domain::fault::{Fault, FaultKind};
use domain::id::{Millis, QuestionId, ServerId};
use domain::person::{Answer as PersonAnswer, Question};
use domain::policy::{Policy, Rule};
use domain::text::Text;
use ipc::activity::{ActivityReq, ActivityRow, AnswerReq, DefaultView, PolicyView, QuestionView, RiskView, RuleView, VerifyRes};
use ipc::common::{Nothing, PickRes, UiFault};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tauri::{AppHandle, State};
use tauri_plugin_dialog::DialogExt as _;

use crate::cabin::Cabin;

type Answer<T> = Result<T, UiFault>;

/// The word an enum has on the wire.
pub(super) fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

pub(super) fn from_word<T: DeserializeOwned>(field: &str, word: &str) -> Answer<T> {
    serde_json::from_value(serde_json::Value::String(word.to_owned())).map_err(|_| misfit(field, word))
}

pub(super) fn misfit(field: &str, given: &str) -> UiFault {
    Fault::new(
        FaultKind::Usage,
        "bad_request",
        Text::new(format!("{field} cannot be {given:?}"), format!("{field} 不能是 {given:?}")),
        Text::default(),
    )
    .into()
}

/// A question as the window draws it.
pub(crate) fn question_view(question: Question) -> QuestionView {
    QuestionView {
        id: question.id.as_str().to_owned(),
        server: question.server.as_str().to_owned(),
        server_name: question.server_name,
        matter: serde_json::to_value(&question.matter).unwrap_or_default(),
        asked_at: question.asked_at.0,
        expires_at: question.expires_at.0,
    }
}

#[tauri::command]
pub(super) async fn question_list(cabin: State<'_, Cabin>, req: Nothing) -> Answer<Vec<QuestionView>> {
    let Nothing {} = req;
    Ok(cabin.app().await?.questions.pending().into_iter().map(question_view).collect())
}

#[tauri::command]
pub(super) async fn question_answer(cabin: State<'_, Cabin>, req: AnswerReq) -> Answer<Nothing> {
    let app = cabin.app().await?;
    let answer: PersonAnswer = serde_json::from_value(req.answer).map_err(|fault| misfit("answer", &fault.to_string()))?;
    app.questions.answer(&QuestionId::new(req.id), answer)?;
    Ok(Nothing {})
}

fn row(row: CallRow) -> ActivityRow {
    let note = row.status == "note";
    ActivityRow {
        seq: row.seq,
        id: row.id.as_str().to_owned(),
        at: row.at.0,
        door: word(&row.actor.door),
        actor: row.actor.name,
        server: row.server_name,
        what: row.tool.map(|tool| tool.as_str().to_owned()).or(row.what).unwrap_or_default(),
        kind: if note { "note" } else { "call" }.to_owned(),
        ending: row.status.to_owned(),
        code: row.code,
        risk: row.risk.map(super::tools::risk_word),
        rule: row.rule,
        detail: if note { row.detail } else { row.args_shape },
        args_hash: row.args_hash,
        bytes: row.bytes,
        elapsed_ms: row.elapsed_ms,
        mac: row.mac,
    }
}

#[tauri::command]
pub(super) async fn activity_list(cabin: State<'_, Cabin>, req: ActivityReq) -> Answer<Vec<ActivityRow>> {
    let filter = Filter {
        text: req.text.filter(|text| !text.is_empty()),
        server: req.server.map(ServerId::new),
        from: req.from.map(Millis),
        until: req.until.map(Millis),
        ending: req.ending,
        before: req.before,
        limit: req.limit.min(1000),
    };
    Ok(cabin.app().await?.activity.list(filter).await?.into_iter().map(row).collect())
}

#[tauri::command]
pub(super) async fn activity_verify(cabin: State<'_, Cabin>, req: Nothing) -> Answer<VerifyRes> {
    let Nothing {} = req;
    let found = cabin.app().await?.activity.verify().await?;
    Ok(VerifyRes { ok: found.ok, rows: found.rows, first_bad: found.first_bad, why: found.why })
}

#[tauri::command]
pub(super) async fn activity_export(cabin: State<'_, Cabin>, handle: AppHandle, req: Nothing) -> Answer<PickRes> {
    let Nothing {} = req;
    let app = cabin.app().await?;
    let (tell, picked) = tokio::sync::oneshot::channel();
    handle.dialog().file().set_file_name("pilothouse-audit.jsonl").save_file(move |path| {
        let _ = tell.send(path);
    });
    let Some(path) = picked.await.ok().flatten().and_then(|path| path.into_path().ok()) else {
        return Ok(PickRes { path: None });
    };
    let failed = |fault: std::io::Error| {
        Fault::new(
            FaultKind::Storage,
            "export_failed",
            Text::new(format!("the audit log could not be written to the file: {fault}"), format!("无法将审计日志写入文件：{fault}")),
            Text::new("Pick another folder", "请选择其他文件夹"),
        )
    };
    let mut file = std::io::BufWriter::new(std::fs::File::create(&path).map_err(failed)?);
    app.activity.export(|line| writeln!(file, "{line}").map_err(failed)).await?;
    file.flush().map_err(failed)?;
    Ok(PickRes { path: Some(path.display().to_string()) })
}

fn policy_view(view: app::PolicyView) -> PolicyView {
    PolicyView {
        rules: view
            .policy
            .rules
            .into_iter()
            .map(|rule| RuleView {
                id: rule.id,
                door: rule.door.as_ref().map(word),
                risk: rule.risk.as_ref().map(word),
                server: rule.server,
                tool: rule.tool,
                verdict: word(&rule.verdict),
            })
            .collect(),
        risks: view.policy.risks.into_iter().map(|(server, tool, risk)| RiskView { server, tool, risk: word(&risk) }).collect(),
        defaults: view
            .defaults
            .into_iter()
            .map(|(door, risk, verdict)| DefaultView { door: word(&door), risk: word(&risk), verdict: word(&verdict) })
            .collect(),
    }
}

#[tauri::command]
pub(super) async fn policy_get(cabin: State<'_, Cabin>, req: Nothing) -> Answer<PolicyView> {
    let Nothing {} = req;
    Ok(policy_view(cabin.app().await?.rules.get().await?))
}

#[tauri::command]
pub(super) async fn policy_set(cabin: State<'_, Cabin>, req: PolicyView) -> Answer<PolicyView> {
    let app = cabin.app().await?;
    let some = |text: Option<String>| text.filter(|text| !text.is_empty());
    let mut policy = Policy::default();
    for rule in req.rules {
        policy.rules.push(Rule {
            id: rule.id,
            door: some(rule.door).map(|door| from_word("door", &door)).transpose()?,
            risk: some(rule.risk).map(|risk| from_word("risk", &risk)).transpose()?,
            server: some(rule.server),
            tool: some(rule.tool),
            verdict: from_word("verdict", &rule.verdict)?,
        });
    }
    for own in req.risks {
        policy.risks.push((own.server, own.tool, from_word("risk", &own.risk)?));
    }
    app.rules.set(policy, cabin.actor()).await?;
    Ok(policy_view(app.rules.get().await?))
}
