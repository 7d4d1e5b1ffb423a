//! `fs-list-directory`.

use std::collections::BinaryHeap;
use std::ffi::OsString;
use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::fault::{Doing, FsFault};
use super::roots::{Folder, Roots, kind};
use super::tool::FsTool;
use crate::apart::Watch;

/// Entries of one answer.
const MOST: usize = 10_000;
/// Folders inside one another.
const DEPTH: usize = 64;

/// The arguments.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Args {
    /// The folder: beneath a root, or relative to the first root; `.` is the first root. 文件夹路径：位于某个根文件夹内，或相对于第一个根文件夹；`.` 表示第一个根。
    #[schemars(length(min = 1, max = 4096))]
    path: String,
    /// Also what is in the folders beneath. Links are not followed. 同时列出子文件夹的内容；不跟随链接。
    #[serde(default)]
    recursive: bool,
    /// At most so many entries. 最多返回的条目数。
    #[serde(default = "thousand")]
    #[schemars(range(min = 1, max = 10_000))]
    max_entries: usize,
}

fn thousand() -> usize {
    1000
}

/// What is in the folder.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Out {
    /// The folder.
    path: String,
    /// What is in it, by name; what is in a folder beneath follows that folder.
    entries: Vec<Item>,
    /// Whether there is more than is shown.
    truncated: bool,
    /// How many could not be looked at.
    skipped: u64,
}

/// One thing in it.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Item {
    /// Relative to the folder that was asked for.
    pub path: String,
    /// `file`, `folder`, `symbolic link`, `named pipe`, `socket`, `device`.
    pub kind: String,
    /// Its size in bytes, when it is a file.
    pub size: Option<u64>,
    /// When it was changed last, in milliseconds since 1970.
    pub modified_at: Option<i64>,
}

/// The tool.
#[derive(Debug)]
pub(super) struct ListDirectory;

impl FsTool for ListDirectory {
    const NAME: &'static str = "fs-list-directory";
    const TITLE: &'static str = "List a folder · 列出文件夹";
    const ABOUT: &'static str = "Lists a folder: names, kinds, sizes, times. 列出文件夹：名称、类型、大小、时间。";
    const READS: bool = true;
    type Args = Args;
    type Out = Out;

    fn run(roots: &Roots, args: Args, watch: &mut Watch) -> Result<(Out, String), FsFault> {
        if args.max_entries == 0 || args.max_entries > MOST {
            return Err(FsFault::TooLarge { path: "max_entries".into(), size: args.max_entries as u64, limit: MOST as u64 });
        }
        let folder = roots.folder(&args.path)?;
        let shown = folder.shown.display().to_string();
        let mut out = Out { path: shown, entries: Vec::new(), truncated: false, skipped: 0 };
        let mut seen = 0;
        gather(roots, &folder, "", &args, 0, &mut out, &mut seen, watch)?;
        let words = words(&out);
        Ok((out, words))
    }
}

#[expect(clippy::too_many_arguments, reason = "a recursion over one answer; a struct would only rename the arguments")]
fn gather(
    roots: &Roots,
    folder: &Folder,
    before: &str,
    args: &Args,
    depth: usize,
    out: &mut Out,
    seen: &mut u64,
    watch: &mut Watch,
) -> Result<(), FsFault> {
    let room = args.max_entries - out.entries.len();
    let (names, more, unread) = first_names(folder, room, seen, watch).map_err(|fault| match fault {
        FsFault::Io { reason, .. } => FsFault::Io { path: folder.shown.display().to_string(), doing: Doing::Listing, reason },
        other => other,
    })?;
    out.truncated |= more;
    out.skipped += unread;
    for name in names {
        watch.tick()?;
        if out.entries.len() >= args.max_entries {
            out.truncated = true;
            return Ok(());
        }
        let Ok(meta) = folder.dir.symlink_metadata(&name) else {
            out.skipped += 1;
            continue;
        };
        let path = format!("{before}{}", name.to_string_lossy());
        let below = if meta.is_dir() {
            match roots.enter(folder, &name, &path, Doing::Listing) {
                Ok(below) => Some(below),
                // Our own data does not even show, and neither does what is a window into the kernel.
                Err(FsFault::Private { .. } | FsFault::NotStorage { .. }) => continue,
                Err(FsFault::Stopped(fault)) => return Err(fault.into()),
                Err(_) => None,
            }
        } else {
            None
        };
        let modified_at = meta.modified().ok().and_then(|at| at.into_std().duration_since(std::time::UNIX_EPOCH).ok());
        out.entries.push(Item {
            path: path.clone(),
            kind: kind(meta.file_type()).into(),
            size: meta.is_file().then(|| meta.len()),
            modified_at: modified_at.and_then(|since| i64::try_from(since.as_millis()).ok()),
        });
        if !args.recursive || !meta.is_dir() {
            continue;
        }
        match below {
            Some(below) if depth < DEPTH => gather(roots, &below, &format!("{path}/"), args, depth + 1, out, seen, watch)?,
            Some(_) => out.truncated = true,
            None => out.skipped += 1,
        }
    }
    Ok(())
}

/// The first names of a folder in order, whether there are more, and how many could not be read. Holds `most` names, however many there are.
pub(super) fn first_names(folder: &Folder, most: usize, seen: &mut u64, watch: &mut Watch) -> Result<(Vec<OsString>, bool, u64), FsFault> {
    let shown = || folder.shown.display().to_string();
    let entries = folder.dir.entries().map_err(|fault| FsFault::io(&shown(), Doing::Listing, &fault))?;
    let mut first = BinaryHeap::new();
    let (mut more, mut unread) = (false, 0);
    for entry in entries {
        *seen += 1;
        if seen.is_multiple_of(64) {
            watch.tick()?;
            watch.progress(*seen, || format!("{} …", folder.shown.display()));
        }
        let Ok(entry) = entry else {
            unread += 1;
            continue;
        };
        let name = entry.file_name();
        if first.len() < most {
            first.push(name);
            continue;
        }
        more = true;
        if first.peek().is_some_and(|last| name < *last) {
            first.pop();
            first.push(name);
        }
    }
    Ok((first.into_sorted_vec(), more, unread))
}

fn words(out: &Out) -> String {
    let mut text = format!("{}: {} entries{}\n", out.path, out.entries.len(), if out.truncated { ", and more" } else { "" });
    for item in &out.entries {
        let mark = if item.kind == "folder" { "/" } else { "" };
        let _ = match (item.size, item.kind.as_str()) {
            (Some(size), _) => writeln!(text, "{}  {size}", item.path),
            (None, "folder") => writeln!(text, "{}{mark}", item.path),
            (None, kind) => writeln!(text, "{}  ({kind})", item.path),
        };
    }
    if out.skipped > 0 {
        let _ = writeln!(text, "{} could not be looked at", out.skipped);
    }
    text
}
