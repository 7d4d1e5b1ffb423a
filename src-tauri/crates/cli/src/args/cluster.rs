//! The words behind `pilot cluster`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// `pilot cluster`.
#[derive(Debug, Subcommand)]
pub(crate) enum ClusterCommand {
    /// Take contexts out of kubeconfigs and their secrets into the vault
    Import(ClusterImportArgs),
    /// List what was imported, with what each cluster said last
    List,
    /// Ask clusters for their version and for whom they take you
    Check {
        /// The clusters, by name or id; all of them when not given
        clusters: Vec<String>,
    },
    /// Change what is kept of a cluster
    Set(ClusterSetArgs),
    /// Show the lints of a cluster's manifests, or set them: off, warn, block, or usual
    Lint {
        /// The cluster, by name or id
        cluster: String,
        /// Lints and what becomes of their findings, such as pod-probes=off
        #[arg(value_name = "ID=LEVEL")]
        levels: Vec<String>,
    },
    /// Remove clusters and their secrets
    Remove {
        /// The clusters, by name or id
        #[arg(required = true)]
        clusters: Vec<String>,
        /// Also when a kubeconfig calls pilot for the credential
        #[arg(long)]
        force: bool,
    },
    /// Sign in to a cluster whose people an issuer knows (OpenID Connect)
    Login(ClusterLoginArgs),
    /// Sign out: remove the tokens from the vault, and withdraw them at the issuer where it lets us
    Logout {
        /// The cluster, by name or id
        cluster: String,
    },
    /// Say which programs may have credentials
    Consent {
        /// The program's file
        #[arg(long, value_name = "PATH")]
        program: PathBuf,
        /// How long it may, or that it may not
        #[arg(long = "for", value_enum, value_name = "HOW LONG", required_unless_present = "forget")]
        answer: Option<ConsentForArg>,
        /// Take back what was said about it
        #[arg(long, conflicts_with = "answer")]
        forget: bool,
        /// Only for this cluster; all of them when not given
        #[arg(long, value_name = "NAME")]
        cluster: Option<String>,
    },
    /// List what was said about programs, and when they last got a credential
    Consents,
    /// From now on nobody gets credentials of any cluster
    Lock,
    /// Take the lock back
    Unlock,
    /// Prove that no secret of an imported cluster is left in kubeconfigs, in copies of them, or in the files that they named
    Verify {
        /// The kubeconfigs; the usual ones and those of every imported cluster when not given
        files: Vec<PathBuf>,
    },
    /// Give a kubeconfig the bytes back that it had before it was rewritten
    Restore {
        /// The kubeconfig
        file: PathBuf,
        /// Also when it was changed since; those changes are lost
        #[arg(long)]
        force: bool,
    },
}

/// `pilot cluster set`.
#[derive(Debug, Args)]
pub(crate) struct ClusterSetArgs {
    /// The cluster, by name or id
    pub(crate) cluster: String,
    /// A new name
    #[arg(long, value_name = "NAME")]
    pub(crate) rename: Option<String>,
    /// Its colour: red, orange, amber, green, blue, violet, pink, grey, or none
    #[arg(long, value_name = "COLOUR")]
    pub(crate) colour: Option<String>,
    /// Whether everything that could change something there is refused
    #[arg(long, value_enum, value_name = "SWITCH")]
    pub(crate) read_only: Option<Switch>,
    /// Its usual namespace, or none
    #[arg(long, value_name = "NAMESPACE")]
    pub(crate) namespace: Option<String>,
    /// Whether its certificate goes unchecked; needs --confirm with the cluster's name
    #[arg(long, value_enum, value_name = "SWITCH")]
    pub(crate) insecure: Option<Switch>,
    /// The cluster's name once more, for --insecure on
    #[arg(long, value_name = "NAME")]
    pub(crate) confirm: Option<String>,
    /// A PEM file of the authorities that sign its certificate, or system
    #[arg(long, value_name = "FILE")]
    pub(crate) authorities: Option<PathBuf>,
    /// Whether its program may be run for a credential, exactly as it is shown
    #[arg(long, value_enum, value_name = "SWITCH")]
    pub(crate) trust_exec: Option<Switch>,
    /// Do not ask
    #[arg(short, long)]
    pub(crate) yes: bool,
}

/// On or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Switch {
    /// Yes
    On,
    /// No
    Off,
}

/// How long a program may have credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ConsentForArg {
    /// The next time, once
    Once,
    /// Fifteen minutes from now
    #[value(name = "15m")]
    Quarter,
    /// As long as its file stays the same
    Always,
    /// It may not
    Deny,
}

/// `pilot cluster login`.
#[derive(Debug, Args)]
pub(crate) struct ClusterLoginArgs {
    /// The cluster, by name or id
    pub(crate) cluster: String,
    /// Type a code into a page on any device, instead of a browser on this machine
    #[arg(long, conflicts_with_all = ["no_browser", "redirect_port"])]
    pub(crate) device: bool,
    /// Print the address of the issuer's page instead of opening it
    #[arg(long)]
    pub(crate) no_browser: bool,
    /// Come back to http://localhost:PORT, because the issuer knows that address; remembered when it worked
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) redirect_port: Option<u16>,
}

/// `pilot cluster import`.
#[derive(Debug, Args)]
pub(crate) struct ClusterImportArgs {
    /// The kubeconfigs, or - for stdin; KUBECONFIG or ~/.kube/config when not given
    pub(crate) files: Vec<PathBuf>,
    /// Only this context. May be repeated
    #[arg(long = "context", value_name = "NAME")]
    pub(crate) contexts: Vec<String>,
    /// Accept the programs that give credentials, exactly as they are shown
    #[arg(long)]
    pub(crate) trust_exec: bool,
    /// Where a program only signs in at an issuer (kubectl oidc-login, kubelogin), sign in here instead of running it
    #[arg(long)]
    pub(crate) sign_in: bool,
    /// Read tokens from their files again when they change
    #[arg(long)]
    pub(crate) follow_token_files: bool,
    /// Let the files call pilot instead of holding secrets
    #[arg(long)]
    pub(crate) rewrite: bool,
    /// Do not ask
    #[arg(short, long)]
    pub(crate) yes: bool,
}
