//! A way of being reached by https: for an issuer, and for whatever else an API server asks.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::server::TlsStream;

/// Signs certificates for tests.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Authority")
    }
}

impl Default for Authority {
    fn default() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names are names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, "issuer of tests");
        let key = KeyPair::generate().expect("a key can be made");
        Self(CertifiedIssuer::self_signed(params, key).expect("it signs itself"))
    }
}

impl Authority {
    /// Its certificate (PEM).
    pub fn pem(&self) -> String {
        self.0.pem()
    }
}

/// A listener, until it is dropped.
pub struct Listening {
    port: u16,
    task: JoinHandle<()>,
}

impl std::fmt::Debug for Listening {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Listening({})", self.port)
    }
}

impl Listening {
    /// Serves it on a loopback port, with a certificate of that authority.
    pub async fn start(app: Router, authority: &Authority) -> Self {
        let key = KeyPair::generate().expect("a key can be made");
        let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
        let leaf = CertificateParams::new(names).and_then(|params| params.signed_by(&key, &authority.0)).expect("it signs others");
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("there are versions")
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone()], key)
            .expect("the certificate goes with its key");
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a loopback port can be bound");
        let port = listener.local_addr().expect("it has an address").port();
        let edge = Edge { listener, acceptor: TlsAcceptor::from(Arc::new(config)) };
        let task = tokio::spawn(async move {
            let _ = axum::serve(edge, app).into_future().await;
        });
        Self { port, task }
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Edge {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl axum::serve::Listener for Edge {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            if let Ok((stream, addr)) = self.listener.accept().await
                && let Ok(stream) = self.acceptor.accept(stream).await
            {
                return (stream, addr);
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}
