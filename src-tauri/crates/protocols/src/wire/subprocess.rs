//! `subprocess` (also `stdio`): a program that speaks MCP on its standard input and output, one message a line.
//!
//! **Invariant:** no program is started but under guard, and none sees more of our environment than [`place::KEPT`] and what was declared.

#[cfg(unix)]
mod lines;
mod login;
mod place;
#[cfg(unix)]
mod ring;

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::fault::ServerFault;
use domain::protocol::{Common, ConnectCx, Session, TypedProtocol};
use domain::secret::SecretMap;
use domain::text::Text;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::guard::Limits;
use crate::mcp::{self, Era, Opening};

/// How long a start may take when the settings do not say: `npx` and `uvx` download first.
const START: Duration = Duration::from_mins(2);
/// Under this no runtime starts at all (bytes).
const LEAST_SPACE: u64 = 256;

/// The settings.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    /// The program: a name that is looked up in PATH, or a path.
    command: String,
    /// Its arguments, each as it stands: no shell reads them.
    #[serde(default)]
    args: Vec<String>,
    /// The folder that it starts in.
    #[serde(default)]
    cwd: Option<String>,
    /// Environment variables for it, beside the few that every program gets.
    #[serde(default)]
    env: SecretMap,
    /// Names of further variables that are handed on from Pilothouse's own environment, such as KUBECONFIG.
    #[serde(default)]
    inherit_env: Vec<String>,
    /// Which generation of MCP it speaks.
    #[serde(default)]
    era: Era,
    /// Processes it may have at once, itself included; 0 for no limit.
    #[serde(default = "processes")]
    max_processes: u32,
    /// Memory that all of them may use together (MiB); 0 for no limit.
    #[serde(default = "memory")]
    max_memory_mb: u64,
    /// Address space of each of them (MiB); 0 for no limit, which Node and other runtimes need.
    #[serde(default = "address_space")]
    max_address_space_mb: u64,
    /// Files that each of them may have open; 0 for no limit.
    #[serde(default = "open_files")]
    max_open_files: u64,
}

fn processes() -> u32 {
    Limits::default().processes
}
fn memory() -> u64 {
    Limits::default().memory >> 20
}
fn address_space() -> u64 {
    Limits::default().address_space >> 20
}
fn open_files() -> u64 {
    Limits::default().open_files
}

impl Settings {
    fn limits(&self) -> Limits {
        let bytes = |mebibytes: u64| mebibytes.saturating_mul(1 << 20);
        Limits {
            processes: self.max_processes,
            memory: bytes(self.max_memory_mb),
            address_space: bytes(self.max_address_space_mb),
            open_files: self.max_open_files,
        }
    }
}

/// The protocol. Holds what programs are given of our surroundings, found out once.
#[derive(Debug)]
pub(super) struct Subprocess {
    surroundings: place::Surroundings,
}

impl Subprocess {
    pub(super) fn new() -> Self {
        Self { surroundings: place::Surroundings::of_this_process() }
    }
}

/// The words of a command line as one line that can be read back unmistakably.
fn line<'w>(words: impl Iterator<Item = &'w str>) -> String {
    words.map(quoted).collect::<Vec<_>>().join(" ")
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,${}".contains(c);
    let unseen =
        |c: char| c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else if word.contains(unseen) {
        format!("$'{}'", word.escape_default())
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[async_trait]
impl TypedProtocol for Subprocess {
    const ID: &'static str = "subprocess";
    const ALIASES: &'static [&'static str] = &["stdio"];
    const STARTS_PROGRAM: bool = true;
    type Settings = Settings;

    fn label(&self) -> Text {
        Text::new("Program", "本地程序")
    }

    fn about(&self) -> Text {
        Text::new(
            "Starts a program on this machine and speaks MCP with it over its input and output.",
            "在本机启动一个程序，并通过其标准输入输出以 MCP 通信。",
        )
    }

    fn health(&self) -> Text {
        Text::new("The process is alive and answers a ping.", "进程存活并能应答 ping。")
    }

    fn target(&self, settings: &Settings) -> String {
        let words = std::iter::once(settings.command.as_str()).chain(settings.args.iter().map(String::as_str));
        let mut target = line(words);
        if let Some(cwd) = &settings.cwd {
            let _ = write!(target, " [in {}]", quoted(cwd));
        }
        let names: Vec<_> = settings.env.keys().chain(&settings.inherit_env).map(|name| quoted(name)).collect();
        if !names.is_empty() {
            let _ = write!(target, " [with {}]", names.join(", "));
        }
        target
    }

    fn check(&self, settings: &Settings, _: &Common) -> Result<(), ServerFault> {
        let fault = |field: String, reason: &str| Err(ServerFault::Settings { field, reason: reason.into() });
        if settings.command.trim().is_empty() {
            return fault("command".into(), "name a program");
        }
        let texts = [("command".to_owned(), settings.command.as_str())]
            .into_iter()
            .chain(settings.args.iter().enumerate().map(|(nth, arg)| (format!("args[{nth}]"), arg.as_str())))
            .chain(settings.cwd.iter().map(|cwd| ("cwd".to_owned(), cwd.as_str())))
            .chain(settings.env.iter().map(|(name, value)| (format!("env.{name}"), value.expose())));
        for (field, text) in texts {
            if text.contains('\0') {
                return fault(field, "contains a NUL byte, which no program can be given");
            }
        }
        for (field, name) in
            settings.env.keys().map(|name| ("env", name)).chain(settings.inherit_env.iter().map(|name| ("inherit_env", name)))
        {
            if name.is_empty() || name.contains(['=', '\0']) {
                return fault(field.into(), &format!("`{}` is no name of a variable", name.escape_debug()));
            }
        }
        if settings.cwd.as_ref().is_some_and(|cwd| !place::is_whole(cwd)) {
            return fault("cwd".into(), "must be a whole path, from the top");
        }
        if settings.max_address_space_mb != 0 && settings.max_address_space_mb < LEAST_SPACE {
            return fault("max_address_space_mb".into(), "must be 0 or at least 256");
        }
        Ok(())
    }

    #[cfg(unix)]
    async fn connect(&self, cx: ConnectCx, common: Common, settings: Settings) -> Result<Arc<dyn Session>, ServerFault> {
        let spec = self.surroundings.spec(&settings, &cx.guard, &cx.tasks).await?;
        let opening = Opening { era: settings.era, ..Opening::within(common.start_patience(START)) };
        let program = lines::Program::new(&cx, spec);
        mcp::open(cx, opening, program).await
    }

    #[cfg(not(unix))]
    async fn connect(&self, _: ConnectCx, _: Common, settings: Settings) -> Result<Arc<dyn Session>, ServerFault> {
        Err(ServerFault::SpawnFailed { program: settings.command, reason: "programs are not started on this system yet".into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::protocol::Protocol;
    use serde_json::json;

    fn check(settings: domain::Json) -> Result<String, ServerFault> {
        let domain::Json::Object(settings) = settings else { panic!("settings are an object") };
        Protocol::check(&Subprocess::new(), settings)
    }

    #[test]
    fn the_target_is_the_whole_command_line_and_no_value_of_the_environment() {
        let target = |settings| check(settings).unwrap();
        assert_eq!(target(json!({ "command": "python", "args": ["-m", "mcp_server"] })), "python -m mcp_server");
        assert_eq!(
            target(json!({ "command": "sh", "args": ["-c", "rm -rf \"$HOME\" 'x'", "", "a\u{202e}b", "c\nd"] })),
            r#"sh -c 'rm -rf "$HOME" '\''x'\''' '' $'a\u{202e}b' $'c\nd'"#
        );
        assert_eq!(
            target(json!({ "command": "x", "cwd": "/a b", "env": { "TOKEN": "hunter2" }, "inherit_env": ["KUBECONFIG"] })),
            "x [in '/a b'] [with TOKEN, KUBECONFIG]"
        );
        assert!(target(json!({ "command": "x", "args": ["y".repeat(5000)] })).len() > 5000, "nothing is cut");
    }

    #[test]
    fn settings_that_no_program_can_be_given_are_refused_by_field() {
        for (settings, named) in [
            (json!({}), "command"),
            (json!({ "command": " " }), "command"),
            (json!({ "command": ["python"] }), "command"),
            (json!({ "command": "a\u{0}b" }), "command"),
            (json!({ "command": "a", "args": ["x", "\u{0}"] }), "args[1]"),
            (json!({ "command": "a", "args": "x" }), "args"),
            (json!({ "command": "a", "cwd": "src" }), "cwd"),
            (json!({ "command": "a", "env": { "A=B": "x" } }), "env"),
            (json!({ "command": "a", "env": { "A": 1 } }), "env.A"),
            (json!({ "command": "a", "inherit_env": [""] }), "inherit_env"),
            (json!({ "command": "a", "max_address_space_mb": 1 }), "max_address_space_mb"),
            (json!({ "command": "a", "era": "old" }), "era"),
            (json!({ "command": "a", "shell": true }), "shell"),
        ] {
            match check(settings.clone()) {
                Err(ServerFault::Settings { field, .. }) => assert_eq!(field, named, "{settings}"),
                other => panic!("{settings} gave {other:?}"),
            }
        }
    }
}
