//! Takes one context apart: its definition, and its secrets. What it names is read here, once, after a person agreed.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::Path;

use domain::cluster::{ClusterAuth, ClusterDef, ClusterProxy, ClusterSource, ExecPlugin, is_production};
use domain::id::{ClusterId, Millis, SecretId};
use domain::kubeconfig::{Refusal, Taken, TakenCluster, TakenSecret, Wanted};
use domain::vault::{SecretBytes, SecretKind};
use yaml::Node;
use zeroize::Zeroizing;

use super::certificate;
use super::document::Found;
use super::oidc_login;
use super::review::{ca, https, no_cluster, no_user, proxy, server, whole};
use super::source::{List, bytes};
use super::user::{self, Says, Written};
use crate::trust;

/// No key, certificate or token is larger.
const LARGEST: usize = 1024 * 1024;

/// Takes the context that a person agreed to.
pub(super) fn take(list: &List, want: &Wanted, path: Option<&OsStr>) -> Taken {
    let cluster = match list.context(&want.context) {
        Some(found) => Taking { want, path, secrets: Vec::new(), key_files: Vec::new() }.cluster(&found),
        None => Err(Refusal::new("no_such_context", "the file has no such context", "文件中没有该上下文")),
    };
    Taken { context: want.context.clone(), cluster }
}

struct Taking<'w> {
    want: &'w Wanted,
    path: Option<&'w OsStr>,
    secrets: Vec<TakenSecret>,
    key_files: Vec<String>,
}

impl Taking<'_> {
    fn cluster(mut self, found: &Found<'_>) -> Result<TakenCluster, Refusal> {
        let (document, cluster) = found.cluster.ok_or_else(no_cluster)?;
        let server = server(cluster)?;
        let ca_pem = match ca(cluster) {
            None => None,
            Some(Written::Here(data)) => Some(certificate::authorities(data)?.0),
            Some(Written::File(path)) => Some(authorities_file(&whole(document.base.as_deref(), path)?)?),
        };
        let proxy = match proxy(cluster)? {
            None => None,
            Some((url, None)) => Some(ClusterProxy { url, credentials: None }),
            Some((url, Some(credentials))) => {
                let credentials = self.keep("proxy", credentials.as_bytes(), SecretKind::Password, None);
                Some(ClusterProxy { url, credentials: Some(credentials) })
            }
        };
        let (auth, impersonate) = match found.user {
            _ if found.user_name.is_empty() => (ClusterAuth::Anonymous, None),
            None => return Err(no_user()),
            Some((document, user)) => (self.auth(user, document.base.as_deref(), &server.spelled)?, user::impersonate(user)),
        };
        let file = found.user.map_or(&found.document.real, |(document, _)| &document.real);
        let text = |node: &Node, key: &str| node.get(key).and_then(Node::text).filter(|text| !text.is_empty()).map(str::to_owned);
        let def = ClusterDef {
            id: ClusterId::new(""),
            name: found.name.to_owned(),
            server: server.spelled,
            ca_pem,
            tls_server_name: text(cluster, "tls-server-name"),
            insecure: false,
            proxy,
            namespace: text(found.node, "namespace"),
            impersonate,
            auth,
            read_only: false,
            colour: is_production(found.name).then(|| "red".to_owned()),
            source: Some(ClusterSource {
                file: file.display().to_string(),
                context: found.name.to_owned(),
                user: found.user_name.clone(),
                cluster: found.cluster_name.clone(),
                rewritten: false,
                key_files: self.key_files,
            }),
            created_at: Millis(0),
            updated_at: Millis(0),
        };
        Ok(TakenCluster { def, secrets: self.secrets })
    }

    /// Notes a secret. Until it is kept, its field stands where its id belongs.
    fn keep(&mut self, field: &str, value: &[u8], kind: SecretKind, expires_at: Option<Millis>) -> SecretId {
        self.secrets.push(TakenSecret { field: field.to_owned(), value: SecretBytes::new(value), kind, expires_at });
        SecretId::new(field)
    }

    fn auth(&mut self, user: &Node, base: Option<&Path>, server: &str) -> Result<ClusterAuth, Refusal> {
        match user::says(user)? {
            Says::Nothing => Ok(ClusterAuth::Anonymous),
            Says::Certificate { certificate, key } => self.certificate(certificate, key, base),
            Says::Token(text) => {
                let token = certificate::token(text).ok_or_else(|| {
                    Refusal::new("token_invalid", "the token is no single word of visible characters", "令牌不是由可见字符组成的单个词")
                })?;
                let expires_at = certificate::jwt_ends(token);
                let token = self.keep("token", token.as_bytes(), SecretKind::Token, expires_at);
                Ok(ClusterAuth::Token { token, expires_at })
            }
            Says::TokenFile(path) => {
                let path = whole(base, path)?;
                let read = file("token_file", "the token's file", "令牌文件", &path)?;
                let token = std::str::from_utf8(&read)
                    .ok()
                    .and_then(certificate::token)
                    .ok_or_else(|| Refusal::new("token_file", format!("{path} holds no token"), format!("{path} 中没有令牌")))?;
                let expires_at = certificate::jwt_ends(token);
                let token = self.keep("token", token.as_bytes(), SecretKind::Token, expires_at);
                self.key_files.push(path.clone());
                Ok(ClusterAuth::TokenFile { path, follow: self.want.follow_token_file, token })
            }
            Says::Basic { username, password } => {
                let both = Zeroizing::new(serde_json::json!({ "username": username, "password": password }).to_string());
                Ok(ClusterAuth::Basic { pair: self.keep("basic", both.as_bytes(), SecretKind::Password, None) })
            }
            Says::Exec(exec) if self.want.sign_in => match oidc_login::offer(&exec) {
                Some(Ok(oidc)) => self.oidc(oidc, base),
                Some(Err(why)) => Err(Refusal { code: "sign_in_not_offered".into(), reason: why }),
                None => Err(Refusal::new(
                    "sign_in_not_offered",
                    "a sign-in of our own cannot take the place of this program",
                    "无法用自带的登录替代此程序",
                )),
            },
            Says::Exec(exec) => self.exec(&exec, base, server),
            Says::Oidc(node) => self.oidc(user::oidc(node)?, base),
            Says::Ours(_) => Err(Refusal::new(
                "already_here",
                "the context calls pilot already: its credential is in the vault",
                "该上下文已调用 pilot：其凭据已在保险库中",
            )),
        }
    }

    fn certificate(&mut self, certificate: Written<'_>, key: Written<'_>, base: Option<&Path>) -> Result<ClusterAuth, Refusal> {
        let chain = match certificate {
            Written::Here(data) => certificate::decoded(data).ok_or_else(|| {
                Refusal::new("certificate_invalid", "client-certificate-data is no base64", "client-certificate-data 不是 base64")
            })?,
            Written::File(path) => file("certificate_file", "the client certificate", "客户端证书", &whole(base, path)?)?,
        };
        let key = match key {
            Written::Here(data) => certificate::decoded(data)
                .ok_or_else(|| Refusal::new("key_invalid", "client-key-data is no base64", "client-key-data 不是 base64"))?,
            Written::File(path) => {
                let path = whole(base, path)?;
                let read = file("key_file", "the client key", "客户端私钥", &path)?;
                self.key_files.push(path);
                read
            }
        };
        let pair = certificate::pair(&chain, &key)?;
        let not_after = Some(pair.not_after);
        let pair = self.keep("client_certificate", &pair.pem, SecretKind::Key, not_after);
        Ok(ClusterAuth::ClientCertificate { pair, not_after })
    }

    fn exec(&mut self, exec: &user::Exec<'_>, base: Option<&Path>, server: &str) -> Result<ClusterAuth, Refusal> {
        if !self.want.trust_exec {
            return Err(Refusal::new(
                "exec_not_trusted",
                "a program would be run for the credential, and nobody has accepted it: look at it, then accept it (--trust-exec)",
                "获取凭据需要运行程序，但尚未有人接受它：请查看后再接受（--trust-exec）",
            ));
        }
        let program = trust::find(exec.command, base, self.path).map_err(|why| {
            let why = why.kind();
            Refusal::new(
                "exec_not_found",
                format!("the program {} was not found on this machine ({why}): install it first", exec.command),
                format!("本机找不到程序 {}（{why}）：请先安装", exec.command),
            )
        })?;
        let args: Vec<String> = exec.args.iter().map(|arg| (*arg).to_owned()).collect();
        let env: BTreeMap<String, String> = exec.env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let trust = trust::key(&program, &args, &env, server);
        let kept = (!env.is_empty()).then(|| {
            let values = Zeroizing::new(serde_json::json!(env).to_string());
            self.keep("exec_env", values.as_bytes(), SecretKind::Other, None)
        });
        let plugin = ExecPlugin {
            api_version: exec.api_version.to_owned(),
            command: exec.command.to_owned(),
            args,
            env_names: env.into_keys().collect(),
            env: kept,
            base_dir: base.map(|base| base.display().to_string()),
            provide_cluster_info: exec.provide_cluster_info,
            interactive_mode: exec.interactive_mode.to_owned(),
            trust,
        };
        Ok(ClusterAuth::Exec { plugin })
    }

    fn oidc(&mut self, oidc: user::Oidc<'_>, base: Option<&Path>) -> Result<ClusterAuth, Refusal> {
        if !https(oidc.issuer) {
            return Err(Refusal::new("oidc_issuer", "the issuer's address is no https URL", "颁发者地址不是 https URL"));
        }
        let ca_pem = match oidc.ca {
            None => None,
            Some(Written::Here(data)) => Some(certificate::authorities(data)?.0),
            Some(Written::File(path)) => Some(authorities_file(&whole(base, path)?)?),
        };
        let mut parts = serde_json::Map::new();
        for (name, value) in [("idToken", oidc.id_token), ("refreshToken", oidc.refresh_token), ("clientSecret", oidc.client_secret)] {
            if let Some(value) = value {
                parts.insert(name.into(), value.into());
            }
        }
        // With a refresh token the end of the id token is no end.
        let expires_at = if oidc.refresh_token.is_some() { None } else { oidc.id_token.and_then(certificate::jwt_ends) };
        let state = (!parts.is_empty()).then(|| {
            let whole = Zeroizing::new(serde_json::Value::Object(parts).to_string());
            self.keep("oidc", whole.as_bytes(), SecretKind::SignIn, expires_at)
        });
        Ok(ClusterAuth::Oidc {
            issuer: oidc.issuer.to_owned(),
            client_id: oidc.client_id.to_owned(),
            scopes: oidc.scopes,
            ca_pem,
            state,
            redirects: oidc.redirects,
        })
    }
}

fn file(code: &str, en: &str, zh: &str, path: &str) -> Result<Zeroizing<Vec<u8>>, Refusal> {
    bytes(Path::new(path), LARGEST)
        .map_err(|why| Refusal::new(code, format!("{en} was not read: {path}: {}", why.en()), format!("未读取{zh}：{path}：{}", why.zh())))
}

fn authorities_file(path: &str) -> Result<String, Refusal> {
    let read = file("ca_file", "the authorities' file", "证书颁发机构文件", path)?;
    let found = certificate::authorities_of(&read);
    let none = || Refusal::new("ca_invalid", format!("{path} holds no PEM certificates"), format!("{path} 中没有 PEM 证书"));
    found.map(|(pem, _)| pem).ok_or_else(none)
}
