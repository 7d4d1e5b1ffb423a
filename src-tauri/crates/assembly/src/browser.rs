//! The person's browser.
//!
//! **Invariant:** this is the one place that starts a program that is not a tool server, and it starts only the system's opener with one
//! argument that is a checked URL; no shell is in between.

use std::process::Stdio;
use std::time::Duration;

use async_trait::async_trait;
use domain::fault::{Fault, FaultKind};
use domain::ports::Opener;
use domain::text::Text;
use url::{Host, Url};

/// Opens pages with what the system has for it.
#[derive(Debug, Clone)]
pub struct Browser {
    argv: Vec<String>,
}

impl Default for Browser {
    fn default() -> Self {
        let argv: &[&str] = if cfg!(windows) {
            &["rundll32.exe", "url.dll,FileProtocolHandler"]
        } else if cfg!(target_os = "macos") {
            &["/usr/bin/open"]
        } else {
            &["xdg-open"]
        };
        Self { argv: argv.iter().map(|&word| word.to_owned()).collect() }
    }
}

/// An opener that is still running after this has found a browser.
const PATIENCE: Duration = Duration::from_secs(2);

#[async_trait]
impl Opener for Browser {
    async fn open(&self, url: &Url) -> Result<(), Fault> {
        let page = page(url)?;
        let Some((program, args)) = self.argv.split_first() else { return Err(no_opener("", page, "none is known")) };
        #[expect(clippy::disallowed_methods, reason = "the one audited place for the system's opener")]
        let mut command = tokio::process::Command::new(program);
        command.args(args).arg(page).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        // Ctrl-C in the terminal is meant for us, not for the browser.
        #[cfg(unix)]
        command.process_group(0);
        let mut child = command.spawn().map_err(|fault| no_opener(program, page, &fault.to_string()))?;
        match tokio::time::timeout(PATIENCE, child.wait()).await {
            Ok(Ok(status)) if !status.success() => Err(no_opener(program, page, &status.to_string())),
            _ => Ok(()),
        }
    }
}

/// The text of a page that may be opened: https anywhere, http on this machine, no user or password in it.
fn page(url: &Url) -> Result<&str, Fault> {
    let host_is_here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    let scheme_fits = match url.scheme() {
        "https" => url.has_host(),
        "http" => host_is_here,
        _ => false,
    };
    if !scheme_fits {
        return Err(refused(url, "only https pages are opened", "只打开 https 页面"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refused(url, "it carries a user or a password", "其中带有用户名或密码"));
    }
    Ok(url.as_str())
}

fn refused(url: &Url, why: &str, why_zh: &str) -> Fault {
    let shown = format!("{}://{}", url.scheme(), url.host_str().unwrap_or(""));
    Fault::new(
        FaultKind::Denied,
        "page_refused",
        Text::new(format!("the page {shown} is not opened: {why}"), format!("未打开页面 {shown}：{why_zh}")),
        Text::new("The server that asked for it should give an https address.", "请求打开它的服务器应提供 https 地址。"),
    )
    .with_params(serde_json::json!({ "page": shown }))
}

fn no_opener(program: &str, page: &str, why: &str) -> Fault {
    Fault::new(
        FaultKind::Config,
        "no_browser",
        Text::new(format!("the browser could not be opened by {program}: {why}"), format!("无法通过 {program} 打开浏览器：{why}")),
        Text::new(format!("Open this page by hand: {page}"), format!("请手动打开此页面：{page}")),
    )
    .with_params(serde_json::json!({ "program": program, "page": page }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_https_and_this_machine_are_pages() {
        for (url, fits) in [
            ("https://example.org/a?b=c#d", true),
            ("https://xn--fsq.example/", true),
            ("http://127.0.0.1:8080/callback", true),
            ("http://127.9.9.9/", true),
            ("http://[::1]:9/", true),
            ("http://localhost/", true),
            ("https://a.b/$(calc)", true),
            ("https://a.b/`x`;rm -rf", true),
            ("http://example.org/", false),
            ("http://localhost.evil.test/", false),
            ("http://127.0.0.1.evil.test/", false),
            ("http://0.0.0.0/", false),
            ("https://user@example.org/", false),
            ("https://user:pw@example.org/", false),
            ("javascript:alert(1)", false),
            ("data:text/html,x", false),
            ("file:///etc/passwd", false),
            ("smb://host/share", false),
            ("vbscript:x", false),
            ("ms-settings:x", false),
            ("ftp://example.org/", false),
            ("mailto:a@b.c", false),
        ] {
            let url = Url::parse(url).unwrap();
            let opened = page(&url);
            assert_eq!(opened.is_ok(), fits, "{url}");
            if let Ok(page) = opened {
                assert!(page.starts_with("http") && !page.contains([' ', '\n', '\r', '"', '\0']), "{page}: one harmless word");
            }
        }
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn the_opener_gets_the_page_as_one_argument_and_its_failure_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("out");
        let prints =
            Browser { argv: vec!["/bin/sh".into(), "-c".into(), format!("printf '%s|' \"$@\" > '{}'", out.display()), "sh".into()] };
        let url = Url::parse("https://a.b/$(touch x)?q='\"&r=1").unwrap();
        prints.open(&url).await.unwrap();
        assert_eq!(std::fs::read_to_string(&out).unwrap(), format!("{url}|"));
        let fault = Browser { argv: vec!["/nonexistent/opener".into()] }.open(&url).await.unwrap_err();
        assert_eq!(fault.code, "no_browser");
        assert!(fault.hint.en.contains("https://a.b/"));
        let fault = Browser { argv: vec!["/bin/false".into()] }.open(&url).await.unwrap_err();
        assert_eq!(fault.code, "no_browser");
        let fault = prints.open(&Url::parse("file:///etc/passwd").unwrap()).await.unwrap_err();
        assert_eq!(fault.code, "page_refused");
    }
}
