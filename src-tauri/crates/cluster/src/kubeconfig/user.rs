//! How a user of a kubeconfig says who they are: what is there, which of it counts, and what is refused.

use domain::cluster::Impersonate;
use domain::kubeconfig::Refusal;
use yaml::{Kind, Node};

/// The keys of a user that hold a credential, or say where one is.
pub(super) const CREDENTIAL: [&str; 10] = [
    "client-certificate",
    "client-certificate-data",
    "client-key",
    "client-key-data",
    "token",
    "tokenFile",
    "username",
    "password",
    "auth-provider",
    "exec",
];

/// Where something is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written<'n> {
    /// In the kubeconfig itself.
    Here(&'n str),
    /// In that file.
    File(&'n str),
}

/// What counts of a user.
pub(super) enum Says<'n> {
    Nothing,
    Certificate {
        certificate: Written<'n>,
        key: Written<'n>,
    },
    Token(&'n str),
    TokenFile(&'n str),
    Basic {
        username: &'n str,
        password: &'n str,
    },
    Exec(Exec<'n>),
    Oidc(&'n Node),
    /// Our own stanza, for that cluster.
    Ours(&'n str),
}

/// A program that prints a credential.
pub(super) struct Exec<'n> {
    pub(super) command: &'n str,
    pub(super) args: Vec<&'n str>,
    pub(super) env: Vec<(&'n str, &'n str)>,
    pub(super) api_version: &'n str,
    pub(super) interactive_mode: &'n str,
    pub(super) provide_cluster_info: bool,
}

fn text<'n>(node: &'n Node, key: &str) -> Option<&'n str> {
    node.get(key).and_then(Node::text).filter(|text| !text.is_empty())
}

fn data_or_file<'n>(node: &'n Node, data: &str, file: &str) -> Option<Written<'n>> {
    text(node, data).map(Written::Here).or_else(|| text(node, file).map(Written::File))
}

pub(super) fn truth(node: &Node, key: &str) -> bool {
    node.get(key).and_then(Node::text).is_some_and(|word| matches!(word.to_ascii_lowercase().as_str(), "true" | "yes" | "on" | "y"))
}

/// The kinds of credential that stand there, by the words of [`domain::cluster::ClusterAuth::word`].
pub(super) fn kinds(user: &Node) -> Vec<&'static str> {
    let has = |key: &str| user.get(key).is_some_and(|node| !node.is_null() && node.text() != Some(""));
    let mut kinds = Vec::new();
    if has("client-certificate") || has("client-certificate-data") || has("client-key") || has("client-key-data") {
        kinds.push("client_certificate");
    }
    if has("token") {
        kinds.push("token");
    }
    if has("tokenFile") {
        kinds.push("token_file");
    }
    if has("username") || has("password") {
        kinds.push("basic");
    }
    if has("exec") {
        kinds.push("exec");
    }
    if has("auth-provider") {
        kinds.push("auth_provider");
    }
    kinds
}

/// What counts, by the order in which `kubectl` and the API server look at it.
pub(super) fn says(user: &Node) -> Result<Says<'_>, Refusal> {
    for key in CREDENTIAL {
        let Some(node) = user.get(key) else { continue };
        let fits = match key {
            "exec" | "auth-provider" => matches!(node.kind, Kind::Map(_) | Kind::Null),
            _ => matches!(node.kind, Kind::Scalar(..) | Kind::Null),
        };
        if !fits {
            return Err(Refusal::new(
                "user_shape",
                format!("`{key}` of the user is of the wrong sort (line {})", node.line),
                format!("用户的 `{key}` 类型不正确（第 {} 行）", node.line),
            ));
        }
    }
    let kinds = kinds(user);
    if kinds.contains(&"auth_provider") {
        return provider(user);
    }
    if kinds.contains(&"exec") && kinds.len() > 1 {
        return Err(Refusal::new(
            "several_credentials",
            "the user has a program for its credential and another credential beside it; keep the one that counts",
            "该用户同时配置了凭据程序和另一种凭据；请只保留真正使用的一种",
        ));
    }
    if kinds.contains(&"basic") && (kinds.contains(&"token") || kinds.contains(&"token_file")) {
        return Err(Refusal::new(
            "several_credentials",
            "the user has a password and a token; kubectl refuses that too: keep the one that counts",
            "该用户同时配置了密码和令牌；kubectl 也会拒绝：请只保留真正使用的一种",
        ));
    }
    if kinds.contains(&"exec") {
        return exec(user.get("exec").unwrap_or(user));
    }
    if kinds.contains(&"client_certificate") {
        let certificate = data_or_file(user, "client-certificate-data", "client-certificate");
        let key = data_or_file(user, "client-key-data", "client-key");
        return match (certificate, key) {
            (Some(certificate), Some(key)) => Ok(Says::Certificate { certificate, key }),
            (Some(_), None) => Err(Refusal::new(
                "key_missing",
                "the user has a client certificate without its key",
                "该用户有客户端证书，但没有对应的私钥",
            )),
            _ => Err(Refusal::new(
                "certificate_missing",
                "the user has a client key without its certificate",
                "该用户有客户端私钥，但没有对应的证书",
            )),
        };
    }
    if let Some(path) = text(user, "tokenFile") {
        return Ok(Says::TokenFile(path));
    }
    if let Some(token) = text(user, "token") {
        return Ok(Says::Token(token));
    }
    if kinds.contains(&"basic") {
        return Ok(Says::Basic {
            username: text(user, "username").unwrap_or_default(),
            password: text(user, "password").unwrap_or_default(),
        });
    }
    Ok(Says::Nothing)
}

fn provider(user: &Node) -> Result<Says<'_>, Refusal> {
    let node = user.get("auth-provider").unwrap_or(user);
    if kinds(user).contains(&"exec") {
        return Err(Refusal::new(
            "several_credentials",
            "the user has an auth-provider and a program for its credential; kubectl refuses that too",
            "该用户同时配置了 auth-provider 和凭据程序；kubectl 也会拒绝",
        ));
    }
    let (en, zh) = match text(node, "name").unwrap_or_default() {
        "oidc" => return Ok(Says::Oidc(node)),
        "gcp" => (
            "the auth-provider gcp was removed from Kubernetes and would run a program: install gke-gcloud-auth-plugin, then let `gcloud container clusters get-credentials` write the entry anew",
            "auth-provider gcp 已从 Kubernetes 中移除，且会运行程序：请安装 gke-gcloud-auth-plugin，然后用 `gcloud container clusters get-credentials` 重新生成该条目",
        ),
        "azure" => (
            "the auth-provider azure was removed from Kubernetes: install kubelogin, then run `kubelogin convert-kubeconfig`",
            "auth-provider azure 已从 Kubernetes 中移除：请安装 kubelogin，然后运行 `kubelogin convert-kubeconfig`",
        ),
        "openstack" => (
            "the auth-provider openstack was removed from Kubernetes: use client-keystone-auth as an exec plugin",
            "auth-provider openstack 已从 Kubernetes 中移除：请改用 exec 插件 client-keystone-auth",
        ),
        _ => (
            "this auth-provider was removed from Kubernetes: use an exec plugin (client.authentication.k8s.io/v1) of your provider",
            "此 auth-provider 已从 Kubernetes 中移除：请使用您的服务商提供的 exec 插件（client.authentication.k8s.io/v1）",
        ),
    };
    Err(Refusal::new("legacy_auth_provider", en, zh))
}

fn exec(node: &Node) -> Result<Says<'_>, Refusal> {
    let shape = |en: &str, zh: &str| Refusal::new("exec_shape", en, zh);
    let command = text(node, "command").ok_or_else(|| shape("the exec entry names no command", "exec 条目没有指定命令"))?;
    let mut args = Vec::new();
    for arg in node.get("args").map(Node::items).unwrap_or_default() {
        args.push(match &arg.kind {
            Kind::Scalar(text, _) => text.as_str(),
            Kind::Null => "",
            _ => return Err(shape("an argument of the exec entry is no text", "exec 条目的某个参数不是文本")),
        });
    }
    let mut env = Vec::new();
    for variable in node.get("env").map(Node::items).unwrap_or_default() {
        let name = text(variable, "name")
            .filter(|name| !name.contains(['=', '\0']))
            .ok_or_else(|| shape("a variable of the exec entry has no name", "exec 条目的某个变量没有名称"))?;
        env.push((name, variable.get("value").and_then(Node::text).unwrap_or_default()));
    }
    if let Some(id) = our_id(command, &args) {
        return Ok(Says::Ours(id));
    }
    let api_version = text(node, "apiVersion").unwrap_or_default();
    if !matches!(api_version, "client.authentication.k8s.io/v1" | "client.authentication.k8s.io/v1beta1") {
        return Err(Refusal::new(
            "exec_api_version",
            "the exec entry speaks neither client.authentication.k8s.io/v1 nor v1beta1: let a current version of its program write the entry anew",
            "exec 条目既不使用 client.authentication.k8s.io/v1 也不使用 v1beta1：请用新版程序重新生成该条目",
        ));
    }
    let interactive_mode = match text(node, "interactiveMode") {
        Some(mode @ ("Never" | "IfAvailable" | "Always")) => mode,
        None => "IfAvailable",
        Some(_) => return Err(shape("the exec entry has an unknown interactiveMode", "exec 条目的 interactiveMode 未知")),
    };
    Ok(Says::Exec(Exec { command, args, env, api_version, interactive_mode, provide_cluster_info: truth(node, "provideClusterInfo") }))
}

/// The cluster that our own stanza names.
fn our_id<'n>(command: &str, args: &[&'n str]) -> Option<&'n str> {
    let program = command.rsplit(['/', '\\']).next().unwrap_or(command);
    if !matches!(program, "pilot" | "pilot.exe") || args.first() != Some(&"kube-credential") {
        return None;
    }
    let at = args.iter().position(|arg| *arg == "--id")?;
    args.get(at + 1).copied()
}

/// As whom requests are made.
pub(super) fn impersonate(user: &Node) -> Option<Impersonate> {
    let texts = |node: &Node| node.items().iter().filter_map(|item| item.text().map(str::to_owned)).collect::<Vec<_>>();
    let found = Impersonate {
        user: text(user, "as").map(str::to_owned),
        groups: user.get("as-groups").map(texts).unwrap_or_default(),
        uid: text(user, "as-uid").map(str::to_owned),
        extra: user
            .get("as-user-extra")
            .map(Node::entries)
            .unwrap_or_default()
            .iter()
            .filter_map(|entry| Some((entry.key.text()?.to_owned(), texts(&entry.value))))
            .collect(),
    };
    (found != Impersonate::default()).then_some(found)
}

/// The parts of an OIDC auth-provider.
pub(super) struct Oidc<'n> {
    pub(super) issuer: &'n str,
    pub(super) client_id: &'n str,
    pub(super) client_secret: Option<&'n str>,
    pub(super) id_token: Option<&'n str>,
    pub(super) refresh_token: Option<&'n str>,
    pub(super) scopes: Vec<String>,
    pub(super) ca: Option<Written<'n>>,
    pub(super) redirects: Vec<String>,
}

pub(super) fn oidc(node: &Node) -> Result<Oidc<'_>, Refusal> {
    let config = node.get("config").unwrap_or(node);
    let need = |key: &str| {
        text(config, key).ok_or_else(|| {
            Refusal::new("oidc_incomplete", format!("the auth-provider oidc has no `{key}`"), format!("auth-provider oidc 缺少 `{key}`"))
        })
    };
    Ok(Oidc {
        issuer: need("idp-issuer-url")?,
        client_id: need("client-id")?,
        client_secret: text(config, "client-secret"),
        id_token: text(config, "id-token"),
        refresh_token: text(config, "refresh-token"),
        scopes: text(config, "extra-scopes")
            .map(|scopes| scopes.split(',').map(|scope| scope.trim().to_owned()).filter(|scope| !scope.is_empty()).collect())
            .unwrap_or_default(),
        ca: data_or_file(config, "idp-certificate-authority-data", "idp-certificate-authority"),
        redirects: Vec::new(),
    })
}
