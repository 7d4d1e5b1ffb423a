//! A known server: its definition, what was accepted about it, what it offers, and its connection.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use domain::Json;
use domain::fault::{Fault, FaultKind, ServerFault};
use domain::id::{Millis, ServerId, ToolName};
use domain::person::Thinking;
use domain::ports::CachedCatalogue;
use domain::protocol::{Common, Session};
use domain::secret::Secret;
use domain::server::{PeerFacts, ServerDef, ServerState, Trust};
use domain::text::Text;
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::gate::Gate;
use super::offer::{Filter, Offer, Offered};
use super::wire_log::WireLog;
use crate::core::Core;
use crate::event::{AppEvent, Tag};

/// A definition with its fingerprint.
#[derive(Debug, Clone)]
pub(crate) struct Definition {
    pub(crate) def: ServerDef,
    pub(crate) fingerprint: String,
    pub(crate) filter: Filter,
}

impl Definition {
    pub(crate) fn new(def: ServerDef) -> Self {
        Self { fingerprint: def.fingerprint(), filter: Filter::of(&def), def }
    }
}

/// The common settings that count while a connection lives.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Numbers {
    pub(crate) timeout: Duration,
    pub(crate) retries: u32,
    pub(crate) retry_delay: Duration,
    pub(crate) cache_ttl: Duration,
}

impl Numbers {
    pub(crate) fn of(common: &Common) -> Self {
        let seconds =
            |value: f64| if value.is_finite() && value > 0.0 { Duration::from_secs_f64(value.min(86_400.0)) } else { Duration::ZERO };
        Self {
            timeout: seconds(common.timeout),
            retries: common.retry_attempts.min(10),
            retry_delay: seconds(common.retry_delay),
            cache_ttl: common.cache_ttl.map_or(Duration::ZERO, seconds),
        }
    }
}

/// A session that is up. Holding it does not keep it up: when it ends, its calls answer that the connection was lost.
#[derive(Debug)]
pub struct Live {
    /// The session itself. Tools are run through the [`crate::Desk`] only: a call wants a ticket.
    pub session: Arc<dyn Session>,
    /// What was found out at connect.
    pub facts: PeerFacts,
    /// Counts connections of this server, from 1.
    pub generation: u64,
    /// The definition it was made for.
    pub(crate) fingerprint: String,
    pub(crate) numbers: Numbers,
    /// Fires when the session is over.
    pub(crate) gone: CancellationToken,
}

/// Where a server stands.
#[derive(Debug, Clone, Default)]
pub(crate) struct Standing {
    pub(crate) state: ServerState,
    pub(crate) since: Millis,
    /// Finished tries to connect, so that whoever waits can tell an old failure from a new one.
    pub(crate) tries: u64,
}

/// What a supervisor is told.
#[derive(Debug)]
pub(crate) enum Order {
    /// Somebody wants it up.
    Up,
    /// Somebody wants it down.
    Down(oneshot::Sender<()>),
    /// Its definition or what was accepted about it may have changed.
    Look,
    /// A secret that it sends has another value now.
    Renew,
    /// That connection is over.
    Broken { generation: u64, fault: ServerFault },
    /// Somebody wants the tools asked for anew, and to know when that is done.
    Refresh(oneshot::Sender<Result<(), Fault>>),
}

/// A known server.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) id: ServerId,
    /// Not saved; the person at the terminal consented to exactly this definition, or is asked (`consented`).
    pub(crate) one_off: bool,
    definition: RwLock<Arc<Definition>>,
    trust: RwLock<Arc<Trust>>,
    /// The fingerprint that a person accepted until the app ends.
    consented: Mutex<Option<String>>,
    standing: watch::Sender<Standing>,
    live: RwLock<Option<Arc<Live>>>,
    offer: RwLock<Arc<Offer>>,
    /// Whether the offer was read from the connection that is up.
    pub(crate) fresh: AtomicBool,
    last_error: Mutex<Option<Fault>>,
    gate: RwLock<Arc<Gate>>,
    orders: mpsc::UnboundedSender<Order>,
    pub(crate) generation: AtomicU64,
    pub(crate) wire: WireLog,
    /// The server said that its tools changed.
    pub(crate) dirty: Notify,
    /// Questions of this server that a person has before them.
    pub(crate) asking: Thinking,
    /// When this server put its last questions.
    pub(crate) asked: Mutex<VecDeque<Instant>>,
    /// Pages that a person agreed to open.
    pub(crate) pages: Mutex<HashSet<String>>,
    pub(crate) running: AtomicUsize,
    used_at: Mutex<Instant>,
    retired: AtomicBool,
    /// One consent question at a time.
    pub(crate) consent: tokio::sync::Mutex<()>,
    pub(crate) secrets: Mutex<HashMap<String, Secret>>,
    pub(crate) kept: Mutex<HashMap<String, Json>>,
    latencies: Mutex<VecDeque<f64>>,
}

/// Counts something while it lives.
pub(crate) struct Counted<'c>(&'c AtomicUsize);

impl<'c> Counted<'c> {
    pub(crate) fn one(counter: &'c AtomicUsize) -> Self {
        counter.fetch_add(1, Ordering::AcqRel);
        Self(counter)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Slot {
    /// A server, resting, with what was last seen of its tools.
    pub(crate) fn new(
        def: ServerDef,
        one_off: bool,
        trust: Trust,
        cached: Option<CachedCatalogue>,
    ) -> (Arc<Self>, mpsc::UnboundedReceiver<Order>) {
        let (orders, received) = mpsc::unbounded_channel();
        let definition = Definition::new(def);
        let offer = cached.map_or_else(Offer::default, |cached| {
            Offer::prepare(Arc::new(cached.catalogue), cached.facts, cached.seen_at, &definition.def, &definition.filter, &trust.tools)
        });
        let slot = Self {
            id: definition.def.id.clone(),
            one_off,
            definition: RwLock::new(Arc::new(definition)),
            trust: RwLock::new(Arc::new(trust)),
            consented: Mutex::default(),
            standing: watch::Sender::new(Standing::default()),
            live: RwLock::default(),
            offer: RwLock::new(Arc::new(offer)),
            fresh: AtomicBool::new(false),
            last_error: Mutex::default(),
            gate: RwLock::new(Arc::new(Gate::new(None, None))),
            orders,
            generation: AtomicU64::new(0),
            wire: WireLog::default(),
            dirty: Notify::new(),
            asking: Thinking::default(),
            asked: Mutex::default(),
            pages: Mutex::default(),
            running: AtomicUsize::new(0),
            used_at: Mutex::new(Instant::now()),
            retired: AtomicBool::new(false),
            consent: tokio::sync::Mutex::default(),
            secrets: Mutex::default(),
            kept: Mutex::default(),
            latencies: Mutex::default(),
        };
        (Arc::new(slot), received)
    }

    pub(crate) fn definition(&self) -> Arc<Definition> {
        self.definition.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn name(&self) -> String {
        self.definition().def.name.clone()
    }

    pub(crate) fn trust(&self) -> Arc<Trust> {
        self.trust.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes another definition over; answers whether it differs.
    pub(crate) fn redefine(&self, def: &ServerDef) -> bool {
        if self.definition().def == *def {
            return false;
        }
        *self.definition.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(Definition::new(def.clone()));
        self.prepare_again();
        true
    }

    /// Whether a call is under way, or a person is asked about one.
    pub(crate) fn busy(&self) -> bool {
        self.running.load(Ordering::Acquire) > 0 || self.asking.now()
    }

    pub(crate) fn set_trust(&self, trust: Trust) {
        if *self.trust() == trust {
            return;
        }
        *self.trust.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(trust);
        self.prepare_again();
    }

    /// Accepts the definition that this fingerprint stands for, until the app ends.
    pub(crate) fn consent_to(&self, fingerprint: &str) {
        *self.consented.lock().unwrap_or_else(PoisonError::into_inner) = Some(fingerprint.to_owned());
    }

    /// Whether a person accepted exactly this definition.
    pub(crate) fn accepted(&self) -> bool {
        let definition = self.definition();
        let consented = self.consented.lock().unwrap_or_else(PoisonError::into_inner);
        consented.as_deref() == Some(definition.fingerprint.as_str()) || self.trust().definition == definition.fingerprint
    }

    pub(crate) fn offer(&self) -> Arc<Offer> {
        self.offer.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn offered(&self, tool: &ToolName) -> Option<Arc<Offered>> {
        self.offer.read().unwrap_or_else(PoisonError::into_inner).find(tool).cloned()
    }

    pub(crate) fn set_offer(&self, offer: Offer) {
        *self.offer.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(offer);
    }

    /// Filters and compares the last list anew, after the definition or what was accepted changed.
    fn prepare_again(&self) {
        let old = self.offer();
        let definition = self.definition();
        let trust = self.trust();
        self.set_offer(Offer::prepare(
            old.source.clone(),
            old.facts.clone(),
            old.seen_at,
            &definition.def,
            &definition.filter,
            &trust.tools,
        ));
    }

    pub(crate) fn live(&self) -> Option<Arc<Live>> {
        self.live.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_live(&self, live: Option<Arc<Live>>) {
        *self.live.write().unwrap_or_else(PoisonError::into_inner) = live;
    }

    pub(crate) fn standing(&self) -> Standing {
        self.standing.borrow().clone()
    }

    pub(crate) fn watch(&self) -> watch::Receiver<Standing> {
        self.standing.subscribe()
    }

    /// Moves to a state; a finished try is counted.
    pub(crate) fn stand(&self, core: &Core, state: ServerState, finished_try: bool) {
        let now = core.now();
        let mut moved = false;
        self.standing.send_modify(|standing| {
            moved = standing.state != state;
            if standing.state.word() != state.word() {
                standing.since = now;
            }
            standing.state = state.clone();
            standing.tries += u64::from(finished_try);
        });
        if let Some(fault) = state.fault() {
            *self.last_error.lock().unwrap_or_else(PoisonError::into_inner) = Some(fault.clone());
        }
        if moved {
            let since = self.standing.borrow().since;
            core.events.send(AppEvent::ServerState { server: self.id.clone(), state, since });
            core.events.changed(Tag::Servers);
            core.events.changed(Tag::Tools);
        }
    }

    pub(crate) fn last_error(&self) -> Option<Fault> {
        self.last_error.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn gate(&self) -> Arc<Gate> {
        self.gate.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Applies the limits of the settings; unchanged ones keep their counts.
    pub(crate) fn set_limits(&self, common: &Common) {
        let (at_once, per_minute) = (common.max_concurrent_calls, common.requests_per_minute);
        if !self.gate().is_for(at_once, per_minute) {
            *self.gate.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(Gate::new(at_once, per_minute));
        }
    }

    pub(crate) fn order(&self, order: Order) {
        let _ = self.orders.send(order);
    }

    /// It is known no longer: its supervisor ends with the connection.
    pub(crate) fn retire(&self) {
        self.retired.store(true, Ordering::Release);
    }

    pub(crate) fn retired(&self) -> bool {
        self.retired.load(Ordering::Acquire)
    }

    /// Somebody uses it.
    pub(crate) fn used(&self) {
        *self.used_at.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// How long nobody did.
    pub(crate) fn unused_for(&self) -> Duration {
        self.used_at.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }

    pub(crate) fn took(&self, elapsed_ms: f64) {
        let mut latencies = self.latencies.lock().unwrap_or_else(PoisonError::into_inner);
        if latencies.len() == 32 {
            latencies.pop_front();
        }
        latencies.push_back(elapsed_ms);
    }

    /// The median of the last latencies (ms).
    pub(crate) fn latency(&self) -> Option<f64> {
        let mut all: Vec<f64> = self.latencies.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect();
        all.sort_by(f64::total_cmp);
        all.get(all.len() / 2).copied()
    }

    /// The state while nobody wants it up.
    pub(crate) fn at_rest(&self, core: &Core) -> ServerState {
        let definition = self.definition();
        if !definition.def.enabled {
            ServerState::Disabled
        } else if self.accepted() {
            ServerState::Disconnected
        } else {
            ServerState::NeedsReview { what: core.target(&definition.def) }
        }
    }
}

impl Core {
    pub(crate) fn slot(&self, id: &ServerId) -> Result<Arc<Slot>, Fault> {
        self.slots.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned().ok_or_else(|| no_server(id.as_str()))
    }

    /// All servers, by name; one-offs only when asked for.
    pub(crate) fn saved_slots(&self) -> Vec<Arc<Slot>> {
        let mut all: Vec<_> = {
            let slots = self.slots.read().unwrap_or_else(PoisonError::into_inner);
            slots.values().filter(|slot| !slot.one_off).cloned().collect()
        };
        all.sort_by_cached_key(|slot| slot.name());
        all
    }

    /// A fault of a server in words, secrets removed.
    pub(crate) fn say(&self, fault: &ServerFault, attempted: &Text, server: &str) -> Fault {
        crate::redacted::redact_fault(self.ports.redact.as_ref(), fault.to_fault(attempted, server))
    }

    /// The same for connecting, which is not done *on* a server but *to* it.
    pub(crate) fn say_connect(&self, fault: &ServerFault, server: &str) -> Fault {
        let attempted = Text::new(format!("connect to \"{server}\""), format!("连接“{server}”"));
        let mut said = self.say(fault, &attempted, "");
        if let Some(params) = said.params.as_object_mut() {
            params.insert("server".to_owned(), server.into());
        }
        said
    }
}

pub(crate) fn no_server(name: &str) -> Fault {
    Fault::new(
        FaultKind::NotFound,
        "no_server",
        Text::new(format!("there is no server \"{name}\""), format!("没有名为“{name}”的服务器")),
        Text::new("list the servers (`pilot servers list`), or add it", "查看服务器列表（`pilot servers list`），或先添加它"),
    )
    .with_params(serde_json::json!({ "server": name }))
}

pub(crate) fn switched_off(name: &str) -> Fault {
    Fault::new(
        FaultKind::Denied,
        "server_disabled",
        Text::new(format!("the server \"{name}\" is switched off"), format!("服务器“{name}”已停用")),
        Text::new("switch it on (Servers page) and try again", "请在“服务器”页面启用后重试"),
    )
    .with_params(serde_json::json!({ "server": name }))
}
