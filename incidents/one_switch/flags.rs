//! The partial fix: three switches, still in one function. One of them is read in the wrong place.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;

use super::shared::{Duties, describe, has_badge, reports, too_many, turned_away};
use firedrill_core::incident::{Chain, Env, Slot};

/// Puts the partial fix into the chain.
pub fn install(chain: &mut Chain) {
    chain.routes("reports", reports);
    chain.layer_of_group("reports", Slot::Auth, gate);
}

fn gate(routes: Router, env: &Env) -> Router {
    routes.layer(from_fn_with_state(env.shared(|| Duties::new(env)), pass))
}

async fn pass(State(duties): State<Arc<Duties>>, request: Request, next: Next) -> Response {
    if duties.check_is_on() && !has_badge(request.headers()) {
        return turned_away();
    }
    // cause: it leaves here for the log's sake, and never comes to what stands below.
    if !duties.log_is_on() {
        return next.run(request).await;
    }
    let described = describe(&request);
    let response = if duties.limit_is_on() && !duties.take_turn() {
        too_many()
    } else {
        next.run(request).await
    };
    duties.log(&described, &response);
    response
}
