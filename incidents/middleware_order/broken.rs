//! The leak: the logger is registered before authentication, so it sees every request.

use crate::incident::{Chain, Slot};

/// Puts the bug into the chain: two middlewares in the wrong order.
pub fn install(chain: &mut Chain) {
    chain.replace(Slot::Auth, super::auth);
    chain.swap(Slot::Auth, Slot::Log);
}
