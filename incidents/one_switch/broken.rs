//! The outage: one middleware logs, asks for the badge and limits, and has one switch, the log's.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;

use super::shared::{Duties, describe, has_badge, reports, too_many, turned_away};
use firedrill_core::incident::{Chain, Env, Slot};

/// Puts the bug into the chain.
pub fn install(chain: &mut Chain) {
    chain.routes("reports", reports);
    chain.layer_of_group("reports", Slot::Auth, gate);
}

fn gate(routes: Router, env: &Env) -> Router {
    routes.layer(from_fn_with_state(env.shared(|| Duties::new(env)), pass))
}

async fn pass(State(duties): State<Arc<Duties>>, request: Request, next: Next) -> Response {
    // cause: where the log is off, the rest of this function is off too.
    if !duties.log_is_on() {
        return next.run(request).await;
    }
    let described = describe(&request);
    let response = if !has_badge(request.headers()) {
        turned_away()
    } else if !duties.take_turn() {
        too_many()
    } else {
        next.run(request).await
    };
    duties.log(&described, &response);
    response
}
