//! What is used in a cluster now.

use domain::kube::{Scope, UsageOf};
use ipc::common::UiFault;
use ipc::kube_usage::{KubeUsageReq, KubeUsageView};
use tauri::State;

use super::kube::Asking;
use crate::cabin::Cabin;

#[tauri::command]
pub(super) async fn kube_usage(
    cabin: State<'_, Cabin>,
    asking: State<'_, Asking>,
    req: KubeUsageReq,
) -> Result<Vec<KubeUsageView>, UiFault> {
    let look = async {
        let kube = &cabin.app().await?.kube;
        let cluster = kube.cluster(Some(&req.cluster)).await?;
        let of = match req.namespace {
            Some(namespace) => UsageOf::Pods { scope: Some(Scope::One(namespace)), labels: req.labels },
            None => UsageOf::Nodes,
        };
        Ok(kube.usage(&cluster, &of).await?.into_iter().map(Into::into).collect())
    };
    asking.until(&req.ask, look).await
}
