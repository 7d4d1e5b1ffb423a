//! Where things are on this machine, and who sits at it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use domain::fault::{Fault, FaultKind};
use domain::text::Text;

/// Reads one variable of the environment.
pub(crate) type Variable<'e> = &'e dyn Fn(&str) -> Option<OsString>;

/// The folders of one installation. All of them belong to their owner only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// Everything below is in here; no tool may see it.
    pub dir: PathBuf,
    /// Servers, rules, the audit log.
    pub store: PathBuf,
    /// Log files.
    pub logs: PathBuf,
    /// What the built-in filesystem server may reach when nobody chose another folder.
    pub scratch: PathBuf,
    /// The person's home.
    pub home: Option<PathBuf>,
}

impl Places {
    /// Finds them: the folder that was given, else `PILOTHOUSE_CONFIG_DIR`, else where this system keeps configuration.
    pub fn find(given: Option<&Path>, var: impl Fn(&str) -> Option<OsString>) -> Result<Self, Fault> {
        let home = home(&var);
        let named = given.map(Path::to_owned).or_else(|| filled(&var, "PILOTHOUSE_CONFIG_DIR").map(PathBuf::from));
        let dir = match named {
            Some(dir) => std::path::absolute(&dir).map_err(|fault| unusable(&dir, &fault.to_string()))?,
            None => usual(&var, home.as_deref()).ok_or_else(nowhere)?,
        };
        Ok(Self { store: dir.join("store"), logs: dir.join("logs"), scratch: dir.join("scratch"), dir, home })
    }

    /// Whether a program that is told nothing finds this very folder.
    pub(crate) fn are_usual(&self) -> bool {
        let var: Variable<'_> = &|name| std::env::var_os(name);
        usual(var, self.home.as_deref()).is_some_and(|dir| dir == self.dir)
    }

    /// Makes them.
    pub(crate) fn make(&self) -> Result<(), Fault> {
        for dir in [&self.dir, &self.store, &self.logs, &self.scratch] {
            make_private(dir).map_err(|fault| unusable(dir, &fault.to_string()))?;
        }
        Ok(())
    }
}

fn filled(var: Variable<'_>, name: &str) -> Option<OsString> {
    var(name).filter(|value| !value.is_empty())
}

/// A variable that names a folder from the root on; the XDG rules say to ignore others.
fn whole(var: Variable<'_>, name: &str) -> Option<PathBuf> {
    filled(var, name).map(PathBuf::from).filter(|path| path.is_absolute())
}

fn home(var: Variable<'_>) -> Option<PathBuf> {
    whole(var, if cfg!(windows) { "USERPROFILE" } else { "HOME" })
}

fn usual(var: Variable<'_>, home: Option<&Path>) -> Option<PathBuf> {
    if cfg!(windows) {
        return whole(var, "APPDATA").map(|dir| dir.join("Pilothouse"));
    }
    if cfg!(target_os = "macos") {
        return home.map(|home| home.join("Library/Application Support/Pilothouse"));
    }
    let config = whole(var, "XDG_CONFIG_HOME").or_else(|| home.map(|home| home.join(".config")));
    config.map(|dir| dir.join("pilothouse"))
}

fn make_private(dir: &Path) -> std::io::Result<()> {
    if !dir.is_dir() {
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(dir)?;
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(dir)?.permissions().mode();
        if mode & 0o077 != 0 {
            std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o700))?;
        }
    }
    Ok(())
}

fn unusable(dir: &Path, why: &str) -> Fault {
    let dir = dir.display();
    Fault::new(
        FaultKind::Config,
        "config_dir_unusable",
        Text::new(format!("the configuration folder {dir} cannot be used: {why}"), format!("无法使用配置目录 {dir}：{why}")),
        Text::new("Choose a folder that you may write to with --config-dir.", "请用 --config-dir 指定一个您可写入的目录。"),
    )
    .with_params(serde_json::json!({ "dir": dir.to_string() }))
}

fn nowhere() -> Fault {
    Fault::new(
        FaultKind::Config,
        "no_config_dir",
        Text::new(
            "there is no place for the configuration: the environment names no home folder",
            "没有存放配置的位置：环境中未指定主目录",
        ),
        Text::new("Set HOME, or name a folder with --config-dir.", "请设置 HOME，或用 --config-dir 指定一个目录。"),
    )
}

/// The kubeconfigs that `kubectl` reads when it is told nothing: those of `KUBECONFIG`, else the one in the home folder.
pub fn usual_kubeconfigs() -> Vec<PathBuf> {
    kubeconfigs_of(&|name| std::env::var_os(name))
}

fn kubeconfigs_of(var: Variable<'_>) -> Vec<PathBuf> {
    match filled(var, "KUBECONFIG") {
        Some(list) => std::env::split_paths(&list).filter(|path| !path.as_os_str().is_empty()).collect(),
        None => home(var).map(|home| home.join(".kube/config")).into_iter().collect(),
    }
}

/// Who sits at this machine, as far as it says: what an audit row calls the actor.
pub fn user_name() -> String {
    name_of(&|name| std::env::var_os(name))
}

fn name_of(var: Variable<'_>) -> String {
    ["USER", "LOGNAME", "USERNAME"]
        .into_iter()
        .find_map(|name| filled(var, name)?.into_string().ok())
        .or_else(own_uid)
        .unwrap_or_else(|| "unknown".into())
}

/// The number, where a service or a container has no name for it.
fn own_uid() -> Option<String> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        std::fs::metadata("/proc/self").ok().map(|meta| format!("uid {}", meta.uid()))
    }
    #[cfg(not(unix))]
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &'static [(&'static str, &'static str)]) -> impl Fn(&str) -> Option<OsString> {
        move |name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value))
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_folder_is_the_one_given_else_the_environments_else_the_usual() {
        let dir = |given: Option<&str>, pairs| Places::find(given.map(Path::new), env(pairs)).map(|places| places.dir);
        assert_eq!(dir(Some("/given"), &[("PILOTHOUSE_CONFIG_DIR", "/env"), ("HOME", "/h")]), Ok("/given".into()));
        assert_eq!(dir(None, &[("PILOTHOUSE_CONFIG_DIR", "/env"), ("HOME", "/h")]), Ok("/env".into()));
        assert_eq!(dir(None, &[("XDG_CONFIG_HOME", "/xdg"), ("HOME", "/h")]), Ok("/xdg/pilothouse".into()));
        assert_eq!(dir(None, &[("XDG_CONFIG_HOME", "relative"), ("HOME", "/h")]), Ok("/h/.config/pilothouse".into()));
        assert_eq!(dir(None, &[("XDG_CONFIG_HOME", ""), ("HOME", "/h")]), Ok("/h/.config/pilothouse".into()));
        assert_eq!(dir(None, &[]).unwrap_err().code, "no_config_dir");
        let here = std::env::current_dir().unwrap();
        assert_eq!(dir(Some("sub"), &[]), Ok(here.join("sub")), "a relative one starts here");
    }

    #[cfg(unix)]
    #[test]
    fn the_folders_belong_to_their_owner_only_and_a_file_in_their_place_is_a_fault() {
        use std::os::unix::fs::PermissionsExt;
        let tmp = tempfile::tempdir().unwrap();
        let places = Places::find(Some(&tmp.path().join("a/b")), env(&[])).unwrap();
        places.make().unwrap();
        for dir in [&places.dir, &places.store, &places.logs, &places.scratch] {
            assert_eq!(std::fs::metadata(dir).unwrap().permissions().mode() & 0o777, 0o700, "{}", dir.display());
        }
        let file = tmp.path().join("file");
        std::fs::write(&file, "").unwrap();
        let fault = Places::find(Some(&file), env(&[])).unwrap().make().unwrap_err();
        assert_eq!(fault.code, "config_dir_unusable");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn kubeconfigs_are_those_that_kubectl_would_read() {
        let read = |pairs| kubeconfigs_of(&env(pairs));
        assert_eq!(read(&[("HOME", "/h")]), [Path::new("/h/.kube/config")]);
        assert_eq!(read(&[("HOME", "/h"), ("KUBECONFIG", "")]), [Path::new("/h/.kube/config")]);
        assert_eq!(read(&[("HOME", "/h"), ("KUBECONFIG", "/a::b")]), [Path::new("/a"), Path::new("b")]);
    }

    #[test]
    fn the_actor_is_whom_the_environment_names() {
        assert_eq!(name_of(&env(&[("USER", "ann"), ("LOGNAME", "x")])), "ann");
        assert_eq!(name_of(&env(&[("USER", ""), ("LOGNAME", "ben")])), "ben");
        assert!(!name_of(&env(&[])).is_empty());
    }
}
