//! The partial fix that does not work: a queue of at most 300 requests.

use firedrill_core::incident::{Chain, Slot};

use super::bounded::limit;

/// Requests that may wait.
const LONG: usize = 300;

/// Puts the partial fix into the chain.
pub fn install(chain: &mut Chain) {
    // cause: the last of 300 requests waits for three seconds, and its client for two.
    chain.layer(Slot::Limit, limit::<LONG>);
}
