//! Rules about paths that need no disk.
//!
//! **Invariant:** no module function here performs I/O; a path is compared by whole components, never by a string's beginning.

use std::path::{Component, Path, PathBuf};

/// The longest path that is looked at.
const LONGEST: usize = 4096;

/// The rule that a path breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unfit {
    /// Nothing in it.
    Empty,
    /// A NUL byte.
    Nul,
    /// `..` somewhere.
    Parent,
    /// A leading `~`.
    Home,
    /// Over the length.
    Long,
    /// A name that means something else on Windows: a device, a stream, a trailing dot or space.
    Reserved,
}

impl Unfit {
    /// English and Chinese.
    pub(super) fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Empty => ("it is empty", "路径为空"),
            Self::Nul => ("it contains a NUL byte", "包含 NUL 字节"),
            Self::Parent => ("`..` is not followed; write the path without it", "不支持 `..`；请写出不含它的路径"),
            Self::Home => ("`~` is not expanded; write the whole path", "不会展开 `~`；请写出完整路径"),
            Self::Long => ("it is longer than 4096 bytes", "超过 4096 字节"),
            Self::Reserved => {
                ("a part of it names a device, a stream or another file than it seems to", "其中一部分表示设备、数据流或另一个文件")
            }
        }
    }
}

/// Which rule a path breaks, if any. `windows` is a value so that its rules are tried everywhere.
pub(super) fn unfit(text: &str, windows: bool) -> Option<Unfit> {
    let separator = |c: char| c == '/' || (windows && c == '\\');
    if text.is_empty() {
        return Some(Unfit::Empty);
    }
    if text.len() > LONGEST {
        return Some(Unfit::Long);
    }
    if text.contains('\0') {
        return Some(Unfit::Nul);
    }
    let mut parts = text.split(separator);
    if matches!(parts.clone().next(), Some("~")) {
        return Some(Unfit::Home);
    }
    if parts.clone().any(|part| part == "..") {
        return Some(Unfit::Parent);
    }
    if windows {
        let drive = |part: &str| part.len() == 2 && part.ends_with(':') && part.starts_with(|c: char| c.is_ascii_alphabetic());
        if parts.clone().next().is_some_and(drive) {
            parts.next();
        }
        if parts.any(reserved_on_windows) {
            return Some(Unfit::Reserved);
        }
    }
    None
}

/// Whether Windows would take this name for something else.
fn reserved_on_windows(part: &str) -> bool {
    if part.is_empty() || part == "." {
        return false;
    }
    let stem = part.split('.').next().unwrap_or(part).trim_end().to_ascii_uppercase();
    let numbered = |prefix: &str| {
        stem.strip_prefix(prefix)
            .is_some_and(|rest| matches!(rest, "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" | "¹" | "²" | "³"))
    };
    let short_name = part.split('.').next().is_some_and(|stem| {
        stem.rsplit_once('~').is_some_and(|(_, digits)| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
    });
    part.ends_with(['.', ' '])
        || part.chars().any(|c| c.is_control() || matches!(c, '<' | '>' | ':' | '"' | '|' | '?' | '*'))
        || matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$")
        || numbered("COM")
        || numbered("LPT")
        || short_name
}

/// A folder of a setting, `~` and `~/…` spelled out where the home is known.
pub(super) fn at_home(text: &str, home: Option<&Path>) -> PathBuf {
    match (home, text.strip_prefix('~')) {
        (Some(home), Some("")) => home.to_owned(),
        (Some(home), Some(rest)) if rest.starts_with(['/', std::path::MAIN_SEPARATOR]) => {
            home.join(rest.trim_start_matches(['/', std::path::MAIN_SEPARATOR]))
        }
        _ => PathBuf::from(text),
    }
}

/// Why a folder cannot be a root, if it cannot.
pub(super) fn unfit_root(folder: &Path) -> Option<String> {
    if let Some(rule) = folder.to_str().map_or(Some(Unfit::Reserved), |text| unfit(text, cfg!(windows))) {
        return Some(format!("cannot be a root: {}", rule.words().0));
    }
    (!folder.is_absolute()).then(|| "must be a whole path, from the top".to_owned())
}

/// The path without `.` and doubled separators; what is left is names only.
pub(super) fn names(path: &Path) -> Option<PathBuf> {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::Normal(name) => out.push(name),
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f11_paths_that_are_never_looked_up() {
        for (text, rule) in [
            ("", Unfit::Empty),
            ("a\0b", Unfit::Nul),
            ("\0", Unfit::Nul),
            ("..", Unfit::Parent),
            ("../x", Unfit::Parent),
            ("a/../b", Unfit::Parent),
            ("/srv/../etc/passwd", Unfit::Parent),
            ("a/..", Unfit::Parent),
            ("~", Unfit::Home),
            ("~/.ssh/id_rsa", Unfit::Home),
        ] {
            assert_eq!(unfit(text, false), Some(rule), "{text:?}");
            assert_eq!(unfit(text, true), Some(rule), "{text:?} on Windows");
        }
        assert_eq!(unfit(&"x/".repeat(3000), false), Some(Unfit::Long));
        for text in [".", "a", "./a//b/.", "/a", "a..b", "..a", "...", "~a", "a~", "name ", "\"q\"", "a\nb", "a:b", "CON"] {
            assert_eq!(unfit(text, false), None, "{text:?} is a name like any other here");
        }
    }

    #[test]
    fn f11_names_that_windows_takes_for_something_else_are_refused_there() {
        for text in [
            "a.txt:b",
            "a.txt::$DATA",
            "CON",
            "con.txt",
            "sub/NUL",
            "COM1.log",
            "LPT9",
            "name ",
            "name.",
            "a/b. /c",
            "PROGRA~1/x",
            "q\"",
            "a*",
            "a\\..\\b",
            "x\u{1}",
        ] {
            assert!(unfit(text, true).is_some(), "{text:?}");
        }
        for text in ["C:\\Users\\me", "C:/Users/me/a.txt", "console.txt", "com10", "a~b", "sub\\file.txt"] {
            assert_eq!(unfit(text, true), None, "{text:?}");
        }
    }

    #[test]
    fn home_is_spelled_out_only_where_a_shell_would() {
        let home = Some(Path::new("/home/me"));
        for (text, path) in [("~", "/home/me"), ("~/x", "/home/me/x"), ("~//etc", "/home/me/etc"), ("~you", "~you"), ("/a/~", "/a/~")] {
            assert_eq!(at_home(text, home), PathBuf::from(path));
        }
        assert_eq!(at_home("~/x", None), PathBuf::from("~/x"));
    }
}
