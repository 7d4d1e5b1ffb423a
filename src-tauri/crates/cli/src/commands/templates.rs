//! `pilot servers templates`.

use domain::fault::Fault;
use domain::text::Text;
use serde_json::json;

use crate::args::TemplatesCommand;
use crate::context::Context;
use crate::table::Table;

/// Lists, shows, keeps and removes templates.
pub(super) async fn run(cx: &Context, command: Option<TemplatesCommand>) -> Result<u8, Fault> {
    match command.unwrap_or(TemplatesCommand::List) {
        TemplatesCommand::List => {
            let all = cx.app.templates.list().await?;
            let rows: Vec<_> = all
                .iter()
                .map(|template| {
                    json!({
                        "id": template.id, "name": cx.out.pick(&template.name), "description": cx.out.pick(&template.description),
                        "category": template.category, "tags": template.tags, "type": template.protocol, "builtIn": template.built_in,
                        "config": template.settings, "inputs": template.inputs.iter().map(|input| json!({
                            "field": input.field, "label": cx.out.pick(&input.label), "required": input.required, "secret": input.secret,
                        })).collect::<Vec<_>>(),
                        "notes": template.notes.iter().map(|note| cx.out.pick(note)).collect::<Vec<_>>(),
                    })
                })
                .collect();
            cx.out.list(&rows, || {
                let mut table = Table::new(["ID", "TYPE", "CATEGORY", "NAME", "DESCRIPTION"]);
                for template in &all {
                    table.row([
                        template.id.clone(),
                        template.protocol.clone(),
                        template.category.clone(),
                        cx.out.pick(&template.name).to_owned(),
                        cx.out.pick(&template.description).to_owned(),
                    ]);
                }
                table
            });
        }
        TemplatesCommand::Show { id } => {
            let template = cx.app.templates.get(&id).await?;
            cx.out.one(&template, |out| {
                let mut text = format!("{}: {}\n{}\n", template.id, out.pick(&template.name), out.pick(&template.description));
                text.push_str(&format!("\n{}\n", serde_json::to_string_pretty(&template.settings).unwrap_or_default()));
                for input in &template.inputs {
                    let mark = if input.required { "*" } else { " " };
                    text.push_str(&format!("{mark} --input {}=…  {}\n", input.field, out.pick(&input.label)));
                }
                for note in &template.notes {
                    text.push_str(&format!("{}\n", out.pick(note)));
                }
                text
            });
        }
        TemplatesCommand::Save { server, name } => {
            let view = cx.app.book.get(&server).await?;
            let template = cx.app.templates.save(&view.def, &name).await?;
            if cx.out.for_programs() {
                cx.out.document(&template);
            } else {
                cx.out.remark(&Text::new(format!("saved as template {}", template.id), format!("已保存为模板 {}", template.id)));
            }
        }
        TemplatesCommand::Remove { id } => {
            cx.app.templates.remove(&id).await?;
            cx.out.remark(&Text::new(format!("template {id} removed"), format!("已移除模板 {id}")));
        }
    }
    Ok(0)
}
