//! Commands that do something to one object of a cluster, as calls of built-in tools: policy asks, and the audit log has them.

use app::workbench::ActOrder;
use domain::JsonMap;
use domain::id::CallId;
use domain::protocol::CallEvent;
use ipc::common::UiFault;
use ipc::kube_act::{KubeAct, KubeActReq, KubeActRes, KubeActStep, KubeRevisionView, KubeRevisionsReq};
use tauri::State;
use tauri::ipc::Channel;
use tokio::sync::mpsc;

use super::kube::Asking;
use crate::cabin::Cabin;

type Answer<T> = Result<T, UiFault>;

/// The tool and its arguments.
fn order(req: &KubeActReq) -> ActOrder {
    let mut args = JsonMap::from_iter([("cluster".to_owned(), req.cluster.as_str().into()), ("name".to_owned(), req.name.as_str().into())]);
    let node = matches!(req.act, KubeAct::Cordon | KubeAct::Uncordon | KubeAct::Drain { .. });
    if !node {
        args.insert("kind".to_owned(), req.kind.as_str().into());
        if let Some(namespace) = &req.namespace {
            args.insert("namespace".to_owned(), namespace.as_str().into());
        }
    }
    let tool = match &req.act {
        KubeAct::Scale { replicas } => {
            args.insert("replicas".to_owned(), (*replicas).into());
            "k8s-scale-resource"
        }
        KubeAct::Restart => "k8s-restart-resource",
        KubeAct::RollBack { revision } => {
            args.insert("revision".to_owned(), (*revision).into());
            "k8s-rollback-resource"
        }
        KubeAct::Cordon => "k8s-cordon-node",
        KubeAct::Uncordon => "k8s-uncordon-node",
        KubeAct::Drain { force, delete_emptydir_data } => {
            args.insert("force".to_owned(), (*force).into());
            args.insert("delete_emptydir_data".to_owned(), (*delete_emptydir_data).into());
            "k8s-drain-node"
        }
        KubeAct::Delete { propagation, uid } => {
            args.insert("propagation".to_owned(), propagation.as_str().into());
            if let Some(uid) = uid {
                args.insert("uid".to_owned(), uid.as_str().into());
            }
            "k8s-delete-resource"
        }
    };
    ActOrder { tool, args, call: CallId::new(format!("window-{}", req.ask)), approve_once: false }
}

#[tauri::command]
pub(super) async fn kube_act(
    cabin: State<'_, Cabin>,
    asking: State<'_, Asking>,
    req: KubeActReq,
    channel: Channel<KubeActStep>,
) -> Answer<KubeActRes> {
    let work = async {
        let app = cabin.app().await?;
        let (sender, mut events) = mpsc::channel(64);
        let acting = app.workbench.act(order(&req), cabin.actor(), Some(sender));
        tokio::pin!(acting);
        let acted = loop {
            tokio::select! {
                biased;
                Some(event) = events.recv() => {
                    if let CallEvent::Progress { message: Some(text), .. } = event {
                        let _ = channel.send(KubeActStep { text });
                    }
                }
                acted = &mut acting => break acted?,
            }
        };
        let warnings = acted.warnings.into_iter().map(Into::into).collect();
        Ok(KubeActRes { changed: acted.changed, undo_id: acted.undo_id, audit_id: acted.audit_id, warnings })
    };
    asking.until(&req.ask, work).await
}

#[tauri::command]
pub(super) async fn kube_revisions(
    cabin: State<'_, Cabin>,
    asking: State<'_, Asking>,
    req: KubeRevisionsReq,
) -> Answer<Vec<KubeRevisionView>> {
    let look = async {
        let app = cabin.app().await?;
        let list = app.workbench.revisions(Some(&req.cluster), &req.kind, req.namespace.as_deref(), &req.name).await?;
        Ok(list.into_iter().map(Into::into).collect())
    };
    asking.until(&req.ask, look).await
}

#[cfg(test)]
mod tests {
    use domain::Json;
    use serde_json::json;

    use super::*;

    #[test]
    fn each_act_is_a_call_of_a_tool_with_what_was_said() {
        let req = |act: Json| KubeActReq {
            cluster: "c".into(),
            kind: "deployments.apps".into(),
            namespace: Some("n".into()),
            name: "web".into(),
            act: serde_json::from_value(act).unwrap(),
            ask: "1".into(),
        };
        let on = json!({ "cluster": "c", "name": "web", "kind": "deployments.apps", "namespace": "n" });
        let node = json!({ "cluster": "c", "name": "web" });
        for (act, tool, base, more) in [
            (json!({ "do": "scale", "replicas": 3 }), "k8s-scale-resource", &on, json!({ "replicas": 3 })),
            (json!({ "do": "restart" }), "k8s-restart-resource", &on, json!({})),
            (json!({ "do": "roll_back", "revision": 2 }), "k8s-rollback-resource", &on, json!({ "revision": 2 })),
            (json!({ "do": "cordon" }), "k8s-cordon-node", &node, json!({})),
            (json!({ "do": "uncordon" }), "k8s-uncordon-node", &node, json!({})),
            (
                json!({ "do": "drain", "force": true, "deleteEmptydirData": false }),
                "k8s-drain-node",
                &node,
                json!({ "force": true, "delete_emptydir_data": false }),
            ),
            (
                json!({ "do": "delete", "propagation": "orphan", "uid": "u" }),
                "k8s-delete-resource",
                &on,
                json!({ "propagation": "orphan", "uid": "u" }),
            ),
        ] {
            let order = order(&req(act));
            let mut args = base.as_object().cloned().unwrap();
            args.extend(more.as_object().cloned().unwrap());
            assert_eq!((order.tool, Json::Object(order.args)), (tool, Json::Object(args)));
            assert!(!order.approve_once);
        }
    }
}
