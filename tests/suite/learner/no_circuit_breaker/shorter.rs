//! A partial fix: a timeout of 50 ms. Prices are answered, and the database that hangs gets all the calls.

use std::sync::Arc;
use std::time::Duration;

use firedrill_core::incident::client::{StoreClient, StoreError, StoreRequest, StoreResult};
use firedrill_core::incident::{Chain, ClientSlot};
use tokio::time::timeout;

pub fn install(chain: &mut Chain) {
    super::shared::install(chain);
    chain.client(ClientSlot::Breaker, |store, _| {
        super::shared::describe();
        store.layer(Arc::new(()), ask)
    });
}

async fn ask(_: Arc<()>, store: StoreClient, request: StoreRequest) -> StoreResult {
    timeout(Duration::from_millis(50), store.ask(request))
        .await
        .unwrap_or(Err(StoreError::TimedOut))
}
