//! The fix: authenticate, then log. Rejections leave a trail in a counter that holds no secret.

use crate::incident::{Chain, Slot};

/// Puts the fix into the chain.
pub fn install(chain: &mut Chain) {
    chain.replace(Slot::Auth, super::auth);
}
