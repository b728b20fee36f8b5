//! The partial fix that is too strict: a queue of at most 30 requests.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use firedrill_core::incident::{Chain, Env, Parked, Slot};
use metrics::counter;

use super::shared::{Workers, serve, workers};

/// Requests that may wait.
const SHORT: usize = 30;

/// Puts the partial fix into the chain.
pub fn install(chain: &mut Chain) {
    chain.layer(Slot::Limit, limit::<SHORT>);
}

pub fn limit<const LONGEST: usize>(routes: Router, env: &Env) -> Router {
    routes.layer(from_fn_with_state(workers(env), wait_and_serve::<LONGEST>))
}

async fn wait_and_serve<const LONGEST: usize>(
    State(workers): State<Arc<Workers>>,
    request: Request,
    next: Next,
) -> Response {
    // cause: a burst that the workers could serve in time is refused as well.
    if workers.waiting() >= LONGEST {
        counter!("queue_refused").increment(1);
        return StatusCode::TOO_MANY_REQUESTS.into_response();
    }
    let place = workers.queue();
    let worker = workers.free.acquire().parked("a worker").await;
    drop(place);
    match worker {
        Ok(worker) => serve(worker, request, next).await,
        // Never: nobody closes the semaphore.
        Err(_closed) => next.run(request).await,
    }
}
