//! A solution written otherwise: the monitor's page stands in a group of its own, and all others behind a
//! layer that knows no exception.

use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use firedrill_core::incident::{Chain, Slot};
use metrics::counter;

use super::shared::{self, DETAIL, EXPORT, HEALTH, OLGA, ORDERS, REFUSED, may_enter, watch};

pub fn install(chain: &mut Chain) {
    chain.routes("open", |routes, _| routes.route(HEALTH, get(health)));
    chain.routes("admin", |routes, _| routes.route(DETAIL, get(shared::health_detail)));
    chain.routes("admin", |routes, _| routes.route(ORDERS, get(shared::orders)));
    chain.routes("admin", |routes, _| routes.route(EXPORT, get(shared::export)));
    chain.layer_of_group("admin", Slot::Metrics, watch);
    chain.layer_of_group("admin", Slot::Auth, |routes, _| routes.layer(from_fn(guard)));
}

async fn health() -> &'static str {
    counter!("admin_open").increment(1);
    shared::health().await
}

async fn guard(request: Request, next: Next) -> Response {
    if !may_enter(request.headers(), &[OLGA]) {
        return REFUSED.into_response();
    }
    next.run(request).await
}
