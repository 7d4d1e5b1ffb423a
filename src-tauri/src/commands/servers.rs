//! Commands about servers.

use domain::fault::Fault;
use domain::id::ServerId;
use domain::server::{PeerFacts, ServerState};
use domain::tool::RejectedTool;
use ipc::common::{IdReq, Nothing, UiFault};
use ipc::servers::{
    EnableReq, FactsView, FiguresReq, FiguresView, FrameView, LogRes, RejectedView, ServerDetail, ServerForm, ServerView, TargetRes,
    TestReq, TestRes,
};
use ipc::tools::{JsonRes, OffersRes, PromptReq, ResourceReq};
use tauri::State;

use super::forms::{def_of, form_of};
use crate::cabin::Cabin;

type Answer<T> = Result<T, UiFault>;

async fn view(app: &app::App, seen: app::ServerView) -> Answer<ServerView> {
    let figures = app.measures.figures(app::Window::Quarter, Some(&seen.def.id), false).await?;
    let whole = figures.into_iter().find(|figures| figures.tool.is_none()).unwrap_or_default();
    let spark = app.measures.sparkline(&seen.def.id).await?;
    let next_try_at = match &seen.state {
        ServerState::Error { next_try_at, .. } => next_try_at.map(|at| at.0),
        _ => None,
    };
    Ok(ServerView {
        id: seen.def.id.as_str().to_owned(),
        name: seen.def.name,
        protocol: seen.def.protocol.as_str().to_owned(),
        enabled: seen.def.enabled,
        state: seen.state.word().to_owned(),
        since: seen.since.0,
        fault: seen.state.fault().cloned().map(UiFault::from),
        next_try_at,
        target: seen.target,
        tools: count(seen.tools_count),
        quarantined: count(seen.quarantined_count),
        stale: seen.stale,
        spark: spark[spark.len().saturating_sub(32)..].to_vec(),
        p50_ms: whole.p50_ms,
        p95_ms: whole.p95_ms,
        calls: count(whole.calls),
        errors: count(whole.errors.values().sum::<u64>()),
        origin: seen.def.origin,
    })
}

fn count(number: impl TryInto<u32>) -> u32 {
    number.try_into().unwrap_or(u32::MAX)
}

fn facts(facts: PeerFacts) -> FactsView {
    FactsView {
        name: facts.name,
        version: facts.version,
        revision: facts.revision,
        abilities: facts.abilities,
        instructions: facts.instructions,
        pid: facts.pid,
    }
}

fn rejected(tools: Vec<RejectedTool>) -> Vec<RejectedView> {
    tools.into_iter().map(|tool| RejectedView { name: tool.name, reason: tool.reason }).collect()
}

pub(super) fn schema_of(app: &app::App, protocol: &str) -> domain::Json {
    app.book
        .protocols()
        .into_iter()
        .find(|info| info.id.as_str() == protocol || info.aliases.iter().any(|alias| alias == protocol))
        .map(|info| info.schema)
        .unwrap_or_default()
}

async fn one(app: &app::App, id: &str) -> Answer<ServerView> {
    let seen = app.book.get(id).await?;
    view(app, seen).await
}

#[tauri::command]
pub(super) async fn server_list(cabin: State<'_, Cabin>, req: Nothing) -> Answer<Vec<ServerView>> {
    let Nothing {} = req;
    let app = cabin.app().await?;
    let mut out = Vec::new();
    for seen in app.book.list().await? {
        out.push(view(&app, seen).await?);
    }
    Ok(out)
}

#[tauri::command]
pub(super) async fn server_get(cabin: State<'_, Cabin>, req: IdReq) -> Answer<ServerDetail> {
    let app = cabin.app().await?;
    let seen = app.book.get(&req.id).await?;
    let mut all = Vec::new();
    for window in app::Window::ALL {
        let found = app.measures.figures(window, Some(&seen.def.id), false).await?;
        all.extend(found.into_iter().map(|found| figures_view(window, found)));
    }
    let review = match &seen.state {
        ServerState::NeedsReview { what } => Some(what.clone()),
        _ => None,
    };
    Ok(ServerDetail {
        form: form_of(&seen.def, &schema_of(&app, seen.def.protocol.as_str())),
        facts: seen.facts.clone().map(facts),
        rejected: rejected(seen.rejected.clone()),
        review,
        figures: all,
        view: view(&app, seen).await?,
    })
}

async fn saved(app: &app::App, form: &ServerForm) -> Answer<Option<domain::server::ServerDef>> {
    match &form.id {
        Some(id) => Ok(Some(app.book.get(id).await?.def)),
        None => Ok(None),
    }
}

fn fresh_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

#[tauri::command]
pub(super) async fn server_check(cabin: State<'_, Cabin>, req: ServerForm) -> Answer<TargetRes> {
    let app = cabin.app().await?;
    let saved = saved(&app, &req).await?;
    let target = app.book.check(&def_of(req, saved.as_ref(), fresh_id))?;
    Ok(TargetRes { target })
}

#[tauri::command]
pub(super) async fn server_save(cabin: State<'_, Cabin>, req: ServerForm) -> Answer<ServerView> {
    let app = cabin.app().await?;
    let saved = saved(&app, &req).await?;
    let def = def_of(req, saved.as_ref(), fresh_id);
    let seen = app.book.save(def, cabin.actor()).await?;
    view(&app, seen).await
}

#[tauri::command]
pub(super) async fn server_remove(cabin: State<'_, Cabin>, req: IdReq) -> Answer<Nothing> {
    let app = cabin.app().await?;
    app.book.remove(&ServerId::new(req.id), cabin.actor()).await?;
    Ok(Nothing {})
}

#[tauri::command]
pub(super) async fn server_enable(cabin: State<'_, Cabin>, req: EnableReq) -> Answer<ServerView> {
    let app = cabin.app().await?;
    app.book.set_enabled(&ServerId::new(req.id.clone()), req.enabled, cabin.actor()).await?;
    one(&app, &req.id).await
}

#[tauri::command]
pub(super) async fn server_duplicate(cabin: State<'_, Cabin>, req: IdReq) -> Answer<ServerView> {
    let app = cabin.app().await?;
    let seen = app.book.duplicate(&ServerId::new(req.id), cabin.actor()).await?;
    view(&app, seen).await
}

#[tauri::command]
pub(super) async fn server_connect(cabin: State<'_, Cabin>, req: IdReq) -> Answer<ServerView> {
    let app = cabin.app().await?;
    app.sessions.connect(&ServerId::new(req.id.clone()), cabin.actor()).await?;
    one(&app, &req.id).await
}

#[tauri::command]
pub(super) async fn server_disconnect(cabin: State<'_, Cabin>, req: IdReq) -> Answer<ServerView> {
    let app = cabin.app().await?;
    app.sessions.disconnect(&ServerId::new(req.id.clone())).await?;
    one(&app, &req.id).await
}

#[tauri::command]
pub(super) async fn server_accept(cabin: State<'_, Cabin>, req: IdReq) -> Answer<ServerView> {
    let app = cabin.app().await?;
    app.book.accept(&ServerId::new(req.id.clone()), cabin.actor()).await?;
    one(&app, &req.id).await
}

#[tauri::command]
pub(super) async fn server_test(cabin: State<'_, Cabin>, req: TestReq) -> Answer<TestRes> {
    let app = cabin.app().await?;
    let saved = saved(&app, &req.form).await?;
    let def = def_of(req.form, saved.as_ref(), fresh_id);
    let report = match &req.consent {
        Some(target) => app.book.test_agreed(def, target, cabin.actor()).await?,
        None => app.book.test(def, cabin.actor()).await?,
    };
    Ok(TestRes {
        ok: report.ok,
        target: report.target,
        fault: report.fault.map(UiFault::from),
        tools: report.tools,
        facts: report.facts.map(facts),
        elapsed_ms: report.elapsed_ms,
        stderr: report.stderr,
    })
}

#[tauri::command]
pub(super) async fn server_log(cabin: State<'_, Cabin>, req: IdReq) -> Answer<LogRes> {
    let app = cabin.app().await?;
    let id = ServerId::new(req.id);
    let frames = app
        .sessions
        .frames(&id)?
        .into_iter()
        .enumerate()
        .map(|(nth, frame)| FrameView { seq: nth as u64, at: frame.at.0, sent: frame.sent, kind: frame.kind.to_owned(), text: frame.text })
        .collect();
    Ok(LogRes { frames, stderr: app.sessions.stderr(&id)?.unwrap_or_default() })
}

#[tauri::command]
pub(super) async fn server_offers(cabin: State<'_, Cabin>, req: IdReq) -> Answer<OffersRes> {
    let app = cabin.app().await?;
    let id = ServerId::new(req.id);
    let actor = cabin.actor();
    let mut faults = Vec::new();
    let mut keep = |list: Result<Vec<domain::Json>, Fault>| match list {
        Ok(list) => list,
        Err(fault) if fault.code == "unsupported" => Vec::new(),
        Err(fault) => {
            faults.push(UiFault::from(fault));
            Vec::new()
        }
    };
    let resources = keep(app.sessions.resources(&id, actor).await);
    let templates = keep(app.sessions.resource_templates(&id, actor).await);
    let prompts = keep(app.sessions.prompts(&id, actor).await);
    Ok(OffersRes { resources, templates, prompts, faults })
}

#[tauri::command]
pub(super) async fn resource_read(cabin: State<'_, Cabin>, req: ResourceReq) -> Answer<JsonRes> {
    let app = cabin.app().await?;
    let contents = app.sessions.read_resource(&ServerId::new(req.server), &req.uri, cabin.actor()).await?;
    Ok(JsonRes { json: domain::Json::Array(contents) })
}

#[tauri::command]
pub(super) async fn prompt_get(cabin: State<'_, Cabin>, req: PromptReq) -> Answer<JsonRes> {
    let app = cabin.app().await?;
    let json = app.sessions.prompt(&ServerId::new(req.server), &req.name, req.args, cabin.actor()).await?;
    Ok(JsonRes { json })
}

fn figures_view(window: app::Window, figures: domain::metrics::Figures) -> FiguresView {
    FiguresView {
        window_secs: count(window.millis() / 1000),
        tool: figures.tool,
        calls: count(figures.calls),
        errors: figures.errors.into_iter().map(|(code, errors)| (code, count(errors))).collect(),
        p50_ms: figures.p50_ms,
        p95_ms: figures.p95_ms,
        p99_ms: figures.p99_ms,
        bytes_out: figures.bytes_out,
        bytes_in: figures.bytes_in,
        per_second: figures.per_second,
    }
}

#[tauri::command]
pub(super) async fn figures(cabin: State<'_, Cabin>, req: FiguresReq) -> Answer<Vec<FiguresView>> {
    let app = cabin.app().await?;
    let window =
        app::Window::ALL.into_iter().find(|window| window.millis() >= i64::from(req.window_secs) * 1000).unwrap_or(app::Window::Day);
    let server = req.server.map(ServerId::new);
    let found = app.measures.figures(window, server.as_ref(), req.by_tool).await?;
    Ok(found.into_iter().map(|found| figures_view(window, found)).collect())
}
