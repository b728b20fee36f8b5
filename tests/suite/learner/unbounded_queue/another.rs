//! A solution written otherwise: no queue to speak of. A request waits for a worker for at most 1.5 s, and
//! is refused at once where as many wait as can be served in that time.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use firedrill_core::incident::{Chain, Env, Slot};
use metrics::counter;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::shared::{Workers, serve, workers};

/// Requests inside: those with a worker, and those that wait.
struct Inside(Semaphore);

pub fn install(chain: &mut Chain) {
    chain.layer(Slot::Limit, limit);
}

fn limit(routes: Router, env: &Env) -> Router {
    let state = (workers(env), env.shared(|| Inside(Semaphore::new(120))));
    routes.layer(from_fn_with_state(state, wait_and_serve))
}

async fn wait_and_serve(
    State((workers, inside)): State<(Arc<Workers>, Arc<Inside>)>,
    request: Request,
    next: Next,
) -> Response {
    let Ok(_inside) = inside.0.try_acquire() else { return refuse() };
    let place = workers.queue();
    let worker = timeout(Duration::from_millis(1500), workers.free.acquire()).await;
    drop(place);
    match worker {
        Ok(Ok(worker)) => serve(worker, request, next).await,
        _ => refuse(),
    }
}

fn refuse() -> Response {
    counter!("queue_refused").increment(1);
    StatusCode::SERVICE_UNAVAILABLE.into_response()
}
