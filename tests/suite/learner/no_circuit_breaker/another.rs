//! A solution written otherwise: no states. After each failed call, calls are skipped for a while; the more failed
//! in a row, the longer. Until they fail in a row, all are made.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use firedrill_core::incident::client::{StoreClient, StoreError, StoreRequest, StoreResult};
use firedrill_core::incident::{Chain, ClientSlot, Env};
use metrics::counter;
use tokio::time::Instant;

pub fn install(chain: &mut Chain) {
    super::shared::install(chain);
    chain.client(ClientSlot::Breaker, calls);
}

/// Failures in a row, and the time before which no call is made.
struct Pause(Mutex<(u32, Option<Instant>)>);

fn calls(store: StoreClient, env: &Env) -> StoreClient {
    super::shared::describe();
    store.layer(env.shared(|| Pause(Mutex::new((0, None)))), ask)
}

/// Returns true if a call may be made; the one that may pushes the time on for all others.
fn may_call(pause: &Pause) -> bool {
    let mut pause = pause.0.lock().unwrap_or_else(PoisonError::into_inner);
    let (_, until) = &mut *pause;
    match until {
        Some(at) if *at > Instant::now() => false,
        Some(at) => {
            *at = Instant::now() + Duration::from_millis(600);
            true
        }
        None => true,
    }
}

async fn ask(pause: Arc<Pause>, store: StoreClient, request: StoreRequest) -> StoreResult {
    if !may_call(&pause) {
        counter!("breaker_refused").increment(1);
        return Err(StoreError::Open);
    }
    let reply = store.ask(request).await;
    let mut pause = pause.0.lock().unwrap_or_else(PoisonError::into_inner);
    let (failed, until) = &mut *pause;
    if reply.is_ok() {
        (*failed, *until) = (0, None);
    } else {
        *failed += 1;
        if *failed >= 5 && until.is_none() {
            *until = Some(Instant::now() + Duration::from_millis(600));
        }
    }
    reply
}
