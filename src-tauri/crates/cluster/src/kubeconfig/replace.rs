//! Replaces a file at once or not at all: a new file beside it, synced, takes its name.
//!
//! **Invariant:** whatever step is the last, the name holds the old bytes or the new ones, whole.

use std::fs::{File, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use domain::fault::Fault;
use domain::tool::hex;
use domain::vault::SecretBytes;
use sha2::{Digest, Sha256};

use super::fault;
use super::source::{LARGEST, bytes};

/// One step of a replacing. Tests end it after any of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Created,
    Written,
    Synced,
    Moved,
    FolderSynced,
}

/// What is told after each step, and may end the work there as a killed process does: nothing is tidied up.
pub(super) trait Watch {
    fn after(&mut self, step: Step) -> io::Result<()>;
}

/// Goes on after every step.
pub(super) struct Disk;

impl Watch for Disk {
    fn after(&mut self, _: Step) -> io::Result<()> {
        Ok(())
    }
}

/// The beginning of the name of a file that is not finished.
const UNFINISHED: &str = ".pilothouse-";

/// Puts `with` in the place of a file that has this SHA-256. Links to it stay links, its mode and its owner stay.
pub(super) fn replace(file: &Path, sha256: &str, with: &SecretBytes, watch: &mut dyn Watch) -> Result<(), Fault> {
    let no = |why: &io::Error| fault::unwritable(file, &why.to_string(), &why.to_string());
    let target = file.canonicalize().map_err(|why| no(&why))?;
    let folder = target.parent().ok_or_else(|| fault::defect("replacing a file without a folder"))?;
    sweep(folder);
    let meta = std::fs::metadata(&target).map_err(|why| no(&why))?;
    let unchanged = |target: &Path| bytes(target, LARGEST).is_ok_and(|now| hex(&Sha256::digest(now.as_slice())) == sha256);
    if !unchanged(&target) {
        return Err(fault::changed(&target.display().to_string()));
    }
    #[cfg(unix)]
    if std::os::unix::fs::MetadataExt::nlink(&meta) > 1 {
        return Err(fault::unwritable(
            file,
            "it has a second name (a hard link), under which the old content would stay",
            "它还有另一个名称（硬链接），旧内容会保留在其中",
        ));
    }
    let temp = folder.join(format!("{UNFINISHED}{}", uuid::Uuid::new_v4().simple()));
    let mut made = Unfinished { path: temp, finished: false };
    let written = write(&made.path, &meta, with, watch);
    // The lock on it lasts until it has its name.
    let _file = match written.map(|file| (file, unchanged(&target))) {
        Ok((file, true)) => file,
        Ok((_, false)) => return Err(fault::changed(&target.display().to_string())),
        Err(why) => {
            // A watch that ends the work stands for a killed process, which removes nothing.
            made.finished = why.kind() == io::ErrorKind::Interrupted;
            return Err(no(&why));
        }
    };
    std::fs::rename(&made.path, &target).map_err(|why| no(&why))?;
    made.finished = true;
    let synced = watch.after(Step::Moved).and_then(|()| sync_folder(folder)).and_then(|()| watch.after(Step::FolderSynced));
    synced.map_err(|why| no(&why))
}

/// Makes a file that is not there, whole or not at all, for its owner alone.
pub(super) fn create(file: &Path, with: &SecretBytes) -> Result<(), Fault> {
    let no = |why: &io::Error| fault::unwritable(file, &why.to_string(), &why.to_string());
    let folder = file.parent().ok_or_else(|| fault::defect("making a file without a folder"))?;
    sweep(folder);
    let made = Unfinished { path: folder.join(format!("{UNFINISHED}{}", uuid::Uuid::new_v4().simple())), finished: false };
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut whole = options.open(&made.path).map_err(|why| no(&why))?;
    whole.write_all(with.expose()).and_then(|()| whole.sync_all()).map_err(|why| no(&why))?;
    // A link, unlike a new name, takes the place of nothing.
    std::fs::hard_link(&made.path, file).map_err(|why| match why.kind() {
        io::ErrorKind::AlreadyExists => fault::changed(&file.display().to_string()),
        _ => no(&why),
    })?;
    drop(made);
    sync_folder(folder).map_err(|why| no(&why))
}

fn write(temp: &Path, like: &std::fs::Metadata, with: &SecretBytes, watch: &mut dyn Watch) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(temp)?;
    // Where a file cannot be locked, its age says that somebody is writing it.
    let _ = file.try_lock();
    watch.after(Step::Created)?;
    file.write_all(with.expose())?;
    watch.after(Step::Written)?;
    keep_owner(&file, like)?;
    file.set_permissions(like.permissions())?;
    file.sync_all()?;
    watch.after(Step::Synced)?;
    Ok(file)
}

#[cfg(unix)]
fn keep_owner(file: &File, like: &std::fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    let now = file.metadata()?;
    if (now.uid(), now.gid()) == (like.uid(), like.gid()) {
        return Ok(());
    }
    std::os::unix::fs::fchown(file, Some(like.uid()), Some(like.gid()))
}

#[cfg(not(unix))]
fn keep_owner(_: &File, _: &std::fs::Metadata) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

struct Unfinished {
    path: PathBuf,
    finished: bool,
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if !self.finished {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Removes what a run that was killed left beside a kubeconfig: it may hold secrets. Whoever is writing holds a lock on what they write;
/// where there are no locks, what is a minute old is nobody's.
pub(super) fn sweep(folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten().take(10_000) {
        let is_file = || entry.file_type().is_ok_and(|kind| kind.is_file());
        if entry.file_name().to_string_lossy().starts_with(UNFINISHED) && is_file() && abandoned(&entry.path()) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

fn abandoned(path: &Path) -> bool {
    let Ok(file) = File::options().write(true).open(path) else { return false };
    match file.try_lock() {
        Ok(()) => true,
        Err(TryLockError::WouldBlock) => false,
        Err(TryLockError::Error(_)) => {
            file.metadata().and_then(|meta| meta.modified()).is_ok_and(|at| at.elapsed().is_ok_and(|age| age.as_secs() > 60))
        }
    }
}
