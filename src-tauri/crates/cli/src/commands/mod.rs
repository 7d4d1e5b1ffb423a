//! What each command does. A command answers its exit code, or the fault that ended it.

mod abilities;
mod audit;
mod call;
mod cluster;
mod cluster_login;
mod cluster_reach;
pub(crate) mod credential;
pub(crate) mod doctor;
mod health;
mod import;
pub(crate) mod k8s;
mod metrics;
mod policy;
mod secret;
mod servers;
mod templates;
mod tools;

use domain::fault::Fault;
use domain::id::Millis;

use crate::args::Command;
use crate::context::Context;
pub(crate) use secret::kind_of as vault_kind;

/// Does what was asked.
pub(crate) async fn run(cx: &Context, command: Command) -> Result<u8, Fault> {
    match command {
        Command::Servers(command) => servers::run(cx, command).await,
        Command::Tools(args) => tools::list(cx, args).await,
        Command::Describe { names, one_off } => tools::describe(cx, &names, &one_off).await,
        Command::Call(args) => call::run(cx, args).await,
        Command::Resources { server, templates, one_off } => abilities::resources(cx, server, templates, &one_off).await,
        Command::Read { names, one_off } => abilities::read(cx, &names, &one_off).await,
        Command::Prompts { names, args, one_off } => abilities::prompts(cx, &names, &args, &one_off).await,
        Command::Complete { names, prompt, resource, one_off } => abilities::complete(cx, &names, prompt, resource, &one_off).await,
        Command::Health { server, watch, interval, one_off } => health::run(cx, server, watch.then_some(interval), &one_off).await,
        Command::Metrics { server, window, by_tool } => metrics::run(cx, server, window, by_tool).await,
        Command::Audit(command) => audit::run(cx, command).await,
        Command::Policy(command) => policy::run(cx, command).await,
        Command::Cluster(command) => cluster::run(cx, command).await,
        Command::K8s(command) => k8s::run(cx, command).await,
        Command::Secret(command) => secret::run(cx, command).await,
        Command::Doctor { server, one_off } => doctor::run(cx, server, &one_off).await,
        // Both are done by the light door, before the app is opened.
        Command::Completions { .. } | Command::KubeCredential { .. } => Ok(0),
    }
}

/// A moment as people in this time zone's UTC read it.
fn moment(at: Millis) -> String {
    jiff::Timestamp::from_millisecond(at.0).map_or_else(|_| at.0.to_string(), |at| at.strftime("%Y-%m-%d %H:%M:%S").to_string())
}

/// The word that a value of ours has in JSON: `high`, `allow`, `cli`.
fn word_of<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// A number of milliseconds, or a dash.
fn millis(value: Option<f64>) -> String {
    value.map_or_else(|| "-".into(), |ms| if ms < 10.0 { format!("{ms:.1}") } else { format!("{ms:.0}") })
}
