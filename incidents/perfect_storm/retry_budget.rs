//! One fix of three: retries have a budget.

use firedrill_core::incident::{Chain, ClientSlot};

use crate::{cache_avalanche, retry_storm};

/// Puts the partial fix into the chain.
pub fn install(chain: &mut Chain) {
    super::shared::install(chain);
    // cause: the entries of the cache still expire together, and each reader who misses one sends a query.
    chain.routes("articles", cache_avalanche::broken::routes);
    chain.client(ClientSlot::Retry, retry_storm::fixed::retry);
}
