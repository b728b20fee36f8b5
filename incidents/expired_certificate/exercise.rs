//! Presents the service's certificate to each new connection. It was read at the start of the service.
//!
//! Change this file so that a client is never shown one that has expired. A job renews the file that `renewed_file`
//! gives, twice in the life of a certificate; do not make certificates of your own.

use std::sync::Arc;

use super::shared::{renewed_file, show};
use firedrill_core::incident::chain::Presenter;
use firedrill_core::incident::{Chain, Env};

/// Puts the certificate into the chain.
pub fn install(chain: &mut Chain) {
    chain.certificate(presenter);
}

fn presenter(env: &Env) -> Presenter {
    let certificate = renewed_file(env).read();
    Arc::new(move || certificate.as_ref().map(show).map_err(Clone::clone))
}
