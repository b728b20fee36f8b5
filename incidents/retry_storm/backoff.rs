//! The partial fix: each retry waits twice as long as the one before. The same retries come, later, and
//! all those that failed together come back together.

use std::sync::Arc;
use std::time::Duration;

use firedrill_core::incident::client::{StoreClient, StoreRequest, StoreResult};
use firedrill_core::incident::{Chain, ClientSlot, Env};
use metrics::counter;

use super::shared::{RETRIES, around, describe};

/// The wait before the first retry.
const FIRST: Duration = Duration::from_millis(100);

/// Puts the partial fix into the chain.
pub fn install(chain: &mut Chain) {
    chain.client(ClientSlot::Retry, retry);
    around(chain);
}

fn retry(store: StoreClient, _: &Env) -> StoreClient {
    describe();
    store.layer(Arc::new(()), ask)
}

async fn ask(_: Arc<()>, store: StoreClient, request: StoreRequest) -> StoreResult {
    counter!("store_calls").increment(1);
    let mut reply = store.ask(request.clone()).await;
    for retry in 0..RETRIES {
        if reply.is_ok() {
            break;
        }
        tokio::time::sleep(FIRST * 2_u32.pow(retry)).await;
        // cause: later, but as many: four times the load, for as long as calls fail.
        counter!("store_retries").increment(1);
        reply = store.ask(request.clone()).await;
    }
    reply
}
