//! Commands about tools and calls.

use std::time::Duration;

use app::CallOrder;
use domain::id::{CallId, ServerId, ToolName};
use domain::protocol::CallEvent;
use domain::tool::{Content, Risk};
use ipc::common::{IdReq, Nothing, UiFault};
use ipc::tools::{CallDone, CommandReq, CommandRes, HistoryReq, PastCallView, ToolCallEvent, ToolCallReq, ToolDetail, ToolReq, ToolView};
use tauri::State;
use tauri::ipc::Channel;
use tokio::sync::mpsc;

use crate::cabin::Cabin;

type Answer<T> = Result<T, UiFault>;

pub(super) fn risk_word(risk: Risk) -> String {
    match risk {
        Risk::Safe => "safe",
        Risk::Low => "low",
        Risk::Medium => "medium",
        Risk::High => "high",
    }
    .to_owned()
}

fn view(seen: &app::ToolView) -> ToolView {
    ToolView {
        server: seen.server.as_str().to_owned(),
        server_name: seen.server_name.clone(),
        name: seen.tool.name.as_str().to_owned(),
        title: seen.tool.title.clone().or_else(|| seen.tool.annotations.title.clone()),
        summary: first_line(&seen.tool.description),
        risk: risk_word(seen.risk),
        quarantined: seen.quarantined.is_some(),
        stale: seen.stale,
    }
}

fn first_line(text: &str) -> String {
    text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().trim().chars().take(200).collect()
}

#[tauri::command]
pub(super) async fn tool_list(cabin: State<'_, Cabin>, req: Nothing) -> Answer<Vec<ToolView>> {
    let Nothing {} = req;
    Ok(cabin.app().await?.tools.all().iter().map(view).collect())
}

#[tauri::command]
pub(super) async fn tool_get(cabin: State<'_, Cabin>, req: ToolReq) -> Answer<ToolDetail> {
    let app = cabin.app().await?;
    let (server, tool) = (ServerId::new(req.server), ToolName::new(req.tool));
    let seen = app.tools.get(&server, &tool)?;
    let outlook = app.tools.outlook(&server, &tool, cabin.actor()).await?;
    Ok(ToolDetail {
        view: view(&seen),
        description: seen.tool.description.clone(),
        input_schema: seen.tool.input_schema.clone(),
        output_schema: seen.tool.output_schema.clone(),
        annotations: serde_json::to_value(&seen.tool.annotations).unwrap_or_default(),
        risk_reason: outlook.risk_reason.into(),
        verdict: super::activity::word(&outlook.verdict),
        rule: outlook.rule,
        accepted: seen.quarantined.as_ref().and_then(|diff| serde_json::to_value(&diff.before).ok()),
        default_parameters: outlook.default_parameters,
    })
}

#[tauri::command]
pub(super) async fn tool_accept(cabin: State<'_, Cabin>, req: ToolReq) -> Answer<Nothing> {
    let app = cabin.app().await?;
    app.tools.accept(&ServerId::new(req.server), &ToolName::new(req.tool), cabin.actor()).await?;
    Ok(Nothing {})
}

#[tauri::command]
pub(super) async fn tool_call(cabin: State<'_, Cabin>, req: ToolCallReq, channel: Channel<ToolCallEvent>) -> Answer<CallDone> {
    let app = cabin.app().await?;
    let (events, mut happened) = mpsc::channel::<CallEvent>(256);
    let carry = async move {
        while let Some(event) = happened.recv().await {
            let _ = channel.send(match event {
                CallEvent::Progress { progress, total, message } => ToolCallEvent::Progress { progress, total, message },
                CallEvent::Chunk { data } => ToolCallEvent::Chunk { data },
                CallEvent::Log { level, data } => ToolCallEvent::Log { level, data },
            });
        }
    };
    let order = CallOrder {
        server: ServerId::new(req.server),
        tool: ToolName::new(req.tool),
        args: req.args,
        actor: cabin.actor().clone(),
        call: CallId::new(req.call_id),
        timeout: req.timeout.filter(|seconds| seconds.is_finite() && *seconds > 0.0).map(Duration::from_secs_f64),
        approve_once: false,
    };
    let (done, ()) = tokio::join!(app.desk.call_with(order, Some(events)), carry);
    let done = done?;
    Ok(CallDone {
        is_error: done.result.is_error,
        content: done.result.content.iter().map(|Content::Block(block)| block.clone()).collect(),
        structured_content: done.result.structured_content.clone(),
        audit_id: done.audit_id.as_str().to_owned(),
        elapsed_ms: done.elapsed_ms,
        misfit: done.invalid.map(|fault| fault.message.en),
        cached: done.cached,
    })
}

#[tauri::command]
pub(super) async fn call_cancel(cabin: State<'_, Cabin>, req: IdReq) -> Answer<Nothing> {
    cabin.app().await?.desk.cancel(&CallId::new(req.id));
    Ok(Nothing {})
}

#[tauri::command]
pub(super) async fn call_history(cabin: State<'_, Cabin>, req: HistoryReq) -> Answer<Vec<PastCallView>> {
    let app = cabin.app().await?;
    let server = req.server.map(ServerId::new);
    let past = app.desk.history(server.as_ref(), req.tool.as_deref(), req.limit.clamp(1, 500)).await?;
    Ok(past
        .into_iter()
        .map(|call| PastCallView {
            audit_id: call.audit_id,
            at: call.at.0,
            server: call.server.as_str().to_owned(),
            tool: call.tool,
            args: call.args,
            result: call.result,
            ok: call.ok,
            elapsed_ms: call.elapsed_ms,
        })
        .collect())
}

#[tauri::command]
pub(super) async fn call_command(cabin: State<'_, Cabin>, req: CommandReq) -> Answer<CommandRes> {
    let app = cabin.app().await?;
    let seen = app.book.get(&req.server).await?;
    let lines = app::command_lines(&seen.def, &req.tool, &req.args);
    Ok(CommandRes { pilot: lines.pilot, curl: lines.curl })
}
