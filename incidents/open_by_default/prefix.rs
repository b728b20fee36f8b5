//! The partial fix: a wrapper around all pages, which lets pass whatever begins like the monitor's page.

use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::shared::{self, DETAIL, EXPORT, HEALTH, OLGA, ORDERS, REFUSED, may_enter, watch};
use firedrill_core::incident::{Chain, Slot};

/// Puts the partial fix into the chain.
pub fn install(chain: &mut Chain) {
    chain.routes("admin", |routes, _| routes.route(HEALTH, get(shared::health)));
    chain.routes("admin", |routes, _| routes.route(DETAIL, get(shared::health_detail)));
    chain.routes("admin", |routes, _| routes.route(ORDERS, get(shared::orders)));
    chain.routes("admin", |routes, _| routes.route(EXPORT, get(shared::export)));
    chain.layer_of_group("admin", Slot::Metrics, watch);
    chain.layer_of_group("admin", Slot::Auth, |routes, _| routes.layer(from_fn(guard)));
}

async fn guard(request: Request, next: Next) -> Response {
    // cause: more than one page begins like this.
    if request.uri().path().starts_with(HEALTH) {
        return next.run(request).await;
    }
    if may_enter(request.headers(), &[OLGA]) {
        return next.run(request).await;
    }
    REFUSED.into_response()
}
