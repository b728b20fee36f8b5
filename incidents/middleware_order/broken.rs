//! The leak: the log stands outside authentication, so it sees every request.

use firedrill_core::incident::{Chain, Slot};

/// Puts the bug into the chain: two middlewares in the wrong order.
pub fn install(chain: &mut Chain) {
    chain.layer(Slot::Auth, super::shared::auth);
    // cause: the log stands outside authentication, and sees what it rejects.
    chain.swap(Slot::Auth, Slot::Log);
}
