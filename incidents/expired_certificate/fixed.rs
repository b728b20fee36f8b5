//! The fix: the file is read for each new connection.

use std::sync::Arc;

use super::shared::{renewed_file, show};
use firedrill_core::incident::chain::Presenter;
use firedrill_core::incident::{Chain, Env};

/// Puts the fix into the chain.
pub fn install(chain: &mut Chain) {
    chain.certificate(presenter);
}

fn presenter(env: &Env) -> Presenter {
    let file = renewed_file(env);
    // fix: read at each handshake, so that what was renewed is what is shown.
    Arc::new(move || file.read().map(|certificate| show(&certificate)))
}
