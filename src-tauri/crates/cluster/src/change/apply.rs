//! Carrying out what was approved, and keeping what it takes to go back.
//!
//! **Invariant:** a change is on our disk, with what was there before, before the first request that changes something; and each request
//! names the version of the object that was rehearsed.

use std::time::Duration;

use domain::Json;
use domain::fault::{Fault, FaultKind};
use domain::id::{Millis, SecretId};
use domain::manifest::{Action, Applied, Approved, ChangeState, Content, KeptChange, KeptObject, ObjectRef, Refusal, Step};
use domain::text::Text;
use domain::vault::{NewSecret, Owner, SecretBytes, SecretKind};
use serde_json::json;

use super::content::visible;
use super::order::brought;
use super::rehearse::{base, moved};
use super::wire::{Kinds, Line, Mode, Said};
use super::{CLAIM, Changes, fault};

/// The owner kind of what is sealed.
pub(super) const OWNER: &str = "change";
/// How often a change is sent again because somebody else's report moved the object meanwhile.
const AGAIN: usize = 5;
/// How long a new kind may take to be served.
const KIND_WITHIN: Duration = Duration::from_secs(30);

/// So many changes are kept to be taken back.
const KEPT_MOST: u32 = 500;
/// For so long: 90 days.
const KEPT_FOR: i64 = 90 * 24 * 60 * 60 * 1000;

/// Why one object was not changed.
pub(super) struct Stopped {
    pub(super) fault: Fault,
    /// Whether it may have been changed all the same: no answer came.
    pub(super) doubt: bool,
}

impl Stopped {
    /// Of a request to change something that came to no answer of the server.
    pub(super) fn unanswered(fault: Fault) -> Self {
        let doubt = matches!(fault.kind, FaultKind::Unreachable | FaultKind::Timeout | FaultKind::Protocol);
        Self { fault, doubt }
    }
}

impl From<Fault> for Stopped {
    fn from(fault: Fault) -> Self {
        Self { fault, doubt: false }
    }
}

/// Applies the set in order.
pub(super) async fn carry_out(
    changes: &Changes,
    line: &Line<'_>,
    approved: Approved,
    confirm_within: Option<Duration>,
) -> Result<Applied, Fault> {
    let steps: Vec<&Step> = approved.steps().iter().filter(|step| step.action != Action::Unchanged).collect();
    if steps.is_empty() {
        return Ok(Applied { applied: vec![], undo_id: None, revert_at: None, warnings: vec![] });
    }
    let within = confirm_within.map(|within| i64::try_from(within.as_millis()).unwrap_or(i64::MAX));
    let mut kept = kept(changes, line, &approved, &steps).await?;
    kept.deadline = within.map(|within| changes.later(within));
    changes.log.keep_change(&kept).await?;
    let mut kinds = Kinds::default();
    let mut warnings = Vec::new();
    for (nth, step) in steps.iter().enumerate() {
        match one(line, &mut kinds, step, &mut kept.objects[nth], &mut warnings).await {
            Ok(()) => {
                kept.objects[nth].applied = true;
                kept.claimed_until = Some(changes.later(CLAIM));
                if let Err(fault) = changes.log.keep_change(&kept).await {
                    return Err(incomplete(&kept, nth + 1, &step.object, Stopped { fault, doubt: false }));
                }
            }
            Err(stopped) if nth == 0 && !stopped.doubt => {
                changes.forget(&kept).await;
                return Err(stopped.fault);
            }
            Err(stopped) => {
                settle(changes, &mut kept, within).await?;
                return Err(incomplete(&kept, nth, &step.object, stopped));
            }
        }
    }
    settle(changes, &mut kept, within).await?;
    Ok(Applied {
        applied: kept.objects.iter().map(|one| (one.action, one.object.clone())).collect(),
        undo_id: Some(kept.id.clone()),
        revert_at: kept.deadline,
        warnings,
    })
}

/// From now on it stays, or waits for its deadline.
pub(super) async fn settle(changes: &Changes, kept: &mut KeptChange, within: Option<i64>) -> Result<(), Fault> {
    kept.state = if within.is_some() { ChangeState::Waiting } else { ChangeState::Applied };
    kept.deadline = within.map(|within| changes.later(within));
    kept.claimed_until = None;
    changes.log.keep_change(kept).await?;
    changes.prune().await;
    Ok(())
}

/// What is kept before anything happens.
async fn kept(changes: &Changes, line: &Line<'_>, approved: &Approved, steps: &[&Step]) -> Result<KeptChange, Fault> {
    let item = |step: &&Step| Item {
        object: step.object.clone(),
        action: step.action,
        before: step.live.as_ref().map(visible),
        after: step.would_be.as_ref().map(visible).or_else(|| Some(step.body.clone())),
    };
    changes.to_keep(line, approved.cluster_uid().to_owned(), steps.iter().map(item).collect()).await
}

/// An object that is about to be changed.
pub(super) struct Item {
    pub(super) object: ObjectRef,
    pub(super) action: Action,
    /// What it is, without bookkeeping.
    pub(super) before: Option<Json>,
    /// What it will be, as far as that is known.
    pub(super) after: Option<Json>,
}

impl Changes {
    /// A change as it is kept before anything happens; what Secrets hold goes into the vault.
    pub(super) async fn to_keep(&self, line: &Line<'_>, cluster_uid: String, items: Vec<Item>) -> Result<KeptChange, Fault> {
        let id = uuid::Uuid::new_v4().simple().to_string()[..12].to_owned();
        let mut objects = Vec::with_capacity(items.len());
        let mut sealed: Vec<(usize, NewSecret)> = Vec::new();
        for (nth, Item { object, action, before, after }) in items.into_iter().enumerate() {
            let content = match (object.is_secret(), &before) {
                (false, _) => Content::Clear { before, after },
                // Its place is filled below.
                (true, Some(_)) => {
                    let value = SecretBytes::new(json!({ "before": before, "after": after }).to_string());
                    let owner = Owner::new(OWNER, id.clone(), nth.to_string());
                    sealed.push((nth, NewSecret { owner, value, kind: SecretKind::Other, expires_at: None }));
                    Content::Made
                }
                (true, None) => Content::Made,
            };
            objects.push(KeptObject { object, path: String::new(), action, applied: false, stamp: None, content });
        }
        if !sealed.is_empty() {
            let (places, new): (Vec<usize>, Vec<NewSecret>) = sealed.into_iter().unzip();
            for (nth, secret) in places.into_iter().zip(self.vault.keep(new).await?) {
                objects[nth].content = Content::Sealed { secret };
            }
        }
        Ok(KeptChange {
            id,
            cluster: line.cluster.id.clone(),
            cluster_uid,
            at: self.now(),
            state: ChangeState::Applying,
            deadline: None,
            claimed_until: Some(self.later(CLAIM)),
            trouble: None,
            objects,
        })
    }

    /// Forgets changes that are no longer kept, and what the vault keeps for them. What cannot be forgotten now is forgotten later.
    pub(super) async fn prune(&self) {
        let before = Millis(self.now().0.saturating_sub(KEPT_FOR));
        match self.log.outlived(KEPT_MOST, before, self.now()).await {
            Ok(outlived) => {
                for kept in outlived {
                    self.forget(&kept).await;
                }
            }
            Err(fault) => tracing::warn!(%fault, "changes that are no longer kept could not be looked for"),
        }
    }
}

impl Changes {
    /// Nothing came of it, or it is no longer kept.
    pub(super) async fn forget(&self, kept: &KeptChange) {
        let gone = self.log.forget_change(&kept.id).await;
        if let Err(fault) = gone {
            tracing::warn!(%fault, change = kept.id, "a change that did not happen is still listed");
        }
        self.unseal(kept).await;
    }

    /// Removes what the vault keeps for a change.
    pub(super) async fn unseal(&self, kept: &KeptChange) {
        let sealed: Vec<SecretId> = kept
            .objects
            .iter()
            .filter_map(|one| match &one.content {
                Content::Sealed { secret } => Some(secret.clone()),
                _ => None,
            })
            .collect();
        if !sealed.is_empty()
            && let Err(fault) = self.vault.remove(&sealed).await
        {
            tracing::warn!(%fault, change = kept.id, "what the vault keeps for a change is still there");
        }
    }
}

/// Applies one object.
async fn one(line: &Line<'_>, kinds: &mut Kinds, step: &Step, kept: &mut KeptObject, warnings: &mut Vec<Text>) -> Result<(), Stopped> {
    let served = kinds.find(line, &step.object.api_version, &step.object.kind).await?;
    let Some(served) = served else {
        let said = Said { status: 404, warnings: vec![], body: Json::Null };
        return Err(fault::refused(line.cluster, &said, "find the kind of", Some(&step.object)).into());
    };
    let path = served.path(&step.object);
    kept.path.clone_from(&path);
    let mut live = step.live.clone();
    let mut said = None;
    for _ in 0..AGAIN {
        let mut body = step.body.clone();
        if let Some(live) = &live {
            for key in ["resourceVersion", "uid"] {
                body["metadata"][key] = live["metadata"][key].clone();
            }
        }
        let answer = line.apply(&path, &body, Mode::Do, step.force).await.map_err(Stopped::unanswered)?;
        let outrun = answer.status == 409 && fault::conflicts(&answer).is_empty() && live.is_some();
        if !outrun {
            said = Some(answer);
            break;
        }
        // Somebody wrote it meanwhile. A report of its status changes nothing; anything else is another object than the rehearsed one.
        let now = line.get(&path).await?;
        if !now.agreed() || step.base.as_deref() != Some(base(&now.body).as_str()) {
            return Err(moved(&step.object).into());
        }
        live = Some(now.body);
    }
    let Some(said) = said else { return Err(moved(&step.object).into()) };
    if !fault::conflicts(&said).is_empty() {
        return Err(moved(&step.object).into());
    }
    for warning in &said.warnings {
        warnings.push(Text::same(format!("{}: {warning}", step.object)));
    }
    if !said.agreed() {
        let problems = fault::problems(&said, &step.object);
        if problems.is_empty() {
            return Err(fault::refused(line.cluster, &said, "apply", Some(&step.object)).into());
        }
        let refusal = |(path, message)| Refusal { object: step.object.clone(), path, message, at: None };
        let problems: Vec<_> = problems.into_iter().map(refusal).collect();
        return Err(domain::manifest::refused_by_server(&problems).into());
    }
    kept.stamp = Some((said.text("/metadata/uid").to_owned(), said.text("/metadata/resourceVersion").to_owned()));
    if let Content::Clear { after, .. } = &mut kept.content {
        *after = Some(visible(&said.body));
    }
    if let Some(brought) = brought(&step.body) {
        established(line, &path, &step.object).await?;
        kinds.forget(&brought);
        for version in &brought.versions {
            let api_version = format!("{}/{version}", brought.group);
            let until = tokio::time::Instant::now() + KIND_WITHIN;
            while kinds.find(line, &api_version, &brought.kind).await?.is_none() && tokio::time::Instant::now() < until {
                kinds.forget(&brought);
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    }
    Ok(())
}

/// Waits until a new kind is served.
async fn established(line: &Line<'_>, path: &str, object: &ObjectRef) -> Result<(), Stopped> {
    let until = tokio::time::Instant::now() + KIND_WITHIN;
    loop {
        let said = line.get(path).await?;
        let conditions = said.body.pointer("/status/conditions").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
        if conditions.iter().any(|one| one["type"] == "Established" && one["status"] == "True") {
            return Ok(());
        }
        if tokio::time::Instant::now() >= until {
            let fault = Fault::new(
                FaultKind::Timeout,
                "kind_not_served",
                Text::new(
                    format!("{object} is applied, and its kind is not served after 30 s"),
                    format!("{object} 已应用，但 30 秒后其资源类型仍不可用"),
                ),
                Text::new("Look at the conditions of the definition.", "请查看该定义的状态条件。"),
            );
            return Err(fault.into());
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// It ended in the middle: what was done, what was not, and how to go back.
pub(super) fn incomplete(kept: &KeptChange, done: usize, at: &ObjectRef, stopped: Stopped) -> Fault {
    let names = |objects: &[KeptObject]| objects.iter().map(|one| one.object.to_string()).collect::<Vec<_>>().join(", ");
    let applied = &kept.objects[..done];
    let rest = &kept.objects[done..];
    let (why, id) = (&stopped.fault.message, &kept.id);
    let (doubt_en, doubt_zh) = if stopped.doubt {
        (format!("; whether {at} was changed is not known"), format!("；{at} 是否已更改未知"))
    } else {
        Default::default()
    };
    let kind = match stopped.fault.kind {
        // That word promises that nothing was changed.
        FaultKind::Denied | FaultKind::Config => FaultKind::Protocol,
        kind => kind,
    };
    Fault::new(
        kind,
        "apply_incomplete",
        Text::new(
            format!(
                "the set was applied in part: applied: [{}]; not applied: [{}]{doubt_en}; it stopped at {at}: {}",
                names(applied),
                names(rest),
                why.en
            ),
            format!("清单只应用了一部分：已应用：[{}]；未应用：[{}]{doubt_zh}；停在 {at}：{}", names(applied), names(rest), why.zh),
        ),
        Text::new(
            format!("Correct it and apply again, or go back: `pilot k8s undo {id}`."),
            format!("请更正后重新应用，或撤销：`pilot k8s undo {id}`。"),
        ),
    )
    .with_params(json!({
        "undoId": id,
        "applied": applied.iter().map(|one| &one.object).collect::<Vec<_>>(),
        "notApplied": rest.iter().map(|one| &one.object).collect::<Vec<_>>(),
        "doubt": stopped.doubt,
        "revertAt": kept.deadline.map(|Millis(at)| at),
        "code": stopped.fault.code,
    }))
}
