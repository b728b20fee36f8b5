//! The partial fix: a timeout just above the time of a call on the day on which it was measured.

use std::sync::Arc;
use std::time::Duration;

use firedrill_core::incident::client::{StoreClient, StoreRequest, StoreResult};
use firedrill_core::incident::{Chain, ClientSlot};

use super::shared::{Permits, call, permits};

/// The timeout of a call, in milliseconds.
const TIGHT_MS: u64 = 25;

/// Puts the partial fix into the chain.
pub fn install(chain: &mut Chain) {
    chain.client(ClientSlot::Timeout, |store, env| store.layer(permits(env), ask));
}

async fn ask(permits: Arc<Permits>, store: StoreClient, request: StoreRequest) -> StoreResult {
    // cause: it fits one day. When all calls take a little longer, it cuts off every one of them.
    call(&permits, store, request, || Duration::from_millis(TIGHT_MS)).await.result
}
