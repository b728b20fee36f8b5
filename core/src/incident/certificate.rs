//! The server's certificate: a file that a job renews, in memory in place of a disk.
//!
//! On the wire it is a real one (feature `tls`). On the virtual clock there is no wire: a client that
//! connects looks at its dates alone.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::incident::Env;

/// Lifetime of a certificate that is never renewed: longer than any run.
const A_DAY: Duration = Duration::from_hours(24);

/// The signed certificate for clients; `()` without the feature `tls`.
#[cfg(feature = "tls")]
pub type Wire = Option<Arc<rustls::sign::CertifiedKey>>;
/// The signed certificate for clients; `()` without the feature `tls`.
#[cfg(not(feature = "tls"))]
pub type Wire = ();

/// Why there is no new certificate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot make a certificate: {0}")]
pub struct CertificateError(pub String);

/// Signs a certificate that lives this long.
pub type Sign = Box<dyn Fn(Duration) -> Result<Wire, CertificateError> + Send + Sync>;

/// A certificate, as it was read.
#[derive(Debug, Clone)]
pub struct Certificate {
    /// Counts the certificates of this server, from 1.
    pub serial: u64,
    /// Time of expiry.
    pub expires: Instant,
    /// The certificate presented to clients.
    pub wire: Wire,
}

impl Certificate {
    /// Returns true if a client accepts it now.
    pub fn is_valid(&self) -> bool {
        Instant::now() < self.expires
    }

    /// Seconds until it expires; below 0 since then.
    pub fn left_s(&self) -> f64 {
        let now = Instant::now();
        let left = self.expires.saturating_duration_since(now).as_secs_f64();
        left - now.saturating_duration_since(self.expires).as_secs_f64()
    }
}

/// The file with the certificate.
#[derive(Default)]
pub struct CertificateFile(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    newest: Option<Certificate>,
    sign: Option<Sign>,
}

impl std::fmt::Debug for CertificateFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("CertificateFile").field(&self.kept().newest).finish()
    }
}

/// The certificate file of this server.
pub fn certificate_file(env: &Env) -> Arc<CertificateFile> {
    env.shared(CertificateFile::default)
}

impl CertificateFile {
    /// Has certificates signed by `sign` from now on. A server without has some that are dates alone.
    pub fn signed_by(&self, sign: Sign) {
        self.kept().sign = Some(sign);
    }

    /// Writes a new certificate, which lives this long.
    ///
    /// # Errors
    ///
    /// When none can be made; the old one stays.
    pub fn renew(&self, life: Duration) -> Result<(), CertificateError> {
        self.kept().renew(life).map(|_| ())
    }

    /// The newest certificate. Where nobody has written one yet, it is made now, and lives a day.
    ///
    /// # Errors
    ///
    /// When that one cannot be made.
    pub fn read(&self) -> Result<Certificate, CertificateError> {
        let mut kept = self.kept();
        match &kept.newest {
            Some(newest) => Ok(newest.clone()),
            None => kept.renew(A_DAY),
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn renew(&mut self, life: Duration) -> Result<Certificate, CertificateError> {
        let wire = self.sign.as_ref().map(|sign| sign(life)).transpose()?.unwrap_or_default();
        let serial = self.newest.as_ref().map_or(1, |newest| newest.serial + 1);
        let made = Certificate { serial, expires: Instant::now() + life, wire };
        self.newest = Some(made.clone());
        Ok(made)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_was_read_expires_though_the_file_was_renewed() {
        let file = CertificateFile::default();
        file.renew(Duration::from_secs(8)).expect("nothing can fail");
        let read = file.read().expect("it is there");
        tokio::time::sleep(Duration::from_secs(5)).await;
        file.renew(Duration::from_secs(8)).expect("nothing can fail");
        tokio::time::sleep(Duration::from_secs(4)).await;
        assert!(!read.is_valid() && (read.left_s() + 1.0).abs() < 0.01, "{}", read.left_s());
        let newest = file.read().expect("it is there");
        assert!(newest.is_valid() && newest.serial == 2);
    }
}
