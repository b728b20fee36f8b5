//! Code shared by the variants: the places that all pages share, and the weather, which needs no database.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use metrics::{Unit, counter, describe_counter, describe_gauge, gauge};

use firedrill_core::incident::client::StoreClient;
use firedrill_core::incident::{Chain, ClientSlot, Env, Parked, Slot};
use firedrill_core::service::limit::ConcurrencyLimit;

use crate::retry_storm;

/// Requests that the service works on at once.
const PLACES: usize = 200;

/// Requests that wait for a place at most.
const LONGEST: usize = 100;

/// Puts everything into the chain that all variants have: the places, the weather, and the timeout of a query.
pub fn install(chain: &mut Chain) {
    chain.layer(Slot::Limit, limit);
    chain.routes("weather", |routes, _| routes.route("/weather/{id}", get(weather)));
    chain.client_beside(ClientSlot::Retry, retry_storm::shared::count);
    chain.client(ClientSlot::Timeout, patience);
}

/// Waits for the database no longer than `storm_wait_ms`.
fn patience(store: StoreClient, env: &Env) -> StoreClient {
    retry_storm::shared::wait_for(store, env, env.param("storm_wait_ms", 1500.0))
}

/// The weather comes from memory.
async fn weather(Path(id): Path<u64>) -> String {
    format!("weather of city {id}: {} degrees\n", id % 30)
}

struct Places(ConcurrencyLimit);

fn limit(routes: Router, env: &Env) -> Router {
    let places = env.shared(|| {
        describe_gauge!("pages_served", Unit::Count, "requests that the service works on");
        describe_gauge!("pages_waiting", Unit::Count, "requests that wait for a place");
        describe_counter!("pages_refused", Unit::Count, "requests refused, since too many waited");
        counter!("pages_refused").increment(0);
        Places(ConcurrencyLimit::new(PLACES))
    });
    let shown = Arc::clone(&places);
    env.collect(move || {
        gauge!("pages_served").set(shown.0.taken() as f64);
        gauge!("pages_waiting").set(shown.0.waiting() as f64);
    });
    routes.layer(from_fn_with_state(places, serve))
}

async fn serve(State(places): State<Arc<Places>>, request: Request, next: Next) -> Response {
    let Places(places) = &*places;
    if places.waiting() >= LONGEST {
        counter!("pages_refused").increment(1);
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let place = places.enter().parked("a place").await;
    let response = next.run(request).await;
    drop(place);
    response
}
