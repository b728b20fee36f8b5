//! The middleware in front of the reports on the night on which strangers read them. It logs, asks for a badge, and
//! limits; its log had been switched off a week before, to save the disk.
//!
//! Change this file so that switching the log off switches off the log alone: without a badge there is no report, and
//! no more reports are made than `take_turn` allows. Where the log is on, every request that carries a badge is logged.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;

use super::shared::{Duties, describe, has_badge, reports, too_many, turned_away};
use firedrill_core::incident::{Chain, Env, Slot};

/// Puts the reports and their middleware into the chain.
pub fn install(chain: &mut Chain) {
    chain.routes("reports", reports);
    chain.layer_of_group("reports", Slot::Auth, gate);
}

fn gate(routes: Router, env: &Env) -> Router {
    routes.layer(from_fn_with_state(env.shared(|| Duties::new(env)), pass))
}

async fn pass(State(duties): State<Arc<Duties>>, request: Request, next: Next) -> Response {
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
