//! One task a server: it connects, watches, reconnects and closes. Nothing it waits for makes another server wait.
//!
//! **Invariant:** nothing is reached or started before a person accepted exactly this definition.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use domain::fault::{Fault, Phase, ServerFault};
use domain::id::Millis;
use domain::metrics::Sample;
use domain::ports::CachedCatalogue;
use domain::protocol::{Common, ConnectCx};
use domain::server::{PeerFacts, ServerState};
use domain::text::Text;
use domain::tool::Catalogue;
use futures::FutureExt as _;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::backoff::{Backoff, Breaker, STABLE};
use super::host::SlotHost;
use super::offer::Offer;
use super::slot::{Live, Numbers, Order, Slot};
use crate::core::Core;
use crate::event::Tag;

/// Programs may download themselves first.
const PROGRAM_PATIENCE: Duration = Duration::from_mins(2);
/// Everything else answers sooner or not at all.
const START_PATIENCE: Duration = Duration::from_secs(30);
/// Between health checks.
pub(crate) const HEALTH_EVERY: Duration = Duration::from_secs(30);
/// What a health check may take.
pub(crate) const HEALTH_BUDGET: Duration = Duration::from_secs(3);
/// Failed checks in a row after which the server is reconnected.
pub(crate) const HEALTH_STRIKES: u32 = 3;
/// How often a connection whose secret changed is looked at, whether it may be made anew.
const RENEW_EVERY: Duration = Duration::from_millis(100);
/// Between two readings of a tool list that keeps changing.
pub(crate) const REFRESH_EVERY: Duration = Duration::from_secs(1);
/// Listing tools.
const LIST_PATIENCE: Duration = Duration::from_secs(30);
/// A session's own ladder needs so long at most; then it is cut.
const CLOSE_PATIENCE: Duration = Duration::from_secs(8);
/// A person may take so long over a sign-in.
const PERSON_PATIENCE: Duration = Duration::from_mins(10);
/// However often it is asked for, a server is not tried again sooner after a failure.
const JUST_NOW: Duration = Duration::from_millis(250);

/// A connection and what belongs to it.
struct Connection {
    live: Arc<Live>,
    tasks: TaskTracker,
    stop: CancellationToken,
    since: Instant,
    idle_stop: Option<Duration>,
}

enum Tried {
    Up(Box<Connection>),
    Failed(ServerFault),
    /// Our own fault, such as an unset variable: already in words.
    Said(Fault),
    Refused(ServerState),
    Down(oneshot::Sender<()>),
    Again,
    Stop,
}

enum Over {
    Stop,
    Down(oneshot::Sender<()>),
    Broken(ServerFault),
    Idle,
    Changed,
}

type Later<T> = Option<Pin<Box<dyn Future<Output = T> + Send>>>;

/// Waits for something that may not be under way.
async fn of<T>(later: &mut Later<T>) -> T {
    match later {
        Some(work) => {
            let done = work.await;
            *later = None;
            done
        }
        None => std::future::pending().await,
    }
}

async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

/// Looks after one server until the app ends.
pub(crate) async fn supervise(core: Arc<Core>, slot: Arc<Slot>, orders: mpsc::UnboundedReceiver<Order>) {
    let mut supervisor =
        Supervisor { core, slot, orders, backoff: Backoff::default(), breaker: Breaker::default(), retry_at: None, failed_at: None };
    supervisor.slot.stand(&supervisor.core, supervisor.slot.at_rest(&supervisor.core), false);
    while supervisor.rest().await {
        loop {
            match supervisor.connect().await {
                Tried::Stop => return,
                Tried::Again => continue,
                Tried::Down(done) => supervisor.down(done),
                Tried::Refused(state) => supervisor.slot.stand(&supervisor.core, state, true),
                Tried::Failed(fault) => supervisor.failed(&fault, true),
                Tried::Said(fault) => {
                    supervisor.failed_at = Some(Instant::now());
                    supervisor.slot.stand(&supervisor.core, ServerState::Error { fault, next_try_at: None }, true);
                }
                Tried::Up(connection) => match supervisor.serve(*connection).await {
                    Over::Stop => return,
                    Over::Down(done) => supervisor.down(done),
                    Over::Idle => supervisor.slot.stand(&supervisor.core, ServerState::Disconnected, false),
                    // Whoever asked meanwhile is answered by the next try, not by this end.
                    Over::Broken(fault) => supervisor.failed(&fault, false),
                    Over::Changed => continue,
                },
            }
            break;
        }
    }
}

struct Supervisor {
    core: Arc<Core>,
    slot: Arc<Slot>,
    orders: mpsc::UnboundedReceiver<Order>,
    backoff: Backoff,
    breaker: Breaker,
    retry_at: Option<Instant>,
    failed_at: Option<Instant>,
}

impl Supervisor {
    /// Nothing is connected. Answers whether to connect; `false` is the end.
    async fn rest(&mut self) -> bool {
        loop {
            if self.slot.retired() {
                return false;
            }
            let order = tokio::select! {
                () = self.core.stop.cancelled() => return false,
                () = at(self.retry_at) => {
                    self.retry_at = None;
                    return true;
                }
                order = self.orders.recv() => order,
            };
            match order {
                None => return false,
                Some(Order::Up) => {
                    self.breaker.reset();
                    let earliest = self.failed_at.map_or(Instant::now(), |at| at + JUST_NOW);
                    self.retry_at = Some(self.retry_at.map_or(earliest, |at| at.min(earliest)));
                }
                Some(Order::Down(done)) => self.down(done),
                Some(Order::Look) => {
                    let state = self.slot.at_rest(&self.core);
                    let error = matches!(self.slot.standing().state, ServerState::Error { .. });
                    // An error stays shown until the definition is no longer what failed.
                    if !(error && state == ServerState::Disconnected) {
                        self.retry_at = None;
                        self.slot.stand(&self.core, state, false);
                    }
                }
                Some(Order::Refresh(done)) => {
                    let _ = done.send(Err(self.core.say_connect(
                        &ServerFault::ConnectionLost { reason: "it is not connected".into(), lost_result: false },
                        &self.slot.name(),
                    )));
                }
                Some(Order::Renew | Order::Broken { .. }) => {}
            }
        }
    }

    fn down(&mut self, done: oneshot::Sender<()>) {
        self.retry_at = None;
        self.backoff.reset();
        self.breaker.reset();
        self.slot.stand(&self.core, self.slot.at_rest(&self.core), true);
        let _ = done.send(());
    }

    /// A try or a connection ended with a fault: when to try again, if at all.
    fn failed(&mut self, fault: &ServerFault, finished_try: bool) {
        let now = Instant::now();
        self.failed_at = Some(now);
        let crashed = matches!(fault, ServerFault::ServerExited { .. } | ServerFault::ConnectionLost { .. });
        let may = may_retry(fault) && (!crashed || self.breaker.ended(now));
        let pause = may.then(|| self.backoff.next(rand::random()));
        self.retry_at = pause.map(|pause| now + pause);
        let wall = |pause: Duration| Millis(self.core.now().0 + i64::try_from(pause.as_millis()).unwrap_or(i64::MAX));
        let said = self.core.say_connect(fault, &self.slot.name());
        tracing::info!(server = %self.slot.id, code = fault.code(), fault = %said, "a server is not connected");
        self.slot.stand(&self.core, ServerState::Error { fault: said, next_try_at: pause.map(wall) }, finished_try);
    }

    async fn connect(&mut self) -> Tried {
        match self.core.reload(&self.slot).await {
            Ok(()) => {}
            Err(fault) => return Tried::Said(fault),
        }
        match self.slot.at_rest(&self.core) {
            ServerState::Disconnected => {}
            refused => return Tried::Refused(refused),
        }
        let fingerprint = self.slot.definition().fingerprint.clone();
        self.slot.stand(&self.core, ServerState::Connecting, false);
        let attempt = attempt(self.core.clone(), self.slot.clone());
        tokio::pin!(attempt);
        loop {
            let order = tokio::select! {
                () = self.core.stop.cancelled() => return Tried::Stop,
                tried = &mut attempt => return tried,
                order = self.orders.recv() => order,
            };
            match order {
                None => return Tried::Stop,
                Some(Order::Down(done)) => return Tried::Down(done),
                Some(Order::Look) => {
                    if self.slot.definition().fingerprint != fingerprint || self.slot.at_rest(&self.core) != ServerState::Disconnected {
                        return Tried::Again;
                    }
                }
                // The value before may be on its way already.
                Some(Order::Renew) => return Tried::Again,
                Some(Order::Refresh(done)) => drop(done),
                Some(Order::Up | Order::Broken { .. }) => {}
            }
        }
    }

    /// A connection is up: watch it until it is over, then close it.
    async fn serve(&mut self, connection: Connection) -> Over {
        let Connection { live, tasks, stop, since, idle_stop } = connection;
        let over = self.watch(&live, idle_stop).await;
        self.slot.set_live(None);
        self.slot.fresh.store(false, Ordering::Release);
        if let Over::Broken(ServerFault::ServerExited { stderr_tail, .. }) = &over {
            self.slot.wire.last_words(Some(stderr_tail.clone()));
        }
        self.slot.wire.last_words(live.session.stderr_tail());
        close(&live, &tasks, &stop).await;
        if since.elapsed() >= STABLE {
            self.backoff.reset();
        }
        self.core.events.changed(Tag::Tools);
        over
    }

    async fn watch(&mut self, live: &Arc<Live>, idle_stop: Option<Duration>) -> Over {
        let mut discovery: Later<Result<(), Fault>> = Some(Box::pin(discover(self.core.clone(), self.slot.clone(), live.clone())));
        let mut waiting: Vec<oneshot::Sender<Result<(), Fault>>> = Vec::new();
        let mut discovery_fault: Option<Fault> = None;
        let mut discovered = false;
        let mut read_at = Instant::now();
        let mut read_next: Option<Instant> = None;
        let mut check: Later<Result<(), ServerFault>> = None;
        let mut check_at = Some(Instant::now() + HEALTH_EVERY);
        let mut strikes = 0;
        let mut health_fault: Option<Fault> = None;
        let mut idle_at = idle_stop.map(|idle| Instant::now() + idle);
        let mut renew_at: Option<Instant> = None;
        loop {
            tokio::select! {
                () = self.core.stop.cancelled() => return Over::Stop,
                order = self.orders.recv() => match order {
                    None => return Over::Stop,
                    Some(Order::Up) => {}
                    Some(Order::Down(done)) => return Over::Down(done),
                    Some(Order::Broken { generation, fault }) => {
                        if generation == live.generation {
                            return Over::Broken(fault);
                        }
                    }
                    Some(Order::Look) => {
                        let definition = self.slot.definition();
                        if definition.fingerprint != live.fingerprint || self.slot.at_rest(&self.core) != ServerState::Disconnected {
                            return Over::Changed;
                        }
                    }
                    Some(Order::Renew) => renew_at = Some(Instant::now()),
                    Some(Order::Refresh(done)) => {
                        waiting.push(done);
                        if discovery.is_none() {
                            read_next = None;
                            read_at = Instant::now();
                            discovery = Some(Box::pin(discover(self.core.clone(), self.slot.clone(), live.clone())));
                        }
                    }
                },
                found = of(&mut discovery) => {
                    discovery_fault = found.as_ref().err().cloned();
                    if let Err(fault) = &found {
                        tracing::info!(server = %self.slot.id, %fault, "the tools could not be listed");
                    }
                    if !discovered {
                        discovered = true;
                        self.slot.set_live(Some(live.clone()));
                        self.slot.used();
                    }
                    for done in waiting.drain(..) {
                        let _ = done.send(found.clone());
                    }
                    self.show(discovery_fault.as_ref(), health_fault.as_ref(), true);
                }
                () = self.slot.dirty.notified() => {
                    // A server that says so a thousand times a second is asked once.
                    read_next.get_or_insert(std::cmp::max(read_at + REFRESH_EVERY, Instant::now()));
                }
                () = at(read_next), if discovery.is_none() => {
                    read_next = None;
                    read_at = Instant::now();
                    discovery = Some(Box::pin(discover(self.core.clone(), self.slot.clone(), live.clone())));
                }
                () = at(check_at) => {
                    check_at = None;
                    check = Some(Box::pin(health(self.core.clone(), self.slot.clone(), live.clone())));
                }
                well = of(&mut check) => {
                    check_at = Some(Instant::now() + HEALTH_EVERY);
                    match well {
                        Ok(()) => {
                            strikes = 0;
                            health_fault = None;
                            // A server that came round is asked again for the tools it could not list.
                            if discovery_fault.is_some() && discovery.is_none() {
                                read_next.get_or_insert(Instant::now());
                            }
                        }
                        Err(fault) => {
                            strikes += 1;
                            if fault.ends_session() || strikes >= HEALTH_STRIKES {
                                return Over::Broken(fault);
                            }
                            health_fault = Some(self.core.say_connect(&fault, &self.slot.name()));
                        }
                    }
                    if discovered {
                        self.show(discovery_fault.as_ref(), health_fault.as_ref(), false);
                    }
                }
                () = at(renew_at) => {
                    // What is under way ends as who it began.
                    if !self.slot.busy() {
                        return Over::Changed;
                    }
                    renew_at = Some(Instant::now() + RENEW_EVERY);
                }
                () = at(idle_at) => {
                    let idle = idle_stop.unwrap_or(HEALTH_EVERY);
                    let busy = self.slot.busy();
                    let left = idle.saturating_sub(self.slot.unused_for());
                    if !busy && left.is_zero() {
                        return Over::Idle;
                    }
                    idle_at = Some(Instant::now() + if busy { idle } else { left });
                }
            }
        }
    }

    fn show(&self, discovery: Option<&Fault>, health: Option<&Fault>, finished: bool) {
        let state = discovery.or(health).map_or(ServerState::Connected, |fault| ServerState::Degraded { fault: fault.clone() });
        self.slot.stand(&self.core, state, finished);
    }
}

/// Whether trying again by itself can help. What only a person can put right is not tried again.
fn may_retry(fault: &ServerFault) -> bool {
    !matches!(
        fault,
        ServerFault::Settings { .. }
            | ServerFault::SpawnFailed { .. }
            | ServerFault::ConsentRequired { .. }
            | ServerFault::Cancelled
            | ServerFault::UnsupportedVersion { .. }
            | ServerFault::AuthRequired { .. }
            | ServerFault::AuthFailed { .. }
            | ServerFault::AddressRefused { .. }
            | ServerFault::RedirectRefused { .. }
            | ServerFault::PolicyDenied { .. }
            | ServerFault::VaultLocked
            | ServerFault::Unsupported { .. }
    ) && !matches!(fault, ServerFault::HttpStatus { status: 400..=499, .. })
}

/// Runs something that may panic in somebody else's code; a panic is a fault like any other.
pub(crate) async fn calm<T>(work: impl Future<Output = Result<T, ServerFault>>) -> Result<T, ServerFault> {
    match AssertUnwindSafe(work).catch_unwind().await {
        Ok(done) => done,
        Err(panic) => {
            let words = panic.downcast_ref::<&str>().map(|text| (*text).to_owned()).or_else(|| panic.downcast_ref::<String>().cloned());
            Err(ServerFault::Internal { what: format!("a session panicked: {}", words.unwrap_or_default()) })
        }
    }
}

/// Waits with patience; a person's thinking does not count, up to a point.
async fn patiently<T>(slot: &Slot, patience: Duration, work: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(PERSON_PATIENCE.max(patience), slot.asking.patiently(patience, work)).await.ok().flatten()
}

/// One try to connect.
async fn attempt(core: Arc<Core>, slot: Arc<Slot>) -> Tried {
    let definition = slot.definition();
    let def = &definition.def;
    let (protocol, info) = match (core.protocols.get(&def.protocol), core.protocols.info(&def.protocol)) {
        (Ok(protocol), Some(info)) => (protocol.clone(), info),
        (Err(fault), _) => return Tried::Said(fault),
        (_, None) => return Tried::Failed(ServerFault::Internal { what: format!("no description of {}", def.protocol) }),
    };
    let settings = match core.ports.expand.open(&def.settings).await {
        Ok(settings) => settings,
        Err(fault) => return Tried::Said(fault),
    };
    core.learn_secrets(def, &settings);
    let common = match Common::split(settings.clone()) {
        Ok((common, _)) => common,
        Err(fault) => return Tried::Failed(fault),
    };
    slot.set_limits(&common);
    let generation = slot.generation.fetch_add(1, Ordering::AcqRel) + 1;
    let tasks = TaskTracker::new();
    let stop = CancellationToken::new();
    let dropped: DropGuard = stop.clone().drop_guard();
    let host = Arc::new(SlotHost::new(core.clone(), slot.clone(), generation));
    let cx = ConnectCx {
        server: slot.id.clone(),
        name: def.name.clone(),
        host,
        clock: core.clock.clone(),
        tasks: tasks.clone(),
        stop: stop.clone(),
        thinking: slot.asking.clone(),
        guard: core.guard.clone(),
    };
    let patience = common.start_patience(if info.starts_program { PROGRAM_PATIENCE } else { START_PATIENCE });
    let session = match patiently(&slot, patience, calm(protocol.connect(cx, settings))).await {
        None => return Tried::Failed(ServerFault::Timeout { phase: Phase::Handshake, after: patience }),
        Some(Err(fault)) => {
            if let ServerFault::ServerExited { stderr_tail, .. } = &fault {
                slot.wire.last_words(Some(stderr_tail.clone()));
            }
            return Tried::Failed(fault);
        }
        Some(Ok(session)) => session,
    };
    dropped.disarm();
    let live = Live {
        facts: session.facts(),
        session,
        generation,
        fingerprint: definition.fingerprint.clone(),
        numbers: Numbers::of(&common),
        gone: CancellationToken::new(),
    };
    let idle = def.start.idle_stop_secs;
    Tried::Up(Box::new(Connection {
        live: Arc::new(live),
        tasks,
        stop,
        since: Instant::now(),
        idle_stop: (idle > 0).then(|| Duration::from_secs(u64::from(idle))),
    }))
}

/// Ends a session and leaves nothing behind. When the session's own way takes too long, it is cut.
async fn close(live: &Live, tasks: &TaskTracker, stop: &CancellationToken) {
    let closing = calm(async {
        live.session.close().await;
        Ok(())
    });
    if tokio::time::timeout(CLOSE_PATIENCE, closing).await.is_err() {
        tracing::warn!(generation = live.generation, "a session did not close in time and was cut");
    }
    stop.cancel();
    live.gone.cancel();
    tasks.close();
    if tokio::time::timeout(Duration::from_secs(1), tasks.wait()).await.is_err() {
        tracing::warn!(generation = live.generation, tasks = tasks.len(), "tasks of a closed session still run");
    }
}

/// One health check, with a budget of its own.
async fn health(core: Arc<Core>, slot: Arc<Slot>, live: Arc<Live>) -> Result<(), ServerFault> {
    check_health(&core, &slot, &live).await.map(drop)
}

/// The same, with the time it took (ms).
pub(crate) async fn check_health(core: &Core, slot: &Slot, live: &Live) -> Result<f64, ServerFault> {
    let begun = Instant::now();
    let well = tokio::time::timeout(HEALTH_BUDGET, calm(live.session.health()))
        .await
        .unwrap_or(Err(ServerFault::Timeout { phase: Phase::Health, after: HEALTH_BUDGET }));
    let elapsed_ms = begun.elapsed().as_secs_f64() * 1000.0;
    if !slot.one_off {
        core.ports.metrics.record(Sample {
            at: core.now(),
            server: slot.id.clone(),
            tool: None,
            elapsed_ms,
            error: well.as_ref().err().map(|fault| fault.code().to_owned()),
            bytes_out: 0,
            bytes_in: 0,
        });
    }
    if well.is_ok() {
        slot.took(elapsed_ms);
    }
    well.map(|()| elapsed_ms)
}

/// Asks for the tools and makes them ready. New tools of an accepted server are accepted at first sight.
async fn discover(core: Arc<Core>, slot: Arc<Slot>, live: Arc<Live>) -> Result<(), Fault> {
    let name = slot.name();
    let attempted = Text::new("list the tools", "列出工具");
    let listed = patiently(&slot, LIST_PATIENCE, calm(live.session.tools()))
        .await
        .unwrap_or(Err(ServerFault::Timeout { phase: Phase::Idle, after: LIST_PATIENCE }));
    let catalogue = match listed {
        Ok(catalogue) => Arc::new(catalogue),
        Err(fault) => {
            let said = core.say(&fault, &attempted, &name);
            if fault.ends_session() {
                slot.order(Order::Broken { generation: live.generation, fault });
            }
            return Err(said);
        }
    };
    take(&core, &slot, catalogue, live.session.facts()).await
}

async fn take(core: &Arc<Core>, slot: &Arc<Slot>, catalogue: Arc<Catalogue>, facts: PeerFacts) -> Result<(), Fault> {
    let seen_at = core.now();
    let before = slot.offer();
    let changed = *before.source != *catalogue || before.facts != facts || before.seen_at == Millis(0);
    pin(core, slot, &catalogue).await?;
    let (definition, trust, source) = (slot.definition(), slot.trust(), catalogue.clone());
    let peer = facts.clone();
    // Hundreds of schemas are measured here; other servers' events must not wait for that.
    let prepared = core
        .tasks
        .spawn_blocking(move || Offer::prepare(source, peer, seen_at, &definition.def, &definition.filter, &trust.tools))
        .await
        .map_err(|_| {
            core.say(
                &ServerFault::Internal { what: "a tool list could not be read".into() },
                &Text::new("list the tools", "列出工具"),
                &slot.name(),
            )
        })?;
    slot.set_offer(prepared);
    slot.fresh.store(true, Ordering::Release);
    core.events.changed(Tag::Tools);
    if changed && !slot.one_off {
        let cached = CachedCatalogue { catalogue: (*catalogue).clone(), facts, seen_at };
        if let Err(fault) = core.ports.catalogues.save(&slot.id, &cached).await {
            tracing::warn!(server = %slot.id, %fault, "a tool list could not be kept");
        }
    }
    Ok(())
}

/// Accepts tools seen for the first time.
async fn pin(core: &Core, slot: &Slot, catalogue: &Catalogue) -> Result<(), Fault> {
    let trust = slot.trust();
    let new: Vec<_> =
        catalogue.tools.iter().filter(|tool| !trust.tools.contains_key(tool.name.as_str())).take(super::offer::MAX_TOOLS).collect();
    if new.is_empty() {
        return Ok(());
    }
    let mut trust = (*trust).clone();
    for tool in new {
        trust.tools.entry(tool.name.as_str().to_owned()).or_insert_with(|| tool.clone());
    }
    if !slot.one_off {
        core.ports.servers.set_trust(&slot.id, &trust).await?;
    }
    slot.set_trust(trust);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_a_person_can_put_right_is_not_tried_again() {
        let reason = || "x".to_owned();
        for (fault, again) in [
            (ServerFault::Unreachable { peer: reason(), reason: reason() }, true),
            (ServerFault::Timeout { phase: Phase::Handshake, after: Duration::from_secs(30) }, true),
            (ServerFault::ServerExited { how: reason(), stderr_tail: reason() }, true),
            (ServerFault::ConnectionLost { reason: reason(), lost_result: false }, true),
            (ServerFault::HttpStatus { status: 503, body: reason() }, true),
            (ServerFault::HttpStatus { status: 404, body: reason() }, false),
            (ServerFault::AuthFailed { reason: reason() }, false),
            (ServerFault::SpawnFailed { program: reason(), reason: reason() }, false),
            (ServerFault::Settings { field: reason(), reason: reason() }, false),
            (ServerFault::UnsupportedVersion { offered: reason(), ours: reason() }, false),
        ] {
            assert_eq!(may_retry(&fault), again, "{}", fault.code());
        }
    }

    #[tokio::test]
    async fn a_panic_in_a_session_is_a_fault() {
        let fault = calm::<()>(async { panic!("boom") }).await.unwrap_err();
        assert_eq!(fault, ServerFault::Internal { what: "a session panicked: boom".into() });
    }
}
