//! Everything that changes a cluster: rehearsed first, applied as it was rehearsed, and taken back.
//!
//! **Invariant:** the only requests that change something are in `apply.rs`, `act` and `undo.rs`, and each of them was tried on the API
//! server right before. What a Secret holds is in no answer, no log and no database: what must be kept of it is sealed in the vault.

mod act;
mod added;
mod apply;
mod bystanders;
mod content;
mod fault;
mod keepers;
mod order;
mod parse;
mod rehearse;
mod rollout;
mod undo;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::act::{ActIo, ActTarget, Deed, Done, Foresight, Revision};
use domain::cluster::ClusterDef;
use domain::fault::{Fault, FaultKind};
use domain::id::{Clock, Millis};
use domain::manifest::{
    Applied, Change, ChangeLog, ChangeState, ChangeView, Draft, KeptChange, Parsed, Rehearsal, Rollout, RolloutTarget, Undone, stale,
};
use domain::text::Text;
use domain::vault::Vault;
use serde_json::json;

use crate::fault::about;
use crate::reach::Reach;
use wire::Line;

/// For how long a process has what it applies or takes back, from its last step on.
const CLAIM: i64 = 35_000;

/// Changes clusters.
#[derive(Debug)]
pub struct Changes {
    reach: Arc<Reach>,
    log: Arc<dyn ChangeLog>,
    vault: Arc<dyn Vault>,
    clock: Arc<dyn Clock>,
}

impl Changes {
    /// Over what reaches clusters, what keeps changes, and what keeps secrets.
    pub fn new(reach: Arc<Reach>, log: Arc<dyn ChangeLog>, vault: Arc<dyn Vault>, clock: Arc<dyn Clock>) -> Self {
        Self { reach, log, vault, clock }
    }

    fn now(&self) -> Millis {
        self.clock.now()
    }

    fn later(&self, by: i64) -> Millis {
        Millis(self.now().0.saturating_add(by))
    }

    /// A line to a cluster where something may be changed.
    async fn line<'c>(&self, cluster: &'c ClusterDef) -> Result<Line<'c>, Fault> {
        if cluster.read_only {
            let name = &cluster.name;
            return Err(about(
                cluster,
                FaultKind::Denied,
                "cluster_read_only",
                Text::new(
                    format!(
                        "the cluster {name} is read only here: nothing is changed there, and nothing is rehearsed, because a rehearsal sends the change for a trial"
                    ),
                    format!("集群 {name} 在此处为只读：不会更改任何内容，也不会排演，因为排演会将更改发送到服务器试运行"),
                ),
                Text::new("Switch read-only off for this cluster if you mean it.", "如确需更改，请关闭该集群的只读开关。"),
            ));
        }
        Ok(Line { client: self.reach.client(cluster).await?, cluster })
    }

    async fn tried(&self, line: &Line<'_>, draft: &Draft) -> Result<Rehearsal, Fault> {
        let documents = parse::documents(&draft.text)?;
        let parsed = Parsed::of(documents.iter().map(|document| document.value.clone()).collect(), &draft.take_over)?;
        let namespace = draft.namespace.as_deref().or(line.cluster.namespace.as_deref()).unwrap_or("default");
        rehearse::rehearse(line, parsed, &parse::Places::of(&documents), namespace, self.now()).await
    }

    async fn kept(&self, id: &str) -> Result<KeptChange, Fault> {
        self.log.change(id).await?.ok_or_else(|| {
            Fault::new(
                FaultKind::NotFound,
                "no_such_change",
                Text::new(format!("there is no change \"{id}\""), format!("没有名为“{id}”的更改")),
                Text::new("see `pilot k8s undo --list`", "参见 `pilot k8s undo --list`"),
            )
            .with_params(json!({ "change": id }))
        })
    }
}

#[async_trait]
impl Change for Changes {
    async fn rehearse(&self, cluster: &ClusterDef, draft: &Draft) -> Result<Rehearsal, Fault> {
        let line = self.line(cluster).await?;
        let rehearsal = self.tried(&line, draft).await?;
        self.log.keep_rehearsal(&cluster.id, rehearsal.digest(), rehearsal.expires_at(), self.now()).await?;
        Ok(rehearsal)
    }

    async fn apply(&self, cluster: &ClusterDef, draft: &Draft, digest: &str, confirm_within: Option<Duration>) -> Result<Applied, Fault> {
        let line = self.line(cluster).await?;
        // What nobody rehearsed here is not even tried.
        let Some(until) = self.log.rehearsal(&cluster.id, digest).await? else { return Err(stale()) };
        let approved = self.tried(&line, draft).await?.approved(digest, until, self.now())?;
        apply::carry_out(self, &line, approved, confirm_within).await
    }

    async fn undo(&self, cluster: &ClusterDef, id: &str, anyway: bool) -> Result<Undone, Fault> {
        let kept = self.kept(id).await?;
        let line = self.line(cluster).await?;
        undo::undo(self, &line, kept, anyway).await
    }

    async fn confirm(&self, id: &str) -> Result<ChangeView, Fault> {
        let kept = self.kept(id).await?;
        let settled = self.log.claim(id, &[ChangeState::Waiting], ChangeState::Applied, None, self.now()).await?;
        let kept = if settled {
            let kept = KeptChange { state: ChangeState::Applied, deadline: None, claimed_until: None, ..kept };
            self.log.keep_change(&kept).await?;
            kept
        } else {
            self.kept(id).await?
        };
        if kept.state == ChangeState::Applied && kept.deadline.is_none() {
            return Ok(ChangeView::from(&kept));
        }
        let state = kept.state.word();
        Err(Fault::new(
            FaultKind::Denied,
            "not_waiting",
            Text::new(format!("the change {id} was not confirmed: it is {state}"), format!("未确认更改 {id}：其状态为 {state}")),
            Text::new("see `pilot k8s undo --list`", "参见 `pilot k8s undo --list`"),
        ))
    }

    async fn change(&self, id: &str) -> Result<ChangeView, Fault> {
        Ok(ChangeView::from(&self.kept(id).await?))
    }

    async fn changes(&self, most: u32) -> Result<Vec<ChangeView>, Fault> {
        Ok(self.log.changes(most).await?.iter().map(ChangeView::from).collect())
    }

    async fn due(&self) -> Result<Vec<ChangeView>, Fault> {
        Ok(self.log.due(self.now()).await?.iter().map(ChangeView::from).collect())
    }

    async fn next_deadline(&self) -> Result<Option<Millis>, Fault> {
        self.log.next_deadline().await
    }

    async fn foresee(&self, cluster: &ClusterDef, deed: &Deed) -> Result<Foresight, Fault> {
        act::foresee(self, &self.line(cluster).await?, deed).await
    }

    async fn act(&self, cluster: &ClusterDef, deed: &Deed, seen: Option<&str>, io: &ActIo) -> Result<Done, Fault> {
        act::act(self, &self.line(cluster).await?, deed, seen, io).await
    }

    async fn revisions(&self, cluster: &ClusterDef, target: &ActTarget) -> Result<Vec<Revision>, Fault> {
        // Looking is allowed on read-only clusters, too.
        act::history(&Line { client: self.reach.client(cluster).await?, cluster }, target).await
    }

    async fn rollout(&self, cluster: &ClusterDef, target: &RolloutTarget, wait: Option<Duration>) -> Result<Rollout, Fault> {
        // Looking is allowed on read-only clusters, too.
        let line = Line { client: self.reach.client(cluster).await?, cluster };
        rollout::rollout(&line, target, wait).await
    }
}
