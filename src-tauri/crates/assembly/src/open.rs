//! Opens the app out of the leaves.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use app::{App, AppParts};
use cluster::validate::Checker;
use cluster::{Changes, Helper, Insides, KubeFiles, Look, Reach, ReachParts};
use domain::fault::{Fault, FaultKind};
use domain::id::Clock;
use domain::person::Person;
use domain::ports::{Opener, Settings as _};
use domain::text::Text;

use domain::vault::{IDLE_MINUTES, Vault, VaultKind, idle_of};
use protocols::guard::Errands;
use secrets::{Cost, EnvExpand, Keyring, NoKeyring, OsKeyring, PassphraseSource, Redactor, SealedVault, VaultParts};
use store::Store;
use tokio_util::task::TaskTracker;
use toolbox::{Clustering, Toolbox};

use crate::{Browser, Places, SystemClock, first_run, logging};

/// How to open. What is absent is taken from this machine.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The configuration folder.
    pub config_dir: Option<PathBuf>,
    /// Who is asked; none: questions wait until the window answers.
    pub person: Option<Arc<dyn Person>>,
    /// The browser.
    pub opener: Option<Arc<dyn Opener>>,
    /// Time.
    pub clock: Option<Arc<dyn Clock>>,
    /// The program that guards child processes, with its own arguments; else this very program.
    pub guard: Option<Arc<[String]>>,
    /// Whether log files are written, where the door has not set up logging of its own.
    pub log: bool,
    /// The kind of vault that this run insists on; else what was chosen.
    pub vault: Option<VaultKind>,
    /// Where the vault's passphrase comes from; else it is locked until somebody gives one.
    pub passphrase: Option<PassphraseSource>,
    /// Under which service the keyring's entries stand; empty: no keyring is used.
    pub keyring: Option<String>,
    /// What a new passphrase costs; tests make it cheap.
    pub cost: Option<Cost>,
    /// What a person must be told once it is open: that the store could not be read, and what took its place.
    pub notice: Arc<OnceLock<Notice>>,
}

/// What a person must be told before they go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// What happened, and what was kept where.
    pub message: Text,
    /// What can be done about it.
    pub hint: Text,
}

impl Options {
    /// For the window.
    pub fn for_window() -> Self {
        Self { log: true, ..Self::default() }
    }

    /// For the terminal.
    pub fn for_cli(config_dir: Option<PathBuf>, person: Arc<dyn Person>) -> Self {
        Self { config_dir, person: Some(person), log: true, ..Self::default() }
    }
}

/// Opens the app. Connects nothing and starts nothing: a saved server is reached when somebody wants it.
pub async fn open(options: Options) -> Result<Arc<App>, Fault> {
    let places = Places::find(options.config_dir.as_deref(), |name| std::env::var_os(name))?;
    places.make()?;
    let redactor = Arc::new(Redactor::default());
    if options.log {
        logging::start(&places.logs, redactor.clone());
    }
    // Another part of the process may have installed one already; one is all that is needed.
    let _ = rustls::crypto::ring::default_provider().install_default();

    let clock = options.clock.unwrap_or_else(|| Arc::new(SystemClock));
    let store = Arc::new(Store::open(&places.store, clock.clone()).await?);
    if let Some(loss) = store.loss() {
        let notice = Notice { message: loss.text(), hint: loss.hint() };
        tracing::error!(reason = notice.message.en, "a store that could not be read");
        let _ = options.notice.set(notice);
    }
    if options.log
        && let Some(level) = store.get("pref:log_level").await?
    {
        logging::set_level(level.as_str().unwrap_or_default());
    }
    first_run::seed(&*store, &*store, &*clock).await?;

    let choice = VaultChoice { kind: options.vault, passphrase: options.passphrase, keyring: options.keyring, cost: options.cost };
    let vault = vault(&store, &clock, &redactor, choice).await?;
    let guard = match options.guard {
        Some(guard) => guard,
        None => own_guard()?,
    };
    let helper = Helper {
        program: guard.first().cloned().unwrap_or_default(),
        config_dir: (!places.are_usual()).then(|| places.dir.display().to_string()),
    };
    let reach = Arc::new(reach(&vault, &redactor, &clock, guard.clone()).resting_in(store.clone()));
    let look = Arc::new(Look::new(reach.clone()));
    let places_of_tools = toolbox::Places { scratch: places.scratch.clone(), home: places.home.clone(), private: vec![places.dir.clone()] };
    let change = Arc::new(Changes::new(reach.clone(), store.clone(), vault.clone(), clock.clone()));
    let checker = Arc::new(Checker::new(reach.clone()).heeding(store.clone()));
    let inside = Arc::new(Insides::new(look.clone()));
    let clustering = Clustering {
        kube: look.clone(),
        change: Some(change.clone()),
        manifests: Some(checker.clone()),
        inside: Some(inside.clone()),
        clusters: store.clone(),
        clock: clock.clone(),
    };
    let local = Toolbox::new(places_of_tools).with_clusters(clustering);
    App::open(AppParts {
        manifests: checker,
        reach,
        kube: look,
        change,
        inside,
        clusters: store.clone(),
        kubeconfigs: Arc::new(KubeFiles::new(helper, std::env::var_os("PATH"))),
        protocols: protocols::registry(Arc::new(local)),
        audit: store.clone(),
        servers: store.clone(),
        catalogues: store.clone(),
        metrics: store.clone(),
        history: store.clone(),
        settings: store.clone(),
        kept: store,
        expand: Arc::new(EnvExpand::new(variable).teaching(redactor.clone()).opening(vault.clone())),
        redact: redactor,
        person: options.person,
        vault,
        opener: options.opener.unwrap_or_else(|| Arc::new(Browser::default())),
        clock,
        guard,
        data_dir: places.dir,
    })
    .await
}

/// What reaches clusters. Connects nothing.
pub(crate) fn reach(vault: &Arc<dyn Vault>, redactor: &Arc<Redactor>, clock: &Arc<dyn Clock>, guard: Arc<[String]>) -> Reach {
    let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
    Reach::new(ReachParts {
        vault: vault.clone(),
        run: Arc::new(Errands::new(guard, TaskTracker::new())),
        redact: redactor.clone(),
        clock: clock.clone(),
        env: Arc::new(std::env::vars_os().filter_map(text).collect::<BTreeMap<_, _>>()),
        plugin_patience: Reach::PLUGIN_PATIENCE,
    })
}

/// The app's id: under it the keyring's entries stand. Builds for development have entries of their own.
const SERVICE: &str = if cfg!(debug_assertions) { "dev.pilothouse.desktop.dev" } else { "dev.pilothouse.desktop" };

/// The vault. Reads one row; the keyring is reached when a secret is first needed.
pub(crate) async fn vault(
    store: &Arc<Store>,
    clock: &Arc<dyn Clock>,
    redactor: &Arc<Redactor>,
    wanted: VaultChoice,
) -> Result<Arc<dyn Vault>, Fault> {
    let service = wanted.keyring.or_else(|| variable("PILOTHOUSE_KEYRING_SERVICE")).unwrap_or_else(|| SERVICE.to_owned());
    let keyring: Box<dyn Keyring> = if service.is_empty() { Box::new(NoKeyring) } else { Box::new(OsKeyring::new(service)) };
    let vault = SealedVault::over(VaultParts {
        rows: store.clone(),
        clock: clock.clone(),
        redact: redactor.clone(),
        keyring,
        cost: wanted.cost.unwrap_or_default(),
        kit_work: None,
        wanted: wanted.kind,
        passphrase: wanted.passphrase,
    })
    .await?;
    vault.set_idle(idle_of(store.get(&format!("pref:{IDLE_MINUTES}")).await?.as_ref()));
    Ok(Arc::new(vault))
}

pub(crate) struct VaultChoice {
    pub(crate) kind: Option<VaultKind>,
    pub(crate) passphrase: Option<PassphraseSource>,
    pub(crate) keyring: Option<String>,
    pub(crate) cost: Option<Cost>,
}

fn variable(name: &str) -> Option<String> {
    std::env::var_os(name)?.into_string().ok()
}

pub(crate) fn own_guard() -> Result<Arc<[String]>, Fault> {
    let exe = std::env::current_exe().map_err(|fault| no_guard(&fault.to_string()))?;
    let exe = guard_beside(exe, Path::is_file).into_os_string().into_string().map_err(|_| no_guard("its path is not Unicode"))?;
    Ok([exe, protocols::guard::WORD.to_owned()].into())
}

/// `pilot`, where it lies beside this program: it is the same guard, without the window's libraries in each of its processes.
fn guard_beside(exe: PathBuf, there: impl Fn(&Path) -> bool) -> PathBuf {
    let pilot = exe.with_file_name(format!("pilot{}", std::env::consts::EXE_SUFFIX));
    if there(&pilot) { pilot } else { exe }
}

fn no_guard(why: &str) -> Fault {
    Fault::new(
        FaultKind::Internal,
        "no_own_program",
        Text::new(format!("Pilothouse could not find its own program file: {why}"), format!("Pilothouse 找不到自身的程序文件：{why}")),
        Text::new(
            "Install it in a folder whose path is Unicode, then start it again.",
            "请将其安装到路径为 Unicode 的目录，然后重新启动。",
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn the_guard_is_pilot_beside_the_window_else_this_very_program() {
        for (exe, there, chosen) in [
            ("/opt/ph/pilothouse", true, "/opt/ph/pilot"),
            ("/opt/ph/pilothouse", false, "/opt/ph/pilothouse"),
            ("/opt/ph/pilot", true, "/opt/ph/pilot"),
            ("/opt/ph/pilot", false, "/opt/ph/pilot"),
        ] {
            let asked = |path: &Path| {
                assert_eq!(path, Path::new("/opt/ph/pilot"), "nowhere else, least of all in PATH");
                there
            };
            assert_eq!(guard_beside(exe.into(), asked), Path::new(chosen), "{exe} {there}");
        }
    }
}
