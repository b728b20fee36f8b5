//! The same bug under Rust's default: no task of its own for a request, so the future that waits
//! in the channel is dropped when its client gives up. Nothing piles up, and still nearly every
//! request fails.

use firedrill_core::incident::{Chain, Slot};

/// Puts the bug into the chain, and takes `detach` out.
pub fn install(chain: &mut Chain) {
    super::broken::install(chain);
    chain.remove(Slot::Detach);
}
