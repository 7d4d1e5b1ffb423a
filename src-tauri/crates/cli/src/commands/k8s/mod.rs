//! `pilot k8s`: what clusters hold, and how it changes.

mod act;
pub(crate) mod change;
mod figures;
mod get;
mod inside;
mod logs;
mod validate;
mod watch;

use domain::fault::Fault;

use crate::args::K8sCommand;
use crate::context::Context;

/// Does what was asked.
pub(super) async fn run(cx: &Context, command: K8sCommand) -> Result<u8, Fault> {
    match command {
        K8sCommand::Get(args) if args.watch => watch::watch(cx, args).await,
        K8sCommand::Get(args) => cx.or_stop(get::get(cx, args)).await,
        K8sCommand::Logs(args) => logs::logs(cx, args).await,
        K8sCommand::Exec(args) => inside::exec(cx, args).await,
        K8sCommand::PortForward(args) => inside::forward(cx, args).await,
        K8sCommand::Reveal(command) => inside::reveal(cx, command).await,
        K8sCommand::Events(args) => cx.or_stop(figures::events(cx, args)).await,
        K8sCommand::CanI(args) => cx.or_stop(figures::can_i(cx, args)).await,
        K8sCommand::Top(command) => cx.or_stop(figures::top(cx, command)).await,
        K8sCommand::Rehearse(args) => change::rehearse(cx, args).await,
        K8sCommand::Diff(args) => change::diff(cx, args).await,
        K8sCommand::Apply(args) => change::apply(cx, args).await,
        K8sCommand::Confirm { change } => change::confirm(cx, &change).await,
        K8sCommand::Undo(args) => change::undo(cx, args).await,
        K8sCommand::Rollout(command) => change::rollout(cx, command).await,
        K8sCommand::Scale(args) => act::scale(cx, args).await,
        K8sCommand::Restart(args) => act::restart(cx, args).await,
        K8sCommand::Patch(args) => act::patch(cx, args).await,
        K8sCommand::Delete(args) => act::delete(cx, args).await,
        K8sCommand::Cordon(args) => act::cordon(cx, args, true).await,
        K8sCommand::Uncordon(args) => act::cordon(cx, args, false).await,
        K8sCommand::Drain(args) => act::drain(cx, args).await,
        K8sCommand::Validate(args) => cx.or_stop(validate::validate(cx, args)).await,
        K8sCommand::Kinds { cluster } => cx.or_stop(get::kinds(cx, cluster.as_deref())).await,
    }
}
