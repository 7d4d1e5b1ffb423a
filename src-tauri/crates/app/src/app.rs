//! The app as a whole: how it opens and how it ends.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use domain::cluster::Clusters;
use domain::fault::{Fault, FaultKind};
use domain::id::Clock;
use domain::inside::Inside;
use domain::kube::Kube;
use domain::kubeconfig::Kubeconfigs;
use domain::manifest::Change;
use domain::manifest_check::CheckManifests;
use domain::person::Person;
use domain::ports::{AuditLog, Catalogues, History, Kept, MetricsLog, Opener, Servers, Settings};
use domain::protocol::Protocol;
use domain::reach::ClusterReach;
use domain::secret::{Expand, Redact};
use domain::text::Text;
use domain::vault::Vault;
use tokio::sync::{OnceCell, broadcast};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::core::{Core, Ports, Protocols};
use crate::credentials::Credentials;
use crate::desk::DeskState;
use crate::drafts::Drafts;
use crate::event::{AppEvent, Events};
use crate::imports::Imports;
use crate::policy_book::PolicyState;
use crate::templates::Templates;
use crate::{
    Activity, ClusterBook, Desk, InsidePods, Kubernetes, Manifests, Measures, PolicyBook, Prefs, Questions, Secrets, ServerBook, Sessions,
    ToolIndex, Workbench,
};

/// The ten seconds of a shutdown: what its parts may take. What is kept has the time that the others did not need.
const CALLS_END: Duration = Duration::from_secs(1);
const SESSIONS_END: Duration = Duration::from_secs(8);
const WHOLE_END: Duration = Duration::from_secs(10);

/// What the assembly hands over. The app sees leaves only as these traits.
pub struct AppParts {
    /// Every way of reaching a server.
    pub protocols: Vec<Arc<dyn Protocol>>,
    /// The audit chain.
    pub audit: Arc<dyn AuditLog>,
    /// Saved servers.
    pub servers: Arc<dyn Servers>,
    /// Catalogues as they were last seen.
    pub catalogues: Arc<dyn Catalogues>,
    /// Figures.
    pub metrics: Arc<dyn MetricsLog>,
    /// Past calls.
    pub history: Arc<dyn History>,
    /// Policy, preferences, templates.
    pub settings: Arc<dyn Settings>,
    /// All of those together, closed at the end.
    pub kept: Arc<dyn Kept>,
    /// Turns references into values.
    pub expand: Arc<dyn Expand>,
    /// Hides secrets.
    pub redact: Arc<dyn Redact>,
    /// Who is asked; none: questions wait in [`Questions`] until the window answers.
    pub person: Option<Arc<dyn Person>>,
    /// The browser.
    pub opener: Arc<dyn Opener>,
    /// Where secrets are kept.
    pub vault: Arc<dyn Vault>,
    /// Clusters that were imported, and consents.
    pub clusters: Arc<dyn Clusters>,
    /// Reads and rewrites kubeconfigs.
    pub kubeconfigs: Arc<dyn Kubeconfigs>,
    /// Reaches clusters, and makes their credentials.
    pub reach: Arc<dyn ClusterReach>,
    /// Looks at what clusters hold.
    pub kube: Arc<dyn Kube>,
    /// Changes what clusters hold.
    pub change: Arc<dyn Change>,
    /// Reaches into what runs in clusters.
    pub inside: Arc<dyn Inside>,
    /// Checks manifests.
    pub manifests: Arc<dyn CheckManifests>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// The program that guards child processes, with its own arguments.
    pub guard: Arc<[String]>,
    /// Where this installation keeps its data.
    pub data_dir: PathBuf,
}

/// Everything a user can do.
#[derive(Debug)]
pub struct App {
    /// Runs tools.
    pub desk: Desk,
    /// Connections.
    pub sessions: Sessions,
    /// Saved servers.
    pub book: ServerBook,
    /// Tools of all servers.
    pub tools: ToolIndex,
    /// What waits for a person.
    pub questions: Questions,
    /// The audit log.
    pub activity: Activity,
    /// The policy.
    pub rules: PolicyBook,
    /// Figures.
    pub measures: Measures,
    /// Clusters that were imported.
    pub clusters: ClusterBook,
    /// Credentials of clusters, for other programs.
    pub credentials: Credentials,
    /// What clusters hold.
    pub kube: Kubernetes,
    /// Drafts of manifests.
    pub drafts: Drafts,
    /// What runs in clusters, reached into: terminals, forwards, single values of Secrets.
    pub inside: InsidePods,
    /// Manifests, checked before anybody sends them.
    pub manifests: Manifests,
    /// Preferences.
    pub prefs: Prefs,
    /// Imports and exports of configuration.
    pub imports: Imports,
    /// Secrets: what is kept, by whom, and the vault itself.
    pub secrets: Secrets,
    /// Templates of servers, built-in and the person's own.
    pub templates: Templates,
    /// Changes to clusters: rehearsed, applied, taken back.
    pub workbench: Workbench,
    data_dir: PathBuf,
    core: Arc<Core>,
    kept: Arc<dyn Kept>,
    ended: OnceCell<()>,
}

impl App {
    /// Opens the app: reads what is kept, and connects nothing yet (see [`Sessions::start_all`]).
    pub async fn open(parts: AppParts) -> Result<Arc<Self>, Fault> {
        let events = Events::new();
        let data_dir = parts.data_dir;
        let desk = DeskState::load(parts.settings.as_ref()).await?;
        let core = Arc::new(Core {
            desk,
            logins: crate::clusters::Logins::default(),
            policy: PolicyState::new(parts.settings.policy().await?),
            ports: Ports {
                audit: parts.audit,
                servers: parts.servers,
                catalogues: parts.catalogues,
                metrics: parts.metrics,
                history: parts.history,
                settings: parts.settings,
                expand: parts.expand,
                redact: parts.redact,
                opener: parts.opener,
                vault: parts.vault,
                clusters: parts.clusters,
                kubeconfigs: parts.kubeconfigs,
                reach: parts.reach,
                kube: parts.kube,
                change: parts.change,
                inside: parts.inside,
                manifests: parts.manifests,
            },
            protocols: Protocols::new(parts.protocols),
            questions: Questions::new(events.clone(), parts.clock.clone()),
            clock: parts.clock,
            guard: parts.guard,
            events,
            door_person: parts.person,
            slots: RwLock::default(),
            lock_bell: crate::credentials::LockBell::default(),
            in_step: tokio::sync::Mutex::default(),
            autostart: AtomicBool::new(false),
            tasks: TaskTracker::new(),
            calls: TaskTracker::new(),
            stop_calls: CancellationToken::new(),
            stop: CancellationToken::new(),
        });
        core.tasks.spawn(core.events.clone().pump(core.stop.clone()));
        core.desk.start(&core);
        core.tasks.spawn(core.clone().watch_vault());
        core.tasks.spawn(core.clone().keep_deadlines());
        core.tasks.spawn(core.clone().keep_forwards());
        core.load_slots().await?;
        Ok(Arc::new(Self {
            desk: Desk::new(core.clone()),
            sessions: Sessions::new(core.clone()),
            book: ServerBook::new(core.clone()),
            tools: ToolIndex::new(core.clone()),
            questions: core.questions.clone(),
            activity: Activity::new(core.clone()),
            rules: PolicyBook::new(core.clone()),
            measures: Measures::new(core.clone()),
            clusters: ClusterBook::new(core.clone()),
            credentials: Credentials::of(&core),
            kube: Kubernetes::new(core.clone()),
            drafts: Drafts::new(core.clone()),
            inside: InsidePods::new(core.clone()),
            manifests: Manifests::new(core.clone()),
            prefs: Prefs::new(core.clone()),
            imports: Imports::new(core.clone(), ServerBook::new(core.clone())),
            secrets: Secrets::new(core.clone()),
            templates: Templates::new(core.clone()),
            workbench: Workbench::new(core.clone()),
            data_dir,
            core,
            kept: parts.kept,
            ended: OnceCell::new(),
        }))
    }

    /// Where this installation keeps its data.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// Opens a page in the person's browser. Only https, and http on this machine; everything else is refused.
    pub async fn open_page(&self, url: &str) -> Result<(), Fault> {
        let url = url::Url::parse(url).map_err(|reason| {
            Fault::new(
                FaultKind::Usage,
                "bad_url",
                Text::new(format!("the page was not opened: {reason}"), format!("页面未打开：{reason}")),
                Text::new("copy the address into your browser", "请将地址复制到浏览器中打开"),
            )
        })?;
        self.core.ports.opener.open(&url).await
    }

    /// What happens from now on.
    pub fn events(&self) -> broadcast::Receiver<AppEvent> {
        self.core.events.subscribe()
    }

    /// Ends everything within ten seconds: calls are cancelled and written down, all sessions are closed at once, and everything
    /// that waits to be written is on the disk. Idempotent; afterwards nothing can be written any more.
    pub async fn shutdown(&self) {
        self.shutdown_within(SESSIONS_END).await;
    }

    /// The same for a process that ends right afterwards: sessions have so long to close. A program that takes longer is left to its
    /// guard, which ends it and all that it started as soon as we are gone.
    pub async fn shutdown_within(&self, sessions: Duration) {
        self.ended.get_or_init(|| self.end(sessions)).await;
    }

    async fn end(&self, sessions: Duration) {
        let core = &self.core;
        let whole = tokio::time::Instant::now() + WHOLE_END;
        core.stop_calls.cancel();
        core.calls.close();
        if tokio::time::timeout(CALLS_END, core.calls.wait()).await.is_err() {
            tracing::warn!(calls = core.calls.len(), "calls did not end in time");
        }
        core.stop.cancel();
        core.tasks.close();
        if tokio::time::timeout(sessions, core.tasks.wait()).await.is_err() {
            tracing::info!(tasks = core.tasks.len(), "connections are left to close without us");
        }
        match tokio::time::timeout_at(whole, self.kept.close()).await {
            Ok(Ok(())) => {}
            Ok(Err(fault)) => tracing::error!(%fault, "what is kept could not be written to its end"),
            Err(_) => tracing::error!("what is kept was not written to its end in time"),
        }
    }
}

impl Drop for App {
    /// Whoever forgets to shut down does not leave programs behind.
    fn drop(&mut self) {
        self.core.stop_calls.cancel();
        self.core.stop.cancel();
    }
}
