//! A cheat: no limit, and a timeout on the wait that is as long as the client's: the refusal comes too late.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use firedrill_core::incident::{Chain, Env, Slot};
use metrics::counter;
use tokio::time::timeout;

use super::shared::{Workers, serve, workers};

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
    let worker = timeout(Duration::from_millis(1950), workers.free.acquire()).await;
    drop(place);
    if let Ok(Ok(worker)) = worker {
        return serve(worker, request, next).await;
    }
    counter!("queue_refused").increment(1);
    StatusCode::TOO_MANY_REQUESTS.into_response()
}
