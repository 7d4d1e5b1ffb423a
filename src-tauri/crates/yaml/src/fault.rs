//! Why a text is not the YAML that was wanted: a place and a reason, never a piece of the text.

use serde_saphyr::Error;

/// Why a text was refused, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason} (line {line}, column {column})")]
pub struct YamlFault {
    /// From 1; 0 when it is about the whole text.
    pub line: u64,
    /// From 1; 0 when it is about the whole text.
    pub column: u64,
    /// Why.
    pub reason: Reason,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// More text than such a document may have.
    #[error("it is larger than {limit} bytes")]
    TooLarge {
        /// The limit.
        limit: usize,
    },
    /// A character that no such file holds.
    #[error("it holds the character U+{code:04X}")]
    Character {
        /// Which.
        code: u32,
    },
    /// Bytes that are no text.
    #[error("it is no UTF-8 or UTF-16 text at byte {offset}")]
    Encoding {
        /// The first of them, from 0.
        offset: usize,
    },
    /// Reading took too long.
    #[error("reading it took too long")]
    Late,
    /// It is no YAML.
    #[error("it is no valid YAML")]
    Syntax,
    /// The same key twice in one mapping.
    #[error("a key stands there twice")]
    DuplicateKey,
    /// An alias without its anchor, or within it.
    #[error("an alias has no anchor")]
    UnknownAlias,
    /// More nesting, values or aliases than allowed.
    #[error("it has too many {what}")]
    TooMany {
        /// Of what: `values`, `levels`, `aliases`, `documents`, `bytes`.
        what: &'static str,
    },
    /// `<<` where merging is not understood.
    #[error("merge keys (<<) are not read here")]
    MergeKey,
    /// A tag that is not YAML's own.
    #[error("a tag is not known")]
    Tag,
    /// More than one document.
    #[error("it holds more than one document")]
    SeveralDocuments,
    /// A value of another sort than wanted.
    #[error("a value is of the wrong sort")]
    Sort,
}

impl Reason {
    /// The same in Chinese.
    pub fn zh(&self) -> String {
        match self {
            Self::TooLarge { limit } => format!("超过 {limit} 字节"),
            Self::Character { code } => format!("包含字符 U+{code:04X}"),
            Self::Encoding { offset } => format!("第 {offset} 字节处不是有效的 UTF-8 或 UTF-16 文本"),
            Self::Late => "读取耗时过长".into(),
            Self::Syntax => "不是有效的 YAML".into(),
            Self::DuplicateKey => "同一个键出现了两次".into(),
            Self::UnknownAlias => "别名没有对应的锚点".into(),
            Self::TooMany { what } => {
                let what = match *what {
                    "values" => "值",
                    "levels" => "嵌套层级",
                    "aliases" => "别名",
                    "documents" => "文档",
                    _ => "字节",
                };
                format!("{what}过多")
            }
            Self::MergeKey => "此处不支持合并键（<<）".into(),
            Self::Tag => "包含未知标签".into(),
            Self::SeveralDocuments => "包含多个文档".into(),
            Self::Sort => "某个值的类型不正确".into(),
        }
    }
}

impl YamlFault {
    /// Sorts what the parser said. Its own words are dropped: some quote the text.
    pub(crate) fn of(fault: &Error) -> Self {
        let (line, column) = fault.location().map_or((0, 0), |place| (place.line(), place.column()));
        Self { line, column, reason: reason(fault.without_snippet()) }
    }

    pub(crate) fn at(line: usize, column: usize, reason: Reason) -> Self {
        Self { line: line as u64, column: column as u64, reason }
    }
}

fn reason(fault: &Error) -> Reason {
    use serde_saphyr::budget::BudgetBreach;
    match fault {
        Error::MultipleDocuments { .. } => Reason::SeveralDocuments,
        Error::DuplicateMappingKey { .. } => Reason::DuplicateKey,
        Error::UnknownAnchor { .. } | Error::RecursiveReferencesRequireWeakTypes { .. } => Reason::UnknownAlias,
        Error::MergeKeyNotAllowed { .. } | Error::MergeValueNotMapOrSeqOfMaps { .. } => Reason::MergeKey,
        Error::UnsupportedTag { .. } => Reason::Tag,
        Error::AliasReplayCounterOverflow { .. }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. } => Reason::TooMany { what: "aliases" },
        Error::Budget { breach, .. } => match breach {
            BudgetBreach::Aliases { .. }
            | BudgetBreach::Anchors { .. }
            | BudgetBreach::RecordedAnchorEvents { .. }
            | BudgetBreach::RecordedAnchorBytes { .. } => Reason::TooMany { what: "aliases" },
            BudgetBreach::Depth { .. } => Reason::TooMany { what: "levels" },
            BudgetBreach::Documents { .. } => Reason::TooMany { what: "documents" },
            BudgetBreach::MergeKeys { .. } => Reason::MergeKey,
            BudgetBreach::ScalarBytes { .. } => Reason::TooMany { what: "bytes" },
            _ => Reason::TooMany { what: "values" },
        },
        Error::SerdeInvalidType { .. }
        | Error::SerdeInvalidValue { .. }
        | Error::SerdeInvalidLength { .. }
        | Error::SerdeUnknownVariant { .. }
        | Error::SerdeUnknownField { .. }
        | Error::SerdeMissingField { .. }
        | Error::InvalidScalar { .. }
        | Error::NonFiniteFloat { .. }
        | Error::NullIntoString { .. } => Reason::Sort,
        Error::AliasError { error, .. } => reason(error),
        _ => Reason::Syntax,
    }
}
