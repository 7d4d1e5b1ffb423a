//! What an API server refuses, said with what was asked: verb, resource, namespace and whom it takes us for.
//!
//! **Invariant:** of an API server's own words a bounded part is repeated, without control characters; of another library's, none.

use domain::cluster::ClusterDef;
use domain::fault::{Fault, FaultKind};
use domain::kube::KindInfo;
use domain::text::Text;
use serde_json::json;

use crate::fault::about;

/// So much of a server's words is repeated.
const QUOTED: usize = 600;

/// What was asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    /// `list`, `get`, `patch`…
    pub(crate) verb: &'a str,
    /// `pods`, `pods/log`; empty for what is no resource.
    pub(crate) resource: &'a str,
    pub(crate) group: &'a str,
    pub(crate) namespace: Option<&'a str>,
    pub(crate) name: Option<&'a str>,
}

impl<'a> Asked<'a> {
    /// About objects of a kind.
    pub(crate) fn of(verb: &'a str, kind: &'a KindInfo, namespace: Option<&'a str>, name: Option<&'a str>) -> Self {
        Self { verb, resource: &kind.plural, group: &kind.group, namespace: namespace.filter(|_| kind.namespaced), name }
    }

    /// About what the server serves.
    pub(crate) fn discovery() -> Self {
        Self { verb: "discover", resource: "", group: "", namespace: None, name: None }
    }

    /// In words, for messages: `list pods in default`.
    pub(crate) fn what(&self) -> String {
        let mut what = match (self.resource, self.group) {
            ("", _) => self.verb.to_owned(),
            (resource, "") => format!("{} {resource}", self.verb),
            (resource, group) => format!("{} {resource}.{group}", self.verb),
        };
        if let Some(name) = self.name {
            what.push_str(&format!(" \"{}\"", clean(name)));
        }
        if let Some(namespace) = self.namespace {
            what.push_str(&format!(" in {}", clean(namespace)));
        }
        what
    }

    /// What went wrong, as a fault of ours.
    pub(crate) fn fault(&self, cluster: &ClusterDef, fault: &kube::Error) -> Fault {
        match fault {
            kube::Error::Api(status) => self.refused(cluster, status),
            other => crate::fault::of(cluster, other),
        }
    }

    fn refused(&self, cluster: &ClusterDef, status: &kube::core::Status) -> Fault {
        let name = &cluster.name;
        let said = clean(&status.message);
        let what = self.what();
        let causes: Vec<_> = status
            .details
            .iter()
            .flat_map(|details| &details.causes)
            .take(50)
            .map(|cause| json!({ "field": clean(&cause.field), "reason": clean(&cause.reason), "message": clean(&cause.message) }))
            .collect();
        let user = user_in(&status.message);
        let none = Text::default;
        let (kind, code, message, hint) = match status.code {
            403 => {
                let whom = user
                    .as_deref()
                    .map_or_else(|| ("you".to_owned(), "您".to_owned()), |user| (format!("user \"{user}\""), format!("用户“{user}”")));
                (
                    FaultKind::Denied,
                    "cluster_forbidden",
                    Text::new(
                        format!("the cluster {name} forbids {} to {what}", whom.0),
                        format!("集群 {name} 不允许{}执行：{what}", whom.1),
                    ),
                    Text::new("Ask whoever runs the cluster for the role.", "请向集群管理员申请相应角色。"),
                )
            }
            404 if self.name.is_some() => (
                FaultKind::NotFound,
                "no_such_object",
                Text::new(format!("could not {what}: it is not in the cluster {name}"), format!("无法执行 {what}：集群 {name} 中不存在")),
                Text::new("Look at the namespace and the spelling.", "请检查命名空间和拼写。"),
            ),
            404 => (
                FaultKind::NotFound,
                "not_served",
                Text::new(
                    format!("could not {what}: the cluster {name} does not serve it"),
                    format!("无法执行 {what}：集群 {name} 不提供该资源"),
                ),
                none(),
            ),
            409 => (
                FaultKind::Denied,
                "conflict",
                Text::new(format!("could not {what}: {said}"), format!("无法执行 {what}（冲突）：{said}")),
                Text::new("It was changed meanwhile: look at it again.", "对象已被更改：请重新查看。"),
            ),
            410 => (
                FaultKind::Protocol,
                "gone",
                Text::new(
                    format!("could not {what} to the end: the cluster {name} has moved on"),
                    format!("无法完成 {what}：集群 {name} 的数据已更新"),
                ),
                Text::new("Try again.", "请重试。"),
            ),
            422 => (
                FaultKind::Usage,
                "invalid",
                Text::new(format!("could not {what}: {said}"), format!("无法执行 {what}（内容无效）：{said}")),
                none(),
            ),
            400 => (
                FaultKind::Usage,
                "bad_request",
                Text::new(format!("could not {what}: {said}"), format!("无法执行 {what}（请求有误）：{said}")),
                none(),
            ),
            429 => (
                FaultKind::Unreachable,
                "cluster_busy",
                Text::new(format!("the cluster {name} has too much to do to {what}"), format!("集群 {name} 过于繁忙，无法执行 {what}")),
                Text::new("Try again in a moment.", "请稍后重试。"),
            ),
            401 => return crate::fault::of(cluster, &kube::Error::Api(Box::new(status.clone()))),
            code => (
                if code >= 500 { FaultKind::Unreachable } else { FaultKind::Protocol },
                "cluster_answer",
                Text::new(
                    format!("could not {what}: the cluster {name} answered with HTTP {code}: {said}"),
                    format!("无法执行 {what}：集群 {name} 返回 HTTP {code}：{said}"),
                ),
                Text::new("Try again; if it stays, look at the API server's log.", "请重试；如仍出现，请查看 API 服务器日志。"),
            ),
        };
        about(cluster, kind, code, message, hint).with_params(json!({
            "cluster": name, "server": cluster.server, "verb": self.verb, "resource": self.resource, "group": self.group,
            "namespace": self.namespace, "name": self.name, "user": user, "status": status.code, "said": said, "causes": causes,
        }))
    }
}

/// A server's words, bounded and without what could play tricks.
pub(crate) fn clean(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(QUOTED + 1).collect();
    match text.char_indices().nth(QUOTED) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// Whom the server takes us for, as it says when it forbids something.
fn user_in(message: &str) -> Option<String> {
    let after = message.split_once("User \"")?.1;
    Some(clean(after.split_once('"')?.0)).filter(|user| !user.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_is_taken_from_the_words_of_the_server() {
        let words = "pods is forbidden: User \"ada\" cannot list resource \"pods\" in API group \"\" in the namespace \"x\"";
        assert_eq!(user_in(words).as_deref(), Some("ada"));
        assert_eq!(user_in("no"), None);
        assert_eq!(user_in("User \"\" cannot"), None);
    }

    #[test]
    fn what_a_server_says_is_bounded() {
        assert_eq!(clean("a\u{1b}[31mb\nc"), "a [31mb c");
        assert_eq!(clean(&"é".repeat(10_000)).chars().count(), QUOTED + 1);
    }
}
