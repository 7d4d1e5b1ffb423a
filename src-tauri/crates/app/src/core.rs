//! What every area of the app shares: the ports, the clock, the tasks, and the servers that are known.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, LazyLock, RwLock};

use domain::cluster::Clusters;
use domain::fault::Fault;
use domain::fault::FaultKind;
use domain::id::{AuditId, Clock, Millis, ProtocolId, ServerId};
use domain::inside::Inside;
use domain::kube::Kube;
use domain::kubeconfig::Kubeconfigs;
use domain::manifest::Change;
use domain::manifest_check::CheckManifests;
use domain::person::Person;
use domain::policy::Actor;
use domain::ports::{AuditLog, Catalogues, History, MetricsLog, Opener, Servers, Settings};
use domain::protocol::{Protocol, ProtocolInfo};
use domain::reach::ClusterReach;
use domain::secret::{Expand, Redact};
use domain::server::ServerDef;
use domain::text::Text;
use domain::vault::Vault;
use domain::{Json, audit};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::credentials::LockBell;
use crate::desk::DeskState;
use crate::event::{Events, Tag};
use crate::policy_book::PolicyState;
use crate::questions::Questions;
use crate::sessions::Slot;

/// The traits that leaves implement, as this app was given them.
#[derive(Debug, Clone)]
pub(crate) struct Ports {
    pub(crate) audit: Arc<dyn AuditLog>,
    pub(crate) servers: Arc<dyn Servers>,
    pub(crate) catalogues: Arc<dyn Catalogues>,
    pub(crate) metrics: Arc<dyn MetricsLog>,
    pub(crate) history: Arc<dyn History>,
    pub(crate) settings: Arc<dyn Settings>,
    pub(crate) expand: Arc<dyn Expand>,
    pub(crate) redact: Arc<dyn Redact>,
    pub(crate) opener: Arc<dyn Opener>,
    pub(crate) vault: Arc<dyn Vault>,
    pub(crate) clusters: Arc<dyn Clusters>,
    pub(crate) kubeconfigs: Arc<dyn Kubeconfigs>,
    pub(crate) reach: Arc<dyn ClusterReach>,
    pub(crate) kube: Arc<dyn Kube>,
    pub(crate) change: Arc<dyn Change>,
    pub(crate) inside: Arc<dyn Inside>,
    pub(crate) manifests: Arc<dyn CheckManifests>,
}

/// Every way of reaching a server, by id and alias.
#[derive(Clone)]
pub(crate) struct Protocols {
    by_name: HashMap<String, Arc<dyn Protocol>>,
    infos: Arc<[ProtocolInfo]>,
}

impl std::fmt::Debug for Protocols {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.infos.iter().map(|info| &info.id)).finish()
    }
}

impl Protocols {
    pub(crate) fn new(all: Vec<Arc<dyn Protocol>>) -> Self {
        let mut by_name = HashMap::new();
        let mut infos = Vec::new();
        for protocol in all {
            let info = protocol.info();
            for alias in &info.aliases {
                by_name.entry(alias.clone()).or_insert_with(|| protocol.clone());
            }
            by_name.insert(info.id.as_str().to_owned(), protocol);
            infos.push(info);
        }
        Self { by_name, infos: infos.into() }
    }

    pub(crate) fn infos(&self) -> &[ProtocolInfo] {
        &self.infos
    }

    /// All of them, once each.
    pub(crate) fn all(&self) -> Vec<Arc<dyn Protocol>> {
        self.infos.iter().filter_map(|info| self.by_name.get(info.id.as_str()).cloned()).collect()
    }

    /// The protocol of that id or alias.
    pub(crate) fn get(&self, id: &ProtocolId) -> Result<&Arc<dyn Protocol>, Fault> {
        self.by_name.get(id.as_str()).ok_or_else(|| {
            let known = self.infos.iter().map(|info| info.id.as_str()).collect::<Vec<_>>().join(", ");
            Fault::new(
                FaultKind::Config,
                "unknown_protocol",
                Text::new(format!("there is no protocol \"{id}\""), format!("没有名为“{id}”的协议")),
                Text::new(format!("take one of: {known}"), format!("可用的协议：{known}")),
            )
            .with_params(serde_json::json!({ "protocol": id, "known": known }))
        })
    }

    pub(crate) fn info(&self, id: &ProtocolId) -> Option<&ProtocolInfo> {
        self.infos.iter().find(|info| info.id == *id || info.aliases.iter().any(|alias| alias == id.as_str()))
    }
}

/// Shared by all areas.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) ports: Ports,
    pub(crate) protocols: Protocols,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) guard: Arc<[String]>,
    pub(crate) events: Events,
    pub(crate) questions: Questions,
    /// The door's own person; else questions wait in [`Questions`].
    pub(crate) door_person: Option<Arc<dyn Person>>,
    pub(crate) policy: PolicyState,
    pub(crate) desk: DeskState,
    /// Sign-ins to clusters that go on.
    pub(crate) logins: crate::clusters::Logins,
    /// Every server that can be reached now: saved ones and one-offs.
    pub(crate) slots: RwLock<HashMap<ServerId, Arc<Slot>>>,
    /// Held from reading the saved servers until the slots are in step with them: of two that read at different times, the one with the
    /// older list must not have the last word.
    pub(crate) in_step: tokio::sync::Mutex<()>,
    /// Rings when the credentials of all clusters are locked.
    pub(crate) lock_bell: LockBell,
    /// Whether servers that are not lazy start by themselves: at the window they do, in a command they do not.
    pub(crate) autostart: AtomicBool,
    /// Supervisors and everything they start.
    pub(crate) tasks: TaskTracker,
    /// Calls that run, each in a task of its own.
    pub(crate) calls: TaskTracker,
    /// Ends calls first.
    pub(crate) stop_calls: CancellationToken,
    /// Ends everything.
    pub(crate) stop: CancellationToken,
}

impl Core {
    pub(crate) fn now(&self) -> Millis {
        self.clock.now()
    }

    pub(crate) fn person(&self) -> &dyn Person {
        match &self.door_person {
            Some(person) => person.as_ref(),
            None => &self.questions,
        }
    }

    /// A new audit reference: eight hex digits.
    pub(crate) fn audit_id() -> AuditId {
        // One after the other from a random start: two calls of one run never share a reference, and the index of the log grows at its
        // end instead of all over, which is a good part of what a row costs.
        static NEXT: LazyLock<AtomicU32> = LazyLock::new(|| AtomicU32::new(rand::random()));
        AuditId::new(format!("{:08x}", NEXT.fetch_add(1, Ordering::Relaxed)))
    }

    /// Writes down something that is not a call, and waits for the disk.
    pub(crate) async fn note(&self, by: &Actor, about: Option<&Slot>, what: &str, detail: Json) -> Result<(), Fault> {
        self.note_as(by, about, what, detail, audit::Durability::OnDisk).await
    }

    pub(crate) async fn note_as(
        &self,
        by: &Actor,
        about: Option<&Slot>,
        what: &str,
        detail: Json,
        durability: audit::Durability,
    ) -> Result<(), Fault> {
        let definition = about.map(Slot::definition);
        let def = definition.as_ref().map(|definition| (&definition.def, definition.fingerprint.as_str()));
        self.note_of(by, def, what, detail, durability).await
    }

    /// A note about a definition that no slot holds yet.
    pub(crate) async fn note_of(
        &self,
        by: &Actor,
        about: Option<(&ServerDef, &str)>,
        what: &str,
        detail: Json,
        durability: audit::Durability,
    ) -> Result<(), Fault> {
        let entry = audit::Entry {
            id: Self::audit_id(),
            at: self.now(),
            actor: by.clone(),
            server: about.map(|(def, _)| def.id.clone()),
            server_name: about.map_or_else(String::new, |(def, _)| def.name.clone()),
            server_fingerprint: about.map_or_else(String::new, |(_, fingerprint)| fingerprint.to_owned()),
            event: audit::Event::Note { what: what.to_owned(), detail },
        };
        self.ports.audit.append(entry, durability).await?;
        self.events.changed(Tag::Activity);
        Ok(())
    }
}
