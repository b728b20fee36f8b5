//! The partial fix: a breaker that opens, and has no way back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use firedrill_core::incident::client::{StoreClient, StoreError, StoreRequest, StoreResult};
use firedrill_core::incident::{Chain, ClientSlot, Env};
use firedrill_core::service::sliding_window::SlidingWindow;
use metrics::counter;

use super::shared::{describe, show, state};

/// Calls without which an error rate says nothing.
const LEAST: u64 = 10;

/// Puts the partial fix into the chain.
pub fn install(chain: &mut Chain) {
    super::shared::install(chain);
    chain.client(ClientSlot::Breaker, breaker);
}

struct Breaker {
    open: AtomicBool,
    errors: SlidingWindow,
}

fn breaker(store: StoreClient, env: &Env) -> StoreClient {
    let breaker = env.shared(|| {
        describe();
        let errors = SlidingWindow::new(Duration::from_secs(1));
        Breaker { open: AtomicBool::new(false), errors }
    });
    show(if breaker.open.load(Ordering::Relaxed) { state::OPEN } else { state::CLOSED });
    store.layer(breaker, ask)
}

async fn ask(breaker: Arc<Breaker>, store: StoreClient, request: StoreRequest) -> StoreResult {
    // cause: an open breaker makes no call, so it never sees the call that would close it.
    if breaker.open.load(Ordering::Relaxed) {
        counter!("breaker_refused").increment(1);
        return Err(StoreError::Open);
    }
    let reply = store.ask(request).await;
    breaker.errors.record(f64::from(u8::from(reply.is_err())));
    if breaker.errors.count() >= LEAST && breaker.errors.mean() > 0.5 {
        breaker.open.store(true, Ordering::Relaxed);
        show(state::OPEN);
    }
    reply
}
