//! The queue that kept the service down: a request that finds no free worker waits for one.
//!
//! Change this file so that the service answers as many requests in time as its workers can handle, also while
//! more requests arrive. A request that cannot be served in time is refused within a tenth of a second, with the
//! status 429 or 503. A request that can be served in time is not refused, also in a burst of a hundred requests.
//!
//! * `workers.free` is a `tokio::sync::Semaphore` with a permit for each of the 10 workers. `acquire` waits for a
//!   permit, in the order of the calls; `try_acquire` does not wait.
//! * `workers.queue()` counts the request as waiting until the returned place is dropped; `workers.waiting()`
//!   returns the number of waiting requests.
//! * A worker takes about `store_ms` milliseconds for a request.
//! * `serve(worker, request, next)` has a worker serve the request.
//! * `is_late(&request)` returns true if the client has stopped waiting. Clients wait for two seconds.
//! * A response from a status: `StatusCode::TOO_MANY_REQUESTS.into_response()`.
//! * Count each request that you refuse: `counter!("queue_refused").increment(1)`.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use firedrill_core::incident::{Chain, Env, Parked, Slot};

use super::shared::{Workers, serve, workers};

/// Puts the queue into the chain.
pub fn install(chain: &mut Chain) {
    chain.layer(Slot::Limit, limit);
}

fn limit(routes: Router, env: &Env) -> Router {
    routes.layer(from_fn_with_state(workers(env), wait_and_serve))
}

async fn wait_and_serve(
    State(workers): State<Arc<Workers>>,
    request: Request,
    next: Next,
) -> Response {
    let place = workers.queue();
    let worker = workers.free.acquire().parked("a worker").await;
    drop(place);
    match worker {
        Ok(worker) => serve(worker, request, next).await,
        // Never: nobody closes the semaphore.
        Err(_closed) => next.run(request).await,
    }
}
