//! `pilot servers`: list, add, change, accept, test, remove.

use app::imports::{ExportForm, PlainSecrets, plain};
use app::{ServerView, start};
use domain::fault::{Fault, FaultKind};
use domain::server::ServerDef;
use domain::text::Text;
use domain::{Json, JsonMap};
use serde_json::json;

use super::{import, millis, moment, templates};
use crate::args::{AddArgs, FormOfExport, OneOff, ServersCommand};
use crate::context::Context;
use crate::out::bare_fault;
use crate::table::Table;
use crate::terminal::program_line;
use crate::values::{settings, texts, usage};

/// Does what was asked.
pub(super) async fn run(cx: &Context, command: ServersCommand) -> Result<u8, Fault> {
    match command {
        ServersCommand::List => list(cx).await,
        ServersCommand::Show { server } => show(cx, &server).await,
        ServersCommand::Add(args) => add(cx, args).await,
        ServersCommand::Edit { server, rename, set, unset } => edit(cx, &server, rename, &set, &unset).await,
        ServersCommand::Import(args) => import::run(cx, args).await,
        ServersCommand::Export { servers, form, with_secrets } => export(cx, &servers, form, with_secrets).await,
        ServersCommand::Templates { command } => templates::run(cx, command).await,
        ServersCommand::Test { server, one_off } => test(cx, server, &one_off).await,
        ServersCommand::Remove { servers } => remove(cx, &servers).await,
        ServersCommand::Enable { server } => switch(cx, &server, true).await,
        ServersCommand::Disable { server } => switch(cx, &server, false).await,
        ServersCommand::Accept { server, tool, yes } => accept(cx, &server, tool, yes).await,
    }
}

/// A server as scripts see it, secrets masked.
fn row(cx: &Context, view: &ServerView) -> Json {
    json!({
        "name": view.def.name,
        "type": view.def.protocol,
        "enabled": view.def.enabled,
        "state": view.state.word(),
        "accepted": view.accepted,
        "target": view.target,
        "tools": view.tools_count,
        "origin": view.def.origin,
        "id": view.def.id,
        "since": view.since,
        "settings": plain::masked(&view.def.settings),
        "reason": view.state.fault().or(view.last_error.as_ref()).map(|fault| bare_fault(fault, cx.out.lang())),
    })
}

async fn list(cx: &Context) -> Result<u8, Fault> {
    let views = cx.app.book.list().await?;
    let rows: Vec<Json> = views.iter().map(|view| row(cx, view)).collect();
    cx.out.list(&rows, || {
        let mut table = Table::new(["NAME", "TYPE", "STATE", "TOOLS", "TARGET"]);
        for view in &views {
            let tools = if view.facts.is_some() { view.tools_count.to_string() } else { "-".into() };
            table.row([view.def.name.clone(), view.def.protocol.to_string(), view.state.word().into(), tools, view.target.clone()]);
        }
        table
    });
    if views.iter().any(|view| !view.accepted) {
        cx.out.remark(&Text::new(
            "servers in state needs_review start nothing before `pilot servers accept NAME`",
            "处于 needs_review 状态的服务器在执行 `pilot servers accept NAME` 之前不会启动",
        ));
    }
    Ok(0)
}

async fn show(cx: &Context, server: &str) -> Result<u8, Fault> {
    let view = cx.app.book.get(server).await?;
    let mut whole = row(cx, &view);
    if let Some(whole) = whole.as_object_mut() {
        whole.insert("facts".into(), serde_json::to_value(&view.facts).unwrap_or_default());
        whole.insert("rejected".into(), serde_json::to_value(&view.rejected).unwrap_or_default());
        let rules: JsonMap =
            view.def.tool_rules().iter().filter_map(|(tool, rule)| Some((tool.clone(), serde_json::to_value(rule).ok()?))).collect();
        whole.insert("toolRules".into(), Json::Object(rules));
        whole.insert("updatedAt".into(), json!(view.def.updated_at));
    }
    cx.out.one(&whole, |out| {
        let yes = |value: bool| out.word(if value { "yes" } else { "no" }, if value { "是" } else { "否" }).to_owned();
        let mut lines = vec![
            format!("{} ({})", view.def.name, view.def.protocol),
            format!("{}: {}", out.word("target", "目标"), view.target),
            format!("{}: {} {}", out.word("state", "状态"), view.state.word(), moment(view.since)),
            format!("{}: {}", out.word("enabled", "启用"), yes(view.def.enabled)),
            format!("{}: {}", out.word("accepted", "已接受"), yes(view.accepted)),
            format!("{}: {}", out.word("origin", "来源"), view.def.origin),
        ];
        if let Some(facts) = &view.facts {
            lines.push(format!("{}: {} {} ({})", out.word("peer", "对端"), facts.name, facts.version, facts.revision));
        }
        if let Some(fault) = view.state.fault().or(view.last_error.as_ref()) {
            lines.push(format!("{}: {}", out.word("last fault", "最近的故障"), out.pick(&fault.message)));
        }
        lines.push(serde_json::to_string_pretty(&plain::masked(&view.def.settings)).unwrap_or_default());
        crate::words::tame(&lines.join("\n")).into_owned()
    });
    Ok(0)
}

async fn add(cx: &Context, mut args: AddArgs) -> Result<u8, Fault> {
    args.name = args.name.or(args.named);
    let typed = args.one_off.stdio.is_some() || args.one_off.url.is_some() || args.template.is_some();
    let mut def = match &args.template {
        Some(id) => {
            let name = args.name.as_deref().unwrap_or(id);
            let values: JsonMap = texts(&args.inputs)?.into_iter().map(|(field, value)| (field, value.into())).collect();
            cx.app.templates.make(id, name, &values, "cli").await?
        }
        None if args.one_off.given() => {
            // An object has a name of its own; an address or a command line needs one.
            if args.name.is_none() && args.one_off.server_json.is_none() {
                return Err(usage("name", "a server that is saved needs a name", "要保存的服务器需要名称"));
            }
            cx.described(&args.one_off, args.name.as_deref())?
        }
        None => {
            return Err(usage(
                "nothing_to_add",
                "say what to add: --template ID, --url URL, --stdio 'CMD ARGS', or --server-json FILE",
                "请说明要添加什么：--template ID、--url URL、--stdio 'CMD ARGS' 或 --server-json FILE",
            ));
        }
    };
    if let Some(name) = &args.name {
        def.name.clone_from(name);
    }
    settings(&args.set, &mut def.settings)?;
    def.enabled &= !args.disabled;
    free_name(cx, &def).await?;
    let mut view = cx.app.book.save(def, &cx.actor).await?;
    // The command line was typed by the person: that is consent to exactly it. An object in a file was not.
    if typed && !view.accepted {
        cx.app.book.accept(&view.def.id, &cx.actor).await?;
        view = cx.app.book.get(view.def.id.as_str()).await?;
    }
    saved(cx, &view, "added", "已添加");
    Ok(0)
}

/// Adding under a name that is taken would be a change, and is refused.
async fn free_name(cx: &Context, def: &ServerDef) -> Result<(), Fault> {
    let taken = cx.app.book.list().await?.iter().any(|view| view.def.name == def.name);
    if !taken {
        return Ok(());
    }
    let name = &def.name;
    Err(Fault::new(
        FaultKind::Config,
        "name_taken",
        Text::new(format!("the server was not added: there is one named {name}"), format!("未添加服务器：已有名为 {name} 的服务器")),
        Text::new(
            format!("take another name, or change it with `pilot servers edit {name}`"),
            format!("请换一个名称，或用 `pilot servers edit {name}` 修改它"),
        ),
    ))
}

fn saved(cx: &Context, view: &ServerView, en: &str, zh: &str) {
    if cx.out.for_programs() {
        cx.out.document(&row(cx, view));
        return;
    }
    let name = &view.def.name;
    cx.out.remark(&Text::new(format!("{name} {en}: {}", view.target), format!("{name} {zh}：{}", view.target)));
    if !view.accepted {
        cx.out.remark(&Text::new(
            format!("nothing starts before it is accepted: pilot servers accept {name}"),
            format!("接受之前不会启动：pilot servers accept {name}"),
        ));
    }
}

async fn edit(cx: &Context, server: &str, rename: Option<String>, set: &[String], unset: &[String]) -> Result<u8, Fault> {
    let mut def = cx.app.book.get(server).await?.def;
    for name in unset {
        let gone = match name.split_once('.') {
            None => def.settings.shift_remove(name),
            Some((map, key)) => def.settings.get_mut(map).and_then(Json::as_object_mut).and_then(|map| map.shift_remove(key)),
        };
        if gone.is_none() {
            return Err(usage("no_setting", format!("{server} has no setting {name}"), format!("{server} 没有设置 {name}")));
        }
    }
    settings(set, &mut def.settings)?;
    if let Some(name) = rename {
        def.name = name;
    }
    // Typed here: no longer what an import brought, but trust is bound to what runs or is reached all the same.
    "cli".clone_into(&mut def.origin);
    let mut view = cx.app.book.save(def, &cx.actor).await?;
    if !view.accepted {
        cx.app.book.accept(&view.def.id, &cx.actor).await?;
        view = cx.app.book.get(view.def.id.as_str()).await?;
    }
    saved(cx, &view, "saved", "已保存");
    Ok(0)
}

async fn export(cx: &Context, servers: &[String], form: FormOfExport, with_secrets: bool) -> Result<u8, Fault> {
    let form = match form {
        FormOfExport::McpConfig => ExportForm::McpConfig,
        FormOfExport::McpServers => ExportForm::McpServers,
        FormOfExport::Single => ExportForm::Single,
    };
    let secrets = if with_secrets { PlainSecrets::WrittenOut } else { PlainSecrets::Referenced };
    let exported = cx.app.imports.export(servers, form, secrets, &cx.actor).await?;
    for warning in &exported.warnings {
        import::warn(cx, warning);
    }
    if cx.out.for_programs() {
        cx.out.document(&exported.file);
    } else {
        cx.out.line(&serde_json::to_string_pretty(&exported.file).unwrap_or_default());
    }
    Ok(0)
}

async fn test(cx: &Context, server: Option<String>, one_off: &OneOff) -> Result<u8, Fault> {
    let def = match (&server, one_off.given()) {
        (Some(name), false) => cx.app.book.get(name).await?.def,
        (None, true) => cx.described(one_off, None)?,
        _ => {
            return Err(usage(
                "one_server",
                "name a saved server or describe one, not both",
                "请指定已保存的服务器或描述一个，不能同时使用",
            ));
        }
    };
    let name = def.name.clone();
    let report = if one_off.given() {
        // Described on the command line: that is consent to exactly this.
        let id = cx.app.sessions.one_off(def.clone())?;
        let report = cx.or_stop(cx.app.book.test(ServerDef { id: id.clone(), ..def }, &cx.actor)).await;
        cx.app.sessions.forget(&id).await;
        report?
    } else {
        cx.or_stop(cx.app.book.test(def, &cx.actor)).await?
    };
    let shown = json!({
        "ok": report.ok, "server": name, "target": report.target, "state": report.state.word(), "facts": report.facts, "tools": report.tools,
        "rejected": report.rejected, "elapsedMs": report.elapsed_ms, "fault": report.fault.as_ref().map(|fault| bare_fault(fault, cx.out.lang())),
        "stderr": report.stderr,
    });
    cx.out.one(&shown, |out| {
        let mut text = format!("{}\n", report.target);
        if let Some(facts) = &report.facts {
            text.push_str(&format!("{} {} ({})\n", facts.name, facts.version, facts.revision));
        }
        if report.ok {
            text.push_str(&format!("{} {}, {} ms\n", report.tools.len(), out.word("tools", "个工具"), millis(Some(report.elapsed_ms))));
        }
        for rejected in &report.rejected {
            text.push_str(&format!("! {}: {}\n", rejected.name, rejected.reason));
        }
        if let Some(stderr) = report.stderr.as_ref().filter(|_| !report.ok) {
            text.push_str(stderr);
        }
        crate::words::tame(&text).into_owned()
    });
    let Some(fault) = report.fault.as_ref().filter(|_| !report.ok) else { return Ok(u8::from(!report.ok) * 9) };
    cx.out.tell(&format!("pilot: {}", cx.out.pick(&fault.message)));
    if !fault.hint.is_empty() {
        cx.out.tell(&format!("  {}", cx.out.pick(&fault.hint)));
    }
    Ok(fault.kind.exit_code())
}

async fn remove(cx: &Context, servers: &[String]) -> Result<u8, Fault> {
    // All names are looked up first: a misspelt one removes nothing.
    let mut ids = Vec::new();
    for name in servers {
        ids.push(cx.app.book.resolve(name).await?);
    }
    for (id, name) in ids.iter().zip(servers) {
        cx.app.book.remove(id, &cx.actor).await?;
        cx.out.remark(&Text::new(format!("{name} removed"), format!("已移除 {name}")));
    }
    if cx.out.for_programs() {
        cx.out.document(&json!({ "ok": true, "removed": servers }));
    }
    Ok(0)
}

async fn switch(cx: &Context, server: &str, on: bool) -> Result<u8, Fault> {
    let id = cx.app.book.resolve(server).await?;
    cx.app.book.set_enabled(&id, on, &cx.actor).await?;
    let view = cx.app.book.get(id.as_str()).await?;
    if on {
        saved(cx, &view, "switched on", "已启用");
    } else {
        saved(cx, &view, "switched off", "已停用");
    }
    Ok(0)
}

async fn accept(cx: &Context, server: &str, tool: Option<String>, yes: bool) -> Result<u8, Fault> {
    let view = cx.app.book.get(server).await?;
    let id = view.def.id.clone();
    if let Some(tool) = tool {
        let tool = tool.as_str().into();
        let found = cx.app.tools.get(&id, &tool)?;
        if let Some(diff) = &found.quarantined {
            cx.out.tell(&format!("{} / {tool}: {}", view.def.name, diff.changed.join(", ")));
            cx.out.tell(&format!("- {}\n+ {}", diff.before.description, diff.after.description));
            if diff.before.input_schema != diff.after.input_schema {
                cx.out.tell(&format!("- {}\n+ {}", diff.before.input_schema, diff.after.input_schema));
            }
        }
        agreed(cx, yes)?;
        cx.app.tools.accept(&id, &tool, &cx.actor).await?;
        cx.out.remark(&Text::new(format!("{tool} accepted"), format!("已接受 {tool}")));
        return Ok(0);
    }
    cx.out.tell(&format!("{}: {}", view.def.name, shown_target(&view)));
    for warning in start::warnings(&start::argv(&view.def.settings), view.def.text("cwd")) {
        cx.out.tell(&format!("  ! {}", cx.out.pick(&warning)));
    }
    agreed(cx, yes)?;
    cx.app.book.accept(&id, &cx.actor).await?;
    let view = cx.app.book.get(id.as_str()).await?;
    saved(cx, &view, "accepted", "已接受");
    Ok(0)
}

fn shown_target(view: &ServerView) -> String {
    let argv = start::argv(&view.def.settings);
    if argv.is_empty() { view.target.clone() } else { program_line(&argv) }
}

/// The person's word: `--yes`, or a yes on the terminal.
pub(super) fn agreed(cx: &Context, yes: bool) -> Result<(), Fault> {
    let refused = |en: &str, zh: &str| {
        Err(Fault::new(
            FaultKind::Denied,
            "not_agreed",
            Text::new(en, zh),
            Text::new("look at what is shown, then give --yes", "请查看所示内容，然后使用 --yes"),
        ))
    };
    if yes {
        return Ok(());
    }
    if !cx.actor.can_ask {
        return refused("nothing was done: nobody can be asked here", "未做任何更改：此处无人可以确认");
    }
    cx.out.tell_part(cx.out.word("agree? [y/N] ", "同意吗？[y/N] "));
    let mut line = String::new();
    let _ = std::io::stdin().read_line(&mut line);
    if matches!(line.trim().to_ascii_lowercase().as_str(), "y" | "yes" | "是") {
        return Ok(());
    }
    refused("nothing was done: you did not agree", "未做任何更改：您没有同意")
}
