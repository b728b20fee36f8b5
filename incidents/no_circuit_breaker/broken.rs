//! No breaker: each call is made, and waits for its timeout, whatever became of the calls before.

use std::sync::Arc;

use firedrill_core::incident::client::{StoreClient, StoreRequest, StoreResult};
use firedrill_core::incident::{Chain, ClientSlot, Env};

/// Puts the bug into the chain.
pub fn install(chain: &mut Chain) {
    super::shared::install(chain);
    chain.client(ClientSlot::Breaker, calls);
}

fn calls(store: StoreClient, _: &Env) -> StoreClient {
    store.layer(Arc::new(()), ask)
}

async fn ask(_: Arc<()>, store: StoreClient, request: StoreRequest) -> StoreResult {
    // cause: the call waits for its timeout, and its request keeps its place for as long.
    store.ask(request).await
}
