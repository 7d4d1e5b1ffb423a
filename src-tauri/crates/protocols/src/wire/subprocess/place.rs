//! What a program is given of our surroundings, and where it is found.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use domain::child_env;
use domain::fault::ServerFault;
use tokio::sync::OnceCell;
use tokio_util::task::TaskTracker;

use super::{Settings, login};
use crate::guard::Spec;

/// What a tool server gets of our surroundings beside what every program gets. Everything else has to be declared.
const FURTHER: [&str; 16] = [
    "SHELL",
    "LANGUAGE",
    "TMP",
    "TEMP",
    "XDG_RUNTIME_DIR",
    "XDG_CONFIG_HOME",
    "XDG_CACHE_HOME",
    "XDG_DATA_HOME",
    "XDG_STATE_HOME",
    "NODE_EXTRA_CA_CERTS",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "SYSTEMROOT",
    "APPDATA",
    "LOCALAPPDATA",
    "PATHEXT",
];

pub(super) fn is_kept(name: &str) -> bool {
    child_env::is_plain(name) || FURTHER.contains(&name)
}

/// Whether a folder is named from the top, the home included.
pub(super) fn is_whole(folder: &str) -> bool {
    Path::new(folder).is_absolute() || folder == "~" || folder.starts_with("~/")
}

/// Our own environment, and the PATH of the person's login shell, asked for once.
pub(super) struct Surroundings {
    env: BTreeMap<String, String>,
    login_path: OnceCell<Option<String>>,
}

impl std::fmt::Debug for Surroundings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Surroundings").field("login_path", &self.login_path).finish_non_exhaustive()
    }
}

impl Surroundings {
    /// What this process was started with. What is no text is left out.
    pub(super) fn of_this_process() -> Self {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
        Self::of(std::env::vars_os().filter_map(text).collect())
    }

    pub(super) fn of(env: BTreeMap<String, String>) -> Self {
        Self { env, login_path: OnceCell::new() }
    }

    /// A shell on a terminal started us, so that PATH is already what the person works with.
    fn has_terminal(&self) -> bool {
        self.env.contains_key("SHLVL") && self.env.get("TERM").is_some_and(|term| term != "dumb")
    }

    fn home(&self, text: &str) -> String {
        match (self.env.get("HOME"), text.strip_prefix('~')) {
            (Some(home), Some(rest)) if rest.is_empty() || rest.starts_with('/') => format!("{home}{rest}"),
            _ => text.to_owned(),
        }
    }

    /// What is to be started, exactly. Finds the program, so that a fault names what was looked for and where.
    pub(super) async fn spec(&self, settings: &Settings, guard: &[String], tasks: &TaskTracker) -> Result<Spec, ServerFault> {
        let mut env: BTreeMap<String, String> = self
            .env
            .iter()
            .filter(|(name, _)| is_kept(name) || settings.inherit_env.contains(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        env.extend(settings.env.iter().map(|(name, value)| (name.clone(), value.expose().to_owned())));
        let cwd = settings.cwd.as_ref().map(|cwd| self.home(cwd));
        let command = self.home(&settings.command);

        let declared = settings.env.contains_key("PATH");
        let mut asked = false;
        if !declared && !self.has_terminal() {
            asked = true;
            self.widen(&mut env, guard, tasks).await;
        }
        let mut found = find(&command, cwd.as_deref(), env.get("PATH").map(String::as_str));
        // On a terminal too: a program that only the login shell knows is better found than not.
        if found.is_err() && !declared && !asked && !command.contains('/') && self.widen(&mut env, guard, tasks).await {
            found = find(&command, cwd.as_deref(), env.get("PATH").map(String::as_str));
        }
        let program = found.map_err(|(program, mut reason)| {
            if settings.args.is_empty() && command.contains(' ') && !command.contains('/') {
                reason.push_str("; `command` names the program alone, its arguments go into `args`");
            }
            ServerFault::SpawnFailed { program, reason }
        })?;
        Ok(Spec { program, args: settings.args.clone(), cwd, env, limits: settings.limits() })
    }

    /// Puts the login shell's PATH before ours. Says whether there was one.
    async fn widen(&self, env: &mut BTreeMap<String, String>, guard: &[String], tasks: &TaskTracker) -> bool {
        let login = self.login_path.get_or_init(|| login::path(&self.env, guard, tasks)).await;
        let Some(login) = login else { return false };
        let ours = env.get("PATH").cloned().unwrap_or_default();
        env.insert("PATH".into(), joined(login, &ours));
        true
    }
}

/// Two PATHs as one: the first's folders, then what only the second has. Relative folders are left out.
fn joined(first: &str, second: &str) -> String {
    let mut folders: Vec<&str> = Vec::new();
    for folder in first.split(':').chain(second.split(':')) {
        if folder.starts_with('/') && !folders.contains(&folder) {
            folders.push(folder);
        }
    }
    folders.join(":")
}

/// The program's whole path, or what was looked for and why it cannot be started.
fn find(command: &str, cwd: Option<&str>, path: Option<&str>) -> Result<String, (String, String)> {
    if command.contains('/') {
        let program = match cwd {
            Some(cwd) if !command.starts_with('/') => Path::new(cwd).join(command),
            _ => PathBuf::from(command),
        };
        let program = std::path::absolute(&program).unwrap_or(program);
        let shown = program.display().to_string();
        return match unfit(&program) {
            None => Ok(shown),
            Some(reason) => Err((shown, reason)),
        };
    }
    let path = path.unwrap_or_default();
    let mut near_miss = None;
    for folder in path.split(':').filter(|folder| folder.starts_with('/')) {
        let program = Path::new(folder).join(command);
        let Some(reason) = unfit(&program) else { return Ok(program.display().to_string()) };
        if program.exists() {
            near_miss.get_or_insert((program.display().to_string(), reason));
        }
    }
    Err(near_miss.unwrap_or_else(|| {
        let places = if path.is_empty() { "PATH is empty".to_owned() } else { format!("looked in {path}") };
        (command.to_owned(), format!("there is no program of this name; {places}"))
    }))
}

/// Why a file cannot be started, if it cannot.
fn unfit(program: &Path) -> Option<String> {
    let meta = match std::fs::metadata(program) {
        Ok(meta) => meta,
        Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => return Some("there is no such file".into()),
        Err(fault) => return Some(fault.to_string()),
    };
    if meta.is_dir() {
        return Some("it is a folder".into());
    }
    if !meta.is_file() {
        return Some("it is no regular file".into());
    }
    #[cfg(unix)]
    if std::os::unix::fs::PermissionsExt::mode(&meta.permissions()) & 0o111 == 0 {
        return Some("it is not executable (chmod +x)".into());
    }
    None
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn c17_what_cannot_be_started_is_named_with_its_whole_path_and_the_reason() {
        let keep = tempfile::tempdir().unwrap();
        let folder = keep.path().display().to_string();
        let file = |name: &str, mode: u32| {
            let path = keep.path().join(name);
            std::fs::write(&path, "#!/bin/sh\n").unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        file("plain", 0o644);
        file("run me 雪\nnow", 0o755);
        std::fs::create_dir(keep.path().join("sub")).unwrap();
        let find = |command: &str, cwd: Option<&str>| find(command, cwd, Some(&format!("relative::{folder}")));

        assert_eq!(find("run me 雪\nnow", None), Ok(format!("{folder}/run me 雪\nnow")));
        assert_eq!(find("./run me 雪\nnow", Some(&folder)), Ok(format!("{folder}/run me 雪\nnow")), "relative to where it starts");
        for (command, program, reason) in [
            ("plain", format!("{folder}/plain"), "not executable"),
            ("sub", format!("{folder}/sub"), "a folder"),
            ("nothing", "nothing".into(), "looked in relative::"),
            ("/nothing/here", "/nothing/here".into(), "no such file"),
            ("/dev/null", "/dev/null".into(), "no regular file"),
        ] {
            let (named, why) = find(command, None).unwrap_err();
            assert!(named == program && why.contains(reason), "{command}: {named}: {why}");
        }
    }

    #[test]
    fn the_login_shells_folders_go_first_and_none_twice_and_none_relative() {
        assert_eq!(joined("/home/me/.nvm/bin:/usr/bin:.", "/usr/bin::/bin:bin"), "/home/me/.nvm/bin:/usr/bin:/bin");
    }

    #[tokio::test]
    async fn c19_a_program_gets_the_few_variables_and_the_declared_ones() {
        let ours = [
            ("PATH", "/bin"),
            ("HOME", "/h"),
            ("LC_ALL", "C"),
            ("AWS_SECRET_ACCESS_KEY", "x"),
            ("KUBECONFIG", "/k"),
            ("SHLVL", "1"),
            ("TERM", "xterm"),
        ];
        let surroundings = Surroundings::of(ours.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect());
        let settings: Settings =
            serde_json::from_value(serde_json::json!({ "command": "/bin/sh", "cwd": "~/x", "env": { "A": "1", "LC_ALL": "de" }, "inherit_env": ["KUBECONFIG", "NOT_SET"] })).unwrap();
        let spec = surroundings.spec(&settings, &[], &TaskTracker::new()).await.unwrap();
        let env: Vec<_> = spec.env.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(env, ["A=1", "HOME=/h", "KUBECONFIG=/k", "LC_ALL=de", "PATH=/bin"]);
        assert_eq!(spec.cwd.as_deref(), Some("/h/x"));
    }
}
