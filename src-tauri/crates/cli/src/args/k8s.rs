//! The words behind `pilot k8s`.

use clap::{Args, Subcommand, ValueEnum};

use super::k8s_act::{K8sDeleteArgs, K8sDrainArgs, K8sNodeArgs, K8sPatchArgs, K8sScaleArgs, K8sTargetArgs};
use super::k8s_change::{K8sApplyArgs, K8sRolloutCommand, K8sTryArgs, K8sUndoArgs};
use super::k8s_inside::{K8sExecArgs, K8sForwardArgs, K8sRevealCommand};

/// `pilot k8s`.
#[derive(Debug, Subcommand)]
pub(crate) enum K8sCommand {
    /// List objects of a kind, or show one; -o wide for all columns, -o json or yaml for whole objects
    Get(K8sGetArgs),
    /// Print the logs of a pod, of the pods of a workload, or of every pod with these labels
    Logs(K8sLogsArgs),
    /// Run a command in a container; its exit code becomes ours
    Exec(K8sExecArgs),
    /// Listen on 127.0.0.1 and carry connections to a pod until Ctrl-C; a pod that goes is followed by the next
    PortForward(K8sForwardArgs),
    /// Show what is masked everywhere else
    #[command(subcommand)]
    Reveal(K8sRevealCommand),
    /// List what happened, newest last
    Events(K8sEventsArgs),
    /// Ask whether you may do something; exit code 1 when you may not
    CanI(K8sCanIArgs),
    /// Show what is used now, as the cluster measures it
    #[command(subcommand)]
    Top(K8sTopCommand),
    /// Try a manifest on the API server without changing anything, and get the digest that apply wants
    Rehearse(K8sTryArgs),
    /// Show what a manifest would make otherwise
    Diff(K8sTryArgs),
    /// Apply exactly what was rehearsed
    Apply(K8sApplyArgs),
    /// Keep a change that would go back by itself
    Confirm {
        /// The change's id, as apply gave it
        change: String,
    },
    /// Take a change back, or list the changes that could be
    Undo(K8sUndoArgs),
    /// Watch the rollout of a workload
    #[command(subcommand)]
    Rollout(K8sRolloutCommand),
    /// Set how many pods something has
    Scale(K8sScaleArgs),
    /// Replace all pods of a workload, as a rollout
    Restart(K8sTargetArgs),
    /// Change some fields of an object
    Patch(K8sPatchArgs),
    /// Delete an object, exactly as it is now
    Delete(K8sDeleteArgs),
    /// Let no new pods come to a node
    Cordon(K8sNodeArgs),
    /// Let new pods come to a node again
    Uncordon(K8sNodeArgs),
    /// Move the pods of a node away, within their disruption budgets
    Drain(K8sDrainArgs),
    /// List the kinds that a cluster serves
    Kinds {
        /// The cluster, by name or id; the only one there is when not given
        #[arg(long, value_name = "NAME")]
        cluster: Option<String>,
    },
    /// Check manifests before anybody sends them; exit 1 when there is an error
    Validate(K8sValidateArgs),
}

/// `pilot k8s validate`.
#[derive(Debug, Args)]
pub(crate) struct K8sValidateArgs {
    /// The files; - reads standard input
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<String>,
    /// The Kubernetes minor that they are meant for, such as 1.36; the newest that is known when not given
    #[arg(long, value_name = "VERSION")]
    pub(crate) kubernetes_version: Option<String>,
    /// Use the schemas that this cluster serves, by name or id
    #[arg(long, value_name = "NAME")]
    pub(crate) cluster: Option<String>,
    /// The level of the Pod Security Standards that must be kept
    #[arg(long)]
    pub(crate) level: Option<K8sLevel>,
    /// Set a lint, such as pod-probes=off or pod-image-tag=block
    #[arg(long = "lint", value_name = "ID=off|warn|block")]
    pub(crate) lints: Vec<String>,
}

/// A level of the Pod Security Standards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum K8sLevel {
    /// No known way to more rights
    Baseline,
    /// Hardened
    Restricted,
}

/// Where to look.
#[derive(Debug, Clone, Args)]
pub(crate) struct K8sPlace {
    /// The cluster, by name or id; the only one there is when not given
    #[arg(long, value_name = "NAME")]
    pub(crate) cluster: Option<String>,
    /// The namespace; the cluster's usual one when not given
    #[arg(short, long, value_name = "NAMESPACE")]
    pub(crate) namespace: Option<String>,
}

/// `pilot k8s get`.
#[derive(Debug, Args)]
pub(crate) struct K8sGetArgs {
    /// The kind, such as pods, po, Deployment or deployments.apps; also KIND/NAME
    pub(crate) kind: String,
    /// Only this object
    pub(crate) name: Option<String>,
    #[command(flatten)]
    pub(crate) place: K8sPlace,
    /// In every namespace
    #[arg(short = 'A', long, conflicts_with = "namespace")]
    pub(crate) all_namespaces: bool,
    /// Only objects with these labels, such as app=web,tier!=db
    #[arg(short = 'l', long, value_name = "SELECTOR", conflicts_with = "name")]
    pub(crate) selector: Option<String>,
    /// Only objects with these fields, such as status.phase=Running
    #[arg(long, value_name = "SELECTOR", conflicts_with = "name")]
    pub(crate) field_selector: Option<String>,
    /// Keep managedFields in whole objects
    #[arg(long)]
    pub(crate) show_managed_fields: bool,
    /// Go on with what changes until Ctrl-C; with -o json or jsonl one line for each change
    #[arg(short, long)]
    pub(crate) watch: bool,
}

/// `pilot k8s logs`.
#[derive(Debug, Args)]
pub(crate) struct K8sLogsArgs {
    /// The pod, or a workload as KIND/NAME
    #[arg(required_unless_present = "selector", conflicts_with = "selector", value_name = "POD|KIND/NAME")]
    pub(crate) target: Option<String>,
    /// Of every pod with these labels
    #[arg(short = 'l', long, value_name = "SELECTOR")]
    pub(crate) selector: Option<String>,
    #[command(flatten)]
    pub(crate) place: K8sPlace,
    /// This container; the pod's usual one when not given
    #[arg(short, long, value_name = "NAME")]
    pub(crate) container: Option<String>,
    /// Every container, those that only prepare the pod too
    #[arg(long, conflicts_with = "container")]
    pub(crate) all_containers: bool,
    /// Go on with new lines until Ctrl-C or until the containers end
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// Of the container that ran before
    #[arg(short, long, conflicts_with = "follow")]
    pub(crate) previous: bool,
    /// Only so far back, such as 30s, 10m, 2h
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
    /// Only so many of the last lines of each container
    #[arg(long, value_name = "LINES")]
    pub(crate) tail: Option<u64>,
    /// With the time of each line
    #[arg(long)]
    pub(crate) timestamps: bool,
}

/// `pilot k8s events`.
#[derive(Debug, Args)]
pub(crate) struct K8sEventsArgs {
    #[command(flatten)]
    pub(crate) place: K8sPlace,
    /// In every namespace
    #[arg(short = 'A', long, conflicts_with = "namespace")]
    pub(crate) all_namespaces: bool,
    /// Only those about this object
    #[arg(long = "for", value_name = "KIND/NAME")]
    pub(crate) about: Option<String>,
    /// Only of these types, such as Warning
    #[arg(long, value_name = "TYPE", value_delimiter = ',')]
    pub(crate) types: Vec<String>,
}

/// `pilot k8s can-i`.
#[derive(Debug, Args)]
pub(crate) struct K8sCanIArgs {
    /// What you would do: get, list, create, delete…
    pub(crate) verb: String,
    /// The kind, and a part of it after a slash: pods, pods/log
    pub(crate) kind: String,
    /// Only this object
    pub(crate) name: Option<String>,
    #[command(flatten)]
    pub(crate) place: K8sPlace,
    /// In every namespace
    #[arg(short = 'A', long, conflicts_with = "namespace")]
    pub(crate) all_namespaces: bool,
}

/// `pilot k8s top`.
#[derive(Debug, Subcommand)]
pub(crate) enum K8sTopCommand {
    /// Of nodes
    Nodes {
        /// The cluster, by name or id; the only one there is when not given
        #[arg(long, value_name = "NAME")]
        cluster: Option<String>,
    },
    /// Of pods
    Pods {
        #[command(flatten)]
        place: K8sPlace,
        /// In every namespace
        #[arg(short = 'A', long, conflicts_with = "namespace")]
        all_namespaces: bool,
        /// Only objects with these labels, such as app=web,tier!=db
        #[arg(short = 'l', long, value_name = "SELECTOR")]
        selector: Option<String>,
    },
}
