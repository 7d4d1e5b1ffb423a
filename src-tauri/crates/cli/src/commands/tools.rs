//! `pilot tools` and `pilot describe`.

use app::ToolView;
use domain::fault::Fault;
use domain::id::ServerId;
use domain::tool::{Annotations, Risk};
use domain::{Json, tool::Tool};
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use serde::Serialize;

use super::word_of;
use crate::args::{OneOff, ToolsArgs};
use crate::context::Context;
use crate::table::Table;
use crate::words::tame;

/// A tool as scripts see it. The fields are the contract.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ToolRow<'t> {
    server: &'t str,
    name: &'t str,
    title: Option<&'t str>,
    description: &'t str,
    input_schema: &'t Json,
    output_schema: Option<&'t Json>,
    annotations: &'t Annotations,
    risk: Risk,
}

impl<'t> ToolRow<'t> {
    fn of(view: &'t ToolView) -> Self {
        let tool: &Tool = &view.tool;
        Self {
            server: &view.server_name,
            name: tool.name.as_str(),
            title: tool.title.as_deref(),
            description: &tool.description,
            input_schema: &tool.input_schema,
            output_schema: tool.output_schema.as_ref(),
            annotations: &tool.annotations,
            risk: view.risk,
        }
    }
}

/// Lists tools. What was last seen is shown without asking the servers; a server that was never seen is asked.
pub(super) async fn list(cx: &Context, args: ToolsArgs) -> Result<u8, Fault> {
    let one = cx.maybe_server(args.server.as_deref(), &args.one_off).await?;
    let mut first_fault = None;
    let mut views = match &one {
        Some(id) => cx.or_stop(of_server(cx, id, args.refresh)).await?,
        None => {
            let (views, fault) = cx.or_stop(of_all(cx, args.refresh)).await?;
            first_fault = fault;
            views
        }
    };
    if let Some(words) = &args.search {
        let best = cx.app.tools.search(words, usize::MAX);
        let place = |view: &ToolView| best.iter().position(|hit| hit.server == view.server && hit.tool.name == view.tool.name);
        views.retain(|view| place(view).is_some());
        views.sort_by_key(place);
    }
    let rows: Vec<ToolRow<'_>> = views.iter().map(ToolRow::of).collect();
    cx.out.list(&rows, || {
        let risk = |view: &ToolView| if view.quarantined.is_some() { format!("{} !", word_of(&view.risk)) } else { word_of(&view.risk) };
        let about = |view: &ToolView| view.tool.title.clone().unwrap_or_else(|| view.tool.description.clone());
        if one.is_some() {
            let mut table = Table::new(["NAME", "RISK", "DESCRIPTION"]);
            for view in &views {
                table.row([view.tool.name.to_string(), risk(view), about(view)]);
            }
            return table;
        }
        let mut table = Table::new(["SERVER", "NAME", "RISK", "DESCRIPTION"]);
        for view in &views {
            table.row([view.server_name.clone(), view.tool.name.to_string(), risk(view), about(view)]);
        }
        table
    });
    if views.iter().any(|view| view.quarantined.is_some()) {
        cx.out.remark(&domain::text::Text::new(
            "! changed since it was accepted: see `pilot describe`, then `pilot servers accept SERVER --tool TOOL`",
            "! 自接受以来发生了变化：请查看 `pilot describe`，然后执行 `pilot servers accept SERVER --tool TOOL`",
        ));
    }
    match first_fault {
        Some(fault) if views.is_empty() => Err(fault),
        _ => Ok(0),
    }
}

async fn of_server(cx: &Context, id: &ServerId, refresh: bool) -> Result<Vec<ToolView>, Fault> {
    let seen = cx.app.book.get(id.as_str()).await?.facts.is_some();
    if refresh || !seen {
        return cx.app.tools.refresh(id, &cx.actor).await;
    }
    cx.app.tools.of(id)
}

/// All enabled servers at once; one that fails does not spoil the others.
async fn of_all(cx: &Context, refresh: bool) -> Result<(Vec<ToolView>, Option<Fault>), Fault> {
    let servers = cx.app.book.list().await?;
    let wanted: Vec<_> = servers.into_iter().filter(|server| server.def.enabled).collect();
    let mut asked: FuturesUnordered<_> =
        wanted.iter().enumerate().map(|(nth, server)| async move { (nth, of_server(cx, &server.def.id, refresh).await) }).collect();
    let mut found = Vec::new();
    let mut first_fault = None;
    while let Some((nth, tools)) = asked.next().await {
        match tools {
            Ok(tools) => found.push((nth, tools)),
            Err(fault) => {
                cx.out.tell(&format!("{}: {}", wanted[nth].def.name, cx.out.pick(&fault.message)));
                first_fault.get_or_insert(fault);
            }
        }
    }
    found.sort_by_key(|(nth, _)| *nth);
    Ok((found.into_iter().flat_map(|(_, tools)| tools).collect(), first_fault))
}

/// One tool with its schema.
pub(super) async fn describe(cx: &Context, names: &[String], one_off: &OneOff) -> Result<u8, Fault> {
    let (id, rest) = cx.server_and(names, one_off).await?;
    let [name] = rest else { return Err(one_tool()) };
    let view = cx.or_stop(find(cx, &id, name)).await?;
    cx.out.one(&ToolRow::of(&view), |out| {
        let tool = &view.tool;
        let mut text = format!("{} / {} ({})\n", view.server_name, tool.name, word_of(&view.risk));
        if let Some(title) = &tool.title {
            text.push_str(&format!("{title}\n"));
        }
        text.push_str(&format!("\n{}\n", tool.description));
        let pretty = |value: &Json| serde_json::to_string_pretty(value).unwrap_or_default();
        text.push_str(&format!("\n{}\n{}\n", out.word("arguments", "参数"), pretty(&tool.input_schema)));
        if let Some(schema) = &tool.output_schema {
            text.push_str(&format!("\n{}\n{}\n", out.word("result", "结果"), pretty(schema)));
        }
        if let Some(diff) = &view.quarantined {
            let changed = diff.changed.join(", ");
            text.push_str(&format!("\n{}: {changed}\n", out.word("changed since it was accepted", "自接受以来的变化")));
            text.push_str(&format!("- {}\n+ {}\n", diff.before.description, diff.after.description));
            if diff.before.input_schema != diff.after.input_schema {
                text.push_str(&format!("- {}\n+ {}\n", diff.before.input_schema, diff.after.input_schema));
            }
        }
        tame(&text).into_owned()
    });
    Ok(0)
}

/// The tool of a server, which is asked when the tool is not among those last seen.
pub(super) async fn find(cx: &Context, id: &ServerId, name: &str) -> Result<ToolView, Fault> {
    let tool = name.into();
    match cx.app.tools.get(id, &tool) {
        Ok(view) => Ok(view),
        Err(_) => {
            cx.app.tools.refresh(id, &cx.actor).await?;
            cx.app.tools.get(id, &tool)
        }
    }
}

/// The command wants one tool.
pub(super) fn one_tool() -> Fault {
    crate::values::usage("one_tool", "exactly one tool is wanted", "需要恰好一个工具")
}
