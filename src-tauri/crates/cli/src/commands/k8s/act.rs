//! `pilot k8s scale|restart|patch|delete|cordon|uncordon|drain` and `rollout undo|history`: what is done to single objects. Each is a call of
//! a built-in tool, so that policy and audit see it.

use app::workbench::{ActOrder, Acted};
use domain::fault::Fault;
use domain::id::CallId;
use domain::protocol::CallEvent;
use domain::text::Text;
use domain::{Json, JsonMap};
use serde_json::json;
use tokio::sync::mpsc;

use super::change::object;
use crate::args::{
    K8sCascade, K8sDeleteArgs, K8sDrainArgs, K8sNodeArgs, K8sPatchArgs, K8sPatchType, K8sPlace, K8sScaleArgs, K8sTargetArgs,
};
use crate::context::Context;
use crate::out::Out;
use crate::progress::Progress;
use crate::table::Table;
use crate::target::read_text;
use crate::values::usage;
use crate::words::{tame, tame_line};

/// The arguments that name the object.
fn target(args: &K8sTargetArgs) -> Result<JsonMap, Fault> {
    let (kind, name) = object(&args.what)?;
    let mut map = place(&args.place);
    map.insert("kind".to_owned(), kind.into());
    map.insert("name".to_owned(), name.into());
    Ok(map)
}

fn place(place: &K8sPlace) -> JsonMap {
    let pairs = [("cluster", &place.cluster), ("namespace", &place.namespace)];
    pairs.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.clone()?.into()))).collect()
}

/// Sets how many pods something has.
pub(super) async fn scale(cx: &Context, args: K8sScaleArgs) -> Result<u8, Fault> {
    let mut map = target(&args.target)?;
    map.insert("replicas".to_owned(), args.replicas.into());
    done(cx, "k8s-scale-resource", map, args.target.approve_once).await
}

/// Replaces all pods.
pub(super) async fn restart(cx: &Context, args: K8sTargetArgs) -> Result<u8, Fault> {
    done(cx, "k8s-restart-resource", target(&args)?, args.approve_once).await
}

/// Goes back to an earlier revision.
pub(super) async fn roll_back(cx: &Context, args: K8sTargetArgs, revision: Option<u64>) -> Result<u8, Fault> {
    let mut map = target(&args)?;
    if let Some(revision) = revision {
        map.insert("revision".to_owned(), revision.into());
    }
    done(cx, "k8s-rollback-resource", map, args.approve_once).await
}

/// Lists revisions.
pub(super) async fn history(cx: &Context, what: &[String], place: &K8sPlace) -> Result<u8, Fault> {
    let (kind, name) = object(what)?;
    let asked = cx.app.workbench.revisions(place.cluster.as_deref(), &kind, place.namespace.as_deref(), &name);
    let list = cx.or_stop(asked).await?;
    cx.out.list(&list, || {
        let out = &cx.out;
        let mut table = Table::new([
            out.word("REVISION", "版本"),
            out.word("CURRENT", "当前"),
            out.word("AT", "时间"),
            out.word("IMAGES", "镜像"),
            out.word("CAUSE", "原因"),
        ]);
        for one in &list {
            let current = if one.current { "*" } else { "" };
            table.row([
                one.revision.to_string(),
                current.to_owned(),
                one.made_at.clone().unwrap_or_default(),
                one.images.join(", "),
                one.change_cause.clone().unwrap_or_default(),
            ]);
        }
        table
    });
    Ok(0)
}

/// Changes some fields.
pub(super) async fn patch(cx: &Context, args: K8sPatchArgs) -> Result<u8, Fault> {
    let text = match args.patch.strip_prefix('@') {
        Some(file) => read_text(file.as_ref())?,
        None if args.patch == "-" => read_text("-".as_ref())?,
        None => args.patch.clone(),
    };
    let patch = yaml::value(&text, &yaml::Profile::manifest()).map_err(|fault| {
        let (en, zh) = (fault.reason.to_string(), fault.reason.zh());
        usage("patch", format!("the patch is neither JSON nor YAML: {en}"), format!("补丁既不是 JSON 也不是 YAML：{zh}"))
    })?;
    let mut map = target(&args.target)?;
    map.insert("patch".to_owned(), patch);
    if let Some(kind) = args.kind {
        let word = match kind {
            K8sPatchType::Strategic => "strategic",
            K8sPatchType::Merge => "merge",
            K8sPatchType::Json => "json",
        };
        map.insert("patch_type".to_owned(), word.into());
    }
    done(cx, "k8s-patch-resource", map, args.target.approve_once).await
}

/// Deletes an object.
pub(super) async fn delete(cx: &Context, args: K8sDeleteArgs) -> Result<u8, Fault> {
    let mut map = target(&args.target)?;
    let word = match args.cascade {
        K8sCascade::Background => "background",
        K8sCascade::Foreground => "foreground",
        K8sCascade::Orphan => "orphan",
    };
    map.insert("propagation".to_owned(), word.into());
    if let Some(grace) = args.grace_period {
        map.insert("grace_period_seconds".to_owned(), grace.into());
    }
    for (name, value) in [("uid", args.uid), ("resource_version", args.resource_version)] {
        if let Some(value) = value {
            map.insert(name.to_owned(), value.into());
        }
    }
    done(cx, "k8s-delete-resource", map, args.target.approve_once).await
}

fn node(args: &K8sNodeArgs) -> JsonMap {
    let mut map = JsonMap::from_iter([("name".to_owned(), Json::from(args.node.as_str()))]);
    if let Some(cluster) = &args.cluster {
        map.insert("cluster".to_owned(), cluster.as_str().into());
    }
    map
}

/// Lets pods come to a node, or none.
pub(super) async fn cordon(cx: &Context, args: K8sNodeArgs, on: bool) -> Result<u8, Fault> {
    done(cx, if on { "k8s-cordon-node" } else { "k8s-uncordon-node" }, node(&args), args.approve_once).await
}

/// Moves pods away from a node.
pub(super) async fn drain(cx: &Context, args: K8sDrainArgs) -> Result<u8, Fault> {
    let mut map = node(&args.node);
    let seconds = args.timeout.as_secs();
    if seconds > 540 {
        return Err(usage("timeout", "at most 9m", "最长 9m"));
    }
    map.insert("force".to_owned(), args.force.into());
    map.insert("delete_emptydir_data".to_owned(), args.delete_emptydir_data.into());
    map.insert("timeout_seconds".to_owned(), seconds.into());
    if let Some(grace) = args.grace_period {
        map.insert("grace_period_seconds".to_owned(), grace.into());
    }
    done(cx, "k8s-drain-node", map, args.node.approve_once).await
}

/// Calls the tool and shows what came of it. Ctrl-C cancels it; then its fault is waited for, which says how far it got.
async fn done(cx: &Context, tool: &'static str, args: JsonMap, approve_once: bool) -> Result<u8, Fault> {
    let call = CallId::new(format!("k8s-{}", uuid::Uuid::new_v4().simple()));
    let (sender, mut events) = mpsc::channel::<CallEvent>(1024);
    let mut progress = Progress::new(cx.out.clone(), false);
    let acting = cx.app.workbench.act(ActOrder { tool, args, call: call.clone(), approve_once }, &cx.actor, Some(sender));
    tokio::pin!(acting);
    let mut stopping = false;
    let acted = loop {
        tokio::select! {
            biased;
            Some(event) = events.recv() => progress.take(&event),
            acted = &mut acting => break acted,
            () = cx.stop.cancelled(), if !stopping => {
                stopping = true;
                if !cx.app.desk.cancel(&call) {
                    break Err(crate::context::cancelled());
                }
            }
        }
    };
    progress.clear();
    show(&cx.out, &acted?);
    Ok(0)
}

fn show(out: &Out, acted: &Acted) {
    if out.for_programs() {
        let warnings: Vec<&str> = acted.warnings.iter().map(|text| crate::words::pick(text, out.lang())).collect();
        out.document(&json!({
            "message": acted.message, "changed": acted.changed, "undoId": acted.undo_id, "pods": acted.pods, "warnings": warnings,
            "auditId": acted.audit_id,
        }));
        return;
    }
    for pod in &acted.pods {
        out.line(&tame_line(&format!("{} {}/{} ({})", pod.fate, pod.namespace, pod.name, out.pick(&pod.why))));
    }
    for warning in &acted.warnings {
        out.tell(&tame_line(&format!("{}: {}", out.word("warning", "警告"), out.pick(warning))));
    }
    if acted.changed {
        out.line(&tame(&acted.message));
    } else {
        out.line(out.word("nothing had to be changed", "无需更改"));
    }
    if let Some(id) = &acted.undo_id {
        out.remark(&Text::new(format!("to take it back: pilot k8s undo {id}"), format!("撤销：pilot k8s undo {id}")));
    }
}
