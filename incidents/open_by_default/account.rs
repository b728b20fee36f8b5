//! The partial fix: the wrapper is right, and the account that came with the software is still there.

use axum::extract::{MatchedPath, Request};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::shared::{
    self, Account, DEFAULT, DETAIL, EXPORT, HEALTH, OLGA, ORDERS, REFUSED, may_enter, watch,
};
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
    let route = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    if route == Some(HEALTH) || may_enter(request.headers(), &ACCOUNTS) {
        return next.run(request).await;
    }
    REFUSED.into_response()
}

// cause: `admin`, `admin`, as it was delivered; nobody needed it, so nobody took it out.
const ACCOUNTS: [Account; 2] = [OLGA, DEFAULT];
