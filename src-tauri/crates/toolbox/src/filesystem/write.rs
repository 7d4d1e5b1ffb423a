//! `fs-write-file`.
//!
//! **Invariant:** the file is whole or untouched: the text goes to a new name in the same folder, to the disk, and only then takes the
//! file's place, all through that folder's handle.

use std::ffi::OsString;
use std::io::{self, Write};

use cap_fs_ext::{FollowSymlinks, MetadataExt, OpenOptionsFollowExt};
use cap_std::fs::{Dir, Metadata, OpenOptions};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::FILE_LIMIT;
use super::fault::{Doing, FsFault};
use super::roots::{Roots, kind};
use super::tool::FsTool;
use crate::apart::Watch;

/// The arguments.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Args {
    /// The file: beneath a root, or relative to the first root. 文件路径：位于某个根文件夹内，或相对于第一个根文件夹。
    #[schemars(length(min = 1, max = 4096))]
    path: String,
    /// The whole new text. 完整的新内容。
    content: String,
    /// Make the folders above it when they are missing. 缺少上级文件夹时自动创建。
    #[serde(default)]
    create_dirs: bool,
    /// Replace the file when it exists. 文件已存在时替换。
    #[serde(default)]
    overwrite: bool,
}

/// What was written.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Out {
    /// The file.
    path: String,
    /// Its size now.
    bytes: u64,
    /// Whether it replaced another.
    replaced: bool,
}

/// The tool.
#[derive(Debug)]
pub(super) struct WriteFile;

impl FsTool for WriteFile {
    const NAME: &'static str = "fs-write-file";
    const TITLE: &'static str = "Write a file · 写入文件";
    const ABOUT: &'static str =
        "Writes a text file as a whole; refuses to replace one unless told to. 整体写入文本文件；除非明确要求，否则不会替换已有文件。";
    const READS: bool = false;
    type Args = Args;
    type Out = Out;

    fn run(roots: &Roots, args: Args, watch: &mut Watch) -> Result<(Out, String), FsFault> {
        let text = args.path.as_str();
        let bytes = args.content.len() as u64;
        if bytes > FILE_LIMIT {
            return Err(FsFault::TooLarge { path: text.into(), size: bytes, limit: FILE_LIMIT });
        }
        let entry = roots.entry(text, Doing::Writing, args.create_dirs)?;
        let replaced = entry.meta.is_some();
        if let Some(meta) = &entry.meta {
            replaceable(meta, text, args.overwrite)?;
        }
        let dir = &entry.folder.dir;
        let io = |fault: io::Error| FsFault::io(text, Doing::Writing, &fault);

        let draft = Draft::new(dir).map_err(io)?;
        draft.fill(args.content.as_bytes(), entry.meta.as_ref(), watch, text)?;
        watch.tick()?;
        if replaced {
            // Looked at again as late as can be: what took its place meanwhile is judged by the same rules.
            if let Ok(meta) = dir.symlink_metadata(&entry.name) {
                replaceable(&meta, text, true)?;
            }
            draft.replace(&entry.name).map_err(io)?;
        } else {
            draft.place(&entry.name).map_err(io)?;
        }
        let shown = entry.shown().display().to_string();
        let verb = if replaced { "replaced" } else { "wrote" };
        let words = format!("{verb} {shown} ({bytes} bytes)");
        Ok((Out { path: shown, bytes, replaced }, words))
    }
}

/// Whether what stands at the name may be replaced.
fn replaceable(meta: &Metadata, text: &str, overwrite: bool) -> Result<(), FsFault> {
    if !meta.is_file() {
        return Err(FsFault::WrongKind { path: text.into(), is: kind(meta.file_type()), wanted: "file" });
    }
    if !overwrite {
        return Err(FsFault::Exists { path: text.into() });
    }
    if MetadataExt::nlink(meta) > 1 {
        return Err(FsFault::HardLinked { path: text.into(), links: MetadataExt::nlink(meta) });
    }
    Ok(())
}

/// The new text under a name of its own, removed when it does not come to more.
struct Draft<'d> {
    dir: &'d Dir,
    name: OsString,
    file: cap_std::fs::File,
    kept: bool,
}

impl<'d> Draft<'d> {
    fn new(dir: &'d Dir) -> io::Result<Self> {
        let name = OsString::from(format!(".pilothouse-{}.tmp", uuid::Uuid::new_v4().simple()));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).follow(FollowSymlinks::No);
        let file = dir.open_with(&name, &options)?;
        Ok(Self { dir, name, file, kept: false })
    }

    fn fill(&self, content: &[u8], before: Option<&Metadata>, watch: &Watch, text: &str) -> Result<(), FsFault> {
        let io = |fault: io::Error| FsFault::io(text, Doing::Writing, &fault);
        let mut file = &self.file;
        for piece in content.chunks(1 << 20) {
            watch.tick()?;
            file.write_all(piece).map_err(io)?;
        }
        if let Some(before) = before {
            // Best effort: on a file system without modes there is nothing to carry over.
            let _ = self.file.set_permissions(before.permissions());
        }
        self.file.sync_all().map_err(io)
    }

    /// Takes the place of what is there.
    fn replace(mut self, name: &OsString) -> io::Result<()> {
        self.dir.rename(&self.name, self.dir, name)?;
        self.kept = true;
        settle(self.dir);
        Ok(())
    }

    /// Takes a name under which nothing is; fails when something appeared there.
    fn place(self, name: &OsString) -> io::Result<()> {
        match self.dir.hard_link(&self.name, self.dir, name) {
            Ok(()) => {}
            Err(fault) if fault.kind() == io::ErrorKind::AlreadyExists => return Err(fault),
            // A file system without hard links: the name is taken first, which only one can do, and then replaced.
            Err(_) => {
                self.dir.open_with(name, OpenOptions::new().write(true).create_new(true).follow(FollowSymlinks::No))?;
                return self.replace(name);
            }
        }
        // Dropping removes the first name; the file stays under the other.
        settle(self.dir);
        Ok(())
    }
}

impl Drop for Draft<'_> {
    fn drop(&mut self) {
        if !self.kept {
            let _ = self.dir.remove_file(&self.name);
        }
    }
}

/// Brings the names of a folder to the disk, where the system can.
fn settle(dir: &Dir) {
    if let Ok(folder) = dir.open(".") {
        let _ = folder.sync_all();
    }
}
