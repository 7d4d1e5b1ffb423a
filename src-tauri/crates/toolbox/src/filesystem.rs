//! The module `filesystem`: reading, writing, listing and searching beneath folders that a person named.
//!
//! **Invariant:** a root is opened once as a directory handle, and everything is reached beneath that handle, never by a path from the
//! top; what a handle turned out to be is what is checked.

mod fault;
mod list;
mod path;
mod read;
mod roots;
mod search;
mod tool;
mod write;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::JsonMap;
use domain::fault::ServerFault;
use domain::id::ToolName;
use domain::local::{LocalModule, LocalSettings, ModuleInfo};
use domain::protocol::CallIo;
use domain::text::Text;
use domain::tool::{Tool, ToolResult};

use crate::Places;
use crate::apart::{Seats, apart};
use roots::Roots;
use tool::Row;

/// The module's name in the settings.
pub const ID: &str = domain::local::DEFAULT_MODULE;
/// One file's most, for writing and for looking into: 8 MiB.
pub const FILE_LIMIT: u64 = 8 << 20;
/// The hard total of one call.
const PATIENCE: Duration = Duration::from_mins(10);
/// Calls at once.
const SEATS: u32 = 16;

/// What it says of itself.
pub(crate) fn info() -> ModuleInfo {
    ModuleInfo {
        id: ID.into(),
        label: Text::new("Files", "文件"),
        about: Text::new(
            "Reads, writes, lists and searches files inside the folders you name, and nowhere else.",
            "在您指定的文件夹内读取、写入、列出和搜索文件，绝不越出其外。",
        ),
    }
}

/// The folders that are meant, `~/` spelled out.
pub(crate) fn folders(places: &Places, settings: &LocalSettings) -> Vec<PathBuf> {
    let named = settings.folders();
    if named.is_empty() {
        return vec![places.scratch.clone()];
    }
    named.into_iter().map(|folder| path::at_home(folder, places.home.as_deref())).collect()
}

/// Decides whether the settings can be used, without touching the disk.
pub(crate) fn check(places: &Places, settings: &LocalSettings) -> Result<(), ServerFault> {
    let one = settings.root.iter().map(|folder| ("root".to_owned(), folder));
    let many = settings.roots.iter().enumerate().map(|(nth, folder)| (format!("roots[{nth}]"), folder));
    for (field, folder) in one.chain(many) {
        if let Some(reason) = path::unfit_root(&path::at_home(folder, places.home.as_deref())) {
            return Err(ServerFault::Settings { field, reason: format!("`{}` {reason}", folder.escape_debug()) });
        }
    }
    Ok(())
}

/// Opens the folders.
pub(crate) fn open(places: &Places, settings: &LocalSettings) -> Result<Filesystem, ServerFault> {
    let scratch = settings.folders().is_empty().then_some(places.scratch.as_path());
    if let Some(scratch) = scratch {
        std::fs::create_dir_all(scratch).map_err(|fault| ServerFault::Settings {
            field: "roots".into(),
            reason: format!("none is named, and the scratch folder {} cannot be made: {fault}", scratch.display()),
        })?;
    }
    let roots = Roots::open(&folders(places, settings), &places.private, scratch)?;
    Ok(Filesystem { roots: Arc::new(roots), rows: Arc::new(tool::rows()), seats: Seats::new(SEATS) })
}

/// The open module.
#[derive(Debug)]
pub(crate) struct Filesystem {
    roots: Arc<Roots>,
    rows: Arc<Vec<Box<dyn Row>>>,
    seats: Seats,
}

#[async_trait]
impl LocalModule for Filesystem {
    fn info(&self) -> ModuleInfo {
        info()
    }

    fn tools(&self) -> Vec<Tool> {
        self.rows.iter().map(|row| row.describe()).collect()
    }

    async fn call(&self, tool: &ToolName, args: JsonMap, io: CallIo) -> Result<ToolResult, ServerFault> {
        let Some(nth) = self.rows.iter().position(|row| row.name() == tool.as_str()) else {
            return Err(ServerFault::NoSuch { what: "tool", name: tool.as_str().to_owned() });
        };
        let (rows, roots) = (Arc::clone(&self.rows), Arc::clone(&self.roots));
        apart(tool.as_str(), &io, PATIENCE, &self.seats, move |watch| rows[nth].run(&roots, args, watch)).await
    }

    async fn health(&self) -> Result<(), ServerFault> {
        let roots = Arc::clone(&self.roots);
        apart("health", &CallIo::quiet(), Duration::from_secs(3), &self.seats, move |_| roots.still_there()).await
    }
}
