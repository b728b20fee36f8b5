//! A cheat: the database is never asked.

use std::sync::Arc;

use firedrill_core::incident::client::{StoreClient, StoreError, StoreRequest, StoreResult};
use firedrill_core::incident::{Chain, ClientSlot};
use metrics::counter;

pub fn install(chain: &mut Chain) {
    super::shared::install(chain);
    chain.client(ClientSlot::Breaker, |store, _| {
        super::shared::describe();
        store.layer(Arc::new(()), ask)
    });
}

async fn ask(_: Arc<()>, _: StoreClient, _: StoreRequest) -> StoreResult {
    counter!("breaker_refused").increment(1);
    Err(StoreError::Open)
}
