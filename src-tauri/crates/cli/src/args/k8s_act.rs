//! The words behind what `pilot k8s` does to single objects.

use std::time::Duration;

use clap::{Args, ValueEnum};

use super::k8s::K8sPlace;
use super::k8s_change::duration;

/// An object, and a yes beforehand.
#[derive(Debug, Args)]
pub(crate) struct K8sTargetArgs {
    /// KIND/NAME, or the kind and then the name
    #[arg(required = true, num_args = 1..=2, value_name = "KIND/NAME")]
    pub(crate) what: Vec<String>,
    #[command(flatten)]
    pub(crate) place: K8sPlace,
    /// Agree to this one change beforehand; counts where the policy asks, never where it denies
    #[arg(long)]
    pub(crate) approve_once: bool,
}

/// `pilot k8s scale`.
#[derive(Debug, Args)]
pub(crate) struct K8sScaleArgs {
    #[command(flatten)]
    pub(crate) target: K8sTargetArgs,
    /// How many pods
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(0..=100_000))]
    pub(crate) replicas: u32,
}

/// How a patch is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum K8sPatchType {
    /// Lists are merged by their keys; built-in kinds only
    Strategic,
    /// Lists are replaced whole
    Merge,
    /// A list of single steps
    Json,
}

/// `pilot k8s patch`.
#[derive(Debug, Args)]
pub(crate) struct K8sPatchArgs {
    #[command(flatten)]
    pub(crate) target: K8sTargetArgs,
    /// The patch, as JSON or YAML; @FILE reads a file, - standard input
    #[arg(short, long, value_name = "PATCH")]
    pub(crate) patch: String,
    /// How it is read; what fits the kind when not given
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) kind: Option<K8sPatchType>,
}

/// What becomes of what an object owns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum K8sCascade {
    /// It is deleted afterwards
    #[default]
    Background,
    /// It is deleted before
    Foreground,
    /// It stays, without an owner
    Orphan,
}

/// `pilot k8s delete`.
#[derive(Debug, Args)]
pub(crate) struct K8sDeleteArgs {
    #[command(flatten)]
    pub(crate) target: K8sTargetArgs,
    /// What becomes of what it owns
    #[arg(long, value_name = "WAY", default_value = "background")]
    pub(crate) cascade: K8sCascade,
    /// How many seconds it gets to end; its own time when not given
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(0..=86_400))]
    pub(crate) grace_period: Option<u32>,
    /// Only the object with this uid
    #[arg(long, value_name = "UID")]
    pub(crate) uid: Option<String>,
    /// Only in this version
    #[arg(long, value_name = "VERSION")]
    pub(crate) resource_version: Option<String>,
}

/// `pilot k8s cordon` and `uncordon`.
#[derive(Debug, Args)]
pub(crate) struct K8sNodeArgs {
    /// The node
    pub(crate) node: String,
    /// The cluster, by name or id; the only one there is when not given
    #[arg(long, value_name = "NAME")]
    pub(crate) cluster: Option<String>,
    /// Agree to this one change beforehand; counts where the policy asks, never where it denies
    #[arg(long)]
    pub(crate) approve_once: bool,
}

/// `pilot k8s drain`.
#[derive(Debug, Args)]
pub(crate) struct K8sDrainArgs {
    #[command(flatten)]
    pub(crate) node: K8sNodeArgs,
    /// Also pods that no controller would make again
    #[arg(long)]
    pub(crate) force: bool,
    /// Also pods whose emptyDir data is lost with them
    #[arg(long)]
    pub(crate) delete_emptydir_data: bool,
    /// How many seconds each pod gets to end; its own time when not given
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(0..=86_400))]
    pub(crate) grace_period: Option<u32>,
    /// How long the whole may take, such as 90s or 5m; at most 9m
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = duration)]
    pub(crate) timeout: Duration,
}
