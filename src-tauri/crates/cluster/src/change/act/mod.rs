//! Acts on single objects: planned on what is there, tried on the API server, kept to be taken back, and carried out once.
//!
//! **Invariant:** a request that changes something names the version of the object that was looked at, and an answer that did not come is
//! told as one: nothing is sent again that may have been done.

mod drain;
mod plan;
mod revisions;

use domain::Json;
use domain::act::{ActIo, ActTarget, Deed, Done, Foresight, Revision};
use domain::fault::Fault;
use domain::manifest::{Action, Content, FieldChange, ObjectChange, ObjectRef};
use domain::text::Text;

use super::apply::{Item, Stopped, incomplete, settle};
use super::content::{Differs, differences, masked, unified, visible};
use super::wire::{Line, Mode};
use super::{Changes, rehearse};
use crate::look::mask;
use plan::{Plan, Way, plan};

/// Tries an act. Changes nothing.
pub(super) async fn foresee(changes: &Changes, line: &Line<'_>, deed: &Deed) -> Result<Foresight, Fault> {
    if let Deed::Drain { target, order } = deed {
        return drain::foresee(changes, line, target, order).await;
    }
    let mut plan = plan(changes, line, deed).await?;
    let tried = plan.tried(line).await?;
    Ok(Foresight {
        seen: plan.seen(),
        changes: plan.told(tried.as_ref()).into_iter().collect(),
        undone_by: plan.undone_by,
        pods: vec![],
        warnings: plan.warnings,
    })
}

/// Carries an act out.
pub(super) async fn act(changes: &Changes, line: &Line<'_>, deed: &Deed, seen: Option<&str>, io: &ActIo) -> Result<Done, Fault> {
    if let Deed::Drain { target, order } = deed {
        return drain::drain(changes, line, target, order, seen, io).await;
    }
    let mut plan = plan(changes, line, deed).await?;
    plan.check(seen)?;
    carried_out(changes, line, &mut plan).await
}

/// The templates that a workload can go back to.
pub(super) async fn history(line: &Line<'_>, target: &ActTarget) -> Result<Vec<Revision>, Fault> {
    revisions::history(line, target).await
}

/// Tries a plan once more, keeps what is there, and does it.
async fn carried_out(changes: &Changes, line: &Line<'_>, plan: &mut Plan) -> Result<Done, Fault> {
    let would_be = plan.tried(line).await?;
    let before = plan.live.as_ref().map(shown);
    if matches!(plan.way, Way::Nothing) {
        let warnings = std::mem::take(&mut plan.warnings);
        return Ok(Done { done: vec![], undo_id: None, warnings, after: before.clone(), before, pods: vec![], revisions: plan.revisions });
    }
    let item = Item {
        object: plan.object.clone(),
        action: plan.action,
        before: plan.live.as_ref().map(visible),
        after: plan.expected(would_be.as_ref()),
    };
    let mut kept = changes.to_keep(line, rehearse::identity(line).await?, vec![item]).await?;
    kept.objects[0].path.clone_from(&plan.path);
    kept.objects[0].stamp = plan.live.as_ref().filter(|_| plan.action == Action::Delete).map(stamp);
    changes.log.keep_change(&kept).await?;
    let said = match plan.sent(line, Mode::Do).await {
        Ok(Some(said)) if !said.agreed() => Err(Stopped { fault: plan.refusal(line, &said), doubt: false }),
        other => other,
    };
    let said = match said {
        Ok(said) => said,
        Err(stopped) if !stopped.doubt => {
            changes.forget(&kept).await;
            return Err(stopped.fault);
        }
        Err(stopped) => {
            settle(changes, &mut kept, None).await?;
            return Err(incomplete(&kept, 0, &plan.object, stopped));
        }
    };
    let after = match &plan.way {
        Way::Delete { .. } => None,
        // The answer is about the scale alone. That it cannot be seen undoes nothing.
        Way::Scale { .. } => line.get(&plan.path).await.ok().filter(super::wire::Said::agreed).map(|said| said.body),
        _ => said.map(|said| said.body),
    };
    kept.objects[0].applied = true;
    if let Some(after) = &after {
        kept.objects[0].stamp = Some(stamp(after));
        if let Content::Clear { after: place, .. } = &mut kept.objects[0].content {
            *place = Some(visible(after));
        }
    }
    settle(changes, &mut kept, None).await?;
    Ok(Done {
        done: vec![(plan.action, plan.object.clone())],
        undo_id: Some(kept.id),
        warnings: std::mem::take(&mut plan.warnings),
        before,
        after: after.as_ref().map(shown),
        pods: vec![],
        revisions: plan.revisions,
    })
}

/// Its uid and version.
fn stamp(live: &Json) -> (String, String) {
    let text = |key: &str| live["metadata"][key].as_str().unwrap_or_default().to_owned();
    (text("uid"), text("resourceVersion"))
}

/// A whole object as anybody may see it.
fn shown(live: &Json) -> Json {
    let mut live = live.clone();
    mask(&mut live, false);
    live
}

/// What would be otherwise; none where nothing would.
fn difference(object: &ObjectRef, action: Action, before: Option<&Json>, after: Option<&Json>) -> Option<ObjectChange> {
    let (before, after) = (before.map(visible), after.map(visible));
    if before == after {
        return None;
    }
    let (before, after) = if object.is_secret() { masked(before.as_ref(), after.as_ref()) } else { (before, after) };
    let empty = Json::Object(domain::JsonMap::new());
    // A deletion is told as a whole.
    let fields: Vec<FieldChange> = match &after {
        None => vec![],
        Some(after) => differences(before.as_ref().unwrap_or(&empty), after).iter().map(Differs::told).collect(),
    };
    let diff = unified(before.as_ref(), after.as_ref());
    Some(ObjectChange {
        action,
        object: object.clone(),
        diff,
        fields,
        adjusted: vec![],
        defaults: vec![],
        extent: domain::manifest::Extent::Whole,
        before,
        after,
    })
}

/// A server's words in a list of ours.
fn said(object: &ObjectRef, words: &[String], into: &mut Vec<Text>) {
    for word in words {
        let text = Text::same(format!("{object}: {word}"));
        if !into.contains(&text) {
            into.push(text);
        }
    }
}
