//! Connections: one supervisor a server, and the way from a server's name to its live session.

mod abilities;
mod backoff;
mod consent;
mod definition;
mod gate;
mod host;
mod offer;
mod slot;
mod supervisor;
mod warnings;
mod wire_log;

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use domain::fault::{Fault, ServerFault};
use domain::id::{Millis, ServerId};
use domain::policy::Actor;
use domain::server::{ServerDef, ServerState, Trust};
use tokio::sync::{Semaphore, oneshot};

use crate::core::Core;
use crate::event::Tag;
use crate::views::{FrameView, HealthView, LogView};
pub(crate) use definition::secret_places;
pub(crate) use host::ANSWER_WITHIN;
pub(crate) use offer::{Offered, json_weight, map_weight};
pub use slot::Live;
pub(crate) use slot::{Counted, Order, Slot, no_server, switched_off};
pub(crate) use supervisor::calm;

/// Servers that start at the same time.
const AT_ONCE: usize = 8;
/// A server that takes longer than this over its start no longer holds up those behind it.
const HOLD: Duration = Duration::from_secs(3);

/// Connections of all servers.
#[derive(Debug, Clone)]
pub struct Sessions {
    core: Arc<Core>,
}

impl Sessions {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Connects every enabled server that is not lazy, at most eight at a time, and returns at once. Servers that need a person's
    /// consent are left waiting for it.
    pub fn start_all(&self) {
        self.core.autostart.store(true, Ordering::Release);
        let room = Arc::new(Semaphore::new(AT_ONCE));
        for slot in self.core.saved_slots() {
            if slot.definition().def.start.lazy || slot.at_rest(&self.core) != ServerState::Disconnected {
                continue;
            }
            let (room, stop) = (room.clone(), self.core.stop.clone());
            self.core.tasks.spawn(async move {
                let start = async {
                    let Ok(_place) = room.acquire().await else { return };
                    let mut watch = slot.watch();
                    let before = watch.borrow().tries;
                    slot.order(Order::Up);
                    let settled = watch.wait_for(|standing| standing.tries > before);
                    let _ = tokio::time::timeout(HOLD, settled).await;
                };
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = start => {}
                }
            });
        }
    }

    /// Connects, asking the person first where consent is missing, and waits until the server is up or is not.
    pub async fn connect(&self, id: &ServerId, by: &Actor) -> Result<ServerState, Fault> {
        self.ensure(id, by).await?;
        Ok(self.state(id)?.0)
    }

    /// Ends the connection; nothing reconnects it until somebody asks.
    pub async fn disconnect(&self, id: &ServerId) -> Result<(), Fault> {
        let slot = self.core.slot(id)?;
        put_down(&slot).await;
        Ok(())
    }

    /// Its state, and since when.
    pub fn state(&self, id: &ServerId) -> Result<(ServerState, Millis), Fault> {
        let standing = self.core.slot(id)?.standing();
        Ok((standing.state, standing.since))
    }

    /// Takes a server that is not saved, after checking it. The definition was typed by the person themselves: that is consent to
    /// exactly it.
    pub fn one_off(&self, def: ServerDef) -> Result<ServerId, Fault> {
        self.core.check(&def)?;
        let slot = self.core.add_one_off(def);
        slot.consent_to(&slot.definition().fingerprint);
        Ok(slot.id.clone())
    }

    /// Forgets a one-off and ends its connection. Saved servers are only disconnected.
    pub async fn forget(&self, id: &ServerId) {
        let Ok(slot) = self.core.slot(id) else { return };
        if slot.one_off {
            slot.retire();
        }
        put_down(&slot).await;
        if slot.one_off {
            self.core.slots.write().unwrap_or_else(PoisonError::into_inner).remove(id);
        }
    }

    /// The live session, connected first when it is not up. Where consent is missing, the person is asked if they can be.
    pub async fn ensure(&self, id: &ServerId, by: &Actor) -> Result<Arc<Live>, Fault> {
        let slot = self.core.slot(id)?;
        self.core.ensure(&slot, by).await
    }

    /// The wire as it was seen lately, secrets redacted. Looking makes the server's frames be kept for the next five minutes;
    /// before that only what was said while connecting is there.
    pub fn frames(&self, id: &ServerId) -> Result<Vec<FrameView>, Fault> {
        let slot = self.core.slot(id)?;
        Ok(slot.wire.frames(self.core.ports.redact.as_ref()))
    }

    /// The server's last log messages, secrets redacted.
    pub fn logs(&self, id: &ServerId) -> Result<Vec<LogView>, Fault> {
        let slot = self.core.slot(id)?;
        Ok(slot.wire.logs(self.core.ports.redact.as_ref()))
    }

    /// The last stderr lines, where there is or was a process, secrets redacted.
    pub fn stderr(&self, id: &ServerId) -> Result<Option<String>, Fault> {
        let slot = self.core.slot(id)?;
        let tail = slot.live().and_then(|live| live.session.stderr_tail()).or_else(|| slot.wire.stderr());
        Ok(tail.map(|text| crate::shown::visible(&self.core.ports.redact.redact(&text)).into_owned()))
    }

    /// Connects if need be, asks the server whether it is well, and says how it went.
    pub async fn health(&self, id: &ServerId, by: &Actor) -> Result<HealthView, Fault> {
        let slot = self.core.slot(id)?;
        let mut latency_ms = None;
        let mut reason = None;
        let mut state = None;
        match self.core.ensure(&slot, by).await {
            Err(fault) => reason = Some(fault),
            Ok(live) => match supervisor::check_health(&self.core, &slot, &live).await {
                Ok(elapsed) => latency_ms = Some(elapsed),
                Err(fault) => {
                    reason = Some(self.core.say_connect(&fault, &slot.name()));
                    state = Some("degraded");
                    if fault.ends_session() {
                        slot.order(Order::Broken { generation: live.generation, fault });
                    }
                }
            },
        }
        let standing = slot.standing();
        let definition = slot.definition();
        Ok(HealthView {
            id: slot.id.clone(),
            server: definition.def.name.clone(),
            protocol: definition.def.protocol.as_str().to_owned(),
            state: state.unwrap_or(standing.state.word()),
            reason: reason.or_else(|| standing.state.fault().cloned()),
            latency_ms,
            since: standing.since,
        })
    }
}

/// Ends a connection and waits until it is over.
pub(crate) async fn put_down(slot: &Slot) {
    let (done, over) = oneshot::channel();
    slot.order(Order::Down(done));
    let _ = over.await;
}

impl Core {
    /// A slot with its supervisor.
    fn add_slot(
        self: &Arc<Self>,
        def: ServerDef,
        one_off: bool,
        trust: Trust,
        cached: Option<domain::ports::CachedCatalogue>,
    ) -> Arc<Slot> {
        let (slot, orders) = Slot::new(def, one_off, trust, cached);
        slot.stand(self, slot.at_rest(self), false);
        self.slots.write().unwrap_or_else(PoisonError::into_inner).insert(slot.id.clone(), slot.clone());
        self.tasks.spawn(supervisor::supervise(self.clone(), slot.clone(), orders));
        slot
    }

    /// A server that is not saved. Its id says so and is never one that is saved.
    pub(crate) fn add_one_off(self: &Arc<Self>, mut def: ServerDef) -> Arc<Slot> {
        def.id = ServerId::new(format!("one-off:{}", uuid::Uuid::new_v4()));
        def.enabled = true;
        self.add_slot(def, true, Trust::default(), None)
    }

    /// Reads the saved servers and what was last seen of them.
    pub(crate) async fn load_slots(self: &Arc<Self>) -> Result<(), Fault> {
        let mut cached: HashMap<_, _> = self.ports.catalogues.load().await?.into_iter().collect();
        for def in self.ports.servers.list().await? {
            let trust = self.ports.servers.trust(&def.id).await?;
            let seen = cached.remove(&def.id);
            self.add_slot(def, false, trust, seen);
        }
        Ok(())
    }

    /// Tells a supervisor that something about its server may have changed. Where servers start by themselves, this one does too.
    pub(crate) fn look(&self, slot: &Slot) {
        slot.order(Order::Look);
        let starts = self.autostart.load(Ordering::Acquire) && !slot.one_off && !slot.definition().def.start.lazy;
        if starts && slot.at_rest(self) == ServerState::Disconnected {
            slot.order(Order::Up);
        }
    }

    /// Brings the slots in step with what is saved, which another process may have changed.
    pub(crate) async fn reconcile(self: &Arc<Self>) -> Result<(), Fault> {
        let in_step = self.in_step.lock().await;
        let saved = self.ports.servers.list().await?;
        let mut moved = false;
        for def in &saved {
            let known = self.slots.read().unwrap_or_else(PoisonError::into_inner).get(&def.id).cloned();
            if let Some(slot) = known {
                if slot.redefine(def) {
                    slot.set_trust(self.ports.servers.trust(&def.id).await?);
                    slot.order(Order::Look);
                    moved = true;
                }
            } else {
                let trust = self.ports.servers.trust(&def.id).await?;
                self.add_slot(def.clone(), false, trust, None);
                moved = true;
            }
        }
        let gone: Vec<_> = self.saved_slots().into_iter().filter(|slot| !saved.iter().any(|def| def.id == slot.id)).collect();
        for slot in &gone {
            self.slots.write().unwrap_or_else(PoisonError::into_inner).remove(&slot.id);
            slot.retire();
        }
        // Nobody waits for a server that is slow to end, but whoever found it gone.
        drop(in_step);
        for slot in &gone {
            put_down(slot).await;
            moved = true;
        }
        if moved {
            self.events.changed(Tag::Servers);
            self.events.changed(Tag::Tools);
        }
        Ok(())
    }

    /// Reads one server's definition and trust again, before anything is reached or started.
    pub(crate) async fn reload(&self, slot: &Slot) -> Result<(), Fault> {
        if slot.one_off {
            return Ok(());
        }
        let saved = self.ports.servers.list().await?;
        let Some(def) = saved.iter().find(|def| def.id == slot.id) else { return Err(no_server(&slot.name())) };
        slot.redefine(def);
        slot.set_trust(self.ports.servers.trust(&slot.id).await?);
        Ok(())
    }

    /// The live session of a server, connected first when it is not up.
    pub(crate) async fn ensure(self: &Arc<Self>, slot: &Arc<Slot>, by: &Actor) -> Result<Arc<Live>, Fault> {
        slot.used();
        match slot.live() {
            Some(live) => Ok(live),
            // Boxed, because it is seldom needed and every call's future would else have room for it.
            None => Box::pin(self.bring_up(slot, by)).await,
        }
    }

    async fn bring_up(self: &Arc<Self>, slot: &Arc<Slot>, by: &Actor) -> Result<Arc<Live>, Fault> {
        let name = slot.name();
        self.reload(slot).await?;
        if !slot.definition().def.enabled {
            return Err(switched_off(&name));
        }
        if !slot.accepted() {
            self.ask_to_start(slot, by).await?;
        }
        let mut watch = slot.watch();
        let before = watch.borrow_and_update().tries;
        slot.order(Order::Up);
        loop {
            if let Some(live) = slot.live() {
                return Ok(live);
            }
            if slot.retired() {
                return Err(no_server(&name));
            }
            let standing = watch.borrow_and_update().clone();
            if standing.tries > before {
                match standing.state {
                    ServerState::Error { fault, .. } => return Err(fault),
                    ServerState::NeedsReview { what } => return Err(self.say_connect(&ServerFault::ConsentRequired { what }, &name)),
                    ServerState::Disabled => return Err(switched_off(&name)),
                    ServerState::Disconnected => {
                        let reason = "it was disconnected meanwhile".to_owned();
                        return Err(self.say_connect(&ServerFault::ConnectionLost { reason, lost_result: false }, &name));
                    }
                    ServerState::Connecting | ServerState::Connected | ServerState::Degraded { .. } => {}
                }
            }
            tokio::select! {
                () = self.stop.cancelled() => return Err(self.say_connect(&ServerFault::Cancelled, &name)),
                moved = watch.changed() => {
                    if moved.is_err() {
                        return Err(no_server(&name));
                    }
                }
            }
        }
    }
}
