//! What a library's error means to a person.

use std::error::Error;
use std::io;
use std::time::Duration;

use domain::fault::{Phase, ServerFault};
use url::Url;

/// What is known of a request when something goes wrong with it.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    /// Host and port, or those of the proxy in between.
    pub(crate) peer: String,
    /// How long connecting may take.
    pub(crate) connect_timeout: Duration,
    /// Whether the request could have changed something.
    pub(crate) writes: bool,
}

/// Host and port for people.
pub(crate) fn peer_of(url: &Url, proxy: Option<&Url>) -> String {
    let name = |url: &Url| match (url.host_str(), url.port_or_known_default()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (host, _) => host.unwrap_or("?").to_owned(),
    };
    match proxy {
        Some(proxy) => format!("{} through the proxy {}", name(url), name(proxy)),
        None => name(url),
    }
}

impl Sent {
    /// Why there is no answer.
    pub(crate) fn request_fault(&self, fault: &reqwest::Error) -> ServerFault {
        if let Some(own) = find::<ServerFault>(fault) {
            return own.clone();
        }
        if let Some(tls) = find::<rustls::Error>(fault) {
            return ServerFault::TlsFailed { reason: tls_reason(tls) };
        }
        let unreachable = |reason: String| ServerFault::Unreachable { peer: self.peer.clone(), reason };
        if fault.is_connect() {
            return if fault.is_timeout() {
                ServerFault::Timeout { phase: Phase::Connect, after: self.connect_timeout }
            } else if fault.is_dns() {
                unreachable("the name cannot be resolved".to_owned())
            } else {
                unreachable(deepest(fault))
            };
        }
        if let Some(hyper) = find::<hyper::Error>(fault) {
            if hyper.is_parse_too_large() {
                return ServerFault::ResourceLimit { what: "the header block".to_owned(), limit: crate::client::HEADER_LIMIT as u64 };
            }
            if hyper.is_parse() {
                return ServerFault::ProtocolViolation { rule: format!("the answer is not HTTP: {}", deepest(hyper)) };
            }
        }
        if fault.is_builder() {
            return ServerFault::Internal { what: format!("the request cannot be built: {}", deepest(fault)) };
        }
        self.lost(fault)
    }

    /// Why a body ended early. `announced` is its `Content-Length`.
    pub(crate) fn body_fault(&self, fault: &reqwest::Error, announced: Option<u64>) -> ServerFault {
        let reset =
            find::<io::Error>(fault).is_some_and(|io| matches!(io.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe));
        let cut = find::<hyper::Error>(fault).is_some_and(hyper::Error::is_incomplete_message)
            || find::<io::Error>(fault).is_some_and(|io| io.kind() == io::ErrorKind::UnexpectedEof);
        if let Some(length) = announced.filter(|_| cut && !reset) {
            return ServerFault::ProtocolViolation { rule: format!("the body ended before the {length} bytes that were announced") };
        }
        if find::<hyper::Error>(fault).is_some_and(hyper::Error::is_parse)
            || find::<io::Error>(fault).is_some_and(|io| io.kind() == io::ErrorKind::InvalidInput)
        {
            return ServerFault::ProtocolViolation { rule: format!("the body is not framed as HTTP: {}", deepest(fault)) };
        }
        self.lost(fault)
    }

    fn lost(&self, fault: &reqwest::Error) -> ServerFault {
        ServerFault::ConnectionLost { reason: deepest(fault), lost_result: self.writes }
    }
}

/// The first error of that type in the chain; also the one an `io::Error` carries, which the chain passes over.
pub(crate) fn find<'e, T: Error + 'static>(fault: &'e (dyn Error + 'static)) -> Option<&'e T> {
    let mut next = Some(fault);
    while let Some(fault) = next {
        if let Some(found) = fault.downcast_ref::<T>() {
            return Some(found);
        }
        if let Some(inner) = fault.downcast_ref::<io::Error>().and_then(io::Error::get_ref)
            && let Some(found) = find::<T>(inner)
        {
            return Some(found);
        }
        next = fault.source();
    }
    None
}

/// The innermost reason, in its own words. An address is never part of it: the outer error alone holds that.
fn deepest(fault: &(dyn Error + 'static)) -> String {
    let mut last = fault;
    while let Some(inner) = last.source() {
        last = inner;
    }
    if let Some(io) = find::<io::Error>(fault) {
        let plain = match io.kind() {
            io::ErrorKind::ConnectionRefused => "nobody listens there (connection refused)",
            io::ErrorKind::ConnectionReset => "the peer reset the connection",
            io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => "there is no route to it",
            io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof => "the peer closed the connection",
            _ => "",
        };
        if !plain.is_empty() {
            return plain.to_owned();
        }
    }
    crate::response::shown(&last.to_string())
}

/// Plain words for what TLS found wrong.
pub(crate) fn tls_reason(fault: &rustls::Error) -> String {
    use rustls::{AlertDescription as Alert, CertificateError as Cert, Error as Tls};
    let plain = match fault {
        Tls::InvalidCertificate(cert) => match cert {
            Cert::Expired | Cert::ExpiredContext { .. } => "the server's certificate has expired",
            Cert::NotValidYet | Cert::NotValidYetContext { .. } => {
                "the server's certificate is not valid yet; is this machine's clock right?"
            }
            Cert::Revoked => "the server's certificate was revoked",
            Cert::UnknownIssuer => "the server's certificate was issued by nobody this machine trusts; name its CA in tls.ca_file",
            Cert::NotValidForName | Cert::NotValidForNameContext { .. } => "the server's certificate is for another name",
            Cert::BadSignature => "the server's certificate has a bad signature",
            Cert::UnsupportedSignatureAlgorithmContext { .. } | Cert::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
                "the server's certificate is signed in a way that is not safe (SHA-1, say)"
            }
            Cert::Other(why) if why.to_string().contains("NameConstraintViolation") => {
                "the server's certificate is for a name that its authority may not speak for"
            }
            Cert::InvalidPurpose | Cert::InvalidPurposeContext { .. } => "the server's certificate is not meant for servers",
            _ => return format!("the server's certificate is not valid: {cert}"),
        },
        Tls::InvalidMessage(_) => "the other side does not speak TLS; is the address an http one?",
        Tls::PeerIncompatible(_) => "the server offers no TLS 1.2 or newer with a safe cipher",
        Tls::NoCertificatesPresented => "the server showed no certificate",
        Tls::AlertReceived(alert) => match alert {
            Alert::CertificateRequired | Alert::BadCertificate | Alert::UnknownCA | Alert::AccessDenied => {
                "the server wants a client certificate that it accepts (tls.client_cert_file)"
            }
            Alert::ProtocolVersion | Alert::HandshakeFailure | Alert::InsufficientSecurity => {
                "the server and this program share no safe TLS version or cipher"
            }
            Alert::UnrecognisedName => "the server does not know that name",
            _ => return format!("the server ended the handshake: {alert:?}"),
        },
        other => return crate::response::shown(&other.to_string()),
    };
    plain.to_owned()
}
