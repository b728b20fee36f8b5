//! A cheat: no report for anybody, and so none for strangers.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use firedrill_core::incident::{Chain, Env, Slot};

use super::shared::{Duties, describe, has_badge, reports, too_many, turned_away};

pub fn install(chain: &mut Chain) {
    chain.routes("reports", reports);
    chain.layer_of_group("reports", Slot::Auth, gate);
}

fn gate(routes: Router, env: &Env) -> Router {
    routes.layer(from_fn_with_state(env.shared(|| Duties::new(env)), pass))
}

async fn pass(State(duties): State<Arc<Duties>>, request: Request, _: Next) -> Response {
    if !has_badge(request.headers()) {
        return turned_away();
    }
    let described = describe(&request);
    let response = too_many();
    if duties.log_is_on() {
        duties.log(&described, &response);
    }
    response
}
