//! Commands that ask clusters whether they answer, and that change what is kept of them.

use app::clusters::{ClusterChange, ExecTrust, Standing, Unchecked};
use ipc::clusters::{ClusterCheckReq, ClusterDetail, ClusterSetReq, ClustersView, PluginView, ReachView};
use ipc::common::{IdReq, Nothing, UiFault};
use tauri::State;

use super::clusters::{all, one};
use crate::cabin::Cabin;

type Answer<T> = Result<T, UiFault>;

/// What is known of a cluster's answer, for the window.
pub(super) fn standing(found: Standing) -> ReachView {
    let state = serde_json::to_value(found.state).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default();
    ReachView {
        state,
        checked_at: found.checked_at.map(|at| at.0),
        version: found.version,
        platform: found.platform,
        user: found.user,
        groups: found.groups,
        latency_ms: found.latency_ms.map(|ms| u32::try_from(ms).unwrap_or(u32::MAX)),
        seen_at: found.seen_at.map(|at| at.0),
        fault: found.fault.map(Into::into),
    }
}

#[tauri::command]
pub(super) async fn cluster_check(cabin: State<'_, Cabin>, req: ClusterCheckReq) -> Answer<ClustersView> {
    // How each one answered stands in the list.
    cabin.app().await?.clusters.check(&req.ids, cabin.actor()).await?;
    all(&cabin).await
}

#[tauri::command]
pub(super) async fn cluster_refresh(cabin: State<'_, Cabin>, req: Nothing) -> Answer<Nothing> {
    cabin.app().await?.clusters.refresh(cabin.actor()).await?;
    Ok(req)
}

#[tauri::command]
pub(super) async fn cluster_set(cabin: State<'_, Cabin>, req: ClusterSetReq) -> Answer<ClusterDetail> {
    let id = req.id.clone();
    cabin.app().await?.clusters.set(&id, &change(req), cabin.actor()).await?;
    one(&cabin, &id).await
}

#[tauri::command]
pub(super) async fn cluster_plugin(cabin: State<'_, Cabin>, req: IdReq) -> Answer<PluginView> {
    let found = cabin.app().await?.clusters.plugin(&req.id).await?;
    Ok(PluginView {
        program: found.program,
        sha256: found.sha256,
        trust: found.trust,
        warnings: found.warnings.into_iter().map(Into::into).collect(),
    })
}

fn change(req: ClusterSetReq) -> ClusterChange {
    let unless_empty = |text: String| Some(text).filter(|text| !text.is_empty());
    ClusterChange {
        name: req.name,
        colour: req.colour.map(unless_empty),
        namespace: req.namespace.map(unless_empty),
        read_only: req.read_only,
        insecure: req.insecure.map(|on| if on { Unchecked::On { typed: req.typed.unwrap_or_default() } } else { Unchecked::Off }),
        authorities: req.authorities.map(unless_empty),
        trust: req.trust.map(|key| if key.is_empty() { ExecTrust::Withdrawn } else { ExecTrust::Given { key } }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_null_stays_and_what_is_empty_is_taken_away() {
        let none = ClusterSetReq {
            id: "1".into(),
            name: None,
            colour: None,
            namespace: None,
            read_only: None,
            insecure: None,
            typed: None,
            authorities: None,
            trust: None,
        };
        assert_eq!(change(none.clone()), ClusterChange::default());
        let away = ClusterSetReq {
            colour: Some(String::new()),
            namespace: Some(String::new()),
            authorities: Some(String::new()),
            trust: Some(String::new()),
            insecure: Some(true),
            ..none
        };
        assert_eq!(
            change(away),
            ClusterChange {
                colour: Some(None),
                namespace: Some(None),
                authorities: Some(None),
                trust: Some(ExecTrust::Withdrawn),
                insecure: Some(Unchecked::On { typed: String::new() }),
                ..ClusterChange::default()
            },
            "an empty name is never the cluster's"
        );
    }
}
