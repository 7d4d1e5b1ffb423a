//! The echo server as a program: `echo-server stdio|http|sse|ws [--port N] [--era both|legacy|modern] [--tools N] [--page N] [--until-eof]`.

use std::net::SocketAddr;
use std::sync::Arc;

use super::{Echo, EchoHttp, EchoSocket, EchoSse, Eras, HttpKind, serve_stdio};
use crate::web::Web;

struct Choice {
    transport: String,
    port: u16,
    until_eof: bool,
    echo: Arc<Echo>,
}

fn choice(args: &[String]) -> Result<Choice, String> {
    let mut args = args.iter().map(String::as_str);
    let transport = args.next().ok_or("which transport: stdio, http, sse or ws?")?.to_owned();
    let (mut port, mut tools, mut page, mut eras, mut until_eof) = (0, 0, 0, Eras::Both, false);
    while let Some(flag) = args.next() {
        let mut number = || args.next().and_then(|text| text.parse::<u16>().ok()).ok_or(format!("{flag} wants a number"));
        match flag {
            "--port" => port = number()?,
            "--tools" => tools = number()?.into(),
            "--page" => page = number()?.into(),
            "--era" => {
                eras = match args.next() {
                    Some("both") => Eras::Both,
                    Some("legacy") => Eras::Legacy,
                    Some("modern") => Eras::Modern,
                    other => return Err(format!("--era is both, legacy or modern, not {other:?}")),
                }
            }
            "--until-eof" => until_eof = true,
            other => return Err(format!("what is {other}?")),
        }
    }
    Ok(Choice { transport, port, until_eof, echo: Echo::shaped(eras, tools, page) })
}

/// Runs the program. Listening transports print their URL as one line on stdout and serve until they are ended, or with `--until-eof`
/// until stdin ends, so that no server outlives the test that started it.
pub fn main(args: &[String]) -> std::process::ExitCode {
    let choice = match choice(args) {
        Ok(choice) => choice,
        Err(words) => {
            eprintln!("echo-server: {words}");
            return std::process::ExitCode::from(2);
        }
    };
    let workers = if choice.transport == "stdio" { 1 } else { 2 };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(workers).enable_all().build().expect("a runtime can be built");
    let _inside = runtime.enter();
    if choice.transport == "stdio" {
        serve_stdio(&choice.echo);
        runtime.shutdown_background();
        return std::process::ExitCode::SUCCESS;
    }
    let (app, path) = match choice.transport.as_str() {
        "http" => (EchoHttp::routes(&choice.echo, HttpKind::Plain), "/mcp"),
        "sse" => (EchoSse::routes(&choice.echo), "/sse"),
        "ws" => (EchoSocket::routes(&choice.echo), "/ws"),
        other => {
            eprintln!("echo-server: {other} is no transport: stdio, http, sse or ws");
            return std::process::ExitCode::from(2);
        }
    };
    let web = runtime.block_on(Web::start_on(SocketAddr::from(([127, 0, 0, 1], choice.port)), app));
    println!("{}", if choice.transport == "ws" { web.ws_url(path) } else { web.url(path) });
    if choice.until_eof {
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
    } else {
        runtime.block_on(std::future::pending::<()>());
    }
    runtime.shutdown_background();
    std::process::ExitCode::SUCCESS
}
