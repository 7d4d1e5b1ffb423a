//! An app over ports in memory and servers that do as they are told.

use std::sync::Arc;

use app::{App, AppParts, CallDone, CallOrder};
use cluster::validate::Checker;
use cluster::{Changes, Helper, Insides, KubeFiles, Look, Reach, ReachParts};
use domain::cluster::Clusters;
use domain::fault::Fault;
use domain::id::{CallId, ServerId};
use domain::kubeconfig::Kubeconfigs;
use domain::person::{Answer, Person, Scope};
use domain::policy::{Actor, Door};
use domain::reach::ClusterReach;
use domain::server::{ServerDef, ServerState};
use domain::vault::{Vault, VaultState};
use domain::{Json, JsonMap};
use protocols::guard::Errands;
use testkit::memory::{
    MemoryAudit, MemoryBrowser, MemoryCatalogues, MemoryEnv, MemoryHistory, MemoryMetrics, MemoryRedact, MemoryServers, MemorySettings,
    ScriptedPerson, StillClock,
};
use testkit::memory_changes::MemoryChanges;
use testkit::memory_vault::{MemoryClusters, MemoryVault};
use testkit::scripted::{Peer, Stage};
use testkit::scripted_reach::ScriptedReach;
use tokio_util::task::TaskTracker;

/// Everything a test may look at or switch.
#[derive(Clone)]
pub struct House {
    pub app: Arc<App>,
    pub stage: Stage,
    pub audit: Arc<MemoryAudit>,
    pub servers: Arc<MemoryServers>,
    pub catalogues: Arc<MemoryCatalogues>,
    pub metrics: Arc<MemoryMetrics>,
    pub history: Arc<MemoryHistory>,
    pub settings: Arc<MemorySettings>,
    pub browser: Arc<MemoryBrowser>,
    pub env: Arc<MemoryEnv>,
    pub redact: Arc<MemoryRedact>,
    pub clock: Arc<StillClock>,
    /// Nobody chose one: a test that wants a vault unlocks it.
    pub vault: Arc<MemoryVault>,
    pub clusters: Arc<MemoryClusters>,
    pub reach: Arc<ScriptedReach>,
    dir: Arc<tempfile::TempDir>,
}

impl House {
    /// With a window that answers nothing by itself: questions wait in `app.questions`.
    pub async fn open() -> Self {
        Self::with(None).await
    }

    /// With a person who has made up their mind.
    pub async fn with(person: Option<Arc<dyn Person>>) -> Self {
        let audit = Arc::new(MemoryAudit::default());
        let servers = Arc::new(MemoryServers::default());
        let catalogues = Arc::new(MemoryCatalogues::default());
        let metrics = Arc::new(MemoryMetrics::default());
        let history = Arc::new(MemoryHistory::default());
        let settings = Arc::new(MemorySettings::default());
        let browser = Arc::new(MemoryBrowser::default());
        let env = Arc::new(MemoryEnv::default());
        let redact = Arc::new(MemoryRedact::default());
        let clock = StillClock::at(1_000_000);
        let vault = Arc::new(MemoryVault::default());
        vault.stand(VaultState::Absent);
        let clusters = Arc::new(MemoryClusters::default());
        let stage = Stage::default();
        let dir = Arc::new(tempfile::tempdir().unwrap());
        let reach = Arc::new(ScriptedReach::default());
        let parts = AppParts {
            protocols: stage.protocols(),
            audit: audit.clone(),
            servers: servers.clone(),
            catalogues: catalogues.clone(),
            metrics: metrics.clone(),
            history: history.clone(),
            settings: settings.clone(),
            kept: audit.clone(),
            expand: env.clone(),
            redact: redact.clone(),
            person,
            opener: browser.clone(),
            vault: vault.clone(),
            clusters: clusters.clone(),
            kubeconfigs: kubeconfigs(),
            reach: reach.clone(),
            manifests: Arc::new(Checker::new(to_clusters(&vault, &redact, &clock)).heeding(settings.clone())),
            kube: look(&vault, &redact, &clock),
            change: changes(&vault, &redact, &clock),
            inside: Arc::new(Insides::new(look(&vault, &redact, &clock))),
            clock: clock.clone(),
            guard: Arc::from([]),
            data_dir: dir.path().to_owned(),
        };
        let app = App::open(parts).await.unwrap();
        Self {
            app,
            stage,
            audit,
            servers,
            catalogues,
            metrics,
            history,
            settings,
            browser,
            env,
            redact,
            clock,
            vault,
            clusters,
            reach,
            dir,
        }
    }

    /// What another run on the same data stands on; nobody is at its door.
    fn parts(&self) -> AppParts {
        AppParts {
            protocols: self.stage.protocols(),
            audit: self.audit.clone(),
            servers: self.servers.clone(),
            catalogues: self.catalogues.clone(),
            metrics: self.metrics.clone(),
            history: self.history.clone(),
            settings: self.settings.clone(),
            kept: self.audit.clone(),
            expand: self.env.clone(),
            redact: self.redact.clone(),
            person: None,
            opener: self.browser.clone(),
            vault: self.vault.clone(),
            clusters: self.clusters.clone(),
            kubeconfigs: kubeconfigs(),
            reach: self.reach.clone(),
            manifests: Arc::new(Checker::new(to_clusters(&self.vault, &self.redact, &self.clock)).heeding(self.settings.clone())),
            kube: look(&self.vault, &self.redact, &self.clock),
            change: changes(&self.vault, &self.redact, &self.clock),
            inside: Arc::new(Insides::new(look(&self.vault, &self.redact, &self.clock))),
            clock: self.clock.clone(),
            guard: Arc::from([]),
            data_dir: self.dir.path().to_owned(),
        }
    }

    /// The same data, opened again: another run, or another process beside this one.
    pub async fn again(&self) -> Self {
        Self { app: App::open(self.parts()).await.unwrap(), ..self.clone() }
    }

    /// Another run on the same data, whose ways to secrets, clusters and kubeconfigs are these.
    pub async fn over(&self, vault: Arc<dyn Vault>, clusters: Arc<dyn Clusters>, kubeconfigs: Arc<dyn Kubeconfigs>) -> Arc<App> {
        App::open(AppParts { vault, clusters, kubeconfigs, ..self.parts() }).await.unwrap()
    }

    /// Another run on the same data, whose way to clusters is this.
    pub async fn reaching(&self, reach: Arc<dyn ClusterReach>) -> Arc<App> {
        App::open(AppParts { reach, ..self.parts() }).await.unwrap()
    }

    /// Saves a server as a person at the window does.
    pub async fn save(&self, def: ServerDef) -> ServerId {
        self.app.book.save(def, &window()).await.unwrap().def.id
    }

    /// Saves a plain server of that name.
    pub async fn server(&self, name: &str) -> ServerId {
        self.save(self.stage.def(name)).await
    }

    /// The peer behind a name.
    pub fn peer(&self, name: &str) -> Arc<Peer> {
        self.stage.peer(name)
    }

    /// Runs a tool through the window.
    pub async fn call(&self, server: &ServerId, tool: &str) -> Result<CallDone, Fault> {
        self.app.desk.call(order(server, tool, &window())).await
    }

    /// Waits until a server is in a state of that word.
    pub async fn becomes(&self, server: &ServerId, word: &str) -> ServerState {
        loop {
            let (state, _) = self.app.sessions.state(server).unwrap();
            if state.word() == word {
                return state;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }

    /// Waits until that holds.
    pub async fn until(&self, holds: impl Fn(&Self) -> bool) {
        while !holds(self) {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }

    /// The endings and words of the audit, notes about servers left out.
    pub fn calls_told(&self) -> Vec<String> {
        let plumbing = ["server_added", "server_changed", "server_accepted"];
        self.audit.story().into_iter().filter(|word| !plumbing.contains(&word.as_str())).collect()
    }
}

/// The real thing, with nothing to run and no proxy.
fn to_clusters(vault: &Arc<MemoryVault>, redact: &Arc<MemoryRedact>, clock: &Arc<StillClock>) -> Arc<Reach> {
    Arc::new(Reach::new(ReachParts {
        vault: vault.clone(),
        run: Arc::new(Errands::new(Arc::from([]), TaskTracker::new())),
        redact: redact.clone(),
        clock: clock.clone(),
        env: Arc::default(),
        plugin_patience: Reach::PLUGIN_PATIENCE,
    }))
}

fn look(vault: &Arc<MemoryVault>, redact: &Arc<MemoryRedact>, clock: &Arc<StillClock>) -> Arc<Look> {
    Arc::new(Look::new(to_clusters(vault, redact, clock)))
}

fn changes(vault: &Arc<MemoryVault>, redact: &Arc<MemoryRedact>, clock: &Arc<StillClock>) -> Arc<Changes> {
    let log = Arc::new(MemoryChanges::default());
    Arc::new(Changes::new(to_clusters(vault, redact, clock), log, vault.clone(), clock.clone()))
}

/// Kubeconfigs on the disk. Whoever is rewritten calls `/opt/ph/pilot`.
pub fn kubeconfigs() -> Arc<KubeFiles> {
    Arc::new(KubeFiles::new(Helper { program: "/opt/ph/pilot".into(), config_dir: None }, std::env::var_os("PATH")))
}

fn actor(door: Door, can_ask: bool) -> Actor {
    Actor { door, name: "ada".into(), can_ask }
}

pub fn window() -> Actor {
    actor(Door::Window, true)
}

/// A terminal with nobody at it.
pub fn script() -> Actor {
    actor(Door::Cli, false)
}

pub fn through(door: Door, can_ask: bool) -> Actor {
    actor(door, can_ask)
}

/// A call without arguments.
pub fn order(server: &ServerId, tool: &str, actor: &Actor) -> CallOrder {
    CallOrder {
        server: server.clone(),
        tool: tool.into(),
        args: JsonMap::new(),
        actor: actor.clone(),
        call: CallId::new(uuid::Uuid::new_v4().to_string()),
        timeout: None,
        approve_once: false,
    }
}

pub fn map(value: Json) -> JsonMap {
    testkit::scripted::settings(value)
}

/// A person who says yes to everything, as far as asked.
pub fn yes(scope: Scope) -> Arc<ScriptedPerson> {
    ScriptedPerson::who(move |_| Answer::Yes { scope })
}

/// A person who says no to everything.
pub fn no() -> Arc<ScriptedPerson> {
    ScriptedPerson::who(|_| Answer::No { reason: "not today".into() })
}
