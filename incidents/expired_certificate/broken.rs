//! The outage to come: the certificate is read as the service starts, and never again.

use std::sync::Arc;

use super::shared::{renewed_file, show};
use firedrill_core::incident::chain::Presenter;
use firedrill_core::incident::{Chain, Env};

/// Puts the bug into the chain.
pub fn install(chain: &mut Chain) {
    chain.certificate(presenter);
}

fn presenter(env: &Env) -> Presenter {
    // cause: read here, once; whatever is written to the file later, nobody looks.
    let certificate = renewed_file(env).read();
    Arc::new(move || certificate.as_ref().map(show).map_err(Clone::clone))
}
