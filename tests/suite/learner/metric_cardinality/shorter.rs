//! A partial fix: all but the last two digits of an order are its label.

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use firedrill_core::incident::{Chain, Env, Slot};
use tokio::time::Instant;

use super::shared::{describe, record, start};

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
    let path = request.uri().path();
    let path = path[..path.len().saturating_sub(5)].to_owned();
    start(&method, &path);
    let response = next.run(request).await;
    record(&method, &path, response.status(), started.elapsed());
    response
}
