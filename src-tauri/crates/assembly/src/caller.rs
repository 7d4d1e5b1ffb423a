//! Which program called us, as the system tells it.
//!
//! **Invariant:** what is hashed is the very file that runs, not what lies at its path by now.

use std::collections::HashMap;
use std::io::Read as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use app::credentials::Caller;
use domain::Json;
use domain::fault::{Fault, FaultKind};
use domain::ports::Settings;
use domain::text::Text;
use serde_json::json;
use sha2::{Digest as _, Sha256};

/// The program that started this process; none when the system does not tell. Its hash is kept with the file's place, size and times, so
/// that a client of 60 MB is not read at each call.
pub(crate) async fn parent(settings: &dyn Settings) -> Option<Caller> {
    #[cfg(target_os = "linux")]
    {
        let link = format!("/proc/{}/exe", std::os::unix::process::parent_id());
        let program = std::fs::read_link(&link).ok()?.into_os_string().into_string().ok()?;
        // The link opens the running file itself, also when another one has taken its place.
        let file = std::fs::File::open(&link).ok()?;
        let sha256 = known_hash(file, settings).await?;
        Some(Caller { program: program.strip_suffix(" (deleted)").unwrap_or(&program).to_owned(), sha256 })
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = settings;
        None
    }
}

/// Which file it is, and as what it was last seen. The time of the last change of any sort cannot be set by a program, unlike that of the
/// content.
#[cfg(unix)]
fn facts(file: &std::fs::File) -> Option<(String, Json)> {
    use std::os::unix::fs::MetadataExt as _;
    let meta = file.metadata().ok()?;
    let stamp = json!([meta.size(), meta.mtime(), meta.mtime_nsec(), meta.ctime(), meta.ctime_nsec()]);
    Some((format!("caller:{}:{}", meta.dev(), meta.ino()), stamp))
}

/// Hashes of programs, as long as their files stay the same.
#[cfg(unix)]
#[derive(Debug, Default)]
pub(crate) struct Hashes(Mutex<HashMap<String, (Json, String)>>);

#[cfg(unix)]
impl Hashes {
    /// Nobody has more clients than this.
    const MOST: usize = 64;

    /// The caller whose running file this is.
    pub(crate) async fn caller(&self, program: String, file: std::fs::File) -> Option<Caller> {
        let (key, stamp) = facts(&file)?;
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&key).filter(|(seen, _)| *seen == stamp).cloned();
        if let Some((_, sha256)) = known {
            return Some(Caller { program, sha256 });
        }
        let sha256 = tokio::task::spawn_blocking(move || hash(file)).await.ok()?.ok()?;
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= Self::MOST {
            all.clear();
        }
        all.insert(key, (stamp, sha256.clone()));
        Some(Caller { program, sha256 })
    }
}

#[cfg(target_os = "linux")]
async fn known_hash(file: std::fs::File, settings: &dyn Settings) -> Option<String> {
    let (key, stamp) = facts(&file)?;
    if let Ok(Some(kept)) = settings.get(&key).await
        && kept.get("stamp") == Some(&stamp)
        && let Some(hash) = kept.get("sha256").and_then(Json::as_str)
    {
        return Some(hash.to_owned());
    }
    let hash = tokio::task::spawn_blocking(move || hash(file)).await.ok()?.ok()?;
    // It is only slower without.
    let _ = settings.set(&key, &json!({ "stamp": stamp, "sha256": hash })).await;
    Some(hash)
}

/// A program that a person names.
pub fn caller_of(path: &Path) -> Result<Caller, Fault> {
    let unusable = |why: &str| {
        let path = path.display();
        Fault::new(
            FaultKind::Usage,
            "no_such_program",
            Text::new(format!("{path} is no program that can be named here: {why}"), format!("{path} 不是可用的程序：{why}")),
            Text::new("Give its whole path, such as \"$(command -v kubectl)\".", "请给出完整路径，例如 \"$(command -v kubectl)\"。"),
        )
    };
    let whole = std::fs::canonicalize(path).map_err(|fault| unusable(&fault.to_string()))?;
    let file = std::fs::File::open(&whole).map_err(|fault| unusable(&fault.to_string()))?;
    if !file.metadata().is_ok_and(|meta| meta.is_file()) {
        return Err(unusable("it is no file"));
    }
    let program = whole.to_str().ok_or_else(|| unusable("its path is not Unicode"))?.to_owned();
    Ok(Caller { program, sha256: hash(file).map_err(|fault| unusable(&fault.to_string()))? })
}

fn hash(mut file: std::fs::File) -> std::io::Result<String> {
    use std::fmt::Write as _;
    let mut hash = Sha256::new();
    let mut piece = vec![0; 256 * 1024];
    loop {
        let count = file.read(&mut piece)?;
        if count == 0 {
            break;
        }
        hash.update(piece.get(..count).unwrap_or_default());
    }
    Ok(hash.finalize().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    }))
}
