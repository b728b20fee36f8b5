//! A cheat: every request is refused.

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use firedrill_core::incident::{Chain, Env, Slot};
use metrics::counter;

use super::shared::workers;

pub fn install(chain: &mut Chain) {
    chain.layer(Slot::Limit, limit);
}

fn limit(routes: Router, env: &Env) -> Router {
    workers(env);
    routes.layer(from_fn(refuse))
}

async fn refuse(_: Request, _: Next) -> Response {
    counter!("queue_refused").increment(1);
    StatusCode::TOO_MANY_REQUESTS.into_response()
}
