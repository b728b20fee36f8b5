//! The leak: each order has a path of its own, and so each order makes new series, for good.

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use firedrill_core::incident::{Chain, Env, Slot};
use tokio::time::Instant;

use super::shared::{describe, record, start};

/// Puts the bug into the chain.
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
    // cause: the path as the client sent it, with the order's number in it.
    let path = request.uri().path().to_owned();
    start(&method, &path);
    let response = next.run(request).await;
    record(&method, &path, response.status(), started.elapsed());
    response
}
