//! `pilot kube-credential` and `pilot cluster consent`: the running app's door where there is one, else the light door without the rest of
//! the app.
//!
//! **Invariant:** stdout gets the credential or nothing, and never a terminal.

use std::path::PathBuf;

use app::credentials::{ConsentFor, ConsentView, CredentialOrder};
use domain::cluster::ConsentAnswer;
use domain::exec_credential::EXEC_INFO;
use domain::fault::{Fault, FaultKind};
use domain::policy::{Actor, Door};
use domain::text::Text;
use serde_json::json;

use super::moment;
use crate::args::ConsentForArg;
use crate::out::Out;
use crate::surroundings::Surroundings;
use crate::table::Table;

/// What is asked of the light door.
#[derive(Debug)]
pub(crate) enum Errand {
    /// A credential for whoever called us.
    Credential {
        /// For which cluster.
        id: String,
    },
    /// A person's word about a program.
    Consent {
        /// The program.
        program: PathBuf,
        /// The word.
        answer: ConsentForArg,
        /// For which cluster; none for all.
        cluster: Option<String>,
    },
    /// Takes back what was said about a program.
    Forget {
        /// The program.
        program: PathBuf,
        /// For this cluster only; none for everything.
        cluster: Option<String>,
    },
    /// What was said about programs.
    Consents,
}

/// Does it and answers the exit code.
pub(crate) fn drive(errand: Errand, options: assembly::Options, own_passphrase: bool, out: &Out, around: &Surroundings) -> u8 {
    if matches!(errand, Errand::Credential { .. }) && around.out_is_terminal {
        return out.failed(&on_a_terminal());
    }
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(fault) => return out.failed(&no_runtime(&fault)),
    };
    let done = runtime.block_on(run(errand, options, own_passphrase, out, around));
    match done {
        Ok(()) => out.fault().map_or(0, |fault| out.failed(&fault)),
        Err(fault) => out.failed(&fault),
    }
}

/// `own_passphrase`: the command line names the file of the vault's passphrase.
async fn run(errand: Errand, options: assembly::Options, own_passphrase: bool, out: &Out, around: &Surroundings) -> Result<(), Fault> {
    // Whoever insists on a kind of vault means this very process.
    if let Errand::Credential { id } = &errand
        && options.vault.is_none()
        && let Some(answer) = assembly::ask_running_app(options.config_dir.as_deref(), id, around_info()).await
    {
        match answer {
            Ok(answer) => {
                out.line(answer.expose());
                return Ok(());
            }
            // The app's vault is locked, and here is a key.
            Err(fault) if fault.code == "vault_locked" && own_passphrase => {}
            Err(fault) => return Err(fault),
        }
    }
    assembly::harden();
    let actor = Actor { door: Door::Cli, name: assembly::user_name(), can_ask: around.can_ask };
    let config_dir = options.config_dir.clone();
    let door = assembly::CredentialDoor::open(options).await?;
    let done = match errand {
        Errand::Credential { id } => {
            let order = CredentialOrder {
                cluster: id.into(),
                info: around_info(),
                caller: door.parent().await,
                actor,
                pilot: config_dir.map_or_else(|| "pilot".to_owned(), |dir| format!("pilot --config-dir '{}'", dir.display())),
            };
            door.credentials.issue(&order).await.map(|answer| out.line(answer.expose()))
        }
        Errand::Consent { program, answer, cluster } => consent(&door, out, &program, answer, cluster.as_deref(), &actor).await,
        Errand::Forget { program, cluster } => forget(&door, out, &program, cluster.as_deref(), &actor).await,
        Errand::Consents => door.credentials.consents().await.map(|all| list(out, &all)),
    };
    let closed = door.close().await;
    done.and(closed)
}

async fn consent(
    door: &assembly::CredentialDoor,
    out: &Out,
    program: &std::path::Path,
    answer: ConsentForArg,
    cluster: Option<&str>,
    actor: &Actor,
) -> Result<(), Fault> {
    let caller = assembly::caller_of(program)?;
    let answer = match answer {
        ConsentForArg::Once => ConsentFor::Once,
        ConsentForArg::Quarter => ConsentFor::Quarter,
        ConsentForArg::Always => ConsentFor::Always,
        ConsentForArg::Deny => ConsentFor::Deny,
    };
    let kept = door.credentials.consent(&caller, answer, cluster, actor).await?;
    if out.for_programs() {
        out.document(&kept);
        return Ok(());
    }
    let program = &kept.program;
    let for_what = cluster.map_or_else(|| ("every cluster".to_owned(), "所有集群".to_owned()), |name| (name.to_owned(), name.to_owned()));
    let (en, zh) = match kept.answer {
        ConsentAnswer::Once => ("may have a credential once".to_owned(), "可获取一次凭据".to_owned()),
        ConsentAnswer::Until { until } => {
            (format!("may have credentials until {}", moment(until)), format!("在 {} 前可获取凭据", moment(until)))
        }
        ConsentAnswer::Always => {
            ("may have credentials as long as its file stays the same".to_owned(), "在其文件不变的情况下可获取凭据".to_owned())
        }
        ConsentAnswer::Deny => ("gets no credential".to_owned(), "不能获取凭据".to_owned()),
    };
    out.remark(&Text::new(format!("{program} {en} ({})", for_what.0), format!("{program} {zh}（{}）", for_what.1)));
    Ok(())
}

async fn forget(
    door: &assembly::CredentialDoor,
    out: &Out,
    program: &std::path::Path,
    cluster: Option<&str>,
    actor: &Actor,
) -> Result<(), Fault> {
    // As it was kept; one that is gone by now can be named as the list has it.
    let program = std::fs::canonicalize(program).unwrap_or_else(|_| program.to_owned()).display().to_string();
    let count = door.credentials.take_back(&program, cluster, actor).await?;
    if out.for_programs() {
        out.document(&json!({ "program": program, "forgotten": count }));
    } else {
        out.remark(&Text::new(format!("what was said about {program} does not count any more"), format!("关于 {program} 的许可不再有效")));
    }
    Ok(())
}

fn list(out: &Out, all: &[ConsentView]) {
    out.list(all, || {
        let mut table = Table::new(["PROGRAM", "CLUSTER", "MAY", "SAID", "LAST USED", "SHA-256"]);
        for one in all {
            let may = match one.answer {
                "until" => one.until.map_or_else(String::new, |until| format!("{} {}", out.word("until", "直到"), moment(until))),
                "once" => out.word("once", "一次").to_owned(),
                "always" => out.word("always", "始终").to_owned(),
                _ => out.word("denied", "拒绝").to_owned(),
            };
            table.row([
                one.program.clone(),
                one.cluster.clone().unwrap_or_else(|| out.word("every cluster", "所有集群").to_owned()),
                may,
                moment(one.at),
                one.last_used.map_or_else(|| "-".to_owned(), moment),
                one.sha256.get(..12).unwrap_or_default().to_owned(),
            ]);
        }
        table
    });
}

#[expect(clippy::disallowed_methods, reason = "the door reads what its caller says, once, here")]
fn around_info() -> Option<String> {
    std::env::var(EXEC_INFO).ok()
}

fn on_a_terminal() -> Fault {
    Fault::new(
        FaultKind::Denied,
        "stdout_is_a_terminal",
        Text::new("a credential is not written to a terminal", "凭据不会输出到终端"),
        Text::new(
            "kubectl calls this command by itself; its kubeconfig entry is written by pilot cluster import --rewrite.",
            "kubectl 会自行调用该命令；相应条目由 pilot cluster import --rewrite 写入 kubeconfig。",
        ),
    )
    .with_params(json!({ "stream": "stdout" }))
}

fn no_runtime(fault: &std::io::Error) -> Fault {
    Fault::new(
        FaultKind::Internal,
        "runtime",
        Text::new(format!("pilot could not start: {fault}"), format!("pilot 无法启动：{fault}")),
        Text::default(),
    )
}
