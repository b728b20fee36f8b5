//! The fix: closed by default. A wrapper around all pages, a list of whole routes that are open, and no
//! account but those that were made for somebody.

use axum::extract::{MatchedPath, Request};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use metrics::counter;

use super::shared::{self, DETAIL, EXPORT, HEALTH, OLGA, ORDERS, REFUSED, may_enter, watch};
use firedrill_core::incident::{Chain, Slot};

/// Routes that need no password: the route that was found, not what the address begins with.
const OPEN: [&str; 1] = [HEALTH];

/// Puts the fix into the chain.
pub fn install(chain: &mut Chain) {
    chain.routes("admin", |routes, _| routes.route(HEALTH, get(shared::health)));
    chain.routes("admin", |routes, _| routes.route(DETAIL, get(shared::health_detail)));
    chain.routes("admin", |routes, _| routes.route(ORDERS, get(shared::orders)));
    chain.routes("admin", |routes, _| routes.route(EXPORT, get(shared::export)));
    chain.layer_of_group("admin", Slot::Metrics, watch);
    // fix: one wrapper around all pages, those of next month included.
    chain.layer_of_group("admin", Slot::Auth, |routes, _| routes.layer(from_fn(guard)));
}

async fn guard(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    if route.is_some_and(|route| OPEN.contains(&route)) {
        counter!("admin_open").increment(1);
        return next.run(request).await;
    }
    if may_enter(request.headers(), &[OLGA]) {
        return next.run(request).await;
    }
    REFUSED.into_response()
}
