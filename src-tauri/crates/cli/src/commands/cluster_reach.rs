//! `pilot cluster check` and `pilot cluster set`.

use app::clusters::{Checked, ClusterChange, ExecTrust, ReachState, Unchecked};
use domain::Json;
use domain::fault::Fault;
use domain::text::Text;
use serde_json::json;

use super::servers::agreed;
use crate::args::{ClusterSetArgs, Switch};
use crate::context::Context;
use crate::out::bare_fault;
use crate::table::Table;
use crate::target::read_text;
use crate::terminal::program_line;
use crate::values::usage;
use crate::words::tame_line;

/// Asks clusters whether they answer. The code is that of the first fault.
pub(super) async fn check(cx: &Context, named: &[String]) -> Result<u8, Fault> {
    let all = cx.or_stop(cx.app.clusters.check(named, &cx.actor)).await?;
    let rows: Vec<Json> = all.iter().map(|one| row(cx, one)).collect();
    cx.out.list(&rows, || {
        let mut table = Table::new(["NAME", "STATE", "VERSION", "USER", "MS", "SERVER"]);
        for one in &all {
            let facts = one.came.as_ref().ok();
            let user = facts.and_then(|facts| facts.identity.as_ref()).map_or_else(|| "-".into(), |identity| identity.user.clone());
            let version = facts.map_or_else(|| "-".into(), |facts| facts.version.clone());
            let took = one.latency_ms.map_or_else(|| "-".into(), |ms| ms.to_string());
            let state = state_word(cx, one.state());
            table.row([one.cluster.name.clone(), state.into(), version, user, took, one.cluster.server.clone()]);
        }
        table
    });
    let faults: Vec<&Fault> = all.iter().filter_map(|one| one.came.as_ref().err()).collect();
    if !cx.out.for_programs() {
        for fault in &faults {
            cx.out.tell(&format!("x {}", tame_line(cx.out.pick(&fault.message))));
            if !fault.hint.is_empty() {
                cx.out.tell(&format!("  {}", tame_line(cx.out.pick(&fault.hint))));
            }
        }
    }
    Ok(faults.first().map_or(0, |fault| fault.kind.exit_code()))
}

fn row(cx: &Context, one: &Checked) -> Json {
    let facts = one.came.as_ref().ok();
    let identity = facts.and_then(|facts| facts.identity.as_ref());
    let cluster = &one.cluster;
    json!({
        "id": cluster.id,
        "context": cluster.source.as_ref().map_or(&cluster.name, |source| &source.context),
        "server": cluster.server,
        "state": one.state(),
        "version": facts.map(|facts| &facts.version),
        "platform": facts.map(|facts| &facts.platform),
        "user": identity.map(|identity| &identity.user),
        "groups": identity.map(|identity| identity.groups.as_slice()).unwrap_or_default(),
        "expiresAt": facts.and_then(|facts| facts.expires_at).or_else(|| cluster.auth.ends_at()),
        "latencyMs": one.latency_ms,
        "fault": one.came.as_ref().err().map(|fault| bare_fault(fault, cx.out.lang())),
    })
}

/// A state in the person's language.
pub(super) fn state_word(cx: &Context, state: ReachState) -> &'static str {
    let (en, zh) = match state {
        ReachState::Unknown => ("-", "-"),
        ReachState::Checking => ("checking", "检查中"),
        ReachState::Reachable => ("reachable", "可连接"),
        ReachState::Failed => ("failed", "失败"),
        ReachState::Locked => ("locked", "已锁定"),
    };
    cx.out.word(en, zh)
}

/// Changes what is kept of a cluster.
pub(super) async fn set(cx: &Context, args: ClusterSetArgs) -> Result<u8, Fault> {
    let none_is = |text: String| Some(text).filter(|text| !text.is_empty() && text != "none");
    let authorities = match args.authorities.as_deref() {
        None => None,
        Some(file) if file.as_os_str() == "system" => Some(None),
        Some(file) => Some(Some(read_text(file)?)),
    };
    let insecure = match args.insecure {
        None if args.confirm.is_some() => {
            return Err(usage("confirm_alone", "--confirm goes with --insecure on", "--confirm 须与 --insecure on 一起使用"));
        }
        None => None,
        Some(Switch::Off) => Some(Unchecked::Off),
        Some(Switch::On) => Some(Unchecked::On { typed: args.confirm.unwrap_or_default() }),
    };
    let trust = match args.trust_exec {
        None => None,
        Some(Switch::Off) => Some(ExecTrust::Withdrawn),
        Some(Switch::On) => Some(ExecTrust::Given { key: shown(cx, &args.cluster, args.yes).await? }),
    };
    let change = ClusterChange {
        name: args.rename,
        colour: args.colour.map(none_is),
        read_only: args.read_only.map(|switch| switch == Switch::On),
        namespace: args.namespace.map(none_is),
        insecure,
        authorities,
        trust,
    };
    if change == ClusterChange::default() {
        return Err(usage("nothing_to_set", "nothing was said that should be otherwise", "没有指定要更改的内容"));
    }
    let now = cx.app.clusters.set(&args.cluster, &change, &cx.actor).await?;
    let trusted = match &now.auth {
        domain::cluster::ClusterAuth::Exec { plugin } => Some(!plugin.trust.is_empty()),
        _ => None,
    };
    if now.insecure {
        cx.out.remark(&Text::new(
            format!("the certificate of {} goes unchecked: whoever stands in between can be it", now.name),
            format!("{} 的证书不再校验：中间人可以冒充它", now.name),
        ));
    }
    let document = json!({
        "id": now.id, "name": now.name, "server": now.server, "colour": now.colour, "readOnly": now.read_only,
        "namespace": now.namespace, "insecure": now.insecure, "trustExec": trusted,
    });
    cx.out.one(&document, |out| {
        let yes = |on: bool| if on { out.word("on", "开") } else { out.word("off", "关") };
        let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".into());
        let mut lines = vec![
            format!("{}  {}", now.name, now.server),
            format!("  {}: {}", out.word("read only", "只读"), yes(now.read_only)),
            format!("  {}: {}", out.word("colour", "颜色"), text(&now.colour)),
            format!("  {}: {}", out.word("namespace", "命名空间"), text(&now.namespace)),
            format!("  {}: {}", out.word("certificate unchecked", "不校验证书"), yes(now.insecure)),
        ];
        if let Some(trusted) = trusted {
            lines.push(format!("  {}: {}", out.word("program may run", "允许运行程序"), yes(trusted)));
        }
        lines.join("\n")
    });
    Ok(0)
}

/// Shows a program exactly, and answers what a yes is bound to.
async fn shown(cx: &Context, named: &str, yes: bool) -> Result<String, Fault> {
    let found = cx.app.clusters.plugin(named).await?;
    let def = cx.app.clusters.get(named).await?;
    if let domain::cluster::ClusterAuth::Exec { plugin } = &def.auth {
        let argv: Vec<String> = std::iter::once(plugin.command.clone()).chain(plugin.args.iter().cloned()).collect();
        cx.out.remark(&Text::same(format!("{}: {}", tame_line(&def.name), program_line(&argv))));
    }
    cx.out.remark(&Text::same(format!("  {}", tame_line(&found.program))));
    cx.out.remark(&Text::same(format!("  SHA-256 {}", found.sha256)));
    for warning in &found.warnings {
        cx.out.remark(&Text::same(format!("  ! {}", cx.out.pick(warning))));
    }
    agreed(cx, yes)?;
    Ok(found.trust)
}
