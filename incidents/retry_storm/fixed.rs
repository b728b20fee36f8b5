//! The fix: a budget. Retries are a tenth of the calls at most, whatever happens; they are spread by
//! chance, and none is made after the deadline of the whole.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use firedrill_core::incident::client::{StoreClient, StoreRequest, StoreResult};
use firedrill_core::incident::{Chain, ClientSlot, Env};
use firedrill_core::random::RandomStream;
use metrics::{Unit, counter, describe_counter};
use tokio::time::Instant;

use super::shared::{RETRIES, around, describe};

/// Retries that a call pays for.
const SHARE: f64 = 0.1;

/// Retries that may be saved up.
const SAVINGS: f64 = 10.0;

/// The mean wait before a retry.
const WAIT_MS: f64 = 100.0;

/// After this long a call is not tried again.
const DEADLINE: Duration = Duration::from_millis(800);

/// Puts the fix into the chain.
pub fn install(chain: &mut Chain) {
    chain.client(ClientSlot::Retry, retry);
    around(chain);
}

struct Budget {
    saved: Mutex<f64>,
    dice: RandomStream,
}

impl Budget {
    fn earn(&self) {
        let mut saved = self.saved.lock().unwrap_or_else(PoisonError::into_inner);
        *saved = (*saved + SHARE).min(SAVINGS);
    }

    /// Takes the budget of one retry; returns false if there is none.
    fn spend(&self) -> bool {
        let mut saved = self.saved.lock().unwrap_or_else(PoisonError::into_inner);
        let affordable = *saved >= 1.0;
        if affordable {
            *saved -= 1.0;
        }
        affordable
    }
}

/// Sends a call that failed again, as long as the budget allows.
pub fn retry(store: StoreClient, env: &Env) -> StoreClient {
    describe();
    describe_counter!("store_retries_refused", Unit::Count, "retries that the budget refused");
    let budget =
        env.shared(|| Budget { saved: Mutex::new(SAVINGS), dice: env.random("retry jitter") });
    store.layer(budget, ask)
}

async fn ask(budget: Arc<Budget>, store: StoreClient, request: StoreRequest) -> StoreResult {
    counter!("store_calls").increment(1);
    budget.earn();
    let started = Instant::now();
    let mut reply = store.ask(request.clone()).await;
    for _ in 0..RETRIES {
        if reply.is_ok() || started.elapsed() >= DEADLINE {
            break;
        }
        // fix: no budget, no retry: a store that fails gets a tenth more load, and no more.
        if !budget.spend() {
            counter!("store_retries_refused").increment(1);
            break;
        }
        let wait_ms = 2.0 * WAIT_MS * budget.dice.uniform();
        tokio::time::sleep(Duration::from_secs_f64(wait_ms / 1000.0)).await;
        counter!("store_retries").increment(1);
        reply = store.ask(request.clone()).await;
    }
    reply
}
