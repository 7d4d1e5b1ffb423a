//! The words behind what `pilot k8s` changes.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::k8s::K8sPlace;

/// A manifest and where it is meant for.
#[derive(Debug, Args)]
pub(crate) struct K8sManifestArgs {
    /// The manifest, or - for stdin
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) place: K8sPlace,
    /// Take this field over from whoever manages it, as a rehearsal names it, alone or after KIND/NAME:. May be repeated
    #[arg(long, value_name = "PATH")]
    pub(crate) take_over: Vec<String>,
}

/// `pilot k8s rehearse` and `diff`.
#[derive(Debug, Args)]
pub(crate) struct K8sTryArgs {
    #[command(flatten)]
    pub(crate) manifest: K8sManifestArgs,
    /// Show what the server fills in, too
    #[arg(long)]
    pub(crate) defaults: bool,
}

/// `pilot k8s apply`.
#[derive(Debug, Args)]
pub(crate) struct K8sApplyArgs {
    #[command(flatten)]
    pub(crate) manifest: K8sManifestArgs,
    /// The digest that the rehearsal gave
    #[arg(long, value_name = "DIGEST")]
    pub(crate) digest: Option<String>,
    /// Take it back unless pilot k8s confirm comes within this time, such as 90s, 10m or 2h
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) confirm_within: Option<Duration>,
    /// Agree to this one change beforehand; counts where the policy asks, never where it denies
    #[arg(long)]
    pub(crate) approve_once: bool,
}

/// `pilot k8s undo`.
#[derive(Debug, Args)]
pub(crate) struct K8sUndoArgs {
    /// The change's id, as apply gave it
    #[arg(required_unless_present = "list")]
    pub(crate) change: Option<String>,
    /// List the newest changes instead, and where each stands
    #[arg(long, conflicts_with_all = ["change", "force"])]
    pub(crate) list: bool,
    /// Also over what somebody changed since
    #[arg(long)]
    pub(crate) force: bool,
    /// Agree to this one change beforehand; counts where the policy asks, never where it denies
    #[arg(long)]
    pub(crate) approve_once: bool,
}

/// `pilot k8s rollout`.
#[derive(Debug, Subcommand)]
pub(crate) enum K8sRolloutCommand {
    /// Where a rollout stands, and what keeps its pods from being ready; exit code 1 while it is not done
    Status {
        /// KIND/NAME, or the kind and then the name: deployment, statefulset, daemonset
        #[arg(required = true, num_args = 1..=2, value_name = "KIND/NAME")]
        what: Vec<String>,
        #[command(flatten)]
        place: K8sPlace,
        /// Watch it for at most this time, such as 90s or 5m
        #[arg(long, value_name = "TIME", value_parser = duration)]
        wait: Option<Duration>,
    },
    /// List the revisions that a workload can go back to, newest first
    History {
        /// KIND/NAME, or the kind and then the name: deployment, statefulset, daemonset
        #[arg(required = true, num_args = 1..=2, value_name = "KIND/NAME")]
        what: Vec<String>,
        #[command(flatten)]
        place: K8sPlace,
    },
    /// Give a workload the pod template of an earlier revision
    Undo {
        /// KIND/NAME, or the kind and then the name: deployment, statefulset, daemonset
        #[arg(required = true, num_args = 1..=2, value_name = "KIND/NAME")]
        what: Vec<String>,
        #[command(flatten)]
        place: K8sPlace,
        /// Which revision; the one before the current one when not given
        #[arg(long, value_name = "REVISION", value_parser = clap::value_parser!(u64).range(1..))]
        to_revision: Option<u64>,
        /// Agree to this one change beforehand; counts where the policy asks, never where it denies
        #[arg(long)]
        approve_once: bool,
    },
}

/// `90s`, `10m`, `2h`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "write it as 90s, 10m or 2h".to_owned();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: u64 = digits.parse().map_err(|_| wrong())?;
    let factor = match &text[digits.len()..] {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return Err(wrong()),
    };
    let seconds = number.checked_mul(factor).filter(|seconds| (1..=86_400).contains(seconds)).ok_or("at least 1s and at most 24h")?;
    Ok(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_number_and_a_unit() {
        for (text, seconds) in [
            ("90s", Some(90)),
            ("10m", Some(600)),
            ("2h", Some(7200)),
            ("10", None),
            ("m", None),
            ("0s", None),
            ("25h", None),
            ("1d", None),
        ] {
            assert_eq!(duration(text).ok().map(|it| it.as_secs()), seconds, "{text}");
        }
    }
}
