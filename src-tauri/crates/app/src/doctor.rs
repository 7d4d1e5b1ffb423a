//! The doctor: goes the way to a server step by step, and says at which step it ends and what to do about it.
//!
//! What needs the outside world comes in as [`Probes`], so that every finding can be tested.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use domain::fault::{Fault, FaultKind, ServerFault};
use domain::id::ServerId;
use domain::policy::Actor;
use domain::protocol::{Common, TlsSettings};
use domain::secret::{Expand, Secret};
use domain::server::ServerDef;
use domain::text::Text;
use serde::Serialize;
use url::Url;

use crate::App;

/// How one step went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// As it should be.
    Well,
    /// Works, but a person should know.
    Note,
    /// Here the way ends.
    Ill,
}

/// One step and what was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// `config_dir`, `database`, `disk`, `environment`, `open`, `settings`, `proxy`, `dns`, `tcp`, `tls`, `vault`, `plain_secrets`, `path`, `folder`, `connect`, `auth`, `era`, `tools`.
    pub step: &'static str,
    /// How it went.
    pub outcome: Outcome,
    /// What was found.
    pub what: Text,
    /// What to do about it.
    pub hint: Text,
    /// The fault behind it, which decides an exit code.
    #[serde(skip)]
    pub fault: Option<FaultKind>,
}

impl Finding {
    /// All is well here.
    pub fn well(step: &'static str, what: Text) -> Self {
        Self { step, outcome: Outcome::Well, what, hint: Text::default(), fault: None }
    }

    /// Works, but a person should know.
    pub fn note(step: &'static str, what: Text, hint: Text) -> Self {
        Self { step, outcome: Outcome::Note, what, hint, fault: None }
    }

    /// Here the way ends.
    pub fn ill(step: &'static str, kind: FaultKind, what: Text, hint: Text) -> Self {
        Self { step, outcome: Outcome::Ill, what, hint, fault: Some(kind) }
    }
}

/// What a TLS handshake found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFacts {
    /// The agreed version, such as `TLSv1_3`.
    pub version: String,
    /// The agreed application protocol, when one was.
    pub alpn: Option<String>,
}

/// Where a program was found, or where it was looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Program {
    /// There.
    Found(PathBuf),
    /// There, but it may not be run.
    NotRunnable(PathBuf),
    /// In none of these places.
    Missing(Vec<PathBuf>),
}

/// Looks at the outside world.
#[async_trait]
pub trait Probes: Send + Sync + std::fmt::Debug {
    /// This machine: the folder of our data and its permissions, the database, the disk, variables that change how we reach others.
    async fn machine(&self) -> Vec<Finding>;
    /// The proxy on the way to an address, without its credentials; none when there is none.
    fn proxy(&self, url: &Url, setting: Option<&Secret>) -> Result<Option<Url>, ServerFault>;
    /// The addresses of a name.
    async fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, String>;
    /// Opens a connection and closes it.
    async fn tcp(&self, address: SocketAddr) -> Result<(), String>;
    /// Shakes hands with TLS and closes it.
    async fn tls(&self, address: SocketAddr, host: &str, settings: &TlsSettings) -> Result<TlsFacts, ServerFault>;
    /// Looks a program up as the guard will.
    fn program(&self, name: &str, cwd: Option<&str>) -> Program;
    /// Whether a folder is there.
    fn folder(&self, path: &str) -> bool;
}

/// Each network step waits no longer than this.
const PATIENCE: Duration = Duration::from_secs(10);

/// This machine alone.
pub async fn machine(probes: &dyn Probes) -> Vec<Finding> {
    probes.machine().await
}

/// The way to a server: settings, then address or program, then the connection itself. Ends at the first step that ends the way.
pub async fn server(app: &App, probes: &dyn Probes, expand: &dyn Expand, id: &ServerId, by: &Actor) -> Result<Vec<Finding>, Fault> {
    let view = app.book.get(id.as_str()).await?;
    let mut findings = Vec::new();
    let (common, expanded) = match settings(&view.def, expand) {
        Ok(parts) => parts,
        Err(finding) => return Ok(vec![finding]),
    };
    if let Err(fault) = app.book.check(&view.def) {
        return Ok(vec![ill_of("settings", &fault)]);
    }
    findings.push(Finding::well("settings", Text::new(format!("fit: {}", view.target), format!("有效：{}", view.target))));
    if !view.def.enabled {
        findings.push(Finding::note(
            "settings",
            Text::new("the server is switched off", "该服务器已停用"),
            Text::new(format!("pilot servers enable {}", view.def.name), format!("pilot servers enable {}", view.def.name)),
        ));
    }
    let passed = if let Some(command) = expanded.text("command") {
        local_way(probes, command, expanded.text("cwd"), &mut findings)
    } else if let Some(url) = address(&expanded, common.tls.is_some()) {
        network_way(probes, &url, &common, &mut findings).await
    } else {
        true
    };
    if passed {
        connection(app, &view.def, by, &mut findings).await?;
    }
    Ok(findings)
}

fn settings(def: &ServerDef, expand: &dyn Expand) -> Result<(Common, ServerDef), Finding> {
    let settings = expand.expand(&def.settings).map_err(|fault| ill_of("settings", &fault))?;
    let (common, rest) = Common::split(settings)
        .map_err(|fault| Finding::ill("settings", FaultKind::Config, fault.words(), Text::new("correct that field", "请更正该字段")))?;
    Ok((common, ServerDef { settings: rest, ..def.clone() }))
}

fn ill_of(step: &'static str, fault: &Fault) -> Finding {
    Finding::ill(step, fault.kind, fault.message.clone(), fault.hint.clone())
}

/// The address of settings that have one, in any of the spellings.
fn address(def: &ServerDef, tls: bool) -> Option<Url> {
    for field in ["url", "base_url", "sse_url", "stream_url", "openapi_url"] {
        if let Some(url) = def.text(field).filter(|text| !text.is_empty()) {
            return Url::parse(url).ok();
        }
    }
    let host = def.text("host")?;
    let secure = def.settings.get("secure").and_then(serde_json::Value::as_bool).unwrap_or(tls);
    let scheme = match (def.protocol.as_str(), secure) {
        ("websocket", true) => "wss",
        ("websocket", false) => "ws",
        (_, true) => "https",
        (_, false) => "http",
    };
    let host = if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host.to_owned() };
    let mut url = Url::parse(&format!("{scheme}://{host}/")).ok()?;
    if let Some(port) = def.settings.get("port").and_then(serde_json::Value::as_u64).and_then(|port| u16::try_from(port).ok()) {
        url.set_port(Some(port)).ok()?;
    }
    Some(url)
}

/// Program and folder. Answers whether the way goes on.
fn local_way(probes: &dyn Probes, command: &str, cwd: Option<&str>, findings: &mut Vec<Finding>) -> bool {
    if let Some(cwd) = cwd {
        if !probes.folder(cwd) {
            findings.push(Finding::ill(
                "folder",
                FaultKind::Config,
                Text::new(format!("there is no folder {cwd}"), format!("没有文件夹 {cwd}")),
                Text::new("correct `cwd`, or make the folder", "请更正 `cwd`，或创建该文件夹"),
            ));
            return false;
        }
        findings.push(Finding::well("folder", Text::same(cwd)));
    }
    match probes.program(command, cwd) {
        Program::Found(path) => {
            findings.push(Finding::well("path", Text::same(format!("{command}: {}", path.display()))));
            true
        }
        Program::NotRunnable(path) => {
            let path = path.display();
            findings.push(Finding::ill(
                "path",
                FaultKind::Config,
                Text::new(format!("{path} may not be run"), format!("{path} 没有执行权限")),
                Text::new(format!("chmod +x {path}"), format!("chmod +x {path}")),
            ));
            false
        }
        Program::Missing(places) => {
            let list = places.iter().map(|place| place.display().to_string()).collect::<Vec<_>>().join(":");
            let text = Text::new(format!("there is no program {command} in {list}"), format!("在 {list} 中找不到程序 {command}"));
            let hint = Text::new("install it, or give its whole path in `command`", "请安装它，或在 `command` 中写出完整路径");
            if command.contains('/') {
                findings.push(Finding::ill("path", FaultKind::Config, text, hint));
                return false;
            }
            // The PATH of the login shell is looked at when it is started, and may have it.
            findings.push(Finding::note("path", text, hint));
            true
        }
    }
}

/// Proxy, name, port, TLS. Answers whether the way goes on.
async fn network_way(probes: &dyn Probes, url: &Url, common: &Common, findings: &mut Vec<Finding>) -> bool {
    let proxy = match probes.proxy(url, common.proxy.as_ref()) {
        Ok(proxy) => proxy,
        Err(fault) => {
            findings.push(Finding::ill(
                "proxy",
                FaultKind::Config,
                fault.words(),
                Text::new("correct `proxy`, or the variables HTTPS_PROXY and NO_PROXY", "请更正 `proxy`，或变量 HTTPS_PROXY 和 NO_PROXY"),
            ));
            return false;
        }
    };
    // Behind a proxy it is the proxy that we reach; the rest is its business.
    let first = proxy.as_ref().unwrap_or(url);
    if let Some(proxy) = &proxy {
        let shown =
            format!("{}://{}:{}", proxy.scheme(), proxy.host_str().unwrap_or_default(), proxy.port_or_known_default().unwrap_or_default());
        findings.push(Finding::note(
            "proxy",
            Text::new(format!("{shown} stands between"), format!("中间经过代理 {shown}")),
            Text::new("set `proxy` to `none` if it should not", "如不需要，请将 `proxy` 设为 `none`"),
        ));
    }
    let Some(host) = first.host_str().map(|host| host.trim_matches(['[', ']']).to_owned()) else { return true };
    let port = first.port_or_known_default().unwrap_or(80);
    let named = tokio::time::timeout(PATIENCE, probes.resolve(&host, port)).await.unwrap_or_else(|_| Err("no answer within 10 s".into()));
    let addresses = match named {
        Ok(addresses) if !addresses.is_empty() => addresses,
        failed => {
            let reason = failed.err().unwrap_or_else(|| "no address".into());
            findings.push(Finding::ill(
                "dns",
                FaultKind::Unreachable,
                Text::new(format!("{host} has no address: {reason}"), format!("无法解析 {host}：{reason}")),
                Text::new(
                    "look at the spelling; inside a company network, look whether the VPN is up",
                    "请检查拼写；如在公司内网，请确认 VPN 已连接",
                ),
            ));
            return false;
        }
    };
    let list = addresses.iter().map(|address| address.ip().to_string()).collect::<Vec<_>>().join(", ");
    findings.push(Finding::well("dns", Text::same(format!("{host}: {list}"))));
    let mut reached = None;
    let mut reasons = Vec::new();
    for address in &addresses {
        match tokio::time::timeout(PATIENCE, probes.tcp(*address)).await.unwrap_or_else(|_| Err("no answer within 10 s".into())) {
            Ok(()) => {
                reached = Some(*address);
                break;
            }
            Err(reason) => reasons.push(format!("{address}: {reason}")),
        }
    }
    let Some(reached) = reached else {
        let reasons = reasons.join("; ");
        findings.push(Finding::ill(
            "tcp",
            FaultKind::Unreachable,
            Text::new(format!("port {port} cannot be reached: {reasons}"), format!("无法连接端口 {port}：{reasons}")),
            Text::new(
                "refused: nobody listens there, so start the server or correct the port. No answer: a firewall, or the wrong host",
                "被拒绝：没有程序在监听，请启动服务器或更正端口。没有应答：防火墙拦截或主机有误",
            ),
        ));
        return false;
    };
    findings.push(Finding::well("tcp", Text::same(reached.to_string())));
    if proxy.is_some() || !matches!(url.scheme(), "https" | "wss") {
        return true;
    }
    let settings = common.tls.clone().unwrap_or_default();
    match tokio::time::timeout(PATIENCE, probes.tls(reached, &host, &settings)).await {
        Ok(Ok(facts)) => {
            let alpn = facts.alpn.map_or_else(String::new, |alpn| format!(", {alpn}"));
            findings.push(Finding::well("tls", Text::same(format!("{}{alpn}", facts.version))));
            true
        }
        Ok(Err(fault)) => {
            findings.push(Finding::ill(
                "tls",
                fault.kind(),
                fault.words(),
                Text::new(
                    "a certificate of your own authority: name it in `tls.ca_file`. A name that does not fit: take the name that the certificate has",
                    "自有证书机构：请在 `tls.ca_file` 中指定。名称不符：请使用证书中的名称",
                ),
            ));
            false
        }
        Err(_) => {
            findings.push(Finding::ill(
                "tls",
                FaultKind::Timeout,
                Text::new("no answer within 10 s", "10 秒内没有应答"),
                Text::new("perhaps the port speaks no TLS: try http:// or ws://", "该端口可能不使用 TLS：请尝试 http:// 或 ws://"),
            ));
            false
        }
    }
}

/// The connection itself, not saved: era, credentials, tools.
async fn connection(app: &App, def: &ServerDef, by: &Actor, findings: &mut Vec<Finding>) -> Result<(), Fault> {
    let report = app.book.test(def.clone(), by).await?;
    if let Some(fault) = report.fault.as_ref().filter(|_| !report.ok) {
        let step = if fault.kind == FaultKind::Auth { "auth" } else { "connect" };
        findings.push(ill_of(step, fault));
        if let Some(stderr) = report.stderr.as_ref().filter(|text| !text.trim().is_empty()) {
            findings.push(Finding::note(
                "connect",
                Text::new(format!("the program said: {}", stderr.trim()), format!("程序输出：{}", stderr.trim())),
                Text::default(),
            ));
        }
        return Ok(());
    }
    let facts = report.facts.unwrap_or_default();
    let peer = format!("{} {}", facts.name, facts.version);
    findings.push(Finding::well("connect", Text::same(format!("{} ({:.0} ms)", peer.trim(), report.elapsed_ms))));
    let era = if facts.era.is_empty() { facts.revision.clone() } else { format!("{} ({})", facts.revision, facts.era) };
    findings.push(Finding::well("era", Text::same(era)));
    let count = report.tools.len();
    findings.push(Finding::well("tools", Text::new(format!("{count} tools"), format!("{count} 个工具"))));
    for rejected in report.rejected {
        findings.push(Finding::note(
            "tools",
            Text::new(
                format!("{} cannot be used: {}", rejected.name, rejected.reason),
                format!("{} 无法使用：{}", rejected.name, rejected.reason),
            ),
            Text::default(),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use domain::id::Millis;
    use domain::server::StartRule;
    use serde_json::json;

    use super::*;

    /// A world that behaves as its fields say.
    #[derive(Debug, Default)]
    struct World {
        names: Vec<&'static str>,
        open: Vec<u16>,
        tls_fails: bool,
        proxy: Option<&'static str>,
        programs: Vec<&'static str>,
    }

    #[async_trait]
    impl Probes for World {
        async fn machine(&self) -> Vec<Finding> {
            Vec::new()
        }

        fn proxy(&self, _: &Url, _: Option<&Secret>) -> Result<Option<Url>, ServerFault> {
            Ok(self.proxy.map(|proxy| Url::parse(proxy).unwrap()))
        }

        async fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, String> {
            if self.names.contains(&host) { Ok(vec![SocketAddr::from(([127, 0, 0, 1], port))]) } else { Err("unknown".into()) }
        }

        async fn tcp(&self, address: SocketAddr) -> Result<(), String> {
            if self.open.contains(&address.port()) { Ok(()) } else { Err("refused".into()) }
        }

        async fn tls(&self, _: SocketAddr, _: &str, _: &TlsSettings) -> Result<TlsFacts, ServerFault> {
            if self.tls_fails {
                return Err(ServerFault::TlsFailed { reason: "unknown issuer".into() });
            }
            Ok(TlsFacts { version: "TLSv1_3".into(), alpn: None })
        }

        fn program(&self, name: &str, _: Option<&str>) -> Program {
            if self.programs.contains(&name) { Program::Found(name.into()) } else { Program::Missing(vec!["/usr/bin".into()]) }
        }

        fn folder(&self, path: &str) -> bool {
            path == "/there"
        }
    }

    fn common() -> Common {
        Common::split(domain::JsonMap::new()).unwrap().0
    }

    async fn way(world: &World, url: &str) -> (bool, Vec<(&'static str, Outcome)>) {
        let mut findings = Vec::new();
        let passed = network_way(world, &Url::parse(url).unwrap(), &common(), &mut findings).await;
        (passed, findings.into_iter().map(|finding| (finding.step, finding.outcome)).collect())
    }

    #[tokio::test]
    async fn the_way_ends_at_the_step_that_fails() {
        let world = World { names: vec!["known"], open: vec![443], ..World::default() };
        assert_eq!(way(&world, "https://other/").await, (false, vec![("dns", Outcome::Ill)]));
        assert_eq!(way(&world, "http://known/").await, (false, vec![("dns", Outcome::Well), ("tcp", Outcome::Ill)]));
        let through = vec![("dns", Outcome::Well), ("tcp", Outcome::Well), ("tls", Outcome::Well)];
        assert_eq!(way(&world, "https://known/").await, (true, through));
        let world = World { tls_fails: true, ..world };
        let ends = vec![("dns", Outcome::Well), ("tcp", Outcome::Well), ("tls", Outcome::Ill)];
        assert_eq!(way(&world, "https://known/").await, (false, ends));
    }

    #[tokio::test]
    async fn behind_a_proxy_the_proxy_is_what_is_reached_and_its_password_is_not_shown() {
        let world = World { names: vec!["proxy"], open: vec![3128], proxy: Some("http://me:canary@proxy:3128"), ..World::default() };
        let mut findings = Vec::new();
        assert!(network_way(&world, &Url::parse("https://inside.example/").unwrap(), &common(), &mut findings).await);
        assert!(!format!("{findings:?}").contains("canary"));
        assert_eq!(findings[0].step, "proxy");
    }

    #[test]
    fn a_missing_program_or_folder_is_named_with_what_to_do() {
        let world = World { programs: vec!["python3"], ..World::default() };
        let mut findings = Vec::new();
        assert!(local_way(&world, "python3", Some("/there"), &mut findings));
        assert!(local_way(&world, "python8", None, &mut findings), "the login shell may know it");
        assert_eq!(findings.last().unwrap().outcome, Outcome::Note);
        assert!(!local_way(&world, "/opt/python9", None, &mut findings));
        assert!(!local_way(&world, "python3", Some("/gone"), &mut findings));
        let ill: Vec<_> = findings.iter().filter(|finding| finding.outcome == Outcome::Ill).collect();
        assert!(ill[0].what.en.contains("python9") && ill[0].what.en.contains("/usr/bin") && !ill[0].hint.is_empty());
        assert!(ill[1].what.en.contains("/gone"));
    }

    #[test]
    fn an_address_is_read_in_every_spelling() {
        let def = |protocol: &str, settings: domain::Json| ServerDef {
            id: "1".into(),
            name: "x".into(),
            protocol: protocol.into(),
            enabled: true,
            settings: settings.as_object().cloned().unwrap(),
            extra: domain::JsonMap::new(),
            start: StartRule::default(),
            origin: String::new(),
            updated_at: Millis(0),
        };
        for (protocol, settings, tls, expected) in [
            ("websocket", json!({ "host": "h", "port": 8766, "path": "/" }), false, Some("ws://h:8766/")),
            ("websocket", json!({ "host": "h", "port": 8766 }), true, Some("wss://h:8766/")),
            ("http", json!({ "base_url": "http://h:1/base" }), false, Some("http://h:1/base")),
            ("sse", json!({ "host": "::1", "port": 9 }), false, Some("http://[::1]:9/")),
            ("stream_http", json!({ "url": "https://h/mcp" }), false, Some("https://h/mcp")),
            ("stream_http", json!({ "host": "h", "secure": true }), false, Some("https://h/")),
            ("local", json!({}), false, None),
        ] {
            let found = address(&def(protocol, settings.clone()), tls);
            assert_eq!(found.as_ref().map(Url::as_str), expected, "{protocol} {settings}");
        }
    }
}
