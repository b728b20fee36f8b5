//! The fix: authenticate, then log. Rejections leave a trail in a counter that holds no secret.

use firedrill_core::incident::{Chain, Slot};

/// Puts the fix into the chain.
pub fn install(chain: &mut Chain) {
    // fix: the slots stay in their order: auth, then log.
    chain.layer(Slot::Auth, super::shared::auth);
}
