//! What a person sees of each context before anything that it names is touched.

use std::net::IpAddr;
use std::path::Path;

use domain::id::ClusterId;
use domain::kubeconfig::{ContextReview, ExecReview, KubeReview, Refusal, SignInOffer};
use domain::text::Text;
use url::{Host, Url};
use yaml::Node;

use super::certificate;
use super::document::Found;
use super::oidc_login;
use super::source::{List, resolve};
use super::user::{self, Says, Written};

/// Reviews every context of a list.
pub(super) fn review(list: &List) -> KubeReview {
    KubeReview {
        files: list.files.clone(),
        current: list.current(),
        contexts: list.contexts().iter().map(context).collect(),
        digest: list.digest.clone(),
    }
}

/// The server's part of a context.
pub(super) struct Server {
    pub(super) url: Url,
    pub(super) spelled: String,
}

/// The server's URL, when it is one that can be pinned.
pub(super) fn server(cluster: &Node) -> Result<Server, Refusal> {
    let refuse = |en: &str, zh: &str| Refusal::new("server_url", en, zh);
    let spelled = cluster.get("server").and_then(Node::text).unwrap_or_default().trim();
    if spelled.is_empty() {
        return Err(refuse("the cluster names no server", "该集群没有指定服务器"));
    }
    let url = Url::parse(spelled).map_err(|_| refuse("the server's address is no URL", "服务器地址不是有效的 URL"))?;
    if !matches!(url.scheme(), "https" | "http") || url.host().is_none() {
        return Err(refuse(
            "the server's address begins neither with https:// nor with http://",
            "服务器地址既不以 https:// 也不以 http:// 开头",
        ));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refuse("the server's address holds a name or a password", "服务器地址中包含用户名或密码"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(refuse("the server's address holds a query or a fragment", "服务器地址中包含查询或片段"));
    }
    Ok(Server { url, spelled: spelled.to_owned() })
}

/// The proxy's URL without user information, and the user information.
pub(super) fn proxy(cluster: &Node) -> Result<Option<(String, Option<String>)>, Refusal> {
    let refuse =
        || Refusal::new("proxy_url", "the proxy's address is no http, https or socks5 URL", "代理地址不是 http、https 或 socks5 URL");
    let Some(spelled) = cluster.get("proxy-url").and_then(Node::text).filter(|text| !text.is_empty()) else { return Ok(None) };
    let mut url = Url::parse(spelled).map_err(|_| refuse())?;
    if !matches!(url.scheme(), "http" | "https" | "socks5") || url.host_str().is_none_or(str::is_empty) {
        return Err(refuse());
    }
    let decoded = |part: &str| percent_encoding::percent_decode_str(part).decode_utf8_lossy().into_owned();
    let credentials = (!url.username().is_empty() || url.password().is_some())
        .then(|| format!("{}:{}", decoded(url.username()), decoded(url.password().unwrap_or_default())));
    let stripped = url.set_username("").is_ok() && url.set_password(None).is_ok();
    if credentials.is_some() && !stripped {
        return Err(refuse());
    }
    Ok(Some((url.to_string().trim_end_matches('/').to_owned(), credentials)))
}

/// What sort of host it is. Names are not resolved.
pub(super) fn host_class(url: &Url) -> &'static str {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip_class(IpAddr::V4(ip)),
        Some(Host::Ipv6(ip)) => ip_class(ip.to_canonical()),
        Some(Host::Domain(name)) if name == "localhost" || name.ends_with(".localhost") => "loopback",
        Some(Host::Domain(_)) => "name",
        None => "other",
    }
}

fn ip_class(ip: IpAddr) -> &'static str {
    match ip {
        _ if ip.is_loopback() => "loopback",
        _ if ip.is_unspecified() || ip.is_multicast() => "other",
        IpAddr::V4(ip) if ip.is_link_local() => "link_local",
        IpAddr::V4(ip) if ip.is_private() || (ip.octets()[0] == 100 && ip.octets()[1] & 0xc0 == 64) => "private",
        IpAddr::V6(ip) if ip.is_unicast_link_local() => "link_local",
        IpAddr::V6(ip) if ip.is_unique_local() => "private",
        _ => "public",
    }
}

fn context(found: &Found<'_>) -> ContextReview {
    let mut view = ContextReview {
        context: found.name.to_owned(),
        cluster: found.cluster_name.clone(),
        user: found.user_name.clone(),
        file: found.document.file.clone(),
        user_file: found.user.map_or_else(String::new, |(document, _)| document.file.clone()),
        namespace: found.node.get("namespace").and_then(Node::text).filter(|text| !text.is_empty()).map(str::to_owned),
        host_class: "other".into(),
        auth: "anonymous".into(),
        ..ContextReview::default()
    };
    let refused = about_cluster(found, &mut view).err().or_else(|| about_user(found, &mut view).err());
    view.refused = refused;
    view
}

fn about_cluster(found: &Found<'_>, view: &mut ContextReview) -> Result<(), Refusal> {
    let (document, cluster) = found.cluster.ok_or_else(no_cluster)?;
    view.skip_verify = user::truth(cluster, "insecure-skip-tls-verify");
    view.tls_server_name = cluster.get("tls-server-name").and_then(Node::text).filter(|text| !text.is_empty()).map(str::to_owned);
    let server = server(cluster)?;
    view.host_class = host_class(&server.url).to_owned();
    view.plain_http = server.url.scheme() == "http";
    view.server = server.spelled;
    if view.plain_http {
        view.warnings.push(Text::new(
            "the way to the server is not encrypted: everybody on it can read the credential",
            "与服务器的连接未加密：途经的任何人都能读到凭据",
        ));
    }
    if view.skip_verify {
        view.warnings.push(Text::new(
            "the file wants the server's certificate unchecked; that is not taken over",
            "该文件要求不检查服务器证书；此设置不会被导入",
        ));
    }
    if view.host_class == "link_local" {
        view.warnings.push(Text::new(
            "the server is on the link-local net, where clouds keep their metadata services",
            "服务器位于链路本地网络，云平台的元数据服务也在其中",
        ));
    }
    if let Some((proxy, credentials)) = proxy(cluster)? {
        view.proxy = Some(proxy);
        view.proxy_credentials = credentials.is_some();
        view.warnings.push(Text::new("everything goes through a proxy", "所有流量都经过代理"));
    }
    match ca(cluster) {
        Some(Written::Here(data)) => view.ca_sha256 = certificate::authorities(data)?.1,
        Some(Written::File(path)) => view.ca_file = Some(reads(view, document.base.as_deref(), path)?),
        None => {}
    }
    Ok(())
}

/// The authorities of a cluster.
pub(super) fn ca(cluster: &Node) -> Option<Written<'_>> {
    let text = |key: &str| cluster.get(key).and_then(Node::text).filter(|text| !text.is_empty());
    text("certificate-authority-data").map(Written::Here).or_else(|| text("certificate-authority").map(Written::File))
}

pub(super) fn no_cluster() -> Refusal {
    Refusal::new("no_such_cluster", "the cluster that the context means is not in the file", "该上下文所指的集群不在文件中")
}

pub(super) fn no_user() -> Refusal {
    Refusal::new("no_such_user", "the user that the context means is not in the file", "该上下文所指的用户不在文件中")
}

fn reads(view: &mut ContextReview, base: Option<&Path>, path: &str) -> Result<String, Refusal> {
    let path = whole(base, path)?;
    view.reads.push(path.clone());
    Ok(path)
}

/// A path that a kubeconfig names, from the root on.
pub(super) fn whole(base: Option<&Path>, path: &str) -> Result<String, Refusal> {
    resolve(path, base).map(|path| path.display().to_string()).ok_or_else(|| {
        Refusal::new(
            "relative_path",
            "pasted text names a file by a relative path, and has no folder: import the file itself",
            "粘贴的文本用相对路径指定文件，但没有所在目录：请直接导入该文件",
        )
    })
}

fn about_user(found: &Found<'_>, view: &mut ContextReview) -> Result<(), Refusal> {
    if found.user_name.is_empty() {
        return Ok(());
    }
    let (document, user) = found.user.ok_or_else(no_user)?;
    view.impersonate = user::impersonate(user).map(|who| {
        let mut words: Vec<String> = who.user.into_iter().collect();
        words.extend(who.groups.iter().map(|group| format!("group {group}")));
        words.extend(who.uid.map(|uid| format!("uid {uid}")));
        words.extend(who.extra.iter().map(|(name, values)| format!("{name}={}", values.join("|"))));
        words.join(", ")
    });
    let kinds = user::kinds(user);
    if let Some(kind) = kinds.last() {
        (*kind).clone_into(&mut view.auth);
    }
    let base = document.base.as_deref();
    let says = user::says(user)?;
    if kinds.len() > 1 {
        view.warnings.push(Text::new(
            format!("the user has several credentials ({}); the one that counts is taken", kinds.join(", ")),
            format!("该用户有多种凭据（{}）；将采用实际生效的一种", kinds.join(", ")),
        ));
    }
    match says {
        Says::Nothing => "anonymous".clone_into(&mut view.auth),
        Says::Certificate { certificate, key } => {
            "client_certificate".clone_into(&mut view.auth);
            for written in [certificate, key] {
                if let Written::File(path) = written {
                    reads(view, base, path)?;
                }
            }
        }
        Says::Token(_) => "token".clone_into(&mut view.auth),
        Says::TokenFile(path) => {
            "token_file".clone_into(&mut view.auth);
            reads(view, base, path)?;
        }
        Says::Basic { .. } => "basic".clone_into(&mut view.auth),
        Says::Ours(id) => {
            "pilot".clone_into(&mut view.auth);
            view.known = Some(ClusterId::new(id));
        }
        Says::Oidc(node) => {
            "oidc".clone_into(&mut view.auth);
            let oidc = user::oidc(node)?;
            view.issuer = Some(oidc.issuer.to_owned());
            if let Some(Written::File(path)) = oidc.ca {
                reads(view, base, path)?;
            }
        }
        Says::Exec(exec) => {
            "exec".clone_into(&mut view.auth);
            if exec.command.contains(['/', '\\']) && base.is_none() && !Path::new(exec.command).is_absolute() {
                whole(base, exec.command)?;
            }
            exec_warnings(&exec, base, &mut view.warnings);
            match oidc_login::offer(&exec) {
                Some(Ok(oidc)) if https(oidc.issuer) => {
                    view.sign_in = Some(SignInOffer {
                        issuer: oidc.issuer.to_owned(),
                        client_id: oidc.client_id.to_owned(),
                        client_secret: oidc.client_secret.is_some(),
                        scopes: oidc.scopes,
                        redirects: oidc.redirects,
                    });
                    if let Some(Written::File(path)) = oidc.ca {
                        reads(view, base, path)?;
                    }
                }
                Some(Err(why)) => view.warnings.push(why),
                _ => {}
            }
            view.exec = Some(ExecReview {
                argv: std::iter::once(exec.command).chain(exec.args.iter().copied()).map(str::to_owned).collect(),
                env_names: exec.env.iter().map(|(name, _)| (*name).to_owned()).collect(),
                base_dir: base.map(|base| base.display().to_string()),
                api_version: exec.api_version.to_owned(),
            });
        }
    }
    Ok(())
}

/// Whether an issuer is one that we would sign in at.
pub(super) fn https(issuer: &str) -> bool {
    Url::parse(issuer).is_ok_and(|url| url.scheme() == "https" && url.username().is_empty())
}

fn exec_warnings(exec: &user::Exec<'_>, base: Option<&Path>, warnings: &mut Vec<Text>) {
    warnings.push(Text::new(
        "a program of this machine would be run for the credential, with your rights",
        "将以您的权限运行本机的程序来获取凭据",
    ));
    let command = Path::new(exec.command);
    let beside = base.is_some_and(|base| command.starts_with(base)) || (exec.command.contains('/') && !command.is_absolute());
    if beside {
        warnings.push(Text::new(
            "the program lies beside the kubeconfig: whoever gave you the file may have given you the program",
            "该程序位于 kubeconfig 所在目录：提供此文件的人可能也提供了该程序",
        ));
    }
    let program = exec.command.rsplit(['/', '\\']).next().unwrap_or_default().trim_end_matches(".exe").to_ascii_lowercase();
    if matches!(program.as_str(), "sh" | "bash" | "zsh" | "dash" | "fish" | "cmd" | "powershell" | "pwsh") {
        warnings.push(Text::new("a shell runs what follows: read all of it", "由 shell 执行后续内容：请完整阅读"));
    }
    if exec.args.iter().any(|arg| looks_secret(arg.trim_start_matches('-').split('=').next().unwrap_or_default()) && arg.contains('=')) {
        warnings.push(Text::new(
            "an argument of the program looks like a secret: arguments are seen by every program of this machine, and are kept in plain",
            "该程序的某个参数看起来像机密：参数对本机所有程序可见，且以明文保存",
        ));
    }
}

/// Whether a name is one under which secrets are given.
pub(super) fn looks_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["token", "secret", "password", "passwd", "credential", "apikey", "api_key", "api-key", "private_key", "access_key"]
        .iter()
        .any(|word| name.contains(word))
}
