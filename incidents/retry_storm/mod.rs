//! A client of the store that asks again when it fails, and again, and again.

mod backoff;
mod broken;
mod fixed;

use std::sync::Arc;

use firedrill_core::incident::client::{StoreClient, StoreError, StoreRequest, StoreResult};
use firedrill_core::incident::env::Param;
use firedrill_core::incident::{Env, Incident, Variant};
use metrics::{Unit, counter, describe_counter};
use tokio::time::timeout;

/// What the catalogue knows of it.
pub static INCIDENT: Incident = Incident {
    module: module_path!(),
    file: file!(),
    manifest_toml: firedrill_core::manifest!("incident.toml"),
    shares: &[],
    variants: &[
        Variant { name: "broken", install: broken::install, steer: None },
        Variant { name: "backoff", install: backoff::install, steer: None },
        Variant { name: "fixed", install: fixed::install, steer: None },
    ],
};

/// Times that a failed call is tried again, as in the post-mortem's configuration.
const RETRIES: u32 = 3;

fn describe() {
    describe_counter!("store_calls", Unit::Count, "calls to the store, each with its retries");
    describe_counter!("store_retries", Unit::Count, "times that a call was tried again");
    // Known from the start, so that none shows as 0.
    counter!("store_retries").increment(0);
}

struct Patience(Param);

/// Waits for the store no longer than `store_wait_ms`.
fn patience(store: StoreClient, env: &Env) -> StoreClient {
    let patience = env.shared(|| Patience(env.param("store_wait_ms", 500.0)));
    store.layer(patience, ask_in_time)
}

async fn ask_in_time(
    patience: Arc<Patience>,
    store: StoreClient,
    request: StoreRequest,
) -> StoreResult {
    timeout(patience.0.millis(), store.ask(request)).await.unwrap_or(Err(StoreError::TimedOut))
}
