//! The leak: each handler asks for the password, and the new one does not.

use axum::http::HeaderMap;
use axum::routing::get;

use super::shared::{
    self, DETAIL, EXPORT, HEALTH, OLGA, ORDERS, REFUSED, Refusal, may_enter, watch,
};
use firedrill_core::incident::{Chain, Slot};

/// Puts the bug into the chain.
pub fn install(chain: &mut Chain) {
    chain.routes("admin", |routes, _| routes.route(HEALTH, get(shared::health)));
    chain.routes("admin", |routes, _| routes.route(DETAIL, get(health_detail)));
    chain.routes("admin", |routes, _| routes.route(ORDERS, get(orders)));
    chain.routes("admin", |routes, _| routes.route(EXPORT, get(export)));
    chain.layer_of_group("admin", Slot::Metrics, watch);
}

/// Password check, to be called first in each handler.
fn require_password(headers: &HeaderMap) -> Result<(), Refusal> {
    if may_enter(headers, &[OLGA]) { Ok(()) } else { Err(REFUSED) }
}

async fn health_detail(headers: HeaderMap) -> Result<&'static str, Refusal> {
    require_password(&headers)?;
    Ok(shared::health_detail().await)
}

async fn orders(headers: HeaderMap) -> Result<&'static str, Refusal> {
    require_password(&headers)?;
    Ok(shared::orders().await)
}

async fn export() -> Result<&'static str, Refusal> {
    // cause: a page is open until somebody thinks of closing it; here nobody has.
    Ok(shared::export().await)
}
