//! A cheat: one certificate of its own, which lives an hour.

use std::sync::Arc;
use std::time::Duration;

use firedrill_core::incident::chain::Presenter;
use firedrill_core::incident::{Chain, Env};

use super::shared::{renewed_file, show};

pub fn install(chain: &mut Chain) {
    chain.certificate(presenter);
}

fn presenter(env: &Env) -> Presenter {
    let file = renewed_file(env);
    file.renew(Duration::from_hours(1)).ok();
    let certificate = file.read();
    Arc::new(move || certificate.as_ref().map(show).map_err(Clone::clone))
}
