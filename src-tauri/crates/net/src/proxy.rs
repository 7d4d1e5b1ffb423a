//! Which proxy stands between us and an address.
//!
//! **Invariant:** this machine itself is never reached through a proxy, and a proxy's password is never shown.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::fault::ServerFault;
use domain::secret::Secret;
use hyper_util::client::proxy::matcher::Matcher;
use url::Url;

use crate::address::{SafeUrl, is_loopback};

/// The `proxy` setting.
#[derive(Debug, Clone, Default)]
pub enum ProxyChoice {
    /// What the environment (`HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`) or the system says.
    #[default]
    System,
    /// None.
    None,
    /// This one, whatever `NO_PROXY` says: somebody wrote it down for this very server.
    Url(Secret),
}

impl ProxyChoice {
    /// Reads the setting: `system` (or nothing), `none`, or the URL of an `http`, `https`, `socks5` or `socks5h` proxy.
    pub fn parse(setting: Option<&Secret>) -> Result<Self, ServerFault> {
        let Some(secret) = setting else { return Ok(Self::System) };
        match secret.expose().trim() {
            "" | "system" => Ok(Self::System),
            "none" => Ok(Self::None),
            text => {
                proxy_url(text)?;
                Ok(Self::Url(Secret::new(text)))
            }
        }
    }
}

fn proxy_url(text: &str) -> Result<Url, ServerFault> {
    let refuse = |reason: &str| ServerFault::Settings { field: "proxy".into(), reason: reason.to_owned() };
    // The parser's own message is left out: it may repeat a piece of the text, and the text may hold a password.
    let url = Url::parse(text).map_err(|_| refuse("must be `system`, `none` or the URL of a proxy, such as http://proxy.example:3128"))?;
    if !matches!(url.scheme(), "http" | "https" | "socks5" | "socks5h") {
        return Err(refuse("must be an http, https, socks5 or socks5h URL"));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(refuse("names no host"));
    }
    Ok(url)
}

/// Answers which proxy an address goes through.
pub struct Proxies(Rule);

enum Rule {
    Direct,
    Fixed(Box<Url>),
    Matched(Box<Matcher>),
}

impl Proxies {
    /// Reads the environment and the system now, when the choice is `system`.
    pub fn of(choice: &ProxyChoice) -> Result<Self, ServerFault> {
        Ok(Self(match choice {
            ProxyChoice::System => Rule::Matched(Box::new(Matcher::from_system())),
            ProxyChoice::None => Rule::Direct,
            ProxyChoice::Url(secret) => Rule::Fixed(Box::new(proxy_url(secret.expose())?)),
        }))
    }

    /// As if the environment said this.
    pub fn of_values(http: &str, https: &str, no: &str) -> Self {
        Self(Rule::Matched(Box::new(Matcher::builder().http(http.to_owned()).https(https.to_owned()).no(no.to_owned()).build())))
    }

    /// The proxy for an address, with its credentials; none for this machine.
    pub fn for_url(&self, url: &Url) -> Option<Url> {
        if is_loopback(url) {
            return None;
        }
        match &self.0 {
            Rule::Direct => None,
            Rule::Fixed(proxy) => Some((**proxy).clone()),
            Rule::Matched(matcher) => {
                let scheme = if matches!(url.scheme(), "https" | "wss") { "https" } else { "http" };
                let uri: http::Uri = format!("{scheme}://{}:{}/", url.host_str()?, url.port_or_known_default()?).parse().ok()?;
                let found = matcher.intercept(&uri)?;
                let mut proxy = Url::parse(&found.uri().to_string()).ok()?;
                let plain = match (found.raw_auth(), found.basic_auth()) {
                    (Some((user, password)), _) => Some((user.to_owned(), password.to_owned())),
                    (None, Some(header)) => basic(header.as_bytes()),
                    (None, None) => None,
                };
                if let Some((user, password)) = plain {
                    proxy.set_username(&user).ok()?;
                    proxy.set_password(Some(&password)).ok()?;
                }
                Some(proxy)
            }
        }
    }
}

fn basic(header: &[u8]) -> Option<(String, String)> {
    let text = String::from_utf8(STANDARD.decode(header.strip_prefix(b"Basic ")?).ok()?).ok()?;
    let (user, password) = text.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Rule::Direct => f.write_str("no proxy"),
            Rule::Fixed(proxy) => write!(f, "proxy {}", SafeUrl(proxy)),
            Rule::Matched(_) => f.write_str("the system's proxies"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn via(proxies: &Proxies, url: &str) -> Option<String> {
        proxies.for_url(&Url::parse(url).unwrap()).map(|proxy| proxy.to_string())
    }

    #[test]
    fn this_machine_is_never_reached_through_a_proxy() {
        let fixed = Proxies::of(&ProxyChoice::parse(Some(&Secret::new("http://p.example:3128"))).unwrap()).unwrap();
        let system = Proxies::of_values("http://p.example:3128", "http://p.example:3128", "");
        for proxies in [fixed, system] {
            for local in ["http://127.0.0.1:1/", "https://localhost/", "ws://[::1]:2/", "http://a.localhost/", "http://127.1/"] {
                assert_eq!(via(&proxies, local), None, "{local}");
            }
            assert_eq!(via(&proxies, "https://h.example/").as_deref(), Some("http://p.example:3128/"));
        }
    }

    #[test]
    fn no_proxy_is_honoured_in_its_usual_forms() {
        let proxies = Proxies::of_values("http://p.example:3128", "http://p.example:3128", ".corp.example,10.0.0.0/8,exact.test");
        for direct in ["https://a.corp.example/", "wss://a.corp.example/", "http://10.2.3.4/", "http://exact.test/"] {
            assert_eq!(via(&proxies, direct), None, "{direct}");
        }
        for proxied in ["https://corp.example.org/", "http://11.0.0.1/", "wss://h.example/"] {
            assert!(via(&proxies, proxied).is_some(), "{proxied}");
        }
        assert_eq!(via(&Proxies::of_values("http://p.example:3128", "http://p.example:3128", "*"), "http://h.example/"), None);
    }

    #[test]
    fn a_proxys_password_is_passed_on_and_never_shown() {
        let choice = ProxyChoice::parse(Some(&Secret::new("http://u:hunter2@p.example:3128"))).unwrap();
        let proxies = Proxies::of(&choice).unwrap();
        assert_eq!(via(&proxies, "http://h.example/").as_deref(), Some("http://u:hunter2@p.example:3128/"));
        assert!(!format!("{choice:?} {proxies:?}").contains("hunter2"));
        let system = Proxies::of_values("http://u:hunter2@p.example:3128", "socks5h://v:s3cret@p.example:1080", "");
        assert_eq!(via(&system, "http://h.example/").as_deref(), Some("http://u:hunter2@p.example:3128/"));
        assert_eq!(via(&system, "https://h.example/").as_deref(), Some("socks5h://v:s3cret@p.example:1080/"));
        let refused = ProxyChoice::parse(Some(&Secret::new("ftp://u:hunter2@p.example"))).unwrap_err();
        assert!(!refused.to_string().contains("hunter2"), "{refused}");
    }

    #[test]
    fn the_setting_is_a_word_or_a_url() {
        for (text, expected) in [("", "System"), ("system", "System"), ("none", "None")] {
            assert_eq!(format!("{:?}", ProxyChoice::parse(Some(&Secret::new(text))).unwrap()), expected);
        }
        for bad in ["yes", "p.example:3128", "file:///x", "http://"] {
            assert!(
                matches!(ProxyChoice::parse(Some(&Secret::new(bad))), Err(ServerFault::Settings { field, .. }) if field == "proxy"),
                "{bad}"
            );
        }
    }
}
