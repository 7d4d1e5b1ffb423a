//! The one place where a text becomes an address: what is refused, what is shown, what may be opened.
//!
//! **Invariant:** an address with a user or password in it never gets past here, and `SafeUrl` shows no query value.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use domain::fault::ServerFault;
use url::{Host, Url};

/// Longest address that is taken.
const LONGEST: usize = 8 * 1024;

/// Which addresses a client may connect to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AddressRule {
    /// Any: the person typed the address.
    #[default]
    Any,
    /// Only addresses of the public internet: the address came from a server. Names are resolved once and the connection goes to the
    /// addresses that were checked, so that a second answer of the name server changes nothing.
    PublicOnly,
}

/// An address for people: credentials and query values are left out.
#[derive(Clone, Copy)]
pub struct SafeUrl<'u>(pub &'u Url);

impl fmt::Display for SafeUrl<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(url) = *self;
        write!(f, "{}://", url.scheme())?;
        if let Some(host) = url.host() {
            write!(f, "{host}")?;
        }
        if let Some(port) = url.port() {
            write!(f, ":{port}")?;
        }
        f.write_str(url.path())?;
        for (nth, (key, _)) in url.query_pairs().enumerate() {
            let key: String = key.chars().filter(|c| !c.is_control()).take(40).collect();
            write!(f, "{}{key}=…", if nth == 0 { '?' } else { '&' })?;
        }
        Ok(())
    }
}

impl fmt::Debug for SafeUrl<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Reads an `http` or `https` address out of a setting.
pub fn http_url(field: &str, text: &str) -> Result<Url, ServerFault> {
    parsed(text, &["http", "https"]).map_err(|reason| ServerFault::Settings { field: field.to_owned(), reason })
}

/// Reads a `ws` or `wss` address out of a setting; `http` and `https` count as their WebSocket forms.
pub fn ws_url(field: &str, text: &str) -> Result<Url, ServerFault> {
    let text = match text.split_once("://") {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => format!("ws://{rest}"),
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => format!("wss://{rest}"),
        _ => text.to_owned(),
    };
    parsed(&text, &["ws", "wss"]).map_err(|reason| ServerFault::Settings { field: field.to_owned(), reason })
}

fn parsed(text: &str, schemes: &[&str]) -> Result<Url, String> {
    if text.len() > LONGEST {
        return Err(format!("the address is longer than {LONGEST} bytes"));
    }
    // The parser would drop tabs and line ends silently and read a backslash as a slash: what is shown would not be what is called.
    if text.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\') {
        return Err("the address holds a space, a backslash or a control character".to_owned());
    }
    let url = Url::parse(text).map_err(|fault| format!("not an address: {fault}"))?;
    if !schemes.contains(&url.scheme()) {
        return Err(format!("the scheme {} is not one of {}", url.scheme(), schemes.join(", ")));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("the address holds a user or a password; use auth_type and its fields".to_owned());
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err("the address names no host".to_owned());
    }
    Ok(url)
}

/// Builds an address out of `host`, `port` and `path` settings, as the predecessor's files have them.
pub fn placed(scheme: &str, host: &str, port: Option<u16>, path: &str) -> Result<Url, ServerFault> {
    let refuse = |field: &str, reason: String| ServerFault::Settings { field: field.to_owned(), reason };
    let bare_v6 = host.parse::<Ipv6Addr>().is_ok();
    if host.is_empty()
        || (!bare_v6 && host.contains(['/', '@', '?', '#', '%']))
        || (!bare_v6 && !host.starts_with('[') && host.contains(':'))
    {
        return Err(refuse("host", "must be a host name or an IP address".to_owned()));
    }
    let host = if bare_v6 { format!("[{host}]") } else { host.to_owned() };
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    let slash = if path.starts_with('/') { "" } else { "/" };
    parsed(&format!("{scheme}://{host}{port}/"), &[scheme]).map_err(|reason| refuse("host", reason))?;
    parsed(&format!("{scheme}://{host}{port}{slash}{path}"), &[scheme]).map_err(|reason| refuse("path", reason))
}

/// The address with further path segments, each percent-encoded as one, its own path and query kept.
///
/// `.` and `..` cannot be segments, not even encoded: every parser on the way would resolve them. Those are refused.
pub fn below(base: &Url, segments: &[&str]) -> Option<Url> {
    const KEPT: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'.')
        .remove(b'_')
        .remove(b'~')
        .remove(b'!')
        .remove(b'$')
        .remove(b'@')
        .remove(b':')
        .remove(b',');
    let mut path = base.path().trim_end_matches('/').to_owned();
    for segment in segments {
        if segment.is_empty() || matches!(*segment, "." | "..") {
            return None;
        }
        path.push('/');
        path.extend(percent_encoding::utf8_percent_encode(segment, KEPT));
    }
    let mut url = base.clone();
    url.set_path(&path);
    url.set_fragment(None);
    Some(url)
}

/// Whether both addresses have the same scheme, host and port.
pub fn same_origin(one: &Url, other: &Url) -> bool {
    one.origin().is_tuple() && one.origin() == other.origin()
}

/// Whether the address is this machine: never proxied, and allowed without TLS where others are not.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback() || ip.to_ipv4_mapped().is_some_and(|ip| ip.is_loopback()),
        Some(Host::Domain(name)) => {
            let name = name.strip_suffix('.').unwrap_or(name);
            name == "localhost" || name.ends_with(".localhost")
        }
        None => false,
    }
}

/// Whether an IP address is one of the public internet.
pub fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => public_v4(ip),
        IpAddr::V6(ip) => public_v6(ip),
    }
}

fn public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let reserved = match (a, b) {
        (0 | 10 | 127, _) | (169, 254) | (172, 16..=31) | (192, 168) | (198, 18 | 19) | (100, 64..=127) => true,
        (192, 0) => c == 0 || c == 2,
        (198, 51) => c == 100,
        (203, 0) => c == 113,
        _ => a >= 224,
    };
    !reserved
}

fn public_v6(ip: Ipv6Addr) -> bool {
    if let Some(inner) = embedded_v4(ip) {
        return public_v4(inner);
    }
    let [first, second, ..] = ip.segments();
    // Only 2000::/3 is handed out; 2001:db8::/32 is for documents, 2001::/32 (Teredo) hides an IPv4 address.
    (first & 0xe000) == 0x2000 && !(first == 0x2001 && (second == 0x0db8 || second == 0))
}

/// The IPv4 address inside a mapped, NAT64 or 6to4 address.
fn embedded_v4(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let halves = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match ip.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => Some(halves(high, low)),
        _ => ip.to_ipv4_mapped(),
    }
}

/// What may be handed to the system's opener: `https`, or `http` to this machine, as one argument. Everything else is refused, also
/// characters that some shell between the opener and the browser could take for its own.
pub fn openable(text: &str) -> Result<Url, ServerFault> {
    let refuse =
        |reason: String| ServerFault::AddressRefused { address: text.chars().filter(|c| !c.is_control()).take(120).collect(), reason };
    let url = parsed(text, &["http", "https"]).map_err(&refuse)?;
    if url.scheme() == "http" && !is_loopback(&url) {
        return Err(refuse("only https is opened, or http on this machine".to_owned()));
    }
    let risky =
        |text: &str| text.contains(['`', '"', '<', '>', '|', '^', '{', '}', '\'', ';']) || text.contains("$(") || text.contains("%0");
    if risky(text) || risky(url.as_str()) {
        return Err(refuse("the address holds characters that a shell could take for its own".to_owned()));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_https_and_local_http_are_opened() {
        for good in
            ["https://a.b/c?d=e&f=g#h", "http://127.0.0.1:8080/callback", "http://localhost/", "https://bücher.example/", "http://[::1]:9/"]
        {
            assert!(openable(good).is_ok(), "{good} is a plain page");
        }
        for bad in [
            "javascript:alert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
            "smb://host/share",
            "vbscript:x",
            "https://a.b/$(calc)",
            "https://a.b/`id`",
            "https://a.b/\";calc;\"",
            "--flag",
            "-https://a.b",
            "https://a.b/\r\nX: y",
            "https://a.b/%0d%0aX",
            r"\\host\share",
            r"https:\\a.b",
            "https://user:pw@a.b/",
            "http://a.b/",
            "http://localhost.evil.test/",
            "https://",
            "https://a.b/ --flag",
            "ms-settings:network",
            "intent://x",
            "",
        ] {
            assert!(matches!(openable(bad), Err(ServerFault::AddressRefused { .. })), "{bad} must not be opened");
        }
        assert!(openable(&format!("https://a.b/{}", "x".repeat(64 * 1024))).is_err(), "64 KiB is no address");
        assert_eq!(openable("https://xn--80ak6aa92e.com/").unwrap().host_str(), Some("xn--80ak6aa92e.com"), "IDN stays punycode");
        assert_eq!(openable("https://аррӏе.com/").unwrap().host_str(), Some("xn--80ak6aa92e.com"), "a look-alike is shown as punycode");
    }

    #[test]
    fn disguised_addresses_are_what_they_are() {
        for (text, host, local) in [
            ("http://0x7f.1/", "127.0.0.1", true),
            ("http://127.1/", "127.0.0.1", true),
            ("http://2130706433/", "127.0.0.1", true),
            ("http://[::ffff:127.0.0.1]/", "[::ffff:7f00:1]", true),
            ("http://LOCALHOST./", "localhost.", true),
            ("http://localhost.evil.test/", "localhost.evil.test", false),
            ("http://a.b./", "a.b.", false),
        ] {
            let url = http_url("url", text).unwrap();
            assert_eq!(url.host_str(), Some(host), "{text}");
            assert_eq!(is_loopback(&url), local, "{text}");
        }
    }

    #[test]
    fn what_is_shown_holds_neither_credentials_nor_query_values() {
        let url = Url::parse("https://user:pw@h.example:8443/p?token=abc&x=1#frag").unwrap();
        assert_eq!(SafeUrl(&url).to_string(), "https://h.example:8443/p?token=…&x=…");
        assert_eq!(format!("{:?}", SafeUrl(&url)), "https://h.example:8443/p?token=…&x=…");
        let fault = http_url("base_url", "https://user:hunter2@h.example/").unwrap_err();
        assert!(!fault.to_string().contains("hunter2"), "the refusal does not repeat the password");
    }

    #[test]
    fn websocket_addresses_may_be_written_as_http() {
        assert_eq!(ws_url("url", "https://h/x").unwrap().as_str(), "wss://h/x");
        assert_eq!(ws_url("url", "HTTP://h/x").unwrap().as_str(), "ws://h/x");
        assert!(ws_url("url", "ftp://h/x").is_err());
    }

    #[test]
    fn private_and_embedded_addresses_are_not_public() {
        for text in [
            "10.0.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.31.0.1",
            "192.168.1.1",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "fd00::1",
            "fe80::1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "2002:7f00:1::",
            "2001:db8::1",
            "2001::1",
            "::",
        ] {
            assert!(!is_public(text.parse().unwrap()), "{text} is not public");
        }
        for text in ["1.1.1.1", "172.32.0.1", "192.0.1.1", "2606:4700::1111", "64:ff9b::101:101"] {
            assert!(is_public(text.parse().unwrap()), "{text} is public");
        }
    }

    #[test]
    fn host_port_and_path_make_an_address_and_nothing_else_does() {
        for (host, port, path, expected) in [
            ("localhost", Some(8766), "/events", "http://localhost:8766/events"),
            ("::1", None, "", "http://[::1]/"),
            ("[::1]", Some(80), "x?y=1", "http://[::1]/x?y=1"),
            ("bücher.example", None, "/", "http://xn--bcher-kva.example/"),
        ] {
            assert_eq!(placed("http", host, port, path).unwrap().as_str(), expected);
        }
        for (host, path, field) in [
            ("a/b", "/", "host"),
            ("u@h", "/", "host"),
            ("h:80", "/", "host"),
            ("", "/", "host"),
            ("h h", "/", "host"),
            ("h", "/a b", "path"),
        ] {
            assert!(
                matches!(placed("http", host, None, path), Err(ServerFault::Settings { field: found, .. }) if found == field),
                "{host} {path}"
            );
        }
    }

    #[test]
    fn a_segment_stays_one_segment() {
        let base = Url::parse("https://h/base/?key=1").unwrap();
        for (segment, expected) in [
            ("k8s-get-pods", "https://h/base/tools/k8s-get-pods/call?key=1"),
            ("a/b", "https://h/base/tools/a%2Fb/call?key=1"),
            ("../admin", "https://h/base/tools/..%2Fadmin/call?key=1"),
            ("%2e%2e", "https://h/base/tools/%252e%252e/call?key=1"),
            ("a?b#c", "https://h/base/tools/a%3Fb%23c/call?key=1"),
            ("读", "https://h/base/tools/%E8%AF%BB/call?key=1"),
            ("a\r\nb", "https://h/base/tools/a%0D%0Ab/call?key=1"),
        ] {
            assert_eq!(below(&base, &["tools", segment, "call"]).unwrap().as_str(), expected);
        }
        for bad in ["", ".", ".."] {
            assert_eq!(below(&base, &["tools", bad, "call"]), None, "{bad:?}");
        }
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        let url = |text: &str| Url::parse(text).unwrap();
        assert!(same_origin(&url("http://h:80/a"), &url("http://h/b")));
        for other in ["https://h/", "http://h:81/", "http://h2/", "file:///h"] {
            assert!(!same_origin(&url("http://h/"), &url(other)), "{other}");
        }
    }
}
