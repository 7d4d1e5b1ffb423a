//! `pilot call`: run a tool, show its progress, give its answer.

use std::path::Path;
use std::time::Duration;

use app::{CallDone, CallOrder};
use domain::fault::Fault;
use domain::id::CallId;
use domain::protocol::CallEvent;
use domain::text::Text;
use domain::tool::Content;
use domain::{Json, JsonMap};
use serde::Serialize;
use tokio::sync::mpsc;

use super::tools;
use crate::args::{CallArgs, Form};
use crate::context::Context;
use crate::out::Out;
use crate::progress::Progress;
use crate::target::read_text;
use crate::values::{arguments, usage};
use crate::words::tame;

/// What scripts get for a call that was carried out. The fields are the contract; `isError` is the tool's own word.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct CallAnswer<'c> {
    ok: bool,
    is_error: bool,
    content: &'c [Content],
    structured_content: Option<&'c Json>,
    server: &'c str,
    tool: &'c str,
    audit_id: &'c str,
    elapsed_ms: f64,
}

/// Runs a tool.
pub(super) async fn run(cx: &Context, args: CallArgs) -> Result<u8, Fault> {
    let timeout = match args.timeout {
        Some(seconds) if seconds.is_finite() && seconds > 0.0 && seconds <= 86_400.0 => Some(Duration::from_secs_f64(seconds)),
        Some(_) => return Err(usage("timeout", "--timeout must be seconds above 0", "--timeout 必须是大于 0 的秒数")),
        None => None,
    };
    let mut given = match args.args.as_deref() {
        None => JsonMap::new(),
        Some(text) => object(text)?,
    };
    let (id, rest) = cx.server_and(&args.names, &args.one_off).await?;
    let [name] = rest else { return Err(tools::one_tool()) };
    if !args.pairs.is_empty() {
        let view = cx.or_stop(tools::find(cx, &id, name)).await?;
        given.extend(arguments(&args.pairs, &view.tool.input_schema)?);
    }
    let call = CallId::new(format!("cli-{}", uuid::Uuid::new_v4().simple()));
    let order = CallOrder {
        server: id,
        tool: name.as_str().into(),
        args: given,
        actor: cx.actor.clone(),
        call: call.clone(),
        timeout,
        approve_once: args.approve_once,
    };
    let done = watched(cx, order, &call, args.stream).await?;
    answer(&cx.out, &done, args.stream);
    Ok(u8::from(done.result.is_error))
}

/// The call with its progress. Ctrl-C cancels it; then its fault is waited for, which has the reference.
async fn watched(cx: &Context, order: CallOrder, call: &CallId, stream: bool) -> Result<CallDone, Fault> {
    let (sender, mut events) = mpsc::channel::<CallEvent>(1024);
    let mut progress = Progress::new(cx.out.clone(), stream);
    let calling = cx.app.desk.call_with(order, Some(sender));
    tokio::pin!(calling);
    let mut stopping = false;
    let done = loop {
        tokio::select! {
            biased;
            Some(event) = events.recv() => progress.take(&event),
            done = &mut calling => break done,
            () = cx.stop.cancelled(), if !stopping => {
                stopping = true;
                // A call that still waits for its server or for a person is given up by dropping it.
                if !cx.app.desk.cancel(call) {
                    break Err(crate::context::cancelled());
                }
            }
        }
    };
    while let Ok(event) = events.try_recv() {
        progress.take(&event);
    }
    progress.clear();
    done
}

fn answer(out: &Out, done: &CallDone, stream: bool) {
    if let Some(fault) = &done.invalid {
        out.remark(&fault.message);
    }
    let result = &done.result;
    let answer = CallAnswer {
        ok: true,
        is_error: result.is_error,
        content: &result.content,
        structured_content: result.structured_content.as_ref(),
        server: &done.server_name,
        tool: done.tool.as_str(),
        audit_id: done.audit_id.as_str(),
        elapsed_ms: done.elapsed_ms,
    };
    if !out.for_programs() {
        for_people(out, done);
    } else if stream && out.form() == Form::Json {
        // Everything on stdout is one JSON document a line then.
        out.line(&serde_json::to_string(&answer).unwrap_or_default());
    } else {
        out.document(&answer);
    }
}

fn for_people(out: &Out, done: &CallDone) {
    let result = &done.result;
    let mut shown = false;
    for Content::Block(block) in &result.content {
        let text = |key: &str| block.get(key).and_then(Json::as_str);
        match text("type") {
            Some("text") => {
                out.line(&tame(text("text").unwrap_or_default()));
                shown = true;
            }
            Some("resource_link") => out.line(&tame(text("uri").unwrap_or_default())),
            Some("resource") => {
                let resource = block.get("resource");
                let part = |key: &str| resource.and_then(|resource| resource.get(key)).and_then(Json::as_str);
                match part("text") {
                    Some(text) => out.line(&tame(text)),
                    None => {
                        out.remark(&Text::same(format!(
                            "[{} {}]",
                            part("mimeType").unwrap_or("resource"),
                            part("uri").unwrap_or_default()
                        )));
                    }
                }
                shown = true;
            }
            Some(kind @ ("image" | "audio")) => {
                let size = text("data").map_or(0, |data| data.len() / 4 * 3);
                out.remark(&Text::new(
                    format!("[{kind} {}, {size} bytes: take it with -o json]", text("mimeType").unwrap_or("?")),
                    format!("[{kind} {}，{size} 字节：请用 -o json 获取]", text("mimeType").unwrap_or("?")),
                ));
            }
            _ => out.line(&block.to_string()),
        }
    }
    if let Some(structured) = result.structured_content.as_ref().filter(|_| !shown) {
        out.line(&serde_json::to_string_pretty(structured).unwrap_or_default());
    }
    let reference = &done.audit_id;
    if result.is_error {
        out.tell(&format!("pilot: {} #{reference}", out.word("the tool answered that it failed", "工具报告执行失败")));
    } else {
        out.remark(&Text::same(format!("#{reference} {} ms", super::millis(Some(done.elapsed_ms)))));
    }
}

/// `--args`: an object as it stands, from a file, or from stdin.
fn object(text: &str) -> Result<JsonMap, Fault> {
    let read;
    let text = if text == "-" {
        read = read_text(Path::new("-"))?;
        &read
    } else if let Some(file) = text.strip_prefix('@') {
        read = read_text(Path::new(file))?;
        &read
    } else {
        text
    };
    match serde_json::from_str::<Json>(text) {
        Ok(Json::Object(map)) => Ok(map),
        Ok(_) => Err(usage("args_no_object", "--args must be a JSON object", "--args 必须是 JSON 对象")),
        Err(fault) => Err(usage(
            "args_no_json",
            format!("--args is no JSON (line {}, column {})", fault.line(), fault.column()),
            format!("--args 不是有效的 JSON（第 {} 行，第 {} 列）", fault.line(), fault.column()),
        )),
    }
}
