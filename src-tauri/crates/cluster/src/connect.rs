//! A client for a cluster, made by hand from its definition: nothing is inferred from files or the environment.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::Json;
use domain::cluster::ClusterDef;
use domain::fault::Fault;
use domain::reach::{ClusterCredential, ClusterFacts, ClusterIdentity};
use domain::secret::Secret;
use http::{Request, Uri};
use kube::client::ClientBuilder;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use url::Url;

use crate::fault::{self, unusable};
use crate::gate::GateLayer;
use crate::no_proxy;

/// How long name lookup, proxy, TCP and TLS may take together.
pub(crate) const CONNECT: Duration = Duration::from_secs(10);
/// How long a connection may be silent.
const SILENCE: Duration = Duration::from_secs(60);
/// How long the first questions may take altogether.
const PROBE: Duration = Duration::from_secs(30);

/// Makes the client. Connects nothing yet.
pub(crate) fn client(
    cluster: &ClusterDef,
    credential: &ClusterCredential,
    proxy_credentials: Option<&Secret>,
    env: &BTreeMap<String, String>,
) -> Result<kube::Client, Fault> {
    // For whoever makes a TLS configuration without naming a provider.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let config = config(cluster, credential, proxy_credentials, env)?;
    // Its error is not repeated: it may print what it was given.
    let builder = ClientBuilder::try_from(config).map_err(|fault| match &fault {
        kube::Error::RustlsTls(_) | kube::Error::InferKubeconfig(_) => unusable(
            cluster,
            "cluster_certificate",
            "its client certificate does not go with its key, or an authority is none",
            "客户端证书与私钥不匹配，或其颁发机构证书无效",
        ),
        _ => unusable(cluster, "cluster_settings", "its settings make no connection", "其设置无法建立连接"),
    })?;
    Ok(builder.with_layer(&GateLayer { read_only: cluster.read_only }).build())
}

fn config(
    cluster: &ClusterDef,
    credential: &ClusterCredential,
    proxy_credentials: Option<&Secret>,
    env: &BTreeMap<String, String>,
) -> Result<kube::Config, Fault> {
    let bad_server = || unusable(cluster, "cluster_server", "its server is no http or https URL", "其 server 不是 http 或 https URL");
    let server = Url::parse(&cluster.server).map_err(|_| bad_server())?;
    if !matches!(server.scheme(), "http" | "https") || !server.username().is_empty() || server.password().is_some() {
        return Err(bad_server());
    }
    let mut config = kube::Config::new(cluster.server.parse::<Uri>().map_err(|_| bad_server())?);
    config.default_namespace = cluster.namespace.clone().unwrap_or_else(|| "default".to_owned());
    config.connect_timeout = Some(CONNECT);
    config.read_timeout = Some(SILENCE);
    config.write_timeout = Some(SILENCE);
    // Somebody who sends a change once means once.
    config.default_retry = false;
    config.accept_invalid_certs = cluster.insecure;
    config.tls_server_name.clone_from(&cluster.tls_server_name);
    if let Some(pem) = &cluster.ca_pem {
        let roots: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).map(|der| der.map(|der| der.to_vec())).collect();
        match roots {
            Ok(roots) if !roots.is_empty() => config.root_cert = Some(roots),
            _ => return Err(unusable(cluster, "cluster_ca", "its certificate authority is no PEM certificate", "其 CA 不是 PEM 证书")),
        }
    }
    if let Some(mut proxy) = no_proxy::proxy(cluster, &server, proxy_credentials, env)? {
        if proxy.scheme() == "socks5h" {
            // The client's `socks5` leaves name lookup to the proxy, which is what the `h` asks for.
            let _ = proxy.set_scheme("socks5");
        }
        if proxy.scheme() == "socks5" && (!proxy.username().is_empty() || proxy.password().is_some()) {
            return Err(unusable(
                cluster,
                "cluster_proxy",
                "its SOCKS proxy wants a user, which is not supported; use an http proxy",
                "其 SOCKS 代理需要用户名，暂不支持；请使用 http 代理",
            ));
        }
        let uri = proxy.as_str().parse::<Uri>().ok().filter(|_| matches!(proxy.scheme(), "http" | "https" | "socks5"));
        config.proxy_url = Some(uri.ok_or_else(|| {
            unusable(cluster, "cluster_proxy", "its proxy is no http, https or socks5 URL", "其代理不是 http、https 或 socks5 URL")
        })?);
    }
    speak(cluster, credential, &mut config)?;
    Ok(config)
}

/// Says who we are, and as whom we act.
fn speak(cluster: &ClusterDef, credential: &ClusterCredential, config: &mut kube::Config) -> Result<(), Fault> {
    let auth = &mut config.auth_info;
    if let Some(token) = &credential.token {
        let token = token.expose().trim();
        // The client would panic at a token that is no header.
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(unusable(
                cluster,
                "cluster_token",
                "its token holds characters that no header may hold",
                "其令牌包含请求头不允许的字符",
            ));
        }
        auth.token = Some(token.to_owned().into());
    }
    if let Some((user, password)) = &credential.basic {
        auth.username = Some(user.clone());
        auth.password = Some(password.expose().to_owned().into());
    }
    if let Some((chain, key)) = &credential.certificate {
        auth.client_certificate_data = Some(STANDARD.encode(chain));
        auth.client_key_data = Some(STANDARD.encode(key.expose()).into());
    }
    if let Some(other) = &cluster.impersonate {
        auth.impersonate.clone_from(&other.user);
        auth.impersonate_uid.clone_from(&other.uid);
        auth.impersonate_groups = (!other.groups.is_empty()).then(|| other.groups.clone());
        auth.impersonate_user_extra =
            (!other.extra.is_empty()).then(|| other.extra.iter().map(|(name, values)| (name.clone(), values.clone())).collect());
    }
    Ok(())
}

/// Asks for the version, then for whom we are taken.
pub(crate) async fn probe(client: &kube::Client, cluster: &ClusterDef) -> Result<ClusterFacts, Fault> {
    tokio::time::timeout(PROBE, first_questions(client, cluster)).await.unwrap_or_else(|_| Err(fault::late(cluster, PROBE.as_secs())))
}

async fn first_questions(client: &kube::Client, cluster: &ClusterDef) -> Result<ClusterFacts, Fault> {
    let version = ask(client, cluster, "GET", "/version", Vec::new()).await.map_err(|fault| fault::of(cluster, &fault))?;
    let version: Json = serde_json::from_str(&version).map_err(|_| fault::strange(cluster, "/version"))?;
    let field =
        |name: &str| version.get(name).and_then(Json::as_str).map(|text| text.chars().filter(|c| !c.is_control()).take(120).collect());
    let facts = ClusterFacts {
        version: field("gitVersion").ok_or_else(|| fault::strange(cluster, "/version"))?,
        platform: field("platform").unwrap_or_default(),
        identity: None,
        expires_at: None,
    };
    let review = br#"{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}"#.to_vec();
    match ask(client, cluster, "POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", review).await {
        Ok(answer) => {
            let answer: Json = serde_json::from_str(&answer).map_err(|_| fault::strange(cluster, "SelfSubjectReview"))?;
            let user = answer.pointer("/status/userInfo").ok_or_else(|| fault::strange(cluster, "SelfSubjectReview"))?;
            let groups = user.get("groups").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
            let identity = ClusterIdentity {
                user: user.get("username").and_then(Json::as_str).unwrap_or_default().to_owned(),
                groups: groups.iter().filter_map(|group| group.as_str().map(str::to_owned)).collect(),
            };
            Ok(ClusterFacts { identity: Some(identity), ..facts })
        }
        // Before 1.28 there was no such question, and some do not let everybody ask it.
        Err(kube::Error::Api(status)) if matches!(status.code, 403..=405) => Ok(facts),
        Err(fault) => Err(fault::of(cluster, &fault)),
    }
}

async fn ask(client: &kube::Client, cluster: &ClusterDef, method: &str, path: &str, body: Vec<u8>) -> Result<String, kube::Error> {
    // A server behind a path (a gateway) keeps it: the client puts its base in front.
    let mut request = Request::builder().method(method).uri(path);
    if !body.is_empty() {
        request = request.header(http::header::CONTENT_TYPE, "application/json");
    }
    tracing::debug!(cluster = cluster.name, method, path, "asking an API server");
    client.request_text(request.body(body).map_err(kube::Error::HttpError)?).await
}
