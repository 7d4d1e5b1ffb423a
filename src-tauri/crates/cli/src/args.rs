//! The words that `pilot` understands.

mod cluster;
mod k8s;
mod k8s_act;
mod k8s_change;
mod k8s_inside;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use cluster::{ClusterCommand, ClusterImportArgs, ClusterLoginArgs, ClusterSetArgs, ConsentForArg, Switch};
pub(crate) use k8s::{K8sCanIArgs, K8sCommand, K8sEventsArgs, K8sGetArgs, K8sLevel, K8sLogsArgs, K8sPlace, K8sTopCommand, K8sValidateArgs};
pub(crate) use k8s_act::{K8sCascade, K8sDeleteArgs, K8sDrainArgs, K8sNodeArgs, K8sPatchArgs, K8sPatchType, K8sScaleArgs, K8sTargetArgs};
pub(crate) use k8s_change::{K8sApplyArgs, K8sManifestArgs, K8sRolloutCommand, K8sTryArgs, K8sUndoArgs};
pub(crate) use k8s_inside::{K8sExecArgs, K8sForwardArgs, K8sRevealCommand};

/// Reach any MCP tool server from the terminal: tools, policy and audit in one place.
///
/// Exit codes: 0 done · 1 the tool answered with an error · 2 usage · 3 configuration · 4 unreachable or timed out · 5 authentication ·
/// 6 denied or needs approval · 7 the peer broke the protocol · 8 cancelled · 9 internal.
#[derive(Debug, Parser)]
#[command(name = "pilot", version, max_term_width = 110)]
pub(crate) struct Pilot {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Words that every command takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct Global {
    /// Where servers, policy and audit are kept
    #[arg(long, global = true, value_name = "DIR", env = "PILOTHOUSE_CONFIG_DIR", hide_env = true)]
    pub(crate) config_dir: Option<PathBuf>,
    /// How data is written to stdout
    #[arg(short, long, global = true, value_enum, default_value = "table", value_name = "FORM")]
    pub(crate) output: Form,
    /// The language of messages; taken from LANG when not given
    #[arg(long, global = true, value_enum, env = "PILOTHOUSE_LANG", hide_env = true)]
    pub(crate) lang: Option<Lang>,
    /// No progress and no remarks on stderr, only faults
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// The kind of vault that this run insists on; what was chosen when not given
    #[arg(long, global = true, value_enum, value_name = "KIND")]
    pub(crate) vault: Option<VaultArg>,
    /// The file whose first line is the vault's passphrase; asked at the terminal when not given
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,
}

/// How the vault's key is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum VaultArg {
    /// In the keyring of the system
    Keyring,
    /// Nowhere; a passphrase opens it
    Passphrase,
    /// Nowhere; secrets end with the process
    Session,
}

/// How data is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// For people
    #[value(alias = "text")]
    Table,
    /// For people, with every column that there is
    Wide,
    /// One JSON document
    Json,
    /// One JSON document a line
    Jsonl,
    /// YAML
    Yaml,
}

/// A language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Lang {
    /// English
    En,
    /// 简体中文
    Zh,
}

/// A server that is not saved. Write secrets as references, such as `--header 'Authorization: Bearer ${TOKEN}'` in single quotes: values
/// on a command line can be seen by every program on the machine.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "A server that is not saved")]
pub(crate) struct OneOff {
    /// Reach this address
    #[arg(long, value_name = "URL", conflicts_with_all = ["stdio", "server_json"])]
    pub(crate) url: Option<String>,
    /// The protocol of --url: stream_http, sse, websocket, http; told from the address when not given
    #[arg(long = "type", value_name = "TYPE", requires = "url")]
    pub(crate) kind: Option<String>,
    /// A header for --url; write secrets as ${NAME}. May be repeated
    #[arg(long = "header", value_name = "NAME: VALUE", requires = "url")]
    pub(crate) headers: Vec<String>,
    /// Start this command line and speak to it over its input and output
    #[arg(long, value_name = "CMD ARGS…", conflicts_with = "server_json")]
    pub(crate) stdio: Option<String>,
    /// A variable for --stdio. May be repeated
    #[arg(long = "env", value_name = "NAME=VALUE", requires = "stdio")]
    pub(crate) env: Vec<String>,
    /// The folder in which --stdio starts
    #[arg(long, value_name = "DIR", requires = "stdio")]
    pub(crate) cwd: Option<String>,
    /// A server object in a file, or - for stdin
    #[arg(long, value_name = "FILE|-")]
    pub(crate) server_json: Option<PathBuf>,
}

impl OneOff {
    /// Whether any of it was given.
    pub(crate) fn given(&self) -> bool {
        self.url.is_some() || self.stdio.is_some() || self.server_json.is_some()
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Saved servers
    #[command(subcommand)]
    Servers(ServersCommand),
    /// Tools of one server, or of all
    Tools(ToolsArgs),
    /// One tool with its schema
    Describe {
        /// The saved server (left out for a server that is not saved), then the tool
        #[arg(required = true, num_args = 1..=2, value_name = "[SERVER] TOOL")]
        names: Vec<String>,
        #[command(flatten)]
        one_off: OneOff,
    },
    /// Run a tool
    Call(CallArgs),
    /// Resources of a server
    Resources {
        /// The saved server
        server: Option<String>,
        /// List templates of resources instead
        #[arg(long)]
        templates: bool,
        #[command(flatten)]
        one_off: OneOff,
    },
    /// Read a resource
    Read {
        /// The saved server (left out for a server that is not saved), then the resource's URI
        #[arg(required = true, num_args = 1..=2, value_name = "[SERVER] URI")]
        names: Vec<String>,
        #[command(flatten)]
        one_off: OneOff,
    },
    /// Prompts of a server, or one of them filled in
    Prompts {
        /// The saved server (left out for a server that is not saved), then the prompt to fill in
        #[arg(num_args = 0..=2, value_name = "[SERVER] [PROMPT]")]
        names: Vec<String>,
        /// An argument of the prompt. May be repeated
        #[arg(long = "arg", value_name = "NAME=VALUE")]
        args: Vec<String>,
        #[command(flatten)]
        one_off: OneOff,
    },
    /// Values that a server proposes for an argument of a prompt or resource template
    Complete {
        /// The saved server (left out for a server that is not saved), the argument, and what is typed so far
        #[arg(required = true, num_args = 1..=3, value_name = "[SERVER] ARGUMENT [VALUE]")]
        names: Vec<String>,
        /// The prompt whose argument it is
        #[arg(long, conflicts_with = "resource", required_unless_present = "resource")]
        prompt: Option<String>,
        /// The resource template whose argument it is
        #[arg(long, value_name = "URI")]
        resource: Option<String>,
        #[command(flatten)]
        one_off: OneOff,
    },
    /// How servers are, asked now
    Health {
        /// The saved server; all enabled ones when not given
        server: Option<String>,
        /// Ask again and again until Ctrl-C
        #[arg(long)]
        watch: bool,
        /// Seconds between two rounds of --watch
        #[arg(long, default_value_t = 5, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3600))]
        interval: u64,
        #[command(flatten)]
        one_off: OneOff,
    },
    /// Calls, errors and latencies of servers and tools
    Metrics {
        /// The saved server; all when not given
        server: Option<String>,
        /// How far back
        #[arg(long, value_enum, default_value = "24h", value_name = "WINDOW")]
        window: WindowArg,
        /// Also for each tool
        #[arg(long)]
        by_tool: bool,
    },
    /// What was done, by whom, and how it ended
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Who may do what
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Secrets, and the vault that keeps them
    #[command(subcommand)]
    Secret(SecretCommand),
    /// Clusters of kubeconfigs, with their secrets in the vault
    #[command(subcommand)]
    Cluster(ClusterCommand),
    /// What clusters hold
    #[command(subcommand)]
    K8s(K8sCommand),
    /// Answer kubectl with a credential; a rewritten kubeconfig calls this
    KubeCredential {
        /// The cluster's id
        #[arg(long)]
        id: String,
    },
    /// Find out what does not work, and what to do about it
    Doctor {
        /// The saved server; this machine alone when not given
        server: Option<String>,
        #[command(flatten)]
        one_off: OneOff,
    },
    /// Completions for a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

/// `pilot tools`.
#[derive(Debug, Args)]
pub(crate) struct ToolsArgs {
    /// The saved server; all enabled ones when not given
    pub(crate) server: Option<String>,
    /// Only tools that fit these words
    #[arg(long, value_name = "WORDS")]
    pub(crate) search: Option<String>,
    /// Ask the servers instead of showing what was last seen
    #[arg(long)]
    pub(crate) refresh: bool,
    #[command(flatten)]
    pub(crate) one_off: OneOff,
}

/// `pilot call`.
#[derive(Debug, Args)]
pub(crate) struct CallArgs {
    /// The saved server (left out for a server that is not saved), then the tool
    #[arg(required = true, num_args = 1..=2, value_name = "[SERVER] TOOL")]
    pub(crate) names: Vec<String>,
    /// The arguments as a JSON object, @FILE, or - for stdin
    #[arg(long, value_name = "JSON")]
    pub(crate) args: Option<String>,
    /// One argument; its text becomes what the tool's schema wants. NAME:=JSON gives JSON. May be repeated
    #[arg(long = "arg", value_name = "NAME=VALUE")]
    pub(crate) pairs: Vec<String>,
    /// Seconds without an answer or progress until the call is given up
    #[arg(long, value_name = "SECONDS")]
    pub(crate) timeout: Option<f64>,
    /// Write progress and pieces of the result as JSON lines before the result
    #[arg(long)]
    pub(crate) stream: bool,
    /// Agree to this one call beforehand; counts where the policy asks, never where it denies
    #[arg(long)]
    pub(crate) approve_once: bool,
    #[command(flatten)]
    pub(crate) one_off: OneOff,
}

/// A window of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum WindowArg {
    /// One minute
    #[value(name = "1m")]
    Minute,
    /// Fifteen minutes
    #[value(name = "15m")]
    Quarter,
    /// One day
    #[value(name = "24h")]
    Day,
}

/// `pilot secret`.
#[derive(Debug, Subcommand)]
pub(crate) enum SecretCommand {
    /// Keep a value, read from stdin or typed without being shown: for a field of a server, or under a name
    Set {
        /// The saved server
        #[arg(required_unless_present = "name", requires = "field")]
        server: Option<String>,
        /// The field, such as auth_token, auth_headers.Authorization or env.TOKEN
        field: Option<String>,
        /// Keep it under this name instead; the reference to write into settings is printed
        #[arg(long, value_name = "NAME", conflicts_with = "server")]
        name: Option<String>,
    },
    /// What is kept, without values
    List,
    /// A new key around the vault's key; a new passphrase where one is used
    Rotate {
        /// Also a new key for every secret
        #[arg(long)]
        deep: bool,
        /// The file whose first line is the new passphrase; asked at the terminal when not given
        #[arg(long, value_name = "FILE")]
        new_passphrase_file: Option<PathBuf>,
    },
    /// Remove a secret
    Remove {
        /// Its id, its name, or the server that it belongs to
        what: String,
        /// Only this field of the server
        field: Option<String>,
        /// Do not ask
        #[arg(short, long)]
        yes: bool,
    },
    /// Close the vault for every process until it is unlocked
    Lock,
    /// Open the vault; plain secrets in settings move into it
    Unlock,
    /// How the vault stands, and which secrets still stand in plain text
    State,
    /// Choose how the vault's key is kept
    Settle {
        /// In what way
        #[arg(value_enum)]
        kind: VaultArg,
        /// The file whose first line is the new passphrase; that of --passphrase-file when not given
        #[arg(long, value_name = "FILE")]
        new_passphrase_file: Option<PathBuf>,
    },
    /// Write the vault's key into an age file under a passphrase of its own
    ExportKit {
        /// A file that does not exist yet
        file: PathBuf,
        /// The file whose first line is the kit's passphrase; asked at the terminal when not given
        #[arg(long, value_name = "FILE")]
        kit_passphrase_file: Option<PathBuf>,
    },
    /// Take the vault's key out of a recovery kit
    RestoreKit {
        /// What export-kit wrote
        file: PathBuf,
        /// The file whose first line is the kit's passphrase; asked at the terminal when not given
        #[arg(long, value_name = "FILE")]
        kit_passphrase_file: Option<PathBuf>,
    },
    /// Destroy the vault's key and every secret
    Wipe {
        /// Do not ask
        #[arg(short, long)]
        yes: bool,
    },
}

/// `pilot servers`.
#[derive(Debug, Subcommand)]
pub(crate) enum ServersCommand {
    /// List them
    List,
    /// Show one, secrets masked
    Show {
        /// The server
        server: String,
    },
    /// Save a new one
    Add(AddArgs),
    /// Change settings of one
    Edit {
        /// The server
        server: String,
        /// A new name
        #[arg(long)]
        rename: Option<String>,
        /// A setting; NAME:=JSON gives JSON. May be repeated
        #[arg(long = "set", value_name = "NAME=VALUE")]
        set: Vec<String>,
        /// A setting to take away. May be repeated
        #[arg(long = "unset", value_name = "NAME")]
        unset: Vec<String>,
    },
    /// Take over what another program has configured
    Import(ImportArgs),
    /// Write servers as a file
    Export {
        /// The servers; all when not given
        servers: Vec<String>,
        /// What sort of file
        #[arg(long, value_enum, default_value = "mcp-config")]
        form: FormOfExport,
        /// Write plain secrets out instead of references
        #[arg(long)]
        with_secrets: bool,
    },
    /// Templates of servers
    Templates {
        #[command(subcommand)]
        command: Option<TemplatesCommand>,
    },
    /// Connect and list tools, without saving anything
    Test {
        /// The saved server
        server: Option<String>,
        #[command(flatten)]
        one_off: OneOff,
    },
    /// Remove servers; their audit rows stay
    Remove {
        /// The servers
        #[arg(required = true)]
        servers: Vec<String>,
    },
    /// Switch one on
    Enable {
        /// The server
        server: String,
    },
    /// Switch one off
    Disable {
        /// The server
        server: String,
    },
    /// Accept what a server starts or reaches, or a tool that changed
    Accept {
        /// The server
        server: String,
        /// Accept this tool's changed definition
        #[arg(long)]
        tool: Option<String>,
        /// Do not ask
        #[arg(short, long)]
        yes: bool,
    },
}

/// `pilot servers add`.
#[derive(Debug, Args)]
pub(crate) struct AddArgs {
    /// Its name
    pub(crate) name: Option<String>,
    /// Its name, said in this way
    #[arg(long = "name", value_name = "NAME", conflicts_with = "name")]
    pub(crate) named: Option<String>,
    /// Start from this template
    #[arg(long, value_name = "ID", conflicts_with_all = ["url", "stdio", "server_json"])]
    pub(crate) template: Option<String>,
    /// A blank of the template. May be repeated
    #[arg(long = "input", value_name = "FIELD=VALUE", requires = "template")]
    pub(crate) inputs: Vec<String>,
    /// A setting; NAME:=JSON gives JSON. May be repeated
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub(crate) set: Vec<String>,
    /// Save it switched off
    #[arg(long)]
    pub(crate) disabled: bool,
    #[command(flatten)]
    pub(crate) one_off: OneOff,
}

/// `pilot servers import`.
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// The file, or - for stdin
    pub(crate) file: PathBuf,
    /// Only show what would happen
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do not ask
    #[arg(short, long)]
    pub(crate) yes: bool,
    /// Only this server. May be repeated
    #[arg(long, value_name = "NAME")]
    pub(crate) only: Vec<String>,
    /// Not this server. May be repeated
    #[arg(long, value_name = "NAME")]
    pub(crate) skip: Vec<String>,
    /// The saved server that part of a server's settings is put into, or the name of an object without one
    #[arg(long, value_name = "NAME")]
    pub(crate) into: Option<String>,
    /// An answer to what the file asks for. May be repeated
    #[arg(long = "input", value_name = "ID=VALUE")]
    pub(crate) inputs: Vec<String>,
    /// Take the file's values also where they were changed here
    #[arg(long)]
    pub(crate) take_file: bool,
}

/// What sort of file an export writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormOfExport {
    /// The whole mcp_config.json
    McpConfig,
    /// A map under mcpServers
    McpServers,
    /// One server object
    Single,
}

/// `pilot servers templates`.
#[derive(Debug, Subcommand)]
pub(crate) enum TemplatesCommand {
    /// List them
    List,
    /// Show one with its blanks
    Show {
        /// The template
        id: String,
    },
    /// Keep a server as a template; secrets become references
    Save {
        /// The server
        server: String,
        /// The template's name
        name: String,
    },
    /// Remove one of your own
    Remove {
        /// The template
        id: String,
    },
}

/// `pilot audit`.
#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// List calls, refusals and notes, newest first
    List {
        /// Only this server
        #[arg(long)]
        server: Option<String>,
        /// Only rows with this text
        #[arg(long)]
        text: Option<String>,
        /// Only calls that ended so: done, tool_error, fault, cancelled, interrupted, refused, note, running
        #[arg(long)]
        ending: Option<String>,
        /// Only from this moment on, such as 2026-11-22 or 2h
        #[arg(long, value_name = "TIME")]
        since: Option<String>,
        /// At most so many
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// Show one by its reference, with the raw rows behind it
    Show {
        /// The reference
        id: String,
    },
    /// Read the whole chain and say whether it holds
    Verify,
    /// Write every raw row as a JSON line, oldest first
    Export,
}

/// `pilot policy`.
#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Rules, in order, and what counts where none fits
    Show,
    /// Replace all rules by those of a JSON file, or - for stdin
    Set {
        /// The file
        file: PathBuf,
    },
    /// Add or remove a rule
    #[command(subcommand)]
    Rule(RuleCommand),
    /// Your own word on a tool's risk
    #[command(subcommand)]
    Risk(RiskCommand),
}

/// `pilot policy rule`.
#[derive(Debug, Subcommand)]
pub(crate) enum RuleCommand {
    /// Add a rule; the first that fits decides
    Add {
        /// Its id, shown wherever it decides
        id: String,
        /// What it says
        #[arg(value_enum)]
        verdict: VerdictArg,
        /// Only through this door
        #[arg(long, value_enum)]
        door: Option<DoorArg>,
        /// Only for tools of this risk
        #[arg(long, value_enum)]
        risk: Option<RiskArg>,
        /// Only for servers whose name fits this glob
        #[arg(long, value_name = "GLOB")]
        server: Option<String>,
        /// Only for tools whose name fits this glob
        #[arg(long, value_name = "GLOB")]
        tool: Option<String>,
        /// Put it before this rule instead of last
        #[arg(long, value_name = "ID")]
        before: Option<String>,
    },
    /// Remove a rule
    Remove {
        /// Its id
        id: String,
    },
}

/// `pilot policy risk`.
#[derive(Debug, Subcommand)]
pub(crate) enum RiskCommand {
    /// Say how risky tools are; the first that fits counts
    Set {
        /// Glob over server names
        server: String,
        /// Glob over tool names
        tool: String,
        /// The risk
        #[arg(value_enum)]
        risk: RiskArg,
    },
    /// Take it back
    Remove {
        /// Glob over server names, as it was given
        server: String,
        /// Glob over tool names, as it was given
        tool: String,
    },
}

/// A verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum VerdictArg {
    /// Run it
    Allow,
    /// Ask a person first
    Ask,
    /// Never
    Deny,
}

/// A door.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DoorArg {
    /// The desktop window
    Window,
    /// This command
    Cli,
    /// The assistant
    Assistant,
    /// The chat relay
    Relay,
}

/// A risk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RiskArg {
    /// Reads
    Safe,
    /// Reads widely, or changes what is trivially undone
    Low,
    /// Changes something
    Medium,
    /// Destroys something, runs programs, or cannot be undone
    High,
}
