//! The fix: a label is the route, of which there are as many as the program has.

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use firedrill_core::incident::{Chain, Env, Slot};
use tokio::time::Instant;

use super::shared::{describe, record, start};

/// Puts the fix into the chain.
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
    // fix: `/orders/{id}`, whatever the order's number.
    let path = request.extensions().get::<MatchedPath>().cloned();
    let path = path.as_ref().map_or("(none)", MatchedPath::as_str);
    start(&method, path);
    let response = next.run(request).await;
    record(&method, path, response.status(), started.elapsed());
    response
}
