//! A server's end of TLS: an authority that lives as long as the process, and what it signs.
//!
//! Nothing of it is on a disk. The parent is told the authority's certificate, and its clients trust that
//! one alone.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use graviola::hashing::Sha256;
use graviola::signing::ecdsa::{P256, SigningKey};
use rcgen::{
    BasicConstraints, CertificateParams, IsCa, Issuer, KeyIdMethod, PKCS_ECDSA_P256_SHA256,
    SerialNumber,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, version};
use tokio_rustls::TlsAcceptor;

use crate::incident::certificate::{CertificateError, Wire};
use crate::service::Gateway;

/// The name that certificates are for.
pub const NAME: &str = "localhost";

/// Time by which the validity of a certificate is moved back, to tolerate differing clocks.
const BEFORE: Duration = Duration::from_mins(5);

/// Longer than any run.
const LONG: Duration = Duration::from_hours(48);

/// Signs certificates. Each process creates its own.
pub struct Authority {
    issuer: Issuer<'static, Key>,
    root: CertificateDer<'static>,
    leaf: Key,
    leaf_key: Arc<dyn rustls::sign::SigningKey>,
    signed: AtomicU64,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority").finish_non_exhaustive()
    }
}

/// A key, and its public half as certificates hold it.
struct Key {
    private: SigningKey<P256>,
    public: Vec<u8>,
}

fn failed(error: impl std::fmt::Debug) -> CertificateError {
    CertificateError(format!("{error:?}"))
}

impl Key {
    fn generate() -> Result<Self, CertificateError> {
        let private = SigningKey::<P256>::generate().map_err(failed)?;
        let mut room = [0; 256];
        let info = private.to_spki_der(&mut room).map_err(failed)?;
        // The public key stands at the end: a point of two coordinates, 32 bytes each, after a 4.
        let public = info[info.len() - 65..].to_vec();
        Ok(Self { private, public })
    }
}

impl rcgen::PublicKeyData for Key {
    fn der_bytes(&self) -> &[u8] {
        &self.public
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &PKCS_ECDSA_P256_SHA256
    }
}

impl rcgen::SigningKey for Key {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        let mut room = [0; 128];
        let signed = self.private.sign_asn1::<Sha256>(&[message], &mut room);
        signed.map(<[u8]>::to_vec).map_err(|_| rcgen::Error::RemoteKeyError)
    }
}

impl Authority {
    /// A new one.
    ///
    /// # Errors
    ///
    /// When this processor lacks what the cryptography needs, or no key can be made.
    pub fn new() -> Result<Self, CertificateError> {
        if !graviola::util::is_cpu_supported() {
            let why = "this processor is too old for the TLS that is built in \
                       (x86-64 with AVX2 and ADX, or ARMv8 with AES and SHA-2)";
            return Err(CertificateError(why.to_owned()));
        }
        let mut params = CertificateParams::new(Vec::new()).map_err(failed)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        date(&mut params, LONG, 1);
        let key = Key::generate()?;
        let root = params.self_signed(&key).map_err(failed)?.der().clone();
        let leaf = Key::generate()?;
        let mut room = [0; 512];
        let pkcs8 = leaf.private.to_pkcs8_der(&mut room).map_err(failed)?.to_vec();
        let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(pkcs8));
        let provider = rustls_graviola::default_provider();
        let leaf_key = provider.key_provider.load_private_key(private).map_err(failed)?;
        Ok(Self {
            issuer: Issuer::new(params, key),
            root,
            leaf,
            leaf_key,
            signed: AtomicU64::new(0),
        })
    }

    /// Its own certificate, in DER: what clients trust.
    pub fn root(&self) -> Vec<u8> {
        self.root.to_vec()
    }

    /// A certificate for the server, which lives this long.
    ///
    /// # Errors
    ///
    /// When it cannot be signed.
    pub fn sign(&self, life: Duration) -> Result<Wire, CertificateError> {
        let mut params = CertificateParams::new(vec![NAME.to_owned()]).map_err(failed)?;
        date(&mut params, life, 2 + self.signed.fetch_add(1, Ordering::Relaxed));
        let certificate = params.signed_by(&self.leaf, &self.issuer).map_err(failed)?;
        let chain = vec![certificate.der().clone()];
        Ok(Some(Arc::new(CertifiedKey::new(chain, Arc::clone(&self.leaf_key)))))
    }
}

/// Dates, in whole seconds as certificates have them; a number, and a name for the key, by which the
/// authority's certificates are told apart.
fn date(params: &mut CertificateParams, life: Duration, number: u64) {
    params.serial_number = Some(SerialNumber::from(number));
    params.key_identifier_method = KeyIdMethod::PreSpecified(b"firedrill".to_vec());
    let now = wall();
    params.not_before = (now - BEFORE).into();
    params.not_after = (now + life).into();
}

#[expect(clippy::disallowed_methods, reason = "certificates have dates")]
fn wall() -> SystemTime {
    SystemTime::now()
}

/// Shows whatever certificate the chain in force presents.
#[derive(Debug)]
struct Presented(Arc<Gateway>);

impl ResolvesServerCert for Presented {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0.certificate().ok()?.wire
    }
}

/// Accepts TLS on behalf of a service.
///
/// # Errors
///
/// When the protocol's settings are refused, which a build that works does not do.
pub fn acceptor(gateway: Arc<Gateway>) -> Result<TlsAcceptor, CertificateError> {
    let provider = Arc::new(rustls_graviola::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&version::TLS13])
        .map_err(failed)?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(Presented(gateway)));
    Ok(TlsAcceptor::from(Arc::new(config)))
}
