//! Faults of reaching a cluster, in both languages.
//!
//! **Invariant:** the text of another library's error is not repeated: it may hold a credential.

use std::error::Error;

use domain::cluster::ClusterDef;
use domain::fault::{Fault, FaultKind};
use domain::text::Text;
use serde_json::json;

use crate::gate::{ReadOnly, TooLarge};

/// A fault about a cluster.
pub(crate) fn about(cluster: &ClusterDef, kind: FaultKind, code: &str, message: Text, hint: Text) -> Fault {
    Fault::new(kind, code, message, hint).with_params(json!({ "cluster": cluster.name, "server": cluster.server }))
}

/// The definition cannot be used as it stands.
pub(crate) fn unusable(cluster: &ClusterDef, code: &str, en: &str, zh: &str) -> Fault {
    let name = &cluster.name;
    about(
        cluster,
        FaultKind::Config,
        code,
        Text::new(format!("the cluster {name} cannot be used: {en}"), format!("无法使用集群 {name}：{zh}")),
        Text::new("Correct it in the kubeconfig and import it again.", "请在 kubeconfig 中更正后重新导入。"),
    )
}

/// Patience ran out.
pub(crate) fn late(cluster: &ClusterDef, seconds: u64) -> Fault {
    let (name, server) = (&cluster.name, &cluster.server);
    about(
        cluster,
        FaultKind::Timeout,
        "cluster_timeout",
        Text::new(
            format!("the cluster {name} ({server}) gave no answer within {seconds} s"),
            format!("集群 {name}（{server}）在 {seconds} 秒内没有应答"),
        ),
        Text::new("Look whether a VPN or a proxy is needed, then try again.", "请检查是否需要 VPN 或代理，然后重试。"),
    )
}

/// The answer is not what an API server says.
pub(crate) fn strange(cluster: &ClusterDef, what: &str) -> Fault {
    let (name, server) = (&cluster.name, &cluster.server);
    about(
        cluster,
        FaultKind::Protocol,
        "cluster_answer",
        Text::new(
            format!("the cluster {name} ({server}) does not answer {what} as an API server does"),
            format!("集群 {name}（{server}）对 {what} 的应答不像 Kubernetes API 服务器"),
        ),
        Text::new("Check the address; something else may listen there.", "请检查地址；该处可能是其他服务。"),
    )
}

/// What went wrong on the way to a cluster or came back from it.
pub(crate) fn of(cluster: &ClusterDef, fault: &kube::Error) -> Fault {
    let (name, server) = (&cluster.name, &cluster.server);
    if let kube::Error::Api(status) = fault {
        return refused(cluster, status.code, &status.reason);
    }
    if find::<ReadOnly>(fault).is_some() {
        return about(
            cluster,
            FaultKind::Denied,
            "cluster_read_only",
            Text::new(
                format!("the cluster {name} is read only here: nothing was sent"),
                format!("集群 {name} 在此处为只读：未发送任何内容"),
            ),
            Text::new("Switch read-only off for this cluster if you mean it.", "如确需更改，请关闭该集群的只读开关。"),
        );
    }
    if let Some(TooLarge { limit }) = limit_of(fault) {
        return about(
            cluster,
            FaultKind::Protocol,
            "message_too_large",
            Text::new(format!("the cluster {name} answered with more than {limit} bytes"), format!("集群 {name} 的应答超过 {limit} 字节")),
            Text::new("Ask for less: one namespace, or pages.", "请缩小范围：按命名空间或分页查询。"),
        );
    }
    if let Some(tls) = find::<rustls::Error>(fault) {
        let (en, zh) = tls_reason(tls);
        return about(
            cluster,
            FaultKind::Unreachable,
            "cluster_tls",
            Text::new(format!("no TLS with {name} ({server}): {en}"), format!("与 {name}（{server}）的 TLS 连接失败：{zh}")),
            Text::new(
                "If the cluster was rebuilt, import its kubeconfig again. Do not switch checking off.",
                "如集群已重建，请重新导入其 kubeconfig。请勿关闭证书校验。",
            ),
        );
    }
    let (en, zh) = match find::<std::io::Error>(fault).map(std::io::Error::kind) {
        Some(std::io::ErrorKind::ConnectionRefused) => ("nobody listens there (connection refused)", "连接被拒绝"),
        Some(std::io::ErrorKind::ConnectionReset | std::io::ErrorKind::BrokenPipe | std::io::ErrorKind::UnexpectedEof) => {
            ("the connection was cut", "连接中断")
        }
        Some(std::io::ErrorKind::TimedOut) => return late(cluster, crate::connect::CONNECT.as_secs()),
        Some(std::io::ErrorKind::HostUnreachable | std::io::ErrorKind::NetworkUnreachable) => {
            ("there is no way to that network", "网络不可达")
        }
        _ if says(fault, "dns error") => ("the name cannot be resolved", "无法解析主机名"),
        _ if says(fault, "tunnel") || says(fault, "proxy") || says(fault, "SOCKS") => ("the proxy refused", "代理拒绝连接"),
        _ => ("the connection failed", "连接失败"),
    };
    about(
        cluster,
        FaultKind::Unreachable,
        "cluster_unreachable",
        Text::new(format!("could not reach {name} ({server}): {en}"), format!("无法连接 {name}（{server}）：{zh}")),
        Text::new("Look whether a VPN or a proxy is needed, then try again.", "请检查是否需要 VPN 或代理，然后重试。"),
    )
}

fn refused(cluster: &ClusterDef, code: u16, reason: &str) -> Fault {
    let (name, server) = (&cluster.name, &cluster.server);
    match code {
        401 => about(
            cluster,
            FaultKind::Auth,
            "cluster_auth",
            Text::new(
                format!("the cluster {name} ({server}) does not accept these credentials"),
                format!("集群 {name}（{server}）不接受这些凭据"),
            ),
            Text::new(
                "They may have expired: sign in again, or import the kubeconfig again.",
                "凭据可能已过期：请重新登录或重新导入 kubeconfig。",
            ),
        ),
        403 => about(
            cluster,
            FaultKind::Denied,
            "cluster_forbidden",
            Text::new(format!("the cluster {name} ({server}) forbids this to you"), format!("集群 {name}（{server}）不允许您执行此操作")),
            Text::new("Ask whoever runs the cluster for the role.", "请向集群管理员申请相应角色。"),
        ),
        _ => {
            let reason: String = reason.chars().filter(|c| !c.is_control()).take(80).collect();
            about(
                cluster,
                if code >= 500 { FaultKind::Unreachable } else { FaultKind::Protocol },
                "cluster_answer",
                Text::new(
                    format!("the cluster {name} ({server}) answered with HTTP {code} {reason}"),
                    format!("集群 {name}（{server}）返回 HTTP {code} {reason}"),
                ),
                Text::new("Try again; if it stays, look at the API server's log.", "请重试；如仍出现，请查看 API 服务器日志。"),
            )
        }
    }
}

fn tls_reason(fault: &rustls::Error) -> (&'static str, &'static str) {
    use rustls::{CertificateError as C, Error as E};
    match fault {
        E::InvalidCertificate(C::Expired | C::ExpiredContext { .. }) => ("its certificate has expired", "其证书已过期"),
        E::InvalidCertificate(C::NotValidYet | C::NotValidYetContext { .. }) => ("its certificate is not valid yet", "其证书尚未生效"),
        E::InvalidCertificate(C::NotValidForName | C::NotValidForNameContext { .. }) => {
            ("its certificate is for another name", "其证书属于其他名称")
        }
        E::InvalidCertificate(C::UnknownIssuer) => {
            ("its certificate is signed by an authority that the cluster's definition does not name", "其证书由集群定义之外的机构签发")
        }
        E::InvalidCertificate(_) => ("its certificate does not hold", "其证书无效"),
        E::AlertReceived(_) => ("it refused our handshake; the client certificate may have expired", "对方拒绝握手；客户端证书可能已过期"),
        _ => ("the handshake failed", "握手失败"),
    }
}

fn chain<'e>(fault: &'e kube::Error) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    let first: &'e (dyn Error + 'static) = fault;
    std::iter::successors(Some(first), |fault| {
        let fault: &'e (dyn Error + 'static) = *fault;
        // An I/O error hands out its inner error's source, not the inner error itself.
        let inner = fault.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        inner.map(|inner| inner as &'e (dyn Error + 'static)).or_else(|| fault.source())
    })
}

fn find<E: Error + 'static>(fault: &kube::Error) -> Option<&E> {
    chain(fault).find_map(|fault| fault.downcast_ref::<E>())
}

fn limit_of(fault: &kube::Error) -> Option<TooLarge> {
    find::<TooLarge>(fault).copied()
}

fn says(fault: &kube::Error, word: &str) -> bool {
    chain(fault).any(|fault| fault.to_string().contains(word))
}
