//! Commands about templates, imports and exports.

use app::imports::{Choices, ExportForm, FieldDiff, Format, PlainSecrets, Preview, Source};
use domain::Json;
use domain::fault::{Fault, FaultKind};
use domain::text::Text;
use ipc::common::{IdReq, Nothing, TextRes, UiFault, Words};
use ipc::servers::{ExportReq, ImportChange, ImportDone, ImportItem, ImportPreview, ImportReq, ServerForm, TemplateSaveReq, TemplateView};
use tauri::State;

use crate::cabin::Cabin;

type Answer<T> = Result<T, UiFault>;

#[tauri::command]
pub(super) async fn template_list(cabin: State<'_, Cabin>, req: Nothing) -> Answer<Vec<TemplateView>> {
    let Nothing {} = req;
    let templates = cabin.app().await?.templates.list().await?;
    Ok(templates
        .into_iter()
        .map(|template| TemplateView {
            form: ServerForm {
                id: None,
                name: template.id.clone(),
                protocol: template.protocol.clone(),
                enabled: true,
                settings: template.settings,
                lazy: false,
                idle_stop_secs: 0,
            },
            id: template.id,
            name: template.name.into(),
            about: template.description.into(),
            category: template.category,
            tags: template.tags,
            protocol: template.protocol,
            built_in: template.built_in,
            note: joined(template.notes),
        })
        .collect())
}

fn joined(notes: Vec<Text>) -> Option<Words> {
    let en = notes.iter().map(|note| note.en.as_str()).collect::<Vec<_>>().join(" ");
    let zh = notes.iter().map(|note| note.zh.as_str()).collect::<String>();
    (!en.is_empty()).then_some(Words { en, zh })
}

#[tauri::command]
pub(super) async fn template_save(cabin: State<'_, Cabin>, req: TemplateSaveReq) -> Answer<Nothing> {
    let app = cabin.app().await?;
    let server = app.book.get(&req.server).await?;
    app.templates.save(&server.def, &req.name).await?;
    Ok(Nothing {})
}

#[tauri::command]
pub(super) async fn template_remove(cabin: State<'_, Cabin>, req: IdReq) -> Answer<Nothing> {
    cabin.app().await?.templates.remove(&req.id).await?;
    Ok(Nothing {})
}

fn source(req: &ImportReq) -> Source<'_> {
    Source { text: &req.text, file_name: Some(req.source.as_str()).filter(|name| !name.is_empty()), name: None, inputs: None }
}

fn format_words(format: Format) -> Words {
    let text = match format {
        Format::McpConfig => Text::same("dingbot mcp_config.json"),
        Format::ServerObject => Text::new("server object", "服务器对象"),
        Format::Fragment => Text::new("part of a server object", "服务器对象的一部分"),
        Format::ClaudeDesktop => Text::same("claude_desktop_config.json"),
        Format::VsCode => Text::same(".vscode/mcp.json"),
        Format::Cursor => Text::same(".cursor/mcp.json"),
        Format::McpServers => Text::same("mcpServers"),
    };
    text.into()
}

fn shown(value: Option<&Json>) -> String {
    match value {
        None => String::new(),
        Some(Json::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

fn changes(fields: Vec<FieldDiff>) -> Vec<ImportChange> {
    fields
        .into_iter()
        .map(|diff| ImportChange { before: shown(diff.before.as_ref()), after: shown(diff.after.as_ref()), field: diff.field })
        .collect()
}

fn preview_view(preview: Preview, saved: &[app::ServerView]) -> ImportPreview {
    let unset = |server: &str| -> Vec<String> {
        preview.unset.iter().filter(|unset| unset.server == server).map(|unset| unset.variable.clone()).collect()
    };
    let program = |server: &str| {
        let found = preview.programs.iter().find(|program| program.server == server);
        found.map(|program| app::start::whole(&program.argv, program.cwd.as_deref(), &program.env))
    };
    let item = |name: &str, protocol: &str, action: &str, target: String| ImportItem {
        name: name.to_owned(),
        protocol: protocol.to_owned(),
        action: action.to_owned(),
        starts_program: program(name).is_some(),
        target: program(name).unwrap_or(target),
        changes: Vec::new(),
        fault: None,
        unset: unset(name),
    };
    let known = |name: &str| saved.iter().find(|server| server.def.name == name);
    let mut items = Vec::new();
    for added in &preview.added {
        items.push(item(&added.name, &added.protocol, "add", address(&added.settings)));
    }
    for change in &preview.changed {
        let before = known(&change.name);
        let protocol = before.map_or("", |server| server.def.protocol.as_str());
        let target = before.map(|server| server.target.clone()).unwrap_or_default();
        items.push(ImportItem { changes: changes(change.fields.clone()), ..item(&change.name, protocol, "change", target) });
    }
    for name in &preview.unchanged {
        let before = known(name);
        let target = before.map(|server| server.target.clone()).unwrap_or_default();
        items.push(item(name, before.map_or("", |server| server.def.protocol.as_str()), "same", target));
    }
    for refused in &preview.refused {
        let name = refused.server.clone().unwrap_or_else(|| refused.field.clone());
        let fault = Fault::new(
            FaultKind::Config,
            "refused",
            Text::new(format!("{}: {}", refused.field, refused.reason.en), format!("{}：{}", refused.field, refused.reason.zh)),
            Text::default(),
        );
        items.push(ImportItem { fault: Some(fault.into()), ..item(&name, "", "refused", String::new()) });
    }
    let warnings = preview
        .warnings
        .iter()
        .map(|warning| {
            let place = warning.server.as_deref().map_or_else(|| warning.field.clone(), |server| format!("{server}.{}", warning.field));
            Words { en: format!("{place}: {}", warning.text.en), zh: format!("{place}：{}", warning.text.zh) }
        })
        .collect();
    ImportPreview { format: format_words(preview.format), items, warnings }
}

/// Where a server object points, as it stands in the file.
fn address(settings: &Json) -> String {
    let text = |key: &str| settings.get(key).and_then(Json::as_str).unwrap_or_default();
    let whole = ["url", "base_url"].into_iter().map(text).find(|url| !url.is_empty());
    whole.map_or_else(
        || {
            let port = settings.get("port").map(|port| format!(":{port}")).unwrap_or_default();
            format!("{}{port}{}", text("host"), text("path"))
        },
        str::to_owned,
    )
}

#[tauri::command]
pub(super) async fn import_preview(cabin: State<'_, Cabin>, req: ImportReq) -> Answer<ImportPreview> {
    let app = cabin.app().await?;
    let preview = app.imports.preview(&source(&req)).await?;
    Ok(preview_view(preview, &app.book.list().await?))
}

#[tauri::command]
pub(super) async fn import_apply(cabin: State<'_, Cabin>, req: ImportReq) -> Answer<ImportDone> {
    let app = cabin.app().await?;
    let choices = Choices { only: req.take.clone(), take_file: true, ..Choices::default() };
    let done = app.imports.apply(&source(&req), &choices, cabin.actor()).await?;
    Ok(ImportDone { added: done.added, changed: done.changed })
}

#[tauri::command]
pub(super) async fn export_text(cabin: State<'_, Cabin>, req: ExportReq) -> Answer<TextRes> {
    let app = cabin.app().await?;
    let form = match req.format.as_str() {
        "mcp_servers" => ExportForm::McpServers,
        "single" => ExportForm::Single,
        _ => ExportForm::McpConfig,
    };
    let exported = app.imports.export(&req.ids, form, PlainSecrets::Referenced, cabin.actor()).await?;
    Ok(TextRes { text: serde_json::to_string_pretty(&exported.file).unwrap_or_default() })
}
