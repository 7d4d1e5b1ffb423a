//! Saved servers: what is kept, what was accepted, what a definition would reach.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use domain::audit::Durability;
use domain::fault::{Fault, FaultKind};
use domain::id::ServerId;
use domain::policy::{Actor, Door};
use domain::protocol::ProtocolInfo;
use domain::server::ServerDef;
use domain::text::Text;
use tokio::time::Instant;

use crate::core::Core;
use crate::event::Tag;
use crate::sessions::{Sessions, Slot, no_server, put_down};
use crate::views::{ServerView, TestReport};

/// A server's name.
const MAX_NAME: usize = 100;

/// Saved servers.
#[derive(Debug, Clone)]
pub struct ServerBook {
    core: Arc<Core>,
}

impl ServerBook {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// All, by name. What another process changed in the meantime is seen.
    pub async fn list(&self) -> Result<Vec<ServerView>, Fault> {
        self.core.reconcile().await?;
        Ok(self.core.saved_slots().iter().map(|slot| self.view(slot)).collect())
    }

    /// One, by id or by name. One-offs are found by id.
    pub async fn get(&self, name_or_id: &str) -> Result<ServerView, Fault> {
        let id = self.resolve(name_or_id).await?;
        Ok(self.view(&*self.core.slot(&id)?))
    }

    /// The id of a server, by id or by name.
    pub async fn resolve(&self, name_or_id: &str) -> Result<ServerId, Fault> {
        if let Some(id) = self.find(name_or_id) {
            return Ok(id);
        }
        self.core.reconcile().await?;
        self.find(name_or_id).ok_or_else(|| no_server(name_or_id))
    }

    fn find(&self, name_or_id: &str) -> Option<ServerId> {
        if let Ok(slot) = self.core.slot(&ServerId::from(name_or_id)) {
            return Some(slot.id.clone());
        }
        self.core.saved_slots().into_iter().find(|slot| slot.name() == name_or_id).map(|slot| slot.id.clone())
    }

    fn view(&self, slot: &Slot) -> ServerView {
        let definition = slot.definition();
        let standing = slot.standing();
        let offer = slot.offer();
        let live = slot.live();
        let facts = live.map(|live| live.facts.clone()).or_else(|| (offer.seen_at.0 != 0).then(|| offer.facts.clone()));
        ServerView {
            state: standing.state,
            since: standing.since,
            facts,
            tools_count: offer.tools.len(),
            rejected: offer.rejected.clone(),
            partial: offer.partial.clone(),
            quarantined_count: offer.quarantined(),
            stale: !slot.fresh.load(Ordering::Acquire),
            last_error: slot.last_error(),
            accepted: slot.accepted(),
            target: self.core.target(&definition.def),
            running: slot.running.load(Ordering::Acquire),
            latency_ms: slot.latency(),
            def: definition.def.clone(),
        }
    }

    /// Adds or replaces by id, after checking it. Names are unique. A definition without a program that a person saves through window
    /// or terminal is accepted by that; a program is accepted at its first start, an import (`origin` starts with `import:`) by
    /// [`ServerBook::accept`].
    pub async fn save(&self, mut def: ServerDef, by: &Actor) -> Result<ServerView, Fault> {
        def.name = def.name.trim().to_owned();
        check_name(&def.name)?;
        if def.id.as_str().is_empty() {
            def.id = ServerId::new(uuid::Uuid::new_v4().to_string());
        }
        let unset = self.core.check(&def).err();
        // A variable that is not set here and now may be set when it is needed; everything else must be right.
        if let Some(fault) = unset.filter(|fault| fault.code != "unset_variable") {
            return Err(fault);
        }
        if let Some(info) = self.core.protocols.info(&def.protocol) {
            def.protocol = info.id.clone();
        }
        self.core.reconcile().await?;
        if let Some(other) = self.core.saved_slots().into_iter().find(|slot| slot.id != def.id && slot.name() == def.name) {
            return Err(name_taken(&def.name, &other.id));
        }
        self.core.foreign_secrets(&def).await?;
        (def, _) = self.core.sealed(&def).await?;
        let before = self.core.slot(&def.id).ok().map(|slot| slot.definition());
        let fingerprint = def.fingerprint();
        let moved = before.as_ref().is_none_or(|before| before.fingerprint != fingerprint);
        def.updated_at = self.core.now();
        let what = if before.is_some() { "server_changed" } else { "server_added" };
        let detail = serde_json::json!({
            "name": def.name, "protocol": def.protocol, "origin": def.origin, "target": self.core.target(&def),
            "fingerprint": fingerprint, "before": before.as_ref().map(|before| &before.fingerprint),
        });
        self.core.note_of(by, Some((&def, &fingerprint)), what, detail, Durability::OnDisk).await?;
        self.core.ports.servers.put(&def).await?;
        if before.is_some() {
            self.core.forget_secrets(&def.id, false).await;
        }
        let program = self.core.protocols.info(&def.protocol).is_some_and(|info| info.starts_program);
        let imported = def.origin.starts_with("import:");
        let person = matches!(by.door, Door::Window | Door::Cli);
        self.core.reconcile().await?;
        let slot = self.core.slot(&def.id)?;
        if moved && !program && !imported && person {
            self.core.trust_definition(&slot, &fingerprint).await?;
        }
        self.core.look(&slot);
        self.core.events.changed(Tag::Servers);
        Ok(self.view(&slot))
    }

    /// Ends its connection and removes it with everything kept about it, except its audit rows.
    pub async fn remove(&self, id: &ServerId, by: &Actor) -> Result<(), Fault> {
        let slot = self.core.slot(id)?;
        self.core.note(by, Some(&slot), "server_removed", serde_json::json!({ "name": slot.name() })).await?;
        {
            let _in_step = self.core.in_step.lock().await;
            if !slot.one_off {
                self.core.ports.servers.remove(id).await?;
            }
            self.core.slots.write().unwrap_or_else(PoisonError::into_inner).remove(id);
            slot.retire();
        }
        put_down(&slot).await;
        if !slot.one_off {
            self.core.forget_secrets(id, true).await;
        }
        self.core.events.changed(Tag::Servers);
        self.core.events.changed(Tag::Tools);
        Ok(())
    }

    /// Switches it on or off. Off ends the connection.
    pub async fn set_enabled(&self, id: &ServerId, enabled: bool, by: &Actor) -> Result<(), Fault> {
        self.core.reconcile().await?;
        let slot = self.core.slot(id)?;
        let mut def = slot.definition().def.clone();
        if def.enabled == enabled {
            return Ok(());
        }
        let what = if enabled { "server_enabled" } else { "server_disabled" };
        self.core.note(by, Some(&slot), what, serde_json::json!({ "name": def.name })).await?;
        def.enabled = enabled;
        def.updated_at = self.core.now();
        self.core.ports.servers.put(&def).await?;
        slot.redefine(&def);
        if enabled {
            self.core.look(&slot);
        } else {
            put_down(&slot).await;
        }
        self.core.events.changed(Tag::Servers);
        self.core.events.changed(Tag::Tools);
        Ok(())
    }

    /// A copy under a free name, switched off and not accepted.
    pub async fn duplicate(&self, id: &ServerId, by: &Actor) -> Result<ServerView, Fault> {
        self.core.reconcile().await?;
        let mut def = self.core.slot(id)?.definition().def.clone();
        let taken: Vec<String> = self.core.saved_slots().iter().map(|slot| slot.name()).collect();
        let base: String = def.name.chars().take(MAX_NAME - 10).collect();
        // One more number than there are names: one of them is free.
        let free = (2..taken.len() + 3).map(|n| format!("{base} {n}")).find(|name| !taken.contains(name));
        def.name = free.unwrap_or_default();
        def.id = ServerId::new(uuid::Uuid::new_v4().to_string());
        def.enabled = false;
        self.save(def, by).await
    }

    /// A person looked at exactly this definition and accepts it.
    pub async fn accept(&self, id: &ServerId, by: &Actor) -> Result<(), Fault> {
        let slot = self.core.slot(id)?;
        self.core.reload(&slot).await?;
        let definition = slot.definition();
        let detail = serde_json::json!({ "what": self.core.target(&definition.def), "fingerprint": definition.fingerprint });
        self.core.note(by, Some(&slot), "server_accepted", detail).await?;
        if slot.one_off {
            slot.consent_to(&definition.fingerprint);
        } else {
            self.core.trust_definition(&slot, &definition.fingerprint).await?;
        }
        self.core.look(&slot);
        Ok(())
    }

    /// Every way of reaching a server.
    pub fn protocols(&self) -> Vec<ProtocolInfo> {
        self.core.protocols.infos().to_vec()
    }

    /// Checks a definition without touching anything; answers what would be reached or started, references unexpanded.
    pub fn check(&self, def: &ServerDef) -> Result<String, Fault> {
        self.core.check(def)
    }

    /// Connects and lists tools without saving anything. A program asks the person first, unless exactly this definition was accepted.
    pub async fn test(&self, def: ServerDef, by: &Actor) -> Result<TestReport, Fault> {
        self.try_out(def, false, by).await
    }

    /// The same after the person saw `target` (what [`ServerBook::check`] answered) and agreed to start or reach exactly that.
    pub async fn test_agreed(&self, def: ServerDef, target: &str, by: &Actor) -> Result<TestReport, Fault> {
        if self.core.target(&def) != target {
            return Err(Fault::new(
                FaultKind::Denied,
                "consent_mismatch",
                Text::new("the server was not tried: it is not what you agreed to start", "未测试：与你同意启动的内容不一致"),
                Text::new("look at what would be started now and agree to that", "请核对现在将要启动的内容后再同意"),
            ));
        }
        self.try_out(def, true, by).await
    }

    async fn try_out(&self, def: ServerDef, agreed: bool, by: &Actor) -> Result<TestReport, Fault> {
        self.core.check(&def)?;
        let target = self.core.target(&def);
        let fingerprint = def.fingerprint();
        let known = self.core.slot(&def.id).is_ok_and(|saved| saved.accepted() && saved.definition().fingerprint == fingerprint);
        let program = self.core.protocols.info(&def.protocol).is_some_and(|info| info.starts_program);
        let slot = self.core.add_one_off(def);
        if known || agreed || !program {
            slot.consent_to(&fingerprint);
        }
        let sessions = Sessions::new(self.core.clone());
        let begun = Instant::now();
        let tried = self.core.ensure(&slot, by).await;
        let elapsed_ms = begun.elapsed().as_secs_f64() * 1000.0;
        let standing = slot.standing();
        let offer = slot.offer();
        let fault = tried.as_ref().err().cloned().or_else(|| standing.state.fault().cloned());
        let report = TestReport {
            ok: fault.is_none(),
            target,
            state: standing.state,
            facts: tried.as_ref().ok().map(|live| live.facts.clone()),
            tools: offer.tools.iter().map(|offered| offered.tool.name.as_str().to_owned()).collect(),
            rejected: offer.rejected.clone(),
            elapsed_ms,
            fault,
            stderr: sessions.stderr(&slot.id).ok().flatten(),
        };
        sessions.forget(&slot.id).await;
        Ok(report)
    }
}

fn check_name(name: &str) -> Result<(), Fault> {
    let refuse = |en: &str, zh: &str| {
        Err(Fault::new(
            FaultKind::Config,
            "server_name",
            Text::new(format!("the server was not saved: {en}"), format!("服务器未保存：{zh}")),
            Text::new("give it another name", "请换一个名称"),
        )
        .with_params(serde_json::json!({ "field": "name" })))
    };
    if name.is_empty() {
        return refuse("it needs a name", "需要一个名称");
    }
    if name.chars().count() > MAX_NAME {
        return refuse("its name is longer than 100 characters", "名称超过 100 个字符");
    }
    if name.chars().any(crate::shown::hides) || name.contains(['\n', '\r', '\t']) {
        return refuse("its name holds invisible characters", "名称中含有不可见字符");
    }
    Ok(())
}

fn name_taken(name: &str, other: &ServerId) -> Fault {
    Fault::new(
        FaultKind::Config,
        "name_taken",
        Text::new(format!("there is already a server \"{name}\""), format!("已有名为“{name}”的服务器")),
        Text::new("give it another name, or change the other one", "请换一个名称，或修改已有的服务器"),
    )
    .with_params(serde_json::json!({ "field": "name", "name": name, "other": other }))
}
