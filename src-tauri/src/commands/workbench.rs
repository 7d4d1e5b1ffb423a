//! Commands of the workbench. What changes a cluster goes to the desk, through the app.

use std::collections::BTreeMap;
use std::time::Duration;

use app::DraftOrder;
use app::workbench::ApplyOrder;
use domain::manifest::{Draft, RolloutTarget};
use domain::manifest_check::CheckOrder;
use domain::manifest_language::PlaceOrder;
use ipc::common::{IdReq, Nothing, PickRes, UiFault};
use ipc::workbench::{
    WbAppliedView, WbApplyReq, WbAtReq, WbCheckReq, WbCheckView, WbCompleteView, WbDoneView, WbDraftGetReq, WbDraftSaveReq,
    WbDraftSavedView, WbDraftTextView, WbDraftVersionView, WbDraftView, WbEditsView, WbFixReq, WbHoverRes, WbLiveReq, WbLiveView,
    WbOpenRes, WbPastView, WbRehearsalView, WbRehearseReq, WbRolloutReq, WbRolloutView, WbRuleSetReq, WbRuleView, WbRulesReq, WbSaveReq,
    WbTemplateView, WbTextReq, WbTextView, WbUndoReq, WbUndoneView, WbVersionsView,
};
use tauri::ipc::Channel;
use tauri::{AppHandle, State};

use super::activity::{from_word, misfit};
use super::files::Files;
use super::kube::{Asking, unwritable};
use crate::cabin::Cabin;

type Answer<T> = Result<T, UiFault>;

/// How many changes are listed.
const CHANGES: u32 = 200;
/// For how long a rollout is watched at most.
const WATCH: Duration = Duration::from_secs(30 * 60);

#[tauri::command]
pub(super) async fn wb_check(cabin: State<'_, Cabin>, asking: State<'_, Asking>, req: WbCheckReq) -> Answer<WbCheckView> {
    let look = async {
        let level = req.level.as_deref().map(|level| from_word("level", level)).transpose()?;
        let order = CheckOrder { manifest: req.text.into_bytes(), version: req.version, level, ..CheckOrder::default() };
        Ok(cabin.app().await?.manifests.inspect(&order, req.cluster.as_deref()).await?.into())
    };
    asking.until(&req.ask, look).await
}

#[tauri::command]
pub(super) async fn wb_fix(cabin: State<'_, Cabin>, req: WbFixReq) -> Answer<WbEditsView> {
    let fix = req.fix().ok_or_else(|| misfit("edit", "?"))?;
    Ok(cabin.app().await?.manifests.repair(&req.text, req.document, &req.path, &fix).await?.into())
}

fn place(req: WbAtReq) -> (PlaceOrder, Option<String>) {
    (PlaceOrder { text: req.text, line: req.line, column: req.column, version: req.version }, req.cluster)
}

#[tauri::command]
pub(super) async fn wb_complete(cabin: State<'_, Cabin>, asking: State<'_, Asking>, req: WbAtReq) -> Answer<WbCompleteView> {
    let ask = req.ask.clone();
    let look = async {
        let (order, cluster) = place(req);
        Ok(cabin.app().await?.manifests.complete(&order, cluster.as_deref()).await?.into())
    };
    asking.until(&ask, look).await
}

#[tauri::command]
pub(super) async fn wb_hover(cabin: State<'_, Cabin>, asking: State<'_, Asking>, req: WbAtReq) -> Answer<WbHoverRes> {
    let ask = req.ask.clone();
    let look = async {
        let (order, cluster) = place(req);
        let hover = cabin.app().await?.manifests.hover(&order, cluster.as_deref()).await?;
        Ok(WbHoverRes { hover: hover.map(Into::into) })
    };
    asking.until(&ask, look).await
}

#[tauri::command]
pub(super) async fn wb_format(cabin: State<'_, Cabin>, req: WbTextReq) -> Answer<WbTextView> {
    Ok(WbTextView { text: cabin.app().await?.manifests.format(&req.text).await? })
}

#[tauri::command]
pub(super) async fn wb_templates(cabin: State<'_, Cabin>, req: Nothing) -> Answer<Vec<WbTemplateView>> {
    let Nothing {} = req;
    Ok(cabin.app().await?.manifests.templates().into_iter().map(Into::into).collect())
}

#[tauri::command]
pub(super) async fn wb_rule_set(cabin: State<'_, Cabin>, req: WbRuleSetReq) -> Answer<Nothing> {
    cabin.app().await?.manifests.set_level(&req.cluster, &req.id, req.level.map(Into::into), cabin.actor()).await?;
    Ok(Nothing {})
}

#[tauri::command]
pub(super) async fn wb_draft_list(cabin: State<'_, Cabin>, req: Nothing) -> Answer<Vec<WbDraftView>> {
    let Nothing {} = req;
    Ok(cabin.app().await?.drafts.list().await?.into_iter().map(Into::into).collect())
}

#[tauri::command]
pub(super) async fn wb_draft_get(cabin: State<'_, Cabin>, req: WbDraftGetReq) -> Answer<WbDraftTextView> {
    Ok(cabin.app().await?.drafts.get(&req.id, req.version).await?.into())
}

#[tauri::command]
pub(super) async fn wb_draft_save(cabin: State<'_, Cabin>, req: WbDraftSaveReq) -> Answer<WbDraftSavedView> {
    let order = DraftOrder { id: req.id, name: req.name, text: req.text, cluster: req.cluster, namespace: req.namespace };
    let (id, saved) = cabin.app().await?.drafts.save(order).await?;
    Ok(WbDraftSavedView { id, version: saved.version, saved_at: saved.saved_at.0 })
}

#[tauri::command]
pub(super) async fn wb_draft_versions(cabin: State<'_, Cabin>, req: IdReq) -> Answer<Vec<WbDraftVersionView>> {
    Ok(cabin.app().await?.drafts.view(&req.id).await?.versions.into_iter().map(Into::into).collect())
}

#[tauri::command]
pub(super) async fn wb_draft_remove(cabin: State<'_, Cabin>, req: IdReq) -> Answer<Nothing> {
    cabin.app().await?.drafts.remove(&req.id).await?;
    Ok(Nothing {})
}

#[tauri::command]
pub(super) async fn wb_versions(cabin: State<'_, Cabin>, req: Nothing) -> Answer<WbVersionsView> {
    let Nothing {} = req;
    Ok(cabin.app().await?.manifests.versions().into())
}

#[tauri::command]
pub(super) async fn wb_rules(cabin: State<'_, Cabin>, req: WbRulesReq) -> Answer<Vec<WbRuleView>> {
    let app = cabin.app().await?;
    let levels = match req.cluster {
        Some(cluster) => app.manifests.levels(&cluster).await?,
        None => BTreeMap::new(),
    };
    let view = |rule: domain::manifest_check::RuleInfo| {
        let level = levels.get(rule.id).copied();
        WbRuleView::of(rule, level)
    };
    Ok(app.manifests.rules().into_iter().map(view).collect())
}

#[tauri::command]
pub(super) async fn wb_live(cabin: State<'_, Cabin>, asking: State<'_, Asking>, req: WbLiveReq) -> Answer<Vec<WbLiveView>> {
    let look = async {
        let found = cabin.app().await?.workbench.live(Some(&req.cluster), &req.text, req.namespace.as_deref()).await?;
        found
            .into_iter()
            .map(|one| {
                let yaml = one.object.map(|object| yaml::write(&object).ok_or_else(|| unwritable("the object"))).transpose()?;
                Ok(WbLiveView { document: one.document, yaml })
            })
            .collect()
    };
    asking.until(&req.ask, look).await
}

#[tauri::command]
pub(super) async fn wb_rehearse(cabin: State<'_, Cabin>, asking: State<'_, Asking>, req: WbRehearseReq) -> Answer<WbRehearsalView> {
    let look = async {
        let draft = Draft { text: req.text, namespace: req.namespace, take_over: req.take_over };
        let rehearsal = cabin.app().await?.workbench.rehearse(Some(&req.cluster), &draft, cabin.actor()).await?;
        Ok(WbRehearsalView::of(&rehearsal, yaml::write))
    };
    asking.until(&req.ask, look).await
}

#[tauri::command]
pub(super) async fn wb_apply(cabin: State<'_, Cabin>, req: WbApplyReq) -> Answer<WbAppliedView> {
    let order = ApplyOrder {
        cluster: Some(req.cluster),
        draft: Draft { text: req.text, namespace: req.namespace, take_over: req.take_over },
        digest: req.digest,
        confirm_within: req.confirm_within.map(|seconds| Duration::from_secs(seconds.into())),
        approve_once: false,
    };
    let done = cabin.app().await?.workbench.apply(order, cabin.actor()).await?;
    let applied = done.applied.iter().map(|one| WbDoneView { action: one.action.into(), object: (&one.object).into(), applied: true });
    Ok(WbAppliedView {
        applied: applied.collect(),
        undo_id: done.undo_id,
        revert_at: done.revert_at.map(|at| at.0),
        warnings: done.warnings.into_iter().map(Into::into).collect(),
    })
}

#[tauri::command]
pub(super) async fn wb_rollout(
    cabin: State<'_, Cabin>,
    asking: State<'_, Asking>,
    req: WbRolloutReq,
    channel: Channel<WbRolloutView>,
) -> Answer<WbRolloutView> {
    let watch = async {
        let target = RolloutTarget { kind: req.object.kind, name: req.object.name, namespace: req.object.namespace };
        let tell = |now: &domain::manifest::Rollout| {
            // A window that closed hears nothing.
            let _ = channel.send(now.into());
        };
        let end = cabin.app().await?.workbench.watch_rollout(Some(&req.cluster), &target, WATCH, tell).await?;
        Ok(WbRolloutView::from(&end))
    };
    asking.until(&req.ask, watch).await
}

#[tauri::command]
pub(super) async fn wb_changes(cabin: State<'_, Cabin>, req: Nothing) -> Answer<Vec<WbPastView>> {
    let Nothing {} = req;
    Ok(cabin.app().await?.workbench.changes(CHANGES).await?.into_iter().map(Into::into).collect())
}

#[tauri::command]
pub(super) async fn wb_undo(cabin: State<'_, Cabin>, req: WbUndoReq) -> Answer<WbUndoneView> {
    Ok(cabin.app().await?.workbench.undo(&req.id, req.force, false, cabin.actor()).await?.into())
}

#[tauri::command]
pub(super) async fn wb_confirm(cabin: State<'_, Cabin>, req: IdReq) -> Answer<WbPastView> {
    Ok(cabin.app().await?.workbench.confirm(&req.id, cabin.actor()).await?.into())
}

#[tauri::command]
pub(super) async fn wb_open(handle: AppHandle, files: State<'_, Files>, req: Nothing) -> Answer<WbOpenRes> {
    let Nothing {} = req;
    Ok(WbOpenRes { file: files.open(&handle).await? })
}

#[tauri::command]
pub(super) async fn wb_save(handle: AppHandle, files: State<'_, Files>, req: WbSaveReq) -> Answer<PickRes> {
    Ok(PickRes { path: files.save(&handle, req.path, req.text).await? })
}
