//! `fs-search-files`.

use std::fmt::Write as _;
use std::io::Read;

use globset::{GlobBuilder, GlobMatcher};
use regex::bytes::{Regex, RegexBuilder};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::FILE_LIMIT;
use super::fault::{Doing, FsFault};
use super::list::first_names;
use super::roots::{Entry, Folder, Roots, kind, open_file};
use super::tool::FsTool;
use crate::apart::Watch;

/// Results of one answer.
const MOST: usize = 2000;
/// Things that are looked at before the search gives up, and says so.
const LOOKED_AT: u64 = 500_000;
/// Names held of one folder.
const NAMES: usize = 100_000;
const DEPTH: usize = 64;
/// Characters of a line that are shown.
const LINE: usize = 400;

/// The arguments.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Args {
    /// The folder to search: beneath a root, or relative to the first root; `.` is the first root. 要搜索的文件夹；`.` 表示第一个根。
    #[schemars(length(min = 1, max = 4096))]
    root: String,
    /// A glob, such as `*.yaml` (names at any depth) or `src/**/*.rs` (paths from the folder). 通配模式，如 `*.yaml`（任意深度的名称）或 `src/**/*.rs`（相对路径）。
    #[schemars(length(min = 1, max = 1000))]
    pattern: String,
    /// A regular expression that a line of the file must match. 文件中某一行须匹配的正则表达式。
    #[serde(default)]
    #[schemars(length(max = 1000))]
    content: Option<String>,
    /// At most so many results. 最多返回的结果数。
    #[serde(default = "two_hundred")]
    #[schemars(range(min = 1, max = 2000))]
    max_results: usize,
}

fn two_hundred() -> usize {
    200
}

/// What was found.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Out {
    /// The folder that was searched.
    root: String,
    /// What was found, by path.
    matches: Vec<Match>,
    /// Whether there may be more.
    truncated: bool,
    /// How many files and folders were looked at.
    looked_at: u64,
    /// How many could not be: unreadable, or over 8 MiB.
    skipped: u64,
}

/// One thing found.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Match {
    /// Relative to the folder that was searched.
    path: String,
    /// `file`, `folder`, …
    kind: String,
    /// Its size in bytes, when it is a file.
    size: Option<u64>,
    /// The line, from 1, when contents were searched.
    line: Option<u64>,
    /// That line, cut to 400 characters.
    text: Option<String>,
}

/// The tool.
#[derive(Debug)]
pub(super) struct SearchFiles;

impl FsTool for SearchFiles {
    const NAME: &'static str = "fs-search-files";
    const TITLE: &'static str = "Search files · 搜索文件";
    const ABOUT: &'static str = "Finds files by a glob over their names and, if given, a regular expression over their lines. 按名称通配模式查找文件，并可用正则表达式匹配其中的行。";
    const READS: bool = true;
    type Args = Args;
    type Out = Out;

    fn run(roots: &Roots, args: Args, watch: &mut Watch) -> Result<(Out, String), FsFault> {
        if args.max_results == 0 || args.max_results > MOST {
            return Err(FsFault::TooLarge { path: "max_results".into(), size: args.max_results as u64, limit: MOST as u64 });
        }
        let wanted = Wanted::parse(&args)?;
        let folder = roots.folder(&args.root)?;
        let out = Out { root: folder.shown.display().to_string(), matches: Vec::new(), truncated: false, looked_at: 0, skipped: 0 };
        let mut search = Search { roots, wanted, most: args.max_results, out, watch };
        search.folder(folder, "", 0)?;
        let out = search.out;
        let words = words(&out);
        Ok((out, words))
    }
}

/// The patterns.
struct Wanted {
    glob: GlobMatcher,
    whole_path: bool,
    line: Option<Regex>,
}

impl Wanted {
    fn parse(args: &Args) -> Result<Self, FsFault> {
        let glob = GlobBuilder::new(&args.pattern)
            .literal_separator(true)
            .build()
            .map_err(|fault| FsFault::BadPattern { field: "pattern", reason: fault.to_string() })?;
        let compile = |pattern: &String| {
            RegexBuilder::new(pattern)
                .size_limit(1 << 20)
                .dfa_size_limit(4 << 20)
                .build()
                .map_err(|fault| FsFault::BadPattern { field: "content", reason: fault.to_string().replace('\n', " ") })
        };
        let line = args.content.as_ref().map(compile).transpose()?;
        Ok(Self { glob: glob.compile_matcher(), whole_path: args.pattern.contains('/'), line })
    }

    fn fits(&self, name: &std::ffi::OsStr, path: &str) -> bool {
        if self.whole_path { self.glob.is_match(path) } else { self.glob.is_match(name) }
    }
}

struct Search<'s> {
    roots: &'s Roots,
    wanted: Wanted,
    most: usize,
    out: Out,
    watch: &'s mut Watch,
}

impl Search<'_> {
    fn full(&mut self) -> bool {
        let full = self.out.matches.len() >= self.most || self.out.looked_at >= LOOKED_AT;
        self.out.truncated |= full;
        full
    }

    fn folder(&mut self, folder: Folder, before: &str, depth: usize) -> Result<(), FsFault> {
        let mut seen = 0;
        let (names, more, unread) = match first_names(&folder, NAMES, &mut seen, self.watch) {
            Ok(names) => names,
            Err(fault @ FsFault::Stopped(_)) => return Err(fault),
            Err(fault) if depth == 0 => return Err(fault),
            Err(_) => {
                self.out.skipped += 1;
                return Ok(());
            }
        };
        self.out.truncated |= more;
        self.out.skipped += unread;
        let mut entry = Entry { folder, name: std::ffi::OsString::new(), meta: None };
        for name in names {
            if self.full() {
                return Ok(());
            }
            self.watch.tick()?;
            self.out.looked_at += 1;
            let path = format!("{before}{}", name.to_string_lossy());
            let (done, hits) = (self.out.looked_at, self.out.matches.len());
            self.watch.progress(done, || format!("{hits} found · {path}"));
            let Ok(meta) = entry.folder.dir.symlink_metadata(&name) else {
                self.out.skipped += 1;
                continue;
            };
            let below = if meta.is_dir() {
                match self.roots.enter(&entry.folder, &name, &path, Doing::Listing) {
                    Ok(below) => Some(below),
                    Err(FsFault::Private { .. } | FsFault::NotStorage { .. }) => continue,
                    Err(_) => {
                        self.out.skipped += 1;
                        None
                    }
                }
            } else {
                None
            };
            if self.wanted.fits(&name, &path) {
                let is_file = meta.is_file();
                let size = is_file.then(|| meta.len());
                let kind = kind(meta.file_type());
                entry.name.clone_from(&name);
                entry.meta = Some(meta);
                if self.wanted.line.is_none() {
                    self.out.matches.push(Match { path: path.clone(), kind: kind.into(), size, line: None, text: None });
                } else if is_file {
                    self.lines(&entry, &path, size)?;
                }
            }
            if let Some(below) = below {
                if depth >= DEPTH {
                    self.out.truncated = true;
                } else {
                    self.folder(below, &format!("{path}/"), depth + 1)?;
                }
            }
        }
        Ok(())
    }

    fn lines(&mut self, entry: &Entry, path: &str, size: Option<u64>) -> Result<(), FsFault> {
        let Ok((file, meta)) = open_file(entry, path) else {
            self.out.skipped += 1;
            return Ok(());
        };
        let mut bytes = Vec::new();
        // One byte over the limit is enough to know that a file grew beyond it.
        let read = if meta.len() > FILE_LIMIT { Ok(usize::MAX) } else { file.take(FILE_LIMIT + 1).read_to_end(&mut bytes) };
        if !matches!(read, Ok(read) if read as u64 <= FILE_LIMIT) {
            self.out.skipped += 1;
            return Ok(());
        }
        if bytes.iter().take(8192).any(|&byte| byte == 0) {
            return Ok(());
        }
        let Some(wanted) = self.wanted.line.clone() else { return Ok(()) };
        for (nth, line) in bytes.split(|&byte| byte == b'\n').enumerate() {
            if nth % 256 == 0 {
                self.watch.tick()?;
            }
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if !wanted.is_match(line) {
                continue;
            }
            if self.full() {
                return Ok(());
            }
            let text = String::from_utf8_lossy(&line[..line.len().min(LINE * 4)]).chars().take(LINE).collect();
            self.out.matches.push(Match { path: path.into(), kind: "file".into(), size, line: Some(nth as u64 + 1), text: Some(text) });
        }
        Ok(())
    }
}

fn words(out: &Out) -> String {
    let mut text = format!("{}: {} found{}\n", out.root, out.matches.len(), if out.truncated { ", and perhaps more" } else { "" });
    for hit in &out.matches {
        let _ = match (&hit.line, &hit.text) {
            (Some(line), Some(words)) => writeln!(text, "{}:{line}: {words}", hit.path),
            _ => writeln!(text, "{}{}", hit.path, if hit.kind == "folder" { "/" } else { "" }),
        };
    }
    if out.skipped > 0 {
        let _ = writeln!(text, "{} could not be looked at", out.skipped);
    }
    text
}
