//! The parts that the server is made of since the release.

use firedrill_core::incident::{Chain, ClientSlot};

use crate::{cache_avalanche, retry_storm};

/// Puts the bugs into the chain.
pub fn install(chain: &mut Chain) {
    super::shared::install(chain);
    chain.routes("articles", cache_avalanche::broken::routes);
    // cause: a query that times out is sent three times more, to a database that has too many already.
    chain.client(ClientSlot::Retry, retry_storm::broken::retry);
}
