//! One fix of three: a circuit breaker in front of the database.

use firedrill_core::incident::{Chain, ClientSlot};

use crate::{cache_avalanche, no_circuit_breaker, retry_storm};

/// Puts the partial fix into the chain.
pub fn install(chain: &mut Chain) {
    super::shared::install(chain);
    chain.client(ClientSlot::Breaker, no_circuit_breaker::fixed::breaker);
    // cause: the entries of the cache still expire together, and the first queries are sent again and again.
    chain.routes("articles", cache_avalanche::broken::routes);
    chain.client(ClientSlot::Retry, retry_storm::broken::retry);
}
