//! Commands about what was said of programs that ask for credentials.

use domain::id::ClusterId;
use ipc::common::{Nothing, UiFault};
use ipc::consents::{ConsentForgetReq, ConsentView};
use tauri::State;

use crate::cabin::Cabin;

type Answer<T> = Result<T, UiFault>;

#[tauri::command]
pub(super) async fn consent_list(cabin: State<'_, Cabin>, req: Nothing) -> Answer<Vec<ConsentView>> {
    let Nothing {} = req;
    Ok(cabin.app().await?.credentials.consents().await?.into_iter().map(Into::into).collect())
}

#[tauri::command]
pub(super) async fn consent_forget(cabin: State<'_, Cabin>, req: ConsentForgetReq) -> Answer<Nothing> {
    let cluster = req.cluster_id.map(ClusterId::new);
    cabin.app().await?.credentials.take_back_one(&req.program, cluster.as_ref(), cabin.actor()).await?;
    Ok(Nothing {})
}
