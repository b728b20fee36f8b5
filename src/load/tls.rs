//! A client's end of TLS: it trusts one authority, that of the process that it speaks to.

use std::io;
use std::sync::Arc;

use firedrill_core::child::tls::NAME;
use firedrill_core::event::HandshakeFailed;
use rustls::client::Resumption;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{CertificateError, ClientConfig, Error, RootCertStore, version};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Speaks TLS to servers whose certificates one authority has signed.
#[derive(Clone)]
pub struct Client(TlsConnector);

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

impl Client {
    /// A client that trusts this authority alone; none where there is no such certificate.
    pub fn trusting(root: &[u8]) -> Option<Self> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(root.to_vec())).ok()?;
        let provider = Arc::new(rustls_graviola::default_provider());
        let builder = ClientConfig::builder_with_provider(provider);
        let mut config = builder
            .with_protocol_versions(&[&version::TLS13])
            .ok()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        // Each connection stands for a client who has not been here before.
        config.resumption = Resumption::disabled();
        Some(Self(TlsConnector::from(Arc::new(config))))
    }

    /// Shakes hands.
    ///
    /// # Errors
    ///
    /// When the server is not trusted, or the connection breaks.
    pub async fn connect(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let name = ServerName::try_from(NAME).map_err(io::Error::other)?;
        self.0.connect(name, stream).await
    }
}

/// Why a handshake came to nothing; none where the connection broke.
pub fn reason(error: &io::Error) -> Option<HandshakeFailed> {
    let error = error.get_ref()?.downcast_ref::<Error>()?;
    Some(match error {
        Error::InvalidCertificate(
            CertificateError::Expired | CertificateError::ExpiredContext { .. },
        ) => HandshakeFailed::Expired,
        Error::InvalidCertificate(_) => HandshakeFailed::Untrusted,
        _ => HandshakeFailed::NoTls,
    })
}
