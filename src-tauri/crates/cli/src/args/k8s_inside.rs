//! The words behind what `pilot k8s` reaches into.

use clap::{Args, Subcommand};

use super::k8s::K8sPlace;

/// `pilot k8s exec`.
#[derive(Debug, Args)]
pub(crate) struct K8sExecArgs {
    /// The pod
    pub(crate) pod: String,
    #[command(flatten)]
    pub(crate) place: K8sPlace,
    /// This container; the pod's usual one when not given
    #[arg(short, long, value_name = "NAME")]
    pub(crate) container: Option<String>,
    /// Give standard input to it
    #[arg(short = 'i', long)]
    pub(crate) stdin: bool,
    /// Run it on a terminal
    #[arg(short = 't', long)]
    pub(crate) tty: bool,
    /// Agree to this one command beforehand; counts where the policy asks, never where it denies
    #[arg(long)]
    pub(crate) approve_once: bool,
    /// The program and its arguments, after --
    #[arg(required = true, last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<String>,
}

/// `pilot k8s port-forward`.
#[derive(Debug, Args)]
pub(crate) struct K8sForwardArgs {
    /// The pod, or KIND/NAME of a Service or a workload: connections go to a pod of it that is ready
    #[arg(value_name = "POD|KIND/NAME")]
    pub(crate) target: String,
    /// [LOCAL:]REMOTE; LOCAL 0 takes any free port, REMOTE may be a name
    #[arg(required = true, value_name = "[LOCAL:]REMOTE")]
    pub(crate) ports: Vec<String>,
    #[command(flatten)]
    pub(crate) place: K8sPlace,
    /// Agree to this one forward beforehand; counts where the policy asks, never where it denies
    #[arg(long)]
    pub(crate) approve_once: bool,
}

/// `pilot k8s reveal`.
#[derive(Debug, Subcommand)]
pub(crate) enum K8sRevealCommand {
    /// One value of a Secret, as it is; the audit log keeps which one it was
    Secret {
        /// The Secret
        name: String,
        /// The key
        key: String,
        #[command(flatten)]
        place: K8sPlace,
        /// Also when stdout is no terminal: a file or a program gets the value
        #[arg(long)]
        to_stdout: bool,
        /// Agree to this one revealing beforehand; counts where the policy asks, never where it denies
        #[arg(long)]
        approve_once: bool,
    },
}
