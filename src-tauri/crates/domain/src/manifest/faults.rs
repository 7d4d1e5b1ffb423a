//! Why a manifest was not applied, in both languages.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{FieldConflict, ObjectRef};
use crate::fault::{Fault, FaultKind};
use crate::text::Text;

/// It is no manifest.
pub(super) fn no_manifest(document: usize, en: &str, zh: &str) -> Fault {
    let (place_en, place_zh) = match document {
        0 => (String::new(), String::new()),
        nth => (format!("document {nth}: "), format!("第 {nth} 个文档：")),
    };
    Fault::new(
        FaultKind::Config,
        "manifest_invalid",
        Text::new(format!("this manifest cannot be used: {place_en}{en}"), format!("无法使用该清单：{place_zh}{zh}")),
        Text::new("Correct it and try again.", "请更正后重试。"),
    )
    .with_params(json!({ "document": document }))
}

/// The digest does not hold, or nobody rehearsed this.
pub fn stale() -> Fault {
    Fault::new(
        FaultKind::Denied,
        "rehearsal_stale",
        Text::new(
            "nothing was changed: what was approved is not what would happen now (the manifest, the options or the cluster changed since, or nobody rehearsed this)",
            "未作任何更改：批准的内容与现在会发生的不一致（清单、选项或集群此后有变化，或从未排演过）",
        ),
        Text::new("Rehearse again, look at it, and apply with the new digest.", "请重新排演、查看结果，再用新的摘要应用。"),
    )
}

/// It lasted too long.
pub fn expired() -> Fault {
    Fault::new(
        FaultKind::Denied,
        "rehearsal_expired",
        Text::new("nothing was changed: this rehearsal is older than fifteen minutes", "未作任何更改：该排演已超过十五分钟"),
        Text::new("Rehearse again, look at it, and apply with the new digest.", "请重新排演、查看结果，再用新的摘要应用。"),
    )
}

/// Fields belong to somebody else.
pub fn conflicted(open: &[&FieldConflict]) -> Fault {
    let list = |with: &str| {
        let one = |conflict: &&FieldConflict| format!("{} {} ({with} {})", conflict.object, conflict.path, conflict.manager);
        open.iter().take(8).map(one).collect::<Vec<_>>().join("; ")
    };
    Fault::new(
        FaultKind::Denied,
        "field_conflict",
        Text::new(
            format!("nothing was changed: somebody else manages {}", list("managed by")),
            format!("未作任何更改：以下字段由他人管理：{}", list("管理者")),
        ),
        Text::new(
            "Leave these fields out of the manifest, change them where their manager takes them from, or rehearse again and take them over.",
            "请从清单中去掉这些字段、在其管理者处修改，或重新排演并接管这些字段。",
        ),
    )
    .with_params(json!({ "conflicts": open }))
}

/// A place in the text of a manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct At {
    /// The document, from 1.
    pub document: usize,
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
}

/// Something in a manifest that the API server would not take.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Refusal {
    /// In which object.
    pub object: ObjectRef,
    /// Where in it, as the API server writes it; empty for the whole object.
    pub path: String,
    /// What is wrong.
    pub message: Text,
    /// Where that stands in the text.
    #[serde(flatten)]
    pub at: Option<At>,
}

/// The API server would not take objects of the set: each with the path, the place and the reason.
pub fn refused_by_server(problems: &[Refusal]) -> Fault {
    let list = |chinese: bool| {
        let one = |found: &Refusal| {
            let text = if chinese { &found.message.zh } else { &found.message.en };
            let line = match found.at {
                Some(at) if chinese => format!("（第 {} 行）", at.line),
                Some(at) => format!(" (line {})", at.line),
                None => String::new(),
            };
            let path = if found.path.is_empty() { String::new() } else { format!("{}: ", found.path) };
            format!("{}{line}: {path}{text}", found.object)
        };
        let mut all: Vec<String> = problems.iter().take(20).map(one).collect();
        if problems.len() > all.len() {
            all.push("…".to_owned());
        }
        all.join("; ")
    };
    Fault::new(
        FaultKind::Config,
        "manifest_refused",
        Text::new(
            format!("nothing was changed: the API server would not take it: {}", list(false)),
            format!("未作任何更改：API 服务器不会接受：{}", list(true)),
        ),
        Text::new("Correct the manifest and rehearse again.", "请更正清单后重新排演。"),
    )
    .with_params(json!({ "problems": problems }))
}
