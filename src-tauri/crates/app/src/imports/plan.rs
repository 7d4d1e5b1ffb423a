//! From a text to a preview, and from a preview to what is saved. Pure: nothing is read or written here but values.

use domain::fault::{Fault, FaultKind};
use domain::id::Millis;
use domain::server::ServerDef;
use domain::text::Text;
use domain::tool::{canonical, hex};
use domain::{Json, JsonMap};
use sha2::{Digest, Sha256};

use super::entry::{Findings, Incoming, shown_name, take};
use super::predecessor::{self, Document};
use super::recognise::{Found, recognise};
use super::{Addition, Asked, Change, Choices, Format, Preview, Program, Shapes, Source, Unset, editors, merge, plain};
use crate::start;

/// What a preview would save.
#[derive(Clone, Default)]
pub struct Plan {
    servers: Vec<Planned>,
    document: Option<Document>,
}

impl std::fmt::Debug for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.servers.iter().map(|planned| &planned.careful.name)).finish()
    }
}

#[derive(Clone)]
struct Planned {
    /// With the person's own values kept.
    careful: ServerDef,
    /// With the file's values everywhere.
    by_file: ServerDef,
    changes: bool,
}

/// What is to be saved.
#[derive(Clone, Default)]
pub struct Applied {
    /// Definitions to put, new and changed.
    pub servers: Vec<ServerDef>,
    /// The document's other keys, to be kept for an export.
    pub document: Option<Document>,
}

impl std::fmt::Debug for Applied {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.servers.iter().map(|server| &server.name)).finish()
    }
}

/// Reads a file and says what it would do. A broken file is a fault with its place, and nothing else.
pub fn preview(source: &Source<'_>, shapes: &Shapes, saved: &[ServerDef], at: Millis) -> Result<Preview, Fault> {
    let found = recognise(source.text, source.file_name)?;
    let format = found.format();
    let mut findings = Findings::default();
    let mut asked = Vec::new();
    let mut document = None;
    let incoming = match found {
        Found::Document(root) => {
            let (incoming, kept) = predecessor::read(root, shapes, &mut findings);
            document = Some(kept);
            incoming
        }
        Found::Objects(items) => objects(items, source, shapes, &mut findings),
        Found::Fragment(settings) => fragment(settings, source, shapes, saved, &mut findings)?,
        Found::Map { servers, inputs, format } => {
            let (incoming, questions) = editors::read(servers, inputs.as_ref(), format, source.inputs, shapes, &mut findings);
            asked = questions;
            incoming
        }
    };
    Ok(planned(source, format, incoming, document, asked, findings, shapes, saved, at))
}

fn objects(items: Vec<Json>, source: &Source<'_>, shapes: &Shapes, findings: &mut Findings) -> Vec<Incoming> {
    let one = items.len() == 1;
    let mut worded = Vec::new();
    for (nth, item) in items.into_iter().enumerate() {
        let Json::Object(mut entry) = item else {
            worded.push(item);
            continue;
        };
        if let Some(name) = source.name.filter(|_| one && !entry.contains_key("name")) {
            entry.insert("name".into(), name.into());
        }
        let shown = entry.get("name").and_then(Json::as_str).map_or_else(|| format!("#{}", nth + 1), shown_name);
        if let Some(entry) = editors::in_our_words(&shown, entry, Format::ServerObject, shapes, findings) {
            worded.push(Json::Object(entry));
        }
    }
    predecessor::read_list(worded, "servers", shapes, findings)
}

fn fragment(
    settings: JsonMap,
    source: &Source<'_>,
    shapes: &Shapes,
    saved: &[ServerDef],
    findings: &mut Findings,
) -> Result<Vec<Incoming>, Fault> {
    let target = source.name.and_then(|name| saved.iter().find(|server| server.name == name));
    let Some(server) = target else {
        return Err(Fault::new(
            FaultKind::Config,
            "import_needs_server",
            match source.name {
                None => Text::new(
                    "the text was not imported: it is part of a server's settings, and does not say of which server",
                    "未导入该文本：它只是服务器设置的一部分，没有说明属于哪个服务器",
                ),
                Some(name) => Text::new(
                    format!(
                        "the text was not imported: it is part of a server's settings, and there is no server named {}",
                        shown_name(name)
                    ),
                    format!("未导入该文本：它只是服务器设置的一部分，且没有名为 {} 的服务器", shown_name(name)),
                ),
            },
            Text::new(
                "name a saved server (`pilot servers import FILE --into NAME`)",
                "请指明一个已保存的服务器（`pilot servers import FILE --into NAME`）",
            ),
        ));
    };
    let mut entry = server.settings.clone();
    entry.extend(settings);
    entry.insert("type".into(), server.protocol.as_str().into());
    Ok(take(&server.name, entry, shapes, findings)
        .map(|mut incoming| {
            incoming.extra.clear();
            incoming
        })
        .into_iter()
        .collect())
}

#[expect(clippy::too_many_arguments, reason = "the pieces of one reading, put together in one place")]
fn planned(
    source: &Source<'_>,
    format: Format,
    incoming: Vec<Incoming>,
    document: Option<Document>,
    asked: Vec<Asked>,
    mut findings: Findings,
    shapes: &Shapes,
    saved: &[ServerDef],
    at: Millis,
) -> Preview {
    let origin = format.origin();
    let whole = format != Format::Fragment;
    let mut preview = Preview {
        format,
        added: Vec::new(),
        changed: Vec::new(),
        unchanged: Vec::new(),
        refused: Vec::new(),
        programs: Vec::new(),
        warnings: Vec::new(),
        unset: Vec::new(),
        asked,
        digest: digest(source, saved),
        plan: Plan { servers: Vec::new(), document },
    };
    for server in &incoming {
        for reference in plain::references(&server.settings) {
            if !reference.defaulted && !shapes.is_set(&reference.name) {
                preview.unset.push(Unset { variable: reference.name, server: server.name.clone(), field: reference.place });
            }
        }
        for place in plain::places(&server.settings) {
            findings.warn(
                Some(&server.name),
                &place,
                format!(
                    "a secret stands in plain text in the file; better refer to a variable, such as ${{{}}}",
                    plain::variable_for(&server.name, &place)
                ),
                format!("文件中以明文写有机密；建议改为引用变量，例如 ${{{}}}", plain::variable_for(&server.name, &place)),
            );
        }
        match saved.iter().find(|known| known.name == server.name) {
            None => {
                let def = merge::fresh(server, &origin, at);
                preview.added.push(Addition {
                    name: def.name.clone(),
                    protocol: def.protocol.to_string(),
                    settings: Json::Object(plain::masked(&def.settings)),
                });
                note_program(&mut preview, server, &def);
                preview.plan.servers.push(Planned { by_file: def.clone(), careful: def, changes: true });
            }
            Some(known) => {
                let (careful, fields) = merge::merged(known, server, whole, false, at);
                let (by_file, _) = merge::merged(known, server, whole, true, at);
                if fields.is_empty() {
                    preview.unchanged.push(known.name.clone());
                } else {
                    let review = careful.fingerprint() != known.fingerprint();
                    if review {
                        note_program(&mut preview, server, &careful);
                    }
                    preview.changed.push(Change { name: known.name.clone(), fields, review });
                }
                // Also without a visible change what the file said is remembered, for the next import.
                let changes = careful != *known || by_file != *known;
                preview.plan.servers.push(Planned { careful, by_file, changes });
            }
        }
    }
    if whole && format != Format::ServerObject {
        for gone in saved.iter().filter(|known| known.origin == origin && !incoming.iter().any(|server| server.name == known.name)) {
            findings.warn(
                Some(&gone.name),
                "servers",
                "came with an earlier import of this sort and is not in the file; it stays. Remove it if it is no longer wanted",
                "来自先前同类导入，但不在此文件中；它会保留。如不再需要，请将其移除",
            );
        }
    }
    preview.refused = findings.refused;
    preview.warnings = findings.warnings;
    preview
}

fn note_program(preview: &mut Preview, server: &Incoming, def: &ServerDef) {
    if !server.starts_program {
        return;
    }
    let argv = start::argv(&def.settings);
    preview.programs.push(Program {
        server: def.name.clone(),
        warnings: start::warnings(&argv, def.text("cwd")),
        argv,
        cwd: def.text("cwd").map(str::to_owned),
        env: start::variables(&def.settings),
    });
}

/// What the preview depends on: the text, the answers, and the saved servers as they are.
fn digest(source: &Source<'_>, saved: &[ServerDef]) -> String {
    let mut hash = Sha256::new();
    hash.update(source.text.as_bytes());
    hash.update([0]);
    hash.update(source.name.unwrap_or_default().as_bytes());
    for (id, answer) in source.inputs.into_iter().flatten() {
        hash.update([0]);
        hash.update(id.as_bytes());
        hash.update([1]);
        hash.update(answer.as_bytes());
    }
    for server in saved {
        hash.update([2]);
        hash.update(canonical(&serde_json::to_value(server).unwrap_or_default()).as_bytes());
    }
    hex(&hash.finalize()[..8])
}

/// What is to be saved after a person saw the preview. Names that the preview does not have are refused.
pub fn apply(preview: &Preview, choices: &Choices) -> Result<Applied, Fault> {
    if choices.digest.as_ref().is_some_and(|seen| *seen != preview.digest) {
        return Err(Fault::new(
            FaultKind::Config,
            "import_stale",
            Text::new(
                "nothing was imported: the file or the saved servers changed since the preview was shown",
                "未导入任何内容：预览显示之后，文件或已保存的服务器发生了变化",
            ),
            Text::new("look at the new preview and decide again", "请查看新的预览后再决定"),
        ));
    }
    let known = |name: &String| preview.plan.servers.iter().any(|planned| planned.careful.name == *name);
    if let Some(stranger) = choices.only.iter().chain(&choices.skip).find(|name| !known(name)) {
        return Err(Fault::new(
            FaultKind::Usage,
            "import_no_such_server",
            Text::new(
                format!("nothing was imported: the file has no usable server named {}", shown_name(stranger)),
                format!("未导入任何内容：文件中没有名为 {} 的可用服务器", shown_name(stranger)),
            ),
            Text::new("take a name from the preview", "请使用预览中的名称"),
        ));
    }
    let servers = preview
        .plan
        .servers
        .iter()
        .filter(|planned| planned.changes)
        .filter(|planned| choices.only.is_empty() || choices.only.contains(&planned.careful.name))
        .filter(|planned| !choices.skip.contains(&planned.careful.name))
        .map(|planned| if choices.take_file { planned.by_file.clone() } else { planned.careful.clone() })
        .collect();
    Ok(Applied { servers, document: preview.plan.document.clone() })
}

/// The one server of a text, for use or for saving under a name. Nothing is merged: what is saved under that name does not count.
pub fn single(source: &Source<'_>, shapes: &Shapes, at: Millis) -> Result<(ServerDef, Vec<super::Warning>), Fault> {
    let seen = preview(source, shapes, &[], at)?;
    if let Some(refused) = seen.refused.first() {
        let named = refused.server.as_ref().map_or_else(String::new, |server| format!("{server}: "));
        return Err(Fault::new(
            FaultKind::Config,
            "settings",
            Text::new(
                format!("the server cannot be used: {named}{}: {}", refused.field, refused.reason.en),
                format!("无法使用该服务器：{named}{}：{}", refused.field, refused.reason.zh),
            ),
            Text::new("correct that field", "请更正该字段"),
        )
        .with_params(serde_json::json!({ "field": refused.field })));
    }
    match seen.plan.servers.as_slice() {
        [one] => {
            let mut def = one.careful.clone();
            merge::forget_import(&mut def);
            Ok((def, seen.warnings))
        }
        several => {
            let names = several.iter().map(|planned| planned.careful.name.as_str()).collect::<Vec<_>>().join(", ");
            Err(Fault::new(
                FaultKind::Config,
                "import_one",
                Text::new(
                    format!("one server is wanted, and the text has {} ({names})", several.len()),
                    format!("需要恰好一个服务器，而该文本包含 {} 个（{names}）", several.len()),
                ),
                Text::new("give an object with one server, or import the file first", "请提供只含一个服务器的对象，或先导入该文件"),
            ))
        }
    }
}
