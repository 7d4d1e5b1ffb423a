//! `pilot k8s rehearse|diff|apply|confirm|undo|rollout`: change a cluster, as it was rehearsed, and take it back.

use app::workbench::{AppliedSet, ApplyOrder, Reverted};
use domain::Json;
use domain::fault::{Fault, FaultKind};
use domain::manifest::{Action, ChangeView, Draft, Extent, Rehearsal, Rollout, RolloutTarget, Undone};
use domain::text::Text;
use serde_json::json;

use super::act;
use crate::args::{K8sApplyArgs, K8sManifestArgs, K8sRolloutCommand, K8sTargetArgs, K8sTryArgs, K8sUndoArgs, Lang};
use crate::commands::moment;
use crate::context::Context;
use crate::out::Out;
use crate::table::Table;
use crate::target::read_text;
use crate::values::usage;
use crate::words::{tame, tame_line};

fn draft(args: &K8sManifestArgs) -> Result<Draft, Fault> {
    Ok(Draft { text: read_text(&args.file)?, namespace: args.place.namespace.clone(), take_over: args.take_over.clone() })
}

/// Tries a manifest.
pub(super) async fn rehearse(cx: &Context, args: K8sTryArgs) -> Result<u8, Fault> {
    let manifest = &args.manifest;
    let rehearsal = cx.or_stop(cx.app.workbench.rehearse(manifest.place.cluster.as_deref(), &draft(manifest)?, &cx.actor)).await?;
    let out = &cx.out;
    if out.for_programs() {
        out.document(&json!({
            "digest": rehearsal.digest(),
            "expiresAt": rehearsal.expires_at(),
            "changes": rehearsal.changes(),
            "conflicts": rehearsal.conflicts(),
            "undoneBy": rehearsal.undone_by(),
            "warnings": words(out, rehearsal.warnings()),
        }));
        return Ok(0);
    }
    out.put(&tame(&changes(out, &rehearsal, args.defaults)));
    for conflict in rehearsal.conflicts() {
        let line = if conflict.taken_over {
            Text::new(
                format!("taken over: {} {} from {}", conflict.object, conflict.path, conflict.manager),
                format!("接管：{} {}（原管理者 {}）", conflict.object, conflict.path, conflict.manager),
            )
        } else {
            Text::new(
                format!("conflict: {} {} is managed by {}", conflict.object, conflict.path, conflict.manager),
                format!("冲突：{} {} 由 {} 管理", conflict.object, conflict.path, conflict.manager),
            )
        };
        out.line(&tame_line(out.pick(&line)));
    }
    for keeper in rehearsal.undone_by() {
        let line = Text::new(
            format!("will be set back by {}: {} {}", keeper.by, keeper.object, keeper.path),
            format!("会被 {} 改回：{} {}", keeper.by, keeper.object, keeper.path),
        );
        out.line(&tame_line(out.pick(&line)));
    }
    for warning in rehearsal.warnings() {
        out.tell(&tame_line(&format!("{}: {}", out.word("warning", "警告"), out.pick(warning))));
    }
    out.line(&format!("digest: {}", rehearsal.digest()));
    out.remark(&Text::new(
        format!("holds until {} UTC; nothing was changed", moment(rehearsal.expires_at())),
        format!("有效至 {} UTC；未作任何更改", moment(rehearsal.expires_at())),
    ));
    Ok(0)
}

fn words<'t>(out: &Out, texts: &'t [Text]) -> Vec<&'t str> {
    texts.iter().map(|text| crate::words::pick(text, out.lang())).collect()
}

/// The differences, as text.
fn changes(out: &Out, rehearsal: &Rehearsal, defaults: bool) -> String {
    let mut text = String::new();
    for change in rehearsal.changes() {
        let word = match change.action {
            Action::Create => out.word("create", "创建"),
            Action::Change => out.word("change", "更改"),
            Action::Unchanged => out.word("unchanged", "无变化"),
            Action::Delete => out.word("delete", "删除"),
        };
        let extent = match change.extent {
            Extent::Whole => "",
            Extent::Fields => out.word(" (only its fields could be tried)", "（只能试运行其字段）"),
            Extent::Nothing => out.word(" (could not be tried yet)", "（尚无法试运行）"),
        };
        text.push_str(&format!("{word} {}{extent}\n{}", change.object, change.diff));
        let value = |value: &Option<Json>| value.as_ref().map_or_else(|| "-".to_owned(), Json::to_string);
        for field in &change.adjusted {
            let kept = out.word("the cluster keeps", "集群保存为");
            text.push_str(&format!("! {}: {} → {kept} {}\n", field.path, value(&field.before), value(&field.after)));
        }
        for field in change.defaults.iter().filter(|_| defaults) {
            text.push_str(&format!("= {}: {}\n", field.path, value(&field.after)));
        }
        let hidden = if defaults { 0 } else { change.defaults.len() };
        if hidden > 0 {
            text.push_str(&match (out.lang(), hidden) {
                (Lang::Zh, _) => format!("= 另有 {hidden} 个字段由服务器填入默认值（用 --defaults 显示）\n"),
                (_, 1) => "= and one field that the server fills in (--defaults shows it)\n".to_owned(),
                _ => format!("= and {hidden} fields that the server fills in (--defaults shows them)\n"),
            });
        }
    }
    text
}

/// Shows what would be otherwise.
pub(super) async fn diff(cx: &Context, args: K8sTryArgs) -> Result<u8, Fault> {
    let manifest = &args.manifest;
    let rehearsal = cx.or_stop(cx.app.workbench.rehearse(manifest.place.cluster.as_deref(), &draft(manifest)?, &cx.actor)).await?;
    if cx.out.for_programs() {
        cx.out.document(&json!({ "changes": rehearsal.changes(), "warnings": words(&cx.out, rehearsal.warnings()) }));
    } else {
        cx.out.put(&tame(&changes(&cx.out, &rehearsal, args.defaults)));
    }
    Ok(0)
}

/// Applies what was rehearsed.
pub(super) async fn apply(cx: &Context, args: K8sApplyArgs) -> Result<u8, Fault> {
    let Some(digest) = args.digest else {
        return Err(Fault::new(
            FaultKind::Denied,
            "rehearsal_missing",
            Text::new("nothing was changed: no digest of a rehearsal was given", "未作任何更改：没有给出排演摘要"),
            Text::new(
                "Rehearse first (`pilot k8s rehearse`), look at it, and give its digest with --digest.",
                "请先排演（`pilot k8s rehearse`）、查看结果，再用 --digest 给出摘要。",
            ),
        ));
    };
    let order = ApplyOrder {
        cluster: args.manifest.place.cluster.clone(),
        draft: draft(&args.manifest)?,
        digest,
        confirm_within: args.confirm_within,
        approve_once: args.approve_once,
    };
    let done = cx.app.workbench.apply(order, &cx.actor).await?;
    show_applied(&cx.out, &done);
    Ok(0)
}

/// What was done to an object.
pub(super) fn done_word(out: &Out, action: Action) -> &'static str {
    match action {
        Action::Create => out.word("created", "已创建"),
        Action::Change => out.word("changed", "已更改"),
        Action::Unchanged => out.word("unchanged", "无变化"),
        Action::Delete => out.word("deleted", "已删除"),
    }
}

fn show_applied(out: &Out, done: &AppliedSet) {
    if out.for_programs() {
        out.document(&json!({
            "applied": done.applied,
            "undoId": done.undo_id,
            "revertAt": done.revert_at,
            "warnings": words(out, &done.warnings),
        }));
        return;
    }
    for one in &done.applied {
        let word = done_word(out, one.action);
        out.line(&format!("{word} {}", one.object));
    }
    for warning in &done.warnings {
        out.tell(&tame_line(&format!("{}: {}", out.word("warning", "警告"), out.pick(warning))));
    }
    match &done.undo_id {
        None => out.line(out.word("nothing had to be changed", "无需更改")),
        Some(id) => out.line(&format!("undo: {id}")),
    }
    if let (Some(at), Some(id)) = (done.revert_at, &done.undo_id) {
        out.remark(&Text::new(
            format!(
                "it goes back at {} UTC unless you run `pilot k8s confirm {id}`; the window does that when it is open, else the next pilot",
                moment(at)
            ),
            format!("除非运行 `pilot k8s confirm {id}`，否则将于 {} UTC 撤销；由打开的窗口或下一次运行的 pilot 执行", moment(at)),
        ));
    }
}

/// A change stays.
pub(super) async fn confirm(cx: &Context, id: &str) -> Result<u8, Fault> {
    let view = cx.app.workbench.confirm(id, &cx.actor).await?;
    cx.out.one(&view, |out| out.word("it stays", "更改已保留").to_owned());
    Ok(0)
}

/// Takes a change back, or lists what could be.
pub(super) async fn undo(cx: &Context, args: K8sUndoArgs) -> Result<u8, Fault> {
    if args.list {
        let list = cx.app.workbench.changes(200).await?;
        cx.out.list(&list, || {
            let out = &cx.out;
            let mut table =
                Table::new([out.word("CHANGE", "更改"), out.word("STATE", "状态"), out.word("AT", "时间"), out.word("OBJECTS", "对象")]);
            for view in &list {
                table.row(row(view));
            }
            table
        });
        return Ok(0);
    }
    let Some(id) = args.change else { return Err(usage("change", "name the change", "请指定更改")) };
    let undone = cx.app.workbench.undo(&id, args.force, args.approve_once, &cx.actor).await?;
    cx.out.one(&undone, |out| taken_back(out, &undone));
    Ok(0)
}

fn row(view: &ChangeView) -> [String; 4] {
    let objects = view.objects.iter().map(|(_, object, _)| object.to_string()).collect::<Vec<_>>().join(", ");
    [view.id.clone(), view.state.word().to_owned(), moment(view.at), objects]
}

fn taken_back(out: &Out, undone: &Undone) -> String {
    let one = |step: &domain::manifest::UndoStep| {
        let word = match step.action.as_str() {
            "delete" => out.word("deleted", "已删除"),
            "recreate" => out.word("made again", "已重建"),
            "restore" => out.word("put back", "已恢复"),
            _ => out.word("was so already", "无需恢复"),
        };
        format!("{word} {}\n", step.object)
    };
    undone.undone.iter().map(one).collect()
}

/// `KIND/NAME`, or the two words.
pub(super) fn object(what: &[String]) -> Result<(String, String), Fault> {
    match what {
        [one] => one.split_once('/').map(|(kind, name)| (kind.to_owned(), name.to_owned())),
        [kind, name] => Some((kind.clone(), name.clone())),
        _ => None,
    }
    .filter(|(kind, name)| !kind.is_empty() && !name.is_empty())
    .ok_or_else(|| usage("what", "name it as KIND/NAME", "请写成 KIND/NAME"))
}

/// Where a rollout stands.
pub(super) async fn rollout(cx: &Context, command: K8sRolloutCommand) -> Result<u8, Fault> {
    let (what, place, wait) = match command {
        K8sRolloutCommand::Status { what, place, wait } => (what, place, wait),
        K8sRolloutCommand::History { what, place } => return act::history(cx, &what, &place).await,
        K8sRolloutCommand::Undo { what, place, to_revision, approve_once } => {
            return act::roll_back(cx, K8sTargetArgs { what, place, approve_once }, to_revision).await;
        }
    };
    let (kind, name) = object(&what)?;
    let target = RolloutTarget { kind, name, namespace: place.namespace };
    let rollout = cx.or_stop(cx.app.workbench.rollout(place.cluster.as_deref(), &target, wait)).await?;
    cx.out.one(&rollout, |out| standing(out, &rollout));
    Ok(u8::from(rollout.state != "done"))
}

fn standing(out: &Out, rollout: &Rollout) -> String {
    let mut text = format!("{}\n", tame_line(out.pick(&rollout.summary)));
    for reason in &rollout.reasons {
        let container = reason.container.as_ref().map_or_else(String::new, |name| format!("/{name}"));
        text.push_str(&tame_line(&format!("  {}{container}: {}: {}", reason.pod, reason.reason, reason.message)));
        text.push('\n');
    }
    text
}

/// Says what went back because nobody confirmed it.
pub(crate) fn tell_reverted(out: &Out, reverted: &[Reverted]) {
    for one in reverted {
        let id = &one.id;
        let text = match &one.outcome {
            Ok(_) => {
                Text::new(format!("the change {id} was not confirmed in time and was taken back"), format!("更改 {id} 未按时确认，已撤销"))
            }
            Err(fault) => Text::new(
                format!("the change {id} was not confirmed in time, and could not be taken back: {}", fault.message.en),
                format!("更改 {id} 未按时确认，且无法撤销：{}", fault.message.zh),
            ),
        };
        out.tell(&tame_line(out.pick(&text)));
    }
}
