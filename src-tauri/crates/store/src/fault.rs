//! Why something was not kept, or could not be read.

use std::path::{Path, PathBuf};

use domain::Json;
use domain::fault::{Fault, FaultKind};
use domain::text::Text;
use serde_json::json;

/// Why something was not kept, or could not be read.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the fields are the words of each variant's message")]
pub enum StoreFault {
    /// No room left.
    #[error("the disk is full: {what} was not written")]
    Full { what: String },
    /// Another process holds the write lock.
    #[error("another program has kept the store locked for 5 seconds: {what} was not done")]
    Busy { what: String },
    /// Pages that make no sense.
    #[error("the store is damaged: {reason}")]
    Damaged { reason: String },
    /// Made by a later version.
    #[error("the store has schema {found}, and this Pilothouse knows up to {known}")]
    Newer { found: i64, known: i64 },
    /// A migration that ran differs from ours.
    #[error("migration {version} of the store is not the one this Pilothouse knows")]
    ForeignMigration { version: i64 },
    /// A linked SQLite with a known corruption bug.
    #[error("SQLite {found} is linked; at least 3.51.3 is needed")]
    OldSqlite { found: String },
    /// The operating system said no.
    #[error("could not {what} {path}")]
    Io { what: &'static str, path: PathBuf, source: std::io::Error },
    /// SQLite said no, for a reason that has no variant of its own.
    #[error("the store could not {what}")]
    Sql { what: String, source: sqlx::Error },
    /// A row that does not decode.
    #[error("a row of {table} could not be read: {reason}")]
    Row { table: &'static str, reason: String },
    /// A second server with the same name.
    #[error("another server is called {name}")]
    NameTaken { name: String },
    /// A second cluster with the same name.
    #[error("another cluster is called {name}")]
    ClusterNameTaken { name: String },
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
}

impl StoreFault {
    pub(crate) fn io(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| match source.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Self::Full { what: path.display().to_string() },
            _ => Self::Io { what, path, source },
        }
    }

    /// Sorts what SQLite said.
    pub(crate) fn sql(what: impl Into<String>, source: sqlx::Error) -> Self {
        let what = what.into();
        match primary_code(&source) {
            Some(SQLITE_FULL) => Self::Full { what },
            Some(SQLITE_BUSY | SQLITE_LOCKED) => Self::Busy { what },
            Some(SQLITE_CORRUPT | SQLITE_NOTADB) => Self::Damaged { reason: source.to_string() },
            _ => match source {
                sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => Self::Closed,
                sqlx::Error::PoolTimedOut => Self::Busy { what },
                source => Self::Sql { what, source },
            },
        }
    }

    /// Whether writing may succeed later without anybody repairing the store.
    pub(crate) fn passes(&self) -> bool {
        matches!(self, Self::Full { .. } | Self::Busy { .. } | Self::Io { .. } | Self::Sql { .. })
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Full { .. } => "disk_full",
            Self::Busy { .. } => "store_busy",
            Self::Damaged { .. } => "store_damaged",
            Self::Newer { .. } => "store_newer",
            Self::ForeignMigration { .. } => "store_foreign",
            Self::OldSqlite { .. } => "sqlite_too_old",
            Self::Io { .. } => "store_io",
            Self::Sql { .. } => "store_sql",
            Self::Row { .. } => "store_row",
            Self::NameTaken { .. } => "name_taken",
            Self::ClusterNameTaken { .. } => "cluster_name_taken",
            Self::Closed => "store_closed",
        }
    }

    fn words(&self) -> (Text, Text) {
        let en = match std::error::Error::source(self) {
            Some(source) => format!("{self}: {source}"),
            None => self.to_string(),
        };
        match self {
            Self::Full { what } => (
                Text::new(en, format!("磁盘已满：未能写入{what}")),
                Text::new(
                    "Free some space on the disk that holds the configuration folder. Until then nothing runs that must be recorded.",
                    "请在配置目录所在磁盘上释放空间。在此之前，任何需要记录的操作都不会执行。",
                ),
            ),
            Self::Busy { what } => (
                Text::new(en, format!("另一个程序锁住存储已超过 5 秒：未能执行{what}")),
                Text::new(
                    "Close the other program that uses this configuration folder, then try again.",
                    "请关闭正在使用该配置目录的其他程序，然后重试。",
                ),
            ),
            Self::Damaged { reason } => (
                Text::new(en, format!("存储已损坏：{reason}")),
                Text::new(
                    "Close every Pilothouse and start it again: the damaged file is set aside and the newest good copy takes its place.",
                    "请关闭所有 Pilothouse 后重新启动：损坏的文件会被移到一旁，并用最新的完好副本替换。",
                ),
            ),
            Self::Newer { found, known } => (
                Text::new(en, format!("存储的结构版本为 {found}，而当前的 Pilothouse 只支持到 {known}")),
                Text::new(
                    "Use the newer Pilothouse, or another --config-dir. Nothing was changed.",
                    "请使用更新版本的 Pilothouse，或另选 --config-dir。未作任何更改。",
                ),
            ),
            Self::ForeignMigration { version } => (
                Text::new(en, format!("存储的迁移 {version} 与当前 Pilothouse 所知的不一致")),
                Text::new(
                    "This folder was written by another build. Use another --config-dir. Nothing was changed.",
                    "该目录由其他构建写入。请另选 --config-dir。未作任何更改。",
                ),
            ),
            Self::OldSqlite { found } => (
                Text::new(en, format!("链接的 SQLite 版本为 {found}，至少需要 3.51.3")),
                Text::new("Build Pilothouse with the bundled SQLite.", "请使用内置的 SQLite 构建 Pilothouse。"),
            ),
            Self::Io { what, path, source } => (
                Text::new(en, format!("操作失败（{what}）{}：{source}", path.display())),
                Text::new("Check that the configuration folder exists, is yours and can be written.", "请确认配置目录存在、属于您且可写。"),
            ),
            Self::Sql { what, source } => (
                Text::new(en, format!("存储未能{what}：{source}")),
                Text::new("Try again; if it stays, copy the diagnostics and report it.", "请重试；若仍出现，请复制诊断信息并报告。"),
            ),
            Self::Row { table, reason } => (
                Text::new(en, format!("无法读取 {table} 中的一行：{reason}")),
                Text::new("The row was written by another version or changed by hand.", "该行由其他版本写入或被手动更改。"),
            ),
            Self::NameTaken { name } => {
                (Text::new(en, format!("已有另一台服务器名为 {name}")), Text::new("Choose another name.", "请换一个名称。"))
            }
            Self::ClusterNameTaken { name } => {
                (Text::new(en, format!("已有另一个集群名为 {name}")), Text::new("Choose another name.", "请换一个名称。"))
            }
            Self::Closed => {
                (Text::new(en, "存储已关闭"), Text::new("Pilothouse is ending. Start it again.", "Pilothouse 正在退出，请重新启动。"))
            }
        }
    }

    fn params(&self) -> Json {
        match self {
            Self::Full { what } | Self::Busy { what } | Self::Sql { what, .. } => json!({ "what": what }),
            Self::Newer { found, known } => json!({ "found": found, "known": known }),
            Self::ForeignMigration { version } => json!({ "version": version }),
            Self::OldSqlite { found } => json!({ "found": found }),
            Self::Io { what, path, .. } => json!({ "what": what, "path": path.display().to_string() }),
            Self::Row { table, .. } => json!({ "table": table }),
            Self::NameTaken { name } | Self::ClusterNameTaken { name } => json!({ "name": name }),
            Self::Damaged { .. } | Self::Closed => Json::Null,
        }
    }
}

impl From<StoreFault> for Fault {
    fn from(fault: StoreFault) -> Self {
        let (message, hint) = fault.words();
        let kind = if matches!(fault, StoreFault::NameTaken { .. } | StoreFault::ClusterNameTaken { .. }) {
            FaultKind::Config
        } else {
            FaultKind::Storage
        };
        Self::new(kind, fault.code(), message, hint).with_params(fault.params())
    }
}

const SQLITE_BUSY: u32 = 5;
const SQLITE_LOCKED: u32 = 6;
const SQLITE_CORRUPT: u32 = 11;
const SQLITE_FULL: u32 = 13;
const SQLITE_CONSTRAINT: u32 = 19;
const SQLITE_NOTADB: u32 = 26;

/// SQLite's primary result code, without the extension in the higher bits.
fn primary_code(fault: &sqlx::Error) -> Option<u32> {
    fault.as_database_error()?.code()?.parse::<u32>().ok().map(|code| code & 0xff)
}

pub(crate) fn is_conflict(fault: &sqlx::Error) -> bool {
    primary_code(fault) == Some(SQLITE_CONSTRAINT)
}
