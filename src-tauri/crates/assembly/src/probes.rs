//! The doctor's eyes: names, ports, certificates, programs, and this machine.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use app::doctor::{Finding, Probes, Program, TlsFacts};
use async_trait::async_trait;
use domain::fault::{FaultKind, ServerFault};
use domain::protocol::TlsSettings;
use domain::secret::{Expand, Secret};
use domain::text::Text;
use net::{Proxies, ProxyChoice};
use rustls::pki_types::ServerName;
use secrets::EnvExpand;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::Url;

use crate::Places;

/// Less free room than this is worth a word.
const LITTLE: u64 = 256 * 1024 * 1024;

/// Looks at the real world, from the configuration folder that was given or is usual.
pub fn probes(config_dir: Option<&Path>) -> Arc<dyn Probes> {
    Arc::new(World { config_dir: config_dir.map(Path::to_owned) })
}

/// References to variables of this process.
pub fn expand() -> Arc<dyn Expand> {
    Arc::new(EnvExpand::new(|name| std::env::var_os(name)?.into_string().ok()))
}

#[derive(Debug)]
struct World {
    config_dir: Option<PathBuf>,
}

#[async_trait]
impl Probes for World {
    async fn machine(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        match Places::find(self.config_dir.as_deref(), |name| std::env::var_os(name)) {
            Ok(places) => {
                findings.extend(folder(&places.dir));
                findings.extend(room(&places.dir));
            }
            Err(fault) => findings.push(Finding::ill("config_dir", fault.kind, fault.message, fault.hint)),
        }
        findings.push(match store::engine().await {
            Ok(version) => Finding::well("database", Text::same(format!("SQLite {version}"))),
            Err(reason) => Finding::ill(
                "database",
                FaultKind::Storage,
                Text::new(format!("SQLite does not work: {reason}"), format!("SQLite 无法工作：{reason}")),
                Text::default(),
            ),
        });
        findings.extend(environment(|name| std::env::var_os(name)));
        findings
    }

    fn proxy(&self, url: &Url, setting: Option<&Secret>) -> Result<Option<Url>, ServerFault> {
        let proxies = Proxies::of(&ProxyChoice::parse(setting)?)?;
        Ok(proxies.for_url(url).map(|mut proxy| {
            let _ = proxy.set_username("");
            let _ = proxy.set_password(None);
            proxy
        }))
    }

    async fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, String> {
        let found = tokio::net::lookup_host((host, port)).await.map_err(|fault| fault.to_string())?;
        Ok(found.collect())
    }

    async fn tcp(&self, address: SocketAddr) -> Result<(), String> {
        TcpStream::connect(address).await.map(drop).map_err(|fault| fault.to_string())
    }

    async fn tls(&self, address: SocketAddr, host: &str, settings: &TlsSettings) -> Result<TlsFacts, ServerFault> {
        let config = net::tls_config(settings)?;
        let failed = |reason: String| ServerFault::TlsFailed { reason };
        let name = ServerName::try_from(host.to_owned()).map_err(|fault| failed(fault.to_string()))?;
        let stream = TcpStream::connect(address).await.map_err(|fault| failed(fault.to_string()))?;
        let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.map_err(|fault| failed(fault.to_string()))?;
        let (_, session) = stream.get_ref();
        Ok(TlsFacts {
            version: session.protocol_version().map_or_else(|| "TLS".into(), |version| format!("{version:?}")),
            alpn: session.alpn_protocol().map(|name| String::from_utf8_lossy(name).into_owned()),
        })
    }

    fn program(&self, name: &str, cwd: Option<&str>) -> Program {
        look_up(name, cwd, std::env::var_os("PATH").as_ref())
    }

    fn folder(&self, path: &str) -> bool {
        Path::new(path).is_dir()
    }
}

/// A path as it stands (from `cwd` when relative), else the folders of PATH in their order.
fn look_up(name: &str, cwd: Option<&str>, path: Option<&OsString>) -> Program {
    let places: Vec<PathBuf> = if name.contains('/') {
        vec![cwd.map_or_else(|| PathBuf::from(name), |cwd| Path::new(cwd).join(name))]
    } else {
        path.map(|path| std::env::split_paths(path).filter(|folder| folder.is_absolute()).map(|folder| folder.join(name)).collect())
            .unwrap_or_default()
    };
    let mut barred = None;
    for place in &places {
        match std::fs::metadata(place) {
            Ok(meta) if meta.is_file() && runnable(&meta) => return Program::Found(place.clone()),
            Ok(meta) if meta.is_file() => barred = barred.or_else(|| Some(place.clone())),
            _ => {}
        }
    }
    let folders = || places.iter().filter_map(|place| place.parent().map(Path::to_owned)).collect();
    barred.map_or_else(|| Program::Missing(folders()), Program::NotRunnable)
}

#[cfg(unix)]
fn runnable(meta: &std::fs::Metadata) -> bool {
    std::os::unix::fs::PermissionsExt::mode(&meta.permissions()) & 0o111 != 0
}

#[cfg(not(unix))]
fn runnable(_: &std::fs::Metadata) -> bool {
    true
}

/// The configuration folder: there, ours, and closed to others.
fn folder(dir: &Path) -> Vec<Finding> {
    let shown = dir.display();
    let meta = match std::fs::metadata(dir) {
        Ok(meta) => meta,
        Err(fault) => {
            return vec![Finding::note(
                "config_dir",
                Text::new(format!("{shown}: {fault}"), format!("{shown}：{fault}")),
                Text::new("it is made at the first use", "首次使用时会自动创建"),
            )];
        }
    };
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(&meta.permissions()) & 0o777;
        if mode & 0o077 != 0 {
            return vec![Finding::ill(
                "config_dir",
                FaultKind::Config,
                Text::new(format!("{shown} is open to others (mode {mode:o})"), format!("{shown} 对其他用户开放（权限 {mode:o}）")),
                Text::new(format!("chmod 700 {shown}"), format!("chmod 700 {shown}")),
            )];
        }
    }
    let _ = meta;
    vec![Finding::well("config_dir", Text::same(shown.to_string()))]
}

/// Room on the disk that holds the folder.
fn room(dir: &Path) -> Option<Finding> {
    let there = dir.ancestors().find(|place| place.exists())?;
    #[cfg(unix)]
    {
        let stat = nix::sys::statvfs::statvfs(there).ok()?;
        let free = stat.blocks_available().saturating_mul(stat.fragment_size());
        let mib = free / (1024 * 1024);
        let text = Text::new(format!("{mib} MiB free"), format!("剩余 {mib} MiB"));
        Some(if free < LITTLE {
            let hint = Text::new(
                "when the disk is full nothing can be written down, and then nothing is run: make room",
                "磁盘写满后无法记录审计，也就不会执行任何操作：请清理空间",
            );
            if free == 0 { Finding::ill("disk", FaultKind::Storage, text, hint) } else { Finding::note("disk", text, hint) }
        } else {
            Finding::well("disk", text)
        })
    }
    #[cfg(not(unix))]
    {
        let _ = there;
        None
    }
}

/// Variables that change how others are reached. Their values may hold passwords, so they are not shown.
fn environment(var: impl Fn(&str) -> Option<OsString>) -> Option<Finding> {
    let names = [
        "HTTPS_PROXY",
        "https_proxy",
        "HTTP_PROXY",
        "http_proxy",
        "ALL_PROXY",
        "all_proxy",
        "NO_PROXY",
        "no_proxy",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
    ];
    let set: Vec<&str> = names.into_iter().filter(|name| var(name).is_some_and(|value| !value.is_empty())).collect();
    if set.is_empty() {
        return None;
    }
    let list = set.join(", ");
    Some(Finding::note(
        "environment",
        Text::new(format!("set: {list}"), format!("已设置：{list}")),
        Text::new(
            "they decide proxies and certificates of every server without settings of its own",
            "它们决定没有单独设置的服务器所用的代理和证书",
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_program_is_found_as_a_shell_finds_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let tmp = tempfile::tempdir().unwrap();
        let (plain, ready) = (tmp.path().join("plain"), tmp.path().join("ready"));
        std::fs::write(&plain, "").unwrap();
        std::fs::write(&ready, "").unwrap();
        std::fs::set_permissions(&plain, std::fs::Permissions::from_mode(0o600)).unwrap();
        std::fs::set_permissions(&ready, std::fs::Permissions::from_mode(0o700)).unwrap();
        let path: OsString = format!("relative:/nonexistent:{}", tmp.path().display()).into();
        assert_eq!(look_up("ready", None, Some(&path)), Program::Found(ready.clone()));
        assert_eq!(look_up("plain", None, Some(&path)), Program::NotRunnable(plain));
        assert_eq!(look_up("gone", None, Some(&path)), Program::Missing(vec!["/nonexistent".into(), tmp.path().to_owned()]));
        assert_eq!(look_up("./ready", Some(&tmp.path().display().to_string()), None), Program::Found(tmp.path().join("./ready")));
        assert_eq!(look_up("ready", None, None), Program::Missing(Vec::new()));
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_that_others_may_read_is_ill() {
        use std::os::unix::fs::PermissionsExt as _;
        let tmp = tempfile::tempdir().unwrap();
        std::fs::set_permissions(tmp.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(folder(tmp.path())[0].fault, Some(FaultKind::Config));
        std::fs::set_permissions(tmp.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
        assert_eq!(folder(tmp.path())[0].fault, None);
    }

    #[test]
    fn variables_are_named_and_their_values_are_not() {
        let finding = environment(|name| (name == "HTTPS_PROXY").then(|| "http://me:canary@proxy".into())).unwrap();
        assert!(finding.what.en.contains("HTTPS_PROXY") && !format!("{finding:?}").contains("canary"));
        assert_eq!(environment(|_| None), None);
    }

    #[tokio::test]
    async fn a_closed_port_and_an_unknown_name_are_told_apart() {
        let world = World { config_dir: None };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        world.tcp(listener.local_addr().unwrap()).await.unwrap();
        // Taken but never listened on. A listener closed here would live on in any child that another test forks meanwhile.
        let closed = tokio::net::TcpSocket::new_v4().unwrap();
        closed.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        assert!(world.tcp(closed.local_addr().unwrap()).await.is_err());
        assert!(world.resolve("no-such-name.invalid", 80).await.is_err());
    }
}
