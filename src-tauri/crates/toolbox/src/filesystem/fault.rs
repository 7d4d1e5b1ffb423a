//! Why a file tool did not do it.

use std::io;

use domain::fault::ServerFault;
use domain::text::Text;
use domain::tool::{Content, ToolResult};

use super::path::Unfit;

/// What was attempted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doing {
    /// Opening or reading.
    Reading,
    /// Writing, renaming, making a folder.
    Writing,
    /// Listing.
    Listing,
}

impl Doing {
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Reading => ("read", "读取"),
            Self::Writing => ("write", "写入"),
            Self::Listing => ("list", "列出"),
        }
    }
}

/// Why not. `path` is as the caller spelled it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum FsFault {
    /// The path breaks a rule before anything is looked at.
    BadPath { path: String, rule: Unfit },
    /// It is beneath no root.
    OutsideRoots { path: String, roots: Vec<String> },
    /// It leads out of its root, by a link or a race.
    LeadsOutside { path: String },
    /// It is our own data.
    Private { path: String },
    /// Nothing is there.
    NotFound { path: String },
    /// Something is there already.
    Exists { path: String },
    /// It is no regular file, or no folder.
    WrongKind { path: String, is: &'static str, wanted: &'static str },
    /// It lies on a file system that is not storage, such as /proc.
    NotStorage { path: String },
    /// It changed between two looks.
    Changed { path: String },
    /// It has more than one name.
    HardLinked { path: String, links: u64 },
    /// It, or what was given, is too large.
    TooLarge { path: String, size: u64, limit: u64 },
    /// It is no UTF-8 text.
    NotText { path: String, offset: u64 },
    /// A pattern cannot be used.
    BadPattern { field: &'static str, reason: String },
    /// The system refuses.
    Refused { path: String, doing: Doing },
    /// The disk is full.
    Full { path: String },
    /// Anything else that the system says.
    Io { path: String, doing: Doing, reason: String },
    /// The caller gave up, or the time was over.
    Stopped(ServerFault),
}

impl From<ServerFault> for FsFault {
    fn from(fault: ServerFault) -> Self {
        Self::Stopped(fault)
    }
}

impl FsFault {
    /// What the system said, in our words.
    pub(super) fn io(path: &str, doing: Doing, fault: &io::Error) -> Self {
        let path = path.to_owned();
        // A loop of links, or one of the kernel's magic links, which lead anywhere.
        #[cfg(unix)]
        if fault.raw_os_error() == Some(nix::errno::Errno::ELOOP as i32) {
            return Self::LeadsOutside { path };
        }
        match fault.kind() {
            // cap-std's own "a path led outside of the filesystem" has no number of the system's.
            io::ErrorKind::PermissionDenied if fault.raw_os_error().is_none() => Self::LeadsOutside { path },
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Self::Refused { path, doing },
            io::ErrorKind::NotFound => Self::NotFound { path },
            io::ErrorKind::AlreadyExists => Self::Exists { path },
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { path },
            io::ErrorKind::NotADirectory => Self::WrongKind { path, is: "file", wanted: "folder" },
            io::ErrorKind::IsADirectory => Self::WrongKind { path, is: "folder", wanted: "file" },
            _ => Self::Io { path, doing, reason: fault.to_string() },
        }
    }

    /// The stable name.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::BadPath { .. } => "bad_path",
            Self::OutsideRoots { .. } => "outside_roots",
            Self::LeadsOutside { .. } => "leads_outside",
            Self::Private { .. } => "private",
            Self::NotFound { .. } => "not_found",
            Self::Exists { .. } => "exists",
            Self::WrongKind { .. } => "wrong_kind",
            Self::NotStorage { .. } => "not_storage",
            Self::Changed { .. } => "changed",
            Self::HardLinked { .. } => "hard_linked",
            Self::TooLarge { .. } => "too_large",
            Self::NotText { .. } => "not_text",
            Self::BadPattern { .. } => "bad_pattern",
            Self::Refused { .. } => "refused_by_system",
            Self::Full { .. } => "disk_full",
            Self::Io { .. } => "io",
            Self::Stopped(fault) => fault.code(),
        }
    }

    /// What was attempted, on what, why not, and what next.
    fn words(&self) -> Text {
        match self {
            Self::BadPath { path, rule } => {
                let (en, zh) = rule.words();
                Text::new(
                    format!("`{}` cannot be used as a path: {en}.", path.escape_debug()),
                    format!("`{}` 不能用作路径：{zh}。", path.escape_debug()),
                )
            }
            Self::OutsideRoots { path, roots } => {
                let roots = roots.join(", ");
                Text::new(
                    format!(
                        "`{path}` is not inside a folder that these tools may reach. They may reach: {roots}. Name a path there, or add the folder to the server's roots."
                    ),
                    format!(
                        "`{path}` 不在这些工具可访问的文件夹内。可访问：{roots}。请使用其中的路径，或把该文件夹加入服务器的 roots 设置。"
                    ),
                )
            }
            Self::LeadsOutside { path } => Text::new(
                format!(
                    "`{path}` leads out of its root (by a symbolic link). Nothing was touched. Name the file itself, or add its folder to the server's roots."
                ),
                format!(
                    "`{path}` 通过符号链接指向根文件夹之外，未做任何操作。请直接使用目标文件，或把其所在文件夹加入服务器的 roots 设置。"
                ),
            ),
            Self::Private { path } => Text::new(
                format!("`{path}` belongs to Pilothouse's own data, which no tool may see. Choose another path."),
                format!("`{path}` 属于 Pilothouse 自身的数据，任何工具都不能访问。请选择其他路径。"),
            ),
            Self::NotFound { path } => Text::new(
                format!("there is nothing at `{path}`. List its folder to see what there is."),
                format!("`{path}` 处没有任何内容。可先列出其所在文件夹。"),
            ),
            Self::Exists { path } => Text::new(
                format!("`{path}` exists already and was left as it is. Pass overwrite=true to replace it."),
                format!("`{path}` 已存在，未作改动。如需替换请传 overwrite=true。"),
            ),
            Self::WrongKind { path, is, wanted } => Text::new(
                format!("`{path}` is a {is}; a {wanted} is needed here."),
                format!("`{path}` 是{}；此处需要{}。", kind_zh(is), kind_zh(wanted)),
            ),
            Self::NotStorage { path } => Text::new(
                format!("`{path}` lies on a virtual file system of the kernel, which these tools do not open."),
                format!("`{path}` 位于内核的虚拟文件系统上，这些工具不会打开它。"),
            ),
            Self::Changed { path } => Text::new(
                format!("`{path}` was exchanged for something else while it was being opened. Nothing was touched; try again."),
                format!("`{path}` 在打开过程中被换成了别的内容，未做任何操作；请重试。"),
            ),
            Self::HardLinked { path, links } => Text::new(
                format!("`{path}` has {links} names (hard links); replacing it would part them. Write to another path."),
                format!("`{path}` 有 {links} 个硬链接名称，替换会使其分离。请写入其他路径。"),
            ),
            Self::TooLarge { path, size, limit } => Text::new(
                format!("`{path}` would be {size} bytes; the limit is {limit}. Work in smaller parts."),
                format!("`{path}` 为 {size} 字节，超过上限 {limit}。请分成更小的部分。"),
            ),
            Self::NotText { path, offset } => Text::new(
                format!("`{path}` is no UTF-8 text (byte {offset}). Read it with encoding=base64."),
                format!("`{path}` 不是 UTF-8 文本（第 {offset} 字节）。请用 encoding=base64 读取。"),
            ),
            Self::BadPattern { field, reason } => {
                Text::new(format!("`{field}` cannot be used as a pattern: {reason}."), format!("`{field}` 不是可用的匹配模式：{reason}。"))
            }
            Self::Refused { path, doing } => {
                let (en, zh) = doing.words();
                Text::new(
                    format!("the system does not let you {en} `{path}`. Check its owner and permissions."),
                    format!("系统不允许{zh} `{path}`。请检查其所有者和权限。"),
                )
            }
            Self::Full { path } => Text::new(
                format!("the disk is full; `{path}` was not changed. Free some space and try again."),
                format!("磁盘已满；`{path}` 未作改动。请释放空间后重试。"),
            ),
            Self::Io { path, doing, reason } => {
                let (en, zh) = doing.words();
                Text::new(format!("could not {en} `{path}`: {reason}."), format!("无法{zh} `{path}`：{reason}。"))
            }
            Self::Stopped(fault) => Text::same(fault.to_string()),
        }
    }

    /// The answer of a tool that could not do it: `code: words` in English, then in Chinese.
    pub(super) fn into_result(self) -> ToolResult {
        let words = self.words();
        ToolResult {
            content: vec![Content::text(format!("{}: {}", self.code(), words.en)), Content::text(words.zh)],
            structured_content: None,
            is_error: true,
        }
    }
}

fn kind_zh(kind: &str) -> &'static str {
    match kind {
        "file" => "文件",
        "folder" => "文件夹",
        "symbolic link" => "符号链接",
        "named pipe" => "命名管道",
        "socket" => "套接字",
        "device" => "设备",
        _ => "其他类型",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn what_the_system_says_becomes_a_fault_of_its_own() {
        use nix::errno::Errno;
        for (errno, code) in [
            (Errno::ENOSPC, "disk_full"),
            (Errno::EDQUOT, "disk_full"),
            (Errno::EACCES, "refused_by_system"),
            (Errno::EROFS, "refused_by_system"),
            (Errno::ENOENT, "not_found"),
            (Errno::EEXIST, "exists"),
            (Errno::ENOTDIR, "wrong_kind"),
            (Errno::EIO, "io"),
        ] {
            let fault = FsFault::io("/a/b", Doing::Writing, &io::Error::from_raw_os_error(errno as i32));
            assert_eq!(fault.code(), code, "{errno}");
            let result = fault.into_result();
            assert!(
                result.is_error && result.content.iter().all(|piece| piece.as_text().is_some_and(|text| text.contains("/a/b"))),
                "{errno} names the path twice"
            );
        }
        let escape = io::Error::new(io::ErrorKind::PermissionDenied, "a path led outside of the filesystem");
        assert_eq!(FsFault::io("x", Doing::Reading, &escape).code(), "leads_outside");
    }
}
