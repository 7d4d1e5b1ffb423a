//! `pilot resources`, `read`, `prompts`, `complete`: what a server offers beyond tools.

use domain::Json;
use domain::JsonMap;
use domain::fault::Fault;
use domain::text::Text;
use serde_json::json;

use crate::args::OneOff;
use crate::context::Context;
use crate::table::Table;
use crate::values::{texts, usage};
use crate::words::tame;

fn text_of(item: &Json, key: &str) -> String {
    item.get(key).and_then(Json::as_str).unwrap_or_default().to_owned()
}

/// Lists resources, or templates of them.
pub(super) async fn resources(cx: &Context, server: Option<String>, templates: bool, one_off: &OneOff) -> Result<u8, Fault> {
    let id = cx.server(server.as_deref(), one_off).await?;
    let items = cx
        .or_stop(async {
            if templates {
                cx.app.sessions.resource_templates(&id, &cx.actor).await
            } else {
                cx.app.sessions.resources(&id, &cx.actor).await
            }
        })
        .await?;
    cx.out.list(&items, || {
        let mut table = Table::new(["URI", "NAME", "TYPE", "DESCRIPTION"]);
        for item in &items {
            let uri = if templates { "uriTemplate" } else { "uri" };
            table.row([text_of(item, uri), text_of(item, "name"), text_of(item, "mimeType"), text_of(item, "description")]);
        }
        table
    });
    Ok(0)
}

/// Reads a resource: its text for people, `contents[]` for programs.
pub(super) async fn read(cx: &Context, names: &[String], one_off: &OneOff) -> Result<u8, Fault> {
    let (id, rest) = cx.server_and(names, one_off).await?;
    let [uri] = rest else { return Err(usage("one_resource", "exactly one resource is wanted", "需要恰好一个资源")) };
    let contents = cx.or_stop(cx.app.sessions.read_resource(&id, uri, &cx.actor)).await?;
    cx.out.one(&contents, |out| {
        let mut shown = String::new();
        for part in &contents {
            match part.get("text").and_then(Json::as_str) {
                Some(text) => shown.push_str(&tame(text)),
                None => {
                    let kind = text_of(part, "mimeType");
                    out.remark(&Text::new(
                        format!("[{kind}: no text; take it with -o json]"),
                        format!("[{kind}：不是文本；请用 -o json 获取]"),
                    ));
                }
            }
        }
        shown
    });
    Ok(0)
}

/// Lists prompts, or fills one in.
pub(super) async fn prompts(cx: &Context, names: &[String], args: &[String], one_off: &OneOff) -> Result<u8, Fault> {
    let (server, prompt) = match (names, one_off.given()) {
        ([], true) => (None, None),
        ([prompt], true) => (None, Some(prompt)),
        ([server], false) => (Some(server.as_str()), None),
        ([server, prompt], false) => (Some(server.as_str()), Some(prompt)),
        ([], false) => (None, None),
        _ => return Err(usage("one_prompt", "at most one prompt is wanted", "最多只能指定一个提示词")),
    };
    let id = cx.server(server, one_off).await?;
    let Some(prompt) = prompt else {
        let items = cx.or_stop(cx.app.sessions.prompts(&id, &cx.actor)).await?;
        cx.out.list(&items, || {
            let mut table = Table::new(["NAME", "ARGUMENTS", "DESCRIPTION"]);
            for item in &items {
                let arguments = item.get("arguments").and_then(Json::as_array).into_iter().flatten();
                let arguments = arguments
                    .map(|argument| {
                        let needed = argument.get("required").and_then(Json::as_bool) == Some(true);
                        format!("{}{}", text_of(argument, "name"), if needed { "*" } else { "" })
                    })
                    .collect::<Vec<_>>()
                    .join(", ");
                table.row([text_of(item, "name"), arguments, text_of(item, "description")]);
            }
            table
        });
        return Ok(0);
    };
    let args: JsonMap = texts(args)?.into_iter().map(|(name, value)| (name, value.into())).collect();
    let filled = cx.or_stop(cx.app.sessions.prompt(&id, prompt, args, &cx.actor)).await?;
    cx.out.one(&filled, |_| {
        let messages = filled.get("messages").and_then(Json::as_array).into_iter().flatten();
        let lines = messages.map(|message| {
            let content = message.get("content").cloned().unwrap_or_default();
            let text = content.get("text").and_then(Json::as_str).map_or_else(|| content.to_string(), str::to_owned);
            format!("{}: {}", text_of(message, "role"), tame(&text))
        });
        lines.collect::<Vec<_>>().join("\n")
    });
    Ok(0)
}

/// Values that a server proposes.
pub(super) async fn complete(
    cx: &Context,
    names: &[String],
    prompt: Option<String>,
    resource: Option<String>,
    one_off: &OneOff,
) -> Result<u8, Fault> {
    let reference = match (prompt, resource) {
        (Some(name), _) => json!({ "type": "ref/prompt", "name": name }),
        (None, Some(uri)) => json!({ "type": "ref/resource", "uri": uri }),
        (None, None) => return Err(usage("reference", "give --prompt or --resource", "请给出 --prompt 或 --resource")),
    };
    let (id, rest) = cx.server_and(names, one_off).await?;
    let (argument, value) = match rest {
        [argument] => (argument, ""),
        [argument, value] => (argument, value.as_str()),
        _ => return Err(usage("argument", "an argument and what is typed so far are wanted", "需要参数名和已输入的内容")),
    };
    let values = cx.or_stop(cx.app.sessions.complete(&id, reference, argument, value, &cx.actor)).await?;
    cx.out.list(&values, || {
        let mut table = Table::new(["VALUE"]);
        for value in &values {
            table.row([value.clone()]);
        }
        table
    });
    Ok(0)
}
