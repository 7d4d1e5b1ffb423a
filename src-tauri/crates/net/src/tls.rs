//! TLS on rustls and ring: the system's roots, further ones, and a client certificate. There is no "accept invalid".

use std::path::Path;
use std::sync::{Arc, OnceLock};

use domain::fault::ServerFault;
use domain::protocol::TlsSettings;
use rustls::client::WebPkiServerVerifier;
use rustls::crypto::CryptoProvider;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};

/// No PEM file of a person is larger.
const LARGEST_PEM: u64 = 4 * 1024 * 1024;

/// The one provider of this process; also made the default of it, for libraries that ask for the default.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    PROVIDER
        .get_or_init(|| {
            let _ = rustls::crypto::ring::default_provider().install_default();
            CryptoProvider::get_default().cloned().unwrap_or_else(|| Arc::new(rustls::crypto::ring::default_provider()))
        })
        .clone()
}

/// The system's roots. Kept once they were read, read again while there are none.
fn system_roots() -> RootCertStore {
    static ROOTS: OnceLock<RootCertStore> = OnceLock::new();
    if let Some(roots) = ROOTS.get() {
        return roots.clone();
    }
    let found = rustls_native_certs::load_native_certs();
    for fault in &found.errors {
        tracing::debug!(%fault, "a part of the system's certificate store could not be read");
    }
    let mut roots = RootCertStore::empty();
    let (_, unusable) = roots.add_parsable_certificates(found.certs);
    if unusable > 0 {
        tracing::debug!(unusable, "roots of the system that cannot be used");
    }
    if roots.is_empty() { roots } else { ROOTS.get_or_init(|| roots).clone() }
}

/// The TLS side of a client. Reads the files that the settings name and says which one does not fit.
pub fn tls_config(settings: &TlsSettings) -> Result<ClientConfig, ServerFault> {
    tls_config_with(settings, None)
}

/// The same, with further roots that are at hand as PEM text.
pub(crate) fn tls_config_with(settings: &TlsSettings, more: Option<&str>) -> Result<ClientConfig, ServerFault> {
    let mut roots = system_roots();
    for certificate in CertificateDer::pem_slice_iter(more.unwrap_or_default().as_bytes()) {
        let certificate = certificate.map_err(|_| missing("roots", "are not PEM certificates"))?;
        roots.add(certificate).map_err(|why| missing("roots", &format!("hold a certificate that cannot be a root: {why}")))?;
    }
    if let Some(path) = given(settings.ca_file.as_ref()) {
        let (certificates, refuse) = (certificates("tls.ca_file", path)?, |reason: String| fault("tls.ca_file", path, &reason));
        for certificate in certificates {
            roots.add(certificate).map_err(|why| refuse(format!("holds a certificate that cannot be a root: {why}")))?;
        }
    }
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|why| ServerFault::Internal { what: format!("TLS versions: {why}") })?
        .with_webpki_verifier(verifier(roots, given(settings.crl_file.as_ref()))?);
    match (given(settings.client_cert_file.as_ref()), given(settings.client_key_file.as_ref())) {
        (None, None) => Ok(builder.with_no_client_auth()),
        (Some(cert), Some(key)) => {
            let chain = certificates("tls.client_cert_file", cert)?;
            let bytes = read("tls.client_key_file", key)?;
            let private =
                PrivateKeyDer::from_pem_slice(&bytes).map_err(|_| fault("tls.client_key_file", key, "holds no private key in PEM form"))?;
            builder
                .with_client_auth_cert(chain, private)
                .map_err(|why| fault("tls.client_key_file", key, &format!("does not go with the client certificate: {why}")))
        }
        (Some(_), None) => Err(missing("tls.client_key_file", "is needed with tls.client_cert_file")),
        (None, Some(_)) => Err(missing("tls.client_cert_file", "is needed with tls.client_key_file")),
    }
}

/// Checks a server's certificate. A revocation list speaks for the authority that signed it and for no other, so that what no list
/// speaks about passes; a list that has expired still names what it revoked.
fn verifier(roots: RootCertStore, lists: Option<&Path>) -> Result<Arc<WebPkiServerVerifier>, ServerFault> {
    let mut builder = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider());
    if let Some(path) = lists {
        let refuse = || fault("tls.crl_file", path, "is no PEM file with revocation lists");
        let bytes = read("tls.crl_file", path)?;
        let found: Vec<_> = CertificateRevocationListDer::pem_slice_iter(&bytes).collect::<Result<_, _>>().map_err(|_| refuse())?;
        if found.is_empty() {
            return Err(refuse());
        }
        builder = builder.with_crls(found).only_check_end_entity_revocation().allow_unknown_revocation_status();
    }
    builder.build().map_err(|why| match lists {
        Some(path) => fault("tls.crl_file", path, &format!("holds a list that cannot be used: {why}")),
        None => ServerFault::Internal { what: format!("no certificate can be checked: {why}") },
    })
}

fn given(path: Option<&String>) -> Option<&Path> {
    path.filter(|path| !path.is_empty()).map(Path::new)
}

fn missing(field: &str, reason: &str) -> ServerFault {
    ServerFault::Settings { field: field.to_owned(), reason: reason.to_owned() }
}

fn fault(field: &str, path: &Path, reason: &str) -> ServerFault {
    ServerFault::Settings { field: field.to_owned(), reason: format!("{}: {reason}", path.display()) }
}

fn read(field: &str, path: &Path) -> Result<Vec<u8>, ServerFault> {
    let facts = std::fs::metadata(path).map_err(|why| fault(field, path, &why.to_string()))?;
    if !facts.is_file() || facts.len() > LARGEST_PEM {
        return Err(fault(field, path, "is no PEM file"));
    }
    std::fs::read(path).map_err(|why| fault(field, path, &why.to_string()))
}

fn certificates(field: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>, ServerFault> {
    let bytes = read(field, path)?;
    let found: Vec<_> = CertificateDer::pem_slice_iter(&bytes)
        .collect::<Result<_, _>>()
        .map_err(|_| fault(field, path, "is no PEM file with certificates"))?;
    if found.is_empty() { Err(fault(field, path, "holds no certificate")) } else { Ok(found) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_does_not_fit_is_named_with_its_field() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let own = rcgen::generate_simple_self_signed(vec!["h.example".into()]).unwrap();
        let other = rcgen::generate_simple_self_signed(vec!["h.example".into()]).unwrap();
        let (cert, key) = (path("cert.pem", &own.cert.pem()), path("key.pem", &own.signing_key.serialize_pem()));
        let (junk, foreign) = (path("junk.pem", "no pem"), path("other.pem", &other.signing_key.serialize_pem()));
        let gone = dir.path().join("gone.pem").to_str().unwrap().to_owned();
        let tls = |ca: Option<&String>, cert: Option<&String>, key: Option<&String>| TlsSettings {
            ca_file: ca.cloned(),
            client_cert_file: cert.cloned(),
            client_key_file: key.cloned(),
            crl_file: None,
        };
        for (settings, field, named) in [
            (tls(Some(&gone), None, None), "tls.ca_file", "gone.pem"),
            (tls(Some(&junk), None, None), "tls.ca_file", "junk.pem"),
            (tls(None, Some(&cert), None), "tls.client_key_file", "needed"),
            (tls(None, None, Some(&key)), "tls.client_cert_file", "needed"),
            (tls(None, Some(&cert), Some(&junk)), "tls.client_key_file", "junk.pem"),
            (tls(None, Some(&cert), Some(&foreign)), "tls.client_key_file", "other.pem"),
        ] {
            match tls_config(&settings) {
                Err(ServerFault::Settings { field: found, reason }) => {
                    assert_eq!(found, field);
                    assert!(reason.contains(named), "{reason} names {named}");
                }
                other => panic!("{settings:?} gave {other:?}"),
            }
        }
        for (lists, named) in [(&gone, "gone.pem"), (&junk, "no PEM file with revocation lists"), (&cert, "revocation lists")] {
            let settings = TlsSettings { crl_file: Some(lists.clone()), ..TlsSettings::default() };
            let Err(ServerFault::Settings { field, reason }) = tls_config(&settings) else { panic!("{lists} is taken") };
            assert!(field == "tls.crl_file" && reason.contains(named), "{field}: {reason}");
        }
        assert!(tls_config(&tls(Some(&cert), Some(&cert), Some(&key))).is_ok());
        assert!(tls_config(&TlsSettings::default()).is_ok());
    }
}
