//! Why a kubeconfig was not read or not written, in words.

use std::path::Path;

use domain::fault::{Fault, FaultKind};
use domain::text::Text;
use serde_json::json;
use yaml::YamlFault;

fn look() -> Text {
    Text::new("look at the name, the permissions and what sort of file it is", "请检查文件名、权限和文件类型")
}

/// It could not be read, or must not be.
pub(super) fn unreadable(file: &Path, en: &str, zh: &str) -> Fault {
    let shown = file.display();
    Fault::new(
        FaultKind::Config,
        "kubeconfig_unreadable",
        Text::new(format!("the kubeconfig {shown} was not read: {en}"), format!("未读取 kubeconfig {shown}：{zh}")),
        look(),
    )
    .with_params(json!({ "file": shown.to_string() }))
}

/// It is no kubeconfig.
pub(super) fn malformed(file: &str, fault: &YamlFault) -> Fault {
    let (en, zh) = if fault.line == 0 {
        (fault.reason.to_string(), fault.reason.zh())
    } else {
        (fault.to_string(), format!("{}（第 {} 行，第 {} 列）", fault.reason.zh(), fault.line, fault.column))
    };
    not_one(file, fault.line, &en, &zh)
}

/// It is YAML, and no kubeconfig.
pub(super) fn not_one(file: &str, line: u64, en: &str, zh: &str) -> Fault {
    let (shown, shown_zh) = if file.is_empty() { ("the pasted text", "粘贴的文本") } else { (file, file) };
    Fault::new(
        FaultKind::Config,
        "kubeconfig_invalid",
        Text::new(format!("{shown} cannot be used as a kubeconfig: {en}"), format!("{shown_zh} 不能用作 kubeconfig：{zh}")),
        Text::new("correct the file and try again; nothing was taken from it", "请更正文件后重试；未从中导入任何内容"),
    )
    .with_params(json!({ "file": file, "line": line }))
}

/// It is not what it was when it was looked at.
pub(super) fn changed(file: &str) -> Fault {
    Fault::new(
        FaultKind::Config,
        "kubeconfig_changed",
        Text::new(format!("nothing was done: {file} changed since it was read"), format!("未做任何更改：{file} 在读取之后发生了变化")),
        Text::new("look at it again, then repeat this", "请重新查看后再试"),
    )
    .with_params(json!({ "file": file }))
}

/// It could not be written.
pub(super) fn unwritable(file: &Path, en: &str, zh: &str) -> Fault {
    let shown = file.display();
    Fault::new(
        FaultKind::Storage,
        "kubeconfig_unwritable",
        Text::new(format!("{shown} was not replaced: {en}"), format!("未替换 {shown}：{zh}")),
        Text::new("the file is as it was; look at its folder's permissions and free space", "文件保持原样；请检查所在目录的权限和剩余空间"),
    )
    .with_params(json!({ "file": shown.to_string() }))
}

/// A defect of ours.
pub(super) fn defect(what: &str) -> Fault {
    Fault::new(
        FaultKind::Internal,
        "defect",
        Text::new(format!("{what} ended in a defect of Pilothouse"), format!("Pilothouse 内部缺陷：{what}")),
        Text::new("nothing was changed; report it", "未作任何更改；请报告此问题"),
    )
}
