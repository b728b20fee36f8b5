//! The storm: a call that fails is tried three times more, at once. A store that fails gets four times
//! the load, and keeps it when it could be well again.

use std::sync::Arc;

use firedrill_core::incident::client::{StoreClient, StoreRequest, StoreResult};
use firedrill_core::incident::{Chain, ClientSlot, Env};
use metrics::counter;

use super::shared::{RETRIES, around, describe};

/// Puts the bug into the chain.
pub fn install(chain: &mut Chain) {
    chain.client(ClientSlot::Retry, retry);
    around(chain);
}

/// Sends a call that failed three times more, at once.
pub fn retry(store: StoreClient, _: &Env) -> StoreClient {
    describe();
    store.layer(Arc::new(()), ask)
}

async fn ask(_: Arc<()>, store: StoreClient, request: StoreRequest) -> StoreResult {
    counter!("store_calls").increment(1);
    let mut reply = store.ask(request.clone()).await;
    for _ in 0..RETRIES {
        if reply.is_ok() {
            break;
        }
        counter!("store_retries").increment(1);
        // cause: a database that is too slow for one call gets three more, from every caller, at once.
        reply = store.ask(request.clone()).await;
    }
    reply
}
