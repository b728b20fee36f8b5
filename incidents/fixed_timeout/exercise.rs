//! The way to the database: each call may take five seconds, and keeps one of 20 permits for as long as it takes.
//!
//! Change this file so that, whatever the database normally needs for a call:
//!
//! * while 5 of 100 calls get no answer, more than 90 of 100 requests are answered, and a call without an answer is
//!   given up after at most three times the time of a normal one;
//! * when all calls become slower by half, no request fails because of that, except in the first second.
//!
//! What you need to know:
//!
//! * `call(permits, store, request, patience)` waits for a permit, asks `patience` for the timeout, and calls the
//!   database. It returns the result and the time that the call took: for one that was given up, its timeout; zero for
//!   one that was not made.
//! * Today a call takes 20 ms. On other databases it takes 60 ms.
//! * `SlidingWindow::new(Duration::from_secs(1))` keeps the values of the last second: `record(value)`, `count()`,
//!   `mean()`.
//! * `env.shared(|| …)` makes state that all requests share.
//! * Time is `tokio::time`, not that of `std`.

use std::sync::Arc;
use std::time::Duration;

use firedrill_core::incident::client::{StoreClient, StoreRequest, StoreResult};
use firedrill_core::incident::{Chain, ClientSlot, Env};

use super::shared::{Permits, call, permits};

/// Puts the calls into the chain.
pub fn install(chain: &mut Chain) {
    chain.client(ClientSlot::Timeout, calls);
}

struct Calls {
    permits: Arc<Permits>,
}

fn calls(store: StoreClient, env: &Env) -> StoreClient {
    let permits = permits(env);
    store.layer(env.shared(|| Calls { permits }), ask)
}

async fn ask(calls: Arc<Calls>, store: StoreClient, request: StoreRequest) -> StoreResult {
    let called = call(&calls.permits, store, request, || Duration::from_secs(5)).await;
    called.result
}
