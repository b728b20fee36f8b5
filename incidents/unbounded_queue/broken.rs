//! The queue without a limit: a request that finds no free worker waits for one, for as long as it takes.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use firedrill_core::incident::{Chain, Env, Parked, Slot};

use super::shared::{Workers, serve, workers};

/// Puts the bug into the chain.
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
    // cause: the semaphore keeps a list of those who wait, and the list has no limit.
    let worker = workers.free.acquire().parked("a worker").await;
    drop(place);
    match worker {
        Ok(worker) => serve(worker, request, next).await,
        // Never: nobody closes the semaphore.
        Err(_closed) => next.run(request).await,
    }
}
