//! The folders that the tools may reach, and the only way to reach something in them.
//!
//! **Invariant:** a path is settled in two steps: first read (links included) beneath the root's handle to learn its plain spelling, then
//! walked again folder by folder, each opened from the one before without following links. Only what the second walk opened is used, so
//! that something exchanged between the two is refused instead of followed.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use cap_fs_ext::{DirExt, FollowSymlinks, MetadataExt, OpenOptionsFollowExt, OpenOptionsSyncExt};
use cap_std::ambient_authority;
use cap_std::fs::{Dir, File, FileType, Metadata, OpenOptions};
use domain::fault::ServerFault;

use super::fault::{Doing, FsFault};
use super::path;

/// So many links are followed before we believe in a loop.
const LINKS: usize = 8;

/// Which file it is, whatever it is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    fn of(meta: &Metadata) -> Self {
        Self { device: meta.dev(), inode: meta.ino() }
    }
}

/// One root.
#[derive(Debug)]
struct Root {
    /// As the person named it.
    named: PathBuf,
    /// As the system knows it.
    real: PathBuf,
    dir: Dir,
    identity: Identity,
}

/// All roots.
#[derive(Debug)]
pub(super) struct Roots {
    roots: Vec<Root>,
    private: Vec<PathBuf>,
}

/// A folder that was reached.
#[derive(Debug)]
pub(super) struct Folder {
    /// Its handle.
    pub dir: Dir,
    /// Its whole path, for people.
    pub shown: PathBuf,
    device: u64,
}

/// A name in a folder that was reached; there may be nothing under it yet.
#[derive(Debug)]
pub(super) struct Entry {
    /// The folder.
    pub folder: Folder,
    /// The name.
    pub name: OsString,
    /// What is under it, a link not followed.
    pub meta: Option<Metadata>,
}

impl Entry {
    /// Its whole path, for people.
    pub(super) fn shown(&self) -> PathBuf {
        self.folder.shown.join(&self.name)
    }
}

/// What sort of thing something is, in a word.
pub(super) fn kind(kind: FileType) -> &'static str {
    #[cfg(unix)]
    {
        use cap_std::fs::FileTypeExt;
        if kind.is_fifo() {
            return "named pipe";
        }
        if kind.is_socket() {
            return "socket";
        }
        if kind.is_block_device() || kind.is_char_device() {
            return "device";
        }
    }
    if kind.is_file() {
        "file"
    } else if kind.is_dir() {
        "folder"
    } else if kind.is_symlink() {
        "symbolic link"
    } else {
        "something else"
    }
}

impl Roots {
    /// Opens each folder once. `scratch` may lie in private data, because the app itself chose it.
    pub(super) fn open(folders: &[PathBuf], private: &[PathBuf], scratch: Option<&Path>) -> Result<Self, ServerFault> {
        let unfit = |folder: &Path, reason: String| ServerFault::Settings {
            field: "roots".into(),
            reason: format!("{} {reason}", folder.display()),
        };
        let mut roots = Vec::with_capacity(folders.len());
        for folder in folders {
            let opened = || -> io::Result<_> {
                let dir = Dir::open_ambient_dir(folder, ambient_authority())?;
                let meta = dir.dir_metadata()?;
                Ok((std::fs::canonicalize(folder)?, dir, meta))
            };
            let (real, dir, meta) = opened().map_err(|fault| unfit(folder, format!("cannot be opened: {fault}")))?;
            if !is_storage(&dir) {
                return Err(unfit(folder, "lies on a virtual file system of the kernel".into()));
            }
            let within = |private: &PathBuf| std::fs::canonicalize(private).is_ok_and(|private| real.starts_with(private));
            if scratch != Some(folder.as_path()) && private.iter().any(within) {
                return Err(unfit(folder, "belongs to Pilothouse's own data".into()));
            }
            roots.push(Root { named: folder.clone(), real, dir, identity: Identity::of(&meta) });
        }
        if roots.is_empty() {
            return Err(ServerFault::Settings { field: "roots".into(), reason: "no folder is named".into() });
        }
        Ok(Self { roots, private: private.to_vec() })
    }

    /// Whether every root is still the folder that was opened.
    pub(super) fn still_there(&self) -> Result<(), ServerFault> {
        for root in &self.roots {
            let now = Dir::open_ambient_dir(&root.named, ambient_authority()).and_then(|dir| dir.dir_metadata());
            let reason = match now {
                Ok(meta) if Identity::of(&meta) == root.identity => continue,
                Ok(_) => "another folder stands in its place; reconnect to use that one".to_owned(),
                Err(fault) => fault.to_string(),
            };
            return Err(ServerFault::Unreachable { peer: root.named.display().to_string(), reason });
        }
        Ok(())
    }

    /// Reaches a folder.
    pub(super) fn folder(&self, text: &str) -> Result<Folder, FsFault> {
        let (root, below) = self.locate(text)?;
        if below.as_os_str().is_empty() {
            return self.top(root, text, Doing::Listing);
        }
        let entry = self.settle(root, below, text, Doing::Listing)?;
        let Some(meta) = &entry.meta else { return Err(FsFault::NotFound { path: text.into() }) };
        if !meta.is_dir() {
            return Err(FsFault::WrongKind { path: text.into(), is: kind(meta.file_type()), wanted: "folder" });
        }
        self.enter(&entry.folder, &entry.name, text, Doing::Listing)
    }

    /// Reaches a name, whether or not something is there. Missing folders on the way are made when `make` says so.
    pub(super) fn entry(&self, text: &str, doing: Doing, make: bool) -> Result<Entry, FsFault> {
        let (root, below) = self.locate(text)?;
        if below.as_os_str().is_empty() {
            return Err(FsFault::WrongKind { path: text.into(), is: "folder", wanted: "file" });
        }
        // A trailing separator means a folder, and a file is wanted.
        if text.ends_with(['/', std::path::MAIN_SEPARATOR]) {
            return Err(FsFault::WrongKind { path: text.into(), is: "folder", wanted: "file" });
        }
        if make {
            self.make_parents(root, &below, text)?;
        }
        self.settle(root, below, text, doing)
    }

    /// Opens a regular file for reading and says what it turned out to be.
    pub(super) fn read(&self, text: &str) -> Result<(File, Metadata, PathBuf), FsFault> {
        let entry = self.entry(text, Doing::Reading, false)?;
        let shown = entry.shown();
        let (file, meta) = open_file(&entry, text)?;
        Ok((file, meta, shown))
    }

    /// Opens a folder in a folder without following a link.
    pub(super) fn enter(&self, folder: &Folder, name: &std::ffi::OsStr, text: &str, doing: Doing) -> Result<Folder, FsFault> {
        let dir = folder.dir.open_dir_nofollow(name).map_err(|fault| exchanged(text, doing, &fault))?;
        let meta = dir.dir_metadata().map_err(|fault| FsFault::io(text, doing, &fault))?;
        let identity = Identity::of(&meta);
        if self.is_private(identity) {
            return Err(FsFault::Private { path: text.into() });
        }
        if identity.device != folder.device && !is_storage(&dir) {
            return Err(FsFault::NotStorage { path: text.into() });
        }
        Ok(Folder { dir, shown: folder.shown.join(name), device: identity.device })
    }

    /// Which root a path is beneath, and the names from there.
    fn locate(&self, text: &str) -> Result<(&Root, PathBuf), FsFault> {
        if let Some(rule) = path::unfit(text, cfg!(windows)) {
            return Err(FsFault::BadPath { path: text.into(), rule });
        }
        let asked = Path::new(text);
        let outside =
            || FsFault::OutsideRoots { path: text.into(), roots: self.roots.iter().map(|root| root.named.display().to_string()).collect() };
        let (root, below) = if asked.has_root() || asked.is_absolute() {
            let beneath =
                |root: &Root| asked.strip_prefix(&root.named).or_else(|_| asked.strip_prefix(&root.real)).ok().map(Path::to_owned);
            // Of roots inside one another, the innermost.
            self.roots
                .iter()
                .filter_map(|root| Some((root, beneath(root)?)))
                .min_by_key(|(_, below)| below.components().count())
                .ok_or_else(outside)?
        } else {
            (self.roots.first().ok_or_else(outside)?, asked.to_owned())
        };
        let below = path::names(&below).ok_or_else(outside)?;
        Ok((root, below))
    }

    fn top(&self, root: &Root, text: &str, doing: Doing) -> Result<Folder, FsFault> {
        if self.is_private(root.identity) && !self.private.is_empty() {
            return Err(FsFault::Private { path: text.into() });
        }
        let dir = root.dir.try_clone().map_err(|fault| FsFault::io(text, doing, &fault))?;
        Ok(Folder { dir, shown: root.named.clone(), device: root.identity.device })
    }

    /// Finds the folder and the name that a path means once its links are followed, all beneath the root.
    fn settle(&self, root: &Root, below: PathBuf, text: &str, doing: Doing) -> Result<Entry, FsFault> {
        let mut below = below;
        for _ in 0..LINKS {
            let (parent, name) = match (below.parent(), below.file_name()) {
                (Some(parent), Some(name)) => (parent.to_owned(), name.to_owned()),
                // A link to `.` or `..`: a folder without a name of its own.
                _ => return Err(FsFault::LeadsOutside { path: text.into() }),
            };
            let plain = plain_folder(root, &parent, text, doing)?;
            let folder = self.walk(root, &plain, text, doing)?;
            let meta = match folder.dir.symlink_metadata(&name) {
                Ok(meta) => Some(meta),
                Err(fault) if fault.kind() == io::ErrorKind::NotFound => None,
                Err(fault) => return Err(FsFault::io(text, doing, &fault)),
            };
            let is_link = meta.as_ref().is_some_and(Metadata::is_symlink);
            if !is_link || doing == Doing::Writing {
                return Ok(Entry { folder, name, meta });
            }
            let target = folder.dir.read_link_contents(&name).map_err(|fault| exchanged(text, doing, &fault))?;
            if target.has_root() {
                return Err(FsFault::LeadsOutside { path: text.into() });
            }
            below = plain.join(target);
            // `x/..` has no last name: let the root's handle say what it is.
            if !matches!(below.components().next_back(), Some(std::path::Component::Normal(_))) {
                below = plain_folder(root, &below, text, doing)?;
            }
        }
        Err(FsFault::LeadsOutside { path: text.into() })
    }

    /// Opens folder after folder, following nothing.
    fn walk(&self, root: &Root, plain: &Path, text: &str, doing: Doing) -> Result<Folder, FsFault> {
        let mut folder = self.top(root, text, doing)?;
        for name in plain {
            folder = self.enter(&folder, name, text, doing)?;
        }
        Ok(folder)
    }

    /// Makes the folders above a path that are missing, beneath what is there.
    fn make_parents(&self, root: &Root, below: &Path, text: &str) -> Result<(), FsFault> {
        let doing = Doing::Writing;
        let mut missing = Vec::new();
        let mut there = below.parent().unwrap_or(Path::new("")).to_owned();
        let plain = loop {
            match plain_folder(root, &there, text, doing) {
                Ok(plain) => break plain,
                Err(FsFault::NotFound { .. }) => {
                    let Some(name) = there.file_name().map(ToOwned::to_owned) else { return Err(FsFault::NotFound { path: text.into() }) };
                    missing.push(name);
                    there.pop();
                }
                Err(fault) => return Err(fault),
            }
        };
        let mut folder = self.walk(root, &plain, text, doing)?;
        for name in missing.into_iter().rev() {
            match folder.dir.create_dir(&name) {
                Ok(()) => {}
                Err(fault) if fault.kind() == io::ErrorKind::AlreadyExists => {}
                Err(fault) => return Err(FsFault::io(text, doing, &fault)),
            }
            folder = self.enter(&folder, &name, text, doing)?;
        }
        Ok(())
    }

    fn is_private(&self, identity: Identity) -> bool {
        self.private.iter().any(|private| {
            Dir::open_ambient_dir(private, ambient_authority())
                .and_then(|dir| dir.dir_metadata())
                .is_ok_and(|meta| Identity::of(&meta) == identity)
        })
    }
}

/// Opens what an entry names, when it is a regular file. Never blocks on a pipe and never follows a link.
pub(super) fn open_file(entry: &Entry, text: &str) -> Result<(File, Metadata), FsFault> {
    let wrong = |meta: &Metadata| FsFault::WrongKind { path: text.into(), is: kind(meta.file_type()), wanted: "file" };
    let Some(meta) = &entry.meta else { return Err(FsFault::NotFound { path: text.into() }) };
    if !meta.is_file() {
        return Err(wrong(meta));
    }
    let mut options = OpenOptions::new();
    options.read(true).follow(FollowSymlinks::No).nonblock(true);
    let file = entry.folder.dir.open_with(&entry.name, &options).map_err(|fault| exchanged(text, Doing::Reading, &fault))?;
    let meta = file.metadata().map_err(|fault| FsFault::io(text, Doing::Reading, &fault))?;
    if !meta.is_file() {
        return Err(wrong(&meta));
    }
    if !is_storage(&file) {
        return Err(FsFault::NotStorage { path: text.into() });
    }
    Ok((file, meta))
}

/// A folder's spelling beneath the root without links.
fn plain_folder(root: &Root, folder: &Path, text: &str, doing: Doing) -> Result<PathBuf, FsFault> {
    if folder.as_os_str().is_empty() {
        return Ok(PathBuf::new());
    }
    // The dot at the end asks for a folder, so that no pipe or device on the way is ever opened.
    let plain = root.dir.canonicalize(folder.join(".")).map_err(|fault| FsFault::io(text, doing, &fault))?;
    path::names(&plain).ok_or_else(|| FsFault::LeadsOutside { path: text.into() })
}

/// A fault of the second walk: what was there a moment ago is a link now, or gone.
fn exchanged(text: &str, doing: Doing, fault: &io::Error) -> FsFault {
    #[cfg(unix)]
    let a_link = fault.raw_os_error() == Some(nix::errno::Errno::ELOOP as i32);
    #[cfg(not(unix))]
    let a_link = fault.raw_os_error() == Some(681);
    if a_link || matches!(fault.kind(), io::ErrorKind::NotADirectory | io::ErrorKind::NotFound) {
        return FsFault::Changed { path: text.into() };
    }
    FsFault::io(text, doing, fault)
}

/// Whether a handle lies on something that stores files, and not on a window into the kernel, where opening and reading has effects.
#[cfg(target_os = "linux")]
fn is_storage(handle: &impl std::os::fd::AsFd) -> bool {
    use nix::sys::statfs::{
        BPF_FS_MAGIC, CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC, DEBUGFS_MAGIC, DEVPTS_SUPER_MAGIC, PROC_SUPER_MAGIC, SECURITYFS_MAGIC,
        SYSFS_MAGIC, TRACEFS_MAGIC, fstatfs,
    };
    const WINDOWS: [nix::sys::statfs::FsType; 9] = [
        PROC_SUPER_MAGIC,
        SYSFS_MAGIC,
        DEVPTS_SUPER_MAGIC,
        DEBUGFS_MAGIC,
        TRACEFS_MAGIC,
        SECURITYFS_MAGIC,
        BPF_FS_MAGIC,
        CGROUP_SUPER_MAGIC,
        CGROUP2_SUPER_MAGIC,
    ];
    fstatfs(handle).is_ok_and(|fs| !WINDOWS.contains(&fs.filesystem_type()))
}

#[cfg(not(target_os = "linux"))]
fn is_storage<T>(_: &T) -> bool {
    true
}
