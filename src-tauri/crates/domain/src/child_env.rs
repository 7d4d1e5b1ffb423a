//! The variables of ours that every program we start is given when they are set. Everything else has to be declared for it.

/// Where a way out leads through a proxy, in both spellings.
pub const PROXIES: [&str; 8] = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy"];

/// What no program does without: where programs are, whose home it is, which language, which time zone, which certificates.
pub const PLAIN: [&str; 9] = ["PATH", "HOME", "USER", "LOGNAME", "LANG", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR"];

/// Whether every program is given this variable.
pub fn is_plain(name: &str) -> bool {
    PLAIN.contains(&name) || PROXIES.contains(&name) || name.starts_with("LC_")
}

#[cfg(test)]
mod tests {
    use super::is_plain;

    #[test]
    fn what_holds_secrets_is_not_among_them() {
        for name in ["PATH", "LC_TIME", "https_proxy", "NO_PROXY"] {
            assert!(is_plain(name), "{name}");
        }
        for name in ["AWS_SECRET_ACCESS_KEY", "KUBECONFIG", "LD_PRELOAD", "SSH_AUTH_SOCK", "Path", "", "XLC_ALL"] {
            assert!(!is_plain(name), "{name}");
        }
    }
}
