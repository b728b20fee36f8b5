//! A solution written otherwise: two counters, and a retry only while retries are a tenth of the calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use firedrill_core::incident::client::{StoreClient, StoreRequest, StoreResult};
use firedrill_core::incident::{Chain, ClientSlot, Env};
use metrics::counter;

use super::shared::{RETRIES, around, describe};

pub fn install(chain: &mut Chain) {
    chain.client(ClientSlot::Retry, retry);
    around(chain);
}

/// Calls and retries of the last while: both are halved when there are many.
#[derive(Default)]
struct Share {
    calls: AtomicU64,
    retries: AtomicU64,
}

fn retry(store: StoreClient, env: &Env) -> StoreClient {
    describe();
    store.layer(env.shared(Share::default), ask)
}

async fn ask(share: Arc<Share>, store: StoreClient, request: StoreRequest) -> StoreResult {
    counter!("store_calls").increment(1);
    if share.calls.fetch_add(1, Ordering::Relaxed) > 100 {
        share.calls.store(50, Ordering::Relaxed);
        share.retries.store(share.retries.load(Ordering::Relaxed) / 2, Ordering::Relaxed);
    }
    let mut reply = store.ask(request.clone()).await;
    for _ in 0..RETRIES {
        let (calls, retries) =
            (share.calls.load(Ordering::Relaxed), share.retries.load(Ordering::Relaxed));
        if reply.is_ok() || retries * 10 >= calls {
            break;
        }
        share.retries.fetch_add(1, Ordering::Relaxed);
        counter!("store_retries").increment(1);
        reply = store.ask(request.clone()).await;
    }
    reply
}
