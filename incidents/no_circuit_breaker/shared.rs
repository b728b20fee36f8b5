//! Code shared by the variants: the limit that all routes share, the prices, and the timeout of a call.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use metrics::{Unit, counter, describe_counter, describe_gauge, gauge};
use tokio::time::timeout;

use firedrill_core::incident::client::{StoreClient, StoreError, StoreRequest, StoreResult};
use firedrill_core::incident::env::Param;
use firedrill_core::incident::{Chain, ClientSlot, Env, Parked, Slot};
use firedrill_core::service::limit::ConcurrencyLimit;

/// Requests that the service works on at once.
const PLACES: usize = 20;

/// Requests that wait for a place at most.
const LONGEST: usize = 100;

/// Puts everything into the chain that all variants have: the limit, the prices, the timeout.
pub fn install(chain: &mut Chain) {
    chain.layer(Slot::Limit, limit);
    chain.routes("prices", |routes, _| routes.route("/prices/{id}", get(price)));
    chain.client_beside(ClientSlot::Timeout, patience);
}

/// A price comes from memory: no database is asked.
async fn price(Path(id): Path<u64>) -> String {
    format!("price of {id}: {}\n", 10 + id % 90)
}

struct Places(ConcurrencyLimit);

fn limit(routes: Router, env: &Env) -> Router {
    let places = env.shared(|| {
        describe_gauge!("places_taken", Unit::Count, "requests that the service works on");
        describe_gauge!("places_waiting", Unit::Count, "requests that wait for a place");
        describe_counter!("places_refused", Unit::Count, "requests refused, since too many waited");
        counter!("places_refused").increment(0);
        Places(ConcurrencyLimit::new(PLACES))
    });
    let shown = Arc::clone(&places);
    env.collect(move || {
        gauge!("places_taken").set(shown.0.taken() as f64);
        gauge!("places_waiting").set(shown.0.waiting() as f64);
    });
    routes.layer(from_fn_with_state(places, serve))
}

async fn serve(State(places): State<Arc<Places>>, request: Request, next: Next) -> Response {
    let Places(places) = &*places;
    if places.waiting() >= LONGEST {
        counter!("places_refused").increment(1);
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let place = places.enter().parked("a place").await;
    let response = next.run(request).await;
    drop(place);
    response
}

struct Patience(Param);

/// Waits for the database no longer than `breaker_wait_ms`.
fn patience(store: StoreClient, env: &Env) -> StoreClient {
    let patience = env.shared(|| Patience(env.param("breaker_wait_ms", 500.0)));
    store.layer(patience, ask_in_time)
}

async fn ask_in_time(
    patience: Arc<Patience>,
    store: StoreClient,
    request: StoreRequest,
) -> StoreResult {
    timeout(patience.0.millis(), store.ask(request)).await.unwrap_or(Err(StoreError::TimedOut))
}

/// Names of the breaker's states, as the gauge `breaker_state` has them.
pub mod state {
    pub const CLOSED: f64 = 0.0;
    pub const HALF_OPEN: f64 = 1.0;
    pub const OPEN: f64 = 2.0;
}

/// Tells what is counted.
pub fn describe() {
    describe_gauge!("breaker_state", "0: closed, 1: half-open, 2: open");
    describe_counter!("breaker_refused", Unit::Count, "calls that the breaker did not make");
    counter!("breaker_refused").increment(0);
}

/// Shows the state.
pub fn show(state: f64) {
    gauge!("breaker_state").set(state);
}
