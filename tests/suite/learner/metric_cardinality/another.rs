//! A solution written otherwise: numbers in the path give way to `{n}`.

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
    let parts = request.uri().path().split('/');
    let parts = parts.map(|part| if part.parse::<u64>().is_ok() { "{n}" } else { part });
    let path = parts.collect::<Vec<&str>>().join("/");
    start(&method, &path);
    let response = next.run(request).await;
    record(&method, &path, response.status(), started.elapsed());
    response
}
