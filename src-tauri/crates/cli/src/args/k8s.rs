//! The words behind `pilot k8s`.

use clap::{Args, Subcommand};

/// `pilot k8s`.
#[derive(Debug, Subcommand)]
pub(crate) enum K8sCommand {
    /// List objects of a kind, or show one; -o wide for all columns, -o json or yaml for whole objects
    Get(K8sGetArgs),
    /// List the kinds that a cluster serves
    Kinds {
        /// The cluster, by name or id; the only one there is when not given
        #[arg(long, value_name = "NAME")]
        cluster: Option<String>,
    },
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
}
