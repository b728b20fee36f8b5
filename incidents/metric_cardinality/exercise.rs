//! The monitoring middleware whose metrics filled the memory: each request is counted and timed by method,
//! path and status.
//!
//! Change this file so that the number of series does not grow with the number of orders. Every request is
//! still to be counted, by its route.

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use firedrill_core::incident::{Chain, Env, Slot};
use tokio::time::Instant;

use super::shared::{describe, record, start};

/// Puts the middleware into the chain.
pub fn install(chain: &mut Chain) {
    chain.layer_beside(Slot::Metrics, monitor);
}

fn monitor(routes: Router, _: &Env) -> Router {
    describe();
    routes.layer(from_fn(measure))
}

async fn measure(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    start(&method, &path);
    let response = next.run(request).await;
    record(&method, &path, response.status(), started.elapsed());
    response
}
