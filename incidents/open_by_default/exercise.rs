//! The pages of the administration, one of which anybody could see.
//!
//! Change this file so that no page but `/admin/health` goes out without Olga's name and password, and so that this
//! holds for a page that somebody adds next month. `/admin/health` is the monitor's, which has no password: what is
//! let through without one is counted in `admin_open`.

use axum::http::HeaderMap;
use axum::routing::get;

use super::shared::{
    self, DETAIL, EXPORT, HEALTH, OLGA, ORDERS, REFUSED, Refusal, may_enter, watch,
};
use firedrill_core::incident::{Chain, Slot};

/// Puts the pages into the chain.
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
    Ok(shared::export().await)
}
