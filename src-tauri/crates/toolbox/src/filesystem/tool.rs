//! What a file tool is, and the table of them.

use domain::fault::ServerFault;
use domain::protocol::decode;
use domain::tool::{Annotations, Content, Tool, ToolResult};
use domain::{Json, JsonMap};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::fault::FsFault;
use super::roots::Roots;
use crate::apart::Watch;

/// All file tools. A new one is a file and a row.
pub(super) fn rows() -> Vec<Box<dyn Row>> {
    vec![
        Box::new(super::read::ReadFile),
        Box::new(super::write::WriteFile),
        Box::new(super::list::ListDirectory),
        Box::new(super::search::SearchFiles),
    ]
}

/// One file tool, with types.
pub(super) trait FsTool: Send + Sync + std::fmt::Debug + 'static {
    /// Its name.
    const NAME: &'static str;
    /// Its title, English and Chinese.
    const TITLE: &'static str;
    /// What it does, English and Chinese.
    const ABOUT: &'static str;
    /// Whether it changes nothing.
    const READS: bool;
    /// Its arguments.
    type Args: DeserializeOwned + JsonSchema;
    /// Its structured result.
    type Out: Serialize + JsonSchema;

    /// Does it: the structured result and the same as text.
    fn run(roots: &Roots, args: Self::Args, watch: &mut Watch) -> Result<(Self::Out, String), FsFault>;
}

/// One file tool, in the form that the table holds.
pub(super) trait Row: Send + Sync + std::fmt::Debug {
    /// Its name.
    fn name(&self) -> &'static str;
    /// As a caller sees it.
    fn describe(&self) -> Tool;
    /// Does it.
    fn run(&self, roots: &Roots, args: JsonMap, watch: &mut Watch) -> Result<ToolResult, ServerFault>;
}

impl<T: FsTool> Row for T {
    fn name(&self) -> &'static str {
        T::NAME
    }

    fn describe(&self) -> Tool {
        Tool {
            name: T::NAME.into(),
            title: Some(T::TITLE.into()),
            description: T::ABOUT.into(),
            input_schema: plain(
                SchemaSettings::draft2020_12().with(|it| it.inline_subschemas = true).into_generator().into_root_schema_for::<T::Args>(),
            ),
            output_schema: Some(plain(
                SchemaSettings::draft2020_12()
                    .with(|it| it.inline_subschemas = true)
                    .for_serialize()
                    .into_generator()
                    .into_root_schema_for::<T::Out>(),
            )),
            annotations: Annotations {
                title: Some(T::TITLE.into()),
                read_only_hint: Some(T::READS),
                destructive_hint: Some(!T::READS),
                idempotent_hint: Some(T::READS),
                open_world_hint: Some(false),
            },
        }
    }

    fn run(&self, roots: &Roots, args: JsonMap, watch: &mut Watch) -> Result<ToolResult, ServerFault> {
        let args = decode::<T::Args>(Json::Object(args)).map_err(|fault| match fault {
            ServerFault::Settings { field, reason } => ServerFault::SchemaInvalid { path: field, reason },
            other => other,
        })?;
        match T::run(roots, args, watch) {
            Ok((out, text)) => {
                let structured = serde_json::to_value(out).map_err(|fault| ServerFault::Internal { what: fault.to_string() })?;
                Ok(ToolResult { content: vec![Content::text(text)], structured_content: Some(structured), is_error: false })
            }
            Err(FsFault::Stopped(fault)) => Err(fault),
            Err(fault) => Ok(fault.into_result()),
        }
    }
}

/// A schema without the decoration that says nothing to a caller.
fn plain(schema: Schema) -> Json {
    let mut json = Json::from(schema);
    if let Some(root) = json.as_object_mut() {
        root.remove("$schema");
        root.remove("title");
        root.remove("description");
    }
    json
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tools_are_the_four_that_were_promised_with_their_arguments_and_hints() {
        let seen: Vec<_> = rows()
            .iter()
            .map(|row| {
                let tool = row.describe();
                let properties = tool.input_schema["properties"].as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ");
                let required = tool.input_schema["required"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|name| name.as_str().unwrap())
                    .collect::<Vec<_>>()
                    .join(" ");
                assert_eq!(tool.input_schema["type"], "object");
                assert_eq!(tool.input_schema["additionalProperties"], false, "a misspelled argument is refused");
                assert_eq!(tool.output_schema.unwrap()["type"], "object");
                assert!(!tool.input_schema.to_string().contains("$ref"), "a form needs no second look");
                (tool.name.as_str().to_owned(), properties, required, tool.annotations.read_only_hint, tool.annotations.destructive_hint)
            })
            .collect();
        let row = |name: &str, properties: &str, required: &str, reads: bool| {
            (name.to_owned(), properties.to_owned(), required.to_owned(), Some(reads), Some(!reads))
        };
        assert_eq!(
            seen,
            [
                row("fs-read-file", "path max_bytes offset encoding", "path", true),
                row("fs-write-file", "path content create_dirs overwrite", "path content", false),
                row("fs-list-directory", "path recursive max_entries", "path", true),
                row("fs-search-files", "root pattern content max_results", "root pattern", true),
            ]
        );
    }
}
