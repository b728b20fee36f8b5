//! A partial fix: the limit holds whether or not there is a log; nobody asks for a badge.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use firedrill_core::incident::{Chain, Env, Slot};

use super::shared::{Duties, describe, reports, too_many};

pub fn install(chain: &mut Chain) {
    chain.routes("reports", reports);
    chain.layer_of_group("reports", Slot::Auth, gate);
}

fn gate(routes: Router, env: &Env) -> Router {
    routes.layer(from_fn_with_state(env.shared(|| Duties::new(env)), pass))
}

async fn pass(State(duties): State<Arc<Duties>>, request: Request, next: Next) -> Response {
    let described = describe(&request);
    let response = if duties.take_turn() { next.run(request).await } else { too_many() };
    if duties.log_is_on() {
        duties.log(&described, &response);
    }
    response
}
