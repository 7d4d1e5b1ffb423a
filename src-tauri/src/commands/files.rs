//! Manifests in files.
//!
//! **Invariant:** a file is read or written only after a person picked it in the system's dialog: the window cannot name one by itself. One
//! that somebody else changed since we read or wrote it is not written over.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use domain::fault::{Fault, FaultKind};
use domain::text::Text;
use ipc::workbench::WbFileView;
use tauri::AppHandle;
use tauri_plugin_dialog::DialogExt as _;
use tokio::sync::oneshot;
use yaml::Profile;

/// Files that a person picked since the window opened, with a fingerprint of what we last saw in them.
#[derive(Default)]
pub(crate) struct Files(Mutex<HashMap<PathBuf, u64>>);

impl Files {
    fn picked(&self, path: &Path, holds: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned(), holds);
    }

    fn known(&self, path: &Path) -> Option<u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(path).copied()
    }

    /// Asks for a file and reads it; none when the dialog was closed.
    pub(super) async fn open(&self, handle: &AppHandle) -> Result<Option<WbFileView>, Fault> {
        let (tell, picked) = oneshot::channel();
        handle.dialog().file().add_filter("YAML, JSON", &["yaml", "yml", "json"]).add_filter("*", &["*"]).pick_file(move |path| {
            let _ = tell.send(path);
        });
        let Some(path) = picked.await.ok().flatten().and_then(|path| path.into_path().ok()) else { return Ok(None) };
        let text = tokio::task::spawn_blocking({
            let path = path.clone();
            move || read(&path)
        });
        let (text, holds) = text.await.map_err(|_| unreadable(&path, "?", "?"))??;
        self.picked(&path, holds);
        Ok(Some(WbFileView { path: path.display().to_string(), text }))
    }

    /// Writes a file that was picked before; asks for one otherwise. None when the dialog was closed.
    pub(super) async fn save(&self, handle: &AppHandle, path: Option<String>, text: String) -> Result<Option<String>, Fault> {
        let wanted = path.map(PathBuf::from);
        let known = wanted.as_deref().and_then(|path| self.known(path));
        let path = match &wanted {
            Some(path) if known.is_some() => path.clone(),
            _ => {
                let name =
                    wanted.as_deref().and_then(Path::file_name).map_or_else(|| "manifest.yaml".into(), |name| name.to_string_lossy());
                let (tell, picked) = oneshot::channel();
                handle.dialog().file().set_file_name(name).save_file(move |path| {
                    let _ = tell.send(path);
                });
                let Some(path) = picked.await.ok().flatten().and_then(|path| path.into_path().ok()) else { return Ok(None) };
                path
            }
        };
        let holds = fingerprint(text.as_bytes());
        let written = tokio::task::spawn_blocking({
            let path = path.clone();
            move || if known.is_some_and(|known| !still(&path, known)) { Ok(false) } else { write(&path, &text).map(|()| true) }
        });
        if !written.await.map_err(std::io::Error::other).flatten().map_err(|fault| unwritten(&path, &fault))? {
            return Err(changed(&path));
        }
        self.picked(&path, holds);
        Ok(Some(path.display().to_string()))
    }
}

fn fingerprint(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}

/// Whether a file holds what we last saw in it. One that is gone holds nothing that could be lost.
fn still(path: &Path, known: u64) -> bool {
    match std::fs::read(path) {
        Ok(bytes) => fingerprint(&bytes) == known,
        Err(fault) => fault.kind() == std::io::ErrorKind::NotFound,
    }
}

fn read(path: &Path) -> Result<(String, u64), Fault> {
    let failed = |fault: std::io::Error| unreadable(path, &fault.to_string(), &fault.to_string());
    let limit = u64::try_from(Profile::manifest().bytes).unwrap_or(u64::MAX) * 2;
    if std::fs::metadata(path).map_err(failed)?.len() > limit {
        return Err(unreadable(path, "it is too large for a manifest", "文件过大，不是清单"));
    }
    let bytes = std::fs::read(path).map_err(failed)?;
    let text =
        yaml::decode(&bytes, &Profile::manifest()).map_err(|fault| unreadable(path, &fault.reason.to_string(), &fault.reason.zh()))?;
    Ok((text, fingerprint(&bytes)))
}

/// Beside the old file first, so that whatever happens meanwhile leaves one of both whole.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = path.with_file_name(format!(".{name}.{}", uuid::Uuid::new_v4().simple()));
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).open(&beside)?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).and_then(|()| {
        if let Ok(old) = std::fs::metadata(&path) {
            std::fs::set_permissions(&beside, old.permissions())?;
        }
        std::fs::rename(&beside, &path)
    });
    written.inspect_err(|_| {
        let _ = std::fs::remove_file(&beside);
    })
}

fn unreadable(path: &Path, why: &str, why_zh: &str) -> Fault {
    let path = path.display();
    Fault::new(
        FaultKind::Storage,
        "file_unreadable",
        Text::new(format!("{path} could not be read: {why}"), format!("无法读取 {path}：{why_zh}")),
        Text::new("Pick another file.", "请选择其他文件。"),
    )
}

fn changed(path: &Path) -> Fault {
    let path = path.display();
    Fault::new(
        FaultKind::Storage,
        "file_changed",
        Text::new(
            format!("{path} was not written: somebody else changed it since it was opened or saved here"),
            format!("未写入 {path}：自在此打开或保存以来，它已被他人修改"),
        ),
        Text::new("Open it again to see what changed, or save under another name.", "请重新打开以查看改动，或另存为其他文件。"),
    )
}

fn unwritten(path: &Path, fault: &std::io::Error) -> Fault {
    let path = path.display();
    Fault::new(
        FaultKind::Storage,
        "file_unwritten",
        Text::new(format!("{path} could not be written: {fault}"), format!("无法写入 {path}：{fault}")),
        Text::new("Save it under another name.", "请另存为其他文件。"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> PathBuf {
        let path = std::env::temp_dir().join(format!("pilothouse-files-{}", uuid::Uuid::new_v4().simple()));
        std::fs::create_dir(&path).unwrap();
        path
    }

    #[test]
    fn what_is_saved_is_read_back_and_nothing_is_left_beside_it() {
        let folder = folder();
        let path = folder.join("a.yaml");
        write(&path, "kind: ConfigMap # é\n").unwrap();
        write(&path, "kind: Secret # é\n").unwrap();
        assert_eq!(read(&path).unwrap(), ("kind: Secret # é\n".to_owned(), fingerprint("kind: Secret # é\n".as_bytes())));
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
        assert!(write(&folder.join("none/a.yaml"), "x").is_err());
        std::fs::write(&path, [0xff, 0xfe, b'a', 0]).unwrap();
        assert_eq!(read(&path).unwrap().0, "a");
        std::fs::write(&path, [0xc3]).unwrap();
        assert_eq!(read(&path).unwrap_err().code, "file_unreadable");
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn a_file_keeps_its_permissions_and_its_link() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = folder();
        let (path, link) = (folder.join("a.yaml"), folder.join("link.yaml"));
        std::fs::write(&path, "a").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        write(&link, "b").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "b");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn only_a_path_that_was_picked_is_known() {
        let files = Files::default();
        files.picked(Path::new("/a/b.yaml"), 7);
        assert_eq!(files.known(Path::new("/a/b.yaml")), Some(7));
        assert!(files.known(Path::new("/a/../a/b.yaml")).is_none() && files.known(Path::new("/etc/passwd")).is_none());
    }

    #[test]
    fn a_file_that_somebody_else_changed_is_told_from_one_as_we_left_it_and_from_one_that_is_gone() {
        let folder = folder();
        let path = folder.join("a.yaml");
        write(&path, "a").unwrap();
        let (_, holds) = read(&path).unwrap();
        assert!(still(&path, holds));
        std::fs::write(&path, "b").unwrap();
        assert!(!still(&path, holds));
        std::fs::remove_file(&path).unwrap();
        assert!(still(&path, holds));
        std::fs::remove_dir_all(folder).unwrap();
    }
}
