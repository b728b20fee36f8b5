//! A partial fix: no request waits, so some are refused while the workers keep up.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use firedrill_core::incident::{Chain, Env, Slot};
use metrics::counter;

use super::shared::{Workers, serve, workers};

pub fn install(chain: &mut Chain) {
    chain.layer(Slot::Limit, limit);
}

fn limit(routes: Router, env: &Env) -> Router {
    routes.layer(from_fn_with_state(workers(env), serve_or_refuse))
}

async fn serve_or_refuse(
    State(workers): State<Arc<Workers>>,
    request: Request,
    next: Next,
) -> Response {
    // Two workers are kept back.
    let spare = workers.free.available_permits() > 2;
    if let Some(worker) = workers.free.try_acquire().ok().filter(|_| spare) {
        return serve(worker, request, next).await;
    }
    counter!("queue_refused").increment(1);
    StatusCode::TOO_MANY_REQUESTS.into_response()
}
