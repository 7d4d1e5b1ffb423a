//! What a problem's fix changes in the text.

use domain::fault::{Fault, FaultKind};
use domain::manifest_check::FixEdit;
use domain::manifest_language::TextEdit;
use domain::text::Text;
use serde_json::json;
use yaml::EditFault;

use super::Lines;
use crate::validate::changed;

/// The edits; none when the text is so already.
pub(crate) fn repair(text: &str, document: usize, path: &str, fix: &FixEdit) -> Result<Vec<TextEdit>, Fault> {
    let lines = Lines::new(text);
    let after = changed(lines.text, document, path, fix).map_err(|fault| refused(path, &fault))?;
    Ok(lines.towards(&after))
}

fn refused(path: &str, fault: &EditFault) -> Fault {
    Fault::new(
        FaultKind::Config,
        "fix_unsafe",
        Text::new(format!("{path} was not changed: {fault}"), format!("未更改 {path}：{}", fault.zh())),
        Text::new("Change it by hand.", "请手动修改。"),
    )
    .with_params(json!({ "path": path }))
}
