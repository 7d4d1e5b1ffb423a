//! Whether clusters can be reached, what they run, and for whom they take us: what is known, and finding it out.
//!
//! **Invariant:** nothing is contacted before a person asked for it. By itself only a cluster that answered a person before, and is defined
//! as it was then, is looked at again; for that no program is run and no vault is opened.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::audit::Durability;
use domain::cluster::{ClusterAuth, ClusterDef};
use domain::fault::{Fault, FaultKind};
use domain::id::{ClusterId, Millis};
use domain::policy::Actor;
use domain::reach::{ClusterFacts, clusters_locked};
use domain::text::Text;
use domain::tool::hex;
use domain::vault::VaultState;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;

use super::ClusterBook;
use crate::core::Core;
use crate::event::Tag;

/// So many clusters are asked at once.
const AT_ONCE: usize = 8;
/// How long one may take, its credential included. A program that prints one has 30 s of it.
const DEADLINE: Duration = Duration::from_secs(75);
/// What was found out within this time is not asked again by itself (ms).
const FRESH: i64 = 60_000;
/// The small documents that keep what a cluster said last, by its id.
pub(super) const SEEN: &str = "cluster-seen:";

/// How a cluster stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ReachState {
    /// Nobody asked yet.
    Unknown,
    /// It is being asked.
    Checking,
    /// It answered, and knows us.
    Reachable,
    /// It did not.
    Failed,
    /// Its credential is behind a lock.
    Locked,
}

/// What is known of a cluster's answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Standing {
    /// How it stands.
    pub state: ReachState,
    /// When that was found out.
    pub checked_at: Option<Millis>,
    /// Its version, as it said last.
    pub version: Option<String>,
    /// Its platform, as it said last.
    pub platform: Option<String>,
    /// Whom it took us for; none when it is too old to say.
    pub user: Option<String>,
    /// That user's groups.
    pub groups: Vec<String>,
    /// How long credential and answers took then (ms).
    pub latency_ms: Option<u64>,
    /// When it said so.
    pub seen_at: Option<Millis>,
    /// Why it did not answer now.
    pub fault: Option<Fault>,
}

/// One answer to a check.
#[derive(Debug, Clone, PartialEq)]
pub struct Checked {
    /// The cluster.
    pub cluster: ClusterDef,
    /// What it said, or why not.
    pub came: Result<ClusterFacts, Fault>,
    /// How long that took (ms); none when nobody was asked.
    pub latency_ms: Option<u64>,
}

impl Checked {
    /// How it stands.
    pub fn state(&self) -> ReachState {
        state_of(&self.came)
    }
}

fn state_of(came: &Result<ClusterFacts, Fault>) -> ReachState {
    match came {
        Ok(_) => ReachState::Reachable,
        Err(fault) if matches!(fault.code.as_str(), "clusters_locked" | "vault_locked" | "vault_absent") => ReachState::Locked,
        Err(_) => ReachState::Failed,
    }
}

/// What a cluster said last, kept beyond this run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Seen {
    ground: String,
    at: Millis,
    latency_ms: u64,
    facts: ClusterFacts,
}

/// What was found out last in this run.
#[derive(Debug, Clone)]
struct Last {
    ground: String,
    at: Millis,
    latency_ms: u64,
    came: Result<ClusterFacts, Fault>,
}

#[derive(Debug, Clone, Default)]
struct Slot {
    running: bool,
    last: Option<Last>,
}

/// What is known of every cluster in this process.
#[derive(Debug)]
pub(super) struct Checks {
    slots: Mutex<HashMap<ClusterId, watch::Sender<Slot>>>,
    room: Semaphore,
    /// Ends what runs when everything is locked.
    stop: Mutex<CancellationToken>,
    /// The last look by itself stood before a closed vault.
    shut: AtomicBool,
}

impl Default for Checks {
    fn default() -> Self {
        Self { slots: Mutex::default(), room: Semaphore::new(AT_ONCE), stop: Mutex::default(), shut: AtomicBool::new(false) }
    }
}

/// Takes the mark of a running check away, however it ends.
struct Turn(watch::Sender<Slot>);

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.send_modify(|slot| slot.running = false);
    }
}

impl Checks {
    fn slot(&self, id: &ClusterId) -> watch::Sender<Slot> {
        self.slots
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(id.clone())
            .or_insert_with(|| watch::Sender::new(Slot::default()))
            .clone()
    }

    fn token(&self) -> CancellationToken {
        self.stop.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Ends every check that runs.
    pub(super) fn stop_all(&self) {
        std::mem::take(&mut *self.stop.lock().unwrap_or_else(PoisonError::into_inner)).cancel();
    }

    pub(super) fn forget(&self, id: &ClusterId) {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }

    /// Asks one cluster, or waits for the answer to whoever asks it already.
    async fn one(self: &Arc<Self>, core: &Arc<Core>, cluster: ClusterDef, by: &Actor) -> Checked {
        let slot = self.slot(&cluster.id);
        let ground = ground(&cluster);
        loop {
            let mut turns = slot.subscribe();
            let mine = self.start(core, &slot, &cluster, (by, true));
            let ended = turns.wait_for(|slot| !slot.running).await.ok().and_then(|slot| slot.last.clone());
            match ended {
                Some(last) if last.ground == ground => return Checked { cluster, came: last.came, latency_ms: Some(last.latency_ms) },
                // It was asked as it was defined before.
                _ if !mine => {}
                _ => return Checked { came: Err(ended_early(&cluster)), cluster, latency_ms: None },
            }
        }
    }

    /// Whether this caller is the one who asks now.
    fn start(self: &Arc<Self>, core: &Arc<Core>, slot: &watch::Sender<Slot>, cluster: &ClusterDef, (by, asked): (&Actor, bool)) -> bool {
        let free = slot.send_if_modified(|slot| !std::mem::replace(&mut slot.running, true));
        if free {
            let turn = Turn(slot.clone());
            core.events.changed(Tag::Clusters);
            core.tasks.spawn(self.clone().ask(core.clone(), turn, cluster.clone(), by.clone(), asked));
        }
        free
    }

    async fn ask(self: Arc<Self>, core: Arc<Core>, turn: Turn, cluster: ClusterDef, by: Actor, asked: bool) {
        let stop = self.token();
        let locked = || Err(clusters_locked(&cluster));
        let (latency_ms, came) = tokio::select! {
            biased;
            () = core.stop.cancelled() => return,
            () = stop.cancelled() => (0, locked()),
            answer = self.probe(&core, &cluster) => answer,
        };
        let at = core.now();
        let ground = ground(&cluster);
        if let Ok(facts) = &came {
            let seen = Seen { ground: ground.clone(), at, latency_ms, facts: facts.clone() };
            let kept = match serde_json::to_value(&seen) {
                Ok(seen) => core.ports.settings.set(&format!("{SEEN}{}", cluster.id), &seen).await,
                Err(_) => Ok(()),
            };
            if let Err(fault) = kept {
                tracing::warn!(%fault, cluster = cluster.name, "what a cluster said is not kept");
            }
        }
        let came = match note(&core, &cluster, &by, asked, &came).await {
            Ok(()) => came,
            // A use that cannot be written down is not told as one that went well.
            Err(fault) => Err(fault),
        };
        turn.0.send_modify(|slot| slot.last = Some(Last { ground, at, latency_ms, came }));
        drop(turn);
        core.events.changed(Tag::Clusters);
    }

    async fn probe(&self, core: &Core, cluster: &ClusterDef) -> (u64, Result<ClusterFacts, Fault>) {
        let Ok(_room) = self.room.acquire().await else { return (0, Err(ended_early(cluster))) };
        let began = tokio::time::Instant::now();
        let came = tokio::time::timeout(DEADLINE, core.ports.reach.probe(cluster)).await;
        let took = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        (took, came.unwrap_or_else(|_| Err(late(cluster))))
    }

    /// How a cluster stands, by what this run found out and what is kept.
    pub(super) fn standing(&self, cluster: &ClusterDef, kept: Option<&Seen>, locked: bool, vault: &VaultState) -> Standing {
        let slot = self.slot(&cluster.id).borrow().clone();
        let ground = ground(cluster);
        let last = slot.last.filter(|last| last.ground == ground);
        let here = last.as_ref().and_then(|last| Some((last.came.as_ref().ok()?, last.at, last.latency_ms)));
        let kept = kept.filter(|kept| kept.ground == ground).map(|kept| (&kept.facts, kept.at, kept.latency_ms));
        let seen = here.into_iter().chain(kept).max_by_key(|(_, at, _)| *at);
        let shut = self.shut.load(Ordering::Acquire) && !matches!(vault, VaultState::Unlocked { .. }) && !cluster.secrets().is_empty();
        let state = match &last {
            _ if locked => ReachState::Locked,
            _ if slot.running => ReachState::Checking,
            _ if shut => ReachState::Locked,
            Some(last) => state_of(&last.came),
            None => ReachState::Unknown,
        };
        let identity = seen.and_then(|(facts, ..)| facts.identity.clone());
        Standing {
            state,
            checked_at: last.as_ref().map(|last| last.at),
            version: seen.map(|(facts, ..)| facts.version.clone()),
            platform: seen.map(|(facts, ..)| facts.platform.clone()).filter(|platform| !platform.is_empty()),
            user: identity.as_ref().map(|identity| identity.user.clone()),
            groups: identity.map(|identity| identity.groups).unwrap_or_default(),
            latency_ms: seen.map(|(.., latency)| latency),
            seen_at: seen.map(|(_, at, _)| at),
            fault: last.and_then(|last| last.came.err()).filter(|_| !locked && !shut),
        }
    }
}

/// Everything about a cluster that another answer could come from: of one that was changed in it, nothing is known.
fn ground(cluster: &ClusterDef) -> String {
    let auth = match &cluster.auth {
        // A program that somebody agreed to anew is still the same way of saying who we are.
        ClusterAuth::Exec { plugin } => json!([plugin.command, plugin.args]),
        other => json!(other),
    };
    let facts =
        json!([cluster.server, cluster.ca_pem, cluster.tls_server_name, cluster.insecure, cluster.proxy, cluster.impersonate, auth,]);
    hex(&Sha256::digest(facts.to_string()))
}

async fn note(core: &Core, cluster: &ClusterDef, by: &Actor, asked: bool, came: &Result<ClusterFacts, Fault>) -> Result<(), Fault> {
    let detail = json!({
        "clusterId": cluster.id, "cluster": cluster.name, "server": cluster.server, "asked": asked,
        "user": came.as_ref().ok().and_then(|facts| facts.identity.as_ref()).map(|identity| &identity.user),
        "code": came.as_ref().err().map(|fault| &fault.code),
    });
    core.note_as(by, None, "cluster_checked", detail, Durability::Queued).await
}

impl ClusterBook {
    /// Asks clusters for their version and for whom they take us, because a person wants to know: those that are named, else all. All at
    /// once, within bounds; each once, however many ask.
    pub async fn check(&self, named: &[String], by: &Actor) -> Result<Vec<Checked>, Fault> {
        let mut wanted: Vec<ClusterDef> = Vec::new();
        for name in named {
            let def = self.get(name).await?;
            if !wanted.iter().any(|other| other.id == def.id) {
                wanted.push(def);
            }
        }
        if named.is_empty() {
            wanted = self.core.ports.clusters.clusters().await?;
        }
        if self.locked().await? {
            let refused = |cluster: ClusterDef| Checked { came: Err(clusters_locked(&cluster)), cluster, latency_ms: None };
            return Ok(wanted.into_iter().map(refused).collect());
        }
        self.checks.shut.store(false, Ordering::Release);
        let asking = wanted.into_iter().map(|cluster| self.checks.one(&self.core, cluster, by));
        Ok(futures::future::join_all(asking).await)
    }

    /// Looks again at clusters that answered a person before, because a list of them was opened. Answers at once, with how many are asked.
    pub async fn refresh(&self, by: &Actor) -> Result<usize, Fault> {
        if self.locked().await? {
            return Ok(0);
        }
        let seen = self.seen().await?;
        let defs = self.core.ports.clusters.clusters().await?;
        let known = |def: &ClusterDef| seen.get(&def.id).is_some_and(|seen| seen.ground == ground(def));
        let mine: Vec<ClusterDef> = defs.into_iter().filter(|def| known(def) && !matches!(def.auth, ClusterAuth::Exec { .. })).collect();
        if mine.is_empty() {
            return Ok(0);
        }
        let open = matches!(self.core.ports.vault.look().await, VaultState::Unlocked { .. });
        if self.checks.shut.swap(!open, Ordering::AcqRel) == open {
            self.core.events.changed(Tag::Clusters);
        }
        let now = self.core.now();
        let mut asked = 0;
        for def in mine {
            let slot = self.checks.slot(&def.id);
            let here = slot.borrow().last.as_ref().map(|last| last.at);
            let last = here.into_iter().chain(seen.get(&def.id).map(|seen| seen.at)).max();
            let fresh = last.is_some_and(|at| now.since(at) < FRESH);
            if (open || def.secrets().is_empty()) && !fresh && self.checks.start(&self.core, &slot, &def, (by, false)) {
                asked += 1;
            }
        }
        Ok(asked)
    }

    /// What clusters said last, as it is kept.
    pub(super) async fn seen(&self) -> Result<HashMap<ClusterId, Seen>, Fault> {
        let kept = self.core.ports.settings.with_prefix(SEEN).await?;
        let read =
            |(key, value): (String, domain::Json)| Some((ClusterId::new(key.strip_prefix(SEEN)?), serde_json::from_value(value).ok()?));
        Ok(kept.into_iter().filter_map(read).collect())
    }
}

fn late(cluster: &ClusterDef) -> Fault {
    let (name, seconds) = (&cluster.name, DEADLINE.as_secs());
    Fault::new(
        FaultKind::Timeout,
        "cluster_timeout",
        Text::new(format!("the cluster {name} gave no answer within {seconds} s"), format!("{name} 在 {seconds} 秒内没有应答")),
        Text::new("Look whether a VPN or a proxy is needed, then try again.", "请检查是否需要 VPN 或代理，然后重试。"),
    )
    .with_params(json!({ "cluster": name, "server": cluster.server }))
}

fn ended_early(cluster: &ClusterDef) -> Fault {
    let name = &cluster.name;
    Fault::new(
        FaultKind::Cancelled,
        "cancelled",
        Text::new(format!("the check of {name} was given up"), format!("对 {name} 的检查已取消")),
        Text::default(),
    )
    .with_params(json!({ "cluster": name }))
}
