//! Commands that look at what clusters hold. Each question has a name, so that a person can give it up.

use std::collections::HashMap;
use std::future::Future;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use domain::fault::{Fault, FaultKind};
use domain::kube::{LookFor, Scope, TablePart, TableSink, WatchFor, WatchPart, WatchSink};
use domain::text::Text;
use ipc::common::{IdReq, Nothing, UiFault};
use ipc::kube::{
    KubeCountView, KubeCountsReq, KubeKindsReq, KubeKindsView, KubeObjectReq, KubeObjectView, KubeTablePart, KubeTableReq, KubeTableRes,
    KubeWatchPart, KubeWatchReq,
};
use tauri::State;
use tauri::ipc::Channel;
use tokio::sync::oneshot;

use crate::cabin::Cabin;

type Answer<T> = Result<T, UiFault>;

/// The questions that are under way.
#[derive(Default)]
pub(crate) struct Asking(Mutex<HashMap<String, oneshot::Sender<()>>>);

/// Takes a question off the list, however it ended.
struct Asked<'a> {
    asking: &'a Asking,
    id: &'a str,
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        self.asking.all().remove(self.id);
    }
}

impl Asking {
    fn all(&self) -> MutexGuard<'_, HashMap<String, oneshot::Sender<()>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for an answer until it is there or nobody wants it any more.
    pub(super) async fn until<T>(&self, id: &str, work: impl Future<Output = Answer<T>>) -> Answer<T> {
        let (stop, stopped) = oneshot::channel();
        self.all().insert(id.to_owned(), stop);
        let _asked = Asked { asking: self, id };
        tokio::select! {
            answer = work => answer,
            Ok(()) = stopped => Err(given_up().into()),
        }
    }

    /// Nobody waits for the answer any more.
    fn give_up(&self, id: &str) {
        let question = self.all().remove(id);
        let _ = question.map(|stop| stop.send(()));
    }
}

fn given_up() -> Fault {
    Fault::new(
        FaultKind::Cancelled,
        "given_up",
        Text::new("the cluster was not waited for: it was cancelled", "未等待集群应答：已取消"),
        Text::new("Nothing was changed there.", "集群中没有任何更改。"),
    )
}

/// Hands a table to the window as it comes in.
struct ToWindow {
    channel: Channel<KubeTablePart>,
    parts: AtomicU32,
}

#[async_trait]
impl TableSink for ToWindow {
    async fn part(&self, part: TablePart) -> bool {
        self.parts.fetch_add(1, Ordering::Relaxed);
        self.channel.send(part.into()).is_ok()
    }
}

#[tauri::command]
pub(super) async fn kube_kinds(cabin: State<'_, Cabin>, asking: State<'_, Asking>, req: KubeKindsReq) -> Answer<KubeKindsView> {
    let look = async {
        let kube = &cabin.app().await?.kube;
        let cluster = kube.cluster(Some(&req.cluster)).await?;
        Ok(KubeKindsView::from(&*kube.kinds(&cluster).await?))
    };
    asking.until(&req.ask, look).await
}

#[tauri::command]
pub(super) async fn kube_table(
    cabin: State<'_, Cabin>,
    asking: State<'_, Asking>,
    req: KubeTableReq,
    channel: Channel<KubeTablePart>,
) -> Answer<KubeTableRes> {
    let sink = ToWindow { channel, parts: AtomicU32::default() };
    let look = async {
        let kube = &cabin.app().await?.kube;
        let cluster = kube.cluster(Some(&req.cluster)).await?;
        let scope = Some(req.namespace.map_or(Scope::All, Scope::One));
        let query = LookFor { scope, fields: req.fields, labels: req.labels, ..LookFor::kind(req.kind) };
        // Asked before the list, so that a watch from there on misses nothing. Without it the table is one that does not change by itself.
        let place = kube.place(&cluster, &query).await.ok();
        kube.table_into(&cluster, &query, &sink).await?;
        Ok(KubeTableRes { parts: sink.parts.load(Ordering::Relaxed), place })
    };
    asking.until(&req.ask, look).await
}

/// Hands changes to the window as they come in.
struct Changes(Channel<KubeWatchPart>);

#[async_trait]
impl WatchSink for Changes {
    async fn part(&self, part: WatchPart) -> bool {
        KubeWatchPart::of(part).is_none_or(|part| self.0.send(part).is_ok())
    }
}

#[tauri::command]
pub(super) async fn kube_watch(
    cabin: State<'_, Cabin>,
    asking: State<'_, Asking>,
    req: KubeWatchReq,
    channel: Channel<KubeWatchPart>,
) -> Answer<Nothing> {
    let look = async {
        let kube = &cabin.app().await?.kube;
        let cluster = kube.cluster(Some(&req.cluster)).await?;
        let scope = Some(req.namespace.map_or(Scope::All, Scope::One));
        let query = LookFor { scope, fields: req.fields, ..LookFor::kind(req.kind) };
        kube.watch(&cluster, &WatchFor::rows(query).since(req.place), &Changes(channel)).await?;
        Ok(Nothing {})
    };
    asking.until(&req.ask, look).await
}

#[tauri::command]
pub(super) async fn kube_counts(cabin: State<'_, Cabin>, asking: State<'_, Asking>, req: KubeCountsReq) -> Answer<Vec<KubeCountView>> {
    let look = async {
        let kube = &cabin.app().await?.kube;
        let cluster = kube.cluster(Some(&req.cluster)).await?;
        let scope = req.namespace.map_or(Scope::All, Scope::One);
        let queries = req.kinds.iter().map(|kind| LookFor { scope: Some(scope.clone()), ..LookFor::kind(kind) }).collect();
        let counts = kube.counts(&cluster, queries).await;
        Ok(req.kinds.into_iter().zip(counts).map(|(kind, count)| KubeCountView::of(kind, count)).collect())
    };
    asking.until(&req.ask, look).await
}

#[tauri::command]
pub(super) async fn kube_object(cabin: State<'_, Cabin>, asking: State<'_, Asking>, req: KubeObjectReq) -> Answer<KubeObjectView> {
    let look = async {
        let kube = &cabin.app().await?.kube;
        let cluster = kube.cluster(Some(&req.cluster)).await?;
        let kind = kube.kind(&cluster, &req.kind).await?;
        let object = kube.object(&cluster, &kind, req.namespace.as_deref(), &req.name).await?;
        let yaml = yaml::write(&object).ok_or_else(|| unwritable(&req.name))?;
        Ok(KubeObjectView { object, yaml })
    };
    asking.until(&req.ask, look).await
}

#[tauri::command]
pub(super) async fn kube_cancel(asking: State<'_, Asking>, req: IdReq) -> Answer<Nothing> {
    asking.give_up(&req.id);
    Ok(Nothing {})
}

pub(super) fn unwritable(name: &str) -> Fault {
    Fault::new(
        FaultKind::Protocol,
        "not_yaml",
        Text::new(format!("{name} cannot be written as YAML"), format!("{name} 无法写成 YAML")),
        Text::new("Look at it as JSON: pilot k8s get -o json.", "请以 JSON 查看：pilot k8s get -o json。"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_question_that_is_given_up_ends_and_leaves_nothing() {
        let asking = Asking::default();
        let never = std::future::pending::<Answer<()>>();
        let (ended, ()) = tokio::join!(asking.until("1", never), async {
            asking.give_up("other");
            asking.give_up("1");
        });
        assert_eq!(ended.unwrap_err().code, "given_up");
        assert_eq!(asking.until("2", async { Ok(5) }).await.ok(), Some(5));
        asking.give_up("2");
        assert!(asking.all().is_empty());
    }
}
