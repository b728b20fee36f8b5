//! A solution written otherwise: the file is read again when what was read has less than half of its life left.

use std::sync::{Arc, Mutex, PoisonError};

use firedrill_core::incident::chain::Presenter;
use firedrill_core::incident::{Chain, Env};

use super::shared::{renewed_file, show};

pub fn install(chain: &mut Chain) {
    chain.certificate(presenter);
}

fn presenter(env: &Env) -> Presenter {
    let file = renewed_file(env);
    let read = Mutex::new(file.read());
    Arc::new(move || {
        let mut read = read.lock().unwrap_or_else(PoisonError::into_inner);
        if read.as_ref().is_ok_and(|read| read.left_s() < 2.0) {
            *read = file.read();
        }
        read.as_ref().map(show).map_err(Clone::clone)
    })
}
