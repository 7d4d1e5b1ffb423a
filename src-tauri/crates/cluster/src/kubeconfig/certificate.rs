//! Certificates, keys and tokens: whether they are what they claim to be, whether they belong together, and when they end.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use domain::id::Millis;
use domain::kubeconfig::Refusal;
use domain::tool::hex;
use rustls::crypto::ring::sign::any_supported_type;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest, Sha256};
use x509_parser::prelude::{FromDer as _, X509Certificate, X509Version};
use zeroize::Zeroizing;

/// What base64 of a kubeconfig stands for; lines and padding are not minded.
pub(super) fn decoded(data: &str) -> Option<Zeroizing<Vec<u8>>> {
    let dense: Zeroizing<String> = Zeroizing::new(data.chars().filter(|c| !c.is_ascii_whitespace()).collect());
    let bytes = STANDARD.decode(dense.as_bytes()).or_else(|_| STANDARD_NO_PAD.decode(dense.trim_end_matches('='))).ok()?;
    Some(Zeroizing::new(bytes))
}

fn certificates(pem: &[u8]) -> Option<Vec<CertificateDer<'static>>> {
    let all: Vec<_> = CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().ok()?;
    (!all.is_empty()).then_some(all)
}

/// The authorities in base64 of PEM: the PEM text, and the SHA-256 of each certificate.
pub(super) fn authorities(data: &str) -> Result<(String, Vec<String>), Refusal> {
    let refuse = || {
        Refusal::new(
            "ca_invalid",
            "certificate-authority-data is no base64 of PEM certificates",
            "certificate-authority-data 不是 PEM 证书的 base64 编码",
        )
    };
    authorities_of(&decoded(data).ok_or_else(refuse)?).ok_or_else(refuse)
}

/// The same of PEM.
pub(super) fn authorities_of(pem: &[u8]) -> Option<(String, Vec<String>)> {
    let all = certificates(pem)?;
    for certificate in &all {
        X509Certificate::from_der(certificate).ok()?;
    }
    let text = std::str::from_utf8(pem).ok()?.to_owned();
    Some((text, all.iter().map(|certificate| hex(&Sha256::digest(certificate))).collect()))
}

/// A certificate with its key.
#[derive(Debug)]
pub(super) struct Pair {
    /// PEM: the chain, then the key.
    pub(super) pem: Zeroizing<Vec<u8>>,
    /// When the first certificate ends.
    pub(super) not_after: Millis,
}

/// Puts a certificate and a key together, when they belong together.
pub(super) fn pair(certificate: &[u8], key: &[u8]) -> Result<Pair, Refusal> {
    let no_certificate = || Refusal::new("certificate_invalid", "the client certificate is no PEM certificate", "客户端证书不是 PEM 证书");
    let chain = certificates(certificate).ok_or_else(no_certificate)?;
    let first = chain.first().ok_or_else(no_certificate)?;
    let (_, parsed) = X509Certificate::from_der(first).map_err(|_| no_certificate())?;
    if parsed.version() != X509Version::V3 {
        return Err(Refusal::new(
            "certificate_version",
            "the client certificate is of an old version of X.509 (made without extensions), which no TLS library of today presents: have a version 3 certificate issued",
            "客户端证书为旧版 X.509（签发时没有扩展），现今的 TLS 库无法使用：请重新签发第 3 版证书",
        ));
    }
    if contains(key, b"ENCRYPTED") {
        return Err(Refusal::new(
            "key_encrypted",
            "the client key is sealed with a passphrase; kubectl cannot use it either: give it without",
            "客户端私钥带有口令；kubectl 也无法使用：请提供不带口令的私钥",
        ));
    }
    let der = PrivateKeyDer::from_pem_slice(key)
        .map_err(|_| Refusal::new("key_invalid", "the client key is no PEM private key", "客户端私钥不是 PEM 私钥"))?;
    let signing = any_supported_type(&der).map_err(|_| {
        Refusal::new(
            "key_unsupported",
            "the client key is of a kind that cannot be used here: RSA from 2048 bits, ECDSA P-256 and P-384, Ed25519",
            "不支持此类客户端私钥：可用 RSA（2048 位以上）、ECDSA P-256 与 P-384、Ed25519",
        )
    })?;
    if let Some(public) = signing.public_key()
        && public.as_ref() != parsed.public_key().raw
    {
        return Err(Refusal::new(
            "key_mismatch",
            "the client certificate and the client key do not belong together",
            "客户端证书与客户端私钥不匹配",
        ));
    }
    let mut pem = Zeroizing::new(Vec::with_capacity(certificate.len() + key.len() + 2));
    for part in [certificate, key] {
        pem.extend_from_slice(part.trim_ascii());
        pem.push(b'\n');
    }
    Ok(Pair { pem, not_after: Millis(parsed.validity().not_after.timestamp().saturating_mul(1000)) })
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

/// A token as it may stand in a header: one word of visible ASCII.
pub(super) fn token(text: &str) -> Option<&str> {
    let token = text.trim_matches([' ', '\t', '\r', '\n']);
    let fits = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '\'' | '\\' | ',' | ';' | '<' | '>' | '(' | ')' | '{' | '}');
    (!token.is_empty() && token.len() <= 256 * 1024 && token.chars().all(fits)).then_some(token)
}

/// When a JWT says that it ends. Nothing is verified: it is only shown.
pub(super) fn jwt_ends(token: &str) -> Option<Millis> {
    let mut parts = token.split('.');
    let claims = parts.nth(1)?;
    if parts.count() != 1 {
        return None;
    }
    let claims = Zeroizing::new(URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')).ok()?);
    let exp = serde_json::from_slice::<serde_json::Value>(&claims).ok()?.get("exp")?.as_f64()?;
    // Beyond the year 9999 it is no date.
    (exp.is_finite() && (0.0..253_402_300_800.0).contains(&exp)).then_some(Millis((exp as i64).saturating_mul(1000)))
}
