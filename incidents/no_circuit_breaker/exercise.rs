//! The way to the database: each call is made, whatever became of the calls before.
//!
//! Change this file so that a database that hangs does not take the other routes down:
//!
//! * while it hangs, a request that needs it fails within a tenth of a second, except in the first second, and the
//!   database gets at most a tenth of the calls;
//! * requests that do not need it are answered as before;
//! * two seconds after it works again, all requests are answered.
//!
//! What you need to know:
//!
//! * `store.ask(request)` waits for the database for at most 500 ms; then it returns an error. For as long its
//!   request keeps one of the 20 places of the service.
//! * `SlidingWindow` counts what happened in the last second: `record(1.0)` for an error and `record(0.0)` for a
//!   success make `mean()` the share of errors; `count()` is the number of calls.
//! * `env.shared(|| …)` makes state that all requests share.
//! * Time is `tokio::time::Instant`, not that of `std`.
//! * A call that you do not make: return `Err(StoreError::Open)`, and count it in `breaker_refused`.

use std::sync::Arc;

use firedrill_core::incident::client::{StoreClient, StoreRequest, StoreResult};
use firedrill_core::incident::{Chain, ClientSlot, Env};

/// Puts the layer into the chain, with all that the service has around it.
pub fn install(chain: &mut Chain) {
    super::shared::install(chain);
    chain.client(ClientSlot::Breaker, calls);
}

struct Calls;

fn calls(store: StoreClient, env: &Env) -> StoreClient {
    super::shared::describe();
    store.layer(env.shared(|| Calls), ask)
}

async fn ask(_: Arc<Calls>, store: StoreClient, request: StoreRequest) -> StoreResult {
    store.ask(request).await
}
