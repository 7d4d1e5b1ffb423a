//! The folder: modes, the marker, the ballast, locks, and what is set aside.
//!
//! **Invariant:** a file that cannot be read as what it should be is moved, never overwritten and never deleted.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use domain::id::Millis;
use serde::{Deserialize, Serialize};

use crate::fault::StoreFault;

/// The database.
pub(crate) const DB: &str = "pilothouse.db";
/// Says that there was a database once, so that an empty file is a loss and not a first run.
const MARKER: &str = "store.json";
const BALLAST: &str = "ballast";
/// Given back to the disk when it is full, so that what must still be written can be.
const BALLAST_BYTES: usize = 8 * 1024 * 1024;

/// Makes a folder that only its owner may enter.
pub(crate) fn make_dir(path: &Path) -> Result<(), StoreFault> {
    if !path.is_dir() {
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(path).map_err(StoreFault::io("create the folder", path))?;
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let meta = std::fs::metadata(path).map_err(StoreFault::io("look at the folder", path))?;
        if meta.permissions().mode() & 0o077 != 0 {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700))
                .map_err(StoreFault::io("close to others the folder", path))?;
        }
    }
    Ok(())
}

/// Options for a file that only its owner may read.
pub(crate) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// The bytes of a file, or nothing when there is none.
pub(crate) fn read_opt(path: &Path) -> Result<Option<Vec<u8>>, StoreFault> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(fault) if fault.kind() == ErrorKind::NotFound => Ok(None),
        Err(fault) => Err(StoreFault::io("read", path)(fault)),
    }
}

fn temp_beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", uuid::Uuid::new_v4().simple()));
    path.with_file_name(name)
}

fn write_temp(path: &Path, bytes: &[u8]) -> Result<PathBuf, StoreFault> {
    let temp = temp_beside(path);
    let write = || -> std::io::Result<()> {
        let mut file = private().create_new(true).open(&temp)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(|fault| {
        let _ = std::fs::remove_file(&temp);
        StoreFault::io("write", path)(fault)
    })?;
    Ok(temp)
}

/// Makes the rename or link last; not every system can open a folder for that.
fn sync_dir(path: &Path) {
    if let Some(dir) = path.parent().and_then(|dir| File::open(dir).ok()) {
        let _ = dir.sync_all();
    }
}

/// Writes a file so that a reader sees the old or the new bytes, whole, whatever happens meanwhile.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), StoreFault> {
    let temp = write_temp(path, bytes)?;
    std::fs::rename(&temp, path).map_err(StoreFault::io("replace", path))?;
    sync_dir(path);
    Ok(())
}

/// Writes a file unless somebody else was first; then gives the bytes that are there.
pub(crate) fn create_once(path: &Path, bytes: &[u8]) -> Result<Option<Vec<u8>>, StoreFault> {
    let temp = write_temp(path, bytes)?;
    let linked = std::fs::hard_link(&temp, path);
    let _ = std::fs::remove_file(&temp);
    match linked {
        Ok(()) => {
            sync_dir(path);
            Ok(None)
        }
        Err(fault) if fault.kind() == ErrorKind::AlreadyExists => read_opt(path),
        // A file system without hard links: the opening lock is held, so nobody else is here.
        Err(_) => {
            replace(path, bytes)?;
            Ok(None)
        }
    }
}

/// What stands in the marker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Marker {
    /// The database that belongs here.
    pub(crate) store_id: String,
}

impl Marker {
    /// Reads it. A marker that does not parse still says that there was a store.
    pub(crate) fn read(dir: &Path) -> Result<Option<Self>, StoreFault> {
        Ok(read_opt(&dir.join(MARKER))?.map(|bytes| serde_json::from_slice(&bytes).unwrap_or_else(|_| Self { store_id: String::new() })))
    }

    pub(crate) fn write(&self, dir: &Path) -> Result<(), StoreFault> {
        let bytes = serde_json::to_vec(self).unwrap_or_default();
        replace(&dir.join(MARKER), &bytes)
    }
}

/// What stands in the database's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// No file, or one without a byte: SQLite would open either as a new database.
    Nothing,
    /// A file.
    Something,
}

/// Looks at the database's place.
pub(crate) fn look(dir: &Path) -> Result<Found, StoreFault> {
    let path = dir.join(DB);
    match std::fs::metadata(&path) {
        Ok(meta) if meta.len() > 0 => Ok(Found::Something),
        Ok(_) => Ok(Found::Nothing),
        Err(fault) if fault.kind() == ErrorKind::NotFound => Ok(Found::Nothing),
        Err(fault) => Err(StoreFault::io("look at", &path)(fault)),
    }
}

/// Makes the database file before SQLite does, so that it and the files beside it belong to their owner only.
pub(crate) fn touch_private(path: &Path) -> Result<(), StoreFault> {
    private().create(true).truncate(false).open(path).map_err(StoreFault::io("create", path))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let meta = std::fs::metadata(path).map_err(StoreFault::io("look at", path))?;
        if meta.permissions().mode() & 0o177 != 0 {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).map_err(StoreFault::io("close to others", path))?;
        }
    }
    Ok(())
}

/// Moves the database and what belongs to it to `broken-<ts>/` and says where that is.
pub(crate) fn set_aside(dir: &Path, now: Millis) -> Result<PathBuf, StoreFault> {
    let mut nth = 0;
    let aside = loop {
        let name = if nth == 0 { format!("broken-{}", now.0) } else { format!("broken-{}-{nth}", now.0) };
        let path = dir.join(name);
        if !path.exists() {
            break path;
        }
        nth += 1;
    };
    make_dir(&aside)?;
    for name in [DB, "pilothouse.db-wal", "pilothouse.db-shm"] {
        let from = dir.join(name);
        match std::fs::rename(&from, aside.join(name)) {
            Ok(()) => {}
            Err(fault) if fault.kind() == ErrorKind::NotFound => {}
            Err(fault) => return Err(StoreFault::io("set aside", &from)(fault)),
        }
    }
    sync_dir(&aside);
    Ok(aside)
}

/// Removes temporary files that a killed process left; called under the opening lock.
pub(crate) fn sweep(dir: &Path) {
    let Ok(entries) = std::fs::read_dir(dir) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let ours = ["store.json.", "audit.key.", "audit.head."].iter().any(|start| name.starts_with(start));
        if ours && std::path::Path::new(name.as_ref()).extension().is_some_and(|end| end == "tmp") {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// Whether the ballast lies there.
pub(crate) fn has_ballast(dir: &Path) -> bool {
    std::fs::metadata(dir.join(BALLAST)).is_ok_and(|meta| meta.len() == BALLAST_BYTES as u64)
}

/// Lays the ballast down. Not with zeros: a file system that compresses would keep nothing of them.
pub(crate) fn lay_ballast(dir: &Path) -> Result<(), StoreFault> {
    let path = dir.join(BALLAST);
    let write = || -> std::io::Result<()> {
        let mut file = private().create(true).truncate(true).open(&path)?;
        let mut block = vec![0_u8; 64 * 1024];
        let mut word = 0x9e37_79b9_7f4a_7c15_u64;
        for _ in 0..BALLAST_BYTES / block.len() {
            for piece in block.chunks_exact_mut(8) {
                word ^= word << 13;
                word ^= word >> 7;
                word ^= word << 17;
                piece.copy_from_slice(&word.to_le_bytes());
            }
            file.write_all(&block)?;
        }
        file.sync_all()
    };
    write().map_err(|fault| {
        let _ = std::fs::remove_file(&path);
        StoreFault::io("write", &path)(fault)
    })
}

/// Gives the ballast's room back to the disk; says whether there was any.
pub(crate) fn drop_ballast(dir: &Path) -> bool {
    std::fs::remove_file(dir.join(BALLAST)).is_ok()
}

/// A lock that is held until it is dropped, or its process ends.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

/// Takes the opening lock: of two processes that start at once, one makes or repairs the store and the other finds it ready.
pub(crate) fn lock_opening(dir: &Path, patience: Duration) -> Result<Lock, StoreFault> {
    let path = dir.join("open.lock");
    let file = private().create(true).truncate(false).open(&path).map_err(StoreFault::io("open", &path))?;
    let step = Duration::from_millis(5);
    let mut left = patience;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Lock { _file: file }),
            Err(TryLockError::WouldBlock) if left > step => {
                std::thread::sleep(step);
                left -= step;
            }
            Err(TryLockError::WouldBlock) => return Err(StoreFault::Busy { what: "opening it".into() }),
            Err(TryLockError::Error(fault)) => return Err(StoreFault::io("lock", &path)(fault)),
        }
    }
}

/// The lock of one run. While it is held, nobody takes the run for dead.
pub(crate) fn hold_run(dir: &Path, run: &str) -> Result<Lock, StoreFault> {
    let runs = dir.join("runs");
    make_dir(&runs)?;
    let path = runs.join(run);
    // Locked before it appears under its name: whoever looks between would take it for a dead one's and remove it.
    let part = runs.join(format!(".{run}"));
    let file = private().create(true).truncate(false).open(&part).map_err(StoreFault::io("open", &part))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(StoreFault::Busy { what: format!("holding {}", path.display()) }),
        Err(TryLockError::Error(fault)) => return Err(StoreFault::io("lock", &part)(fault)),
    }
    std::fs::rename(&part, &path).map_err(StoreFault::io("name", &path))?;
    Ok(Lock { _file: file })
}

/// Forgets a run.
pub(crate) fn forget_run(dir: &Path, run: &str) {
    let _ = std::fs::remove_file(dir.join("runs").join(run));
}

/// Whether the process of this run still lives.
pub(crate) fn run_lives(dir: &Path, run: &str) -> bool {
    let Ok(file) = File::open(dir.join("runs").join(run)) else { return false };
    matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
}

/// All runs that left a file, living or not.
pub(crate) fn runs(dir: &Path) -> Vec<String> {
    std::fs::read_dir(dir.join("runs"))
        .map(|entries| {
            entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).filter(|name| !name.starts_with('.')).collect()
        })
        .unwrap_or_default()
}

/// The kind of network file system that holds this folder, if it is one: SQLite's locks are not safe there.
pub(crate) fn network_filesystem(dir: &Path) -> Option<String> {
    let real = std::fs::canonicalize(dir).ok()?;
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").ok()?;
    network_among(&mounts, &real)
}

fn network_among(mounts: &str, dir: &Path) -> Option<String> {
    const NETWORK: [&str; 10] = ["nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "9p", "ceph", "fuse.sshfs", "glusterfs"];
    let mut nearest: Option<(usize, &str)> = None;
    for line in mounts.lines() {
        // Mount point is the fifth word; the type is the first one after a lone dash.
        let (Some(point), Some(kind)) = (line.split(' ').nth(4), line.split(" - ").nth(1).and_then(|rest| rest.split(' ').next())) else {
            continue;
        };
        let point = point.replace("\\040", " ");
        if dir.starts_with(&point) && nearest.is_none_or(|(length, _)| point.len() >= length) {
            nearest = Some((point.len(), kind));
        }
    }
    nearest.map(|(_, kind)| kind).filter(|kind| NETWORK.contains(kind)).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_created_once_whoever_comes_second() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.key");
        assert_eq!(create_once(&path, b"first").unwrap(), None);
        assert_eq!(create_once(&path, b"second").unwrap(), Some(b"first".to_vec()));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "no temporary file is left");
    }

    #[test]
    fn a_run_lives_as_long_as_its_lock_is_held() {
        let dir = tempfile::tempdir().unwrap();
        let lock = hold_run(dir.path(), "a").unwrap();
        assert!(run_lives(dir.path(), "a"));
        drop(lock);
        assert!(!run_lives(dir.path(), "a"), "its holder is gone");
        assert!(!run_lives(dir.path(), "never"), "there was none");
    }

    #[test]
    fn what_is_set_aside_is_never_written_over() {
        let dir = tempfile::tempdir().unwrap();
        for nth in 0..2 {
            std::fs::write(dir.path().join(DB), format!("{nth}")).unwrap();
            set_aside(dir.path(), Millis(7)).unwrap();
        }
        assert_eq!(std::fs::read(dir.path().join("broken-7").join(DB)).unwrap(), b"0");
        assert_eq!(std::fs::read(dir.path().join("broken-7-1").join(DB)).unwrap(), b"1");
    }

    #[test]
    fn the_ballast_is_laid_down_and_given_back() {
        let dir = tempfile::tempdir().unwrap();
        lay_ballast(dir.path()).unwrap();
        assert!(has_ballast(dir.path()));
        assert!(drop_ballast(dir.path()));
        assert!(!has_ballast(dir.path()) && !drop_ballast(dir.path()));
    }

    #[test]
    fn a_folder_on_the_network_is_recognised_by_the_mount_nearest_to_it() {
        let mounts = "22 1 8:1 / / rw shared:1 - ext4 /dev/sda rw\n30 22 0:40 / /home rw shared:2 - nfs4 server:/home rw\n\
                      31 30 8:2 / /home/me/local rw - ext4 /dev/sdb rw\n32 22 0:41 / /with\\040space rw - cifs //s/x rw\n";
        for (dir, kind) in [
            ("/etc", None),
            ("/home/me/.config", Some("nfs4")),
            ("/homestead", None),
            ("/home/me/local/x", None),
            ("/with space/x", Some("cifs")),
        ] {
            assert_eq!(network_among(mounts, Path::new(dir)).as_deref(), kind, "{dir}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_that_was_open_to_others_is_closed() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b");
        make_dir(&path).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        make_dir(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
    }
}
