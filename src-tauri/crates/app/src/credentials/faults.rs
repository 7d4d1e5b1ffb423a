//! Why somebody gets no credential, in words.

use domain::cluster::ClusterDef;
use domain::exec_credential::{EXEC_INFO, ExecCluster};
use domain::fault::{Fault, FaultKind};
use domain::text::Text;
use serde_json::json;

use super::{Caller, MOST_A_MINUTE, place};

fn refusal(cluster: &ClusterDef, code: &str, message: Text, hint: Text) -> Fault {
    Fault::new(FaultKind::Denied, code, message, hint).with_params(json!({ "cluster": cluster.name }))
}

pub(super) fn no_such(name: &str) -> Fault {
    let name: String = name.chars().filter(|c| !c.is_control()).take(100).collect();
    Fault::new(
        FaultKind::NotFound,
        "no_such_cluster",
        Text::new(format!("there is no cluster {name}"), format!("没有集群 {name}")),
        Text::new("See them with: pilot cluster list", "用 pilot cluster list 查看已有集群"),
    )
}

pub(super) fn locked(cluster: &ClusterDef) -> Fault {
    let name = &cluster.name;
    refusal(
        cluster,
        "clusters_locked",
        Text::new(format!("no credential for {name}: clusters are locked"), format!("未提供 {name} 的凭据：集群已锁定")),
        Text::new("Unlock them with: pilot cluster unlock", "用 pilot cluster unlock 解锁"),
    )
}

pub(super) fn unknown_caller(cluster: &ClusterDef) -> Fault {
    let name = &cluster.name;
    refusal(
        cluster,
        "caller_unknown",
        Text::new(
            format!("no credential for {name}: it cannot be told which program asks"),
            format!("未提供 {name} 的凭据：无法确定是哪个程序在请求"),
        ),
        Text::new("Call it from kubectl or another client on this machine.", "请由本机的 kubectl 等客户端调用。"),
    )
}

pub(super) fn no_info(cluster: &ClusterDef) -> Fault {
    let name = &cluster.name;
    refusal(
        cluster,
        "exec_info_missing",
        Text::new(
            format!("no credential for {name}: the caller does not say which server it is for ({EXEC_INFO})"),
            format!("未提供 {name} 的凭据：调用方未说明用于哪个服务器（{EXEC_INFO}）"),
        ),
        Text::new(
            "The kubeconfig's exec entry must say provideClusterInfo: true. Import it again with --rewrite to have it written.",
            "kubeconfig 的 exec 条目必须包含 provideClusterInfo: true。可用 --rewrite 重新导入以写入正确条目。",
        ),
    )
}

pub(super) fn other_server(cluster: &ClusterDef, asked: &ExecCluster, field: &str) -> Fault {
    let name = &cluster.name;
    let theirs = place(&asked.server).map_or_else(|| "?".to_owned(), |(scheme, host, port, _)| format!("{scheme}://{host}:{port}"));
    let mut fault = refusal(
        cluster,
        "pin_mismatch",
        Text::new(
            format!("no credential for {name}: it belongs to {}, and the caller's {field} is another ({theirs})", cluster.server),
            format!("未提供 {name} 的凭据：它属于 {}，而调用方的 {field} 不同（{theirs}）", cluster.server),
        ),
        Text::new(
            "If the cluster moved, import its new kubeconfig. Else find out who wrote this one.",
            "如果集群已迁移，请导入新的 kubeconfig；否则请查明该文件的来源。",
        ),
    );
    fault.params = json!({ "cluster": name, "field": field, "asked": theirs });
    fault
}

pub(super) fn too_often(cluster: &ClusterDef, caller: &Caller) -> Fault {
    let (name, program) = (&cluster.name, &caller.program);
    refusal(
        cluster,
        "credential_rate",
        Text::new(
            format!("no credential for {name}: {program} asked more than {MOST_A_MINUTE} times within a minute"),
            format!("未提供 {name} 的凭据：{program} 一分钟内请求超过 {MOST_A_MINUTE} 次"),
        ),
        Text::new("Wait a minute. A script should call kubectl less often.", "请等待一分钟。脚本应减少调用 kubectl 的次数。"),
    )
}

pub(super) fn denied(cluster: &ClusterDef, caller: &Caller) -> Fault {
    let (name, program) = (&cluster.name, &caller.program);
    refusal(
        cluster,
        "consent_denied",
        Text::new(format!("no credential for {name}: you denied it to {program}"), format!("未提供 {name} 的凭据：您已拒绝 {program}")),
        Text::new("If you changed your mind, say so with pilot cluster consent.", "如需更改，请使用 pilot cluster consent。"),
    )
}

pub(super) fn nobody_agreed(cluster: &ClusterDef, caller: &Caller, pilot: &str) -> Fault {
    consent_needed(cluster, caller, pilot, ("nobody can be asked here", "此处无法询问"))
}

/// Somebody was asked in the window.
pub(super) fn unanswered(cluster: &ClusterDef, caller: &Caller, pilot: &str) -> Fault {
    consent_needed(cluster, caller, pilot, ("nobody answered in the window", "窗口中无人答复"))
}

fn consent_needed(cluster: &ClusterDef, caller: &Caller, pilot: &str, why: (&str, &str)) -> Fault {
    let (name, program) = (&cluster.name, &caller.program);
    let command = format!("{pilot} cluster consent --program {} --for always --cluster {}", quoted(program), quoted(name));
    let mut fault = refusal(
        cluster,
        "consent_needed",
        Text::new(
            format!("no credential for {name}: nobody agreed yet that {program} may have it, and {}", why.0),
            format!("未提供 {name} 的凭据：尚未许可 {program}，且{}", why.1),
        ),
        Text::new(
            format!("If it may, run: {command}   (instead of always: once, 15m, deny)"),
            format!("如允许，请运行：{command}   （always 也可换成 once、15m、deny）"),
        ),
    );
    fault.params = json!({ "cluster": name, "program": program, "command": command });
    fault
}

pub(super) fn not_sayable(cluster: &ClusterDef) -> Fault {
    let (name, word) = (&cluster.name, cluster.auth.word());
    Fault::new(
        FaultKind::Config,
        "credential_not_expressible",
        Text::new(
            format!(
                "the cluster {name} signs in with {word}, which this protocol cannot pass on: it knows tokens and client certificates only"
            ),
            format!("{name} 使用 {word} 登录，该协议无法传递：它只支持令牌和客户端证书"),
        ),
        Text::new("Use a token or a client certificate for kubectl.", "请为 kubectl 使用令牌或客户端证书。"),
    )
    .with_params(json!({ "cluster": name, "auth": word }))
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_hint_can_be_pasted_into_a_shell() {
        assert_eq!(quoted("/usr/bin/kubectl"), "/usr/bin/kubectl");
        assert_eq!(quoted("/My Apps/it's"), r"'/My Apps/it'\''s'");
    }
}
