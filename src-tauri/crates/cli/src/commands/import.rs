//! `pilot servers import`: a preview, then, when it is agreed to, the import.

use app::imports::{Choices, Outcome, Preview, Source, Warning};
use app::start;
use domain::fault::{Fault, FaultKind};
use domain::text::Text;
use serde_json::json;

use super::servers::agreed;
use crate::args::ImportArgs;
use crate::context::Context;
use crate::target::read_text;
use crate::values::texts;
use crate::words::{tame, tame_line};

/// Shows what a file would do and does it. Without a terminal there is nobody to ask: then it is done at once, because nothing that an
/// import brings runs before it is accepted.
pub(super) async fn run(cx: &Context, args: ImportArgs) -> Result<u8, Fault> {
    let text = read_text(&args.file)?;
    let file_name = args.file.to_string_lossy();
    let inputs = texts(&args.inputs)?;
    let source = Source { text: &text, file_name: Some(&file_name), name: args.into.as_deref(), inputs: Some(&inputs) };
    let preview = cx.app.imports.preview(&source).await?;
    if !cx.out.for_programs() || !args.dry_run {
        describe(cx, &preview);
    }
    let nothing = preview.added.is_empty() && preview.changed.is_empty() && preview.unchanged.is_empty();
    if nothing && let Some(refused) = preview.refused.first() {
        return Err(all_refused(refused.server.as_deref(), &refused.field, &refused.reason));
    }
    if args.dry_run {
        if cx.out.for_programs() {
            cx.out.document(&preview);
        }
        return Ok(0);
    }
    let changes = !preview.added.is_empty() || !preview.changed.is_empty();
    if changes && cx.actor.can_ask && args.file.as_os_str() != "-" {
        agreed(cx, args.yes)?;
    }
    let choices = Choices { digest: Some(preview.digest.clone()), only: args.only, skip: args.skip, take_file: args.take_file };
    let done = cx.app.imports.apply(&source, &choices, &cx.actor).await?;
    if cx.out.for_programs() {
        let mut whole = serde_json::to_value(&preview).unwrap_or_default();
        if let Some(whole) = whole.as_object_mut() {
            whole.insert("applied".into(), json!(done));
        }
        cx.out.document(&whole);
    } else {
        let (added, changed) = (done.added.len(), done.changed.len());
        cx.out.remark(&Text::new(format!("{added} added, {changed} changed"), format!("已添加 {added} 个，已更改 {changed} 个")));
        for name in &done.review {
            cx.out.remark(&Text::new(
                format!("look at it and accept it before it is used: pilot servers accept {}", tame_line(name)),
                format!("使用前请查看并接受：pilot servers accept {}", tame_line(name)),
            ));
        }
    }
    Ok(0)
}

fn all_refused(server: Option<&str>, field: &str, reason: &Text) -> Fault {
    let named = server.map_or_else(String::new, |server| format!("{server}: "));
    Fault::new(
        FaultKind::Config,
        "import_refused",
        Text::new(format!("nothing was imported: {named}{field}: {}", reason.en), format!("未导入任何内容：{named}{field}：{}", reason.zh)),
        Text::new("correct the file and import it again", "请更正文件后重新导入"),
    )
}

/// One warning on stderr.
pub(super) fn warn(cx: &Context, warning: &Warning) {
    let place = warning.server.as_ref().map_or_else(|| warning.field.clone(), |server| format!("{server}: {}", warning.field));
    cx.out.remark(&Text::new(
        format!("  ! {}: {}", tame_line(&place), warning.text.en),
        format!("  ! {}：{}", tame_line(&place), warning.text.zh),
    ));
}

/// The preview in words, on stderr.
fn describe(cx: &Context, preview: &Preview) {
    let say = |text: String| cx.out.remark(&Text::same(text));
    let word = |en: &'static str, zh: &'static str| cx.out.word(en, zh);
    say(format!("{}: {}", word("format", "格式"), preview.format.word()));
    for server in &preview.added {
        say(format!("+ {} ({}) {}", tame_line(&server.name), server.protocol, tame(&server.settings.to_string())));
    }
    for change in &preview.changed {
        let review = if change.review { word(", must be accepted again", "，需要重新接受") } else { "" };
        say(format!("~ {}{review}", tame_line(&change.name)));
        for diff in &change.fields {
            let shown =
                |value: &Option<domain::Json>| value.as_ref().map_or_else(|| "-".to_owned(), |value| tame(&value.to_string()).into_owned());
            let outcome = match diff.outcome {
                Outcome::Taken => "",
                Outcome::Kept => word(" (yours stays)", "（保留您的设置）"),
                Outcome::Conflict => {
                    word(" (both changed: yours stays; --take-file takes the file's)", "（双方都有更改：保留您的；--take-file 采用文件的）")
                }
            };
            say(format!("    {}: {} → {}{outcome}", tame_line(&diff.field), shown(&diff.before), shown(&diff.after)));
        }
    }
    for name in &preview.unchanged {
        say(format!("= {}", tame_line(name)));
    }
    for refused in &preview.refused {
        let server = refused.server.as_ref().map_or_else(String::new, |server| format!("{}: ", tame_line(server)));
        say(format!("x {server}{}: {}", tame_line(&refused.field), cx.out.pick(&refused.reason)));
    }
    for program in &preview.programs {
        say(format!("{} {}: {}", word("would run for", "将运行于"), tame_line(&program.server), tame(&start::line(&program.argv))));
        if let Some(cwd) = &program.cwd {
            say(format!("    {}: {}", word("in", "目录"), tame_line(cwd)));
        }
        if !program.env.is_empty() {
            say(format!("    {}: {}", word("with the variables", "变量"), tame_line(&program.env.join(", "))));
        }
        for warning in &program.warnings {
            say(format!("    ! {}", cx.out.pick(warning)));
        }
    }
    for unset in &preview.unset {
        say(format!(
            "  ! {}: {}: ${{{}}} {}",
            tame_line(&unset.server),
            tame_line(&unset.field),
            tame_line(&unset.variable),
            word("is not set", "未设置")
        ));
    }
    for asked in preview.asked.iter().filter(|asked| !asked.answered) {
        let how = if asked.secret {
            format!("{} {}", word("set the variable", "请设置变量"), asked.variable)
        } else {
            format!("--input {}=…", tame_line(&asked.id))
        };
        say(format!("  ? {}: {} ({how})", tame_line(&asked.id), tame_line(&asked.description)));
    }
    for warning in &preview.warnings {
        warn(cx, warning);
    }
}
