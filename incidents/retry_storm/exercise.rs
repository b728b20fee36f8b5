//! The retries that kept the store down: a call that fails is tried three times more, at once.
//!
//! Change this file so that a store that fails gets at most a tenth more commands than there are calls, for
//! as long as it fails. A call that fails now and then is still to be tried again.

use std::sync::Arc;

use firedrill_core::incident::client::{StoreClient, StoreRequest, StoreResult};
use firedrill_core::incident::{Chain, ClientSlot, Env};
use metrics::counter;

use super::shared::{RETRIES, around, describe};

/// Puts the retries into the chain, around the wait for the store.
pub fn install(chain: &mut Chain) {
    chain.client(ClientSlot::Retry, retry);
    around(chain);
}

struct Retries;

fn retry(store: StoreClient, env: &Env) -> StoreClient {
    describe();
    let retries = env.shared(|| Retries);
    store.layer(retries, ask)
}

async fn ask(_: Arc<Retries>, store: StoreClient, request: StoreRequest) -> StoreResult {
    counter!("store_calls").increment(1);
    let mut reply = store.ask(request.clone()).await;
    for _ in 0..RETRIES {
        if reply.is_ok() {
            break;
        }
        counter!("store_retries").increment(1);
        reply = store.ask(request.clone()).await;
    }
    reply
}
