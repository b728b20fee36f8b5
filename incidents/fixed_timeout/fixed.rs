//! The fix: a timeout that follows the calls: twice their mean time in the last second, between a floor and a cap.

use std::sync::Arc;
use std::time::Duration;

use firedrill_core::incident::client::{StoreClient, StoreRequest, StoreResult};
use firedrill_core::incident::{Chain, ClientSlot, Env};
use firedrill_core::service::sliding_window::SlidingWindow;

use super::shared::{Permits, call, permits};

/// The timeout is so many times the mean.
const TIMES: f64 = 2.0;

/// The shortest timeout, in milliseconds.
const FLOOR_MS: f64 = 10.0;

/// The longest one, also while no call has been measured.
const CAP_MS: f64 = 1000.0;

/// Puts the fix into the chain.
pub fn install(chain: &mut Chain) {
    chain.client(ClientSlot::Timeout, calls);
}

struct Calls {
    permits: Arc<Permits>,
    /// Milliseconds that calls took, the failed ones included.
    took_ms: SlidingWindow,
}

impl Calls {
    fn patience(&self) -> Duration {
        if self.took_ms.count() == 0 {
            return Duration::from_secs_f64(CAP_MS / 1000.0);
        }
        // fix: what a call may take follows what calls take.
        let ms = (TIMES * self.took_ms.mean()).clamp(FLOOR_MS, CAP_MS);
        Duration::from_secs_f64(ms / 1000.0)
    }
}

fn calls(store: StoreClient, env: &Env) -> StoreClient {
    let permits = permits(env);
    let took_ms = SlidingWindow::new(Duration::from_secs(1));
    store.layer(env.shared(|| Calls { permits, took_ms }), ask)
}

async fn ask(calls: Arc<Calls>, store: StoreClient, request: StoreRequest) -> StoreResult {
    let called = call(&calls.permits, store, request, || calls.patience()).await;
    if !called.took.is_zero() {
        calls.took_ms.record(called.took.as_secs_f64() * 1000.0);
    }
    called.result
}
