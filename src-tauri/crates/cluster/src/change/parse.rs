//! The text of a manifest, taken apart into its documents.

use domain::Json;
use domain::fault::{Fault, FaultKind};
use domain::text::Text;
use serde_json::json;
use yaml::Profile;

/// Its documents, in order, as `kubectl` would send them.
pub(super) fn documents(text: &str) -> Result<Vec<Json>, Fault> {
    let documents = yaml::documents(text, &Profile::manifest()).map_err(|fault| {
        let (line, column) = (fault.line, fault.column);
        Fault::new(
            FaultKind::Config,
            "manifest_invalid",
            Text::new(
                format!("this manifest cannot be read: {} (line {line}, column {column})", fault.reason),
                format!("无法读取该清单：{}（第 {line} 行，第 {column} 列）", fault.reason.zh()),
            ),
            Text::new("Correct it and try again.", "请更正后重试。"),
        )
        .with_params(json!({ "line": line, "column": column }))
    })?;
    Ok(documents.into_iter().map(|document| document.value).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_told_apart_and_faults_have_their_line() {
        let found = documents("# head\n---\na: 1\n---\n# nothing\n---\nc: 3\n").unwrap();
        assert_eq!(found, [json!({ "a": 1 }), json!({ "c": 3 })]);
        assert_eq!(documents("{\"a\": 1}").unwrap(), [json!({ "a": 1 })]);
        let fault = documents("a: 1\n---\nb: 1\nb: 2\n").unwrap_err();
        assert_eq!((fault.code.as_str(), &fault.params["line"]), ("manifest_invalid", &json!(4)));
    }
}
