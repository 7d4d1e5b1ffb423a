//! Which proxy stands between us and an API server, by the rules of kubectl: what the cluster's definition names counts always; what the
//! environment names counts unless `NO_PROXY` excepts the host, and never for this machine.

use std::collections::BTreeMap;
use std::net::IpAddr;

use domain::fault::Fault;
use domain::secret::Secret;
use net::{Proxies, ProxyChoice};
use url::{Host, Url};

use crate::fault::unusable;
use domain::cluster::ClusterDef;

/// The proxy's URL, with its credentials.
pub(crate) fn proxy(
    cluster: &ClusterDef,
    server: &Url,
    credentials: Option<&Secret>,
    env: &BTreeMap<String, String>,
) -> Result<Option<Url>, Fault> {
    if let Some(named) = &cluster.proxy {
        let mut url = Url::parse(&named.url).map_err(|_| unusable(cluster, "cluster_proxy", "its proxy is no URL", "其代理不是 URL"))?;
        if let Some(credentials) = credentials {
            let (user, password) = credentials.expose().split_once(':').unwrap_or((credentials.expose(), ""));
            let set = url.set_username(user).and_then(|()| url.set_password(Some(password)));
            set.map_err(|()| unusable(cluster, "cluster_proxy", "its proxy takes no user", "其代理不支持用户名"))?;
        }
        return Ok(Some(url));
    }
    let value = |names: [&str; 2]| names.into_iter().find_map(|name| env.get(name)).filter(|value| !value.is_empty()).cloned();
    if value(["NO_PROXY", "no_proxy"]).is_some_and(|list| excepts(&list, server)) {
        return Ok(None);
    }
    let all = value(["ALL_PROXY", "all_proxy"]);
    let https = value(["HTTPS_PROXY", "https_proxy"]).or_else(|| all.clone());
    let http = value(["HTTP_PROXY", "http_proxy"]).or(all);
    if https.is_none() && http.is_none() {
        // What the system's own settings say, where it has any.
        return Ok(if cfg!(target_os = "linux") {
            None
        } else {
            Proxies::of(&ProxyChoice::System).ok().and_then(|all| all.for_url(server))
        });
    }
    Ok(Proxies::of_values(&http.unwrap_or_default(), &https.unwrap_or_default(), "").for_url(server))
}

/// Whether a `NO_PROXY` list excepts an address, read as Go reads it.
pub(crate) fn excepts(list: &str, url: &Url) -> bool {
    let Some(host) = url.host() else { return false };
    let port = url.port_or_known_default().unwrap_or_default();
    let (name, ip) = match host {
        Host::Domain(name) => (name.trim_end_matches('.').to_ascii_lowercase(), None),
        Host::Ipv4(ip) => (String::new(), Some(IpAddr::V4(ip))),
        Host::Ipv6(ip) => (String::new(), Some(IpAddr::V6(ip))),
    };
    list.split(',').map(|entry| entry.trim().to_ascii_lowercase()).filter(|entry| !entry.is_empty()).any(|entry| {
        if entry == "*" {
            return true;
        }
        if let Some((network, bits)) = entry.split_once('/') {
            return ip.is_some_and(|ip| within(ip, network, bits));
        }
        let (wanted, only_port) = split_port(&entry);
        if only_port.is_some_and(|only| only != port) {
            return false;
        }
        if let Ok(wanted) = wanted.parse::<IpAddr>() {
            return ip == Some(wanted);
        }
        if ip.is_some() || wanted.is_empty() {
            return false;
        }
        let wanted = wanted.strip_prefix('*').unwrap_or(wanted);
        match wanted.strip_prefix('.') {
            Some(_) => name.ends_with(wanted),
            None => name == wanted || name.strip_suffix(wanted).is_some_and(|rest| rest.ends_with('.')),
        }
    })
}

/// A host and its port, if it names one: `a:1`, `[::1]:1`, `::1`.
fn split_port(entry: &str) -> (&str, Option<u16>) {
    if let Some((host, rest)) = entry.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return (host, rest.strip_prefix(':').and_then(|port| port.parse().ok()));
    }
    match entry.split_once(':') {
        Some((host, port)) if !port.contains(':') => match port.parse() {
            Ok(port) => (host, Some(port)),
            Err(_) => (entry, None),
        },
        _ => (entry, None),
    }
}

fn within(ip: IpAddr, network: &str, bits: &str) -> bool {
    let (Ok(network), Ok(bits)) = (network.parse::<IpAddr>(), bits.parse::<u32>()) else { return false };
    let number = |ip: IpAddr| match ip {
        IpAddr::V4(ip) => (u128::from(u32::from(ip)), 32),
        IpAddr::V6(ip) => (u128::from(ip), 128),
    };
    let ((ip, width), (network, other)) = (number(ip), number(network));
    width == other && bits <= width && (bits == 0 || (ip ^ network) >> (width - bits) == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b16_no_proxy_is_read_as_go_reads_it() {
        for (list, url, expected) in [
            ("api.example", "https://api.example:6443", true),
            ("api.example", "https://v1.api.example", true),
            ("api.example", "https://notapi.example", false),
            (".example", "https://api.example", true),
            (".example", "https://example", false),
            ("*.example", "https://api.example", true),
            ("*.example", "https://example", false),
            ("API.Example", "https://api.EXAMPLE.", true),
            ("10.0.0.0/8", "https://10.2.3.4:6443", true),
            ("10.0.0.0/8", "https://11.2.3.4:6443", false),
            ("0.0.0.0/0", "https://11.2.3.4", true),
            ("10.0.0.0/33", "https://10.2.3.4", false),
            ("10.2.3.4", "https://10.2.3.4", true),
            ("10.2.3.4:443", "https://10.2.3.4", true),
            ("10.2.3.4:6443", "https://10.2.3.4", false),
            ("api.example:6443", "https://api.example:6443", true),
            ("api.example:6443", "https://api.example", false),
            ("fd00::/8", "https://[fd12::1]:6443", true),
            ("fd00::/8", "https://[fe80::1]", false),
            ("::1", "https://[::1]", true),
            ("[fd12::1]:6443", "https://[fd12::1]:6443", true),
            ("[fd12::1]:1", "https://[fd12::1]:6443", false),
            ("*", "https://anything.example", true),
            (" a.example , b.example ", "https://b.example", true),
            ("", "https://api.example", false),
            (",,", "https://api.example", false),
            ("10.0.0.0/8", "https://10.example", false),
        ] {
            assert_eq!(excepts(list, &Url::parse(url).unwrap()), expected, "NO_PROXY={list} {url}");
        }
    }
}
