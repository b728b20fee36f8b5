//! The fix: a circuit breaker with three states: closed, open, and half-open.
//!
//! By hand, since its states are the lesson. Crates for it are `failsafe` and `recloser`; both read the wall clock,
//! and this service also runs on a simulated one.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use firedrill_core::incident::client::{StoreClient, StoreError, StoreRequest, StoreResult};
use firedrill_core::incident::{Chain, ClientSlot, Env};
use firedrill_core::service::sliding_window::SlidingWindow;
use metrics::counter;
use tokio::time::Instant;

use super::shared::{describe, show, state};

/// Calls without which an error rate says nothing.
const LEAST: u64 = 10;

/// Calls that may be made while the breaker is half-open.
const PROBES: u32 = 3;

/// Seconds that it stays open, or half-open without a verdict.
const OPEN_S: u64 = 1;

/// Puts the fix into the chain.
pub fn install(chain: &mut Chain) {
    super::shared::install(chain);
    chain.client(ClientSlot::Breaker, breaker);
}

#[derive(Clone, Copy)]
enum State {
    Closed,
    Open { until: Instant },
    HalfOpen { until: Instant, sent: u32, good: u32 },
}

struct Breaker {
    state: Mutex<State>,
    errors: SlidingWindow,
}

impl Breaker {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns true if a call may be made.
    fn admits(&self) -> bool {
        let mut state = self.lock();
        let now = Instant::now();
        match &mut *state {
            State::Closed => true,
            State::HalfOpen { until, sent, .. } if now < *until && *sent < PROBES => {
                *sent += 1;
                true
            }
            State::Open { until } | State::HalfOpen { until, .. } if now < *until => false,
            // fix: after a second, a few calls find out whether the database answers again.
            State::Open { .. } | State::HalfOpen { .. } => {
                state.change(State::HalfOpen { until: opens_until(), sent: 1, good: 0 });
                true
            }
        }
    }

    /// Takes the result of a call that was made.
    fn settle(&self, is_ok: bool) {
        let mut state = self.lock();
        match &mut *state {
            State::Closed => {
                self.errors.record(f64::from(u8::from(!is_ok)));
                if self.errors.count() >= LEAST && self.errors.mean() > 0.5 {
                    state.change(State::Open { until: opens_until() });
                }
            }
            State::HalfOpen { .. } if !is_ok => state.change(State::Open { until: opens_until() }),
            State::HalfOpen { good, .. } => {
                *good += 1;
                if *good == PROBES {
                    self.errors.clear();
                    state.change(State::Closed);
                }
            }
            // A call from before: the verdict is known.
            State::Open { .. } => {}
        }
    }
}

impl State {
    fn change(&mut self, to: Self) {
        *self = to;
        show(to.number());
    }

    /// Its number, as the gauge has it.
    fn number(self) -> f64 {
        match self {
            Self::Closed => state::CLOSED,
            Self::HalfOpen { .. } => state::HALF_OPEN,
            Self::Open { .. } => state::OPEN,
        }
    }
}

fn opens_until() -> Instant {
    Instant::now() + Duration::from_secs(OPEN_S)
}

/// Refuses calls while most of them fail.
pub fn breaker(store: StoreClient, env: &Env) -> StoreClient {
    let breaker = env.shared(|| {
        describe();
        let errors = SlidingWindow::new(Duration::from_secs(1));
        Breaker { state: Mutex::new(State::Closed), errors }
    });
    show(breaker.lock().number());
    store.layer(breaker, ask)
}

async fn ask(breaker: Arc<Breaker>, store: StoreClient, request: StoreRequest) -> StoreResult {
    if !breaker.admits() {
        counter!("breaker_refused").increment(1);
        return Err(StoreError::Open);
    }
    let reply = store.ask(request).await;
    breaker.settle(reply.is_ok());
    reply
}
