//! Where the socket lies: in a folder that nobody else can enter, under a name that belongs to one configuration folder.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::places::Variable;

/// What fits into `sockaddr_un` with the zero at its end: 108 on Linux, 104 elsewhere.
const LONGEST: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

/// A place that a door can have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// The folder.
    pub(super) folder: PathBuf,
    /// The socket's name in it.
    pub(super) name: String,
}

impl Place {
    /// The socket's whole path.
    pub(super) fn path(&self) -> PathBuf {
        self.folder.join(&self.name)
    }

    /// Makes the folder, where it is missing, and sees to it that it is ours alone.
    pub(super) fn make(&self) -> io::Result<()> {
        match std::fs::DirBuilder::new().mode(0o700).create(&self.folder) {
            Ok(()) => {}
            Err(fault) if fault.kind() == io::ErrorKind::AlreadyExists => {}
            Err(fault) => return Err(fault),
        }
        let meta = std::fs::symlink_metadata(&self.folder)?;
        if !meta.is_dir() || meta.uid() != own_uid() {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, "it is not a folder of this user"));
        }
        if meta.mode() & 0o077 != 0 {
            std::fs::set_permissions(&self.folder, std::fs::Permissions::from_mode(0o700))?;
        }
        Ok(())
    }

    /// Whether the folder is there and belongs to us alone.
    pub(super) fn is_ours(&self) -> bool {
        std::fs::symlink_metadata(&self.folder).is_ok_and(|meta| meta.is_dir() && meta.uid() == own_uid() && meta.mode() & 0o777 == 0o700)
    }

    /// A path to a name in the folder that is short enough for a socket, and what must stay open while it is used.
    pub(super) fn short(&self, name: &str) -> io::Result<(PathBuf, Option<File>)> {
        let whole = self.folder.join(name);
        if whole.as_os_str().as_bytes().len() <= LONGEST {
            return Ok((whole, None));
        }
        if cfg!(target_os = "linux") {
            use std::os::fd::AsRawFd as _;
            let folder = File::open(&self.folder)?;
            return Ok((PathBuf::from(format!("/proc/self/fd/{}/{name}", folder.as_raw_fd())), Some(folder)));
        }
        Err(io::Error::new(io::ErrorKind::InvalidFilename, "its path is too long for a socket"))
    }
}

/// Every place that the door of this configuration can have, the best first. None when the configuration folder is not there.
pub(super) fn places(config: &Path, var: impl Fn(&str) -> Option<OsString>) -> Vec<Place> {
    let Ok(config) = std::fs::canonicalize(config) else { return Vec::new() };
    let hash = Sha256::digest(config.as_os_str().as_bytes());
    let name = format!("{}.sock", domain::tool::hex(hash.get(..12).unwrap_or_default()));
    let in_runtime = runtime(&var).map(|dir| Place { folder: dir.join("pilothouse"), name: name.clone() });
    in_runtime.into_iter().chain([Place { folder: config.join("run"), name }]).collect()
}

/// The session's folder for sockets, when it is ours: `sudo` may have left us somebody else's.
fn runtime(var: Variable<'_>) -> Option<PathBuf> {
    let dir = var("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|dir| dir.is_absolute())?;
    let meta = std::fs::metadata(&dir).ok()?;
    (meta.is_dir() && meta.uid() == own_uid()).then_some(dir)
}

/// Who we are to the system.
pub(super) fn own_uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_configurations_never_have_one_door_and_one_has_it_by_whatever_path() {
        let tmp = tempfile::tempdir().unwrap();
        let at = |name: &str| tmp.path().canonicalize().unwrap().join(name);
        for dir in ["a", "b", "runtime"] {
            std::fs::create_dir(at(dir)).unwrap();
        }
        std::os::unix::fs::symlink(at("a"), at("link")).unwrap();
        let runtime = at("runtime").into_os_string();
        let there = |dir: &str| places(&at(dir), |name| (name == "XDG_RUNTIME_DIR").then(|| runtime.clone()));
        assert_eq!(there("a"), there("link"));
        assert_ne!(there("a")[0].name, there("b")[0].name);
        assert_eq!(there("a").iter().map(|place| place.folder.clone()).collect::<Vec<_>>(), [at("runtime/pilothouse"), at("a/run")]);
        assert_eq!(there("nothing"), []);
        for foreign in ["relative", "/nowhere/at/all", "/etc/passwd"] {
            let found = places(&at("a"), |_| Some(foreign.into()));
            assert_eq!(found.iter().map(|place| place.folder.clone()).collect::<Vec<_>>(), [at("a/run")], "{foreign}");
        }
    }

    #[test]
    fn the_folder_is_made_ours_alone_and_a_link_in_its_place_is_refused() {
        let tmp = tempfile::tempdir().unwrap();
        let place = Place { folder: tmp.path().join("run"), name: "s".into() };
        assert!(!place.is_ours());
        place.make().unwrap();
        assert!(place.is_ours());
        std::fs::set_permissions(&place.folder, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert!(!place.is_ours(), "others could come in");
        place.make().unwrap();
        assert!(place.is_ours());
        let link = Place { folder: tmp.path().join("link"), name: "s".into() };
        std::os::unix::fs::symlink(&place.folder, &link.folder).unwrap();
        assert!(link.make().is_err() && !link.is_ours());
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_path_of_any_length_can_be_listened_at_and_reached() {
        let tmp = tempfile::tempdir().unwrap();
        let folder = tmp.path().join("d".repeat(200));
        let place = Place { folder, name: "s".into() };
        place.make().unwrap();
        let (path, _open) = place.short("s").unwrap();
        let listener = tokio::net::UnixListener::bind(path).unwrap();
        assert!(place.path().exists());
        let (path, _open) = place.short("s").unwrap();
        let (one, other) = tokio::join!(listener.accept(), tokio::net::UnixStream::connect(path));
        assert!(one.is_ok() && other.is_ok());
    }
}
