//! Which server is meant: a saved one by its name, or one that is described on the command line and not saved.

use std::io::Read as _;
use std::path::Path;

use app::imports::Source;
use domain::fault::{Fault, FaultKind};
use domain::id::ServerId;
use domain::server::ServerDef;
use domain::text::Text;
use domain::{Json, JsonMap};
use serde_json::json;

use crate::args::OneOff;
use crate::context::Context;
use crate::values::{header, split_line, texts, usage};

/// The largest input that is read from a file or from stdin.
const LARGEST: u64 = 16 * 1024 * 1024;

impl Context {
    /// The server of a command that takes one.
    pub(crate) async fn server(&self, name: Option<&str>, one_off: &OneOff) -> Result<ServerId, Fault> {
        self.maybe_server(name, one_off).await?.ok_or_else(no_server_given)
    }

    /// The server of a command that does without one.
    pub(crate) async fn maybe_server(&self, name: Option<&str>, one_off: &OneOff) -> Result<Option<ServerId>, Fault> {
        match (name, one_off.given()) {
            (Some(name), true) => Err(usage(
                "two_servers",
                format!("\"{name}\" names a saved server, and another one is described beside it"),
                format!("“{name}”指定了已保存的服务器，同时又描述了另一个服务器"),
            )),
            (None, true) => {
                let def = self.described(one_off, None)?;
                self.app.sessions.one_off(def).map(Some)
            }
            (Some(name), false) => self.app.book.resolve(name).await.map(Some),
            (None, false) => Ok(None),
        }
    }

    /// Names of the form `[SERVER] rest…`: the server is left out when one is described.
    pub(crate) async fn server_and<'n>(&self, names: &'n [String], one_off: &OneOff) -> Result<(ServerId, &'n [String]), Fault> {
        if one_off.given() {
            return Ok((self.server(None, one_off).await?, names));
        }
        match names {
            [server, rest @ ..] if !rest.is_empty() => Ok((self.server(Some(server), one_off).await?, rest)),
            _ => Err(no_server_given()),
        }
    }

    /// The definition that the command line describes.
    pub(crate) fn described(&self, one_off: &OneOff, name: Option<&str>) -> Result<ServerDef, Fault> {
        let text = match &one_off.server_json {
            Some(file) => read_text(file)?,
            None => Json::Object(object(one_off, name.unwrap_or("one-off"))?).to_string(),
        };
        let file_name = one_off.server_json.as_deref().map(Path::to_string_lossy);
        let source = Source { text: &text, file_name: file_name.as_deref(), name: Some(name.unwrap_or("one-off")), inputs: None };
        let (mut def, warnings) = self.app.imports.single(&source)?;
        for warning in warnings {
            self.out
                .remark(&Text::new(format!("{}: {}", warning.field, warning.text.en), format!("{}：{}", warning.field, warning.text.zh)));
        }
        "cli".clone_into(&mut def.origin);
        Ok(def)
    }
}

fn no_server_given() -> Fault {
    usage(
        "no_server",
        "no server is given: name a saved one, or describe one with --url, --stdio or --server-json",
        "没有指定服务器：请给出已保存的名称，或用 --url、--stdio、--server-json 描述一个",
    )
}

fn object(one_off: &OneOff, name: &str) -> Result<JsonMap, Fault> {
    let mut object = JsonMap::new();
    object.insert("name".into(), name.into());
    if let Some(url) = &one_off.url {
        let kind = one_off.kind.as_deref();
        if let Some(kind) = kind {
            object.insert("type".into(), kind.into());
        }
        // With `http` the REST form is meant here, not what editors call so.
        let field = if matches!(kind, Some("http" | "rest")) { "base_url" } else { "url" };
        object.insert(field.into(), url.as_str().into());
        let headers: JsonMap =
            one_off.headers.iter().map(|line| header(line).map(|(name, value)| (name, value.into()))).collect::<Result<_, _>>()?;
        if !headers.is_empty() {
            object.insert("auth_headers".into(), Json::Object(headers));
        }
    } else if let Some(line) = &one_off.stdio {
        let mut words = split_line(line)?;
        let args = words.split_off(1);
        object.insert("type".into(), "subprocess".into());
        object.insert("command".into(), words.remove(0).into());
        object.insert("args".into(), json!(args));
        let env = texts(&one_off.env)?;
        if !env.is_empty() {
            object.insert("env".into(), json!(env));
        }
        if let Some(cwd) = &one_off.cwd {
            object.insert("cwd".into(), cwd.as_str().into());
        }
    }
    Ok(object)
}

/// A file's text, or stdin's for `-`.
pub(crate) fn read_text(file: &Path) -> Result<String, Fault> {
    let shown = file.to_string_lossy();
    let failed = |reason: String| {
        Fault::new(
            FaultKind::Config,
            "file_unreadable",
            Text::new(format!("{shown} could not be read: {reason}"), format!("无法读取 {shown}：{reason}")),
            Text::new("look at the name and the permissions", "请检查文件名和权限"),
        )
    };
    let mut bytes = Vec::new();
    let read = if file == Path::new("-") {
        std::io::stdin().lock().take(LARGEST + 1).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(file).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes))
    };
    read.map_err(|fault| failed(fault.to_string()))?;
    if bytes.len() as u64 > LARGEST {
        return Err(failed(format!("it has more than {} MiB", LARGEST / (1024 * 1024))));
    }
    String::from_utf8(bytes).map_err(|_| failed("it is no UTF-8 text".into()))
}
