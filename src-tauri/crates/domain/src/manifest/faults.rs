//! Why a manifest was not applied, in both languages.

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
            "未作任何更改：批准的内容与现在会发生的不一致（清单、选项或集群此后有变化，或从未演练过）",
        ),
        Text::new("Rehearse again, look at it, and apply with the new digest.", "请重新演练、查看结果，再用新的摘要应用。"),
    )
}

/// It lasted too long.
pub fn expired() -> Fault {
    Fault::new(
        FaultKind::Denied,
        "rehearsal_expired",
        Text::new("nothing was changed: this rehearsal is older than fifteen minutes", "未作任何更改：该演练已超过十五分钟"),
        Text::new("Rehearse again, look at it, and apply with the new digest.", "请重新演练、查看结果，再用新的摘要应用。"),
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
            "请从清单中去掉这些字段、在其管理者处修改，或重新演练并接管这些字段。",
        ),
    )
    .with_params(json!({ "conflicts": open }))
}

/// The API server would not take objects of the set: each with the path and the reason.
pub fn refused_by_server(problems: &[(ObjectRef, String, Text)]) -> Fault {
    let list = |chinese: bool| {
        let one = |(object, path, text): &(ObjectRef, String, Text)| {
            let text = if chinese { &text.zh } else { &text.en };
            if path.is_empty() { format!("{object}: {text}") } else { format!("{object}: {path}: {text}") }
        };
        let mut all: Vec<String> = problems.iter().take(20).map(one).collect();
        if problems.len() > all.len() {
            all.push("…".to_owned());
        }
        all.join("; ")
    };
    let rows: Vec<_> = problems.iter().map(|(object, path, text)| json!({ "object": object, "path": path, "message": text })).collect();
    Fault::new(
        FaultKind::Config,
        "manifest_refused",
        Text::new(
            format!("nothing was changed: the API server would not take it: {}", list(false)),
            format!("未作任何更改：API 服务器不会接受：{}", list(true)),
        ),
        Text::new("Correct the manifest and rehearse again.", "请更正清单后重新演练。"),
    )
    .with_params(json!({ "problems": rows }))
}
