//! Code shared by the variants: the number of retries, and the timeout of a call.

use std::sync::Arc;

use metrics::{Unit, counter, describe_counter};
use tokio::time::timeout;

use firedrill_core::incident::Env;
use firedrill_core::incident::client::{StoreClient, StoreError, StoreRequest, StoreResult};
use firedrill_core::incident::env::Param;

/// Times that a failed call is tried again, as in the post-mortem's configuration.
pub const RETRIES: u32 = 3;

pub fn describe() {
    describe_counter!("store_calls", Unit::Count, "calls to the store, each with its retries");
    describe_counter!("store_retries", Unit::Count, "times that a call was tried again");
    // Known from the start, so that none shows as 0.
    counter!("store_retries").increment(0);
}

pub struct Patience(Param);

/// Waits for the store no longer than `store_wait_ms`.
pub fn patience(store: StoreClient, env: &Env) -> StoreClient {
    let patience = env.shared(|| Patience(env.param("store_wait_ms", 500.0)));
    store.layer(patience, ask_in_time)
}

pub async fn ask_in_time(
    patience: Arc<Patience>,
    store: StoreClient,
    request: StoreRequest,
) -> StoreResult {
    timeout(patience.0.millis(), store.ask(request)).await.unwrap_or(Err(StoreError::TimedOut))
}
